//! What the page asks, and what it is answered.

use concord_spec::bundle::Held;
use concord_spec::catalogue::Label;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, RegionId, UnixMillis};
use concord_spec::ledger::standing::Offices;
use concord_spec::verify::{AskedOfHolder, Bilingual, DataUsed, Language, Policy, Report, Words};
use serde::{Deserialize, Serialize};

/// A question; what it is about comes beside it as bytes.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Question {
    /// Checks a bundle against the charter that it holds itself, and tells of which federation it says it is. Nothing is held.
    Look {
        /// The device's clock, Unix milliseconds.
        now_ms: u64,
    },
    /// Opens the bundle that the page put away itself, of the chain that a person trusts, and holds it.
    Open {
        /// The chain id.
        chain_id: String,
        /// The device's clock, Unix milliseconds.
        now_ms: u64,
    },
    /// Checks the first bundle of a chain that a person has just come to trust, and holds it.
    Start {
        /// The chain id.
        chain_id: String,
        /// A block from a source that the person trusts, `HEIGHT:HASH`, where the charter is too old to begin with.
        checkpoint: Option<String>,
        /// The device's clock, Unix milliseconds.
        now_ms: u64,
    },
    /// Takes a newer bundle, or a delta to one, in the place of the one held, if it shows that it continues it.
    Update {
        /// A block from a source that the person trusts, `HEIGHT:HASH`, where what is held is too old to go on from.
        checkpoint: Option<String>,
        /// The device's clock, Unix milliseconds.
        now_ms: u64,
    },
    /// The bytes to put away of what is held: the answer is these bytes and no JSON, or empty where nothing is held.
    Kept {},
    /// Lets the bundle go that is held.
    LetGo {},
    /// Tells about the bundle that is held.
    Data {
        /// The device's clock, Unix milliseconds.
        now_ms: u64,
    },
    /// Verifies a file's bytes.
    Verify {
        /// What the verifier asks for.
        policy: AskedPolicy,
        /// The device's clock, Unix milliseconds.
        now_ms: u64,
        /// The bytes are the text of a code, not a file.
        #[serde(default)]
        text: bool,
        /// Reading these bytes made an earlier engine end: no code can be read in them. As `concord` reports such a picture.
        #[serde(default)]
        given_up: bool,
    },
}

/// A policy in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedPolicy {
    own_region: Option<String>,
    max_age_ms: Option<u64>,
    purpose: Option<String>,
    recorded_required: bool,
    asked: Option<AskedOfHolder>,
}

impl TryFrom<AskedPolicy> for Policy {
    type Error = String;

    fn try_from(asked: AskedPolicy) -> Result<Self, String> {
        let region = asked.own_region.map(|region| region.parse::<RegionId>());
        Ok(Self {
            own_region: region.transpose().map_err(|why| why.to_string())?,
            max_age_ms: asked.max_age_ms,
            purpose: asked.purpose,
            recorded_required: asked.recorded_required,
            asked: asked.asked,
        })
    }
}

/// What a bundle is, that holds together.
#[derive(Debug, Serialize)]
pub(crate) struct BundleTold {
    chain: String,
    chain_id: Digest,
    /// The block that it is of: `HEIGHT:HASH`.
    point: String,
    /// The charter's fingerprint.
    fingerprint: Vec<&'static str>,
    height: Height,
    time_ms: UnixMillis,
    age_ms: u64,
    /// Whose data, and how old.
    told: Bilingual,
    /// What is wrong with the device's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<Bilingual>,
    regions: Vec<RegionTold>,
}

#[derive(Debug, Serialize)]
struct RegionTold {
    region: RegionId,
    labels: Vec<Label>,
}

impl BundleTold {
    pub(crate) fn of(held: &Held, now: UnixMillis) -> Self {
        let state = held.state();
        let data = DataUsed::at(state, now);
        let regions = Offices::federation(state).regions.iter();
        let members = regions.filter(|region| region.is_member_at(state.height()));
        Self {
            point: held.point().to_string(),
            fingerprint: state.charter().fingerprint().words().to_vec(),
            told: data.told(),
            clock: data.clock.warning(),
            chain: data.chain,
            chain_id: data.chain_id,
            height: data.height,
            time_ms: data.time_ms,
            age_ms: data.age_ms,
            regions: members
                .map(|region| RegionTold {
                    region: region.region.clone(),
                    labels: region.labels.clone(),
                })
                .collect(),
        }
    }
}

/// A report for programs and, in both languages, for people.
#[derive(Debug, Serialize)]
pub(crate) struct Verified {
    /// The same bytes as [`Report::to_json`].
    report: Report,
    words: BothLanguages,
}

#[derive(Debug, Serialize)]
struct BothLanguages {
    zh: Words,
    en: Words,
}

impl From<Report> for Verified {
    fn from(report: Report) -> Self {
        let words = BothLanguages {
            zh: report.words(Language::Zh),
            en: report.words(Language::En),
        };
        Self { report, words }
    }
}
