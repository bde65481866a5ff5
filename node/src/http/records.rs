//! What became of records, and receipts: `GET /v1/records/{id}`, `GET /v1/records/{id}/receipt`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use concord_spec::codec;
use concord_spec::id::{Height, SeriesId, UnixMillis};
use concord_spec::receipt::Receipt;
use concord_spec::record::RecordId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{Asked, Named, Problem};
use super::{Api, apart, cbor};
use crate::pool::{Fate, Position};

/// Longest wait of a request.
const MAX_WAIT_MS: u64 = 30_000;

/// How far a record has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct RecordState {
    /// Its id: 64 hexadecimal digits.
    #[schema(value_type = String)]
    id: RecordId,
    /// `pending`, `recorded`, `rejected` or `expired`; the last three are final.
    state: &'static str,
    /// Height of its block.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    height: Option<Height>,
    /// Its place in the block, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    /// Time of its block, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    time_ms: Option<UnixMillis>,
    /// The series that it opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    series: Option<SeriesId>,
    /// Code of the rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The rejection in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl RecordState {
    pub(super) fn new(id: RecordId, fate: &Fate) -> Self {
        let state = fate.name();
        let bare = Self {
            id,
            state,
            height: None,
            index: None,
            time_ms: None,
            series: None,
            code: None,
            detail: None,
        };
        match fate {
            Fate::Pending => bare,
            Fate::Recorded(recorded) => Self {
                height: Some(recorded.position.height),
                index: Some(recorded.position.index),
                time_ms: Some(recorded.time),
                series: recorded.opened,
                ..bare
            },
            Fate::Rejected(verdict) | Fate::Expired(verdict) => Self {
                code: Some(verdict.code.to_string()),
                detail: Some(verdict.detail.clone()),
                ..bare
            },
        }
    }
}

/// How long to wait.
#[derive(Debug, Deserialize)]
pub(super) struct Wait {
    /// Wait so long while the record is pending: milliseconds, at most 30,000.
    #[serde(default)]
    wait_ms: u64,
}

/// How far a record has come.
#[utoipa::path(
    get, path = "/v1/records/{id}", tag = "records",
    params(
        ("id" = String, Path, description = "Record id, 64 hexadecimal digits"),
        ("wait_ms" = Option<u64>, Query, description = "Wait so long while it is pending: milliseconds, at most 30,000"),
    ),
    responses(
        (status = 200, description = "Its state", body = RecordState),
        (status = 404, description = "UNKNOWN_RECORD: never seen here", body = Problem),
    ),
)]
pub(super) async fn record(
    State(api): State<Arc<Api>>,
    Named(id): Named<RecordId>,
    Asked(wait): Asked<Wait>,
) -> Result<Json<RecordState>, Problem> {
    let fate = fate(&api, id, Duration::from_millis(wait.wait_ms.min(MAX_WAIT_MS))).await?;
    Ok(Json(RecordState::new(id, &fate)))
}

async fn fate(api: &Arc<Api>, id: RecordId, patience: Duration) -> Result<Fate, Problem> {
    let unknown = || Problem::not_found("UNKNOWN_RECORD", format!("no record {id} was seen here"));
    if patience > Duration::ZERO {
        // Who waits is let go when the node stops.
        let settled = api.stop.run_until_cancelled(api.pool.waited(&id, patience)).await;
        if let Some(Some(fate)) = settled {
            return Ok(fate);
        }
    }
    let pool = Arc::clone(&api.pool);
    apart(move || pool.fate(&id)).await?.ok_or_else(unknown)
}

/// The receipt of a recorded issue: proof that it is in a sealed block.
#[utoipa::path(
    get, path = "/v1/records/{id}/receipt", tag = "records",
    params(("id" = String, Path, description = "Record id, 64 hexadecimal digits")),
    responses(
        (status = 200, description = "Receipt", body = Vec<u8>, content_type = "application/cbor"),
        (status = 404, description = "UNKNOWN_RECORD: never seen here", body = Problem),
        (status = 409, description = "NOT_RECORDED: not in a block (yet); NO_RECEIPT: not an issue", body = Problem),
    ),
)]
pub(super) async fn receipt(State(api): State<Arc<Api>>, Named(id): Named<RecordId>) -> Result<Response, Problem> {
    let conflict = |code: &str, detail: &str| Problem::new(StatusCode::CONFLICT, code, detail);
    let Position { height, index } = match fate(&api, id, Duration::ZERO).await? {
        Fate::Recorded(recorded) => recorded.position,
        Fate::Pending => return Err(conflict("NOT_RECORDED", "the record waits for a block; try again")),
        Fate::Rejected(why) | Fate::Expired(why) => {
            return Err(conflict(
                "NOT_RECORDED",
                &format!("the record will be in no block: {}", why.detail),
            ));
        }
    };
    let pool = Arc::clone(&api.pool);
    let receipt = apart(move || {
        let sealed = pool.blocks().get(height)?;
        let receipt =
            sealed.and_then(|sealed| Receipt::of_issue(&sealed.block, &sealed.seal, usize::try_from(index).ok()?));
        Ok(receipt.map(|receipt| codec::to_vec(&receipt)))
    });
    let receipt = receipt.await?;
    receipt
        .map(cbor)
        .ok_or_else(|| conflict("NO_RECEIPT", "only an issue of credentials has a receipt"))
}
