//! Figures: means and percentiles of measured times.

use std::time::{Duration, Instant};

use concord_tests::{HarnessError, Result};

/// Mean processor time of `work`, repeated for at least `window`: what else runs on the machine does not count.
pub(crate) fn mean_cpu_of(window: Duration, mut work: impl FnMut()) -> Result<Duration> {
    let (began, before) = (Instant::now(), thread_cpu()?);
    let mut times: u32 = 0;
    while began.elapsed() < window {
        work();
        times = times.saturating_add(1);
    }
    Ok(thread_cpu()?.saturating_sub(before) / times.max(1))
}

/// Processor time of this thread so far: the first number of `schedstat`, nanoseconds (proc(5), Documentation/scheduler).
fn thread_cpu() -> Result<Duration> {
    let path = "/proc/thread-self/schedstat";
    let text = std::fs::read_to_string(path).map_err(HarnessError::file(path))?;
    let nanos = text
        .split_ascii_whitespace()
        .next()
        .and_then(|field| field.parse().ok());
    nanos
        .map(Duration::from_nanos)
        .ok_or_else(|| HarnessError::bytes(path, text))
}

/// Mean time of `work` by the clock, repeated for at least `window`.
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
