//! From an agent's clocks to the gateway's time.
//!
//! A record carries the agent's wall and monotonic clock at recording, a batch carries both at
//! sending. What is right depends on what is known:
//!
//! 1. Recorded in the boot it is sent in: the monotonic distance back from sending. The anchor of
//!    that boot (gateway time minus monotonic time) is the least seen, since a message can only be
//!    late; it may rise by [`DRIFT_PPM`], since oscillators drift.
//! 2. Recorded in an earlier boot whose anchor is remembered: that anchor.
//! 3. Else the wall clock, corrected by what it is off at sending; then the uncertainty is at least
//!    that correction.
//!
//! A wall clock that is decades off therefore does no harm in cases 1 and 2. Steps of the gateway's
//! own wall clock move all anchors; a monotonic clock that stood still while the machine slept is
//! recognised by its wall clock, which did not. Mapped times are whole milliseconds.

use std::collections::HashMap;

use scheduler::time::{MINUTE_US, Micros, SECOND_US};
use wire::{AgentName, Batch, BootId, Clocks};

use crate::history::{BootClock, ClockMark};

/// How fast an anchor may rise: more than oscillators drift, less than matters within minutes.
const DRIFT_PPM: i64 = 200;

/// An anchor in use moves only when the best one is so far off, so that a steady device gets steady
/// times.
const STICKY_US: i64 = 20_000;

/// A jump of a clock against another is one from here on.
const JUMP_US: i64 = 2 * SECOND_US;

/// Boots remembered for one agent; the least recent goes first.
const BOOTS_MAX: usize = 64;

/// Uncertainty of a time from an anchor just made.
const LATENCY_US: i64 = 100_000;

/// Times before it come from clocks that were never set: 2020-01-01.
const EARLIEST_US: i64 = 1_577_836_800 * SECOND_US;

/// How far into the future a reading may lie.
const FUTURE_US: i64 = 5 * MINUTE_US;

/// A record's place in the gateway's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    /// When it was recorded, in milliseconds since 1970 UTC.
    pub(super) at_ms: i64,
    /// What is stored besides.
    pub(super) mark: ClockMark,
}

/// Which times are possible for readings received now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Possible {
    /// Earliest, in milliseconds.
    pub(super) from_ms: i64,
    /// Latest, in milliseconds.
    pub(super) to_ms: i64,
}

impl Possible {
    /// Returns what is possible now: from where readings are kept as they came, `raw_from` (and not
    /// before 2020), to 5 minutes ahead.
    pub(super) fn now(now: Micros, raw_from: Micros) -> Self {
        Self {
            from_ms: raw_from.get().max(EARLIEST_US).div_euclid(1_000),
            to_ms: (now.get() + FUTURE_US).div_euclid(1_000),
        }
    }

    /// Returns the reason why a time is not possible.
    pub(super) fn refusal(self, time_ms: i64) -> Option<&'static str> {
        if time_ms > self.to_ms {
            Some("future_time")
        } else if time_ms < self.from_ms {
            Some("too_old")
        } else {
            None
        }
    }
}

/// Gateway time minus monotonic time of one boot.
#[derive(Debug, Clone)]
struct Anchor {
    boot: BootId,
    best_us: i64,
    best_at: Micros,
    used_us: i64,
    /// Wall minus monotonic clock of the device at the last sending.
    wall_us: Option<i64>,
    seen: Micros,
}

/// All agents' anchors.
#[derive(Debug)]
pub(super) struct ClockBook {
    agents: HashMap<AgentName, Vec<Anchor>>,
    /// The gateway's clocks as last seen.
    gateway: (Micros, i64),
    /// Anchors that are new or moved since they were last taken.
    moved: Vec<BootClock>,
}

fn micros(ms: i64) -> i64 {
    ms.saturating_mul(1_000)
}

impl ClockBook {
    /// Starts from what the store remembers. `now` and `mono_us` are the gateway's clocks.
    pub(super) fn new(boots: Vec<BootClock>, now: Micros, mono_us: i64) -> Self {
        let mut agents: HashMap<AgentName, Vec<Anchor>> = HashMap::new();
        for boot in boots {
            agents.entry(boot.agent).or_default().push(Anchor {
                boot: boot.boot,
                best_us: boot.offset_us,
                best_at: boot.seen,
                used_us: boot.offset_us,
                wall_us: None,
                seen: boot.seen,
            });
        }
        Self {
            agents,
            gateway: (now, mono_us),
            moved: Vec::new(),
        }
    }

    /// Follows steps of the gateway's wall clock.
    pub(super) fn follow_gateway(&mut self, now: Micros, mono_us: i64) {
        let (last, last_mono_us) = self.gateway;
        self.gateway = (now, mono_us);
        let jump_us = (now - last).saturating_sub(mono_us.saturating_sub(last_mono_us));
        if jump_us.abs() < JUMP_US {
            return;
        }
        tracing::warn!(
            jump_ms = jump_us / 1_000,
            "the gateway's wall clock was set"
        );
        for (agent, anchors) in &mut self.agents {
            for anchor in anchors {
                anchor.best_us = anchor.best_us.saturating_add(jump_us);
                anchor.used_us = anchor.used_us.saturating_add(jump_us);
                anchor.best_at = Micros::new(anchor.best_at.get().saturating_add(jump_us));
                // A start soon after must not go back to the clock that was wrong.
                self.moved.push(BootClock {
                    agent: agent.clone(),
                    boot: anchor.boot.clone(),
                    offset_us: anchor.used_us,
                    seen: anchor.seen,
                });
            }
        }
    }

    /// Takes note of an agent's clocks at sending, received now.
    pub(super) fn hear(&mut self, agent: &AgentName, boot: &BootId, sent: Clocks, now: Micros) {
        let fresh_us = now.get().saturating_sub(micros(sent.mono_ms));
        let wall_us = micros(sent.wall_ms).saturating_sub(micros(sent.mono_ms));
        if !self.agents.contains_key(agent) {
            self.agents.insert(agent.clone(), Vec::new());
        }
        let anchors = self.agents.get_mut(agent).expect("it was just added");
        let moved = match anchors.iter_mut().find(|anchor| anchor.boot == *boot) {
            Some(anchor) => anchor.hear(fresh_us, wall_us, now),
            None => {
                if anchors.len() >= BOOTS_MAX {
                    let least = (0..)
                        .zip(anchors.iter())
                        .min_by_key(|(_, anchor)| anchor.seen);
                    if let Some((at, _)) = least {
                        anchors.remove(at);
                    }
                }
                anchors.push(Anchor {
                    boot: boot.clone(),
                    best_us: fresh_us,
                    best_at: now,
                    used_us: fresh_us,
                    wall_us: Some(wall_us),
                    seen: now,
                });
                true
            }
        };
        let anchor = anchors.iter().find(|anchor| anchor.boot == *boot);
        if let Some(anchor) = anchor.filter(|_| moved) {
            self.moved.push(BootClock {
                agent: agent.clone(),
                boot: boot.clone(),
                offset_us: anchor.used_us,
                seen: now,
            });
        }
    }

    /// Returns a batch's place in the gateway's time; it must have been heard before. Without an
    /// anchor of its boot the wall clock tells, put right by how wrong that of the sending boot is now;
    /// where that gives no possible time, as it was told.
    pub(super) fn place(
        &self,
        agent: &AgentName,
        batch: &Batch,
        now: Micros,
        possible: Possible,
    ) -> Placed {
        let record = &batch.record;
        let anchors = self.agents.get(agent).map_or(&[][..], Vec::as_slice);
        let anchor = anchors.iter().find(|anchor| anchor.boot == record.boot);
        let (at_us, uncertainty_us) = match anchor {
            Some(anchor) => {
                let at_us = anchor.used_us.saturating_add(micros(record.at.mono_ms));
                let age_us = (now - anchor.best_at).max(0);
                (at_us, LATENCY_US.saturating_add(drift(age_us)))
            }
            None => {
                let off_us = now.get().saturating_sub(micros(batch.sent.wall_ms));
                let told_us = micros(record.at.wall_ms);
                let mended_us = told_us.saturating_add(off_us);
                let is_possible = |us: i64| possible.refusal(us.div_euclid(1_000)).is_none();
                let at_us = if !is_possible(mended_us) && is_possible(told_us) {
                    told_us
                } else {
                    mended_us
                };
                (at_us, SECOND_US.saturating_add(off_us.saturating_abs()))
            }
        };
        let skew_us = micros(record.at.wall_ms).saturating_sub(at_us);
        let lag_us = now.get().saturating_sub(at_us).max(0);
        Placed {
            at_ms: at_us.div_euclid(1_000),
            mark: ClockMark {
                skew_ds: clamp(skew_us / 100_000),
                lag_s: clamp(lag_us / SECOND_US),
                uncertainty_ds: clamp(uncertainty_us.saturating_sub(LATENCY_US) / 100_000),
            },
        }
    }

    /// Returns by how many milliseconds the wall clock of an agent's boot was ahead of the gateway's
    /// at its last message, to the accuracy of the anchor; `None` if that boot sent none.
    pub(super) fn skew_ms(&self, agent: &AgentName, boot: &BootId) -> Option<i64> {
        let anchors = self.agents.get(agent)?;
        let anchor = anchors.iter().find(|anchor| anchor.boot == *boot)?;
        let skew_us = anchor.wall_us?.saturating_sub(anchor.used_us);
        Some(skew_us / 1_000)
    }

    /// Returns anchors to store.
    pub(super) fn take_moved(&mut self) -> Vec<BootClock> {
        std::mem::take(&mut self.moved)
    }
}

impl Anchor {
    /// Takes note of a message's anchor. Returns true if the one in use moved.
    fn hear(&mut self, fresh_us: i64, wall_us: i64, now: Micros) -> bool {
        let age_us = (now - self.best_at).max(0);
        let risen_us = self.best_us.saturating_add(drift(age_us));
        let late_us = fresh_us.saturating_sub(risen_us);
        // As far as the agent's wall clock is ahead of ours. One that is right, and a stored anchor
        // that makes the message late: our clock was set while nobody looked. A message that lay in
        // a broker's queue was sent by an old wall clock.
        let ahead_us = wall_us.saturating_sub(fresh_us);
        let was_set = self.wall_us.is_none() && late_us > JUMP_US && ahead_us.abs() < JUMP_US;
        let slept_us = self
            .wall_us
            .map_or(0, |before| wall_us.saturating_sub(before));
        self.wall_us = Some(wall_us);
        self.seen = now;
        // Late by as much as the wall clock gained on the monotonic one: that one stood still.
        let has_slept = late_us > JUMP_US && slept_us.saturating_sub(late_us).abs() < JUMP_US;
        if fresh_us <= risen_us || has_slept || was_set {
            self.best_us = fresh_us;
            self.best_at = now;
        }
        let best_us = self
            .best_us
            .saturating_add(drift((now - self.best_at).max(0)));
        let off_us = best_us.saturating_sub(self.used_us);
        if (0..=STICKY_US).contains(&off_us) {
            return false;
        }
        self.used_us = best_us;
        true
    }
}

fn drift(age_us: i64) -> i64 {
    // Multiplying first would overflow only after 1,400 years.
    age_us.saturating_mul(DRIFT_PPM) / 1_000_000
}

fn clamp(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
#[path = "clocks_tests.rs"]
mod tests;
