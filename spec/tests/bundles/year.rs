//! A year on a device, by a simulated clock.

use crate::scene::{DAY_MS, region, status};
use crate::story::{now, terms_at, two_offices};
use concord_spec::bundle::{BundleError, Held, Selection, Start, Terms};
use concord_spec::certificate::Certificate;
use concord_spec::id::SeriesId;
use concord_spec::record::{Action, Change, StatusChange};
use concord_spec::status::StatusKind;
use concord_spec::verify::{Policy, Presented, Verdict, verify};
use concord_spec::world::World;

const MONTH_MS: u64 = 30 * DAY_MS;

/// The month in which a change of regions passes, and the change.
fn change_of(month: usize, world: &mut World) -> Option<(Change, &'static [usize])> {
    match month {
        1 => Some((Change::AdmitRegion(Box::new(world.card(4).unwrap())), &[0, 1, 2])),
        3 => Some((Change::SuspendRegion(region(1)), &[0, 2, 3, 4])),
        5 => Some((Change::ReinstateRegion(region(1)), &[0, 2, 3])),
        7 => Some((Change::AdmitRegion(Box::new(world.card(5).unwrap())), &[0, 1, 2, 3])),
        9 => Some((Change::RemoveRegion(region(3)), &[0, 1, 2, 3, 4])),
        _ => None,
    }
}

/// A month of the ledger: certificates, one of them revoked, now and then other regions.
fn month(number: usize, world: &mut World) -> Vec<Certificate> {
    world.append_after(MONTH_MS, Vec::new()).unwrap();
    if let Some((change, voters)) = change_of(number, world) {
        let before = world.state.region_set().digest();
        world.change(change, voters).unwrap();
        assert_ne!(world.state.region_set().digest(), before, "month {number}");
    }
    let first = world.state.series_status(SeriesId(1)).unwrap().next;
    let certificates = world.issue(4).unwrap();
    let revoke = status(SeriesId(1), &[(first, 1)], StatusChange::Set(StatusKind::Revoked));
    let record = world.by_office(Action::SetStatus(revoke)).unwrap();
    world.append(vec![record]).unwrap();
    certificates
}

fn verdict(held: &Held, certificate: &Certificate) -> Verdict {
    let now = held.state().time();
    let presented = certificate.to_bytes();
    verify(
        Presented::Certificate(&presented),
        held.state(),
        &Policy::default(),
        now,
    )
    .verdict
}

#[test]
fn a_year_of_monthly_deltas_and_devices_that_missed_some_or_all_of_them() {
    let (mut world, _) = two_offices("concord-test");
    let chain = world.state.chain_id();
    let start = Start {
        chain_id: chain,
        checkpoint: None,
        now: now(&world),
    };
    let first = world.bundle().unwrap();
    let start_device = || Held::start(&first, &start).unwrap();
    let (mut faithful, absent, missed) = (start_device(), start_device(), start_device());
    let mut certificates = Vec::new();
    for number in 0..11 {
        certificates.push(month(number, &mut world));
        let from = faithful.point().height;
        let delta = world.delta(from, &Selection::all()).unwrap().to_bytes();
        let whole = world.bundle().unwrap();
        assert!(delta.len() < whole.len(), "{} of {}", delta.len(), whole.len());
        faithful = faithful.update(&delta, &terms_at(&world)).unwrap();
        assert_eq!(faithful.to_bytes(), whole, "month {number}");
    }
    assert_eq!(faithful.bundle().handovers.len(), 5, "the regions changed five times");
    // After eleven months away, one delta is enough.
    let from = absent.point().height;
    let delta = world.delta(from, &Selection::all()).unwrap().to_bytes();
    let back = absent.update(&delta, &terms_at(&world)).unwrap();
    assert_eq!(back.to_bytes(), faithful.to_bytes());
    // Another cannot get that delta. It takes a whole bundle, which shows that it continues what the device holds.
    let whole = world.bundle().unwrap();
    assert_eq!(
        missed.update(&whole, &terms_at(&world)).unwrap_err(),
        BundleError::NotShown { held: missed.point() }
    );
    let mut whole = world.full_bundle().unwrap();
    whole.anchors = vec![world.anchor(missed.point().height).unwrap()];
    let caught_up = missed.update(&whole.to_bytes(), &terms_at(&world)).unwrap();
    assert_eq!(caught_up.to_bytes(), faithful.to_bytes());
    // Certificates of every epoch are told apart, whoever sealed them.
    for held in [&faithful, &back, &caught_up] {
        for certificates in &certificates {
            assert_eq!(verdict(held, &certificates[0]), Verdict::Revoked);
            assert_eq!(verdict(held, &certificates[1]), Verdict::Valid);
        }
    }
}

#[test]
fn after_thirteen_months_a_device_asks_for_a_checkpoint_and_goes_on_from_one() {
    let (mut world, _) = two_offices("concord-test");
    let chain = world.state.chain_id();
    let start = Start {
        chain_id: chain,
        checkpoint: None,
        now: now(&world),
    };
    let held = Held::start(&world.bundle().unwrap(), &start).unwrap();
    let since = held.state().time();
    let needed = BundleError::CheckpointNeeded { since };
    for number in 0..13 {
        month(number, &mut world);
    }
    let from = held.point().height;
    let delta = world.delta(from, &Selection::all()).unwrap().to_bytes();
    assert_eq!(held.update(&delta, &terms_at(&world)).unwrap_err(), needed);
    let recent = world
        .checkpoint(world.blocks[world.blocks.len() - 3].0.header.height)
        .unwrap();
    let mut whole = world.full_bundle().unwrap();
    whole.anchors = vec![world.anchor(from).unwrap(), world.anchor(recent.height).unwrap()];
    let whole = whole.to_bytes();
    assert_eq!(held.update(&whole, &terms_at(&world)).unwrap_err(), needed);
    // Nor does a clock help that stands still, or a bundle that says it is not so late.
    let early = Terms {
        now: since,
        ..terms_at(&world)
    };
    assert_eq!(held.update(&whole, &early).unwrap_err(), needed);
    let terms = Terms {
        checkpoint: Some(recent),
        ..terms_at(&world)
    };
    let after = held.update(&whole, &terms).unwrap();
    assert_eq!(after.to_bytes(), world.bundle().unwrap());
    // A device with nothing but the charter needs one too.
    let late = Start {
        now: now(&world),
        ..start
    };
    let genesis = BundleError::CheckpointNeeded {
        since: world.state.charter().genesis,
    };
    assert_eq!(Held::start(&whole, &late).unwrap_err(), genesis);
    let from_checkpoint = Start {
        checkpoint: Some(recent),
        ..late
    };
    assert!(Held::start(&whole, &from_checkpoint).is_ok());
}
