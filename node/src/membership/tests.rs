use std::net::SocketAddr;

use concord_spec::key::bls::SealSecretKey;
use concord_spec::key::ed25519::SecretKey;
use concord_spec::ledger::LedgerState;
use concord_spec::record::Observer;
use concord_spec::world::World;

use super::*;
use crate::config::{PoolLimits, Role};
use crate::keys::{KEYS_DIR, create_next};
use crate::keystore::Passphrase;

const TIP: Height = Height(20);

/// A federation of four, the first region of which is ours, with the keys of a directory.
struct Bench {
    dir: tempfile::TempDir,
    federation: Federation,
    peer: PeerId,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(KEYS_DIR)).unwrap();
        let world = World::with_series(4, "test").unwrap();
        let state: LedgerState = world.state.clone();
        let mut federation = state.federation().clone();
        for region in &mut federation.regions {
            region.peer_id = PeerId::random().to_string();
        }
        let peer = federation.regions[0].peer_id.parse().unwrap();
        Self { dir, federation, peer }
    }

    fn own(&mut self) -> &mut Region {
        &mut self.federation.regions[0]
    }

    fn own_id(&self) -> RegionId {
        self.federation.regions[0].region.clone()
    }

    fn made(&self) -> (SecretKey, SealSecretKey) {
        create_next(self.dir.path(), &Passphrase::none()).unwrap()
    }

    fn term(&self, from: u64, until: Option<u64>, (vote, seal): &(SecretKey, SealSecretKey)) -> Term {
        Term {
            from: Height(from),
            until: until.map(Height),
            consensus_key: vote.public(),
            seal_key: seal.public(),
        }
    }

    fn standing(&self) -> Result<Standing, MembershipError> {
        let keys = RegionKeys::open(self.dir.path(), &Passphrase::none()).unwrap();
        standing(&self.federation, TIP, &self.own_id(), &self.peer, Some(&keys))
    }

    fn config(&self) -> NodeConfig {
        let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
        NodeConfig {
            region: self.own_id(),
            role: Role::Region,
            listen: "/ip4/127.0.0.1/tcp/0".parse().unwrap(),
            api: anywhere,
            admin: anywhere,
            bootstrap: Vec::new(),
            page: None,
            pool: PoolLimits::default(),
        }
    }

    fn list(&self, tip: u64) -> AllowList {
        allow_list(&self.federation, Height(tip), &self.config())
    }

    fn role(&self, index: usize, tip: u64) -> Option<PeerRole> {
        let id = self.federation.regions[index].peer_id.parse().unwrap();
        self.list(tip).get(&id).map(|listed| listed.role)
    }
}

fn lost() -> (SecretKey, SealSecretKey) {
    (
        SecretKey::from_seed([91; 32]),
        SealSecretKey::from_seed([92; 32]).unwrap(),
    )
}

#[test]
fn a_node_votes_with_keys_that_the_ledger_names_and_with_no_others() {
    let mut bench = Bench::new();
    let here = bench.made();
    bench.own().terms = vec![bench.term(1, None, &here)];
    assert_eq!(bench.standing().unwrap(), Standing::Member);
    bench.own().terms = vec![bench.term(1, None, &lost())];
    assert!(matches!(bench.standing(), Err(MembershipError::OtherKeys(_))));
    // The next ones may be here already, and are not in force yet.
    bench.own().terms = vec![bench.term(1, Some(22), &lost()), bench.term(22, None, &here)];
    assert_eq!(bench.standing().unwrap(), Standing::KeysFrom(Height(22)));
    assert!(!Standing::KeysFrom(Height(22)).signs());
    bench.own().terms = vec![bench.term(1, Some(21), &lost()), bench.term(21, None, &here)];
    assert_eq!(bench.standing().unwrap(), Standing::Member);
}

#[test]
fn a_region_may_start_before_it_is_admitted_and_after_it_left() {
    let mut bench = Bench::new();
    let here = bench.made();
    let own = bench.own_id();
    let on_ledger = |bench: &Bench| {
        standing(
            &bench.federation,
            TIP,
            &own,
            &bench.peer,
            Some(&RegionKeys::open(bench.dir.path(), &Passphrase::none()).unwrap()),
        )
    };
    let known = bench.federation.regions.remove(0);
    assert_eq!(on_ledger(&bench).unwrap(), Standing::NotAdmitted);
    bench.federation.regions.insert(0, known);
    // Admitted, and in force two blocks later.
    bench.own().terms = vec![bench.term(22, None, &here)];
    assert_eq!(bench.standing().unwrap(), Standing::Member);
    bench.own().terms = vec![bench.term(22, None, &lost())];
    assert!(matches!(bench.standing(), Err(MembershipError::OtherKeys(_))));
    bench.own().terms = vec![bench.term(1, Some(10), &here)];
    bench.own().suspended = Some(Height(10));
    assert_eq!(bench.standing().unwrap(), Standing::Suspended);
    bench.own().suspended = None;
    bench.own().removed = Some(Height(10));
    // Its keys were erased, and its peer id is nobody's business any more.
    bench.peer = PeerId::random();
    assert_eq!(bench.standing().unwrap(), Standing::Removed);
    assert!(!Standing::Removed.signs());
}

#[test]
fn a_node_with_another_network_key_does_not_start() {
    let mut bench = Bench::new();
    let here = bench.made();
    bench.own().terms = vec![bench.term(1, None, &here)];
    bench.peer = PeerId::random();
    assert!(matches!(bench.standing(), Err(MembershipError::OtherPeer { .. })));
}

#[test]
fn the_allow_list_has_members_by_how_they_stand_and_drops_who_was_removed() {
    let mut bench = Bench::new();
    assert_eq!(bench.role(1, 20), Some(PeerRole::Region));
    let term = bench.federation.regions[1].terms[0].clone();
    // Suspended from 22 on.
    bench.federation.regions[1].terms = vec![Term {
        until: Some(Height(22)),
        ..term.clone()
    }];
    bench.federation.regions[1].suspended = Some(Height(22));
    assert_eq!(bench.role(1, 20), Some(PeerRole::Region));
    assert_eq!(bench.role(1, 21), Some(PeerRole::Observer));
    // Removed from 22 on: it hears of it, and is dropped when 22 is recorded.
    bench.federation.regions[1].suspended = None;
    bench.federation.regions[1].removed = Some(Height(22));
    assert_eq!(bench.role(1, 21), Some(PeerRole::Observer));
    assert_eq!(bench.role(1, 22), None);
    // Admitted, in force from 22 on.
    bench.federation.regions[2].terms = vec![Term {
        from: Height(22),
        ..term
    }];
    assert_eq!(bench.role(2, 20), Some(PeerRole::Region));
}

#[test]
fn an_observer_never_takes_a_regions_place_on_the_list() {
    let mut bench = Bench::new();
    let other = bench.federation.regions[2].peer_id.clone();
    let (observer, free) = (PeerId::random(), PeerId::random());
    let entry = |peer_id: String| Observer {
        peer_id,
        name: "mirror".to_owned(),
        addresses: vec![Address {
            multiaddr: "no address".to_owned(),
        }],
    };
    bench.federation.regions[1].observers = vec![entry(observer.to_string()), entry(other), entry("none".to_owned())];
    assert_eq!(bench.role(2, 20), Some(PeerRole::Region));
    let list = bench.list(20);
    assert_eq!(list.get(&observer).unwrap().role, PeerRole::Observer);
    assert_eq!(list.get(&free), None);
    assert_eq!(list.len(), 5);
}

#[test]
fn a_removed_region_dials_nobody_but_its_bootstrap_peers() {
    let mut bench = Bench::new();
    bench.own().removed = Some(Height(10));
    let address = format!("/ip4/127.0.0.1/tcp/9/p2p/{}", PeerId::random());
    let mut config = bench.config();
    config.bootstrap = vec![address.parse().unwrap()];
    let list = allow_list(&bench.federation, TIP, &config);
    let dialled: Vec<_> = list.iter().filter(|peer| !peer.addresses.is_empty()).collect();
    assert_eq!(dialled.len(), 1);
    assert_eq!(dialled[0].role, PeerRole::Bootstrap);
    assert_eq!(list.len(), 4);
}
