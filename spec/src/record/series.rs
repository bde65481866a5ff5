//! What offices say of their series and credentials.

use crate::catalogue::TypeRef;
use crate::codec::{CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::content::Relation;
use crate::digest::Digest;
use crate::id::{CredentialId, Number, SeriesId, UnixMillis};
use crate::key::ed25519::PublicKey;
use crate::status::{CHUNK_NUMBERS, Reason, StatusKind};

/// Most credentials of one issue record.
pub const MAX_BATCH: u64 = 4_096;
/// Most ranges of one status record.
pub const MAX_RANGES: usize = 1_024;
/// Most chunks that the ranges of one status record meet, counted for each range.
pub const MAX_RECORD_CHUNKS: u64 = 4_096;
/// Most chunks that the ranges of all status records of a block meet, counted for each range. What a chunk costs is what a
/// status record costs: a chunk is decoded, changed, encoded in the shortest of many ways, and hashed.
pub const MAX_BLOCK_CHUNKS: u64 = 8_192;

/// A numbered book of credentials of one type, for one desk, with one signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSeries {
    /// The type and the version that its credentials follow.
    pub of: TypeRef,
    /// The desk, at most 64 bytes.
    pub desk: String,
    /// The key that signs its credentials.
    pub key: PublicKey,
}
wire_array!(OpenSeries {
    of,
    desk: text(64),
    key
});

/// A batch of credentials, by the root of its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The series.
    pub series: SeriesId,
    /// Number of the first leaf; the series' next number.
    pub first: Number,
    /// How many, 1 to [`MAX_BATCH`].
    pub count: u64,
    /// RFC 9162 root over the credentials' leaves.
    pub root: Digest,
}
wire_array!(Issue {
    series,
    first,
    count,
    root
});

/// Numbers `first` to `first + count - 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberRange {
    /// The first.
    pub first: Number,
    /// How many, at least 1.
    pub count: u64,
}
wire_array!(NumberRange { first, count });

impl NumberRange {
    /// How many chunks it meets.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        let chunk = |number: u64| number / u64::from(CHUNK_NUMBERS);
        match self.count.checked_sub(1) {
            Some(more) => {
                let last = chunk(self.first.0.saturating_add(more));
                last.saturating_sub(chunk(self.first.0)).saturating_add(1)
            }
            None => 0,
        }
    }
}

/// What happens to the status of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// They enter this set.
    Set(StatusKind),
    /// They are no longer suspended.
    Reinstate,
    /// A court or a review undid it: they are no longer revoked, annulled or superseded.
    Restore,
}

/// Codes of [`StatusChange::Reinstate`] and [`StatusChange::Restore`]; the sets have the codes 1 to 5.
const REINSTATE: u64 = 16;
const RESTORE: u64 = 17;

impl Wire for StatusChange {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Set(kind) => w.wire(kind),
            Self::Reinstate => w.uint(REINSTATE),
            Self::Restore => w.uint(RESTORE),
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let code = r.uint()?;
        if code == REINSTATE {
            return Ok(Self::Reinstate);
        }
        if code == RESTORE {
            return Ok(Self::Restore);
        }
        let kind = StatusKind::from_code(code);
        let unknown = || CodecError::UnknownKey {
            what: "status",
            found: i64::try_from(code).unwrap_or(i64::MAX),
        };
        kind.map(Self::Set).ok_or_else(unknown)
    }
}

impl std::fmt::Display for StatusChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Set(kind) => write!(f, "{kind}"),
            Self::Reinstate => f.write_str("reinstated"),
            Self::Restore => f.write_str("restored"),
        }
    }
}

/// A change of status of numbers of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetStatus {
    /// The series.
    pub series: SeriesId,
    /// The numbers: 1 to [`MAX_RANGES`] ascending ranges with gaps between them.
    pub ranges: Vec<NumberRange>,
    /// What happens to them.
    pub change: StatusChange,
    /// Coarse public reason.
    pub reason: Reason,
    /// From when it counts, informative, not later than the block's time.
    pub effective: Option<UnixMillis>,
    /// Salted digest of the detailed reason, of the annotation, or of the order that a restoration follows.
    pub detail: Option<Digest>,
    /// For what is superseded: by what. The numbers, in ascending order, are followed by as many from this one on.
    pub successor: Option<Successor>,
}
wire_array!(SetStatus {
    series,
    ranges: list(MAX_RANGES),
    change,
    reason,
    effective,
    detail,
    successor
});

impl SetStatus {
    /// How many chunks its ranges meet, counted for each range.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        let each = self.ranges.iter().map(NumberRange::chunks);
        each.fold(0, u64::saturating_add)
    }
}

/// The credentials that take the place of superseded ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Successor {
    /// The successor of the first number; those of the others follow it.
    pub first: CredentialId,
    /// What they are to their predecessors.
    pub relation: Relation,
}
wire_array!(Successor { first, relation });
