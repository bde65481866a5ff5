//! `concord type`: credential types of a region.

use super::access::{self, Passphrase};
use super::{Done, Shared, show};
use clap::Subcommand;
use concord_client::desk::definition::TypeDefinition;
use concord_client::desk::{content, statement};
use concord_client::keys;
use concord_spec::record::{Action, Actor};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Define a type, or its next version: its region's authority signs
    Define {
        /// The definition (TOML), such as drivers-licence.type.toml
        file: PathBuf,
        /// Key files of the region's authority, as many as its keyring wants
        #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
        region_key: Vec<PathBuf>,
        /// The charter, from a source you trust
        #[arg(long, value_name = "FILE")]
        charter: Option<PathBuf>,
        #[command(flatten)]
        passphrase: Passphrase,
    },
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let Self::Define {
            file,
            region_key,
            charter,
            passphrase,
        } = self;
        let definition = TypeDefinition::read(&file)?;
        let node = shared.node()?;
        let region_keys = passphrase.open_all(&region_key)?;
        let charter = access::charter(charter.as_deref(), &node)?;
        let region = access::region_of(&charter, &region_keys)?;
        let actor = Actor::Region(region.region.clone());
        let signers = keys::signers(&region.authority, &region_keys, &actor)?;
        let of = content::in_region(&definition, &region.region)?;
        let (reference, chain_id) = (of.reference.clone(), charter.chain_id());
        let now = access::later_of_clocks(&node, &chain_id)?;
        let record = statement::sign(chain_id, now, actor, Action::DefineType(Box::new(of)), &signers);
        let answer = access::record(&node, &record)?;
        let height = answer.height.map_or(0, |height| height.0);
        let words = format!("type {reference} is defined (block {height})");
        let object = json!({"type": reference.id, "version": reference.version, "height": height, "record": answer.id});
        show::answer(shared, &words, &object)?;
        Ok(0)
    }
}
