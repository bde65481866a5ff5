//! Offices under each other, delegation, succession, closed types and series, recognition.

use super::{Case, Error, LaterCase, Made, code, issue_action, labels};
use concord_spec::catalogue::{Classification, TypeDefinition, TypeRef};
use concord_spec::digest::Digest;
use concord_spec::id::{OfficeCode, OfficeId, RegionId, SeriesId, TypeId, TypeVersion, UnixMillis};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::recognition::{Level, Source, Terms, ValueMap};
use concord_spec::record::{
    Action, Actor, AmendOffice, Delegate, OfficeChange, OfficeLevel, OpenSeries, RegisterOffice, Scope, SetOffice,
    SignedRecord, SucceedOffice, Withdraw,
};
use concord_spec::world::World;

/// How long after the last block the delegation in the state ends.
const DELEGATED_MS: u64 = 3_600_000;

/// The office 11110000000000001X (MAIN, threshold 2 of 3) of 110000 with types `drivers-licence` and `permit`, series 1; under it
/// CITY (drivers-licence, valid in 110000 and 120000), under that COUNTY (no types). SUSP suspended, with SUSP-SUB under it.
/// CLOSED closed. HIGH, whose threshold was raised to 3, with HIGH-SUB under it. OLD succeeded by NEW, with OLD-SUB under it and series 2. Office EAST of 120000, to which MAIN delegated `permit`,
/// with series 3. Type `old` closed, series 4 of it; series 5 closed. 120000 recognises the licence by declaration 2; 1 is withdrawn.
pub(in crate::make) fn world() -> Result<World, Error> {
    let mut world = World::with_series(4, "concord-vectors")?;
    define(&mut world)?;
    register(&mut world)?;
    open_and_close(&mut world)?;
    recognise_and_withdraw(&mut world)?;
    let until = UnixMillis(world.state.tip().time.0.saturating_add(1_000 + DELEGATED_MS));
    let delegation = delegation(&world, "EAST", "110000.permit", Some(until))?;
    let delegate = world.by_office(delegation)?;
    world.append(vec![delegate])?;
    Ok(world)
}

fn define(world: &mut World) -> Result<(), Error> {
    let mut records = Vec::new();
    for name in ["110000.permit", "110000.old"] {
        let definition = TypeDefinition {
            reference: type_ref(name)?,
            labels: labels("许可证"),
            claims: Vec::new(),
            classification: Classification::default(),
        };
        records.push(world.by_region(Action::DefineType(Box::new(definition)))?);
    }
    let scope = Scope::of_types(vec![
        world.type_ref().id,
        TypeId::new("110000.permit")?,
        TypeId::new("110000.old")?,
    ]);
    let office = world.office()?;
    records.push(amend(world, 0, office, |body| body.scope = Some(scope))?);
    world.append(records)?;
    Ok(())
}

fn register(world: &mut World) -> Result<(), Error> {
    let region = world.region()?;
    let mut records = Vec::new();
    let body = registration("CITY", 10, OfficeLevel::City, &["110000.drivers-licence"])?;
    let body = valid_in(body, &["110000", "120000"])?;
    records.push(world.by_office(Action::RegisterOffice(body))?);
    let body = valid_in(registration("COUNTY", 12, OfficeLevel::County, &[])?, &["110000"])?;
    records.push(by(world, "CITY", 10, Action::RegisterOffice(body))?);
    for (name, seed) in [("SUSP", 14), ("CLOSED", 16), ("OLD", 18), ("NEW", 20)] {
        let body = registration(name, seed, OfficeLevel::Province, &["110000.drivers-licence"])?;
        records.push(world.by_region(Action::RegisterOffice(body))?);
    }
    let high = registration("HIGH", 28, OfficeLevel::Province, &["110000.drivers-licence"])?;
    records.push(world.by_region(Action::RegisterOffice(high))?);
    let subs = [
        ("SUSP", 14, "SUSP-SUB", 22),
        ("OLD", 18, "OLD-SUB", 24),
        ("HIGH", 28, "HIGH-SUB", 44),
    ];
    for (parent, seed, name, own) in subs {
        let body = registration(name, own, OfficeLevel::City, &["110000.drivers-licence"])?;
        records.push(by(world, parent, seed, Action::RegisterOffice(body))?);
    }
    let body = registration("EAST", 26, OfficeLevel::Province, &[])?;
    records.push(world.by_region_at(1, Action::RegisterOffice(body))?);
    records.push(by(world, "OLD", 18, opening("110000.drivers-licence", 2)?)?);
    records.push(world.by_region(set_office(&region, "SUSP", OfficeChange::Suspend)?)?);
    records.push(world.by_region(set_office(&region, "CLOSED", OfficeChange::Close)?)?);
    world.append(records)?;
    let succeed = succeed(world, "OLD", "NEW")?;
    let three = [28, 29, 30].map(|seed| SecretKey::from_seed([seed; 32]).public());
    let three = Keyring::new(3, three.to_vec())?;
    let raised = amend_own(world, "HIGH", |body| body.keyring = Some(three))?;
    world.append(vec![succeed, raised])?;
    Ok(())
}

fn open_and_close(world: &mut World) -> Result<(), Error> {
    let until = UnixMillis(world.state.tip().time.0.saturating_add(DELEGATED_MS));
    let delegation = delegation(world, "EAST", "110000.permit", Some(until))?;
    let records = vec![
        world.by_office(delegation)?,
        by(world, "EAST", 26, opening("110000.permit", 3)?)?,
        world.by_office(opening("110000.old", 4)?)?,
        world.by_office(opening("110000.permit", 5)?)?,
        world.by_region(Action::CloseType(type_ref("110000.old")?))?,
        world.by_office(Action::CloseSeries(SeriesId(5)))?,
    ];
    world.append(records)?;
    Ok(())
}

fn recognise_and_withdraw(world: &mut World) -> Result<(), Error> {
    let records = vec![
        recognise(world, |_| Ok(()))?,
        recognise(world, |_| Ok(()))?,
        world.by_region_at(1, withdrawal(1, Some("2026-06-30"), None)?)?,
    ];
    world.append(records)?;
    Ok(())
}

fn type_ref(name: &str) -> Result<TypeRef, Error> {
    Ok(TypeRef {
        id: TypeId::new(name)?,
        version: TypeVersion(1),
    })
}

fn office_id(region: &RegionId, name: &str) -> Result<OfficeId, Error> {
    Ok(OfficeId::new(region.clone(), OfficeCode::new(name)?))
}

/// The region of an office that the state has.
fn region_of(name: &str) -> Result<RegionId, Error> {
    code(usize::from(name == "EAST"))
}

fn keys(seed: u8) -> [SecretKey; 2] {
    [seed, seed + 1].map(|seed| SecretKey::from_seed([seed; 32]))
}

/// Signed by both keys of an office whose first has this seed.
fn by(world: &mut World, name: &str, seed: u8, action: Action) -> Made {
    let actor = Actor::Office(office_id(&region_of(name)?, name)?);
    let [first, second] = keys(seed);
    Ok(SignedRecord::sign(world.payload(actor, action), &[&first, &second]))
}

fn registration(name: &str, seed: u8, level: OfficeLevel, types: &[&str]) -> Result<RegisterOffice, Error> {
    let types = types.iter().map(TypeId::new).collect::<Result<_, _>>()?;
    Ok(RegisterOffice {
        code: OfficeCode::new(name)?,
        level,
        labels: labels("机关"),
        keyring: Keyring::new(2, keys(seed).map(|key| key.public()).to_vec())?,
        scope: Scope::of_types(types),
        utc_offset_minutes: 480,
    })
}

fn valid_in(mut body: RegisterOffice, regions: &[&str]) -> Result<RegisterOffice, Error> {
    body.scope.regions = Some(regions.iter().map(RegionId::new).collect::<Result<_, _>>()?);
    Ok(body)
}

fn opening(name: &str, seed: u8) -> Result<Action, Error> {
    Ok(Action::OpenSeries(OpenSeries {
        of: type_ref(name)?,
        desk: "窗口".to_owned(),
        key: SecretKey::from_seed([100 + seed; 32]).public(),
    }))
}

fn amend(world: &mut World, region: usize, office: OfficeId, change: impl FnOnce(&mut AmendOffice)) -> Made {
    let mut body = AmendOffice {
        office,
        labels: None,
        keyring: None,
        scope: None,
        utc_offset_minutes: None,
    };
    change(&mut body);
    world.by_region_at(region, Action::AmendOffice(Box::new(body)))
}

fn amend_own(world: &mut World, name: &str, change: impl FnOnce(&mut AmendOffice)) -> Made {
    let office = office_id(&world.region()?, name)?;
    amend(world, 0, office, change)
}

fn set_office(region: &RegionId, name: &str, change: OfficeChange) -> Result<Action, Error> {
    let office = office_id(region, name)?;
    Ok(Action::SetOffice(SetOffice { office, change }))
}

fn set_own(world: &mut World, name: &str, change: OfficeChange) -> Made {
    let action = set_office(&world.region()?, name, change)?;
    world.by_region(action)
}

fn succeed(world: &mut World, name: &str, successor: &str) -> Made {
    let region = world.region()?;
    let body = SucceedOffice {
        office: office_id(&region, name)?,
        successor: office_id(&region, successor)?,
    };
    world.by_region(Action::SucceedOffice(body))
}

fn delegation(world: &World, to: &str, kind: &str, until: Option<UnixMillis>) -> Result<Action, Error> {
    let to = if to == "MAIN" {
        world.office()?
    } else {
        office_id(&region_of(to)?, to)?
    };
    let kind = TypeId::new(kind)?;
    Ok(Action::Delegate(Delegate { to, kind, until }))
}

/// MAIN delegates `permit`.
fn delegate(world: &mut World, to: &str, kind: &str, after: Option<u64>) -> Made {
    let until = after.map(|after| UnixMillis(world.state.tip().time.0.saturating_add(after)));
    let action = delegation(world, to, kind, until)?;
    world.by_office(action)
}

/// 120000 recognises the licence of 110000, after a change of the terms.
fn recognise(world: &mut World, change: impl FnOnce(&mut Terms) -> Result<(), Error>) -> Made {
    let map = |there: &str, here: &str| ValueMap {
        claim: 100,
        there: there.to_owned(),
        here: here.to_owned(),
    };
    let mut terms = Terms {
        source: Source::Region(world.region()?),
        kind: world.type_ref().id,
        min_version: TypeVersion(1),
        local_type: None,
        values: vec![map("A1", "甲"), map("C1", "乙")],
        level: Level::Conditional,
        issued_from: Some("2025-01-01".parse()?),
        issued_until: None,
        presented_from: None,
        presented_until: None,
        max_age_days: Some(3_650),
        purposes: vec!["driving".to_owned(), "rental".to_owned()],
        basis: Digest([3; 32]),
    };
    change(&mut terms)?;
    world.by_region_at(1, Action::Recognise(Box::new(terms)))
}

fn withdrawal(number: u64, issued_until: Option<&str>, presented_until: Option<u64>) -> Result<Action, Error> {
    Ok(Action::Withdraw(Withdraw {
        number,
        issued_until: issued_until.map(str::parse).transpose()?,
        presented_until: presented_until.map(UnixMillis),
    }))
}

fn register_under_main(world: &mut World, change: impl FnOnce(&mut RegisterOffice) -> Result<(), Error>) -> Made {
    let mut body = registration("SUB", 30, OfficeLevel::City, &["110000.permit"])?;
    change(&mut body)?;
    world.by_office(Action::RegisterOffice(body))
}

fn register_under_city(world: &mut World, change: impl FnOnce(&mut RegisterOffice) -> Result<(), Error>) -> Made {
    let body = registration("SUB", 30, OfficeLevel::County, &["110000.drivers-licence"])?;
    let mut body = valid_in(body, &["120000"])?;
    change(&mut body)?;
    by(world, "CITY", 10, Action::RegisterOffice(body))
}

pub(super) const REGISTERED: &[Case] = &[
    ("an office registers a sub-office", "accept", |world| {
        register_under_main(world, |_| Ok(()))
    }),
    ("a sub-office registers one under it", "accept", |world| {
        register_under_city(world, |_| Ok(()))
    }),
    ("a sub-office of its parent's level", "EXCEEDS_PARENT", |world| {
        register_under_main(world, |body| {
            body.level = OfficeLevel::Province;
            Ok(())
        })
    }),
    ("a sub-office of a lower threshold", "EXCEEDS_PARENT", |world| {
        register_under_main(world, |body| {
            body.keyring = Keyring::new(1, keys(30).map(|key| key.public()).to_vec())?;
            Ok(())
        })
    }),
    ("a sub-office of more types", "EXCEEDS_PARENT", |world| {
        register_under_city(world, |body| {
            body.scope.types = vec![TypeId::new("110000.permit")?];
            Ok(())
        })
    }),
    ("a sub-office of more regions", "EXCEEDS_PARENT", |world| {
        register_under_city(world, |body| {
            body.scope.regions = Some(vec![RegionId::new("130000")?]);
            Ok(())
        })
    }),
    (
        "a sub-office of every region, where the parent has some",
        "EXCEEDS_PARENT",
        |world| {
            register_under_city(world, |body| {
                body.scope.regions = None;
                Ok(())
            })
        },
    ),
    ("a sub-office that is there", "OFFICE_EXISTS", |world| {
        register_under_main(world, |body| {
            body.code = OfficeCode::new("NEW")?;
            Ok(())
        })
    }),
    ("a sub-office without a name", "INCOMPLETE_OFFICE", |world| {
        register_under_main(world, |body| {
            body.labels.clear();
            Ok(())
        })
    }),
    ("regions of validity that descend", "INCOMPLETE_OFFICE", |world| {
        register_under_main(world, |body| {
            body.scope.regions = Some(vec![RegionId::new("130000")?, RegionId::new("120000")?]);
            Ok(())
        })
    }),
    ("a sub-office of a suspended one", "OFFICE_NOT_ACTIVE", |world| {
        let body = registration("SUB", 30, OfficeLevel::City, &[])?;
        by(world, "SUSP", 14, Action::RegisterOffice(body))
    }),
];

pub(super) const CHANGED: &[Case] = &[
    ("an office gets another name", "accept", |world| {
        amend_own(world, "CITY", |body| body.labels = Some(labels("新名")))
    }),
    ("an office gets another keyring, scope and zone", "accept", |world| {
        let keyring = Keyring::new(2, keys(40).map(|key| key.public()).to_vec())?;
        amend_own(world, "CITY", |body| {
            body.keyring = Some(keyring);
            body.scope = Some(Scope {
                types: Vec::new(),
                regions: Some(Vec::new()),
            });
            body.utc_offset_minutes = Some(-300);
        })
    }),
    (
        "an office above another loses a type that the other keeps",
        "accept",
        |world| {
            let office = world.office()?;
            amend(world, 0, office, |body| body.scope = Some(Scope::of_types(Vec::new())))
        },
    ),
    ("the name it has", "NOTHING_CHANGES", |world| {
        amend_own(world, "CITY", |body| body.labels = Some(labels("机关")))
    }),
    ("no change at all", "NOTHING_CHANGES", |world| {
        amend_own(world, "CITY", |_| ())
    }),
    ("a name that is none", "INCOMPLETE_OFFICE", |world| {
        amend_own(world, "CITY", |body| body.labels = Some(Vec::new()))
    }),
    ("a zone 841 minutes behind", "INCOMPLETE_OFFICE", |world| {
        amend_own(world, "CITY", |body| body.utc_offset_minutes = Some(-841))
    }),
    ("more regions than its parent", "EXCEEDS_PARENT", |world| {
        let scope = Scope::of_types(Vec::new());
        amend_own(world, "COUNTY", |body| body.scope = Some(scope))
    }),
    ("a lower threshold than its parent's", "EXCEEDS_PARENT", |world| {
        let keyring = Keyring::new(1, keys(40).map(|key| key.public()).to_vec())?;
        amend_own(world, "COUNTY", |body| body.keyring = Some(keyring))
    }),
    ("another region's office", "OFFICE_NOT_YOURS", |world| {
        let office = office_id(&code(1)?, "EAST")?;
        amend(world, 0, office, |body| body.utc_offset_minutes = Some(0))
    }),
    ("an office that is not there", "UNKNOWN_OFFICE", |world| {
        amend_own(world, "NONE", |body| body.utc_offset_minutes = Some(0))
    }),
    ("a closed office amended", "OFFICE_STANDING", |world| {
        amend_own(world, "CLOSED", |body| body.utc_offset_minutes = Some(0))
    }),
    ("a succeeded office amended", "OFFICE_STANDING", |world| {
        amend_own(world, "OLD", |body| body.utc_offset_minutes = Some(0))
    }),
    ("an office is suspended", "accept", |world| {
        set_own(world, "CITY", OfficeChange::Suspend)
    }),
    ("an office is reinstated", "accept", |world| {
        set_own(world, "SUSP", OfficeChange::Reinstate)
    }),
    ("an office is closed", "accept", |world| {
        set_own(world, "COUNTY", OfficeChange::Close)
    }),
    ("suspended already", "OFFICE_STANDING", |world| {
        set_own(world, "SUSP", OfficeChange::Suspend)
    }),
    ("reinstated without being suspended", "OFFICE_STANDING", |world| {
        set_own(world, "CITY", OfficeChange::Reinstate)
    }),
    ("closed already", "OFFICE_STANDING", |world| {
        set_own(world, "CLOSED", OfficeChange::Close)
    }),
    ("closed with a sub-office", "HAS_SUB_OFFICES", |world| {
        set_own(world, "CITY", OfficeChange::Close)
    }),
    (
        "closed with a sub-office of the office that it succeeded",
        "HAS_SUB_OFFICES",
        |world| set_own(world, "NEW", OfficeChange::Close),
    ),
    ("another region's office suspended", "OFFICE_NOT_YOURS", |world| {
        let action = set_office(&code(1)?, "EAST", OfficeChange::Suspend)?;
        world.by_region(action)
    }),
    ("an office takes another's place", "accept", |world| {
        succeed(world, "CITY", "NEW")
    }),
    ("a closed office's place", "accept", |world| {
        succeed(world, "CLOSED", "NEW")
    }),
    ("its place is taken already", "OFFICE_STANDING", |world| {
        succeed(world, "OLD", "CITY")
    }),
    ("by a closed office", "SUCCESSION", |world| {
        succeed(world, "CITY", "CLOSED")
    }),
    ("by one whose place is taken", "SUCCESSION", |world| {
        succeed(world, "CITY", "OLD")
    }),
    ("by one that stands under it", "SUCCESSION", |world| {
        succeed(world, "CITY", "COUNTY")
    }),
    ("by itself", "SUCCESSION", |world| succeed(world, "CITY", "CITY")),
    ("by an office that is not there", "UNKNOWN_OFFICE", |world| {
        succeed(world, "CITY", "NONE")
    }),
];

pub(super) const DELEGATED: &[Case] = &[
    ("a type is delegated to another region's office", "accept", |world| {
        delegate(world, "EAST", "110000.drivers-licence", Some(DELEGATED_MS))
    }),
    ("a delegation is prolonged", "accept", |world| {
        delegate(world, "EAST", "110000.permit", Some(DELEGATED_MS * 2))
    }),
    ("a delegation is taken back", "accept", |world| {
        delegate(world, "EAST", "110000.permit", None)
    }),
    (
        "a delegation that is not there is taken back",
        "NOTHING_CHANGES",
        |world| delegate(world, "CITY", "110000.permit", None),
    ),
    ("delegated to itself", "DELEGATION", |world| {
        delegate(world, "MAIN", "110000.permit", Some(DELEGATED_MS))
    }),
    ("delegated until yesterday", "DELEGATION", |world| {
        delegate(world, "EAST", "110000.permit", Some(0))
    }),
    ("delegated to a closed office", "DELEGATION", |world| {
        delegate(world, "CLOSED", "110000.permit", Some(DELEGATED_MS))
    }),
    ("delegated to no office", "UNKNOWN_OFFICE", |world| {
        delegate(world, "NONE", "110000.permit", Some(DELEGATED_MS))
    }),
    (
        "delegated to an office that reaches more regions",
        "DELEGATION",
        |world| {
            let until = UnixMillis(world.state.tip().time.0.saturating_add(DELEGATED_MS));
            let action = delegation(world, "EAST", "110000.drivers-licence", Some(until))?;
            by(world, "CITY", 10, action)
        },
    ),
    (
        "delegated to an office that signs with fewer keys",
        "DELEGATION",
        |world| {
            let until = UnixMillis(world.state.tip().time.0.saturating_add(DELEGATED_MS));
            let action = delegation(world, "EAST", "110000.drivers-licence", Some(until))?;
            let high = Actor::Office(office_id(&world.region()?, "HIGH")?);
            let keys = [28, 29, 30].map(|seed| SecretKey::from_seed([seed; 32]));
            let mut keys: Vec<&SecretKey> = keys.iter().collect();
            keys.sort_by_key(|key| key.public());
            Ok(SignedRecord::sign(world.payload(high, action), &keys))
        },
    ),
    ("a type that it may not issue itself", "OUT_OF_SCOPE", |world| {
        delegate(world, "EAST", "120000.permit", Some(DELEGATED_MS))
    }),
    ("what was delegated to it, delegated on", "OUT_OF_SCOPE", |world| {
        let until = UnixMillis(world.state.tip().time.0.saturating_add(DELEGATED_MS));
        let action = delegation(world, "CITY", "110000.permit", Some(until))?;
        by(world, "EAST", 26, action)
    }),
];

pub(super) const SERIES: &[Case] = &[
    ("an office opens a series of a delegated type", "accept", |world| {
        by(world, "EAST", 26, opening("110000.permit", 9)?)
    }),
    ("an office issues a delegated type", "accept", |world| {
        by(world, "EAST", 26, issue_action(3, 0, 1))
    }),
    (
        "a successor issues from the series that it took over",
        "accept",
        |world| by(world, "NEW", 20, issue_action(2, 0, 1)),
    ),
    ("an office whose place is taken issues", "OFFICE_NOT_ACTIVE", |world| {
        by(world, "OLD", 18, issue_action(2, 0, 1))
    }),
    (
        "a sub-office of an office whose place is taken goes on under the successor",
        "accept",
        |world| by(world, "OLD-SUB", 24, opening("110000.drivers-licence", 9)?),
    ),
    ("a suspended office opens a series", "OFFICE_NOT_ACTIVE", |world| {
        by(world, "SUSP", 14, opening("110000.drivers-licence", 9)?)
    }),
    ("a sub-office of a suspended office", "OFFICE_NOT_ACTIVE", |world| {
        by(world, "SUSP-SUB", 22, opening("110000.drivers-licence", 9)?)
    }),
    (
        "an office whose parent's threshold was raised above its own",
        "EXCEEDS_PARENT",
        |world| by(world, "HIGH-SUB", 44, opening("110000.drivers-licence", 9)?),
    ),
    ("a closed office", "OFFICE_NOT_ACTIVE", |world| {
        by(world, "CLOSED", 16, opening("110000.drivers-licence", 9)?)
    }),
    ("a sub-office without the type", "OUT_OF_SCOPE", |world| {
        by(world, "COUNTY", 12, opening("110000.drivers-licence", 9)?)
    }),
    ("a series of a closed type opened", "TYPE_CLOSED", |world| {
        world.by_office(opening("110000.old", 9)?)
    }),
    ("an issue of a closed type", "TYPE_CLOSED", |world| {
        world.by_office(issue_action(4, 0, 1))
    }),
    ("an issue from a closed series", "SERIES_CLOSED", |world| {
        world.by_office(issue_action(5, 0, 1))
    }),
    ("a series closed again", "SERIES_CLOSED", |world| {
        world.by_office(Action::CloseSeries(SeriesId(5)))
    }),
    ("a closed series frozen", "accept", |world| {
        world.by_office(Action::FreezeSeries(SeriesId(5)))
    }),
    ("a region closes a type", "accept", |world| {
        world.by_region(Action::CloseType(type_ref("110000.permit")?))
    }),
    ("a type closed again", "TYPE_CLOSED", |world| {
        world.by_region(Action::CloseType(type_ref("110000.old")?))
    }),
];

pub(super) const RECOGNISED: &[Case] = &[
    ("a type of one region is recognised", "accept", |world| {
        recognise(world, |_| Ok(()))
    }),
    (
        "a type of every region is recognised as one of the region's own",
        "accept",
        |world| {
            recognise(world, |terms| {
                terms.source = Source::All;
                terms.local_type = Some(TypeId::new("110000.permit")?);
                terms.presented_from = Some(UnixMillis(0));
                terms.presented_until = Some(UnixMillis(u64::MAX));
                terms.level = Level::Equal;
                Ok(())
            })
        },
    ),
    ("its own type", "INCOMPLETE_RECOGNITION", |world| {
        recognise(world, |terms| {
            terms.source = Source::Region(code(1)?);
            Ok(())
        })
    }),
    ("a type of a region that never was", "INCOMPLETE_RECOGNITION", |world| {
        recognise(world, |terms| {
            terms.source = Source::Region(RegionId::new("999999")?);
            Ok(())
        })
    }),
    ("a type that is not defined", "INCOMPLETE_RECOGNITION", |world| {
        recognise(world, |terms| {
            terms.kind = TypeId::new("110000.none")?;
            Ok(())
        })
    }),
    ("as a type that is not defined", "INCOMPLETE_RECOGNITION", |world| {
        recognise(world, |terms| {
            terms.local_type = Some(TypeId::new("120000.none")?);
            Ok(())
        })
    }),
    ("version 0 of a type", "INCOMPLETE_RECOGNITION", |world| {
        recognise(world, |terms| {
            terms.min_version = TypeVersion(0);
            Ok(())
        })
    }),
    ("values that descend", "INCOMPLETE_RECOGNITION", |world| {
        recognise(world, |terms| {
            terms.values.reverse();
            Ok(())
        })
    }),
    ("purposes that descend", "INCOMPLETE_RECOGNITION", |world| {
        recognise(world, |terms| {
            terms.purposes.reverse();
            Ok(())
        })
    }),
    (
        "days of issue that end before they begin",
        "INCOMPLETE_RECOGNITION",
        |world| {
            recognise(world, |terms| {
                terms.issued_until = Some("2024-12-31".parse()?);
                Ok(())
            })
        },
    ),
    (
        "a presentation that ends before it begins",
        "INCOMPLETE_RECOGNITION",
        |world| {
            recognise(world, |terms| {
                (terms.presented_from, terms.presented_until) = (Some(UnixMillis(2)), Some(UnixMillis(1)));
                Ok(())
            })
        },
    ),
    ("an office recognises", "NOT_YOURS", |world| {
        let recognition = recognise(world, |_| Ok(()))?;
        let action = recognition.payload().action.clone();
        world.by_office(action)
    }),
    ("a declaration is withdrawn by day of issue", "accept", |world| {
        world.by_region_at(1, withdrawal(2, Some("2026-06-30"), None)?)
    }),
    (
        "a declaration is withdrawn by time of presentation",
        "accept",
        |world| world.by_region_at(1, withdrawal(2, None, Some(u64::MAX))?),
    ),
    ("withdrawn already", "UNKNOWN_DECLARATION", |world| {
        world.by_region_at(1, withdrawal(1, Some("2026-06-30"), None)?)
    }),
    ("a declaration that is not there", "UNKNOWN_DECLARATION", |world| {
        world.by_region_at(1, withdrawal(3, Some("2026-06-30"), None)?)
    }),
    ("another region's declaration", "UNKNOWN_DECLARATION", |world| {
        world.by_region(withdrawal(2, Some("2026-06-30"), None)?)
    }),
    ("withdrawn without a date", "INCOMPLETE_RECOGNITION", |world| {
        world.by_region_at(1, withdrawal(2, None, None)?)
    }),
    ("withdrawn for the past", "INCOMPLETE_RECOGNITION", |world| {
        world.by_region_at(1, withdrawal(2, None, Some(1))?)
    }),
];

/// Of EAST, at a time after the last block.
fn later(world: &mut World, after: u64) -> Made {
    let actor = Actor::Office(office_id(&code(1)?, "EAST")?);
    let mut payload = world.payload(actor, issue_action(3, 0, 1));
    payload.not_after = UnixMillis(world.state.tip().time.0.saturating_add(after));
    let [first, second] = keys(26);
    Ok(SignedRecord::sign(payload, &[&first, &second]))
}

pub(super) const LATER: &[LaterCase] = &[
    (
        "an issue in the last millisecond of a delegation",
        "accept",
        DELEGATED_MS,
        |world| later(world, DELEGATED_MS),
    ),
    (
        "an issue a millisecond after the delegation",
        "OUT_OF_SCOPE",
        DELEGATED_MS + 1,
        |world| later(world, DELEGATED_MS + 1),
    ),
];
