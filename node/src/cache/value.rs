//! Values of any size in a tree that wants small ones: up to 100 KB in place, larger ones in parts.
//!
//! In `entries`: byte 0 and the value, or byte 1 and the number of parts, u32 big-endian. In `parts`: the key's length
//! (u16 big-endian), the key, the number of the part (u32 big-endian).

use sled::transaction::{ConflictableTransactionError, TransactionalTree};

use super::CacheError;

/// Bytes of a part: ENGINE-NOTES, values under 128 KB.
pub(super) const PART_BYTES: usize = 100_000;
const WHOLE: u8 = 0;
const SPLIT: u8 = 1;

/// Puts a value in place of what was there, within a transaction; `None` removes it.
pub(super) fn replace(
    entries: &TransactionalTree,
    parts: &TransactionalTree,
    key: &[u8],
    new: Option<&[u8]>,
) -> Result<(), ConflictableTransactionError<CacheError>> {
    let old = match new {
        Some(new) if new.len() <= PART_BYTES => {
            let mut stored = Vec::with_capacity(new.len().saturating_add(1));
            stored.push(WHOLE);
            stored.extend_from_slice(new);
            entries.insert(key, stored)?
        }
        Some(new) => {
            let count = u32::try_from(new.chunks(PART_BYTES).len()).unwrap_or(u32::MAX);
            let [a, b, c, d] = count.to_be_bytes();
            entries.insert(key, vec![SPLIT, a, b, c, d])?
        }
        None => entries.remove(key)?,
    };
    let kept = match new {
        Some(new) if new.len() > PART_BYTES => {
            for (number, part) in (0..).zip(new.chunks(PART_BYTES)) {
                parts.insert(part_key(key, number), part)?;
            }
            u32::try_from(new.chunks(PART_BYTES).len()).unwrap_or(u32::MAX)
        }
        Some(_) | None => 0,
    };
    for number in kept..old.as_deref().and_then(part_count).unwrap_or(0) {
        parts.remove(part_key(key, number))?;
    }
    Ok(())
}

/// The value that an entry stands for.
pub(super) fn whole(parts: &sled::Tree, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, CacheError> {
    let broken = || CacheError::Broken { key: key.to_vec() };
    if let Some((&WHOLE, value)) = stored.split_first() {
        return Ok(value.to_vec());
    }
    let count = part_count(stored).ok_or_else(broken)?;
    let mut value = Vec::new();
    for number in 0..count {
        value.extend_from_slice(&parts.get(part_key(key, number))?.ok_or_else(broken)?);
    }
    Ok(value)
}

fn part_count(stored: &[u8]) -> Option<u32> {
    let (&SPLIT, count) = stored.split_first()? else {
        return None;
    };
    Some(u32::from_be_bytes(count.try_into().ok()?))
}

fn part_key(key: &[u8], number: u32) -> Vec<u8> {
    // Checked by the caller: at most 256 bytes.
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), key, &number.to_be_bytes()].concat()
}
