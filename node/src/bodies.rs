//! Bodies of blocks that are not decided yet. The engine's WAL keeps only a block's hash: nodes that are killed after
//! their precommits must find the body again, and serve it to each other (DESIGN 5).
//!
//! # Contract
//! Once [`Bodies::put_synced`] has returned, the body is there after `kill -9` and power loss, until
//! [`Bodies::drop_through`] of its height. So a body costs one append and one `fdatasync`, and no file of its own;
//! the files go when all bodies in them are dropped. Dropping is not synced: after a crash dropped bodies may be there
//! again, until they are dropped again, which the node does at start with its log's tip.
//!
//! The store is bounded ([`BodiesOptions`]): at the bound a body is refused, never an earlier one pushed out.
//! The hash is the caller's name for the body; that it fits, the caller has checked.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::segments::{Check, Opened, Options, Segments, SegmentsError};

const MAGIC: [u8; 4] = *b"CBOD";
/// Height, round, hash.
const PREFIX_BYTES: usize = 8 + 4 + 32;

/// What may be chosen at opening.
#[derive(Debug, Clone, Copy)]
pub struct BodiesOptions {
    /// Most bytes of bodies that are kept and not dropped.
    pub max_bytes: u64,
    /// Files are followed by a new one at so many bytes.
    pub segment_bytes: u64,
}

impl Default for BodiesOptions {
    fn default() -> Self {
        Self {
            max_bytes: 512 << 20,
            segment_bytes: 16 << 20,
        }
    }
}

/// Why a body was not kept or not found.
#[derive(Debug, thiserror::Error)]
pub enum BodiesError {
    /// The files: locked, damaged, full.
    #[error("the undecided bodies: {0}")]
    Segments(#[from] SegmentsError),
    /// The bound is reached.
    #[error("undecided bodies hold {held} bytes; {wanted} more are over the bound of {bound}")]
    Full {
        /// Bytes held.
        held: u64,
        /// Bytes of the body.
        wanted: u64,
        /// The bound.
        bound: u64,
    },
    /// A frame too short to hold a body's name.
    #[error("the undecided bodies: entry {number} is too short; move the directory away and start again")]
    Short {
        /// The entry.
        number: u64,
    },
}

/// Where a body is and what it is the body of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Height of the block.
    pub height: u64,
    /// Round it was first seen in.
    pub round: u32,
    /// The block's hash.
    pub hash: [u8; 32],
    number: u64,
    bytes: u64,
}

#[derive(Debug, Default)]
struct Index {
    by_hash: HashMap<[u8; 32], Stored>,
    /// By number of their frame: the first is where the files that are still needed begin.
    by_number: BTreeMap<u64, [u8; 32]>,
    bytes: u64,
    next: u64,
}

/// The bodies of undecided blocks. Shared by reference.
#[derive(Debug)]
pub struct Bodies {
    segments: Segments,
    index: Mutex<Index>,
    max_bytes: u64,
}

impl Bodies {
    /// Opens the bodies in `dir`, creating it where it is missing.
    ///
    /// # Errors
    /// Locked, damaged, foreign files.
    pub fn open(dir: &Path, options: BodiesOptions) -> Result<(Self, Opened), BodiesError> {
        let BodiesOptions {
            max_bytes,
            segment_bytes,
        } = options;
        let options = Options {
            magic: MAGIC,
            segment_bytes,
            check: Check::Everything,
        };
        let (segments, opened) = Segments::open(dir, 1, options)?;
        let mut index = Index {
            next: segments.next(),
            ..Index::default()
        };
        for frame in segments.iter_from(0) {
            let (number, payload) = frame?;
            let (stored, _) = parse(number, &payload).ok_or(BodiesError::Short { number })?;
            index.insert(stored);
        }
        Ok((
            Self {
                segments,
                index: Mutex::new(index),
                max_bytes,
            },
            opened,
        ))
    }

    /// Keeps a body, durably before this returns. A hash that is already there costs nothing.
    ///
    /// # Errors
    /// [`BodiesError::Full`], over 16 MiB, or the disk's.
    pub fn put_synced(&self, height: u64, round: u32, hash: [u8; 32], body: &[u8]) -> Result<(), BodiesError> {
        let mut index = self.index();
        if index.by_hash.contains_key(&hash) {
            return Ok(());
        }
        let wanted = body.len() as u64;
        if index.bytes.saturating_add(wanted) > self.max_bytes {
            return Err(BodiesError::Full {
                held: index.bytes,
                wanted,
                bound: self.max_bytes,
            });
        }
        let number = index.next;
        self.segments
            .append_synced(number, &[&height.to_be_bytes(), &round.to_be_bytes(), &hash, body])?;
        index.next = number.saturating_add(1);
        index.insert(Stored {
            height,
            round,
            hash,
            number,
            bytes: wanted,
        });
        Ok(())
    }

    /// The body of a block.
    ///
    /// # Errors
    /// Damage, found now.
    pub fn get(&self, hash: &[u8; 32]) -> Result<Option<Vec<u8>>, BodiesError> {
        let Some(stored) = self.index().by_hash.get(hash).copied() else {
            return Ok(None);
        };
        let number = stored.number;
        // Dropped meanwhile: not there, as if it had been asked for a moment later.
        let Some(mut payload) = self.segments.read(number)? else {
            return Ok(None);
        };
        if payload.len() < PREFIX_BYTES {
            return Err(BodiesError::Short { number });
        }
        payload.drain(..PREFIX_BYTES);
        Ok(Some(payload))
    }

    /// What is there for a height, in the order in which it came.
    pub fn of_height(&self, height: u64) -> Vec<Stored> {
        let index = self.index();
        let in_order = index.by_number.values().filter_map(|hash| index.by_hash.get(hash));
        in_order.filter(|stored| stored.height == height).copied().collect()
    }

    /// Drops the bodies of this height and below: they are in the log.
    ///
    /// # Errors
    /// The disk's.
    pub fn drop_through(&self, height: u64) -> Result<(), BodiesError> {
        let mut index = self.index();
        let Index {
            by_hash,
            by_number,
            bytes,
            next,
        } = &mut *index;
        by_hash.retain(|_, stored| stored.height > height);
        by_number.retain(|_, hash| by_hash.contains_key(hash));
        *bytes = by_hash.values().map(|stored| stored.bytes).sum();
        let first_needed = by_number.keys().next().copied().unwrap_or(*next);
        Ok(self.segments.drop_segments_below(first_needed)?)
    }

    /// Bytes of the bodies that are kept.
    pub fn bytes(&self) -> u64 {
        self.index().bytes
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn insert(&mut self, stored: Stored) {
        self.bytes = self.bytes.saturating_add(stored.bytes);
        self.by_number.insert(stored.number, stored.hash);
        if let Some(before) = self.by_hash.insert(stored.hash, stored) {
            self.by_number.remove(&before.number);
            self.bytes = self.bytes.saturating_sub(before.bytes);
        }
    }
}

fn parse(number: u64, payload: &[u8]) -> Option<(Stored, &[u8])> {
    let (height, rest) = payload.split_first_chunk::<8>()?;
    let (round, rest) = rest.split_first_chunk::<4>()?;
    let (hash, body) = rest.split_first_chunk::<32>()?;
    let (height, round) = (u64::from_be_bytes(*height), u32::from_be_bytes(*round));
    Some((
        Stored {
            height,
            round,
            hash: *hash,
            number,
            bytes: body.len() as u64,
        },
        body,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: BodiesOptions = BodiesOptions {
        max_bytes: 3000,
        segment_bytes: 500,
    };

    fn body(i: u8) -> ([u8; 32], Vec<u8>) {
        ([i; 32], vec![i; 200 + usize::from(i)])
    }

    #[test]
    fn bodies_are_there_after_reopening_until_they_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let (bodies, _) = Bodies::open(dir.path(), OPTIONS).unwrap();
        for i in 1..=8 {
            let (hash, bytes) = body(i);
            bodies.put_synced(u64::from(i / 2), 0, hash, &bytes).unwrap();
            bodies.put_synced(u64::from(i / 2), 1, hash, &bytes).unwrap();
        }
        drop(bodies);
        let (bodies, opened) = Bodies::open(dir.path(), OPTIONS).unwrap();
        assert_eq!(opened.tip, Some(8));
        assert_eq!(bodies.get(&[5; 32]).unwrap(), Some(body(5).1));
        assert_eq!(bodies.get(&[9; 32]).unwrap(), None);
        assert_eq!(
            bodies
                .of_height(2)
                .iter()
                .map(|s| (s.hash, s.round))
                .collect::<Vec<_>>(),
            [([4; 32], 0), ([5; 32], 0)]
        );
        bodies.drop_through(2).unwrap();
        assert_eq!(bodies.get(&[5; 32]).unwrap(), None);
        assert_eq!(bodies.get(&[6; 32]).unwrap(), Some(body(6).1));
        assert_eq!(bodies.segments.segment_starts(), [5, 7]);
    }

    #[test]
    fn files_stay_bounded_over_many_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let (bodies, _) = Bodies::open(dir.path(), OPTIONS).unwrap();
        for height in 1..=100u8 {
            let (hash, bytes) = body(height);
            bodies.put_synced(u64::from(height), 0, hash, &bytes).unwrap();
            bodies.drop_through(u64::from(height)).unwrap();
            assert!(bodies.segments.bytes() < 1100);
        }
        assert_eq!(bodies.bytes(), 0);
    }

    #[test]
    fn at_the_bound_a_body_is_refused_and_the_earlier_ones_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (bodies, _) = Bodies::open(dir.path(), OPTIONS).unwrap();
        bodies.put_synced(1, 0, [1; 32], &[1; 2000]).unwrap();
        assert!(matches!(
            bodies.put_synced(1, 0, [2; 32], &[2; 1001]),
            Err(BodiesError::Full { held: 2000, .. })
        ));
        assert_eq!(bodies.get(&[1; 32]).unwrap(), Some(vec![1; 2000]));
        bodies.drop_through(1).unwrap();
        bodies.put_synced(2, 0, [2; 32], &[2; 1001]).unwrap();
    }
}
