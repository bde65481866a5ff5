//! Types: what a credential certifies (DESIGN 4.9, catalogue entry).
//! Not here: the values of one credential (`content`).

use crate::codec::{CodecError, Reader, Wire, Writer, fields::wire_array, fields::wire_choice};
use crate::digest::Digest;
use crate::id::{TypeId, TypeVersion};

/// A text in one language.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Label {
    /// BCP 47 language tag, at most 16 bytes: `zh`, `en`.
    pub language: String,
    /// The text, at most 128 bytes.
    pub text: String,
}
wire_array!(Label {
    language: text(16),
    text: text(128)
});

/// Most languages of one name.
pub const MAX_LABELS: usize = 8;

/// The text in `language`, or else the first.
#[must_use]
pub fn label<'a>(labels: &'a [Label], language: &str) -> &'a str {
    let wanted = labels.iter().find(|label| label.language == language);
    wanted.or(labels.first()).map_or("", |label| label.text.as_str())
}

/// A version of a type; the CWT claim `vct` is its text, `type/version`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeRef {
    /// The type.
    pub id: TypeId,
    /// Its version, from 1.
    pub version: TypeVersion,
}
wire_array!(TypeRef { id, version });

crate::text::serde_as_text!(TypeRef);

impl std::fmt::Display for TypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.id, self.version)
    }
}

impl std::str::FromStr for TypeRef {
    type Err = CodecError;
    fn from_str(text: &str) -> Result<Self, CodecError> {
        let refuse = CodecError::Invalid {
            what: "type, written as type/version",
        };
        let (id, version) = text.split_once('/').ok_or_else(|| refuse.clone())?;
        let id = TypeId::new(id).map_err(|_| refuse.clone())?;
        let number: u16 = version.parse().map_err(|_| refuse.clone())?;
        let parsed = Self {
            id,
            version: TypeVersion(number),
        };
        if number >= 1 && parsed.to_string() == text {
            Ok(parsed)
        } else {
            Err(refuse)
        }
    }
}

/// What values a claim may hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimKind {
    /// Text of at most this many bytes.
    Text(u16),
    /// A whole number.
    Integer,
    /// A calendar day.
    Day,
    /// One of these codes.
    Code(Vec<String>),
}

const MAX_CODES: usize = 64;
const MAX_CODE_BYTES: usize = 32;

impl Wire for ClaimKind {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Text(max) => {
                w.array(2);
                w.uint(0);
                w.uint(u64::from(*max));
            }
            Self::Integer => {
                w.array(1);
                w.uint(1);
            }
            Self::Day => {
                w.array(1);
                w.uint(2);
            }
            Self::Code(codes) => {
                w.array(2);
                w.uint(3);
                w.array(codes.len());
                for code in codes {
                    w.text(code);
                }
            }
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let len = r.array_len(2)?;
        let kind = r.uint()?;
        match (kind, len) {
            (0, 2) => {
                let max = u16::try_from(r.uint()?).map_err(|_| CodecError::Invalid { what: "claim length" })?;
                Ok(Self::Text(max))
            }
            (1, 1) => Ok(Self::Integer),
            (2, 1) => Ok(Self::Day),
            (3, 2) => {
                let count = r.array_len(MAX_CODES)?;
                let mut codes = Vec::new();
                for _ in 0..count {
                    codes.push(crate::codec::fields::plain_text(r, MAX_CODE_BYTES)?);
                }
                Ok(Self::Code(codes))
            }
            (other, _) => Err(CodecError::UnknownKey {
                what: "claim kind",
                found: i64::try_from(other).unwrap_or(-1),
            }),
        }
    }
}

/// A claim that a type adds to the common ones.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClaimDefinition {
    /// Key in the content map, 100 or more.
    pub key: u64,
    /// What it may hold.
    pub kind: ClaimKind,
    /// Whether every credential must have it.
    pub required: bool,
    /// Its name by language.
    pub labels: Vec<Label>,
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
wire_array!(ClaimDefinition {
    key,
    kind,
    required,
    labels: list(MAX_LABELS),
    selective,
    sensitivity,
    printed
});

/// How much a claim tells about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sensitivity {
    /// 公开: it may be shown to everybody.
    #[default]
    Public,
    /// 个人信息: about a person.
    Personal,
    /// 敏感个人信息: it harms a person when it gets into wrong hands.
    Sensitive,
}
wire_choice!(Sensitivity "sensitivity" { Public = 0, Personal = 1, Sensitive = 2 });

/// How a claim stands on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Printed {
    /// Whole.
    #[default]
    Shown,
    /// In part: the middle is left out.
    Masked,
    /// Not at all.
    Hidden,
}
wire_choice!(Printed "print mask" { Shown = 0, Masked = 1, Hidden = 2 });

/// 目录类别: what a type is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// 基础: identity and standing of persons and bodies.
    Basic,
    /// 主题: a subject that several sectors use.
    Thematic,
    /// 业务: one sector's business.
    #[default]
    Sector,
}
wire_choice!(Category "category" { Basic = 0, Thematic = 1, Sector = 2 });

/// 数据分级: how much harm wrong hands can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// 一般.
    #[default]
    General,
    /// 重要.
    Important,
    /// 核心.
    Core,
}
wire_choice!(Grade "grade" { General = 0, Important = 1, Core = 2 });

/// 共享属性: who may be given the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// 无条件共享.
    Unconditional,
    /// 有条件共享.
    #[default]
    Conditional,
    /// 不予共享.
    None,
}
wire_choice!(Sharing "sharing" { Unconditional = 0, Conditional = 1, None = 2 });

/// Where a type stands in the classified catalogue (分级分类目录), and how long things last.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Classification {
    /// What it is for.
    pub category: Category,
    /// The sector (所属行业), at most 64 bytes.
    pub sector: Option<String>,
    /// How much harm wrong hands can do.
    pub grade: Grade,
    /// Who may be given the data.
    pub sharing: Sharing,
    /// Days for which the office keeps what it issued; none: for good.
    pub retention_days: Option<u64>,
    /// Most days from the first to the last day of validity, both counted; none: no limit.
    pub max_validity_days: Option<u64>,
    /// Type code of GB/T 36904: 21 characters.
    pub gb_type_code: Option<String>,
    /// SHA-256 of the print template.
    pub template: Option<Digest>,
}
wire_array!(Classification {
    category,
    sector: optional_text(64),
    grade,
    sharing,
    retention_days,
    max_validity_days,
    gb_type_code: optional_text(GB_TYPE_CODE),
    template,
});

/// Characters of a type code of GB/T 36904: a unified social credit code and three digits.
const GB_TYPE_CODE: usize = 21;

impl Classification {
    /// Whether its type code, if it has one, has the form of GB/T 36904, and its spans are at least a day.
    fn is_complete(&self) -> bool {
        let code = self.gb_type_code.as_deref().is_none_or(|code| {
            code.len() == GB_TYPE_CODE
                && code
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        });
        code && self.retention_days != Some(0) && self.max_validity_days != Some(0)
    }
}

/// First key of a type's own claims.
pub const FIRST_OWN_KEY: u64 = 100;

/// A version of a type, as its owner defines it on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDefinition {
    /// The type and version. Its name begins with its owner's and a dot: a region, a domain authority, or `federation`.
    pub reference: TypeRef,
    /// Its name by language, at least one.
    pub labels: Vec<Label>,
    /// Its own claims, by ascending key.
    pub claims: Vec<ClaimDefinition>,
    /// Its place in the classified catalogue.
    pub classification: Classification,
}
wire_array!(TypeDefinition {
    reference,
    labels: list(MAX_LABELS),
    claims: list(MAX_CLAIMS),
    classification
});

/// Most claims a type may add.
pub const MAX_CLAIMS: usize = 64;

impl TypeDefinition {
    /// Whether it is complete: a version from 1, a name, claim keys from 100 in ascending
    /// order, each with a name, a sound classification.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let ascending = self
            .claims
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.key < b.key));
        let own = self
            .claims
            .iter()
            .all(|claim| claim.key >= FIRST_OWN_KEY && !claim.labels.is_empty());
        self.reference.version.0 >= 1
            && !self.labels.is_empty()
            && ascending
            && own
            && self.classification.is_complete()
            && self.reference.id.owner().is_some()
    }

    /// The definition of the claim with this key.
    #[must_use]
    pub fn claim(&self, key: u64) -> Option<&ClaimDefinition> {
        self.claims.iter().find(|claim| claim.key == key)
    }
}
