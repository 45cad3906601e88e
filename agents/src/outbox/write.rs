//! One commit of either store: delete what was acknowledged, drop what is too old or too much,
//! report what was dropped, number and add what waits.
//!
//! When it does not fit, records go in this order until it does: stored readings, waiting readings,
//! stored events, waiting events, each oldest first. So an event goes only when there is no reading
//! left; and when it goes, what it reported goes into the new report.

use std::time::Duration;

use wire::{DropReason, Record};

use super::age::age_ms;
use super::report::{Loss, Losses, Unsent};
use super::room::{Candidate, Need, choose};
use super::{Limits, Waiting};
use crate::clock::Clock;
use crate::ranges::Ranges;

/// Readings whose age one commit looks at; more wait for the next.
const AGED_MAX: usize = 4_096;

/// The age of the oldest reading is looked at again after this time at the latest: the machine may
/// have slept, which timers do not count.
const AGE_CHECK_MAX: Duration = Duration::from_hours(1);

/// The rows of a store, inside one transaction.
pub(super) trait Rows {
    /// A record as it is stored.
    type Row;
    /// Why it fails.
    type Error;

    /// Prepares a record.
    fn row(record: &Record) -> Self::Row;

    /// Returns the bytes that a row counts for.
    fn bytes(row: &Self::Row) -> u64;

    /// Returns events, or readings, with a number above `after`, ascending, as many as are looked at
    /// together; fewer than there are, but none only if there is none.
    async fn page(&mut self, events: bool, after: u64) -> Result<Vec<Candidate>, Self::Error>;

    /// Returns a record; `None` if it is not there or damaged.
    async fn record(&mut self, seq: u64) -> Result<Option<Record>, Self::Error>;

    /// Adds a row.
    async fn insert(&mut self, seq: u64, row: Self::Row) -> Result<(), Self::Error>;

    /// Deletes rows and returns their bytes.
    async fn delete(&mut self, from: u64, to: u64) -> Result<u64, Self::Error>;
}

/// A waiting record, with whether it is an event; `None` once it is given up.
type Added<R> = Option<(bool, <R as Rows>::Row)>;

/// What a store holds.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    /// The next record's number.
    pub(super) next: u64,
    /// Numbers of the records held.
    pub(super) held: Ranges,
    /// Bytes of all rows.
    pub(super) bytes: u64,
}

/// What is to be committed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draft<'a> {
    pub(super) limits: Limits,
    pub(super) clock: &'a Clock,
    /// Records without a number, in order.
    pub(super) waiting: &'a [Waiting],
    /// How many were dropped before they got one.
    pub(super) skipped: u64,
    /// Losses of numbered records that are not reported yet.
    pub(super) lost: &'a [(DropReason, Loss)],
    pub(super) unsent: &'a Unsent,
    /// Whether to look for readings that are too old.
    pub(super) checks_age: bool,
}

/// What a commit stored.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    /// The offers up to this one.
    pub(super) ticket: u64,
    /// How many dropped ones have got their numbers.
    pub(super) skipped: u64,
    /// How many of the losses are reported.
    pub(super) lost: usize,
    /// The reports that were not sent; `None` if nothing was written.
    pub(super) unsent: Option<Unsent>,
    /// When to look for old readings again; `None` if nobody looked.
    pub(super) age_check: Option<Duration>,
    /// When the first of the added readings is too old.
    pub(super) age_of_added: Duration,
}

impl Draft<'_> {
    /// Returns true if nothing is to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.skipped == 0 && self.lost.is_empty() && !self.checks_age
    }

    /// Returns the rows of what waits, and how many readings are too old already. Lowers `again` to
    /// the time at which the first of them is too old.
    fn rows<R: Rows>(&self, again: &mut Duration) -> (Vec<Added<R>>, u64) {
        let (mut rows, mut old) = (Vec::with_capacity(self.waiting.len()), 0);
        for one in self.waiting {
            match self.left(&one.record) {
                Some(left) if !one.is_event() => *again = left.min(*again),
                None if !one.is_event() => {
                    old += 1;
                    continue;
                }
                Some(_) | None => {}
            }
            rows.push(Some((one.is_event(), R::row(&one.record))));
        }
        (rows, old)
    }

    /// Returns how long a record may stay; `None` if it is too old.
    fn left(&self, record: &Record) -> Option<Duration> {
        let age = age_ms(record, self.clock.boot(), self.clock.now());
        let left = self.limits.age.checked_sub(Duration::from_millis(age))?;
        Some(left + Duration::from_millis(1))
    }

    /// Returns what a commit of it stores, without what the commit finds.
    pub(super) fn done(&self) -> Done {
        Done {
            ticket: self.waiting.last().map_or(0, |one| one.ticket),
            skipped: self.skipped,
            lost: self.lost.len(),
            unsent: None,
            age_check: None,
            age_of_added: AGE_CHECK_MAX,
        }
    }
}

/// Writes a draft. On failure the transaction must be rolled back and `holding` be thrown away.
pub(super) async fn write<R: Rows>(
    rows: &mut R,
    holding: &mut Holding,
    released: &Ranges,
    draft: &Draft<'_>,
) -> Result<Done, R::Error> {
    let mut done = draft.done();
    let mut commit = Commit {
        rows,
        holding,
        losses: Losses::default(),
        unsent: draft.unsent.clone(),
    };
    for (from, to) in released.iter() {
        commit.delete(from, to).await?;
    }
    for (reason, loss) in draft.lost {
        commit.losses.add(*reason, *loss);
    }
    if draft.checks_age {
        done.age_check = Some(commit.drop_old(draft).await?);
    }
    let (mut waiting, old) = draft.rows::<R>(&mut done.age_of_added);
    commit.make_room(draft.limits.bytes, &mut waiting).await?;
    let refused = waiting.iter().filter(|one| one.is_none()).count();
    commit.skip(DropReason::Disk, draft.skipped);
    commit.skip(DropReason::Age, old);
    commit.skip(DropReason::Full, u64::try_from(refused).unwrap_or(u64::MAX));
    commit.report(draft.clock).await?;
    for (_, row) in waiting.into_iter().flatten() {
        commit.add(row).await?;
    }
    done.unsent = Some(commit.unsent);
    Ok(done)
}

/// A commit on its way.
struct Commit<'a, R> {
    rows: &'a mut R,
    holding: &'a mut Holding,
    losses: Losses,
    unsent: Unsent,
}

impl<R: Rows> Commit<'_, R> {
    async fn add(&mut self, row: R::Row) -> Result<u64, R::Error> {
        let seq = self.holding.next;
        self.holding.bytes += R::bytes(&row);
        self.rows.insert(seq, row).await?;
        self.holding.held.insert(seq, seq);
        self.holding.next += 1;
        Ok(seq)
    }

    async fn delete(&mut self, from: u64, to: u64) -> Result<(), R::Error> {
        let freed = self.rows.delete(from, to).await?;
        self.holding.bytes = self.holding.bytes.saturating_sub(freed);
        self.holding.held.remove(from, to);
        Ok(())
    }

    /// Gives numbers to records that were dropped before they had one.
    fn skip(&mut self, reason: DropReason, count: u64) {
        let Some(more) = count.checked_sub(1) else {
            return;
        };
        let from = self.holding.next;
        self.losses.add(reason, Loss::all(from, from + more));
        self.holding.next += count;
    }

    /// Drops stored readings that are older than the limit. Returns when to look again.
    async fn drop_old(&mut self, draft: &Draft<'_>) -> Result<Duration, R::Error> {
        let (mut looked, mut after, mut again) = (0, 0, AGE_CHECK_MAX);
        let mut old = Ranges::default();
        'pages: loop {
            let page = self.rows.page(false, after).await?;
            if page.last().is_none_or(|(seq, _)| *seq <= after) {
                break;
            }
            for (seq, _) in page {
                after = seq;
                looked += 1;
                // One that is damaged is given up when it is its turn to be sent.
                let record = self.rows.record(seq).await?;
                match record.map(|record| draft.left(&record)) {
                    Some(None) => old.insert(seq, seq),
                    Some(Some(left)) => {
                        again = again.min(left);
                        break 'pages;
                    }
                    None => {}
                }
                if looked == AGED_MAX {
                    again = Duration::ZERO;
                    break 'pages;
                }
            }
        }
        for (from, to) in old.iter() {
            self.drop_stored(DropReason::Age, from, to).await?;
        }
        Ok(again)
    }

    async fn drop_stored(
        &mut self,
        reason: DropReason,
        from: u64,
        to: u64,
    ) -> Result<(), R::Error> {
        self.losses.add(reason, Loss::all(from, to));
        self.delete(from, to).await
    }

    /// Drops what does not fit below `max`; waiting records that must go become `None`.
    async fn make_room(&mut self, max: u64, waiting: &mut [Added<R>]) -> Result<(), R::Error> {
        let rows = waiting.iter().flatten();
        let wanted = rows.map(|(_, row)| R::bytes(row)).sum();
        let mut need = Need::new(self.holding.bytes, wanted, max);
        for events in [false, true] {
            self.drop_oldest(events, &mut need).await?;
            for one in waiting.iter_mut() {
                let Some((is_event, row)) = one else { continue };
                if need.bytes > 0 && *is_event == events {
                    need.freed(R::bytes(row));
                    *one = None;
                }
            }
            need.slack = 0;
        }
        Ok(())
    }

    /// Drops the oldest stored readings or events.
    async fn drop_oldest(&mut self, events: bool, need: &mut Need) -> Result<(), R::Error> {
        let mut after = 0;
        while need.bytes > 0 {
            let page = self.rows.page(events, after).await?;
            let last = page.last().map_or(after, |(seq, _)| *seq);
            if last <= after {
                break;
            }
            let (runs, freed) = choose(page.into_iter(), need.bytes + need.slack);
            need.freed(freed);
            for (from, to) in runs {
                if events {
                    self.keep_what_is_reported(from, to).await?;
                }
                self.drop_stored(DropReason::Full, from, to).await?;
            }
            after = last;
        }
        Ok(())
    }

    /// Of events that must go: what they report is reported anew.
    async fn keep_what_is_reported(&mut self, from: u64, to: u64) -> Result<(), R::Error> {
        for seq in from..=to {
            self.unsent.forget(seq);
            let record = self.rows.record(seq).await?;
            if let Some((reason, loss)) = record.as_ref().and_then(Loss::reported) {
                self.losses.add(reason, loss);
            }
        }
        Ok(())
    }

    /// Writes the reports of all losses, in place of those that were not sent.
    async fn report(&mut self, clock: &Clock) -> Result<(), R::Error> {
        let mut losses = std::mem::take(&mut self.losses);
        let reasons: Vec<DropReason> = losses.clone().into_each().map(|(why, _)| why).collect();
        for reason in reasons {
            if let Some((seq, loss)) = self.unsent.take(reason)
                && self.holding.held.contains(seq)
            {
                self.delete(seq, seq).await?;
                losses.add(reason, loss);
                losses.add(reason, Loss::all(seq, seq));
            }
        }
        for (reason, loss) in losses.into_each() {
            let row = R::row(&loss.report(reason, clock));
            let seq = self.add(row).await?;
            self.unsent.note(reason, seq, loss);
        }
        Ok(())
    }
}
