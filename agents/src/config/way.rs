//! The ways to a device: which wire, in which framing, protected by what.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Address;

/// A way to one or many devices.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// Modbus TCP.
    Tcp(Address),
    /// RTU frames in a TCP connection, as serial device servers pass them on.
    RtuOverTcp(RtuOverTcp),
    /// Modbus TCP inside of TLS. Source: MODBUS/TCP Security Protocol Specification, v36.
    Tls(Tls),
    /// RTU on a serial port.
    Serial(Serial),
}

/// A serial device server in transparent mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtuOverTcp {
    /// Where it listens.
    pub address: Address,
    /// Silence before each request.
    pub pause: Duration,
}

/// A device that speaks TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Where it listens, usually port 802.
    pub address: Address,
    /// The name that its certificate must have.
    pub server_name: ServerName<'static>,
    /// Whom to believe, and the own certificate if there is one.
    pub client: Arc<ClientConfig>,
}

/// What was made of one reading of the files is one trust; files are not compared.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
            && self.server_name == other.server_name
            && Arc::ptr_eq(&self.client, &other.client)
    }
}

/// A serial port; 8 data bits, as RTU prescribes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial {
    /// Absolute path.
    pub port: String,
    /// Bits a second.
    pub baud: u32,
    /// Parity bit.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
    /// Silence before each request.
    pub pause: Duration,
}

/// The parity bit of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// None.
    None,
    /// The number of ones is even: what RTU prescribes unless both sides agree on another.
    Even,
    /// The number of ones is odd.
    Odd,
}

impl Way {
    /// Returns the address that is connected to; none of a serial port.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Tcp(address) => Some(address),
            Self::RtuOverTcp(converter) => Some(&converter.address),
            Self::Tls(tls) => Some(&tls.address),
            Self::Serial(_) => None,
        }
    }

    /// Returns true for RTU frames: without transaction numbers, on a line that many share.
    #[must_use]
    pub fn is_rtu(&self) -> bool {
        matches!(self, Self::RtuOverTcp(_) | Self::Serial(_))
    }

    /// Returns the silence that must precede each request.
    #[must_use]
    pub fn pause(&self) -> Duration {
        match self {
            Self::Tcp(_) | Self::Tls(_) => Duration::ZERO,
            Self::RtuOverTcp(way) => way.pause,
            Self::Serial(way) => way.pause,
        }
    }

    /// Returns the units that can be read: on a serial line 0 speaks to all and nobody answers.
    /// Source: MODBUS over Serial Line V1.02, section 2.2.
    #[must_use]
    pub fn units(&self) -> RangeInclusive<i64> {
        if self.is_rtu() { 1..=247 } else { 0..=255 }
    }

    /// Returns how long reading so many registers keeps the wire busy, where that is known:
    /// request, answer, and the silence around both.
    #[must_use]
    pub fn duration(&self, registers: u16) -> Option<Duration> {
        let Self::Serial(serial) = self else {
            return None;
        };
        // Unit, function, address, count, check sum; unit, function, length, words, check sum.
        let characters = 8 + 5 + 2 * u32::from(registers);
        Some(serial.character() * characters + 2 * serial.pause)
    }
}

impl Serial {
    /// Returns how long a character takes.
    #[must_use]
    pub fn character(&self) -> Duration {
        let parity = u32::from(self.parity != Parity::None);
        let bits = 1 + 8 + parity + u32::from(self.stop_bits);
        Duration::from_secs(1) * bits / self.baud
    }

    /// Returns the silence of 3.5 characters that ends a frame; above 19,200 baud 1.75 ms.
    /// Source: MODBUS over Serial Line V1.02, section 2.5.1.1.
    #[must_use]
    pub fn silence(&self) -> Duration {
        if self.baud > 19_200 {
            Duration::from_micros(1750)
        } else {
            self.character() * 7 / 2
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "TCP {address}"),
            Self::RtuOverTcp(way) => write!(f, "RTU over TCP {}", way.address),
            Self::Tls(way) => write!(f, "TLS {}", way.address),
            Self::Serial(way) => {
                let parity = match way.parity {
                    Parity::None => 'N',
                    Parity::Even => 'E',
                    Parity::Odd => 'O',
                };
                let (port, baud, stop_bits) = (&way.port, way.baud, way.stop_bits);
                write!(f, "serial {port} {baud} 8{parity}{stop_bits}")
            }
        }
    }
}
