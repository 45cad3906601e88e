//! A disk that fails at a chosen step, or is full; tests only.

use super::Disk;

/// Counts the steps of commits (each insertion, each deletion, before and after each sync) and
/// fails one of them.
#[derive(Debug, Default)]
pub(in crate::outbox) struct Fault {
    /// Steps until the one that fails.
    pub(in crate::outbox) after: Option<u32>,
}

impl Fault {
    /// Takes a step.
    pub(super) fn step(&mut self) -> Result<(), sqlx::Error> {
        let Some(after) = self.after else {
            return Ok(());
        };
        self.after = after.checked_sub(1);
        if self.after.is_some() {
            return Ok(());
        }
        Err(sqlx::Error::Io(std::io::Error::other("the disk fails")))
    }
}

impl Disk {
    /// Leaves no room for another page, as a full disk does, until the file is opened again.
    pub(in crate::outbox) async fn fill_up(&mut self) {
        let Some(connection) = self.connection.as_mut() else {
            return;
        };
        let statement = sqlx::query("PRAGMA max_page_count = 1");
        statement
            .execute(connection)
            .await
            .expect("the pragma is known");
    }
}
