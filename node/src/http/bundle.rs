//! The trust bundle: `GET /v1/bundle`. Bundles are built in the background (`bundles`); here they are only handed out.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use concord_spec::bundle::{Checkpoint, MAX_ANCHORS, Selection};
use concord_spec::codec;
use concord_spec::epochs::{Change, Handover, RegionHistory};
use concord_spec::id::Height;
use serde::Deserialize;

use super::problem::{Asked, Problem};
use super::{Api, apart, cbor};
use crate::bundles::{Extent, Unserved, Want};
use crate::pool::ChainError;

/// Media type of a trust bundle.
const MEDIA_TYPE: &str = "application/vnd.concord.bundle";

/// Every change of regions up to the last block, each proved by the sealed block that hands over: with the charter, enough to
/// check the seal of any block.
#[utoipa::path(
    get, path = "/v1/region-history", tag = "bundle",
    responses((status = 200, description = "Region history", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn region_history(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let (chain, handovers) = (Arc::clone(&api.chain), Arc::clone(api.bundles.handovers()));
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

/// What is asked for of the bundle.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parts {
    since: Option<String>,
    extends: Option<String>,
    types: Option<String>,
    regions: Option<String>,
}

impl Parts {
    fn want(&self) -> Result<Want, Problem> {
        let blocks = "HEIGHT:HASH of blocks";
        let anchors: Vec<Checkpoint> = listed(self.extends.as_deref(), "extends", blocks)?.unwrap_or_default();
        if anchors.len() > MAX_ANCHORS {
            return Err(Problem::malformed(format!("extends: at most {MAX_ANCHORS} blocks")));
        }
        let since = listed(self.since.as_deref(), "since", blocks)?;
        let extent = match since.as_deref() {
            None => Extent::Whole(anchors),
            Some([base]) if anchors.is_empty() => Extent::Since(*base),
            Some(_) => return Err(Problem::malformed("since: one block, and then no extends")),
        };
        let types = listed(self.types.as_deref(), "types", "type ids")?.map(BTreeSet::from_iter);
        let regions = listed(self.regions.as_deref(), "regions", "region codes")?.map(BTreeSet::from_iter);
        let selection =
            Selection::of(types, regions).ok_or_else(|| Problem::malformed("too many types or regions are named"))?;
        Ok(Want { selection, extent })
    }
}

/// Values with commas between them; none at all in an empty text.
fn listed<T: FromStr>(text: Option<&str>, name: &str, what: &str) -> Result<Option<Vec<T>>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    let parts = text.split(',').filter(|part| !part.is_empty());
    let values: Option<Vec<T>> = parts.map(|part| part.parse().ok()).collect();
    values
        .map(Some)
        .ok_or_else(|| Problem::malformed(format!("{name}: {what}, with commas between them")))
}

impl From<Unserved> for Problem {
    fn from(why: Unserved) -> Self {
        let words = why.to_string();
        match why {
            Unserved::NoBlock => Self::not_found("NO_BLOCK", words),
            Unserved::Ahead(_) => Self::new(StatusCode::CONFLICT, "AHEAD", words),
            Unserved::OtherHistory(_) => Self::new(StatusCode::CONFLICT, "OTHER_HISTORY", words),
            Unserved::NoDelta { .. } => Self::not_found("NO_DELTA", words),
            Unserved::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", words).retry_after(1),
            Unserved::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "STOPPING", words),
            Unserved::Chain(error) => error.into(),
        }
    }
}

/// The sealed state that a verifier carries: everything, or some types of some regions, whole, or as what changed since a
/// block whose bundle the device holds. It is built in the background and at most two heartbeats old. Its ETag is the
/// hash of its block: who holds the bundle of a block has it without having asked.
#[utoipa::path(
    get, path = "/v1/bundle", tag = "bundle",
    params(
        ("since" = Option<String>, Query, description = "HEIGHT:HASH of the block whose bundle the device holds: answers a delta"),
        ("extends" = Option<String>, Query, description = "HEIGHT:HASH of blocks (commas between them) that the full bundle is to show it continues"),
        ("types" = Option<String>, Query, description = "Only these types, with commas between them"),
        ("regions" = Option<String>, Query, description = "Only these regions, with commas between them"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the bundle that is there"),
    ),
    responses(
        (status = 200, description = "Trust bundle, or delta of one", body = Vec<u8>, content_type = "application/vnd.concord.bundle"),
        (status = 304, description = "There is no newer one"),
        (status = 400, description = "MALFORMED", body = Problem),
        (status = 404, description = "NO_BLOCK: there is no block yet. NO_DELTA: take the full bundle", body = Problem),
        (status = 409, description = "AHEAD: the device knows of later blocks than this node. OTHER_HISTORY: the block is not of this chain", body = Problem),
        (status = 503, description = "BUSY: too many are being asked for", body = Problem),
    ),
)]
pub(super) async fn bundle(
    State(api): State<Arc<Api>>,
    Asked(parts): Asked<Parts>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let want = parts.want()?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known =
        |etag: &str| known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag || one.trim() == "*"));
    // Whoever has the newest gets no delta from it to itself.
    let newest = api.bundles.get(Want::everything()).await?.block;
    let etag = format!("\"{}\"", newest.hash);
    if is_known(&etag) {
        return Ok(with_head(StatusCode::NOT_MODIFIED.into_response(), &etag));
    }
    let served = api.bundles.get(want).await?;
    let etag = format!("\"{}\"", served.block.hash);
    Ok(with_head(Response::new(Body::from(served.bytes)), &etag))
}

fn with_head(mut response: Response, etag: &str) -> Response {
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::from_str(etag) {
        own.insert(header::ETAG, etag);
    }
    response
}
