//! An oracle that lives through the minutes one after another, and what holds of all runs.

use proptest::prelude::*;

use super::*;

/// All of a case lies before this minute.
const END: i64 = 160;

/// Bookings that follow one another, some with a check-in; starts of a running machine.
#[derive(Debug, Clone)]
struct Case {
    machine: Vec<MachineInterval>,
    bookings: Vec<Held>,
    declared: Vec<Declared>,
    rule: RunRule,
}

impl Case {
    fn facts(&self) -> Facts<'_> {
        Facts {
            machine: &self.machine,
            bookings: &self.bookings,
            declared: &self.declared,
        }
    }

    fn runs(&self, window: Slot) -> Vec<Run> {
        attribute(window, &self.facts(), &self.rule)
    }

    fn is_running(&self, minute: i64) -> bool {
        self.does(minute, Machine::Running)
    }

    fn does(&self, minute: i64, what: Machine) -> bool {
        let mut now = self
            .machine
            .iter()
            .filter(|one| one.slot.contains(at(minute)));
        now.any(|one| one.machine == what)
    }
}

fn some_machine() -> impl Strategy<Value = Vec<MachineInterval>> {
    let kind = prop_oneof![
        6 => Just(Machine::Running),
        1 => Just(Machine::NotRunning),
        1 => Just(Machine::Fault),
        1 => Just(Machine::Silent),
    ];
    let one = (kind, 0i64..130, 1i64..25, prop::bool::weighted(0.1));
    prop::collection::vec(one, 0..8).prop_map(|all| {
        all.into_iter()
            .map(|(machine, start, len, is_uncertain)| MachineInterval {
                is_uncertain,
                ..interval(machine, start, start + len)
            })
            .collect()
    })
}

/// Check-in as early as the lead of the rule allows; check-out at the end or at another moment.
fn some_bookings(lanes: u8) -> impl Strategy<Value = Vec<Held>> {
    let there = prop::option::of((0i64..30, prop::option::of(0i64..40)));
    let one = (0i64..15, 1i64..30, there, 0..lanes);
    prop::collection::vec(one, 0..6).prop_map(|all| {
        let mut free_from = [5_i64; 4];
        let mut bookings = Vec::new();
        for ((pause, len, there, lane), id) in all.into_iter().zip(1..) {
            let free = &mut free_from[usize::from(lane)];
            let (start, end) = (*free + pause, *free + pause + len);
            *free = end;
            let check_in = there.map(|(late, _)| (start - 5 + late).min(end - 1));
            let out = |stay: i64| check_in.map(|from| at(from + stay));
            bookings.push(Held {
                lane,
                check_in: check_in.map(at),
                check_out: there.and_then(|(_, stay)| stay).and_then(out),
                ..held(id, start, end)
            });
        }
        bookings
    })
}

fn some_case(lanes: u8) -> impl Strategy<Value = Case> {
    let declared = prop::collection::vec((0i64..100, 1i64..30, prop::option::of(1i64..5)), 0..3);
    let rule = (0u32..12, 0u32..12, prop::bool::weighted(0.8));
    (some_machine(), some_bookings(lanes), declared, rule).prop_map(
        move |(machine, bookings, declared, (gap, lead, telemetry_proves))| Case {
            machine,
            bookings,
            declared: declared
                .into_iter()
                .map(|(start, len, booking)| Declared {
                    booking: booking.map(BookingId::new),
                    slot: slot(start, start + len),
                })
                .collect(),
            rule: RunRule {
                gap: Span::minutes(gap),
                lead: Span::minutes(lead),
                telemetry_proves,
                capacity: lanes,
            },
        },
    )
}

/// Whose a running minute is, and what it is to him.
type Minute = Option<(Option<BookingId>, RunKind)>;

/// Walks through the minutes as the head of `runs` tells it.
fn walked(case: &Case) -> Vec<Minute> {
    let mut bookings = case.bookings.clone();
    bookings.sort_by_key(|held| held.slot);
    let (gap, lead) = (case.rule.gap.get(), case.rule.lead.get());
    let mut owner: Option<Held> = None;
    let mut stopped_at = None;
    let mut minutes = Vec::new();
    for minute in 0..END {
        let now = at(minute);
        if !case.is_running(minute) {
            minutes.push(None);
            continue;
        }
        let holder = bookings.iter().find(|held| held.slot.contains(now));
        let is_there = |held: &&Held| held.check_in.is_some_and(|since| since <= now);
        let goes_on = minute > 0 && case.is_running(minute - 1);
        if goes_on {
            let own_time = owner.is_some_and(|held| now < held.slot.end());
            let after = |held: &&Held| owner.is_none_or(|owner| owner.slot < held.slot);
            let to_come = bookings.iter().filter(|held| now < held.slot.end());
            let next = to_come.filter(after).find(is_there);
            if !own_time {
                owner = match owner {
                    Some(_) => next.copied().or(owner),
                    None => holder.or(next).copied(),
                };
            }
        } else {
            let next = bookings.iter().find(|held| now < held.slot.start());
            let early = next.filter(|held| held.slot.start() - now <= lead || is_there(held));
            let pause = stopped_at.map(|at: Micros| now - at);
            let before = owner.filter(|_| pause.is_some_and(|pause| pause < gap));
            owner = holder.or(early).copied().or(before);
        }
        stopped_at = Some(at(minute + 1));
        let kind = match owner {
            None => RunKind::Unbooked,
            Some(held) if now < held.slot.end() => RunKind::Booked,
            Some(_) => RunKind::Overrun,
        };
        minutes.push(Some((owner.map(|held| held.booking), kind)));
    }
    minutes
}

proptest! {
    #[test]
    fn each_running_minute_is_whose_the_walk_says(case in some_case(1)) {
        let case = Case { rule: RunRule { telemetry_proves: true, ..case.rule }, ..case };
        let runs = case.runs(slot(0, END));
        for (minute, expected) in (0..END).zip(walked(&case)) {
            let mut there = runs.iter().filter(|run| {
                run.evidence == Evidence::Machine && run.slot.contains(at(minute))
            });
            let found = there.next().map(|run| (run.booking, run.kind));
            if expected.is_some() {
                prop_assert_eq!(found, expected, "minute {}: {}", minute, written(&runs));
            }
            prop_assert!(there.next().is_none());
        }
    }

    #[test]
    fn runs_begin_and_end_with_running_and_pauses_are_shorter_than_the_gap(case in some_case(1)) {
        for run in case.runs(slot(0, END)) {
            let (start, end) = (run.slot.start().get() / MINUTE_US, run.slot.end().get() / MINUTE_US);
            if run.evidence != Evidence::Machine {
                let ran = (start..end).any(|minute| {
                    case.rule.telemetry_proves && case.is_running(minute)
                });
                prop_assert!(!ran);
                let is_told = run.evidence == Evidence::Declared || !case.rule.telemetry_proves;
                prop_assert!(is_told || (start..end).all(|minute| case.does(minute, Machine::Silent)));
                continue;
            }
            prop_assert!(case.is_running(start) && case.is_running(end - 1));
            let running: Vec<i64> = (start..end).filter(|&minute| case.is_running(minute)).collect();
            let pause = running.windows(2).map(|two| two[1] - two[0] - 1).max().unwrap_or(0);
            prop_assert!(pause == 0 || pause * MINUTE_US < case.rule.gap.get());
            prop_assert_eq!(run.running.get(), i64::try_from(running.len()).unwrap() * MINUTE_US);
        }
    }

    #[test]
    fn runs_of_a_lane_never_overlap_and_no_running_is_lost(
        case in prop_oneof![some_case(1), some_case(3)], start in 0i64..80, len in 1i64..80,
    ) {
        let window = slot(start, start + len);
        let runs = case.runs(window);
        let lane = |run: &Run| {
            let held = case.bookings.iter().find(|held| Some(held.booking) == run.booking);
            held.map(|held| held.lane)
        };
        for (index, run) in runs.iter().enumerate() {
            prop_assert!(window.covers(run.slot));
            for later in &runs[index + 1..] {
                let is_apart = case.rule.capacity > 1
                    && run.booking.is_some() && later.booking.is_some() && lane(run) != lane(later);
                prop_assert!(is_apart || !run.slot.overlaps(later.slot), "{}", written(&runs));
            }
        }
        let ran = (start..start + len).filter(|&minute| case.is_running(minute));
        for minute in ran.filter(|_| case.rule.telemetry_proves) {
            prop_assert!(runs.iter().any(|run| run.slot.contains(at(minute))));
        }
        if case.rule.gap == Span::default() && case.rule.capacity == 1 {
            for run in runs.iter().filter(|run| run.evidence == Evidence::Machine) {
                prop_assert_eq!(run.slot.len(), run.running);
            }
        }
    }

    #[test]
    fn the_order_of_the_facts_does_not_matter(case in some_case(2)) {
        let mut turned = case.clone();
        turned.machine.reverse();
        turned.bookings.reverse();
        turned.declared.reverse();
        prop_assert_eq!(turned.runs(slot(0, END)), case.runs(slot(0, END)));
    }

    /// What is known at a moment against what is known at the end. Declared use is a correction.
    #[test]
    fn before_the_settled_moment_nothing_changes_and_from_it_all_is_found_again(
        case in prop_oneof![some_case(1), some_case(2)], watermark in 20i64..END, lag in 0i64..20,
    ) {
        let case = Case { declared: Vec::new(), ..case };
        let now = at(watermark + lag);
        let known = Case {
            machine: case.machine.iter().filter_map(|one| {
                let slot = one.slot.intersect(slot(0, watermark))?;
                Some(MachineInterval { slot, ..*one })
            }).collect(),
            bookings: case.bookings.iter()
                // One booked later begins later; one checked in later is not there yet.
                .filter(|held| held.slot.start() <= now || held.booking.get() % 2 == 0)
                .map(|held| Held {
                    check_in: held.check_in.filter(|&at| at <= now),
                    check_out: held.check_out.filter(|&at| at <= now),
                    ..*held
                })
                .collect(),
            ..case.clone()
        };
        let settled = settled(&known.facts(), &known.rule, at(watermark), now);
        prop_assert!(settled <= at(watermark) && settled <= now);
        let before = |runs: Vec<Run>| -> Vec<Run> {
            runs.into_iter().filter(|run| run.slot.end() <= settled).collect()
        };
        let (early, all) = (known.runs(slot(0, watermark)), case.runs(slot(0, END)));
        for run in early.iter().chain(&all) {
            let spans = run.slot.start() < settled && settled < run.slot.end();
            prop_assert!(!spans, "{} at {:?}", written(&[*run]), settled);
        }
        let times = |runs: Vec<Run>| -> Vec<(Slot, Option<BookingId>, RunKind, Span)> {
            runs.iter().map(|run| (run.slot, run.booking, run.kind, run.running)).collect()
        };
        prop_assert_eq!(times(before(early)), times(before(all.clone())));
        if let Some(rest) = Slot::new(settled, at(END)) {
            let mut followed = before(known.runs(slot(0, watermark)));
            followed.extend(case.runs(rest));
            prop_assert_eq!(times(followed), times(all));
        }
    }

    #[test]
    fn no_time_is_too_far(
        starts in prop::collection::vec((any::<i64>(), 1i64..), 1..5), span in 0i64..,
        proves in any::<bool>(), capacity in 0u8..3, now in any::<i64>(),
    ) {
        let slots: Vec<Slot> = starts
            .into_iter()
            .filter_map(|(start, len)| {
                Slot::new(Micros::new(start), Micros::new(start.saturating_add(len)))
            })
            .collect();
        let machine: Vec<MachineInterval> = slots
            .iter()
            .map(|&slot| MachineInterval { slot, machine: Machine::Running, is_uncertain: false })
            .collect();
        // Bookings that overlap, which no occupancy would hold.
        let bookings: Vec<Held> = slots
            .iter()
            .zip(1..)
            .map(|(&slot, id)| Held { slot, check_in: Some(slot.start()), ..held(id, 0, 1) })
            .collect();
        let facts = Facts { machine: &machine, bookings: &bookings, declared: &[] };
        let span = Span::new(span).unwrap();
        let rule = RunRule { gap: span, lead: span, telemetry_proves: proves, capacity };
        let window = Slot::new(Micros::new(i64::MIN), Micros::new(i64::MAX)).unwrap();
        let runs = attribute(window, &facts, &rule);
        for two in runs.windows(2) {
            prop_assert!(!two[0].slot.overlaps(two[1].slot) || !proves || capacity > 1);
        }
        prop_assert!(settled(&facts, &rule, Micros::new(now), Micros::new(now)) <= Micros::new(now));
    }
}
