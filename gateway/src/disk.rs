//! Room on the disk below a folder.

use std::path::Path;

/// Room below a folder, as an unprivileged process sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Bytes in all, at least 1.
    pub total_bytes: u64,
}

impl Room {
    /// Asks the system.
    ///
    /// # Errors
    /// Returns the system's error, for example when the folder is not there.
    pub fn of(folder: &Path) -> std::io::Result<Self> {
        let disk = rustix::fs::statvfs(folder)?;
        Ok(Self {
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize).max(1),
        })
    }

    /// Returns the free share in per cent, rounded down.
    #[must_use]
    pub fn free_percent(self) -> u64 {
        // Divided first: the product would not fit for disks beyond an exabyte.
        (self.free_bytes / (self.total_bytes / 100).max(1)).min(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_between_nothing_and_all() {
        assert_eq!(
            Room {
                free_bytes: 50,
                total_bytes: 1_000
            }
            .free_percent(),
            5
        );
        assert_eq!(
            Room {
                free_bytes: 900,
                total_bytes: 900
            }
            .free_percent(),
            100
        );
        assert!(Room::of(Path::new("/")).unwrap().free_percent() <= 100);
        assert!(Room::of(Path::new("/nowhere/at/all")).is_err());
    }
}
