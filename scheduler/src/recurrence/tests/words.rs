//! What is written: read strictly, written back the same.

use super::*;

#[test]
fn rules_are_written_back_as_they_are_read() {
    for (text, back) in [
        ("FREQ=DAILY", "FREQ=DAILY"),
        (
            "rrule:freq=weekly;wkst=mo;interval=1;byday=mo,we",
            "FREQ=WEEKLY;BYDAY=MO,WE",
        ),
        (
            "COUNT=10;FREQ=MONTHLY;BYDAY=+2TU,-1FR;INTERVAL=2",
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=2TU,-1FR;COUNT=10",
        ),
        (
            "FREQ=WEEKLY;UNTIL=20261231T155959Z;WKST=SU",
            "FREQ=WEEKLY;UNTIL=20261231T155959Z;WKST=SU",
        ),
        (
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,-1;UNTIL=20261231\r\nEXDATE:20261130T010000Z,20261201\n",
            "FREQ=MONTHLY;BYMONTHDAY=1,-1;UNTIL=20261231\nEXDATE:20261130T010000Z,20261201",
        ),
        (
            "FREQ=DAILY\nEXDATE;VALUE=DATE:20261130\nEXDATE:20261201T090000",
            "FREQ=DAILY\nEXDATE:20261130,20261201T090000",
        ),
    ] {
        assert_eq!(Recurrence::parse(text).unwrap().to_string(), back);
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (text, part) in [
        ("", ""),
        ("FREQ", "FREQ"),
        ("FREQ=DAILY;", ""),
        ("FREQ=YEARLY", "FREQ"),
        ("INTERVAL=2", "FREQ"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=+2", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=1001", "INTERVAL"),
        ("FREQ=DAILY;COUNT=0", "COUNT"),
        ("FREQ=DAILY;COUNT=99999999999", "COUNT"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20261231T090000", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20261231T240000Z", "UNTIL"),
        ("FREQ=DAILY;UNTIL=2026-12-31", "UNTIL"),
        ("FREQ=DAILY;UNTIL=+2026123", "UNTIL"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=2TU", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=6TU", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=0TU", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=一", "BYDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=--1", "BYMONTHDAY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"),
        ("FREQ=DAILY;WKST=M", "WKST"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=DAILY\nRDATE:20261231", "RDATE"),
        (
            "FREQ=DAILY\nEXDATE;TZID=Asia/Shanghai:20261231T090000",
            "EXDATE;TZID=ASIA/SHANGHAI",
        ),
        ("FREQ=DAILY\nEXDATE:", "EXDATE"),
        ("FREQ=DAILY\nEXDATE:20261301", "EXDATE"),
    ] {
        let fault = Recurrence::parse(text).unwrap_err();
        assert_eq!(fault.part, part, "{text}: {fault}");
    }
    let fault = Recurrence::parse("FREQ=DAILY;BYHOUR=9")
        .unwrap_err()
        .to_string();
    assert!(
        fault.starts_with("BYHOUR: not supported; supported are FREQ, "),
        "{fault}"
    );
    let long = format!("FREQ=DAILY{}", " ".repeat(9_000));
    assert_eq!(Recurrence::parse(&long).unwrap_err().part, "RRULE");
    let many = format!("FREQ=DAILY\nEXDATE:{}20261231", "20261231,".repeat(400));
    assert_eq!(Recurrence::parse(&many).unwrap_err().part, "EXDATE");
}

fn rule_text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "INTERVAL=2",
        "INTERVAL=7",
        "BYDAY=MO",
        "BYDAY=2TU,-1FR,SU",
        "BYMONTHDAY=31,-1",
        "COUNT=3",
        "UNTIL=20271231",
        "UNTIL=20271231T000000Z",
        "WKST=SU",
        "WKST=WE",
    ]);
    let freq = prop::sample::select(vec!["DAILY", "WEEKLY", "MONTHLY"]);
    (freq, prop::collection::vec(part, 0..4)).prop_map(|(freq, parts)| {
        let mut text = format!("FREQ={freq}");
        for part in parts {
            text = format!("{text};{part}");
        }
        text
    })
}

proptest! {
    #[test]
    fn any_rule_that_is_read_survives_writing(text in rule_text()) {
        if let Ok(rule) = Recurrence::parse(&text) {
            prop_assert_eq!(Recurrence::parse(&rule.to_string()), Ok(rule));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[A-Z0-9=;:,\\n+-一é]{0,60}") {
        drop(Recurrence::parse(&text));
        drop(Recurrence::parse(&format!("FREQ=MONTHLY;BYDAY={text}")));
        drop(Recurrence::parse(&format!("FREQ=DAILY\nEXDATE:{text}")));
    }
}
