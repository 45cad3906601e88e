//! The life cycle of a booking: one function for each transition.
//!
//! ```text
//! confirmed --cancel--> cancelled
//! ```

use crate::slot::Slot;
use crate::time::Micros;

/// Where a booking is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It claims its slot.
    Confirmed,
    /// Given up; it claims nothing.
    Cancelled,
}

/// A transition that is not allowed from where the booking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongState {
    /// It was cancelled before.
    IsCancelled,
    /// Its slot is over.
    IsOver,
    /// Its slot has begun, and what was asked would change the begin.
    HasBegun,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 2] = [Self::Confirmed, Self::Cancelled];

    /// Returns the stable text used in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Parses the stable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Returns true while it claims its slot.
    #[must_use]
    pub fn claims(self) -> bool {
        self == Self::Confirmed
    }

    /// Gives the booking up. One that has begun may be given up for its rest.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it is cancelled already or over.
    pub fn cancel(self, slot: Slot, now: Micros) -> Result<Self, WrongState> {
        match self {
            Self::Cancelled => Err(WrongState::IsCancelled),
            Self::Confirmed if slot.end() <= now => Err(WrongState::IsOver),
            Self::Confirmed => Ok(Self::Cancelled),
        }
    }

    /// Checks that the slot may become `wanted`.
    ///
    /// # Errors
    /// Returns [`WrongState`] when it is cancelled or over, or has begun and would begin elsewhere.
    pub fn change(self, slot: Slot, wanted: Slot, now: Micros) -> Result<Self, WrongState> {
        match self {
            Self::Cancelled => Err(WrongState::IsCancelled),
            Self::Confirmed if slot.end() <= now => Err(WrongState::IsOver),
            Self::Confirmed if slot.start() <= now && slot.start() != wanted.start() => {
                Err(WrongState::HasBegun)
            }
            Self::Confirmed => Ok(Self::Confirmed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(start: i64, end: i64) -> Slot {
        Slot::new(Micros::new(start), Micros::new(end)).unwrap()
    }

    #[test]
    fn every_transition_of_every_state() {
        let (held, other) = (slot(10, 20), slot(12, 22));
        let at = Micros::new;
        for (status, now, cancel, change) in [
            (
                Status::Confirmed,
                5,
                Ok(Status::Cancelled),
                Ok(Status::Confirmed),
            ),
            (
                Status::Confirmed,
                15,
                Ok(Status::Cancelled),
                Err(WrongState::HasBegun),
            ),
            (
                Status::Confirmed,
                20,
                Err(WrongState::IsOver),
                Err(WrongState::IsOver),
            ),
            (
                Status::Cancelled,
                5,
                Err(WrongState::IsCancelled),
                Err(WrongState::IsCancelled),
            ),
        ] {
            assert_eq!(status.cancel(held, at(now)), cancel);
            assert_eq!(status.change(held, other, at(now)), change);
        }
        assert_eq!(
            Status::Confirmed.change(held, slot(10, 30), at(15)),
            Ok(Status::Confirmed)
        );
    }
}
