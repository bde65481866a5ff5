//! The ledger's state and the rules by which records change it (DESIGN 4.3, 4.5).
//!
//! `record -> apply -> state -> state_root`. A state is cheap to clone: what a block does not touch is shared, so that
//! a proposal is tried on a copy and thrown away.
//! Not here: where records come from, where the state is kept.

mod derived;
mod directory;
mod entries;
mod execute;
mod federation;
mod recent;
mod rejection;
mod rules;
mod sections;
mod shares;
pub mod standing;
mod status_section;
mod touched;

pub use directory::{
    Delegation, Directory, MAX_DELEGATIONS, MAX_LENDERS_OF_REGION, MAX_NAMES, Office, OfficeName, Series, Succession,
};
pub use entries::{Entry, EntryError};
pub use execute::{BlockError, Draft, EMPTY_BLOCK_GAP_MS, Limits};
pub use federation::{
    DomainAuthority, EFFECT_AFTER_BLOCKS, EvidenceEntry, Federation, MAX_EVIDENCE_OF_REGION, MAX_MEMBERS,
    MAX_PROPOSALS_OF_REGION, MAX_TERMS, PROPOSAL_OPEN_MS, Proposal, ROTATION_WAIT_MS, Region, Rotation, Scheduled,
    Term,
};
pub use rejection::Rejection;
pub use sections::{Catalogue, CatalogueEntry, MAX_SECTION, SectionName, SectionRoot, document_root, state_root};
pub use shares::{
    CATALOGUE_OF_OWNER, DIRECTORY_OF_BRANCH, DIRECTORY_OF_REGION, MAX_DOMAINS, MAX_REGIONS_EVER, MAX_TERMS_OF_REGION,
    PROPOSALS_OF_REGION, RECOGNITION_OF_REGION,
};
pub use status_section::StatusSection;
pub use touched::{Changes, MAX_TOUCHED, Touched, TouchedNumbers};

use crate::charter::{Charter, CharterError};
use crate::codec::{self, CodecError};
use crate::digest::Digest;
use crate::id::{Height, OfficeId, RegionId, SeriesId, TypeId, UnixMillis};
use crate::key::ed25519::{BatchItem, PublicKey};
use crate::merkle::Frontier;
use crate::recognition::Recognition;
use crate::record::{SignedRecord, Versioned};
use crate::seal::RegionSet;
use derived::Derived;
use recent::Recent;
use rpds::RedBlackTreeMapSync;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The version of records and headers that this software knows.
const KNOWN_VERSION: u64 = 1;

/// Where and when a record enters the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockContext {
    /// Height of the block.
    pub height: Height,
    /// Time of the block.
    pub time: UnixMillis,
}

/// Checks signatures. A cache may answer for what it checked before: key, message and signature are all it may rely on.
pub trait CheckSignatures {
    /// Whether every signature holds under ZIP-215.
    fn all_hold(&self, record: &SignedRecord, items: &[BatchItem]) -> bool;
}

/// Checks each signature by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckEach;

impl CheckSignatures for CheckEach {
    fn all_hold(&self, _: &SignedRecord, items: &[BatchItem]) -> bool {
        items.iter().all(|item| item.key.verify(&item.message, &item.signature))
    }
}

/// What an accepted record did, beyond the change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more to say.
    Done,
    /// It opened this series.
    Opened(SeriesId),
    /// It is the region's declaration with this number.
    Declared(u64),
}

/// Where the chain stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Height of the last block, 0 before the first.
    pub height: Height,
    /// Its time; the charter's genesis before the first.
    pub time: UnixMillis,
    /// Its hash; the chain id before the first.
    pub hash: Digest,
}

/// The state after a block.
#[derive(Debug, Clone)]
pub struct LedgerState {
    chain_id: Digest,
    charter: Arc<Charter>,
    region_set: Arc<RegionSet>,
    tip: Tip,
    history: Frontier,
    federation: Arc<Federation>,
    catalogue: Arc<Catalogue>,
    recognition: Arc<Recognition>,
    directories: RedBlackTreeMapSync<RegionId, Arc<Directory>>,
    status: RedBlackTreeMapSync<SectionName, StatusSection>,
    /// In which directory and under which type a series stands: derived.
    series: RedBlackTreeMapSync<SeriesId, SeriesPlace>,
    /// Which series a key signs: derived.
    series_keys: RedBlackTreeMapSync<PublicKey, SeriesId>,
    /// How full shares are, and how offices stand to each other: derived.
    derived: Derived,
    /// Ids of records that could come again, by not-after: derived from the blocks.
    recent: Recent,
    roots: RedBlackTreeMapSync<SectionName, Digest>,
    touched: BTreeSet<Entry>,
}

/// Where a series stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SeriesPlace {
    region: RegionId,
    kind: TypeId,
}

impl SeriesPlace {
    fn section(&self) -> SectionName {
        SectionName::Status(self.kind.clone(), self.region.clone())
    }
}

impl LedgerState {
    /// The state before block 1.
    ///
    /// # Errors
    /// The charter cannot found a federation.
    pub fn genesis(charter: Charter) -> Result<Self, CharterError> {
        charter.check()?;
        let chain_id = charter.chain_id();
        let federation = Federation::founded(&charter);
        let mut state = Self {
            chain_id,
            region_set: Arc::new(charter.region_set()?),
            tip: Tip {
                height: Height(0),
                time: charter.genesis,
                hash: chain_id,
            },
            history: Frontier::new(),
            directories: charter
                .regions
                .iter()
                .map(|region| (region.region.clone(), Arc::new(Directory::default())))
                .collect(),
            charter: Arc::new(charter),
            federation: Arc::new(federation),
            catalogue: Arc::new(Catalogue::default()),
            recognition: Arc::new(Recognition::default()),
            status: RedBlackTreeMapSync::new_sync(),
            series: RedBlackTreeMapSync::new_sync(),
            series_keys: RedBlackTreeMapSync::new_sync(),
            derived: Derived::default(),
            recent: Recent::default(),
            roots: RedBlackTreeMapSync::new_sync(),
            touched: BTreeSet::new(),
        };
        state.hash_all();
        Ok(state)
    }

    /// Digest of the charter.
    #[must_use]
    pub fn chain_id(&self) -> Digest {
        self.chain_id
    }

    /// The charter.
    #[must_use]
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// The regions that seal the next block.
    #[must_use]
    pub fn region_set(&self) -> &Arc<RegionSet> {
        &self.region_set
    }

    /// Where the chain stands.
    #[must_use]
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Section `federation`.
    #[must_use]
    pub fn federation(&self) -> &Federation {
        &self.federation
    }

    /// Section `catalogue`.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Section `recognition`.
    #[must_use]
    pub fn recognition(&self) -> &Recognition {
        &self.recognition
    }

    /// The version of a structure that is in force for the next block; 1 unless a vote raised it.
    #[must_use]
    pub fn version_in_force(&self, subject: Versioned) -> u64 {
        let next = self.next_height();
        let raised = self
            .federation
            .versions
            .iter()
            .filter(|raised| raised.subject == subject && raised.from <= next);
        raised.map(|raised| raised.version).max().unwrap_or(1)
    }

    /// The highest version of a structure that was voted, whether in force yet or not.
    fn version_of(&self, subject: Versioned) -> u64 {
        let raised = self
            .federation
            .versions
            .iter()
            .filter(|raised| raised.subject == subject);
        raised.map(|raised| raised.version).max().unwrap_or(1)
    }

    /// The structure whose version in force for the next block this software does not know, if there is one.
    #[must_use]
    pub fn needs_newer_software(&self) -> Option<(Versioned, u64)> {
        let known = |subject: &Versioned| self.version_in_force(*subject) > KNOWN_VERSION;
        let subject = Versioned::ALL.iter().copied().find(known)?;
        Some((subject, self.version_in_force(subject)))
    }

    /// The regions in force at a height, exact up to two blocks after the tip.
    ///
    /// # Errors
    /// No such set: never at a height from 1 on that the rules made.
    pub fn region_set_at(&self, height: Height) -> Result<RegionSet, CodecError> {
        self.federation.region_set_at(height)
    }

    /// Section `directory/<region>`.
    #[must_use]
    pub fn directory(&self, region: &RegionId) -> Option<&Directory> {
        self.directories.get(region).map(AsRef::as_ref)
    }

    /// An office.
    #[must_use]
    pub fn office(&self, id: &OfficeId) -> Option<&Office> {
        self.directory(&id.region)?.office(&id.code)
    }

    /// A series with the region it stands in.
    #[must_use]
    pub fn series(&self, id: SeriesId) -> Option<(&RegionId, &Series)> {
        let place = self.series.get(&id)?;
        let series = self.directory(&place.region)?.series(id)?;
        Some((&place.region, series))
    }

    /// Status of a series.
    #[must_use]
    pub fn series_status(&self, id: SeriesId) -> Option<&crate::status::SeriesStatus> {
        self.status.get(&self.series.get(&id)?.section())?.series(id)
    }

    /// Whether this record is on the ledger and could otherwise come again.
    #[must_use]
    pub fn knows(&self, record: &SignedRecord) -> bool {
        self.recent.contains(record.payload().not_after, &record.id())
    }

    /// The root of the state: RFC 9162 tree over the named sections.
    #[must_use]
    pub fn root(&self) -> Digest {
        state_root(&self.section_roots())
    }

    /// Every section's name and root, in order.
    #[must_use]
    pub fn section_roots(&self) -> Vec<SectionRoot> {
        self.roots
            .iter()
            .map(|(name, root)| SectionRoot {
                name: name.clone(),
                root: *root,
            })
            .collect()
    }

    /// Every status section by name.
    pub fn status_sections(&self) -> impl Iterator<Item = (&SectionName, &StatusSection)> {
        self.status.iter()
    }

    /// A status section.
    #[must_use]
    pub fn status_section(&self, name: &SectionName) -> Option<&StatusSection> {
        self.status.get(name)
    }

    /// The document of a section; `None` for a section that is no document or is not there.
    #[must_use]
    pub fn document(&self, name: &SectionName) -> Option<Vec<u8>> {
        match name {
            SectionName::Catalogue => Some(codec::to_vec(self.catalogue.as_ref())),
            SectionName::Charter => Some(codec::to_vec(self.charter.as_ref())),
            SectionName::Directory(region) => self.directory(region).map(codec::to_vec),
            SectionName::Federation => Some(codec::to_vec(self.federation.as_ref())),
            SectionName::Recognition => Some(codec::to_vec(self.recognition.as_ref())),
            SectionName::Status(..) => None,
        }
    }

    fn hash_all(&mut self) {
        let fixed = [
            SectionName::Catalogue,
            SectionName::Charter,
            SectionName::Federation,
            SectionName::Recognition,
        ];
        let directories = self.directories.keys().cloned().map(SectionName::Directory);
        let names: Vec<SectionName> = fixed
            .into_iter()
            .chain(directories)
            .chain(self.status.keys().cloned())
            .collect();
        for name in names {
            self.hash_section(&name);
        }
    }

    fn hash_section(&mut self, name: &SectionName) {
        let root = match self.status.get(name) {
            Some(section) => Some(section.root()),
            None => self.document(name).map(|document| document_root(&document)),
        };
        if let Some(root) = root {
            self.roots.insert_mut(name.clone(), root);
        }
    }

    /// Hashes again the sections that the records of a block touched.
    fn hash_touched(&mut self) {
        let names: BTreeSet<SectionName> = self.touched.iter().filter_map(|entry| self.section_of(entry)).collect();
        for name in names {
            self.hash_section(&name);
        }
    }

    fn section_of(&self, entry: &Entry) -> Option<SectionName> {
        match entry {
            Entry::Tip | Entry::Recent(..) => None,
            Entry::Federation => Some(SectionName::Federation),
            Entry::Catalogue => Some(SectionName::Catalogue),
            Entry::Recognition => Some(SectionName::Recognition),
            Entry::Directory(region) => Some(SectionName::Directory(region.clone())),
            Entry::SeriesStatus(series) => self.series.get(series).map(SeriesPlace::section),
        }
    }
}

impl standing::Offices for LedgerState {
    fn federation(&self) -> &Federation {
        &self.federation
    }

    fn directory(&self, region: &RegionId) -> Option<&Directory> {
        Self::directory(self, region)
    }
}

#[cfg(test)]
mod cost;
