//! One of each kind of record goes to the database and comes back the same.

use std::collections::BTreeMap;
use std::fmt::Debug;

use scheduler::id::{HoldId, OfferId, ProjectId, RunId, WaitId};
use scheduler::time::{DAY_US, Span};
use scheduler::waitlist::OfferState;

use super::*;
use crate::booking::record::{
    AnswerKind, AnswerValue, Appeal, AppealState, Attachment, Cause, Corrected, Correction,
    Details, Evidence, Hearing, Hold, Notice, NoticeKind, Offer, Override, Passed, Penalty,
    PenaltyReason, Problem, Project, Qualification, Question, QuestionSet, Run, RunKind, RunState,
    Series, ServiceKind, Wait, WaitState,
};

const NOW: Micros = Micros::new(400 * DAY_US);

fn at(us: i64) -> Micros {
    Micros::new(NOW.get() + us)
}

fn soon() -> Slot {
    Slot::new(at(10), at(20)).unwrap()
}

const INSTRUMENT: InstrumentId = InstrumentId::new(1);
const MEMBER: MemberId = MemberId::new(1);
const BOOKING: BookingId = BookingId::new(1);

/// Puts a record, commits it, and compares what is loaded; then takes it away.
async fn check<R: Record + Debug + PartialEq>(database: &Database, record: R) {
    let record = Arc::new(record);
    let mut records = Records::<R>::default();
    records.put(Arc::clone(&record));
    let mut tx = database.begin().await.unwrap();
    records.write(&mut tx).await.unwrap();
    // A second time, as a change.
    records.write(&mut tx).await.unwrap();
    let mut read = Records::<R>::load(&mut tx, NOW).await.unwrap();
    assert_eq!(read.next_id(), record.id() + 1);
    if matches!(R::HELD, Held::Nothing) {
        assert!(read.is_empty());
        records.settle();
        assert!(records.is_empty(), "not kept in memory once written");
    } else {
        assert_eq!(read.get(record.id()), Some(&record));
        read.remove(record.id()).unwrap();
        read.write(&mut tx).await.unwrap();
        assert!(Records::<R>::load(&mut tx, NOW).await.unwrap().is_empty());
        records.settle();
        records.write(&mut tx).await.unwrap();
        assert!(Records::<R>::load(&mut tx, NOW).await.unwrap().is_empty());
    }
    // What other records refer to stays.
    records.put(record);
    records.write(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn claims_for_a_while_come_back() {
    let (_folder, database) = filled().await;
    let hold = Hold {
        id: HoldId::new(1),
        undoes_to: None,
        instrument: INSTRUMENT,
        member: MEMBER,
        slot: soon(),
        undoes: Some(BOOKING),
        created_at: NOW,
        expires_at: at(5),
    };
    check(&database, hold).await;
    let wait = Wait {
        id: WaitId::new(3),
        member: MEMBER,
        instruments: vec![INSTRUMENT],
        within: soon(),
        length: Span::minutes(30),
        auto_book: true,
        purpose: "候补".to_owned(),
        project: Some("课题".to_owned()),
        details: Details {
            samples: Some(2),
            ..Details::default()
        },
        state: WaitState::Waiting,
        booking: None,
        passed: vec![Passed {
            instrument: 1,
            start_us: 1,
            end_us: 2,
        }],
        created_at: NOW,
    };
    check(&database, wait).await;
    let offer = Offer {
        id: OfferId::new(2),
        wait: WaitId::new(3),
        member: MEMBER,
        instrument: INSTRUMENT,
        slot: soon(),
        created_at: NOW,
        expires_at: at(9),
        state: OfferState::Open,
    };
    check(&database, offer).await;
    let series = Series {
        id: SeriesId::new(1),
        member: MEMBER,
        instrument: INSTRUMENT,
        first: soon(),
        rule: "FREQ=WEEKLY;COUNT=3".to_owned(),
        purpose: "每周".to_owned(),
        created_at: NOW,
        ended_at: Some(at(1)),
    };
    check(&database, series).await;
}

#[tokio::test]
async fn what_rules_look_at_comes_back() {
    let (_folder, database) = filled().await;
    let project = Project {
        id: ProjectId::new(1),
        code: "NSFC-1".to_owned(),
        names: Names {
            zh: "课题".to_owned(),
            en: "Project".to_owned(),
        },
        institution: NodeId::new(2),
        payer: "大学".to_owned(),
        funds: "中央财政".to_owned(),
        budget_minutes: Some(600),
        from: None,
        until: Some(at(1)),
        members: vec![MEMBER],
        closed: true,
        version: 2,
    };
    check(&database, project).await;
    let qualification = Qualification {
        id: 1,
        member: MEMBER,
        name: "xrd".to_owned(),
        lab: NodeId::new(2),
        granted_by: MEMBER,
        granted_at: NOW,
        expires_at: Some(at(1)),
        last_use_at: None,
    };
    check(&database, qualification).await;
    let question = Question {
        name: "toxic".to_owned(),
        label: "是否有毒".to_owned(),
        label_en: "Is it toxic?".to_owned(),
        required: true,
        after_use: false,
        answer: AnswerKind::Choice {
            options: vec!["是".to_owned(), "否".to_owned()],
        },
    };
    let questions = QuestionSet {
        id: 1,
        scope: Scope::Instrument(INSTRUMENT),
        version: 1,
        questions: vec![question],
    };
    check(&database, questions).await;
}

#[tokio::test]
async fn points_and_overrides_come_back() {
    let (_folder, database) = filled().await;
    let penalty = Penalty {
        id: 1,
        member: MEMBER,
        instrument: INSTRUMENT,
        booking: BOOKING,
        reason: PenaltyReason::NoShow,
        points: 3,
        at: NOW,
        lifted: false,
        appeal: Some(Appeal {
            text: "仪器断电".to_owned(),
            at_us: 1,
            state: AppealState::Open,
            decided_by: None,
            answer: String::new(),
            decided_us: None,
        }),
    };
    check(&database, penalty).await;
    let set_aside = Override {
        id: 1,
        booking: BOOKING,
        by: MEMBER,
        at: NOW,
        reason: "紧急".to_owned(),
        rules: vec!["horizon".to_owned()],
    };
    check(&database, set_aside).await;
}

#[tokio::test]
async fn how_far_use_is_settled_comes_back() {
    let (_folder, database) = filled().await;
    let hearing = Hearing {
        instrument: INSTRUMENT,
        settled: at(-7),
    };
    let mut records = Records::<Hearing>::default();
    records.put(Arc::new(hearing));
    let mut tx = database.begin().await.unwrap();
    records.write(&mut tx).await.unwrap();
    let read = Records::<Hearing>::load(&mut tx, NOW).await.unwrap();
    assert_eq!(read.get(hearing.id()).map(|held| **held), Some(hearing));
}

#[tokio::test]
async fn use_and_problems_come_back() {
    let (_folder, database) = filled().await;
    let run = Run {
        id: RunId::new(1),
        instrument: INSTRUMENT,
        booking: Some(BOOKING),
        member: Some(MEMBER),
        start: at(0),
        end: Some(at(5)),
        running_us: 5,
        kind: RunKind::Overrun,
        evidence: Evidence::Machine,
        uncertain: true,
        state: RunState::Unsettled,
        lab: NodeId::new(2),
        institution: None,
        project: Some(ProjectId::new(4)),
        settled_by: None,
        note: String::new(),
        version: 1,
    };
    check(&database, run).await;
    let correction = Correction {
        id: 1,
        subject: Corrected::Run,
        subject_id: 1,
        by: None,
        at: NOW,
        reason: "later readings".to_owned(),
        before: serde_json::json!({ "end": 1 }),
        after: serde_json::json!({ "end": 2 }),
    };
    check(&database, correction).await;
    let attachment = Attachment {
        id: 1,
        member: MEMBER,
        instrument: INSTRUMENT,
        media_type: "image/png".to_owned(),
        bytes: vec![0, 255, 7],
        created_at: NOW,
    };
    check(&database, attachment).await;
    let problem = Problem {
        id: ProblemId::new(1),
        instrument: INSTRUMENT,
        reporter: MEMBER,
        created_at: NOW,
        text: "漏水".to_owned(),
        photo: Some(1),
        outage: Some(OutageId::new(1)),
        cause: Some(Cause::Supply),
        remedy: "换管".to_owned(),
        closed_by: Some(MEMBER),
        closed_at: Some(at(1)),
        version: 2,
    };
    check(&database, problem).await;
    let notice = Notice {
        id: 1,
        member: MEMBER,
        kind: NoticeKind::Overrun,
        instrument: INSTRUMENT,
        booking: Some(BOOKING),
        slot: Some(soon()),
        words: String::new(),
        at: NOW,
        seen_at: None,
    };
    check(&database, notice).await;
}

#[test]
fn details_say_only_what_was_said() {
    let mut details = Details {
        service: Some(ServiceKind::Commissioned),
        answers: BTreeMap::from([("wet".to_owned(), AnswerValue::YesNo(true))]),
        ..Details::default()
    };
    let text = serde_json::to_string(&details).unwrap();
    assert_eq!(text, r#"{"service":"commissioned","answers":{"wet":true}}"#);
    assert_eq!(serde_json::from_str::<Details>(&text).unwrap(), details);
    details = Details::default();
    assert!(details.is_empty());
}
