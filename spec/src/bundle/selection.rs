//! Which types and regions a bundle is about.

use crate::codec::fields::wire_array;
use crate::id::{RegionId, TypeId};
use crate::ledger::{SectionName, SectionRoot};
use std::collections::BTreeSet;

/// Most types, and most regions, that a selection names.
pub const MAX_SELECTED: usize = 4_096;

/// A choice of types and regions. `None` is all, those that come later too.
///
/// `catalogue`, `charter`, `federation` and `recognition` are in every selection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Selection {
    types: Option<Vec<TypeId>>,
    regions: Option<Vec<RegionId>>,
}
wire_array!(Selection {
    types: optional_list(MAX_SELECTED),
    regions: optional_list(MAX_SELECTED)
});

impl Selection {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// These types of these regions; `None` is all. `None` where more than [`MAX_SELECTED`] are named.
    #[must_use]
    pub fn of(types: Option<BTreeSet<TypeId>>, regions: Option<BTreeSet<RegionId>>) -> Option<Self> {
        let chosen = Self {
            types: types.map(|types| types.into_iter().collect()),
            regions: regions.map(|regions| regions.into_iter().collect()),
        };
        chosen.is_valid().then_some(chosen)
    }

    /// Whether it is everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.types.is_none() && self.regions.is_none()
    }

    /// The types, ascending; `None` for all.
    #[must_use]
    pub fn types(&self) -> Option<&[TypeId]> {
        self.types.as_deref()
    }

    /// The regions, ascending; `None` for all.
    #[must_use]
    pub fn regions(&self) -> Option<&[RegionId]> {
        self.regions.as_deref()
    }

    /// Whether it is in its one form: ascending, each once.
    pub(super) fn is_valid(&self) -> bool {
        let ascend = |count: usize, sorted: bool| count <= MAX_SELECTED && sorted;
        let types = self.types.as_deref().unwrap_or_default();
        let regions = self.regions.as_deref().unwrap_or_default();
        ascend(types.len(), types.is_sorted_by(|a, b| a < b))
            && ascend(regions.len(), regions.is_sorted_by(|a, b| a < b))
    }

    /// Which of the sections of a state it takes: of the status sections those of its types in its regions, of the directories
    /// those of its regions, and of these, where it names types, only those that a series of such a type stands in; and with a
    /// directory those in which the offices stand that took the places of its own. `successors` says which they are
    /// ([`Directory::successors`](crate::ledger::Directory::successors)).
    #[must_use]
    pub fn names(
        &self,
        roots: &[SectionRoot],
        successors: impl Fn(&RegionId) -> BTreeSet<RegionId>,
    ) -> BTreeSet<SectionName> {
        let mut taken = self.named(roots);
        let directories = taken.iter().filter_map(SectionName::directory).cloned();
        let mut open: Vec<RegionId> = directories.collect();
        while let Some(region) = open.pop() {
            for next in successors(&region) {
                let name = SectionName::Directory(next.clone());
                if roots.iter().any(|root| root.name == name) && taken.insert(name) {
                    open.push(next);
                }
            }
        }
        taken
    }

    /// What it takes by types and regions alone.
    pub(super) fn named(&self, roots: &[SectionRoot]) -> BTreeSet<SectionName> {
        let of_region = |region: &RegionId| {
            let known = self.regions.as_ref();
            known.is_none_or(|known| known.binary_search(region).is_ok())
        };
        let of_type = |kind: &TypeId| {
            let known = self.types.as_ref();
            known.is_none_or(|known| known.binary_search(kind).is_ok())
        };
        let mut taken = BTreeSet::new();
        for root in roots {
            match &root.name {
                SectionName::Catalogue | SectionName::Charter | SectionName::Federation | SectionName::Recognition => {
                    taken.insert(root.name.clone());
                }
                SectionName::Directory(region) => {
                    if self.types.is_none() && of_region(region) {
                        taken.insert(root.name.clone());
                    }
                }
                SectionName::Status(kind, region) => {
                    if of_region(region) && of_type(kind) {
                        taken.insert(SectionName::Directory(region.clone()));
                        taken.insert(root.name.clone());
                    }
                }
            }
        }
        taken
    }
}
