//! Several bookings at once, and series.

use chrono_tz::Tz;
use scheduler::booking::Status;
use scheduler::id::{InstrumentId, MemberId, SeriesId};
use scheduler::policy::RuleBody;
use scheduler::recurrence::{Bound, Recurrence};
use scheduler::refusal::RuleId;
use scheduler::time::{DAY_US, HOUR_US};

use super::rules::with_rules;
use super::*;

pub(super) fn parts(member: i64, parts: &[(u32, Slot)]) -> BookTogether {
    BookTogether {
        member: MemberId::new(member),
        parts: parts
            .iter()
            .map(|(id, slot)| (InstrumentId::new(*id), *slot))
            .collect(),
        purpose: "制样、测试".to_owned(),
        project: None,
        details: record::Details {
            samples: Some(3),
            ..record::Details::default()
        },
        idempotency: None,
    }
}

/// Returns everything that a group could have left behind.
fn traces(place: &Place) -> (usize, usize, usize, usize) {
    let ledger = place.desk.ledger();
    let claims = |id| place.snapshot(id).occupancy.claims().count();
    (
        claims(1),
        claims(2),
        ledger.series.len(),
        ledger.holds.len(),
    )
}

#[tokio::test]
async fn all_parts_are_booked_or_none() {
    let mut place = Place::new().await;
    let wished = parts(1, &[(1, slot(9, 10)), (2, slot(10, 12)), (1, slot(12, 13))]);
    let TogetherOutcome::Booked(first) = place.desk.ask(wished).await.unwrap() else {
        panic!("expected bookings")
    };
    assert_eq!(first.len(), 3);
    for part in &first {
        assert_eq!(part.bundle(), Some(first[0].id));
        assert_eq!(part.details().unwrap().samples, Some(3));
    }
    let before = traces(&place);
    // The second part is taken, the third wants what the first has just got.
    let wished = parts(
        2,
        &[
            (2, slot(9, 10)),
            (1, slot(9, 11)),
            (2, slot(20, 21)),
            (1, slot(13, 14)),
            (1, slot(13, 15)),
        ],
    );
    let TogetherOutcome::Refused(refused) = place.desk.ask(wished.clone()).await.unwrap() else {
        panic!("expected a refusal")
    };
    let places: Vec<usize> = refused.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [1, 4]);
    assert!(refused.iter().all(|(_, why)| why.conflicts.len() == 1));
    assert_eq!(traces(&place), before);
    let events = place.desk.events_after(0).await.unwrap();
    assert_eq!(
        events
            .iter()
            .filter(|event| event.kind == record::EventKind::Booked)
            .count(),
        3
    );
    // A trial answers the same and changes nothing.
    let TogetherOutcome::Refused(tried) = place.desk.would(wished).unwrap() else {
        panic!("expected a refusal")
    };
    let slots = |refused: &[(usize, Refused)]| -> Vec<(usize, Slot)> {
        let slot = |(place, why): &(usize, Refused)| (*place, why.conflicts[0].slot);
        refused.iter().map(slot).collect()
    };
    assert_eq!(slots(&tried), slots(&refused));
    let free = parts(2, &[(2, slot(9, 10)), (1, slot(13, 14))]);
    let outcome = place.desk.would(free.clone()).unwrap();
    assert!(matches!(outcome, TogetherOutcome::Booked(_)), "{outcome:?}");
    assert_eq!(traces(&place), before);
    place = place.restart().await;
    assert_eq!(traces(&place), before);
    let outcome = place.desk.ask(free).await.unwrap();
    assert!(matches!(outcome, TogetherOutcome::Booked(_)), "{outcome:?}");
}

#[tokio::test]
async fn what_fails_half_way_leaves_the_rest_of_its_group_alone() {
    let place = Place::new().await;
    // One group: the bundle fails between two that succeed, over the same instruments.
    let (before, bundle, after, series) = tokio::join!(
        place.desk.ask(wish(1, 1, slot(9, 10))),
        place.desk.ask(parts(
            2,
            &[(2, slot(9, 10)), (1, slot(10, 11)), (1, slot(9, 10))]
        )),
        place.desk.ask(wish(1, 3, slot(10, 11))),
        place.desk.ask(weekly(4, 1, slot(9, 11), 3, false)),
    );
    booked(before.unwrap());
    assert!(matches!(bundle.unwrap(), TogetherOutcome::Refused(_)));
    booked(after.unwrap());
    assert!(matches!(series.unwrap(), SeriesOutcome::Refused(_)));
    let shown = place.snapshot(1).occupancy.clone();
    assert_eq!(traces(&place), (2, 0, 0, 0));
    let place = place.restart().await;
    assert_eq!(place.snapshot(1).occupancy, shown);
}

#[tokio::test]
async fn a_retry_gets_the_same_bookings() {
    let mut place = Place::new().await;
    let with_key = |request, hours| BookTogether {
        idempotency: Some(("k".to_owned(), [request; 32])),
        ..parts(
            1,
            &[(1, slot(hours, hours + 1)), (2, slot(hours, hours + 1))],
        )
    };
    let TogetherOutcome::Booked(first) = place.desk.ask(with_key(1, 9)).await.unwrap() else {
        panic!("expected bookings")
    };
    place = place.restart().await;
    let TogetherOutcome::Replayed(again) = place.desk.ask(with_key(1, 9)).await.unwrap() else {
        panic!("expected the same bookings")
    };
    assert_eq!(again, first);
    let other = place.desk.ask(with_key(2, 11)).await.unwrap();
    assert!(matches!(other, TogetherOutcome::KeyReused), "{other:?}");
    let series = |request| BookSeries {
        idempotency: Some(("s".to_owned(), [request; 32])),
        ..weekly(1, 1, slot(20, 21), 3, false)
    };
    let SeriesOutcome::Booked(made, _) = place.desk.ask(series(1)).await.unwrap() else {
        panic!("expected a series")
    };
    let SeriesOutcome::Replayed(found, bookings) = place.desk.ask(series(1)).await.unwrap() else {
        panic!("expected the same series")
    };
    assert_eq!((found, bookings.len()), (made, 3));
    let other = place.desk.ask(series(2)).await.unwrap();
    assert!(matches!(other, SeriesOutcome::KeyReused), "{other:?}");
}

#[tokio::test]
async fn there_is_no_bundle_with_what_is_not_there() {
    let place = Place::new().await;
    let wished = parts(1, &[(1, slot(9, 10)), (99, slot(9, 10))]);
    let outcome = place.desk.ask(wished).await.unwrap();
    assert!(matches!(outcome, TogetherOutcome::NotFound), "{outcome:?}");
    assert_eq!(traces(&place), (0, 0, 0, 0));
}

pub(super) fn weekly(
    member: i64,
    instrument: u32,
    first: Slot,
    count: usize,
    skips: bool,
) -> BookSeries {
    let rule = format!("FREQ=WEEKLY;COUNT={count}");
    let zone = Tz::Asia__Shanghai;
    let recurrence = Recurrence::parse(&rule).unwrap();
    let slots = recurrence.occurrences(first, zone, Bound::MAX).slots;
    BookSeries {
        member: MemberId::new(member),
        instrument: InstrumentId::new(instrument),
        first,
        rule,
        slots,
        purpose: "每周".to_owned(),
        project: None,
        details: record::Details::default(),
        skips,
        idempotency: None,
    }
}

fn weeks_on(held: Slot, weeks: i64) -> Slot {
    let later = |at: Micros| Micros::new(at.get() + weeks * 7 * DAY_US);
    Slot::new(later(held.start()), later(held.end())).unwrap()
}

#[tokio::test]
async fn a_series_with_a_conflict_is_refused_or_leaves_it_out() {
    let mut place = Place::new().await;
    let first = slot(9, 10);
    booked(
        place
            .desk
            .ask(wish(1, 2, weeks_on(first, 2)))
            .await
            .unwrap(),
    );
    let strict = place.desk.ask(weekly(1, 1, first, 4, false)).await.unwrap();
    let SeriesOutcome::Refused(occurrences) = strict else {
        panic!("expected a refusal, got {strict:?}")
    };
    let fits: Vec<bool> = occurrences.iter().map(|one| one.outcome.is_ok()).collect();
    assert_eq!(fits, [true, true, false, true]);
    assert_eq!(traces(&place), (1, 0, 0, 0));
    let tried = place.desk.would(weekly(1, 1, first, 4, true)).unwrap();
    assert!(matches!(tried, SeriesOutcome::Booked(..)), "{tried:?}");
    assert_eq!(traces(&place), (1, 0, 0, 0));
    let outcome = place.desk.ask(weekly(1, 1, first, 4, true)).await.unwrap();
    let SeriesOutcome::Booked(series, occurrences) = outcome else {
        panic!("expected a series")
    };
    assert_eq!(
        occurrences.iter().filter(|one| one.outcome.is_ok()).count(),
        3
    );
    place = place.restart().await;
    assert_eq!(traces(&place), (4, 0, 1, 0));
    let bookings = place.desk.shelf().bookings_of(MemberId::new(1));
    assert!(bookings.iter().all(|held| held.series() == Some(series.id)));
    // All of it refused is no series, even when refused ones are left out.
    let none = place.desk.ask(weekly(3, 1, first, 4, true)).await.unwrap();
    assert!(matches!(none, SeriesOutcome::Refused(_)), "{none:?}");
    assert_eq!(traces(&place), (4, 0, 1, 0));
}

#[tokio::test]
async fn earlier_occurrences_count_for_later_ones() {
    let place = with_rules([RuleBody::FutureCount { count: 2 }]).await;
    let outcome = place
        .desk
        .ask(weekly(1, 1, slot(9, 10), 4, true))
        .await
        .unwrap();
    let SeriesOutcome::Booked(_, occurrences) = outcome else {
        panic!("expected a series")
    };
    let refused: Vec<_> = occurrences
        .iter()
        .filter_map(|one| one.outcome.as_ref().err())
        .map(|why| why.refusals[0].rule)
        .collect();
    assert_eq!(refused, [RuleId::FutureCount, RuleId::FutureCount]);
}

#[tokio::test]
async fn a_series_keeps_its_civil_time_across_a_change_of_clocks() {
    let place = Place::new().await;
    // Berlin puts its clocks back on 2026-10-25; the desk's own time is not asked.
    let first = Slot::new(
        Micros::new(MIDNIGHT - 40 * DAY_US),
        Micros::new(MIDNIGHT - 40 * DAY_US + HOUR_US),
    )
    .unwrap();
    let rule = Recurrence::parse("FREQ=WEEKLY;COUNT=12").unwrap();
    let mut slots = rule
        .occurrences(first, Tz::Europe__Berlin, Bound::MAX)
        .slots;
    slots.retain(|slot| slot.start().get() >= MIDNIGHT);
    let gap = slots[0].start() - first.start();
    assert_eq!(gap % (7 * DAY_US), HOUR_US, "an hour later in UTC");
    let series = BookSeries {
        slots: slots.clone(),
        ..weekly(1, 1, first, 1, false)
    };
    let SeriesOutcome::Booked(_, occurrences) = place.desk.ask(series).await.unwrap() else {
        panic!("expected a series")
    };
    let made: Vec<Slot> = occurrences
        .iter()
        .map(|one| one.outcome.as_ref().unwrap().slot)
        .collect();
    assert_eq!(made, slots);
}

#[tokio::test]
async fn the_rest_of_a_series_is_given_up() {
    let mut place = Place::new().await;
    let first = slot(9, 10);
    let outcome = place.desk.ask(weekly(1, 1, first, 4, false)).await.unwrap();
    let SeriesOutcome::Booked(series, _) = outcome else {
        panic!("expected a series")
    };
    // One that was moved is still of the series.
    let second = place.desk.shelf().bookings_of(MemberId::new(1))[1].clone();
    let change = Change {
        slot: Some(weeks_on(slot(11, 12), 2)),
        ..change_of(second.id)
    };
    place.desk.ask(change).await.unwrap();
    let end = EndSeries {
        series: series.id,
        by: MemberId::new(1),
        from: weeks_on(first, 2).start(),
    };
    let EndSeriesOutcome::Ended {
        series: ended,
        cancelled,
        kept,
    } = place.desk.ask(end).await.unwrap()
    else {
        panic!("expected an end")
    };
    assert_eq!((cancelled.len(), kept.len()), (3, 0));
    assert_eq!(ended.ended_at, Some(place.clock.now()));
    place = place.restart().await;
    let open = place.desk.shelf().bookings_of(MemberId::new(1));
    let open: Vec<Slot> = open
        .iter()
        .filter(|held| held.status == Status::Confirmed)
        .map(|held| held.slot)
        .collect();
    assert_eq!(open, [first]);
    let nothing = EndSeries {
        series: SeriesId::new(77),
        ..end
    };
    let outcome = place.desk.ask(nothing).await.unwrap();
    assert!(matches!(outcome, EndSeriesOutcome::NotFound), "{outcome:?}");
}
