//! Sync requests of the engine and bodies by hash, as the swarm sees them.

use bytes::Bytes;
use libp2p::{
    PeerId,
    request_response::{Event as Asked, Message, OutboundFailure},
};
use tokio::sync::oneshot;

use super::super::{
    BodyAnswer, BodyError,
    exchange::{self, ExchangeEvent},
    handle::BodyQuery,
};
use super::{Event, SwarmTask, SyncFailure};

impl SwarmTask {
    pub(super) fn on_sync(&mut self, event: ExchangeEvent) {
        match event {
            Asked::Message { peer, message, .. } => match message {
                Message::Request {
                    request_id: id,
                    request: body,
                    channel,
                } => {
                    self.sync_slots.insert(id, channel);
                    self.report(Event::SyncRequest { id, from: peer, body });
                }
                Message::Response {
                    request_id: id,
                    response: body,
                } => self.report(Event::SyncAnswer { id, from: peer, body }),
            },
            Asked::OutboundFailure {
                peer,
                request_id: id,
                error,
                ..
            } => self.report(Event::SyncFailed {
                id,
                from: peer,
                failure: SyncFailure::from(&error),
            }),
            Asked::InboundFailure {
                peer, request_id: id, ..
            } => {
                self.sync_slots.remove(&id);
                self.report(Event::SyncRequestLost { id, from: peer });
            }
            Asked::ResponseSent { .. } => {}
        }
    }

    pub(super) fn ask_body(&mut self, to: &PeerId, hash: &[u8; 32], answer: oneshot::Sender<BodyAnswer>) {
        if !self.links.is_greeted(to) {
            // Who asked may have gone.
            let _ = answer.send(Err(BodyError::NotConnected(*to)));
            return;
        }
        let request = Bytes::copy_from_slice(hash);
        let id = self.swarm.behaviour_mut().bodies.send_request(to, request);
        self.body_waits.insert(id, answer);
    }

    pub(super) fn on_body(&mut self, event: ExchangeEvent) {
        match event {
            Asked::Message { peer, message, .. } => match message {
                Message::Request { request, channel, .. } => {
                    // Not answering closes the stream: the peer asks another.
                    if let Ok(hash) = <[u8; exchange::HASH_BYTES]>::try_from(request.as_ref()) {
                        let query = BodyQuery::new(peer, hash, channel, self.commander.clone());
                        let _ = self.bodies.try_send(query);
                    }
                }
                Message::Response { request_id, response } => {
                    if let Some(answer) = self.body_waits.remove(&request_id) {
                        let body = exchange::decode_body(response);
                        let _ = answer.send(body.ok_or(BodyError::Malformed(peer)));
                    }
                }
            },
            Asked::OutboundFailure {
                peer,
                request_id,
                error,
                ..
            } => {
                if let Some(answer) = self.body_waits.remove(&request_id) {
                    let reason = error.to_string();
                    let _ = answer.send(Err(BodyError::Failed { peer, reason }));
                }
            }
            Asked::InboundFailure { .. } | Asked::ResponseSent { .. } => {}
        }
    }
}

impl From<&OutboundFailure> for SyncFailure {
    fn from(failure: &OutboundFailure) -> Self {
        match failure {
            OutboundFailure::DialFailure => Self::Dial,
            OutboundFailure::ConnectionClosed => Self::Closed,
            OutboundFailure::Timeout => Self::Timeout,
            OutboundFailure::UnsupportedProtocols => Self::Unsupported,
            OutboundFailure::Io(_) => Self::Io,
        }
    }
}
