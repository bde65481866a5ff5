//! Changes of the federation, and what a region says about its node and keyring.

use super::Case;
use super::envelope::admitted_domain;
use crate::scene::{
    DAY_MS, HOUR_MS, LICENCE, append_after, by_region_until, card_with, key, keyring, labels, node_keys, passed,
    propose, proposed, region, seal_key, version_of, vote,
};
use concord_spec::charter::{CharterRegion, Parameters};
use concord_spec::digest::Digest;
use concord_spec::id::{DomainId, Height, OfficeId};
use concord_spec::record::{
    Action, Actor, Change, Domain, NodeKeys, Nothing, Observer, Observers, ReplaceKeyring, SignedRecord, SucceedRegion,
    VersionChange, Versioned,
};
use concord_spec::world::{World, consensus_key};

pub(crate) const VOTES: &[Case] = &[
    ("UNKNOWN_PROPOSAL", |world| {
        world.by_region(vote(Digest::ZERO, true)).unwrap()
    }),
    // One that passed is gone.
    ("UNKNOWN_PROPOSAL", |world| {
        let id = proposed(world, heartbeat(5_000));
        let votes = [1, 2].map(|index| world.by_region_at(index, vote(id, true)).unwrap());
        world.append(votes.into()).unwrap();
        world.by_region_at(3, vote(id, true)).unwrap()
    }),
    // And so is one that two of four refused.
    ("UNKNOWN_PROPOSAL", |world| {
        let id = proposed(world, heartbeat(5_000));
        let votes = [1, 2].map(|index| world.by_region_at(index, vote(id, false)).unwrap());
        world.append(votes.into()).unwrap();
        world.by_region_at(3, vote(id, true)).unwrap()
    }),
    ("PROPOSAL_OVER", |world| {
        let id = proposed(world, heartbeat(5_000));
        // The vote comes in the block a second after this one: a millisecond too late.
        append_after(world, 30 * DAY_MS - 999, Vec::new());
        world.by_region_at(1, vote(id, true)).unwrap()
    }),
    ("ALREADY_VOTED", |world| {
        let id = proposed(world, heartbeat(5_000));
        world.by_region(vote(id, true)).unwrap()
    }),
    ("ALREADY_VOTED", |world| {
        let id = proposed(world, heartbeat(5_000));
        let refusal = world.by_region_at(1, vote(id, false)).unwrap();
        world.append(vec![refusal]).unwrap();
        world.by_region_at(1, vote(id, false)).unwrap()
    }),
    ("TOO_MANY_PROPOSALS", |world| {
        for heartbeat_ms in 0..8 {
            proposed(world, heartbeat(5_000 + heartbeat_ms));
        }
        proposing(world, heartbeat(6_000))
    }),
    ("REGION_NOT_IN_FORCE", |world| {
        world.change(Change::SuspendRegion(region(3)), &[0, 1, 2]).unwrap();
        world.by_region_at(3, propose(heartbeat(5_000))).unwrap()
    }),
    ("REGION_NOT_IN_FORCE", |world| {
        let id = proposed(world, heartbeat(5_000));
        world.change(Change::SuspendRegion(region(3)), &[0, 1, 2]).unwrap();
        world.by_region_at(3, vote(id, true)).unwrap()
    }),
    // In the block after its vote passed a region is admitted and not in force yet.
    ("REGION_NOT_IN_FORCE", |world| {
        let card = world.card(4).unwrap();
        let id = proposed(world, Change::AdmitRegion(Box::new(card)));
        let votes = [1, 2].map(|index| world.by_region_at(index, vote(id, true)).unwrap());
        world.append(votes.into()).unwrap();
        world.by_region_at(4, propose(heartbeat(5_000))).unwrap()
    }),
    // The vote that would make what cannot be made any more does not count.
    ("CHANGE_NOT_POSSIBLE", |world| {
        let card = world.card(4).unwrap();
        let ids = [0, 1].map(|_| proposed(world, Change::AdmitRegion(Box::new(card.clone()))));
        for id in ids {
            let record = world.by_region_at(1, vote(id, true)).unwrap();
            world.append(vec![record]).unwrap();
        }
        let record = world.by_region_at(2, vote(ids[0], true)).unwrap();
        world.append(vec![record]).unwrap();
        world.by_region_at(2, vote(ids[1], true)).unwrap()
    }),
];

pub(crate) const CHANGES: &[Case] = &[
    ("CHANGE_NOT_POSSIBLE", |world| {
        let card = card_with(world, 3, 50);
        proposing(world, Change::AdmitRegion(Box::new(card)))
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        admission(world, |card| card.labels.clear())
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        admission(world, |card| card.region = "federation".parse().unwrap())
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        admitted_domain(world);
        admission(world, |card| card.region = "transport".parse().unwrap())
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        proposing(world, Change::ReinstateRegion(region(3)))
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        proposing(world, Change::RemoveRegion(region(9)))
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        world.change(Change::RemoveRegion(region(3)), &[0, 1, 2]).unwrap();
        proposing(world, Change::RemoveRegion(region(3)))
    }),
    // The last region in force can neither be suspended nor removed.
    ("CHANGE_NOT_POSSIBLE", |world| {
        alone(world);
        proposing(world, Change::SuspendRegion(region(0)))
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        alone(world);
        proposing(world, Change::RemoveRegion(region(0)))
    }),
    ("REGION_NOT_IN_FORCE", |world| {
        world.change(Change::SuspendRegion(region(3)), &[0, 1, 2]).unwrap();
        proposing(world, Change::SuspendRegion(region(3)))
    }),
    ("CHANGE_NOT_POSSIBLE", |world| proposing(world, heartbeat(999))),
    ("CHANGE_NOT_POSSIBLE", |world| proposing(world, heartbeat(3_600_001))),
    ("NOTHING_CHANGES", |world| {
        let now = world.state.federation().parameters.heartbeat_ms;
        proposing(world, heartbeat(now))
    }),
    ("CHANGE_NOT_POSSIBLE", |world| raise(world, 3, 1_000)),
    ("CHANGE_NOT_POSSIBLE", |world| {
        let next = world.state.next_height().0;
        raise(world, 2, next + 1)
    }),
    ("CHANGE_NOT_POSSIBLE", |world| domain(world, "110000", "北京")),
    ("CHANGE_NOT_POSSIBLE", |world| domain(world, "federation", "联盟")),
    ("CHANGE_NOT_POSSIBLE", |world| {
        admitted_domain(world);
        domain(world, "transport", "交通运输部")
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        let body = Domain {
            domain: DomainId::new("transport").unwrap(),
            labels: Vec::new(),
            keyring: keyring(1, [1]),
        };
        proposing(world, Change::AdmitDomain(body))
    }),
    ("TYPE_NOT_YOURS", |world| {
        let definition = world.definition.clone();
        proposing(world, Change::DefineType(Box::new(definition)))
    }),
    ("TYPE_NOT_YOURS", |world| {
        proposing(world, Change::CloseType(version_of(LICENCE, 1)))
    }),
    ("UNKNOWN_TYPE", |world| {
        proposing(world, Change::CloseType(version_of("federation.none", 1)))
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        replacement(world, Actor::Region(region(9)))
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        let office: OfficeId = world.office().unwrap();
        replacement(world, Actor::Office(office))
    }),
    ("CHANGE_NOT_POSSIBLE", |world| replacement(world, Actor::Nobody)),
    ("CHANGE_NOT_POSSIBLE", |world| succession(world, 9, 1)),
    ("CHANGE_NOT_POSSIBLE", |world| succession(world, 3, 1)),
    ("CHANGE_NOT_POSSIBLE", |world| {
        world.change(Change::RemoveRegion(region(3)), &[0, 1, 2]).unwrap();
        succession(world, 3, 3)
    }),
    ("CHANGE_NOT_POSSIBLE", |world| {
        world.change(Change::RemoveRegion(region(3)), &[0, 1, 2]).unwrap();
        succession(world, 3, 9)
    }),
    ("NO_ROTATION", |world| {
        proposing(world, Change::CancelRotation(region(3)))
    }),
    // A rotation of keys keeps no region from ending; its suspension waits for its removal, and its return for its suspension.
    ("CHANGE_PENDING", |world| {
        passed(world, Change::SuspendRegion(region(3)), &[0, 1, 2]);
        proposing(world, Change::RemoveRegion(region(3)))
    }),
    ("CHANGE_PENDING", |world| {
        passed(world, Change::SuspendRegion(region(3)), &[0, 1, 2]);
        proposing(world, Change::ReinstateRegion(region(3)))
    }),
    ("CHANGE_PENDING", |world| {
        passed(world, Change::RemoveRegion(region(3)), &[0, 1, 2]);
        proposing(world, Change::SuspendRegion(region(3)))
    }),
];

pub(crate) const NODES: &[Case] = &[
    ("CHANGE_PENDING", |world| {
        rotated(world, 3);
        let keys = node_keys(world, 52);
        world.by_region_at(3, Action::RotateNode(Box::new(keys))).unwrap()
    }),
    ("REGION_NOT_IN_FORCE", |world| {
        world.change(Change::SuspendRegion(region(3)), &[0, 1, 2]).unwrap();
        let keys = node_keys(world, 52);
        world.by_region_at(3, Action::RotateNode(Box::new(keys))).unwrap()
    }),
    ("NODE_KEY_IN_USE", |world| {
        rotation(world, |keys| keys.consensus_key = consensus_key(3).public())
    }),
    ("NODE_KEY_IN_USE", |world| {
        let taken = world.seal_keys[1].public();
        let possession = world.seal_keys[1].prove_possession();
        rotation(world, |keys| {
            keys.seal_key = taken;
            keys.possession = possession;
        })
    }),
    ("NODE_KEY_IN_USE", |world| {
        rotation(world, |keys| keys.peer_id = "peer-120000".to_owned())
    }),
    ("NODE_KEY_IN_USE", |world| {
        observed(world, "observer-1");
        rotation(world, |keys| keys.peer_id = "observer-1".to_owned())
    }),
    // A key that was used once is never used again, by nobody.
    ("NODE_KEY_IN_USE", |world| {
        rotated(world, 0);
        world.append(Vec::new()).unwrap();
        rotation(world, |keys| keys.consensus_key = consensus_key(0).public())
    }),
    ("NODE_KEY_IN_USE", |world| {
        admission(world, |card| card.consensus_key = consensus_key(2).public())
    }),
    ("POSSESSION", |world| {
        rotation(world, |keys| keys.possession = seal_key(99).prove_possession())
    }),
    ("POSSESSION", |world| {
        admission(world, |card| card.possession = seal_key(99).prove_possession())
    }),
    ("ROTATION_PENDING", |world| {
        authority_rotating(world);
        world.by_region(Action::RotateAuthority(keyring(1, [61]))).unwrap()
    }),
    ("NOTHING_CHANGES", |world| {
        let same = world.state.federation().region(&region(0)).unwrap().authority.clone();
        world.by_region(Action::RotateAuthority(same)).unwrap()
    }),
    ("NO_ROTATION", |world| {
        world.by_region(Action::CancelRotation(Nothing)).unwrap()
    }),
    // In force after 72 hours, it is no longer to be cancelled; and the old key no longer speaks.
    ("NO_ROTATION", |world| {
        authority_rotating(world);
        append_after(world, 72 * HOUR_MS - 1_000, Vec::new());
        let payload = world.payload(Actor::Region(region(0)), Action::CancelRotation(Nothing));
        SignedRecord::sign(payload, &[&key(60)])
    }),
    ("UNKNOWN_KEY", |world| {
        authority_rotating(world);
        append_after(world, 72 * HOUR_MS - 1_000, Vec::new());
        by_region_until(world, 0, HOUR_MS, Action::CancelRotation(Nothing))
    }),
    ("OBSERVERS", |world| observing(world, 0, &["b", "a"])),
    ("OBSERVERS", |world| observing(world, 0, &["a", "a"])),
    ("OBSERVERS", |world| observing(world, 0, &["peer-110000"])),
    ("OBSERVERS", |world| observing(world, 0, &["peer-120000"])),
    ("OBSERVERS", |world| {
        observed(world, "observer-1");
        observing(world, 1, &["observer-1"])
    }),
    ("NOTHING_CHANGES", |world| observing(world, 0, &[])),
];

fn heartbeat(heartbeat_ms: u64) -> Change {
    Change::SetParameters(Parameters { heartbeat_ms })
}

fn proposing(world: &mut World, change: Change) -> SignedRecord {
    world.by_region(propose(change)).unwrap()
}

/// The first region with all others suspended or removed.
fn alone(world: &mut World) {
    world.change(Change::RemoveRegion(region(3)), &[0, 1, 2]).unwrap();
    world.change(Change::RemoveRegion(region(2)), &[0, 1, 2]).unwrap();
    world.change(Change::SuspendRegion(region(1)), &[0, 1]).unwrap();
}

fn admission(world: &mut World, change: impl FnOnce(&mut CharterRegion)) -> SignedRecord {
    let mut card = world.card(4).unwrap();
    change(&mut card);
    proposing(world, Change::AdmitRegion(Box::new(card)))
}

fn raise(world: &mut World, version: u64, from: u64) -> SignedRecord {
    let change = VersionChange {
        subject: Versioned::Header,
        version,
        from: Height(from),
    };
    proposing(world, Change::RaiseVersion(change))
}

fn domain(world: &mut World, name: &str, label: &str) -> SignedRecord {
    let body = Domain {
        domain: DomainId::new(name).unwrap(),
        labels: labels(label),
        keyring: keyring(1, [1]),
    };
    proposing(world, Change::AdmitDomain(body))
}

fn replacement(world: &mut World, of: Actor) -> SignedRecord {
    let body = ReplaceKeyring {
        of,
        keyring: keyring(1, [1]),
    };
    proposing(world, Change::ReplaceKeyring(body))
}

fn succession(world: &mut World, of: usize, by: usize) -> SignedRecord {
    let body = SucceedRegion {
        region: region(of),
        successor: region(by),
    };
    proposing(world, Change::SucceedRegion(body))
}

/// A region's node rotates its keys, in force two blocks later.
fn rotated(world: &mut World, index: usize) {
    let keys = node_keys(world, 51);
    let record = world.by_region_at(index, Action::RotateNode(Box::new(keys))).unwrap();
    world.append(vec![record]).unwrap();
}

fn rotation(world: &mut World, change: impl FnOnce(&mut NodeKeys)) -> SignedRecord {
    let mut keys = node_keys(world, 53);
    change(&mut keys);
    world.by_region(Action::RotateNode(Box::new(keys))).unwrap()
}

fn authority_rotating(world: &mut World) {
    let record = world.by_region(Action::RotateAuthority(keyring(1, [60]))).unwrap();
    world.append(vec![record]).unwrap();
}

fn observing(world: &mut World, index: usize, peers: &[&str]) -> SignedRecord {
    let observer = |peer: &&str| Observer {
        peer_id: (*peer).to_owned(),
        name: "observer".to_owned(),
        addresses: Vec::new(),
    };
    let observers = peers.iter().map(observer).collect();
    world
        .by_region_at(index, Action::SetObservers(Observers { observers }))
        .unwrap()
}

fn observed(world: &mut World, peer: &str) {
    let record = observing(world, 0, &[peer]);
    world.append(vec![record]).unwrap();
}
