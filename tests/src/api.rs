//! A raw client of a node's HTTP API: what is sent and answered, without judgement.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use concord_spec::codec::Writer;
use concord_spec::record::RecordId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{HarnessError, Result};

/// Most bytes of an answer that the harness reads.
const MAX_ANSWER: u64 = 64 << 20;
/// A node that does not answer within this is taken for stopped.
const TIMEOUT: Duration = Duration::from_secs(35);

/// One node's API.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    agent: ureq::Agent,
}

/// Status and body of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

/// An RFC 9457 problem.
#[derive(Debug, Clone, Deserialize)]
pub struct Problem {
    /// Stable code.
    pub code: String,
    /// What a person needs to know.
    #[serde(default)]
    pub detail: String,
}

/// What a node says about a record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RecordState {
    /// The record.
    pub id: RecordId,
    /// `pending`, `recorded`, `rejected` or `expired`.
    pub state: String,
    /// Height of its block.
    pub height: Option<u64>,
    /// Position in its block.
    pub index: Option<u64>,
    /// The series it opened.
    pub series: Option<u32>,
    /// Code of its rejection.
    pub code: Option<String>,
}

/// What a node answers to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// 202: it ends in one block or in a durable rejection.
    Accepted(RecordId),
    /// 200: the same record again.
    Known(RecordState),
    /// Anything else, with its code.
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code.
        code: String,
        /// What a person needs to know.
        detail: String,
    },
}

/// One entry of the answer to a batch.
#[derive(Debug, Clone, Deserialize)]
pub struct BatchEntry {
    /// The record, when it could be read.
    pub id: Option<RecordId>,
    /// Its state, when it was taken.
    pub state: Option<String>,
    /// Why it was refused.
    pub code: Option<String>,
    /// What a person needs to know.
    pub detail: Option<String>,
}

/// A node about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// Digest of the charter.
    pub chain_id: String,
    /// Its region.
    pub region: String,
    /// Height of its last block.
    pub height: u64,
    /// Time of its last block.
    pub time_ms: u64,
    /// Hash of its last block.
    pub hash: String,
    /// Root of its state.
    pub state_root: String,
    /// Its peers.
    pub peers: Vec<Peer>,
    /// Its pool.
    pub pool: Pool,
    /// Peers it refused, or was refused by, with the reason.
    pub refusals: Vec<serde_json::Value>,
}

/// A listed peer of a node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Peer {
    /// Its region.
    pub region: String,
    /// Whether it is connected.
    pub connected: bool,
}

/// What waits in a node's pool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pool {
    /// How many records.
    pub records: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// A block as the API tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlockView {
    /// Its height.
    pub height: u64,
    /// Its time.
    pub time_ms: u64,
    /// Its hash.
    pub hash: String,
    /// Root of the state after it.
    pub state_root: String,
    /// Its records in order.
    pub records: Vec<RecordView>,
    /// Its seal.
    pub seal: SealView,
}

/// A record in a block as the API tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RecordView {
    /// Its id.
    pub id: RecordId,
    /// How many credentials, for an issue.
    pub count: Option<u64>,
}

/// A seal as the API tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SealView {
    /// Its round.
    pub round: u32,
    /// The regions whose shares it adds up.
    pub signers: Vec<String>,
}

/// A series as the API tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SeriesView {
    /// The next number.
    pub next: u64,
}

/// A block as the event stream announces it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BlockEvent {
    /// Its height.
    pub height: u64,
    /// Its time.
    pub time_ms: u64,
}

impl Api {
    /// The API at `base`, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT));
        Self {
            base: base.to_owned(),
            agent: config.build().into(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    fn read(url: String, answer: std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer> {
        let unreachable = |source| HarnessError::Http {
            url: url.clone(),
            source: Box::new(source),
        };
        let mut response = answer.map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        Ok(Answer {
            status,
            body: body.map_err(unreachable)?,
        })
    }

    /// Gets `path`, whatever the status.
    ///
    /// # Errors
    /// [`HarnessError::Http`].
    pub fn get(&self, path: &str) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        Self::read(url.clone(), self.agent.get(&url).call())
    }

    fn post(&self, path: &str, body: &[u8]) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        Self::read(
            url.clone(),
            self.agent.post(&url).content_type("application/cbor").send(body),
        )
    }

    fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.get(path)?;
        if answer.status == 200
            && let Ok(value) = serde_json::from_slice(&answer.body)
        {
            return Ok(value);
        }
        Err(self.unexpected(path, &answer))
    }

    fn unexpected(&self, path: &str, answer: &Answer) -> HarnessError {
        let body = String::from_utf8_lossy(&answer.body).chars().take(400).collect();
        HarnessError::Answer {
            url: format!("{}{path}", self.base),
            status: answer.status,
            body,
        }
    }

    /// The node about itself.
    ///
    /// # Errors
    /// No answer, or not the contract's.
    pub fn status(&self) -> Result<Status> {
        self.json("/v1/status")
    }

    /// A block as the API tells it.
    ///
    /// # Errors
    /// No answer, or not the contract's.
    pub fn block(&self, height: u64) -> Result<BlockView> {
        self.json(&format!("/v1/blocks/{height}"))
    }

    /// A block and its seal, encoded.
    ///
    /// # Errors
    /// No answer, or not the contract's.
    pub fn raw_block(&self, height: u64) -> Result<Vec<u8>> {
        let path = format!("/v1/blocks/{height}/raw");
        let answer = self.get(&path)?;
        if answer.status == 200 {
            Ok(answer.body)
        } else {
            Err(self.unexpected(&path, &answer))
        }
    }

    /// A series.
    ///
    /// # Errors
    /// No answer, or not the contract's.
    pub fn series(&self, series: u32) -> Result<SeriesView> {
        self.json(&format!("/v1/series/{series}"))
    }

    /// What became of a record, waiting up to `wait` while it is pending; `None` when the node does not know it.
    ///
    /// # Errors
    /// No answer, or not the contract's.
    pub fn record(&self, id: &RecordId, wait: Duration) -> Result<Option<RecordState>> {
        let path = format!("/v1/records/{id}?wait_ms={}", wait.as_millis());
        let answer = self.get(&path)?;
        match (answer.status, serde_json::from_slice(&answer.body)) {
            (200, Ok(state)) => Ok(Some(state)),
            (404, _) => Ok(None),
            (_, Ok(_) | Err(_)) => Err(self.unexpected(&path, &answer)),
        }
    }

    /// Submits one record.
    ///
    /// # Errors
    /// No answer, or not the contract's. A refusal is no error.
    pub fn submit(&self, record: &[u8]) -> Result<Submitted> {
        #[derive(Deserialize)]
        struct Taken {
            id: RecordId,
        }
        let path = "/v1/records";
        let answer = self.post(path, record)?;
        let body = answer.body.as_slice();
        let read = match answer.status {
            202 => serde_json::from_slice(body).map(|Taken { id }| Submitted::Accepted(id)),
            200 => serde_json::from_slice(body).map(Submitted::Known),
            status => {
                serde_json::from_slice(body).map(|Problem { code, detail }| Submitted::Refused { status, code, detail })
            }
        };
        read.map_err(|_| self.unexpected(path, &answer))
    }

    /// Submits up to 1,000 records in order.
    ///
    /// # Errors
    /// No answer, or not the contract's. Refusals are no error.
    pub fn submit_batch(&self, records: &[&[u8]]) -> Result<Vec<BatchEntry>> {
        let mut w = Writer::new();
        w.array(records.len());
        records.iter().for_each(|record| w.bytes(record));
        let path = "/v1/records/batch";
        let answer = self.post(path, &w.into_vec())?;
        let entries: Option<Vec<BatchEntry>> = serde_json::from_slice(&answer.body).ok();
        match entries {
            Some(entries) if answer.status == 200 && entries.len() == records.len() => Ok(entries),
            Some(_) | None => Err(self.unexpected(path, &answer)),
        }
    }

    /// Calls `on_block` for each block that the event stream announces, until it answers false or the stream ends.
    ///
    /// # Errors
    /// The stream cannot be opened.
    pub fn events(&self, mut on_block: impl FnMut(BlockEvent) -> bool) -> Result {
        let url = format!("{}/v1/events", self.base);
        let request = self.agent.get(&url).config().timeout_global(None).build();
        let response = request.call().map_err(|source| HarnessError::Http {
            url,
            source: Box::new(source),
        })?;
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let Ok(line) = line else { break };
            let event = line
                .strip_prefix("data:")
                .and_then(|data| serde_json::from_str(data.trim()).ok());
            if let Some(event) = event
                && !on_block(event)
            {
                break;
            }
        }
        Ok(())
    }
}
