//! The ledger written down once more, as plainly as it can be: what holds is looked up anew each time, every document and
//! root is made from scratch. It shares the structures of the formats with the ledger, and none of its code.

mod changes;
mod offices;
mod roots;
mod rules;
mod series;
mod shares;

use concord_spec::catalogue::TypeRef;
use concord_spec::charter::{Charter, Parameters};
use concord_spec::digest::Digest;
use concord_spec::id::{DomainId, Height, OfficeId, RegionId, SeriesId, UnixMillis};
use concord_spec::ledger::{
    BlockContext, CatalogueEntry, DomainAuthority, EvidenceEntry, LedgerState, Office, Proposal, Region, Scheduled,
    Series, Term,
};
use concord_spec::recognition::Declaration;
use concord_spec::record::{RecordId, SignedRecord, VersionChange};
use concord_spec::seal::{Member, RegionSet};
use concord_spec::vote::Place;
use std::collections::{BTreeMap, BTreeSet};

/// Accepted, or the code of the first rule that is broken.
pub(crate) type Verdict = Result<(), &'static str>;

/// Accepts what holds.
fn must(holds: bool, code: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(code) }
}

/// What a series has issued, and its sets by the codes of their kinds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    pub(crate) next: u64,
    pub(crate) sets: BTreeMap<u64, BTreeSet<u64>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Naive {
    pub(crate) charter: Charter,
    pub(crate) height: u64,
    pub(crate) blocks: Vec<Digest>,
    pub(crate) regions: BTreeMap<RegionId, Region>,
    pub(crate) domains: BTreeMap<DomainId, DomainAuthority>,
    pub(crate) parameters: Parameters,
    pub(crate) versions: Vec<VersionChange>,
    pub(crate) next_series: u32,
    pub(crate) proposals: Vec<Proposal>,
    pub(crate) scheduled: Vec<Scheduled>,
    pub(crate) evidence: BTreeMap<Place, EvidenceEntry>,
    pub(crate) types: BTreeMap<TypeRef, CatalogueEntry>,
    pub(crate) declarations: BTreeMap<(RegionId, u64), Declaration>,
    pub(crate) offices: BTreeMap<OfficeId, Office>,
    pub(crate) series: BTreeMap<SeriesId, (RegionId, Series)>,
    pub(crate) numbers: BTreeMap<SeriesId, Numbers>,
    /// Every record that was ever accepted.
    pub(crate) records: BTreeSet<RecordId>,
    /// Names of the changes that passed their vote.
    pub(crate) passed: BTreeSet<&'static str>,
}

impl Naive {
    pub(crate) fn founded(charter: Charter) -> Self {
        let founding = |card: &concord_spec::charter::CharterRegion| {
            let term = Term {
                from: Height(1),
                until: None,
                consensus_key: card.consensus_key,
                seal_key: card.seal_key.clone(),
            };
            (card.region.clone(), changes::by_card(card, vec![term]))
        };
        Self {
            regions: charter.regions.iter().map(founding).collect(),
            parameters: charter.parameters.clone(),
            charter,
            height: 0,
            blocks: Vec::new(),
            domains: BTreeMap::new(),
            versions: Vec::new(),
            next_series: 1,
            proposals: Vec::new(),
            scheduled: Vec::new(),
            evidence: BTreeMap::new(),
            types: BTreeMap::new(),
            declarations: BTreeMap::new(),
            offices: BTreeMap::new(),
            series: BTreeMap::new(),
            numbers: BTreeMap::new(),
            records: BTreeSet::new(),
            passed: BTreeSet::new(),
        }
    }

    /// Takes a record, or says which rule it breaks and stays as it was.
    pub(crate) fn apply(&mut self, record: &SignedRecord, at: &BlockContext) -> Verdict {
        let mut next = self.clone();
        next.judge(record, at)?;
        next.records.insert(record.id());
        *self = next;
        Ok(())
    }

    /// What the end of a block does: changes that are due.
    pub(crate) fn finish(&mut self, at: &BlockContext) {
        self.height = at.height.0;
        self.take_effect(at.height.0 + 1, at);
    }

    /// The regions in force at a height.
    pub(crate) fn in_force_at(&self, height: u64) -> Vec<&Region> {
        self.regions
            .values()
            .filter(|region| term_at(region, height).is_some())
            .collect()
    }

    pub(crate) fn region_set(&self, height: u64) -> RegionSet {
        let member = |region: &&Region| {
            let term = term_at(region, height).unwrap();
            Member {
                region: region.region.clone(),
                consensus_key: term.consensus_key,
                seal_key: term.seal_key.clone(),
            }
        };
        RegionSet::new(self.in_force_at(height).iter().map(member).collect()).unwrap()
    }

    /// Whose the offices of a region are.
    pub(crate) fn holder(&self, region: &RegionId) -> RegionId {
        match self.regions.get(region).and_then(|found| found.successor.as_ref()) {
            Some(successor) => self.holder(successor),
            None => region.clone(),
        }
    }

    pub(crate) fn is_member(&self, region: &RegionId, height: u64) -> bool {
        let found = self.regions.get(region);
        found.is_some_and(|found| found.removed.is_none_or(|removed| height < removed.0))
    }

    /// What differs from the ledger, section by section.
    pub(crate) fn assert_same(&self, state: &LedgerState, time: UnixMillis) {
        let ours = self.section_roots();
        let theirs: BTreeMap<String, Digest> = state
            .section_roots()
            .into_iter()
            .map(|section| (section.name.to_string(), section.root))
            .collect();
        for (name, root) in &ours {
            assert_eq!(
                theirs.get(name),
                Some(root),
                "section {name} at height {} ({time})",
                self.height
            );
        }
        assert_eq!(theirs.len(), ours.len(), "sections");
        assert_eq!(state.root(), self.root(), "root at height {}", self.height);
        assert_eq!(
            **state.region_set(),
            self.region_set(self.height + 1),
            "regions of the next block"
        );
    }
}

/// The term of a region that covers a height.
pub(crate) fn term_at(region: &Region, height: u64) -> Option<&Term> {
    let covers = |term: &&Term| term.from.0 <= height && term.until.is_none_or(|until| height < until.0);
    region.terms.iter().find(covers)
}
