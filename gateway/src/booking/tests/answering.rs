//! What is asked with a booking is asked with every way to book, once, and not of a retry.

use scheduler::id::{InstrumentId, MemberId};
use scheduler::policy::RuleBody;

use super::rules::with_rules;
use super::together::{parts, weekly};
use super::waitlist::{ask, exact, offer, taking};
use super::*;
use record::{AnswerKind, AnswerValue, Details, NoticeKind, Question, WaitState};

/// Asks a number of everybody who books an instrument.
pub(super) async fn ask_of(place: &Place, instrument: u32, name: &str) {
    let question = Question {
        name: name.to_owned(),
        label: "质量".to_owned(),
        label_en: String::new(),
        required: true,
        after_use: false,
        answer: AnswerKind::Number {
            least: 1,
            most: 9,
            unit: String::new(),
        },
    };
    let set = SetQuestions {
        scope: Scope::Instrument(InstrumentId::new(instrument)),
        questions: vec![question],
        expected_version: None,
    };
    place.desk.ask(set).await.unwrap();
}

fn said(answers: &[&str]) -> Details {
    let answer = |name: &&str| ((*name).to_owned(), AnswerValue::Number(3));
    Details {
        samples: Some(2),
        answers: answers.iter().map(answer).collect(),
        ..Details::default()
    }
}

fn fields(faults: &[answers::Fault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.field.as_str()).collect()
}

#[tokio::test]
async fn several_at_once_answer_what_each_asks() {
    let place = Place::new().await;
    ask_of(&place, 1, "mass").await;
    ask_of(&place, 2, "depth").await;
    let together = |details| BookTogether {
        project: Some("课题".to_owned()),
        details,
        ..parts(1, &[(1, slot(9, 10)), (2, slot(10, 11))])
    };
    let outcome = place.desk.ask(together(said(&["mass"]))).await.unwrap();
    let TogetherOutcome::Unanswered(faults) = outcome else {
        panic!("expected faults, got {outcome:?}")
    };
    assert_eq!(fields(&faults), ["answers.depth"]);
    assert_eq!(place.snapshot(1).occupancy.claims().count(), 0);
    // A trial tells what stands against the slots, not what is still to be said.
    let tried = place.desk.would(together(said(&[]))).unwrap();
    assert!(matches!(tried, TogetherOutcome::Booked(_)), "{tried:?}");
    let all = together(said(&["mass", "depth"]));
    let TogetherOutcome::Booked(made) = place.desk.ask(all).await.unwrap() else {
        panic!("expected bookings")
    };
    let kept: Vec<&Details> = made.iter().filter_map(|one| one.details()).collect();
    assert_eq!(kept, [&said(&["mass"]), &said(&["depth"])]);
    assert_eq!(made[1].project.as_deref(), Some("课题"));
    let series = |details| BookSeries {
        details,
        ..weekly(1, 2, slot(12, 13), 2, true)
    };
    let outcome = place.desk.ask(series(said(&["mass"]))).await.unwrap();
    let SeriesOutcome::Unanswered(faults) = outcome else {
        panic!("expected faults, got {outcome:?}")
    };
    assert_eq!(fields(&faults), ["answers.mass", "answers.depth"]);
    let made = place.desk.ask(series(said(&["depth"]))).await.unwrap();
    assert!(matches!(made, SeriesOutcome::Booked(..)), "{made:?}");
}

#[tokio::test]
async fn a_retry_is_answered_as_before_whatever_is_asked_by_now() {
    let place = Place::new().await;
    let key = || Some(("k".to_owned(), [7; 32]));
    let single = || Book {
        idempotency: key(),
        ..wish(1, 1, slot(9, 10))
    };
    let together = || BookTogether {
        idempotency: key(),
        ..parts(2, &[(1, slot(10, 11))])
    };
    let series = || BookSeries {
        idempotency: key(),
        ..weekly(3, 1, slot(12, 13), 2, false)
    };
    let made = booked(place.desk.ask(single()).await.unwrap());
    place.desk.ask(together()).await.unwrap();
    place.desk.ask(series()).await.unwrap();
    ask_of(&place, 1, "mass").await;
    let again = place.desk.ask(single()).await.unwrap();
    assert!(matches!(again, BookOutcome::Replayed(held) if held == made));
    let again = place.desk.ask(together()).await.unwrap();
    assert!(matches!(again, TogetherOutcome::Replayed(held) if held.len() == 1));
    let again = place.desk.ask(series()).await.unwrap();
    assert!(matches!(again, SeriesOutcome::Replayed(_, held) if held.len() == 2));
    let new = place.desk.ask(wish(1, 4, slot(20, 21))).await.unwrap();
    assert!(matches!(new, BookOutcome::Unanswered(faults) if faults.len() == 1));
}

/// Offers stand a quarter of an hour, and what is given up is offered at once.
async fn at_once() -> Place {
    with_rules([RuleBody::Waitlist {
        offer_minutes: 15,
        undo_minutes: 0,
    }])
    .await
}

#[tokio::test]
async fn an_offer_is_taken_with_what_is_asked() {
    let place = at_once().await;
    ask_of(&place, 1, "mass").await;
    let held = Book {
        details: said(&["mass"]),
        ..wish(1, 1, slot(9, 10))
    };
    let held = booked(place.desk.ask(held).await.unwrap());
    let strange = AskToWait {
        details: said(&["colour"]),
        ..exact(2, slot(9, 10))
    };
    let strange = place.desk.ask(strange).await.unwrap();
    assert!(matches!(strange, WaitOutcome::Unanswered(faults) if faults.len() == 1));
    let waiting = ask(&place, exact(2, slot(9, 10))).await;
    place.cancel(held.id).await;
    assert!(offer(&place, waiting).is_some());
    let member = MemberId::new(2);
    let take = async |details| {
        let take = TakeOffer {
            details,
            ..taking(waiting, member)
        };
        place.desk.ask(take).await.unwrap()
    };
    for (details, field) in [
        (None, "answers.mass"),
        (Some(said(&["colour"])), "answers.colour"),
    ] {
        let outcome = take(details).await;
        let OfferOutcome::Unanswered(faults) = outcome else {
            panic!("expected faults, got {outcome:?}")
        };
        assert_eq!(fields(&faults), [field]);
        assert!(offer(&place, waiting).is_some(), "it stands");
    }
    let OfferOutcome::Booked(booking) = take(Some(said(&["mass"]))).await else {
        panic!("expected a booking")
    };
    assert_eq!(booking.details(), Some(&said(&["mass"])));
}

#[tokio::test]
async fn who_is_booked_at_once_answers_first_or_is_asked_later() {
    let mut place = at_once().await;
    ask_of(&place, 1, "mass").await;
    let first = Book {
        details: said(&["mass"]),
        ..wish(1, 1, slot(9, 10))
    };
    let first = booked(place.desk.ask(first).await.unwrap());
    let auto = |member, answers: &[&str]| AskToWait {
        auto_book: true,
        project: Some("课题".to_owned()),
        details: said(answers),
        instruments: vec![InstrumentId::new(1), InstrumentId::new(2)],
        ..exact(member, slot(9, 10))
    };
    let silent = place.desk.ask(auto(2, &[])).await.unwrap();
    assert!(matches!(silent, WaitOutcome::Unanswered(faults) if faults.len() == 1));
    let waiting = ask(&place, auto(2, &["mass"])).await;
    place = place.restart().await;
    place.cancel(first.id).await;
    let ledger = place.desk.ledger();
    let served = ledger.waits.get(waiting.get()).unwrap();
    assert_eq!(served.state, WaitState::Served);
    let booking = place.desk.booking(served.booking.unwrap()).unwrap();
    assert_eq!(booking.details(), Some(&said(&["mass"])));
    assert_eq!(booking.project.as_deref(), Some("课题"));
    // What is asked since then was not answered: its member is asked instead.
    let later = ask(&place, auto(3, &["mass"])).await;
    ask_of(&place, 1, "depth").await;
    place.cancel(booking.id).await;
    assert!(offer(&place, later).is_some());
    let told = place.desk.ledger();
    let told = told.notices_of(MemberId::new(3)).map(|notice| notice.kind);
    assert_eq!(told.collect::<Vec<_>>(), [NoticeKind::Offered]);
}
