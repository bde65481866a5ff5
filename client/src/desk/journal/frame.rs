//! Frames: u32be length, SHA-256 of the body, body.

use concord_spec::digest::sha256;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Most bytes of a body: 4,096 credentials of 16 KiB, and their record.
pub(super) const MAX_FRAME: usize = 80 << 20;
const LENGTH_BYTES: u64 = 4;
const DIGEST_BYTES: u64 = 32;

/// The frame of a body.
pub(super) fn frame(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), sha256(&[body]).as_bytes().as_slice(), body].concat()
}

/// The frames of a file.
pub(super) struct Frames<'a> {
    input: BufReader<&'a File>,
    position: u64,
    length: u64,
}

impl<'a> Frames<'a> {
    pub(super) fn of(file: &'a File) -> io::Result<Self> {
        Self::from(file, 0)
    }

    /// The frames from a position on at which one begins.
    pub(super) fn from(file: &'a File, position: u64) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let mut input = BufReader::new(file);
        input.seek(SeekFrom::Start(position))?;
        Ok(Self {
            input,
            position,
            length,
        })
    }

    /// Where the next frame begins.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next body; `None` at the end, also where the end cuts a frame off.
    pub(super) fn next_body(&mut self) -> Result<Option<Vec<u8>>, String> {
        let left = self.length.saturating_sub(self.position);
        if left < LENGTH_BYTES + DIGEST_BYTES {
            return Ok(None);
        }
        let (mut length, mut digest) = ([0; 4], [0; 32]);
        let read = self
            .input
            .read_exact(&mut length)
            .and_then(|()| self.input.read_exact(&mut digest));
        read.map_err(|error| error.to_string())?;
        let size = u32::from_be_bytes(length);
        let whole = LENGTH_BYTES + DIGEST_BYTES + u64::from(size);
        if usize::try_from(size).map_or(true, |size| size > MAX_FRAME) {
            return Err(format!("a frame of {size} bytes"));
        }
        if left < whole {
            return Ok(None);
        }
        let mut body = vec![0; usize::try_from(size).unwrap_or_default()];
        self.input.read_exact(&mut body).map_err(|error| error.to_string())?;
        if sha256(&[&body]).0 != digest {
            // A tail that was being written when the power failed can have its length but not all of its bytes.
            return if left == whole {
                Ok(None)
            } else {
                Err("its sum does not match".to_owned())
            };
        }
        self.position += whole;
        Ok(Some(body))
    }
}
