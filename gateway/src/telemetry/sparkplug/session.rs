//! What one edge node's messages mean: a fold over messages and time. Source: specification, chapter 5.
//!
//! **Order** (5.9, 6.4.19). Births and data of a node and its devices are numbered 0 to 255 around. A
//! message ahead of its turn is held for [`REORDER_MS`]; if the missing ones do not come, order is
//! lost: the node is asked to be born again, and until it is, nothing that depends on its births is
//! read: no alias, no integer whose type the message itself does not tell. What names itself is true
//! in any order and is still taken. A message that was sent before the birth that holds now (by the
//! sender's own clock) belongs to a session that is over and is dropped.
//!
//! **Death** (5.3, 6.4.25). A death counts if its `bdSeq` is that of the birth. MQTT orders messages per
//! topic only, so a will may come late, or before the birth it belongs to. One that does not fit puts
//! the node in doubt: it is asked to be born again, and is taken for gone if it stays silent. Unless it
//! is the late will of the session before, it tells of a session whose birth never came, so the births
//! known are not that node's any more: order is lost.
//!
//! **What is assumed.** A message comes at most [`REORDER_MS`] later than one sent after it, 256
//! numbered messages in a row are not all lost, and a death is not lost (it is a will of QoS 1). Then no
//! value is ever told of another metric: a birth with the number of a death of the last [`REORDER_MS`]
//! may be a late one of the session that is over, and its aliases are not read; a birth that comes
//! later than that is another session's, even if its node counts anew with each start.
//!
//! **Rebirth** (5.15). At most one request in [`ASK_MS`], and less and less often while no birth
//! answers: some edge nodes never do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::catalogue::{Catalogue, Metric};
use super::reading::{Message, Told, bd_seq_of, read_birth, read_data, seq_of};
use super::topic::Kind;
use super::{DEVICES_OF_NODE_MAX, METRICS_OF_NODE_MAX};

/// How long the missing message before one that came is waited for, in milliseconds.
pub(super) const REORDER_MS: i64 = 2_000;

/// Messages ahead of their turn that are held; one further ahead means that order is lost.
pub(super) const HELD_MAX: u8 = 16;

/// Bytes of payload that are held for one node; more means the same.
const HELD_BYTES_MAX: usize = 128 * 1024;

/// Deaths that are remembered; the next one then counts as that of any session.
const DEATHS_MAX: usize = 16;

/// Shortest and longest time between two rebirth requests to one node, in milliseconds.
pub(super) const ASK_MS: (i64, i64) = (5_000, 320_000);

/// A node in doubt that stays silent for so long is taken for gone, in milliseconds.
pub(super) const DOUBT_MS: i64 = 15_000;

/// A birth that is older than the one that holds counts if another such comes so much later: then it
/// was the node's clock that went back, not the network that was slow. In milliseconds.
pub(super) const CLOCK_BACK_MS: i64 = 1_000;

/// What is known since the last birth.
#[derive(Debug)]
struct Life {
    /// Ties its death to it; `None`: the birth did not tell.
    bd_seq: Option<u64>,
    /// When the birth was sent, by the sender's clock.
    born_ms: u64,
    /// The number of the next message.
    next: u8,
    /// False when order is lost.
    trust: bool,
    node: Catalogue,
    devices: BTreeMap<Arc<str>, Catalogue>,
}

/// A death, with the number of its birth if it told.
#[derive(Debug)]
struct Death {
    bd_seq: Option<u64>,
    at_ms: i64,
}

impl Death {
    /// Returns true if a birth with this number may be of the session that ended by it.
    fn may_end(&self, bd_seq: Option<u64>) -> bool {
        self.bd_seq.is_none() || bd_seq.is_none() || self.bd_seq == bd_seq
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Session {
    life: Option<Life>,
    /// Deaths of the last [`REORDER_MS`]: births of what they ended may still come.
    deaths: VecDeque<Death>,
    /// The number of the session before this one.
    before: Option<u64>,
    /// True from a death to the next birth.
    is_dead: bool,
    /// Messages ahead of their turn, by number.
    held: BTreeMap<u8, Message>,
    held_bytes: usize,
    /// Since when a message is missing.
    gap_since: Option<i64>,
    /// Since when it is in doubt whether it is there.
    doubt_since: Option<i64>,
    /// A birth that looked too old, and when it came.
    old_birth: Option<i64>,
    is_here: bool,
    wants_birth: bool,
    asked_ms: Option<i64>,
    ask_every_ms: i64,
}

impl Session {
    /// Takes a message.
    pub(super) fn hear(&mut self, message: Message, now_ms: i64, told: &mut Vec<Told>) {
        match message.kind {
            Kind::NodeBirth => self.birth(&message, now_ms, told),
            Kind::NodeDeath => self.death(&message, now_ms, told),
            Kind::NodeData | Kind::DeviceBirth | Kind::DeviceData | Kind::DeviceDeath => {
                self.in_turn(message, now_ms, told);
            }
        }
        self.ask(now_ms, told);
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, now_ms: i64, told: &mut Vec<Told>) {
        if self
            .gap_since
            .is_some_and(|since| now_ms - since >= REORDER_MS)
        {
            self.lose_order(told);
        }
        if self
            .doubt_since
            .is_some_and(|since| now_ms - since >= DOUBT_MS)
        {
            self.doubt_since = None;
            self.show(false, told);
        }
        self.ask(now_ms, told);
    }

    /// Returns true if the node is there, as far as known.
    pub(super) fn is_here(&self) -> bool {
        self.is_here
    }

    /// Returns the metrics of the last births, with the device they belong to.
    pub(super) fn metrics(&self) -> impl Iterator<Item = (Option<&Arc<str>>, &Metric)> {
        self.life.iter().flat_map(|life| {
            let own = life.node.metrics().map(|metric| (None, metric));
            let devices = life.devices.iter();
            let theirs =
                devices.flat_map(|(name, of)| of.metrics().map(move |metric| (Some(name), metric)));
            own.chain(theirs)
        })
    }

    /// Returns the devices that are there.
    pub(super) fn devices(&self) -> impl Iterator<Item = &Arc<str>> {
        self.life.iter().flat_map(|life| life.devices.keys())
    }

    fn birth(&mut self, message: &Message, now_ms: i64, told: &mut Vec<Told>) {
        let payload = &message.payload;
        let Some(seq) = seq_of(payload) else {
            told.push(Told::Dropped("no_sequence_number"));
            self.wants_birth = true;
            return;
        };
        let born_ms = payload.timestamp.unwrap_or(0);
        if self
            .life
            .as_ref()
            .is_some_and(|life| born_ms < life.born_ms)
        {
            let first = *self.old_birth.get_or_insert(now_ms);
            if now_ms - first < CLOCK_BACK_MS {
                told.push(Told::Dropped("older_birth"));
                self.wants_birth = true;
                return;
            }
        }
        let bd_seq = bd_seq_of(payload);
        // Its will came first, or it is a late birth of a session that is over: the birth that is
        // asked for tells.
        self.forget_deaths(now_ms);
        let is_in_doubt = self.deaths.iter().any(|death| death.may_end(bd_seq));
        self.is_dead = false;
        self.doubt_since = is_in_doubt.then_some(now_ms);
        self.wants_birth = is_in_doubt;
        self.old_birth = None;
        if !is_in_doubt {
            self.ask_every_ms = 0;
        }
        self.end_life(told);
        let node = read_birth(None, payload, METRICS_OF_NODE_MAX, told);
        self.life = Some(Life {
            bd_seq,
            born_ms,
            next: seq.wrapping_add(1),
            // A late birth of the session that died would name others' aliases.
            trust: !is_in_doubt,
            node,
            devices: BTreeMap::new(),
        });
        self.show(true, told);
        // What was sent before this birth is of a session that is over.
        self.held
            .retain(|_, held| held.payload.timestamp.is_some_and(|sent| sent >= born_ms));
        self.go_on(now_ms, told);
    }

    fn death(&mut self, message: &Message, now_ms: i64, told: &mut Vec<Told>) {
        let bd_seq = bd_seq_of(&message.payload);
        self.remember_death(bd_seq, now_ms);
        let Some(life) = &self.life else {
            self.is_dead = true;
            self.before = bd_seq;
            self.show(false, told);
            return;
        };
        if bd_seq.is_none() || bd_seq != life.bd_seq {
            told.push(Told::Dropped("death_of_another_session"));
            if bd_seq.is_none() || bd_seq != self.before {
                self.lose_order(told);
            }
            self.doubt_since.get_or_insert(now_ms);
            self.wants_birth = true;
            return;
        }
        self.end_life(told);
        self.is_dead = true;
        self.forget_held();
        self.doubt_since = None;
        self.wants_birth = false;
        self.show(false, told);
    }

    fn end_life(&mut self, told: &mut Vec<Told>) {
        let Some(life) = self.life.take() else { return };
        self.before = life.bd_seq;
        let devices = life.devices.into_keys();
        told.extend(devices.map(|device| Told::Here(Some(device), false)));
    }

    fn remember_death(&mut self, bd_seq: Option<u64>, at_ms: i64) {
        self.forget_deaths(at_ms);
        let is_full = self.deaths.len() >= DEATHS_MAX;
        if is_full {
            self.deaths.pop_back();
        }
        // One death stands for more than there is room for: it ends any session.
        let bd_seq = if is_full { None } else { bd_seq };
        self.deaths.push_back(Death { bd_seq, at_ms });
    }

    fn forget_deaths(&mut self, now_ms: i64) {
        self.deaths
            .retain(|death| now_ms - death.at_ms < REORDER_MS);
    }

    /// Takes a message that has a number, when its turn has come.
    fn in_turn(&mut self, message: Message, now_ms: i64, told: &mut Vec<Told>) {
        let Some(life) = &mut self.life else {
            self.wants_birth = true;
            if self.is_dead {
                told.push(Told::Dropped("after_death"));
            } else {
                // Nobody knows what was born, but what names itself needs no birth.
                read_data(None, &message, told);
            }
            return;
        };
        let sent = message.payload.timestamp;
        if sent.is_some_and(|sent| sent < life.born_ms) {
            told.push(Told::Dropped("before_birth"));
            self.wants_birth = true;
            return;
        }
        let Some(seq) = seq_of(&message.payload) else {
            life.trust = false;
            self.wants_birth = true;
            self.apply(&message, told);
            return;
        };
        if !life.trust {
            life.next = seq.wrapping_add(1);
            self.wants_birth = true;
            self.apply(&message, told);
            return;
        }
        let ahead = seq.wrapping_sub(life.next);
        if ahead == 0 {
            life.next = seq.wrapping_add(1);
            self.apply(&message, told);
            self.go_on(now_ms, told);
            return;
        }
        let bytes = self.held_bytes + message.bytes;
        if ahead > HELD_MAX || bytes > HELD_BYTES_MAX || self.held.contains_key(&seq) {
            self.lose_order(told);
            self.apply(&message, told);
            return;
        }
        self.held_bytes = bytes;
        self.held.insert(seq, message);
        self.gap_since.get_or_insert(now_ms);
    }

    /// Takes what is held and whose turn has come.
    fn go_on(&mut self, now_ms: i64, told: &mut Vec<Told>) {
        while let Some(life) = &mut self.life
            && let Some(message) = self.held.remove(&life.next)
        {
            life.next = life.next.wrapping_add(1);
            self.apply(&message, told);
        }
        self.held_bytes = self.held.values().map(|held| held.bytes).sum();
        // What is still missing is waited for anew.
        self.gap_since = (!self.held.is_empty()).then_some(now_ms);
    }

    /// Order is lost: what is held is read as far as it names itself.
    fn lose_order(&mut self, told: &mut Vec<Told>) {
        self.wants_birth = true;
        let Some(life) = &mut self.life else {
            self.forget_held();
            return;
        };
        life.trust = false;
        let next = life.next;
        let mut held: Vec<(u8, Message)> = std::mem::take(&mut self.held).into_iter().collect();
        held.sort_by_key(|(seq, _)| seq.wrapping_sub(next));
        for (_, message) in held {
            self.apply(&message, told);
        }
        self.forget_held();
    }

    fn forget_held(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
        self.gap_since = None;
    }

    /// Reads a message whose turn has come, or whose order is lost.
    fn apply(&mut self, message: &Message, told: &mut Vec<Told>) {
        self.doubt_since = None;
        self.show(true, told);
        let Some(life) = &mut self.life else { return };
        let device = message.device.as_ref();
        match (message.kind, device) {
            (Kind::DeviceBirth, Some(name)) => {
                if life.devices.len() >= DEVICES_OF_NODE_MAX && !life.devices.contains_key(name) {
                    told.push(Told::Dropped("too_many_devices"));
                    return;
                }
                life.devices.remove(name);
                let others = life.devices.values().map(Catalogue::len).sum::<usize>();
                let room = METRICS_OF_NODE_MAX.saturating_sub(life.node.len() + others);
                let mut born = read_birth(Some(name), &message.payload, room, told);
                born.part_from(&mut life.node);
                for other in life.devices.values_mut() {
                    born.part_from(other);
                }
                life.devices.insert(Arc::clone(name), born);
                told.push(Told::Here(Some(Arc::clone(name)), true));
            }
            (Kind::DeviceDeath, Some(name)) => {
                life.devices.remove(name);
                told.push(Told::Here(Some(Arc::clone(name)), false));
            }
            (_, Some(name)) => {
                let catalogue = life.devices.get(name).map(|born| (born, life.trust));
                self.wants_birth |= catalogue.is_none() | read_data(catalogue, message, told);
            }
            (_, None) => {
                let catalogue = Some((&life.node, life.trust));
                self.wants_birth |= read_data(catalogue, message, told);
            }
        }
    }

    fn show(&mut self, is_here: bool, told: &mut Vec<Told>) {
        if std::mem::replace(&mut self.is_here, is_here) != is_here {
            told.push(Told::Here(None, is_here));
        }
    }

    /// Asks for a birth if one is wanted and the last request is long enough ago.
    fn ask(&mut self, now_ms: i64, told: &mut Vec<Told>) {
        let every = self.ask_every_ms.clamp(ASK_MS.0, ASK_MS.1);
        let is_due = self.asked_ms.is_none_or(|asked| now_ms - asked >= every);
        if self.wants_birth && is_due {
            self.asked_ms = Some(now_ms);
            self.ask_every_ms = every * 2;
            // The dead are asked once: whatever came of them may have been late.
            self.wants_birth = !self.is_dead;
            told.push(Told::Rebirth);
        }
    }
}
