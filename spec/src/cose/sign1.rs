//! `COSE_Sign1` (RFC 9052 4.2): one signature.

use super::header::Header;
use crate::codec::{CodecError, Reader, Wire, Writer, from_slice, to_vec};
use crate::key::{BatchItem, Kid, PublicKey, SecretKey, Signature};

/// A payload signed by one key: `[protected, {}, payload, signature]`, untagged, unprotected header empty but for disclosures. Its protected header
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
        let (header, typ) = Self::head(r)?;
        r.map_len(0)?;
        Self::rest(r, header, typ)
    }
}

impl Sign1 {
    fn head(r: &mut Reader<'_>) -> Result<(Header, String), CodecError> {
        r.array(4)?;
        let header = Header::read(r)?;
        let typ = header.typ.clone().ok_or(CodecError::MissingKey {
            what: "COSE header",
            key: 16,
        })?;
        Ok((header, typ))
    }

    fn rest(r: &mut Reader<'_>, header: Header, typ: String) -> Result<Self, CodecError> {
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

/// `sd_claims` of SD-CWT in the unprotected header: what the payload has only as digests.
const SD_CLAIMS: i64 = 17;
/// Most disclosures of one message, and most bytes of one.
const MAX_DISCLOSURES: usize = 64;
const MAX_DISCLOSURE: usize = 1_100;

/// A message of one key with byte strings in its unprotected header, `{17: [+ bstr]}`; without any that is `{}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosing {
    /// What is signed.
    pub envelope: Sign1,
    /// What stands beside it: at most 64 of at most 1,100 bytes.
    pub disclosures: Vec<Vec<u8>>,
}

impl Disclosing {
    /// Decodes a message of at most `max` bytes.
    ///
    /// # Errors
    /// Anything but the one encoding of a message of this profile.
    pub fn from_bytes(bytes: &[u8], max: usize) -> Result<Self, CodecError> {
        from_slice(bytes, max)
    }

    /// The one encoding; without disclosures it is that of the message itself.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        to_vec(self)
    }
}

impl Wire for Disclosing {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.bytes(&to_vec(&self.envelope.header));
        if self.disclosures.is_empty() {
            w.map(0);
        } else {
            w.map(1);
            w.int(SD_CLAIMS);
            w.array(self.disclosures.len());
            self.disclosures.iter().for_each(|disclosure| w.bytes(disclosure));
        }
        w.bytes(&self.envelope.payload);
        w.wire(&self.envelope.signature);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (header, typ) = Sign1::head(r)?;
        let mut disclosures = Vec::new();
        // At most one header, and it is this one.
        if r.map_len(1)? == 1 {
            match r.int()? {
                SD_CLAIMS => {}
                found => {
                    return Err(CodecError::UnknownKey {
                        what: "unprotected COSE header",
                        found,
                    });
                }
            }
            for _ in 0..r.array_len(MAX_DISCLOSURES)? {
                disclosures.push(r.bytes(MAX_DISCLOSURE)?.to_vec());
            }
        }
        Ok(Self {
            envelope: Sign1::rest(r, header, typ)?,
            disclosures,
        })
    }
}
