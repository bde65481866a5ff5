//! Who is not on the list gets nothing, soon, and disturbs nobody.

use std::{
    future::poll_fn,
    task::Poll,
    time::{Duration, Instant},
};

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{
    Transport,
    core::{
        Endpoint,
        muxing::{StreamMuxerBox, StreamMuxerExt},
        transport::{DialOpts, PortUse},
    },
};
use tokio::{io::AsyncReadExt as _, net::TcpStream, sync::oneshot, time::timeout};

use super::{
    super::{handshake, topics::Topic, *},
    cluster::*,
};

/// How an unlisted peer behaves once Noise and Yamux are done.
#[derive(Clone, Copy)]
enum Manner {
    Silent,
    /// Opens a substream and proposes this protocol.
    Proposes(&'static str),
}

#[derive(Debug)]
struct Treatment {
    /// From the end of the handshake to the end of the connection.
    closed_after: Duration,
    /// Bytes that came back on the substream.
    answered: usize,
}

/// Connects as an unknown peer; `None` when turned away before the handshake was over.
async fn knock(address: Multiaddr, manner: Manner) -> Option<Treatment> {
    knock_as(&Keypair::generate_ed25519(), address, manner).await
}

async fn knock_as(key: &Keypair, address: Multiaddr, manner: Manner) -> Option<Treatment> {
    let mut transport = handshake::transport(key).unwrap();
    let options = DialOpts {
        role: Endpoint::Dialer,
        port_use: PortUse::New,
    };
    let (_, mut muxer) = transport.dial(address, options).unwrap().await.ok()?;
    let connected = Instant::now();
    let answered = match manner {
        Manner::Silent => {
            closed(&mut muxer).await;
            0
        }
        Manner::Proposes(protocol) => propose(&mut muxer, protocol).await,
    };
    Some(Treatment {
        closed_after: connected.elapsed(),
        answered,
    })
}

async fn closed(muxer: &mut StreamMuxerBox) {
    poll_fn(|cx| {
        while let Poll::Ready(event) = muxer.poll_unpin(cx) {
            if event.is_err() {
                return Poll::Ready(());
            }
        }
        if let Poll::Ready(Err(_)) = muxer.poll_inbound_unpin(cx) {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

async fn propose(muxer: &mut StreamMuxerBox, protocol: &str) -> usize {
    let Ok(mut stream) = poll_fn(|cx| muxer.poll_outbound_unpin(cx)).await else {
        return 0;
    };
    let mut wire = b"\x13/multistream/1.0.0\n".to_vec();
    wire.push(u8::try_from(protocol.len() + 1).unwrap());
    wire.extend_from_slice(protocol.as_bytes());
    wire.push(b'\n');
    let talk = async {
        if stream.write_all(&wire).await.is_err() || stream.flush().await.is_err() {
            return 0;
        }
        let mut answer = Vec::new();
        let _cut_short = stream.read_to_end(&mut answer).await;
        answer.len()
    };
    let (answered, ()) = futures::join!(talk, closed(muxer));
    answered
}

async fn listening_node() -> (Node, Multiaddr) {
    let node = node(CHAIN).await;
    let address = node.address();
    (node, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unlisted_peer_that_stays_silent_is_closed_within_a_second() {
    let (_node, address) = listening_node().await;
    let treatment = timeout(PATIENCE, knock(address, Manner::Silent))
        .await
        .expect("still connected")
        .expect("the handshake itself is allowed");
    assert!(treatment.closed_after < Duration::from_secs(1), "{treatment:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unlisted_peer_that_speaks_gets_no_substream_and_is_closed_within_a_second() {
    let (_node, address) = listening_node().await;
    let protocols = ["/concord/hello/1", "/meshsub/1.2.0", "/ipfs/ping/1.0.0"];
    for protocol in protocols {
        let treatment = timeout(PATIENCE, knock(address.clone(), Manner::Proposes(protocol)))
            .await
            .expect("still connected")
            .expect("the handshake itself is allowed");
        assert_eq!(treatment.answered, 0, "{protocol}");
        assert!(treatment.closed_after < Duration::from_secs(1), "{treatment:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bootstrap_peer_that_dials_us_is_treated_as_a_stranger() {
    let (node, address) = listening_node().await;
    let key = Keypair::generate_ed25519();
    let bootstrap = ListedPeer {
        id: key.public().to_peer_id(),
        name: "bootstrap".into(),
        role: PeerRole::Bootstrap,
        addresses: Vec::new(),
    };
    let list = [bootstrap].into_iter().collect();
    node.net.update_peers(list).await.unwrap();
    let manner = Manner::Proposes("/concord/hello/1");
    let treatment = timeout(PATIENCE, knock_as(&key, address, manner)).await;
    let treatment = treatment
        .expect("still connected")
        .expect("the handshake itself is allowed");
    assert_eq!(treatment.answered, 0);
    assert!(treatment.closed_after < Duration::from_secs(1), "{treatment:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_says_nothing_is_closed() {
    let (_node, address) = listening_node().await;
    let port = address.iter().find_map(|part| {
        if let libp2p::multiaddr::Protocol::Tcp(port) = part {
            Some(port)
        } else {
            None
        }
    });
    let mut socket = TcpStream::connect(("127.0.0.1", port.unwrap())).await.unwrap();
    let mut heard = Vec::new();
    let closed = timeout(Duration::from_secs(3), socket.read_to_end(&mut heard)).await;
    assert!(closed.is_ok(), "still open after 3 s");
    assert!(heard.is_empty());
}

/// All at once, on a thread of their own, as if on another machine.
fn a_thousand_strangers(address: &Multiaddr) -> oneshot::Receiver<Vec<Option<Treatment>>> {
    let (done, treated) = oneshot::channel();
    let address = address.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let all = runtime.unwrap().block_on(async {
            let mut strangers = tokio::task::JoinSet::new();
            for n in 0..1000 {
                let manner = if n % 2 == 0 {
                    Manner::Silent
                } else {
                    Manner::Proposes("/meshsub/1.2.0")
                };
                strangers.spawn(timeout(PATIENCE, knock(address.clone(), manner)));
            }
            strangers.join_all().await
        });
        let all = all.into_iter().map(|one| one.expect("a stranger is still connected"));
        done.send(all.collect()).unwrap();
    });
    treated
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_strangers_at_once_do_not_hold_up_two_listed_peers() {
    let mut nodes = federation(2).await;
    let mut b = nodes.pop().unwrap();
    let mut a = nodes.pop().unwrap();
    warm_up(&a, &mut b).await;
    warm_up(&b, &mut a).await;

    let mut treated = a_thousand_strangers(&b.address());

    let mut slowest = Duration::ZERO;
    let mut rounds = 0_u32;
    let mut outcome = None;
    while outcome.is_none() || rounds < 20 {
        let start = Instant::now();
        a.publish(Topic::Consensus, format!("ping {rounds}")).await;
        while !b.gossip().await.starts_with(b"ping") {}
        b.publish(Topic::Consensus, format!("pong {rounds}")).await;
        while !a.gossip().await.starts_with(b"pong") {}
        slowest = slowest.max(start.elapsed());
        rounds += 1;
        if outcome.is_none() {
            outcome = treated.try_recv().ok();
        }
    }
    let treated = outcome.unwrap();
    assert!(slowest < Duration::from_secs(3), "{slowest:?} for a round");
    assert_eq!(treated.len(), 1000);
    // Those turned away before their handshake was over are closed already.
    for treatment in treated.iter().flatten() {
        assert_eq!(treatment.answered, 0);
    }
    assert_eq!(b.net.peers().len(), 1);
}
