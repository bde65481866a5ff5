//! Keyrings: public keys of which exactly k sign (DESIGN 1, 4.3).

use serde::{Deserialize, Serialize};

use super::{KeyError, PublicKey};
use crate::codec::{CodecError, Reader, Wire, Writer};

/// 1 to 16 keys, ascending, each once, and how many of them sign: exactly `threshold` (four eyes: 2).
/// In CBOR `[threshold, [+ key]]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Keyring {
    threshold: usize,
    keys: Vec<PublicKey>,
}

/// What JSON holds before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    threshold: usize,
    keys: Vec<PublicKey>,
}

impl Keyring {
    /// Most keys.
    pub const MAX: usize = 16;

    /// Makes a keyring of keys in any order.
    ///
    /// # Errors
    /// [`KeyError::KeyCount`], [`KeyError::KeyOrder`] for a key given twice, [`KeyError::Threshold`].
    pub fn new(threshold: usize, mut keys: Vec<PublicKey>) -> Result<Self, KeyError> {
        keys.sort_unstable();
        Self::ascending(threshold, keys)
    }

    fn ascending(threshold: usize, keys: Vec<PublicKey>) -> Result<Self, KeyError> {
        if keys.is_empty() || keys.len() > Self::MAX {
            return Err(KeyError::KeyCount {
                found: keys.len(),
                max: Self::MAX,
            });
        }
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(KeyError::KeyOrder);
        }
        if threshold == 0 || threshold > keys.len() {
            let threshold = u64::try_from(threshold).unwrap_or(u64::MAX);
            return Err(KeyError::Threshold {
                threshold,
                keys: keys.len(),
            });
        }
        Ok(Self { threshold, keys })
    }

    /// How many keys sign.
    #[must_use]
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The keys, ascending.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Whether a key is in it.
    #[must_use]
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.keys.binary_search(key).is_ok()
    }
}

impl TryFrom<Unchecked> for Keyring {
    type Error = KeyError;

    fn try_from(unchecked: Unchecked) -> Result<Self, KeyError> {
        Self::new(unchecked.threshold, unchecked.keys)
    }
}

impl Wire for Keyring {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.uint(u64::try_from(self.threshold).unwrap_or(u64::MAX));
        crate::codec::encode_list(w, &self.keys);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        let threshold = r.uint()?;
        let keys = r.list(Self::MAX)?;
        let threshold = usize::try_from(threshold).unwrap_or(usize::MAX);
        Self::ascending(threshold, keys).map_err(|_| CodecError::Invalid { what: "keyring" })
    }
}
