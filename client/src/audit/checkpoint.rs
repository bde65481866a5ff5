//! How far an audit came: the whole state after a block that was found good, so that the next run goes on after it.
//!
//! The file is the auditor's own and holds what the auditor computed: it is believed as the program itself is, against damage by a
//! digest. What can be compared again when going on, is: the state's root was the sealed one when it was written, the block is looked
//! up in the source, and its seal verified again (spec/adr/0083). Not for exchange: another version begins at the charter.

use super::report::Counts;
use crate::files::{self, FileError};
use concord_spec::charter::Charter;
use concord_spec::codec::{CodecError, Reader, Writer};
use concord_spec::digest::{Digest, sha256};
use concord_spec::ledger::{EntryError, LedgerState, MAX_SECTION};
use std::path::{Path, PathBuf};

/// Version of the file.
const VERSION: u64 = 1;
const WHAT: &str = "audit checkpoint";
/// Most bytes of the file.
const MAX_CHECKPOINT: usize = 2 << 30;
const MAX_ENTRIES: usize = 1 << 26;
const MAX_KEY: usize = 256;
const MAX_ACTIONS: usize = 256;
const DIGEST: usize = 32;

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Damaged, or of another version.
    #[error("{}: the checkpoint cannot be used ({why}); audit from the charter with --restart", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Of another chain.
    #[error("{}: the checkpoint is of chain {found}; name another file with --checkpoint", path.display())]
    OtherChain {
        /// The file.
        path: PathBuf,
        /// Its chain.
        found: Digest,
    },
}

/// Where an audit stands.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The state after the last block found good.
    pub state: LedgerState,
    /// What was counted up to it.
    pub counts: Counts,
}

enum Unread {
    OtherChain(Digest),
    Why(String),
}

impl From<CodecError> for Unread {
    fn from(why: CodecError) -> Self {
        Self::Why(why.to_string())
    }
}

impl From<EntryError> for Unread {
    fn from(why: EntryError) -> Self {
        Self::Why(why.to_string())
    }
}

impl Saved {
    /// Puts it in the place of a file, whole or not at all.
    ///
    /// # Errors
    /// The disk's.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        Ok(files::replace(path, &self.encode())?)
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(4);
        w.uint(VERSION);
        w.bytes(self.state.chain_id().as_bytes());
        w.array(5);
        let counts = &self.counts;
        for count in [counts.blocks, counts.records, counts.signatures, counts.credentials] {
            w.uint(count);
        }
        w.array(counts.by_action.len());
        for (action, count) in &counts.by_action {
            w.array(2);
            w.text(action);
            w.uint(*count);
        }
        let entries = self.state.entries();
        w.array(entries.len());
        for (key, value) in entries {
            w.array(2);
            w.bytes(&key);
            w.bytes(&value);
        }
        let mut bytes = w.into_vec();
        let digest = sha256(&[&bytes]);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    /// Reads it; `None` where there is none.
    ///
    /// # Errors
    /// The disk's; damaged, of another chain, or of another version.
    pub fn read(path: &Path, charter: &Charter) -> Result<Option<Self>, CheckpointError> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = files::read(path, MAX_CHECKPOINT)?;
        let path = path.to_owned();
        Self::decode(&bytes, charter).map(Some).map_err(|unread| match unread {
            Unread::OtherChain(found) => CheckpointError::OtherChain { path, found },
            Unread::Why(why) => CheckpointError::Unusable { path, why },
        })
    }

    fn decode(bytes: &[u8], charter: &Charter) -> Result<Self, Unread> {
        let split = bytes.split_last_chunk::<DIGEST>();
        let (body, digest) = split.ok_or_else(|| Unread::Why("it is cut off".to_owned()))?;
        if sha256(&[body]).as_bytes() != digest {
            return Err(Unread::Why("it is damaged".to_owned()));
        }
        let mut r = Reader::new(body);
        r.versioned_array(4, VERSION, WHAT)?;
        let chain_id = Digest(r.byte_array()?);
        if chain_id != charter.chain_id() {
            return Err(Unread::OtherChain(chain_id));
        }
        let counts = Self::decode_counts(&mut r)?;
        let count = r.array_len(MAX_ENTRIES)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            r.array(2)?;
            entries.push((r.bytes(MAX_KEY)?.to_vec(), r.bytes(MAX_SECTION)?.to_vec()));
        }
        r.finish()?;
        let state = LedgerState::restore(charter.clone(), entries)?;
        Ok(Self { state, counts })
    }

    fn decode_counts(r: &mut Reader<'_>) -> Result<Counts, Unread> {
        r.array(5)?;
        let mut counts = Counts {
            blocks: r.uint()?,
            records: r.uint()?,
            signatures: r.uint()?,
            credentials: r.uint()?,
            ..Counts::default()
        };
        for _ in 0..r.array_len(MAX_ACTIONS)? {
            r.array(2)?;
            let name = r.text(MAX_KEY)?;
            let action = Counts::action(name).ok_or_else(|| Unread::Why(format!("it counts {name:?}")))?;
            counts.by_action.insert(action, r.uint()?);
        }
        Ok(counts)
    }
}
