//! What a reader gets: series of one channel, raw or by step, and intervals of machine state.

use scheduler::time::Micros;
use wire::Quality;

use crate::status::MachineState;

/// Most points a raw series may have. More is refused, so that a caller asks for a step.
pub const RAW_POINTS_MAX: usize = 200_000;

/// Most steps an aggregated series may have.
pub const STEPS_MAX: usize = 100_000;

/// Readings of one channel as they came, ascending by time; one point a time (the last received).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawSeries {
    /// Times, milliseconds since 1970 UTC.
    pub times_ms: Vec<i64>,
    /// Values in the channel's unit, one for each time; `None` where there was no value to believe.
    pub values: Vec<Option<f64>>,
    /// Why values are missing: time in milliseconds and reason, ascending.
    pub bad: Vec<(i64, Quality)>,
}

/// Readings of one channel by step. Steps without a good value are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepSeries {
    /// Begins of steps, milliseconds since 1970 UTC: multiples of the step after the first one's.
    pub times_ms: Vec<i64>,
    /// Least value of each step.
    pub min: Vec<f64>,
    /// Arithmetic mean of the step's points (not weighted by time), off by at most 1/131,000 of the
    /// distance from the least to the greatest value.
    pub mean: Vec<f64>,
    /// Greatest value.
    pub max: Vec<f64>,
    /// Value of the last point.
    pub last: Vec<f64>,
    /// How many points.
    pub count: Vec<u64>,
    /// For how many milliseconds of the step a good reading speaks: each until the next reading of
    /// the channel, at most 300 s.
    pub good_ms: Vec<i64>,
}

/// A stretch `[start, end)` in which the machine was in one state, clipped to the window asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateInterval {
    /// The state; never `Unknown` (stretches without a state are left out).
    pub state: MachineState,
    /// When it began, or the window's begin.
    pub start: Micros,
    /// When it ended, or the window's end; `None` while it lasts.
    pub end: Option<Micros>,
}

/// The newest reading of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelReading {
    /// The channel.
    pub name: wire::ChannelName,
    /// Its unit as the agent declared it; empty if it never did.
    pub unit: String,
    /// When it was read, mapped to the gateway's time.
    pub time: Micros,
    /// The value; `None` if the quality is not good.
    pub value: Option<f64>,
    /// Whether it can be believed, or why not.
    pub quality: Quality,
}
