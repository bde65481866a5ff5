//! What the journal holds.

use crate::desk::batch::Batch;
use concord_spec::codec::{CodecError, Reader, Wire, Writer};
use concord_spec::credential::{MAX_CREDENTIAL, SignedCredential};
use concord_spec::digest::Digest;
use concord_spec::id::{Number, SeriesId};
use concord_spec::receipt::Receipt;
use concord_spec::record::{MAX_BATCH, MAX_RECORD, RecordId, SignedRecord};

/// What the journal is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) chain_id: Digest,
    pub(super) series: SeriesId,
}

/// A signed record with the credentials it issues.
#[derive(Debug, Clone)]
pub struct Signed {
    sheet: Digest,
    first_row: u64,
    record: SignedRecord,
    batch: Batch,
    pub(super) outcome: Option<Outcome>,
}

/// What became of a record, for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is on the ledger.
    Recorded(Box<Receipt>),
    /// It will never be.
    Freed(Freed),
}

/// Why a record will never be on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// The code of its rejection, or `EXPIRED`.
    pub code: String,
}

impl Signed {
    /// A batch with the record that issues it; `first_row` is the index of its first row in the sheet with this digest.
    #[must_use]
    pub fn new(sheet: Digest, first_row: u64, record: SignedRecord, batch: Batch) -> Self {
        Self {
            sheet,
            first_row,
            record,
            batch,
            outcome: None,
        }
    }

    /// Id of the record.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.record.id()
    }

    /// SHA-256 of the sheet.
    #[must_use]
    pub fn sheet(&self) -> Digest {
        self.sheet
    }

    /// Index of its first row in the sheet.
    #[must_use]
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &SignedRecord {
        &self.record
    }

    /// The credentials.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// What became of it; `None` while that is open.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Its receipt, when it is on the ledger.
    #[must_use]
    pub fn receipt(&self) -> Option<&Receipt> {
        match &self.outcome {
            Some(Outcome::Recorded(receipt)) => Some(receipt),
            Some(Outcome::Freed(_)) | None => None,
        }
    }

    /// Whether its numbers are free again.
    #[must_use]
    pub fn is_freed(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Freed(_)))
    }
}

/// A frame's body.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Head(Head),
    Signed(Box<Signed>),
    Settled(RecordId, Outcome),
    Stated(RecordId),
}

mod kind {
    pub(super) const HEAD: u64 = 0;
    pub(super) const SIGNED: u64 = 1;
    pub(super) const RECORDED: u64 = 2;
    pub(super) const FREED: u64 = 3;
    pub(super) const STATED: u64 = 4;
}

const MAX_CODE: usize = 64;

impl Wire for Entry {
    fn encode(&self, w: &mut Writer) {
        match self {
            Self::Head(head) => {
                w.array(4);
                w.uint(kind::HEAD);
                w.uint(1);
                w.wire(&head.chain_id);
                w.wire(&head.series);
            }
            Self::Signed(signed) => {
                w.array(5);
                w.uint(kind::SIGNED);
                w.wire(&signed.sheet);
                w.uint(signed.first_row);
                w.bytes(signed.record.bytes());
                w.array(signed.batch.credentials().len());
                signed
                    .batch
                    .credentials()
                    .iter()
                    .for_each(|credential| w.bytes(credential.bytes()));
            }
            Self::Settled(id, Outcome::Recorded(receipt)) => {
                w.array(3);
                w.uint(kind::RECORDED);
                w.wire(id);
                w.wire(receipt.as_ref());
            }
            Self::Settled(id, Outcome::Freed(why)) => {
                w.array(3);
                w.uint(kind::FREED);
                w.wire(id);
                w.text(&why.code);
            }
            Self::Stated(id) => {
                w.array(2);
                w.uint(kind::STATED);
                w.wire(id);
            }
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let len = r.array_len(5)?;
        match (r.uint()?, len) {
            (kind::HEAD, 4) => {
                r.version(1, "journal")?;
                Ok(Self::Head(Head {
                    chain_id: r.wire()?,
                    series: r.wire()?,
                }))
            }
            (kind::SIGNED, 5) => decode_signed(r).map(|signed| Self::Signed(Box::new(signed))),
            (kind::RECORDED, 3) => Ok(Self::Settled(r.wire()?, Outcome::Recorded(Box::new(r.wire()?)))),
            (kind::FREED, 3) => {
                let id = r.wire()?;
                let code = r.text(MAX_CODE)?.to_owned();
                Ok(Self::Settled(id, Outcome::Freed(Freed { code })))
            }
            (kind::STATED, 2) => Ok(Self::Stated(r.wire()?)),
            (other, _) => {
                let found = i64::try_from(other).unwrap_or(i64::MAX);
                Err(CodecError::UnknownKey {
                    what: "journal entry",
                    found,
                })
            }
        }
    }
}

fn decode_signed(r: &mut Reader<'_>) -> Result<Signed, CodecError> {
    let (sheet, first_row) = (r.wire()?, r.uint()?);
    let record = SignedRecord::from_bytes(r.bytes(MAX_RECORD)?)?;
    let mut credentials = Vec::new();
    for _ in 0..r.array_len(usize::try_from(MAX_BATCH).unwrap_or(usize::MAX))? {
        credentials.push(SignedCredential::from_bytes(r.bytes(MAX_CREDENTIAL)?)?);
    }
    let batch = Batch::of(first_number(&record), credentials);
    if !batch.is_issued_by(&record) {
        return Err(CodecError::Invalid {
            what: "journal entry: its record issues something else",
        });
    }
    Ok(Signed::new(sheet, first_row, record, batch))
}

fn first_number(record: &SignedRecord) -> Number {
    record
        .payload()
        .action
        .as_issue()
        .map_or(Number(0), |issue| issue.first)
}
