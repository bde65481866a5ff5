//! Why a file, an image or a code gave no certificate: one sentence each, which says what to do next.

use std::fmt;
use std::io;

use super::{MAX_FILE_BYTES, MAX_PIXELS};

/// Why nothing could be read. The verdict is UNREADABLE, but for [`Unreadable::NewerCode`]: NEEDS NEWER SOFTWARE.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The system could not read the file.
    #[error("the file cannot be read: {0}")]
    File(#[from] io::Error),
    /// A directory where a file should be.
    #[error("this is a directory, not a file; name the files in it")]
    Directory,
    /// No bytes.
    #[error("the file is empty; copy it again from where it came")]
    Empty,
    /// More bytes than any certificate or photograph of one needs. It was not read.
    #[error("the file has {}, and nothing over {} MiB is read; a certificate is a few kilobytes", Size(*bytes), MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// Bytes; `None` where the system does not say (a pipe).
        bytes: Option<u64>,
    },
    /// Neither a certificate file nor text nor an image.
    #[error("the file is neither a certificate (.concord) nor a PNG or JPEG image nor the text of a code")]
    UnknownFormat,
    /// A known kind of file that is not read.
    #[error("{0} files are not read; take a photograph or a screenshot of the code as PNG or JPEG")]
    OtherFormat(&'static str),
    /// An image whose file is damaged.
    #[error("the image is damaged and cannot be opened ({0}); copy it again or take another photograph")]
    BrokenImage(String),
    /// An image with more pixels than are opened. It was not decoded.
    #[error("the image has {width} x {height} pixels, and nothing over {} million is opened; make it smaller", MAX_PIXELS / 1_000_000)]
    TooManyPixels {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// An image in which no code was found.
    #[error(
        "no QR code was found in the image; the whole code and its white frame must be in it, sharp and evenly lit"
    )]
    NoCode,
    /// Two or more different certificates in one image.
    #[error("the image shows {0} different certificates; photograph them one at a time")]
    SeveralCertificates(usize),
    /// A code of somebody else.
    #[error("this is no certificate of this federation but {0}")]
    OtherSystem(OtherSystem),
    /// `CC2:` to `CC9:`.
    #[error("this code starts with {0}, which only a newer version of this software reads")]
    NewerCode(String),
    /// The prefix is ours, but the rest is not base45 (RFC 9285).
    #[error("the code is damaged: what follows {0} is not base45; scan it again")]
    Base45(&'static str),
    /// A prefix and nothing behind it.
    #[error("the code holds nothing behind {0}; scan it again")]
    Nothing(&'static str),
}

impl Unreadable {
    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Directory => "directory",
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too-large",
            Self::UnknownFormat => "unknown-format",
            Self::OtherFormat(_) => "other-format",
            Self::BrokenImage(_) => "broken-image",
            Self::TooManyPixels { .. } => "too-many-pixels",
            Self::NoCode => "no-code",
            Self::SeveralCertificates(_) => "several-certificates",
            Self::OtherSystem(_) => "other-system",
            Self::NewerCode(_) => "newer-code",
            Self::Base45(_) => "base45",
            Self::Nothing(_) => "nothing",
        }
    }

    /// Whether newer software might read it.
    #[must_use]
    pub fn needs_newer_software(&self) -> bool {
        matches!(self, Self::NewerCode(_))
    }
}

/// Whose code it is instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSystem {
    /// `HC1:`, EU Digital COVID Certificate.
    EuHealthCertificate,
    /// `shc:/`, SMART Health Card.
    SmartHealthCard,
    /// `http:` or `https:`.
    WebAddress,
    /// Anything else.
    Unknown,
}

impl fmt::Display for OtherSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EuHealthCertificate => "an EU health certificate (HC1:)",
            Self::SmartHealthCard => "a SMART Health Card (shc:/)",
            Self::WebAddress => "a web address; do not trust a site only because a code leads to it",
            Self::Unknown => "a code of an unknown system; ours start with CC1: or CC0:",
        })
    }
}

/// Bytes for people.
struct Size(Option<u64>);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
            None => f.write_str("no end in sight"),
        }
    }
}
