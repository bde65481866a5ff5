//! The sections of the state and their documents (DESIGN 4.5).
//!
//! A section is one CBOR document whose root is its tagged SHA-256, except status: a tree over its series in the order
//! they were opened. `state_root` is the RFC 9162 tree over `[name, root]`, sorted by name.

use crate::catalogue::{Label, MAX_LABELS, TypeDefinition, TypeRef};
use crate::charter::{CharterRegion, Parameters};
use crate::codec::{self, CodecError, Reader, Wire, Writer, fields::wire_array};
use crate::digest::{Digest, Tag, leaf_hash};
use crate::id::{Height, OfficeCode, RegionId, SeriesId, TypeId};
use crate::key::ed25519::PublicKey;
use crate::key::keyring::Keyring;
use crate::merkle;
use crate::seal::MAX_REGIONS;

/// Most bytes of one section's document.
pub const MAX_SECTION: usize = 256 << 20;
/// Most types of the catalogue, offices of a region, and series of a region.
const MAX_ENTRIES: usize = 1 << 22;

/// Section `federation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Federation {
    /// The regions in force, by ascending code.
    pub regions: Vec<CharterRegion>,
    /// The parameters in force.
    pub parameters: Parameters,
    /// The id that the next series gets.
    pub next_series: SeriesId,
}
wire_array!(Federation version 1 "federation" { regions: list(MAX_REGIONS), parameters, next_series });

impl Federation {
    /// A region in force.
    #[must_use]
    pub fn region(&self, id: &RegionId) -> Option<&CharterRegion> {
        self.regions.iter().find(|region| region.region == *id)
    }
}

/// Section `catalogue`: every version of every type, by type and version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// The definitions, ascending by type and version.
    pub types: Vec<TypeDefinition>,
}
wire_array!(Catalogue version 1 "catalogue" { types: list(MAX_ENTRIES) });

impl Catalogue {
    /// The definition of a version of a type.
    #[must_use]
    pub fn get(&self, reference: &TypeRef) -> Option<&TypeDefinition> {
        let found = self
            .types
            .binary_search_by(|known| known.reference.cmp(reference))
            .ok()?;
        self.types.get(found)
    }

    /// The highest version of a type, 0 when there is none.
    #[must_use]
    pub fn latest_version(&self, id: &TypeId) -> u16 {
        let versions = self.types.iter().filter(|known| known.reference.id == *id);
        versions.map(|known| known.reference.version.0).max().unwrap_or(0)
    }

    /// Puts a definition in its place.
    pub(crate) fn insert(&mut self, definition: TypeDefinition) {
        let place = self
            .types
            .partition_point(|known| known.reference < definition.reference);
        self.types.insert(place, definition);
    }
}

/// An office as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Its code within the region.
    pub code: OfficeCode,
    /// Its name by language.
    pub labels: Vec<Label>,
    /// The keyring that speaks for it.
    pub keyring: Keyring,
    /// The types it may issue, ascending.
    pub types: Vec<TypeId>,
    /// How many minutes its clocks are ahead of UTC.
    pub utc_offset_minutes: i64,
    /// Height of its registration.
    pub since: Height,
}
wire_array!(Office {
    code,
    labels: list(MAX_LABELS),
    keyring,
    types: list(64),
    utc_offset_minutes,
    since,
});

/// A series as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Its id, unique on the ledger.
    pub id: SeriesId,
    /// The office.
    pub office: OfficeCode,
    /// The type and version of its credentials.
    pub of: TypeRef,
    /// The desk.
    pub desk: String,
    /// The key that signs its credentials.
    pub key: PublicKey,
    /// Height at which it was opened.
    pub since: Height,
    /// Height at which it was frozen.
    pub frozen: Option<Height>,
}
wire_array!(Series {
    id,
    office,
    of,
    desk: text(64),
    key,
    since,
    frozen
});

/// Section `directory/<region>`: offices and series of a region.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// The offices by ascending code.
    pub offices: Vec<Office>,
    /// The series by ascending id.
    pub series: Vec<Series>,
}
wire_array!(Directory version 1 "directory" { offices: list(MAX_ENTRIES), series: list(MAX_ENTRIES) });

impl Directory {
    /// An office of the region.
    #[must_use]
    pub fn office(&self, code: &OfficeCode) -> Option<&Office> {
        let found = self.offices.binary_search_by(|office| office.code.cmp(code)).ok()?;
        self.offices.get(found)
    }

    /// A series of the region.
    #[must_use]
    pub fn series(&self, id: SeriesId) -> Option<&Series> {
        let found = self.series.binary_search_by(|series| series.id.cmp(&id)).ok()?;
        self.series.get(found)
    }

    pub(crate) fn insert_office(&mut self, office: Office) {
        let place = self.offices.partition_point(|known| known.code < office.code);
        self.offices.insert(place, office);
    }

    pub(crate) fn freeze(&mut self, id: SeriesId, at: Height) {
        if let Some(series) = self.series.iter_mut().find(|series| series.id == id) {
            series.frozen = Some(at);
        }
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
