//! Proof that a region signed two different things for one place: kept as files until it can go on the ledger.
//! Not here: putting it on the ledger.

use std::io;
use std::path::{Path, PathBuf};

use concord_spec::digest::sha256;

use crate::consensus::application::Evidence;
use crate::durable;

/// Most proofs that are kept: the engine hands over at most three pairs a region.
const MAX_KEPT: usize = 1_024;

/// A directory with a file a proof, named by its digest: the region, and both messages, as JSON with hex.
#[derive(Debug)]
pub struct EvidenceStore {
    dir: PathBuf,
}

impl EvidenceStore {
    /// In this directory, made where it is missing.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Keeps proofs durably. One that is kept already costs nothing; beyond the bound they are only logged.
    ///
    /// # Errors
    /// The disk's.
    pub fn keep(&self, found: &[Evidence]) -> Result<(), EvidenceError> {
        for proof in found {
            tracing::error!(region = %proof.region, "a region signed two different things for one place");
            let name = sha256(&[proof.region.as_str().as_bytes(), &proof.first, &proof.second]);
            let path = self.dir.join(format!("{name}.json"));
            if path.exists() || std::fs::read_dir(&self.dir)?.count() >= MAX_KEPT {
                continue;
            }
            let text = serde_json::json!({
                "region": proof.region.as_str(),
                "first": hex::encode(&proof.first),
                "second": hex::encode(&proof.second),
            });
            durable::replace_file(&path, text.to_string().as_bytes(), 0o644)?;
        }
        Ok(())
    }
}

/// Why proof was not kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The directory cannot be read.
    #[error("evidence: {0}")]
    Io(#[from] io::Error),
    /// The file cannot be written.
    #[error("evidence: {0}")]
    Durable(#[from] durable::DurableError),
}
