//! Quotas: time used and wanted within civil periods.

use super::{Reason, Retry, Wish};
use crate::policy::{AppliedRule, RuleBody};
use crate::quota::{Period, Subject, by_period, charge, period_of};
use crate::refusal::{Figure, RuleId};
use crate::slot::Slot;
use crate::time::Span;

/// How many periods ahead one with room is looked for.
const PERIODS_AHEAD: usize = 60;

/// Judges each period that the slot touches by itself; the first without room tells.
pub(super) fn quota(rule: &AppliedRule, wish: &Wish<'_>) -> Option<Reason> {
    let RuleBody::Quota {
        per,
        period,
        minutes,
    } = rule.body
    else {
        return None;
    };
    let asked = Asked {
        rule,
        subject: wish.facts.subjects.of(per)?,
        period,
        limit: Span::minutes(minutes),
    };
    let full = asked.first_full(wish.slot, &wish.peak, wish)?;
    let limit = Figure::Quota {
        per,
        period,
        span: asked.limit,
    };
    let reason = Reason::new(RuleId::Quota, limit, Figure::Span(full.total));
    let room = asked.limit.saturating_sub(full.used);
    Some(Reason {
        passes_at: asked.next_with_room(full.period, wish),
        retry: match (room > Span::default(), wish.peak_hours.is_always()) {
            // What begins earlier leaves more than the room in this period.
            (_, true) => Retry::From(full.period.end().saturating_sub(room)),
            // Another begin may have less of its time in peak hours.
            (true, false) => Retry::From(wish.slot.start()),
            (false, false) => Retry::From(full.period.end()),
        },
        ..reason
    })
}

struct Asked<'a> {
    rule: &'a AppliedRule,
    subject: Subject,
    period: Period,
    limit: Span,
}

/// A period without room.
struct Full {
    period: Slot,
    /// By others than the wish.
    used: Span,
    /// With the wish.
    total: Span,
}

impl Asked<'_> {
    fn first_full(&self, slot: Slot, peak: &[Slot], wish: &Wish<'_>) -> Option<Full> {
        let Self {
            rule,
            subject,
            period,
            limit,
        } = *self;
        by_period(slot, peak, period, rule.zone).find_map(|(period_slot, wanted)| {
            let key = charge(rule, subject, period, period_slot, wanted).key;
            let used = wish.facts.usage.used(&key);
            let total = used.saturating_add(wanted);
            (total > limit).then_some(Full {
                period: period_slot,
                used,
                total,
            })
        })
    }

    /// Returns the begin of the first later period from which on the same length passes.
    fn next_with_room(&self, full: Slot, wish: &Wish<'_>) -> Option<crate::time::Micros> {
        let mut next = period_of(full.end(), self.period, self.rule.zone)?;
        for _ in 0..PERIODS_AHEAD {
            let moved = Slot::new(next.start(), next.start() + wish.slot.len())?;
            let peak = wish.peak_hours.outside(moved);
            let Some(full) = self.first_full(moved, &peak, wish) else {
                return Some(next.start());
            };
            next = period_of(full.period.end(), self.period, self.rule.zone)?;
        }
        None
    }
}
