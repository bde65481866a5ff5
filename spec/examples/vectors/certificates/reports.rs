//! The whole report of every certificate vector, as JSON.

use super::super::Error;
use concord_spec::bundle::{TrustBundle, TrustedState};
use concord_spec::id::UnixMillis;
use concord_spec::verify::{Policy, Presented, verify};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Gives each vector its `report`.
pub(super) fn add(bundles: &Map<String, Value>, vectors: &mut [Value]) -> Result<(), Error> {
    let mut states = BTreeMap::new();
    for (name, bundle) in bundles {
        let chain = text(bundle, "chain_id")?.parse()?;
        let state = TrustBundle::open(&hex::decode(text(bundle, "bundle")?)?, &chain)?;
        states.insert(name.as_str(), state);
    }
    for vector in vectors {
        let state = states
            .get(text(vector, "bundle")?)
            .ok_or("a vector without its bundle")?;
        let report = report(vector, state)?;
        vector
            .as_object_mut()
            .ok_or("a vector that is no object")?
            .insert("report".to_owned(), json!(report));
    }
    Ok(())
}

fn report(vector: &Value, state: &TrustedState) -> Result<String, Error> {
    let member = |name: &str| vector.get(name).and_then(Value::as_str);
    let policy = Policy {
        own_region: member("own_region").map(str::parse).transpose()?,
        max_age_ms: vector.get("max_age_ms").and_then(Value::as_u64),
        purpose: member("purpose").map(str::to_owned),
        recorded_required: vector.get("recorded_required").and_then(Value::as_bool).unwrap_or(true),
        asked: vector.get("asked").cloned().map(serde_json::from_value).transpose()?,
    };
    let now = vector
        .get("now")
        .and_then(Value::as_u64)
        .ok_or("a vector without a time")?;
    let certificate = member("certificate").map(hex::decode).transpose()?;
    let credential = member("credential").map(hex::decode).transpose()?;
    let both = member("with_status").map(hex::decode).transpose()?;
    let presented = match (&certificate, &credential, &both) {
        (Some(bytes), _, _) => Presented::Certificate(bytes),
        (None, Some(bytes), _) => Presented::Credential(bytes),
        (None, None, Some(bytes)) => Presented::WithStatus(bytes),
        (None, None, None) => return Err("a vector that presents nothing".into()),
    };
    Ok(verify(presented, state, &policy, UnixMillis(now)).to_json())
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Error> {
    value
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("a vector without {name}").into())
}
