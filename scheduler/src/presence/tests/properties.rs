//! The verdict against an oracle that looks at every minute, and what more data may do to it.

use proptest::prelude::*;

use super::*;

fn some_machine() -> impl Strategy<Value = Vec<MachineInterval>> {
    let kind = prop_oneof![
        5 => Just(Machine::NotRunning),
        1 => Just(Machine::Running),
        1 => Just(Machine::Fault),
        1 => Just(Machine::Silent),
    ];
    let one = (kind, 0i64..130, 1i64..80, prop::bool::weighted(0.1));
    prop::collection::vec(one, 0..6).prop_map(|all| {
        all.into_iter()
            .map(|(machine, start, len, is_uncertain)| MachineInterval {
                slot: slot(start, start + len),
                machine,
                is_uncertain,
            })
            .collect()
    })
}

/// Most of them good readings of a machine that stands still all along, so that no-shows occur.
fn some_history() -> impl Strategy<Value = Vec<MachineInterval>> {
    (some_machine(), prop::bool::weighted(0.6)).prop_map(|(mut machine, is_still)| {
        if is_still {
            machine.retain(|interval| interval.slot.start() >= at(78));
            machine.extend(super::machine("still 0 100"));
        }
        machine
    })
}

proptest! {
    /// The oracle looks at every minute of the grace time.
    #[test]
    fn a_no_show_is_a_grace_time_of_good_readings_and_no_running_minute(
        machine in some_history(), watermark in 60i64..130, since in 0i64..100, now in 50i64..140,
    ) {
        let seen = Seen {
            machine: &machine,
            watermark: Some(at(watermark)),
            listening_since: at(since),
            ..NOTHING
        };
        let says = |minute: i64, wanted: &dyn Fn(&MachineInterval) -> bool| {
            machine.iter().filter(|one| one.slot.contains(at(minute))).any(wanted)
        };
        let good = |one: &MachineInterval| one.machine == Machine::NotRunning && !one.is_uncertain;
        let ran = |one: &MachineInterval| one.machine == Machine::Running && !one.is_uncertain;
        let still = (60..80).all(|minute| says(minute, &good) && !says(minute, &|one| !good(one)));
        let used = (50..now.min(120)).find(|&minute| says(minute, &ran));
        let verdict = judged(&RULE, &seen, now);
        let expected = match used {
            Some(minute) => Verdict::Used(at(minute)),
            None if now < 80 => Verdict::WaitUntil(at(80)),
            None if watermark >= 80 && still => Verdict::NoShow,
            None if watermark >= 80 => Verdict::Unverified,
            None if now < since.max(80) + 15 => Verdict::WaitUntil(at(since.max(80) + 15)),
            None => Verdict::Unverified,
        };
        prop_assert_eq!(verdict, expected);
    }

    #[test]
    fn more_running_and_more_data_never_make_a_no_show(
        machine in some_history(), extra in (0i64..130, 1i64..40, any::<bool>()),
        watermark in 60i64..130, later in 0i64..60, now in 50i64..140,
    ) {
        let seen = Seen { machine: &machine, watermark: Some(at(watermark)), ..NOTHING };
        let before = judged(&RULE, &seen, now);
        let (start, len, is_uncertain) = extra;
        let mut more = machine.clone();
        more.push(MachineInterval { slot: slot(start, start + len), machine: Machine::Running, is_uncertain });
        let after = judged(&RULE, &Seen { machine: &more, ..seen }, now);
        if after == Verdict::NoShow {
            prop_assert_eq!(before, Verdict::NoShow);
        }
        if let Verdict::Used(at) = before {
            prop_assert!(matches!(after, Verdict::Used(earlier) if earlier <= at));
        }
        // Used stays used as time goes on and data comes in.
        let seen = Seen { watermark: Some(at(watermark + later)), ..seen };
        if matches!(before, Verdict::Used(_)) {
            prop_assert_eq!(judged(&RULE, &seen, now + later), before);
        }
    }

    #[test]
    fn no_time_is_too_far(
        start in any::<i64>(), len in 1i64.., span in 0i64.., now in any::<i64>(),
        other in (any::<i64>(), 1i64..), watermark in any::<Option<i64>>(), proves in any::<bool>(),
    ) {
        let slot = |start: i64, len: i64| Slot::new(Micros::new(start), Micros::new(start.saturating_add(len)));
        let (Some(held), Some(other)) = (slot(start, len), slot(other.0, other.1)) else { return Ok(()) };
        let span = Span::new(span).unwrap();
        let rule = PresenceRule {
            grace: span, lead: span, dwell: span, clean_up: span,
            telemetry_proves: proves, check_in_required: true,
        };
        let machine = [Machine::Running, Machine::NotRunning]
            .map(|machine| MachineInterval { slot: other, machine, is_uncertain: false });
        let seen = Seen {
            machine: &machine, watermark: watermark.map(Micros::new),
            listening_since: Micros::new(now), check_in: None, others: &[other],
        };
        if let Verdict::WaitUntil(until) = verdict(held, &rule, &seen, Micros::new(now)) {
            prop_assert!(until > Micros::new(now));
        }
        if let Some(free) = early_finish(held, &rule, &seen, Micros::new(now)) {
            prop_assert!(held.contains(free));
        }
    }
}
