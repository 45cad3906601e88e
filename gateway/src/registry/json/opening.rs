//! Opening hours with exceptions and holidays, and blocks, as JSON.

use chrono::NaiveDate;
use scheduler::blocks::{BLOCK_END_MINUTE_MAX, Block, Blocks};
use scheduler::calendar::{DAY_MINUTES, Exception, Holidays, Hours, Opening, Weekly};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours::{clock_text, minute_of};
use super::{HoursJson, RuleFault};

/// Most exceptions of a rule.
const EXCEPTIONS_MAX: usize = 200;
/// Most blocks of a rule.
const BLOCKS_MAX: usize = 50;

/// Returns the opening of a week with its exceptions and holidays.
///
/// # Errors
/// Returns [`RuleFault`] for `exceptions` when there are more than 200 or one cannot be read.
pub(super) fn to_opening(
    weekly: Weekly,
    exceptions: &[ExceptionJson],
    holidays: HolidaysJson,
) -> Result<Opening, RuleFault> {
    if exceptions.len() > EXCEPTIONS_MAX {
        return Err(RuleFault::new("exceptions", "too long"));
    }
    let exceptions = exceptions.iter().enumerate().map(|(place, exception)| {
        let parsed = exception.to_exception();
        parsed.map_err(|fault| fault.below(&format!("exceptions[{place}]")))
    });
    Ok(Opening {
        weekly,
        exceptions: exceptions.collect::<Result<_, _>>()?,
        holidays: holidays.to_holidays(),
    })
}

/// Returns the blocks of a week.
///
/// # Errors
/// Returns [`RuleFault`] for `blocks` when there are more than 50 or one cannot be read.
pub(super) fn to_blocks(blocks: &[HoursJson]) -> Result<Blocks, RuleFault> {
    if blocks.len() > BLOCKS_MAX {
        return Err(RuleFault::new("blocks", "too long"));
    }
    let blocks = blocks.iter().enumerate().map(|(place, block)| {
        let parsed = block.to_block();
        parsed.map_err(|fault| fault.below(&format!("blocks[{place}]")))
    });
    Ok(Blocks(blocks.collect::<Result<_, _>>()?))
}

/// Days with other hours than their weekdays and holidays have; of several the last counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionJson {
    /// First day, `2026-12-24`.
    pub from: String,
    /// Last day, `2026-12-26`.
    pub to: String,
    /// Hours of each of these days; none: closed.
    pub hours: Vec<SpanJson>,
}

/// Hours of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpanJson {
    /// `HH:MM`.
    pub from: String,
    /// `HH:MM`, after `from`; `24:00` is the end of the day.
    pub to: String,
}

/// Whose public holidays are kept: closed on a holiday, Monday's hours on a working day that makes
/// up for one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolidaysJson {
    /// Nobody's.
    #[default]
    None,
    /// China's.
    China,
}

impl HolidaysJson {
    /// Returns the JSON form.
    #[must_use]
    pub fn of(holidays: Holidays) -> Self {
        match holidays {
            Holidays::None => Self::None,
            Holidays::China => Self::China,
        }
    }

    /// Returns the holidays.
    #[must_use]
    pub fn to_holidays(self) -> Holidays {
        match self {
            Self::None => Holidays::None,
            Self::China => Holidays::China,
        }
    }

    /// Returns whether it is left out of the JSON.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

impl ExceptionJson {
    /// Returns the JSON form.
    #[must_use]
    pub fn of(exception: &Exception) -> Self {
        let hours = exception.hours().iter().map(|hours| SpanJson {
            from: clock_text(hours.from_minute()),
            to: clock_text(hours.to_minute()),
        });
        Self {
            from: exception.first().to_string(),
            to: exception.last().to_string(),
            hours: hours.collect(),
        }
    }

    /// Returns the exception.
    ///
    /// # Errors
    /// Returns [`RuleFault`] when a day or an hour cannot be read or they run backwards.
    pub fn to_exception(&self) -> Result<Exception, RuleFault> {
        let day = |text: &str, field: &str| {
            date_of(text).ok_or_else(|| RuleFault::new(field, "expected a day as 2026-12-24"))
        };
        let (first, last) = (day(&self.from, "from")?, day(&self.to, "to")?);
        let span = |span: &SpanJson| {
            let from = minute_of(&span.from, DAY_MINUTES)?;
            Hours::new(from, minute_of(&span.to, DAY_MINUTES)?)
        };
        let hours: Option<Vec<Hours>> = self.hours.iter().map(span).collect();
        let expected = "expected a time of day from 00:00 to 24:00";
        let hours = hours.ok_or_else(|| RuleFault::new("hours", expected))?;
        let backwards = || RuleFault::new("to", "must not be before the first day");
        Exception::new(first, last, hours).ok_or_else(backwards)
    }
}

impl HoursJson {
    /// Returns the JSON form of a block: `to` may lie beyond `24:00`, `32:00` being 08:00 of the
    /// next day.
    #[must_use]
    pub fn of_block(block: Block) -> Self {
        Self {
            days: block.weekdays(),
            from: clock_text(block.from_minute()),
            to: clock_text(block.to_minute()),
        }
    }

    /// Returns the block.
    ///
    /// # Errors
    /// Returns [`RuleFault`] when a day or an hour cannot be read or they run backwards.
    pub fn to_block(&self) -> Result<Block, RuleFault> {
        let from = minute_of(&self.from, DAY_MINUTES);
        let to = minute_of(&self.to, BLOCK_END_MINUTE_MAX);
        let block = from.zip(to);
        let block = block.and_then(|(from, to)| Block::new(&self.days, from, to));
        let expected = "expected weekdays 1 to 7 and times with the end at most 48:00";
        block.ok_or_else(|| RuleFault::new("to", expected))
    }
}

/// Reads `YYYY-MM-DD`, of the years 0 to 9999.
fn date_of(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    (date.to_string() == text && text.len() == 10).then_some(date)
}
