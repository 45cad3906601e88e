//! What was said: promises at the same time, refusals without a cause, a yes against one.

use super::*;
use crate::torture::history::{Event, What, pair};

fn hold(slot: Slot) -> Call {
    let instrument = ONE.to_owned();
    Call::Hold { instrument, slot }
}

fn dry_run(slot: Slot) -> Call {
    let instrument = ONE.to_owned();
    Call::Try { instrument, slot }
}

#[test]
fn two_who_were_promised_the_same_are_seen_even_if_one_gave_up() {
    let mut run = Run::new();
    run.booked(1, "a", ONE, slot(0, 4));
    run.booked(2, "b", ONE, slot(2, 4));
    run.cancelled(2, slot(2, 4));
    run.row(1, "a", ONE, slot(0, 4), Some(0));
    run.row(2, "b", ONE, slot(2, 4), None);
    run.shows(Fault::Overlap);
    // With the first one given up in between, or perhaps, nothing is wrong.
    for heard in [booking(1, slot(0, 4), "cancelled"), unknown()] {
        let mut run = Run::new();
        run.booked(1, "a", ONE, slot(0, 4));
        run.hear(Call::Cancel { booking: 1 }, heard);
        run.booked(2, "b", ONE, slot(2, 4));
        run.row(1, "a", ONE, slot(0, 4), None);
        run.row(2, "b", ONE, slot(2, 4), Some(0));
        run.is_honest();
    }
}

#[test]
fn more_promises_than_the_capacity_are_seen() {
    let mut run = Run::new();
    for (id, tag) in [(1, "a"), (2, "b"), (3, "c")] {
        run.booked(id, tag, THREE, slot(id, 4));
        run.row(id, tag, THREE, slot(id, 4), Some(id - 1));
    }
    run.is_honest();
    run.booked(4, "d", THREE, slot(4, 4));
    run.cancelled(4, slot(4, 4));
    run.row(4, "d", THREE, slot(4, 4), None);
    run.shows(Fault::Overlap);
}

#[test]
fn a_held_slot_is_promised_until_the_hold_ends() {
    let held = Heard::Ok(Answer::Hold {
        id: 7,
        lasts_ms: 60_000,
    });
    let mut run = Run::new();
    run.hear(hold(slot(0, 4)), held.clone());
    run.booked(1, "a", ONE, slot(2, 4));
    run.row(1, "a", ONE, slot(2, 4), Some(0));
    run.shows(Fault::Overlap);
    let mut run = Run::new();
    run.hear(hold(slot(0, 4)), held);
    run.hear(
        book("b", ONE, slot(2, 2)),
        taken(&[conflict("hold", slot(0, 4))]),
    );
    run.hear(Call::Release { hold: 7 }, Heard::Ok(Answer::Done));
    run.booked(1, "a", ONE, slot(2, 4));
    run.row(1, "a", ONE, slot(2, 4), Some(0));
    run.is_honest();
    run.hear(
        book("c", ONE, slot(0, 2)),
        taken(&[conflict("hold", slot(0, 4))]),
    );
    run.shows(Fault::Unfounded);
}

#[test]
fn a_refusal_needs_a_booking_that_was_possibly_there() {
    let (held, wanted) = (slot(0, 4), slot(2, 4));
    let in_the_way = taken(&[conflict("booking", held)]);
    // The refusal is heard from 300 to 350; when the booking came and went.
    for (came, went, honest) in [
        (Some((100, 150)), None, true),
        (Some((320, 400)), None, true),
        (Some((360, 400)), None, false),
        (Some((100, 150)), Some((200, 250)), false),
        (Some((100, 150)), Some((200, 320)), true),
        (None, None, false),
    ] {
        let mut run = Run::new();
        run.during(300, 350, book("b", ONE, wanted), in_the_way.clone());
        if let Some((from_us, to_us)) = came {
            run.during(
                from_us,
                to_us,
                book("a", ONE, held),
                booking(1, held, "confirmed"),
            );
            run.row(1, "a", ONE, held, went.is_none().then_some(0));
        }
        if let Some((from_us, to_us)) = went {
            let cancelled = booking(1, held, "cancelled");
            run.during(from_us, to_us, Call::Cancel { booking: 1 }, cancelled);
        }
        if honest {
            run.is_honest();
        } else {
            run.shows(Fault::Unfounded);
        }
    }
}

#[test]
fn silence_explains_a_refusal_only_if_the_database_does_not_deny_it() {
    let held = slot(0, 4);
    let mut run = Run::new();
    run.hear(book("a", ONE, held), unknown());
    run.hear(
        book("b", ONE, slot(2, 4)),
        taken(&[conflict("booking", held)]),
    );
    run.shows(Fault::Unfounded);
    run.row(1, "a", ONE, held, Some(0));
    run.is_honest();
}

#[test]
fn what_is_in_the_way_must_be_in_the_way() {
    // One of three lanes leaves room, a slot beside the wish is no reason, and no reason is none.
    let mut run = Run::new();
    run.booked(1, "a", THREE, slot(0, 4));
    run.row(1, "a", THREE, slot(0, 4), Some(0));
    let honest = run.0.clone();
    run.hear(
        book("b", THREE, slot(2, 4)),
        taken(&[conflict("booking", slot(0, 4))]),
    );
    run.shows(Fault::Unfounded);
    run.0 = honest.clone();
    run.hear(
        book("b", THREE, slot(4, 4)),
        taken(&[conflict("booking", slot(0, 4))]),
    );
    run.shows(Fault::Unfounded);
    run.0 = honest;
    run.hear(book("b", THREE, slot(2, 4)), taken(&[]));
    run.shows(Fault::Unfounded);
}

#[test]
fn rules_refuse_what_breaks_them_and_nothing_else() {
    let long = slot(0, 40);
    let mut run = Run::new();
    run.hear(book("a", ONE, long), by_rule("longest"));
    run.is_honest();
    run.hear(book("b", ONE, slot(0, 4)), by_rule("longest"));
    run.shows(Fault::Unfounded);
    let mut run = Run::new();
    run.hear(book("a", ONE, long), by_rule("horizon"));
    run.shows(Fault::Unfounded);
    let mut run = Run::new();
    run.booked(1, "a", ONE, long);
    run.row(1, "a", ONE, long, Some(0));
    run.shows(Fault::Unfounded);
    // A status that does not fit its reasons.
    let mut run = Run::new();
    run.hear(
        book("a", ONE, slot(0, 4)),
        refused(422, "refused-by-policy", Against::default()),
    );
    run.shows(Fault::Unfounded);
}

#[test]
fn a_trial_tells_the_truth() {
    let held = slot(0, 4);
    let verdict = |accepts, conflicts: &[Conflict], next_free: &[Slot]| {
        let against = Against {
            conflicts: conflicts.to_vec(),
            next_free: next_free.to_vec(),
            ..Against::default()
        };
        Heard::Ok(Answer::Verdict { accepts, against })
    };
    for (heard, honest) in [
        (verdict(true, &[], &[]), false),
        (
            verdict(false, &[conflict("booking", held)], &[slot(4, 2)]),
            true,
        ),
        (
            verdict(false, &[conflict("booking", held)], &[slot(3, 2)]),
            false,
        ),
        (
            verdict(false, &[conflict("booking", slot(1, 2))], &[]),
            false,
        ),
    ] {
        let mut run = Run::new();
        run.booked(1, "a", ONE, held);
        run.row(1, "a", ONE, held, Some(0));
        run.hear(dry_run(slot(1, 2)), heard);
        if honest {
            run.is_honest();
        } else {
            run.shows(Fault::Unfounded);
        }
    }
}

#[test]
fn nobody_gets_into_an_outage_and_its_end_ends_it() {
    let window = slot(0, 8);
    let opened = |id| Heard::Ok(Answer::Outage { id });
    let mut run = Run::new();
    run.hear(open_outage("o", window), opened(1));
    run.hear(
        book("b", ONE, slot(2, 2)),
        taken(&[conflict("outage", window)]),
    );
    run.hear(Call::EndOutage { outage: 1 }, Heard::Ok(Answer::Done));
    run.booked(1, "a", ONE, slot(2, 2));
    run.outage_row(1, "o", window, true);
    run.row(1, "a", ONE, slot(2, 2), Some(0));
    run.is_honest();
    run.hear(
        book("c", ONE, slot(4, 2)),
        taken(&[conflict("outage", window)]),
    );
    run.shows(Fault::Unfounded);
    // Inside: not to be had, except within what one had before.
    for (to, honest) in [(slot(2, 2), true), (slot(3, 4), false)] {
        let mut run = Run::new();
        run.booked(1, "a", ONE, slot(2, 4));
        run.hear(open_outage("o", window), opened(1));
        run.hear(change(1, to, None), booking(1, to, "confirmed"));
        run.row(1, "a", ONE, to, Some(0));
        run.0.record.bookings[0].at_risk = true;
        run.outage_row(1, "o", window, true);
        run.hear(Call::EndOutage { outage: 1 }, Heard::Ok(Answer::Done));
        run.0.record.bookings[0].at_risk = false;
        if honest {
            run.is_honest();
        } else {
            run.shows(Fault::Unfounded);
        }
    }
}

#[test]
fn states_and_versions_change_only_for_a_reason() {
    let held = slot(0, 4);
    let stale = refused(409, "stale-version", Against::default());
    let wrong = refused(409, "wrong-state", Against::default());
    let mut run = Run::new();
    run.booked(1, "a", ONE, held);
    run.row(1, "a", ONE, held, Some(0));
    let begun = run.0.clone();
    for (call, heard) in [
        (change(1, slot(0, 3), Some(1)), stale),
        (Call::Cancel { booking: 1 }, wrong),
    ] {
        run.0 = begun.clone();
        run.hear(call.clone(), heard.clone());
        run.shows(Fault::Unfounded);
        run.0 = begun.clone();
        run.hear(Call::Cancel { booking: 1 }, unknown());
        run.hear(call, heard);
        run.is_honest();
    }
    // What is read was acknowledged, or may have been.
    run.0 = begun;
    run.hear(Call::Read { booking: 1 }, booking(1, held, "confirmed"));
    run.is_honest();
    run.hear(
        Call::Read { booking: 1 },
        booking(1, slot(0, 3), "confirmed"),
    );
    run.shows(Fault::Unfounded);
}

#[test]
fn answers_that_must_not_come_are_seen() {
    for (status, problem) in [(500, "internal"), (404, "not-found"), (403, "not-allowed")] {
        let mut run = Run::new();
        run.hear(
            book("a", ONE, slot(0, 4)),
            refused(status, problem, Against::default()),
        );
        run.shows(Fault::Unexpected);
    }
}

#[test]
fn silence_is_open_to_the_end() {
    let event = |at_us, who, what| Event { at_us, who, what };
    let asked = |tag| What::Invoke(book(tag, ONE, slot(0, 4)));
    let heard = What::Heard(booking(1, slot(0, 4), "confirmed"));
    let events = [
        event(1, 0, asked("a")),
        event(2, 1, asked("b")),
        event(3, 0, What::Heard(unknown())),
        event(4, 2, asked("a")),
        event(5, 2, heard),
    ];
    let lines: Vec<String> = events
        .iter()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    let read = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let ends: Vec<u64> = pair(read).iter().map(|one| one.to_us).collect();
    assert_eq!(ends, [OPEN_END, OPEN_END, 5]);
}
