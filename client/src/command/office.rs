//! `concord office`: issuing offices, in levels.

mod list;

use super::access;
use super::ledger::Ledger;
use super::signing::{OfficeKeys, RegionKeys, Signing, Speaker};
use super::{Done, Failure, Shared, show, told};
use clap::{Args, Subcommand, ValueEnum};
use concord_spec::catalogue::Label;
use concord_spec::id::{OfficeCode, OfficeId, RegionId, TypeId, UnixMillis};
use concord_spec::key::Keyring;
use concord_spec::record::{
    Action, Actor, AmendOffice, Delegate, OfficeChange, OfficeLevel, RegisterOffice, Scope, SetOffice, SucceedOffice,
};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Register an office: its region's authority signs; or a sub-office: the office above it signs (--parent)
    Register(Box<Register>),
    /// Change what an office is: its name, keyring, types, regions of validity or zone; what is not named stays
    ///
    /// The region's authority signs. Earlier names stay on the ledger with the blocks from which they were in force.
    Amend(Box<Amend>),
    /// Stop an office, and with it its sub-offices, until it is reinstated: the region's authority signs
    Suspend(Standing),
    /// Let a suspended office act again; its sub-offices are then as they were: the region's authority signs
    Reinstate(Standing),
    /// Close an office for good; what it issued stands: the region's authority signs
    Close(Standing),
    /// An office takes the place of another for good, with its series, sub-offices and status power: the region's authority
    /// signs
    Succeed(Succeed),
    /// Let another office issue a type until a time, or no longer: the office that lets it signs
    Delegate(Delegating),
    /// Say what an office is, and whether and why it may not act
    Show {
        /// The office, written region/code
        office: OfficeId,
    },
    /// The offices as a tree, with what stops each
    List {
        /// Of this region only
        #[arg(long = "in", value_name = "REGION")]
        region: Option<RegionId>,
    },
}

/// Where an office stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// 国家
    National,
    /// 省
    Province,
    /// 市
    City,
    /// 县
    County,
}

impl From<Level> for OfficeLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::National => Self::National,
            Level::Province => Self::Province,
            Level::City => Self::City,
            Level::County => Self::County,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The office's code within the region: a unified social credit code fits
    #[arg(long, value_name = "CODE")]
    office: OfficeCode,
    /// The office above it, written region/code: then its keys sign, and the new office gets no more than it has
    #[arg(long, value_name = "REGION/CODE", conflicts_with_all = ["region", "region_key"])]
    parent: Option<OfficeId>,
    /// Where it stands [default: province; below its parent where it has one]
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,
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
    /// The types it may issue; a sub-office only such as its parent may
    #[arg(long = "type", value_name = "TYPE", num_args = 1..)]
    types: Vec<TypeId>,
    /// The regions in which its credentials are valid [default: every region; those of its parent where it has one]
    #[arg(long, value_name = "REGION", num_args = 1..)]
    valid_in: Vec<RegionId>,
    /// Minutes by which its clocks are ahead of UTC: legal days are counted there
    #[arg(long, value_name = "MINUTES", default_value_t = 480, allow_negative_numbers = true)]
    utc_offset: i64,
    #[command(flatten)]
    region: RegionKeys,
    /// Key files of the parent office, as many as its keyring wants; with --out any number of them
    #[arg(long = "parent-key", value_name = "FILE", num_args = 1.., requires = "parent")]
    parent_key: Vec<PathBuf>,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct Amend {
    /// The office, written region/code
    office: OfficeId,
    /// Another name in Chinese
    #[arg(long, value_name = "NAME")]
    name_zh: Option<String>,
    /// Another name in English
    #[arg(long, value_name = "NAME", requires = "name_zh")]
    name_en: Option<String>,
    /// Its public keys from now on, all of them (64 hexadecimal digits), or their key files
    #[arg(long, value_name = "KEY", num_args = 1..)]
    key: Vec<String>,
    /// How many of the keys sign from now on
    #[arg(long, value_name = "K")]
    threshold: Option<usize>,
    /// The types it may issue from now on, all of them
    #[arg(long = "type", value_name = "TYPE", num_args = 1.., conflicts_with = "no_types")]
    types: Vec<TypeId>,
    /// It issues nothing by itself from now on
    #[arg(long)]
    no_types: bool,
    /// The regions in which its credentials are valid from now on, all of them
    #[arg(long, value_name = "REGION", num_args = 1.., conflicts_with = "valid_everywhere")]
    valid_in: Vec<RegionId>,
    /// Its credentials are valid in every region from now on
    #[arg(long)]
    valid_everywhere: bool,
    /// Minutes by which its clocks are ahead of UTC from now on
    #[arg(long, value_name = "MINUTES", allow_negative_numbers = true)]
    utc_offset: Option<i64>,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct Standing {
    /// The office, written region/code
    office: OfficeId,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct Succeed {
    /// The office that is gone, written region/code
    office: OfficeId,
    /// The office in its place, written region/code
    #[arg(long, value_name = "REGION/CODE")]
    by: OfficeId,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct Delegating {
    /// The office that lets the other, written region/code
    #[arg(long, value_name = "REGION/CODE")]
    office: OfficeId,
    /// The office that may issue, written region/code
    #[arg(long, value_name = "REGION/CODE")]
    to: OfficeId,
    /// What it may issue
    #[arg(long = "type", value_name = "TYPE")]
    kind: TypeId,
    /// Until when, included (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = show::parse_time, required_unless_present = "withdraw")]
    until: Option<UnixMillis>,
    /// Take the delegation back
    #[arg(long, conflicts_with = "until")]
    withdraw: bool,
    #[command(flatten)]
    keys: OfficeKeys,
    #[command(flatten)]
    signing: Signing,
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Register(register) => register.run(shared),
            Self::Amend(amend) => amend.run(shared),
            Self::Suspend(standing) => standing.run(shared, OfficeChange::Suspend),
            Self::Reinstate(standing) => standing.run(shared, OfficeChange::Reinstate),
            Self::Close(standing) => standing.run(shared, OfficeChange::Close),
            Self::Succeed(succeed) => succeed.run(shared),
            Self::Delegate(delegate) => delegate.run(shared),
            Self::Show { office } => list::show(shared, &office),
            Self::List { region } => list::list(shared, region.as_ref()),
        }
    }
}

/// Regions of validity, ascending, each once; none named: what `otherwise` says.
fn regions(mut named: Vec<RegionId>, otherwise: Option<Vec<RegionId>>) -> Option<Vec<RegionId>> {
    if named.is_empty() {
        return otherwise;
    }
    named.sort();
    named.dedup();
    Some(named)
}

impl Register {
    fn run(self, shared: &Shared) -> Done {
        let mut ledger = self.signing.ledger(shared)?;
        let keyring = keyring(self.threshold, &self.key, &self.signing)?;
        let (region, level, valid_in, speaker) = match &self.parent {
            Some(parent) => {
                let above = ledger.require_office(parent)?;
                let keys = self.signing.passphrase.open_all(&self.parent_key)?;
                let actor = Actor::Office(parent.clone());
                let level = below(above.level);
                (
                    parent.region.clone(),
                    level,
                    above.scope.regions,
                    Speaker { actor, keys },
                )
            }
            None => {
                let (region, speaker) = self.region.region(&ledger, &self.signing)?;
                (region, OfficeLevel::Province, None, speaker)
            }
        };
        let office = OfficeId::new(region, self.office.clone());
        let mut scope = Scope::of_types(self.types);
        scope.regions = regions(self.valid_in, valid_in);
        let action = Action::RegisterOffice(RegisterOffice {
            code: self.office,
            level: self.level.map_or(level, OfficeLevel::from),
            labels: labels(&self.name_zh, self.name_en.as_deref())?,
            keyring,
            scope,
            utc_offset_minutes: self.utc_offset,
        });
        self.signing.act(shared, &ledger, &speaker, action, |_| {
            Ok((format!("office {office} is registered"), json!({"office": office})))
        })
    }
}

/// The level below another; the lowest stays.
fn below(level: OfficeLevel) -> OfficeLevel {
    match level {
        OfficeLevel::National => OfficeLevel::Province,
        OfficeLevel::Province => OfficeLevel::City,
        OfficeLevel::City | OfficeLevel::County => OfficeLevel::County,
    }
}

/// A keyring of public keys given as text or as key files.
pub(super) fn keyring(threshold: usize, keys: &[String], signing: &Signing) -> Result<Keyring, Failure> {
    let public = keys.iter().map(|key| access::public_key(key, &signing.passphrase));
    Ok(Keyring::new(threshold, public.collect::<Result<_, _>>()?)?)
}

impl Amend {
    fn run(self, shared: &Shared) -> Done {
        let mut ledger = self.signing.ledger(shared)?;
        let present = ledger.require_office(&self.office)?;
        let speaker = self.region.speaker(&ledger, &self.signing)?;
        let labels = self
            .name_zh
            .as_deref()
            .map(|zh| labels(zh, self.name_en.as_deref()))
            .transpose()?;
        let threshold = self.threshold.unwrap_or(present.keyring.threshold());
        let keyring = if !self.key.is_empty() {
            Some(keyring(threshold, &self.key, &self.signing)?)
        } else if self.threshold.is_some() {
            Some(Keyring::new(threshold, present.keyring.keys().to_vec())?)
        } else {
            None
        };
        let types = (!self.types.is_empty() || self.no_types).then_some(self.types);
        let limits = (!self.valid_in.is_empty() || self.valid_everywhere).then(|| regions(self.valid_in, None));
        let scope = (types.is_some() || limits.is_some()).then(|| {
            let mut scope = Scope::of_types(types.unwrap_or(present.scope.types));
            scope.regions = limits.unwrap_or(present.scope.regions);
            scope
        });
        let body = AmendOffice {
            office: self.office,
            labels,
            keyring,
            scope,
            utc_offset_minutes: self.utc_offset,
        };
        if (&body.labels, &body.keyring, &body.scope, body.utc_offset_minutes) == (&None, &None, &None, None) {
            return Err(Failure::Usage(
                "name what changes: --name-zh, --key, --threshold, --type, --valid-in or --utc-offset".to_owned(),
            ));
        }
        let object = json!({"office": body.office});
        say(
            shared,
            &self.signing,
            &ledger,
            &speaker,
            Action::AmendOffice(Box::new(body)),
            object,
        )
    }
}

/// Hands an action in, and says what it did in the words of the record.
fn say(
    shared: &Shared,
    signing: &Signing,
    ledger: &Ledger,
    speaker: &Speaker,
    action: Action,
    object: serde_json::Value,
) -> Done {
    let words = format!("done: {} {}", speaker.actor, told::sentence(&action));
    signing.act(shared, ledger, speaker, action, |_| Ok((words, object)))
}

impl Standing {
    fn run(self, shared: &Shared, change: OfficeChange) -> Done {
        let mut ledger = self.signing.ledger(shared)?;
        ledger.require_office(&self.office)?;
        let speaker = self.region.speaker(&ledger, &self.signing)?;
        let object = json!({"office": self.office, "change": change});
        let office = self.office;
        let action = Action::SetOffice(SetOffice { office, change });
        say(shared, &self.signing, &ledger, &speaker, action, object)
    }
}

impl Succeed {
    fn run(self, shared: &Shared) -> Done {
        let mut ledger = self.signing.ledger(shared)?;
        ledger.require_office(&self.office)?;
        ledger.require_office(&self.by)?;
        let speaker = self.region.speaker(&ledger, &self.signing)?;
        let object = json!({"office": self.office, "successor": self.by});
        let action = Action::SucceedOffice(SucceedOffice {
            office: self.office,
            successor: self.by,
        });
        say(shared, &self.signing, &ledger, &speaker, action, object)
    }
}

impl Delegating {
    fn run(self, shared: &Shared) -> Done {
        let mut ledger = self.signing.ledger(shared)?;
        ledger.require_office(&self.office)?;
        ledger.require_office(&self.to)?;
        let object = json!({"office": self.office, "to": self.to, "type": self.kind, "until_ms": self.until});
        let speaker = self.keys.speaker(self.office, &self.signing)?;
        let action = Action::Delegate(Delegate {
            to: self.to,
            kind: self.kind,
            until: self.until,
        });
        say(shared, &self.signing, &ledger, &speaker, action, object)
    }
}

/// Names in Chinese and English; at most 128 bytes each (DESIGN 4.9).
pub(super) fn labels(zh: &str, en: Option<&str>) -> Result<Vec<Label>, Failure> {
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
