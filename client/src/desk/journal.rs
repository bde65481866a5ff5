//! The journal of a series: what was signed and what became of it, on disk before anything is handed in.
//!
//! It stands beside the key that signs the series, since one desk has one series and one key. Numbers of a signed record
//! are used again only after that record is finally rejected or its not-after has passed on the ledger (DESIGN 4.3), and
//! a run that was interrupted goes on with the same credentials and the same records. It holds the credentials with their
//! salts: keep it as you keep the sheets.
//!
//! File: frames of u32be length, SHA-256 of the body, body (deterministic CBOR). The first body names chain and series.
//! A frame that the end of the file cuts off was never acted upon and is dropped; any other damage is refused.

mod entry;
mod frame;
mod known;

pub use entry::{Freed, Outcome, Signed};
pub use known::Known;

use crate::files::{self, FileError};
use concord_spec::codec::{self, CodecError};
use concord_spec::digest::Digest;
use concord_spec::id::{Number, SeriesId};
use concord_spec::receipt::Receipt;
use concord_spec::record::RecordId;
use entry::{Entry, Head};
use frame::{Frames, MAX_FRAME};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process issues from this series now.
    #[error("{}: another process is issuing from this series; wait until it is done", .0.display())]
    InUse(PathBuf),
    /// Of another series or another chain.
    #[error("{}: the journal of series {found} on chain {chain}; every series has its own key and journal", path.display())]
    OtherSeries {
        /// The file.
        path: PathBuf,
        /// The series it is of.
        found: SeriesId,
        /// The chain it is of.
        chain: Digest,
    },
    /// Damaged within.
    #[error("{}: damaged at byte {at} ({reason}); restore it from a copy. Without it, numbers could be used twice", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: u64,
        /// How.
        reason: String,
    },
}

/// The journal of a series, locked for this process.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    batches: Vec<Signed>,
    cut: u64,
}

/// Where the journal of a series stands whose key is in this file.
#[must_use]
pub fn beside_key(key: &Path) -> PathBuf {
    let mut name = key.file_name().unwrap_or_default().to_owned();
    name.push(".journal");
    key.with_file_name(name)
}

impl Journal {
    /// Opens the journal, or begins it.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn open(path: &Path, chain_id: Digest, series: SeriesId) -> Result<Self, JournalError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(FileError::system(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(FileError::system(path)(error).into()),
        }
        let reading = file.try_clone().map_err(FileError::system(path))?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            batches: Vec::new(),
            cut: 0,
        };
        let whole = journal.read_back(&reading, chain_id, series)?;
        let length = journal.file.metadata().map_err(FileError::system(path))?.len();
        journal.cut = length.saturating_sub(whole);
        journal.file.set_len(whole).map_err(FileError::system(path))?;
        journal.file.seek(SeekFrom::End(0)).map_err(FileError::system(path))?;
        if whole == 0 {
            journal.append(&Entry::Head(Head { chain_id, series }))?;
            files::sync_directory_of(path)?;
        }
        Ok(journal)
    }

    /// Reads what there is; gives the length of its whole frames.
    fn read_back(&mut self, file: &File, chain_id: Digest, series: SeriesId) -> Result<u64, JournalError> {
        let mut frames = Frames::of(file).map_err(FileError::system(&self.path))?;
        loop {
            let at = frames.position();
            let damaged = |path: &Path, reason: String| JournalError::Damaged {
                path: path.to_owned(),
                at,
                reason,
            };
            let body = match frames.next_body() {
                Ok(Some(body)) => body,
                Ok(None) => return Ok(at),
                Err(reason) => return Err(damaged(&self.path, reason)),
            };
            let entry: Result<Entry, CodecError> = codec::from_slice(&body, MAX_FRAME);
            let entry = entry.map_err(|error| damaged(&self.path, error.to_string()))?;
            match entry {
                Entry::Head(head) if at != 0 => {
                    return Err(damaged(&self.path, format!("a second head, of series {}", head.series)));
                }
                Entry::Head(head) if head.chain_id != chain_id || head.series != series => {
                    let path = self.path.clone();
                    return Err(JournalError::OtherSeries {
                        path,
                        found: head.series,
                        chain: head.chain_id,
                    });
                }
                Entry::Head(_) => {}
                Entry::Signed(_) | Entry::Settled(..) | Entry::Stated(_) if at == 0 => {
                    return Err(damaged(&self.path, "no head".to_owned()));
                }
                Entry::Signed(signed) => self.batches.push(*signed),
                // For who watches; issuing does not depend on it.
                Entry::Stated(_) => {}
                Entry::Settled(id, outcome) => {
                    if !self.settle(&id, outcome) {
                        return Err(damaged(&self.path, format!("outcome of an unknown record {id}")));
                    }
                }
            }
        }
    }

    /// Bytes of a torn entry that were dropped from the end: what a crash cut off before anyone acted upon it.
    #[must_use]
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// Every batch that was ever signed, in the order of signing.
    #[must_use]
    pub fn batches(&self) -> &[Signed] {
        &self.batches
    }

    /// The number after the last that a signed record still holds: those recorded and those on the way.
    #[must_use]
    pub fn held_until(&self) -> Number {
        let held = self.batches.iter().filter(|signed| !signed.is_freed());
        held.map(|signed| signed.batch().end()).max().unwrap_or(Number(0))
    }

    /// Writes down signed batches, synced before this returns.
    ///
    /// # Errors
    /// See [`JournalError`]; then nothing may be handed in.
    pub fn sign(&mut self, signed: Vec<Signed>) -> Result<(), JournalError> {
        for batch in signed {
            self.write(&Entry::Signed(Box::new(batch.clone())))?;
            self.batches.push(batch);
        }
        self.sync()
    }

    /// Writes down that a record is on the ledger; the receipt must have been checked.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn recorded(&mut self, id: &RecordId, receipt: Receipt) -> Result<(), JournalError> {
        self.append(&Entry::Settled(*id, Outcome::Recorded(Box::new(receipt.clone()))))?;
        self.settle(id, Outcome::Recorded(Box::new(receipt)));
        Ok(())
    }

    /// Writes down that a record will never be on the ledger: its numbers are free again.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn freed(&mut self, id: &RecordId, why: Freed) -> Result<(), JournalError> {
        self.append(&Entry::Settled(*id, Outcome::Freed(why.clone())))?;
        self.settle(id, Outcome::Freed(why));
        Ok(())
    }

    /// Writes down that the office says something else of its series, such as a change of status, so that who watches knows it.
    ///
    /// # Errors
    /// See [`JournalError`]; then nothing may be handed in.
    pub fn stated(&mut self, id: &RecordId) -> Result<(), JournalError> {
        self.append(&Entry::Stated(*id))
    }

    fn settle(&mut self, id: &RecordId, outcome: Outcome) -> bool {
        let found = self.batches.iter_mut().find(|signed| signed.id() == *id);
        found.is_some_and(|signed| {
            signed.outcome = Some(outcome);
            true
        })
    }

    fn append(&mut self, entry: &Entry) -> Result<(), JournalError> {
        self.write(entry)?;
        self.sync()
    }

    fn write(&mut self, entry: &Entry) -> Result<(), JournalError> {
        let written = self.file.write_all(&frame::frame(&codec::to_vec(entry)));
        Ok(written.map_err(FileError::system(&self.path))?)
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        Ok(self.file.sync_data().map_err(FileError::system(&self.path))?)
    }
}

#[cfg(test)]
mod tests;
