//! `concord bundle`: trust bundles, what a verifier carries.

use super::{Done, Failure, Shared, access, show};
use clap::Subcommand;
use concord_client::files;
use concord_client::transport::Node;
use concord_spec::bundle::{MAX_BUNDLE, TrustBundle, TrustedState};
use concord_spec::digest::Digest;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Fetch a bundle, check it whole, and only then put it in the place of the old one
    Pull {
        /// Where it is kept; what it replaces says which chain is trusted, and its height never goes back
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// The charter, from a source you trust
        #[arg(long, value_name = "FILE")]
        charter: Option<PathBuf>,
    },
    /// Say what is in a bundle
    Show {
        /// The bundle
        file: PathBuf,
    },
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Pull { output, charter } => {
                let state = pull(&shared.node()?, &output, charter.as_deref())?;
                let words = format!("{}: {}", output.display(), words(&state));
                show::answer(shared, &words, &object(&output, &state))?;
            }
            Self::Show { file } => {
                let state = open(&file, None)?;
                show::answer(shared, &words(&state), &object(&file, &state))?;
            }
        }
        Ok(0)
    }
}

/// Fetches a bundle and checks it against the trusted chain; then, and only then, it takes the place of the old one.
pub(super) fn pull(node: &Node, output: &Path, charter: Option<&Path>) -> Result<TrustedState, Failure> {
    let held = if output.exists() {
        Some(open(output, None)?)
    } else {
        None
    };
    let trusted = trusted_chain(node, held.as_ref(), charter)?;
    let bytes = node.bundle()?;
    let state = TrustBundle::open(&bytes, &trusted)?;
    if let Some(held) = held.filter(|held| held.height() > state.height()) {
        let (old, new) = (held.height(), state.height());
        let words = format!("the node's bundle is of height {new}, yours of {old}: yours is kept. Ask another node");
        return Err(Failure::Cannot(words));
    }
    files::replace(output, &bytes)?;
    Ok(state)
}

/// The chain to trust: by charter, by the bundle at hand, or, said aloud, the first that is met.
fn trusted_chain(node: &Node, held: Option<&TrustedState>, charter: Option<&Path>) -> Result<Digest, Failure> {
    let held = held.map(TrustedState::chain_id);
    if let Some(path) = charter {
        let chain_id = access::signed_charter(path)?.charter().chain_id();
        return match held {
            Some(held) if held != chain_id => Err(Failure::Cannot(format!(
                "the bundle at hand is of chain {held}, the charter defines {chain_id}"
            ))),
            Some(_) | None => Ok(chain_id),
        };
    }
    if let Some(held) = held {
        return Ok(held);
    }
    let chain_id = node.status()?.chain_id;
    show::remark(&format!(
        "trusting chain {chain_id} because {} names it; give --charter FILE to check it",
        node.base()
    ));
    Ok(chain_id)
}

/// Opens a bundle and checks it whole, against `chain` or else against the chain it is of itself.
pub(super) fn open(file: &Path, chain: Option<Digest>) -> Result<TrustedState, Failure> {
    let bytes = files::read(file, MAX_BUNDLE)?;
    let chain = match chain {
        Some(chain) => chain,
        None => TrustBundle::claimed_chain(&bytes)?,
    };
    Ok(TrustBundle::open(&bytes, &chain)?)
}

fn words(state: &TrustedState) -> String {
    let age = show::now().0.saturating_sub(state.time().0);
    format!(
        "trust bundle of {} at height {}, {} ({} old)\nchain id {}\n{} regions, {} types",
        state.charter().chain,
        state.height(),
        show::time(state.time()),
        show::age(age),
        state.chain_id(),
        state.charter().regions.len(),
        state.catalogue().types.len(),
    )
}

fn object(file: &Path, state: &TrustedState) -> Value {
    json!({
        "file": file.display().to_string(),
        "chain": state.charter().chain,
        "chain_id": state.chain_id(),
        "height": state.height(),
        "time_ms": state.time(),
        "regions": state.charter().regions.iter().map(|region| region.region.as_str()).collect::<Vec<_>>(),
    })
}
