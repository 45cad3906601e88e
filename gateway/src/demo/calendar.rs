//! Bookings and outages of the demo: slots that keep the rules, never overlap, and look like people.
//!
//! Times are minutes since 1970 UTC. The demo's zone is a whole number of hours from UTC, so that
//! alignment to the local midnight is alignment to the hour.

use super::classes::Class;
use super::day;
use super::dice::Dice;
use super::rules::House;

/// Minutes of a day.
pub(super) const DAY_MIN: i64 = 1_440;

/// A half-open interval in minutes since 1970 UTC.
pub(super) type Minutes = (i64, i64);

/// Fills an instrument's calendar from `from` to `to` around its outages. Ascending, disjoint.
///
/// `demand` is how much of a working day people want it, in percent.
pub(super) fn fill(
    class: &Class,
    house: &House,
    demand: i64,
    outages: &[Minutes],
    (from, to): Minutes,
    dice: &mut Dice,
) -> Vec<Minutes> {
    let mut slots: Vec<Minutes> = Vec::new();
    for day in day::local_day(from * 60)..=day::local_day(to * 60) {
        let midnight = day::day_start(day) / 60;
        let Some((open, close)) = house.opening.on(day) else {
            continue;
        };
        let weekend = day::weekday(day) >= 6;
        let busy = if weekend { demand / 5 } else { demand };
        let after = slots.last().map_or(midnight, |(_, end)| *end);
        let first = after.max(midnight + open.max(8 * 60));
        for slot in day_slots(
            class,
            house,
            busy,
            (first, midnight + close),
            midnight,
            dice,
        ) {
            let blocked = outages
                .iter()
                .any(|(start, end)| slot.0 < *end && *start < slot.1);
            let within = slot.0 >= from && slot.1 <= to;
            if within && !blocked && slots.last().is_none_or(|(_, end)| *end <= slot.0) {
                slots.push(slot);
            }
        }
    }
    slots
}

/// Returns the slots of one day: one after the other with gaps that shrink with demand, and the last
/// one through the night where the rules allow it.
fn day_slots(
    class: &Class,
    house: &House,
    busy: i64,
    (first, close): Minutes,
    midnight: i64,
    dice: &mut Dice,
) -> Vec<Minutes> {
    let step = house.alignment;
    let evening = close.min(midnight + 19 * 60);
    let mut slots = Vec::new();
    let mut at = align_up(first + dice.between(0, 240 - 2 * busy), step);
    while at + house.shortest <= evening {
        let lunch = (midnight + 11 * 60 + 45..midnight + 13 * 60).contains(&at);
        if lunch && dice.chance(700) {
            at = midnight + 13 * 60 + 30;
        }
        let longest = class.run_max.min(house.longest).min(close - at) / step * step;
        let wanted = align_up(dice.between(class.run_min, class.run_max.min(300)), step);
        let length = wanted.clamp(house.shortest, longest.max(house.shortest));
        if at + length > close {
            break;
        }
        if dice.chance(busy * 10) {
            slots.push((at, at + length));
        }
        at = align_up(at + length + dice.between(0, 120 - busy), step);
    }
    let night = midnight + dice.between(18, 20) * 60;
    let morning = midnight + DAY_MIN + 8 * 60;
    let fits = close == midnight + DAY_MIN && house.longest >= morning - night;
    if fits && slots.last().is_none_or(|(_, end)| *end <= night) && dice.chance(busy * 6) {
        slots.push((night, morning));
    }
    slots
}

/// Returns the outages of an instrument: some now, some ahead, some behind. Disjoint, ascending.
pub(super) fn outages(now: i64, history: i64, dice: &mut Dice) -> Vec<Minutes> {
    let now = align_up(now, 60);
    let mut outages = Vec::new();
    if dice.chance(15) && history > 4 * DAY_MIN {
        let start = now - dice.between(4 * DAY_MIN, history) / 60 * 60;
        outages.push((start, start + dice.between(2, 40) * 60));
    }
    if dice.chance(8) {
        outages.push((
            now - dice.between(1, 40) * 60,
            now + dice.between(3, 70) * 60,
        ));
    }
    if dice.chance(14) {
        let start = now + dice.between(72, 300) * 60;
        outages.push((start, start + dice.between(2, 48) * 60));
    }
    outages
}

/// Returns the smallest multiple of `step` that is not below `at`.
fn align_up(at: i64, step: i64) -> i64 {
    (at + step - 1).div_euclid(step) * step
}

#[cfg(test)]
mod tests {
    use super::super::classes;
    use super::super::rules;
    use super::*;

    /// Monday, 4 May 2026, 10:07 in Shanghai, in minutes.
    const NOW: i64 = 1_777_824_000 / 60 + 607;

    fn check_slots(house: &House, slots: &[Minutes]) {
        assert!(slots.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        for (start, end) in slots {
            let length = end - start;
            assert!(
                (house.shortest..=house.longest).contains(&length),
                "{length}"
            );
            assert_eq!((start % house.alignment, length % house.alignment), (0, 0));
            let mut at = *start;
            while at < *end {
                let today = day::local_day(at * 60);
                let (open, close) = house.opening.on(today).unwrap();
                let minute = at - day::day_start(today) / 60;
                assert!((open..close).contains(&minute), "{minute}");
                at += 15;
            }
        }
    }

    #[test]
    fn slots_keep_every_rule_and_never_overlap() {
        let layers: [&[&[rules::SetRule]]; 4] = [
            &[&rules::REGION],
            &[&rules::REGION, &rules::SHORT_DAYS],
            &[&rules::REGION, &rules::COARSE, &rules::OVERNIGHT],
            &[&rules::REGION, &rules::STRICT_CENTRE, &rules::OVERNIGHT],
        ];
        for (number, class) in (0..).zip(classes::all()) {
            for set in layers {
                let house = rules::in_force(set);
                let window = (NOW - 3 * DAY_MIN, NOW + 14 * DAY_MIN);
                let dice = &mut Dice::of(5, &[number]);
                let out = [(NOW - 100, NOW + 2_000)];
                let slots = fill(class, &house, 70, &out, window, dice);
                assert!(!slots.is_empty(), "{}", class.en);
                check_slots(&house, &slots);
                assert!(
                    slots
                        .iter()
                        .all(|(from, to)| *to <= out[0].0 || *from >= out[0].1)
                );
                assert!(
                    slots
                        .iter()
                        .all(|(from, to)| *from >= window.0 && *to <= window.1)
                );
                let again = fill(class, &house, 70, &out, window, &mut Dice::of(5, &[number]));
                assert_eq!(slots, again);
            }
        }
    }

    #[test]
    fn outages_are_rare_and_some_hold_now() {
        let all: Vec<Minutes> = (0..2_000)
            .flat_map(|at| outages(NOW, 14 * DAY_MIN, &mut Dice::of(1, &[at])))
            .collect();
        let now = all
            .iter()
            .filter(|(start, end)| (*start..*end).contains(&NOW))
            .count();
        assert!((40..120).contains(&all.len()), "{}", all.len());
        assert!((5..40).contains(&now), "{now}");
    }
}
