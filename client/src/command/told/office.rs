//! What is said of offices, and what they say of each other.

use super::{Told, shape};
use crate::command::show;
use concord_spec::catalogue::label;
use concord_spec::record::{
    AmendOffice, Delegate, OfficeChange, OfficeLevel, RegisterOffice, Scope, SetOffice, SucceedOffice,
};

/// Where an office stands, in words.
pub(crate) fn level(level: OfficeLevel) -> &'static str {
    match level {
        OfficeLevel::National => "national",
        OfficeLevel::Province => "province",
        OfficeLevel::City => "city",
        OfficeLevel::County => "county",
    }
}

fn scope(mut told: Told, scope: &Scope) -> Told {
    for kind in &scope.types {
        told.put("issues", kind);
    }
    if scope.types.is_empty() {
        told.put("issues", "nothing by itself");
    }
    match &scope.regions {
        None => told.put("valid in", "every region"),
        Some(regions) => {
            let regions: Vec<&str> = regions.iter().map(|region| region.as_str()).collect();
            told.put("valid in", format!("{} only", regions.join(", ")));
        }
    }
    told
}

/// A zone, as hours and minutes from UTC.
pub(crate) fn zone(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let ahead = minutes.unsigned_abs();
    format!("UTC{sign}{:02}:{:02}", ahead / 60, ahead % 60)
}

pub(super) fn register(body: &RegisterOffice) -> Told {
    let told = Told::new(format!(
        "registers office {} ({}), level {}; {}",
        body.code,
        label(&body.labels, "zh"),
        level(body.level),
        shape(&body.keyring)
    ))
    .labels(&body.labels)
    .keyring(&body.keyring);
    scope(told, &body.scope).with("zone", zone(body.utc_offset_minutes))
}

pub(super) fn amend(body: &AmendOffice) -> Told {
    let parts = [
        ("name", body.labels.is_some()),
        ("keyring", body.keyring.is_some()),
        ("scope", body.scope.is_some()),
        ("zone", body.utc_offset_minutes.is_some()),
    ];
    let parts: Vec<&str> = parts
        .iter()
        .filter(|(_, changes)| *changes)
        .map(|(part, _)| *part)
        .collect();
    let mut told = Told::new(format!(
        "gives office {} another {}",
        body.office,
        parts.join(", another ")
    ));
    if let Some(labels) = &body.labels {
        told = told.labels(labels);
    }
    if let Some(keyring) = &body.keyring {
        told = told.keyring(keyring);
    }
    if let Some(wanted) = &body.scope {
        told = scope(told, wanted);
    }
    if let Some(minutes) = body.utc_offset_minutes {
        told.put("zone", zone(minutes));
    }
    told
}

pub(super) fn set(body: &SetOffice) -> Told {
    let office = &body.office;
    Told::new(match body.change {
        OfficeChange::Suspend => {
            format!("suspends office {office}: neither it nor its sub-offices may act until it is reinstated")
        }
        OfficeChange::Reinstate => format!(
            "reinstates office {office}: it may act again, and its sub-offices that are not suspended themselves"
        ),
        OfficeChange::Close => format!("closes office {office} for good: what it issued stands"),
    })
}

pub(super) fn succeed(body: &SucceedOffice) -> Told {
    Told::new(format!(
        "office {} takes the place of office {} for good: its series, its sub-offices and the power over status",
        body.successor, body.office
    ))
}

pub(super) fn delegate(body: &Delegate) -> Told {
    Told::new(match body.until {
        Some(until) => format!(
            "lets office {} issue {} until {}, that time included",
            body.to,
            body.kind,
            show::time(until)
        ),
        None => format!("no longer lets office {} issue {}", body.to, body.kind),
    })
}
