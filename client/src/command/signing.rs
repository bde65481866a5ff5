//! How a record is signed, and where it goes: into the ledger at once, or into a file that goes from hand to hand.

use super::access::{self, Passphrase};
use super::ledger::Ledger;
use super::{Done, Failure, Shared, show, told};
use clap::Args;
use concord_client::desk::journal::Journal;
use concord_client::desk::statement::{self, PATIENCE_MS};
use concord_client::files;
use concord_client::keys;
use concord_client::transport::RecordAnswer;
use concord_spec::id::{DomainId, OfficeId, RegionId, UnixMillis};
use concord_spec::key::{Keyring, SecretKey};
use concord_spec::ledger::standing::Offices;
use concord_spec::record::{Action, Actor, SignedRecord};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const MS_PER_HOUR: u64 = 3_600_000;
/// Most that a record may take to enter the ledger: when one key signs, and when several do (DESIGN 4.3).
const ALONE_MS: u64 = 24 * MS_PER_HOUR;
const SHARED_MS: u64 = 30 * ALONE_MS;

/// How the record is signed, and where it goes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Signing")]
pub(crate) struct Signing {
    /// Do not hand the record in: write it to this new file, with the signatures of the keys given (none is allowed). The
    /// others read it with `concord record show`, sign it with `concord record sign`, and one hands it in with
    /// `concord record submit`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How long the record may take to enter the ledger, such as 90m, 24h, 30d [default: 1h; with --out 24h where one key
    /// signs, 30d where several do, which is the most]
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    valid_for: Option<u64>,
    /// Latest time at which the record may enter the ledger (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = show::parse_time, conflicts_with = "valid_for")]
    not_after: Option<UnixMillis>,
    /// The charter, from a source you trust
    #[arg(long, value_name = "FILE")]
    charter: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

/// Reads `90s`, `90m`, `24h`, `30d`.
pub(crate) fn parse_span(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no span of time; write 90m, 24h or 30d");
    let unit = match text.chars().last() {
        Some('s') => 1_000,
        Some('m') => 60_000,
        Some('h') => MS_PER_HOUR,
        Some('d') => ALONE_MS,
        Some(_) | None => return Err(wrong()),
    };
    let count: u64 = text
        .get(..text.len().saturating_sub(1))
        .and_then(|number| number.parse().ok())
        .ok_or_else(wrong)?;
    count.checked_mul(unit).filter(|span| *span > 0).ok_or_else(wrong)
}

/// What became of a record.
#[derive(Debug)]
pub(crate) enum Handed {
    /// It is in a file.
    Written(Box<Written>),
    /// It is in a sealed block.
    Recorded(RecordAnswer),
}

/// A record in a file.
#[derive(Debug)]
pub(crate) struct Written {
    file: PathBuf,
    record: SignedRecord,
    /// How many signatures it needs.
    need: usize,
}

impl Signing {
    /// The ledger to act on.
    pub(crate) fn ledger(&self, shared: &Shared) -> Result<Ledger, Failure> {
        Ledger::open(shared, self.charter.as_deref())
    }

    /// Makes the record of an action, and tells what became of it: `told` gives the words and the object for what is on the
    /// ledger; block and record are added.
    pub(crate) fn act(
        &self,
        shared: &Shared,
        ledger: &Ledger,
        speaker: &Speaker,
        action: Action,
        told: impl FnOnce(&RecordAnswer) -> Result<(String, Value), Failure>,
    ) -> Done {
        self.act_known(shared, ledger, speaker, action, None, told)
    }

    /// The same; the record is first noted in the journal of its series, if one is named, so that `concord watch` knows it.
    pub(crate) fn act_known(
        &self,
        shared: &Shared,
        ledger: &Ledger,
        speaker: &Speaker,
        action: Action,
        journal: Option<&Path>,
        told: impl FnOnce(&RecordAnswer) -> Result<(String, Value), Failure>,
    ) -> Done {
        match self.hand(ledger, speaker, action, journal)? {
            Handed::Written(written) => written.tell(shared)?,
            Handed::Recorded(answer) => {
                let (words, mut object) = told(&answer)?;
                let height = answer.height.map_or(0, |height| height.0);
                if let Value::Object(fields) = &mut object {
                    fields.insert("height".to_owned(), json!(height));
                    fields.insert("record".to_owned(), json!(answer.id));
                }
                show::answer(shared, &format!("{words} (block {height})"), &object)?;
            }
        }
        Ok(0)
    }

    /// Makes the record of an action and writes it to a file, or hands it in and waits for its block.
    fn hand(
        &self,
        ledger: &Ledger,
        speaker: &Speaker,
        action: Action,
        journal: Option<&Path>,
    ) -> Result<Handed, Failure> {
        let actor = &speaker.actor;
        let keyring = ledger.keyring(actor)?;
        let need = keyring.threshold();
        let not_after = self.not_after(ledger, need)?;
        let signers = match &self.out {
            Some(_) => some_signers(&keyring, &speaker.keys, actor)?,
            None => all_signers(&keyring, &speaker.keys, actor)?,
        };
        let series = action.series();
        let record = statement::sign_until(ledger.chain_id, not_after, actor.clone(), action, &signers);
        if let (Some(journal), Some(series)) = (journal, series) {
            Journal::open(journal, ledger.chain_id, series)?.stated(&record.id())?;
        }
        match &self.out {
            Some(file) => {
                write_new(file, &record)?;
                let file = file.clone();
                Ok(Handed::Written(Box::new(Written { file, record, need })))
            }
            None => Ok(Handed::Recorded(access::record(&ledger.node, &record)?)),
        }
    }

    fn not_after(&self, ledger: &Ledger, need: usize) -> Result<UnixMillis, Failure> {
        let most = if need > 1 { SHARED_MS } else { ALONE_MS };
        let latest = UnixMillis(ledger.time.0.saturating_add(most));
        let now = ledger.time.max(show::now());
        let after = |span: u64| UnixMillis(now.0.saturating_add(span));
        let wanted = match (self.not_after, self.valid_for, &self.out) {
            (Some(time), _, _) => time,
            (None, Some(span), _) => after(span),
            (None, None, None) => after(PATIENCE_MS),
            // The most there is, as the ledger's clock counts.
            (None, None, Some(_)) => return Ok(latest),
        };
        // A machine whose clock is a little ahead of the ledger's still gets the most.
        let slack = now.0.saturating_sub(ledger.time.0);
        if wanted > UnixMillis(latest.0.saturating_add(slack)) {
            let (hours, keys) = (
                most / MS_PER_HOUR,
                if need > 1 { "several keys sign" } else { "one key signs" },
            );
            return Err(Failure::Usage(format!(
                "a record of {hours} hours is the longest where {keys}: give a nearer --not-after or --valid-for"
            )));
        }
        if wanted <= now {
            return Err(Failure::Usage(format!("--not-after {} has passed", show::time(wanted))));
        }
        Ok(wanted.min(latest))
    }
}

/// As many keys as the threshold, or what to do where they are fewer.
fn all_signers<'a>(keyring: &Keyring, keys: &'a [SecretKey], actor: &Actor) -> Result<Vec<&'a SecretKey>, Failure> {
    keys::signers(keyring, keys, actor).map_err(|error| match error {
        keys::KeyFileError::TooFew { .. } => Failure::Cannot(format!(
            "{error}, or write the record for the others to sign: --out FILE.record"
        )),
        keys::KeyFileError::File(_)
        | keys::KeyFileError::NotText(_)
        | keys::KeyFileError::Pem { .. }
        | keys::KeyFileError::ShortPassphrase(_)
        | keys::KeyFileError::NotInKeyring(..) => error.into(),
    })
}

/// The keys given, at most as many as the threshold, each of the keyring.
fn some_signers<'a>(keyring: &Keyring, keys: &'a [SecretKey], actor: &Actor) -> Result<Vec<&'a SecretKey>, Failure> {
    match keys::signers(keyring, keys, actor) {
        Ok(signers) => Ok(signers),
        Err(keys::KeyFileError::TooFew { .. }) => {
            let mut chosen: Vec<&SecretKey> = keys.iter().collect();
            chosen.sort_by_key(|key| key.public());
            chosen.dedup_by_key(|key| key.public());
            Ok(chosen)
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes a record to a file that must be new: one that others have signed is never overwritten.
fn write_new(file: &Path, record: &SignedRecord) -> Result<(), Failure> {
    if file.exists() {
        return Err(Failure::Cannot(format!(
            "{} exists, and others may have signed it; give another name",
            file.display()
        )));
    }
    Ok(files::replace(file, record.bytes())?)
}

impl Written {
    /// Tells what is in the file and what comes next.
    fn tell(&self, shared: &Shared) -> Result<(), Failure> {
        let (file, signed) = (self.file.display(), self.record.envelope().signatures().len());
        let next = next_step(&self.file, signed, self.need);
        let words = format!(
            "{file}: record {}, not handed in\n  {}\n  signed by {signed} of the {} keys it needs\n{next}",
            self.record.id(),
            told::sentence(&self.record.payload().action),
            self.need
        );
        let object = json!({
            "file": file.to_string(),
            "record": self.record.id(),
            "does": told::sentence(&self.record.payload().action),
            "actor": self.record.payload().actor.to_string(),
            "not_after_ms": self.record.payload().not_after,
            "signatures": signed,
            "missing": self.need.saturating_sub(signed),
        });
        show::answer(shared, &words, &object)
    }
}

/// What a record in a file waits for.
pub(crate) fn next_step(file: &Path, signed: usize, need: usize) -> String {
    let file = file.display();
    if signed >= need {
        format!("next: concord record submit {file}")
    } else {
        format!("next: another of the keys signs: concord record sign {file} --key KEY")
    }
}

/// In whose name a record speaks, with the keys at hand.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) actor: Actor,
    pub(crate) keys: Vec<SecretKey>,
}

/// The keys of a region's authority.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RegionKeys {
    /// Key files of the region's authority, as many as its keyring wants; with --out any number of them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    region_key: Vec<PathBuf>,
    /// The region that speaks [default: the one whose authority the keys are of]
    #[arg(long, value_name = "REGION")]
    region: Option<RegionId>,
}

impl RegionKeys {
    fn is_given(&self) -> bool {
        self.region.is_some() || !self.region_key.is_empty()
    }

    /// The region, with its keys.
    pub(crate) fn region(&self, ledger: &Ledger, signing: &Signing) -> Result<(RegionId, Speaker), Failure> {
        let keys = signing.passphrase.open_all(&self.region_key)?;
        let region = match (&self.region, keys.first()) {
            (Some(region), _) => region.clone(),
            (None, Some(key)) => region_of(ledger, key)?,
            (None, None) => {
                let words = "give --region-key FILE; or --region REGION with --out FILE.record, for others to sign";
                return Err(Failure::Usage(words.to_owned()));
            }
        };
        let actor = Actor::Region(region.clone());
        Ok((region, Speaker { actor, keys }))
    }

    /// The region as who speaks.
    pub(crate) fn speaker(&self, ledger: &Ledger, signing: &Signing) -> Result<Speaker, Failure> {
        Ok(self.region(ledger, signing)?.1)
    }
}

/// The region whose authority a key is of.
pub(crate) fn region_of(ledger: &Ledger, key: &SecretKey) -> Result<RegionId, Failure> {
    let public = key.public();
    let regions = &ledger.federation().regions;
    let found = regions
        .iter()
        .find(|region| region.authority_at(ledger.time).contains(&public));
    if let Some(region) = found {
        return Ok(region.region.clone());
    }
    let waiting = |region: &&concord_spec::ledger::Region| {
        region
            .rotation
            .as_ref()
            .is_some_and(|rotation| rotation.keyring.contains(&public))
    };
    Err(Failure::Cannot(match regions.iter().find(waiting) {
        Some(region) => format!(
            "key {public} is of the keyring of region {} that is not in force yet; sign with the old one, or wait",
            region.region
        ),
        None => format!("key {public} is of no region's authority; name the region with --region to see its keyring"),
    }))
}

/// The keys of a domain authority.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct DomainKeys {
    /// The domain authority that speaks
    #[arg(long, value_name = "NAME")]
    domain: Option<DomainId>,
    /// Key files of the domain authority, as many as its keyring wants; with --out any number of them
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "domain")]
    domain_key: Vec<PathBuf>,
}

impl DomainKeys {
    /// The domain authority as who speaks, where one was named.
    pub(crate) fn speaker(&self, signing: &Signing) -> Result<Option<Speaker>, Failure> {
        let Some(domain) = &self.domain else { return Ok(None) };
        Ok(Some(Speaker {
            actor: Actor::Domain(domain.clone()),
            keys: signing.passphrase.open_all(&self.domain_key)?,
        }))
    }
}

/// The keys of an office.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OfficeKeys {
    /// Key files of the office, as many as its keyring wants; with --out any number of them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    office_key: Vec<PathBuf>,
}

impl OfficeKeys {
    /// An office as who speaks.
    pub(crate) fn speaker(&self, office: OfficeId, signing: &Signing) -> Result<Speaker, Failure> {
        Ok(Speaker {
            actor: Actor::Office(office),
            keys: signing.passphrase.open_all(&self.office_key)?,
        })
    }
}

/// Who says something of a series: the office that holds it, or who supervises it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Who speaks: the office, or its region or the type's domain authority as supervisor")]
pub(crate) struct Supervisor {
    #[command(flatten)]
    office: OfficeKeys,
    #[command(flatten)]
    region: RegionKeys,
    #[command(flatten)]
    domain: DomainKeys,
}

impl Supervisor {
    /// Who speaks about a series that `office` holds.
    pub(crate) fn speaker(&self, ledger: &Ledger, office: OfficeId, signing: &Signing) -> Result<Speaker, Failure> {
        let given = [
            !self.office.office_key.is_empty(),
            self.region.is_given(),
            self.domain.domain.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            let words = "one speaks at a time: keys of the office, of the region, or of the domain authority";
            return Err(Failure::Usage(words.to_owned()));
        }
        if self.region.is_given() {
            return self.region.speaker(ledger, signing);
        }
        if let Some(speaker) = self.domain.speaker(signing)? {
            return Ok(speaker);
        }
        self.office.speaker(office, signing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_in_seconds_minutes_hours_and_days() {
        let read = ["90s", "90m", "24h", "30d"].map(|text| parse_span(text).unwrap());
        assert_eq!(read, [90_000, 5_400_000, ALONE_MS, SHARED_MS]);
        for text in ["", "h", "24", "-1h", "0h", "1.5h", "1w", "99999999999999999999d", "日"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }
}
