//! What questions over the whole region cost: 5,534 instruments, open 08:00 to 22:00, half of that
//! time taken for 70 days.
//!
//! `cargo bench -p scheduler --bench pool`. Budgets in the design: earliest 2 h by index over 50
//! instruments 10 us, over all 500 us, with rules judged at most ten times that.

use std::cell::Cell;
use std::hint::black_box;

use chrono_tz::Tz;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use scheduler::calendar::{DayHours, Weekly, open_intervals};
use scheduler::cells::Cells;
use scheduler::class::{CallerClass, ClassSet};
use scheduler::facts::BookingFacts;
use scheduler::fleet::free_for;
use scheduler::id::{BookingId, ClaimId, InstrumentId, NodeId};
use scheduler::occupancy::{Claim, Holder, Occupancy};
use scheduler::policy::{Layer, Level, Mode, Policy, Rule, RuleBody, SetAt};
use scheduler::pool::{Admission, Asked, Candidate, Exclusion, Refused, earliest};
use scheduler::quota::Subjects;
use scheduler::rules::{Decision, judge};
use scheduler::search::next_free;
use scheduler::slot::Slot;
use scheduler::starts::Starts;
use scheduler::time::{DAY_US, HOUR_US, MINUTE_US, Micros, Span};

/// 2026-01-01T00:00:00+08:00.
const BEGIN: i64 = 1_767_196_800_000_000;
const DAYS: i64 = 70;
const INSTRUMENTS: u32 = 5_534;
const ZONE: Tz = Tz::Asia__Shanghai;
const GRIDS: &[u32] = &[15];

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(Micros::new(start), Micros::new(end)).expect("slots of the bench run forward")
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    /// Returns a number in `0..sides`: the high half of a linear congruential step (Knuth's MMIX
    /// constants), folded.
    fn roll(&mut self, sides: u32) -> i64 {
        let step = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = step.wrapping_add(1_442_695_040_888_963_407);
        let high = u32::try_from(self.0 >> 33).expect("31 bits are left");
        i64::from(high % sides)
    }
}

fn claim(number: i64, slot: Slot) -> Claim {
    Claim {
        id: ClaimId::new(number),
        lane: 0,
        slot,
        holder: Holder::Booking(BookingId::new(number)),
    }
}

/// Gaps and bookings take turns, seven quarter hours each on average.
fn occupancy(dice: &mut Dice) -> Occupancy {
    let mut occupancy = Occupancy::new(1);
    let mut number = 0;
    for day in 0..DAYS {
        let closes = BEGIN + day * DAY_US + 22 * HOUR_US;
        let mut at = closes - 14 * HOUR_US;
        loop {
            let start = at + dice.roll(15) * 15 * MINUTE_US;
            let end = start + (2 + dice.roll(11)) * 15 * MINUTE_US;
            if end > closes {
                break;
            }
            number += 1;
            occupancy
                .insert(claim(number, slot(start, end)))
                .expect("bookings follow each other");
            at = end;
        }
    }
    occupancy.index_from(Micros::new(BEGIN));
    occupancy
}

fn policy() -> Policy {
    let hours = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], 480, 1320).expect("hours run forward");
    let bodies = [
        RuleBody::Alignment { minutes: 15 },
        RuleBody::Longest { minutes: 840 },
        RuleBody::Horizon { days: 60 },
        RuleBody::OpeningHours(Weekly(vec![hours]).into()),
    ];
    let rules = bodies.map(|body| Rule {
        body,
        mode: Mode::Default,
        classes: ClassSet::ALL,
    });
    Policy::resolve(&[Layer {
        level: Level::Lab,
        at: SetAt::Node(NodeId::new(1)),
        zone: ZONE,
        rules: rules.to_vec(),
    }])
}

fn wish(now: Micros, slot: Slot) -> BookingFacts<'static> {
    BookingFacts::new((now, ZONE), slot, CallerClass::Region, Subjects::default())
}

/// Judges every slot by all rules, or admits every one.
struct Rules {
    policy: Policy,
    now: Cell<Micros>,
    are_judged: bool,
}

impl Admission for Rules {
    type Reason = Decision;

    fn barred(&self, _: &Candidate<'_>) -> Option<Exclusion<Decision>> {
        None
    }

    fn exact(&self, candidate: &Candidate<'_>, window: Slot, length: Span) -> Option<Slot> {
        let (held, now) = (candidate.occupancy, self.now.get());
        let window = (window.start(), window.end());
        let slot = Slot::new(window.0, window.1)?;
        let facts = wish(now, slot);
        let found = next_free(held, &self.policy, &facts, window, length, 1);
        found.first().copied()
    }

    fn admit(&self, _: &Candidate<'_>, slot: Slot) -> Result<(), Refused<Decision>> {
        if !self.are_judged {
            return Ok(());
        }
        match judge(&self.policy, &wish(self.now.get(), slot)) {
            Decision::Accept(_) => Ok(()),
            reason @ Decision::Refuse(_) => Err(Refused {
                reason,
                retry_from: Some(slot.end()),
            }),
        }
    }
}

struct Region {
    occupancies: Vec<Occupancy>,
    open: Cells,
}

impl Region {
    fn new() -> Self {
        let mut dice = Dice(5_534);
        let all = slot(BEGIN, BEGIN + DAYS * DAY_US);
        let hours = open_intervals(&policy().in_force(CallerClass::Region).opening, ZONE, all);
        Self {
            occupancies: (0..INSTRUMENTS).map(|_| occupancy(&mut dice)).collect(),
            open: Cells::of(all, &hours),
        }
    }

    fn candidates(&self, length: Span) -> Vec<Candidate<'_>> {
        let all = slot(BEGIN, BEGIN + DAYS * DAY_US);
        let starts = Starts::within(ZONE, GRIDS, all, length);
        let numbered = (1..).zip(&self.occupancies);
        let candidate = |(number, occupancy)| Candidate {
            instrument: InstrumentId::new(number),
            occupancy,
            open: &self.open,
            starts,
            may_be_longer: false,
            distance_m: Some(number * 7_919 % 100_003),
            used: Span::minutes(number * 31 % 10_007),
        };
        numbered.map(candidate).collect()
    }
}

/// Begins of searches at all hours of many days.
fn begins() -> Vec<Micros> {
    let mut dice = Dice(2_026);
    let begin = |_| Micros::new(BEGIN + dice.roll(30 * 24 * 60) * MINUTE_US);
    (0..64).map(begin).collect()
}

fn pools(criterion: &mut Criterion, name: &str, hours: u32, limit: usize, are_judged: bool) {
    let region = Region::new();
    let length = Span::minutes(hours * 60);
    let candidates = region.candidates(length);
    let rules = Rules {
        policy: policy(),
        now: Cell::new(Micros::new(BEGIN)),
        are_judged,
    };
    let mut group = criterion.benchmark_group(name);
    for size in [10, 50, 500, 5_534] {
        let pool = candidates.get(..size).expect("no pool is larger");
        let mut begins = begins().into_iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(size), |bench| {
            bench.iter(|| {
                let from = begins.next().expect("a cycle has no end");
                rules.now.set(from);
                let asked = Asked {
                    window: slot(from.get(), from.get() + 30 * DAY_US),
                    length,
                    reach_m: None,
                    limit,
                    per_instrument: 1,
                    every_reason: false,
                };
                earliest(black_box(&asked), black_box(pool), &rules)
            });
        });
    }
    group.finish();
}

fn searches(criterion: &mut Criterion) {
    pools(criterion, "earliest 2 h by index", 2, 1, false);
    pools(criterion, "earliest 2 h by index, ten best", 2, 10, false);
    pools(criterion, "earliest 2 h with rules, ten best", 2, 10, true);
    pools(criterion, "no answer in 30 days", 12, 10, false);
}

fn fleet(criterion: &mut Criterion) {
    let region = Region::new();
    let mut begins = begins().into_iter().cycle();
    criterion.bench_function("free now and for 2 h", |bench| {
        bench.iter(|| {
            let from = begins.next().expect("a cycle has no end").get();
            let wanted = slot(from, from + 2 * HOUR_US);
            let instruments = region.occupancies.iter().map(|held| (held, &region.open));
            free_for(black_box(wanted), instruments, |_| true).count()
        });
    });
}

criterion_group!(benches, searches, fleet);
criterion_main!(benches);
