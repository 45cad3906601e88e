//! The desk on a real SQLite file: races, retries, restarts, the guard beneath.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::refusal::RuleId;
use scheduler::slot::Slot;
use scheduler::time::{HOUR_US, Micros};
use wire::InstrumentKey;

use super::*;
use crate::clock::{Clock, Hand};
use crate::lifecycle::Lifecycle;
use crate::registry::{
    Instrument, Member, Names, Node, NodeKind, Role, RoleOn, RuleSet, Scope, StateRule,
};
use crate::store::Database;

/// 2026-11-24T00:00:00+08:00.
const MIDNIGHT: i64 = 1_795_449_600_000_000;

struct Place {
    folder: tempfile::TempDir,
    lifecycle: Lifecycle,
    clock: Clock,
    hand: Hand,
    desk: DeskHandle,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(Micros::new(MIDNIGHT));
        let lifecycle = Lifecycle::new();
        let desk = open(folder.path(), &clock, &lifecycle).await;
        desk.import(world()).await.unwrap();
        Self {
            folder,
            lifecycle,
            clock,
            hand,
            desk,
        }
    }

    /// Stops the desk and starts another on the same file.
    async fn restart(self) -> Self {
        self.lifecycle.stop();
        drop(self.desk);
        self.lifecycle
            .finished(std::time::Duration::from_secs(5))
            .await
            .unwrap();
        let lifecycle = Lifecycle::new();
        let desk = open(self.folder.path(), &self.clock, &lifecycle).await;
        Self {
            lifecycle,
            desk,
            ..self
        }
    }
}

async fn open(folder: &std::path::Path, clock: &Clock, lifecycle: &Lifecycle) -> DeskHandle {
    let database = Database::open(folder, None).await.unwrap();
    start(database, clock.clone(), lifecycle, DeskSettings::default())
        .await
        .unwrap()
}

fn names(text: &str) -> Names {
    Names {
        zh: text.to_owned(),
        en: text.to_owned(),
    }
}

fn world() -> Import {
    let node = |id: i64, parent: Option<i64>, kind| Node {
        id: NodeId::new(id),
        parent: parent.map(NodeId::new),
        kind,
        names: names("n"),
    };
    let instrument = |id: u32, capacity| Instrument {
        id: InstrumentId::new(id),
        key: InstrumentKey::parse(&format!("X-{id}")).unwrap(),
        names: names("x"),
        model: String::new(),
        manufacturer: String::new(),
        category: None,
        capabilities: Vec::new(),
        room: String::new(),
        lab: NodeId::new(4),
        zone: Tz::Asia__Shanghai,
        capacity,
        bookable: true,
        published: true,
        version: 1,
        source: None,
        state_rule: StateRule::standard(),
    };
    let member = |id: i64| Member {
        id: MemberId::new(id),
        login: format!("m{id}"),
        display: names("m"),
        password_hash: String::new(),
        roles: vec![RoleOn {
            role: Role::Researcher,
            node: NodeId::new(3),
        }],
        active: true,
    };
    Import {
        nodes: vec![
            node(1, None, NodeKind::Region),
            node(2, Some(1), NodeKind::Centre),
            node(3, Some(2), NodeKind::Institution),
            node(4, Some(3), NodeKind::Lab),
        ],
        instruments: vec![instrument(1, 1), instrument(2, 2)],
        members: (1..=16).map(member).collect(),
        ..Import::default()
    }
}

fn slot(from_h: i64, to_h: i64) -> Slot {
    let at = |hour| Micros::new(MIDNIGHT + hour * HOUR_US);
    Slot::new(at(from_h), at(to_h)).unwrap()
}

fn wish(instrument: u32, member: i64, slot: Slot) -> Book {
    Book {
        instrument: InstrumentId::new(instrument),
        member: MemberId::new(member),
        slot,
        purpose: "XRD".to_owned(),
        project: None,
        idempotency: None,
    }
}

#[track_caller]
fn booked(outcome: BookOutcome) -> std::sync::Arc<record::Booking> {
    match outcome {
        BookOutcome::Booked(booking) => booking,
        other => panic!("expected a booking, got {other:?}"),
    }
}

#[track_caller]
fn refused(outcome: BookOutcome) -> Refused {
    match outcome {
        BookOutcome::Refused(refused) => refused,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_want_each_slot_and_one_gets_it() {
    let place = Place::new().await;
    for hour in 1..=50 {
        let tries = (1..=16).map(|member| place.desk.book(wish(1, member, slot(hour, hour + 1))));
        let outcomes = futures::future::join_all(tries).await;
        let won = outcomes
            .iter()
            .filter(|won| matches!(won, Ok(BookOutcome::Booked(_))))
            .count();
        assert_eq!(won, 1, "hour {hour}");
        for outcome in outcomes {
            if let Ok(BookOutcome::Refused(refused)) = outcome {
                assert_eq!(refused.conflicts.len(), 1);
                assert!(refused.refusals.is_empty());
                assert_eq!(refused.next_free.len(), 3);
            }
        }
    }
    let place = place.restart().await;
    let held = place.desk.snapshot(InstrumentId::new(1)).unwrap();
    assert_eq!(held.occupancy.claims().count(), 50, "the database agrees");
    assert_eq!(held.bookings.len(), 50);
}

#[tokio::test]
async fn a_retry_with_the_same_key_books_once() {
    let place = Place::new().await;
    let with_key = |slot, request| Book {
        idempotency: Some(("k1".to_owned(), [request; 32])),
        ..wish(1, 1, slot)
    };
    let first = booked(place.desk.book(with_key(slot(9, 10), 1)).await.unwrap());
    let place = place.restart().await;
    let again = place.desk.book(with_key(slot(9, 10), 1)).await.unwrap();
    assert!(matches!(again, BookOutcome::Replayed(booking) if booking.id == first.id));
    let other = place.desk.book(with_key(slot(11, 12), 2)).await.unwrap();
    assert!(matches!(other, BookOutcome::KeyReused));
}

#[tokio::test]
async fn two_lanes_hold_two_and_not_three() {
    let place = Place::new().await;
    booked(place.desk.book(wish(2, 1, slot(9, 11))).await.unwrap());
    booked(place.desk.book(wish(2, 2, slot(10, 12))).await.unwrap());
    let third = refused(place.desk.book(wish(2, 3, slot(10, 11))).await.unwrap());
    assert_eq!(third.conflicts.len(), 2);
    booked(place.desk.book(wish(2, 3, slot(11, 12))).await.unwrap());
}

#[tokio::test]
async fn a_claim_forced_past_the_desk_is_seen_and_not_overlapped() {
    let place = Place::new().await;
    let outsider = sqlx::SqlitePool::connect(&format!(
        "sqlite://{}",
        place.folder.path().join("booking.db").display()
    ))
    .await
    .unwrap();
    let mine = booked(place.desk.book(wish(1, 1, slot(9, 10))).await.unwrap());
    let force = |id: i64, slot: Slot| {
        sqlx::query(
            "INSERT INTO claims (id, instrument, lane, start_us, end_us, booking) \
             VALUES ($1, 1, 0, $2, $3, $4)",
        )
        .bind(id)
        .bind(slot.start().get())
        .bind(slot.end().get())
        .bind(mine.id.get())
        .execute(&outsider)
    };
    let error = force(900, slot(9, 11)).await.unwrap_err();
    assert!(error.to_string().contains("claims overlap"), "{error}");
    force(901, slot(12, 14)).await.unwrap();
    let late = refused(place.desk.book(wish(1, 2, slot(13, 15))).await.unwrap());
    assert_eq!(
        late.conflicts[0].slot,
        slot(12, 14),
        "answered from fresh facts"
    );
    booked(place.desk.book(wish(1, 2, slot(14, 15))).await.unwrap());
    sqlx::query("UPDATE claims SET end_us = end_us + 7200000000 WHERE id = 901")
        .execute(&outsider)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn moving_and_cancelling_free_the_place_in_the_same_group() {
    let place = Place::new().await;
    let first = booked(place.desk.book(wish(1, 1, slot(9, 10))).await.unwrap());
    let change = Change {
        booking: first.id,
        expected_version: Some(1),
        slot: Some(slot(10, 12)),
        purpose: None,
    };
    let (moved, taken) = tokio::join!(
        place.desk.change(change.clone()),
        place.desk.book(wish(1, 2, slot(9, 10)))
    );
    assert!(matches!(moved.unwrap(), ChangeOutcome::Changed(booking) if booking.version == 2));
    booked(taken.unwrap());
    assert!(matches!(
        place.desk.change(change).await.unwrap(),
        ChangeOutcome::Stale(_)
    ));
    let cancel = Cancel {
        booking: first.id,
        expected_version: None,
    };
    let cancelled = place.desk.cancel(cancel).await.unwrap();
    assert!(matches!(cancelled, CancelOutcome::Cancelled(_)));
    assert!(matches!(
        place.desk.cancel(cancel).await.unwrap(),
        CancelOutcome::WrongState(_)
    ));
    booked(place.desk.book(wish(1, 3, slot(10, 12))).await.unwrap());
    let place = place.restart().await;
    let held = place.desk.snapshot(InstrumentId::new(1)).unwrap();
    assert_eq!(held.occupancy.claims().count(), 2);
    assert!(place.desk.booking(first.id).unwrap().cancelled_at.is_some());
}

#[tokio::test]
async fn an_outage_claims_what_is_free_and_what_becomes_free() {
    let place = Place::new().await;
    let mine = booked(place.desk.book(wish(1, 1, slot(10, 12))).await.unwrap());
    let open = OpenOutage {
        instrument: InstrumentId::new(1),
        slot: slot(8, 18),
        reason: "校准".to_owned(),
        member: MemberId::new(1),
    };
    let opened = place.desk.open_outage(open).await.unwrap();
    let OutageOutcome::Done(outage, at_risk) = opened else {
        panic!("{opened:?}")
    };
    assert_eq!(at_risk, [mine.id]);
    assert!(place.desk.booking(mine.id).unwrap().at_risk);
    refused(place.desk.book(wish(1, 2, slot(13, 14))).await.unwrap());
    place
        .desk
        .cancel(Cancel {
            booking: mine.id,
            expected_version: None,
        })
        .await
        .unwrap();
    refused(place.desk.book(wish(1, 2, slot(10, 12))).await.unwrap());
    place.hand.advance(9 * HOUR_US);
    place
        .desk
        .end_outage(EndOutage { outage: outage.id })
        .await
        .unwrap();
    booked(place.desk.book(wish(1, 2, slot(10, 12))).await.unwrap());
    let again = place
        .desk
        .end_outage(EndOutage { outage: outage.id })
        .await
        .unwrap();
    assert!(matches!(again, OutageOutcome::Over));
}

#[tokio::test]
async fn rules_are_judged_by_the_version_in_force() {
    let place = Place::new().await;
    let longest = scheduler::policy::Rule {
        body: scheduler::policy::RuleBody::Longest { minutes: 60 },
        mode: scheduler::policy::Mode::Binding,
    };
    let set = RuleSet {
        version: 0,
        rules: vec![longest],
    };
    let scope = Scope::Node(NodeId::new(2));
    let edit = RegistryEdit::SetRules(scope, set.clone(), Some(0));
    assert_eq!(
        place.desk.edit(edit).await.unwrap(),
        RegistryOutcome::Done(1)
    );
    let stale = RegistryEdit::SetRules(scope, set, Some(0));
    assert_eq!(
        place.desk.edit(stale).await.unwrap(),
        RegistryOutcome::Stale
    );
    let long = refused(place.desk.book(wish(1, 1, slot(9, 11))).await.unwrap());
    assert_eq!(long.refusals[0].rule, RuleId::Longest);
    let short = booked(place.desk.book(wish(1, 1, slot(9, 10))).await.unwrap());
    assert_eq!(short.policy_version, 1);
}

#[tokio::test]
async fn a_full_database_refuses_and_recovers() {
    let place = Place::new().await;
    // As many pages as there are now: no statement that needs another one can succeed.
    place.desk.limit_pages(true).await;
    let mut refused_at = None;
    for hour in 1..400 {
        if let Err(error) = place.desk.book(wish(1, 1, slot(hour, hour + 1))).await {
            assert!(error.to_string().contains("full"), "{error}");
            refused_at = Some(hour);
            break;
        }
    }
    let hour = refused_at.expect("a database that cannot grow refuses at last");
    assert!(place.desk.ready().await.is_err() || hour < 400);
    place.desk.limit_pages(false).await;
    place.desk.ready().await.unwrap();
    booked(
        place
            .desk
            .book(wish(1, 1, slot(hour, hour + 1)))
            .await
            .unwrap(),
    );
    let place = place.restart().await;
    let held = place.desk.snapshot(InstrumentId::new(1)).unwrap();
    assert_eq!(
        held.occupancy.claims().count(),
        usize::try_from(hour).unwrap()
    );
}

#[tokio::test]
async fn random_commands_agree_with_a_plain_list() {
    use rand::{RngExt, SeedableRng, rngs::SmallRng};
    let seed = 20_261_124;
    let mut dice = SmallRng::seed_from_u64(seed);
    let mut place = Place::new().await;
    // The model: who holds what, by booking, nothing else.
    let mut model: BTreeMap<i64, Slot> = BTreeMap::new();
    let overlaps = |model: &BTreeMap<i64, Slot>, wanted: Slot, except: i64| {
        model
            .iter()
            .any(|(id, held)| *id != except && held.overlaps(wanted))
    };
    for step in 0..300 {
        let start = dice.random_range(1..60);
        let wanted = slot(start, start + dice.random_range(1..4));
        let chosen = dice.random_range(0..model.len().max(1));
        let chosen = model.keys().nth(chosen).copied();
        match (dice.random_range(0..10), chosen) {
            (0..=4, _) | (_, None) => match place.desk.book(wish(1, 1, wanted)).await.unwrap() {
                BookOutcome::Booked(booking) => {
                    assert!(!overlaps(&model, wanted, 0), "seed {seed} step {step}");
                    model.insert(booking.id.get(), wanted);
                }
                _ => assert!(overlaps(&model, wanted, 0), "seed {seed} step {step}"),
            },
            (5..=6, Some(id)) => {
                let booking = scheduler::id::BookingId::new(id);
                let cancel = Cancel {
                    booking,
                    expected_version: None,
                };
                let outcome = place.desk.cancel(cancel).await.unwrap();
                assert!(matches!(outcome, CancelOutcome::Cancelled(_)));
                model.remove(&id);
            }
            (7..=8, Some(id)) => {
                let booking = scheduler::id::BookingId::new(id);
                let change = Change {
                    booking,
                    expected_version: None,
                    slot: Some(wanted),
                    purpose: None,
                };
                match place.desk.change(change).await.unwrap() {
                    ChangeOutcome::Changed(_) => {
                        assert!(!overlaps(&model, wanted, id), "seed {seed} step {step}");
                        model.insert(id, wanted);
                    }
                    _ => assert!(overlaps(&model, wanted, id), "seed {seed} step {step}"),
                }
            }
            _ if step % 5 == 0 => place = place.restart().await,
            _ => {}
        }
        let held = place.desk.snapshot(InstrumentId::new(1)).unwrap();
        let mut claims: Vec<Slot> = held.occupancy.claims().map(|claim| claim.slot).collect();
        let mut expected: Vec<Slot> = model.values().copied().collect();
        claims.sort_unstable();
        expected.sort_unstable();
        assert_eq!(claims, expected, "seed {seed} step {step}");
    }
}

mod lanes;
