//! How much of a section its owners may fill: counted anew from all there is.

use super::{Naive, Verdict, must};
use concord_spec::catalogue::TypeDefinition;
use concord_spec::codec::{self, Wire};
use concord_spec::id::{OfficeId, RegionId};
use concord_spec::ledger::Office;
use concord_spec::recognition::Terms;
use concord_spec::record::Change;

const FULL: &str = "SECTION_FULL";

fn bytes<T: Wire>(of: &T) -> usize {
    codec::to_vec(of).len()
}

/// Bytes of a list: its head has one byte, from 24 items on two, from 256 on three.
fn listed<T: Wire>(items: &[T]) -> usize {
    let head = match items.len() {
        0..=23 => 1,
        24..=255 => 2,
        _ => 3,
    };
    head + items.iter().map(bytes).sum::<usize>()
}

pub(crate) fn of_office(office: &Office) -> usize {
    listed(&office.names) + bytes(&office.keyring) + bytes(&office.scope) + listed(&office.delegations) + 256
}

impl Naive {
    pub(super) fn type_fits(&self, owner: &str, body: &TypeDefinition) -> Verdict {
        let known = self.types.values().map(|entry| &entry.definition);
        let own = known.filter(|known| known.reference.id.owner() == Some(owner));
        let all = own.chain([body]).map(|definition| bytes(definition) + 32);
        must(all.sum::<usize>() <= 512_000, FULL)
    }

    pub(super) fn declaration_fits(&self, region: &RegionId, terms: &Terms) -> Verdict {
        let known = self.declarations.values().filter(|known| known.recogniser == *region);
        let all = known
            .map(|known| &known.terms)
            .chain([terms])
            .map(|terms| bytes(terms) + 64);
        must(all.sum::<usize>() <= 640_000, FULL)
    }

    pub(super) fn proposal_fits(&self, region: &RegionId, change: &Change) -> Verdict {
        let open = self.proposals.iter().filter(|known| known.proposer == *region);
        let all = open.map(|known| &known.change).chain([change]).map(bytes);
        must(all.sum::<usize>() <= 32_768, FULL)
    }

    /// Who was registered by the region, above an office.
    fn top(&self, id: &OfficeId) -> OfficeId {
        match &self.offices[id].parent {
            Some(parent) => self.top(&OfficeId::new(id.region.clone(), parent.clone())),
            None => id.clone(),
        }
    }

    /// What is charged to the offices and series of a directory that stand below one of these.
    fn charged(&self, region: &RegionId, below: impl Fn(&OfficeId) -> bool) -> usize {
        let own = |id: &OfficeId| id.region == *region && below(&self.top(id));
        let offices = self.offices.iter().filter(|(id, _)| own(id));
        let series = self.series.values().filter(|(stands_in, series)| {
            *stands_in == *region && own(&OfficeId::new(region.clone(), series.office.clone()))
        });
        offices.map(|(_, office)| of_office(office)).sum::<usize>() + 256 * series.count()
    }

    /// That a directory is not too full after something was put below an office, or into it.
    pub(super) fn directory_fits(&self, changed: &OfficeId) -> Verdict {
        let top = self.top(changed);
        must(self.charged(&changed.region, |id| *id == top) <= 16 << 20, FULL)?;
        must(self.charged(&changed.region, |_| true) <= 64 << 20, FULL)
    }
}
