//! Records: signed statements on the ledger (DESIGN 4.3).
//! Not here: whether they are allowed (`ledger`).

mod action;
mod governance;
mod office;
mod series;

pub(crate) use action::ISSUE_KIND;
pub use action::{Action, Nothing};
pub use governance::{
    Change, Domain, MAX_ADDRESSES, MAX_OBSERVERS, NodeKeys, Observer, Observers, ReplaceKeyring, SucceedRegion,
    VersionChange, Versioned, Vote, Withdraw,
};
pub use office::{
    AmendOffice, Delegate, MAX_TYPES, OfficeChange, OfficeLevel, RegisterOffice, Scope, SetOffice, SucceedOffice,
};
pub use series::{
    Issue, MAX_BATCH, MAX_BLOCK_CHUNKS, MAX_RANGES, MAX_RECORD_CHUNKS, NumberRange, OpenSeries, SetStatus,
    StatusChange, Successor,
};

use crate::codec::{self, CodecError, Reader, Wire, Writer};
use crate::cose::{SignatureError, Signed};
use crate::digest::{Digest, Tag};
use crate::id::{DomainId, OfficeId, RegionId, UnixMillis};
use crate::key::ed25519::SecretKey;
use crate::key::keyring::Keyring;

/// Most bytes of a signed record.
pub const MAX_RECORD: usize = 65_536;

/// Id of a record: digest of its payload, so that signing again makes no new record.
pub type RecordId = Digest;

/// In whose name a record speaks; its keyring signs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// A region's authority.
    Region(RegionId),
    /// A domain authority.
    Domain(DomainId),
    /// An office.
    Office(OfficeId),
    /// Nobody: the record proves itself, and nobody signs it.
    Nobody,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Region(region) => write!(f, "region {region}"),
            Self::Domain(domain) => write!(f, "domain authority {domain}"),
            Self::Office(office) => write!(f, "office {office}"),
            Self::Nobody => f.write_str("nobody"),
        }
    }
}

impl Actor {
    /// The region it belongs to, if it belongs to one.
    #[must_use]
    pub fn region(&self) -> Option<&RegionId> {
        match self {
            Self::Region(region) => Some(region),
            Self::Office(office) => Some(&office.region),
            Self::Domain(_) | Self::Nobody => None,
        }
    }
}

impl Wire for Actor {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        match self {
            Self::Region(region) => {
                w.uint(0);
                w.wire(region);
            }
            Self::Domain(domain) => {
                w.uint(1);
                w.wire(domain);
            }
            Self::Office(office) => {
                w.uint(2);
                w.wire(office);
            }
            Self::Nobody => {
                w.uint(3);
                w.null();
            }
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        match r.uint()? {
            0 => Ok(Self::Region(r.wire()?)),
            1 => Ok(Self::Domain(r.wire()?)),
            2 => Ok(Self::Office(r.wire()?)),
            3 => {
                r.null()?;
                Ok(Self::Nobody)
            }
            other => Err(CodecError::UnknownKey {
                what: "actor",
                found: i64::try_from(other).unwrap_or(i64::MAX),
            }),
        }
    }
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The chain it is for.
    pub chain_id: Digest,
    /// Latest block time at which it may enter the ledger.
    pub not_after: UnixMillis,
    /// Tells statements apart that are otherwise the same.
    pub nonce: [u8; 16],
    /// In whose name.
    pub actor: Actor,
    /// What is to happen.
    pub action: Action,
}

impl Wire for Payload {
    fn encode(&self, w: &mut Writer) {
        w.array(6);
        w.uint(1);
        w.wire(&self.chain_id);
        w.wire(&self.not_after);
        w.bytes(&self.nonce);
        w.wire(&self.actor);
        w.wire(&self.action);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(6, 1, "record")?;
        Ok(Self {
            chain_id: r.wire()?,
            not_after: r.wire()?,
            nonce: r.byte_array()?,
            actor: r.wire()?,
            action: r.wire()?,
        })
    }
}

/// A record with its signatures, decoded; the signatures are not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRecord {
    id: RecordId,
    payload: Payload,
    envelope: Signed,
    bytes: Vec<u8>,
}

impl SignedRecord {
    /// Signs with all of `keys`; the ledger wants exactly as many as the actor's threshold.
    #[must_use]
    pub fn sign(payload: Payload, keys: &[&SecretKey]) -> Self {
        let encoded = codec::to_vec(&payload);
        let id = Tag::Record.digest(&[&encoded]);
        let envelope = Signed::sign(encoded, keys);
        let bytes = envelope.to_bytes();
        Self {
            id,
            payload,
            envelope,
            bytes,
        }
    }

    /// Decodes a COSE_Sign of at most [`MAX_RECORD`] bytes.
    ///
    /// # Errors
    /// Not the one encoding of a record.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let envelope = Signed::from_bytes(bytes, MAX_RECORD)?;
        let payload = codec::from_slice(envelope.payload(), MAX_RECORD)?;
        let id = Tag::Record.digest(&[envelope.payload()]);
        Ok(Self {
            id,
            payload,
            envelope,
            bytes: bytes.to_vec(),
        })
    }

    /// Adds the signature of one more key of the actor's keyring: for records that go from hand to hand.
    ///
    /// # Errors
    /// [`SignatureError::TooMany`] when it carries as many as the threshold already; else as [`Signed::add_signature`].
    pub fn add_signature(&mut self, key: &SecretKey, keyring: &Keyring) -> Result<(), SignatureError> {
        if self.envelope.signatures().len() >= keyring.threshold() {
            return Err(SignatureError::TooMany);
        }
        self.envelope.add_signature(key, keyring)?;
        self.bytes = self.envelope.to_bytes();
        Ok(())
    }

    /// SHA-256 over tag and payload.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// What is signed.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The signatures.
    #[must_use]
    pub fn envelope(&self) -> &Signed {
        &self.envelope
    }

    /// The COSE_Sign.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_signed_one_after_the_other_up_to_the_threshold_and_stays_the_same_record() {
        let [a, b, c, stranger] = [1, 2, 3, 9].map(|n| SecretKey::from_seed([n; 32]));
        let ring = Keyring::new(2, vec![a.public(), b.public(), c.public()]).unwrap();
        let payload = Payload {
            chain_id: Digest([7; 32]),
            not_after: UnixMillis(1),
            nonce: [0; 16],
            actor: Actor::Region(RegionId::new("110000").unwrap()),
            action: Action::CancelRotation(Nothing),
        };
        let mut passed = SignedRecord::sign(payload.clone(), &[]);
        let id = passed.id();
        assert_eq!(passed.add_signature(&stranger, &ring), Err(SignatureError::UnknownKey));
        passed.add_signature(&b, &ring).unwrap();
        assert_eq!(passed.add_signature(&b, &ring), Err(SignatureError::NotAscending));
        // From hand to hand, as a file.
        let mut passed = SignedRecord::from_bytes(passed.bytes()).unwrap();
        passed.add_signature(&a, &ring).unwrap();
        assert_eq!(passed.add_signature(&c, &ring), Err(SignatureError::TooMany));
        assert_eq!((passed.id(), passed.envelope().verify(&ring)), (id, Ok(())));
        assert_eq!(passed, SignedRecord::sign(payload, &[&a, &b]));
        assert_eq!(SignedRecord::from_bytes(passed.bytes()).unwrap(), passed);
    }
}
