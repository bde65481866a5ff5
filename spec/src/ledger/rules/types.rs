//! Types: defined and closed by whoever owns the name before their first dot.

use crate::catalogue::{TypeDefinition, TypeRef};
use crate::id::Height;
use crate::ledger::{BlockContext, Entry, LedgerState, Outcome, Rejection};
use std::sync::Arc;

impl LedgerState {
    pub(super) fn define_type(
        &mut self,
        owner: &str,
        body: &TypeDefinition,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        self.check_definition(owner, body)?;
        self.put_type(body.clone(), at.height);
        Ok(Outcome::Done)
    }

    /// Puts a definition that was checked into the catalogue.
    pub(super) fn put_type(&mut self, definition: TypeDefinition, since: Height) {
        self.derived.add_type(&definition);
        Arc::make_mut(&mut self.catalogue).insert(definition, since);
        self.touched.insert(Entry::Catalogue);
    }

    pub(super) fn check_definition(&self, owner: &str, body: &TypeDefinition) -> Result<(), Rejection> {
        let reference = &body.reference;
        if reference.id.owner() != Some(owner) {
            return Err(Rejection::TypeNotYours(reference.id.clone()));
        }
        if !body.is_complete() {
            return Err(Rejection::IncompleteType(reference.clone()));
        }
        let expected = self.catalogue.latest_version(&reference.id).saturating_add(1);
        if reference.version.0 != expected {
            return Err(Rejection::TypeVersionGap {
                id: reference.id.clone(),
                expected,
                got: reference.version.0,
            });
        }
        self.check_catalogue_room(owner, body)
    }

    pub(super) fn close_type(
        &mut self,
        owner: &str,
        reference: &TypeRef,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        self.check_closing(owner, reference)?;
        if let Some(entry) = Arc::make_mut(&mut self.catalogue).entry_mut(reference) {
            entry.closed = Some(at.height);
        }
        self.touched.insert(Entry::Catalogue);
        Ok(Outcome::Done)
    }

    pub(super) fn check_closing(&self, owner: &str, reference: &TypeRef) -> Result<(), Rejection> {
        if reference.id.owner() != Some(owner) {
            return Err(Rejection::TypeNotYours(reference.id.clone()));
        }
        self.check_open(reference)
    }

    /// That a version of a type is defined and not closed.
    pub(super) fn check_open(&self, reference: &TypeRef) -> Result<(), Rejection> {
        match self.catalogue.entry(reference) {
            None => Err(Rejection::UnknownType(reference.clone())),
            Some(entry) if entry.closed.is_some() => Err(Rejection::TypeClosed(reference.clone())),
            Some(_) => Ok(()),
        }
    }
}
