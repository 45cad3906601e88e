//! What somebody has to have learnt, and whether they still can.

use crate::time::{Micros, Span};

/// Most characters of a qualification's name.
const NAME_CHARACTERS_MAX: usize = 64;

/// The stable name of a qualification, such as `xrd-basic`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualificationName(String);

impl QualificationName {
    /// Parses 1 to 64 of `a-z`, `0-9`, `-` and `_`; anything else is nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let fits = (1..=NAME_CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(known);
        fits.then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A qualification that a member was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Which.
    pub name: QualificationName,
    /// From when it holds.
    pub since: Micros,
    /// The first instant at which it no longer holds.
    pub expires: Option<Micros>,
    /// The end of the last use of what it is for.
    pub last_use: Option<Micros>,
}

/// Why a qualification does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// It was never given.
    Missing,
    /// It holds only from then.
    NotYet(Micros),
    /// It ends then, before the wanted end.
    Expires(Micros),
    /// It was last used (or, never used, given) then, too long ago.
    Disused(Micros),
}

impl Granted {
    /// Returns what speaks against use over a slot: first that it does not hold yet, then that it
    /// expires before the end, then that at `now` it has not been used for longer than `disuse`.
    #[must_use]
    pub fn lack(
        &self,
        (start, end): (Micros, Micros),
        now: Micros,
        disuse: Option<Span>,
    ) -> Option<Lack> {
        if self.since > start {
            return Some(Lack::NotYet(self.since));
        }
        if let Some(expires) = self.expires.filter(|expires| *expires < end) {
            return Some(Lack::Expires(expires));
        }
        let last = self
            .last_use
            .map_or(self.since, |last| last.max(self.since));
        let is_disused = disuse.is_some_and(|disuse| last + disuse < now);
        is_disused.then_some(Lack::Disused(last))
    }
}
