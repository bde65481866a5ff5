//! What holders make of their certificates: fewer claims, and presentations.

use super::{NAME, NAME_OF_CODES, NOW, Part, bundle, recognised, small_code, vector, with};
use crate::make::{Error, replaced, shortened, with_trailing};
use concord_spec::certificate::Certificate;
use concord_spec::codec::{Writer, to_vec};
use concord_spec::content::{ClaimValue, Content};
use concord_spec::cose::{Disclosing, Sign1};
use concord_spec::credential::{CREDENTIAL_TYP, Credential, MAX_CREDENTIAL, Salts};
use concord_spec::digest::{Digest, Tag};
use concord_spec::id::UnixMillis;
use concord_spec::key::SecretKey;
use concord_spec::presentation::{Nonce, PRESENTATION_TYP, Presentation};
use concord_spec::record::Action;
use concord_spec::world::{REGION_CODES, World};
use serde_json::{Value, json};

/// Key of the holder.
fn holder() -> SecretKey {
    SecretKey::from_seed([90; 32])
}

fn salts(first: u8) -> Salts {
    [(100, [first; 16]), (101, [first.wrapping_add(1); 16])].into()
}

/// Two with claims that their holder may leave out, the first with the holder's key, and one with the key alone.
struct Scene {
    world: World,
    certificates: [Certificate; 3],
}

fn scene() -> Result<Scene, Error> {
    let mut world = World::with_series(2, NAME)?;
    let terms = recognised::terms(&world)?;
    let recognise = world.by_region_at(1, Action::Recognise(Box::new(terms)))?;
    let key = Some(holder().public());
    let credentials = [
        world.certify_for(key, 0, world.content(0)?, &salts(10))?,
        world.certify_for(None, 1, world.content(1)?, &salts(20))?,
        world.certify_for(key, 2, world.content(2)?, &Salts::new())?,
    ];
    let record = world.issue_of(&credentials)?;
    world.append(vec![record])?;
    let made: Result<[Certificate; 3], _> = world.certificates(&credentials, 0)?.try_into();
    let certificates = made.map_err(|_| "three certificates")?;
    world.append(vec![recognise])?;
    Ok(Scene { world, certificates })
}

const BUNDLE: &str = "selective";

/// The certificate with another credential, whatever that is: the bytes of the format.
fn around(certificate: &Certificate, credential: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(4);
    w.uint(1);
    w.bytes(credential);
    w.wire(&certificate.batch_path);
    w.wire(&certificate.receipt);
    w.into_vec()
}

fn showing(certificate: &Certificate, shows: &[u64]) -> Certificate {
    Certificate {
        credential: certificate.credential.showing(|key| shows.contains(&key)),
        ..certificate.clone()
    }
}

/// Certificates with fewer claims, and with disclosures that are none of theirs.
pub(super) fn claims() -> Result<Part, Error> {
    let scene = scene()?;
    let bundles = vec![(BUNDLE, bundle(&scene.world, &scene.world.bundle()?))];
    let [first, ..] = &scene.certificates;
    let mut vectors = Vec::new();
    for (name, shows) in [
        ("with every claim that its holder may leave out", &[100, 101][..]),
        ("with the first of two claims left out", &[101]),
        ("with the second of two claims left out", &[100]),
        ("with both claims left out", &[]),
    ] {
        let shown = showing(first, shows);
        // The leaf is the same in all.
        let details = [
            ("code", json!(shown.code_text())),
            ("leaf", json!(first.credential.leaf())),
            ("batch_root", json!(first.batch_root()?)),
            ("block_hash", json!(first.receipt.block_hash(&first.batch_root()?)?)),
        ];
        vectors.push(with(vector(name, BUNDLE, &shown.to_bytes(), "VALID"), &details));
    }
    vectors.push(small_code(
        "a small code with a claim left out",
        BUNDLE,
        &showing(first, &[101]).credential,
        "NOT SHOWN RECORDED",
    ));
    for (name, shows, claims, hidden) in [
        (
            "recognised, with the claim whose value is another there",
            100,
            &[100][..],
            false,
        ),
        (
            "recognised, without the claim whose value is another there",
            101,
            &[],
            true,
        ),
    ] {
        let labels = json!([{"language": "zh", "text": NAME_OF_CODES}]);
        let claims: Vec<Value> = claims
            .iter()
            .map(|key| json!({"key": key, "labels": labels, "there": "C1", "here": "乙"}))
            .collect();
        let mut told = json!({
            "region": REGION_CODES[1], "declaration": 1, "local_type": "110000.drivers-licence",
            "level": "conditional", "claims": claims, "purposes": [],
        });
        if let Some(object) = told.as_object_mut().filter(|_| hidden) {
            object.insert("hidden".to_owned(), json!([{"key": 100, "labels": labels}]));
        }
        let shown = showing(first, &[shows]).to_bytes();
        let members = [("own_region", json!(REGION_CODES[1])), ("recognised", told)];
        vectors.push(with(vector(name, BUNDLE, &shown, "VALID"), &members));
    }
    vectors.extend(false_disclosures(&scene)?);
    vectors.extend(false_contents(&scene)?);
    Ok((bundles, vectors))
}

fn unreadable(name: &str, certificate: &Certificate, credential: &[u8]) -> Value {
    vector(name, BUNDLE, &around(certificate, credential), "UNREADABLE")
}

/// The right credential with other disclosures beside it.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn false_disclosures(scene: &Scene) -> Result<Vec<Value>, Error> {
    let [certificate, another, plain] = &scene.certificates;
    let carried = |certificate: &Certificate| Disclosing::from_bytes(certificate.credential.bytes(), MAX_CREDENTIAL);
    let (good, others, without) = (carried(certificate)?, carried(another)?, carried(plain)?);
    let [one, two] = good.disclosures.as_slice() else {
        return Err("two disclosures".into());
    };
    let [other, _] = others.disclosures.as_slice() else {
        return Err("two disclosures".into());
    };
    let beside = |disclosures: &[Vec<u8>]| {
        let envelope = good.envelope.clone();
        let disclosures = disclosures.to_vec();
        Disclosing { envelope, disclosures }.to_bytes()
    };
    let none = beside(&[]);
    let headed = |header: &[u8]| {
        // The empty header stands between the protected one and the payload.
        let (protected, rest) = (to_vec(&good.envelope), good.envelope.payload());
        let mut w = Writer::new();
        w.bytes(rest);
        let payload = w.into_vec();
        replaced(
            &protected,
            &[&[0xa0], payload.as_slice()].concat(),
            &[header, &payload].concat(),
        )
    };
    let cases = [
        ("disclosures in another order", beside(&[two.clone(), one.clone()])),
        ("a disclosure twice", beside(&[one.clone(), one.clone()])),
        (
            "the disclosure of another credential",
            beside(&[other.clone(), two.clone()]),
        ),
        ("another salt", beside(&[replaced(one, &[10; 16], &[11; 16])?])),
        ("another value", beside(&[replaced(one, b"C1", b"A1")?])),
        ("another key", beside(&[replaced(one, &[0x18, 100], &[0x18, 102])?])),
        (
            "the key of a common claim",
            beside(&[replaced(one, &[0x18, 100], &[0x18, 99])?]),
        ),
        ("a disclosure cut by a byte", beside(&[shortened(one, 1)])),
        ("a disclosure with a byte after it", beside(&[with_trailing(one)])),
        (
            "a longer form of a number in a disclosure",
            beside(&[replaced(one, &[0x18, 100], &[0x19, 0, 100])?]),
        ),
        ("a disclosure of 1,101 bytes", beside(&[vec![0; 1_101]])),
        ("65 disclosures", beside(&vec![one.clone(); 65])),
        ("a header without disclosures", headed(&[0xa1, 0x11, 0x80])?),
        ("another unprotected header", headed(&[0xa1, 0x12, 0x80])?),
        ("two unprotected headers", headed(&[0xa2, 0x11, 0x80, 0x12, 0x80])?),
    ];
    let mut all: Vec<Value> = cases
        .iter()
        .map(|(name, bytes)| unreadable(name, certificate, bytes))
        .collect();
    let added = Disclosing {
        envelope: without.envelope,
        disclosures: vec![one.clone()],
    };
    all.push(unreadable(
        "a disclosure where nothing may be left out",
        plain,
        &added.to_bytes(),
    ));
    let hidden = vector(
        "no disclosures, put together by hand",
        BUNDLE,
        &around(certificate, &none),
        "VALID",
    );
    all.push(hidden);
    Ok(all)
}

/// Credentials that the series' key signed though they are none.
fn false_contents(scene: &Scene) -> Result<Vec<Value>, Error> {
    let [certificate, _, plain] = &scene.certificates;
    let key = &scene.world.series_key;
    let signed = |credential: &Credential| Sign1::sign(to_vec(credential), CREDENTIAL_TYP, key);
    let with_content = |change: &dyn Fn(&mut Content)| {
        let mut credential = certificate.credential.credential().clone();
        change(&mut credential.content);
        signed(&credential).to_bytes()
    };
    // The claim stands in the content, and a digest of its disclosure too.
    let mut w = Writer::new();
    w.array(3);
    w.bytes(&[33; 16]);
    w.wire(&ClaimValue::Text("A1".to_owned()));
    w.uint(100);
    let disclosure = w.into_vec();
    let mut both = plain.credential.credential().clone();
    both.content.selective = vec![Tag::Disclosure.digest(&[&disclosure])];
    let both = Disclosing {
        envelope: signed(&both),
        disclosures: vec![disclosure],
    };
    Ok(vec![
        unreadable("a claim open and disclosed", certificate, &both.to_bytes()),
        unreadable(
            "digests that descend",
            certificate,
            &with_content(&|content| content.selective.reverse()),
        ),
        unreadable(
            "a digest twice",
            certificate,
            &with_content(&|content| content.selective = vec![Digest::ZERO; 2]),
        ),
        unreadable(
            "65 digests",
            certificate,
            &with_content(&|content| content.selective = (0..65).map(|n| Digest([n; 32])).collect()),
        ),
    ])
}

fn nonce(byte: u8) -> Result<Nonce, Error> {
    Nonce::new(vec![byte; 16]).ok_or_else(|| "a nonce".into())
}

const MAX_AGE_MS: u64 = 300_000;
const DESK: &str = "窗口 3";

/// Presentations, and verifiers who ask for one.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn holders() -> Result<Part, Error> {
    let scene = scene()?;
    let [first, nobodys, whole] = &scene.certificates;
    let hidden = showing(first, &[101]);
    let (own, stranger) = (holder(), SecretKey::from_seed([91; 32]));
    let show = |certificate: &Certificate, time: u64, audience: Option<&str>, key: &SecretKey| {
        let audience = audience.map(str::to_owned);
        let signed = Presentation::sign(certificate.clone(), nonce(7)?, UnixMillis(time), audience, key);
        Ok::<_, Error>(signed.to_bytes())
    };
    let good = show(&hidden, NOW, Some(DESK), &own)?;
    let asked = |byte: u8| Ok::<_, Error>(json!({ "nonce": nonce(byte)?, "max_age_ms": MAX_AGE_MS }));
    let by =
        |audience: &str| Ok::<_, Error>(json!({ "nonce": nonce(7)?, "audience": audience, "max_age_ms": MAX_AGE_MS }));
    let shown = "VALID";
    let not = "HOLDER NOT SHOWN";
    let cases = [
        ("presented, with the nonce", good.clone(), Some(asked(7)?), shown),
        (
            "presented, with the nonce, to whom it was asked",
            good.clone(),
            Some(by(DESK)?),
            shown,
        ),
        ("presented, and no nonce asked", good.clone(), None, shown),
        ("presented, with another nonce", good.clone(), Some(asked(8)?), not),
        ("presented to somebody else", good.clone(), Some(by("窗口 4")?), not),
        (
            "presented to nobody in particular",
            show(&hidden, NOW, None, &own)?,
            Some(by(DESK)?),
            not,
        ),
        (
            "presented five minutes ago",
            show(&hidden, NOW - MAX_AGE_MS, None, &own)?,
            Some(asked(7)?),
            shown,
        ),
        (
            "presented longer ago",
            show(&hidden, NOW - MAX_AGE_MS - 1, None, &own)?,
            Some(asked(7)?),
            not,
        ),
        (
            "presented in five minutes",
            show(&hidden, NOW + MAX_AGE_MS, None, &own)?,
            Some(asked(7)?),
            shown,
        ),
        (
            "presented later than that",
            show(&hidden, NOW + MAX_AGE_MS + 1, None, &own)?,
            Some(asked(7)?),
            not,
        ),
        (
            "presented by a stranger",
            show(&hidden, NOW, None, &stranger)?,
            Some(asked(7)?),
            "NOT GENUINE",
        ),
        (
            "presented by a stranger, and no nonce asked",
            show(&hidden, NOW, None, &stranger)?,
            None,
            "NOT GENUINE",
        ),
        (
            "presented without a key in the credential",
            show(nobodys, NOW, None, &own)?,
            Some(asked(7)?),
            not,
        ),
        (
            "presented without a key, and no nonce asked",
            show(nobodys, NOW, None, &own)?,
            None,
            not,
        ),
        ("not presented, and asked", hidden.to_bytes(), Some(asked(7)?), not),
        (
            "no key in the credential, and asked",
            nobodys.to_bytes(),
            Some(asked(7)?),
            not,
        ),
        ("presented whole", show(whole, NOW, None, &own)?, Some(asked(7)?), shown),
        (
            "the statement about another certificate",
            mixed(whole, &good)?,
            Some(asked(7)?),
            "NOT GENUINE",
        ),
        (
            "the statement about the same certificate with more claims",
            mixed(first, &good)?,
            Some(asked(7)?),
            "NOT GENUINE",
        ),
    ];
    let mut vectors = Vec::new();
    for (name, bytes, asked, verdict) in cases {
        let members: Vec<_> = asked.into_iter().map(|asked| ("asked", asked)).collect();
        vectors.push(with(vector(name, BUNDLE, &bytes, verdict), &members));
    }
    let small = small_code("a small code, and its holder asked", BUNDLE, &hidden.credential, not);
    vectors.push(with(small, &[("asked", asked(7)?)]));
    vectors.extend(malformed(&good, &hidden)?);
    Ok((Vec::new(), vectors))
}

/// The file of a presentation with this proof.
fn file(certificate: &[u8], proof: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(3);
    w.uint(3);
    w.bytes(certificate);
    w.bytes(proof);
    w.into_vec()
}

/// The proof of one presentation with another certificate.
fn mixed(certificate: &Certificate, presentation: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(file(&certificate.to_bytes(), &proof(presentation)?))
}

/// The holder's COSE_Sign1 in a presentation: the last item of the file.
fn proof(presentation: &[u8]) -> Result<Vec<u8>, Error> {
    let certificate = Presentation::from_bytes(presentation)?.certificate().to_bytes();
    let before = file(&certificate, &[]).len().saturating_sub(1);
    // A byte string of 256 to 512 bytes has a head of 3, of less one of 2.
    let rest = presentation.get(before..).ok_or("no proof")?;
    let head = if rest.first() == Some(&0x59) { 3 } else { 2 };
    Ok(rest.get(head..).ok_or("no proof")?.to_vec())
}

fn malformed(good: &[u8], certificate: &Certificate) -> Result<Vec<Value>, Error> {
    let (certificate, own) = (certificate.to_bytes(), holder());
    let says = |payload: Vec<u8>, typ: &str| file(&certificate, &Sign1::sign(payload, typ, &own).to_bytes());
    let right = Sign1::from_bytes(&proof(good)?, 512)?.payload().to_vec();
    let statement = |version: u64, nonce: usize, audience: &str| {
        let mut w = Writer::new();
        w.array(5);
        w.uint(version);
        w.wire(&Digest::ZERO);
        w.bytes(&vec![7; nonce]);
        w.uint(NOW);
        w.text(audience);
        says(w.into_vec(), PRESENTATION_TYP)
    };
    let newer = "NEEDS NEWER SOFTWARE";
    let cases = [
        (
            "a presentation of version 2 of its statement",
            statement(2, 16, DESK),
            newer,
        ),
        (
            "a presentation of a certificate of version 4",
            file(&replaced(&certificate, &[0x84, 0x01], &[0x84, 0x04])?, &proof(good)?),
            newer,
        ),
        ("a nonce of 7 bytes", statement(1, 7, DESK), "UNREADABLE"),
        ("a nonce of 65 bytes", statement(1, 65, DESK), "UNREADABLE"),
        ("an empty audience", statement(1, 16, ""), "UNREADABLE"),
        (
            "an audience of 129 bytes",
            statement(1, 16, &"x".repeat(129)),
            "UNREADABLE",
        ),
        (
            "a statement of another media type",
            says(right, CREDENTIAL_TYP),
            "UNREADABLE",
        ),
        ("a presentation cut by a byte", shortened(good, 1), "UNREADABLE"),
        ("a presentation with a byte after it", with_trailing(good), "UNREADABLE"),
        ("a presentation of a presentation", file(good, &proof(good)?), newer),
        ("a presentation of nothing", file(&[], &proof(good)?), "UNREADABLE"),
        ("a presentation without a proof", file(&certificate, &[]), "UNREADABLE"),
    ];
    let asked = json!({ "nonce": nonce(7)?, "max_age_ms": MAX_AGE_MS });
    let vector = |(name, bytes, verdict): &(&str, Vec<u8>, &str)| {
        with(vector(name, BUNDLE, bytes, verdict), &[("asked", asked.clone())])
    };
    Ok(cases.iter().map(vector).collect())
}
