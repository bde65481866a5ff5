//! The charter: the document that defines a federation; its digest is the chain id (DESIGN 1, 4.4).
//!
//! How regions make it together: each hands over a [`card`], the charter is put together from the cards, its fingerprint is
//! compared in [`words`], and every region signs it ([`signed`]).
//! Not here: what changes afterwards (`ledger`).

pub mod card;
mod signatures;
pub mod signed;
pub mod words;

pub use signatures::{KeySignature, SigningError};

use crate::catalogue::{Label, MAX_LABELS};
use crate::codec::{self, CodecError, fields::wire_array};
use crate::digest::{Digest, Tag};
use crate::id::{ChainName, RegionId, UnixMillis};
use crate::key::bls::{ProofOfPossession, SealPublicKey};
use crate::key::ed25519::PublicKey;
use crate::key::keyring::Keyring;
use crate::seal::{MAX_REGIONS, Member, RegionSet};

/// Most bytes of a charter.
pub const MAX_CHARTER: usize = 1 << 20;

/// A text of at most 128 bytes: an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Multiaddr without the peer id, such as `/ip4/127.0.0.1/tcp/9000`.
    pub multiaddr: String,
}
wire_array!(Address { multiaddr: text(128) });

/// A region and its node, as the charter admits them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharterRegion {
    /// The region's code.
    pub region: RegionId,
    /// Its name by language.
    pub labels: Vec<Label>,
    /// The keyring that speaks for it.
    pub authority: Keyring,
    /// Ed25519 key of its node's votes.
    pub consensus_key: PublicKey,
    /// BLS key of its seal shares.
    pub seal_key: SealPublicKey,
    /// Proof that the region holds the seal key's secret.
    pub possession: ProofOfPossession,
    /// libp2p peer id of its node, base58.
    pub peer_id: String,
    /// Where its node listens.
    pub addresses: Vec<Address>,
}
wire_array!(CharterRegion {
    region,
    labels: list(MAX_LABELS),
    authority,
    consensus_key,
    seal_key,
    possession,
    peer_id: text(64),
    addresses: list(8),
});

/// What all nodes must agree on and a vote may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// Longest time without a block, in milliseconds: 1,000 to 3,600,000.
    pub heartbeat_ms: u64,
}
wire_array!(Parameters { heartbeat_ms });

impl Parameters {
    /// Checks that every parameter is in its range.
    ///
    /// # Errors
    /// [`CharterError::Heartbeat`].
    pub fn check(&self) -> Result<(), CharterError> {
        if (1_000..=3_600_000).contains(&self.heartbeat_ms) {
            Ok(())
        } else {
            Err(CharterError::Heartbeat(self.heartbeat_ms))
        }
    }
}

/// The default heartbeat, 60 s.
pub const DEFAULT_HEARTBEAT_MS: u64 = 60_000;

/// The document that defines a federation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter {
    /// The chain's name.
    pub chain: ChainName,
    /// When the federation begins; the first block is later.
    pub genesis: UnixMillis,
    /// The founding regions by ascending code.
    pub regions: Vec<CharterRegion>,
    /// The parameters at the beginning.
    pub parameters: Parameters,
}
wire_array!(Charter version 1 "charter" { chain, genesis, regions: list(MAX_REGIONS), parameters });

/// Why a charter cannot found a federation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CharterError {
    /// Not the one encoding of a charter.
    #[error("the charter cannot be read: {0}")]
    Unreadable(#[from] CodecError),
    /// Regions out of order or twice, or two that share a key.
    #[error("the charter's regions are out of order, stand twice, or share a key")]
    Regions,
    /// A region does not hold its seal key.
    #[error("region {0} does not prove that it holds its seal key: have it make its card again")]
    Possession(RegionId),
    /// The heartbeat is out of range.
    #[error("the heartbeat must be from 1,000 to 3,600,000 ms, the charter says {0}")]
    Heartbeat(u64),
}

impl Charter {
    /// Decodes a charter and checks it whole.
    ///
    /// # Errors
    /// See [`CharterError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CharterError> {
        let charter: Self = codec::from_slice(bytes, MAX_CHARTER)?;
        charter.check()?;
        Ok(charter)
    }

    /// Checks order, keys, possession and parameters.
    ///
    /// # Errors
    /// See [`CharterError`].
    pub fn check(&self) -> Result<(), CharterError> {
        let ascending = self
            .regions
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.region < b.region));
        if !ascending {
            return Err(CharterError::Regions);
        }
        self.region_set()?;
        let unproved = self
            .regions
            .iter()
            .find(|region| !region.possession.verify(&region.seal_key));
        if let Some(region) = unproved {
            return Err(CharterError::Possession(region.region.clone()));
        }
        self.parameters.check()
    }

    /// The chain id: digest of the unsigned charter, and parent of block 1.
    #[must_use]
    pub fn chain_id(&self) -> Digest {
        Tag::Charter.digest(&[&codec::to_vec(self)])
    }

    /// The founding regions as consensus knows them.
    ///
    /// # Errors
    /// [`CharterError::Regions`].
    pub fn region_set(&self) -> Result<RegionSet, CharterError> {
        let member = |region: &CharterRegion| Member {
            region: region.region.clone(),
            consensus_key: region.consensus_key,
            seal_key: region.seal_key.clone(),
        };
        RegionSet::new(self.regions.iter().map(member).collect()).map_err(|_| CharterError::Regions)
    }

    /// A region of the charter.
    #[must_use]
    pub fn region(&self, id: &RegionId) -> Option<&CharterRegion> {
        self.regions.iter().find(|region| region.region == *id)
    }
}
