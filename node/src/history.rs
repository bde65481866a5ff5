//! The history of blocks as a tree (RFC 9162): paths that show an old block to be of a newer one's history.
//!
//! The leaves, a hash for each block, stay in the cache; roots of whole groups of 256 and of what is above them are kept
//! here, so that a path reads at most two groups.

use concord_spec::digest::{Digest, node_hash};
use concord_spec::id::Height;
use concord_spec::merkle;

use crate::pool::{ChainError, ChainView};

/// Leaves of a group.
const GROUP: u64 = 256;
/// Groups that are read at a time.
const READ: u64 = 64;

/// Roots of whole groups of leaves.
#[derive(Debug, Default)]
pub struct History {
    /// Level 0 has the roots of the groups, each further level those of two of the one below.
    levels: Vec<Vec<Digest>>,
}

impl History {
    /// Takes over the whole groups of the chain's first `size` blocks.
    ///
    /// # Errors
    /// The chain cannot be read.
    pub fn extend(&mut self, chain: &dyn ChainView, size: u64) -> Result<(), ChainError> {
        loop {
            let groups = length(self.levels.first().map_or(0, Vec::len));
            let from = groups.saturating_mul(GROUP);
            let missing = (size.saturating_sub(from) / GROUP).min(READ);
            if missing == 0 {
                return Ok(());
            }
            let leaves = leaves(chain, from, from.saturating_add(missing.saturating_mul(GROUP)))?;
            for group in leaves.chunks(256) {
                self.push(merkle::root(group));
            }
        }
    }

    fn push(&mut self, root: Digest) {
        let mut level = 0;
        let mut root = root;
        loop {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else {
                return;
            };
            nodes.push(root);
            if nodes.len() % 2 == 1 {
                return;
            }
            let Some([left, right]) = nodes.last_chunk::<2>() else {
                return;
            };
            root = node_hash(left, right);
            level += 1;
        }
    }

    /// The path of the block of a height in the tree of the blocks before `until`; `None` if it is not among them.
    ///
    /// # Errors
    /// The chain cannot be read.
    pub fn path(&self, chain: &dyn ChainView, of: Height, until: Height) -> Result<Option<Vec<Digest>>, ChainError> {
        let (Some(index), Some(size)) = (of.previous(), until.previous()) else {
            return Ok(None);
        };
        if index >= size {
            return Ok(None);
        }
        let (mut low, mut high) = (0, size.0);
        let mut siblings = Vec::new();
        while high.saturating_sub(low) > GROUP {
            let middle = low.saturating_add(split(high.saturating_sub(low)));
            if index.0 < middle {
                siblings.push(self.root(chain, middle, high)?);
                high = middle;
            } else {
                siblings.push(self.root(chain, low, middle)?);
                low = middle;
            }
        }
        let leaves = leaves(chain, low, high)?;
        let place = usize::try_from(index.0.saturating_sub(low)).map_err(ChainError::new)?;
        let Some(mut path) = merkle::inclusion_path(&leaves, place) else {
            return Ok(None);
        };
        path.extend(siblings.into_iter().rev());
        Ok(Some(path))
    }

    /// The root over the leaves from `low` to before `high`, a part of the tree.
    fn root(&self, chain: &dyn ChainView, low: u64, high: u64) -> Result<Digest, ChainError> {
        let size = high.saturating_sub(low);
        if size.is_power_of_two() && size >= GROUP {
            let level = usize::try_from((size / GROUP).trailing_zeros()).map_err(ChainError::new)?;
            let place = usize::try_from(low / size).map_err(ChainError::new)?;
            if let Some(known) = self.levels.get(level).and_then(|nodes| nodes.get(place)) {
                return Ok(*known);
            }
        }
        if size <= GROUP {
            return Ok(merkle::root(&leaves(chain, low, high)?));
        }
        let middle = low.saturating_add(split(size));
        Ok(node_hash(
            &self.root(chain, low, middle)?,
            &self.root(chain, middle, high)?,
        ))
    }
}

/// The largest power of two below `size`, for `size` > 1.
fn split(size: u64) -> u64 {
    size.next_power_of_two() / 2
}

/// The hashes of blocks by index, from 0; the block of index i has height i + 1.
fn leaves(chain: &dyn ChainView, low: u64, high: u64) -> Result<Vec<Digest>, ChainError> {
    let count = usize::try_from(high.saturating_sub(low)).map_err(ChainError::new)?;
    let hashes = chain.block_hashes(Height(low), count)?;
    if hashes.len() == count {
        return Ok(hashes);
    }
    Err(ChainError::new(format!(
        "the cache lacks the hashes of blocks {} to {high}; stop the node and run `concordd reindex`",
        low.saturating_add(1)
    )))
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Position, SealedBlock};
    use concord_spec::ledger::{LedgerState, Touched};
    use concord_spec::merkle::verify_inclusion;
    use concord_spec::record::RecordId;
    use std::sync::Arc;
    use tokio::sync::watch;

    /// Hashes alone.
    #[derive(Debug)]
    struct Hashes(Vec<Digest>);

    impl ChainView for Hashes {
        fn state(&self) -> Arc<LedgerState> {
            unreachable!("nobody asks for it")
        }
        fn sealed_block(&self, _: Height) -> Result<Option<SealedBlock>, ChainError> {
            Ok(None)
        }
        fn position(&self, _: &RecordId) -> Result<Option<Position>, ChainError> {
            Ok(None)
        }
        fn block_hashes(&self, after: Height, limit: usize) -> Result<Vec<Digest>, ChainError> {
            let after = usize::try_from(after.0).unwrap();
            Ok(self.0.iter().skip(after).take(limit).copied().collect())
        }
        fn touched(&self, _: Height, _: usize) -> Result<Vec<Touched>, ChainError> {
            Ok(Vec::new())
        }
        fn watch(&self) -> watch::Receiver<Height> {
            unreachable!("nobody asks for it")
        }
    }

    #[test]
    fn every_path_leads_to_the_root_of_the_whole_history() {
        let hashes: Vec<Digest> = (0..3_000_u64)
            .map(|n| concord_spec::digest::leaf_hash(&n.to_be_bytes()))
            .collect();
        let chain = Hashes(hashes.clone());
        let mut history = History::default();
        for size in [1_u64, 2, 255, 256, 257, 512, 1_023, 1_024, 1_025, 2_817, 3_000] {
            history.extend(&chain, size).unwrap();
            let root = merkle::root(&hashes[..usize::try_from(size).unwrap()]);
            for index in [0, 1, 254, 255, 256, 511, 512, 1_000, 1_024, 2_816, 2_999] {
                let path = history.path(&chain, Height(index + 1), Height(size + 1)).unwrap();
                assert_eq!(path.is_some(), index < size, "{index} of {size}");
                if let Some(path) = path {
                    let leaf = hashes[usize::try_from(index).unwrap()];
                    verify_inclusion(leaf, index, size, &path, &root).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_cache_that_lacks_hashes_is_told_and_gives_no_path() {
        let chain = Hashes(vec![Digest::ZERO; 10]);
        let history = History::default();
        let error = history.path(&chain, Height(3), Height(20)).unwrap_err();
        assert!(error.to_string().contains("reindex"), "{error}");
    }
}
