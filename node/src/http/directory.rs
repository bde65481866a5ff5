//! The directory: charter, catalogue, offices, series and the status of numbers, as of the last block.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use concord_spec::catalogue::{ClaimDefinition, Classification, Label, TypeRef};
use concord_spec::codec;
use concord_spec::id::{Height, OfficeCode, OfficeId, RegionId, SeriesId, TypeId, TypeVersion, UnixMillis};
use concord_spec::key::{Keyring, PublicKey};
use concord_spec::ledger::{CatalogueEntry, Delegation, LedgerState, Office, OfficeName, Series, Succession, standing};
use concord_spec::record::OfficeLevel;
use concord_spec::status::{Standing, StatusKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{Asked, Named, Problem};
use super::{Api, apart, cbor};

/// Most series of one answer; ask by region, office or key for others.
const MAX_SERIES: usize = 1_000;
/// Most offices of one answer.
const MAX_OFFICES: usize = 10_000;

/// The charter, with the signatures of its regions that this node's copy has.
#[utoipa::path(
    get, path = "/v1/charter", tag = "directory",
    responses((status = 200, description = "Signed charter", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn charter(State(api): State<Arc<Api>>) -> Response {
    cbor(api.charter.clone())
}

/// A version of a type.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TypeView {
    /// Its id.
    #[schema(value_type = String)]
    id: TypeId,
    /// Its version, from 1.
    #[schema(value_type = u16)]
    version: TypeVersion,
    /// Its name by language.
    #[schema(value_type = Vec<Object>)]
    labels: Vec<Label>,
    /// Its own claims.
    #[schema(value_type = Vec<Object>)]
    claims: Vec<ClaimDefinition>,
    /// Its place in the classified catalogue: category, sector, grade, sharing, retention, longest validity, GB/T 36904 type code,
    /// digest of the print template.
    #[schema(value_type = Object)]
    classification: Classification,
    /// Who owns it: a region, a domain authority, or `federation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// Height of its definition.
    #[schema(value_type = u64)]
    since: Height,
    /// Height from which nothing of it is issued any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    closed: Option<Height>,
}

impl From<&CatalogueEntry> for TypeView {
    fn from(entry: &CatalogueEntry) -> Self {
        let definition = &entry.definition;
        Self {
            id: definition.reference.id.clone(),
            version: definition.reference.version,
            labels: definition.labels.clone(),
            claims: definition.claims.clone(),
            classification: definition.classification.clone(),
            owner: definition.reference.id.owner().map(str::to_owned),
            since: entry.since,
            closed: entry.closed,
        }
    }
}

/// Every version of every type.
#[utoipa::path(
    get, path = "/v1/catalogue", tag = "directory",
    responses((status = 200, description = "Types, ascending by id and version", body = Vec<TypeView>)),
)]
pub(super) async fn catalogue(State(api): State<Arc<Api>>) -> Json<Vec<TypeView>> {
    Json(api.chain.state().catalogue().types.iter().map(TypeView::from).collect())
}

/// A version of a type, as it is on the ledger.
#[utoipa::path(
    get, path = "/v1/types/{id}/{version}", tag = "directory",
    params(("id" = String, Path, description = "Type"), ("version" = u16, Path, description = "From 1")),
    responses(
        (status = 200, description = "Definition", body = Vec<u8>, content_type = "application/cbor"),
        (status = 404, description = "UNKNOWN_TYPE", body = Problem),
    ),
)]
pub(super) async fn type_definition(
    State(api): State<Arc<Api>>,
    Named((id, version)): Named<(TypeId, TypeVersion)>,
) -> Result<Response, Problem> {
    let state = api.chain.state();
    let reference = TypeRef { id, version };
    let found = state
        .catalogue()
        .get(&reference)
        .map(|definition| cbor(codec::to_vec(definition)));
    found.ok_or_else(|| Problem::not_found("UNKNOWN_TYPE", format!("type {reference} is not defined")))
}

/// An office.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OfficeView {
    /// Its region.
    #[schema(value_type = String)]
    region: RegionId,
    /// Its code there.
    #[schema(value_type = String)]
    code: OfficeCode,
    /// Its name now, by language.
    #[schema(value_type = Vec<Object>)]
    labels: Vec<Label>,
    /// All its names from height to height.
    names: Vec<NameView>,
    /// The office that registered it; absent: its region did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    parent: Option<OfficeCode>,
    /// `national`, `province`, `city` or `county`.
    #[schema(value_type = String)]
    level: OfficeLevel,
    /// The keys that speak for it, and how many of them sign.
    #[schema(value_type = Object)]
    keyring: Keyring,
    /// The types it may issue, as far as its parents may.
    #[schema(value_type = Vec<String>)]
    types: Vec<TypeId>,
    /// The regions in which its credentials are valid; absent: every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    regions: Option<Vec<RegionId>>,
    /// Minutes its clocks are ahead of UTC.
    utc_offset_minutes: i64,
    /// Height of its registration.
    #[schema(value_type = u64)]
    since: Height,
    /// Whether it may act now.
    active: bool,
    /// Why it may not: itself, an office above it, or its region, and how that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    inactive: Option<InactiveView>,
    /// Height from which it is suspended itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    suspended: Option<Height>,
    /// Height at which it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    closed: Option<Height>,
    /// Who took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    succession: Option<SuccessionView>,
    /// Types that it lets other offices issue.
    delegations: Vec<DelegationView>,
}

/// A name of an office from a height on, up to the next.
#[derive(Debug, Serialize, ToSchema)]
struct NameView {
    /// First height.
    #[schema(value_type = u64)]
    from: Height,
    /// The name by language.
    #[schema(value_type = Vec<Object>)]
    labels: Vec<Label>,
}

impl From<&OfficeName> for NameView {
    fn from(name: &OfficeName) -> Self {
        Self {
            from: name.from,
            labels: name.labels.clone(),
        }
    }
}

/// Why an office may not act.
#[derive(Debug, Serialize, ToSchema)]
struct InactiveView {
    /// Whose standing stops it.
    because: String,
    /// `suspended`, `closed`, `succeeded`, `removed` or `unknown`.
    standing: &'static str,
}

/// An office that took the place of another.
#[derive(Debug, Serialize, ToSchema)]
struct SuccessionView {
    /// The successor.
    #[schema(value_type = String)]
    to: OfficeId,
    /// Height at which it took over.
    #[schema(value_type = u64)]
    at: Height,
}

impl From<&Succession> for SuccessionView {
    fn from(succession: &Succession) -> Self {
        Self {
            to: succession.to.clone(),
            at: succession.at,
        }
    }
}

/// A type that an office lets another issue.
#[derive(Debug, Serialize, ToSchema)]
struct DelegationView {
    /// Who may issue it.
    #[schema(value_type = String)]
    to: OfficeId,
    /// The type.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: TypeId,
    /// Until when, block time in Unix milliseconds, included.
    #[schema(value_type = u64)]
    until_ms: UnixMillis,
}

impl From<&Delegation> for DelegationView {
    fn from(delegation: &Delegation) -> Self {
        Self {
            to: delegation.to.clone(),
            kind: delegation.kind.clone(),
            until_ms: delegation.until,
        }
    }
}

impl OfficeView {
    fn new(state: &LedgerState, region: &RegionId, office: &Office) -> Self {
        let id = OfficeId::new(region.clone(), office.code.clone());
        let active = standing::check_active(state, &id, state.next_height());
        Self {
            region: region.clone(),
            code: office.code.clone(),
            labels: office.labels().to_vec(),
            names: office.names.iter().map(NameView::from).collect(),
            parent: office.parent.clone(),
            level: office.level,
            keyring: office.keyring.clone(),
            types: office.scope.types.clone(),
            regions: office.scope.regions.clone(),
            utc_offset_minutes: office.utc_offset_minutes,
            since: office.since,
            active: active.is_ok(),
            inactive: active.err().map(|why| InactiveView {
                because: why.because,
                standing: why.standing,
            }),
            suspended: office.suspended,
            closed: office.closed,
            succession: office.succession.as_ref().map(SuccessionView::from),
            delegations: office.delegations.iter().map(DelegationView::from).collect(),
        }
    }
}

/// An office.
#[utoipa::path(
    get, path = "/v1/offices/{region}/{code}", tag = "directory",
    params(("region" = String, Path, description = "Region"), ("code" = String, Path, description = "Code there")),
    responses(
        (status = 200, description = "The office", body = OfficeView),
        (status = 404, description = "UNKNOWN_OFFICE", body = Problem),
    ),
)]
pub(super) async fn office(
    State(api): State<Arc<Api>>,
    Named((region, code)): Named<(RegionId, OfficeCode)>,
) -> Result<Json<OfficeView>, Problem> {
    let state = api.chain.state();
    let id = OfficeId { region, code };
    let found = state
        .office(&id)
        .map(|office| Json(OfficeView::new(&state, &id.region, office)));
    found.ok_or_else(|| Problem::not_found("UNKNOWN_OFFICE", format!("office {id} is not registered")))
}

/// Which offices.
#[derive(Debug, Deserialize)]
pub(super) struct WhichOffices {
    /// Of this region only.
    region: Option<RegionId>,
}

/// Offices, ascending, at most 10,000.
#[utoipa::path(
    get, path = "/v1/offices", tag = "directory", params(("region" = Option<String>, Query, description = "Of this region only")),
    responses((status = 200, description = "Offices", body = Vec<OfficeView>)),
)]
pub(super) async fn offices(
    State(api): State<Arc<Api>>,
    Asked(which): Asked<WhichOffices>,
) -> Result<Json<Vec<OfficeView>>, Problem> {
    let state = api.chain.state();
    let listed = apart(move || {
        let regions = state.federation().regions.iter().map(|region| &region.region);
        let wanted = regions.filter(|region| which.region.as_ref().is_none_or(|wanted| wanted == *region));
        let offices = wanted.flat_map(|region| {
            let offices = state
                .directory(region)
                .map(|directory| directory.offices.as_slice())
                .unwrap_or_default();
            let state = &state;
            offices.iter().map(move |office| OfficeView::new(state, region, office))
        });
        Ok(offices.take(MAX_OFFICES).collect())
    });
    listed.await.map(Json)
}

/// A series.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeriesView {
    /// Its id.
    #[schema(value_type = u32)]
    series: SeriesId,
    /// Region of its office.
    #[schema(value_type = String)]
    region: RegionId,
    /// Code of the office that opened it.
    #[schema(value_type = String)]
    office: OfficeCode,
    /// The office that holds it: the one that opened it, or who took its place.
    #[schema(value_type = String)]
    holder: OfficeId,
    /// Type of its credentials.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: TypeId,
    /// The type's version.
    #[schema(value_type = u16)]
    version: TypeVersion,
    /// The desk.
    desk: String,
    /// The key that signs its credentials, 64 hexadecimal digits.
    #[schema(value_type = String)]
    key: PublicKey,
    /// The next number.
    next: u64,
    /// Height at which it was opened.
    #[schema(value_type = u64)]
    since: Height,
    /// Height at which it was frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    frozen: Option<Height>,
    /// Height at which it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    closed: Option<Height>,
    /// How many numbers are revoked.
    revoked: usize,
    /// How many are annulled.
    annulled: usize,
    /// How many are suspended.
    suspended: usize,
    /// How many are superseded.
    superseded: usize,
    /// How many are annotated.
    annotated: usize,
}

impl SeriesView {
    fn new(state: &LedgerState, region: &RegionId, series: &Series) -> Self {
        let status = state.series_status(series.id);
        let count = |kind| status.map_or(0, |status| status.set(kind).iter().count());
        Self {
            series: series.id,
            region: region.clone(),
            office: series.office.clone(),
            holder: standing::series_holder_at(state, region, series, state.next_height()),
            kind: series.of.id.clone(),
            version: series.of.version,
            desk: series.desk.clone(),
            key: series.key,
            next: status.map_or(0, |status| status.next),
            since: series.since,
            frozen: series.frozen,
            closed: series.closed,
            revoked: count(StatusKind::Revoked),
            annulled: count(StatusKind::Annulled),
            suspended: count(StatusKind::Suspended),
            superseded: count(StatusKind::Superseded),
            annotated: count(StatusKind::Annotated),
        }
    }
}

fn unknown_series(id: SeriesId) -> Problem {
    Problem::not_found("UNKNOWN_SERIES", format!("series {id} is not open"))
}

/// A series.
#[utoipa::path(
    get, path = "/v1/series/{id}", tag = "directory",
    params(("id" = u32, Path, description = "Series")),
    responses(
        (status = 200, description = "The series", body = SeriesView),
        (status = 404, description = "UNKNOWN_SERIES", body = Problem),
    ),
)]
pub(super) async fn one_series(
    State(api): State<Arc<Api>>,
    Named(id): Named<SeriesId>,
) -> Result<Json<SeriesView>, Problem> {
    let state = api.chain.state();
    let found = apart(move || {
        Ok(state
            .series(id)
            .map(|(region, series)| SeriesView::new(&state, region, series)))
    })
    .await?;
    found.map(Json).ok_or_else(|| unknown_series(id))
}

/// Which series.
#[derive(Debug, Deserialize)]
pub(super) struct WhichSeries {
    /// Of this region only.
    region: Option<RegionId>,
    /// Of the office with this code only.
    office: Option<OfficeCode>,
    /// With this key only: 64 hexadecimal digits.
    key: Option<PublicKey>,
}

impl WhichSeries {
    fn wants(&self, series: &Series) -> bool {
        let office = self.office.as_ref().is_none_or(|office| *office == series.office);
        office && self.key.is_none_or(|key| key == series.key)
    }
}

/// Series, by region and then in the order of opening, at most 1,000.
#[utoipa::path(
    get, path = "/v1/series", tag = "directory", 
    params(
        ("region" = Option<String>, Query, description = "Of this region only"),
        ("office" = Option<String>, Query, description = "Of the office with this code only"),
        ("key" = Option<String>, Query, description = "With this key only, 64 hexadecimal digits"),
    ),
    responses((status = 200, description = "Series", body = Vec<SeriesView>)),
)]
pub(super) async fn series(
    State(api): State<Arc<Api>>,
    Asked(which): Asked<WhichSeries>,
) -> Result<Json<Vec<SeriesView>>, Problem> {
    let state = api.chain.state();
    let listed = apart(move || {
        let regions = state.federation().regions.iter().map(|region| &region.region);
        let mut listed = Vec::new();
        for region in regions.filter(|region| which.region.as_ref().is_none_or(|wanted| wanted == *region)) {
            let series = state
                .directory(region)
                .map(|directory| directory.series.as_slice())
                .unwrap_or_default();
            let wanted = series.iter().filter(|series| which.wants(series));
            let room = MAX_SERIES.saturating_sub(listed.len());
            listed.extend(wanted.take(room).map(|series| SeriesView::new(&state, region, series)));
        }
        Ok(listed)
    });
    listed.await.map(Json)
}

/// How a number stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NumberView {
    /// `in-force`, `suspended`, `superseded`, `annulled`, `revoked` or `not-issued`.
    standing: &'static str,
    /// Whether something was noted on it.
    annotated: bool,
    /// As of this height.
    #[schema(value_type = u64)]
    height: Height,
}

/// How a number of a series stands, as of the last block. It proves nothing: a trust bundle does.
#[utoipa::path(
    get, path = "/v1/series/{id}/numbers/{number}", tag = "directory",
    params(("id" = u32, Path, description = "Series"), ("number" = u64, Path, description = "Number")),
    responses(
        (status = 200, description = "How it stands", body = NumberView),
        (status = 404, description = "UNKNOWN_SERIES", body = Problem),
    ),
)]
pub(super) async fn number(
    State(api): State<Arc<Api>>,
    Named((id, number)): Named<(SeriesId, u64)>,
) -> Result<Json<NumberView>, Problem> {
    let state = api.chain.state();
    let status = state.series_status(id).ok_or_else(|| unknown_series(id))?;
    let standing = match status.standing(number) {
        Standing::InForce => "in-force",
        Standing::Suspended => "suspended",
        Standing::Superseded => "superseded",
        Standing::Annulled => "annulled",
        Standing::Revoked => "revoked",
        Standing::NotIssued => "not-issued",
    };
    Ok(Json(NumberView {
        standing,
        annotated: status.is_annotated(number),
        height: state.tip().height,
    }))
}
