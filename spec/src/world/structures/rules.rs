//! Structures of the rule book: what records change, and what the sections keep of it. One value each, with every field set,
//! and one with none where fields may be absent.

use super::{MAX_SECTION, Samples, Structure, day, range, wire};
use crate::catalogue::{Category, Classification, Grade, Printed, Sensitivity, Sharing, TypeRef};
use crate::charter::CharterRegion;
use crate::charter::card::{Card, MAX_CARD};
use crate::charter::signed::{MAX_SIGNED_CHARTER, SignedCharter};
use crate::codec::CodecError;
use crate::content::Relation;
use crate::digest::Digest;
use crate::id::{CredentialId, DomainId, Height, Number, OfficeId, RegionId, SeriesId, TypeVersion, UnixMillis};
use crate::key::Keyring;
use crate::ledger::{
    CatalogueEntry, Delegation, Directory, DomainAuthority, EvidenceEntry, Federation, OfficeName, Proposal, Region,
    Rotation, Scheduled, Succession, Term,
};
use crate::recognition::{Declaration, Level, Recognition, Source, Terms, ValueMap, Withdrawal};
use crate::record::{
    Action, Actor, AmendOffice, Change, Delegate, Domain, MAX_RECORD, NodeKeys, Nothing, Observer, Observers,
    OfficeChange, OfficeLevel, ReplaceKeyring, Scope, SetOffice, SetStatus, StatusChange, SucceedOffice, SucceedRegion,
    Successor, VersionChange, Versioned, Vote, Withdraw,
};
use crate::status::Reason;
use crate::vote::{Evidence, Place, ProposalStatement, Signed, Step, VoteKind, VoteStatement};
use crate::world::{WorldError, authority, consensus_key};

impl Samples {
    fn card(&self) -> Result<CharterRegion, WorldError> {
        let region = self.world.state.charter().regions.first().ok_or("no region")?;
        Ok(CharterRegion {
            peer_id: "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp".to_owned(),
            ..region.clone()
        })
    }

    fn keyring(&self) -> Result<Keyring, WorldError> {
        Ok(Keyring::new(
            2,
            (0..3).map(|index| authority(index).public()).collect(),
        )?)
    }

    fn other_office(&self) -> Result<OfficeId, WorldError> {
        Ok(OfficeId {
            region: other_region()?,
            code: self.world.office()?.code,
        })
    }

    fn scope(&self) -> Result<Scope, WorldError> {
        Ok(Scope {
            types: vec![self.world.type_ref().id],
            regions: Some(vec![self.world.region()?, other_region()?]),
        })
    }

    pub(super) fn votes(&self) -> Result<Vec<Structure>, WorldError> {
        let votes = self.double_vote()?;
        let proposals = self.double_proposal()?;
        let statements = votes.iter().map(|vote| vote.statement.clone());
        let proposed = proposals.iter().map(|proposal| proposal.statement.clone());
        let steps = [
            Step::Propose,
            Step::Vote(VoteKind::Prevote),
            Step::Vote(VoteKind::Precommit),
        ];
        let evidence = self.evidence()?;
        Ok(vec![
            wire!(VoteKind, MAX_RECORD, [VoteKind::Prevote, VoteKind::Precommit]),
            wire!(VoteStatement, MAX_RECORD, statements),
            wire!(ProposalStatement, MAX_RECORD, proposed),
            wire!(Signed<VoteStatement>, MAX_RECORD, votes.clone()),
            wire!(Signed<ProposalStatement>, MAX_RECORD, proposals.clone()),
            wire!(Step, MAX_RECORD, steps),
            wire!(Place, MAX_RECORD, evidence.iter().map(Evidence::place)),
            wire!(Evidence, MAX_RECORD, evidence.clone()),
        ])
    }

    fn double_vote(&self) -> Result<[Signed<VoteStatement>; 2], WorldError> {
        let vote = |target| {
            let statement = VoteStatement {
                height: Height(300),
                round: 1,
                kind: VoteKind::Precommit,
                target,
                region: self.world.region()?,
            };
            let signature = consensus_key(0).sign(&statement.message(&self.world.state.chain_id()));
            Ok::<_, WorldError>(Signed { statement, signature })
        };
        Ok([vote(Some(Digest([1; 32])))?, vote(None)?])
    }

    fn double_proposal(&self) -> Result<[Signed<ProposalStatement>; 2], WorldError> {
        let proposal = |pol_round| {
            let statement = ProposalStatement {
                height: Height(300),
                round: 1,
                value: Digest([1; 32]),
                pol_round,
                region: self.world.region()?,
            };
            let signature = consensus_key(0).sign(&statement.message(&self.world.state.chain_id()));
            Ok::<_, WorldError>(Signed { statement, signature })
        };
        Ok([proposal(Some(0))?, proposal(None)?])
    }

    fn evidence(&self) -> Result<[Evidence; 2], WorldError> {
        let [a, b] = self.double_vote()?;
        let [c, d] = self.double_proposal()?;
        Ok([Evidence::votes(a, b)?, Evidence::proposals(c, d)?])
    }

    pub(super) fn ceremony(&self) -> Result<Vec<Structure>, WorldError> {
        let mut card = Card::new(self.card()?)?;
        let unsigned = card.to_bytes();
        card.sign(&authority(0))?;
        let mut charter = SignedCharter::new(self.world.state.charter().clone())?;
        let bare = charter.to_bytes();
        charter.sign(&self.world.region()?, &authority(0))?;
        Ok(vec![
            Structure {
                name: std::any::type_name::<Card>(),
                max: MAX_CARD,
                samples: vec![unsigned, card.to_bytes()],
                decode: |bytes| read_card(bytes).map(|card| card.to_bytes()),
                read: |bytes| read_card(bytes).map(|_| ()),
            },
            Structure {
                name: std::any::type_name::<SignedCharter>(),
                max: MAX_SIGNED_CHARTER,
                samples: vec![bare, charter.to_bytes()],
                decode: |bytes| read_signed_charter(bytes).map(|charter| charter.to_bytes()),
                read: |bytes| read_signed_charter(bytes).map(|_| ()),
            },
        ])
    }

    fn terms(&self) -> Result<[Terms; 2], WorldError> {
        let all = Terms {
            source: Source::All,
            kind: self.world.type_ref().id,
            min_version: TypeVersion(1),
            local_type: None,
            values: Vec::new(),
            level: Level::Equal,
            issued_from: None,
            issued_until: None,
            presented_from: None,
            presented_until: None,
            max_age_days: None,
            purposes: Vec::new(),
            basis: Digest([4; 32]),
        };
        let value = |there: &str| ValueMap {
            claim: 100,
            there: there.to_owned(),
            here: "C".to_owned(),
        };
        let narrow = Terms {
            source: Source::Region(self.world.region()?),
            local_type: Some(self.world.type_ref().id),
            values: vec![value("A1"), value("C1")],
            level: Level::Conditional,
            issued_from: Some(day("2020-01-01")?),
            issued_until: Some(day("2030-12-31")?),
            presented_from: Some(self.world.state.tip().time),
            presented_until: Some(UnixMillis(u64::MAX)),
            max_age_days: Some(365),
            purposes: vec!["tax".to_owned(), "traffic".to_owned()],
            ..all.clone()
        };
        Ok([all, narrow])
    }

    pub(super) fn recognised(&self) -> Result<Vec<Structure>, WorldError> {
        let terms = self.terms()?;
        let withdrawals = [
            Withdrawal {
                at: Height(9),
                issued_until: Some(day("2026-06-30")?),
                presented_until: Some(UnixMillis(1_800_000_000_000)),
            },
            Withdrawal {
                at: Height(9),
                issued_until: None,
                presented_until: None,
            },
        ];
        let [withdrawal, _] = withdrawals.clone();
        let declaration = |terms: &Terms, number, withdrawn| {
            Ok::<_, WorldError>(Declaration {
                recogniser: other_region()?,
                number,
                terms: terms.clone(),
                since: Height(4),
                withdrawn,
            })
        };
        let [all, narrow] = &terms;
        let declarations = vec![declaration(all, 1, None)?, declaration(narrow, 2, Some(withdrawal))?];
        let recognition = Recognition {
            declarations: declarations.clone(),
        };
        Ok(vec![
            wire!(Source, MAX_SECTION, terms.iter().map(|terms| terms.source.clone())),
            wire!(Level, MAX_SECTION, Level::ALL.iter().copied()),
            wire!(
                ValueMap,
                MAX_SECTION,
                terms.iter().flat_map(|terms| terms.values.clone())
            ),
            wire!(Terms, MAX_SECTION, terms.clone()),
            wire!(Withdrawal, MAX_SECTION, withdrawals),
            wire!(Declaration, MAX_SECTION, declarations),
            wire!(Recognition, MAX_SECTION, [recognition, Recognition::default()]),
        ])
    }

    fn changes(&self) -> Result<Vec<Change>, WorldError> {
        let kind = self.world.type_ref();
        Ok(vec![
            Change::AdmitRegion(Box::new(self.card()?)),
            Change::SuspendRegion(other_region()?),
            Change::ReinstateRegion(other_region()?),
            Change::RemoveRegion(other_region()?),
            Change::SetParameters(self.world.state.charter().parameters.clone()),
            Change::RaiseVersion(VersionChange {
                subject: Versioned::Header,
                version: 2,
                from: Height(70_000),
            }),
            Change::AdmitDomain(Domain {
                domain: domain()?,
                labels: self.world.definition.labels.clone(),
                keyring: self.keyring()?,
            }),
            Change::DefineType(Box::new(self.world.definition.clone())),
            Change::ReplaceKeyring(ReplaceKeyring {
                of: Actor::Region(other_region()?),
                keyring: self.keyring()?,
            }),
            Change::SucceedRegion(SucceedRegion {
                region: other_region()?,
                successor: self.world.region()?,
            }),
            Change::CancelRotation(other_region()?),
            Change::CloseType(kind),
        ])
    }

    fn node_keys(&self) -> Result<NodeKeys, WorldError> {
        let card = self.card()?;
        Ok(NodeKeys {
            consensus_key: card.consensus_key,
            seal_key: card.seal_key,
            possession: card.possession,
            peer_id: card.peer_id,
            addresses: card.addresses,
        })
    }

    fn observer(&self) -> Result<Observer, WorldError> {
        let card = self.card()?;
        Ok(Observer {
            peer_id: card.peer_id,
            name: "省图书馆".to_owned(),
            addresses: card.addresses,
        })
    }

    fn amendments(&self) -> Result<[AmendOffice; 2], WorldError> {
        let nothing = AmendOffice {
            office: self.world.office()?,
            labels: None,
            keyring: None,
            scope: None,
            utc_offset_minutes: None,
        };
        let everything = AmendOffice {
            labels: Some(self.world.definition.labels.clone()),
            keyring: Some(self.keyring()?),
            scope: Some(self.scope()?),
            utc_offset_minutes: Some(-480),
            ..nothing.clone()
        };
        Ok([nothing, everything])
    }

    fn withdrawals(&self) -> Result<[Withdraw; 2], WorldError> {
        let bare = Withdraw {
            number: 1,
            issued_until: None,
            presented_until: None,
        };
        let dated = Withdraw {
            issued_until: Some(day("2026-06-30")?),
            presented_until: Some(UnixMillis(1_800_000_000_000)),
            ..bare.clone()
        };
        Ok([bare, dated])
    }

    fn succession(&self) -> Result<SetStatus, WorldError> {
        Ok(SetStatus {
            series: SeriesId(1),
            ranges: vec![range(1, 1)],
            change: StatusChange::Restore,
            reason: Reason::Replaced,
            effective: None,
            detail: None,
            successor: Some(successor()),
        })
    }

    /// One action of each kind that the small federation itself has not taken.
    pub(super) fn further_actions(&self) -> Result<Vec<Action>, WorldError> {
        let office = self.world.office()?;
        let proposals = self
            .changes()?
            .into_iter()
            .map(|change| Action::Propose(Box::new(change)));
        let amendments = self.amendments()?.map(|body| Action::AmendOffice(Box::new(body)));
        let terms = self.terms()?.map(|terms| Action::Recognise(Box::new(terms)));
        let withdrawals = self.withdrawals()?.map(Action::Withdraw);
        let evidence = self.evidence()?.map(|evidence| Action::Evidence(Box::new(evidence)));
        let others = [
            Action::Vote(vote()),
            Action::RotateNode(Box::new(self.node_keys()?)),
            Action::RotateAuthority(self.keyring()?),
            Action::CancelRotation(Nothing),
            Action::SetObservers(Observers {
                observers: vec![self.observer()?],
            }),
            Action::SetOffice(SetOffice {
                office: office.clone(),
                change: OfficeChange::Suspend,
            }),
            Action::SucceedOffice(SucceedOffice {
                office: office.clone(),
                successor: self.other_office()?,
            }),
            Action::CloseType(self.world.type_ref()),
            Action::SetStatus(self.succession()?),
            Action::CloseSeries(SeriesId(1)),
            Action::Delegate(delegate(self.other_office()?, self.world.type_ref())),
        ];
        let several = proposals
            .chain(amendments)
            .chain(terms)
            .chain(withdrawals)
            .chain(evidence);
        Ok(several.chain(others).collect())
    }

    pub(super) fn governed(&self) -> Result<Vec<Structure>, WorldError> {
        let changes = self.changes()?;
        let version = VersionChange {
            subject: Versioned::Record,
            version: 2,
            from: Height(70_000),
        };
        let admitted = Domain {
            domain: domain()?,
            labels: self.world.definition.labels.clone(),
            keyring: self.keyring()?,
        };
        let replaced = ReplaceKeyring {
            of: Actor::Domain(domain()?),
            keyring: self.keyring()?,
        };
        let succeeded = SucceedRegion {
            region: other_region()?,
            successor: self.world.region()?,
        };
        let observers = Observers {
            observers: vec![self.observer()?],
        };
        Ok(vec![
            wire!(DomainId, MAX_RECORD, [domain()?]),
            wire!(Change, MAX_RECORD, changes),
            wire!(Versioned, MAX_RECORD, Versioned::ALL.iter().copied()),
            wire!(VersionChange, MAX_RECORD, [version]),
            wire!(Domain, MAX_RECORD, [admitted]),
            wire!(ReplaceKeyring, MAX_RECORD, [replaced]),
            wire!(SucceedRegion, MAX_RECORD, [succeeded]),
            wire!(Vote, MAX_RECORD, [vote()]),
            wire!(NodeKeys, MAX_RECORD, [self.node_keys()?]),
            wire!(Observer, MAX_RECORD, [self.observer()?]),
            wire!(Observers, MAX_RECORD, [observers]),
            wire!(Withdraw, MAX_RECORD, self.withdrawals()?),
        ])
    }

    pub(super) fn offices(&self) -> Result<Vec<Structure>, WorldError> {
        let set = SetOffice {
            office: self.world.office()?,
            change: OfficeChange::Close,
        };
        let handed = SucceedOffice {
            office: self.world.office()?,
            successor: self.other_office()?,
        };
        let forever = Delegate {
            until: None,
            ..delegate(self.other_office()?, self.world.type_ref())
        };
        Ok(vec![
            wire!(OfficeLevel, MAX_RECORD, OfficeLevel::ALL.iter().copied()),
            wire!(Scope, MAX_RECORD, [self.scope()?, Scope::default()]),
            wire!(AmendOffice, MAX_RECORD, self.amendments()?),
            wire!(OfficeChange, MAX_RECORD, OfficeChange::ALL.iter().copied()),
            wire!(SetOffice, MAX_RECORD, [set]),
            wire!(SucceedOffice, MAX_RECORD, [handed]),
            wire!(
                Delegate,
                MAX_RECORD,
                [delegate(self.other_office()?, self.world.type_ref()), forever]
            ),
            wire!(Reason, MAX_RECORD, Reason::ALL.iter().copied()),
            wire!(Successor, MAX_RECORD, [successor()]),
            wire!(Nothing, MAX_RECORD, [Nothing]),
        ])
    }

    /// The section with everything in it that a federation comes to.
    pub(super) fn eventful_federation(&self) -> Result<Federation, WorldError> {
        let quiet = self.world.state.federation();
        let others = quiet.regions.iter().skip(1).take(1).cloned();
        let version = VersionChange {
            subject: Versioned::Record,
            version: 2,
            from: Height(70_000),
        };
        Ok(Federation {
            regions: std::iter::once(self.eventful_region()?).chain(others).collect(),
            domains: vec![self.domain_authority()?],
            versions: vec![version],
            proposals: self.proposals()?,
            scheduled: self.scheduled()?,
            evidence: self.evidence_entries()?,
            ..quiet.clone()
        })
    }

    /// A directory with everything in it that offices come to.
    pub(super) fn eventful_directory(&self) -> Result<Directory, WorldError> {
        let mut directory = self.directory()?.clone();
        for office in &mut directory.offices {
            office.parent = Some(self.world.office()?.code);
            office.scope = self.scope()?;
            office.suspended = Some(Height(20));
            office.closed = Some(Height(30));
            office.succession = Some(self.succession_of_office()?);
            office.delegations = self.delegations()?;
        }
        for series in &mut directory.series {
            series.frozen = None;
            series.closed = Some(Height(40));
        }
        Ok(directory)
    }

    /// A region to which everything has happened.
    fn eventful_region(&self) -> Result<Region, WorldError> {
        let quiet = self.world.state.federation().regions.first().ok_or("no region")?;
        let term = quiet.terms.first().ok_or("no term")?;
        let ended = Term {
            until: Some(Height(70)),
            ..term.clone()
        };
        let begun = Term {
            from: Height(70),
            ..term.clone()
        };
        Ok(Region {
            rotation: Some(Rotation {
                keyring: self.keyring()?,
                from: self.world.state.tip().time,
            }),
            observers: vec![self.observer()?],
            terms: vec![ended, begun],
            suspended: Some(Height(80)),
            removed: Some(Height(90)),
            successor: Some(other_region()?),
            ..quiet.clone()
        })
    }

    fn domain_authority(&self) -> Result<DomainAuthority, WorldError> {
        Ok(DomainAuthority {
            domain: domain()?,
            labels: self.world.definition.labels.clone(),
            keyring: self.keyring()?,
            since: Height(5),
        })
    }

    fn proposals(&self) -> Result<Vec<Proposal>, WorldError> {
        let proposal = |change| {
            Ok(Proposal {
                id: Digest([3; 32]),
                proposer: self.world.region()?,
                change,
                open_until: self.world.state.tip().time,
                approvals: vec![self.world.region()?],
                refusals: vec![other_region()?],
            })
        };
        self.changes()?.into_iter().take(2).map(proposal).collect()
    }

    fn evidence_entries(&self) -> Result<Vec<EvidenceEntry>, WorldError> {
        let entry = |evidence: &Evidence| EvidenceEntry {
            place: evidence.place(),
            record: Digest([2; 32]),
            recorded: Height(301),
        };
        Ok(self.evidence()?.iter().map(entry).collect())
    }

    fn scheduled(&self) -> Result<Vec<Scheduled>, WorldError> {
        let changes = self.changes()?.into_iter().take(2);
        Ok(changes.map(|change| Scheduled { at: Height(9), change }).collect())
    }

    fn delegations(&self) -> Result<Vec<Delegation>, WorldError> {
        Ok(vec![Delegation {
            to: self.other_office()?,
            kind: self.world.type_ref().id,
            until: UnixMillis(u64::MAX),
        }])
    }

    fn succession_of_office(&self) -> Result<Succession, WorldError> {
        Ok(Succession {
            to: self.other_office()?,
            at: Height(12),
        })
    }

    /// The parts of the sections that the rule book brought.
    pub(super) fn kept(&self) -> Result<Vec<Structure>, WorldError> {
        let region = self.eventful_region()?;
        let rotations: Vec<Rotation> = region.rotation.iter().cloned().collect();
        let quiet = self.world.state.federation().regions.clone();
        let names = self.directory()?.offices.iter().flat_map(|office| office.names.clone());
        let names: Vec<OfficeName> = names.collect();
        let entries = self.world.state.catalogue().types.clone();
        let closed = entries.iter().cloned().map(|entry| CatalogueEntry {
            closed: Some(Height(8)),
            ..entry
        });
        let closed: Vec<CatalogueEntry> = closed.collect();
        Ok(vec![
            wire!(Term, MAX_SECTION, region.terms.clone()),
            wire!(Rotation, MAX_SECTION, rotations),
            wire!(Region, MAX_SECTION, quiet.into_iter().take(1).chain([region])),
            wire!(DomainAuthority, MAX_SECTION, [self.domain_authority()?]),
            wire!(Proposal, MAX_SECTION, self.proposals()?),
            wire!(Scheduled, MAX_SECTION, self.scheduled()?),
            wire!(EvidenceEntry, MAX_SECTION, self.evidence_entries()?),
            wire!(OfficeName, MAX_SECTION, names),
            wire!(Delegation, MAX_SECTION, self.delegations()?),
            wire!(Succession, MAX_SECTION, [self.succession_of_office()?]),
            wire!(CatalogueEntry, MAX_SECTION, entries.into_iter().chain(closed)),
            wire!(
                Classification,
                MAX_SECTION,
                [Classification::default(), classification()]
            ),
            wire!(Sensitivity, MAX_SECTION, Sensitivity::ALL.iter().copied()),
            wire!(Printed, MAX_SECTION, Printed::ALL.iter().copied()),
            wire!(Category, MAX_SECTION, Category::ALL.iter().copied()),
            wire!(Grade, MAX_SECTION, Grade::ALL.iter().copied()),
            wire!(Sharing, MAX_SECTION, Sharing::ALL.iter().copied()),
        ])
    }
}

fn other_region() -> Result<RegionId, WorldError> {
    Ok(RegionId::new("120000")?)
}

pub(super) fn domain() -> Result<DomainId, WorldError> {
    Ok(DomainId::new("transport")?)
}

fn vote() -> Vote {
    Vote {
        proposal: Digest([3; 32]),
        approve: true,
    }
}

fn successor() -> Successor {
    Successor {
        first: CredentialId {
            series: SeriesId(2),
            number: Number(9),
        },
        relation: Relation::Replaces,
    }
}

fn delegate(to: OfficeId, kind: TypeRef) -> Delegate {
    Delegate {
        to,
        kind: kind.id,
        until: Some(UnixMillis(1_800_000_000_000)),
    }
}

fn classification() -> Classification {
    Classification {
        category: Category::Basic,
        sector: Some("transport".to_owned()),
        grade: Grade::Core,
        sharing: Sharing::None,
        retention_days: Some(3_650),
        max_validity_days: Some(36_500),
        gb_type_code: Some("11100000000013338W011".to_owned()),
        template: Some(Digest([8; 32])),
    }
}

fn read_card(bytes: &[u8]) -> Result<Card, CodecError> {
    use crate::charter::card::CardError;
    Card::from_bytes(bytes).map_err(|error| match error {
        CardError::Unreadable(codec) => codec,
        CardError::Names(_)
        | CardError::Possession(_)
        | CardError::PeerId { .. }
        | CardError::Addresses(_)
        | CardError::Signatures { .. }
        | CardError::Incomplete { .. } => CodecError::Invalid { what: "card" },
    })
}

fn read_signed_charter(bytes: &[u8]) -> Result<SignedCharter, CodecError> {
    use crate::charter::signed::SignedCharterError;
    SignedCharter::from_bytes(bytes).map_err(|error| match error {
        SignedCharterError::Unreadable(codec) => codec,
        SignedCharterError::Charter(_)
        | SignedCharterError::Order
        | SignedCharterError::Stranger(_)
        | SignedCharterError::Signatures { .. }
        | SignedCharterError::Signing(_)
        | SignedCharterError::OtherCharter { .. } => CodecError::Invalid { what: "signed charter" },
    })
}
