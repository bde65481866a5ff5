//! `COSE_Sign1` (RFC 9052 4.2): one signature.

use super::header::Header;
use crate::codec::{CodecError, Reader, Wire, Writer, from_slice, to_vec};
use crate::key::{BatchItem, Kid, PublicKey, SecretKey, Signature};

/// A payload signed by one key: `[protected, {}, payload, signature]`, untagged, unprotected header empty. Its protected header
/// names the algorithm, the key id and the media type (`typ`) of the payload. Decoding does not verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign1 {
    header: Header,
    typ: String,
    payload: Vec<u8>,
    signature: Signature,
}

impl Sign1 {
    /// Signs a payload. `typ` is its media type, at most 64 bytes.
    #[must_use]
    pub fn sign(payload: Vec<u8>, typ: &str, key: &SecretKey) -> Self {
        let header = Header {
            kid: key.public().kid(),
            typ: Some(typ.to_owned()),
        };
        let signature = key.sign(&sig_structure(&header, &payload));
        Self {
            header,
            typ: typ.to_owned(),
            payload,
            signature,
        }
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

    /// The id of the key that is said to have signed. Ids collide: try every key that matches.
    #[must_use]
    pub fn kid(&self) -> Kid {
        self.header.kid
    }

    /// The media type of the payload.
    #[must_use]
    pub fn typ(&self) -> &str {
        &self.typ
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Whether this key, of this key id, signed the message.
    #[must_use]
    pub fn verify(&self, key: &PublicKey) -> bool {
        key.kid() == self.header.kid && key.verify(&sig_structure(&self.header, &self.payload), &self.signature)
    }

    /// What [`Self::verify`] verifies, for a batch; `None` if the key has another key id.
    #[must_use]
    pub fn batch_item(&self, key: &PublicKey) -> Option<BatchItem> {
        let message = sig_structure(&self.header, &self.payload);
        (key.kid() == self.header.kid).then_some(BatchItem {
            key: *key,
            message,
            signature: self.signature,
        })
    }
}

/// `Sig_structure` (RFC 9052 4.4): `["Signature1", protected, h'', payload]`.
fn sig_structure(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(4);
    w.text("Signature1");
    w.bytes(&to_vec(header));
    w.bytes(&[]);
    w.bytes(payload);
    w.into_vec()
}

impl Wire for Sign1 {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.bytes(&to_vec(&self.header));
        w.map(0);
        w.bytes(&self.payload);
        w.wire(&self.signature);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(4)?;
        let header = Header::read(r)?;
        let typ = header.typ.clone().ok_or(CodecError::MissingKey {
            what: "COSE header",
            key: 16,
        })?;
        r.map_len(0)?;
        // Bounded by the whole message, which from_slice has bounded.
        let payload = r.bytes(usize::MAX)?.to_vec();
        Ok(Self {
            header,
            typ,
            payload,
            signature: r.wire()?,
        })
    }
}
