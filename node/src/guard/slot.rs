//! A slot of the guard's file: one permitted message.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{GuardError, Place, Step, Vote};
use crate::durable::io_error;

/// Bytes of a slot; 8 of them are a disk sector.
pub(super) const SLOT_BYTES: usize = 64;
const MAGIC: [u8; 4] = *b"CGRD";

/// One permitted message and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) sequence: u64,
    pub(super) vote: Vote,
}

/// Where the message with this number is written.
pub(super) fn offset(sequence: u64, slots: u64) -> u64 {
    sequence
        .checked_rem(slots)
        .unwrap_or_default()
        .saturating_mul(SLOT_BYTES as u64)
}

impl Slot {
    pub(super) fn encode(&self) -> [u8; SLOT_BYTES] {
        let Place { height, round, step } = self.vote.place;
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&height.to_be_bytes());
        bytes.extend_from_slice(&round.to_be_bytes());
        bytes.push(step_code(step));
        bytes.push(u8::from(self.vote.value.is_some()));
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&self.vote.value.unwrap_or_default());
        let sum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&sum.to_be_bytes());
        let mut slot = [0; SLOT_BYTES];
        slot.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        slot
    }

    /// `None` if these bytes are no slot.
    pub(super) fn decode(bytes: &[u8; SLOT_BYTES]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(body).to_be_bytes() != *sum {
            return None;
        }
        let rest = body.strip_prefix(&MAGIC)?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (height, rest) = rest.split_first_chunk::<8>()?;
        let (round, rest) = rest.split_first_chunk::<4>()?;
        let ([step, has_value, 0, 0], rest) = rest.split_first_chunk::<4>()? else {
            return None;
        };
        let value = rest.first_chunk::<32>()?;
        let place = Place {
            height: u64::from_be_bytes(*height),
            round: u32::from_be_bytes(*round),
            step: [Step::Propose, Step::Prevote, Step::Precommit]
                .into_iter()
                .find(|s| step_code(*s) == *step)?,
        };
        let value = match has_value {
            0 => None,
            1 => Some(*value),
            _ => return None,
        };
        Some(Self {
            sequence: u64::from_be_bytes(*sequence),
            vote: Vote { place, value },
        })
    }
}

fn step_code(step: Step) -> u8 {
    match step {
        Step::Propose => 1,
        Step::Prevote => 2,
        Step::Precommit => 3,
    }
}

/// The messages in the file, oldest first. A bad slot is allowed only where the next message would go: it was being
/// written when the power went, and its message never left.
pub(super) fn read_all(file: &File, path: &Path, slots: u64) -> Result<Vec<Slot>, GuardError> {
    let damaged = |slot, what| GuardError::Damaged {
        path: path.to_path_buf(),
        slot,
        what,
    };
    let len = file.metadata().map_err(io_error(path, "inspect"))?.len();
    if len != slots.saturating_mul(SLOT_BYTES as u64) {
        return Err(damaged(0, "the file has not its proper length"));
    }
    let mut found = Vec::new();
    let mut empty = 0u64;
    let mut bad = Vec::new();
    for at in 0..slots {
        let mut bytes = [0; SLOT_BYTES];
        file.read_exact_at(&mut bytes, at.saturating_mul(SLOT_BYTES as u64))
            .map_err(io_error(path, "read"))?;
        if bytes == [0; SLOT_BYTES] {
            empty = empty.saturating_add(1);
            continue;
        }
        match Slot::decode(&bytes) {
            Some(slot) if offset(slot.sequence, slots) == at.saturating_mul(SLOT_BYTES as u64) => found.push(slot),
            Some(_) => return Err(damaged(at, "a message that belongs into another slot")),
            None => bad.push(at),
        }
    }
    found.sort_unstable_by_key(|s| s.sequence);
    let last = found.last().map_or(0, |s| s.sequence);
    let next_at = offset(last.saturating_add(1), slots) / SLOT_BYTES as u64;
    if let Some(&at) = bad.iter().find(|at| **at != next_at) {
        return Err(damaged(at, "its sum does not match"));
    }
    // Whole turns leave no slot empty; before that the numbers start at 1.
    let first = last.saturating_sub(found.len() as u64).saturating_add(1);
    let whole = found.iter().zip(first..).all(|(slot, number)| slot.sequence == number);
    let turned = empty == 0 && found.len().saturating_add(bad.len()) as u64 == slots;
    if !whole || (first > 1 && !turned) {
        return Err(damaged(next_at, "messages are missing before the last one"));
    }
    Ok(found)
}
