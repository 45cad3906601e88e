//! How much disk the telemetry store will need, from instruments, channels and rates. Pure.

use crate::history::Inspection;

/// Bytes of a value in blocks while nothing is measured. Source: the prototype, fleet at 1 Hz.
const BYTES_PER_POINT: f64 = 0.94;

/// Channels of an instrument while none is declared: a three-phase meter's usual ones.
const CHANNELS_EACH: u64 = 6;

/// Bytes of a channel's rollups by minute for a year: 525,600 steps of least, mean, greatest, last
/// and count, some 0.6 bytes each. Those by hour are a sixtieth of it.
const ROLLUP_BYTES_A_CHANNEL: u64 = 525_600 * 5 * 6 / 10;

/// What is expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Instruments with readings.
    pub instruments: u64,
    /// Their channels in all.
    pub channels: u64,
    /// Rows of readings a second of one instrument.
    pub rows_per_s: f64,
    /// Whether rate and size are measured, not assumed.
    pub is_measured: bool,
    /// Bytes a day of readings as they came.
    pub bytes_a_day: u64,
    /// Bytes once everything is there that is kept: readings, rollups, and the queue of a follower.
    pub bytes_in_all: u64,
}

/// Computes what will be needed if readings are kept for `raw_days`; `queue_bytes` is the limit of the follower's queue.
#[must_use]
pub fn forecast(found: &Inspection, raw_days: u32, queue_bytes: u64) -> Forecast {
    let instruments = found.instruments;
    let channels = if found.channels > 0 {
        found.channels
    } else {
        instruments.saturating_mul(CHANNELS_EACH)
    };
    let is_measured = found.rows > 0 && found.span_ms > 0;
    let (rows_per_s, bytes_per_row) = if is_measured {
        let rows = real(found.rows);
        (
            rows / (real(found.span_ms) / 1_000.0),
            real(found.bytes) / rows,
        )
    } else {
        let each = real(channels) / real(instruments.max(1));
        (1.0, each * BYTES_PER_POINT)
    };
    let bytes_a_day = whole(real(instruments) * rows_per_s * 86_400.0 * bytes_per_row);
    Forecast {
        instruments,
        channels,
        rows_per_s,
        is_measured,
        bytes_a_day,
        bytes_in_all: bytes_a_day
            .saturating_mul(u64::from(raw_days))
            .saturating_add(channels.saturating_mul(ROLLUP_BYTES_A_CHANNEL))
            .saturating_add(queue_bytes),
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a forecast needs no more than 53 bits"
)]
fn real(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are not negative, and the cast of what is too large saturates"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(instruments: u64, channels: u64, measured: (u64, u64, u64)) -> Inspection {
        Inspection {
            settings: Vec::new(),
            newest_commit: None,
            instruments,
            channels,
            agents: 0,
            rows: measured.0,
            bytes: measured.1,
            span_ms: measured.2,
        }
    }

    #[test]
    fn the_region_at_one_report_a_second_is_foreseen_as_the_design_says() {
        let forecast = forecast(&found(5_534, 33_204, (0, 0, 0)), 30, 0);
        assert!(!forecast.is_measured);
        // 2.7 GB a day, and 81 GB with the rollups of a year beside 52 GB.
        assert_eq!(forecast.bytes_a_day / 100_000_000, 26);
        assert_eq!(forecast.bytes_in_all / 1_000_000_000, 133);
    }

    #[test]
    fn what_is_measured_counts() {
        let one = forecast(&found(10, 20, (3_000, 6_000, 6_000_000)), 30, 1_000);
        assert!(one.is_measured);
        assert!((one.rows_per_s - 0.5).abs() < 1e-9);
        assert_eq!(one.bytes_a_day, 10 * 43_200 * 2);
        let two = forecast(&found(10, 20, (3_000, 6_000, 6_000_000)), 30, 0);
        assert_eq!(one.bytes_in_all - two.bytes_in_all, 1_000);
        assert_eq!(forecast(&found(0, 0, (0, 0, 0)), 30, 0).bytes_in_all, 0);
    }
}
