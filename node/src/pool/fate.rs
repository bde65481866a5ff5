//! What becomes of a record, and how long that is remembered in memory.
//! Not here: what is on disk (`journal` for what ended here, the chain's positions for what is in a block).

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use concord_spec::id::{SeriesId, UnixMillis};
use concord_spec::ledger::Rejection;
use concord_spec::record::RecordId;

use super::view::Position;

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It waits for a block.
    Pending,
    /// It is in a block.
    Recorded(Recorded),
    /// It will be in no block: a rule that changed meanwhile forbids it.
    Rejected(Verdict),
    /// It will be in no block: its not-after has passed on the ledger.
    Expired(Verdict),
}

/// Where and when a record was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Its block and its place there.
    pub position: Position,
    /// Time of the block.
    pub time: UnixMillis,
    /// The series that it opened.
    pub opened: Option<SeriesId>,
}

/// Why a record will be in no block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The stable code of the `Rejection`.
    pub code: Cow<'static, str>,
    /// The rejection in words.
    pub detail: String,
}

impl Verdict {
    /// That of a record that fell.
    #[must_use]
    pub fn of_rejection(why: &Rejection) -> Self {
        Self {
            code: Cow::Borrowed(why.code()),
            detail: why.to_string(),
        }
    }

    /// For the journal: code, a line feed, and as much of the words as fits.
    pub(super) fn to_bytes(&self, max: usize) -> Vec<u8> {
        let mut text = format!("{}\n{}", self.code, self.detail);
        text.truncate(
            (0..=max.min(text.len()))
                .rev()
                .find(|end| text.is_char_boundary(*end))
                .unwrap_or(0),
        );
        text.into_bytes()
    }

    /// From the journal.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (code, detail) = text.split_once('\n').unwrap_or((&text, ""));
        Self {
            code: Cow::Owned(code.to_owned()),
            detail: detail.to_owned(),
        }
    }
}

impl Fate {
    /// The end that a verdict is.
    #[must_use]
    pub fn of_verdict(verdict: Verdict) -> Self {
        if verdict.code == EXPIRED {
            Self::Expired(verdict)
        } else {
            Self::Rejected(verdict)
        }
    }

    /// As the API says it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Recorded(_) => "recorded",
            Self::Rejected(_) => "rejected",
            Self::Expired(_) => "expired",
        }
    }
}

/// Code of `Rejection::Expired`.
const EXPIRED: &str = "EXPIRED";

/// The latest fates, so that what has just been decided is answered without the disk.
#[derive(Debug, Default)]
pub(super) struct RecentFates {
    fates: HashMap<RecordId, Fate>,
    order: VecDeque<RecordId>,
}

impl RecentFates {
    const KEPT: usize = 32_768;

    pub(super) fn get(&self, id: &RecordId) -> Option<&Fate> {
        self.fates.get(id)
    }

    /// Remembers a fate; a later one, such as a block that holds what was rejected here, replaces it.
    pub(super) fn insert(&mut self, id: RecordId, fate: Fate) {
        if self.fates.insert(id, fate).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > Self::KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.fates.remove(&oldest);
        }
    }
}
