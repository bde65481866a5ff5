//! How offices stand: whether they may act, what they may issue, who took their place.
//!
//! Nothing of this is written down; it follows from the offices themselves each time it is asked. So suspending a parent
//! stops its sub-offices, and reinstating it restores exactly what was.

use super::directory::{Directory, Office, Series};
use super::federation::Federation;
use crate::id::{Height, OfficeId, RegionId, TypeId};

/// Most steps from an office to the top: levels and successions.
pub const MAX_STEPS: usize = 64;

/// Where offices and regions are looked up: in a ledger's state, or in a bundle.
pub trait Offices {
    /// Section `federation`.
    fn federation(&self) -> &Federation;
    /// Section `directory/<region>`.
    fn directory(&self, region: &RegionId) -> Option<&Directory>;

    /// An office.
    fn office(&self, id: &OfficeId) -> Option<&Office> {
        self.directory(&id.region)?.office(&id.code)
    }
}

/// Why an office may not act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{because} is {standing}")]
pub struct Inactive {
    /// Itself, an office above it, or its region.
    pub because: String,
    /// `suspended`, `closed`, `succeeded`, `removed` or `unknown`.
    pub standing: &'static str,
}

/// The office in the place of `id` at a height: itself, or its successor's successor.
#[must_use]
pub fn holder_at(offices: &dyn Offices, id: &OfficeId, height: Height) -> OfficeId {
    let mut holder = id.clone();
    for _ in 0..MAX_STEPS {
        let succession = offices.office(&holder).and_then(|office| office.succession.as_ref());
        match succession.filter(|succession| succession.at <= height) {
            Some(succession) => holder = succession.to.clone(),
            None => break,
        }
    }
    holder
}

/// An office and those that followed it, in order; at most [`MAX_STEPS`].
#[must_use]
pub fn holders(offices: &dyn Offices, id: &OfficeId) -> Vec<OfficeId> {
    let next = |id: &OfficeId| Some(offices.office(id)?.succession.as_ref()?.to.clone());
    std::iter::successors(Some(id.clone()), next).take(MAX_STEPS).collect()
}

/// Who holds a series of a region at a height.
#[must_use]
pub fn series_holder_at(offices: &dyn Offices, region: &RegionId, series: &Series, height: Height) -> OfficeId {
    let opened_by = OfficeId::new(region.clone(), series.office.clone());
    holder_at(offices, &opened_by, height)
}

/// An office and those above it, from below; an office above that was succeeded is stood for by its successor.
/// At most [`MAX_STEPS`]; an unknown office ends it.
pub fn upwards<'a>(offices: &'a dyn Offices, id: &OfficeId) -> impl Iterator<Item = (OfficeId, &'a Office)> {
    let mut next = Some(id.clone());
    std::iter::from_fn(move || {
        let id = next.take()?;
        let office = offices.office(&id)?;
        let parent = office.parent.as_ref();
        next = parent.map(|parent| {
            holder_at(
                offices,
                &OfficeId::new(id.region.clone(), parent.clone()),
                Height(u64::MAX),
            )
        });
        Some((id, office))
    })
    .take(MAX_STEPS)
}

/// Whether an office may act: neither it, nor one above it, nor their region is suspended as an office, closed, succeeded or removed.
///
/// # Errors
/// The first that is not active, and why.
pub fn check_active(offices: &dyn Offices, id: &OfficeId, height: Height) -> Result<(), Inactive> {
    let inactive = |because: String, standing| Err(Inactive { because, standing });
    let mut steps = 0_usize;
    for (id, office) in upwards(offices, id) {
        steps = steps.saturating_add(1);
        let standing = if office.succession.is_some() {
            Some("succeeded")
        } else if office.closed.is_some() {
            Some("closed")
        } else {
            office.suspended.map(|_| "suspended")
        };
        if let Some(standing) = standing {
            return inactive(format!("office {id}"), standing);
        }
        let federation = offices.federation();
        let holder = federation.holder_of(&id.region);
        if !federation
            .region(holder)
            .is_some_and(|region| region.is_member_at(height))
        {
            return inactive(format!("region {holder}"), "removed");
        }
    }
    match steps {
        0 => inactive(format!("office {id}"), "unknown"),
        MAX_STEPS => inactive(format!("office {id}"), "too deep below others"),
        _ => Ok(()),
    }
}

/// Whether a type is in the scope of an office and of every office above it.
#[must_use]
pub fn in_scope(offices: &dyn Offices, id: &OfficeId, kind: &TypeId) -> bool {
    let mut above = upwards(offices, id).peekable();
    above.peek().is_some() && above.all(|(_, office)| office.scope.has(kind))
}

/// The least number of keys that must sign for an office: the highest threshold of those above it and of itself.
#[must_use]
pub fn least_threshold(offices: &dyn Offices, id: &OfficeId) -> (OfficeId, usize) {
    let all = upwards(offices, id).map(|(id, office)| (id, office.keyring.threshold()));
    all.max_by_key(|(_, threshold)| *threshold).unwrap_or((id.clone(), 0))
}

/// The office that lets `id` issue a type: itself where the type is in its scope, or one of the lenders, whose delegation is
/// not over.
#[must_use]
pub fn issues_for<'a>(
    offices: &dyn Offices,
    id: &OfficeId,
    kind: &TypeId,
    mut lenders: impl Iterator<Item = &'a OfficeId>,
    height: Height,
) -> Option<OfficeId> {
    if in_scope(offices, id, kind) {
        return Some(id.clone());
    }
    lenders.find(|from| lends(offices, from, id, kind, height)).cloned()
}

/// Whether what an office delegated may be issued: while it may act and issue the type itself, for no more regions than its own, and
/// by no fewer keys.
fn lends(offices: &dyn Offices, from: &OfficeId, to: &OfficeId, kind: &TypeId, height: Height) -> bool {
    check_active(offices, from, height).is_ok()
        && in_scope(offices, from, kind)
        && reaches_no_further(offices, to, from)
        && signs_with_as_many(offices, to, from)
}

/// Whether an office signs with at least as many keys as another must.
#[must_use]
pub fn signs_with_as_many(offices: &dyn Offices, id: &OfficeId, than: &OfficeId) -> bool {
    let (_, least) = least_threshold(offices, than);
    offices
        .office(id)
        .is_some_and(|office| office.keyring.threshold() >= least)
}

/// Whether credentials that an office issues are valid in a region, by its scope and those above it.
#[must_use]
pub fn reaches(offices: &dyn Offices, id: &OfficeId, region: &RegionId) -> bool {
    upwards(offices, id).all(|(_, office)| office.scope.reaches(region))
}

/// Whether what `id` issues is valid only where what `than` issues is: nobody's credentials reach further by delegation.
#[must_use]
pub fn reaches_no_further(offices: &dyn Offices, id: &OfficeId, than: &OfficeId) -> bool {
    if upwards(offices, than).all(|(_, office)| office.scope.regions.is_none()) {
        return true;
    }
    // Without a list of its own it reaches every region, also those that are not there yet.
    let Some(listed) = upwards(offices, id).find_map(|(_, office)| office.scope.regions.as_ref()) else {
        return false;
    };
    let mut own = listed.iter().filter(|region| reaches(offices, id, region));
    own.all(|region| reaches(offices, than, region))
}
