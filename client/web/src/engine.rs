//! Questions and answers, in JSON.

use concord_code::scan::{self, Scanned};
use concord_spec::bundle::{TrustBundle, TrustedState};
use concord_spec::id::UnixMillis;
use concord_spec::verify::{Policy, Presented, verify};

/// What the page holds.
#[derive(Debug, Default)]
pub struct Engine {
    state: Option<TrustedState>,
}

impl Engine {
    /// Without data.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: None }
    }

    /// Answers.
    pub fn answer(&mut self, json: &[u8], about: &[u8]) -> String {
        if json.is_empty() {
            let chain = TrustBundle::claimed_chain(about).ok();
            self.state = chain.and_then(|chain| TrustBundle::open(about, &chain).ok());
            return format!("{:?}", self.state.as_ref().map(|state| state.height()));
        }
        let Some(state) = &self.state else { return String::new() };
        match scan::scan_bytes(about) {
            Ok(Scanned::Certificate(bytes)) => serde_json::to_string(&verify(
                Presented::Certificate(&bytes),
                state,
                &Policy::default(),
                UnixMillis(0),
            ))
            .unwrap_or_default(),
            Ok(Scanned::Small(bytes)) => serde_json::to_string(&verify(
                Presented::Credential(&bytes),
                state,
                &Policy::default(),
                UnixMillis(0),
            ))
            .unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }
}
