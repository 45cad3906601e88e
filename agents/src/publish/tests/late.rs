//! Tests of a backlog: its rate, three days of it, and a stream that was opened again.

use wire::Clocks;

use super::*;

/// The first record of a backlog goes at once, the next one in minutes.
const SLOW: Backfill = Backfill {
    records_per_s: 1,
    bytes_per_s: 1,
};

#[tokio::test]
async fn live_records_go_while_the_backlog_waits_for_its_rate() {
    let clock = Clock::system();
    let mut outbox = Outbox::in_memory(Limits::DEFAULT, clock.clone());
    (0..5).for_each(|_| outbox.offer(record()));
    outbox.commit().await.unwrap();
    let bench = bench_of(outbox, clock, SLOW).await;
    let mut peer = Peer::ready(&bench.listener).await;
    let (_, hello) = peer.greeting().await;
    assert_eq!((hello.oldest, hello.next), (1, 6));
    assert_eq!(peer.batch().await.seq, 1);
    for live in 6..20 {
        bench.records.send(vec![record()]).await.unwrap();
        assert_eq!(peer.batch().await.seq, live);
        // Neither acks nor their want make the backlog go faster.
        peer.acknowledge(&hello.stream, 1, &[(6, live)]).await;
    }
}

#[tokio::test]
async fn a_stream_that_was_opened_again_asks_what_the_gateway_has_first() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let open = async || {
        let outbox = Outbox::open(folder.path(), Limits::DEFAULT, clock.clone()).await;
        outbox.unwrap()
    };
    let mut outbox = open().await;
    (0..2).for_each(|_| outbox.offer(record()));
    outbox.commit().await.unwrap();
    outbox.close().await;
    let bench = bench_of(open().await, clock.clone(), FAST).await;
    // A record of this process, numbered 3; but the file has lost a number 3 that was sent before.
    bench.records.send(vec![record()]).await.unwrap();
    let mut peer = Peer::ready(&bench.listener).await;
    let (_, hello) = peer.greeting().await;
    assert_eq!((peer.batch().await.seq, peer.batch().await.seq), (1, 2));
    peer.acknowledge(&hello.stream, 3, &[]).await;
    bench.records.send(vec![record()]).await.unwrap();
    let mut later = [peer.batch().await.seq, peer.batch().await.seq];
    later.sort_unstable();
    assert_eq!(later, [4, 5], "number 3 is not used again");
}

fn numbered(number: u64, clock: &Clock) -> Record {
    Record {
        boot: clock.boot().clone(),
        at: clock.now(),
        body: RecordBody::Event(Event::Device {
            device: number.to_string(),
            reachable: true,
            reason: wire::Quality::Good,
        }),
    }
}

/// Nobody answers for three days; the clocks are the test's.
#[tokio::test(start_paused = true)]
async fn three_days_offline_are_kept_and_sent_oldest_first_while_live_records_pass() {
    const RECORDS: u64 = 72 * 60;
    let folder = tempfile::tempdir().unwrap();
    let start = Clocks {
        wall_ms: 1_790_000_000_000,
        mono_ms: 0,
    };
    let (clock, hand) = Clock::manual(start);
    let outbox = Outbox::open(folder.path(), Limits::DEFAULT, clock.clone()).await;
    let bench = bench_of(outbox.unwrap(), clock.clone(), FAST).await;
    let Bench {
        listener,
        records,
        running: _running,
    } = bench;
    // A broker that hangs up on everybody.
    let refusing = async {
        loop {
            drop(listener.accept().await);
        }
    };
    let made = |seq| numbered(seq, &clock);
    let offline = async {
        for seq in 1..=RECORDS {
            records.send(vec![made(seq)]).await.unwrap();
            hand.advance(60_000);
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
    };
    tokio::select! {
        () = refusing => {}
        () = offline => {}
    }
    // The next attempt may be half a minute away: time runs as it will from then on.
    let (stream, _) = listener.accept().await.unwrap();
    tokio::time::resume();
    let peer = Peer::connected(stream, ConnectReturnCode::Success).await;
    let mut peer = peer.subscribed().await;
    let (status, hello) = peer.greeting().await;
    assert!(status.connect > 100, "it tried all the time");
    // The last ones may be on their way to the disk still.
    let backlog = hello.next - 1;
    assert!(hello.oldest == 1 && backlog > RECORDS - 20, "{hello:?}");
    records.send(vec![made(RECORDS + 1)]).await.unwrap();
    let (mut last, mut live, mut live_after) = (0, BTreeSet::new(), None);
    while last < backlog || !live.contains(&(RECORDS + 1)) {
        let batch = peer.batch().await;
        let RecordBody::Event(Event::Device { device, .. }) = &batch.record.body else {
            panic!("not what was recorded");
        };
        assert_eq!(*device, batch.seq.to_string());
        if batch.seq > backlog {
            live_after.get_or_insert(last);
            live.insert(batch.seq);
            continue;
        }
        assert_eq!(batch.seq, last + 1, "oldest first, each once");
        last = batch.seq;
        if last.is_multiple_of(16) {
            peer.say(&hello.stream, last).await;
        }
    }
    assert!(live.into_iter().eq(backlog + 1..=RECORDS + 1));
    assert!(
        live_after.is_some_and(|after| after < RECORDS / 2),
        "{live_after:?}"
    );
}
