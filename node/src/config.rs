//! The node's configuration: `config.toml` in its data directory, then the environment, then flags (DESIGN 6).
//! Not here: what all nodes agree on (the charter).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use concord_spec::id::RegionId;
use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

use crate::durable::{self, DurableError};

/// Name of the file in the data directory.
pub const CONFIG_FILE: &str = "config.toml";
/// Name of the charter in the data directory.
pub const CHARTER_FILE: &str = "charter.cbor";
/// Most bytes of the file.
const MAX_CONFIG: u64 = 64 << 10;

/// What an operator chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// This node's region, as on the ledger.
    pub region: RegionId,
    /// Whether it votes for its region, or only replicates and serves; default `region`.
    #[serde(default)]
    pub role: Role,
    /// Where other nodes reach it: `/ip4/../tcp/..`.
    pub listen: Multiaddr,
    /// Where the API answers.
    pub api: SocketAddr,
    /// Where health and metrics answer; never open it to the world.
    pub admin: SocketAddr,
    /// Peers that the ledger does not name, dialled for catching up only: `/ip4/../tcp/../p2p/<id>`.
    #[serde(default)]
    pub bootstrap: Vec<Multiaddr>,
    /// Directory of the verifier page that it serves; default: `verify` beside the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PathBuf>,
    /// The record pool.
    #[serde(default)]
    pub pool: PoolLimits,
}

/// What a node is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It votes and seals for its region, whenever the ledger has it in force.
    #[default]
    Region,
    /// It replicates and serves, and has no keys to vote with.
    Observer,
}

/// Bounds of the record pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolLimits {
    /// Most records that wait; default 65,536.
    pub records: usize,
    /// Most bytes of all of them; default 64 MiB.
    pub bytes: usize,
    /// With fewer bytes free on the disk no record is taken; default 512 MiB.
    pub low_water_bytes: u64,
}

impl Default for PoolLimits {
    fn default() -> Self {
        let limits = crate::pool::Limits::default();
        Self {
            records: limits.records,
            bytes: limits.bytes,
            low_water_bytes: limits.low_water_bytes,
        }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {why}; make it with `concordd init`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// The file is larger than any configuration.
    #[error("{0} is larger than any configuration")]
    TooLarge(PathBuf),
    /// The file cannot be understood.
    #[error("{path}: {why}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        why: Box<toml::de::Error>,
    },
    /// It cannot be written as text.
    #[error("the configuration cannot be written: {0}")]
    Write(#[from] toml::ser::Error),
    /// It cannot be written to disk.
    #[error(transparent)]
    Durable(#[from] DurableError),
}

impl NodeConfig {
    /// Reads `config.toml` of a data directory.
    ///
    /// # Errors
    /// Missing, too large, or not understood; the text names file, line and key.
    pub fn read(data_dir: &Path) -> Result<Self, ConfigError> {
        let path = data_dir.join(CONFIG_FILE);
        let failed = |why| ConfigError::Read {
            path: path.clone(),
            why,
        };
        if std::fs::metadata(&path).map_err(failed)?.len() > MAX_CONFIG {
            return Err(ConfigError::TooLarge(path));
        }
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        toml::from_str(&text).map_err(|why| ConfigError::Parse {
            path,
            why: Box::new(why),
        })
    }

    /// Writes `config.toml` of a data directory.
    ///
    /// # Errors
    /// The disk's.
    pub fn write(&self, data_dir: &Path) -> Result<(), ConfigError> {
        let text = toml::to_string_pretty(self)?;
        Ok(durable::replace_file(
            &data_dir.join(CONFIG_FILE),
            text.as_bytes(),
            0o644,
        )?)
    }
}
