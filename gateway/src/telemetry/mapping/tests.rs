//! Real messages of each format, and what is read out of them.

use std::sync::Arc;

use chrono_tz::Tz;
use proptest::prelude::*;
use scheduler::id::NodeId;
use scheduler::time::Micros;
use serde_json::{Value, json};

use super::limits::DEPTH_MAX;
use super::*;
use crate::registry::{Directory, MappingEntry};
use crate::telemetry::foreign::ReadingTime;

const LAB: NodeId = NodeId::new(1);
/// 2018-01-17T11:00:00Z.
const ARRIVAL: Micros = Micros::new(1_516_186_800_000_000);

fn directory() -> Directory {
    let mut directory =
        crate::telemetry::bench::directory(&[("K-1", 1, "lab-1"), ("K-2", 2, "lab-1")]);
    for instrument in directory.instruments.values_mut() {
        instrument.source = None;
    }
    directory
}

fn entry(spec: Value) -> MappingEntry {
    let spec: MappingSpec = serde_json::from_value(spec).unwrap();
    MappingEntry {
        id: 7,
        lab: LAB,
        name: "test".to_owned(),
        mapping: Mapping::new(spec).unwrap(),
        version: 1,
        created_at: Micros::new(0),
    }
}

fn outcome_of(spec: &Value, topic: &str, payload: &str, is_retained: bool) -> Outcome {
    let message = Message {
        topic,
        payload: payload.as_bytes(),
        arrival: ARRIVAL,
        is_retained,
    };
    read(&directory(), LAB, [&entry(spec.clone())], &message)
}

/// What is read, as `instrument channel value unit`, in order of the names.
fn lines(outcome: &Outcome) -> Vec<String> {
    let line = |taken: &Taken| {
        let reading = &taken.reading;
        let value = match reading.value {
            Ok(value) => format!("{value}"),
            Err(quality) => quality.as_str().to_owned(),
        };
        let (channel, unit) = (&reading.channel, &reading.unit);
        format!("{} {channel} {value} {unit}", reading.instrument)
            .trim_end()
            .to_owned()
    };
    let mut lines: Vec<String> = outcome.taken.iter().map(line).collect();
    lines.sort();
    lines
}

#[track_caller]
fn check(spec: &Value, topic: &str, payload: &str, expected: &[&str]) -> Outcome {
    let outcome = outcome_of(spec, topic, payload, false);
    assert_eq!(lines(&outcome), expected, "{:?}", outcome.notes);
    outcome
}

fn whys(outcome: &Outcome) -> Vec<Why> {
    outcome.notes.iter().map(|note| note.why).collect()
}

const TASMOTA: &str = r#"{"Time":"2018-01-17T18:59:50","ENERGY":{"Total":1.956,"Yesterday":0.054,
    "Today":0.049,"Period":0,"Power":9,"Factor":0.43,"Voltage":231,"Current":0.089}}"#;

#[test]
fn tasmota_tells_its_energy_in_local_time() {
    let spec = json!({ "format": "tasmota", "topic": "tele/{device}", "instrument": "{device}" });
    let outcome = check(
        &spec,
        "tele/K-1/SENSOR",
        TASMOTA,
        &[
            "1 current_a 0.089 A",
            "1 energy_wh 1956 Wh",
            "1 power_factor 0.43",
            "1 power_w 9 W",
            "1 voltage_v 231 V",
        ],
    );
    // 18:59:50 in Shanghai, ten seconds before it came.
    let at = ReadingTime::Device(Micros::new(ARRIVAL.get() - 10_000_000));
    assert!(outcome.taken.iter().all(|taken| taken.reading.time == at));
    assert!(outcome.notes.iter().all(|note| note.why == Why::Absent));
}

#[test]
fn tasmota_meters_with_phases_add_up() {
    let spec = json!({ "format": "tasmota", "topic": "tele/m", "instrument": "K-2" });
    let payload =
        r#"{"ENERGY":{"Total":12.5,"Power":[100,20.5,3],"Voltage":[231,230,229],"Frequency":50}}"#;
    let outcome = check(
        &spec,
        "tele/m/SENSOR",
        payload,
        &[
            "2 energy_wh 12500 Wh",
            "2 frequency_hz 50 Hz",
            "2 power_l1_w 100 W",
            "2 power_l2_w 20.5 W",
            "2 power_l3_w 3 W",
            "2 power_w 123.5 W",
            "2 voltage_l1_v 231 V",
            "2 voltage_l2_v 230 V",
            "2 voltage_l3_v 229 V",
        ],
    );
    assert!(whys(&outcome).contains(&Why::NoTime));
    assert_eq!(outcome.taken[0].reading.time, ReadingTime::Arrival);
}

#[test]
fn tasmota_says_whether_it_is_there_also_from_before() {
    let spec = json!({ "format": "tasmota", "topic": "tele/m", "instrument": "K-2" });
    for (payload, is_here) in [("Online", true), ("Offline", false)] {
        let outcome = outcome_of(&spec, "tele/m/LWT", payload, true);
        assert_eq!(outcome.presence[0].is_here, is_here, "{payload}");
    }
    let outcome = outcome_of(&spec, "tele/m/LWT", "Perhaps", true);
    assert_eq!(
        (outcome.presence.len(), whys(&outcome)),
        (0, vec![Why::NotAWord])
    );
    let kept = outcome_of(&spec, "tele/m/SENSOR", TASMOTA, true);
    assert_eq!((kept.taken.len(), whys(&kept)), (0, vec![Why::Retained]));
    let chatter = outcome_of(&spec, "tele/m/STATE", r#"{"POWER":"ON"}"#, false);
    assert_eq!(
        (whys(&chatter), chatter.unknown()),
        (vec![Why::NotUsed], None)
    );
}

const SHELLY: &str = r#"{"id":0,"source":"init","output":true,"apower":8.9,"voltage":237.5,
    "current":0.04,"aenergy":{"total":6.532,"by_minute":[45.2,0,1],"minute_ts":1654511972},
    "temperature":{"tC":23.5,"tF":74.4}}"#;

#[test]
fn shelly_tells_all_and_then_what_changed() {
    let spec = json!({ "format": "shelly", "topic": "shellyplus1pm-{id}", "instrument": "K-1" });
    check(
        &spec,
        "shellyplus1pm-a8032ab/status/switch:0",
        SHELLY,
        &[
            "1 current_a 0.04 A",
            "1 device_temperature_c 23.5 degC",
            "1 energy_wh 6.532 Wh",
            "1 output_bit 1",
            "1 power_w 8.9 W",
            "1 voltage_v 237.5 V",
        ],
    );
    let partial = r#"{"src":"shellyplus1pm-a8032ab","dst":"shellyplus1pm-a8032ab/events",
        "method":"NotifyStatus","params":{"ts":1516186799.52,"switch:0":{"id":0,"apower":17.25}}}"#;
    let outcome = check(
        &spec,
        "shellyplus1pm-a8032ab/events/rpc",
        partial,
        &["1 power_w 17.25 W"],
    );
    let at = ReadingTime::Device(Micros::new(1_516_186_799_520_000));
    assert_eq!(outcome.taken[0].reading.time, at);
    assert_eq!(outcome.taken[0].from, "/params/switch:0/apower");
    for (topic, payload) in [
        (
            "x/events/rpc",
            r#"{"method":"NotifyEvent","params":{"ts":1,"events":[]}}"#,
        ),
        (
            "x/events/rpc",
            r#"{"method":"NotifyStatus","params":{"ts":1,"sys":{"ram_free":1}}}"#,
        ),
        ("x/status/sys", r#"{"mac":"A8"}"#),
        ("x/status/input:0", r#"{"id":0,"state":false}"#),
    ] {
        let topic = topic.replacen('x', "shellyplus1pm-a8032ab", 1);
        let outcome = check(&spec, &topic, payload, &[]);
        assert_eq!(
            (whys(&outcome), outcome.unknown()),
            (vec![Why::NotUsed], None),
            "{topic}"
        );
    }
    let outcome = outcome_of(&spec, "shellyplus1pm-a8032ab/online", "false", true);
    assert!(!outcome.presence[0].is_here);
    // Another outlet of the same device is nobody's yet.
    let second = outcome_of(
        &spec,
        "shellyplus1pm-a8032ab/status/switch:1",
        SHELLY,
        false,
    );
    assert_eq!(second.unknown(), Some(Why::NoMapping));
}

#[test]
fn shelly_meters_with_phases_tell_the_whole_and_the_parts() {
    let spec = json!({ "format": "shelly", "topic": "shellypro3em", "instrument": "K-1", "component": "em:0" });
    let payload = r#"{"id":0,"a_current":4.029,"a_voltage":236.1,"a_act_power":951.2,"total_current":11.116,
        "total_act_power":2484.782,"total_aprt_power":2486.7}"#;
    check(
        &spec,
        "shellypro3em/status/em:0",
        payload,
        &[
            "1 apparent_power_va 2486.7 VA",
            "1 current_a 11.116 A",
            "1 current_l1_a 4.029 A",
            "1 power_l1_w 951.2 W",
            "1 power_w 2484.782 W",
            "1 voltage_l1_v 236.1 V",
        ],
    );
    let energy = r#"{"id":0,"total_act":5415.41,"total_act_ret":0}"#;
    check(
        &spec,
        "shellypro3em/status/emdata:0",
        energy,
        &["1 energy_wh 5415.41 Wh"],
    );
}

#[test]
fn zigbee_tells_the_topic_itself() {
    let spec =
        json!({ "format": "zigbee2mqtt", "topic": "zigbee2mqtt/lab/plug 1", "instrument": "K-1" });
    let payload = r#"{"ac_frequency":50,"current":0,"energy":31.02,"power":0,"state":"ON","voltage":236.19,"linkquality":76}"#;
    check(
        &spec,
        "zigbee2mqtt/lab/plug 1",
        payload,
        &[
            "1 current_a 0 A",
            "1 energy_wh 31020 Wh",
            "1 frequency_hz 50 Hz",
            "1 output_bit 1",
            "1 power_w 0 W",
            "1 voltage_v 236.19 V",
        ],
    );
    for (payload, is_here) in [(r#"{"state":"online"}"#, true), ("offline", false)] {
        let outcome = outcome_of(&spec, "zigbee2mqtt/lab/plug 1/availability", payload, true);
        assert_eq!(outcome.presence[0].is_here, is_here, "{payload}");
    }
}

#[test]
fn telegraf_tells_one_or_many_metrics() {
    let spec = json!({ "format": "telegraf", "topic": "telegraf/{host}", "instrument": "{/tags/host}",
        "devices": { "raynor": "K-1", "kerrigan": "K-2" } });
    let one = r#"{"fields":{"field_1":30,"Field 2":4.5,"note":"x","on":true},"name":"docker",
        "tags":{"host":"raynor"},"timestamp":1458229140}"#;
    let outcome = check(
        &spec,
        "telegraf/raynor",
        one,
        &["1 field_1 30", "1 field_2 4.5", "1 on 1"],
    );
    let at = ReadingTime::Device(Micros::new(1_458_229_140_000_000));
    assert_eq!(outcome.taken[0].reading.time, at);
    let many = r#"{"metrics":[{"fields":{"power_w":30},"name":"m","tags":{"host":"raynor"},"timestamp":1458229140},
        {"fields":{"power_w":31},"name":"m","tags":{"host":"kerrigan"},"timestamp":1458229140},
        {"fields":{"power_w":32},"name":"m","tags":{"host":"nobody"},"timestamp":1458229140}]}"#;
    let outcome = check(&spec, "telegraf/x", many, &["1 power_w 30", "2 power_w 31"]);
    assert!(outcome.notes.contains(&Note {
        mapping: Some(7),
        what: "nobody".to_owned(),
        why: Why::UnknownInstrument
    }));
    assert_eq!(outcome.unknown(), None, "the others are known");
}

#[test]
fn free_mappings_read_pointers_plain_payloads_and_words() {
    let spec = json!({ "format": "free", "topic": "furnace/{oven}/state", "instrument": "K-{oven}",
        "values": [
            { "pointer": "/t/0", "channel": "temperature_c", "unit": "degC", "scale": 0.1, "offset": -5.0 },
            { "pointer": "/door", "channel": "door_bit", "type": "switch" },
            { "pointer": "/mode", "channel": "mode", "type": "words", "words": { "HEAT": 2.0, "IDLE": 0.0 } },
            { "pointer": "/gone", "channel": "gone" } ],
        "time": { "pointer": "/at", "format": "unix_ms" },
        "online": { "topic": "furnace/{oven}/alive", "online": ["1"], "offline": ["0"] } });
    let payload = r#"{"t":["812"],"door":"Open","mode":"HEAT","at":1516186800000}"#;
    let outcome = check(
        &spec,
        "furnace/1/state",
        payload,
        &["1 door_bit 1", "1 mode 2", "1 temperature_c 76.2 degC"],
    );
    assert_eq!(outcome.taken[0].reading.time, ReadingTime::Device(ARRIVAL));
    assert_eq!(whys(&outcome), [Why::Absent]);
    assert!(!outcome_of(&spec, "furnace/2/alive", "0", false).presence[0].is_here);
    let outcome = outcome_of(&spec, "furnace/9/state", payload, false);
    assert_eq!(outcome.unknown(), Some(Why::UnknownInstrument));

    let plain = json!({ "format": "free", "topic": "homie/dev/meter/power", "instrument": "K-1",
        "values": [{ "channel": "power_w", "unit": "W" }] });
    check(
        &plain,
        "homie/dev/meter/power",
        "230.1",
        &["1 power_w 230.1 W"],
    );
    check(
        &plain,
        "homie/dev/meter/power",
        " 12 \n",
        &["1 power_w 12 W"],
    );
    check(
        &plain,
        "homie/dev/meter/power",
        "null",
        &["1 power_w not_a_value"],
    );
    for (payload, why) in [
        ("hello", Why::NotANumber),
        ("", Why::NotANumber),
        ("[1]", Why::NotANumber),
        ("1e999", Why::NotANumber),
    ] {
        let outcome = outcome_of(&plain, "homie/dev/meter/power", payload, false);
        assert_eq!(whys(&outcome), [why], "{payload:?}");
        assert!(why.is_fault() && outcome.taken.is_empty());
    }
    let spec = json!({ "format": "free", "topic": "a/b", "instrument": "K-1",
        "values": [{ "pointer": "/x", "channel": "x" }], "time": { "pointer": "/at", "format": "rfc3339" } });
    assert_eq!(
        whys(&outcome_of(&spec, "a/b", "no json", false)),
        [Why::NoTime, Why::NotJson]
    );
    assert_eq!(
        whys(&outcome_of(&spec, "a/b", "{}", false)),
        [Why::NoTime, Why::Absent, Why::NothingRead]
    );
    let outcome = outcome_of(&spec, "a/b", r#"{"x":1,"at":"soon"}"#, false);
    assert_eq!(whys(&outcome), [Why::BadTime]);
    assert_eq!(
        outcome.taken[0].reading.time,
        ReadingTime::Device(Micros::new(0)),
        "in doubt"
    );
}

#[test]
fn instruments_of_other_labs_are_nobodys() {
    let spec = json!({ "format": "tasmota", "topic": "tele/m", "instrument": "K-2" });
    let message = Message {
        topic: "tele/m/SENSOR",
        payload: TASMOTA.as_bytes(),
        arrival: ARRIVAL,
        is_retained: false,
    };
    let outcome = read(&directory(), NodeId::new(2), [&entry(spec)], &message);
    assert_eq!(outcome.unknown(), Some(Why::UnknownInstrument));
}

#[test]
fn mappings_are_refused_with_the_field_that_is_wrong() {
    let value = json!({ "pointer": "/x", "channel": "x" });
    for (change, field) in [
        (json!({ "topic": "+/x" }), "topic"),
        (json!({ "topic": "ortoo/v1/lab-1/up/readings" }), "topic"),
        (json!({ "instrument": "{nobody}" }), "instrument"),
        (json!({ "instrument": "" }), "instrument"),
        (json!({ "values": [] }), "values"),
        (
            json!({ "values": vec![value.clone(); VALUES_MAX + 1] }),
            "values",
        ),
        (json!({ "values": [value, value] }), "values[1].channel"),
        (
            json!({ "values": [{ "pointer": "x", "channel": "x" }] }),
            "values[0].pointer",
        ),
        (
            json!({ "values": [{ "pointer": format!("/{}", "x".repeat(300)), "channel": "x" }] }),
            "values[0].pointer",
        ),
        (
            json!({ "values": [{ "channel": "x", "unit": "x".repeat(17) }] }),
            "values[0].unit",
        ),
        (
            json!({ "values": [{ "channel": "x", "type": "words" }] }),
            "values[0].words",
        ),
        (json!({ "component": "switch:0" }), "component"),
        (
            json!({ "format": "shelly", "component": "light:0" }),
            "component",
        ),
        (
            json!({ "time": { "pointer": "at", "format": "auto" } }),
            "time.pointer",
        ),
        (
            json!({ "online": { "topic": "a/b", "online": [], "offline": ["x"] } }),
            "online.online",
        ),
        (
            json!({ "topic": "a/{b}", "instrument": "{b}",
            "online": { "topic": "a/b", "online": ["y"], "offline": ["x"] } }),
            "online.topic",
        ),
        (
            json!({ "instrument": "{/x}", "online": { "topic": "a/b", "online": ["y"], "offline": ["x"] } }),
            "online",
        ),
    ] {
        let mut spec =
            json!({ "format": "free", "topic": "a/b", "instrument": "K-1", "values": [value] });
        spec.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let spec: MappingSpec = serde_json::from_value(spec).unwrap();
        let fault = Mapping::new(spec).unwrap_err();
        assert_eq!(fault.field, field, "{change}");
        let said = crate::words::fault(&fault.message);
        let general = "无法理解这个值，请检查其格式";
        assert_ne!(said.text(crate::words::Language::Zh), general, "{fault}");
    }
}

#[test]
fn a_mapping_survives_being_kept() {
    for spec in [
        json!({ "format": "tasmota", "topic": "tele/{device}", "instrument": "{device}", "values": [] }),
        json!({ "format": "free", "topic": "a/b", "instrument": "K-1", "values": [
            { "channel": "x", "unit": "V", "scale": 2.5, "offset": 0.0, "type": "words", "words": { "a": 1.0 } }] }),
    ] {
        let mapping = Mapping::new(serde_json::from_value(spec.clone()).unwrap()).unwrap();
        let kept = serde_json::to_string(mapping.spec()).unwrap();
        assert_eq!(
            Mapping::new(serde_json::from_str(&kept).unwrap()).unwrap(),
            mapping
        );
    }
}

#[test]
fn limits_hold_before_anything_is_made() {
    let spec = json!({ "format": "free", "topic": "a/b", "instrument": "K-1", "each": "/all",
        "values": [{ "pointer": "/x", "channel": "x" }] });
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let why = |payload: &str| whys(&outcome_of(&spec, "a/b", payload, false));
    assert_eq!(why(&nested(DEPTH_MAX + 1)), [Why::TooDeep]);
    assert_eq!(why(&nested(100_000)), [Why::TooLarge]);
    assert_eq!(why(&nested(DEPTH_MAX)), [Why::NothingRead]);
    assert_eq!(why(&"x".repeat(PAYLOAD_BYTES_MAX + 1)), [Why::TooLarge]);
    let many = |count: usize| json!({ "all": vec![json!({ "x": 1 }); count] }).to_string();
    let outcome = outcome_of(&spec, "a/b", &many(VALUES_OF_MESSAGE_MAX), false);
    assert_eq!(outcome.taken.len(), VALUES_OF_MESSAGE_MAX);
    let outcome = outcome_of(&spec, "a/b", &many(VALUES_OF_MESSAGE_MAX + 1), false);
    assert_eq!(
        (outcome.taken.len(), whys(&outcome)),
        (0, vec![Why::TooManyValues])
    );
    assert_eq!(
        why(r#"{"all":"[[[[[[[[[[[[[[[[[[[[[[[[[[[\"["}"#),
        [Why::NothingRead],
        "in a text"
    );
}

#[test]
fn topics_lead_to_their_lab_and_its_mappings() {
    let mut directory = directory();
    let source = |name: &str, lab: i64, filter: &str| crate::registry::ForeignSource {
        name: crate::registry::SourceName::parse(name).unwrap(),
        lab: NodeId::new(lab),
        secret: crate::registry::SecretHash::of(name),
        filters: vec![TopicFilter::parse(filter).unwrap()],
        created_at: Micros::new(0),
    };
    for source in [source("a", 1, "tele/+/+"), source("b", 2, "lab-2/#")] {
        directory.sources.insert(source.name.clone(), source);
    }
    let specs = [
        (
            1,
            1,
            json!({ "format": "tasmota", "topic": "tele/{d}", "instrument": "{d}" }),
        ),
        (
            2,
            1,
            json!({ "format": "tasmota", "topic": "tele/one", "instrument": "K-1" }),
        ),
        (
            3,
            1,
            json!({ "format": "tasmota", "topic": "tele/two", "instrument": "K-1" }),
        ),
        (
            4,
            2,
            json!({ "format": "tasmota", "topic": "tele/one", "instrument": "K-1" }),
        ),
        (
            5,
            1,
            json!({ "format": "zigbee2mqtt", "topic": "z-{d}", "instrument": "K-1" }),
        ),
    ];
    for (id, lab, spec) in specs {
        let entry = MappingEntry {
            id,
            lab: NodeId::new(lab),
            ..entry(spec)
        };
        directory.mappings.insert(id, Arc::new(entry));
    }
    let index = MappingIndex::of(&directory);
    let owner = |topic: &str| {
        index
            .owner(topic)
            .map(|(lab, name)| (lab.get(), name.to_string()))
    };
    assert_eq!(owner("tele/one/SENSOR"), Some((1, "a".to_owned())));
    assert_eq!(owner("lab-2/x"), Some((2, "b".to_owned())));
    assert_eq!(owner("tele/one"), None);
    let ids = |topic: &str| -> Vec<i64> {
        index
            .candidates(LAB, topic)
            .iter()
            .map(|entry| entry.id)
            .collect()
    };
    assert_eq!(ids("tele/one/SENSOR"), [1, 2, 5]);
    assert_eq!(ids("tele/three/SENSOR"), [1, 5]);
    assert_eq!(ids("z-1"), [5]);
}

#[test]
fn unknown_devices_are_recognised_by_their_messages() {
    let guessed = |topic: &str, payload: &str| {
        let guess = guess(topic, payload.as_bytes());
        let format = guess.format.map_or("", Format::as_str);
        format!(
            "{format} {} {} {}",
            guess.topic,
            guess.component.as_deref().unwrap_or("-"),
            guess.has_values
        )
    };
    assert_eq!(
        guessed("tele/plug/SENSOR", TASMOTA),
        "tasmota tele/plug - true"
    );
    assert_eq!(
        guessed("tele/plug/LWT", "Online"),
        "tasmota tele/plug - false"
    );
    assert_eq!(
        guessed("shelly-1/status/switch:0", SHELLY),
        "shelly shelly-1 switch:0 true"
    );
    assert_eq!(
        guessed("shelly-1/online", "true"),
        "shelly shelly-1 - false"
    );
    let rpc = r#"{"method":"NotifyStatus","params":{"ts":1,"switch:1":{"apower":1}}}"#;
    assert_eq!(
        guessed("shelly-1/events/rpc", rpc),
        "shelly shelly-1 switch:1 true"
    );
    assert_eq!(
        guessed("z/plug", r#"{"linkquality":76,"power":1}"#),
        "zigbee2mqtt z/plug - true"
    );
    let metric = r#"{"fields":{"a":30},"name":"docker","tags":{},"timestamp":1458229140}"#;
    assert_eq!(guessed("t/x", metric), "telegraf t/x - true");
    assert_eq!(guessed("a/b", "12"), " a/b - false");
}

proptest! {
    #[test]
    fn no_message_breaks_a_mapping(topic in "(tele|sh|z|t)/[a-zA-Z0-9:/]{0,20}", payload in prop::collection::vec(any::<u8>(), 0..200)) {
        for spec in [
            json!({ "format": "tasmota", "topic": "tele/{d}", "instrument": "{d}" }),
            json!({ "format": "shelly", "topic": "sh/{d}", "instrument": "K-1" }),
            json!({ "format": "zigbee2mqtt", "topic": "z/{d}", "instrument": "K-1" }),
            json!({ "format": "telegraf", "topic": "t/#", "instrument": "{/tags/host}" }),
        ] {
            let message = Message { topic: &topic, payload: &payload, arrival: ARRIVAL, is_retained: false };
            let outcome = read(&directory(), LAB, [&entry(spec)], &message);
            prop_assert!(outcome.taken.len() <= VALUES_OF_MESSAGE_MAX);
            prop_assert!(outcome.taken.iter().all(|taken| taken.reading.value.is_ok_and(f64::is_finite) || taken.reading.value.is_err()));
        }
        guess(&topic, &payload);
    }

    #[test]
    fn every_number_is_scaled_or_told(value in any::<f64>(), scale in -1e6f64..1e6, offset in -1e6f64..1e6) {
        let spec = json!({ "format": "free", "topic": "a/b", "instrument": "K-1",
            "values": [{ "channel": "x", "scale": scale, "offset": offset }] });
        let payload = json!(value).to_string();
        let outcome = outcome_of(&spec, "a/b", &payload, false);
        // Reading a number may be off by its last bit; what was read counts.
        let value = serde_json::from_str::<Option<f64>>(&payload).unwrap().unwrap_or(f64::NAN);
        let expected = value * scale + offset;
        match outcome.taken.first().map(|taken| taken.reading.value) {
            Some(Ok(read)) => prop_assert_eq!(read.to_bits(), expected.to_bits()),
            Some(Err(_)) => prop_assert!(!expected.is_finite()),
            None => prop_assert!(!value.is_finite()),
        }
    }

    #[test]
    fn local_times_are_read_in_the_zone_of_their_instrument(minute in 0i64..525_600) {
        let at = Micros::new(ARRIVAL.get() + minute * 60_000_000);
        let text = chrono::DateTime::from_timestamp_micros(at.get()).unwrap()
            .with_timezone(&Tz::Asia__Shanghai).format("%Y-%m-%dT%H:%M:%S").to_string();
        let read = super::time::read(&json!(text), TimeFormat::Local, Tz::Asia__Shanghai, ARRIVAL);
        prop_assert_eq!(read, Some(at));
    }
}
