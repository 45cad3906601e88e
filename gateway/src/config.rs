//! Every setting of the gateway: its unit, default and bounds. All faults are reported at once.

mod elsewhere;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use agents::allow::Network;
use agents::profile::Profiles;

use crate::history::Kept;
use crate::settings::{Faults, Settings};

pub use elsewhere::{Elsewhere, Kind};

/// What the gateway runs with.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Folder of the databases; locked by one process.
    pub data: PathBuf,
    /// The API and the pages.
    pub http: Http,
    /// Where `/metrics` listens; a listener of its own, so that it cannot leak.
    pub metrics_listen: SocketAddr,
    /// Where agents' messages come from.
    pub mqtt: Mqtt,
    /// What agents and devices are told to connect to, `mqtt://host:port`; empty: where the broker
    /// listens.
    pub mqtt_public_url: String,
    /// The Modbus devices that the gateway may poll itself.
    pub modbus: Modbus,
    /// The booking database; `None` is SQLite in the data folder. Holds a password: not logged.
    pub database_url: Option<Secret>,
    /// How long telemetry is kept.
    pub history: Kept,
    /// A store elsewhere that gets a copy of all readings; `None`: the embedded store alone.
    pub elsewhere: Option<Elsewhere>,
    /// Limits on callers.
    pub limits: Limits,
    /// argon2id memory cost in KiB, 8,192 to 1,048,576.
    pub password_memory_kib: u32,
}

/// The API and the pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    /// Address and port; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The address people use, without a trailing slash; empty: the one listened on.
    pub public_url: String,
}

/// Where agents' messages come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Mqtt {
    /// A broker inside this process.
    Embedded {
        /// Address and port; port 0 lets the system choose.
        listen: SocketAddr,
    },
    /// A broker of one's own, with the gateway's credential in the URL.
    External {
        /// `mqtt://user:password@host:port`.
        url: Secret,
    },
}

/// The Modbus devices that the gateway may poll itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Modbus {
    /// Networks it may touch; none: it polls nothing.
    pub allow: Vec<Network>,
    /// The device profiles, those of `modbus.profile_dir` among them.
    pub profiles: Profiles,
    /// Bound of the outbox of each lab's devices in MiB.
    pub outbox_mb: u32,
}

/// Limits on callers, in requests a minute; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wrong passwords for one login from one address; six times as many for one login from
    /// everywhere, four times as many from one address for all logins.
    pub login_per_minute: u32,
    /// Requests of a signed-in member.
    pub requests_per_minute: u32,
    /// Requests of an address that is not signed in.
    pub anonymous_per_minute: u32,
}

/// A text that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// Secrets that come from outside the file: the content of the files these variables name.
#[derive(Debug, Clone, Default)]
pub struct SecretFiles {
    /// `ORTOO_DATABASE_URL_FILE`.
    pub database_url: Option<PathBuf>,
    /// `ORTOO_MQTT_URL_FILE`.
    pub mqtt_url: Option<PathBuf>,
    /// `ORTOO_HISTORY_TOKEN_FILE`.
    pub history_token: Option<PathBuf>,
}

#[derive(Clone, Copy)]
enum Mode {
    Embedded,
    External,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Returns every fault of the file with its line.
    pub fn load(file: &Path, secrets: &SecretFiles) -> Result<Self, Faults> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| Faults {
            file: name.clone(),
            faults: vec![(0, format!("cannot be read: {error}"))],
        })?;
        Self::parse(&text, &name, secrets)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Returns every fault with its line.
    pub fn parse(text: &str, name: &str, secrets: &SecretFiles) -> Result<Self, Faults> {
        let mut settings = Settings::parse(text);
        let config = Self {
            data: PathBuf::from(settings.text("data", "data")),
            http: read_http(&mut settings),
            metrics_listen: settings.address("metrics.listen", local(9464)),
            mqtt: read_mqtt(&mut settings, secrets),
            mqtt_public_url: read_mqtt_public_url(&mut settings),
            modbus: read_modbus(&mut settings),
            database_url: read_secret(&mut settings, "database.url", secrets.database_url.as_ref()),
            history: read_history(&mut settings),
            elsewhere: elsewhere::read(&mut settings, secrets),
            limits: Limits {
                login_per_minute: settings.number("limits.login_per_minute", 5, 0..100_001),
                requests_per_minute: settings.number(
                    "limits.requests_per_minute",
                    600,
                    0..10_000_001,
                ),
                anonymous_per_minute: settings.number(
                    "limits.anonymous_per_minute",
                    300,
                    0..10_000_001,
                ),
            },
            password_memory_kib: settings.number("passwords.memory_kib", 65_536, 8_192..1_048_577),
        };
        if let Some(url) = &config.database_url
            && !["postgres://", "postgresql://"]
                .iter()
                .any(|kind| url.expose().starts_with(kind))
        {
            settings.fault(
                "database.url",
                "expected postgres://... or nothing for SQLite",
            );
        }
        settings.finish(name)?;
        Ok(config)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::parse("", "(defaults)", &SecretFiles::default()).expect("the defaults have no faults")
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Reads an address that must be on loopback unless the file says that a trusted proxy or an own
/// network protects it: neither HTTP nor MQTT is encrypted here.
fn read_listen(settings: &mut Settings<'_>, section: &str, port: u16) -> SocketAddr {
    let path = format!("{section}.listen");
    let listen = settings.address(&path, local(port));
    let plain = settings.flag(&format!("{section}.plain_network"), false);
    if !listen.ip().is_loopback() && !plain {
        settings.fault(
            &path,
            format!(
                "not a loopback address and not encrypted: put a proxy with TLS before a loopback \
                 address, or set {section}.plain_network = true if the network is trusted"
            ),
        );
    }
    listen
}

fn read_http(settings: &mut Settings<'_>) -> Http {
    let listen = read_listen(settings, "http", 8080);
    let public_url = settings.text("http.public_url", "");
    if !public_url.is_empty()
        && !["http://", "https://"]
            .iter()
            .any(|scheme| public_url.starts_with(scheme))
    {
        settings.fault("http.public_url", "expected http://... or https://...");
    }
    Http {
        listen,
        public_url: public_url.trim_end_matches('/').to_owned(),
    }
}

/// Reads how long telemetry is kept, in days. What is coarser is kept at least as long.
fn read_history(settings: &mut Settings<'_>) -> Kept {
    let usual = Kept::default();
    let kept = Kept {
        raw_days: settings.number("history.raw_days", usual.raw_days, 1..3_661),
        minute_days: settings.number("history.minute_days", usual.minute_days, 1..36_601),
        hour_days: settings.number("history.hour_days", usual.hour_days, 0..36_601),
    };
    if kept.minute_days < kept.raw_days {
        settings.fault("history.minute_days", "expected at least history.raw_days");
    }
    if (1..kept.minute_days).contains(&kept.hour_days) {
        let expected = "expected at least history.minute_days, or 0 for ever";
        settings.fault("history.hour_days", expected);
    }
    kept
}

fn read_mqtt(settings: &mut Settings<'_>, secrets: &SecretFiles) -> Mqtt {
    let modes = [("embedded", Mode::Embedded), ("external", Mode::External)];
    let mode = settings.choice("mqtt.mode", &modes, Mode::Embedded);
    let listen = read_listen(settings, "mqtt", 1883);
    let url = read_secret(settings, "mqtt.url", secrets.mqtt_url.as_ref());
    match (mode, url) {
        (Mode::Embedded, None) => Mqtt::Embedded { listen },
        (Mode::Embedded, Some(_)) => {
            settings.fault("mqtt.url", "only for mqtt.mode = \"external\"");
            Mqtt::Embedded { listen }
        }
        (Mode::External, Some(url)) => {
            if !url.expose().starts_with("mqtt://") {
                settings.fault("mqtt.url", "expected mqtt://user:password@host:port");
            }
            Mqtt::External { url }
        }
        (Mode::External, None) => {
            settings.fault(
                "mqtt.mode",
                "an external broker needs mqtt.url or ORTOO_MQTT_URL_FILE",
            );
            Mqtt::External {
                url: Secret::new(String::new()),
            }
        }
    }
}

/// Reads what is written into `agent.toml` and devices' settings, so it holds nothing but an address.
fn read_mqtt_public_url(settings: &mut Settings<'_>) -> String {
    let url = settings.text("mqtt.public_url", "");
    let is_of_address = |letter: char| letter.is_ascii_alphanumeric() || "-.:[]".contains(letter);
    let address = url.strip_prefix("mqtt://");
    let is_address =
        address.is_some_and(|rest| !rest.is_empty() && rest.chars().all(is_of_address));
    if !url.is_empty() && !is_address {
        settings.fault("mqtt.public_url", "expected mqtt://host:port");
    }
    url
}

fn read_modbus(settings: &mut Settings<'_>) -> Modbus {
    let expected = "a list of networks such as [\"192.168.10.0/24\"]";
    let allow = settings.list("modbus.allow", expected, Network::parse);
    let folder = settings.text("modbus.profile_dir", "");
    let mut profiles = Profiles::built_in();
    if !folder.is_empty()
        && let Err(faults) = profiles.add_folder(Path::new(&folder))
    {
        settings.fault("modbus.profile_dir", faults.to_string());
    }
    Modbus {
        allow,
        profiles,
        outbox_mb: settings.number("modbus.outbox_mb", 256, 1..1_048_577),
    }
}

fn read_secret(settings: &mut Settings<'_>, path: &str, file: Option<&PathBuf>) -> Option<Secret> {
    let written = settings.text(path, "");
    let Some(file) = file else {
        return (!written.is_empty()).then(|| Secret::new(written));
    };
    match std::fs::read_to_string(file) {
        Ok(text) => Some(Secret::new(text.trim().to_owned())),
        Err(error) => {
            settings.fault(
                path,
                format!("the secret's file {} : {error}", file.display()),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<usize> {
        let result = Config::parse(text, "f", &SecretFiles::default());
        result.err().map_or(Vec::new(), |faults| {
            faults.faults.iter().map(|f| f.0).collect()
        })
    }

    #[test]
    fn nothing_is_required() {
        assert!(matches!(Config::default().mqtt, Mqtt::Embedded { .. }));
    }

    #[test]
    fn faults_name_their_lines() {
        assert_eq!(faults("[mqtt]\nmode = \"external\"\n"), [2]);
        for url in ["mqtts://h", "mqtt://", "mqtt://u:p@h", "mqtt://h\\nx = 1"] {
            assert_eq!(
                faults(&format!("[mqtt]\npublic_url = \"{url}\"\n")),
                [2],
                "{url}"
            );
        }
        assert!(faults("[mqtt]\npublic_url = \"mqtt://[fd00::1]:1883\"\n").is_empty());
        assert_eq!(faults("[http]\nlisten = \"0.0.0.0:80\"\n"), [2]);
        assert!(faults("[http]\nlisten = \"0.0.0.0:80\"\nplain_network = true\n").is_empty());
        assert_eq!(
            faults("dta = \"x\"\n[limits]\nlogin_per_minute = -1\n"),
            [1, 3]
        );
        assert_eq!(faults("[modbus]\nallow = [\"10.0.0.0/33\"]\n"), [2]);
        assert_eq!(faults("[modbus]\nprofile_dir = \"/no/such\"\n"), [2]);
        assert!(faults("[modbus]\nallow = [\"10.0.0.0/8\", \"::1\"]\n").is_empty());
        assert_eq!(faults("[database]\nurl = \"mysql://x\"\n"), [2]);
        assert_eq!(faults("[history]\nraw_days = 400\n"), [0]);
        assert_eq!(faults("[history]\nraw_days = 0\nhour_days = 300\n"), [2, 3]);
        assert!(faults("[history]\nraw_days = 7\nminute_days = 60\nhour_days = 400\n").is_empty());
    }

    #[test]
    fn a_secret_is_not_printed() {
        let text = "[database]\nurl = \"postgres://u:hunter2@h/d\"\n";
        let config = Config::parse(text, "f", &SecretFiles::default()).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
