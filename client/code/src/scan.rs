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

/// What was scanned: bytes that nobody has judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// A whole certificate, from a `.concord` file or a `CC1:` code.
    Certificate(Vec<u8>),
    /// A credential alone, from a `CC0:` code.
    Small(Vec<u8>),
}
