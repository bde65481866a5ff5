//! Renewal: what shows a block of an earlier epoch to be of the chain by the seal of today's regions, through the
//! `history_root` of a newer header (DESIGN 4.4, RFC 9162 2.1.3; exact format: `spec/text/certificates.md`, 5).
//!
//! A renewed certificate is a file: it is larger than a code should be, and whoever knows the regions of its epoch needs none.

use crate::block::{Header, Rest};
use crate::certificate::{Certificate, MAX_CERTIFICATE};
use crate::codec::{self, CodecError, fields::wire_array};
use crate::digest::Digest;
use crate::id::Height;
use crate::merkle::{PathError, verify_inclusion};
use crate::receipt::{Evidence, HashPath, Receipt};
use crate::seal::Seal;

/// Most bytes of an encoded renewal.
pub const MAX_RENEWAL: usize = 4_096;

/// A later block through whose history an earlier one is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// From the earlier block's hash to `history_root`.
    pub path: HashPath,
    /// The later header.
    pub header: Header,
    /// What it holds the digest of.
    pub rest: Rest,
    /// Its seal.
    pub seal: Seal,
}
wire_array!(Renewal version 1 "renewal" { path, header, rest, seal });

impl Evidence for Renewal {
    const VERSION: u64 = 2;
}

/// A receipt that is seen through a later block.
pub type RenewedReceipt = Receipt<Renewal>;
/// A certificate whose block is seen through a later one.
pub type RenewedCertificate = Certificate<Renewal>;

impl Renewal {
    /// Decodes a renewal of at most [`MAX_RENEWAL`] bytes.
    ///
    /// # Errors
    /// Not the one encoding of a renewal.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::from_slice(bytes, MAX_RENEWAL)
    }

    /// Checks that the block of this height and hash is of the history of its header; nothing is said about the seal.
    ///
    /// # Errors
    /// The header holds the digest of another rest ([`PathError::OtherRoot`]), or the path does not lead there.
    pub fn shows(&self, height: Height, block: &Digest) -> Result<(), PathError> {
        if self.header.rest != self.rest.digest() {
            return Err(PathError::OtherRoot);
        }
        // The leaves are the blocks from height 1 on.
        let (index, size) = (height.previous(), self.header.height.previous());
        let (Some(index), Some(size)) = (index, size) else {
            return Err(PathError::OutOfRange {
                index: height.0,
                size: self.header.height.0,
            });
        };
        verify_inclusion(*block, index.0, size.0, &self.path.0, &self.rest.history_root)
    }
}

impl RenewedCertificate {
    /// Decodes a renewed certificate of at most [`MAX_CERTIFICATE`] bytes.
    ///
    /// # Errors
    /// Not the one encoding of a renewed certificate.
    pub fn from_file(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::from_slice(bytes, MAX_CERTIFICATE)
    }
}

impl<E: Evidence> Certificate<E> {
    /// The same certificate with its block seen through a later one.
    #[must_use]
    pub fn renewed(&self, renewal: Renewal) -> RenewedCertificate {
        let old = &self.receipt;
        Certificate {
            credential: self.credential.clone(),
            batch_path: self.batch_path.clone(),
            receipt: Receipt {
                essence: old.essence,
                index: old.index,
                records: old.records,
                path: old.path.clone(),
                height: old.height,
                time: old.time,
                rest: old.rest,
                seal: renewal,
            },
        }
    }
}
