//! Handing a booking over.

use scheduler::booking::{Status, WrongState};
use scheduler::id::BookingId;
use scheduler::policy::{ApprovalWhen, RuleBody};
use scheduler::quota::{Party, Period};
use scheduler::refusal::RuleId;

use super::record::NoticeKind;
use super::staff::{MANAGER, changed, claimed, notices, staffed};
use super::*;

fn hand_over(booking: BookingId, to: i64) -> Transfer {
    Transfer {
        booking,
        to: MemberId::new(to),
        by: MemberId::new(1),
        expected_version: None,
    }
}

#[tokio::test]
async fn it_is_the_receivers_from_then_on() {
    let place = staffed([], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let theirs = changed(place.desk.ask(hand_over(held.id, 2)).await.unwrap());
    assert_eq!(theirs.member, MemberId::new(2));
    assert_eq!(theirs.version, held.version + 1);
    let of = |place: &Place, member| place.desk.shelf().bookings_of(MemberId::new(member)).len();
    assert_eq!((of(&place, 1), of(&place, 2)), (0, 1));
    assert_eq!(notices(&place, 2), [NoticeKind::Transferred]);
    let place = place.restart().await;
    assert_eq!((of(&place, 1), of(&place, 2)), (0, 1));
    assert_eq!(claimed(&place), [slot(9, 10)]);
}

#[tokio::test]
async fn the_receiver_passes_all_rules_or_nothing_happens() {
    let place = staffed([RuleBody::FutureCount { count: 1 }], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    booked(place.desk.ask(wish(1, 2, slot(11, 12))).await.unwrap());
    let full = place.desk.ask(hand_over(held.id, 2)).await.unwrap();
    let ChangeOutcome::Refused(full) = full else {
        panic!("{full:?}")
    };
    assert_eq!(full.refusals[0].rule, RuleId::FutureCount);
    assert_eq!(full.conflicts, []);
    assert_eq!(*place.desk.booking(held.id).unwrap(), *held);
    place.hand.advance(9 * HOUR_US);
    let begun = place.desk.ask(hand_over(held.id, 3)).await.unwrap();
    let ChangeOutcome::WrongState(wrong) = begun else {
        panic!("{begun:?}")
    };
    assert_eq!(wrong, WrongState::HasBegun);
}

#[tokio::test]
async fn what_both_share_is_charged_once() {
    let place = staffed(
        [RuleBody::Quota {
            per: Party::Institution,
            period: Period::Day,
            minutes: 60,
        }],
        [],
    )
    .await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    changed(place.desk.ask(hand_over(held.id, 2)).await.unwrap());
    let more = refused(place.desk.ask(wish(1, 1, slot(11, 12))).await.unwrap());
    assert_eq!(more.refusals[0].rule, RuleId::Quota);
}

#[tokio::test]
async fn another_person_needs_another_yes_unless_the_lab_chose() {
    let place = staffed([RuleBody::Approval(ApprovalWhen::Always)], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let yes = Approve {
        booking: held.id,
        by: MemberId::new(MANAGER),
        expected_version: None,
    };
    changed(place.desk.ask(yes).await.unwrap());
    let theirs = changed(place.desk.ask(hand_over(held.id, 2)).await.unwrap());
    assert_eq!(theirs.status, Status::Pending);
    assert_eq!(theirs.decided(), None, "that yes was for another");
    changed(place.desk.ask(yes).await.unwrap());
    let by_lab = Transfer {
        by: MemberId::new(MANAGER),
        ..hand_over(held.id, 3)
    };
    let theirs = changed(place.desk.ask(by_lab).await.unwrap());
    assert_eq!(theirs.status, Status::Confirmed);
    let asked = [NoticeKind::ApprovalAsked; 2];
    assert_eq!(notices(&place, MANAGER), asked);
}
