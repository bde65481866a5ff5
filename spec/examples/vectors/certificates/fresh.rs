//! Certificates with a proof of their status, and renewed ones (`spec/text/status-proof.md`, `certificates.md`, 4).

use super::{Part, bundle, exit, of, vector, with};
use crate::make::{Error, replaced, shortened, sum_of_shares};
use concord_spec::certificate::Certificate;
use concord_spec::codec::Writer;
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, Height, Number, SeriesId, UnixMillis};
use concord_spec::record::{Action, Change, NumberRange, SetStatus, StatusChange};
use concord_spec::renewal::{Renewal, RenewedCertificate};
use concord_spec::status::{Reason, StatusKind};
use concord_spec::status_proof::{Carried, SetShown, StateHead, StatusProof, WithStatus};
use concord_spec::world::World;
use serde_json::{Value, json};

const SIXTY_DAYS: u64 = 60 * 86_400_000;
const THIRTY_DAYS: u64 = 30 * 86_400_000;
/// A bundle older than this needs a new checkpoint.
const A_YEAR: u64 = 366 * 86_400_000;

fn set(number: u64, change: StatusChange, detail: Option<Digest>) -> Action {
    Action::SetStatus(SetStatus {
        series: SeriesId(1),
        ranges: vec![NumberRange {
            first: Number(number),
            count: 1,
        }],
        change,
        reason: Reason::Unspecified,
        effective: None,
        detail,
        successor: None,
    })
}

/// A ledger through its heights, with proofs that its nodes gave on the way.
struct Course {
    world: World,
    bundles: Vec<(&'static str, Value)>,
    first: Vec<Certificate>,
    newer: Vec<Certificate>,
    /// Of number 20, before it was issued.
    not_issued: StatusProof,
    /// Of number 3, before it was revoked.
    before: StatusProof,
    /// When the last block was sealed, two months after the others.
    today: u64,
}

fn course() -> Result<Course, Error> {
    let mut world = World::with_series(4, "concord-fresh")?;
    let first = world.issue(16)?;
    let mut bundles = vec![("fresh-then", bundle(&world, &world.bundle()?))];
    world.append(Vec::new())?;
    let (not_issued, before) = (world.status_proof(20)?, world.status_proof(3)?);
    let newer = world.issue(16)?;
    for (number, kind) in [
        (1, StatusKind::Revoked),
        (2, StatusKind::Annulled),
        (3, StatusKind::Revoked),
        (4, StatusKind::Suspended),
        (5, StatusKind::Annotated),
    ] {
        let record = world.by_office(set(number, StatusChange::Set(kind), None))?;
        world.append(vec![record])?;
    }
    bundles.push(("fresh-revoked", bundle(&world, &world.bundle()?)));
    let record = world.by_region(set(3, StatusChange::Restore, Some(Digest([7; 32]))))?;
    world.append(vec![record])?;
    world.append_after(SIXTY_DAYS, Vec::new())?;
    let today = world.state.tip().time.0;
    Ok(Course {
        world,
        bundles,
        first,
        newer,
        not_issued,
        before,
        today,
    })
}

/// What it shows, the bundle, what is presented, when, the verdict.
type Case<'a> = (&'a str, &'a str, WithStatus, u64, &'a str);

fn beside(certificate: &Certificate, proof: &StatusProof) -> WithStatus {
    WithStatus {
        carried: Carried::Certificate(certificate.to_bytes()),
        proof: proof.to_bytes(),
    }
}

fn told((name, bundle, both, now, verdict): Case<'_>) -> Value {
    json!({ "name": name, "bundle": bundle, "with_status": hex::encode(both.to_bytes()), "code": both.code_text(),
            "now": now, "max_age_ms": THIRTY_DAYS, "verdict": verdict, "exit": exit(verdict) })
}

/// Certificates and small codes with proofs of their status.
pub(super) fn statuses() -> Result<Part, Error> {
    let course = course()?;
    let cases = [genuine(&course)?, worthless(&course)?, invented(&course)?].concat();
    let mut vectors: Vec<Value> = cases.into_iter().map(told).collect();
    vectors.extend(dated(&course)?);
    Ok((course.bundles, vectors))
}

fn genuine(course: &Course) -> Result<Vec<Case<'static>>, Error> {
    let (then, now) = ("fresh-then", course.today);
    let status = |number: usize| -> Result<WithStatus, Error> {
        let proof = course.world.status_proof(u64::try_from(number)?)?;
        Ok(beside(of(&course.first, number)?, &proof))
    };
    let third = of(&course.first, 3)?;
    let small = WithStatus {
        carried: Carried::Credential(third.credential.bytes().to_vec()),
        proof: course.world.status_proof(3)?.to_bytes(),
    };
    let newest = beside(of(&course.newer, 4)?, &course.world.status_proof(20)?);
    Ok(vec![
        ("valid today by a proof beside old data", then, status(6)?, now, "VALID"),
        ("a proof that shows it revoked since", then, status(1)?, now, "REVOKED"),
        (
            "a proof that shows it annulled since",
            then,
            status(2)?,
            now,
            "ANNULLED",
        ),
        (
            "a proof that shows it suspended since",
            then,
            status(4)?,
            now,
            "SUSPENDED",
        ),
        (
            "a proof that shows it annotated since",
            then,
            status(5)?,
            now,
            "UNKNOWN",
        ),
        (
            "revoked in the data, restored by a newer proof",
            "fresh-revoked",
            status(3)?,
            now,
            "VALID",
        ),
        (
            "revoked in the data, and a proof from before",
            "fresh-revoked",
            beside(third, &course.before),
            now,
            "REVOKED",
        ),
        (
            "a newer receipt, and a proof that is newer still",
            then,
            newest,
            now,
            "VALID",
        ),
        ("a small code with a proof", then, small, now, "NOT SHOWN RECORDED"),
    ])
}

/// Verdicts that name a time.
fn dated(course: &Course) -> Result<Vec<Value>, Error> {
    let proof = course.world.status_proof(6)?;
    let sixth = beside(of(&course.first, 6)?, &proof);
    let old = course.today.saturating_add(THIRTY_DAYS).saturating_add(1);
    let newer = of(&course.newer, 4)?;
    let between = beside(newer, &course.not_issued);
    // Someone has the data replaced by none for a year, and a proof of the day.
    let mut later = World::with_series(4, "concord-fresh")?;
    let first = later.issue(16)?;
    later.append_after(A_YEAR.saturating_add(1), Vec::new())?;
    let (late, then) = (later.state.tip().time.0, of(&first, 6)?.receipt.time.0);
    let last = beside(of(&first, 6)?, &later.status_proof(6)?);
    let cases = [
        ("a proof that is old by now", sixth, old, course.today),
        (
            "a receipt newer than its proof",
            between,
            newer.receipt.time.0,
            newer.receipt.time.0,
        ),
        ("a proof of today beside data of more than a year ago", last, late, then),
    ];
    let dated = cases.map(|(name, both, now, from)| {
        let vector = told((name, "fresh-then", both, now, "VALID ON DATA FROM"));
        with(vector, &[("data_from_ms", json!(from))])
    });
    Ok(dated.to_vec())
}

/// What is changed in a proof so that it shows nothing.
type Spoilt = (&'static str, fn(&mut StatusProof));

const SPOILT: &[Spoilt] = &[
    ("the proof of another number", |it| it.credential.number.0 = 7),
    ("the proof of another series", |it| it.credential.series.0 = 2),
    ("a proof of another type", |it| {
        if let Ok(name) = "status/110000.other/110000".parse() {
            it.section = name;
        }
    }),
    ("a proof of another region", |it| {
        if let Ok(name) = "status/110000.drivers-licence/330000".parse() {
            it.section = name;
        }
    }),
    ("a proof of a later block at an earlier time", |it| it.head.time.0 = 1),
    ("a proof with a path that is too short", |it| it.sections.path.0.clear()),
    ("a proof that says the series has more leaves beside it", |it| {
        it.series.size = 2
    }),
    ("a proof without the set that others are in", |it| {
        if let Some(set) = it.sets.first_mut() {
            *set = SetShown::Empty;
        }
    }),
    ("a proof that says the set ends before the number", |it| {
        if let Some(set) = it.sets.first_mut() {
            *set = SetShown::Past {
                chunks: 1,
                root: Digest::ZERO,
            };
        }
    }),
    ("a proof with another next number", |it| it.next = 1_000),
    ("a proof with another history", |it| it.head.history_root = Digest::ZERO),
    ("a proof that hands over to other regions", |it| {
        it.head = StateHead {
            regions_next: Some(Digest::ZERO),
            ..it.head.clone()
        }
    }),
];

fn worthless(course: &Course) -> Result<Vec<Case<'static>>, Error> {
    let (then, now) = ("fresh-then", course.today);
    let (sixth, good) = (of(&course.first, 6)?, course.world.status_proof(6)?);
    let mut all = Vec::new();
    for (name, change) in SPOILT {
        let mut proof = good.clone();
        change(&mut proof);
        all.push((*name, then, beside(sixth, &proof), now, "UNKNOWN"));
    }
    let mut below = good.clone();
    let (block, _) = course.world.blocks.last().ok_or("no block")?;
    below.seal = sum_of_shares(&course.world, block, &[(0, 0), (1, 0)], 0b1100_0000, 0)?;
    all.push((
        "a proof with a seal below the quorum",
        then,
        beside(sixth, &below),
        now,
        "UNKNOWN",
    ));
    let mut other = World::with_series(3, "concord-fresh")?;
    other.issue(16)?;
    other.append(Vec::new())?;
    let foreign = beside(sixth, &other.status_proof(6)?);
    all.push(("a proof of another chain", then, foreign, now, "UNKNOWN"));
    let bytes = good.to_bytes();
    // The same place in a bitmap.
    let chunk = good.sets.iter().find_map(|set| match set {
        SetShown::Chunk { chunk, .. } => Some(chunk.clone()),
        SetShown::Empty | SetShown::Past { .. } => None,
    });
    let chunk = chunk.ok_or("no set with a chunk")?;
    let mut raw = vec![0x02];
    raw.extend([0b0100_0000].into_iter().chain([0; 511]));
    let spelled = replaced(&bytes, &byte_string(&chunk), &byte_string(&raw))?;
    let newer = replaced(&bytes, &[0x89, 0x01], &[0x89, 0x02])?;
    for (name, proof) in [
        ("a proof cut by a byte", shortened(&bytes, 1)),
        ("nothing where a proof should be", Vec::new()),
        ("a proof with a chunk in another than its one encoding", spelled),
        ("a proof of version 2", newer),
    ] {
        let both = WithStatus {
            carried: Carried::Certificate(sixth.to_bytes()),
            proof,
        };
        all.push((name, then, both, now, "UNKNOWN"));
    }
    Ok(all)
}

/// A byte string.
fn byte_string(bytes: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.bytes(bytes);
    w.into_vec()
}

/// A proof of a quorum that lies, and what is not genuine with a good one.
fn invented(course: &Course) -> Result<Vec<Case<'static>>, Error> {
    let (then, now) = ("fresh-then", course.today);
    // Block 5 once more, at a later height.
    let (model, _) = course.world.blocks.get(4).ok_or("no block 5")?;
    let mut block = model.clone();
    block.header.height = Height(100);
    block.header.time = UnixMillis(now);
    let mut denying = course.not_issued.clone();
    (denying.head.height, denying.head.time) = (block.header.height, block.header.time);
    denying.seal = sum_of_shares(&course.world, &block, &[(0, 0), (1, 0), (2, 0)], 0b1110_0000, 0)?;
    let mut forged = of(&course.first, 6)?.clone();
    forged.receipt.rest = Digest::ZERO;
    Ok(vec![
        (
            "recorded, and not issued by a later proof",
            then,
            beside(of(&course.newer, 4)?, &denying),
            now,
            "NOT GENUINE",
        ),
        (
            "not genuine, with a good proof",
            then,
            beside(&forged, &course.world.status_proof(6)?),
            now,
            "NOT GENUINE",
        ),
        (
            "not genuine, with a good proof, by a clock that stands in 1970",
            then,
            beside(&forged, &course.world.status_proof(6)?),
            0,
            "NOT GENUINE",
        ),
        (
            "valid by a proof and a clock that stands in 1970",
            then,
            beside(of(&course.first, 6)?, &course.world.status_proof(6)?),
            0,
            "VALID",
        ),
    ])
}

/// What is changed in a renewed certificate, and the verdict.
type Altered = (&'static str, fn(&mut RenewedCertificate, &Course), &'static str);

const ALTERED: &[Altered] = &[
    ("renewed", |_, _| (), "VALID"),
    (
        "renewed, on a path with siblings swapped",
        |it, _| it.receipt.seal.path.0.swap(0, 1),
        "NOT GENUINE",
    ),
    (
        "renewed, on a path that is too short",
        |it, _| it.receipt.seal.path.0.truncate(1),
        "NOT GENUINE",
    ),
    (
        "renewed, with another history",
        |it, _| it.receipt.seal.rest.history_root = Digest::ZERO,
        "NOT GENUINE",
    ),
    (
        "renewed through its own block",
        |it, course| through(it, course, 3),
        "NOT GENUINE",
    ),
    (
        "renewed through a later block than its path is for",
        |it, course| through(it, course, 6),
        "NOT GENUINE",
    ),
    (
        "renewed, with another time",
        |it, _| it.receipt.time.0 = it.receipt.time.0.saturating_sub(1),
        "NOT GENUINE",
    ),
    (
        "renewed through a block with another time",
        |it, _| it.receipt.seal.header.time.0 = it.receipt.seal.header.time.0.saturating_sub(1),
        "NOT GENUINE",
    ),
    (
        "renewed, in block 0",
        |it, _| it.receipt.height = Height(0),
        "NOT GENUINE",
    ),
    (
        "renewed, with the seal of its own block",
        |it, course| {
            if let Some((_, seal)) = course.world.blocks.get(3) {
                it.receipt.seal.seal = seal.clone();
            }
        },
        "NOT GENUINE",
    ),
];

/// The renewal names the block at this place, on the path of another.
fn through(it: &mut RenewedCertificate, course: &Course, place: usize) {
    if let Some((block, seal)) = course.world.blocks.get(place) {
        it.receipt.seal = Renewal {
            path: it.receipt.seal.path.clone(),
            header: block.header,
            rest: block.rest.clone(),
            seal: seal.clone(),
        };
    }
}

/// Certificates whose block is seen through a later one.
pub(super) fn renewals() -> Result<Part, Error> {
    let mut course = course()?;
    let mut bundles = vec![("renewed", bundle(&course.world, &course.world.bundle()?))];
    let now = [("now", json!(course.today))];
    let good = course.world.renewed(of(&course.first, 6)?)?;
    let mut vectors = Vec::new();
    for (name, change, verdict) in ALTERED {
        let mut altered = good.clone();
        change(&mut altered, &course);
        vectors.push(with(vector(name, "renewed", &altered.to_bytes(), verdict), &now));
    }
    let bytes = good.to_bytes();
    let newer = replaced(&bytes, &[0x84, 0x02], &[0x84, 0x04])?;
    vectors.push(with(
        vector("a certificate of version 4", "renewed", &newer, "NEEDS NEWER SOFTWARE"),
        &now,
    ));
    vectors.push(with(
        vector(
            "renewed, and cut by a byte",
            "renewed",
            &shortened(&bytes, 1),
            "UNREADABLE",
        ),
        &now,
    ));
    // A renewed certificate takes a proof of its status like any other.
    let both = WithStatus {
        carried: Carried::Certificate(bytes),
        proof: course.world.status_proof(6)?.to_bytes(),
    };
    let mut beside = told((
        "renewed, with a proof of its status",
        "renewed",
        both,
        course.today,
        "VALID",
    ));
    if let Some(vector) = beside.as_object_mut() {
        // Into a code it does not go.
        vector.remove("code");
    }
    vectors.push(beside);
    let card = course.world.card(4)?;
    course.world.change(Change::AdmitRegion(Box::new(card)), &[0, 1, 2])?;
    course.world.append(Vec::new())?;
    course.world.append(Vec::new())?;
    bundles.push(("renewed-by-five", bundle(&course.world, &course.world.bundle()?)));
    let by_five = course.world.renewed(of(&course.first, 6)?)?.to_bytes();
    let now = [("now", json!(course.world.state.tip().time))];
    for (name, bundle, verdict) in [
        ("renewed by five regions", "renewed-by-five", "VALID"),
        ("renewed by five regions, with data of four", "renewed", "UNKNOWN"),
    ] {
        vectors.push(with(vector(name, bundle, &by_five, verdict), &now));
    }
    Ok((bundles, vectors))
}

/// A proof that is used elsewhere as a structure.
pub(in super::super) fn samples() -> Result<(StatusProof, WithStatus, RenewedCertificate), Error> {
    let course = course()?;
    let sixth = of(&course.first, 6)?;
    let id = CredentialId {
        series: SeriesId(1),
        number: Number(6),
    };
    let proof = course.world.status_proof(id.number.0)?;
    Ok((proof.clone(), beside(sixth, &proof), course.world.renewed(sixth)?))
}
