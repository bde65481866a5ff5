//! What a status proof that came with a credential is worth, and how the credential stands by it or by the data.

use super::checks::Origin;
use super::evidence::At;
use super::ground::{BrokenStatus, Ground};
use super::seen::SealsSeen;
use super::{Policy, Proof};
use crate::bundle::{MAX_UNATTENDED_MS, TrustedState};
use crate::credential::Credential;
use crate::id::{Height, UnixMillis};
use crate::ledger::SectionName;
use crate::receipt::ReceiptError;
use crate::status::Standing;
use crate::status_proof::StatusProof;

/// A status proof as it was judged.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// How it came out; none came.
    pub(super) ground: Option<Ground>,
    /// The proof, if its status counts instead of that of the data.
    pub(super) counts: Option<StatusProof>,
}

impl Fresh {
    /// A proof that does not hold, or holds for regions that the data do not know, is worth nothing, and whoever shows it is not
    /// shown green.
    pub(super) fn is_worthless(&self) -> bool {
        match &self.ground {
            None | Some(Ground::StatusNotNewer { .. }) => false,
            Some(_) => self.counts.is_none(),
        }
    }

    /// Whether it shows how things stood at a height or later.
    pub(super) fn covers(&self, height: Height) -> bool {
        self.counts.as_ref().is_some_and(|proof| height <= proof.head.height)
    }

    /// Whether it shows that the number was not issued at a height or later.
    pub(super) fn denies(&self, height: Height) -> bool {
        let not_issued = |proof: &StatusProof| proof.standing() == Standing::NotIssued;
        self.covers(height) && self.counts.as_ref().is_some_and(not_issued)
    }

    /// From when the data that a verdict rests on are, if it must say so: by a proof the status may be as old as the policy allows,
    /// and the rest, regions, offices and recognition, as old as a device may be before it needs a new checkpoint.
    pub(super) fn too_old(&self, state: &TrustedState, policy: &Policy, now: UnixMillis) -> Option<UnixMillis> {
        let most = policy.max_age_ms?;
        let older = |time: UnixMillis, most: u64| (now.0.saturating_sub(time.0) > most).then_some(time);
        match &self.counts {
            None => older(state.time(), most),
            Some(proof) => older(state.time(), most.max(MAX_UNATTENDED_MS)).or_else(|| older(proof.head.time, most)),
        }
    }
}

/// Judges the proof that came with a credential.
pub(super) fn judge(
    proof: Option<Proof>,
    credential: &Credential,
    origin: &Origin<'_>,
    state: &TrustedState,
    seen: &mut SealsSeen,
) -> Fresh {
    let Some(proof) = proof else {
        return Fresh::default();
    };
    match proof.and_then(|proof| counting(proof, credential, origin, state, seen)) {
        Ok(proof) => Fresh {
            ground: Some(Ground::StatusShown {
                block: proof.head.height,
                time_ms: proof.head.time,
            }),
            counts: Some(proof),
        },
        Err(ground) => Fresh {
            ground: Some(ground),
            counts: None,
        },
    }
}

fn counting(
    proof: StatusProof,
    credential: &Credential,
    origin: &Origin<'_>,
    state: &TrustedState,
    seen: &mut SealsSeen,
) -> Result<StatusProof, Ground> {
    let broken = |what| Ground::StatusBroken { what };
    if proof.credential != credential.id {
        return Err(broken(BrokenStatus::Other));
    }
    let section = SectionName::Status(origin.series.of.id.clone(), origin.region.clone());
    if proof.section != section {
        return Err(broken(BrokenStatus::Section));
    }
    let (block, height) = (proof.head.height, state.height());
    if block <= height {
        return Err(Ground::StatusNotNewer { block, height });
    }
    let at = At {
        height: block,
        time: proof.head.time,
    };
    if !at.fits(state) {
        return Err(broken(BrokenStatus::Time));
    }
    let hash = proof
        .block_hash()
        .map_err(|_: ReceiptError| broken(BrokenStatus::Path))?;
    if seen.hold(state, block, &proof.seal, &hash) {
        Ok(proof)
    } else {
        Err(Ground::RegionsNewer { block, height })
    }
}

/// How a credential stands, and as of which height; `None` where neither a proof nor the data tell.
pub(super) fn standing(
    fresh: &Fresh,
    number: u64,
    origin: &Origin<'_>,
    state: &TrustedState,
) -> Option<(Height, Standing, bool)> {
    if let Some(proof) = &fresh.counts {
        return Some((proof.head.height, proof.standing(), proof.is_annotated()));
    }
    let status = state.status(origin.region, origin.series)?;
    Some((state.height(), status.standing(number), status.is_annotated(number)))
}
