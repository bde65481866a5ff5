//! HTTP to a node (DESIGN 5, API `/v1`): submit records, read their state, fetch receipts and bundles.
//!
//! Nothing that a node says is believed without proof: receipts and bundles are checked by whoever asked for them.
//! Answers are bounded in size and time.

mod answer;
mod bundle;
mod events;
mod proofs;

pub use answer::{NodeStatus, OfficeAnswer, RecordAnswer, RecordState, SeriesAnswer, Submitted};
pub use bundle::{BundleQuery, bundle_from, is_url};

use answer::Problem;
use concord_spec::block::{Block, MAX_BLOCK};
use concord_spec::catalogue::{TypeDefinition, TypeRef};
use concord_spec::charter::Charter;
use concord_spec::charter::signed::{MAX_SIGNED_CHARTER, SignedCharter};
use concord_spec::codec::{self, CodecError, Reader, Wire, Writer};
use concord_spec::digest::Digest;
use concord_spec::epochs::{MAX_HISTORY, RegionHistory};
use concord_spec::id::{Height, OfficeId, RegionId, SeriesId};
use concord_spec::ledger::{Catalogue, Directory, Federation, MAX_SECTION, SectionName};
use concord_spec::receipt::{MAX_RECEIPT, Receipt};
use concord_spec::recognition::Recognition;
use concord_spec::record::{RecordId, SignedRecord};
use concord_spec::seal::Seal;
use events::EventsError;
use serde::de::DeserializeOwned;
use std::io::BufReader;
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body};

/// The longest wait that a node holds one request for.
pub const MAX_WAIT: Duration = Duration::from_secs(30);
/// Time for a request beyond what the node was asked to wait.
const REQUEST_TIME: Duration = Duration::from_secs(20);
/// Time for a bundle, which can have hundreds of megabytes.
const BUNDLE_TIME: Duration = Duration::from_secs(600);
/// Longest silence of a node's events: it sends a sign of life every 15 s.
const SILENCE: Duration = Duration::from_secs(40);
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Most bytes of a JSON answer.
const MAX_JSON: usize = 16 << 20;
/// Most bytes of a type definition.
const MAX_DEFINITION: usize = 1 << 20;

/// Why a node did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No answer.
    #[error("no answer from {url}: {reason}; is the node running, and is --node right?")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// What the network says.
        reason: String,
    },
    /// A refusal with its reason (RFC 9457).
    #[error("the node refused ({status} {code}): {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code.
        code: String,
        /// What is wrong, in words.
        detail: String,
        /// After how long it may be tried again.
        retry_after: Option<Duration>,
    },
    /// No bundle from a web server.
    #[error("no trust bundle from {url}: {reason}")]
    NoBundle {
        /// What was asked.
        url: String,
        /// What the network or the server says.
        reason: String,
    },
    /// An answer that is not what the interface says.
    #[error("{url} answered what is not expected there ({reason}); is it a Concord node of this version?")]
    Strange {
        /// What was asked.
        url: String,
        /// What is strange.
        reason: String,
    },
}

impl TransportError {
    /// The stable code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::NoAnswer { .. } | Self::NoBundle { .. } | Self::Strange { .. } => None,
        }
    }

    /// For a node that has no room now: when to try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused {
                status: 429 | 503,
                retry_after,
                ..
            } => Some(retry_after.unwrap_or(Duration::from_secs(1))),
            Self::Refused { .. } | Self::NoAnswer { .. } | Self::NoBundle { .. } | Self::Strange { .. } => None,
        }
    }
}

/// A node's HTTP interface.
#[derive(Debug, Clone)]
pub struct Node {
    agent: Agent,
    base: String,
}

impl Node {
    /// The node at `base`, such as `http://127.0.0.1:8080`. Nothing is sent yet.
    #[must_use]
    pub fn at(base: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIME))
            .max_redirects(0)
            .user_agent(concat!("concord/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: Agent::new_with_config(config),
            base: base.trim_end_matches('/').to_owned(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where the node stands.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn status(&self) -> Result<NodeStatus, TransportError> {
        self.get_json("/v1/status", Duration::ZERO)
    }

    /// The charter, checked in itself; whether it is the right one is the caller's to say.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn charter(&self) -> Result<Charter, TransportError> {
        let bytes = self.get_bytes("/v1/charter", MAX_SIGNED_CHARTER, REQUEST_TIME)?;
        let signed = SignedCharter::from_bytes(&bytes);
        signed
            .map(SignedCharter::into_charter)
            .map_err(|error| self.strange("/v1/charter", error))
    }

    /// Hands in a record. Handing in the same again gives its state.
    ///
    /// # Errors
    /// A refusal carries the code of the rejection.
    pub fn submit(&self, record: &SignedRecord) -> Result<RecordAnswer, TransportError> {
        let path = "/v1/records";
        let request = self.agent.post(self.url(path)).content_type("application/cbor");
        let sent = request
            .config()
            .timeout_global(Some(REQUEST_TIME))
            .build()
            .send(record.bytes());
        self.json(path, self.accepted(path, sent)?)
    }

    /// Hands in up to 1,000 records; one answer each, in order.
    ///
    /// # Errors
    /// Only where the whole request fails.
    pub fn submit_batch(&self, records: &[&SignedRecord]) -> Result<Vec<Submitted>, TransportError> {
        let path = "/v1/records/batch";
        let mut body = Writer::new();
        body.array(records.len());
        records.iter().for_each(|record| body.bytes(record.bytes()));
        let request = self.agent.post(self.url(path)).content_type("application/cbor");
        let sent = request
            .config()
            .timeout_global(Some(REQUEST_TIME))
            .build()
            .send(body.into_vec());
        let answers: Vec<Submitted> = self.json(path, self.accepted(path, sent)?)?;
        if answers.len() == records.len() {
            return Ok(answers);
        }
        Err(self.strange(path, format!("{} answers to {} records", answers.len(), records.len())))
    }

    /// State of a record; waits up to `wait` (at most [`MAX_WAIT`]) while it is pending. `None` when the node does not know it.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn record(&self, id: &RecordId, wait: Duration) -> Result<Option<RecordAnswer>, TransportError> {
        let wait = wait.min(MAX_WAIT);
        let answer = self.get_json(&format!("/v1/records/{id}?wait_ms={}", wait.as_millis()), wait);
        unknown_is_none(answer)
    }

    /// Receipt of a recorded issue, not checked.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn receipt(&self, id: &RecordId) -> Result<Receipt, TransportError> {
        let path = format!("/v1/records/{id}/receipt");
        let bytes = self.get_bytes(&path, MAX_RECEIPT, REQUEST_TIME)?;
        Receipt::from_bytes(&bytes).map_err(|error| self.strange(&path, error))
    }

    /// A version of a type. `None` when it is not defined.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn type_definition(&self, of: &TypeRef) -> Result<Option<TypeDefinition>, TransportError> {
        let path = format!("/v1/types/{}/{}", of.id, of.version);
        let Some(bytes) = unknown_is_none(self.get_bytes(&path, MAX_DEFINITION, REQUEST_TIME))? else {
            return Ok(None);
        };
        let definition = codec::from_slice::<TypeDefinition>(&bytes, MAX_DEFINITION);
        definition.map(Some).map_err(|error| self.strange(&path, error))
    }

    /// A series. `None` when it is not open.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn series(&self, id: SeriesId) -> Result<Option<SeriesAnswer>, TransportError> {
        unknown_is_none(self.get_json(&format!("/v1/series/{id}"), Duration::ZERO))
    }

    /// An office. `None` when it is not registered.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn office(&self, id: &OfficeId) -> Result<Option<OfficeAnswer>, TransportError> {
        unknown_is_none(self.get_json(&format!("/v1/offices/{}/{}", id.region, id.code), Duration::ZERO))
    }

    /// Section `federation`, not checked.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn federation(&self) -> Result<Federation, TransportError> {
        self.section(&SectionName::Federation)?
            .ok_or_else(|| self.strange("/v1/sections/federation", "there is none"))
    }

    /// Section `catalogue`, not checked.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn catalogue(&self) -> Result<Catalogue, TransportError> {
        self.section(&SectionName::Catalogue)?
            .ok_or_else(|| self.strange("/v1/sections/catalogue", "there is none"))
    }

    /// Section `recognition`, not checked.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn recognition(&self) -> Result<Recognition, TransportError> {
        self.section(&SectionName::Recognition)?
            .ok_or_else(|| self.strange("/v1/sections/recognition", "there is none"))
    }

    /// Section `directory/<region>`, not checked; `None` when there is no such region.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn directory(&self, region: &RegionId) -> Result<Option<Directory>, TransportError> {
        self.section(&SectionName::Directory(region.clone()))
    }

    fn section<T: Wire>(&self, name: &SectionName) -> Result<Option<T>, TransportError> {
        let path = format!("/v1/sections/{name}");
        let Some(bytes) = unknown_is_none(self.get_bytes(&path, MAX_SECTION, BUNDLE_TIME))? else {
            return Ok(None);
        };
        let document = codec::from_slice::<T>(&bytes, MAX_SECTION);
        document.map(Some).map_err(|error| self.strange(&path, error))
    }

    /// A sealed block, its seal not checked; `None` past the tip.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn block(&self, height: Height) -> Result<Option<(Block, Seal)>, TransportError> {
        let Some(bytes) = self.raw_block(height)? else {
            return Ok(None);
        };
        let sealed = codec::from_slice(&bytes, MAX_SEALED_BLOCK);
        let SealedBlock(block, seal) = sealed.map_err(|error| self.strange(&raw_block(height), error))?;
        Ok(Some((block, seal)))
    }

    /// What a node hands over as a sealed block, not even decoded; `None` past the tip.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn raw_block(&self, height: Height) -> Result<Option<Vec<u8>>, TransportError> {
        unknown_is_none(self.get_bytes(&raw_block(height), MAX_SEALED_BLOCK, REQUEST_TIME))
    }

    /// Every change of regions since the charter, not checked.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn region_history(&self) -> Result<RegionHistory, TransportError> {
        let path = "/v1/region-history";
        let bytes = self.get_bytes(path, MAX_HISTORY, REQUEST_TIME)?;
        codec::from_slice(&bytes, MAX_HISTORY).map_err(|error| self.strange(path, error))
    }

    /// Follows the node's blocks: first the height it is at, then every block as it is committed, until `each` says no.
    ///
    /// # Errors
    /// The stream ends, the node says nothing for too long, or it is of another chain.
    pub fn events(&self, chain_id: &Digest, each: impl FnMut(Height) -> bool) -> Result<(), TransportError> {
        let path = "/v1/events";
        let request = self.agent.get(self.url(path));
        let request = request
            .config()
            .timeout_recv_response(Some(REQUEST_TIME))
            .timeout_per_read(Some(SILENCE))
            .build();
        let response = self.accepted(path, request.call())?;
        let now = self.expect_chain(chain_id)?.height;
        let lines = BufReader::new(response.into_body().into_reader());
        events::read(now, lines, each).map_err(|error| match error {
            EventsError::Ended(reason) => TransportError::NoAnswer {
                url: self.url(path),
                reason,
            },
            EventsError::Strange(reason) => self.strange(path, reason),
        })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn strange(&self, path: &str, reason: impl std::fmt::Display) -> TransportError {
        TransportError::Strange {
            url: self.url(path),
            reason: reason.to_string(),
        }
    }

    fn get_json<T: DeserializeOwned>(&self, path: &str, wait: Duration) -> Result<T, TransportError> {
        let time = REQUEST_TIME.saturating_add(wait);
        let request = self
            .agent
            .get(self.url(path))
            .config()
            .timeout_global(Some(time))
            .build();
        self.json(path, self.accepted(path, request.call())?)
    }

    fn get_bytes(&self, path: &str, max: usize, time: Duration) -> Result<Vec<u8>, TransportError> {
        let request = self
            .agent
            .get(self.url(path))
            .config()
            .timeout_global(Some(time))
            .build();
        let response = self.accepted(path, request.call())?;
        self.body(path, response, max)
    }

    /// The answer, or the problem it describes.
    fn accepted(
        &self,
        path: &str,
        sent: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, TransportError> {
        let response = sent.map_err(|error| TransportError::NoAnswer {
            url: self.url(path),
            reason: error.to_string(),
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let bytes = self.body(path, response, MAX_JSON)?;
        let problem: Problem = serde_json::from_slice(&bytes)
            .map_err(|_| self.strange(path, format!("status {status} without problem details")))?;
        Err(problem.refusal(status, retry_after))
    }

    fn body(&self, path: &str, mut response: Response<Body>, max: usize) -> Result<Vec<u8>, TransportError> {
        let limit = u64::try_from(max).unwrap_or(u64::MAX);
        // The reader refuses what exceeds the limit; one byte more tells a full answer from a cut one.
        let read = response
            .body_mut()
            .with_config()
            .limit(limit.saturating_add(1))
            .read_to_vec();
        let bytes = read.map_err(|error| self.strange(path, error))?;
        if bytes.len() > max {
            return Err(self.strange(path, format!("more than {max} bytes")));
        }
        Ok(bytes)
    }

    fn json<T: DeserializeOwned>(&self, path: &str, response: Response<Body>) -> Result<T, TransportError> {
        let bytes = self.body(path, response, MAX_JSON)?;
        serde_json::from_slice(&bytes).map_err(|error| self.strange(path, error))
    }
}

impl Node {
    /// Whether the node is of this chain.
    ///
    /// # Errors
    /// See [`TransportError`]; [`TransportError::Strange`] for a node of another chain.
    pub fn expect_chain(&self, chain_id: &Digest) -> Result<NodeStatus, TransportError> {
        let status = self.status()?;
        if status.chain_id == *chain_id {
            return Ok(status);
        }
        Err(self.strange(
            "/v1/status",
            format!("it is of chain {}, expected {chain_id}", status.chain_id),
        ))
    }
}

/// Most bytes of a seal with its frame.
const MAX_SEAL: usize = 1_024;
const MAX_SEALED_BLOCK: usize = MAX_BLOCK + MAX_SEAL;

fn raw_block(height: Height) -> String {
    format!("/v1/blocks/{height}/raw")
}

/// What `GET /v1/blocks/{height}/raw` answers: CBOR `[block, seal]`, both byte strings.
struct SealedBlock(Block, Seal);

impl Wire for SealedBlock {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.bytes(&codec::to_vec(&self.0));
        w.bytes(&codec::to_vec(&self.1));
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        let block = Block::from_bytes(r.bytes(MAX_BLOCK)?)?;
        Ok(Self(block, codec::from_slice(r.bytes(MAX_SEAL)?, MAX_SEAL)?))
    }
}

fn unknown_is_none<T>(answer: Result<T, TransportError>) -> Result<Option<T>, TransportError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(TransportError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
