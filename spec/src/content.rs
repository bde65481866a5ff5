//! Certified content: what a credential says (DESIGN 4.2): common claims 0 to 99, the type's own from 100.
//! Not here: who says it and when (`credential`), what a type allows (`catalogue`).

mod common;
mod value;

pub use common::{Attachment, CopyOf, Holder, Named, Predecessor, Provenance, Relation, Role, Validity};
pub use value::ClaimValue;

use crate::catalogue::{ClaimKind, FIRST_OWN_KEY, MAX_CLAIMS, TypeDefinition};
use crate::codec::{CodecError, Reader, Wire, Writer, fields::plain_text};
use crate::day::Day;
use crate::digest::Digest;
use std::collections::BTreeMap;

/// Keys of the common claims in the content map.
mod key {
    pub(super) const SALT: u64 = 0;
    pub(super) const PRINTED_NUMBER: u64 = 1;
    pub(super) const IDENTIFIER: u64 = 2;
    pub(super) const ISSUED_BY: u64 = 3;
    pub(super) const ON_BEHALF_OF: u64 = 4;
    pub(super) const HOLDERS: u64 = 5;
    pub(super) const ISSUED_ON: u64 = 6;
    pub(super) const VALID_FROM: u64 = 7;
    pub(super) const VALID_UNTIL: u64 = 8;
    pub(super) const PROVENANCE: u64 = 9;
    pub(super) const PREDECESSOR: u64 = 10;
    pub(super) const COPY: u64 = 11;
    pub(super) const TERRITORY: u64 = 12;
    pub(super) const LANGUAGES: u64 = 13;
    pub(super) const ATTACHMENTS: u64 = 14;
    pub(super) const SELECTIVE: u64 = 15;
}

/// Most bytes of the number people know.
pub const MAX_PRINTED_NUMBER: usize = 64;
/// Most bytes of a GB/T 36904 identifier.
pub const MAX_IDENTIFIER: usize = 96;
/// Most holders of one credential.
pub const MAX_HOLDERS: usize = 16;
/// Most attachments of one credential.
pub const MAX_ATTACHMENTS: usize = 16;
const MAX_TEXTS: usize = 16;
const MAX_TEXT: usize = 64;

/// What a credential certifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// 16 random bytes, so that the batch root tells nothing about the content.
    pub salt: [u8; 16],
    /// The number people know; the surrogate `series-number` never replaces it.
    pub printed_number: String,
    /// Identifier of GB/T 36904, if the type has one.
    pub identifier: Option<String>,
    /// The issuing office's name and code at issue.
    pub issued_by: Named,
    /// On whose behalf.
    pub on_behalf_of: Option<Named>,
    /// Who holds it; at least one.
    pub holders: Vec<Holder>,
    /// Legal day of issue.
    pub issued_on: Day,
    /// First day of validity.
    pub valid_from: Day,
    /// Last day of validity, included, or explicitly no end (长期).
    pub validity: Validity,
    /// Where the content comes from.
    pub provenance: Provenance,
    /// The credential this one follows.
    pub predecessor: Option<Predecessor>,
    /// Original or copy (正本/副本).
    pub copy: Option<CopyOf>,
    /// Where it applies.
    pub territory: Option<String>,
    /// Languages of the texts (BCP 47); empty: not said.
    pub languages: Vec<String>,
    /// Files that belong to it.
    pub attachments: Vec<Attachment>,
    /// The type's own claims by key, 100 and more.
    pub own: BTreeMap<u64, ClaimValue>,
    /// Digests of the claims that the holder may leave out, ascending; their values are not in here (`credential::disclosure`).
    pub selective: Vec<Digest>,
}

/// Why content does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// A claim that every credential of the type has is missing.
    #[error("the claim {key} ({label}) is required by the type and missing")]
    Missing {
        /// Key of the claim.
        key: u64,
        /// Its name.
        label: String,
    },
    /// A claim the type does not have.
    #[error("the type has no claim {key}")]
    Unknown {
        /// Key of the claim.
        key: u64,
    },
    /// It is valid for longer than the type allows.
    #[error("it is valid for {}, the type allows at most {max} days", days.map_or_else(|| "ever".to_owned(), |days| format!("{days} days")))]
    ValidTooLong {
        /// Days from the first to the last day of validity, both counted; none: without end.
        days: Option<i64>,
        /// The most.
        max: u64,
    },
    /// A value of another kind, too long, or not among the codes.
    #[error("the value of claim {key} ({label}) is not what the type allows")]
    NotAllowed {
        /// Key of the claim.
        key: u64,
        /// Its name.
        label: String,
    },
}

impl Content {
    /// Checks how long it is valid, and the own claims, against the type.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn fits(&self, definition: &TypeDefinition) -> Result<(), ContentError> {
        if let Some(max) = definition.classification.max_validity_days {
            let days = self.days_valid();
            if days.is_none_or(|days| u64::try_from(days).is_ok_and(|days| days > max)) {
                return Err(ContentError::ValidTooLong { days, max });
            }
        }
        for (&key, value) in &self.own {
            let claim = definition.claim(key).ok_or(ContentError::Unknown { key })?;
            let allowed = match (&claim.kind, value) {
                (ClaimKind::Text(max), ClaimValue::Text(text)) => text.len() <= usize::from(*max),
                (ClaimKind::Code(codes), ClaimValue::Text(text)) => codes.contains(text),
                (ClaimKind::Integer, ClaimValue::Integer(_)) | (ClaimKind::Day, ClaimValue::Day(_)) => true,
                (ClaimKind::Text(_) | ClaimKind::Code(_) | ClaimKind::Integer | ClaimKind::Day, _) => false,
            };
            if !allowed {
                return Err(ContentError::NotAllowed {
                    key,
                    label: label_of(claim),
                });
            }
        }
        let missing = definition
            .claims
            .iter()
            .find(|claim| claim.required && !self.own.contains_key(&claim.key));
        missing.map_or(Ok(()), |claim| {
            Err(ContentError::Missing {
                key: claim.key,
                label: label_of(claim),
            })
        })
    }

    /// Days from the first to the last day of validity, both counted; `None` without end.
    fn days_valid(&self) -> Option<i64> {
        match self.validity {
            Validity::NoEnd => None,
            Validity::Until(last) => {
                let span = last.epoch_days().saturating_sub(self.valid_from.epoch_days());
                Some(span.saturating_add(1))
            }
        }
    }

    fn entries(&self) -> usize {
        let optional = [
            self.identifier.is_some(),
            self.on_behalf_of.is_some(),
            self.provenance != Provenance::Native,
            self.predecessor.is_some(),
            self.copy.is_some(),
            self.territory.is_some(),
            !self.languages.is_empty(),
            !self.attachments.is_empty(),
            !self.selective.is_empty(),
        ];
        let present = optional.iter().filter(|present| **present).count();
        present.saturating_add(7).saturating_add(self.own.len())
    }
}

fn label_of(claim: &crate::catalogue::ClaimDefinition) -> String {
    crate::catalogue::label(&claim.labels, "en").to_owned()
}

fn entry<T: Wire>(w: &mut Writer, key: u64, value: Option<&T>) {
    if let Some(value) = value {
        w.uint(key);
        w.wire(value);
    }
}

impl Wire for Content {
    fn encode(&self, w: &mut Writer) {
        w.map(self.entries());
        w.uint(key::SALT);
        w.bytes(&self.salt);
        w.uint(key::PRINTED_NUMBER);
        w.text(&self.printed_number);
        if let Some(identifier) = &self.identifier {
            w.uint(key::IDENTIFIER);
            w.text(identifier);
        }
        entry(w, key::ISSUED_BY, Some(&self.issued_by));
        entry(w, key::ON_BEHALF_OF, self.on_behalf_of.as_ref());
        w.uint(key::HOLDERS);
        crate::codec::encode_list(w, &self.holders);
        entry(w, key::ISSUED_ON, Some(&self.issued_on));
        entry(w, key::VALID_FROM, Some(&self.valid_from));
        entry(w, key::VALID_UNTIL, Some(&self.validity));
        entry(
            w,
            key::PROVENANCE,
            (self.provenance != Provenance::Native).then_some(&self.provenance),
        );
        entry(w, key::PREDECESSOR, self.predecessor.as_ref());
        entry(w, key::COPY, self.copy.as_ref());
        if let Some(territory) = &self.territory {
            w.uint(key::TERRITORY);
            w.text(territory);
        }
        if !self.languages.is_empty() {
            w.uint(key::LANGUAGES);
            w.array(self.languages.len());
            self.languages.iter().for_each(|language| w.text(language));
        }
        if !self.attachments.is_empty() {
            w.uint(key::ATTACHMENTS);
            crate::codec::encode_list(w, &self.attachments);
        }
        if !self.selective.is_empty() {
            w.uint(key::SELECTIVE);
            crate::codec::encode_list(w, &self.selective);
        }
        for (own_key, value) in &self.own {
            entry(w, *own_key, Some(value));
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        const COMMON: usize = 16;
        let mut partial = Partial::default();
        for _ in 0..r.map_len(COMMON.saturating_add(MAX_CLAIMS))? {
            let key = r.uint()?;
            partial.read(key, r)?;
        }
        partial.complete()
    }
}

#[derive(Default)]
struct Partial {
    salt: Option<[u8; 16]>,
    printed_number: Option<String>,
    identifier: Option<String>,
    issued_by: Option<Named>,
    on_behalf_of: Option<Named>,
    holders: Vec<Holder>,
    issued_on: Option<Day>,
    valid_from: Option<Day>,
    validity: Option<Validity>,
    provenance: Option<Provenance>,
    predecessor: Option<Predecessor>,
    copy: Option<CopyOf>,
    territory: Option<String>,
    languages: Vec<String>,
    attachments: Vec<Attachment>,
    own: BTreeMap<u64, ClaimValue>,
    selective: Vec<Digest>,
}

impl Partial {
    // A key that comes twice, or out of order, encodes differently again and is refused by the codec.
    fn read(&mut self, key: u64, r: &mut Reader<'_>) -> Result<(), CodecError> {
        match key {
            key::SALT => self.salt = Some(r.byte_array()?),
            key::PRINTED_NUMBER => self.printed_number = Some(plain_text(r, MAX_PRINTED_NUMBER)?),
            key::IDENTIFIER => self.identifier = Some(plain_text(r, MAX_IDENTIFIER)?),
            key::ISSUED_BY => self.issued_by = Some(r.wire()?),
            key::ON_BEHALF_OF => self.on_behalf_of = Some(r.wire()?),
            key::HOLDERS => self.holders = r.list(MAX_HOLDERS)?,
            key::ISSUED_ON => self.issued_on = Some(r.wire()?),
            key::VALID_FROM => self.valid_from = Some(r.wire()?),
            key::VALID_UNTIL => self.validity = Some(r.wire()?),
            key::PROVENANCE => self.provenance = Some(r.wire()?),
            key::PREDECESSOR => self.predecessor = Some(r.wire()?),
            key::COPY => self.copy = Some(r.wire()?),
            key::TERRITORY => self.territory = Some(plain_text(r, MAX_TEXT)?),
            key::LANGUAGES => {
                for _ in 0..r.array_len(MAX_TEXTS)? {
                    self.languages.push(plain_text(r, MAX_TEXT)?);
                }
            }
            key::ATTACHMENTS => self.attachments = r.list(MAX_ATTACHMENTS)?,
            key::SELECTIVE => {
                self.selective = r.list(MAX_CLAIMS)?;
                if !self.selective.is_sorted_by(|one, next| one < next) {
                    return Err(CodecError::Invalid {
                        what: "content: its selective digests do not ascend",
                    });
                }
            }
            own if own >= FIRST_OWN_KEY => {
                self.own.insert(own, r.wire()?);
            }
            other => {
                let found = i64::try_from(other).unwrap_or(i64::MAX);
                return Err(CodecError::UnknownKey { what: "content", found });
            }
        }
        Ok(())
    }

    fn complete(self) -> Result<Content, CodecError> {
        let missing = |key: u64| CodecError::MissingKey {
            what: "content",
            key: i64::try_from(key).unwrap_or(0),
        };
        if self.holders.is_empty() {
            return Err(missing(key::HOLDERS));
        }
        Ok(Content {
            salt: self.salt.ok_or_else(|| missing(key::SALT))?,
            printed_number: self.printed_number.ok_or_else(|| missing(key::PRINTED_NUMBER))?,
            identifier: self.identifier,
            issued_by: self.issued_by.ok_or_else(|| missing(key::ISSUED_BY))?,
            on_behalf_of: self.on_behalf_of,
            holders: self.holders,
            issued_on: self.issued_on.ok_or_else(|| missing(key::ISSUED_ON))?,
            valid_from: self.valid_from.ok_or_else(|| missing(key::VALID_FROM))?,
            validity: self.validity.ok_or_else(|| missing(key::VALID_UNTIL))?,
            provenance: self.provenance.unwrap_or(Provenance::Native),
            predecessor: self.predecessor,
            copy: self.copy,
            territory: self.territory,
            languages: self.languages,
            attachments: self.attachments,
            own: self.own,
            selective: self.selective,
        })
    }
}

#[cfg(test)]
mod tests;
