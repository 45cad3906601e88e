//! The whole region at work: every instrument's agent connected, a report a second, for minutes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::Value;
use tests::bare_broker::{self, BareBroker};
use tests::gateway::{Gateway, Setup};
use tests::load::{Answer, Lags, LoadSession};
use tests::measure::{cpu_s, rss_mib};
use tests::region::{Plan, Region};
use tests::times::{now_ms, rfc3339};
use tests::wait;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The budgets of the design: cores, MiB and milliseconds of lag at the 99th percentile.
const BUDGET: (f64, f64, usize) = (0.35, 350.0, 500);
/// All are connected within this time.
const CONNECTED: Duration = Duration::from_secs(180);
/// A load that is not acknowledged within this time after its end is lost.
const DRAIN: Duration = Duration::from_secs(60);

/// Measures what the gateway costs with every instrument of the region reporting: CPU, memory, lag
/// from sending to durable acknowledgement, and loss. One connection and one instrument an agent, six
/// values a message at QoS 1, the embedded broker.
///
/// Run it by `cargo bench -p tests --bench region -- --seconds 600`, with `--hz 2` for twice the load.
/// Before the gateway the same load runs against a bare broker for `--bare-seconds`: what the
/// connections alone cost. Afterwards the counters of some instruments are read from history; every
/// number must be there once.
#[derive(Parser)]
struct Arguments {
    /// Cargo says that this is a benchmark; nothing follows from it.
    #[arg(long, hide = true)]
    bench: bool,
    /// Agents, one instrument each.
    #[arg(long, default_value_t = 5_534)]
    agents: usize,
    /// Reports of an agent a second.
    #[arg(long, default_value_t = 1.0)]
    hz: f64,
    /// Seconds of reporting.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds of reporting to the bare broker; 0 leaves it out.
    #[arg(long, default_value_t = 20)]
    bare_seconds: u64,
    /// Most reports of an agent without acknowledgement: then it keeps the next one for later.
    #[arg(long, default_value_t = 32)]
    window: usize,
    /// Instruments whose history is read.
    #[arg(long, default_value_t = 50)]
    read: usize,
}

/// What the fleet is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connect,
    Report,
    Drain,
}

/// What a fleet did.
struct Outcome {
    /// Reports of each agent.
    sent: Vec<u64>,
    /// Reports that waited because the window was full.
    held: u64,
    cores: f64,
    peak_mib: f64,
    lags: Arc<Lags>,
}

#[tokio::main]
async fn main() {
    if std::env::args().any(|word| word == bare_broker::FLAG) {
        bare_broker::run().await;
        return;
    }
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let setup = Setup::new(dir.path());
    let plan = Plan {
        researchers: 1,
        instruments: arguments.agents,
        agents: arguments.agents,
    };
    let region = Region::fill(&setup, plan).await;
    let bare = match arguments.bare_seconds {
        0 => None,
        seconds => Some(measure_bare(&arguments, &region, dir.path(), seconds).await),
    };
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let began_ms = now_ms();
    let (url, process) = (gateway.mqtt_url(), gateway.process().id());
    let seconds = arguments.seconds;
    let outcome = run_fleet(&arguments, &region, &url, Answer::Commit, process, seconds).await;
    report(&arguments, &outcome, bare);
    let metrics = gateway.metrics().await;
    println!(
        "gateway says: {} batches, {} lost, {} duplicates, {} rejects",
        metrics.sum("ortoo_telemetry_batches_total", &[]),
        metrics.sum("ortoo_telemetry_gaps_total", &[]),
        metrics.sum("ortoo_telemetry_duplicates_total", &[]),
        metrics.sum("ortoo_telemetry_rejected_total", &[]),
    );
    read_back(&arguments, &region, &gateway, &outcome, began_ms).await;
}

/// Returns the cores that a broker without a gateway takes.
async fn measure_bare(arguments: &Arguments, region: &Region, dir: &Path, seconds: u64) -> f64 {
    let broker = BareBroker::start(dir).await;
    let (url, process) = (&broker.url, broker.id());
    let outcome = run_fleet(arguments, region, url, Answer::Puback, process, seconds).await;
    println!(
        "bare broker: {:.3} of a core, {:.0} MiB",
        outcome.cores, outcome.peak_mib
    );
    outcome.cores
}

/// Lets all connect, then report, then waits for the last answer.
async fn run_fleet(
    arguments: &Arguments,
    region: &Region,
    url: &str,
    answer: Answer,
    process: u32,
    seconds: u64,
) -> Outcome {
    let (phase, phases) = watch::channel(Phase::Connect);
    let (open, mut opened) = watch::channel(0);
    let open = Arc::new(open);
    let lags = Arc::new(Lags::default());
    let mut fleet = JoinSet::new();
    let every = Duration::from_secs_f64(1.0 / arguments.hz);
    for (number, agent) in region.agents.iter().enumerate() {
        let session = LoadSession::new(url, agent, &region.instruments[number], answer).await;
        let member = Member {
            number,
            session,
            every,
            offset: every.mul_f64(number as f64 / arguments.agents as f64),
            window: arguments.window,
            lags: Arc::clone(&lags),
        };
        fleet.spawn(member.run(phases.clone(), Arc::clone(&open)));
        if number % 50 == 49 {
            tokio::time::sleep(Duration::from_millis(50)).await; // a thousand connects a second
        }
    }
    let all = opened.wait_for(|count| *count == arguments.agents);
    tokio::time::timeout(CONNECTED, all)
        .await
        .expect("all are connected in time")
        .expect("the fleet lives");
    phase.send_replace(Phase::Report);
    let (cpu, began) = (cpu_s(process), Instant::now());
    let mut peak_mib: f64 = 0.0;
    while began.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        peak_mib = peak_mib.max(rss_mib(process));
    }
    let cores = (cpu_s(process) - cpu) / began.elapsed().as_secs_f64();
    phase.send_replace(Phase::Drain);
    let done = tokio::time::timeout(DRAIN, fleet.join_all());
    let mut done = done.await.expect("every report is acknowledged");
    done.sort_unstable();
    Outcome {
        sent: done.iter().map(|(_, sent, _)| *sent).collect(),
        held: done.iter().map(|(_, _, held)| *held).sum(),
        cores,
        peak_mib,
        lags,
    }
}

/// One agent of the fleet.
struct Member {
    number: usize,
    session: LoadSession,
    every: Duration,
    offset: Duration,
    window: usize,
    lags: Arc<Lags>,
}

impl Member {
    /// Returns its number, how many reports it sent and how many of them had to wait.
    async fn run(
        mut self,
        mut phases: watch::Receiver<Phase>,
        open: Arc<watch::Sender<usize>>,
    ) -> (usize, u64, u64) {
        while !self.session.is_open() {
            self.session.hear(|_| {}).await;
        }
        open.send_modify(|count| *count += 1);
        while *phases.borrow_and_update() == Phase::Connect {
            tokio::select! {
                _ = phases.changed() => {}
                () = self.session.hear(|_| {}) => {}
            }
        }
        let first = tokio::time::Instant::now() + self.offset;
        let mut tick = tokio::time::interval_at(first, self.every);
        let (mut due, mut held) = (0_u64, 0_u64);
        loop {
            let is_over = *phases.borrow_and_update() == Phase::Drain;
            if is_over && self.session.unanswered() == 0 {
                return (self.number, self.session.sent(), held);
            }
            while !is_over && due > 0 && self.session.unanswered() < self.window {
                if !self.session.send() {
                    break;
                }
                due -= 1;
            }
            tokio::select! {
                _ = tick.tick(), if !is_over => {
                    held += u64::from(due > 0);
                    due += 1;
                }
                _ = phases.changed() => {}
                () = self.session.hear(|lag| self.lags.note(lag)) => {}
            }
        }
    }
}

fn report(arguments: &Arguments, outcome: &Outcome, bare: Option<f64>) {
    let (cores, mib, lag) = BUDGET;
    let (lags, sent) = (&outcome.lags, outcome.sent.iter().sum::<u64>());
    println!(
        "region: {} connections at {} Hz for {} s: {sent} reports, {} acknowledged, {} held back by \
         their window",
        arguments.agents,
        arguments.hz,
        arguments.seconds,
        lags.count(),
        outcome.held,
    );
    println!(
        "gateway: {:.3} of a core (budget {cores}), peak {:.0} MiB (budget {mib:.0}), lag p50 {} ms, \
         p99 {} ms (budget {lag}), longest {} ms",
        outcome.cores,
        outcome.peak_mib,
        lags.quantile_ms(0.5),
        lags.quantile_ms(0.99),
        lags.quantile_ms(1.0),
    );
    if let Some(bare) = bare {
        println!("ratio: {:.2} of the bare broker", outcome.cores / bare);
    }
}

/// Reads counters of instruments spread over the region: every number once, in order.
async fn read_back(
    arguments: &Arguments,
    region: &Region,
    gateway: &Gateway,
    outcome: &Outcome,
    began_ms: i64,
) {
    let client = gateway.client().with_token(&region.admin.token);
    let step = (arguments.agents / arguments.read.max(1)).max(1);
    let (mut read, mut numbers_read) = (0, 0);
    for number in (0..arguments.agents).step_by(step) {
        let path = format!(
            "/api/v1/instruments/{}/readings?channel=energy_wh&from={}&to={}",
            region.instruments[number],
            rfc3339(began_ms),
            rfc3339(now_ms() + 60_000)
        );
        let expected = outcome.sent[number];
        let what = format!("the history of {}", region.instruments[number]);
        // What is committed is readable at once; the look is repeated for the last group's reader.
        let numbers = wait::until(&what, Duration::from_secs(5), async || {
            let history = client.get(&path).await.expect(200);
            let values = history["values"].as_array().cloned().unwrap_or_default();
            let numbers: Vec<u64> = values.iter().filter_map(as_number).collect();
            if numbers.iter().copied().eq(1..=expected) {
                Ok(numbers.len())
            } else {
                Err(format!("{} of {expected}: {numbers:?}", numbers.len()))
            }
        })
        .await;
        read += 1;
        numbers_read += numbers;
    }
    println!("history: {numbers_read} counts of {read} instruments, each there once and in order");
}

fn as_number(value: &Value) -> Option<u64> {
    value.as_f64().map(|number| number as u64)
}
