//! `concord series`: numbered books of credentials.

use super::access::{self, Passphrase};
use super::{Done, Failure, Shared, show};
use clap::{Args, Subcommand};
use concord_client::desk::statement;
use concord_client::keys;
use concord_client::transport::Node;
use concord_spec::catalogue::TypeRef;
use concord_spec::digest::Digest;
use concord_spec::id::OfficeId;
use concord_spec::key::SecretKey;
use concord_spec::record::{Action, Actor, OpenSeries, SignedRecord};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Open a series: the office's keyring signs
    Open(Open),
}

#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The office, written region/code
    #[arg(long, value_name = "REGION/CODE")]
    office: OfficeId,
    /// Key files of the office, as many as its keyring wants
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    office_key: Vec<PathBuf>,
    /// The type and its version, written type/version
    #[arg(long = "type", value_name = "TYPE/VERSION")]
    of: TypeRef,
    /// The desk that issues from it, at most 64 bytes
    #[arg(long, value_name = "NAME")]
    desk: String,
    /// The series' own key: its public key (64 hexadecimal digits) or its key file
    #[arg(long, value_name = "KEY")]
    series_key: String,
    /// The charter, from a source you trust
    #[arg(long, value_name = "FILE")]
    charter: Option<PathBuf>,
    #[command(flatten)]
    passphrase: Passphrase,
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Open(open) => open.run(shared),
        }
    }
}

impl Open {
    fn run(self, shared: &Shared) -> Done {
        if !(1..=64).contains(&self.desk.len()) || self.desk.chars().any(char::is_control) {
            return Err(Failure::Usage("the name of a desk has 1 to 64 bytes".to_owned()));
        }
        let node = shared.node()?;
        let office_keys = self.passphrase.open_all(&self.office_key)?;
        let key = access::public_key(&self.series_key, &self.passphrase)?;
        let chain_id = access::charter(self.charter.as_deref(), &node)?.chain_id();
        let action = Action::OpenSeries(OpenSeries {
            of: self.of,
            desk: self.desk,
            key,
        });
        let record = by_office(&node, &chain_id, &self.office, &office_keys, action)?;
        let answer = access::record(&node, &record)?;
        let height = answer.height.map_or(0, |height| height.0);
        let strange = || Failure::Cannot("the node did not say which series was opened".to_owned());
        let series = answer.series.ok_or_else(strange)?;
        let words = format!("series {series} is open (block {height})");
        show::answer(
            shared,
            &words,
            &json!({"series": series, "height": height, "record": answer.id}),
        )?;
        Ok(0)
    }
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
