//! What changed between two heights: with the bundle of the lower one it makes that of the higher one, byte for byte.

use super::content::{MAX_SECTIONS, decode_section, successors};
use super::{
    BundleError, Checkpoint, Kind, MAX_BUNDLE, Packed, Section, SectionBody, Selection, SeriesEntry, TrustBundle,
};
use crate::block::{Header, Rest};
use crate::codec::{self, CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::digest::Digest;
use crate::epochs::{Handover, MAX_CHANGES};
use crate::id::SeriesId;
use crate::ledger::{Changes, LedgerState, SectionName, SectionRoot};
use crate::receipt::HashPath;
use crate::seal::Seal;
use crate::status::{MAX_GROWTH, SeriesChange, SeriesStatus};
use std::collections::BTreeMap;

/// The root that a section has now; `None` for one that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootChange {
    /// The section.
    pub name: SectionName,
    /// Its root.
    pub root: Option<Digest>,
}
wire_array!(RootChange { name, root });

/// How a section's content changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionChangeBody {
    /// The document as it is now.
    Document(Vec<u8>),
    /// The series of a status section that changed, in the order of opening.
    Status(Vec<SeriesChange>),
}

/// A section that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionChange {
    /// Which.
    pub name: SectionName,
    /// How.
    pub body: SectionChangeBody,
}

impl Wire for SectionChange {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.wire(&self.name);
        match &self.body {
            SectionChangeBody::Document(bytes) => w.bytes(bytes),
            SectionChangeBody::Status(series) => codec::encode_list(w, series),
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (name, body) = decode_section(r, SectionChangeBody::Document, SectionChangeBody::Status)?;
        Ok(Self { name, body })
    }
}

/// What changed from one height to another; nothing in it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// The block whose bundle it continues.
    pub base: Checkpoint,
    /// From that block's hash to `history_root`.
    pub path: HashPath,
    /// Which types and regions it is about.
    pub selection: Selection,
    /// Every block from the base on, below the height, after which other regions were in force, ascending.
    pub handovers: Vec<Handover>,
    /// The header.
    pub header: Header,
    /// What the header holds the digest of.
    pub rest: Rest,
    /// The seal of the block.
    pub seal: Seal,
    /// The roots that changed, of all sections, in order.
    pub roots: Vec<RootChange>,
    /// The sections that changed, of those that the selection takes, in order.
    pub sections: Vec<SectionChange>,
}
wire_array!(Delta version 1 "delta of a trust bundle" {
    base,
    path,
    selection,
    handovers: list(MAX_CHANGES),
    header,
    rest,
    seal,
    roots: list(MAX_SECTIONS),
    sections: list(MAX_SECTIONS),
});

/// To which sealed block a delta leads, from which one.
#[derive(Debug, Clone)]
pub struct Course {
    /// The block whose bundle it continues.
    pub base: Checkpoint,
    /// From that block's hash to `history_root` of the other.
    pub path: HashPath,
    /// Every block from the base on, below the height, after which other regions were in force, ascending.
    pub handovers: Vec<Handover>,
    /// The header.
    pub header: Header,
    /// What the header holds the digest of.
    pub rest: Rest,
    /// Its seal.
    pub seal: Seal,
}

impl Delta {
    /// What `changes`, from the block after the base on, come to in `state`.
    #[must_use]
    pub fn of(course: Course, selection: &Selection, changes: &Changes, state: &LedgerState) -> Self {
        let roots = state.section_roots();
        let taken = selection.names(&roots, |region| successors(state, region));
        // A succession brings a directory in, which may not have changed.
        let named = selection.named(&roots);
        let moved = changes.sections.iter().any(|name| name.directory().is_some());
        let known: BTreeMap<&SectionName, Digest> = roots.iter().map(|root| (&root.name, root.root)).collect();
        let root = |name: &SectionName| RootChange {
            name: name.clone(),
            root: known.get(name).copied(),
        };
        let carried = |name: &&SectionName| changes.sections.contains(*name) || moved && !named.contains(*name);
        Self {
            base: course.base,
            path: course.path,
            selection: selection.clone(),
            handovers: course.handovers,
            header: course.header,
            rest: course.rest,
            seal: course.seal,
            roots: changes.sections.iter().map(root).collect(),
            sections: taken
                .iter()
                .filter(carried)
                .filter_map(|name| SectionChange::of(state, name, changes))
                .collect(),
        }
    }

    /// The bytes of a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Packed::bytes_of(Kind::Delta, &codec::to_vec(self))
    }

    /// Reads a file's bytes; nothing in it is checked.
    ///
    /// # Errors
    /// Not a delta.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        match Packed::open(bytes)? {
            (Kind::Delta, content) => Self::from_content(&content),
            (Kind::State, _) => Err(BundleError::Kind("a full trust bundle")),
        }
    }

    pub(super) fn from_content(content: &[u8]) -> Result<Self, BundleError> {
        Ok(codec::from_slice(content, MAX_BUNDLE)?)
    }
}

impl SectionChange {
    fn of(state: &LedgerState, name: &SectionName, changes: &Changes) -> Option<Self> {
        let body = match state.document(name) {
            Some(document) => SectionChangeBody::Document(document),
            None => {
                let section = state.status_section(name)?;
                let series = changes.series.iter().filter_map(|(series, numbers)| {
                    let status = section.series(*series)?;
                    Some(SeriesChange::of(*series, status, numbers))
                });
                SectionChangeBody::Status(series.collect())
            }
        };
        Some(Self {
            name: name.clone(),
            body,
        })
    }
}

impl TrustBundle {
    /// This bundle with a delta's changes. Nothing is checked but that the changes can be made: [`Self::check`] says
    /// whether what comes out was sealed.
    ///
    /// # Errors
    /// [`BundleError::TooMuch`], or [`BundleError::Section`] for a section that is of another kind.
    pub fn patched(&self, delta: &Delta) -> Result<Self, BundleError> {
        let mut roots: BTreeMap<&SectionName, Digest> = self.roots.iter().map(|one| (&one.name, one.root)).collect();
        for change in &delta.roots {
            match change.root {
                Some(root) => roots.insert(&change.name, root),
                None => roots.remove(&change.name),
            };
        }
        let mut sections: BTreeMap<&SectionName, SectionBody> =
            self.sections.iter().map(|one| (&one.name, one.body.clone())).collect();
        let mut room = MAX_GROWTH;
        for change in &delta.sections {
            let before = sections.remove(&change.name);
            let body = match (&change.body, before) {
                (SectionChangeBody::Document(bytes), _) => SectionBody::Document(bytes.clone()),
                (SectionChangeBody::Status(series), None) => patched(Vec::new(), series, &mut room)?,
                (SectionChangeBody::Status(series), Some(SectionBody::Status(before))) => {
                    patched(before, series, &mut room)?
                }
                (SectionChangeBody::Status(_), Some(SectionBody::Document(_))) => {
                    return Err(BundleError::Section(change.name.clone()));
                }
            };
            sections.insert(&change.name, body);
        }
        sections.retain(|name, _| roots.contains_key(*name));
        let roots = roots.into_iter().map(|(name, root)| SectionRoot {
            name: name.clone(),
            root,
        });
        let sections = sections.into_iter().map(|(name, body)| Section {
            name: name.clone(),
            body,
        });
        Ok(Self {
            selection: self.selection.clone(),
            anchors: Vec::new(),
            handovers: self.handovers.iter().chain(&delta.handovers).cloned().collect(),
            header: delta.header,
            rest: delta.rest.clone(),
            seal: delta.seal.clone(),
            roots: roots.collect(),
            sections: sections.collect(),
        })
    }
}

fn patched(before: Vec<SeriesEntry>, changes: &[SeriesChange], room: &mut u64) -> Result<SectionBody, BundleError> {
    let mut series: BTreeMap<SeriesId, SeriesStatus> =
        before.into_iter().map(|entry| (entry.series, entry.status)).collect();
    for change in changes {
        let status = series.entry(change.series).or_default();
        change.apply(status, room).map_err(|_| BundleError::TooMuch)?;
    }
    let entries = series
        .into_iter()
        .map(|(series, status)| SeriesEntry { series, status });
    Ok(SectionBody::Status(entries.collect()))
}
