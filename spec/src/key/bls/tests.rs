use super::*;
use crate::codec::{CodecError, from_slice, to_vec};

fn key(n: u8) -> SealSecretKey {
    SealSecretKey::from_seed([n; 32]).unwrap()
}

/// The same point with the other sign.
fn negated(share: &SealShare) -> SealShare {
    let mut bytes = share.0;
    bytes[0] ^= 0x20;
    SealShare(bytes)
}

fn sum(shares: &[SealShare]) -> SealShare {
    SealShare(aggregate(shares).unwrap().0)
}

#[test]
fn a_share_verifies_with_its_key_and_message_only() {
    let share = key(1).sign(b"message");
    assert!(verify_share(&key(1).public(), b"message", &share));
    assert!(!verify_share(&key(2).public(), b"message", &share));
    assert!(!verify_share(&key(1).public(), b"massage", &share));
    assert!(!verify_share(&key(1).public(), b"message", &negated(&share)));
    assert!(!verify_share(&key(1).public(), b"message", &SealShare([0; 48])));
}

#[test]
fn possession_is_proved_for_the_own_key_only() {
    let proof = key(1).prove_possession();
    assert!(proof.verify(&key(1).public()));
    assert!(!proof.verify(&key(2).public()));
    // A share over the key's bytes is of another domain.
    assert!(!ProofOfPossession(key(1).sign(&key(1).public().to_bytes()).0).verify(&key(1).public()));
}

#[test]
fn infinity_and_points_of_other_groups_are_no_keys() {
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    assert!(SealPublicKey::from_bytes(&infinity).is_err());
    let outside = (0..=255_u8).find_map(|x| {
        let mut bytes = [0; 96];
        (bytes[0], bytes[95]) = (0x80, x);
        PublicKey::uncompress(&bytes).is_ok().then_some(bytes)
    });
    let order = KeyError::Order {
        what: "seal public key",
    };
    assert_eq!(SealPublicKey::from_bytes(&outside.unwrap()), Err(order));
    assert_eq!(
        SealPublicKey::from_bytes(&[0; 96]),
        Err(KeyError::Encoding {
            what: "seal public key"
        })
    );
    // The first byte's flags: not compressed.
    let mut bytes = key(1).public().to_bytes();
    bytes[0] &= 0x7f;
    assert!(SealPublicKey::from_bytes(&bytes).is_err());
    let wire = [vec![0x58, 96], infinity.to_vec()].concat();
    assert_eq!(
        from_slice::<SealPublicKey>(&wire, 98),
        Err(CodecError::Invalid {
            what: "seal public key"
        })
    );
}

#[test]
fn infinity_and_points_of_other_groups_are_no_signatures() {
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    let outside = (0..=255_u8).find_map(|x| {
        let mut bytes = [0; 48];
        (bytes[0], bytes[47]) = (0x80, x);
        Signature::uncompress(&bytes)
            .is_ok_and(|point| point.validate(true).is_err())
            .then_some(bytes)
    });
    for bytes in [infinity, outside.unwrap()] {
        assert!(matches!(aggregate(&[SealShare(bytes)]), Err(KeyError::Order { .. })));
        assert!(!verify_share(&key(1).public(), b"m", &SealShare(bytes)));
        assert!(!verify_shares(b"m", &[(&key(1).public(), &SealShare(bytes))]));
    }
}

#[test]
fn an_aggregate_verifies_for_exactly_its_signers() {
    let keys: Vec<SealPublicKey> = (1..=4).map(|n| key(n).public()).collect();
    let shares: Vec<SealShare> = (1..=3).map(|n| key(n).sign(b"m")).collect();
    let seal = aggregate(&shares).unwrap();
    let of = |which: &[usize]| which.iter().map(|i| &keys[*i]).collect::<Vec<_>>();
    assert!(verify_aggregate(&of(&[0, 1, 2]), b"m", &seal));
    assert!(verify_aggregate(&of(&[2, 0, 1]), b"m", &seal));
    for other in [&[0, 1][..], &[0, 1, 3], &[0, 1, 2, 3], &[0, 1, 2, 2], &[]] {
        assert!(!verify_aggregate(&of(other), b"m", &seal), "{other:?}");
    }
    assert!(!verify_aggregate(&of(&[0, 1, 2]), b"n", &seal));
    assert_eq!(aggregate(&[]), Err(KeyError::NoShares));
}

#[test]
fn shares_are_checked_as_one_sum() {
    let keys: Vec<SealPublicKey> = (0..40).map(|n| key(n).public()).collect();
    let mut shares: Vec<SealShare> = (0..40).map(|n| key(n).sign(b"m")).collect();
    let check = |shares: &[SealShare]| verify_shares(b"m", &keys.iter().zip(shares).collect::<Vec<_>>());
    assert!(check(&shares) && check(&shares[..1]) && check(&[]));
    shares[33] = key(33).sign(b"n");
    assert!(!check(&shares) && check(&shares[..33]));
}

#[test]
fn two_bad_shares_that_cancel_in_a_plain_sum_are_refused() {
    let (a, b, d) = (key(1).sign(b"m"), key(2).sign(b"m"), key(9).sign(b"else"));
    let (bad_a, bad_b) = (sum(&[a, d]), sum(&[b, negated(&d)]));
    let keys = [key(1).public(), key(2).public()];
    let plain = aggregate(&[bad_a, bad_b]).unwrap();
    assert!(verify_aggregate(&[&keys[0], &keys[1]], b"m", &plain), "they do cancel");
    assert!(verify_shares(b"m", &[(&keys[0], &a), (&keys[1], &b)]));
    assert!(!verify_shares(b"m", &[(&keys[0], &bad_a), (&keys[1], &bad_b)]));
    // Nor does exchanging the shares of two regions pass.
    assert!(!verify_shares(b"m", &[(&keys[0], &b), (&keys[1], &a)]));
}

#[test]
fn keys_and_signatures_survive_text_and_cbor() {
    let (public, share) = (key(1).public(), key(1).sign(b"m"));
    assert_eq!(public.to_string().parse(), Ok(public.clone()));
    assert_eq!(from_slice(&to_vec(&public), 98), Ok(public));
    assert_eq!(share.to_string().parse(), Ok(share));
    assert_eq!(from_slice(&to_vec(&share), 50), Ok(share));
    assert_eq!(
        from_slice::<SealShare>(&to_vec(&key(1).public()), 98),
        Err(CodecError::WrongLength {
            expected: 48,
            found: 96
        })
    );
}
