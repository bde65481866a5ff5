//! Types, series, and the status of what they hold.

use super::envelope::{admitted_domain, by_domain};
use super::{Case, SERIES};
use crate::scene::{Desk, LICENCE, issue, kind, opening, restoration, status, version_of};
use concord_spec::catalogue::{TypeDefinition, TypeRef};
use concord_spec::codec;
use concord_spec::content::Relation;
use concord_spec::id::{CredentialId, Number, SeriesId, TypeVersion, UnixMillis};
use concord_spec::key::ed25519::PublicKey;
use concord_spec::ledger::{Entry, LedgerState};
use concord_spec::record::{Action, Delegate, OpenSeries, SetStatus, SignedRecord, StatusChange, Successor};
use concord_spec::status::{SeriesStatus, StatusKind};
use concord_spec::world::World;

const REVOKE: StatusChange = StatusChange::Set(StatusKind::Revoked);
const SUSPEND: StatusChange = StatusChange::Set(StatusKind::Suspended);
const SUPERSEDE: StatusChange = StatusChange::Set(StatusKind::Superseded);

pub(crate) const TYPES: &[Case] = &[
    ("INCOMPLETE_TYPE", |world| defined(world, |body| body.claims.reverse())),
    ("INCOMPLETE_TYPE", |world| defined(world, |body| body.labels.clear())),
    ("INCOMPLETE_TYPE", |world| {
        defined(world, |body| body.claims[0].key = 99)
    }),
    ("INCOMPLETE_TYPE", |world| {
        defined(world, |body| body.classification.max_validity_days = Some(0))
    }),
    ("INCOMPLETE_TYPE", |world| {
        defined(world, |body| body.classification.gb_type_code = Some("1".to_owned()))
    }),
    ("TYPE_NOT_YOURS", |world| {
        defined(world, |body| body.reference.id = kind("330000.drivers-licence"))
    }),
    ("TYPE_NOT_YOURS", |world| {
        defined(world, |body| body.reference.id = kind("federation.diploma"))
    }),
    ("TYPE_NOT_YOURS", |world| {
        let closing = Action::CloseType(version_of(LICENCE, 1));
        world.by_region_at(1, closing).unwrap()
    }),
    ("TYPE_NOT_YOURS", |world| {
        let domain = admitted_domain(world);
        by_domain(world, &domain, Action::CloseType(version_of(LICENCE, 1)))
    }),
    ("TYPE_VERSION_GAP", |world| {
        defined(world, |body| body.reference.version = TypeVersion(3))
    }),
    ("TYPE_VERSION_GAP", |world| {
        defined(world, |body| body.reference.version = TypeVersion(1))
    }),
    ("UNKNOWN_TYPE", |world| {
        world.by_office(opening(&version_of("110000.none", 1), 70)).unwrap()
    }),
    ("UNKNOWN_TYPE", |world| {
        world.by_region(Action::CloseType(version_of(LICENCE, 2))).unwrap()
    }),
    ("TYPE_CLOSED", |world| {
        closed(world);
        world.by_office(issue(SERIES, 16, 1)).unwrap()
    }),
    ("TYPE_CLOSED", |world| {
        closed(world);
        world.by_office(opening(&version_of(LICENCE, 1), 70)).unwrap()
    }),
    ("TYPE_CLOSED", |world| {
        closed(world);
        world.by_region(Action::CloseType(version_of(LICENCE, 1))).unwrap()
    }),
];

pub(crate) const SERIES_CASES: &[Case] = &[
    ("OUT_OF_SCOPE", |world| {
        let other = Desk::new(0, "OTHER", 1, [1]).registered(world, &[]);
        other.sign(world, opening(&version_of(LICENCE, 1), 70))
    }),
    // A delegation lasts until its date and not a millisecond longer.
    ("OUT_OF_SCOPE", |world| {
        let other = Desk::new(0, "OTHER", 2, [1, 2]).registered(world, &[]);
        let until = UnixMillis(world.state.tip().time.0 + 2_999);
        let delegation = Action::Delegate(Delegate {
            to: other.id.clone(),
            kind: kind(LICENCE),
            until: Some(until),
        });
        let record = world.by_office(delegation).unwrap();
        world.append(vec![record]).unwrap();
        let series = other.open(world, &version_of(LICENCE, 1), 70);
        other.issue(world, series, 0, 1)
    }),
    ("SERIES_KEY_IN_USE", |world| {
        let key = world.series_key.public();
        opened(world, key)
    }),
    ("UNKNOWN_SERIES", |world| {
        world.by_office(issue(SeriesId(9), 0, 1)).unwrap()
    }),
    ("UNKNOWN_SERIES", |world| {
        world.by_region(Action::FreezeSeries(SeriesId(9))).unwrap()
    }),
    ("SERIES_NOT_YOURS", |world| {
        let other = Desk::new(0, "OTHER", 1, [1]).registered(world, &[LICENCE]);
        other.issue(world, SERIES, 16, 1)
    }),
    ("SERIES_NOT_YOURS", |world| {
        let other = Desk::new(0, "OTHER", 1, [1]).registered(world, &[LICENCE]);
        other.sign(world, Action::FreezeSeries(SERIES))
    }),
    ("SERIES_NOT_YOURS", |world| {
        world.by_region_at(1, Action::FreezeSeries(SERIES)).unwrap()
    }),
    ("SERIES_NOT_YOURS", |world| {
        let domain = admitted_domain(world);
        by_domain(world, &domain, Action::FreezeSeries(SERIES))
    }),
    ("SERIES_FROZEN", |world| {
        frozen(world);
        world.by_office(issue(SERIES, 16, 1)).unwrap()
    }),
    ("SERIES_FROZEN", |world| {
        frozen(world);
        world.by_region(Action::FreezeSeries(SERIES)).unwrap()
    }),
    ("SERIES_CLOSED", |world| {
        let record = world.by_office(Action::CloseSeries(SERIES)).unwrap();
        world.append(vec![record]).unwrap();
        world.by_office(issue(SERIES, 16, 1)).unwrap()
    }),
    ("SERIES_CLOSED", |world| {
        let record = world.by_office(Action::CloseSeries(SERIES)).unwrap();
        world.append(vec![record]).unwrap();
        world.by_office(Action::CloseSeries(SERIES)).unwrap()
    }),
    ("BATCH_SIZE", |world| world.by_office(issue(SERIES, 16, 0)).unwrap()),
    ("BATCH_SIZE", |world| world.by_office(issue(SERIES, 16, 4_097)).unwrap()),
    ("NUMBER_GAP", |world| world.by_office(issue(SERIES, 17, 1)).unwrap()),
    ("NUMBER_GAP", |world| world.by_office(issue(SERIES, 15, 1)).unwrap()),
    // A series that has issued all but one of 2^64 numbers is restored, not played.
    ("NUMBERS_EXHAUSTED", |world| {
        let full = codec::to_vec(&SeriesStatus::issued_up_to(u64::MAX - 1));
        let entries = world.state.entries().into_iter().map(|(name, value)| {
            let value = if name == Entry::SeriesStatus(SERIES).key() {
                full.clone()
            } else {
                value
            };
            (name, value)
        });
        world.state = LedgerState::restore(world.state.charter().clone(), entries).unwrap();
        world.by_office(issue(SERIES, u64::MAX - 1, 2)).unwrap()
    }),
];

pub(crate) const STATUS: &[Case] = &[
    ("RANGES", |world| changed(world, &[], REVOKE)),
    ("RANGES", |world| changed(world, &[(3, 1), (4, 1)], REVOKE)),
    ("RANGES", |world| changed(world, &[(5, 1), (3, 1)], REVOKE)),
    ("RANGES", |world| changed(world, &[(3, 0)], REVOKE)),
    ("RANGES", |world| changed(world, &[(3, u64::MAX)], REVOKE)),
    // A range over 4,097 chunks, and two that meet 4,097 together; one over 4,096 may be.
    ("RANGES", |world| changed(world, &[(4_095, 4_095 * 4_096 + 2)], REVOKE)),
    ("RANGES", |world| {
        changed(world, &[(0, 1), (2, 4_095 * 4_096 - 1)], REVOKE)
    }),
    ("NOT_ISSUED", |world| changed(world, &[(0, 4_096 * 4_096)], REVOKE)),
    ("NOT_ISSUED", |world| changed(world, &[(15, 2)], REVOKE)),
    ("NOT_ISSUED", |world| changed(world, &[(3, 1), (16, 1)], REVOKE)),
    ("STATUS_FINAL", |world| changed(world, &[(1, 1)], SUSPEND)),
    ("STATUS_FINAL", |world| changed(world, &[(2, 1)], REVOKE)),
    ("STATUS_FINAL", |world| {
        changed(world, &[(0, 4)], StatusChange::Reinstate)
    }),
    ("NOTHING_CHANGES", |world| changed(world, &[(1, 1)], REVOKE)),
    ("NOTHING_CHANGES", |world| {
        changed(world, &[(3, 1)], StatusChange::Reinstate)
    }),
    ("NOTHING_CHANGES", |world| {
        world.by_region(restoration(SERIES, &[(3, 1)])).unwrap()
    }),
    ("EFFECTIVE_IN_FUTURE", |world| {
        let now = world.state.tip().time.0;
        let body = SetStatus {
            effective: Some(UnixMillis(now + 1_001)),
            ..status(SERIES, &[(3, 1)], REVOKE)
        };
        world.by_office(Action::SetStatus(body)).unwrap()
    }),
    ("SUCCESSOR", |world| changed(world, &[(3, 1)], SUPERSEDE)),
    ("SUCCESSOR", |world| followed(world, &[(3, 1)], REVOKE, SERIES, 4)),
    ("SUCCESSOR", |world| followed(world, &[(3, 1)], SUPERSEDE, SERIES, 3)),
    ("SUCCESSOR", |world| {
        followed(world, &[(3, 2), (6, 1)], SUPERSEDE, SERIES, 4)
    }),
    ("SUCCESSOR", |world| followed(world, &[(3, 2)], SUPERSEDE, SERIES, 15)),
    ("UNKNOWN_SERIES", |world| {
        followed(world, &[(3, 2)], SUPERSEDE, SeriesId(9), 0)
    }),
    ("ORDER_MISSING", |world| {
        let body = status(SERIES, &[(1, 1)], StatusChange::Restore);
        world.by_region(Action::SetStatus(body)).unwrap()
    }),
    // Restoring is the region's alone: not the office's, not the domain authority's.
    ("NOT_YOURS", |world| {
        world.by_office(restoration(SERIES, &[(1, 1)])).unwrap()
    }),
    ("SERIES_NOT_YOURS", |world| {
        world.by_region_at(1, restoration(SERIES, &[(1, 1)])).unwrap()
    }),
    ("SERIES_NOT_YOURS", |world| {
        let other = Desk::new(1, "OTHER", 1, [1]).registered(world, &[LICENCE]);
        other.sign(world, Action::SetStatus(status(SERIES, &[(3, 1)], REVOKE)))
    }),
];

fn defined(world: &mut World, change: impl FnOnce(&mut TypeDefinition)) -> SignedRecord {
    let mut body = world.definition.clone();
    body.reference.version = TypeVersion(2);
    change(&mut body);
    world.by_region(Action::DefineType(Box::new(body))).unwrap()
}

fn closed(world: &mut World) {
    let of: TypeRef = world.type_ref();
    let record = world.by_region(Action::CloseType(of)).unwrap();
    world.append(vec![record]).unwrap();
}

fn frozen(world: &mut World) {
    let record = world.by_office(Action::FreezeSeries(SERIES)).unwrap();
    world.append(vec![record]).unwrap();
}

fn opened(world: &mut World, key: PublicKey) -> SignedRecord {
    let body = OpenSeries {
        of: world.type_ref(),
        desk: "窗口2".to_owned(),
        key,
    };
    world.by_office(Action::OpenSeries(body)).unwrap()
}

fn changed(world: &mut World, numbers: &[(u64, u64)], change: StatusChange) -> SignedRecord {
    world
        .by_office(Action::SetStatus(status(SERIES, numbers, change)))
        .unwrap()
}

fn followed(
    world: &mut World,
    numbers: &[(u64, u64)],
    change: StatusChange,
    series: SeriesId,
    first: u64,
) -> SignedRecord {
    let successor = Successor {
        first: CredentialId {
            series,
            number: Number(first),
        },
        relation: Relation::Renews,
    };
    let body = SetStatus {
        successor: Some(successor),
        ..status(SERIES, numbers, change)
    };
    world.by_office(Action::SetStatus(body)).unwrap()
}
