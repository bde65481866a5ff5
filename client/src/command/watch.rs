//! `concord watch`: tells an office of every record under its series that its own journals do not know.

mod alarm;

use super::{Done, Failure, Shared, access, show};
use clap::Args;
use concord_client::transport::Node;
use concord_client::watch::{Finding, Follower, Journals, News, Position, WatchError, Watcher};
use concord_spec::charter::Charter;
use concord_spec::id::{Height, OfficeId};
use serde_json::{Value, json};
use std::path::PathBuf;
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
/// With --json, one object a line: "event" is "alarm", "notice", "watching", or "blind" while nothing can be watched: no node
/// answers, none hands over a block that one tells of, or there has been no new block for too long.
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
    /// Check from this block on [default: where the last run ended; the first run begins with the last block]
    #[arg(long, value_name = "HEIGHT")]
    from: Option<Height>,
    /// Say that nothing is watched when there is no new block for so many seconds [default: two heartbeats of the charter and 5 s]
    #[arg(long, value_name = "SECONDS")]
    silence: Option<u64>,
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
            heard: Instant::now(),
            judged: Instant::now(),
            behind: None,
            blind: false,
            said: String::new(),
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
    /// When a node last told of a block.
    heard: Instant,
    /// When a block was last judged.
    judged: Instant,
    /// Since when blocks are known of that were not judged.
    behind: Option<Instant>,
    /// Whether it was said that nothing is watched.
    blind: bool,
    /// What was last said of a node that handed over what does not hold.
    said: String,
    alarms: u64,
}

impl Desk<'_> {
    fn watch(&mut self, follower: &Follower) -> Done {
        // Why each node does not answer.
        let mut gone: Vec<Option<String>> = vec![None; self.nodes.len()];
        loop {
            let patience = if self.is_behind() {
                RETRY
            } else {
                BLIND.min(self.silence())
            };
            match follower.next(patience) {
                Some(News::Block { node, height }) => {
                    if let Some(gone) = gone.get_mut(node) {
                        *gone = None;
                    }
                    self.heard = Instant::now();
                    if let Some(code) = self.catch_up(node, height)? {
                        return Ok(code);
                    }
                }
                Some(News::Gone { node, error }) => {
                    if let Some(gone) = gone.get_mut(node) {
                        *gone = Some(error.to_string());
                    }
                    if self.options.once && gone.iter().all(Option::is_some) {
                        return Err(error.into());
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
            self.tell_sight(&gone)?;
        }
    }

    /// Says when nothing can be watched, and when that is over.
    fn tell_sight(&mut self, gone: &[Option<String>]) -> Result<(), Failure> {
        let since = self.behind.unwrap_or_else(Instant::now);
        self.behind = self.is_behind().then_some(since);
        let stuck = since.max(self.judged).elapsed() >= BLIND;
        let why = if let (Some(Some(error)), true) = (gone.last(), gone.iter().all(Option::is_some))
            && self.heard.elapsed() >= BLIND
        {
            Some(format!("no node answers ({error})"))
        } else if stuck {
            Some(format!("a node tells of block {}, and none hands it over", self.latest))
        } else if self.judged.elapsed() >= self.silence() {
            Some(format!("no new block for {} s", self.judged.elapsed().as_secs()))
        } else {
            None
        };
        if why.is_some() == self.blind {
            return Ok(());
        }
        self.blind = why.is_some();
        match why {
            Some(why) => self.say(
                "blind",
                &format!("NOTHING IS WATCHED: {why}; trying again"),
                json!({"error": why}),
            ),
            None => {
                let height = self
                    .watcher
                    .as_ref()
                    .map_or(self.latest, |watcher| watcher.position().height);
                self.say(
                    "watching",
                    &format!("watching again, at block {height}"),
                    json!({"height": height}),
                )
            }
        }
    }

    /// After how long without a new block it is said that nothing is watched.
    fn silence(&self) -> Duration {
        let heartbeat = Duration::from_millis(self.charter.parameters.heartbeat_ms);
        let own = self.options.silence.map(Duration::from_secs);
        own.unwrap_or_else(|| heartbeat.saturating_mul(2).saturating_add(BLIND))
    }

    /// Where watching begins.
    fn begin(&mut self, node: usize, height: Height) -> Result<(), Failure> {
        if self.watcher.is_some() {
            return Ok(());
        }
        let chain_id = self.charter.chain_id();
        let saved = Position::read(&self.state, &chain_id)?;
        let first = self.options.from.is_none() && saved.is_none();
        let before = |height: Height| Position {
            chain_id,
            height: Height(height.0.saturating_sub(1)),
            hash: None,
        };
        let at = match (self.options.from, saved) {
            (Some(Height(0 | 1)), _) => Position::beginning(chain_id),
            (Some(from), _) => before(from),
            (None, Some(saved)) => saved,
            (None, None) => before(height),
        };
        let Some(node) = self.nodes.get(node).cloned() else {
            return Ok(());
        };
        let known = self.unwatched(&node)?;
        let Some(journals) = self.journals.take() else {
            return Ok(());
        };
        let next = at.height.0.saturating_add(1);
        let mut watcher = Watcher::new(&self.charter, self.options.office.clone(), journals, at)?;
        // A height that a node says is a beginning only if the block is there and sealed.
        let findings = match first.then(|| watcher.step(&node)) {
            None => Vec::new(),
            Some(Ok(Some(findings))) => findings,
            Some(other) => {
                self.journals = Some(watcher.into_journals());
                return match other {
                    Err(error) if self.options.once => Err(error.into()),
                    Err(error) => {
                        show::remark(&format!("{}: {error}", node.base()));
                        Ok(())
                    }
                    Ok(_) => Ok(()),
                };
            }
        };
        self.watcher = Some(watcher);
        self.judged = Instant::now();
        let words = format!(
            "watching the series of office {} from block {next} on{known}",
            self.options.office
        );
        self.say("watching", &words, json!({"office": self.options.office, "from": next}))?;
        findings.iter().try_for_each(|finding| self.tell(&node, finding))
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
        if self.watcher.is_none() {
            return Ok(None);
        }
        self.latest = self.latest.max(height);
        loop {
            let Some(watcher) = &mut self.watcher else {
                return Ok(None);
            };
            if watcher.position().height >= height {
                break;
            }
            let (node, findings) = match next_block(watcher, &self.nodes, told_by, &mut self.said) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) if self.options.once => return Err(error.into()),
                // It is tried again soon, from the same place.
                Err(_) => break,
            };
            self.judged = Instant::now();
            self.said.clear();
            for finding in &findings {
                self.tell(&node, finding)?;
            }
            if !findings.is_empty() || self.saved.elapsed() >= SAVE_EVERY {
                self.save()?;
            }
            if self.options.exit_on_alarm && self.alarms > 0 {
                break;
            }
        }
        if self.options.exit_on_alarm && self.alarms > 0 {
            self.save()?;
            return Ok(Some(ALARM));
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

    fn say(&self, event: &str, words: &str, mut object: Value) -> Result<(), Failure> {
        if let Value::Object(fields) = &mut object {
            fields.insert("event".to_owned(), json!(event));
        }
        show::answer(self.shared, words, &object)
    }
}

/// The next block from the node that told of it, or else from another, judged; the last error where none hands it over.
/// What was said last is not said again.
fn next_block(
    watcher: &mut Watcher,
    nodes: &[Node],
    told_by: usize,
    said: &mut String,
) -> Result<Option<(Node, Vec<Finding>)>, WatchError> {
    let mut last = None;
    for node in nodes.iter().cycle().skip(told_by).take(nodes.len()) {
        match watcher.step(node) {
            Ok(Some(findings)) => return Ok(Some((node.clone(), findings))),
            Ok(None) => {}
            Err(error) => {
                let remark = format!("{}: {error}", node.base());
                if *said != remark {
                    show::remark(&remark);
                    *said = remark;
                }
                last = Some(error);
            }
        }
    }
    last.map_or(Ok(None), Err)
}
