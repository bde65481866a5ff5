//! Every structure with a decoder, with encodings of it from the small federation: what the tests of the decoders
//! (`spec/tests/decoders.rs`) and their fuzz targets (`tests/fuzz`) run on.
//!
//! A structure that is missing here makes that test fail.

mod bundles;
mod presented;
mod proofs;
mod rules;

use super::{World, WorldError};
use crate::block::{Block, Header, IssueEssence, MAX_BLOCK, Rest};
use crate::bundle::{MAX_BUNDLE, SeriesEntry};
use crate::catalogue::{ClaimDefinition, ClaimKind, Label, TypeDefinition, TypeRef};
use crate::certificate::{Certificate, MAX_CERTIFICATE};
use crate::charter::card::{Card, MAX_CARD, UncheckedCard};
use crate::charter::signed::{MAX_SIGNED_CHARTER, RegionSignatures, SignedCharter, UncheckedSignedCharter};
use crate::charter::{Address, Charter, CharterRegion, KeySignature, MAX_CHARTER, Parameters};
use crate::codec::{self, CodecError, Reader};
use crate::content::{
    Attachment, ClaimValue, Content, CopyOf, Holder, Named, Predecessor, Provenance, Relation, Role, Validity,
};
use crate::cose::{Sign1, Signed};
use crate::credential::{Credential, MAX_CREDENTIAL, SignedCredential};
use crate::day::Day;
use crate::digest::Digest;
use crate::epochs::{self, Handover, MAX_HISTORY, RegionHistory};
use crate::id::{
    ChainName, CredentialId, Height, Number, OfficeCode, OfficeId, RegionId, SeriesId, TypeId, TypeVersion, UnixMillis,
};
use crate::key::keyring::Keyring;
use crate::key::{ProofOfPossession, PublicKey, SealPublicKey, SealShare, SealSignature, Signature};
use crate::ledger::{Catalogue, Directory, Federation, MAX_SECTION, Office, SectionName, SectionRoot, Series};
use crate::merkle::Frontier;
use crate::receipt::{HashPath, MAX_RECEIPT, Receipt};
use crate::record::{
    Action, Actor, Issue, MAX_RECORD, NumberRange, OpenSeries, Payload, RegisterOffice, SetStatus, SignedRecord,
    StatusChange,
};
use crate::seal::{Member, RegionSet, Seal};
use crate::status::{SeriesStatus, StatusKind, StatusSet};

/// A structure with a decoder.
#[derive(Debug, Clone)]
pub struct Structure {
    /// Its path, as in `concord_spec::block::Header`.
    pub name: &'static str,
    /// Most bytes of an encoding; for what is only a part of others, of those.
    pub max: usize,
    /// Encodings of different shapes.
    pub samples: Vec<Vec<u8>>,
    /// Decodes as programs do, and encodes again.
    pub decode: fn(&[u8]) -> Result<Vec<u8>, CodecError>,
    /// Reads without the checks before (length, canonical form) and after (encoding again), so that a claimed length meets
    /// the structure's own bound.
    pub read: fn(&[u8]) -> Result<(), CodecError>,
}

/// A structure that `codec::from_slice` decodes whole.
macro_rules! wire {
    ($type:ty, $max:expr, $values:expr) => {
        Structure {
            name: std::any::type_name::<$type>(),
            max: $max,
            samples: $values
                .into_iter()
                .map(|value: $type| $crate::codec::to_vec(&value))
                .collect(),
            decode: |bytes| $crate::codec::from_slice::<$type>(bytes, $max).map(|value| $crate::codec::to_vec(&value)),
            read: |bytes| $crate::codec::Reader::new(bytes).wire::<$type>().map(|_| ()),
        }
    };
}

use wire;

/// The body of an action of one kind.
macro_rules! body {
    ($action:expr, $kind:ident) => {
        if let Action::$kind(body) = $action {
            Some(body)
        } else {
            None
        }
    };
}

/// Every structure, by the order in which data flow.
///
/// # Errors
/// A sample that could not be made, which is a defect.
pub fn structures() -> Result<Vec<Structure>, WorldError> {
    let samples = Samples::new()?;
    let rules = [
        samples.votes()?,
        samples.ceremony()?,
        samples.recognised()?,
        samples.governed()?,
        samples.offices()?,
        samples.kept()?,
    ];
    let parts = [
        samples.names()?,
        samples.keys()?,
        samples.certified()?,
        samples.presented()?,
        samples.status()?,
    ];
    let chain = [
        samples.founding()?,
        samples.sections()?,
        samples.records()?,
        samples.sealed()?,
        samples.changed()?,
        samples.bundles()?,
        samples.proofs()?,
    ];
    Ok(parts.into_iter().chain(chain).chain(rules).flatten().collect())
}

/// A world of two regions in which everything has happened once.
struct Samples {
    world: World,
    certificates: Vec<Certificate>,
    records: Vec<SignedRecord>,
}

impl Samples {
    fn new() -> Result<Self, WorldError> {
        let mut world = World::with_series(2, "structures")?;
        let certificates = world.issue(3)?;
        let revoke = SetStatus {
            series: SeriesId(1),
            ranges: vec![range(0, 1), range(2, 1)],
            change: StatusChange::Set(StatusKind::Revoked),
            reason: crate::status::Reason::Lapsed,
            effective: Some(world.state.tip().time),
            detail: Some(Digest([7; 32])),
            successor: None,
        };
        for action in [Action::SetStatus(revoke), Action::FreezeSeries(SeriesId(1))] {
            let record = world.by_office(action)?;
            world.append(vec![record])?;
        }
        let blocks = world.blocks.iter();
        let records = blocks.flat_map(|(block, _)| block.records.iter().map(|record| (**record).clone()));
        let records = records.collect();
        let mut samples = Self {
            world,
            certificates,
            records,
        };
        // Signed by somebody: whether they are allowed is not for a decoder.
        for action in samples.further_actions()? {
            let record = samples.world.by_region(action)?;
            samples.records.push(record);
        }
        Ok(samples)
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.world.blocks.iter().map(|(block, _)| block)
    }

    fn actions(&self) -> impl Iterator<Item = &Action> {
        self.records.iter().map(|record| &record.payload().action)
    }

    fn bodies<T: Clone>(&self, body: impl Fn(&Action) -> Option<&T>) -> Vec<T> {
        self.actions().filter_map(body).cloned().collect()
    }

    fn directory(&self) -> Result<&Directory, WorldError> {
        Ok(self
            .world
            .state
            .directory(&self.world.region()?)
            .ok_or("no directory")?)
    }

    fn names(&self) -> Result<Vec<Structure>, WorldError> {
        let type_ref = self.world.type_ref();
        let credential = CredentialId {
            series: SeriesId(7),
            number: Number(70_000),
        };
        Ok(vec![
            wire!(Digest, MAX_RECORD, [Digest([9; 32])]),
            wire!(RegionId, MAX_RECORD, [self.world.region()?]),
            wire!(OfficeCode, MAX_RECORD, [self.world.office()?.code]),
            wire!(TypeId, MAX_RECORD, [type_ref.id.clone()]),
            wire!(ChainName, MAX_RECORD, [self.world.state.charter().chain.clone()]),
            wire!(SeriesId, MAX_RECORD, [SeriesId(1), SeriesId(u32::MAX)]),
            wire!(Number, MAX_RECORD, [Number(0), Number(u64::MAX)]),
            wire!(Height, MAX_RECORD, [Height(24), Height(70_000)]),
            wire!(UnixMillis, MAX_RECORD, [self.world.state.tip().time]),
            wire!(TypeVersion, MAX_RECORD, [TypeVersion(1), TypeVersion(300)]),
            wire!(OfficeId, MAX_RECORD, [self.world.office()?]),
            wire!(CredentialId, MAX_RECORD, [credential]),
            wire!(Day, MAX_RECORD, [day("2026-01-01")?, day("1912-01-01")?]),
            wire!(TypeRef, MAX_RECORD, [type_ref]),
        ])
    }

    fn keys(&self) -> Result<Vec<Structure>, WorldError> {
        let region = self.world.state.charter().regions.first().ok_or("no region")?;
        let keyrings = self.directory()?.offices.iter().map(|office| office.keyring.clone());
        let signature = self.records.iter().flat_map(|record| record.envelope().signatures());
        let signatures = signature.map(|(_, signature)| *signature).take(1);
        let share = self.world.shares(self.blocks().next().ok_or("no block")?, 0, [0])?;
        let (_, seal) = self.world.blocks.first().ok_or("no seal")?;
        Ok(vec![
            wire!(PublicKey, MAX_RECORD, [region.consensus_key]),
            wire!(Signature, MAX_RECORD, signatures),
            wire!(SealPublicKey, MAX_RECORD, [region.seal_key.clone()]),
            wire!(ProofOfPossession, MAX_RECORD, [region.possession]),
            wire!(SealShare, MAX_RECORD, share.into_iter().map(|(_, share)| share)),
            wire!(SealSignature, MAX_RECORD, [seal.signature]),
            wire!(Keyring, MAX_RECORD, keyrings.chain([region.authority.clone()])),
            wire!(
                Signed,
                MAX_RECORD,
                self.records.iter().map(|record| record.envelope().clone())
            ),
        ])
    }

    fn certified(&self) -> Result<Vec<Structure>, WorldError> {
        let definition = &self.world.definition;
        let kinds = [ClaimKind::Text(64), ClaimKind::Integer];
        let kinds = kinds
            .into_iter()
            .chain(definition.claims.iter().map(|claim| claim.kind.clone()));
        let credentials = self
            .certificates
            .iter()
            .map(|certificate| certificate.credential.clone());
        let credentials: Vec<SignedCredential> = credentials
            .chain([self.world.certify(3, full(self.world.content(3)?)?)?])
            .collect();
        let selective = self.selective()?;
        let contents = || credentials.iter().map(|signed| signed.credential().content.clone());
        let holders = || contents().flat_map(|content| content.holders);
        let own = contents().flat_map(|content| content.own.into_values());
        let own = own.chain([ClaimValue::Integer(-70_000)]);
        let anchored = Provenance::Anchored(Digest([5; 32]));
        let provenance = contents().map(|content| content.provenance).chain([anchored]);
        let provenance = provenance.filter(|from| *from != Provenance::Native);
        let claims = credentials.iter().map(|signed| signed.credential().clone());
        let envelopes = credentials
            .iter()
            .map(|signed| Sign1::from_bytes(signed.bytes(), MAX_CREDENTIAL));
        let envelopes = envelopes.collect::<Result<Vec<_>, _>>()?;
        Ok(vec![
            wire!(Label, MAX_RECORD, definition.labels.clone()),
            wire!(ClaimKind, MAX_RECORD, kinds),
            wire!(ClaimDefinition, MAX_RECORD, definition.claims.clone()),
            wire!(TypeDefinition, MAX_RECORD, [definition.clone()]),
            wire!(Named, MAX_CREDENTIAL, contents().map(|content| content.issued_by)),
            wire!(Role, MAX_CREDENTIAL, holders().map(|holder| holder.role)),
            wire!(Holder, MAX_CREDENTIAL, holders()),
            wire!(Validity, MAX_CREDENTIAL, contents().map(|content| content.validity)),
            wire!(Provenance, MAX_CREDENTIAL, provenance),
            wire!(Relation, MAX_CREDENTIAL, [Relation::Renews, Relation::Transfers]),
            wire!(
                Predecessor,
                MAX_CREDENTIAL,
                contents().filter_map(|content| content.predecessor)
            ),
            wire!(CopyOf, MAX_CREDENTIAL, contents().filter_map(|content| content.copy)),
            wire!(
                Attachment,
                MAX_CREDENTIAL,
                contents().flat_map(|content| content.attachments)
            ),
            wire!(ClaimValue, MAX_CREDENTIAL, own),
            wire!(Content, MAX_CREDENTIAL, contents()),
            wire!(Credential, MAX_CREDENTIAL, claims),
            wire!(Sign1, MAX_CREDENTIAL, envelopes),
            presented::signed(&credentials, &selective),
        ])
    }

    fn status(&self) -> Result<Vec<Structure>, WorldError> {
        let mut status = SeriesStatus::issued_up_to(9_000);
        for (kind, first, count) in [
            (StatusKind::Annulled, 8_192, 1),
            (StatusKind::Revoked, 5, 700),
            (StatusKind::Superseded, 0, 8_999),
            (StatusKind::Annotated, 3, 1),
        ] {
            status.insert(kind, first, count);
        }
        let sets = StatusKind::ALL.map(|kind| status.set(kind).clone());
        let recorded = self
            .world
            .state
            .series_status(SeriesId(1))
            .ok_or("no series 1")?
            .clone();
        let entry = SeriesEntry {
            series: SeriesId(1),
            status: status.clone(),
        };
        Ok(vec![
            wire!(StatusKind, MAX_RECORD, StatusKind::ALL),
            wire!(StatusSet, MAX_SECTION, sets),
            wire!(SeriesStatus, MAX_SECTION, [status, recorded]),
            wire!(SeriesEntry, MAX_BUNDLE, [entry]),
        ])
    }

    fn founding(&self) -> Result<Vec<Structure>, WorldError> {
        let charter = self.world.state.charter();
        let set = self.world.state.region_set();
        let addresses = charter.regions.iter().flat_map(|region| region.addresses.clone());
        let mut signed = SignedCharter::new(charter.clone())?;
        for (region, key) in charter.regions.iter().zip(&self.world.authorities).take(2) {
            signed.sign(&region.region, key)?;
        }
        let first = charter.regions.first().ok_or("no region")?;
        let mut card = Card::new(CharterRegion {
            peer_id: "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp".to_owned(),
            ..first.clone()
        })?;
        let unsigned = card.unchecked();
        card.sign(self.world.authorities.first().ok_or("no authority")?)?;
        let signatures = RegionSignatures {
            region: first.region.clone(),
            signatures: card.signatures().to_vec(),
        };
        Ok(vec![
            wire!(Member, MAX_RECORD, set.members().to_vec()),
            wire!(RegionSet, MAX_CHARTER, [(**set).clone()]),
            wire!(Address, MAX_CHARTER, addresses),
            wire!(CharterRegion, MAX_CHARTER, charter.regions.clone()),
            wire!(Parameters, MAX_CHARTER, [charter.parameters.clone()]),
            wire!(Charter, MAX_CHARTER, [charter.clone()]),
            wire!(KeySignature, MAX_CARD, card.signatures().to_vec()),
            wire!(UncheckedCard, MAX_CARD, [unsigned, card.unchecked()]),
            wire!(RegionSignatures, MAX_SIGNED_CHARTER, [signatures]),
            wire!(UncheckedSignedCharter, MAX_SIGNED_CHARTER, [signed.unchecked()]),
        ])
    }

    fn sections(&self) -> Result<Vec<Structure>, WorldError> {
        let state = &self.world.state;
        let directories = [
            self.directory()?.clone(),
            self.eventful_directory()?,
            Directory::default(),
        ];
        let offices = directories.iter().flat_map(|directory| directory.offices.clone());
        let roots = state.section_roots();
        let names = roots
            .iter()
            .map(|root| root.name.clone())
            .chain([SectionName::Recognition]);
        Ok(vec![
            wire!(
                Federation,
                MAX_SECTION,
                [state.federation().clone(), self.eventful_federation()?]
            ),
            wire!(
                Catalogue,
                MAX_SECTION,
                [state.catalogue().clone(), Catalogue::default()]
            ),
            wire!(Office, MAX_SECTION, offices),
            wire!(
                Series,
                MAX_SECTION,
                directories.iter().flat_map(|directory| directory.series.clone())
            ),
            wire!(Directory, MAX_SECTION, directories.clone()),
            wire!(SectionName, MAX_SECTION, names),
            wire!(SectionRoot, MAX_SECTION, roots.clone()),
        ])
    }

    fn records(&self) -> Result<Vec<Structure>, WorldError> {
        let named = [Actor::Region(self.world.region()?), Actor::Office(self.world.office()?)];
        let actors = named
            .into_iter()
            .chain([Actor::Domain(rules::domain()?), Actor::Nobody]);
        let revoke: Vec<SetStatus> = self.bodies(|action| body!(action, SetStatus));
        let bare = revoke.iter().cloned().map(|body| SetStatus {
            change: StatusChange::Reinstate,
            effective: None,
            detail: None,
            ..body
        });
        let changes = StatusKind::ALL
            .map(StatusChange::Set)
            .into_iter()
            .chain([StatusChange::Reinstate]);
        Ok(vec![
            wire!(Actor, MAX_RECORD, actors),
            wire!(
                RegisterOffice,
                MAX_RECORD,
                self.bodies(|action| body!(action, RegisterOffice))
            ),
            wire!(OpenSeries, MAX_RECORD, self.bodies(|action| body!(action, OpenSeries))),
            wire!(Issue, MAX_RECORD, self.bodies(|action| body!(action, Issue))),
            wire!(NumberRange, MAX_RECORD, [range(70_000, 4)]),
            wire!(StatusChange, MAX_RECORD, changes),
            wire!(SetStatus, MAX_RECORD, revoke.iter().cloned().chain(bare)),
            wire!(Action, MAX_RECORD, self.actions().cloned()),
            wire!(
                Payload,
                MAX_RECORD,
                self.records.iter().map(|record| record.payload().clone())
            ),
            Structure {
                name: std::any::type_name::<SignedRecord>(),
                max: MAX_RECORD,
                samples: self.records.iter().map(|record| record.bytes().to_vec()).collect(),
                decode: |bytes| SignedRecord::from_bytes(bytes).map(|record| record.bytes().to_vec()),
                read: |bytes| SignedRecord::from_bytes(bytes).map(|_| ()),
            },
        ])
    }

    fn sealed(&self) -> Result<Vec<Structure>, WorldError> {
        let seals = self.world.blocks.iter().map(|(_, seal)| seal.clone());
        let essence = IssueEssence {
            series: SeriesId(1),
            first: Number(0),
            count: 3,
        };
        let mut history = Frontier::new();
        (0..7).for_each(|leaf| history.push(Digest([leaf; 32])));
        let receipts = self
            .certificates
            .iter()
            .map(|certificate| certificate.receipt.clone())
            .take(1);
        let paths = self
            .certificates
            .iter()
            .map(|certificate| certificate.batch_path.clone());
        let (founding, seal) = self.world.blocks.first().ok_or("no block")?;
        let handover = Handover {
            header: founding.header,
            rest: founding.rest.clone(),
            seal: seal.clone(),
        };
        let change = epochs::Change {
            handover: handover.clone(),
            regions: (**self.world.state.region_set()).clone(),
        };
        let history_of_regions = RegionHistory {
            height: Height(70_000),
            changes: vec![change.clone()],
        };
        Ok(vec![
            wire!(IssueEssence, MAX_RECEIPT, [essence]),
            wire!(Header, MAX_BLOCK, self.blocks().map(|block| block.header)),
            wire!(Rest, MAX_BLOCK, self.blocks().map(|block| block.rest.clone()).take(1)),
            Structure {
                name: std::any::type_name::<Block>(),
                max: MAX_BLOCK,
                samples: self.blocks().map(codec::to_vec).collect(),
                decode: |bytes| Block::from_bytes(bytes).map(|block| codec::to_vec(&block)),
                read: |bytes| Reader::new(bytes).wire::<Block>().map(|_| ()),
            },
            wire!(Seal, MAX_RECEIPT, seals.take(1)),
            wire!(Frontier, MAX_SECTION, [history, Frontier::new()]),
            wire!(HashPath, MAX_RECEIPT, paths),
            wire!(Receipt, MAX_RECEIPT, receipts),
            wire!(Certificate, MAX_CERTIFICATE, self.certificates.clone()),
            wire!(Handover, MAX_BUNDLE, [handover]),
            wire!(epochs::Change, MAX_HISTORY, [change]),
            wire!(RegionHistory, MAX_HISTORY, [history_of_regions]),
        ])
    }
}

fn range(first: u64, count: u64) -> NumberRange {
    NumberRange {
        first: Number(first),
        count,
    }
}

fn day(text: &str) -> Result<Day, WorldError> {
    Ok(text.parse()?)
}

/// The same content with every optional claim.
fn full(content: Content) -> Result<Content, WorldError> {
    let guardian = Holder {
        role: Role::Guardian,
        name: "王芳".to_owned(),
        latin_name: None,
        code_type: None,
        code: None,
        key: Some(crate::key::SecretKey::from_seed([1; 32]).public()),
    };
    let holders = content.holders.iter().cloned().chain([guardian]).collect();
    Ok(Content {
        identifier: Some("1.2.156.3005.2".to_owned()),
        on_behalf_of: Some(content.issued_by.clone()),
        holders,
        validity: Validity::NoEnd,
        provenance: Provenance::Attested {
            register: "省机动车登记系统".to_owned(),
            on: day("2025-12-31")?,
        },
        predecessor: Some(Predecessor {
            id: CredentialId {
                series: SeriesId(1),
                number: Number(0),
            },
            relation: Relation::Renews,
        }),
        copy: Some(CopyOf { number: 1, of: 2 }),
        territory: Some("长三角".to_owned()),
        languages: vec!["zh".to_owned(), "en".to_owned()],
        attachments: vec![Attachment {
            role: "portrait".to_owned(),
            media_type: "image/jpeg".to_owned(),
            length: 20_480,
            digest: Digest([6; 32]),
        }],
        ..content
    })
}
