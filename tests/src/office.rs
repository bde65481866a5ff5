//! An office that issues: it is registered with a keyring, defines a type, opens series and signs records.
//! Its batches are roots over random leaves: the ledger never sees credentials (DESIGN 2); real ones are the client's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use concord_spec::catalogue::{
    ClaimDefinition, ClaimKind, Classification, FIRST_OWN_KEY, Label, Printed, Sensitivity, TypeDefinition, TypeRef,
};
use concord_spec::digest::Digest;
use concord_spec::id::{Number, OfficeCode, OfficeId, SeriesId, TypeId, TypeVersion, UnixMillis};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::record::{
    Action, Actor, Issue, OfficeLevel, OpenSeries, Payload, RegisterOffice, Scope, SignedRecord,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::wait::{Seen, until};
use crate::{Api, Cluster, HarnessError, RecordState, Result, Submitted, claim};

/// Within this a record that was taken is in a block.
pub const RECORDED_WITHIN: Duration = Duration::from_secs(30);
/// How far ahead records' not-after lies.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// Signs payloads in an actor's name.
#[derive(Debug, Clone)]
pub struct Pen {
    chain_id: Digest,
    actor: Actor,
    keys: Vec<SecretKey>,
    threshold: usize,
    random: StdRng,
}

impl Pen {
    /// In the name of `actor`, signed with the first `threshold` of these keys.
    #[must_use]
    pub fn new(chain_id: Digest, actor: Actor, keys: Vec<SecretKey>, threshold: usize) -> Self {
        Self {
            chain_id,
            actor,
            keys,
            threshold,
            random: StdRng::from_entropy(),
        }
    }

    /// In the name of the authority of region `index`.
    ///
    /// # Errors
    /// There is no such region, or its authority's key is elsewhere.
    pub fn of_region(cluster: &Cluster, index: usize) -> Result<Self> {
        let actor = Actor::Region(cluster.node(index)?.region().clone());
        let keys = vec![cluster.authority(index)?];
        Ok(Self::new(cluster.charter().chain_id(), actor, keys, 1))
    }

    /// In whose name.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// A payload of this actor with a fresh nonce, good for an hour.
    pub fn payload(&mut self, action: Action) -> Payload {
        Payload {
            chain_id: self.chain_id,
            not_after: UnixMillis(now_ms().saturating_add(millis(LIFETIME))),
            nonce: self.random.r#gen(),
            actor: self.actor.clone(),
            action,
        }
    }

    /// Signs with as many keys as the ledger wants.
    pub fn record(&mut self, action: Action) -> SignedRecord {
        let payload = self.payload(action);
        self.sign(payload)
    }

    /// Signs with as many keys as the ledger wants.
    #[must_use]
    pub fn sign(&self, payload: Payload) -> SignedRecord {
        let keys: Vec<&SecretKey> = self.keys.iter().take(self.threshold).collect();
        SignedRecord::sign(payload, &keys)
    }

    /// The keys of the keyring, of which the first `threshold` sign.
    #[must_use]
    pub fn keys(&self) -> &[SecretKey] {
        &self.keys
    }
}

/// A registered office.
#[derive(Debug)]
pub struct Office {
    pen: Pen,
    kind: TypeRef,
}

/// A series with the number it expects next.
#[derive(Debug, Clone)]
pub struct Book {
    /// The series.
    pub series: SeriesId,
    /// The number that its next issue starts at.
    pub next: u64,
    /// Signs for its office.
    pub pen: Pen,
    /// Signs its credentials.
    pub key: SecretKey,
    /// The type and version of its credentials.
    pub of: TypeRef,
}

impl Office {
    /// Defines a type and registers an office for it in region `index`, with a keyring of `keys` keys of which `threshold`
    /// sign. Waits until both are on the ledger.
    ///
    /// # Errors
    /// The ledger does not take them.
    pub fn register(cluster: &Cluster, index: usize, threshold: usize, keys: usize) -> Result<Self> {
        let region = cluster.node(index)?.region().clone();
        let mut random = StdRng::seed_from_u64(u64::try_from(index).unwrap_or(0));
        let chain_id = cluster.charter().chain_id();
        let invalid = |why: concord_spec::id::IdError| HarnessError::bytes("name", why);
        let code = OfficeCode::new(format!("OFFICE-{index}")).map_err(invalid)?;
        let kind = TypeRef {
            id: TypeId::new(format!("{region}.licence")).map_err(invalid)?,
            version: TypeVersion(1),
        };
        let mut authority = Pen::of_region(cluster, index)?;
        let keys: Vec<SecretKey> = (0..keys).map(|_| SecretKey::from_seed(random.r#gen())).collect();
        let keyring = Keyring::new(threshold, keys.iter().map(SecretKey::public).collect());
        let register = RegisterOffice {
            code: code.clone(),
            labels: vec![label("办证大厅 / desk of the harness")],
            keyring: keyring.map_err(|why| HarnessError::bytes("keyring", why))?,
            level: OfficeLevel::Province,
            scope: Scope::of_types(vec![kind.id.clone()]),
            utc_offset_minutes: 480,
        };
        let api = cluster.api(index)?;
        record(
            api,
            &authority.record(Action::DefineType(Box::new(definition(kind.clone())))),
        )?;
        record(api, &authority.record(Action::RegisterOffice(register)))?;
        let actor = Actor::Office(OfficeId::new(region, code));
        Ok(Self {
            pen: Pen {
                chain_id,
                actor,
                keys,
                threshold,
                random,
            },
            kind,
        })
    }

    /// Opens a series at `api` and waits until it is on the ledger.
    ///
    /// # Errors
    /// The ledger does not take it.
    pub fn open_series(&mut self, api: &Api, desk: &str) -> Result<Book> {
        let key = SecretKey::from_seed(self.pen.random.r#gen());
        let open = OpenSeries {
            of: self.kind.clone(),
            desk: desk.to_owned(),
            key: key.public(),
        };
        let state = record(api, &self.pen.record(Action::OpenSeries(open)))?;
        let series = state
            .series
            .ok_or_else(|| HarnessError::bytes("state of an opening", format!("{state:?}")))?;
        let next = api.series(series)?.next;
        let mut pen = self.pen.clone();
        // Else every series would draw the same nonces.
        pen.random = StdRng::seed_from_u64(self.pen.random.r#gen());
        Ok(Book {
            series: SeriesId(series),
            next,
            pen,
            key,
            of: self.kind.clone(),
        })
    }

    /// Signs for the office.
    pub fn pen(&mut self) -> &mut Pen {
        &mut self.pen
    }
}

impl Book {
    /// The next issue, of `count` credentials.
    pub fn issue(&mut self, count: u64) -> SignedRecord {
        let action = self.next_issue(count);
        self.next = self.next.saturating_add(count);
        self.pen.record(action)
    }

    /// The action of the next issue; the numbers are not used up.
    pub fn next_issue(&mut self, count: u64) -> Action {
        let root = Digest(self.pen.random.r#gen());
        Action::Issue(Issue {
            series: self.series,
            first: Number(self.next),
            count,
            root,
        })
    }
}

/// Submits a record and waits until it is on the ledger, with every follower of its node in step.
///
/// # Errors
/// It is refused, rejected, or not recorded in time.
pub fn record(api: &Api, record: &SignedRecord) -> Result<RecordState> {
    let submitted = api.submit(record.bytes())?;
    let taken = matches!(submitted, Submitted::Accepted(_) | Submitted::Known(_));
    claim(taken, || {
        format!("{} is taken: {submitted:?}", record.payload().action.name())
    })?;
    recorded(api, &record.id())
}

/// Waits until the node has the record in a block.
///
/// # Errors
/// It comes to another end, or to none in time.
pub fn recorded(api: &Api, id: &concord_spec::record::RecordId) -> Result<RecordState> {
    let state = until(&format!("record {id} is no longer pending"), RECORDED_WITHIN, || {
        let state = api.record(id, Duration::from_secs(5))?;
        let seen = format!("{state:?}");
        Ok(state
            .filter(|state| state.state != "pending")
            .map_or(Seen::NotYet(seen), Seen::Yes))
    })?;
    claim(state.state == "recorded", || {
        format!("record {id} is recorded: {state:?}")
    })?;
    Ok(state)
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn label(text: &str) -> Label {
    Label {
        language: "zh".to_owned(),
        text: text.to_owned(),
    }
}

fn definition(reference: TypeRef) -> TypeDefinition {
    let claim = ClaimDefinition {
        key: FIRST_OWN_KEY,
        kind: ClaimKind::Text(16),
        required: true,
        labels: vec![label("准驾车型")],
        selective: false,
        sensitivity: Sensitivity::Public,
        printed: Printed::Shown,
    };
    TypeDefinition {
        reference,
        labels: vec![label("驾驶证")],
        claims: vec![claim],
        classification: Classification::default(),
    }
}
