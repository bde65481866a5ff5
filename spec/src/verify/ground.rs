//! On what grounds a check came out as it did: a closed list with stable names, told in words by `words`.

use super::report::{Bilingual, OutcomeOf};
use crate::catalogue::{Label, TypeRef};
use crate::day::Day;
use crate::id::{ChainName, Height, Number, OfficeId, RegionId, SeriesId, TypeId, UnixMillis};
use crate::recognition::Unmet;
use serde::Serialize;

/// What a receipt lacks of showing that its credential is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Broken {
    /// The credential is not in the batch that the receipt is for.
    Batch,
    /// The credential was signed after the block that is to record it.
    SignedLater,
    /// There is no block 0.
    NoBlock,
    /// Beside the data's height and time, no block of this height can be of this time.
    Time,
    /// The batch is not in the block.
    Path,
    /// The block is not of the history of the later one that it is said to be seen through.
    History,
    /// The block is not sealed by the regions in force at its height.
    Seal,
}

/// What a status proof lacks of showing how its credential stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrokenStatus {
    /// It is about another credential.
    Other,
    /// It is about another type or region than those of the series.
    Section,
    /// Beside the data's height and time, no block of its height can be of its time.
    Time,
    /// One of its paths does not fit its tree.
    Path,
}

/// A declaration of the verifier's region that does not cover the credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCovering {
    /// Its number.
    pub declaration: u64,
    /// The condition that is not met.
    pub unmet: Unmet,
}

/// The legal dates of a credential: days in its office's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dates {
    /// The first day.
    pub from: Day,
    /// The last day; none: without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// The grounds of a check. In JSON, `ground` is its name and the rest its facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "ground", rename_all = "kebab-case")]
pub enum Ground {
    /// A certificate of version 1.
    Certificate,
    /// A presentation: a certificate with its holder's statement.
    Presentation,
    /// A certificate of version 2: its block is seen through a later one.
    RenewedCertificate,
    /// A credential alone, from a small code.
    SmallCode,
    /// Not the one encoding of a certificate or credential.
    Malformed {
        /// What is wrong, for programmers.
        detail: String,
    },
    /// A version, suite or scheme that this software does not know.
    Newer {
        /// Which, for programmers.
        detail: String,
    },
    /// The file, picture or text gave no certificate.
    NothingRead {
        /// A stable word.
        reason: &'static str,
        /// Why, and what to do.
        words: Bilingual,
    },
    /// It names another chain.
    OtherChain {
        /// The one it names.
        named: ChainName,
        /// The one of the data.
        chain: ChainName,
    },
    /// Nobody opened the series.
    NoSeries {
        /// The series.
        series: SeriesId,
    },
    /// The data are not about the region that the series stands in, or about no type of it.
    SeriesNotCarried {
        /// The series.
        series: SeriesId,
        /// The region whose offices the data do not hold.
        region: RegionId,
    },
    /// The series is newer than the data.
    SeriesNewer {
        /// The series.
        series: SeriesId,
        /// Height of the data.
        height: Height,
    },
    /// The office did not hold the series.
    NotOfOffice {
        /// The series.
        series: SeriesId,
        /// The office it names.
        office: OfficeId,
    },
    /// The office did not hold the series by the data, and may have taken it over since.
    OfficeNewer {
        /// The series.
        series: SeriesId,
        /// The office it names.
        office: OfficeId,
        /// Height of the data.
        height: Height,
    },
    /// The series is for another type or version.
    OtherType {
        /// The series.
        series: SeriesId,
        /// What the series is for.
        of: TypeRef,
        /// What the credential says it is.
        named: TypeRef,
    },
    /// The key of the series did not sign it.
    NotSigned {
        /// The series.
        series: SeriesId,
    },
    /// Signed by the key of the series.
    Signed {
        /// The series.
        series: SeriesId,
        /// Names of the office at issue, by language.
        office: Vec<Label>,
    },
    /// The receipt does not show that the credential is recorded.
    Broken {
        /// What does not hold.
        what: Broken,
    },
    /// The series was opened after that block.
    OpenedLater {
        /// The series.
        series: SeriesId,
    },
    /// The series was frozen before that block.
    FrozenBefore {
        /// The series.
        series: SeriesId,
    },
    /// The series had not issued the number by then.
    NotIssuedThen {
        /// The series.
        series: SeriesId,
        /// The number.
        number: Number,
    },
    /// Sealed by other regions than the data know; they may have changed since.
    RegionsNewer {
        /// The block.
        block: Height,
        /// Height of the data.
        height: Height,
    },
    /// In a sealed block.
    Sealed {
        /// The block.
        block: Height,
        /// Its time, Unix milliseconds.
        time_ms: UnixMillis,
    },
    /// In a block that is of the history of a later, sealed one.
    SeenThrough {
        /// The block.
        block: Height,
        /// Its time, Unix milliseconds.
        time_ms: UnixMillis,
        /// The later block.
        through: Height,
        /// Its time, Unix milliseconds.
        through_ms: UnixMillis,
    },
    /// A small code of a series that is frozen: whoever took its key could have made it.
    SmallCodeOfFrozen {
        /// The series.
        series: SeriesId,
    },
    /// A small code carries no receipt.
    NoReceipt,
    /// The policy does not ask for a receipt.
    NotRequired,
    /// The holder was not asked to show that the certificate is theirs.
    HolderNotAsked,
    /// Signed by the key of the holder, for a nonce that this verifier did not draw: it may be a copy of an earlier presentation.
    HolderSigned {
        /// When, by the holder's clock.
        time_ms: UnixMillis,
        /// For whom, as the holder says.
        #[serde(skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
    },
    /// Shown by whoever has the key of the holder, for this verifier's nonce.
    HolderShown {
        /// When, by the holder's clock.
        time_ms: UnixMillis,
        /// For whom, as the holder says.
        #[serde(skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
    },
    /// The credential names no key of its holder.
    NoHolderKey,
    /// The certificate came without a statement of its holder.
    NotPresented,
    /// The key of the holder did not sign the statement.
    HolderNotSigned,
    /// The statement is about another certificate, or about this one with other claims.
    PresentsAnother,
    /// The holder signed another nonce.
    OtherNonce {
        /// When, by the holder's clock.
        time_ms: UnixMillis,
    },
    /// The holder signed for somebody else, or for nobody in particular.
    OtherAudience {
        /// For whom.
        #[serde(skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
    },
    /// The holder signed longer ago than the policy allows.
    PresentedTooOld {
        /// When, by the holder's clock.
        time_ms: UnixMillis,
    },
    /// The holder's clock is ahead by more than the policy allows.
    PresentedAhead {
        /// When, by the holder's clock.
        time_ms: UnixMillis,
    },
    /// The status is that of a sealed block, newer than the data.
    StatusShown {
        /// The block.
        block: Height,
        /// Its time, Unix milliseconds.
        time_ms: UnixMillis,
    },
    /// The status proof is not newer than the data, which so count.
    StatusNotNewer {
        /// The proof's block.
        block: Height,
        /// Height of the data.
        height: Height,
    },
    /// Not the one encoding of a status proof.
    StatusUnread {
        /// What is wrong, for programmers.
        detail: String,
    },
    /// The status proof does not show how the credential stands.
    StatusBroken {
        /// What does not hold.
        what: BrokenStatus,
    },
    /// The data do not carry the status of this type and region.
    StatusNotCarried,
    /// The number is at or past the next number: no status yet.
    NoStatusYet {
        /// Height of the data.
        height: Height,
    },
    /// Nothing stands against it.
    Clear {
        /// Height of the data.
        height: Height,
    },
    /// Revoked.
    Revoked {
        /// Height of the data.
        height: Height,
    },
    /// Annulled.
    Annulled {
        /// Height of the data.
        height: Height,
    },
    /// Suspended.
    Suspended {
        /// Height of the data.
        height: Height,
    },
    /// Superseded.
    Superseded {
        /// Height of the data.
        height: Height,
    },
    /// Annotated, and the annotation is not shown here.
    Annotated {
        /// Height of the data.
        height: Height,
    },
    /// Between its legal dates.
    InForce {
        /// Its dates.
        #[serde(flatten)]
        dates: Dates,
    },
    /// Its first day has not come.
    NotYet {
        /// Its dates.
        #[serde(flatten)]
        dates: Dates,
    },
    /// Its last day is over.
    Over {
        /// Its dates.
        #[serde(flatten)]
        dates: Dates,
    },
    /// The verifier's region was not given.
    NoRegion,
    /// Issued in the verifier's region.
    OwnRegion,
    /// What the office issues is not valid in the verifier's region.
    OutOfReach {
        /// The office.
        office: OfficeId,
        /// The verifier's region.
        region: RegionId,
    },
    /// Recognised by a declaration of the verifier's region.
    Declared {
        /// The verifier's region.
        region: RegionId,
        /// Number of the declaration.
        declaration: u64,
    },
    /// No declaration of the verifier's region is about this type and region.
    NotDeclared {
        /// The verifier's region.
        region: RegionId,
        /// The credential's region.
        source: RegionId,
        /// The credential's type.
        of: TypeId,
    },
    /// Declarations of the verifier's region are about it, and none covers it.
    NotCovered {
        /// The verifier's region.
        region: RegionId,
        /// The latest three.
        declarations: Vec<NotCovering>,
    },
    /// An earlier check settled the verdict.
    SettledBefore,
    /// There was nothing to check.
    NothingToCheck,
}

impl Ground {
    /// How a check with these grounds came out.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a list of all grounds")]
    pub fn outcome(&self) -> OutcomeOf {
        match self {
            Self::Certificate
            | Self::Presentation
            | Self::HolderShown { .. }
            | Self::RenewedCertificate
            | Self::SmallCode
            | Self::Signed { .. }
            | Self::Sealed { .. }
            | Self::SeenThrough { .. }
            | Self::StatusShown { .. }
            | Self::Clear { .. }
            | Self::InForce { .. }
            | Self::OwnRegion
            | Self::Declared { .. } => OutcomeOf::Passed,
            Self::Malformed { .. }
            | Self::Newer { .. }
            | Self::NothingRead { .. }
            | Self::OtherChain { .. }
            | Self::NoSeries { .. }
            | Self::NotOfOffice { .. }
            | Self::OtherType { .. }
            | Self::NotSigned { .. }
            | Self::Broken { .. }
            | Self::OpenedLater { .. }
            | Self::FrozenBefore { .. }
            | Self::NotIssuedThen { .. }
            | Self::SmallCodeOfFrozen { .. }
            | Self::NoHolderKey
            | Self::NotPresented
            | Self::HolderNotSigned
            | Self::PresentsAnother
            | Self::OtherNonce { .. }
            | Self::OtherAudience { .. }
            | Self::PresentedTooOld { .. }
            | Self::PresentedAhead { .. }
            | Self::StatusUnread { .. }
            | Self::StatusBroken { .. }
            | Self::Revoked { .. }
            | Self::Annulled { .. }
            | Self::Suspended { .. }
            | Self::Superseded { .. }
            | Self::NotYet { .. }
            | Self::Over { .. }
            | Self::OutOfReach { .. }
            | Self::NotDeclared { .. }
            | Self::NotCovered { .. } => OutcomeOf::Failed,
            Self::SeriesNotCarried { .. }
            | Self::SeriesNewer { .. }
            | Self::OfficeNewer { .. }
            | Self::RegionsNewer { .. }
            | Self::NoReceipt
            | Self::StatusNotCarried
            | Self::NoStatusYet { .. }
            | Self::Annotated { .. } => OutcomeOf::Unknown,
            Self::NotRequired
            | Self::HolderNotAsked
            | Self::HolderSigned { .. }
            | Self::StatusNotNewer { .. }
            | Self::NoRegion
            | Self::SettledBefore
            | Self::NothingToCheck => OutcomeOf::NotChecked,
        }
    }
}
