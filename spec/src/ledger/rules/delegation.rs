//! Delegations: a type that an office lets another issue until a date, kept with the office that gives it.

use crate::id::{OfficeId, UnixMillis};
use crate::ledger::directory::{Delegation, MAX_DELEGATIONS, MAX_LENDERS_OF_REGION, Office};
use crate::ledger::{BlockContext, LedgerState, Outcome, Rejection, standing};
use crate::record::Delegate;

impl LedgerState {
    pub(super) fn delegate(
        &mut self,
        office: &OfficeId,
        body: &Delegate,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let own = self.active(office, at)?;
        if body.to == *office {
            return Err(Rejection::Delegation("an office cannot delegate to itself"));
        }
        let to = self
            .office(&body.to)
            .ok_or_else(|| Rejection::UnknownOffice(body.to.clone()))?;
        let same = |known: &Delegation| known.to == body.to && known.kind == body.kind;
        let mut given = own.clone();
        if let Some(until) = body.until {
            self.check_delegation(office, body, to, until, at)?;
            // What is over makes room.
            given.delegations.retain(|known| known.until >= at.time && !same(known));
            if given.delegations.len() >= MAX_DELEGATIONS {
                return Err(Rejection::Delegation(
                    "your office lets others issue too many types; take one back",
                ));
            }
            self.check_lenders(office, body)?;
            let key = (&body.to, &body.kind);
            let place = given
                .delegations
                .partition_point(|known| (&known.to, &known.kind) < key);
            let delegation = Delegation {
                to: body.to.clone(),
                kind: body.kind.clone(),
                until,
            };
            given.delegations.insert(place, delegation);
            self.check_growth(office, own, &given)?;
        } else {
            if !own.delegations.iter().any(same) {
                return Err(Rejection::NothingChanges);
            }
            given.delegations.retain(|known| !same(known));
        }
        for known in &own.delegations.clone() {
            self.derived.take_lender(office, known);
        }
        for known in &given.delegations {
            self.derived.add_lender(office, known);
        }
        self.change_office(office, |office| *office = given);
        Ok(Outcome::Done)
    }

    fn check_delegation(
        &self,
        office: &OfficeId,
        body: &Delegate,
        to: &Office,
        until: UnixMillis,
        at: &BlockContext,
    ) -> Result<(), Rejection> {
        // What is only delegated cannot be delegated on.
        if !standing::in_scope(self, office, &body.kind) {
            return Err(Rejection::OutOfScope {
                office: office.clone(),
                kind: body.kind.clone(),
            });
        }
        if until < at.time {
            return Err(Rejection::Delegation("its date has passed"));
        }
        if to.is_gone() {
            return Err(Rejection::Delegation("the office is closed or succeeded"));
        }
        if !standing::reaches_no_further(self, &body.to, office) {
            return Err(Rejection::Delegation(
                "what the office issues would be valid in regions in which your own is not",
            ));
        }
        if !standing::signs_with_as_many(self, &body.to, office) {
            return Err(Rejection::Delegation(
                "the office signs with fewer keys than your own must",
            ));
        }
        Ok(())
    }

    /// That not too many offices of a directory let an office issue a type.
    fn check_lenders(&self, office: &OfficeId, body: &Delegate) -> Result<(), Rejection> {
        let lenders = self.derived.lenders_of(&body.to, &body.kind);
        let others = lenders.filter(|(from, _)| from.region == office.region && *from != office);
        if others.count() < MAX_LENDERS_OF_REGION {
            return Ok(());
        }
        Err(Rejection::Delegation(
            "enough offices of your region let it issue the type already",
        ))
    }
}
