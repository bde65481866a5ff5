//! `COSE_Sign` (RFC 9052 4.1): the signatures of a keyring.

use super::header::Header;
use crate::codec::{CodecError, Reader, Wire, Writer, from_slice, to_vec};
use crate::key::{BatchItem, Keyring, Kid, PublicKey, SecretKey, Signature};

/// A payload signed by keys of one keyring: `[h'', {}, payload, [+ [protected, {}, signature]]]`, untagged, both unprotected
/// headers empty, the body's protected header empty (nothing in it could be changed and re-signed by some only), each signer's
/// naming algorithm and key id. Signatures stand in the ascending order of their public keys. Decoding does not verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    payload: Vec<u8>,
    signatures: Vec<(Kid, Signature)>,
}

/// Why a message does not carry what its keyring demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Fewer signatures than the threshold.
    #[error("{got} signatures, {need} are needed")]
    TooFew {
        /// Signatures on the message.
        got: usize,
        /// The threshold.
        need: usize,
    },
    /// More signatures than the threshold.
    #[error("more signatures than the keyring's threshold")]
    TooMany,
    /// Signatures out of the order of their keys, or one key twice.
    #[error("signatures do not ascend by key, each once")]
    NotAscending,
    /// A signature by a key that is not in the keyring.
    #[error("a signature is by a key that is not in the keyring")]
    UnknownKey,
    /// A signature that does not verify.
    #[error("a signature does not verify")]
    Forged,
}

impl Signed {
    /// Most signatures: as many as a keyring has keys.
    pub const MAX_SIGNATURES: usize = Keyring::MAX;

    /// Signs a payload with each key.
    #[must_use]
    pub fn sign(payload: Vec<u8>, keys: &[&SecretKey]) -> Self {
        let mut keys: Vec<(PublicKey, &SecretKey)> = keys.iter().map(|key| (key.public(), *key)).collect();
        keys.sort_unstable_by_key(|(public, _)| *public);
        let signatures = keys
            .iter()
            .map(|(public, key)| signature_of(&payload, public, key))
            .collect();
        Self { payload, signatures }
    }

    /// Decodes a message of at most `max` bytes.
    ///
    /// # Errors
    /// Anything but the one encoding of a message of this profile.
    pub fn from_bytes(bytes: &[u8], max: usize) -> Result<Self, CodecError> {
        from_slice(bytes, max)
    }

    /// The one encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        to_vec(self)
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Key ids and signatures, in the order of the message.
    #[must_use]
    pub fn signatures(&self) -> &[(Kid, Signature)] {
        &self.signatures
    }

    /// Adds the signature of one more key of the keyring, in its place: for messages that go from hand to hand.
    ///
    /// # Errors
    /// [`SignatureError::UnknownKey`] if the key is not in the keyring, [`SignatureError::NotAscending`] if it has signed
    /// already; and what is wrong with the signatures that are there.
    pub fn add_signature(&mut self, key: &SecretKey, keyring: &Keyring) -> Result<(), SignatureError> {
        let public = key.public();
        if !keyring.contains(&public) {
            return Err(SignatureError::UnknownKey);
        }
        let signers: Vec<PublicKey> = self.resolve(keyring)?.into_iter().map(|item| item.key).collect();
        match signers.binary_search(&public) {
            Ok(_) => Err(SignatureError::NotAscending),
            Err(place) => {
                self.signatures.insert(place, signature_of(&self.payload, &public, key));
                Ok(())
            }
        }
    }

    /// Whose signatures it carries, each verified, however many the threshold is: for messages that go from hand to hand.
    ///
    /// # Errors
    /// [`SignatureError::UnknownKey`], [`SignatureError::NotAscending`] or [`SignatureError::Forged`].
    pub fn signers(&self, keyring: &Keyring) -> Result<Vec<PublicKey>, SignatureError> {
        let items = self.resolve(keyring)?;
        if items.iter().all(BatchItem::verify) {
            Ok(items.into_iter().map(|item| item.key).collect())
        } else {
            Err(SignatureError::Forged)
        }
    }

    /// Checks number, order and membership, and says what is left to verify, so that many messages can go into one batch.
    ///
    /// # Errors
    /// Anything but exactly as many signatures as the threshold, each by another key of the keyring, ascending.
    /// [`SignatureError::Forged`] only where key ids collide within the keyring and no candidate verifies.
    pub fn check(&self, keyring: &Keyring) -> Result<Vec<BatchItem>, SignatureError> {
        let (got, need) = (self.signatures.len(), keyring.threshold());
        match got.cmp(&need) {
            std::cmp::Ordering::Less => Err(SignatureError::TooFew { got, need }),
            std::cmp::Ordering::Greater => Err(SignatureError::TooMany),
            std::cmp::Ordering::Equal => self.resolve(keyring),
        }
    }

    /// Checks and verifies everything.
    ///
    /// # Errors
    /// As [`Self::check`], and [`SignatureError::Forged`].
    pub fn verify(&self, keyring: &Keyring) -> Result<(), SignatureError> {
        let items = self.check(keyring)?;
        if items.iter().all(BatchItem::verify) {
            Ok(())
        } else {
            Err(SignatureError::Forged)
        }
    }

    /// Finds each signature's key.
    fn resolve(&self, keyring: &Keyring) -> Result<Vec<BatchItem>, SignatureError> {
        let mut items: Vec<BatchItem> = Vec::with_capacity(self.signatures.len());
        for (kid, signature) in &self.signatures {
            let matching: Vec<&PublicKey> = keyring.keys().iter().filter(|key| key.kid() == *kid).collect();
            if matching.is_empty() {
                return Err(SignatureError::UnknownKey);
            }
            let last = items.last().map(|item| item.key);
            let item = |key: &&PublicKey| BatchItem {
                key: **key,
                message: sig_structure(kid, &self.payload),
                signature: *signature,
            };
            let candidates: Vec<BatchItem> = matching
                .iter()
                .filter(|key| last.is_none_or(|last| ***key > last))
                .map(item)
                .collect();
            items.push(choose(candidates)?);
        }
        Ok(items)
    }
}

/// The key of a signature among those that have its key id and come after the key before. As a rule there is one, and whether
/// it verifies is left to the batch. Where ids collide within a keyring, the first that verifies is it: no signature verifies
/// under two keys, since the key is hashed into what is signed.
fn choose(mut candidates: Vec<BatchItem>) -> Result<BatchItem, SignatureError> {
    match candidates.len() {
        0 => Err(SignatureError::NotAscending),
        1 => candidates.pop().ok_or(SignatureError::NotAscending),
        _ => candidates
            .into_iter()
            .find(BatchItem::verify)
            .ok_or(SignatureError::Forged),
    }
}

fn signature_of(payload: &[u8], public: &PublicKey, key: &SecretKey) -> (Kid, Signature) {
    let kid = public.kid();
    (kid, key.sign(&sig_structure(&kid, payload)))
}

fn signer_header(kid: &Kid) -> Vec<u8> {
    to_vec(&Header { kid: *kid, typ: None })
}

/// `Sig_structure` (RFC 9052 4.4): `["Signature", body_protected, sign_protected, h'', payload]`.
fn sig_structure(kid: &Kid, payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(5);
    w.text("Signature");
    w.bytes(&[]);
    w.bytes(&signer_header(kid));
    w.bytes(&[]);
    w.bytes(payload);
    w.into_vec()
}

impl Wire for Signed {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.bytes(&[]);
        w.map(0);
        w.bytes(&self.payload);
        w.array(self.signatures.len());
        for (kid, signature) in &self.signatures {
            w.array(3);
            w.bytes(&signer_header(kid));
            w.map(0);
            w.wire(signature);
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(4)?;
        r.bytes(0)?;
        r.map_len(0)?;
        // Bounded by the whole message, which from_slice has bounded.
        let payload = r.bytes(usize::MAX)?.to_vec();
        let count = r.array_len(Self::MAX_SIGNATURES)?;
        let mut signatures = Vec::new();
        for _ in 0..count {
            r.array(3)?;
            let header = Header::read(r)?;
            if header.typ.is_some() {
                return Err(CodecError::UnknownKey {
                    what: "COSE signer header",
                    found: 16,
                });
            }
            r.map_len(0)?;
            signatures.push((header.kid, r.wire()?));
        }
        Ok(Self { payload, signatures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids of eight bytes cannot be made to collide in a test, so the choice among keys that match is tested by itself.
    #[test]
    fn among_keys_of_one_id_the_one_that_verifies_is_the_signer() {
        let [a, b, c] = [1, 2, 3].map(|n| SecretKey::from_seed([n; 32]));
        let signature = b.sign(b"message");
        let item = |key: &SecretKey| BatchItem {
            key: key.public(),
            message: b"message".to_vec(),
            signature,
        };
        assert_eq!(choose(vec![item(&a), item(&b)]).map(|item| item.key), Ok(b.public()));
        assert_eq!(choose(vec![item(&a), item(&c)]), Err(SignatureError::Forged));
        assert_eq!(
            choose(vec![item(&a)]).map(|item| item.key),
            Ok(a.public()),
            "left to the batch"
        );
        assert_eq!(choose(vec![]), Err(SignatureError::NotAscending));
    }
}
