//! Seal shares between the engine, which carries them as vote extensions, and the application, which knows what they sign.

use arc_malachitebft_app_channel::app::consensus::{MisbehaviorEvidence, VoteExtensionError, VoteExtensionVerdicts};
use arc_malachitebft_app_channel::app::types::core::{
    CommitCertificate, ExtendedCommitCertificate, SignedProposal, SignedVote, VoteExtensions,
};
use concord_spec::id::RegionId;
use concord_spec::key::Signature;
use concord_spec::vote::{Evidence, EvidenceError, ProposalStatement, Signed, VoteStatement};

use super::application::Decision;
use super::codec::Message;
use super::context::{ConcordContext, RegionAddress};
use super::signing::{proposal_statement, vote_statement};
use super::value::SealShare;

/// The decision that a commit certificate and the extensions of its votes prove.
pub(super) fn decision(
    certificate: CommitCertificate<ConcordContext>,
    extensions: VoteExtensions<ConcordContext>,
) -> Decision {
    let whole = ExtendedCommitCertificate::from_commit_certificate_and_extensions(certificate, extensions);
    let shares = whole.commit_signatures.iter().filter_map(|vote| {
        let extension = vote.extension.as_ref()?;
        Some((vote.address.0.clone(), extension.message))
    });
    Decision {
        height: whole.height,
        round: whole.round.as_u32().unwrap_or(0),
        hash: whole.value_id,
        certificate: whole.to_bytes(),
        shares: shares.collect(),
    }
}

/// One verdict a share, in order, as the engine wants them.
pub(super) fn verdicts(asked: &[(RegionId, SealShare)], valid: &[bool]) -> VoteExtensionVerdicts<ConcordContext> {
    let verdict = |valid: Option<&bool>| match valid {
        Some(true) => Ok(()),
        Some(false) | None => Err(VoteExtensionError::InvalidVoteExtension),
    };
    let verdicts = asked.iter().enumerate();
    verdicts
        .map(|(n, (region, _))| (RegionAddress(region.clone()), verdict(valid.get(n))))
        .collect()
}

/// What the engine saw of double signing during a height. Extensions drop out: what a vote's signature covers has none.
pub(super) fn evidence(found: &MisbehaviorEvidence<ConcordContext>) -> Vec<Evidence> {
    let votes = found.votes.iter().flat_map(|(_, pairs)| pairs.iter());
    let votes = votes.filter_map(|(a, b)| Some(Evidence::votes(signed_vote(a)?, signed_vote(b)?)));
    let proposals = found.proposals.iter().flat_map(|(_, pairs)| pairs.iter());
    let proposals = proposals.filter_map(|(a, b)| Some(Evidence::proposals(signed_proposal(a)?, signed_proposal(b)?)));
    let proves = |pair: Result<Evidence, EvidenceError>| match pair {
        Ok(evidence) => Some(evidence),
        Err(error) => {
            tracing::warn!(%error, "the engine handed over a pair that proves nothing");
            None
        }
    };
    votes.chain(proposals).filter_map(proves).collect()
}

fn signed_vote(signed: &SignedVote<ConcordContext>) -> Option<Signed<VoteStatement>> {
    Some(Signed {
        statement: vote_statement(&signed.message)?,
        signature: Signature(signed.signature.0),
    })
}

fn signed_proposal(signed: &SignedProposal<ConcordContext>) -> Option<Signed<ProposalStatement>> {
    Some(Signed {
        statement: proposal_statement(&signed.message)?,
        signature: Signature(signed.signature.0),
    })
}
