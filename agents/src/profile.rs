//! Device profiles: the register map of a device model, as data.
//!
//! What comes in: TOML files, three of them built in (`agents/profiles/*.toml`, where
//! `generic.toml` explains every key). What goes out: checked profiles, or every fault with its
//! line. A profile is called after its file; one of the user's wins over a built-in one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use wire::ChannelName;

use crate::document::{Document, Fault, Faults, Placed, Section, integer};
use crate::plan::{Block, plan};
use crate::register::{Function, Kind, Order, Register};

/// Most addresses in one request, as Modbus permits for functions 3 and 4.
const MAX_REGISTERS: i64 = 125;

/// Longest unit, in characters: the limit of the wire.
const UNIT_CHARS_MAX: usize = 16;

/// Largest profile file, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The built-in profiles by name.
const BUILT_IN: [(&str, &str); 3] = [
    ("generic", include_str!("../profiles/generic.toml")),
    ("pzem017", include_str!("../profiles/pzem017.toml")),
    ("sdm120", include_str!("../profiles/sdm120.toml")),
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
    /// The requests that read them all.
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
        let profile = read(
            &document,
            &Section::new(&document, table.get_ref(), 0),
            name,
        );
        document.finish(profile)
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

fn read(document: &Document<'_>, section: &Section<'_>, name: &str) -> Option<Profile> {
    let title = section.text_required("title");
    let source = section.text("source").map_or("", |source| source.value);
    let max_registers = section.integer("max_registers", 1..=MAX_REGISTERS);
    let gap = section.integer("gap", 0..=MAX_REGISTERS);
    let pause_ms = section.integer("pause_ms", 0..=10_000);
    section.require("register");
    let mut registers: Vec<Register> = Vec::new();
    for part in section.tables("register") {
        let register = read_register(document, &part, source);
        part.finish();
        let Some(register) = register else { continue };
        if registers
            .iter()
            .any(|other| other.channel == register.channel)
        {
            let text = format!("channel {} is named twice", register.channel);
            document.fault(part.at, text);
        }
        registers.push(register);
    }
    section.finish();
    if registers.len() > wire::CHANNELS_MAX {
        let text = format!("more than {} registers", wire::CHANNELS_MAX);
        document.fault(section.at, text);
    }
    let small = |number: Option<Placed<i64>>, default: u16| {
        number.map_or(default, |number| {
            u16::try_from(number.value).unwrap_or(default)
        })
    };
    let blocks = plan(&registers, small(max_registers, 60), small(gap, 0));
    Some(Profile {
        name: name.to_owned(),
        title: title?.value.to_owned(),
        source: source.to_owned(),
        pause: Duration::from_millis(u64::from(small(pause_ms, 0))),
        registers,
        blocks,
    })
}

fn read_register(document: &Document<'_>, part: &Section<'_>, source: &str) -> Option<Register> {
    let channel = part.text_required("channel");
    let channel = channel.and_then(|text| {
        ChannelName::parse(text.value)
            .map_err(|error| document.fault(text.at, error.to_string()))
            .ok()
    });
    part.require("function");
    part.require("address");
    let function = part
        .integer("function", 1..=4)
        .and_then(|code| Function::from_code(code.value));
    let address = part.integer("address", 0..=0xFFFF);
    let kind = read_kind(document, part);
    let order = read_order(document, part);
    let scale = part.number("scale");
    if let Some(zero) = scale.filter(|scale| scale.value == 0.0) {
        document.fault(zero.at, "scale must not be 0");
    }
    let offset = part.number("offset");
    let unit = part.text("unit");
    if let Some(long) = unit.filter(|unit| unit.value.chars().count() > UNIT_CHARS_MAX) {
        let text = format!("unit must have at most {UNIT_CHARS_MAX} characters");
        document.fault(long.at, text);
    }
    let (min, max) = (part.number("min"), part.number("max"));
    if let (Some(min), Some(max)) = (min, max)
        && min.value > max.value
    {
        document.fault(min.at, "min must not be above max");
    }
    let not_a_value = read_patterns(document, part);
    let source = part.text("source").map_or(source, |source| source.value);
    let register = Register {
        channel: channel?,
        function: function?,
        address: u16::try_from(address?.value).ok()?,
        kind: kind?,
        order: order?,
        scale: scale.map_or(1.0, |scale| scale.value),
        offset: offset.map_or(0.0, |offset| offset.value),
        unit: unit.map_or("", |unit| unit.value).to_owned(),
        not_a_value,
        min: min.map(|min| min.value),
        max: max.map(|max| max.value),
        source: source.to_owned(),
    };
    check_place(document, part, &register).then_some(register)
}

/// Coils hold bits, and no register reaches past the last address.
fn check_place(document: &Document<'_>, part: &Section<'_>, register: &Register) -> bool {
    let function = register.function;
    if function.is_bits() && register.kind != Kind::Bit(0) {
        let code = function.code();
        let text = format!("function {code} reads single bits: type must be \"bit\", without bit");
        document.fault(part.at, text);
        return false;
    }
    if register.address.checked_add(register.words()).is_none() {
        document.fault(part.at, "the register reaches past address 65535");
        return false;
    }
    true
}

fn read_kind(document: &Document<'_>, part: &Section<'_>) -> Option<Kind> {
    let bit = part.integer("bit", 0..=15);
    let text = part.text_required("type")?;
    let kind = match text.value {
        "bit" => {
            let bit = bit.map_or(0, |bit| bit.value);
            return u8::try_from(bit).ok().map(Kind::Bit);
        }
        "u16" => Some(Kind::U16),
        "i16" => Some(Kind::I16),
        "u32" => Some(Kind::U32),
        "i32" => Some(Kind::I32),
        "u64" => Some(Kind::U64),
        "i64" => Some(Kind::I64),
        "f32" => Some(Kind::F32),
        "f64" => Some(Kind::F64),
        _ => None,
    };
    if kind.is_none() {
        let expected = "type must be bit, u16, i16, u32, i32, u64, i64, f32 or f64";
        document.fault(text.at, expected);
    } else if let Some(bit) = bit {
        document.fault(bit.at, "bit belongs to type \"bit\" only");
    }
    kind
}

fn read_order(document: &Document<'_>, part: &Section<'_>) -> Option<Order> {
    let Some(text) = part.text("order") else {
        return Some(Order::Abcd);
    };
    let order = Order::parse(text.value);
    if order.is_none() {
        document.fault(text.at, "order must be ABCD, CDAB, BADC or DCBA");
    }
    order
}

fn read_patterns(document: &Document<'_>, part: &Section<'_>) -> Vec<u64> {
    let mut patterns = Vec::new();
    for item in part.list("not_a_value") {
        let hex = item.value.as_str().and_then(|text| text.strip_prefix("0x"));
        let pattern = match hex {
            // TOML numbers end at 2^63, patterns of 64 bits do not.
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => integer(item.value).and_then(|number| u64::try_from(number).ok()),
        };
        match pattern {
            Some(pattern) => patterns.push(pattern),
            None => document.fault(item.at, "expected a bit pattern such as 0x8000"),
        }
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_profiles_are_sound_and_name_their_sources() {
        let profiles = Profiles::built_in();
        assert_eq!(profiles.names(), "generic, pzem017, sdm120");
        for (name, _) in BUILT_IN {
            let profile = profiles.get(name).unwrap();
            assert!(!profile.title.is_empty() && !profile.source.is_empty());
            for register in &profile.registers {
                assert!(!register.source.is_empty(), "{name} {}", register.channel);
            }
        }
    }

    #[test]
    fn pzem_values_come_low_word_first() {
        let profile = Profiles::built_in().get("pzem017").unwrap();
        assert_eq!(profile.blocks.len(), 1);
        let words = [1207, 420, 0x86A0, 0x0001, 7, 0, 0xFFFF, 0];
        let block = &profile.blocks[0];
        let values: Vec<_> = profile
            .registers
            .iter()
            .map(|register| register.decode(block.words_of(register, &words)).unwrap())
            .collect();
        assert_eq!(values, [12.07, 4.2, 10_000.0, 7.0, 1.0, 0.0]);
    }

    #[test]
    fn every_fault_of_a_profile_is_listed_with_its_line() {
        let text = "title = \"x\"\nmax_registers = 126\n\n[[register]]\nchannel = \"Power\"\n\
                    function = 5\naddress = 70000\ntype = \"f16\"\nscale = 0\n\n[[register]]\n\
                    channel = \"a\"\nfunction = 1\naddress = 0\ntype = \"u16\"\nunitt = \"W\"\n\n\
                    [[register]]\nchannel = \"b\"\nfunction = 3\naddress = 65535\ntype = \"u32\"\n\
                    order = \"abcd\"\n";
        let Err(Faults(faults)) = Profile::parse("x", "x.toml", text) else {
            panic!("faults were expected");
        };
        let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 5, 6, 7, 8, 9, 11, 16, 23], "{}", Faults(faults));
    }

    #[test]
    fn a_folder_adds_profiles_and_reports_all_broken_ones() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("mine.toml", include_str!("../profiles/generic.toml"));
        write("notes.txt", "not a profile");
        let mut profiles = Profiles::built_in();
        profiles.add_folder(folder.path()).unwrap();
        assert_eq!(profiles.get("mine").unwrap().name, "mine");
        write("one.toml", "title = 1");
        write("two.toml", "= = =");
        let Faults(faults) = profiles.add_folder(folder.path()).unwrap_err();
        let files: std::collections::BTreeSet<_> =
            faults.iter().map(|fault| fault.file.clone()).collect();
        assert_eq!(files.len(), 2);
    }
}
