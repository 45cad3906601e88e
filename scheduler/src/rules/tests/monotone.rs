//! A stricter rule never accepts more, and no times or parameters make a judgement fail.

use chrono_tz::Tz;
use proptest::prelude::*;

use crate::calendar::{DayHours, Weekly};
use crate::class::{CallerClass, ClassSet};
use crate::facts::{Action, PointsCharged};
use crate::fixture::{SUBJECTS, World, at, policy, slot};
use crate::policy::{ApprovalWhen, RuleBody};
use crate::qualification::{Granted, QualificationName};
use crate::quota::{Party, Period, charges};
use crate::slot::Slot;
use crate::time::{HOUR_US, MINUTE_US, Micros};

const STRICT_KINDS: usize = 18;
const FIGURE_MAX: u32 = 4_000;

fn name() -> QualificationName {
    QualificationName::parse("xrd").unwrap()
}

/// Returns a rule with a figure, of which the higher one is stricter.
fn strict(kind: usize, figure: u32) -> RuleBody {
    let low = FIGURE_MAX - figure;
    let points = |threshold, window_days, block_days| RuleBody::PointsLimit {
        threshold,
        window_days,
        block_days,
    };
    match kind {
        0 => RuleBody::Shortest { minutes: figure },
        1 => RuleBody::Longest { minutes: low },
        2 => RuleBody::Horizon { days: low / 100 },
        3 => RuleBody::NoticeToBook { minutes: figure },
        4 => RuleBody::NoticeToMove { minutes: figure },
        5 => RuleBody::NoticeToCancel { minutes: figure },
        6 => RuleBody::MinimumGap { minutes: figure },
        7 => RuleBody::PerDay { count: low / 1_000 },
        8 => RuleBody::FutureCount { count: low / 500 },
        9 => RuleBody::FutureHours { minutes: low },
        10 => RuleBody::Qualification {
            name: name(),
            disuse_days: Some(low / 100),
        },
        11 => points(low / 300, 30, 1),
        12 => points(3, figure / 100, 1),
        13 => points(3, 5, figure / 100),
        14 => RuleBody::HoldLimit {
            count: low / 1_000,
            minutes: 5,
        },
        _ => RuleBody::Quota {
            per: Party::Member,
            period: match kind % 3 {
                0 => Period::Day,
                1 => Period::Week,
                _ => Period::Month,
            },
            minutes: low,
        },
    }
}

fn world() -> impl Strategy<Value = World> {
    let wanted = (0i64..6_000, 1i64..2_000);
    let own = prop::collection::vec((-3_000i64..6_000, 1i64..900), 0..7);
    let points = prop::collection::vec((0i64..60, 1u32..4), 0..8);
    let action = prop::sample::select(vec![
        Action::Hold,
        Action::Book,
        Action::Change {
            held: slot(HOUR_US, 2 * HOUR_US),
        },
        Action::Cancel,
    ]);
    let minutes = |from: i64, length: i64| slot(from * MINUTE_US, (from + length) * MINUTE_US);
    (wanted, own, points, action, 0i64..5_000, 0i64..100_000).prop_map(
        move |((from, length), own, points, action, hold, used)| World {
            action,
            own: own
                .into_iter()
                .map(|(from, length)| minutes(from, length))
                .collect(),
            points: points
                .into_iter()
                .map(|(days, points)| PointsCharged {
                    at: at(-days * 24 * HOUR_US),
                    points,
                })
                .collect(),
            holds: (0..4).map(|n| at((hold - n * 900) * MINUTE_US)).collect(),
            qualifications: vec![Granted {
                name: name(),
                since: at(-200_000 * MINUTE_US),
                expires: None,
                last_use: Some(at(-used * MINUTE_US)),
            }],
            ..World::wanting(minutes(from, length))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn a_stricter_rule_never_accepts_more(
        mut world in world(),
        kind in 0..STRICT_KINDS,
        a in 0..FIGURE_MAX,
        b in 0..FIGURE_MAX,
        night in any::<bool>(),
    ) {
        let hours = DayHours::new(&[1, 2, 3, 4, 5, 6, 7], 0, 480).unwrap();
        let with = |body: RuleBody| {
            let off_peak = night.then(|| RuleBody::OffPeak(Weekly(vec![hours])));
            policy([body].into_iter().chain(off_peak))
        };
        let (loose, tight) = (with(strict(kind, a.min(b))), with(strict(kind, a.max(b))));
        for slot in &world.own {
            let charged = charges(&loose, CallerClass::Internal, SUBJECTS, world.zone, *slot);
            world.ledger.add(&charged);
        }
        prop_assert!(world.refused_by(&loose).len() <= world.refused_by(&tight).len());
    }

    #[test]
    fn another_booking_of_the_member_never_helps(
        world in world(),
        kind in 6usize..10,
        figure in 0..FIGURE_MAX,
    ) {
        let policy = policy([strict(kind, figure)]);
        let mut fewer = world.clone();
        fewer.own.pop();
        prop_assert!(fewer.refused_by(&policy).len() <= world.refused_by(&policy).len());
    }
}

/// Every rule that looks at times, with a parameter that may be out of its bounds.
fn every_body(figure: u32) -> Vec<RuleBody> {
    let week = Weekly(vec![DayHours::new(&[1, 7], 0, 1439).unwrap()]);
    let periods = [Period::Day, Period::Week, Period::Month, Period::Year];
    let quotas = periods.map(|period| RuleBody::Quota {
        per: Party::Member,
        period,
        minutes: figure,
    });
    let others = [
        RuleBody::Alignment { minutes: figure },
        RuleBody::Shortest { minutes: figure },
        RuleBody::Longest { minutes: figure },
        RuleBody::Horizon { days: figure },
        RuleBody::OpeningHours(week.clone().into()),
        RuleBody::WhoMayBook {
            classes: ClassSet::of(&[CallerClass::Region]),
        },
        RuleBody::NoticeToBook { minutes: figure },
        RuleBody::NoticeToMove { minutes: figure },
        RuleBody::NoticeToCancel { minutes: figure },
        RuleBody::MinimumGap { minutes: figure },
        RuleBody::PerDay { count: figure },
        RuleBody::FutureCount { count: figure },
        RuleBody::FutureHours { minutes: figure },
        RuleBody::OffPeak(week),
        RuleBody::Buffers {
            setup_minutes: figure,
            cleanup_minutes: figure,
        },
        RuleBody::Approval(ApprovalWhen::LongerThanMinutes(figure)),
        RuleBody::Qualification {
            name: name(),
            disuse_days: Some(figure),
        },
        RuleBody::PointsLimit {
            threshold: figure,
            window_days: figure,
            block_days: figure,
        },
        RuleBody::HoldLimit {
            count: figure,
            minutes: figure,
        },
    ];
    quotas.into_iter().chain(others).collect()
}

#[test]
fn absurd_times_and_parameters_are_judged_like_any_other() {
    let ends = [i64::MIN, -1, at(0).get(), i64::MAX - 1, i64::MAX].map(Micros::new);
    let pairs = ends
        .iter()
        .flat_map(|start| ends.map(|end| Slot::new(*start, end)));
    let slots: Vec<Slot> = pairs.flatten().collect();
    assert_eq!(slots.len(), 10);
    for body in [0, 1, u32::MAX].into_iter().flat_map(every_body) {
        let policy = policy([body]);
        for (slot, now) in slots.iter().flat_map(|slot| ends.map(|now| (*slot, now))) {
            let mut world = World::wanting(slot);
            world.now = now;
            world.zone = Tz::Europe__Berlin;
            world.own.clone_from(&slots);
            world.holds = ends.to_vec();
            world.points = ends
                .map(|at| PointsCharged {
                    at,
                    points: u32::MAX,
                })
                .to_vec();
            let grant = |since| Granted {
                name: name(),
                since,
                expires: Some(now),
                last_use: None,
            };
            world.qualifications = ends.map(grant).to_vec();
            let change = Action::Change { held: slot };
            for action in [Action::Book, Action::Hold, Action::Cancel, change] {
                world.action = action;
                for refusal in world.refusals(&policy) {
                    assert!(!refusal.rule.as_str().is_empty());
                }
            }
        }
    }
}
