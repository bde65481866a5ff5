//! Changes of the federation: proposed by a region, voted by more than two thirds, in force two blocks later.

use super::region::effect;
use crate::charter::CharterRegion;
use crate::codec;
use crate::id::{FEDERATION_OWNER, Height, RegionId, UnixMillis};
use crate::ledger::federation::{
    DomainAuthority, EFFECT_AFTER_BLOCKS, MAX_PROPOSALS, MAX_PROPOSALS_OF_REGION, MAX_SCHEDULED, MAX_VERSIONS,
    PROPOSAL_OPEN_MS, Proposal, Region, Scheduled,
};
use crate::ledger::shares::check_room;
use crate::ledger::{
    BlockContext, Directory, Entry, LedgerState, MAX_DOMAINS, MAX_REGIONS_EVER, MAX_TERMS_OF_REGION, Outcome,
    PROPOSALS_OF_REGION, Rejection, SectionName,
};
use crate::record::{Actor, Change, NodeKeys, RecordId, ReplaceKeyring, SucceedRegion, VersionChange, Vote};
use crate::seal::MAX_REGIONS;
use std::sync::Arc;

impl LedgerState {
    pub(super) fn propose(
        &mut self,
        region: &RegionId,
        change: &Change,
        id: RecordId,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        self.in_force(region, at)?;
        self.check_change(change, at)?;
        self.check_proposals(region, change, at)?;
        let proposal = Proposal {
            id,
            proposer: region.clone(),
            change: change.clone(),
            open_until: UnixMillis(at.time.0.saturating_add(PROPOSAL_OPEN_MS)),
            approvals: vec![region.clone()],
            refusals: Vec::new(),
        };
        let time = at.time;
        self.change_federation(|federation| {
            federation.proposals.retain(|known| known.open_until >= time);
            federation.proposals.push(proposal);
        });
        self.settle(&id, at)?;
        Ok(Outcome::Done)
    }

    pub(super) fn vote(&mut self, region: &RegionId, vote: &Vote, at: &BlockContext) -> Result<Outcome, Rejection> {
        self.in_force(region, at)?;
        let found = self.federation.proposals.iter().find(|known| known.id == vote.proposal);
        let proposal = found.ok_or(Rejection::UnknownProposal(vote.proposal))?;
        if proposal.open_until < at.time {
            return Err(Rejection::ProposalOver(proposal.open_until));
        }
        let side = if vote.approve {
            &proposal.approvals
        } else {
            &proposal.refusals
        };
        if side.binary_search(region).is_ok() {
            return Err(Rejection::AlreadyVoted(region.clone()));
        }
        let before = (Arc::clone(&self.federation), self.touched.contains(&Entry::Federation));
        self.change_federation(|federation| {
            let known = federation.proposals.iter_mut().find(|known| known.id == vote.proposal);
            let Some(proposal) = known else { return };
            proposal.approvals.retain(|known| known != region);
            proposal.refusals.retain(|known| known != region);
            let side = if vote.approve {
                &mut proposal.approvals
            } else {
                &mut proposal.refusals
            };
            side.insert(side.partition_point(|known| known < region), region.clone());
        });
        if let Err(rejection) = self.settle(&vote.proposal, at) {
            // The vote that would make a change that cannot be made any more does not count either.
            let (federation, touched) = before;
            self.federation = federation;
            if !touched {
                self.touched.remove(&Entry::Federation);
            }
            return Err(rejection);
        }
        Ok(Outcome::Done)
    }

    /// Closes a proposal that more than two thirds of the regions in force voted for, or that can no longer reach that.
    fn settle(&mut self, id: &RecordId, at: &BlockContext) -> Result<(), Rejection> {
        let Some(proposal) = self.federation.proposals.iter().find(|known| known.id == *id) else {
            return Ok(());
        };
        let in_force = |region: &&RegionId| self.region_set.index_of(region).is_some();
        let (approvals, refusals) = (
            proposal.approvals.iter().filter(in_force).count(),
            proposal.refusals.iter().filter(in_force).count(),
        );
        let (regions, quorum) = (self.region_set.members().len(), self.region_set.quorum());
        if approvals >= quorum {
            let change = proposal.change.clone();
            self.check_change(&change, at)?;
            self.close_proposal(id);
            self.pass(change, at);
        } else if regions.saturating_sub(refusals) < quorum {
            self.close_proposal(id);
        }
        Ok(())
    }

    /// That one more proposal of a region may be open.
    fn check_proposals(&self, region: &RegionId, change: &Change, at: &BlockContext) -> Result<(), Rejection> {
        let open = self.federation.proposals.iter();
        let open: Vec<&Proposal> = open.filter(|proposal| proposal.open_until >= at.time).collect();
        let own: Vec<&Proposal> = open.iter().copied().filter(|known| known.proposer == *region).collect();
        if own.len() >= MAX_PROPOSALS_OF_REGION || open.len() >= MAX_PROPOSALS {
            return Err(Rejection::TooManyProposals);
        }
        let bytes = |change: &Change| codec::to_vec(change).len();
        let used = own
            .iter()
            .fold(0_usize, |sum, known| sum.saturating_add(bytes(&known.change)));
        check_room(
            region,
            SectionName::Federation,
            used,
            bytes(change),
            PROPOSALS_OF_REGION,
        )
    }

    fn close_proposal(&mut self, id: &RecordId) {
        self.change_federation(|federation| federation.proposals.retain(|known| known.id != *id));
    }

    /// Takes a change that was voted: a change of regions is written at once, with the height from which it is in force,
    /// so that the regions of the next two blocks are always known; any other waits for its height.
    fn pass(&mut self, change: Change, at: &BlockContext) {
        let from = effect(at);
        match change {
            Change::AdmitRegion(card) => self.admit(&card, from, at.height),
            Change::SuspendRegion(region) => self.change_region(&region, |found| {
                found.end_term(from);
                found.suspended = Some(from);
            }),
            Change::ReinstateRegion(region) => self.change_region(&region, |found| {
                if let Some(last) = found.terms.last().cloned() {
                    found.begin_term(from, last.consensus_key, last.seal_key);
                }
                found.suspended = None;
            }),
            Change::RemoveRegion(region) => self.change_region(&region, |found| {
                found.end_term(from);
                found.suspended = None;
                found.removed = Some(from);
            }),
            // At once, as when the region itself takes it back: within two blocks it could come into force.
            Change::CancelRotation(region) => self.change_region(&region, |found| found.rotation = None),
            other @ (Change::SetParameters(_)
            | Change::RaiseVersion(_)
            | Change::AdmitDomain(_)
            | Change::DefineType(_)
            | Change::ReplaceKeyring(_)
            | Change::SucceedRegion(_)
            | Change::CloseType(_)) => self.change_federation(|federation| {
                federation.scheduled.push(Scheduled {
                    at: from,
                    change: other,
                });
            }),
        }
    }

    fn change_region(&mut self, region: &RegionId, change: impl FnOnce(&mut Region)) {
        self.change_federation(|federation| {
            if let Some(found) = federation.region_mut(region) {
                change(found);
            }
        });
    }

    fn admit(&mut self, card: &CharterRegion, from: Height, passed: Height) {
        self.suspend_offices_of(&card.region, passed);
        let mut admitted = Region::admitted(card, from);
        self.change_federation(|federation| {
            let place = federation
                .regions
                .binary_search_by(|known| known.region.cmp(&card.region));
            match place {
                Ok(index) => {
                    // One that was removed before keeps the terms under which it sealed then.
                    if let Some(known) = federation.regions.get_mut(index) {
                        known.terms.append(&mut admitted.terms);
                        admitted.terms.append(&mut known.terms);
                        *known = admitted;
                    }
                }
                Err(index) => federation.regions.insert(index, admitted),
            }
        });
        if self.directories.get(&card.region).is_none() {
            self.directories
                .insert_mut(card.region.clone(), Arc::new(Directory::default()));
            self.touched.insert(Entry::Directory(card.region.clone()));
        }
    }

    /// Makes the scheduled changes that are in force from `height` on. One that something before it made impossible is
    /// dropped.
    pub(in crate::ledger) fn take_effect(&mut self, height: Height, at: &BlockContext) {
        let due = |scheduled: &Scheduled| scheduled.at <= height;
        if !self.federation.scheduled.iter().any(due) {
            return;
        }
        let mut changes = Vec::new();
        self.change_federation(|federation| {
            let all = std::mem::take(&mut federation.scheduled);
            let (now, later): (Vec<_>, Vec<_>) = all.into_iter().partition(due);
            federation.scheduled = later;
            changes = now;
        });
        for Scheduled { change, at: from } in changes {
            let passed = BlockContext {
                height: Height(from.0.saturating_sub(EFFECT_AFTER_BLOCKS)),
                time: at.time,
            };
            if self.check_change(&change, &passed).is_ok() {
                self.make(change, from);
            }
        }
    }

    fn make(&mut self, change: Change, from: Height) {
        match change {
            Change::SetParameters(parameters) => {
                self.change_federation(|federation| federation.parameters = parameters)
            }
            Change::RaiseVersion(version) => self.change_federation(|federation| federation.versions.push(version)),
            Change::AdmitDomain(domain) => self.change_federation(|federation| {
                let place = federation.domains.partition_point(|known| known.domain < domain.domain);
                let admitted = DomainAuthority {
                    domain: domain.domain,
                    labels: domain.labels,
                    keyring: domain.keyring,
                    since: from,
                };
                federation.domains.insert(place, admitted);
            }),
            Change::DefineType(definition) => {
                self.put_type(*definition, from);
            }
            Change::CloseType(reference) => {
                if let Some(entry) = Arc::make_mut(&mut self.catalogue).entry_mut(&reference) {
                    entry.closed = Some(from);
                }
                self.touched.insert(Entry::Catalogue);
            }
            Change::ReplaceKeyring(body) => self.replace_keyring(body),
            Change::SucceedRegion(body) => {
                self.change_region(&body.region, |found| found.successor = Some(body.successor))
            }
            // Written when they passed.
            Change::AdmitRegion(_)
            | Change::SuspendRegion(_)
            | Change::ReinstateRegion(_)
            | Change::RemoveRegion(_)
            | Change::CancelRotation(_) => {}
        }
    }

    fn replace_keyring(&mut self, body: ReplaceKeyring) {
        self.change_federation(|federation| match body.of {
            Actor::Region(region) => {
                if let Some(found) = federation.region_mut(&region) {
                    found.authority = body.keyring;
                    found.rotation = None;
                }
            }
            Actor::Domain(domain) => {
                if let Some(found) = federation.domains.iter_mut().find(|known| known.domain == domain) {
                    found.keyring = body.keyring;
                }
            }
            Actor::Office(_) | Actor::Nobody => {}
        });
    }

    /// That a change could be made now: asked when it is proposed, when it passes, and when it takes effect.
    fn check_change(&self, change: &Change, at: &BlockContext) -> Result<(), Rejection> {
        let impossible = |why| Err(Rejection::ChangeNotPossible(why));
        if self.federation.scheduled.len() >= MAX_SCHEDULED {
            return impossible("too many changes wait for their height");
        }
        match change {
            Change::AdmitRegion(card) => self.check_card(card, at),
            Change::SuspendRegion(region) => {
                self.in_force(region, at)?;
                self.check_leaving(region, at)
            }
            Change::ReinstateRegion(region) => match self.federation.region(region) {
                Some(found) if found.suspended.is_some() => self.check_return(found, at),
                Some(_) | None => impossible("the region is not suspended"),
            },
            Change::RemoveRegion(region) => match self.federation.region(region) {
                Some(found) if found.removed.is_none() => self.check_leaving(region, at),
                Some(_) | None => impossible("the region is no member"),
            },
            Change::SetParameters(parameters) => match parameters.check() {
                Err(_) => impossible("the heartbeat must be from 1,000 to 3,600,000 ms"),
                Ok(()) if *parameters == self.federation.parameters => Err(Rejection::NothingChanges),
                Ok(()) => Ok(()),
            },
            Change::RaiseVersion(version) => self.check_version(version, at),
            Change::AdmitDomain(domain) => {
                let name = domain.domain.as_str();
                let region = RegionId::new(name).is_ok_and(|region| self.federation.region(&region).is_some());
                if region || name == FEDERATION_OWNER || self.federation.domain(&domain.domain).is_some() {
                    return impossible("a region or domain authority has this name, or it is kept for the federation");
                }
                if domain.labels.is_empty() || self.federation.domains.len() >= MAX_DOMAINS {
                    return impossible("the domain authority has no name, or there are too many");
                }
                Ok(())
            }
            Change::DefineType(definition) => self.check_definition(FEDERATION_OWNER, definition),
            Change::CloseType(reference) => self.check_closing(FEDERATION_OWNER, reference),
            Change::ReplaceKeyring(body) => {
                let known = match &body.of {
                    Actor::Region(region) => self
                        .federation
                        .region(region)
                        .is_some_and(|found| found.removed.is_none()),
                    Actor::Domain(domain) => self.federation.domain(domain).is_some(),
                    Actor::Office(_) | Actor::Nobody => false,
                };
                if known {
                    return Ok(());
                }
                impossible("only keyrings of member regions and of domain authorities are replaced by vote")
            }
            Change::SucceedRegion(body) => self.check_succession(body, at),
            Change::CancelRotation(region) => self.check_rotation(region, at),
        }
    }

    fn check_card(&self, card: &CharterRegion, at: &BlockContext) -> Result<(), Rejection> {
        let impossible = |why| Err(Rejection::ChangeNotPossible(why));
        let known = self.federation.region(&card.region);
        if known.is_some_and(|known| known.is_member_at(effect(at))) {
            return impossible("the region is a member");
        }
        let full = self.federation.regions.len() >= MAX_REGIONS_EVER;
        if known.map_or(full, |known| known.terms.len() >= MAX_TERMS_OF_REGION) {
            return impossible("there are too many members, or the node's keys were changed too often");
        }
        let name = card.region.as_str();
        let domain = self
            .federation
            .domains
            .iter()
            .any(|domain| domain.domain.as_str() == name);
        if domain || name == FEDERATION_OWNER || card.labels.is_empty() {
            return impossible(
                "the region has no name, or its code is a domain authority's or kept for the federation",
            );
        }
        if self.members_after(at) >= MAX_REGIONS {
            return impossible("a federation has at most 256 regions");
        }
        let keys = NodeKeys {
            consensus_key: card.consensus_key,
            seal_key: card.seal_key.clone(),
            possession: card.possession,
            peer_id: card.peer_id.clone(),
            addresses: card.addresses.clone(),
        };
        // One that comes back may keep its peer id, not its other keys.
        self.check_node_keys(&keys, Some(&card.region))
    }

    /// That the others can go on without a region.
    fn check_leaving(&self, region: &RegionId, at: &BlockContext) -> Result<(), Rejection> {
        if let Some(found) = self.federation.region(region)
            && !found.rotates_after(at.height)
        {
            self.check_settled(found, at)?;
        }
        let stays = self
            .federation
            .region(region)
            .is_some_and(|found| found.term_at(effect(at)).is_none());
        if stays || self.members_after(at) > 1 {
            return Ok(());
        }
        Err(Rejection::ChangeNotPossible("it is the last region in force"))
    }

    /// That a suspended region can be in both quorums again: another may have taken the last place meanwhile.
    fn check_return(&self, region: &Region, at: &BlockContext) -> Result<(), Rejection> {
        self.check_settled(region, at)?;
        if self.members_after(at) >= MAX_REGIONS || region.terms.len() >= MAX_TERMS_OF_REGION {
            let why = "a federation has at most 256 regions, and the node's keys change at most 512 times";
            return Err(Rejection::ChangeNotPossible(why));
        }
        Ok(())
    }

    fn check_settled(&self, region: &Region, at: &BlockContext) -> Result<(), Rejection> {
        match region.changes_after(at.height) {
            None => Ok(()),
            Some(change) => Err(Rejection::ChangePending {
                region: region.region.clone(),
                at: change,
            }),
        }
    }

    /// How many regions are in force once everything that has passed is.
    fn members_after(&self, at: &BlockContext) -> usize {
        let last = effect(at);
        let regions = self.federation.regions.iter();
        regions.filter(|region| region.term_at(last).is_some()).count()
    }

    fn check_version(&self, change: &VersionChange, at: &BlockContext) -> Result<(), Rejection> {
        let current = self.version_of(change.subject);
        if change.version != current.saturating_add(1) {
            return Err(Rejection::ChangeNotPossible("a version is raised by one"));
        }
        if self.federation.versions.len() >= MAX_VERSIONS {
            return Err(Rejection::ChangeNotPossible("versions were raised too often"));
        }
        if change.from < effect(at) {
            return Err(Rejection::ChangeNotPossible(
                "the height from which the version is in force is too near",
            ));
        }
        Ok(())
    }

    fn check_succession(&self, body: &SucceedRegion, at: &BlockContext) -> Result<(), Rejection> {
        let impossible = |why| Err(Rejection::ChangeNotPossible(why));
        match self.federation.region(&body.region) {
            None => return impossible("the region was never a member"),
            Some(found) if found.successor.is_some() => return impossible("the region has a successor already"),
            Some(found) if found.removed.is_none() => return impossible("the region is a member; remove it first"),
            Some(_) => {}
        }
        if *self.federation.holder_of(&body.successor) == body.region || body.successor == body.region {
            return impossible("a region cannot succeed itself");
        }
        let successor = self.federation.region(&body.successor);
        if successor.is_none_or(|found| !found.is_member_at(at.height)) {
            return impossible("the successor is no member");
        }
        Ok(())
    }
}
