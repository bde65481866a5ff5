//! What a node uses when nothing happens (issue: claim 10).

use std::time::{Duration, Instant};

use concord_tests::usage::Usage;
use concord_tests::{Cluster, HarnessError, Office, Options, Result, claim};

const WINDOW: Duration = Duration::from_secs(30);
const MOST_CORE_SHARE: f64 = 0.01;
const MOST_BYTES: u64 = 100_000_000;

fn usages(cluster: &Cluster) -> Result<Vec<Usage>> {
    let pid = |node: &concord_tests::node::Node| {
        node.pid()
            .ok_or_else(|| HarnessError::bytes("a process", node.region()))
    };
    cluster.nodes().iter().map(|node| Usage::of(pid(node)?)).collect()
}

#[test]
fn an_idle_node_uses_under_a_hundredth_of_a_core_and_under_100_mb() -> Result {
    let cluster = Cluster::start(Options::default())?;
    // A ledger that has begun: idle between records, not before the first.
    let mut office = Office::register(&cluster, 0, 1, 1)?;
    office.open_series(cluster.api(0)?, "desk 1")?;
    let height = cluster.height()?;
    cluster.await_height(height, Duration::from_secs(10))?;
    let before = usages(&cluster)?;
    let began = Instant::now();
    // The window of the measurement, not a wait for anything.
    std::thread::sleep(WINDOW);
    let after = usages(&cluster)?;
    let mut failed = Vec::new();
    for ((node, before), after) in cluster.nodes().iter().zip(&before).zip(&after) {
        let share = after.core_share_since(before);
        let megabytes = after.resident_bytes / 1_000_000;
        println!(
            "{}: {:.2} % of a core, {megabytes} MB resident, over {:?}",
            node.region(),
            share * 100.0,
            began.elapsed()
        );
        if share >= MOST_CORE_SHARE || after.resident_bytes >= MOST_BYTES {
            failed.push(node.region().to_string());
        }
    }
    let blocks = cluster.height()?.saturating_sub(height);
    println!("{blocks} blocks meanwhile");
    claim(failed.is_empty(), || format!("every node is idle: not {failed:?}"))?;
    cluster.finish()
}
