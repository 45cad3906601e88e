//! Rules as JSON and back, and what several show together.

use super::*;

fn weekly(days: &[u8], from: u16, to: u16) -> Opening {
    Weekly(vec![DayHours::new(days, from, to).unwrap()]).into()
}

#[test]
fn hours_that_apply_together_show_what_they_share() {
    let week = weekly(&[1, 2, 3, 4, 5], 480, 1320);
    assert_eq!(common_hours(&[]), []);
    let shared = common_hours(&[week.clone(), weekly(&[5, 6], 600, 1440)]);
    let expected = HoursView {
        days: vec![5],
        from: "10:00".to_owned(),
        to: "22:00".to_owned(),
    };
    assert_eq!(shared, [expected]);
    assert!(
        common_hours(&[week, weekly(&[7], 0, 60)])[0]
            .days
            .is_empty()
    );
}

#[test]
fn clock_times_are_read_strictly() {
    assert_eq!(clock_minute("08:30"), Some(510));
    assert_eq!(clock_minute("24:00"), Some(1440));
    for wrong in ["24:01", "8:30", "08:60", "0830", "-1:00", "08:3x", ""] {
        assert_eq!(clock_minute(wrong), None, "{wrong}");
    }
}

#[test]
fn rules_come_back_and_bounds_are_named() {
    for text in [
        r#"{"rule":"opening_hours","mode":"binding",
            "weekly":[{"days":[1,2],"from":"08:00","to":"24:00"}]}"#,
        r#"{"rule":"opening_hours","mode":"default","weekly":[],"holidays":"china",
            "exceptions":[{"from":"2026-12-24","to":"2026-12-26","hours":[]}]}"#,
        r#"{"rule":"fixed_blocks","mode":"default",
            "blocks":[{"days":[1,2],"from":"18:00","to":"32:00"}]}"#,
    ] {
        let rule: RuleView = serde_json::from_str(text).unwrap();
        let parsed = rule.parse("rules[0]").unwrap();
        let back = serde_json::to_value(RuleView::of(&parsed)).unwrap();
        let given: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(back, given);
    }
    let rule: RuleView =
        serde_json::from_str(r#"{"rule":"longest","mode":"default","minutes":0}"#).unwrap();
    assert!(rule.parse("rules[0]").is_err());
}

#[test]
fn grids_that_apply_together_are_one() {
    assert_eq!(common_multiple(15, 60), 60);
    assert_eq!(common_multiple(15, 20), 60);
}
