//! What the network counts, in the registry that `/metrics` shows (DESIGN 3, one registry for engine and node).

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::topics::Topic;

/// A topic as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TopicLabel {
    topic: TopicName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
enum TopicName {
    Consensus,
    Liveness,
    Parts,
    Records,
    Status,
}

impl From<Topic> for TopicLabel {
    fn from(topic: Topic) -> Self {
        let topic = match topic {
            Topic::Consensus => TopicName::Consensus,
            Topic::Liveness => TopicName::Liveness,
            Topic::Parts => TopicName::Parts,
            Topic::Records => TopicName::Records,
            Topic::Status => TopicName::Status,
        };
        Self { topic }
    }
}

type PerTopic = Family<TopicLabel, Counter>;

/// Counters and gauges; clones share their values.
#[derive(Debug, Clone, Default)]
pub(super) struct Meters {
    /// Listed peers that have said hello.
    pub(super) peers: Gauge,
    /// Connections turned away before their handshake.
    pub(super) turned_away: Counter<u64, AtomicU64>,
    /// Connections closed right behind their handshake.
    pub(super) not_admitted: Counter<u64, AtomicU64>,
    /// Hellos refused, by us or by the peer.
    pub(super) refused: Counter<u64, AtomicU64>,
    /// Bytes of gossip published by us, before they are multiplied by peers.
    pub(super) published_bytes: PerTopic,
    /// Messages of gossip that arrived, duplicates left out.
    pub(super) received: PerTopic,
    /// Bytes of gossip that arrived, duplicates left out.
    pub(super) received_bytes: PerTopic,
    /// Messages that were judged wrong.
    pub(super) rejected: PerTopic,
    /// Messages that were dropped because a queue was full.
    pub(super) dropped: PerTopic,
}

impl Meters {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let meters = Self::default();
        let registry = registry.sub_registry_with_prefix("concord_network");
        registry.register("peers", "Peers that have said hello", meters.peers.clone());
        registry.register(
            "turned_away",
            "Connections turned away before their handshake",
            meters.turned_away.clone(),
        );
        registry.register(
            "not_admitted",
            "Connections closed by the allow-list, right behind their handshake",
            meters.not_admitted.clone(),
        );
        registry.register("refused", "Hellos refused", meters.refused.clone());
        for (name, help, family) in [
            (
                "gossip_published_bytes",
                "Bytes of gossip published, once for all peers",
                &meters.published_bytes,
            ),
            (
                "gossip_received",
                "Messages of gossip received, without duplicates",
                &meters.received,
            ),
            (
                "gossip_received_bytes",
                "Bytes of gossip received, without duplicates",
                &meters.received_bytes,
            ),
            ("gossip_rejected", "Messages of gossip judged wrong", &meters.rejected),
            (
                "gossip_dropped",
                "Messages of gossip dropped, a queue was full",
                &meters.dropped,
            ),
        ] {
            registry.register(name, help, family.clone());
        }
        meters
    }

    pub(super) fn published(&self, topic: Topic, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.published_bytes.get_or_create(&topic.into()).inc_by(bytes);
    }

    pub(super) fn arrived(&self, topic: Topic, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.received.get_or_create(&topic.into()).inc();
        self.received_bytes.get_or_create(&topic.into()).inc_by(bytes);
    }
}
