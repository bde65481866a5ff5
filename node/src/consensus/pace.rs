//! When the next height starts (DESIGN 5): as soon as a record waits or others are ahead, else when the heartbeat is due.
//!
//! Only the answer to the engine's `Finalized` waits for this, in a task of its own: a wait anywhere else would freeze
//! rounds and sync.

use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use arc_malachitebft_app_channel::app::engine::util::events::Event;
use arc_malachitebft_app_channel::app::events::RxEvent;
use arc_malachitebft_app_channel::app::types::core::Height as _;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::application::Application;
use super::context::{ConcordContext, Height};
use super::signing::RegionVerifier;

/// The highest height of which others are known to have started, or to have it in their log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ahead {
    highest: Arc<watch::Sender<Height>>,
}

impl Default for Ahead {
    fn default() -> Self {
        Self {
            highest: Arc::new(watch::Sender::new(Height(0))),
        }
    }
}

impl Ahead {
    /// Others work on `height`: a validly signed consensus message of it was seen, or a peer's status says that its log
    /// reaches it. The caller has checked who says so.
    pub fn saw(&self, height: Height) {
        self.highest.send_if_modified(|highest| {
            let higher = height > *highest;
            if higher {
                *highest = height;
            }
            higher
        });
    }

    /// The highest height seen so far.
    #[must_use]
    pub fn highest(&self) -> Height {
        *self.highest.borrow()
    }

    /// Forgets a claim about heights past the next one. If it was true it will be made again; one that was not, which a
    /// single region can make, must not count for all heights to come.
    fn believe_no_further_than(&self, next: Height) {
        self.highest.send_if_modified(|highest| {
            *highest = next.min(*highest);
            false
        });
    }

    async fn past(&self, height: Height) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.highest.subscribe().wait_for(|highest| *highest > height).await;
    }
}

/// A decided height, after which the next one is to start.
#[derive(Clone, Copy, Debug)]
pub(super) struct After {
    /// The height that is decided.
    pub(super) decided: Height,
    /// When it started.
    pub(super) started: Instant,
    /// Whether its block came from a peer that had it in its log: we are catching up.
    pub(super) synced: bool,
    /// Records that come faster than this share a block.
    pub(super) interval: Duration,
}

/// How long after its parent a block without records may come at the earliest (DESIGN 4.4).
const WITHOUT_RECORDS: Duration = Duration::from_secs(1);

/// Waits until the next height shall start.
pub(super) async fn next_height_is_due<A: Application>(app: &A, ahead: &Ahead, after: After) {
    let heartbeat = at_least(Instant::now(), app.heartbeat());
    let records = async {
        at_least(after.started, after.interval).await;
        app.records_waiting().await;
    };
    let others = async {
        ahead.past(after.decided).await;
        // We have no record. If the others have none either, which one of them can bring about, blocks must not race.
        if !after.synced {
            at_least(after.started, WITHOUT_RECORDS).await;
            ahead.believe_no_further_than(after.decided.increment());
        }
    };
    tokio::select! {
        () = others => {}
        () = records => {}
        () = heartbeat => {}
    }
}

async fn at_least(since: Instant, wait: Duration) {
    match since.checked_add(wait) {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Notes when a validly signed vote or proposal of a later height arrives.
pub(super) async fn watch_for_later_heights<A: Application>(
    app: Arc<A>,
    mut events: RxEvent<ConcordContext>,
    verifier: RegionVerifier,
    ahead: Ahead,
) {
    loop {
        let message = match events.recv().await {
            Ok(Event::Received(message)) => message,
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        // No further than matters: one region's word must not count for all heights to come.
        let height = message.height().min(app.tip().increment_by(2));
        if height > ahead.highest() && height > app.tip() && is_signed(app.as_ref(), &verifier, &message) {
            ahead.saw(height);
        }
    }
}

fn is_signed<A: Application>(app: &A, verifier: &RegionVerifier, message: &SignedConsensusMsg<ConcordContext>) -> bool {
    let Ok(regions) = app.regions(message.height()) else {
        return false;
    };
    match message {
        SignedConsensusMsg::Vote(vote) => regions
            .key_of(&vote.message.voter.0)
            .is_some_and(|key| verifier.vote_is_signed(vote, key)),
        SignedConsensusMsg::Proposal(proposal) => regions
            .key_of(&proposal.message.proposer.0)
            .is_some_and(|key| verifier.proposal_is_signed(proposal, key)),
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_false_claim_of_a_far_height_counts_for_one_height_only() {
        let ahead = Ahead::default();
        ahead.saw(Height(u64::MAX));
        ahead.past(Height(4)).await;
        ahead.believe_no_further_than(Height(5));
        assert_eq!(ahead.highest(), Height(5));
        assert_eq!(ahead.past(Height(5)).now_or_never(), None);
        ahead.saw(Height(6));
        ahead.past(Height(5)).await;
    }
}
