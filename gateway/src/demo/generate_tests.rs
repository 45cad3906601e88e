//! The world is the same every time, has its size, and nobody stands in two places at once.

use super::*;

/// Monday, 4 May 2026, 10:07 in Shanghai, in minutes.
const NOW: i64 = 1_777_824_000 / 60 + 607;

fn world(instruments: usize) -> World {
    World::make(
        SEED,
        Size {
            instruments,
            history_days: 14,
            now_min: NOW,
        },
    )
}

fn count(world: &World, keep: impl Fn(&Machine) -> bool) -> usize {
    world
        .machines
        .iter()
        .filter(|machine| keep(machine))
        .count()
}

#[test]
fn the_full_region_has_its_size() {
    let world = world(5_534);
    assert_eq!(count(&world, |machine| machine.published), 5_534);
    let labs = world
        .places
        .iter()
        .filter(|place| place.kind == NodeKind::Lab)
        .count();
    assert!((290..=320).contains(&labs), "{labs}");
    let ahead = |machine: &Machine| machine.booked.iter().filter(|(_, end)| *end > NOW).count();
    let ahead: usize = world.machines.iter().map(ahead).sum();
    assert!((95_000..130_000).contains(&ahead), "{ahead}");
    assert_eq!(
        count(&world, |machine| machine.detail == Detail::Minutely),
        50
    );
    assert!((40..150).contains(&count(&world, |machine| !machine.published)));
    assert!((300..500).contains(&count(&world, |machine| machine.feed == Feed::None)));
    let held = |machine: &Machine| machine.outages.iter().any(|(a, b)| (*a..*b).contains(&NOW));
    assert!(
        (20..80).contains(&count(&world, held)),
        "{}",
        count(&world, held)
    );
}

#[test]
fn every_size_has_agents_of_ones_own_in_labs_of_their_own() {
    for (instruments, expected) in [(1, 0), (2, 1), (3, 2), (4, 3), (60, 3), (5_534, 3)] {
        let world = world(instruments);
        assert_eq!(count(&world, |machine| machine.published), instruments);
        let left: Vec<&Machine> = world
            .machines
            .iter()
            .filter(|one| matches!(one.feed, Feed::Left(_)))
            .collect();
        assert_eq!(left.len(), expected, "{instruments}");
        assert!(left.iter().all(|one| one.bookable && one.published));
        let mut labs: Vec<usize> = left.iter().map(|one| one.lab).collect();
        labs.dedup();
        assert!(instruments < 13 || labs.len() == 3);
        assert!(instruments < 13 || count(&world, |one| one.detail == Detail::Minutely) > 0);
    }
}

#[test]
fn calendars_have_no_overlap_and_every_booking_has_somebody() {
    let world = world(600);
    for machine in &world.machines {
        assert!(machine.booked.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        assert!(
            machine
                .outages
                .windows(2)
                .all(|pair| pair[0].1 <= pair[1].0)
        );
        assert_eq!(machine.booked.len(), machine.bookers.len());
        assert!(machine.bookable || machine.booked.is_empty());
        let role = |at: &usize| world.people[*at].role;
        assert!(
            machine
                .bookers
                .iter()
                .all(|at| role(at) == Role::Researcher)
        );
        for (start, end) in &machine.outages {
            assert!(
                machine
                    .booked
                    .iter()
                    .all(|slot| slot.1 <= *start || slot.0 >= *end)
            );
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_world_and_another_another() {
    let text = |seed| {
        let size = Size {
            instruments: 120,
            history_days: 3,
            now_min: NOW,
        };
        format!("{:?}", World::make(seed, size))
    };
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

/// The gateway's own judge finds nothing wrong with what the demo books.
#[test]
fn bookings_pass_the_rules_of_the_gateway() {
    use scheduler::class::CallerClass;
    use scheduler::facts::BookingFacts;
    use scheduler::id::NodeId;
    use scheduler::policy::{Layer, Level, Policy, SetAt, nonsense};
    use scheduler::quota::Subjects;
    use scheduler::rules::{Decision, judge};
    use scheduler::slot::Slot;
    use scheduler::time::Micros;

    let world = world(300);
    let micros = |minutes: i64| Micros::new(minutes * 60_000_000);
    for machine in &world.machines {
        let mut path = vec![machine.lab];
        while let Some(parent) = world.places[*path.last().unwrap()].parent {
            path.push(parent);
        }
        let set = |at: &usize| world.rules.iter().find(|(place, _)| place == at);
        let layer = |rules: &[SetRule]| Layer {
            level: Level::Lab,
            at: SetAt::Node(NodeId::new(1)),
            zone: chrono_tz::Asia::Shanghai,
            rules: rules.iter().copied().map(rules::rule).collect(),
        };
        let mut layers: Vec<Layer> = path
            .iter()
            .rev()
            .filter_map(set)
            .map(|(_, rules)| layer(rules))
            .collect();
        layers.push(layer(rules::own_rules(machine.class)));
        for layer in &layers {
            assert_eq!(nonsense(&layer.rules), None, "{:?}", layer.rules);
        }
        let policy = Policy::resolve(&layers);
        for (start, end) in machine.booked.iter().filter(|(start, _)| *start >= NOW) {
            let slot = Slot::new(micros(*start), micros(*end)).unwrap();
            let (class, subjects) = (CallerClass::Region, Subjects::default());
            let here = (micros(NOW), chrono_tz::Asia::Shanghai);
            let facts = BookingFacts {
                bookable: machine.bookable,
                ..BookingFacts::new(here, slot, class, subjects)
            };
            let decision = judge(&policy, &facts);
            let accepted = matches!(decision, Decision::Accept(_));
            assert!(accepted, "{} {start}: {decision:?}", machine.key);
        }
    }
}
