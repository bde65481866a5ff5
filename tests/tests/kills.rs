//! All four nodes killed at random moments, thirty times (issue: claim 3).

use std::time::{Duration, Instant};

use concord_tests::ledger::agreed;
use concord_tests::load::Load;
use concord_tests::office::recorded;
use concord_tests::wait::{Seen, until};
use concord_tests::{Cluster, Office, Options, Result, claim};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const ROUNDS: u32 = 30;
/// Every third round the nodes end themselves between precommit and commit.
const ABORT_EVERY: u32 = 3;
const ABORT: &str = "CONCORD_TEST_ABORT";
const WITHIN: Duration = Duration::from_secs(60);

/// How the rounds went.
#[derive(Debug, Default)]
struct Tally {
    /// Rounds in which a node ended itself between precommit and commit.
    aborted_rounds: u32,
    /// Nodes that did, over all rounds.
    aborted_nodes: usize,
    /// Rounds in which the chain had grown before the kill.
    grown_rounds: u32,
}

/// Kills every node at a random moment after it came up.
fn kill_at_random(cluster: &mut Cluster, random: &mut StdRng) -> Result {
    let moment = Duration::from_millis(random.gen_range(0..2_500));
    // The moment of the fault itself, not a wait for anything.
    std::thread::sleep(moment);
    cluster.kill_all()
}

/// Waits until a quorum is impossible because nodes ended themselves, then kills the rest.
fn let_abort(cluster: &mut Cluster, tally: &mut Tally) -> Result {
    let began = Instant::now();
    let mut ended = 0;
    while began.elapsed() < Duration::from_secs(10) && ended < cluster.nodes().len() {
        ended = 0;
        for index in 0..cluster.nodes().len() {
            ended += usize::from(cluster.node_mut(index)?.ended()?.is_some());
        }
        // Two that are gone stop the chain: the others will not get to theirs.
        if ended >= 2 && began.elapsed() > Duration::from_secs(5) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    tally.aborted_nodes += ended;
    tally.aborted_rounds += u32::from(ended > 0);
    cluster.kill_all()
}

fn round(cluster: &mut Cluster, round: u32, random: &mut StdRng, tally: &mut Tally) -> Result {
    if round.is_multiple_of(ABORT_EVERY) {
        let moment = format!("precommit:{}", random.gen_range(1..=4));
        cluster.spawn_all(&[(ABORT.to_owned(), moment)])?;
        return let_abort(cluster, tally);
    }
    cluster.spawn_all(&[])?;
    for index in 0..cluster.nodes().len() {
        cluster.node_mut(index)?.await_api()?;
    }
    // In half of the rounds the kill falls into the first moments, in the others the chain has gone on before.
    if random.r#gen() {
        let height = cluster.height()?;
        cluster.await_height(height + 1, WITHIN)?;
        tally.grown_rounds += 1;
    }
    kill_at_random(cluster, random)
}

#[test]
fn thirty_kills_of_all_nodes_lose_no_record_that_was_taken() -> Result {
    let seed = std::env::var("CONCORD_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random);
    println!("CONCORD_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut cluster = Cluster::start(Options::default())?;
    let mut books = Vec::new();
    for index in 0..4 {
        let mut office = Office::register(&cluster, index, 1, 1)?;
        let api = cluster.api(index)?;
        books.push((api.clone(), office.open_series(api, "desk 1")?));
    }
    let load = Load::start(books, Duration::from_millis(15));
    let mut tally = Tally::default();
    kill_at_random(&mut cluster, &mut random)?;
    for number in 1..ROUNDS {
        round(&mut cluster, number, &mut random, &mut tally)?;
    }
    cluster.start_all()?;
    let height = cluster.height()?;
    cluster.await_height(height + 5, WITHIN)?;
    let ids = load.stop()?;
    println!("{ROUNDS} rounds, {tally:?}, {} records taken", ids.len());

    // No two records speak about the same numbers, so none may be rejected.
    for id in &ids {
        recorded(cluster.api(0)?, id)?;
    }
    let height = cluster.height()?;
    cluster.await_height(height, WITHIN)?;
    let apis: Vec<_> = cluster.nodes().iter().map(|node| node.api()).collect();
    let replayed = agreed(&apis, cluster.charter(), height)?;
    let missing: Vec<_> = ids.iter().filter(|id| !replayed.records.contains_key(id)).collect();
    claim(missing.is_empty(), || {
        format!("every record answered 202 is in exactly one block: {missing:?}")
    })?;
    claim(tally.aborted_rounds >= 5, || {
        format!("nodes ended between precommit and commit: {tally:?}")
    })?;
    claim(tally.grown_rounds >= 5, || {
        format!("the chain went on between kills: {tally:?}")
    })?;
    println!(
        "{height} blocks with {} records, the same on four nodes",
        replayed.records.len()
    );
    cluster.finish()
}

#[test]
fn a_record_that_loses_to_another_has_a_rejection_that_outlives_a_kill() -> Result {
    let mut cluster = Cluster::start(Options::default())?;
    let mut office = Office::register(&cluster, 0, 1, 1)?;
    let book = office.open_series(cluster.api(0)?, "desk 1")?;
    // One number, two records: each node takes one, unless it has heard of the other's in time.
    let mut rivals = Vec::new();
    for (index, count) in [(0, 1), (1, 2)] {
        rivals.push((cluster.api(index)?.clone(), book.clone().issue(count)));
    }
    let senders: Vec<_> = rivals
        .into_iter()
        .map(|(api, record)| std::thread::spawn(move || (record.id(), api.submit(record.bytes()))))
        .collect();
    let mut taken = Vec::new();
    for sender in senders {
        let (id, submitted) = sender
            .join()
            .map_err(|_| concord_tests::HarnessError::bytes("a sender", "it panicked"))?;
        if matches!(submitted?, concord_tests::Submitted::Accepted(_)) {
            taken.push(id);
        }
    }
    claim(!taken.is_empty(), || "one of two rivals is taken".to_owned())?;
    let fates = |cluster: &Cluster| -> Result<Vec<String>> {
        let fate = |id| {
            until(&format!("record {id} has an end"), WITHIN, || {
                let mut states = Vec::new();
                for node in cluster.nodes() {
                    states.extend(node.api().record(id, Duration::ZERO)?.map(|state| state.state));
                }
                let end = states.iter().find(|state| *state != "pending").cloned();
                Ok(end.map_or_else(|| Seen::NotYet(format!("{states:?}")), Seen::Yes))
            })
        };
        taken.iter().map(fate).collect()
    };
    let before = fates(&cluster)?;
    cluster.kill_all()?;
    cluster.start_all()?;
    let after = fates(&cluster)?;
    println!("rivals: {before:?}");
    claim(before == after, || {
        format!("a kill changes no end: {before:?}, {after:?}")
    })?;
    let recorded = after.iter().filter(|state| *state == "recorded").count();
    claim(recorded == 1, || {
        format!("exactly one of the rivals is recorded: {after:?}")
    })?;
    cluster.finish()
}
