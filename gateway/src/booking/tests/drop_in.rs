//! Somebody stands before the machine and begins at once.

use scheduler::booking::Status;
use scheduler::policy::{ApprovalWhen, RuleBody};
use scheduler::refusal::RuleId;
use scheduler::time::{MINUTE_US, SECOND_US};

use super::staff::{MANAGER, claimed, staffed};
use super::*;

/// Until an hour after midnight, by the half hour.
fn until(member: i64, half_hours: i64) -> Book {
    let end = Micros::new(MIDNIGHT + half_hours * 30 * MINUTE_US);
    Book {
        now: true,
        ..wish(1, member, Slot::new(Micros::new(MIDNIGHT), end).unwrap())
    }
}

#[tokio::test]
async fn it_begins_with_this_minute_and_is_in_use() {
    let place = staffed([RuleBody::Alignment { minutes: 30 }], []).await;
    place.hand.advance(7 * MINUTE_US + 31 * SECOND_US);
    let now = place.clock.now();
    let booking = booked(place.desk.ask(until(1, 2)).await.unwrap());
    let minute = Micros::new(MIDNIGHT + 7 * MINUTE_US);
    assert_eq!(booking.slot.start(), minute);
    assert_eq!(booking.slot.end(), slot(0, 1).end());
    assert_eq!(booking.status, Status::InUse);
    assert_eq!(booking.began_at.get(), Some(now));
    let place = place.restart().await;
    assert_eq!(claimed(&place), [booking.slot]);
    assert_eq!(*place.desk.booking(booking.id).unwrap(), *booking);
    let taken = refused(place.desk.ask(until(2, 2)).await.unwrap());
    assert_eq!(taken.conflicts.len(), 1);
}

#[tokio::test]
async fn only_its_end_lies_on_the_grid_and_not_behind() {
    let place = staffed([RuleBody::Alignment { minutes: 60 }], []).await;
    place.hand.advance(7 * MINUTE_US);
    let off = refused(place.desk.ask(until(1, 1)).await.unwrap());
    assert_eq!(off.refusals[0].rule, RuleId::Alignment);
    place.hand.advance(60 * MINUTE_US);
    let over = refused(place.desk.ask(until(1, 2)).await.unwrap());
    assert!(over.refusals.iter().any(|one| one.rule == RuleId::Past));
}

#[tokio::test]
async fn who_left_within_this_minute_is_not_in_the_way() {
    let place = staffed([], []).await;
    place.hand.advance(7 * MINUTE_US + 20 * SECOND_US);
    let left = Micros::new(MIDNIGHT + 7 * MINUTE_US + 10 * SECOND_US);
    let before = Slot::new(Micros::new(MIDNIGHT), left).unwrap();
    let outsider = place.outsider().await;
    let text = format!(
        "INSERT INTO claims (id, instrument, lane, start_us, end_us, outage) \
         VALUES (1, 1, 0, {}, {}, 1)",
        before.start().get(),
        before.end().get()
    );
    let outage = format!(
        "INSERT INTO outages (id, instrument, start_us, end_us, reason, opened_by, created_us) \
         VALUES (1, 1, {MIDNIGHT}, {}, '', 1, {MIDNIGHT})",
        left.get()
    );
    for text in [outage, text] {
        let text = sqlx::AssertSqlSafe(text);
        sqlx::query(text).execute(&outsider).await.unwrap();
    }
    let place = place.restart().await;
    let booking = booked(place.desk.ask(until(1, 2)).await.unwrap());
    assert_eq!(booking.slot.start(), place.clock.now());
}

#[tokio::test]
async fn what_needs_a_yes_does_not_begin_without_it() {
    let place = staffed([RuleBody::Approval(ApprovalWhen::Always)], []).await;
    let outcome = place.desk.ask(until(1, 2)).await.unwrap();
    assert!(matches!(outcome, BookOutcome::NotAtOnce), "{outcome:?}");
    assert_eq!(claimed(&place), []);
    let over = Book {
        overriding: Some(Overriding {
            by: MemberId::new(MANAGER),
            reason: "x".to_owned(),
        }),
        ..until(1, 2)
    };
    let booking = booked(place.desk.ask(over).await.unwrap());
    assert_eq!(booking.status, Status::InUse);
}
