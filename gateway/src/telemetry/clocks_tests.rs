//! Clocks that were wrong, and set while nobody looked.

use super::*;
use crate::telemetry::bench;

const HOUR_MS: i64 = 3_600_000;
/// 2026-11-01, in milliseconds.
const NOW_MS: i64 = 1_793_491_200_000;

fn at(ms: i64) -> Micros {
    Micros::new(ms * 1_000)
}

fn agent() -> AgentName {
    AgentName::parse("lab-1").unwrap()
}

fn boot(name: &str) -> BootId {
    BootId::parse(name).unwrap()
}

/// What is stored of a boot that began a day ago, by a gateway whose clock was so late.
fn stored(late_ms: i64) -> Vec<BootClock> {
    vec![BootClock {
        agent: agent(),
        boot: boot("boot-1"),
        offset_us: (NOW_MS - 24 * HOUR_MS - late_ms) * 1_000,
        seen: at(NOW_MS - late_ms),
    }]
}

/// The device's clocks, so long before now.
fn clocks(ago_ms: i64) -> Clocks {
    Clocks {
        wall_ms: NOW_MS - ago_ms,
        mono_ms: 24 * HOUR_MS - ago_ms,
    }
}

#[test]
fn a_gateway_whose_clock_was_set_while_it_was_down_places_running_agents_anew() {
    let mut book = ClockBook::new(stored(HOUR_MS), at(NOW_MS), 0);
    book.hear(&agent(), &boot("boot-1"), clocks(0), at(NOW_MS));
    let moved = book.take_moved();
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].offset_us, (NOW_MS - 24 * HOUR_MS) * 1_000);
    // A message that lay in a broker's queue for an hour moves nothing.
    let mut book = ClockBook::new(stored(0), at(NOW_MS), 0);
    book.hear(&agent(), &boot("boot-1"), clocks(HOUR_MS), at(NOW_MS));
    assert_eq!(book.take_moved().len(), 0);
}

#[test]
fn anchors_that_follow_the_gateways_clock_are_stored() {
    let mut book = ClockBook::new(stored(0), at(NOW_MS), 0);
    book.follow_gateway(at(NOW_MS + HOUR_MS + 1_000), 1_000_000);
    let moved = book.take_moved();
    assert_eq!(moved[0].offset_us, (NOW_MS - 23 * HOUR_MS) * 1_000);
}

#[test]
fn a_backlog_of_a_right_clock_is_not_put_right_by_a_wrong_one() {
    let mut batch = bench::readings(1, &[("K-1", NOW_MS - HOUR_MS, 1.0)], NOW_MS - HOUR_MS);
    batch.record.boot = boot("boot-0");
    let possible = Possible::now(at(NOW_MS), at(NOW_MS - 720 * HOUR_MS));
    let mut place = |sent_wall_ms: i64| {
        batch.sent.wall_ms = sent_wall_ms;
        let book = ClockBook::new(Vec::new(), at(NOW_MS), 0);
        book.place(&agent(), &batch, at(NOW_MS), possible)
    };
    // Two minutes late, and both boots alike.
    assert_eq!(place(NOW_MS - 120_000).at_ms, NOW_MS - HOUR_MS + 120_000);
    // The device came back without a battery: its clock says 1970.
    let placed = place(5_000);
    assert_eq!(placed.at_ms, NOW_MS - HOUR_MS);
    assert!(placed.mark.uncertainty_ds > 1_000_000);
}
