//! The secret keys with which a region's node votes and seals, found by the public keys that the ledger names for a height
//! (DESIGN 2, 4.1). Files: `consensus.pem`, `seal.pem`, and `consensus-<..>.pem`, `seal-<..>.pem` of `concordd keys new`.
//!
//! Keys of two thirds of an old set of regions could seal a false history from then on. So a key that the ledger has
//! retired is erased: its file is renamed, overwritten, synced, unlinked, and the key dropped from memory. What a crash
//! leaves of that is finished at the next start. (A disk that writes elsewhere than it is told keeps old content all the
//! same: encrypted key files are what protects against whoever takes such a disk.)
//! Not here: when another key is in force (`concord_spec::ledger`), how files are encrypted (`keystore`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use concord_spec::id;
use concord_spec::key::bls::{SealPublicKey, SealSecretKey};
use concord_spec::key::ed25519::{PublicKey, SecretKey};
use concord_spec::key::pem::KeyKind;
use concord_spec::ledger::{Region, Term};

use crate::consensus::context::Height;
use crate::consensus::signing::VoteKeys;
use crate::durable::{self, DurableError, sync_dir};
use crate::keystore::{self, KeyFileError, Passphrase};

/// Name of the directory in a data directory.
pub const KEYS_DIR: &str = "keys";
/// How the name of a key file ends,
const SUFFIX: &str = ".pem";
/// and that of one that is being erased.
const ERASING: &str = ".erasing";
/// Digits of a public key in the name of its file.
const NAME_DIGITS: usize = 16;

/// Why keys cannot be read, made or erased.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// A key.
    #[error("key file {path}: {why}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: concord_spec::key::KeyError,
    },
    /// The directory cannot be read.
    #[error("{path}: {why}")]
    Read {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// A file cannot be erased.
    #[error("a retired key is not erased: {0}; erase it by hand")]
    Erase(#[from] DurableError),
}

/// The keys of a node. Cheap to clone: all clones hold the same keys.
#[derive(Clone)]
pub struct RegionKeys(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    /// Kept for the files that are made while the node runs.
    passphrase: Passphrase,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    votes: BTreeMap<PublicKey, Kept<ed25519_dalek::SigningKey>>,
    seals: BTreeMap<SealPublicKey, Kept<SealSecretKey>>,
    /// Files that were read.
    seen: BTreeSet<PathBuf>,
    /// Files that cannot be read as they are, with their lengths: one that is still being copied grows.
    unusable: BTreeMap<PathBuf, u64>,
    /// Files of retired keys, with the keys, that are not erased yet.
    to_erase: Vec<(String, PathBuf)>,
    terms: Vec<Term>,
    /// Terms whose keys are not here, which was said.
    missed: BTreeSet<id::Height>,
}

/// A secret with the files that hold it.
struct Kept<T> {
    secret: T,
    files: Vec<PathBuf>,
}

impl fmt::Debug for RegionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.held();
        f.debug_struct("RegionKeys")
            .field("votes", &held.votes.keys().collect::<Vec<_>>())
            .field("seals", &held.seals.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl RegionKeys {
    /// Reads all key files of a data directory, after finishing what was being erased.
    ///
    /// # Errors
    /// A file does not open: nothing is passed over at a start.
    pub fn open(data_dir: &Path, passphrase: &Passphrase) -> Result<Self, KeysError> {
        let dir = data_dir.join(KEYS_DIR);
        finish_erasing(&dir)?;
        let keys = Self(Arc::new(Inner {
            dir,
            passphrase: passphrase.clone(),
            held: Mutex::default(),
        }));
        for path in keys.new_files()? {
            keys.load(&path)?;
        }
        Ok(keys)
    }

    /// Whether this node has the key of these votes.
    #[must_use]
    pub fn has_vote_key(&self, key: &PublicKey) -> bool {
        self.held().votes.contains_key(key)
    }

    /// Whether this node has the key of these shares.
    #[must_use]
    pub fn has_seal_key(&self, key: &SealPublicKey) -> bool {
        self.held().seals.contains_key(key)
    }

    /// The seal key in force at a height, if there is one and this node has it.
    #[must_use]
    pub fn seal_key_at(&self, height: Height) -> Option<SealSecretKey> {
        let held = self.held();
        let term = held.term_at(height)?;
        held.seals.get(&term.seal_key).map(|kept| kept.secret.clone())
    }

    /// Follows the ledger: what it names for our region after the block at `tip`. Keys that it names and that are not here
    /// yet are read; those that it has retired are erased.
    ///
    /// # Errors
    /// A retired key could not be erased; it is tried again the next time.
    pub fn follow(&self, own: Option<&Region>, tip: id::Height) -> Result<(), KeysError> {
        let terms = own.map_or(&[][..], |own| &own.terms);
        {
            let mut held = self.held();
            if held.terms != terms {
                held.terms = terms.to_vec();
            }
        }
        self.fetch_missing(tip);
        own.map_or(Ok(()), |own| self.erase_retired(own, tip))
    }

    /// Reads new files while a term that is or will be in force names a key that is not here.
    fn fetch_missing(&self, tip: id::Height) {
        if self.held().missing(tip).is_empty() {
            return;
        }
        match self.new_files() {
            Ok(files) => {
                for path in files {
                    match self.load(&path) {
                        Ok(()) => tracing::info!(path = %path.display(), "read a new key"),
                        Err(error) => {
                            tracing::error!(%error, "a new key file cannot be used, and is looked at again when it is another");
                            let length = length_of(&path);
                            self.held().unusable.insert(path, length);
                        }
                    }
                }
            }
            Err(error) => tracing::error!(%error, "new keys cannot be looked for"),
        }
        let mut held = self.held();
        for term in held.missing(tip) {
            if held.missed.insert(term.from) {
                tracing::error!(
                    from = %term.from, consensus_key = %term.consensus_key, seal_key = %term.seal_key,
                    "the ledger names keys for this region from this height on that are not in keys/: put their files there"
                );
            }
        }
    }

    fn erase_retired(&self, own: &Region, tip: id::Height) -> Result<(), KeysError> {
        let waiting = {
            let mut held = self.held();
            let (votes, seals) = retired(own, tip);
            let votes = votes
                .into_iter()
                .filter_map(|key| Some((key.to_string(), held.votes.remove(&key)?.files)));
            let mut files: Vec<(String, Vec<PathBuf>)> = votes.collect();
            let seals = seals
                .into_iter()
                .filter_map(|key| Some((key.to_string(), held.seals.remove(&key)?.files)));
            files.extend(seals);
            let each = files
                .into_iter()
                .flat_map(|(key, files)| files.into_iter().map(move |path| (key.clone(), path)));
            held.to_erase.extend(each);
            std::mem::take(&mut held.to_erase)
        };
        // One that cannot be erased does not keep the others, and is tried again after the next block.
        let mut first = Ok(());
        for (key, path) in waiting {
            match erase(&path) {
                Ok(()) => tracing::info!(path = %path.display(), %key, height = %tip, "erased a retired key"),
                Err(error) => {
                    self.held().to_erase.push((key, path));
                    first = first.and(Err(error));
                }
            }
        }
        Ok(first?)
    }

    /// Key files that were not looked at yet.
    fn new_files(&self) -> Result<Vec<PathBuf>, KeysError> {
        let failed = |why| KeysError::Read {
            path: self.0.dir.clone(),
            why,
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.0.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let held = self.held();
            let unusable = held
                .unusable
                .get(&path)
                .is_some_and(|length| *length == length_of(&path));
            if kind_of(&path).is_some() && !held.seen.contains(&path) && !unusable {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    fn load(&self, path: &Path) -> Result<(), KeysError> {
        let Some(kind) = kind_of(path) else { return Ok(()) };
        match kind {
            KeyKind::Ed25519 => {
                let seed = keystore::read_ed25519(path, &self.0.passphrase)?;
                let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
                let mut held = self.held();
                let kept = held.votes.entry(keystore::public_of(&seed));
                let kept = kept.or_insert(Kept {
                    secret,
                    files: Vec::new(),
                });
                kept.files.push(path.to_owned());
            }
            KeyKind::Seal => {
                let seed = keystore::read_seal(path, &self.0.passphrase)?;
                let secret = SealSecretKey::from_seed(*seed).map_err(|why| KeysError::Key {
                    path: path.to_owned(),
                    why,
                })?;
                let mut held = self.held();
                let kept = held.seals.entry(secret.public());
                let kept = kept.or_insert(Kept {
                    secret,
                    files: Vec::new(),
                });
                kept.files.push(path.to_owned());
            }
        }
        self.held().seen.insert(path.to_owned());
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VoteKeys for RegionKeys {
    fn vote_key_at(&self, height: Height) -> Option<ed25519_dalek::SigningKey> {
        let held = self.held();
        let term = held.term_at(height)?;
        held.votes.get(&term.consensus_key).map(|kept| kept.secret.clone())
    }
}

impl Held {
    fn term_at(&self, height: Height) -> Option<&Term> {
        self.terms.iter().rev().find(|term| term.covers(id::Height(height.0)))
    }

    /// Terms that are not over after the block at `tip` and whose keys are not here.
    fn missing(&self, tip: id::Height) -> Vec<Term> {
        let here =
            |term: &&Term| self.votes.contains_key(&term.consensus_key) && self.seals.contains_key(&term.seal_key);
        let counts = |term: &&Term| !is_over(term, id::Height(tip.0.saturating_add(1)));
        let terms = self.terms.iter().filter(counts);
        terms.filter(|term| !here(term)).cloned().collect()
    }
}

fn is_over(term: &Term, height: id::Height) -> bool {
    term.until.is_some_and(|until| until <= height)
}

/// Bytes of a file, 0 where it cannot be asked.
fn length_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The keys that the ledger named for this region and will not need again. A term is over once the block at its end is
/// recorded; a suspended region may be reinstated with the keys that it had.
fn retired(own: &Region, tip: id::Height) -> (BTreeSet<PublicKey>, BTreeSet<SealPublicKey>) {
    let may_return = own.suspended.is_some() && own.is_member_at(tip);
    let last = own.terms.last().filter(|_| may_return);
    let kept: Vec<&Term> = own
        .terms
        .iter()
        .filter(|term| !is_over(term, tip))
        .chain(last)
        .collect();
    let over = || own.terms.iter().filter(|term| is_over(term, tip));
    let votes = over().map(|term| term.consensus_key);
    let seals = over().map(|term| term.seal_key.clone());
    (
        votes
            .filter(|key| kept.iter().all(|term| term.consensus_key != *key))
            .collect(),
        seals
            .filter(|key| kept.iter().all(|term| term.seal_key != *key))
            .collect(),
    )
}

/// What kind of key a file holds by its name; none if it is none of the region's.
fn kind_of(path: &Path) -> Option<KeyKind> {
    let stem = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
    let is = |name: &str| stem == name || stem.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    if is("consensus") {
        Some(KeyKind::Ed25519)
    } else if is("seal") {
        Some(KeyKind::Seal)
    } else {
        None
    }
}

/// Makes keys for later beside those that are in force: `consensus-<..>.pem` and `seal-<..>.pem`, each named by the first
/// digits of its public key. Gives their secrets.
///
/// # Errors
/// The disk's.
pub fn create_next(data_dir: &Path, passphrase: &Passphrase) -> Result<(SecretKey, SealSecretKey), KeysError> {
    let (consensus_seed, seal_seed) = (keystore::seed(), keystore::seed());
    let consensus = SecretKey::from_seed(*consensus_seed);
    let path = file_of(data_dir, "consensus", &consensus.public().to_string());
    keystore::write(&path, KeyKind::Ed25519, &consensus_seed, passphrase)?;
    let path = data_dir.join(KEYS_DIR);
    let seal = SealSecretKey::from_seed(*seal_seed).map_err(|why| KeysError::Key { path, why })?;
    let path = file_of(data_dir, "seal", &seal.public().to_string());
    keystore::write(&path, KeyKind::Seal, &seal_seed, passphrase)?;
    Ok((consensus, seal))
}

fn file_of(data_dir: &Path, name: &str, public: &str) -> PathBuf {
    let short = public.get(..NAME_DIGITS).unwrap_or(public);
    data_dir.join(KEYS_DIR).join(format!("{name}-{short}{SUFFIX}"))
}

/// Erases a key file: renamed first, so that a start after a crash knows what to finish.
fn erase(path: &Path) -> Result<(), DurableError> {
    let mut name = path.as_os_str().to_os_string();
    name.push(ERASING);
    let marked = PathBuf::from(name);
    match std::fs::rename(path, &marked) {
        Ok(()) => {}
        // Erased by whoever moved it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(durable::io_error(path, "mark the key file as retired")(error)),
    }
    if let Some(dir) = path.parent() {
        sync_dir(dir)?;
    }
    overwrite_and_remove(&marked)
}

fn overwrite_and_remove(path: &Path) -> Result<(), DurableError> {
    let failed = |action| durable::io_error(path, action);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(failed("open the retired key file"))?;
    let len = file.metadata().map_err(failed("read the length"))?.len();
    let zeros = vec![0; usize::try_from(len).unwrap_or(0)];
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.write_all(&zeros))
        .and_then(|()| file.sync_all())
        .map_err(failed("overwrite the retired key file"))?;
    std::fs::remove_file(path).map_err(failed("remove the retired key file"))?;
    match path.parent() {
        Some(dir) => sync_dir(dir),
        None => Ok(()),
    }
}

/// Erases what a crash left half erased.
fn finish_erasing(dir: &Path) -> Result<(), KeysError> {
    let failed = |why| KeysError::Read {
        path: dir.to_owned(),
        why,
    };
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.to_str().is_some_and(|name| name.ends_with(ERASING)) {
            overwrite_and_remove(&path)?;
            tracing::info!(path = %path.display(), "erased a retired key, which a crash had interrupted");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
