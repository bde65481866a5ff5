//! Seals: the quorum certificate of a block, one BLS signature of more than two thirds of the regions (DESIGN 4.4).
//! Not here: what a block is (`block`), who may be a region (`ledger`).

use crate::codec::{CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::digest::{Digest, Tag};
use crate::id::{Height, RegionId};
use crate::key::bls::{SealPublicKey, SealShare, SealSignature, aggregate, verify_aggregate};
use crate::key::ed25519::PublicKey;

/// Most regions of a federation.
pub const MAX_REGIONS: usize = 256;

/// The scheme byte: BLS12-381 min-sig aggregate over one message.
const SCHEME_BLS: u64 = 1;

/// A region as consensus knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The region.
    pub region: RegionId,
    /// Ed25519 key of its votes.
    pub consensus_key: PublicKey,
    /// BLS key of its seal shares.
    pub seal_key: SealPublicKey,
}
wire_array!(Member {
    region,
    consensus_key,
    seal_key
});

/// The regions in force at a height, by ascending code; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSet(Vec<Member>);

impl RegionSet {
    /// A set from members in any order.
    ///
    /// # Errors
    /// None or more than [`MAX_REGIONS`], or a region, consensus key or seal key twice.
    pub fn new(mut members: Vec<Member>) -> Result<Self, CodecError> {
        members.sort_by(|a, b| a.region.cmp(&b.region));
        let refuse = CodecError::Invalid { what: "region set" };
        if members.is_empty() || members.len() > MAX_REGIONS {
            return Err(refuse);
        }
        for (index, member) in members.iter().enumerate() {
            let same = |other: &Member| {
                other.region == member.region
                    || other.consensus_key == member.consensus_key
                    || other.seal_key == member.seal_key
            };
            if members.iter().skip(index.saturating_add(1)).any(same) {
                return Err(refuse);
            }
        }
        Ok(Self(members))
    }

    /// The members by ascending region code; a seal's bit i is the i-th.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.0
    }

    /// Position of a region.
    #[must_use]
    pub fn index_of(&self, region: &RegionId) -> Option<usize> {
        self.0.binary_search_by(|member| member.region.cmp(region)).ok()
    }

    /// The least number of regions that is more than two thirds.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.0
            .len()
            .saturating_mul(2)
            .checked_div(3)
            .unwrap_or(0)
            .saturating_add(1)
    }

    /// Digest that headers name.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Tag::Regions.digest(&[&crate::codec::to_vec(self)])
    }
}

impl Wire for RegionSet {
    fn encode(&self, w: &mut Writer) {
        crate::codec::encode_list(w, &self.0);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        Self::new(r.list(MAX_REGIONS)?)
    }
}

/// What a seal share signs: `"concord/seal/v1" || chain id || u64be height || u32be round || block hash`.
///
/// The round is signed too: precommits of different rounds must not add up to a seal.
#[must_use]
pub fn seal_message(chain_id: &Digest, height: Height, round: u32, block: &Digest) -> Vec<u8> {
    Tag::Seal.message(&[
        chain_id.as_bytes(),
        &height.0.to_be_bytes(),
        &round.to_be_bytes(),
        block.as_bytes(),
    ])
}

/// One BLS signature of a quorum of regions over a block, and who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Consensus round whose precommits it adds up.
    pub round: u32,
    /// Bit i, most significant first, is the i-th region by code; spare bits are 0.
    pub signers: Vec<u8>,
    /// The aggregate, 48 bytes.
    pub signature: SealSignature,
}

/// Why a seal does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bitmap has another length than the region set, or spare bits are set.
    #[error("the seal's signer bitmap does not fit the {regions} regions in force at its height")]
    Bitmap {
        /// Number of regions.
        regions: usize,
    },
    /// Too few regions signed.
    #[error("{signers} regions sealed the block, {quorum} are needed")]
    BelowQuorum {
        /// How many signed.
        signers: usize,
        /// How many are needed.
        quorum: usize,
    },
    /// The signature is not that of these regions over this block.
    #[error("the seal is not the signature of the regions it names over this block")]
    Signature,
    /// A share comes from outside the set, or one region's comes twice.
    #[error("a seal share is of no region in force, or stands twice")]
    Share,
}

impl Seal {
    /// Adds up shares of one round, one a region, each already checked.
    ///
    /// # Errors
    /// [`SealError::Share`], [`SealError::BelowQuorum`], or [`SealError::Signature`] when they cannot be added.
    pub fn assemble(regions: &RegionSet, round: u32, shares: &[(RegionId, SealShare)]) -> Result<Self, SealError> {
        let mut signers = vec![0_u8; bitmap_len(regions)];
        for (region, _) in shares {
            let index = regions.index_of(region).ok_or(SealError::Share)?;
            let byte = signers.get_mut(index / 8).ok_or(SealError::Share)?;
            let bit = bit_of(index);
            if *byte & bit != 0 {
                return Err(SealError::Share);
            }
            *byte |= bit;
        }
        if shares.len() < regions.quorum() {
            return Err(SealError::BelowQuorum {
                signers: shares.len(),
                quorum: regions.quorum(),
            });
        }
        let parts: Vec<SealShare> = shares.iter().map(|(_, share)| *share).collect();
        let signature = aggregate(&parts).map_err(|_| SealError::Signature)?;
        Ok(Self {
            round,
            signers,
            signature,
        })
    }

    /// The regions whose bit is set, by ascending code.
    ///
    /// # Errors
    /// [`SealError::Bitmap`].
    pub fn signers<'a>(&self, regions: &'a RegionSet) -> Result<Vec<&'a Member>, SealError> {
        let refuse = SealError::Bitmap {
            regions: regions.0.len(),
        };
        if self.signers.len() != bitmap_len(regions) {
            return Err(refuse);
        }
        let mut found = Vec::new();
        for index in 0..self.signers.len().saturating_mul(8) {
            let set = self
                .signers
                .get(index / 8)
                .is_some_and(|byte| byte & bit_of(index) != 0);
            match (set, regions.0.get(index)) {
                (true, Some(member)) => found.push(member),
                (true, None) => return Err(refuse),
                (false, _) => {}
            }
        }
        Ok(found)
    }

    /// Checks that more than two thirds of `regions` sealed this block of this chain.
    ///
    /// # Errors
    /// Every variant but [`SealError::Share`].
    pub fn verify(
        &self,
        chain_id: &Digest,
        height: Height,
        block: &Digest,
        regions: &RegionSet,
    ) -> Result<(), SealError> {
        let signers = self.signers(regions)?;
        if signers.len() < regions.quorum() {
            return Err(SealError::BelowQuorum {
                signers: signers.len(),
                quorum: regions.quorum(),
            });
        }
        let keys: Vec<&SealPublicKey> = signers.iter().map(|member| &member.seal_key).collect();
        let message = seal_message(chain_id, height, self.round, block);
        if verify_aggregate(&keys, &message, &self.signature) {
            Ok(())
        } else {
            Err(SealError::Signature)
        }
    }
}

fn bitmap_len(regions: &RegionSet) -> usize {
    regions.0.len().div_ceil(8)
}

fn bit_of(index: usize) -> u8 {
    0x80_u8 >> (index % 8)
}

impl Wire for Seal {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.uint(SCHEME_BLS);
        w.uint(u64::from(self.round));
        w.bytes(&self.signers);
        w.wire(&self.signature);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(4, SCHEME_BLS, "seal scheme")?;
        Ok(Self {
            round: u32::try_from(r.uint()?).map_err(|_| CodecError::Invalid { what: "round" })?,
            signers: r.bytes(MAX_REGIONS.div_ceil(8))?.to_vec(),
            signature: r.wire()?,
        })
    }
}
