//! Filters and patterns: what they match, and that they agree with each other.

use proptest::prelude::*;

use super::*;

fn filter(text: &str) -> TopicFilter {
    TopicFilter::parse(text).unwrap()
}

#[test]
fn filters_begin_with_a_word_of_their_own() {
    for text in [
        "tele/#",
        "lab-7/+/SENSOR",
        "zigbee2mqtt",
        "a/b/c/d/e/f/g/#",
        "甲/+",
    ] {
        assert!(TopicFilter::parse(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "#",
        "+/x",
        "$SYS/#",
        "ortoo/#",
        "ortoo/v1/lab-1/up/readings",
        "Ortoo/x",
        "/x",
        "a/#/b",
        "a/b+",
        "a/#b",
        "a/{x}",
        "a\u{0}",
        "a/b/c/d/e/f/g/h/i",
    ] {
        assert!(TopicFilter::parse(text).is_err(), "{text}");
    }
    assert!(TopicFilter::parse(&"x".repeat(257)).is_err());
}

#[test]
fn topics_are_matched_as_mqtt_says() {
    for (wanted, topic, is_match) in [
        ("tele/#", "tele/plug/SENSOR", true),
        ("tele/#", "tele", true),
        ("tele/#", "telex/plug", false),
        ("tele/+/SENSOR", "tele/plug/SENSOR", true),
        ("tele/+/SENSOR", "tele/plug/LWT", false),
        ("tele/+/SENSOR", "tele/a/b/SENSOR", false),
        ("tele/+", "tele", false),
        ("tele/+", "tele/", true),
    ] {
        assert_eq!(filter(wanted).matches(topic), is_match, "{wanted} {topic}");
    }
}

#[test]
fn a_filter_covers_what_it_wholly_holds() {
    for (wide, narrow, is_covered) in [
        ("a/#", "a/+/b", true),
        ("a/#", "a/#", true),
        ("a/+", "a/#", false),
        ("a/+/c", "a/b/c", true),
        ("a/b", "a/+", false),
        ("a/#", "#", false),
        ("a/#", "b/#", false),
    ] {
        assert_eq!(filter(wide).covers(narrow), is_covered, "{wide} {narrow}");
    }
}

#[test]
fn names_stand_for_parts_of_levels() {
    let pattern = Pattern::parse("shelly-{device}/status/{part}:0").unwrap();
    let found = pattern.captures("shelly-a8/status/switch:0").unwrap();
    assert_eq!(found.get("device").map(String::as_str), Some("a8"));
    assert_eq!(found.get("part").map(String::as_str), Some("switch"));
    for topic in [
        "shelly-/status/switch:0",
        "shelly-a8/status/switch:1",
        "shelly-a8/status",
        "shelly-a8/status/switch:0/x",
    ] {
        assert!(pattern.captures(topic).is_none(), "{topic}");
    }
    for text in [
        "{device}/x",
        "tele/{a}/{a}",
        "tele/{}",
        "tele/{a",
        "tele/a}",
        "tele/{a}{b}",
        "tele/{a b}",
        "t/{a}/{b}/{c}/{d}/{e}",
        "+/{a}",
    ] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_filter_of_everybodys_devices_is_wide() {
    for wide in [
        "tele/#",
        "tele/+/SENSOR",
        "spBv1.0/+/NDATA/#",
        "zigbee2mqtt/#",
        "telegraf/+",
    ] {
        assert!(filter(wide).is_wide(), "{wide}");
    }
    for narrow in [
        "lab-4/tele/#",
        "tele/plug-7/#",
        "spBv1.0/lab-4/#",
        "tele",
        "plugs/#",
    ] {
        assert!(!filter(narrow).is_wide(), "{narrow}");
    }
}

/// Filters and topics of few words, so that they often meet.
fn level() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "+"]).prop_map(str::to_owned)
}

fn any_filter() -> impl Strategy<Value = String> {
    (prop::collection::vec(level(), 0..4), any::<bool>()).prop_map(|(levels, rest)| {
        let mut all = vec!["a".to_owned()];
        all.extend(levels);
        all.extend(rest.then(|| "#".to_owned()));
        all.join("/")
    })
}

fn any_topic() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b"]), 1..6)
        .prop_map(|levels| levels.join("/"))
}

proptest! {
    #[test]
    fn overlap_and_cover_agree_with_matching(one in any_filter(), two in any_filter(), topic in any_topic()) {
        let (first, second) = (filter(&one), filter(&two));
        let both = first.matches(&topic) && second.matches(&topic);
        prop_assert!(!both || first.overlaps(&second), "{one} {two} {topic}");
        prop_assert_eq!(first.overlaps(&second), second.overlaps(&first));
        if first.covers(&two) {
            prop_assert!(!second.matches(&topic) || first.matches(&topic), "{} {} {}", one, two, topic);
            prop_assert!(first.overlaps(&second));
        }
        let pattern = Pattern::parse(&one).unwrap();
        prop_assert_eq!(pattern.captures(&topic).is_some(), first.matches(&topic));
    }

    #[test]
    fn no_text_breaks_the_parser(text in ".{0,40}", topic in ".{0,40}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            let captures = pattern.captures(&topic).unwrap_or_default();
            prop_assert!(captures.len() <= CAPTURES_MAX);
        }
        if let Ok(filter) = TopicFilter::parse(&text) {
            let is_match = filter.matches(&topic) && !topic.contains(['+', '#']);
            prop_assert!(!is_match || filter.covers(&topic));
        }
    }
}
