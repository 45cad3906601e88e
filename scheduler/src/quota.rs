//! Time used within civil periods, and the ledger that sums it.
//!
//! A booking charges each quota that applies to it: [`charges`] tells which, [`Ledger`] sums what
//! it is told. Who keeps a ledger adds the charges of a booking when it comes, removes the very
//! same when it goes, and sums anew when rules change. Outside the years 0 to 9999 there are no
//! periods, and no quota.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use imbl::OrdMap;

use crate::calendar::day_of;
use crate::class::CallerClass;
use crate::id::{MemberId, NodeId, ProjectId};
use crate::peak::PeakHours;
use crate::policy::{AppliedRule, Policy, RuleBody, SetAt};
use crate::slot::Slot;
use crate::time::{Micros, Span};
use crate::wall::{civil, offset_us};

/// Most periods of one quota that a slot is followed through.
pub(crate) const PERIODS_MAX: usize = 400;

/// Whose use a quota sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A person.
    Member,
    /// What the work is for; a booking without a project has no such quota.
    Project,
    /// The lab that the member belongs to.
    Lab,
    /// The institution that the member belongs to.
    Institution,
}

/// A civil period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// One whose use is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A person.
    Member(MemberId),
    /// A project.
    Project(ProjectId),
    /// A lab.
    Lab(NodeId),
    /// An institution.
    Institution(NodeId),
}

/// Everybody in whose name a booking is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subjects {
    /// Who books; nobody when the question is what anybody could book.
    pub member: Option<MemberId>,
    /// For which project.
    pub project: Option<ProjectId>,
    /// The member's lab.
    pub lab: Option<NodeId>,
    /// The member's institution.
    pub institution: Option<NodeId>,
}

impl Subjects {
    /// Returns the one that a quota sums.
    #[must_use]
    pub fn of(self, party: Party) -> Option<Subject> {
        match party {
            Party::Member => self.member.map(Subject::Member),
            Party::Project => self.project.map(Subject::Project),
            Party::Lab => self.lab.map(Subject::Lab),
            Party::Institution => self.institution.map(Subject::Institution),
        }
    }
}

/// One sum: whose use, below which place, in which period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaKey {
    /// Where the quota is set.
    pub at: SetAt,
    /// Whose use.
    pub subject: Subject,
    /// The length of the period.
    pub period: Period,
    /// Its first instant.
    pub start: Micros,
}

/// What a booking adds to one sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Which sum.
    pub key: QuotaKey,
    /// How much.
    pub span: Span,
}

/// Sums of charges. A copy shares what it has in common, so that it costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger(OrdMap<QuotaKey, Span>);

impl Ledger {
    /// Adds charges.
    pub fn add(&mut self, charges: &[Charge]) {
        for Charge { key, span } in charges {
            let sum = self.used(key).saturating_add(*span);
            self.0.insert(*key, sum);
        }
    }

    /// Takes charges away that were added before.
    pub fn remove(&mut self, charges: &[Charge]) {
        for Charge { key, span } in charges {
            let rest = self.used(key).saturating_sub(*span);
            if rest == Span::default() {
                self.0.remove(key);
            } else {
                self.0.insert(*key, rest);
            }
        }
    }

    /// Returns a sum.
    #[must_use]
    pub fn used(&self, key: &QuotaKey) -> Span {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// Lets go of the periods that began before a moment.
    pub fn drop_before(&mut self, moment: Micros) {
        let old: Vec<QuotaKey> = self
            .0
            .keys()
            .filter(|key| key.start < moment)
            .copied()
            .collect();
        for key in old {
            self.0.remove(&key);
        }
    }
}

/// What has been used, as one wish sees it.
#[derive(Debug, Clone, Copy)]
pub struct Usage<'a> {
    /// All sums; none: nothing was ever used.
    pub ledger: Option<&'a Ledger>,
    /// What the booking that is being changed has charged: free again for the wish.
    pub freed: &'a [Charge],
}

impl Usage<'static> {
    /// Nothing was ever used.
    pub const NONE: Self = Self {
        ledger: None,
        freed: &[],
    };
}

impl Usage<'_> {
    pub(crate) fn used(&self, key: &QuotaKey) -> Span {
        let freed = self.freed.iter().filter(|charge| charge.key == *key);
        let sum = self.ledger.map_or(Span::default(), |all| all.used(key));
        freed.fold(sum, |used, charge| used.saturating_sub(charge.span))
    }
}

/// Returns what a booking of this slot charges: for each quota that applies, the time outside
/// off-peak hours in each of the periods it touches, of which the first 400 count.
#[must_use]
pub fn charges(
    policy: &Policy,
    class: CallerClass,
    subjects: Subjects,
    zone: Tz,
    slot: Slot,
) -> Vec<Charge> {
    let peak = PeakHours::new(policy.in_force(class).off_peak, zone).outside(slot);
    let mut charges = Vec::new();
    for rule in policy.rules_for(class) {
        if let RuleBody::Quota { per, period, .. } = rule.body
            && let Some(subject) = subjects.of(per)
        {
            let charge = |(period_slot, span)| charge(rule, subject, period, period_slot, span);
            charges.extend(by_period(slot, &peak, period, rule.zone).map(charge));
        }
    }
    charges
}

pub(crate) fn charge(
    rule: &AppliedRule,
    subject: Subject,
    period: Period,
    slot: Slot,
    span: Span,
) -> Charge {
    let key = QuotaKey {
        at: rule.at,
        subject,
        period,
        start: slot.start(),
    };
    Charge { key, span }
}

/// Returns the periods that a slot touches with counted time, and how much of it lies in each.
pub(crate) fn by_period(
    slot: Slot,
    counted: &[Slot],
    period: Period,
    zone: Tz,
) -> impl Iterator<Item = (Slot, Span)> {
    periods(slot, period, zone).filter_map(move |period| {
        let inside = counted.iter().filter_map(|part| part.intersect(period));
        let span = inside.fold(Span::default(), |sum, part| sum.saturating_add(part.len()));
        (span > Span::default()).then_some((period, span))
    })
}

/// Returns the periods that a slot touches, in order, at most [`PERIODS_MAX`].
pub(crate) fn periods(slot: Slot, period: Period, zone: Tz) -> impl Iterator<Item = Slot> {
    let first = period_of(slot.start(), period, zone);
    let next = move |held: &Slot| {
        let next = period_of(held.end(), period, zone)?;
        (next.start() > held.start() && next.start() < slot.end()).then_some(next)
    };
    std::iter::successors(first, next).take(PERIODS_MAX)
}

/// Returns the civil period of an instant in a zone, or nothing outside the years 0 to 9999.
#[must_use]
pub fn period_of(instant: Micros, period: Period, zone: Tz) -> Option<Slot> {
    let date = civil(instant, zone)?.date();
    if period == Period::Day {
        return day_of(instant, zone);
    }
    let into_week = u64::from(date.weekday().num_days_from_monday());
    let first = match period {
        Period::Day => date,
        Period::Week => date.checked_sub_days(Days::new(into_week))?,
        Period::Month => date.with_day(1)?,
        Period::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1)?,
    };
    let next = match period {
        Period::Day => first.checked_add_days(Days::new(1))?,
        Period::Week => first.checked_add_days(Days::new(7))?,
        Period::Month => first.checked_add_months(Months::new(1))?,
        Period::Year => first.checked_add_months(Months::new(12))?,
    };
    Slot::new(midnight(first, zone)?, midnight(next, zone)?)
}

/// Returns the first instant of a date: the day that holds its noon begins with it. No zone is ever
/// so far from UTC that the guess misses the date, but for dates that a zone skipped altogether,
/// none of which begins a week, a month or a year.
fn midnight(date: NaiveDate, zone: Tz) -> Option<Micros> {
    let noon = date.and_time(NaiveTime::from_hms_opt(12, 0, 0)?).and_utc();
    let noon = Micros::new(noon.timestamp_micros());
    let offset_us = offset_us(zone, noon);
    Some(day_of(Micros::new(noon.get().saturating_sub(offset_us)), zone)?.start())
}

#[cfg(test)]
mod tests;
