//! Figures: medians and percentiles of measured times.

use std::time::{Duration, Instant};

/// Mean time of `work`, repeated for at least `window`.
pub(crate) fn mean_of(window: Duration, mut work: impl FnMut()) -> Duration {
    let began = Instant::now();
    let mut times: u32 = 0;
    while began.elapsed() < window {
        work();
        times = times.saturating_add(1);
    }
    began.elapsed() / times.max(1)
}

/// The value that `share` of them, 0.0 to 1.0, do not exceed; zero of none.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    let index = (share * last as f64).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

/// Microseconds with one digit behind the point.
pub(crate) fn micros(duration: Duration) -> String {
    format!("{:.1} us", duration.as_secs_f64() * 1e6)
}
