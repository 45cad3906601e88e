//! The pool against a plain search over every minute of every instrument.

use proptest::prelude::*;

use super::*;
use crate::fixture;
use crate::minutes::{self, Story, TOLD, Told, holds, room_minutes, story, told};
use crate::search::next_free;

mod limits;

/// One candidate of a test.
#[derive(Debug, Clone)]
struct Entry {
    told: Told,
    /// Minutes in which no slot may begin, with whether one that begins later may.
    refuses: Option<(i64, i64, bool)>,
    distance_m: Option<u32>,
    used: u32,
    barred: bool,
    knows_starts: bool,
}

fn entry() -> impl Strategy<Value = Entry> {
    let refuses = prop::option::of((0i64..TOLD, 1i64..600, prop::bool::weighted(0.8)));
    let distance = prop::option::weighted(0.8, 0u32..3);
    let weighted = prop::bool::weighted;
    (
        told(),
        refuses,
        distance,
        0u32..2,
        weighted(0.1),
        weighted(0.8),
    )
        .prop_map(
            |(told, refuses, distance_m, used, barred, knows_starts)| Entry {
                told,
                refuses: refuses.map(|(from, len, later)| (from, from + len, later)),
                distance_m,
                used,
                barred,
                knows_starts,
            },
        )
}

/// A question in minutes.
#[derive(Debug, Clone)]
struct Wanted {
    from: i64,
    to: i64,
    length: i64,
    reach_m: Option<u32>,
    limit: usize,
    per_instrument: usize,
    every_reason: bool,
    /// What the window has beyond its minutes at both ends.
    more_us: i64,
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let length = prop_oneof![1i64..300, (1i64..20).prop_map(|cells| cells * 15)];
    let window = (0i64..TOLD - 1, 1i64..TOLD);
    let limits = (0usize..6, 1usize..4);
    (
        window,
        length,
        prop::option::weighted(0.3, 0u32..3),
        limits,
        any::<bool>(),
        0i64..2,
    )
        .prop_map(
            |((from, len), length, reach_m, (limit, per_instrument), every_reason, more_us)| {
                Wanted {
                    from,
                    to: (from + len).min(TOLD),
                    length,
                    reach_m,
                    limit,
                    per_instrument,
                    every_reason,
                    more_us,
                }
            },
        )
}

impl Wanted {
    fn asked(&self, story: &Story) -> Asked {
        let from = Micros::new(story.at(self.from).get() - self.more_us);
        let to = Micros::new(story.at(self.to).get() + self.more_us);
        Asked {
            window: Slot::new(from, to).unwrap(),
            length: minutes::minutes(self.length),
            reach_m: self.reach_m,
            limit: self.limit,
            per_instrument: self.per_instrument,
            every_reason: self.every_reason,
        }
    }
}

struct World {
    story: Story,
    entries: Vec<Entry>,
    occupancies: Vec<Occupancy>,
    open: Vec<Cells>,
}

impl World {
    fn new(story: Story, entries: Vec<Entry>) -> Self {
        let told = |entry: &Entry| entry.told.occupancy(&story);
        let open = |entry: &Entry| story.open_cells(entry.told.open_from);
        Self {
            occupancies: entries.iter().map(told).collect(),
            open: entries.iter().map(open).collect(),
            entries,
            story,
        }
    }

    fn candidates(&self, wanted: &Wanted) -> Vec<Candidate<'_>> {
        let Asked { window, length, .. } = wanted.asked(&self.story);
        let Story {
            zone, ref grids, ..
        } = self.story;
        let starts = Starts::within(zone, grids, window, length);
        let entries = (1..)
            .zip(&self.entries)
            .zip(&self.occupancies)
            .zip(&self.open);
        let candidate = |(((number, entry), occupancy), open)| {
            let entry: &Entry = entry;
            Candidate {
                instrument: InstrumentId::new(number),
                occupancy,
                open,
                starts: starts.filter(|_| entry.knows_starts),
                may_be_longer: entry.knows_starts,
                distance_m: entry.distance_m,
                used: Span::minutes(entry.used),
            }
        };
        entries.map(candidate).collect()
    }

    fn entry(&self, candidate: &Candidate<'_>) -> &Entry {
        &self.entries[usize::try_from(candidate.instrument.get()).unwrap() - 1]
    }

    /// The plain answer.
    fn plain(&self, wanted: &Wanted) -> Found<i64> {
        let aligned = self.story.aligned_minutes();
        let open = self.story.open_minutes();
        let mut ranked = Vec::new();
        let mut excluded = Vec::new();
        for candidate in self.candidates(wanted) {
            let room = room_minutes(&self.story, &open, candidate.occupancy);
            match self.plain_one(wanted, &candidate, &aligned, &room) {
                Ok(slots) => ranked.extend(slots.into_iter().map(|slot| {
                    let away = candidate.distance_m.unwrap_or(u32::MAX);
                    let offer = Offer {
                        instrument: candidate.instrument,
                        slot,
                        distance_m: candidate.distance_m,
                        used: candidate.used,
                    };
                    (
                        (slot.start(), away, candidate.used, candidate.instrument),
                        offer,
                    )
                })),
                Err(why) => excluded.push((candidate.instrument, why)),
            }
        }
        if ranked.len() >= wanted.limit && !wanted.every_reason {
            excluded
                .retain(|(_, why)| matches!(why, Exclusion::NotPermitted | Exclusion::OutOfReach));
        }
        ranked.sort_unstable_by_key(|(rank, _)| *rank);
        let offers: Vec<Offer> = ranked
            .into_iter()
            .map(|(_, offer)| offer)
            .take(wanted.limit)
            .collect();
        let offering: std::collections::BTreeSet<_> =
            offers.iter().map(|offer| offer.instrument).collect();
        let later = self.entries.len() - offering.len() - excluded.len();
        Found {
            offers,
            excluded,
            later,
        }
    }

    fn plain_one(
        &self,
        wanted: &Wanted,
        candidate: &Candidate<'_>,
        aligned: &[bool],
        room: &[bool],
    ) -> Result<Vec<Slot>, Exclusion<i64>> {
        if self.entry(candidate).barred {
            return Err(Exclusion::NotPermitted);
        }
        let away = candidate.distance_m.unwrap_or(u32::MAX);
        if wanted.reach_m.is_some_and(|reach| away > reach) {
            return Err(Exclusion::OutOfReach);
        }
        let (mut slots, mut first) = (Vec::new(), None);
        let mut from = wanted.from;
        while let Some(begin) = (from..=wanted.to - wanted.length).find(|begin| {
            let end = begin + wanted.length;
            holds(aligned, *begin, begin + 1)
                && holds(aligned, end, end + 1)
                && holds(room, *begin, end)
        }) {
            let slot = self.story.slot(begin, begin + wanted.length);
            match self.admit(candidate, slot) {
                Ok(()) => {
                    slots.push(slot);
                    from = begin + wanted.length;
                }
                Err(refused) => {
                    first = first.or(Some(refused.reason));
                    from = begin + 1;
                }
            }
            if slots.len() == wanted.per_instrument {
                break;
            }
        }
        let why = first.map_or(Exclusion::NoRoom, Exclusion::Rules);
        if slots.is_empty() {
            Err(why)
        } else {
            Ok(slots)
        }
    }
}

impl Admission for World {
    /// The minute of the slot that was refused first.
    type Reason = i64;

    fn barred(&self, candidate: &Candidate<'_>) -> Option<Exclusion<i64>> {
        self.entry(candidate)
            .barred
            .then_some(Exclusion::NotPermitted)
    }

    fn exact(&self, candidate: &Candidate<'_>, window: Slot, length: Span) -> Option<Slot> {
        let policy = self.story.policy();
        let reach = (window.start(), window.end());
        let wish = fixture::World {
            now: window.start(),
            zone: self.story.zone,
            ..fixture::World::wanting(window)
        };
        let found = next_free(
            candidate.occupancy,
            &policy,
            &wish.facts(),
            reach,
            length,
            1,
        );
        found.first().copied()
    }

    fn admit(&self, candidate: &Candidate<'_>, slot: Slot) -> Result<(), Refused<i64>> {
        let begin = self.story.minute_of(slot.start());
        match self.entry(candidate).refuses {
            Some((from, to, later)) if begin >= from && (!later || begin < to) => Err(Refused {
                reason: begin,
                retry_from: later.then(|| self.story.at(to)),
            }),
            _ => Ok(()),
        }
    }
}

fn sorted(mut found: Found<i64>) -> Found<i64> {
    found.excluded.sort_by_key(|(instrument, _)| *instrument);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn answers_are_those_of_a_plain_search(
        story in story(),
        entries in prop::collection::vec(entry(), 1..6),
        wanted in wanted(),
    ) {
        let world = World::new(story, entries);
        let found = earliest(&wanted.asked(&world.story), &world.candidates(&wanted), &world);
        prop_assert_eq!(found, world.plain(&wanted));
    }

    #[test]
    fn the_order_of_the_candidates_changes_nothing(
        story in story(),
        entries in prop::collection::vec(entry(), 1..8),
        wanted in wanted(),
        keys in prop::collection::vec(any::<u32>(), 8),
    ) {
        let world = World::new(story, entries);
        let asked = wanted.asked(&world.story);
        let mut candidates = world.candidates(&wanted);
        let found = earliest(&asked, &candidates, &world);
        candidates.sort_by_key(|candidate| keys[usize::try_from(candidate.instrument.get()).unwrap() % 8]);
        let other = earliest(&asked, &candidates, &world);
        prop_assert_eq!(sorted(found), sorted(other));
    }

    /// Where clocks never change, everything k weeks later gives the same answer k weeks later.
    #[test]
    fn weeks_later_everything_is_the_same(
        story in story(),
        entries in prop::collection::vec(entry(), 1..5),
        wanted in wanted(),
        weeks in -20i64..20,
    ) {
        let shift_min = weeks * 7 * 24 * 60;
        let story = Story { zone: chrono_tz::Tz::Asia__Shanghai, ..story };
        let then = Story { begin_min: story.begin_min + shift_min, ..story.clone() };
        let (world, then) = (World::new(story, entries.clone()), World::new(then, entries));
        let ask = |world: &World| {
            earliest(&wanted.asked(&world.story), &world.candidates(&wanted), world)
        };
        let (mut now, then) = (ask(&world), ask(&then));
        let later = |at: Micros| Micros::new(at.get() + shift_min * crate::time::MINUTE_US);
        for offer in &mut now.offers {
            offer.slot = Slot::new(later(offer.slot.start()), later(offer.slot.end())).unwrap();
        }
        prop_assert_eq!(now, then);
    }
}
