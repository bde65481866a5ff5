//! Recognition: every condition met and unmet, with the reason in the report (DESIGN 4.9).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod scene;

use concord_spec::bundle::TrustedState;
use concord_spec::catalogue::label;
use concord_spec::certificate::Certificate;
use concord_spec::id::{TypeVersion, UnixMillis};
use concord_spec::recognition::{Source, Terms, ValueMap};
use concord_spec::record::{Action, AmendOffice, Scope, Withdraw};
use concord_spec::verify::{CheckName, OutcomeOf, Policy, Presented, Report, Verdict, verify};
use concord_spec::world::World;
use scene::{DAY_MS, LICENCE, evidence_of, kind, recognise, region, report_in, terms, version_of};

/// 2026-01-01 in the office's zone is the legal day of issue of every credential of the world.
const ISSUED: &str = "2026-01-01";

/// A certificate of the first region, and the state after the second recognised its type on these terms.
fn declared(change: impl FnOnce(&mut Terms)) -> (World, Certificate) {
    let mut world = World::with_series(4, "concord-test").unwrap();
    let certificate = world.issue(1).unwrap().remove(0);
    let mut terms = terms(Source::Region(region(0)), LICENCE);
    change(&mut terms);
    let record = world.by_region_at(1, recognise(terms)).unwrap();
    world.append(vec![record]).unwrap();
    (world, certificate)
}

fn presented(certificate: &Certificate, state: &TrustedState, now: UnixMillis, purpose: Option<&str>) -> Report {
    let policy = Policy {
        own_region: Some(region(1)),
        purpose: purpose.map(str::to_owned),
        ..Policy::default()
    };
    verify(Presented::Certificate(&certificate.to_bytes()), state, &policy, now)
}

/// The verdict in the second region so many milliseconds after the last block, and the grounds.
fn judged(change: impl FnOnce(&mut Terms), later_ms: u64) -> (Verdict, String) {
    let (world, certificate) = declared(change);
    let state = world.trusted().unwrap();
    let report = presented(&certificate, &state, UnixMillis(state.time().0 + later_ms), None);
    (report.verdict, evidence_of(&report, CheckName::Recognised))
}

fn assert_unmet(outcome: (Verdict, String), reason: &str) {
    assert_eq!(outcome.0, Verdict::NotRecognised, "{}", outcome.1);
    assert!(outcome.1.contains(reason), "{} does not say: {reason}", outcome.1);
}

fn assert_met(outcome: (Verdict, String)) {
    assert_eq!(outcome.0, Verdict::Valid, "{}", outcome.1);
    assert!(outcome.1.contains("declaration 1 of region 120000"), "{}", outcome.1);
}

#[test]
fn the_source_of_a_declaration_is_one_region_or_all() {
    assert_met(judged(|_| (), 0));
    assert_met(judged(|terms| terms.source = Source::All, 0));
    let other = judged(|terms| terms.source = Source::Region(region(2)), 0);
    assert_unmet(other, "has declared no recognition of 110000.drivers-licence");
}

#[test]
fn where_nothing_is_declared_the_report_says_so_and_at_home_nothing_is_needed() {
    let (world, certificate) = declared(|_| ());
    let state = world.trusted().unwrap();
    let report = report_in(&certificate, &state, Some(2));
    assert_eq!(report.verdict, Verdict::NotRecognised);
    assert!(evidence_of(&report, CheckName::Recognised).contains("region 130000 has declared no recognition"));
    assert_eq!(report_in(&certificate, &state, Some(0)).verdict, Verdict::Valid);
    assert_eq!(report_in(&certificate, &state, None).verdict, Verdict::Valid);
}

#[test]
fn a_least_version_of_the_type_is_a_condition() {
    assert_met(judged(|terms| terms.min_version = TypeVersion(1), 0));
    assert_unmet(
        judged(|terms| terms.min_version = TypeVersion(2), 0),
        "version 2 of the type or later",
    );
}

#[test]
fn days_of_issue_are_a_condition_and_both_ends_count() {
    let day = |text: &str| Some(text.parse().unwrap());
    assert_met(judged(
        |terms| (terms.issued_from, terms.issued_until) = (day(ISSUED), day(ISSUED)),
        0,
    ));
    assert_unmet(
        judged(|terms| terms.issued_from = day("2026-01-02"), 0),
        "issued from 2026-01-02 on",
    );
    assert_unmet(
        judged(|terms| terms.issued_until = day("2025-12-31"), 0),
        "issued until 2025-12-31",
    );
}

#[test]
fn times_of_presentation_are_a_condition_and_both_ends_count() {
    let now = declared(|_| ()).0.state.tip().time;
    let at = |ms: u64| Some(UnixMillis(ms));
    assert_met(judged(
        |terms| (terms.presented_from, terms.presented_until) = (at(now.0), at(now.0)),
        0,
    ));
    assert_unmet(judged(|terms| terms.presented_from = at(now.0 + 1), 0), "begins later");
    assert_unmet(judged(|terms| terms.presented_until = at(now.0), 1), "has ended");
}

#[test]
fn an_age_is_counted_from_the_day_of_issue_in_the_offices_zone() {
    let (world, _) = declared(|_| ());
    let begun = u64::try_from(ISSUED.parse::<concord_spec::day::Day>().unwrap().begins_at(480)).unwrap() * 1_000;
    let last = begun + 10 * DAY_MS - world.state.tip().time.0;
    assert_met(judged(|terms| terms.max_age_days = Some(10), last));
    assert_unmet(
        judged(|terms| terms.max_age_days = Some(10), last + 1_000),
        "within 10 days",
    );
}

#[test]
fn purposes_are_a_condition_when_one_is_named() {
    let (world, certificate) = declared(|terms| terms.purposes = vec!["car-hire".to_owned(), "driving".to_owned()]);
    let state = world.trusted().unwrap();
    let now = state.time();
    for (purpose, verdict) in [
        (Some("driving"), Verdict::Valid),
        (Some("banking"), Verdict::NotRecognised),
        (None, Verdict::Valid),
    ] {
        let report = presented(&certificate, &state, now, purpose);
        assert_eq!(report.verdict, verdict, "{purpose:?}");
        if verdict == Verdict::Valid {
            assert_eq!(report.recognised.unwrap().purposes.len(), 2);
        } else {
            assert!(evidence_of(&report, CheckName::Recognised).contains("for car-hire, driving only"));
        }
    }
}

#[test]
fn a_credential_is_recognised_as_a_type_here_with_values_as_they_are_called_here() {
    let map = |there: &str, here: &str| ValueMap {
        claim: 100,
        there: there.to_owned(),
        here: here.to_owned(),
    };
    let (world, certificate) = declared(|terms| {
        terms.local_type = Some(kind(LICENCE));
        terms.values = vec![map("A1", "D"), map("C1", "B")];
    });
    let state = world.trusted().unwrap();
    let recognised = report_in(&certificate, &state, Some(1)).recognised.unwrap();
    assert_eq!(recognised.local_type, Some(kind(LICENCE)));
    let [mapped] = recognised.claims.as_slice() else {
        panic!("{:?}", recognised.claims);
    };
    assert_eq!(label(&mapped.labels, "zh"), "准驾车型");
    assert_eq!((mapped.there.as_str(), mapped.here.as_str()), ("C1", "B"));
}

fn withdraw(world: &mut World, issued_until: Option<&str>, presented_until: Option<UnixMillis>) {
    let body = Withdraw {
        number: 1,
        issued_until: issued_until.map(|day| day.parse().unwrap()),
        presented_until,
    };
    let record = world.by_region_at(1, Action::Withdraw(body)).unwrap();
    world.append(vec![record]).unwrap();
}

#[test]
fn a_withdrawal_keeps_the_rights_acquired_before_it() {
    // For what is issued from the next day on: what was issued until now stays recognised.
    let (mut world, certificate) = declared(|_| ());
    withdraw(&mut world, Some(ISSUED), None);
    assert_eq!(
        report_in(&certificate, &world.trusted().unwrap(), Some(1)).verdict,
        Verdict::Valid
    );
    // For what was issued on that day too.
    let (mut world, certificate) = declared(|_| ());
    withdraw(&mut world, Some("2025-12-31"), None);
    let report = report_in(&certificate, &world.trusted().unwrap(), Some(1));
    assert_eq!(report.verdict, Verdict::NotRecognised);
    assert!(evidence_of(&report, CheckName::Recognised).contains("issued until 2025-12-31"));
    // With time to present it.
    let (mut world, certificate) = declared(|_| ());
    let until = UnixMillis(world.state.tip().time.0 + DAY_MS);
    withdraw(&mut world, None, Some(until));
    let state = world.trusted().unwrap();
    assert_eq!(presented(&certificate, &state, until, None).verdict, Verdict::Valid);
    let over = presented(&certificate, &state, UnixMillis(until.0 + 1), None);
    assert_eq!(over.verdict, Verdict::NotRecognised);
    assert!(evidence_of(&over, CheckName::Recognised).contains("has ended"));
}

#[test]
fn a_later_declaration_covers_what_a_withdrawn_one_does_no_more() {
    let (mut world, certificate) = declared(|_| ());
    withdraw(&mut world, Some("2025-12-31"), None);
    let record = world.by_region_at(1, recognise(terms(Source::All, LICENCE))).unwrap();
    world.append(vec![record]).unwrap();
    let report = report_in(&certificate, &world.trusted().unwrap(), Some(1));
    assert_eq!(
        (report.verdict, report.recognised.unwrap().declaration),
        (Verdict::Valid, 2)
    );
}

#[test]
fn an_offices_regions_of_validity_stand_above_every_recognition() {
    let (mut world, certificate) = declared(|_| ());
    let body = AmendOffice {
        office: world.office().unwrap(),
        labels: None,
        keyring: None,
        scope: Some(Scope {
            types: vec![version_of(LICENCE, 1).id],
            regions: Some(vec![region(0)]),
        }),
        utc_offset_minutes: None,
    };
    let record = world.by_region(Action::AmendOffice(Box::new(body))).unwrap();
    world.append(vec![record]).unwrap();
    let state = world.trusted().unwrap();
    let report = report_in(&certificate, &state, Some(1));
    assert_eq!(report.verdict, Verdict::NotRecognised);
    assert!(evidence_of(&report, CheckName::Recognised).contains("are not valid in region 120000"));
    let home = report_in(&certificate, &state, Some(0));
    let check = home
        .checks
        .iter()
        .find(|check| check.name == CheckName::Recognised)
        .unwrap();
    assert_eq!(check.outcome, OutcomeOf::Passed);
}
