//! What regions say of the federation, their nodes, and each other.

use crate::dice::Dice;
use crate::naive::Naive;
use crate::players::{Players, any_region};
use crate::scene::{kind, labels, region, seal_key, terms, version_of};
use concord_spec::catalogue::{ClaimDefinition, ClaimKind, Classification, Printed, Sensitivity, TypeDefinition};
use concord_spec::charter::{CharterRegion, Parameters};
use concord_spec::digest::Digest;
use concord_spec::id::{DomainId, Height, RegionId, TypeVersion, UnixMillis};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::recognition::{Source, Terms, ValueMap};
use concord_spec::record::{
    Action, Actor, Change, Domain, NodeKeys, Observer, Observers, ReplaceKeyring, SucceedRegion, VersionChange,
    Versioned, Vote, Withdraw,
};
use concord_spec::vote::{Evidence, ProposalStatement, Signed, VoteKind, VoteStatement};

/// Types that may be defined, by ascending name.
pub(crate) const TYPES: [&str; 6] = [
    "110000.a",
    "110000.b",
    "120000.a",
    "federation.a",
    "federation.b",
    "transport.a",
];
const DOMAINS: [&str; 4] = ["110000", "federation", "health", "transport"];

pub(crate) fn any_type(dice: &mut Dice) -> &'static str {
    dice.pick(TYPES).unwrap()
}

/// The next version of a type, with now and then something wrong with it.
pub(crate) fn definition(dice: &mut Dice, naive: &Naive, id: &str) -> TypeDefinition {
    let known = naive.types.keys().filter(|known| known.id.as_str() == id).count();
    let claim = |key| ClaimDefinition {
        key,
        kind: ClaimKind::Integer,
        required: dice_free(key),
        labels: labels("要素"),
        selective: false,
        sensitivity: Sensitivity::Public,
        printed: Printed::Shown,
    };
    let mut definition = TypeDefinition {
        reference: version_of(id, u16::try_from(known + 1).unwrap()),
        labels: labels("类型"),
        claims: vec![claim(100), claim(200)],
        classification: Classification::default(),
    };
    match dice.below(30) {
        0 => definition.claims.reverse(),
        1 => definition.labels.clear(),
        2 => definition.claims[0].key = 99,
        3 => definition.classification.retention_days = Some(0),
        4 => definition.classification.gb_type_code = Some("a".repeat(21)),
        5 | 6 => definition.reference.version = TypeVersion(u16::try_from(known).unwrap() + 2),
        7 => definition.reference.version = TypeVersion(0),
        _ => {}
    }
    definition
}

fn dice_free(key: u64) -> bool {
    key == 100
}

/// The card of a region that is not there, or no more, or sometimes is.
fn card(dice: &mut Dice, naive: &Naive, players: &mut Players) -> CharterRegion {
    let absent = (0..8)
        .map(region)
        .filter(|id| naive.regions.get(id).is_none_or(|known| known.removed.is_some()));
    let absent: Vec<RegionId> = absent.collect();
    let id = if dice.chance(85) { dice.pick(absent) } else { None };
    let id = id.unwrap_or_else(|| any_region(dice, naive));
    let keys = node(dice, naive, players);
    let mut card = CharterRegion {
        region: id,
        labels: labels("地区"),
        authority: players.keyring(dice),
        consensus_key: keys.consensus_key,
        seal_key: keys.seal_key,
        possession: keys.possession,
        peer_id: keys.peer_id,
        addresses: keys.addresses,
    };
    match dice.below(20) {
        0 => card.labels.clear(),
        1 => card.region = "transport".parse().unwrap(),
        _ => {}
    }
    card
}

/// Keys for a node, now and then not proved or not new.
pub(crate) fn node(dice: &mut Dice, naive: &Naive, players: &mut Players) -> NodeKeys {
    let mut keys = players.node();
    let other = naive.regions[&any_region(dice, naive)].clone();
    match dice.below(24) {
        0 => keys.possession = seal_key(0).prove_possession(),
        1 => keys.consensus_key = other.terms[0].consensus_key,
        2 => keys.peer_id = other.peer_id,
        3 => keys.peer_id = "observer-1".to_owned(),
        4 => keys.seal_key = other.terms[0].seal_key.clone(),
        _ => {}
    }
    keys
}

/// A change that a vote could make, more often than not.
pub(crate) fn change(dice: &mut Dice, naive: &Naive, players: &mut Players) -> Change {
    let one = any_region(dice, naive);
    let which = |regions: Vec<RegionId>, dice: &mut Dice| dice.pick(regions).unwrap_or_else(|| one.clone());
    let regions = || naive.regions.values();
    // The same once more: not both can be made.
    if dice.chance(15)
        && let Some(again) = dice.pick(naive.proposals.iter().map(|known| known.change.clone()))
    {
        return again;
    }
    // What is rarely possible is said while it is.
    let suspended: Vec<RegionId> = regions()
        .filter(|found| found.suspended.is_some())
        .map(|found| found.region.clone())
        .collect();
    let rotating: Vec<RegionId> = regions()
        .filter(|found| found.rotation.is_some())
        .map(|found| found.region.clone())
        .collect();
    let open = naive
        .types
        .iter()
        .filter(|(of, entry)| entry.closed.is_none() && of.id.owner() == Some("federation"));
    let open: Vec<_> = open.map(|(of, _)| of.clone()).collect();
    match dice.below(10) {
        0..=3 if !suspended.is_empty() => return Change::ReinstateRegion(which(suspended, dice)),
        4..=5 if !rotating.is_empty() => return Change::CancelRotation(which(rotating, dice)),
        6 if !open.is_empty() => return Change::CloseType(dice.pick(open).unwrap()),
        _ => {}
    }
    match dice.below(14) {
        0 | 1 => Change::AdmitRegion(Box::new(card(dice, naive, players))),
        2 => Change::SuspendRegion(one),
        3 => Change::ReinstateRegion(one),
        4 => Change::RemoveRegion(one),
        5 => Change::SetParameters(Parameters {
            heartbeat_ms: dice.pick([999, 1_000, 60_000, 3_600_000, 3_600_001]).unwrap(),
        }),
        6 => Change::RaiseVersion(version(dice, naive)),
        7 => Change::AdmitDomain(Domain {
            domain: DomainId::new(dice.pick(DOMAINS).unwrap()).unwrap(),
            labels: if dice.chance(95) {
                labels("主管部门")
            } else {
                Vec::new()
            },
            keyring: players.keyring(dice),
        }),
        8 => {
            let id = if dice.chance(90) {
                dice.pick(["federation.a", "federation.b"]).unwrap()
            } else {
                any_type(dice)
            };
            let mut definition = definition(dice, naive, id);
            if dice.chance(8) {
                // Too long for what a region may have under vote.
                let codes = (0..60).map(|code| format!("{code:032}")).collect();
                let long = ClaimDefinition {
                    kind: ClaimKind::Code(codes),
                    ..definition.claims[0].clone()
                };
                definition.claims = (100..118).map(|key| ClaimDefinition { key, ..long.clone() }).collect();
            }
            Change::DefineType(Box::new(definition))
        }
        9 => {
            let domain = dice.pick(naive.domains.keys().cloned()).map(Actor::Domain);
            let of = domain.filter(|_| dice.chance(50)).unwrap_or(Actor::Region(one));
            Change::ReplaceKeyring(ReplaceKeyring {
                of: if dice.chance(95) { of } else { Actor::Nobody },
                keyring: players.keyring(dice),
            })
        }
        10 | 11 => {
            let gone = regions().filter(|found| found.removed.is_some() && found.successor.is_none());
            Change::SucceedRegion(SucceedRegion {
                region: which(gone.map(|found| found.region.clone()).collect(), dice),
                successor: any_region(dice, naive),
            })
        }
        12 => Change::CancelRotation(one),
        _ => Change::CloseType(dice.pick(open).unwrap_or_else(|| version_of(any_type(dice), 1))),
    }
}

/// As a rule far ahead: nobody knows what comes after it.
fn version(dice: &mut Dice, naive: &Naive) -> VersionChange {
    let subject = dice.pick([Versioned::Record, Versioned::Header]).unwrap();
    let raised = naive.versions.iter().filter(|raised| raised.subject == subject).count();
    let ahead = if dice.chance(96) { 100_000 } else { 1 + dice.below(4) };
    VersionChange {
        subject,
        version: u64::try_from(raised).unwrap() + if dice.chance(90) { 2 } else { 3 },
        from: Height(naive.height + ahead),
    }
}

/// A vote of a region on a proposal, as a rule one that is open and for it.
pub(crate) fn ballot(dice: &mut Dice, naive: &Naive) -> Vote {
    let open = dice.pick(naive.proposals.iter().map(|known| known.id));
    Vote {
        proposal: open.filter(|_| dice.chance(95)).unwrap_or(Digest::ZERO),
        approve: dice.chance(75),
    }
}

pub(crate) fn observers(dice: &mut Dice, naive: &Naive) -> Observers {
    let mut peers: Vec<String> = (0..5).map(|index| format!("observer-{index}")).collect();
    peers.push(naive.regions[&any_region(dice, naive)].peer_id.clone());
    let mut chosen = dice.some(peers, 20);
    if dice.chance(10) {
        chosen.reverse();
    }
    let observer = |peer_id| Observer {
        peer_id,
        name: "观察节点".to_owned(),
        addresses: Vec::new(),
    };
    Observers {
        observers: chosen.into_iter().map(observer).collect(),
    }
}

pub(crate) fn recognition(dice: &mut Dice, naive: &Naive) -> Terms {
    let source = if dice.chance(30) {
        Source::All
    } else {
        Source::Region(any_region(dice, naive))
    };
    let defined = dice.pick(naive.types.keys().map(|known| known.id.clone()));
    let mut terms = terms(source, any_type(dice));
    terms.kind = defined.filter(|_| dice.chance(85)).unwrap_or(terms.kind);
    if dice.chance(30) {
        terms.local_type = Some(kind(any_type(dice)));
    }
    match dice.below(24) {
        0 => terms.min_version = TypeVersion(0),
        1 => terms.purposes = vec!["b".to_owned(), "a".to_owned()],
        2 => {
            terms.issued_from = Some("2026-03-02".parse().unwrap());
            terms.issued_until = Some("2026-03-01".parse().unwrap());
        }
        3 => {
            terms.presented_from = Some(UnixMillis(2));
            terms.presented_until = Some(UnixMillis(1));
        }
        4 => {
            let map = ValueMap {
                claim: 100,
                there: "B2".to_owned(),
                here: "C".to_owned(),
            };
            terms.values = vec![map.clone(), map];
        }
        5 => terms.source = Source::Region("999999".parse().unwrap()),
        _ => {}
    }
    terms
}

/// Terms that map so many values that they have about so many bytes.
pub(crate) fn long_terms(terms: Terms, bytes: usize) -> Terms {
    let map = |index: usize| ValueMap {
        claim: 100,
        there: format!("{index:064}"),
        here: "0".repeat(64),
    };
    Terms {
        values: (0..bytes / 135).map(map).collect(),
        ..terms
    }
}

pub(crate) fn withdrawal(dice: &mut Dice, naive: &Naive, time: UnixMillis) -> Option<(RegionId, Withdraw)> {
    let (region, number) = dice.pick(naive.declarations.keys().rev().take(20).cloned())?;
    let presented_until = match dice.below(10) {
        0 => None,
        1 => Some(UnixMillis(time.0 - 1)),
        _ => Some(UnixMillis(time.0 + dice.below(1_000_000))),
    };
    let withdraw = Withdraw {
        number: if dice.chance(90) { number } else { number + 1 },
        issued_until: None,
        presented_until,
    };
    Some((region, withdraw))
}

/// Two statements of a region's node for one place, as a rule really signed by it.
pub(crate) fn evidence(dice: &mut Dice, naive: &Naive, players: &Players) -> Evidence {
    let region = naive.regions[&any_region(dice, naive)].clone();
    let height = dice.below(naive.height + 3).min(dice.below(12));
    let term = crate::naive::term_at(&region, height).unwrap_or(&region.terms[0]);
    let own = players.secret(&term.consensus_key);
    let stranger = crate::scene::key(0);
    let second = if dice.chance(90) { own } else { &stranger };
    let chain = naive.charter.chain_id();
    let round = u32::try_from(dice.below(3)).unwrap();
    if dice.chance(50) {
        let vote = |target: u8, key: &SecretKey| {
            let statement = VoteStatement {
                height: Height(height),
                round,
                kind: VoteKind::Precommit,
                target: Some(Digest([target; 32])),
                region: region.region.clone(),
            };
            let signature = key.sign(&statement.message(&chain));
            Signed { statement, signature }
        };
        return Evidence::votes(vote(1, own), vote(2, second)).unwrap();
    }
    let proposal = |value: u8, key: &SecretKey| {
        let statement = ProposalStatement {
            height: Height(height),
            round,
            value: Digest([value; 32]),
            pol_round: None,
            region: region.region.clone(),
        };
        let signature = key.sign(&statement.message(&chain));
        Signed { statement, signature }
    };
    Evidence::proposals(proposal(1, own), proposal(2, second)).unwrap()
}

/// What a region says of itself or the federation.
pub(crate) fn by_region(dice: &mut Dice, naive: &Naive, players: &mut Players, time: UnixMillis) -> (Actor, Action) {
    let region = any_region(dice, naive);
    let action = match dice.below(20) {
        0..=3 => Action::Propose(Box::new(change(dice, naive, players))),
        4..=8 => Action::Vote(ballot(dice, naive)),
        9 | 10 => Action::RotateNode(Box::new(node(dice, naive, players))),
        11 | 12 => {
            let same = crate::players::keyring_of(naive, &Actor::Region(region.clone()), time).unwrap();
            Action::RotateAuthority(if dice.chance(90) { players.keyring(dice) } else { same })
        }
        13 => Action::CancelRotation(concord_spec::record::Nothing),
        14 | 15 => Action::SetObservers(observers(dice, naive)),
        16 | 17 => Action::Recognise(Box::new(recognition(dice, naive))),
        _ => match withdrawal(dice, naive, time) {
            Some((region, withdraw)) => return (Actor::Region(region), Action::Withdraw(withdraw)),
            None => Action::Recognise(Box::new(recognition(dice, naive))),
        },
    };
    (Actor::Region(region), action)
}

/// A type defined or closed by who owns it, or somebody else.
pub(crate) fn of_types(dice: &mut Dice, naive: &Naive) -> (Actor, Action) {
    let id = any_type(dice);
    let owner = kind(id).owner().unwrap().to_owned();
    let domain = DomainId::new(&owner)
        .ok()
        .filter(|domain| naive.domains.contains_key(domain));
    let own = match (domain, RegionId::new(&owner)) {
        (Some(domain), _) => Actor::Domain(domain),
        (None, Ok(region)) if naive.regions.contains_key(&region) => Actor::Region(region),
        (None, _) => Actor::Region(any_region(dice, naive)),
    };
    let actor = if dice.chance(92) {
        own
    } else {
        Actor::Region(any_region(dice, naive))
    };
    if dice.chance(85) {
        let body = definition(dice, naive, id);
        return (actor, Action::DefineType(Box::new(body)));
    }
    (
        actor,
        Action::CloseType(version_of(id, u16::try_from(1 + dice.below(3)).unwrap())),
    )
}
