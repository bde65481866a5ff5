//! A ledger played from seeds, a block each, beside the plain one; what must hold after every block.

use crate::dice::Dice;
use crate::naive::Naive;
use crate::players::Players;
use crate::scene::region;
use crate::{federal, local};
use concord_spec::block::Block;
use concord_spec::codec;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, RegionId, SeriesId, UnixMillis};
use concord_spec::ledger::{BlockContext, BlockError, CheckEach, Entry, LedgerState, Limits, Rejection, standing};
use concord_spec::merkle;
use concord_spec::recognition::{Declaration, Recognition};
use concord_spec::record::{Action, Actor, SignedRecord, StatusChange, Vote};
use concord_spec::status::{SeriesStatus, Standing, StatusKind};
use concord_spec::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What came up over all runs.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// Actions of records that were accepted, and how many.
    pub(crate) actions: BTreeMap<&'static str, usize>,
    /// Changes that passed their vote.
    pub(crate) changes: BTreeSet<&'static str>,
    /// Codes with which records were refused, and how many.
    pub(crate) rejections: BTreeMap<&'static str, usize>,
    /// What happened to numbers.
    pub(crate) statuses: BTreeSet<String>,
    pub(crate) blocks: usize,
}

/// From what a run starts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// A federation of so many regions, founded just now.
    Founded(usize),
    /// One with a series that has issued all numbers but a few.
    NearlyFull,
    /// One whose first region has made all declarations but a few.
    ManyDeclarations,
    /// One whose first region has room for a few more declarations.
    LittleRoom,
}

pub(crate) struct Run {
    start: Start,
    state: LedgerState,
    naive: Naive,
    players: Players,
    kept: BTreeMap<Vec<u8>, Vec<u8>>,
    recent: Vec<SignedRecord>,
    /// How far each series was seen to issue.
    issued: BTreeMap<SeriesId, u64>,
    /// Numbers that were revoked or annulled, and not restored since.
    dead: BTreeSet<(SeriesId, u64)>,
    pub(crate) coverage: Coverage,
}

impl Run {
    pub(crate) fn new(start: Start) -> Self {
        let regions = if let Start::Founded(regions) = start {
            regions
        } else {
            3
        };
        let state = World::new(regions, "concord-test").unwrap().state;
        let naive = Naive::founded(state.charter().clone());
        let mut run = Self {
            start,
            kept: state.entries().into_iter().collect(),
            state,
            naive,
            players: Players::new(),
            recent: Vec::new(),
            issued: BTreeMap::new(),
            dead: BTreeSet::new(),
            coverage: Coverage::default(),
        };
        run.prepare(start);
        run
    }

    /// Plays a block; `false` where no block can follow.
    pub(crate) fn play(&mut self, seed: u64) -> bool {
        let mut dice = Dice::new(seed);
        let at = BlockContext {
            height: self.state.next_height(),
            time: UnixMillis(self.state.tip().time.0 + later_ms(&mut dice)),
        };
        if self.stops_for_newer_software(&at) {
            return false;
        }
        let mut candidates = Vec::new();
        for action in self.intents(&mut dice, &at) {
            candidates.push(self.players.sign(&mut dice, &self.naive, at.time, action.0, action.1));
        }
        self.spoil(&mut dice, &mut candidates);
        let (accepted, block) = self.block(&at, candidates);
        self.follow(&at, &accepted, &block);
        true
    }

    fn prepare(&mut self, start: Start) {
        if let Start::Founded(_) = start {
            return;
        }
        // Blocks until the first series is open.
        let mut seed = 0;
        while self.naive.numbers.is_empty() {
            assert!(self.play(seed), "a series opens before the versions end");
            seed += 1;
        }
        let mut entries: BTreeMap<Vec<u8>, Vec<u8>> = self.state.entries().into_iter().collect();
        if let Start::NearlyFull = start {
            let (series, numbers) = self
                .naive
                .numbers
                .first_key_value()
                .map(|(id, known)| (*id, known.clone()))
                .unwrap();
            if numbers.sets.values().any(|set| !set.is_empty()) {
                return;
            }
            let next = u64::MAX - 40;
            self.naive.numbers.get_mut(&series).unwrap().next = next;
            self.issued.insert(series, next);
            entries.insert(
                Entry::SeriesStatus(series).key(),
                codec::to_vec(&SeriesStatus::issued_up_to(next)),
            );
        } else {
            let by = region(0);
            let terms = crate::scene::terms(concord_spec::recognition::Source::All, "110000.a");
            let (count, terms) = match start {
                Start::LittleRoom => (20, federal::long_terms(terms, 31_700)),
                _ => (4_090, terms),
            };
            for number in 1..=count {
                let declaration = Declaration {
                    recogniser: by.clone(),
                    number,
                    terms: terms.clone(),
                    since: Height(1),
                    withdrawn: None,
                };
                self.naive.declarations.insert((by.clone(), number), declaration);
            }
            let declarations = self.naive.declarations.values().cloned().collect();
            entries.insert(Entry::Recognition.key(), codec::to_vec(&Recognition { declarations }));
        }
        self.state = LedgerState::restore(self.state.charter().clone(), entries.clone()).unwrap();
        self.kept = entries;
        self.naive.assert_same(&self.state, self.state.tip().time);
    }

    /// Where a version is in force that this software does not know, no block follows, and both say from when.
    fn stops_for_newer_software(&self, at: &BlockContext) -> bool {
        let ends = self
            .naive
            .end_of_known_versions()
            .is_some_and(|from| from <= at.height.0);
        assert_eq!(
            self.state.needs_newer_software().is_some(),
            ends,
            "at height {}",
            at.height
        );
        if ends {
            let draft = self.draft(at, Vec::new());
            let refused = self.state.advance(&draft.block, &CheckEach).unwrap_err();
            assert!(matches!(refused, BlockError::NewerSoftware { .. }));
        }
        ends
    }

    /// What is said in a block.
    fn intents(&mut self, dice: &mut Dice, at: &BlockContext) -> Vec<(Actor, Action)> {
        let in_force: Vec<RegionId> = self
            .naive
            .in_force_at(at.height.0)
            .iter()
            .map(|found| found.region.clone())
            .collect();
        if dice.chance(2) {
            // One region with more proposals than it may have open.
            let by = dice.pick(in_force).unwrap();
            let all = (0..9).map(|index| {
                let parameters = concord_spec::charter::Parameters {
                    heartbeat_ms: 2_000 + index,
                };
                let change = concord_spec::record::Change::SetParameters(parameters);
                (Actor::Region(by.clone()), Action::Propose(Box::new(change)))
            });
            return all.collect();
        }
        if dice.chance(40)
            && let Some(intent) = self.prepared_for(dice)
        {
            return vec![intent];
        }
        if dice.chance(30) && !self.naive.proposals.is_empty() {
            // All regions vote for one proposal.
            let proposal = dice.pick(self.naive.proposals.iter().map(|known| known.id)).unwrap();
            let vote = Vote {
                proposal,
                approve: true,
            };
            return in_force
                .into_iter()
                .map(|by| (Actor::Region(by), Action::Vote(vote)))
                .collect();
        }
        if dice.chance(4) {
            return self.landslide(in_force);
        }
        (0..1 + dice.below(8))
            .filter_map(|_| self.intent(dice, at.time))
            .collect()
    }

    /// All regions vote for all that is open: of two changes that pass together one may make the other impossible.
    fn landslide(&self, in_force: Vec<RegionId>) -> Vec<(Actor, Action)> {
        let vote = |by: &RegionId| {
            let all = self.naive.proposals.iter().map(|known| Vote {
                proposal: known.id,
                approve: true,
            });
            all.map(|vote| (Actor::Region(by.clone()), Action::Vote(vote)))
                .collect::<Vec<_>>()
        };
        in_force.iter().flat_map(vote).collect()
    }

    /// What a start was prepared for.
    fn prepared_for(&self, dice: &mut Dice) -> Option<(Actor, Action)> {
        match self.start {
            Start::Founded(_) => None,
            Start::NearlyFull => {
                let (series, numbers) = self.naive.numbers.first_key_value()?;
                let holder = self.naive.holder_of_series(*series, self.naive.height + 1);
                let count = dice.pick([1, 5, 64])?;
                Some((Actor::Office(holder), crate::scene::issue(*series, numbers.next, count)))
            }
            Start::ManyDeclarations | Start::LittleRoom => {
                let of = dice.pick(self.naive.types.keys().cloned())?;
                let mut terms = crate::scene::terms(concord_spec::recognition::Source::All, of.id.as_str());
                if let Start::LittleRoom = self.start {
                    terms = federal::long_terms(terms, 2_000);
                }
                Some((Actor::Region(region(0)), crate::scene::recognise(terms)))
            }
        }
    }

    fn intent(&mut self, dice: &mut Dice, time: UnixMillis) -> Option<(Actor, Action)> {
        let (naive, players) = (&self.naive, &mut self.players);
        let (actor, action) = match dice.below(40) {
            0..=8 => Some(federal::by_region(dice, naive, players, time)),
            9..=13 => Some(federal::of_types(dice, naive)),
            14 => Some((
                Actor::Nobody,
                Action::Evidence(Box::new(federal::evidence(dice, naive, players))),
            )),
            15..=25 => local::of_offices(dice, naive, players, time),
            _ => local::of_series(dice, naive, players, time),
        }?;
        // Now and then somebody else says it.
        let other = match dice.below(100) {
            0 => Some(Actor::Region(crate::players::any_region(dice, naive))),
            1 => dice.pick(naive.domains.keys().cloned()).map(Actor::Domain),
            2 => dice.pick(naive.offices.keys().cloned()).map(Actor::Office),
            3 => Some(Actor::Nobody),
            _ => None,
        };
        Some((other.unwrap_or(actor), action))
    }

    /// Adds records that were there before, and damages others so that they cannot be read.
    fn spoil(&mut self, dice: &mut Dice, candidates: &mut Vec<SignedRecord>) {
        if dice.chance(5) {
            candidates.extend(dice.pick(self.recent.iter().rev().take(20).cloned()));
        }
        if dice.chance(5)
            && let Some(record) = candidates.last()
        {
            let mut bytes = record.bytes().to_vec();
            let place = usize::try_from(dice.below(u64::try_from(bytes.len()).unwrap())).unwrap();
            bytes[place] ^= 1 << dice.below(8);
            match SignedRecord::from_bytes(&bytes) {
                Ok(other) => candidates.push(other),
                Err(error) => self.refused(Rejection::Malformed(error).code()),
            }
        }
    }

    fn refused(&mut self, code: &'static str) {
        *self.coverage.rejections.entry(code).or_default() += 1;
    }

    fn draft(&self, at: &BlockContext, candidates: Vec<SignedRecord>) -> concord_spec::ledger::Draft {
        let proposer = self.state.region_set().members()[0].region.clone();
        let candidates = candidates.into_iter().map(Arc::new);
        self.state
            .draft(at.time, &proposer, candidates, Limits::default(), &CheckEach)
    }

    /// The block that the ledger makes of the candidates, each of which the plain one judges too.
    fn block(&mut self, at: &BlockContext, candidates: Vec<SignedRecord>) -> (Vec<SignedRecord>, Block) {
        let draft = self.draft(at, candidates.clone());
        let mut refused = draft.refused.into_iter().peekable();
        let mut accepted = Vec::new();
        for record in candidates {
            let theirs = match refused.peek() {
                Some((id, rejection)) if *id == record.id() && !self.is_next(&draft.block, accepted.len(), &record) => {
                    let code = rejection.code();
                    refused.next();
                    Err(code)
                }
                _ => Ok(()),
            };
            let before = self.naive.clone();
            let ours = self.naive.apply(&record, at);
            assert_eq!(theirs, ours, "at height {}: {:?}", at.height, record.payload());
            match ours {
                Ok(()) => {
                    self.note(&before, &record, at);
                    accepted.push(record);
                }
                Err(code) => self.refused(code),
            }
        }
        assert_eq!(draft.block.records.len(), accepted.len());
        (accepted, draft.block)
    }

    /// Whether a record is the next one of a block.
    fn is_next(&self, block: &Block, index: usize, record: &SignedRecord) -> bool {
        block
            .records
            .get(index)
            .is_some_and(|next| next.bytes() == record.bytes())
    }

    /// Checks what one accepted record must not do, and remembers what it did.
    fn note(&mut self, before: &Naive, record: &SignedRecord, at: &BlockContext) {
        let payload = record.payload();
        *self.coverage.actions.entry(payload.action.name()).or_default() += 1;
        match (&payload.actor, &payload.action) {
            (Actor::Office(office), Action::Issue(issue)) => {
                let next = self.issued.entry(issue.series).or_default();
                assert_eq!(
                    *next, issue.first.0,
                    "numbers of series {} have no gap and never repeat",
                    issue.series
                );
                *next += issue.count;
                let kind = &before.series[&issue.series].1.of.id;
                assert!(
                    before.issues(office, kind, at),
                    "{office} issues {kind} beyond its scope"
                );
            }
            (actor, Action::SetStatus(body)) => {
                let numbers = body
                    .ranges
                    .iter()
                    .flat_map(|range| range.first.0..range.first.0 + range.count);
                let numbers = numbers.map(|number| (body.series, number));
                self.coverage.statuses.insert(body.change.to_string());
                match body.change {
                    StatusChange::Set(StatusKind::Revoked | StatusKind::Annulled) => self.dead.extend(numbers),
                    StatusChange::Restore => {
                        assert!(matches!(actor, Actor::Region(_)), "{actor} restores");
                        let restored: BTreeSet<(SeriesId, u64)> = numbers.collect();
                        self.dead.retain(|dead| !restored.contains(dead));
                    }
                    StatusChange::Set(_) | StatusChange::Reinstate => {}
                }
            }
            _ => {}
        }
    }

    /// Takes the block, as every node would, and checks all that must hold after it.
    fn follow(&mut self, at: &BlockContext, accepted: &[SignedRecord], block: &Block) {
        let block = Block::from_bytes(&codec::to_vec(block)).unwrap();
        let history: &[Digest] = &self.naive.blocks;
        assert_eq!(block.rest.history_root, merkle::root(history));
        self.state = self.state.advance(&block, &CheckEach).unwrap();
        self.naive.finish(at);
        self.naive.blocks.push(block.hash());
        self.naive.assert_same(&self.state, at.time);
        assert_eq!(block.rest.state_root, self.naive.root());
        self.recent.extend_from_slice(accepted);
        self.coverage.changes.extend(self.naive.passed.iter());
        self.coverage.blocks += 1;
        self.entries_are_the_state();
        self.scope_never_grows_downwards();
        self.what_is_dead_stays_dead();
    }

    fn entries_are_the_state(&mut self) {
        for (key, value) in self.state.changes() {
            match value {
                Some(value) => self.kept.insert(key, value),
                None => self.kept.remove(&key),
            };
        }
        let whole: BTreeMap<Vec<u8>, Vec<u8>> = self.state.entries().into_iter().collect();
        assert!(
            self.kept == whole,
            "entries written block by block differ at height {}",
            self.naive.height
        );
        let restored = LedgerState::restore(self.state.charter().clone(), whole).unwrap();
        assert_eq!(restored.root(), self.state.root());
        assert_eq!(restored.tip(), self.state.tip());
        assert_eq!(restored.region_set(), self.state.region_set());
        assert_eq!(restored.section_roots(), self.state.section_roots());
        // What is derived must be as good as what was followed record by record: now and then the run goes on from it.
        if self.naive.height.is_multiple_of(3) {
            self.state = restored;
        }
    }

    /// An office has nothing that an office above it has not: by the ledger's own judgement of each.
    fn scope_never_grows_downwards(&self) {
        let height = self.state.next_height();
        for id in self.naive.offices.keys() {
            for above in &self.naive.above(id)[1..] {
                for kind in federal::TYPES.map(crate::scene::kind) {
                    let wider =
                        standing::in_scope(&self.state, id, &kind) && !standing::in_scope(&self.state, above, &kind);
                    assert!(!wider, "{id} has type {kind}, {above} above it has not");
                }
                for place in (0..8).map(region) {
                    let wider =
                        standing::reaches(&self.state, id, &place) && !standing::reaches(&self.state, above, &place);
                    assert!(!wider, "{id} reaches {place}, {above} above it does not");
                }
                let acts = standing::check_active(&self.state, id, height).is_ok();
                assert!(
                    !acts || standing::check_active(&self.state, above, height).is_ok(),
                    "{id} acts, {above} does not"
                );
            }
        }
    }

    fn what_is_dead_stays_dead(&self) {
        for (series, number) in &self.dead {
            let standing = self.state.series_status(*series).unwrap().standing(*number);
            assert!(
                matches!(standing, Standing::Revoked | Standing::Annulled),
                "{series}-{number} is {standing:?}, and was never restored"
            );
        }
    }
}

/// As a rule seconds; now and then hours, the 72 of a rotation, or the 30 days of a vote.
fn later_ms(dice: &mut Dice) -> u64 {
    const HOUR_MS: u64 = 3_600_000;
    match dice.below(100) {
        0..=5 => dice.below(80 * HOUR_MS) + 1_000,
        6 | 7 => 72 * HOUR_MS,
        8 | 9 => 72 * HOUR_MS - 1,
        10 | 11 => 31 * 24 * HOUR_MS,
        _ => 1_000 + dice.below(5_000),
    }
}
