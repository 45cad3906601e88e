//! The waitlist as readers see it: who comes when.

use std::collections::HashMap;
use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId, OfferId, WaitId};
use scheduler::slot::Slot;
use scheduler::time::{MINUTE_US, Micros, Span};
use scheduler::waitlist::{Wish, turn};

use super::ledger::Ledger;
use super::record::Wait;
use super::shelf::Shelf;

/// How far back use counts: who had the least is served first.
const SERVED_WITHIN: Span = Span::days(30);

/// The wishes that wait, in the order in which they are served.
#[derive(Debug, Default)]
pub struct Queue(Vec<Arc<Wait>>);

impl Queue {
    /// Returns the wishes that wait at a moment.
    #[must_use]
    pub fn of(ledger: &Ledger, shelf: &Shelf, now: Micros) -> Self {
        let mut served: HashMap<MemberId, u32> = HashMap::new();
        let mut waiting: Vec<_> = ledger
            .waits
            .iter()
            .filter(|wait| wait.due_at().is_some_and(|due| due > now))
            .map(|wait| {
                let minutes = served.entry(wait.member);
                let minutes = minutes.or_insert_with(|| served_minutes(shelf, wait.member, now));
                (turn(&wish_of(wait, *minutes)), Arc::clone(wait))
            })
            .collect();
        waiting.sort_unstable_by_key(|(turn, _)| *turn);
        Self(waiting.into_iter().map(|(_, wait)| wait).collect())
    }

    /// Returns a wish's place among those that want some of the same time of some of the same
    /// instruments, from 1; none if it does not wait.
    #[must_use]
    pub fn position(&self, id: WaitId) -> Option<usize> {
        let place = self.0.iter().position(|wait| wait.id == id)?;
        let (before, rest) = self.0.split_at(place);
        let own = rest.first()?;
        let rivals = before.iter().filter(|other| {
            other.within.overlaps(own.within)
                && other
                    .instruments
                    .iter()
                    .any(|instrument| own.instruments.contains(instrument))
        });
        Some(rivals.count() + 1)
    }

    /// Returns those that wait for an instrument, in their order.
    pub fn at(&self, instrument: InstrumentId) -> impl Iterator<Item = &Arc<Wait>> {
        let waits = self.0.iter();
        waits.filter(move |wait| wait.instruments.contains(&instrument))
    }
}

impl Ledger {
    /// Returns the identity of the offer that would be made next.
    pub(super) fn next_offer(&mut self) -> OfferId {
        OfferId::new(self.offers.next_id())
    }
}

/// Returns a wish as the order looks at it.
pub(super) fn wish_of(wait: &Wait, served_minutes: u32) -> Wish {
    Wish {
        id: wait.id,
        member: wait.member,
        instruments: wait.instruments.clone(),
        within: wait.within,
        length: wait.length,
        created_at: wait.created_at,
        auto_book: wait.auto_book,
        served_minutes,
    }
}

/// Returns the minutes of use that a member had lately, of all instruments.
pub(super) fn served_minutes(shelf: &Shelf, member: MemberId, now: Micros) -> u32 {
    let Some(lately) = Slot::new(now.saturating_sub(SERVED_WITHIN), now) else {
        return 0;
    };
    let bookings = shelf.bookings_of(member);
    let used = bookings
        .iter()
        .filter_map(|booking| booking.counted()?.intersect(lately))
        .fold(Span::default(), |sum, used| sum.saturating_add(used.len()));
    u32::try_from(used.get() / MINUTE_US).unwrap_or(u32::MAX)
}
