//! What a store elsewhere is to this one: it gets a copy of all readings and answers for the past.

use async_trait::async_trait;
use scheduler::id::InstrumentId;
use scheduler::time::{Micros, Span};
use wire::ChannelName;

use super::History;
use super::error::HistoryError;
use super::series::{RawSeries, StepSeries};

/// Counts of a store elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ElsewhereCounts {
    /// Lines that it took.
    pub written_lines: u64,
    /// Write requests that it answered, with yes or no.
    pub requests: u64,
    /// Write requests that failed and were or will be repeated.
    pub failures: u64,
    /// Lines that it refused for good.
    pub set_aside_lines: u64,
    /// Values that it cannot hold and that were not sent.
    pub left_out_values: u64,
    /// Reads that failed; they were answered from the embedded store where it could.
    pub read_failures: u64,
}

/// A store elsewhere.
#[async_trait]
pub trait StoreElsewhere: std::fmt::Debug + Send + Sync {
    /// Returns readings as they came in a window `[from, to)`, the newest from the embedded store.
    ///
    /// # Errors
    /// As [`History::raw_anywhere`].
    async fn raw(
        &self,
        history: &History,
        of: (InstrumentId, &ChannelName),
        window: (Micros, Micros),
    ) -> Result<RawSeries, HistoryError>;

    /// Returns a channel by step in a window, likewise.
    ///
    /// # Errors
    /// As [`History::stepped_anywhere`].
    async fn stepped(
        &self,
        history: &History,
        of: (InstrumentId, &ChannelName),
        window: (Micros, Micros),
        step: Span,
    ) -> Result<StepSeries, HistoryError>;

    /// Returns all counts.
    fn counts(&self) -> ElsewhereCounts;

    /// Returns whether readings can be written on.
    ///
    /// # Errors
    /// Returns why not, for operators, in Chinese and English.
    fn ready(&self) -> Result<(), String>;
}

impl History {
    /// Returns the store elsewhere, if there is one.
    #[must_use]
    pub fn elsewhere(&self) -> Option<&dyn StoreElsewhere> {
        self.elsewhere.get().map(|store| &**store)
    }

    /// Returns the readings of a channel in `[from, to)` as they came, from wherever they are.
    ///
    /// # Errors
    /// As [`History::raw`]; [`HistoryError::Elsewhere`] when the store elsewhere does not answer and
    /// this one has nothing so old.
    pub async fn raw_anywhere(
        &self,
        instrument: InstrumentId,
        channel: &ChannelName,
        from: Micros,
        to: Micros,
    ) -> Result<RawSeries, HistoryError> {
        match self.elsewhere() {
            Some(store) => store.raw(self, (instrument, channel), (from, to)).await,
            None => self.raw(instrument, channel, from, to).await,
        }
    }

    /// Returns a channel in `[from, to)` by step, from wherever its readings are.
    ///
    /// # Errors
    /// As [`History::stepped`]; [`HistoryError::Elsewhere`] as with [`History::raw_anywhere`].
    pub async fn stepped_anywhere(
        &self,
        instrument: InstrumentId,
        channel: &ChannelName,
        from: Micros,
        to: Micros,
        step: Span,
    ) -> Result<StepSeries, HistoryError> {
        match self.elsewhere() {
            Some(store) => {
                let of = (instrument, channel);
                store.stepped(self, of, (from, to), step).await
            }
            None => self.stepped(instrument, channel, from, to, step).await,
        }
    }
}
