//! `concord type`: credential types, of regions, domain authorities and the federation.

use super::ledger::Ledger;
use super::signing::{DomainKeys, RegionKeys, Signing};
use super::{Done, Failure, Shared, show, told};
use clap::Subcommand;
use concord_client::desk::content;
use concord_client::desk::definition::TypeDefinition;
use concord_spec::catalogue::{TypeRef, label};
use concord_spec::ledger::CatalogueEntry;
use concord_spec::record::{Action, Actor};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Define a type, or its next version: its region's authority signs, or its domain authority (--domain)
    ///
    /// Types of the federation are defined by vote: concord proposal make type FILE
    Define {
        /// The definition (TOML), such as drivers-licence.type.toml
        file: PathBuf,
        #[command(flatten)]
        region: RegionKeys,
        #[command(flatten)]
        domain: DomainKeys,
        #[command(flatten)]
        signing: Signing,
    },
    /// No more issues of a version of a type; what is on the ledger stands: its owner signs
    ///
    /// Types of the federation are closed by vote: concord proposal make close-type TYPE/VERSION
    Close {
        /// The type and its version, written type/version
        #[arg(value_name = "TYPE/VERSION")]
        of: TypeRef,
        #[command(flatten)]
        region: RegionKeys,
        #[command(flatten)]
        domain: DomainKeys,
        #[command(flatten)]
        signing: Signing,
    },
    /// Say all that a version of a type defines
    Show {
        /// The type and its version, written type/version
        #[arg(value_name = "TYPE/VERSION")]
        of: TypeRef,
    },
    /// Every version of every type
    List,
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Define {
                file,
                region,
                domain,
                signing,
            } => {
                let definition = TypeDefinition::read(&file)?;
                let ledger = signing.ledger(shared)?;
                let speaker = match domain.speaker(&signing)? {
                    Some(speaker) => speaker,
                    None => region.speaker(&ledger, &signing)?,
                };
                let of = content::owned_by(&definition, &owner(&speaker.actor)?)?;
                let reference = of.reference.clone();
                let object = json!({"type": reference.id, "version": reference.version});
                let words = format!("type {reference} is defined");
                signing.act(shared, &ledger, &speaker, Action::DefineType(Box::new(of)), |_| {
                    Ok((words, object))
                })
            }
            Self::Close {
                of,
                region,
                domain,
                signing,
            } => {
                let ledger = signing.ledger(shared)?;
                let speaker = match domain.speaker(&signing)? {
                    Some(speaker) => speaker,
                    None => region.speaker(&ledger, &signing)?,
                };
                let object = json!({"type": of.id, "version": of.version});
                let words = format!("type {of} is closed");
                signing.act(shared, &ledger, &speaker, Action::CloseType(of), |_| {
                    Ok((words, object))
                })
            }
            Self::Show { of } => {
                let ledger = Ledger::look(shared)?;
                let catalogue = ledger.node.catalogue()?;
                let undefined = || Failure::Cannot(format!("type {of} is not defined; see: concord type list"));
                let entry = catalogue.entry(&of).ok_or_else(undefined)?;
                show::answer(shared, &words(entry), &object(entry))?;
                Ok(0)
            }
            Self::List => {
                let catalogue = Ledger::look(shared)?.node.catalogue()?;
                if catalogue.types.is_empty() && !shared.json {
                    show::line("no types are defined")?;
                }
                for entry in &catalogue.types {
                    show::answer(shared, &line(entry), &object(entry))?;
                }
                Ok(0)
            }
        }
    }
}

/// What the names of an actor's types begin with.
fn owner(actor: &Actor) -> Result<String, Failure> {
    match actor {
        Actor::Region(region) => Ok(region.to_string()),
        Actor::Domain(domain) => Ok(domain.to_string()),
        Actor::Office(_) | Actor::Nobody => Err(Failure::Usage("regions and domain authorities own types".to_owned())),
    }
}

fn line(entry: &CatalogueEntry) -> String {
    let closed = entry
        .closed
        .map_or_else(String::new, |height| format!("  CLOSED at block {height}"));
    let definition = &entry.definition;
    format!("{}  {}{closed}", definition.reference, label(&definition.labels, "zh"))
}

fn words(entry: &CatalogueEntry) -> String {
    let mut text = line(entry);
    for (name, value) in told::definition(&entry.definition) {
        text.push_str(&format!("\n  {name:<12}  {value}"));
    }
    format!("{text}\n  {:<12}  block {}", "since", entry.since)
}

fn object(entry: &CatalogueEntry) -> Value {
    let definition = &entry.definition;
    json!({
        "type": definition.reference.id,
        "version": definition.reference.version,
        "owner": definition.reference.id.owner(),
        "labels": definition.labels,
        "claims": definition.claims,
        "classification": definition.classification,
        "since": entry.since,
        "closed": entry.closed,
    })
}
