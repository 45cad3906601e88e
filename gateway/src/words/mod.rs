//! Sentences for people, Chinese and English: the only place that has any.
//!
//! In: figures and closed lists. Out: text in the reader's language. Deliberately not here:
//! decisions, and the words of the web pages, which have their own dictionaries.

mod answers;
mod expectations;
mod faults;
mod figures;
mod foreign;
mod labels;
mod notices;
mod parsers;
mod problems;
mod refusals;
mod runs;
mod states;
pub mod waitlist;

use std::borrow::Cow;

pub use answers::wrong_answer;
pub use faults::{KNOWN, fault};
pub use figures::{Seen, civil_time, dated, length};
pub use foreign::not_read;
pub use labels::{booked, cleanup, hold, offer, outage, setup};
pub use notices::{Told, notice};
pub use problems::{ProblemWords, problem};
pub use refusals::{refusal, refusal_of_another};
pub use runs::{
    bad_run_end, declared_too_late, not_for_project, not_that_booking, run_goes_on, run_is_nobodys,
    use_is_known,
};
pub use states::{not_at_once, wrong_state};

/// A language of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// 中文, the default.
    #[default]
    Zh,
    /// English.
    En,
}

impl Language {
    /// Returns the reader's preference from an `Accept-Language` header (RFC 9110 section 12.5.4):
    /// the language of ours with the highest weight, Chinese when none is named.
    #[must_use]
    pub fn preferred(accept_language: Option<&str>) -> Self {
        let ranges = accept_language.unwrap_or_default().split(',');
        let ours = ranges.filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next()?.to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let weight = weight.map_or(Some(1.0), |text| text.parse::<f32>().ok())?;
            let language = match tag.split('-').next()? {
                "zh" => Self::Zh,
                "en" => Self::En,
                _ => return None,
            };
            (weight > 0.0).then_some((language, weight))
        });
        // The first of equal weights wins, so a later one must be strictly heavier.
        ours.fold(
            None,
            |best: Option<(Self, f32)>, (language, weight)| match best {
                Some((_, held)) if held >= weight => best,
                _ => Some((language, weight)),
            },
        )
        .map_or(Self::Zh, |(language, _)| language)
    }

    /// Returns the tag for `Content-Language`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// Returns the name in this language.
    #[must_use]
    pub fn of(self, names: &crate::registry::Names) -> &str {
        match self {
            Self::Zh => &names.zh,
            Self::En if names.en.is_empty() => &names.zh,
            Self::En => &names.en,
        }
    }
}

/// One sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    zh: Cow<'static, str>,
    en: Cow<'static, str>,
}

impl Said {
    /// Returns a sentence without figures.
    #[must_use]
    pub const fn fixed(zh: &'static str, en: &'static str) -> Self {
        Self {
            zh: Cow::Borrowed(zh),
            en: Cow::Borrowed(en),
        }
    }

    /// Returns a sentence with figures in it.
    #[must_use]
    pub fn new(zh: String, en: String) -> Self {
        Self {
            zh: Cow::Owned(zh),
            en: Cow::Owned(en),
        }
    }

    /// Returns the sentence in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_of_ours_wins() {
        for (header, expected) in [
            (None, Language::Zh),
            (Some(""), Language::Zh),
            (Some("en"), Language::En),
            (Some("en-GB,en;q=0.9,zh;q=0.8"), Language::En),
            (Some("zh-CN,zh;q=0.9,en;q=0.8"), Language::Zh),
            (Some("fr, en;q=0.3, zh-TW;q=0.2"), Language::En),
            (Some("fr"), Language::Zh),
            (Some("en;q=0, zh;q=0.1"), Language::Zh),
            (Some("en;q=x, ;;;,"), Language::Zh),
            (Some("zh,en"), Language::Zh),
            (Some("EN-us"), Language::En),
        ] {
            assert_eq!(Language::preferred(header), expected, "{header:?}");
        }
    }
}
