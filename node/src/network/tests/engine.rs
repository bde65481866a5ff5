//! The network as the engine sees it: what is judged, what the guard lets out.

use std::path::Path;

use arc_malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_app_channel::app::engine::network::{Msg, NetworkEvent, Status, Subscriber};
use arc_malachitebft_app_channel::app::engine::util::output_port::{OutputPort, OutputPortSubscriberTrait};
use arc_malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use arc_malachitebft_app_channel::app::types::core::{NilOrVal, Round, SignedVote, VoteType};
use arc_malachitebft_signing::Signer;
use arc_malachitebft_sync as sync;
use concord_spec::id::RegionId;
use tempfile::TempDir;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::super::face::from_engine;
use super::super::*;
use super::cluster::{CHAIN, PATIENCE, any_port};
use crate::consensus::context::{Height, RegionAddress, Validator, ValidatorSet, Vote};
use crate::consensus::parts::ProposalPart;
use crate::consensus::signing::{OneKey, RegionSigner, VoteKey, VoteSignature};
use crate::guard::Guard;

/// From this height on the third region's votes are signed with the key of this seed.
const ROTATED: Height = Height(5_000);
const ROTATED_SEED: u8 = 50;
/// From this height on the set may still change.
const UNCERTAIN: Height = Height(10_000);

type Heard = NetworkEvent<ConcordContext>;

/// Stands where the engine's actors stand.
struct Ear(mpsc::UnboundedSender<Heard>);

impl OutputPortSubscriberTrait<Heard> for Ear {
    fn subscribe_to_port(&self, _: &OutputPort<Heard>) {}
}

impl Subscriber<Heard> for Ear {
    fn send(&self, event: Heard) {
        // The test may be over.
        drop(self.0.send(event));
    }
}

struct Region {
    name: RegionId,
    net: Network,
    heard: mpsc::UnboundedReceiver<Heard>,
    signer: RegionSigner,
    _dir: TempDir,
}

fn name(index: u8) -> RegionId {
    format!("region-{index}").parse().unwrap()
}

fn seed(index: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([index + 1; 32])
}

fn regions() -> ValidatorSet {
    regions_with(2)
}

/// The regions, the third with the key of this seed.
fn regions_with(third: u8) -> ValidatorSet {
    let validators = (0..4).map(|index| {
        let of = if index == 2 { third } else { index };
        let key = ed25519_dalek::SigningKey::from_bytes(&seed(of)).verifying_key();
        Validator::new(name(index), VoteKey::from_bytes(key.to_bytes()).unwrap())
    });
    ValidatorSet::new(validators).unwrap()
}

fn voter(index: u8, dir: &Path, watch_until: Option<u64>) -> Voter {
    Voter {
        region: name(index),
        guard: Guard::open(&dir.join("guard")).unwrap(),
        watch_until,
    }
}

/// The four regions, up to a height whose set is not certain yet. The third has another key from a height on.
fn voters(height: Height) -> Option<Voters> {
    let rotated = height >= ROTATED && height < UNCERTAIN;
    Some(Voters {
        set: if rotated { regions_with(ROTATED_SEED) } else { regions() },
        is_certain: height < UNCERTAIN,
    })
}

async fn region(index: u8, watch_until: Option<u64>) -> Region {
    let dir = tempfile::tempdir().unwrap();
    let config = NetworkConfig {
        keypair: Keypair::generate_ed25519(),
        listen: any_port(),
        chain: CHAIN,
        name: name(index).to_string(),
        software: "concordd test".into(),
        height: 0,
        peers: AllowList::default(),
    };
    let voter = voter(index, dir.path(), watch_until);
    let net = spawn(config, Some(voter), Arc::new(voters), &mut Registry::default())
        .await
        .unwrap();
    let (ear, heard) = mpsc::unbounded_channel();
    let region = Region {
        name: name(index),
        net,
        heard,
        signer: RegionSigner::new(Arc::new(OneKey::new(&seed(index))), Digest(CHAIN)),
        _dir: dir,
    };
    region.cast(Msg::Subscribe(Box::new(Ear(ear))));
    region
}

impl Region {
    fn cast(&self, message: Msg<ConcordContext>) {
        self.net.engine.0.cast(message).unwrap();
    }

    fn entry(&self, role: PeerRole) -> ListedPeer {
        ListedPeer {
            id: self.net.handle.peer_id(),
            name: "a region".into(),
            role,
            addresses: vec![self.net.handle.listen_addr().unwrap()],
        }
    }

    async fn hears<T>(&mut self, mut pick: impl FnMut(Heard) -> Option<T>) -> T {
        timeout(PATIENCE, async {
            loop {
                if let Some(picked) = pick(self.heard.recv().await.unwrap()) {
                    return picked;
                }
            }
        })
        .await
        .expect("not heard in time")
    }

    async fn hears_vote(&mut self) -> SignedVote<ConcordContext> {
        self.hears(|event| {
            if let NetworkEvent::Vote(_, vote) = event {
                Some(vote)
            } else {
                None
            }
        })
        .await
    }

    async fn vote(&self, height: u64, round: u32, value: u8) -> SignedVote<ConcordContext> {
        let vote = Vote {
            height: Height(height),
            round: Round::new(round),
            kind: VoteType::Prevote,
            value: NilOrVal::Val(Digest([value; 32])),
            voter: RegionAddress(self.name.clone()),
            extension: None,
        };
        self.signer.sign_vote(vote).await.unwrap()
    }

    fn publish(&self, vote: &SignedVote<ConcordContext>) {
        let message = SignedConsensusMsg::Vote(vote.clone());
        self.cast(Msg::PublishConsensusMsg(message));
    }
}

fn tip(height: u64) -> Status<ConcordContext> {
    Status::new(Height(height), Height(1))
}

/// Two regions that hear each other's gossip: a status of height 1 went each way.
async fn pair(watch_until: Option<u64>, role_of_first: PeerRole) -> (Region, Region) {
    let (mut a, mut b) = (region(0, watch_until).await, region(1, None).await);
    let list: AllowList = [a.entry(role_of_first), b.entry(PeerRole::Region)]
        .into_iter()
        .collect();
    for region in [&a, &b] {
        region.net.handle.update_peers(list.clone()).await.unwrap();
        region.cast(Msg::BroadcastStatus(tip(1)));
    }
    for region in [&mut a, &mut b] {
        region
            .hears(|event| matches!(event, NetworkEvent::Status(..)).then_some(()))
            .await;
    }
    (a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_is_told_an_address_or_nothing_would_start() {
    let mut a = region(0, None).await;
    a.hears(|event| matches!(event, NetworkEvent::Listening(_)).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_reaches_the_engine_only_with_its_regions_signature() {
    let (a, mut b) = pair(None, PeerRole::Region).await;
    // Region 2's vote with region 0's signature: what a member could send on.
    let mut forged = a.vote(900, 0, 1).await;
    forged.message.voter = RegionAddress(name(2));
    a.cast(Msg::PublishLivenessMsg(LivenessMsg::Vote(forged)));
    let genuine = a.vote(7, 0, 1).await;
    a.publish(&genuine);
    assert_eq!(b.hears_vote().await, genuine);
    assert_eq!(*b.net.handle.seen_height().borrow(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_is_judged_by_the_key_in_force_at_its_own_height() {
    let (a, mut b) = pair(None, PeerRole::Region).await;
    let vote = async |height: Height, with: u8| {
        let mut vote = a.vote(height.0, 0, 1).await.message;
        vote.voter = RegionAddress(name(2));
        let signer = RegionSigner::new(Arc::new(OneKey::new(&seed(with))), Digest(CHAIN));
        signer.sign_vote(vote).await.unwrap()
    };
    let before = vote(Height(ROTATED.0 - 1), 2).await;
    let late = vote(ROTATED, 2).await;
    let genuine = vote(ROTATED, ROTATED_SEED).await;
    // Where it is not certain which key it will be: neither believed nor held against whoever sends it.
    let early = vote(UNCERTAIN, ROTATED_SEED).await;
    for vote in [&late, &early, &genuine, &before] {
        a.cast(Msg::PublishLivenessMsg(LivenessMsg::Vote(vote.clone())));
    }
    let heard = [b.hears_vote().await, b.hears_vote().await];
    assert!(heard.contains(&genuine) && heard.contains(&before), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_that_contradicts_another_never_leaves_and_stops_the_engine() {
    let (a, mut b) = pair(None, PeerRole::Region).await;
    let (first, other) = (a.vote(7, 0, 1).await, a.vote(7, 0, 2).await);
    a.publish(&first);
    assert_eq!(b.hears_vote().await, first);
    a.publish(&first);
    assert_eq!(b.hears_vote().await, first, "the same again may go");
    a.cast(Msg::PublishLivenessMsg(LivenessMsg::Vote(other)));
    let actor = a.net.engine.0.clone();
    timeout(PATIENCE, actor.wait(None))
        .await
        .expect("still running")
        .unwrap();
    let explanation = a.net.handle.halted().unwrap();
    assert!(explanation.contains("height 7"), "{explanation}");
    // What left before the end has arrived once B hears the end of A.
    a.net.handle.shutdown().await;
    b.hears(|event| {
        assert!(!matches!(event, NetworkEvent::Vote(..)));
        matches!(event, NetworkEvent::PeerDisconnected(_)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_watches_says_nothing_until_the_height_is_past() {
    let (a, mut b) = pair(Some(7), PeerRole::Region).await;
    for height in [6, 7, 8] {
        a.publish(&a.vote(height, 0, 1).await);
    }
    assert_eq!(b.hears_vote().await.message.height, Height(8));
    assert_eq!(a.net.handle.halted(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_names_its_publisher_and_an_observers_part_is_dropped() {
    let part = StreamMessage::new(
        StreamId::new(Bytes::from_static(b"stream")),
        0,
        StreamContent::Data(ProposalPart::Fin(VoteSignature([7; 64]))),
    );
    let (a, mut b) = pair(None, PeerRole::Region).await;
    a.cast(Msg::PublishProposalPart(part.clone()));
    let (publisher, got) = b
        .hears(|event| {
            if let NetworkEvent::ProposalPart(_, publisher, part) = event {
                Some((publisher, part))
            } else {
                None
            }
        })
        .await;
    assert_eq!(from_engine(&publisher.unwrap()), Some(a.net.handle.peer_id()));
    assert_eq!(got, part);

    let (observer, mut b) = pair(None, PeerRole::Observer).await;
    observer.cast(Msg::PublishProposalPart(part));
    observer.cast(Msg::BroadcastStatus(tip(9)));
    b.hears(|event| {
        assert!(!matches!(event, NetworkEvent::ProposalPart(..)));
        matches!(event, NetworkEvent::Status(_, status) if status.tip_height == Height(9)).then_some(())
    })
    .await;
    // The part came first or will come by then.
    assert_eq!(b.net.handle.peers()[0].height, 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peers_status_wakes_whoever_waits_for_a_height() {
    let (a, b) = pair(None, PeerRole::Region).await;
    let mut seen = b.net.handle.seen_height();
    a.cast(Msg::BroadcastStatus(tip(12)));
    let reached = timeout(PATIENCE, seen.wait_for(|height| *height >= 12)).await;
    reached.expect("not told in time").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_asks_and_answers_by_sync() {
    let (mut a, mut b) = pair(None, PeerRole::Region).await;
    let (engine, peer) = (a.net.engine.0.clone(), b.net.handle.peer_id());
    let request = sync::Request::ValueRequest(sync::ValueRequest::new(Height(3)..=Height(5)));
    let to = to_engine(&peer).unwrap();
    let asked = ractor::call!(engine, |reply| Msg::OutgoingRequest(to, request.clone(), reply)).unwrap();
    let (id, got) = b
        .hears(|event| {
            if let NetworkEvent::SyncRequest(id, _, request) = event {
                Some((id, request))
            } else {
                None
            }
        })
        .await;
    assert_eq!(got, request);
    let response = sync::Response::ValueResponse(sync::ValueResponse::new(Height(3), Vec::new()));
    b.cast(Msg::OutgoingResponse(id, response.clone()));
    let got = a
        .hears(|event| {
            if let NetworkEvent::SyncResponse(id, _, response) = event {
                Some((id, response))
            } else {
                None
            }
        })
        .await;
    assert_eq!(got, (asked, Some(response)));
}
