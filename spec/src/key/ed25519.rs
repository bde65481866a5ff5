//! Ed25519 (RFC 8032; COSE algorithm -19, RFC 9864), verified by the rules of ZIP-215 (DESIGN 4.1).
//!
//! RFC 8032 leaves open what to do with crafted signatures whose points have a small-order part; libraries decide
//! differently, and some accept in a batch what they refuse alone. Nodes that disagree fork. ZIP-215 fixes one answer,
//! the same alone and in a batch. Keys are stricter: a key enters only canonical and of full order.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity;
use ed25519_dalek::{Signer, SigningKey};
use ed25519_zebra::{VerificationKey, VerificationKeyBytes};
use rand_core::{CryptoRng, RngCore};

use super::{KeyError, fixed_bytes};
use crate::digest::{Digest, Tag, sha256};

/// A key id: the first 8 bytes of SHA-256 of the key. Ids collide; try every key that matches (DESIGN 4.2).
pub type Kid = [u8; 8];

/// A secret key, erased when dropped.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of a 32-byte seed (RFC 8032 5.1.5), which must come from a good random source.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The seed, for storing the key.
    #[must_use]
    pub fn seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        // Always canonical and of full order: a clamped scalar is no multiple of the group order.
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a message, deterministically (RFC 8032 5.1.6).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

/// A public key: 32 bytes, canonical and of full order; as text 64 lower-case hexadecimal digits; in CBOR a byte string.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Checks a key.
    ///
    /// # Errors
    /// [`KeyError::Encoding`]: no point, or another encoding of one (y not reduced, sign of a zero x).
    /// [`KeyError::Order`]: the identity, a point of small order, or one with a small-order part.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let what = "Ed25519 public key";
        let point = CompressedEdwardsY(*bytes)
            .decompress()
            .ok_or(KeyError::Encoding { what })?;
        if point.compress().to_bytes() != *bytes {
            return Err(KeyError::Encoding { what });
        }
        if point.is_identity() || !point.is_torsion_free() {
            return Err(KeyError::Order { what });
        }
        Ok(Self(*bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key id.
    #[must_use]
    pub fn kid(&self) -> Kid {
        let Digest([a, b, c, d, e, f, g, h, ..]) = sha256(&[&self.0]);
        [a, b, c, d, e, f, g, h]
    }

    /// Whether this key signed the message, by ZIP-215.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_zebra::Signature::from_bytes(&signature.0);
        VerificationKey::try_from(self.0).is_ok_and(|key| key.verify(&signature, message).is_ok())
    }
}

fixed_bytes!(PublicKey, 32, "Ed25519 public key", PublicKey::from_bytes);

/// A signature: 64 bytes that verify or do not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// The 64 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 64] {
        self.0
    }
}

fixed_bytes!(Signature, 64, "Ed25519 signature", |bytes: &[u8; 64]| Ok(Signature(
    *bytes
)));

/// A signature to be verified together with others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BatchItem {
    /// Whose signature it must be.
    pub key: PublicKey,
    /// The signed bytes; for COSE, the Sig_structure.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Signature,
}

impl BatchItem {
    /// Verifies this one alone.
    #[must_use]
    pub fn verify(&self) -> bool {
        self.key.verify(&self.message, &self.signature)
    }
}

/// Whether every signature verifies, as one sum with random coefficients: 8 us each in large batches instead of 33. Agrees with
/// [`PublicKey::verify`] on each, except with probability 2^-128. An empty batch verifies.
///
/// `seed` must be unpredictable to whoever made the signatures (fresh random bytes): who can predict the coefficients can
/// make forged signatures that cancel each other. All inputs are hashed into the coefficients as well, so that even a
/// repeated seed leaves nothing but trying again and again.
#[must_use]
pub fn verify_batch(items: &[BatchItem], seed: [u8; 32]) -> bool {
    let mut inputs = Vec::with_capacity(items.len().saturating_mul(128));
    let mut batch = ed25519_zebra::batch::Verifier::new();
    for item in items {
        inputs.extend_from_slice(&item.key.0);
        inputs.extend_from_slice(&item.signature.0);
        inputs.extend_from_slice(&sha256(&[&item.message]).0);
        let signature = ed25519_zebra::Signature::from_bytes(&item.signature.0);
        batch.queue((VerificationKeyBytes::from(item.key.0), signature, &item.message));
    }
    items.is_empty()
        || batch
            .verify(Coefficients::new(Tag::SignatureSum.digest(&[&seed, &inputs])))
            .is_ok()
}

/// SHA-256 in counter mode: block i = SHA-256(key || u64be i).
struct Coefficients {
    key: Digest,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Coefficients {
    fn new(key: Digest) -> Self {
        Self {
            key,
            counter: 0,
            block: [0; 32],
            used: 32,
        }
    }

    fn next_byte(&mut self) -> u8 {
        if self.used >= self.block.len() {
            self.block = sha256(&[&self.key.0, &self.counter.to_be_bytes()]).0;
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        let byte = self.block.get(self.used).copied().unwrap_or_default();
        self.used = self.used.saturating_add(1);
        byte
    }
}

impl RngCore for Coefficients {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for byte in dest {
            *byte = self.next_byte();
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Coefficients {}

#[cfg(test)]
mod tests;
