//! Rules about the slot itself: its begin, its length, its place in the day.

use super::{Reason, Retry, Wish};
use crate::blocks::{Blocks, blocks_within, ends_a_block, first_run, is_made_of_blocks};
use crate::calendar::{Opening, day_of, first_open_start, is_open, open_intervals};
use crate::facts::{Action, BookingFacts};
use crate::grid::{first_aligned, is_aligned};
use crate::refusal::{Figure, RuleId};
use crate::slot::Slot;
use crate::time::{Micros, Span};

/// How far `fixed_blocks` looks for a run of blocks that passes.
const BLOCK_SEARCH: Span = Span::days(15);

/// How far `alignment` looks for a begin that passes.
const ALIGNMENT_SEARCH: Span = Span::days(15);

/// A slot that begins at this very moment is not past; one that has begun may end at once.
pub(super) fn past(wish: &Wish<'_>) -> Option<Reason> {
    let now = wish.facts.now;
    let wanted = if wish.facts.begin_is_kept() {
        wish.slot.end()
    } else {
        wish.slot.start()
    };
    (wanted < now).then(|| {
        Reason::new(RuleId::Past, Figure::Time(now), Figure::Time(wanted)).passing_from(now)
    })
}

pub(super) fn alignment(minutes: u32, wish: &Wish<'_>) -> Option<Reason> {
    let (zone, slot) = (wish.facts.zone, wish.slot);
    let begin_passes = wish.facts.begin_is_kept() || is_aligned(slot.start(), zone, minutes);
    if begin_passes && is_aligned(slot.end(), zone, minutes) {
        return None;
    }
    let search = Slot::new(slot.start(), slot.end() + ALIGNMENT_SEARCH);
    let passing = search.and_then(|window| first_aligned(window, zone, minutes, slot.len()));
    let limit = Figure::Span(Span::minutes(minutes));
    let reason = Reason::new(RuleId::Alignment, limit, Figure::Slot(slot));
    Some(Reason {
        passes_at: passing.map(Slot::start),
        retry: Retry::From(slot.start()),
        ..reason
    })
}

pub(super) fn shortest(minutes: u32, wish: &Wish<'_>) -> Option<Reason> {
    let (limit, actual) = (Span::minutes(minutes), wish.slot.len());
    let reason = || Reason::new(RuleId::Shortest, Figure::Span(limit), Figure::Span(actual));
    (actual < limit).then(reason)
}

pub(super) fn longest(minutes: u32, wish: &Wish<'_>) -> Option<Reason> {
    let (limit, actual) = (Span::minutes(minutes), wish.slot.len());
    let reason = || Reason::new(RuleId::Longest, Figure::Span(limit), Figure::Span(actual));
    (actual > limit).then(reason)
}

/// Compares the begin only, so that a slot may reach over the horizon; a kept begin was judged
/// when it was booked.
pub(super) fn horizon(days: u32, wish: &Wish<'_>) -> Option<Reason> {
    let (limit, begin) = (Span::days(days), wish.slot.start());
    let is_beyond = begin > wish.facts.now + limit && !wish.facts.begin_is_kept();
    is_beyond.then(|| {
        let reason = Reason::new(RuleId::Horizon, Figure::Span(limit), Figure::Time(begin));
        Reason {
            passes_at: Some(begin.saturating_sub(limit)),
            ..reason
        }
    })
}

pub(super) fn opening_hours(opening: &Opening, wish: &Wish<'_>) -> Option<Reason> {
    let (zone, slot) = (wish.facts.zone, wish.slot);
    if is_open(opening, zone, slot) {
        return None;
    }
    let near = day_of(slot.start(), zone).and_then(|day| {
        let week = day.end() + Span::days(6);
        Slot::new(day.start(), day.end().max(slot.end().min(week)))
    });
    let hours = std::slice::from_ref(opening);
    let open = near.map_or(Vec::new(), |near| open_intervals(hours, zone, near));
    let reason = Reason::new(RuleId::OpeningHours, Figure::Open(open), Figure::Slot(slot));
    Some(Reason {
        passes_at: first_open_start(opening, zone, slot.start(), slot.len()),
        retry: Retry::From(slot.start()),
        ..reason
    })
}

/// Of a booking that has begun only the end is a wish: it is the end of some block.
pub(super) fn fixed_blocks(blocks: &Blocks, wish: &Wish<'_>) -> Option<Reason> {
    let (zone, slot) = (wish.facts.zone, wish.slot);
    let passes = if wish.facts.begin_is_kept() {
        ends_a_block(blocks, zone, slot.end())
    } else {
        is_made_of_blocks(blocks, zone, slot)
    };
    if passes {
        return None;
    }
    let day = day_of(slot.start(), zone);
    let of_day = day.map_or(Vec::new(), |day| blocks_within(blocks, zone, day));
    let search = Slot::new(slot.start(), slot.end() + BLOCK_SEARCH);
    let run = search.and_then(|window| first_run(blocks, zone, window, slot.len(), |_| true));
    let reason = Reason::new(RuleId::Blocks, Figure::Open(of_day), Figure::Slot(slot));
    Some(Reason {
        passes_at: run.map(Slot::start),
        retry: Retry::From(slot.start()),
        ..reason
    })
}

/// A begin that stays was judged when it was booked.
pub(super) fn notice_to_book(minutes: u32, wish: &Wish<'_>) -> Option<Reason> {
    let (limit, begin) = (Span::minutes(minutes), wish.slot.start());
    let earliest = wish.facts.now + limit;
    (begin < earliest && !wish.facts.keeps_begin()).then(|| {
        let ahead = Figure::Span(ahead(wish.facts, begin));
        Reason::new(RuleId::NoticeToBook, Figure::Span(limit), ahead).passing_from(earliest)
    })
}

/// What counts is when the booking would have begun. No time cures it: the deadline has passed.
pub(super) fn notice_to_move(minutes: u32, wish: &Wish<'_>) -> Option<Reason> {
    let Action::Change { held } = wish.facts.action else {
        return None;
    };
    let is_late = held.start() < wish.facts.now + Span::minutes(minutes);
    (is_late && !wish.facts.keeps_begin())
        .then(|| late(RuleId::NoticeToMove, minutes, wish.facts, held.start()))
}

/// As [`notice_to_move`].
pub(super) fn notice_to_cancel(minutes: u32, facts: &BookingFacts<'_>) -> Option<Reason> {
    let begin = facts.slot.start();
    let is_late = begin < facts.now + Span::minutes(minutes);
    is_late.then(|| late(RuleId::NoticeToCancel, minutes, facts, begin))
}

fn late(rule: RuleId, minutes: u32, facts: &BookingFacts<'_>, begin: Micros) -> Reason {
    let limit = Figure::Span(Span::minutes(minutes));
    Reason::new(rule, limit, Figure::Span(ahead(facts, begin)))
}

fn ahead(facts: &BookingFacts<'_>, begin: Micros) -> Span {
    Span::new(begin - facts.now).unwrap_or_default()
}
