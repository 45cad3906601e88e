//! Approvals, and what a change does to them.

use scheduler::booking::{Status, WrongState};
use scheduler::id::BookingId;
use scheduler::policy::{ApprovalWhen, RuleBody};
use scheduler::refusal::RuleId;

use super::record::{AnswerValue, Details, NoticeKind};
use super::staff::{MANAGER, changed, claimed, notices, staffed, told};
use super::*;

fn approve(booking: BookingId) -> Approve {
    Approve {
        booking,
        by: MemberId::new(MANAGER),
        expected_version: None,
    }
}

fn decline(booking: BookingId) -> Decline {
    Decline {
        booking,
        by: MemberId::new(MANAGER),
        expected_version: None,
        reason: "样品不符".to_owned(),
    }
}

fn move_to(booking: BookingId, slot: Slot) -> Change {
    Change {
        slot: Some(slot),
        ..change_of(booking)
    }
}

#[tokio::test]
async fn a_yes_is_asked_for_and_given_once() {
    let place = staffed([RuleBody::Approval(ApprovalWhen::Always)], []).await;
    let asked = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    assert_eq!(asked.status, Status::Pending);
    assert_eq!(asked.due_at.get(), Some(slot(9, 10).start()));
    assert_eq!(notices(&place, MANAGER), [NoticeKind::ApprovalAsked]);
    let other = refused(place.desk.ask(wish(1, 2, slot(9, 10))).await.unwrap());
    assert_eq!(other.conflicts.len(), 1, "it holds its place");
    let stale = Approve {
        expected_version: Some(7),
        ..approve(asked.id)
    };
    let stale = place.desk.ask(stale).await.unwrap();
    assert!(matches!(stale, ChangeOutcome::Stale(_)));
    let yes = changed(place.desk.ask(approve(asked.id)).await.unwrap());
    assert_eq!(yes.status, Status::Confirmed);
    assert_eq!(yes.decided().map(|decided| decided.by.get()), Some(MANAGER));
    assert_ne!(yes.due_at.get(), Some(slot(9, 10).start()), "no longer due");
    assert_eq!(notices(&place, 1), [NoticeKind::Approved]);
    for outcome in [
        place.desk.ask(approve(asked.id)).await.unwrap(),
        place.desk.ask(decline(asked.id)).await.unwrap(),
    ] {
        let ChangeOutcome::WrongState(wrong) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(wrong, WrongState::Is(Status::Confirmed));
    }
    let place = place.restart().await;
    assert_eq!(*place.desk.booking(asked.id).unwrap(), *yes);
}

#[tokio::test]
async fn a_no_frees_the_place_and_says_why() {
    let place = staffed([RuleBody::Approval(ApprovalWhen::Always)], []).await;
    let asked = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let no = changed(place.desk.ask(decline(asked.id)).await.unwrap());
    assert_eq!(no.status, Status::Declined);
    assert_eq!(claimed(&place), []);
    let said = told(&place, 1);
    assert_eq!(said[0].kind, NoticeKind::Declined);
    assert_eq!(said[0].words, "样品不符");
    booked(place.desk.ask(wish(1, 2, slot(9, 10))).await.unwrap());
    let place = place.restart().await;
    assert_eq!(claimed(&place), [slot(9, 10)]);
}

#[tokio::test]
async fn a_yes_comes_before_the_begin() {
    let place = staffed([RuleBody::Approval(ApprovalWhen::Always)], []).await;
    let asked = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    place.hand.advance(9 * HOUR_US);
    let late = place.desk.ask(approve(asked.id)).await.unwrap();
    // The timer may have been quicker than this test.
    assert!(matches!(late, ChangeOutcome::WrongState(_)), "{late:?}");
}

#[tokio::test]
async fn shortening_keeps_a_yes_and_going_beyond_it_asks_again() {
    let long = ApprovalWhen::LongerThanMinutes(60);
    let place = staffed([RuleBody::Approval(long)], []).await;
    let asked = booked(place.desk.ask(wish(1, 1, slot(9, 12))).await.unwrap());
    let id = asked.id;
    changed(place.desk.ask(approve(id)).await.unwrap());
    let short = changed(place.desk.ask(move_to(id, slot(9, 11))).await.unwrap());
    assert_eq!(short.status, Status::Confirmed);
    let moved = changed(place.desk.ask(move_to(id, slot(10, 12))).await.unwrap());
    assert_eq!(moved.status, Status::Pending);
    assert_eq!(moved.due_at.get(), Some(slot(10, 12).start()));
    let asked_again = [NoticeKind::ApprovalAsked; 2];
    assert_eq!(notices(&place, MANAGER), asked_again);
    // So short that the rule does not ask at all.
    let short = changed(place.desk.ask(move_to(id, slot(14, 15))).await.unwrap());
    assert_eq!(short.status, Status::Confirmed);
    let by_lab = Change {
        by: MemberId::new(MANAGER),
        ..move_to(id, slot(14, 18))
    };
    let by_lab = changed(place.desk.ask(by_lab).await.unwrap());
    assert_eq!(by_lab.status, Status::Confirmed, "the lab asks nobody");
    assert_eq!(notices(&place, 1).last(), Some(&NoticeKind::MovedByLab));
    assert_eq!(notices(&place, MANAGER), asked_again);
    place.hand.advance(15 * HOUR_US);
    let begun = place.desk.ask(move_to(id, slot(14, 19))).await.unwrap();
    assert!(matches!(begun, ChangeOutcome::NotAtOnce), "{begun:?}");
    let rest = changed(place.desk.ask(move_to(id, slot(14, 17))).await.unwrap());
    assert_eq!(rest.status, Status::Confirmed);
    assert_eq!(claimed(&place), [slot(14, 17)]);
}

#[tokio::test]
async fn the_deadline_to_move_binds_the_member_and_not_the_lab() {
    let place = staffed([RuleBody::NoticeToMove { minutes: 120 }], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(1, 2))).await.unwrap());
    let late = place.desk.ask(move_to(held.id, slot(5, 6))).await.unwrap();
    let ChangeOutcome::Refused(late) = late else {
        panic!("{late:?}")
    };
    assert_eq!(late.refusals[0].rule, RuleId::NoticeToMove);
    let by_lab = Change {
        by: MemberId::new(MANAGER),
        ..move_to(held.id, slot(5, 6))
    };
    changed(place.desk.ask(by_lab).await.unwrap());
    assert_eq!(place.desk.overrides_of(held.id).await.unwrap(), []);
}

#[tokio::test]
async fn a_change_past_rules_is_noted_like_a_booking() {
    let place = staffed([RuleBody::Longest { minutes: 60 }], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let over = Change {
        by: MemberId::new(MANAGER),
        overriding: Some(Overriding {
            by: MemberId::new(MANAGER),
            reason: "x".to_owned(),
        }),
        ..move_to(held.id, slot(9, 12))
    };
    changed(place.desk.ask(over).await.unwrap());
    let kept = place.desk.overrides_of(held.id).await.unwrap();
    assert_eq!(kept[0].rules, ["longest"]);
}

#[tokio::test]
async fn what_was_done_is_told_after_use_but_not_of_what_was_given_up() {
    let place = staffed([], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let gone = booked(place.desk.ask(wish(1, 1, slot(11, 12))).await.unwrap());
    place.desk.ask(cancel_of(gone.id)).await.unwrap();
    place.hand.advance(20 * HOUR_US);
    let details = Details {
        samples: Some(4),
        answers: [("phase".to_owned(), AnswerValue::Text("α".to_owned()))].into(),
        ..Details::default()
    };
    let tell = |booking| Change {
        details: Some(details.clone()),
        ..change_of(booking)
    };
    let told = changed(place.desk.ask(tell(held.id)).await.unwrap());
    assert_eq!(told.details(), Some(&details));
    let late = Change {
        purpose: Some("y".to_owned()),
        ..tell(held.id)
    };
    let other_project = Change {
        details: Some(Details {
            project: Some(1),
            ..details.clone()
        }),
        ..change_of(held.id)
    };
    for change in [late, other_project, tell(gone.id)] {
        let outcome = place.desk.ask(change).await.unwrap();
        assert!(
            matches!(outcome, ChangeOutcome::WrongState(_)),
            "{outcome:?}"
        );
    }
    let place = place.restart().await;
    assert_eq!(*place.desk.booking(held.id).unwrap(), *told);
}

#[tokio::test]
async fn another_project_is_judged_like_a_move() {
    let place = staffed([], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let unknown = Change {
        details: Some(Details {
            project: Some(7),
            ..Details::default()
        }),
        ..change_of(held.id)
    };
    let outcome = place.desk.ask(unknown).await.unwrap();
    let ChangeOutcome::Refused(refused) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(refused.refusals[0].rule, RuleId::ProjectClosed);
    assert_eq!(*place.desk.booking(held.id).unwrap(), *held);
}
