//! When to dial whom: every listed peer with an address that is not connected, with capped, spread-out delays (DESIGN 5).

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use libp2p::{
    Multiaddr, PeerId,
    multiaddr::Protocol,
    swarm::dial_opts::{DialOpts, PeerCondition},
};
use rand::Rng;

use super::allow_list::{AllowList, ListedPeer, PeerRole};

const FIRST_DELAY: Duration = Duration::from_millis(250);
const MAX_DELAY: Duration = Duration::from_secs(10);
const MAX_DELAY_BOOTSTRAP: Duration = Duration::from_secs(60);
/// A peer of another chain is asked again this seldom.
pub(super) const DELAY_REFUSED: Duration = Duration::from_secs(60);
/// Of two nodes the one with the greater peer id waits this much longer, so that they do not dial each other at the same time.
const COURTESY: Duration = Duration::from_millis(750);
/// A connection that lasted this long makes the next delay short again.
const STEADY: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum Course {
    /// Dial at this time.
    Due(Instant),
    Dialling,
    Connected(Instant),
}

#[derive(Debug)]
struct Target {
    failures: u32,
    course: Course,
}

/// The state of every peer that we dial.
#[derive(Debug)]
pub(super) struct Dialer {
    own: PeerId,
    list: Arc<AllowList>,
    targets: BTreeMap<PeerId, Target>,
}

impl Dialer {
    pub(super) fn new(own: PeerId, list: Arc<AllowList>, now: Instant) -> Self {
        let mut dialer = Self {
            own,
            list: Arc::default(),
            targets: BTreeMap::new(),
        };
        dialer.replace(list, now);
        dialer
    }

    /// Puts another list in force: new peers are dialled at once, those that left it no more.
    pub(super) fn replace(&mut self, list: Arc<AllowList>, now: Instant) {
        self.targets.retain(|peer, _| list.get(peer).is_some());
        for peer in list.iter() {
            let moved = self.list.get(&peer.id) != Some(peer);
            if peer.id == self.own || peer.addresses.is_empty() {
                self.targets.remove(&peer.id);
                continue;
            }
            let due = Course::Due(now + courtesy(&self.own, peer));
            match self.targets.entry(peer.id) {
                Entry::Vacant(entry) => {
                    entry.insert(Target {
                        failures: 0,
                        course: due,
                    });
                }
                Entry::Occupied(mut entry) => {
                    if moved && matches!(entry.get().course, Course::Due(_)) {
                        entry.get_mut().course = due;
                    }
                }
            }
        }
        self.list = list;
    }

    /// When the next peer is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = self.targets.values().filter_map(|target| {
            if let Course::Due(at) = target.course {
                Some(at)
            } else {
                None
            }
        });
        due.min()
    }

    /// The peers to dial now; they count as being dialled.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<DialOpts> {
        let mut due = Vec::new();
        for (peer, target) in &mut self.targets {
            if matches!(target.course, Course::Due(at) if at <= now)
                && let Some(listed) = self.list.get(peer)
            {
                target.course = Course::Dialling;
                due.push(options(*peer, &listed.addresses));
            }
        }
        due
    }

    pub(super) fn connected(&mut self, peer: &PeerId, now: Instant) {
        if let Some(target) = self.targets.get_mut(peer)
            && !matches!(target.course, Course::Connected(_))
        {
            target.course = Course::Connected(now);
        }
    }

    /// The last connection to this peer ended.
    pub(super) fn disconnected(&mut self, peer: &PeerId, now: Instant) {
        let steady = self.targets.get(peer).is_some_and(|target| {
            matches!(target.course, Course::Connected(since)
                if now.saturating_duration_since(since) >= STEADY)
        });
        if steady && let Some(target) = self.targets.get_mut(peer) {
            target.failures = 0;
        }
        self.failed(peer, now);
    }

    /// A dial came to nothing. While the peer is connected the other way round, that does not matter.
    pub(super) fn dial_failed(&mut self, peer: &PeerId, now: Instant) {
        let connected = self
            .targets
            .get(peer)
            .is_some_and(|target| matches!(target.course, Course::Connected(_)));
        if !connected {
            self.failed(peer, now);
        }
    }

    fn failed(&mut self, peer: &PeerId, now: Instant) {
        let Some(target) = self.targets.get_mut(peer) else {
            return;
        };
        let listed = self.list.get(peer);
        let cap = match listed.map(|listed| listed.role) {
            Some(PeerRole::Bootstrap) => MAX_DELAY_BOOTSTRAP,
            Some(PeerRole::Region | PeerRole::Observer) | None => MAX_DELAY,
        };
        let courtesy = listed.map_or(Duration::ZERO, |listed| courtesy(&self.own, listed));
        let delay = FIRST_DELAY
            .saturating_mul(2_u32.saturating_pow(target.failures.min(16)))
            .min(cap);
        target.failures = target.failures.saturating_add(1);
        // Half of it is chance: nodes that lost each other at the same moment do not meet at the same moment.
        let spread = delay.mul_f64(rand::thread_rng().gen_range(0.5..1.0));
        target.course = Course::Due(now + spread + courtesy);
    }

    /// This peer keeps another chain: ask again much later.
    pub(super) fn refused(&mut self, peer: &PeerId, now: Instant) {
        if let Some(target) = self.targets.get_mut(peer) {
            target.course = Course::Due(now + DELAY_REFUSED);
        }
    }
}

fn courtesy(own: &PeerId, peer: &ListedPeer) -> Duration {
    let it_dials_us = peer.role != PeerRole::Bootstrap;
    if it_dials_us && *own > peer.id {
        COURTESY
    } else {
        Duration::ZERO
    }
}

fn options(peer: PeerId, addresses: &[Multiaddr]) -> DialOpts {
    let pinned = addresses.iter().map(|address| {
        let bare: Multiaddr = address
            .iter()
            .filter(|part| !matches!(part, Protocol::P2p(_)))
            .collect();
        bare.with(Protocol::P2p(peer))
    });
    DialOpts::peer_id(peer)
        .condition(PeerCondition::DisconnectedAndNotDialing)
        .addresses(pinned.collect())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialer(now: Instant) -> (Dialer, PeerId) {
        let (a, b) = (PeerId::random(), PeerId::random());
        let (own, peer) = (a.min(b), a.max(b));
        let list = AllowList::from_iter([ListedPeer {
            id: peer,
            name: "r".into(),
            role: PeerRole::Region,
            addresses: vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()],
        }]);
        (Dialer::new(own, Arc::new(list), now), peer)
    }

    #[test]
    fn delays_grow_to_ten_seconds_and_never_further() {
        let mut now = Instant::now();
        let (mut dialer, peer) = dialer(now);
        let mut delays = Vec::new();
        for _ in 0..12 {
            assert_eq!(dialer.take_due(now).len(), 1);
            dialer.dial_failed(&peer, now);
            let due = dialer.next_due().unwrap();
            delays.push(due - now);
            now = due;
        }
        assert!(delays[0] <= FIRST_DELAY && delays[0] >= FIRST_DELAY / 2);
        assert!(delays[11] <= MAX_DELAY && delays[11] >= MAX_DELAY / 2);
    }

    #[test]
    fn of_two_nodes_one_dials_first() {
        let now = Instant::now();
        let (a, b) = (PeerId::random(), PeerId::random());
        let entry = |id| ListedPeer {
            id,
            name: "r".into(),
            role: PeerRole::Region,
            addresses: vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()],
        };
        let list: Arc<AllowList> = Arc::new([entry(a), entry(b)].into_iter().collect());
        let mut dialers = [a, b].map(|own| Dialer::new(own, Arc::clone(&list), now));
        let due = dialers.each_mut().map(|dialer| dialer.take_due(now).len());
        assert_eq!(due.iter().sum::<usize>(), 1);
        let due = dialers.map(|mut dialer| dialer.take_due(now + COURTESY).len());
        assert_eq!(due.iter().sum::<usize>(), 1);
    }

    #[test]
    fn a_steady_connection_makes_the_next_delay_short() {
        let now = Instant::now();
        let (mut dialer, peer) = dialer(now);
        for _ in 0..10 {
            dialer.dial_failed(&peer, now);
        }
        dialer.connected(&peer, now);
        assert_eq!(dialer.next_due(), None);
        let later = now + STEADY;
        dialer.disconnected(&peer, later);
        assert!(dialer.next_due().unwrap() - later <= FIRST_DELAY);
    }

    #[test]
    fn a_failed_dial_to_a_connected_peer_changes_nothing() {
        let now = Instant::now();
        let (mut dialer, peer) = dialer(now);
        dialer.connected(&peer, now);
        dialer.dial_failed(&peer, now);
        assert_eq!(dialer.next_due(), None);
    }

    #[test]
    fn a_peer_that_left_the_list_is_dialled_no_more() {
        let now = Instant::now();
        let (mut dialer, _) = dialer(now);
        dialer.replace(Arc::default(), now);
        assert!(dialer.take_due(now + MAX_DELAY).is_empty());
    }
}
