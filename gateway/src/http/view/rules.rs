//! Rules: those in force for an instrument, and those set at one place.

use chrono_tz::Tz;
use scheduler::blocks::Blocks;
use scheduler::calendar::{DayHours, Opening, Weekly};
use scheduler::policy::{InForce, Mode, Policy, Rule, RuleBody};
use scheduler::time::Span;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::problem::Problem;
use crate::http::time::{Days, Length};
use crate::registry::{ExceptionJson, HolidaysJson, HoursJson, RuleFault, to_blocks, to_opening};

/// The rules that apply to an instrument, resolved over the tree. Null: no rule limits it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rules)]
pub struct RulesView {
    /// IANA zone of the hours.
    pub zone: &'static str,
    /// Opening hours; empty: always open. Where several rules apply together, their common hours.
    pub opening_hours: Vec<HoursView>,
    /// Days with other hours; of several that hold on one day, the last counts.
    pub exceptions: Vec<ExceptionJson>,
    /// Which public holidays are kept.
    pub holidays: HolidaysJson,
    /// A booking is made of whole ones of these blocks; `to` may lie beyond `24:00`. Empty: any slot.
    pub blocks: Vec<HoursJson>,
    /// Starts and ends lie on this grid, counted from civil midnight.
    pub alignment: Option<Length>,
    /// Shortest booking.
    pub shortest: Option<Length>,
    /// Longest booking.
    pub longest: Option<Length>,
    /// How far ahead a booking may begin.
    pub horizon: Option<Days>,
    /// Version of the rules.
    pub policy_version: i64,
}

/// Hours of some weekdays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Hours)]
pub struct HoursView {
    /// ISO weekdays, Monday 1 to Sunday 7.
    pub days: Vec<u8>,
    /// First open minute, `08:00`.
    pub from: String,
    /// First closed minute, up to `24:00`.
    pub to: String,
}

/// The rules set at one place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleSet)]
pub struct RuleSetView {
    /// Counts edits; 0: never set.
    pub version: i64,
    /// The rules.
    pub rules: Vec<RuleView>,
}

/// A rule as set somewhere.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = Rule)]
pub enum RuleView {
    /// Shortest booking.
    Shortest {
        /// How it meets rules below.
        mode: RuleModeView,
        /// 1 to 525,600.
        minutes: u32,
    },
    /// Longest booking.
    Longest {
        /// How it meets rules below.
        mode: RuleModeView,
        /// 1 to 525,600.
        minutes: u32,
    },
    /// The grid of starts and ends.
    Alignment {
        /// How it meets rules below.
        mode: RuleModeView,
        /// 1 to 1440, a divisor of the day.
        minutes: u32,
    },
    /// How far ahead.
    Horizon {
        /// How it meets rules below.
        mode: RuleModeView,
        /// 1 to 3,650.
        days: u32,
    },
    /// When it is open.
    OpeningHours {
        /// How it meets rules below.
        mode: RuleModeView,
        /// At most 50 entries.
        weekly: Vec<HoursView>,
        /// Days with other hours, at most 200 entries.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exceptions: Vec<ExceptionJson>,
        /// Which public holidays are kept.
        #[serde(default, skip_serializing_if = "HolidaysJson::is_none")]
        holidays: HolidaysJson,
    },
    /// Whole adjacent blocks.
    FixedBlocks {
        /// How it meets rules below.
        mode: RuleModeView,
        /// At most 50 entries; `to` up to `48:00`.
        blocks: Vec<HoursJson>,
    },
}

/// How a rule meets rules of its kind further down the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RuleMode)]
pub enum RuleModeView {
    /// The more specific one wins.
    Default,
    /// Applies whatever is set below it.
    Binding,
}

const MINUTES_A_YEAR: u32 = 525_600;
const MINUTES_A_DAY: u32 = 1_440;

impl RulesView {
    /// Returns the view of a policy.
    #[must_use]
    pub fn of(policy: &Policy, policy_version: i64, zone: Tz) -> Self {
        let InForce {
            opening,
            blocks,
            grids_minutes,
            shortest,
            longest,
            horizon,
        } = policy.in_force();
        // A point on all grids lies on the grid of their least common multiple.
        let grid = grids_minutes.into_iter().reduce(common_multiple);
        Self {
            zone: zone.name(),
            opening_hours: common_hours(&opening),
            exceptions: opening
                .iter()
                .flat_map(|one| one.exceptions.iter().map(ExceptionJson::of))
                .collect(),
            holidays: opening
                .iter()
                .map(|one| HolidaysJson::of(one.holidays))
                .find(|holidays| !holidays.is_none())
                .unwrap_or_default(),
            blocks: blocks
                .iter()
                .flat_map(|one| one.0.iter().map(|block| HoursJson::of_block(*block)))
                .collect(),
            alignment: grid.map(|minutes| Length(Span::minutes(minutes))),
            shortest: shortest.map(Length),
            longest: longest.map(Length),
            horizon: horizon.map(Days),
            policy_version,
        }
    }
}

fn common_multiple(a: u32, b: u32) -> u32 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).saturating_mul(b)
}

/// Returns the hours that lie in all of several weeks. Weeks that are never open together show one
/// entry without days, because an empty list means always open.
fn common_hours(opening: &[Opening]) -> Vec<HoursView> {
    let Some((first, others)) = opening.split_first() else {
        return Vec::new();
    };
    let common = others.iter().fold(first.weekly.0.clone(), |held, one| {
        held.iter()
            .flat_map(|a| one.weekly.0.iter().filter_map(|b| common_day(*a, *b)))
            .collect()
    });
    if common.is_empty() {
        return vec![HoursView {
            days: Vec::new(),
            from: clock_text(0),
            to: clock_text(0),
        }];
    }
    common.into_iter().map(HoursView::of).collect()
}

fn common_day(a: DayHours, b: DayHours) -> Option<DayHours> {
    let days = b.weekdays();
    let shared: Vec<u8> = a
        .weekdays()
        .into_iter()
        .filter(|day| days.contains(day))
        .collect();
    let from = a.from_minute().max(b.from_minute());
    DayHours::new(&shared, from, a.to_minute().min(b.to_minute()))
}

impl HoursView {
    fn of(hours: DayHours) -> Self {
        Self {
            days: hours.weekdays(),
            from: clock_text(hours.from_minute()),
            to: clock_text(hours.to_minute()),
        }
    }

    fn parse(&self, field: &str) -> Result<DayHours, Problem> {
        let minute = |text: &str, part: &str| {
            clock_minute(text).ok_or_else(|| {
                let expected = "expected a time of day from 00:00 to 24:00";
                Problem::field(&format!("{field}.{part}"), expected)
            })
        };
        let (from, to) = (minute(&self.from, "from")?, minute(&self.to, "to")?);
        if from >= to {
            let field = format!("{field}.to");
            return Err(Problem::field(&field, "must come after the start"));
        }
        DayHours::new(&self.days, from, to).ok_or_else(|| {
            let field = format!("{field}.days");
            Problem::field(&field, "expected weekdays from 1 (Monday) to 7 (Sunday)")
        })
    }
}

fn clock_text(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn clock_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= 24 * 60).then(|| hour * 60 + minute)
}

impl RuleView {
    /// Returns the view of a rule.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let mode = match rule.mode {
            Mode::Default => RuleModeView::Default,
            Mode::Binding => RuleModeView::Binding,
        };
        match &rule.body {
            RuleBody::Alignment { minutes } => Self::Alignment {
                mode,
                minutes: *minutes,
            },
            RuleBody::Shortest { minutes } => Self::Shortest {
                mode,
                minutes: *minutes,
            },
            RuleBody::Longest { minutes } => Self::Longest {
                mode,
                minutes: *minutes,
            },
            RuleBody::Horizon { days } => Self::Horizon { mode, days: *days },
            RuleBody::OpeningHours(Opening {
                weekly,
                exceptions,
                holidays,
            }) => Self::OpeningHours {
                mode,
                weekly: weekly.0.iter().copied().map(HoursView::of).collect(),
                exceptions: exceptions.iter().map(ExceptionJson::of).collect(),
                holidays: HolidaysJson::of(*holidays),
            },
            RuleBody::FixedBlocks(Blocks(blocks)) => Self::FixedBlocks {
                mode,
                blocks: blocks.iter().map(|b| HoursJson::of_block(*b)).collect(),
            },
        }
    }

    /// Returns the rule, if its figures lie within their bounds.
    ///
    /// # Errors
    /// Returns `malformed-request` naming the field below `field`, such as `rules[2].minutes`.
    pub fn parse(&self, field: &str) -> Result<Rule, Problem> {
        let within = |number: u32, most: u32, part: &str| {
            (1..=most)
                .contains(&number)
                .then_some(number)
                .ok_or_else(|| {
                    let field = format!("{field}.{part}");
                    Problem::field(&field, &format!("expected a number from 1 to {most}"))
                })
        };
        let problem =
            |fault: &RuleFault| Problem::field(&format!("{field}.{}", fault.field), fault.expected);
        let (mode, body) = match self {
            Self::Shortest { mode, minutes } => {
                let minutes = within(*minutes, MINUTES_A_YEAR, "minutes")?;
                (mode, RuleBody::Shortest { minutes })
            }
            Self::Longest { mode, minutes } => {
                let minutes = within(*minutes, MINUTES_A_YEAR, "minutes")?;
                (mode, RuleBody::Longest { minutes })
            }
            Self::Alignment { mode, minutes } => {
                let minutes = within(*minutes, MINUTES_A_DAY, "minutes")?;
                (mode, RuleBody::Alignment { minutes })
            }
            Self::Horizon { mode, days } => {
                let days = within(*days, 3_650, "days")?;
                (mode, RuleBody::Horizon { days })
            }
            Self::FixedBlocks { mode, blocks } => {
                let blocks = to_blocks(blocks).map_err(|fault| problem(&fault))?;
                (mode, RuleBody::FixedBlocks(blocks))
            }
            Self::OpeningHours {
                mode,
                weekly,
                exceptions,
                holidays,
            } => {
                if weekly.len() > 50 {
                    return Err(Problem::field(&format!("{field}.weekly"), "too long"));
                }
                let hours = weekly.iter().enumerate();
                let hours = hours.map(|(at, hours)| hours.parse(&format!("{field}.weekly[{at}]")));
                let weekly = Weekly(hours.collect::<Result<_, _>>()?);
                let opening = to_opening(weekly, exceptions, *holidays);
                let opening = opening.map_err(|fault| problem(&fault))?;
                (mode, RuleBody::OpeningHours(opening))
            }
        };
        let mode = match mode {
            RuleModeView::Default => Mode::Default,
            RuleModeView::Binding => Mode::Binding,
        };
        Ok(Rule { body, mode })
    }
}

#[cfg(test)]
mod tests;
