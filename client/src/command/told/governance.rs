//! What regions say about the federation, their nodes, types and each other.

use super::{Told, Words, shape};
use crate::command::show;
use concord_spec::catalogue::{ClaimKind, TypeDefinition, TypeRef, label};
use concord_spec::charter::CharterRegion;
use concord_spec::key::Keyring;
use concord_spec::recognition::{Level, Source, Terms};
use concord_spec::record::{NodeKeys, Observers, VersionChange, Versioned, Vote, Withdraw};
use concord_spec::vote::Evidence;

pub(super) fn admit(card: &CharterRegion) -> Told {
    let mut told = Told::new(format!(
        "admits region {} ({}): its node votes and seals two blocks after the vote passed",
        card.region,
        label(&card.labels, "zh")
    ))
    .labels(&card.labels)
    .keyring(&card.authority)
    .with("vote key", card.consensus_key)
    .with("seal key", &card.seal_key)
    .with("possession", possession(card.possession.verify(&card.seal_key)))
    .with("peer id", &card.peer_id);
    for address in &card.addresses {
        told.put("address", &address.multiaddr);
    }
    told
}

fn possession(holds: bool) -> &'static str {
    if holds {
        "proved: the region holds the seal key"
    } else {
        "NOT PROVED: the ledger will refuse it"
    }
}

pub(super) fn raise_version(body: VersionChange) -> Told {
    let what = match body.subject {
        Versioned::Record => "records",
        Versioned::Header => "block headers",
    };
    Told::new(format!(
        "raises the version of {what} to {} from block {} on: nodes without software that knows it stop there",
        body.version, body.from
    ))
}

pub(super) fn vote(body: &Vote) -> Told {
    let side = if body.approve { "for" } else { "against" };
    Told::new(format!("votes {side} proposal {}", body.proposal))
}

pub(super) fn rotate_node(keys: &NodeKeys) -> Told {
    let mut told = Told::new("gives the region's node other keys, in force two blocks after this record")
        .with("vote key", keys.consensus_key)
        .with("seal key", &keys.seal_key)
        .with("possession", possession(keys.possession.verify(&keys.seal_key)))
        .with("peer id", &keys.peer_id);
    for address in &keys.addresses {
        told.put("address", &address.multiaddr);
    }
    told
}

pub(super) fn rotate_authority(keyring: &Keyring) -> Told {
    Told::new(format!(
        "gives the region another authority keyring ({}), in force 72 hours after its block; until then the present keyring \
         or a vote can cancel it",
        shape(keyring)
    ))
    .keyring(keyring)
}

pub(super) fn observers(body: &Observers) -> Told {
    let count = body.observers.len();
    let mut told = Told::new(match count {
        0 => "the region has no observers any more".to_owned(),
        1 => "the region has one observer, and no other: it replicates and serves, and never votes".to_owned(),
        _ => format!("the region has these {count} observers, and no others: they replicate and serve, and never vote"),
    });
    for observer in &body.observers {
        told.put("observer", format!("{} {}", observer.name, observer.peer_id));
        for address in &observer.addresses {
            told.put("address", &address.multiaddr);
        }
    }
    told
}

pub(super) fn define_type(body: &TypeDefinition) -> Told {
    Told {
        sentence: format!(
            "defines type {} ({}), with {} claims of its own",
            body.reference,
            label(&body.labels, "zh"),
            body.claims.len()
        ),
        details: definition(body),
    }
}

/// All that a definition says.
pub(crate) fn definition(body: &TypeDefinition) -> Words {
    let place = &body.classification;
    let mut told = Told::new("")
        .labels(&body.labels)
        .with("category", format!("{:?}", place.category).to_lowercase())
        .with("grade", format!("{:?}", place.grade).to_lowercase())
        .with("sharing", format!("{:?}", place.sharing).to_lowercase());
    if let Some(sector) = &place.sector {
        told.put("sector", sector);
    }
    let days = |days: Option<u64>, none: &str| days.map_or_else(|| none.to_owned(), |days| format!("{days} days"));
    told.put("retention", days(place.retention_days, "for good"));
    told.put("validity", days(place.max_validity_days, "no limit"));
    if let Some(code) = &place.gb_type_code {
        told.put("GB type code", code);
    }
    if let Some(template) = &place.template {
        told.put("template", template);
    }
    for claim in &body.claims {
        let kind = match &claim.kind {
            ClaimKind::Text(max) => format!("text of at most {max} bytes"),
            ClaimKind::Integer => "a whole number".to_owned(),
            ClaimKind::Day => "a day".to_owned(),
            ClaimKind::Code(codes) => format!("one of {}", codes.join(", ")),
        };
        let required = if claim.required { "required" } else { "optional" };
        let selective = if claim.selective {
            ", may be left out when shown"
        } else {
            ""
        };
        let names: Vec<&str> = claim.labels.iter().map(|label| label.text.as_str()).collect();
        told.put(
            &format!("claim {}", claim.key),
            format!(
                "{}: {kind}, {required}{selective}, {}, {} on paper",
                names.join(" / "),
                format!("{:?}", claim.sensitivity).to_lowercase(),
                format!("{:?}", claim.printed).to_lowercase()
            ),
        );
    }
    told.details
}

pub(super) fn close_type(reference: &TypeRef) -> Told {
    Told::new(format!(
        "closes type {reference}: nothing more of it is issued; what is on the ledger stands"
    ))
}

/// As which type a declaration recognises, and whose.
pub(crate) fn recognised(terms: &Terms) -> String {
    let whose = match &terms.source {
        Source::All => "of every region".to_owned(),
        Source::Region(region) => format!("of region {region}"),
    };
    let local = terms.local_type.as_ref();
    let local = local.map_or_else(|| "as itself".to_owned(), |local| format!("as {local}"));
    let level = match terms.level {
        Level::Equal => "as equal",
        Level::Conditional => "on conditions",
    };
    format!("{} {whose} {local}, {level}", terms.kind)
}

/// The conditions of a declaration.
pub(crate) fn conditions(terms: &Terms) -> Words {
    let mut told = Told::new("");
    told.put("version", format!("{} or later", terms.min_version));
    if let Some(day) = terms.issued_from {
        told.put("issued from", day);
    }
    if let Some(day) = terms.issued_until {
        told.put("issued until", day);
    }
    if let Some(time) = terms.presented_from {
        told.put("presented from", show::time(time));
    }
    if let Some(time) = terms.presented_until {
        told.put("presented until", show::time(time));
    }
    if let Some(days) = terms.max_age_days {
        told.put("issued within", format!("{days} days"));
    }
    if terms.purposes.is_empty() {
        told.put("purposes", "every one");
    } else {
        told.put("purposes", terms.purposes.join(", "));
    }
    for map in &terms.values {
        told.put(
            &format!("claim {}", map.claim),
            format!("{} there is {} here", map.there, map.here),
        );
    }
    told.put("basis", terms.basis);
    told.details
}

pub(super) fn recognise(terms: &Terms) -> Told {
    Told {
        sentence: format!("recognises {}", recognised(terms)),
        details: conditions(terms),
    }
}

pub(super) fn withdraw(body: &Withdraw) -> Told {
    let issued = body
        .issued_until
        .map(|day| format!("credentials issued until {day} stay recognised"));
    let presented = body
        .presented_until
        .map(|time| format!("they may be presented until {}", show::time(time)));
    let rights: Vec<String> = issued.into_iter().chain(presented).collect();
    Told::new(format!(
        "withdraws the region's recognition {}: {}",
        body.number,
        rights.join("; ")
    ))
}

pub(super) fn evidence(body: &Evidence) -> Told {
    let place = body.place();
    let mut told = Told::new(format!(
        "proves that region {} signed two different {}s for height {}, round {}",
        place.region, place.step, place.height, place.round
    ));
    for target in body.targets() {
        let target = target.map_or_else(|| "no block".to_owned(), |hash| hash.to_string());
        told.put("signed", target);
    }
    told
}
