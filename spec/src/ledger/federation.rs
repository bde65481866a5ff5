//! Section `federation`: regions with their keys from height to height, domain authorities, parameters, proposals, evidence.

use crate::catalogue::{Label, MAX_LABELS};
use crate::charter::{Address, Charter, CharterRegion, Parameters};
use crate::codec::{CodecError, fields::wire_array};
use crate::id::{DomainId, Height, RegionId, SeriesId, UnixMillis};
use crate::key::bls::SealPublicKey;
use crate::key::ed25519::PublicKey;
use crate::key::keyring::Keyring;
use crate::record::{Change, MAX_ADDRESSES, MAX_OBSERVERS, NodeKeys, Observer, RecordId, VersionChange};
use crate::seal::{MAX_REGIONS, Member, RegionSet};
use crate::vote::Place;

/// How many blocks after the one in which its vote passed a change takes effect.
pub const EFFECT_AFTER_BLOCKS: u64 = 2;
/// How long another authority keyring waits, and may be cancelled: 72 hours.
pub const ROTATION_WAIT_MS: u64 = 72 * 3_600_000;
/// How long a proposal may be voted on: 30 days.
pub const PROPOSAL_OPEN_MS: u64 = 30 * 24 * 3_600_000;
/// Most proposals of one region that are open at a time.
pub const MAX_PROPOSALS_OF_REGION: usize = 8;
/// Most entries of evidence against one region: more would prove nothing more.
pub const MAX_EVIDENCE_OF_REGION: usize = 64;
/// Most times that the keys of one region's node may change, as far as the section has room; the rules let fewer in.
pub const MAX_TERMS: usize = 4_096;
/// Most regions that are or were members, and most domain authorities, that the section has room for; the rules let in fewer.
pub const MAX_MEMBERS: usize = 1_024;

/// Keys of a region's node, from a height up to another: then it is in both quorums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// First height.
    pub from: Height,
    /// First height at which it is over; none: it is not.
    pub until: Option<Height>,
    /// Ed25519 key of its votes.
    pub consensus_key: PublicKey,
    /// BLS key of its seal shares.
    pub seal_key: SealPublicKey,
}
wire_array!(Term {
    from,
    until,
    consensus_key,
    seal_key
});

impl Term {
    /// Whether it is in force at a height.
    #[must_use]
    pub fn covers(&self, height: Height) -> bool {
        self.from <= height && self.until.is_none_or(|until| height < until)
    }
}

/// Another authority keyring that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The keyring.
    pub keyring: Keyring,
    /// From which block time on it is in force.
    pub from: UnixMillis,
}
wire_array!(Rotation { keyring, from });

/// A region that is or was a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Its code.
    pub region: RegionId,
    /// Its name by language.
    pub labels: Vec<Label>,
    /// The keyring that speaks for it, unless a rotation is due: see [`Region::authority_at`].
    pub authority: Keyring,
    /// Another keyring under way.
    pub rotation: Option<Rotation>,
    /// libp2p peer id of its node, base58.
    pub peer_id: String,
    /// Where its node listens.
    pub addresses: Vec<Address>,
    /// Its other nodes, by ascending peer id.
    pub observers: Vec<Observer>,
    /// The keys of its node from height to height, ascending, never overlapping.
    pub terms: Vec<Term>,
    /// From which height on it is suspended.
    pub suspended: Option<Height>,
    /// From which height on it is no member.
    pub removed: Option<Height>,
    /// Whose its offices and series are now.
    pub successor: Option<RegionId>,
}
wire_array!(Region {
    region,
    labels: list(MAX_LABELS),
    authority,
    rotation,
    peer_id: text(64),
    addresses: list(MAX_ADDRESSES),
    observers: list(MAX_OBSERVERS),
    terms: list(MAX_TERMS),
    suspended,
    removed,
    successor,
});

impl Region {
    /// A region as its card says, from a height on.
    #[must_use]
    pub fn admitted(card: &CharterRegion, from: Height) -> Self {
        Self {
            region: card.region.clone(),
            labels: card.labels.clone(),
            authority: card.authority.clone(),
            rotation: None,
            peer_id: card.peer_id.clone(),
            addresses: card.addresses.clone(),
            observers: Vec::new(),
            terms: vec![Term {
                from,
                until: None,
                consensus_key: card.consensus_key,
                seal_key: card.seal_key.clone(),
            }],
            suspended: None,
            removed: None,
            successor: None,
        }
    }

    /// The keyring that speaks for it at a block time.
    #[must_use]
    pub fn authority_at(&self, time: UnixMillis) -> &Keyring {
        match &self.rotation {
            Some(rotation) if rotation.from <= time => &rotation.keyring,
            Some(_) | None => &self.authority,
        }
    }

    /// The term in force at a height.
    #[must_use]
    pub fn term_at(&self, height: Height) -> Option<&Term> {
        self.terms.iter().rev().find(|term| term.covers(height))
    }

    /// Whether it is a member at a height, suspended or not.
    #[must_use]
    pub fn is_member_at(&self, height: Height) -> bool {
        self.removed.is_none_or(|removed| height < removed)
    }

    /// Whether its node's keys change at a later height than this.
    #[must_use]
    pub fn changes_after(&self, height: Height) -> Option<Height> {
        let last = self.terms.last()?;
        Some(last.until.unwrap_or(last.from)).filter(|change| *change > height)
    }

    /// Whether its last term begins at a later height than this and has no end: its node's keys are being rotated, or it
    /// comes into force. No end of a region waits for that, or one that rotates again and again could put its own off.
    #[must_use]
    pub fn rotates_after(&self, height: Height) -> bool {
        self.terms
            .last()
            .is_some_and(|last| last.until.is_none() && last.from > height)
    }

    /// Ends the last term, if it has no end yet. One that would have begun at that height is never in force then; it stays,
    /// because its keys may not be used again.
    pub(super) fn end_term(&mut self, until: Height) {
        if let Some(last) = self.terms.last_mut().filter(|last| last.until.is_none()) {
            last.until = Some(until);
        }
    }

    /// Begins a term with these keys, and ends the one before.
    pub(super) fn begin_term(&mut self, from: Height, consensus_key: PublicKey, seal_key: SealPublicKey) {
        self.end_term(from);
        self.terms.push(Term {
            from,
            until: None,
            consensus_key,
            seal_key,
        });
    }

    pub(super) fn rotate_node(&mut self, from: Height, keys: &NodeKeys) {
        self.begin_term(from, keys.consensus_key, keys.seal_key.clone());
        self.peer_id.clone_from(&keys.peer_id);
        self.addresses.clone_from(&keys.addresses);
    }
}

/// A domain authority that is admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainAuthority {
    /// Its name, before the dot of the types it owns.
    pub domain: DomainId,
    /// Its name by language.
    pub labels: Vec<Label>,
    /// The keyring that speaks for it.
    pub keyring: Keyring,
    /// From which height on.
    pub since: Height,
}
wire_array!(DomainAuthority {
    domain,
    labels: list(MAX_LABELS),
    keyring,
    since
});

/// A change that is proposed, and how regions voted. One that passed or cannot pass any more is gone from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Id of the record that proposed it.
    pub id: RecordId,
    /// Who proposed it.
    pub proposer: RegionId,
    /// What it is.
    pub change: Change,
    /// Until which block time votes count, included.
    pub open_until: UnixMillis,
    /// Regions that voted for it, ascending.
    pub approvals: Vec<RegionId>,
    /// Regions that voted against it, ascending.
    pub refusals: Vec<RegionId>,
}
wire_array!(Proposal {
    id,
    proposer,
    change,
    open_until,
    approvals: list(MAX_REGIONS),
    refusals: list(MAX_REGIONS),
});

/// A change that passed and waits for its height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// From which height on it is in force.
    pub at: Height,
    /// What it is.
    pub change: Change,
}
wire_array!(Scheduled { at, change });

/// Proof on the ledger that a region signed two different things for one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceEntry {
    /// The region, and the place.
    pub place: Place,
    /// The record with both signatures.
    pub record: RecordId,
    /// Height of its block.
    pub recorded: Height,
}
wire_array!(EvidenceEntry {
    place,
    record,
    recorded
});

const MAX_EVIDENCE: usize = MAX_EVIDENCE_OF_REGION * MAX_MEMBERS;
/// Most proposals that are open.
pub(super) const MAX_PROPOSALS: usize = MAX_PROPOSALS_OF_REGION * MAX_REGIONS;
/// Most changes that passed and wait for their height.
pub(super) const MAX_SCHEDULED: usize = 2_048;
/// Most versions that were voted.
pub(super) const MAX_VERSIONS: usize = 1_024;

/// Section `federation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Federation {
    /// Every region that is or was a member, by ascending code.
    pub regions: Vec<Region>,
    /// The domain authorities, by ascending name.
    pub domains: Vec<DomainAuthority>,
    /// The parameters in force.
    pub parameters: Parameters,
    /// Versions above the first, in the order in which they were voted.
    pub versions: Vec<VersionChange>,
    /// The id that the next series gets.
    pub next_series: SeriesId,
    /// Proposals that may be voted on, in the order in which they were made.
    pub proposals: Vec<Proposal>,
    /// Changes that passed and wait for their height.
    pub scheduled: Vec<Scheduled>,
    /// Proof of double signing, ascending by region and place.
    pub evidence: Vec<EvidenceEntry>,
}
wire_array!(Federation version 1 "federation" {
    regions: list(MAX_MEMBERS),
    domains: list(MAX_MEMBERS),
    parameters,
    versions: list(MAX_VERSIONS),
    next_series,
    proposals: list(MAX_PROPOSALS),
    scheduled: list(MAX_SCHEDULED),
    evidence: list(MAX_EVIDENCE),
});

impl Federation {
    /// As a charter founds it: the founding regions are in force from block 1 on.
    #[must_use]
    pub fn founded(charter: &Charter) -> Self {
        let admitted = |card: &CharterRegion| Region::admitted(card, Height(1));
        Self {
            regions: charter.regions.iter().map(admitted).collect(),
            domains: Vec::new(),
            parameters: charter.parameters.clone(),
            versions: Vec::new(),
            next_series: SeriesId(1),
            proposals: Vec::new(),
            scheduled: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// A region that is or was a member.
    #[must_use]
    pub fn region(&self, id: &RegionId) -> Option<&Region> {
        let found = self.regions.binary_search_by(|region| region.region.cmp(id)).ok()?;
        self.regions.get(found)
    }

    pub(super) fn region_mut(&mut self, id: &RegionId) -> Option<&mut Region> {
        let found = self.regions.binary_search_by(|region| region.region.cmp(id)).ok()?;
        self.regions.get_mut(found)
    }

    /// A domain authority.
    #[must_use]
    pub fn domain(&self, id: &DomainId) -> Option<&DomainAuthority> {
        let found = self.domains.binary_search_by(|domain| domain.domain.cmp(id)).ok()?;
        self.domains.get(found)
    }

    /// Whose the offices and series of a region are: the region itself, or who took them over.
    #[must_use]
    pub fn holder_of<'a>(&'a self, region: &'a RegionId) -> &'a RegionId {
        let mut holder = region;
        for _ in 0..self.regions.len() {
            match self.region(holder).and_then(|found| found.successor.as_ref()) {
                Some(successor) => holder = successor,
                None => break,
            }
        }
        holder
    }

    /// The regions in force at a height, as far as it is known: exact up to two blocks after the last.
    ///
    /// # Errors
    /// None are in force, or two share a key: no state that rules made.
    pub fn region_set_at(&self, height: Height) -> Result<RegionSet, CodecError> {
        let member = |region: &Region| {
            let term = region.term_at(height)?;
            Some(Member {
                region: region.region.clone(),
                consensus_key: term.consensus_key,
                seal_key: term.seal_key.clone(),
            })
        };
        RegionSet::new(self.regions.iter().filter_map(member).collect())
    }

    /// The heights from which on other regions or keys are in force, ascending, without the founding.
    #[must_use]
    pub fn changes_of_regions(&self) -> Vec<Height> {
        let terms = self.regions.iter().flat_map(|region| &region.terms);
        // A term that ended before it began was never in force.
        let mut heights: Vec<Height> = terms
            .filter(|term| term.until != Some(term.from))
            .flat_map(|term| [Some(term.from), term.until])
            .flatten()
            .filter(|height| *height > Height(1))
            .collect();
        heights.sort_unstable();
        heights.dedup();
        heights
    }
}
