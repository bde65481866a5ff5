//! The actor that the engine takes for its network: what it publishes, asks and answers (ENGINE-NOTES, "custom network").
//! It handles one message after the other, so what leaves keeps the engine's order, guard first.

use std::sync::Arc;

use arc_malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_app_channel::app::engine::network::{Msg, NetworkRef, PersistentPeerError, Status};
use arc_malachitebft_app_channel::app::types::PeerId as EnginePeerId;
use arc_malachitebft_app_channel::app::types::codec::Codec;
use arc_malachitebft_app_channel::app::types::streaming::StreamMessage;
use arc_malachitebft_sync as sync;
use async_trait::async_trait;
use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::{mpsc, oneshot, watch};

use super::face::{Face, from_engine};
use super::publisher::Publisher;
use super::swarm::Command;
use super::topics::Topic;
use super::voter::{GuardedVoter, Halt, Permit};
use super::{NetworkError, Stopped};
use crate::consensus::codec::ConcordCodec;
use crate::consensus::context::ConcordContext;
use crate::consensus::parts::ProposalPart;

/// The behaviour of the actor; what it holds is in [`Outlet`].
#[derive(Debug)]
struct NetworkActor;

/// What the actor holds.
pub(super) struct Outlet {
    pub(super) peer: EnginePeerId,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) face: Arc<Face>,
    pub(super) publisher: Publisher,
    pub(super) voter: GuardedVoter,
    pub(super) halted: Arc<watch::Sender<Option<String>>>,
}

/// Starts the actor.
pub(super) async fn spawn(outlet: Outlet) -> Result<NetworkRef<ConcordContext>, NetworkError> {
    let spawned = Actor::spawn(None, NetworkActor, outlet).await;
    let (actor, _task) = spawned.map_err(|error| NetworkError::Actor(error.to_string()))?;
    Ok(actor)
}

#[async_trait]
impl Actor for NetworkActor {
    type Msg = Msg<ConcordContext>;
    type State = Outlet;
    type Arguments = Outlet;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, outlet: Outlet) -> Result<Outlet, ActorProcessingErr> {
        Ok(outlet)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        outlet: &mut Outlet,
    ) -> Result<(), ActorProcessingErr> {
        outlet.handle(message).await
    }
}

impl Outlet {
    async fn handle(&mut self, message: Msg<ConcordContext>) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Subscribe(listener) => self.face.subscribe(listener),
            Msg::PublishConsensusMsg(message) => self.publish_consensus(message).await?,
            Msg::PublishLivenessMsg(message) => self.publish_liveness(message).await?,
            Msg::PublishProposalPart(part) => self.publish_part(&part).await?,
            Msg::BroadcastStatus(status) => self.broadcast(status).await?,
            Msg::OutgoingRequest(to, request, reply) => self.ask(&to, &request, reply).await?,
            Msg::OutgoingResponse(id, response) => self.answer(&id, &response).await?,
            Msg::CancelInboundRequest(name) => {
                if let Some(id) = self.face.close_sync(&name) {
                    self.send(Command::AnswerSync { id, body: None }).await?;
                }
            }
            Msg::DumpState(reply) => drop(reply.send(None)),
            Msg::UpdatePersistentPeers(_, reply) => {
                let refused = PersistentPeerError::InternalError("the ledger names the peers".to_owned());
                drop(reply.send(Err(refused)));
            }
            // libp2p cannot recall a request: its own timeout ends it, and the engine drops a late answer. Proofs admit nobody
            // here, the ledger does; it also tells who votes at each height. `NewEvent` belongs to the engine's own network.
            Msg::UpdateValidatorSet(_)
            | Msg::CancelRequest(_)
            | Msg::ValidatorProofVerified { .. }
            | Msg::NewEvent(_) => {}
        }
        Ok(())
    }

    async fn send(&self, command: Command) -> Result<(), Stopped> {
        self.commands.send(command).await.map_err(|_| Stopped)
    }

    async fn publish(&self, topic: Topic, body: Bytes) -> Result<(), Stopped> {
        self.send(Command::Publish { topic, body }).await
    }

    /// Asks the guard, and stops this actor, and with it the engine, when it refuses.
    async fn permit(&mut self, message: &SignedConsensusMsg<ConcordContext>) -> Result<Permit, Halt> {
        let answer = self.voter.permit(message).await;
        if let Err(halt) = &answer {
            let explanation = halt.to_string();
            tracing::error!(%explanation, "the node stops: a vote or proposal must not leave");
            self.halted.send_replace(Some(explanation));
        }
        answer
    }

    async fn publish_consensus(
        &mut self,
        message: SignedConsensusMsg<ConcordContext>,
    ) -> Result<(), ActorProcessingErr> {
        if self.permit(&message).await? == Permit::Granted {
            let body = ConcordCodec.encode(&message)?;
            self.publish(Topic::Consensus, body).await?;
        }
        Ok(())
    }

    /// Our own votes sent again pass the guard as they did the first time; certificates hold what others said.
    async fn publish_liveness(&mut self, message: LivenessMsg<ConcordContext>) -> Result<(), ActorProcessingErr> {
        if let LivenessMsg::Vote(vote) = &message
            && self.voter.is_own(&vote.message)
            && self.permit(&SignedConsensusMsg::Vote(vote.clone())).await? == Permit::Watching
        {
            return Ok(());
        }
        let body = ConcordCodec.encode(&message)?;
        self.publish(Topic::Liveness, body).await?;
        Ok(())
    }

    async fn publish_part(&self, part: &StreamMessage<ProposalPart>) -> Result<(), ActorProcessingErr> {
        let part = ConcordCodec.encode(part)?;
        self.publish(Topic::Parts, self.publisher.sign(&part)).await?;
        Ok(())
    }

    async fn broadcast(&self, status: Status<ConcordContext>) -> Result<(), ActorProcessingErr> {
        let status = sync::Status::<ConcordContext> {
            peer_id: self.peer,
            tip_height: status.tip_height,
            history_min_height: status.history_min_height,
        };
        let body = ConcordCodec.encode(&status)?;
        self.publish(Topic::Status, body).await?;
        Ok(())
    }

    async fn ask(
        &self,
        to: &EnginePeerId,
        request: &sync::Request<ConcordContext>,
        reply: RpcReplyPort<sync::OutboundRequestId>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(to) = from_engine(to) else {
            return Ok(());
        };
        let body = ConcordCodec.encode(request)?;
        let (id, asked) = oneshot::channel();
        self.send(Command::Sync { to, body, id }).await?;
        // The swarm answers at once and never waits for this actor. Who asked may have gone.
        let asked = asked.await.map_err(|_| Stopped)?;
        drop(reply.send(sync::OutboundRequestId::new(asked)));
        Ok(())
    }

    async fn answer(
        &self,
        name: &sync::InboundRequestId,
        response: &sync::Response<ConcordContext>,
    ) -> Result<(), ActorProcessingErr> {
        // It may have been given up meanwhile.
        let Some(id) = self.face.close_sync(name) else {
            return Ok(());
        };
        let body = Some(ConcordCodec.encode(response)?);
        self.send(Command::AnswerSync { id, body }).await?;
        Ok(())
    }
}
