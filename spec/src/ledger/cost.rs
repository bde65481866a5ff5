//! What a block costs, counted in bytes hashed: what it touches, and not what else there is.

use super::{CheckEach, Directory, LedgerState, Limits, SectionName, Series};
use crate::block::Block;
use crate::digest::meter::hashed_by;
use crate::id::{RegionId, SeriesId, UnixMillis};
use crate::record::SignedRecord;
use crate::world::World;
use std::sync::Arc;

/// A world whose second region has so many series in its directory.
fn world(series_elsewhere: u32) -> World {
    let mut world = World::with_series(2, "cost").unwrap();
    let region = world.region().unwrap();
    let sample = world.state.directory(&region).unwrap().series[0].clone();
    let series = (0..series_elsewhere).map(|index| Series {
        id: SeriesId(1_000 + index),
        ..sample.clone()
    });
    let directory = Directory {
        offices: Vec::new(),
        series: series.collect(),
    };
    world.state.directories.insert_mut(elsewhere(), Arc::new(directory));
    world.state.hash_all();
    world
}

fn elsewhere() -> RegionId {
    RegionId::new("120000").unwrap()
}

fn draft(state: &LedgerState, records: Vec<SignedRecord>) -> (Block, LedgerState) {
    let proposer = state.region_set().members()[0].region.clone();
    let time = UnixMillis(state.tip().time.0 + 1_000);
    let records = records.into_iter().map(Arc::new);
    let draft = state.draft(time, &proposer, records, Limits::default(), &CheckEach);
    assert!(draft.refused.is_empty(), "{:?}", draft.refused);
    (draft.block, draft.state)
}

#[test]
fn a_block_that_touches_one_regions_directory_does_not_hash_the_others_again() {
    let freezing = |world: &mut World| {
        let freeze = crate::record::Action::FreezeSeries(SeriesId(1));
        let record = world.by_office(freeze).unwrap();
        let ((block, _), drafted) = hashed_by(|| draft(&world.state, vec![record]));
        let (_, judged) = hashed_by(|| world.state.advance(&block, &CheckEach).unwrap());
        let others = world.state.document(&SectionName::Directory(elsewhere())).unwrap();
        (drafted, judged, others.len())
    };
    let (few, many) = (freezing(&mut world(10)), freezing(&mut world(100_000)));
    assert!(many.2 > 5_000_000 && many.2 > few.2 * 1_000, "{few:?} {many:?}");
    assert_eq!((few.0, few.1), (many.0, many.1), "bytes hashed to draft and to judge");
    assert!(few.0 < 10_000, "{few:?}");
    // The count itself sees a directory that is hashed.
    let (_, all) = hashed_by(|| world(100_000));
    assert!(all > 5_000_000, "{all}");
}

#[test]
fn what_an_issue_hashes_does_not_grow_with_the_directories() {
    let issuing = |mut world: World| {
        let (_, record) = world.batch(1).unwrap();
        hashed_by(|| draft(&world.state, vec![record])).1
    };
    assert_eq!(issuing(world(10)), issuing(world(100_000)));
}
