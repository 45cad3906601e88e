//! Offers and the rules: as long as one stands, it can be taken.

use scheduler::id::InstrumentId;
use scheduler::policy::RuleBody;
use scheduler::time::{HOUR_US, MINUTE_US};

use super::rules::with_rules;
use super::waitlist::{ask, exact, look, offer, take, wait};
use super::*;

#[tokio::test]
async fn an_offer_stands_no_longer_than_it_can_be_booked() {
    let place = with_rules([
        RuleBody::Waitlist {
            offer_minutes: 120,
            undo_minutes: 0,
        },
        RuleBody::NoticeToBook { minutes: 60 },
    ])
    .await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let waiting = wait(&place, 2, slot(9, 10)).await;
    place.pass_minutes(7 * 60 + 50);
    place.cancel(held.id).await;
    let offered = offer(&place, waiting).unwrap();
    assert_eq!(offered.expires_at.get(), MIDNIGHT + 8 * HOUR_US);
    place.pass_minutes(9);
    let OfferOutcome::Booked(_) = take(&place, waiting, 2).await else {
        panic!("it can be taken as long as it stands")
    };
}

#[tokio::test]
async fn rules_that_refuse_by_now_leave_the_offer_standing() {
    let place = with_rules([
        RuleBody::Waitlist {
            offer_minutes: 15,
            undo_minutes: 0,
        },
        RuleBody::FutureCount { count: 1 },
    ])
    .await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let waiting = wait(&place, 2, slot(9, 10)).await;
    let passed_over = wait(&place, 3, slot(9, 10)).await;
    booked(place.desk.ask(wish(1, 3, slot(20, 21))).await.unwrap());
    place.cancel(held.id).await;
    let other = booked(place.desk.ask(wish(1, 2, slot(18, 19))).await.unwrap());
    let before = place.snapshot(1).occupancy.clone();
    let OfferOutcome::Refused(why) = take(&place, waiting, 2).await else {
        panic!("a second one ahead")
    };
    assert_eq!(why.refusals.len(), 1);
    assert_eq!(place.snapshot(1).occupancy, before, "nothing has changed");
    assert!(offer(&place, passed_over).is_none());
    place.cancel(other.id).await;
    let taken = take(&place, waiting, 2).await;
    assert!(matches!(taken, OfferOutcome::Booked(_)), "{taken:?}");
}

#[tokio::test]
async fn two_lanes_make_two_offers_and_not_three() {
    let place = Place::new().await;
    let mut held = Vec::new();
    for member in [1, 2] {
        held.push(booked(
            place.desk.ask(wish(2, member, slot(9, 10))).await.unwrap(),
        ));
    }
    let mut waiting = Vec::new();
    for member in [3, 4, 5] {
        let wish = AskToWait {
            instruments: vec![InstrumentId::new(2)],
            ..exact(member, slot(9, 10))
        };
        waiting.push(ask(&place, wish).await);
    }
    for held in held {
        place.cancel(held.id).await;
    }
    place.pass_minutes(5);
    look(&place).await;
    let offers = waiting
        .iter()
        .filter(|wait| offer(&place, **wait).is_some());
    assert_eq!(offers.count(), 2);
    let lanes = place.snapshot(2).occupancy.full(slot(9, 10));
    assert_eq!(lanes, [slot(9, 10)], "both are claimed");
    assert_eq!(MINUTE_US * 5, place.clock.now().get() - MIDNIGHT);
}
