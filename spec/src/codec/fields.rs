//! [`wire_array!`]: a structure as the array of its fields, in order.

/// Implements [`Wire`](crate::codec::Wire) for a structure as a definite array of its fields in the order given.
///
/// A field alone is `Wire` itself; `field: list(MAX)` is a `Vec` of at most `MAX` items; `field: text(MAX)` is a
/// `String` of 1 to `MAX` bytes without control characters, `field: optional_text(MAX)` an `Option` of that; `field: texts(COUNT)` is a
/// `Vec` of at most `COUNT` such texts of at most 64 bytes; `field: optional_list(MAX)` an `Option<Vec>`; `field: bytes(MAX)` is a `Vec<u8>` of at most `MAX` bytes.
/// With `version N "name"` the array starts with that version.
macro_rules! wire_array {
    ($ty:ident version $version:literal $what:literal { $($field:ident $(: $kind:ident($max:expr))?),* $(,)? }) => {
        impl $crate::codec::Wire for $ty {
            fn encode(&self, w: &mut $crate::codec::Writer) {
                w.array(1 $(+ $crate::codec::fields::wire_array!(@one $field))*);
                w.uint($version);
                $($crate::codec::fields::wire_array!(@encode self w $field $($kind)?);)*
            }
            fn decode(r: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::CodecError> {
                r.versioned_array(1 $(+ $crate::codec::fields::wire_array!(@one $field))*, $version, $what)?;
                $(let $field = $crate::codec::fields::wire_array!(@decode r $($kind $max)?);)*
                Ok(Self { $($field),* })
            }
        }
    };
    ($ty:ident { $($field:ident $(: $kind:ident($max:expr))?),* $(,)? }) => {
        impl $crate::codec::Wire for $ty {
            fn encode(&self, w: &mut $crate::codec::Writer) {
                w.array(0 $(+ $crate::codec::fields::wire_array!(@one $field))*);
                $($crate::codec::fields::wire_array!(@encode self w $field $($kind)?);)*
            }
            fn decode(r: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::CodecError> {
                r.array(0 $(+ $crate::codec::fields::wire_array!(@one $field))*)?;
                $(let $field = $crate::codec::fields::wire_array!(@decode r $($kind $max)?);)*
                Ok(Self { $($field),* })
            }
        }
    };
    (@one $field:ident) => { 1 };
    (@encode $self:ident $w:ident $field:ident) => { $w.wire(&$self.$field) };
    (@encode $self:ident $w:ident $field:ident list) => { $crate::codec::encode_list($w, &$self.$field) };
    (@encode $self:ident $w:ident $field:ident text) => { $w.text(&$self.$field) };
    (@encode $self:ident $w:ident $field:ident optional_text) => {
        match &$self.$field {
            Some(text) => $w.text(text),
            None => $w.null(),
        }
    };
    (@encode $self:ident $w:ident $field:ident texts) => {
        $w.array($self.$field.len());
        $self.$field.iter().for_each(|text| $w.text(text))
    };
    (@encode $self:ident $w:ident $field:ident optional_list) => {
        match &$self.$field {
            Some(items) => $crate::codec::encode_list($w, items),
            None => $w.null(),
        }
    };
    (@encode $self:ident $w:ident $field:ident bytes) => { $w.bytes(&$self.$field) };
    (@decode $r:ident) => { $r.wire()? };
    (@decode $r:ident list $max:expr) => { $r.list($max)? };
    (@decode $r:ident text $max:expr) => { $crate::codec::fields::plain_text($r, $max)? };
    (@decode $r:ident optional_text $max:expr) => {
        if $r.take_null() { None } else { Some($crate::codec::fields::plain_text($r, $max)?) }
    };
    (@decode $r:ident texts $max:expr) => { $crate::codec::fields::plain_texts($r, $max)? };
    (@decode $r:ident optional_list $max:expr) => {
        if $r.take_null() { None } else { Some($r.list($max)?) }
    };
    (@decode $r:ident bytes $max:expr) => { $r.bytes($max)?.to_vec() };
}
pub(crate) use wire_array;

use super::{CodecError, Reader};

/// Text of 1 to `max` bytes without control characters.
pub(crate) fn plain_text(r: &mut Reader<'_>, max: usize) -> Result<String, CodecError> {
    let text = r.text(max)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(CodecError::Invalid {
            what: "text: it is empty or holds control characters",
        });
    }
    Ok(text.to_owned())
}

/// Most bytes of one of several texts.
const MAX_ITEM_TEXT: usize = 64;

/// At most `max` texts of 1 to 64 bytes without control characters.
pub(crate) fn plain_texts(r: &mut Reader<'_>, max: usize) -> Result<Vec<String>, CodecError> {
    let count = r.array_len(max)?;
    let mut texts = Vec::new();
    for _ in 0..count {
        texts.push(plain_text(r, MAX_ITEM_TEXT)?);
    }
    Ok(texts)
}

/// A closed list of choices, in CBOR the number of each.
macro_rules! wire_choice {
    ($ty:ident $what:literal { $($variant:ident = $code:literal),* $(,)? }) => {
        impl $ty {
            /// Every choice, in the order of the numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number that stands for it.
            #[must_use]
            pub fn code(self) -> u64 {
                match self {
                    $(Self::$variant => $code),*
                }
            }
        }

        impl $crate::codec::Wire for $ty {
            fn encode(&self, w: &mut $crate::codec::Writer) {
                w.uint(self.code());
            }
            fn decode(r: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::CodecError> {
                match r.uint()? {
                    $($code => Ok(Self::$variant),)*
                    other => Err($crate::codec::CodecError::UnknownKey {
                        what: $what,
                        found: i64::try_from(other).unwrap_or(i64::MAX),
                    }),
                }
            }
        }
    };
}
pub(crate) use wire_choice;
