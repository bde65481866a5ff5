//! What a node is to the federation, and who may connect to it: both as the ledger says (DESIGN 5).
//! Not here: enforcing the list (`network`), which keys are where (`keys`).

use concord_spec::charter::Address;
use concord_spec::id::{Height, RegionId};
use concord_spec::ledger::{Federation, Region, Term};
use libp2p::{Multiaddr, PeerId};

use crate::config::NodeConfig;
use crate::keys::RegionKeys;
use crate::network::{AllowList, ListedPeer, PeerRole};

/// What a node is to the federation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It replicates and serves, and never votes: it has no keys for more.
    Observer,
    /// Its region is not on the ledger: it takes blocks from whoever lets it, and votes once its region is admitted.
    NotAdmitted,
    /// Its region votes, or will from a height on that is scheduled.
    Member,
    /// Its region's keys at work are not here, those that follow are: it watches until this height, and then votes.
    KeysFrom(Height),
    /// Its region is suspended: it takes blocks, and votes again once its region is reinstated.
    Suspended,
    /// Its region was removed: it serves what it has.
    Removed,
}

impl Standing {
    /// Whether the engine gets a signer: it votes whenever the region is in force.
    #[must_use]
    pub fn signs(&self) -> bool {
        match self {
            Self::NotAdmitted | Self::Member | Self::Suspended => true,
            Self::Observer | Self::KeysFrom(_) | Self::Removed => false,
        }
    }

    /// One word for it, as the API says it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::NotAdmitted => "not-admitted",
            Self::Member => "member",
            Self::KeysFrom(_) => "waiting-for-keys",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
        }
    }
}

/// Why a node is not the region that it says.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// The region's authority has not signed the charter.
    #[error(
        "region {region} has not signed the charter: {missing} signatures of its authority are missing. Have it compare the \
         fingerprint ({fingerprint}) with the other regions, sign with \
         `concord charter sign charter.cbor --card card.cbor --key FILE`, and put the signed charter into the data directory"
    )]
    Unsigned {
        /// The region.
        region: RegionId,
        /// How many signatures are missing.
        missing: usize,
        /// The charter's fingerprint in words.
        fingerprint: String,
    },
    /// The keys are not the ledger's.
    #[error("the keys of this node are not those that the ledger names for region {0}: restore the right keys")]
    OtherKeys(RegionId),
    /// The network key is not the ledger's.
    #[error(
        "the network key of this node is {own}, but the ledger names {named} for region {region}: restore the right \
         `peer.pem`, or have the region's authority rotate its node to this one"
    )]
    OtherPeer {
        /// The region.
        region: RegionId,
        /// Ours.
        own: String,
        /// The ledger's.
        named: String,
    },
}

/// What the node of this configuration and these keys is after the block at `tip`. Without keys it is an observer.
///
/// # Errors
/// The ledger names other keys for the region.
pub fn standing(
    federation: &Federation,
    tip: Height,
    region: &RegionId,
    peer: &PeerId,
    keys: Option<&RegionKeys>,
) -> Result<Standing, MembershipError> {
    let Some(keys) = keys else {
        return Ok(Standing::Observer);
    };
    let on_ledger = on_ledger(federation, tip, region);
    let Some(own) = federation.region(region).filter(|_| on_ledger != Standing::Removed) else {
        return Ok(on_ledger);
    };
    let next = Height(tip.0.saturating_add(1));
    if own.peer_id != peer.to_string() {
        return Err(MembershipError::OtherPeer {
            region: region.clone(),
            own: peer.to_string(),
            named: own.peer_id.clone(),
        });
    }
    let here = |term: &Term| keys.has_vote_key(&term.consensus_key) && keys.has_seal_key(&term.seal_key);
    let scheduled = own.terms.iter().find(|term| term.from > next && here(term));
    match (own.term_at(next), scheduled) {
        (Some(term), _) if here(term) => Ok(Standing::Member),
        (Some(_), Some(scheduled)) => Ok(Standing::KeysFrom(scheduled.from)),
        (Some(_), None) => Err(MembershipError::OtherKeys(region.clone())),
        (None, Some(_)) => Ok(Standing::Member),
        (None, None) if on_ledger == Standing::Member => Err(MembershipError::OtherKeys(region.clone())),
        (None, None) => Ok(on_ledger),
    }
}

/// What the ledger alone says of a region after the block at `tip`, whatever keys its node has.
#[must_use]
pub fn on_ledger(federation: &Federation, tip: Height, region: &RegionId) -> Standing {
    let Some(own) = federation.region(region) else {
        return Standing::NotAdmitted;
    };
    let next = Height(tip.0.saturating_add(1));
    let votes = own.terms.iter().any(|term| !is_over(term, next));
    if own.is_member_at(next) && votes {
        Standing::Member
    } else if own.is_member_at(next) && own.suspended.is_some() {
        Standing::Suspended
    } else {
        Standing::Removed
    }
}

fn is_over(term: &Term, height: Height) -> bool {
    term.until.is_some_and(|until| until <= height)
}

/// Who may connect after the block at `tip`: the nodes of member regions, whether they vote, will vote or are suspended, their
/// observers, and configured bootstrap peers. A removed region's node stays until the first block without it is
/// recorded, so that it learns of its removal; itself removed, this node dials the others no more, who would refuse it.
#[must_use]
pub fn allow_list(federation: &Federation, tip: Height, config: &NodeConfig) -> AllowList {
    let members = || federation.regions.iter().filter(|region| region.is_member_at(tip));
    let dials = federation
        .region(&config.region)
        .is_none_or(|own| own.is_member_at(tip));
    let listed =
        |id: &str, name: &str, role, addresses: &[Address]| listed(id, name, role, if dials { addresses } else { &[] });
    let observers = members().flat_map(|region| {
        let observers = region.observers.iter();
        observers.filter_map(|observer| {
            let name = format!("{}: {}", region.region, observer.name);
            listed(&observer.peer_id, &name, PeerRole::Observer, &observer.addresses)
        })
    });
    // After the observers: no region can make another's node an observer by naming its peer id.
    let regions = members().filter_map(|region| {
        listed(
            &region.peer_id,
            region.region.as_str(),
            role_of(region, tip),
            &region.addresses,
        )
    });
    let bootstrap = config.bootstrap.iter().filter_map(bootstrap);
    observers.chain(regions).chain(bootstrap).collect()
}

/// A suspended region's node is heard as an observer is.
fn role_of(region: &Region, tip: Height) -> PeerRole {
    let next = Height(tip.0.saturating_add(1));
    if region.terms.iter().any(|term| !is_over(term, next)) {
        PeerRole::Region
    } else {
        PeerRole::Observer
    }
}

/// An entry of the ledger. What is no peer id or address is passed over, and said so: a region harms only itself by it.
fn listed(id: &str, name: &str, role: PeerRole, addresses: &[Address]) -> Option<ListedPeer> {
    let Ok(id) = id.parse() else {
        tracing::warn!(name, peer_id = id, "the ledger names a peer id that is none");
        return None;
    };
    let parse = |address: &Address| match address.multiaddr.parse::<Multiaddr>() {
        Ok(address) => Some(address),
        Err(error) => {
            tracing::warn!(name, address = address.multiaddr, %error, "the ledger names an address that is none");
            None
        }
    };
    Some(ListedPeer {
        id,
        name: name.to_owned(),
        role,
        addresses: addresses.iter().filter_map(parse).collect(),
    })
}

/// A configured peer. Whether its address ends in `/p2p/<id>` was checked when the node started.
fn bootstrap(address: &Multiaddr) -> Option<ListedPeer> {
    Some(ListedPeer {
        id: peer_of(address)?,
        name: "bootstrap".to_owned(),
        role: PeerRole::Bootstrap,
        addresses: vec![address.clone()],
    })
}

/// The peer that an address names: `/../p2p/<id>`.
#[must_use]
pub fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|part| {
        let libp2p::multiaddr::Protocol::P2p(id) = part else {
            return None;
        };
        Some(id)
    })
}

#[cfg(test)]
mod tests;
