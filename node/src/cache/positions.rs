//! Where each record of the ledger is, by its id: sorted runs on disk, merged as they grow (`spec/adr/0010`).
//!
//! An id is a hash, and hash keys make sled huge and slow (ENGINE-NOTES). So new positions are kept in memory, then
//! written as one sorted, immutable run of 28 bytes a record; eight neighbouring runs of a size become one, in a
//! thread of its own. Each run says which heights it covers. What was in memory when a node was killed is taken from
//! the log again: [`Positions::next_height`] says from where.

mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use crate::durable::{DurableError, create_dir, io_error};
use run::{KEY_BYTES, Run};

/// Records in memory before they are written as a run.
const RUN_RECORDS: usize = 16_384;
/// Blocks in memory before their records are written as a run, however few.
const RUN_BLOCKS: u64 = 4_096;
/// So many neighbouring runs of a size become one.
const FAN_IN: usize = 8;

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Height of its block.
    pub height: u64,
    /// Index in the block, from 0.
    pub index: u32,
}

/// Why positions could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PositionsError {
    /// The operating system refused.
    #[error(transparent)]
    Disk(#[from] DurableError),
    /// Bytes that are not as they were written.
    #[error("{path}: damaged; stop the node and run `concordd reindex`", path = path.display())]
    Damaged {
        /// The run.
        path: PathBuf,
    },
}

type Key = [u8; KEY_BYTES];

/// Positions of all records. Shared by reference.
#[derive(Debug)]
pub struct Positions {
    dir: PathBuf,
    recent: RwLock<Recent>,
    /// In the order of their heights, without gaps.
    runs: Arc<RwLock<Vec<Arc<Run>>>>,
    merging: Mutex<Option<JoinHandle<()>>>,
}

/// What is not in a run yet.
#[derive(Debug)]
struct Recent {
    /// First height that is not in a run.
    from: u64,
    /// First height that is not here.
    next: u64,
    positions: BTreeMap<Key, Position>,
}

impl Positions {
    /// Opens the positions in `dir`, creating it where it is missing. Runs that a crash left half-made, or made twice,
    /// are deleted; damaged ones too, with all that follow them: they are made again from the log.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(dir: &Path) -> Result<Self, PositionsError> {
        create_dir(dir)?;
        let runs = run::open_all(dir)?;
        let from = runs.last().map_or(1, |run| run.to.saturating_add(1));
        let recent = Recent {
            from,
            next: from,
            positions: BTreeMap::new(),
        };
        let runs = Arc::new(RwLock::new(runs.into_iter().map(Arc::new).collect()));
        Ok(Self {
            dir: dir.to_path_buf(),
            recent: RwLock::new(recent),
            runs,
            merging: Mutex::new(None),
        })
    }

    /// The first height whose records are not here.
    pub fn next_height(&self) -> u64 {
        self.recent.read().unwrap_or_else(PoisonError::into_inner).next
    }

    /// Takes the records of the block at [`Self::next_height`], in order.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn add(&self, height: u64, records: &[[u8; 32]]) -> Result<(), PositionsError> {
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        for (index, record) in (0..).zip(records) {
            recent.positions.insert(key(record), Position { height, index });
        }
        recent.next = height.saturating_add(1);
        if recent.positions.len() >= RUN_RECORDS || recent.next.saturating_sub(recent.from) >= RUN_BLOCKS {
            self.write(&mut recent)?;
            drop(recent);
            self.merge_in_background();
        }
        Ok(())
    }

    /// Where a record is. Ids are compared by their first 16 bytes.
    ///
    /// # Errors
    /// The disk's.
    pub fn find(&self, record: &[u8; 32]) -> Result<Option<Position>, PositionsError> {
        let key = key(record);
        // Memory first: a position that is just being written is in one of both at any time.
        if let Some(position) = self
            .recent
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .positions
            .get(&key)
        {
            return Ok(Some(*position));
        }
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner).clone();
        for run in runs.iter().rev() {
            if let Some(position) = run.find(&key)? {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.runs
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|run| run.bytes())
            .sum()
    }

    /// Writes what is in memory as a run.
    fn write(&self, recent: &mut Recent) -> Result<(), PositionsError> {
        let Some(to) = recent.next.checked_sub(1).filter(|to| *to >= recent.from) else {
            return Ok(());
        };
        let run = run::write(&self.dir, recent.from, to, &recent.positions)?;
        self.runs
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::new(run));
        recent.positions.clear();
        recent.from = recent.next;
        Ok(())
    }

    /// Starts a merge, if one is due and none is under way.
    fn merge_in_background(&self) {
        let mut merging = self.merging();
        if merging.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let (dir, runs) = (self.dir.clone(), Arc::clone(&self.runs));
        let thread = std::thread::Builder::new().name("positions".to_owned()).spawn(move || {
            // Without a merge lookups are slower, and nothing else: the next run starts another one.
            if let Err(e) = merge_due(&dir, &runs) {
                tracing::warn!("positions of records were not merged: {e}");
            }
        });
        match thread {
            Ok(thread) => *merging = Some(thread),
            Err(e) => tracing::warn!("positions of records were not merged: {e}"),
        }
    }

    fn merging(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.merging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a merge that is under way.
    fn wait(&self) {
        if let Some(thread) = self.merging().take()
            && thread.join().is_err()
        {
            tracing::error!("merging positions of records ended in a panic");
        }
    }
}

impl Drop for Positions {
    fn drop(&mut self) {
        self.wait();
        let mut recent = std::mem::replace(
            &mut *self.recent.write().unwrap_or_else(PoisonError::into_inner),
            Recent {
                from: 0,
                next: 0,
                positions: BTreeMap::new(),
            },
        );
        if let Err(e) = self.write(&mut recent) {
            tracing::warn!("the last positions of records were not written and will be made again: {e}");
        }
    }
}

/// Merges neighbouring runs of a size, smallest first, until none are left.
fn merge_due(dir: &Path, runs: &RwLock<Vec<Arc<Run>>>) -> Result<(), PositionsError> {
    loop {
        let all = runs.read().unwrap_or_else(PoisonError::into_inner).clone();
        let due = all
            .windows(FAN_IN)
            .rev()
            .find(|w| w.iter().all(|r| w.first().is_some_and(|f| tier(r) == tier(f))));
        let Some(due) = due else { return Ok(()) };
        let merged = run::merge(dir, due)?;
        let mut runs = runs.write().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|run| !due.iter().any(|old| Arc::ptr_eq(old, run)));
        let at = runs.partition_point(|run| run.from < merged.from);
        runs.insert(at, Arc::new(merged));
        drop(runs);
        for old in due {
            // A reader may have it open: it reads on, from the file without a name.
            std::fs::remove_file(&old.path).map_err(io_error(&old.path, "delete"))?;
        }
    }
}

/// Size class of a run: each is eight times the one before.
fn tier(run: &Run) -> u32 {
    (run.count / RUN_RECORDS as u64).max(1).ilog(FAN_IN as u64)
}

fn key(record: &[u8; 32]) -> Key {
    let (key, _) = record.split_first_chunk().unwrap_or((&[0; KEY_BYTES], &[]));
    *key
}
