//! The ledger beside a plain one, over generated sequences of records, valid and not: the same verdicts, the same roots, and
//! what must hold whatever happens.
//!
//! `CONCORD_PROPERTY_SEED` and `CONCORD_PROPERTY_RUNS` choose other sequences and more of them, `CONCORD_PROPERTY_SHRINKS` how
//! long a failing one is made shorter.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    reason = "a test that cannot go on has failed, and a plain model is written as plainly as can be"
)]

#[path = "properties/dice.rs"]
mod dice;
#[path = "properties/federal.rs"]
mod federal;
#[path = "properties/local.rs"]
mod local;
mod naive;
#[path = "properties/players.rs"]
mod players;
#[path = "properties/run.rs"]
mod run;
mod scene;

use concord_spec::ledger::Rejection;
use concord_spec::record::{Action, Change};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use run::{Coverage, Run, Start};
use std::cell::RefCell;
use std::collections::BTreeSet;

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        8 => (1_usize..=4).prop_map(Start::Founded),
        1 => Just(Start::NearlyFull),
        1 => Just(Start::ManyDeclarations),
        1 => Just(Start::LittleRoom),
    ]
}

/// A seed for each block. Fewer blocks are simpler; another seed is not.
fn blocks() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>().no_shrink(), 20..140)
}

fn missing(all: impl IntoIterator<Item = &'static str>, seen: &BTreeSet<&'static str>) -> Vec<&'static str> {
    all.into_iter().filter(|name| !seen.contains(name)).collect()
}

#[test]
fn the_ledger_does_what_a_plain_one_does_and_nothing_ever_breaks_its_promises() {
    let seed = number_from("CONCORD_PROPERTY_SEED", 20_260_101);
    let runs = u32::try_from(number_from("CONCORD_PROPERTY_RUNS", 48)).unwrap();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let config = Config {
        cases: runs,
        failure_persistence: None,
        max_shrink_iters: u32::try_from(number_from("CONCORD_PROPERTY_SHRINKS", 200)).unwrap(),
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let total = RefCell::new(Coverage::default());
    let outcome = runner.run(&(start(), blocks()), |(start, seeds)| {
        let mut run = Run::new(start);
        for seed in seeds {
            if !run.play(seed) {
                break;
            }
        }
        let mut total = total.borrow_mut();
        total.blocks += run.coverage.blocks;
        total.changes.extend(&run.coverage.changes);
        total.statuses.extend(run.coverage.statuses);
        for (name, count) in run.coverage.actions {
            *total.actions.entry(name).or_default() += count;
        }
        for (code, count) in run.coverage.rejections {
            *total.rejections.entry(code).or_default() += count;
        }
        Ok(())
    });
    if let Err(TestError::Fail(why, (start, seeds))) = &outcome {
        panic!("seed {seed}: from {start:?} with blocks {seeds:?}: {why}");
    }
    outcome.unwrap();
    covered_everything(&total.into_inner(), seed, runs);
}

/// Prints the share of what came up, which must be all.
fn covered_everything(total: &Coverage, seed: u64, runs: u32) {
    let actions: BTreeSet<&str> = total.actions.keys().copied().collect();
    let rejections: BTreeSet<&str> = total.rejections.keys().copied().collect();
    println!("seed {seed}: {runs} runs, {} blocks", total.blocks);
    println!(
        "actions accepted: {} of {}: {:?}",
        actions.len(),
        Action::KINDS.len(),
        total.actions
    );
    println!(
        "changes passed: {} of {}: {:?}",
        total.changes.len(),
        Change::KINDS.len(),
        total.changes
    );
    println!(
        "rejections: {} of {}: {:?}",
        rejections.len(),
        Rejection::CODES.len(),
        total.rejections
    );
    let names = |kinds: &[(u64, &'static str)]| kinds.iter().map(|(_, name)| *name).collect::<Vec<_>>();
    assert_eq!(
        missing(names(Action::KINDS), &actions),
        Vec::<&str>::new(),
        "actions that never came up"
    );
    assert_eq!(
        missing(names(Change::KINDS), &total.changes),
        Vec::<&str>::new(),
        "changes that never passed"
    );
    assert_eq!(
        missing(Rejection::CODES.iter().copied(), &rejections),
        Vec::<&str>::new(),
        "rejections that never came up"
    );
}
