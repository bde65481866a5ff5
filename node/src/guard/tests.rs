//! What the guard never permits, and what it must.

use super::*;
use tempfile::TempDir;

const A: Option<[u8; 32]> = Some([0xa; 32]);
const B: Option<[u8; 32]> = Some([0xb; 32]);

fn fresh() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("guard");
    (dir, path)
}

fn violation(result: Result<(), GuardError>) -> GuardViolation {
    match result {
        Err(GuardError::Violation(v)) => v,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_message_at_the_same_place_is_refused_also_after_restart() {
    let (_dir, path) = fresh();
    for turn in 0..2 {
        let mut guard = Guard::open(&path).unwrap();
        assert_eq!(guard.created(), turn == 0);
        guard.permit(5, 0, Step::Propose, A).unwrap();
        guard.permit(5, 0, Step::Prevote, A).unwrap();
        guard.permit(5, 0, Step::Precommit, None).unwrap();
        for (step, value) in [(Step::Propose, B), (Step::Prevote, None), (Step::Precommit, A)] {
            let refused = violation(guard.permit(5, 0, step, value));
            assert!(matches!(refused, GuardViolation::Conflict { .. }));
            assert!(refused.to_string().contains("Two copies of this node"), "{refused}");
        }
        guard.permit(5, 1, Step::Precommit, A).unwrap();
    }
}

#[test]
fn nothing_new_leaves_below_the_last_height_but_the_same_message_may() {
    let (_dir, path) = fresh();
    let mut guard = Guard::open(&path).unwrap();
    guard.permit(5, 0, Step::Precommit, A).unwrap();
    guard.permit(6, 0, Step::Prevote, A).unwrap();
    guard.permit(5, 0, Step::Precommit, A).unwrap();
    assert!(matches!(
        violation(guard.permit(5, 1, Step::Prevote, A)),
        GuardViolation::Behind { .. }
    ));
    assert!(matches!(
        violation(guard.permit(4, 0, Step::Prevote, None)),
        GuardViolation::Behind { .. }
    ));
    assert_eq!(guard.last().unwrap().place.height, 6);
}

#[test]
fn the_file_turns_over_without_forgetting_the_last_thousand() {
    let (_dir, path) = fresh();
    let mut guard = Guard::open(&path).unwrap();
    let count = SLOTS + 300;
    for round in 0..count {
        guard
            .permit(9, u32::try_from(round).unwrap(), Step::Prevote, A)
            .unwrap();
    }
    drop(guard);
    let mut guard = Guard::open(&path).unwrap();
    let last = u32::try_from(count - 1).unwrap();
    assert_eq!(guard.last().unwrap().place.round, last);
    guard.permit(9, last, Step::Prevote, A).unwrap();
    assert!(matches!(
        violation(guard.permit(9, 400, Step::Prevote, B)),
        GuardViolation::Conflict { .. }
    ));
    // What was overwritten is not known any more: it is refused, the true message too.
    assert!(matches!(
        violation(guard.permit(9, 100, Step::Prevote, B)),
        GuardViolation::Behind { .. }
    ));
    assert!(matches!(
        violation(guard.permit(9, 100, Step::Precommit, A)),
        GuardViolation::Behind { .. }
    ));
    guard.permit(9, last, Step::Precommit, A).unwrap();
}

#[test]
fn a_torn_slot_of_a_message_that_never_left_is_passed_over() {
    let (_dir, path) = fresh();
    let mut guard = Guard::open(&path).unwrap();
    for round in 0..10 {
        guard.permit(9, round, Step::Prevote, A).unwrap();
    }
    drop(guard);
    let mut bytes = std::fs::read(&path).unwrap();
    let torn = Slot {
        sequence: 11,
        vote: Vote {
            place: Place {
                height: 9,
                round: 10,
                step: Step::Prevote,
            },
            value: A,
        },
    };
    bytes[11 * SLOT_BYTES..11 * SLOT_BYTES + 30].copy_from_slice(&torn.encode()[..30]);
    std::fs::write(&path, &bytes).unwrap();
    let mut guard = Guard::open(&path).unwrap();
    assert_eq!(guard.last().unwrap().place.round, 9);
    guard.permit(9, 10, Step::Prevote, B).unwrap();
    drop(guard);
    assert_eq!(Guard::open(&path).unwrap().last().unwrap().value, B);
}

#[test]
fn a_flipped_byte_in_any_but_the_last_message_is_refused() {
    let (_dir, path) = fresh();
    let mut guard = Guard::open(&path).unwrap();
    for round in 0..3 {
        guard.permit(9, round, Step::Prevote, A).unwrap();
    }
    drop(guard);
    let whole = std::fs::read(&path).unwrap();
    for at in SLOT_BYTES..3 * SLOT_BYTES {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        assert!(
            matches!(Guard::open(&path), Err(GuardError::Damaged { .. })),
            "byte {at}"
        );
    }
    let mut stray = whole.clone();
    stray[9 * SLOT_BYTES] = 1;
    std::fs::write(&path, &stray).unwrap();
    assert!(matches!(Guard::open(&path), Err(GuardError::Damaged { slot: 9, .. })));
    let mut missing = whole.clone();
    missing[SLOT_BYTES..2 * SLOT_BYTES].fill(0);
    std::fs::write(&path, &missing).unwrap();
    assert!(matches!(Guard::open(&path), Err(GuardError::Damaged { .. })));
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(Guard::open(&path), Err(GuardError::Damaged { .. })));
}

#[test]
fn a_second_owner_is_refused() {
    let (_dir, path) = fresh();
    let _guard = Guard::open(&path).unwrap();
    assert!(matches!(
        Guard::open(&path),
        Err(GuardError::Disk(DurableError::Locked { .. }))
    ));
}

#[test]
fn a_vote_that_the_wal_lacks_makes_the_node_watch_until_that_height_is_decided() {
    let (_dir, path) = fresh();
    let mut guard = Guard::open(&path).unwrap();
    assert_eq!(guard.watch_until(0, |_| false), None);
    guard.permit(7, 0, Step::Prevote, A).unwrap();
    guard.permit(8, 0, Step::Prevote, A).unwrap();
    drop(guard);
    let guard = Guard::open(&path).unwrap();
    assert_eq!(guard.watch_until(7, |_| true), None);
    assert_eq!(guard.watch_until(7, |_| false), Some(8));
    assert_eq!(guard.watch_until(7, |vote| vote.place.height == 7), Some(8));
    assert_eq!(guard.watch_until(8, |_| false), None);
}

#[test]
fn a_new_guard_beside_an_old_log_watches_one_height() {
    let (_dir, path) = fresh();
    let guard = Guard::open(&path).unwrap();
    assert_eq!(guard.watch_until(41, |_| true), Some(42));
}
