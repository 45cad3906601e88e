//! Which record goes next: live ones at once, the backlog beside them, lost ones again.
//!
//! Two lanes share the connection. The backlog lane walks from the oldest record that was held when
//! the connection was made; the live lane carries what was recorded since. Each has its own bound
//! of records that are sent and not yet acknowledged by the gateway, so that neither starves the
//! other. A record whose ack does not come is sent again, later and later; an ack shows that the
//! gateway is there and ends the waiting. The rate of the backlog is bounded besides
//! ([`super::pace`]). Pure: time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::ranges::Ranges;

/// Records of the live lane that may be unacknowledged.
pub(super) const LIVE_MAX: usize = 64;

/// Records of the backlog lane that may be unacknowledged.
pub(super) const BACKLOG_MAX: usize = 32;

/// A record is sent again when its ack has not come after this time, then twice as long each time.
const RESEND_MIN: Duration = Duration::from_secs(10);
const RESEND_MAX: Duration = Duration::from_mins(2);

/// After an ack that ends a silence, older unacknowledged records go again after this time.
const RESEND_SOON: Duration = Duration::from_secs(2);

/// A record on its way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    due: Instant,
    wait: Duration,
    is_live: bool,
}

/// A record to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) seq: u64,
    /// Whether it is of the live lane, which no rate bounds.
    pub(super) is_live: bool,
}

/// What is on its way over the present connection.
#[derive(Debug)]
pub(super) struct Window {
    flights: BTreeMap<u64, Flight>,
    /// Next number of the backlog lane, which ends before `live_from`.
    backlog: u64,
    live_from: u64,
    /// Next number of the live lane.
    live: u64,
    in_live: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            flights: BTreeMap::new(),
            backlog: 1,
            live_from: 1,
            live: 1,
            in_live: 0,
        }
    }

    /// Forgets everything: a new connection or a new stream, whose next number is `next`.
    pub(super) fn restart(&mut self, next: u64) {
        *self = Self {
            flights: BTreeMap::new(),
            backlog: 1,
            live_from: next,
            live: next,
            in_live: 0,
        };
    }

    /// Returns the number to send now, if any, and notes it as sent. Only numbers below `before`
    /// are sent, and of the backlog only if it is its time: `backfills`.
    pub(super) fn next(
        &mut self,
        held: &Ranges,
        before: u64,
        backfills: bool,
        now: Instant,
    ) -> Option<Pick> {
        if let Some(pick) = self.overdue(held, now) {
            return Some(pick);
        }
        if self.in_live < LIVE_MAX
            && let Some(seq) = held.next_from(self.live).filter(|seq| *seq < before)
        {
            self.live = seq + 1;
            return Some(self.launch(seq, true, now));
        }
        let seq = self.next_of_backlog(held, before).filter(|_| backfills)?;
        self.backlog = seq + 1;
        Some(self.launch(seq, false, now))
    }

    /// Returns the record of the backlog that goes next, if its lane has room.
    pub(super) fn next_of_backlog(&self, held: &Ranges, before: u64) -> Option<u64> {
        let has_room = self.flights.len() - self.in_live < BACKLOG_MAX;
        let seq = held.next_from(self.backlog).filter(|_| has_room)?;
        (seq < self.live_from.min(before)).then_some(seq)
    }

    /// Forgets what is no longer held; called after each ack and drop.
    pub(super) fn settle(&mut self, held: &Ranges) {
        let in_live = &mut self.in_live;
        self.flights.retain(|seq, flight| {
            let keeps = held.contains(*seq);
            if !keeps && flight.is_live {
                *in_live -= 1;
            }
            keeps
        });
    }

    /// Notes that the gateway acknowledges: what it should have seen by now goes again soon.
    pub(super) fn heard(&mut self, now: Instant) {
        for flight in self.flights.values_mut() {
            if flight.wait > RESEND_MIN {
                flight.wait = RESEND_MIN;
                flight.due = flight.due.min(now + RESEND_SOON);
            }
        }
    }

    /// Returns when the next record must be sent again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.flights.values().map(|flight| flight.due).min()
    }

    /// Returns true if nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    fn launch(&mut self, seq: u64, is_live: bool, now: Instant) -> Pick {
        self.in_live += usize::from(is_live);
        let flight = Flight {
            due: now + RESEND_MIN,
            wait: RESEND_MIN,
            is_live,
        };
        self.flights.insert(seq, flight);
        Pick { seq, is_live }
    }

    fn overdue(&mut self, held: &Ranges, now: Instant) -> Option<Pick> {
        let mut flights = self.flights.iter_mut();
        let (seq, flight) =
            flights.find(|(seq, flight)| flight.due <= now && held.contains(**seq))?;
        flight.wait = (flight.wait * 2).min(RESEND_MAX);
        flight.due = now + flight.wait;
        Some(Pick {
            seq: *seq,
            is_live: flight.is_live,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(from: u64, to: u64) -> Ranges {
        let mut held = Ranges::default();
        held.insert(from, to);
        held
    }

    fn drain(window: &mut Window, held: &Ranges, next: u64, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| window.next(held, next, true, now))
            .map(|pick| pick.seq)
            .collect()
    }

    #[test]
    fn the_backlog_waits_for_its_time_and_for_numbers_that_may_be_sent() {
        let (mut window, now) = (Window::new(), Instant::now());
        window.restart(11);
        let held = held(1, 12);
        let live = |seq| Pick { seq, is_live: true };
        assert_eq!(window.next_of_backlog(&held, 5), Some(1));
        assert_eq!(window.next(&held, 5, false, now), None);
        assert_eq!(drain(&mut window, &held, 5, now), [1, 2, 3, 4]);
        assert_eq!(window.next_of_backlog(&held, 5), None);
        assert_eq!(window.next(&held, 13, false, now), Some(live(11)));
        assert_eq!(window.next(&held, 13, false, now), Some(live(12)));
        assert_eq!(window.next(&held, 13, false, now), None);
        assert_eq!(window.next_of_backlog(&held, 13), Some(5));
    }

    #[test]
    fn backlog_goes_oldest_first_while_live_records_pass() {
        let (mut window, now) = (Window::new(), Instant::now());
        let mut box_ = held(1, 1000);
        window.restart(1001);
        let first = drain(&mut window, &box_, 1001, now);
        assert_eq!(first, (1..=32).collect::<Vec<_>>());
        box_.insert(1001, 1002);
        assert_eq!(drain(&mut window, &box_, 1003, now), [1001, 1002]);
        box_.remove(1, 16);
        window.settle(&box_);
        let more = drain(&mut window, &box_, 1003, now);
        assert_eq!(more, (33..=48).collect::<Vec<_>>());
    }

    #[test]
    fn a_silent_gateway_gets_a_bounded_number_and_resends_get_rarer() {
        let (mut window, start) = (Window::new(), Instant::now());
        window.restart(1);
        let box_ = held(1, 500);
        assert_eq!(drain(&mut window, &box_, 501, start).len(), LIVE_MAX);
        let mut sent = Vec::new();
        for second in 1..=300 {
            let now = start + Duration::from_secs(second);
            let again = drain(&mut window, &box_, 501, now);
            if !again.is_empty() {
                sent.push((second, again.len()));
            }
        }
        assert_eq!(sent, [(10, 64), (30, 64), (70, 64), (150, 64), (270, 64)]);
        let now = start + Duration::from_mins(5);
        window.heard(now);
        assert!(drain(&mut window, &box_, 501, now).is_empty());
        assert_eq!(
            drain(&mut window, &box_, 501, now + RESEND_SOON).len(),
            LIVE_MAX
        );
    }

    #[test]
    fn every_record_is_sent_once_when_acks_come() {
        let (mut window, now) = (Window::new(), Instant::now());
        window.restart(201);
        let mut box_ = held(1, 400);
        let mut all = Vec::new();
        loop {
            let sent = drain(&mut window, &box_, 401, now);
            if sent.is_empty() {
                break;
            }
            for seq in &sent {
                box_.remove(*seq, *seq);
            }
            window.settle(&box_);
            all.extend(sent);
        }
        all.sort_unstable();
        assert_eq!(all, (1..=400).collect::<Vec<_>>());
        assert!(window.is_empty() && window.deadline().is_none());
    }
}
