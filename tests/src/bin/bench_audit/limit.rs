//! The machine's limit: batched Ed25519 verifications a second on all cores, over as many keys as the ledger's.

use crate::Arguments;
use crate::make;
use concord_spec::key::{BatchItem, verify_batch};
use concord_tests::usage::Usage;
use concord_tests::{HarnessError, Result, claim};
use rayon::prelude::*;
use std::fmt;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(4);
/// As many as the audit puts into a sum.
const BATCH: usize = 1_024;
const SEALS: u32 = 64;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    signatures: u64,
    wall: Duration,
    cpu: Duration,
    seal_cpu: Duration,
}

pub(crate) fn measure(arguments: &Arguments) -> Result<Limit> {
    let items = make::signatures(arguments, BATCH * rayon::current_num_threads());
    let pid = std::process::id();
    let (begun, before) = (Instant::now(), Usage::of(pid)?);
    let mut signatures = 0_u64;
    while begun.elapsed() < WINDOW {
        let hold = items
            .par_chunks(BATCH)
            .all(|batch: &[BatchItem]| verify_batch(batch, rand::random()));
        claim(hold, || "signatures that were made hold".to_owned())?;
        signatures = signatures.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
    }
    let wall = begun.elapsed();
    let cpu = Usage::of(pid)?.cpu_since(&before);
    let sealed = make::Sealed::one(arguments)?;
    let before = Usage::of(pid)?;
    for _ in 0..SEALS {
        claim(sealed.holds(), || "a seal that was made holds".to_owned())?;
    }
    let seal_cpu = Usage::of(pid)?.cpu_since(&before) / SEALS;
    if signatures == 0 {
        return Err(HarnessError::bytes("signatures", "none were verified"));
    }
    Ok(Limit {
        signatures,
        wall,
        cpu,
        seal_cpu,
    })
}

impl Limit {
    pub(crate) fn signatures_per_second(&self) -> f64 {
        self.signatures as f64 / self.wall.as_secs_f64()
    }

    pub(crate) fn signature_cpu(&self) -> Duration {
        self.cpu.div_f64(self.signatures as f64)
    }

    pub(crate) fn seal_cpu(&self) -> Duration {
        self.seal_cpu
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} batched verifications/s on all cores by the clock, {:.1} us of processor time each; a seal {:.2} ms",
            self.signatures_per_second(),
            1e6 * self.signature_cpu().as_secs_f64(),
            1e3 * self.seal_cpu.as_secs_f64()
        )
    }
}
