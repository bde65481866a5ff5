//! What a region's authority may do.

use crate::catalogue::TypeDefinition;
use crate::id::{OfficeId, RegionId};
use crate::ledger::{BlockContext, Directory, Entry, LedgerState, Office, Outcome, Rejection};
use crate::record::RegisterOffice;
use std::sync::Arc;

/// A day has 24 hours, and zones are at most 14 hours from UTC.
const MAX_OFFSET_MINUTES: i64 = 840;

impl LedgerState {
    pub(super) fn register_office(
        &mut self,
        region: &RegionId,
        body: &RegisterOffice,
        at: &BlockContext,
    ) -> Result<Outcome, Rejection> {
        let id = OfficeId {
            region: region.clone(),
            code: body.code.clone(),
        };
        if self.office(&id).is_some() {
            return Err(Rejection::OfficeExists(id));
        }
        if body.labels.is_empty() {
            return Err(Rejection::IncompleteOffice("it has no name"));
        }
        if !body.types.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
            return Err(Rejection::IncompleteOffice("its types do not stand in ascending order"));
        }
        if body.utc_offset_minutes.saturating_abs() > MAX_OFFSET_MINUTES {
            return Err(Rejection::IncompleteOffice("its zone is more than 14 hours from UTC"));
        }
        let office = Office {
            code: body.code.clone(),
            labels: body.labels.clone(),
            keyring: body.keyring.clone(),
            types: body.types.clone(),
            utc_offset_minutes: body.utc_offset_minutes,
            since: at.height,
        };
        self.change_directory(region, |directory| directory.insert_office(office));
        Ok(Outcome::Done)
    }

    pub(super) fn define_type(&mut self, region: &RegionId, body: &TypeDefinition) -> Result<Outcome, Rejection> {
        let reference = &body.reference;
        let prefix = format!("{region}.");
        if !reference.id.as_str().starts_with(&prefix) {
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
        Arc::make_mut(&mut self.catalogue).insert(body.clone());
        self.touched.insert(Entry::Catalogue);
        Ok(Outcome::Done)
    }

    pub(super) fn change_directory(&mut self, region: &RegionId, change: impl FnOnce(&mut Directory)) {
        let mut directory = self.directories.get(region).cloned().unwrap_or_default();
        change(Arc::make_mut(&mut directory));
        self.directories.insert_mut(region.clone(), directory);
        self.touched.insert(Entry::Directory(region.clone()));
    }
}
