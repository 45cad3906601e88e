//! What the pool answers in small worlds: reasons, and the order of equal begins.

use super::*;

fn plain_told(rules: Vec<RuleBody>) -> Told {
    Told {
        capacity: 1,
        rules,
        bookings: Vec::new(),
        bookable: true,
    }
}

#[test]
fn what_is_left_out_says_why() {
    let all = [
        plain_told(Vec::new()),
        plain_told(vec![RuleBody::Longest { minutes: 60 }]),
        plain_told(vec![
            RuleBody::Longest { minutes: 60 },
            RuleBody::Buffers {
                setup_minutes: 10,
                cleanup_minutes: 0,
            },
        ]),
        Told {
            bookings: vec![(0, 10_000, false)],
            ..plain_told(Vec::new())
        },
        Told {
            bookable: false,
            ..plain_told(Vec::new())
        },
    ];
    let world = World::of(&all, 0);
    let found = world.search(&asked(slot_of(0, 2_880), 120, 5));
    let offered: Vec<u32> = found
        .offers
        .iter()
        .map(|found| found.offer.instrument.get())
        .collect();
    assert_eq!(offered, [1]);
    let mut why: Vec<(u32, Option<RuleId>)> = found
        .excluded
        .iter()
        .map(|(id, why)| {
            let rule = match why {
                Exclusion::Rules(refusals) => refusals.first().map(|refusal| refusal.rule),
                Exclusion::NoRoom => None,
                other @ (Exclusion::NotPermitted | Exclusion::OutOfReach) => panic!("{other:?}"),
            };
            (id.get(), rule)
        })
        .collect();
    why.sort_unstable();
    let expected = [
        (2, Some(RuleId::Longest)),
        (3, Some(RuleId::Longest)),
        (4, None),
        (5, Some(RuleId::NotBookable)),
    ];
    assert_eq!(why, expected);
}

#[test]
fn of_equal_begins_the_least_used_comes_first() {
    let used = Told {
        // Over by now, within the last 30 days.
        bookings: vec![(-600, 60, false)],
        ..plain_told(Vec::new())
    };
    let world = World::of(&[used, plain_told(Vec::new())], 0);
    let found = world.search(&asked(slot_of(0, 1_440), 60, 2));
    let order: Vec<u32> = found
        .offers
        .iter()
        .map(|found| found.offer.instrument.get())
        .collect();
    assert_eq!(order, [2, 1]);
    assert_eq!(found.offers[1].offer.used.get(), HOUR_US);
}

#[test]
fn nobody_is_offered_what_is_not_for_them() {
    let world = World::of(&[plain_told(Vec::new())], 0);
    let asked = PoolAsked {
        member: MemberId::new(9),
        ..asked(slot_of(0, 1_440), 60, 2)
    };
    let found = world.search(&asked);
    assert_eq!(
        found.excluded,
        [(InstrumentId::new(1), Exclusion::NotPermitted)]
    );
    let other = PoolAsked {
        capability: Some("sem".to_owned()),
        ..asked
    };
    assert_eq!(world.search(&other), PoolFound::default());
}
