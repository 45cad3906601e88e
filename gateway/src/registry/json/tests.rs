//! Every rule comes back, and a fault names its field.

use super::*;
use crate::registry::StateRule;

#[track_caller]
fn check_fault(text: &str, field: &str) {
    let rule: RuleJson = serde_json::from_str(text).unwrap();
    assert_eq!(rule.to_rule().unwrap_err().field, field, "{text}");
}

#[test]
fn rules_survive_the_way_to_json_and_back() {
    let text = r#"[{"rule":"shortest","mode":"default","minutes":30},
        {"rule":"opening_hours","mode":"binding",
         "weekly":[{"days":[1,5],"from":"08:00","to":"24:00"}]}]"#;
    let rules: Vec<RuleJson> = serde_json::from_str(text).unwrap();
    for rule in &rules {
        assert_eq!(RuleJson::of(&rule.to_rule().unwrap()), *rule);
    }
    let back = serde_json::to_value(&rules).unwrap();
    assert_eq!(back, serde_json::from_str::<Value>(text).unwrap());
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
    let mut rule = StateRuleJson::of(&StateRule::standard());
    rule.running_below = 900.0;
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
            r#"{"rule":"shortest","mode":"sometimes","minutes":1}"#,
            "unknown variant `sometimes`",
        ),
    ] {
        let fault = serde_json::from_str::<RuleJson>(text).unwrap_err();
        assert!(fault.to_string().starts_with(says), "{fault}");
    }
}
