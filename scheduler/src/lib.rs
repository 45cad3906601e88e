//! Who may have which instrument when: pure decisions over facts.
//!
//! What comes in: facts as values, among them the time. What goes out: decisions with every reason.
//! Deliberately not here: a clock, a network, a database, randomness, sentences for people. A rule
//! cannot wait, so it can be tested against millions of cases.
//!
//! Reading order: [`time`] and [`slot`] (half-open intervals in microseconds UTC), [`id`],
//! [`calendar`], [`grid`] and [`blocks`] (opening hours, starts and blocks in a zone),
//! [`recurrence`] (series), [`policy`] (rules on the tree), [`class`], [`qualification`] and
//! [`quota`] (whom and what rules speak of), [`facts`] and [`rules`] (judging a wish), [`refusal`] (why not), [`occupancy`] (claims of an instrument by lane), [`search`] (the
//! next slots that would pass), [`cells`] and [`starts`] (time as bits and steps), [`pool`] and
//! [`fleet`] (the same over many instruments, at speed), [`place`] (how far away), [`booking`] (the
//! life cycle), [`machine`], [`presence`] and [`runs`] (whether somebody came, and whose the
//! machine's time was), [`waitlist`] (who is offered a freed place), [`penalty`] (what not coming
//! costs).
//!
//! **Invariants.** A [`slot::Slot`] is never empty or reversed. Claims of one lane never overlap.
//! At no instant do more claims run than the capacity, unless it was lowered after they came.
//! What [`occupancy::Occupancy::free`] shows, [`occupancy::Occupancy::place`] can place.
//! [`rules::judge`] reports all refusals, not the first. A slot that [`search::next_free`] offers
//! is accepted by [`rules::judge`] and free in the index it was given, and there is no earlier one.
//! Bits are an accelerator only: [`pool`] and [`fleet`] answer as if they read every claim.
//! Every function is total: no time, however far, makes one fail or take long.

pub mod blocks;
pub mod booking;
pub mod calendar;
pub mod cells;
pub mod class;
pub mod facts;
#[cfg(test)]
mod fixture;
pub mod fleet;
pub mod grid;
pub mod id;
mod instant;
pub mod machine;
#[cfg(test)]
mod minutes;
pub mod occupancy;
mod peak;
pub mod penalty;
pub mod place;
pub mod policy;
pub mod pool;
pub mod presence;
pub mod qualification;
pub mod quota;
pub mod recurrence;
pub mod refusal;
pub mod rules;
pub mod runs;
pub mod search;
pub mod slot;
pub mod starts;
pub mod time;
pub mod waitlist;
mod wall;
