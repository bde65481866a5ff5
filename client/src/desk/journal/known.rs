//! Which records a journal knows, read beside the process that writes it.

use super::entry::Entry;
use super::frame::{Frames, MAX_FRAME};
use super::{FileError, JournalError};
use concord_spec::codec;
use concord_spec::digest::Digest;
use concord_spec::id::SeriesId;
use concord_spec::record::RecordId;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The records of a journal: those that its office signed for its series. It takes no lock and writes nothing.
///
/// What is handed in was in the journal before; so who looks again after a record came to light sees it there, if it is the
/// office's own.
#[derive(Debug)]
pub struct Known {
    path: PathBuf,
    chain_id: Digest,
    series: Option<SeriesId>,
    read_until: u64,
    records: BTreeSet<RecordId>,
}

impl Known {
    /// The journal at `path`, which may come into being later.
    ///
    /// # Errors
    /// It cannot be read, or is of another chain.
    pub fn open(path: &Path, chain_id: Digest) -> Result<Self, JournalError> {
        let mut known = Self {
            path: path.to_owned(),
            chain_id,
            series: None,
            read_until: 0,
            records: BTreeSet::new(),
        };
        known.refresh()?;
        Ok(known)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The series that it is of; none as long as there is nothing in it.
    #[must_use]
    pub fn series(&self) -> Option<SeriesId> {
        self.series
    }

    /// Whether it knows a record; what was written since is read first.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn knows(&mut self, id: &RecordId) -> Result<bool, JournalError> {
        if !self.records.contains(id) {
            self.refresh()?;
        }
        Ok(self.records.contains(id))
    }

    /// Reads what was written since it was last read.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn refresh(&mut self) -> Result<(), JournalError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(FileError::system(&self.path)(error).into()),
        };
        let length = file.metadata().map_err(FileError::system(&self.path))?.len();
        if length < self.read_until {
            // Restored from a copy: what was known stays known.
            self.read_until = 0;
        }
        let mut frames = Frames::from(&file, self.read_until).map_err(FileError::system(&self.path))?;
        loop {
            let at = frames.position();
            let damaged = |reason: String| JournalError::Damaged {
                path: self.path.clone(),
                at,
                reason,
            };
            // A frame that is being written at this moment is not whole yet: it is read the next time.
            let Some(body) = frames.next_body().map_err(damaged)? else {
                self.read_until = at;
                return Ok(());
            };
            let entry: Entry = codec::from_slice(&body, MAX_FRAME).map_err(|error| damaged(error.to_string()))?;
            match entry {
                Entry::Head(head) if head.chain_id != self.chain_id => {
                    return Err(JournalError::OtherSeries {
                        path: self.path.clone(),
                        found: head.series,
                        chain: head.chain_id,
                    });
                }
                Entry::Head(head) => self.series = Some(head.series),
                Entry::Signed(signed) => {
                    self.records.insert(signed.id());
                }
                Entry::Stated(id) => {
                    self.records.insert(id);
                }
                Entry::Settled(..) => {}
            }
        }
    }
}
