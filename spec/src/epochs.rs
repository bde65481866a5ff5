//! Epochs: which regions were in force from which height on, each set handed over by the one before (DESIGN 4.7).
//!
//! A block after which other regions are in force names both sets in its header and is sealed by the set until then. So
//! who knows the charter can follow the sets up to any height, and needs to believe nobody.

use crate::block::{Header, Rest};
use crate::charter::{Charter, CharterError};
use crate::codec::fields::wire_array;
use crate::digest::Digest;
use crate::id::Height;
use crate::seal::{RegionSet, Seal, SealError};

/// A sealed block after which other regions, or regions with other keys, are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The header.
    pub header: Header,
    /// What the header holds the digest of.
    pub rest: Rest,
    /// The seal, by the regions that were in force until then.
    pub seal: Seal,
}
wire_array!(Handover { header, rest, seal });

/// A handover with the regions that are in force after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The sealed block.
    pub handover: Handover,
    /// The regions from the next height on.
    pub regions: RegionSet,
}
wire_array!(Change { handover, regions });

/// Most changes of regions since the charter.
pub const MAX_CHANGES: usize = 1 << 16;
/// Most bytes of a history of regions.
pub const MAX_HISTORY: usize = 64 << 20;

/// Every change of regions up to a height, as it travels; nothing in it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionHistory {
    /// Height up to which there is no other change.
    pub height: Height,
    /// The changes, ascending.
    pub changes: Vec<Change>,
}
wire_array!(RegionHistory version 1 "region history" { height, changes: list(MAX_CHANGES) });

/// Why a set was not handed over to the next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// It does not come after the one before, or its header names another rest.
    #[error("the handover at block {0} is out of order or does not hold together")]
    Order(Height),
    /// The header names other regions, before or after.
    #[error("block {0} does not hand over from the regions in force to these")]
    Regions(Height),
    /// The seal does not hold.
    #[error("the seal of block {height}, which hands over to other regions, does not hold: {why}")]
    Seal {
        /// Height of the block.
        height: Height,
        /// What is wrong.
        why: SealError,
    },
}

/// The regions in force from height to height: checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epochs {
    first: RegionSet,
    later: Vec<(Height, RegionSet)>,
}

impl Epochs {
    /// The charter's regions, in force from block 1 on.
    ///
    /// # Errors
    /// The charter cannot found a federation.
    pub fn founded(charter: &Charter) -> Result<Self, CharterError> {
        Ok(Self {
            first: charter.region_set()?,
            later: Vec::new(),
        })
    }

    /// The regions in force at a height; past the last change, those that it brought.
    #[must_use]
    pub fn at(&self, height: Height) -> &RegionSet {
        let epoch = self.later.iter().rev().find(|(from, _)| *from <= height);
        epoch.map_or(&self.first, |(_, regions)| regions)
    }

    /// The last set that is known.
    #[must_use]
    pub fn last(&self) -> &RegionSet {
        self.later.last().map_or(&self.first, |(_, regions)| regions)
    }

    /// Takes over the next set, when a sealed block hands over to it.
    ///
    /// # Errors
    /// See [`HandoverError`]; nothing is taken.
    pub fn take(&mut self, handover: &Handover, next: RegionSet, chain_id: &Digest) -> Result<(), HandoverError> {
        let height = handover.header.height;
        let after = self.later.last().is_none_or(|(from, _)| *from <= height);
        let from = height.next().filter(|_| after && height > Height(0));
        let from = from.ok_or(HandoverError::Order(height))?;
        if handover.header.rest != handover.rest.digest() {
            return Err(HandoverError::Order(height));
        }
        let now = self.last();
        if handover.rest.regions_now != now.digest() || handover.rest.regions_next != next.digest() {
            return Err(HandoverError::Regions(height));
        }
        let sealed = handover.seal.verify(chain_id, height, &handover.header.hash(), now);
        sealed.map_err(|why| HandoverError::Seal { height, why })?;
        self.later.push((from, next));
        Ok(())
    }

    /// Follows a whole history from the charter on.
    ///
    /// # Errors
    /// See [`HandoverError`].
    pub fn follow(&mut self, history: RegionHistory, chain_id: &Digest) -> Result<(), HandoverError> {
        let mut changes = history.changes.into_iter();
        changes.try_for_each(|change| self.take(&change.handover, change.regions, chain_id))
    }
}
