//! Connections of listed peers: one a pair, hello first (DESIGN 5).

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use libp2p::{
    PeerId,
    request_response::{Event as Asked, Message, OutboundFailure},
    swarm::SwarmEvent,
};

use super::super::{
    allow_list::AllowList,
    exchange::{AnswerSlot, ExchangeEvent},
    handle::PeerStatus,
    hello::{Answer, ChainId, Hello, Refusal},
};
use super::{Event, ProtocolsEvent, SwarmTask};

/// From the connection to the end of hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// From a refusal to the end of its connection, if the peer does not take the answer.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// A refusal is logged this often at most.
const LOG_AGAIN: Duration = Duration::from_secs(30);

/// How far a connected peer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Hello must be done by then.
    Greeting(Instant),
    Greeted,
    /// It keeps another chain and is about to be disconnected.
    Refused(Option<Instant>),
}

/// The peers that passed the gate, each by its one connection.
#[derive(Debug, Default)]
pub(super) struct Links {
    stages: HashMap<PeerId, Stage>,
}

impl Links {
    fn is_greeting(&self, peer: &PeerId) -> bool {
        matches!(self.stages.get(peer), Some(Stage::Greeting(_)))
    }

    pub(super) fn is_greeted(&self, peer: &PeerId) -> bool {
        self.stages.get(peer) == Some(&Stage::Greeted)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let deadlines = self.stages.values().filter_map(|stage| match stage {
            Stage::Greeting(at) | Stage::Refused(Some(at)) => Some(*at),
            Stage::Greeted | Stage::Refused(None) => None,
        });
        deadlines.min()
    }

    /// The peers whose time is over; each is named once.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Vec<PeerId> {
        let mut overdue = Vec::new();
        for (peer, stage) in &mut self.stages {
            if let Stage::Greeting(at) | Stage::Refused(Some(at)) = stage
                && *at <= now
            {
                *stage = Stage::Refused(None);
                overdue.push(*peer);
            }
        }
        overdue
    }
}

impl SwarmTask {
    pub(super) fn on_connection(&mut self, event: SwarmEvent<ProtocolsEvent>) {
        if let SwarmEvent::NewListenAddr { address, .. } = event {
            tracing::info!(%address, "listening");
            self.status
                .send_modify(|status| status.listen_addresses.push(address.clone()));
            self.report(Event::Listening(address));
        } else if let SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } = event {
            self.on_connected(peer_id, endpoint.is_dialer());
        } else if let SwarmEvent::ConnectionClosed {
            peer_id,
            num_established: 0,
            ..
        } = event
        {
            self.on_disconnected(peer_id);
        } else if let SwarmEvent::OutgoingConnectionError { peer_id, error, .. } = event {
            if let Some(peer) = peer_id {
                tracing::debug!(%peer, name = self.list.name(&peer), %error, "dial failed");
                self.dialer.dial_failed(&peer, Instant::now());
            }
        } else if let SwarmEvent::ListenerClosed { reason, .. } = event {
            tracing::error!(?reason, "no longer listening");
        }
    }

    fn on_connected(&mut self, peer: PeerId, dialled_by_us: bool) {
        let now = Instant::now();
        self.dialer.connected(&peer, now);
        let stage = Stage::Greeting(now + HELLO_TIMEOUT);
        self.links.stages.insert(peer, stage);
        if dialled_by_us {
            self.say_hello(&peer);
        }
    }

    fn on_disconnected(&mut self, peer: PeerId) {
        let now = Instant::now();
        self.rates.forget(&peer);
        let stage = self.links.stages.remove(&peer);
        match stage {
            Some(Stage::Refused(_)) => self.dialer.refused(&peer, now),
            Some(Stage::Greeting(_) | Stage::Greeted) | None => {
                self.dialer.disconnected(&peer, now);
            }
        }
        if stage == Some(Stage::Greeted) {
            tracing::info!(%peer, name = self.list.name(&peer), "disconnected");
            self.meters.peers.dec();
            self.status.send_modify(|status| status.left(&peer));
            self.report(Event::Left(peer));
        }
    }

    fn our_hello(&self) -> Hello {
        Hello {
            height: *self.height.borrow(),
            ..self.hello.clone()
        }
    }

    fn say_hello(&mut self, peer: &PeerId) {
        let hello = Bytes::from(self.our_hello().encode());
        self.swarm.behaviour_mut().hello.send_request(peer, hello);
    }

    pub(super) fn on_hello(&mut self, event: ExchangeEvent) {
        match event {
            Asked::Message { peer, message, .. } => match message {
                Message::Request { request, channel, .. } => self.on_their_hello(peer, &request, channel),
                Message::Response { response, .. } => self.on_their_answer(peer, &response),
            },
            Asked::OutboundFailure { peer, error, .. } => self.on_hello_failed(&peer, &error),
            // A peer that was refused closes the connection itself once it has read why: closing it here could be quicker than
            // that. Its deadline ends it otherwise, as it does where a hello was cut short.
            Asked::ResponseSent { .. } | Asked::InboundFailure { .. } => {}
        }
    }

    fn on_hello_failed(&mut self, peer: &PeerId, error: &OutboundFailure) {
        if self.links.is_greeting(peer) {
            tracing::warn!(%peer, name = self.list.name(peer), %error, "no hello, disconnected");
            let _was_connected = self.swarm.disconnect_peer_id(*peer);
        }
    }

    fn on_their_hello(&mut self, peer: PeerId, request: &[u8], slot: AnswerSlot) {
        let Ok(hello) = Hello::decode(request) else {
            tracing::warn!(%peer, name = self.list.name(&peer), "not a hello, disconnected");
            let _was_connected = self.swarm.disconnect_peer_id(peer);
            return;
        };
        let answer = match hello.reason_to_refuse(&self.hello.chain) {
            Some(reason) => {
                self.refuse(peer, hello.chain, reason.clone(), false);
                let chain = self.hello.chain;
                Answer::Refused { chain, reason }
            }
            None => {
                self.greet(peer, hello);
                Answer::Welcome(self.our_hello())
            }
        };
        let bytes = Bytes::from(answer.encode());
        let _ = self.swarm.behaviour_mut().hello.send_response(slot, bytes);
    }

    fn on_their_answer(&mut self, peer: PeerId, response: &[u8]) {
        match Answer::decode(response) {
            Ok(Answer::Welcome(hello)) => match hello.reason_to_refuse(&self.hello.chain) {
                Some(reason) => {
                    self.refuse(peer, hello.chain, reason, false);
                    let _was_connected = self.swarm.disconnect_peer_id(peer);
                }
                None => self.greet(peer, hello),
            },
            Ok(Answer::Refused { chain, reason }) => {
                self.refuse(peer, chain, reason, true);
                let _was_connected = self.swarm.disconnect_peer_id(peer);
            }
            Err(error) => {
                tracing::warn!(%peer, name = self.list.name(&peer), %error, "disconnected");
                let _was_connected = self.swarm.disconnect_peer_id(peer);
            }
        }
    }

    fn greet(&mut self, peer: PeerId, hello: Hello) {
        let Some(stage) = self.links.stages.get_mut(&peer) else {
            return;
        };
        let first = *stage != Stage::Greeted;
        *stage = Stage::Greeted;
        let Some(listed) = self.list.get(&peer) else {
            return;
        };
        let status = PeerStatus::new(listed, hello);
        if first {
            let (name, height) = (&listed.name, status.height);
            tracing::info!(%peer, name, height, software = status.software, "connected");
            self.meters.peers.inc();
            self.report(Event::Joined(peer));
        }
        self.status.send_modify(|all| all.joined(status));
    }

    fn refuse(&mut self, peer: PeerId, their_chain: ChainId, reason: String, by_peer: bool) {
        if let Some(stage) = self.links.stages.get_mut(&peer) {
            *stage = Stage::Refused(Some(Instant::now() + REFUSAL_TIMEOUT));
        }
        self.meters.refused.inc();
        let refusal = Refusal {
            peer,
            name: self.list.name(&peer).to_owned(),
            our_chain: self.hello.chain,
            their_chain,
            reason,
            by_peer,
            at: SystemTime::now(),
        };
        let quiet = self.status.borrow().refused_since(&peer, LOG_AGAIN);
        if !quiet {
            tracing::warn!(
                %peer,
                name = refusal.name,
                our_chain = hex::encode(refusal.our_chain),
                their_chain = hex::encode(refusal.their_chain),
                reason = refusal.reason,
                by_peer,
                "a listed peer keeps another chain, refused"
            );
        }
        self.status.send_modify(|status| status.refused(refusal));
    }

    pub(super) fn allow(&mut self, list: &Arc<AllowList>) {
        tracing::info!(peers = list.len(), "allow-list replaced");
        self.list = Arc::clone(list);
        self.list_now.send_replace(Arc::clone(list));
        self.swarm.behaviour_mut().gate.replace(Arc::clone(list));
        self.dialer.replace(Arc::clone(list), Instant::now());
        self.status.send_modify(|status| status.forget_unlisted(list));
    }
}
