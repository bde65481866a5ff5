//! Offices: registered, amended, suspended, succeeded; delegations between them.

use super::{Case, SERIES};
use crate::scene::{Desk, LICENCE, by_own_region, issue, keyring, kind, region, set_office, succeed};
use concord_spec::id::UnixMillis;
use concord_spec::record::{
    Action, AmendOffice, Change, Delegate, OfficeChange, OfficeLevel, RegisterOffice, Scope, SignedRecord,
    SucceedRegion,
};
use concord_spec::world::World;

pub(crate) const REGISTERED: &[Case] = &[
    ("OFFICE_EXISTS", |world| {
        let action = world.office_registration().unwrap();
        world.by_region(action).unwrap()
    }),
    ("INCOMPLETE_OFFICE", |world| {
        new_office(world, |body| body.labels.clear())
    }),
    ("INCOMPLETE_OFFICE", |world| {
        new_office(world, |body| body.utc_offset_minutes = 841)
    }),
    ("INCOMPLETE_OFFICE", |world| {
        new_office(world, |body| body.utc_offset_minutes = -841)
    }),
    ("INCOMPLETE_OFFICE", |world| {
        new_office(world, |body| body.scope.types = vec![kind(LICENCE), kind(LICENCE)])
    }),
    ("INCOMPLETE_OFFICE", |world| {
        new_office(world, |body| body.scope.regions = Some(vec![region(1), region(0)]))
    }),
    ("EXCEEDS_PARENT", |world| {
        sub_office(world, |body| body.scope.types.push(kind("zz.other")))
    }),
    ("EXCEEDS_PARENT", |world| {
        sub_office(world, |body| body.scope.regions = None)
    }),
    ("EXCEEDS_PARENT", |world| {
        sub_office(world, |body| body.scope.regions = Some(vec![region(1)]))
    }),
    ("EXCEEDS_PARENT", |world| {
        sub_office(world, |body| body.keyring = keyring(1, [10, 11, 12]))
    }),
    ("EXCEEDS_PARENT", |world| {
        sub_office(world, |body| body.level = OfficeLevel::Province)
    }),
    ("EXCEEDS_PARENT", |world| {
        sub_office(world, |body| body.level = OfficeLevel::National)
    }),
    // A sub-office whose parent demands more signatures since then may do nothing until it does too.
    ("EXCEEDS_PARENT", |world| {
        let (above, below) = levels(world);
        let stricter = AmendOffice {
            keyring: Some(keyring(3, [1, 2, 3])),
            ..amendment(&above)
        };
        let record = by_own_region(world, &above.id, Action::AmendOffice(Box::new(stricter)));
        world.append(vec![record]).unwrap();
        below.sign(
            world,
            Action::RegisterOffice(Desk::new(0, "COUNTY", 2, [21, 22]).below(OfficeLevel::County, &[])),
        )
    }),
    ("EXCEEDS_PARENT", |world| {
        let (_, below) = levels(world);
        amended(world, &below, |body| {
            body.scope = Some(Scope::of_types(vec![kind(LICENCE)]))
        })
    }),
    ("INCOMPLETE_OFFICE", |world| {
        amended_our(world, |body| body.labels = Some(Vec::new()))
    }),
    ("INCOMPLETE_OFFICE", |world| {
        amended_our(world, |body| body.utc_offset_minutes = Some(900))
    }),
    ("NOTHING_CHANGES", |world| amended_our(world, |_| ())),
    ("UNKNOWN_OFFICE", |world| {
        let unknown = Desk::new(0, "NONE", 1, [1]).id;
        world.by_region(set_office(&unknown, OfficeChange::Suspend)).unwrap()
    }),
    ("OFFICE_NOT_YOURS", |world| {
        let office = world.office().unwrap();
        world
            .by_region_at(1, set_office(&office, OfficeChange::Suspend))
            .unwrap()
    }),
];

pub(crate) const STANDING: &[Case] = &[
    ("OFFICE_NOT_ACTIVE", |world| {
        set(world, OfficeChange::Suspend);
        world.by_office(issue(SERIES, 16, 1)).unwrap()
    }),
    ("OFFICE_NOT_ACTIVE", |world| {
        set(world, OfficeChange::Close);
        world.by_office(Action::FreezeSeries(SERIES)).unwrap()
    }),
    ("OFFICE_NOT_ACTIVE", |world| {
        succeeded(world);
        world.by_office(issue(SERIES, 16, 1)).unwrap()
    }),
    ("OFFICE_NOT_ACTIVE", |world| {
        let (above, below) = levels(world);
        let record = by_own_region(world, &above.id, set_office(&above.id, OfficeChange::Suspend));
        world.append(vec![record]).unwrap();
        below.sign(world, Action::FreezeSeries(SERIES))
    }),
    ("OFFICE_STANDING", |world| {
        set(world, OfficeChange::Suspend);
        setting(world, OfficeChange::Suspend)
    }),
    ("OFFICE_STANDING", |world| setting(world, OfficeChange::Reinstate)),
    ("OFFICE_STANDING", |world| {
        set(world, OfficeChange::Close);
        setting(world, OfficeChange::Close)
    }),
    ("OFFICE_STANDING", |world| {
        set(world, OfficeChange::Close);
        amended_our(world, |body| body.utc_offset_minutes = Some(0))
    }),
    ("OFFICE_STANDING", |world| {
        succeeded(world);
        setting(world, OfficeChange::Suspend)
    }),
    ("OFFICE_STANDING", |world| {
        let other = succeeded(world);
        let office = world.office().unwrap();
        world.by_region(succeed(&office, &other.id)).unwrap()
    }),
    ("HAS_SUB_OFFICES", |world| {
        let (above, _) = levels(world);
        by_own_region(world, &above.id, set_office(&above.id, OfficeChange::Close))
    }),
    // A successor stands above the sub-offices of its predecessor.
    ("HAS_SUB_OFFICES", |world| {
        let (above, _) = levels(world);
        let other = Desk::new(0, "OTHER", 1, [5]).registered(world, &[]);
        let record = world.by_region(succeed(&above.id, &other.id)).unwrap();
        world.append(vec![record]).unwrap();
        world.by_region(set_office(&other.id, OfficeChange::Close)).unwrap()
    }),
    ("SUCCESSION", |world| {
        let office = world.office().unwrap();
        world.by_region(succeed(&office, &office)).unwrap()
    }),
    ("SUCCESSION", |world| {
        let (above, below) = levels(world);
        world.by_region(succeed(&above.id, &below.id)).unwrap()
    }),
    ("SUCCESSION", |world| {
        let other = Desk::new(0, "OTHER", 1, [5]).registered(world, &[]);
        set(world, OfficeChange::Close);
        let office = world.office().unwrap();
        world.by_region(succeed(&other.id, &office)).unwrap()
    }),
    ("SUCCESSION", |world| {
        succeeded(world);
        let third = Desk::new(0, "THIRD", 1, [6]).registered(world, &[]);
        let office = world.office().unwrap();
        world.by_region(succeed(&third.id, &office)).unwrap()
    }),
    // Thirty-one successions in a row are followed, and no more.
    ("SUCCESSION", |world| {
        let desks: Vec<Desk> = (0..33)
            .map(|index| Desk::new(0, &format!("CHAIN-{index}"), 1, [100 + index]))
            .map(|desk| desk.registered(world, &[]))
            .collect();
        for pair in desks.windows(2).take(31) {
            let record = world.by_region(succeed(&pair[0].id, &pair[1].id)).unwrap();
            world.append(vec![record]).unwrap();
        }
        world.by_region(succeed(&desks[31].id, &desks[32].id)).unwrap()
    }),
    ("OFFICE_NOT_YOURS", |world| {
        let other = Desk::new(1, "OTHER", 1, [5]).registered(world, &[]);
        let office = world.office().unwrap();
        world.by_region(succeed(&office, &other.id)).unwrap()
    }),
    // What was taken over is no longer for the region it came from, once that is a member again.
    ("OFFICE_NOT_YOURS", |world| {
        let other = Desk::new(3, "OTHER", 1, [5]).registered(world, &[]);
        world.change(Change::RemoveRegion(region(3)), &[0, 1, 2]).unwrap();
        let taking_over = SucceedRegion {
            region: region(3),
            successor: region(1),
        };
        world.change(Change::SucceedRegion(taking_over), &[0, 1, 2]).unwrap();
        world.by_region(set_office(&other.id, OfficeChange::Suspend)).unwrap()
    }),
];

pub(crate) const DELEGATED: &[Case] = &[
    ("DELEGATION", |world| {
        let office = world.office().unwrap();
        delegation(world, |body| body.to = office)
    }),
    ("DELEGATION", |world| {
        let past = UnixMillis(world.state.tip().time.0);
        delegation(world, |body| body.until = Some(past))
    }),
    ("DELEGATION", |world| {
        let closed = Desk::new(0, "CLOSED", 2, [7, 8]).registered(world, &[]);
        let record = world.by_region(set_office(&closed.id, OfficeChange::Close)).unwrap();
        world.append(vec![record]).unwrap();
        delegation(world, |body| body.to = closed.id)
    }),
    ("OUT_OF_SCOPE", |world| {
        delegation(world, |body| body.kind = kind("110000.none"))
    }),
    ("UNKNOWN_OFFICE", |world| {
        delegation(world, |body| body.to = Desk::new(0, "NONE", 1, [1]).id)
    }),
    ("NOTHING_CHANGES", |world| delegation(world, |body| body.until = None)),
    // To one that signs with fewer keys.
    ("DELEGATION", |world| {
        let alone = Desk::new(0, "ALONE", 1, [7]).registered(world, &[]);
        delegation(world, |body| body.to = alone.id)
    }),
    // More than 256 that are not over.
    ("DELEGATION", |world| {
        let types: Vec<String> = (0..257).map(|index| format!("110000.t{index:03}")).collect();
        let kinds = |of: &[String]| Scope::of_types(of.iter().map(|id| kind(id)).collect());
        let to = Desk::new(0, "TO", 2, [7, 8]).registered(world, &[]);
        let record = amended_our(world, |body| body.scope = Some(kinds(&types[..256])));
        world.append(vec![record]).unwrap();
        let until = Some(UnixMillis(u64::MAX));
        let lending = |world: &mut World, id: &str| {
            let body = Delegate {
                to: to.id.clone(),
                kind: kind(id),
                until,
            };
            world.by_office(Action::Delegate(body)).unwrap()
        };
        let records = types[..256].iter().map(|id| lending(world, id)).collect();
        world.append(records).unwrap();
        let record = amended_our(world, |body| body.scope = Some(kinds(&types[1..])));
        world.append(vec![record]).unwrap();
        lending(world, &types[256])
    }),
    // By more than 16 offices of a directory for one type and office.
    ("DELEGATION", |world| {
        let to = Desk::new(1, "TO", 2, [7, 8]).registered(world, &[]);
        let body = Delegate {
            to: to.id,
            kind: kind(LICENCE),
            until: Some(UnixMillis(u64::MAX)),
        };
        for index in 0..16 {
            let desk = Desk::new(0, &format!("LENDER-{index}"), 1, [100 + index]).registered(world, &[LICENCE]);
            let record = desk.sign(world, Action::Delegate(body.clone()));
            world.append(vec![record]).unwrap();
        }
        world.by_office(Action::Delegate(body)).unwrap()
    }),
];

fn new_office(world: &mut World, change: impl FnOnce(&mut RegisterOffice)) -> SignedRecord {
    let mut body = Desk::new(0, "NEW", 1, [1]).registration(&[LICENCE]);
    change(&mut body);
    world.by_region(Action::RegisterOffice(body)).unwrap()
}

/// A province of two keys, and a city under it that issues nothing.
fn levels(world: &mut World) -> (Desk, Desk) {
    let above = Desk::new(0, "ABOVE", 2, [1, 2, 3]);
    let mut body = above.registration(&["110000.permit"]);
    body.scope.regions = Some(vec![region(0)]);
    let record = world.by_region(Action::RegisterOffice(body)).unwrap();
    world.append(vec![record]).unwrap();
    let below = Desk::new(0, "BELOW", 2, [11, 12, 13]);
    let mut body = below.below(OfficeLevel::City, &["110000.permit"]);
    body.scope.regions = Some(vec![region(0)]);
    let record = above.sign(world, Action::RegisterOffice(body));
    world.append(vec![record]).unwrap();
    (above, below)
}

/// A further sub-office of `levels`, whose registration would hold without the change.
fn sub_office(world: &mut World, change: impl FnOnce(&mut RegisterOffice)) -> SignedRecord {
    let (above, _) = levels(world);
    let mut body = Desk::new(0, "SECOND", 2, [14, 15]).below(OfficeLevel::City, &["110000.permit"]);
    body.scope.regions = Some(vec![region(0)]);
    change(&mut body);
    above.sign(world, Action::RegisterOffice(body))
}

fn amendment(desk: &Desk) -> AmendOffice {
    AmendOffice {
        office: desk.id.clone(),
        labels: None,
        keyring: None,
        scope: None,
        utc_offset_minutes: None,
    }
}

fn amended(world: &mut World, desk: &Desk, change: impl FnOnce(&mut AmendOffice)) -> SignedRecord {
    let mut body = amendment(desk);
    change(&mut body);
    by_own_region(world, &desk.id, Action::AmendOffice(Box::new(body)))
}

fn amended_our(world: &mut World, change: impl FnOnce(&mut AmendOffice)) -> SignedRecord {
    let ours = Desk {
        id: world.office().unwrap(),
        threshold: 2,
        keys: Vec::new(),
    };
    amended(world, &ours, change)
}

fn setting(world: &mut World, change: OfficeChange) -> SignedRecord {
    let office = world.office().unwrap();
    world.by_region(set_office(&office, change)).unwrap()
}

fn set(world: &mut World, change: OfficeChange) {
    let record = setting(world, change);
    world.append(vec![record]).unwrap();
}

/// Another office takes the place of ours.
fn succeeded(world: &mut World) -> Desk {
    let other = Desk::new(0, "OTHER", 1, [5]).registered(world, &[LICENCE]);
    let office = world.office().unwrap();
    let record = world.by_region(succeed(&office, &other.id)).unwrap();
    world.append(vec![record]).unwrap();
    other
}

/// Our office lets another issue its type; it would hold without the change.
fn delegation(world: &mut World, change: impl FnOnce(&mut Delegate)) -> SignedRecord {
    let other = Desk::new(0, "OTHER", 2, [5, 6]).registered(world, &[]);
    let mut body = Delegate {
        to: other.id,
        kind: kind(LICENCE),
        until: Some(UnixMillis(world.state.tip().time.0 + 1_000)),
    };
    change(&mut body);
    world.by_office(Action::Delegate(body)).unwrap()
}
