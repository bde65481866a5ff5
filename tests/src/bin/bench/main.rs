//! The benchmark: four real nodes on this machine, beside the machine's own limits measured in the same run.
//! How to read it: `tests/README.md`.

mod figures;
mod limits;
mod offer;
mod phase;

use std::process::{Command, ExitCode};

use clap::Parser;
use concord_tests::{Cluster, Options, Result, exit_code};

/// Measures four real nodes on loopback: records and credentials a second, committed durably on all four.
#[derive(Debug, Parser)]
struct Arguments {
    /// Records of one credential each
    #[arg(long, default_value_t = 40_000)]
    single: usize,
    /// Records of 256 credentials each
    #[arg(long, default_value_t = 16_000)]
    batches: usize,
    /// Series at each of the four nodes, each with a connection of its own
    #[arg(long, default_value_t = 4)]
    series: usize,
    /// Most records a request
    #[arg(long, default_value_t = 250)]
    request: usize,
    /// Records a second in the measurement of latency
    #[arg(long, default_value_t = 400)]
    paced_rate: usize,
    /// Seconds of the measurement of latency
    #[arg(long, default_value_t = 10)]
    paced_seconds: usize,
}

/// What the first issue asks for at least.
const FLOOR_RECORDS: f64 = 2_000.0;
const FLOOR_CREDENTIALS: f64 = 200_000.0;

fn main() -> ExitCode {
    exit_code(measure(&Arguments::parse()))
}

fn measure(arguments: &Arguments) -> Result<bool> {
    println!("command: {}", std::env::args().collect::<Vec<_>>().join(" "));
    println!("commit:  {}", commit());
    println!("machine: {}", limits::machine());
    let limits = limits::measure()?;
    println!("\nlimits of the machine: processor time of one thread, and the disk by the clock\n{limits}");

    let cluster = Cluster::start(Options::default())?;
    let mut books = offer::open(&cluster, arguments.series)?;

    let paced = arguments.paced_rate.saturating_mul(arguments.paced_seconds);
    let offer = offer::presign(&mut books, paced, 1);
    let paced = phase::run(&cluster, offer, &phase::Shape::paced(arguments.paced_rate))?;
    println!(
        "\npaced: one credential a record, {} records a second offered\n{paced}",
        arguments.paced_rate
    );

    let shape = phase::Shape::flood(arguments.request);
    let offer = offer::presign(&mut books, arguments.single, 1);
    let single = phase::run(&cluster, offer, &shape)?;
    println!("\nflood: one credential a record\n{single}");
    println!("{}", limits.explain(&single));

    let offer = offer::presign(&mut books, arguments.batches, 256);
    let batches = phase::run(&cluster, offer, &shape)?;
    println!("\nflood: 256 credentials a record\n{batches}");
    println!("{}", limits.explain(&batches));
    cluster.finish()?;

    println!();
    let records = verdict(
        "records/s at one credential a record",
        single.records_per_second(),
        FLOOR_RECORDS,
    );
    let credentials = verdict(
        "credentials/s at 256 a record",
        batches.credentials_per_second(),
        FLOOR_CREDENTIALS,
    );
    Ok(records && credentials)
}

fn verdict(what: &str, measured: f64, floor: f64) -> bool {
    let passed = measured >= floor;
    println!(
        "{}: {measured:.0} {what}, the floor is {floor:.0}",
        if passed { "PASS" } else { "FAIL" }
    );
    passed
}

fn commit() -> String {
    let mut git = Command::new("git");
    git.current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["describe", "--always", "--dirty", "--abbrev=12"]);
    let printed = concord_tests::programs::run(&mut git).unwrap_or_default();
    let text = String::from_utf8_lossy(&printed).trim().to_owned();
    if text.is_empty() {
        "not a git checkout".to_owned()
    } else {
        text
    }
}
