//! `concord type`: credential types, of regions, domain authorities and the federation.

use super::ledger::Ledger;
use super::signing::{DomainKeys, RegionKeys, Signing};
use super::{Done, Failure, Shared, show, told};
use clap::Subcommand;
use concord_client::desk::content;
use concord_client::desk::definition::TypeDefinition;
use concord_client::desk::size::{self, Size};
use concord_spec::catalogue::{TypeRef, label};
use concord_spec::credential::Issuer;
use concord_spec::id::{ChainName, Height, OfficeCode, OfficeId, RegionId, TypeId};
use concord_spec::ledger::CatalogueEntry;
use concord_spec::ledger::standing::Offices;
use concord_spec::record::{Action, Actor};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

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
    /// Tell how large the codes of a type become at worst, before it is defined: nothing is signed
    ///
    /// Computed from the definition: every text at its longest, in batches of 16 and of 64 credentials. Over 1,000 bytes a
    /// certificate gets no full code; tighter claims, and a table of bounds in the definition, make it smaller.
    Size {
        /// The definition (TOML)
        file: PathBuf,
        /// Regions of the federation [default: as many as are in force now]
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
        regions: Option<u16>,
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
            } => define(shared, &file, &region, &domain, &signing),
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
            Self::Size { file, regions } => {
                let definition = TypeDefinition::read(&file)?;
                let sizes = match regions {
                    Some(regions) => size::worst_case(
                        &definition,
                        longest_name(&definition)?,
                        &longest_issuer(None, None)?,
                        usize::from(regions),
                    ),
                    None => sizes(&definition, &longest_name(&definition)?, &Ledger::look(shared)?, None)?,
                };
                for (size, words) in sizes.iter().zip(sizes_in_words(&sizes)) {
                    show::answer(shared, &words, &json!(size))?;
                }
                Ok(0)
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

fn define(shared: &Shared, file: &Path, region: &RegionKeys, domain: &DomainKeys, signing: &Signing) -> Done {
    let definition = TypeDefinition::read(file)?;
    let ledger = signing.ledger(shared)?;
    let speaker = match domain.speaker(signing)? {
        Some(speaker) => speaker,
        None => region.speaker(&ledger, signing)?,
    };
    let of = content::owned_by(&definition, &owner(&speaker.actor)?)?;
    let reference = of.reference.clone();
    let sizes = sizes(&definition, &reference.id, &ledger, speaker.actor.region())?;
    if !shared.json {
        sizes_in_words(&sizes).iter().for_each(|line| show::remark(line));
    }
    let object = json!({"type": reference.id, "version": reference.version, "worst_case": sizes});
    let words = format!("type {reference} is defined");
    signing.act(shared, &ledger, &speaker, Action::DefineType(Box::new(of)), |_| {
        Ok((words, object))
    })
}

/// What the names of an actor's types begin with.
fn owner(actor: &Actor) -> Result<String, Failure> {
    match actor {
        Actor::Region(region) => Ok(region.to_string()),
        Actor::Domain(domain) => Ok(domain.to_string()),
        Actor::Office(_) | Actor::Nobody => Err(Failure::Usage("regions and domain authorities own types".to_owned())),
    }
}

/// The longest names of chains, regions and offices that there can be.
const LONGEST_CHAIN: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
const LONGEST_REGION: &str = "xxxxxxxxxxxx";
const LONGEST_OFFICE: &str = "XXXXXXXXXXXXXXXXXX";

/// The type under the longest name that an owner can give it.
fn longest_name(definition: &TypeDefinition) -> Result<TypeId, Failure> {
    Ok(content::owned_by(definition, LONGEST_REGION)?.reference.id)
}

/// An issuer on this chain and in this region, where they are known; else with the longest names.
fn longest_issuer(chain: Option<ChainName>, region: Option<&RegionId>) -> Result<Issuer, Failure> {
    let chain = match chain {
        Some(chain) => chain,
        None => ChainName::new(LONGEST_CHAIN)?,
    };
    let region = match region {
        Some(region) => region.clone(),
        None => RegionId::new(LONGEST_REGION)?,
    };
    let office = OfficeId::new(region, OfficeCode::new(LONGEST_OFFICE)?);
    Ok(Issuer { chain, office })
}

/// What certificates of a type take up at worst in this federation, where only a region's offices issue it in that region.
fn sizes(
    definition: &TypeDefinition,
    id: &TypeId,
    ledger: &Ledger,
    region: Option<&RegionId>,
) -> Result<[Size; 2], Failure> {
    let next = Height(ledger.height.0.saturating_add(1));
    let regions = ledger.federation().region_set_at(next);
    let regions = regions.map_or(1, |regions| regions.members().len());
    let issuer = longest_issuer(Some(ChainName::new(&ledger.node.status()?.chain)?), region)?;
    Ok(size::worst_case(definition, id.clone(), &issuer, regions))
}

fn sizes_in_words(sizes: &[Size]) -> Vec<String> {
    let words = |size: &Size| {
        let code = match size.code_version {
            Some(version) => format!("a code of version {version}"),
            None => "more than any code holds".to_owned(),
        };
        let full = if size.gets_full_code() {
            ""
        } else {
            ": over 1,000 bytes, so NO FULL CODE at its longest; shorten claims or set [bounds]"
        };
        format!(
            "at worst, in batches of {} (of {} records in a block): {} bytes, {code}{full}",
            size.batch, size.records, size.certificate
        )
    };
    sizes.iter().map(words).collect()
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
