//! Hello, the allow-list at run time, coming back.

use super::{super::*, cluster::*};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listed_peer_of_another_chain_is_refused_with_its_reason() {
    let other_chain = [0x0d; 32];
    let (ours, theirs) = (node(CHAIN).await, node(other_chain).await);
    let list: AllowList = [ours.entry(), theirs.entry()].into_iter().collect();
    ours.net.update_peers(list.clone()).await.unwrap();
    theirs.net.update_peers(list).await.unwrap();

    for (node, peer, own, other) in [
        (&ours, &theirs, CHAIN, other_chain),
        (&theirs, &ours, other_chain, CHAIN),
    ] {
        let status = node.until(|status| !status.refusals.is_empty()).await;
        let refusal = &status.refusals[0];
        assert_eq!((refusal.peer, refusal.our_chain), (peer.id(), own));
        assert_eq!(refusal.their_chain, other);
        assert!(refusal.reason.contains(&hex::encode(CHAIN)));
        assert!(refusal.reason.contains(&hex::encode(other_chain)));
        assert!(status.peers.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_of_one_chain_tell_each_other_who_they_are() {
    let nodes = federation(2).await;
    for node in &nodes {
        let peer = &node.net.peers()[0];
        assert_eq!((peer.height, peer.role), (7, PeerRole::Region));
        assert_eq!(peer.software, "concordd test");
        assert!(node.net.refusals().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_leaves_the_list_is_closed_and_does_not_get_back_in() {
    let mut nodes = federation(2).await;
    let mut b = nodes.pop().unwrap();
    let mut a = nodes.pop().unwrap();
    a.joined(b.id()).await;
    b.joined(a.id()).await;
    a.net.update_peers(AllowList::default()).await.unwrap();
    a.left(b.id()).await;
    b.left(a.id()).await;
    // B dials again and again; only the list brings it back.
    let list: AllowList = [b.entry()].into_iter().collect();
    assert!(a.net.peers().is_empty());
    a.net.update_peers(list).await.unwrap();
    a.joined(b.id()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_peer_is_connected_again() {
    let mut nodes = federation(2).await;
    let b = nodes.pop().unwrap();
    let mut a = nodes.pop().unwrap();
    a.joined(b.id()).await;
    let (key, address, id) = (b.key.clone(), b.address(), b.id());
    // It does not know where A is: A must dial it.
    let a_without_address = ListedPeer {
        addresses: Vec::new(),
        ..a.entry()
    };
    let list: AllowList = [a_without_address].into_iter().collect();
    b.net.shutdown().await;
    a.left(id).await;
    let b = node_at(key, CHAIN, address, list).await;
    a.joined(id).await;
    b.until(|status| status.peers.len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bootstrap_peer_is_dialled() {
    let mut a = node(CHAIN).await;
    let mut b = node(CHAIN).await;
    let bootstrap = ListedPeer {
        role: PeerRole::Bootstrap,
        ..b.entry()
    };
    let a_without_address = ListedPeer {
        addresses: Vec::new(),
        ..a.entry()
    };
    let list = [a_without_address].into_iter().collect();
    b.net.update_peers(list).await.unwrap();
    let list = [bootstrap].into_iter().collect();
    a.net.update_peers(list).await.unwrap();
    a.joined(b.id()).await;
    b.joined(a.id()).await;
}
