//! Publishes readings to durable acknowledgement, beside a bare subscriber that only counts them.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Parser;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tests::bare_broker::{self, BareBroker};
use tests::gateway::{Broker, Gateway, Setup};
use tests::load::{Answer, LoadSession};
use tests::measure::{cpu_s, quantile_ms, rss_mib};
use tests::mosquitto::Mosquitto;
use tests::process::Process;
use tests::publisher::host_and_port;
use tests::region::{Plan, Region};
use tests::wait;
use tokio::task::JoinSet;

/// How long the counter holds acknowledgements back, as the recorded limit did.
const COUNTER_BATCH: Duration = Duration::from_millis(50);
/// A load that is not acknowledged within this time is lost.
const DRAIN: Duration = Duration::from_secs(60);

/// Measures messages a second from MQTT to the durable acknowledgement, beside a limit in the same
/// run. Every message holds 6 values of one instrument at QoS 1.
///
/// `cargo bench -p tests --bench ingest -- --seconds 5` starts Mosquitto and a gateway of its own, and
/// compares the gateway's CPU a message with that of a bare rumqttc subscriber which counts the same
/// messages; the budget is 2.5 times the counter. With `--embedded --rate 0 --agents 4` the broker is
/// the gateway's own, and the limit is the same broker with a hook that only counts, under the same
/// load before; the budget is half its rate, with nothing lost.
#[derive(Parser, Clone)]
struct Arguments {
    /// Cargo says that this is a benchmark; nothing follows from it.
    #[arg(long, hide = true)]
    bench: bool,
    /// Agents that publish, one instrument each.
    #[arg(long, default_value_t = 8)]
    agents: usize,
    /// Messages a second of all agents together; 0 is as fast as acknowledgements come.
    #[arg(long, default_value_t = 5_534)]
    rate: u64,
    /// Seconds of publishing.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Most messages of an agent without durable acknowledgement.
    #[arg(long, default_value_t = 1_000)]
    window: usize,
    /// Use the embedded broker, and compare with a bare one.
    #[arg(long)]
    embedded: bool,
    /// Be the counter: subscribe at this broker until standard input ends.
    #[arg(long, hide = true)]
    count_at: Option<String>,
    /// As the counter: the file to make once subscribed.
    #[arg(long, hide = true)]
    ready: Option<PathBuf>,
}

#[tokio::main]
async fn main() {
    if std::env::args().any(|word| word == bare_broker::FLAG) {
        bare_broker::run().await;
        return;
    }
    let arguments = Arguments::parse();
    if let Some(url) = &arguments.count_at {
        let counted = count(url, arguments.ready.as_deref()).await;
        println!("{{\"counted\":{counted}}}");
        return;
    }
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut setup = Setup::new(dir.path());
    let plan = Plan {
        researchers: 1,
        instruments: arguments.agents,
        agents: arguments.agents,
    };
    let region = Region::fill(&setup, plan).await;
    let mut external = None;
    if !arguments.embedded {
        let agents: Vec<(&str, &str)> = region
            .agents
            .iter()
            .map(|a| (a.name.as_str(), a.secret.as_str()))
            .collect();
        let broker = Mosquitto::start(dir.path(), &agents).await;
        setup.broker = Broker::External(broker.gateway_url());
        external = Some(broker);
    }
    let bare_rate = match &external {
        Some(_) => None,
        None => Some(measure_bare(&arguments, &region, dir.path()).await),
    };
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let url = external
        .as_ref()
        .map_or_else(|| gateway.mqtt_url(), Mosquitto::url);
    let counter = match &external {
        Some(broker) => Some(start_counter(dir.path(), &broker.url()).await),
        None => None,
    };
    let rate = measure(&arguments, &region, &mut gateway, &url, counter).await;
    if let Some(bare) = bare_rate {
        println!("ratio: {:.2} of the bare broker's rate", rate / bare);
    }
}

/// Returns the messages a second that the bare broker takes.
async fn measure_bare(arguments: &Arguments, region: &Region, dir: &Path) -> f64 {
    let broker = BareBroker::start(dir).await;
    let cpu = cpu_s(broker.id());
    let (took, seconds) = load(arguments, region, &broker.url, Answer::Puback).await;
    let (messages, cpu) = (took.len() as f64, cpu_s(broker.id()) - cpu);
    println!(
        "bare broker: {:.0} messages/s to PUBACK, {:.1} us of CPU a message",
        messages / seconds,
        cpu * 1e6 / messages
    );
    messages / seconds
}

/// Returns how long each message waited, in order of length, and how long all took.
async fn load(
    arguments: &Arguments,
    region: &Region,
    url: &str,
    answer: Answer,
) -> (Vec<Duration>, f64) {
    let mut load = JoinSet::new();
    let began = Instant::now();
    for (agent, key) in region.agents.iter().zip(&region.instruments) {
        load.spawn(publish(
            LoadSession::new(url, agent, key, answer).await,
            arguments.rate as f64 / arguments.agents as f64,
            arguments.window,
            Duration::from_secs(arguments.seconds),
        ));
    }
    let mut took = load.join_all().await.concat();
    let seconds = began.elapsed().as_secs_f64();
    took.sort_unstable();
    (took, seconds)
}

/// Returns the messages a second that the gateway commits.
async fn measure(
    arguments: &Arguments,
    region: &Region,
    gateway: &mut Gateway,
    url: &str,
    counter: Option<Process>,
) -> f64 {
    let process = gateway.process().id();
    let counter_id = counter.as_ref().map_or(0, Process::id);
    let (cpu, counter_cpu) = (cpu_s(process), cpu_s(counter_id));
    let (took, seconds) = load(arguments, region, url, Answer::Commit).await;
    let (cpu, counter_cpu) = (cpu_s(process) - cpu, cpu_s(counter_id) - counter_cpu);
    let messages = took.len() as f64;
    let each = cpu * 1e6 / messages;
    println!(
        "gateway: {:.0} messages/s to durable acknowledgement, {messages} in all, none lost, lag \
         p50 {:.0} ms, p99 {:.0} ms, {each:.1} us of CPU a message, {:.2} cores, {:.0} MiB",
        messages / seconds,
        quantile_ms(&took, 0.5),
        quantile_ms(&took, 0.99),
        cpu / seconds,
        rss_mib(process)
    );
    if let Some(mut counter) = counter {
        drop(counter.input());
        let counted = counter.json_line(Duration::from_secs(10)).await["counted"].as_f64();
        let counted = counted.expect("the counter prints a number");
        assert!(
            counted >= messages,
            "the counter saw {counted} of {messages}"
        );
        let bare = counter_cpu * 1e6 / counted;
        println!("counter: {counted} messages, {bare:.1} us of CPU a message");
        println!("ratio: {:.2} of a bare counting subscriber", each / bare);
    }
    messages / seconds
}

/// Publishes for `time` and waits until all is answered; returns how long each message took.
async fn publish(
    mut session: LoadSession,
    pace: f64,
    window: usize,
    time: Duration,
) -> Vec<Duration> {
    let mut took = Vec::new();
    // A connection that is left half-way for a tick is one that the next attempt drives out.
    while !session.is_open() {
        session.hear(|lag| took.push(lag)).await;
    }
    let began = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        let due = if pace > 0.0 {
            (began.elapsed().as_secs_f64() * pace) as u64
        } else {
            u64::MAX
        };
        let is_over = began.elapsed() > time;
        while !is_over && session.sent() < due && session.unanswered() < window {
            if !session.send() {
                break;
            }
        }
        if is_over && session.unanswered() == 0 {
            return took;
        }
        assert!(
            began.elapsed() < time + DRAIN,
            "{} messages are lost",
            session.unanswered()
        );
        tokio::select! {
            _ = tick.tick() => {}
            () = session.hear(|lag| took.push(lag)) => {}
        }
    }
}

/// Starts the counter and waits until it is subscribed: it must miss nothing.
async fn start_counter(dir: &Path, url: &str) -> Process {
    let myself = std::env::current_exe().expect("a running program knows its path");
    let mut command = std::process::Command::new(myself);
    let ready = dir.join("counter.ready");
    command
        .args(["--count-at", url, "--ready"])
        .arg(&ready)
        .stdin(Stdio::piped());
    let counter = Process::start("counter", dir, &mut command);
    wait::until(
        "the counter to subscribe",
        Duration::from_secs(10),
        async || ready.exists().then_some(()).ok_or_else(String::new),
    )
    .await;
    counter
}

/// Counts readings with manual acknowledgements in batches, the cheapest way there is, until
/// standard input ends.
async fn count(url: &str, ready: Option<&Path>) -> u64 {
    let (host, port) = host_and_port(url);
    let (name, password) = Mosquitto::observer();
    let mut options = MqttOptions::new(name, host, port);
    options
        .set_credentials(name, password)
        .set_manual_acks(true);
    options.set_keep_alive(Duration::from_secs(30));
    let (client, mut session) = AsyncClient::new(options, 70_000);
    client
        .subscribe("ortoo/v1/+/up/readings", QoS::AtLeastOnce)
        .await
        .expect("the queue has room");
    let mut end = JoinSet::new();
    end.spawn_blocking(|| std::io::stdin().read(&mut [0; 1]).unwrap_or(0));
    let (mut counted, mut held) = (0, Vec::new());
    let mut tick = tokio::time::interval(COUNTER_BATCH);
    loop {
        tokio::select! {
            biased;
            _ = tick.tick() => {
                for message in held.drain(..) {
                    client.try_ack(&message).expect("the queue holds a batch");
                }
            }
            _ = end.join_next() => return counted,
            event = session.poll() => match event.expect("the broker lives") {
                Event::Incoming(Packet::Publish(message)) => {
                    counted += 1;
                    held.push(message);
                }
                Event::Incoming(Packet::SubAck(_)) => {
                    if let Some(ready) = ready {
                        std::fs::write(ready, "").expect("the scratch folder is ours");
                    }
                }
                _ => {}
            }
        }
    }
}
