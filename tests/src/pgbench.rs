//! PostgreSQL's own exclusion inserts under pgbench: the limit that bookings are measured against.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::measure::quantile_ms;
use crate::postgres::{Postgres, programs};

/// What pgbench reached.
#[derive(Debug)]
pub struct Inserts {
    /// Inserts a second, each its own durable transaction.
    pub per_second: f64,
    /// Half of them took at most this long, in milliseconds.
    pub p50_ms: f64,
    /// All but one of a hundred took at most this long, in milliseconds.
    pub p99_ms: f64,
}

const TABLE: &str = "create extension btree_gist;
create sequence slot;
create table claim (instrument int, lane int, during int8range,
  exclude using gist (instrument with =, lane with =, during with &&));";

/// Every insert claims a slot that nobody has: the work is the index, not the refusals.
const INSERT: &str = "\\set instrument random(1, 5534)
insert into claim values (:instrument, 1,
  (select int8range(n * 1800000000, (n + 1) * 1800000000) from nextval('slot') as n));
";

/// Runs exclusion inserts by `clients` connections for `seconds` in a database of its own.
///
/// # Panics
/// When PostgreSQL or pgbench is missing or fails.
#[must_use]
pub fn exclusion_inserts(server: &Postgres, dir: &Path, clients: u32, seconds: u32) -> Inserts {
    let url = server.database("pgbench");
    run(Command::new(programs().join("psql")).args([
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        TABLE,
        &url,
    ]));
    let script = dir.join("insert.sql");
    std::fs::write(&script, INSERT).expect("the scratch folder is ours");
    let log = dir.join("pgbench");
    run(Command::new(programs().join("pgbench"))
        .args(["-n", "-M", "prepared", "-j", "2", "-l"])
        .args(["-c", &clients.to_string(), "-T", &seconds.to_string()])
        .arg(format!("--log-prefix={}", log.display()))
        .arg("-f")
        .arg(&script)
        .arg(&url));
    // Lines of the log: client, number, microseconds, script, second, microsecond.
    let mut took = Vec::new();
    for entry in std::fs::read_dir(dir)
        .expect("the scratch folder is ours")
        .flatten()
    {
        if entry.file_name().to_string_lossy().starts_with("pgbench.") {
            let text = std::fs::read_to_string(entry.path()).expect("pgbench wrote it");
            let micros = text
                .lines()
                .filter_map(|line| line.split(' ').nth(2)?.parse().ok());
            took.extend(micros.map(Duration::from_micros));
        }
    }
    took.sort_unstable();
    Inserts {
        per_second: took.len() as f64 / f64::from(seconds),
        p50_ms: quantile_ms(&took, 0.5),
        p99_ms: quantile_ms(&took, 0.99),
    }
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
