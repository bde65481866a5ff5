//! Proposed blocks: built here and streamed, or received in parts and judged.

use arc_malachitebft_app_channel::app::types::core::{Height as _, Round};
use arc_malachitebft_app_channel::app::types::streaming::{StreamId, StreamMessage};
use arc_malachitebft_app_channel::app::types::{LocallyProposedValue, PeerId};
use arc_malachitebft_app_channel::{NetworkMsg, Reply};
use bytes::Bytes;
use concord_spec::digest::Digest;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::super::application::{Application, Candidate, Judgement, Origin};
use super::super::context::{ConcordContext, Height, RegionAddress};
use super::super::parts::{LATE_ROUND, PartInit, ProposalPart, Streamed, stream};
use super::super::signing::{NoKey, VoteKey};
use super::super::start::ConsensusError;
use super::super::value::BlockValue;
use super::{Outcome, Proposed, Run, answer, number, proposed};

/// How far past the tip a stream may be: others may be one height ahead while we commit.
const STREAMS_AHEAD: u64 = 2;
/// Most whole bodies that wait for their height to start, or for our clock to reach their time.
const MAX_WAITING: usize = 8;

impl<A: Application> Run<A> {
    /// What is known of a round's height already: after a start, what was kept before; then streams that came early.
    pub(super) async fn started_round(
        &mut self,
        height: Height,
        round: Round,
    ) -> Result<Vec<Proposed>, ConsensusError> {
        debug!(%height, %round, "round started");
        let mut values = Vec::new();
        if self.current.is_none() {
            for kept in self.app.kept(height).await? {
                let round = Round::new(kept.round);
                values.push(proposed(
                    height,
                    round,
                    Round::Nil,
                    RegionAddress(kept.proposer),
                    kept.hash,
                    true,
                ));
            }
        }
        if self.current.is_none_or(|(current, _)| current != height) {
            self.current = Some((height, Instant::now()));
        }
        let later = self.waiting.split_off(&(height.increment(), Round::Nil));
        let due = std::mem::replace(&mut self.waiting, later);
        for streamed in due.into_values().filter(|streamed| streamed.init.height == height) {
            values.extend(self.judge(streamed).await?);
        }
        Ok(values)
    }

    pub(super) async fn propose(
        &mut self,
        height: Height,
        round: Round,
        reply: Reply<LocallyProposedValue<ConcordContext>>,
    ) -> Outcome {
        let built = self.app.build(height, number(round)).await?;
        debug!(%height, %round, hash = %built.hash, bytes = built.body.len(), "proposing");
        answer(reply, LocallyProposedValue::new(height, round, BlockValue(built.hash)));
        let region = self.config.region.clone();
        let init = PartInit {
            height,
            round,
            valid_round: Round::Nil,
            proposer: region.clone(),
            sender: region,
        };
        self.publish(init, &built.body).await
    }

    pub(super) async fn restream(
        &mut self,
        height: Height,
        round: Round,
        valid_round: Round,
        proposer: RegionAddress,
        hash: Digest,
    ) -> Outcome {
        let Some(body) = self.app.body(hash).await? else {
            warn!(%height, %round, %hash, "asked to stream a block again whose body is not kept");
            return Ok(());
        };
        let sender = self.config.region.clone();
        self.publish(
            PartInit {
                height,
                round,
                valid_round,
                proposer: proposer.0,
                sender,
            },
            &body,
        )
        .await
    }

    async fn publish(&mut self, init: PartInit, body: &Bytes) -> Outcome {
        self.streamed = self.streamed.wrapping_add(1);
        let number = self.streamed.to_be_bytes();
        let height = init.height.0.to_be_bytes();
        let id = StreamId::new([height, self.config.stream_salt, number].concat().into());
        // Only a region that votes proposes; the engine of an observer asks for nothing to stream.
        let signer = self.signer.as_ref().ok_or(NoKey(init.height))?;
        for message in stream(init, body, &id, signer)? {
            if self
                .network
                .send(NetworkMsg::PublishProposalPart(message))
                .await
                .is_err()
            {
                return Err(ConsensusError::EngineStopped);
            }
        }
        Ok(())
    }

    pub(super) async fn received_part(
        &mut self,
        publisher: PeerId,
        part: StreamMessage<ProposalPart>,
    ) -> Result<Option<Proposed>, ConsensusError> {
        let app = &self.app;
        let taken = self
            .streams
            .take(publisher, part, &self.verifier, |init| may_stream(app.as_ref(), init));
        let streamed = match taken {
            Ok(None) => return Ok(None),
            Ok(Some(streamed)) => streamed,
            Err(error) => {
                debug!(%publisher, %error, "dropped a stream");
                return Ok(None);
            }
        };
        let height = streamed.init.height;
        self.ahead.saw(height);
        if self.current.is_some_and(|(current, _)| current == height) {
            return self.judge(streamed).await;
        }
        self.wait(streamed);
        Ok(None)
    }

    /// Keeps a whole stream until it can be judged. Lower heights and rounds are kept rather than higher.
    fn wait(&mut self, streamed: Streamed) {
        self.waiting
            .insert((streamed.init.height, streamed.init.round), streamed);
        if self.waiting.len() > MAX_WAITING {
            self.waiting.pop_last();
        }
    }

    /// Judges a streamed block of the current height.
    async fn judge(&mut self, streamed: Streamed) -> Result<Option<Proposed>, ConsensusError> {
        let init = streamed.init.clone();
        if self.app.tip().increment() != init.height {
            // Decided in the meantime.
            return Ok(None);
        }
        let candidate = Candidate {
            height: init.height,
            round: number(init.round),
            proposer: init.proposer.clone(),
            origin: if init.valid_round.is_nil() {
                Origin::Proposed
            } else {
                Origin::ProposedAgain
            },
            body: streamed.body.clone(),
        };
        let (hash, valid) = match self.app.judge(candidate).await? {
            Judgement::Valid(hash) => (hash, true),
            Judgement::Invalid { hash, reason } => {
                warn!(height = %init.height, round = %init.round, proposer = %init.proposer, %reason, "invalid block");
                match hash {
                    Some(hash) => (hash, false),
                    None => return Ok(None),
                }
            }
            Judgement::NotYet => {
                // The engine takes values only as answers, so it is judged again when its next round starts.
                info!(height = %init.height, round = %init.round, "a block's time is ahead of our clock");
                self.wait(streamed);
                return Ok(None);
            }
        };
        let proposer = RegionAddress(init.proposer);
        Ok(Some(proposed(
            init.height,
            init.round,
            init.valid_round,
            proposer,
            hash,
            valid,
        )))
    }
}

/// By which key a stream with this first part must be signed; none if its sender may not stream it.
fn may_stream<A: Application>(app: &A, init: &PartInit) -> Option<VoteKey> {
    let tip = app.tip();
    let round = init.round.as_u32()?;
    let wanted = init.height > tip && init.height.0 <= tip.0.saturating_add(STREAMS_AHEAD);
    let sender_may = init.sender == init.proposer || init.round >= LATE_ROUND;
    if !wanted || !sender_may || init.valid_round >= init.round {
        return None;
    }
    let regions = app.regions(init.height).ok()?;
    let its_turn = regions.regions().any(|region| *region == init.proposer)
        && regions.proposer(init.height, round).region() == &init.proposer;
    if its_turn {
        regions.key_of(&init.sender).copied()
    } else {
        None
    }
}
