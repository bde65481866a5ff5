//! Numbered frames in segment files, append only: the one way in which this node puts bytes on disk that must be
//! there after a power loss. The log, the undecided bodies and the pool's journal are three such stores.
//!
//! # Contract
//! - [`Segments::append`] writes frame `n`; numbers have no gaps. At most one frame is ever unsynced: the frame before
//!   is synced first.
//! - After [`Segments::sync`] returned, the frame is there after `kill -9` and after power loss, if the disk honours
//!   `fdatasync`. Before, it may be there, or not, or in part; a part of it is never served.
//! - A frame is readable once it is synced, and every read checks its sum.
//! - Opening cuts a torn tail: an incomplete or bad last frame at the end of the last segment. By the first rule that
//!   frame was never promised to anyone. Everything else that is not as it was written is refused, with file, offset
//!   and what to do, and left untouched.
//! - A write or sync that failed leaves the store refusing every further write: after a failed `fdatasync` the kernel
//!   may call pages clean that never reached the disk. Opening again finds out what is there.
//! - One process at a time: the directory is locked.
//!
//! # On disk
//! A segment is a file `<first number, 20 digits>.seg`: a header of 16 bytes (magic `CSEG`, a random salt, CRC-32C of
//! both), synced with its directory before the first frame, then frames (`frame`). A segment ends at the first
//! frame that fills it.

mod frame;
mod scan;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub use frame::MAX_PAYLOAD_BYTES;
use frame::{HEADER_BYTES, Header};

use crate::durable::{DirLock, DurableError, create_dir, io_error, sync_dir};

/// What differs between stores.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Four bytes that every frame of this kind of store starts with.
    pub magic: [u8; 4],
    /// A segment that has reached so many bytes is followed by a new one. At most 1 GiB.
    pub segment_bytes: u64,
    /// What opening reads.
    pub check: Check,
}

/// What opening reads of the payloads. Headers are read in any case, and every later read checks what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Payloads of the last segment: the time to open does not grow with the history.
    LastSegment,
    /// Every payload, as `doctor`, `backup` and `audit` want it.
    Everything,
}

/// What was found at opening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Number of the first frame, if there is any.
    pub first: Option<u64>,
    /// Number of the last frame, if there is any.
    pub tip: Option<u64>,
    /// Segment files.
    pub segments: usize,
    /// Bytes of all segment files, after the cut.
    pub bytes: u64,
    /// Bytes of a torn tail that were cut off; 0 if there was none.
    pub cut_bytes: u64,
    /// The file that was cut.
    pub cut_file: Option<PathBuf>,
}

/// Why a store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum SegmentsError {
    /// The operating system refused, or another process holds the directory.
    #[error(transparent)]
    Disk(#[from] DurableError),
    /// A file that does not belong here.
    #[error("{path}: this file is no segment of this store; move it elsewhere and start again", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Bytes that are not as they were written.
    #[error(
        "{path}: damaged at byte {offset}: {what}; nothing was changed. Check the disk, then restore this directory \
         from a backup, or move it away so that it is built anew from the other nodes",
        path = path.display()
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A segment is missing or out of order.
    #[error(
        "{path}: this segment starts at {found}, but the one before ends so that {expected} must follow; a segment is \
         missing or was renamed. Put it back, or restore this directory from a backup",
        path = path.display()
    )]
    Gap {
        /// The segment after the gap.
        path: PathBuf,
        /// The number that must follow.
        expected: u64,
        /// The number in the file's name.
        found: u64,
    },
    /// An append out of order.
    #[error("frame {got} cannot be appended: the next one is {expected}")]
    Order {
        /// The only number that can be appended.
        expected: u64,
        /// The number given.
        got: u64,
    },
    /// A payload over [`MAX_PAYLOAD_BYTES`].
    #[error("frame {number} is over {MAX_PAYLOAD_BYTES} bytes")]
    TooLarge {
        /// The frame.
        number: u64,
    },
    /// An earlier write failed.
    #[error("{path}: an earlier write failed and its outcome is unknown; restart the node", path = dir.display())]
    Failed {
        /// The store's directory.
        dir: PathBuf,
    },
}

/// Bytes of a segment's header.
const SEGMENT_HEADER_BYTES: usize = 16;
const SEGMENT_MAGIC: [u8; 4] = *b"CSEG";
/// Offsets fit in 32 bits.
const MAX_SEGMENT_BYTES: u64 = 1 << 30;

/// A segment file.
#[derive(Debug, Clone)]
struct Segment {
    first: u64,
    salt: u64,
    path: PathBuf,
    /// End of its last synced frame.
    bytes: u64,
}

/// Where a frame is in its segment: 8 bytes a frame in memory.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u32,
    length: u32,
}

/// Synced frames.
#[derive(Debug)]
struct Index {
    /// Number of the first frame, or of the next one where there is none.
    first: u64,
    segments: Vec<Segment>,
    /// One for each frame from `first` on, without gaps.
    places: std::collections::VecDeque<Place>,
}

impl Index {
    fn next(&self) -> u64 {
        self.first.saturating_add(self.places.len() as u64)
    }

    fn find(&self, number: u64) -> Option<(&Segment, Place)> {
        let place = usize::try_from(number.checked_sub(self.first)?)
            .ok()
            .and_then(|i| self.places.get(i))?;
        let after = self.segments.partition_point(|s| s.first <= number);
        Some((self.segments.get(after.checked_sub(1)?)?, *place))
    }
}

/// The one that appends.
#[derive(Debug)]
struct Writer {
    file: Option<File>,
    unsynced: Option<Header>,
    failed: bool,
}

/// A store of numbered frames. Shared by reference: one appends, many read.
#[derive(Debug)]
pub struct Segments {
    dir: PathBuf,
    options: Options,
    writer: Mutex<Writer>,
    index: RwLock<Index>,
    _lock: DirLock,
}

impl Segments {
    /// Opens the store in `dir`, creating it empty where it is missing; `first` is the number of the first frame of a
    /// new store.
    ///
    /// # Errors
    /// [`SegmentsError`]: locked, damaged, foreign or incomplete.
    pub fn open(dir: &Path, first: u64, options: Options) -> Result<(Self, Opened), SegmentsError> {
        let options = Options {
            segment_bytes: options.segment_bytes.clamp(64, MAX_SEGMENT_BYTES),
            ..options
        };
        create_dir(dir)?;
        let lock = DirLock::acquire(dir)?;
        let (index, opened) = scan::scan(dir, first, &options)?;
        let writer = Writer {
            file: None,
            unsynced: None,
            failed: false,
        };
        let store = Self {
            dir: dir.to_path_buf(),
            options,
            writer: Mutex::new(writer),
            index: RwLock::new(index),
            _lock: lock,
        };
        Ok((store, opened))
    }

    /// Writes frame `number`, its payload given in parts; not yet readable, not yet durable: [`Self::sync`] makes it so.
    ///
    /// # Errors
    /// [`SegmentsError::Order`], [`SegmentsError::TooLarge`]; or the disk's, after which the store takes no more.
    pub fn append(&self, number: u64, parts: &[&[u8]]) -> Result<(), SegmentsError> {
        let mut writer = self.writer()?;
        self.settle(&mut writer)?;
        let (next, segment) = {
            let index = self.index();
            (index.next(), index.segments.last().cloned())
        };
        if number != next {
            return Err(SegmentsError::Order {
                expected: next,
                got: number,
            });
        }
        let header = Header::of(number, parts).ok_or(SegmentsError::TooLarge { number })?;
        writer.failed = true; // until it is known that this went well
        let segment = match segment {
            Some(segment) if segment.bytes < self.options.segment_bytes => segment,
            Some(_) | None => {
                writer.file = None;
                self.roll(number)?
            }
        };
        if writer.file.is_none() {
            let file = OpenOptions::new().append(true).open(&segment.path);
            writer.file = Some(file.map_err(io_error(&segment.path, "open for appending"))?);
        }
        let mut bytes = Vec::with_capacity(HEADER_BYTES.saturating_add(header.length as usize));
        bytes.extend_from_slice(&header.encode(self.options.magic, segment.salt));
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        if let Some(file) = writer.file.as_mut() {
            file.write_all(&bytes).map_err(io_error(&segment.path, "append"))?;
        }
        writer.unsynced = Some(header);
        writer.failed = false;
        Ok(())
    }

    /// Makes what was appended durable and readable.
    ///
    /// # Errors
    /// The disk's, after which the store takes no more.
    pub fn sync(&self) -> Result<(), SegmentsError> {
        let mut writer = self.writer()?;
        self.settle(&mut writer)
    }

    /// [`Self::append`] and [`Self::sync`].
    ///
    /// # Errors
    /// As both.
    pub fn append_synced(&self, number: u64, parts: &[&[u8]]) -> Result<(), SegmentsError> {
        self.append(number, parts)?;
        self.sync()
    }

    /// The payload of a synced frame; `None` past the tip and before the first.
    ///
    /// # Errors
    /// [`SegmentsError::Damaged`] if it is not as it was written.
    pub fn read(&self, number: u64) -> Result<Option<Vec<u8>>, SegmentsError> {
        let found = self
            .index()
            .find(number)
            .map(|(segment, place)| (segment.clone(), place));
        let Some((segment, place)) = found else { return Ok(None) };
        let file = File::open(&segment.path).map_err(io_error(&segment.path, "open"))?;
        read_frame(&file, &segment, place, number, self.options.magic).map(Some)
    }

    /// The frames from `number` on, one in memory at a time, up to the tip as it is when the end is reached.
    pub fn iter_from(&self, number: u64) -> Frames<'_> {
        Frames {
            store: self,
            next: number.max(self.index().first),
            open: None,
        }
    }

    /// Number of the first frame, if there is any.
    pub fn first(&self) -> Option<u64> {
        let index = self.index();
        (!index.places.is_empty()).then_some(index.first)
    }

    /// Number of the last synced frame, if there is any.
    pub fn tip(&self) -> Option<u64> {
        let index = self.index();
        index
            .places
            .len()
            .checked_sub(1)
            .map(|last| index.first.saturating_add(last as u64))
    }

    /// The number that the next frame will have, once what was appended is synced.
    pub fn next(&self) -> u64 {
        self.index().next()
    }

    /// Bytes of all segment files.
    pub fn bytes(&self) -> u64 {
        self.index().segments.iter().map(|s| s.bytes).sum()
    }

    /// First numbers of the segments, in order.
    pub fn segment_starts(&self) -> Vec<u64> {
        self.index().segments.iter().map(|s| s.first).collect()
    }

    /// Deletes the segments that hold only frames below `number`; the last segment stays. Frames that are being read
    /// by an iterator are read to the end.
    ///
    /// # Errors
    /// The disk's.
    pub fn drop_segments_below(&self, number: u64) -> Result<(), SegmentsError> {
        let _writer = self.writer()?;
        loop {
            let oldest = {
                let index = self.index();
                match index.segments.as_slice() {
                    [oldest, next, ..] if next.first <= number => Some((oldest.path.clone(), next.first)),
                    [] | [_] | [_, _, ..] => None,
                }
            };
            let Some((path, first)) = oldest else { return Ok(()) };
            std::fs::remove_file(&path).map_err(io_error(&path, "delete"))?;
            sync_dir(&self.dir)?; // oldest first, each durably: a crash leaves no gap
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            index.segments.remove(0);
            let gone = usize::try_from(first.saturating_sub(index.first)).unwrap_or(usize::MAX);
            let gone = gone.min(index.places.len());
            index.places.drain(..gone);
            index.first = first;
        }
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>, SegmentsError> {
        // A panic inside an append leaves `failed` set: the guard is taken over, and refuses.
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.failed {
            return Err(SegmentsError::Failed { dir: self.dir.clone() });
        }
        Ok(writer)
    }

    fn index(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, writer: &mut Writer) -> Result<(), SegmentsError> {
        let (Some(header), Some(file)) = (writer.unsynced, writer.file.as_ref()) else {
            return Ok(());
        };
        writer.failed = true;
        file.sync_data().map_err(io_error(&self.dir, "sync"))?;
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = index.segments.last_mut() {
            // Segments end at 1 GiB and a frame: an offset always fits.
            let offset = u32::try_from(segment.bytes).unwrap_or(u32::MAX);
            segment.bytes = segment.bytes.saturating_add(header.frame_bytes());
            index.places.push_back(Place {
                offset,
                length: header.length,
            });
        }
        writer.unsynced = None;
        writer.failed = false;
        Ok(())
    }

    /// Creates the segment that starts with frame `first`, durably.
    fn roll(&self, first: u64) -> Result<Segment, SegmentsError> {
        let path = self.dir.join(segment_name(first));
        let salt: u64 = rand::random();
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(io_error(&path, "create"))?;
        file.write_all(&segment_header(salt))
            .and_then(|()| file.sync_all())
            .map_err(io_error(&path, "write"))?;
        sync_dir(&self.dir)?;
        let segment = Segment {
            first,
            salt,
            path,
            bytes: SEGMENT_HEADER_BYTES as u64,
        };
        self.index
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .segments
            .push(segment.clone());
        Ok(segment)
    }
}

/// Frames in order; see [`Segments::iter_from`].
#[derive(Debug)]
pub struct Frames<'a> {
    store: &'a Segments,
    next: u64,
    open: Option<(Segment, Arc<File>)>,
}

impl Frames<'_> {
    fn read(&mut self) -> Result<Option<(u64, Vec<u8>)>, SegmentsError> {
        let number = self.next;
        let found = self
            .store
            .index()
            .find(number)
            .map(|(segment, place)| (segment.clone(), place));
        let Some((segment, place)) = found else { return Ok(None) };
        let file = match &self.open {
            Some((opened, file)) if opened.first == segment.first => Arc::clone(file),
            Some(_) | None => {
                let file = Arc::new(File::open(&segment.path).map_err(io_error(&segment.path, "open"))?);
                self.open = Some((segment.clone(), Arc::clone(&file)));
                file
            }
        };
        let payload = read_frame(&file, &segment, place, number, self.store.options.magic)?;
        self.next = number.saturating_add(1);
        Ok(Some((number, payload)))
    }
}

impl Iterator for Frames<'_> {
    type Item = Result<(u64, Vec<u8>), SegmentsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn read_frame(
    file: &File,
    segment: &Segment,
    place: Place,
    number: u64,
    magic: [u8; 4],
) -> Result<Vec<u8>, SegmentsError> {
    let offset = u64::from(place.offset);
    let damaged = |what: &str| SegmentsError::Damaged {
        path: segment.path.clone(),
        offset,
        what: format!("frame {number} {what}"),
    };
    let mut header = [0; HEADER_BYTES];
    let payload_at = offset.saturating_add(HEADER_BYTES as u64);
    // The length was checked when the frame was written or its header read: at most 16 MiB.
    let mut payload = vec![0; place.length as usize];
    file.read_exact_at(&mut header, offset)
        .and_then(|()| file.read_exact_at(&mut payload, payload_at))
        .map_err(io_error(&segment.path, "read"))?;
    match Header::decode(&header, magic, segment.salt) {
        Some(header) if header.number == number && header.matches(&payload) => Ok(payload),
        Some(_) => Err(damaged("does not match its sum")),
        None => Err(damaged("has a bad header")),
    }
}

fn segment_name(first: u64) -> String {
    format!("{first:020}.seg")
}

fn segment_header(salt: u64) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    let [m0, m1, m2, m3] = SEGMENT_MAGIC;
    let [s0, s1, s2, s3, s4, s5, s6, s7] = salt.to_be_bytes();
    let body = [m0, m1, m2, m3, s0, s1, s2, s3, s4, s5, s6, s7];
    let (front, back) = header.split_at_mut(body.len());
    front.copy_from_slice(&body);
    back.copy_from_slice(&crc32c::crc32c(&body).to_be_bytes());
    header
}
