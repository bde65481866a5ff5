//! Certificates with bundles that are about some types of some regions.

use super::{NAME, Part, small_code, vector};
use crate::make::Error;
use concord_spec::bundle::Selection;
use concord_spec::catalogue::{TypeDefinition, TypeRef};
use concord_spec::id::{OfficeCode, OfficeId, RegionId, TypeId, TypeVersion};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::record::{Action, Actor, OpenSeries, RegisterOffice, Scope, SignedRecord};
use concord_spec::world::World;
use serde_json::json;
use std::collections::BTreeSet;

/// A second office of the first region, with a type and a series of its own.
fn second_office(world: &mut World) -> Result<TypeId, Error> {
    let id = TypeId::new("110000.permit")?;
    let reference = TypeRef {
        id: id.clone(),
        version: TypeVersion(1),
    };
    let permit = TypeDefinition {
        reference: reference.clone(),
        ..world.definition.clone()
    };
    let key = SecretKey::from_seed([70; 32]);
    let Action::RegisterOffice(like) = world.office_registration()? else {
        return Err("a registration".into());
    };
    let office = RegisterOffice {
        code: OfficeCode::new("PERMITS")?,
        keyring: Keyring::new(1, vec![key.public()])?,
        scope: Scope::of_types(vec![id.clone()]),
        ..like
    };
    let records = [Action::DefineType(Box::new(permit)), Action::RegisterOffice(office)];
    for action in records {
        let record = world.by_region(action)?;
        world.append(vec![record])?;
    }
    let open = Action::OpenSeries(OpenSeries {
        of: reference,
        desk: "1".to_owned(),
        key: SecretKey::from_seed([71; 32]).public(),
    });
    let actor = Actor::Office(OfficeId::new(world.region()?, OfficeCode::new("PERMITS")?));
    let payload = world.payload(actor, open);
    world.append(vec![SignedRecord::sign(payload, &[&key])])?;
    Ok(id)
}

pub(super) fn types() -> Result<Part, Error> {
    let mut world = World::with_series(2, NAME)?;
    let certificate = world.issue(1)?.remove(0);
    let permit = second_office(&mut world)?;
    let full = world.full_bundle()?;
    let select = |types: Option<BTreeSet<TypeId>>, regions: Option<BTreeSet<RegionId>>| {
        let selection = Selection::of(types, regions).ok_or("a selection")?;
        let bytes = full.select(&selection).to_bytes();
        Ok::<_, Error>(json!({ "chain_id": world.state.chain_id(), "bundle": hex::encode(bytes) }))
    };
    let own = BTreeSet::from([world.type_ref().id]);
    let bundles = vec![
        ("its-type", select(Some(own), None)?),
        ("another-type", select(Some(BTreeSet::from([permit])), None)?),
        ("no-type", select(Some(BTreeSet::new()), None)?),
        (
            "another-region",
            select(None, Some(BTreeSet::from([RegionId::new("120000")?])))?,
        ),
    ];
    let bytes = certificate.to_bytes();
    let vectors = vec![
        vector("with data about its type alone", "its-type", &bytes, "VALID"),
        vector(
            "with data about another type of its region",
            "another-type",
            &bytes,
            "UNKNOWN",
        ),
        vector("with data about no type", "no-type", &bytes, "UNKNOWN"),
        vector("with data about another region", "another-region", &bytes, "UNKNOWN"),
        small_code(
            "a small code with data about another region",
            "another-region",
            &certificate.credential,
            "UNKNOWN",
        ),
    ];
    Ok((bundles, vectors))
}
