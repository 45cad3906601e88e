//! The life cycle of a booking: one function for each transition.
//!
//! ```text
//!             approve                check_in, mark_used               finish
//! pending ---------------> confirmed -------------------> in_use ----------------> completed
//!   | |                     |  |  |                         ^  mark_used, if over    ^  ^
//!   | | decline             |  |  | mark_unverified         |  +---------------------+  |
//!   | +-------> declined    |  |  +-----------------> unverified                        |
//!   | expire                |  |                            ^ clear (appeal)            |
//!   +---------> expired     |  | mark_no_show               |           clear (machine) |
//!                           |  +----------------------> no_show ------------------------+
//!                           | cancel (pending and unverified too)
//!                           +---------> cancelled (restore leads back, within the undo time)
//! ```
//!
//! `change` and `transfer` keep the state. What the machine's silence did can be undone (`clear`);
//! nothing leads from `unverified` to `no_show`, so that later data never creates one.

use crate::presence::deadline;
use crate::slot::Slot;
use crate::time::{Micros, Span};

/// Where a booking is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It claims its slot and waits for an approval.
    Pending,
    /// It claims its slot.
    Confirmed,
    /// The member has checked in, or the machine has run in it.
    InUse,
    /// Used and finished. It claims the slot up to where that was released.
    Completed,
    /// The machine stood still, in good readings, until the grace time was over.
    NoShow,
    /// Whether it was used is not known; nobody is punished for it.
    Unverified,
    /// Given up; it claims nothing.
    Cancelled,
    /// Not approved; it claims nothing.
    Declined,
    /// Not approved in time; it claims nothing.
    Expired,
}

/// A transition that is not allowed from where the booking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongState {
    /// Its state does not lead there.
    Is(Status),
    /// Its slot is over.
    IsOver,
    /// Its slot or its use has begun, and what was asked would change the begin.
    HasBegun,
    /// The moment for this has not come yet.
    TooEarly,
    /// It has begun and would end before now.
    EndsTooSoon,
}

/// What shows that a no-show was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// Readings that came later: the machine had run.
    Machine,
    /// An appeal that was granted: nobody is punished, whether it was used stays unknown.
    Appeal,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Confirmed,
        Self::InUse,
        Self::Completed,
        Self::NoShow,
        Self::Unverified,
        Self::Cancelled,
        Self::Declined,
        Self::Expired,
    ];

    /// Returns the stable text used in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::InUse => "in_use",
            Self::Completed => "completed",
            Self::NoShow => "no_show",
            Self::Unverified => "unverified",
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
            Self::Expired => "expired",
        }
    }

    /// Parses the stable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Returns true if a claim stands for it: its slot, up to where the rest was released
    /// ([`claimed`](Self::claimed)). A claim of the past stands in nobody's way and shows in
    /// calendars who was there.
    #[must_use]
    pub fn claims(self) -> bool {
        match self {
            Self::Pending
            | Self::Confirmed
            | Self::InUse
            | Self::Completed
            | Self::NoShow
            | Self::Unverified => true,
            Self::Cancelled | Self::Declined | Self::Expired => false,
        }
    }

    /// Returns true while it may still be used: what counts against limits of open bookings, if
    /// its slot is not over.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            Self::Pending | Self::Confirmed | Self::InUse | Self::Unverified => true,
            Self::Completed | Self::NoShow | Self::Cancelled | Self::Declined | Self::Expired => {
                false
            }
        }
    }

    /// Returns true if its slot counts as booked time: it was confirmed and not given up.
    #[must_use]
    pub fn is_booked(self) -> bool {
        self.claims() && self != Self::Pending
    }

    /// Returns the part of its slot that it claims, when the rest was released at a moment.
    #[must_use]
    pub fn claimed(self, slot: Slot, released_at: Option<Micros>) -> Option<Slot> {
        let end = released_at.map_or(slot.end(), |released| released.min(slot.end()));
        Slot::new(slot.start(), end).filter(|_| self.claims())
    }

    /// Approves it. It must be approved before it begins and before the deadline, if there is one.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it does not wait for an approval, or no longer.
    pub fn approve(
        self,
        slot: Slot,
        approve_by: Option<Micros>,
        now: Micros,
    ) -> Result<Self, WrongState> {
        self.must_be(&[Self::Pending])?;
        if expires_at(slot, approve_by) <= now {
            return Err(WrongState::IsOver);
        }
        Ok(Self::Confirmed)
    }

    /// Declines it. It may come late: then it only says why.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it does not wait for an approval.
    pub fn decline(self) -> Result<Self, WrongState> {
        self.must_be(&[Self::Pending])?;
        Ok(Self::Declined)
    }

    /// Lets it go when nobody approved it in time.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it does not wait for an approval, or still may get one.
    pub fn expire(
        self,
        slot: Slot,
        approve_by: Option<Micros>,
        now: Micros,
    ) -> Result<Self, WrongState> {
        self.must_be(&[Self::Pending])?;
        if now < expires_at(slot, approve_by) {
            return Err(WrongState::TooEarly);
        }
        Ok(Self::Expired)
    }

    /// Checks in, from the lead time before the slot until its end.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it is too early, over, or cannot be used.
    pub fn check_in(self, slot: Slot, lead: Span, now: Micros) -> Result<Self, WrongState> {
        self.must_be(&[Self::Confirmed, Self::Unverified])?;
        if slot.end() <= now {
            Err(WrongState::IsOver)
        } else if now < slot.start().saturating_sub(lead) {
            Err(WrongState::TooEarly)
        } else {
            Ok(Self::InUse)
        }
    }

    /// Takes the machine's word that it is used, or was, when that is learned after its end.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it cannot be used. A no-show is [cleared](Self::clear) instead.
    pub fn mark_used(self, slot: Slot, now: Micros) -> Result<Self, WrongState> {
        self.must_be(&[Self::Confirmed, Self::Unverified])?;
        if slot.end() <= now {
            Ok(Self::Completed)
        } else {
            Ok(Self::InUse)
        }
    }

    /// Ends the use: the member checked out, the machine stopped for its dwell, or the slot is over.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it is not in use.
    pub fn finish(self) -> Result<Self, WrongState> {
        self.must_be(&[Self::InUse])?;
        Ok(Self::Completed)
    }

    /// Marks that nobody came, from the end of the grace time on.
    ///
    /// # Errors
    /// Returns [`WrongState`] when the grace time still runs or the booking is not just confirmed.
    pub fn mark_no_show(self, slot: Slot, grace: Span, now: Micros) -> Result<Self, WrongState> {
        self.judged(slot, grace, now, Self::NoShow)
    }

    /// Marks that it is not known whether somebody came, from the end of the grace time on.
    ///
    /// # Errors
    /// Returns [`WrongState`] when the grace time still runs or the booking is not just confirmed.
    pub fn mark_unverified(self, slot: Slot, grace: Span, now: Micros) -> Result<Self, WrongState> {
        self.judged(slot, grace, now, Self::Unverified)
    }

    fn judged(self, slot: Slot, grace: Span, now: Micros, to: Self) -> Result<Self, WrongState> {
        self.must_be(&[Self::Confirmed])?;
        if now < deadline(slot, grace) {
            return Err(WrongState::TooEarly);
        }
        Ok(to)
    }

    /// Clears a no-show. What was released stays released.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it is no no-show.
    pub fn clear(self, by: Cleared) -> Result<Self, WrongState> {
        self.must_be(&[Self::NoShow])?;
        Ok(match by {
            Cleared::Machine => Self::Completed,
            Cleared::Appeal => Self::Unverified,
        })
    }

    /// Gives the booking up. One that has begun may be given up for its rest; one in use is
    /// finished instead.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it is over, in use, or claims nothing any more.
    pub fn cancel(self, slot: Slot, now: Micros) -> Result<Self, WrongState> {
        self.must_be(&[Self::Pending, Self::Confirmed, Self::Unverified])?;
        if slot.end() <= now {
            return Err(WrongState::IsOver);
        }
        Ok(Self::Cancelled)
    }

    /// Takes a cancellation back before the undo time is over: the booking is again what it was.
    /// One that waited for an approval must still be able to get it.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it is not cancelled or never was what could be, when the undo
    /// time or the slot is over.
    pub fn restore(
        self,
        was: Self,
        slot: Slot,
        until: Micros,
        now: Micros,
    ) -> Result<Self, WrongState> {
        self.must_be(&[Self::Cancelled])?;
        was.must_be(&[Self::Pending, Self::Confirmed, Self::Unverified])?;
        let is_too_late_to_approve = was == Self::Pending && slot.start() <= now;
        if until <= now || slot.end() <= now || is_too_late_to_approve {
            return Err(WrongState::IsOver);
        }
        Ok(was)
    }

    /// Checks that the slot may become `wanted`. Once it has begun, or is in use, its begin stays
    /// and its end may not lie before now.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it is over, claims nothing any more, or has begun and would
    /// begin elsewhere or be over.
    pub fn change(self, slot: Slot, wanted: Slot, now: Micros) -> Result<Self, WrongState> {
        self.must_be(&[
            Self::Pending,
            Self::Confirmed,
            Self::InUse,
            Self::Unverified,
        ])?;
        let has_begun = slot.start() <= now || self == Self::InUse;
        if slot.end() <= now {
            Err(WrongState::IsOver)
        } else if has_begun && slot.start() != wanted.start() {
            Err(WrongState::HasBegun)
        } else if has_begun && wanted.end() <= now {
            Err(WrongState::EndsTooSoon)
        } else {
            Ok(self)
        }
    }

    /// Checks that another member may take it over: before it begins, so that it is never unclear
    /// who was there.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it has begun, is over, or claims nothing any more.
    pub fn transfer(self, slot: Slot, now: Micros) -> Result<Self, WrongState> {
        self.must_be(&[Self::Pending, Self::Confirmed])?;
        if slot.end() <= now {
            Err(WrongState::IsOver)
        } else if slot.start() <= now {
            Err(WrongState::HasBegun)
        } else {
            Ok(self)
        }
    }

    fn must_be(self, states: &[Self]) -> Result<(), WrongState> {
        if states.contains(&self) {
            Ok(())
        } else {
            Err(WrongState::Is(self))
        }
    }
}

/// Returns when a booking that nobody approved is let go: at its deadline, at the latest when it
/// begins.
#[must_use]
pub fn expires_at(slot: Slot, approve_by: Option<Micros>) -> Micros {
    approve_by.map_or(slot.start(), |by| by.min(slot.start()))
}

#[cfg(test)]
mod tests;
