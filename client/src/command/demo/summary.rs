//! What came out: a short table, or one object.

use super::place::Place;
use concord_client::desk::release::Released;
use concord_spec::bundle::TrustedState;
use concord_spec::id::Height;
use concord_spec::verify::Verdict;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::time::Instant;

/// Time of each step.
pub(super) struct Seconds {
    begun: Instant,
    lap: Instant,
    steps: Vec<(&'static str, f64)>,
}

impl Seconds {
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            lap: now,
            steps: Vec::new(),
        }
    }

    /// The step that ends now.
    pub(super) fn lap(&mut self, step: &'static str) {
        let now = Instant::now();
        self.steps.push((step, now.duration_since(self.lap).as_secs_f64()));
        self.lap = now;
    }
}

/// What the demo did.
pub(super) struct Summary {
    regions: usize,
    certificates: usize,
    valid: usize,
    revoked: usize,
    height: Height,
    file_bytes_max: usize,
    qr_bytes_max: usize,
    qr_version_max: usize,
    seconds: Vec<(&'static str, f64)>,
    certificates_dir: String,
    bundle: String,
}

impl Summary {
    pub(super) fn of(
        regions: usize,
        released: &[Released],
        verdicts: &[Verdict],
        state: &TrustedState,
        place: &Place,
        seconds: Seconds,
    ) -> Self {
        let count = |wanted: Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count();
        let most = |of: fn(&Released) -> usize| released.iter().map(of).max().unwrap_or(0);
        let mut steps = seconds.steps;
        steps.push(("total", seconds.begun.elapsed().as_secs_f64()));
        Self {
            regions,
            certificates: verdicts.len(),
            valid: count(Verdict::Valid),
            revoked: count(Verdict::Revoked),
            height: state.height(),
            file_bytes_max: most(|one| one.file_bytes),
            qr_bytes_max: most(|one| one.code_bytes),
            qr_version_max: most(|one| one.code_version),
            seconds: steps,
            certificates_dir: place.certificates().display().to_string(),
            bundle: place.bundle().display().to_string(),
        }
    }

    fn other(&self) -> usize {
        self.certificates
            .saturating_sub(self.valid)
            .saturating_sub(self.revoked)
    }

    /// One object, times in seconds to the hundredth.
    pub(super) fn object(&self) -> Value {
        let rounded = |(step, seconds): &(&str, f64)| ((*step).to_owned(), json!((seconds * 100.0).round() / 100.0));
        let seconds: Map<String, Value> = self.seconds.iter().map(rounded).collect();
        json!({
            "regions": self.regions,
            "certificates": self.certificates,
            "valid": self.valid,
            "revoked": self.revoked,
            "other": self.other(),
            "height": self.height,
            "file_bytes_max": self.file_bytes_max,
            "qr_bytes_max": self.qr_bytes_max,
            "qr_version_max": self.qr_version_max,
            "seconds": seconds,
            "certificates_dir": self.certificates_dir,
            "bundle": self.bundle,
        })
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{} regions, {} certificates, height {}\n\n",
            self.regions, self.certificates, self.height
        );
        // Writing into a String cannot fail.
        for (name, count) in [
            ("VALID", self.valid),
            ("REVOKED", self.revoked),
            ("other", self.other()),
        ] {
            let _ = writeln!(text, "  {name:<20} {count:>8}");
        }
        let _ = writeln!(
            text,
            "  {:<20} {:>8} bytes at most",
            "certificate file", self.file_bytes_max
        );
        let _ = writeln!(
            text,
            "  {:<20} {:>8} bytes at most, version {}",
            "QR code", self.qr_bytes_max, self.qr_version_max
        );
        text.push('\n');
        for (step, seconds) in &self.seconds {
            let _ = writeln!(text, "  {step:<20} {seconds:>8.2} s");
        }
        let _ = write!(
            text,
            "\ncertificates  {}\ntrust bundle  {}",
            self.certificates_dir, self.bundle
        );
        let _ = write!(
            text,
            "\nTry:  concord verify {}/*.png --bundle {}",
            self.certificates_dir, self.bundle
        );
        text
    }
}
