//! What the desk gathers for rules: the member's own bookings, the class, set-up and clean-up.

use scheduler::class::{CallerClass, ClassSet};
use scheduler::id::{InstrumentId, MemberId};
use scheduler::policy::{Mode, Rule, RuleBody};
use scheduler::refusal::RuleId;

use super::*;

/// Sets the rules of the first instrument.
pub(super) async fn with_rules(bodies: impl IntoIterator<Item = RuleBody>) -> Place {
    let place = Place::new().await;
    let rule = |body| Rule {
        body,
        mode: Mode::Default,
        classes: ClassSet::ALL,
    };
    let set = RuleSet {
        version: 0,
        rules: bodies.into_iter().map(rule).collect(),
    };
    let scope = Scope::Instrument(InstrumentId::new(1));
    let edit = RegistryEdit::SetRules(scope, set, Some(0));
    place.desk.edit(edit).await.unwrap();
    place
}

#[tokio::test]
async fn set_up_and_clean_up_are_claimed_and_survive() {
    let place = with_rules([RuleBody::Buffers {
        setup_minutes: 60,
        cleanup_minutes: 120,
    }])
    .await;
    let held = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    assert_eq!(held.slot, slot(9, 10), "the use is what was wanted");
    let place = place.restart().await;
    let claims: Vec<Slot> = place
        .snapshot(1)
        .occupancy
        .claims()
        .map(|claim| claim.slot)
        .collect();
    assert_eq!(claims, [slot(8, 12)]);
    // Its own set-up has to fit too.
    let near = refused(place.desk.ask(wish(1, 2, slot(12, 13))).await.unwrap());
    assert_eq!(near.conflicts.len(), 1);
    assert_eq!(near.next_free.first(), Some(&slot(13, 14)));
    booked(place.desk.ask(wish(1, 2, slot(13, 14))).await.unwrap());
}

#[tokio::test]
async fn only_the_members_own_bookings_count_and_not_the_one_that_is_moved() {
    let place = with_rules([
        RuleBody::FutureCount { count: 1 },
        RuleBody::MinimumGap { minutes: 120 },
    ])
    .await;
    let first = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    booked(place.desk.ask(wish(1, 2, slot(10, 11))).await.unwrap());
    let second = refused(place.desk.ask(wish(1, 1, slot(11, 12))).await.unwrap());
    let rules: Vec<RuleId> = second.refusals.iter().map(|refusal| refusal.rule).collect();
    assert_eq!(rules, [RuleId::MinimumGap, RuleId::FutureCount]);
    let change = Change {
        slot: Some(slot(11, 12)),
        ..change_of(first.id)
    };
    let moved = place.desk.ask(change).await.unwrap();
    assert!(matches!(moved, ChangeOutcome::Changed(_)), "{moved:?}");
}

#[tokio::test]
async fn the_class_follows_from_the_institution() {
    let place = with_rules([RuleBody::WhoMayBook {
        classes: ClassSet::of(&[CallerClass::Internal]),
    }])
    .await;
    booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let directory = place.desk.directory();
    let instrument = &directory.instruments[&InstrumentId::new(1)];
    let mut elsewhere = Directory::clone(&directory);
    let member = MemberId::new(1);
    let mut stranger = elsewhere.members[&member].clone();
    stranger.roles[0].node = NodeId::new(2);
    elsewhere.put_member(stranger);
    assert_eq!(
        (
            directory.class_of(member, instrument),
            elsewhere.class_of(member, instrument)
        ),
        (CallerClass::Internal, CallerClass::Region)
    );
    let subjects = directory.subjects_of(member);
    assert_eq!(subjects.institution, Some(NodeId::new(3)));
}
