//! What is remembered of agents' streams.

use scheduler::time::SECOND_US;
use wire::{AgentName, StreamId};

use super::*;

/// Receives a record of each of these streams of an agent, in one commit.
async fn receive(store: &mut Store, agent: &str, streams: &[u128], number: u64) -> Vec<Receipt> {
    let agent = AgentName::parse(agent).unwrap();
    let mut group = Group::default();
    let mut receipts = Vec::new();
    for stream in streams {
        let stream = StreamId::parse(&format!("{stream:032x}")).unwrap();
        let stream = store.writer.stream(&agent, &stream, store.clock.now());
        assert!(store.writer.raise(stream, 1, store.clock.now()).is_empty());
        let receipt = store.writer.receive(stream, number);
        receipts.push(receipt);
        if receipt == Receipt::New {
            group.received.push(Received {
                stream,
                number,
                floor: 0,
            });
        }
    }
    let mut prepared = store.writer.prepare(group, store.clock.now());
    store.writer.execute(&mut prepared).await.unwrap();
    store.writer.apply(prepared);
    receipts
}

#[tokio::test]
async fn of_too_many_streams_the_longest_silent_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, hand) = Store::open(folder.path(), 0, Kept::default()).await;
    let clock = store.clock.clone();
    let first: Vec<u128> = (0..32).collect();
    for stream in &first {
        receive(&mut store, "lab-1", &[*stream], 7).await;
        hand.advance(SECOND_US);
    }
    receive(&mut store, "lab-2", &[0], 7).await;
    let new = |count| vec![Receipt::New; count];
    // The two silent longest change places in one commit: each takes the other's number.
    receive(&mut store, "lab-1", &[100], 7).await;
    hand.advance(SECOND_US);
    assert_eq!(receive(&mut store, "lab-1", &[0, 1], 7).await, new(2));
    for _ in 0..2 {
        let rows = store.number("SELECT count(*) FROM stream").await;
        assert_eq!(rows, 33);
        let known = receive(&mut store, "lab-1", &[100, 0, 1, 4, 31], 7).await;
        assert_eq!(known, vec![Receipt::Duplicate; 5]);
        assert_eq!(
            receive(&mut store, "lab-2", &[0], 7).await,
            [Receipt::Duplicate]
        );
        drop(store);
        store = Store::open_at(folder.path(), clock.clone(), Kept::default()).await;
    }
    // More at once than are remembered.
    let many: Vec<u128> = (200..300).collect();
    assert_eq!(receive(&mut store, "lab-1", &many, 7).await, new(100));
    assert_eq!(store.number("SELECT count(*) FROM stream").await, 33);
    drop(store);
    store = Store::open_at(folder.path(), clock, Kept::default()).await;
    let kept = receive(&mut store, "lab-1", &many, 8).await;
    assert_eq!(kept, new(100));
    assert_eq!(receive(&mut store, "lab-2", &[0], 8).await, new(1));
}
