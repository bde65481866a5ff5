//! Judging blocks in order: every rule and root by `LedgerState::advance`, every seal under the regions in force.

use super::checkpoint::Saved;
use super::prepare::{Checked, Prepared, Published, Ready, Verified};
use super::report::{Counts, End};
use super::source::Last;
use super::{AuditError, Difference, Observer};
use concord_spec::block::{Header, Rest};
use concord_spec::digest::Digest;
use concord_spec::id::Height;
use concord_spec::ledger::{BlockError, LedgerState};
use concord_spec::seal::{RegionSet, Seal};
use std::sync::{Arc, Mutex, PoisonError};

/// Fewer records that were not foreseen than this are verified one by one.
const WORTH_A_BATCH: usize = 8;

/// How an audit ends.
#[derive(Debug)]
pub(super) enum Stop {
    End(End),
    Difference(Box<Difference>),
}

/// The last block that was found good.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) header: Header,
    pub(super) rest: Rest,
    pub(super) seal: Seal,
    pub(super) regions: Arc<RegionSet>,
}

/// An audit under way.
#[derive(Debug)]
pub(super) struct Judge {
    state: LedgerState,
    published: Published,
    counts: Counts,
    /// Digest of the regions that seal the next block, and the set that it is of.
    regions: (Arc<RegionSet>, Digest),
    last: Option<Judged>,
    /// The last block must be shown again, as an audit goes on after it.
    resumes: bool,
}

impl Judge {
    pub(super) fn begin(state: LedgerState) -> Self {
        let regions = Arc::clone(state.region_set());
        let digest = regions.digest();
        Self {
            published: Arc::new(Mutex::new(state.clone())),
            state,
            counts: Counts::default(),
            regions: (regions, digest),
            last: None,
            resumes: false,
        }
    }

    pub(super) fn resume(saved: Saved) -> Self {
        let mut judge = Self::begin(saved.state);
        judge.counts = saved.counts;
        judge.resumes = true;
        judge
    }

    pub(super) fn published(&self) -> Published {
        Arc::clone(&self.published)
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn last(&self) -> Option<&Judged> {
        self.last.as_ref()
    }

    pub(super) fn state(&self) -> &LedgerState {
        &self.state
    }

    pub(super) fn saved(&self) -> Saved {
        Saved {
            state: self.state.clone(),
            counts: self.counts.clone(),
        }
    }

    /// The first block to be shown: the next, or the last once more.
    pub(super) fn first_needed(&self) -> Height {
        if self.resumes {
            self.state.tip().height
        } else {
            self.state.next_height()
        }
    }

    /// Judges a window. `Some`: the audit ends here.
    pub(super) fn window(&mut self, window: Prepared, observer: &mut dyn Observer) -> Result<Option<Stop>, AuditError> {
        for block in window.blocks {
            if observer.interrupted() {
                return Err(AuditError::Interrupted(self.state.tip().height));
            }
            if let Some((subject, version)) = self.state.needs_newer_software() {
                let height = self.state.next_height();
                return Err(AuditError::NewerSoftware {
                    height,
                    subject,
                    version,
                });
            }
            let ready = match block {
                Ok(ready) => ready,
                Err(difference) => return Ok(Some(Stop::Difference(difference))),
            };
            if let Some(stop) = self.block(ready, &window.verified, observer)? {
                return Ok(Some(stop));
            }
        }
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = self.state.clone();
        match window.last {
            None => Ok(None),
            Some(Last::End(end)) => Ok(Some(Stop::End(end))),
            Some(Last::Difference(difference)) => Ok(Some(Stop::Difference(difference))),
            Some(Last::Failed(error)) => Err(error),
        }
    }

    fn block(
        &mut self,
        ready: Ready,
        verified: &Verified,
        observer: &mut dyn Observer,
    ) -> Result<Option<Stop>, AuditError> {
        if std::mem::take(&mut self.resumes) {
            return self.again(&ready);
        }
        let block = &ready.block;
        if observer.before(block, &self.state).is_break() {
            return Ok(Some(Stop::End(End::Asked)));
        }
        let unforeseen = self.unforeseen(&ready, verified);
        let checked = Checked([verified, &unforeseen]);
        let next = match self.state.advance(block, &checked) {
            Ok(next) => next,
            Err(BlockError::NewerSoftware { subject, version }) => {
                return Err(AuditError::NewerSoftware {
                    height: block.header.height,
                    subject,
                    version,
                });
            }
            Err(why) => {
                let difference = Difference::of_block(&self.state, block, &checked, &why);
                return Ok(Some(Stop::Difference(Box::new(difference))));
            }
        };
        let regions = Arc::clone(self.state.region_set());
        if let Some(difference) = self.seal(&ready, &regions) {
            return Ok(Some(Stop::Difference(Box::new(difference))));
        }
        self.counts.add(block);
        self.state = next;
        if !Arc::ptr_eq(self.state.region_set(), &self.regions.0) {
            let regions = Arc::clone(self.state.region_set());
            let digest = regions.digest();
            self.regions = (regions, digest);
        }
        observer.after(block, &self.state);
        self.last = Some(Judged {
            header: ready.block.header,
            rest: ready.block.rest,
            seal: ready.seal,
            regions,
        });
        Ok(None)
    }

    /// Whether the seal holds under the regions in force: those of the state before the block.
    fn seal(&self, ready: &Ready, regions: &RegionSet) -> Option<Difference> {
        if ready.sealed_by == Some(self.regions.1) {
            return None;
        }
        let (header, hash) = (&ready.block.header, ready.block.hash());
        let held = ready.seal.verify(&self.state.chain_id(), header.height, &hash, regions);
        let why = held.err()?;
        Some(Difference::of_seal(header.height, &ready.seal, regions, &why))
    }

    /// The block that was audited last, shown once more: the same, sealed by the regions that were in force.
    fn again(&mut self, ready: &Ready) -> Result<Option<Stop>, AuditError> {
        let (tip, hash) = (self.state.tip(), ready.block.hash());
        if hash != tip.hash {
            return Err(AuditError::OtherHistory {
                height: tip.height,
                expected: tip.hash.to_string(),
                found: hash.to_string(),
            });
        }
        let height = tip.height;
        let regions = match self.state.region_set_at(height) {
            Ok(regions) => Arc::new(regions),
            Err(why) => {
                let difference = Difference::unreadable(height, "set of regions in force", &why);
                return Ok(Some(Stop::Difference(Box::new(difference))));
            }
        };
        let held = ready.seal.verify(&self.state.chain_id(), height, &hash, &regions);
        if let Err(why) = held {
            let difference = Difference::of_seal(height, &ready.seal, &regions, &why);
            return Ok(Some(Stop::Difference(Box::new(difference))));
        }
        self.last = Some(Judged {
            header: ready.block.header,
            rest: ready.block.rest.clone(),
            seal: ready.seal.clone(),
            regions,
        });
        Ok(None)
    }

    /// Records by keyrings that were not in the state when the window was prepared: verified together, where they are many.
    fn unforeseen(&self, ready: &Ready, verified: &Verified) -> Verified {
        let records = ready.block.records.iter().map(AsRef::as_ref);
        let unknown: Vec<_> = records.filter(|record| !verified.has(&record.id())).collect();
        if unknown.len() < WORTH_A_BATCH {
            return Verified::default();
        }
        Verified::new(&self.state, unknown)
    }
}
