//! Every stage of a reading's way is killed or cut while devices count: history holds every count
//! once. The long run of the same is the program `telemetry_torture`.

use tests::telemetry_torture::{Plan, run};

const CYCLES: usize = 6;

#[tokio::test]
async fn every_count_comes_through_mosquitto() {
    torture(true).await;
}

#[tokio::test]
async fn every_count_comes_through_the_embedded_broker() {
    torture(false).await;
}

async fn torture(external: bool) {
    let dir = tempfile::tempdir().unwrap();
    // Other faults with every run: whatever breaks, nothing may be lost.
    let seed = rand::random::<u32>().into();
    let plan = Plan {
        cycles: CYCLES,
        agents: 2,
        external,
        seed,
    };
    let report = run(dir.path(), plan).await;
    println!("seed {seed}: {:?}", report.faults);
    let findings = report.findings();
    assert!(findings.is_empty(), "seed {seed}: {findings:#?}");
    for counted in &report.counted {
        assert!(counted.history.len() > 10, "it hardly ran: {counted:?}");
    }
}
