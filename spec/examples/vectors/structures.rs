//! Structures that no other file shows by themselves: sections, blocks, receipts, histories of regions, evidence
//! (`spec/text`, by the names of the CDDL), each with twins that are none.

use super::certificates::fresh;
use super::records::{federation, offices};
use super::{Error, shortened, with_trailing};
use concord_spec::block::Header;
use concord_spec::bundle::TrustBundle;
use concord_spec::certificate::Certificate;
use concord_spec::codec::to_vec;
use concord_spec::digest::Digest;
use concord_spec::epochs::{Change, RegionHistory};
use concord_spec::id::UnixMillis;
use concord_spec::key::SecretKey;
use concord_spec::ledger::SectionName;
use concord_spec::merkle::Frontier;
use concord_spec::presentation::{Nonce, Presentation};
use concord_spec::record::{Action, Change as FederationChange};
use concord_spec::world::World;
use serde_json::{Value, json};

/// What a structure is called, its one encoding, whether it begins with a version.
type Good = (&'static str, Vec<u8>, bool);

/// `structures.json`
pub(super) fn file() -> Result<Value, Error> {
    let mut vectors = Vec::new();
    for (kind, bytes, versioned) in good()? {
        vectors.push(vector(kind, "the one encoding", &bytes, "accept"));
        vectors.extend(twins(kind, &bytes, versioned)?);
    }
    vectors.extend(others()?);
    Ok(json!({
        "about": "A decoder of `type`, a name of the CDDL, with a bound of `max_bytes`, accepts `hex` and encodes it again to the same bytes, or refuses it. `histories`: of regions, from the charter on; `result`: accept, or the HandoverError.",
        "max_bytes": 65_536,
        "vectors": vectors,
        "histories": histories()?,
    }))
}

fn vector(kind: &str, name: &str, bytes: &[u8], result: &str) -> Value {
    json!({ "type": kind, "name": name, "hex": hex::encode(bytes), "result": result })
}

fn document(world: &World, name: &SectionName) -> Result<Vec<u8>, Error> {
    Ok(world.state.document(name).ok_or("no such section")?)
}

/// A presentation of this certificate, its statement, and a disclosure.
fn shown(certificate: &Certificate) -> Result<[Vec<u8>; 3], Error> {
    let world = World::with_series(1, "concord-vectors")?;
    let selective = world.certify_for(None, 0, world.content(0)?, &[(100, [1; 16])].into())?;
    let disclosure = selective.disclosures().first().ok_or("no disclosure")?;
    let nonce = Nonce::new(vec![7; 8]).ok_or("a nonce")?;
    let key = SecretKey::from_seed([8; 32]);
    let presentation = Presentation::sign(certificate.clone(), nonce, UnixMillis(0), None, &key);
    let statement = to_vec(presentation.statement());
    Ok([presentation.to_bytes(), statement, to_vec(disclosure)])
}

fn good() -> Result<Vec<Good>, Error> {
    let (mut federation, offices) = (federation::world()?, offices::world()?);
    let directory = SectionName::Directory(offices.region()?);
    let certificate = World::with_series(1, "concord-vectors")?.issue(3)?.remove(1);
    let [presentation, statement, disclosure] = shown(&certificate)?;
    let (block, _) = offices.blocks.last().ok_or("no block")?;
    let mut history = Frontier::new();
    (0..7).for_each(|leaf| history.push(Digest([leaf; 32])));
    let leaf = federation
        .state
        .section_roots()
        .into_iter()
        .next()
        .ok_or("no section")?;
    let recorded = federation.blocks.iter().flat_map(|(block, _)| &block.records);
    let evidence = recorded.filter_map(|record| {
        if let Action::Evidence(evidence) = &record.payload().action {
            Some(to_vec(evidence.as_ref()))
        } else {
            None
        }
    });
    let evidence: Vec<Vec<u8>> = evidence.collect();
    let card = federation.card(10)?;
    let (handovers, regions) = (federation.handovers(), federation.state.region_set());
    let (proof, with_status, renewed) = fresh::samples()?;
    let set = proof.sets.first().ok_or("no set")?;
    Ok(vec![
        ("charter", to_vec(federation.state.charter()), true),
        ("charter-region", to_vec(&card), false),
        ("change", to_vec(&FederationChange::AdmitRegion(Box::new(card))), false),
        ("region-set", to_vec(regions.as_ref()), false),
        ("federation", document(&federation, &SectionName::Federation)?, true),
        ("catalogue", document(&offices, &SectionName::Catalogue)?, true),
        ("directory", document(&offices, &directory)?, true),
        ("recognition", document(&offices, &SectionName::Recognition)?, true),
        ("section-leaf", to_vec(&leaf), false),
        ("frontier", to_vec(&history), false),
        ("evidence", evidence.into_iter().next().ok_or("no evidence")?, false),
        ("rest-part", to_vec(&block.rest), true),
        ("block", to_vec(block), true),
        ("handover", to_vec(handovers.first().ok_or("no handover")?), false),
        ("region-history", to_vec(&joined_and_left()?.1), true),
        ("receipt", to_vec(&certificate.receipt), true),
        ("certificate", certificate.to_bytes(), true),
        ("presentation", presentation, false),
        ("statement", statement, true),
        ("disclosure", disclosure, false),
        ("set-shown", to_vec(set), false),
        ("tree-place", to_vec(&proof.series), false),
        ("state-head", to_vec(&proof.head), false),
        ("status-proof", proof.to_bytes(), true),
        ("with-status", with_status.to_bytes(), true),
        ("renewal", to_vec(&renewed.receipt.seal), true),
        ("renewed-receipt", to_vec(&renewed.receipt), true),
        ("renewed-certificate", renewed.to_bytes(), true),
    ])
}

fn twins(kind: &str, bytes: &[u8], versioned: bool) -> Result<Vec<Value>, Error> {
    let (head, body) = bytes.split_first().ok_or("nothing")?;
    let refusal = |name: &str, bytes: &[u8], result: &str| vector(kind, name, bytes, result);
    let mut all = vec![
        refusal("cut by a byte", &shortened(bytes, 1), "Truncated"),
        refusal("a byte after it", &with_trailing(bytes), "TrailingBytes"),
        refusal(
            "an array of indefinite length",
            &[&[0x9f], body, &[0xff]].concat(),
            "NotCanonical",
        ),
    ];
    if kind != "region-set" {
        let longer = [&[head.saturating_add(1)], body, &[0xf6]].concat();
        // A list of two or three forms has a bound.
        let result = if kind == "set-shown" {
            "OverBound"
        } else {
            "WrongLength"
        };
        all.push(refusal("an element more", &longer, result));
    }
    if versioned {
        let (version, rest) = body.split_first().ok_or("no version")?;
        let newer = version.saturating_add(1);
        let name = format!("version {newer}");
        all.push(refusal(&name, &[&[*head, newer], rest].concat(), "UnknownVersion"));
    }
    Ok(all)
}

/// Choices, bounds and orders inside of structures.
fn others() -> Result<Vec<Value>, Error> {
    let label = |text: &[u8]| {
        let head = u8::try_from(text.len())?;
        Ok::<_, Error>([&[0x82, 0x62, 0x7a, 0x68, 0x78, head], text].concat())
    };
    let evidence = good()?.into_iter().find(|(kind, ..)| *kind == "evidence");
    let (_, evidence, _) = evidence.ok_or("no evidence")?;
    let (head, votes) = evidence.split_at(2);
    let (first, second) = votes.split_at(votes.len() / 2);
    let types = [&[0x82, 0x99, 0x01, 0x01], &[0x61, b'a'].repeat(257)[..], &[0xf6]].concat();
    Ok(vec![
        vector("label", "of 24 bytes", &label(&[b'a'; 24])?, "accept"),
        vector(
            "label",
            "a line break in it",
            &label(b"aaaaaaaaaaaaaaaaaaaaaaa\n")?,
            "Invalid",
        ),
        vector("label", "without a text", &[0x82, 0x62, 0x7a, 0x68, 0x60], "Invalid"),
        vector("label", "of 129 bytes", &label(&[b'a'; 129])?, "OverBound"),
        vector(
            "label",
            "a language of 17 bytes",
            &[&[0x82, 0x71], &[b'a'; 17][..], &[0x61, b'a']].concat(),
            "OverBound",
        ),
        vector(
            "evidence",
            "descending",
            &[head, second, first].concat(),
            "NotCanonical",
        ),
        vector("evidence", "one vote twice", &[head, first, first].concat(), "Invalid"),
        vector("evidence", "of no kind", &[&[0x83, 0x03], votes].concat(), "UnknownKey"),
        vector("change", "of no kind", &[0x82, 0x0d, 0xf6], "UnknownKey"),
        vector("change", "a region without its code", &[0x82, 0x02, 0xf6], "Unexpected"),
        vector("actor", "nobody", &[0x82, 0x03, 0xf6], "accept"),
        vector("actor", "nobody of the name 0", &[0x82, 0x03, 0x00], "Unexpected"),
        vector("actor", "of no kind", &[0x82, 0x04, 0xf6], "UnknownKey"),
        vector("scope", "no type, every region", &[0x82, 0x80, 0xf6], "accept"),
        vector("scope", "no type, no region", &[0x82, 0x80, 0x80], "accept"),
        vector("scope", "257 types", &types, "OverBound"),
        vector("claim-kind", "text of 0 bytes", &[0x82, 0x00, 0x00], "accept"),
        vector(
            "claim-kind",
            "text of 65,536 bytes",
            &[0x82, 0x00, 0x1a, 0x00, 0x01, 0x00, 0x00],
            "Invalid",
        ),
        vector(
            "claim-kind",
            "an integer with a bound",
            &[0x82, 0x01, 0x00],
            "UnknownKey",
        ),
    ])
}

/// A second region joins the first, which then leaves.
fn joined_and_left() -> Result<(World, RegionHistory), Error> {
    let mut world = World::with_series(1, "concord-regions")?;
    let card = world.card(1)?;
    world.change(FederationChange::AdmitRegion(Box::new(card)), &[0])?;
    world.append(Vec::new())?;
    world.change(FederationChange::RemoveRegion(world.region()?), &[0, 1])?;
    world.append(Vec::new())?;
    let mut changes = Vec::new();
    for handover in world.handovers() {
        let next = handover.header.height.next().ok_or("no height")?;
        let regions = world.state.region_set_at(next)?;
        changes.push(Change { handover, regions });
    }
    let height = world.state.tip().height;
    Ok((world, RegionHistory { height, changes }))
}

/// What it shows, what is changed, the HandoverError.
type Broken = (&'static str, fn(&mut RegionHistory), &'static str);

const BROKEN: &[Broken] = &[
    ("a region joins, a region leaves", |_| (), "accept"),
    ("no change", |it| it.changes.clear(), "accept"),
    ("the first change left out", |it| drop(it.changes.remove(0)), "Regions"),
    ("changes that descend", |it| it.changes.reverse(), "Regions"),
    (
        "a change twice",
        |it| {
            let again = it.changes.first().cloned();
            it.changes.splice(1..1, again);
        },
        "Order",
    ),
    (
        "the second to the regions of the first",
        |it| {
            let regions = it.changes.first().map(|first| first.regions.clone());
            let second = it.changes.iter_mut().skip(1);
            second
                .zip(regions)
                .for_each(|(change, regions)| change.regions = regions);
        },
        "Regions",
    ),
    (
        "a header of another rest",
        |it| {
            it.changes
                .iter_mut()
                .take(1)
                .for_each(|one| one.handover.rest.bodies_root = Digest::ZERO)
        },
        "Order",
    ),
    (
        "a header of another time",
        |it| {
            it.changes
                .iter_mut()
                .take(1)
                .for_each(|one| one.handover.header = later(one.handover.header))
        },
        "Seal",
    ),
    (
        "the second sealed by the first region alone",
        |it| {
            let seal = it.changes.first().map(|first| first.handover.seal.clone());
            let second = it.changes.iter_mut().skip(1);
            second.zip(seal).for_each(|(change, seal)| change.handover.seal = seal);
        },
        "Seal",
    ),
];

fn later(mut header: Header) -> Header {
    header.time.0 = header.time.0.saturating_add(1);
    header
}

fn histories() -> Result<Value, Error> {
    let (world, good) = joined_and_left()?;
    let mut vectors = Vec::new();
    for (name, change, result) in BROKEN {
        let mut history = good.clone();
        change(&mut history);
        vectors.push(json!({ "name": name, "history": hex::encode(to_vec(&history)), "result": result }));
    }
    let bytes = world.bundle()?;
    let last = TrustBundle::from_bytes(&bytes)?.rest.regions_now;
    Ok(json!({
        "charter": hex::encode(to_vec(world.state.charter())),
        "chain_id": world.state.chain_id(),
        "last_regions_digest": last,
        "vectors": vectors,
    }))
}
