//! The header: which column of the file is which claim.

use std::collections::BTreeMap;

use super::error::{CellPlace, Problem, Refusal, RowError};
use crate::desk::column::{Common, letters};
use crate::desk::definition::TypeDefinition;

/// What a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    Common(Common),
    /// The type's own claim of this key.
    Claim(u64),
}

/// A header in which every column has one meaning, and every needed one is there.
#[derive(Debug)]
pub(super) struct Header {
    names: Vec<String>,
    by_meaning: BTreeMap<Meaning, usize>,
}

impl Header {
    /// Reads a header: each column by its name or a label, in any language of the definition, upper or lower case.
    pub(super) fn read(line: u64, cells: &[&str], definition: &TypeDefinition, refusal: &mut Refusal) -> Self {
        let known = meanings(definition);
        let mut header = Self {
            names: cells.iter().map(|cell| (*cell).to_owned()).collect(),
            by_meaning: BTreeMap::new(),
        };
        for (index, cell) in cells.iter().enumerate() {
            let problem = match known.get(&cell.to_lowercase()) {
                None => Some(Problem::UnknownColumn),
                Some(meaning) => header
                    .by_meaning
                    .get(meaning)
                    .map(|first| Problem::DuplicateColumn(letters(*first))),
            };
            match (problem, known.get(&cell.to_lowercase())) {
                (Some(problem), _) => refusal.add(RowError::cell(line, header.place(index), cell, problem)),
                (None, Some(meaning)) => drop(header.by_meaning.insert(*meaning, index)),
                (None, None) => {}
            }
        }
        for (meaning, name) in needed(definition) {
            if !header.by_meaning.contains_key(&meaning) {
                refusal.add(RowError::line(line, Problem::MissingColumn(name)));
            }
        }
        header
    }

    /// Columns of the file.
    pub(super) fn width(&self) -> usize {
        self.names.len()
    }

    /// Where the column of this meaning is.
    pub(super) fn index(&self, meaning: Meaning) -> Option<usize> {
        self.by_meaning.get(&meaning).copied()
    }

    /// How an error names a column.
    pub(super) fn place(&self, index: usize) -> CellPlace {
        let name = self.names.get(index).cloned().unwrap_or_default();
        CellPlace {
            number: index + 1,
            letters: letters(index),
            name,
        }
    }
}

/// Every name and label in lower case.
fn meanings(definition: &TypeDefinition) -> BTreeMap<String, Meaning> {
    let common = Common::ALL
        .iter()
        .flat_map(|column| column.names().map(|name| (name, Meaning::Common(*column))));
    let claims = definition.claims().iter();
    let own = claims.flat_map(|claim| claim.headings().map(|name| (name, Meaning::Claim(claim.key))));
    common.chain(own).collect()
}

/// Columns that must be there, by name.
fn needed(definition: &TypeDefinition) -> Vec<(Meaning, String)> {
    let common = Common::ALL.iter().filter(|column| column.is_required());
    let claims = definition.claims().iter().filter(|claim| claim.required);
    let common = common.map(|column| (Meaning::Common(*column), column.name().to_owned()));
    common
        .chain(claims.map(|claim| (Meaning::Claim(claim.key), claim.name.clone())))
        .collect()
}
