//! What an audit found: the file to take away (spec/text/audit.md).

use super::Difference;
use super::judge::{Judge, Judged, Stop};
use concord_spec::block::Block;
use concord_spec::charter::Charter;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, RegionId, UnixMillis};
use concord_spec::record::Action;
use serde::Serialize;
use std::collections::BTreeMap;

/// Version of the report's form.
const VERSION: u64 = 1;

/// Why an audit ended without a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum End {
    /// The copy of the log ends here.
    LogEnds,
    /// The copy of the log ends in a block that was not written to its end: a copy of a running node, or a loss of power.
    TornTail {
        /// Bytes of it.
        bytes: u64,
    },
    /// The node has no further block.
    NodeTip,
    /// It was not to go further.
    Asked,
}

impl End {
    /// In a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::LogEnds => "the log ends here".to_owned(),
            Self::TornTail { bytes } => {
                format!("the log ends here, with {bytes} bytes of a block that was not written to its end")
            }
            Self::NodeTip => "the node has no further block".to_owned(),
            Self::Asked => "as far as was asked for".to_owned(),
        }
    }
}

/// How much was replayed, from block 1 on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Blocks, and so seals.
    pub blocks: u64,
    /// Records.
    pub records: u64,
    /// Signatures of records.
    pub signatures: u64,
    /// Credentials issued.
    pub credentials: u64,
    /// Records by their action.
    pub by_action: BTreeMap<&'static str, u64>,
}

impl Counts {
    pub(super) fn add(&mut self, block: &Block) {
        let grow = |count: &mut u64, by: u64| *count = count.saturating_add(by);
        grow(&mut self.blocks, 1);
        for record in &block.records {
            let action = &record.payload().action;
            let signatures = record.envelope().signatures().len();
            grow(&mut self.records, 1);
            grow(&mut self.signatures, u64::try_from(signatures).unwrap_or(u64::MAX));
            grow(&mut self.credentials, action.as_issue().map_or(0, |issue| issue.count));
            grow(self.by_action.entry(action.name()).or_default(), 1);
        }
    }

    /// The name of an action as this software knows it.
    pub(super) fn action(name: &str) -> Option<&'static str> {
        Action::KINDS
            .iter()
            .map(|(_, known)| *known)
            .find(|known| *known == name)
    }
}

/// A seal: seals of one block differ between nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealOf {
    /// The consensus round.
    pub round: u32,
    /// The regions that signed.
    pub signers: Vec<RegionId>,
    /// Regions in force.
    pub regions: usize,
    /// The seal as it is (spec/text/blocks.md, 2), hexadecimal.
    pub bytes: String,
}

/// The last block found good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Its height.
    pub height: Height,
    /// Its time.
    pub time_ms: UnixMillis,
    /// Its hash.
    pub hash: Digest,
    /// Root of the state after it, computed.
    pub state_root: Digest,
    /// Its seal.
    pub seal: SealOf,
}

impl Head {
    fn new(judged: &Judged) -> Self {
        let signers = judged.seal.signers(&judged.regions).unwrap_or_default();
        Self {
            height: judged.header.height,
            time_ms: judged.header.time,
            hash: judged.header.hash(),
            state_root: judged.rest.state_root,
            seal: SealOf {
                round: judged.seal.round,
                signers: signers.iter().map(|member| member.region.clone()).collect(),
                regions: judged.regions.members().len(),
                bytes: hex::encode(concord_spec::codec::to_vec(&judged.seal)),
            },
        }
    }
}

/// How this run went: all that may differ between two audits of the same ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Node or directory.
    pub source: String,
    /// The height after which it went on.
    pub resumed_after: Option<Height>,
    /// Blocks of this run.
    pub blocks: u64,
    /// Records of this run.
    pub records: u64,
    /// Seconds of this run.
    pub seconds: f64,
}

impl Run {
    /// Records a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate to be read by people")]
    pub fn records_per_second(&self) -> f64 {
        self.records as f64 / self.seconds.max(1e-9)
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of this form.
    pub version: u64,
    /// The software that audited.
    pub software: &'static str,
    /// The chain's name.
    pub chain: String,
    /// Digest of the charter from which everything was computed.
    pub chain_id: Digest,
    /// `CLEAN` or `DIFFERENCE`.
    pub outcome: &'static str,
    /// The first block audited: 1.
    pub from: Height,
    /// The last block found good; 0: none.
    pub to: Height,
    /// The last block found good.
    pub head: Option<Head>,
    /// How much was replayed.
    pub counts: Counts,
    /// Why it ended, where there is no difference.
    pub end: Option<End>,
    /// The first difference.
    pub difference: Option<Difference>,
    /// How this run went.
    pub run: Run,
}

impl Report {
    pub(super) fn new(charter: &Charter, judge: Judge, stop: Stop, run: Run) -> Self {
        let (end, difference) = match stop {
            Stop::End(end) => (Some(end), None),
            Stop::Difference(difference) => (None, Some(*difference)),
        };
        Self {
            version: VERSION,
            software: concat!("concord ", env!("CARGO_PKG_VERSION")),
            chain: charter.chain.to_string(),
            chain_id: charter.chain_id(),
            outcome: if difference.is_none() { "CLEAN" } else { "DIFFERENCE" },
            from: Height(1),
            to: judge.state().tip().height,
            head: judge.last().map(Head::new),
            counts: judge.counts().clone(),
            end,
            difference,
            run,
        }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.difference.is_none()
    }
}
