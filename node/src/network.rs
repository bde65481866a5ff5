//! The network: one libp2p swarm of our own, handed to the consensus engine as its network (DESIGN 5, "One network").
//!
//! `TCP -> Noise -> Yamux -> gate (allow-list) -> hello (chain) -> gossip, sync, bodies`
//!
//! Whoever is not on the allow-list is closed right behind the handshake. Gossip is judged by us before it is forwarded or handed to
//! the engine. Votes leave through the signing guard.

mod actor;
mod admission;
mod allow_list;
mod bucket;
mod dial;
mod exchange;
mod face;
mod gate;
mod handle;
mod handshake;
mod hello;
mod judge;
mod metrics;
mod publisher;
mod rates;
mod swarm;
mod topics;
mod voter;

use std::sync::Arc;

use arc_malachitebft_app_channel::NetworkMsg;
use arc_malachitebft_app_channel::app::engine::network::NetworkRef;
use bytes::Bytes;
use concord_spec::digest::Digest;
use libp2p::{Multiaddr, PeerId, identity::Keypair};
use prometheus_client::registry::Registry;
use tokio::sync::{Mutex, mpsc, watch};

pub use self::allow_list::{AllowList, ListedPeer, PeerRole};
pub use self::exchange::{MAX_BODY, MAX_SYNC_RESPONSE};
pub use self::handle::{BodyQuery, NetworkHandle, NetworkStatus, PeerStatus, ReceivedRecords, Stopped};
pub use self::hello::{ChainId, Hello, Refusal};
pub use self::topics::{MAX_CONSENSUS_MESSAGE, MAX_PART, MAX_RECORDS_MESSAGE, MAX_RECORDS_PER_MESSAGE};
pub use self::voter::Voter;

use self::actor::Outlet;
use self::face::{Face, to_engine};
use self::judge::Judge;
use self::metrics::Meters;
use self::publisher::Publisher;
use self::swarm::{Event, Parts, SwarmTask};
use self::voter::GuardedVoter;
use crate::consensus::context::{ConcordContext, Height, ValidatorSet};
use crate::consensus::signing::RegionVerifier;

/// Commands that may wait for the swarm.
const COMMANDS: usize = 1024;
/// Events that may wait for the judge, beside what the swarm itself keeps.
const EVENTS: usize = 64;
/// Gossip messages with records that may wait for the pool.
const RECORD_MESSAGES: usize = 64;
/// Parts of our own blocks that may wait.
const PARTS: usize = 16;
/// Calls of `publish_records` that may wait.
const RECORD_CALLS: usize = 256;
/// Questions for bodies that may wait.
const BODY_QUERIES: usize = 32;

/// What the network needs to start.
#[derive(Debug)]
pub struct NetworkConfig {
    /// The node's network key (Ed25519); its public half is the peer id.
    pub keypair: Keypair,
    /// Where to listen: `/ip4/../tcp/..`; port 0 lets the system choose.
    pub listen: Multiaddr,
    /// The chain this node keeps.
    pub chain: ChainId,
    /// Its region's code, or the observer's name.
    pub name: String,
    /// Its software and version.
    pub software: String,
    /// The height of its log at start.
    pub height: u64,
    /// Who may connect. Our own peer id may be on it.
    pub peers: AllowList,
}

/// Why the network did not start.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The key cannot be used for Noise.
    #[error("network key: {0}")]
    Identity(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address from the configuration.
        address: Multiaddr,
        /// What the system says.
        reason: String,
    },
    /// The address was not bound in time.
    #[error("the listening address was not bound within 5 s")]
    NotBound,
    /// A protocol's own settings contradict each other: a defect of this program.
    #[error("network protocols: {0}")]
    Behaviour(String),
    /// The actor that the engine talks to did not start.
    #[error("network actor: {0}")]
    Actor(String),
}

/// The regions that vote at a height, as far as the own log tells.
#[derive(Debug, Clone)]
pub struct Voters {
    /// The regions, with the keys of their votes.
    pub set: ValidatorSet,
    /// Whether no block to come can change it. Else what does not hold by it may hold all the same.
    pub is_certain: bool,
}

/// Tells who votes at a height; none where that cannot be told.
pub type VotersAt = Arc<dyn Fn(Height) -> Option<Voters> + Send + Sync>;

/// What a message is, once we have judged it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Right: forward it, hand it on.
    Accept,
    /// Of no use now (too old, unknown set): do neither, blame nobody.
    Ignore,
    /// Wrong: do neither.
    Reject,
}

/// What became of a question for a body: `None` when the peer does not have it.
pub type BodyAnswer = Result<Option<Bytes>, BodyError>;

/// Why a body did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The peer is not connected.
    #[error("peer {0} is not connected")]
    NotConnected(PeerId),
    /// The peer did not answer.
    #[error("peer {peer} did not answer: {reason}")]
    Failed {
        /// Who was asked.
        peer: PeerId,
        /// What happened to the question.
        reason: String,
    },
    /// The peer's answer is none.
    #[error("peer {0} answered with something else")]
    Malformed(PeerId),
    /// The network has stopped.
    #[error("the network has stopped")]
    Stopped,
}

/// What comes in from peers for the node to deal with. A full queue drops what comes next.
#[derive(Debug)]
pub struct Inbox {
    /// Gossiped records, to be judged.
    pub records: mpsc::Receiver<ReceivedRecords>,
    /// Peers that ask for bodies.
    pub bodies: mpsc::Receiver<BodyQuery>,
}

/// The network that is given to the engine (`EngineBuilder::with_custom_network`): an actor, and the way for parts of our blocks.
pub type EngineNetwork = (NetworkRef<ConcordContext>, mpsc::Sender<NetworkMsg<ConcordContext>>);

/// The running network.
#[derive(Debug)]
pub struct Network {
    /// For the engine.
    pub engine: EngineNetwork,
    /// For the rest of the node.
    pub handle: NetworkHandle,
    /// What comes in for the rest of the node.
    pub inbox: Inbox,
}

/// Starts the network. A node that votes gives its `voter`; without one, nothing that is signed leaves. What peers send is
/// checked by the keys of whoever `voters` says votes at its height.
///
/// # Errors
/// The address is taken, or the key is not Ed25519.
pub async fn spawn(
    config: NetworkConfig,
    voter: Option<Voter>,
    voters: VotersAt,
    registry: &mut Registry,
) -> Result<Network, NetworkError> {
    let chain = config.chain;
    let not_ed25519 = || NetworkError::Identity("not an Ed25519 key".to_owned());
    let publisher = Publisher::new(chain, &config.keypair).ok_or_else(not_ed25519)?;
    let peer = to_engine(&config.keypair.public().to_peer_id()).ok_or_else(not_ed25519)?;
    let Started {
        handle,
        inbox,
        events,
        list,
        meters,
    } = start(config, registry).await?;
    let face = Arc::new(Face::default());
    let judge = Judge {
        chain,
        verifier: RegionVerifier::new(Digest(chain)),
        voters,
        face: Arc::clone(&face),
        list,
        events,
        commands: handle.commands.downgrade(),
        status: Arc::clone(&handle.status),
        seen_height: Arc::clone(&handle.seen_height),
        meters,
    };
    tokio::spawn(judge.run());
    let actor = actor::spawn(Outlet {
        peer,
        commands: handle.commands.clone(),
        face,
        publisher,
        voter: GuardedVoter::new(chain, voter),
        halted: Arc::clone(&handle.halted),
    })
    .await?;
    let (parts, part_queue) = mpsc::channel(PARTS);
    tokio::spawn(pass_on(part_queue, actor.clone()));
    Ok(Network {
        engine: (actor, parts),
        handle,
        inbox,
    })
}

/// The application's parts go the way of everything that is published.
async fn pass_on(mut parts: mpsc::Receiver<NetworkMsg<ConcordContext>>, actor: NetworkRef<ConcordContext>) {
    while let Some(part) = parts.recv().await {
        if actor.cast(part.into()).is_err() {
            return;
        }
    }
}

/// The swarm alone: what it reports has yet to be judged.
struct Started {
    handle: NetworkHandle,
    inbox: Inbox,
    events: mpsc::Receiver<Event>,
    list: watch::Receiver<Arc<AllowList>>,
    meters: Meters,
}

async fn start(config: NetworkConfig, registry: &mut Registry) -> Result<Started, NetworkError> {
    let meters = Meters::register(registry);
    let (commands, command_queue) = mpsc::channel(COMMANDS);
    let (events, event_queue) = mpsc::channel(EVENTS);
    let (records, record_inbox) = mpsc::channel(RECORD_MESSAGES);
    let (bodies, body_inbox) = mpsc::channel(BODY_QUERIES);
    let (outgoing, outgoing_queue) = mpsc::channel(RECORD_CALLS);
    let (list, list_now) = watch::channel(Arc::new(config.peers));
    let status = Arc::new(watch::Sender::new(NetworkStatus::default()));
    let own_height = Arc::new(watch::Sender::new(config.height));
    let peer = config.keypair.public().to_peer_id();
    let parts = Parts {
        keypair: config.keypair,
        listen: config.listen,
        list,
        hello: Hello {
            chain: config.chain,
            name: config.name,
            software: config.software,
            height: config.height,
        },
        height: own_height.subscribe(),
        meters: meters.clone(),
        commands: command_queue,
        commander: commands.downgrade(),
        events,
        records,
        bodies,
        status: Arc::clone(&status),
    };
    let swarm = SwarmTask::listen(parts).await?;
    let task = tokio::spawn(swarm.run());
    tokio::spawn(handle::pack_records(outgoing_queue, commands.downgrade()));
    let handle = NetworkHandle {
        commands,
        records: outgoing,
        status,
        own_height,
        seen_height: Arc::new(watch::Sender::new(0)),
        halted: Arc::new(watch::Sender::new(None)),
        peer,
        task: Arc::new(Mutex::new(Some(task))),
    };
    Ok(Started {
        handle,
        inbox: Inbox {
            records: record_inbox,
            bodies: body_inbox,
        },
        events: event_queue,
        list: list_now,
        meters,
    })
}

#[cfg(test)]
mod tests;
