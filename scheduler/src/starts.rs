//! At which instants bookings may begin, as plain arithmetic where a zone allows that.

use chrono_tz::Tz;

use crate::cells::is_on_grid;
use crate::grid::overlaid;
use crate::slot::Slot;
use crate::time::{DAY_US, MINUTE_US, Micros, Span};
use crate::wall::{is_known, stretches};

/// Begins in equal steps of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Starts {
    /// Above 0.
    step_us: i64,
    /// The first begin after 1970, below the step.
    phase_us: i64,
}

impl Starts {
    /// Returns the begins within a window that put begin and end of a slot of this length on every
    /// grid; without grids, the whole minutes of the zone.
    ///
    /// Nothing where they are not equally spaced: the clocks change within the window, the grid
    /// does not divide the day, the length does not suit the grid, or the window leaves the years 0
    /// to 9999. Then only the exact search knows. Costs a zone lookup for each day of the window:
    /// make one for all instruments of a zone and grid.
    #[must_use]
    pub fn within(zone: Tz, grids_minutes: &[u32], window: Slot, length: Span) -> Option<Self> {
        let step_us = i64::from(overlaid(grids_minutes)) * MINUTE_US;
        let suits = grids_minutes.is_empty() || length.get() % step_us == 0;
        let known = is_known(window.start()) && is_known(window.end());
        if !suits || !known || DAY_US % step_us != 0 {
            return None;
        }
        // The last instant counts too: a slot may end there and has to be on the grid.
        let window = Slot::new(window.start(), window.end() + Span::minutes(1))?;
        let mut offsets = stretches(zone, window).map(|stretch| stretch.offset_us);
        let offset_us = offsets.next()?;
        offsets.all(|other| other == offset_us).then(|| Self {
            step_us,
            phase_us: (-offset_us).rem_euclid(step_us),
        })
    }

    /// Returns true if all begins lie between cells.
    pub(crate) fn are_on_cells(self) -> bool {
        is_on_grid(self.step_us) && is_on_grid(self.phase_us)
    }

    /// Returns the first begin at or after an instant, or nothing at the end of time.
    #[must_use]
    pub fn at_or_after(self, from: Micros) -> Option<Micros> {
        let past = from.get().rem_euclid(self.step_us);
        let wait = (self.phase_us - past).rem_euclid(self.step_us);
        from.get().checked_add(wait).map(Micros::new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grid::first_aligned;

    proptest! {
        #[test]
        fn steps_are_the_grid(
            zone in prop::sample::select(vec![
                Tz::Asia__Shanghai, Tz::Asia__Kathmandu, Tz::Europe__Berlin, Tz::Australia__Lord_Howe,
            ]),
            // The whole of 2026, in minutes.
            begin in 29_453_760i64..29_979_360,
            days in 1i64..6,
            grids in prop::sample::select(vec![vec![5u32], vec![15], vec![20, 30], vec![60], vec![90], vec![50]]),
            count in 1u32..5,
        ) {
            let begin = begin * MINUTE_US;
            let window = Slot::new(Micros::new(begin), Micros::new(begin + days * DAY_US)).unwrap();
            let length = Span::minutes(overlaid(&grids) * count);
            if let Some(starts) = Starts::within(zone, &grids, window, length) {
                let start = starts.at_or_after(window.start()).unwrap();
                let slot = Slot::new(start, start + length).filter(|slot| window.covers(*slot));
                prop_assert_eq!(slot, first_aligned(window, zone, overlaid(&grids), length));
            } else {
                let changes = stretches(zone, window).count() > 1;
                prop_assert!(changes || grids == [50]);
            }
        }
    }

    #[test]
    fn no_steps_where_clocks_change_or_times_are_no_dates() {
        // 2026-10-25T01:00:00Z: in Berlin clocks go back.
        let change = 1_792_890_000_000_000;
        let around = |from: i64, to: i64| {
            let window = Slot::new(Micros::new(from), Micros::new(to)).unwrap();
            Starts::within(Tz::Europe__Berlin, &[15], window, Span::minutes(30))
        };
        assert!(around(change - DAY_US, change + 1).is_none());
        assert!(around(change - DAY_US, change - DAY_US / 2).is_some());
        assert!(around(i64::MIN, i64::MAX).is_none());
        let starts = around(change, change + DAY_US).unwrap();
        assert_eq!(starts.at_or_after(Micros::new(i64::MAX)), None);
        assert!(starts.at_or_after(Micros::new(i64::MIN)).is_some());
    }
}
