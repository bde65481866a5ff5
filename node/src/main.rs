//! `concordd`: a region's node of the Concord ledger.

use clap::{Parser, Subcommand, ValueEnum};
use concord_node::command::{CommandError, init::Init, keys::Keys, localnet::Localnet, reindex::Reindex, start::Start};
use tracing_subscriber::EnvFilter;

/// A region's node of the Concord ledger.
///
/// Exit codes: 0 stopped as told, 1 could not start or go on (the last line says why and what to do), 2 wrong usage.
#[derive(Debug, Parser)]
#[command(version, name = "concordd")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// What is logged: error, warn, info, debug, or a filter such as concord_node=debug.
    #[arg(long, env = "CONCORD_LOG", default_value = "info", global = true)]
    log: String,
    /// How it is logged.
    #[arg(long, env = "CONCORD_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    log_format: LogFormat,
}

/// How long what still runs may take at the end.
const SHUTDOWN: std::time::Duration = std::time::Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(Init),
    Keys(Keys),
    Start(Start),
    Localnet(Localnet),
    Reindex(Reindex),
}

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), CommandError> {
    // The engine tells each step at its own levels; what an operator should read is ours.
    let filter = EnvFilter::try_new(format!(
        "{},arc_malachitebft=warn,informalsystems_malachitebft=warn",
        arguments.log
    ))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("concordd")
        .enable_all()
        .build()?;
    let outcome = match arguments.command {
        Command::Init(init) => init.run(),
        Command::Keys(keys) => keys.run(),
        Command::Reindex(reindex) => reindex.run(),
        Command::Start(start) => runtime.block_on(start.run()),
        Command::Localnet(localnet) => runtime.block_on(localnet.run()),
    };
    // A thread that still reads standard input would hold up the end.
    runtime.shutdown_timeout(SHUTDOWN);
    outcome
}
