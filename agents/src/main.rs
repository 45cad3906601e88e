//! The command line of the agent: arguments, log, signals, exit code.
//!
//! Exit codes: 0 all is well, 1 it failed at work (a probe that finds a bad register too), 2 bad
//! arguments or configuration.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use agents::allow::Allow;
use agents::clock::Clock;
use agents::config::{Config, Parity, Serial};
use agents::probe::{Probe, Typed, device_of};
use agents::profile::{Profile, Profiles};
use agents::simulate::{Device, Framing, SPEED_DEFAULT, Simulation, day_length};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Reads Modbus devices beside instruments and reports them to Ortoo.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Polls the devices and reports to the gateway until it is stopped.
    Run {
        /// The settings.
        #[arg(long, value_name = "FILE", default_value = "agent.toml")]
        config: PathBuf,
    },
    /// Reads devices once and prints what each register gives; exit code 1 if one is bad.
    Probe(ProbeArguments),
    /// Plays a device: a Modbus server with a profile's registers and a laboratory's day.
    Simulate(SimulateArguments),
}

#[derive(Args)]
struct ProbeArguments {
    /// The settings whose devices are read.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["profile", "address", "serial"])]
    config: Option<PathBuf>,
    /// Only the device of this name.
    #[arg(long, value_name = "NAME", requires = "config")]
    device: Option<String>,
    /// Without settings: the profile,
    #[arg(long, value_name = "NAME", required_unless_present = "config")]
    profile: Option<String>,
    /// a folder with more profiles,
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    profile_dir: Option<PathBuf>,
    /// where the device listens,
    #[arg(long, value_name = "HOST:PORT", required_unless_present_any = ["config", "serial"])]
    address: Option<String>,
    /// in RTU frames instead of Modbus TCP,
    #[arg(long, requires = "address")]
    rtu: bool,
    /// or the serial port it is on (TLS needs settings: use --config),
    #[arg(long, value_name = "PORT", conflicts_with = "address")]
    serial: Option<String>,
    /// bits a second,
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(300..=4_000_000))]
    baud: u32,
    /// parity,
    #[arg(long, default_value = "none", value_parser = ["none", "even", "odd"])]
    parity: String,
    /// stop bits,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    stop_bits: u8,
    /// its unit,
    #[arg(long, default_value_t = 1)]
    unit: u8,
    /// and how long to wait for it.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    timeout_ms: u64,
    /// How often to read.
    #[arg(long, value_name = "N", default_value_t = 1)]
    times: u32,
}

#[derive(Args)]
struct SimulateArguments {
    /// The profile to play.
    #[arg(long, value_name = "NAME", default_value = "sdm120")]
    profile: String,
    /// A folder with more profiles.
    #[arg(long, value_name = "DIR")]
    profile_dir: Option<PathBuf>,
    /// Speaks RTU frames instead of Modbus TCP.
    #[arg(long)]
    rtu: bool,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The unit that answers.
    #[arg(long, default_value_t = 1)]
    unit: u8,
    /// Another number is another instrument.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated seconds in a real one.
    #[arg(long, default_value_t = SPEED_DEFAULT, value_parser = parse_speed)]
    speed: f64,
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text
        .parse()
        .map_err(|_| "a number is expected".to_owned())?;
    let is_fit = (0.001..=1e6).contains(&speed);
    is_fit
        .then_some(speed)
        .ok_or_else(|| "0.001 to 1000000 is expected".to_owned())
}

/// An error that the caller made: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
struct Misuse(anyhow::Error);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("ORTOO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match start(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            let code = if error.is::<Misuse>() { 2 } else { 1 };
            // Faults are one a line; a log line would bury them.
            if writeln!(std::io::stderr(), "{error:#}").is_err() {
                tracing::error!("{error:#}");
            }
            ExitCode::from(code)
        }
    }
}

fn start(command: Command) -> anyhow::Result<ExitCode> {
    // One thread is enough for hundreds of devices, and it is the cheapest.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime does not start")?;
    runtime.block_on(async {
        match command {
            Command::Run { config } => run(&config).await,
            Command::Probe(arguments) => probe_all(arguments).await,
            Command::Simulate(arguments) => simulate(arguments).await,
        }
    })
}

async fn run(path: &std::path::Path) -> anyhow::Result<ExitCode> {
    let config = Config::load(path).map_err(|error| Misuse(error.into()))?;
    let stop = stop_on_signal()?;
    agents::run(config, Clock::system(), stop).await?;
    Ok(ExitCode::SUCCESS)
}

async fn probe_all(arguments: ProbeArguments) -> anyhow::Result<ExitCode> {
    let (devices, allow) = targets(&arguments)?;
    let mut probe = Probe::new(allow);
    let mut is_good = true;
    for _ in 0..arguments.times {
        for device in &devices {
            let findings = probe.read(device).await;
            is_good &= findings.is_good;
            print(&findings.table)?;
        }
    }
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The devices to probe, and what is permitted.
fn targets(arguments: &ProbeArguments) -> anyhow::Result<(Vec<agents::config::Device>, Allow)> {
    let Some(path) = &arguments.config else {
        let profile = arguments.profile.as_deref().unwrap_or_default();
        let profile = find_profile(profile, arguments.profile_dir.as_deref())?;
        let timeout = Duration::from_millis(arguments.timeout_ms);
        let target = device_of(profile, typed(arguments), arguments.unit, timeout);
        let (device, allow) = target.map_err(|error| Misuse(anyhow::anyhow!(error)))?;
        return Ok((vec![device], allow));
    };
    let config = Config::load(path).map_err(|error| Misuse(error.into()))?;
    let name = arguments.device.as_ref();
    let devices = config.devices.into_iter();
    let chosen: Vec<_> = devices
        .filter(|device| name.is_none_or(|name| *name == device.name))
        .collect();
    if chosen.is_empty() {
        let error = anyhow::anyhow!("{} names no such device", path.display());
        return Err(Misuse(error).into());
    }
    Ok((chosen, config.allow))
}

/// The way that stands on the command line.
fn typed(arguments: &ProbeArguments) -> Typed {
    let Some(port) = &arguments.serial else {
        let address = arguments.address.clone().unwrap_or_default();
        return Typed::Network(address, arguments.rtu);
    };
    let parity = match arguments.parity.as_str() {
        "even" => Parity::Even,
        "odd" => Parity::Odd,
        _ => Parity::None,
    };
    Typed::Serial(Serial {
        port: port.clone(),
        baud: arguments.baud,
        parity,
        stop_bits: arguments.stop_bits,
        pause: Duration::ZERO,
    })
}

async fn simulate(arguments: SimulateArguments) -> anyhow::Result<ExitCode> {
    let profile = find_profile(&arguments.profile, arguments.profile_dir.as_deref())?;
    let simulation = Simulation::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let (address, unit) = (simulation.address(), arguments.unit);
    let minutes = day_length(arguments.speed).as_secs() / 60;
    tracing::info!(
        "{} at {address}, unit {unit}; a day takes {minutes} min",
        profile.title
    );
    let ready = serde_json::json!({
        "ready": true, "address": address, "profile": profile.name, "unit": unit,
    });
    print(&format!("{ready}\n"))?;
    let device = Device::new(profile, unit, arguments.seed, arguments.speed);
    let framing = if arguments.rtu {
        Framing::Rtu
    } else {
        Framing::Tcp
    };
    let stop = stop_on_signal()?;
    match stop
        .run_until_cancelled_owned(simulation.serve(Arc::new(device), framing))
        .await
    {
        Some(served) => served.context("the simulated device fails")?,
        None => tracing::info!("stopped"),
    }
    Ok(ExitCode::SUCCESS)
}

fn find_profile(name: &str, folder: Option<&std::path::Path>) -> anyhow::Result<Arc<Profile>> {
    let mut profiles = Profiles::built_in();
    if let Some(folder) = folder {
        profiles
            .add_folder(folder)
            .map_err(|error| Misuse(error.into()))?;
    }
    let profile = profiles.get(name).ok_or_else(|| {
        let names = profiles.names();
        Misuse(anyhow::anyhow!("there is no profile {name}, only {names}"))
    })?;
    Ok(profile)
}

/// Standard output may be a pipe that is closed: that is an error, not a panic.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("cannot print")
}

/// Returns a token that Ctrl-C and SIGTERM cancel.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    let watch = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
        token.cancel();
    };
    spawn_watch(watch);
    Ok(stop)
}

#[expect(
    clippy::disallowed_methods,
    reason = "it watches for the stop itself and ends with the process"
)]
fn spawn_watch(watch: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(watch));
}
