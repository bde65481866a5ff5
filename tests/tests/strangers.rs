//! Who is not on the ledger's list is not heard (issue: claim 4).

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use concord_spec::charter::Charter;
use concord_spec::charter::signed::{SignedCharter, SignedCharterError};
use concord_spec::id::ChainName;
use concord_tests::cluster::ed25519_of;
use concord_tests::load::Load;
use concord_tests::stranger::{Manner, Reception, knock};
use concord_tests::wait::{Seen, until};
use concord_tests::{Cluster, HarnessError, Office, Options, Result, claim};
use libp2p::Multiaddr;
use libp2p::identity::Keypair;

/// How long strangers watch; who is still connected then has not been closed.
const PATIENCE: Duration = Duration::from_secs(5);
const STRANGERS: usize = 1_000;

/// One test at a time: one of them measures.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().map_err(HarnessError::file("a runtime"))
}

fn address(cluster: &Cluster, index: usize) -> Result<Multiaddr> {
    cluster
        .node(index)?
        .run()?
        .p2p
        .parse()
        .map_err(|why| HarnessError::bytes("p2p address", why))
}

#[test]
fn a_stranger_gets_no_substream_and_is_closed_within_a_second() -> Result {
    let _turn = turn();
    let mut cluster = Cluster::start(Options::default())?;
    let runtime = runtime()?;
    for manner in [Manner::Silent, Manner::Speaking] {
        for index in 0..4 {
            let address = address(&cluster, index)?;
            let got = runtime.block_on(knock(&address, &Keypair::generate_ed25519(), manner, PATIENCE))?;
            println!("{manner:?} at {address}: {got:?}");
            let closed = got.closed_after.is_some_and(|after| after < Duration::from_secs(1));
            claim(closed, || {
                format!("a {manner:?} stranger is closed within a second: {got:?}")
            })?;
            let heard = got.substreams_from_node == 0 && got.bytes_heard == 0;
            claim(heard, || format!("a {manner:?} stranger gets no substream: {got:?}"))?;
        }
    }
    // What shows that the watching can tell: a region's own key, its node stopped, is let in and answered.
    let key = cluster.node(3)?.data_dir().join("keys/peer.pem");
    let address = address(&cluster, 0)?;
    cluster.node_mut(3)?.terminate()?;
    let listed = Keypair::ed25519_from_bytes(ed25519_of(&key)?).map_err(|why| HarnessError::bytes("peer key", why))?;
    let got = runtime.block_on(knock(&address, &listed, Manner::Speaking, Duration::from_secs(1)))?;
    claim(got.multiplexed && got.bytes_heard > 0, || {
        format!("a listed peer is heard: {got:?}")
    })?;
    cluster.finish()
}

/// Median and longest milliseconds between the blocks of `heights`.
fn intervals(cluster: &Cluster, heights: std::ops::RangeInclusive<u64>) -> Result<(u64, u64)> {
    let mut times = Vec::new();
    for height in heights {
        times.push(cluster.api(0)?.block(height)?.time_ms);
    }
    let mut gaps: Vec<u64> = times
        .windows(2)
        .filter_map(|pair| Some(pair.last()?.saturating_sub(*pair.first()?)))
        .collect();
    gaps.sort_unstable();
    let median = gaps.get(gaps.len() / 2).copied();
    median
        .zip(gaps.last().copied())
        .ok_or_else(|| HarnessError::bytes("block intervals", "none"))
}

/// All knock at once, spread over the nodes, every other one speaking.
async fn crowd(addresses: Vec<Multiaddr>) -> Result<Vec<Reception>> {
    let mut knocking = tokio::task::JoinSet::new();
    for (index, address) in addresses.into_iter().cycle().take(STRANGERS).enumerate() {
        let manner = if index % 2 == 0 {
            Manner::Silent
        } else {
            Manner::Speaking
        };
        knocking.spawn(async move { knock(&address, &Keypair::generate_ed25519(), manner, PATIENCE).await });
    }
    let receptions = knocking.join_all().await;
    receptions.into_iter().collect()
}

#[test]
fn a_thousand_strangers_at_once_do_not_slow_blocks_down() -> Result {
    let _turn = turn();
    let cluster = Cluster::start(Options::default())?;
    let mut books = Vec::new();
    for index in 0..4 {
        let mut office = Office::register(&cluster, index, 1, 1)?;
        let api = cluster.api(index)?;
        books.push((api.clone(), office.open_series(api, "desk 1")?));
    }
    let load = Load::start(books, Duration::from_millis(20));
    let start = cluster.height()?;
    let before = cluster.await_height(start + 20, Duration::from_secs(60))?;
    let quiet_end = before.iter().map(|status| status.height).max().unwrap_or(0);
    let quiet = intervals(&cluster, start..=quiet_end)?;

    let addresses = (0..4)
        .map(|index| address(&cluster, index))
        .collect::<Result<Vec<_>>>()?;
    let crowd_start = cluster.height()?;
    let began = Instant::now();
    let receptions = runtime()?.block_on(crowd(addresses))?;
    let crowded_for = began.elapsed();
    let crowd_end = cluster.height()?;
    let crowded = intervals(&cluster, crowd_start..=crowd_end)?;
    let open = receptions.iter().filter(|got| got.closed_after.is_none()).count();
    let heard = receptions
        .iter()
        .filter(|got| got.bytes_heard > 0 || got.substreams_from_node > 0)
        .count();
    println!(
        "{} strangers in {crowded_for:?}, {open} still connected, {heard} heard; block interval median and longest: \
         {quiet:?} ms before over {} blocks, {crowded:?} ms meanwhile over {} blocks",
        receptions.len(),
        quiet_end - start,
        crowd_end - crowd_start,
    );
    claim(open == 0 && heard == 0, || {
        format!("every stranger is closed unheard: {open} open, {heard} heard")
    })?;
    claim(crowd_end > crowd_start, || {
        "blocks come while strangers knock".to_owned()
    })?;
    // The strangers' own side of a thousand handshakes takes this machine's processors too: room for that, not for a stall.
    let bound = quiet.0.saturating_mul(4).saturating_add(500);
    claim(crowded.0 <= bound, || {
        format!("the median interval stays within {bound} ms: {crowded:?}")
    })?;
    claim(crowded.1 <= 3_000, || {
        format!("no block takes longer than 3 s: {crowded:?}")
    })?;
    let end = cluster.height()?;
    cluster.await_height(end + 5, Duration::from_secs(30))?;
    load.stop()?;
    cluster.finish()
}

/// Puts a charter with another chain name, and so another chain id, into a region's directory.
fn move_to_other_chain(cluster: &Cluster, index: usize) -> Result<Charter> {
    let chain = ChainName::new("another").map_err(|why| HarnessError::bytes("chain name", why))?;
    let charter = Charter {
        chain,
        ..cluster.charter().clone()
    };
    let node = cluster.node(index)?;
    let wrong = |why: SignedCharterError| HarnessError::bytes("signed charter", why);
    let mut signed = SignedCharter::new(charter.clone()).map_err(wrong)?;
    signed.sign(node.region(), &cluster.authority(index)?).map_err(wrong)?;
    let path = node.data_dir().join("charter.cbor");
    fs::write(&path, signed.to_bytes()).map_err(HarnessError::file(&path))?;
    Ok(charter)
}

#[test]
fn a_listed_peer_of_another_chain_is_refused_with_its_reason() -> Result {
    let _turn = turn();
    let mut cluster = Cluster::create(Options::default())?;
    let other = move_to_other_chain(&cluster, 3)?;
    cluster.spawn_all(&[])?;
    for index in 0..4 {
        cluster.node_mut(index)?.await_api()?;
    }
    let ours = cluster.charter().chain_id();
    let theirs = other.chain_id();
    for index in 0..3 {
        until(
            &format!("node {index} has refused the fourth and says why"),
            Duration::from_secs(30),
            || {
                let status = cluster.api(index)?.status()?;
                let told = status.refusals.iter().any(|refusal| {
                    let text = refusal.to_string();
                    text.contains(&ours.to_string()) && text.contains(&theirs.to_string())
                });
                let connected = status.peers.iter().filter(|peer| peer.connected).count();
                let seen = format!("{:?}, {connected} connected", status.refusals);
                Ok(if told { Seen::Yes(()) } else { Seen::NotYet(seen) })
            },
        )?;
    }
    // The three of the one chain are a quorum and go on; the fourth stays where it is.
    let mut office = Office::register(&cluster, 0, 1, 1)?;
    office.open_series(cluster.api(0)?, "desk 1")?;
    let region = cluster.node(3)?.region().to_string();
    let (one, fourth) = (cluster.api(0)?.status()?, cluster.api(3)?.status()?);
    println!(
        "refusals at {}: {:?}; at {region}: {:?}",
        one.region, one.refusals, fourth.refusals
    );
    claim(fourth.height == 0 && one.height > 0, || {
        format!("the fourth has none of the blocks: {fourth:?}")
    })?;
    let connected = one.peers.iter().any(|peer| peer.region == region && peer.connected);
    claim(!connected, || format!("the fourth is not connected: {:?}", one.peers))?;
    cluster.finish()
}
