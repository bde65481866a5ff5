//! A status set: chunks of 4,096 numbers under a tree.

use std::sync::Arc;

use rpds::VectorSync;

use super::chunk::{CHUNK_NUMBERS, Chunk};
use crate::codec::{CodecError, Reader, Wire, Writer};
use crate::digest::{Digest, leaf_hash};
use crate::merkle::Tree;

/// A set of numbers of one series. Kept as encoded chunks up to the last that is not empty, under an RFC 9162 tree of which
/// they are the leaves. A clone is cheap and shares all; a change costs the chunks it touches and O(log n) hashes for each.
///
/// Memory grows with the highest number in it (about 50 bytes for each 4,096 numbers), so numbers must be such that the series
/// has issued. In CBOR `[* bstr]`, the chunks.
#[derive(Debug, Clone, Default)]
pub struct StatusSet {
    chunks: VectorSync<Arc<[u8]>>,
    tree: Tree,
}

impl StatusSet {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no number is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let (index, place) = split(number);
        self.chunk(index).is_some_and(|bytes| read(bytes).contains(place))
    }

    /// Puts `count` numbers from `first` on into the set; says whether that changed it.
    pub fn insert_range(&mut self, first: u64, count: u64) -> bool {
        self.change(first, count, true)
    }

    /// Takes `count` numbers from `first` on out of the set; says whether that changed it.
    pub fn remove_range(&mut self, first: u64, count: u64) -> bool {
        self.change(first, count, false)
    }

    /// The lowest number of the set among `count` numbers from `first` on.
    #[must_use]
    pub fn first_in(&self, first: u64, count: u64) -> Option<u64> {
        let last = last_of(first, count)?;
        let (low, high) = (split(first).0, split(last).0.min(self.chunk_count().checked_sub(1)?));
        let chunks = (low..=high).filter_map(|index| Some((index, self.chunk(index)?)));
        let mut numbers = chunks.flat_map(numbers_of).skip_while(|number| *number < first);
        numbers.next().filter(|number| *number <= last)
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        (0..)
            .zip(self.chunks.iter())
            .flat_map(|(index, bytes)| numbers_of((index, bytes)))
    }

    /// Number of chunks: up to the last that is not empty.
    #[must_use]
    pub fn chunk_count(&self) -> u64 {
        u64::try_from(self.chunks.len()).unwrap_or(u64::MAX)
    }

    /// The encoding of chunk `index`, which is about the numbers from `index` * 4,096 on; `None` after the last.
    #[must_use]
    pub fn chunk(&self, index: u64) -> Option<&[u8]> {
        self.chunks.get(usize::try_from(index).ok()?).map(|bytes| &**bytes)
    }

    /// The inclusion path of chunk `index` under [`Self::root`].
    #[must_use]
    pub fn chunk_path(&self, index: u64) -> Option<Vec<Digest>> {
        self.tree.path(usize::try_from(index).ok()?)
    }

    /// Root of the RFC 9162 tree whose leaves are the encoded chunks up to the last that is not empty.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    fn change(&mut self, first: u64, count: u64, member: bool) -> bool {
        let Some(mut last) = last_of(first, count) else {
            return false;
        };
        if !member {
            // What lies beyond the last chunk is not in the set.
            let numbers = self.chunk_count().saturating_mul(u64::from(CHUNK_NUMBERS));
            let Some(highest) = numbers.checked_sub(1).filter(|highest| first <= *highest) else {
                return false;
            };
            last = last.min(highest);
        }
        let ((low, from), (high, to)) = (split(first), split(last));
        let mut changed = false;
        for index in low..=high {
            let from = if index == low { from } else { 0 };
            let to = if index == high {
                to
            } else {
                CHUNK_NUMBERS.saturating_sub(1)
            };
            changed |= self.change_chunk(index, from, to, member);
        }
        self.trim();
        changed
    }

    fn change_chunk(&mut self, index: u64, from: u16, to: u16, member: bool) -> bool {
        self.change_places(index, from..=to, member)
    }

    /// Puts places of a chunk in or takes them out; says whether that changed anything.
    pub(super) fn change_places(&mut self, index: u64, places: impl IntoIterator<Item = u16>, member: bool) -> bool {
        let old = self.chunk(index).map_or_else(Chunk::empty, read);
        let mut chunk = old.clone();
        for place in places {
            chunk.set(place, member);
        }
        if chunk == old {
            return false;
        }
        self.put_chunk(index, chunk.encode().into());
        true
    }

    /// Puts an encoded chunk in its place; what lies between the last one and it is empty. Call [`Self::trim`] when done.
    pub(super) fn put_chunk(&mut self, index: u64, bytes: Arc<[u8]>) {
        while self.chunk_count() <= index {
            self.append(Chunk::EMPTY_BYTES.into());
        }
        if let Ok(index) = usize::try_from(index) {
            self.tree.set(index, leaf_hash(&bytes));
            self.chunks.set_mut(index, bytes);
        }
    }

    fn append(&mut self, bytes: Arc<[u8]>) {
        self.tree.push(leaf_hash(&bytes));
        self.chunks.push_back_mut(bytes);
    }

    /// Drops empty chunks at the end.
    pub(super) fn trim(&mut self) {
        while self.chunks.last().is_some_and(|bytes| **bytes == *Chunk::EMPTY_BYTES) {
            self.chunks.drop_last_mut();
            self.tree.pop();
        }
    }
}

/// What is said of bytes that are not the one encoding of a chunk.
pub(crate) const NOT_A_CHUNK: &str = "status chunk";

impl PartialEq for StatusSet {
    fn eq(&self, other: &Self) -> bool {
        // A set has one encoding.
        self.chunks == other.chunks
    }
}

impl Eq for StatusSet {}

impl Wire for StatusSet {
    fn encode(&self, w: &mut Writer) {
        w.array(self.chunks.len());
        for bytes in &self.chunks {
            w.bytes(bytes);
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        // Two bytes a chunk at least: memory is bounded by the whole input, which from_slice has bounded.
        let count = r.array_len(usize::MAX)?;
        let mut chunks = VectorSync::new_sync();
        let mut leaves = Vec::new();
        for _ in 0..count {
            let bytes = r.bytes(Chunk::MAX_BYTES)?;
            Chunk::decode(bytes).map_err(|_| CodecError::Invalid { what: NOT_A_CHUNK })?;
            leaves.push(leaf_hash(bytes));
            chunks.push_back_mut(bytes.into());
        }
        let set = Self {
            chunks,
            tree: leaves.into_iter().collect(),
        };
        match set.chunks.last() {
            Some(bytes) if **bytes == *Chunk::EMPTY_BYTES => Err(CodecError::Invalid { what: "status set" }),
            Some(_) | None => Ok(set),
        }
    }
}

/// Chunk index and place in it.
pub(crate) fn split(number: u64) -> (u64, u16) {
    let size = u64::from(CHUNK_NUMBERS);
    (number / size, u16::try_from(number % size).unwrap_or_default())
}

/// The last of `count` numbers from `first` on, at most the highest number there is; `None` if there are none.
fn last_of(first: u64, count: u64) -> Option<u64> {
    count.checked_sub(1).map(|more| first.saturating_add(more))
}

/// A chunk of our own making.
fn read(bytes: &[u8]) -> Chunk {
    let chunk = Chunk::read(bytes);
    debug_assert!(chunk.is_ok(), "a set holds chunks that it encoded or checked");
    chunk.unwrap_or_else(|_| Chunk::empty())
}

fn numbers_of((index, bytes): (u64, &[u8])) -> impl Iterator<Item = u64> + use<> {
    let base = index.saturating_mul(u64::from(CHUNK_NUMBERS));
    let places: Vec<u16> = read(bytes).places().collect();
    places
        .into_iter()
        .map(move |place| base.saturating_add(u64::from(place)))
}
