use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::Verifier as _;
use proptest::prelude::*;
use sha2::{Digest as _, Sha512};

use super::*;

fn hex32(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn key(n: u8) -> SecretKey {
    SecretKey::from_seed([n; 32])
}

fn item(n: u8, message: &[u8]) -> BatchItem {
    BatchItem {
        key: key(n).public(),
        message: message.to_vec(),
        signature: key(n).sign(message),
    }
}

/// A signature by key `n` whose R is `r`*B plus `torsion`, written as `encoding` if given.
fn crafted(n: u8, message: &[u8], torsion: EdwardsPoint, encoding: Option<[u8; 32]>) -> BatchItem {
    let nonce = if encoding.is_some() {
        Scalar::ZERO
    } else {
        Scalar::from(77_u8)
    };
    let point = ED25519_BASEPOINT_POINT * nonce + torsion;
    let r = encoding.unwrap_or_else(|| point.compress().to_bytes());
    let public = key(n).public();
    let challenge = Scalar::from_hash(
        Sha512::new()
            .chain_update(r)
            .chain_update(public.0)
            .chain_update(message),
    );
    let s = nonce + challenge * SigningKey::from_bytes(&[n; 32]).to_scalar();
    let signature = Signature([r, s.to_bytes()].concat().try_into().unwrap());
    BatchItem {
        key: public,
        message: message.to_vec(),
        signature,
    }
}

fn dalek_accepts(item: &BatchItem) -> bool {
    let key = ed25519_dalek::VerifyingKey::from_bytes(&item.key.0).unwrap();
    key.verify(&item.message, &ed25519_dalek::Signature::from_bytes(&item.signature.0))
        .is_ok()
}

/// Alone, alone in a batch, and in a batch with good ones, before and after, under several seeds.
fn assert_everywhere(subject: &BatchItem, accepted: bool) {
    assert_eq!(subject.verify(), accepted);
    for seed in 0..16 {
        assert_eq!(verify_batch(std::slice::from_ref(subject), [seed; 32]), accepted);
        let among = [item(1, b"a"), subject.clone(), item(2, b"b"), item(1, b"c")];
        assert_eq!(verify_batch(&among, [seed; 32]), accepted);
    }
}

#[test]
fn keys_and_signatures_are_those_of_rfc_8032() {
    let secret = SecretKey::from_seed(hex32(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    ));
    let public = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    let signature = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                     18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
    assert_eq!(secret.public().to_string(), public);
    assert_eq!(secret.sign(&[0xaf, 0x82]).to_string(), signature);
    assert!(secret.public().verify(&[0xaf, 0x82], &signature.parse().unwrap()));
    assert!(!secret.public().verify(&[0xaf, 0x83], &signature.parse().unwrap()));
    assert_eq!(secret.public().kid(), sha256(&[&hex32(public)]).0[..8]);
    assert!(!format!("{secret:?}").contains("c5aa8df4"), "a secret is not printed");
}

#[test]
fn keys_of_small_or_mixed_order_do_not_enter() {
    let order = KeyError::Order {
        what: "Ed25519 public key",
    };
    for torsion in EIGHT_TORSION {
        assert_eq!(
            PublicKey::from_bytes(&torsion.compress().to_bytes()),
            Err(order.clone())
        );
        let mixed = (CompressedEdwardsY(key(1).public().0).decompress().unwrap() + torsion)
            .compress()
            .to_bytes();
        let expected = if torsion.is_identity() {
            Ok(key(1).public())
        } else {
            Err(order.clone())
        };
        assert_eq!(PublicKey::from_bytes(&mixed), expected);
    }
}

#[test]
fn keys_in_another_encoding_do_not_enter() {
    let encoding = KeyError::Encoding {
        what: "Ed25519 public key",
    };
    // y = p + 1 (the identity again), y = p, the identity with the sign of a zero x set, y = p - 1 with it, no point.
    for text in [
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0200000000000000000000000000000000000000000000000000000000000000",
        // y = p + 3, a point of large order when reduced.
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        assert_eq!(PublicKey::from_bytes(&hex32(text)), Err(encoding.clone()), "{text}");
    }
    for text in ["00", &key(1).public().to_string().to_uppercase()] {
        assert_eq!(
            text.parse::<PublicKey>(),
            Err(KeyError::Text {
                what: "Ed25519 public key",
                digits: 64
            })
        );
    }
}

#[test]
fn crafted_signatures_that_libraries_disagree_on_are_accepted_alone_and_in_batches() {
    for torsion in EIGHT_TORSION {
        let crafted = crafted(3, b"message", torsion, None);
        assert_everywhere(&crafted, true);
        assert_eq!(
            dalek_accepts(&crafted),
            torsion.is_identity(),
            "ed25519-dalek refuses what ZIP-215 accepts"
        );
    }
    // R = identity, y written as p + 1.
    let identity = hex32("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    let crafted = crafted(3, b"message", EIGHT_TORSION[0], Some(identity));
    assert_everywhere(&crafted, true);
    assert!(!dalek_accepts(&crafted));
}

#[test]
fn signatures_with_an_unreduced_scalar_or_no_point_are_refused_alone_and_in_batches() {
    let mut good = item(3, b"message");
    assert_everywhere(&good, true);
    // s + L
    let order = hex32("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (byte, add) in good.signature.0[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert_everywhere(&good, false);
    let mut no_point = item(3, b"message");
    no_point.signature.0[..32].copy_from_slice(&hex32(
        "0200000000000000000000000000000000000000000000000000000000000000",
    ));
    assert_everywhere(&no_point, false);
}

#[test]
fn one_forged_signature_spoils_a_batch() {
    let mut items: Vec<BatchItem> = (0..40).map(|n| item(n % 7, &[n])).collect();
    assert!(verify_batch(&items, [9; 32]) && verify_batch(&[], [9; 32]));
    items[17].message = vec![99];
    assert!(!verify_batch(&items, [9; 32]));
}

#[test]
fn forgeries_that_cancel_in_a_plain_sum_do_not_in_a_batch() {
    let (mut a, mut b) = (item(1, b"a"), item(1, b"b"));
    let shift = |item: &mut BatchItem, by: Scalar| {
        let s = Scalar::from_bytes_mod_order(item.signature.0[32..].try_into().unwrap()) + by;
        item.signature.0[32..].copy_from_slice(&s.to_bytes());
    };
    shift(&mut a, Scalar::ONE);
    shift(&mut b, -Scalar::ONE);
    for seed in 0..16 {
        assert!(!verify_batch(&[a.clone(), b.clone()], [seed; 32]));
    }
}

proptest! {
    #[test]
    fn batch_and_single_agree_on_damaged_signatures(at in 0..64_usize, xor in any::<u8>(), seed in any::<[u8; 32]>()) {
        let mut damaged = item(5, b"message");
        damaged.signature.0[at] ^= xor;
        prop_assert_eq!(damaged.verify(), xor == 0);
        prop_assert_eq!(verify_batch(&[item(1, b"x"), damaged.clone()], seed), damaged.verify());
    }

    #[test]
    fn whatever_enters_as_a_key_is_canonical_and_of_full_order(bytes in any::<[u8; 32]>()) {
        if let Ok(key) = PublicKey::from_bytes(&bytes) {
            let point = CompressedEdwardsY(bytes).decompress().unwrap();
            prop_assert_eq!(point.compress().to_bytes(), key.to_bytes());
            prop_assert!(point.is_torsion_free() && !point.is_identity());
        }
    }
}
