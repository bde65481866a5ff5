//! One measured phase: everything is offered, and the clock stops when the last record is in a block on the last node.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use concord_spec::record::{RecordId, SignedRecord};
use concord_tests::api::BatchEntry;
use concord_tests::node::Node;
use concord_tests::usage::cpu_by_thread_name;
use concord_tests::wait::{Seen, until};
use concord_tests::{Api, Cluster, HarnessError, Result, claim};

use crate::figures::percentile;
use crate::offer::{Offer, Pile};

/// After an answer that the pool is full.
const BACK_OFF: Duration = Duration::from_millis(20);
const ENDS_WITHIN: Duration = Duration::from_secs(300);

/// How an offer is made.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Most records a request.
    request: usize,
    /// Records a second over all desks; as fast as they are taken when `None`.
    rate: Option<usize>,
}

impl Shape {
    /// As fast as the nodes take them.
    pub(crate) fn flood(request: usize) -> Self {
        Self { request, rate: None }
    }

    /// One record a request, `rate` a second.
    pub(crate) fn paced(rate: usize) -> Self {
        Self {
            request: 1,
            rate: Some(rate),
        }
    }
}

/// Processor time by thread name.
type Cpu = BTreeMap<String, Duration>;

/// A record that was taken.
#[derive(Debug, Clone, Copy)]
struct Sent {
    node: usize,
    at: Instant,
}

/// When a node announced each height.
#[derive(Debug, Clone, Default)]
struct Listener {
    announced: Arc<Mutex<BTreeMap<u64, Instant>>>,
    over: Arc<AtomicBool>,
}

/// What a phase came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Records, counted in the blocks of every node.
    pub(crate) records: usize,
    /// Blocks that they are in.
    pub(crate) blocks: usize,
    /// From the first request to the last record's block on the last node.
    pub(crate) elapsed: Duration,
    credentials: u64,
    /// From sending a record to the announcement of its sealed block by the node it was sent to; sorted.
    latencies: Vec<Duration>,
    by_node: Vec<(String, Cpu)>,
    own_cpu: Cpu,
}

/// Makes the offer and waits until all of it is committed on every node.
pub(crate) fn run(cluster: &Cluster, offer: Offer, shape: &Shape) -> Result<Outcome> {
    let listeners: Vec<Listener> = cluster
        .nodes()
        .iter()
        .map(|node| Listener::start(node.api().clone()))
        .collect();
    let from = cluster.height()?;
    cluster.await_height(from, ENDS_WITHIN)?;
    let (nodes_before, own_before) = usage(cluster)?;
    let credentials = offer.credentials;
    let began = Instant::now();
    let (sent, last) = submit_all(offer, shape)?;
    let ended = listeners
        .iter()
        .map(|listener| listener.time_of(last))
        .collect::<Result<Vec<_>>>()?;
    let ended = ended.into_iter().max().unwrap_or(began);
    let (nodes_after, own_after) = usage(cluster)?;
    listeners.iter().for_each(Listener::stop);

    let mut heights = HashMap::new();
    for node in cluster.nodes() {
        heights = heights_of(node.api(), from.saturating_add(1), last, &sent)?;
        claim(heights.len() == sent.len(), || {
            format!("{} has {} of {} records", node.region(), heights.len(), sent.len())
        })?;
    }
    let by_node = cluster.nodes().iter().zip(nodes_before.iter().zip(&nodes_after));
    Ok(Outcome {
        records: sent.len(),
        blocks: usize::try_from(last.saturating_sub(from)).unwrap_or(0),
        elapsed: ended.duration_since(began),
        credentials,
        latencies: latencies(&sent, &heights, &listeners)?,
        by_node: by_node
            .map(|(node, (a, b))| (node.region().to_string(), spent(a, b)))
            .collect(),
        own_cpu: spent(&own_before, &own_after),
    })
}

impl Listener {
    fn start(api: Api) -> Self {
        let listener = Self::default();
        let notes = listener.clone();
        std::thread::spawn(move || {
            let listening = api.events(|event| {
                let now = Instant::now();
                let noted = notes
                    .announced
                    .lock()
                    .map(|mut announced| announced.entry(event.height).or_insert(now).elapsed());
                noted.is_ok() && !notes.over.load(Ordering::SeqCst)
            });
            if let Err(error) = listening {
                eprintln!("the event stream cannot be opened: {error}");
            }
        });
        listener
    }

    fn stop(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    fn find(&self, height: u64) -> Option<Instant> {
        self.announced
            .lock()
            .ok()
            .and_then(|announced| announced.get(&height).copied())
    }

    fn time_of(&self, height: u64) -> Result<Instant> {
        until(&format!("block {height} is announced"), ENDS_WITHIN, || {
            Ok(self
                .find(height)
                .map_or_else(|| Seen::NotYet("not yet".to_owned()), Seen::Yes))
        })
    }
}

/// A thread a desk. Returns every record with when and where it was sent, and the height of the last.
fn submit_all(offer: Offer, shape: &Shape) -> Result<(HashMap<RecordId, Sent>, u64)> {
    let desks = offer.piles.len();
    let pause = shape
        .rate
        .map(|rate| Duration::from_secs_f64(desks as f64 / rate.max(1) as f64));
    let request = shape.request;
    let submit = |pile: Pile| std::thread::spawn(move || submit(&pile, request, pause));
    let threads: Vec<_> = offer.piles.into_iter().map(submit).collect();
    let (mut all, mut last) = (HashMap::new(), 0);
    for thread in threads {
        let (sent, height) = thread
            .join()
            .map_err(|_| HarnessError::bytes("a desk", "it panicked"))??;
        all.extend(sent);
        last = last.max(height);
    }
    Ok((all, last))
}

fn submit(pile: &Pile, request: usize, pause: Option<Duration>) -> Result<(Vec<(RecordId, Sent)>, u64)> {
    let mut sent = Vec::with_capacity(pile.records.len());
    let mut rest = pile.records.as_slice();
    let mut due = Instant::now();
    while !rest.is_empty() {
        // An open loop: what is late does not delay what is due.
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        due = pause.map_or(due, |pause| due + pause);
        let (now, _) = rest.split_at(request.min(rest.len()));
        let at = Instant::now();
        let bytes: Vec<&[u8]> = now.iter().map(SignedRecord::bytes).collect();
        let taken = match pile.api.submit_batch(&bytes) {
            Ok(entries) => taken(&entries)?,
            Err(HarnessError::Answer { status: 429 | 503, .. }) => 0,
            Err(error) => return Err(error),
        };
        sent.extend(
            now.iter()
                .take(taken)
                .map(|record| (record.id(), Sent { node: pile.node, at })),
        );
        rest = rest.get(taken..).unwrap_or_default();
        if taken == 0 {
            std::thread::sleep(BACK_OFF);
        }
    }
    // A series is recorded in order: when its last record is, all are.
    let height = match pile.records.last() {
        Some(last) => await_recorded(&pile.api, &last.id())?,
        None => 0,
    };
    Ok((sent, height))
}

/// How many from the first on were taken; a full pool refuses the rest.
fn taken(entries: &[BatchEntry]) -> Result<usize> {
    let taken = entries.iter().take_while(|entry| entry.code.is_none()).count();
    match entries.get(taken).and_then(|entry| entry.code.as_deref()) {
        None | Some("POOL_FULL") => Ok(taken),
        Some(code) => Err(HarnessError::Claim(format!(
            "a record in its order is taken, not refused: {code}"
        ))),
    }
}

fn await_recorded(api: &Api, id: &RecordId) -> Result<u64> {
    until(&format!("record {id} is in a block"), ENDS_WITHIN, || {
        let state = api.record(id, Duration::from_secs(20))?;
        let height = state.as_ref().and_then(|state| state.height);
        Ok(height.map_or_else(|| Seen::NotYet(format!("{state:?}")), Seen::Yes))
    })
}

/// Where this node's blocks have the records, each once.
fn heights_of(api: &Api, from: u64, last: u64, sent: &HashMap<RecordId, Sent>) -> Result<HashMap<RecordId, u64>> {
    let mut heights = HashMap::new();
    for height in from..=last {
        for record in api.block(height)?.records {
            if sent.contains_key(&record.id) {
                let before = heights.insert(record.id, height);
                claim(before.is_none(), || format!("{} is in one block", record.id))?;
            }
        }
    }
    Ok(heights)
}

fn latencies(
    sent: &HashMap<RecordId, Sent>,
    heights: &HashMap<RecordId, u64>,
    listeners: &[Listener],
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(sent.len());
    for (id, sent) in sent {
        let announced = heights
            .get(id)
            .zip(listeners.get(sent.node))
            .and_then(|(height, at)| at.find(*height));
        let announced = announced.ok_or_else(|| HarnessError::bytes("announcement of the block of", id))?;
        latencies.push(announced.saturating_duration_since(sent.at));
    }
    latencies.sort_unstable();
    Ok(latencies)
}

/// Processor time so far of every node, and of this process, which is the offices.
fn usage(cluster: &Cluster) -> Result<(Vec<Cpu>, Cpu)> {
    let pid = |node: &Node| {
        node.pid()
            .ok_or_else(|| HarnessError::bytes("a process", node.region()))
    };
    let nodes = cluster
        .nodes()
        .iter()
        .map(|node| cpu_by_thread_name(pid(node)?))
        .collect::<Result<Vec<_>>>()?;
    Ok((nodes, cpu_by_thread_name(std::process::id())?))
}

fn spent(before: &Cpu, after: &Cpu) -> Cpu {
    let zero = Duration::ZERO;
    after
        .iter()
        .map(|(name, time)| (name.clone(), time.saturating_sub(*before.get(name).unwrap_or(&zero))))
        .collect()
}

fn sum(cpu: &Cpu) -> Duration {
    cpu.values().sum()
}

impl Outcome {
    /// Records a second, committed on all nodes.
    pub(crate) fn records_per_second(&self) -> f64 {
        self.records as f64 / self.elapsed.as_secs_f64()
    }

    /// Credentials a second, committed on all nodes.
    pub(crate) fn credentials_per_second(&self) -> f64 {
        self.records_per_second() * self.credentials as f64
    }

    /// Processor time of all nodes.
    pub(crate) fn node_cpu(&self) -> Duration {
        self.by_node.iter().map(|(_, cpu)| sum(cpu)).sum()
    }

    fn write_cpu(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offices = ("the offices (this process)".to_owned(), self.own_cpu.clone());
        let per_core = |time: Duration| 100.0 * time.as_secs_f64() / self.elapsed.as_secs_f64();
        for (who, cpu) in self.by_node.iter().chain([&offices]) {
            let mut roles: Vec<_> = cpu.iter().filter(|(_, time)| per_core(**time) >= 0.5).collect();
            roles.sort_unstable_by_key(|(_, time)| std::cmp::Reverse(**time));
            let roles: Vec<String> = roles
                .iter()
                .map(|(name, time)| format!("{name} {:.0} %", per_core(**time)))
                .collect();
            writeln!(
                f,
                "  {who:28} {:4.0} % of a core: {}",
                per_core(sum(cpu)),
                roles.join(", ")
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {} records in {} blocks on each of four nodes in {:.2} s: {:.0} records/s, {:.0} credentials/s",
            self.records,
            self.blocks,
            self.elapsed.as_secs_f64(),
            self.records_per_second(),
            self.credentials_per_second(),
        )?;
        let at = |share| percentile(&self.latencies, share).as_secs_f64() * 1e3;
        writeln!(
            f,
            "  submit to seal: median {:.0} ms, p99 {:.0} ms, longest {:.0} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        )?;
        self.write_cpu(f)
    }
}
