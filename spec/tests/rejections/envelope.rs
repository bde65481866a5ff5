//! What holds for every record: chain, time, once only, signatures, whose action it is.

use super::Case;
use crate::scene::{Desk, HOUR_MS, LICENCE, exchanged, forged, issue, labels, opening, region, version_of};
use concord_spec::digest::Digest;
use concord_spec::id::{DomainId, RegionId, SeriesId, UnixMillis};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::record::{Action, Actor, Change, Domain, Nothing, Payload, SignedRecord};
use concord_spec::world::{World, authority};

pub(crate) const CASES: &[Case] = &[
    ("WRONG_CHAIN", |world| {
        with_payload(world, |payload| payload.chain_id = Digest::ZERO)
    }),
    ("EXPIRED", |world| {
        with_payload(world, |payload| payload.not_after = UnixMillis(1))
    }),
    // 999 ms after the last block; the next comes after 1,000.
    ("EXPIRED", |world| {
        let now = world.state.tip().time.0;
        with_payload(world, |payload| payload.not_after = UnixMillis(now + 999))
    }),
    // Two keys sign: 30 days.
    ("NOT_AFTER_TOO_FAR", |world| {
        let now = world.state.tip().time.0;
        with_payload(world, |payload| {
            payload.not_after = UnixMillis(now + 1_000 + 30 * 24 * HOUR_MS + 1)
        })
    }),
    // One key signs: 24 hours.
    ("NOT_AFTER_TOO_FAR", |world| {
        let mut payload = world.payload(Actor::Region(region(0)), Action::CancelRotation(Nothing));
        payload.not_after = UnixMillis(world.state.tip().time.0 + 1_000 + 24 * HOUR_MS + 1);
        SignedRecord::sign(payload, &[&authority(0)])
    }),
    ("DUPLICATE", |world| (*world.blocks[3].0.records[0]).clone()),
    ("UNKNOWN_ACTOR", |world| {
        with_payload(world, |payload| {
            payload.actor = Actor::Region(RegionId::new("999999").unwrap())
        })
    }),
    ("UNKNOWN_ACTOR", |world| {
        with_payload(world, |payload| {
            payload.actor = Actor::Domain(DomainId::new("transport").unwrap())
        })
    }),
    ("UNKNOWN_ACTOR", |world| {
        with_payload(world, |payload| {
            payload.actor = Actor::Office(Desk::new(0, "NONE", 1, [1]).id)
        })
    }),
    ("TOO_FEW_SIGNATURES", |world| signed_by(world, &[0])),
    ("TOO_FEW_SIGNATURES", |world| signed_by(world, &[])),
    ("TOO_MANY_SIGNATURES", |world| signed_by(world, &[0, 1, 2])),
    // What nobody says nobody signs.
    ("TOO_MANY_SIGNATURES", |world| {
        with_payload(world, |payload| payload.actor = Actor::Nobody)
    }),
    ("SIGNATURE_ORDER", |world| exchanged(&signed_by(world, &[0, 1]))),
    ("UNKNOWN_KEY", |world| {
        let actor = Actor::Office(world.office().unwrap());
        let payload = world.payload(actor, Action::FreezeSeries(SeriesId(1)));
        SignedRecord::sign(payload, &[&world.office_keys[0], &SecretKey::from_seed([5; 32])])
    }),
    ("FORGED_SIGNATURE", |world| forged(&signed_by(world, &[0, 1]))),
    ("NOT_YOURS", |world| world.by_region(issue(SeriesId(1), 16, 1)).unwrap()),
    ("NOT_YOURS", |world| {
        world.by_region(opening(&version_of(LICENCE, 1), 70)).unwrap()
    }),
    ("NOT_YOURS", |world| {
        world.by_office(Action::CancelRotation(Nothing)).unwrap()
    }),
    ("NOT_YOURS", |world| {
        let payload = world.payload(Actor::Nobody, Action::FreezeSeries(SeriesId(1)));
        SignedRecord::sign(payload, &[])
    }),
    ("NOT_YOURS", |world| {
        let domain = admitted_domain(world);
        by_domain(world, &domain, issue(SeriesId(1), 16, 1))
    }),
    ("REGION_NOT_IN_FORCE", |world| {
        world.change(Change::RemoveRegion(region(0)), &[0, 1, 2]).unwrap();
        world.by_office(issue(SeriesId(1), 16, 1)).unwrap()
    }),
    ("REGION_NOT_IN_FORCE", |world| {
        world.change(Change::RemoveRegion(region(3)), &[0, 1, 2]).unwrap();
        world.by_region_at(3, Action::CancelRotation(Nothing)).unwrap()
    }),
];

/// A domain authority named `transport`, whose key is the authority's of the last region there may be.
pub(crate) fn admitted_domain(world: &mut World) -> DomainId {
    let domain = DomainId::new("transport").unwrap();
    let admission = Change::AdmitDomain(Domain {
        domain: domain.clone(),
        labels: labels("交通运输部"),
        keyring: crate::scene::keyring(1, [900]),
    });
    world.change(admission, &[0, 1, 2]).unwrap();
    domain
}

pub(crate) fn by_domain(world: &mut World, domain: &DomainId, action: Action) -> SignedRecord {
    let payload = world.payload(Actor::Domain(domain.clone()), action);
    SignedRecord::sign(payload, &[&crate::scene::key(900)])
}

/// The next issue, signed by some of the office's keys.
pub(crate) fn signed_by(world: &mut World, keys: &[usize]) -> SignedRecord {
    let actor = Actor::Office(world.office().unwrap());
    let payload = world.payload(actor, issue(SeriesId(1), 16, 1));
    let keys: Vec<&SecretKey> = keys.iter().map(|index| &world.office_keys[*index]).collect();
    SignedRecord::sign(payload, &keys)
}

fn with_payload(world: &mut World, change: impl FnOnce(&mut Payload)) -> SignedRecord {
    let actor = Actor::Office(world.office().unwrap());
    let mut payload = world.payload(actor, issue(SeriesId(1), 16, 1));
    change(&mut payload);
    SignedRecord::sign(payload, &[&world.office_keys[0], &world.office_keys[1]])
}
