//! Watching an office's series: every record on the ledger that its own journals do not know (DESIGN 2: a stolen key).
//!
//! Blocks are believed by their seals and by their parents, whichever node hands them over. Not here: how nodes are followed
//! (`follow`), and how it is told (the command).

mod follow;
mod position;

pub use follow::{Follower, News};
pub use position::{Position, PositionError};

use crate::desk::journal::{JournalError, Known};
use crate::desk::regions::{Regions, RegionsError};
use crate::files::FileError;
use crate::transport::{Node, TransportError};
use concord_spec::block::Block;
use concord_spec::charter::Charter;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, OfficeId, SeriesId};
use concord_spec::ledger::standing::{self, Offices};
use concord_spec::ledger::{Directory, Federation};
use concord_spec::record::{Action, Actor, RecordId, SignedRecord};
use concord_spec::seal::{RegionSet, Seal, SealError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why a block could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No answer, or one that makes no sense.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The regions that seal are not proved.
    #[error(transparent)]
    Regions(#[from] RegionsError),
    /// The seal does not hold.
    #[error("the seal of block {height} does not hold ({error}); the node is broken or lies")]
    Seal {
        /// The block.
        height: Height,
        /// What does not hold.
        error: SealError,
    },
    /// It does not follow the last block seen.
    #[error("block {0} does not follow the last one seen; the node is of another history, or lies")]
    OtherHistory(Height),
    /// A journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The directory with the journals cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Somebody else said it, or it is no series' affair: to be known.
    Notice,
    /// In the office's own name, and its journals do not know it.
    Alarm,
}

/// What a record means to the office that watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Credentials were issued that no journal knows.
    UnknownIssue,
    /// The office itself changed status, froze or closed a series, and no journal knows it.
    UnknownStatement,
    /// The office's keyring said something else: opened a series, registered, delegated.
    OwnStatement,
    /// Its region or a domain authority acted upon its series.
    Supervisor,
    /// Its region changed what the office is or whether it may act.
    Office,
}

impl Kind {
    /// How much it matters.
    #[must_use]
    pub fn weight(self) -> Weight {
        match self {
            Self::UnknownIssue | Self::UnknownStatement => Weight::Alarm,
            Self::OwnStatement | Self::Supervisor | Self::Office => Weight::Notice,
        }
    }

    /// Its name, as programs print it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownIssue => "unknown-issue",
            Self::UnknownStatement => "unknown-statement",
            Self::OwnStatement => "own-statement",
            Self::Supervisor => "supervisor",
            Self::Office => "office",
        }
    }
}

/// A record that the office must know of.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What it means.
    pub kind: Kind,
    /// The block it is in.
    pub height: Height,
    /// Its record.
    pub record: SignedRecord,
    /// The series that it is about.
    pub series: Option<SeriesId>,
}

/// An office's journals: files named one by one, and all `*.journal` of some directories.
#[derive(Debug)]
pub struct Journals {
    chain_id: Digest,
    known: BTreeMap<PathBuf, Known>,
    directories: Vec<PathBuf>,
}

impl Journals {
    /// Opens them. A file may come into being later.
    ///
    /// # Errors
    /// One cannot be read, or is of another chain.
    pub fn open(files: &[PathBuf], directories: &[PathBuf], chain_id: Digest) -> Result<Self, WatchError> {
        let mut journals = Self {
            chain_id,
            known: BTreeMap::new(),
            directories: directories.to_vec(),
        };
        for file in files {
            journals.add(file)?;
        }
        journals.look()?;
        Ok(journals)
    }

    fn add(&mut self, path: &Path) -> Result<(), WatchError> {
        if !self.known.contains_key(path) {
            let known = Known::open(path, self.chain_id)?;
            self.known.insert(path.to_owned(), known);
        }
        Ok(())
    }

    /// Takes up journals that have come into being in the directories.
    fn look(&mut self) -> Result<(), WatchError> {
        for directory in self.directories.clone() {
            for entry in std::fs::read_dir(&directory).map_err(FileError::system(&directory))? {
                let path = entry.map_err(FileError::system(&directory))?.path();
                if path.extension().is_some_and(|extension| extension == "journal") {
                    self.add(&path)?;
                }
            }
        }
        Ok(())
    }

    /// The series of which there is a journal.
    #[must_use]
    pub fn series(&self) -> Vec<SeriesId> {
        self.known.values().filter_map(Known::series).collect()
    }

    /// Whether one of them knows a record.
    ///
    /// # Errors
    /// One cannot be read, or is damaged.
    pub fn knows(&mut self, id: &RecordId) -> Result<bool, WatchError> {
        for known in self.known.values_mut() {
            if known.knows(id)? {
                return Ok(true);
            }
        }
        let before = self.known.len();
        self.look()?;
        if self.known.len() == before {
            return Ok(false);
        }
        for known in self.known.values_mut() {
            if known.knows(id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Judges block after block, none left out.
#[derive(Debug)]
pub struct Watcher {
    chain_id: Digest,
    office: OfficeId,
    journals: Journals,
    regions: Regions,
    /// The regions that sealed the last block seen.
    sealing: RegionSet,
    /// Who holds series, as far as that was looked up.
    sections: Option<Sections>,
    at: Position,
}

/// The sections that tell who holds a series.
#[derive(Debug)]
struct Sections {
    federation: Federation,
    directories: BTreeMap<concord_spec::id::RegionId, Directory>,
}

impl Offices for Sections {
    fn federation(&self) -> &Federation {
        &self.federation
    }

    fn directory(&self, region: &concord_spec::id::RegionId) -> Option<&Directory> {
        self.directories.get(region)
    }
}

impl Watcher {
    /// Watches an office from a position on.
    ///
    /// # Errors
    /// The charter cannot found a federation.
    pub fn new(charter: &Charter, office: OfficeId, journals: Journals, at: Position) -> Result<Self, WatchError> {
        Ok(Self {
            chain_id: charter.chain_id(),
            office,
            journals,
            regions: Regions::new(charter)?,
            sealing: charter.region_set().map_err(RegionsError::from)?,
            sections: None,
            at,
        })
    }

    /// Gives the journals back, of a watch that could not begin.
    #[must_use]
    pub fn into_journals(self) -> Journals {
        self.journals
    }

    /// The last block seen.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.at
    }

    /// Fetches the next block from a node and judges it; `None` when the node does not have it yet.
    ///
    /// # Errors
    /// See [`WatchError`]; the position is then as it was, and another node can be asked.
    pub fn step(&mut self, node: &Node) -> Result<Option<Vec<Finding>>, WatchError> {
        let next = Height(self.at.height.0.saturating_add(1));
        let Some((block, seal)) = node.block(next)? else {
            return Ok(None);
        };
        self.believe(node, next, &block, &seal)?;
        let mut findings = Vec::new();
        for record in &block.records {
            if matches!(record.payload().action, Action::SucceedOffice(_)) {
                // Who held series before may hold them no more.
                self.sections = None;
            }
            if let Some((kind, series)) = self.judge(node, next, record)? {
                findings.push(Finding {
                    kind,
                    height: next,
                    record: SignedRecord::clone(record),
                    series,
                });
            }
        }
        self.at = Position {
            chain_id: self.chain_id,
            height: next,
            hash: Some(block.hash()),
        };
        Ok(Some(findings))
    }

    /// Checks that the block is the next one, sealed by more than two thirds of the regions in force.
    fn believe(&mut self, node: &Node, next: Height, block: &Block, seal: &Seal) -> Result<(), WatchError> {
        let follows = self.at.hash.is_none_or(|last| block.rest.parent == last);
        if block.header.height != next || !follows {
            return Err(WatchError::OtherHistory(next));
        }
        if block.rest.regions_now != self.sealing.digest() {
            self.sealing = self.regions.at(next, || node.region_history())?;
        }
        let verified = seal.verify(&self.chain_id, next, &block.hash(), &self.sealing);
        verified.map_err(|error| WatchError::Seal { height: next, error })
    }

    /// What a record means to the office; `None`: nothing.
    fn judge(
        &mut self,
        node: &Node,
        height: Height,
        record: &SignedRecord,
    ) -> Result<Option<(Kind, Option<SeriesId>)>, WatchError> {
        let payload = record.payload();
        let series = payload.action.series();
        if payload.actor == Actor::Office(self.office.clone()) {
            let kind = match (&payload.action, series) {
                (_, None) => Kind::OwnStatement,
                _ if self.journals.knows(&record.id())? => return Ok(None),
                (Action::Issue(_), Some(_)) => Kind::UnknownIssue,
                (_, Some(_)) => Kind::UnknownStatement,
            };
            return Ok(Some((kind, series)));
        }
        if names_office(&payload.action, &self.office) {
            return Ok(Some((Kind::Office, None)));
        }
        match (&payload.actor, series) {
            (Actor::Region(_) | Actor::Domain(_), Some(id)) if self.holds(node, height, id)? => {
                Ok(Some((Kind::Supervisor, series)))
            }
            // The ledger lets no office say anything of another's series.
            (Actor::Region(_) | Actor::Domain(_) | Actor::Office(_) | Actor::Nobody, _) => Ok(None),
        }
    }

    /// Whether the office holds a series at a height.
    fn holds(&mut self, node: &Node, height: Height, id: SeriesId) -> Result<bool, WatchError> {
        let found = self.sections.as_ref().and_then(|sections| sections.holder(id, height));
        let holder = match found {
            Some(holder) => Some(holder),
            None => {
                let sections = Sections::fetch(node)?;
                let holder = sections.holder(id, height);
                self.sections = Some(sections);
                holder
            }
        };
        Ok(holder.as_ref() == Some(&self.office))
    }
}

impl Sections {
    fn fetch(node: &Node) -> Result<Self, TransportError> {
        let federation = node.federation()?;
        let mut directories = BTreeMap::new();
        for region in &federation.regions {
            if let Some(directory) = node.directory(&region.region)? {
                directories.insert(region.region.clone(), directory);
            }
        }
        Ok(Self {
            federation,
            directories,
        })
    }

    fn holder(&self, id: SeriesId, height: Height) -> Option<OfficeId> {
        self.directories.iter().find_map(|(region, directory)| {
            let series = directory.series(id)?;
            Some(standing::series_holder_at(self, region, series, height))
        })
    }
}

/// Whether a region says something about this office.
fn names_office(action: &Action, office: &OfficeId) -> bool {
    match action {
        Action::AmendOffice(body) => body.office == *office,
        Action::SetOffice(body) => body.office == *office,
        Action::SucceedOffice(body) => body.office == *office || body.successor == *office,
        Action::Delegate(body) => body.to == *office,
        Action::Propose(_)
        | Action::Vote(_)
        | Action::RotateNode(_)
        | Action::RotateAuthority(_)
        | Action::CancelRotation(_)
        | Action::SetObservers(_)
        | Action::RegisterOffice(_)
        | Action::DefineType(_)
        | Action::Recognise(_)
        | Action::Withdraw(_)
        | Action::CloseType(_)
        | Action::OpenSeries(_)
        | Action::Issue(_)
        | Action::SetStatus(_)
        | Action::FreezeSeries(_)
        | Action::CloseSeries(_)
        | Action::Evidence(_) => false,
    }
}
