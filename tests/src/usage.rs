//! What processes use, as Linux counts it (proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::{HarnessError, Result};

/// `USER_HZ`: in /proc, processor time is in hundredths of a second on every architecture we build for.
const TICKS_PER_SECOND: u32 = 100;

/// The name under which [`cpu_by_thread_name`] counts threads that are no more.
pub const ENDED: &str = "(ended threads)";

/// Processor time and memory of a process at an instant.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    at: Instant,
    cpu: Duration,
    /// Resident set in bytes.
    pub resident_bytes: u64,
}

impl Usage {
    /// Reads it.
    ///
    /// # Errors
    /// The process is gone.
    pub fn of(pid: u32) -> Result<Self> {
        let cpu = cpu_of(&read(&format!("/proc/{pid}/stat"))?)?;
        let status = read(&format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        let kib = kib.ok_or_else(|| HarnessError::bytes("VmRSS", status))?;
        Ok(Self {
            at: Instant::now(),
            cpu,
            resident_bytes: kib.saturating_mul(1_024),
        })
    }

    /// Processor time between `earlier` and this, of all threads.
    #[must_use]
    pub fn cpu_since(&self, earlier: &Self) -> Duration {
        self.cpu.saturating_sub(earlier.cpu)
    }

    /// Share of one core between `earlier` and this, 1.0 for all of it.
    #[must_use]
    pub fn core_share_since(&self, earlier: &Self) -> f64 {
        let wall = self.at.duration_since(earlier.at);
        self.cpu_since(earlier).as_secs_f64() / wall.as_secs_f64()
    }
}

/// Processor time of a process so far by the names of its threads, without trailing numbers; that of threads that have ended
/// is under [`ENDED`].
///
/// # Errors
/// The process is gone.
pub fn cpu_by_thread_name(pid: u32) -> Result<BTreeMap<String, Duration>> {
    let dir = format!("/proc/{pid}/task");
    let mut by_name = BTreeMap::new();
    for task in fs::read_dir(&dir).map_err(HarnessError::file(&dir))? {
        let task = task.map_err(HarnessError::file(&dir))?.path();
        // A thread may end while we look.
        let Ok(stat) = fs::read_to_string(task.join("stat")) else {
            continue;
        };
        let name = stat
            .split_once('(')
            .and_then(|(_, rest)| rest.rsplit_once(')'))
            .map_or("", |(name, _)| name);
        let role = name
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '_')
            .to_owned();
        let total: &mut Duration = by_name.entry(role).or_default();
        *total = total.saturating_add(cpu_of(&stat)?);
    }
    let alive = by_name.values().sum();
    let all = cpu_of(&read(&format!("/proc/{pid}/stat"))?)?;
    by_name.insert(ENDED.to_owned(), all.saturating_sub(alive));
    Ok(by_name)
}

/// Processor time of the children of this process that have ended and were waited for.
///
/// # Errors
/// No `/proc`.
pub fn cpu_of_ended_children() -> Result<Duration> {
    time_at(&read("/proc/self/stat")?, CHILDREN)
}

/// Fields before user and system time in a stat file, from the state on: of the process, and of its ended children.
const OWN: usize = 11;
const CHILDREN: usize = 13;

fn cpu_of(stat: &str) -> Result<Duration> {
    time_at(stat, OWN)
}

/// User and system time in ticks, in two fields of a stat file. The name before them may hold blanks and brackets.
fn time_at(stat: &str, field: usize) -> Result<Duration> {
    let wrong = || HarnessError::bytes("a stat file", stat);
    let (_, rest) = stat.rsplit_once(')').ok_or_else(wrong)?;
    let mut fields = rest.split_ascii_whitespace().skip(field);
    let mut ticks = || {
        fields
            .next()
            .and_then(|field| field.parse::<u32>().ok())
            .ok_or_else(wrong)
    };
    let total = ticks()?.saturating_add(ticks()?);
    Ok(Duration::from_secs(1).saturating_mul(total) / TICKS_PER_SECOND)
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).map_err(HarnessError::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_named_like_a_stat_file_is_counted_right() {
        let stat = "7 (a) 1 (b) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 10 20 20 0 4 0 100 1 1";
        assert_eq!(cpu_of(stat).unwrap(), Duration::from_secs(2));
        assert_eq!(time_at(stat, CHILDREN).unwrap(), Duration::from_millis(300));
    }

    #[test]
    fn work_is_counted() {
        let before = Usage::of(std::process::id()).unwrap();
        let spent = |after: &Usage| after.cpu.saturating_sub(before.cpu);
        let began = Instant::now();
        let mut after = before;
        // On a machine that is busy with other things, a tenth of a second of work can take a while.
        while spent(&after) < Duration::from_millis(100) {
            assert!(began.elapsed() < Duration::from_secs(60), "{after:?}");
            after = Usage::of(std::process::id()).unwrap();
        }
        assert!(after.core_share_since(&before) > 0.0 && after.resident_bytes > 0);
    }
}
