//! A token bucket: so much at once, so much a second.

use std::time::Instant;

/// How much of something is allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    /// At once.
    pub(super) burst: f64,
    /// A second, after that.
    pub(super) per_second: f64,
}

/// What is left of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    pace: Pace,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(pace: Pace, now: Instant) -> Self {
        Self {
            pace,
            tokens: pace.burst,
            filled: now,
        }
    }

    /// Takes this much, if it is there.
    pub(super) fn take(&mut self, amount: f64, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.pace.per_second).min(self.pace.burst);
        self.filled = now;
        let enough = self.tokens >= amount;
        if enough {
            self.tokens -= amount;
        }
        enough
    }
}
