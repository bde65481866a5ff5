//! Every record is found, whatever was merged, lost or left over.

use super::*;

/// An id as evenly spread as a hash is.
fn id(height: u64, index: u32) -> [u8; 32] {
    let mut seed = (height << 32 | u64::from(index)).wrapping_add(1);
    let mut id = [0; 32];
    for chunk in id.chunks_mut(8) {
        seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (seed >> 31);
        chunk.copy_from_slice(&seed.to_be_bytes());
    }
    id
}

fn fill(positions: &Positions, blocks: u64, records: u32) {
    for _ in 0..blocks {
        let height = positions.next_height();
        let ids: Vec<_> = (0..records).map(|index| id(height, index)).collect();
        positions.add(height, &ids).unwrap();
    }
}

fn assert_found(positions: &Positions, blocks: u64, records: u32) {
    for height in 1..=blocks {
        for index in [0, records / 2, records - 1] {
            assert_eq!(
                positions.find(&id(height, index)).unwrap(),
                Some(Position { height, index })
            );
        }
    }
    assert_eq!(positions.find(&id(0, 0)).unwrap(), None);
    assert_eq!(positions.find(&id(blocks + 1, 0)).unwrap(), None);
}

fn run_files(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

#[test]
fn records_are_found_in_memory_in_runs_and_in_merged_runs() {
    let dir = tempfile::tempdir().unwrap();
    let positions = Positions::open(dir.path()).unwrap();
    fill(&positions, 80, 2_048); // 10 runs
    assert_found(&positions, 80, 2_048);
    positions.wait();
    assert_found(&positions, 80, 2_048);
    assert!(run_files(dir.path()) < 10, "{} files", run_files(dir.path()));
    drop(positions);
    let positions = Positions::open(dir.path()).unwrap();
    assert_eq!(positions.next_height(), 81);
    assert_found(&positions, 80, 2_048);
}

#[test]
fn what_was_only_in_memory_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let positions = Positions::open(dir.path()).unwrap();
    fill(&positions, 10, 2_048); // one run at height 8
    positions.wait();
    std::mem::forget(positions); // as kill -9 does
    let positions = Positions::open(dir.path()).unwrap();
    assert_eq!(positions.next_height(), 9);
    fill(&positions, 2, 2_048);
    assert_found(&positions, 10, 2_048);
}

#[test]
fn empty_blocks_become_runs_too() {
    let dir = tempfile::tempdir().unwrap();
    let positions = Positions::open(dir.path()).unwrap();
    fill(&positions, RUN_BLOCKS + 3, 0);
    std::mem::forget(positions);
    assert_eq!(Positions::open(dir.path()).unwrap().next_height(), RUN_BLOCKS + 1);
}

#[test]
fn a_merge_cut_short_leaves_either_the_old_runs_or_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let olds: Vec<_> = (1..=3u64)
        .map(|height| {
            let positions = BTreeMap::from([(key(&id(height, 0)), Position { height, index: 0 })]);
            Arc::new(run::write(dir.path(), height, height, &positions).unwrap())
        })
        .collect();
    std::fs::write(dir.path().join("x.new"), b"half").unwrap();
    assert_found(&Positions::open(dir.path()).unwrap(), 3, 1);
    run::merge(dir.path(), &olds).unwrap();
    assert_eq!(run_files(dir.path()), 4); // the old ones were not deleted in time
    let positions = Positions::open(dir.path()).unwrap();
    assert_eq!((run_files(dir.path()), positions.next_height()), (1, 4));
    assert_found(&positions, 3, 1);
}

#[test]
fn a_run_with_any_flipped_byte_in_its_header_is_made_again_with_all_that_follow() {
    for at in 0..36 {
        let dir = tempfile::tempdir().unwrap();
        let runs: Vec<_> = (1..=3u64)
            .map(|h| run::write(dir.path(), h, h, &BTreeMap::new()).unwrap())
            .collect();
        let mut bytes = std::fs::read(&runs[1].path).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&runs[1].path, bytes).unwrap();
        assert_eq!(Positions::open(dir.path()).unwrap().next_height(), 2, "byte {at}");
        assert_eq!(run_files(dir.path()), 1);
    }
}

#[test]
fn a_flipped_byte_in_a_run_stops_its_merge() {
    let dir = tempfile::tempdir().unwrap();
    let positions = BTreeMap::from([(key(&id(1, 0)), Position { height: 1, index: 0 })]);
    let run = run::write(dir.path(), 1, 1, &positions).unwrap();
    let mut bytes = std::fs::read(&run.path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&run.path, bytes).unwrap();
    assert!(matches!(
        run::merge(dir.path(), &[Arc::new(run)]),
        Err(PositionsError::Damaged { .. })
    ));
}
