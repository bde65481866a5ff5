//! `concord audit`: replays a ledger from its charter, believing nobody.

mod status;

use super::{Done, Failure, Shared, access, show};
use clap::{Args, Subcommand};
use concord_client::audit::{Audit, AuditError, Checkpoint, Observer, Report, Source};
use concord_client::files;
use concord_client::terminal::{Progress, progress};
use concord_spec::block::Block;
use concord_spec::charter::Charter;
use concord_spec::id::Height;
use concord_spec::ledger::LedgerState;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a difference.
const DIFFERENCE: u8 = 7;
/// Name of the charter in a node's data directory.
const CHARTER_FILE: &str = "charter.cbor";
/// The progress bar says which block it is every so many blocks.
const SAY_EVERY: u64 = 64;

/// Audit a ledger: replay it from its charter, and compute everything anew
///
/// Every signature of every record, every rule, the roots of records, bodies, sections, state and history, times and parents, the
/// regions in force, and every seal. The blocks come from a node (--node) or from a copy of a node's data directory (--log), for
/// which no network is needed. Give the charter from a source you trust (--charter): everything follows from it.
///
/// What was found is written to a report file. An audit that was interrupted, or of a ledger that has grown, goes on where it stood
/// (--checkpoint). Exit code 0: nothing differs; 7: the report names the first difference.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Command {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    replay: Replay,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The status of one credential as of a date, by replay, with the records that led to it
    Status(status::Status),
}

#[derive(Debug, Args)]
struct Replay {
    #[command(flatten)]
    place: Place,
    /// The last block to audit [default: the last there is]
    #[arg(long, value_name = "HEIGHT")]
    to: Option<Height>,
    /// Where to write the report
    #[arg(long, value_name = "FILE", default_value = "audit-report.json")]
    report: PathBuf,
    /// Where to keep how far it came
    #[arg(long, value_name = "FILE", default_value = "audit.checkpoint")]
    checkpoint: PathBuf,
    /// Begin at the charter, whatever was audited before
    #[arg(long)]
    restart: bool,
}

/// Where the ledger is, and what it is judged by.
#[derive(Debug, Args)]
struct Place {
    /// A copy of a node's data directory, or of the directory `log` in it
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// The charter, from a source you trust
    #[arg(long, value_name = "FILE")]
    charter: Option<PathBuf>,
}

impl Place {
    fn open(&self, shared: &Shared) -> Result<(Source, Charter), Failure> {
        let Some(dir) = &self.log else {
            let node = shared.node()?;
            let charter = access::charter(self.charter.as_deref(), &node)?;
            return Ok((Source::Node(node), charter));
        };
        if shared.names_node() && std::env::var_os("CONCORD_NODE").is_none() {
            return Err(Failure::Usage("give --node or --log, not both".to_owned()));
        }
        Ok((Source::Log(dir.clone()), self.charter_beside(dir)?))
    }

    /// The charter from the file, or else the one that was copied with the log, which is said.
    fn charter_beside(&self, dir: &Path) -> Result<Charter, Failure> {
        if let Some(path) = &self.charter {
            return Ok(access::signed_charter(path)?.into_charter());
        }
        let beside = dir.join(CHARTER_FILE);
        if !beside.exists() {
            return Err(Failure::Usage(
                "give the charter, from a source you trust: --charter FILE".to_owned(),
            ));
        }
        let charter = access::signed_charter(&beside)?.into_charter();
        show::remark(&format!(
            "taking the charter of chain {} ({}) from {}; give --charter FILE to check it",
            charter.chain,
            charter.chain_id(),
            beside.display()
        ));
        Ok(charter)
    }
}

impl Command {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self.verb {
            Some(Verb::Status(status)) => status.run(shared),
            None => self.replay.run(shared),
        }
    }
}

impl Replay {
    fn run(self, shared: &Shared) -> Done {
        let (source, charter) = self.place.open(shared)?;
        let last = match (&source, self.to) {
            (_, Some(to)) => to.0,
            (Source::Node(node), None) => node.status()?.height.0,
            // A log is counted only by reading it.
            (Source::Log(_), None) => 0,
        };
        let audit = Audit {
            charter,
            source,
            to: self.to,
            checkpoint: Some(Checkpoint::at(self.checkpoint.clone())),
            restart: self.restart,
        };
        let mut observer = Shown::new(last)?;
        let report = audit.run(&mut observer)?;
        observer.finish();
        let json = serde_json::to_string_pretty(&report).map_err(|why| Failure::Output(why.into()))?;
        files::replace(&self.report, format!("{json}\n").as_bytes())?;
        if shared.json {
            show::line(&serde_json::to_string(&report).map_err(|why| Failure::Output(why.into()))?)?;
        } else {
            show::line(&words(&report, &self.report))?;
        }
        Ok(if report.is_clean() { 0 } else { DIFFERENCE })
    }
}

fn words(report: &Report, file: &Path) -> String {
    let counts = &report.counts;
    let mut lines = Vec::new();
    match (&report.difference, &report.end) {
        (Some(difference), _) => {
            lines.push(format!("A DIFFERENCE AT BLOCK {}", difference.height));
            lines.push(difference.words.clone());
            if let Some(record) = &difference.record {
                lines.push(format!("record {} of the block, id {}", record.index, record.id));
            }
            lines.push(format!("expected: {}", difference.expected));
            lines.push(format!("found:    {}", difference.found));
            lines.push(format!("blocks up to {} are as they must be", report.to));
        }
        (None, Some(end)) => lines.push(format!("nothing differs up to block {}; {}", report.to, end.words())),
        (None, None) => {}
    }
    lines.push(format!(
        "chain {} ({}): {} blocks, {} records, {} signatures, {} credentials",
        report.chain, report.chain_id, counts.blocks, counts.records, counts.signatures, counts.credentials
    ));
    if let Some(head) = &report.head {
        let signers: Vec<&str> = head.seal.signers.iter().map(|region| region.as_str()).collect();
        lines.push(format!(
            "block {} of {}: {}",
            head.height,
            show::time(head.time_ms),
            head.hash
        ));
        lines.push(format!(
            "sealed by {} of {} regions: {}",
            signers.len(),
            head.seal.regions,
            signers.join(", ")
        ));
    }
    let run = &report.run;
    let after = run
        .resumed_after
        .map_or(String::new(), |height| format!(", going on after block {height}"));
    lines.push(format!(
        "{} records in {:.1} s, {:.0} a second{after}; the report is in {}",
        run.records,
        run.seconds,
        run.records_per_second(),
        file.display()
    ));
    lines.join("\n")
}

/// Shows how far it is, and hears Ctrl-C.
struct Shown {
    bar: Progress,
    stop: Arc<AtomicBool>,
    unsaid: u64,
}

impl Shown {
    fn new(last: u64) -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&stop);
        let handler = ctrlc::set_handler(move || heard.store(true, Ordering::SeqCst));
        handler.map_err(|error| Failure::Cannot(format!("Ctrl-C cannot be heard: {error}")))?;
        Ok(Self {
            bar: progress("audit", last),
            stop,
            unsaid: 0,
        })
    }

    fn finish(self) {
        self.bar.advance(self.unsaid);
        self.bar.finish();
    }
}

impl Observer for Shown {
    fn after(&mut self, block: &Block, _state: &LedgerState) {
        self.unsaid = self.unsaid.saturating_add(1);
        if self.unsaid >= SAY_EVERY {
            self.bar.advance(std::mem::take(&mut self.unsaid));
            self.bar.say(&format!(
                "block {} of {}",
                block.header.height,
                show::time(block.header.time)
            ));
        }
    }

    fn interrupted(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// What an audit without a checkpoint found, where that is no difference.
fn clean(report: Report) -> Result<Report, Failure> {
    match &report.difference {
        None => Ok(report),
        Some(difference) => Err(Failure::Cannot(format!(
            "the ledger differs from its rules before that date, so it tells no status: {}",
            difference.words
        ))),
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::File(error) => Self::File(error),
            AuditError::Transport(error) => Self::Transport(error),
            AuditError::Charter(error) => Self::Charter(error),
            other @ (AuditError::Checkpoint(_)
            | AuditError::Foreign(_)
            | AuditError::NoLog(_)
            | AuditError::OtherHistory { .. }
            | AuditError::NewerSoftware { .. }
            | AuditError::Shorter(_)
            | AuditError::Behind(_)
            | AuditError::Interrupted(_)
            | AuditError::Broken) => Self::Cannot(other.to_string()),
        }
    }
}
