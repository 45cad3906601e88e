//! An agent that lives in the gateway's process: it polls devices that the gateway reaches itself.
//!
//! What comes in: which devices to poll, and every change of that. What goes out: the messages of an
//! agent, through a [`Door`] instead of a broker. Poller, reporter, outbox and publisher are those of
//! every agent. A change starts, stops or restarts the devices that it is about; the others go on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::{AgentName, DeviceInfo, InstrumentKey};

use crate::allow::Allow;
use crate::clock::Clock;
use crate::config::{self, Address, Backfill, Device};
use crate::modbus::Lines;
use crate::outbox::{Limits, Outbox};
use crate::poll::Poller;
use crate::profile::Profile;
use crate::publish::{About, Door, Publisher, Way};
use crate::report::{self, Heard, Reporter};
use crate::{BATCHES_MAX, POLLS_MAX, Parts, RunError};

/// The devices to poll, by name, each name once.
pub type Devices = Arc<BTreeMap<String, Device>>;

/// What a resident agent is made of.
#[derive(Debug)]
pub struct Resident {
    /// Its name.
    pub name: AgentName,
    /// The folder of its outbox, its own.
    pub folder: PathBuf,
    /// Bound of the outbox in bytes of records.
    pub outbox_bytes_max: u64,
    /// An unchanged reading is reported again after this time.
    pub report_every: Duration,
    /// The networks it may touch.
    pub allow: Allow,
    /// The way to the gateway.
    pub door: Door,
}

impl Resident {
    /// Runs until the token is cancelled; then what was read is on disk and what can be handed over
    /// is, within 14 seconds.
    ///
    /// # Errors
    /// Returns [`RunError`] when the outbox cannot be used, or when a part dies.
    pub async fn run(
        self,
        devices: watch::Receiver<Devices>,
        clock: Clock,
        stop: CancellationToken,
    ) -> Result<(), RunError> {
        let limits = Limits {
            bytes: self.outbox_bytes_max,
            ..Limits::DEFAULT
        };
        let outbox = Outbox::open(&self.folder, limits, clock.clone()).await?;
        let (told, changes) = watch::channel(Vec::new());
        let about = About {
            agent: self.name,
            way: Way::Inside(self.door),
            devices: Vec::new(),
            report_every: self.report_every,
            backfill: Backfill::DEFAULT,
            connects_before: clock.ms_since_boot(),
        };
        let publisher = Publisher::new(about, outbox, clock.clone()).following(changes);
        let reporter = Reporter::new(&[], self.report_every);
        let (polls, outcomes) = mpsc::channel(POLLS_MAX);
        let (records, recorded) = mpsc::channel(BATCHES_MAX);
        let crew = Crew {
            clock: clock.clone(),
            polls,
            told,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            lines: Lines::new(self.allow),
            next: 0,
        };
        let mut parts = Parts::default();
        parts.spawn("the pollers".to_owned(), crew.follow(devices, stop.clone()));
        parts.spawn(
            "the reporter".to_owned(),
            report::run(reporter, clock, outcomes, records),
        );
        parts.spawn("the publisher".to_owned(), publisher.run(recorded));
        let stopping = async move {
            stop.cancelled().await;
            stop
        };
        parts.supervise(stopping).await
    }
}

/// Makes a device from what a person entered, with every change of a reading reported.
///
/// # Errors
/// Returns what is wrong with the address.
pub fn device(
    instrument: &InstrumentKey,
    profile: Arc<Profile>,
    address: &str,
    unit: u8,
    (every, timeout): (Duration, Duration),
) -> Result<Device, &'static str> {
    let expected = "expected host:port";
    let address = Address::parse(address, Some(crate::config::MODBUS_PORT)).ok_or(expected)?;
    Ok(Device {
        name: instrument.as_str().to_owned(),
        instrument: instrument.clone(),
        dead_band: vec![0.0; profile.registers.len()],
        profile,
        way: config::Way::Tcp(address),
        unit,
        every,
        timeout,
        always: false,
    })
}

/// A device that is being polled.
struct Running {
    index: usize,
    device: Device,
    stop: CancellationToken,
}

/// The pollers.
struct Crew {
    clock: Clock,
    polls: mpsc::Sender<Heard>,
    told: watch::Sender<Vec<DeviceInfo>>,
    running: BTreeMap<String, Running>,
    tasks: JoinSet<()>,
    /// The lines in use: units behind one address share one.
    lines: Lines,
    /// Numbers pollers: what a stopped one still has under way is not taken for its successor's.
    next: usize,
}

impl Crew {
    /// Polls what is to be polled until the token is cancelled.
    async fn follow(mut self, mut devices: watch::Receiver<Devices>, stop: CancellationToken) {
        let following = async {
            loop {
                let wanted = Arc::clone(&devices.borrow_and_update());
                self.change(&wanted).await;
                tokio::select! {
                    changed = devices.changed() => if changed.is_err() {
                        // Nobody can change anything any more: go on with what is.
                        std::future::pending::<()>().await;
                    },
                    ended = self.tasks.join_next(), if !self.tasks.is_empty() => {
                        if let Some(Err(error)) = ended
                            && let Ok(panic) = error.try_into_panic()
                        {
                            std::panic::resume_unwind(panic);
                        }
                    }
                }
            }
        };
        stop.run_until_cancelled(following).await;
        for running in self.running.values() {
            running.stop.cancel();
        }
        while self.tasks.join_next().await.is_some() {}
    }

    async fn change(&mut self, wanted: &BTreeMap<String, Device>) {
        let is_wanted = |name: &String, one: &Running| wanted.get(name) == Some(&one.device);
        let mut gone = Vec::new();
        self.running.retain(|name, one| {
            let stays = is_wanted(name, one);
            if !stays {
                one.stop.cancel();
                gone.push(one.index);
            }
            stays
        });
        let mut is_changed = !gone.is_empty();
        for index in gone {
            self.say(Heard::Gone(index)).await;
        }
        for (name, device) in wanted {
            if !self.running.contains_key(name) {
                is_changed = true;
                self.start(name, device).await;
            }
        }
        if is_changed {
            let infos = wanted.values().map(Device::info).collect();
            self.told.send_replace(infos);
        }
    }

    async fn start(&mut self, name: &str, device: &Device) {
        let line = self.lines.of(&device.way);
        let (index, stop) = (self.next, CancellationToken::new());
        self.next += 1;
        self.say(Heard::Device(index, Box::new(device.clone())))
            .await;
        let poller = Poller::new(index, device.clone(), line, self.clock.clone());
        self.tasks
            .spawn(poller.run(self.polls.clone(), stop.clone()));
        let running = Running {
            index,
            device: device.clone(),
            stop,
        };
        self.running.insert(name.to_owned(), running);
    }

    /// Tells the reporter. It outlives the pollers, or the agent is ending.
    async fn say(&self, heard: Heard) {
        drop(self.polls.send(heard).await);
    }
}

#[cfg(test)]
#[path = "resident/tests.rs"]
mod tests;
