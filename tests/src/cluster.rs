//! A federation of real nodes in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use concord_spec::charter::card::Card;
use concord_spec::charter::signed::SignedCharter;
use concord_spec::charter::{Charter, CharterRegion, DEFAULT_HEARTBEAT_MS};
use concord_spec::id::RegionId;
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::pem::{self, KeyKind};

use crate::api::Status;
use crate::node::Node;
use crate::programs::{programs, run};
use crate::wait::{Seen, until};
use crate::{Api, HarnessError, Result};

/// How to make a federation.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many regions.
    pub regions: usize,
    /// Longest time without a block, in milliseconds.
    pub heartbeat_ms: u64,
    /// Environment of every node.
    pub environment: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            regions: 4,
            heartbeat_ms: DEFAULT_HEARTBEAT_MS,
            environment: Vec::new(),
        }
    }
}

/// The nodes, by ascending region code. Dropped before [`Cluster::finish`], it shows the ends of their logs and leaves
/// their directory to look at.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    environment: Vec<(String, String)>,
    charter: Charter,
    dir: PathBuf,
    finished: bool,
}

impl Cluster {
    /// Makes keys, charter and data directories; starts nothing.
    ///
    /// # Errors
    /// `concordd localnet --init-only` fails, or leaves something else than the contract says.
    pub fn create(options: Options) -> Result<Self> {
        let programs = programs()?;
        let dir = tempfile::Builder::new()
            .prefix("concord-test-")
            .tempdir()
            .map_err(HarnessError::file("/tmp"))?;
        let dir = dir.keep();
        let mut command = Command::new(&programs.concordd);
        command
            .arg("localnet")
            .arg(options.regions.to_string())
            .arg("--dir")
            .arg(&dir)
            .arg("--init-only");
        command.arg("--heartbeat-ms").arg(options.heartbeat_ms.to_string());
        run(&mut command)?;
        Self::open(dir, options.environment)
    }

    /// The federation of a directory that holds its signed charter and every region's data directory; starts nothing.
    ///
    /// # Errors
    /// The charter is not there.
    pub fn open(dir: PathBuf, environment: Vec<(String, String)>) -> Result<Self> {
        let programs = programs()?;
        let path = dir.join("charter.cbor");
        let bytes = fs::read(&path).map_err(HarnessError::file(&path))?;
        let signed = SignedCharter::from_bytes(&bytes);
        let charter = signed
            .map_err(|why| HarnessError::bytes("charter.cbor", why))?
            .into_charter();
        let node = |region: &RegionId| Node::new(region.clone(), dir.join(region.as_str()), programs.concordd.clone());
        let nodes = charter.regions.iter().map(|region| node(&region.region)).collect();
        Ok(Self {
            nodes,
            environment,
            charter,
            dir,
            finished: false,
        })
    }

    /// Makes a federation, starts every node and waits until all are ready.
    ///
    /// # Errors
    /// One of them does not start.
    pub fn start(options: Options) -> Result<Self> {
        let mut cluster = Self::create(options)?;
        cluster.start_all()?;
        Ok(cluster)
    }

    /// Makes the node of a region that is not a member yet, as its operator does: keys, card, the federation's charter.
    /// Returns its place and its card; it is not started.
    ///
    /// # Errors
    /// `concordd init` fails, or its card does not hold.
    pub fn join(&mut self, region: &str, more: &[&str]) -> Result<(usize, CharterRegion)> {
        let programs = programs()?;
        let mut ports = Vec::new();
        crate::ceremony::init(&programs, &self.dir, region, region, more, &mut ports)?;
        let data_dir = self.dir.join(region);
        let charter = data_dir.join("charter.cbor");
        fs::copy(self.dir.join("charter.cbor"), &charter).map_err(HarnessError::file(&charter))?;
        let path = data_dir.join("card.cbor");
        let bytes = fs::read(&path).map_err(HarnessError::file(&path))?;
        let card = Card::from_bytes(&bytes).map_err(|why| HarnessError::bytes("card.cbor", why))?;
        let id = RegionId::new(region).map_err(|why| HarnessError::bytes("region", why))?;
        self.nodes.push(Node::new(id, data_dir, programs.concordd));
        let card = card.complete().map_err(|why| HarnessError::bytes("card.cbor", why))?;
        Ok((self.nodes.len().saturating_sub(1), card))
    }

    /// Makes an observer of region `index`, as its operator does; it is not started. Returns its place and its peer id.
    ///
    /// # Errors
    /// `concordd init --observer` fails or prints something else.
    pub fn join_observer(&mut self, index: usize) -> Result<(usize, String)> {
        let programs = programs()?;
        let region = self.node(index)?.region().clone();
        let name = format!("observer-of-{region}");
        let mut ports = Vec::new();
        let more = ["--observer"];
        let printed = crate::ceremony::init(&programs, &self.dir, region.as_str(), &name, &more, &mut ports)?;
        let data_dir = self.dir.join(&name);
        let charter = data_dir.join("charter.cbor");
        fs::copy(self.dir.join("charter.cbor"), &charter).map_err(HarnessError::file(&charter))?;
        let object: serde_json::Value =
            serde_json::from_str(&printed).map_err(|why| HarnessError::bytes("JSON", why))?;
        let peer_id = object.get("peer_id").and_then(serde_json::Value::as_str);
        let peer_id = peer_id
            .ok_or_else(|| HarnessError::bytes("peer_id", &printed))?
            .to_owned();
        self.nodes.push(Node::new(region, data_dir, programs.concordd));
        Ok((self.nodes.len().saturating_sub(1), peer_id))
    }

    /// Starts every node that does not run and waits until all are ready.
    ///
    /// # Errors
    /// One of them does not start.
    pub fn start_all(&mut self) -> Result {
        let environment = self.environment.clone();
        self.spawn_all(&environment)?;
        self.nodes.iter_mut().try_for_each(Node::await_ready)
    }

    /// Starts the process of every node that does not run, with this environment.
    ///
    /// # Errors
    /// One cannot be started.
    pub fn spawn_all(&mut self, environment: &[(String, String)]) -> Result {
        self.nodes
            .iter_mut()
            .filter(|node| node.pid().is_none())
            .try_for_each(|node| node.spawn(environment))
    }

    /// Starts one node and waits until its API answers.
    ///
    /// # Errors
    /// It does not.
    pub fn restart(&mut self, index: usize) -> Result {
        let environment = self.environment.clone();
        let node = self.node_mut(index)?;
        node.spawn(&environment)?;
        node.await_api()
    }

    /// SIGKILL to every node, one right after the other.
    ///
    /// # Errors
    /// One cannot be killed.
    pub fn kill_all(&mut self) -> Result {
        self.nodes.iter_mut().try_for_each(Node::kill)
    }

    /// Stops every node cleanly and removes the directory: the test has passed.
    ///
    /// # Errors
    /// A node does not stop within its time, or not with 0.
    pub fn finish(mut self) -> Result {
        self.nodes.iter_mut().try_for_each(Node::terminate)?;
        fs::remove_dir_all(&self.dir).map_err(HarnessError::file(&self.dir))?;
        self.finished = true;
        Ok(())
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node.
    ///
    /// # Errors
    /// There is none.
    pub fn node(&self, index: usize) -> Result<&Node> {
        self.nodes.get(index).ok_or_else(|| HarnessError::bytes("node", index))
    }

    /// A node.
    ///
    /// # Errors
    /// There is none.
    pub fn node_mut(&mut self, index: usize) -> Result<&mut Node> {
        self.nodes
            .get_mut(index)
            .ok_or_else(|| HarnessError::bytes("node", index))
    }

    /// The API of a node.
    ///
    /// # Errors
    /// There is none.
    pub fn api(&self, index: usize) -> Result<&Api> {
        self.node(index).map(Node::api)
    }

    /// The charter.
    #[must_use]
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// The directory with every region's data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The authority key of a region.
    ///
    /// # Errors
    /// Its file is not there or no Ed25519 key.
    pub fn authority(&self, index: usize) -> Result<SecretKey> {
        ed25519_of(&self.node(index)?.data_dir().join("authority.pem")).map(SecretKey::from_seed)
    }

    /// Status of every running node.
    ///
    /// # Errors
    /// One does not answer.
    pub fn statuses(&self) -> Result<Vec<Status>> {
        self.nodes
            .iter()
            .filter(|node| node.pid().is_some())
            .map(|node| node.api().status())
            .collect()
    }

    /// Waits until every running node is at `height` or past it.
    ///
    /// # Errors
    /// One is not, in time.
    pub fn await_height(&self, height: u64, within: Duration) -> Result<Vec<Status>> {
        self.await_heights(height, None, within)
    }

    /// Waits until every running node is at `height` or past it; that of a region which is out of the federation from there on, at
    /// the block before: it is let in no more by those who are ahead.
    ///
    /// # Errors
    /// One is not, in time.
    pub fn await_heights(&self, height: u64, leaving: Option<&RegionId>, within: Duration) -> Result<Vec<Status>> {
        let due = |status: &Status| {
            let leaves = leaving.is_some_and(|region| region.as_str() == status.region);
            height.saturating_sub(u64::from(leaves))
        };
        until(&format!("every running node is at height {height}"), within, || {
            let statuses = self.statuses()?;
            if statuses.iter().all(|status| status.height >= due(status)) {
                return Ok(Seen::Yes(statuses));
            }
            let seen = statuses
                .iter()
                .map(|status| format!("{} at {}", status.region, status.height));
            Ok(Seen::NotYet(seen.collect::<Vec<_>>().join(", ")))
        })
    }

    /// The highest height of the running nodes.
    ///
    /// # Errors
    /// One does not answer.
    pub fn height(&self) -> Result<u64> {
        Ok(self.statuses()?.iter().map(|status| status.height).max().unwrap_or(0))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        eprintln!("the federation's directory is left in {}", self.dir.display());
        for node in &self.nodes {
            eprintln!("---- log of {}\n{}", node.region(), node.log_tail(25));
        }
    }
}

/// The seed of an Ed25519 key in an unencrypted file.
///
/// # Errors
/// It is something else.
pub fn ed25519_of(path: &Path) -> Result<[u8; 32]> {
    let text = fs::read_to_string(path).map_err(HarnessError::file(path))?;
    let seed = pem::decode(KeyKind::Ed25519, &text, None);
    seed.map(|seed| *seed)
        .map_err(|why| HarnessError::bytes(path.display().to_string(), why))
}
