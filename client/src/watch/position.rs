//! How far was watched, kept in a file: the next run goes on there, and nothing is missed between.

use crate::files::{self, FileError};
use concord_spec::digest::Digest;
use concord_spec::id::Height;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const MAX_FILE: usize = 4_096;

/// The last block seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The chain.
    pub chain_id: Digest,
    /// Its height; 0 before the first.
    pub height: Height,
    /// Its hash; none where watching began in the middle, and the first block is believed by its seal alone.
    pub hash: Option<Digest>,
}

/// Why a position cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PositionError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It does not say how far was watched.
    #[error("{}: it does not say how far was watched ({reason}); remove it and say from where with --from", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It is of another chain.
    #[error("{}: of chain {found}; each chain has a file of its own", path.display())]
    OtherChain {
        /// The file.
        path: PathBuf,
        /// The chain it is of.
        found: Digest,
    },
}

impl Position {
    /// Before the first block.
    #[must_use]
    pub fn beginning(chain_id: Digest) -> Self {
        Self {
            chain_id,
            height: Height(0),
            hash: Some(chain_id),
        }
    }

    /// What the file says; `None` when there is none.
    ///
    /// # Errors
    /// See [`PositionError`].
    pub fn read(path: &Path, chain_id: &Digest) -> Result<Option<Self>, PositionError> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = files::read(path, MAX_FILE)?;
        let position: Self = serde_json::from_slice(&bytes).map_err(|error| PositionError::Form {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        if position.chain_id == *chain_id {
            return Ok(Some(position));
        }
        Err(PositionError::OtherChain {
            path: path.to_owned(),
            found: position.chain_id,
        })
    }

    /// Puts it into the file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), PositionError> {
        let text = serde_json::to_vec(self).map_err(|error| PositionError::Form {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(files::replace(path, &text)?)
    }
}
