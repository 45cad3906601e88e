//! One group commit, ready to be written, and the statements that write it.

use std::collections::BTreeMap;

use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::Micros;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnection;
use wire::{AgentName, StreamId};

use super::Shared;
use super::backlog::FollowerRow;
use super::error::HistoryError;
use super::group::{AgentRow, BootClock, Gap, QUARANTINE_MAX, Quarantined, StateChange};
use super::journal::StreamNo;
use super::placing::TailKey;
use super::rows::{ChannelNo, Rows};
use super::stretches::StretchChanges;
use super::tails::Kind;
use super::touched::DayKey;

/// Most journal rows deleted in one commit; one is added.
const RELEASED_ROWS_MAX: i64 = 1_000;

/// Everything one transaction writes.
#[derive(Debug)]
pub struct Prepared {
    pub(super) seq: i64,
    pub(super) at: Micros,
    /// Whether a transaction with it was begun before: it may have been committed.
    pub(super) attempted: bool,
    pub(super) new_channels: Vec<(ChannelNo, NodeId)>,
    pub(super) new_units: Vec<(InstrumentId, ChannelNo, String)>,
    pub(super) streams: Vec<StreamRow>,
    pub(super) journal: Vec<u8>,
    /// Journal rows below it are needed by nothing after this commit.
    pub(super) journal_low: i64,
    /// Where the follower stands, if there is one; rows from there on stay for it.
    pub(super) follower: Option<FollowerRow>,
    pub(super) blocks: Vec<BlockRow>,
    pub(super) tails: Vec<TailRow>,
    pub(super) states: Vec<StateChange>,
    pub(super) stretches: StretchChanges,
    pub(super) gaps: Vec<Gap>,
    pub(super) quarantined: Vec<Quarantined>,
    pub(super) boots: Vec<BootClock>,
    pub(super) agents: Vec<AgentRow>,
    /// Hours that are now marked as touched.
    pub(super) touched: BTreeMap<DayKey, u32>,
    /// New rows of tails that become blocks.
    pub(super) full: BTreeMap<TailKey, Rows>,
    /// New rows that stay in tails.
    pub(super) kept: BTreeMap<TailKey, Rows>,
}

#[derive(Debug)]
pub(super) struct BlockRow {
    pub(super) instrument: InstrumentId,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) rows: usize,
    pub(super) data: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct TailRow {
    pub(super) instrument: InstrumentId,
    pub(super) kind: Kind,
    pub(super) upto_ms: Option<i64>,
    pub(super) data: Option<Vec<u8>>,
    pub(super) newest: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct StreamRow {
    pub(super) number: StreamNo,
    pub(super) agent: AgentName,
    pub(super) stream: StreamId,
    pub(super) received: Vec<u8>,
    pub(super) seen: Micros,
}

/// Runs one statement with its parameters on a connection.
macro_rules! run {
    ($connection:expr, $sql:literal $(, $value:expr)* $(,)?) => {
        sqlx::query($sql)
            $(.bind($value))*
            .execute(&mut *$connection)
            .await
    };
}

impl Prepared {
    /// Returns one with nothing to write.
    pub(super) fn new(seq: i64, at: Micros) -> Self {
        Self {
            seq,
            at,
            attempted: false,
            new_channels: Vec::new(),
            new_units: Vec::new(),
            streams: Vec::new(),
            journal: Vec::new(),
            journal_low: 0,
            follower: None,
            blocks: Vec::new(),
            tails: Vec::new(),
            states: Vec::new(),
            stretches: StretchChanges::default(),
            gaps: Vec::new(),
            quarantined: Vec::new(),
            boots: Vec::new(),
            agents: Vec::new(),
            touched: BTreeMap::new(),
            full: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    /// Writes it in one transaction.
    pub(super) async fn execute(
        &mut self,
        pool: &SqlitePool,
        shared: &Shared,
    ) -> Result<(), HistoryError> {
        let doing = "committing readings";
        if self.attempted && self.is_committed(pool).await? {
            return Ok(());
        }
        self.attempted = true;
        let mut transaction = crate::transaction::begin(pool, "BEGIN IMMEDIATE")
            .await
            .map_err(HistoryError::sql(doing))?;
        self.write(&mut transaction, shared)
            .await
            .map_err(HistoryError::sql(doing))?;
        transaction.commit().await.map_err(HistoryError::sql(doing))
    }

    /// Returns true if an earlier attempt succeeded although it was reported to have failed.
    async fn is_committed(&self, pool: &SqlitePool) -> Result<bool, HistoryError> {
        let found: Option<i64> = sqlx::query_scalar("SELECT seq FROM journal WHERE seq = $1")
            .bind(self.seq)
            .fetch_optional(pool)
            .await
            .map_err(HistoryError::sql("asking whether a commit succeeded"))?;
        Ok(found.is_some())
    }

    async fn write(
        &self,
        connection: &mut SqliteConnection,
        shared: &Shared,
    ) -> Result<(), sqlx::Error> {
        self.write_names(connection, shared).await?;
        run!(
            connection,
            "INSERT INTO journal (seq, at_us, data) VALUES ($1, $2, $3)",
            self.seq,
            self.at.get(),
            self.journal.as_slice(),
        )?;
        // A name may stand in another stream's row: its number has a new one, written here too.
        for stream in &self.streams {
            run!(
                connection,
                "INSERT OR REPLACE INTO stream (id, agent, stream, from_seq, received, seen_us) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                i64::from(stream.number.0),
                stream.agent.as_str(),
                stream.stream.as_str(),
                self.seq,
                stream.received.as_slice(),
                stream.seen.get(),
            )?;
        }
        self.write_readings(connection).await?;
        self.write_states(connection).await?;
        self.stretches.write(connection).await?;
        self.write_notes(connection).await?;
        self.release_journal(connection).await?;
        Ok(())
    }

    /// Writes where the follower stands, and lets journal rows go that neither recovery nor it needs.
    /// Without a follower its mark goes too: rows it would want are not kept from now on.
    async fn release_journal(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let kept_from = match &self.follower {
            Some(row) => {
                run!(
                    connection,
                    "INSERT INTO follower \
                     (id, store, next_seq, needed_seq, began_us, lost_rows, lost_us) \
                     VALUES (1, $1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET \
                     store = excluded.store, next_seq = excluded.next_seq, \
                     needed_seq = excluded.needed_seq, began_us = excluded.began_us, \
                     lost_rows = excluded.lost_rows, lost_us = excluded.lost_us",
                    row.store.as_str(),
                    row.next_seq,
                    row.needed_seq,
                    row.began.get(),
                    i64::try_from(row.lost_rows).unwrap_or(i64::MAX),
                    row.lost_until.get(),
                )?;
                row.next_seq.min(self.journal_low)
            }
            None => {
                run!(connection, "DELETE FROM follower")?;
                self.journal_low
            }
        };
        // A few at a time: a follower that is taken away may leave gigabytes.
        run!(
            connection,
            "DELETE FROM journal WHERE seq IN \
             (SELECT seq FROM journal WHERE seq < $1 ORDER BY seq LIMIT $2)",
            kept_from,
            RELEASED_ROWS_MAX,
        )?;
        Ok(())
    }

    async fn write_names(
        &self,
        connection: &mut SqliteConnection,
        shared: &Shared,
    ) -> Result<(), sqlx::Error> {
        for (channel, lab) in &self.new_channels {
            let name = shared.dictionary().name(*channel).cloned();
            let name = name.expect("a number is given together with its name");
            run!(
                connection,
                "INSERT INTO channel (id, name, lab) VALUES ($1, $2, $3)",
                i64::from(channel.0),
                name.as_str(),
                lab.get(),
            )?;
        }
        for (instrument, channel, unit) in &self.new_units {
            run!(
                connection,
                "INSERT INTO unit (instrument, channel, unit) VALUES ($1, $2, $3) \
                 ON CONFLICT (instrument, channel) DO UPDATE SET unit = excluded.unit",
                i64::from(instrument.get()),
                i64::from(channel.0),
                unit.as_str(),
            )?;
        }
        Ok(())
    }

    async fn write_readings(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        for block in &self.blocks {
            run!(
                connection,
                "INSERT INTO block (instrument, first_ms, last_ms, row_count, data) \
                 VALUES ($1, $2, $3, $4, $5)",
                i64::from(block.instrument.get()),
                block.first_ms,
                block.last_ms,
                i64::try_from(block.rows).unwrap_or(i64::MAX),
                block.data.as_slice(),
            )?;
        }
        for ((instrument, day), hours) in &self.touched {
            run!(
                connection,
                "INSERT INTO touched (instrument, day, hours) VALUES ($1, $2, $3) \
                 ON CONFLICT (instrument, day) DO UPDATE SET hours = hours | excluded.hours",
                i64::from(instrument.get()),
                day,
                i64::from(*hours),
            )?;
        }
        for tail in &self.tails {
            run!(
                connection,
                "INSERT INTO tail (instrument, kind, from_seq, upto_ms, data, newest) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (instrument, kind) DO UPDATE SET \
                 from_seq = excluded.from_seq, upto_ms = excluded.upto_ms, data = excluded.data, \
                 newest = excluded.newest",
                i64::from(tail.instrument.get()),
                i64::from(tail.kind.code()),
                self.seq,
                tail.upto_ms,
                tail.data.as_deref(),
                tail.newest.as_slice(),
            )?;
        }
        Ok(())
    }

    async fn write_states(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        for change in &self.states {
            run!(
                connection,
                "INSERT INTO state_change (seq, instrument, at_us, state, reason, decided_us) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                change.seq,
                i64::from(change.instrument.get()),
                change.at.get(),
                change.state.as_str(),
                change.state.reason(),
                change.decided_at.get(),
            )?;
        }
        for gap in &self.gaps {
            run!(
                connection,
                "INSERT INTO gap (agent, stream, first, last, noticed_us) \
                 VALUES ($1, $2, $3, $4, $5)",
                gap.agent.as_str(),
                gap.stream.as_str(),
                i64::try_from(gap.first).unwrap_or(i64::MAX),
                i64::try_from(gap.last).unwrap_or(i64::MAX),
                self.at.get(),
            )?;
        }
        Ok(())
    }

    async fn write_notes(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        for boot in &self.boots {
            run!(
                connection,
                "INSERT INTO boot (agent, boot, offset_us, seen_us) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (agent, boot) DO UPDATE SET \
                 offset_us = excluded.offset_us, seen_us = excluded.seen_us",
                boot.agent.as_str(),
                boot.boot.as_str(),
                boot.offset_us,
                boot.seen.get(),
            )?;
        }
        for agent in &self.agents {
            run!(
                connection,
                "INSERT INTO agent (name, version, seen_us, report_every_ms) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET \
                 version = excluded.version, seen_us = excluded.seen_us, \
                 report_every_ms = excluded.report_every_ms",
                agent.name.as_str(),
                agent.version.as_str(),
                agent.seen.get(),
                agent.report_every_ms,
            )?;
        }
        for message in &self.quarantined {
            run!(
                connection,
                "INSERT INTO quarantine (at_us, topic, reason, detail, bytes, payload) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                message.at.get(),
                message.topic.as_str(),
                message.reason,
                message.detail.as_str(),
                i64::try_from(message.bytes).unwrap_or(i64::MAX),
                message.payload.as_ref(),
            )?;
        }
        if !self.quarantined.is_empty() {
            run!(
                connection,
                "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - $1",
                QUARANTINE_MAX,
            )?;
        }
        Ok(())
    }
}
