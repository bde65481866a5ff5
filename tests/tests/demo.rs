//! The README's first command, and what it leaves (issue: claim 9 at the level of processes).

use std::path::{Path, PathBuf};
use std::process::Command;

use concord_tests::programs::{programs, run};
use concord_tests::{HarnessError, Result, claim};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Summary {
    regions: u64,
    certificates: u64,
    valid: u64,
    revoked: u64,
    other: u64,
    height: u64,
    file_bytes_max: u64,
    qr_bytes_max: u64,
    qr_version_max: u64,
    seconds: serde_json::Map<String, serde_json::Value>,
    certificates_dir: PathBuf,
    bundle: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Report {
    verdict: String,
}

fn files(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(HarnessError::file(dir))? {
        let path = entry.map_err(HarnessError::file(dir))?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Verdicts of `concord verify` on these files; a process a hundred files.
fn verdicts(files: &[PathBuf], bundle: &Path) -> Result<Vec<String>> {
    let mut verdicts = Vec::new();
    for some in files.chunks(100) {
        let mut command = Command::new(&programs()?.concord);
        command
            .arg("verify")
            .args(some)
            .arg("--bundle")
            .arg(bundle)
            .arg("--json");
        // Its exit code is the worst verdict's: the lines are what counts here.
        let output = command.output().map_err(HarnessError::file("concord"))?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let report: Report =
                serde_json::from_str(line).map_err(|why| HarnessError::bytes("a report", format!("{why}: {line}")))?;
            verdicts.push(report.verdict);
        }
    }
    Ok(verdicts)
}

fn count(verdicts: &[String], verdict: &str) -> u64 {
    u64::try_from(verdicts.iter().filter(|found| *found == verdict).count()).unwrap_or(u64::MAX)
}

#[test]
fn the_demo_leaves_what_it_says_and_what_it_leaves_can_be_verified() -> Result {
    let dir = tempfile::tempdir().map_err(HarnessError::file("/tmp"))?;
    let mut command = Command::new(&programs()?.concord);
    command
        .arg("demo")
        .arg("--json")
        .arg("--dir")
        .arg(dir.path().join("demo"));
    let printed = String::from_utf8_lossy(&run(&mut command)?).into_owned();
    let last = printed.lines().last().unwrap_or_default();
    let summary: Summary = serde_json::from_str(last)
        .map_err(|why| HarnessError::bytes("the demo's summary", format!("{why}: {last}")))?;
    println!("{summary:?}");
    claim(summary.regions == 4 && summary.certificates >= 200, || {
        format!("four regions, 200 rows: {summary:?}")
    })?;
    let adds_up = summary.revoked == 3 && summary.other == 0 && summary.valid + 3 == summary.certificates;
    claim(adds_up, || {
        format!("all valid but the three that it revoked: {summary:?}")
    })?;
    claim(summary.height > 0 && !summary.seconds.is_empty(), || {
        format!("it says what it did: {summary:?}")
    })?;
    claim(
        summary.qr_version_max <= 40 && summary.qr_bytes_max >= summary.file_bytes_max,
        || format!("sizes: {summary:?}"),
    )?;

    for extension in ["concord", "png"] {
        let files = files(&summary.certificates_dir, extension)?;
        let found = verdicts(&files, &summary.bundle)?;
        let (valid, revoked) = (count(&found, "VALID"), count(&found, "REVOKED"));
        println!(".{extension}: {} files, {valid} VALID, {revoked} REVOKED", files.len());
        let same = valid == summary.valid && revoked == summary.revoked && found.len() == files.len();
        claim(same, || format!("verified again, .{extension} files come to the same"))?;
    }
    Ok(())
}
