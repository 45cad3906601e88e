//! What goes with bookings on a real database: projects and their hours, questions, problems,
//! notices; across restarts.

use std::sync::Arc;

use scheduler::id::ProjectId;
use scheduler::time::DAY_US;

use super::super::record::{AnswerKind, Project, Question};
use super::*;

pub(super) fn project(code: &str) -> Project {
    Project {
        id: ProjectId::new(0),
        code: code.to_owned(),
        names: names(code),
        institution: NodeId::new(3),
        payer: "付款单位".to_owned(),
        funds: "NSFC".to_owned(),
        budget_minutes: Some(600),
        from: None,
        until: Some(Micros::new(MIDNIGHT + 30 * DAY_US)),
        members: vec![MemberId::new(1)],
        closed: false,
        version: 0,
    }
}

pub(super) async fn save(place: &Place, project: Project, expected: Option<i64>) -> ProjectOutcome {
    let asked = SaveProject {
        project,
        expected_version: expected,
    };
    place.desk.ask(asked).await.unwrap()
}

#[track_caller]
pub(super) fn saved(outcome: ProjectOutcome) -> Arc<Project> {
    let ProjectOutcome::Saved(project) = outcome else {
        panic!("expected a project, got {outcome:?}")
    };
    project
}

#[tokio::test]
async fn a_project_comes_back_after_a_restart_and_its_code_is_its_own() {
    let place = Place::new().await;
    let first = saved(save(&place, project("P-1"), None).await);
    assert_eq!((first.id, first.version), (ProjectId::new(1), 1));
    let again = save(&place, project("P-1"), None).await;
    assert_eq!(again, ProjectOutcome::CodeTaken);
    let second = saved(save(&place, project("P-2"), None).await);
    let renamed = Project {
        code: "P-1".to_owned(),
        ..Project::clone(&second)
    };
    let taken = save(&place, renamed, Some(1)).await;
    assert_eq!(taken, ProjectOutcome::CodeTaken);
    let closed = Project {
        closed: true,
        ..Project::clone(&first)
    };
    assert_eq!(
        save(&place, closed.clone(), Some(0)).await,
        ProjectOutcome::Stale
    );
    let closed = saved(save(&place, closed, Some(1)).await);
    assert_eq!(closed.version, 2);
    let nowhere = Project {
        institution: NodeId::new(4),
        ..project("P-3")
    };
    assert_eq!(save(&place, nowhere, None).await, ProjectOutcome::NotFound);
    let place = place.restart().await;
    let ledger = place.desk.ledger();
    let held: Vec<&Project> = ledger.projects.iter().map(|held| &**held).collect();
    assert_eq!(held, [&*closed, &*second]);
}

#[tokio::test]
async fn projects_admit_their_members_or_their_institution() {
    let place = Place::new().await;
    let directory = place.desk.directory();
    let named = project("P-1");
    assert!(named.admits(&directory, MemberId::new(1)));
    assert!(!named.admits(&directory, MemberId::new(2)));
    let open = Project {
        members: Vec::new(),
        ..project("P-2")
    };
    assert!(open.admits(&directory, MemberId::new(2)));
    let elsewhere = Project {
        institution: NodeId::new(9),
        ..open
    };
    assert!(!elsewhere.admits(&directory, MemberId::new(2)));
}

/// The hours a restart finds, of bookings in memory and of those long ago, are their sum.
#[tokio::test]
async fn hours_of_projects_are_summed_again_after_a_restart() {
    let place = Place::new().await;
    let days_ago = |days: i64| MIDNIGHT - days * DAY_US;
    let hour = scheduler::time::HOUR_US;
    let rows = [
        // Day, hours, status, released after, project.
        (-1, 2, "confirmed", None, 1),
        (1, 3, "completed", Some(1), 1),
        (2, 5, "cancelled", None, 1),
        (3, 4, "no_show", Some(0), 2),
        (200, 7, "completed", None, 1),
        (201, 8, "completed", Some(6), 2),
        (202, 8, "completed", Some(-3), 2),
        (203, 9, "declined", None, 1),
        (204, 9, "completed", Some(20), 1),
    ];
    let outsider = place.outsider().await;
    for (id, (day, hours, status, released, project)) in (1_i64..).zip(rows) {
        let query = sqlx::query(
            "INSERT INTO bookings (id, instrument, member, lab, start_us, end_us, status, at_risk, \
             purpose, created_us, policy_version, version, details, finished_us, project_id) \
             VALUES ($1, 1, 1, 4, $2, $3, $4, 0, '', 0, 0, 1, $5, $6, $7)",
        );
        let start = days_ago(day);
        let query = query.bind(id).bind(start).bind(start + hours * hour);
        let query = query
            .bind(status)
            .bind(format!("{{\"project\":{project}}}"));
        let query = query.bind(released.map(|after: i64| start + after * hour));
        query.bind(project).execute(&outsider).await.unwrap();
    }
    outsider.close().await;
    let place = place.restart().await;
    let ledger = place.desk.ledger();
    let hours = |project| ledger.project_use.used(ProjectId::new(project)).get() / hour;
    assert_eq!(hours(1), 2 + 1 + 7 + 9);
    assert_eq!(hours(2), 6);
    assert_eq!(hours(3), 0);
}

fn question(name: &str, label: &str) -> Question {
    Question {
        name: name.to_owned(),
        label: label.to_owned(),
        label_en: String::new(),
        required: true,
        after_use: false,
        answer: AnswerKind::YesNo,
    }
}

#[tokio::test]
async fn questions_of_all_levels_are_asked_together_the_higher_ones_standing() {
    let place = Place::new().await;
    let set = async |scope, questions: Vec<Question>, expected| {
        let asked = SetQuestions {
            scope,
            questions,
            expected_version: expected,
        };
        place.desk.ask(asked).await.unwrap()
    };
    let (region, one) = (
        Scope::Node(NodeId::new(1)),
        Scope::Instrument(InstrumentId::new(1)),
    );
    set(
        one,
        vec![question("toxic", "own"), question("mass", "own")],
        None,
    )
    .await;
    set(region, vec![question("toxic", "region")], Some(0)).await;
    let stale = set(region, Vec::new(), Some(0)).await;
    assert_eq!(stale, QuestionsOutcome::Stale);
    let nowhere = set(Scope::Node(NodeId::new(99)), Vec::new(), None).await;
    assert_eq!(nowhere, QuestionsOutcome::NotFound);
    let place = place.restart().await;
    let (directory, ledger) = (place.desk.directory(), place.desk.ledger());
    let instrument = &directory.instruments[&InstrumentId::new(1)];
    let asked = questions_for(&directory, &ledger, instrument);
    let asked: Vec<_> = asked
        .iter()
        .map(|one| (one.name.as_str(), one.label.as_str()))
        .collect();
    assert_eq!(asked, [("toxic", "region"), ("mass", "own")]);
    let other = &directory.instruments[&InstrumentId::new(2)];
    assert_eq!(questions_for(&directory, &ledger, other).len(), 1);
}

#[tokio::test]
async fn what_was_seen_is_seen_after_a_restart() {
    let place = Place::new().await;
    let report = |text: &str, reporter| Report {
        instrument: InstrumentId::new(1),
        reporter: MemberId::new(reporter),
        text: text.to_owned(),
        photo: None,
    };
    for id in 1..=3 {
        place.desk.ask(report("x", id)).await.unwrap();
        let close = CloseProblem {
            problem: scheduler::id::ProblemId::new(id),
            expected_version: Some(1),
            by: MemberId::new(5),
            cause: record::Cause::NoFault,
            remedy: String::new(),
        };
        place.desk.ask(close).await.unwrap();
    }
    let see = |member, up_to| SeeNotices {
        member: MemberId::new(member),
        up_to,
    };
    assert_eq!(place.desk.ask(see(1, 0)).await.unwrap(), 0);
    assert_eq!(place.desk.ask(see(2, 9)).await.unwrap(), 1);
    assert_eq!(place.desk.ask(see(2, 9)).await.unwrap(), 0);
    let place = place.restart().await;
    let ledger = place.desk.ledger();
    let seen: Vec<bool> = ledger
        .notices
        .iter()
        .map(|notice| notice.seen_at.is_some())
        .collect();
    assert_eq!(seen, [false, true, false]);
    assert_eq!(ledger.open_problems_of(InstrumentId::new(1)).count(), 0);
    place.desk.ask(report("again", 1)).await.unwrap();
    let place = place.restart().await;
    let ledger = place.desk.ledger();
    assert_eq!(ledger.open_problems_of(InstrumentId::new(1)).count(), 1);
}
