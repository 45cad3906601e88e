//! Labels of occupied time in a calendar.

use super::Language;

/// Returns the label of somebody's booking: that it is booked, and by which lab or who.
#[must_use]
pub fn booked(by: Option<&str>, language: Language) -> String {
    let word = match language {
        Language::Zh => "已预约",
        Language::En => "Booked",
    };
    by.map_or_else(|| word.to_owned(), |by| format!("{word} · {by}"))
}

/// Returns the label of an outage.
#[must_use]
pub fn outage(reason: Option<&str>, language: Language) -> String {
    let word = match language {
        Language::Zh => "停机",
        Language::En => "Outage",
    };
    reason
        .filter(|reason| !reason.is_empty())
        .map_or_else(|| word.to_owned(), |reason| format!("{word} · {reason}"))
}

/// Returns the label of a hold.
#[must_use]
pub fn hold(language: Language) -> &'static str {
    match language {
        Language::Zh => "占位",
        Language::En => "On hold",
    }
}

/// Returns the label of an offer to the waitlist.
#[must_use]
pub fn offer(language: Language) -> &'static str {
    match language {
        Language::Zh => "候补邀约",
        Language::En => "Offered to the waitlist",
    }
}

/// Returns the label of the time before a booking in which it is prepared.
#[must_use]
pub fn setup(language: Language) -> &'static str {
    match language {
        Language::Zh => "准备",
        Language::En => "Set-up",
    }
}

/// Returns the label of the time after a booking in which is cleaned up.
#[must_use]
pub fn cleanup(language: Language) -> &'static str {
    match language {
        Language::Zh => "清理",
        Language::En => "Clean-up",
    }
}
