//! Records: each action accepted, and refused with each code that a small ledger reaches (`spec/text/records.md`).

pub(super) mod federation;
pub(super) mod offices;

use super::{Error, replaced, shortened, with_trailing};
use concord_spec::catalogue::{Label, TypeDefinition, TypeRef};
use concord_spec::codec::to_vec;
use concord_spec::content::Relation;
use concord_spec::digest::Digest;
use concord_spec::id::{
    CredentialId, Number, OfficeCode, OfficeId, RegionId, SeriesId, TypeId, TypeVersion, UnixMillis,
};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::ledger::{CheckEach, Limits};
use concord_spec::record::{
    Action, Actor, Issue, NumberRange, OpenSeries, Payload, RegisterOffice, SetStatus, SignedRecord, StatusChange,
    Successor,
};
use concord_spec::status::{Reason, StatusKind};
use concord_spec::world::World;
use serde_json::{Value, json};
use std::sync::Arc;

type Made = Result<SignedRecord, Error>;

/// What it shows, the code (or "accept"), how it is made.
type Case = (&'static str, &'static str, fn(&mut World) -> Made);

/// What it shows, the code, how many milliseconds after the state's last block it is applied, how it is made.
type LaterCase = (&'static str, &'static str, u64, fn(&mut World) -> Made);

/// How long after the last block of a state records are applied to it.
const AFTER_MS: u64 = 1_000;

/// A state and the records that are applied to it.
struct Setup {
    name: &'static str,
    world: fn() -> Result<World, Error>,
    cases: &'static [&'static [Case]],
    later: &'static [LaterCase],
}

const SETUPS: [Setup; 3] = [
    Setup {
        name: "issuing",
        world,
        cases: &[ACCEPTED, ENVELOPE, GOVERNANCE, ISSUING, STATUS, SUPERVISED],
        later: &[],
    },
    Setup {
        name: "federation",
        world: federation::world,
        cases: &[
            federation::PROPOSED,
            federation::IMPOSSIBLE,
            federation::VOTED,
            federation::OF_A_REGION,
            federation::OF_A_DOMAIN,
            federation::EVIDENCE,
        ],
        later: federation::LATER,
    },
    Setup {
        name: "offices",
        world: offices::world,
        cases: &[
            offices::REGISTERED,
            offices::CHANGED,
            offices::DELEGATED,
            offices::SERIES,
            offices::RECOGNISED,
        ],
        later: offices::LATER,
    },
];

/// `records.json`
pub(super) fn file() -> Result<Value, Error> {
    let (mut states, mut vectors) = (serde_json::Map::new(), Vec::new());
    for setup in &SETUPS {
        let mut world = (setup.world)()?;
        let cases = setup.cases.iter().copied().flatten();
        let cases = cases.map(|(name, result, make)| (name, result, AFTER_MS, make));
        let later = setup.later.iter();
        let later = later.map(|(name, result, after, make)| (name, result, *after, make));
        for (name, result, after, make) in cases.chain(later) {
            let record = make(&mut world).map_err(|error| format!("{name}: {error}"))?;
            vectors.push(vector(&world, setup.name, (name, result), record, after)?);
        }
        if setup.name == "issuing" {
            vectors.extend(malformed(&mut world)?);
        }
        states.insert(setup.name.to_owned(), state(&world));
    }
    Ok(json!({
        "about": "The charter and blocks of a state make it; each record is applied to the state that it names, alone, at the state's next height and `time` (the state's unless the vector has one). `result`: accept, or the Rejection code. `state_root`: after a block of this record alone.",
        "states": states,
        "vectors": vectors,
    }))
}

fn state(world: &World) -> Value {
    json!({
        "charter": hex::encode(to_vec(world.state.charter())),
        "chain_id": world.state.chain_id(),
        "blocks": world.blocks.iter().map(|(block, _)| hex::encode(to_vec(block))).collect::<Vec<_>>(),
        "state_root": world.state.root(),
        "height": world.state.next_height().0,
        "time": world.state.tip().time.0.saturating_add(AFTER_MS),
    })
}

fn vector(
    world: &World,
    state: &str,
    (name, result): (&str, &str),
    record: SignedRecord,
    after: u64,
) -> Result<Value, Error> {
    let time = UnixMillis(world.state.tip().time.0.saturating_add(after));
    let mut vector = json!({
        "name": name,
        "state": state,
        "record": hex::encode(record.bytes()),
        "id": record.id(),
        "action": record.payload().action.kind(),
        "result": result,
    });
    let object = vector.as_object_mut().ok_or("no object")?;
    if after != AFTER_MS {
        object.insert("time".to_owned(), json!(time));
    }
    if result == "accept" {
        let proposer = world.region()?;
        let draft = world
            .state
            .draft(time, &proposer, [Arc::new(record)], Limits::default(), &CheckEach);
        if let Some((_, rejection)) = draft.refused.first() {
            return Err(format!("{name}: {rejection}").into());
        }
        object.insert("state_root".to_owned(), json!(draft.block.rest.state_root));
    }
    Ok(vector)
}

pub(super) fn labels(text: &str) -> Vec<Label> {
    vec![Label {
        language: "zh".to_owned(),
        text: text.to_owned(),
    }]
}

/// The `index`-th region's code.
fn code(index: usize) -> Result<RegionId, Error> {
    let code = concord_spec::world::REGION_CODES.get(index).ok_or("no such region")?;
    Ok(RegionId::new(code)?)
}

/// Series 1 with 16 issued (1 revoked, 2 annulled, 3 suspended), series 2 frozen, and an office OTHER without types.
pub(super) fn world() -> Result<World, Error> {
    let mut world = World::with_series(4, "concord-vectors")?;
    world.issue(16)?;
    let mut records = Vec::new();
    for (number, kind) in [
        (1, StatusKind::Revoked),
        (2, StatusKind::Annulled),
        (3, StatusKind::Suspended),
    ] {
        records.push(status(&mut world, &[(number, 1)], StatusChange::Set(kind))?);
    }
    let key = SecretKey::from_seed([78; 32]).public();
    records.push(opening(&mut world, |body| body.key = key)?);
    let keyring = Keyring::new(1, vec![other_key().public()])?;
    records.push(office(&mut world, |body| {
        body.code = other_office()?.code;
        body.keyring = keyring;
        body.scope.types = Vec::new();
        Ok(())
    })?);
    world.append(records)?;
    let freeze = world.by_office(Action::FreezeSeries(SeriesId(2)))?;
    world.append(vec![freeze])?;
    Ok(world)
}

fn other_key() -> SecretKey {
    SecretKey::from_seed([9; 32])
}

fn other_office() -> Result<OfficeId, Error> {
    Ok(OfficeId::new(RegionId::new("110000")?, OfficeCode::new("OTHER")?))
}

fn by_other_office(world: &mut World, action: Action) -> Made {
    let actor = Actor::Office(other_office()?);
    Ok(SignedRecord::sign(world.payload(actor, action), &[&other_key()]))
}

pub(super) fn status(world: &mut World, ranges: &[(u64, u64)], change: StatusChange) -> Made {
    status_from(world, ranges, change, None)
}

fn status_from(world: &mut World, ranges: &[(u64, u64)], change: StatusChange, effective: Option<UnixMillis>) -> Made {
    let range = |&(first, count): &(u64, u64)| NumberRange {
        first: Number(first),
        count,
    };
    world.by_office(Action::SetStatus(SetStatus {
        series: SeriesId(1),
        ranges: ranges.iter().map(range).collect(),
        change,
        reason: Reason::Unspecified,
        effective,
        detail: None,
        successor: None,
    }))
}

fn issue_action(series: u32, first: u64, count: u64) -> Action {
    Action::Issue(Issue {
        series: SeriesId(series),
        first: Number(first),
        count,
        root: Digest::ZERO,
    })
}

fn issue(world: &mut World, series: u32, first: u64, count: u64) -> Made {
    world.by_office(issue_action(series, first, count))
}

/// The next issue of series 1, after a change of the payload, signed by these keys of the office.
fn next_issue<const N: usize>(world: &mut World, keys: [usize; N], change: impl FnOnce(&mut Payload)) -> Made {
    let actor = Actor::Office(world.office()?);
    let mut payload = world.payload(actor, issue_action(1, 16, 1));
    change(&mut payload);
    let keys = keys
        .iter()
        .map(|index| world.office_keys.get(*index).ok_or("no such key"));
    Ok(SignedRecord::sign(payload, &keys.collect::<Result<Vec<_>, _>>()?))
}

fn office(world: &mut World, change: impl FnOnce(&mut RegisterOffice) -> Result<(), Error>) -> Made {
    let Action::RegisterOffice(mut body) = world.office_registration()? else {
        return Err("no registration".into());
    };
    body.code = OfficeCode::new("NEW")?;
    change(&mut body)?;
    world.by_region(Action::RegisterOffice(body))
}

fn definition(world: &mut World, change: impl FnOnce(&mut TypeDefinition) -> Result<(), Error>) -> Made {
    let Action::DefineType(mut body) = world.type_definition() else {
        return Err("no definition".into());
    };
    body.reference.version = TypeVersion(2);
    change(&mut body)?;
    world.by_region(Action::DefineType(body))
}

fn opening_action(world: &World, change: impl FnOnce(&mut OpenSeries)) -> Result<Action, Error> {
    let key = SecretKey::from_seed([77; 32]).public();
    let mut body = OpenSeries {
        of: world.type_ref(),
        desk: "窗口2".to_owned(),
        key,
    };
    change(&mut body);
    Ok(Action::OpenSeries(body))
}

fn opening(world: &mut World, change: impl FnOnce(&mut OpenSeries)) -> Made {
    let action = opening_action(world, change)?;
    world.by_office(action)
}

const ACCEPTED: &[Case] = &[
    ("a region registers an office", "accept", |world| {
        office(world, |_| Ok(()))
    }),
    ("a region defines the next version of a type", "accept", |world| {
        definition(world, |_| Ok(()))
    }),
    ("an office opens a series", "accept", |world| opening(world, |_| ())),
    ("an office issues", "accept", |world| next_issue(world, [0, 1], |_| ())),
    ("the most that one record issues", "accept", |world| {
        issue(world, 1, 16, 4_096)
    }),
    ("signed by others of the keyring", "accept", |world| {
        next_issue(world, [2, 1], |_| ())
    }),
    ("a status, of two ranges", "accept", |world| {
        status(world, &[(4, 2), (8, 1)], StatusChange::Set(StatusKind::Suspended))
    }),
    ("a suspended number is suspended no longer", "accept", |world| {
        status(world, &[(3, 1)], StatusChange::Reinstate)
    }),
    ("a revoked number is annulled", "accept", |world| {
        status(world, &[(1, 1)], StatusChange::Set(StatusKind::Annulled))
    }),
    ("an annulled number is annotated", "accept", |world| {
        status(world, &[(2, 1)], StatusChange::Set(StatusKind::Annotated))
    }),
    ("an office freezes a series", "accept", |world| {
        world.by_office(Action::FreezeSeries(SeriesId(1)))
    }),
];

const ENVELOPE: &[Case] = &[
    ("for another chain", "WRONG_CHAIN", |world| {
        next_issue(world, [0, 1], |payload| payload.chain_id = Digest::ZERO)
    }),
    ("its time is over", "EXPIRED", |world| {
        next_issue(world, [0, 1], |payload| payload.not_after = UnixMillis(1))
    }),
    ("31 days ahead", "NOT_AFTER_TOO_FAR", |world| {
        next_issue(world, [0, 1], |payload| {
            payload.not_after.0 = payload.not_after.0.saturating_add(31 * 24 * 3_600_000)
        })
    }),
    ("25 hours ahead, of one signature", "NOT_AFTER_TOO_FAR", |world| {
        let mut payload = definition(world, |_| Ok(()))?.payload().clone();
        payload.not_after.0 = payload.not_after.0.saturating_add(24 * 3_600_000);
        Ok(SignedRecord::sign(
            payload,
            &[world.authorities.first().ok_or("no authority")?],
        ))
    }),
    ("on the ledger already", "DUPLICATE", |world| {
        let last = world.blocks.last().and_then(|(block, _)| block.records.first());
        Ok((**last.ok_or("no record")?).clone())
    }),
    ("a region that is not there", "UNKNOWN_ACTOR", |world| {
        let nowhere = Actor::Region(RegionId::new("999999")?);
        next_issue(world, [0, 1], |payload| payload.actor = nowhere)
    }),
    ("one signature of two", "TOO_FEW_SIGNATURES", |world| {
        next_issue(world, [0], |_| ())
    }),
    ("three signatures of two", "TOO_MANY_SIGNATURES", |world| {
        next_issue(world, [0, 1, 2], |_| ())
    }),
    ("signatures in descending order", "SIGNATURE_ORDER", exchanged),
    ("a key outside the keyring", "UNKNOWN_KEY", |world| {
        let actor = Actor::Office(world.office()?);
        let payload = world.payload(actor, issue_action(1, 16, 1));
        let first = world.office_keys.first().ok_or("no key")?;
        Ok(SignedRecord::sign(payload, &[first, &other_key()]))
    }),
    ("a changed signature", "FORGED_SIGNATURE", |world| {
        let mut bytes = next_issue(world, [0, 1], |_| ())?.bytes().to_vec();
        // Of the last signature's 64 bytes, one of its point.
        let at = bytes.len().saturating_sub(40);
        *bytes.get_mut(at).ok_or("too short")? ^= 1;
        Ok(SignedRecord::from_bytes(&bytes)?)
    }),
    ("a region does what offices do", "NOT_YOURS", |world| {
        world.by_region(Action::CloseSeries(SeriesId(1)))
    }),
];

/// A record whose two signatures are exchanged.
fn exchanged(world: &mut World) -> Made {
    let signed = next_issue(world, [0, 1], |_| ())?;
    let payload = to_vec(signed.payload());
    let signatures = super::find(signed.bytes(), &payload)?
        .saturating_add(payload.len())
        .saturating_add(1);
    let (before, signatures) = signed.bytes().split_at(signatures);
    let (first, second) = signatures.split_at(signatures.len() / 2);
    Ok(SignedRecord::from_bytes(&[before, second, first].concat())?)
}

const GOVERNANCE: &[Case] = &[
    ("registered already", "OFFICE_EXISTS", |world| {
        let action = world.office_registration()?;
        world.by_region(action)
    }),
    ("without a name", "INCOMPLETE_OFFICE", |world| {
        office(world, |body| {
            body.labels.clear();
            Ok(())
        })
    }),
    ("an offset of 841 minutes", "INCOMPLETE_OFFICE", |world| {
        office(world, |body| {
            body.utc_offset_minutes = 841;
            Ok(())
        })
    }),
    ("claim keys that descend", "INCOMPLETE_TYPE", |world| {
        definition(world, |body| {
            body.claims.reverse();
            Ok(())
        })
    }),
    ("another region's type", "TYPE_NOT_YOURS", |world| {
        definition(world, |body| {
            body.reference.id = TypeId::new("330000.drivers-licence")?;
            Ok(())
        })
    }),
    ("a version left out", "TYPE_VERSION_GAP", |world| {
        definition(world, |body| {
            body.reference.version = TypeVersion(3);
            Ok(())
        })
    }),
    ("a type that is not defined", "UNKNOWN_TYPE", |world| {
        let of = TypeRef {
            id: TypeId::new("110000.none")?,
            version: TypeVersion(1),
        };
        opening(world, |body| body.of = of)
    }),
    ("a type outside the office's scope", "OUT_OF_SCOPE", |world| {
        let action = opening_action(world, |_| ())?;
        by_other_office(world, action)
    }),
    ("a key that signs another series", "SERIES_KEY_IN_USE", |world| {
        let key = world.series_key.public();
        opening(world, |body| body.key = key)
    }),
];

const ISSUING: &[Case] = &[
    ("a series that is not open", "UNKNOWN_SERIES", |world| {
        issue(world, 9, 0, 1)
    }),
    ("another office's series", "SERIES_NOT_YOURS", |world| {
        by_other_office(world, Action::FreezeSeries(SeriesId(1)))
    }),
    ("a frozen series", "SERIES_FROZEN", |world| issue(world, 2, 0, 1)),
    ("none", "BATCH_SIZE", |world| issue(world, 1, 16, 0)),
    ("one more than the most", "BATCH_SIZE", |world| {
        issue(world, 1, 16, 4_097)
    }),
    ("a number left out", "NUMBER_GAP", |world| issue(world, 1, 17, 1)),
    ("a number again", "NUMBER_GAP", |world| issue(world, 1, 15, 1)),
];

const REVOKE: StatusChange = StatusChange::Set(StatusKind::Revoked);

const STATUS: &[Case] = &[
    ("no range", "RANGES", |world| status(world, &[], REVOKE)),
    ("ranges without a gap between them", "RANGES", |world| {
        status(world, &[(4, 1), (5, 1)], REVOKE)
    }),
    ("ranges that descend", "RANGES", |world| {
        status(world, &[(6, 1), (4, 1)], REVOKE)
    }),
    ("an empty range", "RANGES", |world| status(world, &[(4, 0)], REVOKE)),
    ("a range past 2^64", "RANGES", |world| {
        status(world, &[(4, u64::MAX)], REVOKE)
    }),
    ("a range over 4,097 chunks", "RANGES", |world| {
        status(world, &[(4_095, 4_095 * 4_096 + 2)], REVOKE)
    }),
    ("a range over 4,096 chunks, not issued", "NOT_ISSUED", |world| {
        status(world, &[(0, 4_096 * 4_096)], REVOKE)
    }),
    ("a number that is not issued", "NOT_ISSUED", |world| {
        status(world, &[(15, 2)], REVOKE)
    }),
    ("a revoked number suspended", "STATUS_FINAL", |world| {
        status(world, &[(1, 1)], StatusChange::Set(StatusKind::Suspended))
    }),
    ("an annulled number revoked", "STATUS_FINAL", |world| {
        status(world, &[(2, 1)], REVOKE)
    }),
    ("a revoked number reinstated", "STATUS_FINAL", |world| {
        status(world, &[(1, 1)], StatusChange::Reinstate)
    }),
    ("a revoked number revoked", "NOTHING_CHANGES", |world| {
        status(world, &[(1, 1)], REVOKE)
    }),
    (
        "a number reinstated that is not suspended",
        "NOTHING_CHANGES",
        |world| status(world, &[(4, 1)], StatusChange::Reinstate),
    ),
    ("from a later time on", "EFFECTIVE_IN_FUTURE", |world| {
        status_from(world, &[(4, 1)], REVOKE, Some(UnixMillis(u64::MAX)))
    }),
];

/// A status record of series 1, after a change of its body.
fn changed_status(world: &World, change: impl FnOnce(&mut SetStatus)) -> Result<Action, Error> {
    let mut body = SetStatus {
        series: SeriesId(1),
        ranges: vec![NumberRange {
            first: Number(4),
            count: 1,
        }],
        change: REVOKE,
        reason: Reason::Court,
        effective: Some(world.state.tip().time),
        detail: Some(Digest([7; 32])),
        successor: None,
    };
    change(&mut body);
    Ok(Action::SetStatus(body))
}

fn only(number: u64) -> Vec<NumberRange> {
    let first = Number(number);
    vec![NumberRange { first, count: 1 }]
}

fn superseded_by(world: &mut World, series: u32, number: u64) -> Made {
    let successor = Successor {
        first: CredentialId {
            series: SeriesId(series),
            number: Number(number),
        },
        relation: Relation::Renews,
    };
    let action = changed_status(world, |body| {
        body.change = StatusChange::Set(StatusKind::Superseded);
        body.reason = Reason::Replaced;
        body.successor = Some(successor);
    })?;
    world.by_office(action)
}

/// Statuses that the office's supervisor sets, or that name a successor or an order; freezing and closing.
const SUPERVISED: &[Case] = &[
    ("a region revokes what its office issued", "accept", |world| {
        let action = changed_status(world, |_| ())?;
        world.by_region(action)
    }),
    ("another region revokes it", "SERIES_NOT_YOURS", |world| {
        let action = changed_status(world, |_| ())?;
        world.by_region_at(1, action)
    }),
    ("another office revokes it", "SERIES_NOT_YOURS", |world| {
        let action = changed_status(world, |_| ())?;
        by_other_office(world, action)
    }),
    ("a region restores what was revoked", "accept", |world| {
        let action = changed_status(world, |body| {
            body.ranges = only(1);
            body.change = StatusChange::Restore;
        })?;
        world.by_region(action)
    }),
    ("a region restores what was annulled", "accept", |world| {
        let action = changed_status(world, |body| {
            body.ranges = only(2);
            body.change = StatusChange::Restore;
        })?;
        world.by_region(action)
    }),
    ("an office restores", "NOT_YOURS", |world| {
        let action = changed_status(world, |body| {
            body.ranges = only(1);
            body.change = StatusChange::Restore;
        })?;
        world.by_office(action)
    }),
    ("restored without the digest of an order", "ORDER_MISSING", |world| {
        let action = changed_status(world, |body| {
            body.ranges = only(1);
            body.change = StatusChange::Restore;
            body.detail = None;
        })?;
        world.by_region(action)
    }),
    ("restored where it is only suspended", "NOTHING_CHANGES", |world| {
        let action = changed_status(world, |body| {
            body.ranges = only(3);
            body.change = StatusChange::Restore;
        })?;
        world.by_region(action)
    }),
    ("superseded by number 8 of the series", "accept", |world| {
        superseded_by(world, 1, 8)
    }),
    ("superseded by nothing", "SUCCESSOR", |world| {
        status(world, &[(4, 1)], StatusChange::Set(StatusKind::Superseded))
    }),
    ("superseded by what is not issued", "SUCCESSOR", |world| {
        superseded_by(world, 1, 16)
    }),
    ("superseded by itself", "SUCCESSOR", |world| superseded_by(world, 1, 4)),
    ("superseded by one of no series", "UNKNOWN_SERIES", |world| {
        superseded_by(world, 9, 0)
    }),
    ("revoked, and by what superseded", "SUCCESSOR", |world| {
        let action = changed_status(world, |body| {
            let first = CredentialId {
                series: SeriesId(1),
                number: Number(8),
            };
            let relation = Relation::Renews;
            body.successor = Some(Successor { first, relation });
        })?;
        world.by_office(action)
    }),
    ("a region freezes a series of its office", "accept", |world| {
        world.by_region(Action::FreezeSeries(SeriesId(1)))
    }),
    ("another region freezes it", "SERIES_NOT_YOURS", |world| {
        world.by_region_at(1, Action::FreezeSeries(SeriesId(1)))
    }),
    ("frozen already", "SERIES_FROZEN", |world| {
        world.by_office(Action::FreezeSeries(SeriesId(2)))
    }),
    ("an office closes a series", "accept", |world| {
        world.by_office(Action::CloseSeries(SeriesId(1)))
    }),
];

/// Twins of one good record that are none. `codec` is the CodecError.
fn malformed(world: &mut World) -> Result<Vec<Value>, Error> {
    let record = next_issue(world, [0, 1], |_| ())?;
    let bytes = record.bytes();
    // The array of the body's four parts, its empty headers.
    let untagged = [0x84, 0x40, 0xa0];
    let cases = [
        ("nothing", Vec::new(), "Truncated"),
        ("cut by a byte", shortened(bytes, 1), "Truncated"),
        ("a byte after it", with_trailing(bytes), "TrailingBytes"),
        ("a tagged COSE_Sign", [&[0xd8, 0x62], bytes].concat(), "Unexpected"),
        (
            "something in the unprotected header",
            replaced(bytes, &untagged, &[0x84, 0x40, 0xa1, 0x00, 0x00])?,
            "OverBound",
        ),
        ("three parts", vec![0x83, 0x40, 0xa0, 0x40], "WrongLength"),
        (
            "a payload that is no array",
            [&untagged[..], &[0x41, 0x00, 0x80]].concat(),
            "Unexpected",
        ),
        (
            "an unknown actor",
            replaced(bytes, &[0x82, 0x02, 0x82], &[0x82, 0x04, 0x82])?,
            "UnknownKey",
        ),
        (
            "an unknown action",
            replaced(bytes, &[0x82, 0x15, 0x84], &[0x82, 0x13, 0x84])?,
            "UnknownKey",
        ),
        (
            "version 2 of the payload",
            replaced(bytes, &[0x86, 0x01, 0x58, 0x20], &[0x86, 0x02, 0x58, 0x20])?,
            "UnknownVersion",
        ),
        (
            "another algorithm",
            replaced(bytes, &[0xa2, 0x01, 0x32], &[0xa2, 0x01, 0x27])?,
            "UnknownSuite",
        ),
    ];
    let vector = |(name, bytes, codec): &(&str, Vec<u8>, &str)| json!({ "name": name, "state": "issuing", "record": hex::encode(bytes), "result": "MALFORMED", "codec": codec });
    let mut all: Vec<Value> = cases.iter().map(vector).collect();
    let twin = ("the good record they are twins of", "accept");
    all.push(self::vector(world, "issuing", twin, record, AFTER_MS)?);
    Ok(all)
}
