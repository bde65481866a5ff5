//! Trust bundles, built in the background (DESIGN 4.7): one at a time, by a task of its own, never while a request waits for
//! the ledger.
//!
//! The newest is built when there is a newer block, at most once in ten times what it took, and at least once a heartbeat: so
//! it is never older than two. Selections, bundles for devices that hold an older one, and deltas are made from the
//! newest when they are asked for, and kept until there is a newer one.
//! Not here: HTTP (`http::bundle`), what a bundle is (`concord_spec::bundle`).

mod build;
mod handovers;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use concord_spec::bundle::{Checkpoint, Selection};
use concord_spec::id::Height;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::HttpMeters;
use crate::pool::{ChainError, ChainView};
use build::Builder;
pub use build::Newest;
pub use handovers::Handovers;

/// At most one newest bundle is built in this time.
const PACE: Duration = Duration::from_secs(1);
/// The part of a processor that building the newest may take: one in so many.
const SHARE: u32 = 10;
/// Most requests that wait to be built.
const MAX_WAITING: usize = 32;
/// Most bundles that are kept beside the newest, and most bytes of them.
const MAX_KEPT: usize = 32;
const MAX_KEPT_BYTES: usize = 256 << 20;

/// What a device asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Which types and regions.
    pub selection: Selection,
    /// From where on.
    pub extent: Extent,
}

/// What the device holds or trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Nothing, or blocks that the full bundle is to show it continues.
    Whole(Vec<Checkpoint>),
    /// The bundle of this block, to which it wants what changed.
    Since(Checkpoint),
}

/// A bundle as it is served.
#[derive(Debug, Clone)]
pub struct Served {
    /// The block that it is of.
    pub block: Checkpoint,
    /// The file.
    pub bytes: Bytes,
}

/// Why there is no such bundle.
#[derive(Debug, thiserror::Error)]
pub enum Unserved {
    /// There is no block yet.
    #[error("there is no block yet, and so nothing is sealed")]
    NoBlock,
    /// The device is ahead.
    #[error("this node's newest bundle is of height {0}, yours is not lower: ask another node, or later")]
    Ahead(Height),
    /// The block is none of this chain's.
    #[error(
        "block {0} has another hash here: ask another node, and tell the federation, since one of the two is forged"
    )]
    OtherHistory(Height),
    /// No delta from there.
    #[error("there is no delta from height {from}: {why}; take the full bundle")]
    NoDelta {
        /// Where it would begin.
        from: Height,
        /// Why not.
        why: &'static str,
    },
    /// Too many wait.
    #[error("too many bundles are being asked for; try again")]
    Busy,
    /// The node stops.
    #[error("this node is stopping; ask another")]
    Stopping,
    /// The disk.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

struct Job {
    want: Want,
    answer: oneshot::Sender<Result<Served, Unserved>>,
}

type Built = Arc<Ready>;

/// The newest bundle, and what was made from it.
#[derive(Debug)]
struct Ready {
    newest: Newest,
    kept: Mutex<VecDeque<(Want, Served)>>,
}

impl Ready {
    fn find(&self, want: &Want) -> Option<Served> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .find(|(known, _)| known == want)
            .map(|(_, served)| served.clone())
    }

    fn keep(&self, want: Want, served: Served) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((want, served));
        let mut bytes = 0_usize;
        kept.retain(|(_, served)| {
            bytes = bytes.saturating_add(served.bytes.len());
            bytes <= MAX_KEPT_BYTES
        });
        kept.truncate(MAX_KEPT);
    }
}

/// Bundles of a chain. Clones are handles of the same.
#[derive(Debug, Clone)]
pub struct Bundles {
    chain: Arc<dyn ChainView>,
    handovers: Arc<Handovers>,
    newest: watch::Receiver<Option<Built>>,
    jobs: mpsc::Sender<Job>,
}

impl Bundles {
    /// Starts building; it ends with `stop`.
    #[must_use]
    pub fn start(chain: Arc<dyn ChainView>, meters: HttpMeters, stop: CancellationToken) -> Self {
        let (tell, newest) = watch::channel(None);
        let (jobs, asked) = mpsc::channel(MAX_WAITING);
        let handovers = Arc::new(Handovers::default());
        let builder = Builder::new(Arc::clone(&chain), Arc::clone(&handovers));
        let task = Task {
            heights: chain.watch(),
            builder: Some(builder),
            meters,
            newest: tell,
            next: Instant::now(),
        };
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task.run(asked) => {}
            }
        });
        Self {
            chain,
            handovers,
            newest,
            jobs,
        }
    }

    /// The blocks after which other regions were in force.
    #[must_use]
    pub fn handovers(&self) -> &Arc<Handovers> {
        &self.handovers
    }

    /// The newest bundle of what is asked for. It waits for the first one that is built, and for its turn.
    ///
    /// # Errors
    /// See [`Unserved`].
    pub async fn get(&self, want: Want) -> Result<Served, Unserved> {
        let built = self.ready().await?;
        if want == Want::everything() {
            return Ok(built.newest.served());
        }
        if let Some(served) = built.find(&want) {
            return Ok(served);
        }
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(Job { want, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Unserved::Busy,
            mpsc::error::TrySendError::Closed(_) => Unserved::Stopping,
        })?;
        answered.await.map_err(|_| Unserved::Stopping)?
    }

    /// Waits until the newest is of this height or a later one.
    #[cfg(test)]
    pub(crate) async fn reaches(&self, height: Height) {
        let mut newest = self.newest.clone();
        let reached = |ready: &Option<Built>| ready.as_ref().is_some_and(|ready| ready.newest.height() >= height);
        let _there = newest.wait_for(reached).await.expect("the task goes on");
    }

    async fn ready(&self) -> Result<Built, Unserved> {
        let mut newest = self.newest.clone();
        if newest.borrow().is_none() && self.chain.state().tip().height == Height(0) {
            return Err(Unserved::NoBlock);
        }
        let ready = newest.wait_for(Option::is_some).await;
        ready.ok().and_then(|built| built.clone()).ok_or(Unserved::Stopping)
    }
}

impl Want {
    /// The full bundle.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            selection: Selection::all(),
            extent: Extent::Whole(Vec::new()),
        }
    }
}

/// Builds, one bundle at a time.
struct Task {
    heights: watch::Receiver<Height>,
    /// Lent to the thread that builds.
    builder: Option<Builder>,
    meters: HttpMeters,
    newest: watch::Sender<Option<Built>>,
    /// When the newest may be built again.
    next: Instant,
}

impl Task {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        loop {
            let built = self
                .newest
                .borrow()
                .as_ref()
                .map_or(Height(0), |ready| ready.newest.height());
            let (mut heights, next) = (self.heights.clone(), self.next);
            let due = async move {
                let grown = heights.wait_for(|height| *height > built).await.is_ok();
                tokio::time::sleep_until(next).await;
                grown
            };
            tokio::select! {
                biased;
                grown = due => match grown {
                    true => self.build_newest().await,
                    false => return,
                },
                job = jobs.recv() => match job {
                    Some(job) => self.serve(job).await,
                    None => return,
                },
            }
        }
    }

    /// Runs work on the builder off the runtime's threads.
    async fn apart<T: Send + 'static>(&mut self, work: impl FnOnce(&mut Builder) -> T + Send + 'static) -> Option<T> {
        let mut builder = self.builder.take()?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&mut builder);
            (builder, done)
        });
        let (builder, done) = done.await.ok()?;
        self.builder = Some(builder);
        Some(done)
    }

    async fn build_newest(&mut self) {
        let began = Instant::now();
        let built = self.apart(Builder::newest).await;
        let took = began.elapsed();
        let mut heartbeat = PACE;
        match built {
            Some(Ok(Some(newest))) => {
                heartbeat = newest.heartbeat();
                self.meters.built_bundle(took);
                let ready = Ready {
                    newest,
                    kept: Mutex::default(),
                };
                self.newest.send_replace(Some(Arc::new(ready)));
            }
            Some(Ok(None)) => {}
            Some(Err(error)) => tracing::error!(%error, "no trust bundle can be built"),
            None => tracing::error!("building a trust bundle ended badly"),
        }
        let pause = took.saturating_mul(SHARE).min(heartbeat).max(PACE);
        self.next = began + pause;
    }

    async fn serve(&mut self, job: Job) {
        let Some(ready) = self.newest.borrow().clone() else {
            return;
        };
        // Whoever asked may be gone.
        if let Some(served) = ready.find(&job.want) {
            let _gone = job.answer.send(Ok(served));
            return;
        }
        let (want, from) = (job.want.clone(), Arc::clone(&ready));
        let made = self.apart(move |builder| builder.make(&from.newest, &want)).await;
        let made = made.unwrap_or(Err(Unserved::Stopping));
        if let Ok(served) = &made {
            ready.keep(job.want, served.clone());
        }
        let _gone = job.answer.send(made);
    }
}
