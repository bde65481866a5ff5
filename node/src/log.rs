//! The log: every decided block, by height, from 1 on. It is the truth; everything else that a node holds can be
//! rebuilt from it (DESIGN 5). What a payload is, the layer above knows: here it is bytes.
//!
//! # Contract
//! [`SegmentLog::append`] writes the block of the next height; heights have no gaps. Once [`SegmentLog::sync`] (or
//! [`SegmentLog::append_synced`]) has returned, that block is there after `kill -9` and after power loss; before, it
//! may be there or not, and it is never served, to readers or peers. At opening a torn tail, which can only be a
//! block that was never synced, is cut and reported; any other damage is refused with the file, the offset and what
//! to do, and nothing is changed. See [`segments`](crate::segments) for how.
//!
//! Not here: what a block holds (`spec::block`), the state made from it ([`cache`](crate::cache)).

use std::path::Path;

use crate::segments::{Check, Frames, Opened, Options, Segments, SegmentsError};

/// The log's segments hold about 64 MiB each.
const SEGMENT_BYTES: u64 = 64 << 20;
const MAGIC: [u8; 4] = *b"CLOG";

/// What may be chosen at opening.
#[derive(Debug, Clone, Copy)]
pub struct LogOptions {
    /// Segments are followed by a new one at so many bytes.
    pub segment_bytes: u64,
    /// What is read at opening.
    pub check: Check,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES,
            check: Check::LastSegment,
        }
    }
}

/// Why the log could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The files: locked, damaged, foreign, incomplete, full.
    #[error("the log: {0}")]
    Segments(#[from] SegmentsError),
    /// The first segments are missing.
    #[error("the log starts at height {first}, not at 1: its first segments are missing; restore them from a backup")]
    Beheaded {
        /// The first height that is there.
        first: u64,
    },
}

/// The log of decided blocks. Shared by reference: one appends, many read.
#[derive(Debug)]
pub struct SegmentLog {
    segments: Segments,
}

impl SegmentLog {
    /// Opens the log in `dir`, creating it where it is missing.
    ///
    /// # Errors
    /// [`LogError`]: locked by another process, damaged, foreign files, missing segments.
    pub fn open(dir: &Path, options: LogOptions) -> Result<(Self, Opened), LogError> {
        let options = Options {
            magic: MAGIC,
            segment_bytes: options.segment_bytes,
            check: options.check,
        };
        let (segments, opened) = Segments::open(dir, 1, options)?;
        match segments.segment_starts().first() {
            None | Some(1) => Ok((Self { segments }, opened)),
            Some(&first) => Err(LogError::Beheaded { first }),
        }
    }

    /// Writes the block of `height`, which must be the tip's successor. A block before that is not yet synced is
    /// synced first.
    ///
    /// # Errors
    /// Out of order, over 16 MiB, or the disk's; after a failure of the disk the log takes no more until reopened.
    pub fn append(&self, height: u64, payload: &[u8]) -> Result<(), LogError> {
        Ok(self.segments.append(height, &[payload])?)
    }

    /// Makes what was appended durable, and readable.
    ///
    /// # Errors
    /// The disk's; after it the log takes no more until reopened.
    pub fn sync(&self) -> Result<(), LogError> {
        Ok(self.segments.sync()?)
    }

    /// [`Self::append`] and [`Self::sync`].
    ///
    /// # Errors
    /// As both.
    pub fn append_synced(&self, height: u64, payload: &[u8]) -> Result<(), LogError> {
        Ok(self.segments.append_synced(height, &[payload])?)
    }

    /// The block of a height; `None` past the tip.
    ///
    /// # Errors
    /// Damage, found now.
    pub fn read(&self, height: u64) -> Result<Option<Vec<u8>>, LogError> {
        Ok(self.segments.read(height)?)
    }

    /// The blocks from `height` on, one in memory at a time.
    pub fn iter_from(&self, height: u64) -> Blocks<'_> {
        Blocks {
            frames: self.segments.iter_from(height),
        }
    }

    /// The last durable height; `None` before block 1.
    pub fn tip(&self) -> Option<u64> {
        self.segments.tip()
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.segments.bytes()
    }
}

/// Blocks in order of height; see [`SegmentLog::iter_from`].
#[derive(Debug)]
pub struct Blocks<'a> {
    frames: Frames<'a>,
}

impl Iterator for Blocks<'_> {
    /// Height and payload.
    type Item = Result<(u64, Vec<u8>), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.frames.next().map(|frame| frame.map_err(LogError::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_holds_what_was_synced_and_says_where_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let (log, opened) = SegmentLog::open(dir.path(), LogOptions::default()).unwrap();
        assert_eq!((opened.tip, log.tip()), (None, None));
        assert!(log.append(2, b"two").is_err());
        log.append_synced(1, b"one").unwrap();
        log.append(2, b"two").unwrap();
        log.sync().unwrap();
        drop(log);
        let (log, opened) = SegmentLog::open(dir.path(), LogOptions::default()).unwrap();
        assert_eq!(opened.tip, Some(2));
        assert_eq!(log.read(2).unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(log.read(3).unwrap(), None);
        assert_eq!(log.iter_from(2).map(|b| b.unwrap().0).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_log_without_its_first_segment_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let options = LogOptions {
            segment_bytes: 1,
            ..LogOptions::default()
        };
        let (log, _) = SegmentLog::open(dir.path(), options).unwrap();
        log.append_synced(1, &[1; 64]).unwrap();
        log.append_synced(2, &[2; 64]).unwrap();
        drop(log);
        std::fs::remove_file(dir.path().join(format!("{:020}.seg", 1))).unwrap();
        assert!(matches!(
            SegmentLog::open(dir.path(), options),
            Err(LogError::Beheaded { first: 2 })
        ));
    }
}
