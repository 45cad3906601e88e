//! Rules: those in force for an instrument, and those set at one place.

use chrono_tz::Tz;
use scheduler::calendar::{DayHours, Opening};
use scheduler::class::CallerClass;
use scheduler::policy::{InForce, Policy};
use scheduler::time::Span;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::time::{Days, Length};
use crate::registry::{ExceptionJson, HolidaysJson, HoursJson, RuleJson};

/// The rules that apply to an instrument, resolved over the tree. Null: no rule limits it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rules)]
pub struct RulesView {
    /// IANA zone of the hours.
    pub zone: &'static str,
    /// Opening hours; empty: always open. Where several rules apply together, their common hours.
    pub opening_hours: Vec<HoursJson>,
    /// Days with other hours; of several that hold on one day, the last counts.
    pub exceptions: Vec<ExceptionJson>,
    /// Which public holidays are kept.
    pub holidays: HolidaysJson,
    /// A booking is made of whole ones of these blocks; `to` may lie beyond `24:00`. Empty: any slot.
    pub blocks: Vec<HoursJson>,
    /// Starts and ends lie on this grid, counted from civil midnight.
    pub alignment: Option<Length>,
    /// Shortest booking.
    pub shortest: Option<Length>,
    /// Longest booking.
    pub longest: Option<Length>,
    /// How far ahead a booking may begin.
    pub horizon: Option<Days>,
    /// Version of the rules.
    pub policy_version: i64,
}

/// The rules set at one place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleSet)]
pub struct RuleSetView {
    /// Counts edits; 0: never set.
    pub version: i64,
    /// The rules.
    pub rules: Vec<RuleJson>,
}

impl RulesView {
    /// Returns what of a policy applies to a class of callers.
    #[must_use]
    pub fn of(policy: &Policy, class: CallerClass, policy_version: i64, zone: Tz) -> Self {
        let InForce {
            opening,
            blocks,
            grids_minutes,
            shortest,
            longest,
            horizon,
            ..
        } = policy.in_force(class);
        // A point on all grids lies on the grid of their least common multiple.
        let grid = grids_minutes.into_iter().reduce(common_multiple);
        Self {
            zone: zone.name(),
            opening_hours: common_hours(&opening),
            exceptions: opening
                .iter()
                .flat_map(|one| one.exceptions.iter().map(ExceptionJson::of))
                .collect(),
            holidays: opening
                .iter()
                .map(|one| HolidaysJson::of(one.holidays))
                .find(|holidays| !holidays.is_none())
                .unwrap_or_default(),
            blocks: blocks
                .iter()
                .flat_map(|one| one.0.iter().map(|block| HoursJson::of_block(*block)))
                .collect(),
            alignment: grid.map(|minutes| Length(Span::minutes(minutes))),
            shortest: shortest.map(Length),
            longest: longest.map(Length),
            horizon: horizon.map(Days),
            policy_version,
        }
    }
}

fn common_multiple(a: u32, b: u32) -> u32 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).saturating_mul(b)
}

/// Returns the hours that lie in all of several weeks. Weeks that are never open together show one
/// entry without days, because an empty list means always open.
fn common_hours(opening: &[Opening]) -> Vec<HoursJson> {
    let Some((first, others)) = opening.split_first() else {
        return Vec::new();
    };
    let common = others.iter().fold(first.weekly.0.clone(), |held, one| {
        held.iter()
            .flat_map(|a| one.weekly.0.iter().filter_map(|b| common_day(*a, *b)))
            .collect()
    });
    if common.is_empty() {
        return vec![HoursJson {
            days: Vec::new(),
            from: "00:00".to_owned(),
            to: "00:00".to_owned(),
        }];
    }
    common.into_iter().map(HoursJson::of).collect()
}

fn common_day(a: DayHours, b: DayHours) -> Option<DayHours> {
    let days = b.weekdays();
    let shared: Vec<u8> = a
        .weekdays()
        .into_iter()
        .filter(|day| days.contains(day))
        .collect();
    let from = a.from_minute().max(b.from_minute());
    DayHours::new(&shared, from, a.to_minute().min(b.to_minute()))
}

#[cfg(test)]
mod tests {
    use scheduler::calendar::Weekly;

    use super::*;

    fn weekly(days: &[u8], from: u16, to: u16) -> Opening {
        Weekly(vec![DayHours::new(days, from, to).unwrap()]).into()
    }

    #[test]
    fn hours_that_apply_together_show_what_they_share() {
        let week = weekly(&[1, 2, 3, 4, 5], 480, 1320);
        assert_eq!(common_hours(&[]), []);
        let shared = common_hours(&[week.clone(), weekly(&[5, 6], 600, 1440)]);
        let expected = HoursJson {
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
    fn grids_that_apply_together_are_one() {
        assert_eq!(common_multiple(15, 60), 60);
        assert_eq!(common_multiple(15, 20), 60);
    }
}
