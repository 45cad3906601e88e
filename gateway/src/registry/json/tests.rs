//! Every rule comes back, and a fault names its field.

use super::*;
use crate::registry::StateRule;

#[track_caller]
fn check_fault(text: &str, field: &str) {
    let rule: RuleJson = serde_json::from_str(text).unwrap();
    assert_eq!(rule.to_rule().unwrap_err().field, field, "{text}");
}

/// One of every rule, with parameters at a bound.
const EVERY_RULE: &str = r#"[
    {"rule":"alignment","mode":"default","minutes":1440},
    {"rule":"shortest","mode":"default","minutes":30},
    {"rule":"longest","mode":"default","minutes":525600},
    {"rule":"horizon","mode":"default","days":3650},
    {"rule":"opening_hours","mode":"binding",
     "weekly":[{"days":[1,5],"from":"08:00","to":"24:00"}]},
    {"rule":"opening_hours","mode":"default","weekly":[],"holidays":"china",
     "exceptions":[{"from":"2026-12-24","to":"2026-12-26","hours":[{"from":"09:00","to":"12:00"}]}]},
    {"rule":"fixed_blocks","mode":"default","blocks":[{"days":[1,2],"from":"18:00","to":"32:00"}]},
    {"rule":"who_may_book","mode":"binding","who":["internal","enterprise"]},
    {"rule":"notice_to_book","mode":"default","classes":["region"],"minutes":0},
    {"rule":"notice_to_move","mode":"default","minutes":60},
    {"rule":"notice_to_cancel","mode":"default","minutes":60},
    {"rule":"minimum_gap","mode":"default","minutes":60},
    {"rule":"per_day","mode":"default","count":1},
    {"rule":"future_count","mode":"default","count":1000},
    {"rule":"future_hours","mode":"default","minutes":60},
    {"rule":"off_peak","mode":"default","weekly":[{"days":[7],"from":"00:00","to":"08:00"}]},
    {"rule":"buffers","mode":"default","setup_minutes":0,"cleanup_minutes":1440},
    {"rule":"approval","mode":"default"},
    {"rule":"approval","mode":"default","longer_than_minutes":240},
    {"rule":"approval","mode":"default","who":["enterprise"]},
    {"rule":"qualification","mode":"default","name":"xrd-basic"},
    {"rule":"qualification","mode":"default","name":"laser_4","disuse_days":180},
    {"rule":"quota","mode":"binding","per":"project","period":"month","minutes":527040},
    {"rule":"grace","mode":"default","minutes":15},
    {"rule":"early_finish","mode":"default","dwell_minutes":10},
    {"rule":"late_cancellation","mode":"default","minutes":1440,"points":1},
    {"rule":"no_show_points","mode":"default","points":2},
    {"rule":"points_limit","mode":"default","threshold":3,"window_days":90,"block_days":0},
    {"rule":"hold_limit","mode":"default","count":2,"minutes":10},
    {"rule":"waitlist","mode":"default","offer_minutes":60,"undo_minutes":5}]"#;

#[test]
fn rules_survive_the_way_to_json_and_back() {
    let rules: Vec<RuleJson> = serde_json::from_str(EVERY_RULE).unwrap();
    for rule in &rules {
        assert_eq!(RuleJson::of(&rule.to_rule().unwrap()), *rule);
    }
    let back = serde_json::to_value(&rules).unwrap();
    assert_eq!(back, serde_json::from_str::<Value>(EVERY_RULE).unwrap());
}

#[test]
fn every_number_has_a_lower_and_an_upper_bound() {
    let rules: Vec<Map<String, Value>> = serde_json::from_str(EVERY_RULE).unwrap();
    for rule in &rules {
        for (field, _) in rule.iter().filter(|(_, value)| value.is_number()) {
            let with = |number: u32| {
                let mut changed = rule.clone();
                changed.insert(field.clone(), number.into());
                let rule: RuleJson = serde_json::from_value(Value::Object(changed)).unwrap();
                rule.to_rule()
            };
            assert_eq!(with(u32::MAX).unwrap_err().field, *field);
            let lower = with(0).err().map(|fault| fault.field);
            assert!(lower.is_none_or(|named| named == *field), "{rule:?}");
        }
    }
}

#[test]
fn impossible_rules_name_the_field() {
    let hours =
        |entry: &str| format!(r#"{{"rule":"opening_hours","mode":"default","weekly":[{entry}]}}"#);
    check_fault(
        r#"{"rule":"shortest","mode":"default","minutes":0}"#,
        "minutes",
    );
    check_fault(r#"{"rule":"horizon","mode":"default","days":9999}"#, "days");
    check_fault(
        &hours(r#"{"days":[1],"from":"8","to":"09:00"}"#),
        "weekly[0].from",
    );
    check_fault(
        &hours(r#"{"days":[1],"from":"09:00","to":"09:00"}"#),
        "weekly[0].to",
    );
    check_fault(
        &hours(r#"{"days":[8],"from":"08:00","to":"09:00"}"#),
        "weekly[0].days",
    );
    check_fault(
        r#"{"rule":"who_may_book","mode":"default","who":[]}"#,
        "who",
    );
    check_fault(
        r#"{"rule":"approval","mode":"default","longer_than_minutes":5,"who":["region"]}"#,
        "who",
    );
    check_fault(
        r#"{"rule":"qualification","mode":"default","name":"XRD"}"#,
        "name",
    );
    let mut rule = StateRuleJson::of(&StateRule::standard());
    rule.running_below = Some(900.0);
    assert_eq!(rule.to_rule().unwrap_err().field, "running_below");
}

#[test]
fn what_nobody_knows_is_not_passed_over() {
    for (text, says) in [
        (
            r#"{"rule":"shortest","minutes":30}"#,
            "missing field `mode`",
        ),
        (
            r#"{"rule":"shortest","mode":"default","minutes":30,"hours":1}"#,
            "unknown field `hours`",
        ),
        (
            r#"{"rule":"quickest","mode":"default"}"#,
            "unknown variant `quickest`",
        ),
        (
            r#"{"rule":"shortest","mode":"default","classes":["guests"],"minutes":1}"#,
            "unknown variant `guests`",
        ),
        (
            r#"{"rule":"shortest","mode":"sometimes","minutes":1}"#,
            "unknown variant `sometimes`",
        ),
    ] {
        let fault = serde_json::from_str::<RuleJson>(text).unwrap_err();
        assert!(fault.to_string().starts_with(says), "{fault}");
    }
}

#[test]
fn a_state_rule_makes_a_bounded_number_of_comparisons() {
    let rule = |width: usize, height: usize| {
        let leaf = serde_json::json!({ "above": { "channel": "power_w", "enter": 1.0 } });
        let row = serde_json::json!({ "any": vec![leaf; width] });
        let cases = vec![serde_json::json!({ "state": "running", "when": row }); height];
        serde_json::json!({ "kind": "cases", "cases": cases, "otherwise": "off", "dwell_ms": 0,
            "stale_after_ms": 10_000 })
    };
    let fault = |rule: serde_json::Value| {
        let json: StateRuleJson = serde_json::from_value(rule).unwrap();
        json.to_rule().err().map(|fault| fault.field)
    };
    assert_eq!(fault(rule(16, 8)), None);
    assert_eq!(fault(rule(16, 9)).as_deref(), Some("cases"));
}
