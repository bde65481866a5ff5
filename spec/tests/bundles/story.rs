//! Ledgers to make bundles of.

use crate::scene::{
    Desk, LICENCE, card_with, issue, kind, opening, recognise, region, restoration, status, terms, version_of,
};
use concord_spec::bundle::{Selection, Terms};
use concord_spec::catalogue::{TypeDefinition, TypeRef};
use concord_spec::id::{SeriesId, UnixMillis};
use concord_spec::ledger::{BlockContext, CheckEach};
use concord_spec::recognition::Source;
use concord_spec::record::{Action, Change, SignedRecord, StatusChange};
use concord_spec::status::{Standing, StatusKind};
use concord_spec::world::World;
use std::collections::BTreeSet;

/// A second type, of the second region.
pub(crate) const PERMIT: &str = "120000.permit";

pub(crate) fn now(world: &World) -> UnixMillis {
    world.state.tip().time
}

pub(crate) fn terms_at(world: &World) -> Terms {
    Terms {
        checkpoint: None,
        go_back: false,
        now: now(world),
    }
}

pub(crate) fn selection(types: Option<&[&str]>, regions: Option<&[usize]>) -> Selection {
    let types = types.map(|types| types.iter().map(|id| kind(id)).collect::<BTreeSet<_>>());
    let regions = regions.map(|regions| regions.iter().map(|index| region(*index)).collect());
    Selection::of(types, regions).unwrap()
}

/// Four regions; two offices of two regions with a type each; series 1 (licences), 2 (permits) with some statuses.
pub(crate) fn two_offices(chain: &str) -> (World, Desk) {
    let mut world = World::with_series(4, chain).unwrap();
    let permit = TypeDefinition {
        reference: version_of(PERMIT, 1),
        ..world.definition.clone()
    };
    let define = world.by_region_at(1, Action::DefineType(Box::new(permit))).unwrap();
    world.append(vec![define]).unwrap();
    let desk = Desk::new(1, "B", 1, [20]).registered(&mut world, &[PERMIT]);
    let series = desk.open(&mut world, &permit_type(), 21);
    assert_eq!(series, SeriesId(2));
    let issued = vec![
        world.batch(20).unwrap().1,
        desk.issue(&mut world, SeriesId(2), 0, 4_096),
    ];
    world.append(issued).unwrap();
    let change = StatusChange::Set(StatusKind::Revoked);
    let first = world
        .by_office(Action::SetStatus(status(SeriesId(1), &[(0, 1)], change)))
        .unwrap();
    let second = desk.sign(
        &mut world,
        Action::SetStatus(status(SeriesId(2), &[(5, 2), (100, 900)], change)),
    );
    world.append(vec![first, second]).unwrap();
    (world, desk)
}

pub(crate) fn permit_type() -> TypeRef {
    version_of(PERMIT, 1)
}

/// Numbers that follow from a seed (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A ledger that goes on by chance.
pub(crate) struct Story {
    pub(crate) world: World,
    desk: Desk,
    dice: Dice,
    keys: u64,
    /// What was done, by name.
    pub(crate) done: BTreeSet<&'static str>,
}

impl Story {
    pub(crate) fn new(seed: u64) -> Self {
        let (world, desk) = two_offices("concord-test");
        Self {
            world,
            desk,
            dice: Dice(seed),
            keys: 1_000,
            done: BTreeSet::new(),
        }
    }

    /// Some more records that the rules allow, in blocks of up to four.
    pub(crate) fn step(&mut self) {
        if self.dice.below(12) == 0 {
            return self.change_regions();
        }
        let mut records = Vec::new();
        let mut state = self.world.state.clone();
        for _ in 0..self.dice.below(5) {
            let (name, record) = self.record();
            let at = BlockContext {
                height: self.world.state.next_height(),
                time: UnixMillis(now(&self.world).0 + 1_000),
            };
            if state.apply(&record, &at, &CheckEach).is_ok() {
                self.done.insert(name);
                records.push(record);
            }
        }
        self.world.append(records).unwrap();
    }

    fn a_series(&mut self) -> SeriesId {
        let open = u64::from(self.world.state.federation().next_series.0) - 1;
        SeriesId(u32::try_from(1 + self.dice.below(open)).unwrap())
    }

    /// Some of a series' numbers.
    fn numbers(&mut self, series: SeriesId) -> Vec<(u64, u64)> {
        let next = self.world.state.series_status(series).unwrap().next;
        let (mut at, mut found) = (0, Vec::new());
        for _ in 0..=self.dice.below(20) {
            at += self.dice.below(next / 8 + 1);
            let count = 1 + if self.dice.below(4) == 0 {
                self.dice.below(next / 2 + 1)
            } else {
                0
            };
            if at + count > next {
                break;
            }
            found.push((at, count));
            at += count + 1;
        }
        found
    }

    /// Some of its suspended numbers, with gaps between them.
    fn suspended(&self, series: SeriesId) -> Vec<(u64, u64)> {
        let status = self.world.state.series_status(series).unwrap();
        let mut found: Vec<(u64, u64)> = Vec::new();
        for number in status.set(StatusKind::Suspended).iter().take(200) {
            let apart = found.last().is_none_or(|(last, _)| number > last + 1);
            if apart && matches!(status.standing(number), Standing::Suspended) {
                found.push((number, 1));
            }
        }
        found
    }

    /// Signed by whoever the series is of.
    fn of_office(&mut self, series: SeriesId, action: Action) -> SignedRecord {
        let (region_of, _) = self.world.state.series(series).unwrap();
        if *region_of == region(0) {
            self.world.by_office(action).unwrap()
        } else {
            self.desk.sign(&mut self.world, action)
        }
    }

    fn record(&mut self) -> (&'static str, SignedRecord) {
        let series = self.a_series();
        let numbers = self.numbers(series);
        let set = |change| Action::SetStatus(status(series, &numbers, change));
        let chosen = self.dice.below(16);
        match chosen {
            0..=4 => {
                let next = self.world.state.series_status(series).unwrap().next;
                let count = 1 + self.dice.below(4_096);
                ("issue", self.of_office(series, issue(series, next, count)))
            }
            5 | 6 => (
                "revoke",
                self.of_office(series, set(StatusChange::Set(StatusKind::Revoked))),
            ),
            7 => (
                "annul",
                self.of_office(series, set(StatusChange::Set(StatusKind::Annulled))),
            ),
            8 => (
                "suspend",
                self.of_office(series, set(StatusChange::Set(StatusKind::Suspended))),
            ),
            9 => {
                let action = Action::SetStatus(status(series, &self.suspended(series), StatusChange::Reinstate));
                ("reinstate", self.of_office(series, action))
            }
            10 => (
                "annotate",
                self.of_office(series, set(StatusChange::Set(StatusKind::Annotated))),
            ),
            11 => {
                let action = restoration(series, &numbers);
                let by = usize::from(*self.world.state.series(series).unwrap().0 != region(0));
                ("restore", self.world.by_region_at(by, action).unwrap())
            }
            12 => ("open", self.opening()),
            13 => ("freeze", self.of_office(series, Action::FreezeSeries(series))),
            14 => {
                let by = usize::try_from(self.dice.below(4)).unwrap();
                let terms = terms(Source::All, if self.dice.below(2) == 0 { LICENCE } else { PERMIT });
                ("recognise", self.world.by_region_at(by, recognise(terms)).unwrap())
            }
            _ => {
                self.keys += 1;
                let office = Desk::new(2, &format!("C{}", self.keys), 1, [self.keys]);
                let action = Action::RegisterOffice(office.registration(&[LICENCE]));
                ("register", self.world.by_region_at(2, action).unwrap())
            }
        }
    }

    fn opening(&mut self) -> SignedRecord {
        self.keys += 1;
        let (of, mine) = if self.dice.below(2) == 0 {
            (self.world.type_ref(), true)
        } else {
            (permit_type(), false)
        };
        let action = opening(&of, self.keys);
        if mine {
            self.world.by_office(action).unwrap()
        } else {
            self.desk.sign(&mut self.world, action)
        }
    }

    /// The last region is suspended and reinstated, or a new one comes.
    fn change_regions(&mut self) {
        let members = self.world.state.region_set().members().len();
        let change = if members == 4 {
            ("suspend region", Change::SuspendRegion(region(3)))
        } else if self.world.state.federation().region(&region(4)).is_none() && self.dice.below(2) == 0 {
            self.keys += 1;
            let card = card_with(&mut self.world, 4, self.keys);
            ("admit region", Change::AdmitRegion(Box::new(card)))
        } else {
            ("reinstate region", Change::ReinstateRegion(region(3)))
        };
        if self.world.change(change.1, &[0, 1, 2]).is_ok() {
            self.done.insert(change.0);
        }
    }
}
