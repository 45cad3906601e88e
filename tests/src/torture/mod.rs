//! Booking torture: many clients fight for few instruments while the gateway is killed, and a
//! checker holds what they heard against the database.
//!
//! What comes in: a plan. What goes out: histories as files, and [`check::Evidence`]. Deliberately
//! not here: any knowledge of how the gateway does it.

pub mod ask;
pub mod check;
pub mod client;
pub mod history;
pub mod record;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::client::{Answer, Client as HttpClient};
use crate::gateway::{Gateway, Setup};
use crate::measure::quantile_ms;
use crate::region::{self, Region};
use crate::times::{now_ms, quarter_ahead_ms};
use crate::wait;
use check::{Evidence, Finding, check};
use client::{Arena, Client};
use history::{Call, Heard, OPEN_END, Scribe};
use record::Record;

/// Bookings that the first instrument takes at once; the others take one.
const CAPACITY: i64 = 3;

/// When the gateway is killed.
#[derive(Debug, Clone, Copy)]
pub enum Kills {
    /// Never.
    Never,
    /// Again and again, so long after it became ready.
    Every(Duration),
    /// This often, each time after as many attempts.
    InAll(u64),
}

/// A torture.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Operations in all, retries too.
    pub attempts: u64,
    /// Clients at the same time.
    pub clients: usize,
    /// Instruments that they fight for; the first takes three bookings at once.
    pub instruments: usize,
    /// Days of which they fight for the quarters.
    pub days: i64,
    /// When the gateway is killed.
    pub kills: Kills,
    /// What chooses all wishes.
    pub seed: u64,
    /// A PostgreSQL address; `None` is SQLite.
    pub database: Option<String>,
}

/// What a torture showed.
#[derive(Debug)]
pub struct Report {
    /// Everything wrong.
    pub findings: Vec<Finding>,
    /// What happened, in words.
    pub summary: String,
    /// Bookings that were made, also those given up again.
    pub booked: usize,
    /// Wishes that were refused because of other claims.
    pub refused: usize,
    /// Questions without an answer.
    pub unknown: usize,
    /// Those of them that were answered that nothing can be written: nobody took the database away.
    pub unwritten: usize,
    /// How often the gateway was killed.
    pub kills: u64,
}

/// Runs a torture in a folder and checks it.
///
/// # Panics
/// When the gateway does not start, stop or answer.
pub async fn run(dir: &Path, plan: &Plan) -> Report {
    let evidence = gather(dir, plan).await;
    let began = Instant::now();
    let findings = check(&evidence.0);
    let checked = began.elapsed();
    report(&evidence.0, findings, evidence.1, checked)
}

/// Runs a torture without checking it; returns the evidence and the number of kills.
async fn gather(dir: &Path, plan: &Plan) -> (Evidence, u64) {
    let mut setup = Setup::new(dir);
    setup.database.clone_from(&plan.database);
    let region = region::Plan {
        researchers: plan.clients,
        instruments: plan.instruments,
        agents: 1,
    };
    let region = Region::fill(&setup, region).await;
    let mut gateway = Gateway::start(dir, setup.clone()).await;
    widen(&gateway.client().with_token(&region.manager.token), &region).await;
    let arena = Arc::new(Arena {
        url: gateway.url(),
        instruments: region.instruments.clone(),
        first_ms: quarter_ahead_ms(24),
        quarters: plan.days * 96,
        manager: region.manager.token.clone(),
        left: AtomicU64::new(plan.attempts),
        next_who: AtomicU32::new(0),
    });
    let histories = dir.join("histories");
    std::fs::create_dir_all(&histories).expect("the scratch folder is ours");
    let (began, began_ms) = (Instant::now(), now_ms());
    let mut clients = JoinSet::new();
    for (number, member) in (0..).zip(&region.researchers) {
        let scribe = Scribe::new(&histories.join(format!("{number:03}.jsonl")), began);
        let client = Client::new(Arc::clone(&arena), scribe, &member.token, plan.seed, number);
        clients.spawn(client.run());
    }
    let kills = kill(&mut gateway, plan, &arena, &mut clients).await;
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client ends by itself");
    }
    // What was acknowledged outlives one more kill, and is read from where it lies.
    gateway.kill();
    gateway.restart().await;
    assert_eq!(
        gateway.stop().await,
        Some(0),
        "the gateway stops when asked"
    );
    let evidence = Evidence {
        operations: history::read(&histories),
        record: Record::read(&setup).await,
        began_ms,
    };
    (evidence, kills)
}

/// Lets the first instrument take several bookings at once.
async fn widen(manager: &HttpClient, region: &Region) {
    let path = format!("/api/v1/instruments/{}", region.instruments[0]);
    let request = manager.request(Method::PATCH, &path);
    let request = request.json(&json!({ "capacity": CAPACITY }));
    let answer = Answer::of(path, request).await;
    drop(answer.expect("the gateway answers").expect(200));
}

/// Kills the gateway by the plan until all clients have ended; returns how often.
async fn kill(gateway: &mut Gateway, plan: &Plan, arena: &Arena, clients: &mut JoinSet<()>) -> u64 {
    let mut kills = 0;
    loop {
        let is_due = async {
            match plan.kills {
                Kills::Never => std::future::pending().await,
                Kills::Every(period) => tokio::time::sleep(period).await,
                Kills::InAll(all) if kills >= all => std::future::pending().await,
                Kills::InAll(all) => {
                    let left = plan.attempts - plan.attempts * (kills + 1) / (all + 1);
                    wait::until("attempts", Duration::from_secs(600), async || {
                        let now = arena.left.load(Ordering::Relaxed);
                        if now <= left {
                            Ok(())
                        } else {
                            Err(format!("{now} left"))
                        }
                    })
                    .await;
                }
            }
        };
        tokio::select! {
            () = is_due => {}
            ended = clients.join_next() => match ended {
                Some(ended) => {
                    ended.expect("a client ends by itself");
                    continue;
                }
                None => return kills,
            },
        }
        gateway.restart().await;
        kills += 1;
    }
}

fn report(evidence: &Evidence, findings: Vec<Finding>, kills: u64, checked: Duration) -> Report {
    let operations = &evidence.operations;
    let count =
        |of: &dyn Fn(&Heard) -> bool| operations.iter().filter(|one| of(&one.heard)).count();
    let refused = count(
        &|heard| matches!(heard, Heard::Refused(refusal) if !refusal.against.conflicts.is_empty()),
    );
    let unknown = count(&|heard| matches!(heard, Heard::Unknown(_)));
    let unwritten = count(&|heard| matches!(heard, Heard::Unknown(why) if why.starts_with("503")));
    let booked = evidence.record.bookings.len();
    let ended = operations
        .iter()
        .map(|one| one.to_us)
        .filter(|to_us| *to_us != OPEN_END);
    let seconds = ended.max().unwrap_or(0) as f64 / 1e6;
    let mut took: Vec<Duration> = operations
        .iter()
        .filter(|one| one.to_us != OPEN_END && matches!(one.call, Call::Book { .. }))
        .map(|one| Duration::from_micros(one.to_us - one.from_us))
        .collect();
    took.sort_unstable();
    let summary = format!(
        "{} operations in {seconds:.1} s, {kills} kills: {booked} bookings made, {refused} wishes \
         refused because of others, {unknown} without an answer ({unwritten} of them 503); a booking took p50 {:.1} ms, p99 \
         {:.1} ms; {} claims at the end, {} faults, checked in {:.1} s",
        operations.len(),
        quantile_ms(&took, 0.5),
        quantile_ms(&took, 0.99),
        evidence.record.claims.len(),
        findings.len(),
        checked.as_secs_f64(),
    );
    Report {
        findings,
        summary,
        booked,
        refused,
        unknown,
        unwritten,
        kills,
    }
}
