//! The ledger here is the rules themselves, with real blocks and seals; only the network is missing.

use super::*;
use crate::desk::release;
use crate::transport::{RecordAnswer, RecordState, Submitted};
use concord_spec::credential::Issuer;
use concord_spec::epochs::{Change, Handover, RegionHistory};
use concord_spec::id::Height;
use concord_spec::ledger::Rejection;
use concord_spec::receipt::Receipt;
use concord_spec::record::SignedRecord;
use concord_spec::world::World;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;

/// A ledger that seals each accepted record in a block of its own, and goes away after so many answers.
struct Rules {
    world: RefCell<World>,
    answers_left: Cell<usize>,
    full: Cell<bool>,
    denies: Cell<bool>,
}

impl Rules {
    fn gone() -> TransportError {
        TransportError::NoAnswer {
            url: "test".to_owned(),
            reason: "killed".to_owned(),
        }
    }

    /// What was done stays done, but the answer is lost.
    fn answer<T>(&self, answer: T) -> Result<T, TransportError> {
        self.answers_left
            .set(self.answers_left.get().checked_sub(1).ok_or_else(Self::gone)?);
        Ok(answer)
    }

    fn find(&self, id: &RecordId) -> Option<(usize, usize)> {
        let world = self.world.borrow();
        let mut blocks = world.blocks.iter().enumerate();
        blocks.find_map(|(at, (block, _))| Some((at, block.position(id)?)))
    }

    fn state(&self, id: &RecordId) -> Option<RecordAnswer> {
        let (at, index) = self.find(id)?;
        let state = if self.denies.get() {
            RecordState::Rejected
        } else {
            RecordState::Recorded
        };
        Some(RecordAnswer {
            id: *id,
            state,
            height: Some(Height(u64::try_from(at).unwrap() + 1)),
            index: u64::try_from(index).ok(),
            time_ms: None,
            series: None,
            code: None,
            detail: None,
        })
    }

    fn enter(&self, record: &SignedRecord) -> Submitted {
        if let Some(known) = self.state(&record.id()) {
            return Submitted::Known(known);
        }
        let entered = self.world.borrow_mut().append(vec![record.clone()]);
        match entered {
            Ok(()) => Submitted::Known(self.state(&record.id()).unwrap()),
            Err(error) => {
                let rejection = error.downcast::<Rejection>().unwrap();
                Submitted::Refused {
                    code: rejection.code().to_owned(),
                    detail: rejection.to_string(),
                }
            }
        }
    }

    /// Every number that the ledger has issued, in the order of the blocks.
    fn issued(&self) -> Vec<u64> {
        let world = self.world.borrow();
        let records = world.blocks.iter().flat_map(|(block, _)| &block.records);
        let issues = records.filter_map(|record| {
            let Action::Issue(issue) = &record.payload().action else {
                return None;
            };
            Some(issue.first.0..issue.first.0 + issue.count)
        });
        issues.flatten().collect()
    }
}

impl Ledger for Rules {
    fn time(&self) -> Result<UnixMillis, TransportError> {
        self.answer(self.world.borrow().state.tip().time)
    }

    fn next_number(&self, series: SeriesId) -> Result<Number, TransportError> {
        self.answer(Number(self.world.borrow().state.series_status(series).unwrap().next))
    }

    fn submit(&self, records: &[&SignedRecord]) -> Result<Vec<Submitted>, TransportError> {
        if self.full.replace(false) {
            let (code, detail) = ("POOL_FULL".to_owned(), String::new());
            return Err(TransportError::Refused {
                status: 429,
                code,
                detail,
                retry_after: Some(Duration::ZERO),
            });
        }
        self.answer(records.iter().map(|record| self.enter(record)).collect())
    }

    fn record(&self, id: &RecordId, _: Duration) -> Result<Option<RecordAnswer>, TransportError> {
        self.answer(self.state(id))
    }

    fn receipt(&self, id: &RecordId) -> Result<Receipt, TransportError> {
        let (at, index) = self.find(id).unwrap();
        let world = self.world.borrow();
        let (block, seal) = &world.blocks[at];
        self.answer(Receipt::of_issue(block, seal, index).unwrap())
    }

    fn region_history(&self) -> Result<RegionHistory, TransportError> {
        let world = self.world.borrow();
        let regions = |handover: &Handover| {
            world
                .state
                .region_set_at(handover.header.height.next().unwrap())
                .unwrap()
        };
        let changes = world.handovers().into_iter().map(|handover| Change {
            regions: regions(&handover),
            handover,
        });
        self.answer(RegionHistory {
            height: world.state.tip().height,
            changes: changes.collect(),
        })
    }

    fn pause(&self, _: Duration) {}
}

const ROWS: u64 = 10;
const BATCH: usize = 4;

struct Fixture {
    ledger: Rules,
    desk: SeriesDesk,
    regions: Regions,
    rows: Vec<Certified>,
    directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let world = World::with_series(4, "issuing").unwrap();
        let issuer = Issuer {
            chain: world.state.charter().chain.clone(),
            office: world.office().unwrap(),
        };
        let desk = SeriesDesk {
            issuer,
            series: SeriesId(1),
            of: world.type_ref(),
            selective: Vec::new(),
            utc_offset_minutes: 480,
            key: world.series_key.clone(),
        };
        Self {
            desk,
            regions: Regions::new(world.state.charter()).unwrap(),
            rows: (0..ROWS).map(|row| world.content(row).unwrap().into()).collect(),
            directory: tempfile::tempdir().unwrap(),
            ledger: Rules {
                world: RefCell::new(world),
                answers_left: Cell::new(usize::MAX),
                full: Cell::new(false),
                denies: Cell::new(false),
            },
        }
    }

    fn journal(&self) -> Journal {
        let chain_id = self.ledger.world.borrow().state.chain_id();
        Journal::open(&self.directory.path().join("journal"), chain_id, SeriesId(1)).unwrap()
    }

    /// A run of the command: the journal is opened anew, as after a crash.
    fn run(&self) -> Result<(), IssuingError> {
        let (keys, chain_id, now) = {
            let world = self.ledger.world.borrow();
            (
                world.office_keys.clone(),
                world.state.chain_id(),
                world.state.tip().time,
            )
        };
        let order = Order {
            desk: &self.desk,
            chain_id,
            regions: &self.regions,
            actor: Actor::Office(self.desk.issuer.office.clone()),
            office_keys: keys.iter().take(2).collect(),
            sheet: Digest([1; 32]),
            rows: &self.rows,
            batch: BATCH,
            now,
            patience: Duration::ZERO,
        };
        issue(&order, &mut self.journal(), &self.ledger, &mut |_| {})
    }

    /// Rows that have a certificate, ascending.
    fn proved_rows(&self) -> Vec<u64> {
        let journal = self.journal();
        let chosen = on_ledger(&journal, &Digest([1; 32])).chosen;
        chosen.into_iter().flat_map(rows_of).collect()
    }

    fn assert_all_once(&self) {
        let all: Vec<u64> = (0..ROWS).collect();
        assert_eq!(self.proved_rows(), all);
    }
}

#[test]
fn every_row_is_issued_once_under_a_receipt_that_holds() {
    let fixture = Fixture::new();
    fixture.run().unwrap();
    fixture.assert_all_once();
    assert_eq!(fixture.ledger.issued(), (0..ROWS).collect::<Vec<_>>());
    fixture.run().unwrap();
    assert_eq!(
        fixture.ledger.issued().len(),
        10,
        "the same sheet again issues nothing more"
    );
}

#[test]
fn a_run_that_was_cut_off_after_any_answer_goes_on_with_the_same_credentials() {
    let mut crashes = 0;
    for answers in 0.. {
        let fixture = Fixture::new();
        fixture.ledger.answers_left.set(answers);
        let done = fixture.run().is_ok();
        let before: Vec<_> = fixture.journal().batches().iter().map(Signed::id).collect();
        fixture.ledger.answers_left.set(usize::MAX);
        fixture.run().unwrap();
        fixture.assert_all_once();
        assert_eq!(
            fixture.ledger.issued(),
            (0..ROWS).collect::<Vec<_>>(),
            "after {answers} answers"
        );
        let after: Vec<_> = fixture.journal().batches().iter().map(Signed::id).collect();
        assert!(before.is_empty() || before == after, "after {answers} answers");
        if done {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 5, "{crashes}");
}

#[test]
fn numbers_that_someone_else_took_are_not_fought_over() {
    let fixture = Fixture::new();
    // Two answers: the clock and the next number. Everything is signed, nothing is handed in.
    fixture.ledger.answers_left.set(2);
    assert!(fixture.run().is_err());
    fixture.ledger.world.borrow_mut().issue(6).unwrap();
    fixture.ledger.answers_left.set(usize::MAX);
    fixture.run().unwrap();
    fixture.assert_all_once();
    assert_eq!(fixture.ledger.issued(), (0..6 + ROWS).collect::<Vec<_>>());
}

#[test]
fn a_full_node_is_asked_again() {
    let fixture = Fixture::new();
    fixture.ledger.full.set(true);
    fixture.run().unwrap_err();
    fixture.run().unwrap();
    fixture.assert_all_once();
}

#[test]
fn a_node_that_denies_a_record_makes_no_number_twice() {
    let fixture = Fixture::new();
    fixture.ledger.denies.set(true);
    assert!(fixture.run().is_err());
    fixture.ledger.denies.set(false);
    fixture.run().unwrap();
    fixture.assert_all_once();
    let issued = fixture.ledger.issued();
    assert!(issued.is_sorted_by(|one, next| one < next), "{issued:?}");
    let journal = fixture.journal();
    let on_ledger = on_ledger(&journal, &Digest([1; 32]));
    let told: u64 = on_ledger.surplus.iter().map(|signed| signed.batch().count()).sum();
    assert_eq!(
        usize::try_from(ROWS + told).unwrap(),
        issued.len(),
        "every number is accounted for"
    );
}

#[test]
fn a_receipt_of_other_regions_is_not_believed() {
    let mut fixture = Fixture::new();
    let strangers = World::with_series(3, "strangers").unwrap();
    fixture.regions = Regions::new(strangers.state.charter()).unwrap();
    assert!(matches!(fixture.run(), Err(IssuingError::Receipt { .. })));
    assert_eq!(fixture.proved_rows(), Vec::<u64>::new());
}

#[test]
fn a_desk_goes_on_issuing_when_other_regions_seal() {
    let fixture = Fixture::new();
    {
        let mut world = fixture.ledger.world.borrow_mut();
        let card = world.card(4).unwrap();
        let admit = concord_spec::record::Change::AdmitRegion(Box::new(card));
        world.change(admit, &[0, 1, 2]).unwrap();
        assert_eq!(world.state.region_set().members().len(), 5);
    }
    fixture.run().unwrap();
    assert_eq!(fixture.proved_rows(), (0..ROWS).collect::<Vec<_>>());
}

#[test]
fn certificates_are_released_with_a_code_that_reads_back() {
    let fixture = Fixture::new();
    fixture.run().unwrap();
    let journal = fixture.journal();
    let (chain_id, state) = {
        let world = fixture.ledger.world.borrow();
        (world.state.chain_id(), world.trusted().unwrap())
    };
    let out: PathBuf = fixture.directory.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let signed = &journal.batches()[0];
    let receipt = signed.receipt().unwrap();
    let released = release::release(
        signed.batch(),
        receipt,
        &chain_id,
        state.regions_at(receipt.height),
        &out,
    )
    .unwrap();
    assert_eq!(released.len(), BATCH);
    for one in &released {
        let scanned = crate::scan::scan_file(&one.code).unwrap();
        let bytes = std::fs::read(&one.file).unwrap();
        assert_eq!(scanned, crate::scan::Scanned::Certificate(bytes.clone()));
        let presented = concord_spec::verify::Presented::Certificate(&bytes);
        let report = concord_spec::verify::verify(presented, &state, &Default::default(), state.time());
        assert_eq!(report.verdict.word(), "VALID", "{report:?}");
    }
}
