//! Where the node stands: `GET /v1/status`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::Json;
use axum::extract::State;
use concord_spec::digest::Digest;
use concord_spec::id::{ChainName, Height, RegionId, UnixMillis};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use crate::config::Role;
use crate::network::{PeerStatus, Refusal};

/// Where the node stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusView {
    /// The chain's name.
    #[schema(value_type = String)]
    chain: ChainName,
    /// Digest of the charter, 64 hexadecimal digits.
    #[schema(value_type = String)]
    chain_id: Digest,
    /// Whose node it is.
    #[schema(value_type = String)]
    region: RegionId,
    /// What the node is to the federation: `member`, `observer`, `not-admitted`, `suspended` or `removed`.
    standing: &'static str,
    /// Height of the last block.
    #[schema(value_type = u64)]
    height: Height,
    /// Its time, Unix milliseconds.
    #[schema(value_type = u64)]
    time_ms: UnixMillis,
    /// Its hash.
    #[schema(value_type = String)]
    hash: Digest,
    /// Root of the state after it.
    #[schema(value_type = String)]
    state_root: Digest,
    /// The other regions' nodes.
    peers: Vec<PeerView>,
    /// Records that wait.
    pool: PoolView,
    /// Listed peers that keep another chain.
    refusals: Vec<RefusalView>,
    /// Software version.
    version: &'static str,
}

/// Another region's node.
#[derive(Debug, Serialize, ToSchema)]
struct PeerView {
    /// Its peer id.
    peer_id: String,
    /// Its region.
    #[schema(value_type = String)]
    region: RegionId,
    /// Whether it is connected and keeps our chain.
    connected: bool,
    /// The height that it last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
    /// The software that it says it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    software: Option<String>,
}

/// Records that wait for a block.
#[derive(Debug, Serialize, ToSchema)]
struct PoolView {
    /// How many.
    records: usize,
    /// Their bytes.
    bytes: usize,
}

/// A peer that keeps another chain.
#[derive(Debug, Serialize, ToSchema)]
struct RefusalView {
    /// Its peer id.
    peer_id: String,
    /// Its name on our list.
    name: String,
    /// The reason in words.
    reason: String,
    /// Whether it refused us, rather than we it.
    by_peer: bool,
    /// When it last happened, Unix milliseconds.
    time_ms: u64,
}

impl From<Refusal> for RefusalView {
    fn from(refusal: Refusal) -> Self {
        let since = refusal.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            peer_id: refusal.peer.to_string(),
            name: refusal.name,
            reason: refusal.reason,
            by_peer: refusal.by_peer,
            time_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Where the node stands.
#[utoipa::path(
    get, path = "/v1/status", tag = "node",
    responses((status = 200, description = "Where the node stands", body = StatusView)),
)]
pub(super) async fn status(State(api): State<Arc<Api>>) -> Json<StatusView> {
    let state = api.chain.state();
    let load = api.pool.load();
    Json(StatusView {
        chain: state.charter().chain.clone(),
        chain_id: state.chain_id(),
        region: api.region.clone(),
        standing: api.standing(&state).word(),
        height: state.tip().height,
        time_ms: state.tip().time,
        hash: state.tip().hash,
        state_root: state.root(),
        peers: peers(&api),
        pool: PoolView {
            records: load.records,
            bytes: load.bytes,
        },
        refusals: api.network.refusals().into_iter().map(RefusalView::from).collect(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

fn peers(api: &Api) -> Vec<PeerView> {
    let connected: HashMap<String, PeerStatus> = api
        .network
        .peers()
        .into_iter()
        .map(|peer| (peer.peer.to_string(), peer))
        .collect();
    let state = api.chain.state();
    // An observer's own region is another node; regions that were removed are none of ours any more.
    let others = state.federation().regions.iter().filter(|region| {
        let own = region.region == api.region && api.role == Role::Region;
        !own && region.is_member_at(state.tip().height)
    });
    let view = |region: &concord_spec::ledger::Region| {
        let status = connected.get(&region.peer_id);
        PeerView {
            peer_id: region.peer_id.clone(),
            region: region.region.clone(),
            connected: status.is_some(),
            height: status.map(|status| status.height),
            software: status.map(|status| status.software.clone()),
        }
    };
    others.map(view).collect()
}

/// How many of the other regions that vote on the next block are connected.
pub(super) fn connected_regions(api: &Api) -> usize {
    let state = api.chain.state();
    let votes = |peer: &&PeerView| state.region_set().index_of(&peer.region).is_some();
    peers(api).iter().filter(|peer| peer.connected).filter(votes).count()
}
