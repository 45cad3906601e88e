//! Fixed blocks: bookings that consist of whole blocks, such as morning, afternoon and night.
//!
//! A block has a civil begin and end, and each border is one instant: the first of two when clocks
//! repeat it, the first after the gap when they skip it. So blocks that abut on the wall abut in
//! time on every day, and a block that lies within a gap does not exist that day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;

use crate::calendar::{DAY_MINUTES, FOLLOWED_DAYS, days_of, weekdays_of};
use crate::instant::{Fold, of_minute};
use crate::slot::Slot;
use crate::time::{Micros, Span};
use crate::wall::civil;

/// Latest end of a block, in minutes from the midnight of the day it begins on.
pub const BLOCK_END_MINUTE_MAX: u16 = 2 * DAY_MINUTES;

/// How much longer than asked a run of blocks may be: a block, and what clocks add to it.
const RUN_EXCESS: Span = Span::minutes(51 * 60);

/// A block on some weekdays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Monday is bit 0, Sunday bit 6.
    days: u8,
    from_minute: u16,
    to_minute: u16,
}

impl Block {
    /// Returns the block that begins on ISO weekdays (Monday 1 to Sunday 7) at a minute of the
    /// civil day and ends at a minute counted from the same midnight, 1920 being 08:00 of the next
    /// day. Nothing if no day is named, a day is out of range, or not `from < to <= 48:00` and
    /// `from < 24:00`.
    #[must_use]
    pub fn new(weekdays: &[u8], from_minute: u16, to_minute: u16) -> Option<Self> {
        let days = days_of(weekdays)?;
        let begins_that_day = from_minute < DAY_MINUTES;
        let runs_forward = from_minute < to_minute && to_minute <= BLOCK_END_MINUTE_MAX;
        (begins_that_day && runs_forward).then_some(Self {
            days,
            from_minute,
            to_minute,
        })
    }

    /// Returns the ISO weekdays on which it begins, ascending.
    #[must_use]
    pub fn weekdays(self) -> Vec<u8> {
        weekdays_of(self.days)
    }

    /// Returns the minute of the day at which it begins, below 1440.
    #[must_use]
    pub fn from_minute(self) -> u16 {
        self.from_minute
    }

    /// Returns the minute at which it ends, from the midnight before its begin, up to 2880.
    #[must_use]
    pub fn to_minute(self) -> u16 {
        self.to_minute
    }

    fn on(self, date: NaiveDate, zone: Tz) -> Option<Slot> {
        let bit = 1u8 << date.weekday().num_days_from_monday();
        let border = |minute| of_minute(date, minute, zone, Fold::First);
        let begins = self.days & bit != 0;
        begins.then(|| Slot::new(border(self.from_minute)?, border(self.to_minute)?))?
    }
}

/// The blocks of a week. Without any, nothing can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocks(pub Vec<Block>);

/// Returns the blocks that share an instant with the window, whole, by begin and then end, each
/// once. Costs a few zone lookups for each day and entry: for windows of months. Outside the years
/// 0 to 9999 there is none.
#[must_use]
pub fn blocks_within(blocks: &Blocks, zone: Tz, window: Slot) -> Vec<Slot> {
    let (Some(first), Some(last)) = (civil(window.start(), zone), civil(window.end(), zone)) else {
        return Vec::new();
    };
    // A block of 48 hours that began yesterday may still run; one day more for clocks that go back
    // over midnight.
    let first = first.date().checked_sub_days(Days::new(2));
    let days = first.unwrap_or(NaiveDate::MIN).iter_days();
    let days = days.take_while(|date| *date <= last.date());
    let mut slots: Vec<Slot> = days
        .flat_map(|date| {
            blocks
                .0
                .iter()
                .filter_map(move |block| block.on(date, zone))
        })
        .filter(|slot| slot.overlaps(window))
        .collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// Returns true if the slot is one whole block or several, each beginning where the one before
/// ends. A slot beyond 400 days is not.
#[must_use]
pub fn is_made_of_blocks(blocks: &Blocks, zone: Tz, slot: Slot) -> bool {
    slot.len() <= Span::days(FOLLOWED_DAYS)
        && ends_of_runs(&blocks_within(blocks, zone, slot), slot).contains(&slot.end())
}

/// Returns true if some block ends at this instant.
#[must_use]
pub fn ends_a_block(blocks: &Blocks, zone: Tz, instant: Micros) -> bool {
    let just_before = Span::new(1).map(|one| instant.saturating_sub(one));
    let window = just_before.and_then(|before| Slot::new(before, instant));
    window.is_some_and(|window| {
        let near = blocks_within(blocks, zone, window);
        near.iter().any(|block| block.end() == instant)
    })
}

/// Returns the earliest run of whole adjacent blocks within a gap that is at least this long, at
/// most 51 hours longer, and passes; of those with one begin the shortest.
///
/// Costs a few zone lookups for each day of the gap and entry: bound it to months. A length beyond
/// 400 days is not looked for.
#[must_use]
pub fn first_run(
    blocks: &Blocks,
    zone: Tz,
    gap: Slot,
    length: Span,
    passes: impl Fn(Slot) -> bool,
) -> Option<Slot> {
    if length > Span::days(FOLLOWED_DAYS) || gap.len() < length {
        return None;
    }
    let mut within = blocks_within(blocks, zone, gap);
    within.retain(|block| gap.covers(*block));
    // Most begins lead nowhere: where the longest run of each ends is known after one pass.
    let mut farthest: BTreeMap<Micros, Micros> = BTreeMap::new();
    for block in within.iter().rev() {
        let beyond = farthest.get(&block.end()).copied();
        let end = beyond.unwrap_or(block.end());
        let held = farthest.entry(block.start()).or_insert(end);
        *held = end.max(*held);
    }
    let longest = farthest
        .iter()
        .filter_map(|(from, to)| Slot::new(*from, *to));
    longest.filter(|run| run.len() >= length).find_map(|run| {
        let least = run.start() + length;
        let reach = Slot::new(run.start(), run.end().min(least + RUN_EXCESS))?;
        let ends = ends_of_runs(&within, reach);
        let runs = ends
            .range(least..)
            .filter_map(|end| Slot::new(run.start(), *end));
        runs.into_iter().find(|run| passes(*run))
    })
}

/// Returns where runs of adjacent blocks end that begin with the slot and lie within it; its own
/// begin is the run of no block.
fn ends_of_runs(blocks: &[Slot], slot: Slot) -> BTreeSet<Micros> {
    let mut ends = BTreeSet::from([slot.start()]);
    let from = blocks.partition_point(|block| block.start() < slot.start());
    let near = blocks.get(from..).unwrap_or_default();
    for block in near.iter().filter(|block| slot.covers(**block)) {
        if ends.contains(&block.start()) {
            ends.insert(block.end());
        }
    }
    ends
}

#[cfg(test)]
mod tests;
