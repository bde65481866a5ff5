//! The trust bundle: `GET /v1/bundle`.
//!
//! It is built off the request path, one at a time, at most one a second, and only when somebody asks for one newer than the last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use concord_spec::bundle::TrustBundle;
use concord_spec::codec;
use concord_spec::digest::Digest;
use concord_spec::epochs::Handover;
use concord_spec::id::Height;
use tokio::sync::Mutex;

use super::problem::Problem;
use super::{Api, apart};
use crate::pool::{ChainError, ChainView, SealedBlock};

/// Media type of a trust bundle.
const MEDIA_TYPE: &str = "application/vnd.concord.bundle";
/// At most one is built in this time.
const PACE: Duration = Duration::from_secs(1);

/// A bundle, encoded.
#[derive(Debug, Clone)]
pub(super) struct Built {
    height: Height,
    hash: Digest,
    bytes: Bytes,
}

/// The last bundle, and who builds the next.
#[derive(Debug, Default)]
pub(super) struct Bundles {
    /// Held while one is built: who asks meanwhile waits for that one.
    last: Mutex<Option<(Built, Instant)>>,
}

impl Bundles {
    /// A bundle at least as new as this call, or `None` before the first block.
    async fn newest(&self, api: &Api) -> Result<Option<Built>, Problem> {
        let asked_at = api.chain.state().tip().height;
        let mut last = self.last.lock().await;
        if let Some((built, _)) = last.as_ref()
            && built.height >= asked_at
        {
            return Ok(Some(built.clone()));
        }
        if let Some((_, at)) = last.as_ref() {
            tokio::time::sleep(PACE.saturating_sub(at.elapsed())).await;
        }
        let began = Instant::now();
        let chain = Arc::clone(&api.chain);
        let Some(built) = apart(move || build(chain.as_ref())).await? else {
            return Ok(None);
        };
        api.meters.built_bundle(began.elapsed());
        *last = Some((built.clone(), began));
        Ok(Some(built))
    }
}

fn build(chain: &dyn ChainView) -> Result<Option<Built>, ChainError> {
    let state = chain.state();
    let height = state.tip().height;
    let Some(sealed) = chain.sealed_block(height)? else {
        return Ok(None);
    };
    let hash = sealed.block.hash();
    let mut handovers = Vec::new();
    for before in state
        .federation()
        .changes_of_regions()
        .into_iter()
        .filter_map(Height::previous)
    {
        if before < height
            && let Some(SealedBlock { block, seal }) = chain.sealed_block(before)?
        {
            let (header, rest) = (block.header, block.rest);
            handovers.push(Handover { header, rest, seal });
        }
    }
    let bundle = TrustBundle::full(&state, handovers, sealed.block.header, sealed.block.rest, sealed.seal);
    Ok(Some(Built {
        height,
        hash,
        bytes: codec::to_vec(&bundle).into(),
    }))
}

/// The sealed state that a verifier carries, as of the last block. Its ETag is the block's hash.
#[utoipa::path(
    get, path = "/v1/bundle", tag = "bundle",
    params(("If-None-Match" = Option<String>, Header, description = "ETag of the bundle that is there")),
    responses(
        (status = 200, description = "Trust bundle", body = Vec<u8>, content_type = "application/vnd.concord.bundle"),
        (status = 304, description = "There is no newer one"),
        (status = 404, description = "NO_BLOCK: there is no block yet", body = Problem),
    ),
)]
pub(super) async fn bundle(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Response, Problem> {
    let built = api.bundles.newest(&api).await?;
    let built =
        built.ok_or_else(|| Problem::not_found("NO_BLOCK", "there is no block yet, and so nothing is sealed"))?;
    let etag = format!("\"{}\"", built.hash);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag || one.trim() == "*"));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(built.bytes))
    };
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        own.insert(header::ETAG, etag);
    }
    Ok(response)
}
