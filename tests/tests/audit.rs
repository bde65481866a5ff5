//! What nodes leave on their disks, audited: by the client alone, from a copy (issue: "It shares `spec` with the node and nothing else").

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use concord_client::audit::{Audit, End, Kind, Source, Unobserved};
use concord_node::chain::LogEntry;
use concord_node::log::{LogOptions, SegmentLog};
use concord_spec::codec;
use concord_spec::world::World;
use concord_tests::load::Load;
use concord_tests::programs::{programs, run};
use concord_tests::{Cluster, HarnessError, Office, Options, Result, claim};
use serde_json::Value;

/// Copies the log of a node's data directory, also while the node writes to it.
fn copy_of_log(data: &Path, to: &Path) -> Result {
    let (log, copy) = (data.join("log"), to.join("log"));
    fs::create_dir_all(&copy).map_err(HarnessError::file(&copy))?;
    for entry in fs::read_dir(&log).map_err(HarnessError::file(&log))? {
        let path = entry.map_err(HarnessError::file(&log))?.path();
        if let Some(name) = path.file_name() {
            fs::copy(&path, copy.join(name)).map_err(HarnessError::file(&path))?;
        }
    }
    let charter = data.join("charter.cbor");
    fs::copy(&charter, to.join("charter.cbor")).map_err(HarnessError::file(&charter))?;
    Ok(())
}

/// What `concord audit` says of a source, up to a height.
fn audited(dir: &Path, from: &[&str], height: u64) -> Result<Value> {
    let report = dir.join("report.json");
    let mut audit = Command::new(programs()?.concord);
    audit
        .current_dir(dir)
        .env_remove("CONCORD_NODE")
        .arg("audit")
        .args(from);
    audit.args([
        "--json",
        "--restart",
        "--report",
        "report.json",
        "--to",
        &height.to_string(),
    ]);
    run(&mut audit)?;
    let text = fs::read_to_string(&report).map_err(HarnessError::file(&report))?;
    let mut report: Value = serde_json::from_str(&text).map_err(|why| HarnessError::bytes("a report", why))?;
    // Seals of one block differ between nodes, and so does how long it took.
    for (place, member) in [("", "run"), ("", "end"), ("/head", "seal")] {
        let object = report.pointer_mut(place).and_then(Value::as_object_mut);
        object.and_then(|object| object.remove(member));
    }
    Ok(report)
}

#[test]
fn the_logs_of_four_nodes_and_a_node_itself_audit_clean_and_the_same() -> Result {
    let cluster = Cluster::start(Options::default())?;
    let mut office = Office::register(&cluster, 0, 2, 3)?;
    let book = (cluster.api(0)?.clone(), office.open_series(cluster.api(0)?, "desk 1")?);
    let load = Load::start(vec![book], Duration::from_millis(10));
    let height = cluster.height()? + 10;
    cluster.await_height(height, Duration::from_secs(60))?;
    let mut found = Vec::new();
    let desk = tempfile::tempdir().map_err(HarnessError::file("a temporary directory"))?;
    for (index, node) in cluster.nodes().iter().enumerate() {
        // While it writes.
        let copy: PathBuf = desk.path().join(format!("node-{index}"));
        copy_of_log(node.data_dir(), &copy)?;
        found.push(audited(&copy, &["--log", "."], height)?);
    }
    found.push(audited(desk.path(), &["--node", cluster.api(1)?.base()], height)?);
    load.stop()?;
    for report in &found {
        claim(report["outcome"] == "CLEAN" && report["to"] == height, || {
            format!("clean up to {height}: {report}")
        })?;
        claim(Some(report) == found.first(), || format!("all say the same: {found:?}"))?;
    }
    println!(
        "{height} blocks, {} records, the same from four logs and a node",
        found[0]["counts"]["records"]
    );
    cluster.finish()
}

#[test]
fn the_auditor_reads_what_the_nodes_log_writes_over_the_ends_of_segments() -> Result {
    let wrong = |why: &dyn std::fmt::Display| HarnessError::bytes("a ledger", why);
    let dir = tempfile::tempdir().map_err(HarnessError::file("a temporary directory"))?;
    let mut world = World::with_series(4, "logs").map_err(|why| wrong(&why))?;
    for _ in 0..12 {
        world.issue(1).map_err(|why| wrong(&why))?;
    }
    let options = LogOptions {
        segment_bytes: 3_000,
        ..LogOptions::default()
    };
    let log = dir.path().join("log");
    let (segments, _) = SegmentLog::open(&log, options).map_err(|why| wrong(&why))?;
    for (block, seal) in &world.blocks {
        let entry = LogEntry {
            block: codec::to_vec(block),
            seal: seal.clone(),
            certificate: vec![1; 500],
        };
        let appended = segments.append_synced(block.header.height.0, &codec::to_vec(&entry));
        appended.map_err(|why| wrong(&why))?;
    }
    drop(segments);
    let files = fs::read_dir(&log).map_err(HarnessError::file(&log))?.count();
    claim(files > 4, || format!("several segments: {files} files"))?;
    let audit = Audit {
        charter: world.state.charter().clone(),
        source: Source::Log(dir.path().to_owned()),
        to: None,
        checkpoint: None,
        restart: false,
    };
    let report = audit.run(&mut Unobserved).map_err(|why| wrong(&why))?;
    claim(report.is_clean() && report.end == Some(End::LogEnds), || {
        format!("clean: {report:?}")
    })?;
    claim(report.to == world.state.tip().height, || {
        format!("to the end: {report:?}")
    })?;
    // What the node would cut off when it starts is the end of the copy; what it would refuse is named.
    let last = last_segment(&log)?;
    let whole = fs::read(&last).map_err(HarnessError::file(&last))?;
    let torn = [&whole[..], &whole[16..60]].concat();
    fs::write(&last, torn).map_err(HarnessError::file(&last))?;
    let report = audit.run(&mut Unobserved).map_err(|why| wrong(&why))?;
    let kind = report.difference.map(|difference| difference.kind);
    claim(kind == Some(Kind::LogDamaged), || {
        format!("a frame once more is no frame: {kind:?}")
    })?;
    fs::write(&last, &whole[..whole.len() - 7]).map_err(HarnessError::file(&last))?;
    let report = audit.run(&mut Unobserved).map_err(|why| wrong(&why))?;
    claim(matches!(report.end, Some(End::TornTail { .. })), || {
        format!("torn: {report:?}")
    })
}

fn last_segment(log: &Path) -> Result<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(log).map_err(HarnessError::file(log))? {
        files.push(entry.map_err(HarnessError::file(log))?.path());
    }
    files.retain(|path| path.extension().is_some_and(|end| end == "seg"));
    files.sort();
    files.pop().ok_or_else(|| HarnessError::bytes("segments", "none"))
}

#[test]
fn the_example_of_the_specification_is_a_segment_of_the_nodes_log() -> Result {
    let text = include_str!("../../spec/text/log.md");
    let example = text.split("## 4. Example").nth(1).unwrap_or_default();
    let lines = example.lines().filter_map(|line| line.strip_prefix("    "));
    let digits: String = lines.collect();
    let bytes = (0..digits.len()).step_by(2).map(|at| {
        digits
            .get(at..at + 2)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    let bytes = bytes.collect::<Option<Vec<u8>>>();
    let bytes = bytes.ok_or_else(|| HarnessError::bytes("the example", &digits))?;
    let dir = tempfile::tempdir().map_err(HarnessError::file("a temporary directory"))?;
    let path = dir.path().join(format!("{:020}.seg", 1));
    fs::write(&path, bytes).map_err(HarnessError::file(&path))?;
    let wrong = |why: &dyn std::fmt::Display| HarnessError::bytes("the example", why);
    let (log, opened) = SegmentLog::open(dir.path(), LogOptions::default()).map_err(|why| wrong(&why))?;
    claim(opened.cut_bytes == 0, || format!("nothing is cut off: {opened:?}"))?;
    for (height, payload) in [(1, b"one"), (2, b"two")] {
        let read = log.read(height).map_err(|why| wrong(&why))?;
        claim(read.as_deref() == Some(payload.as_slice()), || {
            format!("frame {height} is {payload:?}: {read:?}")
        })?;
    }
    Ok(())
}
