//! What commands do, alone and against each other.

use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::refusal::RuleId;
use scheduler::time::HOUR_US;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_want_each_slot_and_one_gets_it() {
    let place = Place::new().await;
    for hour in 1..=50 {
        let tries = (1..=16).map(|member| place.desk.ask(wish(1, member, slot(hour, hour + 1))));
        let outcomes = futures::future::join_all(tries).await;
        let won = outcomes
            .iter()
            .filter(|won| matches!(won, Ok(BookOutcome::Booked(_))))
            .count();
        assert_eq!(won, 1, "hour {hour}");
        for outcome in outcomes {
            if let Ok(BookOutcome::Refused(refused)) = outcome {
                assert_eq!(refused.conflicts.len(), 1);
                assert!(refused.refusals.is_empty());
                assert_eq!(refused.next_free.len(), 3);
            }
        }
    }
    let place = place.restart().await;
    let held = place.snapshot(1);
    assert_eq!(held.occupancy.claims().count(), 50, "the database agrees");
    assert_eq!(held.bookings.len(), 50);
}

#[tokio::test]
async fn a_retry_with_the_same_key_books_once() {
    let place = Place::new().await;
    let with_key = |slot, request| Book {
        idempotency: Some(("k1".to_owned(), [request; 32])),
        ..wish(1, 1, slot)
    };
    let first = booked(place.desk.ask(with_key(slot(9, 10), 1)).await.unwrap());
    let place = place.restart().await;
    let again = place.desk.ask(with_key(slot(9, 10), 1)).await.unwrap();
    assert!(matches!(again, BookOutcome::Replayed(booking) if booking.id == first.id));
    let other = place.desk.ask(with_key(slot(11, 12), 2)).await.unwrap();
    assert!(matches!(other, BookOutcome::KeyReused));
}

#[tokio::test]
async fn two_lanes_hold_two_and_not_three() {
    let place = Place::new().await;
    booked(place.desk.ask(wish(2, 1, slot(9, 11))).await.unwrap());
    booked(place.desk.ask(wish(2, 2, slot(10, 12))).await.unwrap());
    let third = refused(place.desk.ask(wish(2, 3, slot(10, 11))).await.unwrap());
    assert_eq!(third.conflicts.len(), 2);
    booked(place.desk.ask(wish(2, 3, slot(11, 12))).await.unwrap());
}

#[tokio::test]
async fn moving_and_cancelling_free_the_place_in_the_same_group() {
    let place = Place::new().await;
    let first = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let change = Change {
        expected_version: Some(1),
        slot: Some(slot(10, 12)),
        ..change_of(first.id)
    };
    let (moved, taken) = tokio::join!(
        place.desk.ask(change.clone()),
        place.desk.ask(wish(1, 2, slot(9, 10)))
    );
    assert!(matches!(moved.unwrap(), ChangeOutcome::Changed(booking) if booking.version == 2));
    booked(taken.unwrap());
    assert!(matches!(
        place.desk.ask(change).await.unwrap(),
        ChangeOutcome::Stale(_)
    ));
    let cancel = cancel_of(first.id);
    let cancelled = place.desk.ask(cancel.clone()).await.unwrap();
    assert!(matches!(cancelled, CancelOutcome::Cancelled(..)));
    assert!(matches!(
        place.desk.ask(cancel).await.unwrap(),
        CancelOutcome::WrongState(_)
    ));
    booked(place.desk.ask(wish(1, 3, slot(10, 12))).await.unwrap());
    let place = place.restart().await;
    let held = place.snapshot(1);
    assert_eq!(held.occupancy.claims().count(), 2);
    assert!(
        place
            .desk
            .booking(first.id)
            .unwrap()
            .cancelled_at
            .get()
            .is_some()
    );
}

#[tokio::test]
async fn an_outage_claims_what_is_free_and_what_becomes_free() {
    let place = Place::new().await;
    let mine = booked(place.desk.ask(wish(1, 1, slot(10, 12))).await.unwrap());
    let open = OpenOutage {
        kind: record::OutageKind::Planned,
        instrument: InstrumentId::new(1),
        slot: slot(8, 18),
        reason: "校准".to_owned(),
        member: MemberId::new(1),
        choices: Vec::new(),
    };
    let opened = place.desk.ask(open).await.unwrap();
    let OutageOutcome::Done(outage, at_risk) = opened else {
        panic!("{opened:?}")
    };
    assert_eq!(at_risk, [mine.id]);
    assert!(place.desk.booking(mine.id).unwrap().at_risk);
    refused(place.desk.ask(wish(1, 2, slot(13, 14))).await.unwrap());
    place.desk.ask(cancel_of(mine.id)).await.unwrap();
    refused(place.desk.ask(wish(1, 2, slot(10, 12))).await.unwrap());
    place.hand.advance(9 * HOUR_US);
    place
        .desk
        .ask(EndOutage { outage: outage.id })
        .await
        .unwrap();
    booked(place.desk.ask(wish(1, 2, slot(10, 12))).await.unwrap());
    let again = place
        .desk
        .ask(EndOutage { outage: outage.id })
        .await
        .unwrap();
    assert!(matches!(again, OutageOutcome::Over));
}

#[tokio::test]
async fn rules_are_judged_by_the_version_in_force() {
    let place = Place::new().await;
    let longest = scheduler::policy::Rule {
        body: scheduler::policy::RuleBody::Longest { minutes: 60 },
        mode: scheduler::policy::Mode::Binding,
        classes: scheduler::class::ClassSet::ALL,
    };
    let set = RuleSet {
        version: 0,
        rules: vec![longest],
    };
    let scope = Scope::Node(NodeId::new(2));
    let edit = RegistryEdit::SetRules(scope, set.clone(), Some(0));
    assert_eq!(
        place.desk.edit(edit).await.unwrap(),
        RegistryOutcome::Done(1)
    );
    let stale = RegistryEdit::SetRules(scope, set, Some(0));
    assert_eq!(
        place.desk.edit(stale).await.unwrap(),
        RegistryOutcome::Stale
    );
    let long = refused(place.desk.ask(wish(1, 1, slot(9, 11))).await.unwrap());
    assert_eq!(long.refusals[0].rule, RuleId::Longest);
    let short = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    assert_eq!(short.policy_version, 1);
}
