//! Room on the disk: below a low-water mark nothing more is taken, before the disk is full (DESIGN 5).

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Watches the disk that holds a directory.
#[derive(Debug)]
pub(super) struct DiskGuard {
    dir: PathBuf,
    low_water_bytes: u64,
    /// When it was last asked, and whether it was low.
    last: Mutex<Option<(Instant, bool)>>,
}

impl DiskGuard {
    /// An answer is good for so long.
    const GOOD_FOR: Duration = Duration::from_secs(1);

    pub(super) fn new(dir: PathBuf, low_water_bytes: u64) -> Self {
        Self {
            dir,
            low_water_bytes,
            last: Mutex::new(None),
        }
    }

    /// Whether less than the low-water mark is free.
    pub(super) fn is_low(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, low)) = *last
            && at.elapsed() < Self::GOOD_FOR
        {
            return low;
        }
        let low = match fs2::available_space(&self.dir) {
            Ok(free) => free < self.low_water_bytes,
            Err(error) => {
                // A disk that cannot be asked is not trusted with promises.
                tracing::error!(%error, dir = %self.dir.display(), "cannot ask how much room the disk has");
                true
            }
        };
        *last = Some((Instant::now(), low));
        low
    }
}
