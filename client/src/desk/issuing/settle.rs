//! Handing in what is signed, and finding out what became of it.

use super::{IssuingError, Ledger, Order, Step};
use crate::desk::journal::{Freed, Journal, Signed};
use crate::transport::{MAX_WAIT, RecordAnswer, RecordState, Submitted, TransportError};
use concord_spec::id::Number;
use concord_spec::record::{RecordId, SignedRecord};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Most records of one request (its bytes are bounded too).
const MAX_SUBMIT: usize = 1_000;
const MAX_SUBMIT_BYTES: usize = 3 << 20;
/// How long to wait before a record whose predecessors had no room is handed in again.
const NO_ROOM: Duration = Duration::from_secs(1);

/// Asks again about records given up whose numbers the ledger says are taken: a node may have been wrong, or lied.
pub(super) fn recheck(
    order: &Order<'_>,
    journal: &mut Journal,
    ledger: &dyn Ledger,
    progress: &mut dyn FnMut(Step),
) -> Result<(), IssuingError> {
    let freed: Vec<&Signed> = journal.batches().iter().filter(|signed| signed.is_freed()).collect();
    if freed.is_empty() {
        return Ok(());
    }
    let next = ledger.next_number(order.desk.series)?;
    let ours = |number: Number| {
        journal
            .batches()
            .iter()
            .any(|other| !other.is_freed() && other.batch().first() == number)
    };
    let doubtful = freed
        .iter()
        .filter(|signed| signed.batch().end() <= next && !ours(signed.batch().first()));
    let doubtful: Vec<RecordId> = doubtful.map(|signed| signed.id()).collect();
    for id in doubtful {
        if ledger
            .record(&id, Duration::ZERO)?
            .is_some_and(|answer| answer.state == RecordState::Recorded)
        {
            prove(order, journal, ledger, &id, progress)?;
        }
    }
    Ok(())
}

/// Hands in every record whose outcome is open, in the order of their numbers, until each has one.
/// `false` when numbers became free and have to be planned anew.
pub(super) fn all(
    order: &Order<'_>,
    journal: &mut Journal,
    ledger: &dyn Ledger,
    progress: &mut dyn FnMut(Step),
) -> Result<bool, IssuingError> {
    let mut moved = Instant::now();
    let mut as_planned = true;
    let mut handed_in = BTreeSet::new();
    loop {
        let open = open(journal);
        let Some(first) = open.first() else {
            return Ok(as_planned);
        };
        let waiting: Vec<Signed> = open
            .iter()
            .filter(|signed| !handed_in.contains(&signed.id()))
            .cloned()
            .collect();
        if hand_in(order, journal, ledger, &waiting, &mut handed_in)? {
            as_planned = false;
            moved = Instant::now();
            continue;
        }
        let id = first.id();
        let answer = ledger.record(&id, MAX_WAIT.min(order.patience))?;
        if answer.is_none() {
            // The node lost it, or never had it: hand it in again.
            handed_in.remove(&id);
        }
        match answer.map(|answer| (answer.state, answer)) {
            Some((RecordState::Recorded, _)) => {
                prove(order, journal, ledger, &id, progress)?;
                moved = Instant::now();
            }
            Some((RecordState::Rejected | RecordState::Expired, answer)) => {
                give_up(journal, &id, &answer)?;
                as_planned = false;
                moved = Instant::now();
            }
            Some((RecordState::Pending, _)) | None if moved.elapsed() >= order.patience => {
                return Err(IssuingError::StillPending(id));
            }
            Some((RecordState::Pending, _)) | None => {}
        }
    }
}

/// Records whose outcome is open, by number.
fn open(journal: &Journal) -> Vec<Signed> {
    let open = journal.batches().iter().filter(|signed| signed.outcome().is_none());
    let mut open: Vec<Signed> = open.cloned().collect();
    open.sort_by_key(|signed| signed.batch().first());
    open
}

/// Hands in records in order, as far as there is room. Says whether numbers became free, which the journal then knows.
fn hand_in(
    order: &Order<'_>,
    journal: &mut Journal,
    ledger: &dyn Ledger,
    waiting: &[Signed],
    handed_in: &mut BTreeSet<RecordId>,
) -> Result<bool, IssuingError> {
    let mut given_up = false;
    for chunk in chunks(waiting) {
        let records: Vec<&SignedRecord> = chunk.iter().map(Signed::record).collect();
        let answers = match ledger.submit(&records) {
            Ok(answers) => answers,
            Err(error) => {
                let pause = error.retry_after().ok_or(error)?;
                ledger.pause(pause);
                return Ok(given_up);
            }
        };
        for (signed, answer) in chunk.iter().zip(answers) {
            match judge(order, journal, ledger, signed, answer)? {
                Judged::In => {
                    handed_in.insert(signed.id());
                }
                Judged::NoRoom => {
                    ledger.pause(NO_ROOM);
                    return Ok(given_up);
                }
                Judged::Free(freed) => {
                    journal.freed(&signed.id(), freed)?;
                    given_up = true;
                }
                Judged::Wrong { code, detail } => {
                    journal.freed(&signed.id(), Freed { code: code.clone() })?;
                    return Err(IssuingError::Refused {
                        first: signed.batch().first(),
                        code,
                        detail,
                    });
                }
            }
        }
    }
    Ok(given_up)
}

fn chunks(open: &[Signed]) -> Vec<&[Signed]> {
    let mut chunks = Vec::new();
    let mut rest = open;
    while !rest.is_empty() {
        let mut bytes = 0_usize;
        let fitting = rest.iter().take(MAX_SUBMIT).take_while(|signed| {
            bytes = bytes.saturating_add(signed.record().bytes().len());
            bytes <= MAX_SUBMIT_BYTES
        });
        let (chunk, others) = rest.split_at(fitting.count().max(1));
        chunks.push(chunk);
        rest = others;
    }
    chunks
}

enum Judged {
    /// It is with the node, or further.
    In,
    /// Not now.
    NoRoom,
    /// Never, but the rows can be signed again.
    Free(Freed),
    /// Never, and signing again would not help.
    Wrong { code: String, detail: String },
}

/// What an answer to handing in means for the numbers of a record.
fn judge(
    order: &Order<'_>,
    journal: &Journal,
    ledger: &dyn Ledger,
    signed: &Signed,
    answer: Submitted,
) -> Result<Judged, TransportError> {
    let (code, detail) = match answer {
        Submitted::Known(_) => return Ok(Judged::In),
        Submitted::Refused { code, detail } => (code, detail),
    };
    match code.as_str() {
        "POOL_FULL" | "DISK_LOW" | "DISK_FAILED" | "STOPPING" => Ok(Judged::NoRoom),
        // It is on the ledger: its state says where.
        "DUPLICATE" => Ok(Judged::In),
        "EXPIRED" => Ok(if is_over(ledger, signed)? {
            Judged::Free(Freed { code })
        } else {
            Judged::NoRoom
        }),
        "NUMBER_GAP" => {
            // Past the next number: a record of ours before this one is not there yet. Else someone else has the numbers.
            let taken = signed.batch().first() < ledger.next_number(order.desk.series)?;
            let follows = !taken && follows_another(journal, signed);
            Ok(if follows {
                Judged::NoRoom
            } else {
                Judged::Free(Freed { code })
            })
        }
        _ => Ok(Judged::Wrong { code, detail }),
    }
}

/// Whether a record of ours that is on the ledger or on the way comes right before this one, or an open one anywhere before.
fn follows_another(journal: &Journal, signed: &Signed) -> bool {
    let first = signed.batch().first();
    let before = |other: &Signed| other.outcome().is_none() && other.batch().first() < first;
    journal
        .batches()
        .iter()
        .any(|other| !other.is_freed() && (other.batch().end() == first || before(other)))
}

/// Whether the ledger's own time is past the record's not-after.
fn is_over(ledger: &dyn Ledger, signed: &Signed) -> Result<bool, TransportError> {
    Ok(ledger.time()? > signed.record().payload().not_after)
}

fn give_up(journal: &mut Journal, id: &RecordId, answer: &RecordAnswer) -> Result<(), IssuingError> {
    let named = answer.code.clone().filter(|code| !code.is_empty() && code.len() <= 64);
    let code = named.unwrap_or_else(|| "EXPIRED".to_owned());
    Ok(journal.freed(id, Freed { code })?)
}

/// Fetches a receipt, checks it against the batch and the regions, and writes it down.
fn prove(
    order: &Order<'_>,
    journal: &mut Journal,
    ledger: &dyn Ledger,
    id: &RecordId,
    progress: &mut dyn FnMut(Step),
) -> Result<(), IssuingError> {
    let Some(signed) = journal.batches().iter().find(|signed| signed.id() == *id) else {
        return Ok(());
    };
    let receipt = ledger.receipt(id)?;
    let regions = order.regions.at(receipt.height, || ledger.region_history())?;
    let checked = signed.batch().check(&receipt, &order.chain_id, &regions);
    checked.map_err(|error| IssuingError::Receipt { id: *id, error })?;
    let (count, of_sheet) = (signed.batch().count(), signed.sheet() == order.sheet);
    journal.recorded(id, receipt)?;
    if of_sheet {
        progress(Step::Recorded(count));
    }
    Ok(())
}
