//! Asks for the earliest slots over all instruments, as fast as the gateway answers.

use std::time::{Duration, Instant};

use clap::Parser;
use tests::gateway::{Gateway, Setup};
use tests::measure::{cpu_s, quantile_ms, rss_mib};
use tests::raw_http::Connection;
use tests::region::{Plan, Region};
use tests::times::{now_ms, rfc3339};
use tokio::task::JoinSet;

/// Half-hour slots are booked on every instrument before the measurement: begins in minutes of the
/// day after tomorrow.
const BOOKED_MIN: [i64; 6] = [0, 45, 120, 240, 300, 420];

/// Measures the pool search over HTTP: p50 and p99 of `GET /availability` for two hours over all
/// instruments, with rules judged for the caller.
///
/// Run it as a release build: `cargo run --release -p tests --bin pool_load`. It starts a gateway
/// of its own, rate limits off. The budget of the search itself over 5,534 instruments with the
/// caller's rules is 5 ms.
#[derive(Parser, Clone)]
struct Arguments {
    /// Connections that ask at the same time; one shows the time of a lone question.
    #[arg(long, default_value_t = 1)]
    clients: u32,
    /// Seconds of asking.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Instruments, all of the one capability that is asked for.
    #[arg(long, default_value_t = 5_534)]
    instruments: usize,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let setup = Setup::new(dir.path());
    let plan = Plan {
        researchers: 32,
        instruments: arguments.instruments,
        agents: 1,
    };
    let region = Region::fill(&setup, plan).await;
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let (process, url) = (gateway.process().id(), gateway.url());
    fill(&url, &region).await;

    // The first question puts together what the others find ready.
    let first = ask(&url, &region, 1, Duration::ZERO).await;
    println!("first question: {:.1} ms", quantile_ms(&first, 1.0));
    let (cpu, began) = (cpu_s(process), Instant::now());
    let time = Duration::from_secs(arguments.seconds.into());
    let mut took = ask(&url, &region, arguments.clients, time).await;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = cpu_s(process) - cpu;
    took.sort_unstable();
    println!(
        "pool of {}: {:.0} questions/s over HTTP, {} clients, p50 {:.2} ms, p99 {:.2} ms, \
         gateway {:.0} us of CPU each, {:.0} MiB",
        arguments.instruments,
        took.len() as f64 / seconds,
        arguments.clients,
        quantile_ms(&took, 0.5),
        quantile_ms(&took, 0.99),
        cpu * 1e6 / took.len() as f64,
        rss_mib(process)
    );
    gateway.stop().await;
}

/// The begin of the day after tomorrow, in seconds.
fn first_day_s() -> i64 {
    (now_ms() / 1000 / 86_400 + 2) * 86_400
}

/// Books some slots on every instrument, from many connections.
async fn fill(url: &str, region: &Region) {
    let mut clients = JoinSet::new();
    for (nth, who) in region.researchers.iter().enumerate() {
        let (url, token) = (url.to_owned(), who.token.clone());
        let mine: Vec<String> = region
            .instruments
            .iter()
            .skip(nth)
            .step_by(region.researchers.len())
            .cloned()
            .collect();
        clients.spawn(async move {
            let mut connection = Connection::open(&url).await.expect("the gateway listens");
            for key in mine {
                for minute in BOOKED_MIN {
                    let start = first_day_s() + minute * 60;
                    let body = format!(
                        r#"{{"instrument":"{key}","start":"{}","end":"{}","purpose":"measurement"}}"#,
                        rfc3339(start * 1000),
                        rfc3339((start + 1_800) * 1000)
                    );
                    let answer = connection.post("/api/v1/bookings", &token, &body).await;
                    let (status, answer) = answer.expect("the gateway answers");
                    assert_eq!(status, 201, "{body}: {}", String::from_utf8_lossy(&answer));
                }
            }
        });
    }
    clients.join_all().await;
}

/// Asks from all connections until the time is over, at least once; returns how long each took.
async fn ask(url: &str, region: &Region, clients: u32, time: Duration) -> Vec<Duration> {
    let until = Instant::now() + time;
    let from = rfc3339(first_day_s() * 1000).replace('+', "%2B");
    let mut asking = JoinSet::new();
    for who in region.researchers.iter().take(clients as usize) {
        let (url, token) = (url.to_owned(), who.token.clone());
        let path = format!("/api/v1/availability?capability=xrd&duration=PT2H&from={from}");
        asking.spawn(async move {
            let mut connection = Connection::open(&url).await.expect("the gateway listens");
            let mut took = Vec::new();
            loop {
                let asked = Instant::now();
                let answer = connection.get(&path, &token).await;
                let (status, answer) = answer.expect("the gateway answers");
                assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
                took.push(asked.elapsed());
                if Instant::now() > until {
                    return took;
                }
            }
        });
    }
    asking.join_all().await.concat()
}
