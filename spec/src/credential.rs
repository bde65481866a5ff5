//! Credentials: a CWT claims set (RFC 8392) in a COSE_Sign1 (RFC 9052), signed by the key of its series (DESIGN 4.2).
//! Not here: proof that it is on the ledger (`receipt`, `certificate`).

mod disclosure;

pub use disclosure::{Disclosure, Salt, Salts};

use crate::catalogue::TypeRef;
use crate::codec::{self, CodecError, Reader, Wire, Writer};
use crate::content::{ClaimValue, Content};
use crate::cose::{Disclosing, Sign1};
use crate::digest::{Digest, leaf_hash};
use crate::id::{ChainName, CredentialId, OfficeId};
use crate::key::ed25519::{PublicKey, SecretKey};
use std::collections::BTreeMap;

/// Most bytes of a signed credential.
pub const MAX_CREDENTIAL: usize = 16_384;

/// The `typ` of the COSE header: the media type without its `application/` (RFC 9596 section 2), as every byte is printed.
pub const CREDENTIAL_TYP: &str = "concord-credential+cwt";

/// CWT claim keys: RFC 8392 section 4, `cnf` RFC 8747, `vct` as in SD-CWT, and our private one for the content.
mod claim {
    pub(super) const ISS: i64 = 1;
    pub(super) const EXP: i64 = 4;
    pub(super) const NBF: i64 = 5;
    pub(super) const IAT: i64 = 6;
    pub(super) const CTI: i64 = 7;
    pub(super) const CNF: i64 = 8;
    pub(super) const VCT: i64 = 11;
    pub(super) const CONTENT: i64 = -65_537;
}

/// Who issued: `chain/region/office` in the claim `iss`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The federation's chain name.
    pub chain: ChainName,
    /// The office, with its region.
    pub office: OfficeId,
}

impl std::fmt::Display for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.chain, self.office)
    }
}

impl std::str::FromStr for Issuer {
    type Err = CodecError;
    fn from_str(text: &str) -> Result<Self, CodecError> {
        let refuse = || CodecError::Invalid {
            what: "issuer, written as chain/region/office",
        };
        let (chain, office) = text.split_once('/').ok_or_else(refuse)?;
        Ok(Self {
            chain: ChainName::new(chain).map_err(|_| refuse())?,
            office: office.parse().map_err(|_| refuse())?,
        })
    }
}

/// What an office certifies, and when its software signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Claim `iss`.
    pub issuer: Issuer,
    /// Claim `iat`: Unix seconds at which the software signed; not a legal date.
    pub issued_at: u64,
    /// Claim `nbf`: Unix seconds at which the first day of validity begins in the office's zone.
    pub not_before: i64,
    /// Claim `exp`: Unix seconds at which the last day is over; `None` without end.
    pub expires: Option<i64>,
    /// Claim `cti`.
    pub id: CredentialId,
    /// Claim `vct`.
    pub vct: TypeRef,
    /// Claim `cnf`: a key with which the holder can show that it is theirs.
    pub holder_key: Option<PublicKey>,
    /// The certified content.
    pub content: Content,
}

const MAX_NAME: usize = 96;

impl Wire for Credential {
    fn encode(&self, w: &mut Writer) {
        let optional = [self.expires.is_some(), self.holder_key.is_some()];
        w.map(optional.iter().filter(|present| **present).count().saturating_add(6));
        w.int(claim::ISS);
        w.text(&self.issuer.to_string());
        if let Some(expires) = self.expires {
            w.int(claim::EXP);
            w.int(expires);
        }
        w.int(claim::NBF);
        w.int(self.not_before);
        w.int(claim::IAT);
        w.uint(self.issued_at);
        w.int(claim::CTI);
        w.bytes(&self.id.cti_bytes());
        if let Some(key) = &self.holder_key {
            w.int(claim::CNF);
            w.wire(key);
        }
        w.int(claim::VCT);
        w.text(&self.vct.to_string());
        w.int(claim::CONTENT);
        w.wire(&self.content);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut partial = Partial::default();
        for _ in 0..r.map_len(8)? {
            let key = r.int()?;
            partial.read(key, r)?;
        }
        partial.complete()
    }
}

#[derive(Default)]
struct Partial {
    issuer: Option<Issuer>,
    issued_at: Option<u64>,
    not_before: Option<i64>,
    expires: Option<i64>,
    id: Option<CredentialId>,
    vct: Option<TypeRef>,
    holder_key: Option<PublicKey>,
    content: Option<Content>,
}

impl Partial {
    fn read(&mut self, key: i64, r: &mut Reader<'_>) -> Result<(), CodecError> {
        match key {
            claim::ISS => self.issuer = Some(r.text(MAX_NAME)?.parse()?),
            claim::EXP => self.expires = Some(r.int()?),
            claim::NBF => self.not_before = Some(r.int()?),
            claim::IAT => self.issued_at = Some(r.uint()?),
            claim::CTI => {
                let id = CredentialId::from_cti(r.bytes(12)?);
                self.id = Some(id.ok_or(CodecError::Invalid { what: "cti" })?);
            }
            claim::CNF => self.holder_key = Some(r.wire()?),
            claim::VCT => self.vct = Some(r.text(MAX_NAME)?.parse()?),
            claim::CONTENT => self.content = Some(r.wire()?),
            found => {
                return Err(CodecError::UnknownKey {
                    what: "credential",
                    found,
                });
            }
        }
        Ok(())
    }

    fn complete(self) -> Result<Credential, CodecError> {
        let missing = |key: i64| CodecError::MissingKey {
            what: "credential",
            key,
        };
        Ok(Credential {
            issuer: self.issuer.ok_or_else(|| missing(claim::ISS))?,
            issued_at: self.issued_at.ok_or_else(|| missing(claim::IAT))?,
            not_before: self.not_before.ok_or_else(|| missing(claim::NBF))?,
            expires: self.expires,
            id: self.id.ok_or_else(|| missing(claim::CTI))?,
            vct: self.vct.ok_or_else(|| missing(claim::VCT))?,
            holder_key: self.holder_key,
            content: self.content.ok_or_else(|| missing(claim::CONTENT))?,
        })
    }
}

/// A credential with its signature; the signature is not yet checked against a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCredential {
    credential: Credential,
    envelope: Sign1,
    disclosures: Vec<Disclosure>,
    bytes: Vec<u8>,
}

impl SignedCredential {
    /// Signs `credential` with its series' key; its holder can leave out nothing.
    #[must_use]
    pub fn sign(credential: Credential, key: &SecretKey) -> Self {
        Self::sign_selective(credential, &Salts::new(), key)
    }

    /// Signs `credential` with its series' key; its holder can leave out the claims that have a salt.
    #[must_use]
    pub fn sign_selective(mut credential: Credential, salts: &Salts, key: &SecretKey) -> Self {
        let disclosures = disclosure::take_out(&mut credential.content, salts);
        let envelope = Sign1::sign(codec::to_vec(&credential), CREDENTIAL_TYP, key);
        Self::of(credential, envelope, disclosures)
    }

    fn of(credential: Credential, envelope: Sign1, disclosures: Vec<Disclosure>) -> Self {
        let carried = Disclosing {
            envelope,
            disclosures: disclosures.iter().map(codec::to_vec).collect(),
        };
        let bytes = carried.to_bytes();
        Self {
            credential,
            envelope: carried.envelope,
            disclosures,
            bytes,
        }
    }

    /// Decodes a COSE_Sign1 of at most [`MAX_CREDENTIAL`] bytes.
    ///
    /// # Errors
    /// Not the one encoding of a credential.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let Disclosing { envelope, disclosures } = Disclosing::from_bytes(bytes, MAX_CREDENTIAL)?;
        if envelope.typ() != CREDENTIAL_TYP {
            return Err(CodecError::Invalid {
                what: "credential: its typ is another",
            });
        }
        let credential: Credential = codec::from_slice(envelope.payload(), MAX_CREDENTIAL)?;
        Ok(Self {
            disclosures: disclosure::read(&disclosures, &credential.content)?,
            credential,
            envelope,
            bytes: bytes.to_vec(),
        })
    }

    /// What is signed: of the claims that its holder may leave out, the digests only. See [`Self::claims`].
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The type's own claims that it shows, by key, whether its holder may leave them out or not.
    #[must_use]
    pub fn claims(&self) -> BTreeMap<u64, &ClaimValue> {
        let open = self.credential.content.own.iter().map(|(key, value)| (*key, value));
        let disclosed = self.disclosures.iter().map(|shown| (shown.key(), shown.value()));
        open.chain(disclosed).collect()
    }

    /// The claims that it shows and that its holder may leave out, ascending by key.
    #[must_use]
    pub fn disclosures(&self) -> &[Disclosure] {
        &self.disclosures
    }

    /// How many claims its holder has left out.
    #[must_use]
    pub fn hidden(&self) -> usize {
        let all = self.credential.content.selective.len();
        all.saturating_sub(self.disclosures.len())
    }

    /// The same credential with only those of its disclosures whose key `shows`: signature and leaf stay as they are.
    #[must_use]
    pub fn showing(&self, shows: impl Fn(u64) -> bool) -> Self {
        let kept = self.disclosures.iter().filter(|disclosure| shows(disclosure.key()));
        Self::of(self.credential.clone(), self.envelope.clone(), kept.cloned().collect())
    }

    /// The COSE_Sign1.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Leaf hash in its batch's tree (DESIGN 4.4): SHA-256(0x00 || COSE_Sign1 with an empty unprotected header).
    #[must_use]
    pub fn leaf(&self) -> Digest {
        if self.disclosures.is_empty() {
            leaf_hash(&self.bytes)
        } else {
            leaf_hash(&self.envelope.to_bytes())
        }
    }

    /// Whether `key` signed it, under ZIP-215.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        // The key id is a hint that can collide; the signature decides.
        self.envelope.kid() == key.kid() && self.envelope.verify(key)
    }
}
