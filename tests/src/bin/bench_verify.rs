//! What verifying many files takes: `cargo run --release -p concord-tests --bin bench_verify`.
//!
//! Makes certificates in batches of 16, a batch a block, with four regions, and verifies all files with one `concord verify`: with one thread,
//! then with as many as there are cores. Prints files a second, and on how many cores it ran.

use clap::Parser;
use concord_spec::codec;
use concord_spec::world::World;
use concord_tests::programs::{programs, tail};
use concord_tests::usage::cpu_of_ended_children;
use concord_tests::{HarnessError, Result, exit_code};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const BATCH: u64 = 16;
/// A day after the generated ledger began: its bundle is young.
const NOW: &str = "2026-01-02T00:00:00Z";
/// The least share of the cores that verifying must use, of what is free on an idle machine.
const LEAST: f64 = 0.85;

/// Verifies generated certificates with one thread and with all.
#[derive(Debug, Parser)]
struct Arguments {
    /// Certificates
    #[arg(long, default_value_t = 10_000)]
    files: u64,
}

fn main() -> ExitCode {
    exit_code(measure(&Arguments::parse()))
}

/// Time by the clock, and processor time.
struct Spent {
    wall: Duration,
    cpu: Duration,
}

fn measure(arguments: &Arguments) -> Result<bool> {
    let dir = tempfile::tempdir().map_err(HarnessError::file("a temporary directory"))?;
    let (files, bundle) = make(arguments.files, dir.path())?;
    let concord = programs()?.concord;
    let cores = std::thread::available_parallelism()
        .map_err(HarnessError::file("the number of cores"))?
        .get();
    let one = verify(&concord, &files, &bundle, 1)?;
    let all = verify(&concord, &files, &bundle, cores)?;
    println!("| threads | s | files a second | cores in use |\n|---|---|---|---|");
    for (threads, spent) in [(1, &one), (cores, &all)] {
        let wall = spent.wall.as_secs_f64();
        let rate = files.len() as f64 / wall;
        println!(
            "| {threads} | {wall:.2} | {rate:.0} | {:.2} |",
            spent.cpu.as_secs_f64() / wall
        );
    }
    let share = all.cpu.as_secs_f64() / all.wall.as_secs_f64() / cores as f64;
    let holds = share >= LEAST;
    let told = if holds { "PASS" } else { "FAIL" };
    println!(
        "{told}: {:.0} % of {cores} cores, {:.2} times as fast as one",
        share * 100.0,
        one.wall.as_secs_f64() / all.wall.as_secs_f64()
    );
    Ok(holds)
}

/// Writes the certificates and the bundle that they are verified against.
fn make(files: u64, dir: &Path) -> Result<(Vec<PathBuf>, PathBuf)> {
    let failed = |error: concord_spec::world::WorldError| HarnessError::bytes("certificates", error.to_string());
    let mut world = World::with_series(4, "bench").map_err(failed)?;
    let mut made = Vec::new();
    for batch in 0..files.div_ceil(BATCH) {
        let (credentials, record) = world.batch_from(batch * BATCH, BATCH).map_err(failed)?;
        world.append(vec![record]).map_err(failed)?;
        for certificate in world.certificates(&credentials, 0).map_err(failed)? {
            let file = dir.join(format!("{}.concord", made.len()));
            std::fs::write(&file, codec::to_vec(&certificate)).map_err(HarnessError::file(&file))?;
            made.push(file);
        }
    }
    let bundle = dir.join("bundle");
    std::fs::write(&bundle, world.bundle().map_err(failed)?).map_err(HarnessError::file(&bundle))?;
    Ok((made, bundle))
}

fn verify(concord: &Path, files: &[PathBuf], bundle: &Path, threads: usize) -> Result<Spent> {
    let before = cpu_of_ended_children()?;
    let began = Instant::now();
    let mut command = Command::new(concord);
    command
        .env("RAYON_NUM_THREADS", threads.to_string())
        .args(["verify", "--now", NOW])
        .arg("--bundle")
        .arg(bundle)
        .args(files);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(HarnessError::file(concord))?;
    let wall = began.elapsed();
    let cpu = cpu_of_ended_children()?.saturating_sub(before);
    // The exit code is that of the worst verdict: 0 where all are green.
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stdout);
        return Err(HarnessError::bytes("reports of valid certificates", tail(&told, 20)));
    }
    Ok(Spent { wall, cpu })
}
