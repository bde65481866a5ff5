//! What rows certify, checked against the type as the ledger holds it.

use super::definition::TypeDefinition;
use super::row::Row;
use concord_spec::catalogue;
use concord_spec::codec::{self, CodecError};
use concord_spec::content::{Content, ContentError, Named};
use concord_spec::credential::MAX_CREDENTIAL;
use concord_spec::id::{IdError, RegionId, TypeId};
use concord_spec::key::PublicKey;

/// What one credential certifies, and to whom it is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// What it certifies; the salt is filled in when it is signed.
    pub content: Content,
    /// The key with which the holder can show that it is theirs.
    pub holder_key: Option<PublicKey>,
}

/// For no holder's key.
impl From<Content> for Certified {
    fn from(content: Content) -> Self {
        Self {
            content,
            holder_key: None,
        }
    }
}

/// Why a row cannot be certified.
#[derive(Debug, thiserror::Error)]
pub enum ContentRowError {
    /// Something does not fit into a credential.
    #[error("line {line}: a value does not fit into a credential ({error})")]
    Bounds {
        /// Line of the sheet.
        line: u64,
        /// What is wrong.
        error: CodecError,
    },
    /// It does not fit its type.
    #[error("line {line}: {error}")]
    Type {
        /// Line of the sheet.
        line: u64,
        /// What is wrong.
        error: ContentError,
    },
}

/// The definition as a region puts it on the ledger.
///
/// # Errors
/// The name with the region's code in front is too long.
pub fn in_region(definition: &TypeDefinition, region: &RegionId) -> Result<catalogue::TypeDefinition, IdError> {
    owned_by(definition, region.as_str())
}

/// The definition as its owner puts it on the ledger, a region, a domain authority, or the federation: its name begins with
/// the owner's and a dot.
///
/// # Errors
/// The name with the owner's in front is too long.
pub fn owned_by(definition: &TypeDefinition, owner: &str) -> Result<catalogue::TypeDefinition, IdError> {
    let own = definition.id();
    let prefix = format!("{owner}.");
    let id = if own.as_str().starts_with(&prefix) {
        own.clone()
    } else {
        TypeId::new(format!("{prefix}{own}"))?
    };
    Ok(definition.catalogue_entry(id))
}

/// What a row certifies; the salt is filled in when it is signed.
///
/// # Errors
/// See [`ContentRowError`].
pub fn content(row: &Row, issued_by: &Named, of: &catalogue::TypeDefinition) -> Result<Content, ContentRowError> {
    let line = row.line;
    let content = row.content([0; 16], issued_by.clone());
    content
        .fits(of)
        .map_err(|error| ContentRowError::Type { line, error })?;
    // The bounds of every field stand in the codec: what it reads back is within them.
    let read_back = codec::from_slice::<Content>(&codec::to_vec(&content), MAX_CREDENTIAL);
    read_back.map_err(|error| ContentRowError::Bounds { line, error })
}

/// What a row certifies, bound to the holder's key if it names one.
///
/// # Errors
/// See [`ContentRowError`].
pub fn certified(row: &Row, issued_by: &Named, of: &catalogue::TypeDefinition) -> Result<Certified, ContentRowError> {
    Ok(Certified {
        content: content(row, issued_by, of)?,
        holder_key: row.holder.key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::sheet;

    const DEFINITION: &str = include_str!("../../samples/drivers-licence.type.toml");
    const SHEET: &[u8] = include_bytes!("../../samples/drivers-licences.csv");

    fn shipped() -> (TypeDefinition, catalogue::TypeDefinition) {
        let definition = TypeDefinition::parse(DEFINITION).unwrap();
        let on_ledger = in_region(&definition, &RegionId::new("310000").unwrap()).unwrap();
        (definition, on_ledger)
    }

    #[test]
    fn a_type_on_the_ledger_begins_with_its_region() {
        let (_, on_ledger) = shipped();
        assert_eq!(on_ledger.reference.to_string(), "310000.drivers-licence/1");
        assert!(on_ledger.is_complete());
    }

    #[test]
    fn every_shipped_row_fits_its_type_and_a_credential() {
        let (definition, on_ledger) = shipped();
        let issued_by = Named {
            name: "车辆管理所".to_owned(),
            code: "11310000000000000X".to_owned(),
        };
        let rows = sheet::parse_sheet(SHEET, &definition).unwrap();
        assert!(rows.len() >= 200);
        for row in &rows {
            content(row, &issued_by, &on_ledger).unwrap();
        }
    }

    #[test]
    fn a_name_too_long_for_a_credential_is_refused_with_its_line() {
        let (definition, on_ledger) = shipped();
        let issued_by = Named {
            name: "车辆管理所".to_owned(),
            code: "X".to_owned(),
        };
        let mut row = sheet::parse_sheet(SHEET, &definition).unwrap().remove(0);
        row.holder.name = "长".repeat(43);
        let refused = content(&row, &issued_by, &on_ledger).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("line {}:", row.line)), "{refused}");
    }
}
