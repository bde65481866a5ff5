//! `concordd keys`: further keys for a region's node.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::CommandError;
use super::init::{passphrase, say};
use crate::config::{NodeConfig, Role};
use crate::durable;
use crate::found;
use crate::keys;

/// Makes further keys for a region's node.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    New(New),
}

/// Makes the next consensus and seal keys of a region's node, and says what its authority signs: hand that over, for
/// `concord region rotate-node`.
///
/// The keys at work stay at work: the node, which may be running, takes the new ones from the height from which the ledger
/// names them, without a restart, and erases the old ones when the block of that height is recorded.
#[derive(Debug, Args)]
struct New {
    /// Data directory of the node.
    #[arg(long, env = "CONCORD_DATA_DIR")]
    data_dir: PathBuf,
    /// Where the node listens from then on, if it moves: /ip4/192.0.2.1/tcp/9000. Without it, where it listens now.
    #[arg(long = "address", value_name = "MULTIADDR")]
    addresses: Vec<libp2p::Multiaddr>,
    /// Writes what the authority signs to this file, too.
    #[arg(long, short)]
    output: Option<PathBuf>,
    /// Writes the keys unencrypted: for demonstrations and tests only.
    #[arg(long)]
    unencrypted: bool,
}

/// What the authority signs, as JSON; keys are lower-case hexadecimal.
#[derive(Debug, Serialize)]
struct NextKeys {
    region: String,
    consensus_key: String,
    seal_key: String,
    possession: String,
    peer_id: String,
    addresses: Vec<String>,
}

impl Keys {
    /// Runs it.
    ///
    /// # Errors
    /// See each command.
    pub fn run(self) -> Result<(), CommandError> {
        match self.command {
            KeysCommand::New(new) => new.run(),
        }
    }
}

impl New {
    fn run(self) -> Result<(), CommandError> {
        let passphrase = passphrase(self.unencrypted)?;
        let config = NodeConfig::read(&self.data_dir)?;
        if config.role == Role::Observer {
            return Err("an observer has no keys to vote with, and needs none".into());
        }
        let peer = found::read_peer_key(&self.data_dir, &passphrase)?;
        let (consensus, seal) = keys::create_next(&self.data_dir, &passphrase)?;
        let addresses = if self.addresses.is_empty() {
            vec![config.listen]
        } else {
            self.addresses
        };
        let next = NextKeys {
            region: config.region.to_string(),
            consensus_key: consensus.public().to_string(),
            seal_key: seal.public().to_string(),
            possession: seal.prove_possession().to_string(),
            peer_id: peer.public().to_peer_id().to_string(),
            addresses: addresses.iter().map(ToString::to_string).collect(),
        };
        let text = serde_json::to_string_pretty(&next)?;
        if let Some(output) = &self.output {
            durable::replace_file(output, text.as_bytes(), 0o644)?;
        }
        say(&text);
        Ok(())
    }
}
