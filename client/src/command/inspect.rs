//! `concord inspect`: what a file says, in plain words, without judging it.

mod words;

use super::{Done, Failure, Shared, show};
use clap::Args;
use concord_client::files;
use concord_client::scan::{self, Scanned};
use concord_spec::bundle::{Delta, MAX_BUNDLE, TrustBundle};
use concord_spec::charter::card::Card;
use concord_spec::charter::signed::SignedCharter;
use concord_spec::codec::CodecError;
use concord_spec::credential::SignedCredential;
use concord_spec::presentation::CertificateFile;
use concord_spec::receipt::Receipt;
use concord_spec::record::SignedRecord;
use concord_spec::renewal::Renewal;
use concord_spec::status_proof::{Carried, StatusProof, WithStatus};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Say what is in a file, without judging it: certificate, credential, receipt, status proof, record, card, charter, trust bundle, or a picture of a code
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The file
    file: PathBuf,
}

/// What is always said: inspecting is not verifying.
const NOT_JUDGED: &str = "Nothing was judged: no signature, no seal, no status, no date. Use: concord verify";

impl Inspect {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let bytes = files::read(&self.file, MAX_BUNDLE)?;
        let (kind, told) = match what_is(&bytes) {
            Some(found) => found,
            None => from_code(&bytes)?,
        };
        let mut text = format!("{}: {kind}", self.file.display());
        for (name, value) in &told {
            text.push_str(&format!("\n  {name:<14} {value}"));
        }
        let object: serde_json::Map<String, Value> =
            told.into_iter().map(|(name, value)| (name, json!(value))).collect();
        let file = self.file.display().to_string();
        let object = json!({"file": file, "kind": kind, "says": object, "judged": false});
        show::answer(shared, &format!("{text}\n{NOT_JUDGED}"), &object)?;
        Ok(0)
    }
}

/// Name of the kind, and what it says: names and values in order.
type Told = (&'static str, Vec<(String, String)>);

/// Each kind has its own form, so that at most one fits.
fn what_is(bytes: &[u8]) -> Option<Told> {
    if let Ok(file) = CertificateFile::from_bytes(bytes) {
        return Some(certificate(&file));
    }
    if let Ok(both) = WithStatus::from_bytes(bytes) {
        return with_status(&both).ok();
    }
    if let Ok(proof) = StatusProof::from_bytes(bytes) {
        return Some(("a status proof", words::status_proof(&proof)));
    }
    if let Ok(renewal) = Renewal::from_bytes(bytes) {
        return Some(("what renews the receipts of a block", words::renewal(&renewal)));
    }
    if let Ok(credential) = SignedCredential::from_bytes(bytes) {
        return Some(("a credential alone, without a receipt", words::credential(&credential)));
    }
    if let Ok(record) = SignedRecord::from_bytes(bytes) {
        return Some(("a record", words::record(&record)));
    }
    if let Ok(receipt) = Receipt::from_bytes(bytes) {
        return Some(("a receipt", words::receipt(&receipt)));
    }
    if let Ok(charter) = SignedCharter::from_bytes(bytes) {
        return Some(("a charter", words::charter(&charter)));
    }
    if let Ok(card) = Card::from_bytes(bytes) {
        return Some(("the card of a region", words::card(&card)));
    }
    if let Ok(delta) = Delta::from_bytes(bytes) {
        return Some(("a delta of a trust bundle", words::delta(&delta)));
    }
    let bundle = TrustBundle::from_bytes(bytes).ok()?;
    Some(("a trust bundle", words::bundle(&bundle)))
}

fn certificate(file: &CertificateFile) -> Told {
    match file {
        CertificateFile::Certificate(one) => ("a certificate", words::certificate(one)),
        CertificateFile::Renewed(renewed) => ("a renewed certificate", words::renewed(renewed)),
        CertificateFile::Presentation(presentation) => {
            let mut told = words::certificate(presentation.certificate());
            told.extend(words::statement(presentation.statement()));
            ("a certificate, presented by its holder", told)
        }
    }
}

/// What the code in a picture or text holds.
fn from_code(bytes: &[u8]) -> Result<Told, Failure> {
    let unreadable = |reason: &dyn std::fmt::Display| Failure::Cannot(format!("it cannot be read: {reason}"));
    match scan::scan_bytes(bytes).map_err(|reason| unreadable(&reason))? {
        Scanned::Certificate(bytes) => {
            let file = CertificateFile::from_bytes(&bytes).map_err(|error| unreadable(&error))?;
            Ok(certificate(&file))
        }
        Scanned::Small(bytes) => small(&bytes).map_err(|error| unreadable(&error)),
        Scanned::WithStatus(bytes) => {
            let both = WithStatus::from_bytes(&bytes).and_then(|both| with_status(&both));
            both.map_err(|error| unreadable(&error))
        }
    }
}

fn small(bytes: &[u8]) -> Result<Told, CodecError> {
    let credential = SignedCredential::from_bytes(bytes)?;
    let kind = "the code of a credential alone, without a receipt";
    Ok((kind, words::credential(&credential)))
}

fn with_status(both: &WithStatus) -> Result<Told, CodecError> {
    let (kind, mut told) = match &both.carried {
        Carried::Certificate(bytes) => {
            let (_, told) = certificate(&CertificateFile::from_bytes(bytes)?);
            ("a certificate with a status proof", told)
        }
        Carried::Credential(bytes) => ("a credential alone, with a status proof", small(bytes)?.1),
    };
    told.extend(words::status_proof(&StatusProof::from_bytes(&both.proof)?));
    Ok((kind, told))
}
