//! What an instrument's meter reports: power by exception, an alarm, an energy counter, and on the
//! live wire voltage, current and temperature too. Pure: from habits and moments to readings.

use wire::{Bad, ChannelInfo, ChannelName, InstrumentKey, Quality, Series};

use super::classes::Class;
use super::day::{DAY_S, Habits, Phase, Reach, Stretch, ZONE_S};
use super::dice::Dice;
use super::generate::Detail;

/// Mains voltage, in tenths of a volt.
const MAINS_DV: i64 = 2_280;

/// A reading confirms a change so much later, so that it outlasts any dwell time, in seconds.
const CONFIRM_S: i64 = 30;

/// Channels in the order of `Kind`.
const CHANNELS: [(&str, &str); 6] = [
    ("power_w", "W"),
    ("alarm", ""),
    ("energy_wh", "Wh"),
    ("voltage_v", "V"),
    ("current_a", "A"),
    ("temperature_c", "degC"),
];

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Power, W.
    Power,
    /// 1 while the instrument reports a fault.
    Alarm,
    /// Energy counter, Wh.
    Energy,
    /// Mains voltage, V.
    Voltage,
    /// Current, A.
    Current,
    /// Temperature, degC.
    Temperature,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Power,
        Self::Alarm,
        Self::Energy,
        Self::Voltage,
        Self::Current,
        Self::Temperature,
    ];

    fn texts(self) -> (&'static str, &'static str) {
        let at = Self::ALL
            .iter()
            .position(|kind| *kind == self)
            .expect("all are listed");
        *CHANNELS.get(at).expect("each kind has its channel")
    }

    /// Returns the channel's name.
    pub(super) fn channel(self) -> ChannelName {
        ChannelName::parse(self.texts().0).expect("the built-in names are valid")
    }
}

/// Returns the channels a meter on such an instrument has.
pub(super) fn channels(class: &Class, alarm: bool) -> Vec<ChannelInfo> {
    let has = |kind: &Kind| match kind {
        Kind::Alarm => alarm,
        Kind::Temperature => class.temperature.is_some(),
        Kind::Power | Kind::Energy | Kind::Voltage | Kind::Current => true,
    };
    let kinds = Kind::ALL.into_iter().filter(has);
    kinds
        .map(|kind| ChannelInfo {
            name: kind.channel(),
            unit: kind.texts().1.into(),
        })
        .collect()
}

/// Readings of one channel: seconds since 1970 UTC, ascending, and a value or why there is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Column {
    /// When.
    pub(super) times_s: Vec<i64>,
    /// What.
    pub(super) values: Vec<Result<f64, Quality>>,
}

impl Column {
    /// Adds a reading; times must ascend.
    pub(super) fn push(&mut self, at_s: i64, value: Result<f64, Quality>) {
        self.times_s.push(at_s);
        self.values.push(value);
    }

    /// Returns the column as a series of the wire, with offsets from `base_s`.
    pub(super) fn series(&self, key: &InstrumentKey, kind: Kind, base_s: i64) -> Series {
        let bad = self.values.iter().enumerate().filter_map(|(at, value)| {
            value.err().map(|reason| Bad {
                channel: 0,
                at,
                reason,
            })
        });
        Series {
            key: key.clone(),
            offsets_ms: self
                .times_s
                .iter()
                .map(|at| (at - base_s) * 1_000)
                .collect(),
            channels: vec![kind.channel()],
            values: vec![self.values.iter().map(|value| value.ok()).collect()],
            bad: bad.collect(),
        }
    }
}

/// What an instrument reported over a stretch of history.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Trace {
    /// Power.
    pub(super) power: Column,
    /// Alarm; empty for instruments without one.
    pub(super) alarm: Column,
    /// Energy.
    pub(super) energy: Column,
    /// The energy counter at the end, in watt-seconds.
    pub(super) counter_ws: i64,
}

/// Returns the counter of a meter that was mounted before the demo's history, in watt-seconds.
pub(super) fn counter_at_mounting(habits: &Habits<'_>) -> i64 {
    let kwh = Dice::of(habits.seed, &[7, habits.number]).between(20, 9_000);
    kwh * 1_000 * 3_600
}

/// Returns what was reported in `[from_s, to_s)`: each change twice (when it came and when it had
/// lasted), once an hour, and every minute besides if `detail` says so; the energy counter once a
/// day, or once an hour.
pub(super) fn trace(
    habits: &Habits<'_>,
    detail: Detail,
    (from_s, to_s): (i64, i64),
    counter_ws: i64,
) -> Trace {
    let stretches = habits.stretches(from_s, to_s);
    let mut trace = Trace {
        counter_ws,
        ..Trace::default()
    };
    let (step_s, energy_s) = match detail {
        Detail::ByException => (3_600, DAY_S),
        Detail::Minutely => (60, 3_600),
    };
    // Meters do not all report at the full hour.
    let offset_s = habits.number.rem_euclid(step_s);
    let mut alarm_before = None;
    for one in &stretches {
        let first = next_multiple(one.start_s, step_s, offset_s);
        let regular = (first..one.end_s).step_by(usize::try_from(step_s).expect("positive"));
        let mut times: Vec<i64> = regular.collect();
        times.extend(
            [one.start_s, one.start_s + CONFIRM_S]
                .iter()
                .filter(|at| **at < one.end_s),
        );
        times.sort_unstable();
        times.dedup();
        for at_s in times {
            trace.power.push(at_s, power(habits, one, at_s));
        }
        let alarm = one.phase == Phase::Fault;
        if habits.alarm && one.reach == Reach::Good && alarm_before != Some(alarm) {
            trace
                .alarm
                .push(one.start_s, Ok(if alarm { 1.0 } else { 0.0 }));
            alarm_before = Some(alarm);
        }
        push_energy(&mut trace, habits, one, (energy_s, offset_s));
    }
    // The last word, so that what follows in another record does not look like silence before it.
    if let Some(last) = stretches.last()
        && trace
            .power
            .times_s
            .last()
            .is_none_or(|told| *told < to_s - 1)
    {
        trace.power.push(to_s - 1, power(habits, last, to_s - 1));
    }
    trace
}

/// Counts a stretch's energy and reports it at each `every_s` within, shifted by `offset_s`.
fn push_energy(
    trace: &mut Trace,
    habits: &Habits<'_>,
    one: &Stretch,
    (every_s, offset_s): (i64, i64),
) {
    let mean_w = habits.mean_w(one.phase);
    let mut at_s = next_multiple(one.start_s, every_s, offset_s);
    while at_s < one.end_s {
        if one.reach == Reach::Good {
            let counted = trace.counter_ws + mean_w * (at_s - one.start_s);
            trace.energy.push(at_s, Ok(watt_hours(counted)));
        }
        at_s += every_s;
    }
    trace.counter_ws += mean_w * (one.end_s - one.start_s);
}

/// Returns the first moment not before `from_s` that is a multiple of `every_s` after local midnight
/// plus `offset_s`.
fn next_multiple(from_s: i64, every_s: i64, offset_s: i64) -> i64 {
    let local = from_s + ZONE_S - offset_s;
    from_s + (-local).rem_euclid(every_s)
}

/// Returns the power reading of a moment in a stretch.
pub(super) fn power(habits: &Habits<'_>, one: &Stretch, at_s: i64) -> Result<f64, Quality> {
    reachable(one.reach).map(|()| tenths(habits.power_dw(one.phase, at_s)))
}

/// Returns what is read besides power and alarm at a moment of the live wire.
pub(super) fn besides(
    habits: &Habits<'_>,
    one: &Stretch,
    at_s: i64,
    counter_ws: i64,
) -> Vec<(Kind, Result<f64, Quality>)> {
    let sag = habits.power_dw(one.phase, at_s) / 4_000;
    let voltage_dv = MAINS_DV - sag + Dice::of(habits.seed, &[8, at_s / 20]).between(-25, 25);
    let current_ma = habits.power_dw(one.phase, at_s) * 1_000 / voltage_dv;
    let mut values = vec![
        (Kind::Energy, watt_hours(counter_ws)),
        (Kind::Voltage, tenths(voltage_dv)),
        (Kind::Current, f64::from(small(current_ma)) / 1_000.0),
    ];
    if let Some(ddeg) = habits.temperature_ddeg(one.phase, at_s) {
        values.push((Kind::Temperature, tenths(ddeg)));
    }
    let reach = reachable(one.reach);
    values
        .into_iter()
        .map(|(kind, value)| (kind, reach.map(|()| value)))
        .collect()
}

fn reachable(reach: Reach) -> Result<(), Quality> {
    match reach {
        Reach::Good => Ok(()),
        Reach::Silent => Err(Quality::Timeout),
        Reach::Cut => Err(Quality::Link),
    }
}

fn tenths(value: i64) -> f64 {
    f64::from(small(value)) / 10.0
}

fn watt_hours(counter_ws: i64) -> f64 {
    f64::from(small(counter_ws / 3_600))
}

fn small(value: i64) -> i32 {
    i32::try_from(value).expect("no meter of the demo shows more than 2^31")
}

#[cfg(test)]
mod tests {
    use super::super::classes;
    use super::super::day::UseBy;
    use super::*;

    /// Monday, 4 May 2026, 00:00 in Shanghai.
    const MONDAY_S: i64 = 1_777_824_000;

    fn habits(number: i64, booked: &[(i64, i64)]) -> Habits<'_> {
        let class = classes::all()
            .iter()
            .find(|class| class.temperature.is_some())
            .unwrap();
        Habits {
            seed: 5,
            number,
            class,
            alarm: true,
            booked,
            use_by: UseBy::Booking,
        }
    }

    #[test]
    fn a_trace_ascends_and_shows_each_change_twice() {
        let booked = [((MONDAY_S + 9 * 3_600) / 60, (MONDAY_S + 12 * 3_600) / 60)];
        for number in 0..50 {
            let habits = habits(number, &booked);
            let window = (MONDAY_S, MONDAY_S + 3 * DAY_S);
            let trace = trace(&habits, Detail::ByException, window, 0);
            let times = &trace.power.times_s;
            assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(times.len(), trace.power.values.len());
            for one in habits.stretches(window.0, window.1) {
                assert!(times.contains(&one.start_s));
                let confirmed = times.contains(&(one.start_s + CONFIRM_S));
                assert!(confirmed || one.end_s - one.start_s <= CONFIRM_S);
            }
            assert!((72..72 + 60).contains(&times.len()), "{}", times.len());
            assert!(
                trace
                    .energy
                    .values
                    .windows(2)
                    .all(|pair| pair[0].ok() <= pair[1].ok())
            );
        }
    }

    #[test]
    fn a_minutely_trace_has_a_reading_a_minute_and_the_same_energy() {
        let window = (MONDAY_S, MONDAY_S + DAY_S);
        let habits = habits(3, &[]);
        let close = trace(&habits, Detail::Minutely, window, 1_000);
        let loose = trace(&habits, Detail::ByException, window, 1_000);
        assert!(close.power.times_s.len() >= 1_440);
        assert_eq!(close.counter_ws, loose.counter_ws);
        assert!(close.counter_ws > 1_000);
    }

    #[test]
    fn a_series_names_its_holes() {
        let mut column = Column::default();
        column.push(100, Ok(1.5));
        column.push(110, Err(Quality::Timeout));
        let key = InstrumentKey::parse("NM-00001").unwrap();
        let series = column.series(&key, Kind::Power, 110);
        assert_eq!(series.offsets_ms, [-10_000, 0]);
        assert_eq!(series.values, [vec![Some(1.5), None]]);
        assert_eq!(
            series.bad,
            [Bad {
                channel: 0,
                at: 1,
                reason: Quality::Timeout
            }]
        );
    }

    #[test]
    fn every_channel_has_a_valid_name_and_the_rest_is_read_too() {
        let habits = habits(1, &[]);
        assert_eq!(channels(habits.class, true).len(), 6);
        assert_eq!(channels(habits.class, false).len(), 5);
        let stretch = habits.stretches(MONDAY_S, MONDAY_S + 1)[0];
        let read = besides(&habits, &stretch, MONDAY_S, 7_200);
        assert_eq!(read.len(), 4);
        assert!(read.contains(&(Kind::Energy, Ok(2.0))) || stretch.reach != Reach::Good);
    }
}
