//! Submitting records: `POST /v1/records`, `POST /v1/records/batch`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use concord_spec::codec::Reader;
use concord_spec::record::MAX_RECORD;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::problem::{Problem, read_body};
use super::records::RecordState;
use crate::pool::{Refused, Submitted};

/// Most records of a batch.
const MAX_BATCH: usize = 1_000;
/// Most bytes of a batch.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// So long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(15);

/// What became of one record of a batch: its state as of a record, or the code and words of its refusal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum BatchAnswer {
    /// It is taken, or was known.
    Known(RecordState),
    /// It is not taken.
    Refused {
        /// Its id, where it can be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        id: Option<concord_spec::record::RecordId>,
        /// Stable code.
        code: &'static str,
        /// What is wrong, and what to do.
        detail: String,
    },
}

/// Hands in a record. 202 promises that it ends in exactly one block, or in a rejection or expiry that can be read here.
/// The same record again, also with other signatures, is answered as that record.
#[utoipa::path(
    post, path = "/v1/records", tag = "records",
    request_body(content = Vec<u8>, content_type = "application/cbor", description = "COSE_Sign record, at most 64 KiB"),
    responses(
        (status = 202, description = "Taken", body = RecordState),
        (status = 200, description = "Known before: its state", body = RecordState),
        (status = 413, description = "Too long", body = Problem),
        (status = 429, description = "POOL_FULL, with Retry-After", body = Problem),
        (status = 503, description = "DISK_LOW, DISK_FAILED or STOPPING, with Retry-After", body = Problem),
        (status = "4XX", description = "The code of the rejection", body = Problem),
    ),
)]
pub(super) async fn submit(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let body = read_body(request, MAX_RECORD, PATIENCE).await?;
    match api.pool.submit(body).await {
        Ok(Submitted { id, fate, new }) => {
            let status = if new { StatusCode::ACCEPTED } else { StatusCode::OK };
            Ok((status, Json(RecordState::new(id, &fate))).into_response())
        }
        Err(Refused { why, .. }) => Err(Problem::from(&why)),
    }
}

/// Hands in several records, each by itself, in order.
#[utoipa::path(
    post, path = "/v1/records/batch", tag = "records",
    request_body(
        content = Vec<u8>, content_type = "application/cbor",
        description = "CBOR array of byte strings, each a COSE_Sign record: at most 1,000 records, at most 4 MiB"
    ),
    responses(
        (status = 200, description = "One answer a record, in order", body = Vec<BatchAnswer>),
        (status = 400, description = "No such array", body = Problem),
        (status = 413, description = "Too long", body = Problem),
        (status = 429, description = "POOL_FULL for every record, with Retry-After", body = Problem),
        (status = 503, description = "DISK_LOW, DISK_FAILED or STOPPING, with Retry-After", body = Problem),
    ),
)]
pub(super) async fn submit_batch(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let body = read_body(request, MAX_BATCH_BYTES, PATIENCE).await?;
    let records = split(&body)?;
    let answers = api.pool.submit_all(records).await;
    if let Some(why) = refused_whole(&answers) {
        return Err(Problem::from(why));
    }
    let answers: Vec<BatchAnswer> = answers.into_iter().map(BatchAnswer::from).collect();
    Ok(Json(answers).into_response())
}

/// Where the node takes nothing at all, the batch as a whole is to be tried again.
fn refused_whole(answers: &[Result<Submitted, Refused>]) -> Option<&crate::pool::Refusal> {
    let first = answers.first()?.as_ref().err()?;
    let for_node = |answer: &Result<Submitted, Refused>| {
        answer
            .as_ref()
            .is_err_and(|refused| refused.why.retry_after_s().is_some())
    };
    answers.iter().all(for_node).then_some(&first.why)
}

/// The records of a batch, without copying them.
fn split(body: &Bytes) -> Result<Vec<Bytes>, Problem> {
    let malformed = |error| Problem::malformed(format!("a batch is a CBOR array of byte strings: {error}"));
    let mut reader = Reader::new(body);
    let count = reader.array_len(MAX_BATCH).map_err(malformed)?;
    let mut records = Vec::new();
    for _ in 0..count {
        // A record that is too long is refused by itself.
        let record = reader.bytes(MAX_BATCH_BYTES).map_err(malformed)?;
        records.push(body.slice_ref(record));
    }
    reader.finish().map_err(malformed)?;
    Ok(records)
}

impl From<Result<Submitted, Refused>> for BatchAnswer {
    fn from(answer: Result<Submitted, Refused>) -> Self {
        match answer {
            Ok(Submitted { id, fate, .. }) => Self::Known(RecordState::new(id, &fate)),
            Err(Refused { id, why }) => Self::Refused {
                id,
                code: why.code(),
                detail: why.to_string(),
            },
        }
    }
}
