//! `concordd start`: runs a node until it is told to stop.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::CommandError;
use crate::consensus::start::Hooks;
use crate::durable;
use crate::keystore::Passphrase;
use crate::node::{Node, RUN_FILE};

/// Runs the node of a data directory until SIGTERM or Ctrl-C.
///
/// When its API answers it writes `run.json` there, which says where.
#[derive(Debug, Args)]
pub struct Start {
    /// Data directory of the node.
    #[arg(long, env = "CONCORD_DATA_DIR")]
    data_dir: PathBuf,
    /// Stops when standard input ends too: whoever started the node and holds the other end takes it along.
    #[arg(long)]
    until_eof: bool,
    /// Directory of the verifier page, from `client/web/build`; goes before `page` in config.toml. Without either it is looked
    /// for in `verify` beside this program.
    #[arg(long, env = "CONCORD_PAGE", value_name = "DIR")]
    page: Option<PathBuf>,
}

impl Start {
    /// Runs it.
    ///
    /// # Errors
    /// Why it does not start, or stopped by itself.
    pub async fn run(self) -> Result<(), CommandError> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let run_file = self.data_dir.join(RUN_FILE);
        forget(&run_file)?;
        let passphrase = Passphrase::from_env()?;
        let mut node = Node::start(&self.data_dir, &passphrase, Hooks::from_env()?, self.page).await?;
        let addresses = node.addresses().clone();
        durable::replace_file(&run_file, serde_json::to_string(&addresses)?.as_bytes(), 0o644)?;
        tracing::info!(
            api = addresses.api,
            admin = addresses.admin,
            p2p = addresses.p2p,
            "the node runs"
        );
        let failure = tokio::select! {
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
            () = end_of_input(), if self.until_eof => None,
            why = node.failed() => Some(why),
        };
        tracing::info!("stopping");
        let stopped = if failure.is_none() { node.stop().await } else { Ok(()) };
        forget(&run_file)?;
        match failure {
            Some(why) => Err(why.into()),
            None => Ok(stopped?),
        }
    }
}

/// Resolves when standard input ends.
async fn end_of_input() {
    let mut sink = tokio::io::sink();
    // An input that cannot be read has ended as well.
    let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut sink).await;
}

fn forget(run_file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(run_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
