//! The actions of records (DESIGN 4.3). A kind this software does not know is refused as such.

use crate::catalogue::{Label, MAX_LABELS, TypeDefinition, TypeRef};
use crate::codec::{CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::digest::Digest;
use crate::id::{Number, OfficeCode, SeriesId, TypeId, UnixMillis};
use crate::key::ed25519::PublicKey;
use crate::key::keyring::Keyring;
use crate::status::StatusKind;

/// Most credentials of one issue record.
pub const MAX_BATCH: u64 = 4_096;
/// Most ranges of one status record.
pub const MAX_RANGES: usize = 1_024;
const MAX_SCOPE: usize = 64;

/// What a record does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Region: registers an office.
    RegisterOffice(RegisterOffice),
    /// Region: defines a type, or a further version of one.
    DefineType(TypeDefinition),
    /// Office: opens a series.
    OpenSeries(OpenSeries),
    /// Office: puts a batch of credentials on the ledger.
    Issue(Issue),
    /// Office: sets the status of credentials.
    SetStatus(SetStatus),
    /// Office: stops a series whose key is no longer safe; what was recorded stands.
    FreezeSeries(SeriesId),
}

mod kind {
    pub(super) const REGISTER_OFFICE: u64 = 10;
    pub(super) const DEFINE_TYPE: u64 = 12;
    pub(super) const OPEN_SERIES: u64 = 20;
    pub(super) const ISSUE: u64 = 21;
    pub(super) const SET_STATUS: u64 = 22;
    pub(super) const FREEZE_SERIES: u64 = 23;
}

impl Action {
    /// Its kind, the first element of its encoding and of its essence.
    #[must_use]
    pub fn kind(&self) -> u64 {
        match self {
            Self::RegisterOffice(_) => kind::REGISTER_OFFICE,
            Self::DefineType(_) => kind::DEFINE_TYPE,
            Self::OpenSeries(_) => kind::OPEN_SERIES,
            Self::Issue(_) => kind::ISSUE,
            Self::SetStatus(_) => kind::SET_STATUS,
            Self::FreezeSeries(_) => kind::FREEZE_SERIES,
        }
    }

    /// Its name, as programs print it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterOffice(_) => "register-office",
            Self::DefineType(_) => "define-type",
            Self::OpenSeries(_) => "open-series",
            Self::Issue(_) => "issue",
            Self::SetStatus(_) => "set-status",
            Self::FreezeSeries(_) => "freeze-series",
        }
    }

    /// The series it speaks about.
    #[must_use]
    pub fn series(&self) -> Option<SeriesId> {
        match self {
            Self::Issue(issue) => Some(issue.series),
            Self::SetStatus(status) => Some(status.series),
            Self::FreezeSeries(series) => Some(*series),
            Self::RegisterOffice(_) | Self::DefineType(_) | Self::OpenSeries(_) => None,
        }
    }
}

/// The kind of an issue's essence.
pub(crate) const ISSUE_KIND: u64 = kind::ISSUE;

impl Wire for Action {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.uint(self.kind());
        match self {
            Self::RegisterOffice(body) => w.wire(body),
            Self::DefineType(body) => w.wire(body),
            Self::OpenSeries(body) => w.wire(body),
            Self::Issue(body) => w.wire(body),
            Self::SetStatus(body) => w.wire(body),
            Self::FreezeSeries(body) => w.wire(body),
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        match r.uint()? {
            kind::REGISTER_OFFICE => Ok(Self::RegisterOffice(r.wire()?)),
            kind::DEFINE_TYPE => Ok(Self::DefineType(r.wire()?)),
            kind::OPEN_SERIES => Ok(Self::OpenSeries(r.wire()?)),
            kind::ISSUE => Ok(Self::Issue(r.wire()?)),
            kind::SET_STATUS => Ok(Self::SetStatus(r.wire()?)),
            kind::FREEZE_SERIES => Ok(Self::FreezeSeries(r.wire()?)),
            other => Err(CodecError::UnknownKey {
                what: "action",
                found: i64::try_from(other).unwrap_or(i64::MAX),
            }),
        }
    }
}

/// An office of the region that signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterOffice {
    /// Its code within the region.
    pub code: OfficeCode,
    /// Its name by language.
    pub labels: Vec<Label>,
    /// The keyring that speaks for it.
    pub keyring: Keyring,
    /// The types it may issue, ascending.
    pub types: Vec<TypeId>,
    /// How many minutes its clocks are ahead of UTC, -840 to 840; legal days are counted there.
    pub utc_offset_minutes: i64,
}
wire_array!(RegisterOffice {
    code,
    labels: list(MAX_LABELS),
    keyring,
    types: list(MAX_SCOPE),
    utc_offset_minutes
});

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

/// What happens to the status of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// They enter this set.
    Set(StatusKind),
    /// They are no longer suspended.
    Reinstate,
}

/// Code of [`StatusChange::Reinstate`]; the sets have the codes 0 to 4.
const REINSTATE: u64 = 16;

impl Wire for StatusChange {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Set(kind) => w.wire(kind),
            Self::Reinstate => w.uint(REINSTATE),
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let code = r.uint()?;
        if code == REINSTATE {
            return Ok(Self::Reinstate);
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
    /// Coarse public reason, 0 when none is given.
    pub reason: u64,
    /// From when it counts, informative, not later than the block's time.
    pub effective: Option<UnixMillis>,
    /// Salted digest of the detailed reason.
    pub detail: Option<Digest>,
}
wire_array!(SetStatus {
    series,
    ranges: list(MAX_RANGES),
    change,
    reason,
    effective,
    detail
});
