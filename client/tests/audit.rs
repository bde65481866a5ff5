//! `concord audit`: a good ledger is found good from wherever it comes, and whatever differs is found and named.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod ledger;
mod log_file;
mod program;

use concord_client::audit::{
    Audit, AuditError, Checkpoint, Difference, End, Kind, Observer, Report, Source, Unobserved,
};
use concord_client::transport::Node;
use concord_spec::block::{Block, record_roots};
use concord_spec::charter::signed::SignedCharter;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, Number, SeriesId, UnixMillis};
use concord_spec::key::bls;
use concord_spec::ledger::LedgerState;
use concord_spec::record::{Action, Change, NumberRange, SetStatus, SignedRecord, StatusChange};
use concord_spec::seal::Seal;
use concord_spec::status::{Reason, StatusKind};
use concord_spec::world::World;
use ledger::Served;
use program::Desk;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A world with an office, a type, a series, some issues and a revocation.
fn world(issues: u64) -> World {
    let mut world = World::with_series(4, "audit").unwrap();
    for count in 1..=issues {
        world.issue(count).unwrap();
    }
    let revoke = world.by_office(status(StatusKind::Revoked, 0, 1)).unwrap();
    world.append(vec![revoke]).unwrap();
    world
}

fn status(kind: StatusKind, first: u64, count: u64) -> Action {
    Action::SetStatus(SetStatus {
        series: SeriesId(1),
        ranges: vec![NumberRange {
            first: Number(first),
            count,
        }],
        change: StatusChange::Set(kind),
        reason: Reason::Penalty,
        effective: None,
        detail: None,
        successor: None,
    })
}

fn audit_of(world: &World, source: Source) -> Audit {
    Audit {
        charter: world.state.charter().clone(),
        source,
        to: None,
        checkpoint: None,
        restart: false,
    }
}

fn audited(world: &World, dir: &Path) -> Report {
    audit_of(world, Source::Log(dir.to_owned()))
        .run(&mut Unobserved)
        .unwrap()
}

/// What the audit finds in a ledger that has these blocks.
fn difference_in(world: &World, blocks: &[(Block, Seal)]) -> Difference {
    let dir = tempfile::tempdir().unwrap();
    log_file::write(dir.path(), blocks, 3);
    audited(world, dir.path()).difference.unwrap()
}

/// What must be the same whichever way the ledger was audited.
fn found(report: &Report) -> Value {
    let mut value = serde_json::to_value(report).unwrap();
    let object = value.as_object_mut().unwrap();
    object.remove("run").unwrap();
    object.remove("end").unwrap();
    value
}

#[test]
fn a_good_ledger_is_found_good_from_a_node_and_from_a_copy_of_its_log() {
    let desk = Desk::new();
    let world = world(20);
    let charter = SignedCharter::new(world.state.charter().clone()).unwrap().to_bytes();
    desk.write("charter.cbor", charter);
    log_file::write(&desk.path("data/log"), &world.blocks, 7);
    let tip = world.state.tip().clone();
    let served = Served::new(world);
    let url = served.url();
    let from_node = ["--node", url.as_str()];
    let from_log = ["--log", "data"];
    let mut found = Vec::new();
    for (from, name) in [(from_node, "node"), (from_log, "log")] {
        let (report, checkpoint) = (format!("{name}.json"), format!("{name}.checkpoint"));
        let more = [
            "audit",
            "--charter",
            "charter.cbor",
            "--report",
            &report,
            "--checkpoint",
            &checkpoint,
        ];
        let ran = desk.run(&[&more[..], &from].concat());
        assert_eq!(ran.code(), 0, "{}{}", ran.out(), ran.err());
        assert!(
            ran.out()
                .starts_with(&format!("nothing differs up to block {}", tip.height)),
            "{}",
            ran.out()
        );
        assert!(ran.err().is_empty(), "no bar where there is no terminal: {}", ran.err());
        let text = std::fs::read_to_string(desk.path(&report)).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        let object = value.as_object_mut().unwrap();
        object.remove("run").unwrap();
        let end = object.remove("end").unwrap();
        assert_eq!(end["why"], if name == "node" { "NODE_TIP" } else { "LOG_ENDS" });
        found.push(value);
    }
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0]["outcome"], "CLEAN");
    assert_eq!(found[0]["head"]["hash"], tip.hash.to_string());
    assert_eq!(found[0]["head"]["seal"]["signers"].as_array().unwrap().len(), 4);
    assert_eq!(found[0]["counts"]["by_action"]["issue"], 20);
    assert_eq!(found[0]["counts"]["credentials"], 210);
    assert_eq!(found[0]["counts"]["signatures"], 2 + 2 * 22);
}

#[test]
fn a_ledger_whose_regions_change_is_found_good() {
    let mut world = world(2);
    let card = world.card(4).unwrap();
    world.change(Change::AdmitRegion(Box::new(card)), &[0, 1, 2]).unwrap();
    world.issue(1).unwrap();
    world.issue(1).unwrap();
    let dir = tempfile::tempdir().unwrap();
    log_file::write(dir.path(), &world.blocks, 4);
    let report = audited(&world, dir.path());
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.head.unwrap().seal.regions, 5);
}

#[test]
fn one_flipped_bit_anywhere_in_a_copy_of_a_log_is_found_and_named() {
    let world = world(1);
    let dir = tempfile::tempdir().unwrap();
    log_file::write(dir.path(), &world.blocks, 2);
    let mut flipped = 0;
    for first in (1..=world.blocks.len()).step_by(2) {
        let path = dir.path().join(format!("{first:020}.seg"));
        let whole = std::fs::read(&path).unwrap();
        // Every bit of the headers would be too much for a test; every byte of them, and every third of the rest, is not.
        for at in (0..whole.len()).filter(|at| *at < 48 || at % 3 == 0) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at / 3 % 8);
            std::fs::write(&path, bytes).unwrap();
            let difference = audited(&world, dir.path())
                .difference
                .unwrap_or_else(|| panic!("{first}: byte {at}"));
            assert_eq!(difference.kind, Kind::LogDamaged, "{first}: byte {at}");
            let heights = [first, first + 1].map(|height| Height(u64::try_from(height).unwrap()));
            assert!(
                heights.contains(&difference.height),
                "{first}: byte {at}: {difference:?}"
            );
            assert!(
                difference.words.contains(&format!("{first:020}.seg, at byte ")),
                "{}",
                difference.words
            );
            flipped += 1;
        }
        std::fs::write(&path, whole).unwrap();
    }
    println!("{flipped} bits flipped");
    assert!(audited(&world, dir.path()).is_clean());
}

/// Makes a block say something else, with all its own hashes right again, and seals it anew by all regions.
fn changed(world: &World, index: usize, change: impl FnOnce(&mut Block)) -> Vec<(Block, Seal)> {
    let mut blocks = world.blocks.clone();
    let (block, seal) = &mut blocks[index];
    change(block);
    (block.header.records_root, block.rest.bodies_root) = record_roots(&block.records);
    block.header.rest = block.rest.digest();
    *seal = world.seal(block, 0, 0..4).unwrap();
    blocks
}

#[test]
fn a_number_issued_twice_is_found_though_the_block_is_hashed_and_sealed() {
    let mut world = world(3);
    let twice: SignedRecord = world.batch_from(0, 1).unwrap().1;
    let id = twice.id();
    // The last issue of the ledger gives way to it; all regions seal that.
    let blocks = changed(&world, 5, |block| block.records = vec![Arc::new(twice)]);
    let difference = difference_in(&world, &blocks);
    assert_eq!((difference.kind, difference.height), (Kind::Record, Height(6)));
    assert_eq!(difference.found, "NUMBER_GAP");
    let record = difference.record.unwrap();
    assert_eq!((record.index, record.id), (0, id));
}

#[test]
fn a_forged_signature_is_found_though_the_block_is_hashed_and_sealed() {
    let world = world(3);
    let blocks = changed(&world, 4, |block| {
        let mut bytes = block.records[0].bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        block.records = vec![Arc::new(SignedRecord::from_bytes(&bytes).unwrap())];
    });
    let difference = difference_in(&world, &blocks);
    assert_eq!((difference.kind, difference.height), (Kind::Record, Height(5)));
    assert_eq!(difference.found, "FORGED_SIGNATURE");
}

#[test]
fn a_wrong_root_is_found_though_the_block_is_hashed_and_sealed() {
    let world = world(3);
    let wrong = Digest([7; 32]);
    type Change = fn(&mut Block);
    let roots: [(Kind, Change); 5] = [
        (Kind::StateRoot, |block| block.rest.state_root = Digest([7; 32])),
        (Kind::HistoryRoot, |block| block.rest.history_root = Digest([7; 32])),
        (Kind::RegionsNow, |block| block.rest.regions_now = Digest([7; 32])),
        (Kind::RegionsNext, |block| block.rest.regions_next = Digest([7; 32])),
        (Kind::Parent, |block| block.rest.parent = Digest([7; 32])),
    ];
    for (kind, change) in roots {
        let difference = difference_in(&world, &changed(&world, 4, change));
        assert_eq!((difference.kind, difference.height), (kind, Height(5)));
        assert_eq!(difference.found, wrong.to_string());
        let rest = &world.blocks[4].0.rest;
        let right = [rest.state_root, rest.history_root, rest.regions_now, rest.parent];
        assert!(
            right.map(|root| root.to_string()).contains(&difference.expected),
            "{difference:?}"
        );
    }
    let earlier = changed(&world, 4, |block| block.header.time = UnixMillis(1));
    assert_eq!(difference_in(&world, &earlier).kind, Kind::Time);
}

#[test]
fn a_block_that_does_not_hold_together_is_found() {
    let world = world(3);
    type Change = fn(&mut Block);
    let changes: [(Kind, Change); 3] = [
        (Kind::RestDigest, |block| block.header.rest = Digest([7; 32])),
        (Kind::RecordsRoot, |block| block.header.records_root = Digest([7; 32])),
        (Kind::BodiesRoot, |block| {
            block.rest.bodies_root = Digest([7; 32]);
            block.header.rest = block.rest.digest();
        }),
    ];
    for (kind, change) in changes {
        let mut blocks = world.blocks.clone();
        change(&mut blocks[4].0);
        let difference = difference_in(&world, &blocks);
        assert_eq!((difference.kind, difference.height), (kind, Height(5)));
    }
}

#[test]
fn a_seal_below_quorum_or_of_another_block_is_found() {
    let world = world(3);
    let mut blocks = world.blocks.clone();
    let (block, seal) = &mut blocks[4];
    let shares = world.shares(block, 0, 0..2).unwrap();
    let parts: Vec<_> = shares.iter().map(|(_, share)| *share).collect();
    *seal = Seal {
        round: 0,
        signers: vec![0b1100_0000],
        signature: bls::aggregate(&parts).unwrap(),
    };
    let difference = difference_in(&world, &blocks);
    assert_eq!((difference.kind, difference.height), (Kind::Seal, Height(5)));
    assert!(
        difference.words.contains("2 regions sealed the block, 3 are needed"),
        "{}",
        difference.words
    );
    let mut blocks = world.blocks.clone();
    blocks[4].1 = blocks[5].1.clone();
    let difference = difference_in(&world, &blocks);
    assert_eq!((difference.kind, difference.height), (Kind::Seal, Height(5)));
}

/// Stops after so many blocks, as if killed.
struct Killed(u64);

impl Observer for Killed {
    fn after(&mut self, _: &Block, _: &LedgerState) {
        self.0 -= 1;
    }

    fn interrupted(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn an_audit_that_was_interrupted_goes_on_and_tells_the_same_as_one_run() {
    let world = world(40);
    let dir = tempfile::tempdir().unwrap();
    log_file::write(&dir.path().join("log"), &world.blocks, 5);
    let whole = audited(&world, dir.path());
    let mut audit = audit_of(&world, Source::Log(dir.path().to_owned()));
    audit.checkpoint = Some(Checkpoint::at(dir.path().join("checkpoint")));
    for stop in [3, 10, 1, 5] {
        let stopped = audit.run(&mut Killed(stop));
        assert!(matches!(stopped, Err(AuditError::Interrupted(_))), "{stopped:?}");
    }
    let report = audit.run(&mut Unobserved).unwrap();
    assert_eq!(found(&report), found(&whole));
    assert_eq!(
        (report.run.resumed_after, report.end),
        (Some(Height(19)), Some(End::LogEnds))
    );
    // Nothing is left to do, and the same is told.
    assert_eq!(found(&audit.run(&mut Unobserved).unwrap()), found(&whole));
    // From a node it goes on where it stood with the log, and finds what was added.
    let mut world = world;
    world.issue(2).unwrap();
    let state = world.state.clone();
    let served = Served::new(world);
    audit.source = Source::Node(Node::at(&served.url()));
    let grown = audit.run(&mut Unobserved).unwrap();
    assert_eq!(grown.run.blocks, 1);
    assert_eq!(grown.head.unwrap().state_root, state.root());
}

/// Looks at what is on disk at a block: what a kill at that moment would leave.
struct Looks {
    from: std::path::PathBuf,
    to: std::path::PathBuf,
    at: u64,
}

impl Observer for Looks {
    fn after(&mut self, block: &Block, _: &LedgerState) {
        if block.header.height == Height(self.at) {
            std::fs::copy(&self.from, &self.to).unwrap();
        }
    }
}

#[test]
fn an_audit_that_is_killed_loses_no_more_than_since_its_last_checkpoint() {
    let mut world = world(1);
    for _ in 0..400 {
        world.append(Vec::new()).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let (checkpoint, left) = (dir.path().join("checkpoint"), dir.path().join("left"));
    log_file::write(&dir.path().join("log"), &world.blocks, 100);
    let mut audit = audit_of(&world, Source::Log(dir.path().to_owned()));
    audit.checkpoint = Some(Checkpoint {
        path: checkpoint.clone(),
        every: Duration::ZERO,
    });
    let mut looks = Looks {
        from: checkpoint,
        to: left.clone(),
        at: 370,
    };
    let whole = audit.run(&mut looks).unwrap();
    audit.checkpoint = Some(Checkpoint::at(left));
    let report = audit.run(&mut Unobserved).unwrap();
    assert_eq!(found(&report), found(&whole));
    let after = report.run.resumed_after.unwrap();
    assert!(after > Height(100) && after < Height(370), "{after}");
}

#[test]
fn a_difference_after_going_on_is_the_one_that_a_single_run_finds() {
    let world = world(10);
    let wrong = changed(&world, 8, |block| block.rest.state_root = Digest([7; 32]));
    let dir = tempfile::tempdir().unwrap();
    log_file::write(dir.path(), &wrong, 4);
    let mut audit = audit_of(&world, Source::Log(dir.path().to_owned()));
    let kept = tempfile::tempdir().unwrap();
    audit.checkpoint = Some(Checkpoint::at(kept.path().join("checkpoint")));
    assert!(audit.run(&mut Killed(4)).is_err());
    let report = audit.run(&mut Unobserved).unwrap();
    assert_eq!(report.difference, audited(&world, dir.path()).difference);
    assert_eq!((report.to, report.outcome), (Height(8), "DIFFERENCE"));
}

#[test]
fn a_checkpoint_that_is_damaged_or_of_another_history_is_not_gone_on_from() {
    let world = world(10);
    let dir = tempfile::tempdir().unwrap();
    let (log, checkpoint) = (dir.path().join("log"), dir.path().join("checkpoint"));
    log_file::write(&log, &world.blocks, 4);
    let mut audit = audit_of(&world, Source::Log(log.clone()));
    audit.checkpoint = Some(Checkpoint::at(checkpoint.clone()));
    assert!(audit.run(&mut Killed(6)).is_err());
    let good = std::fs::read(&checkpoint).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    std::fs::write(&checkpoint, bad).unwrap();
    assert!(matches!(audit.run(&mut Unobserved), Err(AuditError::Checkpoint(_))));
    std::fs::write(&checkpoint, good).unwrap();
    let other = changed(&world, 5, |block| {
        block.header.time = UnixMillis(block.header.time.0 + 1)
    });
    std::fs::remove_dir_all(&log).unwrap();
    log_file::write(&log, &other, 4);
    let other = audit.run(&mut Unobserved);
    assert!(
        matches!(other, Err(AuditError::OtherHistory { height: Height(6), .. })),
        "{other:?}"
    );
    std::fs::remove_dir_all(&log).unwrap();
    log_file::write(&log, &world.blocks[..3], 4);
    assert!(matches!(
        audit.run(&mut Unobserved),
        Err(AuditError::Shorter(Height(6)))
    ));
}

#[test]
fn what_is_missing_at_the_end_is_the_end_and_what_is_missing_before_is_not() {
    let world = world(4);
    let dir = tempfile::tempdir().unwrap();
    log_file::write(dir.path(), &world.blocks, 4);
    let path = dir.path().join(format!("{:020}.seg", 5));
    let whole = std::fs::read(&path).unwrap();
    for (cut, to, end) in [
        (1, 7, None),
        (whole.len() - 16 - 24 - 1, 4, None),
        (whole.len() - 17, 4, Some(End::TornTail { bytes: 1 })),
        (whole.len() - 16, 4, Some(End::LogEnds)),
        (whole.len() - 3, 4, Some(End::TornTail { bytes: 3 })),
    ] {
        std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let report = audited(&world, dir.path());
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.to, Height(to), "{cut} bytes cut off");
        match (end, report.end) {
            (None, Some(End::TornTail { .. })) => {}
            (expected, told) => assert_eq!(told, expected),
        }
    }
    std::fs::remove_file(&path).unwrap();
    let report = audited(&world, dir.path());
    assert_eq!((report.to, report.end), (Height(4), Some(End::LogEnds)));
    // In the middle.
    log_file::write(dir.path(), &world.blocks, 2);
    std::fs::remove_file(dir.path().join(format!("{:020}.seg", 3))).unwrap();
    let report = audited(&world, dir.path());
    let difference = report.difference.unwrap();
    assert_eq!((difference.kind, difference.height), (Kind::MissingBlock, Height(3)));
    std::fs::remove_file(dir.path().join(format!("{:020}.seg", 1))).unwrap();
    assert_eq!(audited(&world, dir.path()).difference.unwrap().height, Height(1));
}

/// A copy of a log in which two are issued, one revoked, one annulled, and both restored.
fn undone() -> Desk {
    let desk = Desk::new();
    let mut world = world(2);
    let restored = SetStatus {
        series: SeriesId(1),
        ranges: vec![NumberRange {
            first: Number(0),
            count: 2,
        }],
        change: StatusChange::Restore,
        reason: Reason::Court,
        effective: None,
        detail: Some(Digest([3; 32])),
        successor: None,
    };
    let annul = world.by_office(status(StatusKind::Annulled, 1, 1)).unwrap();
    world.append(vec![annul]).unwrap();
    let restore = world.by_region(Action::SetStatus(restored)).unwrap();
    world.append(vec![restore]).unwrap();
    let charter = SignedCharter::new(world.state.charter().clone()).unwrap().to_bytes();
    desk.write("charter.cbor", charter);
    log_file::write(&desk.path("log"), &world.blocks, 100);
    desk
}

#[test]
fn the_status_of_a_credential_is_told_as_of_a_date_with_the_records_that_led_to_it() {
    let desk = undone();
    // Blocks come once a second from genesis on: office, type, series, two issues, revoked, annulled, restored.
    let told = |at: &str, credential: &str| {
        let ran = desk.run(&[
            "audit",
            "status",
            credential,
            "--at",
            at,
            "--log",
            "log",
            "--charter",
            "charter.cbor",
            "--json",
        ]);
        assert_eq!(ran.code(), 0, "{}", ran.err());
        let line = ran.lines().remove(0);
        let records: Vec<String> = line["records"].as_array().unwrap().iter().map(chapter).collect();
        (line["status"].as_str().unwrap().to_owned(), records)
    };
    let second = |second: u64| format!("2026-01-01T00:00:0{second}Z");
    assert_eq!(
        told(&second(3), "1-0"),
        ("not issued".to_owned(), vec!["open-series".to_owned()])
    );
    assert_eq!(told(&second(5), "1-0").0, "in force");
    assert_eq!(told(&second(6), "1-0").0, "revoked");
    assert_eq!(told(&second(7), "1-1").0, "annulled");
    let all = [
        "open-series",
        "issue",
        "set-status revoked penalty",
        "set-status restored court",
    ];
    assert_eq!(
        told(&second(8), "1-0"),
        ("in force".to_owned(), all.map(str::to_owned).to_vec())
    );
    // The day is over in Beijing, eight hours before it is in Greenwich; the ledger begins when it is there.
    assert_eq!(told("2026-01-01", "1-0").0, "in force");
}

#[test]
fn the_status_of_a_credential_is_told_in_words_and_not_before_the_first_block() {
    let desk = undone();
    let ran = desk.run(&[
        "audit",
        "status",
        "1-0",
        "--at",
        "2025-12-31",
        "--log",
        "log",
        "--charter",
        "charter.cbor",
    ]);
    assert_eq!(ran.code(), 10);
    assert!(ran.err().contains("no block yet"), "{}", ran.err());
    let words = desk.run(&[
        "audit",
        "status",
        "1-0",
        "--at",
        "2026-01-01T00:00:06Z",
        "--log",
        "log",
        "--charter",
        "charter.cbor",
    ]);
    assert!(
        words
            .out()
            .contains("1-0: revoked, as of block 6 of 2026-01-01T00:00:06Z"),
        "{}",
        words.out()
    );
    assert!(
        words.out().contains("set-status revoked, reason penalty"),
        "{}",
        words.out()
    );
}

fn chapter(record: &Value) -> String {
    let word = |name: &str| record[name].as_str().map(str::to_owned);
    let words = [word("action"), word("change"), word("reason")];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_difference_has_an_exit_code_of_its_own_and_no_status_is_told_past_it() {
    let desk = Desk::new();
    let world = world(3);
    desk.write(
        "charter.cbor",
        SignedCharter::new(world.state.charter().clone()).unwrap().to_bytes(),
    );
    let wrong = changed(&world, 4, |block| block.rest.state_root = Digest([7; 32]));
    log_file::write(&desk.path("log"), &wrong, 4);
    let ran = desk.run(&["audit", "--log", "log", "--charter", "charter.cbor"]);
    assert_eq!(ran.code(), 7, "{}", ran.err());
    assert!(ran.out().starts_with("A DIFFERENCE AT BLOCK 5\n"), "{}", ran.out());
    let report: Value = serde_json::from_slice(&std::fs::read(desk.path("audit-report.json")).unwrap()).unwrap();
    assert_eq!(report["difference"]["kind"], "STATE_ROOT");
    assert_eq!(report["difference"]["height"], 5);
    let ran = desk.run(&[
        "audit",
        "status",
        "1-0",
        "--at",
        "2026-01-02",
        "--log",
        "log",
        "--charter",
        "charter.cbor",
    ]);
    assert_eq!(ran.code(), 10);
    assert!(ran.err().contains("tells no status"), "{}", ran.err());
}
