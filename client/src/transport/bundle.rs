//! Trust bundles, from nodes and from anywhere: nothing of them is checked here.

use super::{BUNDLE_TIME, CONNECT_TIME, Node, TransportError};
use concord_spec::bundle::{Checkpoint, MAX_BUNDLE, Selection};
use concord_spec::digest::Digest;
use ureq::Agent;

/// Most redirects that a mirror may ask for.
const MAX_REDIRECTS: u32 = 5;

/// What is asked for of a node's bundle.
#[derive(Debug, Clone, Default)]
pub struct BundleQuery {
    /// Which types and regions.
    pub selection: Selection,
    /// Only what changed since this block.
    pub since: Option<Checkpoint>,
    /// Blocks that a whole bundle is to show it continues.
    pub extends: Vec<Checkpoint>,
}

impl BundleQuery {
    fn path(&self) -> String {
        let listed = |name: &str, values: Vec<String>| format!("{name}={}", values.join(","));
        let mut parts = Vec::new();
        if let Some(since) = self.since {
            parts.push(format!("since={since}"));
        }
        if !self.extends.is_empty() {
            parts.push(listed(
                "extends",
                self.extends.iter().map(ToString::to_string).collect(),
            ));
        }
        if let Some(types) = self.selection.types() {
            parts.push(listed("types", types.iter().map(ToString::to_string).collect()));
        }
        if let Some(regions) = self.selection.regions() {
            parts.push(listed("regions", regions.iter().map(ToString::to_string).collect()));
        }
        if parts.is_empty() {
            "/v1/bundle".to_owned()
        } else {
            format!("/v1/bundle?{}", parts.join("&"))
        }
    }
}

impl Node {
    /// A bundle, or what changed since one. `None` when the newest is of the block that is known already.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn bundle(&self, query: &BundleQuery, known: Option<&Digest>) -> Result<Option<Vec<u8>>, TransportError> {
        let path = query.path();
        let mut request = self.agent.get(self.url(&path));
        if let Some(known) = known {
            request = request.header("if-none-match", format!("\"{known}\""));
        }
        let request = request.config().timeout_global(Some(BUNDLE_TIME)).build();
        let answer = request.call();
        if answer.as_ref().is_ok_and(|answer| answer.status().as_u16() == 304) {
            return Ok(None);
        }
        let response = self.accepted(&path, answer)?;
        self.body(&path, response, MAX_BUNDLE).map(Some)
    }
}

/// Whether this names a place on the web rather than a file.
#[must_use]
pub fn is_url(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme))
}

/// A bundle from any web server.
///
/// # Errors
/// See [`TransportError`].
pub fn bundle_from(url: &str) -> Result<Vec<u8>, TransportError> {
    let config = Agent::config_builder()
        .timeout_connect(Some(CONNECT_TIME))
        .timeout_global(Some(BUNDLE_TIME))
        .max_redirects(MAX_REDIRECTS)
        .user_agent(concat!("concord/", env!("CARGO_PKG_VERSION")))
        .build();
    let failed = |reason: String| TransportError::NoBundle {
        url: url.to_owned(),
        reason,
    };
    let answer = Agent::new_with_config(config).get(url).call();
    let mut response = answer.map_err(|error| failed(error.to_string()))?;
    let most = u64::try_from(MAX_BUNDLE).unwrap_or(u64::MAX);
    let body = response.body_mut().with_config().limit(most).read_to_vec();
    body.map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use concord_spec::id::{Height, RegionId, TypeId};
    use std::collections::BTreeSet;

    #[test]
    fn a_query_says_what_is_wanted_and_no_more() {
        assert_eq!(BundleQuery::default().path(), "/v1/bundle");
        let block = Checkpoint {
            height: Height(7),
            hash: Digest::ZERO,
        };
        let types = BTreeSet::from([TypeId::new("b").unwrap(), TypeId::new("a").unwrap()]);
        let regions = BTreeSet::from([RegionId::new("110000").unwrap()]);
        let query = BundleQuery {
            selection: Selection::of(Some(types), Some(regions)).unwrap(),
            since: Some(block),
            extends: Vec::new(),
        };
        let zero = "0".repeat(64);
        assert_eq!(
            query.path(),
            format!("/v1/bundle?since=7:{zero}&types=a,b&regions=110000")
        );
    }
}
