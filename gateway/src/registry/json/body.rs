//! What a rule says, as JSON, with the bounds of every number.

use scheduler::class::ClassSet;
use scheduler::policy::{ApprovalWhen, RuleBody};
use scheduler::qualification::QualificationName;
use scheduler::quota::{Party, Period};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::class::{self, ClassJson};
use super::opening::{ExceptionJson, HolidaysJson, to_blocks, to_opening};
use super::{HoursJson, RuleFault};

/// Whose use a quota sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = QuotaParty)]
pub enum PartyJson {
    /// A person.
    Member,
    /// What the work is for.
    Project,
    /// The member's lab.
    Lab,
    /// The member's institution.
    Institution,
}

/// The civil period of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = QuotaPeriod)]
pub enum PeriodJson {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// Makes the enum and both ways of a list of rules that are numbers only, each within its bounds;
/// the few others are written out in it.
macro_rules! bodies {
    ($(
        $(#[$doc:meta])+
        $rule:ident { $($field:ident: $least:literal..=$most:literal),+ $(,)? }
    )+) => {
        /// What a rule says.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
        #[schema(as = RuleBody)]
        pub enum BodyJson {
            $(
                $(#[$doc])+
                $rule {
                    $(
                        #[doc = concat!("From ", stringify!($least), " to ", stringify!($most), ".")]
                        $field: u32,
                    )+
                },
            )+
            /// When it is open.
            OpeningHours {
                /// Hours of the week, at most 50 entries; none is always closed.
                weekly: Vec<HoursJson>,
                /// Days with other hours, at most 200 entries.
                #[serde(default, skip_serializing_if = "Vec::is_empty")]
                exceptions: Vec<ExceptionJson>,
                /// Which public holidays are kept.
                #[serde(default, skip_serializing_if = "HolidaysJson::is_none")]
                holidays: HolidaysJson,
            },
            /// A booking is made of whole adjacent blocks.
            FixedBlocks {
                /// At most 50 entries; `to` up to `48:00`.
                blocks: Vec<HoursJson>,
            },
            /// Only these classes book at all.
            WhoMayBook {
                /// At least one.
                who: Vec<ClassJson>,
            },
            /// Hours that nobody fights for.
            OffPeak {
                /// Hours of the week, at most 50 entries.
                weekly: Vec<HoursJson>,
            },
            /// A booking needs somebody's yes: all, or those longer than a length, or those of some
            /// classes.
            Approval {
                /// From 1 to 525600.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                longer_than_minutes: Option<u32>,
                /// Not together with a length.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                who: Option<Vec<ClassJson>>,
            },
            /// Only who is qualified books.
            Qualification {
                /// Its stable name: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
                name: String,
                /// It lapses after so many days without use, from 1 to 3650.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                disuse_days: Option<u32>,
            },
            /// Use below the place where this is set is limited, whatever is set elsewhere.
            Quota {
                /// Whose use is summed.
                per: PartyJson,
                /// Over which civil period.
                period: PeriodJson,
                /// From 1 to 527040.
                minutes: u32,
            },
        }

        impl BodyJson {
            pub(super) fn to_body(&self) -> Result<RuleBody, RuleFault> {
                Ok(match self {
                    $(
                        Self::$rule { $($field),+ } => RuleBody::$rule {
                            $($field: within(*$field, ($least, $most), stringify!($field))?),+
                        },
                    )+
                    Self::OpeningHours { weekly, exceptions, holidays } => {
                        let weekly = HoursJson::to_week(weekly)?;
                        RuleBody::OpeningHours(to_opening(weekly, exceptions, *holidays)?)
                    }
                    Self::FixedBlocks { blocks } => RuleBody::FixedBlocks(to_blocks(blocks)?),
                    Self::WhoMayBook { who } => RuleBody::WhoMayBook { classes: named(who)? },
                    Self::OffPeak { weekly } => RuleBody::OffPeak(HoursJson::to_week(weekly)?),
                    Self::Approval { longer_than_minutes, who } => {
                        RuleBody::Approval(approval(*longer_than_minutes, who.as_deref())?)
                    }
                    Self::Qualification { name, disuse_days } => qualification(name, *disuse_days)?,
                    Self::Quota { per, period, minutes } => RuleBody::Quota {
                        per: per.party(),
                        period: period.period(),
                        minutes: within(*minutes, (1, 527_040), "minutes")?,
                    },
                })
            }

            pub(super) fn of(body: &RuleBody) -> Self {
                match body {
                    $(RuleBody::$rule { $($field),+ } => Self::$rule { $($field: *$field),+ },)+
                    RuleBody::OpeningHours(opening) => Self::OpeningHours {
                        weekly: HoursJson::of_week(&opening.weekly),
                        exceptions: opening.exceptions.iter().map(ExceptionJson::of).collect(),
                        holidays: HolidaysJson::of(opening.holidays),
                    },
                    RuleBody::FixedBlocks(blocks) => Self::FixedBlocks {
                        blocks: blocks.0.iter().map(|block| HoursJson::of_block(*block)).collect(),
                    },
                    RuleBody::WhoMayBook { classes } => Self::WhoMayBook { who: class::of(*classes) },
                    RuleBody::OffPeak(weekly) => Self::OffPeak { weekly: HoursJson::of_week(weekly) },
                    RuleBody::Approval(when) => Self::of_approval(*when),
                    RuleBody::Qualification { name, disuse_days } => Self::Qualification {
                        name: name.as_str().to_owned(),
                        disuse_days: *disuse_days,
                    },
                    RuleBody::Quota { per, period, minutes } => Self::Quota {
                        per: PartyJson::of(*per),
                        period: PeriodJson::of(*period),
                        minutes: *minutes,
                    },
                }
            }
        }
    };
}

bodies! {
    /// The grid of starts and ends, counted from midnight.
    Alignment { minutes: 1..=1440 }
    /// Shortest booking.
    Shortest { minutes: 1..=525_600 }
    /// Longest booking.
    Longest { minutes: 1..=525_600 }
    /// How far ahead a booking may begin.
    Horizon { days: 1..=3650 }
    /// How long before its begin a booking must be made.
    NoticeToBook { minutes: 0..=525_600 }
    /// How long before its begin a booking may still be moved.
    NoticeToMove { minutes: 0..=525_600 }
    /// How long before its begin a booking may still be given up.
    NoticeToCancel { minutes: 0..=525_600 }
    /// Between two bookings of one member on this instrument.
    MinimumGap { minutes: 1..=525_600 }
    /// Bookings of one member on this instrument that touch one civil day.
    PerDay { count: 1..=1000 }
    /// Bookings of one member on this instrument that have not begun.
    FutureCount { count: 1..=1000 }
    /// Time that one member has ahead on this instrument.
    FutureHours { minutes: 1..=525_600 }
    /// Claimed before and after the use.
    Buffers { setup_minutes: 0..=1440, cleanup_minutes: 0..=1440 }
    /// A booking that is not used by then is a no-show.
    Grace { minutes: 1..=1440 }
    /// The rest is released when the machine has stopped for so long.
    EarlyFinish { dwell_minutes: 1..=1440 }
    /// Giving up later than this before the begin costs points.
    LateCancellation { minutes: 0..=525_600, points: 1..=1000 }
    /// A no-show costs points.
    NoShowPoints { points: 1..=1000 }
    /// Who has so many points within the window books nothing new.
    PointsLimit { threshold: 1..=1000, window_days: 1..=3650, block_days: 0..=3650 }
    /// Slots kept while forms are filled in, and for how long.
    HoldLimit { count: 1..=100, minutes: 1..=1440 }
    /// How a freed slot is handed on.
    Waitlist { offer_minutes: 1..=10_080, undo_minutes: 0..=1440 }
}

impl BodyJson {
    fn of_approval(when: ApprovalWhen) -> Self {
        let (longer_than_minutes, who) = match when {
            ApprovalWhen::Always => (None, None),
            ApprovalWhen::LongerThanMinutes(minutes) => (Some(minutes), None),
            ApprovalWhen::Classes(classes) => (None, Some(class::of(classes))),
        };
        Self::Approval {
            longer_than_minutes,
            who,
        }
    }
}

/// Returns a number that lies from `least` to `most`.
fn within(number: u32, (least, most): (u32, u32), field: &str) -> Result<u32, RuleFault> {
    let expected = || format!("expected a number from {least} to {most}");
    let inside = (least..=most).contains(&number).then_some(number);
    inside.ok_or_else(|| RuleFault::new(field, expected()))
}

fn named(who: &[ClassJson]) -> Result<ClassSet, RuleFault> {
    if who.is_empty() {
        return Err(RuleFault::new("who", "must not be empty"));
    }
    Ok(class::set(who))
}

fn approval(
    longer_than: Option<u32>,
    who: Option<&[ClassJson]>,
) -> Result<ApprovalWhen, RuleFault> {
    Ok(match (longer_than, who) {
        (None, None) => ApprovalWhen::Always,
        (Some(minutes), None) => {
            let minutes = within(minutes, (1, 525_600), "longer_than_minutes")?;
            ApprovalWhen::LongerThanMinutes(minutes)
        }
        (None, Some(who)) => ApprovalWhen::Classes(named(who)?),
        (Some(_), Some(_)) => {
            return Err(RuleFault::new(
                "who",
                "not together with `longer_than_minutes`",
            ));
        }
    })
}

fn qualification(name: &str, disuse_days: Option<u32>) -> Result<RuleBody, RuleFault> {
    let expected = "expected 1 to 64 of `a-z`, `0-9`, `-` and `_`";
    let name = QualificationName::parse(name).ok_or_else(|| RuleFault::new("name", expected))?;
    let days = disuse_days.map(|days| within(days, (1, 3_650), "disuse_days"));
    Ok(RuleBody::Qualification {
        name,
        disuse_days: days.transpose()?,
    })
}

impl PartyJson {
    fn party(self) -> Party {
        match self {
            Self::Member => Party::Member,
            Self::Project => Party::Project,
            Self::Lab => Party::Lab,
            Self::Institution => Party::Institution,
        }
    }

    fn of(party: Party) -> Self {
        match party {
            Party::Member => Self::Member,
            Party::Project => Self::Project,
            Party::Lab => Self::Lab,
            Party::Institution => Self::Institution,
        }
    }
}

impl PeriodJson {
    fn period(self) -> Period {
        match self {
            Self::Day => Period::Day,
            Self::Week => Period::Week,
            Self::Month => Period::Month,
            Self::Year => Period::Year,
        }
    }

    fn of(period: Period) -> Self {
        match period {
            Period::Day => Self::Day,
            Period::Week => Self::Week,
            Period::Month => Self::Month,
            Period::Year => Self::Year,
        }
    }
}
