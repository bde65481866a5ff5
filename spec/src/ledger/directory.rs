//! Sections `directory/<region>`: the offices and series of a region.

use super::sections::MAX_ENTRIES;
use crate::catalogue::{Label, MAX_LABELS, TypeRef};
use crate::codec::fields::wire_array;
use crate::id::{Height, OfficeCode, OfficeId, RegionId, SeriesId, TypeId, UnixMillis};
use crate::key::ed25519::PublicKey;
use crate::key::keyring::Keyring;
use crate::record::{OfficeLevel, Scope};
use std::collections::BTreeSet;

/// Most names that an office may have had.
pub const MAX_NAMES: usize = 256;
/// Most types that one office lets others issue.
pub const MAX_DELEGATIONS: usize = 256;
/// Most offices of one directory that let one office issue one type: so nobody makes it long to ask who lets it.
pub const MAX_LENDERS_OF_REGION: usize = 16;

/// A name of an office from a height on, up to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeName {
    /// First height.
    pub from: Height,
    /// The name by language.
    pub labels: Vec<Label>,
}
wire_array!(OfficeName {
    from,
    labels: list(MAX_LABELS)
});

/// A type that an office lets another issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Who may issue it.
    pub to: OfficeId,
    /// The type.
    pub kind: TypeId,
    /// Until when, block time, included.
    pub until: UnixMillis,
}
wire_array!(Delegation { to, kind, until });

/// An office that took the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    /// The successor.
    pub to: OfficeId,
    /// First height at which it stands in the other's place: the one after the record's.
    pub at: Height,
}
wire_array!(Succession { to, at });

/// An office as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Its code within the region.
    pub code: OfficeCode,
    /// The office that registered it; none: the region did.
    pub parent: Option<OfficeCode>,
    /// Where it stands.
    pub level: OfficeLevel,
    /// Its names from height to height, ascending.
    pub names: Vec<OfficeName>,
    /// The keyring that speaks for it.
    pub keyring: Keyring,
    /// What it may issue, as far as its parents may.
    pub scope: Scope,
    /// How many minutes its clocks are ahead of UTC.
    pub utc_offset_minutes: i64,
    /// Height of its registration.
    pub since: Height,
    /// Height from which it is suspended.
    pub suspended: Option<Height>,
    /// Height at which it was closed.
    pub closed: Option<Height>,
    /// Who took its place.
    pub succession: Option<Succession>,
    /// Types that it lets others issue, ascending by office and type.
    pub delegations: Vec<Delegation>,
}
wire_array!(Office {
    code,
    parent,
    level,
    names: list(MAX_NAMES),
    keyring,
    scope,
    utc_offset_minutes,
    since,
    suspended,
    closed,
    succession,
    delegations: list(MAX_DELEGATIONS),
});

impl Office {
    /// Whether it is closed or another took its place.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.closed.is_some() || self.succession.is_some()
    }

    /// Its name at a height, by language; before the first, the first.
    #[must_use]
    pub fn labels_at(&self, height: Height) -> &[Label] {
        let name = self.names.iter().rev().find(|name| name.from <= height);
        name.or(self.names.first()).map_or(&[], |name| &name.labels)
    }

    /// Its name now, by language.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        self.names.last().map_or(&[], |name| &name.labels)
    }
}

/// A series as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Its id, unique on the ledger.
    pub id: SeriesId,
    /// The office that opened it; its successors hold it after it.
    pub office: OfficeCode,
    /// The type and version of its credentials.
    pub of: TypeRef,
    /// The desk.
    pub desk: String,
    /// The key that signs its credentials.
    pub key: PublicKey,
    /// Height at which it was opened.
    pub since: Height,
    /// Height at which it was frozen.
    pub frozen: Option<Height>,
    /// Height at which it was closed.
    pub closed: Option<Height>,
}
wire_array!(Series {
    id,
    office,
    of,
    desk: text(64),
    key,
    since,
    frozen,
    closed
});

/// Section `directory/<region>`: offices and series of a region.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// The offices by ascending code.
    pub offices: Vec<Office>,
    /// The series by ascending id.
    pub series: Vec<Series>,
}
wire_array!(Directory version 1 "directory" { offices: list(MAX_ENTRIES), series: list(MAX_ENTRIES) });

impl Directory {
    /// An office of the region.
    #[must_use]
    pub fn office(&self, code: &OfficeCode) -> Option<&Office> {
        let found = self.offices.binary_search_by(|office| office.code.cmp(code)).ok()?;
        self.offices.get(found)
    }

    /// A series of the region.
    #[must_use]
    pub fn series(&self, id: SeriesId) -> Option<&Series> {
        let found = self.series.binary_search_by(|series| series.id.cmp(&id)).ok()?;
        self.series.get(found)
    }

    /// The regions in which offices stand that took the places of its own.
    #[must_use]
    pub fn successors(&self) -> BTreeSet<RegionId> {
        let successions = self.offices.iter().filter_map(|office| office.succession.as_ref());
        successions.map(|succession| succession.to.region.clone()).collect()
    }

    pub(super) fn office_mut(&mut self, code: &OfficeCode) -> Option<&mut Office> {
        let found = self.offices.binary_search_by(|office| office.code.cmp(code)).ok()?;
        self.offices.get_mut(found)
    }

    pub(super) fn series_mut(&mut self, id: SeriesId) -> Option<&mut Series> {
        let found = self.series.binary_search_by(|series| series.id.cmp(&id)).ok()?;
        self.series.get_mut(found)
    }

    pub(super) fn insert_office(&mut self, office: Office) {
        let place = self.offices.partition_point(|known| known.code < office.code);
        self.offices.insert(place, office);
    }
}
