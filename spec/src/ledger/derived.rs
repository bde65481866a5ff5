//! What follows from the sections and is asked often: how full each owner's share is, and what stands under or before an
//! office. Not hashed and not kept: made anew when a state is loaded, changed with each record, never by looking at all.

use super::directory::{Delegation, Directory, Office};
use super::standing::{self, MAX_STEPS};
use super::{LedgerState, shares};
use crate::catalogue::TypeDefinition;
use crate::id::{Height, OfficeId, RegionId, TypeId, UnixMillis};
use crate::recognition::Terms;
use rpds::RedBlackTreeMapSync;
use std::collections::BTreeMap;

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
    /// How many offices that are not gone stand directly below an office, whose place nobody took, by the region in whose
    /// directory they are.
    below: RedBlackTreeMapSync<OfficeId, BTreeMap<RegionId, usize>>,
    /// Length of the longest row of successions that ends in an office, counting one for itself; only where there is one.
    rows: Counts<OfficeId>,
    /// Which offices let an office issue a type, and until when: over or not.
    lenders: RedBlackTreeMapSync<(OfficeId, TypeId), BTreeMap<OfficeId, UnixMillis>>,
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
    /// From the sections of a state that was loaded.
    pub(super) fn of(state: &LedgerState) -> Self {
        let mut derived = Self::default();
        for entry in &state.catalogue.types {
            derived.add_type(&entry.definition);
        }
        for declaration in &state.recognition.declarations {
            derived.add_declaration(&declaration.recogniser, &declaration.terms);
        }
        for (region, directory) in &state.directories {
            derived.add_directory(region, directory);
            for office in &directory.offices {
                derived.add_office(state, &OfficeId::new(region.clone(), office.code.clone()), office);
            }
        }
        derived
    }

    /// Adds how an office stands to others.
    fn add_office(&mut self, state: &LedgerState, id: &OfficeId, office: &Office) {
        for delegation in &office.delegations {
            self.add_lender(id, delegation);
        }
        let parent = office.parent.as_ref().filter(|_| !office.is_gone());
        if let Some(parent) = parent {
            let parent = OfficeId::new(id.region.clone(), parent.clone());
            self.add_below(&standing::holder_at(state, &parent, Height(u64::MAX)), &id.region);
        }
        let (mut steps, mut last) = (1_usize, office);
        while let Some(succession) = last.succession.as_ref().filter(|_| steps < MAX_STEPS) {
            steps = steps.saturating_add(1);
            self.lengthen(&succession.to, steps);
            match state.office(&succession.to) {
                Some(next) => last = next,
                None => break,
            }
        }
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

    /// An office stands directly below this one, in the directory of a region.
    pub(super) fn add_below(&mut self, above: &OfficeId, region: &RegionId) {
        let mut counts = self.below.get(above).cloned().unwrap_or_default();
        let count = counts.entry(region.clone()).or_default();
        *count = count.saturating_add(1);
        self.below.insert_mut(above.clone(), counts);
    }

    /// It does not any more.
    pub(super) fn take_below(&mut self, above: &OfficeId, region: &RegionId) {
        let mut counts = self.below.get(above).cloned().unwrap_or_default();
        if let Some(count) = counts.get_mut(region) {
            *count = count.saturating_sub(1);
        }
        counts.retain(|_, count| *count > 0);
        if counts.is_empty() {
            self.below.remove_mut(above);
        } else {
            self.below.insert_mut(above.clone(), counts);
        }
    }

    /// An office takes the place of another: what stood below that stands below it, and the row is longer by one.
    pub(super) fn succeed(&mut self, office: &OfficeId, successor: &OfficeId) {
        if let Some(moved) = self.below.get(office).cloned() {
            self.below.remove_mut(office);
            let mut counts = self.below.get(successor).cloned().unwrap_or_default();
            for (region, more) in moved {
                let count = counts.entry(region).or_default();
                *count = count.saturating_add(more);
            }
            self.below.insert_mut(successor.clone(), counts);
        }
        let length = self.row_of(office).saturating_add(1);
        self.lengthen(successor, length);
    }

    fn lengthen(&mut self, office: &OfficeId, length: usize) {
        if length > self.row_of(office) {
            self.rows.insert_mut(office.clone(), length);
        }
    }

    /// An office lets another issue a type.
    pub(super) fn add_lender(&mut self, from: &OfficeId, delegation: &Delegation) {
        let key = (delegation.to.clone(), delegation.kind.clone());
        let mut lenders = self.lenders.get(&key).cloned().unwrap_or_default();
        lenders.insert(from.clone(), delegation.until);
        self.lenders.insert_mut(key, lenders);
    }

    /// It does not any more.
    pub(super) fn take_lender(&mut self, from: &OfficeId, delegation: &Delegation) {
        let key = (delegation.to.clone(), delegation.kind.clone());
        let mut lenders = self.lenders.get(&key).cloned().unwrap_or_default();
        lenders.remove(from);
        if lenders.is_empty() {
            self.lenders.remove_mut(&key);
        } else {
            self.lenders.insert_mut(key, lenders);
        }
    }

    /// The regions in whose directories offices stand directly below this one.
    pub(super) fn regions_below(&self, office: &OfficeId) -> impl Iterator<Item = &RegionId> {
        self.below.get(office).into_iter().flat_map(BTreeMap::keys)
    }

    /// Length of the longest row of successions that ends in an office, counting one for itself.
    pub(super) fn row_of(&self, office: &OfficeId) -> usize {
        self.rows.get(office).copied().unwrap_or(1)
    }

    /// Who lets an office issue a type, and until when: over or not.
    pub(super) fn lenders_of(&self, office: &OfficeId, kind: &TypeId) -> impl Iterator<Item = (&OfficeId, UnixMillis)> {
        let lenders = self.lenders.get(&(office.clone(), kind.clone()));
        lenders.into_iter().flatten().map(|(from, until)| (from, *until))
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
