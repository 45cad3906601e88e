//! Booking rules of the demo: the region's defaults, what some laboratories and instruments set
//! otherwise, and one centre's binding limit.

use scheduler::calendar::{DayHours, Weekly};
use scheduler::class::ClassSet;
use scheduler::policy::{Mode, Rule, RuleBody};

use super::classes::Class;
use super::day;

/// When a laboratory is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// Monday to Friday 8 to 22, Saturday and Sunday 9 to 18.
    Long,
    /// Monday to Friday 8 to 18.
    WorkingDays,
    /// Day and night.
    Always,
}

impl Opening {
    /// Returns the opening hours: days of the week (1 is Monday), first and last minute of the day.
    pub(super) fn weekly(self) -> &'static [(&'static [u8], u16, u16)] {
        match self {
            Self::Long => &[(&[1, 2, 3, 4, 5], 480, 1_320), (&[6, 7], 540, 1_080)],
            Self::WorkingDays => &[(&[1, 2, 3, 4, 5], 480, 1_080)],
            Self::Always => &[(&[1, 2, 3, 4, 5, 6, 7], 0, 1_440)],
        }
    }

    /// Returns the first and last minute of a local day, counted from its midnight; `None` if closed.
    pub(super) fn on(self, local_day: i64) -> Option<(i64, i64)> {
        let today = day::weekday(local_day);
        let open = |days: &&[u8]| days.iter().any(|day| i64::from(*day) == today);
        let (_, from, to) = self.weekly().iter().find(|(days, ..)| open(days))?;
        Some((i64::from(*from), i64::from(*to)))
    }
}

/// One rule, as set at a node or an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HouseRule {
    /// Opening hours.
    Opening(Opening),
    /// Slots start and end on multiples of these minutes.
    Alignment(i64),
    /// Shortest slot, in minutes.
    Shortest(i64),
    /// Longest slot, in minutes.
    Longest(i64),
    /// How many days ahead.
    Horizon(i64),
}

/// A rule and whether it binds what lies below.
pub(super) type SetRule = (HouseRule, Mode);

/// Returns a rule as the policy of the gateway has it.
pub(super) fn rule((rule, mode): SetRule) -> Rule {
    let number = |number: i64| u32::try_from(number).expect("the demo's rules are small");
    let body = match rule {
        HouseRule::Alignment(minutes) => RuleBody::Alignment {
            minutes: number(minutes),
        },
        HouseRule::Shortest(minutes) => RuleBody::Shortest {
            minutes: number(minutes),
        },
        HouseRule::Longest(minutes) => RuleBody::Longest {
            minutes: number(minutes),
        },
        HouseRule::Horizon(days) => RuleBody::Horizon { days: number(days) },
        HouseRule::Opening(opening) => {
            let hours = opening.weekly().iter();
            let hours = hours.map(|(days, from, to)| DayHours::new(days, *from, *to));
            let weekly: Option<Vec<DayHours>> = hours.collect();
            let weekly = Weekly(weekly.expect("the demo's hours are valid"));
            RuleBody::OpeningHours(weekly.into())
        }
    };
    let classes = ClassSet::ALL;
    Rule {
        body,
        mode,
        classes,
    }
}

/// What is in force for one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct House {
    /// Opening hours.
    pub(super) opening: Opening,
    /// Alignment, in minutes.
    pub(super) alignment: i64,
    /// Shortest slot, in minutes.
    pub(super) shortest: i64,
    /// Longest slot, in minutes.
    pub(super) longest: i64,
    /// Days ahead.
    pub(super) horizon: i64,
}

/// The region's rules.
pub(super) const REGION: [SetRule; 5] = [
    (HouseRule::Opening(Opening::Long), Mode::Default),
    (HouseRule::Alignment(15), Mode::Default),
    (HouseRule::Shortest(30), Mode::Default),
    (HouseRule::Longest(480), Mode::Default),
    (HouseRule::Horizon(14), Mode::Default),
];

/// What one centre binds everything below to.
pub(super) const STRICT_CENTRE: [SetRule; 1] = [(HouseRule::Longest(720), Mode::Binding)];

/// Laboratories that keep shorter days.
pub(super) const SHORT_DAYS: [SetRule; 1] =
    [(HouseRule::Opening(Opening::WorkingDays), Mode::Default)];

/// Laboratories that book in coarser steps.
pub(super) const COARSE: [SetRule; 2] = [
    (HouseRule::Alignment(30), Mode::Default),
    (HouseRule::Shortest(60), Mode::Default),
];

/// Instruments that run through the night.
pub(super) const OVERNIGHT: [SetRule; 2] = [
    (HouseRule::Opening(Opening::Always), Mode::Default),
    (HouseRule::Longest(1_440), Mode::Default),
];

/// Returns the rules an instrument of a class sets for itself.
pub(super) fn own_rules(class: &Class) -> &'static [SetRule] {
    if class.runs_overnight() {
        &OVERNIGHT
    } else {
        &[]
    }
}

/// Returns what is in force when `layers`, from the region down, are all there is.
pub(super) fn in_force(layers: &[&[SetRule]]) -> House {
    let mut house = House {
        opening: Opening::Always,
        alignment: 1,
        shortest: 1,
        longest: 1_440,
        horizon: 14,
    };
    let mut binding = i64::MAX;
    for (rule, mode) in layers.iter().copied().flatten() {
        match (*rule, *mode) {
            (HouseRule::Longest(minutes), Mode::Binding) => binding = binding.min(minutes),
            (HouseRule::Longest(minutes), Mode::Default) => house.longest = minutes,
            (HouseRule::Opening(opening), _) => house.opening = opening,
            (HouseRule::Alignment(minutes), _) => house.alignment = minutes,
            (HouseRule::Shortest(minutes), _) => house.shortest = minutes,
            (HouseRule::Horizon(days), _) => house.horizon = days,
        }
    }
    house.longest = house.longest.min(binding);
    house
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_specific_wins_and_what_binds_applies_besides() {
        let house = in_force(&[&REGION, &STRICT_CENTRE, &COARSE, &OVERNIGHT]);
        assert_eq!(
            (house.alignment, house.shortest, house.longest),
            (30, 60, 720)
        );
        assert_eq!(house.opening, Opening::Always);
        assert_eq!(in_force(&[&REGION]).longest, 480);
    }

    #[test]
    fn hours_follow_the_day_of_the_week() {
        let monday = 4;
        assert_eq!(day::weekday(monday), 1);
        assert_eq!(Opening::Long.on(monday), Some((480, 1_320)));
        assert_eq!(Opening::Long.on(monday + 6), Some((540, 1_080)));
        assert_eq!(Opening::WorkingDays.on(monday + 5), None);
        assert_eq!(Opening::Always.on(monday + 6), Some((0, 1_440)));
    }
}
