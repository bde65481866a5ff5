//! Disclosures: claims that a holder may leave out (DESIGN 4.2), carried as SD-CWT does beside what is signed.
//!
//! The signed content has a digest for each, so that whoever holds the credential can leave disclosures out of it and change
//! neither its signature nor its leaf; the salt keeps a digest from telling the value by trial.

use crate::catalogue::FIRST_OWN_KEY;
use crate::codec::{self, CodecError, Reader, Wire, Writer};
use crate::content::{ClaimValue, Content};
use crate::digest::{Digest, Tag};
use std::collections::BTreeMap;

/// Random bytes of one claim; the issuer takes fresh ones for each.
pub type Salt = [u8; 16];

/// Salts for the claims that the holder may leave out, by key.
pub type Salts = BTreeMap<u64, Salt>;

/// Most bytes of a disclosure: the longest text with its salt and the longest key.
const MAX_DISCLOSURE: usize = 1_054;

/// A claim with its salt: `[salt, value, key]`, as SD-CWT has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    salt: Salt,
    value: ClaimValue,
    key: u64,
}

impl Disclosure {
    /// Its key, 100 or more.
    #[must_use]
    pub fn key(&self) -> u64 {
        self.key
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &ClaimValue {
        &self.value
    }

    /// What the signed content has of it.
    fn digest(&self) -> Digest {
        Tag::Disclosure.digest(&[&codec::to_vec(self)])
    }
}

impl Wire for Disclosure {
    fn encode(&self, w: &mut Writer) {
        w.array(3);
        w.bytes(&self.salt);
        w.wire(&self.value);
        w.uint(self.key);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(3)?;
        let disclosure = Self {
            salt: r.byte_array()?,
            value: r.wire()?,
            key: r.uint()?,
        };
        if disclosure.key < FIRST_OWN_KEY {
            return Err(CodecError::Invalid {
                what: "disclosure: its key is that of a common claim",
            });
        }
        Ok(disclosure)
    }
}

/// Takes the claims that have a salt out of the content, and leaves their digests there.
pub(super) fn take_out(content: &mut Content, salts: &Salts) -> Vec<Disclosure> {
    let taken = salts.iter().filter_map(|(&key, &salt)| {
        let value = content.own.remove(&key)?;
        Some(Disclosure { salt, value, key })
    });
    let disclosures: Vec<Disclosure> = taken.collect();
    content.selective.extend(disclosures.iter().map(Disclosure::digest));
    content.selective.sort_unstable();
    disclosures
}

/// Reads disclosures and holds them against the content that was signed: ascending by key, none of a claim that stands there
/// openly, each with its digest there.
pub(super) fn read(disclosures: &[Vec<u8>], content: &Content) -> Result<Vec<Disclosure>, CodecError> {
    let mut read: Vec<Disclosure> = Vec::new();
    for bytes in disclosures {
        let disclosure: Disclosure = codec::from_slice(bytes, MAX_DISCLOSURE)?;
        let wrong = if read.last().is_some_and(|before| before.key >= disclosure.key) {
            Some("order of disclosures: their keys do not ascend")
        } else if content.own.contains_key(&disclosure.key) {
            Some("disclosure: the claim stands in the content too")
        } else if content.selective.binary_search(&disclosure.digest()).is_err() {
            Some("disclosure: its digest is not in the content")
        } else {
            None
        };
        if let Some(what) = wrong {
            return Err(CodecError::Invalid { what });
        }
        read.push(disclosure);
    }
    Ok(read)
}
