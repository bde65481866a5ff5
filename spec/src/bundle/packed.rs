//! A bundle as a file: its content in a Zstandard frame (RFC 8878), with what bounds unpacking it.
//!
//! The digest is no proof: whoever forges a bundle computes it anew. It refuses what was damaged on the way, before the
//! decompressor sees it.

use super::{BundleError, MAX_BUNDLE};
use crate::codec::{self, fields::wire_array, fields::wire_choice};
use crate::digest::{Digest, Tag};
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Read;

/// Largest window that a frame may ask for: what RFC 8878 3.1.1.1.2 recommends every decoder to give.
pub const MAX_WINDOW: u64 = 8 << 20;
/// So many bytes may come out of a frame, however short it is,
const FREE: u64 = 4 << 20;
/// and so many more for each byte of it: 16 KB cannot become hundreds of megabytes.
const RATIO: u64 = 1_024;

/// What a packed bundle holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The state at a height: a [`super::TrustBundle`].
    State,
    /// What changed between two heights: a [`super::Delta`].
    Delta,
}
wire_choice!(Kind "trust bundle" { State = 1, Delta = 2 });

/// A bundle as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// What is in it.
    pub kind: Kind,
    /// Bytes of the content.
    pub size: u64,
    /// Digest of kind, size and frame: against damage.
    pub check: Digest,
    /// The content, as one Zstandard frame.
    pub frame: Vec<u8>,
}
wire_array!(Packed version 2 "trust bundle" { kind, size, check, frame: bytes(MAX_BUNDLE) });

impl Packed {
    /// Packs content.
    #[must_use]
    pub fn of(kind: Kind, content: &[u8]) -> Self {
        let size = length(content);
        let mut frame = compress_to_vec(content, CompressionLevel::Fastest);
        if size > allowed(&frame) || frame.len() > content.len() {
            frame = compress_to_vec(content, CompressionLevel::Uncompressed);
        }
        Self::around(kind, size, frame)
    }

    /// With the digest that belongs to it; nothing is checked.
    #[must_use]
    pub fn around(kind: Kind, size: u64, frame: Vec<u8>) -> Self {
        let check = check(kind, size, &frame);
        Self {
            kind,
            size,
            check,
            frame,
        }
    }

    /// Packs content into a file's bytes.
    #[must_use]
    pub fn bytes_of(kind: Kind, content: &[u8]) -> Vec<u8> {
        codec::to_vec(&Self::of(kind, content))
    }

    /// Unpacks a file's bytes, which must be of this kind if one is named.
    ///
    /// # Errors
    /// See [`BundleError`]: cut, damaged, too large, not one whole frame.
    pub fn open(bytes: &[u8]) -> Result<(Kind, Vec<u8>), BundleError> {
        let packed: Self = codec::from_slice(bytes, MAX_BUNDLE)?;
        if packed.check != check(packed.kind, packed.size, &packed.frame) {
            return Err(BundleError::Damaged);
        }
        Ok((packed.kind, packed.unpack()?))
    }

    /// The content.
    ///
    /// # Errors
    /// [`BundleError::Bomb`], [`BundleError::Window`] or [`BundleError::Frame`].
    pub fn unpack(&self) -> Result<Vec<u8>, BundleError> {
        let allowed = allowed(&self.frame);
        if self.size > allowed {
            return Err(BundleError::Bomb { allowed });
        }
        let decoder = StreamingDecoder::new_with_max_window_size(self.frame.as_slice(), MAX_WINDOW);
        let mut decoder = decoder.map_err(|error| {
            if let FrameDecoderError::WindowSizeTooBig { requested, .. } = error {
                BundleError::Window { window: requested }
            } else {
                BundleError::Frame
            }
        })?;
        let mut content = Vec::new();
        let more = self.size.saturating_add(1);
        let read = (&mut decoder).take(more).read_to_end(&mut content);
        read.map_err(|_| BundleError::Frame)?;
        if length(&content) > self.size {
            return Err(BundleError::Bomb { allowed: self.size });
        }
        let whole = decoder.decoder.is_finished() && decoder.get_ref().is_empty();
        let sum = decoder.decoder.get_checksum_from_data();
        let same = sum.is_none() || sum == decoder.decoder.get_calculated_checksum();
        if whole && same && length(&content) == self.size {
            Ok(content)
        } else {
            Err(BundleError::Frame)
        }
    }
}

fn check(kind: Kind, size: u64, frame: &[u8]) -> Digest {
    Tag::Bundle.digest(&[&kind.code().to_be_bytes(), &size.to_be_bytes(), frame])
}

/// Most bytes that may come out of a frame.
fn allowed(frame: &[u8]) -> u64 {
    let most = u64::try_from(MAX_BUNDLE).unwrap_or(u64::MAX);
    length(frame).saturating_mul(RATIO).saturating_add(FREE).min(most)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
