//! Device profiles: the register map of a device model, as data.
//!
//! What comes in: TOML files, some of them built in (`agents/profiles/*.toml`, where
//! `generic.toml` explains every key). What goes out: checked profiles, or every fault with its
//! line. A profile is called after its file; one of the user's wins over a built-in one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::document::{Document, Fault, Faults, Section};
use crate::plan::Block;
use crate::register::Register;

mod read;

/// Largest profile file, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The built-in profiles by name.
const BUILT_IN: [(&str, &str); 12] = [
    ("adl400", include_str!("../profiles/adl400.toml")),
    ("adw300", include_str!("../profiles/adw300.toml")),
    ("dtsu666", include_str!("../profiles/dtsu666.toml")),
    (
        "dtsu666-401e",
        include_str!("../profiles/dtsu666-401e.toml"),
    ),
    ("em24-e1", include_str!("../profiles/em24-e1.toml")),
    ("em340", include_str!("../profiles/em340.toml")),
    ("generic", include_str!("../profiles/generic.toml")),
    ("iem3000", include_str!("../profiles/iem3000.toml")),
    ("pm5000", include_str!("../profiles/pm5000.toml")),
    ("pzem017", include_str!("../profiles/pzem017.toml")),
    ("sdm120", include_str!("../profiles/sdm120.toml")),
    ("sdm630", include_str!("../profiles/sdm630.toml")),
];

/// A device model: its registers and how to ask for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The file's name without its ending.
    pub name: String,
    /// What the device is, for people.
    pub title: String,
    /// Where the registers are documented.
    pub source: String,
    /// Pause between two requests.
    pub pause: Duration,
    /// The registers in the order of the file; 1 to [`wire::CHANNELS_MAX`].
    pub registers: Vec<Register>,
    /// Transformer ratios that registers refer to: read with them, not reported.
    pub ratios: Vec<Register>,
    /// The requests that read them all. Their indexes count the registers, then the ratios.
    pub blocks: Vec<Block>,
}

impl Profile {
    /// Parses a profile; `file` names it in faults.
    ///
    /// # Errors
    /// Returns every fault with its line.
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, Faults> {
        let document = Document::new(file, text);
        let table = document.parse();
        let section = Section::new(&document, table.get_ref(), 0);
        let profile = read::profile(&document, &section, name);
        drop(section);
        document.finish(profile)
    }

    /// Returns the register or ratio that a block's index stands for.
    #[must_use]
    pub fn read(&self, index: usize) -> Option<&Register> {
        self.registers.iter().chain(&self.ratios).nth(index)
    }

    /// Returns how many registers and ratios there are.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.registers.len() + self.ratios.len()
    }
}

/// The profiles that devices may name.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles(BTreeMap<String, Arc<Profile>>);

impl Profiles {
    /// Loads the built-in profiles.
    ///
    /// # Panics
    /// Never: the built-in profiles are checked by tests.
    #[must_use]
    pub fn built_in() -> Self {
        let profiles = BUILT_IN.iter().map(|(name, text)| {
            let profile = Profile::parse(name, name, text).expect("built-in profiles are checked");
            ((*name).to_owned(), Arc::new(profile))
        });
        Self(profiles.collect())
    }

    /// Adds the `*.toml` files of a folder.
    ///
    /// # Errors
    /// Returns every fault of every file; a file that cannot be read is a fault at its line 1.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), Faults> {
        let unreadable = |path: &Path, error: &std::io::Error| Fault {
            file: path.display().to_string(),
            line: 1,
            text: format!("cannot be read: {error}"),
        };
        let entries = std::fs::read_dir(folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| Faults(vec![unreadable(folder, &error)]))?;
        let mut faults = Vec::new();
        for path in entries.iter().map(std::fs::DirEntry::path) {
            let stem = path.file_stem().and_then(std::ffi::OsStr::to_str);
            let Some(name) = stem.filter(|_| path.extension().is_some_and(|end| end == "toml"))
            else {
                continue;
            };
            match read_limited(&path) {
                Err(error) => faults.push(unreadable(&path, &error)),
                Ok(text) => match Profile::parse(name, &path.display().to_string(), &text) {
                    Err(Faults(more)) => faults.extend(more),
                    Ok(profile) => {
                        self.0.insert(name.to_owned(), Arc::new(profile));
                    }
                },
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Faults(faults))
        }
    }

    /// Returns the profile of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Profile>> {
        self.0.get(name).cloned()
    }

    /// Returns all profiles, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Profile> {
        self.0.values().map(Arc::as_ref)
    }

    /// Returns the names, sorted, for messages.
    #[must_use]
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.join(", ")
    }
}

/// Reads a text file of bounded size.
pub(crate) fn read_limited(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > FILE_BYTES_MAX {
        let text = format!("larger than {FILE_BYTES_MAX} bytes");
        return Err(std::io::Error::other(text));
    }
    std::fs::read_to_string(path)
}

#[cfg(test)]
#[path = "profile/tests.rs"]
mod tests;

#[cfg(test)]
mod golden;
