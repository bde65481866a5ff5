//! `concordd init`: a region's keys, configuration and card.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use concord_spec::catalogue::Label;
use concord_spec::id::RegionId;
use concord_spec::key::{Keyring, PublicKey};
use libp2p::Multiaddr;
use serde::Serialize;

use super::CommandError;
use crate::config::{NodeConfig, PoolLimits, Role};
use crate::found::{self, CARD_FILE};
use crate::keystore::{PASSPHRASE_FILE_VARIABLE, Passphrase};

/// Makes the keys, the configuration and the card of a region's node.
///
/// Hand the card to whoever assembles the charter (`concord charter assemble`), sign the charter with the authority's keys
/// (`concord charter sign`), put it into the data directory as `charter.cbor`, and start the node. Keys are encrypted with the
/// passphrase in the file that CONCORD_PASSPHRASE_FILE names.
///
/// The authority's keys are best made and kept where the authority works, with `concord key new`: name their public keys with
/// --authority, and sign the card there with `concord card sign`. Without --authority one key is made here too, in
/// `authority.pem`, and signs the card: move it to where the authority works.
#[derive(Debug, Args)]
pub struct Init {
    /// Code of the region, such as 110000.
    #[arg(long)]
    region: RegionId,
    /// Name of the region.
    #[arg(long)]
    name: String,
    /// Language of the name (BCP 47).
    #[arg(long, default_value = "zh")]
    language: String,
    /// Public keys of the authority's keyring, whose secret keys are kept elsewhere.
    #[arg(long, value_name = "KEY", num_args = 1..)]
    authority: Vec<PublicKey>,
    /// How many of the authority's keys sign: exactly so many.
    #[arg(long, value_name = "K", default_value_t = 1, requires = "authority")]
    threshold: usize,
    /// Data directory to make.
    #[arg(long)]
    dir: PathBuf,
    /// Where other nodes reach it, such as /ip4/192.0.2.1/tcp/9000.
    #[arg(long)]
    listen: Multiaddr,
    /// Where the API answers.
    #[arg(long, default_value = "127.0.0.1:9001")]
    api: SocketAddr,
    /// Where health and metrics answer; keep it to the machine.
    #[arg(long, default_value = "127.0.0.1:9002")]
    admin: SocketAddr,
    /// Peers that are dialled for catching up, beside those that the ledger names: /ip4/192.0.2.2/tcp/9000/p2p/12D3Koo...
    #[arg(long, value_name = "MULTIADDR")]
    bootstrap: Vec<Multiaddr>,
    /// Makes an observer of this name instead: a node that replicates and serves, has no keys to vote with, and never votes.
    /// No card is made; what the region's authority registers it by is written out: hand that over, for `concord region observers`.
    #[arg(long)]
    observer: bool,
    /// Writes the keys unencrypted: for demonstrations and tests only.
    #[arg(long)]
    unencrypted: bool,
}

/// What a region's authority registers an observer by, as JSON.
#[derive(Debug, Serialize)]
struct ObserverView {
    region: String,
    peer_id: String,
    name: String,
    addresses: Vec<String>,
}

impl Init {
    /// Runs it.
    ///
    /// # Errors
    /// The directory holds a node already, no passphrase was given, or the disk's.
    pub fn run(self) -> Result<(), CommandError> {
        let passphrase = passphrase(self.unencrypted)?;
        let authority = match self.authority.as_slice() {
            [] => None,
            keys => Some(Keyring::new(self.threshold, keys.to_vec())?),
        };
        let config = NodeConfig {
            role: if self.observer { Role::Observer } else { Role::Region },
            region: self.region,
            listen: self.listen,
            api: self.api,
            admin: self.admin,
            bootstrap: self.bootstrap,
            page: None,
            pool: PoolLimits::default(),
        };
        if self.observer {
            let observer = found::init_observer(&self.dir, &config, &self.name, &passphrase)?;
            let view = ObserverView {
                region: config.region.to_string(),
                peer_id: observer.peer_id,
                name: observer.name,
                addresses: observer
                    .addresses
                    .into_iter()
                    .map(|address| address.multiaddr)
                    .collect(),
            };
            say(&serde_json::to_string_pretty(&view)?);
            return Ok(());
        }
        let labels = vec![Label {
            language: self.language,
            text: self.name,
        }];
        let card = found::init_region(&self.dir, &config, labels, authority, &passphrase)?;
        let file = self.dir.join(CARD_FILE);
        say(&format!("card of region {}: {}", config.region, file.display()));
        if card.missing() > 0 {
            say(&format!(
                "it lacks {} signatures of the authority: have them sign it with `concord card sign {} --key FILE`",
                card.missing(),
                file.display()
            ));
        }
        Ok(())
    }
}

/// What new keys are encrypted with.
///
/// # Errors
/// No passphrase was given, and it was not said that none is wanted.
pub(super) fn passphrase(unencrypted: bool) -> Result<Passphrase, CommandError> {
    if unencrypted {
        return Ok(Passphrase::none());
    }
    let passphrase = Passphrase::from_env()?;
    if passphrase.is_given() {
        return Ok(passphrase);
    }
    Err(format!("no passphrase: name a file with one in {PASSPHRASE_FILE_VARIABLE}, or say --unencrypted").into())
}

/// A line on standard output.
pub(super) fn say(line: &str) {
    use std::io::Write;
    // Whoever closed standard output does not want to read.
    let _ = writeln!(std::io::stdout(), "{line}");
}
