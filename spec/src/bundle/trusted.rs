//! A sealed state that was checked: what a verifier relies on.

use super::{BundleError, Section, SectionBody, Selection, TrustBundle};
use crate::charter::Charter;
use crate::codec;
use crate::digest::Digest;
use crate::epochs::Epochs;
use crate::id::{Height, RegionId, SeriesId, UnixMillis};
use crate::ledger::standing::Offices;
use crate::ledger::{
    Catalogue, Directory, Federation, MAX_SECTION, Office, SectionName, Series, StatusSection, document_root,
};
use crate::recognition::Recognition;
use crate::seal::RegionSet;
use crate::status::SeriesStatus;
use std::collections::BTreeMap;

/// A sealed state that was checked: what a verifier relies on.
#[derive(Debug, Clone)]
pub struct TrustedState {
    chain_id: Digest,
    charter: Charter,
    selection: Selection,
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
    /// What of a bundle is checked already; its sections are taken one by one.
    pub(super) fn of(
        bundle: &TrustBundle,
        charter: Charter,
        epochs: Epochs,
        federation: Federation,
    ) -> Result<Self, BundleError> {
        let recognition = codec::from_slice::<Recognition>(bundle.document(&SectionName::Recognition)?, MAX_SECTION)?;
        let catalogue = codec::from_slice::<Catalogue>(bundle.document(&SectionName::Catalogue)?, MAX_SECTION)?;
        Ok(Self {
            chain_id: charter.chain_id(),
            charter,
            selection: bundle.selection.clone(),
            epochs,
            recognition,
            height: bundle.header.height,
            time: bundle.header.time,
            federation,
            catalogue,
            directories: BTreeMap::new(),
            status: BTreeMap::new(),
        })
    }

    /// Takes a section, if its root is the sealed one.
    pub(super) fn take(&mut self, section: &Section, root: &Digest) -> Result<(), BundleError> {
        let wrong = || BundleError::Section(section.name.clone());
        match (&section.name, &section.body) {
            (SectionName::Status(..), SectionBody::Status(series)) => {
                // One order only, so that a bundle has one encoding.
                if !series.is_sorted_by(|a, b| a.series < b.series) {
                    return Err(wrong());
                }
                let mut status = StatusSection::default();
                for entry in series {
                    status.put(entry.series, entry.status.clone());
                }
                if status.root() != *root {
                    return Err(wrong());
                }
                self.status.insert(section.name.clone(), status);
            }
            (name, SectionBody::Document(bytes)) => {
                if document_root(bytes) != *root {
                    return Err(wrong());
                }
                if let SectionName::Directory(region) = name {
                    self.directories
                        .insert(region.clone(), codec::from_slice(bytes, MAX_SECTION)?);
                }
            }
            (_, SectionBody::Status(_)) => return Err(wrong()),
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

    /// Which types and regions it is about; of others it knows nothing but their roots.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
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

    pub(super) fn epochs(&self) -> &Epochs {
        &self.epochs
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

    /// Whether it holds the directory of a region, or there is none to be held: its selection takes it, or it is no region.
    #[must_use]
    pub fn carries_offices_of(&self, region: &RegionId) -> bool {
        self.directories.contains_key(region) || self.federation.region(region).is_none()
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
