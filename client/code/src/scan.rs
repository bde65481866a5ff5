//! Scanning: from an image, a file or a keyboard scanner's text to the bytes of a certificate, and to the report on it.
//! Not here: what those bytes say (the certificate's own decoder judges them, strictly), drawing codes
//! ([`crate::render`]).

mod file;
mod picture;
mod reader;
mod report;
mod text;
mod unreadable;

pub use file::{MAX_FILE_BYTES, scan_bytes, scan_file};
pub use picture::{MAX_PIXELS, scan_image};
pub use report::report;
pub use text::scan_text;
pub use unreadable::{OtherSystem, Unreadable};

use concord_spec::status_proof::{Carried, WithStatus};

/// What was scanned: bytes that nobody has judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// A whole certificate, from a `.concord` file or a `CC1:` code.
    Certificate(Vec<u8>),
    /// A credential alone, from a `CC0:` code.
    Small(Vec<u8>),
    /// Either with a status proof, from a `CC3:` code or a file.
    WithStatus(Vec<u8>),
}

impl Scanned {
    /// The same with a status proof beside it, in place of the one that was there.
    #[must_use]
    pub fn beside(self, proof: Vec<u8>) -> Self {
        let carried = match self {
            Self::Certificate(bytes) => Carried::Certificate(bytes),
            Self::Small(bytes) => Carried::Credential(bytes),
            Self::WithStatus(bytes) => match WithStatus::from_bytes(&bytes) {
                Ok(both) => both.carried,
                // What cannot be read is so with any proof.
                Err(_) => return Self::WithStatus(bytes),
            },
        };
        Self::WithStatus(WithStatus { carried, proof }.to_bytes())
    }

    /// How much it shows, the most first.
    fn rank(&self) -> u8 {
        match self {
            Self::WithStatus(bytes) if bytes.starts_with(&[0x84, 1, 1]) => 0,
            Self::Certificate(_) => 1,
            Self::WithStatus(_) => 2,
            Self::Small(_) => 3,
        }
    }
}
