//! How long things are kept, and letting go what is older, a little at a time.
//!
//! Nothing is deleted in a long transaction: a sweep takes a bounded number of rows, and the next
//! one follows at once if there are more. Blocks go by their end, whenever they were written, so
//! none holds up another; those whose rollups are behind wait for them, at most two days.
//!
//! **The file does not shrink.** SQLite uses the pages of deleted rows again, so the file stays as
//! large as it once was; `VACUUM` while the gateway is stopped gives room back to the disk. States
//! are small and stay for ever; of losses beyond number the sum stays, of an agent's streams the
//! latest (`streams`).

use scheduler::id::InstrumentId;
use scheduler::time::{DAY_US, Micros, SECOND_US};
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::rollup::{HOUR, Level, MINUTE};
use super::touched::{DAY_MS, HOUR_MS, Touched};

/// Rows of losses kept of one agent; older ones become one that counts them. An outbox that drops
/// makes one a group of records, so this is weeks of trouble.
const GAPS_OF_AGENT_MAX: i64 = 1_000;

/// How long the clock of an agent's boot is remembered, at least, and how much longer than readings
/// of it would be taken.
const BOOT_KEPT_DAYS_MIN: i64 = 60;
const BOOT_KEPT_DAYS_MORE: i64 = 30;

/// How often expired rows are looked for.
pub(super) const SWEEP_EVERY_US: i64 = 10 * SECOND_US;

/// Most blocks looked at in one sweep. At 5,534 instruments some 16 expire in ten seconds.
const SWEEP_BLOCKS_MAX: u32 = 200;

/// Most rows of rollups deleted in one sweep for each instrument, and instruments looked at.
const SWEEP_ROLLUPS_MAX: i64 = 500;
const SWEEP_INSTRUMENTS_MAX: usize = 16;

/// Most agents whose losses are made fewer in one sweep.
const SWEEP_AGENTS_MAX: u32 = 16;

/// How long an expired block waits for its rollups.
const WAIT_MS: i64 = 2 * DAY_MS;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Readings as they came, in days; older ones are not taken.
    pub raw_days: u32,
    /// Steps of a minute, in days.
    pub minute_days: u32,
    /// Steps of an hour, in days; 0 is for ever.
    pub hour_days: u32,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            raw_days: 30,
            minute_days: 365,
            hour_days: 0,
        }
    }
}

/// Before these moments things may be deleted; milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Horizons {
    pub(super) points: i64,
    pub(super) minutes: i64,
    pub(super) hours: i64,
}

impl Default for Horizons {
    fn default() -> Self {
        Self {
            points: i64::MIN,
            minutes: i64::MIN,
            hours: i64::MIN,
        }
    }
}

impl Kept {
    /// Returns how long readings are kept as they came, in microseconds.
    #[must_use]
    pub fn raw_us(self) -> i64 {
        i64::from(self.raw_days) * DAY_US
    }

    /// Returns the horizons as they should be now; they never go back, unless they lie in the future:
    /// then the clock was wrong.
    pub(super) fn horizons(self, now: Micros, before: Horizons) -> Horizons {
        let now_ms = now.get().div_euclid(1_000);
        let sane = |ms: i64| if ms > now_ms { i64::MIN } else { ms };
        let ago = |days: u32, unit_ms: i64| {
            let at_ms = (now.get() - i64::from(days) * DAY_US).div_euclid(1_000);
            at_ms - at_ms.rem_euclid(unit_ms)
        };
        let hours_ms = if self.hour_days == 0 {
            i64::MIN
        } else {
            ago(self.hour_days, HOUR.chunk_ms)
        };
        Horizons {
            points: sane(before.points).max(ago(self.raw_days, HOUR_MS)),
            minutes: sane(before.minutes).max(ago(self.minute_days, MINUTE.chunk_ms)),
            hours: sane(before.hours).max(hours_ms),
        }
    }
}

impl Horizons {
    /// Returns what is stored of it: for each length of step the moment.
    pub(super) fn rows(self) -> [(i64, i64); 3] {
        [
            (0, self.points),
            (MINUTE.step_ms, self.minutes),
            (HOUR.step_ms, self.hours),
        ]
    }

    /// Takes a stored row.
    pub(super) fn load(&mut self, step_ms: i64, from_ms: i64) {
        if step_ms == 0 {
            self.points = from_ms;
        } else if step_ms == MINUTE.step_ms {
            self.minutes = from_ms;
        } else if step_ms == HOUR.step_ms {
            self.hours = from_ms;
        }
    }
}

/// A block that may be deleted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expired {
    id: i64,
    instrument: InstrumentId,
    first_ms: i64,
    last_ms: i64,
}

/// Returns blocks all of whose readings are expired.
pub(super) async fn expired(
    readers: &SqlitePool,
    horizons: Horizons,
) -> Result<Vec<Expired>, sqlx::Error> {
    let rows: Vec<(i64, u32, i64, i64)> = sqlx::query_as(
        "SELECT id, instrument, first_ms, last_ms FROM block WHERE last_ms < $1 \
         ORDER BY last_ms LIMIT $2",
    )
    .bind(horizons.points)
    .bind(SWEEP_BLOCKS_MAX)
    .fetch_all(readers)
    .await?;
    let expired = rows
        .into_iter()
        .map(|(id, instrument, first_ms, last_ms)| Expired {
            id,
            instrument: InstrumentId::new(instrument),
            first_ms,
            last_ms,
        });
    Ok(expired.collect())
}

/// Returns those whose rollups are not behind, or have been for too long.
pub(super) fn deletable(
    mut expired: Vec<Expired>,
    touched: &Touched,
    horizons: Horizons,
) -> Vec<i64> {
    expired.retain(|block| {
        block.last_ms < horizons.points.saturating_sub(WAIT_MS)
            || touched
                .hours(block.instrument, block.first_ms, block.last_ms + 1)
                .is_empty()
    });
    expired.into_iter().map(|block| block.id).collect()
}

/// Deletes blocks with the columns that stand apart.
pub(super) async fn delete_blocks(
    connection: &mut SqliteConnection,
    blocks: &[i64],
) -> Result<(), sqlx::Error> {
    for block in blocks {
        sqlx::query("DELETE FROM block WHERE id = $1")
            .bind(block)
            .execute(&mut *connection)
            .await?;
        sqlx::query("DELETE FROM block_column WHERE id BETWEEN $1 * 8192 AND $1 * 8192 + 8191")
            .bind(block)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Deletes expired rollups of some instruments after `cursor`, beginning anew at the end.
pub(super) async fn sweep_rollups(
    connection: &mut SqliteConnection,
    horizons: Horizons,
    cursor: &mut i64,
) -> Result<(), sqlx::Error> {
    for _ in 0..SWEEP_INSTRUMENTS_MAX {
        let next: Option<i64> = sqlx::query_scalar(
            "SELECT instrument FROM rollup WHERE instrument > $1 ORDER BY instrument LIMIT 1",
        )
        .bind(*cursor)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(instrument) = next else {
            *cursor = i64::MIN;
            return Ok(());
        };
        *cursor = instrument;
        for (level, from_ms) in [(MINUTE, horizons.minutes), (HOUR, horizons.hours)] {
            delete_rollups(connection, instrument, level, level.chunk(from_ms)).await?;
        }
    }
    Ok(())
}

async fn delete_rollups(
    connection: &mut SqliteConnection,
    instrument: i64,
    level: Level,
    chunk: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM rollup WHERE id IN (SELECT id FROM rollup WHERE instrument = $1 \
         AND step_ms = $2 AND chunk < $3 LIMIT $4)",
    )
    .bind(instrument)
    .bind(level.step_ms)
    .bind(chunk)
    .bind(SWEEP_ROLLUPS_MAX)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets boots that have not been heard of for long.
pub(super) async fn sweep_boots(
    connection: &mut SqliteConnection,
    now: Micros,
    kept: Kept,
) -> Result<(), sqlx::Error> {
    let days = BOOT_KEPT_DAYS_MIN.max(i64::from(kept.raw_days) + BOOT_KEPT_DAYS_MORE);
    sqlx::query("DELETE FROM boot WHERE seen_us < $1")
        .bind(now.get() - days * DAY_US)
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns the agents that have far too many losses, before a transaction: it looks at them all.
pub(super) async fn with_too_many_gaps(readers: &SqlitePool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT agent FROM gap GROUP BY agent HAVING count(*) > $1 LIMIT $2")
        .bind(2 * GAPS_OF_AGENT_MAX)
        .bind(SWEEP_AGENTS_MAX)
        .fetch_all(readers)
        .await
}

/// Makes one row of the oldest losses of an agent.
pub(super) async fn sweep_gaps(
    connection: &mut SqliteConnection,
    agent: &str,
) -> Result<(), sqlx::Error> {
    let upto: i64 = sqlx::query_scalar(
        "SELECT id FROM gap WHERE agent = $1 ORDER BY id DESC LIMIT 1 OFFSET $2",
    )
    .bind(agent)
    .bind(GAPS_OF_AGENT_MAX)
    .fetch_one(&mut *connection)
    .await?;
    for statement in [
        "INSERT INTO gap (agent, stream, first, last, noticed_us) \
         SELECT agent, '', 1, sum(last - first + 1), max(noticed_us) FROM gap \
         WHERE agent = $1 AND id <= $2 GROUP BY agent",
        "DELETE FROM gap WHERE agent = $1 AND id <= $2",
    ] {
        let query = sqlx::query(statement).bind(agent).bind(upto);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Writes the horizons.
pub(super) async fn write_horizons(
    connection: &mut SqliteConnection,
    horizons: Horizons,
) -> Result<(), sqlx::Error> {
    for (step_ms, from_ms) in horizons.rows() {
        sqlx::query(
            "INSERT INTO kept_from (step_ms, from_ms) VALUES ($1, $2) \
             ON CONFLICT (step_ms) DO UPDATE SET from_ms = excluded.from_ms",
        )
        .bind(step_ms)
        .bind(from_ms)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
