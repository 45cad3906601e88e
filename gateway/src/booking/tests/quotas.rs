//! Sums of quotas against a plain addition of what is booked.

use std::collections::BTreeMap;

use proptest::prelude::*;
use scheduler::id::BookingId;
use scheduler::policy::{Mode, RuleBody, SetAt};
use scheduler::quota::{Party, Period, QuotaKey, Subject, period_of};
use scheduler::refusal::RuleId;
use scheduler::time::{DAY_US, Span};

use super::staff::{set, staffed};
use super::*;

const MEMBERS: i64 = 3;
const DAYS: i64 = 4;

fn daily(minutes: u32) -> RuleBody {
    RuleBody::Quota {
        per: Party::Member,
        period: Period::Day,
        minutes,
    }
}

/// Returns what the desk thinks that members have used of the first instrument, in hours by member
/// and day.
fn summed(place: &Place) -> BTreeMap<(i64, i64), i64> {
    let ledger = place.desk.ledger();
    let key = |member, day| QuotaKey {
        at: SetAt::Instrument(InstrumentId::new(1)),
        subject: Subject::Member(MemberId::new(member)),
        period: Period::Day,
        start: Micros::new(MIDNIGHT + day * DAY_US),
    };
    let places = (1..=MEMBERS).flat_map(|member| (0..DAYS).map(move |day| (member, day)));
    places
        .map(|(member, day)| {
            let used = ledger.usage.used(&key(member, day));
            ((member, day), used.get() / HOUR_US)
        })
        .filter(|(_, hours)| *hours > 0)
        .collect()
}

/// Returns the same, counted hour by hour over what readers see.
fn counted(place: &Place) -> BTreeMap<(i64, i64), i64> {
    let mut hours = BTreeMap::new();
    for booking in place.snapshot(1).bookings.values() {
        for hour in 0..DAYS * 24 {
            if booking.slot.overlaps(slot(hour, hour + 1)) {
                *hours.entry((booking.member.get(), hour / 24)).or_default() += 1;
            }
        }
    }
    hours
}

#[derive(Debug, Clone)]
enum Step {
    Book(i64, Slot),
    Move(i64, Slot),
    HandOver(i64, i64),
    Cancel(i64),
    Rules(bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let slots =
        || (1..DAYS * 24 - 9, 1..9_i64).prop_map(|(start, hours)| slot(start, start + hours));
    prop_oneof![
        6 => (1..=MEMBERS, slots()).prop_map(|(member, slot)| Step::Book(member, slot)),
        3 => (1..9_i64, slots()).prop_map(|(which, slot)| Step::Move(which, slot)),
        2 => (1..9_i64, 1..=MEMBERS).prop_map(|(which, to)| Step::HandOver(which, to)),
        2 => (1..9_i64).prop_map(Step::Cancel),
        1 => any::<bool>().prop_map(Step::Rules),
    ]
}

async fn send(place: &Place, step: Step) {
    let desk = &place.desk;
    match step {
        Step::Book(member, slot) => drop(desk.ask(wish(1, member, slot)).await.unwrap()),
        Step::Move(which, slot) => {
            let change = Change {
                slot: Some(slot),
                ..change_of(BookingId::new(which))
            };
            drop(desk.ask(change).await.unwrap());
        }
        Step::HandOver(which, to) => {
            let transfer = Transfer {
                booking: BookingId::new(which),
                to: MemberId::new(to),
                by: MemberId::new(1),
                expected_version: None,
            };
            drop(desk.ask(transfer).await.unwrap());
        }
        Step::Cancel(which) => {
            let cancel = cancel_of(BookingId::new(which));
            drop(desk.ask(cancel).await.unwrap());
        }
        Step::Rules(has_quota) => {
            let rules = set(has_quota.then(|| daily(12 * 60)), Mode::Default);
            let scope = Scope::Instrument(InstrumentId::new(1));
            let edit = RegistryEdit::SetRules(scope, rules, None);
            desk.edit(edit).await.unwrap();
        }
    }
}

async fn play(steps: Vec<Step>) {
    let mut place = staffed([daily(12 * 60)], []).await;
    let mut has_quota = true;
    for step in steps {
        if let Step::Rules(has) = step {
            has_quota = has;
        }
        send(&place, step.clone()).await;
        let expected = if has_quota {
            counted(&place)
        } else {
            BTreeMap::new()
        };
        assert_eq!(summed(&place), expected, "{step:?}");
    }
    let before = summed(&place);
    place = place.restart().await;
    assert_eq!(summed(&place), before);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sums_are_what_is_booked_after_any_commands_and_a_restart(
        steps in prop::collection::vec(any_step(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}

#[tokio::test]
async fn a_quota_that_comes_later_counts_what_was_booked_before() {
    let place = staffed([], []).await;
    booked(place.desk.ask(wish(1, 1, slot(9, 17))).await.unwrap());
    send(&place, Step::Rules(true)).await;
    let more = refused(place.desk.ask(wish(1, 1, slot(17, 22))).await.unwrap());
    assert_eq!(more.refusals[0].rule, RuleId::Quota);
    booked(place.desk.ask(wish(1, 1, slot(17, 21))).await.unwrap());
}

#[tokio::test]
async fn the_year_counts_what_memory_no_longer_holds() {
    let days_ago = |days: i64| {
        let start = Micros::new(MIDNIGHT - days * DAY_US);
        Slot::new(start, start + Span::minutes(120)).unwrap()
    };
    let old = |slot| NewBooking {
        instrument: InstrumentId::new(1),
        member: MemberId::new(1),
        slot,
        purpose: String::new(),
        project: None,
        created_at: Micros::new(MIDNIGHT - 400 * DAY_US),
    };
    let yearly = RuleBody::Quota {
        per: Party::Member,
        period: Period::Year,
        minutes: 5 * 60,
    };
    let mut import = world();
    import.bookings = [days_ago(330), days_ago(100), days_ago(5)]
        .map(old)
        .to_vec();
    let scope = Scope::Instrument(InstrumentId::new(1));
    import.rules = vec![(scope, set([yearly.clone()], Mode::Default))];
    let place = Place::of(import).await.restart().await;
    let year = period_of(Micros::new(MIDNIGHT), Period::Year, Tz::Asia__Shanghai).unwrap();
    let key = QuotaKey {
        at: SetAt::Instrument(InstrumentId::new(1)),
        subject: Subject::Member(MemberId::new(1)),
        period: Period::Year,
        start: year.start(),
    };
    let used = |place: &Place| place.desk.ledger().usage.used(&key).get() / HOUR_US;
    // 330 days before 24 November is the year before.
    assert_eq!(used(&place), 4);
    assert!(place.desk.shelf().bookings().len() == 1, "not held");
    let again = RegistryEdit::SetRules(scope, set([yearly], Mode::Default), None);
    place.desk.edit(again).await.unwrap();
    assert_eq!(used(&place), 4, "summed anew");
    let more = refused(place.desk.ask(wish(1, 1, slot(9, 11))).await.unwrap());
    assert_eq!(more.refusals[0].rule, RuleId::Quota);
    booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
}
