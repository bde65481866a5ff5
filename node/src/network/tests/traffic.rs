//! Gossip, records, bodies, sync.

use std::time::Duration;

use futures::StreamExt;
use libp2p::{
    Swarm, gossipsub,
    swarm::{Config, dial_opts::DialOpts},
};
use tokio::{sync::oneshot, time::timeout};

use super::{
    super::{
        handshake,
        swarm::{Command, SyncFailure},
        topics::{self, ChainTag, Framing, Topic},
        *,
    },
    cluster::*,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossip_reaches_everybody_also_when_it_is_the_same_again() {
    let mut nodes = federation(4).await;
    let a = nodes.remove(0);
    for other in &mut nodes {
        warm_up(&a, other).await;
    }
    for _ in 0..2 {
        a.publish(Topic::Consensus, "the same vote").await;
        for other in &mut nodes {
            while other.gossip().await != "the same vote" {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_reach_every_pool_once_the_pools_between_accept_them() {
    let mut nodes = federation(3).await;
    let a = nodes.remove(0);
    for other in &mut nodes {
        warm_up(&a, other).await;
    }
    let records: Vec<Bytes> = (0..500_u32).map(|n| n.to_be_bytes().to_vec().into()).collect();
    for batch in records.chunks(100) {
        a.net.publish_records(batch.to_vec()).await.unwrap();
    }
    for other in &mut nodes {
        let mut got = Vec::new();
        while got.len() < records.len() {
            let received = timeout(PATIENCE, other.inbox.records.recv()).await;
            let received = received.expect("records did not come").unwrap();
            got.extend(received.records.clone());
            received.conclude(Verdict::Accept).await;
        }
        got.sort();
        assert_eq!(got, records);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_served_by_its_hash_and_a_missing_one_is_said_to_be_missing() {
    let mut nodes = federation(2).await;
    let mut b = nodes.pop().unwrap();
    let a = nodes.pop().unwrap();
    let body = Bytes::from(vec![9; 3 * 1024 * 1024]);
    let served = body.clone();
    let from = b.id();
    let serve = tokio::spawn(async move {
        while let Some(query) = b.inbox.bodies.recv().await {
            let body = (query.hash == [1; 32]).then(|| served.clone());
            query.answer(body).await;
        }
    });
    assert_eq!(a.net.request_body([1; 32], from).await, Ok(Some(body)));
    assert_eq!(a.net.request_body([2; 32], from).await, Ok(None));
    let nobody = PeerId::random();
    let answer = a.net.request_body([1; 32], nobody).await;
    assert_eq!(answer, Err(BodyError::NotConnected(nobody)));
    serve.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_request_is_answered_and_an_unanswered_one_fails() {
    let mut nodes = federation(2).await;
    let mut b = nodes.pop().unwrap();
    let mut a = nodes.pop().unwrap();
    for (body, answer) in [("first", Some("answer")), ("second", None)] {
        let (id, asked) = oneshot::channel();
        let (to, body) = (b.id(), Bytes::from(body));
        let command = Command::Sync { to, body, id };
        a.net.commands.send(command).await.unwrap();
        let asked = asked.await.unwrap();
        let id = b
            .next(|event| {
                if let Event::SyncRequest { id, .. } = event {
                    Some(id)
                } else {
                    None
                }
            })
            .await;
        let body = answer.map(Bytes::from);
        let command = Command::AnswerSync { id, body };
        b.net.commands.send(command).await.unwrap();
        let got = a
            .next(|event| {
                if let Event::SyncAnswer { id, body, .. } = event {
                    (id == asked).then_some(Ok(body))
                } else if let Event::SyncFailed { id, failure, .. } = event {
                    (id == asked).then_some(Err(failure))
                } else {
                    None
                }
            })
            .await;
        assert_eq!(got, answer.map(Bytes::from).ok_or(SyncFailure::Io));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listed_peers_message_over_its_bound_is_dropped() {
    let mut node = node(CHAIN).await;
    let key = Keypair::generate_ed25519();
    let rogue = ListedPeer {
        id: key.public().to_peer_id(),
        name: "rogue".into(),
        role: PeerRole::Region,
        addresses: Vec::new(),
    };
    let list = [rogue].into_iter().collect();
    node.net.update_peers(list).await.unwrap();

    // A member with software of its own, which keeps to no bound.
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .flood_publish(true)
        .max_transmit_size(8 * 1024 * 1024)
        .message_id_fn(|message| gossipsub::MessageId::new(&message.data))
        .build()
        .unwrap();
    let gossip: gossipsub::Behaviour =
        gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, config).unwrap();
    let idle = Duration::from_secs(60);
    let mut rogue = Swarm::new(
        handshake::transport(&key).unwrap(),
        gossip,
        key.public().to_peer_id(),
        Config::with_tokio_executor().with_idle_connection_timeout(idle),
    );
    rogue
        .dial(DialOpts::peer_id(node.id()).addresses(vec![node.address()]).build())
        .unwrap();
    let subscribed = timeout(PATIENCE, async {
        let mut topics = 0;
        while topics < Topic::ALL.len() {
            let event = rogue.select_next_some().await;
            if let libp2p::swarm::SwarmEvent::Behaviour(gossipsub::Event::Subscribed { .. }) = event {
                topics += 1;
            }
        }
    });
    subscribed.await.expect("never subscribed");
    let chain = ChainTag::from(&CHAIN);
    let mut framing = Framing::new();
    // Twice: within what a gossip message of that topic may take by its frame, and far beyond.
    for excess in [1, 4096] {
        let body = vec![1; Topic::Consensus.max_body() + excess];
        let topic = Topic::Consensus.of(&chain);
        rogue.behaviour_mut().publish(topic, framing.frame(&body)).unwrap();
    }
    let topic = Topic::Consensus.of(&chain);
    rogue.behaviour_mut().publish(topic, framing.frame(b"short")).unwrap();
    let heard = tokio::select! {
        heard = node.gossip() => heard,
        () = async { loop { rogue.select_next_some().await; } } => unreachable!(),
    };
    assert_eq!(heard, "short");
    assert_eq!(topics::unframe(Topic::Consensus, vec![0; 7]), None);
}
