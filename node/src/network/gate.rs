//! The gate: right behind the Noise handshake, before any protocol runs, only listed peers pass (DESIGN 5, "One network").
//! A behaviour that answers before a connection gets its handlers: who is refused never gets a substream and is closed at once,
//! whether it speaks or not. (The engine's own network asks only when Identify arrives.)

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, dummy,
    },
};

use super::{
    admission::Admission,
    allow_list::{AllowList, PeerRole, ip_of},
    metrics::Meters,
};

/// A connection older than this, beside which its peer opens another, is one that only we still believe in.
const STALE: Duration = Duration::from_secs(5);

/// Why the gate refused a peer whose identity is proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAdmitted {
    /// The ledger does not name it.
    #[error("peer {0} is not on the allow-list")]
    Unlisted(PeerId),
    /// It is dialled for catching up only and may not dial us.
    #[error("peer {0} is a bootstrap peer and may not dial us")]
    BootstrapDials(PeerId),
    /// One connection a pair.
    #[error("peer {0} is connected already")]
    Connected(PeerId),
}

/// The allow-list at work.
#[derive(Debug)]
pub(super) struct Gate {
    list: Arc<AllowList>,
    admission: Admission,
    established: HashMap<PeerId, (ConnectionId, Instant)>,
    to_close: VecDeque<PeerId>,
    waker: Option<Waker>,
    meters: Meters,
}

impl Gate {
    pub(super) fn new(list: Arc<AllowList>, meters: Meters) -> Self {
        let mut admission = Admission::default();
        admission.set_known(list.addresses());
        Self {
            list,
            admission,
            established: HashMap::new(),
            to_close: VecDeque::new(),
            waker: None,
            meters,
        }
    }

    /// Puts another list in force and closes the connections of peers that are no longer on it.
    pub(super) fn replace(&mut self, list: Arc<AllowList>) {
        self.admission.set_known(list.addresses());
        let gone = self.established.keys().filter(|peer| list.get(peer).is_none());
        self.to_close.extend(gone);
        self.list = list;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// A second connection is never let in beside the first: gossip tells its subscriptions once a peer, so what went out on a
    /// connection that is then closed would be lost. Of two dialled at once both sides keep the first, or none and dial again;
    /// a peer that came back before we noticed its leaving has its old connection ended, and gets in when it dials again.
    fn admit(&mut self, peer: PeerId, endpoint: Endpoint) -> Result<(), NotAdmitted> {
        let Some(listed) = self.list.get(&peer) else {
            return Err(NotAdmitted::Unlisted(peer));
        };
        if listed.role == PeerRole::Bootstrap && endpoint == Endpoint::Listener {
            return Err(NotAdmitted::BootstrapDials(peer));
        }
        let Some((_, since)) = self.established.get(&peer) else {
            return Ok(());
        };
        if since.elapsed() >= STALE {
            self.to_close.push_back(peer);
        }
        Err(NotAdmitted::Connected(peer))
    }

    fn decide(&mut self, peer: PeerId, endpoint: Endpoint) -> Result<dummy::ConnectionHandler, ConnectionDenied> {
        self.admit(peer, endpoint).map_err(|reason| {
            self.meters.not_admitted.inc();
            tracing::debug!(%reason, "closed right behind the handshake");
            ConnectionDenied::new(reason)
        })?;
        Ok(dummy::ConnectionHandler)
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.admission
            .begin(id, ip_of(remote), Instant::now())
            .map_err(|reason| {
                self.meters.turned_away.inc();
                ConnectionDenied::new(reason)
            })
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.decide(peer, Endpoint::Listener)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.decide(peer, Endpoint::Dialer)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        if let FromSwarm::ConnectionEstablished(made) = event {
            self.admission.end(made.connection_id);
            let connection = (made.connection_id, Instant::now());
            self.established.insert(made.peer_id, connection);
        } else if let FromSwarm::ConnectionClosed(closed) = event {
            let current = self.established.get(&closed.peer_id);
            if current.is_some_and(|(id, _)| *id == closed.connection_id) {
                self.established.remove(&closed.peer_id);
            }
        } else if let FromSwarm::ListenFailure(failed) = event {
            self.admission.end(failed.connection_id);
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(peer_id) = self.to_close.pop_front() {
            return Poll::Ready(ToSwarm::CloseConnection {
                peer_id,
                connection: CloseConnection::All,
            });
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}
