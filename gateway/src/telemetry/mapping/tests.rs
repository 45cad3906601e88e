//! Real messages of each format, and what is read out of them.

mod free;
mod limits;
mod nodes;

use scheduler::id::NodeId;
use scheduler::time::Micros;
use serde_json::{Value, json};

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
fn tasmota_in_its_makers_zone_is_read_in_that_zone() {
    let spec = json!({ "format": "tasmota", "topic": "tele/{device}", "instrument": "{device}" });
    // 11:59:50 in +01:00, while it is 19:00 in Shanghai.
    let there = TASMOTA.replace("T18:59:50", "T11:59:50");
    assert_ne!(there, TASMOTA);
    let outcome = outcome_of(&spec, "tele/K-1/SENSOR", &there, false);
    let at = ReadingTime::Device(Micros::new(ARRIVAL.get() - 10_000_000));
    assert!(outcome.taken.iter().all(|taken| taken.reading.time == at));
    assert!(whys(&outcome).contains(&Why::OtherZone));
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
