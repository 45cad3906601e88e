//! The ready-made formats, as tables of routes.

use wire::ChannelName;

use super::route::{OnlineRead, Phases, Reads, Route, ValueRead, ValuesRead};
use super::spec::{Format, Kind, MappingSpec, SpecFault, TimeFormat, TimeSpec};
use super::topic::{Pattern, TopicFault};
use crate::telemetry::sparkplug;

/// Pointer, channel, unit, factor to that unit.
type Line = (&'static str, &'static str, &'static str, f64);

/// Tasmota, `tele/<device>/SENSOR`. Energies in kWh. Source: Tasmota documentation, "JSON Status
/// Responses", and arendst/Tasmota issue 1621 for a whole message; meters with phases send arrays.
const TASMOTA: [Line; 8] = [
    ("/ENERGY/Power", "power_w", "W", 1.0),
    ("/ENERGY/Voltage", "voltage_v", "V", 1.0),
    ("/ENERGY/Current", "current_a", "A", 1.0),
    ("/ENERGY/Total", "energy_wh", "Wh", 1_000.0),
    ("/ENERGY/Factor", "power_factor", "", 1.0),
    ("/ENERGY/Frequency", "frequency_hz", "Hz", 1.0),
    ("/ENERGY/ApparentPower", "apparent_power_va", "VA", 1.0),
    ("/ENERGY/ReactivePower", "reactive_power_var", "var", 1.0),
];

/// How the phases of Tasmota's arrays are called: stem, ending, whether they add up.
const TASMOTA_PHASES: [(&str, Phases); 5] = [
    ("power_w", phases("power", "w", true)),
    ("voltage_v", phases("voltage", "v", false)),
    ("current_a", phases("current", "a", false)),
    ("energy_wh", phases("energy", "wh", true)),
    ("apparent_power_va", phases("apparent_power", "va", true)),
];

const fn phases(stem: &'static str, ending: &'static str, adds_up: bool) -> Phases {
    Phases {
        stem,
        ending,
        adds_up,
    }
}

/// A Shelly component that measures. Energies in Wh. Source: Shelly API documentation, Gen2,
/// components Switch, PM1, EM1, EM.
const SHELLY: [Line; 22] = [
    ("/apower", "power_w", "W", 1.0),
    ("/act_power", "power_w", "W", 1.0),
    ("/total_act_power", "power_w", "W", 1.0),
    ("/aprt_power", "apparent_power_va", "VA", 1.0),
    ("/total_aprt_power", "apparent_power_va", "VA", 1.0),
    ("/voltage", "voltage_v", "V", 1.0),
    ("/current", "current_a", "A", 1.0),
    ("/total_current", "current_a", "A", 1.0),
    ("/freq", "frequency_hz", "Hz", 1.0),
    ("/pf", "power_factor", "", 1.0),
    ("/aenergy/total", "energy_wh", "Wh", 1.0),
    ("/temperature/tC", "device_temperature_c", "degC", 1.0),
    ("/output", "output_bit", "", 1.0),
    ("/a_voltage", "voltage_l1_v", "V", 1.0),
    ("/b_voltage", "voltage_l2_v", "V", 1.0),
    ("/c_voltage", "voltage_l3_v", "V", 1.0),
    ("/a_current", "current_l1_a", "A", 1.0),
    ("/b_current", "current_l2_a", "A", 1.0),
    ("/c_current", "current_l3_a", "A", 1.0),
    ("/a_act_power", "power_l1_w", "W", 1.0),
    ("/b_act_power", "power_l2_w", "W", 1.0),
    ("/c_act_power", "power_l3_w", "W", 1.0),
];

/// The energy counters that EM1 and EM keep beside themselves (components `em1data`, `emdata`).
const SHELLY_DATA: [Line; 2] = [
    ("/total_act_energy", "energy_wh", "Wh", 1.0),
    ("/total_act", "energy_wh", "Wh", 1.0),
];

/// Components of a Shelly that measure nothing.
const SHELLY_CHATTER: [&str; 10] = [
    "status/sys",
    "status/cloud",
    "status/wifi",
    "status/eth",
    "status/mqtt",
    "status/ws",
    "status/ble",
    "status/bthome",
    "rpc",
    "announce",
];

/// Components that measure, as before the colon.
const SHELLY_COMPONENTS: [&str; 5] = ["switch", "pm1", "em1", "em", "cover"];

/// Methods of Shelly's notifications that carry status.
const SHELLY_METHODS: [&str; 2] = ["NotifyStatus", "NotifyFullStatus"];

/// `Zigbee2MQTT`, `zigbee2mqtt/<name>`. Energies in kWh. Source: zigbee2mqtt.io, "MQTT topics and
/// messages".
const ZIGBEE: [Line; 9] = [
    ("/power", "power_w", "W", 1.0),
    ("/voltage", "voltage_v", "V", 1.0),
    ("/current", "current_a", "A", 1.0),
    ("/energy", "energy_wh", "Wh", 1_000.0),
    ("/ac_frequency", "frequency_hz", "Hz", 1.0),
    ("/power_factor", "power_factor", "", 1.0),
    ("/temperature", "temperature_c", "degC", 1.0),
    ("/humidity", "humidity_percent", "%", 1.0),
    ("/state", "output_bit", "", 1.0),
];

/// Returns what a mapping reads, the values that people added with it.
pub(super) fn routes(
    spec: &MappingSpec,
    base: Pattern,
    extra: Vec<ValueRead>,
) -> Result<Vec<Route>, TopicFault> {
    match spec.format {
        Format::Tasmota => tasmota(spec, extra),
        Format::Shelly => shelly(spec, extra),
        Format::Zigbee2mqtt => zigbee(spec, base, extra),
        Format::Telegraf => Ok(vec![telegraf(spec, base, extra)]),
        Format::Sparkplug => sparkplug(spec, base, extra),
        Format::Free => {
            let reads = ValuesRead {
                each: spec.each.clone(),
                values: extra,
                time: spec.time.clone(),
                ..ValuesRead::default()
            };
            Ok(vec![values(base, reads)])
        }
    }
}

/// Checks which part of a Shelly is meant.
pub(super) fn check_component(text: &str) -> Result<(), SpecFault> {
    let parts = text.split_once(':');
    let is_known = parts.is_some_and(|(kind, number)| {
        SHELLY_COMPONENTS.contains(&kind)
            && (1..=2).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    is_known.then_some(()).ok_or_else(|| {
        SpecFault::new(
            "component",
            "expected switch, pm1, em1, em or cover with its number, such as switch:0",
        )
    })
}

fn tasmota(spec: &MappingSpec, extra: Vec<ValueRead>) -> Result<Vec<Route>, TopicFault> {
    let mut lines = lines(&TASMOTA);
    for value in &mut lines {
        let known = TASMOTA_PHASES.iter();
        let mut known = known.filter(|(channel, _)| *channel == value.channel.as_str());
        value.phases = known.next().map(|(_, phases)| *phases);
    }
    lines.extend(extra);
    let reads = ValuesRead {
        values: lines,
        time: Some(time(spec, "/Time", TimeFormat::Local)),
        is_live: true,
        ..ValuesRead::default()
    };
    Ok(vec![
        values(below(spec, "SENSOR")?, reads),
        online(below(spec, "LWT")?, None, "Online", "Offline"),
        nothing(below(spec, "#")?),
    ])
}

fn shelly(spec: &MappingSpec, extra: Vec<ValueRead>) -> Result<Vec<Route>, TopicFault> {
    let component = spec.component.as_deref().unwrap_or("switch:0");
    let mut own = lines(&SHELLY);
    own.extend(extra);
    let mut parts = vec![(component.to_owned(), own)];
    if let Some(number) = component.strip_prefix("em1:") {
        parts.push((format!("em1data:{number}"), lines(&SHELLY_DATA)));
    } else if let Some(number) = component.strip_prefix("em:") {
        parts.push((format!("emdata:{number}"), lines(&SHELLY_DATA)));
    }
    let mut routes = Vec::new();
    for (part, lines) in parts {
        let whole = ValuesRead {
            values: lines.clone(),
            ..ValuesRead::default()
        };
        routes.push(values(below(spec, &format!("status/{part}"))?, whole));
        let partial = ValuesRead {
            only_if: Some(("/method", &SHELLY_METHODS)),
            root: format!("/params/{part}"),
            values: lines,
            time: Some(time(spec, "/params/ts", TimeFormat::UnixS)),
            ..ValuesRead::default()
        };
        routes.push(values(below(spec, "events/rpc")?, partial));
    }
    routes.push(online(below(spec, "online")?, None, "true", "false"));
    for chatter in SHELLY_CHATTER {
        routes.push(nothing(below(spec, chatter)?));
    }
    routes.push(nothing(below(spec, "status/input:{_input}")?));
    Ok(routes)
}

fn zigbee(
    spec: &MappingSpec,
    base: Pattern,
    extra: Vec<ValueRead>,
) -> Result<Vec<Route>, TopicFault> {
    let mut lines = lines(&ZIGBEE);
    lines.extend(extra);
    let reads = ValuesRead {
        values: lines,
        time: Some(time(spec, "/last_seen", TimeFormat::Auto)),
        ..ValuesRead::default()
    };
    Ok(vec![
        values(base, reads),
        online(
            below(spec, "availability")?,
            Some("/state"),
            "online",
            "offline",
        ),
        nothing(below(spec, "set")?),
        nothing(below(spec, "get")?),
    ])
}

fn telegraf(spec: &MappingSpec, base: Pattern, extra: Vec<ValueRead>) -> Route {
    let reads = ValuesRead {
        each: Some(spec.each.clone().unwrap_or_else(|| "/metrics".to_owned())),
        or_whole: true,
        // Without a word on which ones, all.
        fields: extra.is_empty().then_some("/fields"),
        values: extra,
        time: Some(time(spec, "/timestamp", TimeFormat::Auto)),
        ..ValuesRead::default()
    };
    values(base, reads)
}

/// Checks that a topic is that of an edge node or device, without the type of its messages.
pub(super) fn check_sparkplug(topic: &str) -> Result<(), SpecFault> {
    let is_sparkplug = sparkplug::Topic::is_sparkplug(topic);
    if is_sparkplug && (3..=4).contains(&topic.split('/').count()) {
        return Ok(());
    }
    let message = "expected spBv1.0/group/node or spBv1.0/group/node/device";
    Err(SpecFault::new("topic", message))
}

/// Documents that the host makes of births and data; see [`sparkplug::Document`].
fn sparkplug(
    spec: &MappingSpec,
    base: Pattern,
    mut extra: Vec<ValueRead>,
) -> Result<Vec<Route>, TopicFault> {
    for value in &mut extra {
        // A metric's name may have slashes of its own: it is one key.
        if let Some(name) = value
            .pointer
            .as_deref()
            .and_then(|text| text.strip_prefix('/'))
        {
            let key = name.replace('~', "~0").replace('/', "~1");
            value.pointer = Some(format!("/{key}"));
        }
    }
    let presence = Pattern::parse(&sparkplug::presence_topic(base.as_str()))?;
    let reads = ValuesRead {
        each: Some("/messages".to_owned()),
        root: "/metrics".to_owned(),
        is_partial: true,
        // Without a word on which ones, all.
        fields: extra.is_empty().then_some(""),
        values: extra,
        time: Some(time(spec, "/timestamp", TimeFormat::UnixMs)),
        ..ValuesRead::default()
    };
    Ok(vec![
        values(base, reads),
        online(presence, None, "true", "false"),
    ])
}

fn below(spec: &MappingSpec, rest: &str) -> Result<Pattern, TopicFault> {
    Pattern::parse(&format!("{}/{rest}", spec.topic))
}

fn values(pattern: Pattern, reads: ValuesRead) -> Route {
    Route {
        pattern,
        reads: Reads::Values(Box::new(reads)),
    }
}

fn online(pattern: Pattern, pointer: Option<&str>, here: &str, gone: &str) -> Route {
    Route {
        pattern,
        reads: Reads::Online(OnlineRead {
            pointer: pointer.map(str::to_owned),
            or_plain: true,
            online: vec![here.to_owned()],
            offline: vec![gone.to_owned()],
        }),
    }
}

fn nothing(pattern: Pattern) -> Route {
    Route {
        pattern,
        reads: Reads::Nothing,
    }
}

fn time(spec: &MappingSpec, pointer: &str, format: TimeFormat) -> TimeSpec {
    let own = || TimeSpec {
        pointer: pointer.to_owned(),
        format,
    };
    spec.time.clone().unwrap_or_else(own)
}

fn lines(table: &[Line]) -> Vec<ValueRead> {
    let line = |(pointer, channel, unit, scale): &Line| ValueRead {
        pointer: Some((*pointer).to_owned()),
        channel: ChannelName::parse(channel).expect("the tables hold channel names"),
        unit: (*unit).to_owned(),
        scale: *scale,
        offset: 0.0,
        kind: if channel.ends_with("_bit") {
            Kind::Switch
        } else {
            Kind::Number
        },
        words: std::collections::BTreeMap::default(),
        phases: None,
    };
    table.iter().map(line).collect()
}
