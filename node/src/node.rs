//! A node: everything put together, started and stopped (DESIGN 5).
//!
//! ```text
//! HTTP -> pool -> ledger <- consensus <-> network <-> other nodes
//!                   |
//!                 chain (log, cache)
//! ```

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_malachitebft_app_channel::app::metrics::SharedRegistry;
use concord_spec::charter::{Charter, CharterRegion};
use concord_spec::key::bls::SealSecretKey;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use tokio_util::sync::CancellationToken;

use crate::bodies::{Bodies, BodiesError, BodiesOptions};
use crate::chain::{Chain, ChainFault};
use crate::config::{ConfigError, NodeConfig};
use crate::consensus::application::{Application, Fatal};
use crate::consensus::context::Height;
use crate::consensus::pace::Ahead;
use crate::consensus::signing::KeyStore;
use crate::consensus::start::{Consensus, ConsensusConfig, ConsensusError, Hooks};
use crate::durable::DirLock;
use crate::evidence::EvidenceStore;
use crate::found::{self, FoundingError, MembershipError, NodeKeys};
use crate::guard::{Guard, GuardError};
use crate::http::{self, HttpError};
use crate::keystore::Passphrase;
use crate::ledger::{Ledger, LedgerParts};
use crate::metrics::Metrics;
use crate::network::{
    self, AllowList, ListedPeer, Network, NetworkConfig, NetworkError, NetworkHandle, PeerRole, Voter,
};
use crate::pool::{ChainView, Gossip, Pool, PoolConfig, PoolError, SignatureCache, system_clock};

/// Verified signatures that are remembered.
const REMEMBERED_SIGNATURES: usize = 1 << 18;
/// Own records that go into one call to the network.
const GOSSIP_BATCH: usize = 512;

/// Why a node does not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Charter or keys.
    #[error(transparent)]
    Founding(#[from] FoundingError),
    /// The charter does not know this node, or its region has not signed it.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// Log or cache.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// Undecided bodies.
    #[error(transparent)]
    Bodies(#[from] BodiesError),
    /// The signing guard.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The record pool.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Consensus.
    #[error(transparent)]
    Consensus(#[from] ConsensusError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] Fatal),
    /// The API.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The data directory.
    #[error(transparent)]
    Data(#[from] crate::durable::DurableError),
    /// A file.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// An address of the charter or the configuration.
    #[error("{0} is not an address of a peer, such as /ip4/192.0.2.1/tcp/9000/p2p/12D3Koo..")]
    Address(String),
    /// The signing guard stopped this node.
    #[error("this node stopped so as not to vote twice: {0}")]
    Halted(String),
}

/// Where a running node answers.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Addresses {
    /// The process.
    pub pid: u32,
    /// The API, as a URL.
    pub api: String,
    /// Health and metrics, as a URL.
    pub admin: String,
    /// The network.
    pub p2p: String,
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    pool: Arc<Pool>,
    network: NetworkHandle,
    consensus: Consensus,
    http: http::Server,
    stop: CancellationToken,
    addresses: Addresses,
    _lock: DirLock,
}

/// Name of the file in the data directory that says where a running node answers.
pub const RUN_FILE: &str = "run.json";

impl Node {
    /// Starts the node of a data directory. The API answers when this returns.
    ///
    /// # Errors
    /// See [`NodeError`]: every text says what to do.
    pub async fn start(data_dir: &Path, passphrase: &Passphrase, hooks: Hooks) -> Result<Self, NodeError> {
        let lock = DirLock::acquire(data_dir)?;
        let config = NodeConfig::read(data_dir)?;
        let signed = found::read_charter(data_dir)?;
        found::check_signed(&signed, &config.region)?;
        let signed_charter = signed.to_bytes();
        let charter = signed.into_charter();
        let keys = found::read_keys(data_dir, passphrase)?;
        found::own_region(&charter, &config.region, &keys)?;
        let NodeKeys {
            consensus: vote_seed,
            seal,
            peer,
        } = keys;
        let metrics = Metrics::register(SharedRegistry::global());
        let Kept { chain, pool, ledger } = open_ledger(data_dir, &config, &charter, seal, &metrics).await?;
        let wal = data_dir.join("wal").join("consensus.wal");
        crate::durable::create_dir(&data_dir.join("wal"))?;
        let tip = chain.state().tip().height.0;
        let voter = voter(data_dir, &config, &wal, tip)?;
        let Network { engine, handle, inbox } = open_network(&config, &charter, peer, tip, voter, &metrics)?;
        let ahead = Ahead::default();
        let mut consensus_config = ConsensusConfig::new(charter.chain_id(), config.region.clone(), wal);
        consensus_config.ahead = ahead.clone();
        consensus_config.hooks = hooks;
        let keys = KeyStore::new(&vote_seed);
        let consensus = Consensus::start(Arc::clone(&ledger), consensus_config, keys, engine).await?;

        let stop = CancellationToken::new();
        connect(&stop, &chain, &pool, &handle, inbox, &ledger, ahead);
        let http = http::start(http::Parts {
            region: config.region.clone(),
            charter: signed_charter,
            chain: Arc::clone(&chain) as Arc<dyn ChainView>,
            pool: Arc::clone(&pool),
            network: handle.clone(),
            metrics,
            api: config.api,
            admin: config.admin,
        })
        .await?;
        let addresses = Addresses {
            pid: std::process::id(),
            api: url(http.api()),
            admin: url(http.admin()),
            p2p: handle
                .listen_addr()
                .map(|address| address.to_string())
                .unwrap_or_default(),
        };
        Ok(Self {
            pool,
            network: handle,
            consensus,
            http,
            stop,
            addresses,
            _lock: lock,
        })
    }

    /// Where it answers.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Resolves when the node stops by itself, with the reason.
    ///
    /// # Errors
    /// Always: a node that works does not stop.
    pub async fn failed(&mut self) -> NodeError {
        let why = self.consensus.stopped().await;
        match (self.network.halted(), why) {
            (Some(reason), _) => NodeError::Halted(reason),
            (None, Err(error)) => error.into(),
            (None, Ok(())) => ConsensusError::EngineStopped.into(),
        }
    }

    /// Stops: no more records, then consensus after the block it is committing, then the network and the API.
    ///
    /// # Errors
    /// What could not be written; nothing acknowledged is lost by it.
    pub async fn stop(self) -> Result<(), NodeError> {
        self.pool.stop();
        self.stop.cancel();
        let stopped = self.consensus.stop().await;
        self.network.shutdown().await;
        self.http.stop().await;
        let pool = self.pool;
        tokio::task::spawn_blocking(move || pool.close())
            .await
            .map_err(Fatal::new)?;
        Ok(stopped?)
    }
}

/// What is kept on disk, opened.
struct Kept {
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    ledger: Arc<Ledger>,
}

async fn open_ledger(
    data_dir: &Path,
    config: &NodeConfig,
    charter: &Charter,
    seal_key: SealSecretKey,
    metrics: &Metrics,
) -> Result<Kept, NodeError> {
    let chain = Arc::new(open_chain(data_dir, charter).await?);
    let signatures = Arc::new(SignatureCache::new(REMEMBERED_SIGNATURES));
    let pool_config = PoolConfig {
        journal: data_dir.join("pool"),
        limits: crate::pool::Limits {
            records: config.pool.records,
            bytes: config.pool.bytes,
            low_water_bytes: config.pool.low_water_bytes,
        },
        meters: metrics.pool.clone(),
        clock: system_clock,
    };
    let view: Arc<dyn ChainView> = Arc::clone(&chain) as Arc<dyn ChainView>;
    let pool = Arc::new(Pool::open(pool_config, view, Arc::clone(&signatures))?);
    let evidence = data_dir.join("evidence");
    let ledger = Ledger::new(LedgerParts {
        region: config.region.clone(),
        chain: Arc::clone(&chain),
        bodies: Bodies::open(&data_dir.join("bodies"), BodiesOptions::default())?.0,
        pool: Arc::clone(&pool),
        signatures,
        seal_key,
        evidence: EvidenceStore::open(&evidence).map_err(io_error(&evidence))?,
        clock: system_clock,
    })?;
    Ok(Kept {
        chain,
        pool,
        ledger: Arc::new(ledger),
    })
}

fn open_network(
    config: &NodeConfig,
    charter: &Charter,
    keypair: Keypair,
    height: u64,
    voter: Voter,
    metrics: &Metrics,
) -> Result<Network, NodeError> {
    let network_config = NetworkConfig {
        keypair,
        listen: config.listen.clone(),
        chain: charter.chain_id().0,
        name: config.region.to_string(),
        software: concat!("concordd/", env!("CARGO_PKG_VERSION")).to_owned(),
        height,
        peers: allow_list(charter, config)?,
    };
    // The registry is lent to one caller at a time, and not across a wait.
    let spawned = metrics.with_registry(|registry| {
        let spawning = network::spawn(network_config, Some(voter), registry);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(spawning))
    });
    Ok(spawned?)
}

async fn open_chain(data_dir: &Path, charter: &Charter) -> Result<Chain, NodeError> {
    let (dir, charter) = (data_dir.to_owned(), charter.clone());
    let opened = tokio::task::spawn_blocking(move || Chain::open(&dir, &charter)).await;
    Ok(opened.map_err(Fatal::new)??)
}

fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> NodeError {
    let path = path.to_owned();
    move |why| NodeError::Io { path, why }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// The voter with its guard. A guard that knows of a vote at a height that the WAL does not know watches until then.
fn voter(data_dir: &Path, config: &NodeConfig, wal: &Path, tip: u64) -> Result<Voter, NodeError> {
    let guard = Guard::open(&data_dir.join("guard").join("votes"))?;
    let wal_there = std::fs::metadata(wal).is_ok_and(|metadata| metadata.len() > 0);
    let watch_until = guard.watch_until(tip, |_| wal_there);
    if let Some(height) = watch_until {
        tracing::warn!(
            height,
            "the consensus log was lost: watching without voting until this height is decided"
        );
    }
    Ok(Voter {
        region: config.region.clone(),
        guard,
        watch_until,
    })
}

/// Who may connect: the regions of the charter, and configured bootstrap peers.
fn allow_list(charter: &Charter, config: &NodeConfig) -> Result<AllowList, NodeError> {
    let mut peers = Vec::new();
    for region in &charter.regions {
        peers.push(listed(region)?);
    }
    for address in &config.bootstrap {
        let id = address.iter().find_map(|part| {
            let libp2p::multiaddr::Protocol::P2p(id) = part else {
                return None;
            };
            Some(id)
        });
        peers.push(ListedPeer {
            id: id.ok_or_else(|| NodeError::Address(address.to_string()))?,
            name: "bootstrap".to_owned(),
            role: PeerRole::Bootstrap,
            addresses: vec![address.clone()],
        });
    }
    Ok(peers.into_iter().collect())
}

fn listed(region: &CharterRegion) -> Result<ListedPeer, NodeError> {
    let id: PeerId = region
        .peer_id
        .parse()
        .map_err(|_| NodeError::Address(region.peer_id.clone()))?;
    let mut addresses = Vec::new();
    for address in &region.addresses {
        let parsed: Result<Multiaddr, _> = address.multiaddr.parse();
        addresses.push(parsed.map_err(|_| NodeError::Address(address.multiaddr.clone()))?);
    }
    Ok(ListedPeer {
        id,
        name: region.region.to_string(),
        role: PeerRole::Region,
        addresses,
    })
}

/// The tasks that carry things between the parts; all end with `stop`.
fn connect(
    stop: &CancellationToken,
    chain: &Arc<Chain>,
    pool: &Arc<Pool>,
    network: &NetworkHandle,
    inbox: network::Inbox,
    ledger: &Arc<Ledger>,
    ahead: Ahead,
) {
    let network::Inbox {
        mut records,
        mut bodies,
    } = inbox;
    let taker = Arc::clone(pool);
    until(stop, async move {
        while let Some(received) = records.recv().await {
            let verdict = match taker.admit_gossiped(received.records.clone()).await {
                Gossip::New => network::Verdict::Accept,
                Gossip::Useless => network::Verdict::Ignore,
                Gossip::Bad => network::Verdict::Reject,
            };
            received.conclude(verdict).await;
        }
    });
    let keeper = Arc::clone(ledger);
    until(stop, async move {
        while let Some(query) = bodies.recv().await {
            let body = keeper.body(concord_spec::digest::Digest(query.hash)).await;
            query.answer(body.unwrap_or_default()).await;
        }
    });
    if let Some(mut own) = pool.to_gossip() {
        let sender = network.clone();
        until(stop, async move {
            let mut batch = Vec::new();
            while own.recv_many(&mut batch, GOSSIP_BATCH).await > 0 {
                if sender.publish_records(std::mem::take(&mut batch)).await.is_err() {
                    return;
                }
            }
        });
    }
    let mut seen = network.seen_height();
    until(stop, async move {
        while seen.changed().await.is_ok() {
            ahead.saw(Height(*seen.borrow_and_update()));
        }
    });
    let mut committed = chain.watch();
    let told = network.clone();
    until(stop, async move {
        while committed.changed().await.is_ok() {
            told.set_height(committed.borrow_and_update().0);
        }
    });
}

fn until(stop: &CancellationToken, task: impl Future<Output = ()> + Send + 'static) {
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = task => {}
        }
    });
}
