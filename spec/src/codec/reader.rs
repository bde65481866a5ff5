//! Reading CBOR item by item, every length bounded before anything is taken.

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

use super::{CodecError, Wire, decode_list};

/// A position in bytes being decoded. It has no way to skip an item: whatever is there must be understood.
#[derive(Debug)]
pub struct Reader<'a> {
    decoder: Decoder<'a>,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte. Use [`super::from_slice`] for input from outside, which also checks that it is canonical.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            decoder: Decoder::new(bytes),
        }
    }

    /// An array of exactly `expected` items.
    ///
    /// # Errors
    /// Not an array of definite length, or of another length.
    pub fn array(&mut self, expected: usize) -> Result<(), CodecError> {
        let found = self.array_head()?;
        if u64::try_from(expected) == Ok(found) {
            Ok(())
        } else {
            Err(CodecError::WrongLength { expected, found })
        }
    }

    /// An array that starts with a version, `expected` items together with it. The version is judged before the length,
    /// since another version may well have another length.
    ///
    /// # Errors
    /// As [`Self::array`] and [`Self::version`].
    pub fn versioned_array(&mut self, expected: usize, version: u64, what: &'static str) -> Result<(), CodecError> {
        let found = self.array_head()?;
        self.version(version, what)?;
        if u64::try_from(expected) == Ok(found) {
            Ok(())
        } else {
            Err(CodecError::WrongLength { expected, found })
        }
    }

    /// An array of at most `max` items; returns how many.
    ///
    /// # Errors
    /// Not an array of definite length, or longer than `max`.
    pub fn array_len(&mut self, max: usize) -> Result<usize, CodecError> {
        let found = self.array_head()?;
        bounded(found, max)
    }

    /// A map of at most `max` pairs; returns how many.
    ///
    /// # Errors
    /// Not a map of definite length, or larger than `max`.
    pub fn map_len(&mut self, max: usize) -> Result<usize, CodecError> {
        let at = self.position();
        let found = self.decoder.map().map_err(|e| refuse(&e, "a map", at))?;
        bounded(found.ok_or(CodecError::NotCanonical { at })?, max)
    }

    /// An unsigned number.
    ///
    /// # Errors
    /// Anything else.
    pub fn uint(&mut self) -> Result<u64, CodecError> {
        let at = self.position();
        self.decoder.u64().map_err(|e| refuse(&e, "an unsigned number", at))
    }

    /// A signed number.
    ///
    /// # Errors
    /// Anything else, also a number outside the 64-bit signed range.
    pub fn int(&mut self) -> Result<i64, CodecError> {
        let at = self.position();
        self.decoder.i64().map_err(|e| refuse(&e, "a signed number", at))
    }

    /// A byte string of at most `max` bytes.
    ///
    /// # Errors
    /// Anything else.
    pub fn bytes(&mut self, max: usize) -> Result<&'a [u8], CodecError> {
        let at = self.position();
        let bytes = self.decoder.bytes().map_err(|e| refuse(&e, "a byte string", at))?;
        bounded(u64::try_from(bytes.len()).unwrap_or(u64::MAX), max)?;
        Ok(bytes)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// Anything else.
    pub fn byte_array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let at = self.position();
        let bytes = self.decoder.bytes().map_err(|e| refuse(&e, "a byte string", at))?;
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        bytes
            .try_into()
            .map_err(|_| CodecError::WrongLength { expected: N, found })
    }

    /// A text string of at most `max` bytes of UTF-8.
    ///
    /// # Errors
    /// Anything else.
    pub fn text(&mut self, max: usize) -> Result<&'a str, CodecError> {
        let at = self.position();
        let text = self.decoder.str().map_err(|e| refuse(&e, "a text string", at))?;
        bounded(u64::try_from(text.len()).unwrap_or(u64::MAX), max)?;
        Ok(text)
    }

    /// true or false.
    ///
    /// # Errors
    /// Anything else.
    pub fn bool(&mut self) -> Result<bool, CodecError> {
        let at = self.position();
        self.decoder.bool().map_err(|e| refuse(&e, "true or false", at))
    }

    /// null.
    ///
    /// # Errors
    /// Anything else.
    pub fn null(&mut self) -> Result<(), CodecError> {
        let at = self.position();
        self.decoder.null().map_err(|e| refuse(&e, "null", at))
    }

    /// Whether null comes next. Reads nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.decoder.datatype(), Ok(Type::Null))
    }

    /// Reads null if it comes next, and says whether it did.
    pub fn take_null(&mut self) -> bool {
        self.is_null() && self.decoder.null().is_ok()
    }

    /// Whether a byte string comes next (else, where both are allowed, it must be something else). Reads nothing.
    #[must_use]
    pub fn is_bytes(&self) -> bool {
        matches!(self.decoder.datatype(), Ok(Type::Bytes))
    }

    /// Whether a text string comes next. Reads nothing.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.decoder.datatype(), Ok(Type::String))
    }

    /// Whether an array comes next. Reads nothing.
    #[must_use]
    pub fn is_array(&self) -> bool {
        matches!(self.decoder.datatype(), Ok(Type::Array))
    }

    /// A structure's version, of which this software knows `expected`.
    ///
    /// # Errors
    /// [`CodecError::UnknownVersion`], or not a number.
    pub fn version(&mut self, expected: u64, what: &'static str) -> Result<(), CodecError> {
        let found = self.uint()?;
        if found == expected {
            Ok(())
        } else {
            Err(CodecError::UnknownVersion { what, found })
        }
    }

    /// A value of a type that knows its encoding.
    ///
    /// # Errors
    /// That type's.
    pub fn wire<T: Wire>(&mut self) -> Result<T, CodecError> {
        T::decode(self)
    }

    /// An array of at most `max` values.
    ///
    /// # Errors
    /// As [`decode_list`].
    pub fn list<T: Wire>(&mut self, max: usize) -> Result<Vec<T>, CodecError> {
        decode_list(self, max)
    }

    /// Position in bytes from the start.
    #[must_use]
    pub fn position(&self) -> usize {
        self.decoder.position()
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`CodecError::TrailingBytes`] if something is left.
    pub fn finish(self) -> Result<(), CodecError> {
        match self.decoder.input().len().saturating_sub(self.decoder.position()) {
            0 => Ok(()),
            count => Err(CodecError::TrailingBytes { count }),
        }
    }

    fn array_head(&mut self) -> Result<u64, CodecError> {
        let at = self.position();
        let found = self.decoder.array().map_err(|e| refuse(&e, "an array", at))?;
        found.ok_or(CodecError::NotCanonical { at })
    }
}

fn bounded(found: u64, max: usize) -> Result<usize, CodecError> {
    match usize::try_from(found) {
        Ok(len) if len <= max => Ok(len),
        Ok(_) | Err(_) => Err(CodecError::OverBound { found, max }),
    }
}

fn refuse(error: &Error, expected: &'static str, at: usize) -> CodecError {
    if error.is_end_of_input() {
        CodecError::Truncated
    } else {
        CodecError::Unexpected { expected, at }
    }
}
