//! What was received of each agent's streams.
//!
//! An agent has one outbox and so one stream at a time; it begins a new one when its outbox was lost
//! or damaged. Old ones are remembered, since a record may be on its way for long, but not without
//! bound: one stream more than [`STREAMS_MAX`] takes the place, and the number, of the one that was
//! silent the longest. Should that one speak again, its records count as new.

use std::collections::{BTreeSet, HashMap};

use scheduler::time::Micros;
use wire::{AgentName, StreamId};

use super::journal::StreamNo;
use super::ranges::RangeSet;

/// Most streams that are remembered of one agent.
pub(super) const STREAMS_MAX: usize = 32;

/// What is known of a stream.
#[derive(Debug, Clone)]
pub(super) struct StreamBook {
    pub(super) agent: AgentName,
    pub(super) stream: StreamId,
    pub(super) received: RangeSet,
    pub(super) seen: Micros,
}

/// All streams.
#[derive(Debug, Default)]
pub(super) struct Streams {
    books: HashMap<StreamNo, StreamBook>,
    of_agent: HashMap<AgentName, Vec<StreamNo>>,
    /// Those whose row in the store is missing, or of another stream. Each is written with the next
    /// commit, so that the store never holds a name twice.
    fresh: BTreeSet<StreamNo>,
    next: u32,
}

impl Streams {
    /// Returns those that the store has.
    pub(super) fn stored(books: HashMap<StreamNo, StreamBook>) -> Self {
        let mut of_agent: HashMap<AgentName, Vec<StreamNo>> = HashMap::new();
        for (number, book) in &books {
            of_agent
                .entry(book.agent.clone())
                .or_default()
                .push(*number);
        }
        Self {
            next: 1 + books.keys().map(|one| one.0).max().unwrap_or(0),
            books,
            of_agent,
            fresh: BTreeSet::new(),
        }
    }

    /// Returns the number of a stream, giving a new one its own or that of the longest silent.
    pub(super) fn number(&mut self, agent: &AgentName, stream: &StreamId, now: Micros) -> StreamNo {
        let own = self.of_agent.get(agent).map_or(&[][..], Vec::as_slice);
        let is_it = |number: &&StreamNo| {
            let book = self.books.get(number);
            book.is_some_and(|book| book.stream == *stream)
        };
        if let Some(number) = own.iter().find(is_it) {
            return *number;
        }
        let number = if own.len() < STREAMS_MAX {
            let number = StreamNo(self.next);
            self.next += 1;
            self.of_agent.entry(agent.clone()).or_default().push(number);
            number
        } else {
            let seen = |number: &&StreamNo| self.books.get(number).map(|book| book.seen);
            *own.iter().min_by_key(seen).expect("there are many")
        };
        let book = StreamBook {
            agent: agent.clone(),
            stream: stream.clone(),
            received: RangeSet::default(),
            seen: now,
        };
        self.books.insert(number, book);
        self.fresh.insert(number);
        number
    }

    /// Returns what is known of a stream.
    pub(super) fn get(&self, number: StreamNo) -> Option<&StreamBook> {
        self.books.get(&number)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, number: StreamNo) -> Option<&mut StreamBook> {
        self.books.get_mut(&number)
    }

    /// Returns those that are to be written with this commit.
    pub(super) fn take_fresh(&mut self) -> BTreeSet<StreamNo> {
        std::mem::take(&mut self.fresh)
    }
}
