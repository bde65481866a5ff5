//! `concord status proof`: how a credential stands as of the node's last block, to be taken along.

use crate::command::{Done, Failure, Shared, show};
use clap::Args;
use concord_client::files;
use concord_client::render::{Code, PixelsPerModule};
use concord_client::scan::{self, Scanned};
use concord_spec::codec::CodecError;
use concord_spec::credential::SignedCredential;
use concord_spec::id::CredentialId;
use concord_spec::presentation::CertificateFile;
use concord_spec::status_proof::{Carried, StatusProof, WithStatus};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Proof {
    /// The certificate: a .concord file, a picture of a code, or a text file with a code
    file: PathBuf,
    #[command(flatten)]
    into: Into,
    /// With --qr: beside the credential alone, where the whole certificate is too much for a code
    #[arg(long, requires = "qr")]
    small: bool,
}

/// What is written; one at least.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Into {
    /// Write the proof to this file: `concord verify FILE --status-proof`
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a code with the certificate and the proof to this file (PNG)
    #[arg(long, value_name = "PNG")]
    qr: Option<PathBuf>,
}

/// What a proof is asked for.
enum Subject {
    /// What a `.concord` file holds, and its bytes.
    File(CertificateFile, Vec<u8>),
    Credential(Box<SignedCredential>),
}

impl Proof {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let subject = Subject::read(&self.file)?;
        let id = subject.id();
        let proof = shared.node()?.status_proof(id)?;
        let fits = proof.credential == id && proof.block_hash().is_ok();
        if !fits {
            let text = format!("the node's answer is no status proof of {id}: ask another node");
            return Err(Failure::Cannot(text));
        }
        let mut words = format!(
            "{id}: {} as of block {}, {}; a verifier checks it",
            standing(&proof),
            proof.head.height,
            show::time(proof.head.time)
        );
        if let Some(out) = &self.into.out {
            files::replace(out, &proof.to_bytes())?;
            words.push_str(&format!("\n{}: the proof", out.display()));
        }
        if let Some(qr) = &self.into.qr {
            let text = subject.beside(&proof, self.small)?.code_text();
            let drawn = Code::draw(&text);
            let code = drawn.map_err(|why| Failure::Cannot(format!("{why}; a code with --small is smaller")))?;
            let picture = code.png(PixelsPerModule::default());
            files::replace(qr, &picture.map_err(|why| Failure::Cannot(why.to_string()))?)?;
            words.push_str(&format!("\n{}: a code of {} characters", qr.display(), code.chars()));
        }
        let object = json!({
            "credential": id, "standing": standing(&proof), "annotated": proof.is_annotated(),
            "height": proof.head.height, "time_ms": proof.head.time, "bytes": proof.to_bytes().len(),
            "out": self.into.out, "qr": self.into.qr,
        });
        show::answer(shared, &words, &object)?;
        Ok(0)
    }
}

/// How a number stands by a proof, in a word.
pub(crate) fn standing(proof: &StatusProof) -> &'static str {
    use concord_spec::status::Standing;
    match proof.standing() {
        Standing::InForce => "nothing against it",
        Standing::Suspended => "suspended",
        Standing::Superseded => "superseded",
        Standing::Annulled => "annulled",
        Standing::Revoked => "revoked",
        Standing::NotIssued => "not issued",
    }
}

impl Subject {
    fn read(file: &std::path::Path) -> Result<Self, Failure> {
        let unreadable = |why: &dyn std::fmt::Display| Failure::Cannot(format!("{}: {why}", file.display()));
        let certificate = |bytes: Vec<u8>| Ok(Self::File(CertificateFile::from_bytes(&bytes)?, bytes));
        let credential = |bytes: &[u8]| Ok(Self::Credential(Box::new(SignedCredential::from_bytes(bytes)?)));
        let read: Result<Self, CodecError> = match scan::scan_file(file).map_err(|why| unreadable(&why))? {
            Scanned::Certificate(bytes) => certificate(bytes),
            Scanned::Small(bytes) => credential(&bytes),
            Scanned::WithStatus(bytes) => WithStatus::from_bytes(&bytes).and_then(|both| match both.carried {
                Carried::Certificate(bytes) => certificate(bytes),
                Carried::Credential(bytes) => credential(&bytes),
            }),
        };
        read.map_err(|why| unreadable(&why))
    }

    fn credential(&self) -> &SignedCredential {
        match self {
            Self::File(file, _) => file.credential(),
            Self::Credential(credential) => credential,
        }
    }

    fn id(&self) -> CredentialId {
        self.credential().credential().id
    }

    /// What a code carries.
    fn beside(&self, proof: &StatusProof, small: bool) -> Result<WithStatus, Failure> {
        let carried = match self {
            Self::File(CertificateFile::Renewed(_), bytes) if !small => {
                return Err(Failure::Cannot(format!(
                    "a renewed certificate ({} bytes) is a file and goes into no code: take the certificate as it was issued, or --small",
                    bytes.len()
                )));
            }
            Self::File(_, bytes) if !small => Carried::Certificate(bytes.clone()),
            Self::File(..) | Self::Credential(_) => Carried::Credential(self.credential().bytes().to_vec()),
        };
        Ok(WithStatus {
            carried,
            proof: proof.to_bytes(),
        })
    }
}
