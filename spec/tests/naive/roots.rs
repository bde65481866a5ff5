//! Sections and roots, from scratch.

use super::Naive;
use concord_spec::codec::{self, Wire, Writer};
use concord_spec::digest::{Digest, Tag, leaf_hash};
use concord_spec::id::SeriesId;
use concord_spec::ledger::{Catalogue, Directory, Federation};
use concord_spec::merkle;
use concord_spec::recognition::Recognition;
use concord_spec::status::Chunk;
use std::collections::{BTreeMap, BTreeSet};

impl Naive {
    /// The roots of all sections by name.
    pub(crate) fn section_roots(&self) -> BTreeMap<String, Digest> {
        let mut roots = BTreeMap::from([
            ("catalogue".to_owned(), document(&self.catalogue())),
            ("charter".to_owned(), document(&self.charter)),
            ("federation".to_owned(), document(&self.federation())),
            ("recognition".to_owned(), document(&self.recognition())),
        ]);
        for region in self.regions.keys() {
            let offices = self.offices.iter().filter(|(id, _)| id.region == *region);
            let series = self.series.values().filter(|(stands_in, _)| stands_in == region);
            let directory = Directory {
                offices: offices.map(|(_, office)| office.clone()).collect(),
                series: series.map(|(_, series)| series.clone()).collect(),
            };
            roots.insert(format!("directory/{region}"), document(&directory));
        }
        let mut leaves: BTreeMap<String, Vec<Digest>> = BTreeMap::new();
        for (id, (region, series)) in &self.series {
            let name = format!("status/{}/{region}", series.of.id);
            leaves.entry(name).or_default().push(self.status_leaf(*id));
        }
        roots.extend(leaves.into_iter().map(|(name, leaves)| (name, merkle::root(&leaves))));
        roots
    }

    /// The tree over `[name, root]`, by ascending name.
    pub(crate) fn root(&self) -> Digest {
        let leaf = |(name, root): (String, Digest)| {
            let mut w = Writer::new();
            w.array(2);
            w.text(&name);
            w.wire(&root);
            leaf_hash(&w.into_vec())
        };
        merkle::root(&self.section_roots().into_iter().map(leaf).collect::<Vec<_>>())
    }

    fn catalogue(&self) -> Catalogue {
        Catalogue {
            types: self.types.values().cloned().collect(),
        }
    }

    fn recognition(&self) -> Recognition {
        Recognition {
            declarations: self.declarations.values().cloned().collect(),
        }
    }

    fn federation(&self) -> Federation {
        Federation {
            regions: self.regions.values().cloned().collect(),
            domains: self.domains.values().cloned().collect(),
            parameters: self.parameters.clone(),
            versions: self.versions.clone(),
            next_series: SeriesId(self.next_series),
            proposals: self.proposals.clone(),
            scheduled: self.scheduled.clone(),
            evidence: self.evidence.values().cloned().collect(),
        }
    }

    fn status_leaf(&self, id: SeriesId) -> Digest {
        let numbers = &self.numbers[&id];
        let mut w = Writer::new();
        w.array(7);
        w.wire(&id);
        w.uint(numbers.next);
        for code in 1..=5 {
            let set = numbers.sets.get(&code).filter(|set| !set.is_empty());
            match set {
                None => w.null(),
                Some(set) => {
                    let chunks = chunks(set);
                    w.array(2);
                    w.uint(u64::try_from(chunks.len()).unwrap());
                    w.wire(&merkle::root(&chunks));
                }
            }
        }
        leaf_hash(&w.into_vec())
    }
}

/// Leaves of a set: chunks of 4,096 numbers up to the last that is not empty.
fn chunks(set: &BTreeSet<u64>) -> Vec<Digest> {
    let last = set.last().unwrap() / 4_096;
    let chunk = |index: u64| {
        let mut chunk = Chunk::empty();
        for number in set.range(index * 4_096..(index + 1) * 4_096) {
            chunk.set(u16::try_from(number % 4_096).unwrap(), true);
        }
        leaf_hash(&chunk.encode())
    };
    (0..=last).map(chunk).collect()
}

fn document<T: Wire>(of: &T) -> Digest {
    Tag::Section.digest(&[&codec::to_vec(of)])
}
