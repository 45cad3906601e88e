//! A profile's TOML becomes a [`Profile`]; what is wrong becomes a fault with its line.

use std::time::Duration;

use wire::ChannelName;

use super::Profile;
use crate::document::{Document, Placed, Section, integer};
use crate::plan::{ReadLimits, Unmapped, plan};
use crate::register::{Function, Kind, Order, Register};

/// Most addresses in one request, as Modbus permits for functions 3 and 4.
const MAX_REGISTERS: i64 = 125;

/// Addresses in one request when the profile does not say.
const MAX_REGISTERS_DEFAULT: u16 = 60;

/// Longest unit, in characters: the limit of the wire.
const UNIT_CHARS_MAX: usize = 16;

/// Reads the whole file.
pub(super) fn profile(
    document: &Document<'_>,
    section: &Section<'_>,
    name: &str,
) -> Option<Profile> {
    let title = section.text_required("title");
    let source = section.text("source").map_or("", |source| source.value);
    let limits = limits(document, section);
    let pause_ms = section.integer("pause_ms", 0..=10_000);
    section.require("register");
    let ratios = ratios(document, section, source, &limits);
    let mut registers: Vec<Register> = Vec::new();
    for part in section.tables("register") {
        let register = channel(document, &part, source, &ratios);
        part.finish();
        let Some(register) = register else { continue };
        check_limits(document, &part, &register, &limits);
        if registers
            .iter()
            .any(|other| other.channel == register.channel)
        {
            let text = format!("channel {} is named twice", register.channel);
            document.fault(part.at, text);
        }
        registers.push(register);
    }
    section.finish();
    if registers.len() > wire::CHANNELS_MAX {
        let text = format!("more than {} registers", wire::CHANNELS_MAX);
        document.fault(section.at, text);
    }
    let all: Vec<Register> = registers.iter().chain(&ratios).cloned().collect();
    Some(Profile {
        name: name.to_owned(),
        title: title?.value.to_owned(),
        source: source.to_owned(),
        pause: Duration::from_millis(u64::from(small(pause_ms, 0))),
        blocks: plan(&all, &limits),
        registers,
        ratios,
    })
}

fn small(number: Option<Placed<i64>>, default: u16) -> u16 {
    number.map_or(default, |number| {
        u16::try_from(number.value).unwrap_or(default)
    })
}

fn limits(document: &Document<'_>, section: &Section<'_>) -> ReadLimits {
    let max_registers = section.integer("max_registers", 1..=MAX_REGISTERS);
    let gap = section.integer("gap", 0..=MAX_REGISTERS);
    let mut unmapped = Vec::new();
    for part in section.tables("unmapped") {
        let function = function(&part);
        part.require("first");
        part.require("last");
        let first = part.integer("first", 0..=0xFFFF);
        let last = part.integer("last", 0..=0xFFFF);
        part.finish();
        let (Some(function), Some(first), Some(last)) = (function, first, last) else {
            continue;
        };
        if first.value > last.value {
            document.fault(last.at, "last must not be before first");
        }
        unmapped.push(Unmapped {
            function,
            first: small(Some(first), 0),
            last: small(Some(last), 0),
        });
    }
    ReadLimits {
        max_registers: small(max_registers, MAX_REGISTERS_DEFAULT),
        gap: small(gap, 0),
        unmapped,
    }
}

/// Reads the transformer ratios: registers without unit and range of their own, more than 0.
fn ratios(
    document: &Document<'_>,
    section: &Section<'_>,
    source: &str,
    limits: &ReadLimits,
) -> Vec<Register> {
    let mut ratios: Vec<Register> = Vec::new();
    for part in section.tables("ratio") {
        let ratio = register(document, &part, "name", source);
        part.finish();
        let Some(mut ratio) = ratio else { continue };
        check_limits(document, &part, &ratio, limits);
        ratio.min = ratio.min.or(Some(f64::MIN_POSITIVE));
        if ratios.iter().any(|other| other.channel == ratio.channel) {
            let text = format!("ratio {} is named twice", ratio.channel);
            document.fault(part.at, text);
        }
        ratios.push(ratio);
    }
    ratios
}

fn channel(
    document: &Document<'_>,
    part: &Section<'_>,
    source: &str,
    ratios: &[Register],
) -> Option<Register> {
    let mut indexes = Vec::new();
    for item in part.list("ratios") {
        let name = item.value.as_str().unwrap_or_default();
        let mut known = ratios.iter();
        match known.position(|ratio| ratio.channel.as_str() == name) {
            Some(index) => indexes.push(index),
            None => document.fault(item.at, "ratios must list names of [[ratio]] tables"),
        }
    }
    let mut register = register(document, part, "channel", source)?;
    register.ratios = indexes;
    Some(register)
}

fn register(
    document: &Document<'_>,
    part: &Section<'_>,
    name: &'static str,
    source: &str,
) -> Option<Register> {
    let channel = part.text_required(name);
    let channel = channel.and_then(|text| {
        ChannelName::parse(text.value)
            .map_err(|error| document.fault(text.at, error.to_string()))
            .ok()
    });
    let function = function(part);
    part.require("address");
    let address = part.integer("address", 0..=0xFFFF);
    let kind = kind(document, part);
    let order = order(document, part);
    let scale = part.number("scale");
    if let Some(zero) = scale.filter(|scale| scale.value == 0.0) {
        document.fault(zero.at, "scale must not be 0");
    }
    let offset = part.number("offset");
    let unit = part.text("unit");
    if let Some(long) = unit.filter(|unit| unit.value.chars().count() > UNIT_CHARS_MAX) {
        let text = format!("unit must have at most {UNIT_CHARS_MAX} characters");
        document.fault(long.at, text);
    }
    let (min, max) = (part.number("min"), part.number("max"));
    if let (Some(min), Some(max)) = (min, max)
        && min.value > max.value
    {
        document.fault(min.at, "min must not be above max");
    }
    let least = part.number("least");
    if let Some(least) = least.filter(|least| least.value < 0.0) {
        document.fault(least.at, "least must not be negative");
    }
    let not_a_value = patterns(document, part);
    let source = part.text("source").map_or(source, |source| source.value);
    let register = Register {
        channel: channel?,
        function: function?,
        address: u16::try_from(address?.value).ok()?,
        kind: kind?,
        order: order?,
        scale: scale.map_or(1.0, |scale| scale.value),
        offset: offset.map_or(0.0, |offset| offset.value),
        unit: unit.map_or("", |unit| unit.value).to_owned(),
        not_a_value,
        min: min.map(|min| min.value),
        max: max.map(|max| max.value),
        least: least.map_or(0.0, |least| least.value),
        ratios: Vec::new(),
        source: source.to_owned(),
    };
    check_place(document, part, &register).then_some(register)
}

fn function(part: &Section<'_>) -> Option<Function> {
    part.require("function");
    let code = part.integer("function", 1..=4)?;
    Function::from_code(code.value)
}

/// Coils hold bits, and no register reaches past the last address.
fn check_place(document: &Document<'_>, part: &Section<'_>, register: &Register) -> bool {
    let function = register.function;
    if function.is_bits() && register.kind != Kind::Bit(0) {
        let code = function.code();
        let text = format!("function {code} reads single bits: type must be \"bit\", without bit");
        document.fault(part.at, text);
        return false;
    }
    if register.address.checked_add(register.words()).is_none() {
        document.fault(part.at, "the register reaches past address 65535");
        return false;
    }
    true
}

/// A register fits into one request and lies where the device has registers.
fn check_limits(
    document: &Document<'_>,
    part: &Section<'_>,
    register: &Register,
    limits: &ReadLimits,
) {
    let (words, most) = (register.words(), limits.max_registers);
    if words > most {
        let text = format!("the register has {words} addresses, max_registers is {most}");
        document.fault(part.at, text);
    }
    let last = register.address.saturating_add(words - 1);
    let mut holes = limits.unmapped.iter();
    if holes.any(|hole| {
        hole.function == register.function && hole.first <= last && register.address <= hole.last
    }) {
        document.fault(part.at, "the register lies in an [[unmapped]] range");
    }
}

fn kind(document: &Document<'_>, part: &Section<'_>) -> Option<Kind> {
    let bit = part.integer("bit", 0..=15);
    let text = part.text_required("type")?;
    let kind = match text.value {
        "bit" => {
            let bit = bit.map_or(0, |bit| bit.value);
            return u8::try_from(bit).ok().map(Kind::Bit);
        }
        "u16" => Some(Kind::U16),
        "i16" => Some(Kind::I16),
        "u32" => Some(Kind::U32),
        "i32" => Some(Kind::I32),
        "u64" => Some(Kind::U64),
        "i64" => Some(Kind::I64),
        "f32" => Some(Kind::F32),
        "f64" => Some(Kind::F64),
        _ => None,
    };
    if kind.is_none() {
        let expected = "type must be bit, u16, i16, u32, i32, u64, i64, f32 or f64";
        document.fault(text.at, expected);
    } else if let Some(bit) = bit {
        document.fault(bit.at, "bit belongs to type \"bit\" only");
    }
    kind
}

fn order(document: &Document<'_>, part: &Section<'_>) -> Option<Order> {
    let Some(text) = part.text("order") else {
        return Some(Order::Abcd);
    };
    let order = Order::parse(text.value);
    if order.is_none() {
        document.fault(text.at, "order must be ABCD, CDAB, BADC or DCBA");
    }
    order
}

fn patterns(document: &Document<'_>, part: &Section<'_>) -> Vec<u64> {
    let mut patterns = Vec::new();
    for item in part.list("not_a_value") {
        let hex = item.value.as_str().and_then(|text| text.strip_prefix("0x"));
        let pattern = match hex {
            // TOML numbers end at 2^63, patterns of 64 bits do not.
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => integer(item.value).and_then(|number| u64::try_from(number).ok()),
        };
        match pattern {
            Some(pattern) => patterns.push(pattern),
            None => document.fault(item.at, "expected a bit pattern such as 0x8000"),
        }
    }
    patterns
}
