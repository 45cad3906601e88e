//! What not coming and cancelling late cost: points within a window of time, and appeals.

use crate::slot::Slot;
use crate::time::{MINUTE_US, Micros, Span};

/// How long after booking it costs nothing to think again.
pub const REGRET: Span = Span::minutes(5);

/// A cancellation to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancellation {
    /// When.
    pub at: Micros,
    /// The slot given up.
    pub slot: Slot,
    /// When it was booked.
    pub created_at: Micros,
    /// True if the instrument's side is the reason: an outage claims it or puts it at risk.
    pub is_exempt: bool,
}

/// Points a member got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Penalty {
    /// When.
    pub at: Micros,
    /// How many.
    pub points: u32,
    /// True if cleared by later readings or an appeal: it counts nothing.
    pub is_cleared: bool,
}

/// Where an appeal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Appeal {
    /// Nobody has decided yet.
    Open,
    /// The penalty is cleared.
    Granted,
    /// The penalty stands.
    Rejected,
}

/// The appeal was decided before, in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided(pub Appeal);

/// Returns true if a booking is given up with less notice than the minutes asked for. Never within
/// [`REGRET`] of booking it, unless its slot has begun, and never for the instrument's own reasons.
#[must_use]
pub fn late_cancel(cancellation: &Cancellation, minutes: u32) -> bool {
    let &Cancellation {
        at,
        slot,
        created_at,
        is_exempt,
    } = cancellation;
    let notice_us = i64::from(minutes).saturating_mul(MINUTE_US);
    let regrets = at < slot.start() && at - created_at <= REGRET.get();
    !is_exempt && !regrets && slot.start() - at < notice_us
}

/// Returns the points that count at a moment: those not cleared, not older than the window.
#[must_use]
pub fn points_in_window(penalties: &[Penalty], window: Span, now: Micros) -> u32 {
    let counted = counted(penalties, window, now);
    counted.fold(0, |sum, penalty| sum.saturating_add(penalty.points))
}

/// Returns when the points first fall below a limit, if none come on top: now, if they are below
/// it already. Nothing ever is below 0, so a limit of 0 gives nothing.
#[must_use]
pub fn below_at(penalties: &[Penalty], window: Span, limit: u32, now: Micros) -> Option<Micros> {
    let mut counted: Vec<&Penalty> = counted(penalties, window, now).collect();
    counted.sort_unstable_by_key(|penalty| std::cmp::Reverse(penalty.at));
    // The youngest stay longest: the first that no longer fits under the limit must end.
    let mut sum = 0_u32;
    for penalty in counted {
        sum = sum.saturating_add(penalty.points);
        if sum >= limit {
            return (limit > 0).then(|| penalty.at.saturating_add(window));
        }
    }
    (limit > 0).then_some(now)
}

/// A penalty counts from its moment until a window later.
fn counted(penalties: &[Penalty], window: Span, now: Micros) -> impl Iterator<Item = &Penalty> {
    penalties.iter().filter(move |penalty| {
        !penalty.is_cleared && penalty.at <= now && now < penalty.at.saturating_add(window)
    })
}

/// Returns true while a penalty may be appealed.
#[must_use]
pub fn may_appeal(penalty: &Penalty, within: Span, now: Micros) -> bool {
    !penalty.is_cleared && now <= penalty.at.saturating_add(within)
}

impl Appeal {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Granted, Self::Rejected];

    /// Returns the stable text used in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Granted => "granted",
            Self::Rejected => "rejected",
        }
    }

    /// Parses the stable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|appeal| appeal.as_str() == text)
    }

    /// Grants it: the penalty is to be cleared.
    ///
    /// # Errors
    /// Returns [`Decided`] when somebody decided it before.
    pub fn grant(self) -> Result<Self, Decided> {
        self.decided(Self::Granted)
    }

    /// Rejects it.
    ///
    /// # Errors
    /// Returns [`Decided`] when somebody decided it before.
    pub fn reject(self) -> Result<Self, Decided> {
        self.decided(Self::Rejected)
    }

    fn decided(self, to: Self) -> Result<Self, Decided> {
        match self {
            Self::Open => Ok(to),
            Self::Granted | Self::Rejected => Err(Decided(self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = MINUTE_US;

    fn at(minutes: i64) -> Micros {
        Micros::new(minutes * MINUTE)
    }

    /// A cancellation of `[600, 660)` min, booked at 0.
    fn given_up(minute: i64) -> Cancellation {
        Cancellation {
            at: at(minute),
            slot: Slot::new(at(600), at(660)).unwrap(),
            created_at: at(0),
            is_exempt: false,
        }
    }

    #[test]
    fn late_is_less_notice_than_asked_for() {
        assert!(!late_cancel(&given_up(480), 120));
        assert!(late_cancel(&given_up(481), 120));
        assert!(late_cancel(&given_up(610), 120));
        assert!(late_cancel(&given_up(610), 0), "its slot has begun");
        assert!(!late_cancel(&given_up(600), 0));
        let exempt = Cancellation {
            is_exempt: true,
            ..given_up(599)
        };
        assert!(!late_cancel(&exempt, 120));
    }

    #[test]
    fn one_may_think_again_just_after_booking() {
        let booked = |created, cancelled| Cancellation {
            created_at: at(created),
            ..given_up(cancelled)
        };
        assert!(!late_cancel(&booked(590, 595), 120));
        assert!(late_cancel(&booked(590, 596), 120));
        assert!(late_cancel(&booked(598, 601), 120), "its slot has begun");
    }

    #[test]
    fn appeals_are_decided_once() {
        assert_eq!(Appeal::Open.grant(), Ok(Appeal::Granted));
        assert_eq!(Appeal::Open.reject(), Ok(Appeal::Rejected));
        for decided in [Appeal::Granted, Appeal::Rejected] {
            assert_eq!(decided.grant(), Err(Decided(decided)));
            assert_eq!(decided.reject(), Err(Decided(decided)));
        }
        for appeal in Appeal::ALL {
            assert_eq!(Appeal::parse(appeal.as_str()), Some(appeal));
        }
    }

    #[test]
    fn an_appeal_has_its_time() {
        let penalty = Penalty {
            at: at(10),
            points: 1,
            is_cleared: false,
        };
        let week = Span::days(7);
        assert!(may_appeal(&penalty, week, at(10) + week));
        assert!(!may_appeal(&penalty, week, at(11) + week));
        let cleared = Penalty {
            is_cleared: true,
            ..penalty
        };
        assert!(!may_appeal(&cleared, week, at(10)));
    }

    proptest! {
        /// Against asking every minute.
        #[test]
        fn points_fall_below_a_limit_when_they_first_do(
            got in prop::collection::vec((0i64..40, 0u32..4, prop::bool::weighted(0.2)), 0..8),
            window in 1u32..30, limit in 0u32..6, now in 0i64..40,
        ) {
            let penalties: Vec<Penalty> = got
                .iter()
                .map(|&(minute, points, is_cleared)| Penalty { at: at(minute), points, is_cleared })
                .collect();
            let window_us = Span::minutes(window);
            let sum = |minute: i64, known: i64| -> u32 {
                let counts = |&&(got, _, cleared): &&(i64, u32, bool)| {
                    !cleared && got <= known && (got..got + i64::from(window)).contains(&minute)
                };
                got.iter().filter(counts).map(|&(_, points, _)| points).sum()
            };
            prop_assert_eq!(points_in_window(&penalties, window_us, at(now)), sum(now, now));
            let past: Vec<Penalty> =
                penalties.iter().filter(|penalty| penalty.at <= at(now)).copied().collect();
            let first = (now..200).find(|&minute| sum(minute, now) < limit);
            prop_assert_eq!(below_at(&past, window_us, limit, at(now)), first.map(at));
            prop_assert_eq!(below_at(&penalties, window_us, limit, at(now)), first.map(at));
        }

        #[test]
        fn no_time_is_too_far(
            when in any::<i64>(), start in any::<i64>(), minutes in any::<u32>(), days in any::<u32>(),
        ) {
            let slot = Slot::new(Micros::new(start), Micros::new(start.saturating_add(1)));
            let (when, window) = (Micros::new(when), Span::days(days));
            if let Some(slot) = slot {
                let given_up = Cancellation { at: when, slot, created_at: when, is_exempt: false };
                prop_assert!(minutes > 0 || when <= slot.start() || late_cancel(&given_up, minutes));
            }
            let penalty = Penalty { at: when, points: u32::MAX, is_cleared: false };
            let below = below_at(&[penalty, penalty], window, 1, when);
            prop_assert_eq!(below, Some(when.saturating_add(window)));
        }
    }
}
