//! Rules about the member's other bookings on the same instrument.

use super::{Reason, Retry, Wish, count_of};
use crate::calendar::day_of;
use crate::quota::{Period, periods};
use crate::refusal::{Figure, RuleId};
use crate::slot::Slot;
use crate::time::{Micros, Span};

/// How many civil days ahead `per_day` looks for one with room.
const DAYS_AHEAD: usize = 60;

/// A booking of the member that counts: at least part of it lies in peak hours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    pub(super) slot: Slot,
    /// How much of it lies in peak hours.
    pub(super) peak: Span,
}

pub(super) fn minimum_gap(minutes: u32, wish: &Wish<'_>) -> Option<Reason> {
    let gap = Span::minutes(minutes);
    let distance = |other: Slot| {
        let (before, after) = (
            wish.slot.start() - other.end(),
            other.start() - wish.slot.end(),
        );
        Span::new(before.max(after)).unwrap_or_default()
    };
    let nearest = wish.own.iter().map(|own| distance(own.slot)).min()?;
    if nearest >= gap {
        return None;
    }
    let length = wish.slot.len();
    // Ascending: what a later begin comes too near to lies further on.
    let begin = wish.own.iter().fold(wish.slot.start(), |begin, own| {
        let is_after = begin >= own.slot.end() + gap;
        let is_before = begin + length + gap <= own.slot.start();
        if is_after || is_before {
            begin
        } else {
            own.slot.end() + gap
        }
    });
    let reason = Reason::new(RuleId::MinimumGap, Figure::Span(gap), Figure::Span(nearest));
    Some(reason.passing_from(begin))
}

pub(super) fn per_day(count: u32, wish: &Wish<'_>) -> Option<Reason> {
    let zone = wish.facts.zone;
    let with_this = |day: Slot| {
        let others = wish.own.iter().filter(|own| own.slot.overlaps(day)).count();
        count_of(others).saturating_add(1)
    };
    let is_full = |day: &Slot| with_this(*day) > u64::from(count);
    let full_day = periods(wish.slot, Period::Day, zone).find(is_full)?;
    let length = wish.slot.len();
    let mut day = day_of(full_day.end(), zone);
    let mut passes_at = None;
    for _ in 0..DAYS_AHEAD {
        let Some(begin) = day.map(Slot::start) else {
            break;
        };
        let moved = Slot::new(begin, begin + length);
        let blocked = moved.and_then(|moved| periods(moved, Period::Day, zone).find(is_full));
        let Some(blocked) = blocked else {
            passes_at = Some(begin);
            break;
        };
        day = day_of(blocked.end(), zone);
    }
    let actual = Figure::Count(with_this(full_day));
    let reason = Reason::new(RuleId::PerDay, Figure::Count(count.into()), actual);
    Some(Reason {
        passes_at,
        retry: Retry::From(full_day.end()),
        ..reason
    })
}

/// A booking that has begun is not ahead, so extending it is no matter of this.
pub(super) fn future_count(count: u32, wish: &Wish<'_>) -> Option<Reason> {
    let ahead = begins_ahead(wish);
    let with_this = count_of(ahead.len()).saturating_add(1);
    if with_this <= u64::from(count) || wish.facts.begin_is_kept() {
        return None;
    }
    // As many as are too many have to begin first.
    let too_many = with_this - u64::from(count);
    let place = usize::try_from(too_many - 1).unwrap_or(usize::MAX);
    let reason = Reason::new(
        RuleId::FutureCount,
        Figure::Count(count.into()),
        Figure::Count(with_this),
    );
    Some(Reason {
        passes_at: ahead.get(place).map(|own| own.slot.start()),
        ..reason
    })
}

pub(super) fn future_hours(minutes: u32, wish: &Wish<'_>) -> Option<Reason> {
    let limit = Span::minutes(minutes);
    let ahead = begins_ahead(wish);
    let held = ahead
        .iter()
        .fold(Span::default(), |sum, own| sum.saturating_add(own.peak));
    let wanted = wish.peak_span();
    let total = held.saturating_add(wanted);
    if total <= limit || wish.facts.begin_is_kept() {
        return None;
    }
    let mut rest = total;
    let begun = ahead.iter().find(|own| {
        rest = rest.saturating_sub(own.peak);
        rest <= limit
    });
    let has_room = held < limit && !wish.peak_hours.is_always();
    let reason = Reason::new(
        RuleId::FutureHours,
        Figure::Span(limit),
        Figure::Span(total),
    );
    Some(Reason {
        passes_at: begun.map(|own| own.slot.start()),
        // Another begin may have less of its time in peak hours.
        retry: if has_room {
            Retry::From(wish.slot.start())
        } else {
            Retry::Never
        },
        ..reason
    })
}

/// Returns the member's bookings that have not begun, ascending.
fn begins_ahead<'a>(wish: &Wish<'a>) -> Vec<&'a Own> {
    let now: Micros = wish.facts.now;
    let own = wish.own.iter();
    own.filter(|own| own.slot.start() > now).collect()
}
