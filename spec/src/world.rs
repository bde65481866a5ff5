//! A small federation with keys from seeds: for tests, vectors and benchmarks, never for a real ledger.
//! Everything is made by the same code as in a real one; only keys, salts and times are not random.

mod proofs;
pub mod structures;

use crate::block::Block;
use crate::bundle::{Anchor, Checkpoint, Course, Delta, Selection, TrustBundle, TrustedState};
use crate::catalogue::{
    ClaimDefinition, ClaimKind, Classification, Label, Printed, Sensitivity, TypeDefinition, TypeRef,
};
use crate::certificate::Certificate;
use crate::charter::{Address, Charter, CharterRegion, Parameters};
use crate::codec;
use crate::content::{ClaimValue, Content, Holder, Named, Provenance, Role, Validity};
use crate::credential::{Credential, Issuer, Salts, SignedCredential};
use crate::day::Day;
use crate::epochs::Handover;
use crate::id::{
    ChainName, CredentialId, Height, Number, OfficeCode, OfficeId, RegionId, SeriesId, TypeId, TypeVersion, UnixMillis,
};
use crate::key::bls::{SealSecretKey, SealShare};
use crate::key::ed25519::{PublicKey, SecretKey};
use crate::key::keyring::Keyring;
use crate::ledger::{Changes, CheckEach, LedgerState, Limits, Touched};
use crate::merkle;
use crate::receipt::{HashPath, Receipt};
use crate::record::{
    Action, Actor, Change, Issue, OfficeLevel, OpenSeries, Payload, RegisterOffice, Scope, SignedRecord, Vote,
};
use crate::seal::{Seal, seal_message};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Codes of regions, GB/T 2260 provinces, as many as a world may have.
pub const REGION_CODES: [&str; 34] = [
    "110000", "120000", "130000", "140000", "150000", "210000", "220000", "230000", "310000", "320000", "330000",
    "340000", "350000", "360000", "370000", "410000", "420000", "430000", "440000", "450000", "460000", "500000",
    "510000", "520000", "530000", "540000", "610000", "620000", "630000", "640000", "650000", "710000", "810000",
    "820000",
];

/// Genesis of every world: 2026-01-01T00:00:00Z.
pub const GENESIS: UnixMillis = UnixMillis(1_767_225_600_000);

/// A federation, its keys and its ledger.
#[derive(Debug)]
pub struct World {
    /// The state after the last block.
    pub state: LedgerState,
    /// Every block with its seal, from height 1.
    pub blocks: Vec<(Block, Seal)>,
    /// Authority keys by region.
    pub authorities: Vec<SecretKey>,
    /// Seal keys: those of the founding regions in order, then any that came later.
    pub seal_keys: Vec<SealSecretKey>,
    /// Keys of the office's keyring, two of which sign.
    pub office_keys: Vec<SecretKey>,
    /// The key of the series.
    pub series_key: SecretKey,
    /// The type that the office issues.
    pub definition: TypeDefinition,
    /// What each block touched.
    touched: Vec<Touched>,
    nonce: u64,
}

fn seed(kind: &str, index: u64) -> [u8; 32] {
    crate::digest::sha256(&[b"concord/world", kind.as_bytes(), &index.to_be_bytes()]).0
}

fn at(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(0)
}

/// A driving licence with two claims of its own.
fn definition() -> Result<TypeDefinition, WorldError> {
    let label = |text: &str| {
        vec![Label {
            language: "zh".to_owned(),
            text: text.to_owned(),
        }]
    };
    let claim = |key, kind, text: &str| ClaimDefinition {
        key,
        kind,
        required: true,
        labels: label(text),
        selective: false,
        sensitivity: Sensitivity::Public,
        printed: Printed::Shown,
    };
    Ok(TypeDefinition {
        reference: TypeRef {
            id: TypeId::new("110000.drivers-licence")?,
            version: TypeVersion(1),
        },
        labels: label("机动车驾驶证"),
        claims: vec![
            claim(100, ClaimKind::Code(vec!["A1".to_owned(), "C1".to_owned()]), "准驾车型"),
            claim(101, ClaimKind::Day, "初次领证日期"),
        ],
        classification: Classification::default(),
    })
}

/// The card of the `index`-th region.
fn card_of(index: usize) -> Result<CharterRegion, WorldError> {
    let code = REGION_CODES.get(index).ok_or("a world has at most 34 regions")?;
    let seal_key = SealSecretKey::from_seed(seed("seal", at(index)))?;
    Ok(CharterRegion {
        region: RegionId::new(code)?,
        labels: vec![Label {
            language: "zh".to_owned(),
            text: format!("地区{code}"),
        }],
        authority: Keyring::new(1, vec![authority(index).public()])?,
        consensus_key: consensus_key(index).public(),
        seal_key: seal_key.public(),
        possession: seal_key.prove_possession(),
        peer_id: format!("peer-{code}"),
        addresses: vec![Address {
            multiaddr: "/ip4/127.0.0.1/tcp/1".to_owned(),
        }],
    })
}

/// The authority key of the `index`-th region.
#[must_use]
pub fn authority(index: usize) -> SecretKey {
    SecretKey::from_seed(seed("authority", at(index)))
}

/// The consensus key of the `index`-th region.
#[must_use]
pub fn consensus_key(index: usize) -> SecretKey {
    SecretKey::from_seed(seed("consensus", at(index)))
}

/// Why a world could not be made; its own parts are always valid, so this is a defect.
pub type WorldError = Box<dyn std::error::Error + Send + Sync>;

impl World {
    /// A federation of 1 to 34 regions, at height 0. `chain` names it.
    ///
    /// # Errors
    /// More regions than there are codes.
    pub fn new(regions: usize, chain: &str) -> Result<Self, WorldError> {
        let authorities: Vec<SecretKey> = (0..regions).map(authority).collect();
        let seal_keys = (0..regions)
            .map(|index| SealSecretKey::from_seed(seed("seal", at(index))))
            .collect::<Result<Vec<_>, _>>()?;
        let members = (0..regions).map(card_of).collect::<Result<Vec<_>, _>>()?;
        let charter = Charter {
            chain: ChainName::new(chain)?,
            genesis: GENESIS,
            regions: members,
            parameters: Parameters {
                heartbeat_ms: crate::charter::DEFAULT_HEARTBEAT_MS,
            },
        };
        Ok(Self {
            state: LedgerState::genesis(charter)?,
            blocks: Vec::new(),
            authorities,
            seal_keys,
            office_keys: (0..3)
                .map(|index| SecretKey::from_seed(seed("office", index)))
                .collect(),
            series_key: SecretKey::from_seed(seed("series", 0)),
            definition: definition()?,
            touched: Vec::new(),
            nonce: 0,
        })
    }

    /// A federation whose first region has an office (two of three keys) with a type and series 1, at height 3.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn with_series(regions: usize, chain: &str) -> Result<Self, WorldError> {
        Self::with_type(regions, chain, definition()?)
    }

    /// As [`World::with_series`], with another type: one of the first region, in its first version.
    ///
    /// # Errors
    /// As [`World::new`], and a definition that the rules refuse.
    pub fn with_type(regions: usize, chain: &str, definition: TypeDefinition) -> Result<Self, WorldError> {
        let mut world = Self::new(regions, chain)?;
        world.definition = definition;
        let setting_up = [world.office_registration()?, world.type_definition()];
        for action in setting_up {
            let record = world.by_region(action)?;
            world.append(vec![record])?;
        }
        let open = OpenSeries {
            of: world.type_ref(),
            desk: "窗口1".to_owned(),
            key: world.series_key.public(),
        };
        let record = world.by_office(Action::OpenSeries(open))?;
        world.append(vec![record])?;
        Ok(world)
    }

    /// The first region.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn region(&self) -> Result<RegionId, WorldError> {
        Ok(RegionId::new(REGION_CODES[0])?)
    }

    /// The office.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn office(&self) -> Result<OfficeId, WorldError> {
        Ok(OfficeId {
            region: self.region()?,
            code: OfficeCode::new("11110000000000001X")?,
        })
    }

    /// The type, version 1.
    #[must_use]
    pub fn type_ref(&self) -> TypeRef {
        self.definition.reference.clone()
    }

    /// The action that registers the office.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn office_registration(&self) -> Result<Action, WorldError> {
        Ok(Action::RegisterOffice(RegisterOffice {
            code: self.office()?.code,
            labels: vec![Label {
                language: "zh".to_owned(),
                text: "公安局交通管理局".to_owned(),
            }],
            keyring: Keyring::new(2, self.office_keys.iter().map(SecretKey::public).collect())?,
            level: OfficeLevel::Province,
            scope: Scope::of_types(vec![self.type_ref().id]),
            utc_offset_minutes: 480,
        }))
    }

    /// The action that defines the type.
    #[must_use]
    pub fn type_definition(&self) -> Action {
        Action::DefineType(Box::new(self.definition.clone()))
    }

    /// A payload for this chain, an hour before it expires, with a nonce of its own.
    #[must_use]
    pub fn payload(&mut self, actor: Actor, action: Action) -> Payload {
        self.nonce = self.nonce.saturating_add(1);
        let mut nonce = [0; 16];
        nonce[8..].copy_from_slice(&self.nonce.to_be_bytes());
        let not_after = UnixMillis(self.state.tip().time.0.saturating_add(3_600_000));
        Payload {
            chain_id: self.state.chain_id(),
            not_after,
            nonce,
            actor,
            action,
        }
    }

    /// A record of the first region.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn by_region(&mut self, action: Action) -> Result<SignedRecord, WorldError> {
        let actor = Actor::Region(self.region()?);
        let payload = self.payload(actor, action);
        let authority = self.authorities.first().ok_or("no region")?;
        Ok(SignedRecord::sign(payload, &[authority]))
    }

    /// A record of the `index`-th region, founding or not.
    ///
    /// # Errors
    /// No such region.
    pub fn by_region_at(&mut self, index: usize, action: Action) -> Result<SignedRecord, WorldError> {
        let code = REGION_CODES.get(index).ok_or("no such region")?;
        let payload = self.payload(Actor::Region(RegionId::new(code)?), action);
        Ok(SignedRecord::sign(payload, &[&authority(index)]))
    }

    /// The card of the `index`-th region, whose seal key seals blocks from then on when it is in force.
    ///
    /// # Errors
    /// No such region.
    pub fn card(&mut self, index: usize) -> Result<CharterRegion, WorldError> {
        self.seal_keys.push(SealSecretKey::from_seed(seed("seal", at(index)))?);
        card_of(index)
    }

    /// A change of the federation, proposed by the first of `voters` and voted for by all of them, in one block; empty blocks follow
    /// until it is in force.
    ///
    /// # Errors
    /// A record that the rules refuse.
    pub fn change(&mut self, change: Change, voters: &[usize]) -> Result<(), WorldError> {
        self.vote(change, voters)?;
        self.append(Vec::new())
    }

    /// A change of the federation, proposed by the first of `voters` and voted for by all of them, in one block.
    ///
    /// # Errors
    /// A record that the rules refuse.
    pub fn vote(&mut self, change: Change, voters: &[usize]) -> Result<(), WorldError> {
        let (first, others) = voters.split_first().ok_or("no voters")?;
        let proposal = self.by_region_at(*first, Action::Propose(Box::new(change)))?;
        let vote = Vote {
            proposal: proposal.id(),
            approve: true,
        };
        let mut records = vec![proposal];
        for voter in others {
            records.push(self.by_region_at(*voter, Action::Vote(vote))?);
        }
        self.append(records)
    }

    /// A record of the office, signed by two of its three keys.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn by_office(&mut self, action: Action) -> Result<SignedRecord, WorldError> {
        let actor = Actor::Office(self.office()?);
        let payload = self.payload(actor, action);
        let signers: Vec<&SecretKey> = self.office_keys.iter().take(2).collect();
        Ok(SignedRecord::sign(payload, &signers))
    }

    /// Drafts a block a second later, judges it, seals it with all regions, and moves on.
    ///
    /// # Errors
    /// A record that the rules refuse, or a block that does not follow.
    pub fn append(&mut self, records: Vec<SignedRecord>) -> Result<(), WorldError> {
        self.append_after(1_000, records)
    }

    /// As [`World::append`], so many milliseconds later.
    ///
    /// # Errors
    /// As [`World::append`].
    pub fn append_after(&mut self, later_ms: u64, records: Vec<SignedRecord>) -> Result<(), WorldError> {
        let time = UnixMillis(self.state.tip().time.0.saturating_add(later_ms));
        let proposer = self
            .state
            .region_set()
            .members()
            .first()
            .ok_or("no regions")?
            .region
            .clone();
        let count = records.len();
        let candidates = records.into_iter().map(Arc::new);
        let draft = self
            .state
            .draft(time, &proposer, candidates, Limits::default(), &CheckEach);
        if let Some((_, rejection)) = draft.refused.into_iter().next() {
            return Err(rejection.into());
        }
        if draft.block.records.len() != count {
            return Err("the records do not fit into one block".into());
        }
        let block = Block::from_bytes(&codec::to_vec(&draft.block))?;
        let state = self.state.advance(&block, &CheckEach)?;
        let seal = self.seal(&block, 0, 0..self.state.region_set().members().len())?;
        self.touched.push(state.touched_by(&block));
        self.state = state;
        self.blocks.push((block, seal));
        Ok(())
    }

    /// The shares of some of the regions in force at a block's height, by their places in the set.
    ///
    /// # Errors
    /// A region that is not there.
    pub fn shares(
        &self,
        block: &Block,
        round: u32,
        who: impl IntoIterator<Item = usize>,
    ) -> Result<Vec<(RegionId, SealShare)>, WorldError> {
        let message = seal_message(&self.state.chain_id(), block.header.height, round, &block.hash());
        let regions = self.state.region_set_at(block.header.height)?;
        let share = |index: usize| {
            let member = regions.members().get(index).ok_or("no such region")?;
            let key = self.seal_keys.iter().find(|key| key.public() == member.seal_key);
            Ok((member.region.clone(), key.ok_or("no such seal key")?.sign(&message)))
        };
        who.into_iter().map(share).collect()
    }

    /// A seal by some of the regions in force at a block's height.
    ///
    /// # Errors
    /// Fewer than a quorum.
    pub fn seal(&self, block: &Block, round: u32, who: impl IntoIterator<Item = usize>) -> Result<Seal, WorldError> {
        let regions = self.state.region_set_at(block.header.height)?;
        Ok(Seal::assemble(&regions, round, &self.shares(block, round, who)?)?)
    }

    /// Content of the `index`-th credential.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn content(&self, index: u64) -> Result<Content, WorldError> {
        let day = |text: &str| text.parse::<Day>();
        let mut salt = [0; 16];
        salt.copy_from_slice(&seed("salt", index)[..16]);
        Ok(Content {
            salt,
            printed_number: format!("110101{:012}", index),
            identifier: None,
            issued_by: Named {
                name: "公安局交通管理局".to_owned(),
                code: "11110000000000001X".to_owned(),
            },
            on_behalf_of: None,
            holders: vec![Holder {
                role: Role::Holder,
                name: "李明".to_owned(),
                latin_name: Some("LI MING".to_owned()),
                code_type: Some("111".to_owned()),
                code: Some("11010119900307123X".to_owned()),
                key: None,
            }],
            issued_on: day("2026-01-01")?,
            valid_from: day("2026-01-01")?,
            validity: Validity::Until(day("2031-12-31")?),
            provenance: Provenance::Native,
            predecessor: None,
            copy: None,
            territory: None,
            languages: Vec::new(),
            attachments: Vec::new(),
            own: BTreeMap::from([
                (100, ClaimValue::Text("C1".to_owned())),
                (101, ClaimValue::Day(day("2016-05-20")?)),
            ]),
            selective: Vec::new(),
        })
    }

    /// A signed credential of series 1 with this number.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn credential(&self, number: u64) -> Result<SignedCredential, WorldError> {
        self.certify(number, self.content(number)?)
    }

    /// A signed credential of series 1 with this number and content.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn certify(&self, number: u64, content: Content) -> Result<SignedCredential, WorldError> {
        self.certify_for(None, number, content, &Salts::new())
    }

    /// A signed credential of series 1 for the holder of this key, who can leave out the claims that have a salt.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn certify_for(
        &self,
        holder_key: Option<PublicKey>,
        number: u64,
        content: Content,
        salts: &Salts,
    ) -> Result<SignedCredential, WorldError> {
        let expires = match content.validity {
            Validity::Until(day) => Some(day.ends_at(480)),
            Validity::NoEnd => None,
        };
        let credential = Credential {
            issuer: Issuer {
                chain: self.state.charter().chain.clone(),
                office: self.office()?,
            },
            issued_at: self.state.tip().time.0 / 1_000,
            not_before: content.valid_from.begins_at(480),
            expires,
            id: CredentialId {
                series: SeriesId(1),
                number: Number(number),
            },
            vct: self.type_ref(),
            holder_key,
            content,
        };
        Ok(SignedCredential::sign_selective(credential, salts, &self.series_key))
    }

    /// Signs `count` credentials and the record that issues them, from the series' next number on.
    ///
    /// # Errors
    /// The series is not open.
    pub fn batch(&mut self, count: u64) -> Result<(Vec<SignedCredential>, SignedRecord), WorldError> {
        let next = self
            .state
            .series_status(SeriesId(1))
            .ok_or("series 1 is not open")?
            .next;
        self.batch_from(next, count)
    }

    /// Signs `count` credentials and the record that issues them, from number `first` on.
    ///
    /// # Errors
    /// None in a world that was made.
    pub fn batch_from(&mut self, first: u64, count: u64) -> Result<(Vec<SignedCredential>, SignedRecord), WorldError> {
        let numbers = first..first.saturating_add(count);
        let credentials = numbers
            .map(|number| self.credential(number))
            .collect::<Result<Vec<_>, _>>()?;
        let record = self.issue_of(&credentials)?;
        Ok((credentials, record))
    }

    /// The record that issues these credentials as one batch.
    ///
    /// # Errors
    /// There are none.
    pub fn issue_of(&mut self, credentials: &[SignedCredential]) -> Result<SignedRecord, WorldError> {
        let first = credentials.first().ok_or("an empty batch")?.credential().id.number;
        let leaves: Vec<_> = credentials.iter().map(SignedCredential::leaf).collect();
        let issue = Issue {
            series: SeriesId(1),
            first,
            count: at(leaves.len()),
            root: merkle::root(&leaves),
        };
        self.by_office(Action::Issue(issue))
    }

    /// The certificates of a batch whose record stands at `index` of the last block.
    ///
    /// # Errors
    /// No such issue.
    pub fn certificates(&self, credentials: &[SignedCredential], index: usize) -> Result<Vec<Certificate>, WorldError> {
        let (block, seal) = self.blocks.last().ok_or("no block")?;
        let receipt = Receipt::of_issue(block, seal, index).ok_or("no issue at that position")?;
        let leaves: Vec<_> = credentials.iter().map(SignedCredential::leaf).collect();
        let certificate = |(position, credential): (usize, &SignedCredential)| {
            let path = merkle::inclusion_path(&leaves, position).ok_or("no such leaf")?;
            Ok(Certificate {
                credential: credential.clone(),
                batch_path: HashPath(path),
                receipt: receipt.clone(),
            })
        };
        credentials.iter().enumerate().map(certificate).collect()
    }

    /// Issues `count` credentials in one block of their own.
    ///
    /// # Errors
    /// The series is not open, or the number does not fit.
    pub fn issue(&mut self, count: u64) -> Result<Vec<Certificate>, WorldError> {
        let (credentials, record) = self.batch(count)?;
        self.append(vec![record])?;
        self.certificates(&credentials, 0)
    }

    /// The sealed blocks after which other regions were in force, but for the last block.
    #[must_use]
    pub fn handovers(&self) -> Vec<Handover> {
        let before = self.blocks.iter().rev().skip(1).rev();
        before
            .filter(|(block, _)| block.rest.regions_now != block.rest.regions_next)
            .map(|(block, seal)| Handover {
                header: block.header,
                rest: block.rest.clone(),
                seal: seal.clone(),
            })
            .collect()
    }

    /// The full bundle of the last block.
    ///
    /// # Errors
    /// No block yet.
    pub fn full_bundle(&self) -> Result<TrustBundle, WorldError> {
        let (block, seal) = self.blocks.last().ok_or("no block")?;
        let (handovers, rest) = (self.handovers(), block.rest.clone());
        Ok(TrustBundle::full(
            &self.state,
            handovers,
            block.header,
            rest,
            seal.clone(),
        ))
    }

    /// The full bundle of the last block, as a file.
    ///
    /// # Errors
    /// No block yet.
    pub fn bundle(&self) -> Result<Vec<u8>, WorldError> {
        Ok(self.full_bundle()?.to_bytes())
    }

    /// What each block touched, from height 1.
    #[must_use]
    pub fn touched(&self) -> &[Touched] {
        &self.touched
    }

    /// A block, by height.
    ///
    /// # Errors
    /// No such block.
    pub fn checkpoint(&self, height: Height) -> Result<Checkpoint, WorldError> {
        let (block, _) = self.block(height)?;
        Ok(Checkpoint {
            height,
            hash: block.hash(),
        })
    }

    /// The block of a height, shown to be of the last one's history.
    ///
    /// # Errors
    /// No such block, or the last one.
    pub fn anchor(&self, height: Height) -> Result<Anchor, WorldError> {
        let (block, _) = self.block(height)?;
        Ok(Anchor {
            header: block.header,
            rest: block.rest.clone(),
            path: self.history_path(height)?,
        })
    }

    /// What changed from a height to the last block.
    ///
    /// # Errors
    /// No such block, or the last one.
    pub fn delta(&self, from: Height, selection: &Selection) -> Result<Delta, WorldError> {
        let (block, seal) = self.blocks.last().ok_or("no block")?;
        let mut changes = Changes::default();
        let after = self.touched.iter().skip(usize::try_from(from.0)?);
        after.cloned().for_each(|touched| changes.add(touched));
        let handovers = self.handovers().into_iter();
        let course = Course {
            base: self.checkpoint(from)?,
            path: self.history_path(from)?,
            handovers: handovers.filter(|one| one.header.height >= from).collect(),
            header: block.header,
            rest: block.rest.clone(),
            seal: seal.clone(),
        };
        Ok(Delta::of(course, selection, &changes, &self.state))
    }

    fn block(&self, height: Height) -> Result<&(Block, Seal), WorldError> {
        let index = height.previous().ok_or("there is no block 0")?;
        Ok(self.blocks.get(usize::try_from(index.0)?).ok_or("no such block")?)
    }

    /// From a block's hash to the history root of the last block.
    fn history_path(&self, height: Height) -> Result<HashPath, WorldError> {
        let before = self.blocks.iter().rev().skip(1).rev();
        let hashes: Vec<_> = before.map(|(block, _)| block.hash()).collect();
        let index = height.previous().ok_or("there is no block 0")?;
        let path = merkle::inclusion_path(&hashes, usize::try_from(index.0)?);
        Ok(HashPath(path.ok_or("no such earlier block")?))
    }

    /// The full bundle of the last block, opened against this chain.
    ///
    /// # Errors
    /// The bundle does not hold.
    pub fn trusted(&self) -> Result<TrustedState, WorldError> {
        Ok(TrustBundle::open(&self.bundle()?, &self.state.chain_id())?)
    }
}
