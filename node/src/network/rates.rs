//! How much gossip one peer may hand over: a member that floods us costs a bounded part of a core and of memory (DESIGN 5, "Limits").

use std::collections::HashMap;
use std::time::Instant;

use libp2p::PeerId;

use super::bucket::{Bucket, Pace};

/// Far above what 40 regions say in their busiest second. Checking as many votes takes a seventh of a core.
const MESSAGES: Pace = Pace {
    burst: 8_000.0,
    per_second: 4_000.0,
};
const MIB: f64 = 1024.0 * 1024.0;
/// More than a network card of 1 Gbit/s brings, after a burst of 32 blocks.
const BYTES: Pace = Pace {
    burst: 128.0 * MIB,
    per_second: 128.0 * MIB,
};

/// What each peer has left.
#[derive(Debug, Default)]
pub(super) struct Rates {
    peers: HashMap<PeerId, (Bucket, Bucket)>,
}

impl Rates {
    /// Whether a peer may hand over a message of this length now.
    pub(super) fn allow(&mut self, peer: &PeerId, bytes: usize, now: Instant) -> bool {
        let full = || (Bucket::new(MESSAGES, now), Bucket::new(BYTES, now));
        let (messages, volume) = self.peers.entry(*peer).or_insert_with(full);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        messages.take(1.0, now) && volume.take(f64::from(bytes), now)
    }

    /// Forgets a peer that is gone. It may come back with full buckets, but connections are paced themselves.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_cut_and_leaves_other_peers_alone() {
        let (flooder, other) = (PeerId::random(), PeerId::random());
        let mut rates = Rates::default();
        let now = Instant::now();
        let heard = (0..20_000).filter(|_| rates.allow(&flooder, 100, now)).count();
        assert_eq!(heard, 8_000);
        assert!(rates.allow(&other, 100, now));
        let later = now + Duration::from_secs(1);
        let heard = (0..20_000).filter(|_| rates.allow(&flooder, 100, later)).count();
        assert_eq!(heard, 4_000);
    }

    #[test]
    fn long_messages_are_cut_by_their_bytes() {
        let (peer, now) = (PeerId::random(), Instant::now());
        let mut rates = Rates::default();
        let heard = (0..1_000).filter(|_| rates.allow(&peer, 1024 * 1024, now)).count();
        assert_eq!(heard, 128);
    }
}
