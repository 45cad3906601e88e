//! The `[[device]]` tables of `agent.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use wire::InstrumentKey;

use crate::allow::Allow;
use crate::config::line::{self, Lines};
use crate::config::{ANNOUNCED_BYTES_MAX, Device, MODBUS_PORT, Reading, Way, ms};
use crate::document::{Placed, Section};
use crate::profile::Profiles;

/// Longest device name, in characters: the limit of the wire.
const NAME_CHARS_MAX: usize = 64;

const EVERY_MS_DEFAULT: u64 = 1000;
const TIMEOUT_MS_DEFAULT: u64 = 1000;

/// Reads all devices; what is wrong becomes faults of the file.
pub(super) fn read_all(
    reading: &Reading<'_>,
    profiles: &Profiles,
    allow: &Allow,
    lines: &Lines,
) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    for part in reading.section.tables("device") {
        let way = read_way(reading, &part, allow, lines);
        let device = read_one(reading, &part, profiles, way);
        part.finish();
        let Some(device) = device else { continue };
        check_unique(reading, &part, &devices, &device);
        devices.push(device);
    }
    if devices.len() > wire::DEVICES_MAX {
        let text = format!("more than {} devices", wire::DEVICES_MAX);
        reading.document.fault(reading.section.at, text);
    }
    let announced: usize = devices.iter().map(Device::announced_bytes).sum();
    if announced > ANNOUNCED_BYTES_MAX {
        let text = format!(
            "{} devices with their channels are {announced} bytes to announce, an agent can \
             announce {ANNOUNCED_BYTES_MAX}: give some of them to another agent, or to a profile \
             with fewer registers",
            devices.len()
        );
        reading.document.fault(reading.section.at, text);
    }
    devices
}

fn read_one(
    reading: &Reading<'_>,
    part: &Section<'_>,
    profiles: &Profiles,
    way: Option<Way>,
) -> Option<Device> {
    let name = reading.parsed(part.text_required("name"), |text| {
        let is_fit = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
        let expected = || format!("name must have 1 to {NAME_CHARS_MAX} characters");
        is_fit.then(|| text.to_owned()).ok_or_else(expected)
    });
    let instrument = reading.parsed(part.text_required("instrument"), |text| {
        InstrumentKey::parse(text).map_err(|error| error.to_string())
    });
    let profile = reading.parsed(part.text_required("profile"), |text| {
        let unknown = || format!("there is no profile {text}, only {}", profiles.names());
        profiles.get(text).ok_or_else(unknown)
    });
    let units = way.as_ref().map_or(0..=255, Way::units);
    let unit = part.integer("unit", units).map_or(1, |unit| unit.value);
    let every = ms(part, "every_ms", 10..=3_600_000);
    let timeout = ms(part, "timeout_ms", 10..=60_000);
    let always = part.boolean("always").is_some_and(|always| always.value);
    let bands = part.numbers("dead_band");
    let mut device = Device {
        name: name?,
        instrument: instrument?,
        dead_band: vec![0.0; profile.as_ref()?.registers.len()],
        profile: profile?,
        way: way?,
        unit: u8::try_from(unit).ok()?,
        every: every.unwrap_or(Duration::from_millis(EVERY_MS_DEFAULT)),
        timeout: timeout.unwrap_or(Duration::from_millis(TIMEOUT_MS_DEFAULT)),
        always,
    };
    for (channel, band) in bands {
        set_band(reading, &mut device, channel, band);
    }
    Some(device)
}

/// Reads `address`, which is Modbus TCP, or `line`.
fn read_way(
    reading: &Reading<'_>,
    part: &Section<'_>,
    allow: &Allow,
    lines: &Lines,
) -> Option<Way> {
    match (part.place("address"), part.place("line")) {
        (Some(_), Some(at)) => {
            let text = "address and line exclude each other";
            reading.document.fault(at, text);
            None
        }
        (None, None) => {
            let text = "address or line is missing";
            reading.document.fault(part.at, text);
            None
        }
        (Some(_), None) => {
            line::host(reading, part, "address", Some(MODBUS_PORT), allow).map(Way::Tcp)
        }
        (None, Some(_)) => {
            let known = reading.parsed(part.text("line"), |name| {
                let names: Vec<&str> = lines.keys().map(String::as_str).collect();
                let unknown = || format!("there is no line {name}, only {}", names.join(", "));
                lines.get(name).ok_or_else(unknown)
            });
            known.cloned().flatten()
        }
    }
}

/// Says where more is to be read than a serial line can carry, and where a time limit is shorter
/// than what the line needs for one answer.
pub(super) fn warnings(devices: &[Device]) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut loads: BTreeMap<String, f64> = BTreeMap::new();
    for device in devices {
        let blocks = &device.profile.blocks;
        let times = blocks
            .iter()
            .filter_map(|block| device.way.duration(block.count));
        let times: Vec<Duration> = times.collect();
        let Some(longest) = times.iter().max() else {
            continue;
        };
        let (name, way, timeout) = (&device.name, &device.way, device.timeout);
        if *longest > timeout {
            warnings.push(format!(
                "device {name}: {way} needs {} ms for one answer, timeout_ms is {}",
                longest.as_millis(),
                timeout.as_millis()
            ));
        }
        let busy: Duration = times.iter().sum();
        *loads.entry(way.to_string()).or_default() +=
            busy.as_secs_f64() / device.every.as_secs_f64();
    }
    for (way, load) in loads {
        if load > 1.0 {
            warnings.push(format!(
                "{way} would have to carry {load:.1} times what it can: poll its devices less often"
            ));
        }
    }
    warnings
}

fn set_band(reading: &Reading<'_>, device: &mut Device, channel: Placed<&str>, band: f64) {
    let mut registers = device.profile.registers.iter().zip(&mut device.dead_band);
    let place = registers.find(|(register, _)| register.channel.as_str() == channel.value);
    match place {
        Some((_, place)) if band >= 0.0 => *place = band,
        Some(_) => reading
            .document
            .fault(channel.at, "a dead band must not be negative"),
        None => {
            let text = format!("the profile has no channel {}", channel.value);
            reading.document.fault(channel.at, text);
        }
    }
}

/// Device names are unique, and one channel of an instrument has one device.
fn check_unique(reading: &Reading<'_>, part: &Section<'_>, before: &[Device], device: &Device) {
    for other in before {
        if other.name == device.name {
            let text = format!("another device is called {} too", device.name);
            reading.document.fault(part.at, text);
        }
        if other.instrument != device.instrument {
            continue;
        }
        for register in &device.profile.registers {
            if other.has_channel(&register.channel) {
                let (key, name) = (&device.instrument, &other.name);
                let channel = &register.channel;
                let text = format!("{channel} of {key} is already read by {name}");
                reading.document.fault(part.at, text);
            }
        }
    }
}
