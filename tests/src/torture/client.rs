//! One client of the torture: asks at random, writes down what it asked and heard, and never
//! believes that silence means no.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::ask::ask;
use super::history::{Answer, Call, Heard, Scribe, Slot, What};
use crate::gateway::READY;
use crate::raw_http::Connection;
use crate::times::QUARTER_MS;

/// An answer takes less than this, or the gateway hangs.
const ANSWERED: Duration = Duration::from_secs(60);

/// Pause between two tries to connect.
const AGAIN: Duration = Duration::from_millis(20);

/// Longest booking of the region in quarters, as its rules say.
const QUARTERS_MAX: i64 = 32;

/// What clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Book,
    BookAgainstRules,
    Try,
    Move,
    Resize,
    Cancel,
    Hold,
    Outage,
}

/// What clients do, and how often in a hundred.
const DEEDS: [(Deed, u32); 8] = [
    (Deed::Book, 42),
    (Deed::BookAgainstRules, 3),
    (Deed::Try, 6),
    (Deed::Move, 11),
    (Deed::Resize, 12),
    (Deed::Cancel, 15),
    (Deed::Hold, 8),
    (Deed::Outage, 3),
];

/// What all clients share.
pub struct Arena {
    /// Address of the gateway.
    pub url: String,
    /// Keys of the instruments.
    pub instruments: Vec<String>,
    /// The first instant of the slots that are fought for.
    pub first_ms: i64,
    /// How many quarters follow it.
    pub quarters: i64,
    /// Token of who opens and ends outages.
    pub manager: String,
    /// Attempts left.
    pub left: AtomicU64,
    /// The next identity of somebody who heard nothing.
    pub next_who: AtomicU32,
}

/// A booking as its owner knows it.
#[derive(Debug, Clone)]
struct Booked {
    id: i64,
    instrument: String,
    slot: Slot,
    version: i64,
}

/// One client.
pub struct Client {
    arena: Arc<Arena>,
    scribe: Scribe,
    token: String,
    random: StdRng,
    name: String,
    made: u64,
    who: u32,
    connection: Option<Connection>,
    bookings: Vec<Booked>,
    outage: Option<i64>,
}

impl Client {
    /// Makes a client that does the same with the same seed and answers.
    #[must_use]
    pub fn new(arena: Arc<Arena>, scribe: Scribe, token: &str, seed: u64, number: u32) -> Self {
        let who = arena.next_who.fetch_add(1, Ordering::Relaxed);
        Self {
            arena,
            scribe,
            token: token.to_owned(),
            random: StdRng::seed_from_u64(seed ^ (u64::from(number) << 32)),
            name: format!("{seed}-{number}"),
            made: 0,
            who,
            connection: None,
            bookings: Vec::new(),
            outage: None,
        }
    }

    /// Asks until no attempts are left.
    pub async fn run(mut self) {
        while self.may_go_on() {
            match self.choose() {
                Deed::Book => self.book().await,
                Deed::BookAgainstRules => self.book_against_rules().await,
                Deed::Try => self.try_one().await,
                Deed::Move => self.relocate().await,
                Deed::Resize => self.resize().await,
                Deed::Cancel => self.cancel().await,
                Deed::Hold => self.hold().await,
                Deed::Outage => self.outage().await,
            }
        }
    }

    fn may_go_on(&self) -> bool {
        self.arena.left.load(Ordering::Relaxed) > 0
    }

    fn choose(&mut self) -> Deed {
        let all = DEEDS.iter().map(|(_, often)| often).sum();
        let mut chosen = self.random.random_range(0..all);
        for (deed, often) in DEEDS {
            if chosen < often {
                return deed;
            }
            chosen -= often;
        }
        Deed::Book
    }

    /// Asks once, between two lines of the history. Who heard nothing goes on as somebody else.
    async fn ask(&mut self, call: &Call, token: &str) -> Heard {
        // Connecting is no part of the operation: nothing was asked before there is a connection.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.arena.url).await,
        };
        let left = &self.arena.left;
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            Some(left.saturating_sub(1))
        })
        .ok();
        self.scribe.note(self.who, What::Invoke(call.clone()));
        let heard = tokio::time::timeout(ANSWERED, ask(&mut connection, token, call)).await;
        let heard = heard.unwrap_or_else(|_| panic!("no answer within {ANSWERED:?}: {call:?}"));
        self.scribe.note(self.who, What::Heard(heard.clone()));
        if matches!(heard, Heard::Unknown(_)) {
            self.who = self.arena.next_who.fetch_add(1, Ordering::Relaxed);
        } else {
            self.connection = Some(connection);
        }
        heard
    }

    async fn ask_own(&mut self, call: &Call) -> Heard {
        let token = self.token.clone();
        self.ask(call, &token).await
    }

    fn instrument(&mut self) -> String {
        let number = self.random.random_range(0..self.arena.instruments.len());
        self.arena.instruments[number].clone()
    }

    /// Returns a slot of a quarter to two hours in the time that is fought for.
    fn slot(&mut self) -> Slot {
        let length = self.random.random_range(1..=8);
        let start = self.random.random_range(0..=self.arena.quarters - length);
        let start_ms = self.arena.first_ms + start * QUARTER_MS;
        Slot::new(start_ms, start_ms + length * QUARTER_MS)
    }

    fn tag(&mut self) -> String {
        self.made += 1;
        format!("{}-{}", self.name, self.made)
    }

    async fn book(&mut self) {
        let (instrument, slot) = (self.instrument(), self.slot());
        self.book_slot(instrument, slot, None).await;
    }

    /// Books a slot. Without an answer it mostly asks again under the same key; sometimes it never
    /// learns what became of it. A booking is sometimes asked for again, and its key misused.
    async fn book_slot(&mut self, instrument: String, slot: Slot, hold: Option<i64>) {
        let tag = self.tag();
        let call = Call::Book {
            key: tag.clone(),
            tag,
            instrument: instrument.clone(),
            slot,
            hold,
        };
        let heard = loop {
            match self.ask_own(&call).await {
                Heard::Unknown(_) if self.random.random_ratio(1, 7) => return,
                Heard::Unknown(_) => {}
                heard => break heard,
            }
        };
        if let Heard::Ok(Answer::Booking {
            id, slot, version, ..
        }) = heard
        {
            self.bookings.push(Booked {
                id,
                instrument,
                slot,
                version,
            });
            if self.random.random_ratio(1, 12) {
                self.ask_own(&call).await;
            }
            if self.random.random_ratio(1, 30) {
                self.misuse(&call).await;
            }
        }
    }

    /// Asks for another slot under the key of a booking.
    async fn misuse(&mut self, call: &Call) {
        let (slot, tag) = (self.slot(), self.tag());
        if let Call::Book {
            key, instrument, ..
        } = call.clone()
        {
            let other = Call::Book {
                tag,
                key,
                instrument,
                slot,
                hold: None,
            };
            self.ask_own(&other).await;
        }
    }

    /// Asks for what the rules of the region forbid: too long, off the grid, too short, too far.
    async fn book_against_rules(&mut self) {
        let (tag, instrument, mut slot) = (self.tag(), self.instrument(), self.slot());
        match self.random.random_range(0..4) {
            0 => slot.end_ms = slot.start_ms + (QUARTERS_MAX + 4) * QUARTER_MS,
            1 => slot.start_ms += QUARTER_MS / 3,
            2 => slot.end_ms = slot.start_ms + QUARTER_MS / 3,
            _ => {
                slot.start_ms += 20 * 96 * QUARTER_MS;
                slot.end_ms += 20 * 96 * QUARTER_MS;
            }
        }
        let call = Call::Book {
            key: tag.clone(),
            tag,
            instrument,
            slot,
            hold: None,
        };
        self.ask_own(&call).await;
    }

    async fn try_one(&mut self) {
        let call = Call::Try {
            instrument: self.instrument(),
            slot: self.slot(),
        };
        self.ask_own(&call).await;
    }

    fn pick(&mut self) -> Option<usize> {
        let count = self.bookings.len();
        (count > 0).then(|| self.random.random_range(0..count))
    }

    async fn relocate(&mut self) {
        let Some(index) = self.pick() else { return };
        let slot = self.slot();
        self.change(index, slot, None).await;
    }

    async fn resize(&mut self) {
        let Some(index) = self.pick() else { return };
        let held = self.bookings[index].clone();
        let quarters = (held.slot.end_ms - held.slot.start_ms) / QUARTER_MS;
        let other = (quarters + self.random.random_range(-4..=4)).clamp(1, QUARTERS_MAX);
        let slot = Slot::new(held.slot.start_ms, held.slot.start_ms + other * QUARTER_MS);
        self.change(index, slot, Some(held.version)).await;
    }

    async fn change(&mut self, index: usize, slot: Slot, version: Option<i64>) {
        let held = self.bookings[index].clone();
        let call = Call::Change {
            booking: held.id,
            instrument: held.instrument,
            slot,
            version,
        };
        match self.ask_own(&call).await {
            Heard::Ok(Answer::Booking { slot, version, .. }) => {
                let held = &mut self.bookings[index];
                (held.slot, held.version) = (slot, version);
            }
            Heard::Refused(refusal) if refusal.against != Default::default() => {}
            _ => self.look_or_forget(index).await,
        }
    }

    async fn cancel(&mut self) {
        let Some(index) = self.pick() else { return };
        let booking = self.bookings[index].id;
        match self.ask_own(&Call::Cancel { booking }).await {
            Heard::Ok(_) => drop(self.bookings.swap_remove(index)),
            _ => self.look_or_forget(index).await,
        }
    }

    /// After silence, or a refusal that tells of something unknown: looks what is there now, or
    /// leaves the booking alone for ever.
    async fn look_or_forget(&mut self, index: usize) {
        let booking = self.bookings[index].id;
        if self.random.random_ratio(1, 2)
            && let Heard::Ok(Answer::Booking {
                slot,
                status,
                version,
                ..
            }) = self.ask_own(&Call::Read { booking }).await
            && status == "confirmed"
        {
            let held = &mut self.bookings[index];
            (held.slot, held.version) = (slot, version);
            return;
        }
        self.bookings.swap_remove(index);
    }

    /// Holds a slot, and then books it or lets it go.
    async fn hold(&mut self) {
        let (instrument, slot) = (self.instrument(), self.slot());
        let call = Call::Hold {
            instrument: instrument.clone(),
            slot,
        };
        if let Heard::Ok(Answer::Hold { id, .. }) = self.ask_own(&call).await {
            if self.random.random_ratio(3, 4) {
                self.book_slot(instrument, slot, Some(id)).await;
            } else {
                self.ask_own(&Call::Release { hold: id }).await;
            }
        }
    }

    /// Opens an outage of up to two hours, and ends it the next time.
    async fn outage(&mut self) {
        let token = self.arena.manager.clone();
        if let Some(outage) = self.outage.take() {
            let call = Call::EndOutage { outage };
            while let Heard::Unknown(_) = self.ask(&call, &token).await {}
            return;
        }
        let call = Call::OpenOutage {
            tag: self.tag(),
            instrument: self.instrument(),
            slot: self.slot(),
        };
        if let Heard::Ok(Answer::Outage { id }) = self.ask(&call, &token).await {
            self.outage = Some(id);
        }
    }
}

/// Connects as soon as the gateway listens: it may just be killed.
async fn connect(url: &str) -> Connection {
    let began = Instant::now();
    loop {
        match Connection::open(url).await {
            Ok(connection) => return connection,
            Err(error) => assert!(began.elapsed() < READY, "nobody listens: {error}"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}
