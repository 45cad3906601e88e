//! The waitlist: who is offered what became free, and in which order.

use scheduler::id::{InstrumentId, MemberId, WaitId};
use scheduler::policy::RuleBody;
use scheduler::time::Span;
use scheduler::waitlist::{OfferState, WrongOffer};

use super::rules::with_rules;
use super::*;
use record::{NoticeKind, Offer, Wait, WaitState};

/// A wish for exactly a slot of the first instrument.
pub(super) fn exact(member: i64, within: Slot) -> AskToWait {
    AskToWait {
        member: MemberId::new(member),
        instruments: vec![InstrumentId::new(1)],
        within,
        length: within.len(),
        auto_book: false,
        purpose: "SEM".to_owned(),
        project: None,
        details: record::Details::default(),
    }
}

pub(super) async fn ask(place: &Place, wish: AskToWait) -> WaitId {
    match place.desk.ask(wish).await.unwrap() {
        WaitOutcome::Waiting(wait) => wait.id,
        outcome @ (WaitOutcome::TooMany
        | WaitOutcome::Over
        | WaitOutcome::Unanswered(_)
        | WaitOutcome::Never(..)) => {
            panic!("{outcome:?}")
        }
    }
}

/// Adds a wish for exactly a slot of the first instrument.
pub(super) async fn wait(place: &Place, member: i64, within: Slot) -> WaitId {
    ask(place, exact(member, within)).await
}

pub(super) fn offer(place: &Place, wait: WaitId) -> Option<std::sync::Arc<Offer>> {
    place.desk.ledger().offer_to(wait).cloned()
}

fn wish_of(place: &Place, wait: WaitId) -> std::sync::Arc<Wait> {
    place.desk.ledger().waits.get(wait.get()).cloned().unwrap()
}

pub(super) async fn take(place: &Place, wait: WaitId, member: i64) -> OfferOutcome {
    let member = MemberId::new(member);
    place.desk.ask(taking(wait, member)).await.unwrap()
}

/// Takes an offer, with what was said with the wish.
pub(super) fn taking(wait: WaitId, member: MemberId) -> TakeOffer {
    TakeOffer {
        wait,
        member,
        details: None,
    }
}

async fn decline(place: &Place, wait: WaitId, member: i64) -> OfferOutcome {
    let member = MemberId::new(member);
    place.desk.ask(DeclineOffer { wait, member }).await.unwrap()
}

/// Nothing of interest: what is due is decided before it.
pub(super) async fn look(place: &Place) {
    let nobody = MemberId::new(16);
    let (wait, member) = (WaitId::new(999), nobody);
    place.desk.ask(taking(wait, member)).await.unwrap();
}

/// The rules that hand a slot on at once, with offers of 15 minutes.
async fn at_once() -> Place {
    with_rules([RuleBody::Waitlist {
        offer_minutes: 15,
        undo_minutes: 0,
    }])
    .await
}

#[tokio::test]
async fn three_who_wait_are_asked_one_after_another() {
    let mut place = at_once().await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let first = wait(&place, 2, slot(9, 10)).await;
    place.pass_minutes(1);
    let second = wait(&place, 3, slot(9, 10)).await;
    place.pass_minutes(1);
    let third = wait(&place, 4, slot(9, 10)).await;
    place.cancel(held.id).await;
    let offered = offer(&place, first).unwrap();
    let now = place.clock.now();
    assert_eq!(offered.slot, slot(9, 10));
    assert_eq!(offered.expires_at, now + Span::minutes(15));
    assert!(offer(&place, second).is_none() && offer(&place, third).is_none());
    let told = place.desk.ledger();
    let told: Vec<_> = told.notices.iter().map(|n| (n.member, n.kind)).collect();
    assert_eq!(told, [(MemberId::new(2), NoticeKind::Offered)]);
    refused(place.desk.ask(wish(1, 5, slot(9, 10))).await.unwrap());
    // The first declines, the second lets it run out, over a restart.
    let declined = decline(&place, first, 2).await;
    assert!(
        matches!(declined, OfferOutcome::Declined(_)),
        "{declined:?}"
    );
    assert!(offer(&place, first).is_none());
    assert_eq!(wish_of(&place, first).passed.len(), 1);
    place = place.restart().await;
    assert!(offer(&place, second).is_some());
    place.pass_minutes(15);
    look(&place).await;
    assert!(offer(&place, second).is_none());
    let late = take(&place, second, 3).await;
    let expired = WrongOffer::Is(OfferState::Expired);
    assert!(matches!(late, OfferOutcome::Wrong(wrong) if wrong == expired));
    assert!(offer(&place, third).is_some());
    place = place.restart().await;
    let OfferOutcome::Booked(booking) = take(&place, third, 4).await else {
        panic!("expected a booking")
    };
    assert_eq!(
        (booking.member, booking.slot),
        (MemberId::new(4), slot(9, 10))
    );
    assert_eq!(&*booking.purpose, "SEM");
    let served = wish_of(&place, third);
    assert_eq!(
        (served.state, served.booking),
        (WaitState::Served, Some(booking.id))
    );
    assert_eq!(place.snapshot(1).occupancy.claims().count(), 1);
    // Those who passed it are not asked again for it, until nobody is left.
    place.cancel(booking.id).await;
    assert!(offer(&place, first).is_none() && offer(&place, second).is_none());
    assert_eq!(place.snapshot(1).occupancy.claims().count(), 0);
}

#[tokio::test]
async fn who_used_least_comes_first() {
    let place = at_once().await;
    // Member 2 has used two hours, member 3 one, before the wishes are made.
    booked(place.desk.ask(wish(2, 2, slot(1, 3))).await.unwrap());
    booked(place.desk.ask(wish(2, 3, slot(1, 2))).await.unwrap());
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    place.pass_minutes(4 * 60);
    let early = wait(&place, 2, slot(9, 10)).await;
    place.pass_minutes(1);
    let late = wait(&place, 3, slot(9, 10)).await;
    let ledger = place.desk.ledger();
    let queue = Queue::of(&ledger, place.desk.shelf(), place.clock.now());
    assert_eq!(
        (queue.position(late), queue.position(early)),
        (Some(1), Some(2))
    );
    place.cancel(held.id).await;
    assert!(offer(&place, late).is_some());
    assert!(offer(&place, early).is_none());
}

#[tokio::test]
async fn what_an_offer_leaves_goes_to_the_next() {
    let place = at_once().await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 14))).await.unwrap());
    let any = |member, hours: u32| AskToWait {
        length: Span::minutes(60 * hours),
        ..exact(member, slot(0, 24))
    };
    // The rest of the day is taken too.
    booked(place.desk.ask(wish(1, 5, slot(0, 9))).await.unwrap());
    booked(place.desk.ask(wish(1, 5, slot(14, 30))).await.unwrap());
    let one = ask(&place, any(2, 2)).await;
    let two = ask(&place, any(3, 4)).await;
    let three = ask(&place, any(4, 3)).await;
    place.cancel(held.id).await;
    assert_eq!(offer(&place, one).unwrap().slot, slot(9, 11));
    assert!(offer(&place, two).is_none(), "four hours are not left");
    assert_eq!(offer(&place, three).unwrap().slot, slot(11, 14));
    // When the first passes, what he had joins nothing: two hours are free again.
    decline(&place, one, 2).await;
    assert!(offer(&place, one).is_none());
    // What the third has passed is again for the first in order, if it is not what he has passed.
    decline(&place, three, 4).await;
    assert_eq!(offer(&place, one).unwrap().slot, slot(11, 13));
    decline(&place, one, 2).await;
    assert_eq!(offer(&place, two).unwrap().slot, slot(9, 13));
}

#[tokio::test]
async fn booked_at_once_where_that_is_wished() {
    let mut place = at_once().await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let wish_id = ask(
        &place,
        AskToWait {
            auto_book: true,
            instruments: vec![InstrumentId::new(2), InstrumentId::new(1)],
            ..exact(2, slot(9, 10))
        },
    )
    .await;
    let change = Change {
        slot: Some(slot(11, 12)),
        ..change_of(held.id)
    };
    let moved = place.desk.ask(change).await.unwrap();
    assert!(matches!(moved, ChangeOutcome::Changed(_)), "{moved:?}");
    let served = wish_of(&place, wish_id);
    assert_eq!(served.state, WaitState::Served);
    place = place.restart().await;
    let booking = place.desk.booking(served.booking.unwrap()).unwrap();
    assert_eq!(
        (booking.member, booking.slot),
        (MemberId::new(2), slot(9, 10))
    );
    let ledger = place.desk.ledger();
    let told: Vec<_> = ledger.notices.iter().map(|n| (n.kind, n.booking)).collect();
    assert_eq!(told, [(NoticeKind::Served, Some(booking.id))]);
}

#[tokio::test]
async fn every_way_a_place_becomes_free_is_offered() {
    // A hold that ends.
    let place = at_once().await;
    super::holds::kept(
        place
            .desk
            .ask(super::holds::hold(1, 1, slot(9, 10)))
            .await
            .unwrap(),
    );
    let waiting = wait(&place, 2, slot(9, 10)).await;
    place.pass_minutes(10);
    look(&place).await;
    assert!(offer(&place, waiting).is_some(), "after a hold");
    // An outage that is ended.
    let place = at_once().await;
    let open = OpenOutage {
        choices: Vec::new(),
        kind: record::OutageKind::Fault,
        instrument: InstrumentId::new(1),
        slot: slot(0, 24),
        reason: "灯".to_owned(),
        member: MemberId::new(1),
    };
    let OutageOutcome::Done(outage, _) = place.desk.ask(open).await.unwrap() else {
        panic!("expected an outage")
    };
    let waiting = wait(&place, 2, slot(9, 10)).await;
    place
        .desk
        .ask(EndOutage { outage: outage.id })
        .await
        .unwrap();
    assert!(offer(&place, waiting).is_some(), "after an outage");
    // A booking that is shortened.
    let place = at_once().await;
    let held = booked(place.desk.ask(wish(1, 1, slot(8, 10))).await.unwrap());
    let waiting = wait(&place, 2, slot(9, 10)).await;
    let change = Change {
        slot: Some(slot(8, 9)),
        ..change_of(held.id)
    };
    place.desk.ask(change).await.unwrap();
    assert!(
        offer(&place, waiting).is_some(),
        "after a booking that ends earlier"
    );
}

#[tokio::test]
async fn an_offer_reaches_over_what_was_free_before() {
    let place = at_once().await;
    let first = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let second = booked(place.desk.ask(wish(1, 1, slot(10, 11))).await.unwrap());
    let waiting = wait(&place, 2, slot(9, 11)).await;
    place.cancel(first.id).await;
    assert!(offer(&place, waiting).is_none());
    place.cancel(second.id).await;
    assert_eq!(offer(&place, waiting).unwrap().slot, slot(9, 11));
}

#[tokio::test]
async fn wishes_have_a_limit_and_an_end() {
    let mut place = at_once().await;
    let mut last = None;
    for _ in 0..WISHES_MAX {
        last = Some(wait(&place, 2, slot(9, 10)).await);
    }
    let more = place.desk.ask(exact(2, slot(9, 10))).await.unwrap();
    assert!(matches!(more, WaitOutcome::TooMany), "{more:?}");
    wait(&place, 3, slot(9, 10)).await;
    let (wish_id, member) = (last.unwrap(), MemberId::new(2));
    let strange = Withdraw {
        wait: wish_id,
        member: MemberId::new(3),
    };
    let outcome = place.desk.ask(strange).await.unwrap();
    assert!(matches!(outcome, WithdrawOutcome::NotFound));
    let withdraw = Withdraw {
        wait: wish_id,
        member,
    };
    let outcome = place.desk.ask(withdraw).await.unwrap();
    assert!(
        matches!(outcome, WithdrawOutcome::Withdrawn(wait) if wait.state == WaitState::Withdrawn)
    );
    let again = place.desk.ask(withdraw).await.unwrap();
    assert!(matches!(again, WithdrawOutcome::Was(WaitState::Withdrawn)));
    wait(&place, 2, slot(9, 10)).await;
    // No slot can begin any more: decided by the agenda, also after a restart.
    place.pass_minutes(9 * 60);
    place = place.restart().await;
    look(&place).await;
    let ledger = place.desk.ledger();
    assert_eq!(ledger.waiting_of(member), 0);
    let over = ledger
        .waits
        .iter()
        .filter(|wait| wait.state == WaitState::Over);
    assert_eq!(over.count(), 21);
    let late = place.desk.ask(exact(2, slot(9, 10))).await.unwrap();
    assert!(matches!(late, WaitOutcome::Over), "{late:?}");
}

#[tokio::test]
async fn a_wish_taken_back_gives_its_offer_to_the_next() {
    let place = at_once().await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let first = wait(&place, 2, slot(9, 10)).await;
    let second = wait(&place, 3, slot(9, 10)).await;
    place.cancel(held.id).await;
    let member = MemberId::new(2);
    place
        .desk
        .ask(Withdraw {
            wait: first,
            member,
        })
        .await
        .unwrap();
    assert!(offer(&place, first).is_none());
    assert!(offer(&place, second).is_some());
    let taken = take(&place, first, 2).await;
    assert!(matches!(taken, OfferOutcome::Wrong(_)), "{taken:?}");
    let nothing = wait(&place, 4, slot(15, 16)).await;
    let taken = take(&place, nothing, 4).await;
    assert!(matches!(taken, OfferOutcome::NothingOffered), "{taken:?}");
}
