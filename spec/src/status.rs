//! Status sets: which numbers of a series are revoked, annulled, suspended, superseded, annotated (DESIGN 4.6;
//! exact format: `spec/text/status.md`).
//! Not here: who may change them (`ledger`), verdicts (`verify`).

mod change;
mod chunk;
mod numbers;
mod reason;
mod rice;
mod series;
mod set;

pub use change::{MAX_GROWTH, Overgrown, SeriesChange, SetChange, WholeChunk};
pub use chunk::{CHUNK_NUMBERS, Chunk, ChunkError};
pub use numbers::{MAX_NUMBERS_BYTES, Numbers};
pub use reason::{Reason, ReasonError};
pub use series::{SeriesStatus, Standing};
pub(crate) use series::{SetRoot, leaf_bytes};
pub use set::StatusSet;
pub(crate) use set::{NOT_A_CHUNK, split};

use std::fmt;

use crate::codec::{CodecError, Reader, Wire, Writer};

/// Which set a number is in. In CBOR its code, 1 to 5, in the order in which a series carries its sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusKind {
    /// 吊销: no longer valid from then on, for good.
    Revoked,
    /// 撤销: void from the beginning, for good.
    Annulled,
    /// 暂扣: not valid until reinstated.
    Suspended,
    /// 更替: another credential has taken its place.
    Superseded,
    /// 加注: something was noted on it; by itself no reason against it.
    Annotated,
}

impl StatusKind {
    /// Every kind, in the order of the codes.
    pub const ALL: [Self; 5] = [
        Self::Revoked,
        Self::Annulled,
        Self::Suspended,
        Self::Superseded,
        Self::Annotated,
    ];

    /// The code, 1 to 5.
    #[must_use]
    pub fn code(self) -> u64 {
        match self {
            Self::Revoked => 1,
            Self::Annulled => 2,
            Self::Suspended => 3,
            Self::Superseded => 4,
            Self::Annotated => 5,
        }
    }

    /// The kind of a code.
    #[must_use]
    pub fn from_code(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Annulled => "annulled",
            Self::Suspended => "suspended",
            Self::Superseded => "superseded",
            Self::Annotated => "annotated",
        }
    }
}

impl fmt::Display for StatusKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no kind of status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a status is revoked, annulled, suspended, superseded or annotated")]
pub struct StatusKindError;

impl std::str::FromStr for StatusKind {
    type Err = StatusKindError;

    fn from_str(text: &str) -> Result<Self, StatusKindError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(StatusKindError)
    }
}

crate::text::serde_as_text!(StatusKind);

impl Wire for StatusKind {
    fn encode(&self, w: &mut Writer) {
        w.uint(self.code());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let code = r.uint()?;
        let found = i64::try_from(code).unwrap_or(i64::MAX);
        Self::from_code(code).ok_or(CodecError::UnknownKey { what: "status", found })
    }
}

#[cfg(test)]
mod tests;
