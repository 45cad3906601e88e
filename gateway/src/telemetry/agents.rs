//! Which agents are there: from their status, last will and messages. Pure.

use std::collections::{BTreeSet, HashMap};

use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use wire::{AgentName, BootId, Hello, InstrumentKey, Quality, Status};

use super::judge::stale_ms;
use super::state::Terms;
use super::view::{AgentView, CLOCK_SKEW_MS_MAX};
use crate::history::AgentRow;
use crate::registry::{Directory, Instrument};

/// Most names of devices kept for one agent.
const DEVICES_MAX: usize = wire::DEVICES_MAX;

/// Most refused keys kept for one agent; who reports more has the same fault everywhere.
const REFUSED_MAX: usize = 50;

/// What is known of one agent.
#[derive(Debug, Clone)]
struct Agent {
    online: bool,
    /// Boot and count of the connect that the status belongs to.
    connect: Option<(BootId, u64)>,
    seen: Micros,
    version: Option<String>,
    /// How often it reports at the latest, as it promised.
    report_every_ms: Option<i64>,
    /// Its wall clock minus the gateway's.
    clock_skew_ms: Option<i64>,
    /// Its devices and the instruments they are for.
    devices: Vec<(String, InstrumentKey)>,
    /// Keys it reported and may not speak for.
    refused: BTreeSet<InstrumentKey>,
}

/// All agents that were ever heard of.
#[derive(Debug, Default)]
pub(super) struct AgentBook {
    agents: HashMap<AgentName, Agent>,
    /// Instruments whose device does not answer, and why, as its agent said.
    unreachable: HashMap<InstrumentId, Quality>,
    /// Of the directory that revoked agents were last looked for in.
    generation: Option<u64>,
}

impl AgentBook {
    /// Starts from what the store remembers; nobody is online until it says so.
    pub(super) fn new(rows: Vec<AgentRow>) -> Self {
        let agents = rows.into_iter().map(|row| {
            let agent = Agent {
                online: false,
                connect: None,
                seen: row.seen,
                version: (!row.version.is_empty()).then_some(row.version),
                report_every_ms: row.report_every_ms,
                clock_skew_ms: None,
                devices: Vec::new(),
                refused: BTreeSet::new(),
            };
            (row.name, agent)
        });
        Self {
            agents: agents.collect(),
            unreachable: HashMap::new(),
            generation: None,
        }
    }

    fn agent(&mut self, name: &AgentName, now: Micros) -> &mut Agent {
        if !self.agents.contains_key(name) {
            let agent = Agent {
                online: false,
                connect: None,
                seen: now,
                version: None,
                report_every_ms: None,
                clock_skew_ms: None,
                devices: Vec::new(),
                refused: BTreeSet::new(),
            };
            self.agents.insert(name.clone(), agent);
        }
        let agent = self.agents.get_mut(name).expect("it was just added");
        agent.seen = now;
        agent
    }

    /// Takes note of a message.
    pub(super) fn see(&mut self, name: &AgentName, now: Micros) {
        self.agent(name, now);
    }

    /// Takes note of how an agent's wall clock stands, and says so once when it is off.
    pub(super) fn clock(&mut self, name: &AgentName, skew_ms: Option<i64>) {
        let Some(agent) = self.agents.get_mut(name) else {
            return;
        };
        let is_off = |skew: Option<i64>| skew.is_some_and(|skew| skew.abs() > CLOCK_SKEW_MS_MAX);
        if is_off(skew_ms) && !is_off(agent.clock_skew_ms) {
            tracing::warn!(agent = %name, skew_ms, "an agent's wall clock is off");
        }
        agent.clock_skew_ms = skew_ms;
    }

    /// Takes a status. A last will of an earlier connect is passed over: it may arrive after the
    /// status of the next one. Returns true if the agent came or went.
    pub(super) fn status(&mut self, name: &AgentName, status: &Status, now: Micros) -> bool {
        let agent = self.agent(name, now);
        let is_earlier = agent.connect.as_ref().is_some_and(|(boot, connect)| {
            if *boot == status.boot {
                status.connect < *connect
            } else {
                // Boots have no order: only news of a new one is believed.
                !status.online
            }
        });
        if is_earlier {
            return false;
        }
        let changed = agent.online != status.online;
        agent.online = status.online;
        agent.connect = Some((status.boot.clone(), status.connect));
        changed
    }

    /// Follows the directory: whoever was revoked is gone, whatever it said last. Returns those that
    /// were there; `None` if the directory is the same as the last time.
    pub(super) fn follow(&mut self, directory: &Directory) -> Option<Vec<AgentName>> {
        if self.generation.replace(directory.generation) == Some(directory.generation) {
            return None;
        }
        let mut gone = Vec::new();
        for (name, agent) in &mut self.agents {
            if agent.online && !directory.agents.contains_key(name) {
                agent.online = false;
                gone.push(name.clone());
            }
        }
        Some(gone)
    }

    /// Takes a hello.
    pub(super) fn hello(&mut self, name: &AgentName, hello: &Hello, now: Micros) -> AgentRow {
        let agent = self.agent(name, now);
        agent.version = Some(hello.version.clone());
        agent.report_every_ms = i64::try_from(hello.report_every_ms).ok();
        let devices = hello.devices.iter().take(DEVICES_MAX);
        // It has been started anew, perhaps with other settings: what is still wrong comes again.
        agent.refused.clear();
        agent.devices = devices
            .map(|device| (device.name.clone(), device.instrument.clone()))
            .collect();
        AgentRow {
            name: name.clone(),
            version: hello.version.clone(),
            seen: now,
            report_every_ms: agent.report_every_ms,
        }
    }

    /// Returns what an instrument is judged by: its rule, and the interval that its agent promised.
    pub(super) fn terms<'i>(&self, directory: &Directory, instrument: &'i Instrument) -> Terms<'i> {
        let rule = &instrument.state_rule;
        let agent = directory.agent_of(instrument);
        let agent = agent.and_then(|agent| self.agents.get(agent));
        let promised = agent.and_then(|agent| agent.report_every_ms);
        Terms {
            rule,
            stale_ms: stale_ms(rule, promised),
        }
    }

    /// Takes note of keys an agent reports without speaking for them.
    pub(super) fn refuse(&mut self, name: &AgentName, keys: Vec<InstrumentKey>) {
        let Some(agent) = self.agents.get_mut(name) else {
            return;
        };
        for key in keys {
            if agent.refused.len() < REFUSED_MAX {
                agent.refused.insert(key);
            }
        }
    }

    /// Takes note of whether a device answers.
    pub(super) fn device(
        &mut self,
        name: &AgentName,
        device: &str,
        answer: Result<(), Quality>,
        directory: &Directory,
    ) {
        let Some(agent) = self.agents.get(name) else {
            return;
        };
        let of_device = agent.devices.iter().filter(|(known, _)| known == device);
        for (_, key) in of_device {
            let Some(instrument) = directory.speaks_for(name, key) else {
                continue;
            };
            match answer {
                Ok(()) => self.unreachable.remove(&instrument.id),
                Err(quality) => self.unreachable.insert(instrument.id, quality),
            };
        }
    }

    /// Returns why an instrument's device does not answer, if its agent said so.
    pub(super) fn unreachable(&self, instrument: InstrumentId) -> Option<Quality> {
        self.unreachable.get(&instrument).copied()
    }

    /// Returns true if the agent is there.
    pub(super) fn is_online(&self, name: &AgentName) -> bool {
        self.agents.get(name).is_some_and(|agent| agent.online)
    }

    /// Returns what the rest of the gateway sees of an agent.
    pub(super) fn view(&self, name: &AgentName) -> Option<AgentView> {
        self.agents.get(name).map(|agent| AgentView {
            name: name.clone(),
            online: agent.online,
            last_seen: agent.seen,
            report_every_ms: agent.report_every_ms,
            clock_skew_ms: agent.clock_skew_ms,
            version: agent.version.clone(),
            refused_keys: agent.refused.iter().cloned().collect(),
        })
    }

    /// Returns the names of all.
    pub(super) fn names(&self) -> impl Iterator<Item = &AgentName> {
        self.agents.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::bench;

    #[test]
    fn refused_keys_are_few_and_forgotten_with_the_next_start() {
        let mut book = AgentBook::default();
        let name = AgentName::parse("lab-1").unwrap();
        let key = |number: usize| InstrumentKey::parse(&format!("K-{number}")).unwrap();
        book.refuse(&name, vec![key(1)]);
        assert!(book.view(&name).is_none(), "nobody is made by it");
        book.see(&name, Micros::new(0));
        book.refuse(&name, vec![key(2), key(1), key(2)]);
        assert_eq!(book.view(&name).unwrap().refused_keys, [key(1), key(2)]);
        book.refuse(&name, (0..1_000).map(key).collect());
        assert_eq!(book.view(&name).unwrap().refused_keys.len(), REFUSED_MAX);
        let clocks = wire::Clocks {
            wall_ms: 0,
            mono_ms: 0,
        };
        let hello = Hello {
            version: "1".to_owned(),
            stream: wire::StreamId::parse(&"0a".repeat(16)).unwrap(),
            oldest: 1,
            next: 1,
            boot: BootId::parse("b").unwrap(),
            sent: clocks,
            report_every_ms: 1_000,
            devices: Vec::new(),
        };
        book.hello(&name, &hello, Micros::new(1));
        assert!(book.view(&name).unwrap().refused_keys.is_empty());
    }

    #[test]
    fn a_revoked_agent_is_gone_whatever_it_said_last() {
        let mut directory = bench::directory(&[("K-1", 1, "lab-1"), ("K-2", 2, "lab-2")]);
        let name = |text| AgentName::parse(text).unwrap();
        let mut book = AgentBook::default();
        for agent in ["lab-1", "lab-2"] {
            let status = Status {
                boot: BootId::parse("a").unwrap(),
                connect: 1,
                online: true,
            };
            book.status(&name(agent), &status, Micros::new(0));
        }
        assert_eq!(book.follow(&directory), Some(Vec::new()));
        directory.agents.remove(&name("lab-1"));
        assert!(
            book.follow(&directory).is_none(),
            "looked for once a change"
        );
        directory.generation += 1;
        assert_eq!(book.follow(&directory), Some(vec![name("lab-1")]));
        assert!(!book.is_online(&name("lab-1")) && book.is_online(&name("lab-2")));
        let of_it = directory
            .instruments
            .values()
            .find(|one| one.key.as_str() == "K-1");
        assert_eq!(directory.agent_of(of_it.unwrap()), None);
    }

    #[test]
    fn a_late_will_of_an_earlier_connect_silences_nobody() {
        let mut book = AgentBook::default();
        let name = AgentName::parse("lab-1").unwrap();
        let mut tell = |boot: &str, connect, online| {
            let status = Status {
                boot: BootId::parse(boot).unwrap(),
                connect,
                online,
            };
            book.status(&name, &status, Micros::new(0));
            book.is_online(&name)
        };
        assert!(tell("a", 1, true));
        assert!(!tell("a", 1, false));
        assert!(tell("a", 2, true));
        assert!(tell("a", 1, false), "the will of connect 1 comes late");
        assert!(tell("b", 1, true));
        assert!(
            tell("a", 2, false),
            "the will of the boot before comes late"
        );
        assert!(!tell("b", 1, false));
    }
}
