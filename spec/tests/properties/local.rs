//! What is said of offices and series.

use crate::dice::Dice;
use crate::federal::{TYPES, any_type};
use crate::naive::Naive;
use crate::players::{Players, any_office, any_region, region_over};
use crate::scene::{issue, kind, labels, region, set_office, status, succeed};
use concord_spec::content::Relation;
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, DomainId, Number, OfficeCode, OfficeId, SeriesId, UnixMillis};
use concord_spec::record::{
    Action, Actor, AmendOffice, Delegate, OfficeChange, OfficeLevel, OpenSeries, RegisterOffice, Scope, SetStatus,
    StatusChange, Successor,
};
use concord_spec::status::StatusKind;

/// A scope, as a rule of most types; within `of` where there is one.
fn scope(dice: &mut Dice, of: Option<&Scope>) -> Scope {
    let types = of.map_or(TYPES.map(kind).to_vec(), |of| of.types.clone());
    let regions = of.and_then(|of| of.regions.clone());
    let regions = match regions {
        Some(regions) => Some(dice.some(regions, 85)),
        None if dice.chance(70) => None,
        None => Some(dice.some((0..4).map(region), 60)),
    };
    let mut scope = Scope {
        types: dice.some(types, 80),
        regions,
    };
    match dice.below(25) {
        0 => scope.types.reverse(),
        1 | 2 => scope = Scope::of_types(TYPES.map(kind).to_vec()),
        _ => {}
    }
    scope
}

fn registration(dice: &mut Dice, players: &mut Players, above: Option<(&Scope, OfficeLevel, usize)>) -> RegisterOffice {
    let levels = [
        OfficeLevel::National,
        OfficeLevel::Province,
        OfficeLevel::City,
        OfficeLevel::County,
    ];
    let lower = |level: &OfficeLevel| above.is_none_or(|(_, above, _)| *level > above);
    let fitting: Vec<OfficeLevel> = levels.into_iter().filter(lower).collect();
    let level = if dice.chance(95) { dice.pick(fitting) } else { None };
    let mut keyring = players.keyring(dice);
    if let Some((_, _, threshold)) = above
        && keyring.threshold() < threshold
        && dice.chance(90)
    {
        keyring = crate::scene::keyring(threshold, (0..threshold).map(|_| players.fresh()).collect::<Vec<_>>());
    }
    RegisterOffice {
        code: OfficeCode::new(format!("O{}", dice.below(40))).unwrap(),
        level: level.or(dice.pick(levels)).unwrap(),
        labels: if dice.chance(97) { labels("机关") } else { Vec::new() },
        keyring,
        scope: scope(dice, above.map(|(scope, ..)| scope)),
        utc_offset_minutes: if dice.chance(97) { 480 } else { 900 },
    }
}

pub(crate) fn of_offices(
    dice: &mut Dice,
    naive: &Naive,
    players: &mut Players,
    time: UnixMillis,
) -> Option<(Actor, Action)> {
    let choice = dice.below(20);
    if choice < 3 || naive.offices.len() < 2 {
        let body = registration(dice, players, None);
        return Some((Actor::Region(any_region(dice, naive)), Action::RegisterOffice(body)));
    }
    let id = any_office(dice, naive)?;
    let Some(office) = naive.offices.get(&id) else {
        return Some((
            Actor::Region(any_region(dice, naive)),
            set_office(&id, OfficeChange::Suspend),
        ));
    };
    match choice {
        3..=7 => {
            let body = registration(
                dice,
                players,
                Some((&office.scope, office.level, office.keyring.threshold())),
            );
            Some((Actor::Office(id), Action::RegisterOffice(body)))
        }
        8..=11 => {
            let body = amendment(dice, players, &id, &office.scope);
            Some((
                Actor::Region(region_over(dice, naive, &id)),
                Action::AmendOffice(Box::new(body)),
            ))
        }
        12..=15 => {
            // Suspended ones first, so that they do not become the most.
            let suspended = naive.offices.iter().filter(|(_, office)| office.suspended.is_some());
            let first = dice
                .pick(suspended.map(|(id, _)| id.clone()))
                .filter(|_| dice.chance(60));
            let id = first.unwrap_or(id);
            let office = &naive.offices[&id];
            let change = match office.suspended {
                Some(_) if dice.chance(85) => OfficeChange::Reinstate,
                _ => dice
                    .pick([OfficeChange::Suspend, OfficeChange::Reinstate, OfficeChange::Close])
                    .unwrap(),
            };
            Some((Actor::Region(region_over(dice, naive, &id)), set_office(&id, change)))
        }
        16 => {
            let mut successor = any_office(dice, naive)?;
            if naive.holder(&successor.region) != naive.holder(&id.region) && dice.chance(80) {
                let beside = naive.offices.keys().filter(|other| other.region == id.region);
                successor = dice.pick(beside.cloned())?;
            }
            Some((Actor::Region(region_over(dice, naive, &id)), succeed(&id, &successor)))
        }
        _ => Some((
            Actor::Office(id.clone()),
            Action::Delegate(delegation(dice, naive, &id, &office.scope, time)?),
        )),
    }
}

fn amendment(dice: &mut Dice, players: &mut Players, id: &OfficeId, own: &Scope) -> AmendOffice {
    AmendOffice {
        office: id.clone(),
        labels: dice
            .chance(40)
            .then(|| dice.pick([labels("甲"), labels("乙"), Vec::new()]).unwrap()),
        keyring: dice.chance(20).then(|| players.keyring(dice)),
        scope: dice.chance(40).then(|| {
            let within = dice.chance(50).then_some(own);
            scope(dice, within)
        }),
        utc_offset_minutes: dice.chance(15).then(|| dice.pick([480, 0, 841]).unwrap()),
    }
}

fn delegation(dice: &mut Dice, naive: &Naive, id: &OfficeId, own: &Scope, time: UnixMillis) -> Option<Delegate> {
    let fitting = naive
        .offices
        .keys()
        .filter(|to| *to != id && naive.reaches_no_further(to, id))
        .filter(|to| naive.offices[*to].keyring.threshold() >= naive.offices[id].keyring.threshold());
    let fitting = dice.pick(fitting.cloned()).filter(|_| dice.chance(85));
    let to = match fitting {
        Some(to) => to,
        None if dice.chance(90) => any_office(dice, naive)?,
        None => id.clone(),
    };
    let own = dice.pick(own.types.iter().cloned());
    let later_ms = dice.pick([0, 5_000, 60_000, 3_600_000, 100 * 3_600_000])?;
    let until = if dice.chance(95) { time.0 + later_ms } else { time.0 - 1 };
    Some(Delegate {
        to,
        kind: own.filter(|_| dice.chance(90)).unwrap_or_else(|| kind(any_type(dice))),
        until: dice.chance(85).then_some(UnixMillis(until)),
    })
}

pub(crate) fn of_series(
    dice: &mut Dice,
    naive: &Naive,
    players: &mut Players,
    time: UnixMillis,
) -> Option<(Actor, Action)> {
    let choice = dice.below(40);
    if choice < 7 || naive.series.is_empty() {
        let office = any_office(dice, naive)?;
        let types = naive.types.keys().cloned();
        // As a rule one that the office may issue.
        let fitting = types.clone().filter(|of| {
            let mut given = naive.offices.values().flat_map(|other| &other.delegations);
            let lent = given.any(|known| known.to == office && known.kind == of.id);
            naive.offices.contains_key(&office) && (lent || naive.has_type(&office, &of.id))
        });
        let fitting = dice.pick(fitting.collect::<Vec<_>>()).filter(|_| dice.chance(85));
        let of = fitting.or(dice.pick(types.collect::<Vec<_>>()));
        let used = dice.pick(naive.series.values().map(|(_, series)| series.key));
        let fresh = crate::scene::key(players.fresh()).public();
        let body = OpenSeries {
            of: of
                .filter(|_| dice.chance(95))
                .unwrap_or_else(|| crate::scene::version_of("110000.none", 1)),
            desk: "窗口".to_owned(),
            key: used.filter(|_| dice.chance(8)).unwrap_or(fresh),
        };
        return Some((Actor::Office(office), Action::OpenSeries(body)));
    }
    // As a rule one of which something can be issued.
    let usable = naive.series.iter().filter(|(id, (_, series))| {
        let holder = naive.holder_of_series(**id, naive.height + 1);
        series.frozen.is_none() && series.closed.is_none() && naive.acts(&holder, naive.height + 1)
    });
    let usable = dice.pick(usable.map(|(id, _)| *id)).filter(|_| dice.chance(75));
    let known = usable.or(dice.pick(naive.series.keys().copied()))?;
    let series = if dice.chance(98) {
        known
    } else {
        SeriesId(naive.next_series + 1)
    };
    let holder = naive.holder_of_series(known, naive.height + 1);
    let office = if dice.chance(95) {
        holder.clone()
    } else {
        any_office(dice, naive)?
    };
    let next = naive.numbers[&known].next;
    match choice {
        7..=20 => {
            let first = match dice.below(20) {
                0 => next + u64::from(next < u64::MAX),
                1 => next.saturating_sub(1),
                _ => next,
            };
            let count = dice.pick([0, 1, 1, 2, 5, 16, 64, 4_096, 4_097]).unwrap();
            Some((Actor::Office(office), issue(series, first, count)))
        }
        21..=35 => {
            let body = status_change(dice, naive, series, next, time);
            let speaker = speaker(dice, naive, known, office, body.change);
            Some((speaker, Action::SetStatus(body)))
        }
        36 | 37 => {
            let speaker = speaker(dice, naive, known, office, StatusChange::Reinstate);
            Some((speaker, Action::FreezeSeries(series)))
        }
        _ => Some((Actor::Office(office), Action::CloseSeries(series))),
    }
}

/// Who speaks of the status of a series: its office, its region, its type's owner, or somebody else.
fn speaker(dice: &mut Dice, naive: &Naive, series: SeriesId, office: OfficeId, change: StatusChange) -> Actor {
    let (region, of) = &naive.series[&series];
    let over = Actor::Region(naive.holder(region));
    if change == StatusChange::Restore && dice.chance(85) {
        return over;
    }
    let owner = of.of.id.owner().and_then(|owner| DomainId::new(owner).ok());
    let owner = owner.filter(|owner| naive.domains.contains_key(owner));
    match dice.below(10) {
        0 | 1 => over,
        2 => Actor::Region(any_region(dice, naive)),
        3 => owner.map_or(Actor::Office(office), Actor::Domain),
        4 => dice.pick(naive.domains.keys().cloned()).map_or(over, Actor::Domain),
        _ => Actor::Office(office),
    }
}

fn status_change(dice: &mut Dice, naive: &Naive, series: SeriesId, next: u64, time: UnixMillis) -> SetStatus {
    // Sets grow with their highest number: those of a series near its end stay low.
    let most = next.clamp(1, 9_000);
    let mut numbers: Vec<(u64, u64)> = (0..1 + dice.below(3))
        .map(|_| (dice.below(most), dice.pick([1, 1, 2, 7, 300]).unwrap()))
        .collect();
    numbers.sort_unstable();
    if dice.chance(90) {
        for range in &mut numbers {
            range.1 = range.1.min((most - range.0).max(1));
        }
        numbers.dedup_by(|b, a| a.0 + a.1 >= b.0);
    }
    let change = dice.pick(
        StatusKind::ALL
            .map(StatusChange::Set)
            .into_iter()
            .chain([StatusChange::Reinstate, StatusChange::Restore]),
    );
    let change = change.unwrap();
    let count: u64 = numbers.iter().map(|(_, count)| count).sum();
    let other = dice
        .pick(naive.numbers.iter().map(|(id, numbers)| (*id, numbers.next)))
        .unwrap_or((series, next));
    let successor = Successor {
        first: CredentialId {
            series: if dice.chance(95) { other.0 } else { SeriesId(9_999) },
            number: Number(dice.below(other.1.saturating_sub(count).clamp(1, 9_000))),
        },
        relation: Relation::Renews,
    };
    let follows = (change == StatusChange::Set(StatusKind::Superseded)) == dice.chance(93);
    SetStatus {
        effective: dice.chance(20).then(|| UnixMillis(time.0 - 1_000 + dice.below(1_300))),
        detail: dice.chance(75).then_some(Digest([7; 32])),
        successor: follows.then_some(successor),
        ..status(series, &numbers, change)
    }
}
