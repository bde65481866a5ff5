//! `concord record`: records as files that go from hand to hand, and records on the ledger.

use super::access::{self, Passphrase};
use super::ledger::Source;
use super::signing::next_step;
use super::{Done, Failure, Shared, show, told};
use clap::Subcommand;
use concord_client::files;
use concord_client::transport::{RecordAnswer, RecordState};
use concord_spec::cose::SignatureError;
use concord_spec::key::{Keyring, Kid, PublicKey};
use concord_spec::record::{Actor, MAX_RECORD, RecordId, SignedRecord};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Exit code of a record that the ledger will refuse as it stands.
const REFUSED: u8 = 10;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say in plain words what a record in a file will do, in whose name, until when, and whose signatures it has
    ///
    /// Who has signed is checked against the keyring on the ledger, as a node (--node) or a trust bundle (--bundle) has it;
    /// without either, the signatures are listed by their key ids, unchecked. Exit code 10: the ledger will refuse it.
    Show {
        /// The record
        file: PathBuf,
        /// The trust bundle in which the keyring is looked up
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
    },
    /// Add signatures to a record in a file, after saying what it will do
    ///
    /// Refused for a key outside of the actor's keyring, for one that has signed, and once enough have signed.
    Sign {
        /// The record; the signatures are put into it
        file: PathBuf,
        /// Key files of the actor's keyring
        #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
        key: Vec<PathBuf>,
        /// The trust bundle in which the keyring is looked up [default: the node]
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Hand in a record from a file, and wait until it is in a sealed block
    ///
    /// Handing in the same again does no harm: a record enters the ledger once.
    Submit {
        /// The record
        file: PathBuf,
    },
    /// Tell how far a record has come
    State {
        /// Its id, 64 hexadecimal digits
        id: RecordId,
        /// Wait so many seconds while it is pending, at most 30
        #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=30))]
        wait: u64,
    },
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        match self {
            Self::Show { file, bundle } => {
                let record = read(&file)?;
                let source = Source::of(shared, bundle.as_deref(), &record.payload().actor)?;
                let signed = Signed::of(&record, source.as_ref());
                show::answer(
                    shared,
                    &words(&file, &record, &signed),
                    &object(&file, &record, &signed),
                )?;
                Ok(if signed.problem.is_some() { REFUSED } else { 0 })
            }
            Self::Sign {
                file,
                key,
                bundle,
                passphrase,
            } => sign(shared, &file, &key, bundle.as_deref(), &passphrase),
            Self::Submit { file } => submit(shared, &file),
            Self::State { id, wait } => state(shared, &id, wait),
        }
    }
}

/// A record from its file.
fn read(file: &Path) -> Result<SignedRecord, Failure> {
    let bytes = files::read(file, MAX_RECORD)?;
    SignedRecord::from_bytes(&bytes).map_err(|error| {
        Failure::Cannot(format!(
            "{}: it is no record ({error}); see what it is with: concord inspect",
            file.display()
        ))
    })
}

/// Who has signed, and how many are missing, as far as that is known.
struct Signed {
    /// The keyring, where it was looked up and found.
    keyring: Option<Keyring>,
    /// Who has signed, checked.
    signers: Vec<PublicKey>,
    /// The signatures by key id, where there is no keyring to check them by.
    kids: Vec<Kid>,
    /// Why the ledger will refuse it whoever signs.
    problem: Option<String>,
}

impl Signed {
    fn of(record: &SignedRecord, source: Option<&Source>) -> Self {
        let (payload, envelope) = (record.payload(), record.envelope());
        let mut signed = Self {
            keyring: None,
            signers: Vec::new(),
            kids: envelope.signatures().iter().map(|(kid, _)| *kid).collect(),
            problem: None,
        };
        let Some(source) = source else { return signed };
        if source.chain_id() != payload.chain_id {
            signed.problem = Some(format!("it is for another chain than {}", source.chain_id()));
            return signed;
        }
        if payload.not_after < source.time() {
            signed.problem = Some(format!(
                "its time is over: it could enter the ledger until {}; make it anew",
                show::time(payload.not_after)
            ));
        }
        match source.keyring(&payload.actor) {
            None if payload.actor == Actor::Nobody => {}
            None => signed.problem = Some(format!("{} is not on the ledger", payload.actor)),
            Some(keyring) => {
                match envelope.signers(&keyring) {
                    Ok(signers) => signed.signers = signers,
                    Err(error) => signed.problem = Some(refused(&error, &payload.actor)),
                }
                signed.keyring = Some(keyring);
            }
        }
        signed
    }

    /// How many signatures it needs more.
    fn missing(&self) -> Option<usize> {
        let need = self.keyring.as_ref()?.threshold();
        Some(need.saturating_sub(self.signers.len()))
    }
}

fn refused(error: &SignatureError, actor: &Actor) -> String {
    match error {
        SignatureError::UnknownKey => format!("a signature is by a key that is not in the keyring of {actor} any more"),
        SignatureError::Forged => {
            "a signature does not hold: the record was altered, or the signature is forged".to_owned()
        }
        SignatureError::TooFew { .. } | SignatureError::TooMany | SignatureError::NotAscending => error.to_string(),
    }
}

fn words(file: &Path, record: &SignedRecord, signed: &Signed) -> String {
    let mut text = format!("{}: record {}", file.display(), record.id());
    for (name, value) in told(record) {
        text.push_str(&format!("\n  {name:<12}  {value}"));
    }
    let mut put = |name: &str, value: &dyn std::fmt::Display| text.push_str(&format!("\n  {name:<12}  {value}"));
    match &signed.keyring {
        Some(_) => signed.signers.iter().for_each(|key| put("signed by", key)),
        None => signed
            .kids
            .iter()
            .for_each(|kid| put("signed by", &format!("key id {}, not checked", hex::encode(kid)))),
    }
    if let Some(problem) = &signed.problem {
        return format!("{text}\nThe ledger will refuse it: {problem}");
    }
    let (signatures, keyring) = (record.envelope().signatures().len(), signed.keyring.as_ref());
    let next = match keyring {
        Some(keyring) => next_step(file, signatures, keyring.threshold()),
        None if record.payload().actor == Actor::Nobody => next_step(file, 0, 0),
        None => "Whose keys these are is not known here: give --node URL or --bundle FILE".to_owned(),
    };
    match signed.missing() {
        Some(missing) => format!("{text}\n  {:<12}  {missing}\n{next}", "missing"),
        None => format!("{text}\n{next}"),
    }
}

/// What a record says, as names and values, without its signatures.
pub(super) fn told(record: &SignedRecord) -> told::Words {
    let payload = record.payload();
    let told = told::action(&payload.action);
    let head = [
        ("does", told.sentence),
        ("in the name", format!("of {}", payload.actor)),
    ];
    let tail = [
        ("until", show::time(payload.not_after)),
        ("chain id", payload.chain_id.to_string()),
    ];
    let named = |(name, value): (&str, String)| (name.to_owned(), value);
    head.map(named)
        .into_iter()
        .chain(told.details)
        .chain(tail.map(named))
        .collect()
}

fn object(file: &Path, record: &SignedRecord, signed: &Signed) -> Value {
    let payload = record.payload();
    let told = told::action(&payload.action);
    let details: Vec<Value> = told
        .details
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    json!({
        "file": file.display().to_string(),
        "record": record.id(),
        "action": payload.action.name(),
        "does": told.sentence,
        "details": details,
        "actor": payload.actor.to_string(),
        "not_after_ms": payload.not_after,
        "chain_id": payload.chain_id,
        "signatures": record.envelope().signatures().len(),
        "key_ids": signed.kids.iter().map(hex::encode).collect::<Vec<_>>(),
        "signed_by": signed.keyring.as_ref().map(|_| &signed.signers),
        "needed": signed.keyring.as_ref().map(Keyring::threshold),
        "missing": signed.missing(),
        "problem": signed.problem,
    })
}

fn sign(shared: &Shared, file: &Path, keys: &[PathBuf], bundle: Option<&Path>, passphrase: &Passphrase) -> Done {
    let mut record = read(file)?;
    let actor = record.payload().actor.clone();
    let missing =
        "signing needs the keyring of who speaks: give --node URL, or --bundle FILE where there is no network";
    let source = Source::of(shared, bundle, &actor)?.ok_or_else(|| Failure::Usage(missing.to_owned()))?;
    let before = Signed::of(&record, Some(&source));
    if let Some(problem) = before.problem {
        return Err(Failure::Cannot(format!("{}: not signed: {problem}", file.display())));
    }
    let keyring = source.require_keyring(&actor)?;
    show::remark(&format!(
        "signing: {actor} {}",
        told::sentence(&record.payload().action)
    ));
    for key in passphrase.open_all(keys)? {
        let added = record.add_signature(&key, &keyring);
        added.map_err(|error| Failure::Cannot(not_signed(file, &error, &key.public(), &actor)))?;
    }
    files::replace(file, record.bytes())?;
    let signed = Signed::of(&record, Some(&source));
    show::answer(shared, &words(file, &record, &signed), &object(file, &record, &signed))?;
    Ok(0)
}

fn not_signed(file: &Path, error: &SignatureError, key: &PublicKey, actor: &Actor) -> String {
    let file = file.display();
    match error {
        SignatureError::UnknownKey => format!("{file}: key {key} is not in the keyring of {actor}; nothing was signed"),
        SignatureError::NotAscending => {
            format!("{file}: key {key} has signed already; another of the keyring must; nothing was signed")
        }
        SignatureError::TooMany => {
            format!("{file}: enough have signed; hand it in: concord record submit {file}")
        }
        SignatureError::TooFew { .. } | SignatureError::Forged => format!("{file}: {error}; nothing was signed"),
    }
}

fn submit(shared: &Shared, file: &Path) -> Done {
    let record = read(file)?;
    let node = shared.node()?;
    node.expect_chain(&record.payload().chain_id)?;
    let answer = access::record(&node, &record)?;
    let RecordAnswer { height, series, .. } = &answer;
    let height = height.map_or(0, |height| height.0);
    let opened = series.map_or_else(String::new, |series| format!("; it opened series {series}"));
    let words = format!(
        "{}: recorded in block {height}{opened}\n  {} {}",
        file.display(),
        record.payload().actor,
        told::sentence(&record.payload().action)
    );
    show::answer(shared, &words, &json!(answer))?;
    Ok(0)
}

fn state(shared: &Shared, id: &RecordId, wait: u64) -> Done {
    let unknown = || {
        Failure::Cannot(format!(
            "the node does not know record {id}; ask another, or hand it in again"
        ))
    };
    let answer = shared
        .node()?
        .record(id, Duration::from_secs(wait))?
        .ok_or_else(unknown)?;
    let place = match (answer.height, answer.index) {
        (Some(height), Some(index)) => format!(" in block {height}, at place {index}"),
        (Some(height), None) => format!(" in block {height}"),
        (None, _) => String::new(),
    };
    let why = match (&answer.code, &answer.detail) {
        (Some(code), Some(detail)) => format!(" ({code}): {detail}"),
        (Some(code), None) => format!(" ({code})"),
        (None, _) => String::new(),
    };
    let state = match answer.state {
        RecordState::Pending => "waiting for its block",
        RecordState::Recorded => "recorded",
        RecordState::Rejected => "rejected for good",
        RecordState::Expired => "expired: no block took it in time",
    };
    show::answer(shared, &format!("{state}{place}{why}"), &json!(answer))?;
    Ok(0)
}
