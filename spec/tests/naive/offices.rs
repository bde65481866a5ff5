//! Offices, and what stands above them.

use super::{Naive, Verdict, must};
use concord_spec::id::{Height, OfficeCode, OfficeId, RegionId, TypeId};
use concord_spec::key::keyring::Keyring;
use concord_spec::ledger::{BlockContext, Delegation, Office, OfficeName, Succession};
use concord_spec::record::{AmendOffice, Delegate, OfficeChange, RegisterOffice, Scope, SetOffice, SucceedOffice};

impl Naive {
    /// Who stands in an office's place at a height.
    pub(crate) fn in_place_of(&self, id: &OfficeId, height: u64) -> OfficeId {
        match self.offices.get(id).and_then(|office| office.succession.as_ref()) {
            Some(succession) if succession.at.0 <= height => self.in_place_of(&succession.to, height),
            _ => id.clone(),
        }
    }

    /// An office and all above it, from below.
    pub(crate) fn above(&self, id: &OfficeId) -> Vec<OfficeId> {
        let mut all = vec![id.clone()];
        while let Some(parent) = self.parent(all.last().unwrap()) {
            all.push(parent);
        }
        all
    }

    fn parent(&self, id: &OfficeId) -> Option<OfficeId> {
        let parent = self.offices.get(id)?.parent.clone()?;
        Some(self.in_place_of(&OfficeId::new(id.region.clone(), parent), u64::MAX))
    }

    fn over(&self, id: &OfficeId) -> impl Iterator<Item = &Office> {
        self.above(id).into_iter().map(|id| &self.offices[&id])
    }

    fn thresholds_over(&self, id: &OfficeId) -> usize {
        self.over(id).map(|office| office.keyring.threshold()).max().unwrap()
    }

    /// Whether an office may act, but for its threshold.
    pub(crate) fn acts(&self, id: &OfficeId, height: u64) -> bool {
        let all = self.above(id);
        all.len() < 64
            && all.iter().all(|id| {
                let office = &self.offices[id];
                office.succession.is_none()
                    && office.closed.is_none()
                    && office.suspended.is_none()
                    && self.is_member(&self.holder(&id.region), height)
            })
    }

    pub(super) fn active(&self, id: &OfficeId, at: &BlockContext) -> Verdict {
        must(self.acts(id, at.height.0), "OFFICE_NOT_ACTIVE")?;
        let own = self.offices[id].keyring.threshold();
        must(own >= self.thresholds_over(id), "EXCEEDS_PARENT")
    }

    /// Whether a type is in the scope of an office and of all above it.
    pub(crate) fn has_type(&self, id: &OfficeId, kind: &TypeId) -> bool {
        self.over(id).all(|office| office.scope.types.contains(kind))
    }

    /// Whether what an office issues is valid in a region.
    pub(crate) fn is_valid_in(&self, id: &OfficeId, region: &RegionId) -> bool {
        let allows = |regions: &Option<Vec<RegionId>>| regions.as_ref().is_none_or(|regions| regions.contains(region));
        self.over(id).all(|office| allows(&office.scope.regions))
    }

    /// Every region that an office or one above it names.
    fn named_regions(&self, id: &OfficeId) -> Option<Vec<RegionId>> {
        let named: Vec<RegionId> = self
            .over(id)
            .filter_map(|office| office.scope.regions.clone())
            .flatten()
            .collect();
        let limited = self.over(id).any(|office| office.scope.regions.is_some());
        limited.then_some(named)
    }

    /// Whether what an office issues is valid only where another's is.
    pub(crate) fn reaches_no_further(&self, id: &OfficeId, than: &OfficeId) -> bool {
        match (self.named_regions(id), self.named_regions(than)) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(named), Some(_)) => named
                .iter()
                .all(|region| !self.is_valid_in(id, region) || self.is_valid_in(than, region)),
        }
    }

    /// Whether an office may issue a type: by its scope, or by another's while that may.
    pub(crate) fn issues(&self, id: &OfficeId, kind: &TypeId, at: &BlockContext) -> bool {
        let gives =
            |delegation: &Delegation| delegation.to == *id && delegation.kind == *kind && at.time <= delegation.until;
        let lends = |(from, office): (&OfficeId, &Office)| {
            office.delegations.iter().any(gives)
                && self.acts(from, at.height.0)
                && self.has_type(from, kind)
                && self.reaches_no_further(id, from)
                && self.offices[id].keyring.threshold() >= self.thresholds_over(from)
        };
        self.has_type(id, kind) || self.offices.iter().any(lends)
    }

    /// What a sub-office would have more than those above it.
    fn exceeds(&self, parent: &OfficeId, scope: &Scope, keyring: &Keyring) -> bool {
        let wider = self.over(parent).any(|above| {
            let types = scope.types.iter().all(|kind| above.scope.types.contains(kind));
            let regions = match (&scope.regions, &above.scope.regions) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(own), Some(theirs)) => own.iter().all(|region| theirs.contains(region)),
            };
            !(types && regions)
        });
        wider || keyring.threshold() < self.thresholds_over(parent)
    }

    pub(super) fn register(
        &mut self,
        region: &RegionId,
        parent: Option<OfficeCode>,
        body: &RegisterOffice,
        at: &BlockContext,
    ) -> Verdict {
        let id = OfficeId::new(region.clone(), body.code.clone());
        must(!self.offices.contains_key(&id), "OFFICE_EXISTS")?;
        let complete = !body.labels.is_empty() && is_ordered(&body.scope) && is_zone(body.utc_offset_minutes);
        must(complete, "INCOMPLETE_OFFICE")?;
        let office = Office {
            code: body.code.clone(),
            parent,
            level: body.level,
            names: vec![OfficeName {
                from: at.height,
                labels: body.labels.clone(),
            }],
            keyring: body.keyring.clone(),
            scope: body.scope.clone(),
            utc_offset_minutes: body.utc_offset_minutes,
            since: at.height,
            suspended: None,
            closed: None,
            succession: None,
            delegations: Vec::new(),
        };
        self.offices.insert(id.clone(), office);
        self.directory_fits(&id)
    }

    pub(super) fn register_below(&mut self, parent: &OfficeId, body: &RegisterOffice, at: &BlockContext) -> Verdict {
        self.active(parent, at)?;
        let lower = body.level > self.offices[parent].level;
        let within = lower && !self.exceeds(parent, &body.scope, &body.keyring) && self.above(parent).len() < 32;
        must(within, "EXCEEDS_PARENT")?;
        self.register(&parent.region, Some(parent.code.clone()), body, at)
    }

    fn own_office(&self, region: &RegionId, id: &OfficeId) -> Verdict {
        must(self.offices.contains_key(id), "UNKNOWN_OFFICE")?;
        must(self.holder(&id.region) == *region, "OFFICE_NOT_YOURS")
    }

    fn is_gone(&self, id: &OfficeId) -> bool {
        let office = &self.offices[id];
        office.closed.is_some() || office.succession.is_some()
    }

    pub(super) fn amend(&mut self, region: &RegionId, body: &AmendOffice, at: &BlockContext) -> Verdict {
        self.own_office(region, &body.office)?;
        must(!self.is_gone(&body.office), "OFFICE_STANDING")?;
        let office = &self.offices[&body.office];
        let complete = body
            .labels
            .as_ref()
            .is_none_or(|labels| !labels.is_empty() && office.names.len() < 256)
            && body.scope.as_ref().is_none_or(is_ordered)
            && body.utc_offset_minutes.is_none_or(is_zone);
        must(complete, "INCOMPLETE_OFFICE")?;
        let mut amended = office.clone();
        if let Some(labels) = &body.labels
            && amended.names.last().unwrap().labels != *labels
        {
            amended.names.retain(|name| name.from != at.height);
            amended.names.push(OfficeName {
                from: at.height,
                labels: labels.clone(),
            });
        }
        if let Some(keyring) = &body.keyring {
            amended.keyring = keyring.clone();
        }
        if let Some(scope) = &body.scope {
            amended.scope = scope.clone();
        }
        if let Some(minutes) = body.utc_offset_minutes {
            amended.utc_offset_minutes = minutes;
        }
        if let Some(parent) = self.parent(&body.office) {
            must(
                !self.exceeds(&parent, &amended.scope, &amended.keyring),
                "EXCEEDS_PARENT",
            )?;
        }
        must(amended != *office, "NOTHING_CHANGES")?;
        let grows = super::shares::of_office(&amended) > super::shares::of_office(office);
        self.offices.insert(body.office.clone(), amended);
        if grows {
            self.directory_fits(&body.office)
        } else {
            Ok(())
        }
    }

    pub(super) fn set_office(&mut self, region: &RegionId, body: &SetOffice, at: &BlockContext) -> Verdict {
        self.own_office(region, &body.office)?;
        must(!self.is_gone(&body.office), "OFFICE_STANDING")?;
        let stands_below = |id: &OfficeId| {
            self.holder(&id.region) == *region && !self.is_gone(id) && self.parent(id).as_ref() == Some(&body.office)
        };
        let below = self.offices.keys().any(stands_below);
        let office = self.offices.get_mut(&body.office).unwrap();
        match body.change {
            OfficeChange::Suspend => {
                must(office.suspended.is_none(), "OFFICE_STANDING")?;
                office.suspended = Some(at.height);
            }
            OfficeChange::Reinstate => {
                must(office.suspended.is_some(), "OFFICE_STANDING")?;
                office.suspended = None;
            }
            OfficeChange::Close => {
                must(!below, "HAS_SUB_OFFICES")?;
                office.closed = Some(at.height);
            }
        }
        Ok(())
    }

    /// Suspends what stands in a directory under nobody who stands there too.
    pub(super) fn suspend_all(&mut self, region: &RegionId, height: u64) {
        for id in self.offices.keys().cloned().collect::<Vec<_>>() {
            let below = self.parent(&id).is_some_and(|parent| parent.region == *region);
            let office = &self.offices[&id];
            if id.region == *region && !below && !self.is_gone(&id) && office.suspended.is_none() {
                self.offices.get_mut(&id).unwrap().suspended = Some(Height(height));
            }
        }
    }

    pub(super) fn succeed(&mut self, region: &RegionId, body: &SucceedOffice, at: &BlockContext) -> Verdict {
        self.own_office(region, &body.office)?;
        must(self.offices[&body.office].succession.is_none(), "OFFICE_STANDING")?;
        self.own_office(region, &body.successor)?;
        let above = self.above(&body.successor);
        let sound = !self.is_gone(&body.successor)
            && !above.contains(&body.office)
            && above.len() < 32
            && self.predecessors(&body.office) < 31;
        must(sound, "SUCCESSION")?;
        let office = self.offices.get_mut(&body.office).unwrap();
        office.succession = Some(Succession {
            to: body.successor.clone(),
            at: Height(at.height.0 + 1),
        });
        Ok(())
    }

    /// Length of the longest row of offices that followed each other and end in this one, without it.
    fn predecessors(&self, id: &OfficeId) -> usize {
        let comes_to = |office: &Office| {
            office
                .succession
                .as_ref()
                .is_some_and(|succession| succession.to == *id)
        };
        let before = self.offices.iter().filter(|(_, office)| comes_to(office));
        before
            .map(|(before, _)| self.predecessors(before) + 1)
            .max()
            .unwrap_or(0)
    }

    pub(super) fn delegate(&mut self, office: &OfficeId, body: &Delegate, at: &BlockContext) -> Verdict {
        self.active(office, at)?;
        must(body.to != *office, "DELEGATION")?;
        let to = self.offices.get(&body.to).ok_or("UNKNOWN_OFFICE")?;
        let same = |known: &Delegation| known.to == body.to && known.kind == body.kind;
        let Some(until) = body.until else {
            let own = self.offices.get_mut(office).unwrap();
            must(own.delegations.iter().any(same), "NOTHING_CHANGES")?;
            own.delegations.retain(|known| !same(known));
            return Ok(());
        };
        must(self.has_type(office, &body.kind), "OUT_OF_SCOPE")?;
        let as_many = to.keyring.threshold() >= self.thresholds_over(office);
        let sound = until >= at.time && !self.is_gone(&body.to) && self.reaches_no_further(&body.to, office) && as_many;
        must(sound, "DELEGATION")?;
        let before = super::shares::of_office(&self.offices[office]);
        let own = self.offices.get_mut(office).unwrap();
        own.delegations.retain(|known| at.time <= known.until && !same(known));
        must(own.delegations.len() < 256, "DELEGATION")?;
        own.delegations.push(Delegation {
            to: body.to.clone(),
            kind: body.kind.clone(),
            until,
        });
        own.delegations
            .sort_by_key(|known| (known.to.clone(), known.kind.clone()));
        let grows = super::shares::of_office(own) > before;
        let of_region = self.offices.iter().filter(|(from, _)| from.region == office.region);
        let lenders = of_region.filter(|(_, lender)| lender.delegations.iter().any(same));
        must(lenders.count() <= 16, "DELEGATION")?;
        if grows { self.directory_fits(office) } else { Ok(()) }
    }
}

fn is_ordered(scope: &Scope) -> bool {
    let regions = scope.regions.clone().unwrap_or_default();
    scope.types.windows(2).all(|pair| pair[0] < pair[1]) && regions.windows(2).all(|pair| pair[0] < pair[1])
}

fn is_zone(minutes: i64) -> bool {
    (-840..=840).contains(&minutes)
}
