//! The caretaker: computes the rollups of touched hours, merges their blocks, and lets go what is
//! expired. It works beside the recorder and never in the way of an acknowledgement.
//!
//! Each piece of work reads with the readers' connections, computes on a thread of its own, and
//! writes one short transaction. Whatever happens in between, the marks of the hours stay in the
//! file until that transaction is committed, so a crash at any point means the work is done again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use scheduler::time::{Micros, Span};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::HistoryError;
use super::gather;
use super::hours::Computed;
use super::keep::{self, Horizons, Kept};
use super::schema::Pools;
use super::steady::Steady;
use super::touched::{DayKey, Taken};
use super::{History, Shared};
use crate::clock::Clock;

/// Most instruments of which hours are computed in one piece of work.
const INSTRUMENTS_MAX: usize = 8;

/// Hours of a day with more rows in blocks than that are computed one by one.
const ROWS_MAX: i64 = 50_000;

/// Time between looks when nothing is due, and after a failure.
const IDLE: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_secs(10);

/// Shortest pause between pieces of work; else it is three times as long as the piece took.
const PAUSE: Duration = Duration::from_millis(5);

/// How long hours wait in which something is damaged.
const DAMAGED_MINUTES: u32 = 60;

/// Works on what the recorder wrote. There is one.
#[derive(Debug)]
pub struct Caretaker {
    pools: Pools,
    shared: Arc<Shared>,
    clock: Clock,
    kept: Kept,
    /// The day after which hours are taken.
    cursor: Option<DayKey>,
    /// Days whose marks in memory may not be those in the file, after a failed transaction.
    unsure: BTreeSet<DayKey>,
    swept_at: Micros,
    /// The horizons as they are stored.
    stored: Horizons,
    /// Where the deletion of rollups is; `None` when all are done.
    rollups_after: Option<i64>,
    /// Whether things may be deleted by the clock.
    steady: Steady,
}

impl History {
    /// Hands out the caretaker, and from now on readings are kept so long; `None` if it was taken
    /// before.
    #[must_use]
    pub fn take_caretaker(&self, kept: Kept) -> Option<Caretaker> {
        let is_taken = &self.shared.is_kept;
        if is_taken.swap(true, Ordering::SeqCst) {
            return None;
        }
        let raw_us = kept.raw_us();
        self.shared.raw_kept_us.store(raw_us, Ordering::Relaxed);
        Some(Caretaker {
            pools: self.pools.clone(),
            shared: Arc::clone(&self.shared),
            clock: self.clock.clone(),
            kept,
            cursor: None,
            unsure: BTreeSet::new(),
            swept_at: Micros::new(0),
            stored: self.shared.horizons(),
            steady: Steady::new(
                self.shared.committed_before,
                self.clock.now(),
                self.clock.mono_us(),
            ),
            rollups_after: None,
        })
    }
}

impl Caretaker {
    /// Works until asked to stop. A failure is logged and tried again; it stops nothing else.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let began = Instant::now();
            let pause = match self.work().await {
                // At most a quarter of a core, so that there is room for commits.
                Ok(true) => (3 * began.elapsed()).max(PAUSE),
                Ok(false) => IDLE,
                Err(error) => {
                    tracing::warn!(why = error.for_operators(), "history is not tidied up now");
                    RETRY
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Does one bounded piece of work. Returns true if there may be more to do at once.
    ///
    /// # Errors
    /// Returns [`HistoryError`] when the store fails; nothing is lost then.
    ///
    /// # Panics
    /// If the computation panics.
    pub async fn work(&mut self) -> Result<bool, HistoryError> {
        let now = self.clock.now();
        self.reload(now).await?;
        let taken = self
            .shared
            .touched()
            .take(&mut self.cursor, INSTRUMENTS_MAX, now);
        // None while a commit is under way: soon.
        let mut is_more = taken.as_ref().is_none_or(|taken| !taken.is_empty());
        let taken = taken.unwrap_or_default();
        let mut computed = Vec::new();
        for (at, one) in taken.iter().enumerate() {
            match self.compute(*one).await {
                Ok(found) => computed.push(found),
                Err(HistoryError::Damaged { table, row, source }) => {
                    let instrument = one.instrument.get();
                    tracing::error!(table, row, %source, instrument, "hours cannot be computed");
                    let until = now + Span::minutes(DAMAGED_MINUTES);
                    self.shared.touched().give_back(*one, until);
                }
                Err(error) => {
                    let rest = taken.iter().skip(at).copied();
                    let all = computed.into_iter().map(|(taken, _)| taken).chain(rest);
                    let mut touched = self.shared.touched();
                    all.for_each(|one| touched.give_back(one, now));
                    return Err(error);
                }
            }
        }
        if !computed.is_empty() {
            self.write(&computed).await?;
        }
        let is_believed = self.steady.look(now, self.clock.mono_us());
        if is_believed && (now - self.swept_at).abs() >= keep::SWEEP_EVERY_US {
            is_more |= self.sweep(now).await?;
        }
        Ok(is_more)
    }

    /// Reads marks again that may be other in the file than in memory.
    async fn reload(&mut self, now: Micros) -> Result<(), HistoryError> {
        while let Some(key) = self.unsure.first().copied() {
            let hours: Option<u32> =
                sqlx::query_scalar("SELECT hours FROM touched WHERE instrument = $1 AND day = $2")
                    .bind(i64::from(key.0.get()))
                    .bind(key.1)
                    .fetch_optional(&self.pools.readers)
                    .await
                    .map_err(HistoryError::sql("reading marks of hours"))?;
            let mut touched = self.shared.touched();
            touched.load(key, hours.unwrap_or(0), now);
            touched.conclude(key);
            self.unsure.remove(&key);
        }
        Ok(())
    }

    async fn compute(&self, taken: Taken) -> Result<(Taken, Computed), HistoryError> {
        let mut taken = taken;
        let readers = &self.pools.readers;
        if taken.hours.count_ones() > 1 && gather::count_rows(readers, taken).await? > ROWS_MAX {
            taken = taken.first_hour();
            self.shared.touched().narrow(taken);
        }
        let hours = gather::hours(readers, &self.shared, taken).await?;
        let computing = tokio::task::spawn_blocking(move || hours.compute()).await;
        Ok((
            taken,
            computing.expect("hours are computed without a panic"),
        ))
    }

    /// Writes what was computed, in one transaction with the marks that fall.
    async fn write(&mut self, computed: &[(Taken, Computed)]) -> Result<(), HistoryError> {
        let written = self.transact(computed).await;
        let keys = computed.iter();
        let keys = keys.map(|(taken, _)| (taken.instrument, taken.day));
        if written.is_ok() {
            let mut touched = self.shared.touched();
            keys.for_each(|key| touched.conclude(key));
        } else {
            // Perhaps it was committed, perhaps not: the file knows.
            self.unsure.extend(keys);
        }
        written.map_err(HistoryError::sql("writing rollups"))
    }

    async fn transact(&self, computed: &[(Taken, Computed)]) -> Result<(), sqlx::Error> {
        let begun = crate::transaction::begin(&self.pools.writer, "BEGIN IMMEDIATE").await;
        // Marks fall in memory only now: whatever marks an hour anew from here on is written after
        // this transaction. What was written before it was prepared before and is seen here.
        let settled = |(taken, _): &(Taken, Computed)| self.shared.touched().settle(*taken);
        let done: Vec<u32> = computed.iter().map(settled).collect();
        let mut transaction = begun?;
        for ((taken, computed), done) in computed.iter().zip(done) {
            write_one(&mut transaction, *taken, computed, done).await?;
        }
        transaction.commit().await
    }

    /// Lets go some of what is expired. Returns true if there is more.
    async fn sweep(&mut self, now: Micros) -> Result<bool, HistoryError> {
        const DOING: &str = "deleting what is expired";
        let horizons = self.kept.horizons(now, self.shared.horizons());
        self.shared.set_horizons(horizons);
        let is_moved = horizons != self.stored;
        let of_steps = |horizons: Horizons| (horizons.minutes, horizons.hours);
        if of_steps(horizons) != of_steps(self.stored) {
            self.rollups_after.get_or_insert(i64::MIN);
        }
        let expired = keep::expired(&self.pools.readers, horizons)
            .await
            .map_err(HistoryError::sql(DOING))?;
        let blocks = keep::deletable(expired, &self.shared.touched(), horizons);
        if blocks.is_empty() && !is_moved && self.rollups_after.is_none() {
            self.swept_at = now;
            return Ok(false);
        }
        // Once an hour.
        let crowded = if is_moved {
            keep::with_too_many_gaps(&self.pools.readers).await
        } else {
            Ok(Vec::new())
        };
        let letting_go = LettingGo {
            horizons,
            kept: self.kept,
            blocks: &blocks,
            crowded: &crowded.map_err(HistoryError::sql(DOING))?,
            rollups_after: self.rollups_after,
        };
        let after = letting_go.run(&self.pools.writer, now).await;
        let after = after.map_err(HistoryError::sql(DOING))?;
        (self.stored, self.rollups_after) = (horizons, after);
        let is_more = !blocks.is_empty() || after.is_some();
        if !is_more {
            self.swept_at = now;
        }
        Ok(is_more)
    }
}

async fn write_one(
    connection: &mut SqliteConnection,
    taken: Taken,
    computed: &Computed,
    done: u32,
) -> Result<(), sqlx::Error> {
    let instrument = i64::from(taken.instrument.get());
    // New ones first: their ids then lie above all ranks.
    for block in &computed.blocks {
        let id = sqlx::query(
            "INSERT INTO block (instrument, first_ms, last_ms, row_count, data, rank) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(instrument)
        .bind(block.first_ms)
        .bind(block.last_ms)
        .bind(i64::try_from(block.rows).unwrap_or(i64::MAX))
        .bind(block.data.as_slice())
        .bind(block.rank)
        .execute(&mut *connection)
        .await?
        .last_insert_rowid();
        for (channel, data) in &block.columns {
            sqlx::query("INSERT INTO block_column (id, data) VALUES ($1 * 8192 + $2, $3)")
                .bind(id)
                .bind(i64::from(channel.0))
                .bind(data.as_slice())
                .execute(&mut *connection)
                .await?;
        }
    }
    keep::delete_blocks(connection, &computed.replaced).await?;
    for rollup in &computed.rollups {
        sqlx::query(
            "INSERT INTO rollup (instrument, step_ms, chunk, channel, data) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (instrument, step_ms, chunk, channel) \
             DO UPDATE SET data = excluded.data",
        )
        .bind(instrument)
        .bind(rollup.level.step_ms)
        .bind(rollup.chunk)
        .bind(i64::from(rollup.channel.0))
        .bind(rollup.data.as_slice())
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query("UPDATE touched SET hours = hours & ~$3 WHERE instrument = $1 AND day = $2")
        .bind(instrument)
        .bind(taken.day)
        .bind(i64::from(done))
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM touched WHERE instrument = $1 AND day = $2 AND hours = 0")
        .bind(instrument)
        .bind(taken.day)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// What one sweep lets go, in one transaction.
struct LettingGo<'s> {
    horizons: Horizons,
    kept: Kept,
    blocks: &'s [i64],
    /// Agents with too many losses.
    crowded: &'s [String],
    rollups_after: Option<i64>,
}

impl LettingGo<'_> {
    /// Deletes it and some rollups. Returns where the rollups' deletion is.
    async fn run(&self, writer: &SqlitePool, now: Micros) -> Result<Option<i64>, sqlx::Error> {
        let mut transaction = crate::transaction::begin(writer, "BEGIN IMMEDIATE").await?;
        keep::write_horizons(&mut transaction, self.horizons).await?;
        keep::delete_blocks(&mut transaction, self.blocks).await?;
        keep::sweep_boots(&mut transaction, now, self.kept).await?;
        for agent in self.crowded {
            keep::sweep_gaps(&mut transaction, agent).await?;
        }
        let mut after = self.rollups_after;
        if let Some(cursor) = after.as_mut() {
            keep::sweep_rollups(&mut transaction, self.horizons, cursor).await?;
        }
        transaction.commit().await?;
        Ok(after.filter(|cursor| *cursor != i64::MIN))
    }
}
