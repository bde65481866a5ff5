//! Errors of the API: problem details (RFC 9457) with a stable code.

use axum::extract::{Path, Query, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use concord_spec::ledger::Rejection;
use serde::Serialize;
use utoipa::ToSchema;

use super::health::Report;
use crate::pool::{ChainError, Refusal};

/// Media type of problem details.
const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong (RFC 9457). `code` is stable; texts may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the code says more than a link would.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong, and what to do.
    pub(super) detail: String,
    /// Stable code: of the rejection, or of the node's condition.
    pub(super) code: String,
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            retry_after_s: None,
        }
    }

    pub(super) fn not_found(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MALFORMED", detail)
    }

    /// With the seconds after which it may be tried again.
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    /// What another layer answered, as problem details.
    fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => ("NOT_FOUND", "there is nothing at this address; see /v1/openapi.json"),
            StatusCode::METHOD_NOT_ALLOWED => ("METHOD_NOT_ALLOWED", "this address takes another method"),
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => ("TIMEOUT", "it took too long; try again"),
            _ => ("FAILED", "the request cannot be answered"),
        };
        Self::new(status, code, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<&Refusal> for Problem {
    fn from(why: &Refusal) -> Self {
        let status = match why {
            Refusal::Rejected(rejection) => status_of(rejection),
            Refusal::PoolFull => StatusCode::TOO_MANY_REQUESTS,
            Refusal::DiskLow | Refusal::DiskFailed | Refusal::ChainUnreadable | Refusal::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self {
            retry_after_s: why.retry_after_s(),
            ..Self::new(status, why.code(), why.to_string())
        }
    }
}

impl From<ChainError> for Problem {
    fn from(error: ChainError) -> Self {
        tracing::error!(%error, "the chain cannot be read");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "CHAIN_UNREADABLE",
            "this node cannot read its disk; ask another",
        )
    }
}

/// 400 what is no record, 403 what is not signed as it must be, 409 what comes at the wrong time, 422 what no time makes right.
fn status_of(rejection: &Rejection) -> StatusCode {
    match rejection.code() {
        "MALFORMED" => StatusCode::BAD_REQUEST,
        "TOO_FEW_SIGNATURES"
        | "TOO_MANY_SIGNATURES"
        | "SIGNATURE_ORDER"
        | "UNKNOWN_KEY"
        | "FORGED_SIGNATURE"
        | "NOT_YOURS" => StatusCode::FORBIDDEN,
        "DUPLICATE"
        | "NUMBER_GAP"
        | "TYPE_VERSION_GAP"
        | "OFFICE_EXISTS"
        | "STATUS_FINAL"
        | "NOTHING_CHANGES"
        | "SERIES_FROZEN"
        | "NOT_ISSUED"
        | "SERIES_CLOSED"
        | "TYPE_CLOSED"
        | "OFFICE_STANDING"
        | "HAS_SUB_OFFICES"
        | "ALREADY_VOTED"
        | "PROPOSAL_OVER"
        | "TOO_MANY_PROPOSALS"
        | "CHANGE_PENDING"
        | "ROTATION_PENDING"
        | "NO_ROTATION"
        | "REGION_NOT_IN_FORCE"
        | "EVIDENCE_KNOWN" => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Gives every error the same form, also those that no handler made.
pub(super) fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == MEDIA_TYPE);
    if !is_error || is_problem || response.extensions().get::<Report>().is_some() {
        return response;
    }
    let mut problem = Problem::of_status(status).into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        problem.headers_mut().insert(header::ALLOW, allow.clone());
    }
    problem
}

/// A part of the path, or 404: a name that cannot be is not there.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned + Send> axum::extract::FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let found = Path::<T>::from_request_parts(parts, state).await;
        let wrong = |error: axum::extract::rejection::PathRejection| {
            Problem::not_found("NOT_FOUND", format!("no such name: {}", error.body_text()))
        };
        found.map(|Path(name)| Self(name)).map_err(wrong)
    }
}

/// The query, or 400.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned + Send> axum::extract::FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let asked = Query::<T>::from_request_parts(parts, state).await;
        asked
            .map(|Query(query)| Self(query))
            .map_err(|error| Problem::malformed(error.body_text()))
    }
}

/// The whole body, of at most `max` bytes, within `patience`.
pub(super) async fn read_body(
    request: Request,
    max: usize,
    patience: std::time::Duration,
) -> Result<bytes::Bytes, Problem> {
    let too_long = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "BODY_TOO_LARGE",
            format!("at most {max} bytes are taken here"),
        )
    };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > max) {
        return Err(too_long());
    }
    let reading = axum::body::to_bytes(request.into_body(), max);
    match tokio::time::timeout(patience, reading).await {
        Ok(Ok(body)) => Ok(body),
        // A body without an announced length can be too long as well; what else fails is the connection.
        Ok(Err(_)) => Err(too_long()),
        Err(_) => Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT)),
    }
}
