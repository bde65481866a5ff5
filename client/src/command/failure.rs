//! Why a command could not do what it should, and its exit code.

use concord_client::desk::definition::DefinitionError;
use concord_client::desk::issuing::IssuingError;
use concord_client::desk::journal::JournalError;
use concord_client::desk::regions::RegionsError;
use concord_client::desk::release::ReleaseError;
use concord_client::desk::sheet::SheetError;
use concord_client::files::FileError;
use concord_client::keys::KeyFileError;
use concord_client::transport::TransportError;
use concord_client::watch::{PositionError, WatchError};
use concord_spec::bundle::BundleError;
use concord_spec::charter::CharterError;
use concord_spec::id::IdError;
use concord_spec::key::KeyError;
use std::path::Path;

/// Exit code of what could not be done; apart from the verdicts'.
const COULD_NOT: u8 = 10;
/// Exit code of wrong usage.
const USAGE: u8 = 2;

/// Why a command could not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Arguments that do not fit together.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Key(#[from] KeyFileError),
    #[error(transparent)]
    Keyring(#[from] KeyError),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    Charter(#[from] CharterError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Issuing(#[from] IssuingError),
    /// The regions that sealed a block are not known.
    #[error(transparent)]
    Regions(#[from] RegionsError),
    #[error(transparent)]
    Release(#[from] ReleaseError),
    #[error(transparent)]
    Sheet(#[from] SheetError),
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error(transparent)]
    Position(#[from] PositionError),
    #[error(transparent)]
    Name(#[from] IdError),
    /// The ledger refused a record for good.
    #[error("the ledger refused record {id} ({code}): {detail}")]
    Rejected { id: String, code: String, detail: String },
    /// A record does not come into a block.
    #[error("record {id} has been waiting for its block for {seconds} s; see later with: concord record state {id}")]
    StillPending { id: String, seconds: u64 },
    /// A sheet or definition that cannot be used; every finding on a line of its own.
    #[error("{}", .0.join("\n"))]
    Findings(Vec<String>),
    /// Anything else that stands in the way, with what to do about it.
    #[error("{0}")]
    Cannot(String),
    /// The answer could not be written.
    #[error("standard output cannot be written: {0}")]
    Output(std::io::Error),
}

impl Failure {
    /// What is wrong with what a file holds.
    pub(crate) fn about(file: &Path, why: &dyn std::error::Error) -> Self {
        Self::Cannot(format!("{}: {why}", file.display()))
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::File(_)
            | Self::Key(_)
            | Self::Keyring(_)
            | Self::Transport(_)
            | Self::Charter(_)
            | Self::Bundle(_)
            | Self::Journal(_)
            | Self::Issuing(_)
            | Self::Regions(_)
            | Self::Release(_)
            | Self::Sheet(_)
            | Self::Definition(_)
            | Self::Watch(_)
            | Self::Position(_)
            | Self::Name(_)
            | Self::Rejected { .. }
            | Self::StillPending { .. }
            | Self::Findings(_)
            | Self::Cannot(_)
            | Self::Output(_) => COULD_NOT,
        }
    }

    /// A stable code, where there is one.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Transport(error) => error.code(),
            Self::Rejected { code, .. } | Self::Issuing(IssuingError::Refused { code, .. }) => Some(code),
            Self::Usage(_)
            | Self::File(_)
            | Self::Key(_)
            | Self::Keyring(_)
            | Self::Charter(_)
            | Self::Bundle(_)
            | Self::Journal(_)
            | Self::Issuing(_)
            | Self::Regions(_)
            | Self::Release(_)
            | Self::Sheet(_)
            | Self::Definition(_)
            | Self::Watch(_)
            | Self::Position(_)
            | Self::Name(_)
            | Self::StillPending { .. }
            | Self::Findings(_)
            | Self::Cannot(_)
            | Self::Output(_) => None,
        }
    }
}
