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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{from_slice, to_vec};
    use crate::key::SecretKey;

    fn keys(n: u8) -> Vec<PublicKey> {
        (0..n).map(|n| SecretKey::from_seed([n; 32]).public()).collect()
    }

    #[test]
    fn a_keyring_has_one_to_sixteen_keys_each_once_and_a_threshold_it_can_meet() {
        assert!(Keyring::new(16, keys(16)).is_ok());
        assert_eq!(
            Keyring::new(1, keys(17)),
            Err(KeyError::KeyCount { found: 17, max: 16 })
        );
        assert_eq!(Keyring::new(0, vec![]), Err(KeyError::KeyCount { found: 0, max: 16 }));
        assert_eq!(Keyring::new(1, [keys(2), keys(1)].concat()), Err(KeyError::KeyOrder));
        assert_eq!(
            Keyring::new(0, keys(2)),
            Err(KeyError::Threshold { threshold: 0, keys: 2 })
        );
        assert_eq!(
            Keyring::new(3, keys(2)),
            Err(KeyError::Threshold { threshold: 3, keys: 2 })
        );
        let ring = Keyring::new(2, keys(3)).unwrap();
        assert!(ring.keys().is_sorted() && ring.contains(&keys(1)[0]) && !ring.contains(&keys(4)[3]));
    }

    #[test]
    fn an_encoded_keyring_is_ascending() {
        let ring = Keyring::new(2, keys(3)).unwrap();
        let bytes = to_vec(&ring);
        assert_eq!(from_slice(&bytes, 256), Ok(ring.clone()));
        assert_eq!(
            serde_json::from_str::<Keyring>(&serde_json::to_string(&ring).unwrap()).unwrap(),
            ring
        );
        // [2, [3 keys of 34 bytes]]: exchange the first two, repeat the first, ask for four, for none.
        let exchanged = [&bytes[..3], &bytes[37..71], &bytes[3..37], &bytes[71..]].concat();
        let repeated = [&bytes[..3], &bytes[3..37], &bytes[3..37], &bytes[71..]].concat();
        let (mut four, mut none) = (bytes.clone(), bytes.clone());
        (four[1], none[1]) = (4, 0);
        for bad in [exchanged, repeated, four, none] {
            assert_eq!(
                from_slice::<Keyring>(&bad, 256),
                Err(CodecError::Invalid { what: "keyring" })
            );
        }
    }
}
