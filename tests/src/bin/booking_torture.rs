//! Books as hard as it can while the gateway is killed, and checks what was promised.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tests::postgres::Postgres;
use tests::torture::check::Fault;
use tests::torture::{Kills, Plan, run};

/// Most findings that are printed.
const SHOWN: usize = 20;

/// Lets many clients book, move, shorten, extend and cancel on few instruments while outages come
/// and go and the gateway is killed again and again, then checks from outside that no promise was
/// broken: no overlap, nothing acknowledged lost, no refusal without a cause, no wish twice.
///
/// Run it as a release build: `cargo run --release -p tests --bin booking_torture`. It ends with an
/// error when anything is wrong; the same seed makes the same wishes.
#[derive(Parser)]
struct Arguments {
    /// Operations in all.
    #[arg(long, default_value_t = 1_000_000)]
    attempts: u64,
    /// Clients at the same time.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Instruments that they fight for.
    #[arg(long, default_value_t = 50)]
    instruments: usize,
    /// Days whose quarters they fight for.
    #[arg(long, default_value_t = 3)]
    days: i64,
    /// Seconds between kills.
    #[arg(long, default_value_t = 5.0)]
    kill_every: f64,
    /// Never kill the gateway.
    #[arg(long)]
    without_kills: bool,
    /// Keep bookings in PostgreSQL instead of SQLite.
    #[arg(long)]
    postgres: bool,
    /// What chooses all wishes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut server = None;
    if arguments.postgres {
        server = Some(Postgres::start(dir.path()).await);
    }
    let kills = if arguments.without_kills {
        Kills::Never
    } else {
        Kills::Every(Duration::from_secs_f64(arguments.kill_every))
    };
    let plan = Plan {
        attempts: arguments.attempts,
        clients: arguments.clients,
        instruments: arguments.instruments,
        days: arguments.days,
        kills,
        seed: arguments.seed,
        database: server.as_ref().map(|server| server.database("ortoo")),
    };
    let report = run(dir.path(), &plan).await;
    println!("{}", report.summary);
    for finding in report.findings.iter().take(SHOWN) {
        println!("{:?}: {}", finding.fault, finding.text);
    }
    if report.findings.is_empty() {
        return ExitCode::SUCCESS;
    }
    let mut kinds: BTreeMap<Fault, usize> = BTreeMap::new();
    for finding in &report.findings {
        *kinds.entry(finding.fault).or_default() += 1;
    }
    println!(
        "{} faults {kinds:?}; the histories are kept in {}",
        report.findings.len(),
        dir.keep().display()
    );
    ExitCode::FAILURE
}
