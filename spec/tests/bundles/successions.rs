//! Selections of a ledger on which an office of another region took the place of the one that opened a series.

use crate::scene::{Desk, LICENCE, certified, issue_of, region, report_in, succeed};
use crate::story::{selection, terms_at};
use concord_spec::bundle::{Held, Selection};
use concord_spec::ledger::SectionName;
use concord_spec::record::{Action, AmendOffice, Change, Scope, SucceedRegion};
use concord_spec::world::World;

/// The first region is gone and the second holds its offices.
fn taken_over() -> World {
    let mut world = World::with_series(4, "successions").unwrap();
    world.issue(1).unwrap();
    world.change(Change::RemoveRegion(region(0)), &[1, 2, 3]).unwrap();
    let taking_over = SucceedRegion {
        region: region(0),
        successor: region(1),
    };
    world.change(Change::SucceedRegion(taking_over), &[1, 2, 3]).unwrap();
    world
}

/// An office of the second region, valid in the second and third alone.
fn successor(world: &mut World) -> Desk {
    let next = Desk::new(1, "NEXT", 1, [7]).registered(world, &[LICENCE]);
    let narrower = AmendOffice {
        office: next.id.clone(),
        labels: None,
        keyring: None,
        scope: Some(Scope {
            regions: Some(vec![region(1), region(2)]),
            ..Scope::of_types(vec![crate::scene::kind(LICENCE)])
        }),
        utc_offset_minutes: None,
    };
    let record = world.by_region_at(1, Action::AmendOffice(Box::new(narrower))).unwrap();
    world.append(vec![record]).unwrap();
    next
}

fn selections() -> [Selection; 3] {
    [
        selection(None, Some(&[0])),
        selection(Some(&[LICENCE]), None),
        selection(Some(&[LICENCE]), Some(&[0])),
    ]
}

#[test]
fn a_selection_says_of_a_successors_certificates_what_all_data_say() {
    let mut world = taken_over();
    let next = successor(&mut world);
    let office = world.office().unwrap();
    let record = world.by_region_at(1, succeed(&office, &next.id)).unwrap();
    world.append(vec![record]).unwrap();
    let credentials = [certified(&world, &next.id, 1)];
    let record = next.sign(&mut world, issue_of(&credentials));
    world.append(vec![record]).unwrap();
    let certificate = world.certificates(&credentials, 0).unwrap().remove(0);
    let full = world.full_bundle().unwrap();
    let all = world.trusted().unwrap();
    for selection in selections() {
        let part = Held::open(&full.select(&selection).to_bytes(), &world.state.chain_id()).unwrap();
        for own in [None, Some(0), Some(1), Some(2), Some(3)] {
            let (by_part, by_all) = (
                report_in(&certificate, part.state(), own),
                report_in(&certificate, &all, own),
            );
            assert_eq!(by_part, by_all, "{selection:?} in {own:?}");
        }
    }
}

#[test]
fn without_the_successors_directory_a_selection_is_refused() {
    let mut world = taken_over();
    let next = successor(&mut world);
    let office = world.office().unwrap();
    let record = world.by_region_at(1, succeed(&office, &next.id)).unwrap();
    world.append(vec![record]).unwrap();
    for selection in selections() {
        let mut part = world.full_bundle().unwrap().select(&selection);
        let lacking = SectionName::Directory(region(1));
        part.sections.retain(|section| section.name != lacking);
        let error = Held::open(&part.to_bytes(), &world.state.chain_id()).unwrap_err();
        assert_eq!(
            error,
            concord_spec::bundle::BundleError::Missing(lacking),
            "{selection:?}"
        );
    }
}

#[test]
fn a_delta_brings_the_directory_to_which_a_succession_leads() {
    let mut world = taken_over();
    let next = successor(&mut world);
    let from = world.state.tip().height;
    let before = world.full_bundle().unwrap();
    let office = world.office().unwrap();
    let record = world.by_region_at(1, succeed(&office, &next.id)).unwrap();
    world.append(vec![record]).unwrap();
    let newest = world.full_bundle().unwrap();
    for selection in selections() {
        let held = Held::open(&before.select(&selection).to_bytes(), &world.state.chain_id()).unwrap();
        let delta = world.delta(from, &selection).unwrap().to_bytes();
        let after = held.update(&delta, &terms_at(&world)).unwrap();
        assert_eq!(after.to_bytes(), newest.select(&selection).to_bytes(), "{selection:?}");
    }
}
