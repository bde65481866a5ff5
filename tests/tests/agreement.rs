//! Four processes keep one ledger (issue: claim 1).

use std::time::Duration;

use concord_tests::ledger::agreed;
use concord_tests::load::Load;
use concord_tests::office::recorded;
use concord_tests::{Cluster, Office, Options, Result, claim};

#[test]
fn four_nodes_hold_the_same_blocks_and_every_record_given_to_any_of_them() -> Result {
    let cluster = Cluster::start(Options::default())?;
    let mut books = Vec::new();
    for index in 0..4 {
        let mut office = Office::register(&cluster, index, 2, 3)?;
        let api = cluster.api(index)?;
        books.push((api.clone(), office.open_series(api, "desk 1")?));
    }
    let load = Load::start(books, Duration::from_millis(10));
    let height = cluster.height()?;
    cluster.await_height(height + 20, Duration::from_secs(60))?;
    let ids = load.stop()?;
    claim(ids.len() >= 40, || {
        format!("each desk has issued: {} records in all", ids.len())
    })?;
    for node in cluster.nodes() {
        for id in &ids {
            recorded(node.api(), id)?;
        }
    }
    let height = cluster.height()?;
    cluster.await_height(height, Duration::from_secs(10))?;
    let apis: Vec<_> = cluster.nodes().iter().map(|node| node.api()).collect();
    let replayed = agreed(&apis, cluster.charter(), height)?;
    let missing: Vec<_> = ids.iter().filter(|id| !replayed.records.contains_key(id)).collect();
    claim(missing.is_empty(), || {
        format!("every record is in a block of all nodes: {missing:?}")
    })?;
    println!(
        "{} records in {height} blocks, the same on four nodes",
        replayed.records.len()
    );
    cluster.finish()
}

#[test]
fn a_node_whose_charter_differs_in_one_parameter_is_another_chain() -> Result {
    let one = Cluster::create(Options::default())?;
    let other = Options {
        heartbeat_ms: 5_000,
        ..Options::default()
    };
    let other = Cluster::create(other)?;
    let (a, b) = (one.charter().chain_id(), other.charter().chain_id());
    claim(a != b, || format!("two charters have two chain ids: {a}"))?;
    one.finish()?;
    other.finish()
}
