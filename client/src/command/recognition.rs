//! `concord recognition`: which region accepts which credentials of which other, as what and on which terms.

mod table;
mod terms;

use super::ledger::Ledger;
use super::signing::{RegionKeys, Signing};
use super::{Done, Failure, Shared, show, told};
use clap::{Args, Subcommand};
use concord_spec::day::Day;
use concord_spec::id::{RegionId, TypeId, UnixMillis};
use concord_spec::recognition::{Declaration, Source};
use concord_spec::record::{Action, Withdraw};
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Declare that the region recognises a type of another region, or of all: its authority signs
    ///
    /// The terms stand in a file (TOML), in options, or in both, where options count. Every term is one that a program checks.
    Declare(Box<Declare>),
    /// Take a recognition back; who relies on it keeps what the dates say: the region's authority signs
    Withdraw(Withdrawing),
    /// The declarations, withdrawn ones too
    List {
        /// Of this region only
        #[arg(long = "of", value_name = "REGION")]
        recogniser: Option<RegionId>,
    },
    /// Who recognises whom, and where it is mutual: a row recognises a column
    Table {
        /// For this type: its whole name, or what stands behind the owner's and the dot, whoever owns it [default: any type]
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<TypeId>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Declare {
    #[command(flatten)]
    terms: terms::Options,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct Withdrawing {
    /// Number of the declaration among the region's own; see `concord recognition list`
    number: u64,
    /// Credentials issued until this legal day stay recognised
    #[arg(long, value_name = "DAY", required_unless_present = "presented_until")]
    issued_until: Option<Day>,
    /// Until when they may be presented (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = show::parse_time)]
    presented_until: Option<UnixMillis>,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    signing: Signing,
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Declare(declare) => declare.run(shared),
            Self::Withdraw(withdrawing) => withdrawing.run(shared),
            Self::List { recogniser } => list(shared, recogniser.as_ref()),
            Self::Table { kind } => table::run(shared, kind.as_ref()),
        }
    }
}

impl Declare {
    fn run(self, shared: &Shared) -> Done {
        let terms = self.terms.terms()?;
        if let Some(defect) = terms.defect() {
            return Err(Failure::Usage(format!("the terms are not complete: {defect}")));
        }
        let ledger = self.signing.ledger(shared)?;
        let (region, speaker) = self.region.region(&ledger, &self.signing)?;
        let words = format!("region {region} recognises {}", told::recognised(&terms));
        let object = json!({"region": region, "type": terms.kind, "from": terms.source.to_string()});
        let chosen = terms.clone();
        let action = Action::Recognise(Box::new(terms));
        self.signing.act(shared, &ledger, &speaker, action, |_| {
            // The node does not say the number with the record; it is the last of these terms.
            let recognition = ledger.node.recognition()?;
            let own = recognition.of(&region).iter().rev();
            let number = own
                .clone()
                .find(|known| known.terms == chosen)
                .map(|known| known.number);
            let (words, mut object) = (words, object);
            if let Value::Object(fields) = &mut object {
                fields.insert("number".to_owned(), json!(number));
            }
            let number = number.map_or_else(String::new, |number| format!(", declaration {number}"));
            Ok((format!("{words}{number}"), object))
        })
    }
}

impl Withdrawing {
    fn run(self, shared: &Shared) -> Done {
        let ledger = self.signing.ledger(shared)?;
        let (region, speaker) = self.region.region(&ledger, &self.signing)?;
        let number = self.number;
        let action = Action::Withdraw(Withdraw {
            number,
            issued_until: self.issued_until,
            presented_until: self.presented_until,
        });
        let words = format!("region {region} {}", told::sentence(&action));
        let object = json!({"region": region, "number": number});
        self.signing
            .act(shared, &ledger, &speaker, action, |_| Ok((words, object)))
    }
}

fn object(declaration: &Declaration) -> Value {
    let terms = &declaration.terms;
    let values: Vec<Value> = terms
        .values
        .iter()
        .map(|map| json!({"claim": map.claim, "there": map.there, "here": map.here}))
        .collect();
    let source = match &terms.source {
        Source::All => Value::Null,
        Source::Region(region) => json!(region),
    };
    let withdrawn = declaration.withdrawn.as_ref().map(|withdrawal| {
        json!({
            "at": withdrawal.at, "issued_until": withdrawal.issued_until.map(|day| day.to_string()),
            "presented_until_ms": withdrawal.presented_until,
        })
    });
    json!({
        "region": declaration.recogniser,
        "number": declaration.number,
        "from": source,
        "type": terms.kind,
        "min_version": terms.min_version,
        "as": terms.local_type,
        "level": terms.level,
        "values": values,
        "issued_from": terms.issued_from.map(|day| day.to_string()),
        "issued_until": terms.issued_until.map(|day| day.to_string()),
        "presented_from_ms": terms.presented_from,
        "presented_until_ms": terms.presented_until,
        "max_age_days": terms.max_age_days,
        "purposes": terms.purposes,
        "basis": terms.basis,
        "since": declaration.since,
        "withdrawn": withdrawn,
    })
}

fn list(shared: &Shared, recogniser: Option<&RegionId>) -> Done {
    let recognition = Ledger::look(shared)?.node.recognition()?;
    let wanted = |known: &&Declaration| recogniser.is_none_or(|region| known.recogniser == *region);
    let listed: Vec<&Declaration> = recognition.declarations.iter().filter(wanted).collect();
    if listed.is_empty() && !shared.json {
        show::line("no recognition is declared")?;
    }
    for declaration in listed {
        let mut words = format!(
            "{} {}: {}",
            declaration.recogniser,
            declaration.number,
            told::recognised(&declaration.terms)
        );
        for (name, value) in told::conditions(&declaration.terms) {
            words.push_str(&format!("\n  {name:<15}  {value}"));
        }
        words.push_str(&format!("\n  {:<15}  block {}", "since", declaration.since));
        if let Some(withdrawal) = &declaration.withdrawn {
            let issued = withdrawal
                .issued_until
                .map_or_else(String::new, |day| format!("; issued until {day} stays"));
            let presented = withdrawal
                .presented_until
                .map_or_else(String::new, |time| format!("; presented until {}", show::time(time)));
            words.push_str(&format!(
                "\n  {:<15}  at block {}{issued}{presented}",
                "WITHDRAWN", withdrawal.at
            ));
        }
        show::answer(shared, &words, &object(declaration))?;
    }
    Ok(0)
}
