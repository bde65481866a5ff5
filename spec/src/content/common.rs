//! The parts of the common claims.

use crate::codec::{CodecError, Reader, Wire, Writer, fields::plain_text, fields::wire_array};
use crate::day::Day;
use crate::digest::Digest;
use crate::id::CredentialId;
use crate::key::ed25519::PublicKey;

/// A name with the code of who bears it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Named {
    /// The name, at most 128 bytes.
    pub name: String,
    /// The code, at most 32 bytes.
    pub code: String,
}
wire_array!(Named {
    name: text(128),
    code: text(32)
});

/// What a holder is to the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// 持证主体.
    Holder,
    /// 共有人.
    CoOwner,
    /// 法定代表人.
    LegalRepresentative,
    /// 代理人.
    Agent,
    /// 监护人.
    Guardian,
}

const ROLES: [Role; 5] = [
    Role::Holder,
    Role::CoOwner,
    Role::LegalRepresentative,
    Role::Agent,
    Role::Guardian,
];

impl Wire for Role {
    fn encode(&self, w: &mut Writer) {
        encode_choice(w, &ROLES, self);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        decode_choice(r, &ROLES, "holder role")
    }
}

fn encode_choice<T: PartialEq>(w: &mut Writer, all: &[T], one: &T) {
    let index = all.iter().position(|other| other == one);
    w.uint(index.and_then(|index| u64::try_from(index).ok()).unwrap_or(u64::MAX));
}

fn decode_choice<T: Copy>(r: &mut Reader<'_>, all: &[T], what: &'static str) -> Result<T, CodecError> {
    let code = r.uint()?;
    let choice = usize::try_from(code).ok().and_then(|index| all.get(index)).copied();
    choice.ok_or(CodecError::UnknownKey {
        what,
        found: i64::try_from(code).unwrap_or(i64::MAX),
    })
}

/// A person or body the credential is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What they are to it.
    pub role: Role,
    /// Name as written at home, at most 128 bytes.
    pub name: String,
    /// Name in Latin letters, at most 128 bytes.
    pub latin_name: Option<String>,
    /// Kind of the code: GA/T 517 (`111` resident identity card) or `uscc`; at most 16 bytes.
    pub code_type: Option<String>,
    /// The code, at most 64 bytes.
    pub code: Option<String>,
    /// A key with which the holder can sign.
    pub key: Option<PublicKey>,
}

impl Wire for Holder {
    fn encode(&self, w: &mut Writer) {
        w.array(6);
        w.wire(&self.role);
        w.text(&self.name);
        for text in [&self.latin_name, &self.code_type, &self.code] {
            match text {
                Some(text) => w.text(text),
                None => w.null(),
            }
        }
        w.wire(&self.key);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        fn optional(r: &mut Reader<'_>, max: usize) -> Result<Option<String>, CodecError> {
            if r.take_null() {
                Ok(None)
            } else {
                plain_text(r, max).map(Some)
            }
        }
        r.array(6)?;
        Ok(Self {
            role: r.wire()?,
            name: plain_text(r, 128)?,
            latin_name: optional(r, 128)?,
            code_type: optional(r, 16)?,
            code: optional(r, 64)?,
            key: r.wire()?,
        })
    }
}

/// When validity ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// On this day, which is included.
    Until(Day),
    /// 长期: said so, not merely left out. Encoded as null.
    NoEnd,
}

impl Validity {
    /// The last day; none: without end.
    #[must_use]
    pub fn last_day(self) -> Option<Day> {
        match self {
            Self::Until(day) => Some(day),
            Self::NoEnd => None,
        }
    }
}

impl Wire for Validity {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Until(day) => w.wire(day),
            Self::NoEnd => w.null(),
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        if r.take_null() {
            Ok(Self::NoEnd)
        } else {
            Ok(Self::Until(r.wire()?))
        }
    }
}

impl std::fmt::Display for Validity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Until(day) => write!(f, "{day}"),
            Self::NoEnd => f.write_str("长期 / no end"),
        }
    }
}

/// Where the content comes from. Native is encoded by leaving the claim out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// Issued here.
    Native,
    /// Taken over from a register.
    Attested {
        /// The register, at most 128 bytes.
        register: String,
        /// The day on which it was taken over.
        on: Day,
    },
    /// The digest of a document that another system signed.
    Anchored(Digest),
}

impl Wire for Provenance {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Native => w.array(0),
            Self::Attested { register, on } => {
                w.array(2);
                w.text(register);
                w.wire(on);
            }
            Self::Anchored(digest) => {
                w.array(1);
                w.wire(digest);
            }
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        match r.array_len(2)? {
            2 => Ok(Self::Attested {
                register: plain_text(r, 128)?,
                on: r.wire()?,
            }),
            1 => Ok(Self::Anchored(r.wire()?)),
            _ => Err(CodecError::Invalid { what: "provenance" }),
        }
    }
}

/// How a credential follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// A new term of the same.
    Renews,
    /// In place of one lost or damaged.
    Replaces,
    /// Puts an error right.
    Corrects,
    /// A further copy.
    Duplicates,
    /// Moved from another region.
    Transfers,
}

const RELATIONS: [Relation; 5] = [
    Relation::Renews,
    Relation::Replaces,
    Relation::Corrects,
    Relation::Duplicates,
    Relation::Transfers,
];

impl Wire for Relation {
    fn encode(&self, w: &mut Writer) {
        encode_choice(w, &RELATIONS, self);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        decode_choice(r, &RELATIONS, "relation")
    }
}

/// The credential that this one follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predecessor {
    /// Which one.
    pub id: CredentialId,
    /// How.
    pub relation: Relation,
}
wire_array!(Predecessor { id, relation });

/// Original or copy; `number` 0 is the original (正本), else copy `number` of `of` (副本).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyOf {
    /// 0 for the original, or the copy's number from 1.
    pub number: u64,
    /// How many copies there are.
    pub of: u64,
}
wire_array!(CopyOf { number, of });

/// A file that belongs to a credential, by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What it is: `portrait`, `pdf`, `ofd`, `seal`; at most 32 bytes.
    pub role: String,
    /// Media type, at most 64 bytes.
    pub media_type: String,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of the file.
    pub digest: Digest,
}
wire_array!(Attachment {
    role: text(32),
    media_type: text(64),
    length,
    digest
});
