//! From what a message holds to a number.

use serde_json::Value;
use wire::{ChannelName, Quality};

use super::outcome::Why;
use super::route::{Phases, ValueRead};
use super::spec::Kind;

/// Words that mean on and off, in lower case.
const ON: [&str; 7] = ["on", "true", "1", "yes", "open", "online", "running"];
const OFF: [&str; 7] = ["off", "false", "0", "no", "closed", "offline", "stopped"];

/// Most phases of a meter.
const PHASES_MAX: usize = 4;

/// A channel, its value or why there is none.
pub(super) type Number = (ChannelName, Result<f64, Quality>);

/// Reads one value. A meter's phases are several channels.
pub(super) fn read(value: &Value, rule: &ValueRead) -> Result<Vec<Number>, Why> {
    if let (Value::Array(phases), Some(names)) = (value, &rule.phases) {
        return read_phases(phases, rule, names);
    }
    let number = if value.is_null() {
        Err(Quality::NotAValue)
    } else {
        Ok(raw(value, rule)?)
    };
    Ok(vec![(rule.channel.clone(), scaled(number, rule))])
}

/// `[231, 229, 230]` is `voltage_l1_v` and so on; powers and energies add up to the whole.
fn read_phases(phases: &[Value], rule: &ValueRead, names: &Phases) -> Result<Vec<Number>, Why> {
    if phases.is_empty() || phases.len() > PHASES_MAX {
        return Err(Why::NotANumber);
    }
    let mut numbers = Vec::with_capacity(phases.len() + 1);
    let mut sum = 0.0;
    for (place, phase) in phases.iter().enumerate() {
        let number = raw(phase, rule)?;
        sum += number;
        let name = format!("{}_l{}_{}", names.stem, place + 1, names.ending);
        let name = ChannelName::parse(&name).map_err(|_| Why::NoChannel)?;
        numbers.push((name, scaled(Ok(number), rule)));
    }
    if names.adds_up {
        numbers.push((rule.channel.clone(), scaled(Ok(sum), rule)));
    }
    Ok(numbers)
}

fn scaled(number: Result<f64, Quality>, rule: &ValueRead) -> Result<f64, Quality> {
    let scaled = number? * rule.scale + rule.offset;
    if scaled.is_finite() {
        Ok(scaled)
    } else {
        Err(Quality::NotAValue)
    }
}

fn raw(value: &Value, rule: &ValueRead) -> Result<f64, Why> {
    match rule.kind {
        Kind::Number => number(value).ok_or(Why::NotANumber),
        Kind::Switch => switch(value).ok_or(Why::NotAWord),
        Kind::Words => {
            let word = word(value).ok_or(Why::NotAWord)?;
            rule.words.get(&word).copied().ok_or(Why::NotAWord)
        }
    }
}

/// Returns a finite number: a JSON number, or a text that is one.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    number.is_finite().then_some(number)
}

fn switch(value: &Value) -> Option<f64> {
    let word = word(value)?.trim().to_ascii_lowercase();
    if ON.contains(&word.as_str()) {
        Some(1.0)
    } else {
        OFF.contains(&word.as_str()).then_some(0.0)
    }
}

/// Returns a text, number or truth value as a word.
pub(super) fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns a field's name as a channel's: in lower case, with `_` for what no name may hold.
pub(super) fn channel_of(field: &str) -> Option<ChannelName> {
    let letters = field.chars().map(|letter| {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            letter
        } else {
            '_'
        }
    });
    ChannelName::parse(&letters.collect::<String>()).ok()
}
