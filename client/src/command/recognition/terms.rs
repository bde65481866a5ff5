//! The terms of a recognition, from a file (TOML), from options, or from both.

use crate::command::{Failure, show};
use clap::{Args, ValueEnum};
use concord_client::files;
use concord_spec::day::Day;
use concord_spec::digest::{Digest, sha256};
use concord_spec::id::{RegionId, TypeId, TypeVersion, UnixMillis};
use concord_spec::recognition::{Level, Source, Terms, ValueMap};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Most bytes of a file with terms.
const MAX_TERMS_FILE: usize = 256 << 10;
/// Most bytes of a legal basis.
const MAX_BASIS: usize = 256 << 20;

/// How far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelName {
    /// 等同: as if it had been issued here
    Equal,
    /// 附条件: on terms that the legal basis adds
    Conditional,
}

/// The terms.
#[derive(Debug, Args)]
#[command(next_help_heading = "Terms")]
pub(crate) struct Options {
    /// File with the terms (TOML): keys are named as the options, with _ for -; values as [[values]] with claim, there, here
    file: Option<PathBuf>,
    /// Whose credentials: a region, or `all`
    #[arg(long, value_name = "REGION|all")]
    from: Option<String>,
    /// The type recognised
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<TypeId>,
    /// The least version of it [default: 1]
    #[arg(long, value_name = "VERSION")]
    min_version: Option<u16>,
    /// As which type here [default: as itself]
    #[arg(long = "as", value_name = "TYPE")]
    local: Option<TypeId>,
    /// How far it goes [default: equal]
    #[arg(long, value_name = "LEVEL")]
    level: Option<LevelName>,
    /// What a value of a claim there is here, such as 103:B2=C1
    #[arg(long, value_name = "CLAIM:THERE=HERE", num_args = 1.., value_parser = parse_value)]
    value: Vec<ValueMap>,
    /// First legal day of issue
    #[arg(long, value_name = "DAY")]
    issued_from: Option<Day>,
    /// Last legal day of issue, included
    #[arg(long, value_name = "DAY")]
    issued_until: Option<Day>,
    /// From when on it may be presented (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = show::parse_time)]
    presented_from: Option<UnixMillis>,
    /// Until when it may be presented (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = show::parse_time)]
    presented_until: Option<UnixMillis>,
    /// Most days between the legal day of issue and presentation
    #[arg(long, value_name = "DAYS")]
    max_age_days: Option<u64>,
    /// For what it is recognised [default: for everything]
    #[arg(long, value_name = "PURPOSE", num_args = 1..)]
    purpose: Vec<String>,
    /// File of the legal basis, whose SHA-256 goes into the declaration
    #[arg(long, value_name = "FILE")]
    basis_file: Option<PathBuf>,
    /// SHA-256 of the legal basis, 64 hexadecimal digits
    #[arg(long, value_name = "DIGEST", conflicts_with = "basis_file")]
    basis: Option<Digest>,
}

/// The terms as a file has them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    from: Option<String>,
    #[serde(rename = "type")]
    kind: Option<TypeId>,
    min_version: Option<u16>,
    #[serde(rename = "as")]
    local: Option<TypeId>,
    level: Option<Level>,
    #[serde(default)]
    values: Vec<Value>,
    issued_from: Option<String>,
    issued_until: Option<String>,
    presented_from: Option<String>,
    presented_until: Option<String>,
    max_age_days: Option<u64>,
    #[serde(default)]
    purposes: Vec<String>,
    basis_file: Option<PathBuf>,
    basis: Option<Digest>,
}

/// A mapped value as a file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    claim: u64,
    there: String,
    here: String,
}

fn parse_value(text: &str) -> Result<ValueMap, String> {
    let wrong = || format!("{text:?}: write CLAIM:THERE=HERE, such as 103:B2=C1");
    let (claim, rest) = text.split_once(':').ok_or_else(wrong)?;
    let (there, here) = rest.split_once('=').ok_or_else(wrong)?;
    Ok(ValueMap {
        claim: claim.parse().map_err(|_| wrong())?,
        there: there.to_owned(),
        here: here.to_owned(),
    })
}

impl Draft {
    fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::Cannot(format!("{}: {why}", path.display()));
        let bytes = files::read(path, MAX_TERMS_FILE)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| wrong(error.to_string()))?;
        let mut draft: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        // A basis is named from where the file stands.
        draft.basis_file = draft
            .basis_file
            .map(|basis| path.parent().unwrap_or(Path::new("")).join(basis));
        Ok(draft)
    }
}

fn day(text: Option<String>) -> Result<Option<Day>, Failure> {
    let wrong = |text: &str| Failure::Usage(format!("{text:?} is no day; write YYYY-MM-DD"));
    text.map(|text| text.parse().map_err(|_| wrong(&text))).transpose()
}

fn time(text: Option<String>) -> Result<Option<UnixMillis>, Failure> {
    text.map(|text| show::parse_time(&text).map_err(|why| Failure::Usage(format!("{text:?}: {why}"))))
        .transpose()
}

impl Options {
    /// The terms that file and options give together.
    pub(super) fn terms(self) -> Result<Terms, Failure> {
        let draft = self.file.as_deref().map(Draft::read).transpose()?.unwrap_or_default();
        let missing = |what: &str| Failure::Usage(format!("name {what}"));
        let from = self.from.or(draft.from);
        let from = from.ok_or_else(|| missing("whose credentials are recognised: --from REGION, or --from all"))?;
        let source = if from == "all" {
            Source::All
        } else {
            Source::Region(RegionId::new(&from)?)
        };
        let kind = self.kind.or(draft.kind);
        let level = self.level.map(|level| match level {
            LevelName::Equal => Level::Equal,
            LevelName::Conditional => Level::Conditional,
        });
        let basis = basis(self.basis_file, self.basis)?;
        let basis = match basis {
            Some(basis) => Some(basis),
            None => self::basis(draft.basis_file, draft.basis)?,
        };
        let values = values(draft.values, self.value);
        let mut purposes = if self.purpose.is_empty() {
            draft.purposes
        } else {
            self.purpose
        };
        purposes.sort();
        purposes.dedup();
        Ok(Terms {
            source,
            kind: kind.ok_or_else(|| missing("the type recognised: --type TYPE"))?,
            min_version: TypeVersion(self.min_version.or(draft.min_version).unwrap_or(1)),
            local_type: self.local.or(draft.local),
            values,
            level: level.or(draft.level).unwrap_or(Level::Equal),
            issued_from: self
                .issued_from
                .map_or_else(|| day(draft.issued_from), |day| Ok(Some(day)))?,
            issued_until: self
                .issued_until
                .map_or_else(|| day(draft.issued_until), |day| Ok(Some(day)))?,
            presented_from: self
                .presented_from
                .map_or_else(|| time(draft.presented_from), |time| Ok(Some(time)))?,
            presented_until: self
                .presented_until
                .map_or_else(|| time(draft.presented_until), |time| Ok(Some(time)))?,
            max_age_days: self.max_age_days.or(draft.max_age_days),
            purposes,
            basis: basis.ok_or_else(|| missing("the legal basis: --basis-file FILE or --basis DIGEST"))?,
        })
    }
}

/// The mapped values of file and options, where options count.
fn values(file: Vec<Value>, options: Vec<ValueMap>) -> Vec<ValueMap> {
    let own = |value: &Value| {
        options
            .iter()
            .any(|own| (own.claim, &own.there) == (value.claim, &value.there))
    };
    let others = file.into_iter().filter(|value| !own(value)).map(|value| ValueMap {
        claim: value.claim,
        there: value.there,
        here: value.here,
    });
    let mut all: Vec<ValueMap> = others.collect();
    all.extend(options);
    all.sort();
    all
}

fn basis(file: Option<PathBuf>, digest: Option<Digest>) -> Result<Option<Digest>, Failure> {
    match file {
        Some(file) => Ok(Some(sha256(&[&files::read(&file, MAX_BASIS)?]))),
        None => Ok(digest),
    }
}
