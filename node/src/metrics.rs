//! What the node counts, beside the engine, in one registry that `/metrics` shows (DESIGN 3).
//! Not here: what the network counts (`network::metrics`).

use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_app_channel::app::metrics as engine_metrics;
use engine_metrics::SharedRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Everything that is counted, in the engine's registry. Clones are handles of the same.
#[derive(Clone)]
pub struct Metrics {
    registry: SharedRegistry,
    /// The pool's.
    pub pool: PoolMeters,
    /// The API's.
    pub http: HttpMeters,
}

/// What our names begin with, beside those of the engine.
const PREFIX: &str = "concord";

impl Metrics {
    /// Our counters in this registry. What `/metrics` shows is the engine's global registry, which this must be.
    #[must_use]
    pub fn register(registry: &SharedRegistry) -> Self {
        let registered = |registry: &mut Registry| (PoolMeters::register(registry), HttpMeters::register(registry));
        let (pool, http) = registry.with_prefix(PREFIX, registered);
        Self {
            registry: registry.clone(),
            pool,
            http,
        }
    }

    /// For other parts to add theirs.
    pub fn with_registry<T>(&self, add: impl FnOnce(&mut Registry) -> T) -> T {
        self.registry.with_prefix(PREFIX, add)
    }

    /// All of them, as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        engine_metrics::export(&mut text);
        text
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A stable code, such as that of a `Rejection`: their number is bounded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: String,
}

/// Who brought a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OriginLabel {
    origin: &'static str,
}

/// A route of the API, as it is written in its table, and the answer's status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    method: String,
    route: String,
    status: u16,
}

/// What the pool counts. Clones are handles of the same.
#[derive(Debug, Clone)]
pub struct PoolMeters(Arc<PoolParts>);

#[derive(Debug)]
struct PoolParts {
    records: Gauge,
    bytes: Gauge,
    admitted: Family<OriginLabel, Counter>,
    refused: Family<CodeLabel, Counter>,
    fallen: Family<CodeLabel, Counter>,
    not_gossiped: Counter,
    journal: Histogram,
    recorded: Histogram,
    height: Gauge,
    block_time_ms: Gauge,
    committed: Counter,
}

impl Default for PoolMeters {
    fn default() -> Self {
        Self(Arc::new(PoolParts {
            records: Gauge::default(),
            bytes: Gauge::default(),
            admitted: Family::default(),
            refused: Family::default(),
            fallen: Family::default(),
            not_gossiped: Counter::default(),
            journal: Histogram::new(exponential_buckets(0.000_1, 2.0, 14)),
            recorded: Histogram::new(exponential_buckets(0.01, 2.0, 14)),
            height: Gauge::default(),
            block_time_ms: Gauge::default(),
            committed: Counter::default(),
        }))
    }
}

impl PoolMeters {
    /// Counters in this registry.
    pub fn register(registry: &mut Registry) -> Self {
        let meters = Self::default();
        let parts = &meters.0;
        let pool = registry.sub_registry_with_prefix("pool");
        pool.register("records", "Records that wait for a block", parts.records.clone());
        pool.register("bytes", "Bytes of records that wait", parts.bytes.clone());
        pool.register("admitted", "Records let in", parts.admitted.clone());
        pool.register("refused", "Records not let in, by code", parts.refused.clone());
        pool.register(
            "fallen",
            "Records let in that no longer held, by code",
            parts.fallen.clone(),
        );
        pool.register(
            "not_gossiped",
            "Own records that were not gossiped for lack of room",
            parts.not_gossiped.clone(),
        );
        pool.register(
            "journal_seconds",
            "Time of a write to the journal with its sync",
            parts.journal.clone(),
        );
        pool.register(
            "recorded_seconds",
            "Time from letting in to the committed block, own records",
            parts.recorded.clone(),
        );
        let chain = registry.sub_registry_with_prefix("chain");
        chain.register("height", "Height of the last committed block", parts.height.clone());
        chain.register(
            "time_ms",
            "Time of the last committed block, Unix milliseconds",
            parts.block_time_ms.clone(),
        );
        chain.register("records", "Records committed since the start", parts.committed.clone());
        meters
    }

    pub(crate) fn load(&self, records: usize, bytes: usize) {
        self.0.records.set(i64::try_from(records).unwrap_or(i64::MAX));
        self.0.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn admitted(&self, own: bool, count: usize) {
        let origin = if own { "api" } else { "gossip" };
        self.0
            .admitted
            .get_or_create(&OriginLabel { origin })
            .inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(crate) fn refused(&self, code: &str) {
        self.0.refused.get_or_create(&CodeLabel { code: code.to_owned() }).inc();
    }

    pub(crate) fn fell(&self, code: &str) {
        self.0.fallen.get_or_create(&CodeLabel { code: code.to_owned() }).inc();
    }

    pub(crate) fn not_gossiped(&self) {
        self.0.not_gossiped.inc();
    }

    pub(crate) fn journaled(&self, took: Duration) {
        self.0.journal.observe(took.as_secs_f64());
    }

    pub(crate) fn committed(&self, height: u64, time_ms: u64, records: usize) {
        self.0.height.set(i64::try_from(height).unwrap_or(i64::MAX));
        self.0.block_time_ms.set(i64::try_from(time_ms).unwrap_or(i64::MAX));
        self.0.committed.inc_by(u64::try_from(records).unwrap_or(u64::MAX));
    }

    pub(crate) fn recorded(&self, took: Duration) {
        self.0.recorded.observe(took.as_secs_f64());
    }
}

/// What the API counts. Clones are handles of the same.
#[derive(Debug, Clone)]
pub struct HttpMeters(Arc<HttpParts>);

#[derive(Debug)]
struct HttpParts {
    requests: Family<RouteLabel, Counter>,
    seconds: Histogram,
    connections: Gauge,
    bundle_seconds: Histogram,
}

impl Default for HttpMeters {
    fn default() -> Self {
        Self(Arc::new(HttpParts {
            requests: Family::default(),
            seconds: Histogram::new(exponential_buckets(0.000_5, 2.0, 17)),
            connections: Gauge::default(),
            bundle_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 15)),
        }))
    }
}

impl HttpMeters {
    /// Counters in this registry.
    pub fn register(registry: &mut Registry) -> Self {
        let meters = Self::default();
        let parts = &meters.0;
        let http = registry.sub_registry_with_prefix("http");
        http.register(
            "requests",
            "Requests answered, by route and status",
            parts.requests.clone(),
        );
        http.register(
            "seconds",
            "Time to answer a request, long polls included",
            parts.seconds.clone(),
        );
        http.register("connections", "Connections that are open", parts.connections.clone());
        http.register(
            "bundle_seconds",
            "Time to build a trust bundle",
            parts.bundle_seconds.clone(),
        );
        meters
    }

    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let label = RouteLabel {
            method: method.to_owned(),
            route: route.to_owned(),
            status,
        };
        self.0.requests.get_or_create(&label).inc();
        self.0.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn connected(&self) {
        self.0.connections.inc();
    }

    pub(crate) fn disconnected(&self) {
        self.0.connections.dec();
    }

    pub(crate) fn built_bundle(&self, took: Duration) {
        self.0.bundle_seconds.observe(took.as_secs_f64());
    }
}
