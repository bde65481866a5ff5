use super::*;
use crate::world::World;

fn content(from: &str, validity: Validity) -> (Content, TypeDefinition) {
    let world = World::new(1, "content").unwrap();
    let mut content = world.content(0).unwrap();
    content.valid_from = from.parse().unwrap();
    content.validity = validity;
    (content, world.definition)
}

fn until(day: &str) -> Validity {
    Validity::Until(day.parse().unwrap())
}

#[test]
fn validity_is_counted_with_its_first_and_last_day_and_no_longer_than_the_type_allows() {
    let cases = [
        (until("2026-01-01"), Some(1)),
        (until("2026-12-31"), Some(365)),
        (until("2028-12-31"), Some(1_096)),
        (Validity::NoEnd, None),
    ];
    for (validity, days) in cases {
        let (content, mut definition) = content("2026-01-01", validity);
        assert_eq!(content.fits(&definition), Ok(()), "a type without a limit");
        let Some(days) = days else {
            definition.classification.max_validity_days = Some(u64::MAX);
            let refused = content.fits(&definition);
            assert_eq!(
                refused,
                Err(ContentError::ValidTooLong {
                    days: None,
                    max: u64::MAX
                })
            );
            continue;
        };
        let limit = u64::try_from(days).unwrap();
        definition.classification.max_validity_days = Some(limit);
        assert_eq!(content.fits(&definition), Ok(()));
        definition.classification.max_validity_days = Some(limit - 1);
        let refused = content.fits(&definition);
        let days = Some(days);
        assert_eq!(refused, Err(ContentError::ValidTooLong { days, max: limit - 1 }));
    }
}
