//! Key files: encrypted PEM (or plain, said so in the file), readable to their owner only, never overwritten.
//! Not here: their form (`concord_spec::key::pem`).

use crate::files::{self, FileError};
use concord_spec::key::pem::{self, KeyKind, MAX_PEM_BYTES, PemError, Protection};
use concord_spec::key::{Keyring, PublicKey, SecretKey};
use rand::RngCore;
use rand::rngs::OsRng;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Stands before the key in a file that is not encrypted.
const PLAIN_REMARK: &str = "# NOT ENCRYPTED: for demonstrations and tests only. Whoever reads this file can sign.\n";

/// Why a key cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not text.
    #[error("{}: not a key file", .0.display())]
    NotText(PathBuf),
    /// Not a key, or it cannot be opened.
    #[error("{}: {error}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        error: PemError,
    },
    /// The passphrase is too short to protect anything.
    #[error("a passphrase has at least {MIN_PASSPHRASE} characters; this one has {0}")]
    ShortPassphrase(usize),
    /// A key that does not belong to the keyring.
    #[error("key {0} is not in the keyring of {1}")]
    NotInKeyring(PublicKey, String),
    /// Not enough keys.
    #[error("the keyring of {actor} signs with {need} keys, and {got} of them were given; give the others too")]
    TooFew {
        /// Whose keyring.
        actor: String,
        /// How many different keys of it were given.
        got: usize,
        /// The threshold.
        need: usize,
    },
}

/// Fewest characters of a passphrase.
pub const MIN_PASSPHRASE: usize = 8;

/// Thirty-two random bytes from the system.
fn random_seed() -> Zeroizing<[u8; 32]> {
    let mut seed = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(seed.as_mut());
    seed
}

/// Makes a key and writes it to a new file, encrypted with the passphrase, or plain without one.
///
/// # Errors
/// The file exists or cannot be written; the passphrase is too short.
pub fn create(path: &Path, passphrase: Option<&str>) -> Result<SecretKey, KeyFileError> {
    let seed = random_seed();
    let text = encode(path, &seed, passphrase)?;
    let opened = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = opened.map_err(FileError::system(path))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(FileError::system(path))?;
    files::sync_directory_of(path)?;
    Ok(SecretKey::from_seed(*seed))
}

fn encode(path: &Path, seed: &[u8; 32], passphrase: Option<&str>) -> Result<Zeroizing<String>, KeyFileError> {
    let refused = |error| KeyFileError::Pem {
        path: path.to_owned(),
        error,
    };
    let Some(passphrase) = passphrase else {
        let pem = pem::encode(KeyKind::Ed25519, seed, Protection::Unencrypted).map_err(refused)?;
        return Ok(Zeroizing::new(format!("{PLAIN_REMARK}{}", *pem)));
    };
    let length = passphrase.chars().count();
    if length < MIN_PASSPHRASE {
        return Err(KeyFileError::ShortPassphrase(length));
    }
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    OsRng.fill_bytes(&mut salt);
    OsRng.fill_bytes(&mut iv);
    let passphrase = passphrase.as_bytes();
    pem::encode(
        KeyKind::Ed25519,
        seed,
        Protection::Passphrase {
            passphrase,
            salt: &salt,
            iv: &iv,
        },
    )
    .map_err(refused)
}

fn text(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let bytes = Zeroizing::new(files::read(path, MAX_PEM_BYTES)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| KeyFileError::NotText(path.to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Whether a key file is encrypted.
///
/// # Errors
/// Not a key file.
pub fn is_encrypted(path: &Path) -> Result<bool, KeyFileError> {
    pem::is_encrypted(&text(path)?).map_err(|error| KeyFileError::Pem {
        path: path.to_owned(),
        error,
    })
}

/// Opens a key file.
///
/// # Errors
/// Not a key file; the passphrase is missing or wrong.
pub fn open(path: &Path, passphrase: Option<&str>) -> Result<SecretKey, KeyFileError> {
    let opened = pem::decode(KeyKind::Ed25519, &text(path)?, passphrase.map(str::as_bytes));
    let seed = opened.map_err(|error| KeyFileError::Pem {
        path: path.to_owned(),
        error,
    })?;
    Ok(SecretKey::from_seed(*seed))
}

/// As many of `keys` as the keyring signs with: the first in ascending order, each once.
///
/// # Errors
/// A key outside the keyring, or too few of it.
pub fn signers<'a>(
    keyring: &Keyring,
    keys: &'a [SecretKey],
    actor: &dyn std::fmt::Display,
) -> Result<Vec<&'a SecretKey>, KeyFileError> {
    if let Some(stranger) = keys.iter().map(SecretKey::public).find(|key| !keyring.contains(key)) {
        return Err(KeyFileError::NotInKeyring(stranger, actor.to_string()));
    }
    let mut chosen: Vec<&SecretKey> = keys.iter().collect();
    chosen.sort_by_key(|key| key.public());
    chosen.dedup_by_key(|key| key.public());
    let (got, need) = (chosen.len(), keyring.threshold());
    if got < need {
        let actor = actor.to_string();
        return Err(KeyFileError::TooFew { actor, got, need });
    }
    chosen.truncate(need);
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed([seed; 32])
    }

    #[test]
    fn a_key_opens_with_its_passphrase_only_and_is_readable_to_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("office.pem");
        let made = create(&path, Some("correct horse")).unwrap();
        assert_eq!(open(&path, Some("correct horse")).unwrap().public(), made.public());
        assert!(open(&path, Some("correct house")).is_err());
        assert!(open(&path, None).is_err());
        assert!(is_encrypted(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_plain_key_says_so_in_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plain.pem");
        let made = create(&path, None).unwrap();
        assert_eq!(open(&path, None).unwrap().public(), made.public());
        assert!(std::fs::read_to_string(&path).unwrap().contains("NOT ENCRYPTED"));
    }

    #[test]
    fn a_key_file_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        create(&path, None).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(create(&path, None).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn exactly_the_threshold_signs_and_strangers_are_named() {
        let keyring = Keyring::new(2, vec![key(1).public(), key(2).public(), key(3).public()]).unwrap();
        let all = [key(1), key(2), key(3)];
        assert_eq!(signers(&keyring, &all, &"office").unwrap().len(), 2);
        let twice = [key(1), key(1)];
        assert!(matches!(
            signers(&keyring, &twice, &"office"),
            Err(KeyFileError::TooFew { got: 1, need: 2, .. })
        ));
        let stranger = [key(1), key(9)];
        assert!(matches!(
            signers(&keyring, &stranger, &"office"),
            Err(KeyFileError::NotInKeyring(..))
        ));
    }
}
