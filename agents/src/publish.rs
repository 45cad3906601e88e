//! The agent's side of the protocol: connect, say hello, send what the outbox holds, obey acks.
//!
//! What comes in: batches of records from the reporter, acks from the gateway. What goes out:
//! messages at QoS 1, whose PUBACK only paces; records leave the outbox by ack alone. `oldest` and
//! the clocks are filled in when a record is sent. The publisher owns the outbox, so there is one
//! order of events: offer, commit, send, ack, delete.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};
use wire::{
    Ack, Batch, DeviceInfo, DropReason, Hello, Record, RecordBody, Status, StreamId, Topic, Up,
};

use crate::clock::Clock;
use crate::config::{Backfill, Gateway, Secret};
use crate::outbox::{Outbox, OutboxError};
use crate::throttle::Throttle;

mod backoff;
mod drain;
mod pace;
mod session;
mod window;

use backoff::Backoff;
use pace::Pace;
use session::{Identity, News, Session};
use window::{Pick, Window};

/// A connection that lasted so long was a good one: the next retry is quick again.
const GOOD_AFTER: Duration = Duration::from_secs(10);

/// An attempt to connect is given up after this time.
const CONNECT_MAX: Duration = Duration::from_secs(15);

/// While the gateway has not said what it has of a stream that was opened again, it is asked anew
/// after this time.
const GREET_AGAIN: Duration = Duration::from_secs(10);

/// Rows of acknowledged records are deleted with the next records, or after this time.
const TIDY_AFTER: Duration = Duration::from_secs(2);

/// A refused commit is tried again after this time.
const COMMIT_RETRY: Duration = Duration::from_secs(1);

/// What the hello message says beside the outbox.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) agent: wire::AgentName,
    pub(crate) secret: Secret,
    pub(crate) gateway: Gateway,
    pub(crate) devices: Vec<DeviceInfo>,
    pub(crate) report_every: Duration,
    pub(crate) backfill: Backfill,
}

/// See the module.
pub(crate) struct Publisher {
    identity: Identity,
    devices: Vec<DeviceInfo>,
    report_every_ms: u64,
    clock: Clock,
    outbox: Outbox,
    window: Window,
    link: Link,
    /// Counts connections of this process, from 1.
    connects: u64,
    backoff: Backoff,
    pace: Pace,
    /// When a commit is due that nobody asks for: after a refusal, or to delete rows.
    commit_at: Option<Instant>,
    /// Whether the last commit was refused: the next one is then left to `commit_at`.
    is_refused: bool,
    /// The stream the gateway was told of over this connection.
    greeted: Option<StreamId>,
    /// When to say hello again because nothing is known of what the gateway has.
    greet_at: Instant,
    throttle: Throttle<String>,
}

/// The state of the connection.
enum Link {
    Down { retry_at: Instant },
    Up { session: Session, since: Instant },
}

impl Publisher {
    pub(crate) fn new(about: About, outbox: Outbox, clock: Clock) -> Self {
        let report_every_ms = about.report_every.as_millis();
        Self {
            identity: Identity {
                name: about.agent,
                secret: about.secret,
                gateway: about.gateway,
            },
            devices: about.devices,
            report_every_ms: u64::try_from(report_every_ms).unwrap_or(u64::MAX),
            clock,
            outbox,
            window: Window::new(),
            link: Link::Down {
                retry_at: Instant::now(),
            },
            connects: 0,
            backoff: Backoff::default(),
            pace: Pace::new(about.backfill, Instant::now()),
            commit_at: None,
            is_refused: false,
            greeted: None,
            greet_at: Instant::now(),
            throttle: Throttle::new(),
        }
    }

    /// Runs until the input is closed, then drains: commits, sends what it can, says goodbye.
    pub(crate) async fn run(mut self, mut input: mpsc::Receiver<Vec<Record>>) {
        loop {
            let commit_at = self.commit_at;
            let link_at = self.link_deadline();
            let far = Instant::now() + Duration::from_hours(1);
            tokio::select! {
                records = input.recv() => match records {
                    Some(records) => self.take(records).await,
                    None => break,
                },
                news = next_news(&mut self.link) => self.hear(news).await,
                () = sleep_until(commit_at.unwrap_or(far)), if commit_at.is_some() => {
                    self.commit().await;
                }
                () = sleep_until(link_at.unwrap_or(far)), if link_at.is_some() => {
                    self.tend_link();
                }
            }
            self.pump().await;
        }
        self.drain().await;
    }

    async fn take(&mut self, records: Vec<Record>) {
        for record in records {
            self.outbox.offer(record);
        }
        if !self.is_refused {
            self.commit().await;
        }
    }

    async fn commit(&mut self) {
        match self.outbox.commit().await {
            Ok(()) => {
                if std::mem::take(&mut self.is_refused) {
                    info!("the outbox accepts records again");
                }
                self.commit_at = None;
                self.window.settle(self.outbox.held());
                self.tidy_later();
            }
            Err(error) => {
                self.is_refused = true;
                self.commit_at = Some(Instant::now() + COMMIT_RETRY);
                self.complain(&error);
            }
        }
    }

    fn complain(&mut self, error: &OutboxError) {
        let text = error.to_string();
        if self.throttle.permits(text.clone()) {
            warn!("{text}; readings wait in memory");
        }
    }

    fn tidy_later(&mut self) {
        if self.commit_at.is_none() && self.outbox.needs_commit() {
            self.commit_at = Some(Instant::now() + TIDY_AFTER);
        }
    }

    async fn hear(&mut self, news: News) {
        match news {
            News::Ready => {
                let Gateway { host, port } = &self.identity.gateway;
                info!("connected to {host}:{port}");
                self.say_online(true);
                self.greeted = None;
            }
            News::Ack(ack) => self.obey(&ack).await,
            News::Taken => {}
            News::Strange(why) => {
                if self.throttle.permits(why.clone()) {
                    warn!("a message to this agent is ignored: {why}");
                }
            }
            News::Lost(why) => self.lose(&why),
        }
    }

    async fn obey(&mut self, ack: &Ack) {
        if ack.stream != *self.outbox.stream() {
            return;
        }
        if let Err(error) = self.outbox.acknowledge(ack).await {
            self.complain(&error);
        } else if !self.outbox.is_confirmed() && !self.is_refused {
            // Live records wait for it.
            self.commit().await;
        }
        self.window.settle(self.outbox.held());
        self.window.heard(Instant::now());
        self.tidy_later();
    }

    /// When the connection needs attention: a retry, the end of patience, or a record to resend.
    fn link_deadline(&self) -> Option<Instant> {
        match &self.link {
            Link::Down { retry_at } => Some(*retry_at),
            Link::Up { session, .. } if session.has_room() => self.next_send(),
            Link::Up { session, since } => (!session.is_ready()).then_some(*since + CONNECT_MAX),
        }
    }

    /// When something is to be sent that nobody asks for.
    fn next_send(&self) -> Option<Instant> {
        let before = self.outbox.sendable_before();
        let backlog = self.window.next_of_backlog(self.outbox.held(), before);
        let backlog = backlog.map(|_| self.pace.ready_at());
        let greeting = (!self.outbox.is_confirmed()).then_some(self.greet_at);
        let all = self.window.deadline().into_iter().chain(backlog);
        all.chain(greeting).min()
    }

    fn tend_link(&mut self) {
        match &self.link {
            Link::Down { .. } => {
                self.connects += 1;
                let will = self.status(false);
                self.link = Link::Up {
                    session: Session::start(&self.identity, &will),
                    since: Instant::now(),
                };
            }
            Link::Up { session, .. } if !session.is_ready() => {
                self.lose("the broker does not answer");
            }
            Link::Up { .. } => {}
        }
    }

    fn lose(&mut self, why: &str) {
        let Link::Up { session, since } = &self.link else {
            return;
        };
        if session.is_ready() && since.elapsed() >= GOOD_AFTER {
            self.backoff.reset();
        }
        let wait = self.backoff.next(rand::random());
        if self.throttle.permits(why.to_owned()) {
            let Gateway { host, port } = &self.identity.gateway;
            warn!("no connection to {host}:{port}: {why}; readings wait in the outbox");
        }
        self.link = Link::Down {
            retry_at: Instant::now() + wait,
        };
    }

    fn status(&self, online: bool) -> Status {
        Status {
            boot: self.clock.boot().clone(),
            connect: self.connects,
            online,
        }
    }

    fn say_online(&mut self, online: bool) {
        let payload = wire::encode(&self.status(online));
        self.publish(Up::Status, true, payload);
    }

    /// Publishes if there is a connection. What the client does not take is sent again later.
    fn publish(&mut self, what: Up, retain: bool, payload: Vec<u8>) {
        let topic = Topic::Up(self.identity.name.clone(), what);
        if let Link::Up { session, .. } = &mut self.link
            && !session.publish(&topic, retain, payload)
        {
            debug!("the client takes no more for {topic}");
        }
    }

    /// Sends as much as the windows permit.
    async fn pump(&mut self) {
        while self.has_room() {
            let now = Instant::now();
            if self.greeted.as_ref() != Some(self.outbox.stream()) {
                self.greet();
                self.window.restart(self.outbox.next());
            } else if !self.outbox.is_confirmed() && now >= self.greet_at {
                self.greet();
            }
            let before = self.outbox.sendable_before();
            let backfills = self.pace.ready_at() <= now;
            let next = self.window.next(self.outbox.held(), before, backfills, now);
            let Some(pick) = next else {
                return;
            };
            match self.outbox.load(pick.seq).await {
                Ok(Some(record)) => self.send(pick, record, now),
                Ok(None) => self.window.settle(self.outbox.held()),
                Err(error) => {
                    self.complain(&error);
                    return;
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        matches!(&self.link, Link::Up { session, .. } if session.has_room())
    }

    /// Says hello; over a new connection everything held is sent (again) after it.
    fn greet(&mut self) {
        let stream = self.outbox.stream().clone();
        let hello = Hello {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stream: stream.clone(),
            oldest: self.outbox.oldest(),
            next: self.outbox.next(),
            boot: self.clock.boot().clone(),
            sent: self.clock.now(),
            report_every_ms: self.report_every_ms,
            devices: self.devices.clone(),
        };
        self.publish(Up::Hello, false, wire::encode(&hello));
        self.greeted = Some(stream);
        self.greet_at = Instant::now() + GREET_AGAIN;
    }

    fn send(&mut self, Pick { seq, is_live }: Pick, record: Record, now: Instant) {
        let what = match record.body {
            RecordBody::Series(_) => Up::Readings,
            RecordBody::Event(_) => Up::Event,
        };
        let batch = Batch {
            stream: self.outbox.stream().clone(),
            seq,
            oldest: self.outbox.oldest(),
            boot: self.clock.boot().clone(),
            sent: self.clock.now(),
            record,
        };
        let payload = wire::encode(&batch);
        if payload.len() > wire::PAYLOAD_BYTES_MAX {
            warn!(
                seq,
                "a record of {} bytes is too large to send",
                payload.len()
            );
            self.outbox.give_up(seq, DropReason::TooLarge);
            self.window.settle(self.outbox.held());
            self.tidy_later();
            return;
        }
        if !is_live {
            self.pace.spend(payload.len(), now);
        }
        self.publish(what, false, payload);
    }
}

async fn next_news(link: &mut Link) -> News {
    match link {
        Link::Up { session, .. } => session.news().await,
        Link::Down { .. } => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "publish/tests.rs"]
mod tests;
