//! Publishes readings to durable acknowledgement, beside a bare subscriber that only counts them.

use std::collections::VecDeque;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Parser;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tests::gateway::{Broker, Gateway, Setup};
use tests::measure::{cpu_s, quantile_ms, rss_mib};
use tests::mosquitto::Mosquitto;
use tests::process::Process;
use tests::publisher::host_and_port;
use tests::region::{Plan, Region};
use tests::speaker::Speaker;
use tests::wait;
use tokio::task::JoinSet;

/// How long the counter holds acknowledgements back, as the recorded limit did.
const COUNTER_BATCH: Duration = Duration::from_millis(50);
/// A load that is not acknowledged within this time is lost.
const DRAIN: Duration = Duration::from_secs(60);

/// Measures messages a second from MQTT to the durable acknowledgement, and the gateway's CPU a
/// message as a ratio to a bare rumqttc subscriber that counts the same messages in the same run.
///
/// Run it by `cargo bench -p tests --bench ingest -- --seconds 5`. It starts Mosquitto and a gateway
/// of its own. Every message holds 6 values of one instrument at QoS 1. The budget is 2.5 times the
/// counter.
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
    /// Use the embedded broker; there is no counter then, because no one else may listen there.
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
    let mut gateway = Gateway::start(dir.path(), setup).await;
    let url = external
        .as_ref()
        .map_or_else(|| gateway.mqtt_url(), Mosquitto::url);
    let counter = match &external {
        Some(broker) => Some(start_counter(dir.path(), &broker.url()).await),
        None => None,
    };
    measure(&arguments, &region, &mut gateway, &url, counter).await;
}

async fn measure(
    arguments: &Arguments,
    region: &Region,
    gateway: &mut Gateway,
    url: &str,
    counter: Option<Process>,
) {
    let process = gateway.process().id();
    let counter_id = counter.as_ref().map_or(0, Process::id);
    let mut load = JoinSet::new();
    let (cpu, counter_cpu, began) = (cpu_s(process), cpu_s(counter_id), Instant::now());
    for (agent, key) in region.agents.iter().zip(&region.instruments) {
        let pace = arguments.rate as f64 / arguments.agents as f64;
        load.spawn(publish(
            Agent {
                url: url.to_owned(),
                name: agent.name.clone(),
                secret: agent.secret.clone(),
            },
            key.clone(),
            pace,
            arguments.window,
            Duration::from_secs(arguments.seconds),
        ));
    }
    let mut took = load.join_all().await.concat();
    let seconds = began.elapsed().as_secs_f64();
    let (cpu, counter_cpu) = (cpu_s(process) - cpu, cpu_s(counter_id) - counter_cpu);
    took.sort_unstable();
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
}

/// Who publishes and where.
struct Agent {
    url: String,
    name: String,
    secret: String,
}

impl Agent {
    fn connect(&self) -> (AsyncClient, EventLoop) {
        let (host, port) = host_and_port(&self.url);
        let mut options = MqttOptions::new(&self.name, host, port);
        options.set_credentials(&self.name, &self.secret);
        options
            .set_inflight(1000)
            .set_keep_alive(Duration::from_secs(30));
        AsyncClient::new(options, 64)
    }
}

/// Publishes for `time` and waits until all is acknowledged; returns how long each message took.
async fn publish(
    agent: Agent,
    key: String,
    pace: f64,
    window: usize,
    time: Duration,
) -> Vec<Duration> {
    let mut speaker = Speaker::new(&agent.name);
    let (client, mut session) = agent.connect();
    let (mut waiting, mut took) = (VecDeque::new(), Vec::new());
    let down = format!("ortoo/v1/{}/down/+", agent.name);
    client
        .subscribe(down, QoS::AtLeastOnce)
        .await
        .expect("the queue has room");
    let (topic, hello) = (speaker.topic("readings"), speaker.hello().to_string());
    client
        .publish(speaker.topic("hello"), QoS::AtLeastOnce, false, hello)
        .await
        .expect("the queue has room");
    let began = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        let due = if pace > 0.0 {
            (began.elapsed().as_secs_f64() * pace) as u64
        } else {
            u64::MAX
        };
        let over = began.elapsed() > time;
        while !over && speaker.seq < due && waiting.len() < window {
            let oldest = waiting.front().map_or(speaker.seq + 1, |(seq, _)| *seq);
            let message = six_values(&mut speaker, &key, oldest);
            if client
                .try_publish(&topic, QoS::AtLeastOnce, false, message)
                .is_err()
            {
                speaker.seq -= 1; // the queue is full; the number is used by the next message
                break;
            }
            waiting.push_back((speaker.seq, Instant::now()));
        }
        if over && waiting.is_empty() {
            return took;
        }
        assert!(
            began.elapsed() < time + DRAIN,
            "{} messages are lost",
            waiting.len()
        );
        tokio::select! {
            _ = tick.tick() => {}
            event = session.poll() => {
                if let Event::Incoming(Packet::Publish(message)) = event.expect("the broker lives") {
                    let ack = wire::decode_ack(&message.payload).expect("the gateway speaks the wire");
                    while waiting.front().is_some_and(|(seq, _)| *seq <= ack.upto) {
                        let (_, sent): (u64, Instant) = waiting.pop_front().expect("there is one");
                        took.push(sent.elapsed());
                    }
                }
            }
        }
    }
}

/// Writes the next message by hand: the load generator shares the cores with what it measures.
fn six_values(speaker: &mut Speaker, key: &str, oldest: u64) -> String {
    speaker.seq += 1;
    let (seq, clocks) = (speaker.seq, speaker.clocks());
    let wave = (seq % 100) as f64 / 10.0;
    format!(
        r#"{{"stream":"{0}","seq":{seq},"oldest":{oldest},"boot":"{1}","sent":{clocks},"record":{{"boot":"{1}","at":{clocks},"series":[{{"key":"{key}","offsets_ms":[0],"channels":["voltage_v","current_a","power_w","energy_wh","frequency_hz","power_factor"],"values":[[{2:.1}],[{3:.3}],[{4:.1}],[{seq}],[50.01],[0.98]]}}]}}}}"#,
        speaker.stream,
        speaker.boot,
        230.0 + wave / 10.0,
        1.2 + wave / 100.0,
        283.5 + wave,
    )
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
