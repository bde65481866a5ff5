//! Why a record does not enter the ledger: one variant a reason, each with a stable code (DESIGN 4.3).

use crate::catalogue::TypeRef;
use crate::cose::SignatureError;
use crate::id::{Number, OfficeId, SeriesId, TypeId, UnixMillis};
use crate::record::{Actor, MAX_BATCH};

/// Why a record is refused. `code` is stable; the text may change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Not the encoding of a record.
    #[error("the record cannot be read: {0}; encode it again as the specification says")]
    Malformed(crate::codec::CodecError),
    /// For another federation.
    #[error("the record is for another chain; sign it again for this one")]
    WrongChain,
    /// Its time is over.
    #[error("the record could enter the ledger until {not_after}, it is {now}; sign a new one")]
    Expired {
        /// The record's not-after.
        not_after: UnixMillis,
        /// Block time.
        now: UnixMillis,
    },
    /// Its not-after is too far ahead.
    #[error("not-after {not_after} is more than {max_hours} hours ahead; sign with a nearer one")]
    NotAfterTooFar {
        /// The record's not-after.
        not_after: UnixMillis,
        /// Most hours ahead.
        max_hours: u64,
    },
    /// It is on the ledger already.
    #[error("the record is on the ledger already; nothing more is to be done")]
    Duplicate,
    /// The actor is not on the ledger.
    #[error("{0} is not on the ledger; register it first")]
    UnknownActor(Actor),
    /// Too few signatures.
    #[error("{got} signatures of {actor}, its keyring needs {need}; let others sign too")]
    TooFewSignatures {
        /// Whose keyring.
        actor: Actor,
        /// How many there are.
        got: usize,
        /// The threshold.
        need: usize,
    },
    /// Too many signatures.
    #[error("more signatures than the threshold of the keyring of {0}; leave the others out")]
    TooManySignatures(Actor),
    /// Signatures out of order or of one key twice.
    #[error("the signatures do not stand in ascending order of different keys")]
    SignatureOrder,
    /// A signature by a key outside the keyring.
    #[error("a signature names a key that is not in the keyring of {0}")]
    UnknownKey(Actor),
    /// A signature that does not verify.
    #[error("a signature of {0} does not verify")]
    ForgedSignature(Actor),
    /// The action is not this kind of actor's.
    #[error("{action} is not for {actor} to do")]
    NotYours {
        /// Who tried.
        actor: Actor,
        /// What.
        action: &'static str,
    },
    /// The office is registered already.
    #[error("office {0} is registered already")]
    OfficeExists(OfficeId),
    /// An office's registration is not complete.
    #[error("the registration is not complete: {0}")]
    IncompleteOffice(&'static str),
    /// A type's definition is not complete.
    #[error(
        "the definition of {0} is not complete: it needs a version from 1, names, and claim keys ascending from 100"
    )]
    IncompleteType(TypeRef),
    /// A type of another region.
    #[error("type {0} does not begin with the region's own code")]
    TypeNotYours(TypeId),
    /// A version that is not the next.
    #[error("type {id} expects version {expected}, got {got}")]
    TypeVersionGap {
        /// The type.
        id: TypeId,
        /// The next version.
        expected: u16,
        /// The one given.
        got: u16,
    },
    /// No such type or version.
    #[error("type {0} is not defined")]
    UnknownType(TypeRef),
    /// The office may not issue the type.
    #[error("type {kind} is outside the scope of office {office}")]
    OutOfScope {
        /// The office.
        office: OfficeId,
        /// The type.
        kind: TypeId,
    },
    /// The key signs another series already.
    #[error("the key signs series {0} already; make one of its own for each series")]
    SeriesKeyInUse(SeriesId),
    /// No such series.
    #[error("series {0} is not open")]
    UnknownSeries(SeriesId),
    /// The series is another office's.
    #[error("series {series} is not of {actor}")]
    SeriesNotYours {
        /// The series.
        series: SeriesId,
        /// Who tried.
        actor: Actor,
    },
    /// The series is frozen.
    #[error("series {0} is frozen; open another")]
    SeriesFrozen(SeriesId),
    /// Too many or no credentials in a batch.
    #[error("a batch has 1 to {max} credentials, this one {got}", max = MAX_BATCH)]
    BatchSize {
        /// How many.
        got: u64,
    },
    /// A batch that does not start at the next number.
    #[error("series {series} expects number {expected}, the batch starts at {got}")]
    NumberGap {
        /// The series.
        series: SeriesId,
        /// The next number.
        expected: Number,
        /// The first of the batch.
        got: Number,
    },
    /// The numbers of the series are used up.
    #[error("series {0} has no more numbers; open another")]
    NumbersExhausted(SeriesId),
    /// Ranges out of order, touching, empty, too many or none.
    #[error("the ranges must be 1 to {max}, ascending, not empty, with a gap between them", max = crate::record::MAX_RANGES)]
    Ranges,
    /// Numbers that are not issued.
    #[error("number {number} of series {series} is not issued yet")]
    NotIssued {
        /// The series.
        series: SeriesId,
        /// The first such number.
        number: Number,
    },
    /// A number is revoked or annulled already.
    #[error("number {number} of series {series} is revoked or annulled, which this cannot change")]
    StatusFinal {
        /// The series.
        series: SeriesId,
        /// The first such number.
        number: Number,
    },
    /// Nothing would change.
    #[error("the numbers already have this status")]
    NothingChanges,
    /// The effective date is later than the block.
    #[error("the effective date {0} is in the future")]
    EffectiveInFuture(UnixMillis),
}

impl Rejection {
    /// Every code.
    pub const CODES: [&str; 31] = [
        "MALFORMED",
        "WRONG_CHAIN",
        "EXPIRED",
        "NOT_AFTER_TOO_FAR",
        "DUPLICATE",
        "UNKNOWN_ACTOR",
        "TOO_FEW_SIGNATURES",
        "TOO_MANY_SIGNATURES",
        "SIGNATURE_ORDER",
        "UNKNOWN_KEY",
        "FORGED_SIGNATURE",
        "NOT_YOURS",
        "OFFICE_EXISTS",
        "INCOMPLETE_OFFICE",
        "INCOMPLETE_TYPE",
        "TYPE_NOT_YOURS",
        "TYPE_VERSION_GAP",
        "UNKNOWN_TYPE",
        "OUT_OF_SCOPE",
        "SERIES_KEY_IN_USE",
        "UNKNOWN_SERIES",
        "SERIES_NOT_YOURS",
        "SERIES_FROZEN",
        "BATCH_SIZE",
        "NUMBER_GAP",
        "NUMBERS_EXHAUSTED",
        "RANGES",
        "NOT_ISSUED",
        "STATUS_FINAL",
        "NOTHING_CHANGES",
        "EFFECTIVE_IN_FUTURE",
    ];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "MALFORMED",
            Self::WrongChain => "WRONG_CHAIN",
            Self::Expired { .. } => "EXPIRED",
            Self::NotAfterTooFar { .. } => "NOT_AFTER_TOO_FAR",
            Self::Duplicate => "DUPLICATE",
            Self::UnknownActor(_) => "UNKNOWN_ACTOR",
            Self::TooFewSignatures { .. } => "TOO_FEW_SIGNATURES",
            Self::TooManySignatures(_) => "TOO_MANY_SIGNATURES",
            Self::SignatureOrder => "SIGNATURE_ORDER",
            Self::UnknownKey(_) => "UNKNOWN_KEY",
            Self::ForgedSignature(_) => "FORGED_SIGNATURE",
            Self::NotYours { .. } => "NOT_YOURS",
            Self::OfficeExists(_) => "OFFICE_EXISTS",
            Self::IncompleteOffice(_) => "INCOMPLETE_OFFICE",
            Self::IncompleteType(_) => "INCOMPLETE_TYPE",
            Self::TypeNotYours(_) => "TYPE_NOT_YOURS",
            Self::TypeVersionGap { .. } => "TYPE_VERSION_GAP",
            Self::UnknownType(_) => "UNKNOWN_TYPE",
            Self::OutOfScope { .. } => "OUT_OF_SCOPE",
            Self::SeriesKeyInUse(_) => "SERIES_KEY_IN_USE",
            Self::UnknownSeries(_) => "UNKNOWN_SERIES",
            Self::SeriesNotYours { .. } => "SERIES_NOT_YOURS",
            Self::SeriesFrozen(_) => "SERIES_FROZEN",
            Self::BatchSize { .. } => "BATCH_SIZE",
            Self::NumberGap { .. } => "NUMBER_GAP",
            Self::NumbersExhausted(_) => "NUMBERS_EXHAUSTED",
            Self::Ranges => "RANGES",
            Self::NotIssued { .. } => "NOT_ISSUED",
            Self::StatusFinal { .. } => "STATUS_FINAL",
            Self::NothingChanges => "NOTHING_CHANGES",
            Self::EffectiveInFuture(_) => "EFFECTIVE_IN_FUTURE",
        }
    }

    /// The rejection for what is wrong with the signatures of `actor`.
    #[must_use]
    pub fn of_signatures(error: SignatureError, actor: &Actor) -> Self {
        let actor = actor.clone();
        match error {
            SignatureError::TooFew { got, need } => Self::TooFewSignatures { actor, got, need },
            SignatureError::TooMany => Self::TooManySignatures(actor),
            SignatureError::NotAscending => Self::SignatureOrder,
            SignatureError::UnknownKey => Self::UnknownKey(actor),
            SignatureError::Forged => Self::ForgedSignature(actor),
        }
    }
}
