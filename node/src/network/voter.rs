//! Votes and proposals leave through the signing guard, and only through it (DESIGN 5, "Signing guard"). It stands here and not in the
//! signer because a signer that refuses stops the engine; and here the engine's WAL has been flushed.

use arc_malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use arc_malachitebft_app_channel::app::types::core::{NilOrVal, Round, VoteType};
use concord_spec::digest::Digest;
use concord_spec::id::RegionId;
use sha2::{Digest as _, Sha256};

use super::hello::ChainId;
use crate::consensus::context::{ConcordContext, Height, Proposal, Vote};
use crate::consensus::signing::SignBytes;
use crate::guard::{Guard, GuardError, Step};

/// The region that this node votes for, and what keeps it from voting twice.
#[derive(Debug)]
pub struct Voter {
    /// The region.
    pub region: RegionId,
    /// The signing guard.
    pub guard: Guard,
    /// Until and including this height nothing that would be signed leaves ([`Guard::watch_until`]).
    pub watch_until: Option<u64>,
}

/// Why nothing is published any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Halt {
    /// The guard refuses, or its disk does.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// This node signs without being a voter.
    #[error("this node has no consensus key to sign with, yet its engine signed for region {0}: a defect")]
    NoVoter(RegionId),
    /// The engine signed for another region.
    #[error("this node votes for region {own}, yet its engine signed for region {other}: a defect")]
    Foreign {
        /// Ours.
        own: RegionId,
        /// The one that it signed for.
        other: RegionId,
    },
    /// A vote without a round.
    #[error("the engine signed something at height {0} without a round: a defect")]
    NoRound(Height),
    /// The guard was lost.
    #[error("the signing guard was lost while it wrote")]
    Lost,
}

/// What the guard says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// It may leave; the guard has it on disk.
    Granted,
    /// It stays here: the node watches until others have decided that height.
    Watching,
}

/// What a message says, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    region: RegionId,
    height: Height,
    round: u32,
    step: Step,
    value: Option<[u8; 32]>,
}

/// The guard at work. It syncs on a thread of its own, and one message waits for the one before it.
#[derive(Debug)]
pub(super) struct GuardedVoter {
    bytes: SignBytes,
    voter: Option<Voter>,
    told_watching: Option<u64>,
}

impl GuardedVoter {
    pub(super) fn new(chain: ChainId, voter: Option<Voter>) -> Self {
        Self {
            bytes: SignBytes::new(Digest(chain)),
            voter,
            told_watching: None,
        }
    }

    /// Whether this vote is our own.
    pub(super) fn is_own(&self, vote: &Vote) -> bool {
        self.voter.as_ref().is_some_and(|voter| voter.region == vote.voter.0)
    }

    /// Asks the guard. When this returns `Granted`, the message is on disk, unless it is another region's proposal: that is
    /// signed by it, not by us, and in late rounds the engine passes it on with its polka ("hidden locks").
    pub(super) async fn permit(&mut self, message: &SignedConsensusMsg<ConcordContext>) -> Result<Permit, Halt> {
        if self.is_passed_on(message) {
            return Ok(Permit::Granted);
        }
        let statement = match message {
            SignedConsensusMsg::Vote(vote) => of_vote(&vote.message)?,
            SignedConsensusMsg::Proposal(proposal) => self.of_proposal(&proposal.message)?,
        };
        let Some(mut voter) = self.voter.take() else {
            return Err(Halt::NoVoter(statement.region));
        };
        if voter.region != statement.region {
            let (own, other) = (voter.region, statement.region);
            return Err(Halt::Foreign { own, other });
        }
        let Statement {
            height,
            round,
            step,
            value,
            ..
        } = statement;
        if voter.watch_until.is_some_and(|until| height.0 <= until) {
            self.tell_watching(height.0);
            self.voter = Some(voter);
            return Ok(Permit::Watching);
        }
        let asked = tokio::task::spawn_blocking(move || {
            let answer = voter.guard.permit(height.0, round, step, value);
            (voter, answer)
        });
        let (voter, answer) = asked.await.map_err(|_| Halt::Lost)?;
        self.voter = Some(voter);
        answer?;
        Ok(Permit::Granted)
    }

    fn is_passed_on(&self, message: &SignedConsensusMsg<ConcordContext>) -> bool {
        let SignedConsensusMsg::Proposal(proposal) = message else {
            return false;
        };
        self.voter
            .as_ref()
            .is_some_and(|voter| voter.region != proposal.message.proposer.0)
    }

    fn tell_watching(&mut self, height: u64) {
        if self.told_watching != Some(height) {
            self.told_watching = Some(height);
            tracing::warn!(
                height,
                "this node may have voted at this height before its files were lost or restored: it watches, without \
                 voting, until the others have decided it"
            );
        }
    }

    /// Of a proposal the guard keeps a hash of all that is signed: the round of its polka, too, must not change.
    fn of_proposal(&self, proposal: &Proposal) -> Result<Statement, Halt> {
        let signed = self.bytes.proposal(proposal).ok_or(Halt::NoRound(proposal.height))?;
        Ok(Statement {
            region: proposal.proposer.0.clone(),
            height: proposal.height,
            round: round(proposal.height, proposal.round)?,
            step: Step::Propose,
            value: Some(Sha256::digest(signed).into()),
        })
    }
}

fn of_vote(vote: &Vote) -> Result<Statement, Halt> {
    Ok(Statement {
        region: vote.voter.0.clone(),
        height: vote.height,
        round: round(vote.height, vote.round)?,
        step: match vote.kind {
            VoteType::Prevote => Step::Prevote,
            VoteType::Precommit => Step::Precommit,
        },
        value: match &vote.value {
            NilOrVal::Nil => None,
            NilOrVal::Val(hash) => Some(hash.0),
        },
    })
}

fn round(height: Height, round: Round) -> Result<u32, Halt> {
    round.as_u32().ok_or(Halt::NoRound(height))
}

#[cfg(test)]
mod tests {
    use arc_malachitebft_app_channel::app::types::core::SignedMessage;

    use super::*;
    use crate::consensus::context::RegionAddress;
    use crate::consensus::signing::VoteSignature;
    use crate::consensus::value::BlockValue;

    fn address(code: &str) -> RegionAddress {
        RegionAddress(code.parse().unwrap())
    }

    fn proposal(region: &str, hash: u8) -> SignedConsensusMsg<ConcordContext> {
        let proposal = Proposal {
            height: Height(7),
            round: Round::new(10),
            value: BlockValue(Digest([hash; 32])),
            pol_round: Round::Nil,
            proposer: address(region),
        };
        SignedConsensusMsg::Proposal(SignedMessage::new(proposal, VoteSignature([0; 64])))
    }

    fn precommit(region: &str) -> SignedConsensusMsg<ConcordContext> {
        let vote = Vote {
            height: Height(7),
            round: Round::new(10),
            kind: VoteType::Precommit,
            value: NilOrVal::Nil,
            voter: address(region),
            extension: None,
        };
        SignedConsensusMsg::Vote(SignedMessage::new(vote, VoteSignature([0; 64])))
    }

    #[tokio::test]
    async fn another_regions_proposal_is_passed_on_and_two_of_ours_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut voter = voter_of("330000", dir.path());
        assert_eq!(voter.permit(&proposal("330000", 2)).await.unwrap(), Permit::Granted);
        for hash in [2, 3] {
            assert_eq!(voter.permit(&proposal("110000", hash)).await.unwrap(), Permit::Granted);
        }
        assert!(matches!(
            voter.permit(&proposal("330000", 3)).await,
            Err(Halt::Guard(_))
        ));
    }

    #[tokio::test]
    async fn another_regions_vote_halts() {
        let dir = tempfile::tempdir().unwrap();
        let mut voter = voter_of("330000", dir.path());
        assert_eq!(voter.permit(&precommit("330000")).await.unwrap(), Permit::Granted);
        assert!(matches!(
            voter.permit(&precommit("110000")).await,
            Err(Halt::Foreign { .. })
        ));
    }

    fn voter_of(region: &str, dir: &std::path::Path) -> GuardedVoter {
        let guard = Guard::open(&dir.join("other")).unwrap();
        let region = region.parse().unwrap();
        GuardedVoter::new(
            [1; 32],
            Some(Voter {
                region,
                guard,
                watch_until: None,
            }),
        )
    }
}
