//! Series for readers: the past from the store elsewhere, what it cannot have yet from the embedded
//! store.
//!
//! ```text
//!            began                              settled
//! --embedded--|--------- store elsewhere ----------|--embedded--> now
//! ```
//!
//! `began`: readings committed before were never sent. `settled`: a minute ago, or a minute before
//! the oldest commit that is not delivered, because a store shows what it took only after a while. A
//! late reading is seen when its commit is delivered. Once the follower had to give rows up, the store
//! elsewhere is asked only for what this one has let go. When the store elsewhere does not answer, the
//! embedded store does, as long as it keeps readings of that age, and the other is left alone a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use scheduler::id::InstrumentId;
use scheduler::time::{MINUTE_US, Micros, SECOND_US, Span};
use wire::ChannelName;

use super::counts::FollowCounts;
use super::points::{
    Asked, append_raw, append_steps, check_size, good_ms, raw_series, step_series,
};
use super::web::Web;
use super::{flux, victoria};
use crate::clock::Clock;
use crate::config::{Elsewhere, Kind};
use crate::history::{
    BacklogView, ElsewhereCounts, History, HistoryError, RawSeries, STEPS_MAX, StepSeries,
    StoreElsewhere, first_step,
};

/// How long after their commit readings are surely shown by the store elsewhere. VictoriaMetrics
/// holds the last 30 s of range queries back (`-search.latencyOffset`).
const SETTLE_US: i64 = MINUTE_US;

/// How long a store that did not answer is left alone, so that not every reader waits for it anew.
const REST_US: i64 = 30 * SECOND_US;

/// Reads one store elsewhere.
#[derive(Debug)]
pub(super) struct Past {
    web: Web,
    kind: Kind,
    clock: Clock,
    counts: Arc<FollowCounts>,
    /// Until when it is left alone, by the clock that never goes back.
    rests_until_us: AtomicI64,
}

/// The part of a window `[from, to)` that the store elsewhere answers for, in microseconds; empty if
/// its begin is not before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    from: i64,
    to: i64,
}

#[async_trait]
impl StoreElsewhere for Past {
    async fn raw(
        &self,
        history: &History,
        of: (InstrumentId, &ChannelName),
        (from, to): (Micros, Micros),
    ) -> Result<RawSeries, HistoryError> {
        let (instrument, channel) = of;
        let Some(part) = self.part(history, (from, to), 1_000) else {
            return history.raw(instrument, channel, from, to).await;
        };
        let older = match self.raw_elsewhere(of, part).await {
            Err(HistoryError::Elsewhere { why }) => {
                self.note_failure(history, part.from, why)?;
                return history.raw(instrument, channel, from, to).await;
            }
            answer => answer?,
        };
        let mut series = RawSeries::default();
        if from.get() < part.from {
            let upto = Micros::new(part.from);
            series = history.raw(instrument, channel, from, upto).await?;
        }
        append_raw(&mut series, older);
        if part.to < to.get() {
            let rest = history.raw(instrument, channel, Micros::new(part.to), to);
            append_raw(&mut series, rest.await?);
        }
        check_size(&series)?;
        Ok(series)
    }

    async fn stepped(
        &self,
        history: &History,
        of: (InstrumentId, &ChannelName),
        (from, to): (Micros, Micros),
        step: Span,
    ) -> Result<StepSeries, HistoryError> {
        let (instrument, channel) = of;
        let from = first_step(from, step);
        let step_ms = (step.get() / 1_000).max(1);
        let steps = to.get().saturating_sub(from.get()) / 1_000 / step_ms;
        if usize::try_from(steps).is_ok_and(|steps| steps > STEPS_MAX) {
            return Err(HistoryError::TooMany { max: STEPS_MAX });
        }
        let Some(part) = self.part(history, (from, to), step_ms * 1_000) else {
            return history.stepped(instrument, channel, from, to, step).await;
        };
        let older = match self.stepped_elsewhere(of, part, step_ms).await {
            Err(HistoryError::Elsewhere { why }) => {
                self.note_failure(history, part.from, why)?;
                return history.stepped(instrument, channel, from, to, step).await;
            }
            answer => answer?,
        };
        let mut series = StepSeries::default();
        if from.get() < part.from {
            let upto = Micros::new(part.from);
            series = history
                .stepped(instrument, channel, from, upto, step)
                .await?;
        }
        append_steps(&mut series, older);
        if part.to < to.get() {
            let rest = history.stepped(instrument, channel, Micros::new(part.to), to, step);
            append_steps(&mut series, rest.await?);
        }
        // How long each reading speaks is only known here.
        let own = history.stepped(instrument, channel, from, to, step).await?;
        series.good_ms = good_ms(&series.times_ms, &own);
        Ok(series)
    }

    fn counts(&self) -> ElsewhereCounts {
        self.counts.view()
    }

    fn ready(&self) -> Result<(), String> {
        let told = |why| {
            format!(
                "外部遥测库不可写，数据在本机排队 / \
                 the store elsewhere takes nothing, readings wait here: {why}"
            )
        };
        self.counts.why_not().map(told).map_or(Ok(()), Err)
    }
}

impl Past {
    /// Returns the readers' end of a store; nothing is sent yet.
    pub(super) fn new(
        elsewhere: &Elsewhere,
        clock: &Clock,
        counts: &Arc<FollowCounts>,
    ) -> Result<Self, String> {
        Ok(Self {
            web: Web::new(elsewhere)?,
            kind: elsewhere.kind.clone(),
            clock: clock.clone(),
            counts: Arc::clone(counts),
            rests_until_us: AtomicI64::new(i64::MIN),
        })
    }

    /// Returns the part of a window that the store elsewhere is asked for; `None` for nothing.
    fn part(&self, history: &History, window: (Micros, Micros), step_us: i64) -> Option<Part> {
        let backlog = history.backlog()?;
        let now = self.clock.now();
        let mut part = part_of(window, step_us, &backlog, now);
        if backlog.lost_rows > 0 {
            // There are holes there, and until when they reach is when they were made, not of what
            // readings: whatever is still kept here is answered from here.
            let kept_from = history.kept_from(now, window.0, step_us);
            part.to = part.to.min(up_to_step(part.from, step_us, kept_from.get()));
        }
        let rests = self.clock.mono_us() < self.rests_until_us.load(Ordering::Relaxed);
        let is_asked = part.from < part.to && !(rests && self.is_kept(history, part.from));
        is_asked.then_some(part)
    }

    /// Returns true if the embedded store still has readings of that time too.
    fn is_kept(&self, history: &History, from_us: i64) -> bool {
        from_us >= history.raw_from(self.clock.now()).get()
    }

    /// Notes that the store did not answer. The embedded one may answer instead while it has what is
    /// asked for.
    fn note_failure(
        &self,
        history: &History,
        from_us: i64,
        why: String,
    ) -> Result<(), HistoryError> {
        self.counts.read_failed(&why);
        let until_us = self.clock.mono_us() + REST_US;
        self.rests_until_us.store(until_us, Ordering::Relaxed);
        if self.is_kept(history, from_us) {
            return Ok(());
        }
        Err(HistoryError::Elsewhere { why })
    }

    /// Returns the store's own points.
    async fn raw_elsewhere(
        &self,
        of: (InstrumentId, &ChannelName),
        part: Part,
    ) -> Result<RawSeries, HistoryError> {
        let asked = asked(of, part);
        let points = match &self.kind {
            Kind::Victoria => victoria::points(&self.web, asked).await?,
            Kind::Influx { org, bucket } => flux::points(&self.web, (org, bucket), asked).await?,
        };
        raw_series(points)
    }

    /// Returns the store's own steps.
    async fn stepped_elsewhere(
        &self,
        of: (InstrumentId, &ChannelName),
        part: Part,
        step_ms: i64,
    ) -> Result<StepSeries, HistoryError> {
        let asked = asked(of, part);
        let steps = match &self.kind {
            Kind::Victoria => victoria::steps(&self.web, asked, step_ms).await?,
            Kind::Influx { org, bucket } => {
                flux::steps(&self.web, (org, bucket), asked, step_ms).await?
            }
        };
        step_series(steps)
    }
}

/// Readings are kept in whole milliseconds: the first not before a moment is rounded up.
fn asked(of: (InstrumentId, &ChannelName), part: Part) -> Asked<'_> {
    let up = |us: i64| us.div_euclid(1_000) + i64::from(us.rem_euclid(1_000) > 0);
    Asked {
        instrument: of.0,
        channel: of.1,
        from_ms: up(part.from),
        to_ms: up(part.to),
    }
}

/// Cuts a window to what the store elsewhere has for sure, at whole steps from its begin.
fn part_of((from, to): (Micros, Micros), step_us: i64, backlog: &BacklogView, now: Micros) -> Part {
    let known_us = (backlog.began.get() + SETTLE_US).max(0);
    let settled = backlog.oldest.map_or(now, |oldest| oldest.min(now)).get() - SETTLE_US;
    let from = from.get();
    let begin = up_to_step(from, step_us, known_us);
    let end = if settled >= to.get() {
        to.get()
    } else {
        from.saturating_add((settled - from).div_euclid(step_us).saturating_mul(step_us))
    };
    Part {
        from: begin,
        to: end,
    }
}

/// Returns the first whole step, from a begin on, not before a moment.
fn up_to_step(from_us: i64, step_us: i64, moment_us: i64) -> i64 {
    let length = moment_us.saturating_sub(from_us).max(0);
    let steps = length.div_euclid(step_us) + i64::from(length.rem_euclid(step_us) > 0);
    from_us.saturating_add(steps.saturating_mul(step_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_here_begins_with_a_whole_step() {
        assert_eq!(up_to_step(100, 60, 100), 100);
        assert_eq!(up_to_step(100, 60, 50), 100);
        assert_eq!(up_to_step(100, 60, 101), 160);
        assert_eq!(up_to_step(100, 60, i64::MIN), 100);
    }

    fn part(window_s: (i64, i64), step_s: i64, began_s: i64, oldest_s: Option<i64>) -> (i64, i64) {
        let at = |s: i64| Micros::new(s * SECOND_US);
        let backlog = BacklogView {
            rows: 0,
            bytes: 0,
            bytes_max: 0,
            oldest: oldest_s.map(at),
            began: at(began_s),
            lost_rows: 0,
            lost_until: at(0),
        };
        let window = (at(window_s.0), at(window_s.1));
        let part = part_of(window, step_s * SECOND_US, &backlog, at(10_000));
        (part.from / SECOND_US, part.to / SECOND_US)
    }

    #[test]
    fn the_middle_of_a_window_is_asked_for_elsewhere() {
        // All of it is older than a minute and younger than the begin.
        assert_eq!(part((5_000, 6_000), 60, 0, None), (5_000, 6_000));
        // The last steps are too young; the first too old.
        assert_eq!(part((5_000, 10_000), 60, 0, None), (5_000, 9_920));
        assert_eq!(part((5_000, 6_000), 60, 5_000, None), (5_060, 6_000));
        assert_eq!(part((5_000, 6_000), 70, 5_000, None), (5_070, 6_000));
        // What waits for delivery is not there.
        assert_eq!(part((5_000, 6_000), 1, 0, Some(5_500)), (5_000, 5_440));
        let (from, to) = part((5_000, 6_000), 60, 0, Some(4_000));
        assert!(from >= to);
    }
}
