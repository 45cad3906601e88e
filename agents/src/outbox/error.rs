//! What an outbox cannot do.

/// What an outbox cannot do.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Another process uses the folder.
    #[error("another process uses {0}")]
    Locked(String),
    /// The folder, the lock or a file cannot be made, moved or removed.
    #[error("cannot use {path}: {source}")]
    Folder {
        /// The folder or file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The database fails otherwise.
    #[error("the outbox database fails: {0}")]
    Database(#[from] sqlx::Error),
    /// The SQLite library is one with a known fault.
    #[error("SQLite {0} may corrupt files; 3.51.3 or newer is needed")]
    Version(String),
}
