//! What a holder takes along for verifiers whose data are old: `GET /v1/series/{id}/numbers/{number}/proof`,
//! `GET /v1/blocks/{height}/renewal`.

use std::sync::{Arc, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use concord_spec::codec;
use concord_spec::id::{CredentialId, Height, Number, SeriesId};
use concord_spec::ledger::LedgerState;
use concord_spec::receipt::HashPath;
use concord_spec::renewal::Renewal;
use concord_spec::status_proof::StatusProof;

use super::problem::{Named, Problem};
use super::{Api, apart, cbor};
use crate::pool::{ChainError, SealedBlock};

/// How a number of a series stands as of the last block, with the paths to its state and its seal: a verifier whose data are
/// older needs nothing else.
#[utoipa::path(
    get, path = "/v1/series/{id}/numbers/{number}/proof", tag = "directory",
    params(("id" = u32, Path, description = "Series"), ("number" = u64, Path, description = "Number")),
    responses(
        (status = 200, description = "Status proof", body = Vec<u8>, content_type = "application/cbor"),
        (status = 404, description = "UNKNOWN_SERIES; NOT_ISSUED: the series has not issued the number", body = Problem),
    ),
)]
pub(super) async fn status_proof(
    State(api): State<Arc<Api>>,
    Named((series, number)): Named<(SeriesId, u64)>,
) -> Result<Response, Problem> {
    let of = CredentialId {
        series,
        number: Number(number),
    };
    let made = apart(move || {
        let (state, sealed) = tip(&api)?;
        let Some(status) = state.series_status(series) else {
            return Ok(Err(Problem::not_found(
                "UNKNOWN_SERIES",
                format!("series {series} is not open"),
            )));
        };
        if number >= status.next {
            let detail = format!("series {series} has not issued number {number} yet");
            return Ok(Err(Problem::not_found("NOT_ISSUED", detail)));
        }
        let (header, rest) = (&sealed.block.header, &sealed.block.rest);
        let proof = StatusProof::of(&state, header, rest, &sealed.seal, of);
        let missing = || ChainError::new(format!("series {series} has a status and no place in its section"));
        proof.ok_or_else(missing).map(|proof| Ok(proof.to_bytes()))
    });
    Ok(cbor(made.await??))
}

/// What shows a block to be of the history of the last one, under today's regions: with it the receipts of the block can be
/// renewed.
#[utoipa::path(
    get, path = "/v1/blocks/{height}/renewal", tag = "blocks",
    params(("height" = u64, Path, description = "From 1")),
    responses(
        (status = 200, description = "Renewal", body = Vec<u8>, content_type = "application/cbor"),
        (status = 404, description = "UNKNOWN_BLOCK: past the tip", body = Problem),
        (status = 409, description = "NO_LATER_BLOCK: it is the last one; try again after the next", body = Problem),
    ),
)]
pub(super) async fn renewal(State(api): State<Arc<Api>>, Named(height): Named<Height>) -> Result<Response, Problem> {
    let made = apart(move || {
        let (state, sealed) = tip(&api)?;
        let last = state.tip().height;
        if height == Height(0) || height > last {
            let detail = format!("there is no block {height} yet");
            return Ok(Err(Problem::not_found("UNKNOWN_BLOCK", detail)));
        }
        if height == last {
            let detail = format!("block {height} is the last one, and through nothing later is it seen; try again");
            return Ok(Err(Problem::new(StatusCode::CONFLICT, "NO_LATER_BLOCK", detail)));
        }
        let mut history = api.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.extend(api.chain.as_ref(), last.0)?;
        let path = history.path(api.chain.as_ref(), height, last)?;
        let missing = || ChainError::new(format!("block {height} has no place in the history"));
        let renewal = Renewal {
            path: HashPath(path.ok_or_else(missing)?),
            header: sealed.block.header,
            rest: sealed.block.rest.clone(),
            seal: sealed.seal.clone(),
        };
        Ok(Ok(codec::to_vec(&renewal)))
    });
    Ok(cbor(made.await??))
}

/// The last block's state, and the block.
fn tip(api: &Api) -> Result<(Arc<LedgerState>, Arc<SealedBlock>), ChainError> {
    let state = api.chain.state();
    let height = state.tip().height;
    let sealed = api.pool.blocks().get(height)?;
    let missing = || ChainError::new(format!("block {height} is not in the log"));
    Ok((state, sealed.ok_or_else(missing)?))
}
