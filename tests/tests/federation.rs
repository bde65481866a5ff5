//! The federation changes while issuing goes on: a region joins, keys rotate, a region leaves, a dead one is removed; what was
//! issued before verifies with data from before and from after (issue: federation changes).

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use concord_spec::certificate::Certificate;
use concord_spec::id::RegionId;
use concord_spec::key::ed25519::SecretKey;
use concord_spec::key::keyring::Keyring;
use concord_spec::record::{Action, Change};
use concord_spec::verify::Verdict;
use concord_tests::ceremony::new_node_keys;
use concord_tests::certify::certify;
use concord_tests::governance::{bundle, change, state, verdict};
use concord_tests::ledger::{agreed, replay};
use concord_tests::load::Load;
use concord_tests::office::{Pen, record, recorded};
use concord_tests::wait::{Seen, until};
use concord_tests::{Api, Book, Cluster, HarnessError, Office, Options, Result, claim};

const WITHIN: Duration = Duration::from_secs(60);
const FIFTH: &str = "500000";

/// Two series at each of the first two nodes, which stay to the end.
fn books(cluster: &Cluster) -> Result<Vec<(Api, Book)>> {
    let mut books = Vec::new();
    for index in 0..2 {
        let mut office = Office::register(cluster, index, 1, 1)?;
        let api = cluster.api(index)?;
        for desk in ["a", "b"] {
            books.push((api.clone(), office.open_series(api, desk)?));
        }
    }
    Ok(books)
}

fn expect(certificate: &Certificate, cluster: &Cluster, index: usize, expected: Verdict) -> Result {
    let found = verdict(certificate, &bundle(cluster, index, certificate.receipt.height)?);
    claim(found == expected, || {
        format!(
            "a certificate of block {} is {expected:?} by the bundle of node {index}: {found:?}",
            certificate.receipt.height
        )
    })
}

/// Waits until a block after `height` is sealed with a share of `region`.
fn seals(cluster: &Cluster, index: usize, region: &RegionId, height: u64) -> Result {
    let what = format!("a block after {height} is sealed by region {region} too");
    until(&what, WITHIN, || {
        let tip = cluster.api(index)?.status()?.height;
        for height in height.saturating_add(1)..=tip {
            let signers = cluster.api(index)?.block(height)?.seal.signers;
            if signers.iter().any(|signer| signer == region.as_str()) {
                return Ok(Seen::Yes(()));
            }
        }
        Ok(Seen::NotYet(format!("height {tip}")))
    })
}

/// A fifth region's node starts as a stranger, is admitted, catches up, and seals with the others.
fn join(cluster: &mut Cluster) -> Result<usize> {
    let (fifth, card) = cluster.join(FIFTH, &[])?;
    cluster.restart(fifth)?;
    let voters = [0, 1, 2];
    let proposal = Change::AdmitRegion(Box::new(card));
    let in_force = change(cluster, proposal, &voters)?;
    let region = cluster.node(fifth)?.region().clone();
    seals(cluster, 0, &region, in_force)?;
    let replayed = agreed(&[cluster.api(0)?, cluster.api(fifth)?], cluster.charter(), in_force)?;
    claim(replayed.state.region_set().members().len() == 5, || {
        "five regions are in force".to_owned()
    })?;
    Ok(fifth)
}

/// The seal and consensus key files of a node.
fn key_files(cluster: &Cluster, index: usize, kind: &str) -> Result<Vec<PathBuf>> {
    let dir = cluster.node(index)?.data_dir().join("keys");
    let entries = fs::read_dir(&dir).map_err(HarnessError::file(&dir))?;
    let named = entries.flatten().map(|entry| entry.path());
    Ok(named
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(kind))
        })
        .collect())
}

/// A node takes new keys without a restart, and erases the seal key that it used.
fn rotate_node(cluster: &Cluster, index: usize) -> Result {
    let pid = cluster.node(index)?.pid();
    let region = cluster.node(index)?.region().clone();
    let old = key_files(cluster, index, "seal")?;
    let keys = new_node_keys(cluster.node(index)?.data_dir())?;
    let seal_key = keys.seal_key.clone();
    let taken = record(
        cluster.api(index)?,
        &Pen::of_region(cluster, index)?.record(Action::RotateNode(Box::new(keys))),
    )?;
    let in_force = taken.height.unwrap_or(0).saturating_add(2);
    cluster.await_height(in_force, WITHIN)?;
    seals(cluster, 0, &region, in_force.saturating_sub(1))?;
    let now = state(cluster, 0)?;
    let member = now
        .region_set()
        .index_of(&region)
        .and_then(|place| now.region_set().members().get(place));
    claim(member.is_some_and(|member| member.seal_key == seal_key), || {
        "the region seals with its new key".to_owned()
    })?;
    until("the retired seal key is erased", WITHIN, || {
        let left = key_files(cluster, index, "seal")?;
        Ok(if left.iter().any(|path| old.contains(path)) {
            Seen::NotYet(format!("{left:?}"))
        } else {
            Seen::Yes(())
        })
    })?;
    claim(cluster.node(index)?.pid() == pid, || {
        "the node was not started again".to_owned()
    })
}

/// An authority's rotation is taken back within its 72 hours: once by the old keyring, once by vote.
fn cancel_rotations(cluster: &Cluster) -> Result {
    // Recorded where it was handed in; the node that is asked below may be a moment behind.
    let everywhere = |taken: concord_tests::RecordState| cluster.await_height(taken.height.unwrap_or(0), WITHIN);
    let keyring = |seed: u8| Keyring::new(1, vec![SecretKey::from_seed([seed; 32]).public()]);
    for (index, seed) in [(2, 71), (3, 72)] {
        let keyring = keyring(seed).map_err(|why| HarnessError::bytes("keyring", why))?;
        let region = cluster.node(index)?.region().clone();
        let mut pen = Pen::of_region(cluster, index)?;
        everywhere(record(
            cluster.api(index)?,
            &pen.record(Action::RotateAuthority(keyring)),
        )?)?;
        let waiting = state(cluster, 0)?;
        let found = waiting
            .federation()
            .region(&region)
            .and_then(|found| found.rotation.clone());
        claim(found.is_some(), || "the rotation is under way".to_owned())?;
        if index == 2 {
            everywhere(record(
                cluster.api(index)?,
                &pen.record(Action::CancelRotation(concord_spec::record::Nothing)),
            )?)?;
        } else {
            change(cluster, Change::CancelRotation(region.clone()), &[0, 1, 2, 4])?;
        }
        let after = state(cluster, 0)?;
        let found = after
            .federation()
            .region(&region)
            .and_then(|found| found.rotation.clone());
        claim(found.is_none(), || "the rotation is cancelled".to_owned())?;
        claim(
            after
                .federation()
                .region(&region)
                .is_some_and(|found| found.authority.threshold() == 1),
            || "the old keyring speaks for the region".to_owned(),
        )?;
    }
    Ok(())
}

#[test]
fn the_federation_changes_while_issuing_goes_on_and_what_was_issued_stays_valid() -> Result {
    let mut cluster = Cluster::start(Options::default())?;
    let mut books = books(&cluster)?;
    let mut desk = books.pop().ok_or_else(|| HarnessError::bytes("a desk", "none"))?.1;
    let before = certify(cluster.api(1)?, cluster.charter(), &mut desk)?;
    let old_bundle = bundle(&cluster, 0, before.receipt.height)?;
    let load = Load::start(books, Duration::from_millis(20));

    let fifth = join(&mut cluster)?;
    let mut office = Office::register(&cluster, fifth, 1, 1)?;
    let api = cluster.api(fifth)?.clone();
    let mut far = office.open_series(&api, "a")?;
    let of_fifth = certify(&api, cluster.charter(), &mut far)?;
    expect(&of_fifth, &cluster, 1, Verdict::Valid)?;
    let unknown = verdict(&of_fifth, &old_bundle);
    claim(unknown == Verdict::Unknown, || {
        format!("data from before do not know the new regions, and say so: {unknown:?}")
    })?;

    rotate_node(&cluster, 1)?;
    cancel_rotations(&cluster)?;
    let rotated = certify(cluster.api(1)?, cluster.charter(), &mut desk)?;

    let fifth_region = cluster.node(fifth)?.region().clone();
    let left = change(&cluster, Change::RemoveRegion(fifth_region), &[0, 1, 2, 3])?;
    cluster.node_mut(fifth)?.terminate()?;
    cluster.node_mut(3)?.kill()?;
    let dead = cluster.node(3)?.region().clone();
    change(&cluster, Change::RemoveRegion(dead), &[0, 1, 2])?;
    let last = certify(cluster.api(2)?, cluster.charter(), &mut desk)?;
    let regions = state(&cluster, 2)?.region_set().members().len();
    claim(regions == 3, || format!("three regions go on: {regions}"))?;

    let taken = load.stop()?;
    for id in &taken {
        recorded(cluster.api(0)?, id)?;
    }
    let height = cluster.height()?;
    cluster.await_height(height, WITHIN)?;
    let replayed = agreed(
        &[cluster.api(0)?, cluster.api(1)?, cluster.api(2)?],
        cluster.charter(),
        height,
    )?;
    claim(taken.iter().all(|id| replayed.records.contains_key(id)), || {
        "every record that was taken while the federation changed is on the ledger".to_owned()
    })?;
    claim(height > left, || "blocks went on after the regions left".to_owned())?;
    for certificate in [&before, &of_fifth, &rotated, &last] {
        expect(certificate, &cluster, 0, Verdict::Valid)?;
    }
    let first = verdict(&before, &old_bundle);
    claim(first == Verdict::Valid, || {
        format!("valid with data from before too: {first:?}")
    })?;
    println!(
        "{} records were taken while the federation changed, {height} blocks",
        taken.len()
    );
    cluster.finish()
}

#[test]
fn an_observer_replicates_and_serves_and_never_votes() -> Result {
    let mut cluster = Cluster::start(Options::default())?;
    let (observer, peer_id) = cluster.join_observer(0)?;
    let mut pen = Pen::of_region(&cluster, 0)?;
    let observers = concord_spec::record::Observers {
        observers: vec![concord_spec::record::Observer {
            peer_id,
            name: "observer".to_owned(),
            addresses: Vec::new(),
        }],
    };
    record(cluster.api(0)?, &pen.record(Action::SetObservers(observers)))?;
    cluster.restart(observer)?;
    let mut office = Office::register(&cluster, 0, 1, 1)?;
    let api = cluster.api(0)?.clone();
    let mut book = office.open_series(&api, "a")?;
    for _ in 0..5 {
        record(&api, &book.issue(1))?;
    }
    // What is handed in at the observer is recorded too, once it knows the numbers before.
    let height = cluster.height()?;
    cluster.await_height(height, WITHIN)?;
    record(cluster.api(observer)?, &book.issue(1))?;
    let height = cluster.height()?;
    cluster.await_height(height, WITHIN)?;
    agreed(&[cluster.api(0)?, cluster.api(observer)?], cluster.charter(), height)?;
    // With one region stopped three of four are left, and with two none: an observer does not stand in for a region.
    cluster.node_mut(3)?.terminate()?;
    record(&api, &book.issue(1))?;
    cluster.node_mut(2)?.terminate()?;
    let waiting = book.issue(1);
    let submitted = cluster.api(0)?.submit(waiting.bytes())?;
    claim(matches!(submitted, concord_tests::Submitted::Accepted(_)), || {
        format!("taken: {submitted:?}")
    })?;
    let height = cluster.api(0)?.status()?.height;
    concord_tests::wait::throughout(Duration::from_secs(3), || {
        let now = cluster.api(0)?.status()?.height;
        claim(now == height, || {
            format!("nothing is sealed without a quorum: {height}, {now}")
        })
    })?;
    cluster.restart(2)?;
    recorded(cluster.api(0)?, &waiting.id())?;
    let height = cluster.api(0)?.status()?.height;
    let replayed = replay(cluster.api(0)?, cluster.charter(), height)?;
    claim(replayed.blocks.iter().all(|block| block.signers.len() <= 4), || {
        "only regions sealed".to_owned()
    })?;
    cluster.finish()
}
