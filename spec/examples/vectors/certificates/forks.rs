//! Certificates that a series, as the data know it, cannot have issued: made from other courses of the same chain, which a quorum
//! that signs everything could seal.

use super::{NAME, Part, bundle, small_code, vector};
use crate::make::Error;
use concord_spec::credential::SignedCredential;
use concord_spec::id::TypeVersion;
use concord_spec::record::{Action, OpenSeries};
use concord_spec::world::World;

/// Blocks without records up to `height`.
fn idle(world: &mut World, height: usize) -> Result<(), Error> {
    while world.blocks.len() < height {
        world.append(Vec::new())?;
    }
    Ok(())
}

/// A course in which the series is opened after `height`.
fn opened_at(height: usize) -> Result<World, Error> {
    let mut late_opening = World::new(4, NAME)?;
    for action in [late_opening.office_registration()?, late_opening.type_definition()] {
        let record = late_opening.by_region(action)?;
        late_opening.append(vec![record])?;
    }
    idle(&mut late_opening, height)?;
    let open = OpenSeries {
        of: late_opening.type_ref(),
        desk: "窗口1".to_owned(),
        key: late_opening.series_key.public(),
    };
    let open = late_opening.by_office(Action::OpenSeries(open))?;
    late_opening.append(vec![open])?;
    Ok(late_opening)
}

pub(super) fn series() -> Result<Part, Error> {
    let mut issuing = World::with_series(4, NAME)?;
    let early = issuing.issue(1)?.remove(0);
    idle(&mut issuing, 8)?;
    let late = issuing.issue(1)?.remove(0);
    let height = issuing.blocks.len();

    let mut silent = World::with_series(4, NAME)?;
    idle(&mut silent, height)?;

    let mut never = World::new(4, NAME)?;
    idle(&mut never, height)?;

    let mut frozen = World::with_series(4, NAME)?;
    let freeze = frozen.by_office(Action::FreezeSeries(early.receipt.essence.series))?;
    frozen.append(vec![freeze])?;

    let late_opening = opened_at(height)?;

    let of_type = |version| {
        let mut credential = early.credential.credential().clone();
        credential.vct.version = TypeVersion(version);
        credential
    };
    let by_another = SignedCredential::sign(of_type(1), issuing.office_keys.first().ok_or("no office key")?);
    let of_another = SignedCredential::sign(of_type(2), &issuing.series_key);
    let vectors = vec![
        vector(
            "of a series that had issued nothing by then",
            "silent",
            &early.to_bytes(),
            "NOT GENUINE",
        ),
        vector(
            "of a series that nobody opened",
            "never-opened",
            &early.to_bytes(),
            "NOT GENUINE",
        ),
        vector(
            "after its series was frozen",
            "frozen-early",
            &late.to_bytes(),
            "NOT GENUINE",
        ),
        vector(
            "before its series was opened",
            "opened-late",
            &early.to_bytes(),
            "NOT GENUINE",
        ),
        small_code("a small code by another key", "silent", &by_another, "NOT GENUINE"),
        small_code("a small code of another type", "silent", &of_another, "NOT GENUINE"),
    ];
    let bundles = [
        ("silent", silent),
        ("never-opened", never),
        ("frozen-early", frozen),
        ("opened-late", late_opening),
    ];
    let bundles = bundles
        .into_iter()
        .map(|(name, world)| Ok((name, bundle(&world, &world.bundle()?))));
    Ok((bundles.collect::<Result<_, Error>>()?, vectors))
}
