//! Claims that change lanes to make room, in memory and in the database.

use super::*;

#[tokio::test]
async fn claims_change_lanes_when_no_single_one_is_free() {
    let place = Place::new().await;
    // Lane 0 has 9-11, lane 1 has 9-10 and 10-11; then 11-13 goes to lane 0, 11-14 to lane 1.
    for (member, from_h, to_h) in [(1, 9, 11), (2, 9, 10), (3, 10, 11)] {
        let outcome = place.desk.ask(wish(2, member, slot(from_h, to_h))).await;
        booked(outcome.unwrap());
    }
    let cancelled = booked(place.desk.ask(wish(2, 4, slot(11, 13))).await.unwrap());
    let kept = booked(place.desk.ask(wish(2, 5, slot(11, 14))).await.unwrap());
    let cancel = cancel_of(cancelled.id);
    let outcome = place.desk.ask(cancel).await.unwrap();
    assert!(matches!(outcome, CancelOutcome::Cancelled(..)));
    // With 11-13 gone, 10-11 may become 10-13: one runs beside it at any time, but on lane 0 until
    // 11 and on lane 1 from then on. So 11-14 makes way.
    let third = place.desk.snapshot(InstrumentId::new(2)).unwrap();
    let third = third.bookings.values().find(|b| b.slot == slot(10, 11));
    let change = Change {
        slot: Some(slot(10, 13)),
        ..change_of(third.unwrap().id)
    };
    let moved = place.desk.ask(change).await.unwrap();
    assert!(matches!(moved, ChangeOutcome::Changed(_)), "{moved:?}");
    let before = place.desk.snapshot(InstrumentId::new(2)).unwrap();
    let lane_of = |snapshot: &InstrumentSnapshot, slot| {
        let mut claims = snapshot.occupancy.claims();
        claims.find(|claim| claim.slot == slot).unwrap().lane
    };
    assert_ne!(
        lane_of(&before, slot(10, 13)),
        lane_of(&before, kept.slot),
        "they run at once"
    );
    let place = place.restart().await;
    let after = place.desk.snapshot(InstrumentId::new(2)).unwrap();
    assert_eq!(
        before.occupancy, after.occupancy,
        "the database has the same"
    );
    let full = refused(place.desk.ask(wish(2, 6, slot(12, 15))).await.unwrap());
    assert_eq!(full.conflicts.len(), 2);
}
