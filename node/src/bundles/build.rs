//! Building: from the state, the log and what each block touched.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concord_spec::bundle::{Anchor, Checkpoint, Course, Delta, MAX_UNATTENDED_MS, TrustBundle};
use concord_spec::epochs::Handover;
use concord_spec::id::Height;
use concord_spec::ledger::{Changes, LedgerState};
use concord_spec::receipt::HashPath;

use super::{Extent, Handovers, Served, Unserved, Want};
use crate::history::History;
use crate::pool::{ChainError, ChainView, SealedBlock};

/// Blocks that are read at a time.
const READ: usize = 4_096;
/// Most numbers' ranges that a delta is made of.
const MAX_RANGES: usize = 4 << 20;

/// The newest bundle, and what it was built from.
#[derive(Debug)]
pub struct Newest {
    state: Arc<LedgerState>,
    sealed: SealedBlock,
    handovers: Vec<Handover>,
    served: Served,
}

impl Newest {
    /// The height it is of.
    #[must_use]
    pub fn height(&self) -> Height {
        self.served.block.height
    }

    /// The file.
    #[must_use]
    pub fn served(&self) -> Served {
        self.served.clone()
    }

    pub(super) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.state.federation().parameters.heartbeat_ms)
    }

    fn bundle(&self, want: &Want) -> TrustBundle {
        let (block, seal) = (&self.sealed.block, self.sealed.seal.clone());
        let (handovers, rest) = (self.handovers.clone(), block.rest.clone());
        TrustBundle::of(&self.state, &want.selection, handovers, block.header, rest, seal)
    }
}

/// Builds bundles of a chain.
#[derive(Debug)]
pub(super) struct Builder {
    chain: Arc<dyn ChainView>,
    handovers: Arc<Handovers>,
    history: History,
}

impl Builder {
    pub(super) fn new(chain: Arc<dyn ChainView>, handovers: Arc<Handovers>) -> Self {
        Self {
            chain,
            handovers,
            history: History::default(),
        }
    }

    /// The full bundle of the last block; `None` before the first.
    pub(super) fn newest(&mut self) -> Result<Option<Newest>, ChainError> {
        let state = self.chain.state();
        let height = state.tip().height;
        let Some(sealed) = self.chain.sealed_block(height)? else {
            return Ok(None);
        };
        self.history.extend(self.chain.as_ref(), height.0)?;
        let block = Checkpoint {
            height,
            hash: sealed.block.hash(),
        };
        let mut newest = Newest {
            handovers: self.handovers.up_to_tip(self.chain.as_ref(), &state)?,
            state,
            sealed,
            served: Served {
                block,
                bytes: Bytes::new(),
            },
        };
        newest.served.bytes = newest.bundle(&Want::everything()).to_bytes().into();
        Ok(Some(newest))
    }

    /// What is asked for, of the newest bundle.
    pub(super) fn make(&self, newest: &Newest, want: &Want) -> Result<Served, Unserved> {
        let bytes = match &want.extent {
            Extent::Whole(anchors) => {
                let mut bundle = newest.bundle(want);
                for anchor in anchors {
                    // The device is there already: nothing is to be shown.
                    if *anchor != newest.served.block {
                        bundle.anchors.push(self.anchor(newest, *anchor)?.1);
                    }
                }
                bundle.to_bytes()
            }
            Extent::Since(base) => self.delta(newest, *base, want)?.to_bytes(),
        };
        Ok(Served {
            block: newest.served.block,
            bytes: bytes.into(),
        })
    }

    /// An older block of this chain, shown to be one.
    fn anchor(&self, newest: &Newest, of: Checkpoint) -> Result<(SealedBlock, Anchor), Unserved> {
        let until = newest.height();
        if of.height >= until {
            return Err(Unserved::Ahead(until));
        }
        let found = self.chain.sealed_block(of.height)?;
        let other = Unserved::OtherHistory(of.height);
        let Some(sealed) = found.filter(|sealed| sealed.block.hash() == of.hash) else {
            return Err(other);
        };
        let Some(path) = self.history.path(self.chain.as_ref(), of.height, until)? else {
            return Err(other);
        };
        let anchor = Anchor {
            header: sealed.block.header,
            rest: sealed.block.rest.clone(),
            path: HashPath(path),
        };
        Ok((sealed, anchor))
    }

    fn delta(&self, newest: &Newest, base: Checkpoint, want: &Want) -> Result<Delta, Unserved> {
        let (sealed, anchor) = self.anchor(newest, base)?;
        let none = |why| Unserved::NoDelta { from: base.height, why };
        let block = &newest.sealed.block;
        let age = block.header.time.0.saturating_sub(sealed.block.header.time.0);
        if age > MAX_UNATTENDED_MS {
            return Err(none("it is more than 12 months old"));
        }
        let handovers = newest.handovers.iter();
        let course = Course {
            base,
            path: anchor.path,
            handovers: handovers
                .filter(|one| one.header.height >= base.height)
                .cloned()
                .collect(),
            header: block.header,
            rest: block.rest.clone(),
            seal: newest.sealed.seal.clone(),
        };
        let changes = self.changes(base.height, newest.height())?;
        let changes = changes.ok_or_else(|| none("too much changed since"))?;
        Ok(Delta::of(course, &want.selection, &changes, &newest.state))
    }

    /// What the blocks after one height, up to another, touched; `None` when it is too much to be carried as changes.
    fn changes(&self, after: Height, until: Height) -> Result<Option<Changes>, Unserved> {
        let (mut changes, mut at, mut ranges) = (Changes::default(), after, 0_usize);
        while at < until {
            let left = usize::try_from(until.0.saturating_sub(at.0)).unwrap_or(READ);
            let page = self.chain.touched(at, left.min(READ))?;
            if page.is_empty() {
                return Err(ChainError::new(format!(
                    "the cache lacks what block {} touched; stop the node and run `concordd reindex`",
                    at.0.saturating_add(1)
                ))
                .into());
            }
            for touched in page {
                at = Height(at.0.saturating_add(1));
                ranges = ranges.saturating_add(touched.numbers.len());
                changes.add(touched);
            }
            if ranges > MAX_RANGES {
                return Ok(None);
            }
        }
        Ok(Some(changes))
    }
}
