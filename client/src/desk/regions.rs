//! The regions that sealed a block, whichever was in force then: followed from the charter on, believed to nobody.

use crate::transport::TransportError;
use concord_spec::charter::{Charter, CharterError};
use concord_spec::digest::Digest;
use concord_spec::epochs::{Epochs, HandoverError, RegionHistory};
use concord_spec::id::Height;
use concord_spec::seal::RegionSet;
use std::cell::RefCell;

/// What is known of the regions from height to height.
#[derive(Debug)]
pub struct Regions {
    chain_id: Digest,
    charter: Charter,
    known: RefCell<(Height, Epochs)>,
}

/// Why the regions of a block are not known.
#[derive(Debug, thiserror::Error)]
pub enum RegionsError {
    /// The node does not tell.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The charter cannot found a federation.
    #[error(transparent)]
    Charter(#[from] CharterError),
    /// What the node tells does not follow from the charter.
    #[error("the node does not prove which regions are in force: {0}; ask another node")]
    Handover(#[from] HandoverError),
}

impl Regions {
    /// Of the charter's federation; nothing later is known yet.
    ///
    /// # Errors
    /// [`RegionsError::Charter`].
    pub fn new(charter: &Charter) -> Result<Self, RegionsError> {
        Ok(Self {
            chain_id: charter.chain_id(),
            charter: charter.clone(),
            known: RefCell::new((Height(0), Epochs::founded(charter)?)),
        })
    }

    /// The regions in force at a height. What is later than the last change that was proved is asked for each time: that there was
    /// no other change since, nothing but a seal proves.
    ///
    /// # Errors
    /// See [`RegionsError`].
    pub fn at(
        &self,
        height: Height,
        ask: impl FnOnce() -> Result<RegionHistory, TransportError>,
    ) -> Result<RegionSet, RegionsError> {
        if height > self.known.borrow().0 {
            let history = ask()?;
            let last = history
                .changes
                .last()
                .map_or(Height(0), |change| change.handover.header.height);
            let mut epochs = Epochs::founded(&self.charter)?;
            epochs.follow(history, &self.chain_id)?;
            // A node that tells less than was proved before tells nothing new.
            if last > self.known.borrow().0 {
                self.known.replace((last, epochs));
            }
        }
        Ok(self.known.borrow().1.at(height).clone())
    }
}
