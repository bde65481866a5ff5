//! The report on what was scanned, also where nothing could be read.

use super::{Scanned, Unreadable};
use concord_spec::bundle::TrustedState;
use concord_spec::id::UnixMillis;
use concord_spec::verify::{Ground, Policy, Presented, Report, unread, verify};

/// Verifies what was scanned; a file or code that gave nothing has its report too.
#[must_use]
pub fn report(scanned: &Result<Scanned, Unreadable>, state: &TrustedState, policy: &Policy, now: UnixMillis) -> Report {
    match scanned {
        Ok(Scanned::Certificate(bytes)) => verify(Presented::Certificate(bytes), state, policy, now),
        Ok(Scanned::Small(bytes)) => verify(Presented::Credential(bytes), state, policy, now),
        Err(reason) => unread(nothing_read(reason), state, now),
    }
}

fn nothing_read(reason: &Unreadable) -> Ground {
    if reason.needs_newer_software() {
        let detail = reason.to_string();
        return Ground::Newer { detail };
    }
    Ground::NothingRead {
        reason: reason.code(),
        words: reason.words(),
    }
}
