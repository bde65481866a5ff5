//! The signatures of an authority's keyring on a document that goes from hand to hand: none at first, exactly k at the end.

use crate::codec::fields::wire_array;
use crate::cose::SignatureError;
use crate::key::{Keyring, PublicKey, SecretKey, Signature};

/// A signature and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySignature {
    /// The key.
    pub key: PublicKey,
    /// Its signature.
    pub signature: Signature,
}
wire_array!(KeySignature { key, signature });

/// Why a key cannot sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The key is not in the keyring.
    #[error("key {0} is not of the authority of this region")]
    NotOfAuthority(PublicKey),
    /// The key has signed.
    #[error("key {0} has signed already")]
    Already(PublicKey),
    /// Exactly as many keys as the threshold sign.
    #[error("as many keys of the authority have signed as its keyring demands; no more may")]
    Enough,
}

/// Whether the signatures that are there are good: ascending by key, each of another key of the keyring, at most as many as
/// its threshold, and each verifies.
pub(super) fn check(signatures: &[KeySignature], keyring: &Keyring, message: &[u8]) -> Result<(), SignatureError> {
    if signatures.len() > keyring.threshold() {
        return Err(SignatureError::TooMany);
    }
    if !signatures.is_sorted_by(|a, b| a.key < b.key) {
        return Err(SignatureError::NotAscending);
    }
    if !signatures.iter().all(|signature| keyring.contains(&signature.key)) {
        return Err(SignatureError::UnknownKey);
    }
    if signatures.iter().all(|one| one.key.verify(message, &one.signature)) {
        Ok(())
    } else {
        Err(SignatureError::Forged)
    }
}

/// How many signatures are missing.
pub(super) fn missing(signatures: &[KeySignature], keyring: &Keyring) -> usize {
    keyring.threshold().saturating_sub(signatures.len())
}

/// Adds the signature of one more key, in its place.
pub(super) fn add(
    signatures: &mut Vec<KeySignature>,
    keyring: &Keyring,
    message: &[u8],
    secret: &SecretKey,
) -> Result<(), SigningError> {
    let key = secret.public();
    if !keyring.contains(&key) {
        return Err(SigningError::NotOfAuthority(key));
    }
    let Err(place) = signatures.binary_search_by_key(&key, |one| one.key) else {
        return Err(SigningError::Already(key));
    };
    if missing(signatures, keyring) == 0 {
        return Err(SigningError::Enough);
    }
    let signature = secret.sign(message);
    signatures.insert(place, KeySignature { key, signature });
    Ok(())
}

/// Takes over the signatures of another copy. Of more than the keyring signs with, the first by key stay: so the outcome does
/// not depend on the order in which copies are merged.
pub(super) fn merge(signatures: &mut Vec<KeySignature>, others: &[KeySignature], keyring: &Keyring) {
    signatures.extend_from_slice(others);
    signatures.sort_by_key(|one| one.key);
    signatures.dedup_by_key(|one| one.key);
    signatures.truncate(keyring.threshold());
}
