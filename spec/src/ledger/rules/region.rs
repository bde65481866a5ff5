//! What a region's authority says about its node, its observers and its own keyring.

use crate::id::RegionId;
use crate::id::{Height, UnixMillis};
use crate::key::keyring::Keyring;
use crate::ledger::federation::{EFFECT_AFTER_BLOCKS, ROTATION_WAIT_MS, Region, Rotation};
use crate::ledger::{BlockContext, LedgerState, MAX_TERMS_OF_REGION, Outcome, Rejection};
use crate::record::{NodeKeys, Observers};

impl LedgerState {
    pub(super) fn rotate_node(
        &mut self,
        region: &RegionId,
        keys: &NodeKeys,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let own = self.in_force(region, at)?;
        if let Some(change) = own.changes_after(at.height) {
            return Err(Rejection::ChangePending {
                region: region.clone(),
                at: change,
            });
        }
        if own.terms.len() >= MAX_TERMS_OF_REGION {
            return Err(Rejection::ChangeNotPossible("the node's keys were changed too often"));
        }
        self.check_node_keys(keys, Some(region))?;
        let from = effect(at);
        self.change_federation(|federation| {
            if let Some(own) = federation.region_mut(region) {
                own.rotate_node(from, keys);
            }
        });
        Ok(Outcome::Done)
    }

    /// That keys are proved, and no other node has or had them; `own` is the region that may keep its peer id.
    pub(super) fn check_node_keys(&self, keys: &NodeKeys, own: Option<&RegionId>) -> Result<(), Rejection> {
        if !keys.possession.verify(&keys.seal_key) {
            return Err(Rejection::Possession);
        }
        for region in &self.federation.regions {
            let term = |used: &dyn Fn(&crate::ledger::Term) -> bool| region.terms.iter().any(used);
            if term(&|term| term.consensus_key == keys.consensus_key) {
                return Err(Rejection::NodeKeyInUse("consensus key"));
            }
            if term(&|term| term.seal_key == keys.seal_key) {
                return Err(Rejection::NodeKeyInUse("seal key"));
            }
            let peer = region.peer_id == keys.peer_id && own != Some(&region.region);
            if peer || region.observers.iter().any(|observer| observer.peer_id == keys.peer_id) {
                return Err(Rejection::NodeKeyInUse("peer id"));
            }
        }
        Ok(())
    }

    pub(super) fn rotate_authority(
        &mut self,
        region: &RegionId,
        keyring: &Keyring,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let own = self.member(region, at)?;
        if own.rotation.as_ref().is_some_and(|rotation| rotation.from > at.time) {
            return Err(Rejection::RotationPending(region.clone()));
        }
        if own.authority_at(at.time) == keyring {
            return Err(Rejection::NothingChanges);
        }
        let rotation = Rotation {
            keyring: keyring.clone(),
            from: UnixMillis(at.time.0.saturating_add(ROTATION_WAIT_MS)),
        };
        let time = at.time;
        self.change_federation(|federation| {
            if let Some(own) = federation.region_mut(region) {
                // One that is due already has taken effect: it is the keyring from which this one starts.
                own.authority = own.authority_at(time).clone();
                own.rotation = Some(rotation);
            }
        });
        Ok(Outcome::Done)
    }

    pub(super) fn cancel_rotation(&mut self, region: &RegionId, at: &BlockContext) -> Result<Outcome, Rejection> {
        self.check_rotation(region, at)?;
        self.change_federation(|federation| {
            if let Some(own) = federation.region_mut(region) {
                own.rotation = None;
            }
        });
        Ok(Outcome::Done)
    }

    /// That another keyring waits for its time.
    pub(super) fn check_rotation(&self, region: &RegionId, at: &BlockContext) -> Result<(), Rejection> {
        let waiting = self.federation.region(region).and_then(|found| found.rotation.as_ref());
        if waiting.is_some_and(|rotation| rotation.from > at.time) {
            return Ok(());
        }
        Err(Rejection::NoRotation(region.clone()))
    }

    pub(super) fn set_observers(
        &mut self,
        region: &RegionId,
        body: &Observers,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let own = self.member(region, at)?;
        if own.observers == body.observers {
            return Err(Rejection::NothingChanges);
        }
        if !body.observers.is_sorted_by(|a, b| a.peer_id < b.peer_id) {
            return Err(Rejection::Observers("they do not ascend by peer id, each once"));
        }
        for observer in &body.observers {
            let taken = self.federation.regions.iter().any(|other| {
                other.peer_id == observer.peer_id
                    || (other.region != *region
                        && other.observers.iter().any(|known| known.peer_id == observer.peer_id))
            });
            if taken {
                return Err(Rejection::Observers("a peer id is another node's"));
            }
        }
        self.change_federation(|federation| {
            if let Some(own) = federation.region_mut(region) {
                own.observers.clone_from(&body.observers);
            }
        });
        Ok(Outcome::Done)
    }

    fn member(&self, region: &RegionId, at: &BlockContext) -> Result<&Region, Rejection> {
        let found = self
            .federation
            .region(region)
            .filter(|found| found.is_member_at(at.height));
        found.ok_or_else(|| Rejection::RegionNotInForce {
            region: region.clone(),
            standing: "removed",
        })
    }

    /// A region that is in both quorums.
    pub(super) fn in_force(&self, region: &RegionId, at: &BlockContext) -> Result<&Region, Rejection> {
        let found = self.member(region, at)?;
        if found.term_at(at.height).is_some() {
            return Ok(found);
        }
        let suspended = found.suspended.is_some_and(|from| from <= at.height);
        Err(Rejection::RegionNotInForce {
            region: region.clone(),
            standing: if suspended { "suspended" } else { "not in force yet" },
        })
    }
}

/// Height from which on a change is in force that is recorded now.
pub(super) fn effect(at: &BlockContext) -> Height {
    Height(at.height.0.saturating_add(EFFECT_AFTER_BLOCKS))
}
