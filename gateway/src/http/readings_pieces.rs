//! Raw readings of any range, piece by piece, so that a transfer takes bounded memory.

use scheduler::id::InstrumentId;
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, HOUR_US, Micros};
use wire::ChannelName;

use crate::history::{History, HistoryError, RawSeries};

/// Points that a piece should have at most; it is at most four times as long.
const PIECE_POINTS: usize = 50_000;

/// Shortest and longest window of a piece.
const PIECE_US: (i64, i64) = (1_000, 32 * DAY_US);

/// Readings of a window, piece by piece.
#[derive(Debug)]
pub(super) struct Pieces {
    history: History,
    instrument: InstrumentId,
    channel: ChannelName,
    at: Micros,
    to: Micros,
    length_us: i64,
}

impl Pieces {
    /// Returns those of a window.
    pub(super) fn new(
        history: History,
        instrument: InstrumentId,
        channel: ChannelName,
        window: Slot,
    ) -> Self {
        Self {
            history,
            instrument,
            channel,
            at: window.start(),
            to: window.end(),
            length_us: 6 * HOUR_US,
        }
    }

    /// Reads the next piece with readings; `None` at the end.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails.
    pub(super) async fn next(&mut self) -> Result<Option<RawSeries>, HistoryError> {
        while self.at < self.to {
            let end = Micros::new(self.at.get().saturating_add(self.length_us)).min(self.to);
            let read = self
                .history
                .raw_anywhere(self.instrument, &self.channel, self.at, end)
                .await;
            let (shortest, longest) = PIECE_US;
            let series = match read {
                Err(HistoryError::TooMany { .. }) if self.length_us > shortest => {
                    self.length_us = (self.length_us / 4).max(shortest);
                    continue;
                }
                read => read?,
            };
            self.at = end;
            let count = series.times_ms.len();
            if count > PIECE_POINTS {
                self.length_us = (self.length_us / 2).max(shortest);
            } else if count < PIECE_POINTS / 4 {
                self.length_us = (self.length_us * 2).min(longest);
            }
            if count > 0 {
                return Ok(Some(series));
            }
        }
        Ok(None)
    }
}
