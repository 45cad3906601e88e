//! The booking database: SQLite or PostgreSQL, one text per query.
//!
//! Free functions on a connection: the caller owns the transaction. Only the desk writes.
//! Deliberately not here: any decision.

mod directory;
mod edit;
mod facts;
mod foreign;
mod past;
mod reach;
mod records;
mod row;
mod rows;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyConnection, AnyPool, Executor, Row, Transaction};

pub use directory::{has_history, load_directory, load_sessions};
pub use edit::{Edit, write_edits};
pub use facts::{
    Loaded, each_older, load_answers, load_events, load_facts, load_highest, load_instrument_facts,
    load_project_use,
};
pub use past::{RunFilter, load_corrections, load_run, load_runs, sum_used};
pub use records::{Held, Record, Records, load_record, load_records};
pub use row::InconsistentRow;
pub(crate) use row::{get, instrument_of, json_of, moment_of, parsed, slot_of, word_of};
pub use rows::Value;
pub use write::{Writes, delete_old, is_logged, prove_writable, write_group};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Lowest SQLite that is safe: earlier ones can corrupt a database in WAL mode when the log is
/// reset (fixed in 3.51.3).
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened or reached.
    #[error("the booking database cannot be opened")]
    Open(#[source] sqlx::Error),
    /// The server does not answer.
    #[error("the database server at {address} cannot be reached")]
    Unreachable {
        /// Host and port, without the credential.
        address: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The file is no database, or not a whole one.
    #[error(
        "{file:?} is damaged or no SQLite database: restore it from a backup, or move it away to \
         begin with an empty one"
    )]
    Damaged {
        /// The file.
        file: PathBuf,
    },
    /// Its tables cannot be brought up to date.
    #[error("the booking database's tables cannot be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A setting is not what durability needs.
    #[error("the booking database has {name} = {actual}, it must be {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it is.
        actual: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A statement failed.
    #[error("{doing} failed")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A row says something that cannot be.
    #[error(transparent)]
    Inconsistent(#[from] InconsistentRow),
}

/// What a failed write means for the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The guard over the occupancy table, or a unique key: somebody wrote past the desk.
    Conflict,
    /// A row it refers to is not there.
    Missing,
    /// No room.
    Full,
    /// A value that the table cannot hold: out of range, a NUL in a text, against a check.
    Data,
    /// No connection could be had within the time for it.
    Unreachable,
    /// Anything else.
    Other,
}

impl Cause {
    /// Returns true if other rows would have been written: the database itself takes writes.
    #[must_use]
    pub fn is_about_the_rows(self) -> bool {
        matches!(self, Self::Conflict | Self::Missing | Self::Data)
    }
}

impl StoreError {
    /// Wraps a driver's error with what was being done.
    pub(crate) fn at(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Failed { doing, source }
    }

    /// Returns what the failure means. SQLite: 1811 is a trigger's ABORT, 1555 and 2067 are keys,
    /// 787 is a foreign key, 13 a full disk or database; 275, 1299 and 3091 are a check, a null and a
    /// type, 18 and 20 a size and a type (<https://sqlite.org/rescode.html>). PostgreSQL: 23P01 is an
    /// exclusion, 23505 a key, 23503 a foreign key, 53100 a full disk; 23514 and 23502 are a check and
    /// a null, class 22 is data (<https://www.postgresql.org/docs/15/errcodes-appendix.html>).
    #[must_use]
    pub fn cause(&self) -> Cause {
        let Self::Failed { source, .. } = self else {
            return Cause::Other;
        };
        if matches!(source, sqlx::Error::PoolTimedOut) {
            return Cause::Unreachable;
        }
        let Some(error) = source.as_database_error() else {
            return Cause::Other;
        };
        match error.code().as_deref() {
            Some("1811" | "23P01" | "23505" | "1555" | "2067") => Cause::Conflict,
            Some("787" | "23503") => Cause::Missing,
            Some("13" | "53100") => Cause::Full,
            Some("275" | "1299" | "3091" | "18" | "20" | "23514" | "23502") => Cause::Data,
            Some(code) if code.len() == 5 && code.starts_with("22") => Cause::Data,
            _ => Cause::Other,
        }
    }
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file in the data folder.
    Sqlite,
    /// A server.
    Postgres,
}

/// How long a caller waits for the connection: longer than a lock is waited for (3 or 5 s).
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(6);

/// The booking database with its one writing connection.
#[derive(Debug, Clone)]
pub struct Database {
    kind: Kind,
    writer: AnyPool,
    #[cfg(test)]
    fault: tests::Fault,
}

impl Database {
    /// Opens SQLite in a folder, or the PostgreSQL behind a URL, checks its settings and brings its
    /// tables up to date.
    ///
    /// # Errors
    /// Returns [`StoreError`] when it cannot be opened, brought up to date, or is not durable.
    pub async fn open(folder: &Path, url: Option<&str>) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let path = folder.join("booking.db");
        let file = format!("sqlite://{}?mode=rwc", path.display());
        if url.is_none() {
            let made = crate::folder::make_file(&path);
            made.map_err(|error| StoreError::Open(error.into()))?;
        }
        let (kind, url) = url.map_or((Kind::Sqlite, file.as_str()), |url| (Kind::Postgres, url));
        let options = AnyPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(move |connection, _| Box::pin(set_up(connection, kind)));
        // The pool tries a failing connection again and again and then says only that it timed out.
        reach::prove(url, kind, &path).await?;
        let writer = options.connect(url).await.map_err(StoreError::Open)?;
        let database = Self {
            kind,
            writer,
            #[cfg(test)]
            fault: tests::Fault::default(),
        };
        database.check().await?;
        let migrator = match kind {
            Kind::Sqlite => &SQLITE,
            Kind::Postgres => &POSTGRES,
        };
        migrator
            .run(&database.writer)
            .await
            .map_err(StoreError::Migrate)?;
        Ok(database)
    }

    /// Returns which database it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Begins a writing transaction. SQLite takes the write lock at once: a transaction that reads
    /// first and writes later would fail there instead of waiting.
    ///
    /// # Errors
    /// Returns [`StoreError::Failed`] when the database cannot be reached or is locked.
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let begin = match self.kind {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        };
        let transaction = crate::transaction::begin(&self.writer, begin).await;
        transaction.map_err(StoreError::at("beginning a transaction"))
    }

    /// Commits. An error does not tell that nothing was committed: the answer may be what was lost.
    ///
    /// # Errors
    /// Returns [`StoreError::Failed`].
    pub async fn commit(&self, tx: Transaction<'static, Any>) -> Result<(), StoreError> {
        #[cfg(test)]
        let tx = self.fault.strike(tx).await?;
        tx.commit().await.map_err(StoreError::at("committing"))
    }

    /// Returns the settings that durability needs: name, actual, expected.
    ///
    /// # Errors
    /// Returns [`StoreError::Failed`] when they cannot be read.
    pub async fn settings(&self) -> Result<Vec<(&'static str, String, &'static str)>, StoreError> {
        let expected: &[(&str, &'static str, &'static str)] = match self.kind {
            Kind::Sqlite => &[
                ("PRAGMA journal_mode", "journal_mode", "wal"),
                ("PRAGMA synchronous", "synchronous", "2"),
                ("PRAGMA foreign_keys", "foreign_keys", "1"),
            ],
            Kind::Postgres => &[
                ("SHOW fsync", "fsync", "on"),
                ("SHOW full_page_writes", "full_page_writes", "on"),
                ("SHOW synchronous_commit", "synchronous_commit", "on"),
            ],
        };
        let mut connection = self
            .writer
            .acquire()
            .await
            .map_err(StoreError::at("reading settings"))?;
        let mut settings = Vec::new();
        for (query, name, expected) in expected {
            let row = sqlx::query(*query).fetch_one(&mut *connection).await;
            let row = row.map_err(StoreError::at("reading settings"))?;
            let text = row.try_get::<String, _>(0);
            let actual =
                text.or_else(|_| row.try_get::<i64, _>(0).map(|number| number.to_string()));
            settings.push((
                *name,
                actual.map_err(StoreError::at("reading settings"))?,
                *expected,
            ));
        }
        Ok(settings)
    }

    async fn check(&self) -> Result<(), StoreError> {
        for (name, actual, expected) in self.settings().await? {
            if actual != expected {
                return Err(StoreError::Setting {
                    name,
                    actual,
                    expected,
                });
            }
        }
        if self.kind == Kind::Sqlite {
            let row = sqlx::query("SELECT sqlite_version()")
                .fetch_one(&self.writer)
                .await;
            let row = row.map_err(StoreError::at("reading the version"))?;
            let actual: String = row
                .try_get(0)
                .map_err(StoreError::at("reading the version"))?;
            let mut parts = actual
                .split('.')
                .map(|part| part.parse::<u32>().unwrap_or(0));
            let mut next = || parts.next().unwrap_or(0);
            if (next(), next(), next()) < SQLITE_VERSION_MIN {
                let (name, expected) = ("sqlite_version", "3.51.3 or newer");
                return Err(StoreError::Setting {
                    name,
                    actual,
                    expected,
                });
            }
        }
        Ok(())
    }
}

/// Sets what every connection needs. Durable to the last commit, checked, and bounded in waiting.
async fn set_up(connection: &mut AnyConnection, kind: Kind) -> Result<(), sqlx::Error> {
    let statements: &[&'static str] = match kind {
        Kind::Sqlite => &[
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            "PRAGMA busy_timeout = 5000",
            "PRAGMA trusted_schema = OFF",
            "PRAGMA cell_size_check = ON",
            "PRAGMA temp_store = MEMORY",
            "PRAGMA journal_size_limit = 67108864",
        ],
        Kind::Postgres => &["SET statement_timeout = '60s'", "SET lock_timeout = '3s'"],
    };
    for statement in statements {
        connection.execute(*statement).await?;
    }
    Ok(())
}
