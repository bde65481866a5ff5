//! The swarm: one task that owns every connection and protocol (DESIGN 5, "One network").
//! It takes commands and reports events, and never waits for whoever hears them: a full queue drops gossip, nothing else.

mod command;
mod links;
mod listen;
mod requests;

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, gossipsub,
    identity::Keypair,
    ping,
    request_response::{InboundRequestId, OutboundRequestId},
    swarm::{self, NetworkBehaviour, SwarmEvent},
};
use tokio::sync::{mpsc, oneshot, watch};

pub(super) use self::command::{Command, Event, Incoming, SyncFailure};
use self::links::Links;
use super::{
    BodyAnswer, NetworkError,
    allow_list::{AllowList, PeerRole},
    dial::Dialer,
    exchange::{self, AnswerSlot, Exchange},
    gate::Gate,
    handle::{BodyQuery, NetworkStatus, ReceivedRecords},
    handshake,
    hello::Hello,
    metrics::Meters,
    rates::Rates,
    topics::{self, ChainTag, Framing, Gossip, Topic, TopicNames},
};

/// Gossip that waits to be judged: bytes, at most.
const MAX_WAITING_BYTES: usize = 32 * 1024 * 1024;
/// Gossip that waits to be judged: messages, at most.
const MAX_WAITING: usize = 8192;
/// Connections live as long as both sides want them; ping finds the dead ones.
const IDLE_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);
/// For peers to take their leave at shutdown.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What runs on a connection. The gate is first: whom it refuses, nobody else sees.
#[derive(NetworkBehaviour)]
struct Protocols {
    gate: Gate,
    ping: ping::Behaviour,
    hello: Exchange,
    sync: Exchange,
    bodies: Exchange,
    gossip: Gossip,
}

/// What the swarm is made of.
pub(super) struct Parts {
    pub(super) keypair: Keypair,
    pub(super) listen: Multiaddr,
    pub(super) list: watch::Sender<Arc<AllowList>>,
    pub(super) hello: Hello,
    pub(super) height: watch::Receiver<u64>,
    pub(super) meters: Meters,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) commander: mpsc::WeakSender<Command>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) records: mpsc::Sender<ReceivedRecords>,
    pub(super) bodies: mpsc::Sender<BodyQuery>,
    pub(super) status: Arc<watch::Sender<NetworkStatus>>,
}

/// The task's state.
pub(super) struct SwarmTask {
    swarm: Swarm<Protocols>,
    list: Arc<AllowList>,
    list_now: watch::Sender<Arc<AllowList>>,
    last_status: Option<Bytes>,
    rates: Rates,
    dialer: Dialer,
    links: Links,
    hello: Hello,
    height: watch::Receiver<u64>,
    names: TopicNames,
    framing: Framing,
    meters: Meters,
    commands: mpsc::Receiver<Command>,
    commander: mpsc::WeakSender<Command>,
    events: mpsc::Sender<Event>,
    waiting: VecDeque<Event>,
    waiting_bytes: usize,
    records: mpsc::Sender<ReceivedRecords>,
    bodies: mpsc::Sender<BodyQuery>,
    sync_slots: HashMap<InboundRequestId, AnswerSlot>,
    body_waits: HashMap<OutboundRequestId, oneshot::Sender<BodyAnswer>>,
    status: Arc<watch::Sender<NetworkStatus>>,
}

impl SwarmTask {
    /// Builds the swarm, listens, and waits until the address is bound.
    pub(super) async fn listen(parts: Parts) -> Result<Self, NetworkError> {
        let own = parts.keypair.public().to_peer_id();
        let list = Arc::clone(&parts.list.borrow());
        let config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(IDLE_TIMEOUT);
        let mut swarm = Swarm::new(handshake::transport(&parts.keypair)?, protocols(&parts)?, own, config);
        listen::bind(&mut swarm, &parts.listen)?;
        let chain = ChainTag::from(&parts.hello.chain);
        let mut task = Self {
            swarm,
            dialer: Dialer::new(own, Arc::clone(&list), Instant::now()),
            list,
            list_now: parts.list,
            last_status: None,
            rates: Rates::default(),
            links: Links::default(),
            hello: parts.hello,
            height: parts.height,
            names: TopicNames::new(&chain),
            framing: Framing::new(),
            meters: parts.meters,
            commands: parts.commands,
            commander: parts.commander,
            events: parts.events,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            records: parts.records,
            bodies: parts.bodies,
            sync_slots: HashMap::new(),
            body_waits: HashMap::new(),
            status: parts.status,
        };
        task.until_bound().await?;
        Ok(task)
    }

    /// Runs until it is told to stop or nobody holds a handle any more.
    pub(super) async fn run(mut self) {
        let events = self.events.clone();
        loop {
            let wake = self.next_wake();
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                command = self.commands.recv() => match command {
                    None | Some(Command::Shutdown) => break,
                    Some(command) => self.obey(command),
                },
                permit = events.reserve(), if !self.waiting.is_empty() => {
                    let Ok(permit) = permit else { break };
                    if let Some(event) = self.waiting.pop_front() {
                        self.waiting_bytes = self.waiting_bytes.saturating_sub(event.bytes());
                        permit.send(event);
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.keep_up();
        }
        self.close().await;
        tracing::info!("network stopped");
    }

    async fn close(&mut self) {
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _was_connected = self.swarm.disconnect_peer_id(peer);
        }
        let closed = tokio::time::timeout(CLOSE_TIMEOUT, async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        });
        if closed.await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
    }

    fn next_wake(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let hello = self.links.next_deadline();
        let dial = self.dialer.next_due();
        hello.into_iter().chain(dial).fold(far, Instant::min)
    }

    /// Dials who is due and ends connections that never said hello.
    fn keep_up(&mut self) {
        let now = Instant::now();
        for options in self.dialer.take_due(now) {
            let peer = options.get_peer_id();
            if let Err(error) = self.swarm.dial(options)
                && let Some(peer) = peer
            {
                tracing::debug!(%peer, %error, "not dialled");
                self.dialer.dial_failed(&peer, now);
            }
        }
        for peer in self.links.take_overdue(now) {
            tracing::warn!(%peer, name = self.list.name(&peer), "no hello in time, disconnected");
            let _was_connected = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn on_event(&mut self, event: SwarmEvent<ProtocolsEvent>) {
        if let SwarmEvent::Behaviour(event) = event {
            self.on_protocol(event);
        } else {
            self.on_connection(event);
        }
    }

    fn on_protocol(&mut self, event: ProtocolsEvent) {
        match event {
            ProtocolsEvent::Gate(never) => {
                let _: Infallible = never;
            }
            ProtocolsEvent::Ping(ping) => self.on_ping(&ping),
            ProtocolsEvent::Hello(event) => self.on_hello(event),
            ProtocolsEvent::Sync(event) => self.on_sync(event),
            ProtocolsEvent::Bodies(event) => self.on_body(event),
            ProtocolsEvent::Gossip(event) => self.on_gossip(event),
        }
    }

    fn on_ping(&mut self, event: &ping::Event) {
        if let Err(ping::Failure::Timeout | ping::Failure::Other { .. }) = event.result {
            tracing::info!(peer = %event.peer, "answers no more, connection closed");
            self.swarm.close_connection(event.connection);
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        if let gossipsub::Event::Subscribed { topic, .. } = event {
            // Who just came need not wait for our next status to know that it is behind.
            if self.names.topic(&topic) == Some(Topic::Status)
                && let Some(status) = self.last_status.take()
            {
                self.publish(Topic::Status, &status);
            }
            return;
        }
        let gossipsub::Event::Message {
            propagation_source: from,
            message_id: id,
            message,
        } = event
        else {
            return;
        };
        let topic = self.names.topic(&message.topic);
        let heard = topic.and_then(|topic| Some((topic, topics::unframe(topic, message.data)?)));
        let Some((topic, body)) = heard else {
            if let Some(topic) = topic {
                self.meters.rejected.get_or_create(&topic.into()).inc();
            }
            self.conclude(&id, &from, gossipsub::MessageAcceptance::Reject);
            return;
        };
        self.meters.arrived(topic, body.len());
        let incoming = Incoming { topic, from, id, body };
        self.route(incoming);
    }

    /// Hands a message on for judgement, or drops it when that queue is full.
    fn route(&mut self, incoming: Incoming) {
        let (topic, id, from) = (incoming.topic, incoming.id.clone(), incoming.from);
        let bootstrap = self
            .list
            .get(&from)
            .is_none_or(|listed| listed.role == PeerRole::Bootstrap);
        let taken = if bootstrap && topic != Topic::Status {
            false
        } else if !self.rates.allow(&from, incoming.body.len(), Instant::now()) {
            self.meters.dropped.get_or_create(&topic.into()).inc();
            false
        } else if topic == Topic::Records {
            self.route_records(incoming)
        } else if self.waiting.len() < MAX_WAITING
            && self.waiting_bytes.saturating_add(incoming.body.len()) <= MAX_WAITING_BYTES
        {
            self.report(Event::Gossip(incoming));
            true
        } else {
            self.meters.dropped.get_or_create(&topic.into()).inc();
            false
        };
        if !taken {
            self.conclude(&id, &from, gossipsub::MessageAcceptance::Ignore);
        }
    }

    fn route_records(&mut self, incoming: Incoming) -> bool {
        let topic = incoming.topic.into();
        let Some(records) = topics::decode_records(&incoming.body) else {
            self.meters.rejected.get_or_create(&topic).inc();
            return false;
        };
        let received = ReceivedRecords::new(incoming, records, self.commander.clone());
        let taken = self.records.try_send(received).is_ok();
        if !taken {
            self.meters.dropped.get_or_create(&topic).inc();
        }
        taken
    }

    fn conclude(&mut self, id: &gossipsub::MessageId, from: &PeerId, acceptance: gossipsub::MessageAcceptance) {
        // False when the message has already left the cache: then there is nothing left to forward.
        let _was_waiting = self
            .swarm
            .behaviour_mut()
            .gossip
            .report_message_validation_result(id, from, acceptance);
    }

    fn report(&mut self, event: Event) {
        self.waiting_bytes = self.waiting_bytes.saturating_add(event.bytes());
        self.waiting.push_back(event);
    }
}

fn protocols(parts: &Parts) -> Result<Protocols, NetworkError> {
    let chain = ChainTag::from(&parts.hello.chain);
    let ping = ping::Config::new()
        .with_interval(PING_INTERVAL)
        .with_timeout(PING_TIMEOUT);
    Ok(Protocols {
        gate: Gate::new(Arc::clone(&parts.list.borrow()), parts.meters.clone()),
        ping: ping::Behaviour::new(ping),
        hello: exchange::hello(),
        sync: exchange::sync(&chain)?,
        bodies: exchange::bodies(&chain)?,
        gossip: topics::gossip(&chain)?,
    })
}
