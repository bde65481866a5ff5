//! Stolen keys: somebody has the office's keys and the series'. The office hears of it at once, freezes the series, and what it
//! issued itself stays valid (issue: a stolen key).

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use concord_spec::certificate::Certificate;
use concord_spec::id::{Height, OfficeCode, OfficeId, SeriesId};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::record::Actor;
use concord_spec::verify::Verdict;
use concord_tests::certify::{certificate, sign};
use concord_tests::cluster::ed25519_of;
use concord_tests::governance::{bundle, verdict};
use concord_tests::office::Pen;
use concord_tests::programs::{programs, run};
use concord_tests::{Book, Cluster, HarnessError, Options, Result, Submitted, claim};
use serde_json::Value;

/// From the theft until the office hears of it, and until the series is frozen in a sealed block.
const ALARM_WITHIN: Duration = Duration::from_secs(2);
const FROZEN_WITHIN: Duration = Duration::from_secs(5);
/// When nothing is told for so long, it will not be told at all.
const TOLD_WITHIN: Duration = Duration::from_secs(30);
const OFFICE: &str = "TRAFFIC";
/// Whose credentials the office issues itself.
const ROWS: usize = 3;

const DEFINITION: &str = include_str!("../../client/samples/drivers-licence.type.toml");
const SHEET: &str = include_str!("../../client/samples/drivers-licences.csv");

/// The office's desk: its directory, and the nodes it talks to.
struct Desk {
    dir: PathBuf,
    node: String,
    others: Vec<String>,
    office: String,
}

impl Desk {
    /// Everything up to an open series, by the programs alone.
    fn open(cluster: &Cluster) -> Result<Self> {
        let dir = cluster.dir().join("desk");
        fs::create_dir_all(&dir).map_err(HarnessError::file(&dir))?;
        let sheet: Vec<&str> = SHEET.lines().take(ROWS + 1).collect();
        for (name, text) in [
            ("licence.type.toml", DEFINITION),
            ("sheet.csv", sheet.join("\n").as_str()),
        ] {
            let path = dir.join(name);
            fs::write(&path, text).map_err(HarnessError::file(&path))?;
        }
        let region = cluster.node(0)?.region().clone();
        let desk = Self {
            dir,
            node: cluster.api(0)?.base().to_owned(),
            others: vec![cluster.api(1)?.base().to_owned(), cluster.api(2)?.base().to_owned()],
            office: format!("{region}/{OFFICE}"),
        };
        for key in ["one.pem", "two.pem", "series.pem"] {
            desk.concord(&["key", "new", key, "--plain"])?;
        }
        let authority = cluster.node(0)?.data_dir().join("authority.pem");
        let authority = authority.to_string_lossy();
        desk.at_node(&["type", "define", "licence.type.toml", "--region-key", &authority])?;
        let kind = format!("{region}.drivers-licence");
        desk.at_node(&[
            "office",
            "register",
            "--office",
            OFFICE,
            "--name-zh",
            "车辆管理所",
            "--key",
            "one.pem",
            "two.pem",
            "--threshold",
            "2",
            "--type",
            &kind,
            "--region-key",
            &authority,
        ])?;
        let of = format!("{kind}/1");
        desk.at_node(&[
            "series",
            "open",
            "--office",
            &desk.office,
            "--type",
            &of,
            "--desk",
            "1",
            "--series-key",
            "series.pem",
            "--office-key",
            "one.pem",
            "two.pem",
        ])?;
        Ok(desk)
    }

    fn concord(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&programs()?.concord);
        command.args(arguments).current_dir(&self.dir).stdin(Stdio::null());
        let printed = run(&mut command)?;
        String::from_utf8(printed).map_err(|why| HarnessError::bytes("what concord prints", why))
    }

    fn at_node(&self, arguments: &[&str]) -> Result<String> {
        self.concord(&[arguments, &["--node", &self.node]].concat())
    }

    /// Issues the sheet, and gives its certificates.
    fn issue(&self) -> Result<Vec<Certificate>> {
        self.at_node(&[
            "issue",
            "sheet.csv",
            "--series",
            "1",
            "--office-key",
            "one.pem",
            "two.pem",
            "--series-key",
            "series.pem",
            "--out",
            "certificates",
        ])?;
        let certificate = |number: usize| {
            let path = self.dir.join(format!("certificates/1-{number}.concord"));
            let bytes = fs::read(&path).map_err(HarnessError::file(&path))?;
            Certificate::from_bytes(&bytes).map_err(|why| HarnessError::bytes(path.display().to_string(), why))
        };
        (0..ROWS).map(certificate).collect()
    }

    /// What a thief took: the keys, and so the power to issue from the series. Not the journal.
    fn stolen(&self, cluster: &Cluster) -> Result<Book> {
        let key = |name: &str| ed25519_of(&self.dir.join(name)).map(SecretKey::from_seed);
        let invalid = |why: concord_spec::id::IdError| HarnessError::bytes("a name", why);
        let region = cluster.node(0)?.region().clone();
        let kind = format!("{region}.drivers-licence/1");
        let office = OfficeId::new(region, OfficeCode::new(OFFICE).map_err(invalid)?);
        let keys = vec![key("one.pem")?, key("two.pem")?];
        Ok(Book {
            series: SeriesId(1),
            next: u64::try_from(ROWS).unwrap_or(u64::MAX),
            pen: Pen::new(cluster.charter().chain_id(), Actor::Office(office), keys, 2),
            key: key("series.pem")?,
            of: kind.parse().map_err(|why| HarnessError::bytes("a type", why))?,
        })
    }
}

/// `concord watch`, ended with the test.
struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(desk: &Desk) -> Result<Self> {
        let mut command = Command::new(&programs()?.concord);
        command.args([
            "watch",
            "--office",
            &desk.office,
            "--journals",
            ".",
            "--from",
            "1",
            "--json",
        ]);
        command.args(["--node", &desk.node, "--also"]).args(&desk.others);
        command
            .current_dir(&desk.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().map_err(HarnessError::file("concord"))?;
        let printed = child
            .stdout
            .take()
            .ok_or_else(|| HarnessError::bytes("standard output", "none"))?;
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(printed).lines().map_while(std::result::Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// The next thing it tells of this kind.
    fn next(&mut self, event: &str) -> Result<Value> {
        loop {
            let line = self.lines.recv_timeout(TOLD_WITHIN);
            let line = line.map_err(|why| HarnessError::bytes(format!("{event:?} of concord watch"), why))?;
            let told: Value = serde_json::from_str(&line).map_err(|why| HarnessError::bytes("JSON", why))?;
            let kind = told.get("event").and_then(Value::as_str);
            if kind == Some(event) {
                return Ok(told);
            }
            claim(kind != Some("alarm"), || format!("no alarm before {event}: {told}"))?;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, and is waited for all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn expect(cluster: &Cluster, certificate: &Certificate, height: Height, expected: Verdict) -> Result {
    let found = verdict(certificate, &bundle(cluster, 1, height)?);
    let id = certificate.credential.credential().id;
    claim(found == expected, || format!("{id} is {expected:?} and not {found:?}"))
}

/// The command line that an alarm gives, with the office's keys in it.
fn told_command(alarm: &Value, name: &str) -> Result<Vec<String>> {
    let told = alarm[name].as_str().ok_or_else(|| HarnessError::bytes(name, alarm))?;
    let words = told.split(' ').skip(1);
    Ok(words
        .map(|word| match word {
            "KEY1" => "one.pem".to_owned(),
            "KEY2" => "two.pem".to_owned(),
            word => word.to_owned(),
        })
        .collect())
}

fn journal_of(dir: &Path) -> bool {
    dir.join("series.pem.journal").exists()
}

#[test]
fn a_theft_is_heard_of_within_two_seconds_and_the_series_frozen_within_five_and_what_the_office_issued_stays_valid()
-> Result {
    let mut cluster = Cluster::start(Options::default())?;
    let desk = Desk::open(&cluster)?;
    let own = desk.issue()?;
    claim(journal_of(&desk.dir), || "the issue is in the journal".to_owned())?;
    let mut watch = Watch::start(&desk)?;
    watch.next("watching")?;
    // The node that tells first is killed: the others do.
    cluster.node_mut(0)?.kill()?;

    let api = cluster.api(1)?.clone();
    let mut book = desk.stolen(&cluster)?;
    let stolen = sign(cluster.charter(), &mut book)?;
    let began = Instant::now();
    let submitted = api.submit(stolen.record.bytes())?;
    claim(matches!(submitted, Submitted::Accepted(_)), || {
        format!("the keys are good, so the thief's issue is taken: {submitted:?}")
    })?;
    let id = stolen.record.id().to_string();
    let alarm = watch.next("alarm")?;
    let heard = began.elapsed();
    claim(
        alarm["record"] == id.as_str() && alarm["kind"] == "unknown-issue",
        || format!("the alarm is about record {id}: {alarm}"),
    )?;
    claim(heard < ALARM_WITHIN, || {
        format!("the alarm comes within 2 s: {heard:?}")
    })?;

    let freeze = told_command(&alarm, "freeze")?;
    let freeze: Vec<&str> = freeze.iter().map(String::as_str).collect();
    desk.concord(&freeze)?;
    let frozen = began.elapsed();
    claim(frozen < FROZEN_WITHIN, || {
        format!("the series is frozen within 5 s: {frozen:?}")
    })?;
    println!("theft to alarm {heard:?}, to a sealed freeze {frozen:?}");

    // The thief goes on, and gets nothing more onto the ledger.
    let stolen = certificate(&api, stolen)?;
    let more = sign(cluster.charter(), &mut book)?;
    let refused = api.submit(more.record.bytes())?;
    claim(format!("{refused:?}").contains("SERIES_FROZEN"), || {
        format!("nothing more is issued from a frozen series: {refused:?}")
    })?;
    let revoke = told_command(&alarm, "revoke")?;
    let revoke: Vec<&str> = revoke.iter().map(String::as_str).collect();
    desk.concord(&revoke)?;
    // Sealed where the command sent it, which need not be the node asked here: one of them may be a block behind.
    let heights = (1..cluster.charter().regions.len()).map(|node| Ok(cluster.api(node)?.status()?.height));
    let height = Height(
        heights
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .max()
            .unwrap_or_default(),
    );
    expect(&cluster, &stolen, height, Verdict::Revoked)?;
    for certificate in &own {
        expect(&cluster, certificate, height, Verdict::Valid)?;
    }
    drop(watch);
    cluster.restart(0)?;
    cluster.finish()
}
