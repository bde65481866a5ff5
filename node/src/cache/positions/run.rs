//! A run: positions sorted by id, in one file that never changes.
//!
//! ```text
//! 0   4  magic `CRUN`
//! 4   8  first height covered     (integers are big-endian)
//! 12  8  last height covered
//! 20  8  number of positions
//! 28  4  CRC-32C of the positions
//! 32  4  CRC-32C of the 32 bytes above
//! 36     positions, 28 bytes each: the id's first 16 bytes, height (8), index (4)
//! ```
//! Named `<first height>-<last height>.run`, 20 digits each; `.new` while it is written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Key, Position, PositionsError};
use crate::durable::{io_error, sync_dir};

/// Bytes of an id that are compared: 128 bits.
pub(super) const KEY_BYTES: usize = 16;
const ENTRY_BYTES: usize = KEY_BYTES + 8 + 4;
const HEADER_BYTES: usize = 36;
const MAGIC: [u8; 4] = *b"CRUN";

/// An open run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) path: PathBuf,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) count: u64,
    sum: u32,
    file: File,
}

impl Run {
    fn open(path: &Path) -> Result<Option<Self>, PositionsError> {
        let file = File::open(path).map_err(io_error(path, "open"))?;
        let len = file.metadata().map_err(io_error(path, "inspect"))?.len();
        let mut header = [0; HEADER_BYTES];
        if len < HEADER_BYTES as u64 {
            return Ok(None);
        }
        file.read_exact_at(&mut header, 0).map_err(io_error(path, "read"))?;
        let Some((from, to, count, sum)) = decode_header(&header) else {
            return Ok(None);
        };
        let run = Self {
            path: path.to_path_buf(),
            from,
            to,
            count,
            sum,
            file,
        };
        Ok((run.bytes() == len).then_some(run))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.count
            .saturating_mul(ENTRY_BYTES as u64)
            .saturating_add(HEADER_BYTES as u64)
    }

    fn entry(&self, number: u64) -> Result<(Key, Position), PositionsError> {
        let mut bytes = [0; ENTRY_BYTES];
        let offset = number
            .saturating_mul(ENTRY_BYTES as u64)
            .saturating_add(HEADER_BYTES as u64);
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(io_error(&self.path, "read"))?;
        decode_entry(&bytes).ok_or_else(|| self.damaged())
    }

    /// Binary search: some 20 reads of a page that is in memory when it is wanted often.
    pub(super) fn find(&self, key: &Key) -> Result<Option<Position>, PositionsError> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            let (found, position) = self.entry(middle)?;
            match found.cmp(key) {
                std::cmp::Ordering::Equal => return Ok(Some(position)),
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    fn damaged(&self) -> PositionsError {
        PositionsError::Damaged {
            path: self.path.clone(),
        }
    }
}

/// Opens the runs of a directory: in order, without gaps from height 1 on. What is left over is deleted.
pub(super) fn open_all(dir: &Path) -> Result<Vec<Run>, PositionsError> {
    let mut found = Vec::new();
    let mut leftover = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io_error(dir, "list the directory"))? {
        let path = entry.map_err(io_error(dir, "list the directory"))?.path();
        match path.extension().and_then(|e| e.to_str()) {
            Some("run") => match Run::open(&path)? {
                Some(run) => found.push(run),
                None => leftover.push(path),
            },
            Some(_) | None => leftover.push(path),
        }
    }
    // Of runs that begin at one height the longest is the merged one; the others were not deleted in time.
    found.sort_by_key(|run| (run.from, std::cmp::Reverse(run.to)));
    let mut runs: Vec<Run> = Vec::new();
    for run in found {
        let next = runs.last().map_or(1, |last| last.to.saturating_add(1));
        if run.from == next && run.to >= run.from {
            runs.push(run);
        } else {
            leftover.push(run.path);
        }
    }
    for path in leftover {
        tracing::warn!(
            "{}: not a whole run of positions, deleted; it is made again from the log",
            path.display()
        );
        std::fs::remove_file(&path).map_err(io_error(&path, "delete"))?;
    }
    Ok(runs)
}

/// Writes a run.
pub(super) fn write(
    dir: &Path,
    from: u64,
    to: u64,
    positions: &BTreeMap<Key, Position>,
) -> Result<Run, PositionsError> {
    let mut out = Output::create(dir, from, to)?;
    for (key, position) in positions {
        out.push(key, *position)?;
    }
    out.finish(dir)
}

/// One run of several neighbours, read side by side in bounded memory.
pub(super) fn merge(dir: &Path, runs: &[Arc<Run>]) -> Result<Run, PositionsError> {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        return Err(PositionsError::Damaged {
            path: dir.to_path_buf(),
        });
    };
    let mut inputs = runs.iter().map(|run| Input::open(run)).collect::<Result<Vec<_>, _>>()?;
    let mut out = Output::create(dir, first.from, last.to)?;
    loop {
        let least = inputs.iter().filter_map(|i| i.head.map(|(key, _)| key)).min();
        let Some(least) = least else { break };
        for input in &mut inputs {
            if let Some((key, position)) = input.head.filter(|(key, _)| *key == least) {
                out.push(&key, position)?;
                input.advance()?;
            }
        }
    }
    for input in &inputs {
        input.check()?;
    }
    out.finish(dir)
}

struct Input<'a> {
    run: &'a Run,
    reader: BufReader<File>,
    left: u64,
    sum: u32,
    head: Option<(Key, Position)>,
}

impl<'a> Input<'a> {
    fn open(run: &'a Run) -> Result<Self, PositionsError> {
        let file = File::open(&run.path).map_err(io_error(&run.path, "open"))?;
        let mut reader = BufReader::with_capacity(64 << 10, file);
        let mut header = [0; HEADER_BYTES];
        reader.read_exact(&mut header).map_err(io_error(&run.path, "read"))?;
        let mut input = Self {
            run,
            reader,
            left: run.count,
            sum: 0,
            head: None,
        };
        input.advance()?;
        Ok(input)
    }

    fn advance(&mut self) -> Result<(), PositionsError> {
        self.head = None;
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            let mut bytes = [0; ENTRY_BYTES];
            self.reader
                .read_exact(&mut bytes)
                .map_err(io_error(&self.run.path, "read"))?;
            self.sum = crc32c::crc32c_append(self.sum, &bytes);
            self.head = Some(decode_entry(&bytes).ok_or_else(|| self.run.damaged())?);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), PositionsError> {
        if self.sum == self.run.sum {
            Ok(())
        } else {
            Err(self.run.damaged())
        }
    }
}

struct Output {
    fresh: PathBuf,
    path: PathBuf,
    from: u64,
    to: u64,
    count: u64,
    sum: u32,
    writer: BufWriter<File>,
}

impl Output {
    fn create(dir: &Path, from: u64, to: u64) -> Result<Self, PositionsError> {
        let path = dir.join(format!("{from:020}-{to:020}.run"));
        let fresh = path.with_extension("new");
        let file = File::create(&fresh).map_err(io_error(&fresh, "create"))?;
        let mut writer = BufWriter::with_capacity(64 << 10, file);
        writer
            .write_all(&[0; HEADER_BYTES])
            .map_err(io_error(&fresh, "write"))?;
        Ok(Self {
            fresh,
            path,
            from,
            to,
            count: 0,
            sum: 0,
            writer,
        })
    }

    fn push(&mut self, key: &Key, position: Position) -> Result<(), PositionsError> {
        let bytes = encode_entry(key, position);
        self.count = self.count.saturating_add(1);
        self.sum = crc32c::crc32c_append(self.sum, &bytes);
        Ok(self.writer.write_all(&bytes).map_err(io_error(&self.fresh, "write"))?)
    }

    fn finish(self, dir: &Path) -> Result<Run, PositionsError> {
        let Self {
            fresh,
            path,
            from,
            to,
            count,
            sum,
            writer,
        } = self;
        let file = writer
            .into_inner()
            .map_err(|e| io_error(&fresh, "write")(e.into_error()))?;
        file.write_all_at(&encode_header(from, to, count, sum), 0)
            .and_then(|()| file.sync_all())
            .map_err(io_error(&fresh, "write"))?;
        std::fs::rename(&fresh, &path).map_err(io_error(&path, "rename"))?;
        sync_dir(dir)?;
        Run::open(&path)?.ok_or(PositionsError::Damaged { path })
    }
}

fn encode_entry(key: &Key, position: Position) -> Vec<u8> {
    [&key[..], &position.height.to_be_bytes(), &position.index.to_be_bytes()].concat()
}

fn decode_entry(bytes: &[u8; ENTRY_BYTES]) -> Option<(Key, Position)> {
    let (key, rest) = bytes.split_first_chunk::<KEY_BYTES>()?;
    let (height, rest) = rest.split_first_chunk::<8>()?;
    let index = rest.first_chunk::<4>()?;
    Some((
        *key,
        Position {
            height: u64::from_be_bytes(*height),
            index: u32::from_be_bytes(*index),
        },
    ))
}

fn encode_header(from: u64, to: u64, count: u64, sum: u32) -> Vec<u8> {
    let body = [
        &MAGIC[..],
        &from.to_be_bytes(),
        &to.to_be_bytes(),
        &count.to_be_bytes(),
        &sum.to_be_bytes(),
    ]
    .concat();
    let own = crc32c::crc32c(&body).to_be_bytes();
    [&body[..], &own].concat()
}

fn decode_header(bytes: &[u8; HEADER_BYTES]) -> Option<(u64, u64, u64, u32)> {
    let (body, own) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(body).to_be_bytes() != *own {
        return None;
    }
    let rest = body.strip_prefix(&MAGIC)?;
    let (from, rest) = rest.split_first_chunk::<8>()?;
    let (to, rest) = rest.split_first_chunk::<8>()?;
    let (count, rest) = rest.split_first_chunk::<8>()?;
    let sum = rest.first_chunk::<4>()?;
    let number = |bytes: &[u8; 8]| u64::from_be_bytes(*bytes);
    Some((number(from), number(to), number(count), u32::from_be_bytes(*sum)))
}
