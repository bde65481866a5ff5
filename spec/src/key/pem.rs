//! Secret keys at rest, as text (RFC 7468): Ed25519 keys as PKCS #8 (RFC 5958, RFC 8410), which every common tool
//! reads, and seal keys in a form of our own with the same encryption, since no standard names them.
//! Encrypted with PBES2 (RFC 8018): scrypt (RFC 7914) and AES-256-CBC.
//! Not here: files, passphrases, randomness (each program has its own).
//!
//! | | encrypted | not encrypted |
//! |---|---|---|
//! | Ed25519 | `ENCRYPTED PRIVATE KEY` | `PRIVATE KEY` |
//! | seal | `ENCRYPTED CONCORD SEAL KEY` | `CONCORD SEAL KEY` |
//!
//! A seal key is encrypted as the 56 bytes `concord-seal-v1\0` || secret (32) || the first 8 bytes of the SHA-256 of
//! both; that is the whole of the unencrypted form, too. Text before the first line of dashes is a remark.

use pkcs8::der::pem::{self, LineEnding};
use pkcs8::der::{Decode, Encode};
use pkcs8::pkcs5::pbes2::{EncryptionScheme, Parameters, ScryptParams};
use pkcs8::{AlgorithmIdentifierRef, EncryptedPrivateKeyInfo, ObjectIdentifier, PrivateKeyInfo, SecretDocument};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Most bytes of a key's text: 16 KiB.
pub const MAX_PEM_BYTES: usize = 16 << 10;

/// scrypt N = 2^14, r = 8, p = 1: 16 MiB and some 40 ms. A node opens three keys at start.
const SCRYPT_N: u64 = 1 << 14;
const SCRYPT_R: u16 = 8;
const SCRYPT_P: u16 = 1;
/// Most memory that a key made elsewhere may ask for: 128 * N * r bytes, 256 MiB.
const MAX_SCRYPT_BYTES: u64 = 256 << 20;
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// RFC 8410 section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const SEAL_PREFIX: [u8; 16] = *b"concord-seal-v1\0";
/// Bytes of the check sum of a seal key.
const SEAL_SUM_BYTES: usize = 8;

/// Which key a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// An Ed25519 seed: consensus, peer identity, series, offices, authorities.
    Ed25519,
    /// The secret from which a region's shares of seals are made.
    Seal,
}

impl KeyKind {
    fn label(self) -> &'static str {
        match self {
            Self::Ed25519 => "PRIVATE KEY",
            Self::Seal => "CONCORD SEAL KEY",
        }
    }

    fn encrypted_label(self) -> &'static str {
        match self {
            Self::Ed25519 => "ENCRYPTED PRIVATE KEY",
            Self::Seal => "ENCRYPTED CONCORD SEAL KEY",
        }
    }
}

/// How a key is protected at rest.
#[derive(Clone, Copy)]
pub enum Protection<'a> {
    /// Encrypted. Salt and vector are fresh random bytes each time.
    Passphrase {
        /// What opens it, as bytes of UTF-8.
        passphrase: &'a [u8],
        /// Salt of scrypt.
        salt: &'a [u8; 16],
        /// Initialisation vector of AES-256-CBC.
        iv: &'a [u8; 16],
    },
    /// Readable to whoever reads the text: for demonstrations and tests only.
    Unencrypted,
}

impl std::fmt::Debug for Protection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passphrase { .. } => "Passphrase",
            Self::Unencrypted => "Unencrypted",
        })
    }
}

/// Why a text is not a key, or cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// Over [`MAX_PEM_BYTES`].
    #[error("a key's text has at most {MAX_PEM_BYTES} bytes, not {found}")]
    TooLarge {
        /// Bytes given.
        found: usize,
    },
    /// No PEM.
    #[error("no key in PEM form: {reason}")]
    NotPem {
        /// What the parser says.
        reason: String,
    },
    /// Another kind of content.
    #[error("this holds a \"{found}\", and a \"{expected}\" (or the same unencrypted) is wanted")]
    Kind {
        /// The label found.
        found: String,
        /// The label of the encrypted form.
        expected: &'static str,
    },
    /// Encrypted, and no passphrase was given.
    #[error("the key is encrypted: a passphrase is needed")]
    PassphraseNeeded,
    /// The passphrase does not open it, or the text was changed.
    #[error("the passphrase does not open this key (or the text was changed)")]
    WrongPassphrase,
    /// Its key derivation wants more than we give.
    #[error("the key's derivation asks for too much memory or time")]
    Cost,
    /// What it holds is no key of this kind.
    #[error("the key's content is broken: {reason}")]
    Broken {
        /// What is wrong.
        reason: String,
    },
}

/// A secret of 32 bytes as text.
///
/// # Errors
/// [`PemError::Broken`] if the encoders refuse, which none of these inputs make them do.
pub fn encode(kind: KeyKind, secret: &[u8; 32], protection: Protection<'_>) -> Result<Zeroizing<String>, PemError> {
    let plain = match kind {
        KeyKind::Ed25519 => ed25519_der(secret)?,
        KeyKind::Seal => seal_bytes(secret),
    };
    let (label, content) = match protection {
        Protection::Unencrypted => (kind.label(), plain),
        Protection::Passphrase { passphrase, salt, iv } => {
            let kdf = ScryptParams {
                salt,
                cost_parameter: SCRYPT_N,
                block_size: SCRYPT_R,
                parallelization: SCRYPT_P,
                key_length: None,
            };
            let parameters = Parameters {
                kdf: kdf.into(),
                encryption: EncryptionScheme::Aes256Cbc { iv },
            };
            let encrypted_data = parameters.encrypt(passphrase, &plain).map_err(broken)?;
            let container = EncryptedPrivateKeyInfo {
                encryption_algorithm: parameters.into(),
                encrypted_data: &encrypted_data,
            };
            (
                kind.encrypted_label(),
                Zeroizing::new(container.to_der().map_err(broken)?),
            )
        }
    };
    Ok(Zeroizing::new(
        pem::encode_string(label, LineEnding::LF, &content).map_err(broken)?,
    ))
}

/// The secret in a text; an unencrypted one needs no passphrase.
///
/// # Errors
/// [`PemError`], one variant a reason.
pub fn decode(kind: KeyKind, pem: &str, passphrase: Option<&[u8]>) -> Result<Zeroizing<[u8; 32]>, PemError> {
    let (label, content) = parse(pem)?;
    let plain = if label == kind.encrypted_label() {
        decrypt(&content, passphrase.ok_or(PemError::PassphraseNeeded)?)?
    } else if label == kind.label() {
        content
    } else {
        return Err(PemError::Kind {
            found: label,
            expected: kind.encrypted_label(),
        });
    };
    match kind {
        KeyKind::Ed25519 => ed25519_seed(&plain),
        KeyKind::Seal => seal_secret(&plain),
    }
}

/// Whether a text is encrypted.
///
/// # Errors
/// [`PemError::NotPem`], [`PemError::TooLarge`].
pub fn is_encrypted(pem: &str) -> Result<bool, PemError> {
    Ok(parse(pem)?.0.starts_with("ENCRYPTED "))
}

fn parse(pem: &str) -> Result<(String, Zeroizing<Vec<u8>>), PemError> {
    if pem.len() > MAX_PEM_BYTES {
        return Err(PemError::TooLarge { found: pem.len() });
    }
    let (label, content) = pem::decode_vec(pem.as_bytes()).map_err(|e| PemError::NotPem { reason: e.to_string() })?;
    Ok((label.to_owned(), Zeroizing::new(content)))
}

fn decrypt(container: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, PemError> {
    let container = EncryptedPrivateKeyInfo::from_der(container).map_err(broken)?;
    let scheme = container
        .encryption_algorithm
        .pbes2()
        .ok_or_else(|| broken("it is not encrypted with PBES2"))?;
    if let Some(scrypt) = scheme.kdf.scrypt() {
        let bytes = scrypt
            .cost_parameter
            .saturating_mul(128)
            .saturating_mul(u64::from(scrypt.block_size));
        if bytes.saturating_mul(u64::from(scrypt.parallelization)) > MAX_SCRYPT_BYTES {
            return Err(PemError::Cost);
        }
    }
    if scheme
        .kdf
        .pbkdf2()
        .is_some_and(|p| p.iteration_count > MAX_PBKDF2_ITERATIONS)
    {
        return Err(PemError::Cost);
    }
    let plain = scheme
        .decrypt(passphrase, container.encrypted_data)
        .map_err(|_| PemError::WrongPassphrase)?;
    Ok(Zeroizing::new(plain))
}

fn ed25519_der(seed: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, PemError> {
    // RFC 8410 section 7: the seed is an OCTET STRING within the OCTET STRING.
    let mut private_key = Zeroizing::new([0; 34]);
    let (head, tail) = private_key.split_at_mut(2);
    head.copy_from_slice(&[0x04, 0x20]);
    tail.copy_from_slice(seed);
    let algorithm = AlgorithmIdentifierRef {
        oid: ED25519,
        parameters: None,
    };
    let info = PrivateKeyInfo::new(algorithm, private_key.as_slice());
    Ok(SecretDocument::encode_msg(&info).map_err(broken)?.to_bytes())
}

fn ed25519_seed(der: &[u8]) -> Result<Zeroizing<[u8; 32]>, PemError> {
    // A wrong passphrase whose padding fits by chance ends here.
    let info = PrivateKeyInfo::from_der(der).map_err(|_| PemError::WrongPassphrase)?;
    if info.algorithm.oid != ED25519 || info.algorithm.parameters.is_some() {
        return Err(broken("it is not an Ed25519 key"));
    }
    let seed = info
        .private_key
        .strip_prefix(&[0x04, 0x20])
        .and_then(|s| <[u8; 32]>::try_from(s).ok());
    let seed = Zeroizing::new(seed.ok_or_else(|| broken("an Ed25519 key has 32 bytes"))?);
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
    match info.public_key {
        Some(stated) if stated != public.as_bytes() => Err(broken("its public key is another one's")),
        Some(_) | None => Ok(seed),
    }
}

fn seal_bytes(secret: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(SEAL_PREFIX.len() + 32 + SEAL_SUM_BYTES));
    bytes.extend_from_slice(&SEAL_PREFIX);
    bytes.extend_from_slice(secret);
    let sum = Sha256::digest(&*bytes);
    bytes.extend(sum.iter().take(SEAL_SUM_BYTES));
    bytes
}

fn seal_secret(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, PemError> {
    let secret = bytes
        .strip_prefix(&SEAL_PREFIX)
        .and_then(|rest| rest.first_chunk::<32>());
    let secret = Zeroizing::new(*secret.ok_or(PemError::WrongPassphrase)?);
    if *seal_bytes(&secret) != bytes {
        return Err(broken("its sum does not match"));
    }
    Ok(secret)
}

fn broken(reason: impl std::fmt::Display) -> PemError {
    PemError::Broken {
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];
    const KINDS: [KeyKind; 2] = [KeyKind::Ed25519, KeyKind::Seal];

    fn encrypted(kind: KeyKind) -> Zeroizing<String> {
        let protection = Protection::Passphrase {
            passphrase: "通行短语".as_bytes(),
            salt: &[1; 16],
            iv: &[2; 16],
        };
        encode(kind, &SECRET, protection).unwrap()
    }

    #[test]
    fn a_key_comes_back_with_its_passphrase_only() {
        for kind in KINDS {
            let pem = encrypted(kind);
            assert!(
                pem.starts_with(&format!("-----BEGIN {}-----\n", kind.encrypted_label())),
                "{}",
                *pem
            );
            assert!(is_encrypted(&pem).unwrap());
            assert_eq!(*decode(kind, &pem, Some("通行短语".as_bytes())).unwrap(), SECRET);
            assert_eq!(decode(kind, &pem, Some(b"other")), Err(PemError::WrongPassphrase));
            assert_eq!(decode(kind, &pem, None), Err(PemError::PassphraseNeeded));
        }
    }

    #[test]
    fn an_unencrypted_key_says_so_and_needs_no_passphrase() {
        for kind in KINDS {
            let pem = encode(kind, &SECRET, Protection::Unencrypted).unwrap();
            assert!(!is_encrypted(&pem).unwrap());
            let remarked = format!("NOT ENCRYPTED, for demonstrations only\n{}", *pem);
            assert_eq!(*decode(kind, &remarked, None).unwrap(), SECRET);
        }
    }

    #[test]
    fn a_key_of_the_other_kind_is_refused() {
        let refused = decode(KeyKind::Seal, &encrypted(KeyKind::Ed25519), Some(b"x")).unwrap_err();
        assert!(refused.to_string().contains("ENCRYPTED PRIVATE KEY"), "{refused}");
        assert!(matches!(
            decode(KeyKind::Ed25519, &encrypted(KeyKind::Seal), None),
            Err(PemError::Kind { .. })
        ));
    }

    /// Made by `openssl genpkey -algorithm ed25519` and `openssl pkcs8 -topk8 -scrypt -scrypt_N 1024 -v2 aes-256-cbc
    /// -passout pass:secret`; the seed by `openssl pkey -outform DER | tail -c 32`.
    #[test]
    fn a_key_encrypted_by_openssl_is_read() {
        let pem = include_str!("openssl-ed25519.pem");
        let seed = decode(KeyKind::Ed25519, pem, Some(b"secret")).unwrap();
        assert_eq!(hex::encode(*seed), include_str!("openssl-ed25519.hex").trim());
    }

    #[test]
    fn a_seal_key_with_any_changed_byte_is_refused() {
        let bytes = seal_bytes(&SECRET);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(seal_secret(&bad).is_err(), "{at}");
        }
        let mut long = bytes.clone();
        long.push(0);
        assert!(seal_secret(&long).is_err());
    }

    #[test]
    fn a_derivation_that_would_take_gigabytes_is_refused() {
        let kdf = ScryptParams {
            salt: &[0; 16],
            cost_parameter: 1 << 24,
            block_size: 8,
            parallelization: 1,
            key_length: None,
        };
        let parameters = Parameters {
            kdf: kdf.into(),
            encryption: EncryptionScheme::Aes256Cbc { iv: &[0; 16] },
        };
        let container = EncryptedPrivateKeyInfo {
            encryption_algorithm: parameters.into(),
            encrypted_data: &[0; 64],
        };
        let pem = pem::encode_string(
            KeyKind::Seal.encrypted_label(),
            LineEnding::LF,
            &container.to_der().unwrap(),
        );
        assert_eq!(decode(KeyKind::Seal, &pem.unwrap(), Some(b"x")), Err(PemError::Cost));
    }

    #[test]
    fn what_is_no_key_is_refused_without_panic() {
        for text in [
            "",
            "-----BEGIN",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "\u{7}\u{fffd}",
        ] {
            assert!(decode(KeyKind::Ed25519, text, Some(b"x")).is_err());
        }
        let large = "A".repeat(MAX_PEM_BYTES + 1);
        assert!(matches!(
            decode(KeyKind::Seal, &large, None),
            Err(PemError::TooLarge { .. })
        ));
    }
}
