//! Runs: tables of what may happen, and an oracle that walks minute by minute.

mod oracle;

use super::*;
use crate::time::MINUTE_US;

fn at(minute: i64) -> Micros {
    Micros::new(minute * MINUTE_US)
}

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(at(start), at(end)).unwrap()
}

fn interval(machine: Machine, start: i64, end: i64) -> MachineInterval {
    MachineInterval {
        slot: slot(start, end),
        machine,
        is_uncertain: false,
    }
}

fn ran(slots: &[(i64, i64)]) -> Vec<MachineInterval> {
    slots
        .iter()
        .map(|&(start, end)| interval(Machine::Running, start, end))
        .collect()
}

fn held(id: i64, start: i64, end: i64) -> Held {
    Held {
        booking: BookingId::new(id),
        slot: slot(start, end),
        lane: 0,
        check_in: None,
        check_out: None,
    }
}

/// Checked in, and out.
fn there(held: Held, from: i64, to: Option<i64>) -> Held {
    Held {
        check_in: Some(at(from)),
        check_out: to.map(at),
        ..held
    }
}

/// Writes runs as `1 booked 60-90 (25)`, with `~` if uncertain and `*` if by check-in.
fn written(runs: &[Run]) -> String {
    let one = |run: &Run| {
        let whose = run.booking.map_or("-".to_owned(), |id| id.to_string());
        let kind = match run.kind {
            RunKind::Booked => "booked",
            RunKind::Overrun => "overrun",
            RunKind::Unbooked => "unbooked",
            RunKind::Declared => "declared",
        };
        let minutes = |micros: i64| micros / MINUTE_US;
        let (start, end) = (run.slot.start().get(), run.slot.end().get());
        let ran = minutes(run.running.get());
        let doubt = if run.confidence == Confidence::Full {
            ""
        } else {
            "~"
        };
        let mark = if run.evidence == Evidence::CheckIn {
            "*"
        } else {
            ""
        };
        format!(
            "{whose} {kind} {}-{} ({ran}){doubt}{mark}",
            minutes(start),
            minutes(end)
        )
    };
    runs.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn attributed(machine: &[MachineInterval], bookings: &[Held], rule: &RunRule) -> String {
    let facts = Facts {
        machine,
        bookings,
        declared: &[],
    };
    written(&attribute(slot(0, 300), &facts, rule))
}

/// Attributes by machine with gap and lead of 10 minutes.
fn by_machine(machine: &[(i64, i64)], bookings: &[Held]) -> String {
    attributed(&ran(machine), bookings, &RunRule::default())
}

#[test]
fn running_closer_than_the_gap_is_one_run() {
    let one = [held(1, 60, 120)];
    assert_eq!(
        by_machine(&[(60, 70), (79, 90)], &one),
        "1 booked 60-90 (21)"
    );
    assert_eq!(
        by_machine(&[(60, 70), (80, 90)], &one),
        "1 booked 60-70 (10), 1 booked 80-90 (10)"
    );
    assert_eq!(by_machine(&[(0, 5), (8, 9)], &[]), "- unbooked 0-9 (6)");
}

#[test]
fn past_the_slot_it_is_overrun_until_it_stops_or_the_next_one_checks_in() {
    let (one, two) = (held(1, 60, 120), held(2, 130, 180));
    assert_eq!(
        by_machine(&[(60, 125)], &[one, two]),
        "1 booked 60-120 (60), 1 overrun 120-125 (5)"
    );
    // It goes on through short pauses, as long as nobody holds the machine.
    assert_eq!(
        by_machine(&[(60, 125), (130, 140), (150, 160)], &[one]),
        "1 booked 60-120 (60), 1 overrun 120-140 (15), - unbooked 150-160 (10)"
    );
    // It goes on into the next slot, until the next one is there.
    assert_eq!(
        by_machine(&[(60, 150)], &[one, two]),
        "1 booked 60-120 (60), 1 overrun 120-150 (30)"
    );
    assert_eq!(
        by_machine(&[(60, 150)], &[one, there(two, 135, None)]),
        "1 booked 60-120 (60), 1 overrun 120-135 (15), 2 booked 135-150 (15)"
    );
    assert_eq!(
        by_machine(&[(60, 150)], &[one, there(two, 115, None)]),
        "1 booked 60-120 (60), 2 booked 120-150 (30)"
    );
}

#[test]
fn a_stop_in_the_next_slot_ends_an_overrun() {
    let bookings = [held(1, 60, 120), held(2, 120, 180)];
    assert_eq!(
        by_machine(&[(60, 125), (127, 200)], &bookings),
        "1 booked 60-120 (60), 1 overrun 120-125 (5), 2 booked 127-180 (53), 2 overrun 180-200 (20)"
    );
    // Both are in time and nobody checks in: neither is charged for the other.
    assert_eq!(
        by_machine(&[(60, 118), (122, 180)], &bookings),
        "1 booked 60-118 (58), 2 booked 122-180 (58)"
    );
}

#[test]
fn an_early_start_is_the_next_ones_if_nobody_else_holds_it() {
    let one = [held(1, 60, 120)];
    assert_eq!(by_machine(&[(50, 70)], &one), "1 booked 50-70 (20)");
    assert_eq!(by_machine(&[(52, 55)], &one), "1 booked 52-55 (3)");
    assert_eq!(
        by_machine(&[(49, 70)], &one),
        "- unbooked 49-60 (11), 1 booked 60-70 (10)"
    );
    assert_eq!(
        by_machine(&[(40, 70)], &[there(one[0], 45, None)]),
        "- unbooked 40-45 (5), 1 booked 45-70 (25)"
    );
    let two = [held(1, 60, 120), held(2, 120, 180)];
    assert_eq!(
        by_machine(&[(115, 119)], &two),
        "1 booked 115-119 (4)",
        "somebody else holds it"
    );
}

#[test]
fn a_booking_that_is_over_takes_nothing_over() {
    let inside = there(held(2, 70, 80), 70, None);
    assert_eq!(
        by_machine(&[(60, 130)], &[held(1, 60, 120), inside]),
        "1 booked 60-120 (60), 1 overrun 120-130 (10)"
    );
}

#[test]
fn nobodys_pause_is_not_joined_over_somebodys_slot() {
    let bookings = [held(1, 0, 10), held(2, 13, 15)];
    let rule = RunRule {
        lead: Span::default(),
        ..RunRule::default()
    };
    assert_eq!(
        attributed(&ran(&[(0, 12), (16, 20)]), &bookings, &rule),
        "1 booked 0-10 (10), 1 overrun 10-12 (2), 1 overrun 16-20 (4)"
    );
}

#[test]
fn silence_and_a_wrong_clock_make_a_run_uncertain() {
    let one = [held(1, 60, 120)];
    let with = |machine, start, end, is_uncertain| {
        let mut all = ran(&[(60, 70), (75, 80)]);
        all.push(MachineInterval {
            is_uncertain,
            ..interval(machine, start, end)
        });
        attributed(&all, &one, &RunRule::default())
    };
    let (sure, doubt) = ("1 booked 60-80 (15)", "1 booked 60-80 (15)~");
    assert_eq!(with(Machine::Fault, 70, 75, false), sure);
    assert_eq!(with(Machine::Silent, 81, 90, false), sure);
    assert_eq!(with(Machine::Silent, 80, 90, false), doubt);
    assert_eq!(with(Machine::Silent, 70, 75, false), doubt);
    assert_eq!(with(Machine::Silent, 50, 60, false), doubt);
    assert_eq!(with(Machine::Silent, 50, 59, false), sure);
    assert_eq!(with(Machine::Running, 62, 63, true), doubt);
}

#[test]
fn in_silence_a_check_in_speaks() {
    let mut machine = ran(&[(60, 70)]);
    machine.push(interval(Machine::Silent, 70, 100));
    machine.push(interval(Machine::NotRunning, 100, 300));
    let came = there(held(1, 60, 120), 58, Some(110));
    assert_eq!(
        attributed(&machine, &[came], &RunRule::default()),
        "1 booked 60-70 (10)~, 1 booked 70-100 (0)*"
    );
}

#[test]
fn a_machine_that_is_always_on_knows_only_check_ins() {
    let rule = RunRule {
        telemetry_proves: false,
        ..RunRule::default()
    };
    let machine = ran(&[(0, 300)]);
    let (one, two) = (held(1, 60, 120), held(2, 120, 180));
    let said = |bookings: &[Held]| attributed(&machine, bookings, &rule);
    assert_eq!(said(&[one, two]), "");
    assert_eq!(said(&[there(one, 55, None)]), "1 booked 55-120 (0)*");
    assert_eq!(said(&[there(one, 55, Some(100))]), "1 booked 55-100 (0)*");
    assert_eq!(
        said(&[there(one, 55, Some(150)), two]),
        "1 booked 55-120 (0)*, 1 overrun 120-150 (0)*"
    );
    assert_eq!(
        said(&[there(one, 55, Some(150)), there(two, 130, None)]),
        "1 booked 55-120 (0)*, 1 overrun 120-130 (0)*, 2 booked 130-180 (0)*"
    );
    assert_eq!(
        said(&[there(one, 55, None), there(two, 115, None)]),
        "1 booked 55-120 (0)*, 2 booked 120-180 (0)*"
    );
    assert_eq!(
        said(&[there(one, 55, Some(100)), there(two, 115, None)]),
        "1 booked 55-100 (0)*, 2 booked 115-180 (0)*"
    );
}

#[test]
fn with_several_at_a_time_only_a_check_in_attributes() {
    let rule = RunRule {
        capacity: 2,
        ..RunRule::default()
    };
    let other = Held {
        lane: 1,
        ..held(2, 60, 120)
    };
    let machine = ran(&[(50, 110), (115, 118)]);
    assert_eq!(
        attributed(&machine, &[held(1, 60, 120), other], &rule),
        "- unbooked 50-118 (63)"
    );
    let both = [
        there(held(1, 60, 120), 60, Some(100)),
        there(other, 70, Some(90)),
    ];
    assert_eq!(
        attributed(&machine, &both, &rule),
        "- unbooked 50-60 (10), 1 booked 60-100 (40)*, 2 booked 70-90 (20)*, - unbooked 100-118 (13)"
    );
    // A claim above a capacity that was lowered is still there.
    assert_eq!(
        attributed(&machine, &[other], &RunRule::default()),
        "- unbooked 50-118 (63)"
    );
}

#[test]
fn what_was_entered_by_hand_fills_what_nothing_else_shows() {
    let machine = ran(&[(60, 70)]);
    let by_hand = |start, end| Declared {
        booking: Some(BookingId::new(1)),
        slot: slot(start, end),
    };
    let facts = Facts {
        machine: &machine,
        bookings: &[held(1, 60, 120)],
        declared: &[by_hand(85, 95), by_hand(50, 90)],
    };
    assert_eq!(
        written(&attribute(slot(0, 300), &facts, &RunRule::default())),
        "1 declared 50-60 (0), 1 booked 60-70 (10), 1 declared 70-90 (0), 1 declared 90-95 (0)"
    );
}

#[test]
fn the_time_of_others_is_their_slots_and_their_runs() {
    let bookings = [held(1, 60, 120), held(2, 120, 180)];
    let facts = Facts {
        machine: &ran(&[(0, 5), (60, 130)]),
        bookings: &bookings,
        declared: &[],
    };
    let runs = attribute(slot(0, 300), &facts, &RunRule::default());
    let others = |id| of_others(BookingId::new(id), &bookings, &runs);
    assert_eq!(others(2), [slot(60, 130)]);
    assert_eq!(others(1), [slot(120, 180)]);
    let overrun = |id| crate::presence::overrun(BookingId::new(id), &runs);
    assert_eq!((overrun(1), overrun(2)), (Some(slot(120, 130)), None));
}

#[test]
fn settled_is_what_nothing_later_can_change() {
    let settled_at = |machine: &[(i64, i64)], bookings: &[Held], watermark, now| {
        let facts = Facts {
            machine: &ran(machine),
            bookings,
            declared: &[],
        };
        let settled = settled(&facts, &RunRule::default(), at(watermark), at(now));
        settled.get() / MINUTE_US
    };
    assert_eq!(
        settled_at(&[], &[], 200, 200),
        190,
        "a booking may own the lead"
    );
    assert_eq!(settled_at(&[], &[], 100, 200), 100, "the data's end");
    assert_eq!(settled_at(&[(60, 91)], &[], 100, 200), 60, "it may go on");
    assert_eq!(settled_at(&[(60, 90)], &[], 100, 200), 100);
    assert_eq!(settled_at(&[(60, 90)], &[], 100, 105), 60);
    let open = [there(held(1, 60, 120), 70, None)];
    assert_eq!(settled_at(&[], &open, 200, 200), 70, "still checked in");
    let closed = [there(held(1, 60, 120), 70, Some(120))];
    assert_eq!(settled_at(&[], &closed, 200, 200), 190);
}
