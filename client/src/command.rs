//! `concord NOUN VERB`: what the command line offers; the documentation here is the help text.

mod access;
mod audit;
mod bundle;
mod card;
mod charter;
mod demo;
mod failure;
mod inspect;
mod issue;
mod key;
mod ledger;
mod office;
mod present;
mod proposal;
mod recognition;
mod record;
mod region;
mod renew;
mod series;
pub(crate) mod show;
mod signing;
mod status;
mod told;
mod r#type;
mod verify;
mod watch;

pub(crate) use failure::Failure;

use clap::{Args, Parser, Subcommand};
use concord_client::transport::Node;

/// How a command ends: its exit code, or why it could not do what it should.
type Done = Result<u8, Failure>;

const EXIT_CODES: &str = "\
Exit codes:
  0   done; for verify: VALID
  1   verify: NOT GENUINE, REVOKED, ANNULLED (red)
  2   wrong usage
  3   verify: VALID ON DATA FROM, NOT SHOWN RECORDED, HOLDER NOT SHOWN, UNKNOWN (amber)
  4   verify: UNREADABLE, NEEDS NEWER SOFTWARE (grey)
  5   verify: EXPIRED, NOT YET VALID, SUSPENDED, SUPERSEDED, NOT RECOGNISED (orange)
  6   watch: an alarm, with --once or --exit-on-alarm
  7   audit: a difference was found; the report names it
  10  it could not be done; the message says why and what to do
Of several files, verify gives the worst: red 1, then grey 4, orange 5, amber 3, green 0.";

/// Concord (互认): issue certificates that every region can check offline, and check them.
#[derive(Debug, Parser)]
#[command(name = "concord", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    noun: Noun,
}

/// Options that every command has.
#[derive(Debug, Clone, Args)]
pub(crate) struct Shared {
    /// Answer with JSON on standard output, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The node to talk to, such as http://127.0.0.1:8080
    #[arg(long, global = true, env = "CONCORD_NODE", value_name = "URL")]
    node: Option<String>,
}

impl Shared {
    /// Whether a node was named.
    fn names_node(&self) -> bool {
        self.node.is_some()
    }

    fn node(&self) -> Result<Node, Failure> {
        let missing = "name a node with --node URL or in the environment variable CONCORD_NODE";
        self.node
            .as_deref()
            .map(Node::at)
            .ok_or_else(|| Failure::Usage(missing.to_owned()))
    }
}

#[derive(Debug, Subcommand)]
enum Noun {
    /// Keys of authorities, offices and series
    #[command(subcommand)]
    Key(key::Verb),
    /// Cards: what a region hands over for a charter
    #[command(subcommand)]
    Card(card::Verb),
    /// The charter: the document that defines a federation
    #[command(subcommand)]
    Charter(charter::Verb),
    /// Regions of the federation: their nodes, authorities and observers
    #[command(subcommand)]
    Region(region::Verb),
    /// Changes of the federation, on which its regions vote
    #[command(subcommand)]
    Proposal(proposal::Verb),
    /// Issuing offices, in levels
    #[command(subcommand)]
    Office(office::Verb),
    /// Credential types of regions, domain authorities and the federation
    #[command(subcommand)]
    Type(r#type::Verb),
    /// Which region accepts which credentials of which other
    #[command(subcommand)]
    Recognition(recognition::Verb),
    /// Numbered books of credentials
    #[command(subcommand)]
    Series(series::Verb),
    /// Issue every row of a sheet (CSV): sign, record, and release certificates
    Issue(issue::Issue),
    /// Status of credentials
    #[command(subcommand)]
    Status(status::Verb),
    /// Records: files that go from hand to hand to be signed, and what became of those handed in
    #[command(subcommand)]
    Record(record::Verb),
    /// Trust bundles: what a verifier carries
    #[command(subcommand)]
    Bundle(bundle::Verb),
    /// Verify certificates offline, with nothing but a trust bundle
    Verify(verify::Verify),
    /// Show a certificate with fewer claims, or bound to a verifier's nonce: for its holder
    Present(present::Present),
    /// Give a certificate a new receipt, under the seal of the regions of today: a file, and no code
    Renew(renew::Renew),
    /// Say what is in a file, without judging it
    Inspect(inspect::Inspect),
    /// Audit a ledger: replay it from its charter, believing nobody
    Audit(audit::Command),
    /// Watch an office's series: tell of every record that its own journals do not know
    Watch(watch::Watch),
    /// The whole way once: four regions, an office, a sheet, certificates, and offline verification
    Demo(demo::Demo),
}

impl Cli {
    pub(crate) fn run(self) -> Done {
        let shared = &self.shared;
        match self.noun {
            Noun::Key(verb) => verb.run(shared),
            Noun::Card(verb) => verb.run(shared),
            Noun::Charter(verb) => verb.run(shared),
            Noun::Region(verb) => verb.run(shared),
            Noun::Proposal(verb) => verb.run(shared),
            Noun::Office(verb) => verb.run(shared),
            Noun::Type(verb) => verb.run(shared),
            Noun::Recognition(verb) => verb.run(shared),
            Noun::Series(verb) => verb.run(shared),
            Noun::Issue(command) => command.run(shared),
            Noun::Status(verb) => verb.run(shared),
            Noun::Record(verb) => verb.run(shared),
            Noun::Bundle(verb) => verb.run(shared),
            Noun::Verify(command) => command.run(shared),
            Noun::Present(command) => command.run(shared),
            Noun::Renew(command) => command.run(shared),
            Noun::Inspect(command) => command.run(shared),
            Noun::Audit(command) => command.run(shared),
            Noun::Watch(command) => command.run(shared),
            Noun::Demo(command) => command.run(shared),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
