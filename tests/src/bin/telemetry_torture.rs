//! Kills and cuts everything between devices and history, and checks that every count is there.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use tests::telemetry_torture::{Plan, run};

/// Lets agents read devices that count while gateway, broker, agents and links are killed, cut,
/// stalled and slowed, one fault after the other; then checks that history holds every count once.
///
/// Run it as a release build: `cargo run --release -p tests --bin telemetry_torture`. It ends with
/// an error when anything is wrong; the same seed makes the same faults.
#[derive(Parser)]
struct Arguments {
    /// Faults in all.
    #[arg(long, default_value_t = 200)]
    cycles: usize,
    /// Agents, each with one device.
    #[arg(long, default_value_t = 3)]
    agents: usize,
    /// Use the gateway's own broker instead of a Mosquitto.
    #[arg(long)]
    embedded: bool,
    /// What chooses the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir().expect("there is a folder for temporary files");
    let plan = Plan {
        cycles: arguments.cycles,
        agents: arguments.agents,
        external: !arguments.embedded,
        seed: arguments.seed,
    };
    let report = run(dir.path(), plan).await;
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for fault in &report.faults {
        *kinds.entry(fault).or_default() += 1;
    }
    println!("{} faults: {kinds:?}", report.faults.len());
    for counted in &report.counted {
        println!(
            "counted to {}, {} in history, its agent killed {} times",
            counted.last,
            counted.history.len(),
            counted.kills
        );
    }
    let findings = report.findings();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("what was written is kept in {}", dir.keep().display());
    ExitCode::FAILURE
}
