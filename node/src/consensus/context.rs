//! The engine's vocabulary in our words: heights, regions, votes, proposals (DESIGN 5).
//! Not here: signing and verifying (`signing`), bytes (`codec`).

use std::fmt;
use std::sync::Arc;

use arc_malachitebft_app_channel::app::types::core::{
    self, LinearTimeouts, NilOrVal, Round, SignedExtension, VoteType, VotingPower,
};
use concord_spec::digest::Digest;
use concord_spec::id::RegionId;

use super::parts::ProposalPart;
use super::signing::{Ed25519, VoteKey};
use super::value::{BlockValue, SealShare};

/// The engine's type parameters for Concord.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConcordContext;

/// Height of a block; the first block is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// A validator's address: its region's id, never a key hash, so that keys rotate without a restart (DESIGN 5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionAddress(pub RegionId);

impl fmt::Display for RegionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::Address for RegionAddress {}

/// A region that votes at a height, with the key its votes are checked by. Every region counts one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    address: RegionAddress,
    key: VoteKey,
}

impl Validator {
    /// A voting region.
    #[must_use]
    pub fn new(region: RegionId, key: VoteKey) -> Self {
        Self {
            address: RegionAddress(region),
            key,
        }
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &RegionId {
        &self.address.0
    }
}

impl core::Validator<ConcordContext> for Validator {
    fn address(&self) -> &RegionAddress {
        &self.address
    }

    fn public_key(&self) -> &VoteKey {
        &self.key
    }

    fn voting_power(&self) -> VotingPower {
        1
    }
}

/// The regions that vote at a height: at least one, each once, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    first: Validator,
    all: Arc<[Validator]>,
}

/// Why regions cannot be a validator set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// No region votes.
    #[error("a validator set needs at least one region")]
    Empty,
    /// A region stands in it twice.
    #[error("region {0} is in the validator set twice")]
    Twice(RegionAddress),
    /// More regions than a certificate may hold ([`super::codec::MAX_REGIONS`]).
    #[error("{0} regions, more than a certificate may hold")]
    TooMany(usize),
}

impl ValidatorSet {
    /// The set of these regions, in any order.
    ///
    /// # Errors
    /// See [`ValidatorSetError`].
    pub fn new(regions: impl IntoIterator<Item = Validator>) -> Result<Self, ValidatorSetError> {
        let mut all: Vec<_> = regions.into_iter().collect();
        all.sort_by(|a, b| a.address.cmp(&b.address));
        let first = all.first().cloned().ok_or(ValidatorSetError::Empty)?;
        if all.len() > super::codec::MAX_REGIONS {
            return Err(ValidatorSetError::TooMany(all.len()));
        }
        let twice = all.windows(2).find_map(|pair| match pair {
            [a, b] if a.address == b.address => Some(a.address.clone()),
            _ => None,
        });
        match twice {
            Some(region) => Err(ValidatorSetError::Twice(region)),
            None => Ok(Self { first, all: all.into() }),
        }
    }

    /// The regions in the order of their ids.
    pub fn regions(&self) -> impl Iterator<Item = &RegionId> {
        self.all.iter().map(|validator| &validator.address.0)
    }

    /// The key of a region's votes.
    #[must_use]
    pub fn key_of(&self, region: &RegionId) -> Option<&VoteKey> {
        let index = self.all.binary_search_by(|v| v.address.0.cmp(region)).ok()?;
        self.all.get(index).map(|validator| &validator.key)
    }

    /// The region whose turn it is to propose: round robin by height and round.
    #[must_use]
    pub fn proposer(&self, height: Height, round: u32) -> &Validator {
        let len = u64::try_from(self.all.len()).unwrap_or(u64::MAX).max(1);
        let turn = height.0.wrapping_add(u64::from(round)).checked_rem(len).unwrap_or(0);
        let index = usize::try_from(turn).unwrap_or(0);
        self.all.get(index).unwrap_or(&self.first)
    }
}

impl core::ValidatorSet<ConcordContext> for ValidatorSet {
    fn count(&self) -> usize {
        self.all.len()
    }

    fn total_voting_power(&self) -> VotingPower {
        u64::try_from(self.all.len()).unwrap_or(u64::MAX)
    }

    fn get_by_address(&self, address: &RegionAddress) -> Option<&Validator> {
        let index = self.all.binary_search_by(|v| v.address.cmp(address)).ok()?;
        self.all.get(index)
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.all.get(index)
    }
}

/// A proposer's statement that a block shall be decided in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Height of the block.
    pub height: Height,
    /// Round it is proposed in.
    pub round: Round,
    /// The block.
    pub value: BlockValue,
    /// Round in which more than two thirds prevoted for it before, if any.
    pub pol_round: Round,
    /// The proposing region.
    pub proposer: RegionAddress,
}

impl core::Proposal<ConcordContext> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BlockValue {
        &self.value
    }

    fn take_value(self) -> BlockValue {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &RegionAddress {
        &self.proposer
    }
}

/// A region's vote for a block, or for none, in a round.
#[derive(Clone, Debug)]
pub struct Vote {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// Prevote or precommit.
    pub kind: VoteType,
    /// The block voted for, or nil.
    pub value: NilOrVal<Digest>,
    /// The voting region.
    pub voter: RegionAddress,
    /// The region's share of the seal, on a precommit for a block. Not part of what the vote's signature covers.
    pub extension: Option<SignedExtension<ConcordContext>>,
}

/// The engine compares votes that it casts again after a crash with those in its WAL; shares stay out of that.
impl PartialEq for Vote {
    fn eq(&self, other: &Self) -> bool {
        (self.height, self.round, self.kind, &self.value, &self.voter)
            == (other.height, other.round, other.kind, &other.value, &other.voter)
    }
}

impl Eq for Vote {}

impl core::Vote<ConcordContext> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Digest> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Digest> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &RegionAddress {
        &self.voter
    }

    fn extension(&self) -> Option<&SignedExtension<ConcordContext>> {
        self.extension.as_ref()
    }

    fn take_extension(&mut self) -> Option<SignedExtension<ConcordContext>> {
        self.extension.take()
    }

    fn extend(self, extension: SignedExtension<ConcordContext>) -> Self {
        Self {
            extension: Some(extension),
            ..self
        }
    }
}

impl core::Context for ConcordContext {
    type Address = RegionAddress;
    type Height = Height;
    type ProposalPart = ProposalPart;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = LinearTimeouts;
    type Value = BlockValue;
    type Vote = Vote;
    type Extension = SealShare;
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, set: &'a ValidatorSet, height: Height, round: Round) -> &'a Validator {
        set.proposer(height, round.as_u32().unwrap_or(0))
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: BlockValue,
        pol_round: Round,
        proposer: RegionAddress,
    ) -> Proposal {
        Proposal {
            height,
            round,
            value,
            pol_round,
            proposer,
        }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<Digest>, voter: RegionAddress) -> Vote {
        Vote {
            height,
            round,
            kind: VoteType::Prevote,
            value,
            voter,
            extension: None,
        }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<Digest>, voter: RegionAddress) -> Vote {
        Vote {
            height,
            round,
            kind: VoteType::Precommit,
            value,
            voter,
            extension: None,
        }
    }
}
