//! Opening a store: which segments there are, where their frames are, and whether the end is torn.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::frame::{HEADER_BYTES, Header, MAX_PAYLOAD_BYTES};
use super::{
    Check, Index, Opened, Options, Place, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, Segment, SegmentsError, segment_name,
};
use crate::durable::{LOCK_FILE, io_error, sync_dir};

/// Reads the directory into an index and cuts a torn tail.
pub(super) fn scan(dir: &Path, first: u64, options: &Options) -> Result<(Index, Opened), SegmentsError> {
    let files = segment_files(dir)?;
    let first = files.first().map_or(first, |(number, _)| *number);
    let mut index = Index {
        first,
        segments: Vec::new(),
        places: std::collections::VecDeque::new(),
    };
    let mut opened = Opened::default();
    for (i, (number, path)) in files.iter().enumerate() {
        let expected = index.next();
        if *number != expected {
            return Err(SegmentsError::Gap {
                path: path.clone(),
                expected,
                found: *number,
            });
        }
        let last = i.saturating_add(1) == files.len();
        let mut reader = SegmentReader::new(path, options)?;
        let check = last || options.check == Check::Everything;
        let end = match reader.header(last)? {
            Some(salt) => {
                let tail = reader.frames(&mut index, salt, check)?;
                index.segments.push(Segment {
                    first: *number,
                    salt,
                    path: path.clone(),
                    bytes: reader.offset,
                });
                tail
            }
            None => End::Torn,
        };
        match end {
            End::Clean => {}
            End::Torn if last => {
                opened.cut_bytes = reader.cut(dir)?;
                opened.cut_file = Some(path.clone());
            }
            End::Torn => return Err(reader.damaged("a bad frame, and later segments follow")),
        }
    }
    opened.segments = index.segments.len();
    opened.bytes = index.segments.iter().map(|s| s.bytes).sum();
    if let Some(before_last) = index.places.len().checked_sub(1) {
        opened.first = Some(index.first);
        opened.tip = Some(index.first.saturating_add(before_last as u64));
    }
    Ok((index, opened))
}

/// The segment files in order of their numbers; anything else in the directory is foreign.
fn segment_files(dir: &Path) -> Result<Vec<(u64, PathBuf)>, SegmentsError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io_error(dir, "list the directory"))? {
        let path = entry.map_err(io_error(dir, "list the directory"))?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if name == LOCK_FILE {
            continue;
        }
        let number = name.strip_suffix(".seg").and_then(|digits| digits.parse::<u64>().ok());
        match number.filter(|n| segment_name(*n) == name && path.is_file()) {
            Some(number) => files.push((number, path)),
            None => return Err(SegmentsError::Foreign { path }),
        }
    }
    files.sort_unstable();
    Ok(files)
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Clean,
    /// At `offset` begins what is no whole, good frame, and nothing good follows it.
    Torn,
}

struct SegmentReader<'a> {
    path: &'a Path,
    file: File,
    len: u64,
    /// End of what is good so far.
    offset: u64,
    options: &'a Options,
    /// Reused for every payload that is checked.
    payload: Vec<u8>,
}

impl<'a> SegmentReader<'a> {
    fn new(path: &'a Path, options: &'a Options) -> Result<Self, SegmentsError> {
        let file = File::open(path).map_err(io_error(path, "open"))?;
        let len = file.metadata().map_err(io_error(path, "inspect"))?.len();
        Ok(Self {
            path,
            file,
            len,
            offset: 0,
            options,
            payload: Vec::new(),
        })
    }

    fn damaged(&self, what: &str) -> SegmentsError {
        SegmentsError::Damaged {
            path: self.path.to_path_buf(),
            offset: self.offset,
            what: what.to_owned(),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), SegmentsError> {
        Ok(self
            .file
            .read_exact_at(buffer, offset)
            .map_err(io_error(self.path, "read"))?)
    }

    /// The segment's salt. `None` for a last segment that was being created when the power went: its header is
    /// synced before the first frame is written, so it cannot have held any.
    fn header(&mut self, last: bool) -> Result<Option<u64>, SegmentsError> {
        let mut header = [0; SEGMENT_HEADER_BYTES];
        if self.len >= SEGMENT_HEADER_BYTES as u64 {
            self.read_at(&mut header, 0)?;
            let (body, sum) = header.split_at(SEGMENT_HEADER_BYTES - 4);
            let salt = body.strip_prefix(&SEGMENT_MAGIC).and_then(|s| s.first_chunk::<8>());
            if let Some(salt) = salt.filter(|_| crc32c::crc32c(body).to_be_bytes() == *sum) {
                self.offset = SEGMENT_HEADER_BYTES as u64;
                return Ok(Some(u64::from_be_bytes(*salt)));
            }
        }
        if last && self.len <= SEGMENT_HEADER_BYTES as u64 {
            return Ok(None);
        }
        Err(self.damaged("the segment's header is bad"))
    }

    /// Takes up the frames; leaves `offset` at the end of the last good one.
    fn frames(&mut self, index: &mut Index, salt: u64, check: bool) -> Result<End, SegmentsError> {
        while self.offset < self.len {
            let expected = index.next();
            let Some(header) = self.frame_header(self.offset, salt)? else {
                return self.torn_or_damaged(salt, expected);
            };
            if header.number != expected {
                return Err(self.damaged(&format!("frame {} where {expected} must be", header.number)));
            }
            let end = self.offset.saturating_add(header.frame_bytes());
            if end > self.len {
                return Ok(End::Torn);
            }
            if check && !self.payload_is_good(&header)? {
                // At most one frame is ever unsynced: whatever has bytes after it was synced.
                if end < self.len {
                    return Err(self.damaged(&format!("frame {expected} does not match its sum")));
                }
                return Ok(End::Torn);
            }
            let Ok(offset) = u32::try_from(self.offset) else {
                return Err(self.damaged("the segment is over 4 GiB"));
            };
            index.places.push_back(Place {
                offset,
                length: header.length,
            });
            self.offset = end;
        }
        Ok(End::Clean)
    }

    fn frame_header(&self, offset: u64, salt: u64) -> Result<Option<Header>, SegmentsError> {
        if offset.saturating_add(HEADER_BYTES as u64) > self.len {
            return Ok(None);
        }
        let mut bytes = [0; HEADER_BYTES];
        self.read_at(&mut bytes, offset)?;
        Ok(Header::decode(&bytes, self.options.magic, salt))
    }

    fn payload_is_good(&mut self, header: &Header) -> Result<bool, SegmentsError> {
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(header.length as usize, 0);
        self.read_at(&mut payload, self.offset.saturating_add(HEADER_BYTES as u64))?;
        let good = header.matches(&payload);
        self.payload = payload;
        Ok(good)
    }

    /// A bad header at `offset`: torn if no frame of this segment follows, else damage in the middle.
    fn torn_or_damaged(&mut self, salt: u64, expected: u64) -> Result<End, SegmentsError> {
        let rest = self.len.saturating_sub(self.offset);
        if rest > (HEADER_BYTES + MAX_PAYLOAD_BYTES) as u64 {
            return Err(self.damaged(&format!(
                "frame {expected} has a bad header, and more than one frame follows"
            )));
        }
        let mut tail = vec![0; usize::try_from(rest).unwrap_or_default()];
        self.read_at(&mut tail, self.offset)?;
        let followed = tail.windows(HEADER_BYTES).any(|window| {
            window.starts_with(&self.options.magic)
                && window
                    .first_chunk()
                    .is_some_and(|h| Header::decode(h, self.options.magic, salt).is_some())
        });
        if followed {
            return Err(self.damaged(&format!("frame {expected} has a bad header, and good frames follow")));
        }
        Ok(End::Torn)
    }

    /// Cuts the file at `offset` (or deletes it where not even its header is whole); the bytes cut off.
    fn cut(&self, dir: &Path) -> Result<u64, SegmentsError> {
        if self.offset == 0 {
            std::fs::remove_file(self.path).map_err(io_error(self.path, "delete"))?;
            sync_dir(dir)?;
        } else {
            let file = OpenOptions::new()
                .write(true)
                .open(self.path)
                .map_err(io_error(self.path, "open"))?;
            file.set_len(self.offset)
                .and_then(|()| file.sync_all())
                .map_err(io_error(self.path, "cut"))?;
        }
        Ok(self.len.saturating_sub(self.offset))
    }
}
