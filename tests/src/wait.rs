//! Waiting for what must happen, never longer than a deadline.

use std::time::{Duration, Instant};

use crate::{HarnessError, Result};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// What a condition says when looked at.
#[derive(Debug)]
pub enum Seen<T> {
    /// It holds.
    Yes(T),
    /// Not yet; what is seen instead.
    NotYet(String),
}

/// Looks until `condition` holds. An unreachable node counts as not yet.
///
/// # Errors
/// [`HarnessError::Late`] with what was seen last, or the first error of `condition` that is not about reaching a node.
pub fn until<T>(what: &str, within: Duration, mut condition: impl FnMut() -> Result<Seen<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        let last = match condition() {
            Ok(Seen::Yes(found)) => return Ok(found),
            Ok(Seen::NotYet(seen)) => seen,
            Err(error) if error.is_unreachable() => error.to_string(),
            Err(error) => return Err(error),
        };
        if began.elapsed() >= within {
            return Err(HarnessError::Late {
                what: what.to_owned(),
                seconds: within.as_secs(),
                last,
            });
        }
        std::thread::sleep(POLL);
    }
}

/// Looks for the whole of `window` and fails as soon as `holds` does not.
///
/// # Errors
/// The first error of `holds`.
pub fn throughout(window: Duration, mut holds: impl FnMut() -> Result) -> Result {
    let began = Instant::now();
    while began.elapsed() < window {
        holds()?;
        std::thread::sleep(POLL.saturating_mul(5));
    }
    holds()
}
