//! The data folder and the files in it: for this account only. They hold password hashes, purposes of
//! bookings and who was where.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Rights of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Makes a folder that only its owner may enter, and those above it, where they are not there. One
/// that is there stays as it is.
///
/// # Errors
/// Returns the system's error, also when something else than a folder has the name.
pub fn make(folder: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Returns the rights that others have to a folder, if any, as octal digits.
#[must_use]
pub fn open_to_others(folder: &Path) -> Option<String> {
    let mode = std::fs::metadata(folder).ok()?.permissions().mode();
    (mode & OTHERS != 0).then(|| format!("{:03o}", mode & 0o777))
}

/// Makes an empty file that only its owner may read and write, where there is none. SQLite takes an
/// empty file for a new database, and gives the files beside it the rights of the database
/// (<https://www.sqlite.org/wal.html>).
///
/// # Errors
/// Returns the system's error.
pub fn make_file(file: &Path) -> Result<(), Error> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::command::lock_folder;
    use crate::history::History;
    use crate::store::Database;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn what_the_gateway_makes_is_for_its_account_only() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("new/data");
        let _lock = lock_folder(&folder).unwrap();
        let database = Database::open(&folder, None).await.unwrap();
        let history = History::open(&folder, Clock::system()).await.unwrap();
        let mut tx = database.begin().await.unwrap();
        crate::store::prove_writable(&mut tx, Clock::system().now())
            .await
            .unwrap();
        database.commit(tx).await.unwrap();
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(open_to_others(&folder), None);
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{path:?}");
            files.push(path);
        }
        for name in [
            "booking.db",
            "booking.db-wal",
            "telemetry.db",
            "telemetry.db-wal",
        ] {
            assert!(
                files.iter().any(|path| path.ends_with(name)),
                "{name}: {files:?}"
            );
        }
        drop((database, history));
    }

    #[test]
    fn a_folder_that_others_may_enter_is_noticed_and_left() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        make(&folder).unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&folder, open).unwrap();
        assert_eq!(open_to_others(&folder).as_deref(), Some("755"));
        make(&folder).unwrap();
        assert_eq!(mode(&folder), 0o755);
        std::fs::write(folder.join("file"), "x").unwrap();
        make_file(&folder.join("file")).unwrap();
        assert_eq!(std::fs::read(folder.join("file")).unwrap(), b"x");
        assert!(make(&folder.join("file")).is_err());
    }
}
