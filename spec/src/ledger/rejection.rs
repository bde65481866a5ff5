//! Why a record does not enter the ledger: one variant a reason, each with a stable code (DESIGN 4.3).

use crate::catalogue::TypeRef;
use crate::cose::SignatureError;
use crate::id::{Height, Number, OfficeId, RegionId, SeriesId, TypeId, UnixMillis};
use crate::ledger::SectionName;
use crate::ledger::federation::{MAX_EVIDENCE_OF_REGION, MAX_PROPOSALS_OF_REGION};
use crate::ledger::standing::Inactive;
use crate::recognition::MAX_DECLARATIONS_OF_REGION;
use crate::record::{Actor, MAX_BATCH, RecordId};

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
    #[error("the name of type {0} does not begin with its owner's and a dot")]
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
    /// Ranges out of order, touching, empty, too many or none, or over too many chunks.
    #[error(
        "the ranges must be 1 to {max}, ascending, not empty, with a gap between them, and meet at most {chunks} chunks of 4,096 numbers; \
         say it in several records", max = crate::record::MAX_RANGES, chunks = crate::record::MAX_RECORD_CHUNKS
    )]
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
    /// The region is not in force.
    #[error("region {region} is {standing}; only regions in force may do this")]
    RegionNotInForce {
        /// The region.
        region: RegionId,
        /// `suspended`, `removed` or `not in force yet`.
        standing: &'static str,
    },
    /// No such proposal, or it is closed.
    #[error("no proposal {0} is open; it has passed, failed, or was never made")]
    UnknownProposal(RecordId),
    /// The time of the proposal is over.
    #[error("the proposal could be voted on until {0}; propose it again")]
    ProposalOver(UnixMillis),
    /// The region voted so before.
    #[error("region {0} has voted so already")]
    AlreadyVoted(RegionId),
    /// Too many proposals of the region are open.
    #[error("{max} proposals of the region are open; let them pass or fail first", max = MAX_PROPOSALS_OF_REGION)]
    TooManyProposals,
    /// The change cannot be made.
    #[error("the change cannot be made: {0}")]
    ChangeNotPossible(&'static str),
    /// A change of the region is under way.
    #[error("the keys of region {region} change at block {at}; wait until then")]
    ChangePending {
        /// The region.
        region: RegionId,
        /// When its last change takes effect.
        at: Height,
    },
    /// A node's key or peer id is another node's, or was used before.
    #[error("the {0} is in use or was used before; make a new one")]
    NodeKeyInUse(&'static str),
    /// The seal key is not proved.
    #[error("the proof of possession of the seal key does not hold; have the node make it again")]
    Possession,
    /// The region rotates its authority already.
    #[error("the authority keyring of region {0} is being rotated already; cancel that first")]
    RotationPending(RegionId),
    /// Nothing to cancel.
    #[error("no rotation of the authority keyring of region {0} is under way")]
    NoRotation(RegionId),
    /// The observers are not a list of other nodes.
    #[error("the observers cannot be registered: {0}")]
    Observers(&'static str),
    /// No such office.
    #[error("office {0} is not registered")]
    UnknownOffice(OfficeId),
    /// The office is another region's.
    #[error("office {office} is not of region {region}")]
    OfficeNotYours {
        /// The office.
        office: OfficeId,
        /// Who tried.
        region: RegionId,
    },
    /// The office, or one above it, may not act.
    #[error("office {office} may not act: {because}")]
    OfficeNotActive {
        /// The office.
        office: OfficeId,
        /// Itself, an office above it, or its region, and how that stands.
        because: Box<Inactive>,
    },
    /// The office is suspended, or not, or closed, already.
    #[error("office {office} is {standing} already")]
    OfficeStanding {
        /// The office.
        office: OfficeId,
        /// How it stands.
        standing: &'static str,
    },
    /// A sub-office would have more than its parent.
    #[error("the office would have more {what} than {parent}, which it stands under")]
    ExceedsParent {
        /// The parent.
        parent: OfficeId,
        /// `types`, `regions of validity`, `freedom: a lower threshold`, `level`.
        what: &'static str,
    },
    /// The office has sub-offices.
    #[error("office {0} has sub-offices; close them first, or name a successor")]
    HasSubOffices(OfficeId),
    /// One office cannot take the place of the other.
    #[error("the succession cannot be: {0}")]
    Succession(&'static str),
    /// The type cannot be delegated.
    #[error("the delegation cannot be: {0}")]
    Delegation(&'static str),
    /// The type is closed.
    #[error("type {0} is closed; nothing of it is issued any more")]
    TypeClosed(TypeRef),
    /// The series is closed.
    #[error("series {0} is closed; open another")]
    SeriesClosed(SeriesId),
    /// What supersedes is missing, unknown or not allowed here.
    #[error("the successor is not right: {0}")]
    Successor(&'static str),
    /// A restoration without the digest of its order.
    #[error("a restoration names the digest of the order that it follows")]
    OrderMissing,
    /// The recognition's terms are not sound.
    #[error("the recognition cannot be declared: {0}")]
    IncompleteRecognition(&'static str),
    /// No such declaration of the region, or it is withdrawn.
    #[error("the region has no declaration {0} in force")]
    UnknownDeclaration(u64),
    /// Too many declarations.
    #[error("a region declares at most {max} recognitions", max = MAX_DECLARATIONS_OF_REGION)]
    TooManyDeclarations,
    /// Its owner's share of a section has no room for it.
    #[error(
        "{owner} would fill more of section {section} than the {share} bytes that are its share; nothing more goes in"
    )]
    SectionFull {
        /// Whose share: the owner of types, a region, or an office with all below it.
        owner: String,
        /// The section.
        section: SectionName,
        /// The share in bytes.
        share: usize,
    },
    /// The evidence proves nothing.
    #[error("the evidence proves nothing: {0}")]
    EvidenceNotValid(&'static str),
    /// The evidence adds nothing to what is there.
    #[error("double signing of region {0} there is on the ledger already, or {max} other cases", max = MAX_EVIDENCE_OF_REGION)]
    EvidenceKnown(RegionId),
}

/// One list of variants and codes, so that none can be without the other.
macro_rules! codes {
    ($($variant:ident => $code:literal,)*) => {
        impl Rejection {
            /// Every code.
            pub const CODES: &[&str] = &[$($code),*];

            /// The stable code.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $code,)*
                }
            }
        }
    };
}

codes! {
    Malformed => "MALFORMED",
    WrongChain => "WRONG_CHAIN",
    Expired => "EXPIRED",
    NotAfterTooFar => "NOT_AFTER_TOO_FAR",
    Duplicate => "DUPLICATE",
    UnknownActor => "UNKNOWN_ACTOR",
    TooFewSignatures => "TOO_FEW_SIGNATURES",
    TooManySignatures => "TOO_MANY_SIGNATURES",
    SignatureOrder => "SIGNATURE_ORDER",
    UnknownKey => "UNKNOWN_KEY",
    ForgedSignature => "FORGED_SIGNATURE",
    NotYours => "NOT_YOURS",
    OfficeExists => "OFFICE_EXISTS",
    IncompleteOffice => "INCOMPLETE_OFFICE",
    IncompleteType => "INCOMPLETE_TYPE",
    TypeNotYours => "TYPE_NOT_YOURS",
    TypeVersionGap => "TYPE_VERSION_GAP",
    UnknownType => "UNKNOWN_TYPE",
    OutOfScope => "OUT_OF_SCOPE",
    SeriesKeyInUse => "SERIES_KEY_IN_USE",
    UnknownSeries => "UNKNOWN_SERIES",
    SeriesNotYours => "SERIES_NOT_YOURS",
    SeriesFrozen => "SERIES_FROZEN",
    BatchSize => "BATCH_SIZE",
    NumberGap => "NUMBER_GAP",
    NumbersExhausted => "NUMBERS_EXHAUSTED",
    Ranges => "RANGES",
    NotIssued => "NOT_ISSUED",
    StatusFinal => "STATUS_FINAL",
    NothingChanges => "NOTHING_CHANGES",
    EffectiveInFuture => "EFFECTIVE_IN_FUTURE",
    RegionNotInForce => "REGION_NOT_IN_FORCE",
    UnknownProposal => "UNKNOWN_PROPOSAL",
    ProposalOver => "PROPOSAL_OVER",
    AlreadyVoted => "ALREADY_VOTED",
    TooManyProposals => "TOO_MANY_PROPOSALS",
    ChangeNotPossible => "CHANGE_NOT_POSSIBLE",
    ChangePending => "CHANGE_PENDING",
    NodeKeyInUse => "NODE_KEY_IN_USE",
    Possession => "POSSESSION",
    RotationPending => "ROTATION_PENDING",
    NoRotation => "NO_ROTATION",
    Observers => "OBSERVERS",
    UnknownOffice => "UNKNOWN_OFFICE",
    OfficeNotYours => "OFFICE_NOT_YOURS",
    OfficeNotActive => "OFFICE_NOT_ACTIVE",
    OfficeStanding => "OFFICE_STANDING",
    ExceedsParent => "EXCEEDS_PARENT",
    HasSubOffices => "HAS_SUB_OFFICES",
    Succession => "SUCCESSION",
    Delegation => "DELEGATION",
    TypeClosed => "TYPE_CLOSED",
    SeriesClosed => "SERIES_CLOSED",
    Successor => "SUCCESSOR",
    OrderMissing => "ORDER_MISSING",
    IncompleteRecognition => "INCOMPLETE_RECOGNITION",
    UnknownDeclaration => "UNKNOWN_DECLARATION",
    TooManyDeclarations => "TOO_MANY_DECLARATIONS",
    SectionFull => "SECTION_FULL",
    EvidenceNotValid => "EVIDENCE_NOT_VALID",
    EvidenceKnown => "EVIDENCE_KNOWN",
}

impl Rejection {
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
