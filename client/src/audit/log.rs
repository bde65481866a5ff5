//! Reading a copy of a node's log (spec/text/log.md): every sum checked, every number in its place, nothing repaired.
//!
//! Not here: what an entry holds (`source`). The node's own reader cuts a torn tail off; this one never writes, and takes for torn
//! only what ends before it says it does.

use super::AuditError;
use crate::files::FileError;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

const SEGMENT_MAGIC: [u8; 4] = *b"CSEG";
const FRAME_MAGIC: [u8; 4] = *b"CLOG";
const SEGMENT_HEADER: usize = 16;
const FRAME_HEADER: usize = 24;
/// Most bytes of a payload (spec/text/log.md, 2).
const MAX_PAYLOAD: usize = 16 << 20;
/// Beside the segments: the node's lock.
const LOCK: &str = "lock";
const READ_AHEAD: usize = 1 << 20;

/// What is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// The frame that cannot be read.
    pub(super) height: u64,
    /// Whether a segment is missing, rather than damaged.
    pub(super) missing: bool,
    /// File and byte.
    pub(super) place: String,
    pub(super) expected: String,
    pub(super) found: String,
}

/// The next of a log.
#[derive(Debug)]
pub(super) enum Next {
    /// The entry of a height.
    Entry(u64, Vec<u8>),
    /// No more; so many bytes of an entry that was not finished follow the last.
    End { torn: u64 },
    /// Something is wrong here.
    Damaged(Damage),
}

/// Reads entries in order of height.
#[derive(Debug)]
pub(super) struct Log {
    /// First heights and files, ascending; those still to be read.
    segments: std::vec::IntoIter<(u64, PathBuf)>,
    open: Option<Segment>,
    next: u64,
    /// What was met while reading up to where it begins.
    met: Option<Next>,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    reader: BufReader<File>,
    salt: [u8; 8],
    at: u64,
    bytes: u64,
}

struct Header {
    number: u64,
    length: usize,
    payload_sum: u32,
}

impl Log {
    /// The log in `dir`, or in `dir/log` where there is one, read from a height on: what stands before it in its segment is read
    /// over, segments before that are not opened.
    pub(super) fn open(dir: &Path, from: u64) -> Result<Self, AuditError> {
        let inner = dir.join("log");
        let dir = if inner.is_dir() { inner } else { dir.to_owned() };
        let mut segments = segments(&dir)?;
        if segments.is_empty() {
            return Err(AuditError::NoLog(dir));
        }
        let before = segments.partition_point(|(first, _)| *first <= from);
        segments.drain(..before.saturating_sub(1));
        // A log begins at height 1; a later one is found missing when it is asked for.
        let next = segments.first().map_or(1, |(first, _)| *first).min(from);
        let mut log = Self {
            segments: segments.into_iter(),
            open: None,
            next,
            met: None,
        };
        while log.next < from && log.met.is_none() {
            log.met = match log.step()? {
                Next::Entry(..) => None,
                other @ (Next::End { .. } | Next::Damaged(_)) => Some(other),
            };
        }
        Ok(log)
    }

    /// The next entry. Nothing is to be asked for after an end or a damage.
    pub(super) fn step(&mut self) -> Result<Next, AuditError> {
        if let Some(met) = self.met.take() {
            return Ok(met);
        }
        loop {
            if let Some(segment) = &mut self.open {
                if segment.at < segment.bytes {
                    let last = self.segments.len() == 0;
                    return segment.frame(&mut self.next, last);
                }
                self.open = None;
            }
            let Some((first, path)) = self.segments.next() else {
                return Ok(Next::End { torn: 0 });
            };
            if first != self.next {
                return Ok(Next::Damaged(Damage {
                    height: self.next,
                    missing: true,
                    place: path.display().to_string(),
                    expected: format!("a segment that begins with block {}", self.next),
                    found: format!("one that begins with block {first}"),
                }));
            }
            match Segment::open(path, first, self.segments.len() == 0)? {
                Opened::Segment(segment) => self.open = Some(segment),
                Opened::Torn(torn) => return Ok(Next::End { torn }),
                Opened::Damaged(damage) => return Ok(Next::Damaged(damage)),
            }
        }
    }
}

enum Opened {
    Segment(Segment),
    Torn(u64),
    Damaged(Damage),
}

impl Segment {
    fn open(path: PathBuf, first: u64, last: bool) -> Result<Opened, AuditError> {
        let file = File::open(&path).map_err(FileError::system(&path))?;
        let bytes = file.metadata().map_err(FileError::system(&path))?.len();
        let mut segment = Self {
            reader: BufReader::with_capacity(READ_AHEAD, file),
            path,
            salt: [0; 8],
            at: 0,
            bytes,
        };
        let header_bytes = SEGMENT_HEADER as u64;
        if bytes < header_bytes {
            // A segment that was being made when the node ended holds nothing yet.
            return Ok(if last {
                Opened::Torn(bytes)
            } else {
                Opened::Damaged(segment.damaged(first, "16 bytes of header", &format!("{bytes} bytes")))
            });
        }
        let header: [u8; SEGMENT_HEADER] = segment.take()?;
        let (body, sum) = header.split_at(SEGMENT_HEADER - 4);
        let salt = body
            .strip_prefix(&SEGMENT_MAGIC)
            .and_then(|salt| salt.first_chunk::<8>());
        match salt {
            Some(salt) if crc32c::crc32c(body).to_be_bytes() == *sum => {
                segment.salt = *salt;
                segment.at = header_bytes;
                Ok(Opened::Segment(segment))
            }
            Some(_) | None => Ok(Opened::Damaged(segment.damaged(
                first,
                "a segment's header that fits its sum",
                "one that does not",
            ))),
        }
    }

    /// Reads the frame that must be the `next`-th, and counts on.
    fn frame(&mut self, next: &mut u64, last: bool) -> Result<Next, AuditError> {
        let number = *next;
        let left = self.bytes.saturating_sub(self.at);
        if left < FRAME_HEADER as u64 {
            return Ok(self.cut_off(number, left, FRAME_HEADER as u64, last));
        }
        let bytes: [u8; FRAME_HEADER] = self.take()?;
        let Some(header) = self.header(&bytes) else {
            let damage = self.damaged(number, "a frame's header that fits its sum", "one that does not");
            return Ok(Next::Damaged(damage));
        };
        if header.number != number {
            let damage = self.damaged(number, &format!("frame {number}"), &format!("frame {}", header.number));
            return Ok(Next::Damaged(damage));
        }
        if header.length > MAX_PAYLOAD {
            let most = format!("at most {MAX_PAYLOAD} bytes");
            let damage = self.damaged(number, &most, &header.length.to_string());
            return Ok(Next::Damaged(damage));
        }
        let frame_bytes = (FRAME_HEADER as u64).saturating_add(header.length as u64);
        if frame_bytes > left {
            return Ok(self.cut_off(number, left, frame_bytes, last));
        }
        let mut payload = vec![0; header.length];
        let read = self.reader.read_exact(&mut payload);
        read.map_err(FileError::system(&self.path))?;
        let sum = crc32c::crc32c(&payload);
        if sum != header.payload_sum {
            let expected = format!("a payload of sum {:08x}", header.payload_sum);
            let damage = self.damaged(number, &expected, &format!("{sum:08x}"));
            return Ok(Next::Damaged(damage));
        }
        self.at = self.at.saturating_add(frame_bytes);
        *next = number.saturating_add(1);
        Ok(Next::Entry(number, payload))
    }

    /// A frame that ends before it should: at the very end of a log one that was not finished, elsewhere damage.
    fn cut_off(&self, number: u64, left: u64, needed: u64, last: bool) -> Next {
        if last {
            return Next::End { torn: left };
        }
        Next::Damaged(self.damaged(number, &format!("a frame of {needed} bytes"), &format!("{left} bytes")))
    }

    fn header(&self, bytes: &[u8; FRAME_HEADER]) -> Option<Header> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        let salted = crc32c::crc32c_append(crc32c::crc32c(&self.salt), body);
        let rest = body
            .strip_prefix(&FRAME_MAGIC)
            .filter(|_| salted.to_be_bytes() == *sum)?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let payload_sum = rest.first_chunk::<4>()?;
        Some(Header {
            number: u64::from_be_bytes(*number),
            length: usize::try_from(u32::from_be_bytes(*length)).ok()?,
            payload_sum: u32::from_be_bytes(*payload_sum),
        })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], AuditError> {
        let mut bytes = [0; N];
        let read = self.reader.read_exact(&mut bytes);
        read.map_err(FileError::system(&self.path))?;
        Ok(bytes)
    }

    fn damaged(&self, height: u64, expected: &str, found: &str) -> Damage {
        Damage {
            height,
            missing: false,
            place: format!("{}, at byte {}", self.path.display(), self.at),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }
}

/// The segments of a directory by their first heights.
fn segments(dir: &Path) -> Result<Vec<(u64, PathBuf)>, AuditError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(FileError::system(dir))? {
        let path = entry.map_err(FileError::system(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name == LOCK {
            continue;
        }
        let first = name.strip_suffix(".seg").and_then(|digits| digits.parse::<u64>().ok());
        match first.filter(|first| format!("{first:020}.seg") == name && path.is_file()) {
            Some(first) => found.push((first, path)),
            None => return Err(AuditError::Foreign(path)),
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_read() {
        let text = include_str!("../../../spec/text/log.md");
        let example = text.split("## 4. Example").nth(1).unwrap();
        let digits: String = example.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(format!("{:020}.seg", 1));
        std::fs::write(&path, hex::decode(digits).unwrap()).unwrap();
        let mut log = Log::open(dir.path(), 1).unwrap();
        for (height, payload) in [(1, b"one"), (2, b"two")] {
            let Next::Entry(number, bytes) = log.step().unwrap() else {
                panic!("frame {height}")
            };
            assert_eq!((number, bytes.as_slice()), (height, payload.as_slice()));
        }
        assert!(matches!(log.step().unwrap(), Next::End { torn: 0 }));
    }

    #[test]
    fn a_file_that_is_no_segment_is_not_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("1.seg"), b"").unwrap();
        assert!(matches!(Log::open(dir.path(), 1), Err(AuditError::Foreign(_))));
        std::fs::remove_file(dir.path().join("1.seg")).unwrap();
        std::fs::write(dir.path().join(LOCK), b"").unwrap();
        assert!(matches!(Log::open(dir.path(), 1), Err(AuditError::NoLog(_))));
    }
}
