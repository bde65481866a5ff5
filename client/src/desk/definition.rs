//! Type definitions: which claims the credentials of a type have, and how a sheet names them (DESIGN 4.2, 4.9).
//! A definition is a TOML file that an office can read and edit; `client/samples` has one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::Path;

use concord_spec::catalogue::{
    self, ClaimDefinition, Classification, Label, MAX_LABELS, Printed, Sensitivity, TypeRef,
};
use concord_spec::content::{MAX_IDENTIFIER, MAX_PRINTED_NUMBER};
use concord_spec::id::{TypeId, TypeVersion};
use serde::{Deserialize, Serialize};

use super::column::Common;
use super::row::HolderCodeType;

/// The largest definition file: 256 KiB.
pub const MAX_DEFINITION_BYTES: u64 = 256 << 10;
pub use concord_spec::catalogue::MAX_CLAIMS;
/// The most codes of a list, and bytes of one (concord_spec::catalogue::ClaimKind).
pub const MAX_CODES: usize = 64;
const MAX_CODE_BYTES: usize = 32;
/// The longest text of a claim, in bytes (concord_spec::content::ClaimValue).
pub const MAX_TEXT_BYTES: usize = 1_024;
/// The longest label and language tag, in bytes (concord_spec::catalogue::Label).
const MAX_LABEL_BYTES: usize = 128;
const MAX_LANGUAGE_BYTES: usize = 16;
/// Keys of the type's own claims (DESIGN 4.2).
const OWN_KEYS: std::ops::RangeInclusive<u64> = 100..=999;

/// Names of one thing by language (BCP 47); `zh` and `en` are always there.
pub type Labels = BTreeMap<String, String>;

/// A credential type as an office describes it. Only [`TypeDefinition::parse`] makes one, so it is always valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeDefinition(Draft);

/// The definition as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    #[serde(rename = "type")]
    id: TypeId,
    version: u16,
    names: Labels,
    holder_codes: BTreeSet<HolderCodeType>,
    #[serde(default)]
    classification: Classification,
    #[serde(default)]
    bounds: Bounds,
    #[serde(default)]
    claims: Vec<Claim>,
}

/// The longest texts, in bytes, of what every type's credentials say: tighter ones make smaller codes. 3 bytes for a Chinese
/// character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// The number that people know, at most 64.
    pub printed_number: usize,
    /// GB/T 36904 identifier, at most 96; 0: there is none.
    pub identifier: usize,
    /// The holder's name, at most 128.
    pub holder_name: usize,
    /// The holder's name in Latin letters, at most 128; 0: there is none.
    pub holder_latin_name: usize,
    /// The number of the holder's document, at most 64.
    pub holder_code: usize,
    /// The name of the issuing office, at most 128.
    pub office_name: usize,
}

impl Default for Bounds {
    /// What a credential can hold.
    fn default() -> Self {
        Self {
            printed_number: MAX_PRINTED_NUMBER,
            identifier: MAX_IDENTIFIER,
            holder_name: MAX_NAME_BYTES,
            holder_latin_name: MAX_NAME_BYTES,
            holder_code: MAX_HOLDER_CODE_BYTES,
            office_name: MAX_NAME_BYTES,
        }
    }
}

/// The longest names of holders and offices, and numbers of holders' documents (concord_spec::content).
const MAX_NAME_BYTES: usize = 128;
const MAX_HOLDER_CODE_BYTES: usize = 64;

impl Bounds {
    fn check(self) -> Result<(), DefinitionError> {
        let most = Self::default();
        let all = [
            ("printed_number", self.printed_number, 1, most.printed_number),
            ("identifier", self.identifier, 0, most.identifier),
            ("holder_name", self.holder_name, 1, most.holder_name),
            ("holder_latin_name", self.holder_latin_name, 0, most.holder_latin_name),
            ("holder_code", self.holder_code, 1, most.holder_code),
            ("office_name", self.office_name, 1, most.office_name),
        ];
        for (name, bound, least, most) in all {
            rule(
                (least..=most).contains(&bound),
                || format!("bounds.{name}"),
                "is more than a credential can hold, or nothing",
            )?;
        }
        Ok(())
    }
}

/// One of the type's own claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Key in the certified content: 100 to 999.
    pub key: u64,
    /// Name in sheets: `a-z`, `0-9`, `_`, at most 40.
    pub name: String,
    /// Names on screens and paper; a sheet may use them in its header too.
    pub labels: Labels,
    /// What its values are.
    pub kind: ClaimKind,
    /// Whether every credential has it.
    pub required: bool,
    /// Whether a holder may leave it out when showing the credential.
    #[serde(default)]
    pub selective: bool,
    /// How much it tells about a person.
    #[serde(default)]
    pub sensitivity: Sensitivity,
    /// How it stands on paper.
    #[serde(default)]
    pub printed: Printed,
}

/// What the values of a claim are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClaimKind {
    /// Text.
    Text {
        /// Most bytes, 3 for a Chinese character: 1 to [`MAX_TEXT_BYTES`].
        max_bytes: usize,
    },
    /// A calendar day.
    Date,
    /// One code of a list, with its labels.
    Code(BTreeMap<String, Labels>),
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
}

/// Why a definition cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The file could not be read.
    #[error("the type definition cannot be read: {0}")]
    File(#[from] io::Error),
    /// Too large.
    #[error("the type definition has more than {} KiB", MAX_DEFINITION_BYTES >> 10)]
    TooLarge,
    /// Not TOML, or not of this form.
    #[error("the type definition is not well formed: {0}")]
    Form(#[from] toml::de::Error),
    /// A rule about its content.
    #[error("the type definition's {place}: {problem}")]
    Rule {
        /// Where.
        place: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl TypeDefinition {
    /// Reads a definition file.
    ///
    /// # Errors
    /// The file cannot be read or what is in it is no valid definition.
    pub fn read(path: &Path) -> Result<Self, DefinitionError> {
        let mut text = String::new();
        std::fs::File::open(path)?
            .take(MAX_DEFINITION_BYTES + 1)
            .read_to_string(&mut text)?;
        Self::parse(&text)
    }

    /// Reads the text of a definition (TOML).
    ///
    /// # Errors
    /// It is too large, not of this form, or breaks a rule.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        if u64::try_from(text.len()).map_or(true, |length| length > MAX_DEFINITION_BYTES) {
            return Err(DefinitionError::TooLarge);
        }
        let mut draft: Draft = toml::from_str(text)?;
        draft.claims.sort_by_key(|claim| claim.key);
        draft.check()?;
        Ok(Self(draft))
    }

    /// The type.
    #[must_use]
    pub fn id(&self) -> &TypeId {
        &self.0.id
    }

    /// Version of the type, from 1.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.0.version
    }

    /// Names of the type.
    #[must_use]
    pub fn names(&self) -> &Labels {
        &self.0.names
    }

    /// The documents by which a holder may be known, at least one.
    #[must_use]
    pub fn holder_codes(&self) -> &BTreeSet<HolderCodeType> {
        &self.0.holder_codes
    }

    /// The longest texts of what every type's credentials say.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.0.bounds
    }

    /// The type's own claims, by ascending key.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.0.claims
    }
}

impl TypeDefinition {
    /// The definition as the ledger holds it, under the name `id`: a region's types are named after it.
    #[must_use]
    pub fn catalogue_entry(&self, id: TypeId) -> catalogue::TypeDefinition {
        let claims = self.claims().iter().map(Claim::catalogue_entry).collect();
        let reference = TypeRef {
            id,
            version: TypeVersion(self.version()),
        };
        catalogue::TypeDefinition {
            reference,
            labels: label_list(self.names()),
            claims,
            classification: self.0.classification.clone(),
        }
    }
}

impl Claim {
    fn catalogue_entry(&self) -> ClaimDefinition {
        let kind = match &self.kind {
            // At most MAX_TEXT_BYTES.
            ClaimKind::Text { max_bytes } => catalogue::ClaimKind::Text(u16::try_from(*max_bytes).unwrap_or(u16::MAX)),
            ClaimKind::Date => catalogue::ClaimKind::Day,
            ClaimKind::Code(codes) => catalogue::ClaimKind::Code(codes.keys().cloned().collect()),
            ClaimKind::Integer { .. } => catalogue::ClaimKind::Integer,
        };
        ClaimDefinition {
            key: self.key,
            kind,
            required: self.required,
            labels: label_list(&self.labels),
            selective: self.selective,
            sensitivity: self.sensitivity,
            printed: self.printed,
        }
    }
}

fn label_list(labels: &Labels) -> Vec<Label> {
    labels
        .iter()
        .map(|(language, text)| Label {
            language: language.clone(),
            text: text.clone(),
        })
        .collect()
}

fn rule(holds: bool, place: impl FnOnce() -> String, problem: &'static str) -> Result<(), DefinitionError> {
    if holds {
        Ok(())
    } else {
        Err(DefinitionError::Rule {
            place: place(),
            problem,
        })
    }
}

impl Draft {
    fn check(&self) -> Result<(), DefinitionError> {
        rule(self.version > 0, || "version".to_owned(), "must be 1 or more")?;
        check_labels(&self.names, "names")?;
        self.bounds.check()?;
        rule(
            !self.holder_codes.is_empty(),
            || "holder_codes".to_owned(),
            "must name at least one kind of document",
        )?;
        rule(
            self.claims.len() <= MAX_CLAIMS,
            || "claims".to_owned(),
            "are more than 64",
        )?;
        let mut names: BTreeSet<String> = Common::ALL.iter().flat_map(|column| column.names()).collect();
        let mut keys = BTreeSet::new();
        for claim in &self.claims {
            let place = || format!("claim {:?}", claim.name);
            claim.check()?;
            rule(keys.insert(claim.key), place, "has the key of another claim")?;
            // A column of a sheet must not have two meanings; a claim's own name and labels may be the same.
            let own: BTreeSet<String> = claim.headings().collect();
            for heading in own {
                rule(
                    names.insert(heading),
                    place,
                    "has a name or label that another column has",
                )?;
            }
        }
        Ok(())
    }
}

impl Claim {
    /// What a sheet's header may call this claim, in lower case.
    pub(super) fn headings(&self) -> impl Iterator<Item = String> + '_ {
        std::iter::once(&self.name)
            .chain(self.labels.values())
            .map(|name| name.to_lowercase())
    }

    fn check(&self) -> Result<(), DefinitionError> {
        let place = || format!("claim {:?}", self.name);
        let in_name = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let named = (1..=40).contains(&self.name.len()) && self.name.bytes().all(in_name);
        rule(named, place, "must be named with 1 to 40 of a-z, 0-9, _")?;
        rule(OWN_KEYS.contains(&self.key), place, "must have a key from 100 to 999")?;
        check_labels(&self.labels, &place())?;
        match &self.kind {
            ClaimKind::Text { max_bytes } => rule(
                (1..=MAX_TEXT_BYTES).contains(max_bytes),
                place,
                "must allow 1 to 1,024 bytes",
            ),
            ClaimKind::Date => Ok(()),
            ClaimKind::Integer { min, max } => rule(min <= max, place, "has a least number above its greatest"),
            ClaimKind::Code(codes) => {
                rule((1..=MAX_CODES).contains(&codes.len()), place, "must list 1 to 64 codes")?;
                for (code, labels) in codes {
                    let written = (1..=MAX_CODE_BYTES).contains(&code.len())
                        && code.bytes().all(|letter| letter.is_ascii_graphic());
                    rule(
                        written,
                        place,
                        "has a code that is not 1 to 32 visible ASCII characters",
                    )?;
                    check_labels(labels, &format!("code {code:?}"))?;
                }
                Ok(())
            }
        }
    }
}

fn check_labels(labels: &Labels, place: &str) -> Result<(), DefinitionError> {
    let place = || place.to_owned();
    rule(
        labels.contains_key("zh") && labels.contains_key("en"),
        place,
        "must have labels in zh and en",
    )?;
    rule(labels.len() <= MAX_LABELS, place, "has labels in more than 8 languages")?;
    let language = |tag: &String| {
        (2..=MAX_LANGUAGE_BYTES).contains(&tag.len())
            && tag
                .bytes()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
    };
    rule(
        labels.keys().all(language),
        place,
        "has a label in something that is no language tag (BCP 47)",
    )?;
    let label = |text: &String| {
        let clean = text.trim() == text && !text.chars().any(char::is_control);
        clean && (1..=MAX_LABEL_BYTES).contains(&text.len())
    };
    rule(
        labels.values().all(label),
        place,
        "has a label that is not 1 to 128 bytes without outer spaces",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition that the repository ships.
    const SHIPPED: &str = include_str!("../../samples/drivers-licence.type.toml");

    fn rejected(from: &str, to: &str) -> String {
        assert!(SHIPPED.contains(from), "{from}");
        TypeDefinition::parse(&SHIPPED.replacen(from, to, 1))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_shipped_definition_is_valid() {
        let definition = TypeDefinition::parse(SHIPPED).unwrap();
        assert_eq!(definition.id().as_str(), "drivers-licence");
        assert!(definition.claims().iter().map(|claim| claim.key).is_sorted());
    }

    #[test]
    fn a_definition_that_breaks_a_rule_is_refused_with_the_place() {
        assert!(rejected("key = 101", "key = 100").contains("key of another"));
        assert!(rejected("key = 100", "key = 99").contains("100 to 999"));
        assert!(rejected("version = 1", "version = 0").contains("version"));
        assert!(rejected("name = \"birth_date\"", "name = \"Birth date\"").contains("a-z"));
        assert!(rejected("name = \"birth_date\"", "name = \"issued_on\"").contains("another column"));
        assert!(rejected("zh = \"出生日期\"", "zh = \"姓名\"").contains("another column"));
        assert!(rejected("zh = \"出生日期\", ", "").contains("zh and en"));
        assert!(rejected("type = \"drivers-licence\"", "type = \"Driver's licence\"").contains("type"));
        assert!(rejected("version = 1", "version = 1\nsurprise = 2").contains("surprise"));
        assert!(rejected("text = { max_bytes = ", "text = { max_bytes = 99").contains("1,024"));
    }

    #[test]
    fn the_catalogue_entry_of_a_definition_is_complete_and_keeps_every_claim() {
        let definition = TypeDefinition::parse(SHIPPED).unwrap();
        let entry = definition.catalogue_entry(TypeId::new("330000.drivers-licence").unwrap());
        assert!(entry.is_complete());
        assert_eq!(entry.reference.to_string(), "330000.drivers-licence/1");
        let keys: Vec<u64> = entry.claims.iter().map(|claim| claim.key).collect();
        assert_eq!(keys, [100, 101, 102, 103, 104, 105, 106]);
        assert_eq!(catalogue::label(&entry.labels, "zh"), "机动车驾驶证");
    }

    #[test]
    fn a_definition_of_more_than_256_kib_is_refused() {
        let long = format!("{SHIPPED}\n#{}", " ".repeat(256 << 10));
        assert!(matches!(
            TypeDefinition::parse(&long).unwrap_err(),
            DefinitionError::TooLarge
        ));
    }
}
