//! The description of the API, made from the code: `GET /v1/openapi.json`.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use super::{
    blocks, bundle, directory, events, federation, health, proofs, recognition, records, sections, status, submit,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Concord node",
        description = "Ledger of certificates that regions recognise mutually. What it says proves nothing by itself: \
                       receipts and trust bundles do. `/healthz`, `/readyz` and `/metrics` answer on the admin address."
    ),
    paths(
        submit::submit,
        submit::submit_batch,
        records::record,
        records::receipt,
        blocks::block,
        blocks::raw_block,
        proofs::renewal,
        status::status,
        directory::charter,
        federation::federation,
        federation::region,
        recognition::recognition,
        directory::catalogue,
        directory::type_definition,
        directory::offices,
        directory::office,
        directory::series,
        directory::one_series,
        directory::number,
        proofs::status_proof,
        sections::section,
        sections::directory,
        bundle::bundle,
        bundle::region_history,
        events::events,
        document,
        health::healthz,
        health::readyz,
        health::metrics,
    )
)]
struct Description;

/// This description.
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "node",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
pub(super) async fn document() -> Json<Document> {
    Json(description())
}

/// The description.
pub(super) fn description() -> Document {
    Description::openapi()
}
