//! Who published a part of a proposed block. Parts of one stream may come by several ways, so that the peer that handed one over says
//! nothing; the publisher's network key signs each.
//!
//! `key (32) || signature (64) || part`; the signature covers `"concord/part/v1" || chain id || part`.

use bytes::Bytes;
use libp2p::PeerId;
use libp2p::identity::{Keypair, PublicKey, ed25519};

use super::hello::ChainId;

const TAG: &[u8] = b"concord/part/v1";
const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

/// Signs what this node publishes.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    chain: ChainId,
    key: ed25519::Keypair,
}

impl Publisher {
    /// `None` when the network key is not Ed25519.
    pub(super) fn new(chain: ChainId, key: &Keypair) -> Option<Self> {
        let key = key.clone().try_into_ed25519().ok()?;
        Some(Self { chain, key })
    }

    pub(super) fn sign(&self, part: &[u8]) -> Bytes {
        let signature = self.key.sign(&covered(&self.chain, part));
        [&self.key.public().to_bytes(), signature.as_slice(), part]
            .concat()
            .into()
    }
}

/// A part and who published it; `None` when it is not signed.
pub(super) fn open(chain: &ChainId, mut message: Bytes) -> Option<(PeerId, Bytes)> {
    if message.len() < KEY_BYTES + SIGNATURE_BYTES {
        return None;
    }
    let part = message.split_off(KEY_BYTES + SIGNATURE_BYTES);
    let (key, signature) = message.split_at(KEY_BYTES);
    let key = ed25519::PublicKey::try_from_bytes(key).ok()?;
    let signed = key.verify(&covered(chain, &part), signature);
    signed.then(|| (PublicKey::from(key).to_peer_id(), part))
}

fn covered(chain: &ChainId, part: &[u8]) -> Vec<u8> {
    [TAG, chain, part].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_its_publishers_and_nobody_elses() {
        let key = Keypair::generate_ed25519();
        let publisher = Publisher::new([1; 32], &key).unwrap();
        let message = publisher.sign(b"part");
        let (from, part) = open(&[1; 32], message.clone()).unwrap();
        assert_eq!((from, part.as_ref()), (key.public().to_peer_id(), b"part".as_ref()));
        assert_eq!(open(&[2; 32], message.clone()), None);
        for at in 0..message.len() {
            let mut changed = message.to_vec();
            changed[at] ^= 1;
            assert_eq!(open(&[1; 32], changed.into()), None, "byte {at}");
            assert_eq!(open(&[1; 32], message.slice(..at)), None);
        }
    }
}
