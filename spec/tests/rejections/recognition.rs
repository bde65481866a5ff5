//! Recognition, and evidence of double signing.

use super::Case;
use crate::scene::{LICENCE, kind, recognise, region, terms};
use concord_spec::digest::Digest;
use concord_spec::id::{Height, TypeVersion, UnixMillis};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::recognition::{MAX_DECLARATIONS_OF_REGION, Source, Terms, ValueMap};
use concord_spec::record::{Action, Actor, SignedRecord, Withdraw};
use concord_spec::vote::{Evidence, Signed, VoteKind, VoteStatement};
use concord_spec::world::{World, consensus_key};

pub(crate) const RECOGNISED: &[Case] = &[
    ("INCOMPLETE_RECOGNITION", |world| {
        declaring(world, |terms| terms.kind = kind("110000.none"))
    }),
    ("INCOMPLETE_RECOGNITION", |world| {
        declaring(world, |terms| terms.local_type = Some(kind("120000.none")))
    }),
    ("INCOMPLETE_RECOGNITION", |world| {
        declaring(world, |terms| terms.source = Source::Region(region(1)))
    }),
    ("INCOMPLETE_RECOGNITION", |world| {
        declaring(world, |terms| terms.source = Source::Region(region(9)))
    }),
    ("INCOMPLETE_RECOGNITION", |world| {
        declaring(world, |terms| terms.min_version = TypeVersion(0))
    }),
    ("INCOMPLETE_RECOGNITION", |world| {
        declaring(world, |terms| {
            terms.issued_from = Some("2026-02-02".parse().unwrap());
            terms.issued_until = Some("2026-02-01".parse().unwrap());
        })
    }),
    ("INCOMPLETE_RECOGNITION", |world| {
        declaring(world, |terms| {
            terms.presented_from = Some(UnixMillis(2));
            terms.presented_until = Some(UnixMillis(1));
        })
    }),
    ("INCOMPLETE_RECOGNITION", |world| {
        declaring(world, |terms| terms.purposes = vec!["b".to_owned(), "a".to_owned()])
    }),
    ("INCOMPLETE_RECOGNITION", |world| {
        let map = ValueMap {
            claim: 100,
            there: "C1".to_owned(),
            here: "B".to_owned(),
        };
        declaring(world, |terms| terms.values = vec![map.clone(), map])
    }),
    ("UNKNOWN_DECLARATION", |world| {
        withdrawal(world, 1, Some(UnixMillis(u64::MAX)))
    }),
    ("UNKNOWN_DECLARATION", |world| {
        declared(world);
        withdrawal(world, 2, Some(UnixMillis(u64::MAX)))
    }),
    ("UNKNOWN_DECLARATION", |world| {
        declared(world);
        let record = withdrawal(world, 1, Some(UnixMillis(u64::MAX)));
        world.append(vec![record]).unwrap();
        withdrawal(world, 1, Some(UnixMillis(u64::MAX)))
    }),
    ("INCOMPLETE_RECOGNITION", |world| {
        declared(world);
        withdrawal(world, 1, None)
    }),
    // What was recognised until now cannot be undone.
    ("INCOMPLETE_RECOGNITION", |world| {
        declared(world);
        let now = world.state.tip().time;
        withdrawal(world, 1, Some(now))
    }),
    ("TOO_MANY_DECLARATIONS", |world| {
        for _ in 0..4 {
            let records = (0..MAX_DECLARATIONS_OF_REGION / 4).map(|_| declaring(world, |_| ()));
            let records = records.collect();
            world.append(records).unwrap();
        }
        declaring(world, |_| ())
    }),
];

pub(crate) const EVIDENCE: &[Case] = &[
    // Signed by another key than the region's.
    ("EVIDENCE_NOT_VALID", |world| {
        evidence(world, 0, 1, 0, &[consensus_key(0), consensus_key(1)])
    }),
    ("EVIDENCE_NOT_VALID", |world| {
        evidence(world, 0, 1, 0, &[consensus_key(1), consensus_key(0)])
    }),
    // Of a height that is not there yet, of one that never was, of a region that never was in force.
    ("EVIDENCE_NOT_VALID", |world| {
        let later = world.state.next_height().0 + 1;
        double(world, 0, later, 0)
    }),
    ("EVIDENCE_NOT_VALID", |world| double(world, 0, 0, 0)),
    ("EVIDENCE_NOT_VALID", |world| double(world, 9, 1, 0)),
    ("EVIDENCE_KNOWN", |world| {
        let record = double(world, 0, 1, 0);
        world.append(vec![record]).unwrap();
        double(world, 0, 1, 0)
    }),
    // Sixty-four cases of one region prove enough.
    ("EVIDENCE_KNOWN", |world| {
        for round in 0..64 {
            let record = double(world, 0, 1, round);
            world.append(vec![record]).unwrap();
        }
        double(world, 0, 1, 64)
    }),
];

/// The second region recognises our type; it would hold without the change.
fn declaring(world: &mut World, change: impl FnOnce(&mut Terms)) -> SignedRecord {
    let mut terms = terms(Source::Region(region(0)), LICENCE);
    change(&mut terms);
    world.by_region_at(1, recognise(terms)).unwrap()
}

fn declared(world: &mut World) {
    let record = declaring(world, |_| ());
    world.append(vec![record]).unwrap();
}

fn withdrawal(world: &mut World, number: u64, presented_until: Option<UnixMillis>) -> SignedRecord {
    let body = Withdraw {
        number,
        issued_until: None,
        presented_until,
    };
    world.by_region_at(1, Action::Withdraw(body)).unwrap()
}

/// Two votes of a region for one place, signed by these keys.
fn evidence(world: &mut World, index: usize, height: u64, round: u32, keys: &[SecretKey; 2]) -> SignedRecord {
    let chain = world.state.chain_id();
    let vote = |target: u8, key: &SecretKey| {
        let statement = VoteStatement {
            height: Height(height),
            round,
            kind: VoteKind::Prevote,
            target: Some(Digest([target; 32])),
            region: region(index),
        };
        let signature = key.sign(&statement.message(&chain));
        Signed { statement, signature }
    };
    let pair = Evidence::votes(vote(1, &keys[0]), vote(2, &keys[1])).unwrap();
    let payload = world.payload(Actor::Nobody, Action::Evidence(Box::new(pair)));
    SignedRecord::sign(payload, &[])
}

/// Two votes of a region for one place, signed by its node's key.
fn double(world: &mut World, index: usize, height: u64, round: u32) -> SignedRecord {
    evidence(
        world,
        index,
        height,
        round,
        &[consensus_key(index), consensus_key(index)],
    )
}
