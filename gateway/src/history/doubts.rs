//! When an instrument's readings have times that may be wrong.

use futures::TryStreamExt as _;
use scheduler::id::InstrumentId;
use scheduler::slot::{Slot, merged};
use scheduler::time::{MINUTE_US, Micros};
use sqlx::Row as _;

use super::block;
use super::error::HistoryError;
use super::rows::{ChannelNo, ClockMark, Rows};
use super::tails::Kind;
use super::{History, SPAN_MS_MAX};

/// A time is in doubt from here on: 60 s, in tenths of a second.
const DOUBT_DS: i32 = 600;

/// How long the last of some rows in doubt casts it.
const LAST_US: i64 = 5 * MINUTE_US;

impl History {
    /// Returns when readings in `[from, to)` have times that may be off by more than 60 s: from the
    /// first such reading to the next sure one. Ascending and disjoint.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails or a block is damaged.
    pub async fn doubts(
        &self,
        instrument: InstrumentId,
        from: Micros,
        to: Micros,
    ) -> Result<Vec<Slot>, HistoryError> {
        const DOING: &str = "reading clock marks";
        let Some(window) = Slot::new(from, to) else {
            return Ok(Vec::new());
        };
        let mut doubts = Vec::new();
        {
            let tails = self.shared.tails.read();
            if let Some(tails) = tails.get(&instrument) {
                for kind in [Kind::Live, Kind::Late] {
                    doubts.extend(of_rows(tails.of(kind)));
                }
            }
        }
        let (from_ms, to_ms) = (from.get().div_euclid(1_000), to.get().div_euclid(1_000));
        let mut rows = sqlx::query(
            "SELECT id, data FROM block WHERE instrument = $1 \
             AND first_ms >= $2 AND first_ms <= $3 AND last_ms >= $4",
        )
        .bind(i64::from(instrument.get()))
        .bind(from_ms.saturating_sub(SPAN_MS_MAX))
        .bind(to_ms)
        .bind(from_ms)
        .fetch(&self.pools.readers);
        while let Some(row) = rows.try_next().await.map_err(HistoryError::sql(DOING))? {
            let id: i64 = row.try_get(0).map_err(HistoryError::sql(DOING))?;
            let data: &[u8] = row.try_get(1).map_err(HistoryError::sql(DOING))?;
            let damaged = |source| HistoryError::Damaged {
                table: "block",
                row: id,
                source,
            };
            // Nearly all blocks have no such mark: their times need not be unpacked, and never
            // their columns; no channel is number 0.
            if block::marks(data).map_err(damaged)?.iter().any(is_doubtful) {
                doubts.extend(of_rows(
                    &block::decode(data, Some(ChannelNo(0))).map_err(damaged)?,
                ));
            }
        }
        let doubts = merged(doubts).into_iter();
        Ok(doubts.filter_map(|doubt| doubt.intersect(window)).collect())
    }
}

fn is_doubtful(mark: &ClockMark) -> bool {
    mark.uncertainty_ds > DOUBT_DS
}

fn of_rows(rows: &Rows) -> Vec<Slot> {
    let at = |row: usize| {
        let time_ms = rows.times_ms().get(row);
        time_ms.map(|ms| Micros::new(ms.saturating_mul(1_000)))
    };
    let ranges = rows.ranges_where(is_doubtful).into_iter();
    ranges
        .filter_map(|range| {
            // Late rows come in the order of arrival: the least and the greatest time bound them.
            let times = range.clone().filter_map(at);
            let (first, last) = (times.clone().min()?, times.max()?);
            let next = at(range.end).unwrap_or(Micros::new(last.get().saturating_add(LAST_US)));
            Slot::new(first, next.max(last))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::rows::Cell;
    use super::*;

    fn mark(uncertainty_ds: i32) -> ClockMark {
        ClockMark {
            uncertainty_ds,
            ..ClockMark::default()
        }
    }

    #[test]
    fn a_doubt_lasts_to_the_next_sure_reading() {
        let mut rows = Rows::of_channels(&[]);
        for (at_s, doubt) in [(0, 0), (10, 601), (20, 900), (30, 600), (40, 601)] {
            rows.push(at_s * 1_000, std::iter::empty::<Cell>(), mark(doubt));
        }
        let seconds = |slot: &Slot| (slot.start().get() / 1_000_000, slot.end().get() / 1_000_000);
        let doubts: Vec<(i64, i64)> = merged(of_rows(&rows)).iter().map(seconds).collect();
        assert_eq!(doubts, [(10, 30), (40, 340)]);
        let written = block::encode(&rows);
        assert_eq!(block::marks(&written).unwrap().len(), 5);
    }
}
