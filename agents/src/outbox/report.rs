//! What was dropped and why, gathered until one record tells the gateway.
//!
//! A commit writes at most one report for each reason. While nobody is there to send it to, the next
//! report takes the place of the last: weeks of drops are a handful of records.

use std::collections::BTreeMap;

use wire::{DropReason, Event, Record, RecordBody};

use crate::clock::Clock;

/// Numbers that will never come: `count` of those from `from` to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) count: u64,
}

impl Loss {
    /// Returns the loss of all numbers from `from` to `to`.
    pub(super) fn all(from: u64, to: u64) -> Self {
        Self {
            from,
            to,
            count: to.saturating_sub(from).saturating_add(1),
        }
    }

    /// Returns what a record reports, if it is a report.
    pub(super) fn reported(record: &Record) -> Option<(DropReason, Self)> {
        let RecordBody::Event(Event::Dropped {
            from,
            to,
            count,
            reason,
        }) = record.body
        else {
            return None;
        };
        let mut loss = Self::all(from, to);
        loss.count = count.unwrap_or(loss.count);
        Some((reason.unwrap_or(DropReason::Other), loss))
    }

    /// Returns the record that reports it.
    pub(super) fn report(self, reason: DropReason, clock: &Clock) -> Record {
        Record {
            boot: clock.boot().clone(),
            at: clock.now(),
            body: RecordBody::Event(Event::Dropped {
                from: self.from,
                to: self.to,
                count: (self != Self::all(self.from, self.to)).then_some(self.count),
                reason: Some(reason),
            }),
        }
    }

    fn join(&mut self, other: Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.count = self.count.saturating_add(other.count);
    }
}

/// Losses that are not reported yet, joined by reason.
#[derive(Debug, Clone, Default)]
pub(super) struct Losses(BTreeMap<DropReason, Loss>);

impl Losses {
    /// Adds a loss; no number may be added twice.
    pub(super) fn add(&mut self, reason: DropReason, loss: Loss) {
        self.0
            .entry(reason)
            .and_modify(|all| all.join(loss))
            .or_insert(loss);
    }

    /// Returns them, one for each reason.
    pub(super) fn into_each(self) -> impl Iterator<Item = (DropReason, Loss)> {
        self.0.into_iter()
    }
}

/// Reports that are stored and were not read for sending since, by reason, with their numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Unsent(BTreeMap<DropReason, (u64, Loss)>);

impl Unsent {
    /// Takes out the report that the next one of its reason replaces.
    pub(super) fn take(&mut self, reason: DropReason) -> Option<(u64, Loss)> {
        self.0.remove(&reason)
    }

    /// Notes a report that was just stored.
    pub(super) fn note(&mut self, reason: DropReason, seq: u64, loss: Loss) {
        self.0.insert(reason, (seq, loss));
    }

    /// Forgets a report that is about to be sent, or deleted: it must stay as it is.
    pub(super) fn forget(&mut self, seq: u64) {
        self.0.retain(|_, (stored, _)| *stored != seq);
    }

    /// Forgets all: the numbers are of another stream.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
