//! Nodes stop and come back; the others go on or wait, and nothing is lost (issue: claim 2).

use std::time::Duration;

use concord_spec::id::RegionId;
use concord_tests::ledger::{agreed, replay};
use concord_tests::load::Load;
use concord_tests::office::recorded;
use concord_tests::wait::{Seen, throughout, until};
use concord_tests::{Book, Cluster, Office, Options, Result, Submitted, claim};

const WITHIN: Duration = Duration::from_secs(60);

/// Two series at each of the nodes `0..nodes`, so that the others can stop without a desk losing its node.
fn books(cluster: &Cluster, nodes: usize) -> Result<Vec<(concord_tests::Api, Book)>> {
    let mut books = Vec::new();
    for index in 0..nodes {
        let mut office = Office::register(cluster, index, 1, 1)?;
        let api = cluster.api(index)?;
        for desk in ["a", "b"] {
            books.push((api.clone(), office.open_series(api, desk)?));
        }
    }
    Ok(books)
}

/// Heights from `from` on whose seals on node `index` name `region`.
fn sealed_with(cluster: &Cluster, index: usize, region: &RegionId, from: u64) -> Result<usize> {
    let replayed = replay(
        cluster.api(index)?,
        cluster.charter(),
        cluster.api(index)?.status()?.height,
    )?;
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let blocks = replayed.blocks.iter().skip(from);
    Ok(blocks
        .filter(|block| block.signers.iter().any(|signer| signer == region.as_str()))
        .count())
}

#[test]
fn issuing_goes_on_with_three_of_four_and_the_one_that_returns_seals_again() -> Result {
    let mut cluster = Cluster::start(Options::default())?;
    let load = Load::start(books(&cluster, 2)?, Duration::from_millis(10));

    let height = cluster.height()?;
    cluster.await_height(height + 5, WITHIN)?;
    cluster.node_mut(3)?.kill()?;
    let (height, taken) = (cluster.height()?, load.taken());
    cluster.await_height(height + 10, WITHIN)?;
    claim(load.taken() > taken, || {
        format!("issuing goes on without one node: {taken} records and no more")
    })?;

    cluster.restart(3)?;
    let height = cluster.height()?;
    cluster.await_height(height, WITHIN)?;
    // Blocks and seals of the time it was away: replayed from what it itself serves now.
    let returned = replay(cluster.api(3)?, cluster.charter(), height)?;
    let others = replay(cluster.api(0)?, cluster.charter(), height)?;
    let same = returned
        .blocks
        .iter()
        .zip(&others.blocks)
        .all(|(a, b)| a.hash == b.hash);
    claim(same && returned.records == others.records, || {
        "the returned node holds what the others hold".to_owned()
    })?;

    cluster.node_mut(2)?.terminate()?;
    let height = cluster.height()?;
    cluster.await_height(height + 10, WITHIN)?;
    let region = cluster.node(3)?.region().clone();
    // Three of four are the quorum: every new seal has the returned one's share.
    let shares = sealed_with(&cluster, 0, &region, height + 1)?;
    claim(shares >= 9, || {
        format!("the returned node's share is in every seal since: {shares} after {height}")
    })?;

    cluster.restart(2)?;
    let ids = load.stop()?;
    for id in &ids {
        recorded(cluster.api(2)?, id)?;
    }
    println!("{} records, {} blocks", ids.len(), cluster.height()?);
    cluster.finish()
}

#[test]
fn with_two_of_four_stopped_nothing_is_sealed_and_nothing_is_lost() -> Result {
    let mut cluster = Cluster::start(Options::default())?;
    let mut books = books(&cluster, 2)?;
    cluster.node_mut(2)?.kill()?;
    cluster.node_mut(3)?.kill()?;
    // What was decided before is committed now, if anything was; from then on the height must stand.
    let mut last = cluster.height()?;
    let settled = until("the height stands", WITHIN, || {
        let before = std::mem::replace(&mut last, cluster.height()?);
        Ok(if last == before {
            Seen::Yes(last)
        } else {
            Seen::NotYet(format!("{before}, {last}"))
        })
    })?;

    let mut pending = Vec::new();
    for (api, book) in &mut books {
        for _ in 0..5 {
            let record = book.issue(1);
            let submitted = api.submit(record.bytes())?;
            claim(submitted == Submitted::Accepted(record.id()), || {
                format!("it is taken: {submitted:?}")
            })?;
            pending.push(record.id());
        }
    }
    throughout(Duration::from_secs(8), || {
        let height = cluster.height()?;
        claim(height == settled, || {
            format!("two of four seal nothing: from {settled} to {height}")
        })
    })?;
    for id in &pending {
        let state = cluster
            .api(0)?
            .record(id, Duration::ZERO)?
            .or(cluster.api(1)?.record(id, Duration::ZERO)?);
        let waits = state.as_ref().is_some_and(|state| state.state == "pending");
        claim(waits, || format!("record {id} waits: {state:?}"))?;
    }

    cluster.restart(2)?;
    for id in &pending {
        for index in 0..3 {
            recorded(cluster.api(index)?, id)?;
        }
    }
    let height = cluster.height()?;
    claim(height > settled, || {
        format!("with three it goes on: {settled}, {height}")
    })?;
    cluster.restart(3)?;
    cluster.await_height(height, WITHIN)?;
    let apis: Vec<_> = cluster.nodes().iter().map(|node| node.api()).collect();
    let replayed = agreed(&apis, cluster.charter(), height)?;
    let all = pending.iter().all(|id| replayed.records.contains_key(id));
    claim(all, || "every record that waited is in a block of all nodes".to_owned())?;
    cluster.finish()
}
