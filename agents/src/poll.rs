//! One task for each device: asks, waits, and never believes silence.
//!
//! What comes in: a device's settings and its line. What goes out: for each poll one [`Polled`]
//! with a value or a reason for every register. A poll that is late delays the next one instead of
//! bursting; a device that does not answer is asked less and less often, up to [`BACK_OFF_MAX`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use wire::{Clocks, Quality};

use crate::clock::Clock;
use crate::config::Device;
use crate::decode::{Value, note, values};
use crate::modbus::{Line, ReadError};
use crate::plan::Block;
use crate::report::Heard;
use crate::throttle::Throttle;

/// A device that does not answer is asked at least this often.
const BACK_OFF_MAX: Duration = Duration::from_secs(10);

/// After so many requests of one poll without an answer the rest is not asked: each costs a
/// timeout. More than one, because some devices are silent about single unknown addresses.
const SILENT_MAX: usize = 2;

/// A request that was split because the device refused it as a whole is asked as a whole again
/// after this time: the refusal may have been about a moment.
const WHOLE_AGAIN: Duration = Duration::from_mins(10);

/// The outcome of one poll.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Polled {
    /// Index of the device in the configuration.
    pub(crate) device: usize,
    /// The clocks when the device answered first, or it was known that it does not: a busy line is
    /// waited for before.
    pub(crate) at: Clocks,
    /// A value or a reason for each register of the profile.
    pub(crate) values: Vec<Value>,
    /// Whether the device answered anything, if only an exception; else why not.
    pub(crate) answered: Result<(), Quality>,
}

/// Polls one device.
pub(crate) struct Poller {
    index: usize,
    device: Device,
    line: Arc<Line>,
    clock: Clock,
    /// The profile's requests; one that the device refuses as a whole is split for a while.
    blocks: Vec<Block>,
    /// When a request was split.
    split_at: Option<Instant>,
    throttle: Throttle<(u16, Quality)>,
    /// Polls without any answer, in a row.
    failures: u32,
}

impl Poller {
    pub(crate) fn new(index: usize, device: Device, line: Arc<Line>, clock: Clock) -> Self {
        Self {
            index,
            blocks: device.profile.blocks.clone(),
            split_at: None,
            device,
            line,
            clock,
            throttle: Throttle::new(),
            failures: 0,
        }
    }

    /// Polls until the token is cancelled or nobody listens any more.
    pub(crate) async fn run(mut self, out: mpsc::Sender<Heard>, stop: CancellationToken) {
        let polling = async {
            let mut ticks = interval(self.device.every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let polled = self.poll_once().await;
                let has_answered = polled.answered.is_ok();
                if out.send(Heard::Polled(polled)).await.is_err() {
                    return;
                }
                if has_answered {
                    self.failures = 0;
                } else {
                    self.failures = self.failures.saturating_add(1);
                    sleep(self.back_off()).await;
                }
            }
        };
        stop.run_until_cancelled(polling).await;
    }

    /// Reads everything once.
    pub(crate) async fn poll_once(&mut self) -> Polled {
        let mut at = None;
        let began = Instant::now();
        if self.split_at.is_some_and(|at| at + WHOLE_AGAIN <= began) {
            self.split_at = None;
            self.blocks.clone_from(&self.device.profile.blocks);
        }
        let profile = Arc::clone(&self.device.profile);
        let mut numbers: Vec<Value> = vec![Err(Quality::Other); profile.reads()];
        let mut has_answered = false;
        let mut silent = 0;
        let mut reason = Quality::Link;
        let mut blocks = std::mem::take(&mut self.blocks).into_iter();
        let mut kept = Vec::new();
        while let Some(block) = blocks.next() {
            if silent >= SILENT_MAX {
                note(&block, &profile, Err(reason), &mut numbers);
                kept.push(block);
                continue;
            }
            let answer = self.ask(&block).await;
            at.get_or_insert_with(|| self.clock.now());
            match answer {
                Ok(words) => {
                    has_answered = true;
                    note(&block, &profile, Ok(&words), &mut numbers);
                    kept.push(block);
                }
                Err(error) if is_about_parts(&error) && block.registers.len() > 1 => {
                    has_answered = true;
                    self.log(&block, &error);
                    self.split_at.get_or_insert(began);
                    // Ask for the parts at once, so that the wrong address is named.
                    let parts = block.split(|index| profile.read(index)).into_iter();
                    blocks = parts.chain(blocks).collect::<Vec<_>>().into_iter();
                }
                Err(error) => {
                    self.log(&block, &error);
                    let quality = error.quality();
                    if is_an_answer(quality) {
                        has_answered = true;
                    } else {
                        reason = quality;
                        // Without a connection there is nothing more to learn.
                        silent += if quality == Quality::Link {
                            SILENT_MAX
                        } else {
                            1
                        };
                    }
                    note(&block, &profile, Err(quality), &mut numbers);
                    kept.push(block);
                }
            }
        }
        self.blocks = kept;
        debug!(
            device = %self.device.name,
            duration_ms = began.elapsed().as_millis(),
            "polled"
        );
        Polled {
            device: self.index,
            at: at.unwrap_or_else(|| self.clock.now()),
            values: values(&profile, &numbers),
            answered: if has_answered { Ok(()) } else { Err(reason) },
        }
    }

    async fn ask(&self, block: &Block) -> Result<Vec<u16>, ReadError> {
        let answer = self.line.read(self.device.unit, block, self.device.timeout);
        let answer = answer.await;
        if !self.device.profile.pause.is_zero() {
            sleep(self.device.profile.pause).await;
        }
        answer
    }

    /// Full jitter: somewhere between nothing and twice the time of the last failure.
    fn back_off(&self) -> Duration {
        let doubled = self.device.every * 2_u32.saturating_pow(self.failures.min(10));
        doubled.min(BACK_OFF_MAX).mul_f64(rand::random())
    }

    fn log(&mut self, block: &Block, error: &ReadError) {
        if !self.throttle.permits((block.address, error.quality())) {
            return;
        }
        let (device, way) = (&self.device.name, &self.device.way);
        let (unit, profile) = (self.device.unit, &self.device.profile.name);
        let place = place(block);
        if is_about_parts(error) {
            warn!(
                "device {device} ({way}, unit {unit}) refuses {place}: {error}; \
                 is profile {profile} the right one for it?"
            );
        } else {
            warn!("device {device} ({way}, unit {unit}) does not give {place}: {error}");
        }
    }
}

/// Logs that a device began or ceased to answer.
pub(crate) fn log_change(device: &Device, answered: Result<(), Quality>) {
    match answered {
        Ok(()) => info!("device {} answers", device.name),
        Err(reason) => warn!(
            "device {} does not answer: {}",
            device.name,
            reason.as_str()
        ),
    }
}

/// Names a block as a person looks it up in a manual.
pub(crate) fn place(block: &Block) -> String {
    let first = block.address;
    let last = first.saturating_add(block.count.saturating_sub(1));
    let what = if block.function.is_bits() {
        "bit"
    } else {
        "register"
    };
    let code = block.function.code();
    if first == last {
        format!("{what} {first:#06x} (function {code})")
    } else {
        format!("{what}s {first:#06x} to {last:#06x} (function {code})")
    }
}

/// Exceptions 2 and 3 may be about one address of several; 1 is about the function, but some
/// devices send it for an address too.
fn is_about_parts(error: &ReadError) -> bool {
    use Quality::{IllegalAddress, IllegalFunction, IllegalValue};
    matches!(
        error.quality(),
        IllegalAddress | IllegalFunction | IllegalValue
    )
}

/// Exceptions of the device itself are answers; those of a gateway before it are not.
fn is_an_answer(quality: Quality) -> bool {
    use Quality::{DeviceUnreachable, Link, Nonsense, Timeout};
    !matches!(quality, Timeout | Link | Nonsense | DeviceUnreachable)
}

#[cfg(test)]
#[path = "poll/tests.rs"]
mod tests;
