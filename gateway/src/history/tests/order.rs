//! Readings in any order, twice, with restarts and the caretaker in between.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wire::Quality;

use super::*;

/// Some lines of one instrument.
type Batch = (u32, Vec<Line>);

/// What happens next.
#[derive(Debug, Clone)]
enum Event {
    Commit(Vec<Batch>),
    Tidy,
    Restart,
}

/// A cell that depends on nothing but where it belongs: what comes twice is the same.
fn cell(instrument: u32, channel: i64, time_ms: i64) -> Cell {
    let mixed = (time_ms / 1_000 + 7 * channel + i64::from(instrument)) % 23;
    match mixed {
        0 => Cell::Bad(Quality::Timeout),
        1 | 2 => Cell::Absent,
        other => Cell::Good(f64::from(i32::try_from(other).unwrap()) / 10.0),
    }
}

/// Batches within four hours of three days: up to 120 lines some seconds apart.
fn batch() -> impl Strategy<Value = Batch> {
    let lines = (
        0..3_i64,
        0..14_400_i64,
        1..120_i64,
        prop_oneof![Just(1_i64), Just(10), Just(97)],
    );
    (1..3_u32, lines).prop_map(|(instrument, (day, begin, count, apart))| {
        let line = |number: i64| {
            let time_ms = (day * 86_400 + begin + number * apart) * 1_000;
            (
                time_ms,
                [0, 1].map(|channel| cell(instrument, channel, time_ms)),
            )
        };
        (instrument, (0..count).map(line).collect())
    })
}

fn events(batches: impl Strategy<Value = Batch>) -> impl Strategy<Value = Vec<Event>> {
    let commit = prop::collection::vec(batches, 1..4).prop_map(Event::Commit);
    let event = prop_oneof![6 => commit, 1 => Just(Event::Tidy), 1 => Just(Event::Restart)];
    prop::collection::vec(event, 1..14)
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

/// Commits everything and compares, before and after the caretaker's work.
async fn play(events: Vec<Event>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 5 * 86_400_000, Kept::default()).await;
    let mut model = Model::default();
    for event in events {
        match event {
            Event::Commit(batches) => {
                for (instrument, lines) in &batches {
                    model.add(*instrument, lines);
                }
                store.commit(&batches).await;
            }
            Event::Tidy => {
                hand.advance(QUIET_US);
                store.tidy().await;
            }
            Event::Restart => {
                let clock = store.clock.clone();
                drop(store);
                store = Store::open_at(folder.path(), clock, Kept::default()).await;
            }
        }
    }
    store.check(&model, 5).await;
    hand.advance(QUIET_US);
    store.tidy().await;
    store.check(&model, 5).await;
    assert_eq!(store.number("SELECT count(*) FROM touched").await, 0);
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future);
}

#[test]
fn any_order_and_anything_twice_gives_the_same_tables() {
    let events = events(batch());
    let twice = (
        events,
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
    );
    let outcome = runner(12).run(&twice, |(mut events, from, to)| {
        // One of them comes again somewhere.
        let again = events[from.index(events.len())].clone();
        events.insert(to.index(events.len() + 1), again);
        run(play(events));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn of_readings_at_one_time_the_last_received_stays() {
    let changed = (batch(), 0..1_000_i32).prop_map(|((instrument, mut lines), value)| {
        for (_, cells) in &mut lines {
            for cell in cells
                .iter_mut()
                .filter(|cell| matches!(cell, Cell::Good(_)))
            {
                *cell = Cell::Good(f64::from(value));
            }
        }
        (instrument, lines)
    });
    let outcome = runner(12).run(&events(changed), |events| {
        run(play(events));
        Ok(())
    });
    outcome.unwrap();
}
