//! Reads a device once and shows what each register gives: the way to check a register map.

use std::fmt::Write as _;
use std::sync::Arc;

use wire::Quality;

use crate::allow::Allow;
use crate::config::Device;
use crate::modbus::{Line, ReadError};
use crate::plan::Block;
use crate::poll::place;
use crate::register::Register;

/// What a probe found.
#[derive(Debug)]
pub struct Findings {
    /// A table for people, one line for each register, then one for each refusal.
    pub table: String,
    /// True if every register gave a value.
    pub is_good: bool,
}

/// Reads every register of a device once, each request on its own.
///
/// A request that the device refuses as a whole is repeated register by register, so that the
/// refusal names the wrong address.
pub async fn probe(device: &Device, allow: &Allow) -> Findings {
    let line = Line::new(device.address.clone(), allow.clone());
    let registers = &device.profile.registers;
    let mut rows: Vec<Option<[String; 6]>> = vec![None; registers.len()];
    let mut remarks: Vec<String> = Vec::new();
    let mut is_good = true;
    let mut blocks = device.profile.blocks.clone();
    blocks.reverse();
    while let Some(block) = blocks.pop() {
        let answer = line.read(device.unit, &block, device.timeout).await;
        if let Err(ReadError::Exception(_)) = &answer
            && block.registers.len() > 1
        {
            blocks.extend(block.split(registers).into_iter().rev());
            continue;
        }
        if let Err(error) = &answer {
            let remark = format!("{}: {error}", place(&block));
            remarks.push(remark);
        }
        for index in &block.registers {
            let Some(register) = registers.get(*index) else {
                continue;
            };
            let (row, is_value) = row(register, &block, answer.as_deref());
            is_good &= is_value;
            if let Some(place) = rows.get_mut(*index) {
                *place = Some(row);
            }
        }
        tokio::time::sleep(device.profile.pause).await;
    }
    let head = ["channel", "address", "raw", "value", "unit", "quality"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head)
        .chain(rows.into_iter().flatten())
        .collect();
    let mut table = String::new();
    let title = &device.profile.title;
    write_line(
        &mut table,
        &format!("{title} at {}, unit {}", device.address, device.unit),
    );
    write_table(&mut table, &rows);
    for remark in remarks {
        write_line(&mut table, &remark);
    }
    Findings { table, is_good }
}

fn row(
    register: &Register,
    block: &Block,
    answer: Result<&[u16], &ReadError>,
) -> ([String; 6], bool) {
    let words = answer.map(|words| block.words_of(register, words));
    let value = match words {
        Ok(words) => register.decode(words),
        Err(error) => Err(error.quality()),
    };
    let raw: Vec<String> = words
        .unwrap_or_default()
        .iter()
        .map(|w| format!("{w:04x}"))
        .collect();
    let row = [
        register.channel.to_string(),
        format!("{}:{:#06x}", register.function.code(), register.address),
        raw.join(" "),
        value.map_or_else(|_| "-".to_owned(), |value| value.to_string()),
        register.unit.clone(),
        value.map_or_else(Quality::as_str, |_| "good").to_owned(),
    ];
    (row, value.is_ok())
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

/// Makes the settings of a device that is in no file, permitted to be read because a person named
/// it.
///
/// # Errors
/// Returns what is wrong with the address.
///
/// # Panics
/// Never: the name it gives the device is a valid key.
pub fn device_of(
    profile: Arc<crate::profile::Profile>,
    address: &str,
    unit: u8,
    timeout: std::time::Duration,
) -> Result<(Device, Allow), &'static str> {
    let expected = "the address must be host:port";
    let address = crate::config::Address::parse(address, Some(502)).ok_or(expected)?;
    let everywhere = ["0.0.0.0/0", "::/0"];
    let networks = everywhere
        .iter()
        .filter_map(|text| crate::allow::Network::parse(text));
    let allow = match address.ip() {
        Some(ip) => crate::allow::Network::parse(&ip.to_string())
            .into_iter()
            .collect(),
        None => networks.collect(),
    };
    let device = Device {
        name: "probe".to_owned(),
        instrument: wire::InstrumentKey::parse("probe").expect("a valid key"),
        dead_band: vec![0.0; profile.registers.len()],
        profile,
        address,
        unit,
        every: timeout,
        timeout,
        always: false,
    };
    Ok((device, Allow(allow)))
}
