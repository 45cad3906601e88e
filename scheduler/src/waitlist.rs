//! Who is offered a freed place: one after another, in a fair order.
//!
//! **Order.** Who was served least in the last 30 days comes first, then who asked first, then the
//! lower id, so that no two wishes are equal and the order of the list does not matter. Only one
//! offer stands for a place; when it is declined or expires, the next wish gets one.

use crate::id::{InstrumentId, MemberId, WaitId};
use crate::slot::{Slot, merged, subtracted};
use crate::time::{Micros, Span};

/// What somebody waits for. A wish for an exact slot is as long as what it lies within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The wish.
    pub id: WaitId,
    /// Who waits.
    pub member: MemberId,
    /// Any of these will do.
    pub instruments: Vec<InstrumentId>,
    /// The slot must lie within.
    pub within: Slot,
    /// How long the slot must be.
    pub length: Span,
    /// When it was made.
    pub created_at: Micros,
    /// True if an offer is to be booked at once, without asking.
    pub auto_book: bool,
    /// Minutes of use the member had in the last 30 days, of all instruments.
    pub served_minutes: u32,
}

/// Time of an instrument that became free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The instrument.
    pub instrument: InstrumentId,
    /// When it is free.
    pub slot: Slot,
}

/// Where an offer is. It begins open; each other state is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferState {
    /// It stands and claims its place.
    Open,
    /// Taken: booked.
    Taken,
    /// Declined.
    Declined,
    /// Not answered in time.
    Expired,
}

/// An offer that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// To which wish.
    pub wish: WaitId,
    /// What was offered.
    pub place: Place,
    /// Until when it may be taken.
    pub until: Micros,
    /// Where it is.
    pub state: OfferState,
}

/// What does not go with an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongOffer {
    /// It was answered, or let go, before.
    Is(OfferState),
    /// Its time is over.
    IsOver,
    /// Its time is not over yet.
    TooEarly,
}

impl OfferState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Open, Self::Taken, Self::Declined, Self::Expired];

    /// Returns the stable text used in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Declined => "declined",
            Self::Expired => "expired",
        }
    }

    /// Parses the stable text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Takes the offer.
    ///
    /// # Errors
    /// Returns [`WrongOffer`] when its time is over or it does not stand.
    pub fn take(self, until: Micros, now: Micros) -> Result<Self, WrongOffer> {
        self.must_be_open()?;
        if until <= now {
            return Err(WrongOffer::IsOver);
        }
        Ok(Self::Taken)
    }

    /// Declines the offer.
    ///
    /// # Errors
    /// Returns [`WrongOffer`] when it does not stand.
    pub fn decline(self) -> Result<Self, WrongOffer> {
        self.must_be_open()?;
        Ok(Self::Declined)
    }

    /// Lets the offer go when its time is over.
    ///
    /// # Errors
    /// Returns [`WrongOffer`] when it still has time or does not stand.
    pub fn expire(self, until: Micros, now: Micros) -> Result<Self, WrongOffer> {
        self.must_be_open()?;
        if now < until {
            return Err(WrongOffer::TooEarly);
        }
        Ok(Self::Expired)
    }

    fn must_be_open(self) -> Result<(), WrongOffer> {
        if self == Self::Open {
            Ok(())
        } else {
            Err(WrongOffer::Is(self))
        }
    }
}

/// Returns who is offered a freed place next, and which slot of it.
///
/// Nothing is offered while an open offer overlaps the place, and nothing that begins before
/// `from` (now, or later if an answer takes its time). Passed over are wishes that have an open or
/// a taken offer anywhere, and for each wish the time at this instrument that it declined or let
/// expire.
///
/// `fit` chooses the slot of a wish within a free stretch, or none if the instrument's policy
/// allows none there; [`earliest`] asks no policy. What it returns outside the stretch or of
/// another length is no slot.
#[must_use]
pub fn next_offer(
    place: Place,
    wishes: &[Wish],
    offers: &[Offer],
    from: Micros,
    fit: impl Fn(&Wish, Slot) -> Option<Slot>,
) -> Option<(WaitId, Slot)> {
    let is_open = |offer: &Offer| offer.state == OfferState::Open;
    let here = |offer: &Offer| offer.place.instrument == place.instrument;
    if offers
        .iter()
        .any(|offer| is_open(offer) && here(offer) && offer.place.slot.overlaps(place.slot))
    {
        return None;
    }
    let is_served = |wish: &Wish| {
        let mut own = offers.iter().filter(|offer| offer.wish == wish.id);
        own.any(|offer| matches!(offer.state, OfferState::Open | OfferState::Taken))
    };
    let slot_of = |wish: &Wish| {
        let refused = offers
            .iter()
            .filter(|offer| offer.wish == wish.id && here(offer));
        let refused = merged(refused.map(|offer| offer.place.slot).collect());
        let free = place.slot.intersect(wish.within)?;
        let free = Slot::new(free.start().max(from), free.end())?;
        let stretches = subtracted(&[free], &refused);
        stretches.into_iter().find_map(|stretch| {
            fit(wish, stretch).filter(|slot| stretch.covers(*slot) && slot.len() == wish.length)
        })
    };
    let mut waiting: Vec<&Wish> = wishes
        .iter()
        .filter(|wish| wish.instruments.contains(&place.instrument))
        .filter(|wish| !is_served(wish))
        .collect();
    waiting.sort_unstable_by_key(|wish| turn(wish));
    waiting
        .into_iter()
        .find_map(|wish| Some((wish.id, slot_of(wish)?)))
}

/// Returns the key of the fair order: the least comes first.
#[must_use]
pub fn turn(wish: &Wish) -> (u32, Micros, WaitId) {
    (wish.served_minutes, wish.created_at, wish.id)
}

/// Returns the earliest slot of a wish in a free stretch, if it is long enough.
#[must_use]
pub fn earliest(wish: &Wish, stretch: Slot) -> Option<Slot> {
    let slot = Slot::new(stretch.start(), stretch.start().saturating_add(wish.length))?;
    stretch.covers(slot).then_some(slot)
}

#[cfg(test)]
mod tests;
