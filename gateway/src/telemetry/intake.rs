//! The queue between the broker and the recorder, bounded in number and in bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::foreign::{ForeignBatch, ForeignMessage, ForeignReading};

/// Most messages that wait for the recorder. Full means the store is slower than the plant: whoever
/// hands over waits, and the agents' outboxes hold what is not acknowledged. Nothing is dropped.
const QUEUE_MESSAGES_MAX: usize = 8_192;

/// Most KiB of payload that wait for the recorder; full means the same.
const QUEUE_KIB_MAX: u32 = 64 * 1_024;

/// A message on its way in, whichever broker brought it.
#[derive(Debug)]
pub struct Delivery {
    /// The topic as published.
    pub topic: String,
    /// The payload, unchecked.
    pub payload: Bytes,
    /// What to do when the message is dealt with.
    pub acknowledge: Acknowledge,
}

/// What to do once a message is committed, found to be a duplicate, or quarantined. Dropped unused
/// when the process stops before that: then nothing was promised.
#[derive(Default)]
pub struct Acknowledge(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Acknowledge {
    /// Nothing: the transport has been answered already.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Calls `done`, which must not block.
    #[must_use]
    pub fn with(done: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(done)))
    }

    /// Returns true if somebody waits for it, and sends again what is not acknowledged.
    pub(super) fn is_awaited(&self) -> bool {
        self.0.is_some()
    }

    /// Does it.
    pub(super) fn fire(self) {
        if let Some(done) = self.0 {
            done();
        }
    }
}

impl std::fmt::Debug for Acknowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Acknowledge(..)"
        } else {
            "Acknowledge(none)"
        })
    }
}

/// Telemetry has stopped or is stopping: the message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("telemetry has stopped")]
pub struct Stopped;

/// Why a message was not taken within the time given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    /// The queue stayed full.
    #[error("the queue of the recorder stayed full")]
    Full,
    /// Telemetry has stopped.
    #[error("telemetry has stopped")]
    Stopped,
}

/// What comes in: from an agent of ours, or from others.
#[derive(Debug)]
pub(super) enum Inbound {
    /// A message of our own wire.
    Agent(Delivery),
    /// A message in somebody else's format.
    Foreign(ForeignMessage),
    /// Readings that somebody has read already.
    Readings(ForeignBatch),
}

impl Inbound {
    /// Returns roughly how much memory it holds.
    fn bytes(&self) -> usize {
        match self {
            Self::Agent(delivery) => delivery.payload.len(),
            Self::Foreign(message) => message.payload.len() + message.topic.len(),
            Self::Readings(batch) => batch.readings.len() * size_of::<ForeignReading>(),
        }
    }
}

impl From<Delivery> for Inbound {
    fn from(delivery: Delivery) -> Self {
        Self::Agent(delivery)
    }
}

impl From<ForeignMessage> for Inbound {
    fn from(message: ForeignMessage) -> Self {
        Self::Foreign(message)
    }
}

impl From<ForeignBatch> for Inbound {
    fn from(batch: ForeignBatch) -> Self {
        Self::Readings(batch)
    }
}

/// A message in the queue, with its share of the bytes allowed.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) inbound: Inbound,
    /// Given back when the recorder has dealt with the message.
    pub(super) _room: OwnedSemaphorePermit,
}

/// The sending end. Clones share the queue.
#[derive(Debug, Clone)]
pub(super) struct Intake {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

/// Returns both ends of the queue.
pub(super) fn queue() -> (Intake, mpsc::Receiver<Queued>) {
    let (sender, receiver) = mpsc::channel(QUEUE_MESSAGES_MAX);
    let kib = usize::try_from(QUEUE_KIB_MAX).expect("a u32 fits in usize");
    let intake = Intake {
        queue: sender,
        room: Arc::new(Semaphore::new(kib)),
    };
    (intake, receiver)
}

impl Intake {
    /// Puts a message into the queue, waiting while it is full.
    pub(super) async fn submit(&self, inbound: impl Into<Inbound>) -> Result<(), Stopped> {
        let inbound = inbound.into();
        let kib = u32::try_from(inbound.bytes() / 1_024 + 1).unwrap_or(QUEUE_KIB_MAX);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(kib.min(QUEUE_KIB_MAX))
            .await
            .map_err(|_| Stopped)?;
        let queued = Queued {
            inbound,
            _room: room,
        };
        self.queue.send(queued).await.map_err(|_| Stopped)
    }

    /// Puts a message into the queue, waiting at most `patience` while it is full.
    pub(super) async fn submit_within(
        &self,
        inbound: impl Into<Inbound>,
        patience: Duration,
    ) -> Result<(), NotTaken> {
        match tokio::time::timeout(patience, self.submit(inbound)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Stopped)) => Err(NotTaken::Stopped),
            Err(_) => Err(NotTaken::Full),
        }
    }

    /// Waits until no more messages are taken.
    pub(super) async fn closed(&self) {
        self.queue.closed().await;
    }

    /// Returns the bytes of the messages that wait, in whole KiB each.
    pub(super) fn bytes(&self) -> u64 {
        let kib = usize::try_from(QUEUE_KIB_MAX).unwrap_or(usize::MAX);
        let taken = kib.saturating_sub(self.room.available_permits());
        u64::try_from(taken)
            .unwrap_or(u64::MAX)
            .saturating_mul(1_024)
    }

    /// Returns how many messages wait.
    pub(super) fn len(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}
