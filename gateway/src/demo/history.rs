//! The history of a laboratory as its agent would have sent it: readings by exception for every
//! instrument, one a minute for a few, packed into records within the limits of the wire.

use wire::Series;

use super::day::DAY_S;
use super::generate::{Detail, Machine, World};
use super::meter::{self, Column, Kind};

/// Values in one record at the most; with them a record is about 100 KB of JSON.
const VALUES_MAX: usize = 6_000;

/// Series in one record at the most.
const SERIES_MAX: usize = 400;

/// Seconds of a minutely history in one series: 1,440 readings a day and those of changes stay far
/// below the wire's limit of times.
const MINUTELY_WINDOW_S: i64 = 2 * DAY_S;

/// Seconds of a history by exception in one series: about 70 readings a day.
const LOOSE_WINDOW_S: i64 = 28 * DAY_S;

/// Calls `send` with the contents of records, in order, until it returns false. Offsets count from
/// `to_s`, the end of the history. Returns the energy counters at the end, in watt-seconds, in the
/// order of `machines`.
pub(super) fn records(
    world: &World,
    machines: &[usize],
    (from_s, to_s): (i64, i64),
    send: &mut dyn FnMut(Vec<Series>) -> bool,
) -> Vec<i64> {
    let mut packer = Packer {
        record: Vec::new(),
        values: 0,
        send,
        open: true,
    };
    let mut counters = Vec::with_capacity(machines.len());
    for at in machines {
        let machine = world.machines.get(*at).expect("an index of an instrument");
        counters.push(pack(world, machine, (from_s, to_s), &mut packer));
    }
    packer.flush();
    counters
}

/// Packs one instrument's history and returns its energy counter at the end.
fn pack(world: &World, machine: &Machine, window: (i64, i64), packer: &mut Packer<'_>) -> i64 {
    let (from_s, to_s) = window;
    let habits = world.habits(machine);
    let mut counter_ws = meter::counter_at_mounting(&habits);
    let step_s = match machine.detail {
        Detail::ByException => LOOSE_WINDOW_S,
        Detail::Minutely => MINUTELY_WINDOW_S,
    };
    let mut begin_s = from_s;
    while begin_s < to_s && packer.open {
        let end_s = (begin_s + step_s).min(to_s);
        let trace = meter::trace(&habits, machine.detail, (begin_s, end_s), counter_ws);
        counter_ws = trace.counter_ws;
        let columns = [
            (Kind::Power, &trace.power),
            (Kind::Alarm, &trace.alarm),
            (Kind::Energy, &trace.energy),
        ];
        packer.push(machine, &columns, to_s);
        begin_s = end_s;
    }
    counter_ws
}

struct Packer<'a> {
    record: Vec<Series>,
    values: usize,
    send: &'a mut dyn FnMut(Vec<Series>) -> bool,
    /// False once nobody wants more.
    open: bool,
}

impl Packer<'_> {
    /// Adds an instrument's columns of one window. They stay in one record: the gateway takes a
    /// record as one observation, and what came in a later one would be late.
    fn push(&mut self, machine: &Machine, columns: &[(Kind, &Column)], base_s: i64) {
        // A missing value and its reason take as much room as three values.
        let missing = |column: &Column| column.values.iter().filter(|one| one.is_err()).count();
        let room = |(_, column): &(Kind, &Column)| column.times_s.len() + 2 * missing(column);
        let values: usize = columns.iter().map(room).sum();
        if self.values + values > VALUES_MAX || self.record.len() + columns.len() > SERIES_MAX {
            self.flush();
        }
        self.values += values;
        let columns = columns
            .iter()
            .filter(|(_, column)| !column.times_s.is_empty());
        let series = columns.map(|(kind, column)| column.series(&machine.key, *kind, base_s));
        self.record.extend(series);
    }

    fn flush(&mut self) {
        self.values = 0;
        let record = std::mem::take(&mut self.record);
        if self.open && !record.is_empty() {
            self.open = (self.send)(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::{Batch, BootId, Clocks, Record, RecordBody, StreamId};

    use super::super::generate::{SEED, Size};
    use super::*;

    /// Monday, 4 May 2026, 10:07 in Shanghai, in minutes.
    const NOW: i64 = 1_777_824_000 / 60 + 607;

    fn batch(record: Vec<Series>) -> Batch {
        let boot = BootId::parse("demo").unwrap();
        let at = Clocks {
            wall_ms: NOW * 60_000,
            mono_ms: 0,
        };
        let stream = StreamId::parse(&"0a".repeat(16)).unwrap();
        let body = RecordBody::Series(record);
        let record = Record {
            boot: boot.clone(),
            at,
            body,
        };
        Batch {
            stream,
            seq: 1,
            oldest: 1,
            boot,
            sent: at,
            record,
        }
    }

    #[test]
    fn every_record_is_one_the_gateway_accepts() {
        for days in [2, 28] {
            let size = Size {
                instruments: 60,
                history_days: days,
                now_min: NOW,
            };
            let world = World::make(SEED, size);
            let machines: Vec<usize> = (0..world.machines.len()).collect();
            let window = ((NOW - days * 1_440) * 60, NOW * 60);
            let (mut values, mut records_sent) = (0, 0);
            let counters = records(&world, &machines, window, &mut |record| {
                values += record.iter().map(|one| one.offsets_ms.len()).sum::<usize>();
                records_sent += 1;
                wire::decode_batch(&wire::encode(&batch(record))).unwrap();
                true
            });
            assert_eq!(counters.len(), 60);
            assert!(records_sent > 1 && values > 60 * 24 * 2);
        }
    }

    #[test]
    fn the_full_region_has_about_three_million_points() {
        let size = Size {
            instruments: 5_534,
            history_days: 14,
            now_min: NOW,
        };
        let world = World::make(SEED, size);
        // A tenth of the instruments, counted for all.
        let machines: Vec<usize> = (0..world.machines.len()).step_by(10).collect();
        let mut values = 0;
        records(
            &world,
            &machines,
            ((NOW - 14 * 1_440) * 60, NOW * 60),
            &mut |record| {
                values += record.iter().map(|one| one.offsets_ms.len()).sum::<usize>();
                true
            },
        );
        assert!((230_000..420_000).contains(&values), "{values}");
    }

    #[test]
    fn it_ends_when_nobody_wants_more() {
        let size = Size {
            instruments: 60,
            history_days: 14,
            now_min: NOW,
        };
        let world = World::make(SEED, size);
        let machines: Vec<usize> = (0..60).collect();
        let mut calls = 0;
        records(
            &world,
            &machines,
            ((NOW - 14 * 1_440) * 60, NOW * 60),
            &mut |_| {
                calls += 1;
                false
            },
        );
        assert_eq!(calls, 1);
    }
}
