//! What the tests of the rules share: keys by number, offices with their keys, blocks at chosen times.

#![allow(dead_code, reason = "each test uses its part of it")]

use concord_spec::bundle::TrustedState;
use concord_spec::catalogue::{Label, TypeRef};
use concord_spec::certificate::Certificate;
use concord_spec::charter::CharterRegion;
use concord_spec::codec;
use concord_spec::credential::SignedCredential;
use concord_spec::digest::Digest;
use concord_spec::id::{
    CredentialId, Number, OfficeCode, OfficeId, RegionId, SeriesId, TypeId, TypeVersion, UnixMillis,
};
use concord_spec::key::bls::SealSecretKey;
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::ledger::{BlockContext, CheckEach, Rejection};
use concord_spec::merkle;
use concord_spec::recognition::{Level, Source, Terms};
use concord_spec::record::{
    Action, Actor, Change, Issue, NodeKeys, NumberRange, OfficeChange, OfficeLevel, OpenSeries, Payload, RecordId,
    RegisterOffice, Scope, SetOffice, SetStatus, SignedRecord, StatusChange, SucceedOffice, Vote,
};
use concord_spec::status::Reason;
use concord_spec::verify::{CheckName, Language, Policy, Presented, Report, Verdict, verify};
use concord_spec::world::{REGION_CODES, World};

pub(crate) const HOUR_MS: u64 = 3_600_000;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;
pub(crate) const LICENCE: &str = "110000.drivers-licence";

pub(crate) fn region(index: usize) -> RegionId {
    RegionId::new(REGION_CODES[index]).unwrap()
}

pub(crate) fn kind(id: &str) -> TypeId {
    TypeId::new(id).unwrap()
}

pub(crate) fn version_of(id: &str, version: u16) -> TypeRef {
    TypeRef {
        id: kind(id),
        version: TypeVersion(version),
    }
}

pub(crate) fn labels(text: &str) -> Vec<Label> {
    vec![Label {
        language: "zh".to_owned(),
        text: text.to_owned(),
    }]
}

/// The key of a number: a number is one key, everywhere.
pub(crate) fn key(number: u64) -> SecretKey {
    let mut seed = [0xc0; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_seed(seed)
}

pub(crate) fn seal_key(number: u64) -> SealSecretKey {
    let mut seed = [0x5e; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    SealSecretKey::from_seed(seed).unwrap()
}

pub(crate) fn keyring(threshold: usize, numbers: impl IntoIterator<Item = u64>) -> Keyring {
    Keyring::new(
        threshold,
        numbers.into_iter().map(|number| key(number).public()).collect(),
    )
    .unwrap()
}

/// Keys of a node that nobody has, with a seal key that the world can seal with from then on.
pub(crate) fn node_keys(world: &mut World, number: u64) -> NodeKeys {
    let seal = seal_key(number);
    let keys = NodeKeys {
        consensus_key: key(number).public(),
        seal_key: seal.public(),
        possession: seal.prove_possession(),
        peer_id: format!("peer-of-key-{number}"),
        addresses: Vec::new(),
    };
    world.seal_keys.push(seal);
    keys
}

/// The card of a region with node keys that nobody has.
pub(crate) fn card_with(world: &mut World, index: usize, number: u64) -> CharterRegion {
    let keys = node_keys(world, number);
    CharterRegion {
        consensus_key: keys.consensus_key,
        seal_key: keys.seal_key,
        possession: keys.possession,
        ..world.card(index).unwrap()
    }
}

/// An office with the keys that sign for it.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) id: OfficeId,
    pub(crate) threshold: usize,
    /// Numbers of its keys.
    pub(crate) keys: Vec<u64>,
}

impl Desk {
    /// The office of a world that was made with a series.
    pub(crate) fn sign(&self, world: &mut World, action: Action) -> SignedRecord {
        let payload = world.payload(Actor::Office(self.id.clone()), action);
        self.sign_payload(payload)
    }

    pub(crate) fn sign_payload(&self, payload: Payload) -> SignedRecord {
        let keys: Vec<SecretKey> = self
            .keys
            .iter()
            .take(self.threshold)
            .map(|number| key(*number))
            .collect();
        SignedRecord::sign(payload, &keys.iter().collect::<Vec<_>>())
    }

    pub(crate) fn new(index: usize, code: &str, threshold: usize, keys: impl IntoIterator<Item = u64>) -> Self {
        Self {
            id: OfficeId::new(region(index), OfficeCode::new(code).unwrap()),
            threshold,
            keys: keys.into_iter().collect(),
        }
    }

    pub(crate) fn keyring(&self) -> Keyring {
        keyring(self.threshold, self.keys.iter().copied())
    }

    /// Its registration; a province of these types, unless changed.
    pub(crate) fn registration(&self, types: &[&str]) -> RegisterOffice {
        RegisterOffice {
            code: self.id.code.clone(),
            level: OfficeLevel::Province,
            labels: labels(&format!("机关{}", self.id.code)),
            keyring: self.keyring(),
            scope: Scope::of_types(types.iter().map(|id| kind(id)).collect()),
            utc_offset_minutes: 480,
        }
    }

    /// Its registration as a sub-office.
    pub(crate) fn below(&self, level: OfficeLevel, types: &[&str]) -> RegisterOffice {
        RegisterOffice {
            level,
            ..self.registration(types)
        }
    }

    /// Registered by its region.
    pub(crate) fn registered(self, world: &mut World, types: &[&str]) -> Self {
        let action = Action::RegisterOffice(self.registration(types));
        let record = by_own_region(world, &self.id, action);
        world.append(vec![record]).unwrap();
        self
    }

    /// Registered by an office above it.
    pub(crate) fn registered_under(self, world: &mut World, above: &Self, level: OfficeLevel, types: &[&str]) -> Self {
        let action = Action::RegisterOffice(self.below(level, types));
        let record = above.sign(world, action);
        world.append(vec![record]).unwrap();
        self
    }

    /// Opens a series with the key of this number.
    pub(crate) fn open(&self, world: &mut World, of: &TypeRef, series_key: u64) -> SeriesId {
        let record = self.sign(world, opening(of, series_key));
        world.append(vec![record]).unwrap();
        SeriesId(world.state.federation().next_series.0 - 1)
    }

    pub(crate) fn issue(&self, world: &mut World, series: SeriesId, first: u64, count: u64) -> SignedRecord {
        self.sign(world, issue(series, first, count))
    }
}

pub(crate) fn by_own_region(world: &mut World, office: &OfficeId, action: Action) -> SignedRecord {
    let index = REGION_CODES
        .iter()
        .position(|code| *code == office.region.as_str())
        .unwrap();
    world.by_region_at(index, action).unwrap()
}

pub(crate) fn opening(of: &TypeRef, series_key: u64) -> Action {
    Action::OpenSeries(OpenSeries {
        of: of.clone(),
        desk: "窗口1".to_owned(),
        key: key(series_key).public(),
    })
}

pub(crate) fn issue(series: SeriesId, first: u64, count: u64) -> Action {
    Action::Issue(Issue {
        series,
        first: Number(first),
        count,
        root: Digest::ZERO,
    })
}

pub(crate) fn ranges(of: &[(u64, u64)]) -> Vec<NumberRange> {
    let range = |&(first, count): &(u64, u64)| NumberRange {
        first: Number(first),
        count,
    };
    of.iter().map(range).collect()
}

pub(crate) fn status(series: SeriesId, numbers: &[(u64, u64)], change: StatusChange) -> SetStatus {
    SetStatus {
        series,
        ranges: ranges(numbers),
        change,
        reason: Reason::Unspecified,
        effective: None,
        detail: None,
        successor: None,
    }
}

/// A restoration that follows an order.
pub(crate) fn restoration(series: SeriesId, numbers: &[(u64, u64)]) -> Action {
    Action::SetStatus(SetStatus {
        detail: Some(Digest([0x0d; 32])),
        ..status(series, numbers, StatusChange::Restore)
    })
}

pub(crate) fn set_office(office: &OfficeId, change: OfficeChange) -> Action {
    Action::SetOffice(SetOffice {
        office: office.clone(),
        change,
    })
}

pub(crate) fn succeed(office: &OfficeId, successor: &OfficeId) -> Action {
    Action::SucceedOffice(SucceedOffice {
        office: office.clone(),
        successor: successor.clone(),
    })
}

/// Terms without conditions.
pub(crate) fn terms(source: Source, id: &str) -> Terms {
    Terms {
        source,
        kind: kind(id),
        min_version: TypeVersion(1),
        local_type: None,
        values: Vec::new(),
        level: Level::Equal,
        issued_from: None,
        issued_until: None,
        presented_from: None,
        presented_until: None,
        max_age_days: None,
        purposes: Vec::new(),
        basis: Digest([0xba; 32]),
    }
}

pub(crate) fn recognise(terms: Terms) -> Action {
    Action::Recognise(Box::new(terms))
}

pub(crate) fn propose(change: Change) -> Action {
    Action::Propose(Box::new(change))
}

pub(crate) fn vote(proposal: RecordId, approve: bool) -> Action {
    Action::Vote(Vote { proposal, approve })
}

/// A proposal of the first region, in a block.
pub(crate) fn proposed(world: &mut World, change: Change) -> RecordId {
    let record = world.by_region_at(0, propose(change)).unwrap();
    let id = record.id();
    world.append(vec![record]).unwrap();
    id
}

/// The block after the last, so many milliseconds later.
pub(crate) fn next_context(world: &World, later_ms: u64) -> BlockContext {
    BlockContext {
        height: world.state.next_height(),
        time: UnixMillis(world.state.tip().time.0 + later_ms),
    }
}

/// Why the next block, so many milliseconds later, cannot hold a record.
pub(crate) fn refusal_after(world: &World, record: &SignedRecord, later_ms: u64) -> Rejection {
    let mut state = world.state.clone();
    state
        .apply(record, &next_context(world, later_ms), &CheckEach)
        .unwrap_err()
}

/// Why the next block cannot hold a record.
pub(crate) fn refusal(world: &World, record: &SignedRecord) -> Rejection {
    refusal_after(world, record, 1_000)
}

pub(crate) fn refused(world: &World, record: &SignedRecord) -> &'static str {
    refusal(world, record).code()
}

/// Appends a block so many milliseconds after the last. Records expire within hours: sign those for a later block with
/// `with_not_after`.
pub(crate) fn append_after(world: &mut World, later_ms: u64, records: Vec<SignedRecord>) {
    world.append_after(later_ms, records).unwrap();
}

/// A record of a region that may enter the ledger so many milliseconds after the last block, at the latest.
pub(crate) fn by_region_until(world: &mut World, index: usize, later_ms: u64, action: Action) -> SignedRecord {
    let mut payload = world.payload(Actor::Region(region(index)), action);
    payload.not_after = UnixMillis(world.state.tip().time.0 + later_ms);
    SignedRecord::sign(payload, &[&concord_spec::world::authority(index)])
}

/// The record with one bit of its last signature changed.
pub(crate) fn forged(record: &SignedRecord) -> SignedRecord {
    let mut bytes = record.bytes().to_vec();
    // The last 64 bytes are the last signature; its first half is a point, its second a scalar.
    let last = bytes.len() - 40;
    bytes[last] ^= 1;
    SignedRecord::from_bytes(&bytes).unwrap()
}

/// The record with its two signatures exchanged.
pub(crate) fn exchanged(record: &SignedRecord) -> SignedRecord {
    let bytes = record.bytes();
    let payload = codec::to_vec(record.payload());
    let place = bytes.windows(payload.len()).position(|window| window == payload);
    let start = place.unwrap() + payload.len() + 1;
    let half = (bytes.len() - start) / 2;
    let exchanged = [&bytes[..start], &bytes[start + half..], &bytes[start..start + half]].concat();
    SignedRecord::from_bytes(&exchanged).unwrap()
}

/// A change that is proposed by the first of these regions and voted for by all, in one block, whose height is returned.
pub(crate) fn passed(world: &mut World, change: Change, voters: &[usize]) -> u64 {
    let proposal = world.by_region_at(voters[0], propose(change)).unwrap();
    let id = proposal.id();
    let votes = voters[1..]
        .iter()
        .map(|voter| world.by_region_at(*voter, vote(id, true)).unwrap());
    let records = [proposal].into_iter().chain(votes.collect::<Vec<_>>()).collect();
    world.append(records).unwrap();
    world.state.tip().height.0
}

/// A credential of series 1 with this number, which names this office as its issuer.
pub(crate) fn certified(world: &World, issuer: &OfficeId, number: u64) -> SignedCredential {
    let mut credential = world.credential(number).unwrap().credential().clone();
    credential.issuer.office = issuer.clone();
    SignedCredential::sign(credential, &world.series_key)
}

/// What issues these credentials as one batch.
pub(crate) fn issue_of(credentials: &[SignedCredential]) -> Action {
    let leaves: Vec<Digest> = credentials.iter().map(SignedCredential::leaf).collect();
    let CredentialId { series, number } = credentials[0].credential().id;
    Action::Issue(Issue {
        series,
        first: number,
        count: u64::try_from(leaves.len()).unwrap(),
        root: merkle::root(&leaves),
    })
}

/// A report by a verifier of a region, or of none.
pub(crate) fn report_in(certificate: &Certificate, state: &TrustedState, own: Option<usize>) -> Report {
    let policy = Policy {
        own_region: own.map(region),
        ..Policy::default()
    };
    verify(
        Presented::Certificate(&certificate.to_bytes()),
        state,
        &policy,
        state.time(),
    )
}

pub(crate) fn verdict(certificate: &Certificate, state: &TrustedState) -> Verdict {
    report_in(certificate, state, None).verdict
}

/// On what grounds a check of a report came out as it did.
pub(crate) fn evidence_of(report: &Report, name: CheckName) -> String {
    report.check(name).unwrap().ground.told(Language::En)
}
