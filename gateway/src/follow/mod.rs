//! The follower: a copy of all readings in InfluxDB 2 or VictoriaMetrics, and series read from there.
//!
//! What comes in: committed journal rows, in their order, from a cursor of its own
//! ([`History::begin_following`]). What goes out: lines ([`line`], [`encode`] documents measurement,
//! tags and fields) to the store elsewhere ([`target`]), and from there the series of the past
//! ([`past`]).
//!
//! **Invariants.** Never in the acknowledgement path: it reads after commits and nothing waits for it.
//! Whatever is acknowledged reaches the store at least once, unless the queue's limit in bytes was
//! hit, which is counted. What the store refuses is halved until the lines to blame are found; they
//! are set aside and never hold up the others.
//!
//! The `influxdb2` crate writes; it and its HTTP stack (`reqwest` 0.11) are old, so all of this is the
//! cargo feature `influx`. Its own reader of answers panics on what it does not expect, so answers are
//! read here ([`flux`]).

mod counts;
mod encode;
mod flux;
mod line;
mod past;
mod points;
mod run;
mod target;
#[cfg(test)]
mod tests;
mod victoria;
mod web;

use std::convert::Infallible;
use std::sync::Arc;

use scheduler::time::Micros;

use self::counts::FollowCounts;
use self::encode::Limits;
use self::past::Past;
use self::run::{Follower, Pace};
use self::target::{Target, WriteError};
use crate::clock::Clock;
use crate::config::{Elsewhere, Kind};
use crate::history::{History, HistoryError};
use crate::lifecycle::Lifecycle;
use crate::registry::SharedDirectory;

/// VictoriaMetrics keeps the values of a block as whole numbers with one power of ten for all: next
/// to 1e300 every other value of it becomes 0. Source: its `lib/decimal`, and measured.
const VICTORIA_MAGNITUDE_MAX: f64 = 1e15;

/// Begins to follow: from the first commit on, so it is called before telemetry starts.
///
/// # Errors
/// Returns [`HistoryError`] when the journal cannot be read, or a client cannot be made.
pub async fn start(
    elsewhere: &Elsewhere,
    history: &History,
    directory: SharedDirectory,
    clock: &Clock,
    lifecycle: &Lifecycle,
) -> Result<(), HistoryError> {
    let follower = begin(elsewhere, history, directory, clock).await?;
    let stop = lifecycle.stop_token();
    lifecycle.spawn("follower", async move {
        follower.run(stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}

/// Makes the follower and keeps the journal for it.
async fn begin(
    elsewhere: &Elsewhere,
    history: &History,
    directory: SharedDirectory,
    clock: &Clock,
) -> Result<Follower, HistoryError> {
    let store = elsewhere.identity();
    let unusable = |why| HistoryError::Elsewhere { why };
    let target = Target::new(elsewhere).map_err(unusable)?;
    let counts = Arc::new(FollowCounts::default());
    let past = Past::new(elsewhere, clock, &counts).map_err(unusable)?;
    history
        .begin_following(&store, elsewhere.queue_bytes_max, Arc::new(past))
        .await?;
    let magnitude_max = match elsewhere.kind {
        Kind::Victoria => VICTORIA_MAGNITUDE_MAX,
        Kind::Influx { .. } => f64::MAX,
    };
    Ok(Follower {
        store,
        target,
        limits: Limits { magnitude_max },
        pace: Pace::default(),
        history: history.clone(),
        directory,
        clock: clock.clone(),
        counts,
    })
}

/// Writes one line of its own measurement, `ortoo_check`, to the store: the only proof that it takes
/// readings, because health pages say nothing of token and bucket.
///
/// # Errors
/// Returns why it was not taken.
pub async fn probe(elsewhere: &Elsewhere, now: Micros) -> Result<(), String> {
    let target = Target::new(elsewhere)?;
    let line = format!("ortoo_check ok=1.0 {}\n", now.get().div_euclid(1_000));
    match target.write(line.into()).await {
        Ok(()) => Ok(()),
        Err(WriteError::Refused(why) | WriteError::Trouble(why)) => Err(why),
    }
}
