//! Offices as they stand: the tree, and one in full.

use crate::command::ledger::Ledger;
use crate::command::told::{self, Words};
use crate::command::{Done, Failure, Shared, show};
use concord_spec::catalogue::label;
use concord_spec::id::{Height, OfficeId, RegionId};
use concord_spec::ledger::standing::{self, Offices};
use concord_spec::ledger::{Delegation, Office};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Why an office may not act, or that it may.
fn stopped(ledger: &Ledger, id: &OfficeId) -> Option<String> {
    standing::check_active(ledger, id, ledger.height)
        .err()
        .map(|inactive| inactive.to_string())
}

/// The office directly above, in whose place another may stand.
fn parent(ledger: &Ledger, id: &OfficeId, office: &Office) -> Option<OfficeId> {
    let parent = OfficeId::new(id.region.clone(), office.parent.clone()?);
    Some(standing::holder_at(ledger, &parent, Height(u64::MAX)))
}

/// What other offices let it issue.
fn lent<'a>(ledger: &'a Ledger, id: &'a OfficeId) -> impl Iterator<Item = (OfficeId, &'a Delegation)> {
    let offices = ledger
        .directories()
        .flat_map(|(region, directory)| directory.offices.iter().map(move |office| (region, office)));
    offices.flat_map(move |(region, office)| {
        let given = office.delegations.iter().filter(move |one| one.to == *id);
        given.map(move |one| (OfficeId::new(region.clone(), office.code.clone()), one))
    })
}

fn object(ledger: &Ledger, id: &OfficeId, office: &Office) -> Value {
    let names: Vec<Value> = office
        .names
        .iter()
        .map(|name| json!({"from": name.from, "labels": name.labels}))
        .collect();
    let delegations: Vec<Value> = office
        .delegations
        .iter()
        .map(|one| json!({"to": one.to, "type": one.kind, "until_ms": one.until}))
        .collect();
    let lent: Vec<Value> = lent(ledger, id)
        .map(|(from, one)| json!({"from": from, "type": one.kind, "until_ms": one.until}))
        .collect();
    json!({
        "office": id,
        "parent": parent(ledger, id, office),
        "level": told::level(office.level),
        "labels": office.labels(),
        "names": names,
        "keyring": office.keyring,
        "types": office.scope.types,
        "valid_in": office.scope.regions,
        "utc_offset_minutes": office.utc_offset_minutes,
        "since": office.since,
        "suspended": office.suspended,
        "closed": office.closed,
        "successor": office.succession.as_ref().map(|succession| &succession.to),
        "delegations": delegations,
        "lent": lent,
        "active": stopped(ledger, id).is_none(),
        "stopped_by": stopped(ledger, id),
    })
}

/// `concord office show`.
pub(super) fn show(shared: &Shared, id: &OfficeId) -> Done {
    let mut ledger = Ledger::look(shared)?;
    let office = ledger.require_office(id)?;
    ledger.load_all()?;
    let mut text = format!("office {id} ({})", label(office.labels(), "zh"));
    for (name, value) in words(&ledger, id, &office) {
        text.push_str(&format!("\n  {name:<12}  {value}"));
    }
    show::answer(shared, &text, &object(&ledger, id, &office))?;
    Ok(0)
}

fn words(ledger: &Ledger, id: &OfficeId, office: &Office) -> Words {
    let mut words = Words::new();
    let mut put = |name: &str, value: String| words.push((name.to_owned(), value));
    match stopped(ledger, id) {
        None => put("may act", "yes".to_owned()),
        Some(why) => put("may act", format!("NO: {why}")),
    }
    put("level", told::level(office.level).to_owned());
    match parent(ledger, id, office) {
        Some(parent) => put("under", parent.to_string()),
        None => put("under", format!("region {}", ledger.federation().holder_of(&id.region))),
    }
    for name in &office.names {
        let texts: Vec<&str> = name.labels.iter().map(|label| label.text.as_str()).collect();
        put("name", format!("{} (from block {})", texts.join(" / "), name.from));
    }
    put("keyring", told::shape(&office.keyring));
    office.keyring.keys().iter().for_each(|key| put("key", key.to_string()));
    office
        .scope
        .types
        .iter()
        .for_each(|kind| put("issues", kind.to_string()));
    for (from, one) in lent(ledger, id) {
        let until = show::time(one.until);
        put("issues", format!("{}, let by {from} until {until}", one.kind));
    }
    for one in &office.delegations {
        let until = show::time(one.until);
        put("lets issue", format!("{}, by {} until {until}", one.kind, one.to));
    }
    let valid = office.scope.regions.as_ref().map_or_else(
        || "every region".to_owned(),
        |regions| {
            let regions: Vec<&str> = regions.iter().map(RegionId::as_str).collect();
            regions.join(", ")
        },
    );
    put("valid in", valid);
    put("zone", told::zone(office.utc_offset_minutes));
    put("since", format!("block {}", office.since));
    if let Some(height) = office.suspended {
        put("suspended", format!("from block {height}"));
    }
    if let Some(height) = office.closed {
        put("closed", format!("at block {height}"));
    }
    if let Some(succession) = &office.succession {
        put("successor", format!("{} from block {}", succession.to, succession.at));
    }
    words.extend(series(ledger, id));
    words
}

/// The series that an office holds.
fn series(ledger: &Ledger, id: &OfficeId) -> Words {
    let held = ledger.directories().flat_map(|(region, directory)| {
        let all = directory.series.iter();
        all.filter(move |series| standing::series_holder_at(ledger, region, series, Height(u64::MAX)) == *id)
    });
    held.map(|series| {
        let stopped = match (series.frozen, series.closed) {
            (Some(height), _) => format!(", frozen at block {height}"),
            (None, Some(height)) => format!(", closed at block {height}"),
            (None, None) => String::new(),
        };
        let words = format!("{} of {} for desk {}{stopped}", series.id, series.of, series.desk);
        ("series".to_owned(), words)
    })
    .collect()
}

/// `concord office list`.
pub(super) fn list(shared: &Shared, region: Option<&RegionId>) -> Done {
    let mut ledger = Ledger::look(shared)?;
    // What stops an office may stand in another region, so that all are needed.
    ledger.load_all()?;
    if let Some(region) = region.filter(|region| ledger.directory(region).is_none()) {
        return Err(Failure::Cannot(format!("{region} is no region of this federation")));
    }
    let tree = Tree::of(&ledger);
    if shared.json {
        for (id, _) in tree.in_order(region) {
            let Some(office) = ledger.office(&id) else { continue };
            show::line(&object(&ledger, &id, office).to_string())?;
        }
        return Ok(0);
    }
    let mut text = String::new();
    let mut last = None;
    for (id, depth) in tree.in_order(region) {
        let Some(office) = ledger.office(&id) else { continue };
        if last.as_ref() != Some(&id.region) && depth == 0 {
            text.push_str(&format!("{}\n", id.region));
            last = Some(id.region.clone());
        }
        let stopped = stopped(&ledger, &id).map_or_else(String::new, |why| format!("  STOPPED: {why}"));
        text.push_str(&format!(
            "{}{}  {}  {}{stopped}\n",
            "  ".repeat(depth.saturating_add(1)),
            id.code,
            label(office.labels(), "zh"),
            told::level(office.level),
        ));
    }
    let text = if text.is_empty() {
        "no offices are registered"
    } else {
        text.trim_end()
    };
    show::line(text)?;
    Ok(0)
}

/// Offices under each other.
struct Tree {
    /// Those directly under a region.
    tops: Vec<OfficeId>,
    /// Those directly under an office.
    under: BTreeMap<OfficeId, Vec<OfficeId>>,
}

impl Tree {
    fn of(ledger: &Ledger) -> Self {
        let mut tree = Self {
            tops: Vec::new(),
            under: BTreeMap::new(),
        };
        for (region, directory) in ledger.directories() {
            for office in &directory.offices {
                let id = OfficeId::new(region.clone(), office.code.clone());
                match parent(ledger, &id, office) {
                    Some(parent) => tree.under.entry(parent).or_default().push(id),
                    None => tree.tops.push(id),
                }
            }
        }
        tree
    }

    /// Every office with its depth, each after the one above it.
    fn in_order(&self, region: Option<&RegionId>) -> Vec<(OfficeId, usize)> {
        let wanted = |id: &&OfficeId| region.is_none_or(|region| id.region == *region);
        let mut waiting: Vec<(OfficeId, usize)> = self
            .tops
            .iter()
            .filter(wanted)
            .rev()
            .map(|id| (id.clone(), 0))
            .collect();
        let mut ordered = Vec::new();
        while let Some((id, depth)) = waiting.pop() {
            let under = self.under.get(&id).into_iter().flatten().rev();
            waiting.extend(under.map(|sub| (sub.clone(), depth.saturating_add(1))));
            ordered.push((id, depth));
        }
        ordered
    }
}
