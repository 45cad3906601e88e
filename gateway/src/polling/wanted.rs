//! Who polls what, from the directory and the configuration. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agents::config::{ANNOUNCED_BYTES_MAX, Address, Device};
use agents::resident::{self, Devices};
use wire::{AgentName, InstrumentKey};

use super::Polling;
use crate::registry::{Directory, Polled};

/// Milliseconds between two polls: shorter would flood a serial line behind a gateway.
const EVERY_MS: std::ops::RangeInclusive<u32> = 100..=3_600_000;
/// Milliseconds that an answer may take.
const TIMEOUT_MS: std::ops::RangeInclusive<u32> = 10..=60_000;

/// Why a unit cannot be polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The configuration permits no network at all.
    Off,
    /// There is no such profile.
    Profile,
    /// The address is not host:port.
    Address,
    /// The address lies in no permitted network.
    Forbidden,
    /// The time between two polls is out of bounds.
    Every,
    /// The longest time for an answer is out of bounds.
    Timeout,
}

impl Fault {
    /// Returns the field of the source it is about, and what is wrong.
    #[must_use]
    pub fn said(self) -> (&'static str, &'static str) {
        match self {
            Self::Off => (
                "modbus",
                "the gateway's configuration permits no Modbus network",
            ),
            Self::Profile => ("modbus.profile", "no such device profile"),
            Self::Address => ("modbus.address", "expected host:port"),
            Self::Forbidden => (
                "modbus.address",
                "the gateway's configuration does not permit this network",
            ),
            Self::Every => ("modbus.every", "expected PT0.1S to PT1H"),
            Self::Timeout => ("modbus.timeout", "expected PT0.01S to PT1M"),
        }
    }
}

impl Polling {
    /// Checks a unit and returns it as the device that is polled. A host by name is checked when it
    /// is connected to, each time.
    ///
    /// # Errors
    /// Returns [`Fault`].
    pub fn device(&self, key: &InstrumentKey, polled: &Polled) -> Result<Device, Fault> {
        if self.0.allow.is_empty() {
            return Err(Fault::Off);
        }
        if !EVERY_MS.contains(&polled.every_ms) {
            return Err(Fault::Every);
        }
        if !TIMEOUT_MS.contains(&polled.timeout_ms) {
            return Err(Fault::Timeout);
        }
        let profile = self.0.profiles.get(&polled.profile);
        let profile = profile.ok_or(Fault::Profile)?;
        let ms = |ms: u32| Duration::from_millis(ms.into());
        let times = (ms(polled.every_ms), ms(polled.timeout_ms));
        let device = resident::device(key, profile, &polled.address, polled.unit, times);
        let device = device.map_err(|_| Fault::Address)?;
        match device.way.address().and_then(Address::ip) {
            Some(ip) if !self.0.allow.permits(ip) => Err(Fault::Forbidden),
            _ => Ok(device),
        }
    }
}

/// Returns what each of the gateway's agents is to poll, and why some are not polled.
pub(super) fn wanted(
    directory: &Directory,
    polling: &Polling,
) -> (BTreeMap<AgentName, Devices>, Vec<String>) {
    let mut wanted: BTreeMap<AgentName, (BTreeMap<String, Device>, usize)> = BTreeMap::new();
    let mut refused = Vec::new();
    for instrument in directory.instruments.values() {
        let Some(source) = &instrument.source else {
            continue;
        };
        let Some(polled) = &source.polled else {
            continue;
        };
        // One of a revoked agent, or of another lab's: it stays, and is silent.
        if directory.agent_of(instrument).is_none() {
            continue;
        }
        match polling.device(&instrument.key, polled) {
            Ok(device) => {
                let (devices, announced) = wanted.entry(source.agent.clone()).or_default();
                let bytes = device.announced_bytes();
                if devices.len() < wire::DEVICES_MAX && *announced + bytes <= ANNOUNCED_BYTES_MAX {
                    *announced += bytes;
                    devices.insert(device.name.clone(), device);
                } else {
                    let count = devices.len();
                    let key = &instrument.key;
                    refused.push(format!(
                        "instrument {key} is not polled: {count} of its lab are, with all their \
                         channels as many as one agent announces; an agent of its own can read it"
                    ));
                }
            }
            Err(fault) => {
                let (field, what) = fault.said();
                let key = &instrument.key;
                refused.push(format!("instrument {key} is not polled: {field}: {what}"));
            }
        }
    }
    refused.sort_unstable();
    let wanted = wanted.into_iter();
    let wanted = wanted.map(|(name, (devices, _))| (name, Arc::new(devices)));
    (wanted.collect(), refused)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
