//! Keys, signatures, keyrings (`spec/text/keys.md`).

use super::Error;
use concord_spec::codec::{Writer, to_vec};
use concord_spec::key::bls::{SealSecretKey, SealShare, aggregate};
use concord_spec::key::ed25519::{PublicKey, SecretKey};
use concord_spec::key::keyring::Keyring;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity as _;
use curve25519_dalek::{EdwardsPoint, Scalar};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

const MESSAGE: &[u8] = b"concord";

/// Encodings that are no key.
const NO_KEYS: [(&str, &str); 6] = [
    (
        "y = p + 1, the identity again",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ),
    (
        "y = p",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ),
    (
        "the identity with the sign of a zero x",
        "0100000000000000000000000000000000000000000000000000000000000080",
    ),
    (
        "y = p - 1 with the sign of a zero x",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ),
    (
        "no point",
        "0200000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "y = p + 3",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ),
];

fn key(n: u8) -> SecretKey {
    SecretKey::from_seed([n; 32])
}

fn seal_key(n: u8) -> Result<SealSecretKey, Error> {
    Ok(SealSecretKey::from_seed([n; 32])?)
}

/// `keys.json`
pub(super) fn file() -> Result<Value, Error> {
    Ok(json!({
        "about": "Seeds, keys, signatures. `result`: accept, or the KeyError (keyrings: CodecError) with which it is refused.",
        "ed25519_signing": ed25519_signing(),
        "ed25519_keys": ed25519_keys()?,
        "ed25519_verify": ed25519_verify()?,
        "keyrings": keyrings()?,
        "seal_signing": seal_signing()?,
        "seal_keys": seal_keys()?,
        "possession": possession()?,
        "shares": shares()?,
        "aggregates": aggregates()?,
    }))
}

fn ed25519_signing() -> Vec<Value> {
    let vector = |n: u8| {
        let key = key(n);
        json!({ "seed": hex::encode([n; 32]), "key": key.public(), "kid": hex::encode(key.public().kid()),
                "message": hex::encode(MESSAGE), "signature": key.sign(MESSAGE) })
    };
    (1..=3).map(vector).collect()
}

fn point_of(key: &PublicKey) -> Result<EdwardsPoint, Error> {
    let point = CompressedEdwardsY(key.to_bytes()).decompress();
    point.ok_or_else(|| "a key is no point".into())
}

fn ed25519_keys() -> Result<Vec<Value>, Error> {
    let vector = |name: &str, bytes: String, result: &str| json!({ "name": name, "key": bytes, "result": result });
    let mut all = vec![vector("a key", key(1).public().to_string(), "accept")];
    all.extend(NO_KEYS.map(|(name, bytes)| vector(name, bytes.to_owned(), "Encoding")));
    for (index, torsion) in EIGHT_TORSION.iter().enumerate() {
        let small = hex::encode(torsion.compress().to_bytes());
        all.push(vector(&format!("small-order point {index}"), small, "Order"));
        if !torsion.is_identity() {
            let mixed = (point_of(&key(1).public())? + torsion).compress().to_bytes();
            all.push(vector(
                &format!("a key plus small-order point {index}"),
                hex::encode(mixed),
                "Order",
            ));
        }
    }
    Ok(all)
}

/// The signature of key 3 whose R is `nonce` * B plus `torsion`, written as `encoding` if given.
fn crafted(nonce: Scalar, torsion: EdwardsPoint, encoding: Option<[u8; 32]>) -> String {
    let point = ED25519_BASEPOINT_POINT * nonce + torsion;
    let r = encoding.unwrap_or_else(|| point.compress().to_bytes());
    let hash = Sha512::new()
        .chain_update(r)
        .chain_update(key(3).public().as_bytes())
        .chain_update(MESSAGE);
    let s = nonce + Scalar::from_hash(hash) * ed25519_dalek::SigningKey::from_bytes(&[3; 32]).to_scalar();
    hex::encode([r, s.to_bytes()].concat())
}

/// S with the group order added: the same scalar, not reduced.
fn unreduced(signature: [u8; 64]) -> Result<Vec<u8>, Error> {
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")?;
    let (r, s) = signature.split_at(32);
    let (mut sum, mut carry) = (r.to_vec(), 0_u16);
    for (byte, add) in s.iter().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        sum.extend(carry.to_le_bytes().first());
        carry >>= 8;
    }
    Ok(sum)
}

fn ed25519_verify() -> Result<Vec<Value>, Error> {
    let vector = |name: &str, message: &[u8], signature: String, valid: bool| json!({ "name": name, "key": key(3).public(), "message": hex::encode(message), "signature": signature, "valid": valid });
    let good = key(3).sign(MESSAGE);
    let mut no_point = good.to_bytes();
    for (at, byte) in no_point.iter_mut().take(32).enumerate() {
        *byte = if at == 0 { 2 } else { 0 };
    }
    let identity = hex::decode("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")?;
    let identity: [u8; 32] = identity.try_into().map_err(|_| "32 bytes")?;
    let [first, ..] = EIGHT_TORSION;
    let mut all = vec![
        vector("RFC 8032", MESSAGE, good.to_string(), true),
        vector("another message", b"discord", good.to_string(), false),
        vector("another key's", MESSAGE, key(4).sign(MESSAGE).to_string(), false),
        vector("S + L", MESSAGE, hex::encode(unreduced(good.to_bytes())?), false),
        vector("R is no point", MESSAGE, hex::encode(no_point), false),
        vector(
            "R is the identity, y written as p + 1",
            MESSAGE,
            crafted(Scalar::ZERO, first, Some(identity)),
            true,
        ),
    ];
    for (index, torsion) in EIGHT_TORSION.into_iter().enumerate() {
        let name = format!("R with small-order point {index} (ZIP-215)");
        all.push(vector(
            &name,
            MESSAGE,
            crafted(Scalar::from(77_u8), torsion, None),
            true,
        ));
    }
    Ok(all)
}

fn keyrings() -> Result<Vec<Value>, Error> {
    let good = Keyring::new(2, vec![key(1).public(), key(2).public(), key(3).public()])?;
    let written = |threshold: u64, keys: &[PublicKey]| {
        let mut w = Writer::new();
        w.array(2);
        w.uint(threshold);
        w.array(keys.len());
        keys.iter().for_each(|key| w.wire(key));
        w.into_vec()
    };
    let descending: Vec<PublicKey> = good.keys().iter().rev().copied().collect();
    let many: Vec<PublicKey> = (1..=17).map(|n| key(n).public()).collect();
    let cases = [
        ("two of three", to_vec(&good), "accept"),
        ("a threshold of none", written(0, good.keys()), "Invalid"),
        ("a threshold of more than there are", written(4, good.keys()), "Invalid"),
        ("keys out of order", written(2, &descending), "Invalid"),
        (
            "a key twice",
            written(1, &[key(1).public(), key(1).public()]),
            "Invalid",
        ),
        ("no keys", written(1, &[]), "Invalid"),
        ("seventeen keys", written(1, &many), "OverBound"),
    ];
    let vector = |(name, bytes, result): &(&str, Vec<u8>, &str)| json!({ "name": name, "hex": hex::encode(bytes), "result": result });
    Ok(cases.iter().map(vector).collect())
}

fn seal_signing() -> Result<Vec<Value>, Error> {
    let vector = |n: u8| {
        let key = seal_key(n)?;
        Ok(
            json!({ "seed": hex::encode([n; 32]), "key": key.public(), "possession": key.prove_possession(),
                   "message": hex::encode(MESSAGE), "share": key.sign(MESSAGE) }),
        )
    };
    (1..=3).map(vector).collect()
}

/// The first point of the curve of G2 whose x is a small number: not in the group of prime order.
const OUTSIDE_G2_X: u8 = 2;

fn seal_keys() -> Result<Vec<Value>, Error> {
    let good = seal_key(1)?.public().to_bytes();
    let first_and_last = |first: u8, last: u8| {
        let middle = [0; 94];
        [&[first], &middle[..], &[last]].concat()
    };
    let uncompressed: Vec<u8> = good
        .iter()
        .enumerate()
        .map(|(at, byte)| if at == 0 { byte & 0x7f } else { *byte })
        .collect();
    let cases = [
        ("a key", good.to_vec(), "accept"),
        ("infinity", first_and_last(0xc0, 0), "Order"),
        ("a point of another group", first_and_last(0x80, OUTSIDE_G2_X), "Order"),
        ("zeros", vec![0; 96], "Encoding"),
        ("the flag of compression missing", uncompressed, "Encoding"),
    ];
    let vector = |(name, bytes, result): &(&str, Vec<u8>, &str)| json!({ "name": name, "key": hex::encode(bytes), "result": result });
    Ok(cases.iter().map(vector).collect())
}

fn possession() -> Result<Vec<Value>, Error> {
    let (one, two) = (seal_key(1)?, seal_key(2)?);
    let cases = [
        ("its own", one.prove_possession().to_string(), true),
        ("another key's", two.prove_possession().to_string(), false),
        (
            "a share over the key, of another domain",
            one.sign(&one.public().to_bytes()).to_string(),
            false,
        ),
    ];
    let vector = |(name, proof, valid): &(&str, String, bool)| json!({ "name": name, "key": one.public(), "possession": proof, "valid": valid });
    Ok(cases.iter().map(vector).collect())
}

/// The same point with the other sign.
fn negated(share: SealShare) -> SealShare {
    let mut bytes = share.to_bytes();
    if let Some(first) = bytes.first_mut() {
        *first ^= 0x20;
    }
    SealShare(bytes)
}

fn shares() -> Result<Vec<Value>, Error> {
    let key = seal_key(1)?;
    let mut infinity = [0; 48];
    if let Some(first) = infinity.first_mut() {
        *first = 0xc0;
    }
    let cases = [
        ("its own", key.sign(MESSAGE), true),
        ("of another message", key.sign(b"discord"), false),
        ("of another key", seal_key(2)?.sign(MESSAGE), false),
        ("of the other sign", negated(key.sign(MESSAGE)), false),
        ("infinity", SealShare(infinity), false),
        ("zeros", SealShare([0; 48]), false),
    ];
    let vector = |(name, share, valid): &(&str, SealShare, bool)| json!({ "name": name, "key": key.public(), "message": hex::encode(MESSAGE), "share": share, "valid": valid });
    Ok(cases.iter().map(vector).collect())
}

fn aggregates() -> Result<Vec<Value>, Error> {
    let keys = [seal_key(1)?, seal_key(2)?, seal_key(3)?];
    let sum = aggregate(&keys.each_ref().map(|key| key.sign(MESSAGE)))?;
    let [one, two, three] = keys.each_ref().map(SealSecretKey::public);
    let cases = [
        ("its signers", vec![&one, &two, &three], MESSAGE, true),
        ("its signers in another order", vec![&three, &one, &two], MESSAGE, true),
        ("one signer fewer", vec![&one, &two], MESSAGE, false),
        ("one signer twice", vec![&one, &two, &three, &three], MESSAGE, false),
        ("nobody", vec![], MESSAGE, false),
        ("another message", vec![&one, &two, &three], b"discord", false),
    ];
    let vector = |(name, keys, message, valid): &(&str, Vec<_>, &[u8], bool)| json!({ "name": name, "keys": keys, "message": hex::encode(message), "signature": sum, "valid": valid });
    Ok(cases.iter().map(vector).collect())
}
