//! Writing deterministic CBOR into memory, which cannot fail.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::Error;

use super::Wire;

/// Appends data items to a buffer, each in its shortest form. The caller keeps promised lengths and the order of map keys;
/// [`super::from_slice`] refuses what does not.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
}

impl Writer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes written.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.buffer
    }

    /// Begins an array of `len` items, which follow.
    pub fn array(&mut self, len: usize) {
        let len = length(len);
        self.put(|e| e.array(len).map(drop));
    }

    /// Begins a map of `len` pairs, which follow: key, value, keys in ascending order of their encoded bytes.
    pub fn map(&mut self, len: usize) {
        let len = length(len);
        self.put(|e| e.map(len).map(drop));
    }

    /// An unsigned number.
    pub fn uint(&mut self, value: u64) {
        self.put(|e| e.u64(value).map(drop));
    }

    /// A signed number.
    pub fn int(&mut self, value: i64) {
        self.put(|e| e.i64(value).map(drop));
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) {
        self.put(|e| e.bytes(value).map(drop));
    }

    /// A text string.
    pub fn text(&mut self, value: &str) {
        self.put(|e| e.str(value).map(drop));
    }

    /// true or false.
    pub fn bool(&mut self, value: bool) {
        self.put(|e| e.bool(value).map(drop));
    }

    /// null.
    pub fn null(&mut self) {
        self.put(|e| e.null().map(drop));
    }

    /// One data item that is encoded already.
    pub fn raw(&mut self, item: &[u8]) {
        self.buffer.extend_from_slice(item);
    }

    /// A value of a type that knows its encoding.
    pub fn wire<T: Wire>(&mut self, value: &T) {
        value.encode(self);
    }

    fn put(&mut self, write: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> Result<(), Error<Infallible>>) {
        let written = write(&mut Encoder::new(&mut self.buffer));
        // Its only failures are a failing sink, and this one is a `Vec`, and user-defined encoders, which are not used.
        debug_assert!(written.is_ok(), "writing to memory failed");
    }
}

/// A length in memory as CBOR carries it; no target has more than 64 bits.
fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
