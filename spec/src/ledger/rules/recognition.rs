//! What a region recognises.

use crate::id::RegionId;
use crate::ledger::{BlockContext, Entry, LedgerState, Outcome, Rejection};
use crate::recognition::{MAX_DECLARATIONS_OF_REGION, Recognition, Source, Terms, Withdrawal};
use crate::record::Withdraw;
use std::sync::Arc;

impl LedgerState {
    pub(super) fn recognise(
        &mut self,
        region: &RegionId,
        terms: &Terms,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        if let Some(defect) = terms.defect() {
            return Err(Rejection::IncompleteRecognition(defect));
        }
        if self.catalogue.versions(&terms.kind).is_empty() {
            return Err(Rejection::IncompleteRecognition("the type recognised is not defined"));
        }
        let local = terms.local_type.as_ref();
        if local.is_some_and(|local| self.catalogue.versions(local).is_empty()) {
            return Err(Rejection::IncompleteRecognition("the type here is not defined"));
        }
        if let Source::Region(source) = &terms.source {
            if source == region {
                return Err(Rejection::IncompleteRecognition(
                    "a region's own credentials need no recognition",
                ));
            }
            if self.federation.region(source).is_none() {
                return Err(Rejection::IncompleteRecognition("the region recognised is no member"));
            }
        }
        if self.recognition.of(region).len() >= MAX_DECLARATIONS_OF_REGION {
            return Err(Rejection::TooManyDeclarations);
        }
        self.check_recognition_room(region, terms)?;
        self.derived.add_declaration(region, terms);
        let height = at.height;
        let number = self.change_recognition(|recognition| recognition.declare(region, terms.clone(), height));
        Ok(Outcome::Declared(number))
    }

    pub(super) fn withdraw(
        &mut self,
        region: &RegionId,
        body: &Withdraw,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let own = self.recognition.of(region);
        let found = own.binary_search_by(|known| known.number.cmp(&body.number)).ok();
        let known = found.and_then(|index| own.get(index));
        if known.is_none_or(|known| known.withdrawn.is_some()) {
            return Err(Rejection::UnknownDeclaration(body.number));
        }
        if body.issued_until.is_none() && body.presented_until.is_none() {
            let why = "a withdrawal says until when credentials are issued or presented under it";
            return Err(Rejection::IncompleteRecognition(why));
        }
        if body.presented_until.is_some_and(|until| until < at.time) {
            return Err(Rejection::IncompleteRecognition(
                "what was recognised before cannot be undone",
            ));
        }
        let withdrawal = Withdrawal {
            at: at.height,
            issued_until: body.issued_until,
            presented_until: body.presented_until,
        };
        self.change_recognition(|recognition| {
            if let Some(known) = recognition.get_mut(region, body.number) {
                known.withdrawn = Some(withdrawal);
            }
        });
        Ok(Outcome::Done)
    }

    fn change_recognition<T>(&mut self, change: impl FnOnce(&mut Recognition) -> T) -> T {
        self.touched.insert(Entry::Recognition);
        change(Arc::make_mut(&mut self.recognition))
    }
}
