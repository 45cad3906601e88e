//! Whether questions make sense, and whether answers fit them. Pure.

use super::record::{AnswerKind, AnswerValue, Details, Question};

/// Questions at one place.
pub const QUESTIONS_MAX: usize = 50;
/// Characters of a question's name.
const NAME_MAX: usize = 64;
/// Characters of a question in one language, and of an option.
const LABEL_MAX: usize = 200;
/// Characters of a unit.
const UNIT_MAX: usize = 32;
/// Options of a choice.
const OPTIONS_MAX: usize = 50;
/// Characters of an answer.
const TEXT_MAX: u32 = 2_000;

/// When answers are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerAt {
    /// With the booking.
    Booking,
    /// After use.
    AfterUse,
}

/// What is wrong with a field of questions or details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its path, such as `answers.mass_mg` or `questions[2].label`.
    pub field: String,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// The ways in which questions and answers can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It must be said.
    Missing,
    /// Nobody asks this.
    NotAsked,
    /// It is asked after use, not at booking.
    AskedLater,
    /// It has more than so many characters.
    TooLong(u64),
    /// It is no text.
    NotText,
    /// It is neither yes nor no.
    NotYesNo,
    /// It is no whole number from the first to the second.
    NotBetween(i64, i64),
    /// It is none of the options.
    NotAnOption(Vec<String>),
    /// It is no lower-case word.
    NotAName,
    /// It was used before.
    Repeated,
    /// There must be from the first to the second of them.
    NotSoMany(usize, usize),
}

/// Checks a set of questions; `field` names it.
///
/// # Errors
/// Returns everything that is wrong.
pub fn check_questions(field: &str, questions: &[Question]) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut add = |path: String, wrong| faults.push(Fault { field: path, wrong });
    if questions.len() > QUESTIONS_MAX {
        add(field.to_owned(), Wrong::NotSoMany(0, QUESTIONS_MAX));
    }
    for (place, question) in questions.iter().enumerate().take(QUESTIONS_MAX) {
        let at = |part: &str| format!("{field}[{place}].{part}");
        if !is_name(&question.name) {
            add(at("name"), Wrong::NotAName);
        }
        let mut before = questions.iter().take(place);
        if before.any(|other| other.name == question.name) {
            add(at("name"), Wrong::Repeated);
        }
        if question.label.trim().is_empty() {
            add(at("label"), Wrong::Missing);
        }
        for (part, label) in [("label", &question.label), ("label_en", &question.label_en)] {
            if let Some(wrong) = too_long(label, LABEL_MAX) {
                add(at(part), wrong);
            }
        }
        if let Some((part, wrong)) = kind_fault(&question.answer) {
            add(at(part), wrong);
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

fn kind_fault(kind: &AnswerKind) -> Option<(&'static str, Wrong)> {
    match kind {
        AnswerKind::YesNo => None,
        AnswerKind::Text { characters_max } => {
            let range = 1..=TEXT_MAX;
            let wrong = Wrong::NotBetween(1, i64::from(TEXT_MAX));
            (!range.contains(characters_max)).then_some(("answer.characters_max", wrong))
        }
        AnswerKind::Number { least, most, unit } => {
            if least > most {
                return Some(("answer.most", Wrong::NotBetween(*least, i64::MAX)));
            }
            too_long(unit, UNIT_MAX).map(|wrong| ("answer.unit", wrong))
        }
        AnswerKind::Choice { options } => {
            let mut earlier = options.iter().enumerate();
            if !(1..=OPTIONS_MAX).contains(&options.len()) {
                Some(("answer.options", Wrong::NotSoMany(1, OPTIONS_MAX)))
            } else if options.iter().any(|option| option.trim().is_empty()) {
                Some(("answer.options", Wrong::Missing))
            } else if let Some(wrong) = options.iter().find_map(|one| too_long(one, LABEL_MAX)) {
                Some(("answer.options", wrong))
            } else if earlier.any(|(at, one)| options.iter().take(at).any(|other| other == one)) {
                Some(("answer.options", Wrong::Repeated))
            } else {
                None
            }
        }
    }
}

/// A lower-case letter, then lower-case letters, digits and underscores.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= NAME_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Checks what is said with a booking, or after use. With a booking every question that must be
/// answered then needs its answer. After use `details` holds what is said now: answers of the
/// booking may be corrected, and need not be repeated.
///
/// # Errors
/// Returns everything that is wrong, by field: `answers.<name>`.
pub fn check_answers(
    questions: &[Question],
    details: &Details,
    at: AnswerAt,
) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut add = |field: &str, wrong| {
        faults.push(Fault {
            field: field.to_owned(),
            wrong,
        });
    };
    for (name, answer) in &details.answers {
        let field = format!("answers.{name}");
        match questions.iter().find(|question| question.name == *name) {
            None => add(&field, Wrong::NotAsked),
            Some(asked) if asked.after_use && at == AnswerAt::Booking => {
                add(&field, Wrong::AskedLater);
            }
            Some(asked) => {
                if let Some(wrong) = answer_fault(asked, answer) {
                    add(&field, wrong);
                }
            }
        }
    }
    for question in questions {
        let is_now = question.after_use == (at == AnswerAt::AfterUse);
        if question.required && is_now && !details.answers.contains_key(&question.name) {
            add(&format!("answers.{}", question.name), Wrong::Missing);
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// Checks what is said once with bookings of several instruments, each of which asks its own
/// questions: all that must be answered at booking are, and nothing is said that none of them asks.
///
/// # Errors
/// Returns everything that is wrong, by field: `answers.<name>`; what several ask, once.
pub fn check_together(sets: &[Vec<Question>], details: &Details) -> Result<(), Vec<Fault>> {
    let mut faults: Vec<Fault> = not_asked(sets, details).collect();
    for set in sets {
        let share = share_of(set, details);
        let wrong = check_answers(set, &share, AnswerAt::Booking).err();
        for fault in wrong.into_iter().flatten() {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// Returns a fault for every answer to what nobody asks.
pub fn not_asked(sets: &[Vec<Question>], details: &Details) -> impl Iterator<Item = Fault> {
    let is_asked = |name: &String| sets.iter().flatten().any(|asked| asked.name == *name);
    let names = details.answers.keys();
    names.filter(move |name| !is_asked(name)).map(|name| Fault {
        field: format!("answers.{name}"),
        wrong: Wrong::NotAsked,
    })
}

/// Returns what an instrument with these questions gets of what was said: the answers it asked for,
/// and everything that is no answer.
#[must_use]
pub fn share_of(questions: &[Question], details: &Details) -> Details {
    let mut share = details.clone();
    share
        .answers
        .retain(|name, _| questions.iter().any(|asked| asked.name == *name));
    share
}

fn answer_fault(question: &Question, answer: &AnswerValue) -> Option<Wrong> {
    match (&question.answer, answer) {
        (AnswerKind::YesNo, AnswerValue::YesNo(_)) => None,
        (AnswerKind::YesNo, _) => Some(Wrong::NotYesNo),
        (AnswerKind::Number { least, most, .. }, AnswerValue::Number(number))
            if (least..=most).contains(&number) =>
        {
            None
        }
        (AnswerKind::Number { least, most, .. }, _) => Some(Wrong::NotBetween(*least, *most)),
        (AnswerKind::Text { characters_max }, AnswerValue::Text(text)) => {
            if question.required && text.trim().is_empty() {
                return Some(Wrong::Missing);
            }
            let most = usize::try_from(*characters_max).unwrap_or(usize::MAX);
            too_long(text, most)
        }
        (AnswerKind::Text { .. }, _) => Some(Wrong::NotText),
        (AnswerKind::Choice { options }, AnswerValue::Text(text)) if options.contains(text) => None,
        (AnswerKind::Choice { options }, _) => Some(Wrong::NotAnOption(options.clone())),
    }
}

fn too_long(text: &str, characters_max: usize) -> Option<Wrong> {
    let is_long = text.chars().nth(characters_max).is_some();
    is_long.then(|| Wrong::TooLong(u64::try_from(characters_max).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests;
