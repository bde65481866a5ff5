//! `concord charter`: the charter that the regions make together.

use super::access::{self, Passphrase};
use super::{Done, Failure, Shared, card, show};
use clap::{Args, Subcommand};
use concord_client::files;
use concord_spec::charter::card::Card;
use concord_spec::charter::signed::SignedCharter;
use concord_spec::charter::{Charter, CharterRegion, DEFAULT_HEARTBEAT_MS, Parameters};
use concord_spec::id::{ChainName, UnixMillis};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Put a charter together from the cards of all regions; nobody has signed it then
    Assemble(Assemble),
    /// Say what a charter holds, its fingerprint in words, and which regions have signed it
    Show {
        /// The charter
        file: PathBuf,
        #[command(flatten)]
        told: Told,
    },
    /// Sign a charter for your region, after comparing its fingerprint with the other regions
    Sign(Sign),
    /// Put the signatures of several copies of one charter together
    Merge {
        /// The copies
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// File to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// Assemble
#[derive(Debug, Args)]
pub(crate) struct Assemble {
    /// The cards, each signed by its region's authority
    #[arg(required = true)]
    cards: Vec<PathBuf>,
    /// Name of the chain
    #[arg(long, value_name = "NAME")]
    chain: ChainName,
    /// When the federation begins, such as 2026-11-24T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    genesis: Option<jiff::Timestamp>,
    /// Longest time without a block, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = DEFAULT_HEARTBEAT_MS)]
    heartbeat_ms: u64,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Sign
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The charter; the signatures are put into it
    file: PathBuf,
    /// The card that your region handed over: it must stand in the charter unchanged
    #[arg(long, value_name = "FILE")]
    card: PathBuf,
    /// Key files of your region's authority; those whose keys lie elsewhere sign too, and `charter merge` puts all together
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    key: Vec<PathBuf>,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    passphrase: Passphrase,
}

/// What another region read out.
#[derive(Debug, Args)]
pub(crate) struct Told {
    /// The fingerprint as another region read it out: 12 words, of which the first four letters are enough
    #[arg(long, value_name = "WORDS")]
    words: Option<String>,
}

impl Told {
    fn compare(&self, charter: &Charter) -> Result<(), Failure> {
        let Some(words) = &self.words else { return Ok(()) };
        let compared = charter.fingerprint().compare(words);
        compared.map_err(|why| Failure::Cannot(why.to_string()))
    }
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let (file, charter) = match self {
            Self::Assemble(assemble) => assemble.run()?,
            Self::Show { file, told } => {
                let charter = access::signed_charter(&file)?;
                told.compare(charter.charter())?;
                (file, charter)
            }
            Self::Sign(sign) => sign.run()?,
            Self::Merge { files, output } => {
                let merged = merge(&files)?;
                files::replace(&output, &merged.to_bytes())?;
                (output, merged)
            }
        };
        show::answer(shared, &words(&file, &charter), &object(&file, &charter))?;
        Ok(0)
    }
}

impl Assemble {
    fn run(self) -> Result<(PathBuf, SignedCharter), Failure> {
        let cards: Vec<Card> = self
            .cards
            .iter()
            .map(|path| card::read(path))
            .collect::<Result<_, _>>()?;
        let genesis = self.genesis.map_or_else(|| Ok(show::now()), since_1970)?;
        let parameters = Parameters {
            heartbeat_ms: self.heartbeat_ms,
        };
        let assembled = Charter::assemble(self.chain, genesis, parameters, cards);
        let charter = assembled.map_err(|why| Failure::Cannot(why.to_string()))?;
        let unsigned = SignedCharter::new(charter).map_err(|why| Failure::Cannot(why.to_string()))?;
        files::replace(&self.output, &unsigned.to_bytes())?;
        Ok((self.output, unsigned))
    }
}

fn since_1970(time: jiff::Timestamp) -> Result<UnixMillis, Failure> {
    let ms = u64::try_from(time.as_millisecond()).map(UnixMillis);
    ms.map_err(|_| Failure::Usage(format!("{time} is before 1970")))
}

impl Sign {
    fn run(self) -> Result<(PathBuf, SignedCharter), Failure> {
        let mut charter = access::signed_charter(&self.file)?;
        let own = card::read(&self.card)?;
        let region = own.region().region.clone();
        let Some(there) = charter.charter().region(&region) else {
            return Err(Failure::Cannot(format!(
                "region {region} is not in the charter {}: have it assembled again with your card",
                self.file.display()
            )));
        };
        let differing = differing(own.region(), there);
        if !differing.is_empty() {
            return Err(Failure::Cannot(format!(
                "the charter {} has another {} of region {region} than your card {}: do not sign it, have it assembled again",
                self.file.display(),
                differing.join(", another "),
                self.card.display()
            )));
        }
        self.told.compare(charter.charter())?;
        for key in self.passphrase.open_all(&self.key)? {
            let signed = charter.sign(&region, &key);
            signed.map_err(|why| Failure::about(&self.file, &why))?;
        }
        files::replace(&self.file, &charter.to_bytes())?;
        Ok((self.file, charter))
    }
}

/// What differs between two descriptions of a region.
fn differing(one: &CharterRegion, other: &CharterRegion) -> Vec<&'static str> {
    let parts = [
        ("name", one.labels != other.labels),
        ("authority", one.authority != other.authority),
        ("vote key", one.consensus_key != other.consensus_key),
        ("seal key", one.seal_key != other.seal_key),
        ("proof of possession", one.possession != other.possession),
        ("peer id", one.peer_id != other.peer_id),
        ("address", one.addresses != other.addresses),
    ];
    let differ = parts.into_iter().filter(|(_, differs)| *differs);
    differ.map(|(part, _)| part).collect()
}

fn merge(files: &[PathBuf]) -> Result<SignedCharter, Failure> {
    let mut merged: Option<SignedCharter> = None;
    for path in files {
        let copy = access::signed_charter(path)?;
        match &mut merged {
            None => merged = Some(copy),
            Some(merged) => merged.merge(&copy).map_err(|why| Failure::about(path, &why))?,
        }
    }
    merged.ok_or_else(|| Failure::Usage("name the copies".to_owned()))
}

fn words(file: &Path, signed: &SignedCharter) -> String {
    let charter = signed.charter();
    let mut text = format!("{}: charter of chain {}", file.display(), charter.chain);
    let mut put = |name: &str, value: &dyn std::fmt::Display| text.push_str(&format!("\n  {name:<12}  {value}"));
    put("fingerprint", &charter.fingerprint());
    put("chain id", &charter.chain_id());
    put("genesis", &show::time(charter.genesis));
    put("heartbeat", &format!("{} ms", charter.parameters.heartbeat_ms));
    let missing = signed.missing();
    for region in &charter.regions {
        let lacks = missing.iter().find(|(id, _)| **id == region.region);
        let signed = match lacks {
            None => "signed".to_owned(),
            Some((_, lacks)) => format!("NOT SIGNED, {lacks} missing"),
        };
        put(
            region.region.as_str(),
            &format!("{signed}; {}", card::region_line(region)),
        );
    }
    let next = if missing.is_empty() {
        "Every region has signed: put it into each node's data directory as charter.cbor."
    } else {
        "Each region reads the fingerprint out to the others, then signs: concord charter sign FILE --card CARD --key KEY"
    };
    format!("{text}\n{next}")
}

fn object(file: &Path, signed: &SignedCharter) -> Value {
    let charter = signed.charter();
    let regions = charter.regions.iter().map(|region| {
        let mut object = card::region_object(region);
        if let Some(object) = object.as_object_mut() {
            let by = signed.signatures(&region.region).iter().map(|one| one.key);
            object.insert("signed_by".to_owned(), json!(by.collect::<Vec<_>>()));
            object.insert("signed".to_owned(), json!(signed.is_signed_by(&region.region)));
        }
        object
    });
    let unsigned = signed.missing().into_iter().map(|(region, _)| region);
    json!({
        "file": file.display().to_string(),
        "chain": charter.chain,
        "chain_id": charter.chain_id(),
        "fingerprint": charter.fingerprint().to_string(),
        "genesis_ms": charter.genesis,
        "heartbeat_ms": charter.parameters.heartbeat_ms,
        "regions": regions.collect::<Vec<_>>(),
        "not_signed": unsigned.collect::<Vec<_>>(),
    })
}
