//! The signing guard: this node never says two different things at one place of the consensus, whatever its other
//! files have forgotten (DESIGN 5). It stands where votes and proposals leave the node.
//!
//! # Contract
//! [`Guard::permit`] returns `Ok` only after the message is on disk, synced. The same message again is permitted; a
//! different one at the same height, round and step never is, nor anything new below the last height. It costs one
//! `fdatasync` a new message.
//!
//! # On disk
//! One file of 1,024 slots of 64 bytes, written in place in turn, so that a sync has no file size to update. A slot
//! never crosses a disk sector: a power loss tears at most the one being written, whose message has not left yet.
//!
//! ```text
//! 0   4  magic `CGRD`            24  1  step (1 propose, 2 prevote, 3 precommit)
//! 4   8  sequence, from 1        25  1  1 if there is a value, 0 for nil
//! 12  8  height                  26  2  zero
//! 20  4  round                   28 32  value
//!                                60  4  CRC-32C of the 60 bytes above
//! ```
//! (Integers are big-endian.) Never copy this file to another node, and never restore an older one.

mod slot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::durable::{DurableError, create_dir, io_error, replace_file};
use slot::{SLOT_BYTES, Slot};

/// Messages that are remembered.
const SLOTS: u64 = 1024;

/// A step of a round, in the order in which a node takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A proposal.
    Propose,
    /// A prevote.
    Prevote,
    /// A precommit.
    Precommit,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Propose => "proposal",
            Self::Prevote => "prevote",
            Self::Precommit => "precommit",
        })
    }
}

/// A place of the consensus at which a node says one thing only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Height.
    pub height: u64,
    /// Round of the height, from 0.
    pub round: u32,
    /// Step of the round.
    pub step: Step,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of height {}, round {}", self.step, self.height, self.round)
    }
}

/// What was said at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Where.
    pub place: Place,
    /// The value's hash; `None` is nil. For a proposal, a hash of all that its signature covers.
    pub value: Option<[u8; 32]>,
}

/// Why a message must not leave this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GuardViolation {
    /// Another message was permitted at this place.
    #[error(
        "the signing guard refuses a {place}: this node already signed {was} there, and now would sign {now}. Signing \
         both is proof of misbehaviour. Two copies of this node may be running with the same keys, or its files were \
         restored from a backup: stop every other copy, move the engine's WAL away, and start again; the guard file \
         stays",
        was = shown(was), now = shown(now)
    )]
    Conflict {
        /// Where.
        place: Place,
        /// What was signed.
        was: Option<[u8; 32]>,
        /// What was asked for.
        now: Option<[u8; 32]>,
    },
    /// The place is behind what was already signed.
    #[error(
        "the signing guard refuses a {place}: this node has already signed a {last}. Its other files seem older than \
         the guard (restored from a backup, or a lost disk): let it catch up with the others before it votes; the \
         guard file stays"
    )]
    Behind {
        /// Where.
        place: Place,
        /// The last place that is remembered.
        last: Place,
    },
}

/// Why the guard could not be opened, or did not permit.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The message must not leave.
    #[error(transparent)]
    Violation(#[from] GuardViolation),
    /// The disk: without it nothing is permitted any more.
    #[error(transparent)]
    Disk(#[from] DurableError),
    /// The file is not as it was written.
    #[error(
        "{path}: the signing guard is damaged in slot {slot}: {what}; nothing was changed. If no intact copy exists, \
         this node's consensus key must be rotated: without its guard it could sign twice",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which slot, from 0.
        slot: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Earlier, a write failed.
    #[error("{path}: an earlier write of the signing guard failed; restart the node", path = path.display())]
    Failed {
        /// The file.
        path: PathBuf,
    },
}

/// The guard of one node's consensus key.
#[derive(Debug)]
pub struct Guard {
    path: PathBuf,
    file: File,
    created: bool,
    failed: bool,
    sequence: u64,
    /// In the order in which they were permitted; at most [`SLOTS`].
    order: VecDeque<Vote>,
    said: BTreeMap<Place, Option<[u8; 32]>>,
    /// The highest place permitted.
    last: Option<Vote>,
    /// The last place that is no longer remembered.
    forgotten: Option<Place>,
}

impl Guard {
    /// Opens the guard's file, creating it where it is missing ([`Self::created`] tells).
    ///
    /// # Errors
    /// Locked by another process, or damaged.
    pub fn open(path: &Path) -> Result<Self, GuardError> {
        let created = !path.exists();
        if created {
            if let Some(parent) = path.parent() {
                create_dir(parent)?;
            }
            let empty = vec![0; SLOT_BYTES.saturating_mul(SLOTS as usize)];
            replace_file(path, &empty, 0o600)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(io_error(path, "open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DurableError::Locked {
                    path: path.to_path_buf(),
                }
                .into());
            }
            Err(TryLockError::Error(e)) => return Err(io_error(path, "lock")(e).into()),
        }
        let slots = slot::read_all(&file, path, SLOTS)?;
        let mut guard = Self {
            path: path.to_path_buf(),
            file,
            created,
            failed: false,
            sequence: slots.last().map_or(0, |s| s.sequence),
            order: VecDeque::new(),
            said: BTreeMap::new(),
            last: None,
            forgotten: None,
        };
        // What came before the oldest slot may have been at the oldest slot's place, but not after it.
        guard.forgotten = slots.first().filter(|s| s.sequence > 1).map(|s| s.vote.place);
        slots.into_iter().for_each(|slot| guard.remember(slot.vote));
        Ok(guard)
    }

    /// Permits a message to leave, once it is on disk. `value` is `None` for nil.
    ///
    /// # Errors
    /// [`GuardError::Violation`]: it must never leave. Otherwise the disk's: nothing more is permitted until reopened.
    pub fn permit(&mut self, height: u64, round: u32, step: Step, value: Option<[u8; 32]>) -> Result<(), GuardError> {
        let vote = Vote {
            place: Place { height, round, step },
            value,
        };
        if self.failed {
            return Err(GuardError::Failed {
                path: self.path.clone(),
            });
        }
        if self.knows(&vote)? {
            return Ok(());
        }
        let sequence = self.sequence.saturating_add(1);
        let slot = Slot { sequence, vote };
        let offset = slot::offset(sequence, SLOTS);
        self.failed = true; // until it is known that this went well
        self.file
            .write_all_at(&slot.encode(), offset)
            .and_then(|()| self.file.sync_data())
            .map_err(io_error(&self.path, "write the signing guard"))?;
        self.failed = false;
        self.sequence = sequence;
        self.remember(vote);
        Ok(())
    }

    /// The message at the highest place that was permitted.
    pub fn last(&self) -> Option<Vote> {
        self.last
    }

    /// Whether the file was missing and has been created.
    pub fn created(&self) -> bool {
        self.created
    }

    /// Until which height this node must watch without voting; `None`: it may vote.
    ///
    /// `decided` is the log's tip, 0 if it is empty; `wal_knows` says whether the engine's WAL holds a message. If the
    /// guard knows of a message of an undecided height that the WAL lacks, the WAL is not the one that the message was
    /// sent with (a restored or lost disk), and locks may be forgotten: until the others have decided that height.
    /// Likewise if the guard's file is new beside a log that is not: what was said at the next height is not known.
    pub fn watch_until(&self, decided: u64, wal_knows: impl Fn(&Vote) -> bool) -> Option<u64> {
        if self.created && self.last.is_none() && decided > 0 {
            return Some(decided.saturating_add(1));
        }
        let lost = self.order.iter().filter(|v| v.place.height > decided && !wal_knows(v));
        lost.map(|v| v.place.height).max()
    }

    /// Whether exactly this was permitted already.
    fn knows(&self, vote: &Vote) -> Result<bool, GuardViolation> {
        let place = vote.place;
        if let Some(&was) = self.said.get(&place) {
            if was == vote.value {
                return Ok(true);
            }
            return Err(GuardViolation::Conflict {
                place,
                was,
                now: vote.value,
            });
        }
        match (self.last.map(|v| v.place), self.forgotten) {
            (Some(last), _) if place.height < last.height => Err(GuardViolation::Behind { place, last }),
            (_, Some(gone)) if (place.height, place.round) <= (gone.height, gone.round) => {
                Err(GuardViolation::Behind { place, last: gone })
            }
            (Some(_) | None, Some(_) | None) => Ok(false),
        }
    }

    fn remember(&mut self, vote: Vote) {
        self.said.insert(vote.place, vote.value);
        self.order.push_back(vote);
        if self.last.is_none_or(|last| vote.place > last.place) {
            self.last = Some(vote);
        }
        if self.order.len() as u64 > SLOTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.said.remove(&oldest.place);
            self.forgotten = self.forgotten.max(Some(oldest.place));
        }
    }
}

fn shown(value: &Option<[u8; 32]>) -> String {
    value.map_or_else(
        || "nil".to_owned(),
        |v| v.iter().take(8).map(|b| format!("{b:02x}")).collect(),
    )
}
