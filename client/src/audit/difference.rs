//! The first difference between what a ledger says and what its rules say.

use super::log::Damage;
use concord_spec::block::{Block, MAX_BLOCK, record_roots};
use concord_spec::codec::{self, CodecError};
use concord_spec::id::Height;
use concord_spec::ledger::{BlockError, CheckSignatures, LedgerState, Limits};
use concord_spec::record::RecordId;
use concord_spec::seal::{RegionSet, Seal, SealError};
use serde::Serialize;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Bytes of the log's copy are not as they were written.
    LogDamaged,
    /// Blocks are missing, and later ones are there.
    MissingBlock,
    /// Bytes that are no block, or no seal.
    Unreadable,
    /// The header does not name its own rest.
    RestDigest,
    /// The header does not name its own records.
    RecordsRoot,
    /// The rest does not name its own records.
    BodiesRoot,
    /// Another height than the next.
    Height,
    /// It does not follow the block before.
    Parent,
    /// Its time is not later than its parent's, or too soon without records.
    Time,
    /// Its proposer is no region in force.
    Proposer,
    /// A record breaks a rule.
    Record,
    /// The state after it is another.
    StateRoot,
    /// The history before it is another.
    HistoryRoot,
    /// Other regions are in force at it.
    RegionsNow,
    /// Other regions are in force after it.
    RegionsNext,
    /// Its seal does not hold.
    Seal,
}

/// A record in its block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordAt {
    /// Position in the block, from 0.
    pub index: usize,
    /// Its id.
    pub id: RecordId,
}

/// The first difference of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The block.
    pub height: Height,
    /// The record, where it is one record's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordAt>,
    /// What differs.
    pub kind: Kind,
    /// What was expected by what went before.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// The same in a sentence.
    pub words: String,
}

impl Difference {
    fn new(height: Height, kind: Kind, expected: String, found: String, words: String) -> Self {
        Self {
            height,
            record: None,
            kind,
            expected,
            found,
            words,
        }
    }

    pub(super) fn of_log(damage: Damage) -> Self {
        let (kind, what) = if damage.missing {
            (Kind::MissingBlock, "a segment is missing or was renamed before")
        } else {
            (Kind::LogDamaged, "the copy of the log is damaged in")
        };
        let words = format!(
            "block {} cannot be read: {what} {}: expected {}, found {}",
            damage.height, damage.place, damage.expected, damage.found
        );
        Self::new(Height(damage.height), kind, damage.expected, damage.found, words)
    }

    pub(super) fn missing(height: Height, told: Height) -> Self {
        Self::new(
            height,
            Kind::MissingBlock,
            format!("block {height}, as the node says that its last is {told}"),
            "no such block".to_owned(),
            format!("the node does not hand over block {height}, though it says that its last is {told}"),
        )
    }

    pub(super) fn unreadable(height: Height, what: &str, why: &CodecError) -> Self {
        let words = format!("the {what} at height {height} cannot be read: {why}");
        Self::new(height, Kind::Unreadable, format!("a {what}"), why.to_string(), words)
    }

    /// Bytes that are not a block that holds together.
    pub(super) fn of_bytes(height: Height, bytes: &[u8], why: &CodecError) -> Self {
        let Ok(block) = codec::from_slice::<Block>(bytes, MAX_BLOCK) else {
            return Self::unreadable(height, "block", why);
        };
        let (records_root, bodies_root) = record_roots(&block.records);
        let named = [
            (Kind::RestDigest, "rest", block.rest.digest(), block.header.rest),
            (
                Kind::RecordsRoot,
                "records root",
                records_root,
                block.header.records_root,
            ),
            (Kind::BodiesRoot, "bodies root", bodies_root, block.rest.bodies_root),
        ];
        let differing = named.into_iter().find(|(_, _, computed, says)| computed != says);
        let Some((kind, what, computed, says)) = differing else {
            return Self::unreadable(height, "block", why);
        };
        let words = format!("block {height} does not hold together: its {what} is {computed}, it says {says}");
        Self::new(height, kind, computed.to_string(), says.to_string(), words)
    }

    pub(super) fn of_seal(height: Height, seal: &Seal, regions: &RegionSet, why: &SealError) -> Self {
        let signed = seal.signers(regions).map_or_else(
            |_| "a bitmap of other regions".to_owned(),
            |signers| {
                let names: Vec<&str> = signers.iter().map(|member| member.region.as_str()).collect();
                format!("a seal that names {} in round {}", names.join(", "), seal.round)
            },
        );
        let words = format!("the seal of block {height} does not hold: {why}");
        let expected = format!(
            "a seal by at least {} of the {} regions in force",
            regions.quorum(),
            regions.members().len()
        );
        Self::new(height, Kind::Seal, expected, format!("{signed}: {why}"), words)
    }

    /// Why `block` does not follow from `state`.
    pub(super) fn of_block(
        state: &LedgerState,
        block: &Block,
        checked: &dyn CheckSignatures,
        why: &BlockError,
    ) -> Self {
        let height = block.header.height;
        let words = format!("block {height} does not follow: {why}");
        let of = |kind, expected: String, found: String| Self::new(height, kind, expected, found, words.clone());
        match why {
            BlockError::Height { expected, got } => {
                // The place is that of the block that should be here.
                Self::new(*expected, Kind::Height, expected.to_string(), got.to_string(), words)
            }
            BlockError::Parent => of(
                Kind::Parent,
                state.tip().hash.to_string(),
                block.rest.parent.to_string(),
            ),
            BlockError::Time { parent, got } => of(Kind::Time, format!("later than {parent} ms"), format!("{got} ms")),
            BlockError::TooEarly => of(
                Kind::Time,
                "a second after its parent or later, as it has no records".to_owned(),
                format!("{} ms", block.header.time),
            ),
            BlockError::Proposer(region) => {
                let regions = state.region_set().members().iter();
                let names: Vec<&str> = regions.map(|member| member.region.as_str()).collect();
                of(
                    Kind::Proposer,
                    format!("one of {}", names.join(", ")),
                    region.to_string(),
                )
            }
            BlockError::Record { index, id, rejection } => {
                let mut of_record = of(
                    Kind::Record,
                    "a record that the rules take at this place".to_owned(),
                    rejection.code().to_owned(),
                );
                of_record.record = Some(RecordAt { index: *index, id: *id });
                of_record
            }
            BlockError::Records | BlockError::State | BlockError::History | BlockError::Regions => {
                Self::of_roots(state, block, checked, why)
            }
            BlockError::NewerSoftware { .. } => of(Kind::Unreadable, "a known version".to_owned(), why.to_string()),
        }
    }

    /// Drafts the block that should be here, and tells where the two part.
    fn of_roots(state: &LedgerState, block: &Block, checked: &dyn CheckSignatures, why: &BlockError) -> Self {
        let height = block.header.height;
        let records = block.records.iter().cloned();
        let draft = state.draft(
            block.header.time,
            &block.rest.proposer,
            records,
            Limits::default(),
            checked,
        );
        let (right, rest) = (&draft.block, &block.rest);
        let named = [
            (
                Kind::RecordsRoot,
                "records root",
                right.header.records_root,
                block.header.records_root,
            ),
            (
                Kind::BodiesRoot,
                "bodies root",
                right.rest.bodies_root,
                rest.bodies_root,
            ),
            (Kind::StateRoot, "state root", right.rest.state_root, rest.state_root),
            (
                Kind::HistoryRoot,
                "history root",
                right.rest.history_root,
                rest.history_root,
            ),
            (
                Kind::RegionsNow,
                "digest of the regions in force",
                right.rest.regions_now,
                rest.regions_now,
            ),
            (
                Kind::RegionsNext,
                "digest of the regions in force next",
                right.rest.regions_next,
                rest.regions_next,
            ),
        ];
        let differing = named.into_iter().find(|(_, _, computed, says)| computed != says);
        let Some((kind, what, computed, says)) = differing else {
            let (expected, found) = (right.hash().to_string(), block.hash().to_string());
            return Self::new(
                height,
                Kind::RestDigest,
                expected,
                found,
                format!("block {height} does not follow: {why}"),
            );
        };
        let words = format!("block {height} does not follow: {why}; its {what} is {computed}, it says {says}");
        Self::new(height, kind, computed.to_string(), says.to_string(), words)
    }
}
