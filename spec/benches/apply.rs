//! What applying issue records costs: `cargo bench -p concord-spec --bench apply`.
//!
//! 100,000 records over 10,000 series, in blocks of 1,000, against the first 1,000 of them, timed in turn. Prints processor time for each
//! record and the ratio. Signatures are verified once before the clock starts, as a node does when it admits records; what
//! verifying costs is shown by itself. Then the block whose changes of status cost the most.

use concord_spec::block::Block;
use concord_spec::codec::{self, Writer};
use concord_spec::digest::{Digest, sha256};
use concord_spec::id::{Number, SeriesId, UnixMillis};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::{BatchItem, verify_batch};
use concord_spec::ledger::{CheckSignatures, Entry, LedgerState, Limits};
use concord_spec::record::{
    Action, Issue, MAX_BLOCK_CHUNKS, MAX_RANGES, NumberRange, OpenSeries, RecordId, SetStatus, SignedRecord,
    StatusChange,
};
use concord_spec::status::{CHUNK_NUMBERS, Chunk, Reason, SeriesStatus};
use concord_spec::world::{World, WorldError};
use rustix::time::{ClockId, clock_gettime};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

const SERIES: u32 = 10_000;
const RECORDS: usize = 100_000;
const FEW: usize = BLOCK;
const BLOCK: usize = 1_000;
/// Blocks in a tenth of them.
const TENTH: usize = RECORDS / BLOCK / 10;
/// What the issue on the tracker allows.
const MOST: f64 = 1.3;
/// What the costliest changes of status may add to a block.
const MOST_OF_STATUS: Duration = Duration::from_secs(2);

/// Records whose signatures were verified before.
struct Verified(HashSet<RecordId>);

impl CheckSignatures for Verified {
    fn all_hold(&self, record: &SignedRecord, _: &[BatchItem]) -> bool {
        self.0.contains(&record.id())
    }
}

/// Processor time of this thread so far: other programs on the machine are not in it, but for what they push out of the
/// processor's caches.
fn processor_time() -> Result<Duration, WorldError> {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Ok(Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?))
}

fn timed<T>(work: impl FnOnce() -> Result<T, WorldError>) -> Result<(T, Duration), WorldError> {
    let before = processor_time()?;
    let done = work()?;
    Ok((done, processor_time()?.saturating_sub(before)))
}

fn micros_each(time: Duration, records: usize) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(u32::try_from(records).unwrap_or(u32::MAX))
}

/// A world with so many series of one office.
fn world(series: u32) -> Result<World, WorldError> {
    let mut world = World::with_series(4, "bench")?;
    // Series 1 is there.
    for first in (1..series).step_by(BLOCK) {
        let mut records = Vec::new();
        for index in first..series.min(first.saturating_add(u32::try_from(BLOCK)?)) {
            let seed = sha256(&[b"bench series", &index.to_be_bytes()]).0;
            let open = OpenSeries {
                of: world.type_ref(),
                desk: format!("窗口{index}"),
                key: SecretKey::from_seed(seed).public(),
            };
            records.push(world.by_office(Action::OpenSeries(open))?);
        }
        world.append(records)?;
    }
    Ok(world)
}

/// So many issues, one after the other over the series.
fn issues(world: &mut World, series: u32, records: usize) -> Result<Vec<Arc<SignedRecord>>, WorldError> {
    let mut issues = Vec::new();
    for index in 0..u32::try_from(records)? {
        let issue = Issue {
            series: SeriesId(index % series + 1),
            first: Number(u64::from(index / series) * 256),
            count: 256,
            root: Digest(sha256(&[&index.to_be_bytes()]).0),
        };
        issues.push(Arc::new(world.by_office(Action::Issue(issue))?));
    }
    Ok(issues)
}

/// Verifies what is signed, and remembers it.
fn verified(world: &World, records: &[Arc<SignedRecord>]) -> Result<Verified, WorldError> {
    let keyring = world.state.office(&world.office()?).ok_or("no office")?.keyring.clone();
    for (index, chunk) in records.chunks(256).enumerate() {
        let items = chunk.iter().map(|record| record.envelope().check(&keyring));
        let items: Vec<BatchItem> = items.collect::<Result<Vec<_>, _>>()?.concat();
        let seed = sha256(&[b"bench batch", &index.to_be_bytes()]).0;
        if !verify_batch(&items, seed) {
            return Err("a signature does not hold".into());
        }
    }
    Ok(Verified(records.iter().map(|record| record.id()).collect()))
}

/// The state after these records as one block, and the time it takes to judge it, as every node does with what another
/// proposes: rules, roots of sections, state root.
fn judged(
    state: LedgerState,
    records: &[Arc<SignedRecord>],
    checked: &Verified,
) -> Result<(LedgerState, Duration), WorldError> {
    let proposer = state.region_set().members().first().ok_or("no regions")?.region.clone();
    let at = UnixMillis(state.tip().time.0.saturating_add(1));
    let draft = state.draft(at, &proposer, records.iter().cloned(), Limits::default(), checked);
    if let Some((_, rejection)) = draft.refused.into_iter().next() {
        return Err(rejection.into());
    }
    let block: Block = draft.block;
    drop(draft.state);
    // The state before goes while the clock runs: letting go of it is part of the cost.
    timed(|| {
        let after = state.advance(&block, checked)?;
        drop(state);
        Ok(after)
    })
}

/// Times of all blocks of `records`, one on the other, and of the first of them judged anew from the state before it, as often
/// and in turn: what the machine does meanwhile, and what each block pushes out of its caches, meets both alike.
fn in_turn(
    state: &LedgerState,
    records: &[Arc<SignedRecord>],
    checked: &Verified,
) -> Result<(Vec<Duration>, Vec<Duration>), WorldError> {
    let mut after = state.clone();
    let (mut all, mut first) = (Vec::new(), Vec::new());
    let few = records.get(..FEW).ok_or("too few records")?;
    for records in records.chunks(BLOCK) {
        first.push(judged(state.clone(), few, checked)?.1);
        let (next, time) = judged(after, records, checked)?;
        all.push(time);
        after = next;
    }
    Ok((all, first))
}

/// A world whose series has scattered numbers in all sets of so many chunks, which are the costliest to encode.
fn scattered(chunks: usize) -> Result<(World, Vec<u16>), WorldError> {
    let mut world = World::with_series(4, "bench")?;
    let places = (0..CHUNK_NUMBERS).filter(|place| sha256(&[&place.to_be_bytes()]).0[0] < 64);
    let places: Vec<u16> = places.collect();
    let mut chunk = Chunk::empty();
    places.iter().for_each(|place| chunk.set(*place, true));
    let bytes = chunk.encode();
    let mut w = Writer::new();
    w.array(6);
    w.uint(u64::try_from(chunks)? * u64::from(CHUNK_NUMBERS));
    for _ in 0..5 {
        w.array(chunks);
        (0..chunks).for_each(|_| w.bytes(&bytes));
    }
    let status = w.into_vec();
    codec::from_slice::<SeriesStatus>(&status, status.len())?;
    let key = Entry::SeriesStatus(SeriesId(1)).key();
    let mut entries = world.state.entries();
    entries.retain(|(known, _)| *known != key);
    entries.push((key, status));
    world.state = LedgerState::restore(world.state.charter().clone(), entries)?;
    Ok((world, places))
}

/// Time to judge a block of restorations, one number of each chunk at a time: each changes three sets of the chunk.
fn costliest_status() -> Result<(usize, Duration), WorldError> {
    let (mut world, places) = scattered(MAX_RANGES)?;
    let mut records = Vec::new();
    for place in places.iter().take(usize::try_from(MAX_BLOCK_CHUNKS)? / MAX_RANGES) {
        let range = |chunk: u64| NumberRange {
            first: Number(chunk * u64::from(CHUNK_NUMBERS) + u64::from(*place)),
            count: 1,
        };
        let body = SetStatus {
            series: SeriesId(1),
            ranges: (0..).take(MAX_RANGES).map(range).collect(),
            change: StatusChange::Restore,
            reason: Reason::Unspecified,
            effective: None,
            detail: Some(Digest::ZERO),
            successor: None,
        };
        records.push(Arc::new(world.by_region(Action::SetStatus(body))?));
    }
    let checked = Verified(records.iter().map(|record| record.id()).collect());
    let (_, time) = judged(world.state, &records, &checked)?;
    Ok((records.len(), time))
}

/// Cost of a record over these blocks.
fn cost(blocks: &[Duration]) -> f64 {
    micros_each(blocks.iter().sum(), blocks.len().saturating_mul(BLOCK))
}

fn main() -> Result<(), WorldError> {
    println!("processor time for each issue record, in blocks of {BLOCK}; signatures verified before\n");
    println!("| series | records | us a record |\n|---|---|---|");
    let mut world = world(SERIES)?;
    let records = issues(&mut world, SERIES, RECORDS)?;
    let (checked, verifying) = timed(|| verified(&world, &records))?;
    let (all, first) = in_turn(&world.state, &records, &checked)?;
    let (many, few) = (cost(&all), cost(&first));
    println!("| {SERIES} | {FEW}, timed {} times | {few:.1} |", first.len());
    println!("| {SERIES} | {RECORDS} | {many:.1} |");
    println!("\nby tenths of the {RECORDS}, with the {FEW} timed in between:");
    for (index, (all, first)) in all.chunks(TENTH).zip(first.chunks(TENTH)).enumerate() {
        println!("  {}: {:.1} and {:.1} us", index + 1, cost(all), cost(first));
    }
    let ratio = many / few;
    println!("ratio of {RECORDS} records to {FEW}, both over {SERIES} series: {ratio:.2}");
    let signatures = micros_each(verifying, RECORDS);
    println!("verifying two signatures of a record in batches of 512: {signatures:.1} us");
    let (count, time) = costliest_status()?;
    println!(
        "\nthe costliest changes of status of a block: {count} records, {MAX_BLOCK_CHUNKS} chunks: {:.0} ms, {:.0} us a chunk",
        time.as_secs_f64() * 1e3,
        micros_each(time, usize::try_from(MAX_BLOCK_CHUNKS)?)
    );
    if time > MOST_OF_STATUS {
        return Err(format!("they cost more than {MOST_OF_STATUS:?}").into());
    }
    if ratio > MOST {
        return Err(format!("{RECORDS} records cost more than {MOST} times as much each as {FEW}").into());
    }
    Ok(())
}
