//! Instruments told minute by minute: the plain answer that searches over bits are held against.

use chrono_tz::Tz;
use proptest::prelude::*;

use crate::calendar::{DayHours, Opening, Weekly, is_open, open_intervals};
use crate::cells::Cells;
use crate::class::CallerClass;
use crate::fixture::{general, layer};
use crate::grid::is_aligned;
use crate::id::{BookingId, ClaimId};
use crate::occupancy::{Claim, Holder, Occupancy};
use crate::policy::{Level, Mode, Policy, RuleBody};
use crate::slot::Slot;
use crate::time::{MINUTE_US, Micros, Span};

/// Minutes that are told, from [`Story::begin`] on.
pub(crate) const TOLD: i64 = 36 * 60;

/// 2026-03-28T12:00:00Z: in Berlin clocks go forward the next night.
const SPRING_MIN: i64 = 29_578_320;
/// 2026-10-24T12:00:00Z: in Berlin clocks go back the next night.
const AUTUMN_MIN: i64 = 29_880_720;

/// What instruments have in common.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) zone: Tz,
    /// The first minute told.
    pub(crate) begin_min: i64,
    pub(crate) opens: Option<(u16, u16)>,
    pub(crate) grids: Vec<u32>,
}

pub(crate) fn story() -> impl Strategy<Value = Story> {
    let places = prop::sample::select(vec![
        (Tz::Asia__Shanghai, SPRING_MIN),
        (Tz::Asia__Shanghai, AUTUMN_MIN),
        (Tz::Europe__Berlin, SPRING_MIN),
        (Tz::Europe__Berlin, AUTUMN_MIN),
        (Tz::Asia__Kathmandu, SPRING_MIN),
    ]);
    let opens = prop::sample::select(vec![
        None,
        Some((480, 1320)),
        Some((485, 1315)),
        Some((0, 1440)),
        Some((90, 210)),
    ]);
    let grids = prop::sample::select(vec![
        vec![],
        vec![5u32],
        vec![15],
        vec![20, 30],
        vec![60],
        vec![25],
    ]);
    (places, opens, grids).prop_map(|((zone, begin_min), opens, grids)| Story {
        zone,
        begin_min,
        opens,
        grids,
    })
}

impl Story {
    /// Returns the instant so many minutes after the begin.
    pub(crate) fn at(&self, minute: i64) -> Micros {
        Micros::new((self.begin_min + minute) * MINUTE_US)
    }

    pub(crate) fn slot(&self, from: i64, to: i64) -> Slot {
        Slot::new(self.at(from), self.at(to)).expect("stories run forward")
    }

    pub(crate) fn minute_of(&self, at: Micros) -> i64 {
        at.get() / MINUTE_US - self.begin_min
    }

    pub(crate) fn told(&self) -> Slot {
        self.slot(0, TOLD)
    }

    fn opening(&self) -> Option<Opening> {
        let (from, to) = self.opens?;
        let hours = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], from, to)?;
        Some(Weekly(vec![hours]).into())
    }

    pub(crate) fn policy(&self) -> Policy {
        let opening = self.opening().map(RuleBody::OpeningHours);
        let grids = self
            .grids
            .iter()
            .map(|&minutes| RuleBody::Alignment { minutes });
        let bodies = opening.into_iter().chain(grids);
        let rules = bodies.map(|body| general(Mode::Binding, body));
        Policy::resolve(&[layer(Level::Lab, rules.collect())])
    }

    /// Returns the exact hours of a window.
    pub(crate) fn hours(&self, window: Slot) -> Vec<Slot> {
        open_intervals(
            &self.policy().in_force(CallerClass::Internal).opening,
            self.zone,
            window,
        )
    }

    /// Returns the hours as bits, of all that is told or of the part from a minute on.
    pub(crate) fn open_cells(&self, from: i64) -> Cells {
        if self.opens.is_none() && from == 0 {
            return Cells::always();
        }
        let window = self.slot(from, TOLD);
        Cells::of(window, &self.hours(window))
    }

    /// Returns for each minute whether it is open.
    pub(crate) fn open_minutes(&self) -> Vec<bool> {
        let opening = self.opening();
        let is_open_at = |minute| {
            let slot = self.slot(minute, minute + 1);
            opening
                .as_ref()
                .is_none_or(|hours| is_open(hours, self.zone, slot))
        };
        (0..TOLD).map(is_open_at).collect()
    }

    /// Returns for each minute, and the one after the last, whether bookings may begin or end.
    pub(crate) fn aligned_minutes(&self) -> Vec<bool> {
        let aligned = |minute| {
            let mut grids = self.grids.iter();
            grids.all(|grid| is_aligned(self.at(minute), self.zone, *grid))
        };
        (0..=TOLD).map(aligned).collect()
    }
}

/// What one instrument went through.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) capacity: u8,
    /// Begin and length in minutes.
    pub(crate) wishes: Vec<(i64, i64)>,
    /// From which minute on its claims are indexed, if they are.
    pub(crate) indexed_from: Option<i64>,
    /// From which minute on its hours are known as bits.
    pub(crate) open_from: i64,
}

pub(crate) fn told() -> impl Strategy<Value = Told> {
    let length = prop_oneof![3 => 1i64..400, 1 => (1i64..25).prop_map(|cells| cells * 15)];
    let begin = prop_oneof![1 => 0i64..TOLD, 2 => (0i64..TOLD / 15).prop_map(|cell| cell * 15)];
    let wishes = prop::collection::vec((begin, length), 0..14);
    let indexed =
        prop_oneof![1 => Just(None), 1 => (0i64..2_000).prop_map(Some), 4 => Just(Some(-700))];
    let open_from = prop_oneof![4 => Just(0i64), 1 => 0i64..1_000];
    (1u8..4, wishes, indexed, open_from).prop_map(|(capacity, wishes, indexed_from, open_from)| {
        Told {
            capacity,
            wishes,
            indexed_from,
            open_from,
        }
    })
}

impl Told {
    /// Books what fits, with the index kept in step from the first claim on.
    pub(crate) fn occupancy(&self, story: &Story) -> Occupancy {
        let mut occupancy = Occupancy::new(self.capacity);
        if let Some(minute) = self.indexed_from {
            occupancy.index_from(story.at(minute));
        }
        for (number, &(begin, length)) in (1..).zip(&self.wishes) {
            let slot = story.slot(begin, begin + length);
            if let Ok(placement) = occupancy.place(slot) {
                occupancy.relane(&placement.moves);
                let claim = Claim {
                    id: ClaimId::new(number),
                    lane: placement.lane,
                    slot,
                    holder: Holder::Booking(BookingId::new(number)),
                };
                occupancy.insert(claim).expect("the lane was found free");
            }
        }
        occupancy
    }
}

/// Returns for each minute whether it is open and fewer claims run than the capacity.
pub(crate) fn room_minutes(story: &Story, open: &[bool], occupancy: &Occupancy) -> Vec<bool> {
    let has_room = |(minute, open): (i64, &bool)| {
        let slot = story.slot(minute, minute + 1);
        let running = occupancy.claims().filter(|claim| claim.slot.overlaps(slot));
        *open && running.count() < occupancy.capacity()
    };
    (0..).zip(open).map(has_room).collect()
}

/// Returns whether every minute of a range holds.
pub(crate) fn holds(minutes: &[bool], from: i64, to: i64) -> bool {
    let index = |minute| usize::try_from(minute).ok();
    let range = index(from).zip(index(to));
    let part = range.and_then(|(from, to)| minutes.get(from..to));
    part.is_some_and(|part| part.iter().all(|minute| *minute))
}

/// Returns a length of minutes.
pub(crate) fn minutes(count: i64) -> Span {
    Span::new(count * MINUTE_US).expect("lengths of tests are not negative")
}
