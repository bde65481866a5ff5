//! `concord card`: what a region hands over for a charter.

use super::access::Passphrase;
use super::{Done, Failure, Shared, show};
use clap::Subcommand;
use concord_client::files;
use concord_spec::catalogue::label;
use concord_spec::charter::CharterRegion;
use concord_spec::charter::card::{Card, MAX_CARD};
use concord_spec::key::PublicKey;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say what is on a card, and who of the authority has signed it
    Show {
        /// The card
        file: PathBuf,
    },
    /// Sign a card with keys of the region's authority; those whose keys lie elsewhere sign the same file after you
    ///
    /// Read it first with `concord card show`: who signs it vouches for everything on it.
    Sign {
        /// The card; the signatures are put into it
        file: PathBuf,
        /// Key files of the authority
        #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
        key: Vec<PathBuf>,
        #[command(flatten)]
        passphrase: Passphrase,
    },
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let (file, card) = match self {
            Self::Show { file } => {
                let card = read(&file)?;
                (file, card)
            }
            Self::Sign { file, key, passphrase } => {
                let mut card = read(&file)?;
                for key in passphrase.open_all(&key)? {
                    card.sign(&key).map_err(|why| Failure::about(&file, &why))?;
                }
                files::replace(&file, &card.to_bytes())?;
                (file, card)
            }
        };
        show::answer(shared, &words(&card), &object(&file, &card))?;
        Ok(0)
    }
}

/// A card from its file, each signature on it checked.
pub(super) fn read(path: &Path) -> Result<Card, Failure> {
    Card::from_bytes(&files::read(path, MAX_CARD)?).map_err(|why| Failure::about(path, &why))
}

fn words(card: &Card) -> String {
    let mut text = format!("card of region {}", card.region().region);
    for (name, value) in region(card.region()) {
        text.push_str(&format!("\n  {name:<12}  {value}"));
    }
    for signature in card.signatures() {
        text.push_str(&format!("\n  {:<12}  {}", "signed by", signature.key));
    }
    let next = match card.missing() {
        0 => "signed: hand it to whoever assembles the charter".to_owned(),
        missing => format!("{missing} signatures of the authority are missing: concord card sign FILE --key KEY"),
    };
    format!("{text}\n{next}")
}

/// What a region says of itself, as names and values.
pub(super) fn region(region: &CharterRegion) -> Vec<(&'static str, String)> {
    let mut words = Vec::new();
    for label in &region.labels {
        words.push(("name", format!("{} ({})", label.text, label.language)));
    }
    words.push(("authority", authority(region)));
    for key in region.authority.keys() {
        words.push(("key", key.to_string()));
    }
    words.push(("vote key", region.consensus_key.to_string()));
    words.push(("seal key", region.seal_key.to_string()));
    words.push(("peer id", region.peer_id.clone()));
    for address in &region.addresses {
        words.push(("address", address.multiaddr.clone()));
    }
    words
}

fn authority(region: &CharterRegion) -> String {
    match (region.authority.threshold(), region.authority.keys().len()) {
        (1, 1) => "one key".to_owned(),
        (threshold, keys) => format!("{threshold} of {keys} keys sign"),
    }
}

/// A region in one line, its keys by their beginnings.
pub(super) fn region_line(region: &CharterRegion) -> String {
    let short = |key: &PublicKey| key.to_string().chars().take(8).collect::<String>();
    let keys: Vec<String> = region.authority.keys().iter().map(short).collect();
    let name = label(&region.labels, "zh");
    format!("{name}, {}: {}", authority(region), keys.join(" "))
}

/// A region for `--json`.
pub(super) fn region_object(region: &CharterRegion) -> Value {
    json!({
        "region": region.region,
        "labels": region.labels,
        "authority": region.authority,
        "consensus_key": region.consensus_key,
        "seal_key": region.seal_key.to_string(),
        "peer_id": region.peer_id,
        "addresses": region.addresses.iter().map(|address| address.multiaddr.as_str()).collect::<Vec<_>>(),
    })
}

fn object(file: &Path, card: &Card) -> Value {
    json!({
        "file": file.display().to_string(),
        "card": region_object(card.region()),
        "signed_by": card.signatures().iter().map(|one| one.key).collect::<Vec<_>>(),
        "missing": card.missing(),
    })
}
