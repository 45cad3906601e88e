//! The door into a gateway of the same process: letters go in, acks come out, no network between.

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

use super::session::News;

/// One message of an agent, as a broker would carry it.
#[derive(Debug)]
pub struct Letter {
    /// The topic, `ortoo/v1/{agent}/up/...`.
    pub topic: String,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Both directions of a gateway in this process. Clones lead to the same gateway.
#[derive(Debug, Clone)]
pub struct Door {
    /// Where letters go. Full means that the gateway is slower than the devices: the agent waits,
    /// and its outbox grows.
    pub letters: mpsc::Sender<Letter>,
    /// Where the payloads of acks come from. Who is slow misses some: the next ack tells the same.
    pub acks: broadcast::Sender<Vec<u8>>,
}

/// Carries letters through the door and news back, until a goodbye or the end of the gateway.
pub(super) async fn carry(
    door: Door,
    mut letters: mpsc::Receiver<Option<Letter>>,
    news: mpsc::Sender<News>,
) {
    let mut acks = door.acks.subscribe();
    let mut told = News::Ready;
    loop {
        let is_last = matches!(told, News::Lost(_));
        if news.send(told).await.is_err() || is_last {
            return;
        }
        told = tokio::select! {
            letter = letters.recv() => match letter.flatten() {
                None => News::Lost("disconnected".to_owned()),
                Some(letter) => match door.letters.send(letter).await {
                    Ok(()) => News::Taken,
                    Err(_) => stopped(),
                },
            },
            ack = next_ack(&mut acks) => match ack.as_deref().map(wire::decode_ack) {
                Some(Ok(ack)) => News::Ack(ack),
                Some(Err(error)) => News::Strange(error.to_string()),
                None => stopped(),
            },
            () = door.letters.closed() => stopped(),
        };
    }
}

fn stopped() -> News {
    News::Lost("it has stopped".to_owned())
}

/// Returns the next ack; `None` when there will be no more. Safe to cancel.
async fn next_ack(acks: &mut broadcast::Receiver<Vec<u8>>) -> Option<Vec<u8>> {
    loop {
        match acks.recv().await {
            Ok(payload) => return Some(payload),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
