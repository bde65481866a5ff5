//! The sealed blocks after which other regions were in force.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use concord_spec::epochs::Handover;
use concord_spec::id::Height;
use concord_spec::ledger::LedgerState;

use crate::pool::{ChainError, ChainView, SealedBlock};

/// Handovers that were read from the log, by the height of the block: decided once, they stay. None: the set stayed the same.
#[derive(Debug, Default)]
pub struct Handovers(std::sync::Mutex<BTreeMap<Height, Option<Handover>>>);

impl Handovers {
    /// The sealed headers of the blocks before the last one after which other regions, or other keys, were in force. Each is
    /// read from the log once.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn up_to_tip(&self, chain: &dyn ChainView, state: &LedgerState) -> Result<Vec<Handover>, ChainError> {
        let tip = state.tip().height;
        let changes = state.federation().changes_of_regions().into_iter();
        // The last block under the old set. The last block of all stands for itself.
        let last_of_old = changes.filter_map(Height::previous).take_while(|height| *height < tip);
        let mut handovers = Vec::new();
        for height in last_of_old {
            let known = self.lock().get(&height).cloned();
            let handover = match known {
                Some(handover) => handover,
                None => {
                    let read = read_handover(chain, height)?;
                    self.lock().insert(height, read.clone());
                    read
                }
            };
            handovers.extend(handover);
        }
        Ok(handovers)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Height, Option<Handover>>> {
        // A panic elsewhere leaves a map of true facts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// None where a term ended and another began without another set: a rotation that was taken back before it was in force.
fn read_handover(chain: &dyn ChainView, height: Height) -> Result<Option<Handover>, ChainError> {
    let Some(SealedBlock { block, seal }) = chain.sealed_block(height)? else {
        return Err(ChainError::new(format!(
            "block {height}, after which the regions changed, is not in the log"
        )));
    };
    let (header, rest) = (block.header, block.rest);
    let changes = rest.regions_next != rest.regions_now;
    Ok(changes.then_some(Handover { header, rest, seal }))
}
