//! Offices over time: levels, suspension, delegation, succession, names (DESIGN 4.3).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod scene;

use concord_spec::id::{Height, SeriesId, UnixMillis};
use concord_spec::ledger::{CheckEach, LedgerState, standing};
use concord_spec::record::{Action, AmendOffice, Change, Delegate, OfficeChange, OfficeLevel, Scope, SucceedRegion};
use concord_spec::status::StatusKind;
use concord_spec::verify::{CheckName, Verdict};
use concord_spec::world::World;
use scene::{
    Desk, LICENCE, append_after, by_own_region, certified, evidence_of, issue, issue_of, kind, labels, opening,
    refusal, refused, region, report_in, set_office, status, succeed, verdict, version_of,
};

const SERIES: SeriesId = SeriesId(1);

fn world() -> World {
    World::with_series(4, "concord-test").unwrap()
}

/// Province, city and county of the first region, each under the one before, all for the licence.
fn levels(world: &mut World) -> [Desk; 3] {
    let province = Desk::new(0, "PROVINCE", 1, [1, 2]).registered(world, &[LICENCE]);
    let city = Desk::new(0, "CITY", 1, [3, 4]).registered_under(world, &province, OfficeLevel::City, &[LICENCE]);
    let county = Desk::new(0, "COUNTY", 1, [5, 6]).registered_under(world, &city, OfficeLevel::County, &[LICENCE]);
    [province, city, county]
}

fn set(world: &mut World, desk: &Desk, change: OfficeChange) {
    let record = by_own_region(world, &desk.id, set_office(&desk.id, change));
    world.append(vec![record]).unwrap();
}

fn may_act(world: &World, desk: &Desk) -> bool {
    standing::check_active(&world.state, &desk.id, world.state.next_height()).is_ok()
}

fn amend(world: &mut World, desk: &Desk, change: impl FnOnce(&mut AmendOffice)) {
    let mut body = AmendOffice {
        office: desk.id.clone(),
        labels: None,
        keyring: None,
        scope: None,
        utc_offset_minutes: None,
    };
    change(&mut body);
    let record = by_own_region(world, &desk.id, Action::AmendOffice(Box::new(body)));
    world.append(vec![record]).unwrap();
}

/// Our office of the world, as a desk that names it.
fn ours(world: &World) -> Desk {
    Desk {
        id: world.office().unwrap(),
        threshold: 2,
        keys: Vec::new(),
    }
}

#[test]
fn suspending_a_parent_stops_its_sub_offices_and_reinstating_restores_exactly_what_was() {
    let mut world = world();
    let [province, city, county] = levels(&mut world);
    let other = Desk::new(0, "OTHER", 1, [7]).registered_under(&mut world, &city, OfficeLevel::County, &[]);
    set(&mut world, &other, OfficeChange::Suspend);
    set(&mut world, &province, OfficeChange::Suspend);
    for desk in [&province, &city, &county, &other] {
        assert!(!may_act(&world, desk), "{}", desk.id);
        let record = desk.sign(&mut world, opening(&version_of(LICENCE, 1), 80));
        assert_eq!(refused(&world, &record), "OFFICE_NOT_ACTIVE");
    }
    set(&mut world, &province, OfficeChange::Reinstate);
    for desk in [&province, &city, &county] {
        assert!(may_act(&world, desk), "{}", desk.id);
    }
    assert!(!may_act(&world, &other), "it was suspended by itself, and still is");
    let series = county.open(&mut world, &version_of(LICENCE, 1), 80);
    let record = county.issue(&mut world, series, 0, 3);
    world.append(vec![record]).unwrap();
}

#[test]
fn a_type_that_a_parent_loses_is_lost_by_all_below_it() {
    let mut world = world();
    let [province, city, county] = levels(&mut world);
    let series = county.open(&mut world, &version_of(LICENCE, 1), 80);
    amend(&mut world, &city, |body| body.scope = Some(Scope::default()));
    let record = county.issue(&mut world, series, 0, 1);
    assert_eq!(refused(&world, &record), "OUT_OF_SCOPE");
    assert!(standing::in_scope(&world.state, &province.id, &kind(LICENCE)));
    amend(&mut world, &city, |body| {
        body.scope = Some(Scope::of_types(vec![kind(LICENCE)]))
    });
    let record = county.issue(&mut world, series, 0, 1);
    world.append(vec![record]).unwrap();
}

#[test]
fn a_delegation_is_good_until_its_date_included_or_until_it_is_taken_back() {
    let mut world = world();
    let other = Desk::new(1, "OTHER", 2, [7, 8]).registered(&mut world, &[]);
    let until = UnixMillis(world.state.tip().time.0 + 10_000);
    let delegate = |until| {
        Action::Delegate(Delegate {
            to: other.id.clone(),
            kind: kind(LICENCE),
            until,
        })
    };
    let record = world.by_office(delegate(Some(until))).unwrap();
    world.append(vec![record]).unwrap();
    let series = other.open(&mut world, &version_of(LICENCE, 1), 80);
    let on_the_last = until.0 - world.state.tip().time.0;
    let record = other.issue(&mut world, series, 0, 1);
    append_after(&mut world, on_the_last, vec![record]);
    let record = other.issue(&mut world, series, 1, 1);
    assert_eq!(scene::refusal_after(&world, &record, 1).code(), "OUT_OF_SCOPE");
    // Prolonged, taken back; and gone with the office that lets it.
    let later = Some(UnixMillis(until.0 + 1_000_000));
    let record = world.by_office(delegate(later)).unwrap();
    world.append(vec![record]).unwrap();
    let record = other.issue(&mut world, series, 1, 1);
    world.append(vec![record]).unwrap();
    let record = world.by_office(delegate(None)).unwrap();
    world.append(vec![record]).unwrap();
    let record = other.issue(&mut world, series, 2, 1);
    assert_eq!(refused(&world, &record), "OUT_OF_SCOPE");
    let record = world.by_office(delegate(later)).unwrap();
    world.append(vec![record]).unwrap();
    let lender = ours(&world);
    set(&mut world, &lender, OfficeChange::Suspend);
    let record = other.issue(&mut world, series, 2, 1);
    assert_eq!(refused(&world, &record), "OUT_OF_SCOPE");
}

#[test]
fn by_delegation_nobodys_credentials_are_valid_in_more_regions() {
    let mut world = world();
    let lender = ours(&world);
    let within = |of: &[usize]| {
        Some(Scope {
            types: vec![kind(LICENCE)],
            regions: Some(of.iter().map(|index| region(*index)).collect()),
        })
    };
    amend(&mut world, &lender, |body| body.scope = within(&[0, 1]));
    let other = Desk::new(0, "OTHER", 2, [7, 8]).registered(&mut world, &[]);
    let delegation = Action::Delegate(Delegate {
        to: other.id.clone(),
        kind: kind(LICENCE),
        until: Some(UnixMillis(world.state.tip().time.0 + 1_000_000)),
    });
    let record = world.by_office(delegation.clone()).unwrap();
    assert_eq!(refused(&world, &record), "DELEGATION");
    let narrow = |body: &mut AmendOffice, of: &[usize]| {
        body.scope = Some(Scope {
            types: Vec::new(),
            regions: Some(of.iter().map(|index| region(*index)).collect()),
        });
    };
    amend(&mut world, &other, |body| narrow(body, &[1]));
    let record = world.by_office(delegation).unwrap();
    world.append(vec![record]).unwrap();
    let series = other.open(&mut world, &version_of(LICENCE, 1), 80);
    // Once it reaches further than the office that lets it, it issues nothing.
    amend(&mut world, &other, |body| narrow(body, &[1, 2]));
    let record = other.issue(&mut world, series, 0, 1);
    assert_eq!(refused(&world, &record), "OUT_OF_SCOPE");
}

#[test]
fn a_successor_takes_over_series_and_status_power_and_old_certificates_stay() {
    let mut world = world();
    let office = world.office().unwrap();
    let before = world.issue(2).unwrap();
    let successor = Desk::new(0, "NEXT", 1, [7]).registered(&mut world, &[LICENCE]);
    // In one block: what the predecessor issues, and then its end.
    let (credentials, last) = world.batch(2).unwrap();
    let end = world.by_region(succeed(&office, &successor.id)).unwrap();
    world.append(vec![last, end]).unwrap();
    let on_the_last_day = world.certificates(&credentials, 0).unwrap();
    let record = world.by_office(issue(SERIES, 4, 1)).unwrap();
    assert_eq!(refused(&world, &record), "OFFICE_NOT_ACTIVE");
    let credentials = [certified(&world, &successor.id, 4)];
    let record = successor.sign(&mut world, issue_of(&credentials));
    world.append(vec![record]).unwrap();
    let after = world.certificates(&credentials, 0).unwrap();
    let state = world.trusted().unwrap();
    for certificate in before.iter().chain(&on_the_last_day).chain(&after) {
        assert_eq!(verdict(certificate, &state), Verdict::Valid);
    }
    // Issued after its end in the predecessor's name: not genuine.
    let late = [certified(&world, &office, 5)];
    let record = successor.sign(&mut world, issue_of(&late));
    world.append(vec![record]).unwrap();
    let late = world.certificates(&late, 0).unwrap();
    assert_eq!(verdict(&late[0], &world.trusted().unwrap()), Verdict::NotGenuine);
    let revoke = status(
        SERIES,
        &[(0, 1)],
        concord_spec::record::StatusChange::Set(StatusKind::Revoked),
    );
    let record = successor.sign(&mut world, Action::SetStatus(revoke));
    world.append(vec![record]).unwrap();
    assert_eq!(verdict(&before[0], &world.trusted().unwrap()), Verdict::Revoked);
}

#[test]
fn a_successor_region_has_the_offices_series_and_status_of_the_region_that_is_gone() {
    let mut world = world();
    let office = world.office().unwrap();
    let before = world.issue(2).unwrap();
    world.change(Change::RemoveRegion(region(0)), &[1, 2, 3]).unwrap();
    let revoke = |number| {
        status(
            SERIES,
            &[(number, 1)],
            concord_spec::record::StatusChange::Set(StatusKind::Revoked),
        )
    };
    let record = world.by_office(Action::SetStatus(revoke(0))).unwrap();
    assert_eq!(refused(&world, &record), "REGION_NOT_IN_FORCE");
    let taking_over = SucceedRegion {
        region: region(0),
        successor: region(1),
    };
    world.change(Change::SucceedRegion(taking_over), &[1, 2, 3]).unwrap();
    // The offices go on, under the successor.
    let record = world.by_office(Action::SetStatus(revoke(0))).unwrap();
    world.append(vec![record]).unwrap();
    let record = world.by_region_at(1, Action::SetStatus(revoke(1))).unwrap();
    world.append(vec![record]).unwrap();
    let record = world.by_region_at(2, Action::FreezeSeries(SERIES)).unwrap();
    assert_eq!(refused(&world, &record), "SERIES_NOT_YOURS");
    let state = world.trusted().unwrap();
    assert_eq!(verdict(&before[0], &state), Verdict::Revoked);
    assert_eq!(verdict(&before[1], &state), Verdict::Revoked);
    // And an office of the successor takes the place of one of them.
    let next = Desk::new(1, "NEXT", 1, [7]).registered(&mut world, &[LICENCE]);
    let record = world.by_region_at(1, succeed(&office, &next.id)).unwrap();
    world.append(vec![record]).unwrap();
    let credentials = [certified(&world, &next.id, 2)];
    let record = next.sign(&mut world, issue_of(&credentials));
    world.append(vec![record]).unwrap();
    let after = world.certificates(&credentials, 0).unwrap();
    assert_eq!(verdict(&after[0], &world.trusted().unwrap()), Verdict::Valid);
}

#[test]
fn a_report_names_an_office_as_it_was_called_at_issue() {
    let mut world = world();
    let old = world.issue(1).unwrap();
    let desk = ours(&world);
    amend(&mut world, &desk, |body| {
        body.labels = Some(labels("公安局交通警察总队"))
    });
    let renamed = world.state.tip().height.0;
    let new = world.issue(1).unwrap();
    let state = world.trusted().unwrap();
    let named = |certificate| evidence_of(&report_in(certificate, &state, None), CheckName::Authentic);
    assert!(named(&old[0]).contains("公安局交通管理局"));
    assert!(named(&new[0]).contains("公安局交通警察总队"));
    let office = world.state.office(&desk.id).unwrap();
    assert_eq!(office.labels_at(Height(renamed - 1)), labels("公安局交通管理局"));
    assert_eq!(office.labels_at(Height(renamed)), labels("公安局交通警察总队"));
}

#[test]
fn a_sub_office_must_sign_with_as_many_keys_as_those_above_it_since_when_they_do() {
    let mut world = world();
    let [province, city, _] = levels(&mut world);
    amend(&mut world, &province, |body| {
        body.keyring = Some(scene::keyring(2, [1, 2]))
    });
    let record = city.sign(&mut world, opening(&version_of(LICENCE, 1), 80));
    assert_eq!(refusal(&world, &record).code(), "EXCEEDS_PARENT");
    amend(&mut world, &city, |body| body.keyring = Some(scene::keyring(2, [3, 4])));
    let city = Desk { threshold: 2, ..city };
    city.open(&mut world, &version_of(LICENCE, 1), 80);
}

/// What lets an office issue the licence, so many milliseconds from now on.
fn lending(world: &World, to: &Desk, later_ms: u64) -> Action {
    Action::Delegate(Delegate {
        to: to.id.clone(),
        kind: kind(LICENCE),
        until: Some(UnixMillis(world.state.tip().time.0 + later_ms)),
    })
}

#[test]
fn nobody_takes_the_room_for_delegations_that_others_need() {
    let mut world = world();
    let other = Desk::new(1, "OTHER", 2, [7, 8]).registered(&mut world, &[]);
    // A region whose offices all let it issue the type that is not theirs to give.
    let mut refusals = Vec::new();
    for index in 0..20 {
        let desk = Desk::new(2, &format!("O{index}"), 1, [100 + index]).registered(&mut world, &[LICENCE]);
        let action = lending(&world, &other, 1_000_000);
        let record = desk.sign(&mut world, action);
        match refused_or_appended(&mut world, record) {
            Ok(()) => {}
            Err(code) => refusals.push(code),
        }
        let record = by_own_region(&mut world, &desk.id, set_office(&desk.id, OfficeChange::Suspend));
        world.append(vec![record]).unwrap();
    }
    assert_eq!(refusals, ["DELEGATION"; 4], "16 offices of a region are enough");
    let entry = world.state.office(&other.id).unwrap();
    assert_eq!(
        entry.delegations,
        Vec::new(),
        "nothing is written into the entry of who may"
    );
    let record = other.sign(&mut world, opening(&version_of(LICENCE, 1), 80));
    assert_eq!(refused(&world, &record), "OUT_OF_SCOPE");
    let action = lending(&world, &other, 1_000_000);
    let record = world.by_office(action).unwrap();
    world.append(vec![record]).unwrap();
    other.open(&mut world, &version_of(LICENCE, 1), 80);
}

fn refused_or_appended(world: &mut World, record: concord_spec::record::SignedRecord) -> Result<(), &'static str> {
    let mut state = world.state.clone();
    match state.apply(&record, &scene::next_context(world, 1_000), &CheckEach) {
        Ok(_) => {
            world.append(vec![record]).unwrap();
            Ok(())
        }
        Err(rejection) => Err(rejection.code()),
    }
}

#[test]
fn a_delegation_that_is_over_is_dropped_when_the_next_is_given() {
    let mut world = world();
    let office = world.office().unwrap();
    let desks = [0, 1, 2].map(|index| Desk::new(1, &format!("D{index}"), 2, [70 + 2 * index, 71 + 2 * index]));
    let desks = desks.map(|desk| desk.registered(&mut world, &[]));
    let records = [(0, 2_000), (1, 1_000_000)].map(|(index, later)| {
        let action = lending(&world, &desks[index], later);
        world.by_office(action).unwrap()
    });
    world.append(records.into()).unwrap();
    append_after(&mut world, 10_000, Vec::new());
    assert_eq!(world.state.office(&office).unwrap().delegations.len(), 2);
    let action = lending(&world, &desks[2], 1_000_000);
    let record = world.by_office(action).unwrap();
    world.append(vec![record]).unwrap();
    let given = &world.state.office(&office).unwrap().delegations;
    let to: Vec<_> = given.iter().map(|known| known.to.clone()).collect();
    assert_eq!(to, [desks[1].id.clone(), desks[2].id.clone()]);
}

#[test]
fn a_type_is_issued_by_delegation_with_as_many_keys_as_who_lets_it_must_use() {
    let mut world = world();
    let other = Desk::new(1, "OTHER", 2, [7, 8]).registered(&mut world, &[]);
    let action = lending(&world, &other, 1_000_000);
    let record = world.by_office(action).unwrap();
    world.append(vec![record]).unwrap();
    let series = other.open(&mut world, &version_of(LICENCE, 1), 80);
    amend(&mut world, &other, |body| body.keyring = Some(scene::keyring(1, [7])));
    let alone = Desk {
        threshold: 1,
        keys: vec![7],
        ..other.clone()
    };
    let record = alone.issue(&mut world, series, 0, 1);
    assert_eq!(refused(&world, &record), "OUT_OF_SCOPE");
    amend(&mut world, &other, |body| {
        body.keyring = Some(scene::keyring(2, [7, 8]))
    });
    let record = other.issue(&mut world, series, 0, 1);
    world.append(vec![record]).unwrap();
}

#[test]
fn what_stands_below_an_office_is_known_through_successions_and_removals_and_after_loading() {
    let mut world = world();
    let [province, city, county] = levels(&mut world);
    let next = Desk::new(0, "NEXT", 1, [20]).registered(&mut world, &[LICENCE]);
    let closing = |world: &mut World, desk: &Desk| {
        let record = by_own_region(world, &desk.id, set_office(&desk.id, OfficeChange::Close));
        let loaded = LedgerState::restore(world.state.charter().clone(), world.state.entries()).unwrap();
        let outcome = |state: &LedgerState| {
            let applied = state
                .clone()
                .apply(&record, &scene::next_context(world, 1_000), &CheckEach);
            applied.err().map(|rejection| rejection.code())
        };
        assert_eq!(outcome(&loaded), outcome(&world.state), "{}", desk.id);
        outcome(&world.state)
    };
    assert_eq!(closing(&mut world, &province), Some("HAS_SUB_OFFICES"));
    assert_eq!(closing(&mut world, &next), None);
    let record = by_own_region(&mut world, &province.id, succeed(&province.id, &next.id));
    world.append(vec![record]).unwrap();
    assert_eq!(closing(&mut world, &next), Some("HAS_SUB_OFFICES"));
    // The city goes over to its own parent: nobody but the county stands below, and below the successor then.
    let record = by_own_region(&mut world, &city.id, succeed(&city.id, &next.id));
    world.append(vec![record]).unwrap();
    assert_eq!(closing(&mut world, &next), Some("HAS_SUB_OFFICES"));
    set(&mut world, &county, OfficeChange::Close);
    assert_eq!(closing(&mut world, &next), None);
}
