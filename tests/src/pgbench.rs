//! PostgreSQL under pgbench: the limits that bookings and weeks are measured against.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::measure::quantile_ms;
use crate::postgres::{Postgres, programs};

/// What pgbench reached.
#[derive(Debug)]
pub struct Reached {
    /// Transactions a second, each with one statement.
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

/// Bookings of an hour, three hours apart, as a table and index that serve a week.
const WEEKS: &str = "create table booking (instrument int, start_us bigint, end_us bigint,
  member int, purpose text);
insert into booking
  select i, n * 10800000000, n * 10800000000 + 3600000000, (i * :each + n) % 1000, 'measurement'
  from generate_series(1, :instruments) as i, generate_series(0, :each - 1) as n;
create index booking_by_start on booking (instrument, start_us);
vacuum analyze booking;
";

/// A booking that began before the week may reach into it, at most by the longest one.
const WEEK: &str = "\\set instrument random(1, :instruments)
select start_us, end_us, member, purpose from booking
  where instrument = :instrument and start_us >= -86400000000 and start_us < 604800000000
    and end_us > 0
  order by start_us;
";

/// Runs exclusion inserts by `clients` connections for `seconds` in a database of its own.
///
/// # Panics
/// When PostgreSQL or pgbench is missing or fails.
#[must_use]
pub fn exclusion_inserts(server: &Postgres, dir: &Path, clients: u32, seconds: u32) -> Reached {
    let url = server.database("pgbench");
    run(psql(&url).args(["-c", TABLE]));
    measure(&url, dir, INSERT, &[], clients, seconds)
}

/// Reads the weeks of random instruments, with `each` bookings of an hour on every one of them, by
/// `clients` connections for `seconds` in a database of its own.
///
/// # Panics
/// When PostgreSQL or pgbench is missing or fails.
#[must_use]
pub fn week_reads(
    server: &Postgres,
    dir: &Path,
    (instruments, each): (usize, usize),
    (clients, seconds): (u32, u32),
) -> Reached {
    let url = server.database("pgbench");
    let script = dir.join("weeks.sql");
    std::fs::write(&script, WEEKS).expect("the scratch folder is ours");
    let instruments = format!("instruments={instruments}");
    let each = format!("each={each}");
    run(psql(&url)
        .args(["-v", &instruments, "-v", &each, "-f"])
        .arg(&script));
    measure(&url, dir, WEEK, &["-D", &instruments], clients, seconds)
}

fn psql(url: &str) -> Command {
    let mut command = Command::new(programs().join("psql"));
    command.args(["-q", "-v", "ON_ERROR_STOP=1", url]);
    command
}

fn measure(
    url: &str,
    dir: &Path,
    script: &str,
    more: &[&str],
    clients: u32,
    seconds: u32,
) -> Reached {
    let file = dir.join("pgbench.sql");
    std::fs::write(&file, script).expect("the scratch folder is ours");
    let logs = dir.join("pgbench-logs");
    std::fs::create_dir_all(&logs).expect("the scratch folder is ours");
    run(Command::new(programs().join("pgbench"))
        .args(["-n", "-M", "prepared", "-j", "2", "-l"])
        .args(["-c", &clients.to_string(), "-T", &seconds.to_string()])
        .args(more)
        .arg(format!("--log-prefix={}", logs.join("pgbench").display()))
        .arg("-f")
        .arg(&file)
        .arg(url));
    // Lines of the log: client, number, microseconds, script, second, microsecond.
    let mut took = Vec::new();
    let entries = std::fs::read_dir(&logs).expect("the scratch folder is ours");
    for entry in entries.flatten() {
        let text = std::fs::read_to_string(entry.path()).expect("pgbench wrote it");
        let micros = text
            .lines()
            .filter_map(|line| line.split(' ').nth(2)?.parse().ok());
        took.extend(micros.map(Duration::from_micros));
    }
    took.sort_unstable();
    Reached {
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
