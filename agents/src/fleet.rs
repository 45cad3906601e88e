//! Simulated agents: many in one process, on the very path of a real one, without files or threads.
//!
//! Each has a name and secret of its own, a connection of its own, and an outbox in memory; only
//! the devices are replaced by a source that says which readings are due. Two tasks an agent.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use wire::{AgentName, Clocks, DeviceInfo, Record, RecordBody, Series};

use crate::clock::Clock;
use crate::config::{Backfill, Gateway, Secret};
use crate::outbox::{Limits, Outbox};
use crate::publish::{About, Publisher};

/// An outbox in memory is bounded to this: some hours without a gateway.
const LIMITS: Limits = Limits {
    bytes: 2 * 1024 * 1024,
    ..Limits::DEFAULT
};

/// Batches on their way to the publisher. Full means that it is busy: the source waits.
const BATCHES_MAX: usize = 4;

/// Says which readings are due.
///
/// Every `FnMut(Clocks) -> Vec<Series>` is one.
pub trait SeriesSource: Send {
    /// Returns the readings due at `now`; offsets count from `now`. Empty is fine.
    fn due(&mut self, now: Clocks) -> Vec<Series>;
}

impl<F: FnMut(Clocks) -> Vec<Series> + Send> SeriesSource for F {
    fn due(&mut self, now: Clocks) -> Vec<Series> {
        self(now)
    }
}

/// An agent without devices.
pub struct SimulatedAgent {
    /// Name, MQTT user name and client id.
    pub name: AgentName,
    /// The password of that user.
    pub secret: Secret,
    /// The broker.
    pub gateway: Gateway,
    /// What it pretends to read, at most [`wire::DEVICES_MAX`].
    pub devices: Vec<DeviceInfo>,
    /// The heartbeat it promises in its hello: every instrument is reported at least this often.
    pub report_every: Duration,
    /// How often the source is asked.
    pub ask_every: Duration,
    /// When the source is asked first, after the start: spreads many agents over time.
    pub ask_after: Duration,
    /// The readings.
    pub source: Box<dyn SeriesSource>,
}

impl SimulatedAgent {
    /// Runs until the token is cancelled, then says goodbye, within 10 seconds.
    pub async fn run(self, clock: Clock, stop: CancellationToken) {
        let about = About {
            agent: self.name,
            secret: self.secret,
            gateway: self.gateway,
            devices: self.devices,
            report_every: self.report_every,
            backfill: Backfill::DEFAULT,
        };
        let outbox = Outbox::in_memory(LIMITS, clock.clone());
        let publisher = Publisher::new(about, outbox, clock.clone());
        let (records, input) = mpsc::channel(BATCHES_MAX);
        let mut ticks = interval_at(Instant::now() + self.ask_after, self.ask_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut source = self.source;
        let asking = async move {
            loop {
                ticks.tick().await;
                let at = clock.now();
                let series = source.due(at);
                if series.is_empty() {
                    continue;
                }
                let record = Record {
                    boot: clock.boot().clone(),
                    at,
                    body: RecordBody::Series(series),
                };
                if records.send(vec![record]).await.is_err() {
                    return;
                }
            }
        };
        // The end of asking closes the channel, which makes the publisher drain.
        tokio::join!(stop.run_until_cancelled_owned(asking), publisher.run(input));
    }
}
