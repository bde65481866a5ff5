//! Seal shares between the engine, which carries them as vote extensions, and the application, which knows what they sign.

use arc_malachitebft_app_channel::app::consensus::{
    MisbehaviorEvidence, SignedConsensusMsg, VoteExtensionError, VoteExtensionVerdicts,
};
use arc_malachitebft_app_channel::app::types::core::{CommitCertificate, ExtendedCommitCertificate, VoteExtensions};
use concord_spec::id::RegionId;

use super::application::{Decision, Evidence};
use super::codec::Message;
use super::context::{ConcordContext, RegionAddress};
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

/// What the engine saw of double signing during a height.
pub(super) fn evidence(found: &MisbehaviorEvidence<ConcordContext>) -> Vec<Evidence> {
    let votes = found.votes.iter().flat_map(|(region, pairs)| {
        pairs.iter().map(|(first, second)| {
            let encode = |vote: &_| SignedConsensusMsg::<ConcordContext>::Vote(Clone::clone(vote)).to_bytes();
            Evidence {
                region: region.0.clone(),
                first: encode(first),
                second: encode(second),
            }
        })
    });
    let proposals = found.proposals.iter().flat_map(|(region, pairs)| {
        pairs.iter().map(|(first, second)| {
            let encode = |one: &_| SignedConsensusMsg::<ConcordContext>::Proposal(Clone::clone(one)).to_bytes();
            Evidence {
                region: region.0.clone(),
                first: encode(first),
                second: encode(second),
            }
        })
    });
    votes.chain(proposals).collect()
}
