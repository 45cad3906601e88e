//! Lets every flush of a gateway fail once, one gateway after the other, and checks every promise.

use std::process::ExitCode;

use clap::Parser;
use futures::StreamExt as _;
use tests::disk_torture::one_failure;

/// Starts one gateway for each position, lets that flush of each of its threads fail, books and
/// reports meanwhile, and checks on a sound disk that everything that was promised is there.
///
/// Run it as a release build: `cargo run --release -p tests --bin disk_torture`. It ends with an error
/// when a promise is broken, or when the failures did not reach the last position.
#[derive(Parser)]
struct Arguments {
    /// First position.
    #[arg(long, default_value_t = 1)]
    from: u32,
    /// Last position.
    #[arg(long, default_value_t = 200)]
    upto: u32,
    /// Gateways at once: most of their time is waiting for commits.
    #[arg(long, default_value_t = 8)]
    at_once: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut failed, mut bookings, mut readings, mut last) = (0, 0, 0, 0);
    let attempts = (arguments.from..=arguments.upto).map(async |position| {
        let dir = tempfile::tempdir().expect("there is a folder for temporary files");
        (position, one_failure(dir.path(), position).await)
    });
    let mut attempts = futures::stream::iter(attempts).buffer_unordered(arguments.at_once.max(1));
    while let Some((position, outcome)) = attempts.next().await {
        if outcome.failed {
            failed += 1;
            last = last.max(position);
        }
        bookings += outcome.bookings;
        readings += outcome.readings;
    }
    println!(
        "positions {} to {}: {failed} flushes failed, {bookings} bookings and {readings} readings \
         promised and kept",
        arguments.from, arguments.upto
    );
    if last == arguments.upto {
        ExitCode::SUCCESS
    } else {
        println!("the last failure was at position {last}: the others were not reached");
        ExitCode::FAILURE
    }
}
