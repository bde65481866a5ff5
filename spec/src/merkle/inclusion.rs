//! Inclusion paths (RFC 9162 2.1.3).

use super::{PathError, parents};
use crate::digest::{Digest, node_hash};

/// The siblings from leaf `index` up to the root, lowest first; `None` if there is no such leaf.
#[must_use]
pub fn inclusion_path(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    leaves.get(index)?;
    let (mut level, mut at) = (leaves.to_vec(), index);
    let mut path = Vec::new();
    while level.len() > 1 {
        path.extend(level.get(at ^ 1));
        level = parents(&level);
        at /= 2;
    }
    Some(path)
}

/// How many hashes the path of leaf `index` has in a tree of `size` leaves; 0 outside the tree.
#[must_use]
pub fn path_len(index: u64, size: u64) -> usize {
    let (mut at, mut last) = (index, size.saturating_sub(1));
    let mut len = 0_usize;
    while last > 0 && index < size {
        // Only the last node of a level can lack a sibling, and does when its index is even.
        if at != last || at % 2 == 1 {
            len = len.saturating_add(1);
        }
        (at, last) = (at / 2, last / 2);
    }
    len
}

/// The root that a leaf hash and its path lead to (RFC 9162 2.1.3.2).
///
/// # Errors
/// [`PathError::OutOfRange`], or [`PathError::WrongLength`] unless the path has exactly [`path_len`] hashes.
pub fn root_from_path(leaf: Digest, index: u64, size: u64, path: &[Digest]) -> Result<Digest, PathError> {
    if index >= size {
        return Err(PathError::OutOfRange { index, size });
    }
    let expected = path_len(index, size);
    if path.len() != expected {
        return Err(PathError::WrongLength {
            expected,
            found: path.len(),
        });
    }
    let (mut at, mut last) = (index, size.saturating_sub(1));
    let mut siblings = path.iter();
    let mut hash = leaf;
    while last > 0 {
        if at % 2 == 1 {
            hash = siblings.next().map_or(hash, |left| node_hash(left, &hash));
        } else if at != last {
            hash = siblings.next().map_or(hash, |right| node_hash(&hash, right));
        }
        (at, last) = (at / 2, last / 2);
    }
    Ok(hash)
}

/// Checks that a leaf hash is in the tree with this root.
///
/// # Errors
/// As [`root_from_path`], or [`PathError::OtherRoot`].
pub fn verify_inclusion(leaf: Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> Result<(), PathError> {
    if root_from_path(leaf, index, size, path)? == *root {
        Ok(())
    } else {
        Err(PathError::OtherRoot)
    }
}
