//! Time that projects have used, summed as bookings change: a rule on a project's budget asks for
//! every booking that names one.

use scheduler::id::ProjectId;
use scheduler::time::Span;

use super::record::Booking;

/// What each project's bookings take, in time. A booking counts for the part of its slot that it
/// claims: not when it was given up, declined or ran out, and only up to where the rest of it was
/// released. A copy shares what it has in common with its original.
#[derive(Debug, Clone, Default)]
pub struct ProjectUse {
    used_us: imbl::OrdMap<ProjectId, i64>,
}

impl ProjectUse {
    /// Returns the time that a project's bookings take, past and to come.
    #[must_use]
    pub fn used(&self, project: ProjectId) -> Span {
        let used_us = self.used_us.get(&project).copied().unwrap_or(0);
        Span::new(used_us.max(0)).unwrap_or_default()
    }

    /// Follows a booking from what it was to what it is.
    pub fn follow(&mut self, before: Option<&Booking>, after: &Booking) {
        let (before, after) = (before.and_then(charged), charged(after));
        if before == after {
            return;
        }
        if let Some((project, us)) = before {
            self.add(project, -us);
        }
        if let Some((project, us)) = after {
            self.add(project, us);
        }
    }

    /// Adds time, microseconds, of bookings that are not in memory.
    pub fn add(&mut self, project: ProjectId, us: i64) {
        let held = self.used_us.entry(project).or_insert(0);
        *held = held.saturating_add(us);
    }
}

/// Returns the project a booking is charged to, and the microseconds.
fn charged(booking: &Booking) -> Option<(ProjectId, i64)> {
    let project = booking.charged_to()?;
    let claimed = booking
        .status
        .claimed(booking.slot, booking.finished_at.get())?;
    Some((project, claimed.len().get()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;
    use scheduler::booking::Status;
    use scheduler::id::{BookingId, InstrumentId, MemberId, NodeId};
    use scheduler::slot::Slot;
    use scheduler::time::Micros;

    use super::super::record::{Details, Extras, Later};
    use super::*;

    type Drawn = (i64, usize, i64, i64, Option<i64>, Option<i64>);

    fn booking((id, status, start, len, finished, project): Drawn) -> Booking {
        let slot = Slot::new(Micros::new(start), Micros::new(start + len)).unwrap();
        let details = Details {
            project,
            ..Details::default()
        };
        let extras = Extras {
            details,
            ..Extras::default()
        };
        Booking {
            id: BookingId::new(id),
            instrument: InstrumentId::new(1),
            member: MemberId::new(1),
            lab: NodeId::new(1),
            slot,
            status: Status::ALL[status],
            at_risk: false,
            purpose: "".into(),
            project: None,
            extras: extras.kept(),
            created_at: Micros::new(0),
            cancelled_at: Later::NEVER,
            began_at: Later::NEVER,
            finished_at: finished.map(|at| Micros::new(start + at)).into(),
            due_at: Later::NEVER,
            policy_version: 0,
            version: 1,
        }
    }

    /// Adds up from the states' names alone.
    fn sum(held: &BTreeMap<i64, Arc<Booking>>, project: i64) -> i64 {
        let counts = |booking: &&Arc<Booking>| {
            booking.charged_to() == Some(ProjectId::new(project))
                && !["cancelled", "declined", "expired"].contains(&booking.status.as_str())
        };
        let length = |booking: &Arc<Booking>| {
            let (start, end) = (booking.slot.start().get(), booking.slot.end().get());
            let finished = booking.finished_at.get().map_or(end, Micros::get);
            (finished.min(end) - start).max(0)
        };
        held.values().filter(counts).map(length).sum()
    }

    proptest! {
        /// Whatever happens to bookings, what is followed is what adding up gives.
        #[test]
        fn what_is_followed_is_the_sum(
            steps in prop::collection::vec(
                (0i64..5, 0usize..9, 0i64..50, 1i64..20,
                    prop::option::of(-5i64..25), prop::option::of(0i64..3)),
                0..40,
            ),
        ) {
            let (mut used, mut held) = (ProjectUse::default(), BTreeMap::new());
            for step in steps {
                let after = Arc::new(booking(step));
                let before: Option<Arc<Booking>> = held.insert(step.0, Arc::clone(&after));
                used.follow(before.as_deref(), &after);
                for project in 0..3 {
                    let expected = sum(&held, project);
                    prop_assert_eq!(used.used(ProjectId::new(project)).get(), expected);
                }
            }
        }
    }
}
