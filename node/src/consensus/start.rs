//! Starting and stopping the engine with the loop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_app_channel::app::config::{
    ConsensusConfig as EngineConsensus, NodeConfig, ValuePayload, ValueSyncConfig,
};
use arc_malachitebft_app_channel::app::engine::network::NetworkRef;
use arc_malachitebft_app_channel::app::types::core::LinearTimeouts;
use arc_malachitebft_app_channel::{
    Channels, ConsensusContext, EngineBuilder, EngineHandle, NetworkMsg, RequestContext, SyncContext, WalContext,
};
use concord_spec::digest::Digest;
use concord_spec::id::RegionId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::application::{Application, Fatal};
use super::codec::ConcordCodec;
use super::context::{ConcordContext, Height, RegionAddress};
use super::pace::Ahead;
use super::run::Run;
use super::signing::{NoKey, RegionSigner, RegionVerifier, VoteKeys};

/// What a node's consensus needs to know.
#[derive(Clone, Debug)]
pub struct ConsensusConfig {
    /// The chain id, which everything signed holds.
    pub chain: Digest,
    /// The region this node belongs to.
    pub region: RegionId,
    /// The engine's write-ahead log, a file.
    pub wal: PathBuf,
    /// Timeouts of the rounds.
    pub timeouts: LinearTimeouts,
    /// Records that come faster than this are put in one block: every block costs all regions some work, whatever it holds.
    pub block_interval: Duration,
    /// How often peers are told how far our log reaches.
    pub status_interval: Duration,
    /// Where the network reports peers that are ahead.
    pub ahead: Ahead,
    /// For tests.
    pub hooks: Hooks,
    /// Makes the ids of this process's streams differ from those before a restart: 8 random bytes.
    pub stream_salt: [u8; 8],
}

impl ConsensusConfig {
    /// With the usual times, fit for regions far apart.
    #[must_use]
    pub fn new(chain: Digest, region: RegionId, wal: PathBuf) -> Self {
        Self {
            chain,
            region,
            wal,
            timeouts: timeouts(),
            block_interval: Duration::from_millis(100),
            status_interval: Duration::from_secs(2),
            ahead: Ahead::default(),
            hooks: Hooks::default(),
            stream_salt: rand::random(),
        }
    }
}

/// Faults that a test asks for, in this process only; nothing of them is in the protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hooks {
    /// Abort the process, as SIGKILL would, at the n-th block that it decides (from 1): after its precommit left and
    /// before the block is committed.
    pub abort_at_decision: Option<u64>,
}

/// [`Hooks::ABORT`] is set to something else than `precommit:N`, N from 1.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{} must be precommit:N, N from 1", Hooks::ABORT)]
pub struct HookError;

impl Hooks {
    /// The environment variable that asks for [`Self::abort_at_decision`]: `precommit:N`.
    pub const ABORT: &'static str = "CONCORD_TEST_ABORT";

    /// What the environment asks for. For `main` only.
    ///
    /// # Errors
    /// The variable is set to something else.
    pub fn from_env() -> Result<Self, HookError> {
        std::env::var_os(Self::ABORT).map_or(Ok(Self::default()), |text| text.to_str().ok_or(HookError)?.parse())
    }
}

impl std::str::FromStr for Hooks {
    type Err = HookError;

    fn from_str(text: &str) -> Result<Self, HookError> {
        let nth = text
            .strip_prefix("precommit:")
            .and_then(|nth| nth.parse().ok())
            .filter(|nth| *nth > 0);
        Ok(Self {
            abort_at_decision: Some(nth.ok_or(HookError)?),
        })
    }
}

/// Why consensus stopped or did not start.
#[derive(Debug, thiserror::Error)]
pub enum ConsensusError {
    /// The ledger cannot go on.
    #[error("{0}")]
    Ledger(#[from] Fatal),
    /// The engine stopped by itself; its log lines say why.
    #[error("the consensus engine stopped")]
    EngineStopped,
    /// The engine did not start.
    #[error("the consensus engine did not start: {0}")]
    NotStarted(String),
    /// The engine finalized a block that is not in the log: the next height must not start.
    #[error("block {0} is finalized but not in the log")]
    NotCommitted(Height),
    /// We are to sign without a key.
    #[error(transparent)]
    NoKey(#[from] NoKey),
}

/// Our settings in the engine's form.
#[derive(Clone, Debug)]
pub(super) struct EngineConfig {
    moniker: String,
    consensus: EngineConsensus,
    sync: ValueSyncConfig,
}

impl NodeConfig for EngineConfig {
    fn moniker(&self) -> &str {
        &self.moniker
    }

    fn consensus(&self) -> &EngineConsensus {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut EngineConsensus {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

impl EngineConfig {
    pub(super) fn new(config: &ConsensusConfig, votes: bool) -> Self {
        // Its answers are at most 10 MiB by default, as ours are (`codec::MAX_RESPONSE`).
        let sync = ValueSyncConfig {
            status_update_interval: config.status_interval,
            ..ValueSyncConfig::default()
        };
        let consensus = EngineConsensus {
            enabled: votes,
            value_payload: ValuePayload::ProposalAndParts,
            ..EngineConsensus::default()
        };
        Self {
            moniker: config.region.to_string(),
            consensus,
            sync,
        }
    }
}

/// The network that is given to the engine: an actor, and the channel to it for parts of our blocks.
pub type NetworkFace = (NetworkRef<ConcordContext>, mpsc::Sender<NetworkMsg<ConcordContext>>);

/// A running engine with its loop.
#[derive(Debug)]
pub struct Consensus {
    stop: CancellationToken,
    task: Option<JoinHandle<Result<(), ConsensusError>>>,
}

impl Consensus {
    /// Starts the engine on this network, and the loop. Without keys this node is an observer: it takes decided blocks from
    /// others and never votes, not even for a region in force.
    ///
    /// # Errors
    /// The engine does not start.
    pub async fn start<A: Application>(
        app: Arc<A>,
        config: ConsensusConfig,
        keys: Option<Arc<dyn VoteKeys>>,
        (network, parts): NetworkFace,
    ) -> Result<Self, ConsensusError> {
        let signer = keys.map(|keys| RegionSigner::new(keys, config.chain));
        let engine_config = EngineConfig::new(&config, signer.is_some());
        let built = EngineBuilder::new(ConcordContext, engine_config)
            .with_default_wal(WalContext::new(config.wal.clone(), ConcordCodec))
            .with_custom_network(network, parts)
            .with_default_sync(SyncContext::new(ConcordCodec))
            .with_default_consensus(consensus_context(&config, signer.as_ref()))
            .with_default_request(RequestContext::new(8))
            .build()
            .await;
        let (channels, engine) = built.map_err(|error| ConsensusError::NotStarted(format!("{error:#}")))?;
        Ok(Self::spawn(app, config, signer, channels, engine))
    }

    fn spawn<A: Application>(
        app: Arc<A>,
        config: ConsensusConfig,
        signer: Option<RegionSigner>,
        channels: Channels<ConcordContext>,
        engine: EngineHandle,
    ) -> Self {
        let stop = CancellationToken::new();
        let run = Run::new(app, config, signer, channels.network.clone(), stop.clone());
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let outcome = run.run(channels).await;
            stopped.cancel();
            // First the actors, then their supervisor, which would otherwise take their end for a failure.
            engine
                .actor
                .get_cell()
                .stop_children_and_wait(None, Some(STOP_WITHIN))
                .await;
            engine.actor.stop(None);
            drop(tokio::time::timeout(STOP_WITHIN, engine.handle).await);
            outcome
        });
        Self { stop, task: Some(task) }
    }

    /// Resolves when consensus stops by itself, with the reason. A wait that is dropped loses nothing; asked again after
    /// it resolved, it resolves with [`ConsensusError::EngineStopped`].
    ///
    /// # Errors
    /// It stopped for a reason that must stop the node.
    pub async fn stopped(&mut self) -> Result<(), ConsensusError> {
        let Some(task) = &mut self.task else {
            return Err(ConsensusError::EngineStopped);
        };
        let outcome = task.await;
        self.task = None;
        outcome.map_err(|_| ConsensusError::EngineStopped)?
    }

    /// Stops engine and loop, and the network actor given to the engine with them. A block that is being committed is
    /// committed first.
    ///
    /// # Errors
    /// Consensus had stopped before, for this reason.
    pub async fn stop(mut self) -> Result<(), ConsensusError> {
        self.stop.cancel();
        self.stopped().await
    }
}

/// How long the engine's actors may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(2);

fn consensus_context(config: &ConsensusConfig, signer: Option<&RegionSigner>) -> ConsensusContext<ConcordContext> {
    let verifier = Box::new(RegionVerifier::new(config.chain));
    match signer {
        Some(signer) => {
            let address = RegionAddress(config.region.clone());
            ConsensusContext::new_validator(address, verifier, Box::new(signer.clone()))
        }
        None => ConsensusContext::new_full_node(observer(config), verifier),
    }
}

/// The address of a node that does not vote: that of no region, so that the engine never takes a region's votes for its own.
fn observer(config: &ConsensusConfig) -> RegionAddress {
    RegionAddress(RegionId::new("-observer").unwrap_or_else(|_| config.region.clone()))
}

/// Timeouts for regions far apart that still go on quickly when one of them is down.
fn timeouts() -> LinearTimeouts {
    LinearTimeouts {
        propose: Duration::from_millis(1_500),
        propose_delta: Duration::from_millis(500),
        prevote: Duration::from_millis(500),
        prevote_delta: Duration::from_millis(500),
        precommit: Duration::from_millis(500),
        precommit_delta: Duration::from_millis(500),
        rebroadcast: Duration::from_millis(2_500),
        max_timeout: Duration::from_secs(30),
    }
}
