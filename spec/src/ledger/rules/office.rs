//! Offices: registered by their region or a parent office, amended, suspended, succeeded.
//! Not here: what they let each other issue (`delegation`).

use crate::catalogue::Label;
use crate::id::{Height, OfficeCode, OfficeId, RegionId};
use crate::key::keyring::Keyring;
use crate::ledger::directory::{MAX_NAMES, Office, OfficeName, Succession};
use crate::ledger::standing::{self, MAX_STEPS};
use crate::ledger::{BlockContext, LedgerState, Outcome, Rejection, derived, shares};
use crate::record::{AmendOffice, OfficeChange, RegisterOffice, Scope, SetOffice, SucceedOffice};

/// A day has 24 hours, and zones are at most 14 hours from UTC.
const MAX_OFFSET_MINUTES: i64 = 840;

impl LedgerState {
    pub(super) fn register_office(
        &mut self,
        region: &RegionId,
        parent: Option<OfficeCode>,
        body: &RegisterOffice,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let id = OfficeId::new(region.clone(), body.code.clone());
        if self.office(&id).is_some() {
            return Err(Rejection::OfficeExists(id));
        }
        check_labels(&body.labels)?;
        check_scope(&body.scope)?;
        check_offset(body.utc_offset_minutes)?;
        let office = Office {
            code: body.code.clone(),
            parent: parent.clone(),
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
        let branch = match parent {
            Some(parent) => self.branch(&OfficeId::new(region.clone(), parent)),
            None => Some(id),
        };
        let charge = shares::of_office(&office);
        self.check_directory_room(region, branch.as_ref(), charge)?;
        if let Some(branch) = branch {
            self.derived.charge(&branch, charge);
        }
        if let Some(parent) = self.parent_of(&OfficeId::new(region.clone(), office.code.clone()), &office) {
            self.derived.add_below(&parent, region);
        }
        self.change_directory(region, |directory| directory.insert_office(office));
        Ok(Outcome::Done)
    }

    pub(super) fn register_sub_office(
        &mut self,
        parent: &OfficeId,
        body: &RegisterOffice,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let found = self.active(parent, at)?;
        let exceeds = |what| {
            Err(Rejection::ExceedsParent {
                parent: parent.clone(),
                what,
            })
        };
        if body.level <= found.level {
            return exceeds("level");
        }
        if let Some(what) = exceeded(self, parent, &body.scope, &body.keyring) {
            return exceeds(what);
        }
        if standing::upwards(self, parent).count() >= MAX_STEPS / 2 {
            return exceeds("depth");
        }
        self.register_office(&parent.region, Some(parent.code.clone()), body, at)
    }

    /// An office that may act now.
    pub(super) fn active(&self, id: &OfficeId, at: &BlockContext) -> Result<&Office, Rejection> {
        let checked = standing::check_active(self, id, at.height);
        checked.map_err(|inactive| Rejection::OfficeNotActive {
            office: id.clone(),
            because: Box::new(inactive),
        })?;
        let found = self.office(id).ok_or_else(|| Rejection::UnknownOffice(id.clone()))?;
        let (parent, least) = standing::least_threshold(self, id);
        if found.keyring.threshold() < least {
            return Err(Rejection::ExceedsParent {
                parent,
                what: LOWER_THRESHOLD,
            });
        }
        Ok(found)
    }

    pub(super) fn amend_office(
        &mut self,
        region: &RegionId,
        body: &AmendOffice,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let office = self.own_office(region, &body.office)?;
        check_open(office, &body.office)?;
        if let Some(labels) = &body.labels {
            check_labels(labels)?;
            if office.names.len() >= MAX_NAMES {
                return Err(Rejection::IncompleteOffice("its name was changed too often"));
            }
        }
        if let Some(scope) = &body.scope {
            check_scope(scope)?;
        }
        if let Some(offset) = body.utc_offset_minutes {
            check_offset(offset)?;
        }
        if let Some(parent) = self.parent_of(&body.office, office) {
            let scope = body.scope.as_ref().unwrap_or(&office.scope);
            let keyring = body.keyring.as_ref().unwrap_or(&office.keyring);
            if let Some(what) = exceeded(self, &parent, scope, keyring) {
                return Err(Rejection::ExceedsParent { parent, what });
            }
        }
        let mut amended = office.clone();
        if let Some(labels) = &body.labels
            && amended.labels() != labels.as_slice()
        {
            // Two names in one block: the later one is what counts from this height on.
            amended.names.retain(|name| name.from < at.height);
            amended.names.push(OfficeName {
                from: at.height,
                labels: labels.clone(),
            });
        }
        amended.keyring = body.keyring.clone().unwrap_or(amended.keyring);
        amended.scope = body.scope.clone().unwrap_or(amended.scope);
        amended.utc_offset_minutes = body.utc_offset_minutes.unwrap_or(amended.utc_offset_minutes);
        if amended == *office {
            return Err(Rejection::NothingChanges);
        }
        self.check_growth(&body.office, office, &amended)?;
        self.change_office(&body.office, |office| *office = amended);
        Ok(Outcome::Done)
    }

    pub(super) fn set_office(
        &mut self,
        region: &RegionId,
        body: &SetOffice,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let office = self.own_office(region, &body.office)?;
        check_open(office, &body.office)?;
        let already = |standing| {
            Err(Rejection::OfficeStanding {
                office: body.office.clone(),
                standing,
            })
        };
        match (body.change, office.suspended) {
            (OfficeChange::Suspend, Some(_)) => return already("suspended"),
            (OfficeChange::Reinstate, None) => return already("not suspended"),
            (OfficeChange::Close, _) if self.has_sub_offices(&body.office) => {
                return Err(Rejection::HasSubOffices(body.office.clone()));
            }
            (OfficeChange::Suspend, None) | (OfficeChange::Reinstate, Some(_)) | (OfficeChange::Close, _) => {}
        }
        let parent = self.parent_of(&body.office, office);
        if let Some(parent) = parent.filter(|_| body.change == OfficeChange::Close) {
            self.derived.take_below(&parent, &body.office.region);
        }
        let height = at.height;
        self.change_office(&body.office, |office| match body.change {
            OfficeChange::Suspend => office.suspended = Some(height),
            OfficeChange::Reinstate => office.suspended = None,
            OfficeChange::Close => office.closed = Some(height),
        });
        Ok(Outcome::Done)
    }

    /// Suspends the offices of a region that was a member before, and so all below them: who held their keys then need not be
    /// who holds them now, and each is to be reinstated knowingly.
    pub(super) fn suspend_offices_of(&mut self, region: &RegionId, height: Height) {
        let Some(directory) = self.directory(region) else {
            return;
        };
        let on_top = |office: &&Office| {
            let id = OfficeId::new(region.clone(), office.code.clone());
            let parent = self.parent_of(&id, office);
            parent.is_none_or(|parent| parent.region != *region)
        };
        let acting = directory
            .offices
            .iter()
            .filter(|office| office.closed.is_none() && office.succession.is_none() && office.suspended.is_none());
        let codes: Vec<OfficeCode> = acting.filter(on_top).map(|office| office.code.clone()).collect();
        if codes.is_empty() {
            return;
        }
        self.change_directory(region, |directory| {
            for code in &codes {
                if let Some(office) = directory.office_mut(code) {
                    office.suspended = Some(height);
                }
            }
        });
    }

    pub(super) fn succeed_office(
        &mut self,
        region: &RegionId,
        body: &SucceedOffice,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let office = self.own_office(region, &body.office)?;
        if office.succession.is_some() {
            return Err(Rejection::OfficeStanding {
                office: body.office.clone(),
                standing: "succeeded",
            });
        }
        let successor = self.own_office(region, &body.successor)?;
        if successor.closed.is_some() || successor.succession.is_some() {
            return Err(Rejection::Succession("the successor is closed or succeeded itself"));
        }
        // Walking up from the successor must never come to the predecessor, or nobody would stand above anybody.
        if standing::upwards(self, &body.successor).any(|(id, _)| id == body.office) {
            return Err(Rejection::Succession(
                "the successor is the office itself, or stands under it",
            ));
        }
        if standing::upwards(self, &body.successor).count() >= MAX_STEPS / 2
            || self.derived.row_of(&body.office) >= MAX_STEPS / 2
        {
            return Err(Rejection::Succession(
                "too many offices stand over each other or followed each other",
            ));
        }
        let parent = self.parent_of(&body.office, office).filter(|_| !office.is_gone());
        if let Some(parent) = parent {
            self.derived.take_below(&parent, &body.office.region);
        }
        self.derived.succeed(&body.office, &body.successor);
        let succession = Succession {
            to: body.successor.clone(),
            // Who issued what earlier in this block was the predecessor: one height has one holder.
            at: Height(at.height.0.saturating_add(1)),
        };
        self.change_office(&body.office, |office| office.succession = Some(succession));
        Ok(Outcome::Done)
    }

    /// An office over which a region has authority: one of its own, or of a region that it took over.
    fn own_office(&self, region: &RegionId, id: &OfficeId) -> Result<&Office, Rejection> {
        let office = self.office(id).ok_or_else(|| Rejection::UnknownOffice(id.clone()))?;
        if self.federation.holder_of(&id.region) == region {
            return Ok(office);
        }
        Err(Rejection::OfficeNotYours {
            office: id.clone(),
            region: region.clone(),
        })
    }

    fn parent_of(&self, id: &OfficeId, office: &Office) -> Option<OfficeId> {
        let parent = OfficeId::new(id.region.clone(), office.parent.clone()?);
        Some(standing::holder_at(self, &parent, Height(u64::MAX)))
    }

    /// Whether offices that are not gone stand directly under this one, or under one whose place it took.
    fn has_sub_offices(&self, id: &OfficeId) -> bool {
        let holder = self.federation.holder_of(&id.region);
        let mut regions = self.derived.regions_below(id);
        regions.any(|region| self.federation.holder_of(region) == holder)
    }

    /// The office that its region registered, and under which this one stands in the directory.
    pub(super) fn branch(&self, id: &OfficeId) -> Option<OfficeId> {
        let directory = self.directory(&id.region)?;
        derived::branch(&id.region, directory, directory.office(&id.code)?)
    }

    /// That there is room for an office as it will be.
    pub(super) fn check_growth(&self, id: &OfficeId, now: &Office, then: &Office) -> Result<(), Rejection> {
        match shares::of_office(then).checked_sub(shares::of_office(now)) {
            Some(more) if more > 0 => self.check_directory_room(&id.region, self.branch(id).as_ref(), more),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn change_office(&mut self, id: &OfficeId, change: impl FnOnce(&mut Office)) {
        let branch = self.branch(id);
        let (mut before, mut after) = (0, 0);
        self.change_directory(&id.region, |directory| {
            if let Some(office) = directory.office_mut(&id.code) {
                before = shares::of_office(office);
                change(office);
                after = shares::of_office(office);
            }
        });
        if let Some(branch) = branch {
            self.derived.charge(&branch, after);
            self.derived.discharge(&branch, before);
        }
    }
}

const LOWER_THRESHOLD: &str = "freedom: its threshold is lower";

/// What a sub-office would have more than the office above it.
fn exceeded(state: &LedgerState, parent: &OfficeId, scope: &Scope, keyring: &Keyring) -> Option<&'static str> {
    let (_, least) = standing::least_threshold(state, parent);
    if keyring.threshold() < least {
        return Some(LOWER_THRESHOLD);
    }
    standing::upwards(state, parent).find_map(|(_, office)| scope.exceeds(&office.scope))
}

fn check_open(office: &Office, id: &OfficeId) -> Result<(), Rejection> {
    let standing = match (&office.succession, office.closed) {
        (Some(_), _) => "succeeded",
        (None, Some(_)) => "closed",
        (None, None) => return Ok(()),
    };
    Err(Rejection::OfficeStanding {
        office: id.clone(),
        standing,
    })
}

fn check_labels(labels: &[Label]) -> Result<(), Rejection> {
    if labels.is_empty() {
        return Err(Rejection::IncompleteOffice("it has no name"));
    }
    Ok(())
}

fn check_scope(scope: &Scope) -> Result<(), Rejection> {
    if scope.is_ordered() {
        return Ok(());
    }
    let why = "its types or regions do not stand in ascending order, each once";
    Err(Rejection::IncompleteOffice(why))
}

fn check_offset(minutes: i64) -> Result<(), Rejection> {
    if minutes.saturating_abs() > MAX_OFFSET_MINUTES {
        return Err(Rejection::IncompleteOffice("its zone is more than 14 hours from UTC"));
    }
    Ok(())
}
