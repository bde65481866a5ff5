//! The sections of the state and their documents (DESIGN 4.5).
//!
//! A section is one CBOR document whose root is its tagged SHA-256, except status: a tree over its series in the order
//! they were opened. `state_root` is the RFC 9162 tree over `[name, root]`, sorted by name.

use crate::catalogue::{TypeDefinition, TypeRef};
use crate::codec::{self, CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::digest::{Digest, Tag, leaf_hash};
use crate::id::{Height, RegionId, TypeId};
use crate::merkle;

/// Most bytes of one section's document.
pub const MAX_SECTION: usize = 256 << 20;
/// Most types of the catalogue, offices of a region, and series of a region.
pub(super) const MAX_ENTRIES: usize = 1 << 22;

/// A version of a type on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// What it is.
    pub definition: TypeDefinition,
    /// Height of its definition.
    pub since: Height,
    /// Height from which nothing of it is issued any more.
    pub closed: Option<Height>,
}
wire_array!(CatalogueEntry {
    definition,
    since,
    closed
});

/// Section `catalogue`: every version of every type, by type and version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// The entries, ascending by type and version.
    pub types: Vec<CatalogueEntry>,
}
wire_array!(Catalogue version 1 "catalogue" { types: list(MAX_ENTRIES) });

impl Catalogue {
    /// The entry of a version of a type.
    #[must_use]
    pub fn entry(&self, reference: &TypeRef) -> Option<&CatalogueEntry> {
        self.types.get(self.position(reference)?)
    }

    /// The definition of a version of a type.
    #[must_use]
    pub fn get(&self, reference: &TypeRef) -> Option<&TypeDefinition> {
        Some(&self.entry(reference)?.definition)
    }

    /// Every version of a type, ascending.
    #[must_use]
    pub fn versions(&self, id: &TypeId) -> &[CatalogueEntry] {
        let from = self.types.partition_point(|known| known.definition.reference.id < *id);
        let until = self.types.partition_point(|known| known.definition.reference.id <= *id);
        self.types.get(from..until).unwrap_or_default()
    }

    /// The highest version of a type, 0 when there is none.
    #[must_use]
    pub fn latest_version(&self, id: &TypeId) -> u16 {
        let last = self.versions(id).last();
        last.map_or(0, |known| known.definition.reference.version.0)
    }

    /// Puts a definition in its place.
    pub(super) fn insert(&mut self, definition: TypeDefinition, since: Height) {
        let place = self
            .types
            .partition_point(|known| known.definition.reference < definition.reference);
        let entry = CatalogueEntry {
            definition,
            since,
            closed: None,
        };
        self.types.insert(place, entry);
    }

    pub(super) fn entry_mut(&mut self, reference: &TypeRef) -> Option<&mut CatalogueEntry> {
        let found = self.position(reference)?;
        self.types.get_mut(found)
    }

    fn position(&self, reference: &TypeRef) -> Option<usize> {
        let order = |known: &CatalogueEntry| known.definition.reference.cmp(reference);
        self.types.binary_search_by(order).ok()
    }
}

/// Name of a section, in the order of `state_root`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionName {
    /// `catalogue`
    Catalogue,
    /// `charter`
    Charter,
    /// `directory/<region>`
    Directory(RegionId),
    /// `federation`
    Federation,
    /// `recognition`
    Recognition,
    /// `status/<type>/<region>`
    Status(TypeId, RegionId),
}

impl SectionName {
    /// Whose directory it is.
    #[must_use]
    pub fn directory(&self) -> Option<&RegionId> {
        match self {
            Self::Directory(region) => Some(region),
            Self::Catalogue | Self::Charter | Self::Federation | Self::Recognition | Self::Status(..) => None,
        }
    }
}

impl std::fmt::Display for SectionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Catalogue => f.write_str("catalogue"),
            Self::Charter => f.write_str("charter"),
            Self::Directory(region) => write!(f, "directory/{region}"),
            Self::Federation => f.write_str("federation"),
            Self::Recognition => f.write_str("recognition"),
            Self::Status(kind, region) => write!(f, "status/{kind}/{region}"),
        }
    }
}

impl std::str::FromStr for SectionName {
    type Err = CodecError;
    fn from_str(text: &str) -> Result<Self, CodecError> {
        let refuse = || CodecError::Invalid { what: "section name" };
        match text {
            "catalogue" => return Ok(Self::Catalogue),
            "charter" => return Ok(Self::Charter),
            "federation" => return Ok(Self::Federation),
            "recognition" => return Ok(Self::Recognition),
            _ => {}
        }
        let (head, tail) = text.split_once('/').ok_or_else(refuse)?;
        match head {
            "directory" => Ok(Self::Directory(RegionId::new(tail).map_err(|_| refuse())?)),
            "status" => {
                let (kind, region) = tail.split_once('/').ok_or_else(refuse)?;
                let kind = TypeId::new(kind).map_err(|_| refuse())?;
                Ok(Self::Status(kind, RegionId::new(region).map_err(|_| refuse())?))
            }
            _ => Err(refuse()),
        }
    }
}

impl Wire for SectionName {
    fn encode(&self, w: &mut Writer) {
        w.text(&self.to_string());
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.text(80)?.parse()
    }
}

/// A section's name and root: a leaf of `state_root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionRoot {
    /// The section.
    pub name: SectionName,
    /// Its root.
    pub root: Digest,
}
wire_array!(SectionRoot { name, root });

/// Root of a section that is one document.
#[must_use]
pub fn document_root(document: &[u8]) -> Digest {
    Tag::Section.digest(&[document])
}

/// RFC 9162 root over the sections, which must be sorted by name.
#[must_use]
pub fn state_root(sections: &[SectionRoot]) -> Digest {
    let leaves: Vec<Digest> = sections
        .iter()
        .map(|section| leaf_hash(&codec::to_vec(section)))
        .collect();
    merkle::root(&leaves)
}
