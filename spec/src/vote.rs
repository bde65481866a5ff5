//! What a region signs in consensus, votes and proposals, and the proof that it signed two different ones for one place
//! (DESIGN 2, 4.3). Not here: seals and their shares (`seal`), who votes when (the node's engine).

use crate::codec::{CodecError, Reader, Wire, Writer, fields::wire_array, to_vec};
use crate::digest::{Digest, Tag};
use crate::id::{Height, RegionId};
use crate::key::ed25519::{PublicKey, Signature};

/// A kind of vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VoteKind {
    /// The first vote of a round; 1 in CBOR.
    Prevote,
    /// The second, whose quorum decides; 2 in CBOR.
    Precommit,
}

impl Wire for VoteKind {
    fn encode(&self, w: &mut Writer) {
        w.uint(match self {
            Self::Prevote => 1,
            Self::Precommit => 2,
        });
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        match r.uint()? {
            1 => Ok(Self::Prevote),
            2 => Ok(Self::Precommit),
            kind => Err(unknown_kind("vote", kind)),
        }
    }
}

/// A vote, without the extension that a precommit carries: CBOR `[height, round, kind, block hash or null, region]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteStatement {
    /// Height that is voted on.
    pub height: Height,
    /// Round of the height, from 0.
    pub round: u32,
    /// Prevote or precommit.
    pub kind: VoteKind,
    /// Hash of the block voted for; none is a vote for no block.
    pub target: Option<Digest>,
    /// The voting region.
    pub region: RegionId,
}
wire_array!(VoteStatement {
    height,
    round,
    kind,
    target,
    region
});

impl VoteStatement {
    /// What its signature covers: `"concord/vote/v1" || chain id || CBOR of the statement`.
    #[must_use]
    pub fn message(&self, chain_id: &Digest) -> Vec<u8> {
        Tag::Vote.message(&[chain_id.as_bytes(), &to_vec(self)])
    }
}

/// A proposal: CBOR `[height, round, block hash, round of its polka or null, region]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalStatement {
    /// Height that the block is proposed for.
    pub height: Height,
    /// Round of the height, from 0.
    pub round: u32,
    /// Hash of the block.
    pub value: Digest,
    /// Round in which more than two thirds prevoted for it before, if any.
    pub pol_round: Option<u32>,
    /// The proposing region.
    pub region: RegionId,
}
wire_array!(ProposalStatement {
    height,
    round,
    value,
    pol_round,
    region
});

impl ProposalStatement {
    /// What its signature covers: `"concord/proposal/v1" || chain id || CBOR of the statement`.
    #[must_use]
    pub fn message(&self, chain_id: &Digest) -> Vec<u8> {
        Tag::Proposal.message(&[chain_id.as_bytes(), &to_vec(self)])
    }
}

/// A statement with its region's Ed25519 signature, not yet checked: CBOR `[statement, signature]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<T> {
    /// What is stated.
    pub statement: T,
    /// The signature over the statement's message.
    pub signature: Signature,
}

impl<T: Wire> Wire for Signed<T> {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.wire(&self.statement);
        w.wire(&self.signature);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        Ok(Self {
            statement: r.wire()?,
            signature: r.wire()?,
        })
    }
}

/// The step of a round in which a region states one thing only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A proposal; 0 in CBOR.
    Propose,
    /// A vote of this kind; its number in CBOR.
    Vote(VoteKind),
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Propose => "proposal",
            Self::Vote(VoteKind::Prevote) => "prevote",
            Self::Vote(VoteKind::Precommit) => "precommit",
        })
    }
}

impl Wire for Step {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Propose => w.uint(0),
            Self::Vote(kind) => w.wire(kind),
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        match r.uint()? {
            0 => Ok(Self::Propose),
            1 => Ok(Self::Vote(VoteKind::Prevote)),
            2 => Ok(Self::Vote(VoteKind::Precommit)),
            kind => Err(unknown_kind("step", kind)),
        }
    }
}

/// A place of the consensus at which a region states one thing only: CBOR `[region, height, round, step]`.
/// Two pairs of statements for one place prove no more than one does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The region.
    pub region: RegionId,
    /// The height.
    pub height: Height,
    /// The round of the height, from 0.
    pub round: u32,
    /// The step of the round.
    pub step: Step,
}
wire_array!(Place {
    region,
    height,
    round,
    step
});

/// Two different statements of one region for one place, each with a signature: CBOR `[kind, first, second]`, kind 1 for
/// votes and 2 for proposals. The first is the one whose statement's encoding is less, so that a pair of statements has
/// one order. Whether the signatures are the region's tells [`Evidence::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence(Pair);

/// The two statements, ascending by their encodings.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pair {
    Votes(Signed<VoteStatement>, Signed<VoteStatement>),
    Proposals(Signed<ProposalStatement>, Signed<ProposalStatement>),
}

/// Why two statements prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Each may be stated beside the other: another region, height, round or kind of vote.
    #[error("the two statements are not of one region for one height, round and step")]
    OtherPlace,
    /// One statement twice.
    #[error("the two statements are the same")]
    Same,
    /// A signature is not that of the key.
    #[error("the {which} statement is not signed by the region's consensus key")]
    NotSigned {
        /// `first` or `second`.
        which: &'static str,
    },
}

impl Evidence {
    /// Two different votes for one place, in any order.
    ///
    /// # Errors
    /// [`EvidenceError::OtherPlace`] or [`EvidenceError::Same`]. Signatures are not checked.
    pub fn votes(a: Signed<VoteStatement>, b: Signed<VoteStatement>) -> Result<Self, EvidenceError> {
        let (first, second) = ascending(a, b, vote_place)?;
        Ok(Self(Pair::Votes(first, second)))
    }

    /// Two different proposals for one place, in any order.
    ///
    /// # Errors
    /// [`EvidenceError::OtherPlace`] or [`EvidenceError::Same`]. Signatures are not checked.
    pub fn proposals(a: Signed<ProposalStatement>, b: Signed<ProposalStatement>) -> Result<Self, EvidenceError> {
        let (first, second) = ascending(a, b, proposal_place)?;
        Ok(Self(Pair::Proposals(first, second)))
    }

    /// The place for which both were stated.
    #[must_use]
    pub fn place(&self) -> Place {
        match &self.0 {
            Pair::Votes(first, _) => vote_place(&first.statement),
            Pair::Proposals(first, _) => proposal_place(&first.statement),
        }
    }

    /// What was stated first and second: the block of each, none being a vote for no block. Two proposals may name one block
    /// and differ in the round of its polka.
    #[must_use]
    pub fn targets(&self) -> [Option<Digest>; 2] {
        match &self.0 {
            Pair::Votes(first, second) => [first.statement.target, second.statement.target],
            Pair::Proposals(first, second) => [Some(first.statement.value), Some(second.statement.value)],
        }
    }

    /// Whether both are signed by `key`, by ZIP-215: it must be the region's consensus key in force at the place's height.
    ///
    /// # Errors
    /// [`EvidenceError::NotSigned`].
    pub fn check(&self, chain_id: &Digest, key: &PublicKey) -> Result<(), EvidenceError> {
        let [first, second] = match &self.0 {
            Pair::Votes(a, b) => [a, b].map(|vote| (vote.statement.message(chain_id), vote.signature)),
            Pair::Proposals(a, b) => [a, b].map(|one| (one.statement.message(chain_id), one.signature)),
        };
        for ((message, signature), which) in [(first, "first"), (second, "second")] {
            if !key.verify(&message, &signature) {
                return Err(EvidenceError::NotSigned { which });
            }
        }
        Ok(())
    }
}

fn vote_place(vote: &VoteStatement) -> Place {
    Place {
        region: vote.region.clone(),
        height: vote.height,
        round: vote.round,
        step: Step::Vote(vote.kind),
    }
}

fn proposal_place(proposal: &ProposalStatement) -> Place {
    Place {
        region: proposal.region.clone(),
        height: proposal.height,
        round: proposal.round,
        step: Step::Propose,
    }
}

/// Both, the one with the lesser encoding first.
fn ascending<T: Wire>(
    a: Signed<T>,
    b: Signed<T>,
    place: fn(&T) -> Place,
) -> Result<(Signed<T>, Signed<T>), EvidenceError> {
    if place(&a.statement) != place(&b.statement) {
        return Err(EvidenceError::OtherPlace);
    }
    match to_vec(&a.statement).cmp(&to_vec(&b.statement)) {
        std::cmp::Ordering::Less => Ok((a, b)),
        std::cmp::Ordering::Equal => Err(EvidenceError::Same),
        std::cmp::Ordering::Greater => Ok((b, a)),
    }
}

impl Wire for Evidence {
    fn encode(&self, w: &mut Writer) {
        w.array(3);
        match &self.0 {
            Pair::Votes(first, second) => {
                w.uint(1);
                w.wire(first);
                w.wire(second);
            }
            Pair::Proposals(first, second) => {
                w.uint(2);
                w.wire(first);
                w.wire(second);
            }
        }
    }

    /// A pair in descending order is read, and then refused as not its one encoding by `codec::from_slice`.
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(3)?;
        let evidence = match r.uint()? {
            1 => Self::votes(r.wire()?, r.wire()?),
            2 => Self::proposals(r.wire()?, r.wire()?),
            kind => return Err(unknown_kind("evidence", kind)),
        };
        evidence.map_err(|_| CodecError::Invalid { what: "evidence" })
    }
}

fn unknown_kind(what: &'static str, kind: u64) -> CodecError {
    CodecError::UnknownKey {
        what,
        found: i64::try_from(kind).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests;
