//! What a rule says, as JSON.

use scheduler::policy::RuleBody;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HoursJson, RuleFault};

const MINUTES_A_YEAR: u32 = 525_600;
const MINUTES_A_DAY: u32 = 1_440;
const DAYS_MAX: u32 = 3_650;

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = RuleBody)]
pub enum BodyJson {
    /// The grid of starts and ends, counted from midnight.
    Alignment {
        /// 1 to 1,440.
        minutes: u32,
    },
    /// Shortest booking.
    Shortest {
        /// 1 to 525,600.
        minutes: u32,
    },
    /// Longest booking.
    Longest {
        /// 1 to 525,600.
        minutes: u32,
    },
    /// How far ahead a booking may begin.
    Horizon {
        /// 1 to 3,650.
        days: u32,
    },
    /// When it is open.
    OpeningHours {
        /// Hours of the week, at most 50 entries; none is always closed.
        weekly: Vec<HoursJson>,
    },
}

/// Returns a number that lies from `least` to `most`.
fn within(number: u32, (least, most): (u32, u32), field: &str) -> Result<u32, RuleFault> {
    let expected = || format!("expected a number from {least} to {most}");
    let inside = (least..=most).contains(&number).then_some(number);
    inside.ok_or_else(|| RuleFault::new(field, expected()))
}

impl BodyJson {
    pub(super) fn to_body(&self) -> Result<RuleBody, RuleFault> {
        let minutes = |minutes: u32, most: u32| within(minutes, (1, most), "minutes");
        Ok(match self {
            Self::Alignment { minutes: grid } => RuleBody::Alignment {
                minutes: minutes(*grid, MINUTES_A_DAY)?,
            },
            Self::Shortest { minutes: length } => RuleBody::Shortest {
                minutes: minutes(*length, MINUTES_A_YEAR)?,
            },
            Self::Longest { minutes: length } => RuleBody::Longest {
                minutes: minutes(*length, MINUTES_A_YEAR)?,
            },
            Self::Horizon { days } => RuleBody::Horizon {
                days: within(*days, (1, DAYS_MAX), "days")?,
            },
            Self::OpeningHours { weekly } => RuleBody::OpeningHours(HoursJson::to_week(weekly)?),
        })
    }

    pub(super) fn of(body: &RuleBody) -> Self {
        match body {
            RuleBody::Alignment { minutes } => Self::Alignment { minutes: *minutes },
            RuleBody::Shortest { minutes } => Self::Shortest { minutes: *minutes },
            RuleBody::Longest { minutes } => Self::Longest { minutes: *minutes },
            RuleBody::Horizon { days } => Self::Horizon { days: *days },
            RuleBody::OpeningHours(weekly) => Self::OpeningHours {
                weekly: HoursJson::of_week(weekly),
            },
        }
    }
}
