//! Deterministic CBOR (RFC 8949 4.2.1), the encoding of everything that is stored, sent, hashed or signed (DESIGN 4).
//! Not here: COSE (`cose`), text forms (each type's `Display`).
//!
//! A type has exactly one encoding. [`from_slice`] first bounds the length, then checks the whole input for well-formed,
//! shortest, definite-length CBOR of bounded depth, then decodes it, and finally encodes the result again and compares.

pub(crate) mod fields;
mod reader;
mod scan;
mod writer;

pub use reader::Reader;
pub use scan::MAX_DEPTH;
pub use writer::Writer;

/// A type with one deterministic CBOR encoding.
pub trait Wire: Sized {
    /// Appends the one encoding of `self`: exactly one data item.
    fn encode(&self, w: &mut Writer);

    /// Reads one data item.
    ///
    /// # Errors
    /// What stands in the bytes is not a value of this type; see [`CodecError`].
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError>;
}

/// Why bytes are not the encoding of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// More bytes than the caller's bound; nothing was decoded.
    #[error("{found} bytes, at most {max} are allowed here")]
    TooLong {
        /// Length of the input in bytes.
        found: usize,
        /// The bound in bytes.
        max: usize,
    },
    /// The input ends inside a data item.
    #[error("the data end in the middle of a value")]
    Truncated,
    /// A data item of another kind stands where this kind must.
    #[error("expected {expected} at byte {at}")]
    Unexpected {
        /// What must stand here.
        expected: &'static str,
        /// Position in bytes from the start of the input.
        at: usize,
    },
    /// An array or string of a fixed length has another.
    #[error("expected {expected} elements or bytes, found {found}")]
    WrongLength {
        /// Number of elements, or of bytes of a string.
        expected: usize,
        /// What the input says.
        found: u64,
    },
    /// An array, map or string exceeds its stated bound, or falls short of it.
    #[error("{found} elements or bytes, at most {max} are allowed here")]
    OverBound {
        /// What the input says.
        found: u64,
        /// The bound.
        max: usize,
    },
    /// A version this software does not know: newer software is needed, the data may well be genuine.
    #[error("version {found} of {what} needs newer software")]
    UnknownVersion {
        /// The structure.
        what: &'static str,
        /// Its version.
        found: u64,
    },
    /// A signature algorithm or seal scheme this software does not know: newer software is needed.
    #[error("{what} {found} needs newer software")]
    UnknownSuite {
        /// What kind of suite.
        what: &'static str,
        /// Its number.
        found: i64,
    },
    /// A key, kind or code that this structure does not have.
    #[error("{what} has no key or kind {found}")]
    UnknownKey {
        /// The structure.
        what: &'static str,
        /// The key found.
        found: i64,
    },
    /// A key that this structure must have is missing.
    #[error("{what} lacks key {key}")]
    MissingKey {
        /// The structure.
        what: &'static str,
        /// The key.
        key: i64,
    },
    /// A well-formed value that breaks a rule of its type.
    #[error("not a valid {what}")]
    Invalid {
        /// The type whose rule is broken.
        what: &'static str,
    },
    /// Not the deterministic encoding: a longer form of a number, an indefinite length, unsorted keys and the like.
    #[error("not the deterministic encoding, at byte {at}")]
    NotCanonical {
        /// Position in bytes of the first difference.
        at: usize,
    },
    /// Arrays, maps and tags are nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// Bytes follow the value.
    #[error("{count} bytes follow the value")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
}

/// The one encoding of `value`.
#[must_use]
pub fn to_vec<T: Wire>(value: &T) -> Vec<u8> {
    let mut w = Writer::new();
    value.encode(&mut w);
    w.into_vec()
}

/// Decodes exactly one value from `bytes`, which must be its one encoding and at most `max_len` bytes.
///
/// # Errors
/// [`CodecError::TooLong`] before anything else is looked at; then any variant.
pub fn from_slice<T: Wire>(bytes: &[u8], max_len: usize) -> Result<T, CodecError> {
    if bytes.len() > max_len {
        return Err(CodecError::TooLong {
            found: bytes.len(),
            max: max_len,
        });
    }
    scan::check(bytes)?;
    let mut r = Reader::new(bytes);
    let value = T::decode(&mut r)?;
    r.finish()?;
    let again = to_vec(&value);
    if again != bytes {
        let same = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        return Err(CodecError::NotCanonical { at: same });
    }
    Ok(value)
}

/// Writes an array of values.
pub fn encode_list<T: Wire>(w: &mut Writer, items: &[T]) {
    w.array(items.len());
    for item in items {
        item.encode(w);
    }
}

/// Reads an array of at most `max` values. Memory grows with what is really there, never with the length the input claims.
///
/// # Errors
/// [`CodecError::OverBound`] before the first element is read; then any error of an element.
pub fn decode_list<T: Wire>(r: &mut Reader<'_>, max: usize) -> Result<Vec<T>, CodecError> {
    let len = r.array_len(max)?;
    let mut items = Vec::new();
    for _ in 0..len {
        items.push(T::decode(r)?);
    }
    Ok(items)
}

impl Wire for i64 {
    fn encode(&self, w: &mut Writer) {
        w.int(*self);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.int()
    }
}

impl Wire for u64 {
    fn encode(&self, w: &mut Writer) {
        w.uint(*self);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.uint()
    }
}

impl Wire for u32 {
    fn encode(&self, w: &mut Writer) {
        w.uint(u64::from(*self));
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        Self::try_from(r.uint()?).map_err(|_| CodecError::Invalid { what: "32-bit number" })
    }
}

impl Wire for u16 {
    fn encode(&self, w: &mut Writer) {
        w.uint(u64::from(*self));
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        Self::try_from(r.uint()?).map_err(|_| CodecError::Invalid { what: "16-bit number" })
    }
}

impl Wire for bool {
    fn encode(&self, w: &mut Writer) {
        w.bool(*self);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.bool()
    }
}

/// As `T`.
impl<T: Wire> Wire for Box<T> {
    fn encode(&self, w: &mut Writer) {
        T::encode(self, w);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        T::decode(r).map(Self::new)
    }
}

/// `None` is null. `T` itself must never encode as null.
impl<T: Wire> Wire for Option<T> {
    fn encode(&self, w: &mut Writer) {
        match self {
            None => w.null(),
            Some(value) => value.encode(w),
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        if r.take_null() {
            Ok(None)
        } else {
            T::decode(r).map(Some)
        }
    }
}

#[cfg(test)]
mod tests;
