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
use concord_spec::charter::Charter;
use concord_spec::ledger::BlockError;
use libp2p::PeerId;
use libp2p::identity::Keypair;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::bodies::{Bodies, BodiesError, BodiesOptions};
use crate::chain::{Chain, ChainFault};
use crate::config::{ConfigError, NodeConfig, Role};
use crate::consensus::application::{Application, Fatal};
use crate::consensus::context::Height;
use crate::consensus::pace::Ahead;
use crate::consensus::signing::VoteKeys;
use crate::consensus::start::{Consensus, ConsensusConfig, ConsensusError, Hooks};
use crate::durable::DirLock;
use crate::evidence::EvidenceStore;
use crate::follow;
use crate::found::{self, FoundingError};
use crate::guard::{Guard, GuardError};
use crate::http::{self, HttpError};
use crate::keys::{KeysError, RegionKeys};
use crate::keystore::Passphrase;
use crate::ledger::{Ledger, LedgerParts};
use crate::membership::{self, MembershipError, Standing};
use crate::metrics::Metrics;
use crate::network::{self, Network, NetworkConfig, NetworkError, NetworkHandle, Voter};
use crate::page;
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
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The ledger names other keys.
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
    /// The node started without voting.
    #[error(
        "after block {0} this node has the keys that its region votes with, and it started without voting: start it again"
    )]
    Votes(concord_spec::id::Height),
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
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    network: NetworkHandle,
    consensus: Consensus,
    http: http::Server,
    stop: CancellationToken,
    addresses: Addresses,
    /// Tells a node that started without voting that it is to vote.
    votes: Option<oneshot::Receiver<concord_spec::id::Height>>,
    _lock: DirLock,
}

/// Name of the file in the data directory that says where a running node answers.
pub const RUN_FILE: &str = "run.json";

impl Node {
    /// Starts the node of a data directory. The API answers when this returns. `page` is where the verifier page lies, when that
    /// is to go before the configuration.
    ///
    /// # Errors
    /// See [`NodeError`]: every text says what to do.
    pub async fn start(
        data_dir: &Path,
        passphrase: &Passphrase,
        hooks: Hooks,
        page: Option<PathBuf>,
    ) -> Result<Self, NodeError> {
        let lock = DirLock::acquire(data_dir)?;
        let config = NodeConfig::read(data_dir)?;
        check_bootstrap(&config)?;
        let signed = found::read_charter(data_dir)?;
        found::check_signed(&signed, &config.region)?;
        let signed_charter = signed.to_bytes();
        let charter = signed.into_charter();
        let peer_key = found::read_peer_key(data_dir, passphrase)?;
        let peer = peer_key.public().to_peer_id();
        let keys = match config.role {
            Role::Region => Some(RegionKeys::open(data_dir, passphrase)?),
            Role::Observer => None,
        };
        let metrics = Metrics::register(SharedRegistry::global());
        let Kept { chain, pool, ledger } = open_ledger(data_dir, &config, &charter, keys.clone(), &metrics).await?;
        let standing = standing(&chain, &config, &peer, keys.as_ref())?;
        crate::durable::create_dir(&data_dir.join("wal"))?;
        let mut consensus_config = ConsensusConfig::new(charter.chain_id(), config.region.clone(), wal(data_dir));
        consensus_config.hooks = hooks;
        let voter = match config.role {
            Role::Region => Some(voter(data_dir, &config, chain.state().tip().height.0)?),
            Role::Observer => None,
        };
        let Network { engine, handle, inbox } = open_network(&config, peer_key, &ledger, voter, &metrics)?;
        let ahead = consensus_config.ahead.clone();
        let (signs, watches) = if standing.signs() { (keys, None) } else { (None, keys) };
        let signer = signs.map(|keys| Arc::new(keys) as Arc<dyn VoteKeys>);
        let consensus = Consensus::start(Arc::clone(&ledger), consensus_config, signer, engine).await?;

        let stop = CancellationToken::new();
        connect(&stop, &chain, &pool, &handle, inbox, &ledger, ahead);
        follow(&stop, &chain, &pool, &handle, &ledger, &config);
        let votes = watches.map(|keys| votes_later(&stop, &chain, &config, peer, keys));
        let http = http::start(http::Parts {
            region: config.region.clone(),
            charter: signed_charter,
            role: config.role,
            chain: Arc::clone(&chain) as Arc<dyn ChainView>,
            pool: Arc::clone(&pool),
            network: handle.clone(),
            metrics,
            page: page::find(page.as_deref().or(config.page.as_deref())),
            api: config.api,
            admin: config.admin,
        })
        .await?;
        let addresses = addresses(&http, &handle);
        Ok(Self {
            chain,
            pool,
            network: handle,
            consensus,
            http,
            stop,
            addresses,
            votes,
            _lock: lock,
        })
    }

    /// The state after the last block.
    #[must_use]
    pub fn state(&self) -> Arc<concord_spec::ledger::LedgerState> {
        self.chain.state()
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
        let votes = async {
            match &mut self.votes {
                Some(votes) => votes.await,
                None => std::future::pending().await,
            }
        };
        let why = tokio::select! {
            why = self.consensus.stopped() => why,
            Ok(height) = votes => return NodeError::Votes(height),
        };
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
    keys: Option<RegionKeys>,
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
        keys,
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
    keypair: Keypair,
    ledger: &Arc<Ledger>,
    voter: Option<Voter>,
    metrics: &Metrics,
) -> Result<Network, NodeError> {
    let state = ledger.state();
    let network_config = NetworkConfig {
        keypair,
        listen: config.listen.clone(),
        chain: state.chain_id().0,
        name: match config.role {
            Role::Region => config.region.to_string(),
            Role::Observer => format!("observer of {}", config.region),
        },
        software: concat!("concordd/", env!("CARGO_PKG_VERSION")).to_owned(),
        height: state.tip().height.0,
        peers: membership::allow_list(state.federation(), state.tip().height, config),
    };
    let votes = Arc::clone(ledger);
    let voters = Arc::new(move |height| votes.voters_at(height));
    // The registry is lent to one caller at a time, and not across a wait.
    let spawned = metrics.with_registry(|registry| {
        let spawning = network::spawn(network_config, voter, voters, registry);
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

fn wal(data_dir: &Path) -> PathBuf {
    data_dir.join("wal").join("consensus.wal")
}

fn addresses(http: &http::Server, network: &NetworkHandle) -> Addresses {
    let p2p = network.listen_addr().map(|address| address.to_string());
    Addresses {
        pid: std::process::id(),
        api: url(http.api()),
        admin: url(http.admin()),
        p2p: p2p.unwrap_or_default(),
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// The voter with its guard. A guard that knows of a vote at a height that the WAL does not know watches until then.
fn voter(data_dir: &Path, config: &NodeConfig, tip: u64) -> Result<Voter, NodeError> {
    let guard = Guard::open(&data_dir.join("guard").join("votes"))?;
    let wal_there = std::fs::metadata(wal(data_dir)).is_ok_and(|metadata| metadata.len() > 0);
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

/// Bootstrap peers are dialled by who they are, not only by where.
fn check_bootstrap(config: &NodeConfig) -> Result<(), NodeError> {
    match config
        .bootstrap
        .iter()
        .find(|address| membership::peer_of(address).is_none())
    {
        Some(address) => Err(NodeError::Address(address.to_string())),
        None => Ok(()),
    }
}

/// What this node is to the federation as its log stands; says so.
fn standing(
    chain: &Chain,
    config: &NodeConfig,
    peer: &PeerId,
    keys: Option<&RegionKeys>,
) -> Result<Standing, NodeError> {
    let state = chain.state();
    let (tip, region) = (state.tip().height, &config.region);
    if let Some((subject, version)) = state.needs_newer_software() {
        return Err(Fatal::new(BlockError::NewerSoftware { subject, version }).into());
    }
    let standing = membership::standing(state.federation(), tip, region, peer, keys)?;
    match &standing {
        Standing::Member => {}
        Standing::Observer => tracing::info!(%region, "an observer: it replicates and serves, and never votes"),
        Standing::NotAdmitted => tracing::warn!(
            %region,
            "the ledger does not know this region: its node takes blocks from whoever lets it, and votes once it is admitted \
             (or check `region` in config.toml)"
        ),
        Standing::Suspended => {
            tracing::warn!(%region, "this region is suspended: its node takes blocks and does not vote")
        }
        Standing::Removed => tracing::warn!(%region, "this region was removed: its node serves what it has"),
        Standing::KeysFrom(from) => tracing::warn!(
            %region, %from,
            "the keys in force for this region are not here: its node watches until the next ones are"
        ),
    }
    Ok(standing)
}

/// What follows the ledger block by block.
fn follow(
    stop: &CancellationToken,
    chain: &Arc<Chain>,
    pool: &Arc<Pool>,
    network: &NetworkHandle,
    ledger: &Arc<Ledger>,
    config: &NodeConfig,
) {
    let view = || Arc::clone(chain) as Arc<dyn ChainView>;
    until(
        stop,
        follow::peers(view(), chain.watch(), config.clone(), network.clone()),
    );
    until(
        stop,
        follow::evidence(Arc::clone(ledger), view(), chain.watch(), Arc::clone(pool)),
    );
}

/// For a node that starts without voting: tells when it is to vote.
fn votes_later(
    stop: &CancellationToken,
    chain: &Arc<Chain>,
    config: &NodeConfig,
    peer: PeerId,
    keys: RegionKeys,
) -> oneshot::Receiver<concord_spec::id::Height> {
    let (tell, told) = oneshot::channel();
    let waiting = follow::until_it_votes(
        Arc::clone(chain) as Arc<dyn ChainView>,
        chain.watch(),
        config.clone(),
        peer,
        keys,
    );
    until(stop, async move {
        // Whoever runs the node may not wait for it.
        let _gone = tell.send(waiting.await);
    });
    told
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

#[cfg(test)]
mod tests;
