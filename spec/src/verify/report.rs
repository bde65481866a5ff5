//! Reports: a verdict with colour, word and exit code, and each check by name with its evidence (DESIGN 4.9).

use super::ground::Ground;
use crate::catalogue::Label;
use crate::day::Day;
use crate::digest::Digest;
use crate::id::{CredentialId, Height, RegionId, TypeId, UnixMillis};
use crate::recognition::Level;
use serde::Serialize;

/// How a verdict looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Good.
    Green,
    /// Good as far as known.
    Amber,
    /// Genuine, not usable here now.
    Orange,
    /// Not good.
    Red,
    /// Nothing can be said.
    Grey,
}

/// The outcome of verifying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Genuine, recorded, in force, with no status against it.
    #[serde(rename = "VALID")]
    Valid,
    /// Valid as of an earlier time: the receipt is newer than the bundle, or the bundle is old.
    #[serde(rename = "VALID ON DATA FROM")]
    ValidOnDataFrom,
    /// A small code: genuine, but nothing shows that it is recorded.
    #[serde(rename = "NOT SHOWN RECORDED")]
    NotShownRecorded,
    /// The verifier asked the holder to show that it is theirs, and they did not.
    #[serde(rename = "HOLDER NOT SHOWN")]
    HolderNotShown,
    /// The issuer is newer than the data.
    #[serde(rename = "UNKNOWN")]
    Unknown,
    /// Its last day is over.
    #[serde(rename = "EXPIRED")]
    Expired,
    /// Its first day has not come.
    #[serde(rename = "NOT YET VALID")]
    NotYetValid,
    /// Suspended.
    #[serde(rename = "SUSPENDED")]
    Suspended,
    /// Another has taken its place.
    #[serde(rename = "SUPERSEDED")]
    Superseded,
    /// The verifier's region does not recognise it.
    #[serde(rename = "NOT RECOGNISED")]
    NotRecognised,
    /// It does not come from whom it says, or was altered.
    #[serde(rename = "NOT GENUINE")]
    NotGenuine,
    /// Revoked.
    #[serde(rename = "REVOKED")]
    Revoked,
    /// Void from the beginning.
    #[serde(rename = "ANNULLED")]
    Annulled,
    /// It cannot be read.
    #[serde(rename = "UNREADABLE")]
    Unreadable,
    /// A version that this software does not know.
    #[serde(rename = "NEEDS NEWER SOFTWARE")]
    NeedsNewerSoftware,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 15] = [
        Self::Valid,
        Self::ValidOnDataFrom,
        Self::NotShownRecorded,
        Self::HolderNotShown,
        Self::Unknown,
        Self::Expired,
        Self::NotYetValid,
        Self::Suspended,
        Self::Superseded,
        Self::NotRecognised,
        Self::NotGenuine,
        Self::Revoked,
        Self::Annulled,
        Self::Unreadable,
        Self::NeedsNewerSoftware,
    ];

    /// The word that stands for it, always the same.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::ValidOnDataFrom => "VALID ON DATA FROM",
            Self::NotShownRecorded => "NOT SHOWN RECORDED",
            Self::HolderNotShown => "HOLDER NOT SHOWN",
            Self::Unknown => "UNKNOWN",
            Self::Expired => "EXPIRED",
            Self::NotYetValid => "NOT YET VALID",
            Self::Suspended => "SUSPENDED",
            Self::Superseded => "SUPERSEDED",
            Self::NotRecognised => "NOT RECOGNISED",
            Self::NotGenuine => "NOT GENUINE",
            Self::Revoked => "REVOKED",
            Self::Annulled => "ANNULLED",
            Self::Unreadable => "UNREADABLE",
            Self::NeedsNewerSoftware => "NEEDS NEWER SOFTWARE",
        }
    }

    /// Its colour.
    #[must_use]
    pub fn colour(self) -> Colour {
        match self {
            Self::Valid => Colour::Green,
            Self::ValidOnDataFrom | Self::NotShownRecorded | Self::HolderNotShown | Self::Unknown => Colour::Amber,
            Self::Expired | Self::NotYetValid | Self::Suspended | Self::Superseded | Self::NotRecognised => {
                Colour::Orange
            }
            Self::NotGenuine | Self::Revoked | Self::Annulled => Colour::Red,
            Self::Unreadable | Self::NeedsNewerSoftware => Colour::Grey,
        }
    }

    /// Exit code of a program that reports it; 2 is kept for wrong usage.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self.colour() {
            Colour::Green => 0,
            Colour::Red => 1,
            Colour::Amber => 3,
            Colour::Grey => 4,
            Colour::Orange => 5,
        }
    }
}

/// What a check is about, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckName {
    /// It can be read.
    Readable,
    /// Signed by the key of a series that the office opened for the type.
    Authentic,
    /// Exactly this credential is in a sealed block.
    Recorded,
    /// Shown by its holder, where the verifier asks.
    Holder,
    /// A proof of its status that came with it; told only where one did.
    StatusProof,
    /// No status stands against it.
    Status,
    /// Between its legal dates.
    InForce,
    /// Recognised where the verifier stands.
    Recognised,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeOf {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// The data do not say.
    Unknown,
    /// It was not asked for, or an earlier check makes it pointless.
    NotChecked,
}

impl CheckName {
    /// Every check that is always made, in order.
    pub const ALL: [Self; 7] = [
        Self::Readable,
        Self::Authentic,
        Self::Recorded,
        Self::Holder,
        Self::Status,
        Self::InForce,
        Self::Recognised,
    ];
}

/// A check with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// How it came out.
    pub outcome: OutcomeOf,
    /// On what grounds.
    #[serde(flatten)]
    pub ground: Ground,
}

impl Check {
    /// A check that came out by its grounds.
    #[must_use]
    pub fn new(name: CheckName, ground: Ground) -> Self {
        Self {
            name,
            outcome: ground.outcome(),
            ground,
        }
    }
}

/// The same in Chinese and English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bilingual {
    /// 中文.
    pub zh: String,
    /// English.
    pub en: String,
}

/// What the data and the receipt tell about the device's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "reading", rename_all = "kebab-case")]
pub enum Clock {
    /// Nothing is said against it.
    Plausible,
    /// It is behind what was sealed: the sealed time is taken instead, as far as the data go.
    Behind {
        /// By how much at least, milliseconds.
        by_ms: u64,
    },
    /// It is further ahead of the data than data should be old: it is wrong, or the data are far too old.
    FarAhead {
        /// Of the data, milliseconds.
        by_ms: u64,
    },
}

/// Whose data the verdict rests on, and how old they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataUsed {
    /// The chain's name.
    pub chain: String,
    /// Its id.
    pub chain_id: Digest,
    /// Height of the bundle.
    pub height: Height,
    /// Time of the bundle, Unix milliseconds.
    pub time_ms: UnixMillis,
    /// Age at verification, milliseconds.
    pub age_ms: u64,
    /// What they tell about the device's clock.
    pub clock: Clock,
}

/// What the credential says, for people; shown only where it is authentic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Content {
    /// The number people know.
    pub printed_number: String,
    /// Names of the holders.
    pub holders: Vec<String>,
    /// Name of the issuing office at issue.
    pub issued_by: String,
    /// Legal day of issue.
    pub issued_on: Day,
    /// First day of validity.
    pub valid_from: Day,
    /// Last day of validity; none: without end (长期).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Day>,
    /// The type's own claims.
    pub claims: Vec<Claim>,
    /// How many claims of the type its holder has left out; left out where it is 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub hidden: usize,
}

/// Whether there is nothing to say.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A claim of a credential's type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Its key, from 100.
    pub key: u64,
    /// Its name by language; empty where the data do not know the type.
    pub labels: Vec<Label>,
    /// Its value.
    pub value: String,
}

/// A claim whose value is another where the verifier stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedClaim {
    /// Its key, from 100.
    pub key: u64,
    /// Its name by language.
    pub labels: Vec<Label>,
    /// Its value in the credential.
    pub there: String,
    /// Its value where the verifier stands.
    pub here: String,
}

/// A claim that the holder may have left out and whose value may be another where the verifier stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hidden {
    /// Its key, from 100.
    pub key: u64,
    /// Its name by language.
    pub labels: Vec<Label>,
}

/// What the report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// `series-number`.
    pub credential: CredentialId,
    /// `chain/region/office`.
    pub issuer: String,
    /// `type/version`.
    pub vct: String,
    /// Height of the block that records it, when a receipt says so.
    pub recorded_height: Option<Height>,
    /// Time of that block, Unix milliseconds.
    pub recorded_ms: Option<UnixMillis>,
    /// What it says.
    pub content: Content,
}

/// As what a credential is recognised in the verifier's region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recognised {
    /// The verifier's region.
    pub region: RegionId,
    /// Number of its declaration.
    pub declaration: u64,
    /// The type there; none: the credential's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_type: Option<TypeId>,
    /// How far it goes.
    pub level: Level,
    /// Claims whose values are others here.
    pub claims: Vec<MappedClaim>,
    /// Claims that are not shown and whose values may be others here; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Hidden>,
    /// For what; empty: for everything.
    pub purposes: Vec<String>,
}

/// The outcome of verifying a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// For [`Verdict::ValidOnDataFrom`]: from when the data are, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_from_ms: Option<UnixMillis>,
    /// Its colour.
    pub colour: Colour,
    /// Its exit code.
    pub exit: u8,
    /// Each check.
    pub checks: Vec<Check>,
    /// As what it is recognised where the verifier stands, when another region's declaration says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recognised: Option<Recognised>,
    /// Whose data.
    pub data: DataUsed,
    /// What it is about; `None` where it is not readable or not genuine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
}

impl Report {
    /// The report for programs: one line of JSON, fields in the order of this file, no insignificant white space, integers only
    /// (`spec/text/report.schema.json`). The same report gives the same bytes everywhere.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Nothing in a report fails to serialise: its keys are texts.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A check of it.
    #[must_use]
    pub fn check(&self, name: CheckName) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }
}
