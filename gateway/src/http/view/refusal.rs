//! Reasons against a booking, as they travel.

use chrono_tz::Tz;
use scheduler::class::CallerClass;
use scheduler::qualification::Lack;
use scheduler::refusal::{Figure, Refusal, RuleId};
use scheduler::slot::Slot;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::time::{Days, Length, Zoned};
use crate::words::{self, Language, Seen};

/// One reason against a booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusal)]
pub struct RefusalView {
    /// The stable name of the rule, such as `longest` or `past`.
    rule: &'static str,
    /// What the rule allows: a duration, a time, a count, a name, classes of callers or intervals
    /// `start/end` with commas between.
    limit: Option<String>,
    /// What was asked.
    actual: Option<String>,
    /// When the same wish would pass, if waiting helps.
    passes_at: Option<Zoned>,
    /// Who may set it aside.
    override_by: Vec<&'static str>,
    /// The reason in the reader's language.
    message: String,
}

impl RefusalView {
    /// Returns the view of a refusal in the instrument's zone and the reader's language, of another
    /// member or of the reader.
    #[must_use]
    pub fn of(refusal: &Refusal, seen: Seen, (language, of_another): (Language, bool)) -> Self {
        let message = if of_another {
            words::refusal_of_another(refusal, seen, language)
        } else {
            words::refusal(refusal, seen, language)
        };
        let zone = seen.zone;
        Self {
            rule: refusal.rule.as_str(),
            limit: figure(refusal.rule, &refusal.limit, zone),
            actual: figure(refusal.rule, &refusal.actual, zone),
            passes_at: refusal.passes_at.map(|at| Zoned(at, zone)),
            override_by: overriders(refusal),
            message,
        }
    }
}

fn overriders(refusal: &Refusal) -> Vec<&'static str> {
    let overriders = refusal.override_by.iter();
    overriders.map(|who| who.as_str()).collect()
}

fn figure(rule: RuleId, figure: &Figure, zone: Tz) -> Option<String> {
    let interval =
        |slot: &Slot| format!("{}/{}", Zoned(slot.start(), zone), Zoned(slot.end(), zone));
    match figure {
        Figure::Span(span) if rule == RuleId::Horizon => Some(Days(*span).to_string()),
        Figure::Span(span) | Figure::Quota { span, .. } => Some(Length(*span).to_string()),
        Figure::Time(at) => Some(Zoned(*at, zone).to_string()),
        Figure::Slot(slot) => Some(interval(slot)),
        Figure::Open(open) => Some(open.iter().map(interval).collect::<Vec<_>>().join(",")),
        Figure::Count(count) => Some(count.to_string()),
        Figure::Classes(classes) => {
            let classes = classes.classes().into_iter();
            Some(
                classes
                    .map(CallerClass::as_str)
                    .collect::<Vec<_>>()
                    .join(","),
            )
        }
        Figure::Qualification(name) => Some(name.as_str().to_owned()),
        Figure::Lack(lack) => Some(lack_text(*lack, zone)),
        Figure::None => None,
    }
}

/// Returns `missing`, or `not_yet`, `expires` or `disused` with its time after a slash.
fn lack_text(lack: Lack, zone: Tz) -> String {
    let with = |word: &str, at| format!("{word}/{}", Zoned(at, zone));
    match lack {
        Lack::Missing => "missing".to_owned(),
        Lack::NotYet(at) => with("not_yet", at),
        Lack::Expires(at) => with("expires", at),
        Lack::Disused(at) => with("disused", at),
    }
}
