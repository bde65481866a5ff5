//! The loop between the engine and the ledger: the only one (DESIGN 5, ENGINE-NOTES).
//!
//! The engine's connector awaits each answer before it hands over the next message, so every message is answered at
//! once, in order; only the answer to `Finalized` waits, in a task of its own. A body is on disk before the engine may
//! vote for it, and a block in the log, synced, before the next height starts: `Decided` comes before `Finalized` in the
//! channel, and it is committed before the next message is looked at.

mod proposals;
mod sync;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_malachitebft_app_channel::app::engine::host::Next;
use arc_malachitebft_app_channel::app::types::core::{
    CommitCertificate, Height as _, HeightParams, Round, Validity, VoteExtensionPolicy, VoteExtensions,
};
use arc_malachitebft_app_channel::app::types::{MisbehaviorEvidence, ProposedValue};
use arc_malachitebft_app_channel::{AppMsg, Channels, NetworkMsg, Reply};
use concord_spec::digest::Digest;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::application::Application;
use super::context::{ConcordContext, Height, RegionAddress};
use super::pace::{After, Ahead, next_height_is_due, watch_for_later_heights};
use super::parts::{Streamed, Streams};
use super::shares;
use super::signing::{RegionSigner, RegionVerifier};
use super::start::{ConsensusConfig, ConsensusError};
use super::value::BlockValue;

/// The state of the loop.
pub(super) struct Run<A> {
    app: Arc<A>,
    config: ConsensusConfig,
    /// None on an observer.
    signer: Option<RegionSigner>,
    verifier: RegionVerifier,
    ahead: Ahead,
    network: mpsc::Sender<NetworkMsg<ConcordContext>>,
    stop: CancellationToken,
    streams: Streams,
    /// Whole streams by height and round that cannot be judged yet.
    waiting: BTreeMap<(Height, Round), Streamed>,
    /// The height at work; none before the first.
    current: Option<(Height, Instant)>,
    /// The last height whose block came from a peer that had it in its log.
    synced: Height,
    /// How many blocks this process has decided.
    decided: u64,
    streamed: u64,
}

type Outcome = Result<(), ConsensusError>;
type Proposed = ProposedValue<ConcordContext>;

impl<A: Application> Run<A> {
    pub(super) fn new(
        app: Arc<A>,
        config: ConsensusConfig,
        signer: Option<RegionSigner>,
        network: mpsc::Sender<NetworkMsg<ConcordContext>>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            verifier: RegionVerifier::new(config.chain),
            ahead: config.ahead.clone(),
            app,
            config,
            signer,
            network,
            stop,
            streams: Streams::default(),
            waiting: BTreeMap::new(),
            current: None,
            synced: Height(0),
            decided: 0,
            streamed: 0,
        }
    }

    /// Answers the engine until it, or the node, stops.
    pub(super) async fn run(mut self, channels: Channels<ConcordContext>) -> Outcome {
        let mut messages = channels.consensus;
        let watch = tokio::spawn(watch_for_later_heights(
            self.app.clone(),
            channels.events.subscribe(),
            self.verifier,
            self.ahead.clone(),
        ));
        let stop = self.stop.clone();
        let outcome = loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                message = messages.recv() => message,
            };
            match message {
                None => break Err(ConsensusError::EngineStopped),
                Some(message) => {
                    if let Err(error) = self.handle(message).await {
                        break Err(error);
                    }
                }
            }
        };
        watch.abort();
        outcome
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each message of the engine")]
    async fn handle(&mut self, message: AppMsg<ConcordContext>) -> Outcome {
        match message {
            AppMsg::ConsensusReady { reply } => {
                let next = self.app.tip().increment();
                answer(reply, (next, self.height_params(next)?));
            }
            AppMsg::StartedRound {
                height,
                round,
                reply_value,
                ..
            } => {
                let values = self.started_round(height, round).await?;
                answer(reply_value, values);
            }
            AppMsg::GetValue {
                height, round, reply, ..
            } => self.propose(height, round, reply).await?,
            AppMsg::ExtendVote {
                height,
                round,
                value_id,
                reply,
                ..
            } => {
                answer(reply, Some(self.app.share(height, number(round), value_id)?));
            }
            AppMsg::VerifyVoteExtensions {
                height,
                round,
                value_id,
                extensions,
                reply,
            } => {
                let asked: Vec<_> = extensions
                    .into_iter()
                    .map(|(region, share)| (region.0, share))
                    .collect();
                let valid = self.app.check_shares(height, number(round), value_id, &asked).await;
                answer(reply, shares::verdicts(&asked, &valid));
            }
            AppMsg::RestreamProposal {
                height,
                round,
                valid_round,
                address,
                value_id,
            } => {
                self.restream(height, round, valid_round, address, value_id).await?;
            }
            AppMsg::GetHistoryMinHeight { reply } => answer(reply, self.app.min_height()),
            AppMsg::ReceivedProposalPart {
                from,
                published_by,
                part,
                reply,
            } => {
                let value = self.received_part(published_by.unwrap_or(from), part).await?;
                answer(reply, value);
            }
            AppMsg::Decided {
                certificate,
                extensions,
                reply,
            } => {
                self.commit(certificate, extensions).await?;
                answer(reply, ());
            }
            AppMsg::Finalized {
                certificate,
                evidence,
                reply,
                ..
            } => {
                self.finalized(certificate.height, &evidence, reply).await?;
            }
            AppMsg::GetDecidedValues { range, reply } => {
                answer(reply, self.decided_values(*range.start(), *range.end()).await?);
            }
            AppMsg::ProcessSyncedValue {
                height,
                round,
                proposer,
                value_bytes,
                reply,
            } => {
                answer(reply, self.synced(height, round, proposer, value_bytes).await?);
            }
        }
        Ok(())
    }

    fn height_params(&self, height: Height) -> Result<HeightParams<ConcordContext>, ConsensusError> {
        let regions = self.app.regions(height)?;
        // Said here in words: a signer that fails only stops the engine.
        if let (Some(signer), Some(key)) = (&self.signer, regions.key_of(&self.config.region)) {
            signer.has(height, key)?;
        }
        let params = HeightParams::new(regions, self.config.timeouts, None);
        Ok(params.with_vote_extension_policy(VoteExtensionPolicy::Required))
    }

    async fn commit(
        &mut self,
        certificate: CommitCertificate<ConcordContext>,
        extensions: VoteExtensions<ConcordContext>,
    ) -> Outcome {
        let decision = shares::decision(certificate, extensions);
        let height = decision.height;
        self.decided = self.decided.wrapping_add(1);
        if self.config.hooks.abort_at_decision == Some(self.decided) {
            error!(%height, "aborting between precommit and commit, as a test asked");
            std::process::abort();
        }
        debug!(%height, round = decision.round, hash = %decision.hash, "decided");
        self.app.commit(decision).await?;
        self.streams.forget_up_to(height);
        self.waiting.retain(|(of, _), _| *of > height);
        Ok(())
    }

    async fn finalized(
        &mut self,
        decided: Height,
        found: &MisbehaviorEvidence<ConcordContext>,
        reply: Reply<Next<ConcordContext>>,
    ) -> Outcome {
        if !found.is_empty() {
            let evidence = shares::evidence(found);
            warn!(height = %decided, pairs = evidence.len(), "regions signed contradicting messages");
            self.app.evidence(evidence).await?;
        }
        if self.app.tip() < decided {
            return Err(ConsensusError::NotCommitted(decided));
        }
        let next = Next::Start(decided.increment(), self.height_params(decided.increment())?);
        let after = After {
            decided,
            started: self.current.map_or_else(Instant::now, |(_, started)| started),
            synced: self.synced == decided,
            interval: self.config.block_interval,
        };
        let (app, ahead, stop) = (self.app.clone(), self.ahead.clone(), self.stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = next_height_is_due(app.as_ref(), &ahead, after) => answer(reply, next),
                () = stop.cancelled() => {}
            }
        });
        Ok(())
    }
}

/// Sends an answer. That nobody waits for it any more is no matter: the engine is stopping.
fn answer<T>(reply: Reply<T>, value: T) {
    drop(reply.send(value));
}

/// A round's number. The engine asks about none but numbered rounds.
fn number(round: Round) -> u32 {
    round.as_u32().unwrap_or(0)
}

fn proposed(
    height: Height,
    round: Round,
    valid_round: Round,
    proposer: RegionAddress,
    hash: Digest,
    valid: bool,
) -> Proposed {
    ProposedValue {
        height,
        round,
        valid_round,
        proposer,
        value: BlockValue(hash),
        validity: Validity::from_bool(valid),
    }
}
