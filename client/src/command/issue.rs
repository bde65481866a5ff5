//! `concord issue`: every row of a sheet becomes a certificate.

pub(super) mod index;

use super::access::{self, Passphrase};
use super::{Done, Failure, Shared, show};
use clap::Args;
use concord_client::desk::batch::SeriesDesk;
use concord_client::desk::content::{self, Certified};
use concord_client::desk::definition::TypeDefinition;
use concord_client::desk::issuing::{self, Order, Step};
use concord_client::desk::journal::{self, Journal};
use concord_client::desk::regions::Regions;
use concord_client::desk::release::{self, Released};
use concord_client::desk::row::Row;
use concord_client::desk::sheet::{self, MAX_SHEET_BYTES};
use concord_client::files::{self, FileError};
use concord_client::keys;
use concord_client::terminal::{Progress, progress};
use concord_client::transport::{Node, SeriesAnswer};
use concord_spec::catalogue::{self, TypeRef, label};
use concord_spec::content::Named;
use concord_spec::credential::Issuer;
use concord_spec::digest::{Digest, sha256};
use concord_spec::id::{OfficeId, SeriesId};
use concord_spec::key::SecretKey;
use concord_spec::record::{Actor, MAX_BATCH};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Issue every row of a sheet (CSV): sign, record, and release certificates
///
/// The sheet is refused whole, with line and column of every error, before anything is signed. What is signed is in the
/// series' journal before it is handed in: run the same command again after any interruption, and it goes on with the
/// same credentials; no number is used twice.
#[derive(Debug, Args)]
pub(crate) struct Issue {
    /// The sheet, CSV in UTF-8
    sheet: PathBuf,
    /// The type's definition, which names the columns [default: beside the sheet, the only *.type.toml]
    #[arg(long = "type", value_name = "FILE")]
    definition: Option<PathBuf>,
    /// Check the sheet and stop: nothing is signed, no node and no key is needed
    #[arg(long)]
    dry_run: bool,
    /// The series to issue from
    #[arg(long, value_name = "N", required_unless_present = "dry_run")]
    series: Option<SeriesId>,
    /// Key files of the office, as many as its keyring wants
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "dry_run")]
    office_key: Vec<PathBuf>,
    /// Key file of the series
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    series_key: Option<PathBuf>,
    /// The directory for the certificates: SERIES-NUMBER.concord and SERIES-NUMBER.png of each row
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// Most credentials under one record: at most 64 where codes are printed
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=MAX_BATCH))]
    batch: u64,
    /// The journal of the series [default: beside the series' key, with .journal at its end]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// The charter, from a source you trust
    #[arg(long, value_name = "FILE")]
    charter: Option<PathBuf>,
    #[command(flatten)]
    passphrase: Passphrase,
}

/// How long to wait without any record moving.
const PATIENCE: Duration = Duration::from_secs(120);

impl Issue {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let sheet = Sheet::read(&self.sheet, self.definition.as_deref())?;
        let (Some(series), Some(series_key), Some(out)) = (self.series, &self.series_key, &self.out) else {
            return self.dry_run(shared, &sheet);
        };
        if self.dry_run {
            return self.dry_run(shared, &sheet);
        }
        let node = shared.node()?;
        let office_keys = self.passphrase.open_all(&self.office_key)?;
        let key = self.passphrase.open(series_key)?;
        let charter = access::charter(self.charter.as_deref(), &node)?;
        let desk = Desk::find(&node, &charter, series, key, &office_keys)?;
        let contents = desk.contents(&sheet)?;
        let at = self.journal.clone().unwrap_or_else(|| journal::beside_key(series_key));
        let mut journal = Journal::open(&at, charter.chain_id(), series)?;
        if journal.cut() > 0 {
            show::remark(&format!(
                "{}: {} bytes of a torn entry were dropped",
                at.display(),
                journal.cut()
            ));
        }
        let batch = usize::try_from(self.batch).unwrap_or(usize::MAX);
        let shown = progress("on the ledger", u64::try_from(contents.len()).unwrap_or(u64::MAX));
        let released = desk.issue(&node, &charter, &mut journal, &sheet, &contents, batch, out, &|step| {
            advance(&shown, step)
        })?;
        shown.finish();
        let index = index::write(out, &released, &sheet.rows)?;
        let (count, out) = (released.len(), out.display().to_string());
        let words = format!("{count} certificates in {out}, listed in {}", index.display());
        let largest = released.iter().map(|one| one.file_bytes).max().unwrap_or(0);
        let version = released.iter().map(|one| one.code_version).max().unwrap_or(0);
        let object = json!({
            "certificates": count, "series": series, "certificates_dir": out, "index": index.display().to_string(),
            "file_bytes_max": largest, "qr_version_max": version, "first": released.first().map(|one| one.id),
            "last": released.last().map(|one| one.id),
        });
        show::answer(shared, &words, &object)?;
        Ok(0)
    }

    fn dry_run(&self, shared: &Shared, sheet: &Sheet) -> Done {
        let rows = sheet.rows.len();
        let words = format!("{}: {rows} rows are in order; nothing was signed", self.sheet.display());
        show::answer(shared, &words, &json!({"rows": rows, "errors": 0, "signed": 0}))?;
        Ok(0)
    }
}

/// A sheet that was read whole, without an error.
pub(super) struct Sheet {
    pub(super) definition: TypeDefinition,
    pub(super) rows: Vec<Row>,
    pub(super) digest: Digest,
}

impl Sheet {
    fn read(path: &Path, definition: Option<&Path>) -> Result<Self, Failure> {
        let definition = match definition {
            Some(path) => TypeDefinition::read(path)?,
            None => TypeDefinition::read(&definition_beside(path)?)?,
        };
        let bytes = files::read(path, usize::try_from(MAX_SHEET_BYTES).unwrap_or(usize::MAX))?;
        Self::parse(&bytes, definition)
    }

    pub(super) fn parse(bytes: &[u8], definition: TypeDefinition) -> Result<Self, Failure> {
        let rows = sheet::parse_sheet(bytes, &definition)?;
        Ok(Self {
            definition,
            rows,
            digest: sha256(&[bytes]),
        })
    }
}

/// The only type definition beside the sheet, which is said.
fn definition_beside(sheet: &Path) -> Result<PathBuf, Failure> {
    let parent = sheet
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(parent).map_err(FileError::system(parent))?;
    let is_definition = |path: &PathBuf| path.to_string_lossy().ends_with(".type.toml");
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_definition)
        .collect();
    match (found.pop(), found.len()) {
        (Some(only), 0) => {
            show::remark(&format!("taking the type definition {}", only.display()));
            Ok(only)
        }
        _ => Err(Failure::Usage(
            "name the type's definition: --type FILE.type.toml".to_owned(),
        )),
    }
}

/// The series with its office, as the ledger knows them, and the keys that fit.
pub(super) struct Desk<'a> {
    desk: SeriesDesk,
    actor: Actor,
    signers: Vec<&'a SecretKey>,
    issued_by: Named,
    of: catalogue::TypeDefinition,
}

impl<'a> Desk<'a> {
    pub(super) fn find(
        node: &Node,
        charter: &concord_spec::charter::Charter,
        series: SeriesId,
        key: SecretKey,
        office_keys: &'a [SecretKey],
    ) -> Result<Self, Failure> {
        node.expect_chain(&charter.chain_id())?;
        let cannot = |text: String| move || Failure::Cannot(text);
        let open = node
            .series(series)?
            .ok_or_else(cannot(format!("series {series} is not open")))?;
        check_series(&open, &key)?;
        let office = OfficeId::new(open.region, open.office);
        let registered = node
            .office(&office)?
            .ok_or_else(cannot(format!("office {office} is not registered")))?;
        let actor = Actor::Office(office.clone());
        let signers = keys::signers(&registered.keyring, office_keys, &actor)?;
        let of = TypeRef {
            id: open.kind,
            version: open.version,
        };
        let definition = node
            .type_definition(&of)?
            .ok_or_else(cannot(format!("type {of} is not defined")))?;
        let utc_offset_minutes = i16::try_from(registered.utc_offset_minutes).unwrap_or_default();
        let issued_by = Named {
            name: label(&registered.labels, "zh").to_owned(),
            code: office.code.to_string(),
        };
        let issuer = Issuer {
            chain: charter.chain.clone(),
            office,
        };
        let selective = definition
            .claims
            .iter()
            .filter(|claim| claim.selective)
            .map(|claim| claim.key);
        let desk = SeriesDesk {
            issuer,
            series,
            of,
            selective: selective.collect(),
            utc_offset_minutes,
            key,
        };
        Ok(Self {
            desk,
            actor,
            signers,
            issued_by,
            of: definition,
        })
    }

    /// What the rows certify; refused whole when one does not fit.
    pub(super) fn contents(&self, sheet: &Sheet) -> Result<Vec<Certified>, Failure> {
        let region = &self.desk.issuer.office.region;
        if content::in_region(&sheet.definition, region)? != self.of {
            let words =
                "the definition is not the one of the series' type {} on the ledger; take the one it was defined with";
            return Err(Failure::Cannot(words.replace("{}", &self.of.reference.to_string())));
        }
        let (name, most) = (&self.issued_by.name, sheet.definition.bounds().office_name);
        if name.len() > most {
            return Err(Failure::Cannot(format!(
                "the office's name has {} bytes, the definition's bounds allow {most}: {name}",
                name.len()
            )));
        }
        let all = sheet
            .rows
            .iter()
            .map(|row| content::certified(row, &self.issued_by, &self.of));
        let (fitting, refused): (Vec<_>, Vec<_>) = all.partition(Result::is_ok);
        let findings: Vec<String> = refused
            .into_iter()
            .filter_map(Result::err)
            .map(|error| error.to_string())
            .collect();
        if findings.is_empty() {
            return Ok(fitting.into_iter().filter_map(Result::ok).collect());
        }
        Err(Failure::Findings(findings))
    }

    /// Issues what is not issued yet, and releases every certificate of the sheet in the order of its rows.
    #[expect(clippy::too_many_arguments, reason = "each is one thing the caller decides")]
    pub(super) fn issue(
        &self,
        node: &Node,
        charter: &concord_spec::charter::Charter,
        journal: &mut Journal,
        sheet: &Sheet,
        rows: &[Certified],
        batch: usize,
        out: &Path,
        progress: &dyn Fn(Step),
    ) -> Result<Vec<Released>, Failure> {
        let (chain_id, regions) = (charter.chain_id(), Regions::new(charter)?);
        let order = Order {
            desk: &self.desk,
            chain_id,
            regions: &regions,
            actor: self.actor.clone(),
            office_keys: self.signers.clone(),
            sheet: sheet.digest,
            rows,
            batch,
            now: show::now(),
            patience: PATIENCE,
        };
        std::fs::create_dir_all(out).map_err(FileError::system(out))?;
        // The journal is locked: nobody else writes there.
        files::clear_partial(out)?;
        issuing::issue(&order, journal, node, &mut |step| progress(step))?;
        let on_ledger = issuing::on_ledger(journal, &sheet.digest);
        let mut released: Vec<Released> = Vec::with_capacity(rows.len());
        for signed in on_ledger.chosen {
            let Some(receipt) = signed.receipt() else { continue };
            let sealed_by = regions.at(receipt.height, || node.region_history())?;
            let batch = release::release(signed.batch(), receipt, &chain_id, &sealed_by, out)?;
            // A row that an earlier batch has a certificate for keeps that one.
            let first_row = usize::try_from(signed.first_row()).unwrap_or(usize::MAX);
            released.extend(batch.into_iter().skip(released.len().saturating_sub(first_row)));
        }
        for surplus in on_ledger.surplus {
            let (first, end) = (
                surplus.batch().first(),
                surplus.batch().end().previous().unwrap_or(surplus.batch().first()),
            );
            show::remark(&format!(
                "numbers {first} to {end} are on the ledger although a node had denied it; their rows have other certificates: \
                 annul them with: concord status set {} {first}-{end} --annul",
                self.desk.series
            ));
        }
        files::sync_directory_of(&out.join("."))?;
        Ok(released)
    }
}

fn check_series(open: &SeriesAnswer, key: &SecretKey) -> Result<(), Failure> {
    if let Some(height) = open.frozen {
        return Err(Failure::Cannot(format!(
            "series {} was frozen in block {height}; open another",
            open.series
        )));
    }
    if open.key == key.public() {
        return Ok(());
    }
    Err(Failure::Cannot(format!(
        "the key given is not the key of series {}, which is {}",
        open.series, open.key
    )))
}

fn advance(progress: &Progress, step: Step) {
    match step {
        Step::Signed(count) => progress.say(&format!("{count} signed")),
        Step::Recorded(count) => progress.advance(count),
    }
}
