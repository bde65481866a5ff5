//! `concordd init`: a region's keys, configuration and card.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use concord_spec::catalogue::Label;
use concord_spec::id::RegionId;
use libp2p::Multiaddr;

use super::CommandError;
use crate::config::{NodeConfig, PoolLimits};
use crate::found::{self, CARD_FILE};
use crate::keystore::{PASSPHRASE_FILE_VARIABLE, Passphrase};

/// Makes the keys, the configuration and the card of a region's node.
///
/// Hand the card to whoever assembles the charter, put the charter into the data directory as `charter.cbor`,
/// and start the node. Keys are encrypted with the passphrase in the file that CONCORD_PASSPHRASE_FILE names.
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
    /// Writes the keys unencrypted: for demonstrations and tests only.
    #[arg(long)]
    unencrypted: bool,
}

impl Init {
    /// Runs it.
    ///
    /// # Errors
    /// The directory holds a node already, no passphrase was given, or the disk's.
    pub fn run(self) -> Result<(), CommandError> {
        let passphrase = if self.unencrypted {
            Passphrase::none()
        } else {
            Passphrase::from_env()?
        };
        if !self.unencrypted && !passphrase.is_given() {
            return Err(format!(
                "no passphrase: name a file with one in {PASSPHRASE_FILE_VARIABLE}, or say --unencrypted"
            )
            .into());
        }
        let config = NodeConfig {
            region: self.region,
            listen: self.listen,
            api: self.api,
            admin: self.admin,
            bootstrap: Vec::new(),
            pool: PoolLimits::default(),
        };
        let labels = vec![Label {
            language: self.language,
            text: self.name,
        }];
        found::init_region(&self.dir, &config, labels, &passphrase)?;
        say(&format!(
            "card of region {}: {}",
            config.region,
            self.dir.join(CARD_FILE).display()
        ));
        Ok(())
    }
}

/// A line on standard output.
pub(super) fn say(line: &str) {
    use std::io::Write;
    // Whoever closed standard output does not want to read.
    let _ = writeln!(std::io::stdout(), "{line}");
}
