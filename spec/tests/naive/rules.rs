//! What holds for every record, and whose action it is.

use super::{Naive, Verdict, must, term_at};
use concord_spec::catalogue::{TypeDefinition, TypeRef};
use concord_spec::cose::SignatureError;
use concord_spec::id::{Height, RegionId, TypeId, UnixMillis};
use concord_spec::key::keyring::Keyring;
use concord_spec::ledger::{BlockContext, CatalogueEntry, EvidenceEntry, Region, Rotation};
use concord_spec::recognition::{Declaration, Source, Terms, Withdrawal};
use concord_spec::record::{Action, Actor, NodeKeys, Observers, RecordId, SignedRecord, Withdraw};
use concord_spec::vote::Evidence;

const HOUR: u64 = 3_600_000;

/// The keyring that speaks for a region at a time.
pub(super) fn authority(region: &Region, time: UnixMillis) -> &Keyring {
    match &region.rotation {
        Some(rotation) if time >= rotation.from => &rotation.keyring,
        _ => &region.authority,
    }
}

impl Naive {
    fn keyring(&self, actor: &Actor, time: UnixMillis) -> Option<&Keyring> {
        match actor {
            Actor::Region(region) => Some(authority(self.regions.get(region)?, time)),
            Actor::Domain(domain) => Some(&self.domains.get(domain)?.keyring),
            Actor::Office(office) => Some(&self.offices.get(office)?.keyring),
            Actor::Nobody => None,
        }
    }

    pub(super) fn judge(&mut self, record: &SignedRecord, at: &BlockContext) -> Verdict {
        self.envelope(record, at)?;
        let payload = record.payload();
        match (&payload.actor, &payload.action) {
            (Actor::Region(region), Action::Propose(change)) => self.propose(region, change, record.id(), at),
            (Actor::Region(region), Action::Vote(vote)) => self.vote(region, vote, at),
            (Actor::Region(region), Action::RotateNode(keys)) => self.rotate_node(region, keys, at),
            (Actor::Region(region), Action::RotateAuthority(keyring)) => self.rotate_authority(region, keyring, at),
            (Actor::Region(region), Action::CancelRotation(_)) => {
                must(self.is_rotating(region, at), "NO_ROTATION")?;
                self.regions.get_mut(region).unwrap().rotation = None;
                Ok(())
            }
            (Actor::Region(region), Action::SetObservers(body)) => self.set_observers(region, body),
            (Actor::Region(region), Action::RegisterOffice(body)) => self.register(region, None, body, at),
            (Actor::Region(region), Action::AmendOffice(body)) => self.amend(region, body, at),
            (Actor::Region(region), Action::SetOffice(body)) => self.set_office(region, body, at),
            (Actor::Region(region), Action::SucceedOffice(body)) => self.succeed(region, body, at),
            (Actor::Region(region), Action::DefineType(body)) => self.define(region.as_str(), body, at.height),
            (Actor::Region(region), Action::CloseType(body)) => self.close_type(region.as_str(), body, at.height),
            (Actor::Region(region), Action::Recognise(terms)) => self.recognise(region, terms, at),
            (Actor::Region(region), Action::Withdraw(body)) => self.withdraw(region, body, at),
            (Actor::Domain(domain), Action::DefineType(body)) => self.define(domain.as_str(), body, at.height),
            (Actor::Domain(domain), Action::CloseType(body)) => self.close_type(domain.as_str(), body, at.height),
            (Actor::Office(office), Action::RegisterOffice(body)) => self.register_below(office, body, at),
            (Actor::Office(office), Action::Delegate(body)) => self.delegate(office, body, at),
            (Actor::Office(office), Action::OpenSeries(body)) => self.open(office, body, at),
            (Actor::Office(office), Action::Issue(body)) => self.issue(office, body, at),
            (Actor::Office(office), Action::CloseSeries(series)) => self.close(office, *series, at),
            (Actor::Region(_) | Actor::Domain(_) | Actor::Office(_), Action::SetStatus(body)) => {
                self.set_status(&payload.actor, body, at)
            }
            (Actor::Region(_) | Actor::Domain(_) | Actor::Office(_), Action::FreezeSeries(series)) => {
                self.freeze(&payload.actor, *series, at)
            }
            (Actor::Nobody, Action::Evidence(body)) => self.take_evidence(body, record.id(), at),
            _ => Err("NOT_YOURS"),
        }
    }

    fn envelope(&self, record: &SignedRecord, at: &BlockContext) -> Verdict {
        let payload = record.payload();
        must(payload.chain_id == self.charter.chain_id(), "WRONG_CHAIN")?;
        must(at.time <= payload.not_after, "EXPIRED")?;
        must(!self.records.contains(&record.id()), "DUPLICATE")?;
        if payload.actor == Actor::Nobody {
            must(payload.not_after.0 <= at.time.0 + 24 * HOUR, "NOT_AFTER_TOO_FAR")?;
            return must(record.envelope().signatures().is_empty(), "TOO_MANY_SIGNATURES");
        }
        let keyring = self.keyring(&payload.actor, at.time).ok_or("UNKNOWN_ACTOR")?;
        let hours = if keyring.threshold() > 1 { 30 * 24 } else { 24 };
        must(payload.not_after.0 <= at.time.0 + hours * HOUR, "NOT_AFTER_TOO_FAR")?;
        record.envelope().verify(keyring).map_err(|error| match error {
            SignatureError::TooFew { .. } => "TOO_FEW_SIGNATURES",
            SignatureError::TooMany => "TOO_MANY_SIGNATURES",
            SignatureError::NotAscending => "SIGNATURE_ORDER",
            SignatureError::UnknownKey => "UNKNOWN_KEY",
            SignatureError::Forged => "FORGED_SIGNATURE",
        })?;
        let member = match &payload.actor {
            Actor::Region(region) => self.is_member(region, at.height.0),
            Actor::Office(office) => self.is_member(&self.holder(&office.region), at.height.0),
            Actor::Domain(_) | Actor::Nobody => true,
        };
        must(member, "REGION_NOT_IN_FORCE")
    }

    fn rotate_node(&mut self, region: &RegionId, keys: &NodeKeys, at: &BlockContext) -> Verdict {
        let own = &self.regions[region];
        must(term_at(own, at.height.0).is_some(), "REGION_NOT_IN_FORCE")?;
        must(!self.changes_later(region, at.height.0), "CHANGE_PENDING")?;
        self.keys_are_new(keys, region)?;
        self.begin_term(region, at.height.0 + 2, keys.consensus_key, keys.seal_key.clone());
        let own = self.regions.get_mut(region).unwrap();
        own.peer_id.clone_from(&keys.peer_id);
        own.addresses.clone_from(&keys.addresses);
        Ok(())
    }

    /// Keys that are proved and were never used, and a peer id that no other node has.
    pub(super) fn keys_are_new(&self, keys: &NodeKeys, own: &RegionId) -> Verdict {
        must(keys.possession.verify(&keys.seal_key), "POSSESSION")?;
        for region in self.regions.values() {
            for term in &region.terms {
                must(term.consensus_key != keys.consensus_key, "NODE_KEY_IN_USE")?;
                must(term.seal_key != keys.seal_key, "NODE_KEY_IN_USE")?;
            }
            must(
                region.region == *own || region.peer_id != keys.peer_id,
                "NODE_KEY_IN_USE",
            )?;
            let observed = region.observers.iter().any(|observer| observer.peer_id == keys.peer_id);
            must(!observed, "NODE_KEY_IN_USE")?;
        }
        Ok(())
    }

    pub(super) fn is_rotating(&self, region: &RegionId, at: &BlockContext) -> bool {
        let rotation = self.regions.get(region).and_then(|found| found.rotation.as_ref());
        rotation.is_some_and(|rotation| at.time < rotation.from)
    }

    fn rotate_authority(&mut self, region: &RegionId, keyring: &Keyring, at: &BlockContext) -> Verdict {
        must(!self.is_rotating(region, at), "ROTATION_PENDING")?;
        let own = self.regions.get_mut(region).unwrap();
        let now = authority(own, at.time).clone();
        must(now != *keyring, "NOTHING_CHANGES")?;
        own.authority = now;
        own.rotation = Some(Rotation {
            keyring: keyring.clone(),
            from: UnixMillis(at.time.0 + 72 * HOUR),
        });
        Ok(())
    }

    fn set_observers(&mut self, region: &RegionId, body: &Observers) -> Verdict {
        must(self.regions[region].observers != body.observers, "NOTHING_CHANGES")?;
        let peers: Vec<&String> = body.observers.iter().map(|observer| &observer.peer_id).collect();
        let mut sorted = peers.clone();
        sorted.sort();
        sorted.dedup();
        must(peers == sorted, "OBSERVERS")?;
        for other in self.regions.values() {
            let observers = other.observers.iter().filter(|_| other.region != *region);
            let mut taken = observers.map(|observer| &observer.peer_id).chain([&other.peer_id]);
            must(!taken.any(|peer| peers.contains(&peer)), "OBSERVERS")?;
        }
        self.regions.get_mut(region).unwrap().observers = body.observers.clone();
        Ok(())
    }

    pub(super) fn may_define(&self, owner: &str, body: &TypeDefinition) -> Verdict {
        must(body.reference.id.owner() == Some(owner), "TYPE_NOT_YOURS")?;
        let classification = &body.classification;
        let coded = classification
            .gb_type_code
            .as_ref()
            .is_none_or(|code| code.len() == 21 && code.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()));
        let spans = classification.max_validity_days != Some(0) && classification.retention_days != Some(0);
        let keys: Vec<u64> = body.claims.iter().map(|claim| claim.key).collect();
        let ascending = keys.windows(2).all(|pair| pair[0] < pair[1]);
        let own = keys.iter().all(|key| *key >= 100);
        let named = !body.labels.is_empty() && body.claims.iter().all(|claim| !claim.labels.is_empty());
        let complete = coded && spans && ascending && own && named && body.reference.version.0 > 0;
        must(complete, "INCOMPLETE_TYPE")?;
        let known = self.types.keys().filter(|known| known.id == body.reference.id).count();
        must(usize::from(body.reference.version.0) == known + 1, "TYPE_VERSION_GAP")?;
        self.type_fits(owner, body)
    }

    pub(super) fn define(&mut self, owner: &str, body: &TypeDefinition, since: Height) -> Verdict {
        self.may_define(owner, body)?;
        let entry = CatalogueEntry {
            definition: body.clone(),
            since,
            closed: None,
        };
        self.types.insert(body.reference.clone(), entry);
        Ok(())
    }

    pub(super) fn is_open(&self, of: &TypeRef) -> Verdict {
        let entry = self.types.get(of).ok_or("UNKNOWN_TYPE")?;
        must(entry.closed.is_none(), "TYPE_CLOSED")
    }

    pub(super) fn may_close(&self, owner: &str, of: &TypeRef) -> Verdict {
        must(of.id.owner() == Some(owner), "TYPE_NOT_YOURS")?;
        self.is_open(of)
    }

    pub(super) fn close_type(&mut self, owner: &str, of: &TypeRef, from: Height) -> Verdict {
        self.may_close(owner, of)?;
        self.types.get_mut(of).unwrap().closed = Some(from);
        Ok(())
    }

    fn recognise(&mut self, region: &RegionId, terms: &Terms, at: &BlockContext) -> Verdict {
        let mapped: Vec<(u64, &String)> = terms.values.iter().map(|map| (map.claim, &map.there)).collect();
        let defined = |id: &TypeId| self.types.keys().any(|known| known.id == *id);
        let days = terms.issued_from.zip(terms.issued_until);
        let times = terms.presented_from.zip(terms.presented_until);
        let sound = mapped.windows(2).all(|pair| pair[0] < pair[1])
            && days.is_none_or(|(from, until)| from <= until)
            && times.is_none_or(|(from, until)| from <= until)
            && terms.purposes.windows(2).all(|pair| pair[0] < pair[1])
            && terms.min_version.0 > 0
            && defined(&terms.kind)
            && terms.local_type.as_ref().is_none_or(defined);
        must(sound, "INCOMPLETE_RECOGNITION")?;
        if let Source::Region(source) = &terms.source {
            let other = source != region && self.regions.contains_key(source);
            must(other, "INCOMPLETE_RECOGNITION")?;
        }
        let count = self.declarations.keys().filter(|(by, _)| by == region).count();
        must(count < 4_096, "TOO_MANY_DECLARATIONS")?;
        self.declaration_fits(region, terms)?;
        let number = u64::try_from(count).unwrap() + 1;
        let declaration = Declaration {
            recogniser: region.clone(),
            number,
            terms: terms.clone(),
            since: at.height,
            withdrawn: None,
        };
        self.declarations.insert((region.clone(), number), declaration);
        Ok(())
    }

    fn withdraw(&mut self, region: &RegionId, body: &Withdraw, at: &BlockContext) -> Verdict {
        let known = self.declarations.get_mut(&(region.clone(), body.number));
        let known = known
            .filter(|known| known.withdrawn.is_none())
            .ok_or("UNKNOWN_DECLARATION")?;
        let says = body.issued_until.is_some() || body.presented_until.is_some();
        let later = body.presented_until.is_none_or(|until| until >= at.time);
        must(says && later, "INCOMPLETE_RECOGNITION")?;
        known.withdrawn = Some(Withdrawal {
            at: at.height,
            issued_until: body.issued_until,
            presented_until: body.presented_until,
        });
        Ok(())
    }

    fn take_evidence(&mut self, body: &Evidence, record: RecordId, at: &BlockContext) -> Verdict {
        let place = body.place();
        let term = self
            .regions
            .get(&place.region)
            .and_then(|region| term_at(region, place.height.0));
        let term = term
            .filter(|_| place.height.0 <= at.height.0)
            .ok_or("EVIDENCE_NOT_VALID")?;
        let signed = body.check(&self.charter.chain_id(), &term.consensus_key).is_ok();
        must(signed, "EVIDENCE_NOT_VALID")?;
        let of_region = self
            .evidence
            .keys()
            .filter(|known| known.region == place.region)
            .count();
        must(!self.evidence.contains_key(&place) && of_region < 64, "EVIDENCE_KNOWN")?;
        let entry = EvidenceEntry {
            place: place.clone(),
            record,
            recorded: at.height,
        };
        self.evidence.insert(place, entry);
        Ok(())
    }
}
