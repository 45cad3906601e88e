//! A day is plausible, the same every time, and does not depend on the window asked for.

use super::super::classes;
use super::*;

/// Monday, 4 May 2026, 00:00 in Shanghai.
const MONDAY_S: i64 = 1_777_824_000;

fn habits<'a>(class: &'a Class, number: i64, booked: &'a [(i64, i64)]) -> Habits<'a> {
    Habits {
        seed: 11,
        number,
        class,
        alarm: true,
        booked,
        use_by: UseBy::Booking,
    }
}

fn class(en: &str) -> &'static Class {
    classes::all().iter().find(|class| class.en == en).unwrap()
}

/// Bookings of 9:00 to 12:00 and 14:00 to 17:00 on the five working days, in minutes.
fn working_week() -> Vec<(i64, i64)> {
    let slots = (0..5).flat_map(|day| [(9, 12), (14, 17)].map(|(from, to)| (day, from, to)));
    let minute = |day: i64, hour: i64| (MONDAY_S + day * DAY_S) / 60 + hour * 60;
    slots
        .map(|(day, from, to)| (minute(day, from), minute(day, to)))
        .collect()
}

#[test]
fn the_calendar_is_that_of_shanghai() {
    assert_eq!(weekday(local_day(MONDAY_S)), 1);
    assert_eq!(weekday(local_day(MONDAY_S - 1)), 7);
    assert_eq!(day_start(local_day(MONDAY_S + 5)), MONDAY_S);
    assert_eq!(weekday(0), 4);
}

#[test]
fn stretches_have_no_holes_and_do_not_depend_on_the_window() {
    let booked = working_week();
    for number in 0..40 {
        let habits = habits(class("Gas chromatograph"), number, &booked);
        let week = habits.stretches(MONDAY_S, MONDAY_S + 7 * DAY_S);
        assert_eq!(week.first().map(|one| one.start_s), Some(MONDAY_S));
        assert_eq!(week.last().map(|one| one.end_s), Some(MONDAY_S + 7 * DAY_S));
        assert!(week.windows(2).all(|pair| pair[0].end_s == pair[1].start_s));
        for hour in (0..168).step_by(5) {
            let at = MONDAY_S + hour * HOUR_S + 1_234;
            let short = habits.stretches(at, at + 1);
            let long = week
                .iter()
                .find(|one| (one.start_s..one.end_s).contains(&at))
                .unwrap();
            assert_eq!(
                (short[0].phase, short[0].reach),
                (long.phase, long.reach),
                "{hour}"
            );
        }
    }
}

#[test]
fn most_of_a_booked_week_runs_and_nights_are_quiet() {
    let booked = working_week();
    let (mut booked_s, mut night_s, mut runs) = (0, 0, 0);
    for number in 0..200 {
        let habits = habits(class("Gas chromatograph"), number, &booked);
        for one in habits.stretches(MONDAY_S, MONDAY_S + 5 * DAY_S) {
            if !matches!(one.phase, Phase::Running { .. }) {
                continue;
            }
            runs += 1;
            for at in (one.start_s..one.end_s).step_by(60) {
                let hour = (at - MONDAY_S) % DAY_S / HOUR_S;
                let slot = |(from, to): &(i64, i64)| (from * 60..to * 60).contains(&at);
                booked_s += if booked.iter().any(slot) { 60 } else { 0 };
                night_s += if (0..7).contains(&hour) { 60 } else { 0 };
            }
        }
    }
    let all = 200 * 5 * 6 * HOUR_S;
    assert!(
        (60..95).contains(&(booked_s * 100 / all)),
        "{}",
        booked_s * 100 / all
    );
    assert_eq!(night_s, 0);
    assert!(runs > 200 * 8, "{runs}");
}

#[test]
fn faults_and_silence_are_rare_but_there() {
    let (mut all, mut faults, mut silent, mut dead) = (0, 0, 0, 0);
    for number in 0..1_000 {
        let habits = habits(class("Freeze dryer"), number, &[]);
        let week = habits.stretches(MONDAY_S, MONDAY_S + 7 * DAY_S);
        all += 1;
        faults += i32::from(week.iter().any(|one| one.phase == Phase::Fault));
        silent += i32::from(week.iter().any(|one| one.reach != Reach::Good));
        dead += i32::from(week.iter().all(|one| one.reach != Reach::Good));
    }
    assert_eq!(all, 1_000);
    assert!((10..80).contains(&faults), "{faults}");
    assert!((15..80).contains(&silent), "{silent}");
    assert!((1..20).contains(&dead), "{dead}");
}

#[test]
fn power_stays_on_the_right_side_of_the_thresholds() {
    for (number, class) in (0..).zip(classes::all()) {
        let habits = habits(class, number, &[]);
        for at in (MONDAY_S..MONDAY_S + 7_200).step_by(7) {
            let running = habits.power_dw(Phase::Running { since_s: MONDAY_S }, at);
            assert!(running > class.running_above_w() * 10, "{}", class.en);
            let standby = habits.power_dw(Phase::Standby, at);
            assert!(standby < class.running_below_w() * 10, "{}", class.en);
            assert!(standby > class.standby_above_w() * 10, "{}", class.en);
            let off = habits.power_dw(Phase::Off, at);
            assert!(
                off >= 0 && off < class.standby_above_w() * 10,
                "{}",
                class.en
            );
        }
    }
}

#[test]
fn a_temperature_nears_what_the_run_needs() {
    let furnace = habits(class("Tube furnace"), 1, &[]);
    let phase = Phase::Running { since_s: MONDAY_S };
    let cold = furnace.temperature_ddeg(phase, MONDAY_S).unwrap();
    let hot = furnace.temperature_ddeg(phase, MONDAY_S + HOUR_S).unwrap();
    assert!((200..250).contains(&cold) && (7_950..8_050).contains(&hot));
    assert_eq!(
        habits(class("Digital oscilloscope"), 1, &[]).temperature_ddeg(phase, 0),
        None
    );
}

#[test]
fn an_endurance_test_runs_day_and_night() {
    let habits = Habits {
        use_by: UseBy::Endurance,
        ..habits(class("Climatic chamber"), 5, &[])
    };
    let week = habits.stretches(MONDAY_S, MONDAY_S + 7 * DAY_S);
    let runs = week
        .iter()
        .filter(|one| matches!(one.phase, Phase::Running { .. }));
    let running_s: i64 = runs.map(|one| one.end_s - one.start_s).sum();
    assert!(running_s > 7 * DAY_S * 95 / 100, "{running_s}");
}
