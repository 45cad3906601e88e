//! Documents of Sparkplug edge nodes.

use super::*;

const DOCUMENT: &str = r#"{"messages":[{"timestamp":1516186799000,"metrics":{"Line/Power":283.5,
    "Temp":null}},{"timestamp":1516186799500,"metrics":{"Line/Power":284,"Text":"x"}}]}"#;

fn spec(values: &Value) -> Value {
    json!({ "format": "sparkplug", "topic": "spBv1.0/g/{node}/press", "instrument": "{node}",
        "devices": { "n": "K-1" }, "values": values })
}

#[test]
fn metrics_are_found_by_their_names() {
    let named = spec(&json!([
        { "pointer": "/Line/Power", "channel": "power_w", "unit": "W" },
        { "pointer": "/Temp", "channel": "temperature_c" },
        { "pointer": "/Other", "channel": "other" },
    ]));
    let topic = "spBv1.0/g/n/press";
    let expected = [
        "i1 power_w 283.5 W",
        "i1 power_w 284 W",
        "i1 temperature_c not_a_value",
    ];
    let first = outcome_of(&named, topic, DOCUMENT, false).taken[0].clone();
    let expected: Vec<String> = expected
        .iter()
        .map(|line| line.replace("i1", &first.reading.instrument.to_string()))
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let outcome = check(&named, topic, DOCUMENT, &expected);
    let at = Micros::new(1_516_186_799_000_000);
    assert_eq!(outcome.taken[0].reading.time, ReadingTime::Device(at));
    assert!(whys(&outcome).iter().all(|why| !why.is_fault()));

    // Only what has changed is told: a message without our metrics is no fault.
    let other = r#"{"messages":[{"timestamp":1516186799000,"metrics":{"X":1}}]}"#;
    let outcome = check(&named, topic, other, &[]);
    assert!(whys(&outcome).iter().all(|why| !why.is_fault()));

    // Without a word on which ones, all numbers are channels of their own names.
    let all = outcome_of(&spec(&json!([])), topic, DOCUMENT, false);
    let channels: Vec<&str> = all
        .taken
        .iter()
        .map(|one| one.reading.channel.as_str())
        .collect();
    assert_eq!(channels, ["line_power", "line_power"]);

    let mapping = entry(named).mapping;
    let channel = |metric| mapping.channel_of_metric(topic, metric);
    assert_eq!(channel("Line/Power").unwrap().as_str(), "power_w");
    assert_eq!(channel("Power"), None);
}

#[test]
fn presence_is_a_word_of_its_own() {
    let spec = spec(&json!([]));
    for (payload, is_here) in [("true", true), ("false", false)] {
        let outcome = check(&spec, "spBv1.0/$online/g/n/press", payload, &[]);
        assert_eq!(outcome.presence.len(), 1);
        assert_eq!(outcome.presence[0].is_here, is_here);
    }
    let mut wrong = spec;
    for topic in ["spBv1.0/g", "spBv1.0/g/NDATA/n/d", "tele/x/y"] {
        wrong["topic"] = json!(topic);
        wrong["instrument"] = json!("K-1");
        let spec: MappingSpec = serde_json::from_value(wrong.clone()).unwrap();
        assert_eq!(Mapping::new(spec).unwrap_err().field, "topic", "{topic}");
    }
}
