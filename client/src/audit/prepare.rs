//! What can be checked of blocks before it is their turn, on all cores: that they hold together, their records' signatures and
//! their seals.
//!
//! Keys are looked up in a state of some blocks before. So what is remembered is that these bytes bear these keys' signatures; whether
//! they are the keys in force is asked when the block is applied, and what was not foreseen is verified then.

use super::Difference;
use super::source::{Last, Raw, Window};
use concord_spec::block::Block;
use concord_spec::digest::Digest;
use concord_spec::key::{BatchItem, verify_batch};
use concord_spec::ledger::{CheckEach, CheckSignatures, LedgerState};
use concord_spec::record::{RecordId, SignedRecord};
use concord_spec::seal::Seal;
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Signatures of one sum: more save little, and fewer leave a core idle at a window's end.
const BATCH: usize = 1_024;

/// A block that holds together, and its seal.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) block: Block,
    pub(super) seal: Seal,
    /// Digest of the regions under which the seal was found to hold.
    pub(super) sealed_by: Option<Digest>,
}

/// A window, prepared.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) blocks: Vec<Result<Ready, Box<Difference>>>,
    pub(super) verified: Verified,
    pub(super) last: Option<Last>,
}

/// The state that keys are looked up in, as the judge last published it.
pub(super) type Published = Arc<Mutex<LedgerState>>;

/// Prepares windows ahead of whoever takes them.
pub(super) fn start(windows: Receiver<Window>, published: Published) -> Receiver<Prepared> {
    let (sender, prepared) = sync_channel(1);
    thread::spawn(move || {
        for window in windows {
            let state = published.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // Nobody listens any more when the audit has ended.
            if sender.send(prepare(window, &state)).is_err() {
                return;
            }
        }
    });
    prepared
}

fn prepare(window: Window, state: &LedgerState) -> Prepared {
    let regions = state.region_set().digest();
    let blocks: Vec<_> = window
        .blocks
        .into_par_iter()
        .map(|raw| ready(&raw, state, &regions))
        .collect();
    let records = blocks.iter().flatten().flat_map(|ready| ready.block.records.iter());
    let verified = Verified::new(state, records.map(AsRef::as_ref).collect());
    Prepared {
        blocks,
        verified,
        last: window.last,
    }
}

fn ready(raw: &Raw, state: &LedgerState, regions: &Digest) -> Result<Ready, Box<Difference>> {
    let unreadable = |what, why| Box::new(Difference::unreadable(raw.height, what, &why));
    let sealed = raw.open().map_err(|why| unreadable("block with its seal", why))?;
    let block = Block::from_bytes(&sealed.block);
    let block = block.map_err(|why| Box::new(Difference::of_bytes(raw.height, &sealed.block, &why)))?;
    let seal = sealed.seal;
    let holds = block.rest.regions_now == *regions
        && seal
            .verify(
                &state.chain_id(),
                block.header.height,
                &block.hash(),
                state.region_set(),
            )
            .is_ok();
    Ok(Ready {
        block,
        seal,
        sealed_by: holds.then_some(*regions),
    })
}

/// Signatures that were verified, by the records that carry them.
#[derive(Debug, Default)]
pub(super) struct Verified {
    items: Vec<BatchItem>,
    places: HashMap<RecordId, Range<usize>>,
    /// Whether the sum over the i-th [`BATCH`] items holds.
    hold: Vec<bool>,
}

impl Verified {
    /// Verifies what keyrings of `state` should have signed. It decides nothing: what it leaves out is verified when it is asked for.
    pub(super) fn new(state: &LedgerState, records: Vec<&SignedRecord>) -> Self {
        // By its own block's time another keyring may speak for it.
        let time = state.tip().time;
        let found: Vec<_> = records
            .into_par_iter()
            .filter_map(|record| {
                let keyring = state.keyring_at(&record.payload().actor, time)?;
                Some((record.id(), record.envelope().check(keyring).ok()?))
            })
            .collect();
        let mut verified = Self::default();
        for (id, mut items) in found {
            let begin = verified.items.len();
            verified.items.append(&mut items);
            verified.places.insert(id, begin..verified.items.len());
        }
        let sums = verified.items.par_chunks(BATCH);
        verified.hold = sums.map(|items| verify_batch(items, rand::random())).collect();
        verified
    }

    /// Whether a record's signatures were looked at.
    pub(super) fn has(&self, id: &RecordId) -> bool {
        self.places.contains_key(id)
    }

    /// Whether exactly these are known to hold.
    fn knows(&self, id: &RecordId, items: &[BatchItem]) -> bool {
        let Some(place) = self.places.get(id) else { return false };
        let sums = place.start / BATCH..=place.end.saturating_sub(1) / BATCH;
        let all = self.hold.get(sums).is_some_and(|hold| hold.iter().all(|holds| *holds));
        all && self.items.get(place.clone()) == Some(items)
    }
}

/// What was verified ahead, and verifies what was not.
#[derive(Debug)]
pub(super) struct Checked<'a>(pub(super) [&'a Verified; 2]);

impl CheckSignatures for Checked<'_> {
    fn all_hold(&self, record: &SignedRecord, items: &[BatchItem]) -> bool {
        let id = record.id();
        self.0.iter().any(|verified| verified.knows(&id, items)) || CheckEach.all_hold(record, items)
    }
}
