//! Who may have which instrument when: pure decisions over facts.
//!
//! What comes in: facts as values, among them the time. What goes out: decisions with every reason.
//! Deliberately not here: a clock, a network, a database, randomness, sentences for people. A rule
//! cannot wait, so it can be tested against millions of cases.
//!
//! Reading order: [`time`] and [`slot`] (half-open intervals in microseconds UTC), [`id`],
//! [`calendar`] and [`grid`] (opening hours and starts in a zone), [`policy`] (rules on the tree),
//! [`class`], [`qualification`], [`quota`] (whom and what rules speak of), [`facts`] and [`rules`] (judging a wish), [`refusal`] (why not), [`occupancy`] (claims of an
//! instrument by lane), [`search`] (the next slots that would pass), [`booking`] (the life cycle).
//!
//! **Invariants.** A [`slot::Slot`] is never empty or reversed. Claims of one lane never overlap.
//! At no instant do more claims run than the capacity, unless it was lowered after they came.
//! What [`occupancy::Occupancy::free`] shows, [`occupancy::Occupancy::place`] can place.
//! [`rules::judge`] reports all refusals, not the first. A slot that [`search::next_free`] offers
//! is accepted by [`rules::judge`] and free in the index it was given, and there is no earlier one.
//! Every function is total: no time, however far, makes one fail or take long.

pub mod booking;
pub mod calendar;
pub mod class;
pub mod facts;
#[cfg(test)]
mod fixture;
pub mod grid;
pub mod id;
pub mod occupancy;
mod peak;
pub mod policy;
pub mod qualification;
pub mod quota;
pub mod refusal;
pub mod rules;
pub mod search;
pub mod slot;
pub mod time;
mod wall;
