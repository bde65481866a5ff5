//! Rows: what a sheet says about each credential, checked (DESIGN 4.2).

use concord_spec::content::{self, ClaimValue, Content, Named, Provenance, Role, Validity};
use concord_spec::day::Day;
use concord_spec::key::PublicKey;
use serde::{Deserialize, Serialize};

use super::identifier::{self, IdentifierError};

/// One credential to be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line in the file, from 1; the header is usually line 1.
    pub line: u64,
    /// The number that people know: 1 to 64 bytes, once in a sheet.
    pub printed_number: String,
    /// GB/T 36904 identifier, its check character verified.
    pub identifier: Option<String>,
    /// Whom it is for.
    pub holder: Holder,
    /// Day of issue in the office's zone.
    pub issued_on: Day,
    /// First day.
    pub valid_from: Day,
    /// Last day, or 长期: no end, said explicitly.
    pub validity: Validity,
    /// The type's own claims by key, ascending; claims left empty are absent.
    pub claims: Vec<(u64, ClaimValue)>,
}

impl Row {
    /// What the credential of this row certifies: a native original for one holder.
    #[must_use]
    pub fn content(&self, salt: [u8; 16], issued_by: Named) -> Content {
        let holder = content::Holder {
            role: Role::Holder,
            name: self.holder.name.clone(),
            latin_name: self.holder.latin_name.clone(),
            code_type: Some(self.holder.code_type.registered().to_owned()),
            code: Some(self.holder.code.clone()),
            key: None,
        };
        Content {
            salt,
            printed_number: self.printed_number.clone(),
            identifier: self.identifier.clone(),
            issued_by,
            on_behalf_of: None,
            holders: vec![holder],
            issued_on: self.issued_on,
            valid_from: self.valid_from,
            validity: self.validity,
            provenance: Provenance::Native,
            predecessor: None,
            copy: None,
            territory: None,
            languages: Vec::new(),
            attachments: Vec::new(),
            own: self.claims.iter().cloned().collect(),
            selective: Vec::new(),
        }
    }
}

/// Whom a credential is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// 1 to 128 bytes.
    pub name: String,
    /// The name in Latin letters: 1 to 128 bytes.
    pub latin_name: Option<String>,
    /// What `code` is.
    pub code_type: HolderCodeType,
    /// The number of the holder's document: 1 to 64 bytes.
    pub code: String,
    /// The key with which the holder can show that a certificate is theirs.
    pub key: Option<PublicKey>,
}

/// The documents by which a holder is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HolderCodeType {
    /// 居民身份证: GB 11643, checked. Residence permits of Hong Kong, Macao, Taiwan (81 to 83) and the permanent
    /// residence card (9) have the same form.
    ResidentId,
    /// 统一社会信用代码: GB 32100, checked.
    SocialCredit,
    /// 护照.
    Passport,
    /// Any other document; its number is not checked.
    Other,
}

impl HolderCodeType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ResidentId, Self::SocialCredit, Self::Passport, Self::Other];

    /// The word in sheets and definitions.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ResidentId => "resident-id",
            Self::SocialCredit => "social-credit",
            Self::Passport => "passport",
            Self::Other => "other",
        }
    }

    /// The word on Chinese paper.
    #[must_use]
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::ResidentId => "居民身份证",
            Self::SocialCredit => "统一社会信用代码",
            Self::Passport => "护照",
            Self::Other => "其他",
        }
    }

    /// The word in credentials: GA/T 517, or `uscc`.
    #[must_use]
    pub const fn registered(self) -> &'static str {
        match self {
            Self::ResidentId => "111",
            Self::SocialCredit => "uscc",
            Self::Passport => "414",
            Self::Other => "990",
        }
    }

    /// Checks a number of this document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self, code: &str) -> Result<(), IdentifierError> {
        match self {
            Self::ResidentId => identifier::check_resident_id(code),
            Self::SocialCredit => identifier::check_social_credit(code),
            Self::Passport => {
                let wrong = |(_, letter): &(usize, char)| !(letter.is_ascii_digit() || letter.is_ascii_uppercase());
                match code.chars().enumerate().find(wrong) {
                    Some((index, found)) => Err(IdentifierError::Character {
                        position: index + 1,
                        found,
                    }),
                    None => Ok(()),
                }
            }
            Self::Other => Ok(()),
        }
    }
}
