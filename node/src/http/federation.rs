//! The federation as of the last block: regions, domain authorities, proposals, scheduled changes, evidence.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use concord_spec::catalogue::{Label, TypeRef};
use concord_spec::charter::Address;
use concord_spec::id::{DomainId, Height, RegionId, UnixMillis};
use concord_spec::key::{Keyring, PublicKey, SealPublicKey};
use concord_spec::ledger::{
    DomainAuthority, EvidenceEntry, Federation, LedgerState, Proposal, Region, Scheduled, Term,
};
use concord_spec::record::{Actor, Change, Observer, RecordId, VersionChange, Versioned};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::problem::{Named, Problem};
use super::{Api, apart};
use crate::membership;

/// Keys of a region's node.
#[derive(Debug, Serialize, ToSchema)]
struct TermView {
    /// First height.
    #[schema(value_type = u64)]
    from: Height,
    /// First height at which it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    until: Option<Height>,
    /// Ed25519 key of its votes, 64 hexadecimal digits.
    #[schema(value_type = String)]
    consensus_key: PublicKey,
    /// BLS key of its seal shares, 192 hexadecimal digits.
    #[schema(value_type = String)]
    seal_key: SealPublicKey,
}

impl From<&Term> for TermView {
    fn from(term: &Term) -> Self {
        Self {
            from: term.from,
            until: term.until,
            consensus_key: term.consensus_key,
            seal_key: term.seal_key.clone(),
        }
    }
}

/// A node that replicates and serves.
#[derive(Debug, Serialize, ToSchema)]
struct ObserverView {
    /// Its peer id.
    peer_id: String,
    /// Its name.
    name: String,
    /// Where it listens.
    addresses: Vec<String>,
}

impl From<&Observer> for ObserverView {
    fn from(observer: &Observer) -> Self {
        Self {
            peer_id: observer.peer_id.clone(),
            name: observer.name.clone(),
            addresses: texts(&observer.addresses),
        }
    }
}

/// Another authority keyring under way.
#[derive(Debug, Serialize, ToSchema)]
struct RotationView {
    /// The keyring.
    #[schema(value_type = Object)]
    keyring: Keyring,
    /// From which block time on it speaks, Unix milliseconds.
    #[schema(value_type = u64)]
    from_ms: UnixMillis,
}

/// Proof that a region signed two different things for one place.
#[derive(Debug, Serialize, ToSchema)]
struct EvidenceView {
    /// The region.
    #[schema(value_type = String)]
    region: RegionId,
    /// The height of the place.
    #[schema(value_type = u64)]
    height: Height,
    /// Its round.
    round: u32,
    /// `proposal`, `prevote` or `precommit`.
    step: String,
    /// The record with both signatures.
    #[schema(value_type = String)]
    record: RecordId,
    /// Height of its block.
    #[schema(value_type = u64)]
    recorded: Height,
}

impl From<&EvidenceEntry> for EvidenceView {
    fn from(entry: &EvidenceEntry) -> Self {
        Self {
            region: entry.place.region.clone(),
            height: entry.place.height,
            round: entry.place.round,
            step: entry.place.step.to_string(),
            record: entry.record,
            recorded: entry.recorded,
        }
    }
}

/// A region that is or was a member.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RegionView {
    /// Its code.
    #[schema(value_type = String)]
    region: RegionId,
    /// Its name by language.
    #[schema(value_type = Vec<Object>)]
    labels: Vec<Label>,
    /// `member`, `suspended` or `removed`, as of the next block.
    standing: &'static str,
    /// Whether it votes on the next block.
    in_force: bool,
    /// The keyring that speaks for it now.
    #[schema(value_type = Object)]
    authority: Keyring,
    /// Another keyring under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<RotationView>,
    /// Its node's peer id.
    peer_id: String,
    /// Where its node listens.
    addresses: Vec<String>,
    /// Its other nodes.
    observers: Vec<ObserverView>,
    /// The keys of its node from height to height.
    terms: Vec<TermView>,
    /// From which height on it is suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    suspended: Option<Height>,
    /// From which height on it is no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    removed: Option<Height>,
    /// Whose its offices and series are now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    successor: Option<RegionId>,
    /// Proof of double signing against it.
    evidence: Vec<EvidenceView>,
}

impl RegionView {
    fn new(state: &LedgerState, region: &Region) -> Self {
        let (federation, tip) = (state.federation(), state.tip());
        let waiting = region.rotation.as_ref().filter(|rotation| rotation.from > tip.time);
        let of_region = |entry: &&EvidenceEntry| entry.place.region == region.region;
        Self {
            region: region.region.clone(),
            labels: region.labels.clone(),
            standing: membership::on_ledger(federation, tip.height, &region.region).word(),
            in_force: state.region_set().index_of(&region.region).is_some(),
            authority: region.authority_at(tip.time).clone(),
            rotation: waiting.map(|rotation| RotationView {
                keyring: rotation.keyring.clone(),
                from_ms: rotation.from,
            }),
            peer_id: region.peer_id.clone(),
            addresses: texts(&region.addresses),
            observers: region.observers.iter().map(ObserverView::from).collect(),
            terms: region.terms.iter().map(TermView::from).collect(),
            suspended: region.suspended,
            removed: region.removed,
            successor: region.successor.clone(),
            evidence: federation
                .evidence
                .iter()
                .filter(of_region)
                .map(EvidenceView::from)
                .collect(),
        }
    }
}

/// A domain authority.
#[derive(Debug, Serialize, ToSchema)]
struct DomainView {
    /// Its name.
    #[schema(value_type = String)]
    domain: DomainId,
    /// Its name by language.
    #[schema(value_type = Vec<Object>)]
    labels: Vec<Label>,
    /// The keyring that speaks for it.
    #[schema(value_type = Object)]
    keyring: Keyring,
    /// From which height on.
    #[schema(value_type = u64)]
    since: Height,
}

impl From<&DomainAuthority> for DomainView {
    fn from(domain: &DomainAuthority) -> Self {
        Self {
            domain: domain.domain.clone(),
            labels: domain.labels.clone(),
            keyring: domain.keyring.clone(),
            since: domain.since,
        }
    }
}

/// A change that is proposed.
#[derive(Debug, Serialize, ToSchema)]
struct ProposalView {
    /// Id of the record that proposed it.
    #[schema(value_type = String)]
    id: RecordId,
    /// Who proposed it.
    #[schema(value_type = String)]
    proposer: RegionId,
    /// What it is: its name under `change`, and what it says.
    #[schema(value_type = Object)]
    change: Value,
    /// Until which block time votes count, Unix milliseconds.
    #[schema(value_type = u64)]
    open_until_ms: UnixMillis,
    /// Whether votes still count.
    open: bool,
    /// Regions for it.
    #[schema(value_type = Vec<String>)]
    approvals: Vec<RegionId>,
    /// Regions against it.
    #[schema(value_type = Vec<String>)]
    refusals: Vec<RegionId>,
    /// How many approvals of regions in force make it pass.
    quorum: usize,
}

impl ProposalView {
    fn new(state: &LedgerState, proposal: &Proposal) -> Self {
        Self {
            id: proposal.id,
            proposer: proposal.proposer.clone(),
            change: change(&proposal.change),
            open_until_ms: proposal.open_until,
            open: proposal.open_until >= state.tip().time,
            approvals: proposal.approvals.clone(),
            refusals: proposal.refusals.clone(),
            quorum: state.region_set().quorum(),
        }
    }
}

/// A change that passed and waits for its height.
#[derive(Debug, Serialize, ToSchema)]
struct ScheduledView {
    /// From which height on it is in force.
    #[schema(value_type = u64)]
    at: Height,
    /// What it is.
    #[schema(value_type = Object)]
    change: Value,
}

impl From<&Scheduled> for ScheduledView {
    fn from(scheduled: &Scheduled) -> Self {
        Self {
            at: scheduled.at,
            change: change(&scheduled.change),
        }
    }
}

/// A version that a vote raised.
#[derive(Debug, Serialize, ToSchema)]
struct VersionView {
    /// `record` or `header`.
    #[schema(value_type = String)]
    subject: Versioned,
    /// The version.
    version: u64,
    /// From which height on.
    #[schema(value_type = u64)]
    from: Height,
}

impl From<&VersionChange> for VersionView {
    fn from(version: &VersionChange) -> Self {
        Self {
            subject: version.subject,
            version: version.version,
            from: version.from,
        }
    }
}

/// The federation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FederationView {
    /// As of this height.
    #[schema(value_type = u64)]
    height: Height,
    /// How many regions seal the next block.
    in_force: usize,
    /// How many of them it takes.
    quorum: usize,
    /// Longest time without a block, in milliseconds.
    heartbeat_ms: u64,
    /// Every region that is or was a member.
    regions: Vec<RegionView>,
    /// The domain authorities.
    domains: Vec<DomainView>,
    /// Versions above the first.
    versions: Vec<VersionView>,
    /// Proposals that may be voted on.
    proposals: Vec<ProposalView>,
    /// Changes that passed and wait for their height.
    scheduled: Vec<ScheduledView>,
    /// Proof of double signing.
    evidence: Vec<EvidenceView>,
}

impl FederationView {
    fn new(state: &LedgerState) -> Self {
        let federation: &Federation = state.federation();
        Self {
            height: state.tip().height,
            in_force: state.region_set().members().len(),
            quorum: state.region_set().quorum(),
            heartbeat_ms: federation.parameters.heartbeat_ms,
            regions: federation
                .regions
                .iter()
                .map(|region| RegionView::new(state, region))
                .collect(),
            domains: federation.domains.iter().map(DomainView::from).collect(),
            versions: federation.versions.iter().map(VersionView::from).collect(),
            proposals: federation
                .proposals
                .iter()
                .map(|proposal| ProposalView::new(state, proposal))
                .collect(),
            scheduled: federation.scheduled.iter().map(ScheduledView::from).collect(),
            evidence: federation.evidence.iter().map(EvidenceView::from).collect(),
        }
    }
}

fn texts(addresses: &[Address]) -> Vec<String> {
    addresses.iter().map(|address| address.multiaddr.clone()).collect()
}

fn reference(of: &TypeRef) -> Value {
    json!({ "type": of.id, "version": of.version })
}

/// A change with its name under `change`.
fn change(change: &Change) -> Value {
    let mut view = match change {
        Change::AdmitRegion(card) => json!({
            "region": card.region,
            "labels": card.labels,
            "authority": card.authority,
            "consensus_key": card.consensus_key,
            "seal_key": card.seal_key,
            "peer_id": card.peer_id,
            "addresses": texts(&card.addresses),
        }),
        Change::SuspendRegion(region)
        | Change::ReinstateRegion(region)
        | Change::RemoveRegion(region)
        | Change::CancelRotation(region) => json!({ "region": region }),
        Change::SetParameters(parameters) => json!({ "heartbeat_ms": parameters.heartbeat_ms }),
        Change::RaiseVersion(version) => json!(VersionView::from(version)),
        Change::AdmitDomain(domain) => json!({
            "domain": domain.domain,
            "labels": domain.labels,
            "keyring": domain.keyring,
        }),
        Change::DefineType(definition) => json!({
            "type": definition.reference.id,
            "version": definition.reference.version,
            "labels": definition.labels,
        }),
        Change::ReplaceKeyring(body) => match &body.of {
            Actor::Region(region) => json!({ "region": region, "keyring": body.keyring }),
            Actor::Domain(domain) => json!({ "domain": domain, "keyring": body.keyring }),
            // No rule lets such a change through.
            Actor::Office(_) | Actor::Nobody => json!({ "of": body.of.to_string(), "keyring": body.keyring }),
        },
        Change::SucceedRegion(body) => json!({ "region": body.region, "successor": body.successor }),
        Change::CloseType(of) => reference(of),
    };
    if let Some(fields) = view.as_object_mut() {
        fields.insert("change".to_owned(), change.name().into());
    }
    view
}

/// The federation as of the last block.
#[utoipa::path(
    get, path = "/v1/federation", tag = "federation",
    responses((status = 200, description = "The federation", body = FederationView)),
)]
pub(super) async fn federation(State(api): State<Arc<Api>>) -> Result<Json<FederationView>, Problem> {
    let state = api.chain.state();
    apart(move || Ok(FederationView::new(&state))).await.map(Json)
}

/// A region that is or was a member.
#[utoipa::path(
    get, path = "/v1/regions/{region}", tag = "federation",
    params(("region" = String, Path, description = "Region")),
    responses(
        (status = 200, description = "The region", body = RegionView),
        (status = 404, description = "UNKNOWN_REGION", body = Problem),
    ),
)]
pub(super) async fn region(
    State(api): State<Arc<Api>>,
    Named(region): Named<RegionId>,
) -> Result<Json<RegionView>, Problem> {
    let state = api.chain.state();
    let found = state
        .federation()
        .region(&region)
        .map(|found| RegionView::new(&state, found));
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("UNKNOWN_REGION", format!("region {region} is not and was not a member")))
}
