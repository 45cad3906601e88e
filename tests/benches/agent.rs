//! What an agent with twenty devices costs, beside its budget.

use std::fmt::Display;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use tests::agent::{Agent, Device};
use tests::gateway::{Gateway, Setup};
use tests::measure::{cpu_s, rss_mib};
use tests::process::{Process, ours};
use tests::region::{Plan, Region};
use tests::wait;

/// The budget of design section 4, for 20 devices at 1 Hz.
const CORE_PERCENT_MAX: f64 = 2.0;
const MIB_MAX: f64 = 30.0;
const SYNCS_MAX: f64 = 1.0;

/// Measures `ortoo-agent run` over simulated Modbus devices, with a real gateway: CPU, memory, and
/// syncs of its disk a second (counted by strace, after the CPU was measured).
///
/// Run it by `cargo bench -p tests --bench agent`. The budget is 2 % of a core, 30 MiB and 1 sync a
/// second for 20 devices at 1 Hz.
#[derive(Parser)]
struct Arguments {
    /// Cargo says that this is a benchmark; nothing follows from it.
    #[arg(long, hide = true)]
    bench: bool,
    /// How many devices, at most 250.
    #[arg(long, default_value_t = 20)]
    devices: usize,
    /// Time between two polls of a device, in milliseconds.
    #[arg(long, default_value_t = 1_000)]
    every_ms: u32,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let setup = Setup::new(dir.path());
    let plan = Plan {
        researchers: 1,
        instruments: arguments.devices,
        agents: 1,
    };
    let region = Region::fill(&setup, plan).await;
    let gateway = Gateway::start(dir.path(), setup).await;
    let mut command = ours("ortoo-agent");
    command.args(["simulate", "--profile", "sdm120", "--listen", "0.0.0.0:0"]);
    let mut meter = Process::start("meter", dir.path(), &mut command);
    let ready = meter.json_line(Duration::from_secs(10)).await;
    let address = ready["address"].as_str().unwrap_or_default().to_owned();
    let port = address.rsplit(':').next().unwrap_or_default();
    // One process answers at many addresses: to the agent they are as many devices.
    let devices: Vec<Device> = region
        .instruments
        .iter()
        .enumerate()
        .map(|(number, key)| Device {
            instrument: key.clone(),
            profile: "sdm120".to_owned(),
            address: format!("127.0.0.{}:{port}", number + 1),
            every_ms: arguments.every_ms,
        })
        .collect();
    let identity = &region.agents[0];
    let url = gateway.mqtt_url();
    let agent = Agent::start(dir.path(), &identity.name, &identity.secret, &url, &devices);
    let client = gateway.client().with_token(&region.manager.token);
    wait::until(
        "the agent to be connected",
        Duration::from_secs(30),
        async || {
            let agents = client.get("/api/v1/agents").await;
            let online = agents.body["items"][0]["online"] == true;
            online.then_some(()).ok_or_else(|| agents.body.to_string())
        },
    )
    .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (cpu, from) = (cpu_s(agent.id()), Instant::now());
    tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
    let percent = (cpu_s(agent.id()) - cpu) / from.elapsed().as_secs_f64() * 100.0;
    println!(
        "{} devices every {} ms over {} s:",
        arguments.devices, arguments.every_ms, arguments.seconds
    );
    show("CPU, % of a core", percent, CORE_PERCENT_MAX);
    show("memory, MiB", rss_mib(agent.id()), MIB_MAX);
    match syncs(&agent, Duration::from_secs(arguments.seconds.min(20))) {
        Ok(rate) => show("syncs a second", rate, SYNCS_MAX),
        Err(why) => println!("syncs were not counted: {why}"),
    }
}

fn show(what: &str, figure: f64, limit: f64) {
    println!(
        "{what:18} {figure:8.2}  limit {limit:5.1}  ratio {:.2}",
        figure / limit
    );
}

/// Returns how often a second the agent asks for a sync.
fn syncs(agent: &Agent, time: Duration) -> Result<f64, String> {
    let text = |error: &dyn Display| error.to_string();
    let output = Command::new("timeout")
        .args(["--signal=INT", &time.as_secs().to_string(), "strace", "-f"])
        .args(["-e", "trace=fsync,fdatasync", "-p", &agent.id().to_string()])
        .stdout(Stdio::null())
        .output()
        .map_err(|error| text(&error))?;
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    if !lines.contains("attached") {
        return Err(lines);
    }
    let calls = lines.lines().filter(|line| line.contains("sync("));
    Ok(calls.count() as f64 / time.as_secs_f64())
}
