//! Holds of forms, and the time in which a cancellation can be taken back.

use scheduler::id::{BookingId, HoldId, InstrumentId, MemberId};
use scheduler::policy::RuleBody;
use scheduler::refusal::{Figure, RuleId};
use scheduler::time::MINUTE_US;

use super::rules::with_rules;
use super::waitlist::{ask, exact, wait};
use super::*;

pub(super) fn hold(instrument: u32, member: i64, slot: Slot) -> PlaceHold {
    PlaceHold {
        instrument: InstrumentId::new(instrument),
        member: MemberId::new(member),
        slot,
    }
}

#[track_caller]
pub(super) fn kept(outcome: HoldOutcome) -> std::sync::Arc<record::Hold> {
    let HoldOutcome::Held(hold) = outcome else {
        panic!("expected a hold, got {outcome:?}")
    };
    hold
}

#[track_caller]
fn not_kept(outcome: HoldOutcome) -> Refused {
    let HoldOutcome::Refused(refused) = outcome else {
        panic!("expected a refusal, got {outcome:?}")
    };
    refused
}

impl Place {
    /// Moves the clock on by minutes.
    pub(super) fn pass_minutes(&self, minutes: i64) {
        self.hand.advance(minutes * MINUTE_US);
    }

    pub(super) async fn cancel(&self, booking: BookingId) {
        let cancel = cancel_of(booking);
        let outcome = self.desk.ask(cancel).await.unwrap();
        assert!(
            matches!(outcome, CancelOutcome::Cancelled(..)),
            "{outcome:?}"
        );
    }

    pub(super) async fn restore_booking(&self, booking: BookingId, member: i64) -> RestoreOutcome {
        let member = MemberId::new(member);
        self.desk.ask(Restore { booking, member }).await.unwrap()
    }
}

#[tokio::test]
async fn a_hold_keeps_its_slot_until_it_ends() {
    let mut place = Place::new().await;
    let held = kept(place.desk.ask(hold(1, 1, slot(9, 10))).await.unwrap());
    assert_eq!(held.expires_at.get(), MIDNIGHT + 10 * MINUTE_US);
    let taken = refused(place.desk.ask(wish(1, 2, slot(9, 10))).await.unwrap());
    assert_eq!(taken.conflicts.len(), 1);
    place = place.restart().await;
    place.pass_minutes(9);
    refused(place.desk.ask(wish(1, 2, slot(9, 10))).await.unwrap());
    place.pass_minutes(1);
    booked(place.desk.ask(wish(1, 2, slot(9, 10))).await.unwrap());
    assert!(place.desk.ledger().holds.is_empty());
}

#[tokio::test]
async fn two_at_a_time_unless_a_rule_says_otherwise() {
    let place = Place::new().await;
    let first = kept(place.desk.ask(hold(1, 1, slot(9, 10))).await.unwrap());
    kept(place.desk.ask(hold(2, 1, slot(9, 10))).await.unwrap());
    let third = not_kept(place.desk.ask(hold(1, 1, slot(11, 12))).await.unwrap());
    let rules: Vec<_> = third
        .refusals
        .iter()
        .map(|refusal| (refusal.rule, refusal.limit.clone(), refusal.actual.clone()))
        .collect();
    assert_eq!(
        rules,
        [(RuleId::HoldLimit, Figure::Count(2), Figure::Count(3))]
    );
    assert_eq!(third.refusals[0].passes_at, Some(first.expires_at));
    // Another member's are his own.
    kept(place.desk.ask(hold(1, 2, slot(11, 12))).await.unwrap());
    let (hold_id, member) = (first.id, MemberId::new(1));
    let strange = LetGo {
        hold: hold_id,
        member: MemberId::new(2),
    };
    let outcome = place.desk.ask(strange).await.unwrap();
    assert_eq!(outcome, LetGoOutcome::NotFound);
    let gone = LetGo {
        hold: hold_id,
        member,
    };
    assert_eq!(place.desk.ask(gone).await.unwrap(), LetGoOutcome::Gone);
    assert_eq!(place.desk.ask(gone).await.unwrap(), LetGoOutcome::NotFound);
    kept(place.desk.ask(hold(1, 1, slot(9, 10))).await.unwrap());
}

#[tokio::test]
async fn a_rule_sets_how_many_and_how_long() {
    let place = with_rules([
        RuleBody::HoldLimit {
            count: 1,
            minutes: 3,
        },
        RuleBody::Buffers {
            setup_minutes: 0,
            cleanup_minutes: 60,
        },
    ])
    .await;
    let held = kept(place.desk.ask(hold(1, 1, slot(9, 10))).await.unwrap());
    assert_eq!(held.expires_at.get(), MIDNIGHT + 3 * MINUTE_US);
    let second = not_kept(place.desk.ask(hold(1, 1, slot(12, 13))).await.unwrap());
    assert_eq!(second.refusals[0].rule, RuleId::HoldLimit);
    // Clean-up is claimed like a booking's.
    let near = refused(place.desk.ask(wish(1, 2, slot(10, 11))).await.unwrap());
    assert_eq!(near.conflicts.len(), 1);
}

#[tokio::test]
async fn a_booking_takes_the_place_of_its_hold_or_leaves_it() {
    let place = Place::new().await;
    let held = kept(place.desk.ask(hold(1, 1, slot(9, 11))).await.unwrap());
    booked(place.desk.ask(wish(1, 2, slot(11, 12))).await.unwrap());
    let with_hold = |member, hold, wanted| Book {
        hold: Some(hold),
        ..wish(1, member, wanted)
    };
    let before = place.snapshot(1).occupancy.clone();
    for (book, why) in [
        (with_hold(2, held.id, slot(9, 10)), "not his hold"),
        (with_hold(1, HoldId::new(99), slot(9, 10)), "no hold"),
        (with_hold(1, held.id, slot(10, 12)), "reaches too far"),
    ] {
        let outcome = place.desk.ask(book).await.unwrap();
        assert!(
            matches!(outcome, BookOutcome::Refused(_)),
            "{why}: {outcome:?}"
        );
    }
    assert_eq!(place.snapshot(1).occupancy, before, "the hold stays");
    booked(
        place
            .desk
            .ask(with_hold(1, held.id, slot(9, 10)))
            .await
            .unwrap(),
    );
    assert!(place.desk.ledger().holds.is_empty());
    assert_eq!(place.snapshot(1).occupancy.claims().count(), 2);
}

#[tokio::test]
async fn who_gave_a_slot_up_may_take_it_back_for_a_while() {
    let mut place = Place::new().await;
    let first = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    place.cancel(first.id).await;
    // Nobody waits: the place is free at once, and as long as it is, it can be had back.
    assert_eq!(place.snapshot(1).occupancy.claims().count(), 0);
    place = place.restart().await;
    place.pass_minutes(4);
    let strange = place.restore_booking(first.id, 2).await;
    assert!(matches!(strange, RestoreOutcome::NotFound));
    let RestoreOutcome::Restored(back) = place.restore_booking(first.id, 1).await else {
        panic!("expected it back")
    };
    assert_eq!((back.id, back.slot), (first.id, first.slot));
    assert_eq!(back.status, scheduler::booking::Status::Confirmed);
    assert_eq!(back.cancelled_at.get(), None);
    let again = place.restore_booking(first.id, 1).await;
    assert!(matches!(again, RestoreOutcome::WrongState(_)), "{again:?}");
    place = place.restart().await;
    let found = place.desk.booking(first.id).unwrap();
    assert_eq!(*found, *back);
    refused(place.desk.ask(wish(1, 2, slot(9, 10))).await.unwrap());
    place.cancel(first.id).await;
    place.pass_minutes(5);
    let late = place.restore_booking(first.id, 1).await;
    assert!(matches!(late, RestoreOutcome::TooLate), "{late:?}");
}

#[tokio::test]
async fn taking_back_does_not_take_from_others_nor_get_around_rules() {
    let place = with_rules([RuleBody::FutureCount { count: 1 }]).await;
    let first = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    place.cancel(first.id).await;
    let second = booked(place.desk.ask(wish(1, 1, slot(12, 13))).await.unwrap());
    let RestoreOutcome::Refused(why) = place.restore_booking(first.id, 1).await else {
        panic!("two ahead where one is allowed")
    };
    assert_eq!(why.refusals[0].rule, RuleId::FutureCount);
    place.cancel(second.id).await;
    booked(place.desk.ask(wish(1, 2, slot(9, 10))).await.unwrap());
    let RestoreOutcome::Refused(why) = place.restore_booking(first.id, 1).await else {
        panic!("it is another's by now")
    };
    assert_eq!((why.refusals.len(), why.conflicts.len()), (0, 1));
    // It can still be had back when the other goes.
    assert!(
        place
            .desk
            .ledger()
            .undo_of(first.id, place.clock.now())
            .is_some()
    );
}

#[tokio::test]
async fn what_was_booked_in_time_is_taken_back_late() {
    let place = with_rules([RuleBody::NoticeToBook { minutes: 60 }]).await;
    let first = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    place.pass_minutes(8 * 60 + 50);
    place.cancel(first.id).await;
    let back = place.restore_booking(first.id, 1).await;
    assert!(matches!(back, RestoreOutcome::Restored(_)), "{back:?}");
}

#[tokio::test]
async fn what_waited_for_an_approval_does_so_again() {
    let place = with_rules([RuleBody::Approval(scheduler::policy::ApprovalWhen::Always)]).await;
    let first = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    place.cancel(first.id).await;
    let RestoreOutcome::Restored(back) = place.restore_booking(first.id, 1).await else {
        panic!("expected it back")
    };
    assert_eq!(back.status, scheduler::booking::Status::Pending);
    assert_eq!(back.due_at.get(), Some(first.slot.start()));
}

#[tokio::test]
async fn an_undo_comes_before_the_offer() {
    let mut place = Place::new().await;
    let first = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let waiting = wait(&place, 2, slot(9, 10)).await;
    place.cancel(first.id).await;
    assert!(place.desk.ledger().offer_to(waiting).is_none());
    // Nobody else gets it either.
    refused(place.desk.ask(wish(1, 3, slot(9, 10))).await.unwrap());
    let RestoreOutcome::Restored(_) = place.restore_booking(first.id, 1).await else {
        panic!("expected it back")
    };
    assert_eq!(place.snapshot(1).occupancy.claims().count(), 1);
    place.cancel(first.id).await;
    place = place.restart().await;
    place.pass_minutes(5);
    ask(&place, exact(3, slot(20, 21))).await;
    let offer = place.desk.ledger().offer_to(waiting).cloned().unwrap();
    assert_eq!(offer.slot, slot(9, 10));
    let late = place.restore_booking(first.id, 1).await;
    assert!(matches!(late, RestoreOutcome::TooLate), "{late:?}");
}
