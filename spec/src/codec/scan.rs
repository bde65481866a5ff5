//! One pass over untrusted bytes before they are decoded: is this well-formed, deterministic CBOR of bounded depth?
//!
//! It knows nothing of our types, so it also passes what a newer version may hold (tags, floats, other simple values): what
//! those may be is for the types to say, after their version. Order and uniqueness of map keys are left to re-encoding.

use super::CodecError;

/// How deep arrays, maps and tags may be nested.
pub const MAX_DEPTH: usize = 24;

/// Checks that the first data item of `bytes` is complete, without indefinite lengths or longer forms of a head, and not too deep.
///
/// # Errors
/// `Truncated`, `NotCanonical`, `Unexpected` or `TooDeep`.
pub(super) fn check(bytes: &[u8]) -> Result<(), CodecError> {
    // How many items are still to come on each open level. An open level has at least one.
    let mut open: Vec<u64> = Vec::new();
    let mut rest = bytes;
    loop {
        let at = bytes.len().saturating_sub(rest.len());
        let head;
        (head, rest) = read_head(rest, at)?;
        let children = match head.major {
            2 | 3 => {
                let len = usize::try_from(head.argument).map_err(|_| CodecError::Truncated)?;
                rest = rest.get(len..).ok_or(CodecError::Truncated)?;
                0
            }
            4 => head.argument,
            5 => head.argument.checked_mul(2).ok_or(CodecError::Truncated)?,
            6 => 1,
            _ => 0,
        };
        if children > 0 {
            if open.len() >= MAX_DEPTH {
                return Err(CodecError::TooDeep);
            }
            open.push(children);
            continue;
        }
        // The item is complete, and with it every level that it was the last item of.
        while let Some(left) = open.last_mut() {
            *left = left.saturating_sub(1);
            if *left > 0 {
                break;
            }
            open.pop();
        }
        if open.is_empty() {
            return Ok(());
        }
    }
}

/// Major type and argument (RFC 8949 3).
struct Head {
    major: u8,
    argument: u64,
}

fn read_head(bytes: &[u8], at: usize) -> Result<(Head, &[u8]), CodecError> {
    let (&first, rest) = bytes.split_first().ok_or(CodecError::Truncated)?;
    let (major, info) = (first >> 5, first & 0x1f);
    let (argument, least, rest) = match info {
        0..=23 => (u64::from(info), 0, rest),
        24 => {
            let (byte, rest) = rest.split_first().ok_or(CodecError::Truncated)?;
            (u64::from(*byte), 24, rest)
        }
        25 => {
            let (bytes, rest) = rest.split_first_chunk().ok_or(CodecError::Truncated)?;
            (u64::from(u16::from_be_bytes(*bytes)), 1 << 8, rest)
        }
        26 => {
            let (bytes, rest) = rest.split_first_chunk().ok_or(CodecError::Truncated)?;
            (u64::from(u32::from_be_bytes(*bytes)), 1 << 16, rest)
        }
        27 => {
            let (bytes, rest) = rest.split_first_chunk().ok_or(CodecError::Truncated)?;
            (u64::from_be_bytes(*bytes), 1 << 32, rest)
        }
        28..=30 => {
            return Err(CodecError::Unexpected {
                expected: "a data item",
                at,
            });
        }
        _ => return Err(CodecError::NotCanonical { at }),
    };
    // Major type 7 carries simple values and floats, whose argument is no count; simple values below 32 have one byte.
    let shortest = if major == 7 {
        info != 24 || argument >= 32
    } else {
        argument >= least
    };
    if shortest {
        Ok((Head { major, argument }, rest))
    } else {
        Err(CodecError::NotCanonical { at })
    }
}
