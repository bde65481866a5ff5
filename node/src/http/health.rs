//! Health and metrics, on the admin address: `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;
use super::status::connected_regions;
use crate::membership::Standing;

/// So many blocks behind is still ready: they are on their way.
const READY_BEHIND: u64 = 3;

/// Whether the process is alive. It says nothing of whether it is of use: that is `/readyz`.
#[utoipa::path(
    get, path = "/healthz", tag = "admin",
    responses((status = 200, description = "Alive", body = String, content_type = "text/plain")),
)]
pub(super) async fn healthz() -> &'static str {
    "alive\n"
}

/// Whether the node is of use to clients.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadyView {
    /// Whether all is well.
    ready: bool,
    /// What is not, in words.
    reasons: Vec<String>,
    /// Height of its last block.
    height: u64,
    /// How many blocks it is behind the furthest peer.
    behind: u64,
    /// Other regions that vote and are connected.
    peers: usize,
    /// How many regions it takes to seal a block.
    quorum: usize,
    /// What the node is to the federation: `member`, `observer`, `not-admitted`, `suspended` or `removed`. Only a member votes.
    standing: &'static str,
    /// Whether records are taken, or the code of why not.
    records: &'static str,
}

/// Whether the node is of use to clients: not behind, enough peers for blocks, room on the disk.
#[utoipa::path(
    get, path = "/readyz", tag = "admin",
    responses(
        (status = 200, description = "Ready", body = ReadyView),
        (status = 503, description = "Not ready, and why", body = ReadyView),
    ),
)]
pub(super) async fn readyz(State(api): State<Arc<Api>>) -> Response {
    let view = ready(&api);
    let status = if view.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut response = (status, Json(view)).into_response();
    // It is a report, not a problem, and keeps its form.
    response.extensions_mut().insert(Report);
    response
}

/// Marks an answer that is an error by its status only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report;

fn ready(api: &Api) -> ReadyView {
    let state = api.chain.state();
    let height = state.tip().height.0;
    let behind = api.network.seen_height().borrow().saturating_sub(height);
    let (peers, quorum) = (connected_regions(api), state.region_set().quorum());
    let condition = api.pool.condition();
    let mut reasons = Vec::new();
    if behind > READY_BEHIND {
        reasons.push(format!("{behind} blocks behind"));
    }
    let standing = api.standing(&state);
    // One that does not vote needs only somebody to hear from.
    let votes = state.region_set().index_of(&api.region).is_some() && standing == Standing::Member;
    if votes && peers.saturating_add(1) < quorum {
        reasons.push(format!(
            "connected to {peers} other regions: no block can be sealed with fewer than {quorum}"
        ));
    }
    if !votes && peers == 0 && standing != Standing::Removed {
        reasons.push("connected to no region that votes: nothing new arrives".to_owned());
    }
    if standing == Standing::Removed {
        reasons.push("its region was removed: nothing new arrives".to_owned());
    }
    if let Err(why) = &condition {
        reasons.push(why.to_string());
    }
    if let Some(reason) = api.network.halted() {
        reasons.push(format!("it does not vote: {reason}"));
    }
    let records = condition.err().map_or("taken", |why| why.code());
    ReadyView {
        ready: reasons.is_empty(),
        reasons,
        height,
        behind,
        peers,
        quorum,
        standing: standing.word(),
        records,
    }
}

/// Counters of engine, network, pool and API, as Prometheus reads them.
#[utoipa::path(
    get, path = "/metrics", tag = "admin",
    responses(
        (status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
        (status = 500, description = "FAILED", body = Problem),
    ),
)]
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], api.metrics.text()).into_response()
}
