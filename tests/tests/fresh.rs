//! What a holder takes along from a running federation: a proof of today's status for verifiers with old data, and a receipt under
//! the seal of another set of regions (issue: fresh status proof, renewal of receipts).

use std::fs;
use std::path::Path;
use std::process::Command;

use concord_spec::id::{Height, Number};
use concord_spec::record::{Action, Change, NumberRange, SetStatus, StatusChange};
use concord_spec::renewal::RenewedCertificate;
use concord_spec::status::{Reason, StatusKind};
use concord_tests::certify::certify;
use concord_tests::governance::{bundle, change};
use concord_tests::office::record;
use concord_tests::programs::programs;
use concord_tests::{Book, Cluster, HarnessError, Office, Options, Result, claim};
use serde_json::Value;

/// The exit code of `concord`, and the first line that it says, as JSON.
fn concord(dir: &Path, arguments: &[&str]) -> Result<(Option<i32>, Value)> {
    let mut command = Command::new(&programs()?.concord);
    let output = command
        .current_dir(dir)
        .args(arguments)
        .arg("--json")
        .output()
        .map_err(HarnessError::file("concord"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let line = text.lines().next().unwrap_or_default();
    let told = serde_json::from_str(line).map_err(|why| HarnessError::bytes("JSON", format!("{why}: {text}")))?;
    Ok((output.status.code(), told))
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result {
    let path = dir.join(name);
    fs::write(&path, bytes).map_err(HarnessError::file(&path))
}

/// The verdict by the data of the first day.
fn verdict(dir: &Path, arguments: &[&str]) -> Result<String> {
    let (_, report) = concord(dir, &[&["verify", "--bundle", "first.bundle"], arguments].concat())?;
    let told = report.get("verdict").and_then(Value::as_str);
    Ok(told.unwrap_or_default().to_owned())
}

fn revocation(book: &Book, number: u64) -> Action {
    Action::SetStatus(SetStatus {
        series: book.series,
        ranges: vec![NumberRange {
            first: Number(number),
            count: 1,
        }],
        change: StatusChange::Set(StatusKind::Revoked),
        reason: Reason::Penalty,
        effective: None,
        detail: None,
        successor: None,
    })
}

/// Proofs of both certificates by a node, beside the data of the first day.
fn proofs(dir: &Path, url: &str) -> Result {
    for (name, expected) in [("kept", "VALID"), ("lost", "REVOKED")] {
        let (file, proof) = (format!("{name}.concord"), format!("{name}.proof"));
        let taken = concord(dir, &["status", "proof", &file, "--out", &proof, "--node", url])?;
        claim(taken.0 == Some(0), || format!("the node gives a proof: {taken:?}"))?;
        let before = verdict(dir, &[&file])?;
        claim(before == "VALID", || format!("{name}, by the data alone: {before}"))?;
        let after = verdict(dir, &[&file, "--status-proof", &proof])?;
        claim(after == expected, || format!("{name}, by a proof of today: {after}"))?;
    }
    Ok(())
}

/// A receipt under the regions that are left, which are in force from a height on.
fn renewal(dir: &Path, url: &str, changed: u64) -> Result {
    let taken = concord(
        dir,
        &["renew", "kept.concord", "--out", "renewed.concord", "--node", url],
    )?;
    claim(taken.0 == Some(0), || format!("the node gives a renewal: {taken:?}"))?;
    let renewed = fs::read(dir.join("renewed.concord")).map_err(HarnessError::file("renewed.concord"))?;
    let renewed =
        RenewedCertificate::from_file(&renewed).map_err(|why| HarnessError::bytes("a renewed certificate", why))?;
    claim(renewed.receipt.seal.header.height >= Height(changed), || {
        "it is seen through a block of the regions that are left".to_owned()
    })?;
    let (code, report) = concord(dir, &["verify", "renewed.concord", "--bundle", "second.bundle"])?;
    let ground = report.pointer("/checks/2/ground").and_then(Value::as_str);
    claim(code == Some(0) && ground == Some("seen-through"), || {
        format!("by the data of today: {report}")
    })?;
    let before = verdict(dir, &["renewed.concord"])?;
    claim(before == "UNKNOWN", || {
        format!("by data that do not know these regions: {before}")
    })
}

#[test]
fn proofs_and_renewals_of_running_nodes_verify_with_data_from_before() -> Result {
    let cluster = Cluster::start(Options {
        heartbeat_ms: 1_000,
        ..Options::default()
    })?;
    let home = tempfile::tempdir().map_err(HarnessError::file("/tmp"))?;
    let dir = home.path();
    let api = cluster.api(1)?;
    let mut office = Office::register(&cluster, 1, 2, 2)?;
    let mut book = office.open_series(api, "a")?;
    let kept = certify(api, cluster.charter(), &mut book)?;
    let lost = certify(api, cluster.charter(), &mut book)?;
    bundle(&cluster, 0, lost.receipt.height)?;
    write(dir, "first.bundle", &cluster.api(0)?.get("/v1/bundle")?.body)?;
    write(dir, "kept.concord", &kept.to_bytes())?;
    write(dir, "lost.concord", &lost.to_bytes())?;
    let revocation = revocation(&book, 1);
    // From here on the node is ahead of the data.
    record(api, &book.pen.record(revocation))?;
    proofs(dir, api.base())?;

    // One region fewer, and not the last by code: its place in the bitmap is another's from then on.
    let leaver = cluster.node(2)?.region().clone();
    let changed = change(&cluster, Change::SuspendRegion(leaver), &[0, 1, 3])?;
    let newest = certify(api, cluster.charter(), &mut book)?;
    bundle(&cluster, 0, newest.receipt.height)?;
    write(dir, "second.bundle", &cluster.api(0)?.get("/v1/bundle")?.body)?;
    renewal(dir, api.base(), changed)?;
    cluster.finish()
}
