//! From the file to memory at start: checkpoint plus journal.

use std::collections::{HashMap, VecDeque};

use futures::TryStreamExt as _;
use scheduler::id::{InstrumentId, NodeId};
use scheduler::time::Micros;
use sqlx::{Row as _, SqlitePool};
use wire::{AgentName, BootId, ChannelName, StreamId};

use super::block::{self, Damage};
use super::dictionary::Dictionary;
use super::error::HistoryError;
use super::group::{AgentRow, BootClock, StateChange};
use super::journal::{self, StreamNo};
use super::keep::Horizons;
use super::newest::decode_newest;
use super::pins::Pins;
use super::placing::{self, TailKey};
use super::ranges::RangeSet;
use super::rows::ChannelNo;
use super::streams::StreamBook;
use super::stretches::{self, StretchRow};
use super::tails::{InstrumentTails, Kind};
use super::touched::Touched;
use crate::status::MachineState;

/// What the recorder starts from.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The last change of state of each instrument.
    pub states: HashMap<InstrumentId, StateChange>,
    /// What each instrument was before, whose last state is offline or a fault: its last state that is
    /// not offline, and the last that is no fault either.
    pub before: HashMap<InstrumentId, (Option<MachineState>, Option<MachineState>)>,
    /// Times of which readings are missing, of each instrument ascending.
    pub stretches: Vec<StretchRow>,
    /// Boot clocks of agents.
    pub boots: Vec<BootClock>,
    /// Agents that were ever heard of.
    pub agents: Vec<AgentRow>,
}

/// What memory is rebuilt from.
pub(super) struct Memory {
    pub(super) dictionary: Dictionary,
    pub(super) tails: HashMap<InstrumentId, InstrumentTails>,
    pub(super) streams: HashMap<StreamNo, StreamBook>,
    pub(super) tail_pins: Pins<TailKey>,
    pub(super) stream_pins: Pins<StreamNo>,
    pub(super) journal: VecDeque<(i64, Micros)>,
    pub(super) last_state_seq: i64,
    pub(super) recovered: Recovered,
    pub(super) touched: Touched,
    pub(super) horizons: Horizons,
    /// The commit each tail and stream row was written in.
    tails_from: HashMap<TailKey, i64>,
    streams_from: HashMap<StreamNo, i64>,
}

/// Reads the whole memory.
pub(super) async fn memory(pool: &SqlitePool, now: Micros) -> Result<Memory, HistoryError> {
    let mut memory = Memory {
        dictionary: Dictionary::default(),
        tails: HashMap::new(),
        streams: HashMap::new(),
        tail_pins: Pins::new(),
        stream_pins: Pins::new(),
        journal: VecDeque::new(),
        last_state_seq: 0,
        recovered: Recovered::default(),
        touched: Touched::default(),
        horizons: Horizons::default(),
        tails_from: HashMap::new(),
        streams_from: HashMap::new(),
    };
    memory.read_names(pool).await?;
    memory.read_tails(pool).await?;
    memory.read_streams(pool).await?;
    memory.replay(pool).await?;
    memory.keep_phases();
    memory.read_states(pool).await?;
    memory.recovered.stretches = stretches::read(pool).await?;
    memory.read_agents(pool).await?;
    memory.read_touched(pool, now).await?;
    Ok(memory)
}

fn reading(error: sqlx::Error) -> HistoryError {
    HistoryError::Sql {
        doing: "reading it at start",
        source: error,
    }
}

fn damaged(table: &'static str, row: i64, what: &'static str) -> HistoryError {
    HistoryError::Damaged {
        table,
        row,
        source: Damage::Contradiction(what),
    }
}

fn instrument(number: i64, table: &'static str) -> Result<InstrumentId, HistoryError> {
    u32::try_from(number)
        .map(InstrumentId::new)
        .map_err(|_| damaged(table, number, "not the number of an instrument"))
}

impl Memory {
    async fn read_names(&mut self, pool: &SqlitePool) -> Result<(), HistoryError> {
        let channels: Vec<(i64, String, i64)> =
            sqlx::query_as("SELECT id, name, lab FROM channel ORDER BY id")
                .fetch_all(pool)
                .await
                .map_err(reading)?;
        for (id, name, lab) in channels {
            let wrong = || damaged("channel", id, "not a number or name of a channel");
            let number = u16::try_from(id).map_err(|_| wrong())?;
            let name = ChannelName::parse(&name).map_err(|_| wrong())?;
            if !self
                .dictionary
                .load(ChannelNo(number), name, NodeId::new(lab))
            {
                return Err(damaged("channel", id, "numbers are not dense"));
            }
        }
        let units: Vec<(i64, i64, String)> =
            sqlx::query_as("SELECT instrument, channel, unit FROM unit")
                .fetch_all(pool)
                .await
                .map_err(reading)?;
        for (of, channel, unit) in units {
            let channel = u16::try_from(channel)
                .map_err(|_| damaged("unit", channel, "not the number of a channel"))?;
            self.dictionary
                .set_unit(instrument(of, "unit")?, ChannelNo(channel), &unit);
        }
        Ok(())
    }

    async fn read_tails(&mut self, pool: &SqlitePool) -> Result<(), HistoryError> {
        let mut rows =
            sqlx::query("SELECT instrument, kind, from_seq, upto_ms, data, newest FROM tail")
                .fetch(pool);
        while let Some(row) = rows.try_next().await.map_err(reading)? {
            let number: i64 = row.try_get(0).map_err(reading)?;
            let of = instrument(number, "tail")?;
            let code: i64 = row.try_get(1).map_err(reading)?;
            let kind = u8::try_from(code).ok().and_then(Kind::of_code);
            let kind = kind.ok_or_else(|| damaged("tail", number, "of an unknown kind"))?;
            let wrong = |source| HistoryError::Damaged {
                table: "tail",
                row: number,
                source,
            };
            self.tails_from
                .insert((of, kind), row.try_get(2).map_err(reading)?);
            let upto: Option<i64> = row.try_get(3).map_err(reading)?;
            let data: Option<&[u8]> = row.try_get(4).map_err(reading)?;
            let newest: &[u8] = row.try_get(5).map_err(reading)?;
            let tails = self.tails.entry(of).or_default();
            tails.live_upto_ms = tails.live_upto_ms.max(upto);
            if let Some(data) = data {
                *tails.of_mut(kind) = block::decode(data, None).map_err(wrong)?;
            }
            for one in decode_newest(newest).map_err(wrong)? {
                tails.note_newest(one);
            }
        }
        Ok(())
    }

    async fn read_streams(&mut self, pool: &SqlitePool) -> Result<(), HistoryError> {
        let mut rows =
            sqlx::query("SELECT id, agent, stream, from_seq, received, seen_us FROM stream")
                .fetch(pool);
        while let Some(row) = rows.try_next().await.map_err(reading)? {
            let id: i64 = row.try_get(0).map_err(reading)?;
            let wrong = |what| damaged("stream", id, what);
            let number = u32::try_from(id).map_err(|_| wrong("not a number of a stream"))?;
            let agent: &str = row.try_get(1).map_err(reading)?;
            let stream: &str = row.try_get(2).map_err(reading)?;
            let received: &[u8] = row.try_get(4).map_err(reading)?;
            let book = StreamBook {
                agent: AgentName::parse(agent).map_err(|_| wrong("not an agent's name"))?,
                stream: StreamId::parse(stream).map_err(|_| wrong("not a stream's name"))?,
                received: RangeSet::from_bytes(received)
                    .map_err(|_| wrong("received ranges cannot be read"))?,
                seen: Micros::new(row.try_get(5).map_err(reading)?),
            };
            self.streams_from
                .insert(StreamNo(number), row.try_get(3).map_err(reading)?);
            self.streams.insert(StreamNo(number), book);
        }
        Ok(())
    }

    /// Adds what the journal holds beyond the checkpoints.
    async fn replay(&mut self, pool: &SqlitePool) -> Result<(), HistoryError> {
        // Rows that are kept for the follower alone are not read: there may be gigabytes of them.
        let mut rows = sqlx::query(
            "SELECT seq, at_us, data FROM journal \
             WHERE seq >= coalesce((SELECT needed_seq FROM follower), 0) ORDER BY seq",
        )
        .fetch(pool);
        while let Some(row) = rows.try_next().await.map_err(reading)? {
            let seq: i64 = row.try_get(0).map_err(reading)?;
            let at = Micros::new(row.try_get(1).map_err(reading)?);
            let data: &[u8] = row.try_get(2).map_err(reading)?;
            let entry = journal::decode(data).map_err(|source| HistoryError::Damaged {
                table: "journal",
                row: seq,
                source,
            })?;
            self.journal.push_back((seq, at));
            for (of, kind, delta) in entry.sections {
                if seq <= self.tails_from.get(&(of, kind)).copied().unwrap_or(0) {
                    continue;
                }
                let tails = self.tails.entry(of).or_default();
                tails.note(kind, &delta);
                tails.of_mut(kind).append(&delta, 0, delta.len());
                self.tail_pins.pin((of, kind), seq);
            }
            for one in entry.received {
                if seq <= self.streams_from.get(&one.stream).copied().unwrap_or(0) {
                    continue;
                }
                let book = self
                    .streams
                    .get_mut(&one.stream)
                    .ok_or_else(|| damaged("journal", seq, "names an unknown stream"))?;
                book.received.raise(one.floor);
                if one.number > 0 {
                    book.received.insert(one.number);
                }
                book.seen = book.seen.max(at);
                self.stream_pins.pin(one.stream, seq);
            }
        }
        Ok(())
    }

    /// Lets tails that stand beyond the length of a first one go on to that of all others. Else
    /// almost half of them would end with the first reading after a start, and together from then on.
    fn keep_phases(&mut self) {
        for (of, tails) in &mut self.tails {
            tails.has_ended = tails.live.len() >= placing::full_at(*of, true);
        }
    }

    async fn read_states(&mut self, pool: &SqlitePool) -> Result<(), HistoryError> {
        let mut rows = sqlx::query(
            // By the index from instrument to instrument: there are millions of older changes.
            "WITH RECURSIVE of(instrument) AS (SELECT min(instrument) FROM state_change UNION ALL \
             SELECT (SELECT min(instrument) FROM state_change WHERE instrument > of.instrument) \
             FROM of WHERE of.instrument IS NOT NULL) \
             SELECT seq, instrument, at_us, state, reason, decided_us FROM state_change \
             WHERE seq IN (SELECT (SELECT seq FROM state_change newest \
             WHERE newest.instrument = of.instrument ORDER BY at_us DESC, seq DESC LIMIT 1) FROM of)",
        )
        .fetch(pool);
        while let Some(row) = rows.try_next().await.map_err(reading)? {
            let seq: i64 = row.try_get(0).map_err(reading)?;
            let of = instrument(row.try_get(1).map_err(reading)?, "state_change")?;
            let state: &str = row.try_get(3).map_err(reading)?;
            let reason: Option<&str> = row.try_get(4).map_err(reading)?;
            let change = StateChange {
                seq,
                instrument: of,
                at: Micros::new(row.try_get(2).map_err(reading)?),
                state: MachineState::parse(state, reason)
                    .ok_or_else(|| damaged("state_change", seq, "an unknown state"))?,
                decided_at: Micros::new(row.try_get(5).map_err(reading)?),
            };
            self.recovered.states.insert(of, change);
        }
        drop(rows);
        // Not of those: what a backlog decides of the past has a later number than what is now.
        let last: Option<i64> = sqlx::query_scalar("SELECT max(seq) FROM state_change")
            .fetch_one(pool)
            .await
            .map_err(reading)?;
        self.last_state_seq = last.unwrap_or(0);
        let states = self.recovered.states.values();
        let is_passing = |state| matches!(state, MachineState::Offline(_) | MachineState::Fault);
        let passing: Vec<InstrumentId> = states
            .filter(|change| is_passing(change.state))
            .map(|change| change.instrument)
            .collect();
        for of in passing {
            let read = last_but(pool, of, "offline").await?;
            let sound = match read {
                Some(MachineState::Fault) => last_but(pool, of, "fault").await?,
                read => read,
            };
            self.recovered.before.insert(of, (read, sound));
        }
        Ok(())
    }

    async fn read_touched(&mut self, pool: &SqlitePool, now: Micros) -> Result<(), HistoryError> {
        let mut rows = sqlx::query("SELECT instrument, day, hours FROM touched").fetch(pool);
        while let Some(row) = rows.try_next().await.map_err(reading)? {
            let of = instrument(row.try_get(0).map_err(reading)?, "touched")?;
            let day: i64 = row.try_get(1).map_err(reading)?;
            self.touched
                .load((of, day), row.try_get(2).map_err(reading)?, now);
        }
        let horizons: Vec<(i64, i64)> = sqlx::query_as("SELECT step_ms, from_ms FROM kept_from")
            .fetch_all(pool)
            .await
            .map_err(reading)?;
        for (step_ms, from_ms) in horizons {
            self.horizons.load(step_ms, from_ms);
        }
        Ok(())
    }

    async fn read_agents(&mut self, pool: &SqlitePool) -> Result<(), HistoryError> {
        let boots: Vec<(String, String, i64, i64)> =
            sqlx::query_as("SELECT agent, boot, offset_us, seen_us FROM boot")
                .fetch_all(pool)
                .await
                .map_err(reading)?;
        for (agent, boot, offset_us, seen_us) in boots {
            let names = (AgentName::parse(&agent), BootId::parse(&boot));
            let (Ok(agent), Ok(boot)) = names else {
                return Err(damaged("boot", seen_us, "not names of an agent and a boot"));
            };
            self.recovered.boots.push(BootClock {
                agent,
                boot,
                offset_us,
                seen: Micros::new(seen_us),
            });
        }
        let agents: Vec<(String, String, i64, Option<i64>)> =
            sqlx::query_as("SELECT name, version, seen_us, report_every_ms FROM agent")
                .fetch_all(pool)
                .await
                .map_err(reading)?;
        for (name, version, seen_us, report_every_ms) in agents {
            let name = AgentName::parse(&name)
                .map_err(|_| damaged("agent", seen_us, "not an agent's name"))?;
            self.recovered.agents.push(AgentRow {
                name,
                version,
                report_every_ms,
                seen: Micros::new(seen_us),
            });
        }
        Ok(())
    }
}

/// Returns an instrument's last state that is neither offline nor `other`.
async fn last_but(
    pool: &SqlitePool,
    of: InstrumentId,
    other: &str,
) -> Result<Option<MachineState>, HistoryError> {
    let state: Option<String> = sqlx::query_scalar(
        "SELECT state FROM state_change WHERE instrument = $1 AND state NOT IN ('offline', $2) \
         ORDER BY at_us DESC, seq DESC LIMIT 1",
    )
    .bind(of.get())
    .bind(other)
    .fetch_optional(pool)
    .await
    .map_err(reading)?;
    Ok(state.and_then(|state| MachineState::parse(&state, None)))
}
