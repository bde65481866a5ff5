//! Consistency paths: a tree only grew since it had fewer leaves (RFC 9162 2.1.4).

use super::{PathError, root};
use crate::digest::{Digest, node_hash};

/// PROOF(m, D_n) of RFC 9162 2.1.4.1 over leaf hashes; empty for `old_size` 0 or all leaves; `None` for more than there are.
#[must_use]
pub fn consistency_path(leaves: &[Digest], old_size: usize) -> Option<Vec<Digest>> {
    if old_size > leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    if old_size == 0 {
        return Some(path);
    }
    // SUBPROOF from the top down; the hashes come out last first.
    let (mut part, mut old, mut whole) = (leaves, old_size, true);
    while old < part.len() {
        let split = split_of(part.len());
        let (left, right) = part.split_at_checked(split)?;
        if old <= split {
            path.push(root(right));
            part = left;
        } else {
            path.push(root(left));
            (part, old, whole) = (right, old.saturating_sub(split), false);
        }
    }
    if !whole {
        path.push(root(part));
    }
    path.reverse();
    Some(path)
}

/// The largest power of two below `len`, for `len` > 1.
fn split_of(len: usize) -> usize {
    len.next_power_of_two() / 2
}

/// Checks that the tree with `new_root` begins with the leaves of the tree with `old_root` (RFC 9162 2.1.4.2).
/// An empty old tree is the beginning of every tree, if its root is that of nothing.
///
/// # Errors
/// [`PathError::OutOfRange`] if the old tree is larger, [`PathError::WrongLength`], [`PathError::OtherRoot`].
pub fn verify_consistency(
    old_size: u64,
    old_root: &Digest,
    new_size: u64,
    new_root: &Digest,
    path: &[Digest],
) -> Result<(), PathError> {
    if old_size > new_size {
        return Err(PathError::OutOfRange {
            index: old_size,
            size: new_size,
        });
    }
    if old_size == 0 || old_size == new_size {
        let expected_root = if old_size == 0 {
            crate::digest::empty_root()
        } else {
            *new_root
        };
        return match path.len() {
            0 if *old_root == expected_root => Ok(()),
            0 => Err(PathError::OtherRoot),
            found => Err(PathError::WrongLength { expected: 0, found }),
        };
    }
    let expected = consistency_len(old_size, new_size);
    if path.len() != expected {
        return Err(PathError::WrongLength {
            expected,
            found: path.len(),
        });
    }
    let (from_old, from_new) = climb(old_size, old_root, new_size, path);
    if from_old == *old_root && from_new == *new_root {
        Ok(())
    } else {
        Err(PathError::OtherRoot)
    }
}

/// The roots of both trees by the path, for 0 < old < new and a path of the right length.
fn climb(old_size: u64, old_root: &Digest, new_size: u64, path: &[Digest]) -> (Digest, Digest) {
    let (mut at, mut last) = (old_size.saturating_sub(1), new_size.saturating_sub(1));
    while at % 2 == 1 {
        (at, last) = (at / 2, last / 2);
    }
    let mut hashes = path.iter();
    // A perfect old tree is a node of the new one: its root starts the path without being in it.
    let start = if old_size.is_power_of_two() {
        *old_root
    } else {
        hashes.next().copied().unwrap_or(*old_root)
    };
    let (mut from_old, mut from_new) = (start, start);
    for hash in hashes {
        if at % 2 == 1 || at == last {
            from_old = node_hash(hash, &from_old);
            from_new = node_hash(hash, &from_new);
            while at.is_multiple_of(2) && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            from_new = node_hash(&from_new, hash);
        }
        (at, last) = (at / 2, last / 2);
    }
    (from_old, from_new)
}

/// How many hashes PROOF(m, D_n) has for 0 < m < n.
fn consistency_len(old_size: u64, new_size: u64) -> usize {
    let (mut old, mut new, mut len) = (old_size, new_size, 0_usize);
    let mut whole = true;
    while old < new {
        // The largest power of two below `new`; `new` is at least 2 here.
        let split = 1_u64 << 63_u32.saturating_sub(new.saturating_sub(1).leading_zeros());
        if old <= split {
            new = split;
        } else {
            (old, new, whole) = (old.saturating_sub(split), new.saturating_sub(split), false);
        }
        len = len.saturating_add(1);
    }
    if whole { len } else { len.saturating_add(1) }
}
