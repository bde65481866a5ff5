//! What the actor and the judge share: who in the engine hears us, which sync requests are open.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arc_malachitebft_app_channel::app::engine::network::{NetworkEvent, Subscriber};
use arc_malachitebft_app_channel::app::types::PeerId as EnginePeerId;
use arc_malachitebft_sync as sync;
use libp2p::request_response::InboundRequestId;
use libp2p::{Multiaddr, PeerId};

use crate::consensus::context::ConcordContext;

/// A part of the engine that listens to the network.
pub(super) type Listener = Box<dyn Subscriber<NetworkEvent<ConcordContext>>>;

/// The engine's side of the network.
#[derive(Default)]
pub(super) struct Face {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    listeners: Vec<Listener>,
    addresses: Vec<Multiaddr>,
    peers: BTreeSet<EnginePeerId>,
    sync_requests: HashMap<sync::InboundRequestId, InboundRequestId>,
}

impl Face {
    // Nothing here can be left half done, so a panic elsewhere takes nothing from it.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a listener, and tells it what it missed. Without an address nothing in the engine starts.
    pub(super) fn subscribe(&self, listener: Listener) {
        let mut known = self.known();
        for address in &known.addresses {
            listener.send(NetworkEvent::Listening(address.clone()));
        }
        for peer in &known.peers {
            listener.send(NetworkEvent::PeerConnected(*peer));
        }
        known.listeners.push(listener);
    }

    /// Tells all listeners. They queue without bound, so what is told here has been judged and is bounded by who may vote.
    pub(super) fn tell(&self, event: &NetworkEvent<ConcordContext>) {
        let mut known = self.known();
        if let NetworkEvent::Listening(address) = event {
            known.addresses.push(address.clone());
        } else if let NetworkEvent::PeerConnected(peer) = event {
            known.peers.insert(*peer);
        } else if let NetworkEvent::PeerDisconnected(peer) = event {
            known.peers.remove(peer);
        }
        for listener in &known.listeners {
            listener.send(event.clone());
        }
    }

    /// Remembers a sync request under the engine's name for it.
    pub(super) fn open_sync(&self, id: InboundRequestId) -> sync::InboundRequestId {
        let name = sync::InboundRequestId::new(id);
        self.known().sync_requests.insert(name.clone(), id);
        name
    }

    /// Forgets a sync request: it is being answered, or will not be.
    pub(super) fn close_sync(&self, name: &sync::InboundRequestId) -> Option<InboundRequestId> {
        self.known().sync_requests.remove(name)
    }
}

/// The engine's form of a peer id; `None` never happens for an id that libp2p made.
pub(super) fn to_engine(peer: &PeerId) -> Option<EnginePeerId> {
    EnginePeerId::from_bytes(&peer.to_bytes()).ok()
}

/// libp2p's form of a peer id.
pub(super) fn from_engine(peer: &EnginePeerId) -> Option<PeerId> {
    PeerId::from_bytes(&peer.to_bytes()).ok()
}
