//! Seals that were found to hold: many certificates of one block need its seal checked once.

use crate::bundle::TrustedState;
use crate::codec::to_vec;
use crate::digest::{Digest, sha256};
use crate::id::{Height, UnixMillis};
use crate::seal::Seal;
use std::collections::HashSet;

/// Most seals that are remembered, 32 bytes each.
const MOST: usize = 4_096;

/// Seals that hold by one trusted state. A verifier of many certificates keeps one for each thread; reports are the same with and
/// without it.
#[derive(Debug, Clone, Default)]
pub struct SealsSeen {
    /// Chain, height and time of the state by which they hold.
    by: Option<(Digest, Height, UnixMillis)>,
    holding: HashSet<Digest>,
}

impl SealsSeen {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the regions in force at a height sealed this block of it with this very seal.
    pub(super) fn hold(&mut self, state: &TrustedState, height: Height, seal: &Seal, block: &Digest) -> bool {
        let by = (state.chain_id(), state.height(), state.time());
        if self.by != Some(by) {
            self.by = Some(by);
            self.holding.clear();
        }
        // The seal itself is part of it: a broken one of a block that is known to be sealed is a broken one.
        let which = sha256(&[&height.0.to_be_bytes(), block.as_bytes(), &to_vec(seal)]);
        if self.holding.contains(&which) {
            return true;
        }
        let regions = state.regions_at(height);
        let holds = seal.verify(&state.chain_id(), height, block, regions).is_ok();
        if holds {
            if self.holding.len() >= MOST {
                self.holding.clear();
            }
            self.holding.insert(which);
        }
        holds
    }
}
