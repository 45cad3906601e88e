//! A machine that runs while its agent is cut off, with and without a start in between.

use super::*;
use crate::status::OfflineReason;

#[tokio::test]
async fn a_machine_that_ran_while_its_agent_was_cut_off_has_run() {
    ran_meanwhile(None).await;
}

#[tokio::test]
async fn a_start_in_the_middle_makes_no_difference() {
    for before in 2..=6 {
        ran_meanwhile(Some(before)).await;
    }
}

/// Lets a backlog come; the gateway ends and starts before a record of it.
async fn ran_meanwhile(restart_before: Option<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let mut bench = Bench::start(folder.path(), clock.clone()).await;
    let send = async |bench: &Bench, seq: u64, at_s: i64, watt: f64| {
        let batch = readings(seq, &[("K-1", T0_MS + at_s * 1_000, watt)], T0_MS);
        bench.batch("lab-1", &batch).await;
    };
    let at = |at_s: i64| Micros::new(T0.get() + at_s * 1_000_000);
    let known_until = |bench: &Bench| bench.handle.machine(instrument(1)).known_until;
    send(&bench, 1, -600, 250.0).await;
    // After the pause the present comes first, then the rest in order.
    send(&bench, 7, 0, 1.0).await;
    assert_eq!(bench.handle.machine(instrument(1)).state, MachineState::Off);
    assert_eq!(known_until(&bench), Some(at(-600)), "the rest is awaited");
    for (seq, at_s, watt) in [
        (2, -580, 250.0),
        (3, -560, 250.0),
        (4, -540, 1.0),
        (5, -525, 1.0),
        (6, -510, 250.0),
    ] {
        if restart_before == Some(seq) {
            let before = known_until(&bench);
            bench.crash().await;
            bench = Bench::start(folder.path(), clock.clone()).await;
            assert_eq!(known_until(&bench), before);
            assert_eq!(bench.handle.machine(instrument(1)).state, MachineState::Off);
        }
        send(&bench, seq, at_s, watt).await;
        if seq < 6 {
            assert_eq!(known_until(&bench), Some(at(at_s)));
        }
    }
    assert_eq!(known_until(&bench), Some(at(0)));
    let machine = bench.handle.machine(instrument(1));
    assert_eq!(
        (machine.state, machine.since),
        (MachineState::Off, Some(at(0)))
    );
    let history = bench.handle.history();
    let states = history
        .states_decided(instrument(1), at(-900), at(0))
        .await
        .unwrap();
    let silent = MachineState::Offline(OfflineReason::Agent);
    let told: Vec<_> = states
        .into_iter()
        .map(|one| (one.state, (one.start - T0) / 1_000_000))
        .collect();
    let expected = [
        (MachineState::Running, -600),
        (MachineState::Off, -540),
        (MachineState::Running, -510),
        (silent, -480),
    ];
    assert_eq!(told, expected);
}
