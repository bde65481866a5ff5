//! Makes the vectors in `spec/vectors`: what is claimed of each is written here by hand; ids, hashes and roots are computed.
//! Not here: whether the claims hold (`spec/tests/vectors.rs`).

mod blocks;
mod bundles;
mod certificates;
mod charter;
mod encoding;
mod keys;
mod records;
mod status;
mod structures;
mod trees;
mod updates;

use concord_spec::block::Block;
use concord_spec::key::bls::aggregate;
use concord_spec::seal::Seal;
use concord_spec::world::World;
use serde_json::Value;
use std::path::PathBuf;

/// A defect of the maker itself.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// What makes a file.
pub(crate) type Make = fn() -> Result<Value, Error>;

/// Every file and what makes it.
pub(crate) const FILES: [(&str, Make); 10] = [
    ("encoding.json", encoding::file),
    ("keys.json", keys::file),
    ("trees.json", trees::file),
    ("status.json", status::file),
    ("charter.json", charter::file),
    ("records.json", records::file),
    ("blocks.json", blocks::file),
    ("structures.json", structures::file),
    ("certificates.json", certificates::file),
    ("bundles.json", updates::file),
];

/// Where the files are.
pub(crate) fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// A file's text.
#[cfg_attr(test, expect(dead_code, reason = "the maker writes files, the test compares values"))]
pub(crate) fn text(value: &Value) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Where `part` begins in `bytes`.
fn find(bytes: &[u8], part: &[u8]) -> Result<usize, Error> {
    let found = bytes.windows(part.len()).position(|window| window == part);
    found.ok_or_else(|| "the bytes to be changed are not there".into())
}

/// `bytes` with the first `old` replaced.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Result<Vec<u8>, Error> {
    let (before, rest) = bytes.split_at(find(bytes, old)?);
    let after = rest.get(old.len()..).ok_or("too short")?;
    Ok([before, new, after].concat())
}

/// `bytes` without the last `count`.
fn shortened(bytes: &[u8], count: usize) -> Vec<u8> {
    let len = bytes.len().saturating_sub(count);
    bytes.iter().copied().take(len).collect()
}

/// `bytes` with one more.
fn with_trailing(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

/// A seal of one-byte bitmap that adds up these shares, given by region and round, without the checks of [`Seal::assemble`].
fn sum_of_shares(
    world: &World,
    block: &Block,
    shares: &[(usize, u32)],
    signers: u8,
    round: u32,
) -> Result<Seal, Error> {
    let mut parts = Vec::new();
    for (who, signed_round) in shares {
        let shares = world.shares(block, *signed_round, [*who])?;
        parts.extend(shares.into_iter().map(|(_, share)| share));
    }
    Ok(Seal {
        round,
        signers: vec![signers],
        signature: aggregate(&parts)?,
    })
}
