//! The gateway is killed under a region of agents and started again: how long until all are in step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agents::clock::Clock;
use agents::config::{Gateway as Broker, Secret};
use agents::fleet::SimulatedAgent;
use clap::Parser;
use tests::gateway::{Gateway, Setup};
use tests::measure::{cpu_s, rss_mib};
use tests::publisher::host_and_port;
use tests::region::{Plan, Region};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::{AgentName, ChannelName, Clocks, InstrumentKey, Series};

/// The limit of the issue and of the design.
const LIMIT_S: f64 = 120.0;
/// No late reading for so long: nobody has a backlog any more.
const QUIET: Duration = Duration::from_secs(3);
/// Longer than this nobody waits.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures how long a restarted gateway takes until every agent is connected, and until the readings
/// of the outage have come too. Real agents' code in this process, one instrument and one connection
/// each, one reading a second.
///
/// Run it by `cargo bench -p tests --bench storm`. The budget of 5,534 agents is 120 s.
#[derive(Parser)]
struct Arguments {
    /// Cargo says that this is a benchmark; nothing follows from it.
    #[arg(long, hide = true)]
    bench: bool,
    /// How many agents.
    #[arg(long, default_value_t = 5_534)]
    agents: usize,
    /// Seconds in which the gateway is away.
    #[arg(long, default_value_t = 20)]
    down: u64,
    /// Seconds between two readings.
    #[arg(long, default_value_t = 1)]
    every: u64,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let setup = Setup::new(dir.path());
    let plan = Plan {
        researchers: 1,
        instruments: arguments.agents,
        agents: arguments.agents,
    };
    let region = Region::fill(&setup, plan).await;
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let made = Arc::new(AtomicU64::new(0));
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    for number in 0..arguments.agents {
        let agent = agent(&arguments, &region, number, &gateway.mqtt_url(), &made);
        running.spawn(agent.run(Clock::system(), stop.clone()));
    }
    let took = in_step(&gateway, arguments.agents).await;
    println!("first start: {took}");
    gateway.kill();
    tokio::time::sleep(Duration::from_secs(arguments.down)).await;
    gateway.restart().await;
    let took = in_step(&gateway, arguments.agents).await;
    println!(
        "after {} s away: {took}; limit {LIMIT_S} s, ratio {:.2}",
        arguments.down,
        took.in_step_s / LIMIT_S
    );
    let metrics = gateway.metrics().await;
    let process = gateway.process().id();
    println!(
        "since the restart: {} batches, {} late points, {} duplicates, {} lost; {} made in all; \
         {:.1} s of CPU, {:.0} MiB",
        metrics.sum("ortoo_telemetry_batches_total", &[]),
        metrics.sum("ortoo_telemetry_late_points_total", &[]),
        metrics.sum("ortoo_telemetry_duplicates_total", &[]),
        metrics.sum("ortoo_telemetry_gaps_total", &[]),
        made.load(Ordering::Relaxed),
        cpu_s(process),
        rss_mib(process)
    );
    stop.cancel();
    running.join_all().await;
}

fn agent(
    arguments: &Arguments,
    region: &Region,
    number: usize,
    url: &str,
    made: &Arc<AtomicU64>,
) -> SimulatedAgent {
    let identity = &region.agents[number];
    let (host, port) = host_and_port(url);
    let key = InstrumentKey::parse(&region.instruments[number]).expect("the region's own key");
    let channel = ChannelName::parse("power_w").expect("a channel's name");
    let made = Arc::clone(made);
    let source = move |_: Clocks| {
        let count = made.fetch_add(1, Ordering::Relaxed);
        vec![Series {
            key: key.clone(),
            offsets_ms: vec![0],
            channels: vec![channel.clone()],
            values: vec![vec![Some((count % 500) as f64)]],
            bad: Vec::new(),
        }]
    };
    let every = Duration::from_secs(arguments.every);
    SimulatedAgent {
        name: AgentName::parse(&identity.name).expect("the region's own name"),
        secret: Secret::new(identity.secret.clone()),
        gateway: Broker { host, port },
        devices: Vec::new(),
        report_every: every,
        ask_every: every,
        ask_after: every.mul_f64(number as f64 / arguments.agents as f64),
        source: Box::new(source),
    }
}

/// How long it took.
struct Took {
    connected_s: f64,
    in_step_s: f64,
}

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "all connected after {:.1} s, in step after {:.1} s",
            self.connected_s, self.in_step_s
        )
    }
}

/// Waits until all are connected and nobody brings anything late.
async fn in_step(gateway: &Gateway, agents: usize) -> Took {
    let from = Instant::now();
    let (mut connected_s, mut late) = (None, (0.0, from));
    loop {
        assert!(from.elapsed() < PATIENCE, "they do not come back");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let metrics = gateway.metrics().await;
        let now_late = metrics.sum("ortoo_telemetry_late_points_total", &[]);
        if now_late > late.0 {
            late = (now_late, Instant::now());
        }
        let online = metrics.sum("ortoo_telemetry_agents_online", &[]);
        if online < agents as f64 {
            continue;
        }
        let connected = *connected_s.get_or_insert(from.elapsed().as_secs_f64());
        if late.1.elapsed() >= QUIET && from.elapsed().as_secs_f64() - connected >= 1.0 {
            let in_step_s = late.1.duration_since(from).as_secs_f64().max(connected);
            return Took {
                connected_s: connected,
                in_step_s,
            };
        }
    }
}
