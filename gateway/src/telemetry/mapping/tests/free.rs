//! Free mappings, whose topics lead where, and what unknown devices look like.

use std::sync::Arc;

use super::*;

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
        &["1 power_w not_a_value W"],
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
