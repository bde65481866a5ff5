//! `concordd reindex`: the cache made anew from the log.

use std::path::PathBuf;

use clap::Args;
use concord_spec::id::Height;

use super::CommandError;
use super::init::say;
use crate::chain::Chain;
use crate::durable::DirLock;
use crate::found;
use crate::pool::ChainView;

/// Makes the cache anew from the log. The node must be stopped.
#[derive(Debug, Args)]
pub struct Reindex {
    /// Data directory of the node.
    #[arg(long, env = "CONCORD_DATA_DIR")]
    data_dir: PathBuf,
}

impl Reindex {
    /// Runs it.
    ///
    /// # Errors
    /// The node runs, or the log is damaged.
    pub fn run(self) -> Result<(), CommandError> {
        let _lock = DirLock::acquire(&self.data_dir)?;
        let charter = found::read_charter(&self.data_dir)?.into_charter();
        let cache = self.data_dir.join("cache");
        if cache.exists() {
            std::fs::remove_dir_all(&cache)?;
        }
        let chain = Chain::open(&self.data_dir, &charter)?;
        let Height(height) = chain.state().tip().height;
        say(&format!(
            "the cache holds the state after block {height}: {}",
            chain.state().root()
        ));
        Ok(())
    }
}
