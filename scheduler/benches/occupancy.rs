//! What one instrument's occupancy costs with a year of bookings, half of its open time taken.
//!
//! `cargo bench -p scheduler`. The figures to beat are in the design's budgets: place and insert
//! below a microsecond, a week's free list below two.

use std::hint::black_box;

use chrono_tz::Tz;
use criterion::{Criterion, criterion_group, criterion_main};
use scheduler::calendar::{DayHours, Weekly};
use scheduler::class::{CallerClass, ClassSet};
use scheduler::facts::BookingFacts;
use scheduler::id::{BookingId, ClaimId, NodeId};
use scheduler::occupancy::{Claim, Holder, Occupancy};
use scheduler::policy::{Layer, Level, Mode, Policy, Rule, RuleBody, SetAt};
use scheduler::quota::Subjects;
use scheduler::search::next_free;
use scheduler::slot::Slot;
use scheduler::time::{DAY_US, HOUR_US, Micros, Span};

/// 2026-01-01T00:00:00+08:00.
const BEGIN: i64 = 1_767_196_800_000_000;

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(Micros::new(start), Micros::new(end)).expect("slots of the bench run forward")
}

fn claim(number: i64, slot: Slot) -> Claim {
    let holder = Holder::Booking(BookingId::new(number));
    Claim {
        id: ClaimId::new(number),
        lane: 0,
        slot,
        holder,
    }
}

/// Four bookings of 1:45 a day between 08:00 and 22:00.
fn year() -> Occupancy {
    let mut occupancy = Occupancy::new(1);
    for number in 0..365 * 4 {
        let start = BEGIN + number / 4 * DAY_US + (8 + number % 4 * 3) * HOUR_US;
        let held = claim(number, slot(start, start + HOUR_US * 7 / 4));
        occupancy
            .insert(held)
            .expect("bookings are three hours apart");
    }
    occupancy
}

fn policy() -> Policy {
    let hours = DayHours::new(&[1, 2, 3, 4, 5], 480, 1320).expect("hours run forward");
    let bodies = [
        RuleBody::Alignment { minutes: 15 },
        RuleBody::Longest { minutes: 480 },
        RuleBody::Horizon { days: 14 },
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
        zone: Tz::Asia__Shanghai,
        rules: rules.to_vec(),
    }])
}

fn occupancy(criterion: &mut Criterion) {
    let mut held = year();
    let middle = BEGIN + 180 * DAY_US;
    let free = slot(middle + 20 * HOUR_US, middle + 22 * HOUR_US);
    let taken = slot(middle + 9 * HOUR_US, middle + 11 * HOUR_US);
    criterion.bench_function("place, insert, remove", |bench| {
        bench.iter(|| {
            let placement = held.place(black_box(free)).expect("the evening is free");
            let wanted = Claim {
                lane: placement.lane,
                ..claim(-1, free)
            };
            held.insert(wanted).expect("the lane was found free");
            held.remove(wanted.holder)
        });
    });
    criterion.bench_function("place, free", |bench| {
        bench.iter(|| held.place(black_box(free)));
    });
    criterion.bench_function("place, refused", |bench| {
        bench.iter(|| held.place(black_box(taken)));
    });
    let week = slot(middle, middle + 7 * DAY_US);
    criterion.bench_function("free week", |bench| {
        bench.iter(|| held.free(black_box(week)));
    });
    let policy = policy();
    let (now, until) = (week.start(), Micros::new(middle + 62 * DAY_US));
    let subjects = Subjects::default();
    let facts = BookingFacts::new(
        (now, Tz::Asia__Shanghai),
        week,
        CallerClass::Region,
        subjects,
    );
    criterion.bench_function("next free 3 h, within 14 days", |bench| {
        bench.iter(|| {
            let window = black_box((now, until));
            let length = Span::minutes(180);
            next_free(&held, &policy, &facts, window, length, 3)
        });
    });
}

criterion_group!(benches, occupancy);
criterion_main!(benches);
