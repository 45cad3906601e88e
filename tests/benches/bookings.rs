//! Books as fast as the gateway answers, beside PostgreSQL's own exclusion inserts.

use std::time::{Duration, Instant};

use clap::Parser;
use tests::gateway::{Gateway, Setup};
use tests::measure::{cpu_s, quantile_ms, rss_mib};
use tests::pgbench::exclusion_inserts;
use tests::postgres::Postgres;
use tests::raw_http::Connection;
use tests::region::{Plan, Region};
use tests::times::{now_ms, rfc3339};
use tokio::task::JoinSet;

const QUARTER_S: i64 = 15 * 60;
/// Slots of half an hour on one instrument, from the day after tomorrow on.
const SLOTS_A_DAY: i64 = 48;
const DAYS: i64 = 10;

/// Measures bookings a second over HTTP, each authenticated, judged and durable, and prints them as
/// a ratio to PostgreSQL's exclusion inserts by pgbench with as many clients in the same run.
///
/// Run it by `cargo bench -p tests --bench bookings -- --seconds 5`. It starts a gateway of its own
/// (rate limits off, members with a token each) and needs PostgreSQL installed.
#[derive(Parser, Clone)]
struct Arguments {
    /// Cargo says that this is a benchmark; nothing follows from it.
    #[arg(long, hide = true)]
    bench: bool,
    /// Connections that book at the same time.
    #[arg(long, default_value_t = 32)]
    clients: u32,
    /// Seconds of booking.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Members; each request carries the token of another one.
    #[arg(long, default_value_t = 1_000)]
    members: usize,
    /// Instruments; more are needed than `bookings a second * seconds / 480`.
    #[arg(long, default_value_t = 2_000)]
    instruments: usize,
    /// Keep bookings in PostgreSQL instead of SQLite.
    #[arg(long)]
    postgres: bool,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let server = Postgres::start(dir.path()).await;
    let mut setup = Setup::new(dir.path());
    setup.database = arguments.postgres.then(|| server.database("ortoo"));
    let plan = Plan {
        researchers: arguments.members,
        instruments: arguments.instruments,
        agents: 1,
    };
    let region = Region::fill(&setup, plan).await;
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let process = gateway.process().id();

    let (cpu, began) = (cpu_s(process), Instant::now());
    let mut took = book(&arguments, &gateway.url(), &region).await;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = cpu_s(process) - cpu;
    took.sort_unstable();
    let rate = took.len() as f64 / seconds;
    println!(
        "bookings: {rate:.0}/s over HTTP, {} clients, {} members, p50 {:.1} ms, p99 {:.1} ms, \
         gateway {:.0} us of CPU each, {:.0} MiB",
        arguments.clients,
        arguments.members,
        quantile_ms(&took, 0.5),
        quantile_ms(&took, 0.99),
        cpu * 1e6 / took.len() as f64,
        rss_mib(process)
    );
    gateway.stop().await;
    let limit = exclusion_inserts(&server, dir.path(), arguments.clients, arguments.seconds);
    println!(
        "pgbench: {:.0} exclusion inserts/s, {} clients, p50 {:.1} ms, p99 {:.1} ms",
        limit.per_second, arguments.clients, limit.p50_ms, limit.p99_ms
    );
    println!(
        "ratio: {:.2} of PostgreSQL's exclusion inserts",
        rate / limit.per_second
    );
}

/// Books from all connections until the time is over; returns how long each booking took.
async fn book(arguments: &Arguments, url: &str, region: &Region) -> Vec<Duration> {
    let day = 86_400;
    let first = (now_ms() / 1000 / day + 2) * day;
    let until = Instant::now() + Duration::from_secs(arguments.seconds.into());
    let mut clients = JoinSet::new();
    for client in 0..arguments.clients as usize {
        let tokens: Vec<String> = region
            .researchers
            .iter()
            .map(|who| who.token.clone())
            .collect();
        let keys = region.instruments.clone();
        let (url, step) = (url.to_owned(), arguments.clients as usize);
        clients.spawn(async move {
            let mut connection = Connection::open(&url).await.expect("the gateway listens");
            let mut took = Vec::new();
            // Every client walks over slots of its own, so that all requests are accepted.
            for number in (client..).step_by(step) {
                if Instant::now() > until {
                    break;
                }
                let slot = (number / keys.len()) as i64;
                assert!(
                    slot < SLOTS_A_DAY * DAYS,
                    "all slots are booked: more --instruments"
                );
                let start = first + slot * 2 * QUARTER_S;
                let body = format!(
                    r#"{{"instrument":"{}","start":"{}","end":"{}","purpose":"measurement"}}"#,
                    keys[number % keys.len()],
                    rfc3339(start * 1000),
                    rfc3339((start + 2 * QUARTER_S) * 1000)
                );
                let token = &tokens[number % tokens.len()];
                let asked = Instant::now();
                let answer = connection.post("/api/v1/bookings", token, &body).await;
                let (status, answer) = answer.expect("the gateway answers");
                assert_eq!(status, 201, "{body}: {}", String::from_utf8_lossy(&answer));
                took.push(asked.elapsed());
            }
            took
        });
    }
    clients.join_all().await.concat()
}
