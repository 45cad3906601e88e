//! Keeps a fleet's readings and reads them, beside plain rows in SQLite.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use gateway::clock::Clock;
use gateway::history::{Caretaker, Cell, ClockMark, Group, History, Kept, Rows, Writer};
use scheduler::id::InstrumentId;
use scheduler::time::{Micros, Span};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tests::measure::{cpu_s, quantile_ms};
use wire::ChannelName;

/// An instrument's number, and lines of a time in milliseconds with its values.
type Batch = (u32, Vec<(i64, [f64; 6])>);

/// Everything begins at this midnight.
const T0_MS: i64 = 20_500 * 86_400_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
const CHANNELS: [&str; 6] = [
    "power_w",
    "voltage_v",
    "current_a",
    "energy_kwh",
    "hz",
    "temp_c",
];

/// Measures what a point costs to commit, to merge and roll up, and on the disk, and how long 24 h
/// of one channel and a year by hour take, beside one row a reading in a plain table.
///
/// Run it by `cargo bench -p tests --bench history`. Budgets: 1.0 byte a point after the merge,
/// 0.6 us to commit one, 5 ms for either read.
#[derive(Parser, Clone)]
struct Arguments {
    /// Cargo says that this is a benchmark; nothing follows from it.
    #[arg(long, hide = true)]
    bench: bool,
    /// Instruments that report six channels a second.
    #[arg(long, default_value_t = 300)]
    instruments: u32,
    /// Hours that they do.
    #[arg(long, default_value_t = 3)]
    hours: i64,
    /// Reads of each kind.
    #[arg(long, default_value_t = 50)]
    reads: usize,
    /// Keep the files in this folder.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// CPU and wall time of some work, in seconds.
#[derive(Default)]
struct Cost {
    cpu: f64,
    wall: f64,
}

impl Cost {
    async fn add(&mut self, work: impl Future<Output = ()>) {
        let process = std::process::id();
        let (cpu, began) = (cpu_s(process), Instant::now());
        work.await;
        self.cpu += cpu_s(process) - cpu;
        self.wall += began.elapsed().as_secs_f64();
    }

    fn a_point(&self, points: f64) -> String {
        let (cpu, wall) = (self.cpu * 1e6 / points, self.wall * 1e6 / points);
        format!("{cpu:.2} us of CPU a point ({wall:.2} us on the clock)")
    }
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let folder = arguments.folder.as_deref().unwrap_or(dir.path());
    fleet(&arguments, folder).await;
    reads(&arguments, folder).await;
}

/// Writes a fleet's readings, a group commit a second, into the store and into rows.
async fn fleet(arguments: &Arguments, folder: &Path) {
    let folder = folder.join("fleet");
    let (mut store, hand) = Store::open(&folder).await;
    let rows = open_rows(&folder).await;
    let (mut commit, mut inserted, mut points) = (Cost::default(), Cost::default(), 0.0);
    for minute in 0..arguments.hours * 60 {
        let seconds: Vec<Vec<(u32, [f64; 6])>> = (minute * 60..minute * 60 + 60)
            .map(|second| {
                let all = 1..=arguments.instruments;
                all.map(|number| (number, values(number, second))).collect()
            })
            .collect();
        points += 60.0 * 6.0 * f64::from(arguments.instruments);
        commit
            .add(async {
                for (second, lines) in (minute * 60..).zip(&seconds) {
                    let time_ms = T0_MS + second * 1_000;
                    let lines = lines.iter();
                    let lines = lines.map(|(number, values)| (*number, vec![(time_ms, *values)]));
                    store.commit(lines.collect()).await;
                    hand.advance(1_000_000);
                }
            })
            .await;
        inserted
            .add(async {
                for (second, lines) in (minute * 60..).zip(&seconds) {
                    insert_rows(&rows, T0_MS + second * 1_000, lines).await;
                }
            })
            .await;
    }
    println!("store: {} to commit", commit.a_point(points));
    println!("rows:  {} to commit", inserted.a_point(points));
    println!(
        "ratio: {:.2} of rows, budget 0.6 us",
        commit.cpu / inserted.cpu
    );
    let before = store.blocks_bytes().await / points;
    hand.advance(2 * HOUR_MS * 1_000);
    let mut merge = Cost::default();
    merge.add(store.tidy()).await;
    println!("store: {} to merge and roll up", merge.a_point(points));
    let after = store.blocks_bytes().await / points;
    let kept: f64 = store.number("SELECT sum(length(data)) FROM rollup").await;
    let in_rows = pages(&rows).await / points;
    let whole = store.file_bytes().await / points;
    println!("store: {before:.2} bytes a point in blocks before the merge, {after:.2} after it");
    println!(
        "store: {:.3} bytes a point in rollups; {whole:.2} in the whole file",
        kept / points
    );
    println!(
        "rows:  {in_rows:.2} bytes a point; ratio {:.3}, budget 1.0 byte",
        after / in_rows
    );
}

/// Reads a day of an instrument that reports every second and a year of one that does every minute.
async fn reads(arguments: &Arguments, folder: &Path) {
    let folder = folder.join("reads");
    let (mut store, hand) = Store::open(&folder).await;
    let rows = open_rows(&folder).await;
    for (number, step_ms, end_ms) in [(1, 1_000, DAY_MS), (2, 60_000, 365 * DAY_MS)] {
        let count = end_ms / step_ms;
        for from in (0..count).step_by(300) {
            let line = |at: i64| (T0_MS + at * step_ms, values(number, at * step_ms / 1_000));
            let lines: Vec<(i64, [f64; 6])> = (from..count.min(from + 300)).map(line).collect();
            let mut transaction = rows.begin().await.expect("rows can be written");
            for (time_ms, values) in &lines {
                insert_row(&mut transaction, number, *time_ms, values).await;
            }
            transaction.commit().await.expect("rows can be written");
            store.commit(vec![(number, lines)]).await;
        }
    }
    hand.advance(366 * DAY_MS * 1_000);
    store.tidy().await;
    let power = ChannelName::parse(CHANNELS[0]).expect("it is a name");
    let at = |ms: i64| Micros::new((T0_MS + ms) * 1_000);
    let [day, year] = [1, 2].map(InstrumentId::new);
    let mut took = [const { Vec::new() }; 4];
    for _ in 0..arguments.reads {
        let began = Instant::now();
        let raw = store.history.raw(day, &power, at(0), at(DAY_MS)).await;
        took[0].push(began.elapsed());
        assert_eq!(raw.expect("it can be read").times_ms.len(), 86_400);
        let began = Instant::now();
        let read: Vec<(i64, f64)> =
            sqlx::query_as("SELECT ts, v0 FROM reading WHERE instrument = 1 ORDER BY ts")
                .fetch_all(&rows)
                .await
                .expect("rows can be read");
        took[1].push(began.elapsed());
        assert_eq!(read.len(), 86_400);
        let began = Instant::now();
        let (to, hour) = (at(365 * DAY_MS), Span::minutes(60));
        let steps = store.history.stepped(year, &power, at(0), to, hour).await;
        took[2].push(began.elapsed());
        assert_eq!(steps.expect("it can be read").times_ms.len(), 365 * 24);
    }
    for _ in 0..arguments.reads.min(5) {
        let began = Instant::now();
        let read: Vec<(i64, f64, f64, f64, i64)> = sqlx::query_as(
            "SELECT ts / 3600000, min(v0), avg(v0), max(v0), count(*) FROM reading \
             WHERE instrument = 2 GROUP BY 1 ORDER BY 1",
        )
        .fetch_all(&rows)
        .await
        .expect("rows can be read");
        took[3].push(began.elapsed());
        assert_eq!(read.len(), 365 * 24);
    }
    took.iter_mut().for_each(|took| took.sort_unstable());
    let ms = |which: usize, part| quantile_ms(&took[which], part);
    for (what, store, rows) in [("24 h raw", 0, 1), ("a year by hour", 2, 3)] {
        println!(
            "{what}: store p50 {:.2} ms, p95 {:.2} ms; rows p50 {:.2} ms; ratio {:.3}, budget 5 ms",
            ms(store, 0.5),
            ms(store, 0.95),
            ms(rows, 0.5),
            ms(store, 0.5) / ms(rows, 0.5)
        );
    }
}

/// What a meter would say: each value in steps of its sensor, noise on top of a day's load.
fn values(number: u32, second: i64) -> [f64; 6] {
    let mut seed = u64::from(number) << 32 | (second as u64 & 0xffff_ffff);
    let mut noise = move || {
        // SplitMix64, https://prng.di.unimi.it/splitmix64.c
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    let is_running = (second / 1_800 + i64::from(number)) % 3 == 0;
    let load = if is_running { 400.0 } else { 35.0 };
    let to = |value: f64, digits: i32| {
        let unit = 10_f64.powi(digits);
        (value * unit).round() / unit
    };
    let power = to(load + 4.0 * noise(), 1);
    let voltage = to(231.0 + noise(), 1);
    [
        power,
        voltage,
        to(power / voltage, 2),
        to(120.0 + load * second as f64 / 3.6e6, 2),
        to(50.0 + 0.04 * noise(), 2),
        to(24.0 + 0.2 * noise() + load / 200.0, 1),
    ]
}

struct Store {
    history: History,
    writer: Writer,
    caretaker: Caretaker,
    clock: Clock,
    looking: SqlitePool,
}

impl Store {
    async fn open(folder: &Path) -> (Self, gateway::clock::Hand) {
        let (clock, hand) = Clock::manual(Micros::new(T0_MS * 1_000));
        let history = History::open(folder, clock.clone()).await;
        let history = history.expect("the store can be opened");
        let (mut writer, _) = history.take_writer().expect("nobody has it");
        for name in CHANNELS {
            let name = ChannelName::parse(name).expect("it is a name");
            writer
                .channel(&name, scheduler::id::NodeId::new(1))
                .expect("there are few");
        }
        let kept = Kept {
            raw_days: 1_000,
            minute_days: 1_000,
            hour_days: 0,
        };
        let caretaker = history.take_caretaker(kept).expect("nobody has it");
        let file = SqliteConnectOptions::new().filename(folder.join("telemetry.db"));
        let looking = SqlitePool::connect_with(file.read_only(true)).await;
        let store = Self {
            history,
            writer,
            caretaker,
            clock,
            looking: looking.expect("the file can be read"),
        };
        (store, hand)
    }

    async fn commit(&mut self, batches: Vec<Batch>) {
        let numbers = CHANNELS.map(|name| {
            let name = ChannelName::parse(name).expect("it is a name");
            self.writer.known_channel(&name).expect("it was given")
        });
        let rows = batches.into_iter().map(|(number, lines)| {
            let mut rows = Rows::of_channels(&numbers);
            for (time_ms, values) in lines {
                rows.push(time_ms, values.map(Cell::Good), ClockMark::default());
            }
            (InstrumentId::new(number), rows)
        });
        let group = Group {
            rows: rows.collect(),
            ..Group::default()
        };
        let mut prepared = self.writer.prepare(group, self.clock.now());
        let written = self.writer.execute(&mut prepared).await;
        written.expect("the store can be written");
        self.writer.apply(prepared);
    }

    async fn tidy(&mut self) {
        while self.caretaker.work().await.expect("the caretaker works") {}
    }

    async fn number(&self, statement: &'static str) -> f64 {
        let found: i64 = sqlx::query_scalar(statement)
            .fetch_one(&self.looking)
            .await
            .expect("the file can be read");
        found as f64
    }

    /// Returns the bytes of blocks and their columns, with the keys and lengths of their rows.
    async fn blocks_bytes(&self) -> f64 {
        let blocks = "SELECT coalesce(sum(length(data) + 40), 0) FROM block";
        let columns = "SELECT coalesce(sum(length(data) + 12), 0) FROM block_column";
        self.number(blocks).await + self.number(columns).await
    }

    async fn file_bytes(&self) -> f64 {
        pages(&self.looking).await
    }
}

/// Returns the bytes of the pages that a file uses.
async fn pages(pool: &SqlitePool) -> f64 {
    let statement = "SELECT (page_count - freelist_count) * page_size \
        FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";
    let found: i64 = sqlx::query_scalar(statement)
        .fetch_one(pool)
        .await
        .expect("the file can be read");
    found as f64
}

/// Opens what the store is compared with: a row a reading, as durable.
async fn open_rows(folder: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("rows.db"))
        .create_if_missing(true)
        .page_size(8_192)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.expect("rows can be kept");
    let table = "CREATE TABLE reading (instrument INTEGER NOT NULL, ts INTEGER NOT NULL, \
        v0 REAL, v1 REAL, v2 REAL, v3 REAL, v4 REAL, v5 REAL, \
        PRIMARY KEY (instrument, ts)) WITHOUT ROWID";
    let made = sqlx::query(table).execute(&pool).await;
    made.expect("a table can be made");
    pool
}

async fn insert_rows(pool: &SqlitePool, time_ms: i64, lines: &[(u32, [f64; 6])]) {
    let mut transaction = pool.begin().await.expect("rows can be written");
    for (number, values) in lines {
        insert_row(&mut transaction, *number, time_ms, values).await;
    }
    transaction.commit().await.expect("rows can be written");
}

async fn insert_row(
    connection: &mut sqlx::SqliteConnection,
    number: u32,
    time_ms: i64,
    values: &[f64; 6],
) {
    let mut query = sqlx::query("INSERT INTO reading VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(number)
        .bind(time_ms);
    for value in values {
        query = query.bind(*value);
    }
    let written = query.execute(connection).await;
    written.expect("rows can be written");
}
