//! A short torture of bookings with kills, checked from outside, on both databases.

use std::path::Path;

use tests::postgres::Postgres;
use tests::torture::{Kills, Plan, run};

/// Kills in one run.
const KILLS: u64 = 3;

#[tokio::test]
async fn no_promise_is_broken_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    torture(dir.path(), None).await;
}

#[tokio::test]
async fn no_promise_is_broken_on_postgres() {
    let dir = tempfile::tempdir().unwrap();
    let server = Postgres::start(dir.path()).await;
    torture(dir.path(), Some(server.database("ortoo"))).await;
}

async fn torture(dir: &Path, database: Option<String>) {
    // Another seed with every run: whatever is chosen, nothing may break.
    let seed = rand::random::<u32>().into();
    let plan = Plan {
        attempts: 3_000,
        clients: 24,
        instruments: 6,
        days: 1,
        kills: Kills::InAll(KILLS),
        seed,
        database,
    };
    let report = run(dir, &plan).await;
    println!("seed {seed}: {}", report.summary);
    let shown: Vec<_> = report.findings.iter().take(10).collect();
    assert!(shown.is_empty(), "seed {seed}: {shown:#?}");
    // It was a fight: slots were taken, refused and left in doubt.
    assert_eq!(report.kills, KILLS);
    assert!(report.booked > 300, "{}", report.summary);
    assert!(report.refused > 300, "{}", report.summary);
    assert!(report.unknown > 0, "{}", report.summary);
    // The database was there all the time, and what the desk asked of it was right at once.
    assert_eq!(report.unwritten, 0, "{}", report.summary);
}
