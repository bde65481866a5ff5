//! What is in a bundle, in words and as JSON.

use super::show;
use concord_spec::bundle::{Held, SectionBody, Selection};
use serde_json::{Value, json};
use std::path::Path;

/// How many series a bundle tells the status of.
fn series(held: &Held) -> usize {
    let sections = held.bundle().sections.iter();
    let counts = sections.map(|section| match &section.body {
        SectionBody::Status(series) => series.len(),
        SectionBody::Document(_) => 0,
    });
    counts.sum()
}

fn chosen(selection: &Selection) -> String {
    let listed = |all: &str, some: Option<Vec<&str>>| match some {
        None => all.to_owned(),
        Some(some) if some.is_empty() => format!("no {}", all.trim_start_matches("all ")),
        Some(some) => some.join(", "),
    };
    let types = selection
        .types()
        .map(|types| types.iter().map(|id| id.as_str()).collect());
    let regions = selection
        .regions()
        .map(|regions| regions.iter().map(|id| id.as_str()).collect());
    format!("{} of {}", listed("all types", types), listed("all regions", regions))
}

pub(super) fn words(held: &Held) -> String {
    let state = held.state();
    let age = show::now().0.saturating_sub(state.time().0);
    format!(
        "trust bundle of {} at height {}, {} ({} old)\nchain id {}\ncheckpoint {}\n{} regions, {} types, {} series; it holds {}",
        state.charter().chain,
        state.height(),
        show::time(state.time()),
        show::age(age),
        state.chain_id(),
        held.point(),
        state.federation().regions.len(),
        state.catalogue().types.len(),
        series(held),
        chosen(state.selection()),
    )
}

pub(super) fn object(file: &Path, held: &Held) -> Value {
    let state = held.state();
    json!({
        "file": file.display().to_string(),
        "chain": state.charter().chain,
        "chain_id": state.chain_id(),
        "height": state.height(),
        "time_ms": state.time(),
        "age_ms": show::now().0.saturating_sub(state.time().0),
        "checkpoint": held.point().to_string(),
        "regions": state.federation().regions.iter().map(|region| region.region.as_str()).collect::<Vec<_>>(),
        "series": series(held),
        "only_types": state.selection().types(),
        "only_regions": state.selection().regions(),
    })
}
