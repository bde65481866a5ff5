//! What the swarm task is told, and what it tells.

use std::sync::Arc;

use bytes::Bytes;
use libp2p::{
    Multiaddr, PeerId,
    gossipsub::{MessageAcceptance, MessageId},
    request_response::{InboundRequestId, OutboundRequestId},
};
use tokio::sync::oneshot;

use super::super::{
    BodyAnswer,
    allow_list::AllowList,
    exchange::{self, AnswerSlot},
    topics::Topic,
};
use super::SwarmTask;

/// An instruction to the swarm task.
#[derive(Debug)]
pub(in super::super) enum Command {
    /// Gossip this body.
    Publish { topic: Topic, body: Bytes },
    /// What became of a message that was judged.
    Conclude {
        id: MessageId,
        from: PeerId,
        acceptance: MessageAcceptance,
    },
    /// Send a sync request.
    Sync {
        to: PeerId,
        body: Bytes,
        id: oneshot::Sender<OutboundRequestId>,
    },
    /// Answer a sync request, or (`None`) let it go unanswered.
    AnswerSync { id: InboundRequestId, body: Option<Bytes> },
    /// Ask a peer for a body.
    Body {
        to: PeerId,
        hash: [u8; 32],
        answer: oneshot::Sender<BodyAnswer>,
    },
    /// Answer a peer that asked for a body.
    AnswerBody { slot: AnswerSlot, body: Option<Bytes> },
    /// Put another allow-list in force.
    Allow(Arc<AllowList>),
    /// Close everything.
    Shutdown,
}

/// A gossip message to be judged.
#[derive(Debug)]
pub(in super::super) struct Incoming {
    pub(in super::super) topic: Topic,
    /// Who handed it to us, by Noise; not always who wrote it.
    pub(in super::super) from: PeerId,
    pub(in super::super) id: MessageId,
    pub(in super::super) body: Bytes,
}

/// What the swarm task reports.
#[derive(Debug)]
pub(in super::super) enum Event {
    Listening(Multiaddr),
    /// A listed peer of our chain is connected.
    Joined(PeerId),
    /// Its last connection ended.
    Left(PeerId),
    Gossip(Incoming),
    SyncRequest {
        id: InboundRequestId,
        from: PeerId,
        body: Bytes,
    },
    /// The peer will not get an answer any more.
    SyncRequestLost {
        id: InboundRequestId,
        from: PeerId,
    },
    SyncAnswer {
        id: OutboundRequestId,
        from: PeerId,
        body: Bytes,
    },
    SyncFailed {
        id: OutboundRequestId,
        from: PeerId,
        failure: SyncFailure,
    },
}

/// Why a sync request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum SyncFailure {
    Dial,
    Closed,
    Timeout,
    Unsupported,
    Io,
}

impl Event {
    /// Bytes that this event keeps in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Gossip(incoming) => incoming.body.len(),
            Self::SyncRequest { body, .. } | Self::SyncAnswer { body, .. } => body.len(),
            Self::Listening(_)
            | Self::Joined(_)
            | Self::Left(_)
            | Self::SyncRequestLost { .. }
            | Self::SyncFailed { .. } => 0,
        }
    }
}

impl SwarmTask {
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Publish { topic, body } => self.publish(topic, &body),
            Command::Conclude { id, from, acceptance } => self.conclude(&id, &from, acceptance),
            Command::Sync { to, body, id } => {
                let asked = self.swarm.behaviour_mut().sync.send_request(&to, body);
                // Who asked may have gone; the answer then meets nobody.
                let _ = id.send(asked);
            }
            Command::AnswerSync { id, body } => {
                if let Some(slot) = self.sync_slots.remove(&id)
                    && let Some(body) = body
                {
                    let _ = self.swarm.behaviour_mut().sync.send_response(slot, body);
                }
            }
            Command::Body { to, hash, answer } => self.ask_body(&to, &hash, answer),
            Command::AnswerBody { slot, body } => {
                let bytes = exchange::encode_body(body.as_deref());
                let _ = self.swarm.behaviour_mut().bodies.send_response(slot, bytes);
            }
            Command::Allow(list) => self.allow(&list),
            Command::Shutdown => {}
        }
    }

    pub(super) fn publish(&mut self, topic: Topic, body: &Bytes) {
        if topic == Topic::Status {
            self.last_status = Some(body.clone());
        }
        if body.len() > topic.max_body() {
            tracing::error!(topic = topic.name(), bytes = body.len(), "too long, not sent");
            return;
        }
        self.meters.published(topic, body.len());
        let data = self.framing.frame(body);
        let hash = self.names.hash(topic);
        if let Err(error) = self.swarm.behaviour_mut().gossip.publish(hash, data) {
            // Alone, or every peer's queue is full: who needs it asks for it later.
            tracing::debug!(topic = topic.name(), %error, "not published");
        }
    }
}
