//! What an audit costs: `cargo run --release -p concord-tests --bin bench_audit -- --records 1000000`.
//!
//! Writes a ledger of so many issue records with the node's own log, every signature and seal real, and audits it with the client's
//! own code, beside the machine's limit for batched signatures in the same run. How to read it: `tests/README.md`.

mod limit;
mod make;
mod memory;

use clap::Parser;
use concord_client::audit::{Audit, Checkpoint, Observer, Report, Source};
use concord_spec::block::Block;
use concord_spec::ledger::LedgerState;
use concord_tests::usage::Usage;
use concord_tests::{HarnessError, Result, claim, exit_code};
use memory::Memory;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Audits a generated ledger: records a second, memory, and the machine's limit in the same run.
#[derive(Debug, Parser)]
struct Arguments {
    /// Issue records
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Issue records a block
    #[arg(long, default_value_t = 100)]
    block: u64,
    /// Offices, each with two of three keys and five series
    #[arg(long, default_value_t = 20)]
    offices: u64,
    /// Regions of the federation
    #[arg(long, default_value_t = 4)]
    regions: usize,
    /// Where the ledger is, or is made and then kept; in a temporary directory without it
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Only make the ledger
    #[arg(long, requires = "keep", hide = true)]
    make: bool,
}

/// What the issue asks for at least, on two cores.
const FLOOR: f64 = 15_000.0;
/// Where memory is read, in percent of the records.
const MARKS: [u64; 3] = [10, 50, 100];

fn main() -> ExitCode {
    exit_code(measure(&Arguments::parse()))
}

fn measure(arguments: &Arguments) -> Result<bool> {
    if let (true, Some(dir)) = (arguments.make, &arguments.keep) {
        make::make(arguments, dir)?;
        return Ok(true);
    }
    let temporary = tempfile::tempdir().map_err(HarnessError::file("a temporary directory"))?;
    let dir = arguments.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    if !dir.join("log").exists() {
        in_another_process(arguments, &dir)?;
    }
    println!("command: {}", std::env::args().collect::<Vec<_>>().join(" "));
    let before = limit::measure(arguments)?;
    let load = memory::load();
    let audited = audit(arguments, &dir)?;
    println!("load average before and after: {load}; {}", memory::load());
    let after = limit::measure(arguments)?;
    print(arguments, &audited, [before, after]);
    let rate = audited.report.run.records_per_second();
    println!(
        "{}: {rate:.0} records/s, the floor is {FLOOR:.0}",
        if rate >= FLOOR { "PASS" } else { "FAIL" }
    );
    Ok(rate >= FLOOR)
}

/// Makes the ledger in a process of its own, so that what making takes is not taken for the audit's.
fn in_another_process(arguments: &Arguments, dir: &Path) -> Result {
    let program = std::env::current_exe().map_err(HarnessError::file("/proc/self/exe"))?;
    let begun = Instant::now();
    let mut make = Command::new(&program);
    make.arg("--make").arg("--keep").arg(dir);
    for (name, value) in [
        ("--records", arguments.records),
        ("--block", arguments.block),
        ("--offices", arguments.offices),
        ("--regions", u64::try_from(arguments.regions).unwrap_or(u64::MAX)),
    ] {
        make.arg(name).arg(value.to_string());
    }
    let ended = make.status().map_err(HarnessError::file(&program))?;
    claim(ended.success(), || "the ledger is made".to_owned())?;
    println!("made the ledger in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

struct Audited {
    report: Report,
    cpu: Duration,
    marks: Vec<(u64, Memory)>,
}

/// Reads the process's memory as records go by.
struct Watch {
    records: u64,
    total: u64,
    marks: Vec<(u64, Memory)>,
}

impl Observer for Watch {
    fn after(&mut self, block: &Block, _: &LedgerState) {
        let count = u64::try_from(block.records.len()).unwrap_or(u64::MAX);
        self.records = self.records.saturating_add(count);
        let Some(mark) = MARKS.get(self.marks.len()) else {
            return;
        };
        if self.records.saturating_mul(100) >= mark.saturating_mul(self.total) {
            self.marks.push((*mark, Memory::now()));
        }
    }
}

fn audit(arguments: &Arguments, dir: &Path) -> Result<Audited> {
    let audit = Audit {
        charter: make::charter(arguments)?,
        source: Source::Log(dir.to_owned()),
        to: None,
        checkpoint: Some(Checkpoint::at(dir.join("audit.checkpoint"))),
        restart: true,
    };
    let mut watch = Watch {
        records: 0,
        total: arguments.records,
        marks: Vec::new(),
    };
    let before = Usage::of(std::process::id())?;
    let report = audit
        .run(&mut watch)
        .map_err(|why| HarnessError::bytes("the ledger", why))?;
    let cpu = Usage::of(std::process::id())?.cpu_since(&before);
    claim(report.is_clean(), || {
        format!("the ledger audits clean: {:?}", report.difference)
    })?;
    let issues = report.counts.by_action.get("issue").copied().unwrap_or_default();
    claim(issues == arguments.records, || {
        format!("{issues} issue records are audited, {} were made", arguments.records)
    })?;
    Ok(Audited {
        report,
        cpu,
        marks: watch.marks,
    })
}

fn print(arguments: &Arguments, audited: &Audited, limits: [limit::Limit; 2]) {
    let (report, run) = (&audited.report, &audited.report.run);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let records = run.records as f64;
    println!(
        "{} issue records of {} offices in {} blocks, {} regions; {} signatures",
        arguments.records, arguments.offices, report.counts.blocks, arguments.regions, report.counts.signatures
    );
    println!(
        "audited in {:.1} s: {:.0} records/s by the clock; {:.1} us of processor time a record, {:.2} of {cores} cores",
        run.seconds,
        run.records_per_second(),
        1e6 * audited.cpu.as_secs_f64() / records,
        audited.cpu.as_secs_f64() / run.seconds,
    );
    println!(
        "two cores of its own would do {:.0} records/s by that",
        2.0 * records / audited.cpu.as_secs_f64()
    );
    for (mark, memory) in &audited.marks {
        println!("at {mark:3} % of the records: {memory}");
    }
    let signatures = report.counts.signatures as f64 / run.seconds;
    for (when, limit) in ["before", "after"].iter().zip(&limits) {
        println!(
            "limit, measured {when} the audit: {limit}; the audit verified {:.2} of that many a second",
            signatures / limit.signatures_per_second()
        );
        let share = |each: Duration, count: u64| each.as_secs_f64() * count as f64 / audited.cpu.as_secs_f64();
        println!(
            "  by its processor time, signatures are {:.0} % of the audit's and seals {:.0} %",
            100.0 * share(limit.signature_cpu(), report.counts.signatures),
            100.0 * share(limit.seal_cpu(), report.counts.blocks),
        );
    }
}
