//! How much of a section its owners may fill, so that none ever grows past [`MAX_SECTION`] (`spec/text/state.md`, `adr/0061`).
//!
//! What is charged leaves room for what may be added later: nothing is ever too full to be closed, frozen or suspended.

use super::directory::Office;
use super::federation::{MAX_EVIDENCE_OF_REGION, MAX_PROPOSALS, MAX_SCHEDULED, MAX_VERSIONS};
use super::sections::{MAX_SECTION, SectionName};
use super::{LedgerState, Rejection};
use crate::catalogue::TypeDefinition;
use crate::codec::{self, Writer};
use crate::id::{OfficeId, RegionId};
use crate::recognition::Terms;
use crate::seal::MAX_REGIONS;

/// Most regions that are or were members: of the 1,024 that the format has room for.
pub const MAX_REGIONS_EVER: usize = 384;
/// Most domain authorities.
pub const MAX_DOMAINS: usize = 127;
/// Most terms of a region's node.
pub const MAX_TERMS_OF_REGION: usize = 512;
/// Bytes of section `catalogue` that the types of one owner may fill.
pub const CATALOGUE_OF_OWNER: usize = 512_000;
/// Bytes of section `recognition` that the declarations of one region may fill.
pub const RECOGNITION_OF_REGION: usize = 640_000;
/// Bytes of section `federation` that the changes in the open proposals of one region may fill.
pub const PROPOSALS_OF_REGION: usize = 32_768;
/// Bytes of `directory/<region>` that its offices and series may fill.
pub const DIRECTORY_OF_REGION: usize = 64 << 20;
/// Bytes of `directory/<region>` that an office which the region registered may fill, with all below it.
pub const DIRECTORY_OF_BRANCH: usize = 16 << 20;

/// Charged for a type beside its definition: heights and framing.
const TYPE: usize = 32;
/// Charged for a declaration beside its terms: who, number, heights, withdrawal, framing.
const DECLARATION: usize = 64;
/// Charged for an office beside its names, keyring, scope and delegations: codes, heights, succession, framing.
const OFFICE: usize = 256;
/// Charged for a series, whatever its desk.
pub(super) const SERIES: usize = 256;

const _: () = {
    // What stands around the entries of a section: version and counts.
    const FRAME: usize = 64;
    const OWNERS: usize = MAX_REGIONS_EVER + MAX_DOMAINS + 1;
    assert!(OWNERS * CATALOGUE_OF_OWNER + FRAME <= MAX_SECTION);
    assert!(MAX_REGIONS_EVER * RECOGNITION_OF_REGION + FRAME <= MAX_SECTION);
    assert!(DIRECTORY_OF_REGION + FRAME <= MAX_SECTION && DIRECTORY_OF_BRANCH <= DIRECTORY_OF_REGION);
    // A term has at most 160 bytes; names, two keyrings, addresses and observers of a region 32 KiB; beside its change, a
    // proposal has two lists of at most 256 regions of 14 bytes; a proof, a domain authority and a version less than here.
    const REGIONS: usize = MAX_REGIONS_EVER * (MAX_TERMS_OF_REGION * 160 + (32 << 10));
    const PROPOSALS: usize = MAX_REGIONS_EVER * PROPOSALS_OF_REGION + MAX_PROPOSALS * (2 * MAX_REGIONS * 14 + 128);
    const SCHEDULED: usize = MAX_SCHEDULED * (PROPOSALS_OF_REGION + 16);
    const OTHERS: usize = MAX_REGIONS_EVER * MAX_EVIDENCE_OF_REGION * 128 + MAX_DOMAINS * 4_096 + MAX_VERSIONS * 32;
    assert!(REGIONS + PROPOSALS + SCHEDULED + OTHERS + FRAME <= MAX_SECTION);
};

/// What a definition is charged.
pub(super) fn of_type(definition: &TypeDefinition) -> usize {
    codec::to_vec(definition).len().saturating_add(TYPE)
}

/// What a declaration is charged.
pub(super) fn of_declaration(terms: &Terms) -> usize {
    codec::to_vec(terms).len().saturating_add(DECLARATION)
}

/// What an office is charged.
pub(super) fn of_office(office: &Office) -> usize {
    let mut w = Writer::new();
    codec::encode_list(&mut w, &office.names);
    w.wire(&office.keyring);
    w.wire(&office.scope);
    codec::encode_list(&mut w, &office.delegations);
    w.into_vec().len().saturating_add(OFFICE)
}

/// That a share has room for more.
pub(super) fn check_room(
    owner: impl ToString,
    section: SectionName,
    used: usize,
    more: usize,
    share: usize,
) -> Result<(), Rejection> {
    if used.saturating_add(more) <= share {
        return Ok(());
    }
    Err(Rejection::SectionFull {
        owner: owner.to_string(),
        section,
        share,
    })
}

impl LedgerState {
    /// That an owner's types have room for another.
    pub(super) fn check_catalogue_room(&self, owner: &str, definition: &TypeDefinition) -> Result<(), Rejection> {
        let (used, more) = (self.derived.types_of(owner), of_type(definition));
        check_room(owner, SectionName::Catalogue, used, more, CATALOGUE_OF_OWNER)
    }

    /// That a region's declarations have room for another.
    pub(super) fn check_recognition_room(&self, region: &RegionId, terms: &Terms) -> Result<(), Rejection> {
        let (used, more) = (self.derived.declarations_of(region), of_declaration(terms));
        check_room(region, SectionName::Recognition, used, more, RECOGNITION_OF_REGION)
    }

    /// That a directory, and the branch in which an office stands, have room for so much more.
    pub(super) fn check_directory_room(
        &self,
        region: &RegionId,
        branch: Option<&OfficeId>,
        more: usize,
    ) -> Result<(), Rejection> {
        let section = || SectionName::Directory(region.clone());
        if let Some(branch) = branch {
            let used = self.derived.branch_of(branch);
            check_room(branch, section(), used, more, DIRECTORY_OF_BRANCH)?;
        }
        let used = self.derived.directory_of(region);
        check_room(region, section(), used, more, DIRECTORY_OF_REGION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Label, MAX_LABELS};
    use crate::codec::Wire;
    use crate::id::{Height, OfficeCode, SeriesId, TypeId, TypeVersion, UnixMillis};
    use crate::ledger::{CatalogueEntry, OfficeName, Series, Succession, Term};
    use crate::recognition::{Declaration, Level, Source, Withdrawal};
    use crate::world::World;

    const LAST: Height = Height(u64::MAX);

    fn bytes<T: Wire>(of: &T) -> usize {
        codec::to_vec(of).len()
    }

    fn longest_labels() -> Vec<Label> {
        let label = Label {
            language: "x".repeat(16),
            text: "x".repeat(128),
        };
        vec![label; MAX_LABELS]
    }

    #[test]
    fn no_office_or_series_is_longer_than_what_it_is_charged_whatever_happens_to_it_later() {
        let world = World::with_series(4, "shares").unwrap();
        let region = RegionId::new("r".repeat(12)).unwrap();
        let code = OfficeCode::new("O".repeat(18)).unwrap();
        let name = OfficeName {
            from: LAST,
            labels: longest_labels(),
        };
        let office = Office {
            code: code.clone(),
            parent: Some(code.clone()),
            names: vec![name; 3],
            since: LAST,
            suspended: Some(LAST),
            closed: Some(LAST),
            succession: Some(Succession {
                to: OfficeId::new(region, code.clone()),
                at: LAST,
            }),
            ..world.state.office(&world.office().unwrap()).unwrap().clone()
        };
        assert!(bytes(&office) <= of_office(&office), "{}", bytes(&office));
        let mut of = world.type_ref();
        of.id = TypeId::new("t".repeat(48)).unwrap();
        of.version = TypeVersion(u16::MAX);
        let series = Series {
            id: SeriesId(u32::MAX),
            office: code,
            of,
            desk: "x".repeat(64),
            key: world.series_key.public(),
            since: LAST,
            frozen: Some(LAST),
            closed: Some(LAST),
        };
        assert!(bytes(&series) <= SERIES, "{}", bytes(&series));
    }

    #[test]
    fn no_type_declaration_or_term_is_longer_than_what_it_is_charged() {
        let world = World::with_series(4, "shares").unwrap();
        let entry = CatalogueEntry {
            definition: world.definition.clone(),
            since: LAST,
            closed: Some(LAST),
        };
        assert!(bytes(&entry) <= of_type(&world.definition));
        let terms = Terms {
            source: Source::All,
            kind: world.type_ref().id,
            min_version: TypeVersion(1),
            local_type: None,
            values: Vec::new(),
            level: Level::Equal,
            issued_from: None,
            issued_until: None,
            presented_from: None,
            presented_until: None,
            max_age_days: None,
            purposes: Vec::new(),
            basis: world.state.chain_id(),
        };
        let declaration = Declaration {
            recogniser: RegionId::new("r".repeat(12)).unwrap(),
            number: u64::MAX,
            terms: terms.clone(),
            since: LAST,
            withdrawn: Some(Withdrawal {
                at: LAST,
                issued_until: Some("9999-12-31".parse().unwrap()),
                presented_until: Some(UnixMillis(u64::MAX)),
            }),
        };
        assert!(bytes(&declaration) <= of_declaration(&terms));
        let Term {
            consensus_key,
            seal_key,
            ..
        } = world.state.federation().regions[0].terms[0].clone();
        let term = Term {
            from: LAST,
            until: Some(LAST),
            consensus_key,
            seal_key,
        };
        assert!(bytes(&term) <= 160, "{}", bytes(&term));
    }
}
