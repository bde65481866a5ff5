//! [`wire_array!`]: a structure as the array of its fields, in order.

/// Implements [`Wire`](crate::codec::Wire) for a structure as a definite array of its fields in the order given.
///
/// A field alone is `Wire` itself; `field: list(MAX)` is a `Vec` of at most `MAX` items; `field: text(MAX)` is a
/// `String` of 1 to `MAX` bytes without control characters; `field: bytes(MAX)` is a `Vec<u8>` of at most `MAX` bytes.
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
    (@encode $self:ident $w:ident $field:ident bytes) => { $w.bytes(&$self.$field) };
    (@decode $r:ident) => { $r.wire()? };
    (@decode $r:ident list $max:expr) => { $r.list($max)? };
    (@decode $r:ident text $max:expr) => { $crate::codec::fields::plain_text($r, $max)? };
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
