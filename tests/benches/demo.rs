//! Starts the demo, tells how long it took to be ready, and what it costs a minute later.

use std::time::{Duration, Instant};

use clap::Parser;
use tests::measure::{cpu_s, rss_mib};
use tests::process::{Process, ours};

/// Measures `ortoo demo`: time to ready, and CPU and memory one minute after that.
///
/// Run it by `cargo bench -p tests --bench demo`. The budget of the full size is ready in 20 s, 1
/// core, 200 MiB.
#[derive(Parser)]
struct Arguments {
    /// Cargo says that this is a benchmark; nothing follows from it.
    #[arg(long, hide = true)]
    bench: bool,
    /// How many instruments.
    #[arg(long, default_value_t = 5_534)]
    instruments: u32,
    /// Days of history.
    #[arg(long, default_value_t = 14)]
    history: u32,
    /// Seconds after ready at which measuring begins.
    #[arg(long, default_value_t = 60)]
    after: u64,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut command = ours("ortoo");
    command
        .args(["demo", "--listen", "127.0.0.1:0"])
        .arg("--data")
        .arg(dir.path().join("demo"));
    command.args(["--instruments", &arguments.instruments.to_string()]);
    command.args(["--history", &arguments.history.to_string()]);
    let began = Instant::now();
    let mut demo = Process::start("demo", dir.path(), &mut command);
    demo.json_line(Duration::from_secs(600)).await;
    println!("ready after {:.1} s", began.elapsed().as_secs_f64());
    println!(
        "at ready: {:.0} MiB, {:.1} s of CPU",
        rss_mib(demo.id()),
        cpu_s(demo.id())
    );
    tokio::time::sleep(Duration::from_secs(arguments.after)).await;
    let (cpu, from) = (cpu_s(demo.id()), Instant::now());
    tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
    let cores = (cpu_s(demo.id()) - cpu) / from.elapsed().as_secs_f64();
    println!(
        "{} s later: {cores:.2} cores over {} s, {:.0} MiB",
        arguments.after,
        arguments.seconds,
        rss_mib(demo.id())
    );
    demo.signal("TERM");
    let asked = Instant::now();
    let code = demo.exit_code(Duration::from_secs(15)).await;
    println!(
        "stopped {:.1} s after SIGTERM with code {code:?}",
        asked.elapsed().as_secs_f64()
    );
}
