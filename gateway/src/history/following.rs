//! What a follower of the journal sees: committed rows in their order, from its own cursor on.
//!
//! The follower reads after the commit and moves its cursor in memory; the next group commit writes
//! the cursor and deletes what nobody needs any more. So following costs no commit of its own and is
//! never in the acknowledgement path. After a crash the rows since the last commit are delivered
//! again: at least once, and nothing is left out unless the queue's limit was reached.

use std::sync::{Arc, MutexGuard};

use futures::TryStreamExt as _;
use scheduler::id::InstrumentId;
use scheduler::time::Micros;
use sqlx::Row as _;

use super::backlog::{Backlog, BacklogView, FollowerRow};
use super::elsewhere::StoreElsewhere;
use super::error::HistoryError;
use super::journal;
use super::rows::Rows;
use super::{History, Shared};

/// Most refusals that are kept; the oldest are dropped.
const SET_ASIDE_MAX: i64 = 200;

/// Most bytes of refused lines that are kept of one refusal.
const TEXT_KEPT_MAX: usize = 65_536;

/// The readings of one group commit.
#[derive(Debug)]
pub struct Committed {
    /// The commit's number, ascending.
    pub seq: i64,
    /// When it was made.
    pub at: Micros,
    /// What it brought, in no order.
    pub rows: Vec<(InstrumentId, Rows)>,
}

/// Lines that a store elsewhere refused for good.
#[derive(Debug)]
pub struct SetAside<'a> {
    /// When.
    pub at: Micros,
    /// Which store.
    pub store: &'a str,
    /// What it said.
    pub reason: &'a str,
    /// How many lines.
    pub lines: usize,
    /// The lines; cut when they are long.
    pub text: &'a str,
}

impl Shared {
    pub(super) fn backlog(&self) -> MutexGuard<'_, Option<Backlog>> {
        let lock = self.backlog.lock();
        lock.expect("nobody panics while holding this lock")
    }
}

impl History {
    /// Keeps journal rows for a store elsewhere from now on, or from where it stood if it was the
    /// same one before; at most `bytes_max` bytes of them. To be called before the first commit.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the file cannot be read.
    pub async fn begin_following(
        &self,
        store: &str,
        bytes_max: u64,
        elsewhere: Arc<dyn StoreElsewhere>,
    ) -> Result<(), HistoryError> {
        let doing = "reading where the follower stands";
        let known: Option<(String, i64, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT store, next_seq, needed_seq, began_us, lost_rows, lost_us FROM follower",
        )
        .fetch_optional(&self.pools.readers)
        .await
        .map_err(HistoryError::sql(doing))?;
        let next: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) + 1 FROM journal")
            .fetch_one(&self.pools.readers)
            .await
            .map_err(HistoryError::sql(doing))?;
        let row = match known.filter(|known| known.0 == store) {
            Some((store, next_seq, needed_seq, began_us, lost_rows, lost_us)) => FollowerRow {
                store,
                next_seq,
                needed_seq,
                began: Micros::new(began_us),
                lost_rows: u64::try_from(lost_rows).unwrap_or(0),
                lost_until: Micros::new(lost_us),
            },
            None => FollowerRow {
                store: store.to_owned(),
                next_seq: next,
                needed_seq: 0,
                began: self.clock.now(),
                lost_rows: 0,
                lost_until: Micros::new(0),
            },
        };
        let held: Vec<(i64, i64, i64)> = sqlx::query_as(
            "SELECT seq, at_us, length(data) FROM journal WHERE seq >= $1 ORDER BY seq",
        )
        .bind(row.next_seq)
        .fetch_all(&self.pools.readers)
        .await
        .map_err(HistoryError::sql(doing))?;
        let held = held.into_iter().map(|(seq, at_us, bytes)| {
            let bytes = u64::try_from(bytes).unwrap_or(0);
            (seq, Micros::new(at_us), bytes)
        });
        *self.shared.backlog() = Some(Backlog::new(row, bytes_max, held));
        // Whoever comes second finds the first: one gateway has one store elsewhere.
        self.elsewhere.get_or_init(|| elsewhere);
        Ok(())
    }

    /// Returns what waits for the follower; `None` if there is none.
    #[must_use]
    pub fn backlog(&self) -> Option<BacklogView> {
        self.shared.backlog().as_ref().map(Backlog::view)
    }

    /// Returns when the next commit has been made, at once if one was since the last call.
    pub async fn wait_for_commit(&self) {
        self.shared.committed.notified().await;
    }

    /// Returns the committed rows that are not delivered, oldest first: at least one if there is
    /// any, and no more than hold about `readings_max` rows of readings.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the file cannot be read or a row is damaged.
    pub async fn undelivered(&self, readings_max: usize) -> Result<Vec<Committed>, HistoryError> {
        let doing = "reading the journal for the follower";
        let bounds = self.shared.backlog().as_ref().and_then(|backlog| {
            let newest = backlog.newest_seq()?;
            Some((backlog.next_seq(), newest))
        });
        let Some((next, newest)) = bounds else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let mut readings = 0;
        let mut rows = sqlx::query(
            "SELECT seq, at_us, data FROM journal WHERE seq >= $1 AND seq <= $2 ORDER BY seq",
        )
        .bind(next)
        .bind(newest)
        .fetch(&self.pools.readers);
        while let Some(row) = rows.try_next().await.map_err(HistoryError::sql(doing))? {
            let seq: i64 = row.try_get(0).map_err(HistoryError::sql(doing))?;
            let at_us: i64 = row.try_get(1).map_err(HistoryError::sql(doing))?;
            let data: &[u8] = row.try_get(2).map_err(HistoryError::sql(doing))?;
            let entry = match journal::decode(data) {
                Ok(entry) => entry,
                // What comes before it is delivered first.
                Err(_) if !found.is_empty() => break,
                Err(source) => {
                    return Err(HistoryError::Damaged {
                        table: "journal",
                        row: seq,
                        source,
                    });
                }
            };
            let sections = entry.sections.into_iter();
            let committed = Committed {
                seq,
                at: Micros::new(at_us),
                rows: sections.map(|(of, _, rows)| (of, rows)).collect(),
            };
            readings += committed
                .rows
                .iter()
                .map(|(_, rows)| rows.len())
                .sum::<usize>();
            found.push(committed);
            if readings >= readings_max {
                break;
            }
        }
        Ok(found)
    }

    /// Notes that all commits up to `seq` are delivered. The next group commit writes it.
    pub fn delivered(&self, seq: i64) {
        if let Some(backlog) = self.shared.backlog().as_mut() {
            backlog.deliver(seq);
        }
    }

    /// Gives a commit up that cannot be read, and those before it.
    pub fn give_up(&self, seq: i64) {
        if let Some(backlog) = self.shared.backlog().as_mut() {
            backlog.give_up(seq);
        }
    }

    /// Returns the lines that were refused and are kept, oldest first.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when they cannot be read.
    pub async fn lines_set_aside(&self) -> Result<Vec<String>, HistoryError> {
        sqlx::query_scalar("SELECT text FROM set_aside ORDER BY id")
            .fetch_all(&self.pools.readers)
            .await
            .map_err(HistoryError::sql("reading refused lines"))
    }

    /// Keeps lines that were refused, for whoever looks for them.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when they cannot be written.
    pub async fn set_aside(&self, refused: &SetAside<'_>) -> Result<(), HistoryError> {
        let cut = refused.text.floor_char_boundary(TEXT_KEPT_MAX);
        let text = refused.text.get(..cut).unwrap_or_default();
        let doing = "setting refused lines aside";
        let mut transaction = crate::transaction::begin(&self.pools.writer, "BEGIN IMMEDIATE")
            .await
            .map_err(HistoryError::sql(doing))?;
        sqlx::query(
            "INSERT INTO set_aside (at_us, store, reason, lines, text) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(refused.at.get())
        .bind(refused.store)
        .bind(refused.reason)
        .bind(i64::try_from(refused.lines).unwrap_or(i64::MAX))
        .bind(text)
        .execute(&mut *transaction)
        .await
        .map_err(HistoryError::sql(doing))?;
        sqlx::query("DELETE FROM set_aside WHERE id <= (SELECT max(id) FROM set_aside) - $1")
            .bind(SET_ASIDE_MAX)
            .execute(&mut *transaction)
            .await
            .map_err(HistoryError::sql(doing))?;
        transaction.commit().await.map_err(HistoryError::sql(doing))
    }
}
