//! `concord record`: records on the ledger.

use super::{Done, Failure, Shared, show};
use clap::Subcommand;
use concord_client::transport::RecordState;
use concord_spec::record::RecordId;
use serde_json::json;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Tell how far a record has come
    State {
        /// Its id, 64 hexadecimal digits
        id: RecordId,
        /// Wait so many seconds while it is pending, at most 30
        #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=30))]
        wait: u64,
    },
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let Self::State { id, wait } = self;
        let unknown = || {
            Failure::Cannot(format!(
                "the node does not know record {id}; ask another, or hand it in again"
            ))
        };
        let answer = shared
            .node()?
            .record(&id, Duration::from_secs(wait))?
            .ok_or_else(unknown)?;
        let place = match (answer.height, answer.index) {
            (Some(height), Some(index)) => format!(" in block {height}, at place {index}"),
            (Some(height), None) => format!(" in block {height}"),
            (None, _) => String::new(),
        };
        let why = match (&answer.code, &answer.detail) {
            (Some(code), Some(detail)) => format!(" ({code}): {detail}"),
            (Some(code), None) => format!(" ({code})"),
            (None, _) => String::new(),
        };
        let state = match answer.state {
            RecordState::Pending => "waiting for its block",
            RecordState::Recorded => "recorded",
            RecordState::Rejected => "rejected for good",
            RecordState::Expired => "expired: no block took it in time",
        };
        show::answer(shared, &format!("{state}{place}{why}"), &json!(answer))?;
        Ok(0)
    }
}
