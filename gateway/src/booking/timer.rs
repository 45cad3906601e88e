//! The timer: what is due is decided once, in the order of its moments, however late.

use std::time::Duration;

use super::agenda::Due;
use super::ask::Command;
use super::desk::{Desk, GROUP_MAX};
use super::group::Group;

/// How often the timer looks.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// Decides something whose moment has come.
#[derive(Debug, Clone)]
pub struct Settle {
    /// What.
    pub(super) due: Due,
}

impl Desk {
    /// Decides what is due. What cannot be committed now is due again at the next look.
    pub(super) async fn serve_due(&mut self) {
        loop {
            let now = self.clock.now();
            let due = self.ledger.load().agenda.due(now, GROUP_MAX);
            if due.is_empty() {
                return;
            }
            let settle = |due| Command::from(Settle { due });
            let commands: Vec<Command> = due.into_iter().map(settle).collect();
            let commands: Vec<&Command> = commands.iter().collect();
            if let Err(failure) = self.attempt(&commands).await {
                self.reload_instruments(&failure.touched).await;
                return;
            }
        }
    }
}

impl Group<'_> {
    /// Decides what is due now, before anything is judged: who asks for a place finds it free from
    /// the moment on at which it is, not from the next look of the timer.
    pub(super) fn settle_due(&mut self) {
        for due in self.writes.ledger.agenda.due(self.now, GROUP_MAX) {
            self.settle(&Settle { due });
        }
    }

    /// Decides what is due. It is no longer on the agenda afterwards, whatever is decided.
    pub(super) fn settle(&mut self, asked: &Settle) {
        match asked.due {
            Due::Hold(id) => self.end_hold(id),
            Due::Offer(id) => self.end_offer(id),
            Due::Wait(id) => self.end_wait(id),
            Due::Approval(id) => self.end_approval(id),
            // Its witness asks.
            Due::Presence(_) => {}
        }
    }
}
