//! A proposed block on its way to the other regions: parts of a stream (DESIGN 5).
//!
//! A stream is `Init, Data.., Fin`, numbered from 0. Only `Fin` is signed, over all that came before it, so nothing of a
//! stream is believed, judged or written before it is whole. What is collected until then is bounded by count and bytes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

use arc_malachitebft_app_channel::app::consensus::HIDDEN_LOCK_ROUND;
use arc_malachitebft_app_channel::app::streaming::StreamContent;
use arc_malachitebft_app_channel::app::types::PeerId;
use arc_malachitebft_app_channel::app::types::core::{self, Round};
use arc_malachitebft_app_channel::app::types::streaming::{StreamId, StreamMessage};
use bytes::Bytes;
use concord_spec::id::RegionId;

use super::codec::encode_init;
use super::context::{ConcordContext, Height};
use super::signing::{NoKey, RegionSigner, RegionVerifier, VoteKey, VoteSignature};
use super::value::MAX_BODY;

/// Most bytes of a body in one part.
pub const MAX_CHUNK: usize = 64 * 1024;
/// Most parts of a stream: the chunks of the largest body, the first part and the last.
pub const MAX_PARTS: u64 = 66;
/// Most bytes of a stream's id.
pub const MAX_STREAM_ID: usize = 32;
/// Most unfinished streams of one publisher; more push out its oldest.
const MAX_STREAMS: usize = 4;
/// Most publishers with unfinished streams: more than may ever be connected.
const MAX_PUBLISHERS: usize = 1024;

/// A part of a proposed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalPart {
    /// What the stream is about.
    Init(PartInit),
    /// The next bytes of the body, 1 to [`MAX_CHUNK`] of them.
    Data(Bytes),
    /// The proposer's signature over the first part and the body.
    Fin(VoteSignature),
}

/// The first part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInit {
    /// Height of the block.
    pub height: Height,
    /// Round it is proposed in.
    pub round: Round,
    /// For a block proposed again: the round in which more than two thirds prevoted for it.
    pub valid_round: Round,
    /// The region whose turn it is in this round. It need not be the one that built the block, if that is proposed again.
    pub proposer: RegionId,
    /// The region that sends the stream and signs its last part: the proposer, or, in a late round ([`LATE_ROUND`]), one
    /// that passes on a block that others may lack.
    pub sender: RegionId,
}

/// From this round on the engine lets every region stream a block that it holds a polka for, not only the proposer.
pub const LATE_ROUND: Round = HIDDEN_LOCK_ROUND;

impl core::ProposalPart<ConcordContext> for ProposalPart {
    fn is_first(&self) -> bool {
        matches!(self, Self::Init(_))
    }

    fn is_last(&self) -> bool {
        matches!(self, Self::Fin(_))
    }
}

/// Splits a body into the messages of one stream, signed.
///
/// # Errors
/// No consensus key is in force at the height.
pub fn stream(
    init: PartInit,
    body: &Bytes,
    id: &StreamId,
    signer: &RegionSigner,
) -> Result<Vec<StreamMessage<ProposalPart>>, NoKey> {
    let signature = signer.sign_parts(init.height, &encode_init(&init), body)?;
    let chunks = (0..body.len()).step_by(MAX_CHUNK).map(|start| {
        let end = body.len().min(start.saturating_add(MAX_CHUNK));
        ProposalPart::Data(body.slice(start..end))
    });
    let parts = std::iter::once(ProposalPart::Init(init))
        .chain(chunks)
        .chain([ProposalPart::Fin(signature)]);
    Ok((0..)
        .zip(parts)
        .map(|(n, part)| StreamMessage::new(id.clone(), n, StreamContent::Data(part)))
        .collect())
}

/// A block that arrived whole and is signed by the region whose turn it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// What the stream is about.
    pub init: PartInit,
    /// The block's body.
    pub body: Bytes,
}

/// Streams that are arriving. A stream is known by its publisher and its id.
#[derive(Debug, Default)]
pub struct Streams {
    by_publisher: HashMap<PeerId, VecDeque<(StreamId, Collected)>>,
}

#[derive(Debug, Default)]
struct Collected {
    parts: BTreeMap<u64, ProposalPart>,
    bytes: usize,
    /// Number of the last part, once that has come.
    last: Option<u64>,
}

/// Why a stream was dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// More parts or bytes than a block may have, or a part in the wrong place.
    #[error("the stream is malformed or larger than a block")]
    Malformed,
    /// A height that is past or too far ahead, a proposer whose turn it is not, or a sender that is not the proposer.
    #[error("region {sender} may not stream a block of height {height}, round {round}")]
    NotItsTurn {
        /// The region that sends it.
        sender: RegionId,
        /// For this height.
        height: Height,
        /// And this round.
        round: Round,
    },
    /// The signature is not the sender's.
    #[error("the stream is not signed by region {0}")]
    Forged(RegionId),
    /// More publishers than may be connected.
    #[error("streams of too many publishers are unfinished")]
    TooMany,
}

impl Streams {
    /// Takes a part. Answers with the block when this part makes its stream whole.
    ///
    /// `sender_key` says by which key a stream with this first part must be signed: none if such a stream is not wanted.
    ///
    /// # Errors
    /// The stream is refused and forgotten; see [`StreamError`].
    pub fn take(
        &mut self,
        publisher: PeerId,
        message: StreamMessage<ProposalPart>,
        verifier: &RegionVerifier,
        sender_key: impl FnOnce(&PartInit) -> Option<VoteKey>,
    ) -> Result<Option<Streamed>, StreamError> {
        let StreamContent::Data(part) = message.content else {
            return Ok(None);
        };
        if self.by_publisher.len() >= MAX_PUBLISHERS && !self.by_publisher.contains_key(&publisher) {
            return Err(StreamError::TooMany);
        }
        let streams = self.by_publisher.entry(publisher).or_default();
        let index = streams
            .iter()
            .position(|(id, _)| *id == message.stream_id)
            .unwrap_or_else(|| {
                if streams.len() >= MAX_STREAMS {
                    streams.pop_front();
                }
                streams.push_back((message.stream_id.clone(), Collected::default()));
                streams.len().saturating_sub(1)
            });
        let Some((_, collected)) = streams.get_mut(index) else {
            return Ok(None);
        };
        let outcome = match collected.put(message.sequence, part) {
            Ok(false) => return Ok(None),
            Ok(true) => collected.finish(verifier, sender_key).map(Some),
            Err(error) => Err(error),
        };
        streams.remove(index);
        if streams.is_empty() {
            self.by_publisher.remove(&publisher);
        }
        outcome
    }

    /// Forgets streams of blocks up to this height, which is decided.
    pub fn forget_up_to(&mut self, height: Height) {
        self.by_publisher.retain(|_, streams| {
            streams.retain(|(_, collected)| collected.height().is_none_or(|of| of > height));
            !streams.is_empty()
        });
    }
}

impl Collected {
    fn height(&self) -> Option<Height> {
        match self.parts.get(&0) {
            Some(ProposalPart::Init(init)) => Some(init.height),
            Some(ProposalPart::Data(_) | ProposalPart::Fin(_)) | None => None,
        }
    }

    /// Keeps a part; says whether the stream is whole now. A part that is there already stays as it was.
    fn put(&mut self, sequence: u64, part: ProposalPart) -> Result<bool, StreamError> {
        if sequence >= MAX_PARTS || matches!(part, ProposalPart::Init(_)) != (sequence == 0) {
            return Err(StreamError::Malformed);
        }
        if let Entry::Vacant(slot) = self.parts.entry(sequence) {
            match &part {
                ProposalPart::Data(chunk) => self.bytes = self.bytes.saturating_add(chunk.len()),
                ProposalPart::Fin(_) => self.last = Some(sequence),
                ProposalPart::Init(_) => {}
            }
            slot.insert(part);
        }
        if self.bytes > MAX_BODY {
            return Err(StreamError::Malformed);
        }
        // The numbers are distinct and start at 0, so the stream is whole when it holds as many as its last number says.
        Ok(self
            .last
            .is_some_and(|last| u64::try_from(self.parts.len()) == Ok(last.saturating_add(1))))
    }

    fn finish(
        &mut self,
        verifier: &RegionVerifier,
        sender_key: impl FnOnce(&PartInit) -> Option<VoteKey>,
    ) -> Result<Streamed, StreamError> {
        let mut parts = std::mem::take(&mut self.parts).into_values();
        let Some(ProposalPart::Init(init)) = parts.next() else {
            return Err(StreamError::Malformed);
        };
        let mut body = Vec::with_capacity(self.bytes);
        let mut signature = None;
        for part in parts {
            match part {
                ProposalPart::Data(chunk) if signature.is_none() => body.extend_from_slice(&chunk),
                ProposalPart::Fin(found) if signature.is_none() => signature = Some(found),
                ProposalPart::Data(_) | ProposalPart::Fin(_) | ProposalPart::Init(_) => {
                    return Err(StreamError::Malformed);
                }
            }
        }
        let signature = signature.ok_or(StreamError::Malformed)?;
        let key = sender_key(&init).ok_or(StreamError::NotItsTurn {
            sender: init.sender.clone(),
            height: init.height,
            round: init.round,
        })?;
        if !verifier.parts_are_signed(&encode_init(&init), &body, &signature, &key) {
            return Err(StreamError::Forged(init.sender));
        }
        Ok(Streamed {
            init,
            body: body.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use concord_spec::digest::Digest;
    use zeroize::Zeroizing;

    use super::super::signing::OneKey;
    use super::*;

    fn init() -> PartInit {
        PartInit {
            height: Height(2),
            round: Round::new(0),
            valid_round: Round::Nil,
            proposer: "330000".parse().unwrap(),
            sender: "330000".parse().unwrap(),
        }
    }

    fn key() -> VoteKey {
        VoteKey::from_bytes(
            ed25519_dalek::SigningKey::from_bytes(&[1; 32])
                .verifying_key()
                .to_bytes(),
        )
        .unwrap()
    }

    fn messages(body: &Bytes) -> Vec<StreamMessage<ProposalPart>> {
        let signer = RegionSigner::new(
            std::sync::Arc::new(OneKey::new(&Zeroizing::new([1; 32]))),
            Digest([1; 32]),
        );
        stream(init(), body, &StreamId::new(Bytes::from_static(b"s")), &signer).unwrap()
    }

    fn take(streams: &mut Streams, message: StreamMessage<ProposalPart>) -> Result<Option<Streamed>, StreamError> {
        streams.take(
            PeerId::from_bytes(&peer()).unwrap(),
            message,
            &RegionVerifier::new(Digest([1; 32])),
            |_| Some(key()),
        )
    }

    fn peer() -> Vec<u8> {
        let mut bytes = vec![0, 36];
        bytes.extend([8; 36]);
        bytes
    }

    #[test]
    fn a_body_arrives_whole_in_any_order_of_its_parts() {
        for len in [0, 1, MAX_CHUNK, MAX_CHUNK + 1, MAX_BODY] {
            let body: Bytes = vec![7; len].into();
            let mut messages = messages(&body);
            messages.rotate_left(1);
            messages.reverse();
            let last = messages.pop().unwrap();
            let mut streams = Streams::default();
            for message in messages {
                assert_eq!(take(&mut streams, message.clone()), Ok(None));
                assert_eq!(take(&mut streams, message), Ok(None), "a repeated part changes nothing");
            }
            assert_eq!(take(&mut streams, last), Ok(Some(Streamed { init: init(), body })));
        }
    }

    #[test]
    fn a_stream_with_a_changed_byte_is_forged() {
        let mut messages = messages(&vec![7; 100].into());
        messages[1].content = StreamContent::Data(ProposalPart::Data(vec![8; 100].into()));
        let mut streams = Streams::default();
        let outcomes: Vec<_> = messages
            .into_iter()
            .map(|message| take(&mut streams, message))
            .collect();
        assert_eq!(outcomes[2], Err(StreamError::Forged(init().sender)));
    }

    #[test]
    fn a_stream_longer_than_a_block_is_dropped() {
        let chunk = StreamContent::Data(ProposalPart::Data(vec![7; MAX_CHUNK].into()));
        let mut streams = Streams::default();
        let id = StreamId::new(Bytes::from_static(b"s"));
        for n in 1..=64 {
            assert_eq!(
                take(&mut streams, StreamMessage::new(id.clone(), n, chunk.clone())),
                Ok(None)
            );
        }
        let more = StreamMessage::new(id.clone(), 65, chunk.clone());
        assert_eq!(take(&mut streams, more), Err(StreamError::Malformed));
        assert_eq!(
            take(&mut streams, StreamMessage::new(id, 66, chunk)),
            Err(StreamError::Malformed)
        );
    }

    #[test]
    fn a_publisher_holds_no_more_than_its_streams() {
        let mut streams = Streams::default();
        for id in 0..100_u8 {
            let id = StreamId::new(vec![id].into());
            let part = StreamContent::Data(ProposalPart::Data(vec![7; 10].into()));
            assert_eq!(take(&mut streams, StreamMessage::new(id, 1, part)), Ok(None));
        }
        assert_eq!(
            streams.by_publisher.values().map(VecDeque::len).sum::<usize>(),
            MAX_STREAMS
        );
    }
}
