//! Who signs: every key that was ever made, and records signed well or badly.

use crate::dice::Dice;
use crate::naive::Naive;
use crate::scene::{self, HOUR_MS, exchanged, forged};
use concord_spec::digest::Digest;
use concord_spec::id::{OfficeId, RegionId, UnixMillis};
use concord_spec::key::bls::SealSecretKey;
use concord_spec::key::ed25519::{PublicKey, SecretKey};
use concord_spec::key::keyring::Keyring;
use concord_spec::record::{Action, Actor, NodeKeys, Payload, SignedRecord};
use concord_spec::world::{authority, consensus_key};
use std::collections::BTreeMap;

/// Keys by their public halves. Whoever knows the state can find who may sign.
#[derive(Debug)]
pub(crate) struct Players {
    keys: BTreeMap<PublicKey, SecretKey>,
    next: u64,
}

impl Players {
    pub(crate) fn new() -> Self {
        let founding = (0..8).flat_map(|index| [authority(index), consensus_key(index)]);
        Self {
            keys: founding.map(|key| (key.public(), key)).collect(),
            next: 1,
        }
    }

    pub(crate) fn fresh(&mut self) -> u64 {
        self.next += 1;
        let key = scene::key(self.next);
        self.keys.insert(key.public(), key);
        self.next
    }

    pub(crate) fn secret(&self, of: &PublicKey) -> &SecretKey {
        &self.keys[of]
    }

    /// A keyring of new keys.
    pub(crate) fn keyring(&mut self, dice: &mut Dice) -> Keyring {
        let count = 1 + dice.below(3);
        let threshold = usize::try_from(1 + dice.below(count)).unwrap();
        let numbers: Vec<u64> = (0..count).map(|_| self.fresh()).collect();
        scene::keyring(threshold, numbers)
    }

    pub(crate) fn node(&mut self) -> NodeKeys {
        let number = self.fresh();
        let seal: SealSecretKey = scene::seal_key(number);
        NodeKeys {
            consensus_key: scene::key(number).public(),
            seal_key: seal.public(),
            possession: seal.prove_possession(),
            peer_id: format!("peer-{number}"),
            addresses: Vec::new(),
        }
    }

    /// A record that says this, as a rule signed as it should be.
    pub(crate) fn sign(
        &mut self,
        dice: &mut Dice,
        naive: &Naive,
        time: UnixMillis,
        actor: Actor,
        action: Action,
    ) -> SignedRecord {
        let keyring = keyring_of(naive, &actor, time);
        let mut payload = Payload {
            chain_id: naive.charter.chain_id(),
            not_after: UnixMillis(time.0 + dice.below(24 * HOUR_MS + 1)),
            nonce: dice.nonce(),
            actor,
            action,
        };
        let defect = dice.below(200);
        match defect {
            0 => payload.chain_id = Digest::ZERO,
            1 => payload.not_after = UnixMillis(time.0 - 1),
            2 => payload.not_after = UnixMillis(time.0 + 30 * 24 * HOUR_MS + 1),
            3 => payload.not_after = UnixMillis(time.0 + 24 * HOUR_MS + 1),
            _ => {}
        }
        let stranger = scene::key(0);
        let mut keys: Vec<&SecretKey> = Vec::new();
        if let Some(keyring) = &keyring {
            let count = keyring.threshold();
            let from = usize::try_from(dice.below(3))
                .unwrap()
                .min(keyring.keys().len() - count);
            keys = keyring.keys()[from..from + count]
                .iter()
                .map(|key| self.secret(key))
                .collect();
        }
        match defect {
            4 => drop(keys.pop()),
            5 => keys.push(&stranger),
            6 if !keys.is_empty() => {
                keys.pop();
                keys.push(&stranger);
            }
            _ => {}
        }
        let record = SignedRecord::sign(payload, &keys);
        match (defect, keys.len()) {
            (7..=12, 2) => exchanged(&record),
            (13, 1..) => forged(&record),
            _ => record,
        }
    }
}

/// The keyring that speaks for an actor.
pub(crate) fn keyring_of(naive: &Naive, actor: &Actor, time: UnixMillis) -> Option<Keyring> {
    match actor {
        Actor::Region(region) => {
            let found = naive.regions.get(region)?;
            let due = found.rotation.as_ref().filter(|rotation| rotation.from <= time);
            Some(due.map_or(&found.authority, |rotation| &rotation.keyring).clone())
        }
        Actor::Domain(domain) => Some(naive.domains.get(domain)?.keyring.clone()),
        Actor::Office(office) => Some(naive.offices.get(office)?.keyring.clone()),
        Actor::Nobody => None,
    }
}

pub(crate) fn any_region(dice: &mut Dice, naive: &Naive) -> RegionId {
    dice.pick(naive.regions.keys().cloned()).unwrap()
}

pub(crate) fn any_office(dice: &mut Dice, naive: &Naive) -> Option<OfficeId> {
    if dice.chance(2) {
        return Some(scene::Desk::new(0, "NONE", 1, [1]).id);
    }
    dice.pick(naive.offices.keys().cloned())
}

/// Whose the offices of a region are, most of the time.
pub(crate) fn region_over(dice: &mut Dice, naive: &Naive, office: &OfficeId) -> RegionId {
    if dice.chance(6) {
        return any_region(dice, naive);
    }
    naive.holder(&office.region)
}
