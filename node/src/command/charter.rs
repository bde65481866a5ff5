//! `concordd charter`: a charter from the regions' cards.

use std::path::PathBuf;

use clap::Args;
use concord_spec::charter::DEFAULT_HEARTBEAT_MS;
use concord_spec::codec;
use concord_spec::id::ChainName;

use super::CommandError;
use super::init::say;
use crate::found;
use crate::pool::system_clock;

/// Assembles a charter from the regions' cards.
///
/// Every region compares the chain id that this prints before it starts its node.
#[derive(Debug, Args)]
pub struct Charter {
    /// The cards that `concordd init` made.
    #[arg(required = true)]
    cards: Vec<PathBuf>,
    /// Name of the chain.
    #[arg(long)]
    chain: ChainName,
    /// Longest time without a block, in milliseconds.
    #[arg(long, default_value_t = DEFAULT_HEARTBEAT_MS)]
    heartbeat_ms: u64,
    /// File to write.
    #[arg(long, short)]
    output: PathBuf,
}

impl Charter {
    /// Runs it.
    ///
    /// # Errors
    /// A card cannot be read, the charter does not check, or the disk's.
    pub fn run(self) -> Result<(), CommandError> {
        let cards = self
            .cards
            .iter()
            .map(|path| found::read_card(path))
            .collect::<Result<Vec<_>, _>>()?;
        let charter = found::assemble(self.chain, cards, self.heartbeat_ms, system_clock())?;
        std::fs::write(&self.output, codec::to_vec(&charter))?;
        say(&format!("chain id {}: {}", charter.chain_id(), self.output.display()));
        Ok(())
    }
}
