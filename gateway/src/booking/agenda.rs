//! What has to be decided when, by the desk itself or with the machine's word.

use scheduler::booking::Status;
use scheduler::id::{BookingId, HoldId, OfferId, WaitId};
use scheduler::time::Micros;

use super::record::Booking;

/// Something that has to be decided at its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// A hold ends.
    Hold(HoldId),
    /// An offer runs out.
    Offer(OfferId),
    /// The time of a wish on the waitlist is over.
    Wait(WaitId),
    /// A booking that waits for an approval gets none any more.
    Approval(BookingId),
    /// The machine's word on a booking is wanted: whether somebody came, is still there, has left.
    Presence(BookingId),
}

impl Due {
    /// Returns what a booking's [`due_at`](super::record::Booking::due_at) is about.
    #[must_use]
    pub fn of(booking: &Booking) -> Self {
        if booking.status == Status::Pending {
            Self::Approval(booking.id)
        } else {
            Self::Presence(booking.id)
        }
    }
}

/// What has to be decided when, ascending. Rebuilt from the records at the start: nothing is
/// forgotten, whatever time passes before it is looked at.
#[derive(Debug, Clone, Default)]
pub struct Agenda {
    /// What the desk decides on its own facts.
    own: imbl::OrdSet<(Micros, Due)>,
    /// What needs the machine's word first; the witness brings it.
    heard: imbl::OrdSet<(Micros, Due)>,
}

impl Agenda {
    /// Moves something from one moment to another; no moment: it is not there.
    pub fn plan(&mut self, due: Due, before: Option<Micros>, after: Option<Micros>) {
        if before == after {
            return;
        }
        let planned = match due {
            Due::Hold(_) | Due::Offer(_) | Due::Wait(_) | Due::Approval(_) => &mut self.own,
            Due::Presence(_) => &mut self.heard,
        };
        if let Some(before) = before {
            planned.remove(&(before, due));
        }
        if let Some(after) = after {
            planned.insert((after, due));
        }
    }

    /// Moves a booking from what was due about it to what is.
    pub fn follow(&mut self, before: Option<&Booking>, after: &Booking) {
        if let Some(before) = before {
            self.plan(Due::of(before), before.due_at.get(), None);
        }
        self.plan(Due::of(after), None, after.due_at.get());
    }

    /// Returns at most `count` things that the desk decides and whose moment has come, the oldest
    /// first.
    #[must_use]
    pub fn due(&self, now: Micros, count: usize) -> Vec<Due> {
        come(&self.own, now, count)
    }

    /// Returns at most `count` bookings that wait for the machine's word and whose moment has come,
    /// the oldest first.
    #[must_use]
    pub fn unheard(&self, now: Micros, count: usize) -> Vec<Due> {
        come(&self.heard, now, count)
    }
}

fn come(planned: &imbl::OrdSet<(Micros, Due)>, now: Micros, count: usize) -> Vec<Due> {
    let come = planned.iter().take_while(|(at, _)| *at <= now);
    come.take(count).map(|(_, due)| *due).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agenda_gives_what_has_come_once_it_was_moved() {
        let mut agenda = Agenda::default();
        let (one, two) = (Due::Hold(HoldId::new(1)), Due::Hold(HoldId::new(2)));
        let at = |us| Some(Micros::new(us));
        agenda.plan(one, None, at(20));
        agenda.plan(two, None, at(10));
        assert_eq!(agenda.due(Micros::new(20), 9), [two, one]);
        agenda.plan(two, at(10), at(30));
        assert_eq!(agenda.due(Micros::new(20), 9), [one]);
        agenda.plan(one, at(20), None);
        assert_eq!(agenda.due(Micros::new(29), 9), []);
    }
}
