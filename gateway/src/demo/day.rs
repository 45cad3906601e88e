//! A laboratory's day as a meter sees it: when an instrument is off, on, running or at fault, when
//! it cannot be reached, and the power it draws. Pure: everything follows from the seed, the
//! instrument's number and its bookings, so that history and the live simulation tell one story.
//!
//! Times are seconds since 1970 UTC; days are those of `Asia/Shanghai`, which has kept UTC+8 without
//! summer time since 1991.

use super::classes::{Class, OFF_W};
use super::dice::Dice;

/// Seconds from UTC to the demo's wall clock.
pub(super) const ZONE_S: i64 = 8 * 3_600;

/// Seconds of a day.
pub(super) const DAY_S: i64 = 86_400;

const HOUR_S: i64 = 3_600;
const MINUTE_S: i64 = 60;

/// How far before a moment something may have begun that still matters: the longest run is a day.
const LOOK_BACK_S: i64 = 2 * DAY_S;

/// What a machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Switched off.
    Off,
    /// On and idle.
    Standby,
    /// In a run that began at this second.
    Running {
        /// Start of the run.
        since_s: i64,
    },
    /// On, with its alarm raised.
    Fault,
}

/// Whether its meter answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It answers.
    Good,
    /// The meter is silent: a question to it runs into its timeout.
    Silent,
    /// The network to the meter is cut.
    Cut,
}

/// A stretch of time in which neither phase nor reach changes: `[start_s, end_s)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// First second.
    pub(super) start_s: i64,
    /// The second after the last.
    pub(super) end_s: i64,
    /// What the machine does.
    pub(super) phase: Phase,
    /// Whether its meter answers.
    pub(super) reach: Reach,
}

/// What a machine's days depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits<'a> {
    /// The world's seed.
    pub(super) seed: u64,
    /// The machine's number.
    pub(super) number: i64,
    /// Its class.
    pub(super) class: &'a Class,
    /// Whether it reports an alarm channel; only then does it show faults.
    pub(super) alarm: bool,
    /// Its bookings `(start, end)` in minutes since 1970 UTC, ascending, disjoint.
    pub(super) booked: &'a [(i64, i64)],
    /// How people come to it.
    pub(super) use_by: UseBy,
}

/// How people come to an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UseBy {
    /// They book it, and rarely come without.
    Booking,
    /// It cannot be booked; they just walk up to it.
    WalkUp,
    /// One test after the other, day and night, as in a climatic chamber.
    Endurance,
}

/// Subjects of throws: each has a stream of its own.
mod throw {
    pub(super) const RUN: i64 = 1;
    pub(super) const WALK_UP: i64 = 2;
    pub(super) const DAY: i64 = 3;
    pub(super) const FAULT: i64 = 4;
    pub(super) const REACH: i64 = 5;
    pub(super) const NOISE: i64 = 6;
}

/// A half-open interval in seconds.
type Interval = (i64, i64);

impl Habits<'_> {
    /// Returns what happens from `from_s` to `to_s` without holes, in order. What it says of a moment
    /// does not depend on the window asked for.
    pub(super) fn stretches(&self, from_s: i64, to_s: i64) -> Vec<Stretch> {
        let days = local_day(from_s - LOOK_BACK_S)..=local_day(to_s);
        let runs = self.runs(from_s, to_s);
        let mut on: Vec<Interval> = runs
            .iter()
            .map(|(start, end)| (start - 15 * MINUTE_S, end + 10 * MINUTE_S))
            .collect();
        let mut faults = Vec::new();
        let mut silent = Vec::new();
        for day in days {
            on.extend(self.working_day(day));
            faults.extend(self.fault(day));
            silent.extend(self.silence(day));
        }
        let everything = on.iter().chain(&runs).chain(&faults);
        let mut cuts: Vec<i64> = everything.flat_map(|(start, end)| [*start, *end]).collect();
        cuts.extend(silent.iter().flat_map(|(start, end, _)| [*start, *end]));
        cuts.retain(|cut| *cut > from_s && *cut < to_s);
        cuts.extend([from_s, to_s]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut stretches: Vec<Stretch> = Vec::new();
        for (start_s, end_s) in cuts.iter().copied().zip(cuts.iter().copied().skip(1)) {
            let phase = self.phase(start_s, &on, &runs, &faults);
            let held = silent
                .iter()
                .find(|(from, to, _)| (*from..*to).contains(&start_s));
            let reach = held.map_or(Reach::Good, |(_, _, reach)| *reach);
            match stretches.last_mut() {
                Some(last) if last.phase == phase && last.reach == reach => last.end_s = end_s,
                _ => stretches.push(Stretch {
                    start_s,
                    end_s,
                    phase,
                    reach,
                }),
            }
        }
        stretches
    }

    fn phase(&self, at: i64, on: &[Interval], runs: &[Interval], faults: &[Interval]) -> Phase {
        let holding =
            |list: &[Interval]| list.iter().copied().find(|(a, b)| (*a..*b).contains(&at));
        if holding(faults).is_some() {
            return Phase::Fault;
        }
        if let Some((since_s, _)) = holding(runs) {
            return Phase::Running { since_s };
        }
        if self.class.always_on || holding(on).is_some() {
            Phase::Standby
        } else {
            Phase::Off
        }
    }

    /// Returns the power in tenths of a watt at a moment of a phase: a swing about the mean as of a
    /// heater that switches, some noise that changes every half minute, a warm-up at the start.
    pub(super) fn power_dw(&self, phase: Phase, at_s: i64) -> i64 {
        let class = self.class;
        let noise = Dice::of(self.seed, &[throw::NOISE, self.number, at_s / 30]).between(-10, 10);
        let per_mille = match phase {
            Phase::Off => return OFF_W * 10 + noise / 4,
            Phase::Standby | Phase::Fault => return class.standby_w * (1_000 + 2 * noise) / 100,
            Phase::Running { since_s } => {
                let offset = self.number * 7 % class.ripple_s;
                let heating = (at_s + offset).rem_euclid(class.ripple_s) * 2 < class.ripple_s;
                let swing = class.ripple_pct * 10;
                let warm_up = if at_s - since_s < 4 * MINUTE_S { 60 } else { 0 };
                1_000 + if heating { swing } else { -swing } + warm_up + 2 * noise
            }
        };
        class.running_w * per_mille / 100
    }

    /// Returns what it measures in tenths of a degree, if it measures a temperature: it nears what a
    /// run needs within half an hour, and stays there while always on.
    pub(super) fn temperature_ddeg(&self, phase: Phase, at_s: i64) -> Option<i64> {
        let target = self.class.temperature? * 10;
        let room = 220;
        let noise = Dice::of(self.seed, &[throw::NOISE, self.number, at_s / 30, 1]).between(-4, 4);
        let level = match phase {
            Phase::Running { since_s } => {
                let heated = (at_s - since_s).clamp(0, 30 * MINUTE_S);
                let begin = if self.class.always_on { target } else { room };
                begin + (target - begin) * heated / (30 * MINUTE_S)
            }
            Phase::Standby | Phase::Fault if self.class.always_on => target,
            Phase::Standby | Phase::Fault | Phase::Off => room,
        };
        Some(level + noise)
    }

    /// Returns the mean power of a phase, in W, for the energy counter.
    pub(super) fn mean_w(&self, phase: Phase) -> i64 {
        match phase {
            Phase::Off => OFF_W,
            Phase::Standby | Phase::Fault => self.class.standby_w,
            Phase::Running { .. } => self.class.running_w,
        }
    }

    /// Returns the runs that touch the window: those of bookings and those without one. They may
    /// touch each other.
    fn runs(&self, from_s: i64, to_s: i64) -> Vec<Interval> {
        let near = |(start, end): &&Interval| {
            start * MINUTE_S < to_s && end * MINUTE_S + LOOK_BACK_S > from_s
        };
        let first = self
            .booked
            .partition_point(|(_, end)| end * MINUTE_S + LOOK_BACK_S <= from_s);
        let booked = self.booked.iter().skip(first).take_while(|slot| near(slot));
        let mut runs: Vec<Interval> = booked.flat_map(|slot| self.booked_runs(*slot)).collect();
        for day in local_day(from_s - LOOK_BACK_S)..=local_day(to_s) {
            let walk_ups = self.walk_ups(day);
            runs.extend(walk_ups.into_iter().filter(|run| !self.is_booked(*run)));
        }
        runs.sort_unstable();
        runs
    }

    /// Returns the runs within a booking: none for one of 16 (a no-show), two with a pause between
    /// for some of the longer ones; one of 20 runs over its end.
    fn booked_runs(&self, (start, end): Interval) -> Vec<Interval> {
        let mut dice = Dice::of(self.seed, &[throw::RUN, self.number, start]);
        if dice.chance(62) {
            return Vec::new();
        }
        let (start_s, end_s) = (start * MINUTE_S, end * MINUTE_S);
        let length = end_s - start_s;
        let begin = start_s + dice.between(20, 600);
        let early = length * dice.between(1, 22) / 100;
        let late = dice.chance(50);
        let stop = if late {
            end_s + dice.between(120, 1_200)
        } else {
            end_s - early
        };
        if length < 3 * HOUR_S || !dice.chance(350) {
            return vec![(begin, stop.max(begin + 5 * MINUTE_S))];
        }
        let pause = begin + (stop - begin) * dice.between(35, 60) / 100;
        vec![(begin, pause), (pause + dice.between(900, 2_700), stop)]
    }

    /// Returns runs nobody booked: rare on what people book, the rule on what they do not.
    fn walk_ups(&self, day: i64) -> Vec<Interval> {
        let mut dice = Dice::of(self.seed, &[throw::WALK_UP, self.number, day]);
        let (chance, most) = match (self.use_by, is_weekend(day)) {
            (UseBy::Booking, false) => (120, 1),
            (UseBy::Booking, true) => (30, 1),
            (UseBy::WalkUp, false) => (700, 2),
            (UseBy::WalkUp, true) => (80, 1),
            (UseBy::Endurance, _) => {
                let begin = day_start(day) + self.number * 977 % DAY_S;
                return vec![(begin, begin + DAY_S - dice.between(120, 240))];
            }
        };
        let mut runs = Vec::new();
        for part in 0..most {
            if dice.chance(chance) {
                let begin = day_start(day) + dice.between(510, 690) * MINUTE_S + part * 5 * HOUR_S;
                let longest = self.class.run_max.min(240);
                let minutes = dice.between(self.class.run_min.min(longest), longest);
                runs.push((begin, begin + minutes * MINUTE_S));
            }
        }
        runs
    }

    fn is_booked(&self, (from, to): Interval) -> bool {
        let first = self
            .booked
            .partition_point(|(_, end)| end * MINUTE_S <= from);
        self.booked
            .get(first)
            .is_some_and(|(start, _)| start * MINUTE_S < to)
    }

    /// Returns when people are in the laboratory and keep it switched on.
    fn working_day(&self, day: i64) -> Option<Interval> {
        let mut dice = Dice::of(self.seed, &[throw::DAY, self.number, day]);
        let here = dice.chance(if is_weekend(day) { 90 } else { 800 });
        let opening = dice.between(460, 540);
        let closing = if is_weekend(day) {
            dice.between(900, 1_020)
        } else {
            dice.between(1_050, 1_290)
        };
        let start = day_start(day);
        here.then_some((start + opening * MINUTE_S, start + closing * MINUTE_S))
    }

    /// Returns the fault of a day: one in 400, on what has an alarm.
    fn fault(&self, day: i64) -> Option<Interval> {
        let mut dice = Dice::of(self.seed, &[throw::FAULT, self.number, day]);
        let begin = day_start(day) + dice.between(500, 1_260) * MINUTE_S;
        let fault = (begin, begin + dice.between(20, 240) * MINUTE_S);
        (self.alarm && dice.chance(5)).then_some(fault)
    }

    /// Returns when its meter cannot be reached: some hours now and then, always for one of 150.
    fn silence(&self, day: i64) -> Option<(i64, i64, Reach)> {
        let dead = Dice::of(self.seed, &[throw::REACH, self.number]).chance(7);
        let mut dice = Dice::of(self.seed, &[throw::REACH, self.number, day]);
        let reach = if dice.chance(600) {
            Reach::Silent
        } else {
            Reach::Cut
        };
        let begin = day_start(day) + dice.between(0, 1_300) * MINUTE_S;
        let end = begin + dice.between(10, 180) * MINUTE_S;
        match (dead, dice.chance(4)) {
            (true, _) => Some((day_start(day), day_start(day) + DAY_S, Reach::Silent)),
            (false, true) => Some((begin, end, reach)),
            (false, false) => None,
        }
    }
}

/// Returns the number of the local day a second lies in; day 0 is Thursday, 1 January 1970.
pub(super) fn local_day(at_s: i64) -> i64 {
    (at_s + ZONE_S).div_euclid(DAY_S)
}

/// Returns the first second of a local day.
pub(super) fn day_start(day: i64) -> i64 {
    day * DAY_S - ZONE_S
}

/// Returns the day of the week of a local day, 1 (Monday) to 7.
pub(super) fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7) + 1
}

fn is_weekend(day: i64) -> bool {
    weekday(day) >= 6
}

#[cfg(test)]
#[path = "day_tests.rs"]
mod tests;
