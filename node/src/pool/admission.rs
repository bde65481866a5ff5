//! The one thread that lets records in and writes the journal (DESIGN 5).
//!
//! It takes whatever has come meanwhile as one round: so signatures share batches, and all of a round share one `fdatasync`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use bytes::Bytes;
use concord_spec::ledger::Rejection;
use concord_spec::record::{RecordId, SignedRecord};
use rayon::prelude::*;
use tokio::sync::oneshot;

use super::fate::Verdict;
use super::journal::{JournalError, MAX_REASON_BYTES};
use super::pending::{NoEntry, Waiting};
use super::{Fate, PoolError, Refusal, Refused, Shared, Submitted};

/// Most records of a round.
const ROUND: usize = 2_048;
/// So many are let in before others get their turn at the lock.
const AT_ONCE: usize = 128;
/// From so many on, decoding is shared among the cores.
const DECODE_TOGETHER: usize = 64;
/// So many records of at most 64 KiB are within what the journal takes at once.
const JOURNAL_AT_ONCE: usize = 120;
/// How long a rejection or expiry can be read: a year.
const KEEP_ENDS_MS: u64 = 365 * 24 * 3_600_000;
/// How often those that are older are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// Who brings a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Our API: it is owed a promise.
    Api,
    /// A peer.
    Gossip,
}

type Answers = Vec<Result<Submitted, Refused>>;

/// What the thread is to do.
#[derive(Debug)]
pub(super) enum Job {
    Admit {
        records: Vec<Bytes>,
        origin: Origin,
        answer: oneshot::Sender<Answers>,
    },
    Settle(Settling),
    Stop,
}

/// Fates to be written down.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// Promised records that will be in no block.
    pub(super) ended: Vec<(RecordId, Verdict)>,
    /// Records of a block: the journal need not keep what it has of them.
    pub(super) recorded: Vec<RecordId>,
}

impl Settling {
    pub(super) fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.recorded.is_empty()
    }

    fn extend(&mut self, more: Self) {
        self.ended.extend(more.ended);
        self.recorded.extend(more.recorded);
    }
}

/// Records that came in one call.
struct Call {
    origin: Origin,
    records: Vec<Bytes>,
    answer: oneshot::Sender<Answers>,
}

#[derive(Default)]
struct Round {
    calls: Vec<Call>,
    records: usize,
    settling: Settling,
    stop: bool,
}

impl Round {
    fn take(&mut self, job: Job) {
        match job {
            Job::Admit {
                records,
                origin,
                answer,
            } => {
                self.records = self.records.saturating_add(records.len());
                self.calls.push(Call {
                    origin,
                    records,
                    answer,
                });
            }
            Job::Settle(settling) => self.settling.extend(settling),
            Job::Stop => self.stop = true,
        }
    }
}

/// A record of a round.
struct Arrived {
    bytes: Bytes,
    record: Result<Arc<SignedRecord>, Refused>,
}

/// What a round leaves to be done before it is answered.
#[derive(Default)]
struct Promises {
    /// To be journaled.
    records: Vec<Arc<SignedRecord>>,
    /// To be gossiped.
    gossip: Vec<Bytes>,
}

pub(super) struct Admission {
    shared: Arc<Shared>,
}

impl Admission {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Lets in what was promised before a restart and has no fate yet; what does not hold is parked until this node has caught up.
    pub(super) fn recover(&self) -> Result<(), PoolError> {
        let shared = &self.shared;
        let mut records = Vec::new();
        for journalled in shared.journal.pending()? {
            // Every one was decoded before it was written; one that this software no longer reads stays where it is.
            match SignedRecord::from_bytes(&journalled.record) {
                Ok(record) => records.push(Arc::new(record)),
                Err(error) => tracing::error!(%error, "the journal holds a record that cannot be read"),
            }
        }
        let base = Arc::clone(shared.lock().pending.base());
        shared.signatures.warm(&base, records.iter().map(AsRef::as_ref));
        let mut settling = Settling::default();
        for record in records {
            let id = record.id();
            if shared.chain.position(&id)?.is_some() {
                settling.recorded.push(id);
                continue;
            }
            let waiting = Waiting {
                record,
                promised: true,
                since: Instant::now(),
            };
            let mut inner = shared.lock();
            if inner
                .pending
                .admit_owed(waiting.clone(), (shared.clock)(), shared.signatures.as_ref())
                .is_err()
            {
                inner.pending.park(waiting, (shared.clock)());
            }
        }
        shared.journal.forget_refusals((shared.clock)().0);
        Ok(self.journal(&[], &settling)?)
    }

    /// Works until the pool is closed.
    pub(super) fn run(&self, queue: &Receiver<Job>) {
        let mut forgotten = Instant::now();
        while let Ok(first) = queue.recv() {
            if forgotten.elapsed() > FORGET_EVERY {
                self.shared.journal.forget_refusals((self.shared.clock)().0);
                forgotten = Instant::now();
            }
            let mut round = Round::default();
            round.take(first);
            while round.records < ROUND
                && let Ok(job) = queue.try_recv()
            {
                round.take(job);
            }
            let stop = round.stop;
            self.round(round);
            if stop {
                return;
            }
        }
    }

    fn round(&self, round: Round) {
        let shared = &self.shared;
        shared.queued.fetch_sub(round.records, Ordering::Relaxed);
        let calls: Vec<(Call, Vec<Arrived>)> = round.calls.into_iter().map(decode).collect();
        self.warm(&calls);
        let mut promises = Promises::default();
        let mut answered = Vec::new();
        for (call, arrived) in calls {
            let mut answers = Vec::with_capacity(arrived.len());
            for some in arrived.chunks(AT_ONCE) {
                self.admit(some, call.origin, &mut promises, &mut answers);
            }
            answered.push((call, answers));
        }
        shared.came.notify_waiters();
        let written = self.write(&promises.records, &round.settling);
        for (call, mut answers) in answered {
            if let Err(why) = &written
                && call.origin == Origin::Api
            {
                answers.iter_mut().for_each(|answer| unpromise(answer, why));
            }
            self.count(call.origin, &answers);
            // Who asked may have gone.
            let _gone = call.answer.send(answers);
        }
        for bytes in promises.gossip {
            if shared.to_gossip.try_send(bytes).is_err() {
                shared.meters.not_gossiped();
            }
        }
    }

    /// Verifies the signatures of a round together.
    fn warm(&self, calls: &[(Call, Vec<Arrived>)]) {
        let inner = self.shared.lock();
        let base = Arc::clone(inner.pending.base());
        let arrived = calls.iter().flat_map(|(_, arrived)| arrived);
        let new: Vec<&SignedRecord> = arrived
            .filter_map(|arrived| arrived.record.as_deref().ok())
            .filter(|record| !inner.is_waiting(&record.id()))
            .collect();
        drop(inner);
        self.shared.signatures.warm(&base, new);
    }

    fn admit(&self, arrived: &[Arrived], origin: Origin, promises: &mut Promises, answers: &mut Answers) {
        let shared = &self.shared;
        // The disk may be asked here, and so before the lock is taken.
        let known: Vec<Result<Option<Fate>, Refusal>> = arrived.iter().map(|arrived| self.known(arrived)).collect();
        let now = (shared.clock)();
        let mut inner = shared.lock();
        for (arrived, known) in arrived.iter().zip(known) {
            let record = match &arrived.record {
                Ok(record) => record,
                Err(refused) => {
                    answers.push(Err(refused.clone()));
                    continue;
                }
            };
            let id = record.id();
            let submitted = |fate: Fate, new: bool| Ok(Submitted { id, fate, new });
            let refused = |why: Refusal| Err(Refused { id: Some(id), why });
            let promised = origin == Origin::Api;
            if inner.is_waiting(&id) {
                // A peer brought it first: now it is promised here too.
                if promised && inner.pending.promise(&id) {
                    promises.records.push(Arc::clone(record));
                }
                answers.push(submitted(Fate::Pending, false));
                continue;
            }
            let answer = match known {
                Ok(Some(fate)) => submitted(fate, false),
                Err(why) => refused(why),
                Ok(None) => {
                    let waiting = Waiting {
                        record: Arc::clone(record),
                        promised,
                        since: Instant::now(),
                    };
                    match inner.pending.admit(waiting, now, shared.signatures.as_ref()) {
                        Ok(()) => {
                            if promised {
                                promises.records.push(Arc::clone(record));
                                promises.gossip.push(arrived.bytes.clone());
                            }
                            submitted(Fate::Pending, true)
                        }
                        Err(NoEntry::Full) => refused(Refusal::PoolFull),
                        Err(NoEntry::Rejected(Rejection::Duplicate)) => match inner.recent.get(&id) {
                            // A block has come in between.
                            Some(fate) => submitted(fate.clone(), false),
                            None => refused(Refusal::Rejected(Rejection::Duplicate)),
                        },
                        Err(NoEntry::Rejected(rejection)) => refused(Refusal::Rejected(rejection)),
                    }
                }
            };
            answers.push(answer);
        }
        shared.meters.load(inner.pending.len(), inner.pending.bytes());
    }

    /// The fate of a record that does not wait, if it has one.
    fn known(&self, arrived: &Arrived) -> Result<Option<Fate>, Refusal> {
        let Ok(record) = &arrived.record else { return Ok(None) };
        let id = record.id();
        let base = {
            let inner = self.shared.lock();
            if inner.is_waiting(&id) {
                return Ok(Some(Fate::Pending));
            }
            if let Some(fate) = inner.recent.get(&id) {
                return Ok(Some(fate.clone()));
            }
            Arc::clone(inner.pending.base())
        };
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "cannot tell whether a record is known");
            Refusal::ChainUnreadable
        };
        // A record that could come again is remembered in the state; only for others the positions are asked.
        if base.knows(record) || record.payload().not_after <= base.tip().time {
            return self.shared.fate(&id).map_err(|error| unreadable(&error));
        }
        Ok(self.shared.ended(&id))
    }

    /// Makes promises and ends durable, and says the ends.
    fn write(&self, promised: &[Arc<SignedRecord>], settling: &Settling) -> Result<(), Refusal> {
        if promised.is_empty() && settling.is_empty() {
            return Ok(());
        }
        let shared = &self.shared;
        let began = Instant::now();
        let ended = self.journal(promised, settling);
        shared.meters.journaled(began.elapsed());
        ended.map_err(|error| match error {
            JournalError::Full { .. } => Refusal::PoolFull,
            JournalError::Segments(_)
            | JournalError::Closed
            | JournalError::Known { .. }
            | JournalError::TooLarge { .. }
            | JournalError::Unknown { .. } => {
                // After this nothing can be promised; what waits still goes into blocks.
                shared.failed.store(true, Ordering::Relaxed);
                tracing::error!(%error, "the pool's journal cannot be written; no more records are taken");
                Refusal::DiskFailed
            }
        })
    }

    fn journal(&self, promised: &[Arc<SignedRecord>], settling: &Settling) -> Result<(), JournalError> {
        let journal = &self.shared.journal;
        // Ends first: that they are kept does not depend on room for more promises.
        let keep_until_ms = (self.shared.clock)().0.saturating_add(KEEP_ENDS_MS);
        let mut ends = Vec::new();
        for (id, verdict) in &settling.ended {
            ends.push(journal.refuse(id.0, &verdict.to_bytes(MAX_REASON_BYTES), keep_until_ms)?);
        }
        let ids: Vec<[u8; 32]> = settling.recorded.iter().map(|id| id.0).collect();
        journal.included(&ids)?;
        let mut appended = Vec::new();
        for some in promised.chunks(JOURNAL_AT_ONCE) {
            let entries: Vec<([u8; 32], &[u8])> = some.iter().map(|record| (record.id().0, record.bytes())).collect();
            appended.push(journal.append_all(&entries));
        }
        // All of them are on their way before the first is waited for: so they share a sync.
        for end in ends {
            end.wait()?;
        }
        self.say(settling);
        for synced in appended {
            synced?.wait()?;
        }
        Ok(())
    }

    /// Ends are on disk: now anyone may know.
    fn say(&self, settling: &Settling) {
        let mut inner = self.shared.lock();
        for (id, verdict) in &settling.ended {
            // A block that was committed meanwhile has the last word.
            if inner.settling.remove(id) {
                inner.tell(*id, Fate::of_verdict(verdict.clone()));
            }
        }
    }

    fn count(&self, origin: Origin, answers: &Answers) {
        let new = answers.iter().flatten().filter(|submitted| submitted.new).count();
        self.shared.meters.admitted(origin == Origin::Api, new);
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            self.shared.meters.refused(refused.why.code());
        }
    }
}

/// What was to be promised now cannot be.
fn unpromise(answer: &mut Result<Submitted, Refused>, why: &Refusal) {
    let pending = answer.as_ref().ok().filter(|submitted| submitted.fate == Fate::Pending);
    if let Some(id) = pending.map(|submitted| submitted.id) {
        *answer = Err(Refused {
            id: Some(id),
            why: why.clone(),
        });
    }
}

fn decode(mut call: Call) -> (Call, Vec<Arrived>) {
    let records = std::mem::take(&mut call.records);
    let arrived = if records.len() < DECODE_TOGETHER {
        records.into_iter().map(decode_one).collect()
    } else {
        records.into_par_iter().map(decode_one).collect()
    };
    (call, arrived)
}

fn decode_one(bytes: Bytes) -> Arrived {
    let decoded = SignedRecord::from_bytes(&bytes).map(Arc::new);
    let record = decoded.map_err(|error| Refused {
        id: None,
        why: Refusal::Rejected(Rejection::Malformed(error)),
    });
    Arrived { bytes, record }
}
