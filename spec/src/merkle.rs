//! Hash trees of RFC 9162 2.1: SHA-256, leaves under 0x00, nodes under 0x01 (hashes: `digest`).
//! Not here: what the leaves are (`batch`, `block`, `state`, `status`).
//!
//! Everything takes leaf *hashes*. Sizes and indexes are numbers of leaves.

mod consistency;
mod frontier;
mod inclusion;
mod tree;

pub use consistency::{consistency_path, verify_consistency};
pub use frontier::Frontier;
pub use inclusion::{inclusion_path, path_len, root_from_path, verify_inclusion};
pub use tree::Tree;

use crate::digest::{Digest, empty_root, node_hash};

/// Longest path in hashes: no tree has more than 2^64 leaves.
pub const MAX_PATH: usize = 64;

/// Why a path proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No such leaf, or no such earlier tree.
    #[error("position {index} is outside a tree of {size}")]
    OutOfRange {
        /// The leaf's index, or the earlier size.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// More or fewer hashes than a path at this place has.
    #[error("the path has {found} hashes instead of {expected}")]
    WrongLength {
        /// Hashes that it must have.
        expected: usize,
        /// Hashes found.
        found: usize,
    },
    /// The path leads to another root.
    #[error("the path leads to another root")]
    OtherRoot,
}

/// Root over leaf hashes; [`empty_root`] over none.
#[must_use]
pub fn root(leaves: &[Digest]) -> Digest {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied().unwrap_or_else(empty_root)
}

/// The level above: pairs are hashed, and a last one without a sibling moves up as it is. Level by level this gives the same
/// tree as the RFC's recursion, which splits at the largest power of two.
fn parents(level: &[Digest]) -> Vec<Digest> {
    level
        .chunks(2)
        .filter_map(|pair| match pair {
            [left, right] => Some(node_hash(left, right)),
            [alone] => Some(*alone),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
