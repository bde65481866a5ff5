//! Recognition: a region's declaration that it accepts a type of other regions, as what and on which terms (DESIGN 4.9).
//! Every condition is one that a program can check. Not here: who may declare (`ledger`), the report (`verify`).

use crate::catalogue::TypeRef;
use crate::codec::{CodecError, Reader, Wire, Writer, fields::wire_array, fields::wire_choice};
use crate::day::Day;
use crate::digest::Digest;
use crate::id::{Height, RegionId, TypeId, TypeVersion, UnixMillis};

/// Most values that a declaration maps.
pub const MAX_VALUES: usize = 256;
/// Most purposes of a declaration.
pub const MAX_PURPOSES: usize = 32;

/// Whose credentials are recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Those of every region; null in CBOR.
    All,
    /// Those of one region.
    Region(RegionId),
}

impl Wire for Source {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::All => w.null(),
            Self::Region(region) => w.wire(region),
        }
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        if r.take_null() {
            Ok(Self::All)
        } else {
            Ok(Self::Region(r.wire()?))
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Region(region) => write!(f, "{region}"),
        }
    }
}

impl Source {
    /// Whether credentials of this region are meant.
    #[must_use]
    pub fn covers(&self, region: &RegionId) -> bool {
        match self {
            Self::All => true,
            Self::Region(source) => source == region,
        }
    }
}

/// How far a recognition goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// 等同: as if it had been issued here.
    Equal,
    /// 附条件: on terms that the legal basis adds.
    Conditional,
}
wire_choice!(Level "recognition level" { Equal = 0, Conditional = 1 });

/// What a value of a claim there is here: `class B2` there may be `class C` here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueMap {
    /// Key of the claim in the type recognised.
    pub claim: u64,
    /// The value there, at most 64 bytes.
    pub there: String,
    /// The value here, at most 64 bytes.
    pub here: String,
}
wire_array!(ValueMap {
    claim,
    there: text(64),
    here: text(64)
});

/// On which terms a type is recognised: what a record declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Whose credentials.
    pub source: Source,
    /// The type recognised.
    pub kind: TypeId,
    /// The least version of it.
    pub min_version: TypeVersion,
    /// As which type here; none: as itself.
    pub local_type: Option<TypeId>,
    /// What values there are here, ascending by claim and value; a value that is not listed stays as it is.
    pub values: Vec<ValueMap>,
    /// How far it goes.
    pub level: Level,
    /// First legal day of issue.
    pub issued_from: Option<Day>,
    /// Last legal day of issue, included.
    pub issued_until: Option<Day>,
    /// From when on it may be presented.
    pub presented_from: Option<UnixMillis>,
    /// Until when it may be presented, included.
    pub presented_until: Option<UnixMillis>,
    /// Most days between the legal day of issue and presentation.
    pub max_age_days: Option<u64>,
    /// For what it is recognised; none listed: for everything.
    pub purposes: Vec<String>,
    /// SHA-256 of the legal basis.
    pub basis: Digest,
}
wire_array!(Terms {
    source,
    kind,
    min_version,
    local_type,
    values: list(MAX_VALUES),
    level,
    issued_from,
    issued_until,
    presented_from,
    presented_until,
    max_age_days,
    purposes: texts(MAX_PURPOSES),
    basis,
});

impl Terms {
    /// What is wrong with the terms by themselves, if anything.
    #[must_use]
    pub fn defect(&self) -> Option<&'static str> {
        let order = |pair: &[ValueMap]| matches!(pair, [a, b] if (a.claim, &a.there) < (b.claim, &b.there));
        if !self.values.windows(2).all(order) {
            return Some("its mapped values do not stand in ascending order, each once");
        }
        if matches!((self.issued_from, self.issued_until), (Some(from), Some(until)) if from > until) {
            return Some("its first day of issue is later than its last");
        }
        if matches!((self.presented_from, self.presented_until), (Some(from), Some(until)) if from > until) {
            return Some("its presentation ends before it begins");
        }
        if !self.purposes.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
            return Some("its purposes do not stand in ascending order, each once");
        }
        (self.min_version.0 == 0).then_some("its least version is 0; versions count from 1")
    }
}

/// A declaration taken back, with the rights that stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// Height at which it was recorded.
    pub at: Height,
    /// Credentials issued until this legal day stay recognised; none: as the declaration says.
    pub issued_until: Option<Day>,
    /// Until when they may be presented; none: as the declaration says.
    pub presented_until: Option<UnixMillis>,
}
wire_array!(Withdrawal {
    at,
    issued_until,
    presented_until
});

/// A declaration on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Who recognises.
    pub recogniser: RegionId,
    /// Its number among the recogniser's declarations, from 1.
    pub number: u64,
    /// On which terms.
    pub terms: Terms,
    /// Height at which it was recorded.
    pub since: Height,
    /// Whether and how it was taken back.
    pub withdrawn: Option<Withdrawal>,
}
wire_array!(Declaration {
    recogniser,
    number,
    terms,
    since,
    withdrawn
});

/// A credential as a recognition sees it.
#[derive(Debug, Clone, Copy)]
pub struct Presentation<'a> {
    /// The region it was issued in.
    pub source: &'a RegionId,
    /// Its type and version.
    pub vct: &'a TypeRef,
    /// Its legal day of issue.
    pub issued_on: Day,
    /// The Unix second at which that day began in its office's zone.
    pub issued_at: i64,
    /// When it is presented.
    pub now: UnixMillis,
    /// What for, if that was said.
    pub purpose: Option<&'a str>,
}

/// Why a declaration does not cover a credential. In JSON `condition` is its name, `needs` what would meet it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(tag = "condition", content = "needs", rename_all = "kebab-case")]
pub enum Unmet {
    /// Another region or type.
    #[error("it is about another type or region")]
    Other,
    /// An older version of the type.
    #[error("version {0} of the type or later is recognised")]
    Version(TypeVersion),
    /// Issued too early.
    #[error("credentials issued from {0} on are recognised")]
    IssuedBefore(Day),
    /// Issued too late.
    #[error("credentials issued until {0} are recognised")]
    IssuedAfter(Day),
    /// Presented too early.
    #[error("the recognition begins later")]
    NotYet,
    /// Presented too late.
    #[error("the recognition has ended")]
    Over,
    /// Too long ago.
    #[error("it must be issued within {0} days")]
    TooOld(u64),
    /// For something else.
    #[error("it is recognised for {0} only")]
    Purpose(String),
}

const SECONDS_PER_DAY: u64 = 86_400;

impl Declaration {
    /// The last legal day of issue that it covers, by its terms and its withdrawal.
    #[must_use]
    pub fn issued_until(&self) -> Option<Day> {
        let withdrawn = self.withdrawn.as_ref().and_then(|withdrawal| withdrawal.issued_until);
        self.terms.issued_until.into_iter().chain(withdrawn).min()
    }

    /// Until when it covers a presentation, by its terms and its withdrawal.
    #[must_use]
    pub fn presented_until(&self) -> Option<UnixMillis> {
        let withdrawn = self
            .withdrawn
            .as_ref()
            .and_then(|withdrawal| withdrawal.presented_until);
        self.terms.presented_until.into_iter().chain(withdrawn).min()
    }

    /// Whether it covers a credential.
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn covers(&self, presented: &Presentation<'_>) -> Result<(), Unmet> {
        let terms = &self.terms;
        if !terms.source.covers(presented.source) || terms.kind != presented.vct.id {
            return Err(Unmet::Other);
        }
        if presented.vct.version < terms.min_version {
            return Err(Unmet::Version(terms.min_version));
        }
        if let Some(from) = terms.issued_from.filter(|from| presented.issued_on < *from) {
            return Err(Unmet::IssuedBefore(from));
        }
        if let Some(until) = self.issued_until().filter(|until| presented.issued_on > *until) {
            return Err(Unmet::IssuedAfter(until));
        }
        if terms.presented_from.is_some_and(|from| presented.now < from) {
            return Err(Unmet::NotYet);
        }
        if self.presented_until().is_some_and(|until| presented.now > until) {
            return Err(Unmet::Over);
        }
        if let Some(days) = terms.max_age_days {
            let seconds = i64::try_from(days.saturating_mul(SECONDS_PER_DAY)).unwrap_or(i64::MAX);
            let now = i64::try_from(presented.now.0.checked_div(1_000).unwrap_or(0)).unwrap_or(i64::MAX);
            if now > presented.issued_at.saturating_add(seconds) {
                return Err(Unmet::TooOld(days));
            }
        }
        let other = |purpose: &&str| !terms.purposes.is_empty() && terms.purposes.iter().all(|known| known != purpose);
        if presented.purpose.filter(other).is_some() {
            return Err(Unmet::Purpose(terms.purposes.join(", ")));
        }
        Ok(())
    }

    /// What a value of a claim there is here.
    #[must_use]
    pub fn value_here<'a>(&'a self, claim: u64, there: &'a str) -> &'a str {
        let mapped = self
            .terms
            .values
            .iter()
            .find(|map| map.claim == claim && map.there == there);
        mapped.map_or(there, |map| map.here.as_str())
    }
}

/// Section `recognition`: every declaration, ascending by recogniser and number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recognition {
    /// The declarations, withdrawn ones too.
    pub declarations: Vec<Declaration>,
}
wire_array!(Recognition version 1 "recognition" { declarations: list(MAX_DECLARATIONS) });

/// Most declarations of a federation: 4,096 of each of the 1,024 regions that there may ever be.
pub const MAX_DECLARATIONS: usize = 1 << 22;
/// Most declarations of one region.
pub const MAX_DECLARATIONS_OF_REGION: usize = 4_096;

impl Recognition {
    /// The declarations of a region.
    #[must_use]
    pub fn of(&self, recogniser: &RegionId) -> &[Declaration] {
        let from = self
            .declarations
            .partition_point(|known| known.recogniser < *recogniser);
        let until = self
            .declarations
            .partition_point(|known| known.recogniser <= *recogniser);
        self.declarations.get(from..until).unwrap_or_default()
    }

    /// Puts a new declaration behind the recogniser's others and gives its number.
    pub(crate) fn declare(&mut self, recogniser: &RegionId, terms: Terms, since: Height) -> u64 {
        let place = self
            .declarations
            .partition_point(|known| known.recogniser <= *recogniser);
        let number = self
            .of(recogniser)
            .last()
            .map_or(0, |last| last.number)
            .saturating_add(1);
        let declaration = Declaration {
            recogniser: recogniser.clone(),
            number,
            terms,
            since,
            withdrawn: None,
        };
        self.declarations.insert(place, declaration);
        number
    }

    /// A declaration of a region.
    pub(crate) fn get_mut(&mut self, recogniser: &RegionId, number: u64) -> Option<&mut Declaration> {
        let found = self
            .declarations
            .binary_search_by(|known| (&known.recogniser, known.number).cmp(&(recogniser, number)));
        self.declarations.get_mut(found.ok()?)
    }
}
