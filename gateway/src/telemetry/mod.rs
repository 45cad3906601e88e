//! Path 1: telemetry to state.
//!
//! Files in the order the data flows:
//!
//! 1. [`subscribe`] (broker in this process or outside) makes of each message a [`Delivery`] and puts
//!    it into the queue ([`intake`]), bounded in number and bytes. Full: the session waits, then is
//!    disconnected; nothing is dropped.
//! 2. [`decode`]: a delivery is a message, or is refused with a reason.
//! 3. [`clocks`], [`resolve`]: when and whose the readings are.
//! 4. [`judge`], [`state`]: what the machine does, a fold over readings and time.
//! 5. [`record`]: the group is committed ([`crate::history`]), then acknowledged, then published
//!    ([`board`], live stream).
//!
//! Beside the path: [`replay`] and [`past`] apply a rule to readings of the past, [`learn`] proposes
//! one.
//!
//! **Invariants.** Nothing is acknowledged before its commit. A message that cannot be accepted is
//! counted, kept in quarantine and acknowledged ([`refuse`]): it never comes again for ever and never
//! stops the others. One task owns what is folded; readers read what it publishes after commits.

mod agents;
#[cfg(test)]
pub(crate) mod bench;
mod board;
mod clocks;
mod collect;
mod collected;
pub mod credentials;
mod decode;
mod denials;
mod doors;
mod filling;
pub mod foreign;
#[cfg(test)]
mod foreign_tests;
mod handle;
mod intake;
mod judge;
pub mod learn;
mod losses;
pub mod mapping;
mod past;
mod record;
mod refuse;
mod replay;
mod resolve;
mod restore;
pub mod sparkplug;
mod state;
mod subscribe;
#[cfg(test)]
mod tests;
mod unknown;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::broadcast;

use self::board::Board;
use self::collect::Collector;
use self::denials::Denials;
use self::doors::Doors;
use self::intake::Intake;
use self::record::Recorder;
use self::subscribe::Downlink;
use crate::clock::Clock;
use crate::config::Mqtt;
use crate::history::History;
use crate::lifecycle::Lifecycle;
use crate::registry::SharedDirectory;

pub use denials::{Denial, Denied};
pub use foreign::{
    ForeignBatch, ForeignMessage, ForeignReading, Presence, READINGS_MAX, ReadingTime, Refused,
    TOO_MANY_CHANNELS, UNIT_CHARACTERS_MAX, stated_time_refusal,
};
pub use handle::TelemetryHandle;
pub use intake::{Acknowledge, Delivery, Stopped};
pub use past::Replayed;
pub use unknown::{UNKNOWN_PAYLOAD_KEPT_MAX, UnknownDevice};
pub use view::{
    AgentView, CLOCK_SKEW_MS_MAX, Counts, EdgeNodeView, LiveChange, LiveReading, MachineView,
    SourceView, StateChange,
};

/// Commits a slow reader of the live stream may be behind before it misses some: at five a second
/// more than a minute.
pub const LIVE_KEPT_MAX: usize = 512;

/// Why telemetry could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Agents cannot connect there.
    #[error("the broker cannot listen on {listen}: {why}")]
    Listen {
        /// The address asked for.
        listen: SocketAddr,
        /// What the system said.
        why: String,
    },
    /// The external broker's URL cannot be read.
    #[error("the broker's URL is not mqtt://user:password@host:port")]
    Url,
    /// This build has no broker of its own.
    #[error("this build has no embedded broker: set mqtt.mode = \"external\"")]
    NoBroker,
    /// The store's writing end is taken.
    #[error("telemetry was started twice on one store")]
    Twice,
}

/// The telemetry path.
#[derive(Debug)]
pub struct Telemetry;

impl Telemetry {
    /// Starts the path: broker or connections to one, and the recorder, as tasks of the lifecycle.
    ///
    /// # Errors
    /// Returns [`StartError`] when the address is taken, the URL is wrong, this build has no broker,
    /// or the store has a recorder already.
    pub async fn start(
        mqtt: &Mqtt,
        clock: Clock,
        lifecycle: &Lifecycle,
        directory: SharedDirectory,
        history: History,
    ) -> Result<TelemetryHandle, StartError> {
        let (intake, queue) = intake::queue();
        let since_ms = clock.now().get().div_euclid(1_000);
        let denials = Arc::new(Denials::new(clock.clone()));
        let ways_in = (&intake, &denials);
        let downlink = connect(mqtt, &directory, ways_in, (since_ms, lifecycle)).await?;
        let parts = Parts {
            clock,
            directory,
            history,
            intake,
            denials,
            downlink,
        };
        parts.record(queue, lifecycle).await
    }
}

async fn connect(
    mqtt: &Mqtt,
    directory: &SharedDirectory,
    (intake, denials): (&Intake, &Arc<Denials>),
    (since_ms, lifecycle): (i64, &Lifecycle),
) -> Result<Arc<dyn Downlink>, StartError> {
    match mqtt {
        #[cfg(feature = "broker")]
        Mqtt::Embedded { listen } => {
            let credentials = credentials::DirectoryCredentials(Arc::clone(directory));
            let credentials = Arc::new(credentials);
            let ways_in = (intake.clone(), Arc::clone(denials));
            let broker =
                subscribe::embedded::start(*listen, credentials, ways_in, lifecycle).await?;
            let word = |online| sparkplug::state(sparkplug::HOST, online, since_ms);
            broker.announce(word(true), word(false)).await;
            Ok(broker)
        }
        #[cfg(not(feature = "broker"))]
        Mqtt::Embedded { .. } => Err(StartError::NoBroker),
        Mqtt::External { url } => {
            let since = (since_ms, lifecycle);
            let broker =
                subscribe::external::start(url, Arc::clone(directory), intake.clone(), since)?;
            Ok(broker)
        }
    }
}

/// What the recorder is made of, whatever brings the messages.
struct Parts {
    clock: Clock,
    directory: SharedDirectory,
    history: History,
    intake: Intake,
    denials: Arc<Denials>,
    downlink: Arc<dyn Downlink>,
}

impl Parts {
    async fn record(
        self,
        queue: tokio::sync::mpsc::Receiver<intake::Queued>,
        lifecycle: &Lifecycle,
    ) -> Result<TelemetryHandle, StartError> {
        let (writer, mut recovered) = self.history.take_writer().ok_or(StartError::Twice)?;
        let board = Arc::new(Board::default());
        let doors = Arc::new(Doors::new(self.downlink));
        let (live, _) = broadcast::channel(LIVE_KEPT_MAX);
        let owed = std::mem::take(&mut recovered.stretches);
        let mut collector = Collector::new(
            self.directory,
            Arc::clone(&board),
            recovered,
            &writer,
            (self.clock.now(), self.clock.mono_us()),
        );
        let handle = TelemetryHandle {
            board: Arc::clone(&board),
            history: self.history,
            intake: self.intake,
            denials: self.denials,
            live: live.clone(),
            doors: Arc::clone(&doors),
        };
        collector.go_on(&handle, owed).await;
        let downlink: Arc<dyn Downlink> = doors;
        let recorder = Recorder {
            clock: self.clock,
            collector,
            writer,
            board,
            live,
            downlink,
        };
        let stop = lifecycle.stop_token();
        lifecycle.spawn("telemetry recorder", async move {
            recorder.run(queue, stop).await;
            Ok::<(), String>(())
        });
        Ok(handle)
    }
}
