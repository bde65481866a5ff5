//! concord: for offices, verifiers and auditors.

mod command;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = command::Cli::parse();
    let json = cli.shared.json;
    match cli.run() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            command::show::failure(&failure, json);
            ExitCode::from(failure.exit_code())
        }
    }
}
