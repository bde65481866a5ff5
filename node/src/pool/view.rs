//! The chain as the pool and the API see it: decided state and sealed blocks.
//! Not here: how they come about (`consensus`), where they are kept (`log`, `cache`).

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use concord_spec::block::Block;
use concord_spec::digest::Digest;
use concord_spec::id::Height;
use concord_spec::ledger::{LedgerState, Touched};
use concord_spec::record::RecordId;
use concord_spec::seal::Seal;
use tokio::sync::watch;

/// What is decided. One that is cheap to ask: `state` and `watch` do not touch the disk.
pub trait ChainView: fmt::Debug + Send + Sync + 'static {
    /// The state after the last committed block.
    fn state(&self) -> Arc<LedgerState>;

    /// A committed block with its seal; `None` past the tip, and for height 0.
    ///
    /// # Errors
    /// The log cannot be read, or is damaged.
    fn sealed_block(&self, height: Height) -> Result<Option<SealedBlock>, ChainError>;

    /// In which block a record is.
    ///
    /// # Errors
    /// The positions cannot be read.
    fn position(&self, id: &RecordId) -> Result<Option<Position>, ChainError>;

    /// The hashes of the blocks after `after`, at most `limit`, in order.
    ///
    /// # Errors
    /// The cache cannot be read.
    fn block_hashes(&self, after: Height, limit: usize) -> Result<Vec<Digest>, ChainError>;

    /// What each block after `after` touched, at most `limit`, in order.
    ///
    /// # Errors
    /// The cache cannot be read.
    fn touched(&self, after: Height, limit: usize) -> Result<Vec<Touched>, ChainError>;

    /// The committed height, and its changes: sent after [`Self::state`] and [`Self::sealed_block`] answer for it.
    fn watch(&self) -> watch::Receiver<Height>;
}

/// A block with the seal that this node assembled for it.
#[derive(Debug, Clone)]
pub struct SealedBlock {
    /// The block.
    pub block: Block,
    /// Its seal. Seals of one block differ between nodes.
    pub seal: Seal,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Height of its block.
    pub height: Height,
    /// Its place among the block's records, from 0.
    pub index: u32,
}

/// The chain cannot be read.
#[derive(Debug)]
pub struct ChainError(Box<dyn Error + Send + Sync>);

impl ChainError {
    /// For this reason.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for ChainError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Blocks that were read lately, decoded: receipts and states of records are asked for in clusters.
pub struct RecentBlocks {
    chain: Arc<dyn ChainView>,
    recent: Mutex<VecDeque<Arc<SealedBlock>>>,
}

impl RecentBlocks {
    /// How many are kept; each takes a few times its 4 MiB at most.
    const KEPT: usize = 4;

    /// Blocks of this chain.
    #[must_use]
    pub fn new(chain: Arc<dyn ChainView>) -> Self {
        Self {
            chain,
            recent: Mutex::new(VecDeque::new()),
        }
    }

    /// A committed block; `None` past the tip. It may read the disk.
    ///
    /// # Errors
    /// The chain cannot be read.
    pub fn get(&self, height: Height) -> Result<Option<Arc<SealedBlock>>, ChainError> {
        if let Some(found) = self.lock().iter().find(|kept| kept.block.header.height == height) {
            return Ok(Some(Arc::clone(found)));
        }
        let Some(read) = self.chain.sealed_block(height)? else {
            return Ok(None);
        };
        let read = Arc::new(read);
        let mut recent = self.lock();
        recent.push_front(Arc::clone(&read));
        recent.truncate(Self::KEPT);
        Ok(Some(read))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<SealedBlock>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RecentBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentBlocks").finish_non_exhaustive()
    }
}
