//! Hours of a day and of a week, without a zone.

/// Minutes in a civil day without a transition; as an end it means the next midnight.
pub const DAY_MINUTES: u16 = 24 * 60;

const WEEK_MINUTES: u16 = 7 * DAY_MINUTES;

/// Open hours of a civil day: from one minute to another, `from < to <= 24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from_minute: u16,
    to_minute: u16,
}

impl Hours {
    /// Returns hours from one minute of the civil day to another, or nothing if not
    /// `from < to <= 24:00`.
    #[must_use]
    pub fn new(from_minute: u16, to_minute: u16) -> Option<Self> {
        (from_minute < to_minute && to_minute <= DAY_MINUTES).then_some(Self {
            from_minute,
            to_minute,
        })
    }

    /// Returns the first open minute of the day.
    #[must_use]
    pub fn from_minute(self) -> u16 {
        self.from_minute
    }

    /// Returns the first closed minute of the day, up to 1440.
    #[must_use]
    pub fn to_minute(self) -> u16 {
        self.to_minute
    }
}

/// Opening hours of some weekdays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayHours {
    /// Monday is bit 0, Sunday bit 6.
    days: u8,
    hours: Hours,
}

impl DayHours {
    /// Returns hours from one minute of the civil day to another, on ISO weekdays (Monday 1 to
    /// Sunday 7), or nothing if no day is named, a day is out of range, or not
    /// `from < to <= 24:00`. Hours past midnight are two entries.
    #[must_use]
    pub fn new(weekdays: &[u8], from_minute: u16, to_minute: u16) -> Option<Self> {
        let days = days_of(weekdays)?;
        let hours = Hours::new(from_minute, to_minute)?;
        Some(Self { days, hours })
    }

    /// Returns the ISO weekdays, ascending.
    #[must_use]
    pub fn weekdays(self) -> Vec<u8> {
        weekdays_of(self.days)
    }

    /// Returns the first open minute of the day.
    #[must_use]
    pub fn from_minute(self) -> u16 {
        self.hours.from_minute
    }

    /// Returns the first closed minute of the day, up to 1440.
    #[must_use]
    pub fn to_minute(self) -> u16 {
        self.hours.to_minute
    }
}

/// Returns ISO weekdays as bits, Monday bit 0; nothing if there is none or one is out of range.
pub(crate) fn days_of(weekdays: &[u8]) -> Option<u8> {
    let mut days = 0;
    for day in weekdays {
        days |= 1 << day.checked_sub(1).filter(|day| *day < 7)?;
    }
    (days != 0).then_some(days)
}

/// Returns the ISO weekdays of bits, ascending.
pub(crate) fn weekdays_of(days: u8) -> Vec<u8> {
    let is_set = |day: &u8| days & (1 << (day - 1)) != 0;
    (1..=7).filter(is_set).collect()
}

/// A week's opening hours. Without entries it is always closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Weekly(pub Vec<DayHours>);

impl Weekly {
    /// Returns true if no minute of the week is closed.
    #[must_use]
    pub fn is_always_open(&self) -> bool {
        self.ranges() == [(0, WEEK_MINUTES)]
    }

    /// Returns the hours of the weekdays given as bits, in the order of the entries.
    pub(super) fn on(&self, days: u8) -> impl Iterator<Item = Hours> {
        let holds = move |entry: &&DayHours| entry.days & days != 0;
        self.0.iter().filter(holds).map(|entry| entry.hours)
    }

    /// Returns the hours open in both, cut at midnight, days with equal hours in one entry.
    #[must_use]
    pub fn overlaid(&self, other: &Self) -> Self {
        let (ours, theirs) = (self.ranges(), other.ranges());
        let shared = ours.iter().flat_map(|(from, to)| {
            let cut = |(start, end): &(u16, u16)| (*start.max(from), *end.min(to));
            theirs.iter().map(cut).filter(|(from, to)| from < to)
        });
        let mut entries: Vec<DayHours> = Vec::new();
        for (from, to) in shared {
            for day in 0..7 {
                let midnight = day * DAY_MINUTES;
                let (from, to) = (from.max(midnight), to.min(midnight + DAY_MINUTES));
                if from >= to {
                    continue;
                }
                let hours = Hours {
                    from_minute: from - midnight,
                    to_minute: to - midnight,
                };
                match entries.iter_mut().find(|entry| entry.hours == hours) {
                    Some(entry) => entry.days |= 1 << day,
                    None => entries.push(DayHours {
                        days: 1 << day,
                        hours,
                    }),
                }
            }
        }
        Self(entries)
    }

    /// Returns the open minutes of the week `[from, to)`, Monday 00:00 = 0: ascending, joined.
    fn ranges(&self) -> Vec<(u16, u16)> {
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for entry in &self.0 {
            for day in entry.weekdays() {
                let midnight = u16::from(day - 1) * DAY_MINUTES;
                ranges.push((midnight + entry.from_minute(), midnight + entry.to_minute()));
            }
        }
        ranges.sort_unstable();
        let mut joined: Vec<(u16, u16)> = Vec::new();
        for (from, to) in ranges {
            match joined.last_mut() {
                Some(last) if last.1 >= from => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        joined
    }
}
