//! The cache beside the log: state entries by key, and where each record is. All of it can be rebuilt from the log,
//! so nothing here is ever repaired: what does not fit the log is thrown away with a reason, and built again.
//!
//! # Contract
//! - [`Cache::apply`] takes the changes of one block, all or none, also under `kill -9`. Blocks come in order.
//! - What was applied last may be missing after a crash: the cache is then behind the log, and the caller applies the
//!   missing blocks again, from [`Cache::next_height`] on.
//! - Opening wipes a cache that is of another chain, of another version, ahead of the log, or that sled cannot read,
//!   and says so ([`CacheOpened::wiped`]). What was loaded fits only if its `state_root` is the one in the log: the
//!   caller checks, and calls [`Cache::wipe`] where it is not.
//!
//! In sled: `entries` (key -> value or number of parts), `trail` (height -> hash of the block and what it touched), `parts` (of
//! values of both over 100 KB, which sled handles badly), `meta` (the height). Keys are short and ordered, never hashes (DESIGN 5). Records are found by their ids in
//! [`positions`], which has files of its own.

pub mod positions;
#[cfg(test)]
mod tests;
mod value;

use std::path::{Path, PathBuf};

use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional};

use crate::durable::{DirLock, DurableError, create_dir, io_error};
use positions::{Position, Positions, PositionsError};

/// Most bytes of a key.
pub const MAX_KEY_BYTES: usize = 256;
/// Most bytes of a value: 64 MiB.
pub const MAX_VALUE_BYTES: usize = 64 << 20;
/// Memory that sled may use for pages.
const PAGE_CACHE_BYTES: u64 = 32 << 20;
const META_TIP: &[u8] = b"tip";
/// Of the layout: another one is wiped and rebuilt.
const VERSION: u8 = 2;

/// Why a cache was wiped at opening.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WipeReason {
    /// Its chain id is another.
    #[error("it belongs to another chain")]
    OtherChain,
    /// Its last block is not the log's at that height.
    #[error("its block at height {height} is not the one in the log")]
    OtherBlock {
        /// The cache's height.
        height: u64,
    },
    /// It knows of blocks that the log does not hold.
    #[error("it is at height {height}, ahead of the log")]
    Ahead {
        /// The cache's height.
        height: u64,
    },
    /// It was written by a version with another layout.
    #[error("its layout is of another version")]
    OtherVersion,
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// Who asked for it says why.
    #[error("{0}")]
    Asked(String),
}

/// What was found at opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheOpened {
    /// Height of the entries, 0 where there are none.
    pub height: u64,
    /// First height that must be applied or indexed.
    pub next_height: u64,
    /// Why the cache was wiped, if it was.
    pub wiped: Option<WipeReason>,
}

/// Why the cache could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The directory.
    #[error("the cache: {0}")]
    Disk(#[from] DurableError),
    /// sled.
    #[error("the cache: {0}; stop the node and run `concordd reindex`")]
    Sled(#[from] sled::Error),
    /// The positions of records.
    #[error("the cache: {0}")]
    Positions(#[from] PositionsError),
    /// A block out of order.
    #[error("the cache expects block {expected}, not {got}")]
    Order {
        /// The only height that can be applied.
        expected: u64,
        /// The height given.
        got: u64,
    },
    /// A key or value over its bound.
    #[error("the cache takes a {what} of at most {bound} bytes, not {found}")]
    TooLarge {
        /// Key or value.
        what: &'static str,
        /// Bytes given.
        found: usize,
        /// The bound.
        bound: usize,
    },
    /// An entry that contradicts itself.
    #[error(
        "the cache is broken at key {}; stop the node and run `concordd reindex`",
        hex::encode(key)
    )]
    Broken {
        /// The key.
        key: Vec<u8>,
    },
}

/// A change of state: the new value of a key, or `None` where it is gone.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// The cache. Shared by reference.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    chain: [u8; 32],
    trees: Trees,
    positions: Positions,
    /// Outlives everything above.
    _lock: DirLock,
}

impl Cache {
    /// Opens the cache in `dir`, creating it where it is missing, and wipes it if it does not fit: `chain` is the chain
    /// id, `hash_at` the hash of the block at a height of the log, `None` past its tip.
    ///
    /// # Errors
    /// The disk's, or locked by another process.
    pub fn open(
        dir: &Path,
        chain: [u8; 32],
        hash_at: impl Fn(u64) -> Option<[u8; 32]>,
    ) -> Result<(Self, CacheOpened), CacheError> {
        create_dir(dir)?;
        let lock = DirLock::acquire(dir)?;
        let mut wiped = None;
        let mut trees = match open_trees(dir) {
            Ok(trees) => trees,
            Err(e) => {
                wiped = Some(WipeReason::Unreadable(e.to_string()));
                remove(dir)?;
                open_trees(dir)?
            }
        };
        if wiped.is_none() {
            wiped = misfit(trees.meta.get(META_TIP)?.as_deref(), &chain, &hash_at);
            if wiped.is_some() {
                drop(trees);
                remove(dir)?;
                trees = open_trees(dir)?;
            }
        }
        let empty = trees.meta.get(META_TIP)?.is_none();
        let positions = open_positions(dir, empty, &hash_at)?;
        let cache = Self {
            dir: dir.to_path_buf(),
            chain,
            trees,
            positions,
            _lock: lock,
        };
        let opened = CacheOpened {
            height: cache.height()?,
            next_height: cache.next_height()?,
            wiped,
        };
        Ok((cache, opened))
    }

    /// Takes a block: its changes of state, the ids of its records in order, and what it touched, encoded.
    ///
    /// # Errors
    /// [`CacheError::Order`] unless it is the next block; [`CacheError::TooLarge`]; the disk's.
    pub fn apply(
        &self,
        height: u64,
        block_hash: [u8; 32],
        changes: &[Change],
        records: &[[u8; 32]],
        touched: &[u8],
    ) -> Result<(), CacheError> {
        let expected = self.height()?.saturating_add(1);
        if height != expected {
            return Err(CacheError::Order { expected, got: height });
        }
        if self.positions.next_height() < height {
            return Err(CacheError::Order {
                expected: self.positions.next_height(),
                got: height,
            });
        }
        for (key, value) in changes {
            within("key", key.len(), MAX_KEY_BYTES)?;
            within("value", value.as_ref().map_or(0, Vec::len), MAX_VALUE_BYTES)?;
        }
        let tip = encode_tip(height, block_hash, self.chain);
        let step = [block_hash.as_slice(), touched].concat();
        within("value", step.len(), MAX_VALUE_BYTES)?;
        let Trees {
            entries,
            trail,
            parts,
            meta,
            ..
        } = &self.trees;
        let done = (entries, trail, parts, meta).transaction(|(entries, trail, parts, meta)| {
            for (key, new) in changes {
                value::replace(entries, parts, key, new.as_deref())?;
            }
            value::replace(trail, parts, &trail_key(height), Some(&step))?;
            meta.insert(META_TIP, tip.as_slice())?;
            Ok::<(), ConflictableTransactionError<CacheError>>(())
        });
        done.map_err(|e| match e {
            TransactionError::Abort(e) => e,
            TransactionError::Storage(e) => CacheError::Sled(e),
        })?;
        self.index_records(height, records)
    }

    /// Takes the ids of a block's records again, where [`Self::next_height`] is not past [`Self::height`]: what was
    /// indexed last is not on disk at once. Heights that are indexed already change nothing.
    ///
    /// # Errors
    /// [`CacheError::Order`] at a gap; the disk's.
    pub fn index_records(&self, height: u64, records: &[[u8; 32]]) -> Result<(), CacheError> {
        let expected = self.positions.next_height();
        if height > expected {
            return Err(CacheError::Order { expected, got: height });
        }
        if height == expected {
            self.positions.add(height, records)?;
        }
        Ok(())
    }

    /// The height that the entries are at, 0 before block 1.
    ///
    /// # Errors
    /// sled's.
    pub fn height(&self) -> Result<u64, CacheError> {
        let tip = self.trees.meta.get(META_TIP)?;
        Ok(tip.and_then(|t| decode_tip(&t)).map_or(0, |t| t.height))
    }

    /// The first height that must be applied (past [`Self::height`]) or indexed again (up to it).
    ///
    /// # Errors
    /// sled's.
    pub fn next_height(&self) -> Result<u64, CacheError> {
        Ok(self.height()?.saturating_add(1).min(self.positions.next_height()))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// sled's.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CacheError> {
        match self.trees.entries.get(key)? {
            Some(stored) => value::whole(&self.trees.parts, key, &stored).map(Some),
            None => Ok(None),
        }
    }

    /// The entries whose keys begin with `prefix`, in order of their keys, one at a time.
    pub fn scan_prefix(&self, prefix: &[u8]) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), CacheError>> + '_ {
        self.trees.entries.scan_prefix(prefix).map(|entry| {
            let (key, stored) = entry?;
            let value = value::whole(&self.trees.parts, &key, &stored)?;
            Ok((key.to_vec(), value))
        })
    }

    /// The hash of each block after `after`, and what it touched, in order.
    pub fn trail(&self, after: u64) -> impl Iterator<Item = Result<([u8; 32], Vec<u8>), CacheError>> + '_ {
        let from = trail_key(after.saturating_add(1));
        self.trees.trail.range(from.as_slice()..).map(|entry| {
            let (key, stored) = entry?;
            let value = value::whole(&self.trees.parts, &key, &stored)?;
            let (hash, touched) = value
                .split_first_chunk::<32>()
                .ok_or(CacheError::Broken { key: key.to_vec() })?;
            Ok((*hash, touched.to_vec()))
        })
    }

    /// All entries, in order of their keys, one at a time: what a node loads at start.
    pub fn load_all(&self) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), CacheError>> + '_ {
        self.scan_prefix(&[])
    }

    /// Where a record is. Ids are compared by their first 16 bytes: the caller compares the whole id with the record
    /// that it finds there.
    ///
    /// # Errors
    /// The disk's.
    pub fn position(&self, record: &[u8; 32]) -> Result<Option<Position>, CacheError> {
        Ok(self.positions.find(record)?)
    }

    /// Throws everything away and opens it again, empty.
    ///
    /// # Errors
    /// The disk's.
    pub fn wipe(self, reason: String) -> Result<(Self, CacheOpened), CacheError> {
        let Self {
            dir,
            chain,
            trees,
            positions,
            _lock,
        } = self;
        drop((trees, positions));
        remove(&dir)?;
        let trees = open_trees(&dir)?;
        let positions = Positions::open(&dir.join(POSITIONS_DIR))?;
        let opened = CacheOpened {
            height: 0,
            next_height: 1,
            wiped: Some(WipeReason::Asked(reason)),
        };
        Ok((
            Self {
                dir,
                chain,
                trees,
                positions,
                _lock,
            },
            opened,
        ))
    }

    /// Bytes on disk.
    ///
    /// # Errors
    /// sled's.
    pub fn bytes(&self) -> Result<u64, CacheError> {
        Ok(self.trees.db.size_on_disk()?.saturating_add(self.positions.bytes()))
    }
}

const SLED_DIR: &str = "sled";
const POSITIONS_DIR: &str = "positions";

fn within(what: &'static str, found: usize, bound: usize) -> Result<(), CacheError> {
    if found > bound {
        return Err(CacheError::TooLarge { what, found, bound });
    }
    Ok(())
}

/// Heights in order; no key of an entry begins like this, so that they can share `parts`.
fn trail_key(height: u64) -> [u8; 9] {
    let mut key = [0xff; 9];
    if let Some(last) = key.last_chunk_mut::<8>() {
        *last = height.to_be_bytes();
    }
    key
}

#[derive(Debug)]
struct Trees {
    db: sled::Db,
    entries: sled::Tree,
    trail: sled::Tree,
    parts: sled::Tree,
    meta: sled::Tree,
}

fn open_trees(dir: &Path) -> Result<Trees, sled::Error> {
    let config = sled::Config::new()
        .path(dir.join(SLED_DIR))
        .cache_capacity(PAGE_CACHE_BYTES);
    // sled's own flusher stays on: without it the transactions after a crash are not whole.
    let db = config.flush_every_ms(Some(500)).open()?;
    Ok(Trees {
        entries: db.open_tree("entries")?,
        trail: db.open_tree("trail")?,
        parts: db.open_tree("parts")?,
        meta: db.open_tree("meta")?,
        db,
    })
}

/// Positions that the log does not bear out are dropped, and those beside no entries: whose they are, nothing says.
fn open_positions(
    dir: &Path,
    empty: bool,
    hash_at: &impl Fn(u64) -> Option<[u8; 32]>,
) -> Result<Positions, CacheError> {
    let dir = dir.join(POSITIONS_DIR);
    let positions = Positions::open(&dir)?;
    let last = positions.next_height().saturating_sub(1);
    if last == 0 || (!empty && hash_at(last).is_some()) {
        return Ok(positions);
    }
    drop(positions);
    remove_all(&dir)?;
    Ok(Positions::open(&dir)?)
}

fn remove(dir: &Path) -> Result<(), CacheError> {
    remove_all(&dir.join(SLED_DIR))?;
    remove_all(&dir.join(POSITIONS_DIR))
}

fn remove_all(path: &Path) -> Result<(), CacheError> {
    match std::fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(io_error(path, "delete")(e).into()),
    }
}

struct Tip {
    height: u64,
    block_hash: [u8; 32],
    chain: [u8; 32],
}

fn encode_tip(height: u64, block_hash: [u8; 32], chain: [u8; 32]) -> Vec<u8> {
    let mut tip = vec![VERSION];
    tip.extend_from_slice(&height.to_be_bytes());
    tip.extend_from_slice(&block_hash);
    tip.extend_from_slice(&chain);
    tip
}

fn decode_tip(bytes: &[u8]) -> Option<Tip> {
    let (&[VERSION], rest) = bytes.split_first_chunk::<1>()? else {
        return None;
    };
    let (height, rest) = rest.split_first_chunk::<8>()?;
    let (block_hash, rest) = rest.split_first_chunk::<32>()?;
    let (chain, []) = rest.split_first_chunk::<32>()? else {
        return None;
    };
    Some(Tip {
        height: u64::from_be_bytes(*height),
        block_hash: *block_hash,
        chain: *chain,
    })
}

/// Why a cache with this tip does not fit the log.
fn misfit(tip: Option<&[u8]>, chain: &[u8; 32], hash_at: &impl Fn(u64) -> Option<[u8; 32]>) -> Option<WipeReason> {
    let Some(tip) = decode_tip(tip?) else {
        return Some(WipeReason::OtherVersion);
    };
    let height = tip.height;
    if tip.chain != *chain {
        return Some(WipeReason::OtherChain);
    }
    match hash_at(height) {
        None => Some(WipeReason::Ahead { height }),
        Some(hash) if hash != tip.block_hash => Some(WipeReason::OtherBlock { height }),
        Some(_) => None,
    }
}
