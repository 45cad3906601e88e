//! Which readings are worth a message, and how many share one.
//!
//! What comes in: one [`Polled`] for each poll of each device, and which devices there are where that
//! changes. What goes out: records, at most one
//! of readings a second unless they are large, and events at once. A device's readings are
//! reported when one of them changed by more than its dead band or became good or bad, when the
//! device reports every poll, or when nothing was reported for `report_every`.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use wire::{Bad, Clocks, Event, Record, RecordBody, Series};

use crate::clock::Clock;
use crate::config::Device;
use crate::decode::Value;
use crate::poll::{Polled, log_change};

/// Records of readings are made at most this often, so that the outbox is synced to disk at most
/// this often.
const PERIOD: Duration = Duration::from_secs(1);

/// After the first reading the others of the same moment are waited for.
const GATHER: Duration = Duration::from_millis(100);

/// Values in one record, good or bad.
const VALUES_MAX: usize = 4_096;

/// Bytes of readings in one record, estimated from above: what is added at last fits below the
/// wire's limit, too.
const BYTES_MAX: usize = wire::PAYLOAD_BYTES_MAX * 3 / 4;

/// A device is announced as reachable or not at most this often, so that a loose plug does not
/// fill the outbox with events.
const ANNOUNCE_MS_MIN: i64 = 5_000;

/// What the reporter hears.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A poll.
    Polled(Polled),
    /// A device by its index: it is new, or another one than before.
    Device(usize, Box<Device>),
    /// A device is polled no more. What waits is still reported.
    Gone(usize),
}

/// One poll's values, waiting for the next record.
#[derive(Debug)]
struct Row {
    at: Clocks,
    values: Vec<Value>,
}

/// What is known of one device.
#[derive(Debug)]
struct Channelled {
    device: Device,
    reported: Option<Row>,
    /// Whether it answered at the last announcement, and when that was.
    announced: Option<(bool, i64)>,
    waiting: Vec<Row>,
    /// Nothing more comes of it.
    is_gone: bool,
}

/// Decides what is reported. Pure: time comes with the readings.
#[derive(Debug)]
pub(crate) struct Reporter {
    devices: BTreeMap<usize, Channelled>,
    report_every: Duration,
    values: usize,
    bytes: usize,
}

impl Reporter {
    pub(crate) fn new(devices: &[Device], report_every: Duration) -> Self {
        let mut reporter = Self {
            devices: BTreeMap::new(),
            report_every,
            values: 0,
            bytes: 0,
        };
        for (index, device) in devices.iter().enumerate() {
            reporter.put(index, device.clone());
        }
        reporter
    }

    /// Takes whatever comes; returns an event if a device began or ceased to answer.
    pub(crate) fn hear(&mut self, heard: Heard) -> Option<Event> {
        match heard {
            Heard::Polled(polled) => return self.offer(polled),
            Heard::Device(index, device) => self.put(index, *device),
            Heard::Gone(index) => {
                if let Some(one) = self.devices.get_mut(&index) {
                    one.is_gone = true;
                }
                self.forget_gone();
            }
        }
        None
    }

    fn put(&mut self, index: usize, device: Device) {
        let one = Channelled {
            device,
            reported: None,
            announced: None,
            waiting: Vec::new(),
            is_gone: false,
        };
        self.devices.insert(index, one);
    }

    fn forget_gone(&mut self) {
        self.devices
            .retain(|_, one| !one.is_gone || !one.waiting.is_empty());
    }

    /// Takes a poll; returns an event if the device began or ceased to answer.
    pub(crate) fn offer(&mut self, polled: Polled) -> Option<Event> {
        let one = self.devices.get_mut(&polled.device)?;
        let event = one.announce(&polled);
        let row = Row {
            at: polled.at,
            values: polled.values,
        };
        if one.is_due(&row, self.report_every) {
            self.values += row.values.len();
            self.bytes += one.bytes_of(&row);
            one.reported = Some(Row {
                at: row.at,
                values: row.values.clone(),
            });
            one.waiting.push(row);
        }
        event
    }

    /// Returns true if readings wait for a record.
    pub(crate) fn is_waiting(&self) -> bool {
        self.values > 0
    }

    /// Returns true if no more readings should share the next record.
    pub(crate) fn is_full(&self) -> bool {
        self.values >= VALUES_MAX || self.bytes >= BYTES_MAX
    }

    /// Takes what waits as the body of one record that is made at `now`.
    pub(crate) fn take(&mut self, now: Clocks) -> Vec<Series> {
        self.values = 0;
        self.bytes = 0;
        let devices = self.devices.values_mut();
        let series = devices.filter_map(|one| one.take(now)).collect();
        self.forget_gone();
        series
    }
}

impl Channelled {
    fn announce(&mut self, polled: &Polled) -> Option<Event> {
        let is_reachable = polled.answered.is_ok();
        let now = polled.at.mono_ms;
        let is_news = self.announced.is_none_or(|(before, at)| {
            before != is_reachable && now.saturating_sub(at) >= ANNOUNCE_MS_MIN
        });
        if !is_news {
            return None;
        }
        self.announced = Some((is_reachable, now));
        log_change(&self.device, polled.answered);
        Some(Event::Device {
            device: self.device.name.clone(),
            reachable: is_reachable,
            reason: polled.answered.err().unwrap_or(wire::Quality::Good),
        })
    }

    fn is_due(&self, row: &Row, report_every: Duration) -> bool {
        let Some(last) = &self.reported else {
            return true;
        };
        if self.device.always {
            return true;
        }
        let elapsed = row.at.mono_ms.saturating_sub(last.at.mono_ms);
        // The next poll would be later than the report is due: this one is nearer.
        let half = i64::try_from(self.device.every.as_millis() / 2).unwrap_or(0);
        let due = i64::try_from(report_every.as_millis()).unwrap_or(i64::MAX);
        if elapsed.saturating_add(half) >= due {
            return true;
        }
        let pairs = row.values.iter().zip(&last.values);
        pairs
            .zip(&self.device.dead_band)
            .any(|((new, old), band)| match (new, old) {
                (Ok(new), Ok(old)) => (new - old).abs() > *band,
                (new, old) => new != old,
            })
    }

    /// Returns the most bytes that a row adds to a record: a number has 24 digits at most, and a
    /// reason is `{"channel":63,"at":4095,"reason":"device_unreachable"}`.
    fn bytes_of(&self, row: &Row) -> usize {
        let values = row.values.iter();
        let values: usize = values
            .map(|value| if value.is_ok() { 25 } else { 64 })
            .sum();
        let names = self.device.profile.registers.iter();
        let names: usize = names.map(|one| one.channel.as_str().len() + 5).sum();
        let head = if self.waiting.is_empty() {
            128 + self.device.instrument.as_str().len() + names
        } else {
            0
        };
        head + 21 + values
    }

    fn take(&mut self, now: Clocks) -> Option<Series> {
        let mut rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return None;
        }
        rows.sort_by_key(|row| row.at.mono_ms);
        let registers = &self.device.profile.registers;
        let mut series = Series {
            key: self.device.instrument.clone(),
            offsets_ms: rows
                .iter()
                .map(|row| row.at.mono_ms - now.mono_ms)
                .collect(),
            channels: registers.iter().map(|one| one.channel.clone()).collect(),
            values: Vec::new(),
            bad: Vec::new(),
        };
        for channel in 0..registers.len() {
            let mut column = Vec::with_capacity(rows.len());
            for (at, row) in rows.iter().enumerate() {
                let value = row.values.get(channel).copied();
                match value.unwrap_or(Err(wire::Quality::Other)) {
                    Ok(value) => column.push(Some(value)),
                    Err(reason) => {
                        column.push(None);
                        series.bad.push(Bad {
                            channel,
                            at,
                            reason,
                        });
                    }
                }
            }
            series.values.push(column);
        }
        Some(series)
    }
}

/// Turns polls into records until the pollers are gone, then reports what is left.
pub(crate) async fn run(
    mut reporter: Reporter,
    clock: Clock,
    mut polls: mpsc::Receiver<Heard>,
    records: mpsc::Sender<Vec<Record>>,
) {
    let mut flushed = Instant::now()
        .checked_sub(PERIOD)
        .unwrap_or_else(Instant::now);
    let mut flush_at: Option<Instant> = None;
    loop {
        let due = flush_at.unwrap_or_else(Instant::now);
        let mut batch = Vec::new();
        let is_over = tokio::select! {
            polled = polls.recv() => match polled {
                Some(heard) => {
                    let event = reporter.hear(heard).map(RecordBody::Event);
                    batch.extend(event.map(|body| record(&clock, body)));
                    false
                }
                None => true,
            },
            () = sleep_until(due), if flush_at.is_some() => false,
        };
        let now = Instant::now();
        if reporter.is_waiting() && flush_at.is_none() {
            flush_at = Some((now + GATHER).max(flushed + PERIOD));
        }
        if is_over || reporter.is_full() || flush_at.is_some_and(|due| due <= now) {
            flush_at = None;
            flushed = now;
            let at = clock.now();
            let series = reporter.take(at);
            if !series.is_empty() {
                batch.push(Record {
                    boot: clock.boot().clone(),
                    at,
                    body: RecordBody::Series(series),
                });
            }
        }
        if !batch.is_empty() && records.send(batch).await.is_err() {
            return;
        }
        if is_over {
            return;
        }
    }
}

fn record(clock: &Clock, body: RecordBody) -> Record {
    Record {
        boot: clock.boot().clone(),
        at: clock.now(),
        body,
    }
}

#[cfg(test)]
#[path = "report/tests.rs"]
mod tests;
