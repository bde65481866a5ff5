//! `concord watch`: what no journal of the office knows is told, whoever serves the blocks.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod ledger;
mod program;

use concord_client::desk::batch::Batch;
use concord_client::desk::journal::{Journal, Signed};
use concord_spec::digest::Digest;
use concord_spec::id::{Number, SeriesId};
use concord_spec::record::{Action, NumberRange, SetStatus, SignedRecord, StatusChange};
use concord_spec::status::{Reason, StatusKind};
use concord_spec::world::World;
use ledger::{Served, key_file};
use program::{Desk, Ran};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const OFFICE: &str = "110000/11110000000000001X";

struct Office {
    desk: Desk,
    served: Served,
}

impl Office {
    fn new() -> Self {
        Self {
            desk: Desk::new(),
            served: Served::new(World::with_series(4, "watch").unwrap()),
        }
    }

    /// An issue of the office's own: in the journal first, then on the ledger.
    fn issue(&self, count: u64) {
        let (credentials, record) = self.served.world().batch(count).unwrap();
        let first = credentials[0].credential().id.number;
        let chain_id = self.served.world().state.chain_id();
        let mut journal = Journal::open(&self.desk.path("series.pem.journal"), chain_id, SeriesId(1)).unwrap();
        let batch = Batch::of(Number(first.0), credentials);
        journal
            .sign(vec![Signed::new(Digest([1; 32]), 0, record.clone(), batch)])
            .unwrap();
        self.served.append(vec![record]);
    }

    /// An issue by a thief who has the office's keys.
    fn theft(&self, count: u64) -> SignedRecord {
        let record = self.served.world().batch(count).unwrap().1;
        self.served.append(vec![record.clone()]);
        record
    }

    fn watch(&self, more: &[&str]) -> Ran {
        let url = self.served.url();
        let arguments = [
            "watch",
            "--office",
            OFFICE,
            "--journal",
            "series.pem.journal",
            "--once",
            "--json",
            "--node",
            &url,
        ];
        self.desk.run(&[&arguments, more].concat())
    }
}

fn events(ran: &Ran, event: &str) -> Vec<serde_json::Value> {
    ran.lines().into_iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn an_issue_that_no_journal_knows_is_an_alarm_with_the_command_that_freezes_the_series() {
    let office = Office::new();
    office.issue(3);
    let quiet = office.watch(&["--from", "1"]);
    assert_eq!(quiet.code(), 0, "{}{}", quiet.out(), quiet.err());
    assert!(events(&quiet, "alarm").is_empty(), "{}", quiet.out());
    let record = office.theft(2);
    office.issue(1);
    let ran = office.watch(&[]);
    assert_eq!(ran.code(), 6, "{}{}", ran.out(), ran.err());
    let alarms = events(&ran, "alarm");
    assert_eq!(alarms.len(), 1, "{}", ran.out());
    assert_eq!(alarms[0]["record"], record.id().to_string());
    assert_eq!(
        (&alarms[0]["kind"], &alarms[0]["series"]),
        (&"unknown-issue".into(), &1.into())
    );
    let freeze = alarms[0]["freeze"].as_str().unwrap();
    assert!(
        freeze.starts_with("concord series freeze 1 --office-key KEY1 KEY2 --node http://"),
        "{freeze}"
    );
    let revoke = alarms[0]["revoke"].as_str().unwrap();
    assert!(
        revoke.starts_with("concord status set 1 3-4 --revoke --reason key-compromise"),
        "{revoke}"
    );
    let again = office.watch(&[]);
    assert_eq!(
        again.code(),
        0,
        "told once, and where it ended is kept: {}",
        again.out()
    );
}

#[test]
fn what_supervisors_do_is_told_as_theirs_and_what_the_office_does_unknown_to_its_journal_is_an_alarm() {
    let office = Office::new();
    office.issue(4);
    assert_eq!(office.watch(&["--from", "1"]).code(), 0);
    let revoke = |number| {
        let range = NumberRange {
            first: Number(number),
            count: 1,
        };
        Action::SetStatus(SetStatus {
            series: SeriesId(1),
            ranges: vec![range],
            change: StatusChange::Set(StatusKind::Revoked),
            reason: Reason::Penalty,
            effective: None,
            detail: None,
            successor: None,
        })
    };
    let by_region = office.served.world().by_region(revoke(0)).unwrap();
    office.served.append(vec![by_region]);
    let ran = office.watch(&[]);
    assert_eq!(ran.code(), 0, "{}", ran.out());
    let notices = events(&ran, "notice");
    assert_eq!(
        (&notices[0]["kind"], &notices[0]["by"]),
        (&"supervisor".into(), &"region 110000".into())
    );
    let by_office = office.served.world().by_office(revoke(1)).unwrap();
    office.served.append(vec![by_office]);
    let ran = office.watch(&[]);
    assert_eq!(
        (ran.code(), &events(&ran, "alarm")[0]["kind"]),
        (6, &"unknown-statement".into())
    );
    for (index, key) in office.served.world().office_keys.iter().enumerate() {
        key_file(&office.desk, &format!("office-{index}.pem"), key);
    }
    let (url, keys) = (office.served.url(), ["--office-key", "office-0.pem", "office-1.pem"]);
    let own = [
        "status",
        "set",
        "1",
        "2",
        "--suspend",
        "--journal",
        "series.pem.journal",
        "--node",
        &url,
    ];
    let own = office.desk.run(&[&own[..], &keys].concat());
    assert_eq!(own.code(), 0, "{}", own.err());
    let ran = office.watch(&[]);
    assert_eq!(ran.code(), 0, "made with the journal, it is known: {}", ran.out());
}

#[test]
fn a_series_without_a_journal_here_is_named_and_its_issues_are_alarms() {
    let office = Office::new();
    office.issue(1);
    let url = office.served.url();
    let ran = office
        .desk
        .run(&["watch", "--office", OFFICE, "--from", "1", "--once", "--node", &url]);
    assert_eq!(ran.code(), 6, "{}{}", ran.out(), ran.err());
    assert!(
        ran.out().contains("of series 1 there is no journal here"),
        "{}",
        ran.out()
    );
    let directory = [
        "watch",
        "--office",
        OFFICE,
        "--from",
        "1",
        "--once",
        "--journals",
        ".",
        "--node",
        &url,
    ];
    assert_eq!(office.desk.run(&directory).code(), 0);
    let nobody = office
        .desk
        .run(&["watch", "--office", "110000/NOBODY", "--once", "--node", &url]);
    assert_eq!(nobody.code(), 10);
    assert!(nobody.err().contains("not registered"), "{}", nobody.err());
}

#[test]
fn a_history_that_does_not_follow_what_was_seen_is_not_believed() {
    let office = Office::new();
    office.issue(1);
    assert_eq!(office.watch(&["--from", "1"]).code(), 0);
    // The same ledger up to there, and another last block.
    let other = Office::new();
    other.theft(2);
    other.theft(2);
    let url = other.served.url();
    let state = format!("watch-{}.json", OFFICE.replace('/', "-"));
    let arguments = ["watch", "--office", OFFICE, "--state", &state, "--once", "--node", &url];
    let ran = office.desk.run(&arguments);
    assert_eq!(ran.code(), 10);
    assert!(ran.err().contains("does not follow"), "{}", ran.err());
}

/// A watch that runs on, killed at the end of the test.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(office: &Office, nodes: &[&str], more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_concord"))
            .args([
                "watch",
                "--office",
                OFFICE,
                "--journal",
                "series.pem.journal",
                "--json",
                "--node",
            ])
            .args([nodes[0], "--also"])
            .args(nodes)
            .args(more)
            .current_dir(office.desk.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn next(&mut self, event: &str) -> serde_json::Value {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended before {event}");
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            if value["event"] == event {
                return value;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

#[test]
fn an_alarm_comes_within_two_seconds_though_another_node_does_not_answer_and_the_command_is_run() {
    let office = Office::new();
    office.issue(2);
    // Nobody listens at the first.
    let url = office.served.url();
    let nodes = ["http://127.0.0.1:9", &url];
    let mut running = Running::start(&office, &nodes, &["--exec", "cat > alarm.json"]);
    running.next("watching");
    let begun = Instant::now();
    let record = office.theft(1);
    let alarm = running.next("alarm");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(alarm["record"], record.id().to_string());
    let told = office.desk.path("alarm.json");
    let ran = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(25));
        std::fs::read_to_string(&told).is_ok_and(|text| text.contains(&record.id().to_string()))
    });
    assert!(ran, "the command got the alarm");
}

#[test]
fn the_first_run_begins_with_the_last_block() {
    let office = Office::new();
    office.issue(1);
    let record = office.theft(2);
    let ran = office.watch(&[]);
    assert_eq!(ran.code(), 6, "{}{}", ran.out(), ran.err());
    assert_eq!(events(&ran, "alarm")[0]["record"], record.id().to_string());
    assert_eq!(office.watch(&[]).code(), 0, "told once");
}

#[test]
fn a_first_run_does_not_begin_at_a_height_that_is_not_shown_to_be_sealed() {
    let office = Office::new();
    office.issue(1);
    {
        let mut world = office.served.world();
        let (earlier, last) = (world.blocks[0].1.clone(), world.blocks.len() - 1);
        world.blocks[last].1 = earlier;
    }
    let ran = office.watch(&[]);
    assert_eq!(ran.code(), 10, "{}{}", ran.out(), ran.err());
    assert!(ran.err().contains("does not hold"), "{}", ran.err());
    assert!(!office.desk.path("watch-110000-11110000000000001X.json").exists());
}

#[test]
fn silence_is_told_and_so_is_its_end() {
    let office = Office::new();
    office.issue(2);
    let url = office.served.url();
    let mut running = Running::start(&office, &[&url], &["--silence", "1"]);
    running.next("watching");
    let blind = running.next("blind");
    assert!(blind["error"].as_str().unwrap().contains("no new block"), "{blind}");
    let record = office.theft(1);
    assert_eq!(running.next("alarm")["record"], record.id().to_string());
    running.next("watching");
}

#[test]
fn a_block_that_is_told_of_and_not_handed_over_is_told() {
    let office = Office::new();
    office.issue(2);
    let url = office.served.url();
    let mut running = Running::start(&office, &[&url], &[]);
    running.next("watching");
    // The next block comes with the seal of another.
    let (_, record) = office.served.world().batch(1).unwrap();
    office.served.append_with(vec![record], |world| {
        let (earlier, last) = (world.blocks[0].1.clone(), world.blocks.len() - 1);
        world.blocks[last].1 = earlier;
    });
    let blind = running.next("blind");
    assert!(
        blind["error"].as_str().unwrap().contains("none hands it over"),
        "{blind}"
    );
}
