//! An outbox beside a gateway that remembers everything, and what must hold between them.
//!
//! The promises that are checked after any sequence of steps:
//! - The gateway never gets one number of a stream for two records.
//! - A committed record comes to the gateway, or its loss is reported; an event always comes. Only
//!   what a torn file held without an ack may be lost without a word.
//! - All numbers that never come are within reports, and the reports count as many or more.
//! - After a commit the outbox is within its bounds, and nothing in it is too old.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::gateway::{Received, check_reports};
use super::*;

/// Small enough to be full often; its events always fit.
const LIMITS: Limits = Limits {
    bytes: 16 * 1024,
    age: Duration::from_hours(2),
};

/// A commit may go beyond the bound by its reports.
const REPORTS: u64 = 1_024;

/// How a file is torn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tear {
    /// The log, or the database itself.
    pub(super) log: bool,
    /// So many of the last bytes,
    pub(super) bytes: usize,
    /// are flipped, or cut off.
    pub(super) flips: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Readings, or an event, are offered.
    Offer {
        event: bool,
        count: u8,
    },
    Commit,
    /// So many records are sent, oldest or newest first; the gateway says nothing.
    Send {
        count: u8,
        newest: bool,
    },
    /// The gateway says what it has, all of it or not all ranges.
    Ack {
        ranges: u8,
    },
    /// An ack of this session comes again.
    Stale(u8),
    /// An ack of another stream.
    Foreign(u64),
    /// A clean end and a new start.
    Restart,
    Crash,
    Tear(Tear),
    /// The disk is full at the next commit.
    Full,
    /// The disk fails at a step of the next commits.
    Fail(u8),
    /// Minutes pass.
    Wait(u8),
}

pub(super) fn any_tear() -> impl Strategy<Value = Tear> {
    (any::<bool>(), 1..=4096_usize, any::<bool>()).prop_map(|(log, bytes, flips)| Tear {
        log,
        bytes,
        flips,
    })
}

pub(super) fn any_step(tears: bool) -> impl Strategy<Value = Step> {
    let tear = if tears {
        any_tear().prop_map(Step::Tear).boxed()
    } else {
        Just(Step::Crash).boxed()
    };
    prop_oneof![
        8 => (1..30_u8).prop_map(|count| Step::Offer { event: false, count }),
        2 => (1..3_u8).prop_map(|count| Step::Offer { event: true, count }),
        8 => Just(Step::Commit),
        4 => (1..20_u8, any::<bool>()).prop_map(|(count, newest)| Step::Send { count, newest }),
        4 => (0..4_u8).prop_map(|ranges| Step::Ack { ranges }),
        1 => any::<u8>().prop_map(Step::Stale),
        1 => (0..100_u64).prop_map(Step::Foreign),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
        1 => tear,
        1 => Just(Step::Full),
        1 => any::<u8>().prop_map(Step::Fail),
        2 => (1..100_u8).prop_map(Step::Wait),
    ]
}

pub(super) struct Player {
    folder: TempDir,
    outbox: Option<Outbox>,
    hand: Hand,
    clock: Clock,
    in_memory: bool,
    marks: i64,
    offered: BTreeSet<i64>,
    events: BTreeSet<i64>,
    /// Committed, and not lost to a torn file.
    committed: BTreeSet<i64>,
    gateway: BTreeMap<StreamId, Received>,
    /// Streams of which a file was torn.
    torn: BTreeSet<StreamId>,
    acks: Vec<Ack>,
}

impl Player {
    pub(super) async fn new(in_memory: bool) -> Self {
        let (clock, hand) = Clock::manual(START);
        let mut player = Self {
            folder: tempfile::tempdir().unwrap(),
            outbox: None,
            hand,
            clock,
            in_memory,
            marks: 0,
            offered: BTreeSet::new(),
            events: BTreeSet::new(),
            committed: BTreeSet::new(),
            gateway: BTreeMap::new(),
            torn: BTreeSet::new(),
            acks: Vec::new(),
        };
        player.open().await;
        player
    }

    async fn open(&mut self) {
        let clock = self.clock.clone();
        let outbox = if self.in_memory {
            Outbox::in_memory(LIMITS, clock)
        } else {
            Outbox::open(self.folder.path(), LIMITS, clock)
                .await
                .unwrap()
        };
        self.outbox = Some(outbox);
        // What was offered and not committed may be lost; so are the acks of the last connection.
        self.offered.clear();
        self.acks.clear();
    }

    fn outbox(&mut self) -> &mut Outbox {
        self.outbox.as_mut().unwrap()
    }

    fn disk(&mut self) -> Option<&mut Disk> {
        match &mut self.outbox().store {
            Store::Disk(disk) => Some(disk),
            Store::Memory(_) => None,
        }
    }

    pub(super) async fn step(&mut self, step: Step) {
        match step {
            Step::Offer { event, count } => (0..count).for_each(|_| self.offer(event)),
            Step::Commit => self.commit().await,
            Step::Send { count, newest } => self.send(usize::from(count), newest).await,
            Step::Ack { ranges } => self.answer(usize::from(ranges)).await,
            Step::Stale(which) => {
                let ack = self
                    .acks
                    .get(usize::from(which) % self.acks.len().max(1))
                    .cloned();
                if let Some(ack) = ack {
                    self.acknowledge(ack).await;
                }
            }
            Step::Foreign(upto) => {
                let ack = Ack {
                    stream: new_stream(),
                    upto,
                    ranges: Vec::new(),
                };
                self.acknowledge(ack).await;
            }
            Step::Restart | Step::Crash | Step::Tear(_) if self.in_memory => {}
            Step::Restart => {
                self.outbox.take().unwrap().close().await;
                self.open().await;
            }
            Step::Crash => self.crash(None).await,
            Step::Tear(tear) => self.crash(Some(tear)).await,
            Step::Full => {
                if let Some(disk) = self.disk() {
                    disk.fill_up().await;
                }
            }
            Step::Fail(after) => {
                if let Some(disk) = self.disk() {
                    disk.fault.after = Some(u32::from(after));
                }
            }
            Step::Wait(minutes) => self.hand.advance(i64::from(minutes) * 60_000),
        }
    }

    fn offer(&mut self, is_event: bool) {
        self.marks += 1;
        let mark = self.marks;
        let mut record = if is_event { event(mark) } else { reading(mark) };
        record.at = self.clock.now();
        record.boot = self.clock.boot().clone();
        if is_event {
            self.events.insert(mark);
        }
        self.offered.insert(mark);
        self.outbox().offer(record);
    }

    async fn commit(&mut self) {
        if self.outbox().commit().await.is_err() {
            return;
        }
        // A commit of unknown outcome may have succeeded without what was offered since.
        if self.outbox().waiting.is_empty() {
            let offered = std::mem::take(&mut self.offered);
            self.committed.extend(offered);
            self.check_bounds().await;
        }
    }

    async fn check_bounds(&mut self) {
        let bytes = self.outbox().holding().bytes;
        assert!(bytes <= LIMITS.bytes + REPORTS, "{bytes} bytes");
        if !self.torn.is_empty() {
            // Records that had to make way are not in the order of their age.
            return;
        }
        let now = self.clock.now();
        let Some(first) = self.outbox().held().first() else {
            return;
        };
        let store = &mut self.outbox.as_mut().unwrap().store;
        let record = match store {
            Store::Memory(memory) => memory.load(first),
            Store::Disk(disk) => disk.load(first, &self.clock).await.ok().flatten(),
        };
        if let Some(Record {
            at,
            body: RecordBody::Series(_),
            ..
        }) = record
        {
            let age = u64::try_from(now.mono_ms - at.mono_ms).unwrap();
            assert!(Duration::from_millis(age) <= LIMITS.age, "{age} ms old");
        }
    }

    async fn send(&mut self, count: usize, newest: bool) {
        let before = self.outbox().sendable_before();
        let held = self.outbox().held().iter();
        let numbers = held.flat_map(|(from, to)| from..=to);
        let mut numbers: Vec<u64> = numbers.filter(|seq| *seq < before).collect();
        if newest {
            numbers.reverse();
        }
        numbers.truncate(count);
        for seq in numbers {
            let Ok(Some(record)) = self.outbox().load(seq).await else {
                continue;
            };
            let (stream, oldest) = (self.outbox().stream().clone(), self.outbox().oldest());
            assert!(oldest <= seq || !self.outbox().held().contains(seq));
            let received = self.gateway.entry(stream).or_default();
            received.floor = received.floor.max(oldest.min(seq) - 1);
            let before = received.records.insert(seq, record.clone());
            assert!(
                before.is_none_or(|before| before == record),
                "number {seq} is used twice"
            );
        }
    }

    /// What the gateway sends after a hello.
    async fn answer(&mut self, ranges: usize) {
        let (stream, oldest) = (self.outbox().stream().clone(), self.outbox().oldest());
        // The first answer must tell all, later ones as much as they like.
        let most = if self.outbox().is_confirmed() {
            ranges
        } else {
            usize::MAX
        };
        let received = self.gateway.entry(stream.clone()).or_default();
        received.floor = received.floor.max(oldest - 1);
        let ack = received.ack(&stream, most);
        self.acks.push(ack.clone());
        self.acknowledge(ack).await;
    }

    async fn acknowledge(&mut self, ack: Ack) {
        drop(self.outbox().acknowledge(&ack).await);
    }

    async fn crash(&mut self, tear: Option<Tear>) {
        let copy = crash(&self.folder);
        self.outbox.take().unwrap().close().await;
        self.folder = copy;
        if let Some(tear) = tear {
            tear_file(self.folder.path(), tear);
            let has = |mark: &i64| self.has_come(*mark);
            self.committed = self.committed.iter().copied().filter(has).collect();
            self.torn.extend(self.gateway.keys().cloned());
        }
        self.open().await;
        if tear.is_some() {
            let stream = self.outbox().stream().clone();
            self.torn.insert(stream);
        }
    }

    fn has_come(&self, mark: i64) -> bool {
        let mut records = self.gateway.values().flat_map(|one| one.records.values());
        records.any(|record| mark_of(record) == Some(mark))
    }

    /// Lets everything come to the gateway, then checks that nothing is missing.
    pub(super) async fn finish(mut self) {
        if let Some(disk) = self.disk() {
            disk.fault.after = None;
        }
        for round in 0.. {
            assert!(round < 100, "the outbox is not drained");
            drop(self.outbox().commit().await);
            self.answer(usize::MAX).await;
            self.send(usize::MAX, false).await;
            self.answer(usize::MAX).await;
            let outbox = self.outbox();
            if outbox.held().is_empty() && !outbox.needs_commit() {
                break;
            }
        }
        // What its next message says: nothing is held below this.
        self.answer(usize::MAX).await;
        let missing = self.committed.iter().filter(|mark| !self.has_come(**mark));
        let missing: Vec<i64> = missing.copied().collect();
        let lost_events = missing
            .iter()
            .filter(|mark| self.events.contains(*mark))
            .count();
        assert_eq!(lost_events, 0, "events of {missing:?}");
        let mut told = 0;
        let current = self.outbox().stream().clone();
        for (stream, received) in &self.gateway {
            let was_torn = self.torn.contains(stream);
            told += check_reports(received, was_torn, was_torn && *stream != current);
        }
        assert!(missing.len() <= told, "{told} told, missing: {missing:?}");
    }
}

/// Plays steps and checks what must hold in the end.
pub(super) async fn play(steps: Vec<Step>, in_memory: bool) {
    let mut player = Player::new(in_memory).await;
    for step in steps {
        player.step(step).await;
    }
    player.finish().await;
}

/// Flips or cuts the last bytes of a file.
pub(super) fn tear_file(folder: &Path, tear: Tear) {
    let name = if tear.log {
        "outbox.db-wal"
    } else {
        "outbox.db"
    };
    let path = folder.join(name);
    let Ok(mut bytes) = std::fs::read(&path) else {
        return;
    };
    let keep = bytes.len().saturating_sub(tear.bytes);
    if tear.flips {
        bytes[keep..].iter_mut().for_each(|byte| *byte ^= 0x5A);
    } else {
        bytes.truncate(keep);
    }
    std::fs::write(&path, bytes).unwrap();
}
