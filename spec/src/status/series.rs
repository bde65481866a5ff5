//! The status of a series: how far it has issued, and its sets.

use super::{StatusKind, StatusSet};
use crate::codec::{CodecError, Reader, Wire, Writer, to_vec};
use crate::digest::{Digest, leaf_hash};
use crate::id::SeriesId;

/// How a number stands. Annotations are apart ([`SeriesStatus::is_annotated`]): they are no reason against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Issued, and nothing against it.
    InForce,
    /// Suspended.
    Suspended,
    /// Superseded.
    Superseded,
    /// Annulled.
    Annulled,
    /// Revoked.
    Revoked,
    /// At or past the next number: no status yet.
    NotIssued,
}

impl Standing {
    /// How a number stands in a series that has issued those below `next`, by precedence: annulled, revoked, superseded, suspended
    /// (DESIGN 4.6).
    pub(crate) fn of(number: u64, next: u64, is_in: impl Fn(StatusKind) -> bool) -> Self {
        if number >= next {
            return Self::NotIssued;
        }
        let by_precedence = [
            (StatusKind::Annulled, Self::Annulled),
            (StatusKind::Revoked, Self::Revoked),
            (StatusKind::Superseded, Self::Superseded),
            (StatusKind::Suspended, Self::Suspended),
        ];
        let against = by_precedence.into_iter().find(|(kind, _)| is_in(*kind));
        against.map_or(Self::InForce, |(_, standing)| standing)
    }
}

/// What a series' leaf says of one of its sets: its chunks and its root; nothing of an empty set.
pub(crate) type SetRoot = Option<(u64, Digest)>;

/// The leaf of a series in its section: CBOR `[series, next, revoked, annulled, suspended, superseded, annotated]`, where an empty
/// set is null and any other `[chunks, root]`.
///
/// The number of chunks is there because a path proves a place in a tree only for a size that is known.
pub(crate) fn leaf_bytes(series: SeriesId, next: u64, sets: &[SetRoot; 5]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(7);
    w.wire(&series);
    w.uint(next);
    for set in sets {
        match set {
            None => w.null(),
            Some((chunks, root)) => {
                w.array(2);
                w.uint(*chunks);
                w.wire(root);
            }
        }
    }
    w.into_vec()
}

/// Numbers 0 to `next` - 1 are issued; sets say what happened to them since. A clone is cheap.
/// In CBOR `[next, revoked, annulled, suspended, superseded, annotated]`, each set an array of chunks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesStatus {
    /// The next number to be issued.
    pub next: u64,
    revoked: StatusSet,
    annulled: StatusSet,
    suspended: StatusSet,
    superseded: StatusSet,
    annotated: StatusSet,
}

impl SeriesStatus {
    /// A series that has issued numbers 0 to `next` - 1, with nothing against them.
    #[must_use]
    pub fn issued_up_to(next: u64) -> Self {
        Self {
            next,
            ..Self::default()
        }
    }

    /// One of its sets.
    #[must_use]
    pub fn set(&self, kind: StatusKind) -> &StatusSet {
        match kind {
            StatusKind::Revoked => &self.revoked,
            StatusKind::Annulled => &self.annulled,
            StatusKind::Suspended => &self.suspended,
            StatusKind::Superseded => &self.superseded,
            StatusKind::Annotated => &self.annotated,
        }
    }

    pub(super) fn set_mut(&mut self, kind: StatusKind) -> &mut StatusSet {
        match kind {
            StatusKind::Revoked => &mut self.revoked,
            StatusKind::Annulled => &mut self.annulled,
            StatusKind::Suspended => &mut self.suspended,
            StatusKind::Superseded => &mut self.superseded,
            StatusKind::Annotated => &mut self.annotated,
        }
    }

    /// Puts `count` numbers from `first` on into a set, those that are issued; says whether that changed it.
    pub fn insert(&mut self, kind: StatusKind, first: u64, count: u64) -> bool {
        let issued = count.min(self.next.saturating_sub(first));
        self.set_mut(kind).insert_range(first, issued)
    }

    /// Takes `count` numbers from `first` on out of a set; says whether that changed it.
    pub fn remove(&mut self, kind: StatusKind, first: u64, count: u64) -> bool {
        self.set_mut(kind).remove_range(first, count)
    }

    /// The lowest number of a set among `count` numbers from `first` on.
    #[must_use]
    pub fn first_in(&self, kind: StatusKind, first: u64, count: u64) -> Option<u64> {
        self.set(kind).first_in(first, count)
    }

    /// How a number stands, by precedence: annulled, revoked, superseded, suspended (DESIGN 4.6).
    #[must_use]
    pub fn standing(&self, number: u64) -> Standing {
        Standing::of(number, self.next, |kind| self.set(kind).contains(number))
    }

    /// Whether something was noted on a number.
    #[must_use]
    pub fn is_annotated(&self, number: u64) -> bool {
        self.annotated.contains(number)
    }

    /// The leaf of the series in its section (`spec/text/status.md`).
    #[must_use]
    pub fn leaf_bytes(&self, series: SeriesId) -> Vec<u8> {
        let root = |kind| {
            let set = self.set(kind);
            (!set.is_empty()).then(|| (set.chunk_count(), set.root()))
        };
        leaf_bytes(series, self.next, &StatusKind::ALL.map(root))
    }

    /// The hash of that leaf.
    #[must_use]
    pub fn leaf(&self, series: SeriesId) -> Digest {
        leaf_hash(&self.leaf_bytes(series))
    }

    /// The one encoding, whole.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        to_vec(self)
    }
}

impl Wire for SeriesStatus {
    fn encode(&self, w: &mut Writer) {
        w.array(6);
        w.uint(self.next);
        for kind in StatusKind::ALL {
            w.wire(self.set(kind));
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(6)?;
        let mut status = Self {
            next: r.uint()?,
            ..Self::default()
        };
        for kind in StatusKind::ALL {
            let set: StatusSet = r.wire()?;
            // Numbers at or past `next` have no status yet.
            let past = u64::MAX.saturating_sub(status.next);
            if set.first_in(status.next, past).is_some() {
                return Err(CodecError::Invalid {
                    what: "status of a number not issued",
                });
            }
            *status.set_mut(kind) = set;
        }
        Ok(status)
    }
}
