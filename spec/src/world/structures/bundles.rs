//! Structures of trust bundles: states, deltas, and what a node keeps to make them.

use super::{Samples, Structure, wire};
use crate::bundle::{
    Anchor, Checkpoint, Delta, Kind, MAX_BUNDLE, Packed, RootChange, Section, SectionChange, SectionChangeBody,
    Selection, TrustBundle,
};
use crate::codec;
use crate::digest::Digest;
use crate::epochs::Handover;
use crate::id::{Height, SeriesId};
use crate::ledger::{MAX_TOUCHED, SectionName, Touched};
use crate::status::{CHUNK_NUMBERS, Numbers, SeriesChange, SetChange, StatusKind, StatusSet, WholeChunk};
use crate::world::WorldError;
use std::collections::BTreeSet;

impl Samples {
    pub(super) fn bundles(&self) -> Result<Vec<Structure>, WorldError> {
        let (founding, seal) = self.world.blocks.first().ok_or("no block")?;
        let handover = Handover {
            header: founding.header,
            rest: founding.rest.clone(),
            seal: seal.clone(),
        };
        let one_type = BTreeSet::from([self.world.type_ref().id]);
        let one_region = BTreeSet::from([self.world.region()?]);
        let chosen = Selection::of(Some(one_type), Some(one_region)).ok_or("a selection of two")?;
        let full = self.world.full_bundle()?;
        let anchor = self.world.anchor(Height(2))?;
        let handed = TrustBundle {
            handovers: vec![handover.clone()],
            anchors: vec![anchor.clone()],
            ..full.select(&chosen)
        };
        let delta = self.world.delta(Height(2), &Selection::all())?;
        let roots = delta.roots.iter().cloned().chain([RootChange {
            name: SectionName::Directory(self.world.region()?),
            root: None,
        }]);
        let packed = [
            Packed::of(Kind::Delta, &codec::to_vec(&delta)),
            Packed::of(Kind::State, &[]),
        ];
        Ok(vec![
            wire!(Section, MAX_BUNDLE, full.sections.clone()),
            wire!(Selection, MAX_BUNDLE, [chosen, Selection::all()]),
            wire!(Anchor, MAX_BUNDLE, [anchor]),
            wire!(TrustBundle, MAX_BUNDLE, [full, handed]),
            wire!(RootChange, MAX_BUNDLE, roots),
            wire!(SectionChange, MAX_BUNDLE, delta.sections.iter().cloned()),
            wire!(
                Delta,
                MAX_BUNDLE,
                [
                    Delta {
                        handovers: vec![handover],
                        ..delta.clone()
                    },
                    delta.clone()
                ]
            ),
            wire!(Kind, MAX_BUNDLE, Kind::ALL.iter().copied()),
            wire!(Packed, MAX_BUNDLE, packed),
            wire!(
                Checkpoint,
                MAX_BUNDLE,
                [Checkpoint {
                    height: Height(70_000),
                    hash: Digest([5; 32])
                }]
            ),
        ])
    }

    pub(super) fn changed(&self) -> Result<Vec<Structure>, WorldError> {
        let mut set = StatusSet::new();
        set.insert_range(3, 1);
        set.insert_range(u64::from(CHUNK_NUMBERS).saturating_mul(2), 3_000);
        let change = SetChange::of(&set, [(3, 2), (8_192, 4_096)]);
        let whole: Vec<WholeChunk> = change.whole.clone();
        let series = SeriesChange {
            series: SeriesId(7),
            next: 20_000,
            sets: StatusKind::ALL.map(|kind| {
                if kind == StatusKind::Suspended {
                    change.clone()
                } else {
                    SetChange::default()
                }
            }),
        };
        let delta = self.world.delta(Height(2), &Selection::all())?;
        let of_world = delta.sections.into_iter().filter_map(|section| match section.body {
            SectionChangeBody::Status(series) => series.into_iter().next(),
            SectionChangeBody::Document(_) => None,
        });
        let touched: Vec<Touched> = self.world.touched.clone();
        let numbers = touched.iter().flat_map(|one| one.numbers.clone()).take(2);
        let numbers = numbers.collect::<Vec<_>>();
        Ok(vec![
            wire!(
                Numbers,
                MAX_BUNDLE,
                [Numbers::default(), Numbers::of([0]), Numbers::of([5, 900, 70_000])]
            ),
            wire!(WholeChunk, MAX_BUNDLE, whole),
            wire!(SetChange, MAX_BUNDLE, [change]),
            wire!(SeriesChange, MAX_BUNDLE, [series].into_iter().chain(of_world)),
            wire!(crate::ledger::TouchedNumbers, MAX_TOUCHED, numbers),
            wire!(Touched, MAX_TOUCHED, touched),
        ])
    }
}
