//! Hours of the week as JSON.

use scheduler::calendar::{DAY_MINUTES, DayHours, Weekly};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RuleFault;

/// Most entries of a week.
const ENTRIES_MAX: usize = 50;

/// Hours of some weekdays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Hours)]
pub struct HoursJson {
    /// ISO weekdays, Monday 1 to Sunday 7.
    pub days: Vec<u8>,
    /// First minute, `08:00`.
    pub from: String,
    /// First minute after it, up to `24:00`.
    pub to: String,
}

impl HoursJson {
    /// Returns the JSON form.
    #[must_use]
    pub fn of(hours: DayHours) -> Self {
        Self {
            days: hours.weekdays(),
            from: clock_text(hours.from_minute()),
            to: clock_text(hours.to_minute()),
        }
    }

    /// Returns the JSON form of a week.
    #[must_use]
    pub fn of_week(weekly: &Weekly) -> Vec<Self> {
        weekly.0.iter().copied().map(Self::of).collect()
    }

    /// Returns the week.
    ///
    /// # Errors
    /// Returns [`RuleFault`] below `weekly` when there are more than 50 entries or one is impossible.
    pub(super) fn to_week(entries: &[Self]) -> Result<Weekly, RuleFault> {
        if entries.len() > ENTRIES_MAX {
            return Err(RuleFault::new("weekly", "too long"));
        }
        let hours = entries.iter().enumerate().map(|(place, entry)| {
            let hours = entry.to_hours();
            hours.map_err(|fault| fault.below(&format!("weekly[{place}]")))
        });
        Ok(Weekly(hours.collect::<Result<_, _>>()?))
    }

    fn to_hours(&self) -> Result<DayHours, RuleFault> {
        let minute = |text: &str, field: &str| {
            let expected = "expected a time of day from 00:00 to 24:00";
            minute_of(text, DAY_MINUTES).ok_or_else(|| RuleFault::new(field, expected))
        };
        let (from, to) = (minute(&self.from, "from")?, minute(&self.to, "to")?);
        if from >= to {
            return Err(RuleFault::new("to", "must come after the start"));
        }
        let expected = "expected weekdays from 1 (Monday) to 7 (Sunday)";
        DayHours::new(&self.days, from, to).ok_or_else(|| RuleFault::new("days", expected))
    }
}

/// Returns `08:00` for minute 480, `32:00` for minute 1920.
pub(super) fn clock_text(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Reads `HH:MM` up to a minute.
pub(super) fn minute_of(text: &str, most: u16) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= most).then(|| hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_times_are_read_strictly() {
        assert_eq!(minute_of("08:30", DAY_MINUTES), Some(510));
        assert_eq!(minute_of("24:00", DAY_MINUTES), Some(1440));
        for wrong in [
            "24:01", "8:30", "08:60", "0830", "-1:00", "08:3x", "+8:00", "",
        ] {
            assert_eq!(minute_of(wrong, DAY_MINUTES), None, "{wrong}");
        }
    }
}
