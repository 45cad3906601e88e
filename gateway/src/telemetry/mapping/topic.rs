//! Topics: filters that a source may send to, and patterns with names for parts of a topic.

use std::collections::BTreeMap;

/// Most bytes of a filter or pattern.
pub(super) const FILTER_BYTES_MAX: usize = 256;

/// Most levels of a filter or pattern: as many as the embedded broker takes.
pub(super) const LEVELS_MAX: usize = 8;

/// Most captures in a pattern.
pub(super) const CAPTURES_MAX: usize = 4;

/// Words that devices as delivered, or their protocols, begin their topics with. Who has all topics
/// below one of them has everybody's devices.
const COMMON: [&str; 11] = [
    "cmnd",
    "homeassistant",
    "shelly",
    "shellies",
    "spBv1.0",
    "sensors",
    "stat",
    "tele",
    "telegraf",
    "tasmota",
    "zigbee2mqtt",
];

/// Prefix of our own wire, which nobody else may use.
const OWN: &str = "ortoo";

/// Why a text is no filter or pattern; each a message for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicFault {
    /// Its first level is a wildcard, `ortoo` or begins with `$`.
    #[error("the first level must be a word of your own, not `+`, `#`, `$...` or `ortoo`")]
    First,
    /// It is empty, too long or too deep.
    #[error("expected 1 to 8 levels and at most 256 bytes")]
    Size,
    /// A wildcard is not a level of its own, `#` is not the last, a character is forbidden, or
    /// braces do not hold a name.
    #[error(
        "no MQTT filter: `+` and `#` are levels of their own, `#` only the last, and braces hold a name such as `{{device}}`"
    )]
    Shape,
    /// A name is there twice, or there are too many.
    #[error("expected at most 4 names in braces, each once")]
    Captures,
}

/// An MQTT filter whose first level is a literal word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicFilter(Box<str>);

impl TopicFilter {
    /// Parses the text.
    ///
    /// # Errors
    /// Returns [`TopicFault`].
    pub fn parse(text: &str) -> Result<Self, TopicFault> {
        let pattern = Pattern::parse(text)?;
        if text.contains(['{', '}']) {
            return Err(TopicFault::Shape);
        }
        Ok(Self(pattern.text))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first level, which has no wildcard.
    #[must_use]
    pub fn first_level(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// Returns true if it may be about anybody's devices: no level before its first wildcard is more
    /// than the word that all devices of a make begin with.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        let mut levels = self.0.split('/').peekable();
        let mut words = 0;
        while let Some(level) = levels.next_if(|level| !matches!(*level, "+" | "#")) {
            words += usize::from(!COMMON.contains(&level));
        }
        words == 0 && levels.peek().is_some()
    }

    /// Returns true if a topic is among those of the filter.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        let mut filter = self.0.split('/');
        let mut levels = topic.split('/');
        loop {
            match (filter.next(), levels.next()) {
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(_)) => {}
                (Some(wanted), Some(level)) if wanted == level => {}
                // `a/#` is also `a`.
                (Some(_) | None, _) => return false,
            }
        }
    }

    /// Returns true if every topic of the other is one of this.
    #[must_use]
    pub fn covers(&self, other: &str) -> bool {
        let mut own = self.0.split('/');
        let mut others = other.split('/');
        loop {
            match (own.next(), others.next()) {
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(level)) if level != "#" => {}
                (Some(wanted), Some(level)) if wanted == level => {}
                (Some(_) | None, _) => return false,
            }
        }
    }

    /// Returns true if some topic is one of both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let mut one = self.0.split('/');
        let mut two = other.0.split('/');
        loop {
            match (one.next(), two.next()) {
                (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
                (Some("+"), Some(_)) | (Some(_), Some("+")) => {}
                (Some(a), Some(b)) if a == b => {}
                (Some(_) | None, _) => return false,
            }
        }
    }
}

impl std::fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the names in braces stood for in a topic.
pub(super) type Captures = BTreeMap<Box<str>, String>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Word(Box<str>),
    Any,
    Rest,
    /// `before{name}after`.
    Named {
        before: Box<str>,
        name: Box<str>,
        after: Box<str>,
    },
}

/// A filter in which parts of levels have names: `shelly-{device}/status/switch:0`. A name stands
/// for at least one character of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    levels: Vec<Level>,
}

impl Pattern {
    /// Parses the text.
    ///
    /// # Errors
    /// Returns [`TopicFault`].
    pub fn parse(text: &str) -> Result<Self, TopicFault> {
        let count = text.split('/').count();
        if text.is_empty() || text.len() > FILTER_BYTES_MAX || count > LEVELS_MAX {
            return Err(TopicFault::Size);
        }
        if text.chars().any(char::is_control) {
            return Err(TopicFault::Shape);
        }
        let mut levels = Vec::with_capacity(count);
        for (place, level) in text.split('/').enumerate() {
            let level = parse_level(level)?;
            if level == Level::Rest && place + 1 != count {
                return Err(TopicFault::Shape);
            }
            levels.push(level);
        }
        let is_own = match levels.first() {
            Some(Level::Word(word)) => {
                !word.is_empty() && !word.starts_with('$') && !word.eq_ignore_ascii_case(OWN)
            }
            // A literal beginning keeps it apart from others.
            Some(Level::Named { before, .. }) => !before.is_empty() && !before.starts_with('$'),
            Some(Level::Any | Level::Rest) | None => false,
        };
        if !is_own {
            return Err(TopicFault::First);
        }
        let mut names: Vec<&str> = levels.iter().filter_map(Level::name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        if names.len() < all || all > CAPTURES_MAX {
            return Err(TopicFault::Captures);
        }
        Ok(Self {
            text: text.into(),
            levels,
        })
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns true if a name is among the captures.
    #[must_use]
    pub(super) fn has_capture(&self, name: &str) -> bool {
        self.levels.iter().any(|level| level.name() == Some(name))
    }

    /// Returns a level if it is a literal word, for finding patterns quickly.
    #[must_use]
    pub(super) fn word(&self, place: usize) -> Option<&str> {
        match self.levels.get(place)? {
            Level::Word(word) => Some(word),
            Level::Any | Level::Rest | Level::Named { .. } => None,
        }
    }

    /// Returns what the names stand for if the topic fits.
    #[must_use]
    pub(super) fn captures(&self, topic: &str) -> Option<Captures> {
        let mut captures = Captures::new();
        let mut rest = topic.split('/');
        for level in &self.levels {
            if *level == Level::Rest {
                return Some(captures);
            }
            let found = rest.next()?;
            match level {
                Level::Word(word) if **word == *found => {}
                Level::Word(_) | Level::Rest => return None,
                Level::Any => {}
                Level::Named {
                    before,
                    name,
                    after,
                } => {
                    let inner = found.strip_prefix(&**before)?.strip_suffix(&**after)?;
                    if inner.is_empty() {
                        return None;
                    }
                    captures.insert(name.clone(), inner.to_owned());
                }
            }
        }
        rest.next().is_none().then_some(captures)
    }
}

impl Level {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Named { name, .. } => Some(name),
            Self::Word(_) | Self::Any | Self::Rest => None,
        }
    }
}

fn parse_level(text: &str) -> Result<Level, TopicFault> {
    match text {
        "+" => return Ok(Level::Any),
        "#" => return Ok(Level::Rest),
        _ => {}
    }
    if text.contains(['+', '#']) {
        return Err(TopicFault::Shape);
    }
    let Some((before, rest)) = text.split_once('{') else {
        let is_plain = !text.contains('}');
        return is_plain
            .then(|| Level::Word(text.into()))
            .ok_or(TopicFault::Shape);
    };
    let (name, after) = rest.split_once('}').ok_or(TopicFault::Shape)?;
    let is_name = (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name || after.contains(['{', '}']) || before.contains('}') {
        return Err(TopicFault::Shape);
    }
    Ok(Level::Named {
        before: before.into(),
        name: name.into(),
        after: after.into(),
    })
}

#[cfg(test)]
#[path = "topic_tests.rs"]
mod tests;
