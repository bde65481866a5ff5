//! A state as entries of short ordered keys, so that a node can keep it and write only what a block touched.
//! Not here: how they are kept (the node's cache). The log, not this, is the truth.

use super::derived::Derived;
use super::{Catalogue, Directory, Federation, LedgerState, MAX_SECTION, SectionName, SeriesPlace, Tip};
use crate::charter::{Charter, CharterError};
use crate::codec::{self, CodecError, fields::wire_array};
use crate::digest::Digest;
use crate::id::{Height, RegionId, SeriesId, UnixMillis};
use crate::merkle::Frontier;
use crate::recognition::Recognition;
use crate::record::RecordId;
use crate::status::SeriesStatus;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A part of the state that is kept by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// Where the chain stands.
    Tip,
    /// Section `federation`.
    Federation,
    /// Section `catalogue`.
    Catalogue,
    /// Section `directory/<region>`.
    Directory(RegionId),
    /// Status of a series.
    SeriesStatus(SeriesId),
    /// The id of a record that could come again, with its not-after.
    Recent(UnixMillis, RecordId),
    /// Section `recognition`.
    Recognition,
}

/// Why entries are no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// An entry cannot be read.
    #[error("an entry of the state cannot be read: {0}")]
    Unreadable(#[from] CodecError),
    /// The charter cannot found a federation.
    #[error(transparent)]
    Charter(#[from] CharterError),
    /// An entry is missing, or belongs to a series that is not open.
    #[error("the entries do not make a whole state")]
    Incomplete,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TipEntry {
    height: Height,
    time: UnixMillis,
    hash: Digest,
    history: Frontier,
}
wire_array!(TipEntry version 1 "tip" { height, time, hash, history });

impl Entry {
    /// Key: a byte for the kind, then what tells entries of a kind apart, in order; at most 41 bytes.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::Tip => vec![0],
            Self::Federation => vec![1],
            Self::Catalogue => vec![2],
            Self::Directory(region) => [&[3], region.as_str().as_bytes()].concat(),
            Self::SeriesStatus(series) => [&[4], series.0.to_be_bytes().as_slice()].concat(),
            Self::Recent(not_after, id) => [&[5], not_after.0.to_be_bytes().as_slice(), id.as_bytes()].concat(),
            Self::Recognition => vec![6],
        }
    }

    fn from_key(key: &[u8]) -> Option<Self> {
        let (kind, rest) = key.split_first()?;
        match (kind, rest.len()) {
            (0, 0) => Some(Self::Tip),
            (1, 0) => Some(Self::Federation),
            (2, 0) => Some(Self::Catalogue),
            (6, 0) => Some(Self::Recognition),
            (3, _) => Some(Self::Directory(RegionId::new(std::str::from_utf8(rest).ok()?).ok()?)),
            (4, 4) => Some(Self::SeriesStatus(SeriesId(u32::from_be_bytes(rest.try_into().ok()?)))),
            (5, 40) => {
                let (not_after, id) = rest.split_at_checked(8)?;
                let not_after = UnixMillis(u64::from_be_bytes(not_after.try_into().ok()?));
                Some(Self::Recent(not_after, Digest(id.try_into().ok()?)))
            }
            _ => None,
        }
    }
}

impl LedgerState {
    /// What the last block changed: key, and the value or `None` where the entry is gone.
    #[must_use]
    pub fn changes(&self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.touched
            .iter()
            .map(|entry| (entry.key(), self.value(entry)))
            .collect()
    }

    /// Every entry of the state.
    #[must_use]
    pub fn entries(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let directories = self.directories.keys().cloned().map(Entry::Directory);
        let series = self.series.keys().copied().map(Entry::SeriesStatus);
        let recent = self.recent.iter().map(|(not_after, id)| Entry::Recent(not_after, id));
        let fixed = [Entry::Tip, Entry::Federation, Entry::Catalogue, Entry::Recognition];
        let all = fixed.into_iter().chain(directories).chain(series).chain(recent);
        all.filter_map(|entry| Some((entry.key(), self.value(&entry)?)))
            .collect()
    }

    fn value(&self, entry: &Entry) -> Option<Vec<u8>> {
        match entry {
            Entry::Tip => Some(codec::to_vec(&TipEntry {
                height: self.tip.height,
                time: self.tip.time,
                hash: self.tip.hash,
                history: self.history.clone(),
            })),
            Entry::Federation => self.document(&SectionName::Federation),
            Entry::Catalogue => self.document(&SectionName::Catalogue),
            Entry::Recognition => self.document(&SectionName::Recognition),
            Entry::Directory(region) => self.document(&SectionName::Directory(region.clone())),
            Entry::SeriesStatus(series) => self.series_status(*series).map(codec::to_vec),
            Entry::Recent(not_after, id) => self.recent.contains(*not_after, id).then(Vec::new),
        }
    }

    /// The state that `entries` hold, in any order. Who calls compares [`LedgerState::root`] with a sealed header.
    ///
    /// # Errors
    /// Entries that cannot be read or do not belong together.
    pub fn restore(
        charter: Charter,
        entries: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, EntryError> {
        let mut state = Self::genesis(charter)?;
        let mut statuses: BTreeMap<SeriesId, SeriesStatus> = BTreeMap::new();
        let mut tip = None;
        for (key, value) in entries {
            match Entry::from_key(&key).ok_or(EntryError::Incomplete)? {
                Entry::Tip => tip = Some(codec::from_slice::<TipEntry>(&value, MAX_SECTION)?),
                Entry::Federation => {
                    state.federation = Arc::new(codec::from_slice::<Federation>(&value, MAX_SECTION)?);
                }
                Entry::Catalogue => state.catalogue = Arc::new(codec::from_slice::<Catalogue>(&value, MAX_SECTION)?),
                Entry::Recognition => {
                    state.recognition = Arc::new(codec::from_slice::<Recognition>(&value, MAX_SECTION)?);
                }
                Entry::Directory(region) => {
                    let directory = codec::from_slice::<Directory>(&value, MAX_SECTION)?;
                    state.directories.insert_mut(region, Arc::new(directory));
                }
                Entry::SeriesStatus(series) => {
                    statuses.insert(series, codec::from_slice(&value, MAX_SECTION)?);
                }
                Entry::Recent(not_after, id) => {
                    state.recent.insert(not_after, id);
                }
            }
        }
        let tip = tip.ok_or(EntryError::Incomplete)?;
        state.tip = Tip {
            height: tip.height,
            time: tip.time,
            hash: tip.hash,
        };
        state.history = tip.history;
        state.region_set = Arc::new(state.federation.region_set_at(state.next_height())?);
        state.derive();
        for (series, status) in statuses {
            let place = state.series.get(&series).ok_or(EntryError::Incomplete)?.section();
            state.put_status(place, series, status);
        }
        state.touched.clear();
        state.hash_all();
        Ok(state)
    }

    fn derive(&mut self) {
        self.derived = Derived::of(self);
        for (region, directory) in &self.directories.clone() {
            for series in &directory.series {
                let place = SeriesPlace {
                    region: region.clone(),
                    kind: series.of.id.clone(),
                };
                self.series.insert_mut(series.id, place);
                self.series_keys.insert_mut(series.key, series.id);
            }
        }
    }
}
