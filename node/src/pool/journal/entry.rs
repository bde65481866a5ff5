//! Entries of the journal. A batch, one frame of the store, is entries in a row:
//!
//! ```text
//! 1  kind: 1 admitted, 2 included, 3 refused
//! 32 record id
//! 8  sequence (not in 2), u64 big-endian
//! 8  keep until (only in 3), ms since 1970, u64 big-endian
//! 4  length (not in 2), u32 big-endian, and the record (1) or the reason (3)
//! ```

/// Most bytes of a record: 64 KiB.
pub const MAX_RECORD_BYTES: usize = 64 << 10;
/// Most bytes of the reason of a refusal.
pub const MAX_REASON_BYTES: usize = 1024;

const ADMITTED: u8 = 1;
const INCLUDED: u8 = 2;
const REFUSED: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Admitted {
        id: [u8; 32],
        sequence: u64,
        record: &'a [u8],
    },
    Included {
        id: [u8; 32],
    },
    Refused {
        id: [u8; 32],
        sequence: u64,
        keep_until_ms: u64,
        reason: &'a [u8],
    },
}

impl Entry<'_> {
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Admitted { id, sequence, record } => {
                to.push(ADMITTED);
                to.extend_from_slice(id);
                to.extend_from_slice(&sequence.to_be_bytes());
                write_bytes(record, to);
            }
            Self::Included { id } => {
                to.push(INCLUDED);
                to.extend_from_slice(id);
            }
            Self::Refused {
                id,
                sequence,
                keep_until_ms,
                reason,
            } => {
                to.push(REFUSED);
                to.extend_from_slice(id);
                to.extend_from_slice(&sequence.to_be_bytes());
                to.extend_from_slice(&keep_until_ms.to_be_bytes());
                write_bytes(reason, to);
            }
        }
    }
}

/// Bytes that an admitted record takes.
pub(super) fn admitted_bytes(record: &[u8]) -> u64 {
    (1 + 32 + 8 + 4) + record.len() as u64
}

/// Bytes that a refusal takes.
pub(super) fn refused_bytes(reason: &[u8]) -> u64 {
    (1 + 32 + 8 + 8 + 4) + reason.len() as u64
}

/// The entries of a batch; `None` if it does not parse to its end.
pub(super) fn entries(mut batch: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut entries = Vec::new();
    while let Some((kind, rest)) = batch.split_first() {
        let (id, rest) = rest.split_first_chunk::<32>()?;
        let (entry, rest) = match *kind {
            ADMITTED => {
                let (sequence, rest) = read_u64(rest)?;
                let (record, rest) = read_bytes(rest, MAX_RECORD_BYTES)?;
                (
                    Entry::Admitted {
                        id: *id,
                        sequence,
                        record,
                    },
                    rest,
                )
            }
            INCLUDED => (Entry::Included { id: *id }, rest),
            REFUSED => {
                let (sequence, rest) = read_u64(rest)?;
                let (keep_until_ms, rest) = read_u64(rest)?;
                let (reason, rest) = read_bytes(rest, MAX_REASON_BYTES)?;
                (
                    Entry::Refused {
                        id: *id,
                        sequence,
                        keep_until_ms,
                        reason,
                    },
                    rest,
                )
            }
            _ => return None,
        };
        entries.push(entry);
        batch = rest;
    }
    Some(entries)
}

fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    // Checked by the callers: at most 64 KiB.
    to.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend_from_slice(bytes);
}

fn read_u64(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), rest))
}

fn read_bytes(bytes: &[u8], most: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > most {
        return None;
    }
    rest.split_at_checked(length)
}
