//! What a holder makes of a certificate: fewer claims, with the same leaf and signature; presentations bound to a nonce.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use concord_spec::bundle::{TrustBundle, TrustedState};
use concord_spec::certificate::{Certificate, credential_code_text};
use concord_spec::content::ClaimValue;
use concord_spec::cose::Disclosing;
use concord_spec::credential::{MAX_CREDENTIAL, Salts, SignedCredential};
use concord_spec::id::UnixMillis;
use concord_spec::key::SecretKey;
use concord_spec::presentation::{CertificateFile, Nonce, Presentation};
use concord_spec::verify::{
    AskedOfHolder, CheckName, DEFAULT_PRESENTED_MS, Ground, Language, Policy, Presented, Report, SealsSeen, Verdict,
    verify, verify_seen,
};
use concord_spec::world::World;
use coset::CborSerializable as _;
use proptest::prelude::*;
use std::sync::LazyLock;

/// Keys of the claims that can be left out.
const KEYS: std::ops::Range<u64> = 100..106;
const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

struct Issued {
    certificates: Vec<Certificate>,
    state: TrustedState,
    series_key: SecretKey,
}

fn holder() -> SecretKey {
    SecretKey::from_seed([90; 32])
}

fn salts(first: u8) -> Salts {
    KEYS.zip(first..).map(|(key, byte)| (key, [byte; 16])).collect()
}

/// Two credentials of one batch, each with six claims that can be left out, for the same holder.
static ISSUED: LazyLock<Issued> = LazyLock::new(|| {
    let mut world = World::with_series(2, "concord-presented").unwrap();
    let credentials: Vec<SignedCredential> = (0..2)
        .map(|number| {
            let mut content = world.content(number).unwrap();
            content.own = KEYS
                .map(|key| (key, ClaimValue::Text(format!("{number}-{key}"))))
                .collect();
            let salts = salts(u8::try_from(number * 100).unwrap());
            world
                .certify_for(Some(holder().public()), number, content, &salts)
                .unwrap()
        })
        .collect();
    let record = world.issue_of(&credentials).unwrap();
    world.append(vec![record]).unwrap();
    let certificates = world.certificates(&credentials, 0).unwrap();
    Issued {
        certificates,
        state: TrustBundle::open(&world.bundle().unwrap(), &world.state.chain_id()).unwrap(),
        series_key: world.series_key.clone(),
    }
});

fn showing(certificate: &Certificate, keys: &[u64]) -> Certificate {
    Certificate {
        credential: certificate.credential.showing(|key| keys.contains(&key)),
        ..certificate.clone()
    }
}

fn nonce(byte: u8) -> Nonce {
    Nonce::new(vec![byte; 16]).unwrap()
}

fn asking(nonce: Nonce) -> Policy {
    Policy {
        max_age_ms: None,
        asked: Some(AskedOfHolder {
            nonce,
            audience: None,
            max_age_ms: DEFAULT_PRESENTED_MS,
        }),
        ..Policy::default()
    }
}

fn unasking() -> Policy {
    Policy {
        max_age_ms: None,
        ..Policy::default()
    }
}

fn report(bytes: &[u8], policy: &Policy) -> Report {
    verify(Presented::Certificate(bytes), &ISSUED.state, policy, NOW)
}

fn ground(report: &Report) -> &Ground {
    &report.check(CheckName::Holder).unwrap().ground
}

fn presented(keys: &[u64]) -> Presentation {
    let certificate = showing(&ISSUED.certificates[0], keys);
    Presentation::sign(certificate, nonce(7), NOW, None, &holder())
}

proptest! {
    #[test]
    fn any_of_the_claims_can_be_left_out_and_leaf_signature_and_verdict_stay(chosen in proptest::sample::subsequence(KEYS.collect::<Vec<_>>(), 0..=6)) {
        let whole = &ISSUED.certificates[0];
        let shown = showing(whole, &chosen);
        prop_assert_eq!(shown.credential.leaf(), whole.credential.leaf());
        prop_assert!(shown.credential.is_signed_by(&ISSUED.series_key.public()));
        prop_assert_eq!(shown.credential.hidden(), 6 - chosen.len());
        prop_assert_eq!(shown.credential.claims().into_keys().collect::<Vec<_>>(), chosen.clone());
        let bytes = shown.to_bytes();
        prop_assert_eq!(&Certificate::from_bytes(&bytes).unwrap(), &shown);
        let report = report(&bytes, &unasking());
        prop_assert_eq!(report.verdict, Verdict::Valid);
        let content = report.subject.unwrap().content;
        prop_assert_eq!(content.hidden, 6 - chosen.len());
        prop_assert_eq!(content.claims.iter().map(|claim| claim.key).collect::<Vec<_>>(), chosen);
    }

    #[test]
    fn what_was_left_out_is_not_in_the_file(chosen in proptest::sample::subsequence(KEYS.collect::<Vec<_>>(), 0..=5)) {
        let bytes = showing(&ISSUED.certificates[0], &chosen).to_bytes();
        for key in KEYS.filter(|key| !chosen.contains(key)) {
            let value = format!("0-{key}").into_bytes();
            let salt = salts(0)[&key];
            prop_assert!(!bytes.windows(value.len()).any(|window| window == value));
            prop_assert!(!bytes.windows(16).any(|window| window == salt));
        }
    }
}

#[test]
fn every_bit_of_the_disclosures_counts() {
    let certificate = &ISSUED.certificates[0];
    let good = certificate.credential.bytes();
    let carried = Disclosing::from_bytes(good, MAX_CREDENTIAL).unwrap();
    let first = good
        .windows(carried.disclosures[0].len())
        .position(|window| window == carried.disclosures[0])
        .unwrap();
    let end = good.len() - carried.envelope.payload().len() - 66;
    let mut refused = 0;
    for at in first..end {
        for bit in 0..8 {
            let mut bytes = good.to_vec();
            bytes[at] ^= 1 << bit;
            assert!(SignedCredential::from_bytes(&bytes).is_err(), "bit {bit} of byte {at}");
            refused += 1;
        }
    }
    assert!(refused > 6 * 8 * 20, "{refused}");
}

#[test]
fn the_disclosures_of_another_credential_are_refused() {
    let [one, other] = [0, 1]
        .map(|index| Disclosing::from_bytes(ISSUED.certificates[index].credential.bytes(), MAX_CREDENTIAL).unwrap());
    let swapped = Disclosing {
        envelope: one.envelope.clone(),
        disclosures: other.disclosures.clone(),
    };
    assert!(SignedCredential::from_bytes(&swapped.to_bytes()).is_err());
    for index in 0..one.disclosures.len() {
        let mut disclosures = one.disclosures.clone();
        disclosures[index] = other.disclosures[index].clone();
        let envelope = one.envelope.clone();
        let bytes = Disclosing { envelope, disclosures }.to_bytes();
        assert!(SignedCredential::from_bytes(&bytes).is_err(), "{index}");
    }
}

#[test]
fn a_stock_cose_library_reads_it_with_and_without_its_claims() {
    for keys in [&[][..], &[100, 105]] {
        let shown = showing(&ISSUED.certificates[0], keys);
        let stock = coset::CoseSign1::from_slice(shown.credential.bytes()).unwrap();
        let verified = stock.verify_signature(&[], |signature, message| {
            let key = ed25519_dalek::VerifyingKey::from_bytes(ISSUED.series_key.public().as_bytes()).unwrap();
            key.verify_strict(message, &ed25519_dalek::Signature::from_slice(signature).unwrap())
        });
        verified.unwrap();
    }
}

#[test]
fn codes_carry_what_is_shown_and_no_more() {
    let (whole, none) = (&ISSUED.certificates[0], showing(&ISSUED.certificates[0], &[]));
    assert!(none.code_text().len() < whole.code_text().len());
    assert!(credential_code_text(&none.credential).len() < credential_code_text(&whole.credential).len());
}

#[test]
fn a_certificate_that_its_holder_presents_is_valid_for_the_verifier_who_drew_the_nonce() {
    let bytes = presented(&[101]).to_bytes();
    let report = report(&bytes, &asking(nonce(7)));
    assert_eq!(report.verdict, Verdict::Valid);
    assert_eq!(
        *ground(&report),
        Ground::HolderShown {
            time_ms: NOW,
            audience: None
        }
    );
    let said = report.words(Language::En);
    assert!(said.subject.iter().any(|line| line.value == "5 claims are not shown"));
}

#[test]
fn a_presentation_shown_again_to_another_verifier_is_not_taken() {
    let bytes = presented(&[]).to_bytes();
    let report = report(&bytes, &asking(nonce(8)));
    assert_eq!(report.verdict, Verdict::HolderNotShown);
    assert_eq!(*ground(&report), Ground::OtherNonce { time_ms: NOW });
    assert_eq!(report.exit, 3);
}

#[test]
fn a_verifier_who_asks_gets_no_green_without_the_holder() {
    let plain = showing(&ISSUED.certificates[0], &[]).to_bytes();
    let report_of_plain = report(&plain, &asking(nonce(7)));
    assert_eq!(report_of_plain.verdict, Verdict::HolderNotShown);
    assert_eq!(*ground(&report_of_plain), Ground::NotPresented);
    assert_eq!(report(&plain, &unasking()).verdict, Verdict::Valid);
}

#[test]
fn claims_added_or_left_out_after_the_holder_signed_are_not_genuine() {
    let good = presented(&[101, 102]).to_bytes();
    for keys in [&[101][..], &[101, 102, 103], &[]] {
        let other = showing(&ISSUED.certificates[0], keys).to_bytes();
        let inner = showing(&ISSUED.certificates[0], &[101, 102]).to_bytes();
        // The proof is the last item of the file; the certificate's head is 3 bytes.
        let proof = &good[2 + 3 + inner.len()..];
        let head = [0x83, 0x03, 0x59];
        let length = u16::try_from(other.len()).unwrap().to_be_bytes();
        let bytes = [&head[..], &length, &other, proof].concat();
        let report = report(&bytes, &asking(nonce(7)));
        assert_eq!(report.verdict, Verdict::NotGenuine, "{keys:?}");
        assert_eq!(*ground(&report), Ground::PresentsAnother);
        assert_eq!(report.subject, None);
    }
}

#[test]
fn a_presentation_with_any_bit_changed_is_never_green() {
    let good = presented(&[101]).to_bytes();
    let mut seen = SealsSeen::new();
    for (policy, bits) in [(asking(nonce(7)), 8), (unasking(), 1)] {
        for (at, bit) in (0..good.len()).flat_map(|at| (0..bits).map(move |bit| (at, bit))) {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let report = verify_seen(Presented::Certificate(&bytes), &ISSUED.state, &policy, NOW, &mut seen);
            assert_ne!(report.verdict, Verdict::Valid, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_file_is_a_certificate_or_a_presentation_and_never_both() {
    let (presentation, certificate) = (presented(&[]), &ISSUED.certificates[0]);
    let read = CertificateFile::from_bytes(&presentation.to_bytes()).unwrap();
    assert_eq!(read.presentation(), Some(&presentation));
    let read = CertificateFile::from_bytes(&certificate.to_bytes()).unwrap();
    assert_eq!(read, CertificateFile::Certificate(Box::new(certificate.clone())));
    assert!(Certificate::from_bytes(&presentation.to_bytes()).is_err());
    assert!(Presentation::from_bytes(&certificate.to_bytes()).is_err());
}
