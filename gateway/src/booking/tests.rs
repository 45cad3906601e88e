//! The desk on a real database: a SQLite file, or a PostgreSQL server whose URL is in
//! `ORTOO_TEST_POSTGRES` (each test makes a database of its own there).

mod answering;
mod cancelling;
mod commands;
mod deciding;
mod drop_in;
mod ends;
mod evasions;
mod faults;
mod goes_with;
mod holds;
mod lanes;
mod machine_faults;
mod model;
mod offers;
mod outages;
mod overriding;
mod points;
mod presence;
mod quotas;
mod registry;
mod reruns;
mod rules;
mod runs;
mod staff;
mod together;
mod transferring;
mod waitlist;
mod witness;

use chrono_tz::Tz;
use scheduler::id::{InstrumentId, MemberId, NodeId};
use scheduler::slot::Slot;
use scheduler::time::{HOUR_US, Micros};
use wire::InstrumentKey;

use super::*;
use crate::clock::{Clock, Hand};
use crate::lifecycle::Lifecycle;
use crate::registry::{
    Directory, Instrument, Member, Names, Node, NodeKind, Role, RoleOn, RuleSet, Scope, StateRule,
};
use crate::store::Database;

/// 2026-11-24T00:00:00+08:00.
const MIDNIGHT: i64 = 1_795_449_600_000_000;

struct Place {
    folder: tempfile::TempDir,
    /// The PostgreSQL database, if it is one.
    url: Option<String>,
    lifecycle: Lifecycle,
    clock: Clock,
    hand: Hand,
    desk: DeskHandle,
}

impl Place {
    async fn new() -> Self {
        Self::of(world()).await
    }

    async fn of(import: Import) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = server_database().await;
        let (clock, hand) = Clock::manual(Micros::new(MIDNIGHT));
        let lifecycle = Lifecycle::new();
        let desk = open(folder.path(), url.as_deref(), &clock, &lifecycle).await;
        desk.import(import).await.unwrap();
        Self {
            folder,
            url,
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
        let url = self.url.as_deref();
        let desk = open(self.folder.path(), url, &self.clock, &lifecycle).await;
        Self {
            lifecycle,
            desk,
            ..self
        }
    }

    fn snapshot(&self, instrument: u32) -> std::sync::Arc<InstrumentSnapshot> {
        self.desk.snapshot(InstrumentId::new(instrument)).unwrap()
    }

    /// Returns a connection that does not know the desk.
    async fn outsider(&self) -> sqlx::AnyPool {
        let file = self.folder.path().join("booking.db");
        let file = format!("sqlite://{}", file.display());
        let url = self.url.as_deref().unwrap_or(&file);
        sqlx::AnyPool::connect(url).await.unwrap()
    }
}

/// Makes a database on the server that `ORTOO_TEST_POSTGRES` names, if it names one.
async fn server_database() -> Option<String> {
    let server = std::env::var("ORTOO_TEST_POSTGRES").ok()?;
    sqlx::any::install_default_drivers();
    let name = format!("desk_{:016x}", rand::random::<u64>());
    let pool = sqlx::AnyPool::connect(&server).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&pool).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(format!("{base}/{name}"))
}

async fn open(
    folder: &std::path::Path,
    url: Option<&str>,
    clock: &Clock,
    lifecycle: &Lifecycle,
) -> DeskHandle {
    let database = Database::open(folder, url).await.unwrap();
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

fn instrument(id: u32, capacity: u8) -> Instrument {
    Instrument {
        id: InstrumentId::new(id),
        key: InstrumentKey::parse(&format!("X-{id}")).unwrap(),
        names: names("x"),
        model: String::new(),
        manufacturer: String::new(),
        category: None,
        capabilities: Vec::new(),
        room: String::new(),
        lab: NodeId::new(4),
        place: None,
        zone: Tz::Asia__Shanghai,
        capacity,
        bookable: true,
        published: true,
        always_on: false,
        version: 1,
        source: None,
        state_rule: StateRule::standard(),
    }
}

fn world() -> Import {
    let node = |id: i64, parent: Option<i64>, kind| Node {
        id: NodeId::new(id),
        parent: parent.map(NodeId::new),
        kind,
        names: names("n"),
        enterprise: false,
        place: None,
        version: 1,
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
        version: 1,
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
        made_by: None,
        details: record::Details::default(),
        overriding: None,
        hold: None,
        now: false,
    }
}

/// A change by the first member that changes nothing.
fn change_of(booking: scheduler::id::BookingId) -> Change {
    Change {
        booking,
        by: MemberId::new(1),
        expected_version: None,
        slot: None,
        purpose: None,
        details: None,
        overriding: None,
    }
}

/// The first member gives a booking up.
fn cancel_of(booking: scheduler::id::BookingId) -> Cancel {
    Cancel {
        booking,
        by: MemberId::new(1),
        reason: String::new(),
        expected_version: None,
    }
}

#[track_caller]
fn booked(outcome: BookOutcome) -> std::sync::Arc<record::Booking> {
    let BookOutcome::Booked(booking) = outcome else {
        panic!("expected a booking, got {outcome:?}")
    };
    booking
}

#[track_caller]
fn refused(outcome: BookOutcome) -> Refused {
    let BookOutcome::Refused(refused) = outcome else {
        panic!("expected a refusal, got {outcome:?}")
    };
    refused
}
