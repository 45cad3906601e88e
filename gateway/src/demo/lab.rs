//! The live side of a simulated laboratory: reads its meters once a second and says what its agent
//! reports and when. Pure: the caller brings the time and sends what comes out.
//!
//! A change of phase or reach is reported at once; a power that moved by more than a twentieth of the
//! running power is noted and goes with the next report; every instrument is in a report at least
//! every [`REPORT_S`] seconds.

use wire::{Quality, Series};

use super::calendar::Minutes;
use super::day::{DAY_S, Habits, Phase, Reach, Stretch};
use super::dice::Dice;
use super::generate::{Machine, World};
use super::meter::{self, Column, Kind};

/// Longest time between two reports of an instrument, in seconds.
pub(super) const REPORT_S: i64 = 10;

/// How often what moves slowly is read, in seconds.
const SLOW_S: i64 = 60;

/// How far ahead an instrument's day is planned, in seconds.
const PLAN_S: i64 = 3_600;

/// A laboratory's agent and what it reads.
#[derive(Debug)]
pub(super) struct Lab {
    /// Index of the laboratory among the places; spreads reports over the seconds.
    place: usize,
    benches: Vec<Bench>,
}

/// The meter of one instrument.
#[derive(Debug)]
struct Bench {
    /// Index of the instrument.
    machine: usize,
    booked: Vec<Minutes>,
    /// The plan; holds the current second after `Bench::plan`.
    stretches: Vec<Stretch>,
    counter_ws: i64,
    /// Power last noted, in tenths of a watt, and the stretch it belonged to.
    noted: Option<(i64, Phase, Reach)>,
    alarm_told: Option<bool>,
    power: Column,
}

impl Lab {
    /// Returns a laboratory with these instruments and their energy counters, in watt-seconds.
    pub(super) fn new(
        world: &World,
        place: usize,
        machines: impl Iterator<Item = (usize, i64)>,
    ) -> Self {
        let bench = |(machine, counter_ws): (usize, i64)| Bench {
            machine,
            booked: world
                .machines
                .get(machine)
                .map_or_else(Vec::new, |one| one.booked.clone()),
            stretches: Vec::new(),
            counter_ws,
            noted: None,
            alarm_told: None,
            power: Column::default(),
        };
        Self {
            place,
            benches: machines.map(bench).collect(),
        }
    }

    /// Returns the indexes of its instruments.
    pub(super) fn machines(&self) -> impl Iterator<Item = usize> {
        self.benches.iter().map(|bench| bench.machine)
    }

    /// Replaces the bookings an instrument follows.
    pub(super) fn rebook(&mut self, machine: usize, booked: Vec<Minutes>) {
        let bench = self
            .benches
            .iter_mut()
            .find(|bench| bench.machine == machine);
        if let Some(bench) = bench.filter(|bench| bench.booked != booked) {
            bench.booked = booked;
            bench.stretches.clear();
        }
    }

    /// Reads every meter at this second; seconds must not be skipped for long, or energy is lost.
    /// Returns a report if one is due: offsets count from `now_s`.
    pub(super) fn tick(&mut self, world: &World, now_s: i64) -> Option<Vec<Series>> {
        let due = (now_s + i64::try_from(self.place).unwrap_or(0)).rem_euclid(REPORT_S) == 0;
        let mut changed = false;
        for bench in &mut self.benches {
            let machine = world
                .machines
                .get(bench.machine)
                .expect("benches name machines");
            changed |= bench.read(world, machine, now_s, due);
        }
        if !(due || changed) {
            return None;
        }
        let mut report = Vec::new();
        for bench in &mut self.benches {
            let machine = world
                .machines
                .get(bench.machine)
                .expect("benches name machines");
            bench.report(world, machine, now_s, due, &mut report);
        }
        (!report.is_empty()).then_some(report)
    }
}

impl Bench {
    /// Reads the meter; returns true if something changed that should be told at once.
    fn read(&mut self, world: &World, machine: &Machine, now_s: i64, due: bool) -> bool {
        let one = self.plan(world, machine, now_s);
        let habits = Habits {
            booked: &self.booked,
            ..world.habits(machine)
        };
        let power_dw = habits.power_dw(one.phase, now_s);
        self.counter_ws += power_dw / 10;
        let (changed, moved) = match self.noted {
            None => (true, true),
            Some((dw, phase, reach)) => {
                let other = !same_kind(phase, one.phase) || reach != one.reach;
                (other, (dw - power_dw).abs() > machine.class.running_w / 2)
            }
        };
        if changed || due || (moved && one.reach == Reach::Good) {
            self.noted = Some((power_dw, one.phase, one.reach));
            self.power.push(now_s, meter::power(&habits, &one, now_s));
        }
        changed
    }

    /// Returns the stretch that holds this second.
    fn plan(&mut self, world: &World, machine: &Machine, now_s: i64) -> Stretch {
        let holding = |one: &&Stretch| (one.start_s..one.end_s).contains(&now_s);
        if let Some(one) = self.stretches.iter().find(holding) {
            return *one;
        }
        let habits = Habits {
            booked: &self.booked,
            ..world.habits(machine)
        };
        self.stretches = habits.stretches(now_s, now_s + PLAN_S);
        *self.stretches.first().expect("a window has a stretch")
    }

    fn report(
        &mut self,
        world: &World,
        machine: &Machine,
        now_s: i64,
        due: bool,
        report: &mut Vec<Series>,
    ) {
        if self.power.times_s.is_empty() {
            return;
        }
        let power = std::mem::take(&mut self.power);
        report.push(power.series(&machine.key, Kind::Power, now_s));
        let one = self.plan(world, machine, now_s);
        let slow = due && (now_s / REPORT_S + machine.number).rem_euclid(SLOW_S / REPORT_S) == 0;
        let alarm = one.phase == Phase::Fault;
        if machine.alarm && one.reach == Reach::Good && (slow || self.alarm_told != Some(alarm)) {
            let mut column = Column::default();
            column.push(now_s, Ok(if alarm { 1.0 } else { 0.0 }));
            report.push(column.series(&machine.key, Kind::Alarm, now_s));
            self.alarm_told = Some(alarm);
        }
        if slow && one.reach == Reach::Good {
            let habits = Habits {
                booked: &self.booked,
                ..world.habits(machine)
            };
            let read = meter::besides(&habits, &one, now_s, self.counter_ws);
            report.push(row(machine, read));
        }
    }
}

/// Returns several channels read at the moment of the report.
fn row(machine: &Machine, read: Vec<(Kind, Result<f64, Quality>)>) -> Series {
    let good = read
        .into_iter()
        .filter_map(|(kind, value)| Some((kind.channel(), value.ok()?)));
    let (channels, values) = good
        .map(|(channel, value)| (channel, vec![Some(value)]))
        .unzip();
    Series {
        key: machine.key.clone(),
        offsets_ms: vec![0],
        channels,
        values,
        bad: Vec::new(),
    }
}

fn same_kind(one: Phase, other: Phase) -> bool {
    std::mem::discriminant(&one) == std::mem::discriminant(&other)
}

/// Returns true if a laboratory's agent is connected: one of 100 never is, some are away for an hour
/// or so now and then. The first laboratories always are.
pub(super) fn is_connected(seed: u64, lab: usize, now_s: i64) -> bool {
    const SEEDS: i64 = 9;
    let Some(lab) = i64::try_from(lab).ok().filter(|lab| *lab > 8) else {
        return true;
    };
    if Dice::of(seed, &[SEEDS, lab]).chance(10) {
        return false;
    }
    let day = now_s.div_euclid(DAY_S);
    let mut dice = Dice::of(seed, &[SEEDS, lab, day]);
    let begin = day * DAY_S + dice.between(0, 80_000);
    let away = begin..begin + dice.between(600, 5_400);
    !(dice.chance(25) && away.contains(&now_s))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::generate::{Feed, SEED, Size};
    use super::*;

    /// Monday, 4 May 2026, 10:07 in Shanghai, in minutes.
    const NOW: i64 = 1_777_824_000 / 60 + 607;

    fn world() -> World {
        World::make(
            SEED,
            Size {
                instruments: 90,
                history_days: 1,
                now_min: NOW,
            },
        )
    }

    fn labs(world: &World) -> Vec<Lab> {
        let mut labs: Vec<(usize, Vec<(usize, i64)>)> = Vec::new();
        let machines = world.machines.iter().enumerate();
        for (at, machine) in machines.filter(|(_, one)| one.feed == Feed::Simulated) {
            if labs.last().is_none_or(|lab| lab.0 != machine.lab) {
                labs.push((machine.lab, Vec::new()));
            }
            labs.last_mut().unwrap().1.push((at, 0));
        }
        labs.into_iter()
            .map(|(place, list)| Lab::new(world, place, list.into_iter()))
            .collect()
    }

    #[test]
    fn every_instrument_reports_at_least_every_ten_seconds() {
        let world = world();
        let mut labs = labs(&world);
        let mut last: HashMap<String, i64> = HashMap::new();
        let mut reports = 0;
        for now_s in NOW * 60..NOW * 60 + 300 {
            for lab in &mut labs {
                let Some(report) = lab.tick(&world, now_s) else {
                    continue;
                };
                reports += 1;
                for series in report
                    .iter()
                    .filter(|one| one.channels[0].as_str() == "power_w")
                {
                    let before = last.insert(series.key.to_string(), now_s);
                    assert!(before.is_none_or(|before| now_s - before <= REPORT_S));
                }
            }
        }
        let simulated = world
            .machines
            .iter()
            .filter(|one| one.feed == Feed::Simulated)
            .count();
        assert_eq!(last.len(), simulated);
        let labs = i32::try_from(labs.len()).unwrap();
        assert!((labs * 30..labs * 40).contains(&reports), "{reports}");
    }

    #[test]
    fn reports_are_within_the_limits_of_the_wire() {
        let world = world();
        let mut lab = labs(&world).remove(0);
        for now_s in NOW * 60..NOW * 60 + 130 {
            for series in lab.tick(&world, now_s).unwrap_or_default() {
                assert!(series.offsets_ms.is_sorted());
                assert_eq!(series.channels.len(), series.values.len());
                assert!(
                    series
                        .values
                        .iter()
                        .all(|one| one.len() == series.offsets_ms.len())
                );
            }
        }
    }

    #[test]
    fn an_instrument_follows_new_bookings() {
        let world = world();
        let mut labs = labs(&world);
        let lab = &mut labs[0];
        let machine = lab.machines().next().unwrap();
        let running = |lab: &Lab| {
            lab.benches[0]
                .noted
                .is_some_and(|(_, phase, _)| matches!(phase, Phase::Running { .. }))
        };
        // Slots after each other until one is no no-show; each begins within ten minutes.
        let mut ran = false;
        for hour in 24..40 {
            let start = NOW / 60 * 60 + hour * 60;
            lab.rebook(machine, vec![(start, start + 60)]);
            lab.tick(&world, (start + 15) * 60);
            ran |= running(lab);
        }
        assert!(ran);
    }

    #[test]
    fn most_agents_are_connected_and_the_first_always() {
        let now_s = NOW * 60;
        let away = (0..3_000)
            .filter(|lab| !is_connected(1, *lab, now_s))
            .count();
        assert!((10..90).contains(&away), "{away}");
        assert!((0..9).all(|lab| is_connected(1, lab, now_s)));
    }
}
