//! The recorder: collects a group, commits it, and only then acknowledges and publishes it.

use std::sync::Arc;
use std::time::Duration;

use scheduler::time::SECOND_US;
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{Ack, AgentName, Down, Topic};

use super::board::{Board, add};
use super::collect::Collector;
use super::collected::Collected;
use super::intake::Queued;
use super::subscribe::Downlink;
use super::view::LiveChange;
use crate::clock::Clock;
use crate::history::{HistoryError, Prepared, Writer};

/// The longest a message waits for its group to be committed, and the shortest time between commits
/// under load: five commits a second, each of what came meanwhile.
const COMMIT_EVERY: Duration = Duration::from_millis(200);

/// The shortest a group is collected when nothing was committed for longer than that.
const COLLECT_MIN: Duration = Duration::from_millis(25);

/// Most messages in a group.
const GROUP_MESSAGES_MAX: usize = 8_192;

/// Most points in a group; a little more if the last message brings many.
const GROUP_POINTS_MAX: u64 = 250_000;

/// Most messages taken from the queue in one go.
const TAKE_MAX: usize = 256;

/// How often dwell and silence are looked at.
const TICK: Duration = Duration::from_millis(250);

/// Without anything to commit an empty group is: it proves that the store still takes what comes.
const PROBE_EVERY: Duration = Duration::from_secs(10);

/// First and longest time between attempts of a commit that fails.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// The one task that owns everything that is folded from messages.
pub(super) struct Recorder {
    pub(super) clock: Clock,
    pub(super) collector: Collector,
    pub(super) writer: Writer,
    pub(super) board: Arc<Board>,
    pub(super) live: broadcast::Sender<Arc<LiveChange>>,
    pub(super) downlink: Arc<dyn Downlink>,
}

impl Recorder {
    /// Works until asked to stop, and then commits what has come so far.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Queued>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut committed = Instant::now();
        let mut due: Option<Instant> = None;
        let mut taken = Vec::with_capacity(TAKE_MAX);
        loop {
            let commit_at = due.unwrap_or(committed + PROBE_EVERY);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(commit_at) => {
                    if !self.commit(&stop).await {
                        return;
                    }
                    committed = Instant::now();
                    due = None;
                }
                count = queue.recv_many(&mut taken, TAKE_MAX) => {
                    if count == 0 {
                        break;
                    }
                    self.take(&mut taken);
                    let soon = (Instant::now() + COLLECT_MIN).max(committed + COMMIT_EVERY);
                    due = Some(if self.is_full() {
                        Instant::now()
                    } else {
                        due.unwrap_or(soon)
                    });
                }
                _ = tick.tick() => {
                    let (now, mono_us) = (self.clock.now(), self.clock.mono_us());
                    self.collector.tick(&mut self.writer, now, mono_us);
                    if self.collector.has_something() || self.writer.is_due(now) {
                        due.get_or_insert(Instant::now());
                    }
                }
            }
        }
        self.finish(queue, &stop).await;
    }

    /// Commits what waits in the queue. What comes later is not taken and not acknowledged.
    async fn finish(&mut self, mut queue: mpsc::Receiver<Queued>, stop: &CancellationToken) {
        queue.close();
        while let Ok(queued) = queue.try_recv() {
            self.take(&mut vec![queued]);
            if self.is_full() && !self.commit(stop).await {
                return;
            }
        }
        self.commit(stop).await;
    }

    fn take(&mut self, taken: &mut Vec<Queued>) {
        self.collector.is_watched = self.live.receiver_count() > 0;
        self.board.note_waiting(self.clock.mono_us());
        for queued in taken.drain(..) {
            let now = self.clock.now();
            self.collector.take(queued.inbound, &mut self.writer, now);
        }
    }

    fn is_full(&self) -> bool {
        let (messages, points) = self.collector.collected_size();
        messages >= GROUP_MESSAGES_MAX || points >= GROUP_POINTS_MAX
    }

    /// Commits the group, repeating it until it succeeds. Returns false if a stop was asked for
    /// first: then nothing of it is acknowledged.
    async fn commit(&mut self, stop: &CancellationToken) -> bool {
        let mut collected = self.collector.take_collected();
        let group = std::mem::take(&mut collected.group);
        let states = group.states.clone();
        let newest: Vec<i64> = group
            .rows
            .iter()
            .filter_map(|(_, rows)| rows.times_ms().last().copied())
            .collect();
        let mut prepared = self.writer.prepare(group, self.clock.now());
        let began = Instant::now();
        if !self.write(&mut prepared, stop).await {
            return false;
        }
        self.writer.apply(prepared);
        self.board.note_committed();
        let counters = &self.board.counters;
        let us = began.elapsed().as_micros();
        add(&counters.commits, 1);
        counters
            .commit_time
            .observe(u64::try_from(us).unwrap_or(u64::MAX));
        let now_us = self.clock.now().get();
        for time_ms in newest {
            let lag_us = now_us.saturating_sub(time_ms.saturating_mul(1_000));
            counters
                .ingest_lag
                .observe(u64::try_from(lag_us).unwrap_or(0));
        }
        add(&counters.points, collected.points);
        self.collector
            .publish(&collected.machines, &collected.agents);
        let readings: Vec<_> = std::mem::take(&mut collected.readings)
            .into_values()
            .collect();
        if !states.is_empty() || !readings.is_empty() {
            // Fails when nobody listens.
            drop(self.live.send(Arc::new(LiveChange { states, readings })));
        }
        self.acknowledge(collected).await;
        true
    }

    /// Writes a group, as often as needed.
    async fn write(&mut self, prepared: &mut Prepared, stop: &CancellationToken) -> bool {
        let mut wait = RETRY.0;
        let mut failed_at = None;
        loop {
            match self.writer.execute(prepared).await {
                Ok(()) => break,
                Err(error) => {
                    failed_at.get_or_insert_with(|| self.clock.now());
                    self.report(&error, wait);
                }
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(wait) => {}
            }
            wait = (wait * 2).min(RETRY.1);
        }
        if let Some(failed_at) = failed_at {
            let lasted_s = (self.clock.now() - failed_at) / SECOND_US;
            tracing::info!(lasted_s, "the telemetry store takes readings again");
            self.board.set_trouble(None);
        }
        true
    }

    fn report(&self, error: &HistoryError, wait: Duration) {
        add(&self.board.counters.commit_failures, 1);
        let why = error.for_operators();
        tracing::error!(
            why,
            wait_ms = wait.as_millis(),
            "readings cannot be committed"
        );
        self.board.set_trouble(Some(why));
    }

    /// Tells transports and agents what is committed.
    async fn acknowledge(&self, collected: Collected) {
        for acknowledge in collected.acknowledges {
            acknowledge.fire();
        }
        for stream in collected.streams {
            if let Some((agent, ack)) = self.writer.ack(stream) {
                self.send(agent, &ack).await;
            }
        }
        for (topic, payload) in collected.commands {
            self.downlink.send(topic, payload).await;
        }
        for (agent, ack) in collected.strangers {
            self.send(&agent, &ack).await;
        }
    }

    async fn send(&self, agent: &AgentName, ack: &Ack) {
        let topic = Topic::Down(agent.clone(), Down::Ack).to_string();
        add(&self.board.counters.acks, 1);
        self.downlink.send(topic, wire::encode(ack)).await;
    }
}
