//! Issuing a sheet: plan, sign, journal, hand in, wait, prove. Interrupted at any point, the same call goes on.
//!
//! Numbers of a signed record are used again only after that record is finally rejected or its not-after has passed on
//! the ledger; the journal knows which ones those are.

mod ledger;
mod settle;

pub use ledger::Ledger;

use super::batch::{Batch, SeriesDesk};
use super::content::Certified;
use super::journal::{Journal, JournalError, Signed};
use super::regions::{Regions, RegionsError};
use super::statement;
use crate::transport::TransportError;
use concord_spec::digest::Digest;
use concord_spec::id::{Number, SeriesId, UnixMillis};
use concord_spec::key::SecretKey;
use concord_spec::receipt::ReceiptError;
use concord_spec::record::{Action, Actor, RecordId};
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

/// Why issuing stopped. What is signed stays in the journal, and the same command goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum IssuingError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The node cannot be reached or makes no sense.
    #[error("{0}; nothing is lost: run the same command again to go on")]
    Transport(#[from] TransportError),
    /// The regions that sealed a receipt are not known.
    #[error("{0}; nothing is lost: run the same command again to go on")]
    Regions(#[from] RegionsError),
    /// The node refused a record for good.
    #[error("the ledger refused the issue of numbers {first} and on ({code}): {detail}")]
    Refused {
        /// First number of the batch.
        first: Number,
        /// Code of the rejection.
        code: String,
        /// In words.
        detail: String,
    },
    /// A receipt that proves nothing: the node is broken or lies.
    #[error(
        "the node's receipt of record {id} does not hold ({error}); no certificate was made from it. Ask another node"
    )]
    Receipt {
        /// The record.
        id: RecordId,
        /// What does not hold.
        error: ReceiptError,
    },
    /// Nothing moved for too long.
    #[error("record {0} is still waiting for its block; nothing is lost: run the same command again to go on")]
    StillPending(RecordId),
    /// Someone else issues from this series.
    #[error(
        "the numbers of series {0} are taken again and again by someone else who issues from it; one desk, one series"
    )]
    Contended(SeriesId),
    /// The numbers of the series are used up.
    #[error("series {0} has no more numbers; open another")]
    NumbersExhausted(SeriesId),
}

/// What is to be issued, by whom, and how patiently.
#[derive(Debug)]
pub struct Order<'a> {
    /// What all credentials have in common, with the series' key.
    pub desk: &'a SeriesDesk,
    /// The chain.
    pub chain_id: Digest,
    /// The regions that seal its blocks.
    pub regions: &'a Regions,
    /// In whose name the records speak.
    pub actor: Actor,
    /// The keys that sign them, exactly as many as the keyring wants.
    pub office_keys: Vec<&'a SecretKey>,
    /// SHA-256 of the sheet, by which an interrupted run is known again.
    pub sheet: Digest,
    /// What each row certifies, in order; salts are filled in when a row is signed.
    pub rows: &'a [Certified],
    /// Most credentials of one record.
    pub batch: usize,
    /// Unix milliseconds now, by this machine's clock.
    pub now: UnixMillis,
    /// How long to wait without any record moving.
    pub patience: Duration,
}

/// What happens, for whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many credentials were signed and are in the journal.
    Signed(u64),
    /// So many more credentials are on the ledger, proved.
    Recorded(u64),
}

/// Times that numbers may turn out to be taken before it is called contention.
const REPLANS: usize = 4;

/// Issues every row of the sheet that is not issued yet. Afterwards the journal holds a checked receipt for each.
///
/// # Errors
/// See [`IssuingError`].
pub fn issue(
    order: &Order<'_>,
    journal: &mut Journal,
    ledger: &dyn Ledger,
    progress: &mut dyn FnMut(Step),
) -> Result<(), IssuingError> {
    let already: u64 = covered(journal, &order.sheet)
        .iter()
        .map(|rows| rows.end.saturating_sub(rows.start))
        .sum();
    progress(Step::Signed(already));
    let proved = journal
        .batches()
        .iter()
        .filter(|signed| signed.sheet() == order.sheet && signed.receipt().is_some());
    progress(Step::Recorded(proved.map(|signed| signed.batch().count()).sum()));
    for _ in 0..REPLANS {
        settle::recheck(order, journal, ledger, progress)?;
        sign_rest(order, journal, ledger, progress)?;
        if settle::all(order, journal, ledger, progress)? && missing(journal, order).is_empty() {
            return Ok(());
        }
    }
    Err(IssuingError::Contended(order.desk.series))
}

/// The batches of a sheet that are on the ledger.
#[derive(Debug)]
pub struct OnLedger<'a> {
    /// One for each row, in the order of the rows.
    pub chosen: Vec<&'a Signed>,
    /// Further ones for the same rows: a node had denied a record that was on the ledger. Their numbers should be annulled.
    pub surplus: Vec<&'a Signed>,
}

/// What is on the ledger of the sheet with this digest.
#[must_use]
pub fn on_ledger<'a>(journal: &'a Journal, sheet: &Digest) -> OnLedger<'a> {
    let proved = journal
        .batches()
        .iter()
        .filter(|signed| signed.sheet() == *sheet && signed.receipt().is_some());
    let mut rows = BTreeSet::new();
    let (mut chosen, surplus): (Vec<_>, Vec<_>) = proved.partition(|signed| {
        let before = rows.len();
        rows.extend(rows_of(signed));
        rows.len() > before
    });
    chosen.sort_by_key(|signed| signed.first_row());
    OnLedger { chosen, surplus }
}

fn rows_of(signed: &Signed) -> Range<u64> {
    signed.first_row()..signed.first_row().saturating_add(signed.batch().count())
}

/// The rows of a sheet that have a record which is on the ledger or on the way, ascending.
fn covered(journal: &Journal, sheet: &Digest) -> Vec<Range<u64>> {
    let held = journal
        .batches()
        .iter()
        .filter(|signed| signed.sheet() == *sheet && !signed.is_freed());
    let mut rows: Vec<_> = held.map(rows_of).collect();
    rows.sort_by_key(|range| range.start);
    rows
}

/// The rows that have none, in runs of at most a batch.
fn missing(journal: &Journal, order: &Order<'_>) -> Vec<Range<usize>> {
    let mut gaps = Vec::new();
    let mut at = 0;
    for rows in covered(journal, &order.sheet) {
        let start = usize::try_from(rows.start).unwrap_or(usize::MAX);
        if at < start {
            gaps.push(at..start);
        }
        at = at.max(usize::try_from(rows.end).unwrap_or(usize::MAX));
    }
    if at < order.rows.len() {
        gaps.push(at..order.rows.len());
    }
    let size = order.batch.max(1);
    let runs = gaps.into_iter().flat_map(|gap| {
        let (start, end) = (gap.start, gap.end.min(order.rows.len()));
        (start..end)
            .step_by(size)
            .map(move |first| first..first.saturating_add(size).min(end))
    });
    runs.collect()
}

/// Signs what is not signed yet, and writes it down before anyone sees it.
fn sign_rest(
    order: &Order<'_>,
    journal: &mut Journal,
    ledger: &dyn Ledger,
    progress: &mut dyn FnMut(Step),
) -> Result<(), IssuingError> {
    let runs = missing(journal, order);
    if runs.is_empty() {
        return Ok(());
    }
    let exhausted = || IssuingError::NumbersExhausted(order.desk.series);
    let ledger_ms = ledger.time()?;
    let mut first = ledger.next_number(order.desk.series)?.max(journal.held_until());
    // By the ledger's clock, which is never later than the next block's: a certificate that claims to be signed after its
    // block would not be genuine, and this machine's clock may be ahead.
    let issued_at = ledger_ms.min(order.now).0 / 1_000;
    let mut signed = Vec::with_capacity(runs.len());
    for rows in runs {
        let first_row = u64::try_from(rows.start).unwrap_or(u64::MAX);
        let rows = order.rows.get(rows).unwrap_or_default().to_vec();
        let batch = order.desk.batch(first, issued_at, rows).ok_or_else(exhausted)?;
        first = batch.end();
        signed.push(sign(order, ledger_ms.max(order.now), first_row, batch));
    }
    let count = signed.iter().map(|batch| batch.batch().count()).sum();
    journal.sign(signed)?;
    progress(Step::Signed(count));
    Ok(())
}

fn sign(order: &Order<'_>, now: UnixMillis, first_row: u64, batch: Batch) -> Signed {
    let action = Action::Issue(batch.issue(order.desk.series));
    let record = statement::sign(order.chain_id, now, order.actor.clone(), action, &order.office_keys);
    Signed::new(order.sheet, first_row, record, batch)
}

#[cfg(test)]
mod tests;
