//! Recognitions as of the last block: who accepts which type of whom, and on which terms.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use concord_spec::day::Day;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, RegionId, TypeId, TypeVersion, UnixMillis};
use concord_spec::recognition::{Declaration, Level, Source, ValueMap, Withdrawal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{Asked, Problem};
use super::{Api, apart};

/// Most declarations of one answer; ask by recogniser, source or type for others.
const MAX_DECLARATIONS: usize = 10_000;

/// What a value there is here.
#[derive(Debug, Serialize, ToSchema)]
struct ValueView {
    /// Key of the claim in the type recognised.
    claim: u64,
    /// The value there.
    there: String,
    /// The value here.
    here: String,
}

impl From<&ValueMap> for ValueView {
    fn from(map: &ValueMap) -> Self {
        Self {
            claim: map.claim,
            there: map.there.clone(),
            here: map.here.clone(),
        }
    }
}

/// How a declaration was taken back.
#[derive(Debug, Serialize, ToSchema)]
struct WithdrawalView {
    /// Height at which it was recorded.
    #[schema(value_type = u64)]
    at: Height,
    /// Credentials issued until this legal day stay recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    issued_until: Option<Day>,
    /// Until when they may be presented, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    presented_until_ms: Option<UnixMillis>,
}

impl From<&Withdrawal> for WithdrawalView {
    fn from(withdrawal: &Withdrawal) -> Self {
        Self {
            at: withdrawal.at,
            issued_until: withdrawal.issued_until,
            presented_until_ms: withdrawal.presented_until,
        }
    }
}

/// A region's declaration that it accepts a type of another region, or of every one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeclarationView {
    /// Who recognises.
    #[schema(value_type = String)]
    recogniser: RegionId,
    /// Its number among the recogniser's declarations, from 1.
    number: u64,
    /// Whose credentials; absent: those of every region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    source: Option<RegionId>,
    /// The type recognised.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: TypeId,
    /// The least version of it.
    #[schema(value_type = u16)]
    min_version: TypeVersion,
    /// As which type here; absent: as itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    local_type: Option<TypeId>,
    /// What values there are here.
    values: Vec<ValueView>,
    /// `equal` or `conditional`.
    #[schema(value_type = String)]
    level: Level,
    /// First legal day of issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    issued_from: Option<Day>,
    /// Last legal day of issue, included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    issued_until: Option<Day>,
    /// From when on it may be presented, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    presented_from_ms: Option<UnixMillis>,
    /// Until when it may be presented, Unix milliseconds, included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    presented_until_ms: Option<UnixMillis>,
    /// Most days between the legal day of issue and presentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age_days: Option<u64>,
    /// For what it is recognised; none listed: for everything.
    purposes: Vec<String>,
    /// SHA-256 of the legal basis, 64 hexadecimal digits.
    #[schema(value_type = String)]
    basis: Digest,
    /// Height at which it was recorded.
    #[schema(value_type = u64)]
    since: Height,
    /// Whether and how it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<WithdrawalView>,
}

impl From<&Declaration> for DeclarationView {
    fn from(declaration: &Declaration) -> Self {
        let terms = &declaration.terms;
        Self {
            recogniser: declaration.recogniser.clone(),
            number: declaration.number,
            source: match &terms.source {
                Source::All => None,
                Source::Region(region) => Some(region.clone()),
            },
            kind: terms.kind.clone(),
            min_version: terms.min_version,
            local_type: terms.local_type.clone(),
            values: terms.values.iter().map(ValueView::from).collect(),
            level: terms.level,
            issued_from: terms.issued_from,
            issued_until: terms.issued_until,
            presented_from_ms: terms.presented_from,
            presented_until_ms: terms.presented_until,
            max_age_days: terms.max_age_days,
            purposes: terms.purposes.clone(),
            basis: terms.basis,
            since: declaration.since,
            withdrawn: declaration.withdrawn.as_ref().map(WithdrawalView::from),
        }
    }
}

/// Which declarations.
#[derive(Debug, Deserialize)]
pub(super) struct WhichDeclarations {
    /// Of this region only.
    recogniser: Option<RegionId>,
    /// About this region's credentials only.
    source: Option<RegionId>,
    /// About this type only.
    #[serde(rename = "type")]
    kind: Option<TypeId>,
    /// Only those that were not taken back.
    #[serde(default)]
    in_force: bool,
}

impl WhichDeclarations {
    fn wants(&self, declaration: &Declaration) -> bool {
        let terms = &declaration.terms;
        let source = self.source.as_ref().is_none_or(|source| terms.source.covers(source));
        let kind = self.kind.as_ref().is_none_or(|kind| *kind == terms.kind);
        let recogniser = self
            .recogniser
            .as_ref()
            .is_none_or(|region| *region == declaration.recogniser);
        source && kind && recogniser && !(self.in_force && declaration.withdrawn.is_some())
    }
}

/// Declarations, by recogniser and number, at most 10,000.
#[utoipa::path(
    get, path = "/v1/recognition", tag = "federation",
    params(
        ("recogniser" = Option<String>, Query, description = "Of this region only"),
        ("source" = Option<String>, Query, description = "About this region's credentials only"),
        ("type" = Option<String>, Query, description = "About this type only"),
        ("in_force" = Option<bool>, Query, description = "Only those that were not taken back"),
    ),
    responses((status = 200, description = "Declarations", body = Vec<DeclarationView>)),
)]
pub(super) async fn recognition(
    State(api): State<Arc<Api>>,
    Asked(which): Asked<WhichDeclarations>,
) -> Result<Json<Vec<DeclarationView>>, Problem> {
    let state = api.chain.state();
    let listed = apart(move || {
        let declarations = state.recognition().declarations.iter();
        let wanted = declarations.filter(|declaration| which.wants(declaration));
        Ok(wanted.take(MAX_DECLARATIONS).map(DeclarationView::from).collect())
    });
    listed.await.map(Json)
}
