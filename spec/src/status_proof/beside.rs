//! What stands beside a status proof, where both are presented as one: in a code, or handed on by a program.

use crate::certificate::MAX_CERTIFICATE;
use crate::codec::{self, CodecError, Reader, Wire, Writer};
use crate::credential::MAX_CREDENTIAL;

use super::MAX_STATUS_PROOF;

/// Beginning of a code that holds a credential or certificate with a status proof.
pub const STATUS_PREFIX: &str = "CC3:";
/// Most bytes of both.
pub const MAX_WITH_STATUS: usize = MAX_CERTIFICATE + MAX_STATUS_PROOF + 16;

/// What the status is of; not decoded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// A credential alone.
    Credential(Vec<u8>),
    /// A certificate.
    Certificate(Vec<u8>),
}

/// A credential or certificate with a status proof, neither of them decoded yet: what is wrong with the one says nothing about
/// the other. In CBOR `[1, kind, credential or certificate, proof]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithStatus {
    /// What the status is of.
    pub carried: Carried,
    /// The proof.
    pub proof: Vec<u8>,
}

impl Wire for WithStatus {
    fn encode(&self, w: &mut Writer) {
        let (kind, bytes) = match &self.carried {
            Carried::Credential(bytes) => (0, bytes),
            Carried::Certificate(bytes) => (1, bytes),
        };
        w.array(4);
        w.uint(1);
        w.uint(kind);
        w.bytes(bytes);
        w.bytes(&self.proof);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(4, 1, "certificate with a status proof")?;
        let carried = match r.uint()? {
            0 => Carried::Credential(r.bytes(MAX_CREDENTIAL)?.to_vec()),
            1 => Carried::Certificate(r.bytes(MAX_CERTIFICATE)?.to_vec()),
            other => {
                return Err(CodecError::UnknownKey {
                    what: "what a status proof is beside",
                    found: i64::try_from(other).unwrap_or(i64::MAX),
                });
            }
        };
        Ok(Self {
            carried,
            proof: r.bytes(MAX_STATUS_PROOF)?.to_vec(),
        })
    }
}

impl WithStatus {
    /// Decodes at most [`MAX_WITH_STATUS`] bytes.
    ///
    /// # Errors
    /// Not the one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::from_slice(bytes, MAX_WITH_STATUS)
    }

    /// The one encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::to_vec(self)
    }

    /// The text of the code: `CC3:` and base45.
    #[must_use]
    pub fn code_text(&self) -> String {
        format!("{STATUS_PREFIX}{}", base45::encode(self.to_bytes()))
    }
}
