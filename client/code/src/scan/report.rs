//! The report on what was scanned, also where nothing could be read.

use super::{Scanned, Unreadable};
use concord_spec::bundle::TrustedState;
use concord_spec::id::UnixMillis;
use concord_spec::verify::{Ground, Policy, Presented, Report, SealsSeen, unread, verify_seen};

/// Verifies what was scanned; a file or code that gave nothing has its report too. `seen` is for one of many: see [`SealsSeen`].
#[must_use]
pub fn report(
    scanned: &Result<Scanned, Unreadable>,
    state: &TrustedState,
    policy: &Policy,
    now: UnixMillis,
    seen: &mut SealsSeen,
) -> Report {
    match scanned {
        Ok(Scanned::Certificate(bytes)) => verify_seen(Presented::Certificate(bytes), state, policy, now, seen),
        Ok(Scanned::Small(bytes)) => verify_seen(Presented::Credential(bytes), state, policy, now, seen),
        Ok(Scanned::WithStatus(bytes)) => verify_seen(Presented::WithStatus(bytes), state, policy, now, seen),
        Err(reason) => unread(nothing_read(reason), state, now),
    }
}

fn nothing_read(reason: &Unreadable) -> Ground {
    if let Unreadable::NewerCode(prefix) = reason {
        // In every language the same: what only newer software reads.
        let detail = prefix.clone();
        return Ground::Newer { detail };
    }
    Ground::NothingRead {
        reason: reason.code(),
        words: reason.words(),
    }
}
