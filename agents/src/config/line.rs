//! The `[[line]]` tables of `agent.toml`: every way to devices but plain Modbus TCP.
//!
//! ```toml
//! [[line]]                           # RTU on a serial port, shared by all devices that name it
//! name = "rs485"
//! serial = "/dev/ttyUSB0"
//! baud = 9600
//! parity = "even"                    # or "none", "odd"
//! stop_bits = 1
//! pause_ms = 4                       # silence before each request; 3.5 characters if absent
//!
//! [[line]]                           # RTU frames over TCP: a serial device server
//! name = "converter"
//! rtu_over_tcp = "192.168.10.9:4001"
//!
//! [[line]]                           # Modbus/TCP Security
//! name = "secure"
//! tls = "meter-7.lab:802"
//! ca = "plant-ca.pem"
//! server_name = "meter-7.lab"        # the host of `tls` if absent
//! certificate = "agent.pem"          # if the device wants to know who asks
//! key = "agent.key"
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use super::way::{Parity, RtuOverTcp, Serial, Tls};
use super::{Address, Reading, Way, ms, tls};
use crate::allow::{Allow, is_port};
use crate::document::Section;

/// Port of Modbus/TCP Security. Source: IANA service names, `mbap-s`.
const SECURE_PORT: u16 = 802;

/// Silence before each request to a device server: 3.5 characters at 9,600 baud.
pub(crate) const CONVERTER_PAUSE: Duration = Duration::from_millis(4);

/// Longest name of a line, in characters.
const NAME_CHARS_MAX: usize = 64;

/// The keys of which a line has one, and the keys that belong to it only.
const KINDS: [(&str, &[&str]); 4] = [
    ("serial", &["baud", "parity", "stop_bits"]),
    ("rtu_over_tcp", &[]),
    ("tls", &["ca", "server_name", "certificate", "key"]),
    ("tcp", &[]),
];

/// The lines by name; a line with faults has a name only.
pub(super) type Lines = BTreeMap<String, Option<Way>>;

/// Reads all lines; what is wrong becomes faults of the file.
pub(super) fn read_all(reading: &Reading<'_>, allow: &Allow) -> Lines {
    let mut lines = Lines::new();
    for part in reading.section.tables("line") {
        let name = reading.parsed(part.text_required("name"), |text| {
            let is_fit = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
            let expected = || format!("name must have 1 to {NAME_CHARS_MAX} characters");
            is_fit.then(|| text.to_owned()).ok_or_else(expected)
        });
        let way = read_one(reading, &part, allow);
        part.finish();
        let Some(name) = name else { continue };
        for (other, taken) in &lines {
            if *other == name {
                let text = format!("another line is called {name} too");
                reading.document.fault(part.at, text);
            } else if is_same_end(taken.as_ref(), way.as_ref()) {
                let text = format!("line {other} goes there already");
                reading.document.fault(part.at, text);
            }
        }
        lines.insert(name, way);
    }
    lines
}

/// Two lines to one serial port or one listener would disturb each other.
fn is_same_end(one: Option<&Way>, other: Option<&Way>) -> bool {
    match (one, other) {
        (Some(Way::Serial(one)), Some(Way::Serial(other))) => one.port == other.port,
        (Some(one), Some(other)) => address(one).is_some() && address(one) == address(other),
        _ => false,
    }
}

fn address(way: &Way) -> Option<&Address> {
    match way {
        Way::Tcp(address) => Some(address),
        Way::RtuOverTcp(way) => Some(&way.address),
        Way::Tls(way) => Some(&way.address),
        Way::Serial(_) => None,
    }
}

fn read_one(reading: &Reading<'_>, part: &Section<'_>, allow: &Allow) -> Option<Way> {
    let mut kinds = KINDS.iter().filter(|(kind, _)| part.has(kind));
    let kind = kinds.next().map(|(kind, _)| *kind);
    if let Some((other, _)) = kinds.next() {
        let at = part.place(other).unwrap_or(part.at);
        let text = "a line has one of serial, rtu_over_tcp, tls and tcp";
        reading.document.fault(at, text);
    }
    for (owner, keys) in &KINDS {
        for key in *keys {
            if let Some(at) = part
                .place(key)
                .filter(|_| kind.is_some_and(|kind| kind != *owner))
            {
                let text = format!("{key} belongs to a line with {owner}");
                reading.document.fault(at, text);
            }
        }
    }
    let pause = ms(part, "pause_ms", 0..=10_000);
    if let (Some("tls" | "tcp"), Some(at)) = (kind, part.place("pause_ms")) {
        let text = "pause_ms belongs to a line with serial or rtu_over_tcp";
        reading.document.fault(at, text);
    }
    match kind {
        Some("serial") => serial(reading, part, allow, pause).map(Way::Serial),
        Some("rtu_over_tcp") => {
            let address = host(reading, part, "rtu_over_tcp", None, allow)?;
            let pause = pause.unwrap_or(CONVERTER_PAUSE);
            Some(Way::RtuOverTcp(RtuOverTcp { address, pause }))
        }
        Some("tls") => secure(reading, part, allow).map(Way::Tls),
        Some(_) => host(reading, part, "tcp", Some(super::MODBUS_PORT), allow).map(Way::Tcp),
        None => {
            let text = "a line needs one of serial, rtu_over_tcp, tls and tcp";
            reading.document.fault(part.at, text);
            None
        }
    }
}

fn serial(
    reading: &Reading<'_>,
    part: &Section<'_>,
    allow: &Allow,
    pause: Option<Duration>,
) -> Option<Serial> {
    let path = reading.parsed(part.text("serial"), |path| {
        if !is_port(path) {
            return Err("serial must be an absolute path such as /dev/ttyUSB0".to_owned());
        }
        let forbidden = || format!("allow does not permit {path}");
        allow
            .permits_port(path)
            .then(|| path.to_owned())
            .ok_or_else(forbidden)
    });
    let baud = part.integer("baud", 300..=4_000_000);
    let parity = reading.parsed(part.text("parity"), |text| match text {
        "none" => Ok(Parity::None),
        "even" => Ok(Parity::Even),
        "odd" => Ok(Parity::Odd),
        _ => Err("parity must be \"none\", \"even\" or \"odd\"".to_owned()),
    });
    part.require("baud");
    part.require("parity");
    let stop_bits = part
        .integer("stop_bits", 1..=2)
        .map_or(1, |bits| bits.value);
    let mut serial = Serial {
        port: path?,
        baud: u32::try_from(baud?.value).ok()?,
        parity: parity?,
        stop_bits: u8::try_from(stop_bits).ok()?,
        pause: Duration::ZERO,
    };
    serial.pause = pause.unwrap_or_else(|| serial.silence());
    Some(serial)
}

fn secure(reading: &Reading<'_>, part: &Section<'_>, allow: &Allow) -> Option<Tls> {
    let address = host(reading, part, "tls", Some(SECURE_PORT), allow);
    let server_name = tls::server_name(reading, part, address.as_ref());
    let client = tls::client(reading, part);
    Some(Tls {
        address: address?,
        server_name: server_name?,
        client: client?,
    })
}

/// Reads `host:port`; an address that is written as a number must be permitted.
pub(super) fn host(
    reading: &Reading<'_>,
    part: &Section<'_>,
    key: &'static str,
    default_port: Option<u16>,
    allow: &Allow,
) -> Option<Address> {
    reading.parsed(part.text(key), |text| {
        let address = Address::parse(text, default_port);
        let address = address.ok_or_else(|| format!("{key} must be host:port"))?;
        match address.ip() {
            Some(ip) if !allow.permits(ip) => Err(format!("allow does not permit {ip}")),
            _ => Ok(address),
        }
    })
}

#[cfg(test)]
#[path = "line/tests.rs"]
mod tests;
