//! InfluxDB line protocol as scripts send it: `power,instrument=NM-1 power_w=5.2,volts=230i 1700000000`.
//!
//! The measurement and other tags say nothing to us: every field is a channel.

use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines, split_lines};
use scheduler::time::Micros;

use super::write_readings::{Fault, Wish};
use crate::words::{Said, fault};

/// What a timestamp counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TimestampPrecision)]
pub enum Precision {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds, as the protocol has it.
    #[default]
    Ns,
}

impl Precision {
    fn micros(self, number: i64) -> Option<Micros> {
        let micros = match self {
            Self::S => number.checked_mul(1_000_000),
            Self::Ms => number.checked_mul(1_000),
            Self::Us => Some(number),
            Self::Ns => Some(number.div_euclid(1_000)),
        };
        micros.map(Micros::new)
    }
}

/// Reads lines; empty ones and those that begin with `#` are passed over. Returns what is read, and
/// what is wrong with the others under their number from 1.
pub(super) fn read(text: &str, precision: Precision) -> (Vec<Wish>, Vec<Fault>) {
    let (mut wishes, mut faults) = (Vec::new(), Vec::new());
    let text = text.replace("\r\n", "\n");
    for (place, line) in split_lines(&text).enumerate() {
        let place = format!("lines[{}]", place + 1);
        for parsed in parse_lines(line) {
            match parsed {
                Ok(parsed) => take(&place, &parsed, precision, &mut wishes, &mut faults),
                Err(error) => faults.push((
                    place.clone(),
                    Said::new(
                        format!("不是有效的行协议：`{}`", quoted(&error.to_string())),
                        format!("no valid line protocol: {error}"),
                    ),
                )),
            }
        }
    }
    (wishes, faults)
}

/// Keeps a text within the quotes around it.
fn quoted(text: &str) -> String {
    text.replace('`', "'").chars().take(200).collect()
}

fn take(
    place: &str,
    line: &ParsedLine<'_>,
    precision: Precision,
    wishes: &mut Vec<Wish>,
    faults: &mut Vec<Fault>,
) {
    let mut wrong = |name: &str, message: &str| {
        faults.push((format!("{place}.{name}"), fault(message)));
    };
    let Some(instrument) = line.tag_value("instrument") else {
        wrong(
            "instrument",
            "expected a tag `instrument` with the asset code",
        );
        return;
    };
    let time = match line.timestamp.map(|number| precision.micros(number)) {
        None => None,
        Some(Some(time)) => Some(time),
        Some(None) => {
            wrong("time", "this number is out of range");
            return;
        }
    };
    for (name, value) in &line.field_set {
        let channel = name.as_str().to_owned();
        let value = match value {
            FieldValue::F64(value) => Some(*value),
            // Counters beyond 2^53 lose their last digits, as everywhere in JSON.
            FieldValue::I64(value) => value.to_string().parse().ok(),
            FieldValue::U64(value) => value.to_string().parse().ok(),
            FieldValue::Boolean(value) => Some(f64::from(u8::from(*value))),
            FieldValue::String(_) => None,
        };
        let Some(value) = value else {
            wrong(&channel, "expected a number or a truth value");
            continue;
        };
        wishes.push(Wish {
            place: format!("{place}.{channel}"),
            instrument: instrument.as_str().to_owned(),
            channel,
            unit: String::new(),
            value: Ok(value),
            time,
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_field_of_a_line_is_a_reading() {
        let text = "# a comment\r\n\nm,instrument=A-1,x=y power_w=5.5,count=3i,n=4u,on=t 1700000000\r\n\
                    m,instrument=A\\-1 t=1";
        let (wishes, faults) = read(text, Precision::S);
        assert!(faults.is_empty(), "{faults:?}");
        let seen: Vec<(&str, &str, f64)> = wishes
            .iter()
            .map(|wish| {
                (
                    wish.place.as_str(),
                    wish.channel.as_str(),
                    wish.value.unwrap(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("lines[3].power_w", "power_w", 5.5),
                ("lines[3].count", "count", 3.0),
                ("lines[3].n", "n", 4.0),
                ("lines[3].on", "on", 1.0),
                ("lines[4].t", "t", 1.0),
            ]
        );
        assert_eq!(wishes[0].time, Some(Micros::new(1_700_000_000_000_000)));
        assert_eq!(wishes[4].time, None);
    }

    #[test]
    fn a_bad_line_names_itself_and_hides_no_other() {
        let text = "m,instrument=A-1 power_w=1\nnonsense\nm power_w=1\nm,instrument=A-1 note=\"x\"\n\
                    m,instrument=A-1 power_w=1 9223372036854775807";
        let (wishes, faults) = read(text, Precision::S);
        assert_eq!(wishes.len(), 1);
        let places: Vec<&str> = faults.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            [
                "lines[2]",
                "lines[3].instrument",
                "lines[4].note",
                "lines[5].time"
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "[a-z=, \"\\\\\n#0-9ietuf.-]{0,80}") {
            let (wishes, faults) = read(&text, Precision::Ns);
            let lines = text.split('\n').count();
            prop_assert!(faults.len() <= text.len() + lines);
            prop_assert!(wishes.iter().all(|wish| wish.value.is_ok()));
        }
    }
}
