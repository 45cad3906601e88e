//! The same sentences for who reads why another member is refused: a colleague, somebody of the lab.

use scheduler::qualification::Lack;
use scheduler::refusal::{Figure, Refusal, RuleId};

use super::{dated, figure, from, refusal};
use crate::words::{Language, Seen};

/// Returns the sentence for the refusal of another member than its reader.
#[must_use]
pub fn refusal_of_another(refused: &Refusal, seen: Seen, language: Language) -> String {
    let limit = figure(&refused.limit, seen, language);
    let actual = if let Figure::Lack(lack) = &refused.actual {
        lacking(*lack, seen, language)
    } else {
        figure(&refused.actual, seen, language)
    };
    let told = match language {
        Language::Zh => chinese(refused, &limit, &actual, seen),
        Language::En => english(refused, &limit, &actual, seen),
    };
    told.unwrap_or_else(|| refusal(refused, seen, language))
}

/// None: nobody is addressed in the usual sentence.
fn chinese(refused: &Refusal, limit: &str, actual: &str, seen: Seen) -> Option<String> {
    let from = from(refused, seen, Language::Zh);
    let said = if refused.rule == RuleId::Shortest {
        format!("最短 {limit}，所选为 {actual}")
    } else if refused.rule == RuleId::Longest {
        format!("最长 {limit}，所选为 {actual}")
    } else if refused.rule == RuleId::NotPermitted {
        "对方不能预约这台仪器".to_owned()
    } else if refused.rule == RuleId::WhoMayBook {
        format!("只对{limit}开放，对方属于{actual}")
    } else if refused.rule == RuleId::NoticeToBook {
        format!("须至少提前 {limit}预约，现提前了 {actual}{from}")
    } else if refused.rule == RuleId::MinimumGap {
        format!("对方在这台仪器上的预约须间隔至少 {limit}，这次间隔 {actual}{from}")
    } else if refused.rule == RuleId::Qualification {
        format!("需要资质 {limit}：{actual}")
    } else if refused.rule == RuleId::Points {
        format!("对方有 {actual} 分违约记分，满 {limit} 分暂停预约{from}")
    } else if refused.rule == RuleId::ProjectMember {
        "对方不在这个课题中".to_owned()
    } else {
        return None;
    };
    Some(said)
}

fn english(refused: &Refusal, limit: &str, actual: &str, seen: Seen) -> Option<String> {
    let from = from(refused, seen, Language::En);
    let said = if refused.rule == RuleId::Shortest {
        format!("At least {limit}; {actual} was chosen")
    } else if refused.rule == RuleId::Longest {
        format!("At most {limit}; {actual} was chosen")
    } else if refused.rule == RuleId::NotPermitted {
        "They may not book this instrument".to_owned()
    } else if refused.rule == RuleId::WhoMayBook {
        format!("Open to {limit} only; they count among {actual}")
    } else if refused.rule == RuleId::MinimumGap {
        format!("Leave at least {limit} between their bookings here; this leaves {actual}{from}")
    } else if refused.rule == RuleId::Qualification {
        format!("Needs the qualification {limit}: {actual}")
    } else if refused.rule == RuleId::Points {
        format!("They have {actual} points; {limit} stop new bookings{from}")
    } else if refused.rule == RuleId::ProjectMember {
        "They do not work on this project".to_owned()
    } else {
        return None;
    };
    Some(said)
}

fn lacking(lack: Lack, seen: Seen, language: Language) -> String {
    let at = |at| dated(at, seen, language);
    match (lack, language) {
        (Lack::Missing, Language::Zh) => "对方还没有".to_owned(),
        (Lack::Missing, Language::En) => "they do not have it".to_owned(),
        (Lack::NotYet(since), Language::Zh) => format!("对方的资质自 {} 起有效", at(since)),
        (Lack::NotYet(since), Language::En) => format!("theirs holds from {}", at(since)),
        (Lack::Expires(end), Language::Zh) => format!("对方的资质于 {} 到期", at(end)),
        (Lack::Expires(end), Language::En) => format!("theirs expires {}", at(end)),
        (Lack::Disused(last), _) => super::lacking(Lack::Disused(last), seen, language),
    }
}
