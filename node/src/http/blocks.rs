//! Blocks: `GET /v1/blocks/{height}`, `GET /v1/blocks/{height}/raw`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use concord_spec::codec::{self, Writer};
use concord_spec::digest::Digest;
use concord_spec::id::{Height, Number, RegionId, SeriesId, UnixMillis};
use concord_spec::ledger::{LedgerState, Outcome};
use concord_spec::record::{RecordId, SignedRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Named, Problem};
use super::{Api, apart, cbor};
use crate::pool::SealedBlock;

/// A block. Roots and hashes have 64 hexadecimal digits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BlockView {
    /// From 1.
    #[schema(value_type = u64)]
    height: Height,
    /// Agreed time, Unix milliseconds.
    #[schema(value_type = u64)]
    time_ms: UnixMillis,
    /// The block hash.
    #[schema(value_type = String)]
    hash: Digest,
    /// Hash of the block before.
    #[schema(value_type = String)]
    parent: Digest,
    /// The region that proposed it.
    #[schema(value_type = String)]
    proposer: RegionId,
    /// Over the records' essences.
    #[schema(value_type = String)]
    records_root: Digest,
    /// Over the full records.
    #[schema(value_type = String)]
    bodies_root: Digest,
    /// Of the state after it.
    #[schema(value_type = String)]
    state_root: Digest,
    /// Over all block hashes before.
    #[schema(value_type = String)]
    history_root: Digest,
    /// Its records in order.
    records: Vec<RecordView>,
    /// Who sealed it.
    seal: SealView,
}

/// A record of a block.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecordView {
    /// Record id, 64 hexadecimal digits.
    #[schema(value_type = String)]
    id: RecordId,
    /// What it did, such as `issue`.
    action: &'static str,
    /// In whose name.
    actor: String,
    /// The series that it is about, or that it opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub(super) series: Option<SeriesId>,
    /// An issue's first number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    first: Option<Number>,
    /// How many credentials an issue has.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// Number of a recognition among its region's declarations.
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<u64>,
}

/// A seal: seals of one block differ between nodes.
#[derive(Debug, Serialize, ToSchema)]
struct SealView {
    /// The consensus round.
    round: u32,
    /// The regions that signed.
    #[schema(value_type = Vec<String>)]
    signers: Vec<RegionId>,
}

impl BlockView {
    fn new(SealedBlock { block, seal }: &SealedBlock, state: &LedgerState) -> Self {
        // The regions of the block's own height: later ones may be others.
        let regions = state.region_set_at(block.header.height).ok();
        let signers = regions
            .as_ref()
            .and_then(|regions| seal.signers(regions).ok())
            .unwrap_or_default();
        Self {
            height: block.header.height,
            time_ms: block.header.time,
            hash: block.hash(),
            parent: block.rest.parent,
            proposer: block.rest.proposer.clone(),
            records_root: block.header.records_root,
            bodies_root: block.rest.bodies_root,
            state_root: block.rest.state_root,
            history_root: block.rest.history_root,
            records: block
                .records
                .iter()
                .map(|record| RecordView::new(record, state))
                .collect(),
            seal: SealView {
                round: seal.round,
                signers: signers.into_iter().map(|member| member.region.clone()).collect(),
            },
        }
    }
}

impl RecordView {
    pub(super) fn new(record: &SignedRecord, state: &LedgerState) -> Self {
        let action = &record.payload().action;
        let (opened, declared) = match state.outcome_of(record) {
            Outcome::Opened(series) => (Some(series), None),
            Outcome::Declared(number) => (None, Some(number)),
            Outcome::Done => (None, None),
        };
        let issue = action.as_issue();
        Self {
            id: record.id(),
            action: action.name(),
            actor: record.payload().actor.to_string(),
            series: action.series().or(opened),
            first: issue.map(|issue| issue.first),
            count: issue.map(|issue| issue.count),
            declared,
        }
    }
}

/// A committed block, and who sealed it.
#[utoipa::path(
    get, path = "/v1/blocks/{height}", tag = "blocks",
    params(("height" = u64, Path, description = "From 1")),
    responses(
        (status = 200, description = "The block", body = BlockView),
        (status = 404, description = "UNKNOWN_BLOCK: past the tip", body = Problem),
    ),
)]
pub(super) async fn block(
    State(api): State<Arc<Api>>,
    Named(height): Named<Height>,
) -> Result<Json<BlockView>, Problem> {
    let view = sealed(&api, height, BlockView::new).await?;
    Ok(Json(view))
}

/// A committed block as it is: CBOR `[block, seal]`, both byte strings.
#[utoipa::path(
    get, path = "/v1/blocks/{height}/raw", tag = "blocks",
    params(("height" = u64, Path, description = "From 1")),
    responses(
        (status = 200, description = "CBOR [block, seal]", body = Vec<u8>, content_type = "application/cbor"),
        (status = 404, description = "UNKNOWN_BLOCK: past the tip", body = Problem),
    ),
)]
pub(super) async fn raw_block(State(api): State<Arc<Api>>, Named(height): Named<Height>) -> Result<Response, Problem> {
    let encoded = sealed(&api, height, |sealed, _| {
        let mut writer = Writer::new();
        writer.array(2);
        writer.bytes(&codec::to_vec(&sealed.block));
        writer.bytes(&codec::to_vec(&sealed.seal));
        writer.into_vec()
    });
    Ok(cbor(encoded.await?))
}

async fn sealed<T: Send + 'static>(
    api: &Arc<Api>,
    height: Height,
    show: impl FnOnce(&SealedBlock, &LedgerState) -> T + Send + 'static,
) -> Result<T, Problem> {
    let (pool, state) = (Arc::clone(&api.pool), api.chain.state());
    let found = apart(move || Ok(pool.blocks().get(height)?.map(|sealed| show(&sealed, &state)))).await?;
    found.ok_or_else(|| Problem::not_found("UNKNOWN_BLOCK", format!("there is no block {height} yet")))
}
