use super::*;
use crate::desk::batch::Batch;
use concord_spec::world::World;

struct Fixture {
    world: World,
    directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            world: World::with_series(1, "journal").unwrap(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("series.pem.journal")
    }

    fn open(&self) -> Result<Journal, JournalError> {
        Journal::open(&self.path(), self.world.state.chain_id(), SeriesId(1))
    }

    fn signed(&mut self, first: u64, count: u64) -> Signed {
        let (credentials, record) = self.world.batch_from(first, count).unwrap();
        Signed::new(Digest([7; 32]), first, record, Batch::of(Number(first), credentials))
    }
}

#[test]
fn what_was_written_is_read_back() {
    let mut fixture = Fixture::new();
    let (one, two, three) = (fixture.signed(0, 3), fixture.signed(3, 2), fixture.signed(5, 1));
    let certificates = fixture.world.issue(3).unwrap();
    let receipt = certificates[0].receipt.clone();
    let mut journal = fixture.open().unwrap();
    journal.sign(vec![one.clone(), two.clone(), three]).unwrap();
    journal.recorded(&one.id(), receipt.clone()).unwrap();
    let code = "NUMBER_GAP".to_owned();
    journal.freed(&two.id(), Freed { code }).unwrap();
    drop(journal);
    let journal = fixture.open().unwrap();
    let read = journal.batches();
    assert_eq!(read.len(), 3);
    assert_eq!(read[0].batch().credentials(), one.batch().credentials());
    assert_eq!(read[0].record(), one.record());
    assert_eq!(read[0].receipt(), Some(&receipt));
    assert!(read[1].is_freed());
    assert_eq!(read[2].outcome(), None);
    assert_eq!(journal.held_until(), Number(6));
    assert_eq!(journal.cut(), 0);
}

#[test]
fn a_journal_cut_off_anywhere_holds_a_prefix_of_what_was_written() {
    let mut fixture = Fixture::new();
    let batches = vec![fixture.signed(0, 1), fixture.signed(1, 1)];
    fixture.open().unwrap().sign(batches.clone()).unwrap();
    let whole = std::fs::read(fixture.path()).unwrap();
    for length in 0..whole.len() {
        std::fs::write(fixture.path(), &whole[..length]).unwrap();
        let journal = fixture.open().unwrap();
        let read: Vec<_> = journal.batches().iter().map(Signed::id).collect();
        let all: Vec<_> = batches.iter().map(Signed::id).collect();
        assert!(all.starts_with(&read) && read.len() < 2, "{length}");
        drop(journal);
        // What was dropped does not come back, and writing goes on.
        let mut journal = fixture.open().unwrap();
        assert_eq!(journal.cut(), 0);
        journal.sign(vec![batches[1].clone()]).unwrap();
        drop(journal);
        assert_eq!(fixture.open().unwrap().batches().len(), read.len() + 1);
    }
}

#[test]
fn damage_before_the_last_frame_is_refused() {
    let mut fixture = Fixture::new();
    let batches = vec![fixture.signed(0, 1), fixture.signed(1, 1)];
    fixture.open().unwrap().sign(batches).unwrap();
    let whole = std::fs::read(fixture.path()).unwrap();
    for at in [40, 60, 200, whole.len() / 2] {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        std::fs::write(fixture.path(), &bad).unwrap();
        assert!(matches!(fixture.open(), Err(JournalError::Damaged { .. })), "{at}");
        assert_eq!(
            std::fs::read(fixture.path()).unwrap(),
            bad,
            "a damaged journal is left as it is"
        );
    }
}

#[test]
fn a_journal_of_another_series_or_chain_is_refused() {
    let fixture = Fixture::new();
    drop(fixture.open().unwrap());
    let chain_id = fixture.world.state.chain_id();
    for (chain_id, series) in [(chain_id, SeriesId(2)), (Digest::ZERO, SeriesId(1))] {
        let refused = Journal::open(&fixture.path(), chain_id, series);
        assert!(matches!(refused, Err(JournalError::OtherSeries { .. })));
    }
}

#[test]
fn two_processes_do_not_issue_from_one_series_at_once() {
    let fixture = Fixture::new();
    let held = fixture.open().unwrap();
    assert!(matches!(fixture.open(), Err(JournalError::InUse(_))));
    drop(held);
    assert!(fixture.open().is_ok());
}
