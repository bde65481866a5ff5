//! `concord office`: issuing offices.

use super::access::{self, Passphrase};
use super::{Done, Failure, Shared, show};
use clap::{Args, Subcommand};
use concord_client::desk::statement;
use concord_client::keys;
use concord_spec::catalogue::Label;
use concord_spec::id::{OfficeCode, OfficeId, TypeId};
use concord_spec::key::Keyring;
use concord_spec::record::{Action, Actor, OfficeLevel, RegisterOffice, Scope};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Register an office: its region's authority signs
    Register(Register),
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Key files of the region's authority, as many as its keyring wants
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    region_key: Vec<PathBuf>,
    /// The office's code within the region: a unified social credit code fits
    #[arg(long, value_name = "CODE")]
    office: OfficeCode,
    /// Its name in Chinese
    #[arg(long, value_name = "NAME")]
    name_zh: String,
    /// Its name in English
    #[arg(long, value_name = "NAME")]
    name_en: Option<String>,
    /// Its public keys (64 hexadecimal digits), or their key files
    #[arg(long, value_name = "KEY", required = true, num_args = 1..)]
    key: Vec<String>,
    /// How many of the keys sign: exactly so many
    #[arg(long, value_name = "K", default_value_t = 1)]
    threshold: usize,
    /// The types it may issue
    #[arg(long = "type", value_name = "TYPE", required = true, num_args = 1..)]
    types: Vec<TypeId>,
    /// Minutes by which its clocks are ahead of UTC: legal days are counted there
    #[arg(long, value_name = "MINUTES", default_value_t = 480, allow_negative_numbers = true)]
    utc_offset: i64,
    /// The charter, from a source you trust
    #[arg(long, value_name = "FILE")]
    charter: Option<PathBuf>,
    #[command(flatten)]
    passphrase: Passphrase,
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Register(register) => register.run(shared),
        }
    }
}

impl Register {
    fn run(self, shared: &Shared) -> Done {
        let node = shared.node()?;
        let region_keys = self.passphrase.open_all(&self.region_key)?;
        let public = self.key.iter().map(|key| access::public_key(key, &self.passphrase));
        let keyring = Keyring::new(self.threshold, public.collect::<Result<_, _>>()?)?;
        let charter = access::charter(self.charter.as_deref(), &node)?;
        let region = access::region_of(&charter, &region_keys)?;
        let actor = Actor::Region(region.region.clone());
        let signers = keys::signers(&region.authority, &region_keys, &actor)?;
        let office = OfficeId::new(region.region.clone(), self.office.clone());
        let action = Action::RegisterOffice(RegisterOffice {
            code: self.office,
            labels: labels(&self.name_zh, self.name_en.as_deref())?,
            keyring,
            level: OfficeLevel::Province,
            scope: Scope::of_types(self.types),
            utc_offset_minutes: self.utc_offset,
        });
        let chain_id = charter.chain_id();
        let now = access::later_of_clocks(&node, &chain_id)?;
        let answer = access::record(&node, &statement::sign(chain_id, now, actor, action, &signers))?;
        let height = answer.height.map_or(0, |height| height.0);
        let words = format!("office {office} is registered (block {height})");
        show::answer(
            shared,
            &words,
            &json!({"office": office, "height": height, "record": answer.id}),
        )?;
        Ok(0)
    }
}

/// Names in Chinese and English; at most 128 bytes each (DESIGN 4.9).
fn labels(zh: &str, en: Option<&str>) -> Result<Vec<Label>, Failure> {
    let label = |language: &str, text: &str| {
        if (1..=128).contains(&text.len()) && !text.chars().any(char::is_control) {
            return Ok(Label {
                language: language.to_owned(),
                text: text.to_owned(),
            });
        }
        Err(Failure::Usage(format!("a name has 1 to 128 bytes: {text:?}")))
    };
    std::iter::once(label("zh", zh))
        .chain(en.map(|en| label("en", en)))
        .collect()
}
