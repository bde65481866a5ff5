//! Trust bundles: the sealed state that a verifier carries (DESIGN 4.7).
//!
//! [`TrustBundle`] is what travels, [`TrustedState`] is what was checked: charter, seal, header, and every section
//! against the sealed `state_root`. Who carries a bundle is not trusted.

use crate::block::{Header, Rest};
use crate::charter::{Charter, CharterError, MAX_CHARTER};
use crate::codec::{self, CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::digest::Digest;
use crate::epochs::{Epochs, Handover, HandoverError, MAX_CHANGES};
use crate::id::{Height, RegionId, SeriesId, UnixMillis};
use crate::ledger::standing::Offices;
use crate::ledger::{
    Catalogue, Directory, Federation, LedgerState, MAX_SECTION, Office, SectionName, SectionRoot, Series,
    StatusSection, document_root, state_root,
};
use crate::recognition::Recognition;
use crate::seal::{RegionSet, Seal, SealError};
use crate::status::SeriesStatus;
use std::collections::BTreeMap;

/// Most bytes of a bundle.
pub const MAX_BUNDLE: usize = 512 << 20;
/// Ending of a bundle file.
pub const BUNDLE_EXTENSION: &str = "bundle";
const MAX_SECTIONS: usize = 1 << 20;
const MAX_SERIES: usize = 1 << 22;

/// Status of a series, as it travels.
#[derive(Debug, Clone)]
pub struct SeriesEntry {
    /// The series.
    pub series: SeriesId,
    /// Its next number and sets.
    pub status: SeriesStatus,
}
wire_array!(SeriesEntry { series, status });

/// A section's content, as it travels.
#[derive(Debug, Clone)]
pub enum SectionBody {
    /// A section that is one document.
    Document(Vec<u8>),
    /// A status section: its series in the order of opening.
    Status(Vec<SeriesEntry>),
}

/// A section with its content.
#[derive(Debug, Clone)]
pub struct Section {
    /// Which.
    pub name: SectionName,
    /// Its content.
    pub body: SectionBody,
}

impl Wire for Section {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.wire(&self.name);
        match &self.body {
            SectionBody::Document(bytes) => w.bytes(bytes),
            SectionBody::Status(series) => codec::encode_list(w, series),
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        let name = r.wire()?;
        let body = match name {
            SectionName::Status(..) => SectionBody::Status(r.list(MAX_SERIES)?),
            SectionName::Catalogue
            | SectionName::Charter
            | SectionName::Directory(_)
            | SectionName::Federation
            | SectionName::Recognition => SectionBody::Document(r.bytes(MAX_SECTION)?.to_vec()),
        };
        Ok(Self { name, body })
    }
}

/// The sealed state at a height, as it travels; nothing in it is checked yet.
#[derive(Debug, Clone)]
pub struct TrustBundle {
    /// Every block since the charter after which other regions were in force, ascending.
    pub handovers: Vec<Handover>,
    /// The header.
    pub header: Header,
    /// What the header holds the digest of.
    pub rest: Rest,
    /// The seal of the block.
    pub seal: Seal,
    /// Every section's name and root, in order.
    pub roots: Vec<SectionRoot>,
    /// The sections it carries, in order.
    pub sections: Vec<Section>,
}
wire_array!(TrustBundle version 1 "trust bundle" {
    handovers: list(MAX_CHANGES),
    header,
    rest,
    seal,
    roots: list(MAX_SECTIONS),
    sections: list(MAX_SECTIONS),
});

/// Why a bundle is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not the one encoding of a bundle.
    #[error("the trust bundle cannot be read: {0}; fetch it again")]
    Unreadable(#[from] CodecError),
    /// The charter cannot found a federation.
    #[error("the trust bundle's charter is not valid: {0}")]
    Charter(#[from] CharterError),
    /// Another federation than the one trusted.
    #[error("the trust bundle is of chain {found}, you trust {trusted}")]
    OtherChain {
        /// The bundle's.
        found: Digest,
        /// The trusted one.
        trusted: Digest,
    },
    /// Its header names another rest.
    #[error("the trust bundle's header does not hold together")]
    Header,
    /// The seal does not hold.
    #[error("the trust bundle's seal does not hold: {0}")]
    Seal(#[from] SealError),
    /// The chain of region sets from the charter on is broken.
    #[error("the trust bundle does not show how its regions follow from the charter's: {0}")]
    Handover(#[from] HandoverError),
    /// A section is not the one that was sealed.
    #[error("section {0} of the trust bundle is not the one that was sealed")]
    Section(SectionName),
    /// The sections' roots are not those that were sealed.
    #[error("the trust bundle's sections are not those that were sealed")]
    StateRoot,
    /// A section that every bundle needs is missing.
    #[error("the trust bundle lacks section {0}")]
    Missing(SectionName),
}

impl TrustBundle {
    /// The full bundle of the state after a sealed block. `handovers` are the sealed blocks since the charter after which
    /// other regions were in force, ascending: those before [`Federation::changes_of_regions`].
    #[must_use]
    pub fn full(state: &LedgerState, handovers: Vec<Handover>, header: Header, rest: Rest, seal: Seal) -> Self {
        let roots = state.section_roots();
        let section = |entry: &SectionRoot| {
            let name = entry.name.clone();
            let document = state.document(&name).map(SectionBody::Document);
            let body = document.or_else(|| {
                let (_, status) = state.status_sections().find(|(known, _)| **known == name)?;
                let series = status.iter().map(|(series, status)| SeriesEntry {
                    series,
                    status: status.clone(),
                });
                Some(SectionBody::Status(series.collect()))
            })?;
            Some(Section { name, body })
        };
        let sections = roots.iter().filter_map(section).collect();
        Self {
            handovers,
            header,
            rest,
            seal,
            roots,
            sections,
        }
    }

    /// Checks a bundle whole against the chain that the device trusts.
    ///
    /// # Errors
    /// The first thing that does not hold; see [`BundleError`].
    pub fn open(bytes: &[u8], trusted_chain: &Digest) -> Result<TrustedState, BundleError> {
        let bundle: Self = codec::from_slice(bytes, MAX_BUNDLE)?;
        let charter = bundle.charter()?;
        let chain_id = charter.chain_id();
        if chain_id != *trusted_chain {
            return Err(BundleError::OtherChain {
                found: chain_id,
                trusted: *trusted_chain,
            });
        }
        charter.check()?;
        bundle.check(charter, chain_id)
    }

    /// The chain id that the bundle says it is of; nothing about the bundle is checked but its charter.
    ///
    /// # Errors
    /// Not readable, or the charter is missing or invalid.
    pub fn claimed_chain(bytes: &[u8]) -> Result<Digest, BundleError> {
        let bundle: Self = codec::from_slice(bytes, MAX_BUNDLE)?;
        Ok(bundle.charter()?.chain_id())
    }

    fn document(&self, name: &SectionName) -> Result<&[u8], BundleError> {
        let section = self.sections.iter().find(|section| section.name == *name);
        match section.map(|section| &section.body) {
            Some(SectionBody::Document(bytes)) => Ok(bytes),
            Some(SectionBody::Status(_)) | None => Err(BundleError::Missing(name.clone())),
        }
    }

    fn charter(&self) -> Result<Charter, BundleError> {
        let bytes = self.document(&SectionName::Charter)?;
        // Which federation it is comes first: a charter of another one is not worth checking.
        Ok(codec::from_slice(bytes, MAX_CHARTER)?)
    }

    /// The region sets from the charter to this header: the federation section holds the keys of each.
    fn epochs(&self, charter: &Charter, federation: &Federation, chain_id: &Digest) -> Result<Epochs, BundleError> {
        let mut epochs = Epochs::founded(charter)?;
        for handover in &self.handovers {
            let height = handover.header.height;
            let next = height.next().filter(|_| height < self.header.height);
            let next = next.and_then(|from| federation.region_set_at(from).ok());
            epochs.take(handover, next.ok_or(HandoverError::Regions(height))?, chain_id)?;
        }
        let now = epochs.last();
        if self.header.rest != self.rest.digest() || self.rest.regions_now != now.digest() {
            return Err(BundleError::Header);
        }
        self.seal
            .verify(chain_id, self.header.height, &self.header.hash(), now)?;
        if self.rest.regions_next != self.rest.regions_now {
            let last = Handover {
                header: self.header,
                rest: self.rest.clone(),
                seal: self.seal.clone(),
            };
            let next = self
                .header
                .height
                .next()
                .and_then(|from| federation.region_set_at(from).ok());
            epochs.take(&last, next.ok_or(BundleError::Header)?, chain_id)?;
        }
        Ok(epochs)
    }

    fn check(self, charter: Charter, chain_id: Digest) -> Result<TrustedState, BundleError> {
        // Used only to find the keys whose digests sealed headers name; its own root is checked below like every section's.
        let federation = codec::from_slice::<Federation>(self.document(&SectionName::Federation)?, MAX_SECTION)?;
        let epochs = self.epochs(&charter, &federation, &chain_id)?;
        let ascending = self
            .roots
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.name < b.name));
        if !ascending || state_root(&self.roots) != self.rest.state_root {
            return Err(BundleError::StateRoot);
        }
        let recognition = codec::from_slice::<Recognition>(self.document(&SectionName::Recognition)?, MAX_SECTION)?;
        let catalogue = codec::from_slice::<Catalogue>(self.document(&SectionName::Catalogue)?, MAX_SECTION)?;
        let mut state = TrustedState {
            chain_id,
            charter,
            epochs,
            recognition,
            height: self.header.height,
            time: self.header.time,
            federation,
            catalogue,
            directories: BTreeMap::new(),
            status: BTreeMap::new(),
        };
        let mut roots = self.roots.iter();
        for section in self.sections {
            // Both lists ascend, so that one walk pairs them and refuses what stands twice.
            let root = roots.find(|root| root.name == section.name);
            let root = root.ok_or_else(|| BundleError::Section(section.name.clone()))?.root;
            state.take(section, &root)?;
        }
        Ok(state)
    }
}

/// A sealed state that was checked: what a verifier relies on.
#[derive(Debug, Clone)]
pub struct TrustedState {
    chain_id: Digest,
    charter: Charter,
    epochs: Epochs,
    recognition: Recognition,
    height: Height,
    time: UnixMillis,
    federation: Federation,
    catalogue: Catalogue,
    directories: BTreeMap<RegionId, Directory>,
    status: BTreeMap<SectionName, StatusSection>,
}

impl TrustedState {
    fn take(&mut self, section: Section, root: &Digest) -> Result<(), BundleError> {
        let found = match &section.body {
            SectionBody::Document(bytes) => document_root(bytes),
            SectionBody::Status(series) => {
                let mut status = StatusSection::default();
                // One order only, so that a bundle has one encoding.
                if !series
                    .windows(2)
                    .all(|pair| matches!(pair, [a, b] if a.series < b.series))
                {
                    return Err(BundleError::Section(section.name));
                }
                for entry in series {
                    status.put(entry.series, entry.status.clone());
                }
                let found = status.root();
                self.status.insert(section.name.clone(), status);
                found
            }
        };
        if found != *root {
            return Err(BundleError::Section(section.name));
        }
        if let (SectionName::Directory(region), SectionBody::Document(bytes)) = (&section.name, &section.body) {
            self.directories
                .insert(region.clone(), codec::from_slice(bytes, MAX_SECTION)?);
        }
        Ok(())
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

    /// Height of the sealed state.
    #[must_use]
    pub fn height(&self) -> Height {
        self.height
    }

    /// Time of the sealed state.
    #[must_use]
    pub fn time(&self) -> UnixMillis {
        self.time
    }

    /// The regions in force at a height; past the bundle's, the last ones that it knows.
    #[must_use]
    pub fn regions_at(&self, height: Height) -> &RegionSet {
        self.epochs.at(height)
    }

    /// Section `recognition`.
    #[must_use]
    pub fn recognition(&self) -> &Recognition {
        &self.recognition
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

    /// A series with its region and office.
    #[must_use]
    pub fn series(&self, id: SeriesId) -> Option<(&RegionId, &Office, &Series)> {
        self.directories.iter().find_map(|(region, directory)| {
            let series = directory.series(id)?;
            Some((region, directory.office(&series.office)?, series))
        })
    }

    /// Status of a series.
    #[must_use]
    pub fn status(&self, region: &RegionId, series: &Series) -> Option<&SeriesStatus> {
        self.status
            .get(&SectionName::Status(series.of.id.clone(), region.clone()))?
            .series(series.id)
    }
}

impl Offices for TrustedState {
    fn federation(&self) -> &Federation {
        &self.federation
    }

    fn directory(&self, region: &RegionId) -> Option<&Directory> {
        self.directories.get(region)
    }
}
