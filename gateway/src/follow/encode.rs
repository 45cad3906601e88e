//! From committed readings to lines. Pure.
//!
//! | | |
//! |---|---|
//! | measurement | `ortoo_reading` for values, `ortoo_quality` for why there is none |
//! | tags | `id`: the instrument's number in this gateway, `instrument`: its asset code |
//! | fields | one a channel, named like it (`power_w`), floating point: the value; in `ortoo_quality` the reason's code |
//! | time | milliseconds, mapped to the gateway's time |
//!
//! In VictoriaMetrics the series of a channel are `ortoo_reading_power_w` and
//! `ortoo_quality_power_w`. Codes of reasons are their places in [`wire::Quality::ALL`], which only
//! grows at its end. Nothing personal is in any of it.

use wire::ChannelName;

use super::line::{Head, Lines};
use crate::history::{Cell, ChannelNo, Committed, Rows, quality_code};
use crate::registry::Directory;

/// Measurement of values.
pub(super) const READING: &str = "ortoo_reading";

/// Measurement of reasons for the absence of a value.
pub(super) const QUALITY: &str = "ortoo_quality";

/// What a store can hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits {
    /// Greatest magnitude of a value; greater ones are left out.
    pub(super) magnitude_max: f64,
}

/// Lines, and how many values were left out because the store cannot hold them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Encoded {
    pub(super) lines: Lines,
    pub(super) left_out: u64,
}

impl Encoded {
    /// Adds the lines of a commit.
    pub(super) fn add(
        &mut self,
        committed: &Committed,
        directory: &Directory,
        names: &dyn Fn(ChannelNo) -> Option<ChannelName>,
        limits: Limits,
    ) {
        for (instrument, rows) in &committed.rows {
            let key = directory.instruments.get(instrument);
            let key = key.map_or("", |instrument| instrument.key.as_str());
            let id = instrument.get().to_string();
            let tags = [("id", id.as_str()), ("instrument", key)];
            let heads = (Head::new(READING, &tags), Head::new(QUALITY, &tags));
            self.add_rows(rows, &heads, names, limits);
        }
    }

    fn add_rows(
        &mut self,
        rows: &Rows,
        (values, reasons): &(Head, Head),
        names: &dyn Fn(ChannelNo) -> Option<ChannelName>,
        limits: Limits,
    ) {
        let first: Vec<Option<ChannelName>> =
            rows.row(0).map(|(number, _)| names(number)).collect();
        for (row, time_ms) in rows.times_ms().iter().enumerate() {
            let (mut good, mut bad) = (Vec::new(), Vec::new());
            for (name, (_, cell)) in first.iter().zip(rows.row(row)) {
                let Some(name) = name else { continue };
                match cell {
                    Cell::Good(value) if value.abs() <= limits.magnitude_max => {
                        good.push((name.as_str(), value));
                    }
                    Cell::Good(_) => self.left_out += 1,
                    Cell::Bad(quality) => {
                        bad.push((name.as_str(), f64::from(quality_code(quality))));
                    }
                    Cell::Absent => {}
                }
            }
            self.lines.push(values, good, *time_ms);
            self.lines.push(reasons, bad, *time_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use scheduler::id::InstrumentId;
    use scheduler::time::Micros;
    use wire::Quality;

    use super::*;
    use crate::history::ClockMark;

    #[test]
    fn values_and_reasons_become_lines_and_what_was_not_reported_does_not() {
        let channels = [1, 2].map(|number| ChannelNo::new(number).unwrap());
        let mut rows = Rows::of_channels(&channels);
        let mark = ClockMark::default();
        rows.push(5, [Cell::Good(1.5), Cell::Bad(Quality::Timeout)], mark);
        rows.push(6, [Cell::Good(1e30), Cell::Absent], mark);
        let committed = Committed {
            seq: 1,
            at: Micros::new(0),
            rows: vec![(InstrumentId::new(7), rows)],
        };
        let names = |number: ChannelNo| {
            let name = if number == channels[0] {
                "power_w"
            } else {
                "energy_wh"
            };
            ChannelName::parse(name).ok()
        };
        let mut encoded = Encoded::default();
        let limits = Limits {
            magnitude_max: 1e15,
        };
        encoded.add(&committed, &Directory::default(), &names, limits);
        let expected = "ortoo_reading,id=7 power_w=1.5 5\nortoo_quality,id=7 energy_wh=1.0 5\n";
        assert_eq!(encoded.lines.text, expected);
        assert_eq!(encoded.left_out, 1);
    }
}
