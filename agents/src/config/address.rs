//! Addresses and the secret, as they are written in `agent.toml`.

use std::fmt;
use std::net::IpAddr;

/// Port of MQTT without TLS.
const MQTT_PORT: u16 = 1883;

/// A password; never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps a password.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Returns the password, for the CONNECT packet only.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Where the broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Gateway {
    /// Parses `mqtt://host:port`; the port may be left out.
    ///
    /// # Errors
    /// Returns what was expected.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "gateway must be mqtt://host:port, without user name or password";
        let rest = match url.strip_prefix("mqtt://") {
            Some(rest) => rest,
            None if url.starts_with("mqtts://") => {
                return Err(
                    "gateway: this release has no TLS of its own; use mqtt:// on a \
                            network or tunnel that you trust",
                );
            }
            None => return Err(EXPECTED),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['@', '/']) {
            return Err(EXPECTED);
        }
        let address = Address::parse(rest, Some(MQTT_PORT)).ok_or(EXPECTED)?;
        Ok(Self {
            host: address.host,
            port: address.port,
        })
    }
}

/// Where a device listens: a host name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Address {
    /// Parses `host:port`, `1.2.3.4:port` or `[v6]:port`; without a port the default counts.
    #[must_use]
    pub fn parse(text: &str, default_port: Option<u16>) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                match rest.strip_prefix(':') {
                    None if !rest.is_empty() => return None,
                    port => (host, port),
                }
            }
            None => match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            Some(port) => port.parse().ok()?,
            None => default_port?,
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let is_host = host.parse::<IpAddr>().is_ok()
            || (!host.is_empty() && host.len() <= 253 && host.bytes().all(is_name));
        (is_host && port != 0).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Returns the address if it is written as one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
