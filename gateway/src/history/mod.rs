//! The embedded telemetry store.
//!
//! Readers use a [`History`]-to-be with these calls, all `async` except `latest`:
//! `raw(instrument, &ChannelName, from, to) -> Result<RawSeries, HistoryError>`,
//! `stepped(instrument, &ChannelName, from, to, step: Span) -> Result<StepSeries, HistoryError>`,
//! `states(instrument, from, to) -> Result<Vec<StateInterval>, HistoryError>`,
//! `latest(instrument) -> Vec<ChannelReading>`, `unit(instrument, &ChannelName) -> String`.

mod series;

pub use series::{ChannelReading, RAW_POINTS_MAX, RawSeries, STEPS_MAX, StateInterval, StepSeries};
