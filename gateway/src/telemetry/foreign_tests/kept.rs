//! Tests of messages that a broker may have kept for a while.

use super::*;

#[tokio::test]
async fn what_a_broker_may_have_kept_is_in_doubt_unless_its_device_says_when() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _hand) = Clock::manual(T0);
    let bench = Bench::start_with(folder.path(), clock, plant()).await;
    let kept = |topic: &str, payload: &str, kept_for, acknowledge| ForeignMessage {
        kept_for,
        ..message(topic, payload, acknowledge)
    };
    let hours = std::time::Duration::from_hours(3);
    let shelly = r#"{"apower":3.0,"id":0}"#;
    for (kept_for, is_in_doubt) in [(std::time::Duration::from_secs(2), false), (hours, true)] {
        let (done, dealt_with) = oneshot::channel();
        let acknowledge = Acknowledge::with(move || done.send(()).unwrap_or_default());
        let one = kept("shelly/a/status/switch:0", shelly, kept_for, acknowledge);
        bench.handle.ingest_foreign(one).await.unwrap();
        dealt_with.await.unwrap();
        let day = |off_us| Micros::new(T0.get() + off_us);
        let doubts = bench
            .handle
            .history()
            .doubts(InstrumentId::new(1), day(-DAY_US), day(DAY_US))
            .await
            .unwrap();
        assert_eq!(!doubts.is_empty(), is_in_doubt, "{kept_for:?}: {doubts:?}");
    }
}
