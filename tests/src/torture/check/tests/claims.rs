//! What the database holds: overlaps, what is missing, what nobody asked for, what came twice.

use super::*;

#[test]
fn an_honest_run_has_no_faults() {
    let mut run = Run::new();
    run.booked(1, "a", ONE, slot(0, 4));
    run.hear(
        book("b", ONE, slot(2, 4)),
        taken(&[conflict("booking", slot(0, 4))]),
    );
    run.hear(
        change(1, slot(0, 2), None),
        booking(1, slot(0, 2), "confirmed"),
    );
    run.booked(2, "c", ONE, slot(2, 4));
    run.cancelled(2, slot(2, 4));
    run.booked(3, "d", ONE, slot(3, 4));
    run.row(1, "a", ONE, slot(0, 2), Some(0));
    run.row(2, "c", ONE, slot(2, 4), None);
    run.row(3, "d", ONE, slot(3, 4), Some(0));
    run.is_honest();
}

#[test]
fn claims_of_a_lane_that_share_an_instant_are_seen() {
    for (second, lane, honest) in [
        (slot(4, 4), 0, true),
        (slot(3, 4), 0, false),
        (slot(1, 1), 0, false),
        (slot(0, 4), 1, true),
        (slot(0, 4), 3, false), // there are three lanes
    ] {
        let mut run = Run::new();
        run.booked(1, "a", THREE, slot(0, 4));
        run.booked(2, "b", THREE, second);
        run.row(1, "a", THREE, slot(0, 4), Some(0));
        run.row(2, "b", THREE, second, Some(lane));
        if honest {
            run.is_honest();
        } else {
            run.shows(Fault::Overlap);
        }
    }
    // A long claim reaches over a short neighbour into the next one.
    let mut run = Run::new();
    for (id, tag, held) in [
        (1, "a", slot(0, 12)),
        (2, "b", slot(1, 2)),
        (3, "c", slot(6, 2)),
    ] {
        run.booked(id, tag, THREE, held);
        run.row(id, tag, THREE, held, Some(0));
    }
    assert_eq!(check(&run.0).len(), 2);
}

#[test]
fn an_acknowledged_booking_that_is_missing_is_seen() {
    let mut run = Run::new();
    run.booked(1, "a", ONE, slot(0, 4));
    run.shows(Fault::Lost);
    run.row(1, "a", ONE, slot(0, 4), Some(0));
    run.is_honest();
}

#[test]
fn a_booking_is_what_was_last_acknowledged() {
    let (old, new) = (slot(0, 4), slot(8, 4));
    // After which last operation the database may show what.
    let moved = (change(1, new, None), booking(1, new, "confirmed"));
    let perhaps = (change(1, new, None), unknown());
    let given_up = (Call::Cancel { booking: 1 }, booking(1, old, "cancelled"));
    let perhaps_given_up = (Call::Cancel { booking: 1 }, unknown());
    for ((call, heard), in_old, in_new, cancelled) in [
        (moved, false, true, false),
        (perhaps, true, true, false),
        (given_up, false, false, true),
        (perhaps_given_up, true, false, true),
    ] {
        for (held, lane, honest) in [
            (old, Some(0), in_old),
            (new, Some(0), in_new),
            (old, None, cancelled),
        ] {
            let mut run = Run::new();
            run.booked(1, "a", ONE, old);
            run.hear(call.clone(), heard.clone());
            run.row(1, "a", ONE, held, lane);
            if honest {
                run.is_honest();
            } else {
                run.shows(Fault::Lost);
            }
        }
    }
}

#[test]
fn a_booking_has_exactly_its_claim() {
    let mut run = Run::new();
    run.booked(1, "a", ONE, slot(0, 4));
    run.row(1, "a", ONE, slot(0, 4), Some(0));
    let whole = run.0.record.clone();
    run.0.record.claims.clear();
    run.shows(Fault::Lost);
    run.0.record = whole.clone();
    run.0.record.claims[0].slot = slot(0, 3);
    run.shows(Fault::Lost);
    run.0.record = whole;
    run.0.record.claims[0].booking = Some(2);
    assert_eq!(check(&run.0).len(), 2); // one without a claim, one claim without a booking
}

#[test]
fn what_nobody_asked_for_is_seen() {
    let mut run = Run::new();
    run.row(1, "a", ONE, slot(0, 4), Some(0));
    run.shows(Fault::Phantom);
    // A wish without an answer may have been granted; a refused one not.
    run.hear(book("a", ONE, slot(0, 4)), unknown());
    run.is_honest();
    let mut run = Run::new();
    run.row(1, "a", ONE, slot(0, 4), Some(0));
    run.hear(book("a", ONE, slot(0, 4)), by_rule("past"));
    assert!(check(&run.0).iter().any(|one| one.fault == Fault::Phantom));
}

#[test]
fn a_wish_that_came_twice_is_seen() {
    let held = slot(0, 4);
    // Asked again after silence: one booking, or a fault.
    let mut run = Run::new();
    run.hear(book("a", ONE, held), unknown());
    run.booked(1, "a", ONE, held);
    run.row(1, "a", ONE, held, Some(0));
    run.is_honest();
    run.row(2, "a", ONE, slot(8, 4), Some(0));
    run.shows(Fault::Twice);
    // Two answers.
    let mut run = Run::new();
    run.booked(1, "a", ONE, held);
    run.booked(2, "a", ONE, held);
    run.row(1, "a", ONE, held, Some(0));
    assert!(check(&run.0).iter().any(|one| one.fault == Fault::Twice));
    // Granted, then refused because of itself.
    let mut run = Run::new();
    run.booked(1, "a", ONE, held);
    run.hear(book("a", ONE, held), taken(&[conflict("booking", held)]));
    run.row(1, "a", ONE, held, Some(0));
    let faults: Vec<Fault> = check(&run.0).iter().map(|one| one.fault).collect();
    assert_eq!(faults, [Fault::Twice, Fault::Unfounded]);
}

#[test]
fn the_key_of_another_wish_is_refused() {
    let misuse = Call::Book {
        tag: "b".to_owned(),
        key: "a".to_owned(),
        instrument: ONE.to_owned(),
        slot: slot(8, 4),
        hold: None,
    };
    let reused = refused(422, "idempotency-key-reused", Against::default());
    let mut run = Run::new();
    run.booked(1, "a", ONE, slot(0, 4));
    run.row(1, "a", ONE, slot(0, 4), Some(0));
    run.hear(misuse.clone(), reused.clone());
    run.is_honest();
    run.hear(misuse, booking(1, slot(0, 4), "confirmed"));
    run.shows(Fault::Twice);
    // And nobody's own key is.
    let mut run = Run::new();
    run.hear(book("a", ONE, slot(0, 4)), reused);
    run.shows(Fault::Unfounded);
}

#[test]
fn outages_are_as_acknowledged_and_leave_no_room() {
    let window = slot(0, 8);
    let opened = || {
        let mut run = Run::new();
        run.hear(
            open_outage("o", window),
            Heard::Ok(Answer::Outage { id: 1 }),
        );
        run
    };
    let mut run = opened();
    run.shows(Fault::Lost);
    run.outage_row(1, "o", window, false);
    run.is_honest();
    run.0.record.claims[0].slot = slot(0, 7);
    run.shows(Fault::Lost);
    // Ended without being asked; and asked to, without an answer.
    let mut run = opened();
    run.outage_row(1, "o", window, true);
    run.shows(Fault::Lost);
    run.hear(Call::EndOutage { outage: 1 }, unknown());
    run.is_honest();
    // A booking inside stays, is marked, and its time needs no other claim.
    let mut run = Run::new();
    run.booked(1, "a", ONE, slot(0, 2));
    run.hear(
        open_outage("o", window),
        Heard::Ok(Answer::Outage { id: 1 }),
    );
    run.row(1, "a", ONE, slot(0, 2), Some(0));
    run.outage_row(1, "o", window, false);
    run.0.record.claims[1].slot = slot(2, 6);
    run.shows(Fault::Lost);
    run.0.record.bookings[0].at_risk = true;
    run.is_honest();
}
