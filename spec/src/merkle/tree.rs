//! A whole tree in memory whose leaves can be appended and replaced, O(log n) each; a clone shares everything (O(1) a level).

use rpds::VectorSync;

use crate::digest::{Digest, empty_root, node_hash};

/// All nodes of a tree. Level 0 is the leaf hashes; each level has half as many nodes as the one below, rounded up; a last
/// node without a sibling moves up as it is. The top level has one node.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    pub(super) levels: Vec<VectorSync<Digest>>,
}

impl Tree {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    #[must_use]
    pub fn len(&self) -> usize {
        self.levels.first().map_or(0, VectorSync::len)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hash of leaf `index`.
    #[must_use]
    pub fn leaf(&self, index: usize) -> Option<&Digest> {
        self.levels.first()?.get(index)
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Digest) {
        let index = self.len();
        match self.levels.first_mut() {
            Some(leaves) => leaves.push_back_mut(leaf),
            None => self.levels.push(std::iter::once(leaf).collect()),
        }
        self.rehash(index);
    }

    /// Replaces leaf `index`; says whether there is one.
    pub fn set(&mut self, index: usize, leaf: Digest) -> bool {
        let replaced = self
            .levels
            .first_mut()
            .is_some_and(|leaves| leaves.set_mut(index, leaf));
        if replaced {
            self.rehash(index);
        }
        replaced
    }

    /// Removes the last leaf; says whether there was one.
    pub fn pop(&mut self) -> bool {
        let Some(leaves) = self.levels.first_mut() else {
            return false;
        };
        if !leaves.drop_last_mut() {
            return false;
        }
        let mut len = leaves.len();
        for level in self.levels.iter_mut().skip(1) {
            len = len.div_ceil(2);
            while level.len() > len {
                level.drop_last_mut();
            }
        }
        let keep = if len == 0 {
            0
        } else {
            self.levels.iter().take_while(|l| l.len() > 1).count().saturating_add(1)
        };
        self.levels.truncate(keep);
        if let Some(last) = self.len().checked_sub(1) {
            self.rehash(last);
        }
        true
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.levels
            .last()
            .and_then(VectorSync::last)
            .copied()
            .unwrap_or_else(empty_root)
    }

    /// The inclusion path of leaf `index`, lowest sibling first; `None` if there is no such leaf.
    #[must_use]
    pub fn path(&self, index: usize) -> Option<Vec<Digest>> {
        self.leaf(index)?;
        let siblings = self
            .levels
            .iter()
            .enumerate()
            .filter_map(|(height, level)| level.get((index >> height) ^ 1));
        Some(siblings.copied().collect())
    }

    /// Recomputes the ancestors of node `index` of the lowest level.
    fn rehash(&mut self, index: usize) {
        let mut at = index;
        let mut height = 0_usize;
        while let Some(level) = self.levels.get(height) {
            if level.len() <= 1 {
                return;
            }
            let left = level.get(at & !1).copied();
            let right = level.get(at | 1).copied();
            let (Some(left), above) = (left, height.saturating_add(1)) else {
                return;
            };
            let parent = right.map_or(left, |right| node_hash(&left, &right));
            at /= 2;
            match self.levels.get_mut(above) {
                None => {
                    // Two nodes on what was the top: its first node has been the root, and the new top starts here.
                    self.levels.push(std::iter::once(parent).collect());
                }
                Some(parents) if at < parents.len() => {
                    parents.set_mut(at, parent);
                }
                Some(parents) => parents.push_back_mut(parent),
            }
            height = above;
        }
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.levels.first() == other.levels.first()
    }
}

impl Eq for Tree {}

impl FromIterator<Digest> for Tree {
    fn from_iter<I: IntoIterator<Item = Digest>>(leaves: I) -> Self {
        let mut levels: Vec<VectorSync<Digest>> = Vec::new();
        let mut level: Vec<Digest> = leaves.into_iter().collect();
        while !level.is_empty() {
            let above = if level.len() > 1 {
                super::parents(&level)
            } else {
                Vec::new()
            };
            levels.push(level.into_iter().collect());
            level = above;
        }
        Self { levels }
    }
}
