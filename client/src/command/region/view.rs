//! Regions as they stand.

use crate::command::ledger::Ledger;
use crate::command::told::{self, Words};
use crate::command::{Done, Failure, Shared, show};
use concord_spec::catalogue::label;
use concord_spec::id::{Height, RegionId};
use concord_spec::ledger::standing::Offices;
use concord_spec::ledger::{EvidenceEntry, Region};
use serde_json::{Value, json};

/// How a region stands at the next block.
pub(super) fn standing(region: &Region, next: Height) -> &'static str {
    if !region.is_member_at(next) {
        "removed"
    } else if region.term_at(next).is_some() {
        "in force"
    } else if region.suspended.is_some_and(|from| from <= next) {
        "suspended"
    } else {
        "not in force yet"
    }
}

fn next(ledger: &Ledger) -> Height {
    Height(ledger.height.0.saturating_add(1))
}

fn evidence<'a>(ledger: &'a Ledger, region: &'a RegionId) -> impl Iterator<Item = &'a EvidenceEntry> {
    let all = ledger.federation().evidence.iter();
    all.filter(move |entry| entry.place.region == *region)
}

fn object(ledger: &Ledger, region: &Region) -> Value {
    let terms: Vec<Value> = region
        .terms
        .iter()
        .map(|term| {
            json!({
                "from": term.from, "until": term.until, "consensus_key": term.consensus_key,
                "seal_key": term.seal_key.to_string(),
            })
        })
        .collect();
    let observers: Vec<Value> = region
        .observers
        .iter()
        .map(|observer| {
            let addresses: Vec<&str> = observer.addresses.iter().map(|one| one.multiaddr.as_str()).collect();
            json!({"peer_id": observer.peer_id, "name": observer.name, "addresses": addresses})
        })
        .collect();
    let evidence: Vec<Value> = evidence(ledger, &region.region)
        .map(|entry| {
            json!({
                "height": entry.place.height, "round": entry.place.round, "step": entry.place.step.to_string(),
                "record": entry.record, "recorded": entry.recorded,
            })
        })
        .collect();
    let rotation = region.rotation.as_ref().filter(|rotation| rotation.from > ledger.time);
    json!({
        "region": region.region,
        "labels": region.labels,
        "standing": standing(region, next(ledger)),
        "authority": region.authority_at(ledger.time),
        "rotation": rotation.map(|rotation| json!({"keyring": rotation.keyring, "from_ms": rotation.from})),
        "peer_id": region.peer_id,
        "addresses": region.addresses.iter().map(|one| one.multiaddr.as_str()).collect::<Vec<_>>(),
        "observers": observers,
        "terms": terms,
        "suspended": region.suspended,
        "removed": region.removed,
        "successor": region.successor,
        "evidence": evidence,
    })
}

/// `concord region list`.
pub(super) fn list(shared: &Shared) -> Done {
    let ledger = Ledger::look(shared)?;
    for region in &ledger.federation().regions {
        let proofs = evidence(&ledger, &region.region).count();
        let mut words = format!(
            "{}  {}  {}",
            region.region,
            label(&region.labels, "zh"),
            standing(region, next(&ledger))
        );
        if let Some(rotation) = region.rotation.as_ref().filter(|rotation| rotation.from > ledger.time) {
            words.push_str(&format!(
                "; another authority keyring from {}",
                show::time(rotation.from)
            ));
        }
        if proofs > 0 {
            words.push_str(&format!("; SIGNED TWICE {proofs} times"));
        }
        show::answer(shared, &words, &object(&ledger, region))?;
    }
    Ok(0)
}

/// `concord region show`.
pub(super) fn show(shared: &Shared, id: &RegionId) -> Done {
    let ledger = Ledger::look(shared)?;
    let unknown = || {
        Failure::Cannot(format!(
            "{id} is no region of this federation; see: concord region list"
        ))
    };
    let region = ledger.federation().region(id).ok_or_else(unknown)?;
    let mut text = format!(
        "region {id} ({}): {}",
        label(&region.labels, "zh"),
        standing(region, next(&ledger))
    );
    for (name, value) in words(&ledger, region) {
        text.push_str(&format!("\n  {name:<12}  {value}"));
    }
    show::answer(shared, &text, &object(&ledger, region))?;
    Ok(0)
}

fn words(ledger: &Ledger, region: &Region) -> Words {
    let mut words = Words::new();
    let mut put = |name: &str, value: String| words.push((name.to_owned(), value));
    for label in &region.labels {
        put("name", format!("{} ({})", label.text, label.language));
    }
    let authority = region.authority_at(ledger.time);
    put("authority", told::shape(authority));
    authority.keys().iter().for_each(|key| put("key", key.to_string()));
    if let Some(rotation) = region.rotation.as_ref().filter(|rotation| rotation.from > ledger.time) {
        let (from, shape) = (show::time(rotation.from), told::shape(&rotation.keyring));
        put(
            "ROTATION",
            format!("another authority keyring from {from}: {shape}; cancel: concord region cancel-rotation"),
        );
        rotation
            .keyring
            .keys()
            .iter()
            .for_each(|key| put("next key", key.to_string()));
    }
    for term in &region.terms {
        let until = term
            .until
            .map_or_else(|| "on".to_owned(), |until| format!("before {until}"));
        put(
            "node keys",
            format!("from block {} {until}: vote key {}", term.from, term.consensus_key),
        );
        put("", format!("seal key {}", term.seal_key));
    }
    put("peer id", region.peer_id.clone());
    for address in &region.addresses {
        put("address", address.multiaddr.clone());
    }
    for observer in &region.observers {
        let addresses: Vec<&str> = observer.addresses.iter().map(|one| one.multiaddr.as_str()).collect();
        put(
            "observer",
            format!("{} {} {}", observer.name, observer.peer_id, addresses.join(" ")),
        );
    }
    if let Some(height) = region.suspended {
        put("suspended", format!("from block {height}"));
    }
    if let Some(height) = region.removed {
        put("removed", format!("from block {height}"));
    }
    if let Some(successor) = &region.successor {
        put("successor", format!("region {successor} has its offices and series"));
    }
    words.extend(evidence_words(ledger, region));
    words
}

fn evidence_words(ledger: &Ledger, region: &Region) -> Words {
    let told = evidence(ledger, &region.region).map(|entry| {
        let place = &entry.place;
        let words = format!(
            "two different {}s for height {}, round {}; recorded in block {} by record {}",
            place.step, place.height, place.round, entry.recorded, entry.record
        );
        ("EVIDENCE".to_owned(), words)
    });
    told.collect()
}
