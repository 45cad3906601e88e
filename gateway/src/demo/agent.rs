//! One simulated agent: the real agent's own publisher and outbox, fed by a laboratory instead of
//! devices. Away now and then, as machines in laboratories are.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use agents::clock::Clock;
use agents::config::{Gateway, Secret};
use agents::fleet::{SeriesSource, SimulatedAgent};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wire::{AgentName, Clocks, DeviceInfo, Series};

use super::generate::{Machine, World};
use super::lab::{self, Lab, REPORT_S};
use super::meter;

/// How often a laboratory's meters are read.
const READ_EVERY: Duration = Duration::from_secs(1);

/// Seconds that are read again after a pause; what lies before is lost.
const CATCH_UP_S: i64 = 60;

/// A simulated agent.
#[derive(Debug)]
pub(super) struct Agent {
    /// Its name.
    pub(super) name: AgentName,
    /// Its secret.
    pub(super) secret: String,
    /// Its number among the agents, from 0.
    pub(super) number: usize,
    /// Its laboratory; others tell it of new bookings.
    pub(super) lab: Arc<Mutex<Lab>>,
    /// The world the laboratory is part of.
    pub(super) world: Arc<World>,
    /// Where it connects.
    pub(super) gateway: Gateway,
    /// The end of its history, in seconds since 1970 UTC.
    pub(super) told_s: i64,
}

impl Agent {
    /// Lives until asked to stop, beginning when its history is committed.
    pub(super) async fn run(
        mut self,
        clock: Clock,
        history: Option<oneshot::Receiver<()>>,
        stop: CancellationToken,
    ) -> Result<(), Infallible> {
        if let Some(history) = history {
            // An error means that the gateway stops; the agent then ends by itself.
            stop.run_until_cancelled(history).await;
        }
        while !stop.is_cancelled() {
            if self.is_connected(&clock) {
                self.session(&clock, &stop).await;
            } else {
                stop.run_until_cancelled(tokio::time::sleep(READ_EVERY))
                    .await;
            }
        }
        Ok(())
    }

    fn is_connected(&self, clock: &Clock) -> bool {
        lab::is_connected(self.world.seed, self.number, clock.now().wall_ms / 1_000)
    }

    /// Runs the real agent's code until it is time to go away, or to stop.
    async fn session(&mut self, clock: &Clock, stop: &CancellationToken) {
        let leave = stop.child_token();
        let agent = SimulatedAgent {
            name: self.name.clone(),
            secret: Secret::new(self.secret.clone()),
            gateway: self.gateway.clone(),
            devices: self.devices(),
            report_every: Duration::from_secs(REPORT_S.unsigned_abs()),
            ask_every: READ_EVERY,
            ask_after: Duration::ZERO,
            source: Box::new(Reader {
                lab: Arc::clone(&self.lab),
                world: Arc::clone(&self.world),
                read_s: self.told_s,
            }),
        };
        let leaving = async {
            while self.is_connected(clock) && !leave.is_cancelled() {
                leave
                    .run_until_cancelled(tokio::time::sleep(READ_EVERY))
                    .await;
            }
            leave.cancel();
        };
        tokio::join!(agent.run(clock.clone(), leave.clone()), leaving);
        self.told_s = clock.now().wall_ms / 1_000;
    }

    fn devices(&self) -> Vec<DeviceInfo> {
        let lab = locked(&self.lab);
        let machines = lab.machines().filter_map(|at| self.world.machines.get(at));
        let device = |machine: &Machine| DeviceInfo {
            name: format!("meter-{}", machine.number + 1),
            profile: "simulated".into(),
            instrument: machine.key.clone(),
            channels: meter::channels(machine.class, machine.alarm),
        };
        machines.map(device).collect()
    }
}

/// Reads a laboratory for every second that has passed.
struct Reader {
    lab: Arc<Mutex<Lab>>,
    world: Arc<World>,
    /// The last second that was read.
    read_s: i64,
}

impl SeriesSource for Reader {
    fn due(&mut self, now: Clocks) -> Vec<Series> {
        let now_s = now.wall_ms / 1_000;
        let first = (self.read_s + 1).max(now_s - CATCH_UP_S);
        let mut due = Vec::new();
        let mut lab = locked(&self.lab);
        for second in first..=now_s {
            let series = lab.tick(&self.world, second).unwrap_or_default();
            // The laboratory counts from its second, the agent from now.
            let ago_ms = now.wall_ms - second * 1_000;
            due.extend(series.into_iter().map(|mut one| {
                one.offsets_ms
                    .iter_mut()
                    .for_each(|offset| *offset -= ago_ms);
                one
            }));
        }
        drop(lab);
        self.read_s = self.read_s.max(now_s);
        due
    }
}

/// Locks a laboratory.
pub(super) fn locked(lab: &Mutex<Lab>) -> MutexGuard<'_, Lab> {
    lab.lock().expect("nobody panics while holding this lock")
}

#[cfg(test)]
mod tests {
    use super::super::generate::{Feed, SEED, Size};
    use super::*;

    #[test]
    fn a_reader_catches_up_and_never_reads_a_second_twice() {
        let now_s = 1_777_824_000 + 36_420;
        let size = Size {
            instruments: 30,
            history_days: 1,
            now_min: now_s / 60,
        };
        let world = Arc::new(World::make(SEED, size));
        let simulated = |at: &usize| world.machines[*at].feed == Feed::Simulated;
        let machines = (0..world.machines.len()).filter(simulated);
        let lab = Arc::new(Mutex::new(Lab::new(&world, 0, machines.map(|at| (at, 0)))));
        let mut reader = Reader {
            lab,
            world,
            read_s: now_s,
        };
        let clocks = |s: i64, ms: i64| Clocks {
            wall_ms: (now_s + s) * 1_000 + ms,
            mono_ms: s,
        };
        assert!(reader.due(clocks(0, 900)).is_empty());
        let due = reader.due(clocks(21, 300));
        assert!(!due.is_empty());
        let offsets: Vec<i64> = due.iter().flat_map(|one| one.offsets_ms.clone()).collect();
        assert!(
            offsets
                .iter()
                .all(|offset| (-20_300..=-300).contains(offset))
        );
        assert!(reader.due(clocks(21, 900)).is_empty());
        assert!(
            reader.due(clocks(5, 0)).is_empty(),
            "a clock that goes back is waited for"
        );
    }
}
