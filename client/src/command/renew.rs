//! `concord renew`: a certificate of an earlier epoch under the seal of today's regions.

use super::{Done, Failure, Shared, show};
use clap::Args;
use concord_client::files;
use concord_spec::certificate::{Certificate, MAX_CERTIFICATE};
use concord_spec::presentation::CertificateFile;
use concord_spec::receipt::Evidence;
use concord_spec::renewal::{Renewal, RenewedCertificate};
use serde_json::json;
use std::path::PathBuf;

/// Give a certificate a new receipt, under the seal of the regions of today: a file, and no code
#[derive(Debug, Args)]
pub(crate) struct Renew {
    /// The certificate: a .concord file
    file: PathBuf,
    /// Where the renewed certificate goes
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

impl Renew {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let bytes = files::read(&self.file, MAX_CERTIFICATE)?;
        let cannot = |why: String| Err(Failure::Cannot(format!("{}: {why}", self.file.display())));
        let renewed = match CertificateFile::from_bytes(&bytes) {
            Ok(CertificateFile::Certificate(certificate)) => renewed(&certificate, shared)?,
            Ok(CertificateFile::Renewed(before)) => renewed(&before, shared)?,
            Ok(CertificateFile::Presentation(_)) => {
                return cannot("a presentation is for one moment; renew the certificate that it shows".to_owned());
            }
            Err(why) => {
                return cannot(format!(
                    "no certificate file ({why}); a code is renewed by the file that it was printed from"
                ));
            }
        };
        files::replace(&self.out, &renewed.to_bytes())?;
        let (receipt, id) = (&renewed.receipt, renewed.credential.credential().id);
        let later = &receipt.seal.header;
        let words = format!(
            "{}: {id}, recorded in block {} of {}, seen through block {} of {}; a verifier checks it",
            self.out.display(),
            receipt.height,
            show::time(receipt.time),
            later.height,
            show::time(later.time)
        );
        let object = json!({
            "credential": id, "height": receipt.height, "time_ms": receipt.time,
            "through": later.height, "through_ms": later.time, "out": self.out,
        });
        show::answer(shared, &words, &object)?;
        Ok(0)
    }
}

fn renewed<E: Evidence>(certificate: &Certificate<E>, shared: &Shared) -> Result<RenewedCertificate, Failure> {
    let broken = |why: &dyn std::fmt::Display| Failure::Cannot(format!("the certificate is not genuine: {why}"));
    let root = certificate.batch_root().map_err(|why| broken(&why))?;
    let block = certificate.receipt.block_hash(&root).map_err(|why| broken(&why))?;
    let height = certificate.receipt.height;
    let renewal: Renewal = shared.node()?.renewal(height)?;
    renewal.shows(height, &block).map_err(|_| {
        Failure::Cannot(format!(
            "the node's block {height} is another than that of the certificate: the certificate is of another chain or not \
             genuine, or the node is wrong; verify it"
        ))
    })?;
    Ok(certificate.renewed(renewal))
}
