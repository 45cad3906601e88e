//! A rule applied again to readings of the past: what it would have decided. Pure.
//!
//! **Silence** is taken from what was decided at the time: only then was it known whether an agent
//! was there, and whether what came together had been one record. A decided silence holds where
//! there is still a gap between readings; where a backlog has filled it, the readings decide.

use scheduler::time::Micros;
use wire::ChannelName;

use super::state::{Decision, Fold, Terms};
use crate::history::{Cell, RawSeries, StateInterval};
use crate::status::MachineState;

/// Gaps shorter than this are no silence.
const GAP_MS_MIN: i64 = 10_000;

/// The readings of one channel, ascending by time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    pub(super) channel: ChannelName,
    pub(super) points: Vec<(i64, Cell)>,
}

impl Track {
    /// Returns a track without readings.
    pub(super) fn new(channel: ChannelName) -> Self {
        Self {
            channel,
            points: Vec::new(),
        }
    }

    /// Adds readings that follow.
    pub(super) fn append(&mut self, series: RawSeries) {
        let mut bad = series.bad.into_iter().peekable();
        for (time_ms, value) in series.times_ms.into_iter().zip(series.values) {
            let reason = bad.next_if(|(at, _)| *at == time_ms);
            let cell = match (value, reason) {
                (Some(value), _) => Cell::Good(value),
                (None, Some((_, quality))) => Cell::Bad(quality),
                (None, None) => continue,
            };
            self.points.push((time_ms, cell));
        }
    }
}

/// Where a replay begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Start {
    /// The state that holds then, and since when.
    pub(super) last: Decision,
    /// The newest cells before it; of a channel whose newest is bad, the last good one before that.
    pub(super) cells: Vec<(ChannelName, Cell)>,
    /// When the newest of them was read.
    pub(super) heard_ms: Option<i64>,
}

/// Returns what a rule decides of readings before `to_ms`, ascending by time. `silences` are the
/// offline stretches that were decided at the time, ascending.
pub(super) fn replay(
    terms: Terms<'_>,
    start: &Start,
    tracks: &[Track],
    silences: &[StateInterval],
    to_ms: i64,
) -> Vec<Decision> {
    let cells = start.cells.iter().map(|(channel, cell)| (channel, *cell));
    let mut fold = Fold::restored(
        start.last,
        cells,
        (start.heard_ms, start.heard_ms),
        Micros::new(0),
    );
    let mut decided = Vec::new();
    let mut places = vec![0_usize; tracks.len()];
    let mut silences = silences.iter().peekable();
    while let Some(time_ms) = next_time(tracks, &places).filter(|time_ms| *time_ms < to_ms) {
        pass_gap(&mut fold, terms, time_ms, &mut silences, &mut decided);
        let mut cells = Vec::with_capacity(tracks.len());
        for (track, place) in tracks.iter().zip(&mut places) {
            if let Some((_, cell)) = track.points.get(*place).filter(|(at, _)| *at == time_ms) {
                cells.push((&track.channel, *cell));
                *place += 1;
            }
        }
        fold.take_row(terms, time_ms, cells, &mut decided);
    }
    pass_gap(&mut fold, terms, to_ms, &mut silences, &mut decided);
    fold.mature(terms, to_ms, &mut decided);
    decided
}

fn next_time(tracks: &[Track], places: &[usize]) -> Option<i64> {
    let heads = tracks.iter().zip(places);
    let times = heads.filter_map(|(track, place)| track.points.get(*place));
    times.map(|(time_ms, _)| *time_ms).min()
}

/// Takes over a silence that was decided at the time, if there is still a gap.
fn pass_gap<'s>(
    fold: &mut Fold,
    terms: Terms<'_>,
    time_ms: i64,
    silences: &mut std::iter::Peekable<impl Iterator<Item = &'s StateInterval>>,
    decided: &mut Vec<Decision>,
) {
    let ms = |at: Micros| at.get().div_euclid(1_000);
    let Some(heard) = fold.heard_ms() else {
        return;
    };
    // Those that ended before the gap are behind.
    while silences
        .next_if(|silence| silence.end.is_some_and(|end| ms(end) <= heard))
        .is_some()
    {}
    let Some(silence) = silences.peek() else {
        return;
    };
    let is_gap = time_ms - heard > GAP_MS_MIN.min(terms.stale_ms);
    let longest = heard.saturating_add(terms.stale_ms);
    // One that began before the last reading began in an earlier gap, which a backlog has filled in
    // part, or with readings without a value, which the rule judges by itself.
    let from_ms = match ms(silence.start) {
        start if start > heard => start.min(longest),
        _ => longest,
    };
    let MachineState::Offline(reason) = silence.state else {
        return;
    };
    if !is_gap || from_ms >= time_ms {
        return;
    }
    fold.mature(terms, from_ms, decided);
    let has_state = !matches!(
        fold.state(),
        MachineState::Offline(_) | MachineState::Unknown
    );
    if has_state {
        fold.fall_silent(terms, from_ms, reason, decided);
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
