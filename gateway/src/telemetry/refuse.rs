//! Messages that cannot be accepted: counted by reason, kept in quarantine, logged once a minute a
//! reason, so that a broken device fills neither the disk nor the log.

use std::collections::HashMap;

use bytes::Bytes;
use scheduler::time::{MINUTE_US, Micros};

use super::board::Board;
use crate::history::{PAYLOAD_KEPT_MAX, Quarantined};

/// Most rows put into quarantine in one group commit; more are counted only.
const ROWS_MAX: usize = 64;

/// Most characters of a topic or detail that are kept.
const TEXT_CHARS_MAX: usize = 256;

/// Logs each reason once a minute.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// When each reason was last logged, and how many came since.
    logged: HashMap<&'static str, (Micros, u64)>,
}

impl Refusals {
    /// Counts a refused message or part of one, logs it if its reason was silent for a minute, and
    /// puts it into quarantine.
    pub(super) fn refuse(
        &mut self,
        board: &Board,
        (topic, payload): (&str, &Bytes),
        (reason, detail): (&'static str, &str),
        now: Micros,
        quarantine: &mut Vec<Quarantined>,
    ) {
        board.reject(reason);
        let short = |text: &str| text.chars().take(TEXT_CHARS_MAX).collect::<String>();
        let (last, count) = self
            .logged
            .entry(reason)
            .or_insert((Micros::new(i64::MIN), 0));
        *count += 1;
        if now - *last >= MINUTE_US {
            tracing::warn!(
                reason,
                topic = short(topic),
                detail = short(detail),
                count = *count,
                bytes = payload.len(),
                "messages were refused"
            );
            *last = now;
            *count = 0;
        }
        if quarantine.len() < ROWS_MAX {
            let kept = payload.len().min(PAYLOAD_KEPT_MAX);
            quarantine.push(Quarantined {
                at: now,
                topic: short(topic),
                reason,
                detail: short(detail),
                bytes: payload.len(),
                // A copy, so that the cut does not keep the whole message alive.
                payload: Bytes::copy_from_slice(payload.get(..kept).unwrap_or_default()),
            });
        }
    }
}
