//! The `[[device]]` tables of `agent.toml`.

use std::time::Duration;

use wire::InstrumentKey;

use crate::allow::Allow;
use crate::config::{Address, Device, Reading, ms};
use crate::document::{Placed, Section};
use crate::profile::Profiles;

/// Longest device name, in characters: the limit of the wire.
const NAME_CHARS_MAX: usize = 64;

/// Port of Modbus TCP.
pub(crate) const MODBUS_PORT: u16 = 502;

const EVERY_MS_DEFAULT: u64 = 1000;
const TIMEOUT_MS_DEFAULT: u64 = 1000;

/// Reads all devices; what is wrong becomes faults of the file.
pub(super) fn read_all(reading: &Reading<'_>, profiles: &Profiles, allow: &Allow) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    for part in reading.section.tables("device") {
        let device = read_one(reading, &part, profiles, allow);
        part.finish();
        let Some(device) = device else { continue };
        check_unique(reading, &part, &devices, &device);
        devices.push(device);
    }
    if devices.len() > wire::DEVICES_MAX {
        let text = format!("more than {} devices", wire::DEVICES_MAX);
        reading.document.fault(reading.section.at, text);
    }
    devices
}

fn read_one(
    reading: &Reading<'_>,
    part: &Section<'_>,
    profiles: &Profiles,
    allow: &Allow,
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
    let address = reading.parsed(part.text_required("address"), |text| {
        let address = Address::parse(text, Some(MODBUS_PORT));
        let address = address.ok_or_else(|| "address must be host:port".to_owned())?;
        match address.ip() {
            Some(ip) if !allow.permits(ip) => Err(format!("allow does not permit {ip}")),
            _ => Ok(address),
        }
    });
    let unit = part.integer("unit", 0..=255).map_or(1, |unit| unit.value);
    let every = ms(part, "every_ms", 10..=3_600_000);
    let timeout = ms(part, "timeout_ms", 10..=60_000);
    let always = part.boolean("always").is_some_and(|always| always.value);
    let bands = part.numbers("dead_band");
    let mut device = Device {
        name: name?,
        instrument: instrument?,
        dead_band: vec![0.0; profile.as_ref()?.registers.len()],
        profile: profile?,
        address: address?,
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
