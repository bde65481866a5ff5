//! Names and numbers: regions, offices, types, series, credentials, heights, times (DESIGN 1).
//! Not here: keys and their ids (`key`), digests (`digest`).

use std::fmt;
use std::str::FromStr;

use crate::codec::{CodecError, Reader, Wire, Writer};
use crate::text::serde_as_text;

/// Why a text is not a name or number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty or too long.
    #[error("a {what} has 1 to {max} characters, not {found}")]
    Length {
        /// What kind of name.
        what: &'static str,
        /// Bytes found.
        found: usize,
        /// Most characters allowed.
        max: usize,
    },
    /// A character that this kind of name does not have.
    #[error("a {what} has no character {found:?}")]
    Character {
        /// What kind of name.
        what: &'static str,
        /// The first offending character.
        found: char,
    },
    /// Not a decimal number of its range, without sign and leading zeros.
    #[error("not a {what}: {text:?}")]
    Number {
        /// What kind of number.
        what: &'static str,
        /// The first 40 characters of the text.
        text: String,
    },
    /// Parts or their separator are missing.
    #[error("a {what} is written {form}")]
    Form {
        /// What kind of name.
        what: &'static str,
        /// How it is written.
        form: &'static str,
    },
}

fn check_name(text: &str, what: &'static str, max: usize, allowed: fn(char) -> bool) -> Result<(), IdError> {
    if text.is_empty() || text.len() > max {
        return Err(IdError::Length {
            what,
            found: text.len(),
            max,
        });
    }
    match text.chars().find(|c| !allowed(*c)) {
        None => Ok(()),
        Some(found) => Err(IdError::Character { what, found }),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Most characters.
            pub const MAX: usize = $max;

            /// Checks a name.
            ///
            /// # Errors
            /// [`IdError::Length`] or [`IdError::Character`].
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                check_name(text, $what, $max, $allowed)?;
                Ok(Self(text.to_owned()))
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        serde_as_text!($name);

        impl Wire for $name {
            fn encode(&self, w: &mut Writer) {
                w.text(&self.0);
            }

            fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
                Self::new(r.text($max)?).map_err(|_| CodecError::Invalid { what: $what })
            }
        }
    };
}

fn lower_digit_hyphen(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

fn lower_digit_hyphen_dot(c: char) -> bool {
    lower_digit_hyphen(c) || c == '.'
}

name!(
    /// A region: 1 to 12 of `a-z`, `0-9`, `-`; commonly its GB/T 2260 code, such as `330000`.
    RegionId,
    "region",
    12,
    lower_digit_hyphen
);
name!(
    /// A domain authority: 1 to 12 of `a-z`, `0-9`, `-`; region codes and domain authorities share one space of names.
    DomainId,
    "domain authority",
    12,
    lower_digit_hyphen
);
name!(
    /// An office within its region: 1 to 18 of `A-Z`, `a-z`, `0-9`, `-`; a unified social credit code fits.
    OfficeCode,
    "office code",
    18,
    |c| c.is_ascii_alphanumeric() || c == '-'
);
name!(
    /// A credential type: 1 to 48 of `a-z`, `0-9`, `-`, `.`.
    TypeId,
    "type",
    48,
    lower_digit_hyphen_dot
);
name!(
    /// The name of a chain, for people: 1 to 32 of `a-z`, `0-9`, `-`, `.`. What binds is the chain id, a digest.
    ChainName,
    "chain name",
    32,
    lower_digit_hyphen_dot
);

impl TypeId {
    /// The owner's name: what stands before the first dot; `None` without a dot, or when nothing stands on one of its sides.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        let (owner, rest) = self.0.split_once('.')?;
        (!owner.is_empty() && !rest.is_empty()).then_some(owner)
    }
}

/// The owner of types that the federation defines by vote; no region and no domain authority bears this name.
pub const FEDERATION_OWNER: &str = "federation";

/// Decimal digits without sign and leading zeros.
fn parse_number<T: FromStr>(text: &str, what: &'static str) -> Result<T, IdError> {
    let refused = || IdError::Number {
        what,
        text: text.chars().take(40).collect(),
    };
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain {
        text.parse().map_err(|_| refused())
    } else {
        Err(refused())
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The next one; `None` past the last.
            #[must_use]
            pub fn next(self) -> Option<Self> {
                self.0.checked_add(1).map(Self)
            }

            /// The one before; `None` before zero.
            #[must_use]
            pub fn previous(self) -> Option<Self> {
                self.0.checked_sub(1).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_number(text, $what).map(Self)
            }
        }

        impl Wire for $name {
            fn encode(&self, w: &mut Writer) {
                self.0.encode(w);
            }

            fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
                <$inner>::decode(r).map(Self)
            }
        }
    };
}

number!(
    /// A series, numbered over the whole chain in the order of opening.
    SeriesId,
    u32,
    "series"
);
number!(
    /// The number of a credential within its series.
    Number,
    u64,
    "number"
);
number!(
    /// The height of a block; the charter is 0, the first block 1.
    Height,
    u64,
    "height"
);
number!(
    /// A time in milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    UnixMillis,
    u64,
    "time in milliseconds"
);
number!(
    /// The version of a credential type; the first is 1.
    TypeVersion,
    u16,
    "type version"
);

/// An issuing office: its region and its code there; written `region/code`, in CBOR `[region, code]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfficeId {
    /// The region that registered it, or whose office did.
    pub region: RegionId,
    /// Its code in that region.
    pub code: OfficeCode,
}

impl OfficeId {
    /// Puts a region and a code together.
    #[must_use]
    pub fn new(region: RegionId, code: OfficeCode) -> Self {
        Self { region, code }
    }
}

impl fmt::Display for OfficeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region, self.code)
    }
}

impl fmt::Debug for OfficeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for OfficeId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let form = IdError::Form {
            what: "office",
            form: "region/code",
        };
        let (region, code) = text.split_once('/').ok_or(form)?;
        Ok(Self {
            region: region.parse()?,
            code: code.parse()?,
        })
    }
}

serde_as_text!(OfficeId);

impl Wire for OfficeId {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.wire(&self.region);
        w.wire(&self.code);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        Ok(Self {
            region: r.wire()?,
            code: r.wire()?,
        })
    }
}

/// The surrogate name of a credential: its series and its number there; written `series-number`, in CBOR `[series, number]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId {
    /// The series.
    pub series: SeriesId,
    /// The number in it.
    pub number: Number,
}

impl CredentialId {
    /// The CWT claim `cti`: u32be series, u64be number; 12 bytes (DESIGN 4.2).
    #[must_use]
    pub fn cti_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let (series, number) = bytes.split_at_mut(4);
        series.copy_from_slice(&self.series.0.to_be_bytes());
        number.copy_from_slice(&self.number.0.to_be_bytes());
        bytes
    }

    /// Reads a `cti`; `None` unless it has 12 bytes.
    #[must_use]
    pub fn from_cti(bytes: &[u8]) -> Option<Self> {
        let (series, number) = bytes.split_first_chunk()?;
        let number = number.try_into().ok()?;
        Some(Self {
            series: SeriesId(u32::from_be_bytes(*series)),
            number: Number(u64::from_be_bytes(number)),
        })
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.series, self.number)
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CredentialId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let form = IdError::Form {
            what: "credential",
            form: "series-number",
        };
        let (series, number) = text.split_once('-').ok_or(form)?;
        Ok(Self {
            series: series.parse()?,
            number: number.parse()?,
        })
    }
}

serde_as_text!(CredentialId);

impl Wire for CredentialId {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.wire(&self.series);
        w.wire(&self.number);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        Ok(Self {
            series: r.wire()?,
            number: r.wire()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{from_slice, to_vec};

    #[test]
    fn names_keep_to_their_characters_and_lengths() {
        assert_eq!(RegionId::new("330000").unwrap().as_str(), "330000");
        assert_eq!(
            RegionId::new(""),
            Err(IdError::Length {
                what: "region",
                found: 0,
                max: 12
            })
        );
        assert_eq!(
            RegionId::new("3300000000000"),
            Err(IdError::Length {
                what: "region",
                found: 13,
                max: 12
            })
        );
        assert_eq!(
            RegionId::new("Zhejiang"),
            Err(IdError::Character {
                what: "region",
                found: 'Z'
            })
        );
        assert_eq!(
            TypeId::new("a/b"),
            Err(IdError::Character {
                what: "type",
                found: '/'
            })
        );
        assert!(OfficeCode::new("91330106MA2CFLDG4R").is_ok());
        assert_eq!(
            ChainName::new("浙"),
            Err(IdError::Character {
                what: "chain name",
                found: '浙'
            })
        );
        assert!(from_slice::<RegionId>(b"\x61A", 16).is_err());
        assert!(from_slice::<RegionId>(b"\x60", 16).is_err());
    }

    #[test]
    fn numbers_have_one_text() {
        assert_eq!("12".parse(), Ok(SeriesId(12)));
        assert_eq!("0".parse(), Ok(SeriesId(0)));
        for text in ["", "+1", "-1", "01", "4294967296", "1 "] {
            assert!(text.parse::<SeriesId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_survive_text_cbor_and_json() {
        let office: OfficeId = "330000/91330106MA2CFLDG4R".parse().unwrap();
        assert_eq!(office.to_string(), "330000/91330106MA2CFLDG4R");
        assert_eq!(from_slice(&to_vec(&office), 64), Ok(office.clone()));
        assert_eq!(serde_json::to_string(&office).unwrap(), "\"330000/91330106MA2CFLDG4R\"");
        let credential: CredentialId = "7-1024".parse().unwrap();
        assert_eq!(from_slice(&to_vec(&credential), 64), Ok(credential));
        assert_eq!(serde_json::from_str::<CredentialId>("\"7-1024\"").unwrap(), credential);
        assert_eq!(serde_json::to_string(&credential.number).unwrap(), "1024");
        assert!("330000".parse::<OfficeId>().is_err());
        assert!("7".parse::<CredentialId>().is_err());
    }

    #[test]
    fn a_cti_is_twelve_bytes() {
        let id = CredentialId {
            series: SeriesId(0x0102_0304),
            number: Number(5),
        };
        assert_eq!(id.cti_bytes(), [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(CredentialId::from_cti(&id.cti_bytes()), Some(id));
        assert_eq!(CredentialId::from_cti(&[0; 11]), None);
        assert_eq!(CredentialId::from_cti(&[0; 13]), None);
    }
}
