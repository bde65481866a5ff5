//! `concord proposal make`: one subcommand a change.

use super::outcome;
use crate::command::office::{keyring, labels};
use crate::command::signing::{RegionKeys, Signing};
use crate::command::{Done, Failure, Shared, card, told};
use clap::{Args, Subcommand, ValueEnum};
use concord_client::desk::content;
use concord_client::desk::definition::TypeDefinition;
use concord_spec::catalogue::TypeRef;
use concord_spec::charter::Parameters;
use concord_spec::id::{DomainId, FEDERATION_OWNER, Height, RegionId};
use concord_spec::key::Keyring;
use concord_spec::record::{Action, Actor, Change, Domain, ReplaceKeyring, SucceedRegion, VersionChange, Versioned};
use serde_json::json;
use std::path::PathBuf;

/// Who proposes, and how it is signed.
#[derive(Debug, Args)]
pub(crate) struct Proposing {
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

/// A change.
#[derive(Debug, Subcommand)]
pub(crate) enum Make {
    /// A region joins, as its signed card says; also one that was removed before
    Admit {
        /// Its card, signed by its authority
        #[arg(long, value_name = "FILE")]
        card: PathBuf,
        #[command(flatten)]
        by: Proposing,
    },
    /// A region leaves both quorums until it is reinstated; its offices go on
    Suspend {
        /// The region
        #[arg(value_name = "REGION")]
        subject: RegionId,
        #[command(flatten)]
        by: Proposing,
    },
    /// A suspended region votes and seals again
    Reinstate {
        /// The region
        #[arg(value_name = "REGION")]
        subject: RegionId,
        #[command(flatten)]
        by: Proposing,
    },
    /// A region leaves for good: its authority and offices say nothing more; what they said stands
    Remove {
        /// The region
        #[arg(value_name = "REGION")]
        subject: RegionId,
        #[command(flatten)]
        by: Proposing,
    },
    /// Other parameters
    Parameters {
        /// Longest time without a block, in milliseconds: 1,000 to 3,600,000
        #[arg(long, value_name = "MILLISECONDS")]
        heartbeat_ms: u64,
        #[command(flatten)]
        by: Proposing,
    },
    /// Records or block headers have another version from a height on; nodes that do not know it stop there
    Version {
        /// Of what
        of: Structure,
        /// The version, the present one and one
        #[arg(long, value_name = "N")]
        to: u64,
        /// From which block on
        #[arg(long, value_name = "HEIGHT")]
        from: Height,
        #[command(flatten)]
        by: Proposing,
    },
    /// A domain authority is admitted: it owns types and supervises their credentials in every region
    Domain {
        /// Its name, before the dot of the types it owns
        name: DomainId,
        /// Its name in Chinese
        #[arg(long, value_name = "NAME")]
        name_zh: String,
        /// Its name in English
        #[arg(long, value_name = "NAME")]
        name_en: Option<String>,
        #[command(flatten)]
        keys: Keys,
        #[command(flatten)]
        by: Proposing,
    },
    /// A type, or its next version, that the federation owns
    Type {
        /// The definition (TOML)
        file: PathBuf,
        #[command(flatten)]
        by: Proposing,
    },
    /// No more issues of a version of a type that the federation owns
    CloseType {
        /// The type and its version, written type/version
        #[arg(value_name = "TYPE/VERSION")]
        of: TypeRef,
        #[command(flatten)]
        by: Proposing,
    },
    /// Another keyring in place of one that was lost
    Keyring {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        keys: Keys,
        #[command(flatten)]
        by: Proposing,
    },
    /// A region takes over the offices and series of one that was removed
    SucceedRegion {
        /// The region that is gone
        #[arg(value_name = "REGION")]
        subject: RegionId,
        /// The region in its place
        #[arg(long, value_name = "REGION")]
        successor: RegionId,
        #[command(flatten)]
        by: Proposing,
    },
    /// The rotation of a region's authority keyring that is under way does not come: for a region whose keys were stolen
    CancelRotation {
        /// The region
        #[arg(value_name = "REGION")]
        subject: RegionId,
        #[command(flatten)]
        by: Proposing,
    },
}

/// What has a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Structure {
    /// Records
    Record,
    /// Block headers
    Header,
}

/// A keyring.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// Its public keys (64 hexadecimal digits), or their key files
    #[arg(long, value_name = "KEY", required = true, num_args = 1..)]
    key: Vec<String>,
    /// How many of the keys sign: exactly so many
    #[arg(long, value_name = "K", default_value_t = 1)]
    threshold: usize,
}

impl Keys {
    fn keyring(&self, by: &Proposing) -> Result<Keyring, Failure> {
        keyring(self.threshold, &self.key, &by.signing)
    }
}

/// Whose keyring is replaced; exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// Of this region
    #[arg(long, value_name = "REGION")]
    of_region: Option<RegionId>,
    /// Of this domain authority
    #[arg(long, value_name = "NAME")]
    of_domain: Option<DomainId>,
}

impl Whose {
    fn actor(&self) -> Result<Actor, Failure> {
        let region = self.of_region.clone().map(Actor::Region);
        let domain = self.of_domain.clone().map(Actor::Domain);
        let missing = || Failure::Usage("give --of-region or --of-domain".to_owned());
        region.or(domain).ok_or_else(missing)
    }
}

impl Make {
    pub(super) fn run(self, shared: &Shared) -> Done {
        let (change, by) = self.change()?;
        let ledger = by.signing.ledger(shared)?;
        let (_, speaker) = by.region.region(&ledger, &by.signing)?;
        let (name, does) = (change.name(), told::change(&change).sentence);
        let action = Action::Propose(Box::new(change));
        by.signing.act(shared, &ledger, &speaker, action, |answer| {
            let (now, state) = outcome(&ledger, &answer.id)?;
            let words = format!("proposal {}: {does}\n{now}", answer.id);
            Ok((
                words,
                json!({"proposal": answer.id, "change": name, "does": does, "state": state}),
            ))
        })
    }

    /// The change, and who proposes it.
    fn change(self) -> Result<(Change, Proposing), Failure> {
        Ok(match self {
            Self::Admit { card: file, by } => {
                let complete = card::read(&file)?.complete();
                let card = complete.map_err(|error| Failure::about(&file, &error))?;
                (Change::AdmitRegion(Box::new(card)), by)
            }
            Self::Suspend { subject, by } => (Change::SuspendRegion(subject), by),
            Self::Reinstate { subject, by } => (Change::ReinstateRegion(subject), by),
            Self::Remove { subject, by } => (Change::RemoveRegion(subject), by),
            Self::Parameters { heartbeat_ms, by } => {
                let parameters = Parameters { heartbeat_ms };
                parameters.check()?;
                (Change::SetParameters(parameters), by)
            }
            Self::Version { of, to, from, by } => {
                let subject = match of {
                    Structure::Record => Versioned::Record,
                    Structure::Header => Versioned::Header,
                };
                let change = VersionChange {
                    subject,
                    version: to,
                    from,
                };
                (Change::RaiseVersion(change), by)
            }
            Self::Domain {
                name,
                name_zh,
                name_en,
                keys,
                by,
            } => (domain(name, &name_zh, name_en.as_deref(), &keys, &by)?, by),
            Self::Type { file, by } => {
                let definition = content::owned_by(&TypeDefinition::read(&file)?, FEDERATION_OWNER)?;
                (Change::DefineType(Box::new(definition)), by)
            }
            Self::CloseType { of, by } => (Change::CloseType(of), by),
            Self::Keyring { whose, keys, by } => {
                let body = ReplaceKeyring {
                    of: whose.actor()?,
                    keyring: keys.keyring(&by)?,
                };
                (Change::ReplaceKeyring(body), by)
            }
            Self::SucceedRegion { subject, successor, by } => {
                let body = SucceedRegion {
                    region: subject,
                    successor,
                };
                (Change::SucceedRegion(body), by)
            }
            Self::CancelRotation { subject, by } => (Change::CancelRotation(subject), by),
        })
    }
}

fn domain(name: DomainId, zh: &str, en: Option<&str>, keys: &Keys, by: &Proposing) -> Result<Change, Failure> {
    Ok(Change::AdmitDomain(Domain {
        domain: name,
        labels: labels(zh, en)?,
        keyring: keys.keyring(by)?,
    }))
}
