//! What a change of rules would do: gathers what [`replay`](super::replay) judges.

use std::collections::HashMap;
use std::sync::Arc;

use scheduler::id::{InstrumentId, MemberId};
use scheduler::time::{Micros, Span};

use super::asking::{charged, granted};
use super::ledger::Ledger;
use super::pool::PoolFacts;
use super::replay::{Booker, Change, Replayed, Simulated, replay};
use crate::registry::{Directory, Instrument, RuleSet, Scope};

/// Most bookings that are judged; the latest ones.
const JUDGED_MAX: usize = 20_000;
/// Most bookings that only count for others; the latest ones.
const COUNTED_MAX: usize = 100_000;

/// What a change of rules would do.
#[derive(Debug, Clone, Default)]
pub struct Simulation {
    /// What the replay found.
    pub simulated: Simulated,
    /// Whether there were more bookings than were judged.
    pub is_cut: bool,
}

/// Judges the bookings of the last days and those ahead, of all instruments at or below a scope, as
/// if the scope had these rules.
///
/// Takes up to a second for a region: not for a thread that serves others.
#[must_use]
pub fn simulate(
    looked_at: &PoolFacts<'_>,
    (scope, set): (Scope, &RuleSet),
    days: u32,
) -> Simulation {
    let directory = looked_at.directory;
    let mut would_be = Directory::clone(directory);
    would_be.rules.insert(scope, set.clone());
    let below = directory.instruments.values();
    let below: Vec<&Instrument> = below
        .filter(|instrument| lies_below(directory, instrument, scope))
        .collect();
    let change = |instrument: &&Instrument| {
        let change = Change {
            before: Arc::new(directory.policy_of(instrument).0),
            after: Arc::new(would_be.policy_of(instrument).0),
            zone: instrument.zone,
        };
        (instrument.id, change)
    };
    let changes: HashMap<InstrumentId, Change> = below.iter().map(change).collect();
    let since = looked_at.now.saturating_sub(Span::days(days));
    let (bookings, is_cut) = gather(looked_at, &below, since);
    let bookers = bookers(directory, looked_at.ledger, &bookings);
    Simulation {
        simulated: replay(&changes, &bookers, bookings),
        is_cut,
    }
}

fn lies_below(directory: &Directory, instrument: &Instrument, scope: Scope) -> bool {
    match scope {
        Scope::Instrument(id) => instrument.id == id,
        Scope::Node(node) => {
            let mut above = directory.ancestors(instrument.lab);
            above.any(|above| above.id == node)
        }
    }
}

/// Returns the bookings that are judged and those that count for them, and whether some were left
/// out.
fn gather(
    looked_at: &PoolFacts<'_>,
    below: &[&Instrument],
    since: Micros,
) -> (Vec<Replayed>, bool) {
    let (mut judged, mut counted) = (Vec::new(), Vec::new());
    for instrument in below {
        for booking in looked_at.shelf.bookings_at(instrument.id) {
            let is_judged = booking.status.claims() && booking.slot.start() >= since;
            let replayed = Replayed {
                class: looked_at.directory.class_of(booking.member, instrument),
                is_judged,
                booking,
            };
            let side = if is_judged { &mut judged } else { &mut counted };
            side.push(replayed);
        }
    }
    let is_cut = judged.len() > JUDGED_MAX;
    keep_latest(&mut judged, JUDGED_MAX);
    keep_latest(&mut counted, COUNTED_MAX);
    judged.append(&mut counted);
    (judged, is_cut)
}

fn keep_latest(bookings: &mut Vec<Replayed>, count: usize) {
    if bookings.len() > count {
        bookings.sort_unstable_by_key(|one| std::cmp::Reverse(one.booking.slot.start()));
        bookings.truncate(count);
    }
}

fn bookers(
    directory: &Directory,
    ledger: &Ledger,
    bookings: &[Replayed],
) -> HashMap<MemberId, Booker> {
    let member = |one: &Replayed| one.booking.member;
    let mut bookers: HashMap<MemberId, Booker> = HashMap::new();
    for member in bookings.iter().map(member) {
        bookers.entry(member).or_insert_with(|| Booker {
            subjects: directory.subjects_of(member),
            ..Booker::default()
        });
    }
    for held in ledger.qualifications.iter() {
        if let Some(booker) = bookers.get_mut(&held.member) {
            booker.qualifications.extend(granted(held));
        }
    }
    for given in ledger.penalties.iter().filter(|given| !given.lifted) {
        if let Some(booker) = bookers.get_mut(&given.member) {
            booker.points.push(charged(given));
        }
    }
    bookers
}
