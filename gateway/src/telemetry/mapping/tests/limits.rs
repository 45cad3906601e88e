//! What mappings and messages may not be; and whatever comes, nothing breaks.

use chrono_tz::Tz;
use proptest::prelude::*;

use super::super::limits::DEPTH_MAX;
use super::*;

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
fn many_mappings_of_one_message_share_its_limit() {
    let entries: Vec<_> = (0..20)
        .map(|_| {
            entry(
                json!({ "format": "free", "topic": "a/b", "instrument": "K-1", "each": "/all",
                "values": [{ "pointer": "/x", "channel": "x" }] }),
            )
        })
        .collect();
    let payload = json!({ "all": vec![json!({ "x": 1 }); VALUES_OF_MESSAGE_MAX / 2] }).to_string();
    let message = Message {
        topic: "a/b",
        payload: payload.as_bytes(),
        arrival: ARRIVAL,
        is_retained: false,
    };
    let outcome = read(&directory(), LAB, &entries, &message);
    assert_eq!(outcome.taken.len(), VALUES_OF_MESSAGE_MAX);
    assert!(whys(&outcome).contains(&Why::TooManyValues));
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
        let guess = guess(&topic, &payload);
        prop_assert!(!guess.device().is_empty());
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
        let read = super::super::time::read(&json!(text), TimeFormat::Local, Tz::Asia__Shanghai, ARRIVAL);
        prop_assert_eq!(read, Some(at));
    }
}

#[test]
fn values_that_are_not_there_are_looked_for_so_often_and_no_more() {
    let value = |number: usize| json!({ "pointer": format!("/p{number}"), "channel": format!("c{number}") });
    let values: Vec<Value> = (0..VALUES_MAX).map(value).collect();
    let spec = json!({ "format": "free", "topic": "x", "instrument": "K-1", "each": "/a",
        "values": values });
    let payload = |entries: usize| json!({ "a": vec![json!({}); entries] }).to_string();
    let whys_of = |entries| whys(&outcome_of(&spec, "x", &payload(entries), false));
    assert!(!whys_of(200).contains(&Why::TooManyValues));
    assert!(whys_of(40_000).contains(&Why::TooManyValues));
}
