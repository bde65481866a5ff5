//! Shares of sections: who has filled his own puts nothing more in, and others go on.

use super::{Case, SERIES};
use crate::scene::{
    Desk, LICENCE, by_own_region, kind, labels, opening, propose, proposed, recognise, refused, region, set_office,
    terms, version_of,
};
use concord_spec::catalogue::{ClaimDefinition, ClaimKind, Label, Printed, Sensitivity, TypeDefinition};
use concord_spec::codec;
use concord_spec::id::{Height, OfficeCode, UnixMillis};
use concord_spec::ledger::{Directory, Entry, LedgerState, MAX_NAMES, Office, OfficeName};
use concord_spec::recognition::{Source, Terms, ValueMap};
use concord_spec::record::{Action, AmendOffice, Change, Delegate, OfficeChange, OfficeLevel, SignedRecord};
use concord_spec::world::World;
use std::collections::BTreeMap;

pub(crate) const CASES: &[Case] = &[
    ("SECTION_FULL", |world| {
        types(world);
        defining(world, 0, "110000.z", 1)
    }),
    ("SECTION_FULL", |world| {
        declarations(world);
        declaring(world, 1)
    }),
    // What a region has open together, and one change alone.
    ("SECTION_FULL", |world| {
        proposed(world, long_change("federation.a", 8));
        world.by_region(propose(long_change("federation.b", 9))).unwrap()
    }),
    ("SECTION_FULL", |world| {
        world.by_region(propose(long_change("federation.b", 17))).unwrap()
    }),
    // A branch: an office that the region registered, and those below it.
    ("SECTION_FULL", |world| {
        let above = full_branch(world);
        let body = Desk::new(0, "BELOW", 1, [11]).below(OfficeLevel::City, &[]);
        above.sign(world, Action::RegisterOffice(body))
    }),
    ("SECTION_FULL", |world| {
        let above = full_branch(world);
        above.sign(world, opening(&version_of(LICENCE, 1), 80))
    }),
    ("SECTION_FULL", |world| {
        let above = full_branch(world);
        let body = Delegate {
            to: world.office().unwrap(),
            kind: kind(LICENCE),
            until: Some(UnixMillis(u64::MAX)),
        };
        above.sign(world, Action::Delegate(body))
    }),
    ("SECTION_FULL", |world| {
        let above = full_branch(world);
        renaming(world, &above, "BELOW-0")
    }),
    // A directory: by one more office, by a series of one that is there.
    ("SECTION_FULL", |world| {
        full_directory(world);
        let body = Desk::new(0, "ONE-MORE", 1, [11]).registration(&[]);
        world.by_region(Action::RegisterOffice(body)).unwrap()
    }),
    ("SECTION_FULL", |world| {
        full_directory(world);
        world.by_office(opening(&version_of(LICENCE, 1), 80)).unwrap()
    }),
];

#[test]
fn a_full_share_stops_its_owner_alone_and_nothing_from_being_stopped() {
    let mut world = super::world();
    types(&mut world);
    declarations(&mut world);
    let above = full_branch(&mut world);
    let record = defining(&mut world, 1, "120000.z", 1);
    world.append(vec![record]).unwrap();
    let record = declaring(&mut world, 2);
    world.append(vec![record]).unwrap();
    // Beside the branch others are registered and open series; in it all can be stopped.
    let other = Desk::new(0, "OTHER", 1, [5]).registered(&mut world, &[LICENCE]);
    other.open(&mut world, &version_of(LICENCE, 1), 81);
    for change in [OfficeChange::Suspend, OfficeChange::Reinstate] {
        let record = by_own_region(&mut world, &above.id, set_office(&above.id, change));
        world.append(vec![record]).unwrap();
    }
    // A shorter name than the last does not grow it: names stay. A smaller scope does.
    let record = renaming(&mut world, &above, "BELOW-0");
    assert_eq!(refused(&world, &record), "SECTION_FULL");
    let smaller = AmendOffice {
        scope: Some(concord_spec::record::Scope::default()),
        ..amendment(&above)
    };
    let record = by_own_region(&mut world, &above.id, Action::AmendOffice(Box::new(smaller)));
    world.append(vec![record]).unwrap();
    full_directory(&mut world);
    for action in [
        Action::FreezeSeries(SERIES),
        set_office(&above.id, OfficeChange::Suspend),
        Action::CloseType(version_of(LICENCE, 1)),
    ] {
        let record = world.by_region(action).unwrap();
        world.append(vec![record]).unwrap();
    }
}

/// A definition with so many claims of 2 KB.
fn definition(id: &str, version: u16, claims: u64) -> TypeDefinition {
    let claim = |key| ClaimDefinition {
        key,
        kind: ClaimKind::Code((0..60).map(|code| format!("{code:032}")).collect()),
        required: false,
        labels: labels("要素"),
        selective: false,
        sensitivity: Sensitivity::Public,
        printed: Printed::Shown,
    };
    TypeDefinition {
        reference: version_of(id, version),
        labels: labels("类型"),
        claims: (100..100 + claims).map(claim).collect(),
        classification: concord_spec::catalogue::Classification::default(),
    }
}

fn long_change(id: &str, claims: u64) -> Change {
    Change::DefineType(Box::new(definition(id, 1, claims)))
}

fn defining(world: &mut World, index: usize, id: &str, version: u16) -> SignedRecord {
    let body = definition(id, version, 20);
    world.by_region_at(index, Action::DefineType(Box::new(body))).unwrap()
}

/// The first region defines as much as it may.
fn types(world: &mut World) {
    for version in 1..=12 {
        let record = defining(world, 0, "110000.y", version);
        world.append(vec![record]).unwrap();
    }
}

fn declaring(world: &mut World, index: usize) -> SignedRecord {
    let map = |index: usize| ValueMap {
        claim: 100,
        there: format!("{index:064}"),
        here: "0".repeat(64),
    };
    let terms = Terms {
        values: (0..250).map(map).collect(),
        ..terms(Source::Region(region(0)), LICENCE)
    };
    world.by_region_at(index, recognise(terms)).unwrap()
}

/// The second region declares as much as it may.
fn declarations(world: &mut World) {
    for _ in 0..18 {
        let record = declaring(world, 1);
        world.append(vec![record]).unwrap();
    }
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

fn renaming(world: &mut World, above: &Desk, code: &str) -> SignedRecord {
    let mut body = amendment(above);
    body.office.code = OfficeCode::new(code).unwrap();
    body.labels = Some(labels("短"));
    by_own_region(world, &above.id, Action::AmendOffice(Box::new(body)))
}

/// The directory of the first region with offices of 300 KB after this one, in codes that ascend.
fn with_long_offices(world: &mut World, count: usize, like: impl Fn(usize) -> Office) {
    let label = Label {
        language: "x".repeat(16),
        text: "x".repeat(128),
    };
    let name = OfficeName {
        from: Height(1),
        labels: vec![label; 8],
    };
    let names = vec![name; MAX_NAMES - 1];
    let mut directory: Directory = world.state.directory(&region(0)).unwrap().clone();
    directory.offices.extend((0..count).map(|index| Office {
        names: names.clone(),
        ..like(index)
    }));
    directory.offices.sort_by(|a, b| a.code.cmp(&b.code));
    let mut entries: BTreeMap<Vec<u8>, Vec<u8>> = world.state.entries().into_iter().collect();
    entries.insert(Entry::Directory(region(0)).key(), codec::to_vec(&directory));
    world.state = LedgerState::restore(world.state.charter().clone(), entries).unwrap();
}

/// An office below which stands as much as may.
fn full_branch(world: &mut World) -> Desk {
    let above = Desk::new(0, "ABOVE", 1, [10]).registered(world, &[LICENCE]);
    let office = world.state.office(&above.id).unwrap().clone();
    with_long_offices(world, 56, |index| Office {
        code: OfficeCode::new(format!("BELOW-{index}")).unwrap(),
        parent: Some(office.code.clone()),
        level: OfficeLevel::City,
        ..office.clone()
    });
    above
}

/// As many offices in one directory as it may hold.
fn full_directory(world: &mut World) {
    let office = world.state.office(&world.office().unwrap()).unwrap().clone();
    with_long_offices(world, 223, |index| Office {
        code: OfficeCode::new(format!("BESIDE-{index}")).unwrap(),
        ..office.clone()
    });
}
