//! Certificates from before and after a change of regions, of an office's name, and of who holds a series.

use super::{Part, bundle, of, vector, with};
use crate::make::Error;
use concord_spec::block::Block;
use concord_spec::bundle::TrustBundle;
use concord_spec::certificate::Certificate;
use concord_spec::credential::SignedCredential;
use concord_spec::id::{Height, OfficeCode, OfficeId, RegionId, UnixMillis};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::ledger::SectionName;
use concord_spec::record::{Action, Actor, AmendOffice, Change, Scope, SignedRecord, SucceedOffice};
use concord_spec::seal::Seal;
use concord_spec::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What it shows, the bundle, which certificate, the verdict.
type Named = (&'static str, &'static str, &'static str, &'static str);

const REGIONS: &[Named] = &[
    (
        "issued by four regions, with their bundle",
        "four-regions",
        "before",
        "VALID",
    ),
    (
        "issued by four regions, with a bundle of the fifth",
        "five-regions",
        "before",
        "VALID",
    ),
    ("issued by five regions", "five-regions", "after", "VALID"),
    (
        "its office's region was removed since",
        "region-removed",
        "before",
        "VALID",
    ),
    (
        "sealed by five regions that the bundle does not know",
        "four-regions",
        "after",
        "UNKNOWN",
    ),
    (
        "sealed by three regions where five are in force",
        "five-regions",
        "by three",
        "NOT GENUINE",
    ),
    (
        "sealed by four of the five, the new one among them",
        "five-regions",
        "by four",
        "VALID",
    ),
    (
        "of a height that is still to come, with a seal of another block",
        "five-regions",
        "invented",
        "UNKNOWN",
    ),
    (
        "of a height that is still to come, at a time that has passed",
        "five-regions",
        "invented, of the past",
        "NOT GENUINE",
    ),
    (
        "by five regions, with the bundle of the block in which they were voted, which do not seal the next one yet",
        "voted",
        "after",
        "UNKNOWN",
    ),
    (
        "by five regions, with the bundle of the block that hands over to them",
        "handing-over",
        "after",
        "VALID ON DATA FROM",
    ),
];

/// A fifth region joins the first four, then the region of the office is removed.
pub(super) fn regions() -> Result<Part, Error> {
    let mut world = World::with_series(4, "concord-regions")?;
    let before = world.issue(1)?.remove(0);
    let mut bundles = vec![("four-regions", bundle(&world, &world.bundle()?))];
    let card = world.card(4)?;
    let admission = Change::AdmitRegion(Box::new(card));
    world.change(admission.clone(), &[0, 1, 2])?;
    let mut voted = World::with_series(4, "concord-regions")?;
    voted.issue(1)?;
    voted.vote(admission, &[0, 1, 2])?;
    bundles.push(("voted", bundle(&voted, &voted.bundle()?)));
    bundles.push(("handing-over", bundle(&world, &world.bundle()?)));
    let after = world.issue(1)?.remove(0);
    let (block, _) = world.blocks.last().ok_or("no block")?.clone();
    bundles.push(("five-regions", bundle(&world, &world.bundle()?)));
    world.change(Change::RemoveRegion(world.region()?), &[1, 2, 3, 4])?;
    world.append(Vec::new())?;
    bundles.push(("region-removed", bundle(&world, &world.bundle()?)));
    let mut invented = before.clone();
    invented.receipt.height = Height(1_000_000);
    let past = invented.clone();
    invented.receipt.time = UnixMillis(NEWER);
    let certificates = BTreeMap::from([
        (
            "by three",
            sealed_again(&world, &after, &block, 0b1110_0000, &[0, 1, 2])?,
        ),
        (
            "by four",
            sealed_again(&world, &after, &block, 0b1101_1000, &[0, 1, 3, 4])?,
        ),
        ("invented", invented),
        ("invented, of the past", past),
        ("before", before),
        ("after", after),
    ]);
    Ok((bundles, of_table(REGIONS, &certificates)?))
}

fn of_table(table: &[Named], certificates: &BTreeMap<&str, Certificate>) -> Result<Vec<Value>, Error> {
    let one = |(name, bundle, which, verdict): &Named| {
        let certificate = certificates.get(which).ok_or("no such certificate")?;
        let vector = vector(name, bundle, &certificate.to_bytes(), verdict);
        let from = [("data_from_ms", json!(certificate.receipt.time))];
        let dated = *verdict == "VALID ON DATA FROM";
        Ok(if dated { with(vector, &from) } else { vector })
    };
    table.iter().map(one).collect()
}

/// A time after every bundle's.
const NEWER: u64 = 1_780_000_000_000;

/// The same with a seal by these regions.
fn sealed_again(
    world: &World,
    certificate: &Certificate,
    block: &Block,
    signers: u8,
    who: &[usize],
) -> Result<Certificate, Error> {
    let shares: Vec<(usize, u32)> = who.iter().map(|who| (*who, 0)).collect();
    let mut again = certificate.clone();
    again.receipt.seal = crate::make::sum_of_shares(world, block, &shares, signers, 0)?;
    Ok(again)
}

/// What of a bundle with two handovers is changed, and how it is refused.
type Broken = (&'static str, fn(&mut TrustBundle, &Seal), &'static str);

const BROKEN: &[Broken] = &[
    ("a handover left out", |it, _| drop(it.handovers.remove(0)), "Handover"),
    ("the last handover left out", |it, _| drop(it.handovers.pop()), "Header"),
    ("handovers out of order", |it, _| it.handovers.swap(0, 1), "Handover"),
    (
        "a handover twice",
        |it, _| {
            let again = it.handovers.first().cloned();
            it.handovers.extend(again);
        },
        "Handover",
    ),
    (
        "a handover with the seal of another block",
        |it, seal| it.handovers.iter_mut().take(1).for_each(|one| one.seal = seal.clone()),
        "Handover",
    ),
    (
        "a handover with another rest",
        |it, _| {
            it.handovers
                .iter_mut()
                .take(1)
                .for_each(|one| one.rest.state_root = one.rest.parent)
        },
        "Handover",
    ),
    (
        "without the federation",
        |it, _| it.sections.retain(|section| section.name != SectionName::Federation),
        "Missing",
    ),
    (
        "without recognitions",
        |it, _| it.sections.retain(|section| section.name != SectionName::Recognition),
        "Missing",
    ),
];

/// Bundles of a federation that a second region joined, and the first left.
pub(super) fn refused() -> Result<Vec<Value>, Error> {
    let mut world = World::with_series(1, "concord-regions")?;
    let card = world.card(1)?;
    world.change(Change::AdmitRegion(Box::new(card)), &[0])?;
    world.append(Vec::new())?;
    world.change(Change::RemoveRegion(world.region()?), &[0, 1])?;
    world.append(Vec::new())?;
    let (bytes, chain) = (world.bundle()?, world.state.chain_id());
    let good = TrustBundle::from_bytes(&bytes)?;
    let vector = |name: &str, bytes: &[u8], result: &str| json!({ "name": name, "bundle": hex::encode(bytes), "chain_id": chain, "result": result });
    let mut all = vec![vector("with two handovers", &bytes, "accept")];
    for (name, change, result) in BROKEN {
        let mut broken = good.clone();
        change(&mut broken, &good.seal);
        all.push(vector(name, &broken.to_bytes(), result));
    }
    Ok(all)
}

fn keys() -> [SecretKey; 2] {
    [50, 51].map(|seed| SecretKey::from_seed([seed; 32]))
}

fn successor(world: &World) -> Result<OfficeId, Error> {
    Ok(OfficeId::new(world.region()?, OfficeCode::new("NEW")?))
}

/// A credential of a number that names an office.
fn naming(world: &World, number: u64, office: OfficeId) -> Result<SignedCredential, Error> {
    let mut credential = world.credential(number)?.credential().clone();
    credential.issuer.office = office;
    Ok(SignedCredential::sign(credential, &world.series_key))
}

/// The successor issues these credentials.
fn issued_by_successor(world: &mut World, credentials: &[SignedCredential]) -> Result<Vec<Certificate>, Error> {
    let action = world.issue_of(credentials)?.payload().action.clone();
    let payload = world.payload(Actor::Office(successor(world)?), action);
    let [first, second] = keys();
    world.append(vec![SignedRecord::sign(payload, &[&first, &second])])?;
    world.certificates(credentials, 0)
}

fn amend(world: &mut World, office: OfficeId, change: impl FnOnce(&mut AmendOffice)) -> Result<(), Error> {
    let mut body = AmendOffice {
        office,
        labels: None,
        keyring: None,
        scope: None,
        utc_offset_minutes: None,
    };
    change(&mut body);
    let record = world.by_region(Action::AmendOffice(Box::new(body)))?;
    world.append(vec![record])?;
    Ok(())
}

const OLD_NAME: &str = "公安局交通管理局";
const NEW_NAME: &str = "交通管理总队";

const OFFICES: &[Named] = &[
    ("its office had another name", "succeeded", "old name", "VALID"),
    ("its office has this name", "renamed-office", "new name", "VALID"),
    ("its office's place was taken since", "succeeded", "new name", "VALID"),
    (
        "issued by an office in the block in which another took its place",
        "succeeded",
        "same block",
        "VALID",
    ),
    ("issued by the successor", "succeeded", "successor", "VALID"),
    (
        "the successor's, with data that do not know it",
        "renamed-office",
        "successor",
        "UNKNOWN",
    ),
    (
        "the successor's, with data that do not know it, on a broken path",
        "renamed-office",
        "successor, broken",
        "NOT GENUINE",
    ),
    (
        "issued by the successor in the name of the office before",
        "succeeded",
        "in another's name",
        "NOT GENUINE",
    ),
];

/// What offices were called when they issued, by the certificate.
fn named_then(which: &str) -> Option<&'static str> {
    match which {
        "old name" => Some(OLD_NAME),
        "new name" | "same block" => Some(NEW_NAME),
        "successor" => Some("后继"),
        _ => None,
    }
}

/// An office gets another name; another office takes its place, which is then valid in two regions only.
pub(super) fn offices() -> Result<Part, Error> {
    let mut world = World::with_series(4, "concord-offices")?;
    let office = world.office()?;
    let old_name = world.issue(1)?.remove(0);
    amend(&mut world, office.clone(), |body| {
        body.labels = Some(crate::make::records::labels(NEW_NAME));
    })?;
    let new_name = world.issue(1)?.remove(0);
    let mut bundles = vec![("renamed-office", bundle(&world, &world.bundle()?))];
    let same_block = succeed(&mut world)?;
    let new_office = successor(&world)?;
    let credentials = [
        naming(&world, 3, new_office.clone())?,
        naming(&world, 4, office.clone())?,
    ];
    let by_successor = issued_by_successor(&mut world, &credentials)?;
    let regions = vec![RegionId::new("110000")?, RegionId::new("120000")?];
    amend(&mut world, new_office, |body| {
        let (types, regions) = (Vec::new(), Some(regions));
        body.scope = Some(Scope { types, regions });
    })?;
    bundles.push(("succeeded", bundle(&world, &world.bundle()?)));
    let certificates = BTreeMap::from([
        ("old name", old_name),
        ("new name", new_name),
        ("same block", same_block),
        ("successor", of(&by_successor, 0)?.clone()),
        ("successor, broken", without_path(of(&by_successor, 0)?)),
        ("in another's name", of(&by_successor, 1)?.clone()),
    ]);
    let mut vectors = of_table(OFFICES, &certificates)?;
    for (vector, (_, _, which, verdict)) in vectors.iter_mut().zip(OFFICES) {
        if let Some(named) = named_then(which).filter(|_| *verdict == "VALID") {
            *vector = with(vector.take(), &[("issuer_named", json!(named))]);
        }
    }
    vectors.extend(places_and_small_codes(&certificates)?);
    Ok((bundles, vectors))
}

/// What nothing shows to be recorded, so that its height does not count either.
fn without_path(certificate: &Certificate) -> Certificate {
    let mut broken = certificate.clone();
    broken.batch_path.0.clear();
    broken
}

fn places_and_small_codes(certificates: &BTreeMap<&str, Certificate>) -> Result<Vec<Value>, Error> {
    let get = |which: &str| certificates.get(which).ok_or("no such certificate");
    let (before, successor) = (get("new name")?, get("successor")?);
    let place = |name: &str, region: &str, verdict: &str| {
        let vector = vector(name, "succeeded", &successor.to_bytes(), verdict);
        with(vector, &[("own_region", json!(region))])
    };
    let code = |name: &str, bundle: &str, certificate: &Certificate, verdict: &str| {
        super::small_code(name, bundle, &certificate.credential, verdict)
    };
    Ok(vec![
        place("in a region where its office's are valid", "110000", "VALID"),
        place(
            "in a region where its office's are not valid",
            "130000",
            "NOT RECOGNISED",
        ),
        code(
            "a small code of the office before",
            "succeeded",
            before,
            "NOT SHOWN RECORDED",
        ),
        code(
            "a small code of the successor",
            "succeeded",
            successor,
            "NOT SHOWN RECORDED",
        ),
        code(
            "a small code of a successor that the data do not know",
            "renamed-office",
            successor,
            "UNKNOWN",
        ),
    ])
}

/// Number 2 is issued by the office, and then its place taken, in one block.
fn succeed(world: &mut World) -> Result<Certificate, Error> {
    let Action::RegisterOffice(mut body) = world.office_registration()? else {
        return Err("no registration".into());
    };
    body.code = successor(world)?.code;
    body.labels = crate::make::records::labels("后继");
    body.keyring = concord_spec::key::keyring::Keyring::new(2, keys().map(|key| key.public()).to_vec())?;
    let register = world.by_region(Action::RegisterOffice(body))?;
    world.append(vec![register])?;
    let succession = SucceedOffice {
        office: world.office()?,
        successor: successor(world)?,
    };
    let (credentials, issue) = world.batch(1)?;
    let succeed = world.by_region(Action::SucceedOffice(succession))?;
    world.append(vec![issue, succeed])?;
    let mut certificates = world.certificates(&credentials, 0)?;
    Ok(certificates.remove(0))
}
