//! Gossip: the topics of one chain, their bounds, and how a message is framed (DESIGN 5, "One network").
//! Every message is judged by us before it is forwarded or handed on; `judge` does that.
//!
//! A message is eight bytes that make it new, then its body. Without them a vote that the engine sends again within a minute would be
//! dropped as a duplicate, and a peer that was away would never get it. There is no author and no signature around it: votes, parts and
//! records carry their own, and Noise tells us who handed it over.

use std::{fmt, time::Duration};

use bytes::Bytes;
use libp2p::gossipsub::{
    self, IdentTopic, IdentityTransform, MessageAuthenticity, MessageId, TopicHash, ValidationMode,
    WhitelistSubscriptionFilter,
};
use minicbor::{Decoder, Encoder};
use sha2::{Digest, Sha256};

use super::{NetworkError, hello::ChainId};

/// Bytes of a gossip message with records, at most.
pub const MAX_RECORDS_MESSAGE: usize = 1024 * 1024;
/// Records in one gossip message, at most.
pub const MAX_RECORDS_PER_MESSAGE: usize = 4096;
/// Bytes of a proposal part, at most.
pub const MAX_PART: usize = 128 * 1024;
/// Bytes of a vote or proposal, at most.
pub const MAX_CONSENSUS_MESSAGE: usize = 16 * 1024;

const MAX_LIVENESS_MESSAGE: usize = 64 * 1024;
const MAX_STATUS: usize = 1024;
const FRESHNESS_BYTES: usize = 8;
/// What the gossip protocol adds to a message: field tags and the topic.
const GOSSIP_FRAME: usize = 256;
const MESSAGE_ID_BYTES: usize = 16;

/// The start of the chain id in hexadecimal (16 bytes of 32): part of every topic and protocol name, so that two chains share none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainTag(String);

impl From<&ChainId> for ChainTag {
    fn from(chain: &ChainId) -> Self {
        let (tag, _) = chain.split_at(16);
        Self(hex::encode(tag))
    }
}

impl fmt::Display for ChainTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is gossiped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    /// Votes and proposals.
    Consensus,
    /// Votes sent again, certificates of rounds.
    Liveness,
    /// Parts of a proposed block.
    Parts,
    /// Records on their way to all pools.
    Records,
    /// Heights, told to direct peers only and never forwarded.
    Status,
}

impl Topic {
    pub(super) const ALL: [Self; 5] = [
        Self::Consensus,
        Self::Liveness,
        Self::Parts,
        Self::Records,
        Self::Status,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Liveness => "liveness",
            Self::Parts => "parts",
            Self::Records => "records",
            Self::Status => "status",
        }
    }

    /// Bytes of a body, at most.
    pub(super) fn max_body(self) -> usize {
        match self {
            Self::Consensus => MAX_CONSENSUS_MESSAGE,
            Self::Liveness => MAX_LIVENESS_MESSAGE,
            Self::Parts => MAX_PART,
            Self::Records => MAX_RECORDS_MESSAGE,
            Self::Status => MAX_STATUS,
        }
    }

    pub(super) fn of(self, chain: &ChainTag) -> IdentTopic {
        IdentTopic::new(format!("/concord/{chain}/{}", self.name()))
    }
}

/// The gossip behaviour.
pub(super) type Gossip = gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;

/// Gossip on this chain's topics, subscribed to all of them.
pub(super) fn gossip(chain: &ChainTag) -> Result<Gossip, NetworkError> {
    let hashes = Topic::ALL.iter().map(|topic| topic.of(chain).hash());
    let mut gossip = Gossip::new_with_subscription_filter(
        MessageAuthenticity::Anonymous,
        config(chain)?,
        WhitelistSubscriptionFilter(hashes.collect()),
    )
    .map_err(|error| NetworkError::Behaviour(error.to_owned()))?;
    for topic in Topic::ALL {
        gossip
            .subscribe(&topic.of(chain))
            .map_err(|error| NetworkError::Behaviour(error.to_string()))?;
    }
    Ok(gossip)
}

/// A federation is 4 to 40 nodes that are all connected to each other: what we publish goes to every peer at once, and the mesh
/// repairs what a broken link loses.
fn config(chain: &ChainTag) -> Result<gossipsub::Config, NetworkError> {
    let mut config = gossipsub::ConfigBuilder::default();
    config
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .flood_publish(true)
        .message_id_fn(message_id)
        .heartbeat_initial_delay(Duration::from_millis(200))
        .heartbeat_interval(Duration::from_secs(1))
        .history_length(4)
        .history_gossip(2)
        .connection_handler_queue_len(1024)
        .max_messages_per_rpc(Some(64))
        .max_transmit_size(MAX_RECORDS_MESSAGE + FRESHNESS_BYTES + GOSSIP_FRAME);
    for topic in Topic::ALL {
        let max = topic.max_body() + FRESHNESS_BYTES + GOSSIP_FRAME;
        config.max_transmit_size_for_topic(max, topic.of(chain).hash());
    }
    config
        .build()
        .map_err(|error| NetworkError::Behaviour(error.to_string()))
}

// Cryptographic on purpose: with a weaker hash a member could forge a message with the id of another's vote and have that dropped
// as a duplicate.
fn message_id(message: &gossipsub::Message) -> MessageId {
    let mut hash = Sha256::new();
    hash.update(message.topic.as_str().as_bytes());
    hash.update(&message.data);
    let digest: [u8; 32] = hash.finalize().into();
    let (id, _) = digest.split_at(MESSAGE_ID_BYTES);
    MessageId::new(id)
}

/// Gives each message its own freshness bytes.
#[derive(Debug)]
pub(super) struct Framing {
    next: u64,
}

impl Framing {
    /// Starts at a random place, so that a restarted node does not repeat itself.
    pub(super) fn new() -> Self {
        Self { next: rand::random() }
    }

    /// The bytes to gossip for this body.
    pub(super) fn frame(&mut self, body: &[u8]) -> Vec<u8> {
        self.next = self.next.wrapping_add(1);
        let mut data = Vec::with_capacity(FRESHNESS_BYTES.saturating_add(body.len()));
        data.extend_from_slice(&self.next.to_be_bytes());
        data.extend_from_slice(body);
        data
    }
}

/// The body of a gossiped message, if it is within the topic's bound.
pub(super) fn unframe(topic: Topic, data: Vec<u8>) -> Option<Bytes> {
    let mut body = Bytes::from(data);
    if body.len() < FRESHNESS_BYTES {
        return None;
    }
    let body = body.split_off(FRESHNESS_BYTES);
    (body.len() <= topic.max_body()).then_some(body)
}

/// Finds the topic of a message.
#[derive(Debug)]
pub(super) struct TopicNames([(TopicHash, Topic); 5]);

impl TopicNames {
    pub(super) fn new(chain: &ChainTag) -> Self {
        Self(Topic::ALL.map(|topic| (topic.of(chain).hash(), topic)))
    }

    pub(super) fn topic(&self, hash: &TopicHash) -> Option<Topic> {
        let found = self.0.iter().find(|(known, _)| known == hash);
        found.map(|(_, topic)| *topic)
    }

    pub(super) fn hash(&self, topic: Topic) -> TopicHash {
        let found = self.0.iter().find(|(_, known)| *known == topic);
        found.map_or_else(|| TopicHash::from_raw(topic.name()), |(hash, _)| hash.clone())
    }
}

/// Records as one message: a CBOR array of byte strings.
pub(super) fn encode_records(records: &[Bytes]) -> Vec<u8> {
    let size: usize = records.iter().map(|record| record.len() + 5).sum();
    let mut encoder = Encoder::new(Vec::with_capacity(size + 9));
    let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
    // Writing to memory has no error.
    if encoder.array(count).is_ok() {
        for record in records {
            let _infallible = encoder.bytes(record);
        }
    }
    encoder.into_writer()
}

/// The records of a message; `None` when it is not an array of at most 4,096 byte strings, shortest form, nothing behind it.
pub(super) fn decode_records(message: &Bytes) -> Option<Vec<Bytes>> {
    let mut decoder = Decoder::new(message);
    let count = usize::try_from(decoder.array().ok()??).ok()?;
    // Each record takes at least a byte, so a count beyond the message is a lie told before anything is allocated.
    if count == 0 || count > MAX_RECORDS_PER_MESSAGE || count > message.len() {
        return None;
    }
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        records.push(message.slice_ref(decoder.bytes().ok()?));
    }
    (decoder.position() == message.len()).then_some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_chains_share_no_topic() {
        let (one, other) = (ChainTag::from(&[1; 32]), ChainTag::from(&[2; 32]));
        let names = TopicNames::new(&one);
        for topic in Topic::ALL {
            assert_eq!(names.topic(&topic.of(&one).hash()), Some(topic));
            assert_eq!(names.topic(&topic.of(&other).hash()), None);
        }
    }

    #[test]
    fn the_same_vote_sent_again_is_another_message() {
        let mut framing = Framing::new();
        let (first, again) = (framing.frame(b"vote"), framing.frame(b"vote"));
        assert_ne!(first, again);
        assert_eq!(unframe(Topic::Consensus, first).unwrap(), "vote");
        assert_eq!(unframe(Topic::Consensus, again).unwrap(), "vote");
    }

    #[test]
    fn a_body_over_its_bound_is_no_message() {
        let mut framing = Framing::new();
        for topic in Topic::ALL {
            let full = framing.frame(&vec![0; topic.max_body()]);
            let over = framing.frame(&vec![0; topic.max_body() + 1]);
            assert!(unframe(topic, full).is_some(), "{topic:?}");
            assert!(unframe(topic, over).is_none(), "{topic:?}");
        }
        assert!(unframe(Topic::Records, vec![1; FRESHNESS_BYTES - 1]).is_none());
    }

    #[test]
    fn records_come_back_and_nothing_else_is_taken_for_them() {
        let records = vec![Bytes::from_static(b"one"), Bytes::from(vec![7; 500])];
        let message = Bytes::from(encode_records(&records));
        assert_eq!(decode_records(&message).unwrap(), records);
        for end in 0..message.len() {
            assert_eq!(decode_records(&message.slice(..end)), None);
        }
        let mut longer = message.to_vec();
        longer.push(0);
        assert_eq!(decode_records(&longer.into()), None);
        let bomb = [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(decode_records(&Bytes::copy_from_slice(&bomb)), None);
    }
}
