//! What is published: read by everybody without waiting, written by the recorder after its commits.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use bytes::Bytes;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::{Micros, SECOND_US};
use wire::AgentName;

use super::mapping::Why;
use super::sparkplug::{NODES_MAX, NodeName, to_give_up};
use super::unknown::{UnknownBook, UnknownDevice};
use super::view::{AgentView, Counts, EdgeNodeView, MachineView, SourceView};
use crate::histogram::Histogram;
use crate::registry::SourceName;

/// Counters; each is added to by the recorder alone.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) messages: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) points: AtomicU64,
    pub(super) late_points: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) gaps: AtomicU64,
    pub(super) damaged_outboxes: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) commit_time: Histogram,
    pub(super) ingest_lag: Histogram,
    pub(super) commit_failures: AtomicU64,
    pub(super) acks: AtomicU64,
    pub(super) foreign_messages: AtomicU64,
    pub(super) foreign_readings: AtomicU64,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

/// Everything that is published.
#[derive(Debug, Default)]
pub(super) struct Board {
    machines: RwLock<HashMap<InstrumentId, MachineView>>,
    agents: RwLock<HashMap<AgentName, AgentView>>,
    rejected: Mutex<BTreeMap<&'static str, u64>>,
    sources: Mutex<HashMap<SourceName, SourceView>>,
    unknown: Mutex<UnknownBook>,
    edge_nodes: Mutex<BTreeMap<NodeName, Arc<EdgeNodeView>>>,
    dropped: Mutex<BTreeMap<&'static str, u64>>,
    /// Why nothing can be committed now.
    trouble: Mutex<Option<String>>,
    /// When the oldest message came that is not committed yet, by the monotonic clock; 0: there is
    /// none.
    waits_since_us: AtomicI64,
    pub(super) counters: Counters,
}

/// Commits come every 200 ms; a message that waits so long is told to operators, in microseconds.
const SLOW_US: i64 = 10 * SECOND_US;

const UNBROKEN: &str = "nobody panics while holding this lock";

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect(UNBROKEN)
}

impl Board {
    /// Returns an instrument's state.
    pub(super) fn machine(&self, instrument: InstrumentId) -> MachineView {
        let machines = self.machines.read().expect(UNBROKEN);
        machines
            .get(&instrument)
            .copied()
            .unwrap_or(MachineView::UNKNOWN)
    }

    /// Returns all instruments that ever reported, in no order.
    pub(super) fn machines(&self) -> Vec<(InstrumentId, MachineView)> {
        let machines = self.machines.read().expect(UNBROKEN);
        machines.iter().map(|(id, view)| (*id, *view)).collect()
    }

    /// Returns what is known of an agent.
    pub(super) fn agent(&self, name: &AgentName) -> Option<AgentView> {
        self.agents.read().expect(UNBROKEN).get(name).cloned()
    }

    /// Returns how many agents are connected.
    pub(super) fn agents_online(&self) -> u64 {
        let agents = self.agents.read().expect(UNBROKEN);
        let online = agents.values().filter(|agent| agent.online).count();
        u64::try_from(online).expect("usize fits in u64")
    }

    /// Returns how many connected agents' wall clocks are off, and by how many milliseconds the
    /// worst is.
    fn clocks(&self) -> (u64, u64) {
        let agents = self.agents.read().expect(UNBROKEN);
        let online = agents.values().filter(|agent| agent.online);
        online.fold((0, 0), |(off, worst), agent| {
            let skew = agent.clock_skew_ms.unwrap_or(0).unsigned_abs();
            (off + u64::from(agent.is_clock_off()), worst.max(skew))
        })
    }

    pub(super) fn publish_machines(
        &self,
        views: impl IntoIterator<Item = (InstrumentId, MachineView)>,
    ) {
        self.machines.write().expect(UNBROKEN).extend(views);
    }

    pub(super) fn publish_agents(&self, views: impl IntoIterator<Item = AgentView>) {
        let views = views.into_iter().map(|view| (view.name.clone(), view));
        self.agents.write().expect(UNBROKEN).extend(views);
    }

    /// Counts a rejection.
    pub(super) fn reject(&self, reason: &'static str) {
        *locked(&self.rejected).entry(reason).or_insert(0) += 1;
    }

    /// Takes note of a message of a foreign source.
    pub(super) fn see_source(&self, name: &SourceName, now: Micros, is_at_most_once: bool) {
        let mut sources = locked(&self.sources);
        let messages = sources.get(name).map_or(0, |seen| seen.messages) + 1;
        let seen = SourceView {
            messages,
            last_seen: now,
            is_at_most_once,
        };
        match sources.get_mut(name) {
            Some(held) => *held = seen,
            None => drop(sources.insert(name.clone(), seen)),
        }
    }

    /// Returns what is known of a foreign source; `None` if it sent nothing since the start.
    pub(super) fn source(&self, name: &SourceName) -> Option<SourceView> {
        locked(&self.sources).get(name).copied()
    }

    /// Takes note of a message that nobody takes.
    pub(super) fn see_unknown(
        &self,
        lab: NodeId,
        source: &SourceName,
        message: (&str, &Bytes),
        why: Why,
        now: Micros,
    ) {
        locked(&self.unknown).see(lab, source, message, why, now);
    }

    /// Takes note of an edge node, at most as many as are followed.
    pub(super) fn see_edge_node(&self, view: EdgeNodeView) {
        let mut nodes = locked(&self.edge_nodes);
        if nodes.len() >= NODES_MAX && !nodes.contains_key(&view.listed.name) {
            let ranked = nodes.iter();
            let ranked = ranked.map(|(name, view)| (name, view.lab, view.changed_at));
            if let Some(oldest) = to_give_up(ranked, view.lab).cloned() {
                nodes.remove(&oldest);
            }
        }
        nodes.insert(view.listed.name.clone(), Arc::new(view));
    }

    /// Returns the edge nodes by name.
    pub(super) fn edge_nodes(&self) -> Vec<Arc<EdgeNodeView>> {
        locked(&self.edge_nodes).values().map(Arc::clone).collect()
    }

    /// Returns the unknown devices, in no order.
    pub(super) fn unknown(&self) -> Vec<UnknownDevice> {
        locked(&self.unknown).all()
    }

    /// Counts records that an agent says it dropped.
    pub(super) fn drop_records(&self, reason: &'static str, records: u64) {
        let mut dropped = locked(&self.dropped);
        let count = dropped.entry(reason).or_insert(0);
        *count = count.saturating_add(records);
    }

    /// Says why nothing can be committed, or that it can again.
    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *locked(&self.trouble) = trouble;
    }

    /// Returns why nothing can be committed, or that it takes too long.
    pub(super) fn trouble(&self, mono_us: i64) -> Option<String> {
        let trouble = locked(&self.trouble).clone();
        trouble.or_else(|| {
            let since_us = self.waits_since_us.load(Ordering::Relaxed);
            let waits_us = mono_us.saturating_sub(since_us);
            (since_us != 0 && waits_us >= SLOW_US).then(|| {
                let seconds = waits_us / SECOND_US;
                format!(
                    "遥测写入缓慢，最早的消息已等待 {seconds} 秒 / telemetry is slow: the oldest \
                     message has waited {seconds} s for its commit"
                )
            })
        })
    }

    /// Notes that a message waits for its commit. Only the recorder does.
    pub(super) fn note_waiting(&self, mono_us: i64) {
        if self.waits_since_us.load(Ordering::Relaxed) == 0 {
            self.waits_since_us.store(mono_us.max(1), Ordering::Relaxed);
        }
    }

    /// Notes that all that waited is committed.
    pub(super) fn note_committed(&self) {
        self.waits_since_us.store(0, Ordering::Relaxed);
    }

    /// Returns all counts.
    pub(super) fn counts(&self, queued: u64, queued_bytes: u64) -> Counts {
        let counters = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (clocks_off, clock_skew_ms_max) = self.clocks();
        Counts {
            messages: read(&counters.messages),
            batches: read(&counters.batches),
            points: read(&counters.points),
            late_points: read(&counters.late_points),
            duplicates: read(&counters.duplicates),
            gaps: read(&counters.gaps),
            dropped: locked(&self.dropped).clone(),
            damaged_outboxes: read(&counters.damaged_outboxes),
            rejected: locked(&self.rejected).clone(),
            commits: read(&counters.commits),
            commit_time: counters.commit_time.view(),
            ingest_lag: counters.ingest_lag.view(),
            commit_failures: read(&counters.commit_failures),
            acks: read(&counters.acks),
            foreign_messages: read(&counters.foreign_messages),
            foreign_readings: read(&counters.foreign_readings),
            unknown_forgotten: locked(&self.unknown).forgotten,
            queued,
            queued_bytes,
            agents_online: self.agents_online(),
            clocks_off,
            clock_skew_ms_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_waits_long_for_its_commit_is_told() {
        let board = Board::default();
        board.note_waiting(0);
        board.note_waiting(9 * SECOND_US);
        assert_eq!(board.trouble(SLOW_US), None);
        let told = board.trouble(SLOW_US + 1).unwrap();
        assert!(told.contains("10 秒"), "{told}");
        board.note_committed();
        assert_eq!(board.trouble(SLOW_US * 2), None);
    }
}
