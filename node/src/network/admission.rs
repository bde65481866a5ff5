//! How many strangers may knock at once: handshakes cost CPU, so they are counted and paced before they begin (DESIGN 5, "Limits").
//! An address at which a listed peer lives has an allowance of its own, so that strangers elsewhere cannot keep it out.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    time::Instant,
};

use libp2p::swarm::ConnectionId;

use super::bucket::{Bucket, Pace};

/// Handshakes of one allowance at the same time.
const PENDING_PER_ALLOWANCE: usize = 48;
/// Handshakes of one unknown address at the same time.
const PENDING_PER_STRANGER: usize = 8;
/// Handshakes in all at the same time.
const PENDING_TOTAL: usize = 192;
/// Handshakes of one allowance. One costs about half a millisecond of CPU, so this is about 3 % of a core.
const PACE: Pace = Pace {
    burst: 128.0,
    per_second: 64.0,
};

/// Why a connection was turned away before its handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TurnedAway {
    /// Too many handshakes run at once.
    #[error("too many handshakes are running")]
    Pending,
    /// Too many handshakes began lately.
    #[error("too many connections in a short time")]
    Rate,
}

/// Whose allowance a connection uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Allowance {
    Known(IpAddr),
    Strangers,
}

/// The count and pace of handshakes that strangers may start with us.
#[derive(Debug, Default)]
pub(super) struct Admission {
    known: BTreeSet<IpAddr>,
    pending: HashMap<ConnectionId, Option<IpAddr>>,
    buckets: HashMap<Allowance, Bucket>,
}

impl Admission {
    /// Replaces the addresses that have an allowance of their own.
    pub(super) fn set_known(&mut self, known: BTreeSet<IpAddr>) {
        self.buckets.retain(|allowance, _| match allowance {
            Allowance::Known(ip) => known.contains(ip),
            Allowance::Strangers => true,
        });
        self.known = known;
    }

    fn allowance(&self, ip: Option<IpAddr>) -> Allowance {
        match ip {
            Some(ip) if self.known.contains(&ip) => Allowance::Known(ip),
            Some(_) | None => Allowance::Strangers,
        }
    }

    /// Counts a connection whose handshake is about to begin.
    ///
    /// # Errors
    /// It must be closed at once.
    pub(super) fn begin(&mut self, id: ConnectionId, ip: Option<IpAddr>, now: Instant) -> Result<(), TurnedAway> {
        let allowance = self.allowance(ip);
        let same_allowance = self
            .pending
            .values()
            .filter(|other| self.allowance(**other) == allowance)
            .count();
        let same_address = self.pending.values().filter(|other| **other == ip).count();
        if self.pending.len() >= PENDING_TOTAL
            || same_allowance >= PENDING_PER_ALLOWANCE
            || (allowance == Allowance::Strangers && same_address >= PENDING_PER_STRANGER)
        {
            return Err(TurnedAway::Pending);
        }
        let bucket = self.buckets.entry(allowance).or_insert(Bucket::new(PACE, now));
        if !bucket.take(1.0, now) {
            return Err(TurnedAway::Rate);
        }
        self.pending.insert(id, ip);
        Ok(())
    }

    /// The handshake of this connection is over, well or badly.
    pub(super) fn end(&mut self, id: ConnectionId) {
        self.pending.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn admission() -> Admission {
        let mut admission = Admission::default();
        admission.set_known([HOME].into());
        admission
    }

    fn stranger(n: u8) -> Option<IpAddr> {
        Some(IpAddr::from([198, 51, 100, n]))
    }

    #[test]
    fn strangers_elsewhere_leave_a_listed_peers_address_its_allowance() {
        let mut admission = admission();
        let now = Instant::now();
        let mut turned_away = 0_usize;
        for n in 0..1000_usize {
            let from = stranger(u8::try_from(n % 250).unwrap());
            if admission.begin(ConnectionId::new_unchecked(n), from, now).is_err() {
                turned_away += 1;
            }
        }
        assert_eq!(turned_away, 1000 - PENDING_PER_ALLOWANCE);
        let id = ConnectionId::new_unchecked(5000);
        assert_eq!(admission.begin(id, Some(HOME), now), Ok(()));
    }

    #[test]
    fn one_strange_address_cannot_use_up_what_all_strangers_have() {
        let mut admission = admission();
        let now = Instant::now();
        for n in 0..100 {
            let _ = admission.begin(ConnectionId::new_unchecked(n), stranger(1), now);
        }
        let id = ConnectionId::new_unchecked(5000);
        assert_eq!(admission.begin(id, stranger(2), now), Ok(()));
    }

    #[test]
    fn the_pace_recovers_with_time() {
        let mut admission = admission();
        let start = Instant::now();
        for n in 0..1000 {
            let id = ConnectionId::new_unchecked(n);
            if admission.begin(id, Some(HOME), start).is_ok() {
                admission.end(id);
            }
        }
        let id = ConnectionId::new_unchecked(5000);
        assert_eq!(admission.begin(id, Some(HOME), start), Err(TurnedAway::Rate));
        let later = start + Duration::from_secs(1);
        assert_eq!(admission.begin(id, Some(HOME), later), Ok(()));
    }
}
