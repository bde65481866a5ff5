//! Receipts that lack something of what they are to show, credentials and certificates of other versions and spellings, clocks.

use super::{NOW, Scene, exit, of, vector, with};
use crate::make::{Error, replaced, shortened, sum_of_shares};
use concord_spec::block::{Header, IssueEssence};
use concord_spec::certificate::Certificate;
use concord_spec::codec::{Writer, to_vec};
use concord_spec::credential::SignedCredential;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, UnixMillis};
use concord_spec::key::ed25519::PublicKey;
use concord_spec::receipt::{HashPath, Receipt};
use concord_spec::world::GENESIS;
use serde_json::{Value, json};

/// Height and time of the bundle `later`.
const LATER: (u64, u64) = (7, GENESIS.0 + 7_000);
/// What a clock may be behind, and how far ahead before it is named, in milliseconds.
const TOLERANCE: u64 = 10_000;
const FAR_AHEAD: u64 = 400 * 86_400_000;

pub(super) fn all(scene: &Scene) -> Result<Vec<Value>, Error> {
    Ok([
        times(scene)?,
        paths(scene)?,
        newer(scene)?,
        keys(scene)?,
        spellings(scene)?,
        clocks(scene)?,
        several(scene)?,
    ]
    .concat())
}

/// The certificate of this credential alone, in a block of this height and time that three regions sealed and nobody decided.
fn sealed(scene: &Scene, credential: &SignedCredential, height: u64, time: u64) -> Result<Certificate, Error> {
    let (model, _) = scene.world.blocks.first().ok_or("no block")?;
    let id = credential.credential().id;
    let essence = IssueEssence {
        series: id.series,
        first: id.number,
        count: 1,
    };
    let mut block = model.clone();
    block.header = Header {
        height: Height(height),
        time: UnixMillis(time),
        records_root: essence.leaf(&credential.leaf()),
        rest: model.header.rest,
    };
    let seal = sum_of_shares(&scene.world, &block, &[(0, 0), (1, 0), (2, 0)], 0b1110_0000, 0)?;
    Ok(Certificate {
        credential: credential.clone(),
        batch_path: HashPath::default(),
        receipt: Receipt {
            essence,
            index: 0,
            records: 1,
            path: HashPath::default(),
            height: block.header.height,
            time: block.header.time,
            rest: block.header.rest,
            seal,
        },
    })
}

/// What it shows, how far from the bundle's height and time its block is, the verdict.
type Place = (&'static str, i64, i64, &'static str);

const PLACES: &[Place] = &[
    ("sealed at an earlier height, at an earlier time", -1, -1, "VALID"),
    (
        "sealed at an earlier height, at the bundle's time",
        -1,
        0,
        "NOT GENUINE",
    ),
    (
        "sealed at the bundle's height, a millisecond before",
        0,
        -1,
        "NOT GENUINE",
    ),
    ("sealed at the bundle's height and time", 0, 0, "VALID"),
    (
        "sealed at the bundle's height, a millisecond later",
        0,
        1,
        "NOT GENUINE",
    ),
    ("sealed at a later height, at the bundle's time", 1, 0, "NOT GENUINE"),
    ("sealed at a later height, at a later time", 1, 1, "VALID ON DATA FROM"),
];

/// Blocks that a quorum sealed beside the chain; credentials signed before and after their block.
fn times(scene: &Scene) -> Result<Vec<Value>, Error> {
    let credential = &of(&scene.first, 8)?.credential;
    let (height, time) = LATER;
    let mut all = Vec::new();
    for (name, higher, later, verdict) in PLACES {
        let (height, time) = (
            height.saturating_add_signed(*higher),
            time.saturating_add_signed(*later),
        );
        let vector = vector(
            name,
            "later",
            &sealed(scene, credential, height, time)?.to_bytes(),
            verdict,
        );
        let dated = *verdict == "VALID ON DATA FROM";
        all.push(if dated {
            with(vector, &[("data_from_ms", json!(time))])
        } else {
            vector
        });
    }
    for (name, bundle, height) in [
        ("sealed at the height at which its series was opened", "later", 3_u64),
        ("sealed at the height at which its series was frozen", "frozen", 8),
    ] {
        let time = GENESIS.0.saturating_add(height.saturating_mul(1_000));
        let certificate = sealed(scene, credential, height, time)?;
        all.push(vector(name, bundle, &certificate.to_bytes(), "VALID"));
    }
    let block_time = time.saturating_sub(2_000);
    for (name, after, verdict) in [
        ("signed in the second of its block", 0, "VALID"),
        ("signed a second after its block", 1, "NOT GENUINE"),
    ] {
        let mut claims = credential.credential().clone();
        claims.issued_at = block_time.div_euclid(1_000).saturating_add(after);
        let signed = SignedCredential::sign(claims, &scene.world.series_key);
        let certificate = sealed(scene, &signed, 5, block_time)?;
        all.push(vector(name, "later", &certificate.to_bytes(), verdict));
    }
    Ok(all)
}

/// What it shows, and what is changed about a genuine receipt.
type Change = (&'static str, fn(&mut Receipt));

const PATHS: &[Change] = &[
    ("of block 0", |it| it.height = Height(0)),
    ("a path to the records that is too long", |it| {
        it.path.0.push(Digest::ZERO)
    }),
    ("a place past the records", |it| it.index = it.records),
    ("of a block without records", |it| it.records = 0),
    ("of a block of more records than a block holds", |it| {
        it.records = 41_944
    }),
];

/// Receipts that lead to no header.
fn paths(scene: &Scene) -> Result<Vec<Value>, Error> {
    let good = of(&scene.first, 8)?;
    let one = |(name, change): &Change| {
        let mut certificate = good.clone();
        change(&mut certificate.receipt);
        vector(name, "later", &certificate.to_bytes(), "NOT GENUINE")
    };
    let mut all: Vec<Value> = PATHS.iter().map(one).collect();
    let mut flipped = good.clone();
    let bytes = flipped.credential.bytes();
    let last = bytes.last().ok_or("an empty credential")? ^ 1;
    flipped.credential = SignedCredential::from_bytes(&[shortened(bytes, 1), vec![last]].concat())?;
    all.push(vector(
        "a bit of its signature flipped",
        "later",
        &flipped.to_bytes(),
        "NOT GENUINE",
    ));
    Ok(all)
}

/// What calls for newer software, wherever it stands.
fn newer(scene: &Scene) -> Result<Vec<Value>, Error> {
    let good = of(&scene.first, 8)?;
    let (bytes, credential) = (good.to_bytes(), good.credential.bytes());
    let seal = to_vec(&good.receipt.seal);
    let other_scheme = replaced(&bytes, &seal, &[0x82, 0x02, 0xf7])?;
    let verdict = "NEEDS NEWER SOFTWARE";
    Ok(vec![
        vector(
            "a receipt of version 2",
            "later",
            &replaced(&bytes, &[0x89, 0x01, 0x83], &[0x89, 0x02, 0x83])?,
            verdict,
        ),
        vector("a seal of scheme 2, whatever follows", "later", &other_scheme, verdict),
        vector(
            "a credential of algorithm -8",
            "later",
            &replaced(&bytes, &[0xa3, 0x01, 0x32, 0x04], &[0xa3, 0x01, 0x27, 0x04])?,
            verdict,
        ),
        credential_alone(
            "a small code of algorithm -8 with another header",
            &with_header(credential, 0x27)?,
            verdict,
        ),
        credential_alone(
            "a small code with another header",
            &with_header(credential, 0x32)?,
            "UNREADABLE",
        ),
    ])
}

/// A credential of this algorithm with a fourth header, 32: 0.
fn with_header(credential: &[u8], algorithm: u8) -> Result<Vec<u8>, Error> {
    let more = replaced(
        credential,
        &[0x58, 0x25, 0xa3, 0x01, 0x32],
        &[0x58, 0x28, 0xa4, 0x01, algorithm],
    )?;
    replaced(&more, b"+cwt\xa0", b"+cwt\x18\x20\x00\xa0")
}

fn credential_alone(name: &str, credential: &[u8], verdict: &str) -> Value {
    json!({ "name": name, "bundle": "later", "credential": hex::encode(credential), "now": NOW, "verdict": verdict, "exit": exit(verdict) })
}

/// Keys and key ids in a credential. Its signature is the series', so that it is these that decide.
fn keys(scene: &Scene) -> Result<Vec<Value>, Error> {
    let good = &of(&scene.first, 8)?.credential;
    let key = &scene.world.series_key;
    // The protected headers are bytes 3 to 39, the key id among them bytes 8 to 15; after them the empty map and the payload.
    let (protected, payload) = (good.bytes().get(3..40), to_vec(good.credential()));
    let other = protected.ok_or("too short")?.iter().enumerate();
    let other: Vec<u8> = other.map(|(at, byte)| if at == 5 { byte ^ 1 } else { *byte }).collect();
    let mut signed = Writer::new();
    signed.array(4);
    signed.text("Signature1");
    signed.bytes(&other);
    signed.bytes(&[]);
    signed.bytes(&payload);
    let mut message = Writer::new();
    message.array(4);
    message.bytes(&other);
    message.map(0);
    message.bytes(&payload);
    message.wire(&key.sign(&signed.into_vec()));
    let long_head = replaced(good.bytes(), &[0x58, 0x25, 0xa3, 0x01], &[0x58, 0x26, 0xa3, 0x18, 0x01])?;
    let mut all = vec![
        credential_alone(
            "signed by the series under another key id",
            &message.into_vec(),
            "NOT GENUINE",
        ),
        credential_alone(
            "a small code with a longer head among its headers",
            &long_head,
            "UNREADABLE",
        ),
    ];
    let with_keys = |claim: Option<PublicKey>, holder: Option<PublicKey>| {
        let mut claims = good.credential().clone();
        claims.holder_key = claim;
        claims.content.holders.iter_mut().for_each(|one| one.key = holder);
        SignedCredential::sign(claims, key).bytes().to_vec()
    };
    let (office, identity) = (key.public(), [&[1], [0; 31].as_slice()].concat());
    for (name, bytes) in [
        ("its holder's key", with_keys(Some(office), None)),
        ("a key of one of its holders", with_keys(None, Some(office))),
    ] {
        all.push(credential_alone(name, &bytes, "NOT SHOWN RECORDED"));
        let small = replaced(&bytes, &office.to_bytes(), &identity)?;
        all.push(credential_alone(
            &format!("{name} of small order"),
            &small,
            "UNREADABLE",
        ));
    }
    Ok(all)
}

/// What is written otherwise than it must be.
fn spellings(scene: &Scene) -> Result<Vec<Value>, Error> {
    let good = of(&scene.first, 8)?;
    let bytes = good.to_bytes();
    let path = to_vec(&good.batch_path);
    let no_path = [to_vec(&good.receipt.path), to_vec(&good.receipt.height)].concat();
    let half_a_path = [&[0x41, 0xff], to_vec(&good.receipt.height).as_slice()].concat();
    let (head, hashes) = path.split_at_checked(2).ok_or("a short path")?;
    let shorter = [
        [head.first().copied().unwrap_or(0), 0x7f].as_slice(),
        &shortened(hashes, 1),
    ]
    .concat();
    let cases: [(&str, &[u8], &[u8]); 7] = [
        ("a path to the records of a part of a hash", &no_path, &half_a_path),
        ("a path of parts of hashes", &path, &shorter),
        ("an issuer without a region", b"vectors/110000/", b"vectors:110000/"),
        (
            "an issuer of a region in capitals",
            b"vectors/110000/",
            b"vectors/11000A/",
        ),
        ("a type without a version", b"-licence/1", b"-licence:1"),
        ("a type of version 0", b"-licence/1", b"-licence/0"),
        (
            "a message of another type",
            b"concord-credential+cwt",
            b"concord-credential+cbr",
        ),
    ];
    let one =
        |(name, old, new): (&str, &[u8], &[u8])| Ok(vector(name, "later", &replaced(&bytes, old, new)?, "UNREADABLE"));
    cases.into_iter().map(one).collect()
}

/// What several checks say something against: the first of them settles the verdict.
fn several(scene: &Scene) -> Result<Vec<Value>, Error> {
    let over = super::LAST_SECOND.saturating_add(1_000);
    let one = |name: &str, index: usize, now: u64, region: Option<&str>, verdict: &str| -> Result<Value, Error> {
        let vector = vector(name, "later", &of(&scene.first, index)?.to_bytes(), verdict);
        let vector = with(vector, &[("now", json!(now)), ("max_age_ms", json!(1_000))]);
        Ok(match region {
            Some(region) => with(vector, &[("own_region", json!(region))]),
            None => vector,
        })
    };
    let elsewhere = Some("330000");
    Ok(vec![
        one("revoked, and over", 0, over, None, "REVOKED")?,
        one("revoked, and not recognised", 0, NOW, elsewhere, "REVOKED")?,
        one("suspended, over, and not recognised", 2, over, elsewhere, "SUSPENDED")?,
        one("over, and not recognised", 8, over, elsewhere, "EXPIRED")?,
        one("annotated, and over", 4, over, None, "EXPIRED")?,
        one("annotated, and not recognised", 4, NOW, elsewhere, "NOT RECOGNISED")?,
        one("annotated, with old data", 4, NOW, None, "UNKNOWN")?,
    ])
}

/// Clocks and ages of data at their bounds.
fn clocks(scene: &Scene) -> Result<Vec<Value>, Error> {
    let credential = &of(&scene.first, 8)?.credential;
    let (height, time) = LATER;
    let known = of(&scene.first, 8)?.to_bytes();
    let newer = sealed(scene, credential, height.saturating_add(1), time.saturating_add(1_000))?.to_bytes();
    let at = |name, now: u64| with(vector(name, "later", &known, "VALID"), &[("now", json!(now))]);
    let aged = |name, most: u64, verdict| {
        with(
            vector(name, "later", &known, verdict),
            &[("now", json!(time.saturating_add(5_000))), ("max_age_ms", json!(most))],
        )
    };
    let from = |vector, from: u64| with(vector, &[("data_from_ms", json!(from))]);
    let ahead_of_receipt = with(
        vector(
            "a clock that is behind the receipt alone",
            "later",
            &newer,
            "VALID ON DATA FROM",
        ),
        &[("now", json!(time.saturating_sub(TOLERANCE - 500)))],
    );
    let mut broken = sealed(scene, credential, height.saturating_add(1), time.saturating_add(1_000))?;
    broken.receipt.path.0.push(Digest::ZERO);
    let broken = vector(
        "a clock that is behind a receipt that is broken",
        "later",
        &broken.to_bytes(),
        "NOT GENUINE",
    );
    let broken = with(broken, &[("now", json!(time.saturating_sub(TOLERANCE - 500)))]);
    Ok(vec![
        broken,
        at("a clock that is 10 seconds behind", time.saturating_sub(TOLERANCE)),
        at(
            "a clock that is a millisecond further behind",
            time.saturating_sub(TOLERANCE + 1),
        ),
        at("a clock that is 400 days ahead", time.saturating_add(FAR_AHEAD)),
        at(
            "a clock that is a millisecond further ahead",
            time.saturating_add(FAR_AHEAD + 1),
        ),
        from(ahead_of_receipt, time.saturating_add(1_000)),
        aged("data as old as the policy allows", 5_000, "VALID"),
        from(
            aged(
                "data a millisecond older than the policy allows",
                4_999,
                "VALID ON DATA FROM",
            ),
            time,
        ),
    ])
}
