//! BLS12-381 with 48-byte signatures and 96-byte keys, for seals (DESIGN 4.1, 4.4): suite
//! `BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_` of draft-irtf-cfrg-bls-signature.
//! Not here: what is signed (`seal`).

use blst::BLST_ERROR;
use blst::min_sig::{AggregatePublicKey, AggregateSignature, PublicKey, SecretKey, Signature};

use super::{KeyError, fixed_bytes};
use crate::digest::{Digest, Tag};

/// Domain of signatures.
const SIGN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
/// Domain of proofs of possession.
const POSSESS: &[u8] = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
/// Bits of a coefficient in [`verify_shares`].
const COEFFICIENT_BITS: usize = 128;

/// A seal's secret key, erased when dropped.
#[derive(Clone)]
pub struct SealSecretKey(SecretKey);

impl SealSecretKey {
    /// The key of 32 bytes of a good random source (`KeyGen` of the draft, without salt or info).
    ///
    /// # Errors
    /// None for 32 bytes; [`KeyError::Encoding`] stands for the library's refusal.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, KeyError> {
        let seed = zeroize::Zeroizing::new(seed);
        SecretKey::key_gen(&*seed, &[])
            .map(Self)
            .map_err(|_| KeyError::Encoding {
                what: "seal secret key",
            })
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> SealPublicKey {
        let point = self.0.sk_to_pk();
        SealPublicKey {
            bytes: point.compress(),
            point,
        }
    }

    /// Proves that whoever publishes the public key holds this key. Without it, a key computed from the others' keys could
    /// sign "for all of them" (rogue keys).
    #[must_use]
    pub fn prove_possession(&self) -> ProofOfPossession {
        ProofOfPossession(self.0.sign(&self.public().bytes, POSSESS, &[]).compress())
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> SealShare {
        SealShare(self.0.sign(message, SIGN, &[]).compress())
    }
}

impl std::fmt::Debug for SealSecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealSecretKey(of {})", self.public())
    }
}

/// A seal's public key: 96 bytes, a compressed point of the right group, not infinity. Checked once, when it enters; the
/// parsed point is kept, so that verifying never decompresses again.
#[derive(Clone)]
pub struct SealPublicKey {
    bytes: [u8; 96],
    point: PublicKey,
}

impl SealPublicKey {
    /// Checks a key.
    ///
    /// # Errors
    /// [`KeyError::Encoding`], or [`KeyError::Order`] for infinity and points of another group.
    pub fn from_bytes(bytes: &[u8; 96]) -> Result<Self, KeyError> {
        let what = "seal public key";
        let point = PublicKey::uncompress(bytes).map_err(|_| KeyError::Encoding { what })?;
        point.validate().map_err(|_| KeyError::Order { what })?;
        if point.compress() != *bytes {
            return Err(KeyError::Encoding { what });
        }
        Ok(Self { bytes: *bytes, point })
    }

    /// The 96 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 96] {
        self.bytes
    }
}

fixed_bytes!(SealPublicKey, 96, "seal public key", SealPublicKey::from_bytes);

impl PartialEq for SealPublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for SealPublicKey {}

impl PartialOrd for SealPublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SealPublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl std::hash::Hash for SealPublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

macro_rules! signature_bytes {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 48]);

        impl $name {
            /// The 48 bytes.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 48] {
                self.0
            }

            /// The point, if it is one of the right group and not infinity.
            fn point(&self) -> Result<Signature, KeyError> {
                let point = Signature::uncompress(&self.0).map_err(|_| KeyError::Encoding { what: $what })?;
                point.validate(true).map_err(|_| KeyError::Order { what: $what })?;
                Ok(point)
            }
        }

        fixed_bytes!($name, 48, $what, |bytes: &[u8; 48]| Ok($name(*bytes)));
    };
}

signature_bytes!(
    /// A proof that a seal key's owner holds the secret key: 48 bytes, over the compressed public key.
    ProofOfPossession,
    "proof of possession"
);
signature_bytes!(
    /// One region's part of a seal: 48 bytes that verify or do not.
    SealShare,
    "seal share"
);
signature_bytes!(
    /// The sum of shares over one message: 48 bytes that verify or do not.
    SealSignature,
    "seal signature"
);

impl ProofOfPossession {
    /// Whether the owner of `key` made this proof.
    #[must_use]
    pub fn verify(&self, key: &SealPublicKey) -> bool {
        verify(&self.point(), &key.bytes, POSSESS, &key.point)
    }
}

/// Whether `key` signed the message.
#[must_use]
pub fn verify_share(key: &SealPublicKey, message: &[u8], share: &SealShare) -> bool {
    verify(&share.point(), message, SIGN, &key.point)
}

/// Whether every share over one message verifies, as one sum. No shares verify.
///
/// A plain sum of shares would only show that the sum is right: two wrong shares, `s1 + d` and `s2 - d`, would cancel, be
/// taken for good, and spoil whichever seal holds only one of them. So each share and its key are multiplied by a coefficient
/// of 128 bits that is derived from all inputs: who changes a share changes every coefficient. A forger may try as many
/// inputs as he can hash, hence 128 bits and not 64.
#[must_use]
pub fn verify_shares(message: &[u8], shares: &[(&SealPublicKey, &SealShare)]) -> bool {
    if shares.is_empty() {
        return true;
    }
    let Ok(points) = shares
        .iter()
        .map(|(_, share)| share.point())
        .collect::<Result<Vec<_>, _>>()
    else {
        return false;
    };
    let keys: Vec<PublicKey> = shares.iter().map(|(key, _)| key.point).collect();
    let coefficients = coefficients(message, shares);
    let key = AggregatePublicKey::aggregate_with_randomness(&keys, &coefficients, COEFFICIENT_BITS, false);
    let sum = AggregateSignature::aggregate_with_randomness(&points, &coefficients, COEFFICIENT_BITS, false);
    match (key, sum) {
        (Ok(key), Ok(sum)) => verify(&Ok(sum.to_signature()), message, SIGN, &key.to_public_key()),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// Sixteen bytes a share: the first half of SHA-256(tag || digest of all inputs || u64be index).
fn coefficients(message: &[u8], shares: &[(&SealPublicKey, &SealShare)]) -> Vec<u8> {
    let mut inputs = Vec::with_capacity(shares.len().saturating_mul(144));
    for (key, share) in shares {
        inputs.extend_from_slice(&key.bytes);
        inputs.extend_from_slice(&share.0);
    }
    let all = Tag::ShareSum.digest(&[&inputs, message]);
    let mut coefficients = Vec::with_capacity(shares.len().saturating_mul(16));
    for (index, _) in (0_u64..).zip(shares) {
        let Digest(bytes) = Tag::ShareSum.digest(&[&all.0, &index.to_be_bytes()]);
        coefficients.extend(bytes.iter().take(COEFFICIENT_BITS / 8));
    }
    coefficients
}

/// Adds up shares over one message. It does not verify them; the sum is as good as the worst of them.
///
/// # Errors
/// [`KeyError::NoShares`], or a share that is no point of the group.
pub fn aggregate(shares: &[SealShare]) -> Result<SealSignature, KeyError> {
    let points = shares.iter().map(SealShare::point).collect::<Result<Vec<_>, _>>()?;
    let points: Vec<&Signature> = points.iter().collect();
    let sum = AggregateSignature::aggregate(&points, false).map_err(|_| KeyError::NoShares)?;
    Ok(SealSignature(sum.to_signature().compress()))
}

/// Whether each of `keys` signed the message. Safe only for keys whose possession was proved. The caller makes sure that no
/// key is counted twice. No keys verify nothing.
#[must_use]
pub fn verify_aggregate(keys: &[&SealPublicKey], message: &[u8], signature: &SealSignature) -> bool {
    let points: Vec<&PublicKey> = keys.iter().map(|key| &key.point).collect();
    AggregatePublicKey::aggregate(&points, false)
        .is_ok_and(|key| verify(&signature.point(), message, SIGN, &key.to_public_key()))
}

fn verify(signature: &Result<Signature, KeyError>, message: &[u8], domain: &[u8], key: &PublicKey) -> bool {
    // Keys and signatures were checked for their group when they were parsed.
    signature
        .as_ref()
        .is_ok_and(|point| point.verify(false, message, domain, &[], key, false) == BLST_ERROR::BLST_SUCCESS)
}

#[cfg(test)]
mod tests;
