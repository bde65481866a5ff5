//! Four engines with the real loop and the real network in one process, each over a small ledger that counts.

mod ledger;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use concord_spec::digest::Digest;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, multiaddr};
use prometheus_client::registry::Registry;
use tempfile::TempDir;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::context::{Height, Validator, ValidatorSet};
use super::pace::Ahead;
use super::signing::{OneKey, VoteKey};
use super::start::{Consensus, ConsensusConfig, ConsensusError, EngineConfig, Hooks};
use crate::guard::Guard;
use crate::network::{
    self, AllowList, ListedPeer, Network, NetworkConfig, NetworkHandle, PeerRole, Voter, Voters, VotersAt,
};
use ledger::Ledger;

const CHAIN: Digest = Digest([1; 32]);
const PATIENCE: Duration = Duration::from_secs(40);

struct Federation {
    dirs: Vec<TempDir>,
    ports: Vec<u16>,
}

struct Node {
    ledger: Arc<Ledger>,
    consensus: Consensus,
    network: NetworkHandle,
}

impl Node {
    async fn stop(self) {
        self.consensus.stop().await.unwrap();
        self.network.shutdown().await;
    }
}

fn region(index: usize) -> String {
    format!("region-{index}")
}

fn seed(index: usize) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([u8::try_from(index).unwrap() + 1; 32])
}

fn peer_key(index: usize) -> Keypair {
    Keypair::ed25519_from_bytes([u8::try_from(index).unwrap() + 11; 32]).unwrap()
}

fn address(port: u16) -> Multiaddr {
    multiaddr::multiaddr!(Ip4([127, 0, 0, 1]), Tcp(port))
}

/// What the node does with what its network learns of the peers' heights.
fn follow(network: &NetworkHandle, ahead: Ahead) {
    let mut seen = network.seen_height();
    tokio::spawn(async move {
        while seen.changed().await.is_ok() {
            ahead.saw(Height(*seen.borrow_and_update()));
        }
    });
}

fn regions() -> ValidatorSet {
    let validators = (0..4).map(|index| {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed(index))
            .verifying_key()
            .to_bytes();
        Validator::new(region(index).parse().unwrap(), VoteKey::from_bytes(key).unwrap())
    });
    ValidatorSet::new(validators).unwrap()
}

/// The same regions at every height.
fn voters(set: ValidatorSet) -> VotersAt {
    Arc::new(move |_| {
        Some(Voters {
            set: set.clone(),
            is_certain: true,
        })
    })
}

impl Federation {
    fn new() -> Self {
        let sockets: Vec<_> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        Self {
            dirs: (0..4).map(|_| tempfile::tempdir().unwrap()).collect(),
            ports: sockets
                .iter()
                .map(|socket| socket.local_addr().unwrap().port())
                .collect(),
        }
    }

    fn ledger(&self, index: usize) -> Ledger {
        Ledger::open(self.dirs[index].path(), region(index).parse().unwrap(), regions())
    }

    async fn start(&self, index: usize) -> Node {
        self.start_with(index, self.ledger(index)).await
    }

    async fn start_with(&self, index: usize, ledger: Ledger) -> Node {
        let dir: &Path = self.dirs[index].path();
        let region = region(index).parse().unwrap();
        let mut config = ConsensusConfig::new(CHAIN, region, dir.join("wal"));
        config.block_interval = Duration::from_millis(10);
        config.status_interval = Duration::from_millis(500);
        let network = self.network(index, &ledger).await;
        follow(&network.handle, config.ahead.clone());
        let ledger = Arc::new(ledger);
        let keys = Arc::new(OneKey::new(&seed(index)));
        let consensus = Consensus::start(ledger.clone(), config, Some(keys), network.engine)
            .await
            .unwrap();
        Node {
            ledger,
            consensus,
            network: network.handle,
        }
    }

    async fn network(&self, index: usize, ledger: &Ledger) -> Network {
        let config = NetworkConfig {
            keypair: peer_key(index),
            listen: address(self.ports[index]),
            chain: CHAIN.0,
            name: region(index),
            software: "test".to_owned(),
            height: super::application::Application::tip(ledger).0,
            peers: (0..4).map(|peer| self.listed(peer)).collect::<AllowList>(),
        };
        let guard = Guard::open(&self.dirs[index].path().join("guard")).unwrap();
        let voter = Voter {
            region: region(index).parse().unwrap(),
            guard,
            watch_until: None,
        };
        network::spawn(config, Some(voter), voters(regions()), &mut Registry::default())
            .await
            .unwrap()
    }

    fn listed(&self, index: usize) -> ListedPeer {
        ListedPeer {
            id: peer_key(index).public().to_peer_id(),
            name: region(index),
            role: PeerRole::Region,
            addresses: vec![address(self.ports[index])],
        }
    }

    async fn start_all(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for index in 0..4 {
            nodes.push(self.start(index).await);
        }
        nodes
    }
}

/// Hands a record to every node, as the network would.
fn submit(nodes: &[Node], record: u64) {
    for node in nodes {
        node.ledger.submit(record);
    }
}

async fn settled(nodes: &[Node], record: u64) {
    for node in nodes {
        timeout(PATIENCE, node.ledger.has(record))
            .await
            .expect("the record is in a block in time");
    }
}

fn same_blocks(nodes: &[Node]) {
    let lowest = nodes.iter().map(|node| node.ledger.hashes().len()).min().unwrap();
    for node in nodes {
        assert_eq!(node.ledger.hashes()[..lowest], nodes[0].ledger.hashes()[..lowest]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_regions_decide_the_same_blocks_and_one_that_was_away_catches_up() {
    let federation = Federation::new();
    let mut nodes = federation.start_all().await;
    for record in 0..10 {
        submit(&nodes, record);
        settled(&nodes, record).await;
    }
    same_blocks(&nodes);
    assert!(
        nodes[0].ledger.hashes().len() <= 12,
        "blocks are made of records, not of idle time"
    );
    assert!(nodes[0].ledger.every_record_is_in_one_block());

    nodes.pop().unwrap().stop().await;
    for record in 10..20 {
        submit(&nodes, record);
        settled(&nodes, record).await;
    }
    nodes.push(federation.start(3).await);
    settled(&nodes, 19).await;
    same_blocks(&nodes);
    assert!(nodes[3].ledger.every_block_has_a_quorum_of_shares());

    // The one that came back votes: without another, blocks go on.
    nodes.remove(0).stop().await;
    submit(&nodes, 20);
    settled(&nodes, 20).await;
    same_blocks(&nodes);
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_four_stopped_between_precommit_and_commit_decide_the_same_block_again() {
    let federation = Federation::new();
    let mut nodes = federation.start_all().await;
    submit(&nodes, 0);
    settled(&nodes, 0).await;
    let last = nodes.iter().map(|node| node.ledger.hashes().len()).max().unwrap();
    let at = Height(u64::try_from(last).unwrap() + 1);
    for node in &nodes {
        node.ledger.refuse_to_commit_at(at);
    }
    submit(&nodes, 1);
    let mut refused = Vec::new();
    for node in &mut nodes {
        let error = timeout(PATIENCE, node.consensus.stopped())
            .await
            .expect("consensus stops in time")
            .unwrap_err();
        assert!(matches!(error, ConsensusError::Ledger(_)), "{error}");
        refused.push(node.ledger.refused().unwrap());
        node.network.shutdown().await;
    }
    assert!(refused.windows(2).all(|pair| pair[0] == pair[1]));

    drop(nodes);
    let nodes = federation.start_all().await;
    submit(&nodes, 2);
    settled(&nodes, 2).await;
    same_blocks(&nodes);
    assert_eq!(nodes[0].ledger.hashes()[last], refused[0]);
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_with_false_shares_is_in_no_certificate_and_stops_nobody() {
    let federation = Federation::new();
    let mut nodes = Vec::new();
    for index in 0..3 {
        nodes.push(federation.start(index).await);
    }
    nodes.push(federation.start_with(3, federation.ledger(3).with_false_shares()).await);
    for record in 0..4 {
        submit(&nodes, record);
        settled(&nodes, record).await;
    }
    same_blocks(&nodes);
    for node in &nodes[..3] {
        assert!(node.ledger.every_block_has_a_quorum_of_shares());
        assert!(!node.ledger.signers().contains(&region(3).parse().unwrap()));
    }
    for node in nodes {
        node.stop().await;
    }
}

#[test]
fn the_engine_answers_sync_with_no_more_than_the_codec_takes() {
    use arc_malachitebft_app_channel::app::config::NodeConfig;
    let config = ConsensusConfig::new(CHAIN, region(0).parse().unwrap(), "wal".into());
    let most = EngineConfig::new(&config, true).value_sync().max_response_size.as_u64();
    assert_eq!(most, u64::try_from(super::codec::MAX_RESPONSE).unwrap());
}

#[test]
fn the_hook_takes_the_nth_decision_from_one_and_nothing_else() {
    assert_eq!("precommit:3".parse::<Hooks>().unwrap().abort_at_decision, Some(3));
    for wrong in ["", "3", "precommit:", "precommit:0", "precommit:-1", "commit:1"] {
        wrong.parse::<Hooks>().unwrap_err();
    }
}
