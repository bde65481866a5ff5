//! Statements: signed records of a region's authority or an office, with a fresh nonce and a not-after (DESIGN 4.3).

use concord_spec::digest::Digest;
use concord_spec::id::UnixMillis;
use concord_spec::key::SecretKey;
use concord_spec::record::{Action, Actor, Payload, SignedRecord};
use rand::RngCore;
use rand::rngs::OsRng;

/// How long a record may take to enter the ledger: an hour, in milliseconds. Until it is over, or the record is finally
/// rejected, its numbers are not used again.
pub const PATIENCE_MS: u64 = 3_600_000;

/// Signs `action` in the name of `actor`, with a fresh nonce, to enter the ledger at the latest [`PATIENCE_MS`] after `now`.
#[must_use]
pub fn sign(chain_id: Digest, now: UnixMillis, actor: Actor, action: Action, keys: &[&SecretKey]) -> SignedRecord {
    let not_after = UnixMillis(now.0.saturating_add(PATIENCE_MS));
    sign_until(chain_id, not_after, actor, action, keys)
}

/// Signs `action` in the name of `actor` with any number of keys, with a fresh nonce, to enter the ledger until `not_after`.
#[must_use]
pub fn sign_until(
    chain_id: Digest,
    not_after: UnixMillis,
    actor: Actor,
    action: Action,
    keys: &[&SecretKey],
) -> SignedRecord {
    let mut nonce = [0; 16];
    OsRng.fill_bytes(&mut nonce);
    SignedRecord::sign(
        Payload {
            chain_id,
            not_after,
            nonce,
            actor,
            action,
        },
        keys,
    )
}
