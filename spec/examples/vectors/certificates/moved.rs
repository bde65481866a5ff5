//! A region is gone, and an office of another took the place of one of its: with data about the first region alone.

use super::{Part, bundle, vector, with};
use crate::make::Error;
use concord_spec::bundle::{Selection, TrustBundle};
use concord_spec::certificate::Certificate;
use concord_spec::credential::SignedCredential;
use concord_spec::id::{OfficeCode, OfficeId, RegionId};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::ledger::SectionName;
use concord_spec::record::{Action, Actor, Change, RegisterOffice, Scope, SignedRecord, SucceedOffice, SucceedRegion};
use concord_spec::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NAME: &str = "concord-moved";
const OTHERS: [usize; 3] = [1, 2, 3];

struct Scene {
    world: World,
    /// Issued before the region was gone.
    before: Certificate,
    /// Issued by the office that took over.
    after: Certificate,
    selected: TrustBundle,
}

/// The office of 120000 that takes over is valid in 110000 and 120000.
fn scene() -> Result<Scene, Error> {
    let mut world = World::with_series(4, NAME)?;
    let (gone, holder) = (world.region()?, RegionId::new("120000")?);
    let before = world.issue(1)?.remove(0);
    world.change(Change::RemoveRegion(gone.clone()), &OTHERS)?;
    let taking_over = SucceedRegion {
        region: gone.clone(),
        successor: holder.clone(),
    };
    world.change(Change::SucceedRegion(taking_over), &OTHERS)?;
    let Action::RegisterOffice(like) = world.office_registration()? else {
        return Err("a registration".into());
    };
    let key = SecretKey::from_seed([72; 32]);
    let next = OfficeId::new(holder.clone(), OfficeCode::new("NEXT")?);
    let office = RegisterOffice {
        code: next.code.clone(),
        keyring: Keyring::new(1, vec![key.public()])?,
        scope: Scope {
            regions: Some(vec![gone.clone(), holder]),
            ..like.scope.clone()
        },
        ..like
    };
    let register = world.by_region_at(1, Action::RegisterOffice(office))?;
    world.append(vec![register])?;
    let succession = SucceedOffice {
        office: world.office()?,
        successor: next.clone(),
    };
    let succeed = world.by_region_at(1, Action::SucceedOffice(succession))?;
    world.append(vec![succeed])?;
    let mut credential = world.credential(1)?.credential().clone();
    credential.issuer.office = next.clone();
    let credentials = [SignedCredential::sign(credential, &world.series_key)];
    let action = world.issue_of(&credentials)?.payload().action.clone();
    let payload = world.payload(Actor::Office(next), action);
    world.append(vec![SignedRecord::sign(payload, &[&key])])?;
    let after = world.certificates(&credentials, 0)?.remove(0);
    let selection = Selection::of(None, Some(BTreeSet::from([gone]))).ok_or("a selection")?;
    let selected = world.full_bundle()?.select(&selection);
    Ok(Scene {
        world,
        before,
        after,
        selected,
    })
}

pub(super) fn offices() -> Result<Part, Error> {
    let scene = scene()?;
    let bundles = vec![("moved", bundle(&scene.world, &scene.selected.to_bytes()))];
    let case = |name: &str, certificate: &Certificate, region: &str, verdict: &str| {
        let vector = vector(name, "moved", &certificate.to_bytes(), verdict);
        with(vector, &[("own_region", json!(region))])
    };
    let vectors = vec![
        case(
            "its office's place was taken by one of another region",
            &scene.before,
            "110000",
            "VALID",
        ),
        case(
            "of an office of another region that took over, where its series stands",
            &scene.after,
            "110000",
            "VALID",
        ),
        case(
            "of an office of another region that took over, where its office's are not valid",
            &scene.after,
            "130000",
            "NOT RECOGNISED",
        ),
    ];
    Ok((bundles, vectors))
}

pub(super) fn refused() -> Result<Vec<Value>, Error> {
    let scene = scene()?;
    let chain = scene.world.state.chain_id();
    let lacking = SectionName::Directory(RegionId::new("120000")?);
    let mut without = scene.selected.clone();
    without.sections.retain(|section| section.name != lacking);
    let vector = |name: &str, bundle: &TrustBundle, result: &str| json!({ "name": name, "bundle": hex::encode(bundle.to_bytes()), "chain_id": chain, "result": result });
    Ok(vec![
        vector(
            "with the directory to which a succession leads",
            &scene.selected,
            "accept",
        ),
        vector("without the directory to which a succession leads", &without, "Missing"),
    ])
}
