//! The sealed state at a height, as it travels, and how it is checked.

use super::{BundleError, Kind, MAX_BUNDLE, Packed, Selection, TrustedState};
use crate::block::{Header, Rest};
use crate::charter::{Charter, MAX_CHARTER};
use crate::codec::{self, CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::digest::Digest;
use crate::epochs::{Epochs, Handover, HandoverError, MAX_CHANGES};
use crate::id::{RegionId, SeriesId};
use crate::ledger::standing::Offices;
use crate::ledger::{Directory, Federation, LedgerState, MAX_SECTION, SectionName, SectionRoot, state_root};
use crate::receipt::HashPath;
use crate::seal::Seal;
use crate::status::SeriesStatus;
use std::collections::BTreeSet;

/// Most sections of a state.
pub(super) const MAX_SECTIONS: usize = 1 << 20;
/// Most series of a section.
const MAX_SERIES: usize = 1 << 22;
/// Most earlier blocks that a bundle shows to be of its history.
pub const MAX_ANCHORS: usize = 64;

/// Status of a series, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesEntry {
    /// The series.
    pub series: SeriesId,
    /// Its next number and sets.
    pub status: SeriesStatus,
}
wire_array!(SeriesEntry { series, status });

/// A section's content, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionBody {
    /// A section that is one document.
    Document(Vec<u8>),
    /// A status section: its series in the order of opening.
    Status(Vec<SeriesEntry>),
}

/// A section with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        let (name, body) = decode_section(r, SectionBody::Document, SectionBody::Status)?;
        Ok(Self { name, body })
    }
}

/// A name with what is said of that section: a document, or a list of what is said of its series.
pub(super) fn decode_section<S: Wire, B>(
    r: &mut Reader<'_>,
    document: impl FnOnce(Vec<u8>) -> B,
    status: impl FnOnce(Vec<S>) -> B,
) -> Result<(SectionName, B), CodecError> {
    r.array(2)?;
    let name = r.wire()?;
    let body = match name {
        SectionName::Status(..) => status(r.list(MAX_SERIES)?),
        SectionName::Catalogue
        | SectionName::Charter
        | SectionName::Directory(_)
        | SectionName::Federation
        | SectionName::Recognition => document(r.bytes(MAX_SECTION)?.to_vec()),
    };
    Ok((name, body))
}

impl Section {
    /// A section of a state; `None` where there is none.
    #[must_use]
    pub fn of(state: &LedgerState, name: &SectionName) -> Option<Self> {
        let body = match state.document(name) {
            Some(document) => SectionBody::Document(document),
            None => {
                let series = state.status_section(name)?.iter();
                let entry = |(series, status): (SeriesId, &SeriesStatus)| SeriesEntry {
                    series,
                    status: status.clone(),
                };
                SectionBody::Status(series.map(entry).collect())
            }
        };
        Some(Self {
            name: name.clone(),
            body,
        })
    }
}

/// An earlier block, shown to be of a bundle's history: what a device holds or trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its header.
    pub header: Header,
    /// What the header holds the digest of: it names the regions that were in force.
    pub rest: Rest,
    /// From its hash to the bundle's `history_root`.
    pub path: HashPath,
}
wire_array!(Anchor { header, rest, path });

/// The sealed state at a height, as it travels; nothing in it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustBundle {
    /// Which types and regions it is about.
    pub selection: Selection,
    /// Earlier blocks that it continues, for devices that hold or trust one of them.
    pub anchors: Vec<Anchor>,
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
    /// The sections that the selection takes, in order.
    pub sections: Vec<Section>,
}
wire_array!(TrustBundle version 1 "state of a trust bundle" {
    selection,
    anchors: list(MAX_ANCHORS),
    handovers: list(MAX_CHANGES),
    header,
    rest,
    seal,
    roots: list(MAX_SECTIONS),
    sections: list(MAX_SECTIONS),
});

impl TrustBundle {
    /// The full bundle of the state after a sealed block. `handovers` are the sealed blocks since the charter after which
    /// other regions were in force, ascending: those before [`Federation::changes_of_regions`].
    #[must_use]
    pub fn full(state: &LedgerState, handovers: Vec<Handover>, header: Header, rest: Rest, seal: Seal) -> Self {
        Self::of(state, &Selection::all(), handovers, header, rest, seal)
    }

    /// As [`Self::full`], of a selection.
    #[must_use]
    pub fn of(
        state: &LedgerState,
        selection: &Selection,
        handovers: Vec<Handover>,
        header: Header,
        rest: Rest,
        seal: Seal,
    ) -> Self {
        let roots = state.section_roots();
        let names = selection.names(&roots, |region| successors(state, region)).into_iter();
        let sections = names.filter_map(|name| Section::of(state, &name)).collect();
        Self {
            selection: selection.clone(),
            anchors: Vec::new(),
            handovers,
            header,
            rest,
            seal,
            roots,
            sections,
        }
    }

    /// What a selection takes of a full bundle. Nothing is checked: of a directory that cannot be read, nothing follows.
    #[must_use]
    pub fn select(&self, selection: &Selection) -> Self {
        let names = selection.names(&self.roots, |region| self.successors(region));
        let taken = self.sections.iter().filter(|section| names.contains(&section.name));
        Self {
            selection: selection.clone(),
            anchors: self.anchors.clone(),
            handovers: self.handovers.clone(),
            header: self.header,
            rest: self.rest.clone(),
            seal: self.seal.clone(),
            roots: self.roots.clone(),
            sections: taken.cloned().collect(),
        }
    }

    fn successors(&self, region: &RegionId) -> BTreeSet<RegionId> {
        let document = self.document(&SectionName::Directory(region.clone())).ok();
        let directory = document.and_then(|bytes| codec::from_slice::<Directory>(bytes, MAX_SECTION).ok());
        directory.map_or_else(BTreeSet::new, |directory| directory.successors())
    }

    /// The bytes of a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Packed::bytes_of(Kind::State, &codec::to_vec(self))
    }

    /// Reads a file's bytes; nothing in it is checked.
    ///
    /// # Errors
    /// Not a bundle, or a delta.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        match Packed::open(bytes)? {
            (Kind::State, content) => Self::from_content(&content),
            (Kind::Delta, _) => Err(BundleError::Kind("a delta")),
        }
    }

    pub(super) fn from_content(content: &[u8]) -> Result<Self, BundleError> {
        Ok(codec::from_slice(content, MAX_BUNDLE)?)
    }

    /// Checks a bundle whole against the chain that the device trusts.
    ///
    /// # Errors
    /// The first thing that does not hold; see [`BundleError`].
    pub fn open(bytes: &[u8], trusted_chain: &Digest) -> Result<TrustedState, BundleError> {
        Self::from_bytes(bytes)?.check(trusted_chain)
    }

    /// The chain id that the bundle says it is of; nothing about the bundle is checked but its charter.
    ///
    /// # Errors
    /// Not readable, or the charter is missing or invalid.
    pub fn claimed_chain(bytes: &[u8]) -> Result<Digest, BundleError> {
        Self::from_bytes(bytes)?.chain_id()
    }

    /// The chain id that it says it is of; nothing about it is checked but its charter.
    ///
    /// # Errors
    /// The charter is missing or invalid.
    pub fn chain_id(&self) -> Result<Digest, BundleError> {
        Ok(self.charter()?.chain_id())
    }

    pub(super) fn document(&self, name: &SectionName) -> Result<&[u8], BundleError> {
        let section = self.sections.iter().find(|section| section.name == *name);
        match section.map(|section| &section.body) {
            Some(SectionBody::Document(bytes)) => Ok(bytes),
            Some(SectionBody::Status(_)) | None => Err(BundleError::Missing(name.clone())),
        }
    }

    pub(super) fn charter(&self) -> Result<Charter, BundleError> {
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

    /// Checks it whole against the chain that the device trusts.
    ///
    /// # Errors
    /// The first thing that does not hold; see [`BundleError`].
    pub fn check(&self, trusted_chain: &Digest) -> Result<TrustedState, BundleError> {
        let charter = self.charter()?;
        let chain_id = charter.chain_id();
        if chain_id != *trusted_chain {
            return Err(BundleError::OtherChain {
                found: chain_id,
                trusted: *trusted_chain,
            });
        }
        charter.check()?;
        // Used only to find the keys whose digests sealed headers name; its own root is checked below like every section's.
        let federation = codec::from_slice::<Federation>(self.document(&SectionName::Federation)?, MAX_SECTION)?;
        let epochs = self.epochs(&charter, &federation, &chain_id)?;
        let ascending = self.roots.is_sorted_by(|a, b| a.name < b.name);
        if !ascending || state_root(&self.roots) != self.rest.state_root {
            return Err(BundleError::StateRoot);
        }
        let mut state = TrustedState::of(self, charter, epochs, federation)?;
        let mut roots = self.roots.iter();
        for section in &self.sections {
            // Both lists ascend, so that one walk pairs them and refuses what stands twice.
            let root = roots.find(|root| root.name == section.name);
            let root = root.ok_or_else(|| BundleError::Section(section.name.clone()))?.root;
            state.take(section, &root)?;
        }
        self.check_selection(&state)?;
        Ok(state)
    }

    /// It holds what its selection takes, no less and no more.
    fn check_selection(&self, state: &TrustedState) -> Result<(), BundleError> {
        if !self.selection.is_valid() {
            return Err(BundleError::Selection);
        }
        let mut sections = self.sections.iter().map(|section| &section.name);
        for name in self.selection.names(&self.roots, |region| successors(state, region)) {
            match sections.next() {
                Some(found) if *found == name => {}
                Some(found) if *found < name => return Err(BundleError::Section(found.clone())),
                Some(_) | None => return Err(BundleError::Missing(name)),
            }
        }
        sections
            .next()
            .map_or(Ok(()), |more| Err(BundleError::Section(more.clone())))
    }
}

/// In which regions the offices stand that took the places of those of a region.
pub(super) fn successors(offices: &dyn Offices, region: &RegionId) -> BTreeSet<RegionId> {
    let directory = offices.directory(region);
    directory.map_or_else(BTreeSet::new, Directory::successors)
}
