//! Every `Rejection`: each comes out of `apply` (or of decoding), and leaves every root as it was (DESIGN 4.3).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "rejections/envelope.rs"]
mod envelope;
#[path = "rejections/federation.rs"]
mod federation;
#[path = "rejections/offices.rs"]
mod offices;
#[path = "rejections/recognition.rs"]
mod recognition;
mod scene;
#[path = "rejections/series.rs"]
mod series;
#[path = "rejections/shares.rs"]
mod shares;

use concord_spec::id::SeriesId;
use concord_spec::ledger::{CheckEach, LedgerState, Rejection};
use concord_spec::record::{Action, SignedRecord, StatusChange};
use concord_spec::status::StatusKind;
use concord_spec::world::World;
use envelope::signed_by;
use scene::{issue, next_context, opening, status};
use std::collections::{BTreeMap, BTreeSet};

/// A code, and the record that is refused with it in a world made ready for that.
type Case = (&'static str, fn(&mut World) -> SignedRecord);

/// The series of the world.
const SERIES: SeriesId = SeriesId(1);

/// Cases by subject, one list each.
const SUBJECTS: &[(&str, &[Case])] = &[
    ("envelope", envelope::CASES),
    ("types", series::TYPES),
    ("series", series::SERIES_CASES),
    ("status", series::STATUS),
    ("offices", offices::REGISTERED),
    ("standing of offices", offices::STANDING),
    ("delegations", offices::DELEGATED),
    ("votes", federation::VOTES),
    ("changes", federation::CHANGES),
    ("nodes and keyrings", federation::NODES),
    ("recognition", recognition::RECOGNISED),
    ("evidence", recognition::EVIDENCE),
    ("shares of sections", shares::CASES),
];

/// Of a record that cannot be read; it never gets to `apply`.
const BY_DECODING: &str = "MALFORMED";

/// A world with series 1, of which 16 are issued: number 1 revoked, number 2 annulled.
fn world() -> World {
    let mut world = World::with_series(4, "concord-test").unwrap();
    world.issue(16).unwrap();
    for (number, kind) in [(1, StatusKind::Revoked), (2, StatusKind::Annulled)] {
        let body = status(SERIES, &[(number, 1)], StatusChange::Set(kind));
        let record = world.by_office(Action::SetStatus(body)).unwrap();
        world.append(vec![record]).unwrap();
    }
    world
}

/// The same state, with every section hashed anew: a state hashes what a record touched only when its block is assembled.
fn restored(state: &LedgerState) -> LedgerState {
    LedgerState::restore(state.charter().clone(), state.entries()).unwrap()
}

#[test]
fn each_rejection_comes_out_of_apply_and_leaves_every_root_unchanged() {
    let cases = SUBJECTS
        .iter()
        .flat_map(|(subject, cases)| cases.iter().map(move |case| (subject, case)));
    for (index, (subject, (code, make))) in cases.enumerate() {
        let mut world = world();
        let record = make(&mut world);
        let mut state = restored(&world.state);
        let before = (state.root(), state.entries(), Vec::new());
        let rejection = match state.apply(&record, &next_context(&world, 1_000), &CheckEach) {
            Err(rejection) => rejection,
            Ok(outcome) => panic!("case {index} of {subject}: {outcome:?} instead of {code}"),
        };
        assert_eq!(rejection.code(), *code, "case {index} of {subject}: {rejection}");
        assert!(!rejection.to_string().is_empty());
        let after = (restored(&state).root(), state.entries(), state.changes());
        assert_eq!(after, before, "case {index} of {subject}: {code} left a trace");
    }
}

#[test]
fn every_code_has_a_case() {
    let codes = SUBJECTS
        .iter()
        .flat_map(|(_, cases)| cases.iter().map(|(code, _)| *code));
    let cases: BTreeSet<&str> = codes.chain([BY_DECODING]).collect();
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
    assert_eq!(Rejection::Malformed(error).code(), BY_DECODING);
}

#[test]
fn signing_again_by_others_of_the_keyring_makes_the_same_record() {
    let mut world = world();
    let first = signed_by(&mut world, &[0, 1]);
    let again = SignedRecord::sign(first.payload().clone(), &[&world.office_keys[2], &world.office_keys[1]]);
    assert_ne!(first.bytes(), again.bytes());
    assert_eq!(first.id(), again.id());
    world.append(vec![first]).unwrap();
    assert_eq!(scene::refusal(&world, &again), Rejection::Duplicate);
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
    let mut kept = BTreeMap::new();
    let mut world = World::new(2, "concord-test").unwrap();
    let whole = |world: &World| world.state.entries().into_iter().collect::<BTreeMap<_, _>>();
    kept.extend(whole(&world));
    let registration = world.office_registration().unwrap();
    let type_definition = world.type_definition();
    let opening = opening(&world.type_ref(), 70);
    for step in 0..4 {
        let record = match step {
            0 => world.by_region(registration.clone()).unwrap(),
            1 => world.by_region(type_definition.clone()).unwrap(),
            2 => world.by_office(opening.clone()).unwrap(),
            _ => world.by_office(issue(SERIES, 0, 5)).unwrap(),
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
