//! Offices that go on issuing while nodes fail: one thread a series, each record submitted until its node has taken it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use concord_spec::record::RecordId;

use crate::{Api, Book, HarnessError, Result, Submitted};

/// Between two attempts at a node that is down or full.
const RETRY: Duration = Duration::from_millis(50);

/// Issuing under way.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    taken: Arc<AtomicU64>,
    desks: Vec<JoinHandle<Result<Vec<RecordId>>>>,
}

impl Load {
    /// Starts a thread a book, which issues one credential a record at its node, waiting `pace` after each.
    #[must_use]
    pub fn start(books: Vec<(Api, Book)>, pace: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let taken = Arc::new(AtomicU64::new(0));
        let desk = |(api, book): (Api, Book)| {
            let (stop, taken) = (stop.clone(), taken.clone());
            std::thread::spawn(move || issue_until(&api, book, pace, &stop, &taken))
        };
        let desks = books.into_iter().map(desk).collect();
        Self { stop, taken, desks }
    }

    /// How many records were answered 202 so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    /// Stops issuing; every node must be up. Returns every record that was answered 202, or known when sent again after
    /// its first answer was lost.
    ///
    /// # Errors
    /// The first thing that went wrong at a desk.
    pub fn stop(self) -> Result<Vec<RecordId>> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Vec::new();
        for desk in self.desks {
            let ids = desk.join().map_err(|_| HarnessError::bytes("a desk", "it panicked"))?;
            all.extend(ids?);
        }
        Ok(all)
    }
}

fn issue_until(
    api: &Api,
    mut book: Book,
    pace: Duration,
    stop: &AtomicBool,
    taken: &AtomicU64,
) -> Result<Vec<RecordId>> {
    let mut ids = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let record = book.issue(1);
        submit_until_taken(api, record.bytes())?;
        ids.push(record.id());
        taken.fetch_add(1, Ordering::SeqCst);
        // The desk's pace, not a wait for anything.
        std::thread::sleep(pace);
    }
    Ok(ids)
}

/// A record whose answer was lost is sent again: it is the same record.
fn submit_until_taken(api: &Api, record: &[u8]) -> Result {
    loop {
        match api.submit(record) {
            Ok(Submitted::Accepted(_) | Submitted::Known(_)) => return Ok(()),
            Ok(Submitted::Refused { status: 429 | 503, .. }) => std::thread::sleep(RETRY),
            Ok(refused @ Submitted::Refused { .. }) => {
                return Err(HarnessError::Claim(format!(
                    "an issue in its order is taken: {refused:?}"
                )));
            }
            Err(error) if error.is_unreachable() => std::thread::sleep(RETRY),
            Err(error) => return Err(error),
        }
    }
}
