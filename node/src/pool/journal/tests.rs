//! What the journal promises, claim by claim.

use super::*;
use std::path::PathBuf;
use tempfile::TempDir;

const OPTIONS: JournalOptions = JournalOptions {
    max_bytes: 20_000,
    segment_bytes: 2_000,
};

fn id(i: u32) -> [u8; 32] {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&i.to_le_bytes());
    id
}

fn record(i: u32) -> Vec<u8> {
    vec![i as u8; 100 + (i % 7) as usize]
}

fn open(dir: &Path) -> Journal {
    Journal::open(dir, OPTIONS).unwrap().0
}

fn append(journal: &Journal, i: u32) {
    journal.append(id(i), &record(i)).unwrap().wait().unwrap();
}

fn pending(journal: &Journal) -> Vec<u32> {
    let pending = journal.pending().unwrap();
    pending
        .into_iter()
        .map(|p| {
            let i = u32::from_le_bytes(p.id[..4].try_into().unwrap());
            assert_eq!(p.record, record(i));
            i
        })
        .collect()
}

#[test]
fn what_was_admitted_and_has_not_ended_is_pending_after_restart_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    (0..20).for_each(|i| append(&journal, i));
    journal.included(&[id(3), id(4), id(99)]).unwrap();
    journal.refuse(id(5), b"number-gap", 1_000).unwrap().wait().unwrap();
    drop(journal);
    let journal = open(dir.path());
    assert_eq!(
        pending(&journal),
        [0, 1, 2].into_iter().chain(6..20).collect::<Vec<_>>()
    );
    assert_eq!(
        journal.refusal(&id(5)),
        Some(Refusal {
            reason: b"number-gap".to_vec(),
            keep_until_ms: 1_000
        })
    );
    assert_eq!(journal.refusal(&id(6)), None);
}

#[test]
fn a_record_known_already_is_not_journalled_twice() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append(&journal, 1);
    assert!(matches!(
        journal.append(id(1), &record(1)),
        Err(JournalError::Known { .. })
    ));
    let (new, known) = (record(2), record(1));
    assert!(matches!(
        journal.append_all(&[(id(2), &new), (id(1), &known)]),
        Err(JournalError::Known { .. })
    ));
    assert_eq!(pending(&journal), [1]);
    assert_eq!(journal.bytes(), entry::admitted_bytes(&record(1)));
}

#[test]
fn a_block_takes_back_a_refusal() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append(&journal, 1);
    journal.refuse(id(1), b"x", 1).unwrap().wait().unwrap();
    journal.included(&[id(1)]).unwrap();
    drop(journal);
    let journal = open(dir.path());
    assert_eq!(
        (pending(&journal), journal.refusal(&id(1)), journal.bytes()),
        (vec![], None, 0)
    );
}

#[test]
fn refusals_are_forgotten_at_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    journal.refuse(id(1), b"x", 10).unwrap().wait().unwrap();
    journal.refuse(id(2), b"x", 20).unwrap().wait().unwrap();
    journal.forget_refusals(11);
    assert!(journal.refusal(&id(1)).is_none());
    assert!(journal.refusal(&id(2)).is_some());
    assert_eq!(journal.bytes(), entry::refused_bytes(b"x"));
}

#[test]
fn at_the_bound_records_are_refused_and_ending_some_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let mut i = 0;
    while journal.bytes() + 200 < OPTIONS.max_bytes {
        append(&journal, i);
        i += 1;
    }
    append(&journal, i);
    assert!(matches!(
        journal.append(id(i + 1), &record(i + 1)),
        Err(JournalError::Full { .. })
    ));
    // Ending is always possible.
    journal.refuse(id(0), b"EXPIRED", 1).unwrap().wait().unwrap();
    journal.included(&[id(1)]).unwrap();
    append(&journal, i + 1);
}

#[test]
fn files_stay_bounded_and_old_pending_records_survive_every_move() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append(&journal, 0);
    append(&journal, 1);
    journal.refuse(id(1_000_000), b"x", u64::MAX).unwrap().wait().unwrap();
    for i in 2..1_000 {
        append(&journal, i);
        journal.included(&[id(i)]).unwrap();
        assert!(journal.file_bytes() < 8_000, "{}", journal.file_bytes());
    }
    assert_eq!(pending(&journal), [0, 1]);
    drop(journal);
    let journal = open(dir.path());
    assert_eq!(pending(&journal), [0, 1]);
    assert!(journal.refusal(&id(1_000_000)).is_some());
}

#[test]
fn an_old_record_that_was_moved_still_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append(&journal, 0);
    for i in 1..200 {
        append(&journal, i);
        if i != 150 {
            journal.included(&[id(i)]).unwrap();
        }
    }
    assert_ne!(journal.store.first(), Some(1), "record 0 was moved");
    assert_eq!(pending(&journal), [0, 150]);
}

#[test]
fn a_record_admitted_and_refused_in_one_batch_is_not_pending() {
    let dir = tempfile::tempdir().unwrap();
    let mut batch = Vec::new();
    Entry::Admitted {
        id: id(1),
        sequence: 0,
        record: &record(1),
    }
    .write(&mut batch);
    Entry::Refused {
        id: id(1),
        sequence: 1,
        keep_until_ms: 9,
        reason: b"r",
    }
    .write(&mut batch);
    let options = Options {
        magic: MAGIC,
        segment_bytes: 2_000,
        check: Check::Everything,
    };
    Segments::open(dir.path(), 1, options)
        .unwrap()
        .0
        .append_synced(1, &[&batch])
        .unwrap();
    let journal = open(dir.path());
    assert_eq!(pending(&journal), Vec::<u32>::new());
    assert!(journal.refusal(&id(1)).is_some());
}

#[test]
fn a_torn_batch_loses_only_what_nobody_was_promised() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append(&journal, 0);
    append(&journal, 1);
    drop(journal);
    let segment = only_segment(&dir);
    let whole = std::fs::read(&segment).unwrap();
    let batch = entry::admitted_bytes(&record(1)) as usize;
    for cut in 1..=batch {
        std::fs::write(&segment, &whole[..whole.len() - cut]).unwrap();
        assert_eq!(pending(&open(dir.path())), [0]);
    }
}

fn only_segment(dir: &TempDir) -> PathBuf {
    let mut paths = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path());
    paths.find(|p| p.extension().is_some_and(|e| e == "seg")).unwrap()
}

#[test]
fn what_arrives_while_the_disk_works_shares_one_sync() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), JournalOptions::default()).unwrap();
    let waiting: Vec<_> = (0..2_000).map(|i| journal.append(id(i), &record(i)).unwrap()).collect();
    waiting.into_iter().for_each(|synced| synced.wait().unwrap());
    assert_eq!(pending(&journal).len(), 2_000);
    let batches = journal.store.tip().unwrap();
    assert!(batches < 1_000, "{batches} syncs for 2000 records");
}

#[tokio::test]
async fn the_future_resolves_when_the_record_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    journal.append(id(1), &record(1)).unwrap().await.unwrap();
    assert_eq!(journal.store.tip(), Some(1));
}

#[test]
fn oversized_records_reasons_and_calls_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), JournalOptions::default()).unwrap();
    let large = vec![0; MAX_RECORD_BYTES + 1];
    assert!(matches!(
        journal.append(id(1), &large),
        Err(JournalError::TooLarge { .. })
    ));
    assert!(matches!(
        journal.refuse(id(1), &large, 0),
        Err(JournalError::TooLarge { .. })
    ));
    let full = vec![0; MAX_RECORD_BYTES];
    let many: Vec<_> = (0..128).map(|i| (id(i), full.as_slice())).collect();
    assert!(matches!(journal.append_all(&many), Err(JournalError::TooLarge { .. })));
    assert_eq!(journal.bytes(), 0);
    let fits: Vec<_> = many.into_iter().take(127).collect();
    journal.append_all(&fits).unwrap().wait().unwrap();
}

#[test]
fn entries_with_lengths_over_their_bounds_do_not_parse() {
    let mut bytes = Vec::new();
    Entry::Admitted {
        id: id(1),
        sequence: 1,
        record: b"abc",
    }
    .write(&mut bytes);
    Entry::Refused {
        id: id(1),
        sequence: 2,
        keep_until_ms: 3,
        reason: b"r",
    }
    .write(&mut bytes);
    Entry::Included { id: id(1) }.write(&mut bytes);
    assert_eq!(entries(&bytes).unwrap().len(), 3);
    for cut in 1..33 {
        assert!(entries(&bytes[..bytes.len() - cut]).is_none(), "{cut}");
    }
    let mut long = Vec::new();
    Entry::Admitted {
        id: id(1),
        sequence: 1,
        record: &vec![0; MAX_RECORD_BYTES + 1],
    }
    .write(&mut long);
    assert!(entries(&long).is_none());
}
