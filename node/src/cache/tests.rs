//! A cache that fits the log is used; any other is thrown away and says why.

use super::*;

const CHAIN: [u8; 32] = [9; 32];

fn hash(height: u64) -> [u8; 32] {
    [u8::try_from(height).unwrap(); 32]
}

/// A log with `tip` blocks.
fn log(tip: u64) -> impl Fn(u64) -> Option<[u8; 32]> {
    move |height| (1..=tip).contains(&height).then(|| hash(height))
}

fn filled(dir: &Path, blocks: u64) {
    let (cache, _) = Cache::open(dir, CHAIN, log(blocks)).unwrap();
    for height in 1..=blocks {
        let changes = vec![(vec![1, u8::try_from(height).unwrap()], Some(vec![7; 10]))];
        cache
            .apply(height, hash(height), &changes, &[[height as u8; 32]], b"touched")
            .unwrap();
    }
}

#[test]
fn what_was_applied_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 5);
    let (cache, opened) = Cache::open(dir.path(), CHAIN, log(7)).unwrap();
    assert_eq!(
        opened,
        CacheOpened {
            height: 5,
            next_height: 6,
            wiped: None
        }
    );
    assert_eq!(cache.get(&[1, 5]).unwrap(), Some(vec![7; 10]));
    assert_eq!(cache.get(&[1, 6]).unwrap(), None);
    assert_eq!(
        cache.position(&[3; 32]).unwrap(),
        Some(Position { height: 3, index: 0 })
    );
    assert_eq!(cache.load_all().count(), 5);
}

#[test]
fn the_trail_tells_of_each_block_in_order_whatever_the_size() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, _) = Cache::open(dir.path(), CHAIN, log(0)).unwrap();
    let large = vec![5; 300_000];
    for (height, touched) in [(1, b"one".as_slice()), (2, &large), (3, b"")] {
        cache.apply(height, hash(height), &[], &[], touched).unwrap();
    }
    let trail: Vec<_> = cache.trail(0).collect::<Result<_, _>>().unwrap();
    assert_eq!(
        trail,
        [(hash(1), b"one".to_vec()), (hash(2), large), (hash(3), Vec::new())]
    );
    assert_eq!(cache.trail(2).count(), 1);
    assert_eq!(cache.trail(3).count(), 0);
    assert_eq!(cache.load_all().count(), 0, "it is no part of the state");
}

#[test]
fn a_cache_that_does_not_fit_the_log_is_wiped_with_its_reason() {
    let cases: [([u8; 32], u64, u64, WipeReason); 3] = [
        ([8; 32], 5, 0, WipeReason::OtherChain),
        (CHAIN, 4, 0, WipeReason::Ahead { height: 5 }),
        (CHAIN, 5, 1, WipeReason::OtherBlock { height: 5 }),
    ];
    for (chain, tip, shift, reason) in cases {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 5);
        let other_log = |height: u64| (height <= tip).then(|| hash(height + shift));
        let (cache, opened) = Cache::open(dir.path(), chain, other_log).unwrap();
        assert_eq!(
            opened,
            CacheOpened {
                height: 0,
                next_height: 1,
                wiped: Some(reason)
            }
        );
        assert_eq!(cache.load_all().count(), 0);
        assert_eq!(cache.position(&[3; 32]).unwrap(), None);
        cache.apply(1, hash(1), &[], &[], b"touched").unwrap();
    }
}

#[test]
fn an_unreadable_cache_is_wiped() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 5);
    let conf = dir.path().join(SLED_DIR).join("conf");
    std::fs::write(&conf, b"garbage, not a sled configuration").unwrap();
    let (cache, opened) = Cache::open(dir.path(), CHAIN, log(5)).unwrap();
    assert!(matches!(opened.wiped, Some(WipeReason::Unreadable(_))), "{opened:?}");
    cache.apply(1, hash(1), &[], &[], b"touched").unwrap();
}

#[test]
fn blocks_out_of_order_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, _) = Cache::open(dir.path(), CHAIN, log(9)).unwrap();
    cache.apply(1, hash(1), &[], &[], b"touched").unwrap();
    for height in [0, 1, 3] {
        let refused = cache.apply(height, hash(height), &[], &[], b"touched");
        assert!(
            matches!(refused, Err(CacheError::Order { expected: 2, .. })),
            "{height}"
        );
    }
}

#[test]
fn values_of_any_size_come_back_and_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, _) = Cache::open(dir.path(), CHAIN, log(99)).unwrap();
    let key = b"section".to_vec();
    let sizes = [0, 1, value::PART_BYTES, value::PART_BYTES + 1, 350_000, 120_000, 5];
    for (height, size) in (1..).zip(sizes) {
        let value: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        cache
            .apply(
                height,
                hash(height),
                &[(key.clone(), Some(value.clone()))],
                &[],
                b"touched",
            )
            .unwrap();
        assert_eq!(cache.get(&key).unwrap().as_deref(), Some(&value[..]), "{size}");
        let parts = if size > value::PART_BYTES {
            size.div_ceil(value::PART_BYTES)
        } else {
            0
        };
        assert_eq!(cache.trees.parts.len(), parts, "{size}");
        assert_eq!(cache.scan_prefix(b"sec").count(), 1);
    }
    let removal = (key.clone(), None);
    cache
        .apply(
            8,
            hash(8),
            &[(key.clone(), Some(vec![1; 250_000])), removal],
            &[],
            b"touched",
        )
        .unwrap();
    assert_eq!(
        (
            cache.get(&key).unwrap(),
            cache.trees.parts.len(),
            cache.trees.entries.len()
        ),
        (None, 0, 0)
    );
}

#[test]
fn a_block_with_a_change_over_the_bound_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, _) = Cache::open(dir.path(), CHAIN, log(9)).unwrap();
    let changes = [(vec![1], Some(vec![1])), (vec![0; MAX_KEY_BYTES + 1], None)];
    assert!(matches!(
        cache.apply(1, hash(1), &changes, &[], &[]),
        Err(CacheError::TooLarge { .. })
    ));
    assert_eq!((cache.height().unwrap(), cache.get(&[1]).unwrap()), (0, None));
}

#[test]
fn positions_lost_in_a_crash_are_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 5);
    std::fs::remove_dir_all(dir.path().join(POSITIONS_DIR)).unwrap();
    let (cache, opened) = Cache::open(dir.path(), CHAIN, log(6)).unwrap();
    assert_eq!(
        opened,
        CacheOpened {
            height: 5,
            next_height: 1,
            wiped: None
        }
    );
    assert!(matches!(
        cache.apply(6, hash(6), &[], &[], &[]),
        Err(CacheError::Order { expected: 1, got: 6 })
    ));
    for height in 1..=5 {
        cache.index_records(height, &[[height as u8; 32]]).unwrap();
    }
    cache.apply(6, hash(6), &[], &[[6; 32]], b"touched").unwrap();
    assert_eq!(
        cache.position(&[2; 32]).unwrap(),
        Some(Position { height: 2, index: 0 })
    );
}

#[test]
fn positions_beside_no_entries_are_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 5);
    std::fs::remove_dir_all(dir.path().join(SLED_DIR)).unwrap();
    let (cache, opened) = Cache::open(dir.path(), CHAIN, log(5)).unwrap();
    assert_eq!((opened.next_height, cache.position(&[2; 32]).unwrap()), (1, None));
}

#[test]
fn a_cache_wiped_on_request_starts_empty() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 5);
    let (cache, _) = Cache::open(dir.path(), CHAIN, log(5)).unwrap();
    let (cache, opened) = cache.wipe("its state_root is another".to_owned()).unwrap();
    assert_eq!((opened.height, cache.load_all().count()), (0, 0));
    cache.apply(1, hash(1), &[], &[], b"touched").unwrap();
}

#[test]
fn a_second_owner_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_cache, _) = Cache::open(dir.path(), CHAIN, log(0)).unwrap();
    assert!(matches!(
        Cache::open(dir.path(), CHAIN, log(0)),
        Err(CacheError::Disk(DurableError::Locked { .. }))
    ));
}
