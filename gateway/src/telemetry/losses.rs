//! What agents say of records that they gave up. Which numbers are lost for good shows in the
//! stream's gaps, as its lowest held number passes them; here it is told why, and counted. The log
//! gets a line a minute of each kind and agent, so that a broken outbox does not fill it.

use std::collections::HashMap;

use scheduler::time::{MINUTE_US, Micros};
use wire::{AgentName, DropReason};

use super::board::{Board, add};

/// Logs losses.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// By agent and kind: when it was last logged, and how many records and reports came since.
    logged: HashMap<(AgentName, &'static str), (Micros, u64, u64)>,
}

impl Losses {
    /// Notes a report of dropped records; `count` is bounded by the numbers it names.
    pub(super) fn dropped(
        &mut self,
        board: &Board,
        agent: &AgentName,
        (from, to): (u64, u64),
        (count, reason): (Option<u64>, Option<DropReason>),
        now: Micros,
    ) {
        let all = to.saturating_sub(from).saturating_add(1);
        let records = count.unwrap_or(all).min(all);
        let reason = reason.unwrap_or(DropReason::Other).as_str();
        board.drop_records(reason, records);
        if let Some((records, reports)) = self.is_to_be_told(agent, reason, records, now) {
            tracing::warn!(%agent, from, to, records, reports, reason, "an agent's outbox dropped records");
        }
    }

    /// Notes that an agent's outbox was damaged.
    pub(super) fn damaged(
        &mut self,
        board: &Board,
        agent: &AgentName,
        (kept, renewed): (u64, bool),
        now: Micros,
    ) {
        add(&board.counters.damaged_outboxes, 1);
        if let Some((_, reports)) = self.is_to_be_told(agent, "damaged", 0, now) {
            tracing::warn!(
                %agent,
                kept,
                reports,
                new_stream = renewed,
                "an agent's outbox was damaged: what it could not read and had not sent is lost"
            );
        }
    }

    /// Notes numbers that never came and never will.
    pub(super) fn lost(
        &mut self,
        board: &Board,
        agent: &AgentName,
        (first, last): (u64, u64),
        now: Micros,
    ) {
        let records = last.saturating_sub(first).saturating_add(1);
        add(&board.counters.gaps, records);
        if let Some((records, reports)) = self.is_to_be_told(agent, "lost", records, now) {
            tracing::warn!(%agent, first, last, records, reports, "records of an agent are lost");
        }
    }

    /// Returns how many records and reports to tell of, if the kind was silent for a minute.
    fn is_to_be_told(
        &mut self,
        agent: &AgentName,
        kind: &'static str,
        records: u64,
        now: Micros,
    ) -> Option<(u64, u64)> {
        let logged = self.logged.entry((agent.clone(), kind));
        let (last, all, reports) = logged.or_insert((Micros::new(i64::MIN), 0, 0));
        *all = all.saturating_add(records);
        *reports += 1;
        if !is_silent(*last, now) {
            return None;
        }
        *last = now;
        Some((std::mem::take(all), std::mem::take(reports)))
    }

    /// Tells of what came within a minute of the last line, once that minute is over.
    pub(super) fn tick(&mut self, now: Micros) {
        for (agent, kind, records, reports) in self.overdue(now) {
            tracing::warn!(%agent, kind, records, reports, "more losses of an agent since the last line");
        }
    }

    /// Takes what is to be told and was not, and forgets who was silent for a minute.
    fn overdue(&mut self, now: Micros) -> Vec<(AgentName, &'static str, u64, u64)> {
        let mut overdue = Vec::new();
        self.logged.retain(|(agent, kind), (last, all, reports)| {
            if !is_silent(*last, now) {
                return true;
            }
            if *reports == 0 {
                return false;
            }
            *last = now;
            let told = (std::mem::take(all), std::mem::take(reports));
            overdue.push((agent.clone(), *kind, told.0, told.1));
            true
        });
        overdue
    }
}

/// A minute passed since the last line, or the clock was set back.
fn is_silent(last: Micros, now: Micros) -> bool {
    !(0..MINUTE_US).contains(&(now - last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_reports_is_a_line_a_minute_with_their_sum() {
        let mut losses = Losses::default();
        let agent = AgentName::parse("lab-1").unwrap();
        let told: Vec<(u64, u64)> = (0..125)
            .filter_map(|second| {
                let now = Micros::new(second * 1_000_000);
                losses.is_to_be_told(&agent, "lost", 2, now)
            })
            .collect();
        assert_eq!(told, [(2, 1), (120, 60), (120, 60)]);
        let other = AgentName::parse("lab-2").unwrap();
        let now = Micros::new(125_000_000);
        assert_eq!(losses.is_to_be_told(&other, "lost", 1, now), Some((1, 1)));
        assert_eq!(
            losses.is_to_be_told(&agent, "disk_full", 1, now),
            Some((1, 1))
        );
    }

    #[test]
    fn the_end_of_a_flood_is_told_when_its_minute_is_over() {
        let mut losses = Losses::default();
        let agent = AgentName::parse("lab-1").unwrap();
        let second = |number: i64| Micros::new(number * 1_000_000);
        for at in 0..20 {
            losses.is_to_be_told(&agent, "lost", 2, second(at));
        }
        assert_eq!(losses.overdue(second(59)), []);
        let told = (agent.clone(), "lost", 38, 19);
        assert_eq!(losses.overdue(second(60)), [told]);
        assert_eq!(losses.overdue(second(119)), []);
        assert_eq!(losses.logged.len(), 1);
        assert_eq!(losses.overdue(second(120)), []);
        assert!(losses.logged.is_empty());
        losses.is_to_be_told(&agent, "lost", 2, second(5_000));
        // The clock is set back by an hour.
        let told = losses.is_to_be_told(&agent, "lost", 2, second(1_400));
        assert_eq!(told, Some((2, 1)));
    }
}
