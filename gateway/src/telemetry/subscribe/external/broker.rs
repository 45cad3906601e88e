//! Where the broker is, and who the gateway is there.

use std::time::Duration;

use rumqttc::MqttOptions;

/// Largest packet that is sent, in bytes.
const PACKET_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Largest packet that is taken, in bytes: as large as MQTT has them (remaining length of four bytes,
/// MQTT 3.1.1 section 2.2.3, and the head). The client ends the connection at a larger one, and the
/// broker would send it again first, for ever; what is too large is refused after it was read.
const TAKEN_BYTES_MAX: usize = 268_435_455 + 5;

const KEEP_ALIVE: Duration = Duration::from_secs(30);

const PORT: u16 = 1883;

/// Where the broker is and who the gateway is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broker {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: String,
}

impl Broker {
    /// Reads `mqtt://user:password@host:port`; user, password and port may be left out. Percent
    /// signs in user and password introduce two hexadecimal digits.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("mqtt://")?.trim_end_matches('/');
        let (login, address) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (address, PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then_some(())?;
        Some(Self {
            host: host.to_owned(),
            port,
            user: decoded(user)?,
            password: decoded(password)?,
        })
    }

    pub(super) fn options(&self, what: &str) -> MqttOptions {
        let name = if self.user.is_empty() {
            "ortoo"
        } else {
            &self.user
        };
        let mut options = MqttOptions::new(format!("{name}-{what}"), &self.host, self.port);
        options
            .set_keep_alive(KEEP_ALIVE)
            .set_max_packet_size(TAKEN_BYTES_MAX, PACKET_BYTES_MAX);
        if !self.user.is_empty() {
            options.set_credentials(&self.user, &self.password);
        }
        options
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.extend(hex::decode(digits).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
