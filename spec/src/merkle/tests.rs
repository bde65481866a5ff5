use super::*;
use crate::codec::{CodecError, from_slice, to_vec};
use crate::digest::{leaf_hash, sha256};
use proptest::prelude::*;

/// MTH of RFC 9162 2.1.1, word for word, over leaf hashes.
fn mth(d: &[Digest]) -> Digest {
    match d {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = d.split_at(k(d.len()));
            sha256(&[&[1], &mth(left).0, &mth(right).0])
        }
    }
}

/// "the largest power of two smaller than n"
fn k(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// PATH of RFC 9162 2.1.3.1.
fn naive_path(m: usize, d: &[Digest]) -> Vec<Digest> {
    if d.len() == 1 {
        return vec![];
    }
    let (left, right) = d.split_at(k(d.len()));
    if m < left.len() {
        [naive_path(m, left), vec![mth(right)]].concat()
    } else {
        [naive_path(m - left.len(), right), vec![mth(left)]].concat()
    }
}

/// SUBPROOF of RFC 9162 2.1.4.1.
fn subproof(m: usize, d: &[Digest], b: bool) -> Vec<Digest> {
    if m == d.len() {
        return if b { vec![] } else { vec![mth(d)] };
    }
    let (left, right) = d.split_at(k(d.len()));
    if m <= left.len() {
        [subproof(m, left, b), vec![mth(right)]].concat()
    } else {
        [subproof(m - left.len(), right, false), vec![mth(left)]].concat()
    }
}

fn leaves(n: usize) -> Vec<Digest> {
    (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

#[test]
fn roots_and_paths_are_those_of_the_rfc_at_every_small_size() {
    for n in 0..70 {
        let d = leaves(n);
        assert_eq!(root(&d), mth(&d), "{n}");
        for m in 0..n {
            let path = inclusion_path(&d, m).unwrap();
            assert_eq!(path, naive_path(m, &d), "{m} of {n}");
            assert_eq!(path.len(), path_len(m as u64, n as u64));
            assert_eq!(root_from_path(d[m], m as u64, n as u64, &path), Ok(mth(&d)));
        }
        assert_eq!(inclusion_path(&d, n), None);
    }
}

#[test]
fn consistency_paths_are_those_of_the_rfc_at_every_small_size() {
    for n in 0..40 {
        let d = leaves(n);
        for m in 0..=n {
            let path = consistency_path(&d, m).unwrap();
            let expected = if m == 0 { vec![] } else { subproof(m, &d, true) };
            assert_eq!(path, expected, "{m} of {n}");
            let old = mth(&d[..m]);
            assert_eq!(
                verify_consistency(m as u64, &old, n as u64, &mth(&d), &path),
                Ok(()),
                "{m} of {n}"
            );
        }
        assert_eq!(consistency_path(&d, n + 1), None);
    }
}

#[test]
fn a_path_of_another_length_is_refused() {
    let d = leaves(11);
    for m in 0..11 {
        let mut path = inclusion_path(&d, m).unwrap();
        let expected = path.len();
        path.push(Digest::ZERO);
        let found = path.len();
        assert_eq!(
            root_from_path(d[m], m as u64, 11, &path),
            Err(PathError::WrongLength { expected, found })
        );
        path.truncate(expected - 1);
        assert!(matches!(
            root_from_path(d[m], m as u64, 11, &path),
            Err(PathError::WrongLength { .. })
        ));
    }
    assert_eq!(
        root_from_path(d[0], 11, 11, &[]),
        Err(PathError::OutOfRange { index: 11, size: 11 })
    );
    assert_eq!(
        root_from_path(d[0], 0, 0, &[]),
        Err(PathError::OutOfRange { index: 0, size: 0 })
    );
    assert!(matches!(
        root_from_path(d[0], 0, u64::MAX, &[]),
        Err(PathError::WrongLength { expected: 64, .. })
    ));
    assert!(matches!(
        root_from_path(d[0], u64::MAX - 1, u64::MAX, &[]),
        Err(PathError::WrongLength { .. })
    ));
}

#[test]
fn swapped_siblings_and_other_positions_lead_elsewhere() {
    let d = leaves(13);
    let all = root(&d);
    for m in 0..13_usize {
        let path = inclusion_path(&d, m).unwrap();
        for i in 1..path.len() {
            let mut swapped = path.clone();
            swapped.swap(i - 1, i);
            assert_eq!(
                verify_inclusion(d[m], m as u64, 13, &swapped, &all),
                Err(PathError::OtherRoot)
            );
        }
        for other in (0..13_usize).filter(|o| *o != m) {
            assert!(
                verify_inclusion(d[m], other as u64, 13, &path, &all).is_err(),
                "{m} as {other}"
            );
        }
    }
}

#[test]
fn a_rewritten_past_is_not_consistent() {
    let d = leaves(23);
    for m in 1..23 {
        let path = consistency_path(&d, m).unwrap();
        let mut rewritten = d.clone();
        rewritten[m / 2] = Digest::ZERO;
        let (old, new) = (mth(&rewritten[..m]), mth(&d));
        assert_eq!(
            verify_consistency(m as u64, &old, 23, &new, &path),
            Err(PathError::OtherRoot),
            "{m}"
        );
        let (old, new) = (mth(&d[..m]), mth(&rewritten));
        assert_eq!(
            verify_consistency(m as u64, &old, 23, &new, &path),
            Err(PathError::OtherRoot),
            "{m}"
        );
        let mut longer = path.clone();
        longer.push(Digest::ZERO);
        assert!(matches!(
            verify_consistency(m as u64, &mth(&d[..m]), 23, &mth(&d), &longer),
            Err(PathError::WrongLength { .. })
        ));
    }
    assert!(verify_consistency(0, &Digest::ZERO, 5, &mth(&d[..5]), &[]).is_err());
    assert!(verify_consistency(24, &mth(&d), 23, &mth(&d), &[]).is_err());
    assert!(verify_consistency(23, &Digest::ZERO, 23, &mth(&d), &[]).is_err());
    assert!(verify_consistency(1, &d[0], u64::MAX, &mth(&d), &[]).is_err());
}

#[test]
fn a_frontier_has_the_roots_of_the_tree_and_survives_storage() {
    let d = leaves(70);
    let mut frontier = Frontier::new();
    for n in 0..70 {
        assert_eq!((frontier.root(), frontier.len()), (mth(&d[..n]), n as u64));
        frontier = from_slice(&to_vec(&frontier), 4096).unwrap();
        frontier.push(d[n]);
    }
    let missing_peak = Frontier::default();
    let mut bytes = to_vec(&missing_peak);
    bytes[1] = 1;
    assert_eq!(
        from_slice::<Frontier>(&bytes, 64),
        Err(CodecError::Invalid { what: "frontier" })
    );
}

#[derive(Debug, Clone)]
enum Step {
    Push(u8),
    Set(prop::sample::Index, u8),
    Pop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Push),
        2 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(i, b)| Step::Set(i, b)),
        1 => Just(Step::Pop),
    ]
}

proptest! {
    #[test]
    fn a_tree_changed_in_place_is_the_tree_built_anew(steps in prop::collection::vec(step(), 0..60)) {
        let (mut tree, mut naive) = (Tree::new(), Vec::new());
        for step in steps {
            let before = (tree.clone(), tree.root());
            match step {
                Step::Push(b) => {
                    tree.push(leaf_hash(&[b]));
                    naive.push(leaf_hash(&[b]));
                }
                Step::Set(i, b) if !naive.is_empty() => {
                    let i = i.index(naive.len());
                    prop_assert!(tree.set(i, leaf_hash(&[b])));
                    naive[i] = leaf_hash(&[b]);
                }
                Step::Set(..) => prop_assert!(!tree.set(0, Digest::ZERO)),
                Step::Pop => prop_assert_eq!(tree.pop(), naive.pop().is_some()),
            }
            prop_assert_eq!(tree.root(), mth(&naive));
            prop_assert_eq!(tree.len(), naive.len());
            prop_assert_eq!(before.0.root(), before.1, "a clone never changes");
            prop_assert_eq!(&naive.iter().copied().collect::<Tree>().levels, &tree.levels);
            for m in 0..naive.len() {
                prop_assert_eq!(tree.path(m), inclusion_path(&naive, m));
            }
            prop_assert_eq!(tree.path(naive.len()), None);
        }
    }

    #[test]
    fn large_trees_agree_too(n in 1..3000_usize, m in any::<prop::sample::Index>()) {
        let d = leaves(n);
        let m = m.index(n);
        let path = inclusion_path(&d, m).unwrap();
        prop_assert_eq!(root_from_path(d[m], m as u64, n as u64, &path), Ok(mth(&d)));
        let old = mth(&d[..m]);
        let path = consistency_path(&d, m).unwrap();
        prop_assert_eq!(verify_consistency(m as u64, &old, n as u64, &mth(&d), &path), Ok(()));
    }
}
