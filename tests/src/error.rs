//! What can go wrong in a test, told so that the log need not be guessed at.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A failed step or claim.
#[derive(thiserror::Error)]
pub enum HarnessError {
    /// A file or process could not be used.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program ended otherwise than it should.
    #[error("{program} ended with {status}: {output}")]
    Program {
        /// The command line.
        program: String,
        /// Its status.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// Something did not happen in time.
    #[error("after {seconds} s still waiting until {what}; last seen: {last}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
        /// What was seen last.
        last: String,
    },
    /// No answer.
    #[error("{url}: {source}")]
    Http {
        /// What was asked.
        url: String,
        /// Why there is no answer.
        source: Box<ureq::Error>,
    },
    /// An answer other than the contract says.
    #[error("{url} answered {status}: {body}")]
    Answer {
        /// What was asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// Bytes that are not what they should be.
    #[error("{what}: {why}")]
    Bytes {
        /// What they should be.
        what: String,
        /// Why they are not.
        why: String,
    },
    /// A claim of a test does not hold.
    #[error("claim does not hold: {0}")]
    Claim(String),
}

// `fn main` and tests print errors by Debug.
impl std::fmt::Debug for HarnessError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl HarnessError {
    /// An error of bytes that are not `what`.
    pub fn bytes(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Bytes {
            what: what.into(),
            why: why.to_string(),
        }
    }

    /// Names the file that an I/O error is about.
    pub fn file(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::File { path, source }
    }

    /// Whether it says that nobody answered, as a stopped node does not.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Http { .. })
    }
}

/// `Ok` when `holds`, or else the claim.
///
/// # Errors
/// [`HarnessError::Claim`].
pub fn claim(holds: bool, text: impl FnOnce() -> String) -> crate::Result {
    if holds {
        Ok(())
    } else {
        Err(HarnessError::Claim(text()))
    }
}

/// How a benchmark ends: successfully only when it reached what is asked of it. An error is told.
#[must_use]
pub fn exit_code(reached: crate::Result<bool>) -> ExitCode {
    match reached {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
