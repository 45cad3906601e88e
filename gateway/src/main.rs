//! `ortoo`: arguments, logs, exit code.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser;
use gateway::cli::Arguments;
use gateway::command;
use tikv_jemallocator::Jemalloc;
use tracing_subscriber::EnvFilter;

/// Hundreds of thousands of small bookings outlive what came and went beside them: an allocator that
/// gives pages back keeps a third less of them. Its settings stand in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Bad arguments or configuration, as for clap.
const EXIT_USAGE: u8 = 2;

/// What is logged unless `ORTOO_LOG` says otherwise. Libraries log every connection and, as a warning,
/// the whole text of a slow statement; the demo's three hundred agents log their connections too.
const QUIET: &str = "info,rmqtt=error,rmqtt_net=error,sqlx=error,agents::publish=error";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("ORTOO_LOG").unwrap_or_else(|_| EnvFilter::new(QUIET));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match command::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::debug!(?error, "ended with an error");
            report(&error);
            ExitCode::from(if error.is_usage() { EXIT_USAGE } else { 1 })
        }
    }
}

/// One line on the terminal: what failed and why, from the outside in.
#[expect(
    clippy::print_stderr,
    reason = "this is the terminal's side of the program"
)]
fn report(error: &command::CommandError) {
    let mut line = format!("ortoo: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_line = inner.to_string();
        // Some libraries repeat in their own words what they pass on.
        if !line.ends_with(&inner_line) {
            line.push_str(": ");
            line.push_str(&inner_line);
        }
        source = inner.source();
    }
    eprintln!("{line}");
}
