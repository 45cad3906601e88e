//! Reads weeks of instruments over HTTP, beside PostgreSQL's own prepared reads of the same weeks.

use std::time::{Duration, Instant};

use clap::Parser;
use rand::RngExt as _;
use tests::gateway::{Gateway, Setup};
use tests::measure::{cpu_s, quantile_ms, rss_mib};
use tests::pgbench::week_reads;
use tests::postgres::Postgres;
use tests::raw_http::Connection;
use tests::region::{Plan, Region};
use tests::times::{now_ms, rfc3339};
use tokio::task::JoinSet;

const DAY_MS: i64 = 86_400_000;

/// Measures weeks a second over HTTP (what is free, taken and closed on one instrument) as a ratio
/// to reads of the same bookings by pgbench, prepared, with as many clients in the same run.
///
/// Run it by `cargo bench -p tests --bench week -- --seconds 5`. The load generator shares the
/// cores with the gateway. It needs PostgreSQL installed. The budget is 0.8 of PostgreSQL's reads.
#[derive(Parser, Clone)]
struct Arguments {
    /// Cargo says that this is a benchmark; nothing follows from it.
    #[arg(long, hide = true)]
    bench: bool,
    /// Connections that read at the same time.
    #[arg(long, default_value_t = 8)]
    clients: u32,
    /// Seconds of reading.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Instruments.
    #[arg(long, default_value_t = 1_000)]
    instruments: usize,
    /// Bookings of an hour in the week of each, at most 56.
    #[arg(long, default_value_t = 20)]
    bookings: usize,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    assert!(arguments.bookings <= 56, "a week has no room for more");
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let setup = Setup::new(dir.path());
    let plan = Plan {
        researchers: 100,
        instruments: arguments.instruments,
        agents: 1,
    };
    let region = Region::fill_with(&setup, plan, plan.bookings(arguments.bookings)).await;
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let process = gateway.process().id();

    let (cpu, began) = (cpu_s(process), Instant::now());
    let mut took = read(&arguments, &gateway.url(), &region).await;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = cpu_s(process) - cpu;
    took.sort_unstable();
    let rate = took.len() as f64 / seconds;
    println!(
        "weeks: {rate:.0}/s over HTTP, {} clients, {} bookings in each, p50 {:.2} ms, p99 {:.2} \
         ms, gateway {:.0} us of CPU each, {:.0} MiB",
        arguments.clients,
        arguments.bookings,
        quantile_ms(&took, 0.5),
        quantile_ms(&took, 0.99),
        cpu * 1e6 / took.len() as f64,
        rss_mib(process)
    );
    gateway.stop().await;
    let server = Postgres::start(dir.path()).await;
    let limit = week_reads(
        &server,
        dir.path(),
        (arguments.instruments, arguments.bookings),
        (arguments.clients, arguments.seconds),
    );
    println!(
        "pgbench: {:.0} prepared week reads/s, {} clients, p50 {:.2} ms, p99 {:.2} ms",
        limit.per_second, arguments.clients, limit.p50_ms, limit.p99_ms
    );
    println!(
        "ratio: {:.2} of PostgreSQL's week reads (budget: at least 0.8)",
        rate / limit.per_second
    );
}

/// Reads weeks of random instruments until the time is over; returns how long each took.
async fn read(arguments: &Arguments, url: &str, region: &Region) -> Vec<Duration> {
    let from_ms = (now_ms() / DAY_MS + 1) * DAY_MS;
    let window = format!(
        "from={}&to={}",
        rfc3339(from_ms),
        rfc3339(from_ms + 7 * DAY_MS)
    );
    let until = Instant::now() + Duration::from_secs(arguments.seconds.into());
    let mut clients = JoinSet::new();
    for number in 0..arguments.clients as usize {
        let token = region.researchers[number % region.researchers.len()]
            .token
            .clone();
        let paths: Vec<String> = region
            .instruments
            .iter()
            .map(|key| format!("/api/v1/instruments/{key}/availability?{window}"))
            .collect();
        let (url, bookings) = (url.to_owned(), arguments.bookings);
        clients.spawn(async move {
            let mut connection = Connection::open(&url).await.expect("the gateway listens");
            let mut took = Vec::new();
            while Instant::now() < until {
                let path = &paths[rand::rng().random_range(0..paths.len())];
                let asked = Instant::now();
                let answer = connection.get(path, &token).await;
                let (status, body) = answer.expect("the gateway answers");
                took.push(asked.elapsed());
                assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
                if took.len() == 1 {
                    let week: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
                    let occupied = week["occupied"].as_array().map(Vec::len);
                    assert_eq!(occupied, Some(bookings), "{week:#}");
                }
            }
            took
        });
    }
    clients.join_all().await.concat()
}
