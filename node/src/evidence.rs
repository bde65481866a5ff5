//! Proof that a region signed two different things for one place: kept as files until the ledger has it.
//! Not here: what proves it (`concord_spec::vote`), putting it on the ledger (`node`).

use std::io;
use std::path::{Path, PathBuf};

use concord_spec::codec;
use concord_spec::digest::sha256;
use concord_spec::vote::{Evidence, Place};

use crate::durable;

/// Most proofs that are kept: the engine hands over at most three pairs a region and height.
const MAX_KEPT: usize = 1_024;
/// Most bytes of one.
const MAX_BYTES: usize = 1_024;
/// How the files' names end.
const SUFFIX: &str = "cbor";

/// A directory with a file a place, named by the place's digest: the encoding of the proof.
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

    /// Keeps proofs durably, one a place. One that is kept already costs nothing; beyond the bound they are only logged.
    ///
    /// # Errors
    /// The disk's.
    pub fn keep(&self, found: &[Evidence]) -> Result<(), EvidenceStoreError> {
        for proof in found {
            let place = proof.place();
            tracing::error!(
                region = %place.region, height = %place.height, round = place.round, step = %place.step,
                "a region signed two different things for one place"
            );
            let path = self.path(&place);
            if path.exists() {
                continue;
            }
            if std::fs::read_dir(&self.dir)?.count() >= MAX_KEPT {
                tracing::warn!(
                    kept = MAX_KEPT,
                    "no more proofs are kept until the ledger has taken some"
                );
                continue;
            }
            durable::replace_file(&path, &codec::to_vec(proof), 0o644)?;
        }
        Ok(())
    }

    /// What is kept.
    ///
    /// # Errors
    /// The disk's. A file that holds no proof is passed over, and said so.
    pub fn kept(&self) -> Result<Vec<Evidence>, EvidenceStoreError> {
        let mut kept = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension().is_none_or(|suffix| suffix != SUFFIX) {
                continue;
            }
            match codec::from_slice(&std::fs::read(&path)?, MAX_BYTES) {
                Ok(proof) => kept.push(proof),
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "this file holds no evidence; remove it");
                }
            }
        }
        kept.sort_by_key(Evidence::place);
        Ok(kept)
    }

    /// Forgets the proof for a place: the ledger has one, or can no longer take it.
    ///
    /// # Errors
    /// The disk's.
    pub fn forget(&self, place: &Place) -> Result<(), EvidenceStoreError> {
        match std::fs::remove_file(self.path(place)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn path(&self, place: &Place) -> PathBuf {
        let name = sha256(&[&codec::to_vec(place)]);
        self.dir.join(format!("{name}.{SUFFIX}"))
    }
}

/// Why proof was not kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceStoreError {
    /// The directory cannot be read.
    #[error("evidence: {0}")]
    Io(#[from] io::Error),
    /// The file cannot be written.
    #[error("evidence: {0}")]
    Durable(#[from] durable::DurableError),
}

#[cfg(test)]
mod tests {
    use concord_spec::digest::Digest;
    use concord_spec::id::Height;
    use concord_spec::key::Signature;
    use concord_spec::vote::{Signed, VoteKind, VoteStatement};

    use super::*;

    fn double_vote(round: u32, target: u8) -> Evidence {
        let vote = |target: Option<u8>| Signed {
            statement: VoteStatement {
                height: Height(5),
                round,
                kind: VoteKind::Prevote,
                target: target.map(|byte| Digest([byte; 32])),
                region: "330000".parse().unwrap(),
            },
            signature: Signature([target.unwrap_or(0); 64]),
        };
        Evidence::votes(vote(Some(target)), vote(None)).unwrap()
    }

    #[test]
    fn a_place_has_one_proof_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = EvidenceStore::open(dir.path()).unwrap();
        store
            .keep(&[double_vote(1, 1), double_vote(0, 1), double_vote(1, 2)])
            .unwrap();
        let again = EvidenceStore::open(dir.path()).unwrap();
        assert_eq!(again.kept().unwrap(), [double_vote(0, 1), double_vote(1, 1)]);
        again.forget(&double_vote(0, 1).place()).unwrap();
        again.forget(&double_vote(0, 1).place()).unwrap();
        assert_eq!(store.kept().unwrap(), [double_vote(1, 1)]);
    }

    #[test]
    fn a_file_without_a_proof_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let store = EvidenceStore::open(dir.path()).unwrap();
        store.keep(&[double_vote(1, 1)]).unwrap();
        std::fs::write(dir.path().join("a.cbor"), b"no proof").unwrap();
        std::fs::write(dir.path().join("a.cbor.new"), b"cut short").unwrap();
        assert_eq!(store.kept().unwrap(), [double_vote(1, 1)]);
    }
}
