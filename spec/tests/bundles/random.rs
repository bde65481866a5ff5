//! A delta makes of what is held exactly the bytes of the newer bundle, whatever happened in between.

use crate::scene::LICENCE;
use crate::story::{Dice, PERMIT, Story, selection, terms_at};
use concord_spec::bundle::{Held, Selection, TrustBundle};
use concord_spec::id::Height;
use std::collections::BTreeSet;

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

fn selections() -> Vec<Selection> {
    vec![
        Selection::all(),
        selection(Some(&[LICENCE]), None),
        selection(None, Some(&[1, 2])),
        selection(Some(&[LICENCE, PERMIT]), Some(&[1])),
        selection(Some(&[]), None),
    ]
}

#[test]
fn a_delta_makes_of_what_is_held_the_bytes_of_the_newer_bundle() {
    let seed = number_from("CONCORD_PROPERTY_SEED", 20_260_101);
    let runs = number_from("CONCORD_PROPERTY_RUNS", 12);
    let mut done = BTreeSet::new();
    let mut deltas = 0;
    for run in 0..runs {
        let mut story = Story::new(seed.wrapping_add(run));
        let mut dice = Dice(seed ^ run);
        let mut held: Vec<TrustBundle> = Vec::new();
        for _ in 0..24 {
            if dice.below(5) == 0 {
                held.push(story.world.full_bundle().unwrap());
            }
            story.step();
        }
        let chain = story.world.state.chain_id();
        let newest = story.world.full_bundle().unwrap();
        for before in held.iter().filter(|held| held.header.height < newest.header.height) {
            for selection in selections() {
                let device = Held::open(&before.select(&selection).to_bytes(), &chain).unwrap();
                let delta = story.world.delta(before.header.height, &selection).unwrap();
                let after = device.update(&delta.to_bytes(), &terms_at(&story.world));
                let after = after.unwrap_or_else(|why| {
                    panic!(
                        "seed {seed}, run {run}, from {}, {selection:?}: {why}",
                        before.header.height
                    )
                });
                assert_eq!(
                    after.to_bytes(),
                    newest.select(&selection).to_bytes(),
                    "seed {seed}, run {run}, from {}, {selection:?}",
                    before.header.height
                );
                deltas += 1;
            }
        }
        done.extend(story.done);
    }
    println!("seed {seed}: {runs} runs, {deltas} deltas; came up: {done:?}");
    let all = [
        "admit region",
        "annotate",
        "annul",
        "freeze",
        "issue",
        "open",
        "recognise",
        "register",
        "reinstate",
        "reinstate region",
        "restore",
        "revoke",
        "suspend",
        "suspend region",
    ];
    assert_eq!(done.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn steps_in_between_lead_to_the_same_bytes_as_one_delta() {
    let mut story = Story::new(7);
    let chain = story.world.state.chain_id();
    let start = story.world.bundle().unwrap();
    let from = story.world.state.tip().height;
    let mut stepwise = Held::open(&start, &chain).unwrap();
    for _ in 0..6 {
        story.step();
        let delta = story.world.delta(stepwise.point().height, &Selection::all()).unwrap();
        stepwise = stepwise.update(&delta.to_bytes(), &terms_at(&story.world)).unwrap();
    }
    let delta = story.world.delta(from, &Selection::all()).unwrap();
    let at_once = Held::open(&start, &chain).unwrap();
    let at_once = at_once.update(&delta.to_bytes(), &terms_at(&story.world)).unwrap();
    assert_eq!(at_once.to_bytes(), stepwise.to_bytes());
    assert_eq!(at_once.to_bytes(), story.world.bundle().unwrap());
    assert!(at_once.point().height > Height(6));
}
