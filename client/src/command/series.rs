//! `concord series`: numbered books of credentials.

use super::access;
use super::ledger::Ledger;
use super::signing::{OfficeKeys, Signing, Supervisor};
use super::{Done, Failure, Shared, show};
use clap::{Args, Subcommand};
use concord_client::desk::statement;
use concord_client::keys;
use concord_client::transport::Node;
use concord_spec::catalogue::TypeRef;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, OfficeId, SeriesId};
use concord_spec::key::SecretKey;
use concord_spec::ledger::standing;
use concord_spec::record::{Action, Actor, OpenSeries, SignedRecord};
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Open a series: the office's keyring signs
    Open(Open),
    /// Stop a series whose key is no longer safe, for good: nothing more is issued from it, what is on the ledger stands
    ///
    /// The office signs; or, as supervisor, its region (--region-key) or the type's domain authority (--domain).
    Freeze {
        /// The series
        series: SeriesId,
        #[command(flatten)]
        who: Supervisor,
        #[command(flatten)]
        signing: Signing,
    },
    /// Close a series that is full: nothing is wrong with it, nothing more is issued from it; the office signs
    Close {
        /// The series
        series: SeriesId,
        #[command(flatten)]
        keys: OfficeKeys,
        #[command(flatten)]
        signing: Signing,
    },
    /// The series of an office
    List {
        /// The office, written region/code
        office: OfficeId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The office, written region/code
    #[arg(long, value_name = "REGION/CODE")]
    office: OfficeId,
    #[command(flatten)]
    keys: OfficeKeys,
    /// The type and its version, written type/version
    #[arg(long = "type", value_name = "TYPE/VERSION")]
    of: TypeRef,
    /// The desk that issues from it, at most 64 bytes
    #[arg(long, value_name = "NAME")]
    desk: String,
    /// The series' own key: its public key (64 hexadecimal digits) or its key file
    #[arg(long, value_name = "KEY")]
    series_key: String,
    #[command(flatten)]
    signing: Signing,
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Open(open) => open.run(shared),
            Self::Freeze { series, who, signing } => {
                let mut ledger = signing.ledger(shared)?;
                let (_, _, holder) = ledger.series(series)?;
                let speaker = who.speaker(&ledger, holder, &signing)?;
                let words = format!("series {series} is frozen by {}", speaker.actor);
                let object = json!({"series": series, "frozen_by": speaker.actor.to_string()});
                signing.act(shared, &ledger, &speaker, Action::FreezeSeries(series), |_| {
                    Ok((words, object))
                })
            }
            Self::Close { series, keys, signing } => {
                let mut ledger = signing.ledger(shared)?;
                let (_, _, holder) = ledger.series(series)?;
                let speaker = keys.speaker(holder, &signing)?;
                let told = (format!("series {series} is closed"), json!({"series": series}));
                signing.act(shared, &ledger, &speaker, Action::CloseSeries(series), |_| Ok(told))
            }
            Self::List { office } => list(shared, &office),
        }
    }
}

impl Open {
    fn run(self, shared: &Shared) -> Done {
        if !(1..=64).contains(&self.desk.len()) || self.desk.chars().any(char::is_control) {
            return Err(Failure::Usage("the name of a desk has 1 to 64 bytes".to_owned()));
        }
        let key = access::public_key(&self.series_key, &self.signing.passphrase)?;
        let mut ledger = self.signing.ledger(shared)?;
        ledger.require_office(&self.office)?;
        let speaker = self.keys.speaker(self.office, &self.signing)?;
        let action = Action::OpenSeries(OpenSeries {
            of: self.of,
            desk: self.desk,
            key,
        });
        self.signing.act(shared, &ledger, &speaker, action, |answer| {
            let strange = || Failure::Cannot("the node did not say which series was opened".to_owned());
            let series = answer.series.ok_or_else(strange)?;
            Ok((format!("series {series} is open"), json!({"series": series})))
        })
    }
}

/// The series that an office holds.
fn list(shared: &Shared, office: &OfficeId) -> Done {
    let mut ledger = Ledger::look(shared)?;
    ledger.require_office(office)?;
    // What it took over may stand in another region.
    ledger.load_all()?;
    let mut lines: Vec<(String, Value)> = Vec::new();
    for (region, directory) in ledger.directories() {
        let held = directory
            .series
            .iter()
            .filter(|series| standing::series_holder_at(&ledger, region, series, Height(u64::MAX)) == *office);
        for series in held {
            let stopped = match (series.frozen, series.closed) {
                (Some(height), _) => format!(", FROZEN at block {height}"),
                (None, Some(height)) => format!(", closed at block {height}"),
                (None, None) => String::new(),
            };
            let words = format!("{}  {}  {}{stopped}", series.id, series.of, series.desk);
            let object = json!({
                "series": series.id, "region": region, "opened_by": series.office, "type": series.of.to_string(),
                "desk": series.desk, "key": series.key, "since": series.since, "frozen": series.frozen,
                "closed": series.closed,
            });
            lines.push((words, object));
        }
    }
    if lines.is_empty() && !shared.json {
        show::line(&format!("office {office} has no series"))?;
    }
    for (words, object) in lines {
        show::answer(shared, &words, &object)?;
    }
    Ok(0)
}

/// A record of an office, signed with as many of the given keys as its keyring wants.
pub(super) fn by_office(
    node: &Node,
    chain_id: &Digest,
    office: &OfficeId,
    office_keys: &[SecretKey],
    action: Action,
) -> Result<SignedRecord, Failure> {
    let unknown = || Failure::Cannot(format!("office {office} is not registered; register it first"));
    let registered = node.office(office)?.ok_or_else(unknown)?;
    let actor = Actor::Office(office.clone());
    let signers = keys::signers(&registered.keyring, office_keys, &actor)?;
    let now = access::later_of_clocks(node, chain_id)?;
    Ok(statement::sign(*chain_id, now, actor, action, &signers))
}
