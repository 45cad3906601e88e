//! The journal as a queue for the follower: which rows a store elsewhere has not got yet. Pure.
//!
//! A journal row goes when nothing needs it: neither recovery (see `writer`) nor the follower. While
//! the store elsewhere is down rows stay for the follower alone, up to a limit in bytes; beyond it
//! the oldest are given up, which is counted.

use std::collections::VecDeque;

use scheduler::time::Micros;

/// A committed journal row that is not delivered.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    seq: i64,
    at: Micros,
    bytes: u64,
}

/// What waits, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogView {
    /// Journal rows that are not delivered.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Most bytes that are kept.
    pub bytes_max: u64,
    /// When the oldest of them was committed.
    pub oldest: Option<Micros>,
    /// Since when readings go to this store.
    pub began: Micros,
    /// Journal rows that were given up.
    pub lost_rows: u64,
    /// When the last row that was given up was committed; 1970 if none was.
    pub lost_until: Micros,
}

/// What a commit writes of the follower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FollowerRow {
    pub(super) store: String,
    pub(super) next_seq: i64,
    pub(super) needed_seq: i64,
    pub(super) began: Micros,
    pub(super) lost_rows: u64,
    pub(super) lost_until: Micros,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Backlog {
    row: FollowerRow,
    waiting: VecDeque<Waiting>,
    bytes: u64,
    bytes_max: u64,
}

impl Backlog {
    /// Continues where `row` stands, with what is still in the file: number, commit time and bytes,
    /// ascending.
    pub(super) fn new(
        row: FollowerRow,
        bytes_max: u64,
        held: impl IntoIterator<Item = (i64, Micros, u64)>,
    ) -> Self {
        let mut backlog = Self {
            row,
            waiting: VecDeque::new(),
            bytes: 0,
            bytes_max,
        };
        for (seq, at, bytes) in held {
            if seq >= backlog.row.next_seq {
                backlog.push(seq, at, bytes);
            }
        }
        backlog
    }

    /// Adds a row that is now committed.
    pub(super) fn push(&mut self, seq: i64, at: Micros, bytes: u64) {
        self.bytes += bytes;
        self.waiting.push_back(Waiting { seq, at, bytes });
    }

    /// Notes that all rows up to `seq` are delivered.
    pub(super) fn deliver(&mut self, seq: i64) {
        while let Some(front) = self.waiting.pop_front_if(|front| front.seq <= seq) {
            self.bytes -= front.bytes;
        }
        self.row.next_seq = self.row.next_seq.max(seq.saturating_add(1));
    }

    /// Notes that rows up to `seq` will never be delivered.
    pub(super) fn give_up(&mut self, seq: i64) {
        let given_up = self.waiting.iter().take_while(|row| row.seq <= seq);
        let (rows, last) = given_up.fold((0, None), |(rows, _), row| (rows + 1, Some(row.at)));
        self.row.lost_rows += rows;
        self.row.lost_until = last.unwrap_or(self.row.lost_until);
        self.deliver(seq);
    }

    /// Returns what the next commit writes, which adds `bytes` and after which recovery needs rows
    /// from `needed_seq` on. Gives the oldest rows up that do not fit, as far as recovery lets go.
    pub(super) fn prepare(&mut self, needed_seq: i64, bytes: u64) -> FollowerRow {
        let fits = self.bytes_max.saturating_sub(bytes);
        while self.bytes > fits
            && let Some(front) = self.waiting.pop_front_if(|front| front.seq < needed_seq)
        {
            self.bytes -= front.bytes;
            self.row.next_seq = front.seq.saturating_add(1);
            self.row.lost_rows += 1;
            self.row.lost_until = front.at;
        }
        self.row.needed_seq = needed_seq;
        self.row.clone()
    }

    /// Returns the number of the oldest row that is not delivered, or of the next to come.
    pub(super) fn next_seq(&self) -> i64 {
        self.row.next_seq
    }

    /// Returns the number of the newest row that is not delivered.
    pub(super) fn newest_seq(&self) -> Option<i64> {
        self.waiting.back().map(|row| row.seq)
    }

    pub(super) fn view(&self) -> BacklogView {
        BacklogView {
            rows: u64::try_from(self.waiting.len()).unwrap_or(u64::MAX),
            bytes: self.bytes,
            bytes_max: self.bytes_max,
            oldest: self.waiting.front().map(|row| row.at),
            began: self.row.began,
            lost_rows: self.row.lost_rows,
            lost_until: self.row.lost_until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backlog(bytes_max: u64, held: i64) -> Backlog {
        let row = FollowerRow {
            store: "s".to_owned(),
            next_seq: 1,
            needed_seq: 1,
            began: Micros::new(0),
            lost_rows: 0,
            lost_until: Micros::new(0),
        };
        Backlog::new(
            row,
            bytes_max,
            (1..=held).map(|seq| (seq, Micros::new(seq * 10), 100)),
        )
    }

    #[test]
    fn what_is_delivered_goes_and_the_rest_stays() {
        let mut backlog = backlog(10_000, 5);
        backlog.deliver(3);
        let view = backlog.view();
        assert_eq!((view.rows, view.bytes, view.lost_rows), (2, 200, 0));
        assert_eq!(view.oldest, Some(Micros::new(40)));
        assert_eq!(backlog.prepare(6, 100).next_seq, 4);
    }

    #[test]
    fn beyond_the_limit_the_oldest_are_given_up_and_counted() {
        let mut backlog = backlog(300, 5);
        let row = backlog.prepare(6, 100);
        assert_eq!((row.next_seq, row.lost_rows), (4, 3));
        assert_eq!(row.lost_until, Micros::new(30));
        assert_eq!(backlog.view().bytes, 200);
    }

    #[test]
    fn what_is_given_up_is_counted_as_lost() {
        let mut backlog = backlog(10_000, 5);
        backlog.deliver(1);
        backlog.give_up(2);
        let view = backlog.view();
        assert_eq!((view.rows, view.lost_rows), (3, 1));
        assert_eq!(view.lost_until, Micros::new(20));
    }

    #[test]
    fn what_recovery_needs_is_not_given_up() {
        let mut backlog = backlog(0, 5);
        assert_eq!(backlog.prepare(3, 100).next_seq, 3);
        assert_eq!(backlog.view().rows, 3);
    }
}
