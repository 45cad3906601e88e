//! Ways round the rules that lead nowhere.

use std::sync::Arc;

use scheduler::booking::Status;
use scheduler::class::{CallerClass, ClassSet};
use scheduler::id::{BookingId, ProjectId};
use scheduler::occupancy::Holder;
use scheduler::policy::RuleBody;
use scheduler::refusal::RuleId;
use scheduler::time::{DAY_US, MINUTE_US};

use super::answering::ask_of;
use super::goes_with::{project, save, saved};
use super::holds::{hold, kept};
use super::presence::{minutes, strict, told};
use super::record::{NoticeKind, OutageKind, Run};
use super::rules::with_rules;
use super::runs::declared;
use super::staff::{MANAGER, changed, claimed, notices, staffed};
use super::*;

const LATE: RuleBody = RuleBody::LateCancellation {
    minutes: 120,
    points: 2,
};

fn moved(booking: BookingId, slot: Slot) -> Change {
    Change {
        slot: Some(slot),
        ..change_of(booking)
    }
}

fn points(place: &Place) -> Vec<u32> {
    let ledger = place.desk.ledger();
    ledger.penalties.iter().map(|given| given.points).collect()
}

#[tokio::test]
async fn what_the_lab_has_cancelled_its_member_does_not_take_back() {
    let place = staffed([], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let by_lab = Cancel {
        by: MemberId::new(MANAGER),
        ..cancel_of(held.id)
    };
    place.desk.ask(by_lab).await.unwrap();
    assert!(place.desk.ledger().holds.is_empty());
    let back = place.restore_booking(held.id, 1).await;
    assert!(matches!(back, RestoreOutcome::TooLate), "{back:?}");
}

#[tokio::test]
async fn a_hold_books_nothing_in_an_outage() {
    let place = staffed([], []).await;
    let hold = kept(place.desk.ask(hold(1, 1, slot(13, 14))).await.unwrap());
    let open = OpenOutage {
        choices: Vec::new(),
        kind: OutageKind::Fault,
        instrument: InstrumentId::new(1),
        slot: slot(12, 15),
        reason: String::new(),
        member: MemberId::new(MANAGER),
    };
    let opened = place.desk.ask(open).await.unwrap();
    let OutageOutcome::Done(outage, _) = opened else {
        panic!("{opened:?}")
    };
    let wish = Book {
        hold: Some(hold.id),
        ..wish(1, 1, slot(13, 14))
    };
    let refused = refused(place.desk.ask(wish.clone()).await.unwrap());
    let in_way: Vec<Holder> = refused.conflicts.iter().map(|way| way.holder).collect();
    assert_eq!(in_way, [Holder::Outage(outage.id)]);
    assert!(
        !refused
            .next_free
            .iter()
            .any(|next| next.overlaps(slot(12, 15)))
    );
    let end = EndOutage { outage: outage.id };
    place.desk.ask(end).await.unwrap();
    let made = booked(place.desk.ask(wish).await.unwrap());
    assert!(!made.at_risk);
    assert_eq!(claimed(&place), [slot(13, 14)]);
}

fn settled(run: Arc<Run>, change: RunChange) -> CorrectRun {
    CorrectRun {
        run,
        expected_version: None,
        change,
        end: None,
        note: "seen".to_owned(),
        by: MemberId::new(9),
    }
}

#[tokio::test]
async fn a_run_is_no_booking_of_another_day_nor_of_one_that_was_given_up() {
    let place = strict().await;
    let tomorrow = place.book(2, minutes(1_500, 1_560)).await;
    let cancelled = place.book(1, minutes(20, 45)).await;
    place.cancel(cancelled).await;
    place.go(100);
    place.hear(told("ran 30 40, still 40 100", Some(100))).await;
    let run = Arc::clone(place.desk.ledger().runs.iter().next().unwrap());
    for wrong in [tomorrow, cancelled] {
        let asked = settled(Arc::clone(&run), RunChange::OfBooking(wrong));
        let outcome = place.desk.ask(asked).await.unwrap();
        assert!(matches!(outcome, RunOutcome::NoBooking), "{outcome:?}");
    }
    assert_eq!(place.runs(), "- unbooked 30-40 unsettled");
}

#[tokio::test]
async fn a_run_that_is_settled_to_a_no_show_clears_it() {
    let place = strict().await;
    let booking = place.book(1, minutes(60, 120)).await;
    place.go(400);
    place.hear(told("still 0 400", Some(400))).await;
    let status = |place: &Place| place.desk.booking(booking).unwrap().status;
    assert_eq!(status(&place), Status::NoShow);
    let used = place.desk.ask(declared(1, minutes(65, 110))).await.unwrap();
    let DeclareOutcome::Declared(run) = used else {
        panic!("{used:?}")
    };
    let asked = settled(run, RunChange::OfBooking(booking));
    let done = place.desk.ask(asked).await.unwrap();
    assert!(matches!(done, RunOutcome::Done(_)), "{done:?}");
    assert_eq!(status(&place), Status::Completed);
    let ledger = place.desk.ledger();
    assert!(ledger.penalties.iter().all(|given| given.lifted));
    assert!(notices(&place, 1).contains(&NoticeKind::NoShowCleared));
    let corrections = place
        .desk
        .corrections(record::Corrected::Booking, booking.get());
    let corrections = corrections.await.unwrap();
    assert_eq!(corrections[0].by, Some(MemberId::new(9)));
}

#[tokio::test]
async fn use_is_declared_for_a_project_one_works_on() {
    let place = Place::new().await;
    let running = saved(save(&place, project("P-1"), None).await);
    let closed = record::Project {
        closed: true,
        ..project("P-2")
    };
    let closed = saved(save(&place, closed, None).await);
    place.hand.advance(2 * DAY_US);
    let used = |member, project| Declare {
        project: Some(project),
        ..declared(member, slot(9, 11))
    };
    for (member, project) in [(2, running.id), (1, closed.id), (1, ProjectId::new(99))] {
        let outcome = place.desk.ask(used(member, project)).await.unwrap();
        assert!(matches!(outcome, DeclareOutcome::Project), "{outcome:?}");
    }
    let own = place.desk.ask(used(1, running.id)).await.unwrap();
    assert!(matches!(own, DeclareOutcome::Declared(_)), "{own:?}");
}

#[tokio::test]
async fn who_may_not_book_declares_no_use() {
    let classes = ClassSet::of(&[CallerClass::Enterprise]);
    let place = with_rules([RuleBody::WhoMayBook { classes }]).await;
    place.hand.advance(2 * DAY_US);
    let outcome = place.desk.ask(declared(1, slot(9, 11))).await.unwrap();
    let DeclareOutcome::Refused(refused) = outcome else {
        panic!("{outcome:?}")
    };
    let rules: Vec<RuleId> = refused.refusals.iter().map(|why| why.rule).collect();
    assert_eq!(rules, [RuleId::WhoMayBook]);
}

#[tokio::test]
async fn moving_far_away_is_no_cheaper_than_giving_up() {
    let place = staffed([LATE], []).await;
    let soon = booked(place.desk.ask(wish(1, 1, slot(1, 2))).await.unwrap());
    let later = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    place.hand.advance(10 * MINUTE_US);
    // In time, and from one late time to another: nothing is given up for good.
    changed(place.desk.ask(moved(later.id, slot(20, 21))).await.unwrap());
    changed(place.desk.ask(moved(soon.id, slot(1, 3))).await.unwrap());
    assert!(points(&place).is_empty());
    changed(place.desk.ask(moved(soon.id, slot(30, 31))).await.unwrap());
    assert_eq!(points(&place), [2]);
    place.pass_minutes(1);
    place.cancel(soon.id).await;
    assert_eq!(points(&place), [2], "free, there");
    let back = place.restore_booking(soon.id, 1).await;
    assert!(matches!(back, RestoreOutcome::Restored(_)), "{back:?}");
    assert_eq!(points(&place), [2], "the late move stays");
    let by_lab = Change {
        by: MemberId::new(MANAGER),
        ..moved(later.id, slot(40, 41))
    };
    place.hand.advance(19 * HOUR_US);
    changed(place.desk.ask(by_lab).await.unwrap());
    assert_eq!(points(&place), [2], "the lab pays nothing");
}

#[tokio::test]
async fn what_may_not_be_given_up_is_not_moved_to_where_it_may() {
    let place = staffed([RuleBody::NoticeToCancel { minutes: 120 }], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(1, 2))).await.unwrap());
    place.hand.advance(10 * MINUTE_US);
    let far = place.desk.ask(moved(held.id, slot(30, 31))).await.unwrap();
    let ChangeOutcome::Refused(far) = far else {
        panic!("{far:?}")
    };
    assert_eq!(far.refusals[0].rule, RuleId::NoticeToCancel);
    changed(place.desk.ask(moved(held.id, slot(1, 3))).await.unwrap());
}

#[tokio::test]
async fn an_outage_moves_nobody_to_where_more_is_asked() {
    let place = staffed([], []).await;
    ask_of(&place, 2, "mass").await;
    let held = booked(place.desk.ask(wish(1, 1, slot(13, 14))).await.unwrap());
    let action = ChoiceAction::Move {
        instrument: InstrumentId::new(2),
        start: slot(13, 14).start(),
    };
    let open = OpenOutage {
        choices: vec![Choice {
            booking: held.id,
            action,
        }],
        kind: OutageKind::Fault,
        instrument: InstrumentId::new(1),
        slot: slot(12, 15),
        reason: String::new(),
        member: MemberId::new(MANAGER),
    };
    let outcome = place.desk.ask(open).await.unwrap();
    let OutageOutcome::CannotChoose(_, ChoiceFault::Unanswered(faults)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(faults[0].field, "answers.mass");
    assert_eq!(claimed(&place), [slot(13, 14)]);
}
