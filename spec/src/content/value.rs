//! Values of a type's own claims.

use crate::codec::{CodecError, Reader, Wire, Writer, fields::plain_text};
use crate::day::Day;

/// The value of a type's own claim.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum ClaimValue {
    /// Text of 1 to 1,024 bytes; codes too.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A calendar day, encoded as an array of one integer so that it is not mistaken for a number.
    Day(Day),
}

const MAX_TEXT: usize = 1_024;

impl std::fmt::Display for ClaimValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Day(day) => write!(f, "{day}"),
        }
    }
}

impl Wire for ClaimValue {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Text(text) => w.text(text),
            Self::Integer(number) => w.int(*number),
            Self::Day(day) => {
                w.array(1);
                w.wire(day);
            }
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        if r.is_array() {
            r.array(1)?;
            return Ok(Self::Day(r.wire()?));
        }
        if r.is_text() {
            Ok(Self::Text(plain_text(r, MAX_TEXT)?))
        } else {
            Ok(Self::Integer(r.int()?))
        }
    }
}
