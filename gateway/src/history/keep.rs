//! How long things are kept, and letting go what is older.

use scheduler::time::{DAY_US, Micros, SECOND_US};
use sqlx::sqlite::SqliteConnection;

/// How long readings are kept as they came.
pub const RAW_KEPT_DAYS: i64 = 30;

/// How long the clock of an agent's boot is remembered: longer than an outbox keeps records of it.
const BOOT_KEPT_DAYS: i64 = 60;

/// How often expired rows are looked for.
pub(super) const SWEEP_EVERY_US: i64 = 10 * SECOND_US;

/// Most blocks looked at in one sweep. At 5,534 instruments with a block each 300 s some 190 expire
/// in ten seconds.
const SWEEP_BLOCKS_MAX: i64 = 1_000;

/// Deletes blocks all of whose readings are expired, looking at the earliest written.
///
/// A block that was written early and is not expired holds up those behind it, at most for as long
/// as readings are kept.
pub(super) async fn sweep(
    connection: &mut SqliteConnection,
    now: Micros,
) -> Result<(), sqlx::Error> {
    let expired_ms = (now.get() - RAW_KEPT_DAYS * DAY_US).div_euclid(1_000);
    sqlx::query(
        "DELETE FROM block WHERE id IN (SELECT id FROM block ORDER BY id LIMIT $1) \
         AND last_ms < $2",
    )
    .bind(SWEEP_BLOCKS_MAX)
    .bind(expired_ms)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM boot WHERE seen_us < $1")
        .bind(now.get() - BOOT_KEPT_DAYS * DAY_US)
        .execute(&mut *connection)
        .await?;
    Ok(())
}
