//! `concord bundle export`: a file for another device.

use super::{Chosen, Failure, Shared, held, kept, show};
use clap::Args;
use concord_client::files;
use concord_client::transport::BundleQuery;
use concord_spec::bundle::{Checkpoint, Delta, TrustBundle};
use serde_json::json;
use std::path::PathBuf;

/// Write a bundle for another device, from the one at hand or, with --since or --extends, from a node
///
/// The other device takes it with `concord bundle apply`. One that holds a bundle already takes only what shows that it
/// continues it: tell its checkpoint (`concord bundle show` there) with --since, or with --extends for a whole one.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The bundle at hand; without it, the one that is kept
    #[arg(short, long, value_name = "FILE", env = "CONCORD_BUNDLE")]
    bundle: Option<PathBuf>,
    /// From the node: what changed since this block, for a device that holds its bundle
    #[arg(long, value_name = "HEIGHT:HASH", conflicts_with = "extends")]
    since: Option<Checkpoint>,
    /// From the node: a whole bundle that shows it continues these blocks, for devices that hold or trust one of them
    #[arg(long, value_name = "HEIGHT:HASH", value_delimiter = ',')]
    extends: Vec<Checkpoint>,
    #[command(flatten)]
    chosen: Chosen,
}

impl Export {
    pub(super) fn run(self, shared: &Shared) -> Result<(), Failure> {
        let selection = self.chosen.selection()?;
        let (bytes, height) = if self.since.is_some() || !self.extends.is_empty() {
            let query = BundleQuery {
                selection: selection.unwrap_or_default(),
                since: self.since,
                extends: self.extends,
            };
            let bytes = shared.node()?.bundle(&query, None)?.unwrap_or_default();
            // Whoever takes it checks it whole; what is no bundle at all is told here.
            let header = match query.since {
                Some(_) => Delta::from_bytes(&bytes)?.header,
                None => TrustBundle::from_bytes(&bytes)?.header,
            };
            (bytes, header.height)
        } else {
            let held = held(&kept(self.bundle)?, None)?;
            let selection = selection.unwrap_or_else(|| held.state().selection().clone());
            let part = held.bundle().select(&selection);
            // Not more than is there.
            part.check(&held.state().chain_id())?;
            (part.to_bytes(), held.point().height)
        };
        files::replace(&self.output, &bytes)?;
        let (file, size) = (self.output.display(), bytes.len());
        let words = format!(
            "{file}: height {height}, {size} bytes; the other device takes it with: concord bundle apply {file}"
        );
        let object = json!({ "file": file.to_string(), "height": height, "bytes": size });
        show::answer(shared, &words, &object)
    }
}
