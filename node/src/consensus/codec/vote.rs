//! Votes and proposals.

use arc_malachitebft_app_channel::app::types::core::{
    NilOrVal, SignedExtension, SignedMessage, SignedProposal, SignedVote, VoteType,
};
use concord_spec::digest::Digest;

use super::super::context::{Proposal, Vote};
use super::super::value::SealShare;
use super::*;

impl Message for SignedConsensusMsg<ConcordContext> {
    const MAX: usize = MAX_CONSENSUS_MESSAGE;

    fn write(&self, w: &mut Writer) {
        w.array(3);
        w.uint(VERSION);
        match self {
            Self::Vote(vote) => {
                w.uint(0);
                write_vote(w, vote);
            }
            Self::Proposal(proposal) => {
                w.uint(1);
                write_proposal(w, proposal);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let what = "consensus message";
        match read_kind(r, 3, what)? {
            0 => read_vote(r).map(Self::Vote),
            1 => read_proposal(r).map(Self::Proposal),
            kind => Err(unknown_kind(what, kind)),
        }
    }
}

/// `[height, round, kind, block hash or null, region, signature, extension or null]`.
pub(super) fn write_vote(w: &mut Writer, signed: &SignedVote<ConcordContext>) {
    let vote = &signed.message;
    w.array(7);
    w.uint(vote.height.0);
    write_round(w, vote.round);
    w.uint(kind_of(vote.kind));
    write_target(w, &vote.value);
    w.wire(&vote.voter.0);
    w.bytes(&signed.signature.0);
    write_extension(w, vote.extension.as_ref());
}

pub(super) fn read_vote(r: &mut Reader<'_>) -> Result<SignedVote<ConcordContext>, CodecError> {
    r.array(7)?;
    let mut vote = Vote {
        height: read_height(r)?,
        round: read_round(r)?,
        kind: read_vote_kind(r)?,
        value: read_target(r)?,
        voter: read_address(r)?,
        extension: None,
    };
    let signature = read_signature(r)?;
    vote.extension = read_extension(r)?;
    Ok(SignedMessage::new(vote, signature))
}

/// `[height, round, block hash, round of its polka or null, region, signature]`.
fn write_proposal(w: &mut Writer, signed: &SignedProposal<ConcordContext>) {
    let proposal = &signed.message;
    w.array(6);
    w.uint(proposal.height.0);
    write_round(w, proposal.round);
    w.wire(&proposal.value.0);
    write_round(w, proposal.pol_round);
    w.wire(&proposal.proposer.0);
    w.bytes(&signed.signature.0);
}

fn read_proposal(r: &mut Reader<'_>) -> Result<SignedProposal<ConcordContext>, CodecError> {
    r.array(6)?;
    let proposal = Proposal {
        height: read_height(r)?,
        round: read_round(r)?,
        value: BlockValue(r.wire()?),
        pol_round: read_round(r)?,
        proposer: read_address(r)?,
    };
    Ok(SignedMessage::new(proposal, read_signature(r)?))
}

/// `[share, signature]`, or null.
pub(super) fn write_extension(w: &mut Writer, extension: Option<&SignedExtension<ConcordContext>>) {
    let Some(extension) = extension else { return w.null() };
    w.array(2);
    w.bytes(&extension.message.0);
    w.bytes(&extension.signature.0);
}

pub(super) fn read_extension(r: &mut Reader<'_>) -> Result<Option<SignedExtension<ConcordContext>>, CodecError> {
    if r.take_null() {
        return Ok(None);
    }
    r.array(2)?;
    let share = SealShare(r.byte_array()?);
    Ok(Some(SignedMessage::new(share, read_signature(r)?)))
}

/// The number of a kind of vote, as it is sent.
pub(super) fn kind_of(kind: VoteType) -> u64 {
    match kind {
        VoteType::Prevote => 1,
        VoteType::Precommit => 2,
    }
}

pub(super) fn read_vote_kind(r: &mut Reader<'_>) -> Result<VoteType, CodecError> {
    match r.uint()? {
        1 => Ok(VoteType::Prevote),
        2 => Ok(VoteType::Precommit),
        kind => Err(unknown_kind("vote", kind)),
    }
}

/// What is voted for: a block hash, or null.
pub(super) fn write_target(w: &mut Writer, target: &NilOrVal<Digest>) {
    match target {
        NilOrVal::Nil => w.null(),
        NilOrVal::Val(hash) => w.wire(hash),
    }
}

pub(super) fn read_target(r: &mut Reader<'_>) -> Result<NilOrVal<Digest>, CodecError> {
    if r.take_null() {
        Ok(NilOrVal::Nil)
    } else {
        r.wire().map(NilOrVal::Val)
    }
}
