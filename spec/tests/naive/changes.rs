//! Changes of the federation.

use super::{Naive, Verdict, must, term_at};
use concord_spec::charter::CharterRegion;
use concord_spec::id::{Height, RegionId, UnixMillis};
use concord_spec::key::bls::SealPublicKey;
use concord_spec::key::ed25519::PublicKey;
use concord_spec::ledger::{BlockContext, DomainAuthority, Proposal, Region, Scheduled, Term};
use concord_spec::record::{Actor, Change, NodeKeys, RecordId, Versioned, Vote};

const OPEN_MS: u64 = 30 * 24 * 3_600_000;

/// A region as its card says.
pub(super) fn by_card(card: &CharterRegion, terms: Vec<Term>) -> Region {
    Region {
        region: card.region.clone(),
        labels: card.labels.clone(),
        authority: card.authority.clone(),
        rotation: None,
        peer_id: card.peer_id.clone(),
        addresses: card.addresses.clone(),
        observers: Vec::new(),
        terms,
        suspended: None,
        removed: None,
        successor: None,
    }
}

impl Naive {
    pub(super) fn propose(&mut self, region: &RegionId, change: &Change, id: RecordId, at: &BlockContext) -> Verdict {
        must(
            term_at(&self.regions[region], at.height.0).is_some(),
            "REGION_NOT_IN_FORCE",
        )?;
        self.possible(change, at.height.0, at)?;
        self.proposals.retain(|known| known.open_until >= at.time);
        let open = self.proposals.iter().filter(|known| known.proposer == *region).count();
        must(open < 8, "TOO_MANY_PROPOSALS")?;
        self.proposal_fits(region, change)?;
        self.proposals.push(Proposal {
            id,
            proposer: region.clone(),
            change: change.clone(),
            open_until: UnixMillis(at.time.0 + OPEN_MS),
            approvals: vec![region.clone()],
            refusals: Vec::new(),
        });
        self.settle(id, at)
    }

    pub(super) fn vote(&mut self, region: &RegionId, vote: &Vote, at: &BlockContext) -> Verdict {
        must(
            term_at(&self.regions[region], at.height.0).is_some(),
            "REGION_NOT_IN_FORCE",
        )?;
        let proposal = self.proposals.iter_mut().find(|known| known.id == vote.proposal);
        let proposal = proposal.ok_or("UNKNOWN_PROPOSAL")?;
        must(at.time <= proposal.open_until, "PROPOSAL_OVER")?;
        let (side, other) = if vote.approve {
            (&mut proposal.approvals, &mut proposal.refusals)
        } else {
            (&mut proposal.refusals, &mut proposal.approvals)
        };
        must(!side.contains(region), "ALREADY_VOTED")?;
        other.retain(|known| known != region);
        side.push(region.clone());
        side.sort();
        self.settle(vote.proposal, at)
    }

    fn settle(&mut self, id: RecordId, at: &BlockContext) -> Verdict {
        let proposal = self.proposals.iter().find(|known| known.id == id).unwrap().clone();
        let in_force: Vec<&RegionId> = self
            .in_force_at(at.height.0)
            .iter()
            .map(|region| &region.region)
            .collect();
        let count = |side: &[RegionId]| side.iter().filter(|region| in_force.contains(region)).count();
        let all = in_force.len();
        let (approved, refused) = (count(&proposal.approvals), count(&proposal.refusals));
        if 3 * approved > 2 * all {
            self.possible(&proposal.change, at.height.0, at)?;
            self.proposals.retain(|known| known.id != id);
            self.pass(proposal.change, at.height.0 + 2);
        } else if 3 * (all - refused) <= 2 * all {
            self.proposals.retain(|known| known.id != id);
        }
        Ok(())
    }

    fn pass(&mut self, change: Change, from: u64) {
        self.passed.insert(change.name());
        match change {
            Change::AdmitRegion(card) => {
                self.suspend_all(&card.region, from - 2);
                let mut terms = self
                    .regions
                    .get(&card.region)
                    .map_or(Vec::new(), |known| known.terms.clone());
                terms.push(Term {
                    from: Height(from),
                    until: None,
                    consensus_key: card.consensus_key,
                    seal_key: card.seal_key.clone(),
                });
                self.regions.insert(card.region.clone(), by_card(&card, terms));
            }
            Change::SuspendRegion(region) => {
                self.end_term(&region, from);
                self.regions.get_mut(&region).unwrap().suspended = Some(Height(from));
            }
            Change::ReinstateRegion(region) => {
                let last = self.regions[&region].terms.last().unwrap().clone();
                self.begin_term(&region, from, last.consensus_key, last.seal_key);
                self.regions.get_mut(&region).unwrap().suspended = None;
            }
            Change::RemoveRegion(region) => {
                self.end_term(&region, from);
                let found = self.regions.get_mut(&region).unwrap();
                found.suspended = None;
                found.removed = Some(Height(from));
            }
            Change::CancelRotation(region) => self.regions.get_mut(&region).unwrap().rotation = None,
            change => self.scheduled.push(Scheduled {
                at: Height(from),
                change,
            }),
        }
    }

    fn end_term(&mut self, region: &RegionId, until: u64) {
        let last = self.regions.get_mut(region).unwrap().terms.last_mut().unwrap();
        if last.until.is_none() {
            last.until = Some(Height(until));
        }
    }

    pub(super) fn begin_term(
        &mut self,
        region: &RegionId,
        from: u64,
        consensus_key: PublicKey,
        seal_key: SealPublicKey,
    ) {
        self.end_term(region, from);
        self.regions.get_mut(region).unwrap().terms.push(Term {
            from: Height(from),
            until: None,
            consensus_key,
            seal_key,
        });
    }

    /// Whether the keys of a region change at a later height.
    pub(super) fn changes_later(&self, region: &RegionId, height: u64) -> bool {
        let terms = &self.regions[region].terms;
        terms
            .iter()
            .any(|term| term.from.0 > height || term.until.is_some_and(|until| until.0 > height))
    }

    pub(super) fn take_effect(&mut self, height: u64, at: &BlockContext) {
        let all = std::mem::take(&mut self.scheduled);
        let (due, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|scheduled| scheduled.at.0 <= height);
        self.scheduled = later;
        for Scheduled { at: from, change } in due {
            if self.possible(&change, from.0 - 2, at).is_ok() {
                self.make(change, from);
            }
        }
    }

    fn make(&mut self, change: Change, from: Height) {
        match change {
            Change::SetParameters(parameters) => self.parameters = parameters,
            Change::RaiseVersion(version) => self.versions.push(version),
            Change::AdmitDomain(body) => {
                let admitted = DomainAuthority {
                    domain: body.domain.clone(),
                    labels: body.labels,
                    keyring: body.keyring,
                    since: from,
                };
                self.domains.insert(body.domain, admitted);
            }
            Change::DefineType(body) => self.define("federation", &body, from).unwrap(),
            Change::CloseType(of) => self.close_type("federation", &of, from).unwrap(),
            Change::ReplaceKeyring(body) => match body.of {
                Actor::Region(region) => {
                    let found = self.regions.get_mut(&region).unwrap();
                    found.authority = body.keyring;
                    found.rotation = None;
                }
                Actor::Domain(domain) => self.domains.get_mut(&domain).unwrap().keyring = body.keyring,
                Actor::Office(_) | Actor::Nobody => unreachable!("offices' keyrings are their regions' matter"),
            },
            Change::SucceedRegion(body) => {
                self.regions.get_mut(&body.region).unwrap().successor = Some(body.successor);
            }
            other => unreachable!("{} is written when it passes", other.name()),
        }
    }

    /// Whether a change can be made that passes at a height.
    fn possible(&self, change: &Change, height: u64, at: &BlockContext) -> Verdict {
        const NOT: &str = "CHANGE_NOT_POSSIBLE";
        let from = height + 2;
        let after = self.in_force_at(from).len();
        // The others can go on without it.
        let leaves = |region: &RegionId| {
            // What begins later does not keep it from ending.
            let begins = self.regions[region].terms.last().unwrap();
            let begins = begins.until.is_none() && begins.from.0 > height;
            must(begins || !self.changes_later(region, height), "CHANGE_PENDING")?;
            must(term_at(&self.regions[region], from).is_none() || after > 1, NOT)
        };
        match change {
            Change::AdmitRegion(card) => {
                must(!self.is_member(&card.region, from), NOT)?;
                let name = card.region.as_str();
                let taken = name == "federation" || self.domains.keys().any(|domain| domain.as_str() == name);
                must(!taken && !card.labels.is_empty() && after < 256, NOT)?;
                let keys = NodeKeys {
                    consensus_key: card.consensus_key,
                    seal_key: card.seal_key.clone(),
                    possession: card.possession,
                    peer_id: card.peer_id.clone(),
                    addresses: Vec::new(),
                };
                self.keys_are_new(&keys, &card.region)
            }
            Change::SuspendRegion(region) => {
                let found = self.regions.get(region).filter(|_| self.is_member(region, height));
                let in_force = found.is_some_and(|found| term_at(found, height).is_some());
                must(in_force, "REGION_NOT_IN_FORCE")?;
                leaves(region)
            }
            Change::ReinstateRegion(region) => {
                let suspended = self.regions.get(region).is_some_and(|found| found.suspended.is_some());
                must(suspended, NOT)?;
                must(!self.changes_later(region, height), "CHANGE_PENDING")?;
                must(after < 256, NOT)
            }
            Change::RemoveRegion(region) => {
                must(
                    self.regions.get(region).is_some_and(|found| found.removed.is_none()),
                    NOT,
                )?;
                leaves(region)
            }
            Change::SetParameters(parameters) => {
                must((1_000..=3_600_000).contains(&parameters.heartbeat_ms), NOT)?;
                must(*parameters != self.parameters, "NOTHING_CHANGES")
            }
            Change::RaiseVersion(change) => {
                let raised = self
                    .versions
                    .iter()
                    .filter(|raised| raised.subject == change.subject)
                    .count();
                must(
                    change.version == u64::try_from(raised).unwrap() + 2 && change.from.0 >= from,
                    NOT,
                )
            }
            Change::AdmitDomain(body) => {
                let name = body.domain.as_str();
                let region = self.regions.keys().any(|region| region.as_str() == name);
                let taken = region || name == "federation" || self.domains.contains_key(&body.domain);
                must(!taken && !body.labels.is_empty(), NOT)
            }
            Change::DefineType(body) => self.may_define("federation", body),
            Change::CloseType(of) => self.may_close("federation", of),
            Change::ReplaceKeyring(body) => {
                let known = match &body.of {
                    Actor::Region(region) => self.regions.get(region).is_some_and(|found| found.removed.is_none()),
                    Actor::Domain(domain) => self.domains.contains_key(domain),
                    Actor::Office(_) | Actor::Nobody => false,
                };
                must(known, NOT)
            }
            Change::SucceedRegion(body) => {
                let gone = self.regions.get(&body.region);
                must(
                    gone.is_some_and(|gone| gone.removed.is_some() && gone.successor.is_none()),
                    NOT,
                )?;
                let itself = body.successor == body.region || self.holder(&body.successor) == body.region;
                must(!itself && self.is_member(&body.successor, height), NOT)
            }
            Change::CancelRotation(region) => must(self.is_rotating(region, at), "NO_ROTATION"),
        }
    }

    /// The height from which a version is in force that nobody knows yet, if one was voted.
    pub(crate) fn end_of_known_versions(&self) -> Option<u64> {
        let all = [Versioned::Record, Versioned::Header];
        self.versions
            .iter()
            .filter(|raised| all.contains(&raised.subject))
            .map(|raised| raised.from.0)
            .min()
    }
}
