//! The folder the demo works in: given and empty, or temporary and removed at the end.

use std::path::{Path, PathBuf};

use super::DemoError;

/// What a person may have made in the folder without it counting as data.
const HARMLESS: [&str; 1] = ["ortoo.lock"];

/// The folder of one run.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// Takes the given folder, which must be empty or absent, or makes a temporary one.
    ///
    /// A folder with anything in it is refused, an earlier demo's too: the demo's past would not fit
    /// the present, its passwords are known to nobody any more, and deleting is for people.
    ///
    /// # Errors
    /// Returns [`DemoError::FolderInUse`] or [`DemoError::Folder`].
    pub(super) fn take(given: Option<&Path>) -> Result<Self, DemoError> {
        let Some(path) = given else {
            return Self::temporary();
        };
        let failed = |source| DemoError::Folder {
            folder: path.to_owned(),
            source,
        };
        crate::folder::make(path).map_err(failed)?;
        let mut found = None;
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if !HARMLESS.iter().any(|harmless| name == *harmless) {
                found = Some(name);
            }
        }
        if let Some(name) = found {
            let file = name.to_string_lossy().into_owned();
            return Err(DemoError::FolderInUse {
                folder: path.to_owned(),
                file,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            temporary: false,
        })
    }

    fn temporary() -> Result<Self, DemoError> {
        let suffix: [u8; 8] = rand::random();
        let path = std::env::temp_dir().join(format!("ortoo-demo-{}", hex::encode(suffix)));
        let failed = |source| DemoError::Folder {
            folder: path.clone(),
            source,
        };
        {
            use std::os::unix::fs::DirBuilderExt as _;
            // Nobody else on the machine may read what is in it, nor have made it before us.
            std::fs::DirBuilder::new()
                .mode(0o700)
                .create(&path)
                .map_err(failed)?;
        }
        Ok(Self {
            path,
            temporary: true,
        })
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    /// Removes a temporary folder; one that cannot be removed is left to the system's own tidying.
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(folder = %self.path.display(), %error, "temporary folder stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_goes_with_its_owner() {
        let folder = Folder::take(None).unwrap();
        let path = folder.path().to_owned();
        std::fs::write(path.join("booking.db"), "x").unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_with_data_is_refused_and_an_empty_one_kept() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("new/demo");
        drop(Folder::take(Some(&path)).unwrap());
        assert!(path.exists());
        std::fs::write(path.join("booking.db"), "x").unwrap();
        let error = Folder::take(Some(&path)).unwrap_err().to_string();
        assert!(
            error.contains("booking.db") && error.contains("empty"),
            "{error}"
        );
    }
}
