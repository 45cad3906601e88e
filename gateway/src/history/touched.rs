//! Which hours got readings since their rollups were computed, in memory as in the table `touched`.
//! Pure.
//!
//! **Nothing is missed.** The writer marks the hours of a commit when it prepares it and writes the
//! new marks in the commit's own transaction. The caretaker takes hours only while no commit is under
//! way, so what it then reads holds all that the marks stand for. An hour that is touched again
//! while it is taken stays marked; all others lose their mark inside the transaction that writes
//! their rollups, so that what a commit prepared later marks anew is written after it.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use scheduler::id::InstrumentId;
use scheduler::time::{DAY_US, HOUR_US, MINUTE_US, Micros};

use super::steps::HOLD_MS;

/// An hour in milliseconds.
pub(super) const HOUR_MS: i64 = HOUR_US / 1_000;

/// A day in milliseconds.
pub(super) const DAY_MS: i64 = DAY_US / 1_000;

/// How long after its end an hour is let be: by then what came in time is in blocks.
const SETTLE_US: i64 = 15 * MINUTE_US;

/// An hour that got readings within this time, or twice it, is let be: a backlog brings more.
const QUIET_US: i64 = MINUTE_US;

/// An hour that is never quiet is computed this often nevertheless.
const RESTLESS_US: i64 = 15 * MINUTE_US;

/// A day of an instrument: the instrument, and days since 1970 UTC.
pub(super) type DayKey = (InstrumentId, i64);

/// Hours of one day that are being computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) instrument: InstrumentId,
    pub(super) day: i64,
    /// Bit h is hour h; set bits are neighbours.
    pub(super) hours: u32,
}

impl Taken {
    /// Returns the window of its hours, in milliseconds.
    pub(super) fn window_ms(self) -> Range<i64> {
        let first = self.day * DAY_MS + i64::from(self.hours.trailing_zeros()) * HOUR_MS;
        first..first + i64::from(self.hours.count_ones()) * HOUR_MS
    }

    /// Returns its first hour only.
    pub(super) fn first_hour(self) -> Self {
        Self {
            hours: self.hours & self.hours.wrapping_neg(),
            ..self
        }
    }
}

/// Marks of one day.
#[derive(Debug)]
struct Day {
    /// Hours that are marked.
    hours: u32,
    /// Those being computed.
    taken: u32,
    /// Those touched since they were taken.
    again: u32,
    /// Those without a mark whose rollups are not committed yet.
    settling: u32,
    /// Those touched since `since`, and in the time before it.
    recent: u32,
    before: u32,
    since: Micros,
    /// When some were last taken.
    worked_at: Micros,
    /// Not to be taken before: something in them could not be read.
    not_before: Micros,
}

/// All marks. Takes some 100 bytes a day of an instrument.
#[derive(Debug, Default)]
pub(super) struct Touched {
    days: BTreeMap<DayKey, Day>,
    /// Whether a commit is prepared and not yet visible.
    is_committing: bool,
}

impl Day {
    fn new(now: Micros) -> Self {
        Self {
            hours: 0,
            taken: 0,
            again: 0,
            settling: 0,
            recent: 0,
            before: 0,
            since: now,
            worked_at: now,
            not_before: Micros::new(i64::MIN),
        }
    }

    fn forget(&mut self, now: Micros) {
        let passed = now - self.since;
        if passed >= QUIET_US {
            self.before = if passed < 2 * QUIET_US {
                self.recent
            } else {
                0
            };
            self.recent = 0;
            self.since = now;
        }
    }

    /// Returns the first neighbouring hours that may be computed now.
    fn due(&mut self, day: i64, now: Micros) -> u32 {
        if now < self.not_before || self.taken != 0 {
            return 0;
        }
        self.forget(now);
        let over = (now.get() - SETTLE_US - day * DAY_US).div_euclid(HOUR_US);
        let over = u32::try_from(over.clamp(0, 24)).unwrap_or(0);
        let settled = self.hours & ((1_u32 << over) - 1);
        let quiet = settled & !(self.recent | self.before);
        let is_restless = now - self.worked_at >= RESTLESS_US;
        first_run(if is_restless { settled } else { quiet })
    }
}

/// Returns the lowest set bit and those that follow it without a gap.
fn first_run(bits: u32) -> u32 {
    if bits == 0 {
        return 0;
    }
    let shift = bits.trailing_zeros();
    let length = (bits >> shift).trailing_ones();
    (u32::MAX >> (32 - length)) << shift
}

/// Returns the bits of hours of a day that a window of hours since 1970 has.
fn bits(day: i64, hours: &Range<i64>) -> u32 {
    let from = (hours.start - day * 24).clamp(0, 24);
    let to = (hours.end - day * 24).clamp(0, 24);
    let below = |hour: i64| (1_u32 << u32::try_from(hour).unwrap_or(0)) - 1;
    below(to) & !below(from)
}

impl Touched {
    /// Takes a stored mark.
    pub(super) fn load(&mut self, key: DayKey, hours: u32, now: Micros) {
        let day = self.days.entry(key).or_insert_with(|| Day::new(now));
        day.hours |= hours & 0x00ff_ffff;
    }

    /// Marks the hours for which readings from `first_ms` to `last_ms` matter, and adds those that
    /// were not marked to `fresh`: they are to be written.
    pub(super) fn touch(
        &mut self,
        instrument: InstrumentId,
        (first_ms, last_ms): (i64, i64),
        now: Micros,
        fresh: &mut BTreeMap<DayKey, u32>,
    ) {
        let hour = |ms: i64| ms.div_euclid(HOUR_MS);
        let hours = hour(first_ms)..hour(last_ms.saturating_add(HOLD_MS)) + 1;
        for day in hours.start.div_euclid(24)..=(hours.end - 1).div_euclid(24) {
            let wanted = bits(day, &hours);
            let key = (instrument, day);
            let known = self.days.entry(key).or_insert_with(|| Day::new(now));
            known.forget(now);
            known.recent |= wanted;
            known.again |= wanted & known.taken;
            let new = wanted & !known.hours;
            if new != 0 {
                known.hours |= new;
                *fresh.entry(key).or_default() |= new;
            }
        }
    }

    /// Notes that a commit is prepared, or that it is visible now.
    pub(super) fn set_committing(&mut self, is_committing: bool) {
        self.is_committing = is_committing;
    }

    /// Takes hours of at most `count` instruments after `cursor`, beginning anew at the end; `None`
    /// while a commit is under way. Never two days of an instrument: a row of rollups spans many
    /// days, and each day's would be computed from the same one.
    pub(super) fn take(
        &mut self,
        cursor: &mut Option<DayKey>,
        count: usize,
        now: Micros,
    ) -> Option<Vec<Taken>> {
        if self.is_committing {
            return None;
        }
        let mut taken = Vec::new();
        let begin = cursor.take().map_or(Bound::Unbounded, Bound::Excluded);
        for ((instrument, number), day) in self.days.range_mut((begin, Bound::Unbounded)) {
            let is_taken = |last: &Taken| last.instrument == *instrument;
            if taken.last().is_some_and(is_taken) {
                continue;
            }
            let hours = day.due(*number, now);
            if hours == 0 {
                continue;
            }
            day.taken = hours;
            day.again = 0;
            day.worked_at = now;
            taken.push(Taken {
                instrument: *instrument,
                day: *number,
                hours,
            });
            if taken.len() >= count {
                *cursor = Some((*instrument, *number));
                break;
            }
        }
        Some(taken)
    }

    /// Gives back all taken hours but these.
    pub(super) fn narrow(&mut self, taken: Taken) {
        if let Some(day) = self.days.get_mut(&(taken.instrument, taken.day)) {
            day.taken &= taken.hours;
        }
    }

    /// Ends a taking. Returns the hours that are no longer marked: all that were not touched
    /// meanwhile.
    pub(super) fn settle(&mut self, taken: Taken) -> u32 {
        let key = (taken.instrument, taken.day);
        let Some(day) = self.days.get_mut(&key) else {
            return 0;
        };
        let done = taken.hours & day.taken & !day.again;
        day.hours &= !done;
        day.settling = done;
        day.taken = 0;
        done
    }

    /// Notes that the rollups of settled hours are committed, or that the file was asked about it.
    pub(super) fn conclude(&mut self, key: DayKey) {
        if let Some(day) = self.days.get_mut(&key) {
            day.settling = 0;
            if day.hours == 0 {
                self.days.remove(&key);
            }
        }
    }

    /// Ends a taking without a result. The hours are not taken before `until` again.
    pub(super) fn give_back(&mut self, taken: Taken, until: Micros) {
        if let Some(day) = self.days.get_mut(&(taken.instrument, taken.day)) {
            day.taken = 0;
            day.not_before = until;
        }
    }

    /// Returns the hours of an instrument in a window whose rollups do not stand, as hours since
    /// 1970, ascending.
    pub(super) fn hours(&self, instrument: InstrumentId, from_ms: i64, to_ms: i64) -> Vec<i64> {
        let window = from_ms.div_euclid(HOUR_MS)..to_ms.saturating_sub(1).div_euclid(HOUR_MS) + 1;
        if window.is_empty() {
            return Vec::new();
        }
        let first = (instrument, window.start.div_euclid(24));
        let last = (instrument, (window.end - 1).div_euclid(24));
        let mut found = Vec::new();
        for ((_, number), day) in self.days.range(first..=last) {
            let wanted = (day.hours | day.settling) & bits(*number, &window);
            found.extend(
                (0..24)
                    .filter(|h| (wanted >> h) & 1 == 1)
                    .map(|h| number * 24 + h),
            );
        }
        found
    }
}
