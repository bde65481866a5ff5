//! Nodes to test with.

use std::time::Duration;

use tokio::time::timeout;

use super::super::{swarm::Command, topics::Topic, *};

/// Every wait of a test ends by then.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const CHAIN: ChainId = [0xc0; 32];

pub(super) struct Node {
    pub(super) key: Keypair,
    pub(super) net: NetworkHandle,
    pub(super) inbox: Inbox,
    pub(super) events: mpsc::Receiver<Event>,
}

/// Shows what the nodes say when a test fails (`RUST_LOG`).
pub(super) fn logs() {
    let _already_on = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init();
}

pub(super) fn any_port() -> Multiaddr {
    "/ip4/127.0.0.1/tcp/0".parse().unwrap()
}

pub(super) async fn node_at(key: Keypair, chain: ChainId, listen: Multiaddr, peers: AllowList) -> Node {
    logs();
    let config = NetworkConfig {
        keypair: key.clone(),
        listen,
        chain,
        name: "330000".into(),
        software: "concordd test".into(),
        height: 7,
        peers,
    };
    let started = start(config, &mut Registry::default()).await.unwrap();
    Node {
        key,
        net: started.handle,
        inbox: started.inbox,
        events: started.events,
    }
}

pub(super) async fn node(chain: ChainId) -> Node {
    let key = Keypair::generate_ed25519();
    node_at(key, chain, any_port(), AllowList::default()).await
}

impl Node {
    pub(super) fn id(&self) -> PeerId {
        self.net.peer_id()
    }

    pub(super) fn address(&self) -> Multiaddr {
        self.net.listen_addr().unwrap()
    }

    pub(super) fn entry(&self) -> ListedPeer {
        ListedPeer {
            id: self.id(),
            name: "a region".into(),
            role: PeerRole::Region,
            addresses: vec![self.address()],
        }
    }

    pub(super) async fn publish(&self, topic: Topic, body: impl Into<Bytes>) {
        let body = body.into();
        let command = Command::Publish { topic, body };
        self.net.commands.send(command).await.unwrap();
    }

    /// The next event that this picks.
    pub(super) async fn next<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        timeout(PATIENCE, async {
            loop {
                if let Some(picked) = pick(self.events.recv().await.unwrap()) {
                    return picked;
                }
            }
        })
        .await
        .expect("no such event in time")
    }

    pub(super) async fn joined(&mut self, peer: PeerId) {
        self.next(|event| matches!(event, Event::Joined(who) if who == peer).then_some(()))
            .await;
    }

    pub(super) async fn left(&mut self, peer: PeerId) {
        self.next(|event| matches!(event, Event::Left(who) if who == peer).then_some(()))
            .await;
    }

    pub(super) async fn gossip(&mut self) -> Bytes {
        self.next(|event| {
            if let Event::Gossip(incoming) = event {
                Some(incoming.body)
            } else {
                None
            }
        })
        .await
    }

    pub(super) async fn until(&self, met: impl FnMut(&NetworkStatus) -> bool) -> NetworkStatus {
        let mut status = self.net.status();
        let status = timeout(PATIENCE, status.wait_for(met)).await;
        status.expect("not in time").unwrap().clone()
    }
}

/// Nodes of one chain that know each other, all connected.
pub(super) async fn federation(size: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    for _ in 0..size {
        nodes.push(node(CHAIN).await);
    }
    let list: AllowList = nodes.iter().map(Node::entry).collect();
    for node in &nodes {
        node.net.update_peers(list.clone()).await.unwrap();
    }
    let ids: Vec<PeerId> = nodes.iter().map(Node::id).collect();
    for node in &nodes {
        node.until(|status| status.peers.len() == size - 1).await;
        assert!(ids.contains(&node.id()));
    }
    nodes
}

/// Publishes until the other hears: subscriptions are told only after hello.
pub(super) async fn warm_up(from: &Node, to: &mut Node) {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    timeout(PATIENCE, async {
        loop {
            tokio::select! {
                _ = ticks.tick() => from.publish(Topic::Liveness, "warm").await,
                event = to.events.recv() => if let Some(Event::Gossip(_)) = event { return },
            }
        }
    })
    .await
    .expect("gossip never started");
}
