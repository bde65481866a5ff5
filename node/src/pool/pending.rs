//! Records that wait for a block: their order, their shares of the room, and the state as it will be once all of them are in.
//!
//! A record enters when it holds on the latest state with every waiting record applied, in the order of arrival. So a batch can
//! follow a batch of its series that is not in a block yet; and when one falls, those that built on it fall.
//!
//! After a block that recorded what was expected, in the expected order, what remains still holds on what is ahead, and nothing is
//! applied again: a block costs what is in it, not what waits. After anything else the state ahead is built anew.
//! Not here: journals, clocks, who asks.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use concord_spec::block::Block;
use concord_spec::id::{DomainId, RegionId, SeriesId, UnixMillis};
use concord_spec::ledger::{BlockContext, CheckSignatures, LedgerState, Rejection};
use concord_spec::record::{Action, Actor, RecordId, SignedRecord};

use super::Limits;

/// Order of arrival.
type Arrival = u64;

/// So many records may be applied before the state ahead is built anew, beside four times what waits: it remembers ids, which the
/// ledger's own state forgets in time.
const STALE: usize = 16_384;

/// A parked record is given up when this much time has passed on the ledger, in milliseconds,
const PARKED_MS: u64 = 60_000;
/// and then so many blocks have come.
const PARKED_BLOCKS: u64 = 4;

/// A record that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) record: Arc<SignedRecord>,
    /// Whether it was answered 202, and so is owed a fate that anyone can read.
    pub(super) promised: bool,
    pub(super) since: Instant,
}

/// Why a record does not enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoEntry {
    /// It does not hold.
    Rejected(Rejection),
    /// There is no room for it.
    Full,
}

/// A record that no longer holds.
#[derive(Debug, Clone)]
pub(super) struct Fallen {
    pub(super) waiting: Waiting,
    pub(super) why: Rejection,
}

/// What a block changed.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Records of the block that had waited here.
    pub(super) recorded: Vec<Waiting>,
    /// Records that no longer hold.
    pub(super) fallen: Vec<Fallen>,
}

/// Whose part of the pool a record takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    /// A region: its authority, and its offices.
    Region(RegionId),
    /// A domain authority.
    Domain(DomainId),
    /// Nobody in particular: what proves itself.
    Nobody,
}

impl Owner {
    fn of(actor: &Actor) -> Self {
        match actor {
            Actor::Region(region) => Self::Region(region.clone()),
            Actor::Office(office) => Self::Region(office.region.clone()),
            Actor::Domain(domain) => Self::Domain(domain.clone()),
            Actor::Nobody => Self::Nobody,
        }
    }
}

/// An owner's part of the pool.
#[derive(Debug, Default)]
struct Share {
    order: BTreeSet<Arrival>,
    bytes: usize,
}

/// The records that wait.
#[derive(Debug)]
pub(super) struct Pending {
    limits: Limits,
    base: Arc<LedgerState>,
    ahead: LedgerState,
    applied: usize,
    next: Arrival,
    waiting: BTreeMap<Arrival, Waiting>,
    by_id: HashMap<RecordId, Arrival>,
    shares: BTreeMap<Owner, Share>,
    lanes: HashMap<SeriesId, VecDeque<Arrival>>,
    expiries: BTreeSet<(UnixMillis, Arrival)>,
    bytes: usize,
    /// Records from before a restart that do not hold yet: what they follow may be in blocks that are still to be fetched, or
    /// in other pools.
    parked: Vec<Waiting>,
    patience: Patience,
}

/// How long what is parked may still come to hold.
#[derive(Debug, Default)]
struct Patience {
    /// Till this time on the ledger.
    until: Option<UnixMillis>,
    /// Blocks since.
    blocks: u64,
}

impl Pending {
    pub(super) fn new(base: Arc<LedgerState>, limits: Limits) -> Self {
        Self {
            limits,
            ahead: base.as_ref().clone(),
            base,
            applied: 0,
            next: 0,
            waiting: BTreeMap::new(),
            by_id: HashMap::new(),
            shares: BTreeMap::new(),
            lanes: HashMap::new(),
            expiries: BTreeSet::new(),
            bytes: 0,
            parked: Vec::new(),
            patience: Patience::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The state after the last block.
    pub(super) fn base(&self) -> &Arc<LedgerState> {
        &self.base
    }

    pub(super) fn contains(&self, id: &RecordId) -> bool {
        self.by_id.contains_key(id) || self.parked.iter().any(|parked| parked.record.id() == *id)
    }

    /// Promises a waiting record a fate; says whether that is new.
    pub(super) fn promise(&mut self, id: &RecordId) -> bool {
        let waiting = self.by_id.get(id).and_then(|arrival| self.waiting.get_mut(arrival));
        waiting.is_some_and(|waiting| !std::mem::replace(&mut waiting.promised, true))
    }

    /// Lets a record in, if there is room and it holds behind all others.
    pub(super) fn admit(
        &mut self,
        waiting: Waiting,
        now: UnixMillis,
        signatures: &dyn CheckSignatures,
    ) -> Result<(), NoEntry> {
        if !self.has_room(&waiting.record) {
            return Err(NoEntry::Full);
        }
        let now = now.max(self.earliest());
        self.apply(&waiting.record, now, signatures)
            .map_err(NoEntry::Rejected)?;
        self.insert(waiting);
        Ok(())
    }

    /// As [`Self::admit`], whatever the room and the clock: a record that has a promise from before a restart.
    pub(super) fn admit_owed(
        &mut self,
        waiting: Waiting,
        now: UnixMillis,
        signatures: &dyn CheckSignatures,
    ) -> Result<(), Rejection> {
        self.apply(&waiting.record, self.likely_time(&waiting.record, now), signatures)?;
        self.insert(waiting);
        Ok(())
    }

    /// Keeps a record that has a promise from before a restart and does not hold: it may, once this node knows what the others know.
    pub(super) fn park(&mut self, waiting: Waiting, now: UnixMillis) {
        self.patience = Patience {
            until: Some(UnixMillis(now.0.saturating_add(PARKED_MS))),
            blocks: 0,
        };
        self.parked.push(waiting);
    }

    /// Lets in what was parked and holds now; what never will, or did not in time, is taken out.
    fn unpark(&mut self, now: UnixMillis, signatures: &dyn CheckSignatures) -> Vec<Fallen> {
        if self.parked.is_empty() {
            return Vec::new();
        }
        if self.patience.until.is_none_or(|until| self.base.tip().time > until) {
            self.patience.blocks = self.patience.blocks.saturating_add(1);
        }
        let is_over = self.patience.blocks >= PARKED_BLOCKS;
        let mut fallen = Vec::new();
        for waiting in std::mem::take(&mut self.parked) {
            match self.admit_owed(waiting.clone(), now, signatures) {
                Ok(()) => {}
                Err(why) if is_over || is_final(&why) => fallen.push(Fallen { waiting, why }),
                Err(_) => self.parked.push(waiting),
            }
        }
        fallen
    }

    fn insert(&mut self, waiting: Waiting) {
        let arrival = self.next;
        self.next = self.next.saturating_add(1);
        let record = &waiting.record;
        let payload = record.payload();
        let size = record.bytes().len();
        self.by_id.insert(record.id(), arrival);
        self.expiries.insert((payload.not_after, arrival));
        if let Some(series) = payload.action.series() {
            self.lanes.entry(series).or_default().push_back(arrival);
        }
        let share = self.shares.entry(Owner::of(&payload.actor)).or_default();
        share.order.insert(arrival);
        share.bytes = share.bytes.saturating_add(size);
        self.bytes = self.bytes.saturating_add(size);
        self.waiting.insert(arrival, waiting);
    }

    fn remove(&mut self, arrival: Arrival) -> Option<Waiting> {
        let waiting = self.waiting.remove(&arrival)?;
        let payload = waiting.record.payload();
        let size = waiting.record.bytes().len();
        self.by_id.remove(&waiting.record.id());
        self.expiries.remove(&(payload.not_after, arrival));
        if let Some(series) = payload.action.series()
            && let Some(lane) = self.lanes.get_mut(&series)
        {
            if lane.front() == Some(&arrival) {
                lane.pop_front();
            } else {
                lane.retain(|other| *other != arrival);
            }
            if lane.is_empty() {
                self.lanes.remove(&series);
            }
        }
        let owner = Owner::of(&payload.actor);
        if let Some(share) = self.shares.get_mut(&owner) {
            share.order.remove(&arrival);
            share.bytes = share.bytes.saturating_sub(size);
            if share.order.is_empty() {
                self.shares.remove(&owner);
            }
        }
        self.bytes = self.bytes.saturating_sub(size);
        Some(waiting)
    }

    /// Half of the room is shared out among the regions in force, the domain authorities and what nobody signs, so that none can
    /// be crowded out; the other half is for whoever comes.
    fn has_room(&self, record: &SignedRecord) -> bool {
        let size = record.bytes().len();
        if self.waiting.len() >= self.limits.records || self.bytes.saturating_add(size) > self.limits.bytes {
            return false;
        }
        let (regions, domains) = (
            self.base.region_set().members().len(),
            self.base.federation().domains.len(),
        );
        let owners = regions.saturating_add(domains).saturating_add(1);
        let own = |room: usize| (room / 2).checked_div(owners).unwrap_or(0);
        let (own_records, own_bytes) = (own(self.limits.records), own(self.limits.bytes));
        let owner = Owner::of(&record.payload().actor);
        let fits = |share: &Share| share.order.len() < own_records && share.bytes.saturating_add(size) <= own_bytes;
        if self.shares.get(&owner).is_none_or(fits) {
            return true;
        }
        let over = |count: fn(&Share) -> usize, own: usize| -> usize {
            self.shares.values().map(|share| count(share).saturating_sub(own)).sum()
        };
        over(|share| share.order.len(), own_records) < self.limits.records / 2
            && over(|share| share.bytes, own_bytes).saturating_add(size) <= self.limits.bytes / 2
    }

    fn apply(
        &mut self,
        record: &SignedRecord,
        time: UnixMillis,
        signatures: &dyn CheckSignatures,
    ) -> Result<(), Rejection> {
        let at = BlockContext {
            height: self.base.next_height(),
            time,
        };
        self.ahead.apply(record, &at, signatures)?;
        self.applied = self.applied.saturating_add(1);
        Ok(())
    }

    /// The earliest time that the next block may have.
    fn earliest(&self) -> UnixMillis {
        UnixMillis(self.base.tip().time.0.saturating_add(1))
    }

    /// The time at which a record that was let in is judged: by our clock, but our clock is not the federation's, and so it never
    /// makes such a record expired. Only a block does.
    fn likely_time(&self, record: &SignedRecord, now: UnixMillis) -> UnixMillis {
        now.min(record.payload().not_after).max(self.earliest())
    }

    /// Moves on to the state after a block.
    pub(super) fn committed(
        &mut self,
        block: &Block,
        state: &Arc<LedgerState>,
        now: UnixMillis,
        signatures: &dyn CheckSignatures,
    ) -> Change {
        let mut change = Change::default();
        let mut foreseen = true;
        if !self.parked.is_empty() {
            let recorded: BTreeSet<RecordId> = block.records.iter().map(|record| record.id()).collect();
            let parked = std::mem::take(&mut self.parked).into_iter();
            let (done, parked) = parked.partition(|waiting| recorded.contains(&waiting.record.id()));
            (change.recorded, self.parked) = (done, parked);
        }
        for record in &block.records {
            foreseen &= self.take(record, foreseen, now, signatures, &mut change.recorded);
        }
        // A change that was voted takes effect without a record of its own.
        foreseen &= self.base.federation().scheduled.is_empty() && self.base.region_set() == state.region_set();
        self.base = Arc::clone(state);
        let expired = self.expire();
        foreseen &= expired.is_empty();
        change.fallen.extend(expired);
        if !foreseen || self.is_empty() || self.applied > STALE.saturating_add(self.len().saturating_mul(4)) {
            change.fallen.extend(self.reconsider(now, signatures));
        }
        change.fallen.extend(self.unpark(now, signatures));
        change
    }

    /// Takes a recorded record out, and says whether the state ahead stays right for what remains: it was the next of its series
    /// here too, or could have come last.
    fn take(
        &mut self,
        record: &SignedRecord,
        foreseen: bool,
        now: UnixMillis,
        signatures: &dyn CheckSignatures,
        recorded: &mut Vec<Waiting>,
    ) -> bool {
        let action = &record.payload().action;
        // All others change what other records are judged by, or draw the next id.
        let is_of_series = matches!(action, Action::Issue(_) | Action::SetStatus(_));
        let series = action.series().filter(|_| is_of_series);
        let head = series.and_then(|series| self.lanes.get(&series)?.front().copied());
        match self.by_id.get(&record.id()).copied() {
            Some(arrival) => {
                recorded.extend(self.remove(arrival));
                head == Some(arrival)
            }
            // Where nothing waits, everything is forgotten below anyway.
            None if !foreseen || self.is_empty() => foreseen,
            None => {
                let last = series.is_some() && head.is_none();
                last && self.apply(record, self.likely_time(record, now), signatures).is_ok()
            }
        }
    }

    /// Takes out what no later block can hold.
    fn expire(&mut self) -> Vec<Fallen> {
        let last = self.base.tip().time;
        let gone: Vec<Arrival> = self
            .expiries
            .iter()
            .take_while(|(not_after, _)| *not_after <= last)
            .map(|(_, arrival)| *arrival)
            .collect();
        let fall = |waiting: Waiting| {
            let not_after = waiting.record.payload().not_after;
            Fallen {
                waiting,
                why: Rejection::Expired { not_after, now: last },
            }
        };
        gone.into_iter()
            .filter_map(|arrival| self.remove(arrival))
            .map(fall)
            .collect()
    }

    /// Applies everything again, in order, on the state after the last block; what no longer holds is taken out.
    pub(super) fn reconsider(&mut self, now: UnixMillis, signatures: &dyn CheckSignatures) -> Vec<Fallen> {
        self.ahead = self.base.as_ref().clone();
        self.applied = 0;
        let all: Vec<(Arrival, Arc<SignedRecord>)> = self
            .waiting
            .iter()
            .map(|(arrival, waiting)| (*arrival, Arc::clone(&waiting.record)))
            .collect();
        let mut fallen = Vec::new();
        for (arrival, record) in all {
            if let Err(why) = self.apply(&record, self.likely_time(&record, now), signatures)
                && let Some(waiting) = self.remove(arrival)
            {
                fallen.push(Fallen { waiting, why });
            }
        }
        fallen
    }

    /// Records for a block: of each owner in the order of arrival, one of each owner in turn. In this order they hold, except where
    /// one owner's builds on what another's changes, as votes do on proposals: those wait a block longer.
    pub(super) fn candidates(&self, max_bytes: usize, max_records: usize) -> Vec<Arc<SignedRecord>> {
        let mut turns: VecDeque<_> = self.shares.values().map(|share| share.order.iter()).collect();
        // Another owner begins each block.
        let first = usize::try_from(self.base.tip().height.0)
            .ok()
            .and_then(|height| height.checked_rem(turns.len()));
        turns.rotate_left(first.unwrap_or(0));
        let mut room = max_bytes;
        let mut chosen = Vec::new();
        while let Some(mut turn) = turns.pop_front() {
            let Some(waiting) = turn.next().and_then(|arrival| self.waiting.get(arrival)) else {
                continue;
            };
            let size = waiting.record.bytes().len();
            if size > room || chosen.len() >= max_records {
                break;
            }
            room = room.saturating_sub(size);
            chosen.push(Arc::clone(&waiting.record));
            turns.push_back(turn);
        }
        chosen
    }
}

/// Whether no block to come can make a record hold that was turned down for this.
fn is_final(why: &Rejection) -> bool {
    matches!(why, Rejection::Expired { .. } | Rejection::Duplicate)
        || matches!(why, Rejection::NumberGap { expected, got, .. } if got < expected)
}
