//! Booking for somebody else, past rules, in the place of a hold.

use scheduler::booking::Status;
use scheduler::id::HoldId;
use scheduler::policy::{ApprovalWhen, RuleBody};
use scheduler::refusal::RuleId;

use super::record::NoticeKind;
use super::staff::{ADMIN, MANAGER, claimed, notices, staffed};
use super::*;

fn over(by: i64, wish: Book) -> Book {
    Book {
        overriding: Some(Overriding {
            by: MemberId::new(by),
            reason: "急用".to_owned(),
        }),
        ..wish
    }
}

fn rules_of(refused: &Refused) -> Vec<RuleId> {
    let refusals = refused.refusals.iter();
    refusals.map(|refusal| refusal.rule).collect()
}

#[tokio::test]
async fn authority_sets_aside_what_it_may_and_the_reason_is_kept() {
    let place = staffed(
        [RuleBody::Longest { minutes: 60 }],
        [RuleBody::Longest { minutes: 180 }],
    )
    .await;
    let two = wish(1, 1, slot(9, 11));
    let plain = refused(place.desk.ask(two.clone()).await.unwrap());
    assert_eq!(rules_of(&plain), [RuleId::Longest]);
    // Nobody sets rules aside by saying so.
    let own = refused(place.desk.ask(over(1, two.clone())).await.unwrap());
    assert_eq!(own, plain);
    let done = booked(place.desk.ask(over(MANAGER, two)).await.unwrap());
    let four = wish(1, 1, slot(12, 16));
    let both = refused(place.desk.ask(over(MANAGER, four.clone())).await.unwrap());
    assert_eq!(
        rules_of(&both),
        [RuleId::Longest; 2],
        "every reason, those too that he may set aside"
    );
    booked(place.desk.ask(over(ADMIN, four)).await.unwrap());
    let place = place.restart().await;
    let kept = place.desk.overrides_of(done.id).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].by, MemberId::new(MANAGER));
    assert_eq!(kept[0].reason, "急用");
    assert_eq!(kept[0].rules, ["longest"]);
}

#[tokio::test]
async fn neither_the_past_nor_what_is_taken_is_a_rule_to_set_aside() {
    let place = staffed([RuleBody::Longest { minutes: 60 }], []).await;
    booked(place.desk.ask(wish(1, 2, slot(9, 10))).await.unwrap());
    let taken = place.desk.ask(over(ADMIN, wish(1, 1, slot(9, 12))));
    let taken = refused(taken.await.unwrap());
    assert_eq!(rules_of(&taken), [RuleId::Longest]);
    assert_eq!(taken.conflicts.len(), 1);
    let past = place.desk.ask(over(ADMIN, wish(1, 1, slot(-2, 0))));
    let past = refused(past.await.unwrap());
    assert!(rules_of(&past).contains(&RuleId::Past));
    let noted = place.snapshot(1).bookings.len();
    assert_eq!(noted, 1);
}

#[tokio::test]
async fn an_override_where_nothing_refuses_leaves_no_trace() {
    let place = staffed([], []).await;
    let done = booked(
        place
            .desk
            .ask(over(MANAGER, wish(1, 1, slot(9, 10))))
            .await
            .unwrap(),
    );
    assert_eq!(place.desk.overrides_of(done.id).await.unwrap(), []);
}

#[tokio::test]
async fn who_could_say_yes_says_it_by_the_override() {
    let place = staffed([RuleBody::Approval(ApprovalWhen::Always)], []).await;
    let plain = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    assert_eq!(plain.status, Status::Pending);
    let over = over(MANAGER, wish(1, 1, slot(11, 12)));
    let done = booked(place.desk.ask(over).await.unwrap());
    assert_eq!(done.status, Status::Confirmed);
    let kept = place.desk.overrides_of(done.id).await.unwrap();
    assert_eq!(kept[0].rules, ["approval"]);
}

#[tokio::test]
async fn on_behalf_of_somebody_his_rules_hold_and_he_is_told() {
    let place = staffed([RuleBody::FutureCount { count: 1 }], []).await;
    let for_him = |slot| Book {
        made_by: Some(MemberId::new(MANAGER)),
        idempotency: Some(("k".to_owned(), [1; 32])),
        ..wish(1, 1, slot)
    };
    let made = booked(place.desk.ask(for_him(slot(9, 10))).await.unwrap());
    assert_eq!(made.member, MemberId::new(1));
    assert_eq!(notices(&place, 1), [NoticeKind::BookedFor]);
    let again = place.desk.ask(for_him(slot(9, 10))).await.unwrap();
    assert!(matches!(again, BookOutcome::Replayed(_)));
    // The key is the caller's: the member's own is another.
    let own = Book {
        made_by: None,
        ..for_him(slot(11, 12))
    };
    let second = refused(place.desk.ask(own).await.unwrap());
    assert_eq!(rules_of(&second), [RuleId::FutureCount]);
    let place = place.restart().await;
    let kept = place.desk.booking(made.id).unwrap();
    assert_eq!(kept.made_by(), Some(MemberId::new(MANAGER)));
}

/// A place where the first member keeps 9 to 11.
async fn with_hold(rules: impl IntoIterator<Item = RuleBody>) -> Place {
    let place = staffed(rules, []).await;
    let outsider = place.outsider().await;
    let (start, end) = (slot(9, 11).start().get(), slot(9, 11).end().get());
    for text in [
        format!(
            "INSERT INTO holds (id, instrument, member, start_us, end_us, created_us, expires_us) \
             VALUES (1, 1, 1, {start}, {end}, {MIDNIGHT}, {end})"
        ),
        format!(
            "INSERT INTO claims (id, instrument, lane, start_us, end_us, hold) \
             VALUES (1, 1, 0, {start}, {end}, 1)"
        ),
    ] {
        let text = sqlx::AssertSqlSafe(text);
        sqlx::query(text).execute(&outsider).await.unwrap();
    }
    place.restart().await
}

fn instead(member: i64, slot: Slot) -> Book {
    Book {
        hold: Some(HoldId::new(1)),
        ..wish(1, member, slot)
    }
}

#[tokio::test]
async fn a_booking_takes_the_place_of_its_hold() {
    let place = with_hold([]).await;
    let other = refused(place.desk.ask(instead(2, slot(9, 10))).await.unwrap());
    assert_eq!(other.conflicts.len(), 1, "nobody books in another's hold");
    booked(place.desk.ask(instead(1, slot(10, 12))).await.unwrap());
    let place = place.restart().await;
    assert_eq!(claimed(&place), [slot(10, 12)]);
    assert!(place.desk.ledger().holds.is_empty());
    booked(place.desk.ask(wish(1, 2, slot(9, 10))).await.unwrap());
}

#[tokio::test]
async fn a_hold_stays_where_the_booking_is_refused() {
    let place = with_hold([RuleBody::Longest { minutes: 60 }]).await;
    refused(place.desk.ask(instead(1, slot(9, 11))).await.unwrap());
    refused(place.desk.ask(wish(1, 2, slot(10, 11))).await.unwrap());
    let place = place.restart().await;
    assert_eq!(claimed(&place), [slot(9, 11)]);
    assert_eq!(place.desk.ledger().holds.len(), 1);
}

#[tokio::test]
async fn a_hold_that_has_ended_keeps_nothing_and_stops_nothing() {
    let place = staffed([], []).await;
    booked(place.desk.ask(instead(1, slot(9, 10))).await.unwrap());
}
