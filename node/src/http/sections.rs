//! Sections of the state as they are sealed, those that are one document: `GET /v1/sections/{name}`,
//! `GET /v1/sections/directory/{region}`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use concord_spec::id::RegionId;
use concord_spec::ledger::SectionName;

use super::problem::{Named, Problem};
use super::{Api, apart, cbor};

/// A section as of the last block: `catalogue`, `charter`, `federation` or `recognition`. It is the document whose digest is
/// the section's root under the block's `state_root`; by itself it proves nothing, a trust bundle does.
#[utoipa::path(
    get, path = "/v1/sections/{name}", tag = "directory",
    params(("name" = String, Path, description = "Name of the section")),
    responses(
        (status = 200, description = "The document", body = Vec<u8>, content_type = "application/cbor"),
        (status = 404, description = "UNKNOWN_SECTION", body = Problem),
    ),
)]
pub(super) async fn section(State(api): State<Arc<Api>>, Named(name): Named<String>) -> Result<Response, Problem> {
    document(&api, &name).await
}

/// The offices and series of a region as of the last block.
#[utoipa::path(
    get, path = "/v1/sections/directory/{region}", tag = "directory",
    params(("region" = String, Path, description = "Region")),
    responses(
        (status = 200, description = "The document", body = Vec<u8>, content_type = "application/cbor"),
        (status = 404, description = "UNKNOWN_SECTION", body = Problem),
    ),
)]
pub(super) async fn directory(
    State(api): State<Arc<Api>>,
    Named(region): Named<RegionId>,
) -> Result<Response, Problem> {
    document(&api, &SectionName::Directory(region).to_string()).await
}

async fn document(api: &Arc<Api>, name: &str) -> Result<Response, Problem> {
    let state = api.chain.state();
    let wanted = name.parse::<SectionName>().ok();
    let found = apart(move || Ok(wanted.and_then(|wanted| state.document(&wanted)))).await?;
    let unknown = || Problem::not_found("UNKNOWN_SECTION", format!("{name} is no section that is one document"));
    Ok(cbor(found.ok_or_else(unknown)?))
}
