//! Who may set which status, and what becomes of a series whose key was stolen (DESIGN 2, 4.3, 4.6).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod scene;

use concord_spec::block::{Block, record_roots};
use concord_spec::codec;
use concord_spec::content::Relation;
use concord_spec::id::{CredentialId, DomainId, Number, SeriesId, UnixMillis};
use concord_spec::ledger::{BlockError, CheckEach, Entry, LedgerState, Limits};
use concord_spec::record::{Action, Actor, Change, Domain, SetStatus, SignedRecord, StatusChange, Successor};
use concord_spec::status::{SeriesStatus, Standing, StatusKind};
use concord_spec::verify::{Policy, Presented, Verdict, verify};
use concord_spec::world::World;
use scene::{
    Desk, LICENCE, certified, issue, issue_of, key, keyring, labels, refused, region, restoration, status, verdict,
    version_of,
};
use std::sync::Arc;

const SERIES: SeriesId = SeriesId(1);
const REVOKE: StatusChange = StatusChange::Set(StatusKind::Revoked);

fn world() -> World {
    let mut world = World::with_series(4, "concord-test").unwrap();
    world.issue(16).unwrap();
    world
}

fn revoking(series: SeriesId, number: u64) -> Action {
    Action::SetStatus(status(series, &[(number, 1)], REVOKE))
}

/// A ministry with a type of its own, which it has defined.
fn ministry(world: &mut World) -> DomainId {
    let domain = DomainId::new("transport").unwrap();
    let admission = Domain {
        domain: domain.clone(),
        labels: labels("交通运输部"),
        keyring: keyring(1, [70]),
    };
    world.change(Change::AdmitDomain(admission), &[0, 1, 2]).unwrap();
    let mut definition = world.definition.clone();
    definition.reference = version_of("transport.permit", 1);
    let record = by_ministry(world, Action::DefineType(Box::new(definition)));
    world.append(vec![record]).unwrap();
    domain
}

fn by_ministry(world: &mut World, action: Action) -> SignedRecord {
    let payload = world.payload(Actor::Domain(DomainId::new("transport").unwrap()), action);
    SignedRecord::sign(payload, &[&key(70)])
}

#[test]
fn office_region_and_the_types_owner_set_status_and_nobody_else() {
    let mut world = world();
    ministry(&mut world);
    let other = Desk::new(0, "OTHER", 1, [7]).registered(&mut world, &[LICENCE]);
    let own = world.by_office(revoking(SERIES, 0)).unwrap();
    let region = world.by_region(revoking(SERIES, 1)).unwrap();
    world.append(vec![own, region]).unwrap();
    let stranger = other.sign(&mut world, revoking(SERIES, 2));
    assert_eq!(refused(&world, &stranger), "SERIES_NOT_YOURS");
    let far = world.by_region_at(1, revoking(SERIES, 2)).unwrap();
    assert_eq!(refused(&world, &far), "SERIES_NOT_YOURS");
    // The licence is the region's type, not the ministry's.
    let unrelated = by_ministry(&mut world, revoking(SERIES, 2));
    assert_eq!(refused(&world, &unrelated), "SERIES_NOT_YOURS");
    let nobody = SignedRecord::sign(world.payload(Actor::Nobody, revoking(SERIES, 2)), &[]);
    assert_eq!(refused(&world, &nobody), "NOT_YOURS");
}

#[test]
fn a_domain_authority_supervises_its_type_in_every_region() {
    let mut world = world();
    ministry(&mut world);
    for index in 0..4 {
        let number = u64::try_from(index).unwrap();
        let desk = Desk::new(index, "PERMITS", 1, [100 + number]).registered(&mut world, &["transport.permit"]);
        let series = desk.open(&mut world, &version_of("transport.permit", 1), 200 + number);
        let record = desk.issue(&mut world, series, 0, 3);
        world.append(vec![record]).unwrap();
        let records = vec![
            by_ministry(&mut world, revoking(series, 1)),
            by_ministry(&mut world, Action::FreezeSeries(series)),
        ];
        world.append(records).unwrap();
        let found = world.state.series_status(series).unwrap();
        assert_eq!(
            [0, 1].map(|number| found.standing(number)),
            [Standing::InForce, Standing::Revoked]
        );
        let record = desk.issue(&mut world, series, 3, 1);
        assert_eq!(refused(&world, &record), "SERIES_FROZEN");
        let record = by_ministry(&mut world, restoration(series, &[(1, 1)]));
        assert_eq!(refused(&world, &record), "NOT_YOURS", "restoring is the region's alone");
    }
}

#[test]
fn only_the_region_restores_and_only_by_an_order() {
    let mut world = world();
    let annul = status(SERIES, &[(0, 2)], StatusChange::Set(StatusKind::Annulled));
    let record = world.by_office(Action::SetStatus(annul)).unwrap();
    world.append(vec![record]).unwrap();
    let record = world
        .by_office(Action::SetStatus(status(SERIES, &[(0, 1)], StatusChange::Reinstate)))
        .unwrap();
    assert_eq!(refused(&world, &record), "STATUS_FINAL");
    let record = world.by_office(restoration(SERIES, &[(0, 1)])).unwrap();
    assert_eq!(refused(&world, &record), "NOT_YOURS");
    let without = status(SERIES, &[(0, 1)], StatusChange::Restore);
    let record = world.by_region(Action::SetStatus(without)).unwrap();
    assert_eq!(refused(&world, &record), "ORDER_MISSING");
    let record = world.by_region(restoration(SERIES, &[(0, 1)])).unwrap();
    world.append(vec![record]).unwrap();
    let found = world.state.series_status(SERIES).unwrap();
    assert_eq!(
        [0, 1].map(|number| found.standing(number)),
        [Standing::InForce, Standing::Annulled]
    );
}

#[test]
fn what_is_superseded_names_its_successor_and_a_restoration_takes_that_back_too() {
    let mut world = world();
    let body = SetStatus {
        successor: Some(Successor {
            first: CredentialId {
                series: SERIES,
                number: Number(8),
            },
            relation: Relation::Renews,
        }),
        ..status(SERIES, &[(0, 2), (4, 1)], StatusChange::Set(StatusKind::Superseded))
    };
    let record = world.by_office(Action::SetStatus(body)).unwrap();
    world.append(vec![record]).unwrap();
    let record = world.by_region(restoration(SERIES, &[(1, 1)])).unwrap();
    world.append(vec![record]).unwrap();
    let found = world.state.series_status(SERIES).unwrap();
    let standings = [0, 1, 4, 8].map(|number| found.standing(number));
    assert_eq!(
        standings,
        [
            Standing::Superseded,
            Standing::InForce,
            Standing::Superseded,
            Standing::InForce
        ]
    );
}

#[test]
fn a_stolen_series_is_frozen_what_stands_before_stays_and_the_rest_is_revoked_at_once() {
    let mut world = World::with_series(4, "concord-test").unwrap();
    let good = world.issue(8).unwrap();
    // The thief has the office's desk issue eight more, before anybody notices.
    let bad = world.issue(8).unwrap();
    let freeze = world.by_office(Action::FreezeSeries(SERIES)).unwrap();
    let revoke = Action::SetStatus(status(SERIES, &[(8, 8)], REVOKE));
    let revoke = world.by_office(revoke).unwrap();
    world.append(vec![freeze, revoke]).unwrap();
    let record = world.by_office(issue(SERIES, 16, 1)).unwrap();
    assert_eq!(refused(&world, &record), "SERIES_FROZEN");
    let state = world.trusted().unwrap();
    for certificate in &good {
        assert_eq!(verdict(certificate, &state), Verdict::Valid);
        // A small code of a frozen series shows nothing: the thief could have made it.
        let small = verify(
            Presented::Credential(certificate.credential.bytes()),
            &state,
            &Policy::default(),
            state.time(),
        );
        assert_eq!(small.verdict, Verdict::NotShownRecorded);
    }
    for certificate in &bad {
        assert_eq!(verdict(certificate, &state), Verdict::Revoked);
    }
    // Status is set on, and the desk goes on with another series.
    let record = world
        .by_office(Action::SetStatus(status(SERIES, &[(0, 1)], REVOKE)))
        .unwrap();
    world.append(vec![record]).unwrap();
}

#[test]
fn what_the_thief_signs_and_never_records_is_not_genuine() {
    let mut world = World::with_series(4, "concord-test").unwrap();
    let good = world.issue(8).unwrap();
    let freeze = world.by_office(Action::FreezeSeries(SERIES)).unwrap();
    world.append(vec![freeze]).unwrap();
    let office = world.office().unwrap();
    let mut forged = good[0].clone();
    forged.credential = certified(&world, &office, 8);
    assert_eq!(verdict(&forged, &world.trusted().unwrap()), Verdict::NotGenuine);
    let record = world.by_office(issue_of(&[certified(&world, &office, 8)])).unwrap();
    assert_eq!(refused(&world, &record), "SERIES_FROZEN");
}

/// A world whose series has issued so many numbers.
fn issued(numbers: u64) -> World {
    let mut world = world();
    let mut entries = world.state.entries();
    entries.retain(|(key, _)| *key != Entry::SeriesStatus(SERIES).key());
    let status = codec::to_vec(&SeriesStatus::issued_up_to(numbers));
    entries.push((Entry::SeriesStatus(SERIES).key(), status));
    world.state = LedgerState::restore(world.state.charter().clone(), entries).unwrap();
    world
}

#[test]
fn a_block_holds_no_more_changes_of_status_than_8192_chunks_whoever_proposes_it() {
    let mut world = issued(1_024 * 4_096);
    // One number of each of 1,024 chunks: nine times, and then one number.
    let mut candidates = Vec::new();
    for place in 0..9 {
        let numbers: Vec<(u64, u64)> = (0..1_024).map(|chunk| (chunk * 4_096 + 2 * place, 1)).collect();
        candidates.push(
            world
                .by_office(Action::SetStatus(status(SERIES, &numbers, REVOKE)))
                .unwrap(),
        );
    }
    candidates.push(world.by_office(revoking(SERIES, 100)).unwrap());
    candidates.push(world.by_office(issue(SERIES, 1_024 * 4_096, 1)).unwrap());
    let time = UnixMillis(world.state.tip().time.0 + 1_000);
    let all = candidates.iter().cloned().map(Arc::new);
    let draft = world.state.draft(time, &region(0), all, Limits::default(), &CheckEach);
    assert_eq!(draft.refused, Vec::new());
    let taken: Vec<_> = draft.block.records.iter().map(|record| record.id()).collect();
    let fits: Vec<_> = candidates[..8]
        .iter()
        .chain(&candidates[10..])
        .map(SignedRecord::id)
        .collect();
    assert_eq!(
        taken, fits,
        "changes of status wait in their order, and nothing else waits for them"
    );
    let state = world.state.advance(&draft.block, &CheckEach).unwrap();
    // What another adds to it does not follow, and is not worked on.
    let mut more: Block = draft.block;
    more.records.push(Arc::new(candidates[9].clone()));
    (more.header.records_root, more.rest.bodies_root) = record_roots(&more.records);
    more.header.rest = more.rest.digest();
    assert_eq!(
        world.state.advance(&more, &CheckEach).unwrap_err(),
        BlockError::Chunks(8_193)
    );
    // The next block takes what waited.
    let waiting = candidates[8..10].iter().cloned().map(Arc::new);
    let next = state.draft(time, &region(0), waiting, Limits::default(), &CheckEach);
    assert_eq!((next.block.records.len(), next.refused), (2, Vec::new()));
}
