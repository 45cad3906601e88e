//! Runs at the desk: the same however they are heard, and what a person may change of them.

use std::sync::Arc;

use super::presence::{at, minutes, strict, told};
use super::record::{NoticeKind, RunState};
use super::*;
use scheduler::time::DAY_US;

#[tokio::test]
async fn runs_are_the_same_however_often_and_in_whatever_parts_they_are_heard() {
    let text = "still 0 30, ran 30 40, still 40 58, ran 58 100, still 100 106, ran 106 130, \
                still 130 400";
    let whole = strict().await;
    whole.book(1, minutes(60, 120)).await;
    whole.go(400);
    whole.hear(told(text, Some(400))).await;
    let expected = "- unbooked 30-40 unsettled, 1 booked 58-120 counted, 1 overrun 120-130 counted";
    assert_eq!(whole.runs(), expected);
    let before = whole.desk.events_after(0).await.unwrap().len();
    whole.hear(told(text, Some(400))).await;
    assert_eq!(whole.desk.events_after(0).await.unwrap().len(), before);

    let parts = strict().await;
    parts.book(1, minutes(60, 120)).await;
    let mut ids = Vec::new();
    for minute in (5..=400).step_by(5) {
        parts.go(minute);
        // The end is clipped as the witness would have read it.
        let heard: Vec<String> = text
            .split(',')
            .filter_map(|part| {
                let words: Vec<&str> = part.split_whitespace().collect();
                let (from, to): (i64, i64) = (words[1].parse().unwrap(), words[2].parse().unwrap());
                (from < minute).then(|| format!("{} {from} {}", words[0], to.min(minute)))
            })
            .collect();
        parts.hear(told(&heard.join(", "), Some(minute))).await;
        let ledger = parts.desk.ledger();
        ids.extend(ledger.runs.iter().map(|run| run.id));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(parts.runs(), expected);
    assert_eq!(ids.len(), 3, "a run keeps its identity while it grows");
    let strange = (MemberId::new(1), NoticeKind::UnbookedRun);
    assert!(
        !parts.notices().contains(&(strange.0.get(), strange.1)),
        "that is the lab's"
    );
}

#[tokio::test]
async fn a_person_settles_a_run_and_both_values_are_kept() {
    let place = strict().await;
    place.go(100);
    place.hear(told("ran 30 40, still 40 100", Some(100))).await;
    assert_eq!(place.runs(), "- unbooked 30-40 unsettled");
    let run = Arc::clone(place.desk.ledger().runs.iter().next().unwrap());
    let correct = CorrectRun {
        run: Arc::clone(&run),
        expected_version: Some(run.version),
        change: RunChange::OfMember(MemberId::new(5)),
        end: Some(at(38)),
        note: "seen".to_owned(),
        by: MemberId::new(9),
    };
    let done = place.desk.ask(correct.clone()).await.unwrap();
    assert!(matches!(done, RunOutcome::Done(run) if run.state == RunState::Settled));
    let stale = place.desk.ask(correct).await.unwrap();
    assert!(matches!(stale, RunOutcome::Stale));
    place.hear(told("ran 30 40, still 40 100", Some(100))).await;
    assert_eq!(place.runs(), "5 unbooked 30-38 settled");
    let kept = place
        .desk
        .corrections(record::Corrected::Run, run.id.get())
        .await
        .unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].before["member"], serde_json::Value::Null);
    assert_eq!(kept[0].after["member"], 5);
}

/// Use that somebody says was.
pub(super) fn declared(member: i64, slot: Slot) -> Declare {
    Declare {
        instrument: InstrumentId::new(1),
        member: MemberId::new(member),
        slot,
        project: None,
        note: String::new(),
    }
}

#[tokio::test]
async fn of_two_who_declare_the_same_use_one_gets_it_settled() {
    let place = Place::new().await;
    place.hand.advance(2 * DAY_US);
    // One group: both are judged before either is written.
    let (first, again, second, beside) = tokio::join!(
        place.desk.ask(declared(1, slot(9, 11))),
        place.desk.ask(declared(1, slot(10, 12))),
        place.desk.ask(declared(2, slot(9, 11))),
        place.desk.ask(declared(3, slot(11, 12))),
    );
    let (DeclareOutcome::Declared(run), DeclareOutcome::Declared(other)) =
        (first.unwrap(), second.unwrap())
    else {
        panic!("the word of one does not keep out that of another")
    };
    assert!(matches!(again.unwrap(), DeclareOutcome::Known), "one's own");
    assert!(matches!(beside.unwrap(), DeclareOutcome::Declared(_)));
    let decide = |change, run| CorrectRun {
        run,
        expected_version: None,
        change,
        end: None,
        note: "seen".to_owned(),
        by: MemberId::new(9),
    };
    // What was rejected stands in nobody's way; what counts does, also when memory has let it go.
    let rejected = decide(RunChange::Reject, Arc::clone(&run));
    place.desk.ask(rejected).await.unwrap();
    let again = place.desk.ask(declared(4, slot(9, 11))).await.unwrap();
    let DeclareOutcome::Declared(again) = again else {
        panic!("expected a run, got {again:?}")
    };
    let accept = |run| place.desk.ask(decide(RunChange::Accept, run));
    let accepted = accept(again).await.unwrap();
    assert!(matches!(accepted, RunOutcome::Done(_)), "{accepted:?}");
    let twice = accept(Arc::clone(&other)).await.unwrap();
    assert!(matches!(twice, RunOutcome::Known), "{twice:?}");
    place.hand.advance(20 * DAY_US);
    let place = place.restart().await;
    let held = place.desk.ledger();
    assert!(held.runs.iter().all(|run| run.state != RunState::Settled));
    let late = place.desk.ask(declared(5, slot(9, 10))).await.unwrap();
    assert!(matches!(late, DeclareOutcome::Known), "{late:?}");
    let accept = decide(RunChange::Accept, other);
    let late = place.desk.ask(accept).await.unwrap();
    assert!(matches!(late, RunOutcome::Known), "{late:?}");
}
