//! The trust bundle: `GET /v1/bundle`.
//!
//! It is built off the request path, one at a time, at most one a second, and only when somebody asks for one newer than the last.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use concord_spec::bundle::TrustBundle;
use concord_spec::codec;
use concord_spec::digest::Digest;
use concord_spec::epochs::{Change, Handover, RegionHistory};
use concord_spec::id::Height;
use concord_spec::ledger::LedgerState;
use tokio::sync::Mutex;

use super::problem::Problem;
use super::{Api, apart, cbor};
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
    handovers: Arc<Handovers>,
}

/// Handovers that were read from the log, by the height of the block: decided once, they stay. None: the set stayed the same.
#[derive(Debug, Default)]
struct Handovers(std::sync::Mutex<BTreeMap<Height, Option<Handover>>>);

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
        let (chain, handovers) = (Arc::clone(&api.chain), Arc::clone(&self.handovers));
        let Some(built) = apart(move || build(chain.as_ref(), &handovers)).await? else {
            return Ok(None);
        };
        api.meters.built_bundle(began.elapsed());
        *last = Some((built.clone(), began));
        Ok(Some(built))
    }
}

fn build(chain: &dyn ChainView, handovers: &Handovers) -> Result<Option<Built>, ChainError> {
    let state = chain.state();
    let height = state.tip().height;
    let Some(sealed) = chain.sealed_block(height)? else {
        return Ok(None);
    };
    let hash = sealed.block.hash();
    let bundle = TrustBundle::full(
        &state,
        handovers.up_to_tip(chain, &state)?,
        sealed.block.header,
        sealed.block.rest,
        sealed.seal,
    );
    Ok(Some(Built {
        height,
        hash,
        bytes: codec::to_vec(&bundle).into(),
    }))
}

impl Handovers {
    /// The sealed headers of the blocks before the last one after which other regions, or other keys, were in force. Each is
    /// read from the log once.
    fn up_to_tip(&self, chain: &dyn ChainView, state: &LedgerState) -> Result<Vec<Handover>, ChainError> {
        let tip = state.tip().height;
        let changes = state.federation().changes_of_regions().into_iter();
        // The last block under the old set. The last block of all stands for itself.
        let last_of_old = changes.filter_map(Height::previous).take_while(|height| *height < tip);
        let mut handovers = Vec::new();
        for height in last_of_old {
            let known = self.lock().get(&height).cloned();
            let handover = match known {
                Some(handover) => handover,
                None => {
                    let read = read_handover(chain, height)?;
                    self.lock().insert(height, read.clone());
                    read
                }
            };
            handovers.extend(handover);
        }
        Ok(handovers)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Height, Option<Handover>>> {
        // A panic elsewhere leaves a map of true facts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// None where a term ended and another began without another set: a rotation that was taken back before it was in force.
fn read_handover(chain: &dyn ChainView, height: Height) -> Result<Option<Handover>, ChainError> {
    let Some(SealedBlock { block, seal }) = chain.sealed_block(height)? else {
        return Err(ChainError::new(format!(
            "block {height}, after which the regions changed, is not in the log"
        )));
    };
    let (header, rest) = (block.header, block.rest);
    let changes = rest.regions_next != rest.regions_now;
    Ok(changes.then_some(Handover { header, rest, seal }))
}

/// Every change of regions up to the last block, each proved by the sealed block that hands over: with the charter, enough to
/// check the seal of any block.
#[utoipa::path(
    get, path = "/v1/region-history", tag = "bundle",
    responses((status = 200, description = "Region history", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn region_history(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let (chain, handovers) = (Arc::clone(&api.chain), Arc::clone(&api.bundles.handovers));
    let history = apart(move || {
        let state = chain.state();
        let change = |handover: Handover| {
            let from = Height(handover.header.height.0.saturating_add(1));
            let regions = state.region_set_at(from).map_err(ChainError::new)?;
            Ok(Change { handover, regions })
        };
        let changes = handovers.up_to_tip(chain.as_ref(), &state)?.into_iter().map(change);
        Ok(RegionHistory {
            height: state.tip().height,
            changes: changes.collect::<Result<_, ChainError>>()?,
        })
    });
    Ok(cbor(codec::to_vec(&history.await?)))
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
