//! Who may connect: the peer ids that the ledger names, and configured bootstrap peers (DESIGN 5, "One network").
//! Not here: enforcing it (`gate`), keeping the connections up (`dial`).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};

/// Why a peer is on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerRole {
    /// The node of a region that votes.
    Region,
    /// A node that replicates and serves, named by the ledger.
    Observer,
    /// A configured peer that the ledger does not name: dialled for catching up only. It may not dial us,
    /// and of its gossip nothing but its height is heard.
    Bootstrap,
}

/// A peer that may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPeer {
    /// The public key's name, proved in the Noise handshake.
    pub id: PeerId,
    /// The region's code or the observer's name, for logs and screens.
    pub name: String,
    /// Why it is listed.
    pub role: PeerRole,
    /// Where to dial it: `/ip4/../tcp/..` or `/dns` forms without relays, with or without `/p2p/<id>`, which is pinned anyway.
    /// Empty: it is not dialled and may dial us.
    pub addresses: Vec<Multiaddr>,
}

/// The allow-list: at most one entry a peer id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    peers: BTreeMap<PeerId, ListedPeer>,
}

impl AllowList {
    /// The entry of this peer, if it is listed.
    #[must_use]
    pub fn get(&self, peer: &PeerId) -> Option<&ListedPeer> {
        self.peers.get(peer)
    }

    /// All entries by peer id.
    pub fn iter(&self) -> impl Iterator<Item = &ListedPeer> {
        self.peers.values()
    }

    /// How many peers are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether nobody is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// The name a log should use for this peer.
    #[must_use]
    pub fn name(&self, peer: &PeerId) -> &str {
        self.get(peer).map_or("unlisted", |listed| &listed.name)
    }

    /// The IP addresses that listed peers are dialled at.
    pub(super) fn addresses(&self) -> BTreeSet<IpAddr> {
        self.iter().flat_map(|peer| &peer.addresses).filter_map(ip_of).collect()
    }
}

/// The last entry of a peer id wins, except that the ledger's word stands over a bootstrap entry.
impl FromIterator<ListedPeer> for AllowList {
    fn from_iter<I: IntoIterator<Item = ListedPeer>>(entries: I) -> Self {
        let mut peers: BTreeMap<PeerId, ListedPeer> = BTreeMap::new();
        for entry in entries {
            let named_by_ledger = peers
                .get(&entry.id)
                .is_some_and(|known| known.role != PeerRole::Bootstrap);
            if !(named_by_ledger && entry.role == PeerRole::Bootstrap) {
                peers.insert(entry.id, entry);
            }
        }
        Self { peers }
    }
}

/// The IP address a multiaddress starts with; `None` for names, which are resolved when dialled.
pub(super) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| {
        if let Protocol::Ip4(ip) = part {
            Some(IpAddr::V4(ip))
        } else if let Protocol::Ip6(ip) = part {
            Some(IpAddr::V6(ip).to_canonical())
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: PeerId, role: PeerRole) -> ListedPeer {
        ListedPeer {
            id,
            name: "r".into(),
            role,
            addresses: vec!["/ip4/192.0.2.7/tcp/1".parse().unwrap()],
        }
    }

    #[test]
    fn a_bootstrap_entry_never_takes_a_regions_place() {
        let id = PeerId::random();
        for order in [
            [PeerRole::Region, PeerRole::Bootstrap],
            [PeerRole::Bootstrap, PeerRole::Region],
        ] {
            let list: AllowList = order.into_iter().map(|role| entry(id, role)).collect();
            assert_eq!(list.get(&id).unwrap().role, PeerRole::Region);
        }
    }

    #[test]
    fn the_addresses_of_listed_peers_are_known() {
        let list: AllowList = [entry(PeerId::random(), PeerRole::Region)].into_iter().collect();
        assert!(list.addresses().contains(&"192.0.2.7".parse().unwrap()));
    }
}
