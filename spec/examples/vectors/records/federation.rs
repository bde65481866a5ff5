//! Changes of the federation, what regions and domain authorities say of themselves, evidence.

use super::{Case, Error, LaterCase, Made, code, labels};
use concord_spec::catalogue::{
    ClaimDefinition, ClaimKind, Classification, Printed, Sensitivity, TypeDefinition, TypeRef,
};
use concord_spec::charter::{Address, Parameters};
use concord_spec::digest::Digest;
use concord_spec::id::{DomainId, Height, OfficeCode, OfficeId, RegionId, SeriesId, TypeId, TypeVersion, UnixMillis};
use concord_spec::key::bls::SealSecretKey;
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::record::{
    Action, Actor, Change, Domain, NodeKeys, Nothing, Observer, Observers, ReplaceKeyring, SignedRecord, SucceedRegion,
    VersionChange, Versioned, Vote,
};
use concord_spec::vote::{Evidence, ProposalStatement, Signed, VoteKind, VoteStatement};
use concord_spec::world::{World, consensus_key};

/// Milliseconds of 72 hours, and of 30 days.
const ROTATION_MS: u64 = 72 * 3_600_000;
const OPEN_MS: u64 = 30 * 24 * 3_600_000;

/// Regions 110000, 120000, 130000 in force; 140000 suspended; 150000 admitted and removed; 220000 admitted by the last block.
/// Domain authority `transport` with type `transport.permit`, the federation's type `federation.card`. Proposals:
/// [`open`] and [`almost`] of 120000 and 110000, [`impossible`], and eight of 130000. 120000's authority is being
/// rotated, 110000's node in the last block.
pub(in crate::make) fn world() -> Result<World, Error> {
    let mut world = World::new(4, "concord-vectors")?;
    let all = [0, 1, 2, 3];
    world.change(admit_domain("transport"), &[0, 1, 2])?;
    world.change(
        Change::DefineType(Box::new(definition("federation.card", 1)?)),
        &[0, 1, 2],
    )?;
    let card = world.card(4)?;
    world.change(Change::AdmitRegion(Box::new(card)), &[0, 1, 2])?;
    world.change(Change::RemoveRegion(code(4)?), &all)?;
    world.change(Change::SuspendRegion(code(3)?), &[0, 1, 2])?;
    let define = by_domain(&mut world, define_type("transport.permit", 1)?)?;
    let evidence = by_nobody(&mut world, double_vote(&world_region(0)?, 3, 0)?)?;
    world.append(vec![define, evidence])?;
    same_change_twice(&mut world)?;
    let mut records = vec![open(&mut world)?];
    let almost = almost(&mut world)?;
    let id = almost.id();
    records.push(almost);
    records.push(vote(&mut world, 1, id, true)?);
    let first = propose(&mut world, 0, admit_domain("health"))?;
    let (first_id, second) = (first.id(), propose(&mut world, 1, admit_domain("health"))?);
    let second_id = second.id();
    records.extend([first, second]);
    for voter in [1, 2] {
        records.push(vote(&mut world, voter, first_id, true)?);
    }
    records.push(vote(&mut world, 0, second_id, true)?);
    for heartbeat in 0..8 {
        records.push(propose(&mut world, 2, heartbeat_of(20_000 + heartbeat))?);
    }
    let keyring = keyring(61)?;
    records.push(world.by_region_at(1, Action::RotateAuthority(keyring))?);
    world.append(records)?;
    world.append(Vec::new())?;
    let card = world.card(7)?;
    let admitted = propose(&mut world, 0, Change::AdmitRegion(Box::new(card)))?;
    let id = admitted.id();
    let mut last = vec![admitted];
    for voter in [1, 2] {
        last.push(vote(&mut world, voter, id, true)?);
    }
    let keys = node_keys(71)?;
    last.push(world.by_region_at(0, Action::RotateNode(Box::new(keys)))?);
    world.append(last)?;
    Ok(world)
}

/// One change, proposed and passed twice in a block: the second is dropped when it would take effect.
fn same_change_twice(world: &mut World) -> Result<(), Error> {
    let mut records = Vec::new();
    for proposer in [0, 1] {
        let proposal = propose(world, proposer, heartbeat_of(45_000))?;
        let id = proposal.id();
        records.push(proposal);
        for voter in [0, 1, 2].into_iter().filter(|voter| *voter != proposer) {
            records.push(vote(world, voter, id, true)?);
        }
    }
    world.append(records)?;
    world.append(Vec::new())?;
    Ok(())
}

fn world_region(index: usize) -> Result<RegionId, Error> {
    code(index)
}

fn keyring(seed: u8) -> Result<Keyring, Error> {
    let keys = [seed, seed + 1].map(|seed| SecretKey::from_seed([seed; 32]).public());
    Ok(Keyring::new(2, keys.to_vec())?)
}

fn heartbeat_of(heartbeat_ms: u64) -> Change {
    Change::SetParameters(Parameters { heartbeat_ms })
}

/// A type of seventeen claims with sixty codes each: 35 KB.
fn long_definition() -> Result<TypeDefinition, Error> {
    let claim = |key| ClaimDefinition {
        key,
        kind: ClaimKind::Code((0..60).map(|code| format!("{code:032}")).collect()),
        required: false,
        labels: labels("要素"),
        selective: false,
        sensitivity: Sensitivity::Public,
        printed: Printed::Shown,
    };
    Ok(TypeDefinition {
        claims: (100..117).map(claim).collect(),
        ..definition("federation.long", 1)?
    })
}

fn domain_key() -> SecretKey {
    SecretKey::from_seed([60; 32])
}

fn domain(name: &str) -> Result<Domain, Error> {
    Ok(Domain {
        domain: DomainId::new(name)?,
        labels: labels("主管部门"),
        keyring: Keyring::new(1, vec![domain_key().public()])?,
    })
}

fn admit_domain(name: &str) -> Change {
    match domain(name) {
        Ok(domain) => Change::AdmitDomain(domain),
        // The names here are names.
        Err(_) => heartbeat_of(0),
    }
}

fn definition(name: &str, version: u16) -> Result<TypeDefinition, Error> {
    Ok(TypeDefinition {
        reference: TypeRef {
            id: TypeId::new(name)?,
            version: TypeVersion(version),
        },
        labels: labels("证照"),
        claims: Vec::new(),
        classification: Classification::default(),
    })
}

fn define_type(name: &str, version: u16) -> Result<Action, Error> {
    Ok(Action::DefineType(Box::new(definition(name, version)?)))
}

fn node_keys(seed: u8) -> Result<NodeKeys, Error> {
    let seal_key = SealSecretKey::from_seed([seed; 32])?;
    Ok(NodeKeys {
        consensus_key: SecretKey::from_seed([seed; 32]).public(),
        seal_key: seal_key.public(),
        possession: seal_key.prove_possession(),
        peer_id: format!("peer-new-{seed}"),
        addresses: vec![Address {
            multiaddr: "/ip4/127.0.0.1/tcp/2".to_owned(),
        }],
    })
}

fn propose(world: &mut World, index: usize, change: Change) -> Made {
    world.by_region_at(index, Action::Propose(Box::new(change)))
}

fn vote(world: &mut World, index: usize, proposal: Digest, approve: bool) -> Made {
    world.by_region_at(index, Action::Vote(Vote { proposal, approve }))
}

fn by_domain(world: &mut World, action: Action) -> Made {
    let payload = world.payload(Actor::Domain(DomainId::new("transport")?), action);
    Ok(SignedRecord::sign(payload, &[&domain_key()]))
}

fn by_nobody(world: &mut World, make: impl FnOnce(&World) -> Result<Evidence, Error>) -> Made {
    let evidence = make(world)?;
    let payload = world.payload(Actor::Nobody, Action::Evidence(Box::new(evidence)));
    Ok(SignedRecord::sign(payload, &[]))
}

/// A proposal that only its proposer, 120000, voted for.
fn open(world: &mut World) -> Made {
    propose(world, 1, heartbeat_of(30_000))
}

/// A proposal of 110000 that one vote is missing for.
fn almost(world: &mut World) -> Made {
    propose(world, 0, heartbeat_of(90_000))
}

/// The id of a proposal in the state, by its proposer and the number among that one's.
fn proposal(world: &World, index: usize, at: usize) -> Result<Digest, Error> {
    let proposer = code(index)?;
    let mut of = world
        .state
        .federation()
        .proposals
        .iter()
        .filter(|known| known.proposer == proposer);
    Ok(of.nth(at).ok_or("no such proposal")?.id)
}

const NEW_REGION: usize = 10;

/// What is proposed and accepted: each kind of change.
pub(super) const PROPOSED: &[Case] = &[
    ("proposed: a region is admitted", "accept", |world| {
        let card = world.card(NEW_REGION)?;
        propose(world, 0, Change::AdmitRegion(Box::new(card)))
    }),
    (
        "proposed: a region that was removed comes back, with other keys",
        "accept",
        |world| {
            let mut card = world.card(4)?;
            let keys = node_keys(81)?;
            (card.consensus_key, card.seal_key, card.possession) = (keys.consensus_key, keys.seal_key, keys.possession);
            propose(world, 0, Change::AdmitRegion(Box::new(card)))
        },
    ),
    ("proposed: a region is suspended", "accept", |world| {
        propose(world, 0, Change::SuspendRegion(code(1)?))
    }),
    ("proposed: a region is reinstated", "accept", |world| {
        propose(world, 0, Change::ReinstateRegion(code(3)?))
    }),
    ("proposed: a region is removed", "accept", |world| {
        propose(world, 0, Change::RemoveRegion(code(1)?))
    }),
    ("proposed: a suspended region is removed", "accept", |world| {
        propose(world, 0, Change::RemoveRegion(code(3)?))
    }),
    ("proposed: another heartbeat", "accept", |world| {
        propose(world, 0, heartbeat_of(1_000))
    }),
    (
        "proposed: version 2 of records, from the first height that is far enough",
        "accept",
        |world| propose_version(world, Versioned::Record, 2, 2),
    ),
    ("proposed: version 2 of headers", "accept", |world| {
        propose_version(world, Versioned::Header, 2, 1_000)
    }),
    ("proposed: a domain authority is admitted", "accept", |world| {
        propose(world, 0, admit_domain("education"))
    }),
    ("proposed: a type of the federation", "accept", |world| {
        let definition = definition("federation.card", 2)?;
        propose(world, 0, Change::DefineType(Box::new(definition)))
    }),
    ("proposed: a region's keyring is replaced", "accept", |world| {
        let body = ReplaceKeyring {
            of: Actor::Region(code(3)?),
            keyring: keyring(63)?,
        };
        propose(world, 0, Change::ReplaceKeyring(body))
    }),
    (
        "proposed: a domain authority's keyring is replaced",
        "accept",
        |world| {
            let body = ReplaceKeyring {
                of: Actor::Domain(DomainId::new("transport")?),
                keyring: keyring(63)?,
            };
            propose(world, 0, Change::ReplaceKeyring(body))
        },
    ),
    ("proposed: a region succeeds a removed one", "accept", |world| {
        propose_succession(world, 4, 0)
    }),
    ("proposed: a rotation is cancelled", "accept", |world| {
        propose(world, 0, Change::CancelRotation(code(1)?))
    }),
    ("proposed: a type of the federation is closed", "accept", |world| {
        let reference = definition("federation.card", 1)?.reference;
        propose(world, 0, Change::CloseType(reference))
    }),
];

fn propose_version(world: &mut World, subject: Versioned, version: u64, after: u64) -> Made {
    let from = Height(world.state.next_height().0.saturating_add(after));
    let change = VersionChange { subject, version, from };
    propose(world, 0, Change::RaiseVersion(change))
}

fn propose_succession(world: &mut World, of: usize, successor: usize) -> Made {
    let body = SucceedRegion {
        region: code(of)?,
        successor: code(successor)?,
    };
    propose(world, 0, Change::SucceedRegion(body))
}

/// A card of a new region after a change.
fn propose_card(
    world: &mut World,
    change: impl FnOnce(&mut concord_spec::charter::CharterRegion) -> Result<(), Error>,
) -> Made {
    let mut card = world.card(NEW_REGION)?;
    change(&mut card)?;
    propose(world, 0, Change::AdmitRegion(Box::new(card)))
}

/// What cannot be proposed.
pub(super) const IMPOSSIBLE: &[Case] = &[
    ("admitted: a member", "CHANGE_NOT_POSSIBLE", |world| {
        let card = world.card(1)?;
        propose(world, 0, Change::AdmitRegion(Box::new(card)))
    }),
    ("admitted: without a name", "CHANGE_NOT_POSSIBLE", |world| {
        propose_card(world, |card| {
            card.labels.clear();
            Ok(())
        })
    }),
    ("admitted: a domain authority's name", "CHANGE_NOT_POSSIBLE", |world| {
        propose_card(world, |card| {
            card.region = RegionId::new("transport")?;
            Ok(())
        })
    }),
    ("admitted: the federation's name", "CHANGE_NOT_POSSIBLE", |world| {
        propose_card(world, |card| {
            card.region = RegionId::new("federation")?;
            Ok(())
        })
    }),
    ("admitted: with another's proof of possession", "POSSESSION", |world| {
        propose_card(world, |card| {
            card.possession = node_keys(81)?.possession;
            Ok(())
        })
    }),
    ("admitted: with another's consensus key", "NODE_KEY_IN_USE", |world| {
        propose_card(world, |card| {
            card.consensus_key = consensus_key(1).public();
            Ok(())
        })
    }),
    (
        "admitted: with the seal key that a removed region had",
        "NODE_KEY_IN_USE",
        |world| {
            let (gone, mut card) = (world.card(4)?, world.card(NEW_REGION)?);
            (card.seal_key, card.possession) = (gone.seal_key, gone.possession);
            propose(world, 0, Change::AdmitRegion(Box::new(card)))
        },
    ),
    ("admitted: with another's peer id", "NODE_KEY_IN_USE", |world| {
        propose_card(world, |card| {
            "peer-120000".clone_into(&mut card.peer_id);
            Ok(())
        })
    }),
    ("suspended: a suspended region", "REGION_NOT_IN_FORCE", |world| {
        propose(world, 0, Change::SuspendRegion(code(3)?))
    }),
    ("suspended: a region whose keys change", "accept", |world| {
        propose(world, 1, Change::SuspendRegion(code(0)?))
    }),
    ("removed: a region whose keys change", "accept", |world| {
        propose(world, 1, Change::RemoveRegion(code(0)?))
    }),
    (
        "removed: a region that is admitted by the last block",
        "accept",
        |world| propose(world, 1, Change::RemoveRegion(code(7)?)),
    ),
    ("reinstated: a region in force", "CHANGE_NOT_POSSIBLE", |world| {
        propose(world, 0, Change::ReinstateRegion(code(1)?))
    }),
    ("removed: a removed region", "CHANGE_NOT_POSSIBLE", |world| {
        propose(world, 0, Change::RemoveRegion(code(4)?))
    }),
    ("removed: a region that never was", "CHANGE_NOT_POSSIBLE", |world| {
        propose(world, 0, Change::RemoveRegion(RegionId::new("999999")?))
    }),
    ("a heartbeat of 999 ms", "CHANGE_NOT_POSSIBLE", |world| {
        propose(world, 0, heartbeat_of(999))
    }),
    ("the heartbeat that is in force", "NOTHING_CHANGES", |world| {
        propose(world, 0, heartbeat_of(45_000))
    }),
    ("a version left out", "CHANGE_NOT_POSSIBLE", |world| {
        propose_version(world, Versioned::Record, 3, 1_000)
    }),
    ("a version from the next block on", "CHANGE_NOT_POSSIBLE", |world| {
        propose_version(world, Versioned::Record, 2, 1)
    }),
    (
        "a domain authority of a region's name",
        "CHANGE_NOT_POSSIBLE",
        |world| propose(world, 0, admit_domain("110000")),
    ),
    ("a domain authority that is admitted", "CHANGE_NOT_POSSIBLE", |world| {
        propose(world, 0, admit_domain("transport"))
    }),
    ("a domain authority without a name", "CHANGE_NOT_POSSIBLE", |world| {
        let mut nameless = domain("education")?;
        nameless.labels.clear();
        propose(world, 0, Change::AdmitDomain(nameless))
    }),
    ("a federation's type of a region's name", "TYPE_NOT_YOURS", |world| {
        let definition = definition("110000.card", 1)?;
        propose(world, 0, Change::DefineType(Box::new(definition)))
    }),
    ("a federation's type, a version left out", "TYPE_VERSION_GAP", |world| {
        let definition = definition("federation.card", 3)?;
        propose(world, 0, Change::DefineType(Box::new(definition)))
    }),
    ("a federation's type without a name", "INCOMPLETE_TYPE", |world| {
        let mut definition = definition("federation.card", 2)?;
        definition.labels.clear();
        propose(world, 0, Change::DefineType(Box::new(definition)))
    }),
    ("closed: a type that is not defined", "UNKNOWN_TYPE", |world| {
        let reference = definition("federation.none", 1)?.reference;
        propose(world, 0, Change::CloseType(reference))
    }),
    ("closed: a domain authority's type", "TYPE_NOT_YOURS", |world| {
        let reference = definition("transport.permit", 1)?.reference;
        propose(world, 0, Change::CloseType(reference))
    }),
    ("replaced: an office's keyring", "CHANGE_NOT_POSSIBLE", |world| {
        let body = ReplaceKeyring {
            of: Actor::Office(OfficeId::new(code(0)?, OfficeCode::new("A")?)),
            keyring: keyring(63)?,
        };
        propose(world, 0, Change::ReplaceKeyring(body))
    }),
    ("replaced: a removed region's keyring", "CHANGE_NOT_POSSIBLE", |world| {
        let body = ReplaceKeyring {
            of: Actor::Region(code(4)?),
            keyring: keyring(63)?,
        };
        propose(world, 0, Change::ReplaceKeyring(body))
    }),
    ("succeeded: a member", "CHANGE_NOT_POSSIBLE", |world| {
        propose_succession(world, 1, 0)
    }),
    ("succeeded: by itself", "CHANGE_NOT_POSSIBLE", |world| {
        propose_succession(world, 4, 4)
    }),
    ("succeeded: a region that never was", "CHANGE_NOT_POSSIBLE", |world| {
        propose_succession(world, 20, 0)
    }),
    (
        "succeeded: by a region that never was",
        "CHANGE_NOT_POSSIBLE",
        |world| propose_succession(world, 4, 20),
    ),
    ("cancelled: no rotation", "NO_ROTATION", |world| {
        propose(world, 0, Change::CancelRotation(code(2)?))
    }),
    (
        "proposed by a region with eight open proposals",
        "TOO_MANY_PROPOSALS",
        |world| propose(world, 2, heartbeat_of(1_000)),
    ),
    (
        "proposed with a change that is longer than the share of a region",
        "SECTION_FULL",
        |world| propose(world, 0, Change::DefineType(Box::new(long_definition()?))),
    ),
    ("proposed by a suspended region", "REGION_NOT_IN_FORCE", |world| {
        propose(world, 3, heartbeat_of(1_000))
    }),
    ("proposed by a removed region", "REGION_NOT_IN_FORCE", |world| {
        propose(world, 4, heartbeat_of(1_000))
    }),
    (
        "proposed by a region that is not in force yet",
        "REGION_NOT_IN_FORCE",
        |world| propose(world, 7, heartbeat_of(1_000)),
    ),
    ("proposed by a domain authority", "NOT_YOURS", |world| {
        by_domain(world, Action::Propose(Box::new(heartbeat_of(1_000))))
    }),
];

pub(super) const VOTED: &[Case] = &[
    ("a vote for a proposal", "accept", |world| {
        let id = proposal(world, 1, 0)?;
        vote(world, 0, id, true)
    }),
    (
        "a vote against a proposal of three regions, which closes it",
        "accept",
        |world| {
            let id = proposal(world, 1, 0)?;
            vote(world, 0, id, false)
        },
    ),
    ("the vote with which a proposal passes", "accept", |world| {
        let id = proposal(world, 0, 0)?;
        vote(world, 2, id, true)
    }),
    ("the proposer changes its vote", "accept", |world| {
        let id = proposal(world, 1, 0)?;
        vote(world, 1, id, false)
    }),
    ("voted so already", "ALREADY_VOTED", |world| {
        let id = proposal(world, 1, 0)?;
        vote(world, 1, id, true)
    }),
    ("a proposal that was never made", "UNKNOWN_PROPOSAL", |world| {
        vote(world, 0, Digest::ZERO, true)
    }),
    ("a vote of a suspended region", "REGION_NOT_IN_FORCE", |world| {
        let id = proposal(world, 1, 0)?;
        vote(world, 3, id, true)
    }),
    (
        "the vote with which what cannot be made any more would pass",
        "CHANGE_NOT_POSSIBLE",
        |world| {
            let id = proposal(world, 1, 1)?;
            vote(world, 2, id, true)
        },
    ),
];

pub(super) const OF_A_REGION: &[Case] = &[
    ("a region's node gets other keys", "accept", |world| {
        let keys = node_keys(81)?;
        world.by_region_at(1, Action::RotateNode(Box::new(keys)))
    }),
    ("a node keeps its peer id", "accept", |world| {
        let mut keys = node_keys(81)?;
        "peer-120000".clone_into(&mut keys.peer_id);
        world.by_region_at(1, Action::RotateNode(Box::new(keys)))
    }),
    ("a node's keys change already", "CHANGE_PENDING", |world| {
        let keys = node_keys(81)?;
        world.by_region_at(0, Action::RotateNode(Box::new(keys)))
    }),
    ("a suspended region's node", "REGION_NOT_IN_FORCE", |world| {
        let keys = node_keys(81)?;
        world.by_region_at(3, Action::RotateNode(Box::new(keys)))
    }),
    ("a node keeps its consensus key", "NODE_KEY_IN_USE", |world| {
        let mut keys = node_keys(81)?;
        keys.consensus_key = consensus_key(1).public();
        world.by_region_at(1, Action::RotateNode(Box::new(keys)))
    }),
    ("a node takes another's peer id", "NODE_KEY_IN_USE", |world| {
        let mut keys = node_keys(81)?;
        "peer-130000".clone_into(&mut keys.peer_id);
        world.by_region_at(1, Action::RotateNode(Box::new(keys)))
    }),
    ("a seal key that is not proved", "POSSESSION", |world| {
        let mut keys = node_keys(81)?;
        keys.possession = node_keys(82)?.possession;
        world.by_region_at(1, Action::RotateNode(Box::new(keys)))
    }),
    ("an authority is rotated", "accept", |world| {
        world.by_region_at(0, Action::RotateAuthority(keyring(63)?))
    }),
    ("a suspended region's authority is rotated", "accept", |world| {
        world.by_region_at(3, Action::RotateAuthority(keyring(63)?))
    }),
    ("an authority is being rotated already", "ROTATION_PENDING", |world| {
        world.by_region_at(1, Action::RotateAuthority(keyring(63)?))
    }),
    ("rotated to the keyring in force", "NOTHING_CHANGES", |world| {
        let own = world.state.federation().region(&code(0)?).ok_or("no region")?;
        let own = own.authority.clone();
        world.by_region_at(0, Action::RotateAuthority(own))
    }),
    ("a rotation is cancelled by the old keyring", "accept", |world| {
        world.by_region_at(1, Action::CancelRotation(Nothing))
    }),
    ("no rotation is under way", "NO_ROTATION", |world| {
        world.by_region_at(0, Action::CancelRotation(Nothing))
    }),
    ("observers", "accept", |world| observers(world, &["peer-a", "peer-b"])),
    ("the observers there are", "NOTHING_CHANGES", |world| {
        observers(world, &[])
    }),
    ("observers that descend", "OBSERVERS", |world| {
        observers(world, &["peer-b", "peer-a"])
    }),
    ("an observer of another node's peer id", "OBSERVERS", |world| {
        observers(world, &["peer-120000"])
    }),
    (
        "signed by the keyring that waits for its time",
        "UNKNOWN_KEY",
        |world| {
            let action = Action::CancelRotation(Nothing);
            let payload = world.payload(Actor::Region(code(1)?), action);
            Ok(SignedRecord::sign(payload, &[&SecretKey::from_seed([61; 32])]))
        },
    ),
];

fn observers(world: &mut World, peers: &[&str]) -> Made {
    let observer = |peer: &&str| Observer {
        peer_id: (*peer).to_owned(),
        name: "观察节点".to_owned(),
        addresses: Vec::new(),
    };
    let observers = peers.iter().map(observer).collect();
    world.by_region_at(0, Action::SetObservers(Observers { observers }))
}

pub(super) const OF_A_DOMAIN: &[Case] = &[
    ("a domain authority defines a type", "accept", |world| {
        by_domain(world, define_type("transport.permit", 2)?)
    }),
    (
        "a domain authority defines a region's type",
        "TYPE_NOT_YOURS",
        |world| by_domain(world, define_type("110000.permit", 1)?),
    ),
    ("a domain authority closes its type", "accept", |world| {
        let reference = definition("transport.permit", 1)?.reference;
        by_domain(world, Action::CloseType(reference))
    }),
    ("a domain authority closes a region's type", "TYPE_NOT_YOURS", |world| {
        let reference = definition("110000.permit", 1)?.reference;
        by_domain(world, Action::CloseType(reference))
    }),
    (
        "a domain authority freezes what is not there",
        "UNKNOWN_SERIES",
        |world| by_domain(world, Action::FreezeSeries(SeriesId(1))),
    ),
    ("a domain authority that is not there", "UNKNOWN_ACTOR", |world| {
        let nowhere = Actor::Domain(DomainId::new("education")?);
        let payload = world.payload(nowhere, define_type("education.diploma", 1)?);
        Ok(SignedRecord::sign(payload, &[&domain_key()]))
    }),
];

/// A vote of `region` at a height and round for the block whose hash repeats `target`, signed by a key.
fn signed_vote(
    world: &World,
    region: &RegionId,
    (height, round, target): (u64, u32, u8),
    key: &SecretKey,
) -> Signed<VoteStatement> {
    let statement = VoteStatement {
        height: Height(height),
        round,
        kind: VoteKind::Precommit,
        target: (target > 0).then_some(Digest([target; 32])),
        region: region.clone(),
    };
    let signature = key.sign(&statement.message(&world.state.chain_id()));
    Signed { statement, signature }
}

fn double_vote(
    region: &RegionId,
    height: u64,
    round: u32,
) -> Result<impl FnOnce(&World) -> Result<Evidence, Error>, Error> {
    let region = region.clone();
    Ok(move |world: &World| {
        let votes = [1, 2].map(|target| signed_vote(world, &region, (height, round, target), &consensus_key(0)));
        let [a, b] = votes;
        Ok(Evidence::votes(a, b)?)
    })
}

fn double_proposal(world: &World) -> Result<Evidence, Error> {
    let proposals = [None, Some(0)].map(|pol_round| {
        let statement = ProposalStatement {
            height: Height(4),
            round: 1,
            value: Digest([1; 32]),
            pol_round,
            region: RegionId::new("110000").ok()?,
        };
        let signature = consensus_key(0).sign(&statement.message(&world.state.chain_id()));
        Some(Signed { statement, signature })
    });
    let [Some(a), Some(b)] = proposals else {
        return Err("no proposals".into());
    };
    Ok(Evidence::proposals(a, b)?)
}

pub(super) const EVIDENCE: &[Case] = &[
    ("two votes of a region for one round", "accept", |world| {
        by_nobody(world, double_vote(&world_region(0)?, 3, 1)?)
    }),
    ("a vote for a block and one for none", "accept", |world| {
        by_nobody(world, |world| {
            let region = code(0)?;
            let votes = [0, 1].map(|target| signed_vote(world, &region, (3, 2, target), &consensus_key(0)));
            let [a, b] = votes;
            Ok(Evidence::votes(a, b)?)
        })
    }),
    ("two proposals that name two rounds of a polka", "accept", |world| {
        by_nobody(world, double_proposal)
    }),
    ("on the ledger already", "EVIDENCE_KNOWN", |world| {
        by_nobody(world, double_vote(&world_region(0)?, 3, 0)?)
    }),
    ("signed by another region's key", "EVIDENCE_NOT_VALID", |world| {
        by_nobody(world, double_vote(&world_region(1)?, 3, 0)?)
    }),
    ("of a height that is not there yet", "EVIDENCE_NOT_VALID", |world| {
        by_nobody(world, double_vote(&world_region(0)?, 10_000, 0)?)
    }),
    (
        "of a region that was not in force then",
        "EVIDENCE_NOT_VALID",
        |world| by_nobody(world, double_vote(&world_region(4)?, 3, 0)?),
    ),
    ("evidence that a region hands in", "NOT_YOURS", |world| {
        let evidence = double_vote(&world_region(0)?, 3, 1)?(world)?;
        world.by_region_at(1, Action::Evidence(Box::new(evidence)))
    }),
    ("evidence with a signature", "TOO_MANY_SIGNATURES", |world| {
        let evidence = double_vote(&world_region(0)?, 3, 1)?(world)?;
        let payload = world.payload(Actor::Nobody, Action::Evidence(Box::new(evidence)));
        Ok(SignedRecord::sign(payload, &[&consensus_key(1)]))
    }),
    ("nobody does what regions do", "NOT_YOURS", |world| {
        let payload = world.payload(Actor::Nobody, Action::CancelRotation(Nothing));
        Ok(SignedRecord::sign(payload, &[]))
    }),
];

/// A record of a region at a later time, signed by `key` or by its first authority.
fn later(world: &mut World, index: usize, after: u64, key: Option<SecretKey>, action: Action) -> Made {
    let mut payload = world.payload(Actor::Region(code(index)?), action);
    payload.not_after = UnixMillis(world.state.tip().time.0.saturating_add(after));
    let key = key.unwrap_or_else(|| concord_spec::world::authority(index));
    Ok(SignedRecord::sign(payload, &[&key]))
}

/// Times count from the last block; the rotation and the proposals were recorded two blocks, 2,000 ms, before it.
pub(super) const LATER: &[LaterCase] = &[
    (
        "a vote in the last millisecond of a proposal",
        "accept",
        OPEN_MS - 2_000,
        |world| {
            let id = proposal(world, 1, 0)?;
            later(world, 0, OPEN_MS - 2_000, None, voting(id))
        },
    ),
    (
        "a vote a millisecond later",
        "PROPOSAL_OVER",
        OPEN_MS - 1_999,
        |world| {
            let id = proposal(world, 1, 0)?;
            later(world, 0, OPEN_MS - 1_999, None, voting(id))
        },
    ),
    (
        "a ninth proposal, when the other eight are over",
        "accept",
        OPEN_MS - 1_999,
        |world| {
            let action = Action::Propose(Box::new(heartbeat_of(1_000)));
            later(world, 2, OPEN_MS - 1_999, None, action)
        },
    ),
    (
        "a rotation cancelled in its last millisecond",
        "accept",
        ROTATION_MS - 2_001,
        |world| later(world, 1, ROTATION_MS - 2_001, None, Action::CancelRotation(Nothing)),
    ),
    (
        "the old keyring, when the rotation is in force",
        "TOO_FEW_SIGNATURES",
        ROTATION_MS - 2_000,
        |world| later(world, 1, ROTATION_MS - 2_000, None, Action::CancelRotation(Nothing)),
    ),
    (
        "the new keyring, when the rotation is in force",
        "NO_ROTATION",
        ROTATION_MS - 2_000,
        |world| {
            let mut payload = world.payload(Actor::Region(code(1)?), Action::CancelRotation(Nothing));
            payload.not_after = UnixMillis(world.state.tip().time.0.saturating_add(ROTATION_MS));
            let keys = [61, 62].map(|seed| SecretKey::from_seed([seed; 32]));
            Ok(SignedRecord::sign(payload, &[&keys[0], &keys[1]]))
        },
    ),
    (
        "the next rotation, when the first is in force",
        "accept",
        ROTATION_MS - 2_000,
        |world| {
            let mut payload = world.payload(Actor::Region(code(1)?), Action::RotateAuthority(keyring(63)?));
            payload.not_after = UnixMillis(world.state.tip().time.0.saturating_add(ROTATION_MS));
            let keys = [61, 62].map(|seed| SecretKey::from_seed([seed; 32]));
            Ok(SignedRecord::sign(payload, &[&keys[0], &keys[1]]))
        },
    ),
];

fn voting(proposal: Digest) -> Action {
    Action::Vote(Vote {
        proposal,
        approve: true,
    })
}
