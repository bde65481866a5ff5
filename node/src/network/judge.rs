//! The judge: what comes from peers is decoded and checked here, before it is forwarded or handed to the engine (DESIGN 5).
//! The engine itself would queue votes of later heights without checking them, and its default network relays whatever comes.

use std::sync::Arc;

use arc_malachitebft_app_channel::app::consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_app_channel::app::engine::network::{NetworkEvent, Status};
use arc_malachitebft_app_channel::app::types::PeerId as EnginePeerId;
use arc_malachitebft_app_channel::app::types::codec::Codec;
use arc_malachitebft_app_channel::app::types::core::ThresholdParams;
use arc_malachitebft_app_channel::app::types::streaming::StreamMessage;
use arc_malachitebft_signing::VerifierExt;
use arc_malachitebft_sync as sync;
use bytes::Bytes;
use libp2p::PeerId;
use tokio::sync::{mpsc, watch};

use super::allow_list::{AllowList, PeerRole};
use super::face::{Face, to_engine};
use super::handle::NetworkStatus;
use super::hello::ChainId;
use super::metrics::Meters;
use super::swarm::{Command, Event, Incoming, SyncFailure};
use super::topics::Topic;
use super::{Verdict, Voters, VotersAt, publisher};
use crate::consensus::codec::ConcordCodec;
use crate::consensus::context::{ConcordContext, Height, ValidatorSet};
use crate::consensus::parts::ProposalPart;
use crate::consensus::signing::RegionVerifier;

type Told = NetworkEvent<ConcordContext>;

/// Reads the swarm's events, in order.
pub(super) struct Judge {
    pub(super) chain: ChainId,
    pub(super) verifier: RegionVerifier,
    pub(super) voters: VotersAt,
    pub(super) face: Arc<Face>,
    pub(super) list: watch::Receiver<Arc<AllowList>>,
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) commands: mpsc::WeakSender<Command>,
    pub(super) status: Arc<watch::Sender<NetworkStatus>>,
    pub(super) seen_height: Arc<watch::Sender<u64>>,
    pub(super) meters: Meters,
}

impl Judge {
    /// Runs as long as the swarm does.
    pub(super) async fn run(mut self) {
        while let Some(event) = self.events.recv().await {
            match event {
                Event::Listening(address) => self.face.tell(&NetworkEvent::Listening(address)),
                Event::Joined(peer) => self.tell_of(&peer, NetworkEvent::PeerConnected),
                Event::Left(peer) => self.tell_of(&peer, NetworkEvent::PeerDisconnected),
                Event::Gossip(incoming) => self.gossip(incoming).await,
                Event::SyncRequest { id, from, body } => {
                    let name = self.face.open_sync(id);
                    self.sync_request(name, &from, body).await;
                }
                Event::SyncRequestLost { id, from } => {
                    let name = sync::InboundRequestId::new(id);
                    self.face.close_sync(&name);
                    self.tell_of(&from, |peer| NetworkEvent::SyncInboundRequestFailed(name, peer));
                }
                Event::SyncAnswer { id, from, body } => {
                    let id = sync::OutboundRequestId::new(id);
                    let response = ConcordCodec.decode(body).ok();
                    self.tell_of(&from, |peer| NetworkEvent::SyncResponse(id, peer, response));
                }
                Event::SyncFailed { id, from, failure } => {
                    let id = sync::OutboundRequestId::new(id);
                    let reason = failure.into();
                    self.tell_of(&from, |peer| NetworkEvent::SyncRequestFailed(id, peer, reason));
                }
            }
        }
    }

    fn tell_of(&self, peer: &PeerId, event: impl FnOnce(EnginePeerId) -> Told) {
        if let Some(peer) = to_engine(peer) {
            self.face.tell(&event(peer));
        }
    }

    async fn sync_request(&self, name: sync::InboundRequestId, from: &PeerId, body: Bytes) {
        match ConcordCodec.decode(body) {
            Ok(request) => {
                self.tell_of(from, |peer| NetworkEvent::SyncRequest(name, peer, request));
            }
            Err(error) => {
                tracing::debug!(peer = %from, %error, "not a sync request");
                if let Some(id) = self.face.close_sync(&name) {
                    self.command(Command::AnswerSync { id, body: None }).await;
                }
            }
        }
    }

    async fn gossip(&self, incoming: Incoming) {
        let Incoming { topic, from, id, body } = incoming;
        let verdict = match to_engine(&from) {
            Some(peer) => self.judge(topic, peer, &from, body).await,
            None => Verdict::Ignore,
        };
        if verdict == Verdict::Reject {
            self.meters.rejected.get_or_create(&topic.into()).inc();
            tracing::debug!(peer = %from, topic = topic.name(), "rejected a message");
        }
        let acceptance = verdict.into();
        self.command(Command::Conclude { id, from, acceptance }).await;
    }

    async fn command(&self, command: Command) {
        if let Some(commands) = self.commands.upgrade() {
            // A swarm that has stopped wants no commands.
            let _stopped = commands.send(command).await;
        }
    }

    async fn judge(&self, topic: Topic, peer: EnginePeerId, from: &PeerId, body: Bytes) -> Verdict {
        match topic {
            Topic::Consensus => self.consensus(peer, body),
            Topic::Liveness => self.liveness(peer, body).await,
            Topic::Parts => self.part(peer, body),
            Topic::Status => self.status(peer, from, body),
            // The pool judges records.
            Topic::Records => Verdict::Ignore,
        }
    }

    fn consensus(&self, peer: EnginePeerId, body: Bytes) -> Verdict {
        let Ok(message) = Codec::<SignedConsensusMsg<ConcordContext>>::decode(&ConcordCodec, body) else {
            return Verdict::Reject;
        };
        let verdict = self.signed(&message);
        if verdict == Verdict::Accept {
            self.saw(message.height());
            self.face.tell(&match message {
                SignedConsensusMsg::Vote(vote) => NetworkEvent::Vote(peer, vote),
                SignedConsensusMsg::Proposal(proposal) => NetworkEvent::Proposal(peer, proposal),
            });
        }
        verdict
    }

    /// Whether a region that votes at its height signed it. One that does not may turn out to, so it is ignored rather than
    /// rejected, as is what another key may have signed.
    fn signed(&self, message: &SignedConsensusMsg<ConcordContext>) -> Verdict {
        let Some(Voters { set, is_certain }) = (self.voters)(message.height()) else {
            return Verdict::Ignore;
        };
        let region = match message {
            SignedConsensusMsg::Vote(vote) => &vote.message.voter.0,
            SignedConsensusMsg::Proposal(proposal) => &proposal.message.proposer.0,
        };
        let Some(key) = set.key_of(region) else {
            return Verdict::Ignore;
        };
        let signed = match message {
            SignedConsensusMsg::Vote(vote) => self.verifier.vote_is_signed(vote, key),
            SignedConsensusMsg::Proposal(proposal) => self.verifier.proposal_is_signed(proposal, key),
        };
        match (signed, is_certain) {
            (true, _) => Verdict::Accept,
            (false, true) => Verdict::Reject,
            (false, false) => Verdict::Ignore,
        }
    }

    async fn liveness(&self, peer: EnginePeerId, body: Bytes) -> Verdict {
        let Ok(message) = Codec::<LivenessMsg<ConcordContext>>::decode(&ConcordCodec, body) else {
            return Verdict::Reject;
        };
        let voters = |height| (self.voters)(height).map(|voters| voters.set);
        let (verdict, height, event) = match message {
            LivenessMsg::Vote(vote) => {
                let message = SignedConsensusMsg::Vote(vote.clone());
                let (verdict, height) = (self.signed(&message), message.height());
                (verdict, height, NetworkEvent::Vote(peer, vote))
            }
            LivenessMsg::PolkaCertificate(certificate) => {
                let height = certificate.height;
                let Some(set) = voters(height) else {
                    return Verdict::Ignore;
                };
                let checked = self
                    .verifier
                    .verify_polka_certificate(&ConcordContext, &certificate, &set, thresholds());
                let verdict = quorum(checked.await.is_ok(), height, &set);
                (verdict, height, NetworkEvent::PolkaCertificate(peer, certificate))
            }
            LivenessMsg::SkipRoundCertificate(certificate) => {
                let height = certificate.height;
                let Some(set) = voters(height) else {
                    return Verdict::Ignore;
                };
                let checked = self
                    .verifier
                    .verify_round_certificate(&ConcordContext, &certificate, &set, thresholds());
                let verdict = quorum(checked.await.is_ok(), height, &set);
                (verdict, height, NetworkEvent::RoundCertificate(peer, certificate))
            }
        };
        if verdict == Verdict::Accept {
            self.saw(height);
            self.face.tell(&event);
        }
        verdict
    }

    fn part(&self, peer: EnginePeerId, body: Bytes) -> Verdict {
        let Some((publisher, part)) = publisher::open(&self.chain, body) else {
            return Verdict::Reject;
        };
        let listed = self.list.borrow().get(&publisher).map(|listed| listed.role);
        match listed {
            Some(PeerRole::Region) => {}
            Some(PeerRole::Observer | PeerRole::Bootstrap) | None => return Verdict::Reject,
        }
        let Ok(part) = Codec::<StreamMessage<ProposalPart>>::decode(&ConcordCodec, part) else {
            return Verdict::Reject;
        };
        self.face
            .tell(&NetworkEvent::ProposalPart(peer, to_engine(&publisher), part));
        Verdict::Accept
    }

    /// Heights are for direct peers: whoever hears one never passes it on.
    fn status(&self, peer: EnginePeerId, from: &PeerId, body: Bytes) -> Verdict {
        let Ok(status) = Codec::<sync::Status<ConcordContext>>::decode(&ConcordCodec, body) else {
            return Verdict::Reject;
        };
        if status.peer_id != peer {
            return Verdict::Reject;
        }
        self.saw(status.tip_height);
        let height = status.tip_height.0;
        self.status.send_if_modified(|status| status.told_height(from, height));
        let status = Status::new(status.tip_height, status.history_min_height);
        self.face.tell(&NetworkEvent::Status(peer, status));
        Verdict::Ignore
    }

    fn saw(&self, height: Height) {
        self.seen_height.send_if_modified(|seen| {
            let higher = height.0 > *seen;
            if higher {
                *seen = height.0;
            }
            higher
        });
    }
}

fn thresholds() -> ThresholdParams {
    ThresholdParams::default()
}

/// A certificate that does not hold under the set in force may hold under another: it is ignored, not rejected.
fn quorum(holds: bool, height: Height, set: &ValidatorSet) -> Verdict {
    if holds {
        Verdict::Accept
    } else {
        let regions = set.regions().count();
        tracing::debug!(%height, regions, "a certificate does not hold");
        Verdict::Ignore
    }
}

impl From<SyncFailure> for sync::OutboundFailureReason {
    fn from(failure: SyncFailure) -> Self {
        match failure {
            SyncFailure::Dial => Self::DialFailure,
            SyncFailure::Closed => Self::ConnectionClosed,
            SyncFailure::Timeout => Self::Timeout,
            SyncFailure::Unsupported => Self::UnsupportedProtocols,
            SyncFailure::Io => Self::Io,
        }
    }
}
