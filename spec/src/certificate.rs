//! Certificates: a credential with its receipt, as a holder carries it (DESIGN 4.8).
//! Not here: whether it is genuine (`verify`), pictures of codes (the client).

use crate::codec::{self, CodecError, Reader, Wire, Writer};
use crate::credential::{MAX_CREDENTIAL, SignedCredential};
use crate::digest::Digest;
use crate::merkle;
use crate::receipt::{Evidence, HashPath, Receipt, ReceiptError};
use crate::seal::Seal;

/// Most bytes of a certificate file.
pub const MAX_CERTIFICATE: usize = 32_768;
/// Media type of a certificate file.
pub const CERTIFICATE_MEDIA_TYPE: &str = "application/concord-certificate+cbor";
/// Ending of a certificate file.
pub const CERTIFICATE_EXTENSION: &str = "concord";
/// Beginning of a code that holds a certificate.
pub const CERTIFICATE_PREFIX: &str = "CC1:";
/// Beginning of a small code that holds a credential alone.
pub const CREDENTIAL_PREFIX: &str = "CC0:";
/// Beginning of a code that this version does not read.
pub const RESERVED_PREFIX: &str = "CC2:";

/// Credential, path in its batch, and receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate<E = Seal> {
    /// The credential.
    pub credential: SignedCredential,
    /// From its leaf to the batch root.
    pub batch_path: HashPath,
    /// The receipt of its batch.
    pub receipt: Receipt<E>,
}

impl<E: Evidence> Wire for Certificate<E> {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.uint(E::VERSION);
        w.bytes(self.credential.bytes());
        w.wire(&self.batch_path);
        w.wire(&self.receipt);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(4, E::VERSION, "certificate")?;
        Ok(Self {
            credential: SignedCredential::from_bytes(r.bytes(MAX_CREDENTIAL)?)?,
            batch_path: r.wire()?,
            receipt: r.wire()?,
        })
    }
}

impl Certificate {
    /// Decodes a certificate of version 1, of at most [`MAX_CERTIFICATE`] bytes.
    ///
    /// # Errors
    /// Not the one encoding of a certificate.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::from_slice(bytes, MAX_CERTIFICATE)
    }

    /// The text of the code: `CC1:` and base45 (RFC 9285). A renewed certificate has none.
    #[must_use]
    pub fn code_text(&self) -> String {
        format!("{CERTIFICATE_PREFIX}{}", base45::encode(self.to_bytes()))
    }
}

impl<E: Evidence> Certificate<E> {
    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::to_vec(self)
    }

    /// The batch root that the credential's leaf and path lead to; its place follows from its number.
    ///
    /// # Errors
    /// [`ReceiptError::Path`] when the number is not in the batch or the path does not fit.
    pub fn batch_root(&self) -> Result<Digest, ReceiptError> {
        let wrong = ReceiptError::Path("credential");
        let essence = &self.receipt.essence;
        let id = self.credential.credential().id;
        if id.series != essence.series {
            return Err(wrong);
        }
        let index = id.number.0.checked_sub(essence.first.0).ok_or_else(|| wrong.clone())?;
        let root = merkle::root_from_path(self.credential.leaf(), index, essence.count, &self.batch_path.0);
        root.map_err(|_| wrong)
    }
}

/// The text of a small code: `CC0:` and base45 of the credential alone.
#[must_use]
pub fn credential_code_text(credential: &SignedCredential) -> String {
    format!("{CREDENTIAL_PREFIX}{}", base45::encode(credential.bytes()))
}
