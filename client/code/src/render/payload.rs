//! The text inside a code: a prefix that says what follows, and base45 (RFC 9285).

use std::fmt;

use concord_spec::certificate::{CERTIFICATE_PREFIX, CREDENTIAL_PREFIX};
use concord_spec::status_proof::STATUS_PREFIX;

/// What a code carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// A whole certificate: credential and receipt, `CC1:`.
    Certificate,
    /// The credential alone, for small codes, `CC0:`.
    Small,
    /// Either with a status proof, `CC3:`.
    WithStatus,
}

impl CodeKind {
    /// The four characters before the base45 text.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Certificate => CERTIFICATE_PREFIX,
            Self::Small => CREDENTIAL_PREFIX,
            Self::WithStatus => STATUS_PREFIX,
        }
    }
}

impl fmt::Display for CodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())
    }
}

/// The text of a code that carries `bytes`: 4 characters and 3 for every 2 bytes, all of the QR alphanumeric set.
#[must_use]
pub fn code_text(kind: CodeKind, bytes: &[u8]) -> String {
    format!("{kind}{}", base45::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_code_is_its_prefix_and_the_base45_of_rfc_9285() {
        // RFC 9285 4.3, examples 1 and 2.
        assert_eq!(code_text(CodeKind::Certificate, b"AB"), "CC1:BB8");
        assert_eq!(code_text(CodeKind::Small, b"Hello!!"), "CC0:%69 VD92EX0");
    }
}
