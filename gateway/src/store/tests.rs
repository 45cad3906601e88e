//! The store on SQLite: settings, rows there and back, and the guard when somebody writes past the
//! desk. The same on PostgreSQL runs in the `tests` crate, which starts a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use scheduler::booking::Status;
use scheduler::id::{
    BookingId, ClaimId, InstrumentId, MemberId, NodeId, OutageId, ProblemId, SeriesId,
};
use scheduler::occupancy::{Claim, Holder};
use scheduler::slot::Slot;
use scheduler::time::Micros;
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use wire::{AgentName, InstrumentKey};

use super::*;
use crate::booking::record::{
    Booking, Decided, Details, EventKind, EventRow, Extras, KeptAnswer, Later, Outage, OutageKind,
};
use crate::registry::{
    AgentEntry, Directory, Instrument, Member, Names, Node, NodeKind, Role, RoleOn, RuleSet, Scope,
    SecretHash, Source, StateRule, TokenEntry,
};

mod foreign;
mod records;

/// What goes wrong at the next commit.
#[derive(Debug, Clone, Default)]
pub(super) struct Fault(Arc<AtomicU8>);

const ANSWER_LOST: u8 = 1;
const COMMIT_LOST: u8 = 2;

impl Fault {
    /// Does what it was told to do once, and reports a failure.
    pub(super) async fn strike(
        &self,
        tx: Transaction<'static, Any>,
    ) -> Result<Transaction<'static, Any>, StoreError> {
        let done = match self.0.swap(0, Ordering::SeqCst) {
            ANSWER_LOST => tx.commit().await,
            COMMIT_LOST => tx.rollback().await,
            _ => return Ok(tx),
        };
        done.unwrap();
        Err(StoreError::at("committing")(sqlx::Error::WorkerCrashed))
    }
}

impl Database {
    /// Lets the next commit succeed and its answer be lost.
    pub(crate) fn lose_next_answer(&self) {
        self.fault.0.store(ANSWER_LOST, Ordering::SeqCst);
    }

    /// Lets the next commit fail.
    pub(crate) fn lose_next_commit(&self) {
        self.fault.0.store(COMMIT_LOST, Ordering::SeqCst);
    }

    /// Lets SQLite grow no further than it is, or again; stands for a full disk.
    pub(crate) async fn limit_pages(&self, limited: bool) {
        let text = if limited {
            "PRAGMA max_page_count = 1"
        } else {
            "PRAGMA max_page_count = 1000000"
        };
        sqlx::query(text).execute(&self.writer).await.unwrap();
    }
}

fn names(text: &str) -> Names {
    Names {
        zh: format!("{text}仪"),
        en: text.to_owned(),
    }
}

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(Micros::new(start), Micros::new(end)).unwrap()
}

fn instrument() -> Instrument {
    Instrument {
        id: InstrumentId::new(1),
        key: InstrumentKey::parse("NM-00001").unwrap(),
        names: names("x"),
        model: "D8".to_owned(),
        manufacturer: "Bruker".to_owned(),
        category: Some("010303".to_owned()),
        capabilities: vec!["xrd".to_owned(), "powder".to_owned()],
        room: "A100".to_owned(),
        lab: NodeId::new(2),
        place: scheduler::place::Place::new(-1, 1),
        zone: chrono_tz::Tz::Asia__Shanghai,
        capacity: 2,
        bookable: true,
        published: false,
        always_on: true,
        version: 3,
        source: Some(Source {
            agent: AgentName::parse("lab-001").unwrap(),
            device: None,
        }),
        state_rule: StateRule::standard(),
    }
}

/// One of everything the registry holds.
fn directory() -> Directory {
    let mut directory = Directory::default();
    for (id, parent, kind) in [(1, None, NodeKind::Region), (2, Some(1), NodeKind::Lab)] {
        let node = Node {
            id: NodeId::new(id),
            parent: parent.map(NodeId::new),
            kind,
            names: names("node"),
            enterprise: id == 2,
            place: scheduler::place::Place::new(40_841_900, -111_749_000),
            version: 6,
        };
        directory.nodes.insert(node.id, node);
    }
    directory.put_instrument(instrument());
    directory.put_member(Member {
        id: MemberId::new(1),
        login: "researcher01".to_owned(),
        display: names("member"),
        password_hash: "$argon2id$".to_owned(),
        roles: vec![RoleOn {
            role: Role::Manager,
            node: NodeId::new(2),
        }],
        active: true,
        version: 2,
    });
    let token = TokenEntry {
        id: 7,
        member: MemberId::new(1),
        name: "notebook".to_owned(),
        created_at: Micros::new(5),
        expires_at: Micros::new(6),
        read_only: true,
    };
    directory.tokens.insert(SecretHash::of("token"), token);
    let agent = AgentEntry {
        name: AgentName::parse("lab-001").unwrap(),
        lab: NodeId::new(2),
        secret: SecretHash::of("secret"),
        created_at: Micros::new(9),
    };
    directory.agents.insert(agent.name.clone(), agent);
    let rules = RuleSet {
        version: 4,
        rules: vec![scheduler::policy::Rule {
            body: scheduler::policy::RuleBody::Longest { minutes: 480 },
            mode: scheduler::policy::Mode::Binding,
            classes: scheduler::class::ClassSet::ALL,
        }],
    };
    let scope = Scope::Instrument(InstrumentId::new(1));
    directory.rules.insert(scope, rules.clone());
    directory.rules.insert(Scope::Node(NodeId::new(1)), rules);
    directory
}

fn edits(directory: &Directory) -> Vec<Edit> {
    let mut nodes: Vec<&Node> = directory.nodes.values().collect();
    nodes.sort_by_key(|node| node.id);
    let mut edits: Vec<Edit> = nodes.into_iter().cloned().map(Edit::PutNode).collect();
    let instruments = directory.instruments.values().cloned().map(Box::new);
    edits.extend(instruments.map(Edit::PutInstrument));
    edits.extend(directory.members.values().cloned().map(Edit::PutMember));
    edits.extend(
        directory
            .tokens
            .iter()
            .map(|(hash, token)| Edit::PutToken(*hash, token.clone())),
    );
    edits.extend(directory.agents.values().cloned().map(Edit::PutAgent));
    edits.extend(
        directory
            .rules
            .iter()
            .map(|(scope, set)| Edit::PutRules(*scope, set.clone())),
    );
    edits
}

fn booking(id: i64, slot: Slot) -> Arc<Booking> {
    Arc::new(Booking {
        id: BookingId::new(id),
        instrument: InstrumentId::new(1),
        member: MemberId::new(1),
        lab: NodeId::new(2),
        slot,
        status: Status::Confirmed,
        at_risk: false,
        purpose: "相变 'quoted'; --".into(),
        project: None,
        extras: Some(Arc::new(Extras {
            details: Details {
                samples: Some(3),
                project: Some(8),
                ..Details::default()
            },
            made_by: Some(MemberId::new(1)),
            series: Some(SeriesId::new(5)),
            bundle: Some(BookingId::new(id)),
            checked_in_at: Some(Micros::new(105)),
            checked_out_at: Some(Micros::new(180)),
            decided: Some(Decided {
                by: MemberId::new(1),
                at: Micros::new(2),
            }),
        })),
        created_at: Micros::new(1),
        cancelled_at: Later::NEVER,
        began_at: Micros::new(110).into(),
        finished_at: Micros::new(190).into(),
        due_at: Micros::new(200).into(),
        policy_version: 4,
        version: 1,
    })
}

fn claim(id: i64, lane: u8, slot: Slot, holder: Holder) -> Claim {
    Claim {
        id: ClaimId::new(id),
        lane,
        slot,
        holder,
    }
}

/// One of everything the desk writes: a booking in lane 0, an outage in lane 1.
fn writes() -> Writes {
    let mut writes = Writes::default();
    writes.put_booking(booking(1, slot(100, 200)));
    let outage = Outage {
        id: OutageId::new(1),
        instrument: InstrumentId::new(1),
        slot: slot(100, 300),
        kind: OutageKind::Fault,
        reason: "pump".to_owned(),
        problem: Some(ProblemId::new(4)),
        opened_by: MemberId::new(1),
        created_at: Micros::new(2),
        ended_at: None,
    };
    writes.outages_new.insert(outage.id, Arc::new(outage));
    let id = InstrumentId::new(1);
    let held = Holder::Booking(BookingId::new(1));
    writes.add_claim(id, claim(1, 0, slot(100, 200), held));
    let held = Holder::Outage(OutageId::new(1));
    writes.add_claim(id, claim(2, 1, slot(100, 300), held));
    writes.events.push(EventRow {
        id: 1,
        at: Micros::new(2),
        kind: EventKind::Booked,
        instrument: Some(id),
        subject: Some(1),
    });
    writes.answers.push(KeptAnswer {
        member: MemberId::new(1),
        key: "k".to_owned(),
        request: [7; 32],
        booking: BookingId::new(1),
        created_at: Micros::new(2),
    });
    writes
}

async fn filled() -> (TempDir, Database) {
    let folder = TempDir::new().unwrap();
    let url = std::env::var("ORTOO_TRY_POSTGRES").ok();
    let database = Database::open(folder.path(), url.as_deref()).await.unwrap();
    let mut tx = database.begin().await.unwrap();
    write_edits(&mut tx, &edits(&directory())).await.unwrap();
    write_group(&mut tx, &writes()).await.unwrap();
    tx.commit().await.unwrap();
    (folder, database)
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let (_folder, database) = filled().await;
    let mut tx = database.begin().await.unwrap();
    let read = load_directory(&mut tx).await.unwrap();
    let wanted = directory();
    assert_eq!(read.nodes, wanted.nodes);
    assert_eq!(read.instruments, wanted.instruments);
    assert_eq!(read.members, wanted.members);
    assert_eq!(read.tokens, wanted.tokens);
    assert_eq!(read.agents, wanted.agents);
    assert_eq!(read.rules, wanted.rules);
    let written = writes();
    let facts = load_facts(&mut tx, Micros::new(150)).await.unwrap();
    assert_eq!(facts.bookings, [(*booking(1, slot(100, 200))).clone()]);
    assert_eq!(facts.outages.len(), 1);
    let mut claims = facts.claims;
    claims.sort_by_key(|(_, claim)| claim.id);
    assert_eq!(claims, written.claims_new.into_values().collect::<Vec<_>>());
    let answers = load_answers(&mut tx, Micros::new(0)).await.unwrap();
    assert_eq!(answers, written.answers);
    assert_eq!(load_events(&mut tx, 0).await.unwrap(), written.events);
    assert!(load_events(&mut tx, 1).await.unwrap().is_empty());
    let later = load_facts(&mut tx, Micros::new(201)).await.unwrap();
    assert!(later.bookings.is_empty(), "it ended before");
    let used = load_project_use(&mut tx, Micros::new(201)).await.unwrap();
    let project = scheduler::id::ProjectId::new(8);
    assert_eq!(used, [(project, 90)], "up to where it was released");
    let before = load_project_use(&mut tx, Micros::new(200)).await.unwrap();
    assert!(before.is_empty(), "it is loaded as a booking");
    assert_eq!(later.outages.len(), 1);
}

/// Tries a statement that no part of the product would run.
async fn past_the_desk(database: &Database, statement: &str) -> Result<(), Cause> {
    let mut tx = database.begin().await.unwrap();
    let query = sqlx::query(AssertSqlSafe(statement.to_owned()));
    let done = query.execute(&mut *tx).await;
    match done.map_err(StoreError::at("writing past the desk")) {
        Ok(_) => {
            tx.commit().await.unwrap();
            Ok(())
        }
        Err(error) => Err(error.cause()),
    }
}

const INSERT: &str = "INSERT INTO claims (id, instrument, lane, start_us, end_us, booking) VALUES";

#[tokio::test]
async fn the_database_refuses_an_overlap_whoever_writes() {
    let (_folder, database) = filled().await;
    let mut tx = database.begin().await.unwrap();
    let mut more = Writes::default();
    more.put_booking(booking(2, slot(400, 500)));
    write_group(&mut tx, &more).await.unwrap();
    tx.commit().await.unwrap();
    for refused in [
        format!("{INSERT} (9, 1, 0, 100, 200, 2)"),
        format!("{INSERT} (9, 1, 0, 199, 200, 2)"),
        format!("{INSERT} (9, 1, 0, 0, 101, 2)"),
        format!("{INSERT} (9, 1, 0, 0, 1000, 2)"),
        format!("{INSERT} (9, 1, 0, 120, 130, 2)"),
        format!("{INSERT} (9, 1, 1, 250, 260, 2)"),
        // Two rows of one statement against each other.
        format!("{INSERT} (9, 1, 0, 400, 500, 2), (10, 1, 0, 450, 550, 2)"),
        "UPDATE claims SET lane = 0 WHERE id = 2".to_owned(),
        "UPDATE claims SET lane = 1, start_us = 299, end_us = 400 WHERE id = 1".to_owned(),
    ] {
        assert_eq!(
            past_the_desk(&database, &refused).await,
            Err(Cause::Conflict),
            "{refused}"
        );
    }
    for taken in [
        format!("{INSERT} (9, 1, 0, 200, 300, 2)"),
        format!("{INSERT} (10, 1, 0, 0, 100, 2)"),
        "UPDATE claims SET start_us = 350, end_us = 450 WHERE id = 9".to_owned(),
        "UPDATE claims SET start_us = 360 WHERE id = 9".to_owned(),
    ] {
        assert_eq!(past_the_desk(&database, &taken).await, Ok(()), "{taken}");
    }
}

#[tokio::test]
async fn every_connection_is_set_up_for_durability() {
    let (folder, database) = filled().await;
    for (name, actual, expected) in database.settings().await.unwrap() {
        assert_eq!(actual, expected, "{name}");
    }
    drop(database);
    assert!(
        Database::open(folder.path(), None).await.is_ok(),
        "it opens again"
    );
}

#[tokio::test]
async fn an_impossible_row_is_named() {
    let (_folder, database) = filled().await;
    let broken = "UPDATE bookings SET status = 'lost' WHERE id = 1";
    past_the_desk(&database, broken).await.unwrap();
    let mut tx = database.begin().await.unwrap();
    let error = load_facts(&mut tx, Micros::new(0)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the booking database has an impossible status in bookings, row 1"
    );
}
