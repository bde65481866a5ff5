//! Progress bars on the error stream, only where that is a terminal: logs and pipes get none.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// A step under way. Dropped, its line stays as far as it came.
#[derive(Debug)]
pub struct Progress(ProgressBar);

/// Shows a step of `total` parts; of unknown length when `total` is 0.
#[must_use]
pub fn progress(label: &str, total: u64) -> Progress {
    // Drawn to the error stream, which hides itself when that is no terminal.
    let bar = match total {
        0 => ProgressBar::no_length(),
        total => ProgressBar::new(total),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    let template = match total {
        0 => "{prefix:24} {spinner} {elapsed:>5} {msg}",
        _ => "{prefix:24} {bar:32} {pos:>6}/{len} {elapsed:>5} {msg}",
    };
    // The templates are ours; should the library refuse one, its plain bar does.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = bar.with_style(style).with_finish(ProgressFinish::Abandon);
    bar.set_prefix(label.to_owned());
    bar.tick();
    Progress(bar)
}

impl Progress {
    /// `parts` more are done. May be called from any thread.
    pub fn advance(&self, parts: u64) {
        self.0.inc(parts);
    }

    /// What is being done just now.
    pub fn say(&self, message: &str) {
        self.0.set_message(message.to_owned());
    }

    /// Parts done so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.0.position()
    }

    /// The step is over; its line stays.
    pub fn finish(self) {
        self.0.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_from_many_threads() {
        let step = progress("verify", 400);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| step.advance(1)));
            }
        });
        assert_eq!(step.done(), 400);
        step.finish();
    }
}
