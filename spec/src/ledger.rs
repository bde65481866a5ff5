//! The ledger's state and the rules by which records change it (DESIGN 4.3, 4.5).
//!
//! `record -> apply -> state -> state_root`. A state is cheap to clone: what a block does not touch is shared, so that
//! a proposal is tried on a copy and thrown away.
//! Not here: where records come from, where the state is kept.

mod entries;
mod execute;
mod rejection;
mod rules;
mod sections;
mod status_section;

pub use entries::{Entry, EntryError};
pub use execute::{BlockError, Draft, EMPTY_BLOCK_GAP_MS, Limits};
pub use rejection::Rejection;
pub use sections::{
    Catalogue, Directory, Federation, MAX_SECTION, Office, SectionName, SectionRoot, Series, document_root, state_root,
};
pub use status_section::StatusSection;

use crate::charter::{Charter, CharterError};
use crate::codec;
use crate::digest::Digest;
use crate::id::{Height, OfficeId, RegionId, SeriesId, TypeId, UnixMillis};
use crate::key::ed25519::{BatchItem, PublicKey};
use crate::merkle::Frontier;
use crate::record::{Actor, RecordId, SignedRecord};
use crate::seal::RegionSet;
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use std::collections::BTreeSet;
use std::sync::Arc;

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
    directories: RedBlackTreeMapSync<RegionId, Arc<Directory>>,
    status: RedBlackTreeMapSync<SectionName, StatusSection>,
    /// In which directory and under which type a series stands: derived.
    series: RedBlackTreeMapSync<SeriesId, SeriesPlace>,
    /// Which series a key signs: derived.
    series_keys: RedBlackTreeMapSync<PublicKey, SeriesId>,
    /// Ids of records that could come again, by not-after: derived from the blocks.
    recent: RedBlackTreeSetSync<(UnixMillis, RecordId)>,
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
        let federation = Federation {
            regions: charter.regions.clone(),
            parameters: charter.parameters.clone(),
            next_series: SeriesId(1),
        };
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
            status: RedBlackTreeMapSync::new_sync(),
            series: RedBlackTreeMapSync::new_sync(),
            series_keys: RedBlackTreeMapSync::new_sync(),
            recent: RedBlackTreeSetSync::new_sync(),
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
        self.recent.contains(&(record.payload().not_after, record.id()))
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

    /// The document of a section; `None` for a section that is no document or is not there.
    #[must_use]
    pub fn document(&self, name: &SectionName) -> Option<Vec<u8>> {
        match name {
            SectionName::Catalogue => Some(codec::to_vec(self.catalogue.as_ref())),
            SectionName::Charter => Some(codec::to_vec(self.charter.as_ref())),
            SectionName::Directory(region) => self.directory(region).map(codec::to_vec),
            SectionName::Federation => Some(codec::to_vec(self.federation.as_ref())),
            // No recognitions yet: an empty list.
            SectionName::Recognition => Some(vec![0x80]),
            SectionName::Status(..) => None,
        }
    }

    fn keyring(&self, actor: &Actor) -> Option<&crate::key::keyring::Keyring> {
        match actor {
            Actor::Region(region) => self.federation.region(region).map(|found| &found.authority),
            Actor::Office(office) => self.office(office).map(|found| &found.keyring),
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
            Entry::Directory(region) => Some(SectionName::Directory(region.clone())),
            Entry::SeriesStatus(series) => self.series.get(series).map(SeriesPlace::section),
        }
    }
}
