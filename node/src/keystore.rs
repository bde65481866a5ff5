//! The node's key files: PEM, encrypted unless it was said otherwise in so many words (DESIGN 3).
//! Not here: their form (`concord_spec::key::pem`).

use std::io::Read;
use std::path::{Path, PathBuf};

use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::pem::{self, KeyKind, MAX_PEM_BYTES, PemError, Protection};
use zeroize::Zeroizing;

use crate::durable::{self, DurableError};

/// Environment variable that holds the passphrase of a node's keys.
pub const PASSPHRASE_VARIABLE: &str = "CONCORD_PASSPHRASE";
/// Environment variable that names a file with the passphrase; a line feed at its end is not part of it.
pub const PASSPHRASE_FILE_VARIABLE: &str = "CONCORD_PASSPHRASE_FILE";

const OWNER_ONLY: u32 = 0o600;

/// A passphrase, if one was given.
#[derive(Clone, Default)]
pub struct Passphrase(Option<Zeroizing<Vec<u8>>>);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Passphrase(given)"
        } else {
            "Passphrase(none)"
        })
    }
}

/// Why a key cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("key file {path}: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// It does not hold the key.
    #[error(
        "key file {path}: {why}; give the passphrase in {PASSPHRASE_FILE_VARIABLE} or {PASSPHRASE_VARIABLE} if it needs one"
    )]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: PemError,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] DurableError),
}

impl Passphrase {
    /// Whether there is one.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// None: keys are written unencrypted and labelled so.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// This one.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(Some(Zeroizing::new(bytes)))
    }

    /// The one that the environment gives, if any.
    ///
    /// # Errors
    /// The file that it names cannot be read.
    pub fn from_env() -> Result<Self, KeyFileError> {
        if let Some(path) = std::env::var_os(PASSPHRASE_FILE_VARIABLE) {
            let path = PathBuf::from(path);
            let mut bytes = read_bounded(&path)?;
            while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                bytes.pop();
            }
            return Ok(Self(Some(bytes)));
        }
        Ok(std::env::var(PASSPHRASE_VARIABLE).map_or_else(|_| Self::none(), |text| Self::of(text.into_bytes())))
    }
}

fn read_bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let failed = |why| KeyFileError::Read {
        path: path.to_owned(),
        why,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let most = u64::try_from(MAX_PEM_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn read(path: &Path, kind: KeyKind, passphrase: &Passphrase) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let text = Zeroizing::new(String::from_utf8_lossy(&read_bounded(path)?).into_owned());
    let passphrase = passphrase.0.as_ref().map(|bytes| bytes.as_slice());
    pem::decode(kind, &text, passphrase).map_err(|why| KeyFileError::Pem {
        path: path.to_owned(),
        why,
    })
}

/// Reads an Ed25519 seed.
///
/// # Errors
/// No such file, no such key, or the wrong passphrase.
pub fn read_ed25519(path: &Path, passphrase: &Passphrase) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    read(path, KeyKind::Ed25519, passphrase)
}

/// Reads the seed of a seal key.
///
/// # Errors
/// No such file, no such key, or the wrong passphrase.
pub fn read_seal(path: &Path, passphrase: &Passphrase) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    read(path, KeyKind::Seal, passphrase)
}

/// The seed of a new key.
#[must_use]
pub fn seed() -> Zeroizing<[u8; 32]> {
    Zeroizing::new(rand::random())
}

/// Writes a key of this kind durably, readable by its owner only.
///
/// # Errors
/// The disk's.
pub fn write(path: &Path, kind: KeyKind, seed: &[u8; 32], passphrase: &Passphrase) -> Result<(), KeyFileError> {
    let (salt, iv) = (rand::random(), rand::random());
    let protection = match &passphrase.0 {
        Some(passphrase) => Protection::Passphrase {
            passphrase,
            salt: &salt,
            iv: &iv,
        },
        None => Protection::Unencrypted,
    };
    let text = pem::encode(kind, seed, protection);
    let text = text.map_err(|why| KeyFileError::Pem {
        path: path.to_owned(),
        why,
    })?;
    let label = match passphrase.0 {
        Some(_) => "",
        None => "This key is not encrypted: for demonstrations and tests only.\n",
    };
    let labelled = Zeroizing::new(format!("{label}{}", text.as_str()));
    Ok(durable::replace_file(path, labelled.as_bytes(), OWNER_ONLY)?)
}

/// The public key of an Ed25519 seed.
#[must_use]
pub fn public_of(seed: &Zeroizing<[u8; 32]>) -> concord_spec::key::ed25519::PublicKey {
    SecretKey::from_seed(**seed).public()
}
