//! What can go wrong with the store.

use super::block::Damage;

/// Why the store could not be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The folder cannot be made or written.
    #[error("the folder of the telemetry store cannot be used")]
    Folder(#[source] std::io::Error),
    /// SQLite failed.
    #[error("the telemetry store failed while {doing}")]
    Sql {
        /// What it was doing.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
    /// SQLite does not work with a setting that durability needs.
    #[error("the telemetry store needs {name} = {required}, SQLite says {actual}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it must be.
        required: &'static str,
        /// What it is.
        actual: String,
    },
    /// A newer release wrote the file.
    #[error("the telemetry store has version {found}, this release knows up to {known}")]
    Newer {
        /// The file's version.
        found: i64,
        /// The newest one known.
        known: i64,
    },
    /// A row makes no sense.
    #[error("row {row} of table {table} of the telemetry store is damaged")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: i64,
        /// What is wrong with it.
        #[source]
        source: Damage,
    },
    /// A store elsewhere, which answers for the past, does not.
    #[error("the store elsewhere cannot be read: {why}")]
    Elsewhere {
        /// What it said.
        why: String,
    },
    /// The answer would be too large.
    #[error("the answer has more than {max} points: ask for a step or a shorter window")]
    TooMany {
        /// How many are allowed.
        max: usize,
    },
    /// The process is stopping: a long computation was given up.
    #[error("the computation was given up")]
    Stopped(#[source] tokio::task::JoinError),
}

impl HistoryError {
    /// Returns a function that wraps a failure of SQLite.
    pub(super) fn sql(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Sql { doing, source }
    }

    /// Wraps the end of a task that computed.
    pub(crate) fn stopped(source: tokio::task::JoinError) -> Self {
        Self::Stopped(source)
    }

    /// Returns true if the disk has no room.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let Self::Sql {
            source: sqlx::Error::Database(error),
            ..
        } = self
        else {
            return false;
        };
        // SQLITE_FULL, https://www.sqlite.org/rescode.html#full
        error.code().is_some_and(|code| code == "13")
    }

    /// Returns what to tell an operator, in Chinese and English.
    #[must_use]
    pub fn for_operators(&self) -> String {
        if self.is_disk_full() {
            return "磁盘已满，遥测数据暂不确认 / disk full: telemetry is not acknowledged"
                .to_owned();
        }
        let mut text = format!("遥测存储故障 / telemetry store: {self}");
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}
