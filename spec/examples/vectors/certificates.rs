//! Certificates and trust bundles: what a verifier must say (`spec/text/certificates.md`, `verification.md`).

mod changes;
mod forks;
pub(super) mod fresh;
mod moved;
mod presented;
mod receipts;
mod recognised;
mod reports;
mod selected;

use super::{Error, shortened, sum_of_shares, with_trailing};
use concord_spec::certificate::{Certificate, credential_code_text};
use concord_spec::content::{Relation, Validity};
use concord_spec::credential::SignedCredential;
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, Height, Number, SeriesId};
use concord_spec::record::{Action, NumberRange, SetStatus, StatusChange, Successor};
use concord_spec::status::{Reason, StatusKind};
use concord_spec::world::World;
use serde_json::{Value, json};

pub(super) const NAME: &str = "concord-vectors";
/// 2026-09-21, in milliseconds.
const NOW: u64 = 1_790_000_000_000;
/// The last second of 2031-12-31 in the office's zone, eight hours ahead of UTC.
const LAST_SECOND: u64 = 1_956_499_199_000;

/// The name of the claim of the licence that holds codes.
const NAME_OF_CODES: &str = "准驾车型";

/// Bundles by name, and vectors that use them.
type Part = (Vec<(&'static str, Value)>, Vec<Value>);

fn bundle(world: &World, bytes: &[u8]) -> Value {
    json!({ "chain_id": world.state.chain_id(), "bundle": hex::encode(bytes) })
}

/// Certificates of one chain at several heights, and bundles of it and of others.
struct Scene {
    world: World,
    first: Vec<Certificate>,
    second: Vec<Certificate>,
    dated: Vec<Certificate>,
    bundles: Vec<(&'static str, World, Vec<u8>)>,
}

/// `certificates.json`
pub(super) fn file() -> Result<Value, Error> {
    let scene = scene()?;
    let mut bundles = serde_json::Map::new();
    for (name, world, bytes) in &scene.bundles {
        bundles.insert((*name).to_owned(), bundle(world, bytes));
    }
    let mut vectors = genuine(&scene)?;
    vectors.extend(changed(&scene)?);
    vectors.extend(forged_seals(&scene)?);
    vectors.extend(statuses(&scene)?);
    vectors.extend(circumstances(&scene)?);
    vectors.extend(receipts::all(&scene)?);
    for part in [
        changes::regions,
        changes::offices,
        recognised::regions,
        forks::series,
        selected::types,
        moved::offices,
        presented::claims,
        presented::holders,
        fresh::statuses,
        fresh::renewals,
    ] {
        let (more_bundles, more_vectors) = part()?;
        bundles.extend(more_bundles.into_iter().map(|(name, bundle)| (name.to_owned(), bundle)));
        vectors.extend(more_vectors);
    }
    reports::add(&bundles, &mut vectors)?;
    let refused = [super::bundles::refused()?, changes::refused()?, moved::refused()?].concat();
    Ok(json!({
        "about": "verify(`certificate`, `credential` or `with_status`, the bundle of that name, policy, `now` in ms) gives `verdict` and `exit`. `report`: the whole report, byte for byte (`spec/text/report.schema.json`). The policy is `own_region`, `max_age_ms`, `purpose`, where they are there, and `recorded_required`, true unless it says false; `asked`: of the holder, `nonce`, `audience` where it is there, `max_age_ms`. `code`: the text of the QR code. `recognised`: as what, by a declaration. `issuer_named`: what the office was called then.",
        "bundles": bundles,
        "vectors": vectors,
        "refused_bundles": refused,
    }))
}

fn scene() -> Result<Scene, Error> {
    let mut empty = World::new(4, NAME)?;
    empty.append(Vec::new())?;
    let mut world = World::with_series(4, NAME)?;
    let first = world.issue(16)?;
    let at_issue = world.bundle()?;
    let second = world.issue(16)?;
    let dated = dated(&mut world)?;
    set_statuses(&mut world)?;
    let later = world.bundle()?;
    let freeze = world.by_office(Action::FreezeSeries(SeriesId(1)))?;
    world.append(vec![freeze])?;
    let frozen = world.bundle()?;
    // The same names, keys and numbers, and one region fewer: only the charter differs.
    let mut other = World::with_series(3, NAME)?;
    other.issue(16)?;
    let mut renamed = World::with_series(4, "another-chain")?;
    renamed.issue(16)?;
    let (empty_bundle, other_bundle, renamed_bundle) = (empty.bundle()?, other.bundle()?, renamed.bundle()?);
    let same = || World::new(4, NAME);
    let bundles = vec![
        ("before-series", empty, empty_bundle),
        ("at-issue", same()?, at_issue),
        ("later", same()?, later),
        ("frozen", same()?, frozen),
        ("other-charter", other, other_bundle),
        ("renamed", renamed, renamed_bundle),
    ];
    Ok(Scene {
        world,
        first,
        second,
        dated,
        bundles,
    })
}

/// Two certificates: one that begins in 2030, one without end.
fn dated(world: &mut World) -> Result<Vec<Certificate>, Error> {
    let (mut future, mut endless) = (world.content(32)?, world.content(33)?);
    future.valid_from = "2030-01-01".parse()?;
    endless.validity = Validity::NoEnd;
    let credentials = [world.certify(32, future)?, world.certify(33, endless)?];
    let record = world.issue_of(&credentials)?;
    world.append(vec![record])?;
    world.certificates(&credentials, 0)
}

/// Numbers 0 to 6 get what [`statuses`] expects.
fn set_statuses(world: &mut World) -> Result<(), Error> {
    let changes = [
        (StatusChange::Set(StatusKind::Revoked), 0, 2),
        (StatusChange::Set(StatusKind::Annulled), 1, 1),
        (StatusChange::Set(StatusKind::Suspended), 2, 2),
        (StatusChange::Set(StatusKind::Superseded), 3, 1),
        (StatusChange::Set(StatusKind::Annotated), 4, 1),
        (StatusChange::Set(StatusKind::Suspended), 5, 1),
        (StatusChange::Reinstate, 5, 1),
        (StatusChange::Set(StatusKind::Revoked), 7, 1),
        (StatusChange::Set(StatusKind::Suspended), 9, 1),
        (StatusChange::Set(StatusKind::Annotated), 9, 1),
    ];
    let mut records = Vec::new();
    for (change, first, count) in changes {
        records.push(world.by_office(Action::SetStatus(SetStatus {
            series: SeriesId(1),
            ranges: vec![NumberRange {
                first: Number(first),
                count,
            }],
            change,
            reason: Reason::Unspecified,
            effective: None,
            detail: None,
            // Number 3 was corrected by number 16.
            successor: (change == StatusChange::Set(StatusKind::Superseded)).then_some(Successor {
                first: CredentialId {
                    series: SeriesId(1),
                    number: Number(16),
                },
                relation: Relation::Corrects,
            }),
        }))?);
    }
    // The region restores what its office revoked.
    records.push(world.by_region(Action::SetStatus(SetStatus {
        series: SeriesId(1),
        ranges: vec![NumberRange {
            first: Number(7),
            count: 1,
        }],
        change: StatusChange::Restore,
        reason: Reason::Court,
        effective: None,
        detail: Some(Digest([7; 32])),
        successor: None,
    }))?);
    world.append(records)
}

fn vector(name: &str, bundle: &str, certificate: &[u8], verdict: &str) -> Value {
    json!({ "name": name, "bundle": bundle, "certificate": hex::encode(certificate), "now": NOW, "verdict": verdict, "exit": exit(verdict) })
}

/// The table of `spec/text/verification.md`.
fn exit(verdict: &str) -> u8 {
    match verdict {
        "VALID" => 0,
        "NOT GENUINE" | "REVOKED" | "ANNULLED" => 1,
        "UNREADABLE" | "NEEDS NEWER SOFTWARE" => 4,
        "VALID ON DATA FROM" | "NOT SHOWN RECORDED" | "HOLDER NOT SHOWN" | "UNKNOWN" => 3,
        _ => 5,
    }
}

/// `vector` with more members.
fn with(mut vector: Value, members: &[(&str, Value)]) -> Value {
    if let Some(object) = vector.as_object_mut() {
        object.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    vector
}

fn of(certificates: &[Certificate], index: usize) -> Result<&Certificate, Error> {
    certificates.get(index).ok_or_else(|| "no such certificate".into())
}

fn genuine(scene: &Scene) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    for (index, name) in [
        (0, "the first of a batch of 16"),
        (5, "one in the middle"),
        (15, "the last"),
    ] {
        let certificate = of(&scene.first, index)?;
        let details = [
            ("code", json!(certificate.code_text())),
            ("leaf", json!(certificate.credential.leaf())),
            ("batch_root", json!(certificate.batch_root()?)),
            (
                "block_hash",
                json!(certificate.receipt.block_hash(&certificate.batch_root()?)?),
            ),
        ];
        all.push(with(
            vector(name, "at-issue", &certificate.to_bytes(), "VALID"),
            &details,
        ));
    }
    Ok(all)
}

/// Parts for [`CHANGES`].
struct Others {
    number: Certificate,
    batch: Certificate,
    forged: SignedCredential,
}

/// What it shows, and what is changed in a genuine certificate so that it is not.
type Change = (&'static str, fn(&mut Certificate, &Others));

const CHANGES: &[Change] = &[
    ("siblings of its path swapped", |it, _| it.batch_path.0.swap(0, 1)),
    ("a path that is too short", |it, _| it.batch_path.0.truncate(3)),
    ("a path that is too long", |it, _| it.batch_path.0.push(Digest::ZERO)),
    ("the seal of another height", |it, others| {
        it.receipt.seal = others.batch.receipt.seal.clone()
    }),
    ("height and seal of another block", |it, others| {
        it.receipt.seal = others.batch.receipt.seal.clone();
        it.receipt.height = others.batch.receipt.height;
    }),
    ("another time", |it, _| {
        it.receipt.time.0 = it.receipt.time.0.saturating_add(1)
    }),
    ("another height", |it, _| {
        it.receipt.height = Height(it.receipt.height.0.saturating_add(1))
    }),
    ("another rest", |it, _| it.receipt.rest = Digest::ZERO),
    ("the credential of another number", |it, others| {
        it.credential = others.number.credential.clone()
    }),
    ("the credential of another batch", |it, others| {
        it.credential = others.batch.credential.clone()
    }),
    ("the receipt of another batch", |it, others| {
        it.receipt = others.batch.receipt.clone()
    }),
    ("signed by the series, never recorded", |it, others| {
        it.credential = others.forged.clone()
    }),
];

/// What is damaged, or put together from parts of several.
fn changed(scene: &Scene) -> Result<Vec<Value>, Error> {
    let good = of(&scene.first, 3)?;
    let mut forged = good.credential.credential().clone();
    if let Some(holder) = forged.content.holders.first_mut() {
        "王强".clone_into(&mut holder.name);
    }
    let others = Others {
        number: of(&scene.first, 2)?.clone(),
        batch: of(&scene.second, 3)?.clone(),
        forged: SignedCredential::sign(forged, &scene.world.series_key),
    };
    let bytes = good.to_bytes();
    let newer = super::replaced(&bytes, &[0x84, 0x01], &[0x84, 0x04])?;
    let mut all = vec![
        vector("unchanged", "later", &bytes, "SUPERSEDED"),
        vector("nothing", "later", &[], "UNREADABLE"),
        vector("cut by a byte", "later", &shortened(&bytes, 1), "UNREADABLE"),
        vector("a byte after it", "later", &with_trailing(&bytes), "UNREADABLE"),
        vector("version 4", "later", &newer, "NEEDS NEWER SOFTWARE"),
    ];
    for (name, change) in CHANGES {
        let mut certificate = good.clone();
        change(&mut certificate, &others);
        all.push(vector(name, "later", &certificate.to_bytes(), "NOT GENUINE"));
    }
    Ok(all)
}

/// What it shows, whose shares of which round, the bitmap, the round that is named, the verdict.
type Sum = (&'static str, &'static [(usize, u32)], u8, u32, &'static str);

const SEALS: &[Sum] = &[
    (
        "sealed by three of four regions",
        &[(0, 0), (1, 0), (2, 0)],
        0b1110_0000,
        0,
        "VALID",
    ),
    (
        "sealed by two of four regions: below the quorum",
        &[(0, 0), (1, 0)],
        0b1100_0000,
        0,
        "NOT GENUINE",
    ),
    (
        "one region three times, said to be three",
        &[(0, 0), (0, 0), (0, 0)],
        0b1110_0000,
        0,
        "NOT GENUINE",
    ),
    (
        "two regions, one of them twice",
        &[(0, 0), (1, 0), (1, 0)],
        0b1100_0000,
        0,
        "NOT GENUINE",
    ),
    (
        "precommits of two rounds, the first is named",
        &[(0, 0), (1, 0), (2, 1)],
        0b1110_0000,
        0,
        "NOT GENUINE",
    ),
    (
        "precommits of two rounds, the second is named",
        &[(0, 0), (1, 0), (2, 1)],
        0b1110_0000,
        1,
        "NOT GENUINE",
    ),
    (
        "a bit for a region that is not there",
        &[(0, 0), (1, 0), (2, 0)],
        0b1110_1000,
        0,
        "NOT GENUINE",
    ),
];

fn forged_seals(scene: &Scene) -> Result<Vec<Value>, Error> {
    let good = of(&scene.first, 8)?;
    let (block, _) = scene.world.blocks.get(3).ok_or("no block 4")?;
    let mut all = Vec::new();
    for (name, shares, signers, round, verdict) in SEALS {
        let mut certificate = good.clone();
        certificate.receipt.seal = sum_of_shares(&scene.world, block, shares, *signers, *round)?;
        all.push(vector(name, "later", &certificate.to_bytes(), verdict));
    }
    Ok(all)
}

fn statuses(scene: &Scene) -> Result<Vec<Value>, Error> {
    let expected = [
        ("revoked", "REVOKED"),
        ("revoked and annulled", "ANNULLED"),
        ("suspended", "SUSPENDED"),
        ("suspended and superseded", "SUPERSEDED"),
        ("annotated", "UNKNOWN"),
        ("suspended, and no longer", "VALID"),
        ("nothing against it", "VALID"),
        ("revoked, and restored", "VALID"),
        ("nothing against this one either", "VALID"),
        ("suspended and annotated", "SUSPENDED"),
    ];
    let mut all = Vec::new();
    for (index, (name, verdict)) in expected.into_iter().enumerate() {
        all.push(vector(name, "later", &of(&scene.first, index)?.to_bytes(), verdict));
    }
    Ok(all)
}

/// Other bundles, clocks and policies; small codes.
fn circumstances(scene: &Scene) -> Result<Vec<Value>, Error> {
    let good = of(&scene.first, 8)?;
    let (bytes, newer) = (good.to_bytes(), of(&scene.second, 0)?);
    let policy =
        |name, verdict, member: &str, value: Value| with(vector(name, "at-issue", &bytes, verdict), &[(member, value)]);
    let from = [("data_from_ms", json!(newer.receipt.time))];
    let old = [("max_age_ms", json!(1_000)), ("data_from_ms", json!(good.receipt.time))];
    let mut all = vec![
        with(
            vector(
                "newer than the bundle",
                "at-issue",
                &newer.to_bytes(),
                "VALID ON DATA FROM",
            ),
            &from,
        ),
        vector("of a series newer than the bundle", "before-series", &bytes, "UNKNOWN"),
        vector(
            "for a chain of the same name with another charter",
            "other-charter",
            &bytes,
            "NOT GENUINE",
        ),
        vector("for a chain of another name", "renamed", &bytes, "NOT GENUINE"),
        vector("recorded before its series was frozen", "frozen", &bytes, "VALID"),
        policy("at home", "VALID", "own_region", json!("110000")),
        policy(
            "in a region that does not recognise it",
            "NOT RECOGNISED",
            "own_region",
            json!("330000"),
        ),
        with(
            vector(
                "a bundle older than the policy allows",
                "at-issue",
                &bytes,
                "VALID ON DATA FROM",
            ),
            &old,
        ),
    ];
    all.extend(dates(good, scene)?);
    all.extend(small_codes(good));
    Ok(all)
}

/// Other clocks.
fn dates(good: &Certificate, scene: &Scene) -> Result<Vec<Value>, Error> {
    let bytes = good.to_bytes();
    let (future, endless) = (of(&scene.dated, 0)?.to_bytes(), of(&scene.dated, 1)?.to_bytes());
    let at =
        |name, bytes: &[u8], now: u64, verdict| with(vector(name, "later", bytes, verdict), &[("now", json!(now))]);
    Ok(vec![
        at("in the last second of its last day", &bytes, LAST_SECOND, "VALID"),
        at("a second later", &bytes, LAST_SECOND.saturating_add(1_000), "EXPIRED"),
        at(
            "a clock that stands in 1970 counts from the bundle's time",
            &bytes,
            0,
            "VALID",
        ),
        at("before its first day", &future, NOW, "NOT YET VALID"),
        at("on its first day", &future, 1_893_427_200_000, "VALID"),
        at("without end", &endless, LAST_SECOND.saturating_add(1_000), "VALID"),
    ])
}

/// A credential alone.
fn small_codes(good: &Certificate) -> Vec<Value> {
    let cases = [
        ("a small code", "at-issue", "NOT SHOWN RECORDED"),
        ("a small code of a frozen series", "frozen", "NOT SHOWN RECORDED"),
        (
            "a small code of a series newer than the bundle",
            "before-series",
            "UNKNOWN",
        ),
        ("a small code for another chain", "renamed", "NOT GENUINE"),
    ];
    let vector = |(name, bundle, verdict): (&str, &str, &str)| small_code(name, bundle, &good.credential, verdict);
    let mut all = cases.map(vector).to_vec();
    for (name, bundle, verdict) in [
        ("a small code where no receipt is asked for", "at-issue", "VALID"),
        (
            "a small code of a frozen series where no receipt is asked for",
            "frozen",
            "NOT SHOWN RECORDED",
        ),
    ] {
        let relaxed = small_code(name, bundle, &good.credential, verdict);
        all.push(with(relaxed, &[("recorded_required", json!(false))]));
    }
    all
}

fn small_code(name: &str, bundle: &str, credential: &SignedCredential, verdict: &str) -> Value {
    json!({ "name": name, "bundle": bundle, "credential": hex::encode(credential.bytes()),
            "code": credential_code_text(credential), "now": NOW, "verdict": verdict, "exit": exit(verdict) })
}
