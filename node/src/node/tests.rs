//! Whole nodes in one process, over real disks and sockets: how they follow what the ledger says of regions.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

use arc_malachitebft_app_channel::app::consensus::LivenessMsg;
use arc_malachitebft_app_channel::app::engine::network::Msg;
use arc_malachitebft_app_channel::app::types::core::{NilOrVal, Round, SignedVote, VoteType};
use arc_malachitebft_signing::Signer as _;
use bytes::Bytes;
use concord_spec::catalogue::Label;
use concord_spec::charter::Parameters;
use concord_spec::charter::card::Card;
use concord_spec::charter::signed::SignedCharter;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, RegionId, UnixMillis};
use concord_spec::key::{SecretKey, Signature};
use concord_spec::ledger::LedgerState;
use concord_spec::record::{
    Action, Actor, Change, NodeKeys, Observers, Payload, RecordId, SignedRecord, VersionChange, Versioned, Vote,
};
use concord_spec::vote::{Evidence, Signed, VoteKind, VoteStatement};
use futures::FutureExt as _;
use prometheus_client::registry::Registry;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::config::PoolLimits;
use crate::consensus::context::{self, RegionAddress};
use crate::consensus::signing::{OneKey, RegionSigner};
use crate::keystore;
use crate::membership::allow_list;
use crate::pool::Fate;

const PATIENCE: Duration = Duration::from_secs(120);

/// Regions with their data directories, four of them founders.
struct Federation {
    chain: Digest,
    regions: Vec<RegionId>,
    dirs: Vec<TempDir>,
    cards: Vec<Card>,
    nonces: AtomicU64,
}

fn region(index: usize) -> RegionId {
    format!("region-{index}").parse().unwrap()
}

/// A port that is free, and that the system gives to no connection of its own accord.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 100).unwrap() * 100;
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let ports = std::iter::repeat_with(|| 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000);
    ports.take(10_000).find(free).unwrap()
}

fn config(region: &RegionId, role: Role) -> NodeConfig {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    NodeConfig {
        region: region.clone(),
        role,
        listen: found::loopback(free_port()),
        api: any,
        admin: any,
        bootstrap: Vec::new(),
        page: None,
        pool: PoolLimits {
            low_water_bytes: 0,
            ..PoolLimits::default()
        },
    }
}

impl Federation {
    /// Four regions that found it, and further ones that have its charter.
    fn new(further: usize) -> Self {
        let regions: Vec<_> = (0..4 + further).map(region).collect();
        let dirs: Vec<_> = regions.iter().map(|_| tempfile::tempdir().unwrap()).collect();
        let mut cards = Vec::new();
        for (region, dir) in regions.iter().zip(&dirs) {
            let labels = vec![Label {
                language: "en".to_owned(),
                text: region.to_string(),
            }];
            let config = config(region, Role::Region);
            cards.push(found::init_region(dir.path(), &config, labels, None, &Passphrase::none()).unwrap());
        }
        let parameters = Parameters { heartbeat_ms: 1_000 };
        let founders = cards[..4].to_vec();
        let charter = Charter::assemble("test".parse().unwrap(), system_clock(), parameters, founders).unwrap();
        let mut signed = SignedCharter::new(charter.clone()).unwrap();
        for index in 0..4 {
            found::sign_charter(&mut signed, &regions[index], dirs[index].path(), &Passphrase::none()).unwrap();
        }
        for dir in &dirs {
            found::write_charter(dir.path(), &signed).unwrap();
        }
        Self {
            chain: charter.chain_id(),
            regions,
            dirs,
            cards,
            nonces: AtomicU64::new(1),
        }
    }

    async fn start(&self, index: usize) -> Node {
        let dir = self.dirs[index].path();
        Node::start(dir, &Passphrase::none(), Hooks::default(), None)
            .await
            .unwrap()
    }

    async fn start_founders(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for index in 0..4 {
            nodes.push(self.start(index).await);
        }
        nodes
    }

    fn authority(&self, index: usize) -> SecretKey {
        let path = self.dirs[index].path().join(found::AUTHORITY_FILE);
        SecretKey::from_seed(*keystore::read_ed25519(&path, &Passphrase::none()).unwrap())
    }

    /// A record of a region's authority.
    fn record(&self, index: usize, action: Action) -> SignedRecord {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.nonces.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let payload = Payload {
            chain_id: self.chain,
            not_after: UnixMillis(system_clock().0 + 3_600_000),
            nonce,
            actor: Actor::Region(self.regions[index].clone()),
            action,
        };
        SignedRecord::sign(payload, &[&self.authority(index)])
    }

    /// Proposes a change in the name of the first voter, and votes for it in the others'.
    async fn change(&self, node: &Node, change: Change, voters: &[usize]) {
        let proposal = self.record(voters[0], Action::Propose(Box::new(change)));
        recorded(node, &proposal).await;
        for voter in &voters[1..] {
            let vote = Vote {
                proposal: proposal.id(),
                approve: true,
            };
            recorded(node, &self.record(*voter, Action::Vote(vote))).await;
        }
    }

    fn signer(&self, index: usize) -> RegionSigner {
        let path = self.dirs[index].path().join("keys").join("consensus.pem");
        let seed = keystore::read_ed25519(&path, &Passphrase::none()).unwrap();
        RegionSigner::new(Arc::new(OneKey::new(&seed)), self.chain)
    }
}

/// Hands a record in and waits for its block.
async fn recorded(node: &Node, record: &SignedRecord) -> Fate {
    let id: RecordId = record.id();
    let submitted = node.pool.submit(Bytes::copy_from_slice(record.bytes())).await;
    submitted.unwrap_or_else(|refused| panic!("{}", refused.why));
    let fate = match node.pool.waited(&id, PATIENCE).await {
        Some(fate) => fate,
        None => node.pool.fate(&id).unwrap().unwrap(),
    };
    assert!(matches!(fate, Fate::Recorded(_)), "{fate:?}");
    fate
}

/// Waits until the state after a node's last block is as wanted.
async fn reaches(node: &Node, what: &str, mut wanted: impl FnMut(&LedgerState) -> bool) {
    let mut heights = node.chain.watch();
    let waiting = async {
        while !wanted(&node.chain.state()) {
            heights.changed().await.unwrap();
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| {
        let height = node.chain.state().tip().height;
        panic!("{what}: not reached, at height {height}")
    });
}

/// Waits until a block of this region is in the log of a node, above a height.
async fn proposes(node: &Node, region: &RegionId, above: Height) {
    let mut next = above.0 + 1;
    reaches(node, "a block of the region", |state| {
        while next <= state.tip().height.0 {
            let sealed = node.chain.sealed_block(Height(next)).unwrap().unwrap();
            next += 1;
            if sealed.block.rest.proposer == *region {
                return true;
            }
        }
        false
    })
    .await;
}

fn height(node: &Node) -> Height {
    node.chain.state().tip().height
}

fn in_force(state: &LedgerState, region: &RegionId) -> bool {
    state.region_set().index_of(region).is_some()
}

async fn stop_all(nodes: Vec<Node>) {
    for node in nodes {
        node.stop().await.unwrap();
    }
}

/// Waits until a node is or is not connected to a peer.
async fn connected(node: &Node, peer: &str, wanted: bool) {
    let mut status = node.network.status();
    let is = |peers: &[network::PeerStatus]| peers.iter().any(|known| known.peer.to_string() == peer);
    let reached = timeout(PATIENCE, status.wait_for(|status| is(&status.peers) == wanted)).await;
    assert!(reached.is_ok(), "connected to {peer}: still not {wanted}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_region_joins_rotates_its_keys_and_leaves_while_all_nodes_run() {
    let federation = Federation::new(1);
    let mut nodes = federation.start_founders().await;
    // Its node runs before it is a member, and is let in by nobody.
    let mut fifth = federation.start(4).await;
    let (fifth_id, card) = (federation.regions[4].clone(), federation.cards[4].region().clone());
    let peer = card.peer_id.clone();
    let admit = Change::AdmitRegion(Box::new(card));
    federation.change(&nodes[0], admit, &[0, 1, 2]).await;
    reaches(&nodes[0], "five in force", |state| in_force(state, &fifth_id)).await;
    reaches(&fifth, "it has caught up", |state| in_force(state, &fifth_id)).await;
    proposes(&nodes[1], &fifth_id, height(&nodes[1])).await;

    let old = federation.dirs[4].path().join("keys").join("seal.pem");
    assert!(old.exists());
    let (consensus, seal) = crate::keys::create_next(federation.dirs[4].path(), &Passphrase::none()).unwrap();
    let next = NodeKeys {
        consensus_key: consensus.public(),
        seal_key: seal.public(),
        possession: seal.prove_possession(),
        peer_id: peer.clone(),
        addresses: federation.cards[4].region().addresses.clone(),
    };
    recorded(&nodes[2], &federation.record(4, Action::RotateNode(Box::new(next)))).await;
    let rotated = |state: &LedgerState| {
        let mut members = state.region_set().members().iter();
        members.any(|member| member.consensus_key == consensus.public())
    };
    reaches(&nodes[0], "the next keys in force", rotated).await;
    proposes(&nodes[0], &fifth_id, height(&nodes[0])).await;
    reaches(&fifth, "it erased the old seal key", |_| !old.exists()).await;

    federation
        .change(&nodes[3], Change::RemoveRegion(fifth_id.clone()), &[3, 0, 1, 2])
        .await;
    reaches(&nodes[0], "four in force", |state| !in_force(state, &fifth_id)).await;
    for node in &nodes {
        connected(node, &peer, false).await;
    }
    let here = height(&nodes[0]);
    reaches(&nodes[0], "the others go on", |state| state.tip().height.0 > here.0 + 2).await;
    assert!(fifth.failed().now_or_never().is_none(), "the removed node runs on");
    fifth.stop().await.unwrap();
    for node in &mut nodes {
        assert!(node.failed().now_or_never().is_none());
    }
    // Started again it says what it is, and serves.
    let fifth = federation.start(4).await;
    assert!(fifth.votes.is_some(), "it has no signer");
    fifth.stop().await.unwrap();
    stop_all(nodes).await;
}

/// Asks a node, and gives the answer's body.
async fn get(base: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

async fn ready(node: &Node) -> serde_json::Value {
    serde_json::from_str(&get(&node.addresses().admin, "/readyz").await).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_suspended_region_keeps_up_and_votes_again_once_reinstated() {
    let federation = Federation::new(0);
    let nodes = federation.start_founders().await;
    let suspended = federation.regions[3].clone();
    let suspend = Change::SuspendRegion(suspended.clone());
    federation.change(&nodes[0], suspend, &[0, 1, 2]).await;
    reaches(&nodes[3], "it is out of force", |state| !in_force(state, &suspended)).await;
    let here = height(&nodes[3]);
    reaches(&nodes[3], "it takes blocks", |state| state.tip().height.0 > here.0 + 3).await;
    let report = ready(&nodes[3]).await;
    assert_eq!(
        (&report["standing"], &report["ready"]),
        (&"suspended".into(), &true.into()),
        "{report}"
    );
    for above in here.0 + 1..=here.0 + 3 {
        let block = nodes[0].chain.sealed_block(Height(above)).unwrap().unwrap().block;
        assert_ne!(block.rest.proposer, suspended);
    }
    let reinstate = Change::ReinstateRegion(suspended.clone());
    federation.change(&nodes[1], reinstate, &[0, 1, 2]).await;
    reaches(&nodes[0], "in force again", |state| in_force(state, &suspended)).await;
    proposes(&nodes[0], &suspended, height(&nodes[0])).await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_observer_replicates_without_keys_to_vote_with() {
    let federation = Federation::new(0);
    let nodes = federation.start_founders().await;
    let dir = tempfile::tempdir().unwrap();
    let config = config(&federation.regions[0], Role::Observer);
    let card = found::init_observer(dir.path(), &config, "mirror", &Passphrase::none()).unwrap();
    std::fs::copy(
        federation.dirs[0].path().join(crate::config::CHARTER_FILE),
        dir.path().join(crate::config::CHARTER_FILE),
    )
    .unwrap();
    let observer = Node::start(dir.path(), &Passphrase::none(), Hooks::default(), None)
        .await
        .unwrap();
    let peer = card.peer_id.clone();
    let observers = Observers { observers: vec![card] };
    recorded(&nodes[1], &federation.record(0, Action::SetObservers(observers))).await;
    for node in &nodes {
        connected(node, &peer, true).await;
    }
    let tip = nodes[0].chain.state().tip().clone();
    reaches(&observer, "it has the block", |state| state.tip().height >= tip.height).await;
    let copied = observer.chain.sealed_block(tip.height).unwrap().unwrap();
    assert_eq!(copied.block.hash(), tip.hash);
    // Three regions and an observer are three regions: without one more, nothing is sealed.
    let mut nodes = nodes;
    nodes.pop().unwrap().stop().await.unwrap();
    let here = height(&nodes[0]);
    reaches(&observer, "three go on", |state| state.tip().height.0 > here.0 + 2).await;
    assert!(!dir.path().join("guard").exists());
    let report = ready(&observer).await;
    assert_eq!(
        (&report["standing"], &report["ready"]),
        (&"observer".into(), &true.into()),
        "{report}"
    );
    observer.stop().await.unwrap();
    stop_all(nodes).await;
}

/// In the place of the fourth region's node: one with its network key, and without a guard.
async fn equivocator(federation: &Federation, nodes: &[Node]) -> Network {
    let dir = federation.dirs[3].path();
    let (own, state) = (NodeConfig::read(dir).unwrap(), nodes[0].chain.state());
    let network_config = NetworkConfig {
        keypair: found::read_peer_key(dir, &Passphrase::none()).unwrap(),
        listen: own.listen.clone(),
        chain: federation.chain.0,
        name: own.region.to_string(),
        software: "test".to_owned(),
        height: 0,
        peers: allow_list(state.federation(), state.tip().height, &own),
    };
    let mut registry = Registry::default();
    let spawned = network::spawn(network_config, None, Arc::new(|_| None), &mut registry);
    let equivocator = spawned.await.unwrap();
    let peer = equivocator.handle.peer_id().to_string();
    for node in nodes {
        connected(node, &peer, true).await;
    }
    equivocator
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn double_votes_that_the_network_carries_end_up_on_the_ledger() {
    let federation = Federation::new(0);
    let mut nodes = federation.start_founders().await;
    nodes.pop().unwrap().stop().await.unwrap();
    let offender = federation.regions[3].clone();
    let (signer, equivocator) = (federation.signer(3), equivocator(&federation, &nodes).await);
    let vote = async |height: u64, value: Option<u8>| -> SignedVote<context::ConcordContext> {
        let vote = context::Vote {
            height: context::Height(height),
            round: Round::new(0),
            kind: VoteType::Prevote,
            value: value.map_or(NilOrVal::Nil, |byte| NilOrVal::Val(Digest([byte; 32]))),
            voter: RegionAddress(offender.clone()),
            extension: None,
        };
        signer.sign_vote(vote).await.unwrap()
    };
    let mut heights = nodes[0].chain.watch();
    let said = async {
        while nodes[0].chain.state().federation().evidence.is_empty() {
            let next = height(&nodes[0]).0 + 2;
            for value in [Some(1), Some(2)] {
                let message = Msg::PublishLivenessMsg(LivenessMsg::Vote(vote(next, value).await));
                equivocator.engine.0.cast(message).unwrap();
            }
            heights.changed().await.unwrap();
        }
    };
    timeout(PATIENCE, said).await.expect("no evidence on the ledger");
    let state = nodes[0].chain.state();
    assert!(
        state
            .federation()
            .evidence
            .iter()
            .all(|entry| entry.place.region == offender)
    );
    for (node, dir) in nodes.iter().zip(&federation.dirs) {
        let store = EvidenceStore::open(&dir.path().join("evidence")).unwrap();
        reaches(node, "nothing is kept any more", |state| {
            !state.federation().evidence.is_empty() && store.kept().unwrap().is_empty()
        })
        .await;
    }
    equivocator.handle.shutdown().await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn evidence_that_was_kept_is_handed_in_after_a_start() {
    let federation = Federation::new(0);
    let signer = SecretKey::from_seed(
        *keystore::read_ed25519(
            &federation.dirs[3].path().join("keys").join("consensus.pem"),
            &Passphrase::none(),
        )
        .unwrap(),
    );
    let vote = |target: Option<u8>| {
        let statement = VoteStatement {
            height: Height(1),
            round: 7,
            kind: VoteKind::Precommit,
            target: target.map(|byte| Digest([byte; 32])),
            region: federation.regions[3].clone(),
        };
        let signature: Signature = signer.sign(&statement.message(&federation.chain));
        Signed { statement, signature }
    };
    let proof = Evidence::votes(vote(Some(1)), vote(None)).unwrap();
    let store = EvidenceStore::open(&federation.dirs[0].path().join("evidence")).unwrap();
    store.keep(std::slice::from_ref(&proof)).unwrap();
    let nodes = federation.start_founders().await;
    reaches(&nodes[1], "the evidence is on the ledger", |state| {
        state
            .federation()
            .evidence
            .iter()
            .any(|entry| entry.place == proof.place())
    })
    .await;
    reaches(&nodes[0], "it is kept no more", |_| store.kept().unwrap().is_empty()).await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_version_that_this_software_does_not_know_stops_the_nodes_with_a_word() {
    let federation = Federation::new(0);
    let mut nodes = federation.start_founders().await;
    let from = Height(height(&nodes[0]).0 + 15);
    let raised = VersionChange {
        subject: Versioned::Record,
        version: 2,
        from,
    };
    federation
        .change(&nodes[0], Change::RaiseVersion(raised), &[0, 1, 2])
        .await;
    for node in &mut nodes {
        let why = timeout(PATIENCE, node.failed()).await.expect("it goes on").to_string();
        assert!(why.contains("install newer software"), "{why}");
        assert_eq!(height(node).0 + 1, from.0);
    }
    for node in nodes {
        // It says once more why it stopped.
        node.stop().await.unwrap_err();
    }
    let again = Node::start(federation.dirs[0].path(), &Passphrase::none(), Hooks::default(), None).await;
    let why = again.unwrap_err().to_string();
    assert!(why.contains("install newer software"), "{why}");
}
