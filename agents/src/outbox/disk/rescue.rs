//! A damaged file: what can be read of it goes into a new one, the old one is set aside.
//!
//! Rows whose checksum holds are kept. If the stream's own row can be read, the stream goes on: the
//! numbers that are missing will show as gaps. Else a new stream begins and the rows are numbered
//! anew (the gateway may then see readings twice, under the same instrument and time, which is
//! harmless). Either way [`Event::Damaged`] tells the gateway.
//!
//! The new file is complete before the old one is moved: whenever the process dies, the next one
//! finds one of the two.

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use wire::{Event, Record, RecordBody};

use super::file::{self, Head, Opened, classify, is_damage, with_suffix};
use super::rows::{self, Row};
use crate::clock::Clock;
use crate::outbox::OutboxError;

/// Rows copied in one transaction.
const COPIED: i64 = 256;

/// Numbers that may be unreadable in a row, beyond which the rest is given up.
const STRIDE_MAX: u64 = 1 << 40;

/// Damaged files that are kept for whoever wants to know; older ones are removed.
const ASIDE_MAX: usize = 2;

/// Opens the file; one that is damaged is replaced.
pub(super) async fn open_or_rescue(
    path: &Path,
    clock: &Clock,
) -> Result<(SqliteConnection, Opened), OutboxError> {
    let spare = spare(path);
    if !path.exists() && spare.exists() {
        // The process died between setting the old file aside and moving the new one here.
        rename(&spare, path)?;
    }
    match file::open(path).await {
        Err(OutboxError::Database(error)) if is_damage(&error) => {
            rescue(path, clock, &error.to_string()).await
        }
        result => result,
    }
}

/// Replaces a damaged file and opens the new one.
pub(super) async fn rescue(
    path: &Path,
    clock: &Clock,
    why: &str,
) -> Result<(SqliteConnection, Opened), OutboxError> {
    let spare = spare(path);
    for ending in ["", "-wal", "-shm"] {
        let leftover = with_suffix(&spare, ending);
        if leftover.exists() {
            std::fs::remove_file(&leftover).map_err(wrong(&leftover))?;
        }
    }
    let (kept, renewed) = copy(path, &spare, clock).await.map_err(classify)?;
    let aside = path.with_extension(format!("damaged-{}", clock.now().wall_ms));
    tracing::error!(
        kept,
        new_stream = renewed,
        "the outbox {} is damaged ({why}): set aside as {}, {kept} records could be read",
        path.display(),
        aside.display(),
    );
    // The log first: beside another database it would be taken for that one's.
    for ending in ["-wal", "-shm", ""] {
        let from = with_suffix(path, ending);
        if from.exists() {
            rename(&from, &with_suffix(&aside, ending))?;
        }
    }
    rename(&spare, path)?;
    remove_old(path);
    file::open(path).await
}

fn spare(path: &Path) -> PathBuf {
    path.with_extension("rescued")
}

fn wrong(path: &Path) -> impl FnOnce(std::io::Error) -> OutboxError {
    let path = path.display().to_string();
    move |source| OutboxError::Folder { path, source }
}

/// Renames a file and waits until the folder is on the disk.
fn rename(from: &Path, to: &Path) -> Result<(), OutboxError> {
    std::fs::rename(from, to).map_err(wrong(from))?;
    let folder = to.parent().unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(wrong(folder))
}

/// Keeps the newest damaged files only; best effort, the outbox works without it.
fn remove_old(path: &Path) {
    let Some(folder) = path.parent() else { return };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let names = entries.flatten().map(|entry| entry.path());
    let is_aside = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("outbox.damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
    };
    let mut aside: Vec<PathBuf> = names.filter(is_aside).collect();
    aside.sort_by_key(|path| {
        std::fs::metadata(path)
            .and_then(|meta| meta.modified())
            .ok()
    });
    let surplus = aside.len().saturating_sub(ASIDE_MAX);
    for old in aside.iter().take(surplus) {
        for ending in ["", "-wal", "-shm"] {
            if let Err(error) = std::fs::remove_file(with_suffix(old, ending)) {
                tracing::debug!("an old damaged outbox is not removed: {error}");
            }
        }
    }
}

/// Copies what can be read of `path` into a new file at `spare`, with the event that tells of it.
/// Returns how many rows that were, and whether the stream is a new one.
async fn copy(path: &Path, spare: &Path, clock: &Clock) -> Result<(u64, bool), sqlx::Error> {
    let mut from = connect(path).await.ok();
    let found = match &mut from {
        Some(from) => file::head(from).await.ok().flatten(),
        None => None,
    };
    let renewed = found.is_none();
    let mut head = found.unwrap_or_else(Head::new);
    let mut to = begin(spare, &head).await?;
    let kept = match &mut from {
        Some(from) => copy_rows(from, &mut to, &mut head, renewed).await?,
        None => 0,
    };
    if !renewed {
        head.unconfirmed = head.unconfirmed.or(Some(head.next));
    }
    tell(&mut to, head, Event::Damaged { kept, renewed }, clock).await?;
    to.close().await?;
    if let Some(from) = from {
        close_damaged(from).await;
    }
    Ok((kept, renewed))
}

async fn close_damaged(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!("the damaged outbox does not close: {error}");
    }
}

async fn begin(spare: &Path, head: &Head) -> Result<SqliteConnection, sqlx::Error> {
    let mut to = file::connect(spare).await?;
    let mut transaction = to.begin_with("BEGIN IMMEDIATE").await?;
    file::create(&mut transaction, head).await?;
    transaction.commit().await?;
    Ok(to)
}

/// Adds the event that tells of it, and what is known of the stream.
async fn tell(
    to: &mut SqliteConnection,
    mut head: Head,
    event: Event,
    clock: &Clock,
) -> Result<(), sqlx::Error> {
    let record = Record {
        boot: clock.boot().clone(),
        at: clock.now(),
        body: RecordBody::Event(event),
    };
    let mut transaction = to.begin_with("BEGIN IMMEDIATE").await?;
    rows::insert(&mut transaction, head.next, &Row::new(&record)).await?;
    head.next += 1;
    file::set_head(&mut transaction, &head).await?;
    transaction.commit().await
}

/// Copies rows, numbered anew if the stream is; returns how many.
async fn copy_rows(
    from: &mut SqliteConnection,
    to: &mut SqliteConnection,
    head: &mut Head,
    renewed: bool,
) -> Result<u64, sqlx::Error> {
    let mut kept = 0;
    let mut copying = Copying { from, after: 0 };
    while let Some(some) = copying.next().await {
        let mut transaction = to.begin_with("BEGIN IMMEDIATE").await?;
        for (seq, row) in some {
            let seq = if renewed { head.next } else { seq };
            kept += rows::insert_once(&mut transaction, seq, &row).await?;
            head.next = head.next.max(seq + 1);
        }
        transaction.commit().await?;
    }
    Ok(kept)
}

/// Opens a damaged file so that SQLite refuses as little as possible: nothing that reads the schema
/// before it may, and a file that was cut is taken for as long as it is. Source: `writable_schema`
/// in `lockBtree()` of sqlite's btree.c.
async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(path)
        .pragma("writable_schema", "ON")
        .disable_statement_logging()
        .connect()
        .await
}

/// Walks through the rows of a damaged file, stepping over what cannot be read.
struct Copying<'a> {
    from: &'a mut SqliteConnection,
    after: u64,
}

impl Copying<'_> {
    async fn next(&mut self) -> Option<Vec<(u64, Row)>> {
        let (mut limit, mut stride) = (COPIED, 0);
        loop {
            match rows::rows_after(self.from, self.after + stride, limit).await {
                Ok((rows, Some(last))) if last > self.after => {
                    self.after = last;
                    return Some(rows);
                }
                // The end, or rows in no order.
                Ok(_) => return None,
                // One of many: the ones before it can be read.
                Err(_) if limit > 1 => limit = 1,
                Err(_) if stride < STRIDE_MAX => stride = stride * 2 + 1,
                Err(error) => {
                    tracing::warn!("the rest of the damaged outbox cannot be read: {error}");
                    return None;
                }
            }
        }
    }
}
