//! SHA-256 digests, the domain tags they are taken under, and the hashes of RFC 9162 trees (DESIGN 4).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::codec::{CodecError, Reader, Wire, Writer};

/// A SHA-256 digest: 32 bytes; as text 64 lower-case hexadecimal digits; in CBOR a byte string.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Thirty-two zero bytes: the digest of nothing that is known.
    pub const ZERO: Self = Self([0; 32]);

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// SHA-256 of the parts one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Digest {
    #[cfg(test)]
    meter::count(parts);
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Digest(hasher.finalize().into())
}

/// How many bytes were hashed: what a test holds against the size of what changed.
#[cfg(test)]
pub(crate) mod meter {
    use std::cell::Cell;

    std::thread_local! {
        static HASHED: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn count(parts: &[&[u8]]) {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        HASHED.set(HASHED.get() + u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Bytes hashed on this thread while `work` ran.
    pub(crate) fn hashed_by<T>(work: impl FnOnce() -> T) -> (T, u64) {
        let before = HASHED.get();
        let done = work();
        (done, HASHED.get() - before)
    }
}

/// What a hash or signature is about. Bytes made for one purpose are never valid for another, because the tag comes first.
/// No tag is the beginning of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// The id of a record: over its payload (DESIGN 4.3).
    Record,
    /// A block hash: over its header (DESIGN 4.4).
    Block,
    /// The part of a header that a certificate carries only as a digest (DESIGN 4.4).
    Rest,
    /// What a seal's shares sign (DESIGN 4.4).
    Seal,
    /// The charter: the chain id.
    Charter,
    /// What a region's authority signs on its card (`charter::card`).
    Card,
    /// What a region's authority signs beside the charter (`charter::signed`).
    CharterSignature,
    /// The root of a state section that is one document (DESIGN 4.5).
    Section,
    /// The regions in force, as headers name them (DESIGN 4.4).
    Regions,
    /// A consensus vote.
    Vote,
    /// A consensus proposal.
    Proposal,
    /// The extension of a precommit: a share of a seal.
    Extension,
    /// A proposed block, streamed in parts.
    Parts,
    /// A body that nodes keep before its block is decided.
    Body,
    /// A detailed reason, salted, of which only the digest is public.
    Reason,
    /// A packed trust bundle (DESIGN 4.7): what a carrier damaged is refused before it is unpacked.
    Bundle,
    /// A claim that a holder may leave out, with its salt, as the signed content names it (`credential::disclosure`).
    Disclosure,
    /// The certificate that its holder presents (`presentation`).
    Presentation,
    /// The coefficients of a sum of seal shares (`key::bls`).
    ShareSum,
    /// The coefficients of a batch of Ed25519 signatures (`key::ed25519`).
    SignatureSum,
}

impl Tag {
    /// Every tag.
    pub const ALL: [Self; 20] = [
        Self::Record,
        Self::Block,
        Self::Rest,
        Self::Seal,
        Self::Charter,
        Self::Card,
        Self::CharterSignature,
        Self::Section,
        Self::Regions,
        Self::Vote,
        Self::Proposal,
        Self::Extension,
        Self::Parts,
        Self::Body,
        Self::Reason,
        Self::Bundle,
        Self::Disclosure,
        Self::Presentation,
        Self::ShareSum,
        Self::SignatureSum,
    ];

    /// The tag's text, whose ASCII bytes come before what is hashed or signed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Record => "concord/record/v1",
            Self::Block => "concord/block/v1",
            Self::Rest => "concord/rest/v1",
            Self::Seal => "concord/seal/v1",
            Self::Charter => "concord/charter/v1",
            Self::Card => "concord/card/v1",
            Self::CharterSignature => "concord/charter-signature/v1",
            Self::Section => "concord/section/v1",
            Self::Regions => "concord/regions/v1",
            Self::Vote => "concord/vote/v1",
            Self::Proposal => "concord/proposal/v1",
            Self::Extension => "concord/extension/v1",
            Self::Parts => "concord/parts/v1",
            Self::Body => "concord/body/v1",
            Self::Reason => "concord/reason/v1",
            Self::Bundle => "concord/bundle/v1",
            Self::Disclosure => "concord/disclosure/v1",
            Self::Presentation => "concord/presentation/v1",
            Self::ShareSum => "concord/share-sum/v1",
            Self::SignatureSum => "concord/signature-sum/v1",
        }
    }

    /// SHA-256 of the tag and the parts, one after the other.
    #[must_use]
    pub fn digest(self, parts: &[&[u8]]) -> Digest {
        #[cfg(test)]
        meter::count(parts);
        let mut hasher = Sha256::new();
        hasher.update(self.as_str());
        for part in parts {
            hasher.update(part);
        }
        Digest(hasher.finalize().into())
    }

    /// The tag and the parts, one after the other: a message to be signed.
    #[must_use]
    pub fn message(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut message = self.as_str().as_bytes().to_vec();
        for part in parts {
            message.extend_from_slice(part);
        }
        message
    }
}

/// Hash of a leaf: SHA-256(0x00 || data) (RFC 9162 2.1.1).
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Digest {
    sha256(&[&[0x00], data])
}

/// Hash of a node over two subtrees: SHA-256(0x01 || left || right) (RFC 9162 2.1.1).
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[0x01], &left.0, &right.0])
}

/// Root of a tree without leaves: SHA-256 of nothing (RFC 9162 2.1.1).
#[must_use]
pub fn empty_root() -> Digest {
    sha256(&[])
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest has 64 lower-case hexadecimal digits")]
pub struct DigestError;

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| DigestError)?;
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(DigestError);
        }
        Ok(Self(bytes))
    }
}

crate::text::serde_as_text!(Digest);

impl Wire for Digest {
    fn encode(&self, w: &mut Writer) {
        w.bytes(&self.0);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.byte_array().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_those_of_rfc_9162() {
        assert_eq!(
            empty_root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            leaf_hash(b"").to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            node_hash(&leaf_hash(b""), &leaf_hash(&[0])).to_string(),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
    }

    #[test]
    fn no_tag_begins_another() {
        for (i, a) in Tag::ALL.iter().enumerate() {
            for (j, b) in Tag::ALL.iter().enumerate() {
                assert!(i == j || !a.as_str().starts_with(b.as_str()), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_digest_has_one_text() {
        let digest = sha256(&[b"a", b"b"]);
        assert_eq!(digest, sha256(&[b"ab"]));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.to_string().to_uppercase().parse::<Digest>(), Err(DigestError));
        assert_eq!("00".parse::<Digest>(), Err(DigestError));
    }
}
