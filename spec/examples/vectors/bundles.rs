//! Trust bundles that a device must refuse (`spec/text/certificates.md`, 4).

use super::certificates::NAME;
use super::{Error, shortened, with_trailing};
use concord_spec::bundle::{Section, SectionBody, TrustBundle};
use concord_spec::digest::Digest;
use concord_spec::ledger::SectionName;
use concord_spec::world::World;
use serde_json::{Value, json};

/// What it shows, what is changed, the BundleError.
type Change = (&'static str, fn(&mut TrustBundle), &'static str);

const CHANGES: &[Change] = &[
    (
        "a header of another rest",
        |it| it.rest.state_root = Digest::ZERO,
        "Header",
    ),
    (
        "a section left out of the roots",
        |it| drop(it.roots.pop()),
        "StateRoot",
    ),
    (
        "without the catalogue",
        |it| it.sections.retain(|section| !is_catalogue(section)),
        "Missing",
    ),
    (
        "another catalogue",
        |it| {
            for section in it.sections.iter_mut().filter(|section| is_catalogue(section)) {
                section.body = SectionBody::Document(vec![0x82, 0x01, 0x80]);
            }
        },
        "Section",
    ),
    (
        "another status",
        |it| {
            for section in &mut it.sections {
                if let SectionBody::Status(series) = &mut section.body {
                    series
                        .iter_mut()
                        .for_each(|entry| entry.status.next = entry.status.next.saturating_add(1));
                }
            }
        },
        "Section",
    ),
];

fn is_catalogue(section: &Section) -> bool {
    section.name == SectionName::Catalogue
}

/// Bundles of a federation of one region.
pub(super) fn refused() -> Result<Vec<Value>, Error> {
    let mut world = World::with_series(1, NAME)?;
    world.issue(2)?;
    let (bytes, chain) = (world.bundle()?, world.state.chain_id());
    let good = TrustBundle::from_bytes(&bytes)?;
    let vector = |name: &str, bytes: &[u8], chain: Digest, result: &str| json!({ "name": name, "bundle": hex::encode(bytes), "chain_id": chain, "result": result });
    let mut other_seal = good.clone();
    other_seal.seal = world.seal(&world.blocks.first().ok_or("no block")?.0, 0, [0])?;
    let mut all = vec![
        vector("whole", &bytes, chain, "accept"),
        vector("of another chain", &bytes, Digest::ZERO, "OtherChain"),
        vector("cut by a byte", &shortened(&bytes, 1), chain, "Truncated"),
        vector("a byte after it", &with_trailing(&bytes), chain, "Unreadable"),
        vector("the seal of another block", &other_seal.to_bytes(), chain, "Seal"),
    ];
    for (name, change, result) in CHANGES {
        let mut bundle = good.clone();
        change(&mut bundle);
        all.push(vector(name, &bundle.to_bytes(), chain, result));
    }
    Ok(all)
}
