//! The pool's journal: what was admitted, until it has ended (DESIGN 5). A record is answered 202 only when it is in
//! here; after a restart [`Journal::pending`] gives back what has not ended yet, in the order of admission.
//!
//! # Contract
//! - When the future of [`Journal::append`] resolves to `Ok`, the record is there after `kill -9` and power loss,
//!   until it is finished. One thread writes: whatever arrives while it syncs goes into the next batch, with one write
//!   and one `fdatasync` for all of it.
//! - [`Journal::included`] costs no sync: that a record is in a block, the log knows. After a crash such a record may
//!   be pending again; at start the caller finishes again what the log holds.
//! - [`Journal::refuse`] is synced before its future resolves: a refusal is known to this node alone. It is readable
//!   until [`Journal::forget_refusals`] past the time given with it.
//! - Bounded: pending records and refusals count against [`JournalOptions::max_bytes`]; files take at most about
//!   twice that and two segments: the oldest segment's living entries are moved to the end, and the segment goes.

mod entry;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::segments::{Check, Opened, Options, Segments, SegmentsError};
use entry::{Entry, entries};
pub use entry::{MAX_REASON_BYTES, MAX_RECORD_BYTES};
use writer::Command;

const MAGIC: [u8; 4] = *b"CJRN";
/// Most bytes of one call of [`Journal::append_all`]: 8 MiB.
pub const MAX_APPEND_BYTES: usize = 8 << 20;

/// What may be chosen at opening.
#[derive(Debug, Clone, Copy)]
pub struct JournalOptions {
    /// Most bytes of records and refusals that have not ended or been forgotten.
    pub max_bytes: u64,
    /// Files are followed by a new one at so many bytes.
    pub segment_bytes: u64,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            max_bytes: 256 << 20,
            segment_bytes: 16 << 20,
        }
    }
}

/// Why something was not journalled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The files: locked, damaged, full. The journal takes no more until it is reopened.
    #[error("the pool's journal: {0}")]
    Segments(#[from] Arc<SegmentsError>),
    /// The writing thread could not be started, or has ended.
    #[error("the pool's journal is closed")]
    Closed,
    /// The bound is reached.
    #[error("the pool's journal holds {held} bytes; {wanted} more are over the bound of {bound}")]
    Full {
        /// Bytes held.
        held: u64,
        /// Bytes wanted.
        wanted: u64,
        /// The bound.
        bound: u64,
    },
    /// The id is pending or refused already; nothing of the call was journalled.
    #[error("record {} is in the journal already", hex::encode(id))]
    Known {
        /// The record's id.
        id: [u8; 32],
    },
    /// A record, a reason or a call over its bound.
    #[error("{found} bytes are over the journal's bound of {bound}")]
    TooLarge {
        /// Bytes given.
        found: usize,
        /// The bound.
        bound: usize,
    },
    /// A batch that does not parse, though its sum is right.
    #[error("the pool's journal: batch {number} was written by newer software; start that version")]
    Unknown {
        /// The batch.
        number: u64,
    },
}

/// A record that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The record's id.
    pub id: [u8; 32],
    /// The record as admitted.
    pub record: Vec<u8>,
}

/// Why a record ended without a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the caller gave, at most [`MAX_REASON_BYTES`].
    pub reason: Vec<u8>,
    /// Until when it is kept, in ms since 1970.
    pub keep_until_ms: u64,
}

/// Resolves when what was given is synced, or never will be.
#[derive(Debug)]
#[must_use = "nothing is promised before this has resolved to Ok"]
pub struct Synced(oneshot::Receiver<Result<(), JournalError>>);

impl Synced {
    /// Waits on a thread that runs no asynchronous tasks.
    ///
    /// # Errors
    /// As the future.
    pub fn wait(self) -> Result<(), JournalError> {
        self.0.blocking_recv().unwrap_or(Err(JournalError::Closed))
    }
}

impl Future for Synced {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|reply| reply.unwrap_or(Err(JournalError::Closed)))
    }
}

/// What lives, by id.
#[derive(Debug, Default)]
struct Index {
    living: HashMap<[u8; 32], Living>,
    bytes: u64,
    /// Number of the next admission.
    next_sequence: u64,
}

#[derive(Debug, Clone)]
struct Living {
    sequence: u64,
    /// The batch that holds it; `None` while it is on its way.
    batch: Option<u64>,
    bytes: u64,
    refusal: Option<Refusal>,
}

/// The journal. Shared by reference; dropping it writes what is left and waits for it.
#[derive(Debug)]
pub struct Journal {
    store: Arc<Segments>,
    index: Arc<Mutex<Index>>,
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    max_bytes: u64,
}

impl Journal {
    /// Opens the journal in `dir`, creating it where it is missing, and starts its thread.
    ///
    /// # Errors
    /// Locked, damaged, foreign files.
    pub fn open(dir: &Path, options: JournalOptions) -> Result<(Self, Opened), JournalError> {
        let JournalOptions {
            max_bytes,
            segment_bytes,
        } = options;
        let options = Options {
            magic: MAGIC,
            segment_bytes,
            check: Check::Everything,
        };
        let (store, opened) = Segments::open(dir, 1, options).map_err(Arc::new)?;
        let mut index = Index::default();
        for frame in store.iter_from(0) {
            let (number, payload) = frame.map_err(Arc::new)?;
            for entry in entries(&payload).ok_or(JournalError::Unknown { number })? {
                index.replay(entry, number);
            }
        }
        let (store, index) = (Arc::new(store), Arc::new(Mutex::new(index)));
        let (commands, inbox) = mpsc::channel();
        let thread = writer::start(Arc::clone(&store), Arc::clone(&index), segment_bytes, inbox);
        let thread = thread.map_err(|_| JournalError::Closed)?;
        Ok((
            Self {
                store,
                index,
                commands: Some(commands),
                thread: Some(thread),
                max_bytes,
            },
            opened,
        ))
    }

    /// Journals an admitted record.
    ///
    /// # Errors
    /// At once: [`JournalError::Full`], [`JournalError::Known`], [`JournalError::TooLarge`], [`JournalError::Closed`].
    /// From the future: the disk's.
    pub fn append(&self, id: [u8; 32], record: &[u8]) -> Result<Synced, JournalError> {
        self.append_all(&[(id, record)])
    }

    /// Journals several records, all or none, with one reply.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_all(&self, records: &[([u8; 32], &[u8])]) -> Result<Synced, JournalError> {
        let mut index = lock(&self.index);
        let mut wanted = 0u64;
        for (id, record) in records {
            if record.len() > MAX_RECORD_BYTES {
                return Err(JournalError::TooLarge {
                    found: record.len(),
                    bound: MAX_RECORD_BYTES,
                });
            }
            if index.living.contains_key(id) {
                return Err(JournalError::Known { id: *id });
            }
            wanted = wanted.saturating_add(entry::admitted_bytes(record));
        }
        if wanted > MAX_APPEND_BYTES as u64 {
            let found = usize::try_from(wanted).unwrap_or(usize::MAX);
            return Err(JournalError::TooLarge {
                found,
                bound: MAX_APPEND_BYTES,
            });
        }
        self.has_room(&index, wanted)?;
        let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or_default());
        let mut written = Vec::with_capacity(records.len());
        for (id, record) in records {
            let sequence = index.next_sequence;
            index.next_sequence = sequence.saturating_add(1);
            Entry::Admitted {
                id: *id,
                sequence,
                record,
            }
            .write(&mut bytes);
            written.push((*id, sequence));
            let size = entry::admitted_bytes(record);
            index.insert(
                *id,
                Living {
                    sequence,
                    batch: None,
                    bytes: size,
                    refusal: None,
                },
            );
        }
        self.send(bytes, written)
    }

    /// A record is in a block: nothing of it needs to be kept. Costs no sync. Also takes back a refusal: the block
    /// may have come from a node that did not refuse.
    ///
    /// # Errors
    /// [`JournalError::Closed`].
    pub fn included(&self, ids: &[[u8; 32]]) -> Result<(), JournalError> {
        let mut index = lock(&self.index);
        let mut bytes = Vec::new();
        for id in ids {
            if index.remove(id) {
                Entry::Included { id: *id }.write(&mut bytes);
            }
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let commands = self.commands.as_ref().ok_or(JournalError::Closed)?;
        commands
            .send(Command::Later { bytes })
            .map_err(|_| JournalError::Closed)
    }

    /// A record ended without a block; the reason is kept until `keep_until_ms`.
    ///
    /// # Errors
    /// As [`Self::append`]; a record that is not pending may be refused as well.
    pub fn refuse(&self, id: [u8; 32], reason: &[u8], keep_until_ms: u64) -> Result<Synced, JournalError> {
        if reason.len() > MAX_REASON_BYTES {
            return Err(JournalError::TooLarge {
                found: reason.len(),
                bound: MAX_REASON_BYTES,
            });
        }
        let mut index = lock(&self.index);
        let wanted = entry::refused_bytes(reason);
        // A pending record makes room for its refusal: what was promised can always be kept.
        if !index.living.contains_key(&id) {
            self.has_room(&index, wanted)?;
        }
        let sequence = index.next_sequence;
        index.next_sequence = sequence.saturating_add(1);
        let mut bytes = Vec::new();
        Entry::Refused {
            id,
            sequence,
            keep_until_ms,
            reason,
        }
        .write(&mut bytes);
        let refusal = Some(Refusal {
            reason: reason.to_vec(),
            keep_until_ms,
        });
        index.insert(
            id,
            Living {
                sequence,
                batch: None,
                bytes: wanted,
                refusal,
            },
        );
        self.send(bytes, vec![(id, sequence)])
    }

    /// Why a record ended without a block, if it did and is remembered.
    pub fn refusal(&self, id: &[u8; 32]) -> Option<Refusal> {
        lock(&self.index).living.get(id)?.refusal.clone()
    }

    /// Forgets refusals that were to be kept until before `now_ms`.
    pub fn forget_refusals(&self, now_ms: u64) {
        let mut index = lock(&self.index);
        let past = |l: &Living| l.refusal.as_ref().is_some_and(|r| r.keep_until_ms < now_ms);
        index.living.retain(|_, living| !past(living));
        index.bytes = index.living.values().map(|l| l.bytes).sum();
    }

    /// The records that are journalled and have not ended, in the order of admission. At most
    /// [`JournalOptions::max_bytes`] in memory.
    ///
    /// # Errors
    /// Damage, found now.
    pub fn pending(&self) -> Result<Vec<Pending>, JournalError> {
        let mut pending = Vec::new();
        for frame in self.store.iter_from(0) {
            let (number, payload) = frame.map_err(Arc::new)?;
            let index = lock(&self.index);
            for entry in entries(&payload).ok_or(JournalError::Unknown { number })? {
                if let Entry::Admitted { id, sequence, record } = entry
                    && index.is_at(&id, sequence, number)
                {
                    pending.push((
                        sequence,
                        Pending {
                            id,
                            record: record.to_vec(),
                        },
                    ));
                }
            }
        }
        pending.sort_unstable_by_key(|(sequence, _)| *sequence);
        Ok(pending.into_iter().map(|(_, pending)| pending).collect())
    }

    /// Bytes of what is pending or refused.
    pub fn bytes(&self) -> u64 {
        lock(&self.index).bytes
    }

    /// Bytes of the files.
    pub fn file_bytes(&self) -> u64 {
        self.store.bytes()
    }

    fn has_room(&self, index: &Index, wanted: u64) -> Result<(), JournalError> {
        if index.bytes.saturating_add(wanted) > self.max_bytes {
            return Err(JournalError::Full {
                held: index.bytes,
                wanted,
                bound: self.max_bytes,
            });
        }
        Ok(())
    }

    /// Called under the index' lock, so that entries are written in the order in which they took effect.
    fn send(&self, bytes: Vec<u8>, written: Vec<([u8; 32], u64)>) -> Result<Synced, JournalError> {
        let (reply, synced) = oneshot::channel();
        let commands = self.commands.as_ref().ok_or(JournalError::Closed)?;
        commands
            .send(Command::Now { bytes, written, reply })
            .map_err(|_| JournalError::Closed)?;
        Ok(Synced(synced))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.commands = None; // the thread writes what it has, and ends
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the pool's journal ended in a panic");
        }
    }
}

impl Index {
    fn replay(&mut self, entry: Entry<'_>, number: u64) {
        match entry {
            Entry::Admitted { id, sequence, record } => {
                let bytes = entry::admitted_bytes(record);
                self.insert(
                    id,
                    Living {
                        sequence,
                        batch: Some(number),
                        bytes,
                        refusal: None,
                    },
                );
                self.next_sequence = self.next_sequence.max(sequence.saturating_add(1));
            }
            Entry::Included { id } => {
                self.remove(&id);
            }
            Entry::Refused {
                id,
                sequence,
                keep_until_ms,
                reason,
            } => {
                let bytes = entry::refused_bytes(reason);
                let refusal = Some(Refusal {
                    reason: reason.to_vec(),
                    keep_until_ms,
                });
                self.insert(
                    id,
                    Living {
                        sequence,
                        batch: Some(number),
                        bytes,
                        refusal,
                    },
                );
                self.next_sequence = self.next_sequence.max(sequence.saturating_add(1));
            }
        }
    }

    fn insert(&mut self, id: [u8; 32], living: Living) {
        self.remove(&id);
        self.bytes = self.bytes.saturating_add(living.bytes);
        self.living.insert(id, living);
    }

    fn remove(&mut self, id: &[u8; 32]) -> bool {
        let Some(gone) = self.living.remove(id) else {
            return false;
        };
        self.bytes = self.bytes.saturating_sub(gone.bytes);
        true
    }

    /// Whether this entry, in this batch, is the living one.
    fn is_at(&self, id: &[u8; 32], sequence: u64, number: u64) -> bool {
        self.living
            .get(id)
            .is_some_and(|l| l.sequence == sequence && l.batch == Some(number))
    }
}

fn lock(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    index.lock().unwrap_or_else(PoisonError::into_inner)
}
