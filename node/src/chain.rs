//! The chain: decided blocks in the log, the state after the last of them, and the cache that spares replaying (DESIGN 5).
//!
//! The log is the truth. A block is appended and synced before anything here shows it; the cache follows, and is brought
//! up to the log at start. What the cache holds is compared with the state root of the sealed block at its height.
//! Not here: which blocks are made (`ledger`), records that are not in one yet (`pool`).

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use concord_spec::block::{Block, MAX_BLOCK};
use concord_spec::charter::{Charter, CharterError};
use concord_spec::codec::{self, CodecError, Reader, Wire, Writer};
use concord_spec::digest::Digest;
use concord_spec::id::Height;
use concord_spec::ledger::{BlockError, CheckEach, EntryError, LedgerState, MAX_TOUCHED, Touched};
use concord_spec::record::RecordId;
use concord_spec::seal::{Seal, SealError};
use tokio::sync::watch;

use crate::cache::{Cache, CacheError};
use crate::log::{LogError, LogOptions, SegmentLog};
use crate::pool::{ChainError, ChainView, Position, SealedBlock};

/// Most bytes of a commit certificate with extensions: 256 regions of some 200 bytes each, and room.
const MAX_CERTIFICATE: usize = 256 << 10;
/// Most bytes of a log entry.
const MAX_ENTRY: usize = MAX_BLOCK + MAX_CERTIFICATE + (64 << 10);

/// What the log holds for a height: `[1, block, seal, commit certificate]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The block, encoded.
    pub block: Vec<u8>,
    /// Its seal.
    pub seal: Seal,
    /// The engine's commit certificate with extensions, as consensus encoded it.
    pub certificate: Vec<u8>,
}

impl Wire for LogEntry {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.uint(1);
        w.bytes(&self.block);
        w.wire(&self.seal);
        w.bytes(&self.certificate);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(4, 1, "log entry")?;
        Ok(Self {
            block: r.bytes(MAX_BLOCK)?.to_vec(),
            seal: r.wire()?,
            certificate: r.bytes(MAX_CERTIFICATE)?.to_vec(),
        })
    }
}

/// Why the chain cannot be opened or go on.
#[derive(Debug, thiserror::Error)]
pub enum ChainFault {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The cache; `concordd reindex` makes it anew.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The charter.
    #[error(transparent)]
    Charter(#[from] CharterError),
    /// A log entry cannot be read, though its checksum holds: it is of other software or another chain.
    #[error("block {height} of the log cannot be read: {why}; restore the log from a backup of this chain")]
    Entry {
        /// Height.
        height: u64,
        /// What is wrong.
        why: CodecError,
    },
    /// A block of the log does not follow from those before.
    #[error(
        "block {height} of the log does not follow from those before: {why}; restore the log from a backup of this chain"
    )]
    Block {
        /// Height.
        height: u64,
        /// The rule it breaks.
        why: BlockError,
    },
    /// A seal that does not hold.
    #[error("the seal of block {height} does not hold: {why}")]
    Seal {
        /// Height.
        height: u64,
        /// What is wrong.
        why: SealError,
    },
}

/// The decided chain of a node.
#[derive(Debug)]
pub struct Chain {
    log: SegmentLog,
    cache: Cache,
    state: RwLock<Arc<LedgerState>>,
    heights: watch::Sender<Height>,
}

impl Chain {
    /// Opens log and cache under `dir` and brings the state up to the log's tip.
    ///
    /// # Errors
    /// Damage that is not to be repaired silently, or a log of another chain.
    pub fn open(dir: &Path, charter: &Charter) -> Result<Self, ChainFault> {
        let (log, opened) = SegmentLog::open(&dir.join("log"), LogOptions::default())?;
        if opened.cut_bytes > 0 {
            tracing::warn!(
                bytes = opened.cut_bytes,
                "cut a torn tail off the log: the last append was not finished"
            );
        }
        let hash_at = |height| Some(decode(height, &log.read(height).ok()??).ok()?.1.hash().0);
        let (cache, found) = Cache::open(&dir.join("cache"), charter.chain_id().0, hash_at)?;
        if let Some(why) = found.wiped {
            tracing::warn!("the cache is made anew: {why}");
        }
        let (cache, state) = Self::restored(&log, cache, charter)?;
        let mut chain = Self {
            heights: watch::Sender::new(state.tip().height),
            log,
            cache,
            state: RwLock::new(Arc::new(state)),
        };
        chain.catch_up()?;
        Ok(chain)
    }

    /// The state that the cache holds, when it is one that the log confirms; else the cache is wiped, and the state is
    /// the one before block 1.
    fn restored(log: &SegmentLog, cache: Cache, charter: &Charter) -> Result<(Cache, LedgerState), ChainFault> {
        let height = cache.height()?;
        let genesis = LedgerState::genesis(charter.clone())?;
        if height == 0 {
            return Ok((cache, genesis));
        }
        let entries = cache.load_all().collect::<Result<Vec<_>, _>>()?;
        let confirmed = match LedgerState::restore(charter.clone(), entries) {
            Ok(state) => Self::confirmed(log, height, state)?,
            Err(EntryError::Charter(error)) => return Err(error.into()),
            Err(EntryError::Unreadable(_) | EntryError::Incomplete) => None,
        };
        if let Some(state) = confirmed {
            return Ok((cache, state));
        }
        let (cache, _) = cache.wipe(format!("its state is not the one sealed in block {height}"))?;
        tracing::warn!(height, "the cache does not fit the log: it is made anew");
        Ok((cache, genesis))
    }

    fn confirmed(log: &SegmentLog, height: u64, state: LedgerState) -> Result<Option<LedgerState>, ChainFault> {
        let Some(bytes) = log.read(height)? else {
            return Ok(None);
        };
        let (_, block) = decode(height, &bytes)?;
        let same = state.tip().hash == block.hash() && state.root() == block.rest.state_root;
        Ok(same.then_some(state))
    }

    fn catch_up(&mut self) -> Result<(), ChainFault> {
        let tip = self.state().tip().height.0;
        let mut replayed = 0_u64;
        for frame in self.log.iter_from(self.cache.next_height()?) {
            let (height, bytes) = frame?;
            let (_, block) = decode(height, &bytes)?;
            if height <= tip {
                self.cache.index_records(height, &ids(&block))?;
                continue;
            }
            let next = self.state().advance(&block, &CheckEach);
            let next = Arc::new(next.map_err(|why| ChainFault::Block { height, why })?);
            self.cache_block(&block, &next)?;
            self.show(next);
            replayed = replayed.saturating_add(1);
        }
        if replayed > 0 {
            tracing::info!(blocks = replayed, "brought the state up to the log");
        }
        Ok(())
    }

    /// Appends a decided block and syncs it; then the cache and everyone who asks see it. It blocks on the disk.
    ///
    /// # Errors
    /// The disk's. After one the node must stop.
    pub fn append(&self, block: &Block, entry: &LogEntry, next: Arc<LedgerState>) -> Result<(), ChainFault> {
        self.log.append_synced(block.header.height.0, &codec::to_vec(entry))?;
        self.cache_block(block, &next)?;
        self.show(next);
        Ok(())
    }

    fn cache_block(&self, block: &Block, next: &LedgerState) -> Result<(), ChainFault> {
        Ok(self.cache.apply(
            block.header.height.0,
            block.hash().0,
            &next.changes(),
            &ids(block),
            &codec::to_vec(&next.touched_by(block)),
        )?)
    }

    fn show(&self, next: Arc<LedgerState>) {
        let height = next.tip().height;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = next;
        self.heights.send_replace(height);
    }

    /// What the log holds for a height.
    ///
    /// # Errors
    /// Damage.
    pub fn entry(&self, height: Height) -> Result<Option<LogEntry>, ChainFault> {
        let Some(bytes) = self.log.read(height.0)? else {
            return Ok(None);
        };
        let entry = codec::from_slice(&bytes, MAX_ENTRY);
        entry
            .map(Some)
            .map_err(|why| ChainFault::Entry { height: height.0, why })
    }
}

fn ids(block: &Block) -> Vec<[u8; 32]> {
    block.records.iter().map(|record| record.id().0).collect()
}

fn decode(height: u64, bytes: &[u8]) -> Result<(LogEntry, Block), ChainFault> {
    let failed = |why| ChainFault::Entry { height, why };
    let entry: LogEntry = codec::from_slice(bytes, MAX_ENTRY).map_err(failed)?;
    let block = Block::from_bytes(&entry.block).map_err(failed)?;
    Ok((entry, block))
}

impl ChainView for Chain {
    fn state(&self) -> Arc<LedgerState> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn sealed_block(&self, height: Height) -> Result<Option<SealedBlock>, ChainError> {
        let Some(entry) = self.entry(height).map_err(ChainError::new)? else {
            return Ok(None);
        };
        let block = Block::from_bytes(&entry.block).map_err(ChainError::new)?;
        Ok(Some(SealedBlock {
            block,
            seal: entry.seal,
        }))
    }

    fn position(&self, id: &RecordId) -> Result<Option<Position>, ChainError> {
        let found = self.cache.position(&id.0).map_err(ChainError::new)?;
        Ok(found.map(|found| Position {
            height: Height(found.height),
            index: found.index,
        }))
    }

    fn block_hashes(&self, after: Height, limit: usize) -> Result<Vec<Digest>, ChainError> {
        let steps = self.cache.trail(after.0).take(limit);
        let hashes = steps.map(|step| step.map(|(hash, _)| Digest(hash)));
        hashes.collect::<Result<_, _>>().map_err(ChainError::new)
    }

    fn touched(&self, after: Height, limit: usize) -> Result<Vec<Touched>, ChainError> {
        let steps = self.cache.trail(after.0).take(limit);
        let touched = steps.map(|step| {
            let (_, bytes) = step.map_err(ChainError::new)?;
            codec::from_slice(&bytes, MAX_TOUCHED).map_err(ChainError::new)
        });
        touched.collect()
    }

    fn watch(&self) -> watch::Receiver<Height> {
        self.heights.subscribe()
    }
}
