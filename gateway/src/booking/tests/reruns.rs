//! Runs after a rule was run again over the past: corrected with both values; bookings stay.

use scheduler::booking::Status;

use super::presence::{at, minutes, strict, told};
use super::record::{Corrected, RerunState, Run};
use super::rerunning::RerunFound;
use super::*;

/// Asks for a re-run of instrument 1 by member 9 and ends it with what a machine did.
async fn rerun(place: &Place, window: Slot, text: &str) -> std::sync::Arc<record::Rerun> {
    let ask = AskRerun {
        instrument: InstrumentId::new(1),
        window,
        rule: StateRule::standard(),
        by: MemberId::new(9),
        reason: "threshold too high".to_owned(),
    };
    let RerunOutcome::Asked(rerun) = place.desk.ask(ask.clone()).await.unwrap() else {
        panic!("it was not taken");
    };
    let busy = place.desk.ask(ask).await.unwrap();
    assert!(matches!(busy, RerunOutcome::Busy));
    let machine = told(text, None).seen.remove(0).machine;
    let ledger = place.desk.ledger();
    let runs: Vec<Run> = ledger.runs.iter().map(|run| Run::clone(run)).collect();
    let found = RerunFound {
        window,
        machine,
        runs: runs.into(),
    };
    let id = rerun.id;
    place
        .desk
        .ask(EndRerun {
            id,
            found: Some(found.clone()),
        })
        .await
        .unwrap();
    let events = place.desk.events_after(0).await.unwrap().len();
    // A second end of the same is none.
    place
        .desk
        .ask(EndRerun {
            id,
            found: Some(found),
        })
        .await
        .unwrap();
    assert_eq!(place.desk.events_after(0).await.unwrap().len(), events);
    std::sync::Arc::clone(place.desk.ledger().reruns.get(id).unwrap())
}

#[tokio::test]
async fn runs_are_corrected_with_both_values_and_no_outcome_changes() {
    let place = strict().await;
    let id = place.book(1, minutes(60, 120)).await;
    place.go(400);
    place
        .hear(told("still 0 30, ran 30 40, still 40 400", Some(400)))
        .await;
    assert_eq!(place.status(id), Status::NoShow);
    assert_eq!(place.runs(), "- unbooked 30-40 unsettled");
    let points = place.points();
    let done = rerun(
        &place,
        minutes(0, 300),
        "still 0 62, ran 62 110, still 110 300",
    )
    .await;
    assert_eq!((done.state, done.runs_changed), (RerunState::Done, 2));
    assert_eq!(place.status(id), Status::NoShow, "a person decides that");
    assert_eq!(place.points(), points);
    assert_eq!(
        place.runs(),
        "- unbooked 30-40 rejected, 1 booked 62-110 counted"
    );
    let ledger = place.desk.ledger();
    let runs: Vec<_> = ledger
        .runs_of(InstrumentId::new(1), at(0))
        .map(|run| run.id)
        .collect();
    let gone = place
        .desk
        .corrections(Corrected::Run, runs[0].get())
        .await
        .unwrap();
    assert_eq!(gone[0].before["state"], "unsettled");
    assert_eq!(gone[0].after["state"], "rejected");
    assert_eq!(gone[0].by, Some(MemberId::new(9)));
    assert_eq!(gone[0].reason, "threshold too high");
    let new = place
        .desk
        .corrections(Corrected::Run, runs[1].get())
        .await
        .unwrap();
    assert_eq!(new[0].before, serde_json::Value::Null);
    assert_eq!(new[0].after["end_us"], at(110).get());
    // The same again finds nothing to correct, and neither does what the witness hears next.
    let again = rerun(
        &place,
        minutes(0, 300),
        "still 0 62, ran 62 110, still 110 300",
    )
    .await;
    assert_eq!(again.runs_changed, 0);
    place
        .hear(told("still 0 30, ran 30 40, still 40 500", Some(400)))
        .await;
    assert_eq!(
        place.runs(),
        "- unbooked 30-40 rejected, 1 booked 62-110 counted"
    );
    let place = place.restart().await;
    assert_eq!(place.desk.ledger().reruns.iter().count(), 2);
    assert_eq!(
        place.runs(),
        "- unbooked 30-40 rejected, 1 booked 62-110 counted"
    );
}

#[tokio::test]
async fn what_a_person_settled_stays_and_lengths_are_corrected() {
    let place = strict().await;
    place.go(400);
    place
        .hear(told(
            "ran 30 40, still 40 200, ran 200 210, still 210 400",
            Some(400),
        ))
        .await;
    let run = place
        .desk
        .ledger()
        .runs_of(InstrumentId::new(1), at(0))
        .next()
        .cloned()
        .unwrap();
    let settle = CorrectRun {
        expected_version: None,
        change: RunChange::OfMember(MemberId::new(5)),
        end: None,
        note: String::new(),
        by: MemberId::new(9),
        run,
    };
    assert!(matches!(
        place.desk.ask(settle).await.unwrap(),
        RunOutcome::Done(_)
    ));
    let text = "still 0 20, ran 20 50, still 50 195, ran 195 220, still 220 300";
    let done = rerun(&place, minutes(0, 300), text).await;
    assert_eq!(done.runs_changed, 1);
    assert_eq!(
        place.runs(),
        "5 unbooked 30-40 settled, - unbooked 195-220 unsettled"
    );
}
