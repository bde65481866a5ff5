//! The signed charter: a charter with the signatures of its regions beside it; what nodes and devices are given (DESIGN 4.4).
//!
//! The signatures are no part of what the chain id is taken of: the chain is the same whoever has signed so far.

use super::signatures::{self, KeySignature, SigningError};
use super::{Charter, CharterError, CharterRegion};
use crate::codec::{self, CodecError, fields::wire_array};
use crate::cose::SignatureError;
use crate::digest::Tag;
use crate::id::RegionId;
use crate::key::{Keyring, SecretKey};
use crate::seal::MAX_REGIONS;

/// Most bytes of a signed charter: a charter and sixteen signatures of each region fit.
pub const MAX_SIGNED_CHARTER: usize = 2 << 20;

/// The signatures of one region, by ascending key: at least one, at most as many as its keyring's threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSignatures {
    /// The region.
    pub region: RegionId,
    /// Its signatures so far.
    pub signatures: Vec<KeySignature>,
}
wire_array!(RegionSignatures {
    region,
    signatures: list(Keyring::MAX)
});

/// A charter that checks, and signatures of its regions, each of which verifies. A region has signed once exactly as many keys
/// of its authority have as its keyring demands; until then its signatures are collected here.
/// In CBOR `[1, charter, [* [region, [+ [key, signature]]]]]`, regions ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCharter {
    charter: Charter,
    signed: Vec<RegionSignatures>,
}

/// What stands in the bytes before it is checked.
pub(crate) struct UncheckedSignedCharter {
    charter: Charter,
    signed: Vec<RegionSignatures>,
}
wire_array!(UncheckedSignedCharter version 1 "signed charter" { charter, signed: list(MAX_REGIONS) });

/// Why something is not a signed charter, or cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedCharterError {
    /// Not the one encoding of a signed charter.
    #[error("the signed charter cannot be read: {0}")]
    Unreadable(#[from] CodecError),
    /// The charter in it.
    #[error(transparent)]
    Charter(#[from] CharterError),
    /// Regions that sign stand out of order or twice, or one without a signature.
    #[error("the charter's signatures are out of the order of their regions, or a region stands twice or without one")]
    Order,
    /// A region that the charter does not have.
    #[error("region {0} is not in the charter")]
    Stranger(RegionId),
    /// A signature that must not be there: the charter or the signature was changed.
    #[error("the signature of region {region} does not hold on this charter: {why}")]
    Signatures {
        /// The region.
        region: RegionId,
        /// What is wrong.
        why: SignatureError,
    },
    /// This key cannot sign.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Two charters whose signatures cannot be put together.
    #[error("these are two charters: the fingerprint of one is {one}, of the other {other}")]
    OtherCharter {
        /// The words of the first.
        one: String,
        /// The words of the other.
        other: String,
    },
}

impl SignedCharter {
    /// A charter that nobody has signed yet.
    ///
    /// # Errors
    /// The charter does not check.
    pub fn new(charter: Charter) -> Result<Self, SignedCharterError> {
        charter.check()?;
        Ok(Self {
            charter,
            signed: Vec::new(),
        })
    }

    /// Decodes a signed charter and checks it whole: the charter, and each signature that is there.
    ///
    /// # Errors
    /// See [`SignedCharterError`]. That regions have not signed yet is none: see [`Self::missing`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignedCharterError> {
        let UncheckedSignedCharter { charter, signed } = codec::from_slice(bytes, MAX_SIGNED_CHARTER)?;
        charter.check()?;
        let ascending = signed.is_sorted_by(|a, b| a.region < b.region);
        if !ascending || signed.iter().any(|one| one.signatures.is_empty()) {
            return Err(SignedCharterError::Order);
        }
        for RegionSignatures { region, signatures } in &signed {
            let authority = &member(&charter, region)?.authority;
            let checked = signatures::check(signatures, authority, &message(&charter, region));
            checked.map_err(|why| SignedCharterError::Signatures {
                region: region.clone(),
                why,
            })?;
        }
        Ok(Self { charter, signed })
    }

    /// The one encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::to_vec(&self.unchecked())
    }

    /// Its form in bytes.
    pub(crate) fn unchecked(&self) -> UncheckedSignedCharter {
        UncheckedSignedCharter {
            charter: self.charter.clone(),
            signed: self.signed.clone(),
        }
    }

    /// The charter.
    #[must_use]
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// The charter alone.
    #[must_use]
    pub fn into_charter(self) -> Charter {
        self.charter
    }

    /// The signatures of a region so far, by ascending key.
    #[must_use]
    pub fn signatures(&self, region: &RegionId) -> &[KeySignature] {
        let found = self.signed.binary_search_by(|one| one.region.cmp(region)).ok();
        found
            .and_then(|place| self.signed.get(place))
            .map_or(&[], |one| one.signatures.as_slice())
    }

    /// Whether as many keys of the region's authority have signed as its keyring demands. A region that is not in the charter
    /// has not.
    #[must_use]
    pub fn is_signed_by(&self, region: &RegionId) -> bool {
        let member = self.charter.region(region);
        member.is_some_and(|member| signatures::missing(self.signatures(region), &member.authority) == 0)
    }

    /// The regions that have not signed yet, and how many signatures of each are missing.
    #[must_use]
    pub fn missing(&self) -> Vec<(&RegionId, usize)> {
        let regions = self.charter.regions.iter();
        regions
            .map(|region| {
                let signatures = self.signatures(&region.region);
                (&region.region, signatures::missing(signatures, &region.authority))
            })
            .filter(|(_, missing)| *missing > 0)
            .collect()
    }

    /// Adds the signature of a key of a region's authority.
    ///
    /// # Errors
    /// [`SignedCharterError::Stranger`] or [`SignedCharterError::Signing`].
    pub fn sign(&mut self, region: &RegionId, key: &SecretKey) -> Result<(), SignedCharterError> {
        let authority = &member(&self.charter, region)?.authority;
        let mut collected = self.signatures(region).to_vec();
        signatures::add(&mut collected, authority, &message(&self.charter, region), key)?;
        self.put(region.clone(), collected);
        Ok(())
    }

    /// Takes over the signatures of another copy of the same charter. The outcome does not depend on the order of copies.
    ///
    /// # Errors
    /// [`SignedCharterError::OtherCharter`].
    pub fn merge(&mut self, other: &Self) -> Result<(), SignedCharterError> {
        if self.charter != other.charter {
            return Err(SignedCharterError::OtherCharter {
                one: self.charter.fingerprint().to_string(),
                other: other.charter.fingerprint().to_string(),
            });
        }
        for RegionSignatures { region, signatures } in &other.signed {
            let authority = &member(&self.charter, region)?.authority;
            let mut collected = self.signatures(region).to_vec();
            signatures::merge(&mut collected, signatures, authority);
            self.put(region.clone(), collected);
        }
        Ok(())
    }

    fn put(&mut self, region: RegionId, signatures: Vec<KeySignature>) {
        self.signed.retain(|one| one.region != region);
        self.signed.push(RegionSignatures { region, signatures });
        self.signed.sort_by(|a, b| a.region.cmp(&b.region));
    }
}

fn member<'a>(charter: &'a Charter, region: &RegionId) -> Result<&'a CharterRegion, SignedCharterError> {
    let found = charter.region(region);
    found.ok_or_else(|| SignedCharterError::Stranger(region.clone()))
}

/// The region is named, so that a key in two regions' keyrings signs for one of them only.
fn message(charter: &Charter, region: &RegionId) -> Vec<u8> {
    Tag::CharterSignature.message(&[charter.chain_id().as_bytes(), region.as_str().as_bytes()])
}

#[cfg(test)]
mod tests;
