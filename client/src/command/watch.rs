//! `concord watch`: tells an office of every record under its series that its own journals do not know.

use super::{Done, Failure, Shared, access, show, told};
use clap::Args;
use concord_client::transport::Node;
use concord_client::watch::{Finding, Follower, Journals, News, Position, WatchError, Watcher, Weight};
use concord_spec::charter::Charter;
use concord_spec::id::{Height, Number, OfficeId};
use concord_spec::record::{Action, Issue};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Exit code of an alarm.
const ALARM: u8 = 6;
/// After so long without a node that answers, it is said that nothing is watched.
const BLIND: Duration = Duration::from_secs(5);
/// How soon a block that no node handed over is asked for again.
const RETRY: Duration = Duration::from_millis(250);
/// How often the file with the position is written at most, when there is nothing to tell.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Watch an office's series: tell, within a block, of every record that its own journals do not know
///
/// Everything that `concord issue` hands in is in the journal of its series first; so an issue that no journal knows was made
/// by somebody else who holds the office's keys. Each alarm comes with the one command that freezes the series. Changes of
/// status and freezes by the office itself are known when they were made with --journal. What the office's region or a domain
/// authority does to its series is told too, marked as theirs.
///
/// Blocks are believed by their seals, from the charter on, whichever node hands them over; of several nodes one that answers
/// is enough. The last block seen is kept in a file, and the next run goes on from there: nothing is missed between.
///
/// With --json, one object a line: "event" is "alarm", "notice", "watching", or "blind" while no node answers.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The office, written region/code
    #[arg(long, value_name = "REGION/CODE")]
    office: OfficeId,
    /// Journals of its series; those beside the series' keys, with .journal at their ends
    #[arg(long, value_name = "FILE", num_args = 1..)]
    journal: Vec<PathBuf>,
    /// Directories with journals: every file with .journal at its end, those too that come later
    #[arg(long, value_name = "DIR", num_args = 1..)]
    journals: Vec<PathBuf>,
    /// Further nodes to follow, beside --node
    #[arg(long, value_name = "URL", num_args = 1..)]
    also: Vec<String>,
    /// The file that says how far was watched [default: watch-REGION-CODE.json]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Check from this block on [default: where the last run ended; the first run begins with the next block]
    #[arg(long, value_name = "HEIGHT")]
    from: Option<Height>,
    /// Check up to the last block and stop; exit code 6 if there was an alarm
    #[arg(long)]
    once: bool,
    /// Stop at the first alarm, with exit code 6
    #[arg(long, conflicts_with = "once")]
    exit_on_alarm: bool,
    /// Run this command (by sh) at every alarm, with the alarm as JSON on its standard input
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// The charter, from a source you trust
    #[arg(long, value_name = "FILE")]
    charter: Option<PathBuf>,
}

impl Watch {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let mut nodes = if shared.names_node() {
            vec![shared.node()?]
        } else {
            Vec::new()
        };
        nodes.extend(self.also.iter().map(|url| Node::at(url)));
        if nodes.is_empty() {
            // Says what to give.
            shared.node()?;
        }
        let charter = self.known_charter(&nodes)?;
        let chain_id = charter.chain_id();
        let journals = Journals::open(&self.journal, &self.journals, chain_id)?;
        let state = self
            .state
            .clone()
            .unwrap_or_else(|| PathBuf::from(format!("watch-{}-{}.json", self.office.region, self.office.code)));
        let follower = Follower::start(&nodes, chain_id);
        let mut desk = Desk {
            watcher: None,
            options: &self,
            shared,
            charter,
            journals: Some(journals),
            nodes,
            state,
            saved: Instant::now(),
            latest: Height(0),
            alarms: 0,
        };
        desk.watch(&follower)
    }

    /// The charter from the file, or else of the first node that answers.
    fn known_charter(&self, nodes: &[Node]) -> Result<Charter, Failure> {
        if let Some(path) = &self.charter {
            return Ok(access::signed_charter(path)?.into_charter());
        }
        let mut last = None;
        for node in nodes {
            match access::charter(None, node) {
                Ok(charter) => return Ok(charter),
                Err(failure) => last = Some(failure),
            }
        }
        Err(last.unwrap_or_else(|| Failure::Usage("name a node: --node URL".to_owned())))
    }
}

/// A watch under way.
struct Desk<'a> {
    /// None until a node has said where the ledger is.
    watcher: Option<Watcher>,
    options: &'a Watch,
    shared: &'a Shared,
    charter: Charter,
    journals: Option<Journals>,
    nodes: Vec<Node>,
    state: PathBuf,
    saved: Instant,
    /// Height of the latest block that a node told of.
    latest: Height,
    alarms: u64,
}

impl Desk<'_> {
    fn watch(&mut self, follower: &Follower) -> Done {
        let mut heard = Instant::now();
        let mut blind = false;
        let mut gone = vec![false; self.nodes.len()];
        loop {
            let patience = if self.is_behind() { RETRY } else { BLIND };
            match follower.next(patience) {
                Some(News::Block { node, height }) => {
                    if let Some(gone) = gone.get_mut(node) {
                        *gone = false;
                    }
                    heard = Instant::now();
                    if std::mem::take(&mut blind) {
                        self.say(
                            "watching",
                            &format!("a node answers again, at block {height}"),
                            json!({"height": height}),
                        )?;
                    }
                    if let Some(code) = self.catch_up(node, height)? {
                        return Ok(code);
                    }
                }
                Some(News::Gone { node, error }) => {
                    if let Some(gone) = gone.get_mut(node) {
                        *gone = true;
                    }
                    if self.options.once && gone.iter().all(|gone| *gone) {
                        return Err(error.into());
                    }
                    if gone.iter().all(|gone| *gone) && !blind && heard.elapsed() >= BLIND {
                        blind = true;
                        let words = format!("NOTHING IS WATCHED: no node answers ({error}); trying again");
                        self.say("blind", &words, json!({"error": error.to_string()}))?;
                    }
                }
                // Nodes say something at each block; what none of them handed over is asked for again before that.
                None if self.is_behind() => {
                    if let Some(code) = self.catch_up(0, self.latest)? {
                        return Ok(code);
                    }
                }
                None => {}
            }
        }
    }

    /// Where watching begins.
    fn begin(&mut self, node: usize, height: Height) -> Result<(), Failure> {
        if self.watcher.is_some() {
            return Ok(());
        }
        let chain_id = self.charter.chain_id();
        let saved = Position::read(&self.state, &chain_id)?;
        let at = match (self.options.from, saved) {
            (Some(Height(0 | 1)), _) => Position::beginning(chain_id),
            (Some(from), _) => Position {
                chain_id,
                height: Height(from.0.saturating_sub(1)),
                hash: None,
            },
            (None, Some(saved)) => saved,
            (None, None) => Position {
                chain_id,
                height,
                hash: None,
            },
        };
        let known = self.nodes.get(node).map(|node| self.unwatched(node)).transpose()?;
        let Some(journals) = self.journals.take() else {
            return Ok(());
        };
        let next = at.height.0.saturating_add(1);
        self.watcher = Some(Watcher::new(&self.charter, self.options.office.clone(), journals, at)?);
        let words = format!(
            "watching the series of office {} from block {next} on{}",
            self.options.office,
            known.unwrap_or_default()
        );
        self.say("watching", &words, json!({"office": self.options.office, "from": next}))
    }

    /// What has no journal here, in words; the office must be registered.
    fn unwatched(&self, node: &Node) -> Result<String, Failure> {
        let office = &self.options.office;
        let directory = node.directory(&office.region)?;
        let directory = directory.filter(|directory| directory.office(&office.code).is_some());
        let unknown = || Failure::Cannot(format!("office {office} is not registered; is it written region/code?"));
        let directory = directory.ok_or_else(unknown)?;
        let with = self.journals.as_ref().map(Journals::series).unwrap_or_default();
        let own = directory.series.iter().filter(|series| series.office == office.code);
        let open = own.filter(|series| series.frozen.is_none() && series.closed.is_none());
        let without: Vec<String> = open
            .filter(|series| !with.contains(&series.id))
            .map(|series| series.id.to_string())
            .collect();
        if without.is_empty() {
            return Ok(String::new());
        }
        Ok(format!(
            "; of series {} there is no journal here: every issue from it is an alarm (--journal, --journals)",
            without.join(", ")
        ))
    }

    /// Whether blocks are known of that were not judged yet: no node handed them over.
    fn is_behind(&self) -> bool {
        self.watcher
            .as_ref()
            .is_some_and(|watcher| watcher.position().height < self.latest)
    }

    /// Judges every block up to `height`; gives the exit code when watching is over.
    fn catch_up(&mut self, told_by: usize, height: Height) -> Result<Option<u8>, Failure> {
        self.begin(told_by, height)?;
        self.latest = self.latest.max(height);
        loop {
            let Some(watcher) = &mut self.watcher else {
                return Ok(None);
            };
            if watcher.position().height >= height {
                break;
            }
            let (node, findings) = match next_block(watcher, &self.nodes, told_by) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) if self.options.once => return Err(error.into()),
                // It is tried again soon, from the same place.
                Err(_) => break,
            };
            for finding in &findings {
                self.tell(&node, finding)?;
            }
            if !findings.is_empty() || self.saved.elapsed() >= SAVE_EVERY {
                self.save()?;
            }
            if self.options.exit_on_alarm && self.alarms > 0 {
                return Ok(Some(ALARM));
            }
        }
        if self.saved.elapsed() >= SAVE_EVERY {
            self.save()?;
        }
        if self.options.once {
            self.save()?;
            return Ok(Some(if self.alarms > 0 { ALARM } else { 0 }));
        }
        Ok(None)
    }

    fn save(&mut self) -> Result<(), Failure> {
        self.saved = Instant::now();
        match &self.watcher {
            Some(watcher) => Ok(watcher.position().write(&self.state)?),
            None => Ok(()),
        }
    }

    fn tell(&mut self, node: &Node, finding: &Finding) -> Result<(), Failure> {
        let weight = finding.kind.weight();
        let payload = finding.record.payload();
        let does = told::sentence(&payload.action);
        let mut object = json!({
            "kind": finding.kind.name(),
            "office": self.options.office,
            "by": payload.actor.to_string(),
            "does": does,
            "series": finding.series,
            "record": finding.record.id(),
            "height": finding.height,
            "seen_ms": show::now(),
        });
        let mut words = format!("block {}: {} {does}", finding.height, payload.actor);
        match weight {
            Weight::Notice => self.say("notice", &words, object),
            Weight::Alarm => {
                self.alarms = self.alarms.saturating_add(1);
                let commands = self.commands(node, finding);
                for (name, command) in &commands {
                    words.push_str(&format!("\n  to {name}:  {command}"));
                    if let Value::Object(fields) = &mut object {
                        fields.insert((*name).to_owned(), json!(command));
                    }
                }
                self.say(
                    "alarm",
                    &format!("ALARM, no journal of the office knows this record: {words}"),
                    object.clone(),
                )?;
                if let Some(command) = &self.options.exec {
                    run(command, &object);
                }
                Ok(())
            }
        }
    }

    /// The commands that stop the harm: freeze the series, revoke what was issued.
    fn commands(&self, node: &Node, finding: &Finding) -> Vec<(&'static str, String)> {
        let Some(series) = finding.series else {
            return Vec::new();
        };
        let need = self.threshold(node).unwrap_or(1);
        let keys: Vec<String> = match need {
            1 => vec!["KEY".to_owned()],
            _ => (1..=need).map(|number| format!("KEY{number}")).collect(),
        };
        let keys = keys.join(" ");
        let base = node.base();
        let mut commands = vec![(
            "freeze",
            format!("concord series freeze {series} --office-key {keys} --node {base}"),
        )];
        if let Action::Issue(Issue { first, count, .. }) = &finding.record.payload().action {
            let last = Number(first.0.saturating_add(*count).saturating_sub(1));
            commands.push((
                "revoke",
                format!(
                    "concord status set {series} {first}-{last} --revoke --reason key-compromise --office-key {keys} --node {base}"
                ),
            ));
        }
        commands
    }

    /// How many keys of the office sign; an alarm does not wait for a node that does not answer.
    fn threshold(&self, node: &Node) -> Option<usize> {
        let registered = node.office(&self.options.office).ok()??;
        Some(registered.keyring.threshold())
    }

    fn say(&self, event: &str, words: &str, mut object: Value) -> Result<(), Failure> {
        if let Value::Object(fields) = &mut object {
            fields.insert("event".to_owned(), json!(event));
        }
        show::answer(self.shared, words, &object)
    }
}

/// The next block from the node that told of it, or else from another, judged; the last error where none hands it over.
fn next_block(
    watcher: &mut Watcher,
    nodes: &[Node],
    told_by: usize,
) -> Result<Option<(Node, Vec<Finding>)>, WatchError> {
    let mut last = None;
    for node in nodes.iter().cycle().skip(told_by).take(nodes.len()) {
        match watcher.step(node) {
            Ok(Some(findings)) => return Ok(Some((node.clone(), findings))),
            Ok(None) => {}
            Err(error) => {
                show::remark(&format!("{}: {error}", node.base()));
                last = Some(error);
            }
        }
    }
    last.map_or(Ok(None), Err)
}

/// Runs a command with the alarm on its standard input, and does not wait for it: the next alarm may come.
fn run(command: &str, object: &Value) {
    let spawned = Command::new("sh").arg("-c").arg(command).stdin(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return show::remark(&format!("the command {command:?} cannot be run: {error}")),
    };
    let (text, command) = (format!("{object}\n"), command.to_owned());
    std::thread::spawn(move || {
        if let Some(mut input) = child.stdin.take() {
            // A command that does not read its input is none the worse for it.
            let _ = input.write_all(text.as_bytes());
        }
        match child.wait() {
            Ok(status) if status.success() => {}
            Ok(status) => show::remark(&format!("the command {command:?} ended with {status}")),
            Err(error) => show::remark(&format!("the command {command:?} was lost: {error}")),
        }
    });
}
