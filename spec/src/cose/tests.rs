use coset::CborSerializable as _;
use ed25519_dalek::Verifier as _;

use super::*;
use crate::codec::CodecError;
use crate::key::{Keyring, SecretKey};

fn key(n: u8) -> SecretKey {
    SecretKey::from_seed([n; 32])
}

fn keyring(threshold: usize, keys: &[u8]) -> Keyring {
    Keyring::new(threshold, keys.iter().map(|n| key(*n).public()).collect()).unwrap()
}

/// Keys 1 to `n` in the order of their public keys.
fn ascending(n: u8) -> Vec<SecretKey> {
    let mut keys: Vec<SecretKey> = (1..=n).map(key).collect();
    keys.sort_by_key(SecretKey::public);
    keys
}

fn stock_verify(key: &SecretKey, signature: &[u8], message: &[u8]) -> Result<(), ed25519_dalek::SignatureError> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.public().as_bytes()).unwrap();
    key.verify(message, &ed25519_dalek::Signature::from_slice(signature).unwrap())
}

#[test]
fn a_stock_cose_library_verifies_both() {
    let one = Sign1::sign(b"payload".to_vec(), "application/cwt", &key(1));
    let stock = coset::CoseSign1::from_slice(&one.to_bytes()).unwrap();
    stock
        .verify_signature(&[], |signature, message| stock_verify(&key(1), signature, message))
        .unwrap();
    assert!(
        stock
            .verify_signature(b"aad", |signature, message| stock_verify(&key(1), signature, message))
            .is_err()
    );
    assert_eq!(
        stock.protected.header.alg,
        Some(coset::RegisteredLabelWithPrivate::Assigned(
            coset::iana::Algorithm::Ed25519
        ))
    );
    assert_eq!(stock.protected.header.key_id, key(1).public().kid());
    assert_eq!(
        stock.protected.header.rest,
        [(
            coset::Label::Int(16),
            coset::cbor::Value::Text("application/cwt".into())
        )]
    );

    let keys = ascending(3);
    let many = Signed::sign(b"payload".to_vec(), &keys.iter().collect::<Vec<_>>());
    let stock = coset::CoseSign::from_slice(&many.to_bytes()).unwrap();
    for (i, key) in keys.iter().enumerate() {
        stock
            .verify_signature(i, &[], |signature, message| stock_verify(key, signature, message))
            .unwrap();
        assert_eq!(stock.signatures[i].protected.header.key_id, key.public().kid());
    }
}

#[test]
fn what_a_stock_cose_library_signs_in_our_profile_is_the_same_bytes() {
    let protected = coset::HeaderBuilder::new()
        .algorithm(coset::iana::Algorithm::Ed25519)
        .key_id(key(1).public().kid().to_vec())
        .value(16, coset::cbor::Value::Text("application/cwt".into()))
        .build();
    let stock = coset::CoseSign1Builder::new()
        .protected(protected)
        .payload(b"payload".to_vec())
        .create_signature(&[], |message| key(1).sign(message).0.to_vec())
        .build();
    assert_eq!(
        stock.to_vec().unwrap(),
        Sign1::sign(b"payload".to_vec(), "application/cwt", &key(1)).to_bytes()
    );
}

#[test]
fn a_sign1_verifies_with_its_key_only_and_every_changed_byte_spoils_it() {
    let one = Sign1::sign(b"payload".to_vec(), "t", &key(1));
    assert!(one.verify(&key(1).public()) && !one.verify(&key(2).public()));
    assert!(one.batch_item(&key(1).public()).unwrap().verify());
    assert_eq!(one.batch_item(&key(2).public()), None);
    let bytes = one.to_bytes();
    assert_eq!(Sign1::from_bytes(&bytes, bytes.len()).as_ref(), Ok(&one));
    assert!(matches!(
        Sign1::from_bytes(&bytes, bytes.len() - 1),
        Err(CodecError::TooLong { .. })
    ));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let verdict = Sign1::from_bytes(&changed, 1024).is_ok_and(|m| m.verify(&key(1).public()));
            assert!(!verdict, "byte {at} bit {bit}");
        }
    }
}

#[test]
fn other_algorithms_headers_tags_and_forms_are_refused() {
    let good = hex::encode(Sign1::sign(b"p".to_vec(), "t", &key(1)).to_bytes());
    let decode = |text: &str| Sign1::from_bytes(&hex::decode(text).unwrap(), 1024);
    assert!(decode(&good).is_ok());
    // protected: 50 a3 0132 0448........ 106174
    assert!(good.starts_with("8450a301320448"), "{good}");
    let suite = good.replacen("a30132", "a30127", 1);
    assert_eq!(
        decode(&suite),
        Err(CodecError::UnknownSuite {
            what: "COSE algorithm",
            found: -8
        })
    );
    assert!(matches!(
        decode(&format!("d2{good}")),
        Err(CodecError::Unexpected { .. })
    ));
    assert_eq!(
        decode(&format!("{good}00")),
        Err(CodecError::TrailingBytes { count: 1 })
    );
    let unprotected = good.replacen("106174a04170", "106174a104404170", 1);
    assert_eq!(decode(&unprotected), Err(CodecError::OverBound { found: 1, max: 0 }));
    let detached = good.replacen("a04170", "a0f6", 1);
    assert!(matches!(decode(&detached), Err(CodecError::Unexpected { .. })));
    // A longer form inside the protected header, which the outer encoding hides: 04 as 1804.
    let inner = good.replacen("8450a301320448", "8451a30132180448", 1);
    assert_eq!(decode(&inner), Err(CodecError::NotCanonical { at: 3 }));
    // Headers in another order: typ before kid.
    let kid = hex::encode(key(1).public().kid());
    let order = good.replacen(&format!("0448{kid}106174"), &format!("1061740448{kid}"), 1);
    assert_eq!(
        decode(&order),
        Err(CodecError::UnknownKey {
            what: "COSE header",
            found: 16
        })
    );
}

#[test]
fn exactly_k_signatures_of_the_keyring_pass() {
    let keys = ascending(3);
    let ring = keyring(2, &[1, 2, 3]);
    let sign = |which: &[&SecretKey]| Signed::sign(b"payload".to_vec(), which);
    assert_eq!(sign(&[&keys[2], &keys[0]]).verify(&ring), Ok(()));
    assert_eq!(
        sign(&[&keys[0]]).verify(&ring),
        Err(SignatureError::TooFew { got: 1, need: 2 })
    );
    assert_eq!(sign(&[]).verify(&ring), Err(SignatureError::TooFew { got: 0, need: 2 }));
    assert_eq!(
        sign(&[&keys[0], &keys[1], &keys[2]]).verify(&ring),
        Err(SignatureError::TooMany)
    );
    assert_eq!(
        sign(&[&keys[0], &key(9)]).verify(&ring),
        Err(SignatureError::UnknownKey)
    );
    assert_eq!(
        sign(&[&keys[0], &keys[0]]).verify(&ring),
        Err(SignatureError::NotAscending)
    );
}

#[test]
fn signatures_out_of_order_and_forged_ones_are_refused() {
    let keys = ascending(3);
    let ring = keyring(2, &[1, 2, 3]);
    let good = Signed::sign(b"payload".to_vec(), &[&keys[0], &keys[1]]);
    let bytes = good.to_bytes();
    let (head, signers) = bytes.split_at(bytes.len() - 2 * 82);
    assert_eq!(signers.len(), 164);
    let swapped = [head, &signers[82..], &signers[..82]].concat();
    assert_eq!(
        Signed::from_bytes(&swapped, 1024).unwrap().verify(&ring),
        Err(SignatureError::NotAscending)
    );
    let mut forged = bytes.clone();
    *forged.last_mut().unwrap() ^= 1;
    let forged = Signed::from_bytes(&forged, 1024).unwrap();
    assert_eq!(forged.check(&ring).map(|items| items.len()), Ok(2));
    assert_eq!(forged.verify(&ring), Err(SignatureError::Forged));
    let other = Signed::sign(b"payloae".to_vec(), &[&keys[0], &keys[1]]).to_bytes();
    let moved = [&other[..head.len()], signers].concat();
    assert_eq!(
        Signed::from_bytes(&moved, 1024).unwrap().verify(&ring),
        Err(SignatureError::Forged)
    );
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(
            !Signed::from_bytes(&changed, 1024).is_ok_and(|m| m.verify(&ring).is_ok()),
            "byte {at}"
        );
    }
}

#[test]
fn a_message_passed_from_hand_to_hand_is_the_message_signed_at_once() {
    let keys = ascending(4);
    let ring = keyring(3, &[1, 2, 3, 4]);
    let at_once = Signed::sign(b"payload".to_vec(), &[&keys[0], &keys[1], &keys[3]]);
    let mut passed = Signed::sign(b"payload".to_vec(), &[&keys[1]]);
    passed.add_signature(&keys[3], &ring).unwrap();
    passed.add_signature(&keys[0], &ring).unwrap();
    assert_eq!(passed, at_once);
    let signers = [keys[0].public(), keys[1].public(), keys[3].public()];
    assert_eq!(
        passed.signers(&ring).unwrap(),
        signers,
        "ascending, whatever the threshold"
    );
    assert_eq!(passed.add_signature(&keys[0], &ring), Err(SignatureError::NotAscending));
    assert_eq!(passed.add_signature(&key(9), &ring), Err(SignatureError::UnknownKey));
    assert_eq!(passed.verify(&ring), Ok(()));
}
