//! What the contract promises, claim by claim.

use super::*;
use proptest::prelude::*;
use tempfile::TempDir;

const OPTIONS: Options = Options {
    magic: *b"TEST",
    segment_bytes: 200,
    check: Check::Everything,
};

fn open(dir: &Path) -> Result<(Segments, Opened), SegmentsError> {
    Segments::open(dir, 1, OPTIONS)
}

fn payload(number: u64) -> Vec<u8> {
    (0..30 + number % 17).map(|i| (i * 7 + number) as u8).collect()
}

/// A store of `count` frames in a directory of its own.
fn store(count: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    for number in 1..=count {
        store.append_synced(number, &[&payload(number)]).unwrap();
    }
    dir
}

fn segment_paths(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "seg"));
    paths.sort();
    paths
}

fn assert_holds(dir: &Path, count: u64) -> Opened {
    let (store, opened) = open(dir).unwrap();
    assert_eq!(store.tip(), (count > 0).then_some(count));
    let frames: Vec<_> = store.iter_from(1).map(Result::unwrap).collect();
    assert_eq!(frames, (1..=count).map(|n| (n, payload(n))).collect::<Vec<_>>());
    opened
}

#[test]
fn synced_frames_are_there_after_reopening_across_segments() {
    let dir = store(20);
    assert!(segment_paths(dir.path()).len() > 3);
    let opened = assert_holds(dir.path(), 20);
    assert_eq!((opened.first, opened.tip, opened.cut_bytes), (Some(1), Some(20), 0));
}

#[test]
fn a_frame_is_readable_only_once_it_is_synced() {
    let dir = store(3);
    let (store, _) = open(dir.path()).unwrap();
    store.append(4, &[b"a", b"b"]).unwrap();
    assert_eq!((store.tip(), store.read(4).unwrap()), (Some(3), None));
    store.append(5, &[b"c"]).unwrap();
    assert_eq!(store.read(4).unwrap().as_deref(), Some(&b"ab"[..]));
    assert_eq!(store.read(5).unwrap(), None);
    store.sync().unwrap();
    assert_eq!(store.read(5).unwrap().as_deref(), Some(&b"c"[..]));
}

#[test]
fn frames_out_of_order_or_too_large_are_refused_and_change_nothing() {
    let dir = store(3);
    let (store, _) = open(dir.path()).unwrap();
    assert!(matches!(
        store.append(3, &[b"x"]),
        Err(SegmentsError::Order { expected: 4, got: 3 })
    ));
    assert!(matches!(
        store.append(5, &[b"x"]),
        Err(SegmentsError::Order { expected: 4, got: 5 })
    ));
    let large = vec![0; MAX_PAYLOAD_BYTES + 1];
    assert!(matches!(
        store.append(4, &[&large]),
        Err(SegmentsError::TooLarge { number: 4 })
    ));
    store.append_synced(4, &[&payload(4)]).unwrap();
    drop(store);
    assert_holds(dir.path(), 4);
}

#[test]
fn a_second_owner_is_refused() {
    let dir = store(1);
    let (_store, _) = open(dir.path()).unwrap();
    assert!(open(dir.path()).unwrap_err().to_string().contains("another process"));
}

#[test]
fn a_last_frame_cut_at_any_byte_leaves_all_earlier_frames() {
    for count in [1, 2, 9, 10, 11, 12] {
        let dir = store(count);
        let last = segment_paths(dir.path()).pop().unwrap();
        let whole = std::fs::read(&last).unwrap();
        let frame_bytes = payload(count).len() + HEADER_BYTES;
        let start = whole.len() - frame_bytes;
        for end in start..whole.len() {
            std::fs::write(&last, &whole[..end]).unwrap();
            let opened = assert_holds(dir.path(), count - 1);
            assert_eq!(opened.cut_bytes, (end - start) as u64);
        }
        // And what was cut can be written again.
        let (store, _) = open(dir.path()).unwrap();
        store.append_synced(count, &[&payload(count)]).unwrap();
        drop(store);
        assert_holds(dir.path(), count);
    }
}

#[test]
fn a_last_frame_of_zeros_or_with_a_bad_sum_is_cut() {
    let dir = store(9);
    let last = segment_paths(dir.path()).pop().unwrap();
    let whole = std::fs::read(&last).unwrap();
    let start = whole.len() - payload(9).len() - HEADER_BYTES;
    let mut zeros = whole.clone();
    zeros[start..].fill(0);
    std::fs::write(&last, &zeros).unwrap();
    assert_holds(dir.path(), 8);
    let mut bad = whole.clone();
    *bad.last_mut().unwrap() ^= 1;
    std::fs::write(&last, &bad).unwrap();
    assert_holds(dir.path(), 8);
}

#[test]
fn a_segment_whose_creation_was_interrupted_is_taken_away() {
    let dir = store(20);
    let path = dir.path().join(segment_name(21));
    for len in 0..=SEGMENT_HEADER_BYTES {
        std::fs::write(&path, vec![0; len]).unwrap();
        assert_holds(dir.path(), 20);
        assert!(!path.exists(), "{len}");
    }
}

#[test]
fn every_flipped_byte_before_the_last_frame_is_refused_and_left_alone() {
    let dir = store(11);
    let paths = segment_paths(dir.path());
    let last_frame = payload(11).len() + HEADER_BYTES;
    assert!(
        std::fs::read(paths.last().unwrap()).unwrap().len() > 2 * last_frame,
        "damage in the last segment too"
    );
    for (i, path) in paths.iter().enumerate() {
        let whole = std::fs::read(path).unwrap();
        let end = if i + 1 == paths.len() {
            whole.len() - last_frame
        } else {
            whole.len()
        };
        for at in 0..end {
            for bit in [1, 0x80] {
                let mut bad = whole.clone();
                bad[at] ^= bit;
                std::fs::write(path, &bad).unwrap();
                let refused = open(dir.path()).map(|_| ()).unwrap_err();
                assert!(refused.to_string().contains("damaged at byte"), "{refused}");
                assert_eq!(std::fs::read(path).unwrap(), bad);
            }
        }
        std::fs::write(path, &whole).unwrap();
    }
    assert_holds(dir.path(), 11);
}

#[test]
fn a_flip_in_an_old_payload_is_refused_at_the_read_where_opening_did_not_look() {
    let dir = store(20);
    let first = segment_paths(dir.path()).remove(0);
    let mut bytes = std::fs::read(&first).unwrap();
    bytes[SEGMENT_HEADER_BYTES + HEADER_BYTES] ^= 1;
    std::fs::write(&first, &bytes).unwrap();
    let (store, _) = Segments::open(
        dir.path(),
        1,
        Options {
            check: Check::LastSegment,
            ..OPTIONS
        },
    )
    .unwrap();
    assert!(matches!(store.read(1), Err(SegmentsError::Damaged { offset: 16, .. })));
    assert_eq!(store.read(2).unwrap(), Some(payload(2)));
}

#[test]
fn a_payload_that_looks_like_a_frame_does_not_hide_a_torn_tail() {
    let dir = store(1);
    // Whoever writes records knows the format, but not the segment's salt.
    let imitation = Header::of(3, &[b"x"]).unwrap().encode(OPTIONS.magic, 0);
    let (store, _) = open(dir.path()).unwrap();
    store.append_synced(2, &[&imitation.repeat(3)]).unwrap();
    drop(store);
    let path = segment_paths(dir.path()).pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let start = bytes.len() - 3 * HEADER_BYTES - HEADER_BYTES;
    bytes[start] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_holds(dir.path(), 1);
}

#[test]
fn a_missing_renamed_or_foreign_file_is_refused() {
    let dir = store(20);
    let paths = segment_paths(dir.path());
    let away = tempfile::tempdir().unwrap();
    std::fs::rename(&paths[1], away.path().join("x")).unwrap();
    assert!(matches!(open(dir.path()), Err(SegmentsError::Gap { .. })));
    std::fs::rename(&paths[2], &paths[1]).unwrap();
    assert!(matches!(open(dir.path()), Err(SegmentsError::Damaged { .. })));
    std::fs::rename(&paths[1], &paths[2]).unwrap();
    std::fs::rename(away.path().join("x"), &paths[1]).unwrap();
    assert_holds(dir.path(), 20);
    std::fs::write(dir.path().join("notes.txt"), b"").unwrap();
    assert!(matches!(open(dir.path()), Err(SegmentsError::Foreign { .. })));
}

#[test]
fn dropped_segments_are_gone_and_the_rest_reads_on() {
    let dir = store(20);
    let (store, _) = open(dir.path()).unwrap();
    store.drop_segments_below(10).unwrap();
    let first = store.first().unwrap();
    assert!(first > 1 && first <= 10, "{first}");
    assert_eq!(store.read(first - 1).unwrap(), None);
    assert_eq!(store.read(10).unwrap(), Some(payload(10)));
    store.append_synced(21, &[&payload(21)]).unwrap();
    drop(store);
    let (store, opened) = open(dir.path()).unwrap();
    assert_eq!((opened.first, opened.tip), (Some(first), Some(21)));
    store.drop_segments_below(u64::MAX).unwrap();
    assert_eq!(store.next(), 22);
}

#[test]
fn after_a_failed_write_nothing_more_is_taken() {
    let dir = store(3);
    let (store, _) = open(dir.path()).unwrap();
    for path in segment_paths(dir.path()) {
        std::fs::remove_file(path).unwrap();
    }
    std::fs::remove_file(dir.path().join("lock")).unwrap();
    std::fs::remove_dir(dir.path()).unwrap();
    assert!(matches!(store.append(4, &[b"x"]), Err(SegmentsError::Disk(_))));
    assert!(matches!(store.append(4, &[b"x"]), Err(SegmentsError::Failed { .. })));
    assert!(matches!(store.sync(), Err(SegmentsError::Failed { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to one byte: the store opens with true frames only, or it is refused; it never serves others.
    #[test]
    fn no_changed_byte_is_ever_served(count in 1u64..15, at in any::<prop::sample::Index>(), flip in 1u8..) {
        let dir = store(count);
        let paths = segment_paths(dir.path());
        let sizes: Vec<usize> = paths.iter().map(|p| std::fs::read(p).unwrap().len()).collect();
        let mut at = at.index(sizes.iter().sum());
        let mut i = 0;
        while at >= sizes[i] {
            at -= sizes[i];
            i += 1;
        }
        let mut bytes = std::fs::read(&paths[i]).unwrap();
        bytes[at] ^= flip;
        std::fs::write(&paths[i], &bytes).unwrap();
        if let Ok((store, _)) = open(dir.path()) {
            prop_assert_eq!(store.tip().unwrap_or(0), count - 1);
            for frame in store.iter_from(1) {
                let (number, found) = frame.unwrap();
                prop_assert_eq!(found, payload(number));
            }
        }
    }
}
