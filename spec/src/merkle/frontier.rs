//! A tree that only grows, kept as the roots of its perfect subtrees: enough to append and to know the root, O(log n) in size.

use super::MAX_PATH;
use crate::codec::{CodecError, Reader, Wire, Writer, encode_list};
use crate::digest::{Digest, empty_root, node_hash};

/// The perfect subtrees of an append-only tree, largest first: one for each bit set in its number of leaves.
/// In CBOR `[len, [* digest]]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    len: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves appended so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        for _ in 0..self.len.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.len = self.len.saturating_add(1);
    }

    /// The root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Digest {
        let right_to_left = self.peaks.iter().rev().copied();
        right_to_left
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }
}

impl Wire for Frontier {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.uint(self.len);
        encode_list(w, &self.peaks);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        let len = r.uint()?;
        let peaks: Vec<Digest> = r.list(MAX_PATH)?;
        if u32::try_from(peaks.len()) == Ok(len.count_ones()) {
            Ok(Self { len, peaks })
        } else {
            Err(CodecError::Invalid { what: "frontier" })
        }
    }
}
