//! Somebody writes past the desk, the disk is full, answers are lost.

use super::*;
use crate::store::Kind;

#[tokio::test]
async fn a_claim_forced_past_the_desk_is_seen_and_not_overlapped() {
    let place = Place::new().await;
    let outsider = place.outsider().await;
    let mine = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let force = |id: i64, slot: Slot| {
        sqlx::query(
            "INSERT INTO claims (id, instrument, lane, start_us, end_us, booking) \
             VALUES ($1, 1, 0, $2, $3, $4)",
        )
        .bind(id)
        .bind(slot.start().get())
        .bind(slot.end().get())
        .bind(mine.id.get())
        .execute(&outsider)
    };
    let error = force(900, slot(9, 11)).await.unwrap_err().to_string();
    let guards = ["claims overlap", "claims_never_overlap"];
    assert!(guards.iter().any(|guard| error.contains(guard)), "{error}");
    force(901, slot(12, 14)).await.unwrap();
    let late = refused(place.desk.ask(wish(1, 2, slot(13, 15))).await.unwrap());
    assert_eq!(
        late.conflicts[0].slot,
        slot(12, 14),
        "answered from fresh facts"
    );
    booked(place.desk.ask(wish(1, 2, slot(14, 15))).await.unwrap());
    sqlx::query("UPDATE claims SET end_us = end_us + 7200000000 WHERE id = 901")
        .execute(&outsider)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn sixteen_race_past_the_desk_and_the_database_lets_one_in() {
    let place = Place::new().await;
    let mine = booked(place.desk.ask(wish(1, 1, slot(1, 2))).await.unwrap());
    let outsider = place.outsider().await;
    for hour in 2..12 {
        let force = |id: i64| {
            let wanted = slot(hour, hour + 1);
            sqlx::query(
                "INSERT INTO claims (id, instrument, lane, start_us, end_us, booking) \
                 VALUES ($1, 1, 0, $2, $3, $4)",
            )
            .bind(1000 * hour + id)
            .bind(wanted.start().get())
            .bind(wanted.end().get())
            .bind(mine.id.get())
            .execute(&outsider)
        };
        let outcomes = futures::future::join_all((0..16).map(force)).await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "hour {hour}");
    }
}

#[tokio::test]
async fn identities_taken_past_the_desk_are_left_to_their_taker() {
    let place = Place::new().await;
    let outsider = place.outsider().await;
    booked(place.desk.ask(wish(1, 1, slot(1, 2))).await.unwrap());
    let take = |query: &'static str| sqlx::query(query).execute(&outsider);
    take(
        "INSERT INTO bookings (id, instrument, member, lab, start_us, end_us, status, at_risk, \
          purpose, project, created_us, cancelled_us, policy_version, version) \
          SELECT id + 1, instrument, member, lab, start_us, end_us, \
          'cancelled', at_risk, purpose, project, created_us, cancelled_us, policy_version, \
          version FROM bookings",
    )
    .await
    .unwrap();
    take(
        "INSERT INTO event_log SELECT id + 1, at_us, kind, instrument, subject FROM event_log \
          WHERE id = (SELECT MAX(id) FROM event_log)",
    )
    .await
    .unwrap();
    let second = booked(place.desk.ask(wish(1, 1, slot(2, 3))).await.unwrap());
    assert_eq!(second.id.get(), 3);
    take("INSERT INTO event_log SELECT MAX(id) + 1, 0, 'registry', NULL, NULL FROM event_log")
        .await
        .unwrap();
    let added = RegistryEdit::AddInstrument(Box::new(instrument(0, 1)));
    let added = place.desk.edit(added).await.unwrap();
    assert_eq!(added, RegistryOutcome::Done(3));
}

#[tokio::test]
async fn a_full_database_refuses_and_recovers() {
    let place = Place::new().await;
    let database = place.desk.database().clone();
    if database.kind() == Kind::Postgres {
        return;
    }
    // As many pages as there are now: no statement that needs another one can succeed.
    database.limit_pages(true).await;
    let mut refused_at = None;
    for hour in 1..400 {
        if let Err(error) = place.desk.ask(wish(1, 1, slot(hour, hour + 1))).await {
            assert!(error.to_string().contains("full"), "{error}");
            refused_at = Some(hour);
            break;
        }
    }
    let hour = refused_at.expect("a database that cannot grow refuses at last");
    database.limit_pages(false).await;
    drop(database);
    place.desk.ready().await.unwrap();
    let again = place.desk.ask(wish(1, 1, slot(hour, hour + 1)));
    booked(again.await.unwrap());
    let place = place.restart().await;
    let claims = place.snapshot(1).occupancy.claims().count();
    assert_eq!(claims, usize::try_from(hour).unwrap());
}

#[tokio::test]
async fn what_the_database_cannot_hold_concerns_nobody_else() {
    let place = Place::new().await;
    let mut purpose = "a\u{0}b";
    if place.desk.database().kind() == Kind::Sqlite {
        purpose = "impossible";
        let outsider = place.outsider().await;
        for statement in [
            "CREATE TABLE void (x INTEGER CHECK (x < 0))",
            "CREATE TRIGGER refuse BEFORE INSERT ON bookings WHEN NEW.purpose = 'impossible' \
             BEGIN INSERT INTO void VALUES (1); END",
        ] {
            sqlx::query(statement).execute(&outsider).await.unwrap();
        }
    }
    let wishes = (1..=3).map(|member: u32| {
        let hour = i64::from(member);
        let mut book = wish(1, member.into(), slot(hour, hour + 1));
        if member == 2 {
            book.purpose = purpose.to_owned();
        }
        place.desk.ask(book)
    });
    let outcomes = futures::future::join_all(wishes).await;
    let [first, second, third] = <[_; 3]>::try_from(outcomes).unwrap();
    booked(first.unwrap());
    booked(third.unwrap());
    assert!(matches!(second, Err(DeskError::Data(_))), "{second:?}");
    place.desk.ready().await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_answered_as_committed() {
    let place = Place::new().await;
    let mut events = place.desk.events();
    place.desk.database().lose_next_answer();
    let first = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    assert_eq!(events.try_recv().unwrap().subject, Some(first.id.get()));
    assert!(events.try_recv().is_err(), "told once");
    place.desk.database().lose_next_answer();
    let added = RegistryEdit::AddInstrument(Box::new(instrument(0, 1)));
    let added = place.desk.edit(added).await.unwrap();
    assert_eq!(added, RegistryOutcome::Done(3));
    let place = place.restart().await;
    assert_eq!(place.snapshot(1).bookings.len(), 1);
    assert_eq!(place.desk.directory().instruments.len(), 3);
}

#[tokio::test]
async fn a_commit_that_fails_is_judged_once_more() {
    let place = Place::new().await;
    place.desk.database().lose_next_commit();
    let wishes = (1..=3).map(|member| place.desk.ask(wish(1, member, slot(9, 10))));
    let outcomes = futures::future::join_all(wishes).await;
    let won =
        |outcome: &Result<BookOutcome, DeskError>| matches!(outcome, Ok(BookOutcome::Booked(_)));
    assert_eq!(outcomes.iter().filter(|outcome| won(outcome)).count(), 1);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let place = place.restart().await;
    assert_eq!(place.snapshot(1).bookings.len(), 1);
}

#[tokio::test]
async fn a_caller_that_went_away_finds_its_booking_by_its_key() {
    let place = Place::new().await;
    let with_key = || Book {
        idempotency: Some(("k".to_owned(), [1; 32])),
        ..wish(1, 1, slot(9, 10))
    };
    {
        let mut gone = std::pin::pin!(place.desk.ask(with_key()));
        assert!(futures::poll!(&mut gone).is_pending(), "it is sent");
    }
    let again = place.desk.ask(with_key()).await.unwrap();
    assert!(matches!(again, BookOutcome::Replayed(_)), "{again:?}");
    assert_eq!(place.snapshot(1).bookings.len(), 1);
}
