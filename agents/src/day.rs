//! A laboratory's day for a simulated instrument: off at night, warm in the morning, runs in which
//! a heater switches on and off, pauses between them.
//!
//! Pure: the same seed and time give the same values. Used by the simulated device and by the
//! simulated fleet of the demo.

/// Seconds of a day.
const DAY_S: f64 = 86_400.0;

/// What the instrument does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Switched off.
    Off,
    /// On and waiting.
    Standby,
    /// Working.
    Running,
}

/// One instrument's days.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    seed: u64,
}

impl Day {
    /// Makes the days of an instrument; other seeds give other hours and loads.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Returns what the instrument does, `time_s` seconds after a local midnight.
    #[must_use]
    pub fn phase(self, time_s: f64) -> Phase {
        let (day, of_day) = ((time_s / DAY_S).floor(), time_s.rem_euclid(DAY_S));
        let opens = 3600.0 * (7.5 + 1.5 * self.noise(1, day));
        let closes = 3600.0 * (17.5 + 4.0 * self.noise(2, day));
        if !(opens..closes).contains(&of_day) {
            return Phase::Off;
        }
        // Sessions of 40 to 120 minutes that begin with a run and end with a pause.
        let length = 60.0 * (40.0 + 80.0 * self.noise(3, day));
        let session = ((of_day - opens) / length).floor();
        let within = (of_day - opens) - session * length;
        let run = length * (0.4 + 0.5 * self.noise(4, day * 100.0 + session));
        let warm_up = 300.0;
        if within < warm_up && session < 1.0 || within > run {
            Phase::Standby
        } else {
            Phase::Running
        }
    }

    /// Returns the active power in watts.
    #[must_use]
    pub fn power_w(self, time_s: f64) -> f64 {
        let jitter = self.noise(5, time_s.floor());
        match self.phase(time_s) {
            Phase::Off => 0.0,
            Phase::Standby => 38.0 + 6.0 * jitter,
            Phase::Running => {
                let period = 20.0 + 40.0 * self.noise(6, 0.0);
                let heats = time_s.rem_euclid(period) < period * 0.35;
                let base = if heats { 235.0 } else { 52.0 };
                base * (0.8 + 0.6 * self.noise(7, 0.0)) + 10.0 * jitter
            }
        }
    }

    /// Returns a value that a channel of this name would have, with the energy so far in
    /// watt-hours; unknown names wander between 0 and 100.
    #[must_use]
    pub fn value(self, channel: &str, time_s: f64, energy_wh: f64) -> f64 {
        let jitter = self.noise(8, time_s.floor());
        let voltage = 230.0 + 3.0 * (jitter - 0.5);
        let is_running = self.phase(time_s) == Phase::Running;
        // Three phases share the load evenly.
        if let Some((quantity, unit)) = ["_l1_", "_l2_", "_l3_"]
            .iter()
            .find_map(|phase| channel.split_once(phase))
        {
            let share = if quantity == "voltage" { 1.0 } else { 3.0 };
            let all = self.value(&format!("{quantity}_{unit}"), time_s, energy_wh);
            return round(all / share, 1000.0);
        }
        match channel {
            "power_w" => round(self.power_w(time_s), 10.0),
            "voltage_v" => round(voltage, 10.0),
            "current_a" => round(self.power_w(time_s) / voltage, 1000.0),
            "frequency_hz" => round(50.0 + 0.06 * (jitter - 0.5), 100.0),
            "energy_wh" => round(energy_wh, 1.0),
            "temperature_c" => {
                let warmth = (self.power_w(time_s) / 12.0).min(40.0);
                round(22.0 + warmth + 0.3 * jitter, 10.0)
            }
            name if name.ends_with("alarm_bit") => 0.0,
            name if name.ends_with("_bit") => f64::from(u8::from(is_running)),
            _ => round(50.0 + 50.0 * (time_s / 600.0).sin(), 10.0),
        }
    }

    /// A number in `0..1` that depends on the seed, a kind and a moment only.
    fn noise(self, kind: u64, moment: f64) -> f64 {
        // SplitMix64. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators".
        let mut z = self.seed ^ kind.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ moment.to_bits();
        z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let high = u32::try_from(z >> 32).expect("32 bits are left");
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }
}

fn round(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_are_off_and_days_have_runs_and_pauses() {
        for seed in 0..50 {
            let day = Day::new(seed);
            assert_eq!(day.phase(3.0 * 3600.0), Phase::Off);
            assert_eq!(day.phase(23.0 * 3600.0), Phase::Off);
            let minutes = (0..1440).map(|minute| day.phase(60.0 * f64::from(minute)));
            let running = minutes.filter(|phase| *phase == Phase::Running).count();
            assert!(
                (120..780).contains(&running),
                "seed {seed}: {running} minutes"
            );
        }
    }

    #[test]
    fn standby_and_running_are_told_apart_by_power() {
        let day = Day::new(7);
        for second in 0..86_400 {
            let at = f64::from(second);
            let power = day.power_w(at);
            match day.phase(at) {
                Phase::Off => assert!(power < 1.0),
                Phase::Standby => assert!((38.0..=44.0).contains(&power)),
                Phase::Running => assert!((40.0..400.0).contains(&power), "{power}"),
            }
        }
    }
}
