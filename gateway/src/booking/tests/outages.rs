//! Outages that ask what becomes of the bookings inside, and those whose end moves.

use scheduler::booking::{Status, WrongState};
use scheduler::class::ClassSet;
use scheduler::id::BookingId;
use scheduler::occupancy::Holder;
use scheduler::policy::{Mode, Rule, RuleBody};
use scheduler::quota::{Party, Period};
use scheduler::refusal::RuleId;

use super::record::{NoticeKind, OutageKind};
use super::*;

const MANAGER: i64 = 20;

/// Adds who manages the lab.
pub(super) fn with_manager(mut import: Import) -> Import {
    import.members.push(Member {
        id: MemberId::new(MANAGER),
        login: "manager".to_owned(),
        roles: vec![RoleOn {
            role: Role::Manager,
            node: NodeId::new(4),
        }],
        ..import.members[0].clone()
    });
    import
}

async fn place() -> Place {
    Place::of(with_manager(world())).await
}

async fn with_rules(place: &Place, instrument: u32, bodies: Vec<RuleBody>) {
    let rule = |body| Rule {
        body,
        mode: Mode::Default,
        classes: ClassSet::ALL,
    };
    let set = RuleSet {
        version: 0,
        rules: bodies.into_iter().map(rule).collect(),
    };
    let scope = Scope::Instrument(InstrumentId::new(instrument));
    let edit = RegistryEdit::SetRules(scope, set, Some(0));
    place.desk.edit(edit).await.unwrap();
}

fn outage(slot: Slot, choices: Vec<Choice>) -> OpenOutage {
    OpenOutage {
        instrument: InstrumentId::new(1),
        slot,
        kind: OutageKind::Fault,
        reason: "lamp".to_owned(),
        member: MemberId::new(MANAGER),
        choices,
    }
}

fn to(booking: BookingId, instrument: u32, start: i64) -> Choice {
    let action = ChoiceAction::Move {
        instrument: InstrumentId::new(instrument),
        start: slot(start, start + 1).start(),
    };
    Choice { booking, action }
}

fn choice(booking: BookingId, action: ChoiceAction) -> Choice {
    Choice { booking, action }
}

/// Three members' bookings on the first instrument, an hour each from nine on.
async fn three(place: &Place) -> [BookingId; 3] {
    let mut ids = Vec::new();
    for (member, from) in [(1, 9), (2, 10), (3, 11)] {
        let wish = wish(1, member, slot(from, from + 1));
        ids.push(booked(place.desk.ask(wish).await.unwrap()).id);
    }
    ids.try_into().unwrap()
}

#[track_caller]
fn done(outcome: OutageOutcome) -> (std::sync::Arc<record::Outage>, Vec<BookingId>) {
    let OutageOutcome::Done(outage, at_risk) = outcome else {
        panic!("{outcome:?}")
    };
    (outage, at_risk)
}

#[track_caller]
fn cannot(outcome: OutageOutcome) -> (BookingId, ChoiceFault) {
    let OutageOutcome::CannotChoose(booking, fault) = outcome else {
        panic!("{outcome:?}")
    };
    (booking, fault)
}

/// Returns what members were told: kind, words, member.
fn told(place: &Place) -> Vec<(NoticeKind, String, i64)> {
    let ledger = place.desk.ledger();
    let notices = ledger.notices.iter();
    notices
        .map(|notice| (notice.kind, notice.words.clone(), notice.member.get()))
        .collect()
}

/// Returns the outage's claims on an instrument, joined.
fn outage_claims(place: &Place, instrument: u32) -> Vec<Slot> {
    let snapshot = place.snapshot(instrument);
    let claims = snapshot.occupancy.claims();
    let of_outage = claims.filter(|claim| matches!(claim.holder, Holder::Outage(_)));
    scheduler::slot::merged(of_outage.map(|claim| claim.slot).collect())
}

#[tokio::test]
async fn every_choice_is_carried_out_with_the_outage() {
    let place = place().await;
    let [kept, cancelled, moved] = three(&place).await;
    let choices = vec![
        choice(kept, ChoiceAction::Keep),
        choice(cancelled, ChoiceAction::Cancel),
        to(moved, 2, 11),
    ];
    let opened = place.desk.ask(outage(slot(8, 13), choices)).await.unwrap();
    let (_, at_risk) = done(opened);
    assert_eq!(at_risk, [kept]);
    let lamp = || "lamp".to_owned();
    let expected = [
        (NoticeKind::CancelledByLab, lamp(), 2),
        (NoticeKind::MovedByLab, lamp(), 3),
        (NoticeKind::AtRisk, lamp(), 1),
    ];
    assert_eq!(told(&place), expected);
    let usage = place.desk.ledger().usage.clone();
    let place = place.restart().await;
    assert_eq!(place.desk.ledger().usage, usage);
    let booking = |id| place.desk.booking(id).unwrap();
    assert!(booking(kept).at_risk);
    assert_eq!(booking(cancelled).status, Status::Cancelled);
    let there = booking(moved);
    assert_eq!(there.instrument, InstrumentId::new(2));
    assert_eq!(
        (there.slot, there.status),
        (slot(11, 12), Status::Confirmed)
    );
    assert!(!there.at_risk);
    assert_eq!(outage_claims(&place, 1), [slot(8, 9), slot(10, 13)]);
    let held: Vec<BookingId> = place.snapshot(1).bookings.keys().copied().collect();
    assert_eq!(held, [kept]);
    assert!(place.snapshot(2).bookings.contains_key(&moved));
}

#[tokio::test]
async fn what_moved_is_found_at_its_new_place_only() {
    let place = place().await;
    let [_, _, moved] = three(&place).await;
    let opened = outage(slot(11, 12), vec![to(moved, 2, 9)]);
    done(place.desk.ask(opened).await.unwrap());
    let at = |instrument| {
        let found = place
            .desk
            .shelf()
            .bookings_at(InstrumentId::new(instrument));
        found.iter().any(|booking| booking.id == moved)
    };
    assert_eq!((at(1), at(2)), (false, true));
    assert!(!place.snapshot(1).bookings.contains_key(&moved));
}

#[tokio::test]
async fn one_choice_that_fails_undoes_all() {
    let place = place().await;
    let [kept, cancelled, moved] = three(&place).await;
    for lane in [4, 5] {
        booked(place.desk.ask(wish(2, lane, slot(11, 12))).await.unwrap());
    }
    let last = place.desk.events_after(0).await.unwrap().len();
    let with = |choice_of_last| {
        let choices = vec![choice(cancelled, ChoiceAction::Cancel), choice_of_last];
        outage(slot(8, 13), choices)
    };
    let (booking, fault) = cannot(place.desk.ask(with(to(moved, 2, 11))).await.unwrap());
    assert_eq!(booking, moved);
    let ChoiceFault::Refused(at, refused) = fault else {
        panic!("{fault:?}")
    };
    assert_eq!(at, InstrumentId::new(2));
    assert_eq!((refused.refusals.len(), refused.conflicts.len()), (0, 2));
    for (last, expected) in [
        (to(moved, 1, 12), ChoiceFault::StillInside),
        (to(moved, 9, 12), ChoiceFault::NotFound),
        (to(cancelled, 2, 15), ChoiceFault::NotInside),
        (to(BookingId::new(99), 2, 15), ChoiceFault::NotInside),
    ] {
        let (_, fault) = cannot(place.desk.ask(with(last)).await.unwrap());
        assert_eq!(fault, expected);
    }
    assert_eq!(told(&place), []);
    assert_eq!(place.desk.events_after(0).await.unwrap().len(), last);
    let place = place.restart().await;
    for id in [kept, cancelled, moved] {
        let booking = place.desk.booking(id).unwrap();
        assert_eq!(
            (booking.status, booking.at_risk),
            (Status::Confirmed, false)
        );
    }
    assert!(place.snapshot(1).outages.is_empty());
    assert_eq!(outage_claims(&place, 1), []);
}

#[tokio::test]
async fn the_lab_sets_its_rules_aside_and_that_is_kept() {
    let place = place().await;
    let [first, second, third] = three(&place).await;
    let rules = vec![
        RuleBody::Longest { minutes: 30 },
        RuleBody::NoticeToMove { minutes: 6_000 },
    ];
    with_rules(&place, 2, rules).await;
    let by_nobody = OpenOutage {
        member: MemberId::new(1),
        ..outage(slot(9, 12), vec![to(first, 2, 9)])
    };
    let (_, fault) = cannot(place.desk.ask(by_nobody).await.unwrap());
    let ChoiceFault::Refused(_, refused) = fault else {
        panic!("{fault:?}")
    };
    let rules: Vec<RuleId> = refused.refusals.iter().map(|one| one.rule).collect();
    assert_eq!(rules, [RuleId::Longest], "it is not the member who moves");
    let choices = vec![to(first, 2, 9), to(second, 2, 9), to(third, 1, 14)];
    done(place.desk.ask(outage(slot(9, 12), choices)).await.unwrap());
    let outsider = place.outsider().await;
    let rows: Vec<(i64, i64, String, String)> =
        sqlx::query_as("SELECT booking, by_member, reason, rules FROM overrides ORDER BY booking")
            .fetch_all(&outsider)
            .await
            .unwrap();
    let row = |id: BookingId| {
        let rules = "[\"longest\"]".to_owned();
        (id.get(), MANAGER, "lamp".to_owned(), rules)
    };
    assert_eq!(rows, [row(first), row(second)]);
}

#[tokio::test]
async fn what_has_begun_stays_where_it_is() {
    let place = place().await;
    let [first, ..] = three(&place).await;
    place.hand.advance(9 * HOUR_US + 1);
    let moved = outage(slot(9, 12), vec![to(first, 2, 9)]);
    let (_, fault) = cannot(place.desk.ask(moved).await.unwrap());
    assert_eq!(fault, ChoiceFault::WrongState(WrongState::HasBegun));
    let cancel = outage(slot(9, 12), vec![choice(first, ChoiceAction::Cancel)]);
    done(place.desk.ask(cancel).await.unwrap());
}

#[tokio::test]
async fn quotas_follow_a_booking_to_another_instrument() {
    let place = place().await;
    let quota = || RuleBody::Quota {
        per: Party::Member,
        period: Period::Week,
        minutes: 600,
    };
    with_rules(&place, 1, vec![quota()]).await;
    with_rules(&place, 2, vec![quota()]).await;
    let [first, second, _] = three(&place).await;
    let choices = vec![to(first, 2, 15), choice(second, ChoiceAction::Cancel)];
    done(place.desk.ask(outage(slot(9, 11), choices)).await.unwrap());
    let usage = place.desk.ledger().usage.clone();
    let place = place.restart().await;
    assert_eq!(place.desk.ledger().usage, usage);
}

#[tokio::test]
async fn an_end_that_moves_takes_and_gives_time_at_once() {
    let place = place().await;
    let [first, second, _] = three(&place).await;
    let (opened, at_risk) = done(place.desk.ask(outage(slot(8, 10), vec![])).await.unwrap());
    assert_eq!(at_risk, [first]);
    let until = |hour: i64| MoveOutageEnd {
        outage: opened.id,
        end: slot(hour, hour + 1).start(),
    };
    let (longer, at_risk) = done(place.desk.ask(until(11)).await.unwrap());
    assert_eq!((longer.slot, at_risk), (slot(8, 11), vec![first, second]));
    let told: Vec<i64> = told(&place).iter().map(|(.., member)| *member).collect();
    assert_eq!(told, [1, 2], "nobody is told twice");
    done(place.desk.ask(until(14)).await.unwrap());
    assert_eq!(outage_claims(&place, 1), [slot(8, 9), slot(12, 14)]);
    refused(place.desk.ask(wish(1, 4, slot(13, 14))).await.unwrap());
    let (shorter, at_risk) = done(place.desk.ask(until(10)).await.unwrap());
    assert_eq!((shorter.slot, at_risk), (slot(8, 10), vec![first]));
    assert_eq!(outage_claims(&place, 1), [slot(8, 9)]);
    booked(place.desk.ask(wish(1, 4, slot(13, 14))).await.unwrap());
    let place = place.restart().await;
    assert_eq!(outage_claims(&place, 1), [slot(8, 9)]);
    let is_at_risk = |id| place.desk.booking(id).unwrap().at_risk;
    assert!(is_at_risk(first) && !is_at_risk(second));
    place.hand.advance(10 * HOUR_US);
    let over = place.desk.ask(until(12)).await.unwrap();
    assert!(matches!(over, OutageOutcome::Over), "{over:?}");
}

#[tokio::test]
async fn others_of_a_group_do_not_feel_a_choice_that_fails() {
    let place = place().await;
    let [.., moved] = three(&place).await;
    let fails = outage(slot(8, 13), vec![to(moved, 9, 11)]);
    let (before, failed, after) = tokio::join!(
        place.desk.ask(wish(2, 5, slot(9, 10))),
        place.desk.ask(fails),
        place.desk.ask(wish(2, 6, slot(9, 10))),
    );
    let ids = [before, after].map(|outcome| booked(outcome.unwrap()).id);
    cannot(failed.unwrap());
    let place = place.restart().await;
    for id in ids {
        assert_eq!(place.desk.booking(id).unwrap().status, Status::Confirmed);
    }
}
