//! `concord proposal`: changes of the federation, on which its regions vote.

mod make;

use super::ledger::Ledger;
use super::signing::{RegionKeys, Signing};
use super::{Done, Failure, Shared, show, told};
use clap::{Args, Subcommand};
use concord_spec::id::{Height, RegionId};
use concord_spec::ledger::Proposal;
use concord_spec::ledger::standing::Offices;
use concord_spec::record::{Action, RecordId, Vote};
use serde_json::{Value, json};

/// Fewest digits by which a proposal is named.
const MIN_DIGITS: usize = 8;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Propose a change, and vote for it: the authority of a region in force signs
    ///
    /// It takes effect two blocks after more than two thirds of the regions in force have voted for it. Votes count for 30 days.
    #[command(subcommand)]
    Make(make::Make),
    /// Vote on a proposal; a later vote of the region takes the place of its earlier one: the region's authority signs
    Vote(Voting),
    /// The proposals that may be voted on, and the changes that have passed and wait for their block
    List,
    /// Say all that a proposal would change, and how the regions have voted
    Show {
        /// Its id, or at least the first 8 digits
        #[arg(value_name = "PROPOSAL", value_parser = parse_prefix)]
        proposal: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Voting {
    /// Its id, or at least the first 8 digits
    #[arg(value_name = "PROPOSAL", value_parser = parse_prefix)]
    proposal: String,
    #[command(flatten)]
    side: Side,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

/// For or against; exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Side {
    /// Vote for it
    #[arg(long)]
    approve: bool,
    /// Vote against it
    #[arg(long)]
    refuse: bool,
}

fn parse_prefix(text: &str) -> Result<String, String> {
    let digits = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if digits && (MIN_DIGITS..=64).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "a proposal is named by {MIN_DIGITS} to 64 lower-case hexadecimal digits of its id"
    ))
}

/// The open proposal whose id begins so.
fn find<'a>(ledger: &'a Ledger, prefix: &str) -> Result<&'a Proposal, Failure> {
    let all = ledger.federation().proposals.iter();
    let mut found = all.filter(|proposal| proposal.id.to_string().starts_with(prefix));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(Failure::Usage(format!(
            "several proposals begin with {prefix}; give more digits"
        ))),
        (None, _) => Err(Failure::Cannot(format!(
            "no proposal {prefix} is open; it has passed, failed, or was never made. See: concord proposal list"
        ))),
    }
}

/// How many votes of the regions in force it takes, and which regions those are.
fn quorum(ledger: &Ledger) -> Result<(usize, Vec<RegionId>), Failure> {
    let next = Height(ledger.height.0.saturating_add(1));
    let regions = ledger.federation().region_set_at(next);
    let regions = regions.map_err(|error| Failure::Cannot(format!("the node knows no regions in force: {error}")))?;
    let ids = regions.members().iter().map(|member| member.region.clone()).collect();
    Ok((regions.quorum(), ids))
}

fn object(proposal: &Proposal, quorum: usize, in_force: &[RegionId]) -> Value {
    let told = told::change(&proposal.change);
    let details: Vec<Value> = told
        .details
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let voted = |region: &&RegionId| proposal.approvals.contains(region) || proposal.refusals.contains(region);
    let silent: Vec<&RegionId> = in_force.iter().filter(|region| !voted(region)).collect();
    json!({
        "proposal": proposal.id,
        "proposer": proposal.proposer,
        "change": proposal.change.name(),
        "does": told.sentence,
        "details": details,
        "open_until_ms": proposal.open_until,
        "approvals": proposal.approvals,
        "refusals": proposal.refusals,
        "silent": silent,
        "needed": quorum,
    })
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Make(make) => make.run(shared),
            Self::Vote(voting) => voting.run(shared),
            Self::List => list(shared),
            Self::Show { proposal } => {
                let ledger = Ledger::look(shared)?;
                let found = find(&ledger, &proposal)?;
                let (quorum, in_force) = quorum(&ledger)?;
                let object = object(found, quorum, &in_force);
                show::answer(shared, &words(found, quorum, &object), &object)?;
                Ok(0)
            }
        }
    }
}

fn joined(value: &Value) -> String {
    let all: Vec<&str> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}

fn words(proposal: &Proposal, quorum: usize, object: &Value) -> String {
    let told = told::change(&proposal.change);
    let mut text = format!("proposal {}\n  {}", proposal.id, told.sentence);
    let votes = [
        ("proposed by", proposal.proposer.to_string()),
        ("for", joined(&object["approvals"])),
        ("against", joined(&object["refusals"])),
        ("silent", joined(&object["silent"])),
        ("needed", format!("{quorum} votes of regions in force")),
        ("open until", show::time(proposal.open_until)),
    ];
    let votes = votes.into_iter().map(|(name, value)| (name.to_owned(), value));
    for (name, value) in told.details.into_iter().chain(votes) {
        text.push_str(&format!("\n  {name:<12}  {value}"));
    }
    text
}

fn list(shared: &Shared) -> Done {
    let ledger = Ledger::look(shared)?;
    let (quorum, in_force) = quorum(&ledger)?;
    let federation = ledger.federation();
    let open: Vec<&Proposal> = federation
        .proposals
        .iter()
        .filter(|proposal| proposal.open_until >= ledger.time)
        .collect();
    if open.is_empty() && federation.scheduled.is_empty() && !shared.json {
        show::line("no proposals are open, and no change is waiting for its block")?;
    }
    for proposal in open {
        let short: String = proposal.id.to_string().chars().take(12).collect();
        let (approvals, refusals) = (proposal.approvals.len(), proposal.refusals.len());
        let words = format!(
            "{short}  {}\n              {approvals} for, {refusals} against, {quorum} needed; open until {}",
            told::change(&proposal.change).sentence,
            show::time(proposal.open_until)
        );
        show::answer(shared, &words, &object(proposal, quorum, &in_force))?;
    }
    for scheduled in &federation.scheduled {
        let does = told::change(&scheduled.change).sentence;
        let words = format!("passed: from block {} on: {does}", scheduled.at);
        let object = json!({"scheduled": scheduled.change.name(), "does": does, "at": scheduled.at});
        show::answer(shared, &words, &object)?;
    }
    Ok(0)
}

/// What became of a proposal after a vote on it, as the node knows it now.
fn outcome(ledger: &Ledger, id: &RecordId) -> Result<(String, &'static str), Failure> {
    let federation = ledger.node.federation()?;
    let (quorum, _) = quorum(ledger)?;
    Ok(match federation.proposals.iter().find(|proposal| proposal.id == *id) {
        Some(open) => (
            format!(
                "{} for, {} against, {quorum} needed",
                open.approvals.len(),
                open.refusals.len()
            ),
            "open",
        ),
        None => (
            "it is decided; see: concord region list, concord proposal list".to_owned(),
            "decided",
        ),
    })
}

impl Voting {
    fn run(self, shared: &Shared) -> Done {
        let ledger = self.signing.ledger(shared)?;
        let proposal = find(&ledger, &self.proposal)?;
        let (id, does) = (proposal.id, told::change(&proposal.change).sentence);
        let (region, speaker) = self.region.region(&ledger, &self.signing)?;
        let approve = self.side.approve;
        let side = if approve { "for" } else { "against" };
        show::remark(&format!("region {region} votes {side}: {does}"));
        let action = Action::Vote(Vote { proposal: id, approve });
        self.signing.act(shared, &ledger, &speaker, action, |_| {
            let (now, state) = outcome(&ledger, &id)?;
            let words = format!("region {region} has voted {side} proposal {id}: {now}");
            Ok((
                words,
                json!({"proposal": id, "region": region, "approve": approve, "state": state}),
            ))
        })
    }
}
