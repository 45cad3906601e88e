//! Starts a gateway on a full region, and tells how long it took until it booked.

use std::time::{Duration, Instant};

use clap::Parser;
use tests::gateway::{Gateway, READY, Setup};
use tests::measure::{quantile_ms, rss_mib};
use tests::raw_http::Connection;
use tests::region::{Plan, Region};
use tests::times::{QUARTER_MS, quarter_ahead_ms, rfc3339};
use tokio::task::JoinSet;

/// Pause between two tries to book.
const AGAIN: Duration = Duration::from_millis(2);
/// Where no instrument has a booking: hours ahead.
const FREE_H: i64 = 12 * 24;
/// The budget.
const BUDGET_S: f64 = 1.0;

/// Measures the time from the start of the program to the first booking answered over HTTP, with
/// 5,534 instruments and 110,000 bookings in the database.
///
/// Run it by `cargo bench -p tests --bench start`. The budget is one second.
#[derive(Parser)]
struct Arguments {
    /// Cargo says that this is a benchmark; nothing follows from it.
    #[arg(long, hide = true)]
    bench: bool,
    /// How many instruments.
    #[arg(long, default_value_t = 5_534)]
    instruments: usize,
    /// Bookings on each, at most 90.
    #[arg(long, default_value_t = 20)]
    bookings: usize,
    /// Seconds of starting again and again; at least once.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    assert!(arguments.bookings <= 90, "the horizon has no room for more");
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let setup = Setup::new(dir.path());
    let plan = Plan {
        researchers: 1_000,
        instruments: arguments.instruments,
        agents: 300,
    };
    let region = Region::fill_with(&setup, plan, plan.bookings(arguments.bookings)).await;
    // The first start chooses the ports; from then on they are known before it listens.
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let first_ms = quarter_ahead_ms(FREE_H);
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let mut took = Vec::new();
    while took.is_empty() || Instant::now() < until {
        assert_eq!(gateway.stop().await, Some(0), "it stops when asked");
        let slot_ms = first_ms + took.len() as i64 * QUARTER_MS;
        let body = format!(
            r#"{{"instrument":"{}","start":"{}","end":"{}","purpose":"start"}}"#,
            region.instruments[0],
            rfc3339(slot_ms),
            rfc3339(slot_ms + QUARTER_MS)
        );
        let mut waiting = JoinSet::new();
        let began = Instant::now();
        let token = region.researchers[0].token.clone();
        waiting.spawn(first_booking(gateway.url(), token, body));
        gateway.restart().await;
        let booked = waiting.join_next().await.expect("it was spawned");
        took.push(booked.expect("it books") - began);
    }
    took.sort_unstable();
    let (median, worst) = (quantile_ms(&took, 0.5) / 1e3, quantile_ms(&took, 1.0) / 1e3);
    println!(
        "start: {} instruments, {} bookings: first booking after {median:.2} s, at worst \
         {worst:.2} s of {} starts, {:.0} MiB",
        arguments.instruments,
        arguments.instruments * arguments.bookings,
        took.len(),
        rss_mib(gateway.process().id())
    );
    println!(
        "ratio: {:.2} of the budget of {BUDGET_S} s",
        median / BUDGET_S
    );
    gateway.stop().await;
}

/// Tries to book until it is done; returns when that was.
async fn first_booking(url: String, token: String, body: String) -> Instant {
    let began = Instant::now();
    while began.elapsed() < READY {
        if let Ok(mut connection) = Connection::open(&url).await
            && let Ok((201, _)) = connection.post("/api/v1/bookings", &token, &body).await
        {
            return Instant::now();
        }
        tokio::time::sleep(AGAIN).await;
    }
    panic!("no booking within {READY:?}");
}
