//! What follows from the sections and is asked often: how full each owner's share is, and what stands under or before an
//! office. Not hashed and not kept: made anew when a state is loaded, changed with each record, never by looking at all.

use super::directory::{Directory, Office};
use super::sections::Catalogue;
use super::shares;
use crate::catalogue::TypeDefinition;
use crate::id::{OfficeId, RegionId};
use crate::recognition::{Recognition, Terms};
use rpds::RedBlackTreeMapSync;

type Counts<K> = RedBlackTreeMapSync<K, usize>;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Derived {
    /// Bytes charged to the owner of types.
    types: Counts<String>,
    /// Bytes charged to a region's declarations.
    declarations: Counts<RegionId>,
    /// Bytes charged to a directory.
    directories: Counts<RegionId>,
    /// Bytes charged to an office that its region registered, and all below it.
    branches: Counts<OfficeId>,
}

fn add<K: Ord + Clone + Send + Sync>(counts: &mut Counts<K>, key: K, more: usize) {
    let count = counts.get(&key).copied().unwrap_or_default().saturating_add(more);
    counts.insert_mut(key, count);
}

fn take<K: Ord + Clone + Send + Sync>(counts: &mut Counts<K>, key: &K, less: usize) {
    let count = counts.get(key).copied().unwrap_or_default().saturating_sub(less);
    if count == 0 {
        counts.remove_mut(key);
    } else {
        counts.insert_mut(key.clone(), count);
    }
}

impl Derived {
    /// From sections that were loaded.
    pub(super) fn of<'a>(
        catalogue: &Catalogue,
        recognition: &Recognition,
        directories: impl Iterator<Item = (&'a RegionId, &'a Directory)>,
    ) -> Self {
        let mut derived = Self::default();
        for entry in &catalogue.types {
            derived.add_type(&entry.definition);
        }
        for declaration in &recognition.declarations {
            derived.add_declaration(&declaration.recogniser, &declaration.terms);
        }
        for (region, directory) in directories {
            derived.add_directory(region, directory);
        }
        derived
    }

    fn add_directory(&mut self, region: &RegionId, directory: &Directory) {
        for office in &directory.offices {
            if let Some(branch) = branch(region, directory, office) {
                self.charge(&branch, shares::of_office(office));
            }
        }
        for series in &directory.series {
            let office = directory.office(&series.office);
            if let Some(branch) = office.and_then(|office| branch(region, directory, office)) {
                self.charge(&branch, shares::SERIES);
            }
        }
    }

    pub(super) fn add_type(&mut self, definition: &TypeDefinition) {
        let owner = definition.reference.id.owner().unwrap_or_default().to_owned();
        add(&mut self.types, owner, shares::of_type(definition));
    }

    pub(super) fn add_declaration(&mut self, region: &RegionId, terms: &Terms) {
        add(&mut self.declarations, region.clone(), shares::of_declaration(terms));
    }

    /// Charges more to a branch and its directory.
    pub(super) fn charge(&mut self, branch: &OfficeId, more: usize) {
        add(&mut self.directories, branch.region.clone(), more);
        add(&mut self.branches, branch.clone(), more);
    }

    /// Takes back what was charged to a branch and its directory.
    pub(super) fn discharge(&mut self, branch: &OfficeId, less: usize) {
        take(&mut self.directories, &branch.region, less);
        take(&mut self.branches, branch, less);
    }

    /// Bytes charged to the types of an owner.
    pub(super) fn types_of(&self, owner: &str) -> usize {
        self.types.get(owner).copied().unwrap_or_default()
    }

    /// Bytes charged to the declarations of a region.
    pub(super) fn declarations_of(&self, region: &RegionId) -> usize {
        self.declarations.get(region).copied().unwrap_or_default()
    }

    /// Bytes charged to a directory.
    pub(super) fn directory_of(&self, region: &RegionId) -> usize {
        self.directories.get(region).copied().unwrap_or_default()
    }

    /// Bytes charged to an office that its region registered, and all below it.
    pub(super) fn branch_of(&self, office: &OfficeId) -> usize {
        self.branches.get(office).copied().unwrap_or_default()
    }
}

/// The office of the same directory that the region registered and under which an office was registered; itself, if the region
/// registered it. Levels grow downwards, so that there are few steps.
pub(super) fn branch(region: &RegionId, directory: &Directory, office: &Office) -> Option<OfficeId> {
    let mut top = office;
    while let Some(parent) = &top.parent {
        top = directory.office(parent).filter(|above| above.level < top.level)?;
    }
    Some(OfficeId::new(region.clone(), top.code.clone()))
}
