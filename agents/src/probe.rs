//! Reads a device once and shows what each register gives: the way to check a register map.

use std::fmt::Write as _;
use std::sync::Arc;

use wire::Quality;

use crate::allow::Allow;
use crate::config::{Address, Device, MODBUS_PORT, RtuOverTcp, Serial, Way};
use crate::decode::{Value, note, ratio};
use crate::modbus::{Line, Lines, ReadError};
use crate::plan::Block;
use crate::poll::place;
use crate::profile::Profile;

/// What a probe found.
#[derive(Debug)]
pub struct Findings {
    /// A table for people, one line for each register, then one for each refusal.
    pub table: String,
    /// True if every register gave a value.
    pub is_good: bool,
}

/// The lines that are open for probing.
pub struct Probe(Lines);

impl Probe {
    /// Makes a probe that touches only what is permitted.
    #[must_use]
    pub fn new(allow: Allow) -> Self {
        Self(Lines::new(allow))
    }

    /// Reads every register of a device once. Devices on one line are asked over one connection.
    ///
    /// A request that the device refuses as a whole is repeated register by register, so that the
    /// refusal names the wrong address.
    pub async fn read(&mut self, device: &Device) -> Findings {
        read(device, &self.0.of(&device.way)).await
    }
}

async fn read(device: &Device, line: &Line) -> Findings {
    let profile = &device.profile;
    let mut numbers: Vec<Value> = vec![Err(Quality::Other); profile.reads()];
    let mut raw: Vec<String> = vec![String::new(); profile.reads()];
    let mut remarks: Vec<String> = Vec::new();
    let mut blocks = profile.blocks.clone();
    blocks.reverse();
    while let Some(block) = blocks.pop() {
        let answer = line.read(device.unit, &block, device.timeout).await;
        if let Err(ReadError::Exception(_)) = &answer
            && block.registers.len() > 1
        {
            let parts = block.split(|index| profile.read(index));
            blocks.extend(parts.into_iter().rev());
            continue;
        }
        match &answer {
            Err(error) => remarks.push(format!("{}: {error}", place(&block))),
            Ok(words) => write_raw(&block, profile, words, &mut raw),
        }
        let answer = answer.as_deref().map_err(ReadError::quality);
        note(&block, profile, answer, &mut numbers);
        tokio::time::sleep(profile.pause).await;
    }
    let (rows, is_good) = rows(profile, &numbers, &raw);
    let mut table = String::new();
    let (title, way, unit) = (&profile.title, &device.way, device.unit);
    write_line(&mut table, &format!("{title} over {way}, unit {unit}"));
    write_table(&mut table, &rows);
    for remark in remarks {
        write_line(&mut table, &remark);
    }
    Findings { table, is_good }
}

fn write_raw(block: &Block, profile: &Profile, words: &[u16], raw: &mut [String]) {
    for index in &block.registers {
        if let (Some(register), Some(place)) = (profile.read(*index), raw.get_mut(*index)) {
            let words = block.words_of(register, words).iter();
            let words: Vec<String> = words.map(|word| format!("{word:04x}")).collect();
            *place = words.join(" ");
        }
    }
}

/// The head, a row for each register, then one for each transformer ratio; true if all are good.
fn rows(profile: &Profile, numbers: &[Value], raw: &[String]) -> (Vec<[String; 6]>, bool) {
    let mut rows =
        vec![["channel", "address", "raw", "value", "unit", "quality"].map(str::to_owned)];
    let mut is_good = true;
    for (index, (number, raw)) in numbers.iter().zip(raw).enumerate() {
        let Some(register) = profile.read(index) else {
            continue;
        };
        let value = number
            .and_then(|number| register.value(number, ratio(profile, &register.ratios, numbers)?));
        is_good &= value.is_ok();
        let is_ratio = index >= profile.registers.len();
        rows.push([
            register.channel.to_string(),
            format!("{}:{:#06x}", register.function.code(), register.address),
            raw.clone(),
            value.map_or_else(|_| "-".to_owned(), |value| value.to_string()),
            if is_ratio {
                "ratio".to_owned()
            } else {
                register.unit.clone()
            },
            value.map_or_else(Quality::as_str, |_| "good").to_owned(),
        ]);
    }
    (rows, is_good)
}

fn write_table(table: &mut String, rows: &[[String; 6]]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            let gap = 2 + width.saturating_sub(cell.chars().count());
            line.extend(std::iter::repeat_n(' ', gap));
        }
        write_line(table, line.trim_end());
    }
}

fn write_line(table: &mut String, line: &str) {
    writeln!(table, "{line}").expect("writing to a text does not fail");
}

/// A way that a person typed instead of writing it into a file.
#[derive(Debug, Clone)]
pub enum Typed {
    /// Host and port, and whether RTU frames are spoken there instead of Modbus TCP.
    Network(String, bool),
    /// A serial port.
    Serial(Serial),
}

/// Makes the settings of a device that is in no file, permitted to be read because a person named
/// it.
///
/// # Errors
/// Returns what is wrong with the way.
///
/// # Panics
/// Never: the name it gives the device is a valid key.
pub fn device_of(
    profile: Arc<Profile>,
    way: Typed,
    unit: u8,
    timeout: std::time::Duration,
) -> Result<(Device, Allow), &'static str> {
    let mut allow = Allow::default();
    let way = match way {
        Typed::Serial(mut serial) => {
            if !allow.add(&serial.port) {
                return Err("the serial port must be an absolute path");
            }
            serial.pause = serial.silence();
            Way::Serial(serial)
        }
        Typed::Network(address, is_rtu) => {
            let default_port = (!is_rtu).then_some(MODBUS_PORT);
            let expected = "the address must be host:port";
            let address = Address::parse(&address, default_port).ok_or(expected)?;
            let networks = match address.ip() {
                Some(ip) => vec![ip.to_string()],
                None => vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()],
            };
            if !networks.iter().all(|network| allow.add(network)) {
                return Err(expected);
            }
            if is_rtu {
                let pause = crate::config::CONVERTER_PAUSE;
                Way::RtuOverTcp(RtuOverTcp { address, pause })
            } else {
                Way::Tcp(address)
            }
        }
    };
    if !way.units().contains(&i64::from(unit)) {
        return Err("the unit of an RTU device must be 1 to 247");
    }
    let device = Device {
        name: "probe".to_owned(),
        instrument: wire::InstrumentKey::parse("probe").expect("a valid key"),
        dead_band: vec![0.0; profile.registers.len()],
        profile,
        way,
        unit,
        every: timeout,
        timeout,
        always: false,
    };
    Ok((device, allow))
}
