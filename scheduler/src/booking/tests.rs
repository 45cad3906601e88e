//! Every state, every transition, before, within and after the slot: one table.

use super::*;

/// A row for each state and moment, a column for each transition. A word is the next state; `x` is
/// [`WrongState::Is`] with the state itself, and the others are the other reasons.
const TABLE: &str = "
state      now  approve   decline  expire  check_in  used      finish    no_show  unverif    c_mach    c_app      cancel    move       longer     shorter    transfer   restore
pending      5  confirmed declined early   x         x         x         x        x          x         x          cancelled pending    pending    pending    pending    x
pending     15  over      declined expired x         x         x         x        x          x         x          cancelled begun      pending    soon       begun      x
pending     25  over      declined expired x         x         x         x        x          x         x          over      over       over       over       over       x
confirmed    5  x         x        x       early     in_use    x         early    early      x         x          cancelled confirmed  confirmed  confirmed  confirmed  x
confirmed   15  x         x        x       in_use    in_use    x         no_show  unverified x         x          cancelled begun      confirmed  soon       begun      x
confirmed   25  x         x        x       over      completed x         no_show  unverified x         x          over      over       over       over       over       x
in_use       5  x         x        x       x         x         completed x        x          x         x          x         begun      in_use     in_use     x          x
in_use      15  x         x        x       x         x         completed x        x          x         x          x         begun      in_use     soon       x          x
in_use      25  x         x        x       x         x         completed x        x          x         x          x         over       over       over       x          x
completed    5  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          x
completed   15  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          x
completed   25  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          x
no_show      5  x         x        x       x         x         x         x        x          completed unverified x         x          x          x          x          x
no_show     15  x         x        x       x         x         x         x        x          completed unverified x         x          x          x          x          x
no_show     25  x         x        x       x         x         x         x        x          completed unverified x         x          x          x          x          x
unverified   5  x         x        x       early     in_use    x         x        x          x         x          cancelled unverified unverified unverified x          x
unverified  15  x         x        x       in_use    in_use    x         x        x          x         x          cancelled begun      unverified soon       x          x
unverified  25  x         x        x       over      completed x         x        x          x         x          over      over       over       over       x          x
cancelled    5  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          confirmed
cancelled   15  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          confirmed
cancelled   25  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          over
declined     5  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          x
declined    15  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          x
declined    25  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          x
expired      5  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          x
expired     15  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          x
expired     25  x         x        x       x         x         x         x        x          x         x          x         x          x          x          x          x
";

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(Micros::new(start), Micros::new(end)).unwrap()
}

fn span(micros: i64) -> Span {
    Span::new(micros).unwrap()
}

type Transition = fn(Status, Slot, Micros) -> Result<Status, WrongState>;

/// Transitions of a booking of `[10, 20)`, in the order of the table's columns.
const TRANSITIONS: [Transition; 16] = [
    |status, held, now| status.approve(held, Some(Micros::new(8)), now),
    |status, _, _| status.decline(),
    |status, held, now| status.expire(held, Some(Micros::new(8)), now),
    |status, held, now| status.check_in(held, span(2), now),
    Status::mark_used,
    |status, _, _| status.finish(),
    |status, held, now| status.mark_no_show(held, span(3), now),
    |status, held, now| status.mark_unverified(held, span(3), now),
    |status, _, _| status.clear(Cleared::Machine),
    |status, _, _| status.clear(Cleared::Appeal),
    Status::cancel,
    |status, held, now| status.change(held, slot(12, 22), now),
    |status, held, now| status.change(held, slot(10, 30), now),
    |status, held, now| status.change(held, slot(10, 15), now),
    Status::transfer,
    |status, held, now| status.restore(Status::Confirmed, held, Micros::new(18), now),
];

fn word(status: Status, outcome: Result<Status, WrongState>) -> &'static str {
    match outcome {
        Ok(next) => next.as_str(),
        Err(WrongState::Is(same)) => {
            assert_eq!(same, status);
            "x"
        }
        Err(WrongState::IsOver) => "over",
        Err(WrongState::HasBegun) => "begun",
        Err(WrongState::TooEarly) => "early",
        Err(WrongState::EndsTooSoon) => "soon",
    }
}

#[test]
fn every_transition_of_every_state_before_within_and_after_the_slot() {
    let mut rows = TABLE.trim().lines().map(str::split_whitespace);
    let heads: Vec<&str> = rows.next().unwrap().skip(2).collect();
    assert_eq!(heads.len(), TRANSITIONS.len());
    let mut seen = Vec::new();
    for mut row in rows {
        let status = Status::parse(row.next().unwrap()).unwrap();
        let now: i64 = row.next().unwrap().parse().unwrap();
        let expected: Vec<&str> = row.collect();
        assert_eq!(expected.len(), heads.len(), "{status:?} at {now}");
        for ((head, expected), transition) in heads.iter().zip(expected).zip(TRANSITIONS) {
            let outcome = transition(status, slot(10, 20), Micros::new(now));
            let said = word(status, outcome);
            assert_eq!(said, expected, "{head} of {status:?} at {now}");
        }
        seen.push((status, now));
    }
    let all: Vec<(Status, i64)> = Status::ALL
        .into_iter()
        .flat_map(|status| [5, 15, 25].map(|now| (status, now)))
        .collect();
    assert_eq!(seen, all);
}

#[test]
fn the_edges_of_time_belong_to_one_side() {
    let (held, at) = (slot(10, 20), Micros::new);
    let approve = |by: Option<i64>, now| Status::Pending.approve(held, by.map(at), at(now));
    assert_eq!(approve(None, 9), Ok(Status::Confirmed));
    assert_eq!(approve(None, 10), Err(WrongState::IsOver));
    assert_eq!(approve(Some(50), 10), Err(WrongState::IsOver));
    assert_eq!(approve(Some(8), 7), Ok(Status::Confirmed));
    assert_eq!(approve(Some(8), 8), Err(WrongState::IsOver));
    let expire = |now| Status::Pending.expire(held, Some(at(8)), at(now));
    assert_eq!(
        (expire(7), expire(8)),
        (Err(WrongState::TooEarly), Ok(Status::Expired))
    );
    let check_in = |now| Status::Confirmed.check_in(held, span(2), at(now));
    assert_eq!(check_in(7), Err(WrongState::TooEarly));
    assert_eq!(check_in(8), Ok(Status::InUse));
    assert_eq!(check_in(19), Ok(Status::InUse));
    assert_eq!(check_in(20), Err(WrongState::IsOver));
    let no_show = |grace, now| Status::Confirmed.mark_no_show(held, span(grace), at(now));
    assert_eq!(no_show(3, 12), Err(WrongState::TooEarly));
    assert_eq!(no_show(3, 13), Ok(Status::NoShow));
    // A grace time longer than the slot ends with it.
    assert_eq!(no_show(300, 19), Err(WrongState::TooEarly));
    assert_eq!(no_show(300, 20), Ok(Status::NoShow));
}

#[test]
fn a_cancellation_is_taken_back_to_what_the_booking_was() {
    let restore = |was: Status, until, now| {
        let (until, now) = (Micros::new(until), Micros::new(now));
        Status::Cancelled.restore(was, slot(10, 20), until, now)
    };
    assert_eq!(restore(Status::Pending, 9, 8), Ok(Status::Pending));
    assert_eq!(restore(Status::Confirmed, 9, 8), Ok(Status::Confirmed));
    assert_eq!(restore(Status::Unverified, 17, 16), Ok(Status::Unverified));
    // The undo time ends before its last instant, as the slot does.
    let over = Err(WrongState::IsOver);
    assert_eq!(restore(Status::Confirmed, 9, 9), over);
    assert_eq!(restore(Status::Confirmed, 99, 20), over);
    // Nobody can approve it any more.
    assert_eq!(restore(Status::Pending, 99, 10), over);
    for was in Status::ALL {
        let can_be_given_up = was.cancel(slot(10, 20), Micros::new(5)).is_ok();
        let restored = restore(was, 9, 8);
        assert_eq!(restored.is_ok(), can_be_given_up, "{was:?}");
    }
}

#[test]
fn a_claim_ends_where_its_rest_was_released() {
    let held = slot(10, 20);
    let at = |released| Some(Micros::new(released));
    assert_eq!(Status::Confirmed.claimed(held, None), Some(held));
    assert_eq!(Status::NoShow.claimed(held, at(13)), Some(slot(10, 13)));
    assert_eq!(Status::Unverified.claimed(held, at(13)), Some(slot(10, 13)));
    assert_eq!(Status::Completed.claimed(held, at(99)), Some(held));
    assert_eq!(Status::Completed.claimed(held, at(9)), None);
    assert_eq!(Status::Cancelled.claimed(held, None), None);
}

#[test]
fn texts_are_parsed_back() {
    for status in Status::ALL {
        assert_eq!(Status::parse(status.as_str()), Some(status));
    }
    assert_eq!(Status::parse("Confirmed"), None);
}

#[test]
fn no_way_leads_to_a_no_show_but_from_confirmed() {
    for status in Status::ALL {
        for transition in TRANSITIONS {
            for now in [5, 15, 25] {
                if transition(status, slot(10, 20), Micros::new(now)) == Ok(Status::NoShow) {
                    assert_eq!(status, Status::Confirmed);
                }
            }
        }
    }
}
