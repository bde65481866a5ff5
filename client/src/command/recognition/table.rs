//! `concord recognition table`: who recognises whom.

use crate::command::ledger::Ledger;
use crate::command::{Done, Shared, show};
use concord_client::terminal::{Align, Table};
use concord_spec::id::{Height, RegionId, TypeId, UnixMillis};
use concord_spec::ledger::standing::Offices;
use concord_spec::recognition::{Declaration, Level};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How a region recognises another, at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    /// Only what was issued before: new credentials are not recognised any more.
    Earlier,
    /// On conditions.
    Conditional,
    /// As equal.
    Equal,
}

impl Cell {
    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Conditional => "c",
            Self::Earlier => "e",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Conditional => "conditional",
            Self::Earlier => "issued-earlier-only",
        }
    }
}

/// Whether the name of a type is meant: the whole name, or what stands behind the owner's and the dot.
fn is_meant(kind: &TypeId, wanted: Option<&TypeId>) -> bool {
    wanted.is_none_or(|wanted| {
        let behind = kind.as_str().split_once('.').map(|(_, name)| name);
        kind == wanted || behind == Some(wanted.as_str())
    })
}

/// What a declaration comes to for what is issued and presented now.
fn cell(declaration: &Declaration, now: UnixMillis, today: &str) -> Option<Cell> {
    let terms = &declaration.terms;
    let begun = terms.presented_from.is_none_or(|from| from <= now);
    let over = declaration.presented_until().is_some_and(|until| until < now);
    if !begun || over {
        return None;
    }
    if declaration
        .issued_until()
        .is_some_and(|until| until.to_string().as_str() < today)
    {
        return Some(Cell::Earlier);
    }
    Some(match terms.level {
        Level::Equal => Cell::Equal,
        Level::Conditional => Cell::Conditional,
    })
}

type Matrix = BTreeMap<(RegionId, RegionId), Cell>;

/// Who recognises whom: the best declaration of each pair.
fn matrix(regions: &[RegionId], declarations: &[Declaration], wanted: Option<&TypeId>, now: UnixMillis) -> Matrix {
    let today: String = show::time(now).chars().take(10).collect();
    let mut matrix = Matrix::new();
    for declaration in declarations.iter().filter(|known| is_meant(&known.terms.kind, wanted)) {
        let Some(found) = cell(declaration, now, &today) else {
            continue;
        };
        let recogniser = &declaration.recogniser;
        let sources = regions
            .iter()
            .filter(|source| *source != recogniser && declaration.terms.source.covers(source));
        for source in sources {
            let best = matrix.entry((recogniser.clone(), source.clone())).or_insert(found);
            *best = found.max(*best);
        }
    }
    matrix
}

fn is_mutual(matrix: &Matrix, a: &RegionId, b: &RegionId) -> bool {
    let full = |one: &RegionId, other: &RegionId| {
        matrix
            .get(&(one.clone(), other.clone()))
            .is_some_and(|cell| *cell > Cell::Earlier)
    };
    full(a, b) && full(b, a)
}

/// `concord recognition table`.
pub(super) fn run(shared: &Shared, kind: Option<&TypeId>) -> Done {
    let ledger = Ledger::look(shared)?;
    let recognition = ledger.node.recognition()?;
    let next = Height(ledger.height.0.saturating_add(1));
    let regions: Vec<RegionId> = ledger
        .federation()
        .regions
        .iter()
        .filter(|region| region.is_member_at(next))
        .map(|region| region.region.clone())
        .collect();
    let matrix = matrix(&regions, &recognition.declarations, kind, ledger.time.max(show::now()));
    let words = words(&regions, &matrix);
    show::answer(shared, &words, &object(&regions, &matrix, kind))?;
    Ok(0)
}

fn words(regions: &[RegionId], matrix: &Matrix) -> String {
    let mut header = vec![("", Align::Left)];
    header.extend(regions.iter().map(|region| (region.as_str(), Align::Left)));
    let mut table = Table::new(&header);
    for row in regions {
        let cells = regions
            .iter()
            .map(|column| match matrix.get(&(row.clone(), column.clone())) {
                _ if row == column => "-".to_owned(),
                None => ".".to_owned(),
                Some(cell) if is_mutual(matrix, row, column) => format!("{}*", cell.sign()),
                Some(cell) => cell.sign().to_owned(),
            });
        table.row(std::iter::once(row.to_string()).chain(cells));
    }
    format!(
        "{table}\nA row recognises a column: = as equal, c on conditions, e only what was issued earlier, . not; * mutual"
    )
}

fn object(regions: &[RegionId], matrix: &Matrix, kind: Option<&TypeId>) -> Value {
    let recognitions: Vec<Value> = matrix
        .iter()
        .map(|((row, column), cell)| {
            json!({
                "recogniser": row, "source": column, "level": cell.name(), "mutual": is_mutual(matrix, row, column),
            })
        })
        .collect();
    let pairs = matrix.keys().filter(|(a, b)| a < b && is_mutual(matrix, a, b));
    json!({
        "type": kind,
        "regions": regions,
        "recognitions": recognitions,
        "mutual": pairs.collect::<Vec<_>>(),
    })
}
