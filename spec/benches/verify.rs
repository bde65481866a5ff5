//! What verifying a certificate costs, beside the signatures that it checks: `cargo bench -p concord-spec --bench verify`.
//!
//! 34 regions, of which all seal. Processor time of one thread, medians; the parts are measured in turn, round by round, so that
//! what else the machine does falls on all of them alike.

use concord_spec::bundle::TrustedState;
use concord_spec::certificate::Certificate;
use concord_spec::verify::{Policy, Presented, SealsSeen, Verdict, verify_seen};
use concord_spec::world::{World, WorldError};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::Duration;

const REGIONS: usize = 34;
const BATCH: u64 = 16;
const ROUNDS: usize = 2_000;
/// What the issue on the tracker allows, of one signature and one seal, and of one signature.
const MOST_UNSEEN: f64 = 1.2;
const MOST_SEEN: f64 = 1.3;

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn micros(work: impl FnOnce() -> bool) -> Result<f64, WorldError> {
    let before = processor_time();
    let good = black_box(work());
    let took = processor_time().saturating_sub(before);
    if good {
        Ok(took.as_secs_f64() * 1e6)
    } else {
        Err("what is measured does not hold".into())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn judge(bytes: &[u8], state: &TrustedState, seen: &mut SealsSeen) -> bool {
    let report = verify_seen(
        Presented::Certificate(bytes),
        state,
        &Policy::default(),
        state.time(),
        seen,
    );
    report.verdict == Verdict::Valid
}

fn seal_holds(certificate: &Certificate, state: &TrustedState) -> Result<impl Fn() -> bool, WorldError> {
    let receipt = certificate.receipt.clone();
    let block = receipt.block_hash(&certificate.batch_root()?)?;
    let (chain, regions) = (state.chain_id(), state.regions_at(receipt.height).clone());
    Ok(move || receipt.seal.verify(&chain, receipt.height, &block, &regions).is_ok())
}

fn main() -> Result<(), WorldError> {
    let mut world = World::with_series(REGIONS, "bench")?;
    let certificates = world.issue(BATCH)?;
    let state = world.trusted()?;
    let files: Vec<Vec<u8>> = certificates.iter().map(Certificate::to_bytes).collect();
    let first = certificates.first().ok_or("no certificate")?;
    let holds = seal_holds(first, &state)?;
    let key = world.series_key.public();
    let (mut signature, mut seal, mut unseen, mut seen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut warm = SealsSeen::new();
    for (bytes, certificate) in files.iter().zip(&certificates).cycle().take(ROUNDS) {
        signature.push(micros(|| certificate.credential.is_signed_by(&key))?);
        seal.push(micros(&holds)?);
        unseen.push(micros(|| judge(bytes, &state, &mut SealsSeen::new()))?);
        if !judge(bytes, &state, &mut warm) {
            return Err("what is measured does not hold".into());
        }
        seen.push(micros(|| judge(bytes, &state, &mut warm))?);
    }
    let [signature, seal, unseen, seen] = [signature, seal, unseen, seen].map(median);
    let (of_both, of_one) = (unseen / (signature + seal), seen / signature);
    println!(
        "{REGIONS} regions, certificate of {} bytes, {ROUNDS} rounds, medians",
        files.first().map_or(0, Vec::len)
    );
    println!("one Ed25519 signature (ZIP-215): {signature:.1} us; one seal: {seal:.1} us");
    println!(
        "certificate, block not seen before: {unseen:.1} us, {of_both:.2} times signature and seal (at most {MOST_UNSEEN})"
    );
    println!("certificate, block seen before: {seen:.1} us, {of_one:.2} times a signature (at most {MOST_SEEN})");
    if of_both > MOST_UNSEEN || of_one > MOST_SEEN {
        return Err("verifying costs more than it may".into());
    }
    Ok(())
}
