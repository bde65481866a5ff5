//! Keys and suites (DESIGN 4.1): Ed25519 for everything that is signed alone, BLS12-381 for seals.
//! Not here: key files and passphrases (each program's business); their text form is in [`pem`].

pub mod bls;
pub mod ed25519;
pub mod keyring;
pub mod pem;

pub use bls::{ProofOfPossession, SealPublicKey, SealSecretKey, SealShare, SealSignature};
pub use ed25519::{BatchItem, Kid, PublicKey, SecretKey, Signature, verify_batch};
pub use keyring::Keyring;

/// Why something is not a key, a signature or a keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Text that is not lower-case hexadecimal of the right length.
    #[error("a {what} is written with {digits} lower-case hexadecimal digits")]
    Text {
        /// What was expected.
        what: &'static str,
        /// Digits of its text.
        digits: usize,
    },
    /// Bytes that are no point of the curve, or not its canonical encoding.
    #[error("the bytes are not the canonical encoding of a {what}")]
    Encoding {
        /// What was expected.
        what: &'static str,
    },
    /// A point outside the group of prime order, or the point that signs everything.
    #[error("the {what} is not of full order")]
    Order {
        /// What was expected.
        what: &'static str,
    },
    /// Nothing to add up.
    #[error("no shares to aggregate")]
    NoShares,
    /// A keyring without keys or with too many.
    #[error("a keyring has 1 to {max} keys, not {found}")]
    KeyCount {
        /// Keys found.
        found: usize,
        /// Most keys allowed.
        max: usize,
    },
    /// A key twice in a keyring, or keys out of order in its encoding.
    #[error("the keys of a keyring ascend, each once")]
    KeyOrder,
    /// A threshold of zero, or of more keys than there are.
    #[error("the threshold of {keys} keys cannot be {threshold}")]
    Threshold {
        /// The threshold found.
        threshold: u64,
        /// Keys in the keyring.
        keys: usize,
    },
}

/// Reads lower-case hexadecimal of exactly `N` bytes.
fn from_hex<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], KeyError> {
    let refused = KeyError::Text {
        what,
        digits: N.saturating_mul(2),
    };
    let mut bytes = [0; N];
    if text.bytes().any(|b| b.is_ascii_uppercase()) || hex::decode_to_slice(text, &mut bytes).is_err() {
        return Err(refused);
    }
    Ok(bytes)
}

/// `Display`, `Debug`, `FromStr`, serde and `Wire` of a type of `$len` bytes with `to_bytes` and `$from: fn(&[u8; $len]) -> Result<Self, KeyError>`.
macro_rules! fixed_bytes {
    ($type:ident, $len:literal, $what:literal, $from:expr) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.to_bytes()))
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::key::KeyError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let bytes: [u8; $len] = $crate::key::from_hex(text, $what)?;
                $from(&bytes)
            }
        }

        $crate::text::serde_as_text!($type);

        impl $crate::codec::Wire for $type {
            fn encode(&self, w: &mut $crate::codec::Writer) {
                w.bytes(&self.to_bytes());
            }

            fn decode(r: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::CodecError> {
                let bytes: [u8; $len] = r.byte_array()?;
                $from(&bytes).map_err(|_: $crate::key::KeyError| $crate::codec::CodecError::Invalid { what: $what })
            }
        }
    };
}
use fixed_bytes;
