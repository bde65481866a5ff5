//! `concord bundle`: trust bundles, what a verifier carries.

mod export;
mod take;
mod words;

pub(super) use take::{Asked, pull};

use super::{Done, Failure, Shared, show};
use clap::{Args, Subcommand};
use concord_client::files;
use concord_spec::bundle::{Checkpoint, Held, MAX_BUNDLE, Selection, TrustBundle, TrustedState};
use concord_spec::digest::Digest;
use concord_spec::id::{RegionId, TypeId, UnixMillis};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Fetch what changed from a node, check it whole, and only then put it in the place of what is there
    ///
    /// Without a bundle at hand, and where a node cannot say what changed since, the whole is fetched.
    Pull {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        trust: Trust,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Take a bundle or a delta from a file or a web server, check it whole, and only then put it in the place of what is there
    Apply {
        /// A file, or an address that begins with http:// or https://
        source: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        trust: Trust,
    },
    /// Say what is in a bundle: of which chain and height it is, how old, of which types and regions
    Show {
        /// The bundle; without it, the one that is kept
        #[arg(value_name = "FILE", env = "CONCORD_BUNDLE")]
        file: Option<PathBuf>,
    },
    /// Write a bundle for another device, from the one at hand or, with --since or --extends, from a node
    Export(export::Export),
}

/// Where the bundle is kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Where it is kept; without it, in the user's data directory
    #[arg(short, long = "output", value_name = "FILE", env = "CONCORD_BUNDLE")]
    output: Option<PathBuf>,
}

/// What the device trusts, besides what it holds.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Trust {
    /// The charter, from a source you trust
    #[arg(long, value_name = "FILE")]
    charter: Option<PathBuf>,
    /// A block of the chain, from a source you trust, which the bundle must continue (`concord bundle show` tells it)
    #[arg(long, value_name = "HEIGHT:HASH")]
    checkpoint: Option<Checkpoint>,
    /// Take a bundle of a lower height than the one at hand: what was revoked since is then forgotten
    #[arg(long)]
    go_back_to_a_lower_height: bool,
    /// Take this as the time (RFC 3339): for tests
    #[arg(long, value_name = "TIME", value_parser = show::parse_time, hide = true)]
    now: Option<UnixMillis>,
}

impl Trust {
    /// A charter alone.
    pub(super) fn of_charter(charter: PathBuf) -> Self {
        Self {
            charter: Some(charter),
            ..Self::default()
        }
    }
}

/// Which types and regions.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Chosen {
    /// Only these types, with commas between them; without it, those of the bundle at hand, or all
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    types: Option<Vec<TypeId>>,
    /// Only these regions, with commas between them; without it, those of the bundle at hand, or all
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    regions: Option<Vec<RegionId>>,
    /// All types and all regions, where the bundle at hand has only some
    #[arg(long, conflicts_with_all = ["types", "regions"])]
    everything: bool,
}

impl Chosen {
    /// What is chosen; `None` where nothing is said.
    fn selection(&self) -> Result<Option<Selection>, Failure> {
        if self.everything {
            return Ok(Some(Selection::all()));
        }
        if self.types.is_none() && self.regions.is_none() {
            return Ok(None);
        }
        let types = self.types.clone().map(|types| types.into_iter().collect());
        let regions = self.regions.clone().map(|regions| regions.into_iter().collect());
        let chosen = Selection::of(types, regions);
        let too_many = || Failure::Usage("too many types or regions; leave --types or --regions away".to_owned());
        Ok(Some(chosen.ok_or_else(too_many)?))
    }
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Pull { place, trust, chosen } => {
                let output = place_made(place.output)?;
                let asked = Asked {
                    trust,
                    selection: chosen.selection()?,
                };
                let taken = pull(&shared.node()?, &output, &asked)?;
                answer(shared, &output, &taken)?;
            }
            Self::Apply { source, place, trust } => {
                let output = place_made(place.output)?;
                let taken = take::apply(&source, &output, &trust)?;
                answer(shared, &output, &taken)?;
            }
            Self::Show { file } => {
                let file = kept(file)?;
                let held = held(&file, None)?;
                show::answer(shared, &words::words(&held), &words::object(&file, &held))?;
            }
            Self::Export(export) => export.run(shared)?,
        }
        Ok(0)
    }
}

fn answer(shared: &Shared, output: &Path, taken: &take::Taken) -> Result<(), Failure> {
    let (file, what) = (output.display(), taken.what.as_str());
    let words = format!("{file}: {what}\n{}", words::words(&taken.held));
    let mut object = words::object(output, &taken.held);
    if let Some(fields) = object.as_object_mut() {
        fields.insert("taken".to_owned(), taken.what.code().into());
    }
    show::answer(shared, &words, &object)
}

/// The bundle that is named, or else the one that is kept, which must be there.
pub(super) fn kept(said: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let named = said.is_some();
    let place = place(said)?;
    if named || place.exists() {
        return Ok(place);
    }
    Err(Failure::Usage(format!(
        "no trust bundle is kept in {}: fetch one with `concord bundle pull`, or name one",
        place.display()
    )))
}

/// Where a bundle is kept unless it is said.
fn place(said: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(said) = said {
        return Ok(said);
    }
    let named = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let data = named("XDG_DATA_HOME").or_else(|| Some(named("HOME")?.join(".local").join("share")));
    let unknown = || Failure::Usage("name the trust bundle with --bundle FILE or in CONCORD_BUNDLE".to_owned());
    Ok(data.ok_or_else(unknown)?.join("concord").join("trust.bundle"))
}

/// As [`place`], its directory made where nobody said where it is.
fn place_made(said: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let make = said.is_none();
    let place = place(said)?;
    if let Some(directory) = place.parent().filter(|_| make) {
        std::fs::create_dir_all(directory).map_err(files::FileError::system(directory))?;
    }
    Ok(place)
}

/// Opens a bundle and checks it whole, against `chain` or else against the chain it is of itself.
pub(super) fn open(file: &Path, chain: Option<Digest>) -> Result<TrustedState, Failure> {
    Ok(held(file, chain)?.into_state())
}

/// As [`open`], with what it was made from.
fn held(file: &Path, chain: Option<Digest>) -> Result<Held, Failure> {
    let bytes = files::read(file, MAX_BUNDLE)?;
    let bundle = TrustBundle::from_bytes(&bytes)?;
    let chain = match chain {
        Some(chain) => chain,
        None => bundle.chain_id()?,
    };
    Ok(Held::of(bundle, &chain)?)
}
