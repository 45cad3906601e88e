//! The agent's settings: `agent.toml`, checked as a whole before anything starts.
//!
//! What comes in: the file. What goes out: settings that hold together (every device has a profile
//! and lies in a permitted network, no channel of an instrument is read twice), or every fault at
//! once with its line. Paths are relative to the file's own folder.
//!
//! ```toml
//! agent = "lab-007"                  # name = MQTT user name = client id
//! secret_file = "secret"             # or secret = "..."
//! gateway = "mqtt://127.0.0.1:1883"
//! data = "agent-data"                # the outbox
//! allow = ["192.168.10.0/24", "/dev/ttyUSB0"]  # Modbus networks and serial ports it may touch
//! outbox_mb = 1024                   # MiB of records, 1 to 1048576; beyond, the oldest readings go
//! outbox_hours = 720                 # readings older than this go, 1 to 87600 (ten years)
//! backfill_records_per_s = 5         # after an outage, beside live readings; 1 to 10000
//! backfill_kb_per_s = 128            # and KiB a second, whichever is less; 1 to 1048576
//! report_every_ms = 10000            # at the latest while nothing changes
//! profile_dir = "profiles"           # device profiles of your own
//!
//! [[device]]
//! name = "meter-1"
//! instrument = "NM-00001"
//! profile = "sdm120"
//! address = "192.168.10.5:502"       # Modbus TCP; or line = "NAME" of a [[line]], see [`line`]
//! unit = 1
//! every_ms = 1000
//! timeout_ms = 1000
//! always = false                     # true: report every poll, changed or not
//! dead_band = { power_w = 2.0 }      # smaller changes wait for the next report
//! ```

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wire::{AgentName, ChannelName, InstrumentKey};

use crate::allow::Allow;
use crate::document::{Document, Faults, Placed, Section};
use crate::outbox::Limits;
use crate::profile::{Profile, Profiles, read_limited};

mod address;
mod device;
mod keeping;
mod line;
mod tls;
mod way;

pub use address::{Address, Gateway, Secret};
pub use keeping::Backfill;
pub(crate) use line::CONVERTER_PAUSE;
pub use way::{Parity, RtuOverTcp, Serial, Tls, Way};

/// Port of Modbus TCP. Source: IANA service names, `mbap`.
pub(crate) const MODBUS_PORT: u16 = 502;

/// How often an agent reports at the latest, unless it is told otherwise.
const REPORT_EVERY_MS_DEFAULT: u64 = 10_000;

/// All settings of an agent.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name, MQTT user name and client id.
    pub agent: AgentName,
    /// The password of that user.
    pub secret: Secret,
    /// The broker to report to.
    pub gateway: Gateway,
    /// The folder of the outbox.
    pub data: PathBuf,
    /// Modbus networks and serial ports it may touch.
    pub allow: Allow,
    /// Bounds of the outbox.
    pub outbox: Limits,
    /// How fast a backlog is sent.
    pub backfill: Backfill,
    /// An unchanged reading is reported again after this time.
    pub report_every: Duration,
    /// The devices, at most [`wire::DEVICES_MAX`].
    pub devices: Vec<Device>,
    /// What is permitted but unwise, for the log.
    pub warnings: Vec<String>,
}

/// A Modbus unit that the agent polls.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its name, unique in the file.
    pub name: String,
    /// The instrument it speaks for.
    pub instrument: InstrumentKey,
    /// Its register map.
    pub profile: Arc<Profile>,
    /// How it is reached, through a gateway perhaps.
    pub way: Way,
    /// Modbus unit identifier.
    pub unit: u8,
    /// Time between two polls.
    pub every: Duration,
    /// Longest time for connecting and for each answer.
    pub timeout: Duration,
    /// Report every poll, changed or not.
    pub always: bool,
    /// For each register: a change up to this size does not count. 0: every change counts.
    pub dead_band: Vec<f64>,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has faults.
    #[error("{0}")]
    Faults(Faults),
}

impl Config {
    /// Loads and checks a file and everything it names.
    ///
    /// # Errors
    /// Returns [`ConfigError`] with every fault.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = read_limited(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text).map_err(ConfigError::Faults)
    }

    /// Checks a text as the content of the file at `path`.
    ///
    /// # Errors
    /// Returns every fault with its line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let document = Document::new(&file, text);
        let table = document.parse();
        let folder = path.parent().unwrap_or(Path::new("."));
        let reading = Reading {
            document: &document,
            section: Section::new(&document, table.get_ref(), 0),
            folder,
            path,
        };
        let config = reading.config();
        drop(reading);
        document.finish(config)
    }
}

/// One pass over the file.
struct Reading<'d> {
    document: &'d Document<'d>,
    section: Section<'d>,
    folder: &'d Path,
    path: &'d Path,
}

impl Reading<'_> {
    fn config(&self) -> Option<Config> {
        let section = &self.section;
        let mut warnings = Vec::new();
        let agent = self.parsed(section.text_required("agent"), |text| {
            AgentName::parse(text).map_err(|error| error.to_string())
        });
        let secret = self.secret(&mut warnings);
        let gateway = self.parsed(section.text_required("gateway"), |text| {
            Gateway::parse(text).map_err(str::to_owned)
        });
        let data = section.text_required("data");
        let allow = self.allow();
        let outbox = keeping::limits(section);
        let backfill = keeping::backfill(section);
        let report_every = ms(section, "report_every_ms", 100..=3_600_000);
        let lines = line::read_all(self, &allow);
        let devices = device::read_all(self, &self.profiles(), &allow, &lines);
        section.finish();
        let config = Config {
            agent: agent?,
            secret: secret?,
            gateway: gateway?,
            data: self.folder.join(data?.value),
            allow,
            outbox,
            backfill,
            report_every: report_every.unwrap_or(Duration::from_millis(REPORT_EVERY_MS_DEFAULT)),
            devices,
            warnings,
        };
        Some(config.warned())
    }

    /// Parses the text of a key; what it does not accept is a fault in that line.
    fn parsed<T>(
        &self,
        text: Option<Placed<&str>>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = text?;
        parse(text.value)
            .map_err(|expected| self.document.fault(text.at, expected))
            .ok()
    }

    fn secret(&self, warnings: &mut Vec<String>) -> Option<Secret> {
        let inline = self.section.text("secret");
        let file = self.section.text("secret_file");
        match (inline, file) {
            (Some(_), Some(file)) => {
                let text = "secret and secret_file exclude each other";
                self.document.fault(file.at, text);
                None
            }
            (None, None) => {
                if !self.section.has("secret") && !self.section.has("secret_file") {
                    let text = "secret or secret_file is missing";
                    self.document.fault(self.section.at, text);
                }
                None
            }
            (Some(secret), None) => {
                if is_open_to_others(self.path) {
                    let path = self.path.display();
                    warnings.push(format!("{path} holds a secret and others may read it"));
                }
                self.checked(secret.value, secret.at)
            }
            (None, Some(file)) => self.secret_of(file),
        }
    }

    fn secret_of(&self, file: Placed<&str>) -> Option<Secret> {
        let path = self.folder.join(file.value);
        let shown = path.display();
        match read_limited(&path) {
            Err(error) => {
                let text = format!("secret_file {shown} cannot be read: {error}");
                self.document.fault(file.at, text);
                None
            }
            Ok(_) if is_open_to_others(&path) => {
                let text = format!("others may read {shown}: chmod 600 it");
                self.document.fault(file.at, text);
                None
            }
            Ok(text) => self.checked(text.trim_end_matches(['\r', '\n']), file.at),
        }
    }

    fn checked(&self, secret: &str, at: usize) -> Option<Secret> {
        if secret.is_empty() || secret.len() > 1024 {
            self.document
                .fault(at, "the secret must have 1 to 1024 bytes");
            return None;
        }
        Some(Secret::new(secret))
    }

    fn allow(&self) -> Allow {
        let mut allow = Allow::default();
        for item in self.section.list("allow") {
            let is_fit = item.value.as_str().is_some_and(|text| allow.add(text));
            if !is_fit {
                let text = "allow must list networks such as \"192.168.10.0/24\" and \
                            serial ports such as \"/dev/ttyUSB0\"";
                self.document.fault(item.at, text);
            }
        }
        allow
    }

    fn profiles(&self) -> Profiles {
        let mut profiles = Profiles::built_in();
        if let Some(folder) = self.section.text("profile_dir")
            && let Err(faults) = profiles.add_folder(&self.folder.join(folder.value))
        {
            self.document.adopt(faults);
        }
        profiles
    }
}

impl Config {
    /// Adds the warnings that concern the whole.
    fn warned(mut self) -> Self {
        let host = self.gateway.host.parse::<IpAddr>();
        let is_local = self.gateway.host == "localhost" || host.is_ok_and(|ip| ip.is_loopback());
        if !is_local {
            let host = &self.gateway.host;
            self.warnings.push(format!(
                "the secret and all readings travel to {host} unencrypted: \
                 use a network or tunnel that you trust"
            ));
        }
        self.warnings.extend(device::warnings(&self.devices));
        self
    }

    /// Returns what the devices measure, for the hello message.
    #[must_use]
    pub fn device_infos(&self) -> Vec<wire::DeviceInfo> {
        self.devices.iter().map(Device::info).collect()
    }
}

/// What devices may take in a hello message, in bytes; the rest of it is smaller than what is left.
pub const ANNOUNCED_BYTES_MAX: usize = wire::PAYLOAD_BYTES_MAX - 4_096;

impl Device {
    /// Returns the bytes that the device takes in a hello message, which are at most
    /// [`ANNOUNCED_BYTES_MAX`] for all devices of an agent.
    #[must_use]
    pub fn announced_bytes(&self) -> usize {
        wire::encode(&self.info()).len() + 1
    }

    /// Returns what the device measures, for the hello message.
    pub(crate) fn info(&self) -> wire::DeviceInfo {
        wire::DeviceInfo {
            name: self.name.clone(),
            profile: self.profile.name.chars().take(64).collect(),
            instrument: self.instrument.clone(),
            channels: self.channels(),
        }
    }

    fn channels(&self) -> Vec<wire::ChannelInfo> {
        let channels = self.profile.registers.iter();
        channels
            .map(|register| wire::ChannelInfo {
                name: register.channel.clone(),
                unit: register.unit.clone(),
            })
            .collect()
    }

    /// Returns true if the device reports this channel.
    pub(crate) fn has_channel(&self, channel: &ChannelName) -> bool {
        let mut registers = self.profile.registers.iter();
        registers.any(|register| register.channel == *channel)
    }
}

/// Reads a time in milliseconds.
fn ms(
    section: &Section<'_>,
    key: &'static str,
    range: std::ops::RangeInclusive<i64>,
) -> Option<Duration> {
    let ms = section.integer(key, range)?;
    u64::try_from(ms.value).ok().map(Duration::from_millis)
}

/// Returns true if the file's group or others may read it; false where that is not known.
fn is_open_to_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o044 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
