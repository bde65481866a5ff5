//! What is said of offices, and what they say of each other.

use crate::catalogue::{Label, MAX_LABELS};
use crate::codec::{fields::wire_array, fields::wire_choice};
use crate::id::{OfficeCode, OfficeId, RegionId, TypeId, UnixMillis};
use crate::key::keyring::Keyring;
use crate::seal::MAX_REGIONS;

/// Most types of one office.
pub const MAX_TYPES: usize = 256;

/// Where an office stands (国家、省、市、县).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfficeLevel {
    /// 国家.
    National,
    /// 省.
    Province,
    /// 市.
    City,
    /// 县.
    County,
}
wire_choice!(OfficeLevel "office level" { National = 0, Province = 1, City = 2, County = 3 });

/// What an office may issue, and where that is valid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// The types, ascending.
    pub types: Vec<TypeId>,
    /// The regions in which its credentials are valid, ascending; none: in every one.
    pub regions: Option<Vec<RegionId>>,
}
wire_array!(Scope {
    types: list(MAX_TYPES),
    regions: optional_list(MAX_REGIONS)
});

impl Scope {
    /// These types, valid in every region.
    #[must_use]
    pub fn of_types(mut types: Vec<TypeId>) -> Self {
        types.sort();
        types.dedup();
        Self { types, regions: None }
    }

    /// Whether types and regions ascend, each once.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        let regions = self.regions.as_deref().unwrap_or_default();
        self.types.is_sorted_by(|a, b| a < b) && regions.is_sorted_by(|a, b| a < b)
    }

    /// Whether a type is in it.
    #[must_use]
    pub fn has(&self, kind: &TypeId) -> bool {
        self.types.binary_search(kind).is_ok()
    }

    /// Whether credentials are valid in a region.
    #[must_use]
    pub fn reaches(&self, region: &RegionId) -> bool {
        self.regions
            .as_ref()
            .is_none_or(|regions| regions.binary_search(region).is_ok())
    }

    /// What this has and `other` has not: `types`, `regions`, or nothing.
    #[must_use]
    pub fn exceeds(&self, other: &Self) -> Option<&'static str> {
        if !self.types.iter().all(|kind| other.has(kind)) {
            return Some("types");
        }
        let within = match (&self.regions, &other.regions) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(regions), Some(_)) => regions.iter().all(|region| other.reaches(region)),
        };
        (!within).then_some("regions of validity")
    }
}

/// An office of the region that signs, or a sub-office of the office that signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterOffice {
    /// Its code within the region.
    pub code: OfficeCode,
    /// Where it stands; a sub-office below its parent.
    pub level: OfficeLevel,
    /// Its name by language.
    pub labels: Vec<Label>,
    /// The keyring that speaks for it; a sub-office's threshold is at least its parent's.
    pub keyring: Keyring,
    /// What it may issue; a sub-office no more than its parent.
    pub scope: Scope,
    /// How many minutes its clocks are ahead of UTC, -840 to 840; legal days are counted there.
    pub utc_offset_minutes: i64,
}
wire_array!(RegisterOffice {
    code,
    level,
    labels: list(MAX_LABELS),
    keyring,
    scope,
    utc_offset_minutes
});

/// What changes about an office; what is null stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmendOffice {
    /// The office.
    pub office: OfficeId,
    /// Another name, by language.
    pub labels: Option<Vec<Label>>,
    /// Another keyring.
    pub keyring: Option<Keyring>,
    /// Another scope.
    pub scope: Option<Scope>,
    /// Another zone.
    pub utc_offset_minutes: Option<i64>,
}
wire_array!(AmendOffice {
    office,
    labels: optional_list(MAX_LABELS),
    keyring,
    scope,
    utc_offset_minutes
});

/// What happens to an office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfficeChange {
    /// It may do nothing until it is reinstated, and its sub-offices neither.
    Suspend,
    /// It may act again, and its sub-offices that are not suspended themselves.
    Reinstate,
    /// It is gone for good; what it issued stands.
    Close,
}
wire_choice!(OfficeChange "change of an office" { Suspend = 0, Reinstate = 1, Close = 2 });

/// An office that is suspended, reinstated or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetOffice {
    /// The office.
    pub office: OfficeId,
    /// What happens to it.
    pub change: OfficeChange,
}
wire_array!(SetOffice { office, change });

/// An office in the place of another: it takes over its series, sub-offices and status power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SucceedOffice {
    /// The office that is gone.
    pub office: OfficeId,
    /// The one in its place.
    pub successor: OfficeId,
}
wire_array!(SucceedOffice { office, successor });

/// A type that another office may issue until a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegate {
    /// The office that may.
    pub to: OfficeId,
    /// What it may issue.
    pub kind: TypeId,
    /// Until when, block time, included; none takes the delegation back.
    pub until: Option<UnixMillis>,
}
wire_array!(Delegate { to, kind, until });
