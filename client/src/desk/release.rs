//! Release: certificates as files and codes, each checked before it leaves the desk.
//!
//! The certificate is decoded again and its receipt checked, the code is drawn, read back from its picture and compared:
//! what a holder gets was seen to work.

use super::batch::Batch;
use crate::files::{self, FileError};
use crate::render::{Code, CodeError, PictureError, PixelsPerModule};
use crate::scan::{self, Scanned, Unreadable};
use concord_spec::certificate::{CERTIFICATE_EXTENSION, Certificate};
use concord_spec::codec::CodecError;
use concord_spec::digest::Digest;
use concord_spec::id::CredentialId;
use concord_spec::receipt::{Receipt, ReceiptError};
use concord_spec::seal::RegionSet;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Why a certificate was not released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its own bytes do not decode to it.
    #[error("certificate {id} does not decode to itself ({error}); it was not released")]
    Decode {
        /// Which.
        id: CredentialId,
        /// Why.
        error: CodecError,
    },
    /// Its receipt does not hold.
    #[error("the receipt of certificate {id} does not hold ({error}); it was not released")]
    Receipt {
        /// Which.
        id: CredentialId,
        /// Why.
        error: ReceiptError,
    },
    /// It does not fit into a code.
    #[error("certificate {id} has no code: {error}")]
    Code {
        /// Which.
        id: CredentialId,
        /// Why.
        error: CodeError,
    },
    /// Its picture cannot be made.
    #[error("certificate {id}: {error}")]
    Picture {
        /// Which.
        id: CredentialId,
        /// Why.
        error: PictureError,
    },
    /// Its code does not read back.
    #[error("the code of certificate {id} does not read back ({reason}); it was not released")]
    ReadBack {
        /// Which.
        id: CredentialId,
        /// Why.
        reason: String,
    },
}

/// A released certificate.
#[derive(Debug, Clone)]
pub struct Released {
    /// Series and number.
    pub id: CredentialId,
    /// The number people know.
    pub printed_number: String,
    /// The certificate file.
    pub file: PathBuf,
    /// The picture of its code.
    pub code: PathBuf,
    /// Bytes of the file.
    pub file_bytes: usize,
    /// Characters in the code, one byte each.
    pub code_bytes: usize,
    /// Version of the QR code, 1 to 40.
    pub code_version: usize,
}

/// Writes `series-number.concord` and `series-number.png` of each credential of a batch into a directory, in order.
///
/// # Errors
/// The first certificate that cannot be released; those before it are.
pub fn release(
    batch: &Batch,
    receipt: &Receipt,
    chain_id: &Digest,
    regions: &RegionSet,
    directory: &Path,
) -> Result<Vec<Released>, ReleaseError> {
    let certificates = batch.certificates(receipt);
    // One seal covers the whole batch; each certificate's own path is checked below.
    if let Some(first) = certificates.first() {
        let id = first.credential.credential().id;
        batch
            .check(receipt, chain_id, regions)
            .map_err(|error| ReleaseError::Receipt { id, error })?;
    }
    let root = batch.root();
    certificates
        .par_iter()
        .map(|certificate| one(certificate, &root, directory))
        .collect()
}

fn one(certificate: &Certificate, root: &Digest, directory: &Path) -> Result<Released, ReleaseError> {
    let id = certificate.credential.credential().id;
    let bytes = certificate.to_bytes();
    let again = Certificate::from_bytes(&bytes).map_err(|error| ReleaseError::Decode { id, error })?;
    let found = again
        .batch_root()
        .map_err(|error| ReleaseError::Receipt { id, error })?;
    if found != *root || again != *certificate {
        let error = ReceiptError::Path("credential");
        return Err(ReleaseError::Receipt { id, error });
    }
    let code = Code::draw(&certificate.code_text()).map_err(|error| ReleaseError::Code { id, error })?;
    let picture = code
        .png(PixelsPerModule::default())
        .map_err(|error| ReleaseError::Picture { id, error })?;
    read_back(&picture, &bytes).map_err(|reason| ReleaseError::ReadBack { id, reason })?;
    let path = |extension: &str| directory.join(format!("{id}.{extension}"));
    let released = Released {
        id,
        printed_number: certificate.credential.credential().content.printed_number.clone(),
        file: path(CERTIFICATE_EXTENSION),
        code: path("png"),
        file_bytes: bytes.len(),
        code_bytes: code.chars(),
        code_version: code.version(),
    };
    files::replace(&released.code, &picture)?;
    files::replace(&released.file, &bytes)?;
    Ok(released)
}

fn read_back(picture: &[u8], certificate: &[u8]) -> Result<(), String> {
    match scan::scan_bytes(picture) {
        Ok(Scanned::Certificate(bytes)) if bytes == certificate => Ok(()),
        Ok(Scanned::Certificate(_) | Scanned::Small(_) | Scanned::WithStatus(_)) => {
            Err("it reads as something else".to_owned())
        }
        Err(reason) => Err(Unreadable::to_string(&reason)),
    }
}
