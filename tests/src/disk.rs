//! A small disk that only chosen processes see, to be filled: tmpfs in a mount namespace of its own.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;

/// A mounted disk. It vanishes with this value, also when the test is killed.
pub struct Disk {
    /// Holds the namespace while programs inside come and go.
    holder: Process,
    folder: PathBuf,
}

impl Disk {
    /// Mounts a disk of `size` (such as `48m`) at `dir/disk`.
    ///
    /// # Panics
    /// When the machine does not allow mount namespaces.
    pub async fn mount(dir: &Path, size: &str) -> Self {
        let folder = dir.join("disk");
        std::fs::create_dir_all(&folder).expect("the scratch folder is ours");
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !is_root() {
            command.arg("--map-root-user");
        }
        let script = r#"mount -t tmpfs -o "size=$1" ortoo-test "$2" && echo '{"mounted":true}' && exec sleep infinity"#;
        command.args(["sh", "-c", script, "sh", size]).arg(&folder);
        let mut holder = Process::start("disk", dir, &mut command);
        holder.json_line(Duration::from_secs(10)).await;
        Self { holder, folder }
    }

    /// Returns the folder as programs inside see it.
    #[must_use]
    pub fn inside(&self) -> &Path {
        &self.folder
    }

    /// Returns the same folder as the test sees it.
    #[must_use]
    pub fn outside(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(
            self.folder
                .strip_prefix("/")
                .expect("scratch folders have absolute paths"),
        )
    }

    /// Returns the words that run a command inside.
    #[must_use]
    pub fn entrance(&self) -> Vec<OsString> {
        let target = self.holder.id().to_string();
        let mut words = vec!["nsenter".to_owned(), "--mount".to_owned()];
        if !is_root() {
            words.extend(["--user".to_owned(), "--preserve-credentials".to_owned()]);
        }
        words.extend(["--target".to_owned(), target, "--".to_owned()]);
        words.into_iter().map(OsString::from).collect()
    }

    /// Copies the files of a folder onto the disk.
    ///
    /// # Panics
    /// When they do not fit.
    pub fn take(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder)
            .expect("the folder exists")
            .flatten()
        {
            let to = self.outside().join(entry.file_name());
            std::fs::copy(entry.path(), to).expect("the disk has room at the beginning");
        }
    }

    /// Writes one file until not a byte is free.
    ///
    /// # Panics
    /// When the file cannot be made at all.
    pub fn fill(&self) {
        let mut file = File::create(self.outside().join("filler")).expect("the disk is there");
        for size in [1 << 20, 1 << 12, 1] {
            let block = vec![0; size];
            while file.write_all(&block).is_ok() {}
        }
    }

    /// Removes what [`Disk::fill`] wrote.
    ///
    /// # Panics
    /// When it is not there.
    pub fn make_room(&self) {
        std::fs::remove_file(self.outside().join("filler")).expect("the disk was filled");
    }
}

/// Returns true if the tests run as root.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|myself| myself.uid() == 0)
}
