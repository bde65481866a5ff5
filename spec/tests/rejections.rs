//! Every `Rejection`: each comes out of `apply` (or of decoding), and leaves every root as it was (DESIGN 4.3).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use concord_spec::catalogue::{TypeDefinition, TypeRef};
use concord_spec::codec;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, Number, OfficeCode, OfficeId, RegionId, SeriesId, TypeId, TypeVersion, UnixMillis};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::ledger::{BlockContext, CheckEach, LedgerState, Rejection};
use concord_spec::record::{
    Action, Actor, Issue, NumberRange, OpenSeries, RegisterOffice, SetStatus, SignedRecord, StatusChange,
};
use concord_spec::status::{Reason, StatusKind};
use concord_spec::world::World;
use std::collections::BTreeSet;

/// A world with series 1, of which 16 are issued: number 1 revoked, number 2 annulled.
fn world() -> World {
    let mut world = World::with_series(4, "concord-test").unwrap();
    world.issue(16).unwrap();
    for (number, kind) in [(1, StatusKind::Revoked), (2, StatusKind::Annulled)] {
        let record = status(&mut world, &[(number, 1)], StatusChange::Set(kind));
        world.append(vec![record]).unwrap();
    }
    world
}

fn status(world: &mut World, ranges: &[(u64, u64)], change: StatusChange) -> SignedRecord {
    let body = status_body(ranges, change);
    world.by_office(Action::SetStatus(body)).unwrap()
}

fn status_body(ranges: &[(u64, u64)], change: StatusChange) -> SetStatus {
    let range = |&(first, count): &(u64, u64)| NumberRange {
        first: Number(first),
        count,
    };
    SetStatus {
        series: SeriesId(1),
        ranges: ranges.iter().map(range).collect(),
        change,
        reason: Reason::Unspecified,
        effective: None,
        detail: None,
        successor: None,
    }
}

fn issue(world: &mut World, series: u32, first: u64, count: u64) -> SignedRecord {
    let body = Issue {
        series: SeriesId(series),
        first: Number(first),
        count,
        root: Digest::ZERO,
    };
    world.by_office(Action::Issue(body)).unwrap()
}

fn office(world: &World, change: impl FnOnce(&mut RegisterOffice)) -> Action {
    let Action::RegisterOffice(mut body) = world.office_registration().unwrap() else {
        panic!("no registration")
    };
    body.code = OfficeCode::new("NEW").unwrap();
    change(&mut body);
    Action::RegisterOffice(body)
}

fn definition(world: &World, change: impl FnOnce(&mut TypeDefinition)) -> Action {
    let Action::DefineType(mut body) = world.type_definition() else {
        panic!("no definition")
    };
    body.reference.version = TypeVersion(2);
    change(&mut body);
    Action::DefineType(body)
}

fn opening(world: &World, change: impl FnOnce(&mut OpenSeries)) -> Action {
    let key = SecretKey::from_seed([77; 32]).public();
    let mut body = OpenSeries {
        of: world.type_ref(),
        desk: "窗口2".to_owned(),
        key,
    };
    change(&mut body);
    Action::OpenSeries(body)
}

type Case = (&'static str, fn(&mut World) -> SignedRecord);

fn signed_by(world: &mut World, keys: &[usize]) -> SignedRecord {
    let actor = Actor::Office(world.office().unwrap());
    let body = Issue {
        series: SeriesId(1),
        first: Number(16),
        count: 1,
        root: Digest::ZERO,
    };
    let payload = world.payload(actor, Action::Issue(body));
    let keys: Vec<&SecretKey> = keys.iter().map(|index| &world.office_keys[*index]).collect();
    SignedRecord::sign(payload, &keys)
}

fn other_office(world: &mut World, action: Action) -> SignedRecord {
    let key = SecretKey::from_seed([9; 32]);
    let code = OfficeCode::new("OTHER").unwrap();
    if world
        .state
        .office(&OfficeId {
            region: world.region().unwrap(),
            code: code.clone(),
        })
        .is_none()
    {
        let keyring = Keyring::new(1, vec![key.public()]).unwrap();
        let registration = office(world, |body| {
            body.code = code.clone();
            body.keyring = keyring;
            body.scope.types = Vec::new();
        });
        let record = world.by_region(registration).unwrap();
        world.append(vec![record]).unwrap();
    }
    let actor = Actor::Office(OfficeId {
        region: world.region().unwrap(),
        code,
    });
    let payload = world.payload(actor, action);
    SignedRecord::sign(payload, &[&key])
}

fn with_payload(world: &mut World, change: impl FnOnce(&mut concord_spec::record::Payload)) -> SignedRecord {
    let actor = Actor::Office(world.office().unwrap());
    let body = Issue {
        series: SeriesId(1),
        first: Number(16),
        count: 1,
        root: Digest::ZERO,
    };
    let mut payload = world.payload(actor, Action::Issue(body));
    change(&mut payload);
    SignedRecord::sign(payload, &[&world.office_keys[0], &world.office_keys[1]])
}

/// A record whose last signature has one bit changed.
fn forged(world: &mut World) -> SignedRecord {
    let mut bytes = signed_by(world, &[0, 1]).bytes().to_vec();
    // The last 64 bytes are the last signature; its first half is a point, its second a scalar.
    let last = bytes.len() - 40;
    bytes[last] ^= 1;
    SignedRecord::from_bytes(&bytes).unwrap()
}

/// A record whose two signatures are exchanged.
fn exchanged(world: &mut World) -> SignedRecord {
    let signed = signed_by(world, &[0, 1]);
    let bytes = signed.bytes();
    let payload = codec::to_vec(signed.payload());
    let start = bytes
        .windows(payload.len())
        .position(|window| window == payload)
        .unwrap()
        + payload.len()
        + 1;
    let half = (bytes.len() - start) / 2;
    let exchanged = [&bytes[..start], &bytes[start + half..], &bytes[start..start + half]].concat();
    SignedRecord::from_bytes(&exchanged).unwrap()
}

const CASES: &[Case] = &[
    ("WRONG_CHAIN", |world| {
        with_payload(world, |payload| payload.chain_id = Digest::ZERO)
    }),
    ("EXPIRED", |world| {
        with_payload(world, |payload| payload.not_after = UnixMillis(1))
    }),
    ("NOT_AFTER_TOO_FAR", |world| {
        with_payload(world, |payload| payload.not_after.0 += 31 * 24 * 3_600_000)
    }),
    ("DUPLICATE", |world| (*world.blocks[3].0.records[0]).clone()),
    ("UNKNOWN_ACTOR", |world| {
        with_payload(world, |payload| {
            payload.actor = Actor::Region(RegionId::new("999999").unwrap())
        })
    }),
    ("TOO_FEW_SIGNATURES", |world| signed_by(world, &[0])),
    ("TOO_MANY_SIGNATURES", |world| signed_by(world, &[0, 1, 2])),
    ("SIGNATURE_ORDER", exchanged),
    ("UNKNOWN_KEY", |world| {
        let actor = Actor::Office(world.office().unwrap());
        let payload = world.payload(actor, Action::FreezeSeries(SeriesId(1)));
        SignedRecord::sign(payload, &[&world.office_keys[0], &SecretKey::from_seed([5; 32])])
    }),
    ("FORGED_SIGNATURE", forged),
    ("NOT_YOURS", |world| {
        world.by_region(Action::FreezeSeries(SeriesId(1))).unwrap()
    }),
    ("OFFICE_EXISTS", |world| {
        let action = world.office_registration().unwrap();
        world.by_region(action).unwrap()
    }),
    ("INCOMPLETE_OFFICE", |world| {
        let action = office(world, |body| body.labels.clear());
        world.by_region(action).unwrap()
    }),
    ("INCOMPLETE_OFFICE", |world| {
        let action = office(world, |body| body.utc_offset_minutes = 841);
        world.by_region(action).unwrap()
    }),
    ("INCOMPLETE_OFFICE", |world| {
        let twice = world.type_ref().id;
        let action = office(world, |body| body.scope.types = vec![twice.clone(), twice]);
        world.by_region(action).unwrap()
    }),
    ("INCOMPLETE_TYPE", |world| {
        let action = definition(world, |body| body.claims.reverse());
        world.by_region(action).unwrap()
    }),
    ("TYPE_NOT_YOURS", |world| {
        let action = definition(world, |body| {
            body.reference.id = TypeId::new("330000.drivers-licence").unwrap()
        });
        world.by_region(action).unwrap()
    }),
    ("TYPE_VERSION_GAP", |world| {
        let action = definition(world, |body| body.reference.version = TypeVersion(3));
        world.by_region(action).unwrap()
    }),
    ("UNKNOWN_TYPE", |world| {
        let unknown = TypeRef {
            id: TypeId::new("110000.none").unwrap(),
            version: TypeVersion(1),
        };
        let action = opening(world, |body| body.of = unknown);
        world.by_office(action).unwrap()
    }),
    ("OUT_OF_SCOPE", |world| {
        let action = opening(world, |_| {});
        other_office(world, action)
    }),
    ("SERIES_KEY_IN_USE", |world| {
        let key = world.series_key.public();
        let action = opening(world, |body| body.key = key);
        world.by_office(action).unwrap()
    }),
    ("UNKNOWN_SERIES", |world| issue(world, 9, 0, 1)),
    ("SERIES_NOT_YOURS", |world| {
        other_office(world, Action::FreezeSeries(SeriesId(1)))
    }),
    ("SERIES_FROZEN", |world| {
        let freeze = world.by_office(Action::FreezeSeries(SeriesId(1))).unwrap();
        world.append(vec![freeze]).unwrap();
        issue(world, 1, 16, 1)
    }),
    ("BATCH_SIZE", |world| issue(world, 1, 16, 0)),
    ("BATCH_SIZE", |world| issue(world, 1, 16, 4_097)),
    ("NUMBER_GAP", |world| issue(world, 1, 17, 1)),
    ("NUMBER_GAP", |world| issue(world, 1, 15, 1)),
    ("RANGES", |world| {
        status(world, &[], StatusChange::Set(StatusKind::Revoked))
    }),
    ("RANGES", |world| {
        status(world, &[(3, 1), (4, 1)], StatusChange::Set(StatusKind::Revoked))
    }),
    ("RANGES", |world| {
        status(world, &[(3, 0)], StatusChange::Set(StatusKind::Revoked))
    }),
    ("RANGES", |world| {
        status(world, &[(3, u64::MAX)], StatusChange::Set(StatusKind::Revoked))
    }),
    ("NOT_ISSUED", |world| {
        status(world, &[(15, 2)], StatusChange::Set(StatusKind::Revoked))
    }),
    ("STATUS_FINAL", |world| {
        status(world, &[(1, 1)], StatusChange::Set(StatusKind::Suspended))
    }),
    ("STATUS_FINAL", |world| {
        status(world, &[(2, 1)], StatusChange::Set(StatusKind::Revoked))
    }),
    ("STATUS_FINAL", |world| {
        status(world, &[(0, 4)], StatusChange::Reinstate)
    }),
    ("NOTHING_CHANGES", |world| {
        status(world, &[(1, 1)], StatusChange::Set(StatusKind::Revoked))
    }),
    ("NOTHING_CHANGES", |world| {
        status(world, &[(3, 1)], StatusChange::Reinstate)
    }),
    ("EFFECTIVE_IN_FUTURE", |world| {
        let mut body = status_body(&[(3, 1)], StatusChange::Set(StatusKind::Revoked));
        body.effective = Some(UnixMillis(u64::MAX));
        world.by_office(Action::SetStatus(body)).unwrap()
    }),
];

/// Codes that no small ledger can reach through `apply`.
const ELSEWHERE: [&str; 2] = [
    // Decoding: a record that cannot be read never gets to `apply`.
    "MALFORMED",
    // 2^64 numbers of one series.
    "NUMBERS_EXHAUSTED",
];

/// The root over every section hashed anew: a state hashes what a record touched only when its block is assembled.
fn recomputed_root(state: &LedgerState) -> Digest {
    let restored = LedgerState::restore(state.charter().clone(), state.entries()).unwrap();
    restored.root()
}

#[test]
fn each_rejection_comes_out_of_apply_and_leaves_every_root_unchanged() {
    for (index, (code, make)) in CASES.iter().enumerate() {
        let mut world = world();
        let record = make(&mut world);
        let mut state = world.state.clone();
        let context = BlockContext {
            height: Height(state.tip().height.0 + 1),
            time: UnixMillis(state.tip().time.0 + 1_000),
        };
        let before = (recomputed_root(&state), state.entries());
        let rejection = state.apply(&record, &context, &CheckEach).unwrap_err();
        assert_eq!(rejection.code(), *code, "case {index}: {rejection}");
        assert!(!rejection.to_string().is_empty());
        assert_eq!(
            (recomputed_root(&state), state.entries()),
            before,
            "case {index}, {code}"
        );
    }
}

#[test]
fn every_code_has_a_case() {
    let cases: BTreeSet<&str> = CASES.iter().map(|(code, _)| *code).chain(ELSEWHERE).collect();
    let all: BTreeSet<&str> = Rejection::CODES.iter().copied().collect();
    assert_eq!(cases, all);
}

#[test]
fn a_record_that_cannot_be_read_is_malformed() {
    let mut world = world();
    let bytes = signed_by(&mut world, &[0, 1]).bytes().to_vec();
    for length in 0..bytes.len() {
        assert!(SignedRecord::from_bytes(&bytes[..length]).is_err());
    }
    let error = SignedRecord::from_bytes(&[&bytes[..], &[0]].concat()).unwrap_err();
    assert_eq!(Rejection::Malformed(error).code(), "MALFORMED");
}

#[test]
fn signing_again_by_others_of_the_keyring_makes_the_same_record() {
    let mut world = world();
    let first = signed_by(&mut world, &[0, 1]);
    let again = SignedRecord::sign(first.payload().clone(), &[&world.office_keys[2], &world.office_keys[1]]);
    assert_ne!(first.bytes(), again.bytes());
    assert_eq!(first.id(), again.id());
    world.append(vec![first]).unwrap();
    let context = BlockContext {
        height: world.state.next_height(),
        time: UnixMillis(world.state.tip().time.0 + 1),
    };
    let rejection = world.state.clone().apply(&again, &context, &CheckEach).unwrap_err();
    assert_eq!(rejection, Rejection::Duplicate);
}

#[test]
fn a_state_is_the_same_when_it_is_restored_from_its_entries() {
    let world = world();
    let restored = LedgerState::restore(world.state.charter().clone(), world.state.entries());
    let restored = restored.unwrap();
    assert_eq!(restored.root(), world.state.root());
    assert_eq!(restored.tip(), world.state.tip());
    assert_eq!(restored.entries(), world.state.entries());
}

#[test]
fn entries_written_block_by_block_are_those_of_the_whole_state() {
    let mut kept = std::collections::BTreeMap::new();
    let mut world = World::new(2, "concord-test").unwrap();
    let whole = |world: &World| {
        world
            .state
            .entries()
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    kept.extend(whole(&world));
    let registration = world.office_registration().unwrap();
    let type_definition = world.type_definition();
    let opening = opening(&world, |body| body.key = SecretKey::from_seed([3; 32]).public());
    for step in 0..4 {
        let record = match step {
            0 => world.by_region(registration.clone()).unwrap(),
            1 => world.by_region(type_definition.clone()).unwrap(),
            2 => world.by_office(opening.clone()).unwrap(),
            _ => issue(&mut world, 1, 0, 5),
        };
        world.append(vec![record]).unwrap();
        for (key, value) in world.state.changes() {
            match value {
                Some(value) => kept.insert(key, value),
                None => kept.remove(&key),
            };
        }
        assert_eq!(kept, whole(&world), "after step {step}");
    }
}
