//! Who is signed in. Looked up in memory; begun and ended through the desk.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use scheduler::id::MemberId;
use scheduler::time::{HOUR_US, Micros, Span};

use crate::registry::SecretHash;

/// Limits of sessions.
#[derive(Debug, Clone, Copy)]
pub struct SessionSettings {
    /// A session that was not used for so long ends.
    pub idle: Span,
    /// A session ends so long after it began.
    pub absolute: Span,
}

impl Default for SessionSettings {
    fn default() -> Self {
        let hours = |hours: i64| Span::new(hours * HOUR_US).unwrap_or_default();
        Self {
            idle: hours(8),
            absolute: hours(24),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Session {
    member: MemberId,
    created_at: Micros,
    seen_at: Micros,
}

/// All sessions, by the hash of their id.
#[derive(Debug)]
pub struct Sessions {
    settings: SessionSettings,
    held: RwLock<HashMap<SecretHash, Session>>,
}

impl Sessions {
    /// Returns no sessions.
    #[must_use]
    pub fn new(settings: SessionSettings) -> Self {
        Self {
            settings,
            held: RwLock::default(),
        }
    }

    /// Returns the limits.
    #[must_use]
    pub fn settings(&self) -> SessionSettings {
        self.settings
    }

    /// Returns whose session it is, if it has not ended, and notes that it was used.
    #[must_use]
    pub fn member(&self, id: &SecretHash, now: Micros) -> Option<MemberId> {
        let session = *self
            .held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)?;
        if !self.is_valid(&session, now) {
            return None;
        }
        // Noting every use would make every reader a writer; a minute is exact enough.
        if now - session.seen_at > 60_000_000 {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(session) = held.get_mut(id) {
                session.seen_at = now;
            }
        }
        Some(session.member)
    }

    /// Returns whose session it is, if it has not ended, and leaves it as it is.
    #[must_use]
    pub fn peek(&self, id: &SecretHash, now: Micros) -> Option<MemberId> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let session = held.get(id).copied();
        let session = session.filter(|session| self.is_valid(session, now));
        session.map(|session| session.member)
    }

    pub(super) fn begin(&self, id: SecretHash, member: MemberId, now: Micros) {
        let session = Session {
            member,
            created_at: now,
            seen_at: now,
        };
        self.held
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, session);
    }

    pub(super) fn end(&self, id: &SecretHash) {
        self.held
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
    }

    /// Ends every session of a member.
    pub(super) fn end_all(&self, member: MemberId) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, session| session.member != member);
    }

    /// Ends every session of a member but one.
    pub(super) fn end_others(&self, member: MemberId, kept: SecretHash) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.retain(|id, session| session.member != member || *id == kept);
    }

    /// Takes what the database holds. Uses since then are unknown: idle time counts from the begin.
    pub(super) fn replace(&self, loaded: Vec<(SecretHash, MemberId, Micros)>) {
        let session = |(id, member, at)| {
            (
                id,
                Session {
                    member,
                    created_at: at,
                    seen_at: at,
                },
            )
        };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) =
            loaded.into_iter().map(session).collect();
    }

    pub(super) fn drop_ended(&self, now: Micros) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, session| self.is_valid(session, now));
    }

    fn is_valid(&self, session: &Session, now: Micros) -> bool {
        now - session.seen_at <= self.settings.idle.get()
            && now - session.created_at <= self.settings.absolute.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_idle_or_old() {
        let sessions = Sessions::new(SessionSettings::default());
        let (id, member) = (SecretHash::of("x"), MemberId::new(1));
        let at = |hours: i64| Micros::new(hours * HOUR_US);
        sessions.begin(id, member, at(0));
        for hour in [7, 14, 21] {
            assert_eq!(sessions.member(&id, at(hour)), Some(member));
        }
        assert_eq!(sessions.member(&id, at(25)), None, "it is a day old");
        sessions.begin(id, member, at(0));
        assert_eq!(sessions.peek(&id, at(8)), Some(member));
        assert_eq!(sessions.peek(&id, at(9)), None);
        assert_eq!(sessions.member(&id, at(9)), None, "it was idle");
    }
}
