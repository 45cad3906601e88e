//! Each way the innocent could be punished, and what data may and may not do to a verdict.
//!
//! Times are minutes. The slot is `[60, 120)`, the grace time 20, the lead and the dwell 10, the
//! clean-up 5.

mod properties;

use super::*;
use crate::time::{MINUTE_US, SECOND_US};

const RULE: PresenceRule = PresenceRule {
    grace: Span::minutes(20),
    lead: Span::minutes(10),
    dwell: Span::minutes(10),
    clean_up: Span::minutes(5),
    telemetry_proves: true,
    check_in_required: false,
};
const ALWAYS_ON: PresenceRule = PresenceRule {
    telemetry_proves: false,
    ..RULE
};
const CHECK_IN: PresenceRule = PresenceRule {
    check_in_required: true,
    ..ALWAYS_ON
};

fn at(minute: i64) -> Micros {
    Micros::new(minute * MINUTE_US)
}

fn slot(start: i64, end: i64) -> Slot {
    Slot::new(at(start), at(end)).unwrap()
}

/// Reads `still 0 60, ran 60 90`; a `?` behind says that its time is uncertain.
fn machine(text: &str) -> Vec<MachineInterval> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let interval = |part: &str| {
        let words: Vec<&str> = part.trim_end_matches('?').split_whitespace().collect();
        let machine = match words[0] {
            "ran" => Machine::Running,
            "still" => Machine::NotRunning,
            "fault" => Machine::Fault,
            "silent" => Machine::Silent,
            word => panic!("{word}"),
        };
        MachineInterval {
            slot: slot(words[1].parse().unwrap(), words[2].parse().unwrap()),
            machine,
            is_uncertain: part.ends_with('?'),
        }
    };
    parts.map(interval).collect()
}

const NOTHING: Seen<'static> = Seen {
    machine: &[],
    watermark: None,
    listening_since: Micros::new(0),
    check_in: None,
    others: &[],
};

fn judged(rule: &PresenceRule, seen: &Seen<'_>, now: i64) -> Verdict {
    verdict(slot(60, 120), rule, seen, at(now))
}

/// Judges by the machine alone, with data up to a minute.
fn told(text: &str, watermark: i64, now: i64) -> Verdict {
    let machine = machine(text);
    let seen = Seen {
        machine: &machine,
        watermark: Some(at(watermark)),
        ..NOTHING
    };
    judged(&RULE, &seen, now)
}

#[test]
fn a_machine_that_stood_still_is_a_no_show_once_its_data_passed_the_deadline() {
    assert_eq!(told("still 0 79", 79, 79), Verdict::WaitUntil(at(80)));
    assert_eq!(told("still 0 80", 80, 80), Verdict::NoShow);
    assert_eq!(told("still 0 70, still 70 90", 90, 90), Verdict::NoShow);
    assert_eq!(told("ran 0 50, still 50 200", 200, 200), Verdict::NoShow);
}

/// Why, what the machine did, its watermark, now, the verdict.
const DOUBTS: &str = "
agent down, data stopped             | still 0 65                              |  65 |  80 | wait 95
agent down, waited                   | still 0 65                              |  65 |  95 | unverified
link down                            | still 0 70, silent 70 90                |  90 |  90 | unverified
link down for a moment               | still 0 70, silent 70 71, still 71 90   |  90 |  90 | unverified
meter unplugged                      | silent 0 200                            | 200 | 200 | unverified
no interval for some of it           | still 0 70, still 71 90                 |  90 |  90 | unverified
backlog not yet in                   |                                         |  30 |  94 | wait 95
backlog in, and it ran               | still 0 79, ran 79 80                   |  80 |  94 | used 79
backlog in, and it did not           | still 0 80                              |  80 |  94 | no-show
fault                                | still 0 65, fault 65 90                 |  90 |  90 | unverified
clock wrong while still              | still 0 90?                             |  90 |  90 | unverified
clock wrong while running            | still 0 60, ran 60 61?, still 61 90     |  90 |  90 | unverified
contradicting readings               | still 0 90, silent 70 75                |  90 |  90 | unverified
started just before the deadline     | still 0 79, ran 79 90                   |  90 |  90 | used 79
started after it, before the verdict | still 0 85, ran 85 90                   |  90 |  90 | used 85
started early, as he may             | still 0 52, ran 52 58, still 58 90      |  90 |  90 | used 52
started long before                  | ran 0 70, still 70 90                   |  90 |  90 | used 50
ran only after the slot              | still 0 120, ran 120 130                | 130 | 130 | no-show
";

/// Returns the cells of a table, row by row.
fn cells(table: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = table.trim().lines();
    rows.map(|row| row.split('|').map(str::trim).collect())
}

#[test]
fn nobody_is_punished_for_what_cannot_be_known() {
    for row in cells(DOUBTS) {
        let [why, text, watermark, now, expected] = row[..] else {
            panic!("{row:?}")
        };
        let said = match told(text, watermark.parse().unwrap(), now.parse().unwrap()) {
            Verdict::Used(at) => format!("used {}", at.get() / MINUTE_US),
            Verdict::WaitUntil(at) => format!("wait {}", at.get() / MINUTE_US),
            Verdict::NoShow => "no-show".to_owned(),
            Verdict::Unverified => "unverified".to_owned(),
        };
        assert_eq!(said, expected, "{why}");
    }
}

#[test]
fn one_second_before_the_deadline_is_in_time() {
    let begin = Micros::new(80 * MINUTE_US - SECOND_US);
    let before = Slot::new(at(0), begin).unwrap();
    let ran = Slot::new(begin, at(80)).unwrap();
    let part = |slot, machine| MachineInterval {
        slot,
        machine,
        is_uncertain: false,
    };
    let machine = [
        part(before, Machine::NotRunning),
        part(ran, Machine::Running),
    ];
    let seen = Seen {
        machine: &machine,
        watermark: Some(at(80)),
        ..NOTHING
    };
    assert_eq!(judged(&RULE, &seen, 80), Verdict::Used(begin));
}

#[test]
fn somebody_elses_run_is_neither_his_use_nor_his_absence() {
    let machine = machine("ran 0 90, still 90 200");
    let seen = |others| Seen {
        machine: &machine,
        watermark: Some(at(200)),
        others,
        ..NOTHING
    };
    let overrun = [slot(0, 60), slot(60, 90)];
    assert_eq!(judged(&RULE, &seen(&overrun), 200), Verdict::Unverified);
    let partly = [slot(0, 60), slot(60, 75)];
    assert_eq!(judged(&RULE, &seen(&partly), 200), Verdict::Used(at(75)));
    // The one before him ran to the end of his own slot.
    let text = self::machine("ran 0 60, still 60 90");
    let seen = Seen {
        machine: &text,
        ..seen(&overrun[..1])
    };
    assert_eq!(judged(&RULE, &seen, 90), Verdict::NoShow);
}

#[test]
fn a_pause_of_the_gateway_waits_for_the_backlog() {
    let early = machine("still 0 50");
    let paused = Seen {
        machine: &early,
        watermark: Some(at(50)),
        listening_since: at(200),
        ..NOTHING
    };
    assert_eq!(judged(&RULE, &paused, 200), Verdict::WaitUntil(at(215)));
    assert_eq!(judged(&RULE, &paused, 215), Verdict::Unverified);
    let whole = machine("still 0 200");
    let caught_up = Seen {
        machine: &whole,
        watermark: Some(at(200)),
        ..paused
    };
    assert_eq!(judged(&RULE, &caught_up, 201), Verdict::NoShow);
    // Nobody could check in while it was away.
    assert_eq!(judged(&CHECK_IN, &caught_up, 201), Verdict::Unverified);
}

#[test]
fn where_telemetry_proves_nothing_only_a_check_in_counts() {
    let machine = machine("still 0 200");
    let seen = Seen {
        machine: &machine,
        watermark: Some(at(200)),
        ..NOTHING
    };
    assert_eq!(judged(&ALWAYS_ON, &seen, 79), Verdict::WaitUntil(at(80)));
    assert_eq!(judged(&ALWAYS_ON, &seen, 80), Verdict::Unverified);
    assert_eq!(judged(&CHECK_IN, &seen, 80), Verdict::NoShow);
    let ran = self::machine("ran 0 200");
    let seen = Seen {
        machine: &ran,
        ..seen
    };
    assert_eq!(judged(&ALWAYS_ON, &seen, 80), Verdict::Unverified);
    let came = Seen {
        check_in: Some(at(79)),
        ..NOTHING
    };
    for rule in [RULE, ALWAYS_ON, CHECK_IN] {
        assert_eq!(judged(&rule, &came, 80), Verdict::Used(at(79)));
        assert_eq!(judged(&rule, &came, 78), Verdict::WaitUntil(at(80)));
    }
    assert_eq!(judged(&RULE, &NOTHING, 95), Verdict::Unverified);
    let too_late = Seen {
        check_in: Some(at(120)),
        ..NOTHING
    };
    assert_eq!(judged(&CHECK_IN, &too_late, 130), Verdict::NoShow);
}

#[test]
fn a_grace_time_of_nothing_proves_nothing() {
    let rule = PresenceRule {
        grace: Span::default(),
        ..CHECK_IN
    };
    assert_eq!(judged(&rule, &NOTHING, 60), Verdict::Unverified);
    assert_eq!(deadline(slot(60, 70), Span::minutes(20)), at(70));
}

/// Why, what the machine did, its watermark, now, from when the rest is free.
const STOPS: &str = "
stopped                   | ran 60 90, still 90 100                     | 100 | 100 | 105
dwell not over            | ran 60 90, still 90 99                      |  99 |  99 | -
data not yet there        | ran 60 90, still 90 100                     |  99 | 100 | -
judged late               | ran 60 90, still 90 110                     | 110 | 110 | 110
a pause                   | ran 60 70, still 70 79, ran 79 90, still 90 97 | 97 | 97 | -
runs again                | ran 60 70, still 70 85, ran 85 90           |  90 |  90 | -
silence                   | ran 60 90, silent 90 91, still 91 110       | 110 | 110 | -
fault                     | ran 60 90, still 90 95, fault 95 110        | 110 | 110 | -
clock wrong               | ran 60 90, still 90 110?                    | 110 | 110 | -
silence after the dwell   | ran 60 90, still 90 100, silent 100 104     | 104 | 104 | 105
nothing left              | ran 60 106, still 106 118                   | 118 | 118 | -
never ran: he prepares    | still 60 110                                | 110 | 110 | -
warmed up before the slot | ran 52 58, still 58 110                     | 110 | 110 | -
";

#[test]
fn the_rest_is_free_after_stop_dwell_and_clean_up() {
    for row in cells(STOPS) {
        let [why, text, watermark, now, expected] = row[..] else {
            panic!("{row:?}")
        };
        let machine = machine(text);
        let seen = Seen {
            machine: &machine,
            watermark: Some(at(watermark.parse().unwrap())),
            check_in: Some(at(60)),
            ..NOTHING
        };
        let others = [slot(50, 200)];
        let with_others = Seen {
            others: &others,
            ..seen
        };
        let now = at(now.parse().unwrap());
        let free = |rule, seen| early_finish(slot(60, 120), rule, seen, now);
        let expected = expected.parse().ok().map(at);
        assert_eq!(free(&RULE, &seen), expected, "{why}");
        assert_eq!(free(&ALWAYS_ON, &seen), None, "always on: {why}");
        assert_eq!(free(&RULE, &with_others), None, "others ran: {why}");
    }
}

#[test]
fn without_a_dwell_the_rest_is_free_at_the_first_reading_that_it_stopped() {
    let rule = PresenceRule {
        dwell: Span::default(),
        ..RULE
    };
    let free = |text| {
        let machine = machine(text);
        let seen = Seen {
            machine: &machine,
            watermark: Some(at(91)),
            ..NOTHING
        };
        early_finish(slot(60, 120), &rule, &seen, at(91))
    };
    assert_eq!(free("still 0 60, ran 60 91"), None);
    assert_eq!(free("ran 60 70, still 70 90, ran 90 91"), None);
    assert_eq!(free("ran 60 90, still 90 91"), Some(at(95)));
}
