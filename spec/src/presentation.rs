//! Presentations: a certificate with a statement of its holder, who signs a verifier's nonce with the key that the credential
//! names (DESIGN 2, 4.2).
//! Not here: what it is worth (`verify`).

use crate::certificate::{Certificate, MAX_CERTIFICATE};
use crate::codec::{self, CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::cose::Sign1;
use crate::credential::SignedCredential;
use crate::digest::{Digest, Tag};
use crate::id::UnixMillis;
use crate::key::{PublicKey, SecretKey};
use crate::receipt::Evidence;
use crate::renewal::{Renewal, RenewedCertificate};

/// Most bytes of a presentation.
pub const MAX_PRESENTATION: usize = 33_792;
/// Most bytes of the holder's COSE_Sign1.
pub const MAX_PROOF: usize = 512;
/// Most bytes of an audience.
pub const MAX_AUDIENCE: usize = 128;
/// The `typ` of the holder's COSE header.
pub const PRESENTATION_TYP: &str = "concord-presentation+cbor";
/// What the first number of a `.concord` file is where the file is a presentation; 1 is a certificate, 2 a renewed one.
const VERSION: u64 = 3;

/// A number that a verifier draws for one presentation: 8 to 64 bytes; as text hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(Vec<u8>);

impl Nonce {
    /// Fewest bytes.
    pub const MIN: usize = 8;
    /// Most bytes.
    pub const MAX: usize = 64;

    /// A nonce of these bytes; `None` if they are too few or too many.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (Self::MIN..=Self::MAX).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A text that is no nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a nonce has 8 to 64 bytes, written as 16 to 128 hexadecimal digits")]
pub struct NonceError;

impl std::fmt::Display for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl std::str::FromStr for Nonce {
    type Err = NonceError;

    fn from_str(text: &str) -> Result<Self, NonceError> {
        hex::decode(text).ok().and_then(Self::new).ok_or(NonceError)
    }
}

crate::text::serde_as_text!(Nonce);

impl Wire for Nonce {
    fn encode(&self, w: &mut Writer) {
        w.bytes(&self.0);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let bytes = r.bytes(Self::MAX)?.to_vec();
        Self::new(bytes).ok_or(CodecError::Invalid {
            what: "nonce: it is shorter than 8 bytes",
        })
    }
}

/// What a holder says when showing a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Digest of the exact bytes of the certificate.
    certificate: Digest,
    /// The verifier's nonce.
    pub nonce: Nonce,
    /// When it is shown, Unix milliseconds by the holder's clock.
    pub time: UnixMillis,
    /// To whom: 1 to 128 bytes.
    pub audience: Option<String>,
}
wire_array!(Statement version 1 "statement of a holder" {
    certificate,
    nonce,
    time,
    audience: optional_text(MAX_AUDIENCE)
});

/// A certificate with its holder's statement; the signature is not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presentation {
    certificate: Certificate,
    proof: Sign1,
    statement: Statement,
}

impl Presentation {
    /// Shows `certificate` to whoever drew the nonce, with the key that its credential names.
    #[must_use]
    pub fn sign(
        certificate: Certificate,
        nonce: Nonce,
        time: UnixMillis,
        audience: Option<String>,
        key: &SecretKey,
    ) -> Self {
        let statement = Statement {
            certificate: named(&certificate),
            nonce,
            time,
            audience,
        };
        Self {
            certificate,
            proof: Sign1::sign(codec::to_vec(&statement), PRESENTATION_TYP, key),
            statement,
        }
    }

    /// Decodes a presentation of at most [`MAX_PRESENTATION`] bytes.
    ///
    /// # Errors
    /// Not the one encoding of a presentation.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::from_slice(bytes, MAX_PRESENTATION)
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::to_vec(self)
    }

    /// The certificate that is shown.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What the holder says.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Whether `key` signed the statement, under ZIP-215.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.proof.verify(key)
    }

    /// Whether the statement is about this very certificate, with these very claims.
    #[must_use]
    pub fn is_of_its_certificate(&self) -> bool {
        self.statement.certificate == named(&self.certificate)
    }
}

/// A certificate by the digest of its bytes.
fn named(certificate: &Certificate) -> Digest {
    Tag::Presentation.digest(&[&certificate.to_bytes()])
}

impl Wire for Presentation {
    fn encode(&self, w: &mut Writer) {
        w.array(3);
        w.uint(VERSION);
        w.bytes(&self.certificate.to_bytes());
        w.bytes(&self.proof.to_bytes());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(3, VERSION, "certificate")?;
        let certificate = Certificate::from_bytes(r.bytes(MAX_CERTIFICATE)?)?;
        let proof = Sign1::from_bytes(r.bytes(MAX_PROOF)?, MAX_PROOF)?;
        if proof.typ() != PRESENTATION_TYP {
            return Err(CodecError::Invalid {
                what: "presentation: the typ of its proof is another",
            });
        }
        Ok(Self {
            statement: codec::from_slice(proof.payload(), MAX_PROOF)?,
            certificate,
            proof,
        })
    }
}

/// What a `.concord` file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateFile {
    /// A certificate, as the office gave it or with fewer claims.
    Certificate(Box<Certificate>),
    /// A certificate with a renewed receipt.
    Renewed(Box<RenewedCertificate>),
    /// A certificate with its holder's statement.
    Presentation(Box<Presentation>),
}

impl CertificateFile {
    /// Decodes any of them; the first number tells which.
    ///
    /// # Errors
    /// Not the one encoding of a certificate, renewed certificate or presentation.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut first = Reader::new(bytes);
        let version = first.array_len(usize::MAX).and_then(|_| first.uint());
        match version {
            Ok(Renewal::VERSION) => RenewedCertificate::from_file(bytes).map(|read| Self::Renewed(Box::new(read))),
            Ok(VERSION) => Presentation::from_bytes(bytes).map(|read| Self::Presentation(Box::new(read))),
            _ => Certificate::from_bytes(bytes).map(|read| Self::Certificate(Box::new(read))),
        }
    }

    /// The credential that it shows.
    #[must_use]
    pub fn credential(&self) -> &SignedCredential {
        match self {
            Self::Certificate(certificate) => &certificate.credential,
            Self::Renewed(certificate) => &certificate.credential,
            Self::Presentation(presentation) => &presentation.certificate.credential,
        }
    }

    /// The holder's statement with its certificate, if there is one.
    #[must_use]
    pub fn presentation(&self) -> Option<&Presentation> {
        match self {
            Self::Certificate(_) | Self::Renewed(_) => None,
            Self::Presentation(presentation) => Some(presentation),
        }
    }
}
