//! The record pool: checks records, promises each a fate, keeps them until a block has them (DESIGN 5).
//!
//! ```text
//! submit -> admission: decode -> known? -> signatures in batches -> rules on what is ahead -> journal -> 202
//!           candidates -> (a block) -> committed: recorded, or fallen -> journal -> a fate that anyone can read
//! ```
//!
//! 202 means: the record ends in exactly one block, or in a rejection or expiry that is on this node's disk.
//! Records that peers gossip are checked alike, but nothing is promised about them.
//!
//! In the order of the data: [`view`] the chain as we see it, [`signatures`] what was verified before, `pending` order, shares and
//! rules, [`fate`] what becomes of a record, [`journal`] both on disk, `admission` the one thread that lets records in.
//! Not here: the API (`http`), blocks (`chain`), gossip (`network`).

mod admission;
mod disk;
pub mod fate;
pub mod journal;
mod pending;
pub mod signatures;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc as jobs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use concord_spec::block::Block;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, UnixMillis};
use concord_spec::ledger::{LedgerState, Rejection};
use concord_spec::record::{RecordId, SignedRecord};
use tokio::sync::{Notify, broadcast, mpsc, oneshot};

use crate::metrics::PoolMeters;
use admission::{Admission, Job, Origin, Settling};
use disk::DiskGuard;
use fate::RecentFates;
pub use fate::{Fate, Recorded, Verdict};
use journal::{Journal, JournalError, JournalOptions};
use pending::{Change, Pending};
pub use signatures::SignatureCache;
pub use view::{ChainError, ChainView, Position, RecentBlocks, SealedBlock};

/// How much the pool holds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most records that wait.
    pub records: usize,
    /// Most bytes of all of them.
    pub bytes: usize,
    /// With fewer bytes free on the journal's disk, no record is taken.
    pub low_water_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records: 65_536,
            bytes: 64 << 20,
            low_water_bytes: 512 << 20,
        }
    }
}

/// Records that may wait for admission; what comes beyond is refused at once.
const MAX_QUEUED: usize = 16_384;
/// Own records that may wait to be gossiped; what comes beyond is proposed by this node alone.
const MAX_GOSSIP: usize = 16_384;
/// Blocks that an observer may be behind before it misses some.
const MAX_EVENTS: usize = 64;

/// What the pool needs to open.
#[derive(Debug)]
pub struct PoolConfig {
    /// Directory of the journal.
    pub journal: PathBuf,
    /// How much it holds.
    pub limits: Limits,
    /// What it counts.
    pub meters: PoolMeters,
    /// The clock: [`system_clock`].
    pub clock: Clock,
}

/// Says what time it is, in Unix milliseconds.
pub type Clock = fn() -> UnixMillis;

/// The machine's clock.
#[must_use]
pub fn system_clock() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Why the pool does not open.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The journal cannot be read or written.
    #[error("the pool's journal: {0}")]
    Journal(#[from] JournalError),
    /// The chain cannot be read.
    #[error("the pool: {0}")]
    Chain(#[from] ChainError),
    /// A thread cannot be started.
    #[error("the pool's thread: {0}")]
    Thread(std::io::Error),
}

/// A record that is known to the pool or the chain, and owed a fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub id: RecordId,
    /// What became of it.
    pub fate: Fate,
    /// Whether it was not known before.
    pub new: bool,
}

/// A record that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its id, where it can be read.
    pub id: Option<RecordId>,
    /// Why.
    pub why: Refusal,
}

/// Why a record is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It breaks a rule.
    #[error(transparent)]
    Rejected(Rejection),
    /// No room, for anyone or for its region.
    #[error("too many records are waiting; send it again in a few seconds")]
    PoolFull,
    /// The disk is nearly full.
    #[error("this node's disk is nearly full; send it to another node")]
    DiskLow,
    /// The journal failed: nothing can be promised.
    #[error("this node cannot write to its disk; send it to another node")]
    DiskFailed,
    /// The chain cannot be read, and so it is not known whether it is recorded already.
    #[error("this node cannot read its disk; send it to another node")]
    ChainUnreadable,
    /// The node is stopping.
    #[error("this node is stopping; send it to another node or try again later")]
    Stopping,
}

impl Refusal {
    /// The stable code: that of the rejection, or of the node's condition.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::PoolFull => "POOL_FULL",
            Self::DiskLow => "DISK_LOW",
            Self::DiskFailed => "DISK_FAILED",
            Self::ChainUnreadable => "CHAIN_UNREADABLE",
            Self::Stopping => "STOPPING",
        }
    }

    /// After how many seconds it may go better; none for a record that breaks a rule.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Rejected(_) => None,
            Self::PoolFull => Some(2),
            Self::DiskLow | Self::DiskFailed | Self::ChainUnreadable => Some(60),
            Self::Stopping => Some(10),
        }
    }
}

/// What gossiped records turned out to be, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gossip {
    /// At least one is new and holds, none is bad: worth handing on.
    New,
    /// Nothing new, or no room.
    Useless,
    /// At least one is no record, or forged: whoever sent them did not check them.
    Bad,
}

/// A committed block, for observers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockEvent {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: Digest,
    /// Its time.
    pub time: UnixMillis,
    /// How many records it has.
    pub records: usize,
}

/// Records and bytes that wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Records.
    pub records: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// The record pool. Shared by reference; [`Pool::close`] when done.
pub struct Pool {
    shared: Arc<Shared>,
    jobs: jobs::Sender<Job>,
    gossip: Mutex<Option<mpsc::Receiver<Bytes>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the admission thread and all callers hold.
struct Shared {
    chain: Arc<dyn ChainView>,
    blocks: RecentBlocks,
    signatures: Arc<SignatureCache>,
    journal: Journal,
    inner: Mutex<Inner>,
    disk: DiskGuard,
    meters: PoolMeters,
    clock: Clock,
    queued: AtomicUsize,
    stopping: AtomicBool,
    failed: AtomicBool,
    came: Notify,
    events: broadcast::Sender<BlockEvent>,
    to_gossip: mpsc::Sender<Bytes>,
}

struct Inner {
    pending: Pending,
    /// Records whose end is not on disk yet: till then they are said to be pending.
    settling: HashSet<RecordId>,
    recent: RecentFates,
    waiters: HashMap<RecordId, Vec<oneshot::Sender<Fate>>>,
}

impl Pool {
    /// Opens the pool on the chain as it stands: what was promised before a restart waits again, or has its fate.
    ///
    /// # Errors
    /// The journal or the chain cannot be read, or the journal cannot be written.
    pub fn open(
        config: PoolConfig,
        chain: Arc<dyn ChainView>,
        signatures: Arc<SignatureCache>,
    ) -> Result<Self, PoolError> {
        let (journal, opened) = Journal::open(&config.journal, JournalOptions::default())?;
        if let Some(file) = &opened.cut_file {
            tracing::warn!(bytes = opened.cut_bytes, file = %file.display(), "cut off what was not promised");
        }
        let (to_gossip, gossip) = mpsc::channel(MAX_GOSSIP);
        let (jobs, queue) = jobs::channel();
        let pending = Pending::new(chain.state(), config.limits);
        let inner = Inner {
            pending,
            settling: HashSet::new(),
            recent: RecentFates::default(),
            waiters: HashMap::new(),
        };
        let shared = Arc::new(Shared {
            blocks: RecentBlocks::new(Arc::clone(&chain)),
            chain,
            signatures,
            journal,
            inner: Mutex::new(inner),
            disk: DiskGuard::new(config.journal, config.limits.low_water_bytes),
            meters: config.meters,
            clock: config.clock,
            queued: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            came: Notify::new(),
            events: broadcast::Sender::new(MAX_EVENTS),
            to_gossip,
        });
        let admission = Admission::new(Arc::clone(&shared));
        admission.recover()?;
        let thread = std::thread::Builder::new().name("admission".into());
        let thread = thread.spawn(move || admission.run(&queue)).map_err(PoolError::Thread)?;
        Ok(Self {
            shared,
            jobs,
            gossip: Mutex::new(Some(gossip)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Takes a COSE_Sign record. `Ok` is a promise: the record has a fate, or will have one on this node's disk.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn submit(&self, record: Bytes) -> Result<Submitted, Refused> {
        let answers = self.submit_all(vec![record]).await;
        answers.into_iter().next().unwrap_or(Err(Refused {
            id: None,
            why: Refusal::Stopping,
        }))
    }

    /// Takes several, in order, each by itself; as many answers as records, in their order.
    pub async fn submit_all(&self, records: Vec<Bytes>) -> Vec<Result<Submitted, Refused>> {
        let count = records.len();
        self.enqueue(records, Origin::Api)
            .await
            .unwrap_or_else(|why| vec![Err(Refused { id: None, why }); count])
    }

    /// Takes records that a peer gossiped: the same checks, without a promise.
    pub async fn admit_gossiped(&self, records: Vec<Bytes>) -> Gossip {
        match self.enqueue(records, Origin::Gossip).await {
            Ok(answers) => gossip_verdict(&answers),
            Err(_) => Gossip::Useless,
        }
    }

    async fn enqueue(&self, records: Vec<Bytes>, origin: Origin) -> Result<Vec<Result<Submitted, Refused>>, Refusal> {
        self.shared.check_condition()?;
        let count = records.len();
        let queued = self.shared.queued.fetch_add(count, Ordering::Relaxed);
        if queued.saturating_add(count) > MAX_QUEUED {
            self.shared.queued.fetch_sub(count, Ordering::Relaxed);
            self.shared.meters.refused("POOL_FULL");
            return Err(Refusal::PoolFull);
        }
        let (answer, answers) = oneshot::channel();
        // Its length is bounded before anything is read of a record.
        self.jobs
            .send(Job::Admit {
                records,
                origin,
                answer,
            })
            .map_err(|_| Refusal::Stopping)?;
        answers.await.map_err(|_| Refusal::Stopping)
    }

    /// Records for a block, in an order in which they hold, one of each region in turn, of at most so many bytes and records.
    #[must_use]
    pub fn candidates(&self, max_bytes: usize, max_records: usize) -> Vec<Arc<SignedRecord>> {
        self.shared.lock().pending.candidates(max_bytes, max_records)
    }

    /// Whether there is any.
    #[must_use]
    pub fn has_candidates(&self) -> bool {
        !self.shared.lock().pending.is_empty()
    }

    /// Resolves as soon as a record waits; at once if one does.
    pub async fn notified(&self) {
        loop {
            let came = self.shared.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            if self.has_candidates() {
                return;
            }
            came.await;
        }
    }

    /// Own records on their way to other pools, once: whoever takes the receiver gossips.
    pub fn to_gossip(&self) -> Option<mpsc::Receiver<Bytes>> {
        self.gossip.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Committed blocks from now on; who is more than 64 behind misses some.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<BlockEvent> {
        self.shared.events.subscribe()
    }

    /// Moves on to the state after a block that is in the log: to be called for every block, in order, after the chain's view answers
    /// for it. It does not touch the disk.
    pub fn committed(&self, block: &Block, state: &Arc<LedgerState>) {
        let shared = &self.shared;
        let now = (shared.clock)();
        let settling = {
            let mut inner = shared.lock();
            let change = inner.pending.committed(block, state, now, shared.signatures.as_ref());
            inner.record(block, state);
            let mut settling = inner.fall(change, &shared.meters);
            settling.recorded.extend(block.records.iter().map(|record| record.id()));
            shared.meters.load(inner.pending.len(), inner.pending.bytes());
            settling
        };
        self.settle(settling);
        let event = BlockEvent {
            height: block.header.height,
            hash: block.hash(),
            time: block.header.time,
            records: block.records.len(),
        };
        shared.meters.committed(event.height.0, event.time.0, event.records);
        // Nobody may be listening.
        let _listeners = shared.events.send(event);
    }

    /// Judges everything that waits anew: for a proposer whose draft refused candidates. Those that do not hold on the state after
    /// the last block, each behind the others, are rejected.
    pub fn reconsider(&self) {
        let settling = {
            let mut inner = self.shared.lock();
            let fallen = inner
                .pending
                .reconsider((self.shared.clock)(), self.shared.signatures.as_ref());
            inner.fall(
                Change {
                    recorded: Vec::new(),
                    fallen,
                },
                &self.shared.meters,
            )
        };
        self.settle(settling);
    }

    /// The admission thread writes them down, and only then are they said.
    fn settle(&self, settling: Settling) {
        if !settling.is_empty() {
            // A pool that is closed has told its fates, or will find them out when it is opened again.
            let _closed = self.jobs.send(Job::Settle(settling));
        }
    }

    /// What became of a record; `None` if it was never seen here. It may read the disk.
    ///
    /// # Errors
    /// The chain cannot be read.
    pub fn fate(&self, id: &RecordId) -> Result<Option<Fate>, ChainError> {
        self.shared.fate(id)
    }

    /// Waits until a record that is pending is not any more, at most so long. `None` when it is not pending, or patience ran out:
    /// then [`Self::fate`] says how it stands.
    pub async fn waited(&self, id: &RecordId, patience: Duration) -> Option<Fate> {
        let (told, fate) = oneshot::channel();
        {
            let mut inner = self.shared.lock();
            if !inner.is_waiting(id) {
                return None;
            }
            let waiters = inner.waiters.entry(*id).or_default();
            waiters.retain(|waiter| !waiter.is_closed());
            waiters.push(told);
        }
        tokio::time::timeout(patience, fate).await.ok()?.ok()
    }

    /// What waits.
    #[must_use]
    pub fn load(&self) -> Load {
        let inner = self.shared.lock();
        Load {
            records: inner.pending.len(),
            bytes: inner.pending.bytes(),
        }
    }

    /// Whether records are taken.
    ///
    /// # Errors
    /// [`Refusal::DiskLow`], [`Refusal::DiskFailed`] or [`Refusal::Stopping`].
    pub fn condition(&self) -> Result<(), Refusal> {
        self.shared.check_condition()
    }

    /// Blocks that were read lately.
    #[must_use]
    pub fn blocks(&self) -> &RecentBlocks {
        &self.shared.blocks
    }

    /// Takes no more records from now on.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }

    /// Stops, and waits until what was taken is on disk. It blocks.
    pub fn close(&self) {
        self.stop();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // An error says that the thread has ended by itself.
        let _ended = self.jobs.send(Job::Stop);
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the admission thread ended badly");
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // What is in there is checked again by every block: a panic elsewhere must not stop commits.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_condition(&self) -> Result<(), Refusal> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Refusal::Stopping);
        }
        if self.failed.load(Ordering::Relaxed) {
            return Err(Refusal::DiskFailed);
        }
        if self.disk.is_low() {
            Err(Refusal::DiskLow)
        } else {
            Ok(())
        }
    }

    fn fate(&self, id: &RecordId) -> Result<Option<Fate>, ChainError> {
        {
            let inner = self.lock();
            if inner.is_waiting(id) {
                return Ok(Some(Fate::Pending));
            }
            if let Some(fate) = inner.recent.get(id) {
                return Ok(Some(fate.clone()));
            }
        }
        if let Some(position) = self.chain.position(id)? {
            return self.recorded(position).map(Some);
        }
        Ok(self.ended(id))
    }

    /// What is on disk of a record that ended without a block.
    fn ended(&self, id: &RecordId) -> Option<Fate> {
        let refusal = self.journal.refusal(&id.0)?;
        Some(Fate::of_verdict(Verdict::from_bytes(&refusal.reason)))
    }

    fn recorded(&self, position: Position) -> Result<Fate, ChainError> {
        let missing = || ChainError::new(format!("block {} is missing from the log", position.height));
        let sealed = self.blocks.get(position.height)?.ok_or_else(missing)?;
        let index = usize::try_from(position.index).ok();
        let record = index
            .and_then(|index| sealed.block.records.get(index))
            .ok_or_else(missing)?;
        let time = sealed.block.header.time;
        let opened = opened(&self.chain.state(), record);
        Ok(Fate::Recorded(Recorded { position, time, opened }))
    }
}

impl Inner {
    fn is_waiting(&self, id: &RecordId) -> bool {
        self.pending.contains(id) || self.settling.contains(id)
    }

    /// The records of a block have their fate: the block is on disk.
    fn record(&mut self, block: &Block, state: &LedgerState) {
        let (height, time) = (block.header.height, block.header.time);
        for (index, record) in (0_u32..).zip(&block.records) {
            let position = Position { height, index };
            let fate = Fate::Recorded(Recorded {
                position,
                time,
                opened: opened(state, record),
            });
            self.settling.remove(&record.id());
            self.tell(record.id(), fate);
        }
    }

    /// Fates to be written down before they are said.
    fn fall(&mut self, change: Change, meters: &PoolMeters) -> Settling {
        let mut settling = Settling::default();
        for waiting in change.recorded.iter().filter(|waiting| waiting.promised) {
            meters.recorded(waiting.since.elapsed());
        }
        for fallen in change.fallen {
            let id = fallen.waiting.record.id();
            meters.fell(fallen.why.code());
            if fallen.waiting.promised {
                self.settling.insert(id);
                settling.ended.push((id, Verdict::of_rejection(&fallen.why)));
            } else {
                // Whoever promised it will say so; here it is as if it had never come.
                self.waiters.remove(&id);
            }
        }
        settling
    }

    /// Says a fate that is on disk.
    fn tell(&mut self, id: RecordId, fate: Fate) {
        for waiter in self.waiters.remove(&id).unwrap_or_default() {
            // It may have run out of patience.
            let _gone = waiter.send(fate.clone());
        }
        self.recent.insert(id, fate);
    }
}

fn opened(state: &LedgerState, record: &SignedRecord) -> Option<concord_spec::id::SeriesId> {
    match state.outcome_of(record) {
        concord_spec::ledger::Outcome::Opened(series) => Some(series),
        concord_spec::ledger::Outcome::Done | concord_spec::ledger::Outcome::Declared(_) => None,
    }
}

fn gossip_verdict(answers: &[Result<Submitted, Refused>]) -> Gossip {
    let bad = |answer: &Result<Submitted, Refused>| {
        let why = answer.as_ref().err().map(|refused| &refused.why);
        matches!(
            why,
            Some(Refusal::Rejected(
                Rejection::Malformed(_) | Rejection::ForgedSignature(_)
            ))
        )
    };
    if answers.iter().any(bad) {
        return Gossip::Bad;
    }
    let new = answers.iter().flatten().any(|submitted| submitted.new);
    if new { Gossip::New } else { Gossip::Useless }
}
