//! What nodes answer, as JSON; unknown fields are left alone, so that newer nodes can say more.

use super::TransportError;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, OfficeCode, RegionId, SeriesId, TypeId, TypeVersion, UnixMillis};
use concord_spec::key::{Keyring, PublicKey};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a node stands: `GET /v1/status`.
#[derive(Debug, Clone, Deserialize)]
pub struct NodeStatus {
    /// The chain's name.
    pub chain: String,
    /// Digest of the charter.
    pub chain_id: Digest,
    /// Whose node it is.
    pub region: RegionId,
    /// Height of its last block.
    pub height: Height,
    /// Time of its last block.
    pub time_ms: UnixMillis,
}

/// How far a record has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordState {
    /// Accepted, not yet in a block.
    Pending,
    /// In a sealed block.
    Recorded,
    /// Refused for good.
    Rejected,
    /// Its not-after passed before a block took it.
    Expired,
}

/// State of a record: `GET /v1/records/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct RecordAnswer {
    /// Its id.
    pub id: Digest,
    /// How far it has come.
    pub state: RecordState,
    /// Height of its block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<Height>,
    /// Its place in the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Time of its block, or of its rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<UnixMillis>,
    /// The series that it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesId>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// One answer of `POST /v1/records/batch`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Submitted {
    /// Accepted, or known already.
    Known(RecordAnswer),
    /// Refused.
    Refused {
        /// The code of the rejection.
        code: String,
        /// What is wrong, in words.
        #[serde(default)]
        detail: String,
    },
}

/// An office: `GET /v1/offices/{region}/{code}`.
#[derive(Debug, Clone, Deserialize)]
pub struct OfficeAnswer {
    /// Its keys and threshold.
    pub keyring: Keyring,
    /// Its name by language.
    pub labels: Vec<concord_spec::catalogue::Label>,
    /// Minutes its clocks are ahead of UTC.
    pub utc_offset_minutes: i64,
}

/// A series: `GET /v1/series/{id}`.
#[derive(Debug, Clone, Deserialize)]
pub struct SeriesAnswer {
    /// The series.
    pub series: SeriesId,
    /// Region of its office.
    pub region: RegionId,
    /// Code of its office.
    pub office: OfficeCode,
    /// The type of its credentials.
    #[serde(rename = "type")]
    pub kind: TypeId,
    /// The type's version.
    pub version: TypeVersion,
    /// The desk.
    pub desk: String,
    /// The key that signs its credentials.
    pub key: PublicKey,
    /// The next number.
    pub next: u64,
    /// Height at which it was frozen.
    #[serde(default)]
    pub frozen: Option<Height>,
}

/// Problem details (RFC 9457) with our code.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    code: String,
}

impl Problem {
    pub(super) fn refusal(self, status: u16, retry_after: Option<Duration>) -> TransportError {
        TransportError::Refused {
            status,
            code: if self.code.is_empty() {
                "-".to_owned()
            } else {
                self.code
            },
            detail: if self.detail.is_empty() {
                self.title
            } else {
                self.detail
            },
            retry_after,
        }
    }
}
