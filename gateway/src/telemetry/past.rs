//! Readings of the past for a rule to be tried or learned: what is read from the store, piece by
//! piece.

use scheduler::id::InstrumentId;
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, HOUR_US, Micros, Span};
use wire::ChannelName;

use super::handle::TelemetryHandle;
use super::judge::stale_ms;
use super::learn::{Learned, Sample, learn};
use super::replay::{Start, Track, replay};
use super::state::{Decision, Terms};
use crate::history::{
    Cell, HistoryError, RawSeries, StateInterval, StateVersion, StretchRow, intervals,
};
use crate::registry::{Directory, Instrument, StateRule};
use crate::status::MachineState;

/// A rule is warmed up on readings before its window, at least so long: what lasts longer than its
/// dwell is then decided as it was.
const WARM_UP_US: i64 = HOUR_US;

/// How far back the newest reading before a moment is looked for.
const LOOK_BACK_US: i64 = DAY_US;

/// How far back readings are that an agent sends first of all: what its outbox holds.
const OWED_US_MAX: i64 = 30 * DAY_US;

/// Readings read at once.
const PIECE_US: i64 = DAY_US;

/// The shortest piece a window is cut into when readings are many.
const PIECE_US_MIN: i64 = 60_000_000;

/// Most readings that one replay holds in memory: some 100 MB.
const READINGS_MAX: usize = 3_000_000;

/// Steps that a channel is learned from: one each 12 s of a week.
const LEARN_STEPS: i64 = 50_400;

/// A value holds at most so long without another reading, in seconds.
const HOLDS_S: f64 = 120.0;

/// What a rule decides of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The states, clipped to the window; stretches of which nothing is known are left out.
    pub states: Vec<StateInterval>,
}

impl TelemetryHandle {
    /// Returns what a rule decides of an instrument's readings in a window that is over. Where
    /// `version` is given the replay goes on from what has been made of it.
    ///
    /// # Errors
    /// Returns [`HistoryError::TooMany`] for a window with more than three million readings, and
    /// other variants when the store fails.
    pub async fn replay(
        &self,
        directory: &Directory,
        instrument: &Instrument,
        rule: &StateRule,
        window: Slot,
        version: Option<&StateVersion>,
    ) -> Result<Replayed, HistoryError> {
        let id = instrument.id;
        let rest_us = rule.dwell.longest().saturating_mul(2_000);
        let warm_us = WARM_UP_US.max(rest_us);
        let begin = Micros::new(window.start().get().saturating_sub(warm_us));
        let agent = directory.agent_of(instrument);
        let agent = agent.and_then(|agent| self.board.agent(agent));
        let stale_ms = stale_ms(rule, agent.and_then(|agent| agent.report_every_ms));
        // What a change must last may lie behind the window: it counts from when it began.
        let ahead_us = rule
            .dwell
            .longest()
            .saturating_mul(1_000)
            .saturating_add(1_000_000);
        let until = Micros::new(window.end().get().saturating_add(ahead_us));
        let start = self.start(id, rule, begin, version).await?;
        let mut tracks = Vec::new();
        let mut room = READINGS_MAX;
        for channel in rule.channels() {
            let mut track = Track::new(channel.clone());
            self.read(id, &mut track, (begin, until), &mut room).await?;
            tracks.push(track);
        }
        // Further back, so that a silence that began before is known.
        let known_from = Micros::new(begin.get().saturating_sub(LOOK_BACK_US));
        let decided = self.history.states_decided(id, known_from, until).await?;
        let silences: Vec<StateInterval> = decided
            .into_iter()
            .filter(|interval| matches!(interval.state, MachineState::Offline(_)))
            .collect();
        let (rule, to_ms) = (rule.clone(), until.get().div_euclid(1_000));
        let states = tokio::task::spawn_blocking(move || {
            let terms = Terms {
                rule: &rule,
                stale_ms,
            };
            let decided = replay(terms, &start, &tracks, &silences, to_ms);
            let changes = std::iter::once(start.last).chain(decided);
            let changes: Vec<(Micros, MachineState)> = changes
                .map(|one| (Micros::new(one.at_ms.saturating_mul(1_000)), one.state))
                .collect();
            let (from, to) = (window.start(), window.end());
            intervals(&changes, from, to, to)
        });
        let states = states.await.map_err(HistoryError::stopped)?;
        Ok(Replayed { states })
    }

    /// Returns what came of a stretch, and the newest cells before it.
    pub(super) async fn came_of(
        &self,
        instrument: &Instrument,
        row: &StretchRow,
    ) -> Result<(Start, Vec<Track>), HistoryError> {
        let ms = |ms: i64| Micros::new(ms.saturating_mul(1_000));
        let until = ms(row.until_ms);
        let far = until.get().saturating_sub(OWED_US_MAX);
        let begin = row
            .from_ms
            .map_or(Micros::new(far), |from| ms(from.saturating_add(1)));
        let rule = &instrument.state_rule;
        let start = self.start(instrument.id, rule, begin, None).await?;
        let (mut tracks, mut room) = (Vec::new(), READINGS_MAX);
        for channel in rule.channels() {
            let mut track = Track::new(channel.clone());
            let window = (begin, until);
            self.read(instrument.id, &mut track, window, &mut room)
                .await?;
            tracks.push(track);
        }
        Ok((start, tracks))
    }

    /// Returns where a replay begins: with the state that holds then, and the newest cells.
    async fn start(
        &self,
        id: InstrumentId,
        rule: &StateRule,
        begin: Micros,
        version: Option<&StateVersion>,
    ) -> Result<Start, HistoryError> {
        let after = begin.saturating_add(Span::new(1).unwrap_or_default());
        let made = match version {
            Some(version) if version.from <= begin && after <= version.done => {
                self.history
                    .states_of_version(version, begin, after)
                    .await?
            }
            Some(_) | None => self.history.states(id, begin, after).await?,
        };
        let state = made
            .first()
            .map_or(MachineState::Unknown, |state| state.state);
        let mut cells: Vec<(i64, ChannelName, Cell)> = Vec::new();
        for channel in rule.channels() {
            for back_us in [HOUR_US, LOOK_BACK_US] {
                let from = Micros::new(begin.get().saturating_sub(back_us));
                let mut track = Track::new(channel.clone());
                let mut room = READINGS_MAX;
                self.read(id, &mut track, (from, begin), &mut room).await?;
                let Some((time_ms, cell)) = track.points.last() else {
                    continue;
                };
                let mut points = track.points.iter().rev();
                let good = points.find(|(_, cell)| matches!(cell, Cell::Good(_)));
                if let Some((time_ms, good)) = good.filter(|(_, good)| good != cell) {
                    cells.push((*time_ms, channel.clone(), *good));
                }
                cells.push((*time_ms, channel.clone(), *cell));
                break;
            }
        }
        let heard_ms = cells.iter().map(|(time_ms, ..)| *time_ms).max();
        Ok(Start {
            last: Decision {
                at_ms: begin.get().div_euclid(1_000),
                state,
            },
            cells: cells
                .into_iter()
                .map(|(_, channel, cell)| (channel, cell))
                .collect(),
            heard_ms,
        })
    }

    /// Reads a channel piece by piece; a piece with too many readings is cut.
    async fn read(
        &self,
        id: InstrumentId,
        track: &mut Track,
        (from, to): (Micros, Micros),
        room: &mut usize,
    ) -> Result<(), HistoryError> {
        let (mut at, mut piece_us) = (from, PIECE_US);
        while at < to {
            let end = Micros::new(at.get().saturating_add(piece_us)).min(to);
            let series: RawSeries = match self.history.raw(id, &track.channel, at, end).await {
                Err(HistoryError::TooMany { .. }) if piece_us > PIECE_US_MIN => {
                    piece_us /= 4;
                    continue;
                }
                read => read?,
            };
            let left = room.checked_sub(series.times_ms.len());
            *room = left.ok_or(HistoryError::TooMany { max: READINGS_MAX })?;
            track.append(series);
            at = end;
        }
        Ok(())
    }

    /// Learns a rule from a channel's readings in a window.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails.
    pub async fn learn(
        &self,
        id: InstrumentId,
        channel: &ChannelName,
        window: Slot,
    ) -> Result<Learned, HistoryError> {
        let step_us = (window.len().get() / LEARN_STEPS).max(1_000_000);
        let step = Span::new(step_us).unwrap_or_default();
        let (from, to) = (window.start(), window.end());
        let series = self.history.stepped(id, channel, from, to, step).await?;
        let learned = tokio::task::spawn_blocking(move || {
            let ends = series.times_ms.iter().skip(1).copied();
            let ends = ends.chain(
                series
                    .times_ms
                    .last()
                    .map(|last| last.saturating_add(1_000)),
            );
            let samples = series.times_ms.iter().zip(ends).zip(&series.last);
            let samples: Vec<Sample> = samples
                .map(|((start, end), value)| Sample {
                    value: *value,
                    lasted_s: seconds(end.saturating_sub(*start)).min(HOLDS_S),
                })
                .collect();
            learn(&samples)
        });
        learned.await.map_err(HistoryError::stopped)
    }
}

/// Returns milliseconds as seconds; more than 24 days are as good as that.
fn seconds(ms: i64) -> f64 {
    f64::from(i32::try_from(ms).unwrap_or(i32::MAX)) / 1_000.0
}
