//! Changes of status, as a delta of a trust bundle carries them (`spec/text/bundles.md`).
//!
//! A change says how numbers stand afterwards, not what happened to them. Who applies it encodes and hashes again and
//! compares with a sealed root: it needs no signature, and what does not fit is found out there.

use super::set::{NOT_A_CHUNK, split};
use super::{CHUNK_NUMBERS, Chunk, Numbers, SeriesStatus, StatusKind, StatusSet};
use crate::codec::{CodecError, Reader, Wire, Writer, encode_list, fields::wire_array};
use crate::id::SeriesId;
use std::collections::BTreeMap;

/// By how many chunks all sets together may grow with one delta: a few bytes can name a number far away.
pub const MAX_GROWTH: u64 = 1 << 20;
/// Most chunks that a change replaces whole.
const MAX_WHOLE: usize = 1 << 22;

/// A set would grow beyond [`MAX_GROWTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overgrown;

/// A chunk that is replaced whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeChunk {
    /// How many chunks lie between it and the one before in the list, or the beginning.
    pub skip: u64,
    /// Its encoding.
    pub chunk: Vec<u8>,
}

impl Wire for WholeChunk {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.uint(self.skip);
        w.bytes(&self.chunk);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        let skip = r.uint()?;
        let chunk = r.bytes(Chunk::MAX_BYTES)?.to_vec();
        Chunk::decode(&chunk).map_err(|_| CodecError::Invalid { what: NOT_A_CHUNK })?;
        Ok(Self { skip, chunk })
    }
}

/// How a set changed: some chunks whole, elsewhere single numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetChange {
    /// Chunks as they are now, ascending.
    pub whole: Vec<WholeChunk>,
    /// Numbers that are in the set now.
    pub added: Numbers,
    /// Numbers that are not in it now.
    pub removed: Numbers,
}
wire_array!(SetChange {
    whole: list(MAX_WHOLE),
    added,
    removed
});

impl SetChange {
    /// How the numbers of these ranges (first, count) stand in a set. Where listing a chunk's numbers would take more
    /// room than the chunk, it is carried whole.
    #[must_use]
    pub fn of(set: &StatusSet, ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut touched: BTreeMap<u64, Chunk> = BTreeMap::new();
        for (first, count) in ranges {
            let Some(last) = count.checked_sub(1).map(|more| first.saturating_add(more)) else {
                continue;
            };
            let ((low, from), (high, to)) = (split(first), split(last));
            for index in low..=high {
                let from = if index == low { from } else { 0 };
                let to = if index == high {
                    to
                } else {
                    CHUNK_NUMBERS.saturating_sub(1)
                };
                let chunk = touched.entry(index).or_insert_with(Chunk::empty);
                (from..=to).for_each(|place| chunk.set(place, true));
            }
        }
        let (mut whole, mut added, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        let mut next = 0_u64;
        for (index, places) in touched {
            let now = set.chunk(index).unwrap_or(Chunk::EMPTY_BYTES);
            if places.places().count().saturating_mul(2) > now.len().saturating_add(2) {
                let skip = index.saturating_sub(next);
                next = index.saturating_add(1);
                whole.push(WholeChunk {
                    skip,
                    chunk: now.to_vec(),
                });
                continue;
            }
            let base = index.saturating_mul(u64::from(CHUNK_NUMBERS));
            for number in places.places().map(|place| base.saturating_add(u64::from(place))) {
                let list = if set.contains(number) { &mut added } else { &mut removed };
                list.push(number);
            }
        }
        Self {
            whole,
            added: Numbers::of(added),
            removed: Numbers::of(removed),
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }

    /// Changes a set; it may grow by `room` chunks, which is used up.
    fn apply(&self, set: &mut StatusSet, room: &mut u64) -> Result<(), Overgrown> {
        let mut next = 0_u64;
        for one in &self.whole {
            let index = next.checked_add(one.skip).ok_or(Overgrown)?;
            grow(set, index, room)?;
            set.put_chunk(index, one.chunk.as_slice().into());
            next = index.checked_add(1).ok_or(Overgrown)?;
        }
        for (list, member) in [(&self.added, true), (&self.removed, false)] {
            let mut numbers = list.iter().map(split).peekable();
            while let Some((index, place)) = numbers.next() {
                let mut places = vec![place];
                while let Some((_, place)) = numbers.next_if(|(next, _)| *next == index) {
                    places.push(place);
                }
                if member {
                    grow(set, index, room)?;
                }
                set.change_places(index, places, member);
            }
        }
        set.trim();
        Ok(())
    }
}

fn grow(set: &StatusSet, index: u64, room: &mut u64) -> Result<(), Overgrown> {
    let by = index.saturating_add(1).saturating_sub(set.chunk_count());
    *room = room.checked_sub(by).ok_or(Overgrown)?;
    Ok(())
}

/// How the status of a series changed; of a new series, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesChange {
    /// The series.
    pub series: SeriesId,
    /// Its next number now.
    pub next: u64,
    /// Its sets, in the order of the kinds.
    pub sets: [SetChange; StatusKind::ALL.len()],
}

impl SeriesChange {
    /// How a series stands now, where these numbers (kind, first, count) were touched.
    #[must_use]
    pub fn of(series: SeriesId, status: &SeriesStatus, touched: &[(StatusKind, u64, u64)]) -> Self {
        let ranges = |kind| {
            touched
                .iter()
                .filter(move |one| one.0 == kind)
                .map(|one| (one.1, one.2))
        };
        Self {
            series,
            next: status.next,
            sets: StatusKind::ALL.map(|kind| SetChange::of(status.set(kind), ranges(kind))),
        }
    }

    /// Changes a status; its sets may grow by `room` chunks, which is used up.
    ///
    /// # Errors
    /// They would grow by more: the status is then of no use.
    pub fn apply(&self, status: &mut SeriesStatus, room: &mut u64) -> Result<(), Overgrown> {
        status.next = self.next;
        for (kind, change) in StatusKind::ALL.into_iter().zip(&self.sets) {
            change.apply(status.set_mut(kind), room)?;
        }
        Ok(())
    }
}

impl Wire for SeriesChange {
    fn encode(&self, w: &mut Writer) {
        w.array(3);
        w.wire(&self.series);
        w.uint(self.next);
        // Null for a set that did not change: one byte.
        let sets = self.sets.each_ref().map(|set| (!set.is_empty()).then(|| set.clone()));
        encode_list(w, &sets);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(3)?;
        let (series, next) = (r.wire()?, r.uint()?);
        r.array(StatusKind::ALL.len())?;
        let mut sets: [SetChange; StatusKind::ALL.len()] = Default::default();
        for set in &mut sets {
            *set = r.wire::<Option<SetChange>>()?.unwrap_or_default();
        }
        Ok(Self { series, next, sets })
    }
}
