//! The one who makes re-runs: a task that takes what waits, one at a time and piece by piece.
//!
//! It owns no facts. What waits is in the booking database, how far a version has come is in the
//! telemetry store; killed at any moment it goes on there. Between pieces it rests as long as the
//! piece took, so that it takes half of one core at most.

use std::sync::Arc;
use std::time::Duration;

use scheduler::slot::Slot;
use scheduler::time::{Micros, Span};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::command::DeskError;
use super::handle::DeskHandle;
use super::record::{Rerun, RerunState, Run};
use super::rerunning::{EndRerun, RerunFound};
use super::sight::intervals;
use crate::history::{History, HistoryError};
use crate::lifecycle::Lifecycle;
use crate::registry::Instrument;
use crate::store::{RunFilter, StoreError};
use crate::telemetry::TelemetryHandle;

/// How often it looks for something to do.
const LOOK: Duration = Duration::from_secs(1);

/// What is made at once.
const PIECE: Span = Span::days(1);

/// Most runs of one re-run that may be corrected.
const RUNS_MAX: u32 = 20_000;

/// Why a re-run cannot go on now; the next look tries again.
#[derive(Debug, thiserror::Error)]
enum RerunError {
    /// The desk did not take it.
    #[error("the desk did not end it")]
    Desk(#[from] DeskError),
    /// The telemetry store failed.
    #[error("states could not be made")]
    History(#[from] HistoryError),
    /// The booking database failed.
    #[error("runs could not be read")]
    Store(#[from] StoreError),
}

/// Makes re-runs.
#[derive(Debug)]
pub struct Rerunner {
    desk: DeskHandle,
    telemetry: TelemetryHandle,
    history: History,
}

impl Rerunner {
    /// Starts the task.
    pub fn start(
        desk: &DeskHandle,
        telemetry: &TelemetryHandle,
        history: &History,
        lifecycle: &Lifecycle,
    ) {
        let rerunner = Self {
            desk: desk.clone(),
            telemetry: telemetry.clone(),
            history: history.clone(),
        };
        let stop = lifecycle.stop_token();
        lifecycle.spawn("state re-runs", async move {
            rerunner.run(stop).await;
            Ok::<(), std::convert::Infallible>(())
        });
    }

    async fn run(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = self.look() => looked,
            };
            match &looked {
                Err(error) if !is_failing => {
                    let why = std::error::Error::source(error).map(ToString::to_string);
                    tracing::warn!(%error, why, "a re-run of states waits; tried again every second");
                }
                Ok(()) | Err(_) => {}
            }
            is_failing = looked.is_err();
        }
    }

    /// Makes what waits, the oldest first.
    async fn look(&self) -> Result<(), RerunError> {
        loop {
            let ledger = self.desk.ledger();
            let waiting = ledger
                .reruns
                .iter()
                .find(|held| held.state == RerunState::Waiting);
            let Some(rerun) = waiting.cloned() else {
                return Ok(());
            };
            let found = self.make(&rerun).await?;
            let is_made = found.is_some();
            self.desk
                .ask(EndRerun {
                    id: rerun.id,
                    found,
                })
                .await?;
            tracing::info!(version = rerun.id, is_made, "a re-run of states has ended");
        }
    }

    /// Makes the states of a re-run and returns what its runs follow from; nothing if it cannot be
    /// made at all.
    async fn make(&self, rerun: &Arc<Rerun>) -> Result<Option<RerunFound>, RerunError> {
        let directory = self.desk.directory();
        let Some(instrument) = directory.instruments.get(&rerun.instrument) else {
            return Ok(None);
        };
        let (from, to) = (rerun.window.start(), rerun.window.end());
        let version = self
            .history
            .begin_version(rerun.id, instrument.id, (from, to))
            .await?;
        let is_its = (version.instrument, version.from, version.to) == (instrument.id, from, to);
        if !is_its {
            // One of the stores was restored from a backup.
            return Ok(None);
        }
        let mut version = version;
        while !version.is_complete {
            let began = Instant::now();
            let end = version.done.saturating_add(PIECE).min(to);
            let Some(piece) = Slot::new(version.done, end) else {
                return Ok(None);
            };
            let made = self
                .telemetry
                .replay(&directory, instrument, &rerun.rule, piece, Some(&version))
                .await;
            let made = match made {
                Err(HistoryError::TooMany { .. }) => return Ok(None),
                made => made?,
            };
            version = self
                .history
                .extend_version(&version, &made.states, end)
                .await?;
            tokio::time::sleep(began.elapsed()).await;
        }
        self.found(instrument, rerun.window).await.map(Some)
    }

    /// Gathers what runs follow from: the window, widened to the runs that reach into it.
    async fn found(&self, instrument: &Instrument, window: Slot) -> Result<RerunFound, RerunError> {
        let filter = RunFilter {
            instrument: Some(instrument.id),
            within: Some(window),
            ..RunFilter::default()
        };
        let (runs, _) = self.desk.runs(&filter, RUNS_MAX).await?;
        let starts = runs.iter().map(|run: &Run| run.start);
        let from = starts
            .chain([window.start()])
            .min()
            .unwrap_or(window.start());
        let ends = runs.iter().filter_map(|run| run.end);
        let to: Micros = ends.chain([window.end()]).max().unwrap_or(window.end());
        let wide = Slot::new(from, to.min(self.desk.clock().now())).unwrap_or(window);
        let states = self
            .history
            .states(instrument.id, wide.start(), wide.end())
            .await?;
        let doubts = self
            .history
            .doubts(instrument.id, wide.start(), wide.end())
            .await?;
        Ok(RerunFound {
            window: wide,
            machine: intervals(&states, &doubts, wide).into(),
            runs: runs.into(),
        })
    }
}
