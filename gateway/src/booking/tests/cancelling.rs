//! What giving up costs, and whom.

use scheduler::policy::RuleBody;
use scheduler::refusal::RuleId;
use scheduler::time::MINUTE_US;

use super::record::{NoticeKind, PenaltyReason};
use super::staff::{MANAGER, claimed, staffed, told};
use super::*;

const LATE: RuleBody = RuleBody::LateCancellation {
    minutes: 120,
    points: 2,
};

#[track_caller]
fn cost(outcome: &CancelOutcome) -> (bool, u32) {
    let CancelOutcome::Cancelled(_, cost) = outcome else {
        panic!("expected a cancellation, got {outcome:?}")
    };
    (cost.late, cost.points)
}

#[tokio::test]
async fn late_costs_points_and_in_time_costs_nothing() {
    let place = staffed([LATE], []).await;
    let soon = booked(place.desk.ask(wish(1, 1, slot(2, 3))).await.unwrap());
    let later = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    place.hand.advance(MINUTE_US);
    let regret = booked(place.desk.ask(wish(1, 1, slot(1, 2))).await.unwrap());
    place.hand.advance(5 * MINUTE_US);
    let given_up = place.desk.ask(cancel_of(regret.id)).await.unwrap();
    assert_eq!(
        cost(&given_up),
        (false, 0),
        "within five minutes of booking"
    );
    let given_up = place.desk.ask(cancel_of(later.id)).await.unwrap();
    assert_eq!(cost(&given_up), (false, 0));
    assert!(place.desk.ledger().penalties.is_empty());
    let given_up = place.desk.ask(cancel_of(soon.id)).await.unwrap();
    assert_eq!(cost(&given_up), (true, 2));
    let place = place.restart().await;
    let ledger = place.desk.ledger();
    let given: Vec<_> = ledger.penalties.iter().collect();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].member, MemberId::new(1));
    assert_eq!(given[0].booking, soon.id);
    assert_eq!(given[0].points, 2);
    assert_eq!(given[0].reason, PenaltyReason::LateCancellation);
    assert!(!given[0].lifted);
    assert_eq!(claimed(&place), []);
}

#[tokio::test]
async fn the_deadline_to_give_up_binds_the_member_and_not_the_lab() {
    let place = staffed([RuleBody::NoticeToCancel { minutes: 120 }, LATE], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(1, 2))).await.unwrap());
    let kept = place.desk.ask(wish(1, 1, slot(3, 4))).await.unwrap();
    let regret = place.desk.ask(cancel_of(booked(kept).id)).await.unwrap();
    assert_eq!(cost(&regret), (false, 0));
    place.hand.advance(10 * MINUTE_US);
    let late = place.desk.ask(cancel_of(held.id)).await.unwrap();
    let CancelOutcome::Refused(late) = late else {
        panic!("{late:?}")
    };
    assert_eq!(late.refusals.len(), 1);
    assert_eq!(late.refusals[0].rule, RuleId::NoticeToCancel);
    assert_eq!(claimed(&place), [slot(1, 2)]);
    let by_lab = Cancel {
        by: MemberId::new(MANAGER),
        reason: "灯管坏了".to_owned(),
        ..cancel_of(held.id)
    };
    assert_eq!(cost(&place.desk.ask(by_lab).await.unwrap()), (false, 0));
    assert!(place.desk.ledger().penalties.is_empty());
    let said = told(&place, 1);
    assert_eq!(said[0].kind, NoticeKind::CancelledByLab);
    assert_eq!(said[0].words, "灯管坏了");
}

#[tokio::test]
async fn nobody_pays_for_an_outage() {
    let place = staffed([LATE, RuleBody::NoticeToCancel { minutes: 60 }], []).await;
    let held = booked(place.desk.ask(wish(1, 1, slot(1, 2))).await.unwrap());
    place.hand.advance(30 * MINUTE_US);
    let open = OpenOutage {
        choices: Vec::new(),
        kind: record::OutageKind::Fault,
        instrument: InstrumentId::new(1),
        slot: slot(0, 5),
        reason: String::new(),
        member: MemberId::new(MANAGER),
    };
    place.desk.ask(open).await.unwrap();
    let given_up = place.desk.ask(cancel_of(held.id)).await.unwrap();
    assert_eq!(cost(&given_up), (false, 0));
}
