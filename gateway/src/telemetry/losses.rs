//! What agents say of records that they gave up. Which numbers are lost for good shows in the
//! stream's gaps, as its lowest held number passes them; here it is told why, and counted.

use wire::{AgentName, DropReason};

use super::board::{Board, add};

/// Notes a report of dropped records; `count` is bounded by the numbers it names.
pub(super) fn dropped(
    board: &Board,
    agent: &AgentName,
    (from, to): (u64, u64),
    count: Option<u64>,
    reason: Option<DropReason>,
) {
    let all = to.saturating_sub(from).saturating_add(1);
    let records = count.unwrap_or(all).min(all);
    let reason = reason.unwrap_or(DropReason::Other).as_str();
    board.drop_records(reason, records);
    tracing::warn!(%agent, from, to, records, reason, "an agent's outbox dropped records");
}

/// Notes that an agent's outbox was damaged.
pub(super) fn damaged(board: &Board, agent: &AgentName, kept: u64, renewed: bool) {
    add(&board.counters.damaged_outboxes, 1);
    tracing::warn!(
        %agent,
        kept,
        new_stream = renewed,
        "an agent's outbox was damaged: what it could not read and had not sent is lost"
    );
}
