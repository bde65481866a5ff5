//! What this process holds, and what runs beside it, as Linux counts it (proc(5)).

use std::fmt;
use std::fs;

/// Memory of this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    resident_kib: u64,
    peak_kib: u64,
}

impl Memory {
    pub(crate) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default();
            line.trim().trim_end_matches("kB").trim().parse().unwrap_or_default()
        };
        Self {
            resident_kib: field("VmRSS:"),
            peak_kib: field("VmHWM:"),
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kib: u64| kib / 1_024;
        write!(
            f,
            "resident {} MiB, peak so far {} MiB",
            mib(self.resident_kib),
            mib(self.peak_kib)
        )
    }
}

/// The three load averages.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_ascii_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
