//! What regions' authorities do together: proposals and votes, and what came of them.

use std::time::Duration;

use concord_spec::bundle::{TrustBundle, TrustedState};
use concord_spec::certificate::Certificate;
use concord_spec::codec;
use concord_spec::id::{Height, UnixMillis};
use concord_spec::ledger::LedgerState;
use concord_spec::record::{Action, Change, Vote};
use concord_spec::verify::{Policy, Presented, Verdict, verify};

use crate::ledger::replay;
use crate::office::{Pen, now_ms, record};
use crate::wait::{Seen, until};
use crate::{Cluster, HarnessError, Result};

/// Within this a change that was voted is in force on every node that runs.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(60);

/// Proposes a change in the name of the first of `voters` and votes for it in the name of the others, each at its own node;
/// waits until every running node is past the height from which it is in force, and returns that height.
///
/// # Errors
/// A record is not taken, or blocks do not come.
pub fn change(cluster: &Cluster, change: Change, voters: &[usize]) -> Result<u64> {
    let (first, others) = voters
        .split_first()
        .ok_or_else(|| HarnessError::bytes("voters", "none"))?;
    let leaving = if let Change::RemoveRegion(region) = &change {
        Some(region.clone())
    } else {
        None
    };
    let proposal = Pen::of_region(cluster, *first)?.record(Action::Propose(Box::new(change)));
    let mut last = record(cluster.api(*first)?, &proposal)?;
    for voter in others {
        // A node takes a vote on what it knows.
        let known = last.height.unwrap_or(0);
        until("the voter's node knows the proposal", IN_FORCE_WITHIN, || {
            let height = cluster.api(*voter)?.status()?.height;
            Ok(if height >= known {
                Seen::Yes(())
            } else {
                Seen::NotYet(format!("height {height} of {known}"))
            })
        })?;
        let vote = Vote {
            proposal: proposal.id(),
            approve: true,
        };
        let vote = Pen::of_region(cluster, *voter)?.record(Action::Vote(vote));
        last = record(cluster.api(*voter)?, &vote)?;
    }
    let passed = last
        .height
        .ok_or_else(|| HarnessError::bytes("a height", format!("{last:?}")))?;
    let in_force = passed.saturating_add(concord_spec::ledger::EFFECT_AFTER_BLOCKS);
    cluster.await_heights(in_force, leaving.as_ref(), IN_FORCE_WITHIN)?;
    Ok(in_force)
}

/// The state that a node's blocks lead to, replayed from the charter.
///
/// # Errors
/// See [`replay`].
pub fn state(cluster: &Cluster, index: usize) -> Result<LedgerState> {
    let api = cluster.api(index)?;
    Ok(replay(api, cluster.charter(), api.status()?.height)?.state)
}

/// A node's trust bundle, checked against the charter's chain alone, once it is of this height or a later one.
///
/// # Errors
/// It does not hold, or none of that height comes in time.
pub fn bundle(cluster: &Cluster, index: usize, height: Height) -> Result<TrustedState> {
    let what = format!("node {index} serves a bundle of height {height}");
    until(&what, IN_FORCE_WITHIN, || {
        let answer = cluster.api(index)?.get("/v1/bundle")?;
        let opened = TrustBundle::open(&answer.body, &cluster.charter().chain_id());
        let bundle = opened.map_err(|why| HarnessError::bytes("a bundle", why))?;
        Ok(if bundle.height() >= height {
            Seen::Yes(bundle)
        } else {
            Seen::NotYet(format!("height {}", bundle.height()))
        })
    })
}

/// The verdict on a certificate, offline, by a bundle.
#[must_use]
pub fn verdict(certificate: &Certificate, bundle: &TrustedState) -> Verdict {
    let bytes = codec::to_vec(certificate);
    let report = verify(
        Presented::Certificate(&bytes),
        bundle,
        &Policy::default(),
        UnixMillis(now_ms()),
    );
    report.verdict
}
