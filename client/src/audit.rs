//! Audit: replays a ledger from its charter and computes everything anew (DESIGN 6: the auditor believes nobody).
//!
//! `source -> prepare -> judge -> report`. Blocks are read ahead (`source`, `log`); a window of them is decoded and its signatures
//! and seals are verified on all cores (`prepare`), while the window before is applied in order, by every rule (`judge`). What is
//! verified ahead is a pair of bytes and keys and no more: who may sign, and how many must, the rules ask at each record's place.
//! With the node this shares `concord_spec` and nothing else. Not here: what is shown on a terminal (the command).

mod checkpoint;
mod credential;
mod difference;
mod judge;
mod log;
mod prepare;
mod report;
mod source;

pub use checkpoint::{CheckpointError, Saved};
pub use credential::{Chapter, History};
pub use difference::{Difference, Kind, RecordAt};
pub use report::{Counts, End, Head, Report, Run, SealOf};
pub use source::Source;

use crate::files::FileError;
use crate::transport::TransportError;
use concord_spec::block::Block;
use concord_spec::charter::{Charter, CharterError};
use concord_spec::id::Height;
use concord_spec::ledger::LedgerState;
use concord_spec::record::Versioned;
use judge::{Judge, Stop};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between checkpoints, unless writing one takes so long that they would cost more than a twentieth of the whole.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);
const CHECKPOINT_COST: u32 = 20;

/// Where how far an audit came is kept.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The file.
    pub path: PathBuf,
    /// How long after one the next is written, at least.
    pub every: Duration,
}

impl Checkpoint {
    /// In this file, every half minute.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            every: CHECKPOINT_EVERY,
        }
    }
}

/// Why an audit could not go on. Not a difference: of the ledger it says nothing.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The node does not answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The charter cannot found a federation.
    #[error(transparent)]
    Charter(#[from] CharterError),
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file that is no part of a log.
    #[error("{}: this is no segment of a log; move it elsewhere, or name the directory of the log itself", .0.display())]
    Foreign(PathBuf),
    /// The directory has no log.
    #[error("{}: there is no log; name a node's data directory, or the directory `log` in it", .0.display())]
    NoLog(PathBuf),
    /// What was audited before is not in this source.
    #[error(
        "block {height} is not the one that was audited before (expected {expected}, found {found}): the source is of another \
         history. That is a finding by itself; keep the checkpoint, and audit this source from its charter with --restart"
    )]
    OtherHistory {
        /// Where.
        height: Height,
        /// The hash audited before.
        expected: String,
        /// What the source has there.
        found: String,
    },
    /// A version is in force that this software does not know.
    #[error("from block {height} on version {version} of the {subject:?} is in force: audit with newer software")]
    NewerSoftware {
        /// The first block that cannot be judged.
        height: Height,
        /// Of what.
        subject: Versioned,
        /// The version.
        version: u64,
    },
    /// The source ends before what was audited.
    #[error(
        "the source ends before block {0}, up to which was audited before; it is older, or another: audit it with --restart"
    )]
    Shorter(Height),
    /// Less was asked for than was audited.
    #[error("blocks up to {0} were audited before: ask for more, or audit from the charter with --restart")]
    Behind(Height),
    /// Asked to stop.
    #[error("stopped after block {0}, nothing wrong so far; run the same command again to go on")]
    Interrupted(Height),
    /// A thread of the audit ended by itself.
    #[error("the audit broke off by a fault of its own; please report it")]
    Broken,
}

/// Sees each block when it is judged.
pub trait Observer {
    /// Before a block is applied. Breaking off ends the audit before it.
    fn before(&mut self, _block: &Block, _state: &LedgerState) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After a block was found good, with the state after it.
    fn after(&mut self, _block: &Block, _state: &LedgerState) {}

    /// Whether to stop now, with a checkpoint, as if killed.
    fn interrupted(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// What to audit, and how.
#[derive(Debug, Clone)]
pub struct Audit {
    /// The charter, trusted.
    pub charter: Charter,
    /// Where the blocks are.
    pub source: Source,
    /// The last block to audit; all there are without it.
    pub to: Option<Height>,
    /// Where how far it came is kept; begins at the charter each time without it.
    pub checkpoint: Option<Checkpoint>,
    /// Begin at the charter though there is a checkpoint.
    pub restart: bool,
}

impl Audit {
    /// Runs it to its end: the end of the ledger, `to`, the first difference, or where the observer breaks off.
    ///
    /// # Errors
    /// See [`AuditError`]; what was done so far is in the checkpoint.
    pub fn run(&self, observer: &mut dyn Observer) -> Result<Report, AuditError> {
        let saved = match &self.checkpoint {
            Some(checkpoint) if !self.restart => Saved::read(&checkpoint.path, &self.charter)?,
            Some(_) | None => None,
        };
        let resumed = saved.as_ref().map(|saved| saved.state.tip().height);
        let mut judge = match saved {
            Some(saved) => Judge::resume(saved),
            None => Judge::begin(LedgerState::genesis(self.charter.clone())?),
        };
        if let (Some(done), Some(to)) = (resumed, self.to)
            && done > to
        {
            return Err(AuditError::Behind(done));
        }
        let begun = Instant::now();
        let before = judge.counts().clone();
        let stop = self.replay(&mut judge, observer);
        // Whatever ended it: what was found good stays found good.
        self.save(&judge)?;
        let run = Run {
            source: self.source.to_string(),
            resumed_after: resumed,
            blocks: judge.counts().blocks.saturating_sub(before.blocks),
            records: judge.counts().records.saturating_sub(before.records),
            seconds: begun.elapsed().as_secs_f64(),
        };
        Ok(Report::new(&self.charter, judge, stop?, run))
    }

    fn replay(&self, judge: &mut Judge, observer: &mut dyn Observer) -> Result<Stop, AuditError> {
        let windows = source::read(&self.source, judge.first_needed(), self.to)?;
        let published = judge.published();
        let prepared = prepare::start(windows, published);
        let mut pause = self.checkpoint.as_ref().map(|checkpoint| checkpoint.every);
        let mut last = Instant::now();
        loop {
            // Its sender sends a last window before it goes.
            let window = prepared.recv().map_err(|_| AuditError::Broken)?;
            match judge.window(window, observer)? {
                Some(Stop::End(_)) if judge.last().is_none() && judge.counts().blocks > 0 => {
                    return Err(AuditError::Shorter(judge.state().tip().height));
                }
                Some(stop) => return Ok(stop),
                None => {}
            }
            if let (Some(checkpoint), Some(wait)) = (&self.checkpoint, pause)
                && last.elapsed() >= wait
            {
                let begun = Instant::now();
                self.save(judge)?;
                last = Instant::now();
                pause = Some(checkpoint.every.max(begun.elapsed() * CHECKPOINT_COST));
            }
        }
    }

    fn save(&self, judge: &Judge) -> Result<(), AuditError> {
        match &self.checkpoint {
            Some(checkpoint) if judge.counts().blocks > 0 => Ok(judge.saved().write(&checkpoint.path)?),
            Some(_) | None => Ok(()),
        }
    }
}
